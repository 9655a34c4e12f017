"""The charts of replicas draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from servelab.load import scaling_charts

mpl.use("Agg")


def sample(t: float, running: float, waiting: float = 0) -> dict[str, float]:
    return {"t_s": t, "vllm:num_requests_running": running, "vllm:num_requests_waiting": waiting}


def test_a_replica_that_died_ends_in_a_cross() -> None:
    figure = scaling_charts.replica_load(
        {"one": [sample(0, 3), sample(9, 8, 2)], "two": [sample(0, 3), sample(4, 4)]}, marks=[(4, "killed")]
    )
    top, bottom = figure.axes
    assert [line.get_marker() for line in top.lines].count("X") == 1
    assert top.texts[0].get_text() == "killed" and not bottom.texts
    assert top.get_ylim()[1] > 8 and bottom.get_ylim()[1] > 2
    with pytest.raises(ValueError, match="at least one"):
        scaling_charts.replica_load({})


def test_a_column_for_each_policy() -> None:
    rows = [
        {"t_s": 15.0 * n, "arrivals_per_s": 9.0, "replicas": 3, "ready": 2, "waiting": 4.0, "wait_s": 7.0} for n in range(1, 9)
    ]  # fmt: skip
    figure = scaling_charts.replayed({"mine": rows, "yours": rows}, capacity=3.0)
    assert len(figure.axes) == 6
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["mine", "yours"]
    assert figure.axes[4].get_ylim()[0] == 0
    with pytest.raises(ValueError, match="at least one"):
        scaling_charts.replayed({}, capacity=1)


def test_a_row_has_room_for_the_largest_of_all_columns():
    """The columns share their axes: the first must not set them for a later, larger one."""

    def day(size):
        names = ("arrivals_per_s", "replicas", "ready", "waiting", "wait_s")
        return [{"t_s": 60.0 * n, **dict.fromkeys(names, float(size))} for n in range(3)]

    figure = scaling_charts.replayed({"quiet": day(2), "busy": day(50)}, capacity=1.0)
    assert all(axes.get_ylim()[1] > 50 for axes in figure.axes[:6])


def test_calibrations_begin_at_nothing() -> None:
    figure = scaling_charts.calibrations(
        {"committed": [(1, 0.5), (8, 3.0)], "mine": [(1, 0.4), (4, 1.2)]}, seats=16
    )
    lines = figure.axes[0].lines
    assert list(lines[0].get_xdata()) == [0, 1, 8] and list(lines[1].get_ydata()) == [0, 0.4, 1.2]
    with pytest.raises(ValueError, match="at least one"):
        scaling_charts.calibrations({}, seats=4)
