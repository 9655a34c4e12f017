"""What schemas do not say: rules that Kubernetes applies on arrival, rules of GPUs, and what fits a slow-loading model server.

A rule looks at all documents and yields the document, the path in it, and what is wrong there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from servelab.kubernetes.documents import Document, get, listing, mapping, title
from servelab.kubernetes.quantities import quantity

Found = Iterator[tuple[Document, str, str]]
GPU = "nvidia.com/gpu"
#: Gauges of vLLM 0.24 and 0.32 that say something about load, as prometheus-adapter names them here: `:` becomes `_`.
ENGINE_METRICS = ("vllm_num_requests_waiting", "vllm_num_requests_running", "vllm_kv_cache_usage_perc")

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "sleep", "tcpSocket")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
#: Images whose own user is root.
_ROOT_IMAGES = {"vllm-openai"}
_FRACTIONS = {"cpu", "memory", "ephemeral-storage"}


@dataclass(frozen=True)
class Rule:
    """One rule: its name, what it is for, and how it looks."""

    name: str
    why: str
    look: Callable[[list[Document]], Found]


RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Callable[[list[Document]], Found]], Callable[[list[Document]], Found]]:
    """Register a rule; the function's first line says what it is for."""

    def register(look: Callable[[list[Document]], Found]) -> Callable[[list[Document]], Found]:
        RULES[name] = Rule(name, (look.__doc__ or "").splitlines()[0], look)
        return look

    return register


# -- what documents hold


def _of(documents: list[Document], *kinds: str) -> list[Document]:
    return [d for d in documents if d["kind"] in kinds]


def _pods(documents: list[Document]) -> Iterator[tuple[Document, str, dict[str, Any], dict[str, Any]]]:
    """(document, path of the pod's spec, its labels, its spec) of everything that makes pods."""
    for document in _of(documents, "Deployment", "StatefulSet", "DaemonSet"):
        template = mapping(document, "spec", "template")
        yield (
            document,
            "spec.template.spec",
            mapping(template, "metadata", "labels"),
            mapping(template, "spec"),
        )
    for document in _of(documents, "Pod"):
        yield document, "spec", mapping(document, "metadata", "labels"), mapping(document, "spec")


def _containers(documents: list[Document]) -> Iterator[tuple[Document, str, dict[str, Any], dict[str, Any]]]:
    """(document, path of the container, the container, the pod's spec)."""
    for document, path, _, spec in _pods(documents):
        for index, container in enumerate(listing(spec, "containers")):
            if isinstance(container, dict):
                yield document, f"{path}.containers[{index}]", container, spec


def _probes(documents: list[Document]) -> Iterator[tuple[Document, str, dict[str, Any], dict[str, Any]]]:
    """(document, path of the probe, the probe, its container)."""
    for document, path, container, _ in _containers(documents):
        for name in _PROBES:
            if isinstance(container.get(name), dict):
                yield document, f"{path}.{name}", container[name], container


def port_names(container: dict[str, Any]) -> set[str]:
    """The names of a container's ports."""
    return {p["name"] for p in listing(container, "ports") if isinstance(p, dict) and p.get("name")}


def selects(selector: dict[str, Any], labels: dict[str, Any]) -> bool:
    """Whether a selector's `matchLabels` (and the usual `matchExpressions`) hold for these labels."""
    if any(labels.get(key) != value for key, value in mapping(selector, "matchLabels").items()):
        return False
    for part in listing(selector, "matchExpressions"):
        key, operator, values = get(part, "key"), get(part, "operator"), listing(part, "values")
        there = key in labels
        holds = {
            "In": there and labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": there,
            "DoesNotExist": not there,
        }
        if not holds.get(operator, False):
            return False
    return True


def _number(value: Any) -> Any:
    try:
        return quantity(value)
    except ValueError:
        return None


def probe_budget_s(probe: dict[str, Any]) -> int:
    """Seconds that a probe tolerates before it gives up, from the start of the container."""
    failures, period = get(probe, "failureThreshold", default=3), get(probe, "periodSeconds", default=10)
    return get(probe, "initialDelaySeconds", default=0) + failures * period


