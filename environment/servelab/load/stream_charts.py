"""Charts of streams: every piece of text at its time, first token and gaps under load, what runs after a reader left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, _decades, _name, canvas


def token_timeline(
    streams: Sequence[Mapping[str, Any]], *, marks: Sequence[tuple[float, str]] = (), title: str = ""
) -> Figure:
    """A row per request: a grey line while its reader waits for the first text, then a stroke for every piece.

    `streams`: mappings with "sent_s", "piece_s" (when each piece of text came, same clock) and, to set a row apart,
    "special": True. `marks`: times of that clock and what happened there.
    """
    if not streams:
        raise ValueError("token_timeline needs at least one stream.")
    zero = min(s["sent_s"] for s in streams)
    rows = sorted(streams, key=lambda s: s["sent_s"])
    with canvas(8.6, min(7.0, 1.5 + 0.26 * len(rows))) as (figure, (axes,)):
        for row, stream in enumerate(rows):
            sent, pieces = stream["sent_s"] - zero, [t - zero for t in stream["piece_s"]]
            axes.plot([sent, pieces[0] if pieces else sent], [row, row], color=GREY, linewidth=3.5)
            colour = ORANGE if stream.get("special") else BLUE
            axes.vlines(pieces, row - 0.36, row + 0.36, color=colour, linewidth=1.1)
        for at, words in marks:
            axes.axvline(at - zero, color=INK, linestyle=":", linewidth=1.3)
            axes.annotate(
                words, (at - zero, 1), (3, 2), xycoords=("data", "axes fraction"), textcoords="offset points"
            )
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.set(xlabel="seconds since the first request", ylabel="request")
        axes.set_xlim(left=0)
        axes.grid(axis="y", visible=False)
        handles = [
            Patch(color=GREY, label="waiting for the first text"),
            Patch(color=BLUE, label="a piece of text"),
        ]
        if any(s.get("special") for s in rows):
            handles.append(Patch(color=ORANGE, label="a piece for the long prompt"))
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        _name(figure, title)
    return figure


def ttft_itl_vs_load(levels: Mapping[int, Mapping[str, Sequence[float]]], *, title: str = "") -> Figure:
    """How TTFT and inter-token latency spread at each number of users, side by side, on logarithmic axes.

    `levels`: by number of users, "ttft_s" and "itl_s" of all their requests, in seconds. A box holds the middle half,
    its line is the median, whiskers reach from the 5th to the 95th percentile; dots are what lies outside.
    """
    users = sorted(levels)
    panels = (("Time to first token", "ttft_s", BLUE), ("Inter-token latency", "itl_s", ORANGE))
    with canvas(8.6, 3.9, 1, 2) as (figure, grid):
        for axes, (name, key, colour) in zip(grid, panels, strict=True):
            _boxes(axes, [[1000 * v for v in levels[n][key]] for n in users], colour)
            axes.set_xticks(range(len(users)), [f"{n}" for n in users])
            axes.set(title=name, xlabel="users at the same time", ylabel="ms (log scale)")
        _name(figure, title)
    return figure


_BOX = 0.55  # a box's width; its neighbour stands at 1


def _boxes(axes: Axes, groups: Sequence[Sequence[float]], colour: str) -> None:
    drawn = axes.boxplot(
        groups,
        positions=range(len(groups)),
        widths=_BOX,
        whis=(5, 95),
        patch_artist=True,
        medianprops={"color": INK, "linewidth": 2},
        flierprops={"marker": ".", "markersize": 3.5, "markerfacecolor": GREY, "markeredgecolor": GREY},
    )
    for box in drawn["boxes"]:
        box.set(facecolor=colour, alpha=0.45, edgecolor=colour)
    axes.set_yscale("log")
    flat = [v for group in groups for v in group if v > 0]
    medians = [line.get_ydata()[0] for line in drawn["medians"]]
    # A gap of next to nothing (two events in one packet) must not squeeze what is to be compared.
    low = max(min(flat), min(medians) / 10)
    axes.set_ylim(low / 1.3, max(flat) * 1.6)
    _decades(axes)
    for place, value in enumerate(medians):
        axes.annotate(
            f"{value:,.0f}" if value >= 100 else f"{value:.3g}",
            (place + _BOX / 2, value),  # beside the box, however wide it is drawn
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )


def running_after(
    panels: Sequence[tuple[str, Sequence[Mapping[str, float]], float]],
    *,
    name: str = "vllm:num_requests_running",
    title: str = "",
) -> Figure:
    """Requests that the engine runs, before and after their readers stopped; one panel a way of stopping.

    `panels`: a heading, what `servelab.load.watch` collected, and when (in the samples' seconds) the readers stopped.
    """
    with canvas(8.6, 3.4, 1, len(panels)) as (figure, grid):
        for axes, (heading, samples, stopped) in zip(grid, panels, strict=True):
            seconds, values = [s["t_s"] for s in samples], [s[name] for s in samples]
            late = stopped > seconds[-1] / 2  # then the words have more room on the left
            axes.fill_between(seconds, values, step="post", color=GREEN, alpha=0.2, linewidth=0)
            axes.step(seconds, values, where="post", color=GREEN)
            axes.axvline(stopped, color=INK, linestyle=":", linewidth=1.4)
            axes.annotate(
                "readers stop",
                (stopped, 1),
                (-4 if late else 4, -11),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="right" if late else "left",
            )
            axes.set_ylim(0, 1.3 * max(*values, 1))
            axes.set_xlim(0, seconds[-1])
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
            axes.set(title=heading, xlabel="seconds", ylabel="requests running")
        _name(figure, title)
    return figure
