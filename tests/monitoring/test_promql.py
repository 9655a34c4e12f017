"""PromQL is evaluated by Prometheus itself, and what is no PromQL says so."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from servelab.monitoring import promql
from servelab.monitoring.promql import PromtoolMissing, find_tool, value_of

BUCKETS = {
    'latency_bucket{le="0.5",instance="a"}': "0+10x20",
    'latency_bucket{le="1",instance="a"}': "0+18x20",
    'latency_bucket{le="+Inf",instance="a"}': "0+20x20",
    'latency_bucket{le="0.5",instance="b"}': "0+0x20",
    'latency_bucket{le="1",instance="b"}': "0+20x20",
    'latency_bucket{le="+Inf",instance="b"}': "0+20x20",
}


def test_values_by_labels() -> None:
    found = value_of("histogram_quantile(0.5, rate(latency_bucket[5m]))", BUCKETS)
    assert found == {'{instance="a"}': pytest.approx(0.5), '{instance="b"}': pytest.approx(0.75)}
    found = value_of("histogram_quantile(0.5, sum by (le) (rate(latency_bucket[5m])))", BUCKETS)
    assert found == {"{}": pytest.approx(0.5 + 0.5 * 10 / 28)}


def test_time_nothing_and_numbers_that_are_none() -> None:
    series = {"up": "0 1 2 3"}
    assert value_of("up", series, at="2m") == {'{__name__="up"}': 2}
    assert value_of("up > 7", series) == {}
    assert math.isnan(value_of("0 * up / 0", {"up": "0 0 0"}, at="1m")["{}"])
    assert value_of("up / 0", {"up": "1 1"}, at="1m") == {"{}": math.inf}
    assert value_of("2 * 3", {}) == {"{}": 6}
    assert value_of('m{v=~".+"}', {'m{v="a, {b} \\"c\\""}': "1 1"}, at="1m") == {
        '{__name__="m", v="a, {b} \\"c\\""}': 1
    }


@pytest.mark.parametrize(
    "query", ["", "rate(", "sum by le (x)", "x[5m]", "rate(x)", "nothing(x)", 'x{"}', "up\nup"]
)
def test_what_is_no_promql(query: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        value_of(query, {"x": "1 1"})


def test_without_the_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(promql.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromtoolMissing, match="make setup"):
        find_tool()
