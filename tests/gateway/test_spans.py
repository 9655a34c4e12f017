"""Spans of a gateway are received and kept, belong to the trace that came in, and are passed on to the back end."""

from __future__ import annotations

import os

import httpx
from gateway_kit import app
from servelab.checks import served
from servelab.engine.scripted import ScriptedEngine
from servelab.gateway import spans

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def ask(url: str, **headers: str) -> httpx.Response:
    body = {"model": "auto", "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
    return httpx.post(
        f"{url}/v1/chat/completions", json=body, headers={"authorization": "Bearer key-shop", **headers}
    )


def test_a_request_is_a_span_below_the_one_that_came_in() -> None:
    with (
        ScriptedEngine(ttft_s=0) as engine,
        spans.Collector() as collector,
        served(app({"one": engine})) as url,
    ):
        assert ask(url, traceparent=f"00-{TRACE}-{PARENT}-01").status_code == 200
        (span,) = collector.wait(TRACE, 1)
        assert (span["service"], span["name"]) == ("gateway", "POST /v1/chat/completions")
        assert span["parent_id"] == PARENT and span["end_ns"] > span["start_ns"]
        assert span["attributes"]["http.response.status_code"] == 200
        assert engine.requests[0]["headers"]["traceparent"].split("-")[1:3] == [TRACE, span["span_id"]]
        file = collector.file
    assert not file.exists()


def test_without_a_collector_the_trace_is_passed_on_as_it_came() -> None:
    with ScriptedEngine(ttft_s=0) as engine, served(app({"one": engine})) as url:
        ask(url, traceparent=f"00-{TRACE}-{PARENT}-01")
        ask(url)
        first, second = (request["headers"].get("traceparent") for request in engine.requests)
    assert first == f"00-{TRACE}-{PARENT}-01" and second is None


def test_the_collector_leaves_the_environment_as_it_was(tmp_path) -> None:
    before = dict(os.environ)
    collector = spans.Collector(tmp_path / "spans.jsonl").start()
    assert os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf"
    assert collector.endpoint.startswith("http://127.0.0.1:")
    collector.stop()
    collector.stop()
    assert dict(os.environ) == before
    assert spans.read(tmp_path / "spans.jsonl") == []
