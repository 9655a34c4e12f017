"""`servelab grade`: all submissions of a lab, by several workers, into the gradebook by one writer.

A worker takes a laid notebook and returns what happened to its cells; it sees no gradebook and no other submission. Workers are
threads here, each with a sandbox of its own, or processes of a Dask cluster. The writer is this process alone: it hands
each outcome to nbgrader's own autograding, which saves scores, penalties and the autograded notebook as always. What is
graded already, by the hash of the file that was handed in, is not graded again, so a run that was cut off goes on.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from pydantic import BaseModel
from rich.console import Console
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from servelab.errors import CourseError
from servelab.grading import autograde
from servelab.grading.repair import Laid, Question
from servelab.grading.run import Grader, shared_grader
from servelab.grading.session import Outcome
from servelab.grading.transaction import kept_open
from servelab.grading.verdict import CellRun, Verdict
from servelab.progress import bar

#: Submissions that are laid and waiting for each worker: enough that none is idle.
AHEAD = 2


class Graded(BaseModel):
    """What `servelab grade --json` prints."""

    assignment: str
    submissions: int
    graded: int
    #: Graded before, and the same file since.
    unchanged: int
    flagged: dict[str, list[str]] = {}
    #: Students whose submission could not be saved, and why.
    failed: dict[str, str] = {}
    mean_score: float | None = None
    max_score: float | None = None
    seconds: float = 0.0
    per_minute: float | None = None
    #: What the one writer needs for a submission, on average.
    writer_seconds: float | None = None


@dataclasses.dataclass
class Submission:
    """One folder that was handed in."""

    student: str
    folder: Path
    sha256: str


def to_data(laid: Laid, lab_folder: Path) -> dict[str, Any]:
    """A submission as plain data, for a worker on another machine."""
    from servelab.grading.run import companions_of

    return {
        "notebook": nbformat.writes(laid.notebook),
        "questions": [question.model_dump() for question in laid.questions],
        "data": companions_of(lab_folder),
        "files": laid.files,
    }


def work(data: dict[str, Any]) -> dict[str, Any]:
    """Run one submission in this process's grader; plain data in and out. What a Dask worker calls."""
    laid = Laid(
        notebook=nbformat.reads(data["notebook"], as_version=4),
        questions=[Question(**question) for question in data["questions"]],
        files=data["files"],
    )
    outcome = shared_grader().run(laid, companions=data["data"])
    return {
        "runs": {str(index): dataclasses.asdict(run) for index, run in outcome.runs.items()},
        "texts": {str(index): text for index, text in outcome.texts.items()},
        "flags": outcome.flags,
        "seconds": outcome.seconds,
    }


def outcome_of(data: dict[str, Any]) -> Outcome:
    """What a worker returned."""
    runs = {}
    for index, run in data["runs"].items():
        runs[int(index)] = CellRun(**{**run, "frames": [tuple(frame) for frame in run["frames"]]})
    texts = {int(index): text for index, text in data["texts"].items()}
    return Outcome(runs=runs, texts=texts, flags=list(data["flags"]), seconds=float(data["seconds"]))


class GradebookGone(CourseError):
    """The gradebook has stopped answering: nothing more can be saved."""


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]


