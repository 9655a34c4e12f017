"""A process that has imported everything and knows nothing: its children are ready to work at once.

Python with the course's packages is slow to start. This process starts once and forks for every submission: a child
for the student's code, which enters the submission's sandbox and gives up all privileges, and one for the judge. What a
lab's own cells import is imported on top, once, when the first of its submissions comes. No submission, no hidden test and no
gradebook ever reaches it, so a child inherits nothing worth reading.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from servelab import paths
from servelab.errors import CourseError
from servelab.grading import sandbox, syscalls, wire
from servelab.grading.sandbox import Sandbox

_NEW_NS, _NEW_UTS, _NEW_IPC, _NEW_USER = 0x00020000, 0x04000000, 0x08000000, 0x10000000
_NEW_PID, _NEW_NET = 0x20000000, 0x40000000
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SUBREAPER = 4, 38, 36
_PR_CAPBSET_DROP, _LAST_CAPABILITY = 24, 63
#: Users that nobody else is; each sandbox has one of its own, so that limits per user are its own.
FIRST_UID, UIDS = 61_000, 4_000
JUDGE_UID = 60_999
_READY_S = 300  # everything is imported, on a cold disk perhaps
_HOME_PREFIX = "servelab-zygote-"

_libc = ctypes.CDLL(None, use_errno=True)


class ZygoteError(CourseError):
    """The helper process cannot be started or does not do as it is told."""


class ZygoteLost(ZygoteError):
    """The helper process was killed while it made a child. The child may live, so its sandbox must be closed.

    The next request starts a new process.
    """


class Zygote:
    """The grader's end: starts the process, and asks it for children. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_uid = os.getpid() % UIDS  # two graders on one machine start apart
        self._process: subprocess.Popen[bytes] | None = None
        self._modules: dict[str, None] = {}  # in the order in which they were named
        self._home = tempfile.mkdtemp(prefix=_HOME_PREFIX)

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it now, if it does not run, and wait until everything is imported."""
        with self._lock:
            self._ensure()

    def _ensure(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        ours, theirs = socket.socketpair()
        Path(self._home).mkdir(mode=0o700, exist_ok=True)  # gone, where the process was closed before
        self._process = subprocess.Popen(
            [sys.executable, "-m", "servelab.grading.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # It may load what the course has made (a model, say); its children have a cache of their own.
            env=environment(self._home) | {"SERVELAB_CACHE": str(paths.cache_dir())},
            cwd=self._home,
        )
        theirs.close()
        ours.settimeout(_READY_S)
        self._socket = ours
        try:
            wire.receive(ours)
        except wire.Closed:
            self._process.kill()  # it may still be importing, and would keep us waiting for its last word
            said = self._process.stderr.read().decode(errors="replace").strip().splitlines() or [
                f"it was not ready after {_READY_S} s, or ended without a word"
            ]
            self.close()
            raise ZygoteError(f"The grader's helper process did not start: {said[-1]}") from None

    def import_ahead(self, modules: Iterable[str]) -> None:
        """Have these imported before the next child is made, once for all children. They are the instructor's, never a student's."""
        with self._lock:
            self._modules |= dict.fromkeys(modules)

    def fork(self, kind: str, home: Sandbox, *, net: Sandbox, control: socket.socket) -> int:
        """A child that serves `control` as a "student" or as a "judge"; returns its process id.

        It lives in the sandbox `home` and has the loopback of the sandbox `net`.

        Raises:
            ZygoteLost: the process was killed meanwhile.
            ZygoteError: no child could be made.
        """
        with self._lock:
            self._ensure()
            self._next_uid = (self._next_uid + 1) % UIDS
            request = {
                "kind": kind,
                "home": home.pid,
                "net": net.pid,
                "user": home.own_user,
                "uid": JUDGE_UID if kind == "judge" else FIRST_UID + self._next_uid,
                "limits": home.limits.as_dict(),
                "modules": list(self._modules),
            }
            data = json.dumps(request).encode()
            try:
                reply = self._ask(data, control)
            except (OSError, wire.WireError) as error:
                self.close()
                raise ZygoteLost(f"The grader's helper process is gone: {error}") from None
        if "lacks" in reply:
            raise ZygoteError(f"This lab cannot be graded on this machine: {reply['lacks']}")
        if "error" in reply:
            raise ZygoteError(f"No process could be put into the sandbox: {reply['error']}")
        return int(reply["pid"])

    def _ask(self, request: bytes, control: socket.socket) -> Any:
        socket.send_fds(self._socket, [len(request).to_bytes(4, "big") + request], [control.fileno()])
        return wire.receive(self._socket)

    def close(self) -> None:
        """End it. Its children end with their sandboxes."""
        if self._process is not None:
            self._socket.close()
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)
            self._process.stderr.close()
            self._process = None
        shutil.rmtree(self._home, ignore_errors=True)


def environment(home: str) -> dict[str, str]:
    """What the process and its children see of the world: nothing of the person who grades."""
    kept = {
        name: os.environ[name]
        for name in ("LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH")
        if name in os.environ
    }
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": "/tmp",
        "NBGRADER_EXECUTION": "autograde",
        "SERVELAB_PROGRESS": "0",
        "SERVELAB_WORK": sandbox.HOME,
        "SERVELAB_CACHE": "/tmp/cache",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "agg",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # A forked child cannot use its parent's threads: have none.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


# ---------------------------------------------------------------- inside the process


def _import_everything() -> None:
    """What labs' cells import. Who is missing is imported by the child that wants it."""
    names = (
        "numpy", "matplotlib.pyplot", "IPython.core.interactiveshell", "IPython.core.logger", "stack_data", "httpx", "openai", "flask", "werkzeug.serving",
        "uvicorn", "uvicorn.protocols.http.auto", "uvicorn.lifespan.off", "uvicorn.loops.asyncio", "starlette.applications",
        "prometheus_client.parser", "tqdm.auto", "concurrent.futures.thread", "asyncio", "servelab.checks", "servelab.load",
        "servelab.engine", "servelab.engine.scripted", "servelab.engine.arguments", "servelab.load.charts",
        "servelab.load.ledger", "servelab.load.pictures", "servelab.load.naive", "servelab.course.live",
        "servelab.course.setup_cell", "servelab.kubernetes.lint", "servelab.kubernetes.replay", "kubernetes_validate.utils", "jsonschema",
        "servelab.grading.student", "servelab.grading.judge",
    )  # fmt: skip
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        import tqdm

        tqdm.tqdm.monitor_interval = 0  # its thread could not be forked


