"""nbgrader's own autograding, by our route: repair, sandbox, judge. Stock commands and Formgrader's button take it too.

`nbgrader_config.py` puts `RepairExporter` where nbgrader reads a submission and `Judged` where it would execute it; what
follows (saving the scores, late penalties, feedback, export) is nbgrader's, in one transaction. A configured course runs no
student code any other way.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor, SaveAutoGrades

from servelab.course.quiz import load_banks
from servelab.errors import CourseError
from servelab.grading.check import picked_option
from servelab.grading.handed_in import asked_for, hash_of_all, read_files, refused_before
from servelab.grading.repair import Laid, lay_answers, nbgrader_field, questions_of, read_notebook
from servelab.grading.run import scores_of, shared_grader
from servelab.grading.session import Outcome
from servelab.grading.transaction import transaction
from servelab.grading.verdict import CellScore, GradeReport, Verdict

#: A submission may be this large; nothing a person writes is.
LARGEST_BYTES = 20_000_000
#: What repair found out, kept in the notebook until it is judged.
_KEY = "servelab_grading"
VERDICT = "verdict.json"


@dataclass
class Ready:
    """A submission that was run elsewhere (in a pool, on another machine)."""

    sha256: str
    outcome: Outcome
    #: The notebook that was run, where this process has laid it itself.
    laid: Laid | None = None


_READY: dict[tuple[str, str], Ready] = {}


@contextlib.contextmanager
def offered(assignment: str, student: str, ready: Ready) -> Iterator[None]:
    """Inside it, autograding this very submission uses an outcome instead of running the submission again."""
    _READY[assignment, student] = ready
    try:
        yield
    finally:
        _READY.pop((assignment, student), None)


def hash_of(folder: Path, source: Path) -> str:
    """The SHA-256 of what counts in a submitted folder: the notebook, and the files that its lab asks for beside it."""
    path, _ = find_submission(folder, source.stem)
    files, _ = read_files(folder, asked_for(instructors_notebook(source)))
    return hash_of_all(path.read_bytes() if path is not None else b"", files)


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


@functools.lru_cache(maxsize=8)
def _instructors(source: Path, _changed: int) -> NotebookNode:
    return read_notebook(source)


def instructors_notebook(source: Path) -> NotebookNode:
    """The instructor's notebook, read once for all submissions. Nobody changes it: answers are laid onto a copy."""
    return _instructors(source, source.stat().st_mtime_ns)


def lay_submission(folder: Path, source: Path) -> tuple[Laid, str]:
    """Lay what was handed in onto the instructor's notebook; returns it with the submission's hash. Never raises for
    what a student can do: what cannot be read counts as empty, with a note."""
    path, notes = find_submission(folder, source.stem)
    instructor = instructors_notebook(source)
    files, left_out = read_files(folder, asked_for(instructor))
    left_out += refused_before(folder)
    submission = nbformat.v4.new_notebook()
    content = path.read_bytes() if path is not None else b""
    if path is not None:
        try:
            if len(content) > LARGEST_BYTES:
                raise CourseError(f"{path.name} has {len(content) / 1e6:.0f} MB: a notebook may have 20.")
            submission = read_notebook(path)
        except CourseError as error:
            notes.append(str(error).replace(str(path), path.name))
    laid = lay_answers(submission, instructor)
    if path is None or not submission.cells:
        laid.notes = notes + [note for note in laid.notes if "is not in your notebook" not in note]
        laid.notes = laid.notes or ["The notebook had no cells: nothing was graded."]
        laid.flags = ["nothing to grade"]
    else:
        laid.notes = notes + laid.notes
        if notes and "repaired" not in laid.flags:
            laid.flags.append("repaired")
    laid.files = files
    laid.notes += left_out
    return laid, hash_of_all(content, files)


