"""Charts of number formats: rounding errors by layer, the search for a scale, size against quality against speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from servelab.load.charts import BLUE, GREEN, GREY, INK, ORANGE, PINK, _decades, _name, canvas
from servelab.load.measurements import source_line

COLOURS = (BLUE, GREEN, ORANGE, PINK)


def layer_errors(
    layers: Sequence[int],
    panels: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    title: str = "",
) -> Figure:
    """Error of each layer's output as a share of the output, plainly rounded and with scales; one panel a matrix.

    `panels`: by name, (errors of round-to-nearest, errors of AWQ), one for each of `layers`, above 0.
    """
    with canvas(8.6, 3.7, 1, len(panels)) as (figure, grid):
        for axes, (name, (plain, scaled)) in zip(grid, panels.items(), strict=True):
            plain, scaled = [100 * v for v in plain], [100 * v for v in scaled]
            axes.vlines(layers, scaled, plain, color=GREY, linewidth=1.2)
            axes.plot(layers, plain, "s", color=ORANGE, label="round to nearest")
            axes.plot(layers, scaled, "o", color=BLUE, label="AWQ")
            axes.set_yscale("log")
            axes.set_ylim(min(scaled) / 1.6, max(plain) * 1.6)
            _decades(axes)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set(title=name, xlabel="layer", ylabel="error, % of the output (log scale)")
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        _name(figure, title)
    return figure


def scale_search(
    powers: Sequence[float], curves: Mapping[str, Sequence[float]], *, title: str = ""
) -> Figure:
    """A layer's error against the power of the scale, as a multiple of the error at power 0; its lowest point is named."""
    with canvas(7.4, 3.7) as (figure, (axes,)):
        for (name, errors), colour, style in zip(
            curves.items(), COLOURS, ("o-", "s--", "^-.", "v:"), strict=False
        ):
            ratios = [e / errors[0] for e in errors]
            axes.plot(powers, ratios, style, color=colour, label=name, markersize=5)
            place = min(range(len(ratios)), key=ratios.__getitem__)
            axes.annotate(
                f"{ratios[place]:.2f}",
                (powers[place], ratios[place]),
                (0, -15),
                textcoords="offset points",
                ha="center",
                fontweight="bold",
                color=colour,
            )
        axes.axhline(1, color=GREY, linewidth=1.2)
        axes.set_ylim(0, min(3.0, 1.1 * max(max(e) / e[0] for e in curves.values())))
        axes.set(xlabel="power of the mean input size", ylabel="error / error of plain rounding")
        axes.legend(loc="upper left")
        _name(figure, title)
    return figure


def step_time(batches: Sequence[float], curves: Mapping[str, Sequence[float]], *, title: str = "") -> Figure:
    """Seconds of a decode step by batch size for several formats, on logarithmic axes: flat is memory, rising is arithmetic."""
    with canvas(7.4, 3.9) as (figure, (axes,)):
        for (name, seconds), colour, style in zip(
            curves.items(), COLOURS, ("-", "--", "-.", ":"), strict=False
        ):
            axes.plot(batches, [1000 * s for s in seconds], style, color=colour, label=name)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        marks = [2**n for n in range(24) if min(batches) <= 2**n <= max(batches)]
        axes.set_xticks(marks, [f"{b:,}" for b in marks])
        axes.minorticks_off()
        _decades(axes)
        axes.set(xlabel="sequences in the batch (log scale)", ylabel="ms a step (log scale)")
        axes.legend(loc="upper left")
        _name(figure, title)
    return figure


