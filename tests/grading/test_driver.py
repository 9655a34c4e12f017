"""`servelab grade` and nbgrader's own commands: whatever was handed in gets the grade that it deserves, once."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from cells import LAB, total
from servelab.errors import CourseError
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all

pytestmark = pytest.mark.slow


def text(notebook: Any) -> str:
    return nbformat.writes(notebook)


def hand_in_everything(room: Classroom, answering: Any) -> dict[str, float]:
    """Submissions of many kinds; returns what each deserves."""
    full = answering()
    wrong = answering(total="def total(values): return 0")
    room.hand_in(LAB, "full", text(full))
    room.hand_in(LAB, "wrong", text(wrong))
    room.hand_in(LAB, "empty", "")
    room.hand_in(LAB, "not-json", "{{{")
    room.hand_in(
        LAB, "another-notebook", text(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]))
    )
    room.hand_in(LAB, "a-list", "[]")
    room.hand_in(LAB, "huge", text(full)[:-1] + " " * 30_000_000)
    room.hand_in(LAB, "dies", text(answering(mean="import os\nos._exit(1)")))
    stripped = answering()
    for cell in stripped.cells:
        cell.metadata = {}
    room.hand_in(LAB, "stripped", text(stripped))
    twice = answering()
    twice.cells.append(twice.cells[3].copy())
    twice.cells[-1].id = "again"
    room.hand_in(LAB, "twice", text(twice))
    edited = answering(mean="def mean(values): return 3")
    for cell in edited.cells:
        if cell.id.endswith("check"):
            cell.source = "pass"
            cell.metadata.nbgrader.points = 100
    room.hand_in(LAB, "edited-checks", text(edited))
    renamed = room.submitted(LAB, "renamed")
    renamed.parent.mkdir(parents=True)
    (renamed.parent / "Copy of 01-small (1).ipynb").write_text(text(full))
    room.submitted(LAB, "nothing").parent.mkdir(parents=True)
    link = room.submitted(LAB, "a-link")
    link.parent.mkdir(parents=True)
    link.symlink_to(room.submitted(LAB, "full"))
    zero = ("empty", "not-json", "another-notebook", "a-list", "huge", "nothing", "a-link")
    return {
        "full": 9, "wrong": 5, "dies": 5, "stripped": 9, "twice": 9, "edited-checks": 5, "renamed": 9, **dict.fromkeys(zero, 0)
    }  # fmt: skip


def test_nbgraders_own_command_grades_whatever_was_handed_in(room: Classroom, answering: Any) -> None:
    deserved = hand_in_everything(room, answering)
    room.nbgrader("autograde", LAB)
    assert {student: total(room, student) for student in deserved} == deserved
    verdict = json.loads((room.folder / "gradebook/autograded/not-json" / LAB / "verdict.json").read_text())
    assert "not a notebook" in verdict["notes"][0] and str(room.folder) not in verdict["notes"][0]
    room.nbgrader("export", "--to", str(room.folder / "grades.csv"))
    assert "renamed" in (room.folder / "grades.csv").read_text()


def test_the_driver_gives_the_same_and_grades_nothing_twice(
    room: Classroom, config: Any, answering: Any
) -> None:
    deserved = hand_in_everything(room, answering)
    result = grade_all(config, LAB, jobs=2)
    assert result.failed == {} and (result.graded, result.submissions) == (len(deserved), len(deserved))
    assert {student: total(room, student) for student in deserved} == deserved
    nothing = {
        key: ["nothing to grade"] for key in ("empty", "not-json", "a-list", "huge", "nothing", "a-link")
    }
    repaired = {key: ["repaired"] for key in ("stripped", "renamed", "another-notebook")}
    assert result.flagged == nothing | repaired | {
        "dies": ["kernel died"], "edited-checks": ["checks edited"]
    }  # fmt: skip
    again = grade_all(config, LAB, jobs=2)
    assert (again.graded, again.unchanged) == (0, len(deserved))
    room.hand_in(LAB, "wrong", text(answering()))
    third = grade_all(config, LAB, jobs=2)
    assert (third.graded, total(room, "wrong")) == (1, 9)


def test_manual_scores_survive_a_resubmission_and_are_flagged(
    room: Classroom, config: Any, answering: Any
) -> None:
    from nbgrader.api import Gradebook

    room.hand_in(LAB, "ada", text(answering(total="def total(v): return 1")))
    grade_all(config, LAB)
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        grade = gradebook.find_grade("why", LAB, LAB, "ada")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        gradebook.db.commit()
    room.hand_in(LAB, "ada", text(answering()))
    grade_all(config, LAB)
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        grade = gradebook.find_grade("why", LAB, LAB, "ada")
        assert (grade.manual_score, grade.needs_manual_grade) == (2.5, True)
        assert gradebook.find_submission(LAB, "ada").score == 9 + 2.5


def test_a_dask_cluster_gives_the_same(room: Classroom, config: Any, answering: Any) -> None:
    from distributed import LocalCluster

    deserved = hand_in_everything(room, answering)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        result = grade_all(config, LAB, scheduler=cluster.scheduler_address)
    assert result.failed == {} and result.graded == len(deserved)
    assert {student: total(room, student) for student in deserved} == deserved


def test_mistakes_of_the_person_who_grades_are_one_line(room: Classroom, config: Any) -> None:
    with pytest.raises(CourseError, match="No Dask scheduler answers"):
        room.hand_in(LAB, "ada", "")
        grade_all(config, LAB, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(CourseError, match="does not exist"):
        grade_all(config, "09-nowhere")
    (room.folder / "gradebook" / "gradebook.db").unlink()
    with pytest.raises(CourseError, match="generate_assignment"):
        grade_all(config, LAB)


def test_formgraders_button_takes_the_same_route(room: Classroom, config: Any, answering: Any) -> None:
    from nbgrader.apps import NbGraderAPI

    # In the kernel that runs it, this empties every later cell: stock nbgrader gives it full marks.
    cheat = (
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])\ndef mean(values): return 0"
    )
    room.hand_in(LAB, "ada", text(answering(mean=cheat)))
    result = NbGraderAPI(config=config).autograde(LAB, "ada")
    assert result["success"], result.get("error", result)
    assert room.points(LAB, "ada")["mean-check"][0] == 0
    assert (room.folder / "gradebook/autograded/ada" / LAB / "verdict.json").is_file()
