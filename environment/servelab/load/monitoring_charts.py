"""Charts of monitoring: what a histogram keeps, how a burn rate rises and falls, panels out of Prometheus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _name, canvas

_STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PINK, ":"))


def histogram_quantile(
    known: Sequence[float], bounds: Sequence[float], *, q: float, estimate: float | None, title: str = ""
) -> Figure:
    """The distribution of times that are known, the line that their histogram leaves of it, and a quantile of both.

    Args:
        known: seconds, each one.
        bounds: finite upper bounds of the buckets, ascending.
        q: from 0 to 1.
        estimate: what was estimated from the histogram; None leaves it out.
    """
    if not len(known) or not len(bounds):
        raise ValueError("histogram_quantile needs times and bounds.")
    values = np.sort(np.asarray(known, dtype=float))
    shares = np.arange(1, len(values) + 1) / len(values)
    edges = np.array([0.0, *bounds])
    kept = np.searchsorted(values, edges, side="right") / len(values)
    true = values[int(np.ceil(q * len(values))) - 1]
    with canvas(7.6, 3.8) as (figure, (axes,)):
        axes.step([0, *values], [0, *shares], where="post", color=BLUE, label="each time, as it was")
        axes.plot(edges, kept, "--o", color=ORANGE, markersize=5, label="what the counters keep of it")
        axes.axhline(q, color=GREY, linewidth=1, linestyle=":")
        for at, colour, words in ((true, BLUE, "true"), (estimate, ORANGE, "estimated")):
            if at is not None:
                axes.plot([at, at], [0, q], color=colour, linewidth=1.3, linestyle=":")
                axes.plot(
                    [at], [q], "D", color=colour, markersize=6, label=f"p{q * 100:g} {words}: {at:.2f} s"
                )
        axes.set_xlim(0, min(1.03 * edges[-1], 1.4 * max(values[-1], estimate or 0)))
        axes.set_ylim(0, 1.05)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="seconds", ylabel="share that took at most this")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        _name(figure, title)
    return figure


def burn(
    *,
    slo: float,
    rate: float,
    long_h: float,
    short_h: float,
    outage_h: float,
    errors: float,
    title: str = "",
) -> Figure:
    """Average error ratios over a long and a short window while an outage comes and goes, and when both are above the limit.

    Args:
        slo: for example 0.999.
        rate: the burn rate at which somebody is called.
        long_h, short_h: the windows, in hours.
        outage_h: how long the share `errors` of requests fails, from hour 0 on.
    """
    hours = np.linspace(-0.25 * outage_h, outage_h + 1.1 * long_h, 1200)

    def average(window: float) -> np.ndarray:
        bad = np.clip(hours, 0, outage_h) - np.clip(hours - window, 0, outage_h)
        return errors * bad / window

    limit = rate * (1 - slo)
    both = (average(long_h) >= limit) & (average(short_h) >= limit)
    with canvas(8.0, 3.6) as (figure, (axes,)):
        axes.axvspan(0, outage_h * 60, color=GREY, alpha=0.2, linewidth=0, label="requests fail")
        for window, (colour, style) in zip((long_h, short_h), _STYLES, strict=False):
            axes.plot(
                hours * 60,
                average(window),
                style,
                color=colour,
                label=f"average over {window * 60:.0f} minutes",
            )
        axes.axhline(limit, color=INK, linestyle=":", linewidth=1.3, label=f"{rate:g} x the budget")
        if both.any():
            called = hours[both] * 60
            axes.plot(
                [called[0], called[-1]],
                [-0.012, -0.012],
                color=PINK,
                linewidth=6,
                solid_capstyle="butt",
                label="both above: it rings",
            )
        axes.set_ylim(-0.03, 1.12 * errors)
        axes.set_xlim(hours[0] * 60, hours[-1] * 60)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set(xlabel="minutes since the first error", ylabel="error ratio")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        _name(figure, title)
    return figure


def panels(
    ranges: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]],
    *,
    marks: Sequence[tuple[float, str]] = (),
    units: Mapping[str, str] | None = None,
    title: str = "",
) -> Figure:
    """Ranges out of Prometheus, one panel above the other on one clock.

    Args:
        ranges: by the panel's name, what `Prometheus.query_range` gave: (unix seconds, values) by labels.
        marks: unix seconds, and what happened there; the first is the zero of the clock.
        units: by the panel's name, for its axis.
    """
    if not ranges:
        raise ValueError("panels needs at least one range.")
    known = [times for found in ranges.values() for times, _ in found.values() if len(times)]
    if not known:
        raise ValueError("There is no value in any of these ranges.")
    zero = marks[0][0] if marks else min(times[0] for times in known)
    with canvas(8.4, 1.55 * len(ranges) + 0.9, len(ranges), 1, sharex=True) as (figure, grid):
        for axes, (name, found) in zip(grid, ranges.items(), strict=True):
            highest = 0.0
            for (labels, (times, values)), (colour, style) in zip(found.items(), _STYLES, strict=False):
                instance = re.search(r'instance="([^"]*)"', labels)
                axes.plot(times - zero, values, style, color=colour, label=instance[1] if instance else None)
                if np.isfinite(values).any():
                    highest = max(highest, float(np.nanmax(values[np.isfinite(values)])))
            share = (units or {}).get(name) == "share"  # little is to look like little
            axes.set_ylim(0, 1.05 if share else 1.2 * highest or 1)
            axes.set_title(name.replace("_", " "), fontsize=10)
            axes.set_ylabel((units or {}).get(name, ""))
            if sum(line.get_label()[0] != "_" for line in axes.get_lines()) > 1:
                axes.legend(loc="upper right", fontsize=8)
            for at, _ in marks:
                axes.axvline(at - zero, color=INK, linestyle=":", linewidth=1.2)
        for place, (at, words) in enumerate(marks):
            grid[0].annotate(
                words,
                (at - zero, 1),
                (3, -10 - 11 * (place % 2)),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=8,
            )
        grid[-1].set_xlabel("seconds")
        _name(figure, title)
    return figure
