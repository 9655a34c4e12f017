"""vLLM's own benchmark takes the reference gateway for OpenAI's API."""

from __future__ import annotations

import pytest
from gateway_kit import app
from servelab.checks import served
from servelab.engine.scripted import ScriptedEngine
from servelab.errors import CourseError
from servelab.gateway.bench import bench_serve

QUESTIONS = [f"Question number {number}?" for number in range(6)]


@pytest.mark.slow
@pytest.mark.alone
def test_vllm_bench_serve_completes_through_the_gateway() -> None:
    with ScriptedEngine(model="m", ttft_s=0.01, itl_s=0.002) as engine, served(app({"one": engine})) as url:
        told = bench_serve(url, "m", QUESTIONS, key="key-bank", tokens=5, concurrency=2)
        seen = engine.requests
    assert (told["completed"], told["failed"], told["total_output_tokens"]) == (6, 0, 30)
    asked = {"".join(part["text"] for part in one["body"]["messages"][0]["content"]) for one in seen}
    assert asked == set(QUESTIONS) and all(one["stream"] for one in seen)


@pytest.mark.slow
@pytest.mark.alone
def test_a_door_that_stays_shut_is_an_error() -> None:
    with ScriptedEngine(model="m", ttft_s=0) as engine, served(app({"one": engine})) as url:
        try:
            told = bench_serve(url, "m", QUESTIONS[:2], key="nobody", tokens=5)
        except CourseError as error:
            assert "failed" in str(error)
        else:
            assert told["completed"] == 0 and not engine.requests
