"""The charts of monitoring draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from servelab.load import monitoring_charts

mpl.use("Agg")


def test_the_estimate_stands_beside_the_true_quantile() -> None:
    figure = monitoring_charts.histogram_quantile(
        [0.2] * 9 + [1.2], [0.1, 1.0, 2.5], q=0.95, estimate=1.75, title="A"
    )
    (axes,) = figure.axes
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "p95 true: 1.20 s" in labels and "p95 estimated: 1.75 s" in labels
    kept = next(line for line in axes.lines if line.get_label() == "what the counters keep of it")
    assert list(kept.get_ydata()) == [0, 0, 0.9, 1]
    with pytest.raises(ValueError, match="times and bounds"):
        monitoring_charts.histogram_quantile([], [1.0], q=0.5, estimate=None)


def test_it_rings_while_both_windows_are_above() -> None:
    figure = monitoring_charts.burn(slo=0.999, rate=14.4, long_h=1, short_h=1 / 12, outage_h=0.5, errors=0.2)
    ringing = next(line for line in figure.axes[0].lines if line.get_label() == "both above: it rings")
    start, end = ringing.get_xdata()
    # 1.44 % of an hour at 20 % errors are 4.3 minutes; the short window forgets 5 minutes after the end, less its own share.
    assert start == pytest.approx(60 * 0.0144 / 0.2, abs=0.2)
    assert end == pytest.approx(30 + 5 * (1 - 0.0144 / 0.2), abs=0.2)
    quiet = monitoring_charts.burn(slo=0.99, rate=14.4, long_h=1, short_h=1 / 12, outage_h=0.5, errors=0.1)
    assert not any(line.get_label() == "both above: it rings" for line in quiet.axes[0].lines)


def test_panels_share_a_clock_that_begins_with_the_first_mark() -> None:
    times = np.arange(1000.0, 1010.0)
    found = {
        "waiting": {'{instance="a:1"}': (times, times - 1000), '{instance="b:1"}': (times, 0 * times)},
        "ttft_p95": {"{}": (times, np.full(10, np.nan))},
        "kv_usage": {"{}": (times, np.full(10, 0.01))},
    }
    figure = monitoring_charts.panels(
        found, marks=[(1002.0, "burst")], units={"waiting": "requests", "kv_usage": "share"}
    )
    top, middle, bottom = figure.axes
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["a:1", "b:1"]
    assert top.lines[0].get_xdata()[0] == -2 and top.get_ylabel() == "requests"
    assert top.texts[0].get_text() == "burst" and not middle.texts
    assert bottom.get_ylim()[1] == 1.05
    with pytest.raises(ValueError, match="at least one range"):
        monitoring_charts.panels({})
    with pytest.raises(ValueError, match="no value"):
        monitoring_charts.panels({"waiting": {}})
