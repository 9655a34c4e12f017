"""`make demo`: do labs as a student would, submit them, grade them and bring the feedback back, headless.

Everything goes through nbgrader's own commands and the real engine, in a scratch course of its own.
"""

from __future__ import annotations

import contextlib
import csv
import html
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from servelab import paths
from servelab.course.quiz import ANSWER_LINE
from servelab.errors import CourseError
from servelab.grading.answers import quiz_answers
from servelab.grading.classroom import Classroom, ClassroomError
from servelab.grading.proof import with_answers
from servelab.grading.repair import questions_of, read_notebook
from servelab.kernels import NotebookClient
from servelab.progress import bar

STUDENT = "ada"
LABS = ("01-naive-serving", "02-vllm")
#: A live cell may convert the model and start an engine.
CELL_TIMEOUT_S = 900

Returned = TypeVar("Returned")


class DemoError(RuntimeError):
    """A step of the demonstration failed; the text says which and how."""


class Steps:
    """Runs named steps, prints each with its seconds, and remembers them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, action: Callable[[], Returned]) -> Returned:
        """Run one step.

        Raises:
            DemoError: it failed.
        """
        began = time.perf_counter()
        try:
            return action()
        except (ClassroomError, CourseError, DemoError, OSError) as error:
            raise DemoError(f"{name}: {error}") from error
        finally:
            self.seconds[name] = round(time.perf_counter() - began, 1)
            self.console.print(f"{name:<52}{self.seconds[name]:8.1f} s", highlight=False, markup=False)


def demo(
    labs: Sequence[str] | None = None, *, folder: Path | None = None, console: Console | None = None
) -> int:
    """Do the labs, submit, grade and return feedback; print scores, speed-up, seconds, and where the feedback lies.

    Args:
        labs: full names; labs 01 and 02 by default.
        folder: where to hold the course; a new folder for temporary files by default. It is kept.

    Returns:
        The exit status: 0 when every step worked and every score was as expected, 1 otherwise.
    """
    console = console or Console()
    folder = folder or Path(tempfile.mkdtemp(prefix="servelab-demo-"))
    steps = Steps(console)
    try:
        with _engine_owner() as owner:
            problems = _demo(list(labs or LABS), folder, owner, steps, console)
    except DemoError as error:
        console.print(f"FAILED: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    for problem in problems:
        console.print(f"FAILED: {problem}", markup=False, highlight=False, soft_wrap=True)
    return 1 if problems else 0


def _demo(labs: list[str], folder: Path, owner: int, steps: Steps, console: Console) -> list[str]:
    began = time.perf_counter()
    root = paths.course_root()
    room = steps("a course in a scratch folder", lambda: Classroom(folder, root, labs))
    planned = {lab: _do_lab(room, lab, owner, steps) for lab in labs}
    grades = room.folder / "grades.csv"
    steps("nbgrader export", lambda: room.nbgrader("export", f"--to={grades}"))
    problems = []
    for lab in labs:
        problems += _show_scores(room, lab, planned[lab], console)
    problems += _check_csv(grades, labs)
    if "02-vllm" in labs:
        problems += _show_speed_up(room, console)
    console.print(f"Grades: {grades}", soft_wrap=True, highlight=False)
    console.print(
        f"Done in {time.perf_counter() - began:.0f} s. Everything lies in {folder}.", soft_wrap=True
    )
    return problems


def _do_lab(room: Classroom, lab: str, owner: int, steps: Steps) -> dict[str, float]:
    """Take one lab from release to feedback; returns the points that each question should get."""
    teacher, ada = room.nbgrader, lambda *arguments: room.nbgrader(*arguments, student=STUDENT)
    steps(f"{lab}: nbgrader generate_assignment", lambda: teacher("generate_assignment", lab, "--force"))
    steps(f"{lab}: nbgrader release_assignment", lambda: teacher("release_assignment", lab))
    steps(f"{lab}: nbgrader fetch_assignment", lambda: ada("fetch_assignment", lab))
    planned = steps(f"{lab}: the answers, one of them wrong", lambda: fill_in(room, lab))
    steps(f"{lab}: every cell, on the real engine", lambda: do_live(room, lab, owner))
    steps(f"{lab}: nbgrader submit", lambda: ada("submit", lab))
    steps(f"{lab}: nbgrader collect", lambda: teacher("collect", lab))
    steps(f"{lab}: nbgrader autograde", lambda: teacher("autograde", lab))
    steps(f"{lab}: nbgrader generate_feedback", lambda: teacher("generate_feedback", lab))
    steps(f"{lab}: nbgrader release_feedback", lambda: teacher("release_feedback", lab))
    steps(f"{lab}: nbgrader fetch_feedback", lambda: ada("fetch_feedback", lab))
    return planned


def fill_in(room: Classroom, lab: str) -> dict[str, float]:
    """Write the reference answers into the student's copy, with the first quiz question answered wrongly.

    Returns:
        The points that each question should get from its checks.
    """
    source = read_notebook(room.folder / "solutions" / lab / f"{lab}.ipynb")
    path = room.notebook(lab, STUDENT)
    copy = with_answers(read_notebook(path), source)
    planned = {q.grade_id: q.max_points for q in questions_of(source) if not q.manual}
    for question in questions_of(source):
        cell = next((c for c in copy.cells if c.get("id") == source.cells[question.index].id), None)
        if cell is not None and ANSWER_LINE.match(cell.source.strip()):
            cell.source = quiz_answers(question, cell)[0].text
            planned[question.grade_id] = 0.0
            break
    nbformat.write(copy, path)
    return planned


def do_live(room: Classroom, lab: str, owner: int) -> None:
    """Run the student's copy from top to bottom with its live cells, and save it with what it printed.

    Args:
        owner: pid of the process with which the engines end.

    Raises:
        DemoError: a cell failed.
    """
    path = room.notebook(lab, STUDENT)
    notebook = read_notebook(path)
    environment = room.environment(STUDENT) | {"SERVELAB_OWNER": str(owner), "SERVELAB_PROGRESS": "1"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with bar(total=len(code), desc=lab, unit="cell") as shown:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_executed=lambda **_: shown.update(1),
        )
        try:
            # What the kernel itself says is not for the person at this terminal.
            client.execute(env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise DemoError(f"cell {_failed(notebook)!r} of {path}:\n{str(error)[-1500:]}") from None
        finally:
            nbformat.write(notebook, path)


def _failed(notebook: NotebookNode) -> str:
    started = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.get("execution_count")]
    return started[-1].id if started else notebook.cells[0].id


def _show_scores(room: Classroom, lab: str, planned: dict[str, float], console: Console) -> list[str]:
    """Print a lab's scores by question, from the gradebook; returns where they are not as planned."""
    points = room.points(lab, STUDENT)
    table = Table(
        title=f"{lab}, {STUDENT}'s scores", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False
    )
    table.add_column("Question")
    table.add_column("Points", justify="right")
    problems, total, of = [], 0.0, 0.0
    for question in questions_of(read_notebook(room.folder / "solutions" / lab / f"{lab}.ipynb")):
        if question.manual:
            table.add_row(escape(question.grade_id), f"– of {question.max_points:g}, read by a person")
            continue
        got = sum(points.get(check.grade_id, (0.0, 0.0))[0] for check in question.checks)
        total, of = total + got, of + question.max_points
        table.add_row(escape(question.grade_id), f"{got:g} of {question.max_points:g}")
        if abs(got - planned[question.grade_id]) > 1e-6:
            problems.append(
                f"{lab}: {question.grade_id} got {got:g} points, not {planned[question.grade_id]:g}"
            )
    table.add_section()
    table.add_row("total", f"{total:g} of {of:g}")
    console.print(table)
    pages = sorted((room.desk(STUDENT) / lab / "feedback").rglob("*.html"))
    if not pages:
        problems.append(f"{lab}: no feedback reached the student")
    for page in pages:
        console.print(f"Feedback: {page}", soft_wrap=True, highlight=False)
        # nbgrader's page counts what a person still has to read, too: compare what was earned.
        told = re.search(r"Score:\s*([\d.]+)", html.unescape(page.read_text(encoding="utf-8")))
        if not told or abs(float(told[1]) - total) > 1e-6:
            problems.append(
                f"{lab}: the feedback says {told[1] if told else 'no score'}, the gradebook {total:g}"
            )
    return problems


