"""Child programs are found, get a free port, and end with their parent."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from servelab import children
from servelab.children import find_program, free_port, listening
from servelab.errors import CourseError


def test_a_program_beside_python_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("beside", "path", "more"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert find_program("tool", str(tmp_path / "more")) is None
    for folder in ("more", "path", "beside"):
        program = tmp_path / folder / "tool"
        program.touch(mode=0o755)
        assert find_program("tool", str(tmp_path / "more")) == str(program)


def test_a_free_port_is_free_and_leaves_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    random.seed(5)
    before = random.getstate()
    port = free_port()
    assert random.getstate() == before
    with socket.create_server((children.HOST, port)):
        assert (children.HOST, port) in (listening(os.getpid()) or [(children.HOST, port)])
        monkeypatch.setattr(children, "_PORTS", range(port, port + 1))
        monkeypatch.setattr(children._CHANCE, "sample", lambda ports, n: list(ports))
        with pytest.raises(CourseError, match=f"Hardly a port from {port} to {port} is free"):
            free_port()


def test_who_listens_nowhere_and_who_is_not_there() -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    assert listening(done.pid) is None


def test_a_child_ends_with_its_parent() -> None:
    script = (
        "import subprocess, time\nfrom servelab.children import die_with_parent\n"
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=die_with_parent())\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    for _ in range(100):
        if not psutil.pid_exists(pid):
            break
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)