def _import_ahead(names: Iterable[str]) -> None:
    """What a lab's own cells import. A module of ours may have a function `warm_up`, for what it makes once and keeps.

    Raises:
        CourseError: something that a lab needs cannot be made on this machine; no student is to lose points by that.
    """
    for name in names:
        warm_up = None
        with contextlib.suppress(Exception):  # whoever wants it is told, in the child
            module = importlib.import_module(name)
            warm_up = getattr(module, "warm_up", None) if name.startswith("servelab.") else None
        try:
            if warm_up is not None:
                warm_up()
        except CourseError:
            raise
        except Exception:
            continue


def _warm_up() -> None:
    """Use once what imports its parts only when it is used, so that no child has to: a server, and a client of it."""
    from openai import OpenAI

    from servelab.engine.scripted import ScriptedEngine

    with contextlib.suppress(Exception), ScriptedEngine(tokens=2, ttft_s=0.001, itl_s=0.001) as engine:
        client = OpenAI(base_url=engine.base_url, api_key="none", max_retries=0)
        with client:
            ask = {"model": engine.model, "max_tokens": 2}
            client.completions.create(prompt="one", **ask)
            messages = [{"role": "user", "content": "one"}]
            list(client.chat.completions.create(messages=messages, stream=True, **ask))


def main() -> None:
    """Read requests for children from the inherited socket until it is closed."""
    _prctl(_PR_SET_SUBREAPER, 1)
    # Children are reaped as they end: a pid namespace is not gone before the last of them is.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    _import_everything()
    _warm_up()
    from servelab.grading.shell import Shell

    shell = Shell()
    gc.collect()
    gc.freeze()  # so that children do not copy pages only to look at old objects
    wire.send(control, {"ready": True})
    from servelab.grading import student

    known: set[str] = set()
    while True:
        try:
            request, descriptors = student._receive(control)
        except wire.Closed:
            _tidy(Path.cwd())
            return
        try:
            if fresh := [name for name in request["modules"] if name not in known]:
                _import_ahead(fresh)
                known.update(fresh)
                gc.freeze()
            reply = {"pid": _child(request, descriptors[0], control, shell)}
        except CourseError as error:
            reply = {"lacks": str(error)}
        except OSError as error:
            reply = {"error": str(error)}
        finally:
            os.close(descriptors[0])
        wire.send(control, reply)


