"""The replays agree with themselves, whatever the seed: metrics, log and spans tell of the same run."""

from __future__ import annotations

import itertools
import json

import pytest
from servelab.operations import replays
from servelab.operations.fleet import Replica, Request, Speed
from servelab.operations.replays import HEALTHY, INCIDENTS, Replay, replay

KINDS = (*INCIDENTS, HEALTHY)
SEEDS = range(12)


def at(run: Replay, name: str, t_s: float) -> dict[str, float]:
    (sample,) = [s for s in run.evidence["metrics"][name] if s["t_s"] == t_s]
    return sample


def runs() -> list[Replay]:
    found = [replay(kind, seed) for kind in KINDS for seed in SEEDS]
    return found + [replay(kind, seed, mitigated_s=403.7) for kind in INCIDENTS for seed in SEEDS]


RUNS = runs()


def test_what_arrived_was_served_or_is_there() -> None:
    """queue = arrivals - served, for every replica and sample."""
    for run in RUNS:
        born = {replica.name: 0.0 for replica in run.replicas}
        for name, samples in run.evidence["metrics"].items():
            for before, sample in zip([None, *samples], samples, strict=False):
                if sample["up"] and before and not before["up"]:
                    born[name] = before["t_s"]  # a new process: what came earlier is not its own
                if not sample["up"]:
                    continue
                t = sample["t_s"]
                mine = [r for r in run.requests if r.replica == name and born[name] < r.engine_s < t]
                gone = [r for r in mine if r.end_s is not None and r.end_s <= t]
                there = sample["vllm:num_requests_running"] + sample["vllm:num_requests_waiting"]
                # Who came while the replica was down never got in.
                assert there == len(mine) - len(gone), (run.cause, name, t)
                served = [r for r in gone if r.status == 200]
                assert sample["vllm:request_success_total"] == len(served)
                assert sample["vllm:num_requests_running"] <= run.evidence["seats"]
                assert 0 <= sample["vllm:kv_cache_usage_perc"] <= 1


def test_tokens_and_times_add_up() -> None:
    for run in RUNS:
        for replica in run.replicas:
            last = run.evidence["metrics"][replica.name][-1]
            if not last["up"] or any(not s["up"] for s in run.evidence["metrics"][replica.name]):
                continue
            mine = [r for r in run.requests if r.replica == replica.name]
            assert last["vllm:generation_tokens_total"] == sum(r.tokens for r in mine)
            assert last["vllm:prompt_tokens_total"] == sum(
                r.prompt_tokens for r in mine if r.first_s is not None
            )
            assert last["vllm:num_preemptions_total"] == sum(r.preempted for r in mine)
            firsts = [r.first_s - r.engine_s for r in mine if r.first_s is not None]
            assert last["vllm:time_to_first_token_seconds_count"] == len(firsts)
            assert last["vllm:time_to_first_token_seconds_sum"] == pytest.approx(sum(firsts), abs=0.01)
            waits = [r.started_s - r.engine_s for r in mine if r.started_s is not None]
            assert last["vllm:request_queue_time_seconds_sum"] == pytest.approx(sum(waits), abs=0.01)


def test_counters_never_fall_but_in_a_new_process() -> None:
    for run in RUNS:
        for samples in run.evidence["metrics"].values():
            alive = [(a, b) for a, b in itertools.pairwise(samples) if a["up"] and b["up"]]
            for a, b in alive:
                assert all(b[k] >= a[k] for k in a if k.endswith(("_total", "_sum", "_count")))


def test_the_log_is_the_requests_that_ended() -> None:
    for run in RUNS:
        log = run.evidence["log"]
        ended = {r.id: r for r in run.requests if r.end_s is not None}
        assert {line["id"] for line in log} == set(ended) and len(log) == len(ended)
        ends = [ended[line["id"]].end_s for line in log]
        assert ends == sorted(ends)
        for line in log:
            request = ended[line["id"]]
            assert line["completion_tokens"] <= line["max_tokens"]
            if line["status"] == 200:
                assert line["completion_tokens"] == request.generate
                assert 0 < line["ttft_s"] <= line["latency_s"]
            assert (line["valid"] is None) == (line["revision"] is None or line["status"] != 200)


def test_spans_follow_each_other_without_a_gap() -> None:
    for run in RUNS:
        traces: dict[str, list[dict]] = {}
        for span in run.evidence["spans"]:
            traces.setdefault(span["trace"], []).append(span)
        assert len(traces) > 100
        for whole, *parts in traces.values():
            assert whole["name"] == "gateway"
            for a, b in itertools.pairwise(parts):
                assert a["end_s"] == pytest.approx(b["start_s"], abs=0.002)
            if whole["status"] == 200:
                assert parts[0]["start_s"] == pytest.approx(whole["start_s"], abs=0.002)
                assert parts[-1]["end_s"] == pytest.approx(whole["end_s"], abs=0.002)


