"""Sources to solution notebooks to student releases, the same bytes every time."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from servelab import paths
from servelab.course import lint, quiz
from servelab.course.percent import Cell, Lab, SourceError, read_lab
from servelab.errors import CourseError

CONFIG = "nbgrader_config.py"
_GITHUB = "https://github.com/"
OUTPUT_TAG = "nbval-check-output"  # nbval compares the outputs of cells with this tag


def build(
    root: Path, only: Sequence[str] | None = None, check: bool = False, execute: bool = False
) -> list[str]:
    """Build labs: `solutions/NN/NN.py` -> `solutions/NN/NN.ipynb` -> `labs/NN/NN.ipynb`.

    Outputs already in a solution notebook stay with the cells whose source did not change.

    Args:
        root: the course directory.
        only: lab names (`NN-name`); all by default.
        check: change nothing, report what would change.
        execute: run the solution notebooks first and store their outputs.

    Returns:
        One line per file that was changed, or with `check` that differs.

    Raises:
        SourceError: faults in the sources; nothing was written.
        CourseError: nbgrader refused, or a cell failed while executing; labs/ is untouched.
    """
    root = root.resolve()
    labs, faults = [], []
    for path in source_paths(root, only):
        try:
            lab = read_lab(path)
            notebook = to_notebook(lab, root)
            faults += lint.problems(lab, notebook)
            labs.append((lab, notebook))
        except SourceError as error:
            faults += error.problems
    if faults:
        raise SourceError(faults)
    changes = []
    with tempfile.TemporaryDirectory(prefix="servelab-build-") as scratch_name:
        scratch = Path(scratch_name).resolve()
        for lab, notebook in labs:
            changes += _solution(root, lab, notebook, scratch, check=check, execute=execute)
        if labs:
            _generate(root, scratch, [lab.name for lab, _ in labs])
        for lab, _ in labs:
            changes += _release(scratch / "labs" / lab.name, root / "labs" / lab.name, check=check)
        if only is None:
            changes += _strays(root, {lab.name for lab, _ in labs}, check=check)
    return changes


def source_paths(root: Path, only: Sequence[str] | None = None) -> list[Path]:
    """The source file of every lab of the course, or of those named."""
    names = (
        sorted(only)
        if only is not None
        else sorted(p.name for p in (root / "solutions").glob("[0-9][0-9]-*"))
    )
    return [root / "solutions" / name / f"{name}.py" for name in names]


def solution_text(root: Path, name: str) -> str:
    """The solution notebook of a lab, freshly built from its source, without outputs, as JSON text."""
    return _dump(to_notebook(read_lab(root / "solutions" / name / f"{name}.py"), root))


# ---------------------------------------------------------------- source -> solution notebook


def to_notebook(lab: Lab, root: Path) -> NotebookNode:
    """The solution notebook of a lab, without outputs.

    Raises:
        SourceError: a quiz cell names no item.
    """
    cells: list[NotebookNode] = []
    faults: list[str] = []
    names = _cell_names(lab)
    for index, (cell, name) in enumerate(zip(lab.cells, names, strict=True)):
        if cell.quiz is None:
            prompt = index + 1 < len(lab.cells) and lab.cells[index + 1].role == "written"
            cells.append(_node(cell, name, lab, root, prompt=prompt and cell.role is None))
            continue
        try:
            item = quiz.find_item(root / "quizzes", cell.quiz)
        except CourseError as error:
            faults += [f"{lab.where(cell.line)}: {line}" for line in str(error).splitlines()]
            continue
        if item.lab != lab.name:
            faults.append(f"{lab.where(cell.line)}: quizzes/ says that {cell.quiz} belongs to lab {item.lab}")
        cells += _quiz_nodes(item, cell.line)
    if faults:
        raise SourceError(faults)
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "servelab": {
            "lab": lab.name,
            "title": lab.title,
            "minutes": lab.minutes,
            "objectives": lab.objectives,
        },
    }
    # Not `new_notebook`: it would silently renew ids that occur twice, which the lint is to report.
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell_names(lab: Lab) -> list[str]:
    """A stable id per cell: its own, or its place after the last cell that has one.

    Nothing of the text enters an id, so that editing prose moves no id; inserting a cell moves only the
    ids up to the next named cell.
    """
    names, anchor, count = [], "_top", 0  # no id of an author has an underscore
    for cell in lab.cells:
        own = cell.id or ("setup" if cell.role == "setup" else None)
        if cell.quiz:
            own = "quiz-" + cell.quiz.split("/")[-1]
        if own:
            anchor, count = own, 0
            names.append(own)
        else:
            count += 1
            names.append(f"{anchor}--{count}")
    return names


def _nbgrader(name: str, *, grade: bool = False, solution: bool = False, points: float | None = None) -> dict:
    metadata = {
        "grade": grade,
        "grade_id": name,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if grade:
        metadata["points"] = int(points) if points == int(points or 0) else points
    return metadata


def _node(cell: Cell, name: str, lab: Lab, root: Path, *, prompt: bool) -> NotebookNode:
    """One source cell as a notebook cell with nbgrader's metadata for its role."""
    metadata: dict = {}
    source = cell.source
    tags = [cell.role] if cell.role else []
    if cell.role == "answer":
        metadata["nbgrader"] = _nbgrader(name, solution=True)
    elif cell.role == "check":
        metadata["nbgrader"] = _nbgrader(name, grade=True, points=cell.points)
    elif cell.role == "written":
        metadata["nbgrader"] = _nbgrader(name, grade=True, solution=True, points=cell.points)
    elif cell.role == "live":
        source = f"%%live\n{source}"
    elif cell.kind == "code" or prompt:
        metadata["nbgrader"] = _nbgrader(name)
    if cell.role == "setup":
        source = _bootstrap(root, source)
    if cell is lab.cells[0] and cell.kind == "markdown":
        source = _badge(root, lab, source)
    if cell.role == "output":
        tags.append(OUTPUT_TAG)
    if tags:
        metadata["tags"] = tags
    make = new_markdown_cell if cell.kind == "markdown" else new_code_cell
    return make(source, id=name, metadata=metadata)


