"""Prometheus, Alertmanager and a webhook, for real: an alert goes all the way, and nothing is left of any of them."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from servelab.children import free_port, listening
from servelab.engine.scripted import ScriptedEngine
from servelab.monitoring import server
from servelab.monitoring.errors import MonitoringError
from servelab.monitoring.servers import Alertmanager, Prometheus, label_text
from servelab.monitoring.tools import ToolMissing, find_tool
from servelab.monitoring.webhook import Webhook

pytestmark = pytest.mark.alone  # waits for what comes in time


@pytest.fixture(autouse=True)
def programs() -> Iterator[None]:
    try:
        for name in ("prometheus", "promtool", "prometheus-alertmanager", "amtool"):
            find_tool(name)
    except ToolMissing as error:
        pytest.skip(str(error))

    def left() -> set[Path]:
        found = (
            Path("/tmp").glob(f"servelab-{kind}-*") for kind in ("prometheus", "alertmanager", "monitoring")
        )
        return {path for paths in found for path in paths}

    before = left()
    yield
    assert left() <= before


def scraping(url: str, alertmanager: str = "") -> str:
    return f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['rules/*.yml']
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager or "127.0.0.1:9"}']}}]}}]}}
scrape_configs:
  - job_name: vllm
    static_configs: [{{targets: ['{url.removeprefix("http://")}']}}]
"""


def routing(url: str) -> str:
    return f"""
route: {{receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers: [{{name: pager, webhook_configs: [{{url: '{url}'}}]}}]
"""


DOWN = {
    "rules/alerts.yml": """
groups:
  - name: engine
    rules:
      - {alert: EngineDown, expr: up == 0, labels: {severity: page}, annotations: {summary: 'no answer\n from {{ $labels.job }}'}}
"""
}


def test_an_alert_fires_is_delivered_and_resolves(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        ScriptedEngine(itl_s=0.001, ttft_s=0.01) as engine,
        Webhook(show=True) as webhook,
        Alertmanager(routing(webhook.url)) as alertmanager,
        Prometheus(scraping(engine.url, alertmanager.address), DOWN) as prometheus,
    ):
        pids = {prometheus.pid, alertmanager.pid}
        for one in (prometheus, alertmanager):
            ours = listening(one.pid)
            assert ours is None or {ip for ip, _ in ours} == {"127.0.0.1"}, "open to the network"
            assert ours is None or len(ours) == 1
        assert prometheus.start() is prometheus and prometheus.pid in pids
        up = prometheus.wait_for("up == 1")
        instance = engine.url.removeprefix("http://")
        assert up == {f'{{__name__="up", instance="{instance}", job="vllm"}}': 1}
        (target,) = prometheus.targets()
        assert target == {
            "job": "vllm",
            "instance": instance,
            "url": f"{engine.url}/metrics",
            "health": "up",
            "error": "",
        }
        assert prometheus.alerts() == [] and alertmanager.alerts() == []

        engine.stop()
        stopped = time.perf_counter()
        note = webhook.wait_for("EngineDown", seconds=20)
        assert (note.receiver, note.status) == ("pager", "firing")
        assert stopped < note.received_s < time.perf_counter()
        (alert,) = note.alerts
        assert alert["labels"]["severity"] == "page"
        (ours,), (theirs,) = prometheus.alerts(), alertmanager.alerts()
        assert (ours["name"], ours["state"]) == ("EngineDown", "firing")
        assert (theirs["name"], theirs["state"], theirs["receivers"]) == (
            "EngineDown",
            "active",
            ["pager"],
        )
        assert abs(ours["since"] - time.time()) < 60 and abs(theirs["since"] - time.time()) < 60
        assert "refused" in prometheus.targets()[0]["error"]
        with pytest.raises(MonitoringError, match=r"gave nothing within 0.2 s; down: .*refused"):
            prometheus.wait_for("nothing_has_this_name", seconds=0.2)

        engine.start()
        again = webhook.wait_for("EngineDown", "resolved", seconds=20)
        assert again.received_s > note.received_s and again.status == "resolved"
        ((times, values),) = prometheus.query_range("up", seconds=20, step=0.5).values()
        assert times.dtype == values.dtype == np.float64 and len(times) == len(values) > 4
        assert set(values) == {0, 1} and np.allclose(np.diff(times), 0.5)
    assert not any(map(psutil.pid_exists, pids))
    shown = capsys.readouterr().out.splitlines()
    assert any(line.endswith("pager <- EngineDown firing: no answer from vllm") for line in shown)
    assert len(webhook.notifications) == 2 and webhook.url == ""


