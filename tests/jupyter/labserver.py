"""A course of one tiny lab in a scratch folder, and JupyterLab on it, started as a student starts it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LAB = "01-tiny"
TITLE = 'Tiny <script>alert("no")</script> & small'


def graded(
    name: str, *, grade: bool = False, solution: bool = False, points: int | None = None
) -> dict[str, Any]:
    """nbgrader's metadata for a code cell."""
    about = {"grade": grade, "solution": solution, "locked": not solution, "grade_id": name, "task": False}
    return {
        "nbgrader": about
        | {"schema_version": 3, "cell_type": "code"}
        | ({"points": points} if points else {})
    }


def tiny_notebook(answer: str = "double = None", extra: str = "1 + 1") -> nbformat.NotebookNode:
    """A released lab with one live cell, one answer and one check of 4 points."""
    live = "%%live\nraise RuntimeError('a live cell ran under Validate')"
    cells = [
        new_markdown_cell("# Tiny", id="title"),
        new_code_cell("%load_ext servelab", id="setup"),
        new_code_cell(live, id="live"),
        new_code_cell(extra, id="extra"),
        new_code_cell(answer, id="double", metadata=graded("double", solution=True)),
        new_code_cell(
            "assert double(2) == 4, 'double(2) is 4'",
            id="double-check",
            metadata=graded("double-check", grade=True, points=4),
        ),
    ]
    about = {"title": TITLE, "minutes": 5, "objectives": "A function that doubles a number."}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "servelab": about})


def make_course(folder: Path) -> Path:
    """A course root with `nbgrader_config.py`, `labs/01-tiny` and its source in `solutions/`."""
    (folder / "labs" / LAB / "data").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    nbformat.write(tiny_notebook(), folder / "labs" / LAB / f"{LAB}.ipynb")
    (folder / "labs" / LAB / "data" / "prompts.txt").write_text("one\ntwo\n")
    (folder / "solutions" / LAB).mkdir(parents=True)
    nbformat.write(tiny_notebook("double = lambda x: 2 * x"), folder / "solutions" / LAB / f"{LAB}.ipynb")
    return folder


def free_port() -> int:
    """Below the range from which the kernel serves outgoing connections, so that nobody takes it meanwhile."""
    for port in random.sample(range(15000, 30000), 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def environment(root: Path, run_id: str) -> dict[str, str]:
    """A student's environment that reads and writes nothing outside the scratch folder."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("SERVELAB", "JUPYTER", "NBGRADER", "DISPLAY", "WAYLAND", "SSH"))
    }
    private = {
        f"JUPYTER_{kind}_DIR": str(root / ".home" / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    mine = {
        "SERVELAB_ROOT": str(root),
        "SERVELAB_CACHE": str(root / ".home" / "cache"),
        "SERVELAB_PROFILE": "scripted",  # no model to convert: these tests are about JupyterLab
        "SERVELAB_RUN": run_id,
    }
    return kept | private | mine


@dataclass
class LabServer:
    """A running `servelab lab`."""

    process: subprocess.Popen[str]
    root: Path
    run_id: str
    url: str
    ready_s: float
    output: Path

    @property
    def base(self) -> str:
        return self.url.split("/lab?")[0]

    @property
    def token(self) -> str:
        return self.url.partition("token=")[2]

    @property
    def notebook(self) -> Path:
        return self.root / "work" / LAB / f"{LAB}.ipynb"

    def request(
        self, path: str, body: Any = None, *, method: str | None = None, token: bool = True, **headers: str
    ) -> tuple[int, str]:
        """(status, text) of one request; redirects are not followed: their target is the text."""
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            sent["Authorization"] = f"token {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=sent, method=method)
        try:
            with _OPENER.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Location") or error.read().decode()

    def json(self, path: str, body: Any = None, **options: Any) -> Any:
        status, text = self.request(path, body, **options)
        assert status < 300, f"{path}: {status} {text[:300]}"
        return json.loads(text)

    def start_kernel(self) -> Any:
        """A kernel started through the server's REST API, as a blocking client."""
        from jupyter_client.blocking import BlockingKernelClient

        kernel = self.json("/api/kernels", {"name": "python3"})
        client = BlockingKernelClient(
            connection_file=str(self.root / ".home" / "runtime" / f"kernel-{kernel['id']}.json")
        )
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def run_in(client: Any, code: str) -> str:
    """What the code prints in that kernel."""
    printed: list[str] = []

    def collect(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=60, output_hook=collect)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)


def launch(
    root: Path, run_id: str, port: int | None = None, **env: str
) -> tuple[subprocess.Popen[str], Path]:
    """`servelab lab` in the background, and the file that gets its output."""
    output = root / f"out-{uuid.uuid4().hex[:6]}.txt"
    port = free_port() if port is None else port
    with output.open("w") as file:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("servelab")), "lab", "--port", str(port)],
            cwd=root,
            env=environment(root, run_id) | env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    return process, output


def wait_for_url(process: subprocess.Popen[str], output: Path, seconds: float = 120) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := re.search(r"^ +(http\S+/lab\?token=\w+)$", output.read_text(), re.M):
            return found.group(1)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"no address was printed; exit code {process.poll()}:\n{output.read_text()}")


@contextlib.contextmanager
def running_lab(root: Path, port: int | None = None, **env: str) -> Iterator[LabServer]:
    """JupyterLab on a course, until the end of the block."""
    run_id = uuid.uuid4().hex
    begun = time.monotonic()
    process, output = launch(root, run_id, port, **env)
    try:
        url = wait_for_url(process, output)
        yield LabServer(process, root, run_id, url, time.monotonic() - begun, output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """One server for all tests of a module."""
    with running_lab(make_course(tmp_path_factory.mktemp("course"))) as server:
        yield server


def open_url(lab: LabServer, path: str) -> str:
    """An address that a browser without a cookie may open."""
    return f"{lab.base}{path}?{urllib.parse.urlencode({'token': lab.token})}"
