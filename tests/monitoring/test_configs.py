"""What is wrong with configurations of Prometheus and Alertmanager, and that no other file is read to find it."""

from __future__ import annotations

import re
import time

import pytest
from servelab.monitoring import configs
from servelab.monitoring.configs import check_config, outside
from servelab.monitoring.routing import check_routing, receivers
from servelab.monitoring.tools import ToolMissing, find_tool

JOB = "scrape_configs: [{job_name: vllm, metrics_path: /metrics, static_configs: [{targets: ['127.0.0.1:8000']}]}]"
RULES = {"alerts.yml": "groups: [{name: a, rules: [{alert: x, expr: up == 0}]}]"}
ROUTES = """
route:
  receiver: chat
  routes:
    - matchers: [severity="page"]
      receiver: pager
      continue: true
    - matchers: [team="gpu"]
      receiver: gpu
receivers: [{name: chat}, {name: pager}, {name: gpu}]
"""


@pytest.fixture(autouse=True)
def tools(request: pytest.FixtureRequest) -> None:
    try:
        find_tool("promtool"), find_tool("amtool")
    except ToolMissing as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "text", ["", JOB, f"rule_files: ['*.yml']\n{JOB}", f"rule_files: [alerts.yml]\n{JOB}"]
)
def test_nothing_to_complain_about(text: str) -> None:
    assert check_config(text, RULES) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "A configuration is text, not NoneType"),
        ("#" * 300_000, "longer than"),
        ("[1", "did not find expected"),
        ("words", "cannot unmarshal"),
        ("global:\n\tscrape_interval: 1s", "line 2"),
        ("scrape_config: []", "field scrape_config not found"),
        ("scrape_configs: [{job_name: a}, {job_name: a}]", 'multiple scrape configs with job name "a"'),
        ("global: {scrape_interval: soon}", "not a valid duration"),
        ("scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x/y']}]}]", "not a valid hostname"),
        ("rule_files: [none.yml]", '"none.yml" does not point to an existing file'),
        ("rule_files: [wrong.yml]", "wrong.yml: .*unclosed left parenthesis"),
        ('a: "\ud800"', "surrogates not allowed"),
    ],
)  # fmt: skip
def test_each_complaint_is_a_line(text: object, told: str) -> None:
    wrong = "groups: [{name: a, rules: [{record: x, expr: 'up('}]}]"
    found = check_config(text, {**RULES, "wrong.yml": wrong})
    assert any(re.search(told, line) for line in found), found
    assert all("\n" not in line for line in found)


def test_rules_are_texts_with_names_in_the_folder() -> None:
    assert check_config("", {"x.yml": None}) == ["x.yml is text, not NoneType"]
    assert check_config("", {"../x.yml": ""}) == ["'../x.yml' is no name of a file in this folder"]


@pytest.mark.parametrize(
    "text",
    [
        "rule_files: [/etc/passwd]",
        "rule_files: [a/../../b]",
        'rule_files:\n- "\\x2fetc/passwd"',
        "scrape_configs: [{job_name: a, authorization: {credentials_file: /etc/shadow}}]",
        "scrape_configs: [{job_name: a, file_sd_configs: [{files: [x.json, '/etc/*.json']}]}]",
        "scrape_configs: [{job_name: a, tls_config: {ca_file: ../ca}}]",
        "scrape_configs: [{job_name: a, metrics_path: &x /etc/x, authorization: {credentials_file: *x}}]",
        "scrape_configs: [{job_name: a, static_configs: [{targets: &x [/etc/x]}]}]\nrule_files: *x",
        "rule_files: &a [&b [/x]]",
        "? rule_files\n: [/x]",
        "rule_files: [!!binary L2V0Yy9zaGFkb3c=]",
        "a: &a rule_files\n*a : [/x]",
        "--- {}\n--- {rule_files: [/x]}",
    ],
)
def test_no_other_file_is_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "run_tool", lambda *_: pytest.fail("promtool was started"))
    found = check_config(text)
    assert found and all(re.match(r"line \d+: ", line) for line in found)


@pytest.mark.parametrize(
    "text", [JOB, "a: /x", "a: {b: [/x]}", "rule_files: [x, y/z.yml, 'w..yml']", "a: &x 1\nb: *x"]
)
def test_what_only_looks_like_it_is_fine(text: str) -> None:
    assert outside(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a: [" + "{b: " * 20_000,
        "a: &a [1, 1]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(5000)),
        "a: [" + "1," * 99_000 + "1]",
    ],
    ids=["lists", "mappings", "aliases", "parts"],
)
def test_what_is_hostile_is_refused_soon(text: str) -> None:
    started = time.monotonic()
    assert check_config(text)
    assert time.monotonic() - started < 10


def test_routing_is_checked() -> None:
    assert check_routing(ROUTES) == []
    for text, told in (
        (None, "is text"),
        ("", "no route provided"),
        ("[1", "did not find expected"),
        ("words", "cannot unmarshal"),
        (ROUTES.replace("receiver: gpu", "receiver: cpu"), 'undefined receiver "cpu" used in route'),
        (ROUTES.replace("route:", "route:\n  group_wait: soon"), "not a valid duration"),
        (ROUTES.replace('team="gpu"', "team"), "bad matcher format: team"),
        (f"templates: [/etc/passwd]\n{ROUTES}", "'/etc/passwd' is a file outside of this folder"),
        (f"{ROUTES}\nroutes: []", "field routes not found"),
    ):
        found = check_routing(text)
        assert any(told in line for line in found), (text, found)
        assert all("\n" not in line for line in found)


def test_receivers_in_the_order_of_the_routes() -> None:
    assert receivers(ROUTES, {"severity": "page", "team": "gpu"}) == ["pager", "gpu"]
    assert receivers(ROUTES, {"severity": "page"}) == ["pager"]
    assert receivers(ROUTES, {"severity": "info"}) == receivers(ROUTES, {}) == ["chat"]
    awkward = 'a "b", {c}\\\n'
    assert receivers(ROUTES, {"severity": awkward}) == ["chat"]
    quoted = ROUTES.replace('[team="gpu"]', '[\'team="a, \\"b\\""\']')
    assert receivers(quoted, {"team": 'a, "b"'}) == ["gpu"]


def test_receivers_of_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="no route provided"):
        receivers("", {})
    with pytest.raises(ValueError, match="'a-b' is no name of a label"):
        receivers(ROUTES, {"a-b": "c"})
