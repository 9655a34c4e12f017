"""What is wrong with a rule file, and which of its alerts fire when."""

from __future__ import annotations

import re

import pytest
from servelab.monitoring.rules import Alert, alerts_at, check_rules, firing
from servelab.monitoring.tools import ToolMissing, find_tool

DOWN = """
groups:
  - name: engine
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: up == 0
        for: 2m
        labels: {severity: page}
        annotations: {summary: '{{ $labels.job }} is "down", all {{ $value | humanize }}'}
      - alert: AllDown
        expr: job:up:sum == 0
      - alert: Never
        expr: up > 1
"""


@pytest.fixture(autouse=True)
def promtool() -> None:
    try:
        find_tool()
    except ToolMissing as error:
        pytest.skip(str(error))


def test_nothing_to_complain_about() -> None:
    assert check_rules(DOWN) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "A rule file is text, not NoneType"),
        (b"groups: []", "is text, not bytes"),
        ("", "it holds no rules: a rule file has `groups:`"),
        ("groups:", "it holds no rules"),
        ("groups: []", "it holds no rules"),
        ("[1", "yaml: line 1: did not find expected"),
        ("words", "cannot unmarshal !!str `words`"),
        ("rules: []", "field rules not found"),
        ("- 1", "cannot unmarshal !!seq"),
        ("groups:\n- name: a\n  rules:\n  - {alert: x, expr: 'rate('}", r"4:\d+: group \"a\", rule 1, \"x\": .*unclosed left paren"),
        ("groups: [{name: a, rules: [{record: '1 x', expr: up}]}]", "invalid recording rule name"),
        ("groups: [{name: a, rules: [{alert: x, expr: up, for: soon}]}]", "not a valid duration string"),
        ("groups: [{name: a, rules: [{alert: x, expr: up, annotations: {s: '{{ $labels.'}}]}]", "annotation \"s\""),
        ("groups: [{name: a, rules: [{record: x, expr: up}, {record: x, expr: up}]}]", r"1 duplicate rule\(s\): x"),
        ("groups: [{name: a, rules: []}, {name: a, rules: []}]", "repeated in the same file"),
        ("\0", "control characters"),
        ("#" * 300_000, "longer than 200,000"),
        ("a: &a [1, 1]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]", "field a not found"),
    ],
)  # fmt: skip
def test_each_complaint_is_a_line(text: object, told: str) -> None:
    found = check_rules(text)
    assert any(re.search(told, line) for line in found), found
    assert all("\n" not in line and "rules.yml" not in line for line in found)


def test_every_fault_of_a_file_is_told() -> None:
    text = DOWN.replace("up == 0", "up ==").replace("up > 1", "nothing(up)")
    assert len(check_rules(text)) == 2


def test_alerts_fire_after_their_time_and_no_longer() -> None:
    series = {'up{job="a"}': "1x3 0x15 1x20", 'up{job="b"}': "1x50"}
    found = firing(DOWN, series, ["0m", "1m", "2m", "3m", "10m"])
    down = {"alertname": "Down", "job": "a", "severity": "page"}
    assert found == {
        "0m": [],
        "1m": [{"alertname": "AllDown", "job": "a"}],
        "2m": [{"alertname": "AllDown", "job": "a"}],
        "3m": [{"alertname": "AllDown", "job": "a"}, down],
        "10m": [],
    }


def test_annotations_are_filled_in() -> None:
    series = {'up{job="x, {y} \\"z\\""}': "0x50"}
    found = alerts_at(DOWN, series, ["1m", "3m", "180s"])
    down = Alert(
        {"alertname": "Down", "job": 'x, {y} "z"', "severity": "page"},
        {"summary": 'x, {y} "z" is "down", all 0'},
    )
    assert found["1m"] == [Alert({"alertname": "AllDown", "job": 'x, {y} "z"'}, {})]
    assert found["3m"] == found["180s"] == [found["1m"][0], down]
    assert down.name == "Down"
    assert alerts_at(DOWN, {"up": "1x9"}, ["1m"]) == {"1m": []}


def test_the_interval_is_that_of_samples_and_rules() -> None:
    assert firing(DOWN, {"up": "0x9"}, ["2m", "3m"], interval="1m")["2m"] == [
        {"alertname": "AllDown"},
        {"alertname": "Down", "severity": "page"},
    ]


@pytest.mark.parametrize(
    ("rules", "series", "times", "told"),
    [
        (DOWN.replace("up == 0", "up =="), {}, ["1m"], "parse error"),
        (None, {}, ["1m"], "is text"),
        ("[1", {}, ["1m"], "yaml"),
        (DOWN, {"up{": "1"}, ["1m"], "parse error"),
        (DOWN, {"up": "1"}, ["soon"], "not a valid duration"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    rules: str, series: dict[str, str], times: list[str], told: str
) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        firing(rules, series, times)
    assert "\n" not in str(caught.value)
