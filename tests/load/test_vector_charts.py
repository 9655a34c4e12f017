"""The charts of vector search draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import vector_charts

mpl.use("Agg")

CURVES = {
    "m 4": [{"ef": 10, "ms": 0.2, "recall": 0.4}, {"ef": 64, "ms": 0.5, "recall": 0.8}],
    "m 16": [{"ef": 10, "ms": 0.3, "recall": 0.8}, {"ef": 64, "ms": 0.9, "recall": 0.99}],
}


def test_a_curve_for_each_graph_and_a_mark_for_the_exact_search() -> None:
    (axes,) = vector_charts.recall_cost(CURVES, exact_ms=2.0, target=0.95).axes
    names = [t.get_text() for t in axes.get_legend().get_texts()]
    assert names == ["m 4", "m 16", "exact search"]
    assert [t.get_text() for t in axes.texts] == ["ef 10", "ef 64", "ef 10", "ef 64", "0.95"]
    low, high = axes.get_xlim()
    assert low < 0.2 and high > 2.0 and axes.get_ylim()[0] == pytest.approx(0.32)
    assert list(axes.lines[0].get_ydata()) == [0.4, 0.8]


def test_costs_are_bars_with_their_values() -> None:
    costs = {"m 4": {"build_s": 1.5, "graph_mb": 0.7}, "m 16": {"build_s": 12.0, "graph_mb": 3.1}}
    left, right = vector_charts.build_cost(costs, vectors_mb=36.9).axes
    assert [t.get_text() for t in left.texts] == ["1.5 s", "12.0 s"]
    assert [t.get_text() for t in right.texts] == ["0.7 MB", "3.1 MB", "36.9 MB"]
    assert [t.get_text() for t in right.get_yticklabels()] == ["m 4", "m 16", "the vectors"]
    assert len(vector_charts.build_cost(costs).axes[1].patches) == 2


def test_growth_begins_at_zero() -> None:
    (axes,) = vector_charts.growth((3000, 6000), {"exact": [0.5, 1.0], "graph": [0.3, 0.31]}).axes
    assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)
    assert [t.get_text() for t in axes.texts] == ["1.00 ms", "0.31 ms"]


def test_filters_are_named_by_their_share() -> None:
    figure = vector_charts.filtered([0.19, 0.002], {"no index": [0.9, 0.0], "before": [1.0, 1.0]})
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["19.0 %", "0.2 %"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["no index", "before"]
    assert list(axes.lines[0].get_xdata()) == pytest.approx([19.0, 0.2])


def test_compression_shows_what_rescoring_gives_back() -> None:
    kinds = {"int8": {"rough": 0.98, "recall": [0.99, 1.0], "mb": 9.3}, "binary": {"rough": 0.5, "recall": [0.6, 0.9], "mb": 1.2}}  # fmt: skip
    left, right = vector_charts.compressed((1, 4), kinds, original_mb=36.9).axes
    assert list(left.lines[1].get_ydata()) == [0.5, 0.6, 0.9]
    assert [t.get_text() for t in left.get_xticklabels()] == ["not\nrescored", "x1", "x4"]
    assert [t.get_text() for t in right.get_yticklabels()] == ["float32", "int8", "binary"]
    assert [t.get_text() for t in right.texts] == ["36.9", "9.3", "1.2"]
