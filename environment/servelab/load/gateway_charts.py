"""Charts of a gateway: what a cache's threshold finds and mistakes, one request's spans, who answered while a back end died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _name, canvas


def cache_curve(
    thresholds: Sequence[float],
    hits: Sequence[float],
    false_hits: Sequence[float],
    *,
    chosen: float | None = None,
    title: str = "",
) -> Figure:
    """The share of paraphrases found and of look-alikes mistaken at each threshold, and against each other.

    `hits`, `false_hits`: shares from 0 to 1, one for each threshold. `chosen`: a threshold that is marked.
    """
    with canvas(9.4, 3.6, 1, 2) as (figure, (left, right)):
        left.plot(thresholds, hits, "-", color=BLUE, label="other words, same answer: found")
        left.plot(thresholds, false_hits, "--", color=ORANGE, label="look-alike, other answer: mistaken")
        left.set(title="By threshold", xlabel="similarity that counts as the same", ylabel="share of pairs")
        right.plot(false_hits, hits, "-", color=GREEN)
        right.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1.2)
        right.set(title="Against each other", xlabel="look-alikes mistaken", ylabel="paraphrases found")
        right.xaxis.set_major_formatter(PercentFormatter(1.0))
        if chosen is not None:
            place = min(range(len(thresholds)), key=lambda i: abs(thresholds[i] - chosen))
            left.axvline(chosen, color=INK, linestyle=":", linewidth=1.3)
            right.plot([false_hits[place]], [hits[place]], "o", color=INK)
            right.annotate(
                f"{chosen:.2f}: {hits[place]:.0%} found,\n{false_hits[place]:.0%} mistaken",
                (false_hits[place], hits[place]),
                (10, -26),
                textcoords="offset points",
            )
        for axes in (left, right):
            axes.set_ylim(-0.03, 1.03)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        right.set_xlim(-0.03, 1.03)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        _name(figure, title)
    return figure


def trace_timeline(spans: Sequence[Mapping[str, Any]], *, title: str = "") -> Figure:
    """The spans of one trace as bars, the oldest first, in milliseconds since its start.

    `spans`: as `servelab.gateway.spans.read` returns them, with "parts" where one is to be drawn in pieces:
    [(name, seconds), ...] from its start.
    """
    if not spans:
        raise ValueError("trace_timeline needs at least one span.")
    zero = min(span["start_ns"] for span in spans)
    services = list(dict.fromkeys(span["service"] for span in spans))
    colours = dict(zip(services, (BLUE, GREEN, PINK), strict=False))
    pieces: dict[str, str] = {}
    shades = [GREY, ORANGE, INK]
    with canvas(9.0, 1.6 + 0.5 * len(spans)) as (figure, (axes,)):
        for row, span in enumerate(spans):
            start, long = (span["start_ns"] - zero) / 1e6, (span["end_ns"] - span["start_ns"]) / 1e6
            axes.barh(row, long, left=start, height=0.5, color=colours[span["service"]], alpha=0.9)
            at = start
            for name, seconds in span.get("parts", ()):
                colour = pieces.setdefault(name, shades[len(pieces) % len(shades)])
                axes.barh(row + 0.36, seconds * 1e3, left=at, height=0.14, color=colour)
                at += seconds * 1e3
            axes.annotate(
                f"{long:,.1f} ms", (start + long, row), (5, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(spans)), [f"{span['service']}: {span['name']}" for span in spans])
        axes.set_ylim(len(spans) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, 1.14 * max(span["end_ns"] - zero for span in spans) / 1e6)
        axes.set_xlabel("ms since the request came to the gateway")
        for name, colour in pieces.items():
            axes.barh([0], [0], color=colour, label=name)
        if pieces:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(pieces))
        _name(figure, title)
    return figure


def who_answered(
    rows: Sequence[Mapping[str, Any]], *, marks: Sequence[tuple[float, str]] = (), title: str = ""
) -> Figure:
    """Each request at its time: how long it took, and by which back end it was answered.

    `rows`: {"t_s", "took_s", "by"}, with "by" None for one that failed. `marks`: times and what happened there.
    """
    names = sorted({row["by"] for row in rows if row["by"]})
    styles = dict(zip(names, ((BLUE, "o"), (GREEN, "s"), (PINK, "^")), strict=False))
    with canvas(9.0, 3.4) as (figure, (axes,)):
        for name in [*names, None]:
            own = [row for row in rows if row["by"] == name]
            colour, mark = styles.get(name, (ORANGE, "X"))
            if own or name is None:
                axes.plot(
                    [row["t_s"] for row in own],
                    [row["took_s"] * 1e3 for row in own],
                    mark,
                    color=colour,
                    markersize=5,
                    label=f"{name or 'failed'} ({len(own)})",
                )
        top = max((row["took_s"] * 1e3 for row in rows), default=1.0)
        axes.set_ylim(0, 1.3 * top)
        for at, words in marks:
            axes.axvline(at, color=INK, linestyle=":", linewidth=1.3)
            axes.annotate(
                words, (at, 1), (4, -12), xycoords=("data", "axes fraction"), textcoords="offset points"
            )
        axes.set(xlabel="seconds", ylabel="answer after, ms")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        _name(figure, title)
    return figure
