"""Programs that run as children of this process: found beside Python, on loopback, and ended with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from servelab import paths
from servelab.errors import CourseError

HOST = "127.0.0.1"
_PORTS = range(32100, 32700)  # above the engines' ports, below those that the system gives to clients
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_CHANCE = random.SystemRandom()  # a notebook's own seed stays untouched, and does not choose the port


def program_folders() -> tuple[Path, ...]:
    """Where the set-up puts programs: beside Python, and on Colab, whose Python is not ours, in the checkout's `.venv`."""
    beside = Path(sys.executable).parent
    return (beside, Path(__file__).resolve().parents[2] / ".venv" / "bin") if paths.on_colab() else (beside,)


def find_program(name: str, more_path: str = "") -> str | None:
    """The path of a program: where the set-up puts it, or on the PATH and then `more_path`; None where it is nowhere."""
    for folder in program_folders():
        if (beside := folder / name).is_file():
            return str(beside)
    path = os.environ.get("PATH", "") + (f":{more_path}" if more_path else "")
    return shutil.which(name, path=path)


def free_port() -> int:
    """A port on which nobody listens. Raises: CourseError."""
    for port in _CHANCE.sample(_PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise CourseError(f"Hardly a port from {_PORTS.start} to {_PORTS.stop - 1} is free.")


def listening(pid: int) -> list[tuple[str, int]] | None:
    """Where a process listens, as addresses and ports; None where the system does not tell."""
    try:
        found = psutil.Process(pid).net_connections("inet")
    except (psutil.Error, OSError):
        return None
    return [(c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN]


def die_with_parent() -> Callable[[], None]:
    """What a child does before it becomes the program (`preexec_fn`): ask the system to kill it when its parent ends (Linux)."""
    parent = os.getpid()

    def ask() -> None:
        with contextlib.suppress(AttributeError):
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return ask
