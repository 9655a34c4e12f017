"""What a PromQL expression comes to, over series that are given, as Prometheus itself computes it.

`promtool test rules` evaluates an expression over series in its own short notation and reports what it got when that is
not what was expected. That takes a few hundredths of a second and needs no server. See
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from servelab.errors import CourseError

_SECONDS = 20
_SAMPLE = re.compile(r"(\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*\}) (\S+?)(?:, |$)")


class PromtoolMissing(CourseError):
    """Prometheus's tools are not installed."""


def find_tool(name: str = "promtool") -> str:
    """The path of a Prometheus program: where `make setup` puts it, or on the PATH.

    Raises:
        PromtoolMissing: it is in neither place.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise PromtoolMissing(
            f"{name} is not installed: `make setup` fetches it where apt exists; elsewhere install Prometheus (`brew install"
            " prometheus`, or https://prometheus.io/download)."
        )
    return found


def value_of(query: str, series: dict[str, str], at: str = "10m") -> dict[str, float]:
    """Evaluate a PromQL expression.

    Args:
        query: the expression; it must give an instant vector or a scalar.
        series: samples by series, one a minute, in promtool's notation: `{'up{job="a"}': "1 1 0 1"}`, `"0+10x20"`.
        at: the time at which it is evaluated, from the first sample on: `10m`.

    Returns:
        Value by labels, as in `{'{instance="a"}': 0.25}`; empty where nothing comes out.

    Raises:
        ValueError: it is no PromQL; with what promtool says of it.
        PromtoolMissing: Prometheus's tools are not installed.
    """
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        # Nobody asks for this, so the tool always tells what it got.
        "promql_expr_test": [
            {
                "expr": str(query),
                "eval_time": at,
                "exp_samples": [{"labels": '{nobody="expects_this"}', "value": 0}],
            }
        ],
    }
    tool = find_tool()
    with tempfile.TemporaryDirectory(prefix="servelab-promql-") as folder:
        file = Path(folder) / "test.yml"
        file.write_text(json.dumps({"evaluation_interval": "1m", "tests": [test]}))  # JSON is YAML
        try:
            done = subprocess.run(
                [tool, "test", "rules", str(file)],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"promtool did not come to an end within {_SECONDS} s") from None
    said = done.stdout + done.stderr
    got = re.search(r"^\s*got: ?(.*)$", said, re.MULTILINE)
    if got is None:
        raise ValueError(_reason(said))
    text = got[1].strip()
    return {} if text == "nil" else {labels: float(value) for labels, value in _SAMPLE.findall(text)}


def _reason(said: str) -> str:
    """The line that tells what is wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = next(
        (line for line in lines if "error" in line.lower()), lines[-1] if lines else "promtool said nothing"
    )
    return told[-300:]
