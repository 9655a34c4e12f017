"""A lab's source as its solution notebook: cells, stable ids, and nbgrader's metadata for each role."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from servelab.course import quiz
from servelab.course.percent import Cell, Lab, SourceError
from servelab.errors import CourseError

OUTPUT_TAG = "nbval-check-output"  # nbval compares the outputs of cells with this tag
_GITHUB = "https://github.com/"


def to_notebook(lab: Lab, root: Path) -> NotebookNode:
    """The solution notebook of a lab, without outputs.

    Raises:
        SourceError: a quiz cell names no item.
    """
    cells: list[NotebookNode] = []
    faults: list[str] = []
    names = _cell_names(lab)
    for index, (cell, name) in enumerate(zip(lab.cells, names, strict=True)):
        if cell.quiz is None:
            prompt = index + 1 < len(lab.cells) and lab.cells[index + 1].role == "written"
            cells.append(_node(cell, name, lab, root, prompt=prompt and cell.role is None))
            continue
        try:
            item = quiz.find_item(root / "quizzes", cell.quiz)
        except CourseError as error:
            faults += [f"{lab.where(cell.line)}: {line}" for line in str(error).splitlines()]
            continue
        if item.lab != lab.name:
            faults.append(f"{lab.where(cell.line)}: quizzes/ says that {cell.quiz} belongs to lab {item.lab}")
        cells += _quiz_nodes(item, cell.line)
    if faults:
        raise SourceError(faults)
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "servelab": {
            "lab": lab.name,
            "title": lab.title,
            "minutes": lab.minutes,
            "objectives": lab.objectives,
        },
    }
    # Not `new_notebook`: it would silently renew ids that occur twice, which the lint is to report.
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell_names(lab: Lab) -> list[str]:
    """A stable id per cell: its own, or its place after the last cell that has one.

    Nothing of the text enters an id, so that editing prose moves no id; inserting a cell moves only the
    ids up to the next named cell.
    """
    names, anchor, count = [], "_top", 0  # no id of an author has an underscore
    for cell in lab.cells:
        own = cell.id or ("setup" if cell.role == "setup" else None)
        if cell.quiz:
            own = "quiz-" + cell.quiz.split("/")[-1]
        if own:
            anchor, count = own, 0
            names.append(own)
        else:
            count += 1
            names.append(f"{anchor}--{count}")
    return names


def _nbgrader(name: str, *, grade: bool = False, solution: bool = False, points: float | None = None) -> dict:
    metadata = {
        "grade": grade,
        "grade_id": name,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if grade:
        metadata["points"] = int(points) if points == int(points or 0) else points
    return metadata


def _node(cell: Cell, name: str, lab: Lab, root: Path, *, prompt: bool) -> NotebookNode:
    """One source cell as a notebook cell with nbgrader's metadata for its role."""
    metadata: dict = {}
    source = cell.source
    tags = [cell.role] if cell.role else []
    if cell.role == "answer":
        metadata["nbgrader"] = _nbgrader(name, solution=True)
    elif cell.role == "check":
        metadata["nbgrader"] = _nbgrader(name, grade=True, points=cell.points)
    elif cell.role == "written":
        metadata["nbgrader"] = _nbgrader(name, grade=True, solution=True, points=cell.points)
    elif cell.role == "live":
        source = f"%%live\n{source}"
    elif cell.kind == "code" or prompt:
        metadata["nbgrader"] = _nbgrader(name)
    if cell.role == "setup":
        source = _bootstrap(root, source)
    if cell is lab.cells[0] and cell.kind == "markdown":
        source = _badge(root, lab, source)
    if cell.role == "output":
        tags.append(OUTPUT_TAG)
    if tags:
        metadata["tags"] = tags
    make = new_markdown_cell if cell.kind == "markdown" else new_code_cell
    return make(source, id=name, metadata=metadata)


def _quiz_nodes(item: quiz.Item, line: int) -> list[NotebookNode]:
    name = f"quiz-{item.id}"
    texts = quiz.expand(item)
    question, answer, check = f"{name}-question", name, f"{name}-check"
    return [
        new_markdown_cell(
            texts.question, id=question, metadata={"nbgrader": _nbgrader(question), "tags": ["quiz"]}
        ),
        new_code_cell(
            texts.answer,
            id=answer,
            metadata={"nbgrader": _nbgrader(answer, solution=True), "tags": ["quiz"]},
        ),
        new_code_cell(
            texts.check,
            id=check,
            metadata={"nbgrader": _nbgrader(check, grade=True, points=1), "tags": ["quiz"]},
        ),
    ]


def _repository(root: Path) -> str | None:
    """Where the course is published, as pyproject.toml says."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (FileNotFoundError, KeyError):
        return None
    return project.get("urls", {}).get("Repository")


def _badge(root: Path, lab: Lab, source: str) -> str:
    """The first cell with Colab's badge under its heading, when the course is published on GitHub."""
    repository = _repository(root) or ""
    if not repository.startswith(_GITHUB):
        return source
    place = repository.removeprefix(_GITHUB).rstrip("/").removesuffix(".git")
    url = f"https://colab.research.google.com/github/{place}/blob/main/labs/{lab.name}/{lab.name}.ipynb"
    badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})"
    heading, _, rest = source.partition("\n")
    return f"{heading}\n\n{badge}\n{rest}"


def _bootstrap(root: Path, source: str) -> str:
    """The setup cell, which first makes sure that the course's package is there.

    On Colab it is fetched from the repository named in pyproject.toml, without dependencies, so that
    nothing the runtime ships is changed. Where no repository is named, the message says what to do.
    """
    repository = _repository(root)
    if repository:
        absent = [
            f'    %pip install --quiet --no-deps "servelab @ git+{repository}"',
            "    import servelab",
        ]
    else:
        absent = [
            "    raise ModuleNotFoundError(",
            "        \"This kernel lacks the course's tools: choose the kernel of the course's .venv (`make lab` does).\"",
            "    ) from None",
        ]
    return "\n".join(["try:", "    import servelab", "except ModuleNotFoundError:", *absent, source])
