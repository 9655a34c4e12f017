"""The labs' charts, drawn from plain data: every axis has its unit, every colour also has its own shape or style."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from servelab.load.measurements import source_line
from servelab.load.stats import Result, Summary

# Okabe and Ito's colours stay apart for every common kind of colour blindness.
BLUE, ORANGE, GREEN, PINK, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#9A9A9A", "#222222"
_STYLE = {
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 6.5,
    "figure.dpi": 100,
    "savefig.dpi": 100,
}

Rows = Sequence[Summary | Mapping[str, Any]]


def throughput_latency(rows: Rows, *, title: str = "") -> Figure:
    """Throughput and end-to-end latency against concurrency, side by side.

    `rows`: one per concurrency, each a `Summary` or a mapping with "concurrency", "requests_per_s", and
    "p50_s" and "p95_s" (seconds).
    """
    points = _points(rows)
    levels = [p["concurrency"] for p in points]
    with canvas(8.4, 3.5, 1, 2) as (figure, (left, right)):
        left.plot(levels, [p["requests_per_s"] for p in points], "o-", color=BLUE)
        left.set(title="Throughput", xlabel="requests in flight", ylabel="requests/s")
        left.set_ylim(bottom=0, top=1.15 * max(p["requests_per_s"] for p in points))
        right.plot(levels, [p["p95_s"] for p in points], "s--", color=ORANGE, label="p95")
        right.plot(levels, [p["p50_s"] for p in points], "o-", color=BLUE, label="p50")
        right.set(title="Latency", xlabel="requests in flight", ylabel="end to end, s")
        right.set_ylim(bottom=0, top=1.15 * max(p["p95_s"] for p in points))
        right.legend(loc="upper left")
        for axes in (left, right):
            _concurrency_axis(axes, levels)
        _name(figure, title)
    return figure


def naive_vs_engine(
    naive: Rows,
    engine: Rows,
    *,
    labels: tuple[str, str] = ("naive, one by one", "vLLM"),
    reference: Mapping[str, Any] | None = None,
    title: str = "",
) -> Figure:
    """Throughput against concurrency of two servers on one chart, with the ratio of their best values.

    `naive`, `engine`: rows as for `throughput_latency`; the latencies are not used. `reference`: a measurement of
    `servelab bench serving`, drawn thin and grey beside them, with its origin named below.
    """
    slow, fast = _points(naive), _points(engine)
    best_slow = max(slow, key=lambda p: p["requests_per_s"])
    best_fast = max(fast, key=lambda p: p["requests_per_s"])
    levels = sorted({p["concurrency"] for p in [*slow, *fast]})
    with canvas(8.0, 4.2) as (figure, (axes,)):
        for points, style, colour, label in (
            (fast, "o-", BLUE, labels[1]),
            (slow, "s--", ORANGE, labels[0]),
        ):
            axes.plot(
                [p["concurrency"] for p in points],
                [p["requests_per_s"] for p in points],
                style,
                color=colour,
                label=label,
            )
        drawn = _reference(figure, axes, reference) if reference else []
        levels = sorted({*levels, *(concurrency for concurrency, _ in drawn)})
        top, low = best_fast["requests_per_s"], best_slow["requests_per_s"]
        axes.set_yscale("log")
        everything = [*(p["requests_per_s"] for p in [*slow, *fast]), *(rate for _, rate in drawn)]
        axes.set_ylim(min(everything) / 1.6, max(everything) * 1.8)
        _decades(axes)
        _concurrency_axis(axes, levels)
        axes.set(xlabel="requests in flight", ylabel="requests/s (log scale)")
        place = best_fast["concurrency"]
        axes.plot([best_slow["concurrency"], place], [low, low], ":", color=GREY, linewidth=1.4)
        axes.annotate(
            "",
            (place, top),
            (place, low),
            arrowprops={"arrowstyle": "<->", "color": INK, "shrinkA": 0, "shrinkB": 5},
        )
        axes.annotate(
            f"{_ratio(top, low)}\n{low:.2g} → {top:.2g} requests/s",
            (place, math.sqrt(top * low)),
            xytext=(-9, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontweight="bold",
        )
        axes.legend(loc="upper left")
        _name(figure, title)
    return figure


def _reference(figure: Figure, axes: Axes, record: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Draw a recorded run of the same two servers; returns its points."""
    drawn = []
    for name, style in (("vllm", "o-"), ("naive", "s--")):
        levels = record["figures"][name]
        points = sorted((float(level), row["requests_per_s"]) for level, row in levels.items())
        label = "the course's run" if name == "vllm" else None
        hollow = {"markerfacecolor": "white", "markersize": 4.5, "linewidth": 1.0, "zorder": 1}
        axes.plot(*zip(*points, strict=True), style, color=GREY, label=label, **hollow)
        drawn += points
    figure.supxlabel(
        f"the course's run: {source_line(record)}", x=0.99, ha="right", fontsize=8.5, color="#555555"
    )
    return drawn


