"""Every rule has a fault that makes it speak, and it alone; the reference manifests have none."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, servelab
from servelab.engine.scripted import ScriptedEngine
from servelab.kubernetes import lint, read
from servelab.kubernetes.rules import ENGINE_METRICS, RULES, argument

FOLDER = ROOT / "environment" / "kubernetes"
#: What stands around an engine; the vector database is something else, and adapter-values no document.
FILES = [p for p in sorted(FOLDER.glob("*.yaml")) if p.stem not in ("adapter-values", "qdrant")]
REFERENCE = [document for path in FILES for document in read(path.read_text())]
KINDS = {"Deployment", "Service", "PodDisruptionBudget", "PodMonitor", "HorizontalPodAutoscaler"}
POD = "spec.template.spec"
ENGINE = f"{POD}.containers.0"
GONE = object()


def changed(kind: str, path: str, value: Any) -> list[dict[str, Any]]:
    """The reference manifests with one value set or, with GONE, taken away."""
    documents = copy.deepcopy(REFERENCE)
    (place,) = [d for d in documents if d["kind"] == kind]
    *way, last = [int(step) if step.isdigit() else step for step in path.replace("\\.", "\0").split(".")]
    for step in way:
        place = place[step.replace("\0", ".") if isinstance(step, str) else step]
    last = last.replace("\0", ".") if isinstance(last, str) else last
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return documents


def test_the_reference_manifests_are_sound() -> None:
    assert {d["kind"] for d in REFERENCE} == KINDS
    assert [str(finding) for finding in lint(REFERENCE)] == []


def test_the_vector_databases_manifest_is_sound() -> None:
    """Its volume comes from a claim of the StatefulSet; without that claim the mount has none."""
    documents = read((FOLDER / "qdrant.yaml").read_text())
    assert [str(finding) for finding in lint(documents)] == []
    (database,) = [d for d in documents if d["kind"] == "StatefulSet"]
    database["spec"]["volumeClaimTemplates"] = []
    assert {finding.rule for finding in lint(documents)} == {"volume"}


HPA, PDB, DEPLOYMENT = "HorizontalPodAutoscaler", "PodDisruptionBudget", "Deployment"
METRIC = "spec.metrics.0"
#: rule, kind, path, value: what makes exactly this rule speak.
FAULTS = [
    ("schema", DEPLOYMENT, "spec.replica", 2),
    ("schema", DEPLOYMENT, f"{ENGINE}.livenesProbe", {}),
    ("schema", DEPLOYMENT, "spec.progressDeadlineSeconds", "600"),
    ("schema", HPA, "spec.maxReplicas", GONE),
    ("schema", HPA, "apiVersion", "autoscaling/v2beta2"),
    ("schema", "PodMonitor", "spec.podMetricsEndpoints.0.interval", "15"),
    ("schema", "PodMonitor", "spec.endpoints", []),
    ("schema", "Service", "kind", "Servise"),
    ("name", "PodMonitor", "metadata.name", "vLLM"),
    ("label", "Service", "metadata.labels.app\\.kubernetes\\.io/name", "two words"),
    ("enumeration", "Service", "spec.type", "Balancer"),
    ("enumeration", DEPLOYMENT, f"{ENGINE}.imagePullPolicy", "Sometimes"),
    ("enumeration", DEPLOYMENT, "spec.strategy.type", "Rolling"),
    ("enumeration", DEPLOYMENT, f"{POD}.restartPolicy", "OnFailure"),
    ("enumeration", HPA, "spec.behavior.scaleUp.selectPolicy", "Most"),
    ("enumeration", HPA, "spec.behavior.scaleDown.policies.0.type", "Replicas"),
    ("quantity", DEPLOYMENT, f"{ENGINE}.resources.limits.memory", "24GB"),
    ("quantity", DEPLOYMENT, f"{POD}.volumes.0.emptyDir.sizeLimit", "four"),
    ("quantity", HPA, f"{METRIC}.pods.target.averageValue", "-1"),
    ("port", DEPLOYMENT, f"{ENGINE}.ports.0.containerPort", 80000),
    ("port", DEPLOYMENT, f"{ENGINE}.ports.1", {"name": "Metrics", "containerPort": 9000}),
    ("port", "Service", "spec.ports.0.port", 0),
    ("port", "Service", "spec.ports.1", {"port": 81}),
    ("engine-port", DEPLOYMENT, f"{ENGINE}.args.4", "--port=9000"),
    ("engine-port", DEPLOYMENT, f"{ENGINE}.ports.0.containerPort", 8080),
    ("probe-port", DEPLOYMENT, f"{ENGINE}.readinessProbe.httpGet.port", "web"),
    ("probe-port", DEPLOYMENT, f"{ENGINE}.livenessProbe.httpGet.port", 70000),
    ("probe-handler", DEPLOYMENT, f"{ENGINE}.livenessProbe.tcpSocket", {"port": 8000}),
    ("probe-handler", DEPLOYMENT, f"{ENGINE}.readinessProbe.httpGet", GONE),
    ("probe-number", DEPLOYMENT, f"{ENGINE}.livenessProbe.successThreshold", 2),
    ("probe-number", DEPLOYMENT, f"{ENGINE}.readinessProbe.periodSeconds", -1),
    ("hook", DEPLOYMENT, f"{ENGINE}.lifecycle.preStop.exec", {"command": ["sleep", "1"]}),
    ("hook", DEPLOYMENT, f"{ENGINE}.lifecycle.postStart", {}),
    ("slow-start", DEPLOYMENT, f"{ENGINE}.startupProbe", GONE),
    ("slow-start", DEPLOYMENT, f"{ENGINE}.startupProbe.failureThreshold", 3),
    ("readiness", DEPLOYMENT, f"{ENGINE}.readinessProbe", GONE),
    ("gpu-limit", DEPLOYMENT, f"{ENGINE}.resources.limits.nvidia\\.com/gpu", 2),
    ("gpu-limit", DEPLOYMENT, f"{ENGINE}.resources.limits.nvidia\\.com/gpu", GONE),
    ("resource-order", DEPLOYMENT, f"{ENGINE}.resources.requests.memory", "25Gi"),
    ("image-tag", DEPLOYMENT, f"{ENGINE}.image", "vllm/vllm-openai"),
    ("image-tag", DEPLOYMENT, f"{ENGINE}.image", "registry:5000/vllm:latest"),
    ("selector", DEPLOYMENT, "spec.selector.matchLabels", {"app": "other"}),
    ("volume", DEPLOYMENT, f"{ENGINE}.volumeMounts.1.name", "cash"),
    ("volume", DEPLOYMENT, f"{ENGINE}.volumeMounts.1.mountPath", "/dev/shm"),
    ("shared-memory", DEPLOYMENT, f"{POD}.volumes.0.emptyDir.medium", GONE),
    ("shared-memory", DEPLOYMENT, f"{ENGINE}.volumeMounts.0.mountPath", "/shm"),
    ("pod-count", DEPLOYMENT, "spec.strategy.rollingUpdate.maxUnavailable", "one"),
    ("pod-count", DEPLOYMENT, "spec.strategy.rollingUpdate.maxUnavailable", "1"),
    ("pod-count", DEPLOYMENT, "spec.strategy.rollingUpdate.maxUnavailable", "101%"),
    ("pod-count", DEPLOYMENT, "spec.strategy.rollingUpdate.maxSurge", "1.5%"),
    ("pod-count", DEPLOYMENT, "spec.strategy.rollingUpdate.maxSurge", -1),
    ("pod-count", PDB, "spec.maxUnavailable", "one"),
    ("rollout", DEPLOYMENT, "spec.strategy.rollingUpdate.maxUnavailable", 0),
    ("rollout", DEPLOYMENT, "spec.strategy.type", "Recreate"),
    ("drain", DEPLOYMENT, f"{POD}.terminationGracePeriodSeconds", 60),
    ("drain", DEPLOYMENT, f"{ENGINE}.args.5", "--shutdown-timeout=300"),
    ("security", DEPLOYMENT, f"{POD}.securityContext.runAsUser", 0),
    ("security", DEPLOYMENT, f"{POD}.securityContext.runAsUser", GONE),
    ("security", DEPLOYMENT, f"{ENGINE}.securityContext.privileged", True),
    ("service", "Service", "spec.selector", {"app": "other"}),
    ("service", "Service", "spec.ports.0.targetPort", "web"),
    ("budget", PDB, "spec.minAvailable", 1),
    ("budget", PDB, "spec.maxUnavailable", GONE),
    ("budget", PDB, "spec.maxUnavailable", 0),
    ("budget", PDB, "spec.selector.matchLabels", {"app": "other"}),
    ("pod-monitor", "PodMonitor", "spec.selector.matchLabels", {"app": "other"}),
    ("pod-monitor", "PodMonitor", "spec.podMetricsEndpoints.0.port", "metrics"),
    ("hpa-range", HPA, "spec.minReplicas", 20),
    ("hpa-range", HPA, "spec.minReplicas", 0),
    ("hpa-target", HPA, "spec.scaleTargetRef.name", "vlm"),
    ("hpa-target", HPA, "spec.scaleTargetRef.apiVersion", "apps/v1beta1"),
    ("hpa-and-replicas", DEPLOYMENT, "spec.replicas", 2),
    ("hpa-metric", HPA, "spec.metrics", []),
    ("hpa-metric", HPA, f"{METRIC}.type", "Object"),
    ("hpa-metric", HPA, f"{METRIC}.pods.metric.name", "vllm_queue_depth"),
    ("hpa-metric", HPA, f"{METRIC}.pods.target", {"type": "AverageValue", "value": "8"}),
    ("hpa-metric", HPA, f"{METRIC}.pods.target", {"type": "Value", "value": "8"}),
    ("hpa-metric", HPA, f"{METRIC}.pods.target.averageValue", "0"),
    ("hpa-behaviour", HPA, "spec.behavior.scaleDown.stabilizationWindowSeconds", 7200),
    ("hpa-behaviour", HPA, "spec.behavior.scaleUp.policies.0.periodSeconds", 3600),
    ("hpa-behaviour", HPA, "spec.behavior.scaleUp.policies.0.value", 0),
]  # fmt: skip


def edited(kind: str, path: str, value: Any) -> list[dict[str, Any]]:
    """As `changed`, where a list may also grow by one."""
    head, _, last = path.rpartition(".")
    if last.isdigit() and value is not GONE:
        documents = copy.deepcopy(REFERENCE)
        (place,) = [d for d in documents if d["kind"] == kind]
        for step in head.split("."):
            place = place[int(step) if step.isdigit() else step]
        place[int(last) : int(last) + 1] = [value]
        return documents
    return changed(kind, path, value)


@pytest.mark.parametrize(
    ("rule", "kind", "path", "value"), FAULTS, ids=lambda v: "gone" if v is GONE else str(v)[:40]
)
def test_a_fault_is_told_by_its_rule_alone(rule: str, kind: str, path: str, value: Any) -> None:
    found = lint(edited(kind, path, value))
    assert {finding.rule for finding in found} == {rule}, [str(finding) for finding in found]
    assert all(finding.document.partition("/")[2] and finding.path and finding.message for finding in found)


def test_every_rule_has_its_fault() -> None:
    doubled = [*REFERENCE, copy.deepcopy(REFERENCE[0])]
    assert {finding.rule for finding in lint(doubled)} == {"duplicate"}
    assert {rule for rule, *_ in FAULTS} | {"duplicate"} == {"schema", *RULES}
    assert all(rule.why.endswith(".") for rule in RULES.values())


def test_what_a_cluster_takes_is_passed() -> None:
    """Percentages, a surge above all, a user of the container's own, and an image whose user is its own affair."""
    rolling = {"maxSurge": "200%", "maxUnavailable": "100%"}
    assert lint(changed(DEPLOYMENT, "spec.strategy.rollingUpdate", rolling)) == []
    assert lint(changed(PDB, "spec.maxUnavailable", "50%")) == []
    documents = changed(DEPLOYMENT, f"{POD}.securityContext.runAsUser", GONE)
    (pod,) = [d["spec"]["template"]["spec"] for d in documents if d["kind"] == DEPLOYMENT]
    (container,) = pod["containers"]
    container["securityContext"]["runAsUser"] = 1000
    assert lint(documents) == []
    del container["securityContext"]["runAsUser"]
    container["image"] = "registry.example/server:1.0"
    assert lint(documents) == []
    container["image"] = "registry.example:5000/mirror/vllm-openai@sha256:0"
    assert {finding.rule for finding in lint(documents)} == {"security"}