class RepairExporter(NotebookExporter):
    """Reads a submission by laying its answers onto the instructor's notebook."""

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        """As nbconvert's."""
        course, told = self.config.CourseDirectory, resources["nbgrader"]
        folder = Path(filename).absolute().parent
        ready = _READY.get((told["assignment"], told["student"]))
        solutions = Path(course.root) / course.source_directory
        source = solutions / told["assignment"] / f"{told['notebook']}.ipynb"
        if ready is not None and ready.laid is not None and ready.sha256 == hash_of(folder, source):
            laid, sha256 = ready.laid, ready.sha256
        else:
            laid, sha256 = lay_submission(folder, source)
        told["files"] = laid.files
        laid.notebook.metadata[_KEY] = {
            "notes": laid.notes,
            "missing": laid.missing,
            "lost_names": laid.lost_names,
            "flags": laid.flags,
            "sha256": sha256,
        }
        return self.from_notebook_node(laid.notebook, resources=resources, **options)

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **_: Any) -> Any:
        """As nbconvert's, without its two copies of the notebook: nobody else holds this one."""
        resources = self._init_resources(resources)
        for preprocessor in self._preprocessors:
            nb, resources = preprocessor(nb, resources)
        return nbformat.writes(nb, version=4), resources


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
            flags=list(known.get("flags", [])),
            files=told.pop("files", {}),
        )
        course = self.config.CourseDirectory
        lab_folder = Path(course.root) / course.source_directory / told["assignment"]
        ready = _READY.get((told["assignment"], told["student"]))
        if ready is None or ready.sha256 != known.get("sha256"):
            outcome = shared_grader().run(laid, lab_folder)
        else:
            outcome = ready.outcome
        scores = scores_of(laid, outcome.runs, timeout_s=shared_grader().patience.cell_s)
        write_outputs(laid, outcome, scores)
        say_choices(nb, Path(course.root) / "quizzes")
        undated = ["no timestamp"] if _lacks_timestamp(told, course.course_id) else []
        flags = [*laid.flags, *outcome.flags, *undated]
        report = GradeReport(cells=scores, notes=laid.notes, flags=flags, seconds=outcome.seconds)
        verdict = Verdict.of(
            report, lab=told["notebook"], student=told["student"], sha256=known.get("sha256", "")
        )
        told["verdict"] = verdict
        return nb, resources


