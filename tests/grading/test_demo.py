"""The whole way of a lab, from release to feedback, through nbgrader's own commands."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from rich.console import Console
from servelab.grading.classroom import Classroom, ClassroomError
from servelab.grading.demo import demo

LAB = "01-small"


@pytest.mark.slow
def test_a_small_lab_goes_all_the_way(small_course, tmp_path):
    path = small_course / "solutions" / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(
        2, new_code_cell("%%live\nfrom pathlib import Path\nPath('was-live').touch()", id="live")
    )
    notebook.cells.insert(2, new_code_cell("%load_ext servelab", id="load"))
    nbformat.write(notebook, path)
    before = sorted(p.relative_to(small_course) for p in small_course.rglob("*"))
    console = Console(record=True, width=120)
    status = demo([LAB], folder=tmp_path / "demo", console=console)
    told = console.export_text()
    assert status == 0, told
    assert "quiz-pick  " in told and "0 of 1" in told and "8 of 9" in told
    desk = tmp_path / "demo" / "students" / "ada" / "work" / LAB
    assert (desk / "was-live").exists()
    page = next((desk / "feedback").rglob("*.html")).read_text()
    assert "not this one" in page
    assert "ada" in (tmp_path / "demo" / "grades.csv").read_text()
    # The course it was made from is as it was.
    assert sorted(p.relative_to(small_course) for p in small_course.rglob("*")) == before


@pytest.mark.slow
def test_a_failing_cell_stops_the_demonstration(small_course, tmp_path):
    path = small_course / "solutions" / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(2, new_code_cell("raise RuntimeError('no engine today')", id="fails"))
    nbformat.write(notebook, path)
    console = Console(record=True, width=120)
    assert demo([LAB], folder=tmp_path / "demo", console=console) == 1
    told = console.export_text()
    assert "FAILED" in told and "'fails'" in told and "no engine today" in told


@pytest.mark.slow
def test_a_failing_command_is_told_with_its_log(small_course, tmp_path):
    room = Classroom(tmp_path / "room", small_course, [LAB])
    with pytest.raises(ClassroomError, match="nbgrader collect 01-small` failed"):
        room.nbgrader("collect", LAB)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_lab_02_on_the_real_engine(root, tmp_path, figures):
    """`make demo` does lab 01 too, which takes as long again, in the same steps."""
    done = subprocess.run(
        [sys.executable, "-c", "from servelab.cli import main; main()", "demo", "--lab=02-vllm"],
        env=os.environ | {"SERVELAB_ROOT": str(root), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    lines = done.stdout.splitlines()
    figures["demo"] = next(line for line in lines if line.startswith("Done in"))
    figures["demo, speed-up"] = next(
        line for line in lines if "times the requests of the naive server" in line
    )