def _check_csv(path: Path, labs: list[str]) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("student_id") == STUDENT]
    missing = set(labs) - {row.get("assignment") for row in rows}
    return [f"{path.name} has no row of {STUDENT} for {lab}" for lab in sorted(missing)]


def _show_speed_up(room: Classroom, console: Console) -> list[str]:
    """Print requests/s of the naive server and of vLLM, as this run's notebook wrote them into the ledger."""
    ledger = room.desk(STUDENT) / "ledger.json"
    rows: list[dict[str, Any]] = json.loads(ledger.read_text(encoding="utf-8")) if ledger.is_file() else []
    found = {
        row["step"]: row
        for row in rows
        if row["lab"] == "02-vllm" and row["metric"] == "requests_per_s" and row["step"] in ("naive", "vllm")
    }
    if len(found) < 2:
        return [f"02-vllm: {ledger} does not hold requests/s of both servers"]
    for row in found.values():
        console.print(
            f"{row['step']:<6}{row['value']:8.2f} requests/s  {row['backend']}",
            soft_wrap=True,
            highlight=False,
        )
    ratio = found["vllm"]["value"] / found["naive"]["value"]
    console.print(
        f"[bold]vLLM served {ratio:.1f} times the requests of the naive server[/], measured in this run."
    )
    return []


@contextlib.contextmanager
def _engine_owner() -> Iterator[int]:
    """The pid of a process that lives as long as the demonstration, and owns the engines it starts.

    Not this process: a test session that runs the demonstration has engines of its own. It ends when its
    standard input does, so engines stop even when we are killed.
    """
    from servelab import engine

    holder = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        yield holder.pid
    finally:
        engine.stop_all(owner=holder.pid)
        holder.stdin.close()
        holder.wait()
