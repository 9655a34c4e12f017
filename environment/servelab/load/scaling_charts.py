"""Charts of replicas: who answers before and after one dies, a day of traffic through an autoscaler, two calibrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _name, canvas

_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PINK, ":"))


def replica_load(
    samples: Mapping[str, Sequence[Mapping[str, float]]],
    *,
    marks: Sequence[tuple[float, str]] = (),
    title: str = "",
) -> Figure:
    """Requests that each replica answers and holds in its queue, one above the other.

    `samples`: by the replica's name, what `servelab.load.watch` collected; a replica that died has samples up to then.
    `marks`: times on the same clock, and what happened there.
    """
    if not samples:
        raise ValueError("replica_load needs at least one replica.")
    end = max(s["t_s"] for rows in samples.values() for s in rows)
    panels = (("Answering", _RUNNING), ("Waiting in its queue", _WAITING))
    with canvas(8.4, 4.4, 2, 1, sharex=True) as (figure, grid):
        for axes, (heading, metric) in zip(grid, panels, strict=True):
            highest = 1.0
            for (name, rows), (colour, style) in zip(samples.items(), _STYLES, strict=False):
                seconds, values = [s["t_s"] for s in rows], [s[metric] for s in rows]
                axes.step(seconds, values, where="post", color=colour, linestyle=style, label=name)
                if seconds[-1] < end - 1:  # it ended before the others
                    axes.plot(seconds[-1:], values[-1:], "X", color=colour, markersize=9)
                highest = max([highest, *values])
            axes.set_ylim(0, 1.3 * highest)
            axes.set_xlim(0, end)
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
            axes.set(title=heading, ylabel="requests")
            for at, words in marks:
                axes.axvline(at, color=INK, linestyle=":", linewidth=1.3)
                if axes is grid[0]:
                    axes.annotate(
                        words,
                        (at, 1),
                        (4, -11),
                        xycoords=("data", "axes fraction"),
                        textcoords="offset points",
                    )
        grid[-1].set_xlabel("seconds")
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(samples))
        _name(figure, title)
    return figure


def _highest(
    days: Mapping[str, Sequence[Mapping[str, float]]], capacity: float, goal_s: float
) -> tuple[float, float, float]:
    """The largest of what each row of `replayed` shows."""
    rows = [row for day in days.values() for row in day]
    return (
        max(max(r["replicas"], r["ready"], r["arrivals_per_s"] / capacity) for r in rows),
        max(1.0, *(r["waiting"] for r in rows)),
        max(goal_s, *(r["wait_s"] for r in rows)),
    )


def replayed(
    days: Mapping[str, Sequence[Mapping[str, float]]],
    *,
    capacity: float,
    goal_s: float = 5.0,
    title: str = "",
) -> Figure:
    """The same trace under several policies, a column each: replicas above the load, the queue, and the wait.

    `days`: by the policy's name, the rows of `servelab.kubernetes.replay.Outcome.series`. `capacity`: requests/s of one replica with
    every seat taken, so that the load is drawn in replicas too. `goal_s`: the longest good wait.
    """
    if not days:
        raise ValueError("replayed needs at least one policy.")
    with canvas(4.3 * len(days) + 0.6, 6.4, 3, len(days), sharex=True, sharey="row") as (figure, grid):
        for column, (name, rows) in enumerate(days.items()):
            load, queue, wait = (grid[row * len(days) + column] for row in range(3))
            minutes = [r["t_s"] / 60 for r in rows]
            load.fill_between(
                minutes,
                [r["arrivals_per_s"] / capacity for r in rows],
                color=GREY,
                alpha=0.35,
                linewidth=0,
                label="replicas that the load would fill",
            )
            load.step(
                minutes,
                [r["replicas"] for r in rows],
                where="post",
                color=ORANGE,
                linestyle="--",
                linewidth=1.5,
                label="replicas",
            )
            load.step(minutes, [r["ready"] for r in rows], where="post", color=BLUE, label="of them ready")
            load.set_title(name)
            queue.fill_between(minutes, [r["waiting"] for r in rows], color=PINK, alpha=0.5, linewidth=0)
            wait.plot(minutes, [r["wait_s"] for r in rows], color=GREEN, linewidth=1.4)
            goal = wait.axhline(goal_s, color=INK, linestyle=":", linewidth=1.3)
            wait.set_xlabel("minutes")
            load.set_xlim(0, minutes[-1])
            if column == 0:
                load.set_ylabel("replicas")
                queue.set_ylabel("requests waiting")
                wait.set_ylabel("longest wait, s")
        for row, highest in enumerate(_highest(days, capacity, goal_s)):
            grid[row * len(days)].set_ylim(0, 1.06 * highest)  # the row shares it
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend([*handles, goal], [*labels, f"goal: {goal_s:g} s"], loc="outside lower center", ncols=4)
        _name(figure, title)
    return figure


def calibrations(
    rates: Mapping[str, Sequence[tuple[float, float]]], *, seats: int, title: str = ""
) -> Figure:
    """Requests/s of one replica against requests in flight: the committed measurement, and one's own where there is one.

    `rates`: by name, (requests in flight, requests/s) in ascending order. `seats`: where a queue begins.
    """
    if not rates:
        raise ValueError("calibrations needs at least one measurement.")
    with canvas(7.4, 3.4) as (figure, (axes,)):
        for (name, points), (colour, style), marker in zip(rates.items(), _STYLES, "osD^", strict=False):
            xs, ys = zip((0, 0), *points, strict=True)
            axes.plot(xs, ys, style, color=colour, marker=marker, label=name)
        axes.axvline(seats, color=INK, linestyle=":", linewidth=1.3)
        axes.annotate(f"{seats} seats", (seats, 0), (5, 6), textcoords="offset points")
        _plain_axes(axes)
        axes.set(xlabel="requests in flight", ylabel="requests/s of one replica")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        _name(figure, title)
    return figure


def _plain_axes(axes: Axes) -> None:
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