def _quiz_nodes(item: quiz.Item, line: int) -> list[NotebookNode]:
    name = f"quiz-{item.id}"
    texts = quiz.expand(item)
    question, answer, check = f"{name}-question", name, f"{name}-check"
    return [
        new_markdown_cell(
            texts.question, id=question, metadata={"nbgrader": _nbgrader(question), "tags": ["quiz"]}
        ),
        new_code_cell(
            texts.answer,
            id=answer,
            metadata={"nbgrader": _nbgrader(answer, solution=True), "tags": ["quiz"]},
        ),
        new_code_cell(
            texts.check,
            id=check,
            metadata={"nbgrader": _nbgrader(check, grade=True, points=1), "tags": ["quiz"]},
        ),
    ]


def _repository(root: Path) -> str | None:
    """Where the course is published, as pyproject.toml says."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (FileNotFoundError, KeyError):
        return None
    return project.get("urls", {}).get("Repository")


def _badge(root: Path, lab: Lab, source: str) -> str:
    """The first cell with Colab's badge under its heading, when the course is published on GitHub."""
    repository = _repository(root) or ""
    if not repository.startswith(_GITHUB):
        return source
    place = repository.removeprefix(_GITHUB).rstrip("/").removesuffix(".git")
    url = f"https://colab.research.google.com/github/{place}/blob/main/labs/{lab.name}/{lab.name}.ipynb"
    badge = f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})"
    heading, _, rest = source.partition("\n")
    return f"{heading}\n\n{badge}\n{rest}"


def _bootstrap(root: Path, source: str) -> str:
    """The setup cell, which first makes sure that the course's package is there.

    On Colab it is fetched from the repository named in pyproject.toml, without dependencies, so that
    nothing the runtime ships is changed. Where no repository is named, the message says what to do.
    """
    repository = _repository(root)
    if repository:
        absent = [
            f'    %pip install --quiet --no-deps "servelab @ git+{repository}"',
            "    import servelab",
        ]
    else:
        absent = [
            "    raise ModuleNotFoundError(",
            "        \"This kernel lacks the course's tools: choose the kernel of the course's .venv (`make lab` does).\"",
            "    ) from None",
        ]
    return "\n".join(["try:", "    import servelab", "except ModuleNotFoundError:", *absent, source])


# ---------------------------------------------------------------- solution notebook -> files


def _solution(
    root: Path, lab: Lab, notebook: NotebookNode, scratch: Path, *, check: bool, execute: bool
) -> list[str]:
    """Bring one solution notebook up to date; leave a copy where the release is generated."""
    path = lab.path.with_suffix(".ipynb")
    old = _read(path)
    _keep_outputs(notebook, old)
    if execute and not check:
        from servelab.course.execute import execute_notebook

        execute_notebook(notebook, lab.path.parent, root)
    copy = scratch / "solutions" / lab.name
    _copy_folder(lab.path.parent, copy)
    (copy / path.name).write_text(_dump(notebook), encoding="utf-8")
    if check:
        same = old is not None and _dump(_bare(old)) == _dump(_bare(notebook))
        return [] if same else [f"{_relative(path, root)} does not match its source"]
    return [f"wrote {_relative(path, root)}"] if _write(path, _dump(notebook)) else []


