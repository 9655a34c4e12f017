"""PromQL is evaluated by Prometheus itself, and what is no PromQL says so."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from servelab.monitoring import promql
from servelab.monitoring.promql import value_of, values_of
from servelab.monitoring.tools import ToolMissing, TooMuch, find_tool, run_tool

BUCKETS = {
    'latency_bucket{le="0.5",instance="a"}': "0+10x20",
    'latency_bucket{le="1",instance="a"}': "0+18x20",
    'latency_bucket{le="+Inf",instance="a"}': "0+20x20",
    'latency_bucket{le="0.5",instance="b"}': "0+0x20",
    'latency_bucket{le="1",instance="b"}': "0+20x20",
    'latency_bucket{le="+Inf",instance="b"}': "0+20x20",
}
RECORDS = "groups: [{name: g, rules: [{record: 'job:up:sum', expr: 'sum by (job) (up)'}]}]"


@pytest.fixture(autouse=True)
def promtool(request: pytest.FixtureRequest) -> None:
    try:
        find_tool()
    except ToolMissing as error:
        pytest.skip(str(error))


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
    assert value_of("-up / 0", {"up": "1 1"}, at="1m") == {"{}": -math.inf}
    assert value_of("2 * 3", {}) == {"{}": 6}
    assert value_of('m{v=~".+"}', {'m{v="a, {b} \\"c\\""}': "1 1"}, at="1m") == {
        '{__name__="m", v="a, {b} \\"c\\""}': 1
    }


@pytest.mark.parametrize(
    "query", ["", "rate(", "sum by le (x)", "x[5m]", "rate(x)", "nothing(x)", 'x{"}', "up\nup", '"x"', None]
)
def test_what_is_no_promql(query: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        value_of(query, {"x": "1 1"})


def test_many_at_once_and_none_spoils_the_others() -> None:
    queries = {
        "fine": "up",
        "wrong": "rate(",
        "no text": None,
        "recorded": "job:up:sum",
        "twice": "up",
        "many": 'up * on () (up or label_replace(up, "k", "v", "", ""))',
        # Tries to look like a part of promtool's report.
        "report": 'up\n    expr: "a", time: 10m, err: b',
        "what nobody expects": 'label_replace(vector(0), "nobody", "expects_this", "", "")',
    }
    found = values_of(queries, {'up{job="a"}': "1x20"}, rules=RECORDS)
    assert list(found) == list(queries)
    assert found["fine"] == found["twice"] == {'{__name__="up", job="a"}': 1}
    assert found["wrong"] == "1:6: parse error: unclosed left parenthesis"
    assert found["no text"] == "A query is text, not NoneType"
    assert found["recorded"] == {'{__name__="job:up:sum", job="a"}': 1}
    assert "many-to-many matching" in found["many"]
    assert "parse error" in found["report"]
    assert found["what nobody expects"] == {'{nobody="expects_this"}': 0}
    assert values_of({}, {}) == {}


def test_the_interval_is_that_of_samples_and_rules() -> None:
    found = values_of({"a": "rate(x[1m])"}, {"x": "0+15x20"}, "1m", interval="15s")
    assert found == {"a": {"{}": pytest.approx(1)}}


def test_one_that_takes_too_much_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], files: dict[str, str], *, seconds: float) -> object:
        if "1ms" in files["test.yml"]:
            raise TooMuch("promtool ran out of memory")
        return run_tool(command, files, seconds=seconds)

    monkeypatch.setattr(promql, "run_tool", run)
    queries = {"a": "up", "b": "max_over_time(up[1y:1ms])", "c": "2"}
    assert values_of(queries, {"up": "1x20"}) == {
        "a": {'{__name__="up"}': 1},
        "b": "promtool ran out of memory",
        "c": {"{}": 2},
    }
    with pytest.raises(ValueError, match="out of memory"):
        value_of(queries["b"], {})
    monkeypatch.setattr(promql, "_ALL_ALONE_S", -1)
    assert set(values_of(queries, {}).values()) == {"not evaluated: the queries before it took too long"}


@pytest.mark.parametrize(
    ("series", "rules", "told"),
    [
        ({"up{": "1"}, "", "parse error"),
        ({"up": "one"}, "", "series values"),
        ({"up": "1"}, "groups: 1", "unmarshal"),
        ({"up": "1"}, "groups: [{name: a, rules: [{record: x, expr: 'up('}]}]", "unclosed"),
        ({"up": "1"}, 5, "is text, not int"),
        ({"up": "1"}, "#" * 300_000, "longer than 200,000"),
    ],
)
def test_what_is_wrong_for_all_is_one_line(series: dict[str, str], rules: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        values_of({"a": "up", "b": "up"}, series, rules=rules)
    assert "\n" not in str(caught.value)


def test_a_tool_gets_no_more_than_its_share() -> None:
    with pytest.raises(TooMuch, match="did not come to an end within 0 s"):
        run_tool(["promtool", "--version"], seconds=0.001)
    test = '{"tests": [{"interval": "1m", "input_series": [{"series": "up", "values": "0+1x1000000000"}]}]}'
    with pytest.raises(TooMuch, match="promtool ran out of memory"):
        run_tool(["promtool", "test", "rules", "t.yml"], {"t.yml": test})


def test_files_stay_in_the_folder() -> None:
    for name in ("/etc/x", "../x", "a/../../x", "", "."):
        with pytest.raises(ValueError, match="is no name of a file"):
            run_tool(["promtool", "--version"], {name: "x"})


@pytest.mark.parametrize(
    ("name", "told"), [("promtool", "brew install prometheus"), ("amtool", "brew install alertmanager")]
)
def test_without_the_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, told: str) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=f"{name} is not installed: `make setup` fetches it.*{told}"):
        find_tool(name)
