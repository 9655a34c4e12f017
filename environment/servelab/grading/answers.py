"""Recorded answers: right and wrong ones per question with the points that each must get, and quiz answers derived."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode
from pydantic import BaseModel

from servelab.course.quiz import ANSWER_LINE, load_banks
from servelab.errors import CourseError
from servelab.grading.handed_in import read_files
from servelab.grading.repair import Question

#: For every question at least so many, and so many answers for a whole lab.
MIN_WRONG, MIN_RIGHT, MIN_PER_LAB = 3, 2, 30

_HEADER = re.compile(r"^# %%(.*)$", re.MULTILINE)
_FIELDS = {"points", "also", "files"}
#: The folder of a lab's recorded answers with what is handed in beside the notebook; each of its folders is one such set.
FILES, REFERENCE, NO_FILES = "files", "reference", "none"


class Answer(BaseModel):
    """One answer to one question."""

    question: str
    kind: Literal["right", "wrong"]
    name: str
    text: str
    #: What the checks of its question must add up to.
    points: float
    #: Points of other questions that it changes, by their ids; all others must stay full.
    also: dict[str, float] = {}
    #: `file:line`, or where it was derived from.
    where: str
    #: The set of files that is handed in with it.
    files: str = REFERENCE
    #: Derived from the quiz's options rather than written down.
    derived: bool = False

    def __str__(self) -> str:
        return f"{self.question}: {self.kind} “{self.name}”"


def read_answers(folder: Path, questions: list[Question]) -> list[Answer]:
    """The recorded answers of a lab: `folder/<answer-id>.py`, one percent cell each.

    Raises:
        CourseError: a file is for no question, or a header cannot be read (`file:line: what`).
    """
    known = {question.grade_id: question for question in questions}
    found = []
    for path in sorted(folder.glob("*.py")):
        if path.stem not in known:
            raise CourseError(
                f"{path}: no answer cell is called {path.stem!r}. There are: {', '.join(known)}."
            )
        found += _read_file(path, known[path.stem])
    return found


def _read_file(path: Path, question: Question) -> list[Answer]:
    text = path.read_text(encoding="utf-8")
    headers = list(_HEADER.finditer(text))
    before = text[: headers[0].start()] if headers else text
    if any(line.strip() and not line.startswith("#") for line in before.splitlines()):
        raise CourseError(f"{path}:1: there is code before the first `# %%` header.")
    answers = []
    for i, header in enumerate(headers):
        end = headers[i + 1].start() if i + 1 < len(headers) else len(text)
        where = f"{path.parent.name}/{path.name}:{text.count(chr(10), 0, header.start()) + 1}"
        body = text[header.end() : end].strip("\n") + "\n"
        answers.append(_answer(header[1], body, where, question))
    names = [answer.name for answer in answers]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CourseError(f"{path}: two answers are called {doubled[0]!r}.")
    return answers


def _answer(header: str, body: str, where: str, question: Question) -> Answer:
    try:
        kind, name, *rest = shlex.split(header)
        fields = dict(part.split("=", 1) for part in rest)
        also = {
            key: float(value)
            for key, value in (pair.split(":") for pair in re.split(r"[ ,]+", fields.get("also", "")) if pair)
        }
        points = float(fields["points"]) if "points" in fields else None
    except ValueError:
        raise CourseError(
            f'{where}: a header reads `# %% wrong "what it does" points=2 also="other-id:0"`.'
        ) from None
    if kind not in ("right", "wrong") or set(fields) - _FIELDS:
        raise CourseError(
            f"{where}: a header begins with right or wrong, and knows only points=, also= and files=."
        )
    if kind == "right" and points not in (None, question.max_points):
        raise CourseError(f"{where}: a right answer gets all {question.max_points:g} points.")
    if kind == "wrong" and (points is None or not 0 <= points < question.max_points):
        raise CourseError(
            f"{where}: a wrong answer says its points, from 0 to under {question.max_points:g}."
        )
    return Answer(
        question=question.grade_id,
        kind=kind,
        name=name,
        text=body,
        points=question.max_points if points is None else points,
        also=also,
        files=fields.get("files", REFERENCE),
        where=where,
    )


def recorded_files(folder: Path, names: Sequence[str]) -> dict[str, dict[str, bytes]]:
    """What a lab's recorded answers hand in beside the notebook: the sets in `folder/files/`, each read as a submission is.

    Args:
        folder: the lab's recorded answers.
        names: what the lab asks for.

    Raises:
        CourseError: it asks for files and there is no reference, or a set holds something that would not be taken.
    """
    sets = {NO_FILES: dict[str, bytes]()}
    for place in sorted((folder / FILES).glob("*/")):
        sets[place.name], notes = read_files(place, names)
        if notes:
            raise CourseError(f"{place}: {notes[0]}")
    if names and not sets.get(REFERENCE):
        raise CourseError(f"{folder / FILES / REFERENCE} does not hold {names[0]}, which the lab asks for.")
    return sets


def quiz_answers(question: Question, cell: NotebookNode) -> list[Answer]:
    """Every answer to a quiz question: each wrong option and none at all are worth 0, two spellings of the right one all.

    Empty when the cell is no quiz answer.
    """
    line = ANSWER_LINE.match(cell.source.strip())
    if not line:
        return []
    name, right = line["name"], line["value"].strip('"')
    options = [o for o in re.findall(r'"([^"]*)"', line["options"]) if o]
    texts = [
        ("wrong", option, f'{name} = "{option}"  #@param {line["options"]}')
        for option in options
        if option != right
    ]
    texts += [
        ("wrong", "nothing", f'{name} = ""  #@param {line["options"]}'),
        ("right", "as the form writes it", f'{name} = "{right}"  #@param {line["options"]}'),
        ("right", "typed by hand", f"{name} = ' {right.upper()} '"),
    ]
    return [
        Answer(
            question=question.grade_id,
            kind=kind,
            name=what,
            text=text,
            points=question.max_points if kind == "right" else 0,
            where="derived from the options",
            derived=True,
        )
        for kind, what, text in texts
    ]


def bank_answers(folder: Path, questions: list[Question]) -> list[Answer]:
    """The answers that the question banks record for their code questions, as far as these questions ask them."""
    asked = {question.grade_id: question for question in questions}
    items = [item for bank in load_banks(folder).values() for item in bank.codes if item.grade_id in asked]
    return [
        Answer(
            question=item.grade_id,
            kind=kind,
            name=answer.name,
            text=answer.text,
            points=asked[item.grade_id].max_points if kind == "right" else 0,
            where=f"quizzes, item {item.id}",
        )
        for item in items
        for kind, answers in (("right", item.right), ("wrong", item.wrong))
        for answer in answers
    ]


def shortages(questions: list[Question], answers: list[Answer]) -> list[str]:
    """Where there are too few answers to trust the checks."""
    found = []
    for question in questions:
        own = [a for a in answers if a.question == question.grade_id]
        wrong = sum(a.kind == "wrong" for a in own)
        right = len(own) - wrong
        if not question.manual and question.max_points and (wrong < MIN_WRONG or right < MIN_RIGHT):
            found.append(
                f"{question.grade_id}: {wrong} wrong and {right} right answers are recorded;"
                f" at least {MIN_WRONG} and {MIN_RIGHT} are needed"
            )
    if len(answers) < MIN_PER_LAB:
        found.append(f"{len(answers)} answers in all; at least {MIN_PER_LAB} are needed")
    return found
