"""What nbgrader saves of a submission is saved whole or not at all, and counts what the notebook counts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cells import LAB, total
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters import autograde as converter
from nbgrader.preprocessors import AssignLatePenalties
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all
from servelab.grading.transaction import transaction


@pytest.fixture(autouse=True)
def alembic(monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader makes a new gradebook by a command of this name."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)


def students(url: str) -> list[str]:
    with Gradebook(url, "c") as gradebook:
        return [student.id for student in gradebook.students]


def test_all_or_nothing(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    with transaction(url, "c") as gradebook:
        with converter.Gradebook(url, "c") as theirs:
            assert theirs is gradebook
            theirs.add_student("ada")
        assert gradebook.find_student("ada").id == "ada" and students(url) == []
    assert students(url) == ["ada"]
    with pytest.raises(ZeroDivisionError), transaction(url, "c"):
        with converter.Gradebook(url, "c") as theirs:
            theirs.add_student("bob")
        _ = 1 / 0
    assert students(url) == ["ada"]
    assert converter.Gradebook is Gradebook


def test_another_gradebook_is_another(tmp_path: Any) -> None:
    with transaction(f"sqlite:///{tmp_path}/one.db", "c") as one:
        with converter.Gradebook(f"sqlite:///{tmp_path}/two.db", "c") as two:
            two.add_student("ada")
        with pytest.raises(MissingEntry):
            one.find_student("ada")
    assert students(f"sqlite:///{tmp_path}/two.db") == ["ada"]


@pytest.mark.slow
def test_half_a_submission_is_never_saved(
    room: Classroom, config: Any, answering: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.hand_in(LAB, "ada", nbformat.writes(answering()))

    def fails(*_: Any) -> None:
        raise RuntimeError("the last step fails")

    monkeypatch.setattr(AssignLatePenalties, "preprocess", fails)
    assert grade_all(config, LAB).failed == {"ada": "the last step fails"}
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        grades = gradebook.find_submission_notebook(LAB, LAB, "ada").grades
        assert len(grades) == 5 and {grade.auto_score for grade in grades} == {None}
    monkeypatch.undo()
    assert grade_all(config, LAB).graded == 1 and total(room, "ada") == 9


@pytest.mark.slow
def test_a_notebook_changed_since_its_generation_is_named(
    room: Classroom, config: Any, answering: Any
) -> None:
    path = room.folder / "solutions" / LAB / f"{LAB}.ipynb"
    source = nbformat.read(path, 4)
    next(cell for cell in source.cells if cell.id == "mean-check").metadata.nbgrader.points = 50
    nbformat.write(source, path)
    room.hand_in(LAB, "ada", nbformat.writes(answering()))
    result = grade_all(config, LAB)
    assert "run `nbgrader generate_assignment 01-small --force`" in result.failed["ada"]
    assert result.graded == 0 and not (room.folder / "gradebook/autograded/ada" / LAB).exists()
    room.nbgrader("generate_assignment", LAB, "--force")
    assert grade_all(config, LAB).graded == 1 and total(room, "ada") == 57
    assert Autograde.grades_everything


@pytest.mark.slow
def test_a_submission_is_graded_with_few_commits(room: Classroom, config: Any, answering: Any) -> None:
    from servelab.grading.bench import _commits

    room.hand_in(LAB, "ada", nbformat.writes(answering()))
    with _commits() as commits:
        grade_all(config, LAB)
    assert len(commits) <= 12
