"""The Hub of a class: started, watched and stopped."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel

from servelab.children import free_port
from servelab.errors import CourseError
from servelab.hub import accounts, limits, proxy
from servelab.hub.limits import Limits
from servelab.hub.people import Folder, write_private

FIRST_PORT = 8000
READY_S, STOP_S = 120.0, 30.0
#: Set for a Hub that goes on without its terminal.
_DETACHED = "SERVELAB_CLASS_DETACHED"
_CONFIG = Path(__file__).resolve().parents[2] / "jupyterhub" / "jupyterhub_config.py"


class Settings(BaseModel):
    """How a class is run.

    Attributes:
        port: where the Hub listens, on 127.0.0.1.
        engine_url: one engine for everybody; empty where each student starts their own.
        limits: for each student.
        cull_minutes: after which a server that nobody uses is ended; 0: never.
        without: labs that students do not see yet: full names.
    """

    port: int = FIRST_PORT
    engine_url: str = ""
    limits: Limits = Limits()
    cull_minutes: float = 0.0
    without: list[str] = []


class Status(BaseModel):
    """What `servelab class status --json` prints."""

    url: str = ""
    pid: int = 0
    students: list[str] = []
    #: Logins whose server runs now.
    servers: list[str] = []


def start(folder: Folder, settings: Settings) -> int:
    """Run the Hub until Ctrl-C or SIGTERM, then leave no process of it behind.

    Returns:
        The exit code: 0 after a requested stop, 1 when the Hub ended on its own.

    Raises:
        CourseError: without root or a class; the port is taken; the Hub runs already, or did not start.
    """
    from servelab.jupyter import lab

    accounts.require_root()
    people = folder.load()
    gone = [p.login for p in people.students.values() if not accounts.is_ours(p.account, p.uid)]
    if gone:
        raise CourseError(
            f"There is no account for {', '.join(gone[:5])}: run `servelab class init` with your roster again, which makes them."
        )
    _port_is_free(settings.port)
    with _only_one(folder):
        began = time.monotonic()
        stop = lab.StopRequest()
        with stop.watching():
            refresh_release(folder, settings.without)
            lab.prepare_model()
            chp = proxy.command()
            lab.adopt_orphans()
            hub_port = free_port()
            hub = _launch(folder, settings, hub_port, chp)
            try:
                return _watch(folder, settings, hub, hub_port, stop, began)
            finally:
                _end(hub, stop)
                limits.sweep()
                (folder.hub / "running.json").unlink(missing_ok=True)


def start_detached(folder: Folder, arguments: list[str]) -> str:
    """Start the Hub in the background; it runs until `stop`.

    Args:
        folder: the class.
        arguments: those of `servelab class start`.

    Returns:
        What it said, its address among it.

    Raises:
        CourseError: it did not start; the text is what it said.
    """
    accounts.require_root()
    folder.load()
    said = folder.hub / "start.log"
    with os.fdopen(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        child = subprocess.Popen(
            [str(Path(sys.executable).with_name("servelab")), "class", "start", *arguments],
            env={**os.environ, "SERVELAB_ROOT": str(folder.course), _DETACHED: "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = (
        time.monotonic() + READY_S + 300
    )  # the first time a model is converted, and the proxy installed
    shown = 0
    while time.monotonic() < deadline:
        text = said.read_text(errors="replace")
        print(text[shown:], end="", flush=True)
        shown = len(text)
        about = folder.running()
        if about and about.get("pid") == child.pid:
            return str(about["url"])
        if child.poll() is not None:
            lines = [line for line in said.read_text(errors="replace").splitlines() if line.strip()]
            raise CourseError((lines or ["The Hub did not start."])[-1].removeprefix("servelab: "))
        time.sleep(0.2)
    child.terminate()
    raise CourseError(f"The Hub did not get ready in time; its last words are in {folder.log}.")


def stop(folder: Folder) -> bool:
    """Stop the Hub that runs, and all servers; whether there was one.

    Raises:
        CourseError: it does not end.
    """
    accounts.require_root()
    process = _running(folder)
    if process is None:
        return False
    process.terminate()
    try:
        process.wait(STOP_S + 20)
    except psutil.TimeoutExpired:
        raise CourseError(f"The Hub (process {process.pid}) does not end: look at {folder.log}.") from None
    return True


def status(folder: Folder) -> Status:
    """Who is in the class, where the Hub runs, and whose server does."""
    people = folder.load()
    process = _running(folder)
    about = folder.running() or {}
    owners = {person.uid: person.login for person in people.students.values()}
    served = set()
    for found in process.children(recursive=True) if process else ():
        with contextlib.suppress(psutil.Error):
            if found.uids().real in owners:
                served.add(owners[found.uids().real])
    return Status(
        url=str(about.get("url", "")) if process else "",
        pid=process.pid if process else 0,
        students=sorted(people.students),
        servers=sorted(served),
    )


def room_here() -> limits.Room:
    """How many students fit into this machine's memory."""
    from servelab.engine import client, profiles
    from servelab.engine.errors import EngineError

    try:
        profile = profiles.profile()
    except EngineError:
        profile = profiles.profile("cpu")
    return limits.room(client.needed_bytes(profile))


