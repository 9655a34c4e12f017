"""The instructor guide, run as it stands, with two students who hand in between its steps."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import guide_kit
import pytest
from class_kit import School, needs_root
from conftest import ROOT, gone_within, servelab
from test_classroom import inside

GUIDE = ROOT / "environment" / "guides" / "instructor.md"
LAB = "01-naive-serving"
ACCOUNTS = ("ada", "bob")


def test_links() -> None:
    assert guide_kit.broken_links(GUIDE) == []


def test_every_command_exists() -> None:
    """Also those that are shown and not run."""
    text = GUIDE.read_text()
    for flag in ("--memory-gb", "--cpus", "--cull-minutes", "--engine-url", "--detach"):
        assert flag in text and flag in servelab("class", "start", "--help", COLUMNS="200").stdout
    assert "--no-missing-counts" in servelab("class", "grades", "--help", COLUMNS="200").stdout
    assert "--delete-files" in servelab("class", "remove", "--help", COLUMNS="200").stdout


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Path]:
    """A copy of the course with one lab and the exams, where `.venv/bin` and `sudo` are as the guide expects them."""
    root = tmp_path / "serving"
    shutil.copytree(ROOT / "solutions" / LAB, root / "solutions" / LAB)
    for lab in (LAB, *(p.name for p in (ROOT / "labs").glob("1[23]-exam-*"))):
        shutil.copytree(ROOT / "labs" / lab, root / "labs" / lab)
    shutil.copytree(ROOT / "quizzes", root / "quizzes")
    for name in ("nbgrader_config.py", "README.md"):
        shutil.copy(ROOT / name, root)
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in ("servelab", "nbgrader"):
        program = root / ".venv" / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {Path(sys.executable).with_name(name)} "$@"\n')
        program.chmod(0o755)
    if shutil.which("sudo") is None:
        (root / ".venv" / "bin" / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (root / ".venv" / "bin" / "sudo").chmod(0o755)
    yield root
    env = School(root).env
    if (root / "gradebook" / "class" / "people.json").is_file():
        if (root / "gradebook" / "class" / "hub" / "running.json").is_file():
            servelab("class", "stop", **env)
        servelab("class", "remove", "--all", "--delete-files", **env)


@needs_root
@pytest.mark.slow
def test_a_term(course: Path, figures: dict[str, Any]) -> None:
    began = time.monotonic()
    school = School(course)
    env = {name: value for name, value in school.env.items() if name != "SERVELAB_ROOT"}
    home = (
        course.parent / "home"
    )  # the guide keeps a copy in the instructor's home: not in that of whoever runs this
    home.mkdir()
    env |= {
        "SERVELAB_ROOT": "",
        "HOME": str(home),
        "PATH": f"{course / '.venv' / 'bin'}:{os.environ['PATH']}",
    }
    if guide_port_is_taken():
        pytest.skip("port 8000, which the guide names, is taken on this machine")
    with guide_kit.Session(course, env) as session:
        for fence in guide_kit.fences(GUIDE):
            if fence.commands.startswith("nbgrader collect"):
                for login in ACCOUNTS:
                    hand_in(school, login)
            step = session.run(fence)
            figures[f"instructor guide, line {fence.line}, s"] = round(step.seconds, 1)
    with (course / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(ACCOUNTS) and float(rows["ada"]["final (%)"]) > float(rows["bob"]["final (%)"])
    backup = home / "gradebook-backup.tar.gz"
    assert backup.stat().st_size > 1000 and backup.stat().st_mode & 0o077 == 0
    assert gone_within(school.run_id, 5) == []
    figures["instructor guide in all, s"] = round(time.monotonic() - began, 1)


def guide_port_is_taken() -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 8000)) == 0


def hand_in(school: School, login: str) -> None:
    """What a student does, without the browser: Ada answers a question, Bob none."""
    notebook = f"{LAB}/{LAB}.ipynb"
    done = inside(school, login, f"nbgrader fetch_assignment {LAB}")
    assert done.returncode == 0, done.stderr[-1000:]
    if login == "ada":
        own = Path(school.office / "class" / "students" / login / "work" / notebook)
        solved = (school.root / "solutions" / notebook).read_bytes()
        owner = own.stat()
        own.write_bytes(solved)
        os.chown(own, owner.st_uid, owner.st_gid)
    done = inside(school, login, f"nbgrader submit {LAB}")
    assert done.returncode == 0, done.stderr[-1000:]