def _keep_outputs(notebook: NotebookNode, old: NotebookNode | None) -> None:
    """Carry outputs over to cells whose source is the same; a changed cell stands without any."""
    known = {cell.id: cell for cell in old.cells if cell.cell_type == "code"} if old else {}
    for cell in notebook.cells:
        before = known.get(cell.id)
        if cell.cell_type == "code" and before is not None and before.source == cell.source:
            cell.outputs = before.outputs
            cell.execution_count = before.execution_count


def stale_cells(notebook: NotebookNode) -> list[str]:
    """Ids of code cells whose outputs are not those of one run from top to bottom of this very notebook."""
    expected, stale = 1, []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.execution_count != expected:
            stale.append(cell.id)
        expected += 1
    return stale


def _bare(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs: what `check` compares."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return copy


def _dump(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def _read(path: Path) -> NotebookNode | None:
    """A notebook, or None when there is none that can be read (it is rebuilt then)."""
    try:
        return nbformat.read(path, as_version=4)
    except (FileNotFoundError, nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError):
        return None


def _write(path: Path, text: str) -> bool:
    """Replace a file in one step; whether that changed it."""
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return True


# ---------------------------------------------------------------- solution notebook -> release


def load_config(root: Path, course: Path | None = None):
    """The course's nbgrader configuration, for the course directory `course` instead of `root`."""
    from traitlets.config.loader import PyFileConfigLoader

    changed = {"SERVELAB_ROOT": str(course or root)}
    for name in ("SERVELAB_GRADEBOOK", "SERVELAB_EXCHANGE", "SERVELAB_WORK"):
        if course is not None:
            changed[name] = ""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        return PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _generate(root: Path, scratch: Path, names: Sequence[str]) -> None:
    """Let nbgrader make the releases in a scratch course, because a failure there deletes nothing here."""
    if not (root / CONFIG).is_file():
        raise CourseError(f"{root} has no {CONFIG}: run the command in the course folder.")
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import SaveCells
    from nbgrader.utils import capture_log

    config = load_config(root, scratch)
    # SaveCells writes to a gradebook, never to the notebook: a scratch course needs neither.
    stock = config.GenerateAssignment.preprocessors
    config.GenerateAssignment.preprocessors = [p for p in stock if p is not SaveCells]
    for name in names:
        directory = CourseDirectory(config=config, assignment_id=name)
        generator = GenerateAssignment(coursedir=directory, config=config, no_database=True)
        result = capture_log(generator)
        if not result["success"]:
            told = [
                line for line in result.get("log", "").splitlines() if "ERROR]" in line or "Error:" in line
            ]
            raise CourseError(
                f"nbgrader could not make labs/{name}: {told[-1] if told else result.get('error', '')}"
            )


def _release(made: Path, released: Path, *, check: bool) -> list[str]:
    """Make one folder of labs/ equal to what nbgrader made, byte for byte."""
    changes = []
    wanted = {p.relative_to(made) for p in made.rglob("*") if p.is_file()}
    present = {p.relative_to(released) for p in released.rglob("*") if p.is_file() and not _private(p)}
    for name in sorted(wanted | present):
        label = f"labs/{released.name}/{name}"
        if name not in wanted:
            changes.append(f"{label} has no source" if check else f"removed {label}")
            if not check:
                (released / name).unlink()
        elif name not in present or not filecmp.cmp(made / name, released / name, shallow=False):
            changes.append(f"{label} does not match its source" if check else f"wrote {label}")
            if not check:
                (released / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made / name, released / name)
    return changes


def _strays(root: Path, names: set[str], *, check: bool) -> list[str]:
    """Releases whose source is gone. They are only reported: removing a lab is a person's decision."""
    found = [name for name in paths.lab_names(root) if name not in names]
    return [f"labs/{name} has no source in solutions/: remove it" for name in found] if check else []


def _private(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts[-2:])


def _copy_folder(source: Path, destination: Path) -> None:
    """A lab's folder with its data files, without its source text and notebooks."""
    shutil.copytree(
        source,
        destination,
        ignore=shutil.ignore_patterns("*.py", "*.pyc", "*.ipynb", "__pycache__", ".*"),
    )


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
