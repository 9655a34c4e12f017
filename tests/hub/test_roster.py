"""Rosters as people write them and as platforms export them."""

from __future__ import annotations

from pathlib import Path

import pytest
from servelab.errors import CourseError
from servelab.hub import roster


def read(tmp_path: Path, content: str | bytes) -> list[roster.Student]:
    path = tmp_path / "roster.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return roster.read(path)


def test_plain(tmp_path: Path) -> None:
    ada, bob = read(tmp_path, "id,first_name,last_name,email\nada,Ada,Lovelace,ada@x.org\nBob,Bob,Byte,\n")
    assert (ada.login, ada.name, ada.email, ada.lms_id) == ("ada", "Ada Lovelace", "ada@x.org", "ada")
    assert bob.login == "bob", "logins are in lower case"


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (123)
    Points Possible,,,,,10
"Lovelace, Ada",4711,S1,alove,Sec 1,
"Byte, Bob",4712,S2,bbyte,Sec 1,8
"Student, Test",99,,,,
"""
MOODLE = "First name;Last name;ID number;Email address\nZoë;Müller;s-77;zoe@x.org\n"


def test_canvas(tmp_path: Path) -> None:
    ada, bob = read(tmp_path, CANVAS)
    assert (ada.login, ada.lms_id, ada.first_name, ada.last_name) == ("alove", "4711", "Ada", "Lovelace")
    assert bob.login == "bbyte", "no points and no test student among them"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_moodle_with_semicolons(tmp_path: Path, encoding: str) -> None:
    (zoe,) = read(tmp_path, MOODLE.encode(encoding))
    assert (zoe.login, zoe.name, zoe.email) == ("s-77", "Zoë Müller", "zoe@x.org")


def test_line_breaks_blank_lines_and_windows(tmp_path: Path) -> None:
    students = read(tmp_path, '\r\n ID \tName\r\n1\t"Ada\nLovelace"\r\n\r\n2\tBob Byte\r\n')
    assert [(s.login, s.line) for s in students] == [("1", 4), ("2", 6)]
    assert (students[1].first_name, students[1].last_name) == ("Bob", "Byte")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("id,email\n", "names nobody"),
        ("colour,size\nred,1\n", "line 1: no column says who"),
        ("id\nada\nAda\n", "line 3: 'ada' stands in line 2"),
        ("id,first_name\nada,A\n,B\n", "line 3: the id is missing"),
        ("id\na+b\n", "line 2: the id 'a+b' cannot be a login"),
        ("id\n../x\n", "cannot be a login"),
        ("id\nroot\n", "is a name of the Hub's own"),
        ("id\ninstructor\n", "is a name of the Hub's own"),
        ("id,email\nada,nowhere\n", "line 2: 'nowhere' is no email"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(CourseError) as caught:
        read(tmp_path, text)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="cannot be read"):
        roster.read(tmp_path / "none.csv")