def test_latency_follows_from_the_queue() -> None:
    """Little's law over a run in which all that came has nearly all left: mean in the system = rate x mean stay."""
    run = replay(HEALTHY, 3)
    inside = sum(
        s["vllm:num_requests_running"] + s["vllm:num_requests_waiting"]
        for samples in run.evidence["metrics"].values()
        for s in samples
    ) / len(run.evidence["metrics"]["a"])
    stays = [r.end_s - r.engine_s for r in run.requests if r.status == 200]
    assert inside == pytest.approx(sum(stays) / run.evidence["until_s"], rel=0.1)


def test_each_incident_shows_in_its_own_way_and_in_no_other() -> None:
    for seed in SEEDS:
        for kind in KINDS:
            run = replay(kind, seed)
            m, log = run.evidence["metrics"], run.evidence["log"]
            after = [line for line in log if line["t_s"] >= (run.since_s or 300)]
            queue = sum(s.get("vllm:num_requests_waiting", 0) for rows in m.values() for s in rows[-6:]) / 6
            preempted = sum(rows[-1].get("vllm:num_preemptions_total", 0) for rows in m.values())
            down = [name for name, rows in m.items() if not rows[-1]["up"]]

            def share(field: str, lines: list[dict] = after) -> float:
                told = [line[field] for line in lines if line[field] is not None]
                return sum(told) / len(told)

            assert (preempted > 0) == (kind == "kv cache full"), (kind, seed)
            assert down == ([run.where] if kind == "dead replica" else [])
            if kind in ("long generations", "kv cache full"):
                assert queue > 10, (kind, seed, queue)
            elif kind != "dead replica":
                assert queue < 6, (kind, seed, queue)
            assert (share("valid") < 0.85) == (kind == "bad adapter"), (kind, seed)
            assert (share("grounded") < 0.7) == (kind == "stale index"), (kind, seed)


def test_a_mitigated_run_recovers_and_is_the_same_until_then() -> None:
    for kind in INCIDENTS:
        for seed in (0, 1, 2):
            plain, mended = (
                replay(kind, seed, length_s=900),
                replay(kind, seed, mitigated_s=400, length_s=900),
            )
            assert (plain.where, plain.since_s) == (mended.where, mended.since_s)
            before = [[s for s in rows if s["t_s"] < 400] for rows in mended.evidence["metrics"].values()]
            assert before == [
                [s for s in rows if s["t_s"] < 400] for rows in plain.evidence["metrics"].values()
            ]
            assert mended.evidence["until_s"] == 900
            last = [rows[-1] for rows in mended.evidence["metrics"].values()]
            assert all(s["up"] for s in last)
            if kind == "long generations":
                assert sum(s["vllm:num_requests_waiting"] for s in last) < 12


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    first, again, other = replay(INCIDENTS[0], 5), replay(INCIDENTS[0], 5), replay(INCIDENTS[0], 6)
    assert first.evidence == again.evidence != other.evidence
    assert len(json.dumps(first.evidence)) < 900_000
    assert replays.evidence(INCIDENTS[0], 5) == first.evidence
    with pytest.raises(ValueError, match="no incident"):
        replay("gremlins", 1)


def test_one_replica_by_hand() -> None:
    """Two seats, three requests of 40 tokens: two run at the speed of two, the third waits for a seat."""
    speed = Speed(seats=2, pool=1000, alone=20.0, half=2.0, prompt=1e9)
    replica = Replica("a", speed)
    asked = [Request(f"r{i}", 0.0, 8, 40, 64, {}) for i in range(3)]
    for request in asked:
        replica.take(request)
    replica.run(1.0)
    assert [r.started_s for r in asked] == [0.0, 0.0, None] and replica.sample()[
        "vllm:num_requests_waiting"
    ] == 1
    replica.run(20.0)
    # The first token comes with the prompt: 39 tokens at 10 a second, then 39 at 13.33.
    assert [r.end_s for r in asked] == pytest.approx([3.9, 3.9, 3.9 + 39 / (20 / 1.5)], abs=1e-3)


def test_a_full_pool_preempts_the_last() -> None:
    replica = Replica("a", Speed(seats=2, pool=100, alone=10.0, half=1e9, prompt=10.0))
    first, second = Request("r0", 0.0, 30, 40, 64, {}), Request("r1", 0.0, 30, 40, 64, {})
    replica.take(first)
    replica.take(second)
    replica.run(60.0)
    assert (first.preempted, second.preempted) == (0, 1) and replica.preemptions == 1
    assert second.end_s > first.end_s and second.status == first.status == 200
