"""The charts of the gateway draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import gateway_charts

mpl.use("Agg")


def test_curve_marks_the_chosen_threshold() -> None:
    figure = gateway_charts.cache_curve([0.7, 0.8, 0.9], [0.9, 0.5, 0.1], [0.6, 0.4, 0.2], chosen=0.8)
    left, right = figure.axes
    assert [list(line.get_ydata()) for line in left.lines[:2]] == [[0.9, 0.5, 0.1], [0.6, 0.4, 0.2]]
    assert right.texts[0].get_text() == "0.80: 50% found,\n40% mistaken"


def test_timeline_has_a_bar_a_span_and_its_parts() -> None:
    rows = [
        {"service": "gateway", "name": "POST", "start_ns": 1_000_000, "end_ns": 51_000_000},
        {"service": "engine", "name": "llm_request", "start_ns": 6_000_000, "end_ns": 46_000_000, "parts": [("queue", 0.01), ("decode", 0.03)]},
    ]  # fmt: skip
    figure = gateway_charts.trace_timeline(rows)
    bars = [(bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches]
    assert bars[:2] == [(0, 50), (5, 40)] and bars[2:4] == [(5, 10), (15, 30)]
    assert [text.get_text() for text in figure.axes[0].texts] == ["50.0 ms", "40.0 ms"]
    with pytest.raises(ValueError, match="at least one"):
        gateway_charts.trace_timeline([])


def test_who_answered_counts_each_and_those_without_an_answer() -> None:
    rows = [
        {"t_s": 0.0, "took_s": 0.03, "by": "b"},
        {"t_s": 0.1, "took_s": 0.02, "by": "a"},
        {"t_s": 0.2, "took_s": 0.5, "by": None},
    ]
    figure = gateway_charts.who_answered(rows, marks=[(0.15, "killed")])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a (1)", "b (1)", "failed (1)"]
    assert figure.axes[0].texts[0].get_text() == "killed"
