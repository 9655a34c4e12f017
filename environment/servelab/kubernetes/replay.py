"""A traffic trace through an autoscaled group of replicas: a queueing model that an HPA's own rules drive.

Every second, requests arrive, take free seats in the order in which they came, and are answered at the rate that was measured
for a replica with so many requests in flight. Every 15 seconds the autoscaler looks, as Kubernetes' does. What the model leaves
out: lengths of prompts and answers (all are alike), prefix caches, and routing (requests are spread evenly).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from servelab.errors import CourseError
from servelab.kubernetes.documents import get, listing, mapping
from servelab.kubernetes.quantities import quantity

SYNC_S = 15
_LEAVING_S = 60  # a replica that is draining has its GPU still
_WAITING, _RUNNING = "vllm_num_requests_waiting", "vllm_num_requests_running"

#: What holds where an HPA says nothing: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior
DEFAULT_BEHAVIOUR: dict[str, dict[str, Any]] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}


def complete(behaviour: Mapping[str, Any] | None) -> dict[str, Any]:
    """The `behavior` of an HPA with Kubernetes' defaults for whatever it leaves out."""
    found = {}
    for way, defaults in DEFAULT_BEHAVIOUR.items():
        given = {key: value for key, value in mapping(behaviour, way).items() if value is not None}
        found[way] = {**defaults, **given}
    return found


@dataclass(frozen=True)
class Replica:
    """What one replica does, as it was measured.

    Attributes:
        points: (requests in flight, requests answered a second), ascending.
        seats: most requests in flight (`--max-num-seqs`); the others wait.
    """

    points: tuple[tuple[float, float], ...]
    seats: int = 16

    def rate(self, in_flight: float) -> float:
        """Answers a second with so many requests in flight; between the measured points on a straight line."""
        xs, ys = zip((0.0, 0.0), *self.points, strict=True)
        return float(np.interp(in_flight, xs, ys))

    def scaled(self, capacity: float) -> Replica:
        """The same curve for longer or shorter answers: so long that `capacity` requests/s come out with every seat taken."""
        factor = capacity / self.capacity
        return Replica(tuple((n, rate * factor) for n, rate in self.points), self.seats)

    @property
    def capacity(self) -> float:
        """Answers a second with every seat taken."""
        return self.rate(self.seats)


def calibrated(record: Mapping[str, Any], seats: int = 16) -> Replica:
    """A replica from a measurement of `servelab bench serving`.

    Raises:
        CourseError: the record has no rates by requests in flight.
    """
    try:
        levels = record["figures"]["vllm"]
        points = sorted((float(n), float(level["requests_per_s"])) for n, level in levels.items())
    except (KeyError, TypeError, ValueError):
        raise CourseError("This measurement has no requests/s by requests in flight.") from None
    return Replica(tuple(points), seats)


def from_ledger(rows: Sequence[Mapping[str, Any]], seats: int = 16) -> Replica | None:
    """A replica from the ledger rows of lab 02; None where there are not two points of vLLM."""
    points = {
        float(row["details"]["concurrency"]): float(row["value"])
        for row in rows
        if row.get("metric") == "requests_per_s"
        and row.get("step") == "vllm"
        and "concurrency" in row.get("details", {})
    }
    return Replica(tuple(sorted(points.items())), seats) if len(points) > 1 else None


def day(seed: int, minutes: int = 180) -> list[int]:
    """Requests in each second of a working day squeezed into three hours.

    The load rises and falls once, with waves of some minutes on top, one spike of about ten minutes, and Poisson noise.
    """
    draw = np.random.default_rng(seed)
    second = np.arange(60 * minutes)
    slow = 24 - 17 * np.cos(2 * np.pi * second / second.size)
    period = draw.uniform(420, 600)
    waves = 1 + 0.2 * np.sin(2 * np.pi * (second / period + draw.random()))
    begins = draw.uniform(0.3, 0.6) * second.size
    rise = np.clip((second - begins) / 60, 0, 1) * np.clip(
        (begins + draw.uniform(500, 700) - second) / 60, 0, 1
    )
    return draw.poisson(slow * waves + draw.uniform(14, 18) * rise).tolist()


@dataclass
class Outcome:
    """What became of a trace.

    Attributes:
        requests: how many arrived.
        late: share of them that waited longer than the goal for a seat.
        gpu_hours: one GPU for every replica, from its start (loading included) to its end.
        changes: how often the number of replicas was changed.
        series: a row every 15 s: "t_s", "arrivals_per_s", "replicas", "ready", "waiting", "wait_s".
    """

    requests: int = 0
    late: float = 0.0
    gpu_hours: float = 0.0
    changes: int = 0
    series: list[dict[str, float]] = field(default_factory=list)


#: (current, pods, target) -> replicas for one metric or None; (current, wants) -> one number;
#: (current, desired, recommendations, events, behaviour, low, high) -> the new number.
Autoscaler = tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]


def replay(
    hpa: Mapping[str, Any],
    arrivals: Sequence[int],
    autoscaler: Autoscaler,
    replica: Replica,
    *,
    cold_start_s: int = 150,
    goal_s: float = 5.0,
) -> Outcome:
    """Send the trace through replicas that this HPA scales.

    Args:
        hpa: the HorizontalPodAutoscaler as a document. Its metrics are of type Pods, and the replay knows
            `vllm_num_requests_waiting` and `vllm_num_requests_running`; any other has no values here.
        arrivals: requests in each second.
        autoscaler: the three functions that decide; see `Autoscaler`.
        replica: what one replica does.
        cold_start_s: seconds from the decision until a new replica answers.
        goal_s: longest wait for a seat that is not late.

    Raises:
        CourseError: the autoscaler's functions give something that is no number of replicas.
    """
    group = _Group(replica, cold_start_s, goal_s)
    scaler = _Scaler(hpa, autoscaler)
    group.scale(scaler.low, now=-cold_start_s)
    outcome = Outcome(requests=int(sum(arrivals)))
    for now, count in enumerate(arrivals):
        group.second(now, count)
        if now and now % SYNC_S == 0:
            before = group.size
            outcome.series.append(group.row(now))
            wanted = scaler.look(now, group)
            if wanted != before:
                group.scale(wanted, now)
                outcome.changes += 1
    outcome.late = group.late_share(len(arrivals))
    outcome.gpu_hours = group.gpu_s / 3600
    return outcome


