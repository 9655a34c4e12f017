"""Watching an engine with Prometheus's own programs: queries, rules, routes and dashboards, checked and run.

| module | what it holds |
|---|---|
| `promql`, `rules` | what queries come to and which alerts fire, over series that are given |
| `configs`, `routing` | what is wrong with configurations; who is told of an alert |
| `servers`, `webhook` | a real Prometheus and a real Alertmanager, and who takes their notifications |
| `dashboards`, `vllm_dashboard` | what a Grafana dashboard shows, and what is wrong with it; the course's own, built from code |
| `server`, `tools`, `waiting` | what these share: a child program, the command-line tools, waiting with a bar |
"""

from __future__ import annotations

from servelab.monitoring.configs import check_config
from servelab.monitoring.dashboards import Panel, panels, problems, reference
from servelab.monitoring.errors import MonitoringError
from servelab.monitoring.promql import value_of, values_of
from servelab.monitoring.routing import check_routing, receivers
from servelab.monitoring.rules import Alert, alerts_at, check_rules, firing
from servelab.monitoring.servers import Alertmanager, Prometheus
from servelab.monitoring.tools import ToolMissing
from servelab.monitoring.webhook import Notification, Webhook

__all__ = [
    "Alert",
    "Alertmanager",
    "MonitoringError",
    "Notification",
    "Panel",
    "Prometheus",
    "ToolMissing",
    "Webhook",
    "alerts_at",
    "check_config",
    "check_routing",
    "check_rules",
    "firing",
    "panels",
    "problems",
    "receivers",
    "reference",
    "value_of",
    "values_of",
]
