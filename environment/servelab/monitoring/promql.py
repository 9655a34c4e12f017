"""What PromQL expressions come to, over series that are given, as Prometheus itself computes it.

`promtool test rules` evaluates expressions over series in its own short notation and reports what it got when that is
not what was expected. That is quick and needs no server. See
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping

from servelab.monitoring.tools import TooMuch, complaints, run_tool, unreadable

_RULES, _TEST = "rules.yml", "test.yml"
_ALONE_S, _ALL_ALONE_S = (
    5.0,
    60.0,
)  # for one query, and for all of them one by one, after all together took too much
_SAMPLE = re.compile(r"(\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*\}) (\S+?)(?:, |$)")
# One entry an expression: what went wrong, or two lines more, with what was expected and what came.
_ENTRY = re.compile(
    r'^    expr: "(?:[^"\\\n]|\\.)*", time: \S+,(?: err: (.*)|\n +exp: .*\n +got: (.*))$', re.M
)


def value_of(query: str, series: Mapping[str, str], at: str = "10m") -> dict[str, float]:
    """Evaluate a PromQL expression.

    Args:
        query: the expression; it must give an instant vector or a scalar.
        series: samples by series, one a minute, in promtool's notation: `{'up{job="a"}': "1 1 0 1"}`, `"0+10x20"`.
        at: the time at which it is evaluated, from the first sample on: `10m`.

    Returns:
        Value by labels, as in `{'{instance="a"}': 0.25}`; empty where nothing comes out.

    Raises:
        ValueError: it is no PromQL; with what promtool says of it.
        ToolMissing: Prometheus's tools are not installed.
    """
    found = values_of({"": query}, series, at)[""]
    if isinstance(found, str):
        raise ValueError(found)
    return found


def values_of(
    queries: Mapping[str, str],
    series: Mapping[str, str],
    at: str = "10m",
    *,
    rules: str = "",
    interval: str = "1m",
) -> dict[str, dict[str, float] | str]:
    """Evaluate many PromQL expressions at once: that takes hardly longer than one.

    Args:
        queries: expressions by a name of your choice.
        series: samples by series, one an `interval`, in promtool's notation.
        at: the time at which all are evaluated, from the first sample on.
        rules: text of a rule file; its rules are evaluated every `interval`, so that the queries can use what they record.
        interval: time from sample to sample.

    Returns:
        For each name the values by labels, as `value_of` gives them; or, where a query cannot be evaluated, what Prometheus
        says of it, as text. It does not spoil the others.

    Raises:
        ValueError: the series, the time or the rules are wrong, or it took too long.
        ToolMissing: Prometheus's tools are not installed.
    """
    if not queries:
        return {}
    results: dict[str, dict[str, float] | str] = {}
    asked = {}
    for name, query in queries.items():
        problem = unreadable(query, "A query")
        if problem:
            results[name] = problem
        else:
            asked[name] = query
    found = iter(_each(list(asked.values()), series, at, rules, interval))
    return {name: results[name] if name in results else next(found) for name in queries}


def _each(
    queries: list[str], series: Mapping[str, str], at: str, rules: str, interval: str
) -> list[dict[str, float] | str]:
    """All together, or one by one where one takes too much, or makes the report unclear."""
    if not queries:
        return []
    try:
        found = _run(queries, series, at, rules, interval)
    except TooMuch as error:
        if len(queries) == 1:
            return [str(error)]
        found = []
    if len(found) == len(queries):
        return found
    if len(queries) == 1:
        return ["the query makes promtool's report unclear"]
    results: list[dict[str, float] | str] = []
    end = time.monotonic() + _ALL_ALONE_S
    for query in queries:
        if time.monotonic() > end:
            results.append("not evaluated: the queries before it took too long")
            continue
        try:
            alone = _run([query], series, at, rules, interval, _ALONE_S)
            results.append(alone[0] if len(alone) == 1 else "the query makes promtool's report unclear")
        except TooMuch as error:
            results.append(str(error))
    return results


def _run(
    queries: list[str],
    series: Mapping[str, str],
    at: str,
    rules: str,
    interval: str,
    seconds: float = 20.0,
) -> list[dict[str, float] | str]:
    problem = unreadable(rules, "A rule file")
    if problem:
        raise ValueError(problem)
    test = {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        # Nobody can ask for this, so the tool always tells what it got.
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": at,
                "exp_samples": [{"labels": f'{{nobody="{secrets.token_hex(8)}"}}', "value": 0}],
            }
            for query in queries
        ],
    }
    files = {_RULES: rules} if rules.strip() else {}
    # JSON is YAML
    files[_TEST] = json.dumps(
        {"rule_files": [_RULES] if files else [], "evaluation_interval": interval, "tests": [test]}
    )
    said = run_tool(["promtool", "test", "rules", _TEST], files, seconds=seconds)
    entries = _ENTRY.findall(said.err)
    if not entries:  # it did not even come to the queries
        raise ValueError(_reason(said.err + said.out))
    return [err.strip()[-300:] if err else _samples(got) for err, got in entries]


def _samples(got: str) -> dict[str, float]:
    return {labels: float(value) for labels, value in _SAMPLE.findall(got.strip())}


def _reason(said: str) -> str:
    """The line that tells what is wrong."""
    lines = complaints(said, _TEST, _RULES)
    told = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
    return told[-300:] or "promtool said nothing"