def test_queries_of_what_is_given() -> None:
    samples = "".join(
        f'a{{i="{i}",le="0.5"}} {n * (i + 1)} {1_700_000_000 + 15 * n}\n' for i in (0, 1) for n in range(400)
    )
    with Prometheus("", openmetrics=f"# TYPE a gauge\n{samples}# EOF\n") as prometheus:
        assert prometheus.query("a", at=1_700_000_000 + 150) == {
            '{__name__="a", i="0", le="0.5"}': 10,
            '{__name__="a", i="1", le="0.5"}': 20,
        }
        assert prometheus.query("a") == {}  # now is years later
        assert prometheus.query("1 + 1") == {"{}": 2}
        assert prometheus.query("vector(1) / 0") == {"{}": float("inf")}
        for query, told in (
            ("rate(", "unclosed left parenthesis"),
            ("a[5m]", "a range vector, not"),
            ('"x"', "a text, not"),
            ("", "no expression found"),
        ):
            with pytest.raises(ValueError, match=told) as caught:
                prometheus.query(query)
            assert "\n" not in str(caught.value)
        found = prometheus.query_range("sum(a)", start=1_700_000_000, end=1_700_000_600, step=60)
        times, values = found["{}"]
        assert list(times[:2]) == [1_700_000_000, 1_700_000_060] and list(values[:2]) == [0, 12]
        for wrong in ({}, {"seconds": 5, "start": 1}):
            with pytest.raises(ValueError, match="either `seconds` or `start`"):
                prometheus.query_range("a", **wrong)
        with pytest.raises(ValueError, match=r"exceeded maximum resolution"):
            prometheus.query_range("a", start=0, end=1_700_000_600, step=0.001)
        folder, pid = prometheus.folder, prometheus.pid
        prometheus.stop()
        prometheus.stop()
        assert not folder.exists() and not psutil.pid_exists(pid)
        assert (prometheus.pid, prometheus.url, prometheus.folder) == (0, "", None)
        with pytest.raises(MonitoringError, match="Prometheus does not run: start it first"):
            prometheus.query("up")
        assert prometheus.start().query("a", at=1_700_000_150)  # usable twice
        psutil.Process(prometheus.pid).kill()
        psutil.wait_procs([psutil.Process(prometheus.pid)], timeout=5)
        with pytest.raises(MonitoringError, match="does not answer"):
            prometheus.query("up")


