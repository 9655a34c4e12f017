"""Recorded answers: right and wrong ones per question with the points that each must get, and quiz answers derived."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode
from pydantic import BaseModel

from servelab.course.quiz import ANSWER_LINE
from servelab.errors import CourseError
from servelab.grading.repair import Question

#: For every question at least so many, and so many answers for a whole lab.
MIN_WRONG, MIN_RIGHT, MIN_PER_LAB = 3, 2, 30

_HEADER = re.compile(r"^# %%(.*)$", re.MULTILINE)
_FIELDS = {"points", "also"}


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
        raise CourseError(f"{where}: a header begins with right or wrong, and knows only points= and also=.")
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
        where=where,
    )


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
