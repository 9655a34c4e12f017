"""nbgrader's own autograding, by our route: repair, sandbox, judge. Stock commands and Formgrader's button take it too.

`nbgrader_config.py` puts `RepairExporter` where nbgrader reads a submission and `Judged` where it would execute it; what
follows (saving the scores, late penalties, feedback, export) is nbgrader's. A configured course runs no student code any
other way.
"""

from __future__ import annotations

import functools
import glob
import hashlib
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.preprocessors import (
    AssignLatePenalties,
    NbGraderPreprocessor,
    OverwriteCells,
    SaveAutoGrades,
)

from servelab.errors import CourseError
from servelab.grading.repair import Laid, lay_answers, questions_of, read_notebook
from servelab.grading.run import scores_of, shared_grader
from servelab.grading.session import Outcome
from servelab.grading.verdict import CellScore, GradeReport, Verdict

#: A submission may be this large; nothing a person writes is.
LARGEST_BYTES = 20_000_000
#: What repair found out, kept in the notebook between nbgrader's two passes.
_KEY = "servelab_grading"
VERDICT = "verdict.json"

#: Outcomes that were computed elsewhere (a pool, another machine): (assignment, student) -> (submission's hash, outcome).
_READY: dict[tuple[str, str], tuple[str, Outcome]] = {}
_READY_LOCK = threading.Lock()


def offer(assignment: str, student: str, sha256: str, outcome: Outcome) -> None:
    """Let the next autograding of this very submission use an outcome instead of running it again."""
    with _READY_LOCK:
        _READY[assignment, student] = (sha256, outcome)


def hash_of(path: Path) -> str:
    """The SHA-256 of a submission; of nothing, where there is no file."""
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()


def find_submission(folder: Path, notebook_id: str) -> tuple[Path | None, list[str]]:
    """The file in a submitted folder that holds a lab's answers, and what is to be said about it.

    A link is never followed: it could name any file of the person who grades.
    """
    path = folder / f"{notebook_id}.ipynb"
    if path.is_file() and not path.is_symlink():
        return path, []
    others = sorted(p for p in folder.glob("*.ipynb") if p.is_file() and not p.is_symlink())
    if len(others) == 1:
        return others[0], [
            f"The notebook was called {others[0].name[:80]!r}; it was taken for {notebook_id}.ipynb."
        ]
    if path.is_symlink():
        return None, [f"{notebook_id}.ipynb was a link and not a file: nothing was graded."]
    return None, [f"There was no {notebook_id}.ipynb in what you handed in: nothing was graded."]


def lay_submission(folder: Path, source: Path) -> tuple[Laid, str]:
    """Lay what was handed in onto the instructor's notebook; returns it with the submission's hash. Never raises for
    what a student can do: what cannot be read counts as empty, with a note."""
    path, notes = find_submission(folder, source.stem)
    instructor = read_notebook(source)
    submission = nbformat.v4.new_notebook()
    if path is not None:
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise CourseError(
                    f"{path.name} has {path.stat().st_size / 1e6:.0f} MB: a notebook may have 20."
                )
            submission = read_notebook(path)
        except CourseError as error:
            notes.append(str(error).replace(str(path), path.name))
    laid = lay_answers(submission, instructor)
    if path is None or not submission.cells:
        laid.notes = notes + [note for note in laid.notes if "is not in your notebook" not in note]
        laid.notes = laid.notes or ["The notebook had no cells: nothing was graded."]
    else:
        laid.notes = notes + laid.notes
    return laid, hash_of(path) if path is not None else hash_of(folder / "nothing")


class RepairExporter(NotebookExporter):
    """Reads a submission by laying its answers onto the instructor's notebook; what was graded once is read as it is."""

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        """As nbconvert's, for nbgrader's two passes."""
        course = self.config.CourseDirectory
        root = Path(course.root)
        path = Path(filename).absolute()
        if not path.is_relative_to(root / course.submitted_directory):
            return super().from_filename(filename, resources=resources, **options)
        told = resources["nbgrader"]
        source = root / course.source_directory / told["assignment"] / f"{told['notebook']}.ipynb"
        laid, sha256 = lay_submission(path.parent, source)
        laid.notebook.metadata[_KEY] = {
            "notes": laid.notes,
            "missing": laid.missing,
            "lost_names": laid.lost_names,
            "sha256": sha256,
        }
        return self.from_notebook_node(laid.notebook, resources=resources, **options)


