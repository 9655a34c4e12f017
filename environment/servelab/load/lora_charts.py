"""Charts of fine-tuning with adapters: memory by method, a training step by step, a sweep, and what serving costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _name, canvas
from servelab.load.measurements import source_line


def memory(plans: Mapping[str, Mapping[str, float]], cards: Sequence[int], *, title: str = "") -> Figure:
    """Bytes of training by what they are for, one bar a plan on a logarithmic axis, with lines for cards of so many GiB.

    `plans`: by name, {"base", "trained", "total"} in bytes; what is left of the total is activations.
    """
    names = list(plans)
    with canvas(8.2, 1.4 + 0.42 * len(names)) as (figure, (axes,)):
        totals = [plans[name]["total"] / 1e9 for name in names]
        axes.barh(names, totals, color=BLUE, height=0.6)
        for row, name in enumerate(names):
            plan = plans[name]
            rest = plan["total"] - plan["base"] - plan["trained"]
            words = f"{plan['base'] / 1e9:,.0f} + {plan['trained'] / 1e9:,.1f} + {rest / 1e9:.0f}"
            axes.annotate(
                f"{totals[row]:,.0f} GB  ({words})",
                (totals[row], row),
                (6, 0),
                textcoords="offset points",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            )
        axes.set_xscale("log")
        axes.set_xlim(3, max(totals) * 20)
        for card in cards:
            axes.axvline(card * 2**30 / 1e9, color=ORANGE, linewidth=1.2, linestyle="--", zorder=0.5)
            axes.annotate(
                f"{card}",
                (card * 2**30 / 1e9, 1),
                (0, 3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                color=ORANGE,
                fontsize=9.5,
            )
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xticks([10, 100, 1000], ["10", "100", "1,000"])
        axes.minorticks_off()
        axes.set_xlabel(
            "GB (log scale): total (frozen base + trained + activations); dashed: cards of so many GiB"
        )
        _name(figure, title)
    return figure


def training(losses: Sequence[float], watched: Sequence[Mapping[str, float]], *, title: str = "") -> Figure:
    """Loss of each step, and at some steps the share of right tickets ("exact") and "perplexity" on general text."""
    with canvas(9.6, 3.4, 1, 3) as (figure, (left, middle, right)):
        left.plot(range(1, len(losses) + 1), losses, color=BLUE, linewidth=1.4)
        left.set_yscale("log")
        left.set(title="Loss", xlabel="step", ylabel="nats a token (log scale)")
        steps = [row["step"] for row in watched]
        middle.plot(steps, [row["exact"] for row in watched], "o-", color=GREEN)
        middle.set_ylim(-0.04, 1.04)
        middle.yaxis.set_major_formatter(PercentFormatter(1.0))
        middle.set(title="Unseen tickets", xlabel="step", ylabel="all three fields right")
        values = [row["perplexity"] for row in watched]
        right.axhline(values[0], color=GREY, linewidth=1.2)
        right.plot(steps, values, "s--", color=ORANGE)
        right.set_ylim(0, 1.2 * max(values))
        right.set(title="General text", xlabel="step", ylabel="perplexity (grey: the base)")
        _name(figure, title)
    return figure


def sweep(record: Mapping[str, Any], mine: Mapping[str, float] | None = None, *, title: str = "") -> Figure:
    """Recipes of a recorded sweep: right tickets against perplexity on general text, with the range over the seeds.

    `record`: a measurement whose figures hold "recipes", each with "name", "kind", "exact", "perplexity" (means) and "runs",
    and "perplexity_base". `mine`: {"exact", "perplexity"} of the student's own adapter.
    """
    figures = record["figures"]
    kinds = list(dict.fromkeys(row["kind"] for row in figures["recipes"]))
    styles = dict(zip(kinds, ((BLUE, "o"), (GREEN, "s"), (ORANGE, "^"), (PINK, "D")), strict=False))
    with canvas(8.4, 4.6) as (figure, (axes,)):
        axes.axvline(figures["perplexity_base"], color=GREY, linewidth=1.2)
        axes.annotate(
            "base",
            (figures["perplexity_base"], 1.0),
            (4, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=GREY,
            va="top",
        )
        for row in figures["recipes"]:
            colour, mark = styles[row["kind"]]
            shares = [run["exact"] for run in row["runs"]]
            axes.vlines(row["perplexity"], min(shares), max(shares), color=colour, linewidth=1.2, alpha=0.6)
            axes.plot(row["perplexity"], row["exact"], mark, color=colour)
            axes.annotate(
                row["name"],
                (row["perplexity"], row["exact"]),
                (7, 3),
                textcoords="offset points",
                fontsize=8.5,
            )
        for kind, (colour, mark) in styles.items():
            axes.plot([], [], mark, color=colour, label=kind)
        if mine:
            axes.plot(
                mine["perplexity"],
                mine["exact"],
                "*",
                color=INK,
                markersize=13,
                label="yours",
            )
        axes.set_ylim(-0.03, 1.05)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set(xlabel="perplexity on general text", ylabel="unseen tickets, all three fields right")
        axes.margins(x=0.22)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
        axes.set_title(source_line(record), fontsize=8.5, fontweight="normal", color=GREY)
        _name(figure, title or "What a recipe teaches, and what it costs")
    return figure


def serving(rates: Mapping[str, float], sizes: Mapping[str, float], *, title: str = "") -> Figure:
    """Tokens/s by which models are asked, and bytes of model and adapters on a logarithmic axis."""
    with canvas(9.2, 3.2, 1, 2) as (figure, (left, right)):
        first = next(iter(rates.values()))
        _bars(left, rates, [f"{rate:,.0f}  ({rate / first:.0%})" for rate in rates.values()], BLUE)
        left.set_xlim(0, 1.45 * max(rates.values()))
        left.set(title="Throughput", xlabel="output tokens/s")
        values = {name: size / 1e6 for name, size in sizes.items()}
        _bars(right, values, [f"{value:,.1f} MB" for value in values.values()], GREEN)
        right.set_xscale("log")
        right.set_xlim(min(values.values()) / 3, 12 * max(values.values()))
        right.set_xticks([1, 10, 100], ["1", "10", "100"])
        right.minorticks_off()
        right.set(title="Size", xlabel="MB on disk (log scale)")
        _name(figure, title)
    return figure


def _bars(axes: Axes, values: Mapping[str, float], words: Sequence[str], colour: str) -> None:
    axes.barh(list(values), list(values.values()), color=colour, height=0.55)
    for row, (value, text) in enumerate(zip(values.values(), words, strict=True)):
        axes.annotate(text, (value, row), (6, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
