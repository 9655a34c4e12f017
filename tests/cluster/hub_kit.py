"""A real Hub and a real ngshare beside it, made from the cluster's own files, for the time of a test."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CLUSTER = REPOSITORY / "environment" / "jupyterhub" / "cluster"
_READY_S = 180.0


class Hub:
    """Where a Hub and its exchange answer, and whose tokens it gave out."""

    def __init__(self, folder: Path, users: list[str]) -> None:
        self.folder, self.users = folder, users
        self.public_port, self.hub_port, self.ngshare_port = free_ports(3)
        self.admin_token, self.ngshare_token = secrets.token_hex(32), secrets.token_hex(32)
        self.api = f"http://127.0.0.1:{self.hub_port}/hub/api"
        self.exchange = f"http://127.0.0.1:{self.ngshare_port}/services/ngshare"

    def settings(self) -> dict[str, Any]:
        """What hub_config.py reads."""
        kept = ("users", "public_port", "hub_port", "ngshare_port", "admin_token", "ngshare_token")
        return {name: getattr(self, name) for name in kept} | {
            "folder": str(self.folder),
            "values": str(CLUSTER / "values.yaml"),
        }

    def token(self, user: str, roles: list[str] | None = None) -> str:
        """A token as a server of this user has it: with the role `server`, which values.yaml defines."""
        answer = httpx.post(
            f"{self.api}/users/{user}/tokens",
            headers={"Authorization": f"token {self.admin_token}"},
            json={"roles": roles or ["server"]},
        )
        answer.raise_for_status()
        return answer.json()["token"]

    def environment(self, user: str) -> dict[str, str]:
        """What a Hub's spawner and values.yaml put into a server's environment, as far as the exchange needs it."""
        return {
            "JUPYTERHUB_USER": user,
            "JUPYTERHUB_API_TOKEN": self.token(user),
            "SERVELAB_EXCHANGE_URL": self.exchange,
        }


@contextlib.contextmanager
def running_hub(folder: Path, users: list[str]) -> Iterator[Hub]:
    """Start a Hub and ngshare; both are gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    hub = Hub(folder, users)
    with contextlib.ExitStack() as stack:
        config = REPOSITORY / "tests" / "cluster" / "hub_config.py"
        command = [sys.executable, "-m", "jupyterhub", f"--config={config}"]
        settings = {"SERVELAB_TEST_HUB": json.dumps(hub.settings())}
        stack.enter_context(_process("hub", command, folder, settings))
        _wait_for(f"{hub.api}/", folder / "hub.log")
        for user in users:
            _make(hub, user)
        stack.enter_context(_process("ngshare", _ngshare_command(folder), folder, _ngshare_environment(hub)))
        _wait_for(f"http://127.0.0.1:{hub.ngshare_port}/healthz", folder / "ngshare.log")
        yield hub


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def ngshare_container() -> dict[str, Any]:
    """The container in ngshare.yaml."""
    documents = yaml.safe_load_all((CLUSTER / "ngshare.yaml").read_text(encoding="utf-8"))
    deployment = next(d for d in documents if d["kind"] == "Deployment")
    return deployment["spec"]["template"]["spec"]["containers"][0]


def _ngshare_command(folder: Path) -> list[str]:
    """The manifest's command, with a folder of the test for the pod's disk, and loopback for its address."""
    container = ngshare_container()
    (folder / "disk").mkdir()
    arguments = [argument.replace("/srv/ngshare", str(folder / "disk")) for argument in container["args"]]
    *init, program, module_flag, module = container["command"]
    assert (init, program, module_flag) == (["tini", "--"], "python", "-m")
    return [sys.executable, "-m", module, "--address=127.0.0.1", *arguments]


def _ngshare_environment(hub: Hub) -> dict[str, str]:
    """The manifest's variables, with loopback for the cluster's names."""
    found = {entry["name"]: entry.get("value") for entry in ngshare_container()["env"]}
    return {name: value for name, value in found.items() if value and name != "HOME"} | {
        "JUPYTERHUB_API_URL": hub.api,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{hub.ngshare_port}",
        "JUPYTERHUB_API_TOKEN": hub.ngshare_token,
    }


def _make(hub: Hub, user: str) -> None:
    headers = {"Authorization": f"token {hub.admin_token}"}
    answer = httpx.post(f"{hub.api}/users/{user}", headers=headers)
    assert answer.status_code in (201, 409), answer.text  # instructors are there already: they are in a group


@contextlib.contextmanager
def _process(name: str, command: list[str], folder: Path, settings: dict[str, str]) -> Iterator[None]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SERVELAB_", "JUPYTERHUB_"))}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=kept | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text(errors='replace')[-3000:]}")
