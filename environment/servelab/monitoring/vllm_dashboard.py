"""The course's Grafana dashboard of vLLM 0.32, built with Grafana's own SDK.

`python -m servelab.monitoring.vllm_dashboard` writes it to environment/monitoring/dashboards/vllm.json.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, timeseries
from grafana_foundation_sdk.builders import dashboard as building
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    VariableOption,
    VariableRefresh,
)

from servelab import paths

_FILE = "environment/monitoring/dashboards/vllm.json"
_ENGINE = '{model_name=~"$model_name", instance=~"$instance"}'
_PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class _Chart:
    """One panel: queries by legend. `{of}` in a query becomes the engines that are chosen above the panels."""

    title: str
    unit: str
    queries: dict[str, str]
    says: str
    most: float | None = None
    wide: int = field(default=12, kw_only=True)


def _rate(metric: str, by: str = "") -> str:
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}{{of}}[$__rate_interval]))"


def _percentiles(metric: str) -> dict[str, str]:
    """Over all replicas: their buckets are added before, for percentiles themselves cannot be."""
    return {
        f"p{round(100 * q)}": f"histogram_quantile({q}, {_rate(metric + '_bucket', 'le')})"
        for q in _PERCENTILES
    }


_ROWS: dict[str, tuple[_Chart, ...]] = {
    "Traffic": (
        _Chart(
            "Requests",
            "reqps",
            {"{{finished_reason}}": _rate("vllm:request_success_total", "finished_reason")},
            "Requests that came to an end in the engine, by how. `error` is a fault of the engine, `abort` a client that left. What was"
            " refused before the engine (400, 429) is not among them.",
        ),
        _Chart(
            "Tokens",
            "short",
            {
                "generated per second": _rate("vllm:generation_tokens_total"),
                "of prompts per second": _rate("vllm:prompt_tokens_total"),
            },
            "Generated tokens are what users wait for; prompt tokens are read many at a time.",
        ),
    ),
    "Latency": (
        _Chart(
            "Time to first token",
            "s",
            _percentiles("vllm:time_to_first_token_seconds"),
            "From the arrival at the engine, waiting in the queue included.",
            wide=8,
        ),
        _Chart(
            "Inter-token latency",
            "s",
            _percentiles("vllm:inter_token_latency_seconds"),
            "From one token to the next of the same answer.",
            wide=8,
        ),
        _Chart(
            "End-to-end latency",
            "s",
            _percentiles("vllm:e2e_request_latency_seconds"),
            "From arrival to the last token: it grows with the length of the answers, so compare like with like.",
            wide=8,
        ),
    ),
    "Saturation": (
        _Chart(
            "Requests in the engine",
            "short",
            {
                "running": "sum(vllm:num_requests_running{of})",
                "waiting": "sum(vllm:num_requests_waiting{of})",
            },
            "Waiting requests are the first sign that a replica more is needed.",
        ),
        _Chart(
            "KV cache in use",
            "percentunit",
            {"{{instance}}": "max by (instance) (vllm:kv_cache_usage_perc{of})"},
            "The share of a pool that the engine took at its start. A full pool is no fault by itself; with a queue or preemptions it is.",
            1.0,
            wide=6,
        ),
        _Chart(
            "Preemptions",
            "ops",
            {"{{instance}}": _rate("vllm:num_preemptions_total", "instance")},
            "Requests that gave their blocks up and are computed again later.",
            wide=6,
        ),
    ),
    "Prefix cache": (
        _Chart(
            "Prompt tokens found in the prefix cache",
            "percentunit",
            {
                "hit ratio": f"{_rate('vllm:prefix_cache_hits_total')} / {_rate('vllm:prefix_cache_queries_total')}"
            },
            "The share of prompt tokens that need not be read again. The counters count tokens, not requests.",
            1.0,
        ),
        _Chart(
            "Prompt tokens looked up",
            "short",
            {
                "looked up per second": _rate("vllm:prefix_cache_queries_total"),
                "found per second": _rate("vllm:prefix_cache_hits_total"),
            },
            "A ratio of little traffic says little.",
        ),
    ),
    "Lengths of requests": (
        _Chart(
            "Prompt",
            "short",
            _percentiles("vllm:request_prompt_tokens"),
            "Tokens. When they grow, time to first token does.",
        ),
        _Chart(
            "Answer",
            "short",
            _percentiles("vllm:request_generation_tokens"),
            "Tokens. When they grow, end-to-end latency does.",
        ),
    ),
    "GPU (DCGM exporter)": (
        _Chart(
            "Utilisation",
            "percent",
            {"GPU {{gpu}}": "DCGM_FI_DEV_GPU_UTIL"},
            "The share of time in which any kernel ran: near 100 with one request as with fifty.",
            100.0,
            wide=6,
        ),
        _Chart(
            "Memory used",
            "mbytes",
            {"GPU {{gpu}}": "DCGM_FI_DEV_FB_USED"},
            "The engine takes its share at the start: always nearly full, and no reason for an alert.",
            wide=6,
        ),
        _Chart(
            "Power",
            "watt",
            {"GPU {{gpu}}": "DCGM_FI_DEV_POWER_USAGE"},
            "Tells real work from waiting better than utilisation.",
            wide=6,
        ),
        _Chart(
            "Temperature",
            "celsius",
            {"GPU {{gpu}}": "DCGM_FI_DEV_GPU_TEMP"},
            "Above its limit a card slows down.",
            wide=6,
        ),
    ),
}


def build() -> dict[str, Any]:
    """The dashboard as the JSON that Grafana reads."""
    board = (
        building.Dashboard("vLLM")
        .uid("vllm")
        .description("One or more vLLM replicas: what they do, how long users wait, and what is scarce.")
        .tags(["vllm"])
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(building.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_choice("model_name", "Model"))
        .with_variable(_choice("instance", "Replica"))
    )
    numbers = itertools.count(1)
    for title, charts in _ROWS.items():
        board = board.with_row(building.Row(title).id(next(numbers)))
        for chart in charts:
            board = board.with_panel(_panel(chart).id(next(numbers)))
    return json.loads(json.dumps(board.build(), cls=JSONEncoder))


def text() -> str:
    """The dashboard as the text of its file."""
    return json.dumps(build(), indent=1, sort_keys=True) + "\n"


def _source() -> DataSourceRef:
    return DataSourceRef(type_val="prometheus", uid="${datasource}")


def _choice(label: str, shown: str) -> building.QueryVariable:
    return (
        building.QueryVariable(label)
        .label(shown)
        .datasource(_source())
        .query(f"label_values(vllm:num_requests_running, {label})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all"))
    )


def _panel(chart: _Chart) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(chart.title)
        .description(chart.says)
        .unit(chart.unit)
        .datasource(_source())
        .span(chart.wide)
        .height(8)
        .min(0)
        .fill_opacity(10)
        .show_points(shapes.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(shapes.LegendDisplayMode.LIST)
            .placement(shapes.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI))
    )
    if chart.most is not None:
        panel = panel.max(chart.most)
    for index, (legend, query) in enumerate(chart.queries.items()):
        panel = panel.with_target(
            prometheus.Dataquery()
            .expr(query.replace("{of}", _ENGINE))
            .legend_format(legend)
            .ref_id(chr(ord("A") + index))
            .datasource(_source())
            .range()
        )
    return panel


if __name__ == "__main__":
    target = paths.course_root() / _FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text())
    print(f"wrote {target}")