def formats(
    rows: Mapping[str, Mapping[str, Any]],
    *,
    reference: Mapping[str, Any] | None = None,
    gpu: Mapping[str, Any] | None = None,
    title: str = "",
) -> Figure:
    """Size, perplexity and throughput of each format, and the course's run on a GPU or the words that there is none yet.

    `rows`: by format, "bytes", "perplexity" and "requests_per_s" {requests in flight: value}. `reference`, `gpu`:
    measurements of `servelab bench quantization`; the first is drawn as hollow diamonds.
    """
    recorded = reference["figures"]["formats"] if reference else {}
    with canvas(8.8, 6.4, 2, 2) as (figure, (size, quality, speed, card)):
        names = list(rows)
        _bars(size, names, [rows[n]["bytes"] / 1e6 for n in names], "MB on disk", "Size", "{:,.0f}")
        _bars(
            quality,
            names,
            [rows[n]["perplexity"] for n in names],
            "perplexity",
            "Quality (lower is better)",
            "{:.1f}",
        )
        _rates(speed, {n: rows[n]["requests_per_s"] for n in names}, "Throughput, this machine")
        _diamonds(size, names, {n: r["bytes"] / 1e6 for n, r in recorded.items()})
        _diamonds(quality, names, {n: r["perplexity"] for n, r in recorded.items()})
        _rate_diamonds(speed, names, {n: r["requests_per_s"] for n, r in recorded.items()}, rows)
        if gpu:
            found = gpu["figures"]["formats"]
            title = f"Throughput, the course's GPU run{_of(gpu['figures'].get('model'))}"
            _rates(card, {n: r["requests_per_s"] for n, r in found.items()}, title)
        else:
            card.set_title("Throughput on a GPU")
            card.text(0.5, 0.5, "GPU: not yet measured", ha="center", va="center", transform=card.transAxes)
            card.set_xticks([])
            card.set_yticks([])
        origins = [f"◇ the course's run: {source_line(reference)}"] if reference else []
        origins += [f"GPU: {source_line(gpu)}"] if gpu else []
        if origins:
            figure.supxlabel("\n".join(origins), x=0.99, ha="right", fontsize=8.5, color="#555555")
        _name(figure, title)
    return figure


def _of(model: str | None) -> str:
    """A second line of a title: whose weights are random has to be said."""
    return f"\n({model}, random weights)" if model else ""


def _bars(
    axes: Axes, names: Sequence[str], values: Sequence[float], unit: str, title: str, form: str
) -> None:
    axes.bar(range(len(names)), values, 0.55, color=[COLOURS[i % 4] for i in range(len(names))])
    for place, value in enumerate(values):
        _foot(axes, place, form.format(value))
    axes.set_xticks(range(len(names)), names)
    axes.grid(axis="x", visible=False)
    axes.set_ylim(0, 1.3 * max(values))
    axes.set(title=title, ylabel=unit)


def _foot(axes: Axes, place: float, text: str) -> None:
    """A number inside its bar, at the foot: at the top the recorded runs are drawn."""
    axes.annotate(
        text,
        (place, 0),
        (0, 5),
        textcoords="offset points",
        ha="center",
        color="white",
        fontweight="bold",
        fontsize=9.5,
    )


def _rates(axes: Axes, rates: Mapping[str, Mapping[Any, float]], title: str) -> None:
    """Grouped bars: a group for each number of requests in flight, a bar for each format."""
    names = list(rates)
    levels = sorted({int(level) for row in rates.values() for level in row})
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        values = [float({int(k): v for k, v in rates[name].items()}[level]) for level in levels]
        places = [g + (i - (len(names) - 1) / 2) * width for g in range(len(levels))]
        axes.bar(places, values, 0.9 * width, color=COLOURS[i % 4], label=name)
        for place, value in zip(places, values, strict=True):
            _foot(axes, place, f"{value:.2g}")
    highest = max(float(v) for row in rates.values() for v in row.values())
    axes.set_ylim(0, 1.3 * highest)
    axes.set_xticks(range(len(levels)), [f"{level} in flight" for level in levels])
    axes.grid(axis="x", visible=False)
    axes.set(title=title, ylabel="requests/s")
    axes.legend(loc="upper left", fontsize=9)


def _diamonds(axes: Axes, names: Sequence[str], values: Mapping[str, float]) -> None:
    places = [i for i, name in enumerate(names) if name in values]
    axes.plot(
        places, [values[names[i]] for i in places], "D", color=INK, markerfacecolor="white", markersize=5
    )


def _rate_diamonds(
    axes: Axes,
    names: Sequence[str],
    recorded: Mapping[str, Mapping[str, float]],
    rows: Mapping[str, Mapping[str, Any]],
) -> None:
    levels = sorted({int(level) for row in rows.values() for level in row["requests_per_s"]})
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        for group, level in enumerate(levels):
            value = {int(k): v for k, v in recorded.get(name, {}).items()}.get(level)
            if value is not None:
                # Beside the middle of its bar, so that it does not cover the number, and clearly inside.
                place = group + (i - (len(names) - 1) / 2 + 0.27) * width
                axes.plot([place], [value], "D", color=INK, markerfacecolor="white", markersize=5)
    highest = [float(v) for row in recorded.values() for v in row.values()]
    axes.set_ylim(0, max([axes.get_ylim()[1], *(1.2 * v for v in highest)]))
