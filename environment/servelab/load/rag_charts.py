"""Charts of searching and answering: variants with intervals, what a stage gains and loses, sizes of chunks, when to refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _name, _named_rows, canvas


def variants(rows: Sequence[Mapping[str, Any]], *, metric: str = "nDCG@10", title: str = "") -> Figure:
    """A metric by variant on the left, its difference from the first one, with the interval, on the right.

    `rows`: mappings with "name", "value", "recall", and "difference", "low", "high" against the first row, whose own are not drawn.
    """
    if len(rows) < 2:
        raise ValueError("variants needs at least two rows: the baseline and another.")
    with canvas(8.8, 1.5 + 0.52 * len(rows), 1, 2, sharey=True) as (figure, (left, right)):
        places = range(len(rows))
        left.barh(places, [r["value"] for r in rows], height=0.55, color=BLUE, alpha=0.35, label=metric)
        left.plot([r["recall"] for r in rows], places, "D", color=INK, markersize=5, label="Recall@10")
        for place, row in zip(places, rows, strict=True):
            left.annotate(
                f"{row['value']:.3f}",
                (0, place),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold",
            )
        left.set_xlim(0, 1)
        left.set(title="How good", xlabel="mean over the questions")
        right.axvline(0, color=INK, linewidth=1.2)
        for place, row in list(zip(places, rows, strict=True))[1:]:
            colour = GREEN if row["low"] > 0 else ORANGE if row["high"] < 0 else GREY
            right.plot(
                [row["low"], row["high"]], [place, place], color=colour, linewidth=3, solid_capstyle="butt"
            )
            right.plot(row["difference"], place, "o", color=colour, markersize=8, markeredgecolor="white")
            right.annotate(
                f"{row['difference']:+.3f}",
                (row["difference"], place),
                (0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=9.5,
            )
        ends = [0.0, *(row[end] for row in rows[1:] for end in ("low", "high"))]
        margin = 0.12 * (max(ends) - min(ends) or 1)
        right.set_xlim(min(ends) - margin, max(ends) + margin)
        right.xaxis.set_major_locator(MaxNLocator(5))
        right.set(title=f"{metric}: against {rows[0]['name']}", xlabel="difference, 95 % interval")
        _named_rows(left, [r["name"] for r in rows])
        right.grid(axis="y", visible=False)
        right.tick_params(axis="y", length=0)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        _name(figure, title)
    return figure


def gains(stages: Mapping[str, Sequence[float]], *, unit: str = "nDCG@10", title: str = "") -> Figure:
    """For each stage, how much every question gained or lost by it, sorted; questions without a change are left out."""
    with canvas(4.3 * len(stages) + 0.4, 3.6, 1, len(stages), sharey=True) as (figure, grid):
        for axes, (name, changes) in zip(grid, stages.items(), strict=True):
            changed = sorted((c for c in changes if abs(c) > 1e-9), reverse=True)
            up, down = [c for c in changed if c > 0], [c for c in changed if c < 0]
            axes.bar(range(len(up)), up, width=0.9, color=GREEN)
            axes.bar(
                range(len(up), len(changed)), down, width=0.9, color=ORANGE, hatch="///", edgecolor="white"
            )
            axes.axhline(0, color=INK, linewidth=1.0)
            axes.annotate(
                f"{len(up)} questions gain", (0.02, 0.96), xycoords="axes fraction", va="top", color=GREEN
            )
            axes.annotate(
                f"{len(down)} lose", (0.98, 0.04), xycoords="axes fraction", ha="right", color=ORANGE
            )
            same = len(changes) - len(changed)
            axes.set(title=name, xlabel=f"questions that change ({same} do not)")
            axes.set_ylim(-1.3, 1.2)
            axes.yaxis.set_major_locator(FixedLocator([-1, -0.5, 0, 0.5, 1]))
            axes.set_xlim(-0.8, max(1, len(changed)) - 0.2)
            axes.grid(axis="x", visible=False)
        grid[0].set_ylabel(f"change of {unit}")
        _name(figure, title)
    return figure


def chunk_sizes(
    curves: Mapping[str, Mapping[int, tuple[float, float, float]]],
    *,
    level: tuple[str, float] | None = None,
    budget: int,
    title: str = "",
) -> Figure:
    """The share of questions whose answer is in the prompt, against the size of the chunks, with intervals.

    `curves`: {chunker: {tokens a chunk: (share, low, high)}}. `level`: a name and a share, drawn as a line. `budget`: the tokens of
    the prompt, the same for all.
    """
    with canvas(7.8, 4.0) as (figure, (axes,)):
        sizes = sorted({size for curve in curves.values() for size in curve})
        styles = ((BLUE, "o-"), (ORANGE, "s--"), (PINK, "^-."))
        for number, ((name, curve), (colour, style)) in enumerate(zip(curves.items(), styles, strict=False)):
            # Moved a little sideways, so that intervals at the same size stand side by side.
            xs = [size * (1 + 0.035 * (number - (len(curves) - 1) / 2)) for size in sorted(curve)]
            found = [curve[size] for size in sorted(curve)]
            axes.vlines(
                xs, [f[1] for f in found], [f[2] for f in found], color=colour, alpha=0.55, linewidth=2
            )
            axes.plot(xs, [f[0] for f in found], style, color=colour, label=name)
        if level:
            axes.axhline(level[1], color=GREEN, linestyle=":", label=level[0])
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.set(xlabel="tokens in a chunk, at most", ylabel=f"answer within {budget:,} tokens")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(curves) + 1)
        _name(figure, title)
    return figure


def refusals(
    answerable: Sequence[float], unanswerable: Sequence[float], threshold: float, *, title: str = ""
) -> Figure:
    """The best passage's score for questions that the corpus answers and for others, with the threshold below which one refuses."""
    with canvas(8.0, 3.2) as (figure, (axes,)):
        rng = np.random.default_rng(0)
        groups = (("answerable", answerable, BLUE, "o"), ("unanswerable", unanswerable, ORANGE, "s"))
        for row, (_, scores, colour, marker) in enumerate(groups):
            heights = row + rng.uniform(-0.28, 0.28, len(scores))
            axes.plot(scores, heights, marker, color=colour, markersize=5, alpha=0.65, markeredgewidth=0)
        axes.axvline(threshold, color=INK, linestyle=":", linewidth=1.6)
        axes.annotate(
            f"refuse below {threshold:.2f}",
            (threshold, 1.45),
            (-5, 0),
            textcoords="offset points",
            ha="right",
            va="bottom",
        )
        names = [
            f"{name}\n{sum(s < threshold for s in scores)} of {len(scores)} refused"
            for name, scores, *_ in groups
        ]
        _named_rows(axes, names)
        axes.set_xlabel("score of the best passage")
        _name(figure, title)
    return figure
