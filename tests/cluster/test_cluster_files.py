"""The files of a class on Kubernetes: values by the chart's keys and our rules, manifests by our lint, and both with each other."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import ROOT
from hub_kit import CLUSTER, ngshare_container
from servelab.kubernetes import lint, read
from values_rules import leaves, problems

MANIFESTS = ("ngshare.yaml", "grading.yaml", "gradebook.yaml")
SCHEMA = yaml.safe_load((ROOT / "tests" / "cluster" / "values_schema.yaml").read_text())
Values = dict[str, Any]


@pytest.fixture(scope="module")
def given() -> Values:
    return yaml.safe_load((CLUSTER / "values.yaml").read_text())


@pytest.fixture
def values(given: Values) -> Values:
    return copy.deepcopy(given)


@pytest.fixture(scope="module")
def documents() -> list[Values]:
    return [d for name in MANIFESTS for d in read((CLUSTER / name).read_text())]


def pods(documents: list[Values]) -> dict[str, Values]:
    """The specs of pods by the name of what makes them."""
    makers = [d for d in documents if d["kind"] in ("Deployment", "StatefulSet")]
    return {d["metadata"]["name"]: d["spec"]["template"]["spec"] for d in makers}


def at(values: Values, path: str) -> Any:
    for part in path.split("."):
        values = values[int(part) if part.isdigit() else part]
    return values


def test_the_values_are_the_charts_and_keep_the_rules(values: Values) -> None:
    jsonschema.validate(values, SCHEMA)
    assert problems(values) == []


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("singleuser", "networkPolicies", {"enabled": True}),
        ("singleuser.networkPolicy.egressAllowRules", "metadata", False),
        ("hub", "extraEnvironment", {}),
        ("hub.config", "authenticator", {}),
        ("singleuser", "memory", {"limits": "8G", "guarantee": "1G"}),
        ("cull", "timeout", "7200"),
        ("proxy.chp", "resources", {"requests": {"cpu": "100m"}}),
    ],
)
def test_a_key_that_the_chart_does_not_have_is_found(values: Values, path: str, key: str, value: Any) -> None:
    at(values, path)[key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, SCHEMA)


BREACHES: list[tuple[str, str, Any, str]] = [
    ("proxy", "secretToken", "4f2a", "a secret in the file"),
    ("hub.config", "GenericOAuthenticator", {"client_secret": "x"}, "a secret in the file"),
    ("hub.db", "url", "postgresql://hub:pass@db/hub", "with a password"),
    ("singleuser.image", "tag", "latest", "no tag that stays"),
    ("singleuser.profileList.1.kubespawner_override", "image", "servelab/student", "no tag that stays"),
    ("singleuser.memory", "limit", None, "no limit"),
    ("singleuser.cpu", "guarantee", 0, "no guarantee"),
    ("singleuser.profileList.1.kubespawner_override", "mem_limit", None, "without a memory limit"),
    ("singleuser.profileList.1.kubespawner_override", "tolerations", [], "toleration"),
    ("singleuser.profileList.1.kubespawner_override", "node_selector", {}, "node selector"),
    ("singleuser.networkPolicy", "enabled", False, "switched off"),
    ("singleuser.networkPolicy", "egressAllowRules", {}, "nonPrivateIPs: open"),
    ("singleuser.networkPolicy.egressAllowRules", "privateIPs", True, "privateIPs: open"),
    ("singleuser.networkPolicy.egressAllowRules", "cloudMetadataServer", True, "cloudMetadataServer: open"),
    ("singleuser.networkPolicy.egressAllowRules", "dnsPortsPrivateIPs", True, "dnsPortsPrivateIPs: open"),
    ("singleuser.networkPolicy.egress.1.to.0.ipBlock", "except", ["10.0.0.0/8"], "metadata address"),
    ("singleuser.networkPolicy.egress.1.to.0.ipBlock", "except", ["169.254.0.0/16"], "10.0.0.0/8"),
    ("singleuser.networkPolicy.egress.1", "ports", [], "to every port"),
    ("singleuser.networkPolicy.egress.0", "to", [], "to everywhere"),
    ("singleuser.networkPolicy.egress.0.to.0", "podSelector", {}, "to every pod"),
    ("singleuser.cloudMetadata", "blockWithIptables", True, "a privileged container"),
    ("singleuser", "allowPrivilegeEscalation", True, "a way to root"),
    ("singleuser", "uid", 0, "a way to root"),
    ("singleuser", "serviceAccountName", "hub", "token of the cluster's API"),
    ("singleuser.extraPodConfig", "automountServiceAccountToken", True, "token of the cluster's API"),
    ("hub.config.KubeSpawner", "privileged", True, "privileged"),
    ("hub.config.KubeSpawner", "container_security_context", {}, "keeps capabilities"),
    ("hub.config.JupyterHub", "authenticator_class", "dummy", "anyone may be anyone"),
    ("hub.loadRoles.server", "scopes", ["users:activity!user"], "may not use the exchange"),
    ("hub", "services", {}, "no exchange"),
]


@pytest.mark.parametrize(("path", "key", "value", "said"), BREACHES, ids=[f"{b[0]}.{b[1]}" for b in BREACHES])
def test_each_rule_can_fail(values: Values, path: str, key: str, value: Any, said: str) -> None:
    at(values, path)[key] = value
    found = problems(values)
    assert any(said in line for line in found), found


def test_the_manifests_have_no_findings(documents: list[Values]) -> None:
    assert [str(finding) for finding in lint(documents)] == []


def test_no_pod_is_privileged_or_has_the_clusters_token(documents: list[Values]) -> None:
    for name, spec in pods(documents).items():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and not context.get("privileged"), name
            assert context["capabilities"] == {"drop": ["ALL"]} and context["readOnlyRootFilesystem"], name
            assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"]


def test_only_the_graders_leave_the_default_profiles_and_in_their_own_user_namespace(
    documents: list[Values],
) -> None:
    kinds = {
        name: spec["securityContext"]["seccompProfile"]["type"] for name, spec in pods(documents).items()
    }
    assert kinds == {
        "ngshare": "RuntimeDefault",
        "scheduler": "RuntimeDefault",
        "gradebook": "RuntimeDefault",
        "worker": "Unconfined",
    }
    worker = pods(documents)["worker"]
    assert (
        worker["hostUsers"] is False and worker["containers"][0]["securityContext"]["procMount"] == "Unmasked"
    )


def test_secrets_are_named_and_never_written(documents: list[Values]) -> None:
    for document in documents:
        assert document["kind"] != "Secret"
    for spec in pods(documents).values():
        for entry in (e for c in spec["containers"] for e in c.get("env", [])):
            if re.search("PASSWORD|TOKEN|SECRET", entry["name"]):
                assert "secretKeyRef" in entry["valueFrom"], entry["name"]


def policy(documents: list[Values], name: str) -> Values:
    return next(
        d["spec"] for d in documents if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] == name
    )


def sources(rule: Values) -> list[Values]:
    return [peer["podSelector"]["matchLabels"] for peer in rule["from"]]


def test_who_may_reach_what(documents: list[Values]) -> None:
    """Students' servers reach the exchange; the gradebook and the graders are for the desk only."""
    desk = {"servelab/desk": "true"}
    assert sources(policy(documents, "gradebook")["ingress"][0]) == [desk]
    assert sources(policy(documents, "scheduler")["ingress"][0]) == [
        {"app.kubernetes.io/name": "worker"},
        desk,
    ]
    assert policy(documents, "gradebook")["egress"] == []
    assert {"app": "jupyterhub", "component": "singleuser-server"} in sources(
        policy(documents, "ngshare")["ingress"][0]
    )
    closed = policy(documents, "closed")
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in ("ngshare", "scheduler", "worker", "gradebook"):
        assert policy(documents, name)["policyTypes"] == ["Ingress", "Egress"]