def test_a_small_disk_is_told() -> None:
    script = (
        "import resource\nfrom servelab.monitoring.servers import MonitoringError, Prometheus\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**26, 2**26))\n"
        "try:\n    Prometheus('', openmetrics='a 1 1700000000\\n# EOF\\n', start=True)\n"
        "except MonitoringError as error:\n    print(error)\n"
        "print(Prometheus('', start=True).query('1 + 1'))\n"  # without samples of its own it has enough
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "no database of the samples: it sets disk aside" in done.stdout, done.stderr
    assert "{'{}': 2.0}" in done.stdout, done.stderr


def test_labels_as_prometheus_writes_them() -> None:
    assert label_text({}) == "{}"
    assert label_text({"b": 'x"y\\\n', "a": "é"}) == '{a="é", b="x\\"y\\\\\\n"}'


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Prometheus(None), "A configuration is text, not NoneType"),
        (lambda: Prometheus("[1"), "The configuration cannot be used: yaml: line"),
        (lambda: Prometheus("scrape_config: []"), "field scrape_config not found"),
        (lambda: Prometheus("rule_files: [/etc/passwd]"), "'/etc/passwd' is a file outside"),
        (lambda: Alertmanager("templates: [../x]"), "'../x' is a file outside"),
        (lambda: Prometheus("rule_files: [a.yml]"), '"a.yml" does not point to an existing file'),
        (lambda: Prometheus("rule_files: [a.yml]", {"a.yml": "x: 1"}), "a.yml: .*field x not found"),
        (lambda: Prometheus("", {"../a": ""}), "no name of a file"),
        (lambda: Prometheus("", {"a": 5}), "a is text, not int"),
        (lambda: Prometheus("", openmetrics="a 1 1700000000\n"), "no database of the samples: .*# EOF"),
        (lambda: Alertmanager(None), "A configuration is text, not NoneType"),
        (lambda: Alertmanager(""), "Alertmanager refuses the configuration: no route provided"),
        (lambda: Alertmanager("route: {receiver: x}"), 'undefined receiver "x"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(make: object, told: str) -> None:
    with pytest.raises(MonitoringError, match=told) as caught:
        make().start()
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_left_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], free_port()]
        monkeypatch.setattr(server, "free_port", lambda: ports.pop(0))
        with Alertmanager("route: {receiver: x}\nreceivers: [{name: x}]") as alertmanager:
            assert ports == [] and alertmanager.alerts() == []
        ports = [taken.getsockname()[1]] * 3
        with pytest.raises(MonitoringError, match=r"does not start: .*address already in use"):
            Alertmanager("route: {receiver: x}\nreceivers: [{name: x}]", start=True)


def test_they_end_with_their_owner_however_that_ends() -> None:
    script = (
        "import time\nfrom servelab.monitoring.servers import Alertmanager, Prometheus\n"
        "a = Alertmanager('route: {receiver: x}\\nreceivers: [{name: x}]', start=True)\nb = Prometheus('', start=True)\n"
        "print(a.pid, a.folder, b.pid, b.folder, flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    one, its, two, theirs = owner.stdout.readline().split()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    for _ in range(100):
        if not (psutil.pid_exists(int(one)) or psutil.pid_exists(int(two))):
            break
        time.sleep(0.05)
    assert not psutil.pid_exists(int(one)) and not psutil.pid_exists(int(two))
    for folder in (its, theirs):  # who is killed cannot clear away
        shutil.rmtree(folder)


def test_the_webhook_takes_what_comes_and_refuses_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    told = {
        "receiver": "chat",
        "status": "firing",
        "alerts": [{"status": "firing", "labels": {"alertname": "A"}}],
    }
    with Webhook() as webhook:
        assert webhook.start() is webhook
        with httpx.Client(trust_env=False) as client:
            assert client.post(webhook.url, json=told).status_code == 200
            for wrong in (b"", b"{", b"[]", b"5", b'{"alerts": 5}', b'{"alerts": [5]}'):
                assert client.post(webhook.url, content=wrong).status_code == 400
            assert client.get(webhook.url).status_code == 501
        port = int(webhook.url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as broken:  # leaves in the middle
            broken.sendall(b"POST / HTTP/1.0\r\nContent-Length: 99\r\n\r\n{")
        note = webhook.wait_for("A", seconds=1)
        assert str(note) == "chat <- A firing"
        assert capsys.readouterr() == ("", "")
        with pytest.raises(
            MonitoringError, match=r"No notification of A resolved came within 0\.1 s; what came: A firing"
        ):
            webhook.wait_for("A", "resolved", seconds=0.1)
        url = webhook.url
    webhook.stop()
    assert len(webhook.notifications) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    with Webhook() as webhook, pytest.raises(MonitoringError, match="no notification came at all"):
        webhook.wait_for("A", seconds=0.1)


def test_a_bar_shows_long_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    from servelab.monitoring import waiting

    monkeypatch.setattr(waiting, "_QUIET_S", 0.1)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert waiting.until(lambda: time.sleep(0.05), 0.5, "waiting for tea") is None
    assert "waiting for tea" in said.getvalue() and "of at most" in said.getvalue()
