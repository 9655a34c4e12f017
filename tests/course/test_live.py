"""`%%live` and the setup cell: run for a student, skipped for nbgrader, quick everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from course_kit import REPOSITORY
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook
from servelab.course import live
from servelab.kernels import NotebookClient


@pytest.fixture
def not_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")


def transform(source: str) -> str:
    manager = TransformerManager()
    manager.cleanup_transforms.append(live.live_cell)
    return manager.transform_cell(source)


@pytest.mark.parametrize("first", ["%%live", "%%live  ", "\n\n%%live", "%%live  # starts the engine"])
def test_runs_the_body_on_its_own_lines(not_graded: None, first: str) -> None:
    assert transform(f"{first}\nx = 1\ny = 2\n") == "\nx = 1\ny = 2\n"


def test_is_skipped_when_graded(graded: None) -> None:
    assert transform("%%live\nx = 1\n") == f"print({live.SKIPPED!r})\n"


@pytest.mark.parametrize("source", ["x = 1\n", "# %%live\nx = 1\n", "x = 1\n%%live\n", "y = '%%live'\n"])
def test_other_cells_are_left_alone(graded: None, source: str) -> None:
    assert transform(source).startswith(source.split("%%")[0])
    assert live.SKIPPED not in transform(source)


def test_magics_inside_a_live_cell_work(not_graded: None) -> None:
    assert "run_line_magic('time'" in transform("%%live\n%time x = 1\n")


def test_in_a_plain_shell_with_top_level_await(not_graded: None) -> None:
    shell = InteractiveShell()
    try:
        shell.run_cell("%load_ext servelab")
        shell.run_cell("%reload_ext servelab")
        assert shell.input_transformers_cleanup.count(live.live_cell) == 1
        shell.run_cell("%%live\nimport asyncio\nawait asyncio.sleep(0)\nx = 41 + 1").raise_error()
        assert shell.user_ns["x"] == 42
        os.environ["NBGRADER_EXECUTION"] = "autograde"
        shell.run_cell("%%live\nx = 0").raise_error()
        assert shell.user_ns["x"] == 42
        shell.run_cell("%unload_ext servelab")
        assert live.live_cell not in shell.input_transformers_cleanup
    finally:
        os.environ.pop("NBGRADER_EXECUTION", None)
        InteractiveShell.clear_instance()


def run_in_kernel(*sources: str, **env: str) -> list:
    notebook = new_notebook(cells=[new_code_cell(s) for s in sources])
    kept = {k: v for k, v in os.environ.items() if k != "NBGRADER_EXECUTION"}
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute(env=kept | env)
    return [[(o.get("name"), o.get("text", "")) for o in c.outputs] for c in notebook.cells]


LIVE = "%%live\nimport asyncio\nasync with asyncio.timeout(5):\n    await asyncio.sleep(0)\nprint('ran')"


def test_in_a_kernel() -> None:
    assert run_in_kernel("%load_ext servelab", LIVE)[1] == [("stdout", "ran\n")]


def test_in_a_kernel_that_grades() -> None:
    outputs = run_in_kernel(
        "%load_ext servelab",
        LIVE,
        "import warnings\nwarnings.warn('careful')",
        NBGRADER_EXECUTION="autograde",
    )
    assert outputs[1] == [("stdout", live.SKIPPED + "\n")]
    assert [name for name, _ in outputs[2]] == ["stdout"]  # a warning must not look like a failed check


def test_a_student_sees_warnings_as_usual() -> None:
    outputs = run_in_kernel("%load_ext servelab", "import warnings\nwarnings.warn('careful')")
    assert [name for name, _ in outputs[1]] == ["stderr"]


def setup_cell(tmp_path: Path, **env: str) -> tuple[str, float, set[str]]:
    """Output, the processor's seconds and imported top-level modules of `servelab.setup`, in a folder without the course."""
    code = (
        "import sys, time\nbegun = time.process_time()\nimport servelab\n"
        "assert servelab.setup('01-naive-serving') is None\n"
        "print(time.process_time() - begun, *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SERVELAB_", "NBGRADER_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=kept | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    seconds, *modules = last.split()
    return "\n".join(lines), float(seconds), set(modules)


def test_setup_is_quick_and_imports_nothing_large(tmp_path: Path) -> None:
    text, seconds, modules = setup_cell(tmp_path)
    assert "lab 01 · naive serving" in text and "Python 3." in text and "Engine: " in text
    assert seconds < 2
    assert not modules & {"torch", "vllm", "transformers", "numpy", "openai", "jupyterlab"}


def test_setup_never_raises(tmp_path: Path) -> None:
    assert "There is no profile 'tpu'" in setup_cell(tmp_path, SERVELAB_PROFILE="tpu")[0]
    assert "profile scripted" in setup_cell(tmp_path, SERVELAB_PROFILE="scripted")[0]


def test_setup_when_graded_is_one_line(tmp_path: Path) -> None:
    text, seconds, _ = setup_cell(tmp_path, NBGRADER_EXECUTION="validate")
    assert len(text.splitlines()) == 1 and seconds < 2


def test_import_of_the_package_alone_is_light() -> None:
    code = "import time, servelab; print(time.process_time())"  # since the process began, whatever else the machine does
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=60, capture_output=True, text=True
    )
    assert float(done.stdout) < 2


def cell_by_cell(*sources: str) -> list[list]:
    """Run cells in a real kernel that goes on after errors; returns each cell's outputs."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in ("%load_ext servelab", *sources)])
    NotebookClient(notebook, kernel_name="python3", timeout=60, allow_errors=True).execute()
    return [cell.outputs for cell in notebook.cells[1:]]


@pytest.mark.slow
def test_a_missing_name_is_still_an_error_and_says_where_to_look(not_graded: None) -> None:
    (outputs, after) = cell_by_cell("%%live\nprint(engine)", "1 + 1")
    assert [o.ename for o in outputs if o.output_type == "error"] == ["NameError"]
    assert "run that cell first" in "".join(o.get("text", "") for o in outputs)
    assert after[0].data["text/plain"] == "2"


@pytest.mark.slow
def test_a_graded_notebook_shows_errors_as_they_are(graded: None) -> None:
    (outputs,) = cell_by_cell("print(engine)")
    assert [o.output_type for o in outputs] == ["error"]


@pytest.mark.slow
def test_an_interrupted_wait_is_one_line(not_graded: None) -> None:
    source = (
        "import asyncio, os, signal\n"
        "asyncio.get_running_loop().call_later(0.5, os.kill, os.getpid(), signal.SIGINT)\n"
        "await asyncio.sleep(30)\n"
        "print('slept')"
    )
    (outputs,) = cell_by_cell(source)
    (said,) = outputs
    assert said.text.startswith("Interrupted.")