def test_the_values_and_the_manifests_speak_of_the_same_things(
    values: Values, documents: list[Values]
) -> None:
    environment = {e["name"]: e.get("value") for e in ngshare_container()["env"]}
    (service,) = (d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] == "ngshare")
    port = service["spec"]["ports"][0]["port"]
    prefix = environment["JUPYTERHUB_SERVICE_PREFIX"].rstrip("/")
    assert values["singleuser"]["extraEnv"]["SERVELAB_EXCHANGE_URL"] == f"http://ngshare:{port}{prefix}"
    assert values["hub"]["services"]["ngshare"]["url"] == f"http://ngshare:{port}"
    assert environment["JUPYTERHUB_CLIENT_ID"] == "service-ngshare"
    labels = {key for path, _ in leaves(values) if "extra_labels" in path for key in [path.split(".")[-1]]}
    assert labels == {"servelab/desk"}
    desk = values["custom"]["desk"]["kubespawner_override"]
    assert desk["extra_labels"] == {"servelab/desk": "true"}
    image = values["singleuser"]["image"]
    student = f"{image['name']}:{image['tag']}"
    ours = {name: spec["containers"][0]["image"] for name, spec in pods(documents).items()}
    assert {ours[name] for name in ("ngshare", "scheduler", "worker")} == {student}
    teacher = values["hub"]["config"]["JupyterHub"]["load_groups"]["instructors"]["users"]
    assert f"--admins={','.join(teacher)}" in ngshare_container()["args"]


