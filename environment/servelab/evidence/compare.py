"""Whether a run agrees with the committed one: by ratios within a round, and never by absolute times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from servelab.load.records import Spread, ratio_values, spread_of

#: Each run's spread is widened by this share of its median: two runs of a few rounds on a shared machine differ by as much.
WIDER = 0.05
FAILING = ("changed", "missing")


@dataclass(frozen=True)
class Row:
    """One ratio, now and in the committed run.

    Attributes:
        verdict: "ok", "changed" (the two spreads do not meet), "missing" (measured then and not now), or "new" (there is no
            committed run of it with samples).
    """

    part: str
    ratio: str
    now: Spread | None
    then: Spread | None
    verdict: str


def meets(now: Spread, then: Spread) -> bool:
    """Whether the stated spreads of two runs overlap, each widened by `WIDER` of its median."""
    low = max(now.low - WIDER * abs(now.median), then.low - WIDER * abs(then.median))
    high = min(now.high + WIDER * abs(now.median), then.high + WIDER * abs(then.median))
    return low <= high


def compare(part: str, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> list[Row]:
    """A row for every ratio of either run."""
    rows = []
    before = then["ratios"] if then is not None and then["samples"] is not None else {}
    for name in {**now["ratios"], **before}:
        new = spread_of(ratio_values(now, name)) if name in now["ratios"] else None
        old = spread_of(ratio_values(then, name)) if then is not None and name in before else None
        if new is None:
            verdict = "missing"
        elif old is None:
            verdict = "new"
        else:
            verdict = "ok" if meets(new, old) else "changed"
        rows.append(Row(part, name, new, old, verdict))
    return rows


def failed(rows: Sequence[Row]) -> list[Row]:
    """The rows that do not agree with the committed run."""
    return [row for row in rows if row.verdict in FAILING]


def table(rows: Sequence[Row]) -> Table:
    """Part, ratio now, ratio committed, its spread, and whether they agree."""
    shown = Table(title="Ratios of this run beside the committed run")
    for name in ("part", "ratio", "now", "committed", "committed spread", ""):
        shown.add_column(name, justify="left" if name in ("part", "ratio", "") else "right", no_wrap=True)
    for row in rows:
        then = ("-", "-") if row.then is None else (f"{row.then.median:.3g}", _range(row.then))
        now = "-" if row.now is None else f"{row.now.median:.3g} [{_range(row.now)}]"
        style = "bold red" if row.verdict in FAILING else ""
        shown.add_row(row.part, row.ratio, now.replace("[", "\\["), *then, row.verdict, style=style)
    return shown


def _range(spread: Spread) -> str:
    return f"{spread.low:.3g} to {spread.high:.3g}"
