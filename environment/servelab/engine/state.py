"""What is written down about running engines, who owns them, and who uses them.

Every engine has a folder `state_dir()/engines/<id>/`:

    spec.json      what to run; written once by whoever asked for the engine
    state.json     where it stands; written by its keeper only
    leases/        one empty file per process that uses it: `<pid>-<start time>`
    engine.log     what the engine printed
    keeper.log     what the keeper printed; empty unless something is wrong with us

A process is always named by its pid and its start time, because pids are used again. This module is imported
by the keeper, which must start fast: standard library and psutil only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from servelab import paths

# Every process of an engine carries its id in this variable, so that what a killed keeper left can be found.
MARK = "SERVELAB_ENGINE_ID"

_LONGEST_TMPDIR = 50


@dataclass(frozen=True)
class ProcessId:
    """One process, for good: a pid that is used again has another start time."""

    pid: int
    started: float

    def alive(self) -> bool:
        """Whether it still runs. A zombie does not."""
        return identify(self.pid) == self

    def as_list(self) -> list[float]:
        return [self.pid, self.started]


def identify(pid: int) -> ProcessId | None:
    """Name the process that has this pid now; None when there is none, or only a zombie."""
    try:
        # Linux: start in clock ticks since boot. An epoch time would move whenever the clock is set.
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except (ProcessLookupError, OSError):
        return None
    else:
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else ProcessId(pid, float(fields[19]))
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return ProcessId(pid, process.create_time())
    except psutil.Error:
        return None


def describe(process: ProcessId) -> str:
    """A process in words a student knows: the notebook's name where there is one."""
    try:
        notebook = psutil.Process(process.pid).environ().get("JPY_SESSION_NAME", "")
        name = psutil.Process(process.pid).name()
    except (psutil.Error, OSError):
        return f"process {process.pid}"
    if process.pid == os.getpid():
        return f"this notebook ({Path(notebook).name})" if notebook else "this process"
    if notebook:
        return f"the notebook {Path(notebook).name} (process {process.pid})"
    return f"process {process.pid} ({name})"


def write_text(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old or the new text, never half of one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def write_json(path: Path, value: Any) -> None:
    """The same for a JSON value."""
    write_text(path, json.dumps(value, indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """The file's value, or {} when it is not there (any more) or not whole."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def engines_dir() -> Path:
    return paths.state_dir() / "engines"


@contextlib.contextmanager
def locked(name: str = "engines") -> Iterator[None]:
    """Hold the lock under which engines are started and given up, against other processes and threads."""
    paths.state_dir().mkdir(parents=True, exist_ok=True)
    with (paths.state_dir() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Record:
    """One engine's folder, read when asked."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def log(self) -> Path:
        return self.folder / "engine.log"

    def spec(self) -> dict[str, Any]:
        return read_json(self.folder / "spec.json")

    def state(self) -> dict[str, Any]:
        return read_json(self.folder / "state.json")

    def phase(self) -> str:
        """ "starting", "ready", "failed" (before it was ready), "died" (after), or "gone"."""
        state = self.state()
        return state.get("phase", "gone") if self.keeper_alive(state) else "gone"

    def keeper(self, state: dict[str, Any] | None = None) -> ProcessId | None:
        named = (state if state is not None else self.state()).get("keeper")
        return ProcessId(int(named[0]), named[1]) if named else None

    def keeper_alive(self, state: dict[str, Any] | None = None) -> bool:
        keeper = self.keeper(state)
        return keeper is not None and keeper.alive()

    def owner(self) -> int:
        """The owner's pid; 0 when the engine runs until it is stopped."""
        return int((self.spec().get("owner") or [0])[0])

    def lease(self, process: ProcessId) -> None:
        (self.folder / "leases" / f"{process.pid}-{process.started}").touch()

    def unlease(self, process: ProcessId) -> None:
        (self.folder / "leases" / f"{process.pid}-{process.started}").unlink(missing_ok=True)

    def leases(self) -> list[ProcessId]:
        """The living processes that use this engine. Leases of the dead are taken away."""
        held = []
        with contextlib.suppress(OSError):
            for path in sorted((self.folder / "leases").iterdir()):
                pid, _, started = path.name.partition("-")
                process = ProcessId(int(pid), float(started))
                if process.alive():
                    held.append(process)
                else:
                    path.unlink(missing_ok=True)
        return held

    def log_tail(self, n: int = 20) -> list[str]:
        return tail(self.log, n)

    def remove(self) -> None:
        """Take away the folder and the engine's temporary files."""
        scratch = self.spec().get("scratch")
        if scratch and Path(scratch).name.startswith("servelab-"):
            shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def tail(path: Path, n: int) -> list[str]:
    """The last n non-empty lines of a log, read from its end."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 65536))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in text.splitlines()]
    return [line for line in lines if line][-n:]


def records() -> list[Record]:
    """Every engine that is written down, dead ones too."""
    with contextlib.suppress(OSError):
        return [Record(p) for p in sorted(engines_dir().iterdir()) if (p / "spec.json").is_file()]
    return []


def new_record(spec: dict[str, Any]) -> Record:
    """Make the folder of an engine that is about to start. Call it under `locked()`."""
    engines_dir().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{spec['profile']}-{spec['key'][:8]}-", dir=engines_dir()))
    (folder / "leases").mkdir()
    scratch = tempfile.mkdtemp(prefix="servelab-", dir=_short_temporary_folder())
    write_json(folder / "spec.json", {**spec, "id": folder.name, "scratch": scratch})
    return Record(folder)


def _short_temporary_folder() -> Path:
    """Where the engine's sockets and temporary files go.

    A unix socket's path may have at most 107 characters (unix(7)); vLLM names its sockets by a UUID, which leaves
    50 for the folder around ours. A longer TMPDIR, such as a test's or a batch system's, is passed over.
    """
    folder = Path(tempfile.gettempdir())
    return folder if len(str(folder)) <= _LONGEST_TMPDIR else Path("/tmp")


def sweep() -> int:
    """Clear away what a crash left: engines whose keeper is gone. Call it under `locked()`; returns how many."""
    swept = 0
    for record in records():
        if not record.keeper_alive():
            kill_marked(record.id)
            record.remove()
            swept += 1
    return swept


def kill_marked(engine_id: str) -> None:
    """Kill every process of an engine whose keeper is no longer there to do it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == engine_id:
                os.kill(process.pid, signal.SIGKILL)


def end_keeper(record: Record, timeout_s: float = 8.0) -> None:
    """Ask a keeper to stop its engine and itself; see to it that afterwards nothing of them is left."""
    keeper = record.keeper()
    if keeper and keeper.alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper.pid, signal.SIGTERM)
        if not wait_until(lambda: not keeper.alive(), timeout_s):
            with contextlib.suppress(ProcessLookupError):
                os.kill(keeper.pid, signal.SIGKILL)
            wait_until(lambda: not keeper.alive(), 2.0)
    if record.folder.exists():
        kill_marked(record.id)
        record.remove()


def wait_until(condition: Any, timeout_s: float, every_s: float = 0.05) -> bool:
    """Poll until the condition holds; False when the time is over first."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True
