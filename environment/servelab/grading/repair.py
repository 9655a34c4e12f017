"""A student's answers laid onto the instructor's notebook, so that what else changed in the copy cannot matter."""

from __future__ import annotations

import ast
import copy
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from pydantic import BaseModel

from servelab.errors import CourseError
from servelab.syntax import parse

SOLUTION_REGION = re.compile(
    r"^([ \t]*)[^\n]*BEGIN SOLUTION[^\n]*\n.*?END SOLUTION[^\n]*$", re.DOTALL | re.MULTILINE
)

HIDDEN_REGION = re.compile(
    r"^[^\n]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?", re.DOTALL | re.MULTILINE
)


class Check(BaseModel):
    """A check cell: where it stands in the notebook and what it is worth."""

    index: int
    grade_id: str
    max_points: float


class Question(BaseModel):
    """An answer cell with the checks that belong to it: those between it and the next answer cell."""

    grade_id: str
    index: int
    checks: list[Check] = []
    #: Read and scored by a person, not by checks.
    manual: bool = False
    max_points: float = 0.0


class Laid(BaseModel, arbitrary_types_allowed=True):
    """The instructor's notebook with the student's answers in it."""

    notebook: Any
    questions: list[Question]
    #: Questions whose answer cell is nowhere in the student's copy.
    missing: list[str] = []
    #: What was unusual about the copy, in words for the student.
    notes: list[str] = []
    #: Names that the student bound in cells of their own which are not run.
    lost_names: list[str] = []
    #: What the person who grades should know: "repaired", "checks edited".
    flags: list[str] = []
    #: What was handed in beside the notebook, by its path: see `servelab.grading.handed_in`.
    files: dict[str, bytes] = {}


def read_notebook(path: Path) -> NotebookNode:
    """The notebook at `path`, in the current format.

    Raises:
        CourseError: there is no such file, or it is not a notebook.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except FileNotFoundError:
        raise CourseError(f"There is no notebook at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.") from None
    try:
        with (
            warnings.catch_warnings()
        ):  # of doubled ids and missing fields, once for each cell: repaired below
            warnings.simplefilter("ignore")
            notebook = nbformat.reads(_completed(text), as_version=4)
        cells = [dict(cell) for cell in notebook.cells]
    except Exception as error:  # nbformat raises a dozen kinds, all of which mean the same to a student
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CourseError(
            f"{path} is not a notebook ({reason[0][:120]}). Nothing in it was changed."
        ) from None
    if not all(isinstance(cell.get("source"), str) and "cell_type" in cell for cell in cells):
        raise CourseError(f"{path} is not a notebook (a cell has no text). Nothing in it was changed.")
    for cell in notebook.cells:  # JSON may carry halves of characters, which no file can
        cell.source = cell.source.encode(errors="replace").decode()
    return notebook


def _completed(text: str) -> str:
    """A notebook's text with what other tools leave out: the format's number and (empty) metadata."""
    data = json.loads(text)
    if isinstance(data, dict) and isinstance(data.get("cells"), list):
        if data.get("nbformat") != 4:
            data["nbformat"], data["nbformat_minor"] = 4, 5
        for part in (data, *data["cells"]):
            if isinstance(part, dict) and not isinstance(part.get("metadata"), dict):
                part["metadata"] = {}
    return json.dumps(data)


def nbgrader_field(cell: NotebookNode, name: str) -> Any:
    """One field of a cell's nbgrader metadata, `None` where there is none."""
    metadata = cell.get("metadata")
    fields = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str | int | float | bool) else None


def questions_of(source: NotebookNode) -> list[Question]:
    """The questions of an instructor's or a released notebook, in order."""
    found: list[Question] = []
    for index, cell in enumerate(source.cells):
        grade_id, graded = nbgrader_field(cell, "grade_id"), bool(nbgrader_field(cell, "grade"))
        points = float(nbgrader_field(cell, "points") or 0)
        if nbgrader_field(cell, "solution"):
            found.append(
                Question(grade_id=grade_id, index=index, manual=graded, max_points=points if graded else 0)
            )
        elif graded and cell.cell_type == "code":
            if not found or found[-1].manual:  # a check of its own, with no answer above it
                found.append(Question(grade_id=grade_id, index=index))
            found[-1].checks.append(Check(index=index, grade_id=grade_id, max_points=points))
            found[-1].max_points += points
    return found


def without_solution(text: str) -> str:
    """A solution cell's text as the student first sees it; a cell without markers becomes a stub."""
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    if "BEGIN SOLUTION" not in text:
        return stub
    return SOLUTION_REGION.sub(lambda m: "\n".join(m.group(1) + line for line in stub.splitlines()), text)


def lay_answers(submission: NotebookNode, source: NotebookNode) -> Laid:
    """Put the student's answers into a copy of `source`; neither argument is changed.

    An answer is found by its grade id, then by its cell id, so copies whose metadata were stripped, whose
    cells were doubled, or whose checks were edited are graded like any other. Cells which the student
    added are kept where they only import and define things, because an answer may rest on them.
    """
    merged = copy.deepcopy(source)
    laid = Laid(notebook=merged, questions=questions_of(source))
    taken: dict[str, int] = {}
    for question in laid.questions:
        cell = merged.cells[question.index]
        if not nbgrader_field(cell, "solution"):
            continue
        position = _find(submission, source, question, laid.notes)
        if position is None:
            laid.missing.append(question.grade_id)
            laid.notes.append(
                f"The answer cell “{question.grade_id}” is not in your notebook: it counts as empty."
            )
            cell.source = ""
        else:
            taken[question.grade_id] = position
            cell.source = submission.cells[position].source
    _keep_own_cells(submission, source, laid, taken)
    if laid.notes:
        laid.flags.append("repaired")
    if _edited_checks(submission, source):
        laid.flags.append("checks edited")
    return laid


