"""The source format: what is read, and what each fault is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from servelab.course.notebooks import to_notebook
from servelab.course.percent import SourceError, read_lab
from servelab.errors import CourseError
from servelab.grading.handed_in import asked_for
from servelab.grading.session import seconds_of

HEADER = "# ---\n# title: T\n# minutes: 5\n# objectives: O\n# ---\n"


def lab(tmp_path: Path, text: str):
    path = tmp_path / "solutions" / "01-x" / "01-x.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return read_lab(path)


def test_a_date_in_the_header_is_text(tmp_path: Path) -> None:
    assert lab(tmp_path, HEADER.replace("title: T", "title: 2024-13-45")).title == "2024-13-45"


def test_cells_carry_role_id_points_and_lines(tmp_path: Path) -> None:
    text = (
        HEADER + '# %% [markdown]\n# # Hello\n#\n# you\n\n# %% tags=["check"] id="a-b" points=2.5\n\nx = 1\n'
    )
    read = lab(tmp_path, text)
    assert (read.title, read.minutes, read.objectives, read.name) == ("T", 5, "O", "01-x")
    prose, check = read.cells
    assert (prose.kind, prose.source, prose.line, prose.body_line) == ("markdown", "# Hello\n\nyou", 6, 7)
    assert (check.role, check.id, check.points, check.source) == ("check", "a-b", 2.5, "x = 1")
    assert (check.line, check.body_line) == (11, 13)


def test_what_is_handed_in_and_how_long_a_check_may_take(tmp_path: Path) -> None:
    """Both go into the notebook's metadata, where grading finds them."""
    header = HEADER.replace("O\n", "O\n# hands_in: [adapter/a.json, b.bin]\n")
    text = (
        header + '# %% tags=["answer"] id="a"\nx = 1\n\n# %% tags=["check"] id="b" points=1 seconds=90\nx\n'
    )
    read = lab(tmp_path, text)
    assert read.hands_in == ("adapter/a.json", "b.bin") and [c.seconds for c in read.cells] == [None, 90]
    notebook = to_notebook(read, tmp_path)
    assert asked_for(notebook) == ("adapter/a.json", "b.bin")
    assert [seconds_of(cell) for cell in notebook.cells[:2]] == [None, 90]
    assert asked_for(to_notebook(replace(read, hands_in=()), tmp_path)) == ()


def test_magics_are_written_as_comments(tmp_path: Path) -> None:
    body = "# %% \n# %load_ext servelab\n# !ls\nif 1:\n    # %pip list\n    pass\n# 100 % of it\n"
    assert lab(tmp_path, HEADER + body).cells[0].source == (
        "%load_ext servelab\n!ls\nif 1:\n    %pip list\n    pass\n# 100 % of it"
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = 1\n", 1, "no header"),
        ("# ---\n# title: T\n", 1, "the header does not end"),
        ("# ---\n# title: [\n# ---\n", 2, "the header is not YAML"),
        (
            "# ---\n# title: T\n# minutes: !!int soon\n# ---\n",
            3,
            "the header is not YAML ('soon' is not of the kind int)",
        ),
        (
            HEADER.replace("objectives: O", "title: U"),
            4,
            "the header is not YAML (the key 'title' stands twice",
        ),
        (HEADER.replace("# minutes: 5\n", ""), 1, "the header needs `minutes`"),
        (HEADER.replace("minutes: 5", "minutes: an hour"), 1, "the header needs `minutes`"),
        (HEADER.replace("# title: T\n", ""), 1, "the header needs `title`"),
        (HEADER.replace("objectives: O", "objectives: O\n# author: me"), 1, "unknown in the header: author"),
        (HEADER + "x = 1\n", 6, "text before the first cell"),
        (HEADER + "# %% [markdown]\nhello\n", 7, "must begin with `# `"),
        (HEADER + '# %% tags=["chekc"]\n', 6, "tags must be one of setup, live"),
        (HEADER + '# %% tags=["live", "check"]\n', 6, "tags must be one of"),
        (HEADER + '# %% id="A b"\n', 6, "id must be lower-case"),
        (HEADER + f'# %% id="{"a" * 41}"\n', 6, "longer than 40"),
        (HEADER + "# %% points=-1\n", 6, "points must be a number above 0"),
        (HEADER + "# %% points=true\n", 6, "points must be a number above 0"),
        (HEADER + '# %% tags=["check"] seconds=0\n', 6, "seconds, for a check that needs longer"),
        (HEADER + '# %% tags=["check"] seconds=1.5\n', 6, "seconds, for a check that needs longer"),
        (HEADER + '# %% tags=["answer"] seconds=60\n', 6, "seconds, for a check that needs longer"),
        (HEADER.replace("O\n", "O\n# hands_in: a/b\n"), 1, "hands_in is a list of files below"),
        (HEADER.replace("O\n", "O\n# hands_in: [../b]\n"), 1, "hands_in is a list of files below"),
        (HEADER.replace("O\n", "O\n# hands_in: [/b]\n"), 1, "hands_in is a list of files below"),
        (HEADER.replace("O\n", "O\n# hands_in: [a/.b]\n"), 1, "hands_in is a list of files below"),
        (HEADER.replace("O\n", "O\n# hands_in: [a//b]\n"), 1, "hands_in is a list of files below"),
        (HEADER.replace("O\n", "O\n# hands_in: [3]\n"), 1, "hands_in is a list of files below"),
        (HEADER + "# %% color=1\n", 6, "unknown: color"),
        (HEADER + "# %% a heading\n", 6, "cannot read `a heading`"),
        (HEADER + "# %% id=ttft\n", 6, "cannot read"),
        (HEADER + '# %% quiz="a/b" points=2\n', 6, "a quiz cell has no other attribute"),
        (HEADER + '# %% quiz="a/b"\nx = 1\n', 7, "a quiz cell holds no text"),
    ],
)
def test_faults_name_file_line_and_remedy(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        lab(tmp_path, text)
    assert any(
        p.startswith(f"solutions/01-x/01-x.py:{line}: ") and message in p for p in caught.value.problems
    ), caught.value.problems


def test_missing_and_undecodable_sources_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="does not exist"):
        read_lab(tmp_path / "01-none.py")
    bad = tmp_path / "01-bad.py"
    bad.write_bytes(b"# ---\n\xff\n")
    with pytest.raises(CourseError, match=r"not UTF-8 text \(byte 6\)"):
        read_lab(bad)