def argument(container: dict[str, Any], flag: str) -> str | None:
    """The value of a flag in a container's `command` and `args`: `--flag value` or `--flag=value`, `""` for a bare flag."""
    words: list[str] = []
    for part in [*listing(container, "command"), *listing(container, "args")]:
        words += str(part).split() if " " in str(part) else [str(part)]
    value = None
    for index, word in enumerate(words):
        name, equals, inline = word.partition("=")
        if name == flag:
            follows = words[index + 1] if index + 1 < len(words) else ""
            value = inline if equals else ("" if follows.startswith("--") else follows)
    return value


def pre_stop_s(container: dict[str, Any]) -> float | None:
    """Seconds that a container's preStop hook sleeps; None without a hook, 0 for one that does something else."""
    hook = mapping(container, "lifecycle", "preStop")
    if not hook:
        return None
    if "sleep" in hook:
        return float(get(hook, "sleep", "seconds", default=0))
    found = re.search(r"\bsleep\s+(\d+(?:\.\d+)?)", " ".join(map(str, listing(hook, "exec", "command"))))
    return float(found[1]) if found else 0.0


# -- names, enumerations, quantities: refused on arrival


@rule("name")
def _names(documents: list[Document]) -> Found:
    """Names are lower-case words that a host name may have."""
    for document in documents:
        if not _NAME.fullmatch(document["metadata"]["name"]):
            yield (
                document,
                "metadata.name",
                f"{document['metadata']['name']!r} is no name: lower-case letters, digits, - and .",
            )


@rule("label")
def _labels(documents: list[Document]) -> Found:
    """Values of labels are short words."""
    places = [(d, "metadata.labels", mapping(d, "metadata", "labels")) for d in documents]
    places += [
        (d, p.removesuffix("spec") + "metadata.labels", labels)
        for d, p, labels, _ in _pods(documents)
        if d["kind"] != "Pod"
    ]
    for document, path, labels in places:
        for key, value in labels.items():
            if isinstance(value, str) and not _LABEL_VALUE.fullmatch(value):
                yield (
                    document,
                    f"{path}.{key}",
                    f"{value!r} is no label: up to 63 letters, digits, -, _ and .",
                )


@rule("duplicate")
def _duplicates(documents: list[Document]) -> Found:
    """The same object does not stand twice: the second would overwrite the first."""
    seen: set[tuple[str, str]] = set()
    for document in documents:
        key = (title(document), get(document, "metadata", "namespace", default=""))
        if key in seen:
            yield document, "metadata.name", "another document has the same kind and name"
        seen.add(key)


#: Where a word is one of a few: kind, path (`*` for every entry of a list), words.
ENUMERATIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Deployment", "spec.strategy.type", ("RollingUpdate", "Recreate")),
    ("Deployment", "spec.template.spec.restartPolicy", ("Always",)),
    ("Deployment", "spec.template.spec.containers.*.imagePullPolicy", ("Always", "IfNotPresent", "Never")),
    ("Deployment", "spec.template.spec.containers.*.ports.*.protocol", ("TCP", "UDP", "SCTP")),
    ("Deployment", "spec.template.spec.volumes.*.emptyDir.medium", ("", "Memory", "HugePages")),
    ("Service", "spec.type", ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")),
    ("Service", "spec.ports.*.protocol", ("TCP", "UDP", "SCTP")),
    ("Service", "spec.sessionAffinity", ("None", "ClientIP")),
    ("HorizontalPodAutoscaler", "spec.metrics.*.type", ("Resource", "ContainerResource", "Pods", "Object", "External")),
    ("HorizontalPodAutoscaler", "spec.metrics.*.pods.target.type", ("Utilization", "Value", "AverageValue")),
    ("HorizontalPodAutoscaler", "spec.behavior.scaleUp.selectPolicy", ("Max", "Min", "Disabled")),
    ("HorizontalPodAutoscaler", "spec.behavior.scaleDown.selectPolicy", ("Max", "Min", "Disabled")),
    ("HorizontalPodAutoscaler", "spec.behavior.scaleUp.policies.*.type", ("Pods", "Percent")),
    ("HorizontalPodAutoscaler", "spec.behavior.scaleDown.policies.*.type", ("Pods", "Percent")),
)  # fmt: skip


