"""The compose file and the manifest of a Qdrant server are valid, pinned, closed to others, and fit the client."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml
from conftest import ROOT

COMPOSE = ROOT / "environment" / "containers" / "compose.yaml"
MANIFEST = ROOT / "environment" / "kubernetes" / "qdrant.yaml"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())["services"]["qdrant"]


@pytest.fixture(scope="module")
def objects() -> dict[str, dict[str, Any]]:
    return {found["kind"]: found for found in yaml.safe_load_all(MANIFEST.read_text())}


def test_the_server_is_of_the_clients_minor_version(service: Any, objects: Any) -> None:
    lock = (ROOT / "environment" / "locks" / "cpu.txt").read_text()
    client = re.search(r"^qdrant-client==(\d+\.\d+)", lock, re.M)
    container = objects["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    assert client
    for image in (service["image"], container["image"]):
        assert image.startswith(f"qdrant/qdrant:v{client[1]}.") and image.endswith("-unprivileged")


def test_compose_opens_no_port_to_others(service: Any) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["volumes"] == ["qdrant:/qdrant/storage"] and service["mem_limit"]


def test_compose_passes_a_key_on_and_never_an_empty_one(service: Any) -> None:
    assert service["environment"]["QDRANT__SERVICE__API_KEY"] is None


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
def test_the_health_check_reads_the_answer(service: Any, status: str, code: int) -> None:
    """The real command against a server that answers as Qdrant does, on a port of ours."""
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                assert peer.recv(100).startswith(b"GET /readyz HTTP/1.0\r\n")
                peer.sendall(f"HTTP/1.0 {status}\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        _, *command = service["healthcheck"]["test"]
        port = str(listener.getsockname()[1])
        # Compose turns $$ into $.
        command = [part.replace("$$", "$").replace("6333", port) for part in command]
        assert subprocess.run(command, check=False, timeout=10).returncode == code
        thread.join()


def test_the_manifest_is_valid(objects: Any) -> None:
    assert set(objects) == {"Service", "StatefulSet", "NetworkPolicy"}
    for found in objects.values():
        kubernetes_validate.validate(found, "1.37", strict=True)


def test_a_misspelt_field_would_be_found(objects: Any) -> None:
    wrong = {**objects["Service"], "spec": {**objects["Service"]["spec"], "clusterIp": "None"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_selectors_ports_and_volumes_fit(objects: Any) -> None:
    spec = objects["StatefulSet"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    for found in (
        spec["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
        objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert found.items() <= labels.items()
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    names = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in objects["Service"]["spec"]["ports"]} == names
    assert {
        container[probe]["httpGet"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    } <= names
    volumes = {volume["name"] for volume in pod["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert spec["serviceName"] == objects["Service"]["metadata"]["name"]


def test_it_runs_with_as_few_rights_as_it_can(objects: Any) -> None:
    pod = objects["StatefulSet"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    own = pod["containers"][0]["securityContext"]
    assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"]
    assert own["capabilities"]["drop"] == ["ALL"]
    (key,) = [e for e in pod["containers"][0]["env"] if e["name"] == "QDRANT__SERVICE__API_KEY"]
    assert "secretKeyRef" in key["valueFrom"]
