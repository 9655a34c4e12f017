"""`servelab check NN`: grade one's own copy of a lab, in words, with the quiz explained."""

from __future__ import annotations

import ast
import json as jsonlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode
from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from servelab import paths
from servelab.course.quiz import ANSWER_LINE, Item, load_banks
from servelab.errors import CourseError
from servelab.grading.repair import lay_answers, nbgrader_field, read_notebook
from servelab.grading.run import grade
from servelab.grading.verdict import CellScore, GradeReport
from servelab.progress import bar
from servelab.syntax import parse

#: Someone waits for this one: a hang must not cost them minutes.
TIMEOUT_S = 30.0
QUIZ_PREFIX = "quiz-"


class QuizWords(BaseModel):
    """What one answered quiz question says back. `picked` is empty while it is unanswered."""

    question: str
    stem: str
    picked: str = ""
    right: bool = False
    #: Why the option that was picked is right or wrong. The right one is never given away.
    why: str = ""


class QuestionResult(BaseModel):
    """One line of the table."""

    question: str
    points: float
    max_points: float
    status: Literal["full", "partial", "none", "manual", "unmarked"]
    messages: list[str] = []


class OwnResult(BaseModel):
    """What `servelab check --json` prints."""

    lab: str
    score: float
    max_score: float
    #: True without the instructor's notebooks: only the checks that a student can read were run.
    visible_only: bool
    questions: list[QuestionResult]
    quiz: list[QuizWords] = []
    notes: list[str] = []
    seconds: float = 0.0
    #: The page with an exam's report, where the question banks are at hand.
    report: str = ""
    passed: bool | None = None


def check_own(lab: str, *, json: bool = False, console: Console | None = None) -> int:
    """Grade the student's copy of a lab, print the verdict, and keep the score. The copy is only read.

    Args:
        lab: `1`, `01` or `01-naive-serving`.
        json: print one JSON object (an `OwnResult`) instead of the table.

    Returns:
        The exit status, 0: any grade is a success of the command.

    Raises:
        CourseError: no such lab, no copy of it, or the copy is not a notebook.
    """
    result = grade_own(paths.find_lab(lab), progress=not json)
    if not json:
        show(result, console or Console())
    try:
        save_score(result)
    except OSError as error:
        print(f"servelab: the score was not kept for the home page: {error}", file=sys.stderr)
    if json:
        print(result.model_dump_json(), flush=True)
    return 0


def grade_own(lab: str, *, progress: bool = False) -> OwnResult:
    """Grade `work/NN-name/NN-name.ipynb` of the lab with this full name.

    Raises:
        CourseError: there is no copy, or it is not a notebook.
    """
    own = paths.work_dir() / lab / f"{lab}.ipynb"
    if not own.is_file():
        raise CourseError(
            f"You have no copy of {lab} yet: open it on the course's home page (`make lab`), or copy {lab}.ipynb to {own}."
        )
    source, visible_only = _source(lab)
    notebook = read_notebook(own)
    total = sum(
        cell.cell_type == "code" and bool(cell.source.strip()) for cell in read_notebook(source).cells
    )
    if progress:
        with bar(total=total, desc=f"Grading {lab}", unit="cell") as shown:
            report = grade(
                notebook, source, folder=own.parent, timeout_s=TIMEOUT_S, on_cell=lambda _: shown.update(1)
            )
            shown.update(total - shown.n)
    else:
        report = grade(notebook, source, folder=own.parent, timeout_s=TIMEOUT_S)
    words = quiz_words(notebook, source)
    blank = _blank(notebook)
    questions = [
        _line(name, cells, visible_only, name in blank) for name, cells in report.by_question().items()
    ]
    passed, page = _exam_report(lab, own, notebook, source, report) if not visible_only else (None, "")
    counted = [q for q in questions if q.status not in ("manual", "unmarked")]
    return OwnResult(
        lab=lab,
        score=round(sum(q.points for q in counted), 6),
        max_score=round(sum(q.max_points for q in counted), 6),
        visible_only=visible_only,
        questions=questions,
        quiz=words,
        notes=report.notes,
        seconds=round(report.seconds, 1),
        passed=passed,
        report=page,
    )


def _exam_report(
    lab: str, own: Path, notebook: NotebookNode, source: Path, graded: GradeReport
) -> tuple[bool | None, str]:
    """Write the report of an exam beside one's own copy; whether it is passed, and where the page is."""
    from servelab.grading import report

    folder = paths.course_root() / "quizzes"
    bank = report.bank_of(read_notebook(source), folder) if folder.is_dir() else None
    if bank is None:
        return None, ""
    laid = lay_answers(notebook, read_notebook(source)).notebook
    points = {name: sum(cell.points for cell in cells) for name, cells in graded.by_question().items()}
    result = report.report_on(
        bank, report.Paper(student="you", points=points, picked=report.picked_in(laid, bank))
    )
    pages = report.write(report.cells_of(result), bank.title, own.with_name("report"))
    return result.passed, str(pages[1])


def _source(lab: str) -> tuple[Path, bool]:
    """The notebook to grade against, and whether its hidden checks are missing."""
    root = paths.course_root()
    instructor = root / "solutions" / lab / f"{lab}.ipynb"
    if instructor.is_file():
        return instructor, False
    released = root / "labs" / lab / f"{lab}.ipynb"
    if released.is_file():
        return released, True
    raise CourseError(
        f"labs/{lab} holds no notebook: the course folder {root} is incomplete; fetch it again."
    )