def _edited_checks(submission: NotebookNode, source: NotebookNode) -> list[str]:
    """The checks that the student's copy holds with another text or other points. The instructor's are run in any case."""
    own = {nbgrader_field(c, "grade_id"): c for c in submission.cells if _is_check(c)}
    edited = []
    for cell in source.cells:
        grade_id = nbgrader_field(cell, "grade_id")
        if not _is_check(cell) or grade_id not in own:
            continue
        known = {_squeezed(cell.source), _squeezed(HIDDEN_REGION.sub("", cell.source))}
        same_points = nbgrader_field(own[grade_id], "points") == nbgrader_field(cell, "points")
        if _squeezed(own[grade_id].source) not in known or not same_points:
            edited.append(grade_id)
    return edited


def _squeezed(text: str) -> str:
    """Without white space, which editors change by themselves."""
    return "".join(text.split())


def _find(submission: NotebookNode, source: NotebookNode, question: Question, notes: list[str]) -> int | None:
    """Where the student's answer stands. Of several copies the last counts, as it does in the kernel."""
    cells, grade_id, original = submission.cells, question.grade_id, source.cells[question.index]
    hits = [i for i, c in enumerate(cells) if nbgrader_field(c, "grade_id") == grade_id and not _is_check(c)]
    if not hits and original.get("id"):
        hits = [i for i, c in enumerate(cells) if original.id in (c.get("id"), _metadata_id(c))]
        if hits:
            notes.append(
                f"The answer cell “{grade_id}” had lost its grading label; it was found by its cell id."
            )
    if not hits:
        hits = _by_names(cells, source, original) or _by_prompt(cells, source, question.index)
        if hits:
            notes.append(
                f"The answer cell “{grade_id}” had lost its grading label; it was found by what stands in or before it."
            )
    if len({cells[i].source for i in hits}) > 1:
        notes.append(
            f"The answer cell “{grade_id}” is in your notebook {len(hits)} times: the last one counts."
        )
    return hits[-1] if hits else None


def _metadata_id(cell: NotebookNode) -> Any:
    """Where Colab keeps a cell's id, which it saves in the format from before cells had one."""
    metadata = cell.get("metadata")
    return metadata.get("id") if isinstance(metadata, dict) else None


def _labels(source: NotebookNode) -> set[Any]:
    """The labels of the instructor's notebook. A cell with another one is as good as unlabelled."""
    return {nbgrader_field(cell, "grade_id") for cell in source.cells} - {None}


def _by_names(cells: list[NotebookNode], source: NotebookNode, original: NotebookNode) -> list[int]:
    """The unlabelled code cells that define all that an answer cell defines: its function, class or variable."""
    if original.cell_type != "code":
        return []
    wanted = set(_bound_names(original.source))
    labels = _labels(source)
    unlabelled = (
        i
        for i, c in enumerate(cells)
        if c.cell_type == "code" and nbgrader_field(c, "grade_id") not in labels
    )
    return [i for i in unlabelled if wanted and wanted <= set(_bound_names(cells[i].source))]


def _by_prompt(cells: list[NotebookNode], source: NotebookNode, index: int) -> list[int]:
    """The unlabelled text cells that follow a written question's prompt, which stands right before its answer."""
    if index == 0 or source.cells[index].cell_type != "markdown":
        return []
    prompt = source.cells[index - 1].source.strip()
    after = [i + 1 for i, c in enumerate(cells[:-1]) if prompt and c.source.strip() == prompt]
    labels = _labels(source)
    return [
        i
        for i in after
        if cells[i].cell_type == "markdown" and nbgrader_field(cells[i], "grade_id") not in labels
    ]


def _is_check(cell: NotebookNode) -> bool:
    return bool(nbgrader_field(cell, "grade")) and not nbgrader_field(cell, "solution")


def _keep_own_cells(
    submission: NotebookNode, source: NotebookNode, laid: Laid, taken: dict[str, int]
) -> None:
    """Put the student's own definitions in front of the answer which they stand before (or last of all)."""
    released_ids = {c.get("id") for c in source.cells}
    released_grade_ids = _labels(source)
    released_texts = {c.source.strip() for c in source.cells}
    starts = {position: question_id for question_id, position in taken.items()}
    pending: list[str] = []
    before: dict[str, list[str]] = {}
    for position, cell in enumerate(submission.cells):
        if position in starts:
            before[starts[position]], pending = pending, []
        known = cell.get("id") in released_ids or nbgrader_field(cell, "grade_id") in released_grade_ids
        if known or cell.cell_type != "code" or cell.source.strip() in released_texts | {""}:
            continue
        names = set(_bound_names(cell.source))
        if names and _only_defines(cell.source):
            pending.append(cell.source)
        else:
            laid.lost_names += sorted(names)
    for question in laid.questions:
        # In the answer's own cell, not in one of their own: the positions of all cells stay as they are.
        own = before.get(question.grade_id)
        cell = laid.notebook.cells[question.index]
        if own and cell.cell_type == "code":
            cell.source = "\n\n".join([*own, cell.source])


def _parse(text: str) -> list[ast.stmt] | None:
    try:
        return parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deeply
        return None


def _only_defines(text: str) -> bool:
    """True for a cell that does nothing but import, define and name constants: cheap and safe to run."""
    body = _parse(text)
    if not body:
        return False
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for statement in body:
        if isinstance(statement, kinds):
            continue
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            try:
                ast.literal_eval(statement.value)
                continue
            except (ValueError, RecursionError, MemoryError):
                return False
        return False
    return True


def _bound_names(text: str) -> Iterator[str]:
    for node in _parse(text) or []:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name))
