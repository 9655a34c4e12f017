"""The real Prometheus and the real Alertmanager, started for a lesson and gone after it."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from servelab.children import HOST, program_folders
from servelab.monitoring.configs import outside
from servelab.monitoring.errors import MonitoringError
from servelab.monitoring.server import Server
from servelab.monitoring.tools import complaints, find_tool, run_in, unreadable, write_files
from servelab.monitoring.waiting import until

# Not *.yml: a pattern in `rule_files` must not find the configuration itself.
_CONFIG = "prometheus.conf"
_SEED_S = 120.0


class Prometheus(Server):
    """A running Prometheus.

    Args:
        config: text of prometheus.yml.
        rules: texts of rule files, by the names under which `rule_files` of the configuration finds them.
        openmetrics: samples with their times, as OpenMetrics text that ends with `# EOF`. The database holds them from the
            start on; ask for them with `at`, or `start` and `end`. Making it sets disk aside for a moment, more than
            the sandbox of grading has: there, use `promql.values_of`.
        start: start at once; otherwise when a `with` block begins.

    Attributes:
        url: for example "http://127.0.0.1:32123"; empty while it does not run.
        pid: its process; 0 while it does not run.
        folder: where its files are; None while it does not run.
    """

    name = "Prometheus"

    def __init__(
        self,
        config: str,
        rules: Mapping[str, str] | None = None,
        *,
        openmetrics: str | None = None,
        start: bool = False,
    ) -> None:
        self.config, self.rules, self.openmetrics = config, dict(rules or {}), openmetrics
        super().__init__(start=start)

    def query(self, expr: str, at: float | None = None) -> dict[str, float]:
        """Evaluate a PromQL expression at one moment.

        Args:
            expr: the expression; it must give an instant vector or a scalar.
            at: the moment in seconds since 1970; now, if not given.

        Returns:
            Value by labels, as `promql.value_of` gives them: `{'{instance="a", job="b"}': 0.25}`, `{"{}": 1.0}`.

        Raises:
            ValueError: Prometheus cannot evaluate it; one line in its words.
            MonitoringError: it does not run.
        """
        told = self._get("/api/v1/query", query=str(expr), **({} if at is None else {"time": at}))["data"]
        if told["resultType"] == "scalar":
            return {"{}": float(told["result"][1])}
        if told["resultType"] != "vector":
            kind = {"matrix": "a range vector", "string": "a text"}.get(
                told["resultType"], told["resultType"]
            )
            raise ValueError(f"the expression gives {kind}, not one value for each series")
        return {label_text(one["metric"]): float(one["value"][1]) for one in told["result"]}

    def query_range(
        self,
        expr: str,
        *,
        seconds: float | None = None,
        start: float | None = None,
        end: float | None = None,
        step: float = 1.0,
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Evaluate a PromQL expression again and again over a stretch of time, as a chart does.

        Args:
            expr: the expression.
            seconds: the length of the stretch, up to its end; instead of `start`.
            start: its begin, in seconds since 1970.
            end: its end; now, if not given.
            step: seconds from one evaluation to the next.

        Returns:
            By labels two arrays of the same length: times in seconds since 1970, and values.

        Raises:
            ValueError: Prometheus cannot evaluate it, or neither or both of `seconds` and `start` are given.
            MonitoringError: it does not run.
        """
        if (seconds is None) == (start is None):
            raise ValueError("query_range needs either `seconds` or `start`")
        end = time.time() if end is None else end
        start = end - seconds if start is None else start
        told = self._get("/api/v1/query_range", query=str(expr), start=start, end=end, step=step)["data"]
        return {
            label_text(one["metric"]): (
                np.array([float(t) for t, _ in one["values"]]),
                np.array([float(v) for _, v in one["values"]]),
            )
            for one in told["result"]
        }

    def targets(self) -> list[dict[str, str]]:
        """What is scraped: job, instance, url, health ("up", "down", or "unknown" before the first scrape) and error."""
        told = self._get("/api/v1/targets", state="active")["data"]["activeTargets"]
        found = [
            {
                "job": one["labels"].get("job", ""),
                "instance": one["labels"].get("instance", ""),
                "url": one["scrapeUrl"],
                "health": one["health"],
                "error": one["lastError"],
            }
            for one in told
        ]
        return sorted(found, key=lambda one: (one["job"], one["instance"]))

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing: name, state, labels, annotations, and since when (seconds since 1970)."""
        told = self._get("/api/v1/alerts")["data"]["alerts"]
        return [
            {
                "name": one["labels"].get("alertname", ""),
                "state": one["state"],
                "labels": one["labels"],
                "annotations": one.get("annotations", {}),
                "since": _unix_s(one["activeAt"]),
            }
            for one in told
        ]

    def wait_for(self, expr: str, *, seconds: float = 30) -> dict[str, float]:
        """Ask again and again until an expression gives something. A bar shows how long, after a few seconds.

        Args:
            expr: the expression: `up == 1`, `ALERTS{alertstate="firing"}`.
            seconds: how long at most.

        Returns:
            What it gave, as `query` does.

        Raises:
            ValueError: Prometheus cannot evaluate it.
            MonitoringError: nothing came in that time; with the targets that are down.
        """

        def ask() -> dict[str, float]:
            found = self.query(expr)
            if not found:
                time.sleep(0.1)
            return found

        found = until(ask, seconds, "waiting")
        if found is None:
            down = [f"{t['instance']}: {t['error']}" for t in self.targets() if t["health"] == "down"]
            told = f"; down: {'; '.join(down)}" if down else ""
            raise MonitoringError(f"{expr!r} gave nothing within {seconds:g} s{told}")
        return found

    def _prepare(self, folder: Path) -> None:
        for text, what in ((self.config, "A configuration"), *((t, n) for n, t in self.rules.items())):
            if problem := unreadable(text, what):
                raise MonitoringError(f"{problem}.")
        _only_its_own_files(self.config)
        try:
            write_files(folder, {_CONFIG: self.config, **self.rules})
            said = run_in(folder, [find_tool(), "check", "config", "--lint=none", _CONFIG])
            if said.status:
                told = (complaints(said.err, _CONFIG) or ["promtool said nothing"])[0]
                raise MonitoringError(f"Prometheus refuses the configuration: {told}")
            if self.openmetrics is not None:
                self._seed(folder)
        except ValueError as error:
            raise MonitoringError(f"{error}.") from None

    def _seed(self, folder: Path) -> None:
        file = folder / "samples.txt"
        file.write_text(self.openmetrics)
        command = [find_tool(), "tsdb", "create-blocks-from", "openmetrics", "--quiet", file.name, "data"]
        said = run_in(folder, command, _SEED_S)
        file.unlink()
        if said.status:
            told = (complaints(said.err) or ["promtool said nothing"])[-1]
            if "preallocate" in told:
                told = "it sets disk aside for a moment, more than there is here"
            raise MonitoringError(f"promtool makes no database of the samples: {told}")

    def _command(self, port: int) -> Sequence[str]:
        return [
            find_tool("prometheus"),
            f"--config.file={_CONFIG}",
            "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100y",  # samples that are given may be old
            f"--web.listen-address={HOST}:{port}",
            # It learns of an Alertmanager within 5 s. An alert before that is lost, and would be sent again after a minute.
            "--rules.alert.resend-delay=1s",
            "--log.level=warn",
        ]


class Alertmanager(Server):
    """A running Alertmanager, alone: it opens no port for others of its kind.

    Args:
        config: text of alertmanager.yml.
        start: start at once; otherwise when a `with` block begins.

    Attributes:
        url: for example "http://127.0.0.1:32124"; empty while it does not run.
        pid: its process; 0 while it does not run.
        folder: where its files are; None while it does not run.
    """

    name = "Alertmanager"

    def __init__(self, config: str, *, start: bool = False) -> None:
        self.config = config
        super().__init__(start=start)

    @property
    def address(self) -> str:
        """What prometheus.yml takes as a target: "127.0.0.1:32124"; empty while it does not run."""
        return self.url.removeprefix("http://")

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that it has: name, state ("active", "suppressed"), labels, annotations, receivers, since (seconds since 1970)."""
        return [
            {
                "name": one["labels"].get("alertname", ""),
                "state": one["status"]["state"],
                "labels": one["labels"],
                "annotations": one["annotations"],
                "receivers": [receiver["name"] for receiver in one["receivers"]],
                "since": _unix_s(one["startsAt"]),
            }
            for one in self._get("/api/v2/alerts")
        ]

    def _prepare(self, folder: Path) -> None:
        if problem := unreadable(self.config, "A configuration"):
            raise MonitoringError(f"{problem}.")
        _only_its_own_files(self.config)
        write_files(folder, {"alertmanager.yml": self.config})
        # Debian's program has none built in: see SHARED in environment/bootstrap.py.
        shares = (bin_.parent / "share" / "prometheus-alertmanager" for bin_ in program_folders())
        if templates := next((share for share in shares if share.is_dir()), None):
            shutil.copytree(templates, folder / "templates")
        try:
            said = run_in(folder, [find_tool("amtool"), "check-config", "alertmanager.yml"])
        except ValueError as error:
            raise MonitoringError(f"{error}.") from None
        if said.status:
            told = complaints(said.out.partition("FAILED:")[2]) or complaints(said.err) or ["it said nothing"]
            raise MonitoringError(f"Alertmanager refuses the configuration: {told[0]}")

    def _command(self, port: int) -> Sequence[str]:
        return [
            find_tool("prometheus-alertmanager"),
            "--config.file=alertmanager.yml",
            "--storage.path=data",
            "--cluster.listen-address=",
            f"--web.listen-address={HOST}:{port}",
            "--log.level=warn",
        ]


def _only_its_own_files(config: str) -> None:
    """Whoever wrote the configuration is not always who runs it: a grader's files are no business of a student's."""
    if found := outside(config):
        raise MonitoringError(f"The configuration cannot be used: {found[0]}")


def label_text(labels: Mapping[str, str]) -> str:
    """Labels in Prometheus's own notation, sorted: `{instance="a", job="b"}`."""
    pairs = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items()))
    return "{" + ", ".join(pairs) + "}"


def _unix_s(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return math.nan