class Saved(NbGraderPreprocessor):
    """nbgrader's own saving of scores and penalties, all or nothing."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """One judged notebook, as nbconvert calls it.

        Raises:
            NbGraderException: the gradebook holds other questions or points than the instructor's notebook.
        """
        told, course = resources["nbgrader"], self.config.CourseDirectory
        with transaction(told["db_url"], course.course_id) as gradebook:
            _require_same_points(gradebook, nb, told)
            _note_releases(gradebook, nb, told)
            for step in (SaveAutoGrades, AssignLatePenalties):
                nb, resources = step(parent=self.parent).preprocess(nb, resources)
                gradebook.forget()
        return nb, resources


def _write_verdict(verdict: Verdict, folder: Path) -> None:
    """Write `verdict.json` beside the autograded notebook: a submission that has one is done."""
    fresh = folder / f".{VERDICT}.new"
    fresh.write_text(verdict.model_dump_json(indent=1) + "\n", encoding="utf-8")
    fresh.replace(folder / VERDICT)


def _note_releases(gradebook: Gradebook, nb: NotebookNode, told: dict[str, Any]) -> None:
    """Write into each cell the checksum that it was released with: by it nbgrader knows a written answer that is untouched."""
    known = gradebook.find_notebook(told["notebook"], told["assignment"]).source_cells
    released = {cell.name: cell.checksum for cell in known}
    for cell in nb.cells:
        name = nbgrader_field(cell, "grade_id")
        if name in released:
            cell.metadata.nbgrader["checksum"] = released[name]


def _require_same_points(gradebook: Gradebook, nb: NotebookNode, told: dict[str, Any]) -> None:
    """A notebook that was changed after `generate_assignment` would be graded against a gradebook that counts otherwise."""
    known = gradebook.find_notebook(told["notebook"], told["assignment"])
    counted = {cell.name: float(cell.max_score) for cell in [*known.grade_cells, *known.task_cells]}
    ours = {
        cell.metadata.nbgrader["grade_id"]: float(cell.metadata.nbgrader["points"])
        for cell in nb.cells
        if cell.metadata.get("nbgrader", {}).get("grade") or cell.metadata.get("nbgrader", {}).get("task")
    }
    other = sorted(name for name in counted.keys() | ours.keys() if counted.get(name) != ours.get(name))
    if other:
        raise NbGraderException(
            f"The gradebook counts {', '.join(other[:3])} of {told['assignment']} otherwise than its notebook:"
            f" run `nbgrader generate_assignment {told['assignment']} --force`, then grade again."
        )


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


def _lacks_timestamp(told: dict[str, Any], course_id: str) -> bool:
    """Whether nobody knows when this was handed in, although there is a deadline: then it cannot be called late."""
    with transaction(told["db_url"], course_id) as gradebook:
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


def say_choices(notebook: NotebookNode, banks: Path) -> None:
    """Write below each quiz answer the text of the option that it names, which is what a person wants to read."""
    items = {item.grade_id: item for bank in load_banks(banks).values() for item in bank.choices}
    for cell in notebook.cells:
        item = items.get(nbgrader_field(cell, "grade_id") or "")
        if item is not None and cell.cell_type == "code":
            picked = picked_option(cell.source, item)
            text = next((option.text for option in item.options if option.id == picked), "")
            said = f"Chosen: {text}" if text else "Nothing was chosen."
            cell.outputs.insert(0, nbformat.v4.new_output("stream", name="stdout", text=said + "\n"))


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
    config.Autograde.sanitize_preprocessors = []
    config.Autograde.autograde_preprocessors = [Judged, Saved]
    # nbgrader reads relations of what it has not added yet, which means nothing to the one who grades.
    warnings.filterwarnings("ignore", message="Object of type <Submitted")
    grade_whatever_was_handed_in()


def grade_whatever_was_handed_in() -> None:
    """Make nbgrader grade every folder that was handed in, once, and copy nothing of it but the answers.

    nbgrader 0.9.6 skips a submission whose notebook is missing or has another name, copies every other file of it into the
    autograded folder, following links, and reads and writes each notebook twice, the first time to undo what students did to it:
    laying their answers onto the instructor's notebook has done that. There is no hook before any of these, so three methods
    are wrapped; wrapping twice changes nothing.
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
            with transaction(self.coursedir.db_url, self.coursedir.course_id):
                original_assignment(self, assignment_id, student_id)
        finally:
            BaseConverter.init_assignment = copies_everything  # type: ignore[method-assign]
        _keep_labels(
            Path(self._format_source(assignment_id, student_id)),
            Path(self._format_dest(assignment_id, student_id)),
        )

    @functools.wraps(Autograde.convert_single_notebook)
    def convert_single_notebook(self: Autograde, notebook_filename: str) -> None:
        self._sanitizing = False  # takes the second pass's preprocessors,
        self._init_preprocessors()
        self._sanitizing = True  # and reads what was handed in
        try:
            resources = self.init_single_notebook_resources(notebook_filename)
            output, resources = self.exporter.from_filename(notebook_filename, resources=resources)
            self.write_single_notebook(output, resources)
            _write_verdict(resources["nbgrader"]["verdict"], Path(self.writer.build_directory))
        except Exception as error:
            self.failure = error  # nbgrader logs it and raises another, which says only that there was one
            raise

    Autograde.init_notebooks = init_notebooks
    Autograde.init_assignment = init_assignment
    Autograde.convert_single_notebook = convert_single_notebook
    Autograde.grades_everything = True
