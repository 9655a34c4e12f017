"""Start the course in JupyterLab, and stop everything that came of it."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil

from servelab import paths
from servelab.errors import CourseError

FIRST_PORT = 8888
READY_TIMEOUT_S = 120.0
# Together these stay under the five seconds in which everything must be gone. An engine's keeper needs
# a little over two for an orderly end.
_ASK_FIRST_S, _ASK_ALL_S, _KILL_S = 1.5, 2.0, 1.0

_SHARE = Path(__file__).parent / "share"
_CONFIG = Path(__file__).parent / "config"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def start_lab(port: int | None = None, browser: bool = True) -> int:
    """Run JupyterLab on the course until SIGINT, SIGTERM or SIGHUP, then leave no process behind.

    The model is converted first if it is not there yet, with a progress bar. A course that is open already
    is not opened twice: its address is printed instead.

    Args:
        port: first port to try on 127.0.0.1; 8888 by default. The next free one is taken if it is busy.
        browser: open a browser, where there is one.

    Returns:
        The exit code: 0 after a requested stop, 1 when JupyterLab ended on its own.

    Raises:
        CourseError: no course here, no free port, or JupyterLab did not start.
    """
    started = time.monotonic()
    root = paths.course_root()
    if not (root / "nbgrader_config.py").is_file():
        raise CourseError(
            f"{root} is no course: it holds no nbgrader_config.py. Does SERVELAB_ROOT name it right?"
        )
    paths.work_dir().mkdir(parents=True, exist_ok=True)
    with _only_one(root) as lock:
        if lock is None:
            return 0
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C does, they end a conversion cleanly
        prepare_model()
        stop = StopRequest()
        with stop.watching():
            return _run(root, _free_port(port), browser, lock, stop, started)


def prepare_model() -> None:
    """Convert the model now, so that no notebook has to wait for it. A fault does not keep the course closed."""
    from servelab import engine

    if os.environ.get("SERVELAB_ENGINE_URL"):
        return
    try:
        if engine.profile().name != "scripted":
            engine.model_path()
    except engine.EngineError as error:
        print(
            f"{error}\nThe course opens all the same; what needs the engine will not run yet.\n", flush=True
        )


def environment(root: Path) -> dict[str, str]:
    """What a Jupyter server needs in its environment to become the course's, wherever it runs.

    Nothing has to be installed into Jupyter's folders: it finds the server extension, the tab and
    `nbgrader_config.py` through its own search paths.
    """

    def first(folders: list[Path], variable: str) -> str:
        others = [p for p in os.environ.get(variable, "").split(os.pathsep) if p]
        mine = [str(f) for f in folders]
        return os.pathsep.join(mine + [p for p in others if p not in mine])

    return os.environ | {
        "PATH": first([Path(sys.executable).parent], "PATH"),  # `servelab` and `nbgrader` in its terminals
        "SERVELAB_ROOT": str(root),
        "JUPYTER_CONFIG_PATH": first([root, _CONFIG], "JUPYTER_CONFIG_PATH"),
        "JUPYTER_PATH": first([_SHARE], "JUPYTER_PATH"),
    }


# --- one server per course


@contextlib.contextmanager
def _only_one(root: Path) -> Iterator[IO[str] | None]:
    """Hold this course's lock file, or say where the course is open already and yield None.

    The kernel frees the lock when its holder dies, however it dies, so it never goes stale.
    """
    paths.state_dir().mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    descriptor = os.open(paths.state_dir() / f"lab-{name}.json", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"The course is open already:\n\n    {_wait_for_url(file)}\n", flush=True)
            yield None
            return
        file.truncate(0)
        yield file


def _wait_for_url(file: IO[str]) -> str:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        file.seek(0)
        with contextlib.suppress(ValueError):
            return json.load(file)["url"]
        time.sleep(0.2)
    raise CourseError(
        "Another `make lab` of this course is still starting. Look at its terminal, or stop it with Ctrl-C there."
    )


def _free_port(wanted: int | None) -> int:
    first = FIRST_PORT if wanted is None else wanted
    if not 1 <= first <= 65535:
        raise CourseError(f"Port {first} does not exist: choose one between 1024 and 65535.")
    for port in range(first, min(first + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                raise CourseError(f"Port {port} needs administrator rights: choose one above 1023.") from None
            except OSError:
                continue
        if port != first:
            print(f"Port {first} is taken; using {port}.", flush=True)
        return port
    raise CourseError(f"No free port from {first} on: name another one with --port.")


# --- the server


def _run(root: Path, port: int, browser: bool, lock: IO[str], stop: StopRequest, started: float) -> int:
    token = secrets.token_hex(24)
    log = paths.state_dir() / f"jupyterlab-{port}.log"
    adopt_orphans()
    server = _launch(root, port, token, log)
    try:
        base = _wait_until_ready(server, stop)
        if base is None:
            if stop.asked:
                return 0
            raise CourseError(_start_failure(log))
        url = f"{base}lab?token={token}"
        json.dump({"url": url, "pid": server.pid}, lock)
        lock.flush()
        _announce(base, token, time.monotonic() - started)
        if browser:
            _open_browser(url)
        while not stop.asked:
            if server.poll() is not None:
                print(f"JupyterLab ended on its own. Its last words are in {log}", flush=True)
                return 1
            reap_orphans(server)
            stop.wait(0.5)
        return 0
    finally:
        stop_everything(server, stop)


def _launch(root: Path, port: int, token: str, log: Path) -> subprocess.Popen[bytes]:
    work = paths.work_dir()
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 50,  # for the case that somebody was quicker than we
        "ServerApp.root_dir": root,
        "FileContentsManager.preferred_dir": work.relative_to(root) if work.is_relative_to(root) else "",
        "ServerApp.open_browser": False,
        "ServerApp.answer_yes": True,
        "ServerApp.allow_root": True,
        # Named, it is not started as a login shell, which would set PATH anew.
        "ServerApp.terminado_settings": {"shell_command": [os.environ.get("SHELL") or shutil.which("sh")]},
    }
    # Its own lines may hold the token: for the user's eyes only.
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())],
            cwd=root,
            # The token goes by environment: a command line is there for everybody to read.
            env=environment(root) | {"JUPYTER_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A Ctrl-C in the terminal must reach this process only, which then stops the rest in order.
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def _wait_until_ready(server: subprocess.Popen[bytes], stop: StopRequest) -> str | None:
    """The server's address once it answers; None when it ended, took too long, or is not wanted any more."""
    from jupyter_core.paths import jupyter_runtime_dir

    # Written by the server once it listens. Trying the port before that could connect it to itself.
    about = Path(jupyter_runtime_dir()) / f"jpserver-{server.pid}.json"
    deadline = time.monotonic() + READY_TIMEOUT_S
    # Dots, not a bar: nobody knows how many steps a server with somebody's own extensions takes.
    print("Starting JupyterLab ", end="", flush=True)
    try:
        while time.monotonic() < deadline and server.poll() is None and not stop.asked:
            with contextlib.suppress(OSError, ValueError, KeyError):
                base = str(json.loads(about.read_text())["url"])
                with urllib.request.urlopen(f"{base}api", timeout=2):
                    return base
            print(".", end="", flush=True)
            stop.wait(0.3)
        return None
    finally:
        print(flush=True)


