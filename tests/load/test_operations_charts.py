"""The charts of operations draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import operations_charts
from servelab.operations import figures, replays

mpl.use("Agg")


@pytest.mark.parametrize("cause", [*replays.INCIDENTS, replays.HEALTHY])
def test_an_incident_has_its_five_panels(cause: str) -> None:
    evidence = replays.evidence(cause, 1)
    figure = operations_charts.incident(evidence, marks=[(200, "begins"), (300, "found")], title="Night")
    queue, pool, made, clients, quality = figure.axes
    assert [line.get_label() for line in queue.lines[:3]] == [
        "replica a",
        "replica b",
        "replica c",
    ] or cause == "dead replica"
    assert len(clients.lines) >= 4 and len(quality.lines) >= 3
    assert [text.get_text() for text in queue.texts] == ["begins", "found"]
    assert bool([line for line in pool.lines if line.get_marker() == "v"]) == (cause == "kv cache full")
    assert bool([line for line in queue.lines if line.get_marker() == "X"]) == (cause == "dead replica")
    assert made.get_ylim()[0] == 0


def test_a_rate_over_a_new_process_is_not_negative() -> None:
    samples = [{"t_s": 0.0, "x": 10}, {"t_s": 10.0, "x": 30}, {"t_s": 20.0, "x": 5}]
    assert operations_charts._rates(samples, "x") == ([10.0, 20.0], [2.0, 0.5])


def test_a_waterfall_ends_at_what_is_left() -> None:
    figure = operations_charts.waterfall(100, [("a", 50), ("b", 25), ("c", 0)], added=130)
    (axes,) = figure.axes
    tops = [round(bar.get_y() + bar.get_height(), 6) for bar in axes.patches]
    assert [bar.get_height() for bar in axes.patches] == [100, -50, -25, 0, 25, -30]
    assert tops[:4] == [100, 50, 25, 25] and axes.get_ylim()[0] < -30
    assert "nothing" in [text.get_text() for text in axes.texts]


def test_the_ledger_names_every_back_end_and_joins_nothing() -> None:
    figure = operations_charts.ledger(figures.panels([]), title="All")
    told = figure._supxlabel.get_text()
    assert "serving-cpu" in told and "quantization-cpu" in told
    for axes in figure.axes:
        assert all(len(line.get_xdata()) == 1 for line in axes.lines)
    rows = [
        {
            "lab": "05-kubernetes",
            "step": "x",
            "metric": "requests_failed",
            "value": 0.0,
            "unit": "requests",
            "backend": "b",
        }
    ]
    (axes,) = [a for a in operations_charts.ledger(figures.others(rows)).axes if a.get_visible()]
    assert axes.get_xlim() == (0, 1)
    with pytest.raises(ValueError, match="at least one"):
        operations_charts.ledger([])
