"""The chart on the first page, as SVG: the same bytes from the same files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from servelab.evidence.results import NOT_YET, RATES, TIMES, Row, Value, claimed, number

#: Ink, faint ink, grid, and the colours of CPU, GPU and claim: read on a light page and on a dark one.
THEMES = {
    "light": ("#1f2328", "#6e7781", "#d8dee4", "#0072B2", "#D55E00", "#6e7781"),
    "dark": ("#e6edf3", "#9198a1", "#30363d", "#56B4E9", "#E69F00", "#9198a1"),
}
_WIDTH = 9.6
_COLUMNS = (1.19, 1.56, 1.93)  # of the numbers, in widths of the axes


def svg(rows: Sequence[Row], theme: str) -> str:
    """The chart of the rows for a light or a dark page, on no background."""
    settings = {
        "svg.hashsalt": "servelab",
        "svg.fonttype": "path",
        "font.size": 10,
        "font.family": "DejaVu Sans",
    }
    with matplotlib.rc_context(settings):
        file = io.StringIO()
        figure = draw(rows, theme)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def draw(rows: Sequence[Row], theme: str = "light") -> Figure:
    """A row of dots for each step: CPU, GPU and claim on a logarithmic axis, their numbers beside it."""
    groups = [[row for row in rows if row.group == name] for name in (RATES, TIMES)]
    ink, faint, *_ = THEMES[theme]
    heights = [len(group) for group in groups]
    figure = Figure(figsize=(_WIDTH, 0.34 * sum(heights) + 1.9))
    axes = figure.subplots(2, 1, gridspec_kw={"height_ratios": heights})
    figure.subplots_adjust(left=0.275, right=0.6, top=0.895, bottom=0.115, hspace=0.3)
    for area, name, group in zip(axes, (RATES, TIMES), groups, strict=True):
        _panel(area, name, group, theme)
    for line, origin in enumerate(_origins(rows)):
        figure.text(0.01, 0.045 - 0.03 * line, origin, color=faint, fontsize=7.6, ha="left")
    figure.text(0.01, 0.965, "What each step of the course changes", color=ink, fontsize=12.5, weight="bold")
    return figure


def _panel(area: Axes, name: str, group: Sequence[Row], theme: str) -> None:
    ink, faint, grid, cpu, gpu, claim = THEMES[theme]
    for y, row in enumerate(group):
        _dot(area, y, row.cpu, "o", cpu)
        _dot(area, y, row.gpu, "s", gpu)
        if row.claim is not None:
            middle = (row.claim.low * row.claim.high) ** 0.5
            area.plot([row.claim.low, row.claim.high], [y, y], "-", color=claim, linewidth=1.2)
            area.plot(
                [middle], [y], "D", color="none", markeredgecolor=claim, markersize=6, markeredgewidth=1.4
            )
        texts = (
            (row.cpu_words if row.cpu is None else _number(row, row.cpu), cpu, row.cpu is not None),
            (row.gpu_words if row.gpu is None else _number(row, row.gpu), gpu, row.gpu is not None),
            (claimed(row.claim) if row.claim else "", claim, row.claim is not None),
        )
        for place, (text, colour, known) in zip(_COLUMNS, texts, strict=True):
            small = not known
            area.text(
                place, y, text, transform=area.get_yaxis_transform(), va="center", ha="center",
                color=faint if small else colour, fontsize=7.6 if small else 9.5, style="italic" if small else "normal",
            )  # fmt: skip
    for place, title, mark, colour in zip(
        _COLUMNS, ("CPU", "GPU", "claimed"), ("●", "■", "◇"), (cpu, gpu, claim), strict=True
    ):
        head = {"transform": area.get_yaxis_transform(), "va": "center", "ha": "center", "fontsize": 9.5}
        area.text(place, -1.05, f"{mark} {title}", color=colour, weight="bold", **head)
    _axis(area, group, ink, faint, grid)
    area.set_title(name, loc="left", color=ink, fontsize=10.5, weight="bold", pad=9)


def _axis(area: Axes, group: Sequence[Row], ink: str, faint: str, grid: str) -> None:
    area.set_xscale("log")
    values: list[float] = [v.middle for row in group for v in (row.cpu, row.gpu) if v is not None]
    values += [end for row in group if row.claim for end in (row.claim.low, row.claim.high)]
    if values:
        area.set_xlim(min(values) / 1.8, max(values) * 1.8)
    area.set_ylim(len(group) - 0.4, -0.6)
    area.set_yticks(range(len(group)), [row.label for row in group], color=ink)
    area.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    area.xaxis.set_minor_locator(NullLocator())
    area.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    area.xaxis.set_minor_formatter(NullFormatter())
    area.tick_params(axis="x", colors=faint, labelsize=8.5)
    area.tick_params(axis="both", length=0, which="both")
    area.grid(axis="both", color=grid, linewidth=0.8)
    area.set_axisbelow(True)
    area.set_facecolor("none")
    if group[0].unit == "times":
        area.axvline(1, color=faint, linewidth=1.1)
    for side in area.spines.values():
        side.set_visible(False)


def _dot(area: Axes, y: int, value: Value | None, mark: str, colour: str) -> None:
    if value is None:
        return
    if value.spread is not None and value.spread.n > 1:
        area.plot([value.spread.low, value.spread.high], [y, y], "-", color=colour, linewidth=2.2, alpha=0.6)
    area.plot([value.middle], [y], mark, color=colour, markersize=7)


def _number(row: Row, value: Value) -> str:
    return f"{number(value.middle)}{'×' if row.unit == 'times' else ''}"


def _origins(rows: Sequence[Row]) -> list[str]:
    """Where the numbers come from, in two lines."""
    found: dict[str, Any] = {"CPU": [], "GPU": []}
    for row in rows:
        for kind, value in (("CPU", row.cpu), ("GPU", row.gpu)):
            if value is not None:
                found[kind].append(value.origin)
    lines = []
    for kind, origins in found.items():
        if origins:
            machines = sorted({origin.rsplit(", ", 1)[0] for origin in origins})
            days = sorted({origin.rsplit(", ", 1)[1] for origin in origins})
            when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
            lines.append(f"{kind}: {'; '.join(machines)}, {when}. Lines are the spread of repeated runs.")
        else:
            lines.append(f"{kind}: {NOT_YET}.")
    lines[-1] += " Claims: the course's sources, without machine, model or load."
    return lines