def prediction_vs_measured(
    predicted: Mapping[str, float], measured: Mapping[str, float], *, unit: str, title: str = ""
) -> Figure:
    """Your prediction beside what was measured, for each name in both, with how far off it was.

    Values are in `unit` and above 0. The axis turns logarithmic where values differ more than 30-fold.
    """
    names = [name for name in predicted if name in measured]
    if not names:
        raise ValueError("prediction_vs_measured needs at least one name that is in both mappings.")
    pairs = [(float(predicted[n]), float(measured[n])) for n in names]
    flat = [v for pair in pairs for v in pair if v > 0]
    logarithmic = len(flat) == 2 * len(pairs) and max(flat) / min(flat) > 30
    with canvas(8.0, 1.7 + 0.8 * len(names)) as (figure, (axes,)):
        # A bar's length means nothing on a logarithmic axis, which has no zero: draw points there.
        draw = _value_points if logarithmic else _value_bars
        draw(axes, pairs)
        if logarithmic:
            axes.set_xscale("log")
            low, high = min(flat) / 3, max(flat)
            axes.set_xlim(low, high * (high / low) ** 0.7)  # two fifths of the axis for the words
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        else:
            axes.set_xlim(0, max([*flat, 1e-9]) * 1.5)
        for row, (guess, truth) in enumerate(pairs):
            for offset, value, note in ((-0.19, guess, ""), (0.19, truth, f"  {_off_by(guess, truth)}")):
                axes.annotate(
                    f"{_digits(value)}{note}",
                    (value, row + offset),
                    xytext=(8, 0),
                    textcoords="offset points",
                    va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
                )
        _named_rows(axes, names)
        axes.set_xlabel(f"{unit} (log scale)" if logarithmic else unit)
        _legend_below(figure, axes)
        _name(figure, title)
    return figure


def _value_bars(axes: Axes, pairs: Sequence[tuple[float, float]]) -> None:
    bars = {"height": 0.36, "linewidth": 1.4}
    for row, (guess, truth) in enumerate(pairs):
        label = row == 0
        axes.barh(
            row - 0.19,
            guess,
            facecolor="white",
            edgecolor=INK,
            hatch="///",
            label="predicted" if label else None,
            **bars,
        )
        axes.barh(
            row + 0.19,
            truth,
            facecolor=BLUE,
            edgecolor=BLUE,
            label="measured" if label else None,
            **bars,
        )


def _value_points(axes: Axes, pairs: Sequence[tuple[float, float]]) -> None:
    rows = range(len(pairs))
    for place in (r + offset for r in rows for offset in (-0.19, 0.19)):
        axes.axhline(place, color="#E4E4E4", linewidth=0.8, zorder=0)
    guesses, truths = zip(*pairs, strict=True)
    hollow = {"markerfacecolor": "white", "markeredgecolor": INK, "markeredgewidth": 1.6}
    axes.plot(guesses, [r - 0.19 for r in rows], "D", label="predicted", **hollow)
    axes.plot(truths, [r + 0.19 for r in rows], "o", color=BLUE, markersize=8, label="measured")


