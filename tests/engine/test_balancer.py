"""nginx in its frame: it runs, it ends with its owner, and what is wrong with a configuration is one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from servelab.engine import balancer as module
from servelab.engine.balancer import Balancer, BalancerError, explain, find_nginx, free_port
from servelab.engine.scripted import ScriptedEngine

pytestmark = pytest.mark.alone  # counts what arrives in time


@pytest.fixture(autouse=True)
def nginx(request: pytest.FixtureRequest) -> Iterator[None]:
    if "no_nginx" not in request.keywords:
        try:
            find_nginx()
        except BalancerError as error:
            pytest.skip(str(error))
    before = set(Path("/tmp").glob("servelab-balancer-*"))
    yield
    assert set(Path("/tmp").glob("servelab-balancer-*")) <= before


def config(port: int, *replicas: str, listen: str = "127.0.0.1:") -> str:
    servers = " ".join(f"server {replica};" for replica in replicas)
    return f"upstream engines {{ {servers} }}\nserver {{\n  listen {listen}{port};\n  location / {{ proxy_pass http://engines; }}\n}}\n"


def address(engine: ScriptedEngine) -> str:
    return engine.url.removeprefix("http://")


def test_requests_pass_and_nothing_is_left() -> None:
    port = free_port()
    with ScriptedEngine() as engine:
        with Balancer(config(port, address(engine)), port) as front:
            assert httpx.get(f"{front.base_url}/models").json()["data"][0]["id"] == "scripted"
            pid = front.pid
            assert front.start() is front and psutil.pid_exists(pid)
            assert front.complaints() == []
        assert not psutil.pid_exists(pid)
        with pytest.raises(httpx.ConnectError):
            httpx.get(front.url)
        front.stop()


def test_complaints_are_told() -> None:
    port = free_port()
    with Balancer(config(port, "127.0.0.1:9"), port) as front:
        assert httpx.get(front.url).status_code == 502
        assert "Connection refused" in front.complaints()[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (lambda p: config(p, "127.0.0.1:9").replace("upstream", "upsteam"), r"refuses line 1 .*upsteam.*: unknown directive"),
        (lambda p: config(p, "127.0.0.1:9").replace("proxy_pass", "proxy_pas"), r"refuses line 4 of the configuration, `location"),
        (lambda p: config(p, "127.0.0.1:9")[:-3], "unexpected end of file"),
        (lambda p: config(p), "no servers are inside upstream"),
        (lambda p: config(p, "no-such-host.invalid:80"), "host not found"),
        (lambda p: config(p, "127.0.0.1:9", listen=""), r"the network can reach: write `listen 127.0.0.1:\d+;`"),
        (lambda p: config(p + 500, "127.0.0.1:9"), r"nothing listens on 127.0.0.1:\d+: `listen` takes"),
        (lambda p: "", "nothing listens"),
        (lambda p: "}", "unexpected"),
        (lambda p: None, "is text, not NoneType"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(text: object, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_START_S", 0.5)
    port = free_port()
    with pytest.raises(BalancerError, match=told) as caught, Balancer(text(port), port):
        pass
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_told() -> None:
    with ScriptedEngine() as engine:
        port = int(engine.url.rpartition(":")[2])
        with pytest.raises(BalancerError, match="Address already in use"):
            Balancer(config(port, "127.0.0.1:9"), port).start()


def test_it_ends_with_its_owner_however_that_ends(tmp_path: Path) -> None:
    port = free_port()
    script = (
        "import sys, time\nfrom servelab.engine.balancer import Balancer\n"
        f"front = Balancer({config(port, '127.0.0.1:9')!r}, {port}, start=True)\nprint(front.pid, front._folder, flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid, folder = owner.stdout.readline().split()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    for _ in range(100):
        if not psutil.pid_exists(int(pid)):
            break
        time.sleep(0.05)
    assert not psutil.pid_exists(int(pid))
    shutil.rmtree(folder)  # who is killed cannot clear away


def test_explained_without_a_place() -> None:
    assert explain("", "") == "nginx does not start: it said nothing"
    assert (
        explain("nginx: [emerg] 1#1: too few processes", "x")
        == "nginx refuses the configuration: too few processes"
    )


def test_missing_nginx_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(module.shutil, "which", lambda name, path=None: None)
    with pytest.raises(BalancerError, match="`make setup` fetches it"):
        find_nginx()
    assert os.environ["PATH"]
