"""Several engines side by side: each at its own port with its own share, and none left when one does not start."""

from __future__ import annotations

import os

import httpx
import pytest
from servelab.engine import EngineError, client
from servelab.engine import replicas as module
from servelab.engine.replicas import Replicas

pytestmark = pytest.mark.alone  # counts what arrives in time


def test_each_has_its_address_and_can_be_replaced() -> None:
    with Replicas(2, ["--slots", "4"], profile="scripted") as fleet:
        assert len(set(fleet.addresses)) == 2
        assert [engine.url for engine in fleet.engines] == [f"http://{a}" for a in fleet.addresses]
        before = fleet.engines[1].pid
        fleet.engines[1].stop()
        assert not fleet.engines[1].alive()
        fresh = fleet.restart(1, ["--slots", "2"], progress=False)
        assert fresh.pid != before and fresh.url == f"http://{fleet.addresses[1]}"
        assert "2" in fresh.command[fresh.command.index("--slots") + 1]
        assert fleet.engines[0].alive()
    for address in fleet.addresses:
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{address}/health", timeout=2)


def test_shares_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Fake:
        def stop(self) -> None:
            pass

    def serve(args: list[str], *, profile: object, port: int, progress: bool) -> Fake:
        started.append((port, args, profile.env.get("OMP_NUM_THREADS")))
        return Fake()

    monkeypatch.setattr(module.client, "serve", serve)
    monkeypatch.setattr(module.client, "available_bytes", lambda: 10**12)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5})
    Replicas(2, ["--seed", "1"], profile="cpu")
    assert [threads for _, _, threads in started] == ["2", "2"]
    started.clear()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    Replicas(2, profile="cpu")
    assert [threads for _, _, threads in started] == [None, None]


def test_too_little_memory_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.client, "available_bytes", lambda: 2**30)
    with pytest.raises(EngineError, match="2 engines need about"):
        Replicas(2, profile="cpu")


def test_when_one_does_not_start_none_is_left() -> None:
    with pytest.raises(EngineError):
        Replicas(2, ["--slots", "many"], profile="scripted")
    assert client.running() == [] or all("many" not in e.command for e in client.running())
