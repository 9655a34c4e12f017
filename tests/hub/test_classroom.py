"""Making a class and taking it apart: accounts, folders, passwords; and a student's box, from inside."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
from pathlib import Path

import pytest
from class_kit import COURSE_ID, LAB, School, needs_root
from conftest import servelab
from servelab.errors import CourseError
from servelab.grading.handed_in import CLASS_ACCOUNT
from servelab.hub import accounts, box, classroom, roster, running
from servelab.hub.people import Folder


def inside(school: School, login: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script as a student, in their own box."""
    folder = Folder(school.root)
    person = folder.load().students[login]
    return subprocess.run(
        box.command(person, folder, ["bash", "-c", script]),
        env=box.home_environment(person) | {"SERVELAB_RUN": school.run_id, "SERVELAB_PROFILE": "scripted"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_root
@pytest.mark.slow
def test_a_class_grows_and_ends(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in school.env.items():
        monkeypatch.setenv(name, value)
    folder = Folder()
    with pytest.raises(CourseError, match="There is no class"):
        folder.load()
    first = classroom.enrol(folder, roster.read(school.roster(f"{school.ada},Ada,=Love,ada@example.org")))
    assert first.new == [school.ada] and first.known == []
    before = school.passwords()
    assert set(before) == {"instructor", school.ada}
    # Cut off when the account was made and nothing was written down: the next call takes it up.
    accounts.make(accounts.name_for(school.bob, set()), school.bob, str(folder.home(school.bob)))
    second = classroom.enrol(folder, roster.read(school.roster(f"{school.bob},Bob,Byte,")))
    assert len(school.accounts()) == 2
    assert (second.new, second.known, second.missing) == ([school.bob], [], [school.ada])
    third = classroom.enrol(folder, roster.read(school.roster()))
    assert (third.new, third.missing) == ([], []) and school.passwords() | before == school.passwords()

    people = folder.load().students
    account = pwd.getpwnam(people[school.ada].account)
    assert account.pw_gecos == CLASS_ACCOUNT + school.ada and account.pw_shell.endswith("nologin")
    modes = {
        folder.office: 0o700,
        folder.root: 0o700,
        folder.passwords: 0o600,
        folder.root / "people.json": 0o600,
        folder.home(school.ada): 0o700,
        folder.work(school.ada): 0o700,
        school.inbound: 0o3733,
    }
    assert {place: stat.S_IMODE(place.stat().st_mode) for place in modes} == modes
    assert before[school.ada] not in (folder.root / "people.json").read_text(), "hashes only"
    fresh = classroom.new_password(folder, school.ada)
    assert fresh == school.passwords()[school.ada] != before[school.ada]
    with pytest.raises(CourseError, match="Nobody in the class is called 'zed'"):
        classroom.new_password(folder, "zed")

    running.refresh_release(folder)
    look_from_inside(school)

    (folder.work(school.ada) / "mine.txt").write_text("mine")
    assert classroom.remove(folder, [school.ada]) == [school.ada]
    assert accounts.find(people[school.ada].account) is None
    kept = folder.work(school.ada) / "mine.txt"
    assert kept.read_text() == "mine" and kept.parent.stat().st_uid == folder.course.stat().st_uid
    with pytest.raises(CourseError, match="Nobody in the class"):
        classroom.remove(folder, [school.ada])

    # Somebody else's account of that name is never touched.
    bob = people[school.bob].account
    subprocess.run(["usermod", "--comment", "a person", bob], check=True)
    with pytest.raises(CourseError, match="not the one that this class made"):
        classroom.remove(folder)
    assert accounts.find(bob) is not None
    with pytest.raises(CourseError, match="There is no account for"):
        running.start(folder, running.Settings(port=school.port))
    subprocess.run(["usermod", "--comment", CLASS_ACCOUNT + school.bob, bob], check=True)
    assert classroom.remove(folder, files=True) == [school.bob]
    assert not folder.root.exists() and school.accounts() == []


def look_from_inside(school: School) -> None:
    """What a student's programs can do, and cannot."""
    done = inside(
        school,
        school.ada,
        f"id -un; pwd; cat /course/labs/{LAB}/{LAB}.ipynb | wc -c; echo hi > /course/work/x",
    )
    assert done.returncode == 0 and done.stdout.split()[:2] == [school.ada, "/course/work"], done.stderr
    assert (Folder(school.root).work(school.ada) / "x").read_text() == "hi\n"
    for refused in (
        f"cat {school.root}/solutions/{LAB}/{LAB}.py",
        f"cat {school.office}/gradebook.db",
        f"ls {school.office}/class",
        f"ls /home/{school.bob}",
        f"ls /exchange/{COURSE_ID}/inbound",
        f"mv /exchange/{COURSE_ID} /exchange/mine",
        "touch /course/labs/mine",
        "mount -t tmpfs none /mnt",
        "kill -0 1",
        "cat /proc/1/environ",
    ):
        done = inside(school, school.ada, refused)
        assert done.returncode != 0, f"{refused}: {done.stdout[:200]}"
    own = f"mkdir -p {LAB} && cp /course/labs/{LAB}/{LAB}.ipynb {LAB}/ && servelab check 01 --json | tail -1"
    done = inside(school, school.ada, own)
    assert json.loads(done.stdout)["visible_only"], "servelab check makes its own sandbox in the box"
    # A link where the box has a mount leads nowhere: the folder above is not the student's.
    done = inside(school, school.ada, f"rm -rf ~/.cache; ln -s {school.root} ~/.cache; ls ~/.cache/solutions")
    assert done.returncode != 0
    assert inside(school, school.ada, f"ls ~/.cache/solutions; ls {school.root}").returncode != 0


def test_it_says_that_it_needs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CourseError, match="needs root") as caught:
        accounts.require_root()
    assert "\n" not in str(caught.value)


def test_account_names() -> None:
    name = accounts.name_for("ada.lovelace@example.org", set())
    assert name == "class-ada-lovelace-example-org"
    assert accounts.name_for("ada.lovelace@example.org", {name}) == f"{name}-2"[:32]
    long = accounts.name_for("x" * 64, set())
    assert len(long) == 32 and len(accounts.name_for("x" * 64, {long})) == 32
    assert accounts.name_for("1234567", set()) == "class-1234567"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("init", "none.csv"), "cannot be read"),
        (("remove",), "Name the students to remove"),
        (("grades", "--weight", "x"), "is no weight"),
        (("hand-in", "99", "x.zip"), "The labs are"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    done = servelab("class", *arguments)
    assert done.returncode == 2 and part in done.stderr
    assert done.stderr.strip().count("\n") == 0 and "Traceback" not in done.stderr + done.stdout
