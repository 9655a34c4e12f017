"""Cells of a small lab, with nbgrader's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

if TYPE_CHECKING:
    from servelab.grading.classroom import Classroom

LAB = "01-small"


def _fields(grade_id: str, **kind: object) -> dict[str, object]:
    base = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": base | {"grade_id": grade_id, **kind}}


def plain(text: str, name: str) -> NotebookNode:
    return new_code_cell(text, id=name, metadata=_fields(name, locked=True))


def answer(text: str, name: str) -> NotebookNode:
    return new_code_cell(text, id=name, metadata=_fields(name, solution=True))


def check(text: str, name: str, points: float) -> NotebookNode:
    fields = _fields(name, grade=True, locked=True, points=points)
    return new_code_cell(text, id=name, metadata=fields)


def written(name: str, points: float) -> NotebookNode:
    fields = _fields(name, grade=True, solution=True, points=points)
    return new_markdown_cell("Because it waits.", id=name, metadata=fields)


def total(room: Classroom, student: str) -> float:
    """The automatic points of a student's small lab, as they stand in the gradebook."""
    return sum(points for points, _ in room.points(LAB, student).values())
