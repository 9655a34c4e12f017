"""The course's dashboard is what its code builds and shows what engines tell; a dashboard's faults are found."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import ROOT
from prometheus_client.parser import text_string_to_metric_families
from servelab.engine.scripted import ScriptedEngine
from servelab.monitoring import vllm_dashboard
from servelab.monitoring.dashboards import Panel, filled_in, panels, problems, reference
from servelab.monitoring.servers import label_text
from servelab.monitoring.tools import ToolMissing, find_tool

FILE = ROOT / "environment" / "monitoring" / "dashboards" / "vllm.json"
SERIES = {'vllm:num_requests_running{instance="a:8000"}': "3x20", "requests_total": "0+60x20"}
GOOD = {
    "panels": [
        {
            "title": "Requests",
            "type": "timeseries",
            "fieldConfig": {"defaults": {"unit": "reqps"}},
            "targets": [{"expr": "rate(requests_total[$__rate_interval])", "legendFormat": "all"}],
        },
        {"type": "row", "title": "Open", "panels": []},
        {"title": "About", "type": "text"},
        {
            "type": "row",
            "title": "Closed",
            "collapsed": True,
            "panels": [
                {
                    "title": "Running",
                    "type": "stat",
                    "fieldConfig": {"defaults": {"unit": "short"}},
                    "targets": [{"expr": 'vllm:num_requests_running{instance=~"$instance"}'}],
                }
            ],
        },
    ]
}


@pytest.fixture(autouse=True)
def promtool() -> None:
    try:
        find_tool()
    except ToolMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def engine_series() -> Iterator[dict[str, str]]:
    """What a scripted engine tells after some requests, as if it went on like this; and a card beside it."""
    with (
        ScriptedEngine(tokens=4, ttft_s=0.001, itl_s=0.001) as engine,
        httpx.Client(trust_env=False) as client,
    ):
        for _ in range(3):
            body = {"model": engine.model, "messages": [{"role": "user", "content": "one two three " * 20}]}
            assert client.post(f"{engine.base_url}/chat/completions", json=body).status_code == 200
        text = client.get(f"{engine.url}/metrics").text
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {**sample.labels, "instance": "127.0.0.1:8000", "job": "vllm"}
            grows = family.type in ("counter", "histogram")
            found[sample.name + label_text(labels)] = (
                f"0+{sample.value}x20" if grows else f"{sample.value}x20"
            )
    for name in ("GPU_UTIL", "FB_USED", "POWER_USAGE", "GPU_TEMP"):
        found[f'DCGM_FI_DEV_{name}{{gpu="0"}}'] = "70x20"
    yield found


def test_the_file_is_what_the_code_builds() -> None:
    assert FILE.read_text() == vllm_dashboard.text(), "run: python -m servelab.monitoring.vllm_dashboard"


def test_every_panel_shows_what_an_engine_tells(engine_series: dict[str, str]) -> None:
    assert problems(reference(), engine_series) == []
    assert problems({"dashboard": reference(), "overwrite": True}, engine_series) == []


def test_a_metric_that_an_engine_lacks_would_be_found(engine_series: dict[str, str]) -> None:
    for name in ("vllm:num_preemptions_total", "vllm:request_prompt_tokens_bucket", "DCGM_FI_DEV_FB_USED"):
        less = {series: values for series, values in engine_series.items() if not series.startswith(name)}
        assert any("gives nothing" in line for line in problems(reference(), less)), name


def test_rows_and_what_is_in_them() -> None:
    shown = panels(reference())
    assert list(dict.fromkeys(panel.row for panel in shown)) == [
        "Traffic",
        "Latency",
        "Saturation",
        "Prefix cache",
        "Lengths of requests",
        "GPU (DCGM exporter)",
    ]
    assert all(panel.unit and panel.expressions and all(panel.legends) for panel in shown)
    percentiles = [query for panel in shown for query in panel.expressions if "histogram_quantile" in query]
    assert len(percentiles) == 15 and all("sum by (le)" in query for query in percentiles)
    entries = reference()["panels"]
    assert len({entry["id"] for entry in entries}) == len(entries), (
        "Grafana needs a number of its own for each"
    )
    for entry in entries:
        assert entry["gridPos"]["x"] + entry["gridPos"]["w"] <= 24


def test_panels_of_a_dashboard() -> None:
    assert panels(GOOD) == [
        Panel("Requests", "timeseries", "reqps", ("rate(requests_total[$__rate_interval])",), ("all",)),
        Panel("About", "text", "", (), (), "Open"),
        Panel("Running", "stat", "short", ('vllm:num_requests_running{instance=~"$instance"}',), ("",), "Closed"),
    ]  # fmt: skip
    assert problems(GOOD, SERIES) == []


@pytest.mark.parametrize(
    "dashboard", [None, [], {}, {"panels": 5}, {"panels": [5]}, {"panels": [{}] * 600}, {"dashboard": {}}]
)
def test_what_is_no_dashboard(dashboard: Any) -> None:
    (line,) = problems(dashboard, SERIES)
    assert "panel" in line
    with pytest.raises(ValueError, match="panel"):
        panels(dashboard)


def test_rows_without_end() -> None:
    row: dict[str, Any] = {"type": "row", "title": "x"}
    row["panels"] = [row]
    assert problems({"panels": [row]}, SERIES) == ["rows within rows, more than 10 deep"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda p: p.pop("title"), "panel 1 has no title"),
        (lambda p: p.update(title=" "), "panel 1 has no title"),
        (lambda p: p.pop("targets"), "panel 'Requests' has no query"),
        (lambda p: p.update(targets=[{"expr": " "}]), "panel 'Requests' has no query"),
        (lambda p: p.update(targets=[{"expr": 5}, "x"]), "panel 'Requests' has no query"),
        (lambda p: p.pop("fieldConfig"), "panel 'Requests' has no unit"),
        (lambda p: p.update(fieldConfig={"defaults": {"unit": 5}}), "panel 'Requests' has no unit"),
        (lambda p: p["targets"][0].update(expr="rate("), r"panel 'Requests': `rate\(` is no PromQL: 1:6: .*unclosed"),
        (lambda p: p["targets"][0].update(expr="none_total"), "panel 'Requests': `none_total` gives nothing"),
        (lambda p: p["targets"].append({"expr": "requests_total > 1e9"}), "panel 'Requests': `requests_total > 1e9` gives nothing"),
    ],
)  # fmt: skip
def test_each_fault_is_a_line(change: Any, told: str) -> None:
    wrong = copy.deepcopy(GOOD)
    change(wrong["panels"][0])
    (line,) = problems(wrong, SERIES)
    assert re.fullmatch(rf"{told}.*", line), line


def test_no_panels_and_the_same_twice() -> None:
    assert problems({"panels": []}, SERIES) == ["the dashboard has no panels"]
    twice = {"panels": [GOOD["panels"][0], GOOD["panels"][0]]}
    assert problems(twice, SERIES) == ["panel 'Requests' stands twice"]


def test_variables_are_filled_in() -> None:
    for query, filled in (
        ("rate(a[$__rate_interval])", "rate(a[5m])"),
        ("rate(a[${__rate_interval}]) + b[[[__interval]]]", "rate(a[5m]) + b[1m]"),
        ('a{b=~"$b", c = "$c", d!="$d"}', 'a{b=~".*", c =~".*", d!=".*"}'),
        ('a{b="${b:regex}",c="x$c"}', 'a{b=~".*",c="x.*"}'),
        ("a{b='$b'}", "a{b=~'.*'}"),
        ('a{b=~"x$"}', 'a{b=~"x$"}'),
    ):
        assert filled_in(query) == filled


def test_json_is_plain() -> None:
    assert json.loads(json.dumps(reference())) == reference()