def test_a_document_is_named_with_its_path() -> None:
    (finding,) = lint(changed(DEPLOYMENT, f"{ENGINE}.resources.limits.nvidia\\.com/gpu", 2))
    assert finding.document == "Deployment/vllm"
    assert finding.path == "spec.template.spec.containers[0].resources.requests.nvidia.com/gpu"
    assert str(finding).startswith(f"Deployment/vllm {finding.path}: 1 is requested and 2 is the limit")


def test_a_document_alone_is_not_missed_by_those_that_point_to_others() -> None:
    for document in REFERENCE:
        assert lint(document) == [], document["kind"]


def test_the_metrics_are_the_engines() -> None:
    with ScriptedEngine() as engine:
        import httpx

        text = httpx.get(f"{engine.url}/metrics").text
    for name in ENGINE_METRICS:
        assert f"\n{name.replace('vllm_', 'vllm:', 1)}{{" in text


def test_the_adapter_gives_the_metrics_that_the_autoscaler_asks_for() -> None:
    import re

    (hpa,) = [d for d in REFERENCE if d["kind"] == HPA]
    rules = yaml.safe_load((FOLDER / "adapter-values.yaml").read_text())["rules"]["custom"]
    offered = set()
    for rule in rules:
        series = rule["seriesQuery"].partition("{")[0]
        offered.add(re.sub(rule["name"]["matches"], rule["name"]["as"].replace("$1", r"\1"), series))
    asked = {metric["pods"]["metric"]["name"] for metric in hpa["spec"]["metrics"]}
    assert asked == offered <= set(ENGINE_METRICS)


