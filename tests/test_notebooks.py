"""Every solution notebook runs on the real engine, gives its recorded outputs, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT, gone_within, processes_marked

NOTEBOOKS = sorted((ROOT / "solutions").glob("[0-9][0-9]-*/*.ipynb"))
BUDGET_S = 240
FIXTURES = ROOT / "tests" / "fixtures" / "nbval"


def nbval(
    notebook: Path, scratch: Path, *, cell_s: float, total_s: float
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
    command = [
        "bash",
        "-c",
        'export SERVELAB_OWNER=$$; exec "$@"',
        "nbval",
        sys.executable,
        "-m",
        "pytest",
        "-q",
    ]
    command += ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder), "--durations=8"]
    cells = scratch / "cells.xml"
    command += ["--nbval-lax", "--nbval-cell-timeout", str(int(cell_s)), f"--junitxml={cells}"]
    command += [Path(copy).name]
    told = scratch / "told.txt"
    with told.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(total_s)
        except subprocess.TimeoutExpired:
            out.write(f"\nNot at its end after {total_s:g} s.\n")
            # Whatever hangs must not go on beside the tests that follow.
            for left in processes_marked(run_id):
                with contextlib.suppress(psutil.NoSuchProcess):
                    out.write(f"still there: {left.pid} {' '.join(left.cmdline())[:200]}\n")
                    left.kill()
            process.wait()
    said, status = told.read_text(errors="replace"), process.returncode
    if status == 0 and (slow := _out_of_time(cells, cell_s)):
        status, said = (
            1,
            said + "".join(f"\nFAILED {name}: it was interrupted after {cell_s:g} s" for name in slow),
        )
    done = subprocess.CompletedProcess(command, status, said)
    left = gone_within(run_id, 10)
    # What a lab hands in beside its notebook has to be there.
    asked = json.loads(notebook.read_text())["metadata"].get("servelab", {}).get("hands_in", [])
    expected = {notebook.name, "__pycache__", *(name.split("/")[0] for name in asked)}
    files = sorted(p.name for p in folder.iterdir() if p.name not in expected)
    files += sorted(f"{name} is not there" for name in asked if not (folder / name).is_file())
    return done, left + files


def _out_of_time(cells: Path, cell_s: float) -> list[str]:
    """The cells that nbval interrupted: one that takes an interrupt for a reason to go on counts as passed there."""
    found = ET.parse(cells).getroot().iter("testcase")
    return [str(one.get("name")) for one in found if float(one.get("time") or 0) >= cell_s]


def checked_outputs(notebook: Path) -> int:
    cells = json.loads(notebook.read_text())["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    tagged = [c for c in cells if "nbval-check-output" in c["metadata"].get("tags", [])]
    return max(len(tagged), sum("NBVAL_CHECK_OUTPUT" in s for s in sources))


def _essence(told: str) -> str:
    """What a failed run of nbval says: its last lines first, for a log may keep only the beginning of a message."""
    lines = [line for line in told.splitlines() if line.strip()]
    words = [line for line in lines if line.startswith(("FAILED", "ERROR", "Not at its end", "still there"))]
    return "\n".join([*words, *lines[-120:]])


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_compares_at_least_five_outputs(notebook: Path) -> None:
    assert checked_outputs(notebook) >= 5


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook(notebook: Path, tmp_path: Path, artefact_folder: Path, figures: dict[str, Any]) -> None:
    from servelab import engine, retrieval

    retrieval.register_artefacts()
    begun = time.monotonic()
    # Artefacts: made once, timed on their own. A GPU's models come from the hub.
    _ = engine.build_all() if engine.profile().name == "cpu" else engine.model_path()
    if (seconds := time.monotonic() - begun) > 1:
        figures["artefacts made, s"] = round(seconds, 1)
    started = time.monotonic()
    done, left = nbval(notebook, tmp_path, cell_s=1.5 * BUDGET_S, total_s=2.5 * BUDGET_S)
    (artefact_folder / f"nbval-{notebook.stem}.txt").write_text(
        done.stdout
    )  # its slowest cells, among others
    figures[f"seconds, notebook {notebook.stem} (budget {BUDGET_S})"] = round(time.monotonic() - started, 1)
    assert done.returncode == 0, _essence(done.stdout)
    assert left == []


def test_changed_output_fails(tmp_path: Path) -> None:
    """The comparison is alive: a notebook whose stored output is not what it prints must fail."""
    done, _ = nbval(FIXTURES / "changed.ipynb", tmp_path, cell_s=60, total_s=90)
    assert done.returncode == 1
    assert "41" in done.stdout and "42" in done.stdout


def test_unchanged_output_passes_and_leftovers_are_seen(tmp_path: Path) -> None:
    """The same notebook with the right output passes, and the process and file it leaves are named."""
    done, left = nbval(FIXTURES / "leaves-behind.ipynb", tmp_path, cell_s=60, total_s=90)
    assert done.returncode == 0, done.stdout
    assert any("sleep" in line for line in left)
    assert "left.txt" in left


def test_a_notebook_that_hangs_is_stopped_and_named(tmp_path: Path) -> None:
    """Its cell is interrupted when its time is up; where that does not help, all of it is killed."""
    done, left = nbval(FIXTURES / "hangs.ipynb", tmp_path / "interrupted", cell_s=3, total_s=60)
    assert done.returncode == 1 and "imeout" in done.stdout and not left
    done, left = nbval(FIXTURES / "goes-on.ipynb", tmp_path / "goes-on", cell_s=3, total_s=60)
    assert done.returncode == 1 and "interrupted after 3 s" in done.stdout and not left
    done, left = nbval(FIXTURES / "hangs.ipynb", tmp_path / "killed", cell_s=60, total_s=8)
    assert (
        done.returncode != 0
        and "Not at its end after 8 s" in done.stdout
        and "still there" in done.stdout
        and not left
    )
