"""Manifests on a real cluster, where `kubectl` has one: applied to a namespace of their own, watched, and taken away again."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterable
from typing import Any

from servelab.kubernetes.documents import Document, read, title

_ANSWER_S = 15
_BUILT_IN = ("v1", "apps/", "policy/", "autoscaling/")


def find() -> tuple[str, str] | None:
    """(kubectl, the context it would use); None where there is no kubectl, no context, or no cluster that answers."""
    program = shutil.which("kubectl")
    if program is None:
        return None
    context = _run([program, "config", "current-context"])
    if context is None or not context.strip():
        return None
    ready = _run([program, "version", f"--request-timeout={_ANSWER_S}s", "-o", "json"])
    if ready is None or "serverVersion" not in ready:
        return None
    return program, context.strip()


def try_out(sources: Iterable[Any], *, namespace: str, wait_s: float = 60) -> bool:
    """Apply manifests to a namespace made for them, watch the rollout, say what became of it, and delete the namespace.

    Kinds that the cluster does not know are passed over and named. Without a cluster, one line says so.

    Returns:
        Whether there was a cluster.

    Raises:
        ManifestError: a source is no list of manifests.
    """
    documents = [document for source in sources for document in read(source)]
    found = find()
    if found is None:
        print(
            "No cluster: kubectl is not here, or has no context that answers. Nothing was applied; the lab goes on."
        )
        return False
    program, context = found
    known = _run([program, "api-resources", "-o", "name"]) or ""
    print(f"cluster: {context}")
    if _run([program, "create", "namespace", namespace]) is None:
        print(f"The namespace {namespace} cannot be made (does it exist already?): nothing was applied.")
        return True
    try:
        for document in documents:
            _apply(program, namespace, document, known)
        for document in documents:
            if document["kind"] == "Deployment":
                _watch(program, namespace, document["metadata"]["name"], wait_s)
    finally:
        gone = _run([program, "delete", "namespace", namespace, "--wait=false"]) is not None
        print(
            f"namespace {namespace}: {'deleted' if gone else f'could not be deleted, please do: kubectl delete namespace {namespace}'}"
        )
    return True


def _apply(program: str, namespace: str, document: Document, known: str) -> None:
    if not document["apiVersion"].startswith(_BUILT_IN):
        plural = f"{document['kind'].lower()}s.{document['apiVersion'].partition('/')[0]}"
        if plural not in known.split():
            print(f"  {title(document)}: passed over, the cluster has no {plural}")
            return
    done = subprocess.run(
        [program, "apply", "--namespace", namespace, "--filename", "-"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        timeout=4 * _ANSWER_S,
        check=False,
    )
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    print(f"  {title(document)}: {said[-1][-200:] if said else 'no answer'}")


def _watch(program: str, namespace: str, name: str, wait_s: float) -> None:
    """Say how many replicas are ready whenever that changes, until all are or the time is over; then why not."""
    end, last = time.monotonic() + wait_s, ""
    while True:
        status = _json([program, "get", "deployment", name, "--namespace", namespace, "-o", "json"])
        wanted = status.get("spec", {}).get("replicas", 0)
        ready = status.get("status", {}).get("readyReplicas", 0)
        line = f"  {name}: {ready} of {wanted} ready"
        if line != last:
            print(line)
            last = line
        if wanted and ready >= wanted:
            return
        if time.monotonic() > end:
            break
        time.sleep(1)
    for pod in _json([program, "get", "pods", "--namespace", namespace, "-o", "json"]).get("items", []):
        reasons = [c.get("message") for c in pod.get("status", {}).get("conditions", []) if c.get("message")]
        waiting = [
            state["state"]["waiting"].get("reason", "")
            for state in pod.get("status", {}).get("containerStatuses", [])
            if "waiting" in state.get("state", {})
        ]
        phase = pod.get("status", {}).get("phase", "?")
        print(f"    {pod['metadata']['name']}: {phase} {'; '.join([*waiting, *reasons])[:200]}")


def _json(command: list[str]) -> dict[str, Any]:
    try:
        found = json.loads(_run(command) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _run(command: list[str]) -> str | None:
    """What a command prints; None where it fails or does not come to an end."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=4 * _ANSWER_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
