"""Statistics agree with numpy and count failures apart."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from servelab.load import Result, percentile, spread, summarise


def test_percentile_is_numpys() -> None:
    draw = np.random.default_rng(5)
    for size in (1, 2, 3, 10, 101):
        values = draw.lognormal(size=size)
        for q in (0, 1, 37.5, 50, 95, 99, 100):
            assert percentile(values, q) == pytest.approx(float(np.percentile(values, q)))


def test_percentile_of_nothing_is_nan() -> None:
    assert math.isnan(percentile([], 50))
    assert all(math.isnan(v) for v in spread([]).values())


@pytest.mark.parametrize("q", [-1, 100.5])
def test_percentile_outside_its_range(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile([1.0], q)


def good(**fields: object) -> Result:
    given = {"ttft_s": 0.5, "itl_s": [0.1, 0.1], "e2e_s": 0.7, "prompt_tokens": 4, "completion_tokens": 3}
    return Result(**{**given, **fields})


def test_summary() -> None:
    results = [good(), good(e2e_s=0.9, itl_s=[0.2, 0.2]), Result(e2e_s=2.0, error="RateLimitError")]
    summary = summarise(results, wall_s=2.0, concurrency=2)
    assert (summary.requests, summary.errors, summary.error_names) == (3, 1, {"RateLimitError": 1})
    assert summary.requests_per_s == 1.0
    assert summary.output_tokens_per_s == 3.0
    assert summary.ttft_s["mean"] == 0.5
    assert summary.itl_s["p50"] == pytest.approx(0.15)
    assert summary.tpot_s["mean"] == pytest.approx((0.1 + 0.2) / 2)
    assert summary.e2e_s["p50"] == pytest.approx(0.8)
    assert "1 x RateLimitError" in str(summary)


def test_tokens_per_event_do_not_shorten_tpot() -> None:
    """Three events of four tokens each: twelve tokens, two gaps."""
    result = good(ttft_s=0.4, itl_s=[0.4, 0.4], e2e_s=1.2, completion_tokens=12)
    assert result.tpot_s == pytest.approx(0.8 / 11)


def test_an_answer_in_one_piece_has_no_tpot() -> None:
    assert good(ttft_s=0.7, itl_s=[], e2e_s=0.7).tpot_s is None


def test_concurrency_of_an_open_loop_is_littles_law() -> None:
    summary = summarise([good(e2e_s=1.0) for _ in range(10)], wall_s=5.0)
    assert summary.concurrency == pytest.approx(summary.requests_per_s * summary.e2e_s["mean"])


def test_as_dict_is_json() -> None:
    plain = summarise([Result(error="Timeout", e2e_s=1.0)], wall_s=1.0, concurrency=1).as_dict()
    assert plain["ttft_s"]["mean"] is None
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_nothing_answered_still_prints() -> None:
    assert "0 of 1 answered" in str(summarise([Result(error="Timeout")], wall_s=0.0, concurrency=1))
