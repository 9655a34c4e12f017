"""Every solution notebook runs on the real engine, gives its recorded outputs, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, gone_within

NOTEBOOKS = sorted((ROOT / "solutions").glob("[0-9][0-9]-*/*.ipynb"))
BUDGET_S = 240
FIXTURES = ROOT / "tests" / "fixtures" / "nbval"


def nbval(
    notebook: Path, scratch: Path, timeout: float
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run nbval on a copy in a process group of its own; what it left running comes back too."""
    folder = scratch / notebook.parent.name
    folder.mkdir(parents=True)
    copy = shutil.copy(notebook, folder)
    run_id = uuid.uuid4().hex
    env = {
        **os.environ,
        "SERVELAB_RUN": run_id,
        "SERVELAB_ROOT": str(ROOT),
        "SERVELAB_WORK": str(scratch / "work"),
        "SERVELAB_PROGRESS": "0",
    }
    # The shell becomes nbval: engines that the notebook starts belong to that process.
    command = 'export SERVELAB_OWNER=$$; exec "$@"'
    args = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
    ]
    args += ["--nbval-lax", "--nbval-cell-timeout", str(int(timeout)), Path(copy).name]
    done = subprocess.run(
        ["bash", "-c", command, "nbval", *args],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        start_new_session=True,
        check=False,
    )
    left = gone_within(run_id, 10)
    files = sorted(p.name for p in folder.iterdir() if p.name not in (notebook.name, "__pycache__"))
    return done, left + files


def checked_outputs(notebook: Path) -> int:
    cells = json.loads(notebook.read_text())["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    tagged = [c for c in cells if "nbval-check-output" in c["metadata"].get("tags", [])]
    return max(len(tagged), sum("NBVAL_CHECK_OUTPUT" in s for s in sources))


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_compares_at_least_five_outputs(notebook: Path) -> None:
    assert checked_outputs(notebook) >= 5


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook(notebook: Path, tmp_path: Path, figures: dict[str, Any]) -> None:
    from servelab import engine

    engine.model_path()  # an artefact: built once, timed on its own
    started = time.monotonic()
    done, left = nbval(notebook, tmp_path, timeout=1.5 * BUDGET_S)
    figures[f"seconds, notebook {notebook.stem} (budget {BUDGET_S})"] = round(time.monotonic() - started, 1)
    assert done.returncode == 0, done.stdout[-6000:]
    assert left == []


def test_changed_output_fails(tmp_path: Path) -> None:
    """The comparison is alive: a notebook whose stored output is not what it prints must fail."""
    done, _ = nbval(FIXTURES / "changed.ipynb", tmp_path, timeout=60)
    assert done.returncode == 1
    assert "41" in done.stdout and "42" in done.stdout


def test_unchanged_output_passes_and_leftovers_are_seen(tmp_path: Path) -> None:
    """The same notebook with the right output passes, and the process and file it leaves are named."""
    done, left = nbval(FIXTURES / "leaves-behind.ipynb", tmp_path, timeout=60)
    assert done.returncode == 0, done.stdout
    assert any("sleep" in line for line in left)
    assert "left.txt" in left
