"""Watching an engine under load."""

from __future__ import annotations

import pytest
from servelab.engine.scripted import ScriptedEngine
from servelab.errors import CourseError
from servelab.load import run_closed_loop, watch


def test_samples_show_what_ran_and_waited() -> None:
    with ScriptedEngine(slots=2, ttft_s=0.1, itl_s=0.02, kv_blocks=8) as engine:
        names = ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc")
        counted = (*names, "vllm:generation_tokens_total")
        with watch(engine.url, counted, every_s=0.02) as samples:
            run_closed_loop(
                engine.base_url, engine.model, ["a b c"] * 10, concurrency=5, max_tokens=10, desc=""
            )
    running, waiting, usage, tokens = ([s[name] for s in samples] for name in counted)
    assert max(running) == 2 and max(waiting) == 3
    assert running[0] == running[-1] == waiting[-1] == 0
    assert 0 < max(usage) <= 0.25
    assert tokens == sorted(tokens) and tokens[-1] == 100
    times = [s["t_s"] for s in samples]
    assert times == sorted(times) and len(samples) > 10


def test_no_server_is_said_in_one_line() -> None:
    with pytest.raises(CourseError, match="is the engine running") as error, watch("http://127.0.0.1:9"):
        pass
    assert "\n" not in str(error.value)


def test_unknown_metric_is_named() -> None:
    with (
        ScriptedEngine() as engine,
        pytest.raises(CourseError, match="vllm:queue_depth"),
        watch(engine.url, ["vllm:queue_depth"]),
    ):
        pass


def test_a_server_that_stops_does_not_stop_the_watcher() -> None:
    engine = ScriptedEngine().start()
    with watch(engine.url, every_s=0.01) as samples:
        engine.stop()
    assert samples
