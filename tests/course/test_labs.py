"""The course's own labs: built from their sources, executed, and good to open without any answer."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from course_kit import REPOSITORY, read
from nbclient.exceptions import CellExecutionError
from servelab.course import build
from servelab.course.building import source_paths, stale_cells
from servelab.course.execute import clean
from servelab.course.notebooks import SHOWN
from servelab.kernels import NotebookClient

LABS = [path.stem for path in source_paths(REPOSITORY)]


def test_there_are_labs() -> None:
    assert LABS[:2] == ["01-naive-serving", "02-vllm"]


def test_notebooks_and_releases_match_their_sources() -> None:
    assert build(REPOSITORY, check=True) == []


@pytest.mark.parametrize("lab", LABS)
def test_solution_notebook_holds_one_clean_run(lab: str) -> None:
    path = REPOSITORY / "solutions" / lab / f"{lab}.ipynb"
    notebook = read(path)
    assert stale_cells(notebook) == [], f"run `servelab build {lab} --execute`"
    assert not [c.id for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    before = nbformat.writes(notebook)
    clean(notebook, {REPOSITORY: "<course>", Path.home(): "~", Path(sys.prefix): ".venv"})
    assert nbformat.writes(notebook) == before, "outputs hold progress frames or paths of a machine"


@pytest.mark.parametrize(("lab", "shown"), [("02", "serving-cpu"), ("03", "quantization-cpu"), ("05", "serving-cpu"), ("07", "retrieval-cpu"), ("08", "lora-cpu"), ("11", "serving-cpu")])  # fmt: skip
def test_solutions_say_which_measurements_they_show(lab: str, shown: str) -> None:
    """And `build --check`, above, finds one that has changed since."""
    (name,) = (name for name in LABS if name.startswith(lab))
    notebook = read(REPOSITORY / "solutions" / name / f"{name}.ipynb")
    assert shown in notebook.metadata.get(SHOWN, {}), f"run `servelab build {name} --execute`"


def starter(lab: str) -> nbformat.NotebookNode:
    return read(REPOSITORY / "labs" / lab / f"{lab}.ipynb")


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_starter_runs_up_to_the_first_answer(lab: str, tmp_path: Path) -> None:
    notebook = starter(lab)
    answers = (i for i, c in enumerate(notebook.cells) if "answer" in c.metadata.get("tags", []))
    first = next(answers, len(notebook.cells))  # an exam may be quiz items only
    notebook.cells = notebook.cells[:first]
    client = NotebookClient(
        notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    try:  # live cells are left out: they belong to the engine's tests
        client.execute(env={**os.environ, "NBGRADER_EXECUTION": "validate"})
    except CellExecutionError as error:
        pytest.fail(str(error))


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_validate_of_an_untouched_lab_is_quick_and_helpful(lab: str, tmp_path: Path) -> None:
    (tmp_path / f"{lab}.ipynb").write_text(nbformat.writes(starter(lab)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", str(tmp_path / f"{lab}.ipynb")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The processor's seconds: the wall's are also those of whatever else runs. A cell that sleeps is stopped by its timeout.
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    helpful = ("put your code here", "is empty: put the command", "You did not provide a response")
    assert any(words in done.stdout for words in helpful), done.stdout + done.stderr
    assert "NameError" not in done.stdout, (
        "a check of an untouched answer should fail with the stub's message"
    )
    assert 1 < seconds < 20, f"Validate of lab {lab} took {seconds:.0f} s of the processor's"
