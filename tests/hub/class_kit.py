"""A course with one tiny lab, a class of two on this machine, and everything taken away again."""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import servelab

LAB = "01-tiny"
COURSE_ID = "serving-llms"
_TOOLS = ("useradd", "userdel", "setpriv", "bwrap")

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or any(shutil.which(tool) is None for tool in _TOOLS),
    reason="needs root and bubblewrap, to make accounts and to run servers under them",
)


@dataclass
class School:
    """A course in a scratch folder, and the class on it."""

    root: Path
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    port: int = 0

    def __post_init__(self) -> None:
        mark = self.run_id[:6]
        self.ada, self.bob = f"ada{mark}", f"bob{mark}"

    @property
    def env(self) -> dict[str, str]:
        """What makes a command this course's, and nobody's else."""
        return {
            "SERVELAB_ROOT": str(self.root),
            "SERVELAB_PROFILE": "scripted",  # no model to convert: these tests are about the class
            "SERVELAB_RUN": self.run_id,
            "SERVELAB_PROGRESS": "0",
            "JUPYTER_RUNTIME_DIR": str(self.root / ".runtime"),
            "JUPYTER_DATA_DIR": str(self.root / ".data"),
            "JUPYTER_CONFIG_DIR": str(self.root / ".config"),
            "IPYTHONDIR": str(self.root / ".ipython"),
        }

    @property
    def office(self) -> Path:
        """Where grading and the class keep their things."""
        return self.root / "gradebook"

    @property
    def inbound(self) -> Path:
        """Where submissions arrive."""
        return self.office / "exchange" / COURSE_ID / "inbound"

    def student(self, login: str) -> Path:
        """The folder with a student's home and work."""
        return self.office / "class" / "students" / login

    def roster(self, *lines: str) -> Path:
        """A CSV file with these lines, or with Ada and Bob."""
        path = self.root / "roster.csv"
        both = [f"{self.ada},Ada,Lovelace,ada@example.org", f"{self.bob},Bob,Byte,bob@example.org"]
        path.write_text("\n".join(["id,first_name,last_name,email", *(lines or both)]) + "\n")
        return path

    def run(self, *args: str, code: int = 0, timeout: float = 120) -> str:
        """A `servelab` command; its output."""
        done = servelab(*args, timeout=timeout, **self.env)
        assert done.returncode == code, (
            f"servelab {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout + done.stderr

    def nbgrader(self, *args: str) -> str:
        """An `nbgrader` command; its log."""
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *args],
            cwd=self.root,
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0 and "| ERROR]" not in said, f"nbgrader {' '.join(args)}:\n{said[-2000:]}"
        return said

    def passwords(self) -> dict[str, str]:
        """What was handed out."""
        with (self.office / "class" / "passwords.csv").open(newline="") as file:
            return {row["login"]: row["password"] for row in csv.DictReader(file)}

    def accounts(self) -> list[str]:
        """The accounts of this class that are on the machine."""
        return [entry.pw_name for entry in pwd.getpwall() if self.run_id[:6] in entry.pw_name]
