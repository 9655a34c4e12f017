"""A server that runs as a child of this process, on loopback only, with all its files in a folder of its own."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from servelab.children import HOST, die_with_parent, free_port, listening
from servelab.monitoring.errors import MonitoringError

_START_S = 20.0
_TRIES = 3  # another program may take the port between its choice and its use
_ANSWER_S = 30.0
_SAID = re.compile(r'\b(?:err|error|msg)="((?:[^"\\]|\\.)*)"')


class Server(ABC):
    """What Prometheus and Alertmanager have in common; a context manager.

    Attributes:
        url: for example "http://127.0.0.1:32123"; empty while it does not run.
        pid: its process; 0 while it does not run.
        folder: where its files are; None while it does not run.
    """

    name = "server"

    def __init__(self, *, start: bool) -> None:
        self.url = ""
        self.pid = 0
        self.folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._client: httpx.Client | None = None
        if start:
            self.start()

    def __repr__(self) -> str:
        state = f"at {self.url}, process {self.pid}" if self.pid else "not running"
        return f"<{type(self).__name__} {state}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Check the configuration, start the server, and return once it is ready. Without effect while it runs.

        Raises:
            MonitoringError: the configuration is wrong, or the server does not come up; one line.
            ToolMissing: the program is not installed.
        """
        if self._process is not None:
            return self
        atexit.register(self.stop)
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=f"servelab-{self.name.lower()}-"))
            self._prepare(self.folder)
            # Settings of proxies are for the world outside; everything here is on loopback.
            self._client = httpx.Client(trust_env=False, timeout=_ANSWER_S)
            for last in (*[False] * (_TRIES - 1), True):
                if self._launch(self.folder, free_port(), last=last):
                    break
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop at once, and leave nothing behind. Safe to call twice."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._client is not None:
            self._client.close()
            self._client = None
        self.pid, self.url = 0, ""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def complaints(self, n: int = 5) -> list[str]:
        """The last n different lines in which the server complained, about a receiver that does not answer for example."""
        if self.folder is None:
            return []
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        return list(dict.fromkeys(": ".join(found) for line in lines if (found := _SAID.findall(line))))[-n:]

    @abstractmethod
    def _prepare(self, folder: Path) -> None:
        """Write and check the configuration in the folder."""

    @abstractmethod
    def _command(self, port: int) -> Sequence[str]:
        """The command, run in the folder."""

    def _launch(self, folder: Path, port: int, *, last: bool) -> bool:
        """Start it on a port. False where another program took that meanwhile."""
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                list(self._command(port)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
                preexec_fn=die_with_parent(),
            )
        end = time.monotonic() + _START_S
        url = f"http://{HOST}:{port}"
        while not self._ready(url, port):
            if self._process.poll() is not None:
                said = (folder / "log").read_text(errors="replace")
                if "address already in use" in said and not last:
                    return False
                raise MonitoringError(
                    f"{self.name} does not start: {(self.complaints(1) or [said[-200:]])[-1]}"
                )
            if time.monotonic() > end:
                raise MonitoringError(f"{self.name} was not ready within {_START_S:.0f} s")
            time.sleep(0.02)
        self.pid, self.url = self._process.pid, url
        return True

    def _ready(self, url: str, port: int) -> bool:
        # Who answers there must be ours, where the system tells.
        ours = listening(self._process.pid)
        if ours is not None and (HOST, port) not in ours:
            return False
        try:
            return self._client.get(f"{url}/-/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def _get(self, path: str, **params: Any) -> Any:
        """The JSON that it answers.

        Raises:
            MonitoringError: it does not run, or does not answer.
            ValueError: it does not accept the question; one line in its own words.
        """
        if self._process is None or self._client is None:
            raise MonitoringError(f"{self.name} does not run: start it first, or use it in a `with` block.")
        try:
            # A long query does not fit into an address.
            method = "POST" if "query" in params else "GET"
            key = "data" if method == "POST" else "params"
            answer = self._client.request(method, f"{self.url}{path}", **{key: params})
            told = answer.json()
        except httpx.HTTPError as error:
            code = self._process.poll()
            how = f"it ended with status {code}" if code is not None else type(error).__name__
            raise MonitoringError(f"{self.name} does not answer: {how}") from None
        except ValueError:
            raise MonitoringError(
                f"{self.name} answers {answer.status_code} without JSON at {path}"
            ) from None
        if answer.status_code >= 400:
            told = told.get("error", told) if isinstance(told, dict) else told
            raise ValueError(" ".join(str(told).split()).removeprefix('invalid parameter "query": ')[:400])
        return told
