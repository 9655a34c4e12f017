"""The keeper: a small process that runs one engine, and never lets it outlive its owner.

`python -m servelab.engine.keeper FOLDER` detaches itself, becomes the reaper of all that the engine starts,
runs the command of `FOLDER/spec.json`, and writes `FOLDER/state.json`. It ends, with the engine, every process the
engine started, and the folder, when its owner is gone (however it went), or on SIGTERM. An engine that died
stays written down until nobody who used it is left to read why.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from servelab.engine import logs
from servelab.engine.state import MARK, ProcessId, Record, identify, wait_until, write_json

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True)
_GRACE_S = 2.0  # how long an engine may take over its own goodbye


def detach() -> None:
    """Leave the caller: no parent, no terminal. A kernel that ends kills its children, and this must not be one."""
    if os.fork():
        os._exit(0)
    os.setsid()


class Keeper:
    """Runs one engine from start to end."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.spec = record.spec()
        owner = self.spec["owner"]
        self.owner = ProcessId(int(owner[0]), owner[1]) if owner and owner[0] else None
        self.stopping = False
        self.phase = "starting"
        self.stage = 0
        self.log_position = 0
        self.facts: dict[str, Any] = {}
        self.begun = time.monotonic()
        self.engine: subprocess.Popen[bytes] | None = None
        self.vital: list[ProcessId] = []
        self.vital_fds: list[int] = []
        self.child_ended = False
        self.poller = select.poll()

    def run(self) -> None:
        with contextlib.suppress(AttributeError):  # not Linux: descendants are then found by tree alone
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._listen()
        self._start()
        self._write()
        while not self.stopping and not self._owner_gone():
            if self.phase in ("failed", "died") and not self.record.leases():
                break
            if not self.record.folder.exists():
                break  # someone cleared the cache: an engine that nobody can find must go
            self.poller.poll(200 if self.phase == "starting" else 1000)
            self._drain()
            self._observe()
        self._end()

    # -- what wakes it up

    def _listen(self) -> None:
        """Be woken by a signal and by the owner's end, not by looking every so often."""
        self.wake, waker = socket.socketpair()
        self.wake.setblocking(False)
        waker.setblocking(False)
        self.waker = waker
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, self._child_ended)
        self.poller.register(self.wake, select.POLLIN)
        if self.owner:
            # Without pidfd (old kernel) the regular look at /proc has to do.
            with contextlib.suppress(AttributeError, OSError):
                self.owner_fd = os.pidfd_open(self.owner.pid)
                self.poller.register(self.owner_fd, select.POLLIN)

    def _asked_to_stop(self, *_: Any) -> None:
        self.stopping = True

    def _child_ended(self, *_: Any) -> None:
        self.child_ended = True

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.wake.recv(512):
                pass

    def _owner_gone(self) -> bool:
        return self.owner is not None and not self.owner.alive()

    # -- the engine

    def _start(self) -> None:
        keeper_pid = os.getpid()

        def child() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != keeper_pid:  # the keeper died before the line above
                os._exit(1)

        environment = {**os.environ, **self.spec["env"], MARK: self.record.id, "TMPDIR": self.spec["scratch"]}
        environment = {name: value for name, value in environment.items() if value is not None}
        cwd = self.spec["cwd"] if Path(self.spec["cwd"]).is_dir() else "/"
        with self.record.log.open("ab") as log:
            try:
                self.engine = subprocess.Popen(
                    self.spec["command"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=cwd,
                    process_group=0,
                    preexec_fn=child,
                )
            except OSError as error:
                log.write(f"OSError: cannot run {self.spec['command'][0]}: {error}\n".encode())
                self._ended(127)

    def _observe(self) -> None:
        """Look at the engine once, and write down what changed."""
        if self.child_ended:
            self._reap()
        if self.engine is None or self.phase in ("failed", "died"):
            return
        code = self.engine.poll()
        if code is not None:
            self._ended(code)
        elif self.phase == "starting":
            stage = self._read_stage()
            if self._healthy():
                self.phase = "ready"
                self.facts["ready_s"] = round(time.monotonic() - self.begun, 2)
                self._watch_vital()
            if stage != self.stage or self.phase == "ready":
                self.stage = stage
                self._write()
        elif not all(process.alive() for process in self.vital):
            self.facts["lost"] = True
            self._ended(1)

    def _watch_vital(self) -> None:
        """Watch vLLM's inner processes: when one is killed, its server answers 503 for seconds, and then says nothing."""
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error, AttributeError, OSError, IndexError):
                named = identify(process.pid)
                if named and process.cmdline()[0].startswith("VLLM::"):
                    self.vital.append(named)
                    self.vital_fds.append(os.pidfd_open(process.pid))
                    self.poller.register(self.vital_fds[-1], select.POLLIN)

    def _reap(self) -> None:
        """Collect orphans that became ours, without taking the engine's exit code from `Popen`."""
        self.child_ended = False
        for child in psutil.Process().children():
            if self.engine is not None and child.pid == self.engine.pid:
                continue
            with contextlib.suppress(ChildProcessError, ProcessLookupError):
                os.waitpid(child.pid, os.WNOHANG)

    def _ended(self, code: int) -> None:
        self._kill_all()
        for fd in self.vital_fds:
            self.poller.unregister(fd)
            os.close(fd)
        self.vital, self.vital_fds = [], []
        self.phase = "died" if self.phase == "ready" else "failed"
        self.facts |= {"exit_code": code, "ended_s": round(time.monotonic() - self.begun, 2)}
        self._write()

    def _read_stage(self) -> int:
        """The furthest stage that the log tells of; reads only what is new."""
        stage = self.stage
        with contextlib.suppress(OSError), self.record.log.open("rb") as file:
            file.seek(self.log_position)
            text = file.read(1 << 20)
            whole = text.rfind(b"\n") + 1
            self.log_position += whole
            for line in text[:whole].decode("utf-8", "replace").splitlines():
                stage = max(stage, logs.stage_of(line) or 0)
        return stage

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(self.spec["host"], self.spec["port"], timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # -- the end

    def _end(self) -> None:
        if self.engine is not None and self.engine.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.engine.pid, signal.SIGTERM)
            # Its own goodbye frees what a kill would leave: shared memory, sockets.
            wait_until(lambda: self.engine is None or self.engine.poll() is not None, _GRACE_S)
        self._kill_all()
        self.record.remove()

    def _kill_all(self) -> None:
        """Kill every descendant, and look again until there is none: one may be starting another."""

        def none_left() -> bool:
            alive = [
                p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE
            ]
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            self._reap()
            if self.engine is not None:
                self.engine.poll()
            return not alive

        def quietly() -> bool:
            try:
                return none_left()
            except psutil.Error:  # one went while we looked
                return False

        wait_until(quietly, 3.0)

    def _write(self) -> None:
        me = identify(os.getpid())
        state = {
            "phase": self.phase,
            "stage": logs.STAGES[self.stage][0],
            "keeper": me.as_list() if me else None,
            "pid": self.engine.pid if self.engine else None,
            **self.facts,
        }
        with contextlib.suppress(OSError):  # the folder may have been cleared under us; `run` sees to that
            write_json(self.record.folder / "state.json", state)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    detach()
    os.chdir("/")
    log = os.open(folder / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, 256)  # a kernel's sockets must not stay open because we do
    Keeper(Record(folder)).run()


if __name__ == "__main__":
    main()
