"""kubectl: what is asked of it, what is said about its answers, and one line where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import ROOT
from servelab.kubernetes import cluster, read

DOCUMENTS = [
    d
    for p in ("deployment", "service", "pod-monitor")
    for d in read((ROOT / f"environment/kubernetes/{p}.yaml").read_text())
]

# A kubectl that writes down what it is asked and answers from files. The Deployment is ready the third time that it is looked at.
FAKE = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/asked"
case "$*" in
  "config current-context") echo kind-test ;;
  "version "*) echo '{"serverVersion": {"major": "1"}}' ;;
  "api-resources "*) cat "$here/resources" ;;
  "create namespace "*) test ! -e "$here/taken" ;;
  "apply "*) cat >> "$here/applied"; echo "something applied" ;;
  "get deployment "*) echo x >> "$here/looks"
     if [ $(wc -l < "$here/looks") -ge 3 ] && [ ! -e "$here/stuck" ]; then ready=2; else ready=0; fi
     echo '{"spec": {"replicas": 2}, "status": {"readyReplicas": '$ready'}}' ;;
  "get pods "*) echo '{"items": [{"metadata": {"name": "vllm-1"}, "status": {"phase": "Pending", "conditions": [{"message": "Insufficient nvidia.com/gpu"}]}}]}' ;;
  "delete namespace "*) ;;
  *) exit 1 ;;
esac
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "kubectl"
    program.write_text(FAKE)
    program.chmod(0o755)
    (tmp_path / "resources").write_text("deployments.apps\nservices\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(cluster.time, "sleep", lambda _: None)
    return tmp_path


def test_without_kubectl_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cluster.try_out(DOCUMENTS, namespace="lab") is False
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize("broken", ["config current-context", '"version "*'])
def test_a_kubectl_without_a_cluster_is_none(
    fake: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = FAKE.replace(f'  "{broken}") echo', "  nothing) echo").replace(
        f"  {broken}) echo", "  nothing) echo"
    )
    (fake / "kubectl").write_text(text)
    assert cluster.try_out(DOCUMENTS, namespace="lab") is False
    assert "No cluster" in capsys.readouterr().out
    assert "apply" not in (fake / "asked").read_text()


def test_applied_watched_and_deleted(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cluster.try_out(DOCUMENTS, namespace="lab") is True
    said = capsys.readouterr().out
    assert "cluster: kind-test" in said and "vllm: 0 of 2 ready" in said and "vllm: 2 of 2 ready" in said
    assert "PodMonitor/vllm: passed over" in said
    asked = (fake / "asked").read_text().splitlines()
    assert sum(line.startswith("apply --namespace lab ") for line in asked) == 2
    assert asked[-1].startswith("delete namespace lab")
    (fake / "resources").write_text("podmonitors.monitoring.coreos.com\n")
    cluster.try_out(DOCUMENTS, namespace="lab")
    assert "passed over" not in capsys.readouterr().out


def test_a_rollout_that_hangs_says_why_and_is_deleted(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fake / "stuck").touch()
    cluster.try_out(DOCUMENTS, namespace="lab", wait_s=0.1)
    assert "vllm-1: Pending Insufficient nvidia.com/gpu" in capsys.readouterr().out
    assert (fake / "asked").read_text().splitlines()[-1].startswith("delete namespace lab")


def test_somebody_elses_namespace_is_left_alone(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fake / "taken").touch()
    cluster.try_out(DOCUMENTS, namespace="lab")
    assert "nothing was applied" in capsys.readouterr().out
    asked = (fake / "asked").read_text()
    assert "apply" not in asked and "delete" not in asked