@pytest.mark.parametrize("folder", ["environment/jupyterhub/cluster", "environment/containers"])
def test_the_links_of_a_page_lead_somewhere(folder: str) -> None:
    text = (ROOT / folder / "README.md").read_text()
    links = [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith("http")]
    assert len(links) >= 4
    assert [link for link in links if not (ROOT / folder / link).exists()] == []


def test_the_page_names_what_the_files_use(documents: list[Values]) -> None:
    text = (CLUSTER / "README.md").read_text()
    scheduler = next(d for d in documents if d["kind"] == "Service" and d["metadata"]["name"] == "scheduler")
    place = f"{scheduler['metadata']['name']}.{scheduler['metadata']['namespace']}"
    assert f"tcp://{place}:{scheduler['spec']['ports'][0]['port']}" in text
    for word in ("Unconfined", "Unmasked", "hostUsers", "--version 4.4.0", "user.max_user_namespaces"):
        assert word in text
    names = {r["name"] for s in pods(documents).values() for c in s["containers"] for r in secrets_of(c)}
    assert names == {"hub", "gradebook"} and "create secret generic gradebook" in text


def secrets_of(container: Values) -> list[Values]:
    """The secrets that a container's variables come from."""
    return [e["valueFrom"]["secretKeyRef"] for e in container.get("env", []) if "valueFrom" in e]


class Group:
    def __init__(self, name: str) -> None:
        self.name = name


class Spawner:
    """As much of a spawner as the configuration looks at."""

    def __init__(self, *groups: str) -> None:
        self.user = type("User", (), {"groups": [Group(name) for name in groups]})()


def offered(values: Values) -> Callable[[Spawner], list[Values]]:
    """The function that `hub.extraConfig` gives to KubeSpawner, run as the chart runs it."""
    import sys
    import types

    module = types.ModuleType("z2jh")
    module.get_config = lambda path, default=None: at(values, path)
    config = types.SimpleNamespace(KubeSpawner=types.SimpleNamespace())
    sys.modules["z2jh"] = module
    try:
        exec(values["hub"]["extraConfig"]["desk.py"], {"c": config})
    finally:
        del sys.modules["z2jh"]
    return config.KubeSpawner.profile_list


def test_the_desk_is_offered_to_instructors_only(values: Values) -> None:
    machines = offered(values)
    assert [m["slug"] for m in machines(Spawner())] == ["cpu", "gpu"]
    assert [m["slug"] for m in machines(Spawner("students"))] == ["cpu", "gpu"]
    assert [m["slug"] for m in machines(Spawner("instructors"))] == ["cpu", "gpu", "desk"]
    assert len(values["singleuser"]["profileList"]) == 2
