"""What a check cell's run is worth, and the words in which a student hears it."""

from __future__ import annotations

import builtins
import math
import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

Status = Literal["ok", "error", "hung", "died", "skipped"]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
MESSAGE_CHARS = 600


@dataclass
class CellRun:
    """What happened when one code cell was executed."""

    status: Status = "ok"
    ename: str = ""
    evalue: str = ""
    #: The notebook cells that the error passed through, outermost first: (position, line).
    frames: list[tuple[int, int]] = field(default_factory=list)
    #: The text of the cell's last expression, `None` when it had none.
    result: str | None = None
    seconds: float = 0.0
    #: The error came out of the student's code, and passed through a line that students cannot see.
    from_student: bool = False
    hidden: bool = False


class CellScore(BaseModel):
    """The verdict on one check cell (or on one answer that a person reads)."""

    grade_id: str
    #: Grade id of the answer cell which this check belongs to.
    question: str
    points: float
    max_points: float
    status: Literal["full", "partial", "none", "manual"]
    #: For the student: why points are missing. Empty when none are.
    message: str = ""


class GradeReport(BaseModel):
    """The verdict on one notebook. `score` and `max_score` count automatic points only."""

    cells: list[CellScore]
    notes: list[str] = []
    #: What was unusual about its run: "timed out", "kernel died", "out of memory", "out of time".
    flags: list[str] = []
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """Points earned from checks."""
        return round(sum(c.points for c in self.cells if c.status != "manual"), 6)

    @property
    def max_score(self) -> float:
        """Points that checks can give."""
        return round(sum(c.max_points for c in self.cells if c.status != "manual"), 6)

    def by_question(self) -> dict[str, list[CellScore]]:
        """The verdicts by answer, in the notebook's order."""
        found: dict[str, list[CellScore]] = {}
        for cell in self.cells:
            found.setdefault(cell.question, []).append(cell)
        return found

    def points_of(self, question: str) -> float:
        """Points which the checks of one answer add up to."""
        return round(sum(c.points for c in self.cells if c.question == question), 6)


class Verdict(BaseModel):
    """What is kept of one graded submission: `verdict.json` beside the autograded notebook."""

    lab: str
    student: str
    #: SHA-256 of the file that was graded.
    sha256: str
    score: float
    max_score: float
    questions: list[CellScore]
    notes: list[str] = []
    flags: list[str] = []
    #: What produced it: the judge, and what stood in for an engine.
    backend: str = "judge, scripted engine"
    seconds: float = 0.0

    @classmethod
    def of(cls, report: GradeReport, *, lab: str, student: str, sha256: str) -> Verdict:
        """The verdict that a report comes to."""
        return cls(
            lab=lab,
            student=student,
            sha256=sha256,
            score=report.score,
            max_score=report.max_score,
            questions=report.cells,
            notes=report.notes,
            flags=list(dict.fromkeys(report.flags)),
            seconds=round(report.seconds, 2),
        )


def points_for(run: CellRun, max_points: float) -> tuple[float, str]:
    """Points for a check's run, and what was wrong with the number it ended in (else "").

    nbgrader's rules, closed where they leak: an error is 0, no value is everything, a number is itself.
    Stock nbgrader gives full marks for NaN, for text and for less than nothing, and stops at more than the
    maximum; here each of them is 0 or the maximum, and said. Standard error is only noise.
    """
    if run.status != "ok":
        return 0.0, ""
    if run.result is None or run.result == "None":
        return max_points, ""
    if not _NUMBER.fullmatch(run.result.strip()):
        return 0.0, f"The check ended in {run.result.strip()[:40]!r}, which is not a number of points."
    value = float(run.result)
    if not math.isfinite(value) or value < 0:
        return 0.0, f"The check ended in {value:g} points, which cannot be."
    if value > max_points:
        return max_points, f"The check ended in {value:g} points and was cut to {max_points:g}."
    return value, ""


def explain(
    check: CellRun,
    answer: CellRun | None,
    *,
    answer_text: str = "",
    answer_index: int = -1,
    timeout_s: float = 0,
    own_names: list[str] | None = None,
) -> str:
    """Why a check gave nothing, for the student: never the check's own text.

    Args:
        check: the failed run of the check.
        answer: the run of the answer cell above it, `None` when there is none.
        answer_text: the text of the answer cell, to quote the line that failed.
        answer_index: the answer cell's position in the notebook.
        timeout_s: the limit that a hung cell ran into.
        own_names: names that the student bound in cells which are not run in grading.
    """
    for run, place in ((answer, "your answer cell"), (check, "the check, calling your code,")):
        if run and run.status == "hung":
            return f"{place[0].upper()}{place[1:]} ran for more than {timeout_s:g} s and was stopped."
        if run and run.status == "died":
            return f"Python itself stopped while {place} ran (out of memory, a crash, or an exit call)."
    if check.status == "skipped":
        return "Not run: an earlier check of this question did not come to an end."
    if "NotImplementedError" in (check.ename, answer.ename if answer else ""):
        return "Not answered yet."
    judged = check.ename == "AssertionError" and not check.from_student
    if answer and answer.status == "error" and not judged:
        return _cap(
            f"Your answer cell stops with {_error(answer)}{_line(answer, answer_index, answer_text)}."
        )
    if judged:
        return _cap(
            check.evalue.strip() or "A check failed: read the question once more and try other inputs."
        )
    if check.hidden and check.from_student:
        # Its text, a name of its own, or which of many lines raised it, may repeat what the check passed in.
        known = isinstance(getattr(builtins, check.ename, None), type)
        return f"Your code raised {check.ename if known else 'an error'} for an input that is not shown."
    undefined = _UNDEFINED.search(check.evalue) if check.ename == "NameError" else None
    if undefined and undefined[1] in (own_names or []):
        return f"`{undefined[1]}` is made in a cell which you added; put it into your answer cell: only that is graded."
    if undefined and not _line(check, answer_index, answer_text):
        return f"Your answer cell does not define `{undefined[1]}`."
    place = _line(check, answer_index, answer_text)
    return _cap(f"Your code raised {_error(check)}{place}.")


def _error(run: CellRun) -> str:
    text = " ".join(run.evalue.split())
    return f"{run.ename}: {text}" if text else run.ename


def _line(run: CellRun, answer_index: int, answer_text: str) -> str:
    """` (in your line ...)`, or nothing where the error did not pass through the answer cell.

    The line's text, not its number: helpers that the student keeps in other cells stand above it.
    """
    lines = [line for index, line in run.frames if index == answer_index]
    text = answer_text.splitlines()
    if not lines or not 0 < lines[-1] <= len(text):
        return ""
    return f" (in your line `{text[lines[-1] - 1].strip()[:80]}`)"


def frames_in(traceback: list[str], position_of: dict[int | None, int]) -> list[tuple[int, int]]:
    """The notebook cells named in IPython's traceback, given where each execution count stands."""
    found = _FRAME.findall(_ANSI.sub("", "\n".join(map(str, traceback))))
    return [(position_of[int(count)], int(line)) for count, line in found if int(count) in position_of]


def _cap(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS else text[: MESSAGE_CHARS - 1] + "…"
