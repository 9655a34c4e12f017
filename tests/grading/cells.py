"""Cells of a small lab, with nbgrader's metadata."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell


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
