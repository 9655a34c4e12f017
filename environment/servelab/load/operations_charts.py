"""Charts of operations: an incident on one axis of time, a bill lever by lever, the course's ledger metric by metric."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _digits, _name, canvas

_STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PINK, ":"))
_WAITING, _KV = "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"
_MADE, _PREEMPTED = "vllm:generation_tokens_total", "vllm:num_preemptions_total"


def incident(
    evidence: Mapping[str, Any],
    *,
    marks: Sequence[tuple[float, str]] = (),
    title: str = "",
    step_s: float = 20.0,
) -> Figure:
    """What an incident looks like: queue, KV usage and tokens/s by replica, and tokens and bad answers from the log.

    Args:
        evidence: a replay's, or a stack's.
        marks: times on the same clock, and what happened there.
        step_s: width of a step of what is counted from the log.
    """
    metrics, log, until = evidence["metrics"], evidence["log"], float(evidence["until_s"])
    with canvas(8.8, 8.4, 5, 1, sharex=True) as (figure, grid):
        queue, pool, made, clients, quality = grid
        for (name, samples), (colour, style) in zip(metrics.items(), _STYLES, strict=False):
            line = {"color": colour, "linestyle": style, "linewidth": 1.7}
            alive = [s for s in samples if s["up"]]
            times = [s["t_s"] for s in alive]
            queue.step(times, [s[_WAITING] for s in alive], where="post", label=f"replica {name}", **line)
            pool.step(times, [100 * s[_KV] for s in alive], where="post", **line)
            made.step(*_rates(alive, _MADE), where="post", **line)
            gone = [s["t_s"] for s in samples if not s["up"]]
            if gone:
                queue.plot(gone[:1], [0], "X", color=colour, markersize=9, clip_on=False)
            fell = [(b["t_s"], b[_PREEMPTED] - a[_PREEMPTED]) for a, b in _pairs(alive)]
            hit = [t for t, count in fell if count > 0]
            if hit:
                pool.plot(hit, [103] * len(hit), "v", color=colour, markersize=5, clip_on=False)
        _by_client(clients, log, until, step_s)
        _quality(quality, log, until, step_s)
        queue.set(title="Waiting (✕: no answer any more)", ylabel="requests")
        pool.set(title="KV cache in use (▼: preempted)", ylabel="%", ylim=(0, 110))
        made.set(title="Generated, by replica", ylabel="tokens/s")
        clients.set(title="Tokens of ended requests, by client", ylabel="tokens/s")
        quality.set(
            title="Bad: failed, not valid, not grounded",
            ylabel="% of those",
            xlabel="seconds",
            ylim=(-4, 104),
        )
        for axes in (queue, made, clients):
            axes.set_ylim(0, 1.1 * max(1.0, axes.dataLim.y1))
            axes.yaxis.set_major_locator(MaxNLocator(4))
        for axes in grid:
            axes.set_xlim(0, until)
            for place, (at, words) in enumerate(marks):
                axes.axvline(at, color=INK, linestyle=":", linewidth=1.3)
                if axes is queue:
                    axes.annotate(
                        words,
                        (at, 1),
                        (4, -11 - 12 * (place % 2)),
                        xycoords=("data", "axes fraction"),
                        textcoords="offset points",
                        fontsize=9,
                    )
        for axes in (queue, clients, quality):
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, fontsize=9, borderaxespad=0.1)
        _name(figure, title)
    return figure


def _pairs(rows: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(itertools.pairwise(rows))


def _rates(samples: Sequence[Mapping[str, float]], name: str) -> tuple[list[float], list[float]]:
    """Increase per second of a counter; a new process counts from zero."""
    times, values = [], []
    for a, b in _pairs(samples):
        grown = b[name] - a[name] if b[name] >= a[name] else b[name]
        times.append(b["t_s"])
        values.append(grown / (b["t_s"] - a["t_s"]))
    return times, values


def _by_client(axes: Any, log: Sequence[Mapping[str, Any]], until: float, step_s: float) -> None:
    """The clients with the most tokens, each a line over the time at which its requests ended."""
    totals: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for line in log:
        end = line["t_s"] + (line["latency_s"] or 0)
        totals[line["client"]][int(end // step_s)] += line["completion_tokens"] / step_s
    largest = sorted(totals, key=lambda name: -sum(totals[name].values()))[:4]
    steps = range(math.ceil(until / step_s))
    for name, (colour, style) in zip(largest, _STYLES, strict=False):
        values = [totals[name].get(step, 0.0) for step in steps]
        axes.step(
            [step * step_s for step in steps],
            values,
            where="post",
            color=colour,
            linestyle=style,
            linewidth=1.7,
            label=name,
        )


def _quality(axes: Any, log: Sequence[Mapping[str, Any]], until: float, step_s: float) -> None:
    told = (
        ("failed (5xx)", lambda line: line["status"] >= 500),
        ("not valid", lambda line: None if line["valid"] is None else not line["valid"]),
        ("not grounded", lambda line: None if line["grounded"] is None else not line["grounded"]),
    )
    for (name, bad), (colour, style) in zip(told, _STYLES, strict=False):
        counts: dict[int, list[bool]] = defaultdict(list)
        for line in log:
            found = bad(line)
            if found is not None:
                counts[int(line["t_s"] // step_s)].append(found)
        steps = sorted(step for step in counts if step * step_s < until)
        shares = [100 * sum(counts[step]) / len(counts[step]) for step in steps]
        axes.step(
            [step * step_s for step in steps],
            shares,
            where="post",
            color=colour,
            linestyle=style,
            linewidth=1.7,
            label=name,
        )


def waterfall(
    before: float,
    steps: Sequence[tuple[str, float]],
    *,
    added: float,
    unit: str = "USD a month",
    title: str = "",
) -> Figure:
    """A bill lever by lever: what each takes off what the ones before have left.

    Args:
        before: the bill today.
        steps: each lever and what it saves on top of the ones before it, in `unit`.
        added: what the levers save alone, added up; drawn beside as what would be left if savings added.
    """
    names = ["today", *(name for name, _ in steps), "what is left", "if savings added"]
    with canvas(8.4, 4.0) as (figure, (axes,)):
        axes.bar(0, before, color=GREY, width=0.62)
        axes.annotate(f"{before:,.0f}", (0, before), (0, 4), textcoords="offset points", ha="center")
        left = before
        for place, (_, saved) in enumerate(steps, start=1):
            axes.bar(place, -saved, bottom=left, color=GREEN, width=0.62, hatch="//", edgecolor="white")
            axes.plot([place - 0.69, place + 0.31], [left, left], color=INK, linewidth=0.9)
            words = f"−{saved:,.0f}" if saved > 0.5 else "nothing"
            axes.annotate(words, (place, left), (0, 4), textcoords="offset points", ha="center")
            left -= saved
        end = len(steps) + 1
        axes.bar(end, left, color=BLUE, width=0.62)
        axes.annotate(
            f"{left:,.0f}", (end, left), (0, 4), textcoords="offset points", ha="center", fontweight="bold"
        )
        wrong = before - added
        axes.bar(end + 1, wrong, color="white", edgecolor=ORANGE, hatch="xx", width=0.62)
        axes.annotate(
            f"{wrong:,.0f}".replace("-", "−"),
            (end + 1, max(wrong, 0)),
            (0, 4),
            textcoords="offset points",
            ha="center",
            color=ORANGE,
        )
        axes.axhline(0, color=INK, linewidth=1)
        axes.set_xticks(
            range(len(names)), [name.replace(" ", "\n", 1) if len(name) > 9 else name for name in names]
        )
        axes.set_ylim(min(0.0, 1.15 * wrong), 1.12 * before)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        axes.grid(axis="x", visible=False)
        axes.set_ylabel(unit)
        _name(figure, title)
    return figure


def ledger(panels: Sequence[Any], *, title: str = "") -> Figure:
    """The course metric by metric, a row for each step: the student's points, the course's where there are none, the sources' claims.

    `panels`: of `servelab.operations.figures.panels`. Every point has the letter of what produced it; the letters stand below.
    """
    shown = [panel for panel in panels if panel.points]
    if not shown:
        raise ValueError("ledger needs at least one panel with a point.")
    letters: dict[str, str] = {}
    for panel in shown:
        for point in panel.points:
            if point.kind != "claim":
                letters.setdefault(point.origin, "abcdefghijklmnopqrstuvwxyz"[len(letters) % 26])
    heights = [len(panel.steps) + 1.6 for panel in shown]
    rows = math.ceil(len(shown) / 2)
    tall = [max(heights[2 * row : 2 * row + 2]) for row in range(rows)]
    size = 0.29 * sum(tall) + 0.2 * len(letters) + 1.0
    with canvas(10.6, size, rows, 2, height_ratios=tall) as (figure, grid):
        for axes, panel in zip(grid, shown, strict=False):
            _panel(axes, panel, letters)
        for axes in list(grid)[len(shown) :]:
            axes.set_visible(False)
        marks = [
            Line2D([], [], marker="o", linestyle="", color=BLUE, label="yours"),
            Line2D(
                [],
                [],
                marker="o",
                linestyle="",
                markerfacecolor="white",
                color=INK,
                label="the course's own run",
            ),
            Line2D(
                [],
                [],
                marker="x",
                linestyle="",
                color=ORANGE,
                markeredgewidth=2,
                label="a claim of the sources",
            ),
        ]
        told = "\n".join(f"{letter}: {origin}" for origin, letter in letters.items())
        figure.legend(handles=marks, loc="outside upper right", ncols=3)
        figure.supxlabel(told, x=0.01, ha="left", fontsize=8.5, color="#444444")
        _name(figure, title)
    return figure


def _panel(axes: Any, panel: Any, letters: Mapping[str, str]) -> None:
    """One metric: points in rows of their step, never joined."""
    values = [point.value for point in panel.points]
    wide = min(values) > 0 and max(values) / min(values) > 30
    if wide:
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 2, max(values) * 4)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    else:
        axes.set_xlim(min(0.0, 1.2 * min(values)), 1.3 * max(values) or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
    for point in panel.points:
        place = panel.steps.index(point.step)
        if point.kind == "claim":
            axes.plot(point.value, place, "x", color=ORANGE, markersize=8, markeredgewidth=2)
            continue
        face = BLUE if point.kind == "yours" else "white"
        axes.plot(
            point.value,
            place,
            "o",
            markerfacecolor=face,
            color=BLUE if point.kind == "yours" else INK,
            markersize=8,
        )
        words = f"{_digits(point.value)} {letters[point.origin]}"
        axes.annotate(
            words, (point.value, place), (9, 0), textcoords="offset points", va="center", fontsize=9
        )
    for name in panel.absent:
        axes.text(
            0.02,
            panel.steps.index(name),
            "not measured",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
            color=GREY,
        )
    axes.set_yticks(range(len(panel.steps)), panel.steps)
    axes.set_ylim(len(panel.steps) - 0.5, -0.5)
    told = [f"{panel.better} is better"] * bool(panel.better) + ["log scale"] * wide
    axes.set(title=panel.metric, xlabel=f"{panel.unit} ({', '.join(told)})" if told else panel.unit)