def _named_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def prediction_curves(
    measured: Rows,
    predicted: Sequence[Mapping[str, float]],
    *,
    guess: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Throughput and mean latency against concurrency: a predicted line, the measured points over it.

    `measured`: as for `throughput_latency`, with "mean_s" too. `predicted`, and `guess`, a single point:
    "concurrency", "requests_per_s" and "latency_s". The axes are linear and start at 0, so that
    proportional growth is seen as a straight line.
    """
    points = _points(measured)
    levels = [p["concurrency"] for p in points]
    expected = sorted(predicted, key=lambda p: p["concurrency"])
    panels = (
        ("Throughput", "requests/s", "requests_per_s", "requests_per_s"),
        ("Latency", "mean, s", "latency_s", "mean_s"),
    )
    with canvas(8.4, 3.7, 1, 2) as (figure, grid):
        for axes, (name, unit, wanted, got) in zip(grid, panels, strict=True):
            at = [p["concurrency"] for p in expected]
            axes.plot(at, [p[wanted] for p in expected], "--", color=INK, linewidth=1.5, label="predicted")
            axes.plot(levels, [p[got] for p in points], "o", color=BLUE, markersize=8, label="measured")
            seen = max([*(p[wanted] for p in expected), *(p[got] for p in points)])
            if guess is not None:
                # A guess that is far off would press the measured points onto the axis: it is shown at the edge.
                height = min(guess[wanted], 1.9 * seen)
                star = "your first guess" if height == guess[wanted] else None
                axes.plot([guess["concurrency"]], [height], "*", color=ORANGE, markersize=15, label=star)
                if star is None:
                    axes.annotate(
                        f"↑ your guess: {_digits(guess[wanted])}",
                        (guess["concurrency"], height),
                        xytext=(-10, 0),
                        textcoords="offset points",
                        ha="right",
                        va="center",
                    )
            for point in points:
                axes.annotate(
                    f"{_digits(point[got])}",
                    (point["concurrency"], point[got]),
                    xytext=(0, 9),
                    textcoords="offset points",
                    ha="center",
                    fontsize=9,
                )
            axes.margins(y=0.12)
            axes.set(title=name, xlabel="users", ylabel=unit)
            axes.set_xlim(0, 1.06 * max([*levels, *at]))
            axes.set_ylim(bottom=0)
            axes.xaxis.set_major_locator(FixedLocator(sorted(set(levels))))
        # A guess that one panel shows at its edge has its label in the other.
        named = {
            label: handle
            for axes in grid
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=3)
        _name(figure, title)
    return figure


def batch_gain(seconds: Mapping[int, float], *, title: str = "") -> Figure:
    """How long batches took and how many requests/s that makes, beside what one after the other would give.

    `seconds`: by batch size, which must include 1.
    """
    sizes = sorted(seconds)
    alone = seconds[1]
    panels = (
        ("Time for all of them", "s", [seconds[n] for n in sizes], [n * alone for n in sizes]),
        ("Throughput", "requests/s", [n / seconds[n] for n in sizes], [1 / alone for _ in sizes]),
    )
    with canvas(8.4, 3.5, 1, 2) as (figure, grid):
        for axes, (name, unit, together, in_turn) in zip(grid, panels, strict=True):
            axes.plot(sizes, in_turn, "s--", color=ORANGE, label="one after the other (computed)")
            axes.plot(sizes, together, "o-", color=BLUE, label="together (measured)")
            axes.set(title=name, xlabel="prompts", ylabel=unit)
            axes.set_ylim(0, 1.15 * max(*together, *in_turn))
            axes.xaxis.set_major_locator(FixedLocator(sizes))
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        _name(figure, title)
    return figure


def timeline(requests: Iterable[Result | Mapping[str, Any]], *, title: str = "") -> Figure:
    """One row a request: when it waited in the queue, had its prompt read, and got its tokens.

    `requests`: entries of the scripted engine's log; or mappings with "arrived_s", "finished_s" and, where
    known, "started_s" and "first_token_s"; or `Result`s, whose wait and prompt reading are one to the client.
    """
    spans = sorted(filter(None, map(_span, requests)), key=lambda s: (s["arrived_s"], s["finished_s"]))
    if not spans:
        raise ValueError("timeline needs at least one request that finished.")
    zero = spans[0]["arrived_s"]
    with canvas(8.4, min(7.0, 1.4 + 0.24 * len(spans))) as (figure, (axes,)):
        shown: set[str] = set()
        for row, span in enumerate(spans):
            for begin, end, label, colour, hatch in _phases(span):
                style = {"facecolor": colour, "edgecolor": "white", "linewidth": 0.6, "hatch": hatch}
                name = None if label in shown else label
                axes.barh(row, end - begin, left=begin - zero, height=0.78, label=name, **style)
                shown.add(label)
        axes.set_ylim(len(spans) - 0.4, -0.6)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.set(xlabel="seconds since the first request", ylabel="request, in order of arrival")
        axes.set_xlim(left=0)
        axes.grid(axis="y", visible=False)
        _legend_below(figure, axes)
        _name(figure, title)
    return figure


def kv_usage(
    samples: Sequence[Mapping[str, float]], *, phases: Sequence[tuple[float, str]] = (), title: str = ""
) -> Figure:
    """KV cache usage over time, above the requests that run and wait.

    `samples`: what `servelab.load.watch` collected. `phases`: when something new began, in the samples' seconds,
    and what to call it.
    """
    seconds = [s["t_s"] for s in samples]
    with canvas(8.0, 4.6, 2, 1, sharex=True) as (figure, (top, bottom)):
        usage = [100 * s["vllm:kv_cache_usage_perc"] for s in samples]
        top.fill_between(seconds, usage, step="post", color=BLUE, alpha=0.18, linewidth=0)
        top.step(seconds, usage, where="post", color=BLUE)
        top.set_ylim(0, max(5.0, min(100.0, 1.25 * max(usage))))
        top.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g} %"))
        top.set(title="KV cache in use", ylabel="of its blocks")
        running = [s["vllm:num_requests_running"] for s in samples]
        waiting = [s["vllm:num_requests_waiting"] for s in samples]
        bottom.step(seconds, running, where="post", color=GREEN, label="running")
        bottom.step(seconds, waiting, where="post", color=ORANGE, linestyle="--", label="waiting")
        bottom.set_ylim(0, max(1.0, 1.3 * max([*running, *waiting])))
        bottom.yaxis.set_major_locator(MaxNLocator(integer=True))
        bottom.set(title="Requests", xlabel="seconds", ylabel="requests")
        bottom.set_xlim(0, seconds[-1])
        bottom.legend(loc="upper left" if phases else "upper right", ncols=2)
        for begun, label in phases:
            for axes in (top, bottom):
                axes.axvline(begun, color=GREY, linestyle=":", linewidth=1.2)
            top.annotate(
                label,
                (begun, 1),
                (3, -3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
            )
        _name(figure, title)
    return figure


def cold_vs_warm(cold_s: Sequence[float], warm_s: Sequence[float], *, title: str = "") -> Figure:
    """Median TTFT of a prefix seen for the first time and seen again, a dot for every request.

    Both in seconds.
    """
    groups = (("cold: prefix computed", cold_s, ORANGE, "s"), ("warm: prefix cached", warm_s, BLUE, "o"))
    cold, warm = statistics.median(cold_s), statistics.median(warm_s)
    with canvas(8.0, 2.7) as (figure, (axes,)):
        for row, (_, values, colour, marker) in enumerate(groups):
            median = statistics.median(values)
            axes.barh(row, median, height=0.5, color=colour, alpha=0.35)
            axes.plot([median, median], [row - 0.25, row + 0.25], color=colour, linewidth=2.4)
            axes.plot(
                values, [row] * len(values), marker, color=colour, markersize=5.5, markeredgecolor="white"
            )
        axes.set_xlim(0, 1.05 * max(*cold_s, *warm_s))
        _named_rows(axes, [f"{name}\nmedian {_seconds(statistics.median(v))}" for name, v, *_ in groups])
        axes.set_xlabel("time to first token, s")
        axes.set_title(
            f"With the prefix cached, the first token comes {_ratio(cold, warm)} sooner"
            if warm < cold
            else ""
        )
        _name(figure, title)
    return figure


@contextmanager
def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure in the course's style, in inches, with its axes in one list.

    Closed on leaving, so that a notebook shows the returned figure once and not twice.
    """
    with plt.rc_context(_STYLE):
        figure, grid = plt.subplots(
            rows, columns, figsize=(width, height), layout="constrained", squeeze=False, **options
        )
        try:
            yield figure, list(grid.flat)
        finally:
            plt.close(figure)


def _name(figure: Figure, title: str) -> None:
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=12.5, fontweight="bold")


