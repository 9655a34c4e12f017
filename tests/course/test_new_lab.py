"""A new lab builds, is proved, and refuses what would spoil another one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from course_kit import REPOSITORY
from servelab.course import build
from servelab.course.new_lab import new_lab
from servelab.course.percent import read_lab
from servelab.errors import CourseError

NAME = "14-promises"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course's sources and banks, without what is built or recorded."""
    root = tmp_path / "course"
    for source in REPOSITORY.glob("solutions/*/*.py"):
        (root / source.relative_to(REPOSITORY)).parent.mkdir(parents=True)
        shutil.copy(source, root / source.relative_to(REPOSITORY))
    shutil.copytree(REPOSITORY / "quizzes", root / "quizzes")
    for name in ("nbgrader_config.py", "README.md"):
        shutil.copy(REPOSITORY / name, root)
    return root


def test_a_new_lab_is_built_at_once_and_stands_in_the_map(course: Path) -> None:
    """That it is proved at once too, the test of the lab author's guide shows."""
    new_lab(course, NAME, title="Promises: kept or not", minutes=45)
    changed = build(course, only=[NAME])
    assert changed == [
        f"wrote solutions/{NAME}/{NAME}.ipynb",
        f"wrote labs/{NAME}/{NAME}.ipynb",
        "wrote README.md",
    ]
    row = next(line for line in (course / "README.md").read_text().splitlines() if NAME in line)
    assert row.endswith("| 2 cores, 6 GB | 45 |")
    assert "BEGIN SOLUTION" not in (course / "labs" / NAME / f"{NAME}.ipynb").read_text()


def test_it_has_what_the_course_asks_of_a_lab(course: Path) -> None:
    source, answers = new_lab(
        course, NAME, title="Kept", minutes=50, quizzes=["llms-in-production/first-text"]
    )
    lab = read_lab(source)
    roles = [cell.role for cell in lab.cells]
    assert roles.count("answer") == 1 and roles.count("check") == 2 and roles.count("live") >= 2
    assert sum(cell.compared for cell in lab.cells) >= 5
    assert [cell.quiz for cell in lab.cells if cell.quiz] == ["llms-in-production/first-text"]
    assert any("charts." in cell.source for cell in lab.cells if cell.role == "live")
    steps = [int(minutes) for minutes in re.findall(r"^\| \d \| .* \| (\d+) \|$", lab.cells[1].source, re.M)]
    assert sum(steps) == lab.minutes == 50
    assert answers.parent.name == NAME and answers.read_text().count("# %% wrong") >= 3


def test_a_title_that_yaml_would_misread_is_quoted(course: Path) -> None:
    source, _ = new_lab(course, NAME, title='Yes: "no" # 1', minutes=30, objectives="on", builds="- a list")
    lab = read_lab(source)
    assert (lab.title, lab.objectives, lab.builds) == ('Yes: "no" # 1', "on", "- a list")


@pytest.mark.parametrize(
    ("name", "given", "what"),
    [
        ("promises", {}, "is no name for a lab"),
        ("14-Promises", {}, "is no name for a lab"),
        ("../14-promises", {}, "is no name for a lab"),
        ("04-promises", {}, "Number 04 is taken by 04-streaming"),
        (NAME, {"title": " "}, "has a title"),
        (NAME, {"minutes": 3}, "ten minutes"),
        (NAME, {"quizzes": ["llms-in-production/nothing"]}, "nothing"),
    ],
)
def test_what_would_spoil_something_is_refused(course: Path, name: str, given: dict, what: str) -> None:
    before = sorted(course.rglob("*"))
    with pytest.raises(CourseError, match=re.escape(what)):
        new_lab(course, name, **{"title": "T", "minutes": 30, **given})
    assert sorted(course.rglob("*")) == before


def test_nothing_is_written_over_or_into_a_students_copy(course: Path) -> None:
    (course / "tests" / "answers" / NAME).mkdir(parents=True)
    with pytest.raises(CourseError, match="exists already"):
        new_lab(course, NAME, title="T", minutes=30)
    assert not (course / "solutions" / NAME).exists()
    shutil.rmtree(course / "solutions")
    with pytest.raises(CourseError, match="not in a copy for students"):
        new_lab(course, NAME, title="T", minutes=30)


def test_its_recorded_answers_are_laid_out_for_reading(course: Path) -> None:
    """What is copied from the templates is as tidy as what stands in the repository."""
    for path in new_lab(course, NAME, title="T", minutes=30):
        text = path.read_text()
        assert "{{" not in text and "{%" not in text and "\n\n\n\n" not in text
        assert max(map(len, text.splitlines())) <= 180