def _walk(value: Any, steps: list[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value at a path in which `*` stands for each entry of a list."""
    if not steps:
        yield path, value
    elif steps[0] == "*":
        for index, entry in enumerate(value if isinstance(value, list) else []):
            yield from _walk(entry, steps[1:], f"{path}[{index}]")
    elif isinstance(value, dict) and steps[0] in value:
        yield from _walk(value[steps[0]], steps[1:], f"{path}.{steps[0]}" if path else steps[0])


@rule("enumeration")
def _enumerations(documents: list[Document]) -> Found:
    """Words of which only a few are allowed."""
    for document in documents:
        for kind, path, words in ENUMERATIONS:
            if document["kind"] == kind:
                for place, value in _walk(document, path.split(".")):
                    if value is not None and value not in words:
                        yield document, place, f"{value!r} is none of {', '.join(filter(None, words))}"


@rule("quantity")
def _quantities(documents: list[Document]) -> Found:
    """Amounts of memory, processors and metrics are numbers with Kubernetes' units."""
    places: list[tuple[Document, str, Any]] = []
    for document, path, container, spec in _containers(documents):
        for part in ("requests", "limits"):
            places += [
                (document, f"{path}.resources.{part}.{k}", v)
                for k, v in mapping(container, "resources", part).items()
            ]
        base = path.rpartition(".containers")[0]
        places += [
            (document, f"{base}.{p}", v) for p, v in _walk(spec, ["volumes", "*", "emptyDir", "sizeLimit"])
        ]
    for document in _of(documents, "HorizontalPodAutoscaler"):
        for field in ("averageValue", "value"):
            places += [
                (document, p, v) for p, v in _walk(document, f"spec.metrics.*.pods.target.{field}".split("."))
            ]
    for document, path, value in places:
        number = _number(value)
        if number is None:
            yield document, path, f"{value!r} is no quantity (for example 500m, 2 or 16Gi)"
        elif number < 0:
            yield document, path, f"{value!r} is negative"


# -- ports


@rule("port")
def _ports(documents: list[Document]) -> Found:
    """Ports are numbers from 1 to 65535, and their names short."""
    for document, path, container, _ in _containers(documents):
        for index, port in enumerate(listing(container, "ports")):
            number, name = get(port, "containerPort"), get(port, "name", default="http")
            if isinstance(number, int) and not 0 < number < 65536:
                yield document, f"{path}.ports[{index}].containerPort", f"there is no port {number}"
            if not _PORT_NAME.fullmatch(str(name)):
                yield (
                    document,
                    f"{path}.ports[{index}].name",
                    f"{name!r} is no name of a port: up to 15 of a-z, 0-9 and -",
                )
    for document in _of(documents, "Service"):
        for index, port in enumerate(listing(document, "spec", "ports")):
            for field in ("port", "targetPort"):
                number = get(port, field, default=1)
                if isinstance(number, int) and not 0 < number < 65536:
                    yield document, f"spec.ports[{index}].{field}", f"there is no port {number}"
        if len(listing(document, "spec", "ports")) > 1:
            for index, port in enumerate(listing(document, "spec", "ports")):
                if not get(port, "name"):
                    yield document, f"spec.ports[{index}]", "with several ports, each needs a name"


@rule("engine-port")
def _engine_ports(documents: list[Document]) -> Found:
    """What the engine is told to listen on is a port of its container."""
    for document, path, container, _ in _containers(documents):
        if not _gpus(container):
            continue
        told = argument(container, "--port")
        numbers = [get(port, "containerPort", default=0) for port in listing(container, "ports")]
        sound = numbers and all(0 < number < 65536 for number in numbers)  # `port` tells the others
        if told is not None and sound and told not in map(str, numbers):
            yield (
                document,
                f"{path}.ports",
                f"the engine listens on {told or 'no port'} (--port), and the container says {', '.join(map(str, numbers))}",
            )


@rule("probe-port")
def _probe_ports(documents: list[Document]) -> Found:
    """A probe asks a port that its container has."""
    for document, path, probe, container in _probes(documents):
        for handler in ("httpGet", "tcpSocket", "grpc"):
            port = get(probe, handler, "port")
            if isinstance(port, str) and port not in port_names(container):
                yield document, f"{path}.{handler}.port", f"no port of the container is called {port!r}"
            if isinstance(port, int) and not 0 < port < 65536:
                yield document, f"{path}.{handler}.port", f"there is no port {port}"


# -- probes


@rule("probe-handler")
def _probe_handlers(documents: list[Document]) -> Found:
    """A probe looks in exactly one way."""
    for document, path, probe, _ in _probes(documents):
        ways = [handler for handler in _HANDLERS if handler in probe]
        if len(ways) != 1:
            yield (
                document,
                path,
                f"a probe has one of {', '.join(_HANDLERS)}, this one has {' and '.join(ways) or 'none'}",
            )


@rule("hook")
def _hooks(documents: list[Document]) -> Found:
    """A hook at the start or the end of a container does exactly one thing."""
    for document, path, container, _ in _containers(documents):
        for name in ("postStart", "preStop"):
            hook = get(container, "lifecycle", name)
            ways = [handler for handler in _HOOK_HANDLERS if get(hook, handler) is not None]
            if hook is not None and len(ways) != 1:
                yield (
                    document,
                    f"{path}.lifecycle.{name}",
                    f"a hook has one of {', '.join(_HOOK_HANDLERS)}, this one has {' and '.join(ways) or 'none'}",
                )


@rule("probe-number")
def _probe_numbers(documents: list[Document]) -> Found:
    """Numbers of probes are positive, and only readiness may ask for several successes."""
    for document, path, probe, _ in _probes(documents):
        for field, least in (
            ("periodSeconds", 1),
            ("timeoutSeconds", 1),
            ("failureThreshold", 1),
            ("initialDelaySeconds", 0),
        ):
            if isinstance(probe.get(field), int) and probe[field] < least:
                yield document, f"{path}.{field}", f"must be at least {least}"
        if not path.endswith("readinessProbe") and get(probe, "successThreshold", default=1) != 1:
            yield document, f"{path}.successThreshold", "must be 1, except for readiness"


@rule("slow-start")
def _slow_start(documents: list[Document]) -> Found:
    """A model takes minutes to load: without a startup probe, liveness kills it before."""
    for document, path, container, _ in _containers(documents):
        if not _gpus(container):
            continue
        if "startupProbe" in container:
            if probe_budget_s(container["startupProbe"]) < 60:
                yield (
                    document,
                    f"{path}.startupProbe",
                    (
                        f"gives up after {probe_budget_s(container['startupProbe'])} s, while the model still loads"
                    ),
                )
        elif "livenessProbe" in container and probe_budget_s(container["livenessProbe"]) < 600:
            yield (
                document,
                f"{path}.livenessProbe",
                (
                    f"kills the container {probe_budget_s(container['livenessProbe'])} s after its start, while the model still loads: "
                    "a startupProbe holds it back"
                ),
            )


@rule("readiness")
def _readiness(documents: list[Document]) -> Found:
    """Without a readiness probe a replica gets requests while it loads."""
    for document, path, container, _ in _containers(documents):
        if _gpus(container) and "readinessProbe" not in container:
            yield document, path, "has no readinessProbe: requests are sent to it while it loads"


# -- GPUs and other resources


def _gpus(container: dict[str, Any]) -> bool:
    resources = mapping(container, "resources")
    return any(
        key.endswith("/gpu") or key.startswith("nvidia.com/")
        for part in resources.values()
        if isinstance(part, dict)
        for key in part
    )


@rule("gpu-limit")
def _gpu_limit(documents: list[Document]) -> Found:
    """GPUs are whole, and requested as they are limited: a device is not overcommitted."""
    for document, path, container, _ in _containers(documents):
        requests, limits = (mapping(container, "resources", part) for part in ("requests", "limits"))
        for key in sorted({*requests, *limits} - _FRACTIONS):
            if "/" not in key:
                continue
            if key not in limits:
                yield document, f"{path}.resources.limits", f"{key} is requested without a limit"
            elif key in requests and _number(requests[key]) != _number(limits[key]):
                yield (
                    document,
                    f"{path}.resources.requests.{key}",
                    f"{requests[key]} is requested and {limits[key]} is the limit: they must be equal",
                )
            number = _number(limits.get(key))
            if number is not None and number != int(number):
                yield document, f"{path}.resources.limits.{key}", f"{limits[key]} is no whole number"


@rule("resource-order")
def _resource_order(documents: list[Document]) -> Found:
    """What is requested is not above its limit."""
    for document, path, container, _ in _containers(documents):
        requests, limits = (mapping(container, "resources", part) for part in ("requests", "limits"))
        for key in sorted(set(requests) & set(limits) & _FRACTIONS):
            low, high = _number(requests[key]), _number(limits[key])
            if low is not None and high is not None and low > high:
                yield (
                    document,
                    f"{path}.resources.requests.{key}",
                    f"{requests[key]} is above the limit of {limits[key]}",
                )


@rule("image-tag")
def _image_tags(documents: list[Document]) -> Found:
    """An image without a tag is another one tomorrow."""
    for document, path, container, _ in _containers(documents):
        image = str(get(container, "image", default=""))
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest", "nightly"):
            yield document, f"{path}.image", f"{image!r} names no release: give a tag, or a digest"


# -- pods and Deployments


@rule("selector")
def _selectors(documents: list[Document]) -> Found:
    """A workload selects the pods that it makes."""
    for document in _of(documents, "Deployment", "StatefulSet", "DaemonSet"):
        selector = mapping(document, "spec", "selector")
        labels = mapping(document, "spec", "template", "metadata", "labels")
        if not selector:
            yield document, "spec.selector", "is empty"
        elif not selects(selector, labels):
            yield document, "spec.selector", "does not match the labels of spec.template"


@rule("volume")
def _volumes(documents: list[Document]) -> Found:
    """What a container mounts is a volume of its pod, and each at a place of its own."""
    for document, path, container, spec in _containers(documents):
        names = {get(volume, "name") for volume in listing(spec, "volumes")}
        # A StatefulSet makes a volume of each of its claims.
        names |= {
            get(claim, "metadata", "name") for claim in listing(document, "spec", "volumeClaimTemplates")
        }
        taken: set[Any] = set()
        for index, mount in enumerate(listing(container, "volumeMounts")):
            if get(mount, "mountPath") in taken:
                yield (
                    document,
                    f"{path}.volumeMounts[{index}].mountPath",
                    f"something else is mounted at {get(mount, 'mountPath')} already",
                )
            taken.add(get(mount, "mountPath"))
            if get(mount, "name") not in names:
                yield (
                    document,
                    f"{path}.volumeMounts[{index}].name",
                    f"the pod has no volume {get(mount, 'name')!r}",
                )


@rule("shared-memory")
def _shared_memory(documents: list[Document]) -> Found:
    """Engine processes exchange tensors through /dev/shm, of which a container has 64 MB unless one is mounted."""
    for document, path, container, spec in _containers(documents):
        if not _gpus(container):
            continue
        mount = next(
            (m for m in listing(container, "volumeMounts") if get(m, "mountPath") == "/dev/shm"), None
        )
        volume = next(
            (v for v in listing(spec, "volumes") if mount and get(v, "name") == get(mount, "name")), None
        )
        if mount is None:
            yield document, f"{path}.volumeMounts", "nothing is mounted at /dev/shm"
        elif volume is not None and get(volume, "emptyDir", "medium") != "Memory":
            yield (
                document,
                f"{path}.volumeMounts",
                "what is mounted at /dev/shm is no emptyDir of medium Memory",
            )


#: Where a count of pods stands: kind, path, and whether more than all of them makes sense.
_COUNTS = (
    ("Deployment", "spec.strategy.rollingUpdate.maxSurge", True),
    ("Deployment", "spec.strategy.rollingUpdate.maxUnavailable", False),
    ("PodDisruptionBudget", "spec.minAvailable", False),
    ("PodDisruptionBudget", "spec.maxUnavailable", False),
)


@rule("pod-count")
def _pod_counts(documents: list[Document]) -> Found:
    """How many pods is a whole number, or a percentage in quotes."""
    for document in documents:
        for kind, path, above_all in _COUNTS:
            value = get(document, *path.split(".")) if document["kind"] == kind else None
            if isinstance(value, str):
                if not re.fullmatch(r"[0-9]+%", value):
                    hint = ": a number stands without quotes" if value.isdigit() else ""
                    yield document, path, f"{value!r} is neither a number nor a percentage{hint}"
                elif not above_all and int(value[:-1]) > 100:
                    yield document, path, f"{value}: more than all of them"
            elif isinstance(value, int) and value < 0:
                yield document, path, f"{value} is negative"


@rule("rollout")
def _rollouts(documents: list[Document]) -> Found:
    """A rolling update may add a pod or take one away."""
    for document in _of(documents, "Deployment"):
        rolling = mapping(document, "spec", "strategy", "rollingUpdate")
        if get(document, "spec", "strategy", "type") == "Recreate" and rolling:
            yield document, "spec.strategy.rollingUpdate", "Recreate does not roll"
        if {str(rolling.get("maxSurge", 1)), str(rolling.get("maxUnavailable", 1))} <= {"0", "0%"}:
            yield (
                document,
                "spec.strategy.rollingUpdate",
                "maxSurge and maxUnavailable are both 0: no pod could ever be replaced",
            )


@rule("drain")
def _drains(documents: list[Document]) -> Found:
    """The grace period covers the preStop hook and what the engine takes to finish."""
    for document, path, container, spec in _containers(documents):
        grace = get(spec, "terminationGracePeriodSeconds", default=30)
        hook = pre_stop_s(container) or 0
        drain = argument(container, "--shutdown-timeout") or "0"
        needed = hook + (int(drain) if drain.isdigit() else 0)
        if isinstance(grace, int) and grace < needed:
            place = path.rpartition(".containers")[0] + ".terminationGracePeriodSeconds"
            yield (
                document,
                place,
                f"{grace} s are less than the {needed:g} s of preStop and --shutdown-timeout: the pod is killed in the middle",
            )


@rule("security")
def _security(documents: list[Document]) -> Found:
    """No root, and no way to it."""
    for document, path, container, spec in _containers(documents):
        pod, own = mapping(spec, "securityContext"), mapping(container, "securityContext")
        if own.get("privileged"):
            yield (
                document,
                f"{path}.securityContext.privileged",
                "a privileged container owns its node; a GPU does not need that",
            )
        user = own.get("runAsUser", pod.get("runAsUser"))
        if own.get("runAsNonRoot", pod.get("runAsNonRoot")):
            place = f"{path}.securityContext.runAsUser"
            image = str(get(container, "image", default="")).rpartition("/")[2]
            if user == 0:
                yield document, place, "runAsNonRoot is set, and user 0 is root: it never starts"
            elif user is None and re.split("[:@]", image)[0] in _ROOT_IMAGES:
                yield (
                    document,
                    place,
                    f"runAsNonRoot is set, and the user of the image {image} is root: it never starts without a runAsUser",
                )


# -- what stands around a Deployment


@rule("service")
def _services(documents: list[Document]) -> Found:
    """A Service finds pods, and a port of theirs."""
    pods = list(_pods(documents))
    for document in _of(documents, "Service"):
        selector = mapping(document, "spec", "selector")
        chosen = [
            spec for _, _, labels, spec in pods if selector and selects({"matchLabels": selector}, labels)
        ]
        if not selector or (pods and not chosen):
            yield document, "spec.selector", "selects no pod of these manifests" if selector else "is empty"
            continue
        names = {
            name
            for spec in chosen
            for container in listing(spec, "containers")
            for name in port_names(container)
        }
        for index, port in enumerate(listing(document, "spec", "ports")):
            target = get(port, "targetPort")
            if isinstance(target, str) and chosen and target not in names:
                yield (
                    document,
                    f"spec.ports[{index}].targetPort",
                    f"no port of these pods is called {target!r}",
                )


@rule("budget")
def _budgets(documents: list[Document]) -> Found:
    """A disruption budget has one of its two fields, and finds pods."""
    pods = list(_pods(documents))
    for document in _of(documents, "PodDisruptionBudget"):
        spec = mapping(document, "spec")
        given = [field for field in ("minAvailable", "maxUnavailable") if field in spec]
        if len(given) != 1:
            yield (
                document,
                "spec",
                f"has {' and '.join(given) or 'neither minAvailable nor maxUnavailable'}: it must be one of the two",
            )
        elif given == ["maxUnavailable"] and str(spec["maxUnavailable"]) in ("0", "0%"):
            yield document, "spec.maxUnavailable", "0 lets no node ever be drained"
        elif given == ["minAvailable"] and str(spec["minAvailable"]) == "100%":
            yield document, "spec.minAvailable", "100% lets no node ever be drained"
        selector = mapping(spec, "selector")
        if not selector or (pods and not any(selects(selector, labels) for _, _, labels, _ in pods)):
            yield (
                document,
                "spec.selector",
                "selects no pod of these manifests" if selector else "is empty, which selects every pod",
            )


@rule("pod-monitor")
def _pod_monitors(documents: list[Document]) -> Found:
    """A PodMonitor finds pods, and the port by its name."""
    pods = list(_pods(documents))
    for document in _of(documents, "PodMonitor"):
        selector = mapping(document, "spec", "selector")
        chosen = [spec for _, _, labels, spec in pods if selector and selects(selector, labels)]
        if not selector or (pods and not chosen):
            yield (
                document,
                "spec.selector",
                "selects no pod of these manifests" if selector else "is empty, which selects every pod",
            )
            continue
        names = {
            name
            for spec in chosen
            for container in listing(spec, "containers")
            for name in port_names(container)
        }
        for index, endpoint in enumerate(listing(document, "spec", "podMetricsEndpoints")):
            port = get(endpoint, "port")
            if port is None and get(endpoint, "portNumber") is None:
                yield document, f"spec.podMetricsEndpoints[{index}]", "names no port"
            elif port is not None and chosen and port not in names:
                yield (
                    document,
                    f"spec.podMetricsEndpoints[{index}].port",
                    f"no port of these pods is called {port!r}",
                )


# -- autoscaling


@rule("hpa-range")
def _hpa_ranges(documents: list[Document]) -> Found:
    """From at least one replica to no fewer."""
    for document in _of(documents, "HorizontalPodAutoscaler"):
        low, high = (
            get(document, "spec", "minReplicas", default=1),
            get(document, "spec", "maxReplicas", default=1),
        )
        if low < 1:
            yield (
                document,
                "spec.minReplicas",
                f"{low}: an HPA does not scale to zero unless the cluster has the feature HPAScaleToZero",
            )
        if high < low:
            yield document, "spec.maxReplicas", f"{high} is less than minReplicas, {low}"


@rule("hpa-target")
def _hpa_targets(documents: list[Document]) -> Found:
    """An HPA names a workload that is there, and that leaves the number of replicas to it."""
    for document in _of(documents, "HorizontalPodAutoscaler"):
        target = mapping(document, "spec", "scaleTargetRef")
        kind, name = target.get("kind"), target.get("name")
        there = [d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name]
        if not there and _of(documents, "Deployment", "StatefulSet"):
            yield document, "spec.scaleTargetRef", f"there is no {kind}/{name} in these manifests"
        for workload in there:
            if target.get("apiVersion") != workload["apiVersion"]:
                yield (
                    document,
                    "spec.scaleTargetRef.apiVersion",
                    f"{kind}/{name} is of {workload['apiVersion']}",
                )


@rule("hpa-and-replicas")
def _hpa_and_replicas(documents: list[Document]) -> Found:
    """Two who set the number of replicas undo each other's work."""
    targets = {
        (get(d, "spec", "scaleTargetRef", "kind"), get(d, "spec", "scaleTargetRef", "name"))
        for d in _of(documents, "HorizontalPodAutoscaler")
    }
    for document in _of(documents, "Deployment", "StatefulSet"):
        if (document["kind"], document["metadata"]["name"]) in targets and "replicas" in mapping(
            document, "spec"
        ):
            yield (
                document,
                "spec.replicas",
                "an HPA sets the number; every `kubectl apply` of this file would set it back",
            )


@rule("hpa-metric")
def _hpa_metrics(documents: list[Document]) -> Found:
    """A metric has the block of its type, a target that can be met, and a name that the engine's metrics have."""
    for document in _of(documents, "HorizontalPodAutoscaler"):
        if not listing(document, "spec", "metrics"):
            yield (
                document,
                "spec.metrics",
                "is empty, which means 80 % of the requested CPU: no signal for a GPU",
            )
        for index, metric in enumerate(listing(document, "spec", "metrics")):
            place, kind = f"spec.metrics[{index}]", str(get(metric, "type"))
            block = kind[:1].lower() + kind[1:]
            others = (
                sorted(key for key in metric if key not in ("type", block))
                if isinstance(metric, dict)
                else []
            )
            if block not in metric or others:
                yield document, place, f"a metric of type {kind} has the block {block!r} and no other"
                continue
            if kind != "Pods":
                continue
            name, target = str(get(metric, "pods", "metric", "name")), mapping(metric, "pods", "target")
            if name.startswith("vllm") and name not in ENGINE_METRICS:
                yield (
                    document,
                    f"{place}.pods.metric.name",
                    f"no gauge of the engine is called so: known are {', '.join(ENGINE_METRICS)}",
                )
            if target.get("type") == "AverageValue" and "averageValue" not in target:
                yield document, f"{place}.pods.target", "AverageValue needs the field averageValue"
            elif target.get("type") in ("Value", "Utilization"):
                yield (
                    document,
                    f"{place}.pods.target.type",
                    f"{target['type']}: a metric of pods has an AverageValue",
                )
            elif _number(target.get("averageValue")) == 0:
                yield (
                    document,
                    f"{place}.pods.target.averageValue",
                    "0 cannot be met by any number of replicas",
                )


@rule("hpa-behaviour")
def _hpa_behaviour(documents: list[Document]) -> Found:
    """Windows and periods have limits, and policies a size."""
    for document in _of(documents, "HorizontalPodAutoscaler"):
        for way in ("scaleUp", "scaleDown"):
            rules = mapping(document, "spec", "behavior", way)
            window = rules.get("stabilizationWindowSeconds", 0)
            if isinstance(window, int) and not 0 <= window <= 3600:
                yield (
                    document,
                    f"spec.behavior.{way}.stabilizationWindowSeconds",
                    f"{window}: from 0 to 3600 seconds",
                )
            for index, policy in enumerate(listing(rules, "policies")):
                place = f"spec.behavior.{way}.policies[{index}]"
                if get(policy, "value", default=1) < 1:
                    yield (
                        document,
                        f"{place}.value",
                        "must be at least 1; to forbid a direction there is selectPolicy: Disabled",
                    )
                if not 1 <= get(policy, "periodSeconds", default=15) <= 1800:
                    yield (
                        document,
                        f"{place}.periodSeconds",
                        f"{get(policy, 'periodSeconds')}: from 1 to 1800 seconds",
                    )
