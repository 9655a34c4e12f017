"""The charts of streams draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import stream_charts

mpl.use("Agg")


def test_a_row_for_each_stream_and_a_stroke_for_each_piece() -> None:
    streams = [
        {"sent_s": 10.0, "piece_s": [10.5, 10.6]},
        {"sent_s": 10.2, "piece_s": [11.0], "special": True},
    ]
    figure = stream_charts.token_timeline(streams, marks=[(10.2, "it arrives")])
    strokes = [len(c.get_segments()) for c in figure.axes[0].collections]
    assert strokes == [2, 1]
    assert figure.axes[0].texts[0].get_text() == "it arrives"
    assert "a piece for the long prompt" in [t.get_text() for t in figure.legends[0].get_texts()]


def test_a_stream_without_text_has_a_row_and_no_streams_are_refused() -> None:
    figure = stream_charts.token_timeline([{"sent_s": 0.0, "piece_s": []}])
    assert len(figure.axes[0].collections[0].get_segments()) == 0
    with pytest.raises(ValueError, match="at least one"):
        stream_charts.token_timeline([])


def test_boxes_name_their_medians_in_milliseconds() -> None:
    levels = {
        4: {"ttft_s": [0.2, 0.4, 0.6], "itl_s": [0.03]},
        1: {"ttft_s": [0.1], "itl_s": [0.02, 0.02, 1e-6]},
    }
    figure = stream_charts.ttft_itl_vs_load(levels)
    assert [t.get_text() for t in figure.axes[0].texts] == ["100", "400"]
    assert [t.get_text() for t in figure.axes[1].texts] == ["20", "30"]
    assert figure.axes[1].get_ylim()[0] > 1


def test_running_requests_are_drawn_around_the_stop() -> None:
    samples = [{"t_s": t, "vllm:num_requests_running": n} for t, n in ((0.0, 0.0), (1.0, 8.0), (2.0, 0.0))]
    figure = stream_charts.running_after([("they hang up", samples, 1.5), ("they sleep", samples, 1.0)])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["they hang up", "they sleep"]
    assert figure.axes[0].get_ylim()[1] == pytest.approx(10.4)
