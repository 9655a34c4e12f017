"""The code is formatted, linted, and speaks of the course only."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PYTHON = ["environment", "tests", "nbgrader_config.py"]


def ruff(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_formatted() -> None:
    done = ruff("format", "--check", *PYTHON)
    assert done.returncode == 0, done.stdout


def test_linted() -> None:
    done = ruff("check", *PYTHON, "solutions")
    assert done.returncode == 0, done.stdout


def modules() -> list[Path]:
    return sorted((ROOT / "environment" / "servelab").rglob("*.py"))


@pytest.mark.parametrize(
    "path", modules(), ids=lambda p: str(p.relative_to(ROOT / "environment" / "servelab"))
)
def test_module_opens_with_what_it_holds(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or re.match(r'(#!.*\n)?"""\S[^\n]+', text), f"{path} has no opening line"


# A room imports only rooms below it; the order is that of the design.
ROOMS = [
    "cli",
    "website",
    "hub",
    "evidence",
    "jupyter",
    "grading",
    "course",
    "doctor",
    "operations",
    "lora",
    "load",
    "gateway",
    "kubernetes",
    "retrieval",
    "engine",
    "monitoring",
    "checks",
    "progress",
    "children",
    "paths",
    "needs",
    "errors",
]


def upward(room: str, text: str) -> list[str]:
    """Imports in `text` of rooms that stand above `room`."""
    named = re.findall(
        r"^\s*(?:from servelab\.(\w+)|from servelab import (\w+)|import servelab\.(\w+))", text, re.M
    )
    used = {next(filter(None, groups)) for groups in named}
    return sorted(other for other in used & set(ROOMS) if ROOMS.index(other) < ROOMS.index(room))


@pytest.mark.parametrize(
    "path", modules(), ids=lambda p: str(p.relative_to(ROOT / "environment" / "servelab"))
)
def test_imports_only_downward(path: Path) -> None:
    room = path.relative_to(ROOT / "environment" / "servelab").parts[0].removesuffix(".py")
    if room in ROOMS:
        assert upward(room, path.read_text()) == []


def test_upward_import_is_found() -> None:
    assert upward("engine", "from servelab.grading.run import grade\nfrom servelab import paths\n") == [
        "grading"
    ]


def test_makefile_recipes_are_short() -> None:
    """The design allows three lines a recipe: what is longer belongs in the package."""
    recipes = re.findall(r"^[a-z]+:.*\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text(), re.M)
    assert recipes and max(r.count("\n") for r in recipes) <= 3
