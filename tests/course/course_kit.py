"""A tiny course in a folder of its own, and the verbs that tests use on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = "01-tiny"


class Course:
    """The paths of a tiny course, and the verbs that tests use on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "solutions" / LAB / f"{LAB}.py"
        self.solution = self.source.with_suffix(".ipynb")
        self.release = root / "labs" / LAB / f"{LAB}.ipynb"

    def edit(self, old: str, new: str) -> None:
        """Replace text in the lab's source; it must be there exactly once."""
        text = self.source.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the fixture"
        self.source.write_text(text.replace(old, new))

    def nbgrader(self, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a stock nbgrader command on this course, by default from inside it."""
        return subprocess.run(
            [sys.executable, "-m", "nbgrader", *args],
            cwd=cwd or self.root,
            env={**self.env(), **env},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def env(self) -> dict[str, str]:
        """An environment in which nothing points at another course."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SERVELAB_")}
        return kept | {"JUPYTER_DATA_DIR": str(self.root / "jupyter")}


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell with this id."""
    return next(c for c in notebook.cells if c.id == name)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A copy of the tiny course. Test modules take it with `course = course_kit.course`."""
    root = tmp_path / "course"
    shutil.copytree(REPOSITORY / "tests" / "fixtures" / "course", root)
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    return Course(root)


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    return nbformat.read(path, as_version=4)
