"""Final grades: everybody's points by lab, from nbgrader's gradebook, on the screen and as a file for a learning platform."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console

from servelab import paths
from servelab.errors import CourseError
from servelab.hub.classroom import opened_gradebook, safe
from servelab.hub.people import Folder, write_private


class Score(BaseModel):
    """What one student has in one lab. `points` counts penalties for lateness; None: nothing was handed in."""

    points: float | None = None
    max_points: float = 0.0
    late_penalty: float = 0.0
    #: Something a person has to score yet.
    to_read: bool = False

    @property
    def percent(self) -> float | None:
        """Of the lab's points; None: nothing was handed in."""
        if self.points is None:
            return None
        return 100 * self.points / self.max_points if self.max_points else 0.0


class Row(BaseModel):
    """One student."""

    login: str
    lms_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    scores: dict[str, Score] = {}
    #: The weighted mean of the percentages; None: there is nothing to take the mean of.
    final: float | None = None


class Sheet(BaseModel):
    """The class by lab."""

    labs: list[str]
    weights: dict[str, float]
    rows: list[Row]


def weights(texts: list[str]) -> dict[str, float]:
    """Weights given as `12=2`.

    Raises:
        CourseError: one is no weight, or no such lab is released.
    """
    found = {}
    for text in texts:
        lab, separator, value = text.partition("=")
        try:
            weight = float(value)
        except ValueError:
            weight = -1.0
        if not separator or not 0 <= weight < float("inf"):
            raise CourseError(f"{text!r} is no weight: it looks like 12=2, or 12=0 to leave a lab out.")
        found[paths.find_lab(lab)] = weight
    return found


def read(folder: Folder, given: dict[str, float], *, missing_counts: bool = True) -> Sheet:
    """The grades of everybody in the gradebook.

    Args:
        folder: the class.
        given: weights of labs by full name; 1 for the others.
        missing_counts: a lab that is in the gradebook and was not handed in counts as 0.

    Raises:
        CourseError: the gradebook cannot be used, or holds nobody.
    """
    rows: dict[str, Row] = {}
    with opened_gradebook(folder) as gradebook:
        labs = sorted(a.name for a in gradebook.assignments if a.max_score > 0)
        worth = {a.name: float(a.max_score) for a in gradebook.assignments}
        for student in gradebook.students:
            rows[student.id] = Row(
                login=student.id,
                lms_id=student.lms_user_id or student.id,
                first_name=student.first_name or "",
                last_name=student.last_name or "",
                email=student.email or "",
                scores={lab: Score(max_points=worth[lab]) for lab in labs},
            )
        for assignment in gradebook.assignments:
            for submission in assignment.submissions if assignment.name in labs else ():
                penalty = float(submission.late_submission_penalty or 0)
                rows[submission.student_id].scores[assignment.name] = Score(
                    points=round(max(0.0, float(submission.score) - penalty), 6),
                    max_points=worth[assignment.name],
                    late_penalty=penalty,
                    to_read=bool(submission.needs_manual_grade),
                )
    if not rows:
        raise CourseError(
            "The gradebook holds nobody yet: `servelab class init ROSTER.csv` fills in the roster."
        )
    known = {lab: given.get(lab, 1.0) for lab in labs}
    for row in rows.values():
        row.final = final(row.scores, known, missing_counts=missing_counts)
    ordered = sorted(rows.values(), key=lambda r: (r.last_name.lower(), r.first_name.lower(), r.login))
    return Sheet(labs=labs, weights=known, rows=ordered)


def final(scores: dict[str, Score], known: dict[str, float], *, missing_counts: bool) -> float | None:
    """The weighted mean of percentages; None where nothing counts."""
    counted = [
        (lab, score.percent) for lab, score in scores.items() if missing_counts or score.percent is not None
    ]
    total = sum(known[lab] for lab, _ in counted)
    if not total:
        return None
    return sum(known[lab] * (percent or 0.0) for lab, percent in counted) / total


def as_csv(sheet: Sheet) -> str:
    """The sheet as CSV: a line for each student; no cell of it is taken for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    header = ["id", "lms_id", "last_name", "first_name", "email"]
    for lab in sheet.labs:
        header += [f"{lab} (points)", f"{lab} (of)", f"{lab} (%)"]
    writer.writerow([*header, "final (%)"])
    for row in sheet.rows:
        cells: list[str] = [
            safe(t) for t in (row.login, row.lms_id, row.last_name, row.first_name, row.email)
        ]
        for lab in sheet.labs:
            score = row.scores[lab]
            cells += [_number(score.points), _number(score.max_points), _number(score.percent)]
        writer.writerow([*cells, _number(row.final)])
    return text.getvalue()


def write(sheet: Sheet, path: Path) -> None:
    """Write the CSV file, for its owner's eyes; with a byte-order mark, which spreadsheets need to see that it is UTF-8.

    Raises:
        CourseError: it cannot be written.
    """
    try:
        write_private(path, "\ufeff" + as_csv(sheet))
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror}.") from None


def show(sheet: Sheet, console: Console) -> None:
    """Print the sheet as a table, percentages by lab."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Student")
    for lab in sheet.labs:
        table.add_column(f"{lab.split('-')[0]}, %", justify="right")
    table.add_column("Final, %", justify="right")
    for row in sheet.rows:
        cells = []
        for lab in sheet.labs:
            score = row.scores[lab]
            cells.append(
                "–" if score.percent is None else f"{score.percent:.0f}{'*' if score.to_read else ''}"
            )
        name = f"{row.last_name}, {row.first_name} ({row.login})" if row.last_name else row.login
        table.add_row(escape(name), *cells, "–" if row.final is None else f"{row.final:.1f}")
    console.print(table)
    if any(score.to_read for row in sheet.rows for score in row.scores.values()):
        console.print("* something is yet to be read by a person (Formgrader)", highlight=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