def _blank(notebook: NotebookNode) -> set[str]:
    """The quiz questions in whose answer cell nothing is chosen."""
    lines = {
        nbgrader_field(cell, "grade_id"): ANSWER_LINE.match(cell.source.strip()) for cell in notebook.cells
    }
    return {name for name, line in lines.items() if name and line and line["value"] == '""'}


def _line(name: str, cells: list[CellScore], visible_only: bool, blank: bool) -> QuestionResult:
    """The checks of one answer as one line; several checks may say the same, which is said once."""
    points = round(sum(c.points for c in cells), 6)
    max_points = round(sum(c.max_points for c in cells), 6)
    status = (
        "manual"
        if any(c.status == "manual" for c in cells)
        else "full"
        if points == max_points
        else "partial"
        if points
        else "none"
    )
    messages = list(dict.fromkeys(c.message for c in cells if c.message))
    if visible_only and name.startswith(QUIZ_PREFIX) and status == "full":
        # A released quiz check only looks whether an option was named; the key is with the instructor.
        said = "Not answered yet." if blank else "Marked when your instructor grades you."
        status, points, messages = "unmarked", 0.0, [said]
    return QuestionResult(
        question=name, points=points, max_points=max_points, status=status, messages=messages
    )


def quiz_words(notebook: NotebookNode, source: Path) -> list[QuizWords]:
    """The lab's quiz questions with what was picked and why that is right or wrong.

    Empty where the question banks are not there, as in a class's release.
    """
    banks = load_banks(paths.course_root() / "quizzes") if (paths.course_root() / "quizzes").is_dir() else {}
    items = {f"{QUIZ_PREFIX}{item.id}": item for bank in banks.values() for item in bank.choices}
    laid = lay_answers(notebook, read_notebook(source))
    found = []
    for question in laid.questions:
        if question.grade_id in items:
            item = items[question.grade_id]
            picked = picked_option(laid.notebook.cells[question.index].source, item)
            found.append(_words(question.grade_id, item, picked))
    return found


def picked_option(text: str, item: Item) -> str:
    """The option that an answer cell names, read without running it; "" where it names none."""
    try:
        body = parse(text).body
    except (SyntaxError, ValueError):
        return ""
    picked = ""
    for node in body:
        if (
            isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == item.name for t in node.targets)
            and isinstance(node.value, ast.Constant)
        ):
            picked = str(node.value.value).strip().lower()
    return picked if picked in {option.id for option in item.options} else ""


def _words(question: str, item: Item, picked: str) -> QuizWords:
    why = next((option.why for option in item.options if option.id == picked), "")
    return QuizWords(
        question=question,
        stem=item.stem,
        picked=picked,
        right=bool(picked) and picked == item.answer,
        why=why,
    )


def save_score(result: OwnResult) -> None:
    """Keep the latest score where the home page reads it: `work/.servelab/scores.json`."""
    path = paths.work_dir() / ".servelab" / "scores.json"
    try:
        scores: dict[str, Any] = jsonlib.loads(path.read_text(encoding="utf-8"))
        scores = scores if isinstance(scores, dict) else {}
    except (OSError, ValueError):
        scores = {}
    scores[result.lab] = {
        "score": result.score,
        "max_score": result.max_score,
        "visible_only": result.visible_only,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(jsonlib.dumps(scores, indent=1) + "\n", encoding="utf-8")
    new.replace(path)


_STYLE = {"full": "green", "partial": "yellow", "none": "red", "manual": "cyan", "unmarked": "cyan"}


def _earned(line: QuestionResult, visible_only: bool) -> str:
    """What stands in the table's second column: points only where all checks were run."""
    if visible_only:
        return {"full": "passed", "partial": "some passed", "none": "failed"}.get(line.status, "–")
    earned = "–" if line.status in ("manual", "unmarked") else f"{line.points:g}"
    return f"{earned} of {line.max_points:g}"


def show(result: OwnResult, console: Console) -> None:
    """Print the verdict: a line per question, the quiz in words, the total."""
    quiz = {words.question: words for words in result.quiz}
    table = Table(title=f"Lab {result.lab}", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("Question", no_wrap=True)
    table.add_column("Visible checks" if result.visible_only else "Points", justify="right", no_wrap=True)
    table.add_column("What the checks say", ratio=1)
    for line in result.questions:
        words = "\n".join(escape(text) for text in line.messages) or (
            "No objections." if result.visible_only else "Right."
        )
        told = quiz.get(line.question)
        if told and told.why:
            verdict = "Right" if told.right else "Not the best answer"
            words = f"{verdict} ({escape(told.picked)}): {escape(told.why.removeprefix('Right. '))}"
        table.add_row(
            escape(line.question),
            f"[{_STYLE[line.status]}]{_earned(line, result.visible_only)}[/]",
            words,
        )
    console.print(table)
    for note in result.notes:
        console.print(f"Note: {escape(note)}", soft_wrap=True)
    if result.visible_only:
        console.print(
            "Only the checks that you can see were run: your instructor has more, and marks the quiz.",
            soft_wrap=True,
        )
        passed = sum(line.status == "full" for line in result.questions)
        total = sum(line.status not in ("manual", "unmarked") for line in result.questions)
        console.print(
            f"[bold]Visible checks passed for {passed} of {total} answers[/] in {result.seconds:g} s."
        )
        return
    console.print(f"[bold]{result.score:g} of {result.max_score:g} points[/] in {result.seconds:g} s.")
    if result.passed is not None:
        console.print(
            f"{'Passed' if result.passed else 'Not passed'}. Your report: {escape(result.report)}",
            soft_wrap=True,
        )
