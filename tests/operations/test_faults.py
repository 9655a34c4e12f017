"""The gateway and the five incidents: on scripted engines, and all five on real ones within their time."""

from __future__ import annotations

import ast
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT
from servelab.course.percent import read_lab
from servelab.engine.scripted import ScriptedEngine
from servelab.errors import CourseError
from servelab.operations import faults, replays
from servelab.operations.door import Door
from servelab.operations.faults import Stack

ADAPTER = ROOT / "tests" / "answers" / "08-lora" / "files" / "labels" / "adapter"


def ask(door: Door, client: str = "web", **more: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "Hello?"}], "max_tokens": 5, **more}
    return httpx.post(f"{door.url}/v1/chat/completions", json=body, headers={"x-client": client}, timeout=30)


def reference() -> Any:
    """`over`, `per` and `diagnose` as the lab's own solution has them, and `merged` and `recovered`."""
    import copy
    import math
    import statistics

    lab = read_lab(ROOT / "solutions" / "11-operations" / "11-operations.py")
    known: dict[str, Any] = {"copy": copy, "math": math, "statistics": statistics}
    for cell in lab.cells:
        if cell.id in ("readings", "diagnose", "merged", "recovered"):
            exec(compile(ast.parse(cell.source), cell.id, "exec"), known)
    return known


def test_a_line_of_the_gateway_has_the_fields_of_a_replays() -> None:
    fields = set(replays.evidence("stale index", 1)["log"][0])
    with ScriptedEngine(ttft_s=0.01) as one, Door({"a": one.url}, "scripted") as door:
        answer = ask(door)
        assert answer.json()["choices"][0]["message"]["content"]
    (line,) = door.log
    assert set(line) == fields
    assert line["status"] == 200 and line["completion_tokens"] == 5 and line["finish"] == "length"
    assert 0 < line["ttft_s"] <= line["latency_s"]


def test_requests_go_in_turn_and_past_what_is_taken_out() -> None:
    with (
        ScriptedEngine(ttft_s=0.01) as one,
        ScriptedEngine(ttft_s=0.01) as two,
        Door({"a": one.url, "b": two.url}, "scripted") as door,
    ):
        for _ in range(4):
            ask(door)
        two.kill()
        assert {ask(door).status_code for _ in range(2)} == {200, 502}
        door.take_out("b")
        assert {ask(door).status_code for _ in range(3)} == {200}
        door.take_out("a")
        assert ask(door).status_code == 503
    assert [line["replica"] for line in door.log][:4] == ["a", "b", "a", "b"]
    assert door.statuses() == {200: 8, 502: 1, 503: 1}


def test_a_limited_client_is_refused_and_what_it_runs_is_cancelled() -> None:
    import threading

    with ScriptedEngine(ttft_s=0.05, itl_s=0.05) as one, Door({"a": one.url}, "scripted") as door:
        threads = [
            threading.Thread(target=ask, args=(door, "bot"), kwargs={"max_tokens": 200}) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        while len(one.requests) < 3:
            time.sleep(0.01)
        door.limit("bot", 0)
        for thread in threads:
            thread.join()
        assert ask(door, "bot").status_code == 429 and ask(door).status_code == 200
        time.sleep(0.2)
        assert sum(r["cancelled"] for r in one.requests) == 3
    assert door.statuses() == {499: 3, 429: 1, 200: 1}


def test_a_broken_stream_is_a_502_and_an_engines_no_is_passed_on() -> None:
    from servelab.engine.scripted import Fault

    wrong = [Fault("cut", at=0, after_tokens=2), Fault("500", at=1)]
    with ScriptedEngine(ttft_s=0.01, faults=wrong) as one, Door({"a": one.url}, "scripted") as door:
        assert [ask(door).status_code for _ in range(3)] == [502, 500, 200]


def test_formats_and_searches_are_judged() -> None:
    def search(index: str, question: str) -> tuple[str, bool]:
        return f"{index} {question}", index == "docs-21"

    with ScriptedEngine(ttft_s=0.01, adapters=["labels"]) as one:
        with Door(
            {"a": one.url},
            "scripted",
            search=search,
            serves={"labels": ("labels", 4)},
            formats={"labels": "no match"},
        ) as door:
            ask(door, model="labels")
            ask(door, docs="q1")
            door.index = "docs-2"
            ask(door, docs="q1")
        asked = [r["body"]["messages"][0]["content"] for r in one.requests]
    labelled, good, stale = door.log
    assert (labelled["revision"], labelled["valid"]) == (4, False)
    assert (good["index"], good["grounded"]) == ("docs-21", True)
    assert (stale["index"], stale["grounded"]) == ("docs-2", False)
    assert asked[1].startswith("docs-21 q1")


@pytest.mark.slow
@pytest.mark.parametrize("incident", ["dead replica", "stale index"])
def test_a_stack_on_scripted_engines(incident: str) -> None:
    known = reference()
    with Stack([incident], seed=2, rate=4.0, profile="scripted") as stack:
        time.sleep(7)
        assert known["diagnose"](stack.evidence())["cause"] == "healthy"
        culprit = stack.inject(incident)
        found = {"cause": "healthy"}
        end = time.monotonic() + 15
        while found["cause"] == "healthy" and time.monotonic() < end:
            time.sleep(1)
            found = known["diagnose"](stack.evidence())
        assert (found["cause"], found["where"]) == (incident, culprit)
        stack.end(found["cause"], found["where"])
        mended = stack.door.now()
        time.sleep(3)
        late = [line for line in stack.door.log if line["t_s"] > mended + 0.5]
        assert late and all(line["status"] == 200 for line in late)
        with pytest.raises(CourseError, match="was started for"):
            stack.inject("bad adapter")


def test_an_unknown_incident_is_refused() -> None:
    with pytest.raises(ValueError, match="no incident"):
        Stack(["gremlins"])


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.alone
def test_all_five_incidents_live(figures: dict[str, Any]) -> None:
    """Two real engines suffer all five, one after the other; the lab's own solution finds each, and each is over afterwards."""
    known = reference()
    order = ("bad adapter", "stale index", "long generations", "kv cache full", "dead replica")
    assert sorted(order) == sorted(replays.INCIDENTS)
    begun = time.monotonic()
    with Stack(order, seed=5, rate=1.2, adapter=Path(ADAPTER)) as stack:
        figures["lab 11, two engines ready, s"] = round(time.monotonic() - begun, 1)
        for incident in order:
            start = stack.door.now()
            time.sleep(9)
            calm = known["diagnose"](stack.evidence(start))
            assert calm["cause"] == "healthy", (incident, calm)
            injected = stack.door.now()
            culprit = stack.inject(incident)
            found = {"cause": "healthy", "where": None}
            while found["cause"] == "healthy" and stack.door.now() < injected + 80:
                time.sleep(1)
                found = known["diagnose"](stack.evidence(start))
            figures[f"lab 11, {incident} found, s"] = round(stack.door.now() - injected, 1)
            assert (found["cause"], found["where"]) == (incident, culprit), found
            mended = stack.door.now()
            stack.end(found["cause"], found["where"])
            stack.calm()
            over = None
            while over is None and stack.door.now() < mended + 60:
                time.sleep(1)
                series = known["merged"](stack.in_use())
                over = known["recovered"](series, mended, 1, 3.0, 4)
            assert over is not None, incident
    took = time.monotonic() - begun
    figures["lab 11, all five incidents, s"] = round(took, 1)
    assert took < 360, f"{took:.0f} s"
    assert faults.SEATS == 4
