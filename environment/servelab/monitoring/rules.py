"""Rule files: what is wrong with one, and which alerts fire when, as Prometheus itself tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from servelab.monitoring.tools import Said, complaints, run_tool, unreadable

_RULES, _TEST = "rules.yml", "test.yml"
_NONE = "it holds no rules: a rule file has `groups:`, a list; each with `name:` and `rules:`"
_FOUND = re.compile(r"(\d+) rules found")
_AT = re.compile(r'^    expr: "ALERTS\{.*", time: (\S+),(?: err: .*|\n +exp: .*\n +got: (.*))$', re.M)
_SAMPLE = re.compile(r"(\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*\}) \S+?(?:, |$)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")')
_LABELS = re.compile(r"^ +Labels:(\{.*\})$")
_ANNOTATIONS = re.compile(r"^ +Annotations:(\{.*\})$")
_ALERT_TEST = re.compile(r"^    alertname: .*, time: (.*?), ?$")


@dataclass(frozen=True)
class Alert:
    """An alert that fires: its labels, `alertname` among them, and its annotations with their templates filled in."""

    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def name(self) -> str:
        """The alert rule's name."""
        return self.labels.get("alertname", "")


def check_rules(text: str) -> list[str]:
    """What Prometheus complains about in a rule file.

    Args:
        text: the file's text. No file is read beside it: a rule file cannot name others.

    Returns:
        One line for each complaint; empty where there is none.

    Raises:
        ToolMissing: Prometheus's tools are not installed.
    """
    problem = unreadable(text, "A rule file")
    if problem:
        return [problem]
    try:
        said = run_tool(["promtool", "check", "rules", _RULES], {_RULES: text})
    except ValueError as error:
        return [str(error)]
    found = complaints(said.err, _RULES)
    if found:
        return found
    if said.status:
        return ["promtool refuses it without a word"]
    number = _FOUND.search(said.out)
    return [_NONE] if number and number[1] == "0" else []


def firing(
    rules: str, series: Mapping[str, str], times: Sequence[str], *, interval: str = "15s"
) -> dict[str, list[dict[str, str]]]:
    """Which alerts fire at which times; an alert that is still pending does not.

    Args:
        rules: text of a rule file, with alert rules and recording rules.
        series: samples by series, one an `interval`, in promtool's notation: `{'up{job="vllm"}': "1x10 0x20"}`.
        times: from the first sample on: `["0m", "10m"]`.
        interval: time between samples, and between evaluations of the rules.

    Returns:
        For each time the labels of the alerts that fire, `alertname` among them, sorted.

    Raises:
        ValueError: the rules, the series or the times are wrong; one line with what Prometheus says.
        ToolMissing: Prometheus's tools are not installed.
    """
    # Prometheus keeps the series ALERTS of its own alerts, so the rules need not be read here to know their names.
    queries = [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": time, "exp_samples": _UNEXPECTED}
        for time in dict.fromkeys(times)
    ]
    said = _test(rules, series, interval, "promql_expr_test", queries)
    found = _AT.findall(said.err)
    if len(found) != len(queries):
        raise ValueError(_reason(said))
    by_time = {
        query["eval_time"]: _alerts(got) for query, (_, got) in zip(queries, found, strict=True)
    }  # promtool tells them in the order in which they were asked
    return {time: by_time[time] for time in times}


def alerts_at(
    rules: str, series: Mapping[str, str], times: Sequence[str], *, interval: str = "15s"
) -> dict[str, list[Alert]]:
    """As `firing`, with the annotations too, for which it asks promtool a second time.

    Args and Raises: as `firing`.

    Returns:
        For each time the alerts that fire.
    """
    labels = firing(rules, series, times, interval=interval)
    names = sorted({alert["alertname"] for alerts in labels.values() for alert in alerts})
    if not names:
        return {time: [] for time in times}
    # Every test asks at one time for one name, and expects nothing: what fires is then told, and nothing else is.
    seconds = {time: _seconds(time) for time in times}
    once = {at: time for time, at in seconds.items()}.values()  # not both 60s and 1m
    asked = [{"eval_time": time, "alertname": name} for time in once for name in names]
    said = _test(rules, series, interval, "alert_rule_test", asked)
    by_seconds: dict[float, list[Alert]] = {}
    for at, alert in _told(said.err.splitlines()):
        by_seconds.setdefault(at, []).append(alert)
    return {
        time: sorted(by_seconds.get(seconds[time], []), key=lambda a: sorted(a.labels.items()))
        for time in times
    }


_UNEXPECTED = [{"labels": '{nobody="expects_this"}', "value": 0}]


def _test(rules: str, series: Mapping[str, str], interval: str, kind: str, asked: object) -> Said:
    problem = unreadable(rules, "A rule file")
    if problem:
        raise ValueError(problem)
    test = {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        kind: asked,
    }
    text = json.dumps({"rule_files": [_RULES], "evaluation_interval": interval, "tests": [test]})
    return run_tool(["promtool", "test", "rules", _TEST], {_RULES: rules, _TEST: text})


def _alerts(got: str) -> list[dict[str, str]]:
    found = [_pairs(labels) for labels in _SAMPLE.findall(got.strip())]
    return sorted(
        ({k: v for k, v in labels.items() if k not in ("__name__", "alertstate")} for labels in found),
        key=lambda labels: sorted(labels.items()),
    )


def _told(lines: Iterable[str]) -> list[tuple[float, Alert]]:
    """The alerts in promtool's report of what it got, with the times in seconds."""
    found, at, labels, got = [], 0.0, {}, False
    for line in lines:
        if test := _ALERT_TEST.match(line):
            at, got = _seconds(test[1]), False
        elif line.strip().startswith("got:["):
            got = True
        elif got and (match := _LABELS.match(line)):
            labels = _pairs(match[1])
        elif got and (match := _ANNOTATIONS.match(line)):
            found.append((at, Alert(labels, _pairs(match[1]))))
    return found


def _pairs(text: str) -> dict[str, str]:
    return {name: _unquoted(value) for name, value in _PAIR.findall(text)}


def _unquoted(text: str) -> str:
    """A string as Go quotes it. JSON's escapes are the same but for a few control characters."""
    try:
        return json.loads(text, strict=False)
    except ValueError:
        return text[1:-1]


_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def _seconds(text: str) -> float:
    """A duration as Prometheus writes it, `1h30m`."""
    return sum(float(n) * _UNITS_S[unit] for n, unit in re.findall(r"([\d.]+)(ms|[smhdwy])", text))


def _reason(said: Said) -> str:
    lines = complaints(said.err, _TEST, _RULES)
    return lines[0] if lines else "promtool said nothing"