class _Group:
    """The replicas, the requests that they answer, and those that wait."""

    def __init__(self, replica: Replica, cold_start_s: int, goal_s: float) -> None:
        self.replica, self.cold_start_s, self.goal_s = replica, cold_start_s, goal_s
        self.ready = 0
        self.loading: list[int] = []  # when each will be ready
        self.leaving: list[int] = []  # when each will be gone
        self.queue: deque[list[float]] = deque()  # [second of arrival, requests]
        self.waiting = self.in_flight = 0.0
        self.seated = self.late = self.gpu_s = 0.0
        self.recent: deque[int] = deque(maxlen=SYNC_S)
        self.gauges: deque[tuple[float, float]] = deque(maxlen=SYNC_S)

    @property
    def size(self) -> int:
        return self.ready + len(self.loading)

    def scale(self, wanted: int, now: int) -> None:
        """Start replicas, or take some away: first those that still load."""
        for _ in range(wanted - self.size):
            self.loading.append(now + self.cold_start_s)
        for _ in range(self.size - wanted):
            if self.loading:
                self.loading.pop()
            else:
                self.in_flight *= (self.ready - 1) / self.ready  # its requests are finished where they are
                self.ready -= 1
                self.leaving.append(now + _LEAVING_S)

    def second(self, now: int, count: int) -> None:
        """One second: replicas become ready, requests arrive, are seated, and are answered."""
        self.ready += sum(at <= now for at in self.loading)
        self.loading = [at for at in self.loading if at > now]
        self.leaving = [at for at in self.leaving if at > now]
        self.gpu_s += self.size + len(self.leaving)
        self.recent.append(count)
        if count:
            self.queue.append([now, count])
            self.waiting += count
        free = self.ready * self.replica.seats - self.in_flight
        while self.queue and free > 1e-9:
            at, waiting = self.queue[0]
            taken = min(waiting, free)
            free -= taken
            self.in_flight += taken
            self.waiting -= taken
            self.seated += taken
            self.late += taken * (now - at > self.goal_s)
            if taken == waiting:
                self.queue.popleft()
            else:
                self.queue[0][1] -= taken
        if self.ready:
            answered = self.ready * self.replica.rate(self.in_flight / self.ready)
            self.in_flight = max(0.0, self.in_flight - answered)
        self.gauges.append((self.waiting, self.in_flight))

    def values(self, name: str) -> float | None:
        """The metric of each ready replica, as it was 15 seconds ago: it was scraped, and averaged, on its way here."""
        if not self.ready or name not in (_WAITING, _RUNNING):
            return None
        waiting, running = self.gauges[0]
        return (waiting if name == _WAITING else running) / self.ready

    def row(self, now: int) -> dict[str, float]:
        return {
            "t_s": now,
            "arrivals_per_s": sum(self.recent) / len(self.recent),
            "replicas": self.size,
            "ready": self.ready,
            "waiting": self.waiting,
            "wait_s": now - self.queue[0][0] if self.queue else 0.0,
        }

    def late_share(self, end: int) -> float:
        stuck = sum(count for at, count in self.queue if end - at > self.goal_s)
        total = self.seated + self.waiting
        return (self.late + stuck) / total if total else 0.0


class _Scaler:
    """What the HPA controller remembers between two looks."""

    def __init__(self, hpa: Mapping[str, Any], functions: Autoscaler) -> None:
        spec = mapping(hpa, "spec")
        self.low, self.high = (
            int(get(spec, "minReplicas", default=1)),
            int(get(spec, "maxReplicas", default=1)),
        )
        self.behaviour = complete(get(spec, "behavior"))
        self.targets = [
            (
                get(metric, "pods", "metric", "name"),
                float(quantity(get(metric, "pods", "target", "averageValue", default=1))),
            )
            for metric in listing(spec, "metrics")
            if get(metric, "type") == "Pods"
        ]
        self.desired, self.combined, self.decide = functions
        self.wishes: list[tuple[int, int]] = []
        self.events: list[tuple[int, int]] = []

    def look(self, now: int, group: _Group) -> int:
        """The number of replicas from now on."""
        current, wants = group.size, []
        for name, target in self.targets:
            value = group.values(name)
            pods = [{"state": "running", "value": value} for _ in range(group.ready)]
            pods += [{"state": "running", "value": None} for _ in group.loading]
            pods += [{"state": "leaving", "value": None} for _ in group.leaving]
            wants.append(self.desired(current, pods, target))
        wish = _count(self.combined(current, wants), "combined")
        past = [[now - at, wish_then] for at, wish_then in self.wishes]
        done = [[now - at, change] for at, change in self.events]
        wanted = _count(self.decide(current, wish, past, done, self.behaviour, self.low, self.high), "decide")
        wanted = max(self.low, min(self.high, wanted))
        self.wishes = [(at, w) for at, w in [*self.wishes, (now, wish)] if now - at < 3600]
        if wanted != current:
            self.events.append((now, wanted - current))
        self.events = [(at, change) for at, change in self.events if now - at < 1800]
        return wanted


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 10_000:
        raise CourseError(f"{name} gave {str(value)[:40]!r}, which is no number of replicas.")
    return int(value)
