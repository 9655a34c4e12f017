"""The replay keeps its books: every request is counted, a policy is obeyed, and the same day gives the same numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from servelab.errors import CourseError
from servelab.kubernetes import replay as module
from servelab.kubernetes.replay import Replica, calibrated, complete, day, from_ledger, replay
from servelab.load import measurements

REPLICA = Replica(((1.0, 1.0), (10.0, 5.0)), seats=10)
WAITING = "vllm_num_requests_waiting"


def hpa(low: int, high: int, metric: str = WAITING, target: str = "4") -> dict[str, Any]:
    block = {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": target}}
    return {"spec": {"minReplicas": low, "maxReplicas": high, "metrics": [{"type": "Pods", "pods": block}]}}


def fixed(number: int) -> module.Autoscaler:
    return (lambda *_: number, lambda current, wants: number, lambda current, wanted, *_: wanted)


def simple(current: int, pods: list[dict[str, Any]], target: float) -> int | None:
    values = [p["value"] for p in pods if p["value"] is not None]
    return math.ceil(sum(values) / target) if values else None


def test_rates_lie_on_straight_lines_between_the_points() -> None:
    assert [REPLICA.rate(n) for n in (0, 0.5, 1, 5.5, 10, 99)] == [0, 0.5, 1, 3, 5, 5]
    assert REPLICA.capacity == 5
    longer = REPLICA.scaled(2)
    assert longer.capacity == 2 and longer.rate(1) == pytest.approx(0.4) and longer.seats == REPLICA.seats


def test_the_committed_calibration_and_the_students_own() -> None:
    replica = calibrated(measurements.read("serving-cpu"))
    assert replica.points[0][0] == 1 and 1 < replica.capacity < 100
    with pytest.raises(CourseError, match="no requests/s"):
        calibrated({"figures": {}})
    rows = [
        {"metric": "requests_per_s", "step": "vllm", "value": 3.0, "details": {"concurrency": 8}},
        {"metric": "requests_per_s", "step": "vllm", "value": 0.5, "details": {"concurrency": 1}},
        {"metric": "requests_per_s", "step": "naive", "value": 0.3, "details": {"concurrency": 4}},
        {"metric": "output_tokens_per_s", "step": "vllm", "value": 30.0, "details": {"concurrency": 2}},
    ]
    assert from_ledger(rows).points == ((1, 0.5), (8, 3.0))
    assert from_ledger(rows[1:]) is None


def test_defaults_are_filled_in() -> None:
    assert complete(None) == module.DEFAULT_BEHAVIOUR == complete({"scaleUp": {"policies": None}})
    found = complete({"scaleDown": {"stabilizationWindowSeconds": 5}})
    assert found["scaleDown"]["stabilizationWindowSeconds"] == 5
    assert found["scaleDown"]["policies"] == module.DEFAULT_BEHAVIOUR["scaleDown"]["policies"]


def test_enough_replicas_make_nobody_wait_and_too_few_make_all() -> None:
    arrivals = [8] * 900
    good = replay(hpa(2, 2), arrivals, fixed(2), REPLICA)
    assert (good.requests, good.late, good.changes) == (7200, 0, 0)
    assert good.gpu_hours == pytest.approx(2 * 900 / 3600)
    bad = replay(hpa(1, 1), arrivals, fixed(1), REPLICA)
    assert 0.95 < bad.late <= 1
    assert bad.series[-1]["waiting"] == pytest.approx(3 * 900, rel=0.05)
    assert bad.series[-1]["wait_s"] > 300


def test_a_new_replica_comes_after_its_cold_start_and_leaves_with_a_cost() -> None:
    steps = iter([1, 3] + [3] * 20 + [1] * 100)
    functions = (lambda *_: 1, lambda *_: next(steps), lambda current, wanted, *_: wanted)
    outcome = replay(hpa(1, 3), [1] * 900, functions, REPLICA, cold_start_s=60)
    rows = {row["t_s"]: (row["replicas"], row["ready"]) for row in outcome.series}
    assert (rows[30], rows[45], rows[90], rows[105]) == ((1, 1), (3, 1), (3, 3), (3, 3))
    assert outcome.changes == 2
    # One for all of the time, two more from 30 s to 345 s and a minute of leaving.
    assert outcome.gpu_hours * 3600 == pytest.approx(900 + 2 * (345 - 30 + 60), abs=4)


def test_pods_that_load_and_leave_are_shown_as_such_and_values_are_late() -> None:
    seen: list[list[dict[str, Any]]] = []

    def desired(current: int, pods: list[dict[str, Any]], target: float) -> int | None:
        seen.append(pods)
        return simple(current, pods, target)

    sizes = iter([1, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1])
    functions = (desired, lambda *_: next(sizes), lambda current, wanted, *_: wanted)
    replay(hpa(1, 3), [20] * 160, functions, REPLICA, cold_start_s=50)
    states = [[(p["state"], p["value"] is None) for p in pods] for pods in seen]
    assert states[2] == [("running", False)] + [("running", True)] * 2
    assert states[7] == [("running", False)] + [("leaving", True)] * 2
    assert seen[0][0]["value"] < 15 * 15  # 15 more waited by then than 15 s before


def test_a_metric_that_nobody_offers_has_no_values() -> None:
    seen = []
    functions = (
        lambda current, pods, target: seen.append(pods),
        lambda current, wants: current,
        lambda current, wanted, *_: wanted,
    )
    replay(hpa(1, 2, metric="vllm_queue_depth"), [1] * 60, functions, REPLICA)
    assert all(pod["value"] is None for pods in seen for pod in pods)


def test_wishes_and_changes_have_their_age() -> None:
    told = []

    def decide(
        current: int, wanted: int, wishes: Any, changes: Any, behaviour: Any, low: int, high: int
    ) -> int:
        told.append((wishes, changes, low, high))
        return wanted

    sizes = iter([2, 3, 3, 3])
    replay(hpa(1, 5), [1] * 61, (lambda *_: 1, lambda *_: next(sizes), decide), REPLICA)
    assert told[0] == ([], [], 1, 5)
    assert told[3] == ([[45, 2], [30, 3], [15, 3]], [[45, 1], [30, 1]], 1, 5)


def test_limits_hold_whatever_is_decided_and_nonsense_is_told() -> None:
    outcome = replay(hpa(2, 4), [1] * 60, fixed(9), REPLICA)
    assert {row["replicas"] for row in outcome.series} <= {2, 4}
    for nonsense in (None, 2.5, "3", -1, True):
        with pytest.raises(CourseError, match="no number of replicas"):
            replay(hpa(1, 2), [1] * 60, (lambda *_: 1, lambda *_: nonsense, lambda *_: 1), REPLICA)  # noqa: B023


def test_days_differ_by_seed_only() -> None:
    assert day(1) == day(1) != day(2)
    assert len(day(1)) == 180 * 60 and len(day(1, minutes=10)) == 600
    assert 5 < sum(day(3)) / len(day(3)) < 60
    assert replay(hpa(2, 4), day(1, 20), fixed(3), REPLICA) == replay(
        hpa(2, 4), day(1, 20), fixed(3), REPLICA
    )
