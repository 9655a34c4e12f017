"""Throughput counts the tokens of all models, and the second adapter is what the recipe says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.errors import CourseError
from servelab.lora import serving, tickets

TEXTS = [f"Ticket {i}" for i in range(24)]


class Running:
    """What `throughput` needs of an engine."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.base_url, self.model = engine.base_url, engine.model


def test_throughput_asks_base_adapter_and_all_mixed() -> None:
    with ScriptedEngine(model="base", adapters={"a": "/a", "b": "/b"}, ttft_s=0.02, itl_s=0.01) as engine:
        rates = serving.throughput(Running(engine), ["a", "b"], TEXTS)  # type: ignore[arg-type]
        asked = Counter((r["body"]["model"], r["body"]["max_tokens"]) for r in engine.requests)
        bodies = [r["body"] for r in engine.requests]
        most = engine.max_concurrent
    assert list(rates) == ["base", "one adapter", "base and adapters mixed"]
    # 16 requests each way, the last 16 dealt out among the three.
    assert asked["base", 32] == 16 + 6 and asked["a", 32] == 16 + 5 and asked["b", 32] == 5
    assert most == 8
    assert {body["messages"][0]["content"] for body in bodies} == {tickets.SYSTEM}
    # 8 in flight, 0.02 + 31 * 0.01 s for 32 tokens: 776 tokens/s, less what clients and a busy machine take.
    assert all(100 < rate < 777 for rate in rates.values())


def test_a_failed_request_is_no_throughput() -> None:
    with (
        ScriptedEngine(
            model="base", adapters={"a": "/a"}, ttft_s=0, itl_s=0, faults=[Fault("500", every=1)]
        ) as engine,
        pytest.raises(CourseError, match="requests failed"),
    ):
        serving.throughput(Running(engine), ["a"], TEXTS)  # type: ignore[arg-type]


def test_the_second_adapter_learns_labels_of_the_same_tickets() -> None:
    for example, label in zip(tickets.train(), tickets.labels(), strict=True):
        assert label.ticket == example.ticket and label.system == tickets.LABEL_SYSTEM
        assert label.answer == f"{example.wanted['category']}/{example.wanted['urgency']}"


def test_an_adapter_is_served_beside_the_profiles_own_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(serving.engine, "serve", lambda **given: asked.update(given))
    monkeypatch.setenv("SERVELAB_PROFILE", "cpu")
    serving.serve({"tickets": "adapter"})
    assert asked == {"lora": {"tickets": "adapter"}}
