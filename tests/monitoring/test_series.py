"""Series that are described in a few words say what was described, to Prometheus itself."""

from __future__ import annotations

import math

import pytest
from servelab.engine.scripted_metrics import LATENCY_BUCKETS, TTFT_BUCKETS
from servelab.monitoring.promql import values_of
from servelab.monitoring.series import E2E_BOUNDS, TTFT_BOUNDS, Phase, fleet, replica


def ask(series: dict[str, str], at: str = "20m", **queries: str) -> dict[str, float]:
    """The one value of each expression; NaN for none."""
    found = values_of(queries, series, at, interval="15s")
    assert all(isinstance(values, dict) for values in found.values()), found
    return {name: next(iter(values.values()), math.nan) for name, values in found.items()}


def test_rates_shares_and_gauges_are_what_a_phase_says() -> None:
    phase = Phase(
        21,
        rps=4,
        ttft={0.1: 0.9, 2.5: 0.1},
        reasons={"error": 0.25},
        tokens=50,
        cached=0.5,
        waiting=7,
        kv=0.8,
    )
    got = ask(
        replica("a:1", [phase]),
        up="up",
        waiting="vllm:num_requests_waiting",
        kv="vllm:kv_cache_usage_perc",
        rps="sum(rate(vllm:request_success_total[5m]))",
        errors='sum(rate(vllm:request_success_total{finished_reason="error"}[5m]))',
        tokens="rate(vllm:generation_tokens_total[5m])",
        each="rate(vllm:request_generation_tokens_sum[5m]) / rate(vllm:request_generation_tokens_count[5m])",
        hits="rate(vllm:prefix_cache_hits_total[5m]) / rate(vllm:prefix_cache_queries_total[5m])",
        quick='rate(vllm:time_to_first_token_seconds_bucket{le="0.1"}[5m]) / ignoring (le) rate(vllm:time_to_first_token_seconds_count[5m])',
        mean="rate(vllm:time_to_first_token_seconds_sum[5m]) / rate(vllm:time_to_first_token_seconds_count[5m])",
    )
    assert got == pytest.approx(
        {
            "up": 1,
            "waiting": 7,
            "kv": 0.8,
            "rps": 4,
            "errors": 1,
            "tokens": 200,
            "each": 50,
            "hits": 0.5,
            "quick": 0.9,
            "mean": 0.34,
        }
    )


def test_a_phase_ends_where_the_next_begins() -> None:
    series = replica("a:1", [Phase(10, rps=1), Phase(10, rps=5, waiting=3)])
    rps = "sum(rate(vllm:request_success_total[2m]))"
    assert ask(series, "9m45s", rps=rps, waiting="vllm:num_requests_waiting") == pytest.approx(
        {"rps": 1, "waiting": 0}
    )
    assert ask(series, "13m", rps=rps, waiting="vllm:num_requests_waiting") == pytest.approx(
        {"rps": 5, "waiting": 3}
    )


def test_who_is_down_has_no_metrics_and_begins_anew() -> None:
    series = replica("a:1", [Phase(10, rps=2), Phase(5, state="down"), Phase(10, rps=2)])
    asked = {
        "up": "up",
        "count": "sum(vllm:request_success_total)",
        "there": "count(vllm:num_requests_running)",
    }
    before, during, after = (ask(series, at, **asked) for at in ("9m", "12m", "20m"))
    assert before["up"] == 1 and before["there"] == 1
    assert during["up"] == 0 and math.isnan(during["there"])
    assert after["up"] == 1 and after["count"] < before["count"] * 0.6


def test_who_is_gone_is_no_target_any_more() -> None:
    series = fleet({"a:1": [Phase(10), Phase(10, state="gone")], "b:1": [Phase(20)]})
    assert ask(series, "9m", targets="count(up)")["targets"] == 2
    assert ask(series, "15m", targets="count(up)")["targets"] == 1


def test_times_beyond_the_last_bound_are_in_the_last_bucket_alone() -> None:
    got = ask(
        replica("a:1", [Phase(21, ttft={math.inf: 1.0})]),
        q="histogram_quantile(0.5, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
    )
    assert got["q"] == TTFT_BOUNDS[-1]


def test_bounds_are_some_of_the_engines() -> None:
    assert set(TTFT_BOUNDS) <= set(TTFT_BUCKETS) and set(E2E_BOUNDS) <= set(LATENCY_BUCKETS)