def refresh_release(folder: Folder, without: Sequence[str] = ()) -> None:
    """Write what students see anew: the labs may have changed since the last start."""
    from servelab.course import release_students

    fresh = folder.root / "release.new"
    shutil.rmtree(fresh, ignore_errors=True)
    release_students(folder.course, fresh, without)
    (fresh / "work").mkdir()  # over which each student's own folder is put
    for place in (fresh, *fresh.rglob("*")):  # whatever root's umask is
        place.chmod(0o755 if place.is_dir() else 0o644)
    shutil.rmtree(folder.release, ignore_errors=True)
    fresh.rename(folder.release)


# -- one Hub


@contextlib.contextmanager
def _only_one(folder: Folder) -> Iterator[None]:
    with (folder.hub / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            url = (folder.running() or {}).get("url", "")
            raise CourseError(
                f"The class is open already{f' at {url}' if url else ''}: `servelab class stop` stops it."
            ) from None
        yield


def _port_is_free(port: int) -> None:
    import socket

    if not 1024 <= port <= 65535:
        raise CourseError(f"Port {port} cannot be used: choose one between 1024 and 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CourseError(f"Port {port} is taken: name another one with --port.") from None


def _launch(folder: Folder, settings: Settings, hub_port: int, chp: list[str]) -> subprocess.Popen[bytes]:
    from servelab.jupyter import lab

    told = settings.model_dump() | {
        "course": str(folder.course),
        "folder": str(folder.root),
        "hub_port": hub_port,
        "proxy_port": free_port(),
        "proxy": chp,
    }
    with os.fdopen(os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(_CONFIG)],
            cwd=folder.hub,
            env=lab.environment(folder.course) | {"SERVELAB_CLASS": json.dumps(told)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lab.die_with_parent,
        )


def _watch(
    folder: Folder, settings: Settings, hub: subprocess.Popen[bytes], hub_port: int, stop: Any, began: float
) -> int:
    from servelab.jupyter import lab

    url = f"http://127.0.0.1:{settings.port}/"
    # The Hub itself first: asked before it is there, the proxy fills the log with errors.
    own = f"http://127.0.0.1:{hub_port}/"
    if not _wait_until_ready(hub, [own, url], stop):
        if stop.asked:
            return 0
        lines = [line for line in folder.log.read_text(errors="replace").splitlines() if line.strip()]
        tail = "\n    ".join(lines[-8:])
        raise CourseError(f"The Hub did not start. Its last words ({folder.log}):\n    {tail}")
    _announce(folder, settings, url, time.monotonic() - began)
    about = {"pid": os.getpid(), "created": psutil.Process().create_time(), "url": url}
    write_private(folder.hub / "running.json", json.dumps(about))
    while not stop.asked:
        if hub.poll() is not None:
            print(f"The Hub ended on its own. Its last words are in {folder.log}", flush=True)
            return 1
        lab.reap_orphans(hub)
        stop.wait(0.5)
    return 0


def _wait_until_ready(hub: subprocess.Popen[bytes], urls: list[str], stop: Any) -> bool:
    print("Starting the Hub ", end="", flush=True)
    deadline = time.monotonic() + READY_S
    left = list(urls)
    while left and time.monotonic() < deadline and hub.poll() is None and not stop.asked:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{left[0]}hub/health", timeout=2):
            left.pop(0)
            continue
        print(".", end="", flush=True)
        stop.wait(0.3)
    print(flush=True)
    return not left


def _announce(folder: Folder, settings: Settings, url: str, seconds: float) -> None:
    room = room_here()
    where = (
        f"with the class's engine at {settings.engine_url}" if settings.engine_url else "with an engine each"
    )
    fit = room.without_engine if settings.engine_url else room.with_engine
    takes = room.without_engine_gb if settings.engine_url else room.with_engine_gb
    print(f"\nThe class is open ({seconds:.1f} s):\n\n    {url}\n", flush=True)
    print(f"Logins and first passwords: {folder.passwords}; the instructor's are there, too.")
    print(
        f"{room.total_gb:g} GiB of memory: room for {fit} students at work at the same time, {where} ({takes:g} GiB a student)."
    )
    if not limits.possible():
        print("Memory cannot be limited here (no control groups): one student's program can slow all others.")
    ways = "`servelab class stop`" if os.environ.get(_DETACHED) else "Ctrl-C or `servelab class stop`"
    print(f"{ways} stops the Hub, all servers and their engines.\n", flush=True)


def _end(hub: subprocess.Popen[bytes], stop: Any) -> None:
    """Let the Hub end its servers in order, then end whatever is left."""
    from servelab.jupyter import lab

    if hub.poll() is None:
        hub.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        impatient = stop.times + 1
        while hub.poll() is None and time.monotonic() < deadline and stop.times < impatient:
            time.sleep(0.1)
    lab.stop_everything(hub, stop)


def _running(folder: Folder) -> psutil.Process | None:
    """The process of `servelab class start`, if the one that wrote about itself still lives."""
    about = folder.running()
    with contextlib.suppress(psutil.Error, KeyError, TypeError, ValueError):
        process = psutil.Process(int(about["pid"]))
        if (
            abs(process.create_time() - float(about["created"])) < 2
            and process.status() != psutil.STATUS_ZOMBIE
        ):
            return process
    return None
