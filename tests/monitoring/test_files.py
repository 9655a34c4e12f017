"""environment/monitoring: rules fire when they should and only then, names are vLLM's, and the servers are closed to others."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from servelab.monitoring import check_config, check_routing, check_rules, firing, receivers, reference
from servelab.monitoring.tools import ToolMissing, find_tool

FOLDER = ROOT / "environment" / "monitoring"
RULES = {
    f"rules/{name}.yml": (FOLDER / "rules" / f"{name}.yml").read_text() for name in ("recording", "alerts")
}
# One file of both, for `firing`: the groups of the second follow those of the first.
ALL = RULES["rules/recording.yml"] + RULES["rules/alerts.yml"].partition("groups:\n")[2]
ALERTS = [rule for group in yaml.safe_load(RULES["rules/alerts.yml"])["groups"] for rule in group["rules"]]
ROUTES = (FOLDER / "alertmanager.yml").read_text()


@pytest.fixture(autouse=True)
def tools() -> None:
    try:
        find_tool("promtool"), find_tool("amtool")
    except ToolMissing as error:
        pytest.skip(str(error))


def test_prometheus_and_alertmanager_accept_them() -> None:
    assert check_config((FOLDER / "prometheus.yml").read_text(), RULES) == []
    assert check_routing(ROUTES) == []
    for text in (*RULES.values(), ALL):
        assert check_rules(text) == []


@pytest.mark.parametrize("file", sorted((FOLDER / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_promtools_own_tests(file: Path) -> None:
    done = subprocess.run(
        [find_tool(), "test", "rules", file.name],
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_test_that_fires_and_one_that_stays_silent() -> None:
    cases = [
        case
        for file in (FOLDER / "tests").glob("*.yml")
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    ]
    for name in {rule["alert"] for rule in ALERTS}:
        assert {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == name} == {
            True,
            False,
        }, name


def engine(name: str, values: str, **labels: str) -> dict[str, str]:
    told = ",".join(
        f'{k}="{v}"' for k, v in {"job": "vllm", "instance": "i", "model_name": "x", **labels}.items()
    )
    return {f"{name}{{{told}}}": values}


def ttft(quick: int, all_: int) -> dict[str, str]:
    bucket = "vllm:time_to_first_token_seconds_bucket"
    return (
        engine(bucket, f"0+{quick}x60", le="0.25")
        | engine(bucket, f"0+{all_}x60", le="0.75")
        | engine(bucket, f"0+{all_}x60", le="+Inf")
    )


def errors(failed: str, fine: str) -> dict[str, str]:
    total = "vllm:request_success_total"
    return engine(total, failed, finished_reason="error") | engine(total, fine, finished_reason="length")


def cache(found: int, asked: int) -> dict[str, str]:
    return engine("vllm:prefix_cache_hits_total", f"0+{found}x150") | engine(
        "vllm:prefix_cache_queries_total", f"0+{asked}x150"
    )


def pool(usage: float, preempted: str, waiting: str) -> dict[str, str]:
    return (
        engine("vllm:kv_cache_usage_perc", f"{usage}x60")
        | engine("vllm:num_preemptions_total", preempted)
        | engine("vllm:num_requests_waiting", waiting)
    )


UP = {'up{job="vllm",instance="z"}': "1x400"}
# Per alert: series on which it fires, others on which it stays silent, and when. One sample a minute; of errors one in two minutes, because
# hours are played through.
CASES: dict[str, list[tuple[dict[str, str], dict[str, str], str]]] = {
    "EngineDown": [
        ({'up{job="vllm",instance="i"}': "1x5 0x20"}, {'up{job="vllm",instance="i"}': "0 1x30"}, "10m"),
        ({'up{job="node"}': "1x30"}, UP, "10m"),
    ],
    "HighTimeToFirstToken": [
        (ttft(80, 100), ttft(96, 100), "30m"),
        (ttft(0, 1), ttft(0, 0), "30m"),
    ],
    "QueueGrows": [
        (engine("vllm:num_requests_waiting", "2+3x60"), engine("vllm:num_requests_waiting", "90x60"), "20m"),
        (engine("vllm:num_requests_waiting", "0x10 1+2x60"), engine("vllm:num_requests_waiting", "200-3x60"), "30m"),
    ],
    "KVCachePressure": [
        (pool(0.97, "0+2x60", "0x60"), pool(0.97, "0x60", "0x60"), "20m"),
        (pool(0.97, "0x60", "4x60"), pool(0.9, "0+2x60", "4x60"), "20m"),
    ],
    "ErrorBudgetBurn": [
        (errors("0+5x100", "0+95x100"), errors("0+1x100", "0+9999x100"), "190m"),
        (errors("0+1x190", "0+120x190"), errors("0x160 0+50x5 250x30", "0+900x200"), "365m"),
        (errors("0x100 0+3x40", "0+100x140"), errors("7x140", "0+100x140"), "270m"),
    ],
    "PrefixCacheCold": [
        (cache(60, 6000), cache(1200, 6000), "120m"),
        (cache(0, 900), cache(0, 300), "120m"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("alert", "fires", "silent", "at"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
    ids=[f"{name}-{i}" for name, cases in CASES.items() for i in range(len(cases))],
)
def test_an_alert_fires_on_one_and_not_on_the_other(
    alert: str, fires: dict[str, str], silent: dict[str, str], at: str
) -> None:
    up = {} if alert == "EngineDown" else UP

    interval = "2m" if alert == "ErrorBudgetBurn" else "1m"

    def names(series: dict[str, str]) -> set[str]:
        return {one["alertname"] for one in firing(ALL, series | up, [at], interval=interval)[at]}

    assert names(fires) == {alert}
    assert alert not in names(silent)


def test_every_alert_has_a_case() -> None:
    assert set(CASES) == {rule["alert"] for rule in ALERTS}


def test_each_alert_says_what_to_do() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("page", "ticket", "info")
        assert rule["for"]
        for key in ("summary", "description", "runbook"):
            assert rule["annotations"][key].strip(), (rule["alert"], key)
        assert "DCGM_FI_DEV_FB" not in rule["expr"], "GPU memory is full by design"


def test_who_is_told() -> None:
    told = {
        severity: receivers(ROUTES, {"alertname": "A", "severity": severity})
        for severity in ("page", "ticket", "info", "new")
    }
    assert told == {"page": ["pager"], "ticket": ["tickets"], "info": ["nobody"], "new": ["tickets"]}


def names_in(text: str) -> set[str]:
    """vLLM's metrics that a text asks for; a rule's own names have no vllm: at their start."""
    return set(re.findall(r"(?<![\w:])vllm:\w+", text))


def test_names_are_vllms() -> None:
    spec = importlib.util.find_spec("vllm")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("vLLM is not installed here")
    source = (Path(spec.submodule_search_locations[0]) / "v1" / "metrics" / "loggers.py").read_text()
    kinds = {}
    for kind, name in re.findall(r"self\._(counter|gauge|histogram)_cls\(\s*name=\"(vllm:\w+)\"", source):
        kinds[name] = kind
    known = {
        name + suffix
        for name, kind in kinds.items()
        for suffix in {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}[
            kind
        ]
    }
    used = names_in(ALL) | names_in(str(reference()))
    assert len(used) > 10 and used <= known, used - known
    assert "vllm:num_preemptions" not in known  # a counter without its ending would be found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "environment" / "containers" / "compose.yaml").read_text())
    return {name: found["services"][name] for name in ("prometheus", "alertmanager", "grafana")} | {
        "volumes": found["volumes"]
    }


def test_the_services_are_pinned_closed_and_read_only(services: dict[str, Any]) -> None:
    volumes = services.pop("volumes")
    for name, service in services.items():
        assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+", service["image"]), name
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service["ports"])
        assert service["mem_limit"] and service["healthcheck"]["test"]
        for volume in service["volumes"]:
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert mode == ["ro"] and (ROOT / "environment" / "containers" / source).exists(), volume
            else:
                assert source in volumes and not mode
            assert target.startswith("/")
    services["volumes"] = volumes
    assert not any("lifecycle" in part or "admin-api" in part for part in services["prometheus"]["command"])
    assert "--cluster.listen-address=" in services["alertmanager"]["command"]


def test_grafana_is_of_the_sdks_version(services: dict[str, Any]) -> None:
    lock = (ROOT / "environment" / "locks" / "cpu.txt").read_text()
    version = re.search(r"^grafana-foundation-sdk==\d+!(\d+\.\d+\.\d+)", lock, re.M)
    assert version and services["grafana"]["image"] == f"grafana/grafana:{version[1]}"


def test_grafana_finds_prometheus_and_the_dashboard(services: dict[str, Any]) -> None:
    (source,) = yaml.safe_load((FOLDER / "grafana" / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090" and source["isDefault"]
    (provider,) = yaml.safe_load((FOLDER / "grafana" / "dashboards" / "files.yml").read_text())["providers"]
    mounted = {volume.split(":")[1] for volume in services["grafana"]["volumes"]}
    assert provider["options"]["path"] in mounted
    assert services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith(
        provider["options"]["path"]
    )