def _tidy(home: Path) -> None:
    """Whoever started this process was killed, and cannot take its folder away."""
    if home.name.startswith(_HOME_PREFIX):
        shutil.rmtree(home, ignore_errors=True)


def _child(request: dict[str, Any], descriptor: int, control: socket.socket, shell: Any) -> int:
    """Fork one child into its namespaces; returns its process id here.

    A process enters a pid namespace with its next fork, so there is one in between, which reports and ends.
    """
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        status = 1
        try:
            control.close()
            os.close(reader)
            try:
                _enter(request)
                inner = os.fork()
            except OSError as error:
                os.write(writer, f"error {error}".encode())
                os._exit(1)
            if inner == 0:
                os.close(writer)
                _live(request, descriptor, shell)
            os.write(writer, f"pid {inner}".encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as told:
        word, _, rest = told.read().partition(" ")
    if word != "pid":
        raise OSError(rest or "the process ended")
    return int(rest)


def _enter(request: dict[str, Any]) -> None:
    home = os.pidfd_open(request["home"])
    net = os.pidfd_open(request["net"])
    if request["user"]:
        _setns(sandbox.user_namespace_of(request["net"]), _NEW_USER)
    _setns(net, _NEW_NET)
    _setns(home, _NEW_NS | _NEW_PID | _NEW_IPC | _NEW_UTS)
    os.close(home)
    os.close(net)


def _live(request: dict[str, Any], descriptor: int, shell: Any) -> None:
    """Give up everything but the one connection, and serve it until it is closed. Does not return."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control = socket.socket(fileno=os.dup2(descriptor, 3, inheritable=False))
        os.closerange(4, 4096)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        os.close(silence)
        _limit(request["limits"])
        _drop(request["uid"], request["user"])
        syscalls.restrict()
        place = sandbox.HOME if request["kind"] == "student" else "/tmp"
        os.environ.update(environment(place))
        os.chdir(place)
        if request["kind"] == "student":
            from servelab.grading import student

            for shown in (sandbox.DATA, sandbox.HANDED_IN):
                _lay_out(shown, place)
            student.main(control, shell)
        else:
            from servelab.grading import judge

            os.environ["SERVELAB_HANDED_IN"] = sandbox.HANDED_IN
            judge.main(control)
        status = 0
    finally:
        os._exit(status)


def _lay_out(shown: str, place: str) -> None:
    """Copy the files below a folder, where there is one, to where the student's code runs."""
    for folder, _, names in os.walk(shown):
        # Not shutil.copytree: it would also give the home folder, which is nobody's, the mode of the other.
        target = os.path.normpath(os.path.join(place, os.path.relpath(folder, shown)))  # noqa: PTH118
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
        for name in names:
            shutil.copyfile(os.path.join(folder, name), os.path.join(target, name))  # noqa: PTH118


def _limit(limits: dict[str, int]) -> None:
    """Limits that the kernel itself keeps, for each process."""
    for name, value in (
        (resource.RLIMIT_AS, limits["address_space_mb"] << 20),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_FSIZE, limits["file_mb"] << 20),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _, most = resource.getrlimit(name)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(name, (value, value))


def _drop(uid: int, own_user: bool) -> None:
    """Become nobody, for good."""
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if not own_user:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    else:
        _no_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 1)  # changing the user has closed /proc/self to its own process


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _no_capabilities() -> None:
    """Give up the capabilities that entering a user namespace brought (capset(2), version 3)."""
    header = _CapabilityHeader(0x20080522, 0)
    data = (_CapabilityData * 2)()
    if _libc.capset(ctypes.byref(header), ctypes.byref(data)):
        raise OSError(ctypes.get_errno(), "capset")


def _setns(descriptor: int, kinds: int) -> None:
    if _libc.setns(descriptor, kinds):
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"prctl: {os.strerror(code)}")


if __name__ == "__main__":
    main()
