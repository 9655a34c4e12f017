"""A small lab to grade, built cell by cell, and ways to spoil a copy of it."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cells import LAB, answer, check, plain, written
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from servelab.course.building import load_config
from servelab.grading.classroom import Classroom
from servelab.grading.repair import without_solution

MEAN = "def mean(values):\n    ### BEGIN SOLUTION\n    return sum(values) / len(values)\n    ### END SOLUTION"
TOTAL = "def total(values):\n    ### BEGIN SOLUTION\n    return sum(values)\n    ### END SOLUTION"


def small_source() -> NotebookNode:
    """The instructor's notebook: two code questions, one quiz item, one written answer; 9 points of checks."""
    return new_notebook(
        cells=[
            new_markdown_cell("# A small lab", id="title"),
            plain("import math", "setup"),
            answer(MEAN, "mean"),
            check(
                "assert mean([2, 4]) == 3, 'the mean of 2 and 4 is 3'\n"
                "### BEGIN HIDDEN TESTS\nsecret_of_the_judge = [1.5, 2.5]\n"
                "assert mean(secret_of_the_judge) == 2, 'try numbers that are not whole'\n### END HIDDEN TESTS",
                "mean-check",
                2,
            ),
            check("assert mean([-1, 1]) == 0, 'negative numbers count too'", "mean-check-2", 2),
            answer(TOTAL, "total"),
            check(
                "import asyncio\nawait asyncio.sleep(0)\n"
                "min(4.0, 4.0 * sum(total([n, 1]) == n + 1 for n in range(4)) / 4)",
                "total-check",
                4,
            ),
            answer('quiz_pick = "waits"  #@param ["", "waits", "drops", "splits"]', "quiz-pick"),
            check(
                "print('Noted.')\n### BEGIN HIDDEN TESTS\nassert quiz_pick, 'choose one of the options'\n"
                "assert str(quiz_pick).strip().lower() == 'waits', 'not this one'\n### END HIDDEN TESTS",
                "quiz-pick-check",
                1,
            ),
            written("why", 3),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


@pytest.fixture
def source() -> NotebookNode:
    return small_source()


@pytest.fixture
def source_path(tmp_path: Path) -> Path:
    """The instructor's notebook on disk, alone in its folder."""
    folder = tmp_path / "solutions" / LAB
    folder.mkdir(parents=True)
    nbformat.write(small_source(), folder / f"{LAB}.ipynb")
    return folder / f"{LAB}.ipynb"


Answering = Callable[..., NotebookNode]


@pytest.fixture
def answering() -> Answering:
    """`answering(mean="def mean...")`: the reference with some answers replaced (dashes as underscores)."""

    def build(**answers: str) -> NotebookNode:
        notebook = copy.deepcopy(small_source())
        for cell in notebook.cells:
            name = cell.id.replace("-", "_")
            if name in answers:
                cell.source = answers[name]
        return notebook

    return build


BANK = """
title: A small bank
minutes: 5
pass_percent: 70
items:
  - id: pick
    seed: M5 Q1
    topic: serving
    lab: 01-small
    stem: What does the second request do?
    answer: waits
    options:
      - {id: waits, text: It waits., why: There is one lock and it is taken.}
      - {id: drops, text: It is dropped., why: Nothing is dropped while the queue has room.}
      - {id: splits, text: It is split., why: Nobody splits a request.}
"""


def released(notebook: NotebookNode) -> NotebookNode:
    """What nbgrader would release: no solutions, no hidden tests."""
    release = copy.deepcopy(notebook)
    for cell in release.cells:
        fields = cell.metadata.get("nbgrader", {})
        if fields.get("solution") and cell.id.startswith("quiz-"):
            cell.source = cell.source.replace('"waits"', '""', 1)
        elif fields.get("solution"):
            cell.source = without_solution(cell.source)
        cell.source = re.sub(
            r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", cell.source, flags=re.DOTALL
        )
    return release


@pytest.fixture
def small_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of one small lab: sources, release, question bank; nobody has opened it yet."""
    root = tmp_path / "course"
    for folder, notebook in (("solutions", small_source()), ("labs", released(small_source()))):
        (root / folder / LAB).mkdir(parents=True)
        nbformat.write(notebook, root / folder / LAB / f"{LAB}.ipynb")
    (root / "quizzes").mkdir()
    (root / "quizzes" / "small.yaml").write_text(BANK)
    shutil.copy(Path(__file__).parents[2] / "nbgrader_config.py", root)
    monkeypatch.setenv("SERVELAB_ROOT", str(root))
    monkeypatch.delenv("SERVELAB_WORK", raising=False)
    return root


@pytest.fixture
def room(tmp_path: Path, small_course: Path) -> Classroom:
    """A class whose lab is released; nothing is handed in yet."""
    room = Classroom(tmp_path / "class", small_course, [LAB])
    room.nbgrader("generate_assignment", LAB, "--force")
    return room


@pytest.fixture
def config(room: Classroom) -> Any:
    """The room's nbgrader configuration."""
    return load_config(Path(__file__).parents[2], room.folder)


@pytest.fixture
def own_copy(small_course: Path) -> Callable[[NotebookNode | bytes], Path]:
    """`own_copy(notebook)`: put a student's copy into work/."""

    def write(content: NotebookNode | bytes) -> Path:
        path = small_course / "work" / LAB / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes) else nbformat.writes(content).encode()
        path.write_bytes(text)
        return path

    return write


RECORDED = {
    "mean": """# Answers to `mean`.
# %% right "a loop"
def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)

# %% right "statistics"
import statistics

def mean(values):
    return statistics.fmean(values)

# %% wrong "absolute values" points=2
def mean(values):
    return sum(abs(v) for v in values) / len(values)

# %% wrong "a constant" points=0
def mean(values):
    return 3

# %% wrong "ends the kernel" points=0
def mean(values):
    import os
    os._exit(1)
""",
    "total": """# %% right "a loop"
def total(values):
    s = 0
    for value in values:
        s = s + value
    return s

# %% right "fsum, and a loop of its own"
import asyncio, math
async def wait():
    await asyncio.sleep(0.01)
await wait()
def total(values):
    asyncio.get_running_loop()
    return math.fsum(values)

# %% wrong "first falsy" points=3
def total(values):
    return sum(values) if values[0] else 0

# %% wrong "asyncio.run in a running loop" points=0
import asyncio
async def add(values):
    return sum(values)
def total(values):
    return asyncio.run(add(values))

# %% wrong "always less than nothing" points=0
def total(values):
    return -1
""",
}


@pytest.fixture
def recorded(small_course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of recorded answers of the small lab, all of which get their points."""
    monkeypatch.setattr("servelab.grading.answers.MIN_PER_LAB", 15)
    folder = small_course / "tests" / "answers" / LAB
    folder.mkdir(parents=True)
    for name, text in RECORDED.items():
        (folder / f"{name}.py").write_text(text)
    return folder
