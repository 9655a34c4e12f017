"""A lab's source as its solution notebook: cells, stable ids, and nbgrader's metadata for each role."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from servelab.course import published, quiz
from servelab.course.exam import with_questions
from servelab.course.percent import Cell, Lab, SourceError, read_lab
from servelab.course.published import Published, fetching_cell
from servelab.errors import CourseError

OUTPUT_TAG = "nbval-check-output"  # nbval compares the outputs of cells with this tag
#: In the metadata of an executed solution: {name of a measurement that it shows: what the file held}.
SHOWN = "servelab_measurements"
FETCHING, HANDING_IN = "colab", "hand-in"
# Cells with these tags do their work on Colab: a solution notebook needs no output of theirs, and publishing it no new run.
WITHOUT_OUTPUT = (FETCHING, HANDING_IN)


def load_lab(path: Path, root: Path) -> Lab:
    """A lab's source, with the questions of an exam in it.

    Raises:
        SourceError: every fault of the file, each with its line.
    """
    return with_questions(read_lab(path), root)


def to_notebook(lab: Lab, root: Path) -> NotebookNode:
    """The solution notebook of a lab, without outputs.

    Raises:
        SourceError: a quiz cell names no item.
    """
    cells: list[NotebookNode] = []
    faults: list[str] = []
    names = _cell_names(lab)
    place = published.read(root)
    for index, (cell, name) in enumerate(zip(lab.cells, names, strict=True)):
        if cell.quiz is None:
            prompt = index + 1 < len(lab.cells) and lab.cells[index + 1].role == "written"
            if cell.role == "setup" and place:
                cells.append(_beside(FETCHING, fetching_cell(place)))
            cells.append(_node(cell, name, lab, place, prompt=prompt and cell.role is None))
            continue
        try:
            item = quiz.find_item(root / "quizzes", cell.quiz)
        except CourseError as error:
            faults += [f"{lab.where(cell.line)}: {line}" for line in str(error).splitlines()]
            continue
        # Another lab may ask it again, once its own does.
        if item.lab != lab.name and not cell.number and not asks(root, item.lab, cell.quiz):
            faults.append(f"{lab.where(cell.line)}: quizzes/ says that {cell.quiz} belongs to lab {item.lab}")
        cells += _quiz_nodes(item, cell.number)
    if faults:
        raise SourceError(faults)
    cells.append(_beside(HANDING_IN, f'servelab.hand_in("{lab.name}")'))
    needs = lab.needs.model_dump(mode="json", exclude_unset=True)  # as the header says it
    exam = next((cell.quiz.split("/")[0] for cell in lab.cells if cell.quiz and cell.number), None)
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "servelab": {
            "lab": lab.name,
            "title": lab.title,
            "minutes": lab.minutes,
            "objectives": lab.objectives,
            **({"needs": needs} if needs else {}),
            **({"exam": exam} if exam else {}),
            **({"hands_in": list(lab.hands_in)} if lab.hands_in else {}),
        },
    }
    # Not `new_notebook`: it would silently renew ids that occur twice, which the lint is to report.
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def asks(root: Path, lab: str, quiz_item: str) -> bool:
    """Whether a lab's source embeds a question."""
    source = root / "solutions" / lab / f"{lab}.py"
    return source.is_file() and f'quiz="{quiz_item}"' in source.read_text(encoding="utf-8")


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


def _node(cell: Cell, name: str, lab: Lab, place: Published | None, *, prompt: bool) -> NotebookNode:
    """One source cell as a notebook cell with nbgrader's metadata for its role."""
    metadata: dict = {}
    source = cell.source
    tags = [cell.role] if cell.role else []
    if cell.role == "answer":
        metadata["nbgrader"] = _nbgrader(name, solution=True)
    elif cell.role == "check":
        metadata["nbgrader"] = _nbgrader(name, grade=True, points=cell.points)
        if cell.seconds:
            metadata["servelab"] = {"seconds": cell.seconds}
    elif cell.role == "written":
        metadata["nbgrader"] = _nbgrader(name, grade=True, solution=True, points=cell.points)
    elif cell.role == "live":
        source = f"%%live\n{source}"
    elif cell.kind == "code" or prompt:
        metadata["nbgrader"] = _nbgrader(name)
    if cell.role == "setup":
        source = _bootstrap(source)
    if cell is lab.cells[0] and cell.kind == "markdown":
        source = _badge(place, lab, source)
    if cell.compared:
        tags.append(OUTPUT_TAG)
    if cell.number:
        # *Run All* goes on behind it: an exam's later questions show their options while an earlier one is unanswered.
        tags.append("raises-exception")
    if tags:
        metadata["tags"] = tags
    make = new_markdown_cell if cell.kind == "markdown" else new_code_cell
    return make(source, id=name, metadata=metadata)


def _quiz_nodes(item: quiz.Item, number: str) -> list[NotebookNode]:
    name = f"quiz-{item.id}"
    texts = quiz.expand(item, number=number, listed=not number)
    question, options, answer, check = f"{name}-question", f"{name}-options", name, f"{name}-check"

    def code(text: str, cell_id: str, fields: dict, **more: object) -> NotebookNode:
        return new_code_cell(text, id=cell_id, metadata={"nbgrader": fields, "tags": ["quiz"], **more})

    asked = {"nbgrader": _nbgrader(question), "tags": ["quiz"]}
    cells = [new_markdown_cell(texts.question, id=question, metadata=asked)]
    folded = {"jupyter": {"source_hidden": True}} if number else {}  # in an exam one reads outputs
    if texts.options:
        cells.append(code(texts.options, options, _nbgrader(options), **folded))
    cells.append(code(texts.answer, answer, _nbgrader(answer, solution=True)))
    cells.append(code(texts.check, check, _nbgrader(check, grade=True, points=1), **folded))
    if number:  # what it prints is the name of the option: for nbval to compare
        cells[-1].metadata.tags.append(OUTPUT_TAG)
    return cells


def _badge(place: Published | None, lab: Lab, source: str) -> str:
    """The first cell with Colab's badge under its heading, when the course is published on GitHub."""
    badge = place.badge(lab.name) if place else None
    if badge is None:
        return source
    heading, _, rest = source.partition("\n")
    return f"{heading}\n\n{badge}\n{rest}"


def _bootstrap(source: str) -> str:
    """The setup cell, which first says what to do where the course's package is missing."""
    absent = [
        "    raise ModuleNotFoundError(",
        "        \"This kernel lacks the course's tools: choose the kernel of the course's .venv (`make lab` does).\"",
        "    ) from None",
    ]
    return "\n".join(["try:", "    import servelab", "except ModuleNotFoundError:", *absent, source])


def _beside(name: str, source: str) -> NotebookNode:
    """A locked cell that every lab has and no lab's source names."""
    return new_code_cell(source, id=name, metadata={"nbgrader": _nbgrader(name), "tags": [name]})
