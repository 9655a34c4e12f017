"""Whether a run agrees with the committed one: by ratios within a round, and never by absolute times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from servelab.load.records import Spread, ratio_values, spread_of

#: Each run's spread is widened by this share of its median: two runs of a few rounds on a shared machine differ by as much.
WIDER = 0.05
#: Where every round gives the same, the machine's hour has no part in it.
WIDER_IF_STEADY = 0.005
_WILD_FROM = 5
FAILING = ("changed", "missing")


@dataclass(frozen=True)
class Row:
    """One ratio, now and in the committed run.

    Attributes:
        verdict: "ok", "changed" (the two ranges do not meet), "missing" (measured then and not now), or "new" (there is no
            committed run of it with samples).
    """

    part: str
    ratio: str
    now: Spread | None
    then: Spread | None
    verdict: str


def held(values: Sequence[float]) -> tuple[float, float]:
    """The range that counts: of five rounds and more without the one farthest from the median.

    One wild round hides nothing then; and two honest runs of five noisy rounds miss each other less often than by quartiles.
    """
    middle = spread_of(values).median
    kept = sorted(values, key=lambda value: abs(value - middle))
    kept = kept[:-1] if len(kept) >= _WILD_FROM else kept
    steady = len(values) > 1 and max(values) == min(values)
    more = abs(middle) * (WIDER_IF_STEADY if steady else WIDER)
    return min(kept) - more, max(kept) + more


def meets(now: Sequence[float], then: Sequence[float]) -> bool:
    """Whether the ranges of two runs overlap, each widened by a share of its median."""
    low, high = held(now)
    old_low, old_high = held(then)
    return max(low, old_low) <= min(high, old_high)


def compare(part: str, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> list[Row]:
    """A row for every ratio of either run."""
    rows = []
    before = then["ratios"] if then is not None else {}
    for name in {**now["ratios"], **before}:
        new = ratio_values(now, name) if name in now["ratios"] else []
        old = ratio_values(then, name) if then is not None and name in before else []
        if new and old:
            verdict = "ok" if meets(new, old) else "changed"
        else:
            verdict = "new" if new else "missing"
        rows.append(
            Row(part, name, *(spread_of(values) if values else None for values in (new, old)), verdict)
        )
    return rows


def failed(rows: Sequence[Row]) -> list[Row]:
    """The rows that do not agree with the committed run."""
    return [row for row in rows if row.verdict in FAILING]


def table(rows: Sequence[Row]) -> Table:
    """For each part its ratios: now, committed, both with their spread, and whether they agree. Fits 80 columns."""
    shown = Table(title="Ratios of this run beside the committed run")
    shown.add_column("part and ratio", overflow="fold")
    for name in ("now", "committed"):
        shown.add_column(name, justify="right", min_width=16)
    shown.add_column("", min_width=7, no_wrap=True)
    for number, row in enumerate(rows):
        if not number or rows[number - 1].part != row.part:
            shown.add_section()
            shown.add_row(row.part, style="bold")
        style = "bold red" if row.verdict in FAILING else ""
        shown.add_row(f"  {row.ratio}", _cell(row.now), _cell(row.then), row.verdict, style=style)
    return shown


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    middle = f"{spread.median:.3g}"
    return middle if spread.n == 1 else f"{middle} ({spread.low:.3g} to {spread.high:.3g})"
