"""What a schema of Helm values does not say: rules for a class that strangers log in to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

METADATA = ipaddress.ip_address("169.254.169.254")
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SECRET = re.compile(r"password|secret|token|api_?key|credential|private_?key", re.I)
_IMAGE = re.compile(r"[\w.\-/:]+:[\w.\-]*\d[\w.\-]*")


def problems(values: dict[str, Any]) -> list[str]:
    """Every breach, in a line each."""
    user = values["singleuser"]
    return [
        *_secrets(values),
        *_images(values),
        *_limits(user),
        *_egress(user),
        *_privileges(values),
        *_exchange(values),
    ]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of everything that is neither a mapping nor a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _secrets(values: dict[str, Any]) -> Iterator[str]:
    for path, value in leaves(values):
        *_, name = path.split(".")
        if _SECRET.search(name) and isinstance(value, str) and "secretKeyRef" not in path:
            yield f"{path}: a secret in the file"
        elif isinstance(value, str) and re.search(r"://[^/\s:]+:[^@\s]+@", value):
            yield f"{path}: an address with a password in it"


def _images(values: dict[str, Any]) -> Iterator[str]:
    image = values["singleuser"]["image"]
    named = {"singleuser.image": f"{image['name']}:{image['tag']}"}
    named |= {path: value for path, value in leaves(values) if path.endswith("kubespawner_override.image")}
    for path, name in named.items():
        if not _IMAGE.fullmatch(name):
            yield f"{path}: {name!r} has no tag that stays what it is"


def _limits(user: dict[str, Any]) -> Iterator[str]:
    for what in ("cpu", "memory"):
        if not user[what].get("limit") or not user[what].get("guarantee"):
            yield f"singleuser.{what}: no limit or no guarantee"
    for profile in user.get("profileList", []):
        changed = profile.get("kubespawner_override", {})
        gpus = changed.get("extra_resource_limits", {}).get("nvidia.com/gpu")
        if gpus is not None and not (changed.get("mem_limit") and changed.get("tolerations")):
            yield f"profile {profile['slug']}: a GPU without a memory limit or a toleration"
        if gpus is not None and not changed.get("node_selector"):
            yield f"profile {profile['slug']}: a GPU without a node selector"


def _egress(user: dict[str, Any]) -> Iterator[str]:
    policy = user["networkPolicy"]
    if not policy["enabled"]:
        yield "singleuser.networkPolicy: switched off"
    allowed = policy.get("egressAllowRules", {})
    # What the chart allows where nothing is said.
    for name, given in (("nonPrivateIPs", True), ("privateIPs", False), ("cloudMetadataServer", False)):
        if allowed.get(name, given):
            yield f"singleuser.networkPolicy.egressAllowRules.{name}: open"
    for name in ("dnsPortsCloudMetadataServer", "dnsPortsPrivateIPs"):
        if allowed.get(name, True):
            yield f"singleuser.networkPolicy.egressAllowRules.{name}: open"
    for index, rule in enumerate(policy.get("egress", [])):
        yield from _egress_rule(rule, f"singleuser.networkPolicy.egress[{index}]")


def _egress_rule(rule: dict[str, Any], path: str) -> Iterator[str]:
    if not rule.get("to"):
        yield f"{path}: to everywhere"
    if not rule.get("ports"):
        yield f"{path}: to every port"
    for block in (peer["ipBlock"] for peer in rule.get("to", []) if "ipBlock" in peer):
        network = ipaddress.ip_network(block["cidr"])
        barred = [ipaddress.ip_network(cidr) for cidr in block.get("except", [])]
        if METADATA in network and not any(METADATA in bar for bar in barred):
            yield f"{path}: reaches the cloud's metadata address"
        for private in PRIVATE:
            if network.supernet_of(private) and not any(bar.supernet_of(private) for bar in barred):
                yield f"{path}: reaches the private network {private}"
    for peer in rule.get("to", []):
        if "ipBlock" not in peer and not (peer.get("podSelector") or {}).get("matchLabels"):
            yield f"{path}: to every pod"


def _privileges(values: dict[str, Any]) -> Iterator[str]:
    user = values["singleuser"]
    if user["cloudMetadata"]["blockWithIptables"]:
        yield "singleuser.cloudMetadata.blockWithIptables: a privileged container in every pod"
    if user["allowPrivilegeEscalation"] or user["uid"] == 0:
        yield "singleuser: a way to root"
    if user.get("serviceAccountName") or user.get("extraPodConfig", {}).get(
        "automountServiceAccountToken", True
    ):
        yield "singleuser: a token of the cluster's API in a student's pod"
    for path, value in leaves(values):
        if path.endswith("privileged") and value:
            yield f"{path}: privileged"
    context = values["hub"]["config"].get("KubeSpawner", {}).get("container_security_context", {})
    if context.get("capabilities", {}).get("drop") != ["ALL"] or not context.get("runAsNonRoot"):
        yield "hub.config.KubeSpawner.container_security_context: keeps capabilities, or may be root"
    if values["hub"]["config"]["JupyterHub"]["authenticator_class"] in ("dummy", "tmp"):
        yield "hub.config.JupyterHub.authenticator_class: anyone may be anyone"


def _exchange(values: dict[str, Any]) -> Iterator[str]:
    for role in ("server", "user"):
        if "access:services!service=ngshare" not in values["hub"]["loadRoles"].get(role, {}).get(
            "scopes", []
        ):
            yield f"hub.loadRoles.{role}: may not use the exchange"
    if "ngshare" not in values["hub"]["services"]:
        yield "hub.services: no exchange"