def _points(rows: Rows) -> list[dict[str, float]]:
    points = [
        {
            "concurrency": r.concurrency,
            "requests_per_s": r.requests_per_s,
            "mean_s": r.e2e_s["mean"],
            "p50_s": r.e2e_s["p50"],
            "p95_s": r.e2e_s["p95"],
        }
        if isinstance(r, Summary)
        else dict(r)
        for r in rows
    ]
    if not points:
        raise ValueError("A chart needs at least one row.")
    return sorted(points, key=lambda p: p["concurrency"])


def _concurrency_axis(axes: Axes, levels: Sequence[float]) -> None:
    # Up to 8 or so a linear axis has room for every level, and shows linear growth as a line.
    if max(levels) / min(levels) > 10:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(levels))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _decades(axes: Axes) -> None:
    low, high = axes.get_ylim()
    marks = [m * 10.0**e for e in range(-6, 9) for m in (1, 2, 5)]
    axes.yaxis.set_major_locator(FixedLocator([v for v in marks if low <= v <= high]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _ratio(more: float, less: float) -> str:
    ratio = more / less
    return f"{ratio:.0f}x" if ratio >= 9.95 else f"{ratio:.1f}x"


def _digits(value: float) -> str:
    """Three digits that count, and never as a power of ten: 0.0123, 12.3, 1,600."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _off_by(guess: float, truth: float) -> str:
    if guess <= 0 or truth <= 0:
        return ""
    if max(guess, truth) / min(guess, truth) < 1.05:
        return "(spot on)"
    more, less, side = (truth, guess, "above") if truth > guess else (guess, truth, "below")
    return f"({_ratio(more, less)} {side} your guess)"


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _span(request: Result | Mapping[str, Any]) -> dict[str, float | None] | None:
    if isinstance(request, Result):
        if request.e2e_s is None:
            return None
        begin = request.start_s
        first = None if request.ttft_s is None else begin + request.ttft_s
        return {"arrived_s": begin, "started_s": None, "first": first, "finished_s": begin + request.e2e_s}
    if request.get("finished_s") is None:
        return None
    tokens = request.get("token_s") or [None]
    return {
        "arrived_s": request["arrived_s"],
        "started_s": request.get("started_s"),
        "first": request.get("first_token_s", tokens[0]),
        "finished_s": request["finished_s"],
    }


def _phases(span: Mapping[str, float | None]) -> list[tuple[float, float, str, str, str]]:
    arrived, started, first, end = (span[k] for k in ("arrived_s", "started_s", "first", "finished_s"))
    phases = []
    if started is not None:
        phases.append((arrived, started, "waiting in the queue", "#D9D9D9", ""))
        if first is not None:
            phases.append((started, first, "reading the prompt", ORANGE, ""))
            phases.append((first, end, "generating tokens", BLUE, ""))
        else:
            phases.append((started, end, "in service", BLUE, ""))
    elif first is not None and first < end:
        phases.append((arrived, first, "until the first token", "#D9D9D9", ""))
        phases.append((first, end, "generating tokens", BLUE, ""))
    else:
        phases.append((arrived, end, "until the whole answer", BLUE, ""))
    return [phase for phase in phases if phase[1] > phase[0]]
