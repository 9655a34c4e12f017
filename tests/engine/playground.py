"""A cache of its own for every test of the engine, and the question what was left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from servelab import engine
from servelab.engine import client, state

# Imitates what real engines do: prints, answers /health after a while, starts children, dies, ignores signals.
STAND_IN = """
import argparse, http.server, os, signal, subprocess, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--say", default="")
parser.add_argument("--exit-code", type=int)
parser.add_argument("--ready-after-s", type=float, default=0.0)
parser.add_argument("--stubborn", action="store_true")
parser.add_argument("--core", action="store_true")
options, _ = parser.parse_known_args()
print(options.say, flush=True)
if options.exit_code is not None:
    sys.exit(options.exit_code)
if options.stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    # One child stays; one has its own session and loses its parent, as workers of a crashed engine do.
    subprocess.Popen([sys.executable, "-c", sleeper])
    launcher = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleeper!r}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", launcher])
if options.core:  # vLLM names its inner processes so
    subprocess.Popen(["VLLM::EngineCore", "-c", "import time; time.sleep(600)"], executable=sys.executable)
time.sleep(options.ready_after_s)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"fine")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", options.port), Answer).serve_forever()
"""


class Playground:
    """One test's engines: where they are written down, and what of them is left."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.cache = folder / "cache"
        self.scratch = scratch
        self.stand_in = folder / "stand_in.py"
        self.stand_in.write_text(STAND_IN)
        self.helpers: list[subprocess.Popen[str]] = []

    def python(self, code: str, **env: str) -> subprocess.Popen[str]:
        """Run some lines as another notebook would: a process of its own, same cache."""
        helper = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "TMPDIR": str(self.scratch), **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.helpers.append(helper)
        return helper

    @staticmethod
    def line_from(process: subprocess.Popen[str], word: str, within_s: float = 30.0) -> str:
        """The first line of a helper's output that holds this word."""
        assert process.stdout is not None
        end = time.monotonic() + within_s
        seen = [""]
        while time.monotonic() < end and word not in seen[-1]:
            seen.append(process.stdout.readline())
            if not seen[-1]:
                break
        assert word in seen[-1], "".join(seen)
        return seen[-1]

    def owner(self) -> subprocess.Popen[str]:
        """A process that an engine can belong to."""
        return self.python("import sys; sys.stdin.read()")

    def processes(self) -> list[str]:
        """Every process that has this playground's cache in its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("SERVELAB_CACHE") == str(self.cache)
                if mine and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
            except (psutil.Error, OSError):
                continue
        return found

    def left(self) -> list[str]:
        """What is still there: processes, state files, scratch folders."""
        folders = [str(p) for p in (self.cache / "state" / "engines").glob("*")]
        return [*self.processes(), *folders, *map(str, self.scratch.iterdir())]

    def nothing_left(self, within_s: float = 4.0) -> bool:
        """Whether all is gone in time; says what is not."""
        if state.wait_until(lambda: not self.left(), within_s):
            return True
        print("left:", *self.left(), sep="\n  ")
        return False


@pytest.fixture
def playground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Playground]:
    """Scripted engines with a cache, temporary files and owner of their own; cleared at the end."""
    # Not under tmp_path, whose name is too long for a socket's path.
    ground = Playground(tmp_path, Path(tempfile.mkdtemp(prefix="ground-")))
    monkeypatch.setenv("SERVELAB_CACHE", str(ground.cache))
    monkeypatch.setenv("SERVELAB_PROFILE", "scripted")
    monkeypatch.setenv("SERVELAB_PROGRESS", "0")
    monkeypatch.delenv("SERVELAB_OWNER", raising=False)
    monkeypatch.delenv("SERVELAB_ENGINE_URL", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(ground.scratch))
    yield ground
    engine.stop_all()
    for helper in ground.helpers:
        if helper.poll() is None:
            helper.send_signal(signal.SIGKILL)
        helper.communicate()
    with state.locked():
        state.sweep()
    shutil.rmtree(ground.scratch)


@pytest.fixture
def stand_in(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> Playground:
    """The same, with the stand-in script in the engine's place: for faults that no good engine has."""

    def command(args: list[str], _model: str, _host: str, port: int, **_: object) -> list[str]:
        return [sys.executable, str(playground.stand_in), "--port", str(port), *args]

    monkeypatch.setattr(client.profiles, "launch_command", command)
    return playground
