"""Sources to solution notebooks to student releases, the same bytes every time."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from servelab import paths
from servelab.course import course_map, lint
from servelab.course.notebooks import SHOWN, WITHOUT_OUTPUT, load_lab, to_notebook
from servelab.course.percent import Lab, SourceError
from servelab.errors import CourseError
from servelab.load import measurements

CONFIG = "nbgrader_config.py"


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
    sources = source_paths(root, only)
    if not sources:
        raise CourseError(
            f"{root / 'solutions'} holds no labs: nothing can be built from a copy for students."
        )
    for path in sources:
        try:
            lab = load_lab(path, root)
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
        _generate(root, scratch, [lab.name for lab, _ in labs])
        for lab, _ in labs:
            changes += _release(scratch / "labs" / lab.name, root / "labs" / lab.name, check=check)
        changes += course_map.readme(root, [load_lab(path, root) for path in source_paths(root)], check=check)
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
    released = nbformat.from_dict(notebook)
    released.metadata.pop(SHOWN, None)
    (copy / path.name).write_text(_dump(released), encoding="utf-8")
    if check:
        same = old is not None and _dump(_bare(old)) == _dump(_bare(notebook))
        found = [] if same else [f"{_relative(path, root)} does not match its source"]
        if stale := stale_measurements(notebook):
            again = f"`servelab build {lab.name[:2]} --execute`"
            found.append(f"{_relative(path, root)} shows an older {', '.join(stale)}: {again}")
        return found
    return [f"wrote {_relative(path, root)}"] if _write(path, _dump(notebook)) else []


def _keep_outputs(notebook: NotebookNode, old: NotebookNode | None) -> None:
    """Carry outputs over to cells whose source is the same; a changed cell stands without any."""
    known = {cell.id: cell for cell in old.cells if cell.cell_type == "code"} if old else {}
    for cell in notebook.cells:
        before = known.get(cell.id)
        if cell.cell_type == "code" and before is not None and before.source == cell.source:
            cell.outputs = before.outputs
            cell.execution_count = before.execution_count
    if old is not None and SHOWN in old.metadata:
        notebook.metadata[SHOWN] = old.metadata[SHOWN]


def stale_cells(notebook: NotebookNode) -> list[str]:
    """Ids of code cells whose outputs are not those of one run from top to bottom of this very notebook."""
    expected, stale = 1, []
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if not cell.execution_count and set(cell.metadata.get("tags", ())) & set(WITHOUT_OUTPUT):
            continue
        if cell.execution_count != expected:
            stale.append(cell.id)
        expected += 1
    return stale


def stale_measurements(notebook: NotebookNode) -> list[str]:
    """Names of the measurements that have changed since the notebook was executed."""
    shown = notebook.metadata.get(SHOWN, {})
    return [name for name, held in shown.items() if measurements.digest(name) != held]


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


def load_config(root: Path, course: Path | None = None):
    """The course's nbgrader configuration, for the course directory `course` instead of `root`."""
    from traitlets.config.loader import PyFileConfigLoader

    changed = {"SERVELAB_ROOT": str(course or root)}
    places = ("SERVELAB_GRADEBOOK", "SERVELAB_GRADEBOOK_URL", "SERVELAB_EXCHANGE", "SERVELAB_WORK")
    for name in (*places, "SERVELAB_EXCHANGE_URL"):
        if course is not None:
            changed[name] = ""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        return PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    except Exception as error:  # it is a program that a course may change, and can fail in any way
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CourseError(f"{root / CONFIG} cannot be used ({reason}).") from None
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
