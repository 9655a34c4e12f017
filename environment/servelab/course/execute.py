"""Run a solution notebook from top to bottom, and keep outputs fit to be published."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, from_dict

from servelab.course.notebooks import SHOWN
from servelab.errors import CourseError
from servelab.kernels import NotebookClient
from servelab.load import measurements
from servelab.progress import bar

CELL_TIMEOUT_S = 900  # the first live cell may convert a model and start an engine
_WIDGET = "application/vnd.jupyter.widget-view+json"
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-HJKSTfhlnsu]")  # cursor movement; colours stay
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def execute_notebook(notebook: NotebookNode, folder: Path, root: Path) -> None:
    """Execute a notebook in place, in a scratch copy of `folder`, and clean its outputs.

    Rows for the ledger go to a scratch file. Engines that it starts belong to the kernel and end with it. Which measurement
    files it showed, and what they held, is written into its metadata, so that `servelab build --check` finds what is out of date.

    Raises:
        CourseError: the cell that failed, and how. The notebook's outputs are as before.
    """
    work = from_dict(notebook)
    code = [cell for cell in work.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    with tempfile.TemporaryDirectory(prefix="servelab-execute-") as scratch_name:
        scratch = Path(scratch_name).resolve()
        here = scratch / folder.name
        shutil.copytree(folder, here, ignore=shutil.ignore_patterns("*.ipynb", "*.py", "__pycache__", ".*"))
        env = {**os.environ, "SERVELAB_LEDGER": str(scratch / "ledger.json")}
        env[measurements.NOTED] = str(scratch / "measurements.txt")
        for name in ("NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "SERVELAB_OWNER"):
            env.pop(name, None)
        client = NotebookClient(
            work,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(here)}},
        )
        with bar(total=len(code), desc=folder.name, unit="cell") as progress:
            client.on_cell_executed = lambda **_: progress.update()
            _run(client, work, env, folder.name)
        clean(work, {here: ".", scratch: "<scratch>", **_known_places(root)})
        noted = scratch / "measurements.txt"
        shown = sorted(set(noted.read_text(encoding="utf-8").split())) if noted.is_file() else []
    notebook.metadata[SHOWN] = {name: measurements.digest(name) for name in shown}
    for cell, done in zip(notebook.cells, work.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count


def _run(client: NotebookClient, work: NotebookNode, env: dict[str, str], name: str) -> None:
    try:
        client.execute(env=env)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        index = max((i for i, cell in enumerate(work.cells) if cell.get("execution_count")), default=0)
        failed = next(
            (c for c in work.cells if any(o.output_type == "error" for o in c.get("outputs", []))),
            work.cells[index],
        )
        last = _COLOURS.sub("", str(error)).strip().splitlines()[-1:] or [type(error).__name__]
        raise CourseError(f"{name}: cell {failed.id!r} failed while executing: {last[0]}") from None


def clean(notebook: NotebookNode, places: dict[Path, str]) -> None:
    """Make outputs readable and the same wherever they were made.

    Progress bars keep their last frame, absolute paths become the short names of `places`, and widgets,
    whose state a saved notebook does not carry, become their text.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        kept = []
        for output in _joined(cell.outputs):
            data = output.get("data", {})
            if data.pop(_WIDGET, None) is not None and set(data) <= {"text/plain"}:
                continue
            if output.output_type == "stream":
                output.text = _shorten(last_frames(output.text), places)
                if not output.text.strip():
                    continue
            for kind, value in data.items():
                if isinstance(value, str) and kind.startswith("text/"):
                    data[kind] = _shorten(value, places)
            if output.output_type == "error":
                output.traceback = [_shorten(line, places) for line in output.traceback]
            kept.append(output)
        cell.outputs = kept


def last_frames(text: str) -> str:
    """What a terminal shows in the end: each line with its carriage returns played."""
    lines = []
    for line in _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n"):
        frames = [frame for frame in line.split("\r") if frame.strip()]
        lines.append(frames[-1].rstrip() if frames else "")
    return "\n".join(lines)


def _joined(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Neighbouring pieces of one stream as one, so that a bar's frames meet."""
    joined: list[NotebookNode] = []
    for output in outputs:
        before = joined[-1] if joined else None
        if before and output.output_type == "stream" == before.output_type and output.name == before.name:
            before.text += output.text
        else:
            joined.append(output)
    return joined


def _shorten(text: str, places: dict[Path, str]) -> str:
    for path in sorted(places, key=lambda p: len(str(p)), reverse=True):
        if len(path.parts) > 1:
            text = text.replace(str(path), places[path])
    return text


def _known_places(root: Path) -> dict[Path, str]:
    from servelab import paths

    return {
        paths.cache_dir(): "<cache>",
        Path(sys.prefix) / "bin" / "python3": "python",
        Path(sys.executable): "python",
        Path(sys.prefix): ".venv",
        root: "<course>",
        Path.home(): "~",
        Path(tempfile.gettempdir()).resolve(): "<tmp>",
    }
