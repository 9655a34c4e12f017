"""A Grafana dashboard as data: what its panels show, and what is wrong with them, as Prometheus itself tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from servelab.monitoring.promql import values_of

_MOST_PANELS, _MOST_QUERIES, _DEEPEST = 500, 1000, 10
_WITHOUT_QUERIES = ("row", "text", "news", "dashlist", "alertlist")
_WITHOUT_UNITS = ("logs", "table", "state-timeline", "nodeGraph")
# Grafana fills these in from the stretch of time that is shown.
_TIMES = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__range": "1h",
    "__interval_ms": "60000",
    "__range_s": "3600",
    "__range_ms": "3600000",
}
_NAME = r"(?:\$\{(\w+)(?:[:.][^}]*)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\])"
_ONE = re.compile(rf'(?<![!=~<>])(=)\s*(["\'])(?:{_NAME})\2')
_ANY = re.compile(_NAME)


@dataclass(frozen=True)
class Panel:
    """One panel of a dashboard.

    Attributes:
        title: its title; empty if it has none.
        type: what draws it: "timeseries", "stat", "gauge", ...
        unit: Grafana's name of the unit of its values: "s", "reqps", "percentunit"; empty if it has none.
        expressions: its PromQL queries.
        legends: for each of them how its series are named; empty where Grafana shows the labels.
        row: the title of the row in which it stands; empty if in none.
    """

    title: str
    type: str
    unit: str
    expressions: tuple[str, ...]
    legends: tuple[str, ...]
    row: str = ""


def panels(dashboard: Mapping[str, Any]) -> list[Panel]:
    """The panels of a dashboard, those in rows too, in their order; the rows themselves are none.

    Args:
        dashboard: its JSON as data, with or without the `{"dashboard": ...}` around it that Grafana's API has.

    Raises:
        ValueError: it is no dashboard.
    """
    if isinstance(dashboard, Mapping) and isinstance(dashboard.get("dashboard"), Mapping):
        dashboard = dashboard["dashboard"]
    if not isinstance(dashboard, Mapping) or not isinstance(dashboard.get("panels"), list | tuple):
        raise ValueError("a dashboard is a mapping with a list of `panels`")
    found = []
    for panel in _walk(dashboard["panels"], "", 0):
        found.append(panel)
        if len(found) > _MOST_PANELS:
            raise ValueError(f"a dashboard of more than {_MOST_PANELS} panels")
    return found


def problems(dashboard: Mapping[str, Any], series: Mapping[str, str], *, at: str = "10m") -> list[str]:
    """What is wrong with the panels of a dashboard; every query is run by Prometheus's own tool.

    Grafana's variables are replaced before: `$__rate_interval` and the like by common lengths, a variable of a label such as
    `$instance` by a pattern that fits all.

    Args:
        dashboard: its JSON as data.
        series: samples by series, one a minute, in promtool's notation; on them each query must give something.
        at: the time at which the queries are evaluated, from the first sample on.

    Returns:
        One line for each problem: a panel without a title, a query or a unit, a title that stands twice in a row, a query that does
        not parse, or that gives nothing. Empty where there is none.

    Raises:
        ValueError: the series are wrong.
        ToolMissing: Prometheus's tools are not installed.
    """
    try:
        shown = panels(dashboard)
    except ValueError as error:
        return [str(error)]
    if not shown:
        return ["the dashboard has no panels"]
    found: list[str] = []
    asked: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for number, panel in enumerate(shown, start=1):
        name = f"panel {panel.title!r}" if panel.title.strip() else f"panel {number}"
        if not panel.title.strip():
            found.append(f"{name} has no title")
        elif (panel.row, panel.title) in seen:
            found.append(f"{name} stands twice")
        seen.add((panel.row, panel.title))
        if panel.type in _WITHOUT_QUERIES:
            continue
        queries = [query for query in panel.expressions if query.strip()]
        if not queries:
            found.append(f"{name} has no query")
        if queries and not panel.unit and panel.type not in _WITHOUT_UNITS:
            found.append(f"{name} has no unit")
        asked |= {f"{number}.{i} {name}: `{query:.200}`": query for i, query in enumerate(queries)}
    if len(asked) > _MOST_QUERIES:
        return [*found, f"the dashboard has more than {_MOST_QUERIES} queries"]
    told = values_of({key: filled_in(query) for key, query in asked.items()}, series, at)
    for key, value in told.items():
        name = key.partition(" ")[2]
        if isinstance(value, str):
            found.append(f"{name} is no PromQL: {value}")
        elif not value:
            found.append(f"{name} gives nothing")
    return [" ".join(line.split()) for line in found]


def filled_in(query: str) -> str:
    """A query as Prometheus takes it: Grafana's variables replaced."""
    # `label="$name"` would compare with the pattern itself.
    query = _ONE.sub(r"=~\2.*\2", query)
    return _ANY.sub(lambda found: _TIMES.get(next(filter(None, found.groups())), ".*"), query)


def reference() -> dict[str, Any]:
    """The course's own dashboard of vLLM, built from code: see `servelab.monitoring.vllm_dashboard`."""
    from servelab.monitoring.vllm_dashboard import build  # Grafana's SDK is needed for nothing else

    return build()


def _walk(entries: Any, row: str, depth: int) -> Iterator[Panel]:
    if depth > _DEEPEST:
        raise ValueError(f"rows within rows, more than {_DEEPEST} deep")
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise ValueError("a panel is a mapping")
        if entry.get("type") == "row":
            row = str(entry.get("title") or "")
            # A row that is closed holds its panels; after one that is open they follow.
            yield from _walk(_list(entry, "panels"), row, depth + 1)
        else:
            yield _panel(entry, row)
            yield from _walk(_list(entry, "panels"), row, depth + 1)


def _panel(entry: Mapping[str, Any], row: str) -> Panel:
    targets = [target for target in _list(entry, "targets") if isinstance(target, Mapping)]
    queries = [target for target in targets if isinstance(target.get("expr"), str)]
    unit: Any = entry
    for key in ("fieldConfig", "defaults", "unit"):
        unit = unit.get(key) if isinstance(unit, Mapping) else None
    return Panel(
        title=str(entry.get("title") or ""),
        type=str(entry.get("type") or ""),
        unit=unit if isinstance(unit, str) else "",
        expressions=tuple(target["expr"] for target in queries),
        legends=tuple(str(target.get("legendFormat") or "") for target in queries),
        row=row,
    )


def _list(entry: Mapping[str, Any], key: str) -> list[Any]:
    value = entry.get(key)
    return list(value) if isinstance(value, list | tuple) else []