def test_the_autoscaler_fits_the_engines_seats() -> None:
    by_kind = {d["kind"]: d["spec"] for d in REFERENCE}
    container = by_kind[DEPLOYMENT]["template"]["spec"]["containers"][0]
    targets = {
        m["pods"]["metric"]["name"]: m["pods"]["target"]["averageValue"] for m in by_kind[HPA]["metrics"]
    }
    assert 0 < int(targets["vllm_num_requests_running"]) < int(argument(container, "--max-num-seqs"))


def test_the_image_is_of_the_locked_engine() -> None:
    (deployment,) = [d for d in REFERENCE if d["kind"] == DEPLOYMENT]
    version = deployment["spec"]["template"]["spec"]["containers"][0]["image"].partition(":v")[2]
    assert f"\nvllm=={version} " in (ROOT / "environment" / "locks" / "gpu.txt").read_text()


def test_the_command(tmp_path: Path) -> None:
    done = servelab("manifests", "lint", *map(str, FILES), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"documents": 5, "findings": []}
    file = tmp_path / "faulty.yaml"
    file.write_text(yaml.safe_dump_all(changed(HPA, "spec.minReplicas", 20)))
    done = servelab("manifests", "lint", str(file))
    assert done.returncode == 1 and "HorizontalPodAutoscaler/vllm spec.maxReplicas: " in done.stdout
    for text in ("a: [1", "just words"):
        file.write_text(text)
        done = servelab("manifests", "lint", str(file))
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and str(file) in done.stderr
    assert servelab("manifests", "lint", str(tmp_path / "none.yaml")).returncode == 2
