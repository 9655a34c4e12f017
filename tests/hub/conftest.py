"""A built course for a class, copied for each test, and a class that is taken away again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from class_kit import School
from conftest import ROOT, gone_within, processes_marked, servelab
from labserver import free_port
from servelab.hub.limits import CGROUPS


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture's course of one tiny lab, built once: with solutions, hidden tests and a quiz."""
    root = tmp_path_factory.mktemp("built") / "course"
    shutil.copytree(ROOT / "tests" / "fixtures" / "course", root)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    done = servelab("build", SERVELAB_ROOT=str(root))
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(built, tmp_path / "course"))


@pytest.fixture
def school(course: Path) -> Iterator[School]:
    """A course for a class. Afterwards, also after a failure, nothing of the class is on the machine."""
    found = School(course, port=free_port())
    try:
        yield found
    finally:
        if (found.office / "class" / "people.json").is_file():
            if (found.office / "class" / "hub" / "running.json").is_file():
                servelab("class", "stop", **found.env)
            servelab("class", "remove", "--all", "--delete-files", **found.env)
        left = gone_within(found.run_id, 10)
        for process in processes_marked(found.run_id):
            process.kill()
    assert left == [], "no process is left"
    assert found.accounts() == [], "no account is left"
    assert list(CGROUPS.glob(f"**/servelab-class/*{found.run_id[:6]}*")) == [], "no control group is left"
