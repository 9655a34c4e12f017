"""Alertmanager's configuration: what is wrong with it, and who is told of an alert, as `amtool` finds it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from servelab.monitoring.configs import outside
from servelab.monitoring.tools import complaints, run_tool, unreadable

_CONFIG = "alertmanager.yml"
_FAILED = re.compile(rf"^Checking '{re.escape(_CONFIG)}' +FAILED: ?", re.M)
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check_routing(config: str) -> list[str]:
    """What Alertmanager complains about in a configuration.

    amtool runs in a new folder that holds this text only; one that names a file elsewhere is refused before that.

    Args:
        config: text of alertmanager.yml.

    Returns:
        One line for each complaint; empty where there is none.

    Raises:
        ToolMissing: Alertmanager's tools are not installed.
    """
    problem = unreadable(config, "A configuration")
    if problem:
        return [problem]
    if found := outside(config):
        return found
    try:
        said = run_tool(["amtool", "check-config", _CONFIG], {_CONFIG: config})
    except ValueError as error:
        return [str(error)]
    failed = _FAILED.split(said.out, maxsplit=1)
    if len(failed) > 1:
        return complaints(failed[1])
    return complaints(said.err) or ["amtool refuses it without a word"] if said.status else []


def receivers(config: str, labels: Mapping[str, str]) -> list[str]:
    """Who is told of an alert.

    Args:
        config: text of alertmanager.yml.
        labels: the alert's labels, `alertname` among them.

    Returns:
        Names of receivers, in the order of the routes.

    Raises:
        ValueError: the configuration is wrong, or a label has no proper name; one line.
        ToolMissing: Alertmanager's tools are not installed.
    """
    if problems := check_routing(config):
        raise ValueError(problems[0])
    wrong = next((name for name in labels if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise ValueError(f"{wrong!r} is no name of a label")
    pairs = [f"{name}={_quoted(str(value))}" for name, value in labels.items()]
    said = run_tool(
        ["amtool", "config", "routes", "test", f"--config.file={_CONFIG}", *pairs], {_CONFIG: config}
    )
    if said.status:
        raise ValueError(
            (complaints(said.err) or ["amtool said nothing"])[-1].removeprefix("amtool: error: ")
        )
    return [name for name in said.out.strip().split(",") if name]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
