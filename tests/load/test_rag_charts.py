"""The charts of searching and answering draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import rag_charts
from servelab.load.charts import GREEN, GREY, ORANGE

mpl.use("Agg")

ROWS = [
    {"name": "dense", "value": 0.6, "recall": 0.8, "difference": 0.0, "low": 0.0, "high": 0.0},
    {"name": "better", "value": 0.7, "recall": 0.9, "difference": 0.1, "low": 0.05, "high": 0.15},
    {"name": "worse", "value": 0.5, "recall": 0.7, "difference": -0.1, "low": -0.2, "high": -0.01},
    {"name": "unclear", "value": 0.61, "recall": 0.8, "difference": 0.01, "low": -0.05, "high": 0.07},
]


def test_variants_are_coloured_by_what_the_interval_shows() -> None:
    figure = rag_charts.variants(ROWS)
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == [0.6, 0.7, 0.5, 0.61]
    lines = [line for line in right.lines if len(line.get_xdata()) == 2][1:]
    assert [line.get_color() for line in lines] == [GREEN, ORANGE, GREY]
    assert right.get_title(loc="left") == "nDCG@10: against dense"
    with pytest.raises(ValueError, match="at least two"):
        rag_charts.variants(ROWS[:1])


def test_gains_are_sorted_and_what_does_not_change_is_left_out() -> None:
    figure = rag_charts.gains({"fusion": [0.0, -0.5, 0.25, 1.0], "second": [0.0]})
    assert [bar.get_height() for bar in figure.axes[0].patches] == [1.0, 0.25, -0.5]
    assert [text.get_text() for text in figure.axes[0].texts] == ["2 questions gain", "1 lose"]
    assert figure.axes[1].get_xlabel() == "questions that change (1 do not)"


def test_chunk_sizes_draws_a_curve_for_each_chunker() -> None:
    curves = {
        "blind": {64: (0.4, 0.3, 0.5), 256: (0.7, 0.6, 0.8)},
        "yours": {64: (0.5, 0.4, 0.6), 256: (0.7, 0.6, 0.8)},
    }
    figure = rag_charts.chunk_sizes(curves, level=("the passages", 0.8), budget=1500)
    (axes,) = figure.axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.4, 0.7], [0.5, 0.7], [0.8, 0.8]]
    assert axes.get_ylabel() == "answer within 1,500 tokens"


def test_refusals_counts_both_sides_of_the_threshold() -> None:
    figure = rag_charts.refusals([0.4, 0.6, 0.7], [0.3, 0.45, 0.8], 0.5)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["answerable\n1 of 3 refused", "unanswerable\n2 of 3 refused"]
