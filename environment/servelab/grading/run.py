"""Grade one notebook: lay the answers, run cells and checks apart from each other, score."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from servelab.grading.handed_in import asked_for, read_files, write_files
from servelab.grading.repair import Check, Laid, Question, lay_answers, read_notebook
from servelab.grading.sandbox import Limits, require
from servelab.grading.session import Outcome, Patience, plan_of, run_submission, seconds_of
from servelab.grading.verdict import CellRun, CellScore, GradeReport, explain, points_for
from servelab.grading.zygote import Zygote

OnCell = Callable[[int], None]


class Grader:
    """Grades submissions, each in a sandbox of its own, with one warm process behind all of them.

    Safe to use from several threads: each may grade a submission at the same time.
    """

    def __init__(self, *, patience: Patience | None = None, limits: Limits | None = None) -> None:
        self.patience, self.limits = patience or Patience(), limits or Limits()
        self.zygote = Zygote()
        self._data: dict[str, Path] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def require(self) -> None:
        """Find out whether anything can be graded here, before much else is done.

        Raises:
            SandboxError: no sandbox can be made here.
        """
        require()
        self.zygote.start()

    def run(
        self,
        laid: Laid,
        lab_folder: Path | None = None,
        *,
        companions: dict[str, bytes] | None = None,
        patience: Patience | None = None,
        only: set[int] | None = None,
        on_cell: OnCell | None = None,
    ) -> Outcome:
        """Run a laid notebook; `only` names the checks to run, by position.

        The lab's data files come from its folder, or are given as `companions`.

        Raises:
            SandboxError: no sandbox can be made here.
        """
        with _put_down(laid.files) as handed_in:
            return run_submission(
                self.zygote,
                plan_of(laid.notebook, laid.questions),
                patience=patience or self.patience,
                limits=self.limits,
                data=self._shown(companions if lab_folder is None else companions_of(lab_folder)),
                handed_in=handed_in,
                only=only,
                on_cell=on_cell,
            )

    def grade(
        self,
        submission: Path | NotebookNode,
        source: Path,
        *,
        folder: Path | None = None,
        patience: Patience | None = None,
        on_cell: OnCell | None = None,
    ) -> GradeReport:
        """Grade a student's notebook against the instructor's.

        Args:
            submission: the student's copy; only read.
            folder: where the files lie that the lab asks for beside the notebook; by default the submission's own folder, if it is a path.
            source: the instructor's notebook with hidden tests (or the released one, whose checks are visible).
            on_cell: called with the position of each code cell that has come to its end.

        Raises:
            CourseError: one of the two is not a notebook, or no sandbox can be made here.
        """
        patience = patience or self.patience
        copy = submission if isinstance(submission, NotebookNode) else read_notebook(submission)
        instructors = read_notebook(source)
        laid = lay_answers(copy, instructors)
        if folder is None and isinstance(submission, Path):
            folder = submission.parent
        if folder is not None:
            laid.files, notes = read_files(folder, asked_for(instructors))
            laid.notes += notes
        outcome = self.run(laid, source.parent, patience=patience, on_cell=on_cell)
        cells = scores_of(laid, outcome.runs, timeout_s=patience.cell_s)
        flags = [*laid.flags, *outcome.flags]
        return GradeReport(cells=cells, notes=laid.notes, flags=flags, seconds=outcome.seconds)

    def _shown(self, companions: dict[str, bytes] | None) -> Path | None:
        """A folder with these files, made once for each set of them; None where there are none."""
        if not companions:
            return None
        key = hashlib.sha256(repr(sorted(companions.items())).encode()).hexdigest()
        with self._lock:
            if key not in self._data:
                folder = Path(tempfile.mkdtemp(prefix="servelab-data-"))
                folder.chmod(0o755)
                write_files(folder, companions)
                self._data[key] = folder
            return self._data[key]

    def close(self) -> None:
        """End the warm process."""
        self.zygote.close()
        for folder in self._data.values():
            shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def shared_grader() -> Grader:
    """One grader for this process, closed at its end."""
    grader = Grader()
    atexit.register(grader.close)
    return grader


def grade(
    submission: Path | NotebookNode,
    source: Path,
    *,
    folder: Path | None = None,
    timeout_s: float | None = None,
    on_cell: OnCell | None = None,
) -> GradeReport:
    """Grade one notebook with this process's grader; `timeout_s` is what a cell or check may take. See `Grader.grade`."""
    patience = Patience(cell_s=timeout_s, check_s=timeout_s) if timeout_s else None
    return shared_grader().grade(submission, source, folder=folder, patience=patience, on_cell=on_cell)


def scores_of(laid: Laid, runs: dict[int, CellRun], *, timeout_s: float = 30.0) -> list[CellScore]:
    """The verdict on every check, and on every answer that a person reads, from what happened to the cells."""
    scores = []
    for question in laid.questions:
        if question.manual:
            scores.append(
                CellScore(
                    grade_id=question.grade_id,
                    question=question.grade_id,
                    points=0,
                    max_points=question.max_points,
                    status="manual",
                    message="A person reads this answer.",
                )
            )
        scores += [_score(laid, question, check, runs, timeout_s) for check in question.checks]
    return scores


def _score(
    laid: Laid, question: Question, check: Check, runs: dict[int, CellRun], timeout_s: float
) -> CellScore:
    run = runs.get(check.index, CellRun(status="skipped"))
    points, message = points_for(run, check.max_points)
    if question.grade_id in laid.missing:
        points, message = 0.0, "Its answer cell is not in your notebook."
    elif run.status != "ok":
        # A check with no answer above it is a question of its own, and has no answer cell to blame.
        answer = None if question.index == question.checks[0].index else runs.get(question.index)
        message = explain(
            run,
            answer,
            answer_text=laid.notebook.cells[question.index].source,
            answer_index=question.index,
            timeout_s=(run.status == "hung" and seconds_of(laid.notebook.cells[check.index])) or timeout_s,
            own_names=laid.lost_names,
        )
    elif points < check.max_points and not message:
        message = f"Right in part: {points:g} of {check.max_points:g}."
    return CellScore(
        grade_id=check.grade_id,
        question=question.grade_id,
        points=points,
        max_points=check.max_points,
        status="full" if points == check.max_points else "partial" if points else "none",
        message=message,
    )


@contextlib.contextmanager
def scratch_folder(
    lab_folder: Path | None = None, files: Mapping[str, bytes] | None = None
) -> Iterator[Path]:
    """A folder to execute in, with copies of a lab's data files and of what was handed in beside the notebook."""
    with tempfile.TemporaryDirectory(prefix="servelab-grading-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        write_files(folder, (companions_of(lab_folder) if lab_folder else {}) | dict(files or {}))
        yield folder


@contextlib.contextmanager
def _put_down(files: Mapping[str, bytes]) -> Iterator[Path | None]:
    """A folder with what was handed in, for the sandboxes to show; None where there is nothing."""
    if not files:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="servelab-handed-in-", ignore_cleanup_errors=True) as name:
        # Below a folder that nobody else on this machine may enter: the sandboxes' users only see what is mounted.
        folder = Path(name) / "files"
        folder.mkdir(mode=0o755)
        write_files(folder, files)
        yield folder


def companions_of(lab_folder: Path) -> dict[str, bytes]:
    """A lab's data files by their path: no notebook, no source, nothing hidden."""
    found = {}
    for path in sorted(lab_folder.rglob("*")):
        place = path.relative_to(lab_folder)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in place.parts)
        if path.is_file() and not path.is_symlink() and not hidden and path.suffix not in (".ipynb", ".py"):
            found[place.as_posix()] = path.read_bytes()
    return found
