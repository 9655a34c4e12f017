"""Charts of vector search: recall against time, the price of a graph, growth, filters, compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _name, canvas

_LOOKS = ((ORANGE, "s--"), (BLUE, "o-"), (GREEN, "^-."), (PINK, "v:"))


def recall_cost(
    curves: Mapping[str, Sequence[Mapping[str, float]]],
    *,
    exact_ms: float,
    target: float | None = None,
    title: str = "",
) -> Figure:
    """Recall@10 against the time of a search, a curve for each graph and a mark for the exact search.

    `curves`: by name, rows with "ef", "ms" and "recall", in the order of ef; the first and the last ef are named.
    """
    with canvas(8.2, 4.4) as (figure, (axes,)):
        for (name, rows), (colour, style) in zip(curves.items(), _LOOKS, strict=False):
            axes.plot([r["ms"] for r in rows], [r["recall"] for r in rows], style, color=colour, label=name)
            for row, offset, side in ((rows[0], (8, -4), "left"), (rows[-1], (4, -16), "right")):
                axes.annotate(
                    f"ef {row['ef']:g}",
                    (row["ms"], row["recall"]),
                    offset,
                    textcoords="offset points",
                    ha=side,
                    fontsize=9,
                    color=colour,
                )
        axes.plot([exact_ms], [1.0], "*", color=INK, markersize=15, label="exact search", zorder=5)
        axes.axvline(exact_ms, color=INK, linestyle=":", linewidth=1.3)
        if target is not None:
            axes.axhline(target, color=GREY, linewidth=1.2)
            axes.annotate(
                f"{target:g}",
                (1, target),
                (-2, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                fontsize=9,
            )
        everything = [exact_ms, *(r["ms"] for rows in curves.values() for r in rows)]
        lowest = min(r["recall"] for rows in curves.values() for r in rows)
        axes.set_ylim(max(0.0, lowest - 0.08), 1.03)
        _log_x(axes, min(everything) / 1.25, max(everything) * 1.35)
        axes.set(xlabel="ms a search, median (log scale)", ylabel="recall@10")
        axes.legend(loc="lower right", frameon=True, framealpha=1.0, edgecolor="white")
        _name(figure, title)
    return figure


def build_cost(
    costs: Mapping[str, Mapping[str, float]], *, vectors_mb: float | None = None, title: str = ""
) -> Figure:
    """Seconds to build each graph, and megabytes of its links beside the vectors themselves.

    `costs`: by name, "build_s" and "graph_mb".
    """
    names = list(costs)
    panels = [
        ("Build", "s, one thread", [(name, costs[name]["build_s"], BLUE) for name in names], "{:.1f} s"),
        ("Memory", "MB", [(name, costs[name]["graph_mb"], BLUE) for name in names], "{:.1f} MB"),
    ]
    if vectors_mb is not None:
        panels[1][2].append(("the vectors", vectors_mb, GREY))
    with canvas(8.6, 2.7, 1, 2) as (figure, grid):
        for axes, (heading, unit, bars, form) in zip(grid, panels, strict=True):
            _bars(axes, bars, form)
            axes.set(title=heading, xlabel=unit)
        _name(figure, title)
    return figure


def growth(sizes: Sequence[int], ms: Mapping[str, Sequence[float]], *, title: str = "") -> Figure:
    """The time of a search against the number of points, for each way to search. Both axes begin at 0."""
    with canvas(7.4, 3.7) as (figure, (axes,)):
        for (name, values), (colour, style) in zip(ms.items(), _LOOKS, strict=False):
            axes.plot(sizes, values, style, color=colour, label=name)
            axes.annotate(
                f"{values[-1]:.2f} ms",
                (sizes[-1], values[-1]),
                (-4, 8),
                textcoords="offset points",
                ha="right",
                fontweight="bold",
                color=colour,
            )
        axes.set_xlim(0, 1.06 * max(sizes))
        axes.set_ylim(0, 1.25 * max(max(values) for values in ms.values()))
        axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        axes.set(xlabel="points in the collection", ylabel="ms a search, median")
        axes.legend(loc="upper left")
        _name(figure, title)
    return figure


def filtered(shares: Sequence[float], recalls: Mapping[str, Sequence[float]], *, title: str = "") -> Figure:
    """Recall@10 of filtered searches against the share of points that pass the filter (0 to 1), on a logarithmic axis."""
    with canvas(8.0, 3.9) as (figure, (axes,)):
        for (name, values), (colour, style) in zip(recalls.items(), _LOOKS, strict=False):
            axes.plot([100 * s for s in shares], values, style, color=colour, label=name)
        axes.set_ylim(-0.03, 1.05)
        _log_x(axes, 80 * min(shares), 125 * max(shares))
        axes.set_xticks([100 * s for s in shares], [f"{100 * s:.1f} %" for s in shares])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="points that pass the filter (log scale)", ylabel="recall@10 among them")
        figure.legend(loc="outside lower center", ncols=len(recalls))
        _name(figure, title)
    return figure


def compressed(
    times: Sequence[float],
    kinds: Mapping[str, Mapping[str, Any]],
    *,
    original_mb: float | None = None,
    title: str = "",
) -> Figure:
    """Recall@10 of compressed vectors against oversampling, and their size beside the original's.

    `kinds`: by name, "rough" (recall without rescoring, drawn at 0), "recall" (one for each of `times`) and "mb".
    """
    colours = dict(zip(kinds, _LOOKS, strict=False))
    with canvas(8.8, 3.9, 1, 2, width_ratios=[3, 2]) as (figure, (left, right)):
        places = range(1, len(times) + 1)
        for name, row in kinds.items():
            colour, style = colours[name]
            left.plot([0, *places], [row["rough"], *row["recall"]], style, color=colour, label=name)
        left.set_xticks([0, *places], ["not\nrescored", *(f"x{t:g}" for t in times)])
        values = [v for row in kinds.values() for v in (row["rough"], *row["recall"])]
        left.set_ylim(max(0.0, min(values) - 0.08), 1.03)
        left.set(title="Recall", xlabel="oversampling, rescored", ylabel="recall@10")
        left.legend(loc="lower right")
        bars = [(name, row["mb"], colours[name][0]) for name, row in kinds.items()]
        if original_mb is not None:
            bars.insert(0, ("float32", original_mb, GREY))
        _bars(right, bars, "{:.1f}")
        right.set(title="Size", xlabel="MB")
        _name(figure, title)
    return figure


def _bars(axes: Axes, bars: Sequence[tuple[str, float, str]], form: str) -> None:
    """Horizontal bars with their names and values, the first on top."""
    for row, (_, value, colour) in enumerate(bars):
        axes.barh(row, value, height=0.62, color=colour)
        axes.annotate(form.format(value), (value, row), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, 1.32 * max([value for _, value, _ in bars] + [1e-9]))
    axes.grid(axis="y", visible=False)


def _log_x(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    marks = [m * 10.0**e for e in range(-4, 6) for m in (1, 2, 5)]
    axes.xaxis.set_major_locator(FixedLocator([v for v in marks if low <= v <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