class Judged(NbGraderPreprocessor):
    """In place of nbgrader's `Execute`: student cells in the sandbox, checks in the judge, the verdict as their output."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """One laid notebook, as nbconvert calls it."""
        told, known = resources["nbgrader"], dict(nb.metadata.pop(_KEY, {}))
        laid = Laid(
            notebook=nb,
            questions=questions_of(nb),
            missing=list(known.get("missing", [])),
            notes=list(known.get("notes", [])),
            lost_names=list(known.get("lost_names", [])),
        )
        course = self.config.CourseDirectory
        lab_folder = Path(course.root) / course.source_directory / told["assignment"]
        with _READY_LOCK:
            sha256, outcome = _READY.pop((told["assignment"], told["student"]), ("", None))
        if outcome is None or sha256 != known.get("sha256"):
            outcome = shared_grader().run(laid, lab_folder)
        if _lacks_timestamp(told):
            outcome.flags.append("no timestamp")
        scores = scores_of(laid, outcome.runs, timeout_s=shared_grader().patience.cell_s)
        write_outputs(laid, outcome, scores)
        report = GradeReport(cells=scores, notes=laid.notes, flags=outcome.flags, seconds=outcome.seconds)
        verdict = Verdict.of(
            report, lab=told["notebook"], student=told["student"], sha256=known.get("sha256", "")
        )
        told["verdict"] = verdict
        return nb, resources


class SaveVerdict(NbGraderPreprocessor):
    """Writes `verdict.json` beside the autograded notebook, when the scores are saved: a submission that has one is done."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """One graded notebook, as nbconvert calls it."""
        told, course = resources["nbgrader"], self.config.CourseDirectory
        folder = Path(course.root) / course.autograded_directory / told["student"] / told["assignment"]
        folder.mkdir(parents=True, exist_ok=True)
        # The notebook first: nbgrader writes it only after the last preprocessor, and a kill between the two must not leave
        # a verdict without its notebook.
        nbformat.write(nb, folder / f"{told['notebook']}.ipynb")
        fresh = folder / f".{VERDICT}.new"
        fresh.write_text(told["verdict"].model_dump_json(indent=1) + "\n", encoding="utf-8")
        fresh.replace(folder / VERDICT)
        return nb, resources


def _keep_labels(submitted: Path, autograded: Path) -> None:
    """Put nbgrader's two small files of a submission beside its autograded notebook: it cannot release feedback without.

    Where there is no timestamp, the file's own time stands there: it names the feedback and decides nothing, penalties go by
    what the gradebook knows. Where there is no secret (the submission did not come through the exchange), nobody can
    fetch the feedback, and a new one does as well.
    """
    path, _ = find_submission(submitted, submitted.name)
    changed = datetime.fromtimestamp((path or submitted).stat().st_mtime, UTC)
    otherwise = {
        "timestamp.txt": changed.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
        "submission_secret.txt": secrets.token_hex(32),
    }
    autograded.mkdir(parents=True, exist_ok=True)
    for name, text in otherwise.items():
        label = submitted / name
        if label.is_file() and not label.is_symlink() and label.stat().st_size < 1000:
            text = label.read_text(encoding="utf-8", errors="replace")
        (autograded / name).write_text(text, encoding="utf-8")


def _lacks_timestamp(told: dict[str, Any]) -> bool:
    """Whether nobody knows when this was handed in, although there is a deadline: then it cannot be called late."""
    with Gradebook(told["db_url"]) as gradebook:
        submission = gradebook.find_submission(told["assignment"], told["student"])
        return submission.timestamp is None and submission.duedate is not None


def write_outputs(laid: Laid, outcome: Outcome, scores: list[CellScore]) -> None:
    """Write what happened into the notebook, in the form in which nbgrader reads scores and people read feedback."""
    by_id = {score.grade_id: score for score in scores}
    checks = {check.index: check for question in laid.questions for check in question.checks}
    for index, cell in enumerate(laid.notebook.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        text = outcome.texts.get(index, "")
        if text:
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=text))
        run = outcome.runs.get(index)
        if index in checks:
            cell.outputs += _verdict_outputs(by_id[checks[index].grade_id])
        elif run is not None and run.status != "ok":
            said = run.evalue if run.status == "error" else "this cell did not come to an end"
            name = run.ename or "Stopped"
            cell.outputs.append(_error(name, said))
        elif run is not None and run.result:
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=run.result + "\n"))
    notes = [*laid.notes, *(f"Seen while grading: {flag}." for flag in dict.fromkeys(outcome.flags))]
    if notes:
        # In the first cell's place for output, because nbgrader's feedback has no page of its own for such things.
        first = next((c for c in laid.notebook.cells if c.cell_type == "code"), None)
        if first is not None:
            first.outputs.insert(
                0, nbformat.v4.new_output("stream", name="stdout", text="\n".join(notes) + "\n")
            )


def _verdict_outputs(score: CellScore) -> list[NotebookNode]:
    """nbgrader reads: an error as 0, a number as that many points, neither as all of them."""
    if score.points == score.max_points:
        return []
    if score.points == 0:
        return [_error("Check", score.message or "This check failed.")]
    number = nbformat.v4.new_output(
        "execute_result", data={"text/plain": repr(float(score.points))}, execution_count=1
    )
    return [nbformat.v4.new_output("stream", name="stdout", text=score.message + "\n"), number]


def _error(name: str, text: str) -> NotebookNode:
    line = f"{name}: {text}" if text else name
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[line])


def configure(config: Any) -> None:
    """Put our route into an nbgrader configuration. Called by `nbgrader_config.py`."""
    config.Autograde.exporter_class = RepairExporter
    # A laid notebook is the instructor's own with answers in it: its metadata need no second look, and one validation, after all
    # preprocessors, is enough.
    config.RepairExporter.optimistic_validation = True
    config.Autograde.sanitize_preprocessors = [OverwriteCells]
    config.Autograde.autograde_preprocessors = [Judged, SaveAutoGrades, AssignLatePenalties, SaveVerdict]
    grade_whatever_was_handed_in()


def grade_whatever_was_handed_in() -> None:
    """Make nbgrader grade every folder that was handed in, and copy nothing of it but the answers.

    nbgrader 0.9.6 skips a submission whose notebook is missing or has another name, and copies every other file of it into the
    autograded folder, following links. There is no hook before either, so two methods are wrapped; wrapping twice changes nothing.
    """
    if getattr(Autograde, "grades_everything", False):
        return
    original_notebooks, original_assignment = Autograde.init_notebooks, Autograde.init_assignment

    @functools.wraps(original_notebooks)
    def init_notebooks(self: Autograde) -> None:
        self.assignments, self.notebooks = {}, []
        wanted = self.coursedir.assignment_id
        folders = sorted(glob.glob(self._format_source(wanted, self.coursedir.student_id)))  # noqa: PTH207
        for folder in folders:
            if Path(folder).is_dir() and not Path(folder).is_symlink():
                self.assignments[folder] = [str(Path(folder) / f"{Path(folder).name}.ipynb")]
        if not self.assignments and not folders:
            original_notebooks(self)  # for its message
        if not self.assignments:
            raise NbGraderException(
                "What was handed in is a link, which is never followed: nothing was graded."
            )

    @functools.wraps(original_assignment)
    def init_assignment(self: Autograde, assignment_id: str, student_id: str) -> None:
        copies_everything = BaseConverter.init_assignment
        BaseConverter.init_assignment = lambda *_: None  # type: ignore[method-assign]
        try:
            original_assignment(self, assignment_id, student_id)
        finally:
            BaseConverter.init_assignment = copies_everything  # type: ignore[method-assign]
        _keep_labels(
            Path(self._format_source(assignment_id, student_id)),
            Path(self._format_dest(assignment_id, student_id)),
        )

    Autograde.init_notebooks = init_notebooks
    Autograde.init_assignment = init_assignment
    Autograde.grades_everything = True