def _start_failure(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    tail = "\n    ".join(lines[-8:])
    return f"JupyterLab did not start. Its last words ({log}):\n    {tail}"


def _announce(base: str, token: str, seconds: float) -> None:
    print(
        f"\nThe course is open ({seconds:.1f} s):\n\n    {base}lab?token={token}\n\n"
        f"Home page on its own: {base}servelab/home?token={token}\n"
        "Ctrl-C stops JupyterLab, its notebooks and its engines.\n",
        flush=True,
    )
    if os.environ.get("SSH_CONNECTION"):
        port = base.rsplit(":", 1)[1].strip("/")
        print(
            f"From your own machine, first: ssh -L {port}:127.0.0.1:{port} (and this machine's name)\n",
            flush=True,
        )


def _open_browser(url: str) -> None:
    """Open a browser that outlives us: it is the user's, not one of the processes that a stop ends."""
    # Without a display Python would start a text browser inside this terminal.
    has_display = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not has_display:
        print("No display here: open the address above in a browser.", flush=True)
        return
    try:
        webbrowser.get()
    except webbrowser.Error:
        print("No browser found: open the address above yourself.", flush=True)
        return
    # Its parent ends at once and nobody adopts it, so it goes to the system. The address comes by pipe,
    # since it holds the token.
    code = "import os, sys, webbrowser; u = sys.stdin.read(); os.fork() and os._exit(0); os.setsid(); webbrowser.open(u)"
    adopt_orphans(False)
    subprocess.run(
        [sys.executable, "-c", code],
        input=url.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    adopt_orphans()


# --- stopping


class StopRequest:
    """Remembers that somebody asked to stop: Ctrl-C, SIGTERM, or the terminal that went away."""

    _signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.times = 0

    @property
    def asked(self) -> bool:
        return self.times > 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        def note(*_: Any) -> None:
            self.times += 1

        before = {number: signal.signal(number, note) for number in self._signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self, seconds: float) -> None:
        """Sleep; a signal cuts it short at the next tenth of a second."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.asked:
            time.sleep(min(0.1, seconds))


def stop_everything(server: subprocess.Popen[bytes], stop: StopRequest) -> None:
    """End the server and everything that descends from this process, within five seconds.

    First the server is asked, which ends kernels and terminals in order, and so are the engines' keepers,
    which are direct children here; then whatever is left is asked; then it is killed. A second Ctrl-C skips
    the asking.
    """
    impatient = stop.times + 1
    with contextlib.suppress(OSError):
        print("Stopping JupyterLab, notebooks and engines ...", flush=True)
    for asked, seconds in ((_children, _ASK_FIRST_S), (_descendants, _ASK_ALL_S)):
        for process in asked():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while _descendants() and time.monotonic() < deadline and stop.times < impatient:
            reap_orphans(server)
            time.sleep(0.05)
    # Looked for anew each time: a process may have forked while it was being killed.
    deadline = time.monotonic() + _KILL_S
    while (left := _descendants()) and time.monotonic() < deadline:
        for process in left:
            _signal(process, signal.SIGKILL)
        reap_orphans(server)
        time.sleep(0.02)
    reap_orphans(server)
    server.poll()
    stubborn = ", ".join(str(p.pid) for p in left)
    with contextlib.suppress(OSError):
        print(f"Still there: {stubborn}" if stubborn else "Everything is stopped.", flush=True)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if _alive(p)]


def _descendants() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if _alive(p)]


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def adopt_orphans(wanted: bool = True) -> None:
    """Become (or stop being) the parent of every descendant whose own parent dies, so that none can slip away.

    Linux only: elsewhere a process that leaves its session outlives us, unless it watches its owner, as
    the engines' keepers do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def reap_orphans(server: subprocess.Popen[bytes]) -> None:
    """Collect the exit of adopted processes; the server's own exit is left to `server.poll()`."""
    for child in psutil.Process().children():
        if child.pid != server.pid and not _alive(child):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)


def die_with_parent() -> None:
    """Runs in the new server process: if we are killed with -9, it is asked to stop."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
