"""Strict schemas: Kubernetes' own (from the package kubernetes-validate), and ours for what an operator adds to it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from servelab.kubernetes.documents import Document

#: The release of Kubernetes whose schemas are used.
VERSION = "1.36"

_TEXT = {"type": "string"}
_LABELS = {"type": "object", "additionalProperties": _TEXT}
_SELECTOR = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "matchLabels": _LABELS,
        "matchExpressions": {"type": "array", "items": {"type": "object"}},
    },
}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


#: What the labs use of the Prometheus operator's PodMonitor (monitoring.coreos.com/v1).
_POD_MONITOR = _object(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion=_TEXT,
    kind=_TEXT,
    metadata={"type": "object"},
    spec=_object(
        ["selector", "podMetricsEndpoints"],
        jobLabel=_TEXT,
        podTargetLabels={"type": "array", "items": _TEXT},
        sampleLimit={"type": "integer"},
        selector=_SELECTOR,
        namespaceSelector=_object([], any={"type": "boolean"}, matchNames={"type": "array", "items": _TEXT}),
        podMetricsEndpoints={
            "type": "array",
            "minItems": 1,
            "items": _object(
                [],
                port=_TEXT,
                portNumber={"type": "integer"},
                path=_TEXT,
                scheme=_TEXT,
                interval={"type": "string", "pattern": r"^(\d+(ms|s|m|h))+$"},
                scrapeTimeout={"type": "string", "pattern": r"^(\d+(ms|s|m|h))+$"},
                honorLabels={"type": "boolean"},
                relabelings={"type": "array", "items": {"type": "object"}},
                metricRelabelings={"type": "array", "items": {"type": "object"}},
                params={"type": "object"},
            ),
        },
    ),
)
_OURS = {("monitoring.coreos.com/v1", "PodMonitor"): _POD_MONITOR}


@functools.lru_cache(maxsize=32)
def _validator(api_version: str, kind: str) -> Any:
    from jsonschema import Draft202012Validator

    if (api_version, kind) in _OURS:
        return Draft202012Validator(_OURS[api_version, kind])
    from kubernetes_validate.utils import schema_contents
    from referencing import Registry, Resource

    version = next(v for v in _versions() if v == VERSION or v.startswith(f"{VERSION}."))
    folder = f"kubernetes-json-schema/v{version}-local-strict"
    name = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    if not re.fullmatch(r"[a-z0-9-]+", name) or not re.fullmatch(r"[A-Za-z]+", kind):
        return None
    try:
        schema = schema_contents(f"{folder}/{kind.lower()}-{name}.json", VERSION)
    except FileNotFoundError:
        return None
    definitions = Resource.from_contents(schema_contents(f"{folder}/_definitions.json", VERSION))
    registry = definitions @ (Resource.from_contents(schema) @ Registry())
    return Draft202012Validator(schema, registry=registry)


@functools.lru_cache(maxsize=1)
def _versions() -> list[str]:
    from kubernetes_validate.utils import all_versions

    return all_versions()


def faults(document: Document) -> Iterator[tuple[str, str]]:
    """What the schema of a document's kind forbids, as (path, message); unknown kinds and removed versions too."""
    api_version, kind = document["apiVersion"], document["kind"]
    validator = _validator(api_version, kind)
    if validator is None:
        yield "apiVersion", f"Kubernetes {VERSION} has no {kind} in {api_version}"
        return
    for error in sorted(validator.iter_errors(document), key=lambda e: [str(p) for p in e.absolute_path]):
        yield path_text(error.absolute_path), _short(error)


def path_text(path: Any) -> str:
    """`spec.containers[0].name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _short(error: Any) -> str:
    """The schema's complaint without the whole document in it."""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        return f"there is no field {', '.join(map(repr, unknown))} here"
    if error.validator == "type":
        kinds = error.validator_value
        wanted = " or ".join(k for k in ([kinds] if isinstance(kinds, str) else kinds) if k != "null")
        return f"{str(error.instance)[:40]!r} should be of type {wanted}"
    return error.message if len(error.message) < 160 else f"{error.message[:150]} ..."