class Course:
    """The course directory of an nbgrader configuration: what was handed in, and what is graded."""

    def __init__(self, config: Any, assignment: str) -> None:
        self.config, self.assignment = config, assignment
        self.directory = CourseDirectory(config=config)
        self.root = Path(self.directory.root)
        self.lab_folder = self.root / self.directory.source_directory / assignment
        self.source = self.lab_folder / f"{assignment}.ipynb"
        if not self.source.is_file():
            raise CourseError(f"{self.source} does not exist: only the course's own folder can grade.")

    def prepare(self) -> None:
        """Look whether nbgrader knows the assignment.

        Raises:
            CourseError: it was never generated, or the gradebook does not answer.
        """
        try:
            with Gradebook(self.directory.db_url, self.directory.course_id) as gradebook:
                gradebook.find_notebook(self.assignment, self.assignment)
        except MissingEntry:
            raise CourseError(
                f"The gradebook does not know {self.assignment} yet: run `nbgrader generate_assignment {self.assignment}` first."
            ) from None
        except OperationalError as error:
            raise CourseError(
                f"The gradebook {self.gradebook_name} does not answer: {_first_line(error.orig)}"
            ) from None
        except SQLAlchemyError as error:
            reason = _first_line(getattr(error, "orig", None) or error)
            raise CourseError(f"The gradebook {self.gradebook_name} cannot be used: {reason}") from None

    @property
    def gradebook_name(self) -> str:
        """Where the gradebook is, without a password."""
        try:
            return make_url(self.directory.db_url).render_as_string(hide_password=True)
        except ArgumentError:
            return "that SERVELAB_GRADEBOOK_URL names"

    def submissions(self) -> list[Submission]:
        """All folders that were handed in, by student."""
        found = []
        for folder in sorted((self.root / self.directory.submitted_directory).glob(f"*/{self.assignment}")):
            if folder.is_dir() and not folder.is_symlink():
                found.append(Submission(folder.parent.name, folder, autograde.hash_of(folder, self.source)))
        return found

    def verdict(self, student: str) -> Verdict | None:
        """The verdict on a student's last graded submission, if it was saved to its end."""
        folder = self.root / self.directory.autograded_directory / student / self.assignment
        try:
            return Verdict.model_validate_json((folder / autograde.VERDICT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def lay(self, submission: Submission) -> tuple[Laid, str]:
        """The submission on the instructor's notebook, and its hash."""
        return autograde.lay_submission(submission.folder, self.source)

    def save(self, submission: Submission, ready: autograde.Ready) -> None:
        """Let nbgrader autograde one submission that was run.

        Raises:
            CourseError: nbgrader did not.
            GradebookGone: the gradebook does not answer any more.
        """
        self.directory.assignment_id, self.directory.student_id = self.assignment, submission.student
        converter = Autograde(coursedir=self.directory, config=self.config)
        converter.force = True
        converter.log.setLevel("ERROR")
        try:
            with autograde.offered(self.assignment, submission.student, ready):
                converter.start()
        except SystemExit as error:
            raise CourseError(f"nbgrader stopped ({error.code})") from None
        # Also how nbgrader passes on, in other words, that the database is gone.
        except NbGraderException as error:
            if isinstance(error.__context__, OperationalError):
                raise GradebookGone(_first_line(error.__context__.orig)) from None
            raise CourseError(_first_line(getattr(converter, "failure", error))) from None


def grade_all(
    config: Any,
    assignment: str,
    *,
    jobs: int = 2,
    scheduler: str | None = None,
    force: bool = False,
    students: list[str] | None = None,
) -> Graded:
    """Grade every submission of a lab that is new or changed.

    Args:
        config: the course's nbgrader configuration.
        assignment: the lab's full name.
        jobs: submissions run at the same time on this machine.
        scheduler: the address of a Dask scheduler, whose workers run them instead.
        force: grade again what is graded already.
        students: only these.

    Raises:
        CourseError: the lab is not known, no sandbox can be made here, the cluster does not answer, or the gradebook does not
            any more: what was graded until then is saved.
    """
    began = time.monotonic()
    course = Course(config, assignment)
    course.prepare()
    everything = course.submissions()
    if unknown := sorted(set(students or ()) - {s.student for s in everything}):
        raise CourseError(f"Nothing of {assignment} was handed in by {', '.join(unknown)}.")
    everything = [s for s in everything if students is None or s.student in students]
    todo = [s for s in everything if force or not _is_graded(course, s)]
    result = Graded(
        assignment=assignment,
        submissions=len(everything),
        graded=0,
        unchanged=len(everything) - len(todo),
    )
    writing_s = 0.0
    with (
        kept_open(course.directory.db_url, course.directory.course_id),
        bar(total=len(todo), desc=f"Grading {assignment}", unit="submission") as shown,
    ):
        for submission, ready in _runs(course, todo, jobs, scheduler):
            writing = time.monotonic()
            try:
                if isinstance(ready, BaseException):
                    raise ready
                course.save(submission, ready)
                result.graded += 1
            except GradebookGone as error:
                raise CourseError(
                    f"The gradebook {course.gradebook_name} stopped answering ({error}). {result.graded} submissions are saved:"
                    " run the same command again for the others."
                ) from None
            except Exception as error:
                result.failed[submission.student] = _first_line(error)
            writing_s += time.monotonic() - writing
            shown.update(1)
    verdicts = {s.student: course.verdict(s.student) for s in everything}
    known = [verdict for verdict in verdicts.values() if verdict is not None]
    if known:
        result.mean_score = round(sum(v.score for v in known) / len(known), 2)
        result.max_score = known[0].max_score
    result.flagged = {student: v.flags for student, v in verdicts.items() if v is not None and v.flags}
    result.seconds = round(time.monotonic() - began, 2)
    if result.graded:
        result.per_minute = round(60 * result.graded / result.seconds, 1)
        result.writer_seconds = round(writing_s / result.graded, 3)
    return result


def _is_graded(course: Course, submission: Submission) -> bool:
    verdict = course.verdict(submission.student)
    return verdict is not None and verdict.sha256 == submission.sha256


Runs = Iterator[tuple[Submission, autograde.Ready | BaseException]]


def _runs(course: Course, todo: list[Submission], jobs: int, scheduler: str | None) -> Runs:
    """What became of each submission, as they end. A few are laid ahead, not all: notebooks are large."""
    if not todo:
        return
    if scheduler:
        yield from _by_dask(course, todo, scheduler)
        return
    grader = shared_grader()
    grader.require()
    with ThreadPoolExecutor(jobs, thread_name_prefix="grading") as pool:
        yield from _flow(todo, jobs * AHEAD, lambda s: pool.submit(_run_here, grader, course, s))


def _run_here(grader: Grader, course: Course, submission: Submission) -> autograde.Ready:
    laid, sha256 = course.lay(submission)
    return autograde.Ready(sha256, grader.run(laid, course.lab_folder), laid)


def _flow(todo: list[Submission], ahead: int, start: Callable[[Submission], Future[autograde.Ready]]) -> Runs:
    waiting: dict[Future[autograde.Ready], Submission] = {}
    coming = iter(todo)
    while True:
        while len(waiting) < ahead and (submission := next(coming, None)) is not None:
            waiting[start(submission)] = submission
        if not waiting:
            return
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield waiting.pop(future), future.exception() or future.result()


def _by_dask(course: Course, todo: list[Submission], scheduler: str) -> Runs:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise CourseError(
            "Grading on a cluster needs the package `distributed`: `make setup` installs it."
        ) from None
    if not re.fullmatch(r"([a-z]+://)?[^/:\s]+:\d+|[a-z]+://\S+", scheduler):
        raise CourseError(
            f"{scheduler!r} is no address of a Dask scheduler: it looks like tcp://127.0.0.1:8786."
        )
    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(f"No Dask scheduler answers at {scheduler} ({error}).") from None
    with client:
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        coming = iter(todo)
        running: dict[str, tuple[Submission, Laid, str]] = {}

        def start() -> Any:
            submission = next(coming, None)
            if submission is None:
                return None
            laid, sha256 = course.lay(submission)
            future = client.submit(work, to_data(laid, course.lab_folder), pure=False)
            running[future.key] = (submission, laid, sha256)
            return future

        first = [future for future in (start() for _ in range(ahead)) if future is not None]
        queue = as_completed(first, loop=client.loop)
        for future in queue:
            submission, laid, sha256 = running.pop(future.key)
            try:
                yield submission, autograde.Ready(sha256, outcome_of(future.result()), laid)
            except Exception as error:
                yield submission, error
            following = start()
            if following is not None:
                queue.add(following)


def show(result: Graded, console: Console) -> None:
    """Print what was graded, and whom to look at."""
    words = f"{result.assignment}: {result.graded} of {result.submissions} submissions graded"
    words += f", {result.unchanged} unchanged" if result.unchanged else ""
    if result.mean_score is not None:
        words += f"; mean {result.mean_score:g} of {result.max_score:g} points"
    rate = f" ({result.per_minute:g} a minute)" if result.per_minute else ""
    console.print(f"{words}. {result.seconds:g} s{rate}.", markup=False, highlight=False, soft_wrap=True)
    for student, flags in result.flagged.items():
        console.print(f"  {student}: {', '.join(flags)}", markup=False, highlight=False, soft_wrap=True)
    for student, reason in result.failed.items():
        console.print(f"  {student}: NOT saved: {reason}", markup=False, highlight=False, soft_wrap=True)
