"""What one student's server may take, by control groups where the system lets root make them; and how many fit here."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable
from pathlib import Path

import psutil
from pydantic import BaseModel

CGROUPS = Path("/sys/fs/cgroup")
_PARENT = "servelab-class"
_PERIOD_US = 100_000
GIB = 1024**3
#: JupyterLab itself with a notebook or two, before anything is computed.
SERVER_BYTES = int(0.4 * GIB)
#: A lab's own processes beside the engine: see the `needs` of the labs' headers.
LAB_BYTES = int(1.5 * GIB)


class Limits(BaseModel):
    """For each student: memory in GiB, processors (0: as many as there are), processes and threads."""

    memory_gb: float = 8.0
    cpus: float = 0.0
    processes: int = 4096


class Group:
    """A control group for one student's processes, of version 2 or 1.

    Attributes:
        folders: the directories in which a process has to be entered; none where groups cannot be made.
    """

    def __init__(self, name: str, limits: Limits, root: Path = CGROUPS) -> None:
        self.limits = limits
        self.folders: list[Path] = []
        self._name = name
        two = (root / "cgroup.controllers").is_file()
        try:
            self._make_two(root) if two else self._make_one(root)
        except OSError:
            self.remove()

    @property
    def shown(self) -> Path | None:
        """The folder in which a program finds how much memory there is for it."""
        found = [
            folder for folder in self.folders if (folder / "memory.max").exists() or "memory" in folder.parts
        ]
        return found[0] if found else None

    def enter(self) -> Callable[[], None]:
        """What a child does before it becomes the program (`preexec_fn`)."""
        targets = [str(folder / "cgroup.procs") for folder in self.folders]
        processes = self.limits.processes

        def do() -> None:
            for target in targets:
                with open(target, "w") as file:  # noqa: PTH123 - between fork and exec: as little as can be
                    file.write("0")
            # Counts all processes of the account; it holds where no group can be made, too.
            resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))

        return do

    def remove(self) -> None:
        """Remove the group; it is empty when the server has ended."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()
            with contextlib.suppress(OSError):  # the last one of the class
                folder.parent.rmdir()
        self.folders = []

    def _make_two(self, root: Path) -> None:
        parent = root / _PARENT
        _allow(root)
        parent.mkdir(exist_ok=True)
        _allow(parent)
        folder = parent / self._name
        folder.mkdir(exist_ok=True)
        self.folders.append(folder)
        _write(folder / "memory.max", str(int(self.limits.memory_gb * GIB)))
        with contextlib.suppress(OSError):  # a machine without swap
            _write(folder / "memory.swap.max", "0")
        _write(folder / "pids.max", str(self.limits.processes))
        if self.limits.cpus:
            _write(folder / "cpu.max", f"{int(self.limits.cpus * _PERIOD_US)} {_PERIOD_US}")

    def _make_one(self, root: Path) -> None:
        wanted = {
            "memory": {"memory.limit_in_bytes": str(int(self.limits.memory_gb * GIB))},
            "pids": {"pids.max": str(self.limits.processes)},
        }
        if self.limits.cpus:
            wanted["cpu"] = {
                "cpu.cfs_period_us": str(_PERIOD_US),
                "cpu.cfs_quota_us": str(int(self.limits.cpus * _PERIOD_US)),
            }
        for controller, values in wanted.items():
            if not (root / controller).is_dir():
                continue
            folder = root / controller / _PARENT / self._name
            folder.mkdir(parents=True, exist_ok=True)
            self.folders.append(folder)
            for file, value in values.items():
                _write(folder / file, value)


def sweep(root: Path = CGROUPS) -> None:
    """Remove groups in which nothing runs any more: a server's last process may outlive its stop by a moment."""
    for parent in (root / _PARENT, *root.glob(f"*/{_PARENT}")):
        for folder in (*parent.glob("*/"), parent):
            with contextlib.suppress(OSError):  # something runs in it
                folder.rmdir()


def _allow(folder: Path) -> None:
    offered = (folder / "cgroup.controllers").read_text().split()
    wanted = [name for name in ("memory", "pids", "cpu") if name in offered]
    _write(folder / "cgroup.subtree_control", " ".join(f"+{name}" for name in wanted))


def _write(file: Path, value: str) -> None:
    file.write_text(value)


def possible() -> bool:
    """Whether memory can be limited here. Makes a group and removes it."""
    group = Group(f"try-{os.getpid()}", Limits())
    found = group.shown is not None
    group.remove()
    return found


class Room(BaseModel):
    """How many students fit into this machine's memory at the same time."""

    total_gb: float
    #: What one takes, with an engine of their own and without.
    with_engine_gb: float
    without_engine_gb: float
    with_engine: int
    without_engine: int


def room(engine_bytes: int, total_bytes: int | None = None) -> Room:
    """How many fit: a tenth of the memory, and at least a GiB, stays with the system.

    Args:
        engine_bytes: what an engine of the machine's profile takes.
        total_bytes: of the machine.
    """
    total = total_bytes or psutil.virtual_memory().total
    usable = total - max(GIB, total // 10)
    without = SERVER_BYTES + LAB_BYTES
    return Room(
        total_gb=round(total / GIB, 1),
        with_engine_gb=round((without + engine_bytes) / GIB, 1),
        without_engine_gb=round(without / GIB, 1),
        with_engine=max(0, usable // (without + engine_bytes)),
        without_engine=max(0, usable // without),
    )
