"""Every benchmark repeats its rounds, publishes medians, keeps the samples, and takes ratios within a round."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from servelab import engine
from servelab.errors import CourseError
from servelab.grading import bench as grading
from servelab.load import bench, measurements, records
from servelab.load.stats import Result, summarise
from servelab.lora import bench as lora
from servelab.retrieval import bench as retrieval


def saved(result: dict[str, Any], repeats: int) -> dict[str, Any]:
    """What a file of it would hold: refuses samples that contradict the figures."""
    return measurements.make("Made up.", result, seed=0, repeats=repeats)


def test_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round is half as fast as the one before; the ratio of the two servers does not move."""
    pace = iter([1.0, 20.0, 0.5, 10.0, 0.25, 5.0])

    @contextmanager
    def naive_server(backend: str) -> Iterator[str]:
        yield "http://there/v1"

    def levels(url: str, model: str, given: Any, name: str, *, stream: bool) -> dict[int, Any]:
        rate = next(pace)
        return {
            level: summarise([Result(ttft_s=0.1, e2e_s=1.0, completion_tokens=64)] * 4, 4 / (rate * share))
            for level, share in zip([1, 8] if name == "naive" else [1, 32], (0.5, 1.0), strict=True)
        }

    stopped: list[bool] = []
    running = SimpleNamespace(
        base_url="u", model="m", backend="vLLM", ready_s=1.0, stop=lambda: stopped.append(True)
    )

    @contextmanager
    def serve(*args: Any, **options: Any) -> Iterator[Any]:
        yield running

    monkeypatch.setattr(bench, "naive_server", naive_server)
    monkeypatch.setattr(bench, "_levels", levels)
    monkeypatch.setattr(engine, "serve", serve)
    monkeypatch.setattr(engine, "model_path", lambda profile: Path("there"))
    found = bench.bench_serving(profile="cpu", repeats=3)
    assert (found["naive_rps"], found["vllm_rps"], found["ratio"]) == (0.5, 10.0, 20.0)
    assert found["vllm"]["32"]["requests_per_s"] == pytest.approx(10.0), "the run of the middle round"
    record = saved(found, 3)
    assert records.ratio_values(record, "vllm_over_naive") == pytest.approx([20.0] * 3)
    assert record["samples"]["naive_rps"] == pytest.approx([1.0, 0.5, 0.25]) and len(stopped) == 3


def test_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = iter([(20.0, 21.0), (30.0, 31.0), (18.0, 18.5)])
    monkeypatch.setattr(bench, "_cold_start", lambda profile: next(starts))
    monkeypatch.setattr(bench, "_setup_stamp", lambda: {"first_s": 100.0})
    monkeypatch.setattr(bench, "_setup_again", lambda: 0.5)
    monkeypatch.setattr(bench, "_model_seconds", lambda profile: 30.0)
    found = bench.bench_setup(repeats=3)
    assert (found["engine_ready_s"], found["clean_to_first_token_s"]) == (20.0, 151.0)
    assert saved(found, 3)["samples"]["again_s"] == [0.5] * 3


def test_setup_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured, and not as it once was on this machine."""
    monkeypatch.setattr(bench, "_cold_start", lambda profile: (20.0, 21.0))
    monkeypatch.setattr(bench, "_setup_stamp", lambda: {"first_s": 1.0})
    monkeypatch.setattr(bench, "_setup_again", lambda: 0.5)
    monkeypatch.setattr(bench, "_model_seconds", lambda profile: 1.0)
    rounds = iter([(100.0, 30.0, 20.0), (140.0, 40.0, 30.0)])
    monkeypatch.setattr(
        bench,
        "from_nothing",
        lambda: dict(zip(("first_s", "cached_s", "model_s"), next(rounds), strict=True)) | {"again_s": 0.1},
    )
    record = saved(bench.bench_setup(repeats=2, clean=True), 2)
    figures = record["figures"]
    assert (figures["first_s"], figures["cached_s"], figures["model_s"]) == (120.0, 35.0, 25.0)
    assert record["samples"]["clean_to_first_token_s"] == [141.0, 191.0]


def test_a_step_that_fails_is_one_line() -> None:
    with pytest.raises(CourseError, match=r"failed: .*fail$") as told:
        bench._step([sys.executable, "-c", "raise SystemExit('will fail')"], {})
    assert "\n" not in str(told.value)


def test_grading(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = iter([1.0, 2.0, 10.0])
    asked: list[int | None] = []

    def one_round(root: Path, submissions: int, lab: str, large: int | None) -> dict[str, Any]:
        asked.append(large)
        speed = next(speeds)
        names = ("stock_per_min", "stock_per_student_per_min", "ours_per_min_1", "dask_per_min")
        return {
            **dict.fromkeys(names, speed),
            "ours_per_min_2": 6 * speed,
            "writer_seconds": 0.1,
            "commits_per_submission": 3.0,
            "scores_agree": speed < 10,
            "submissions": submissions,
            "lab": lab,
        }

    monkeypatch.setattr(grading, "_round", one_round)
    found = grading.bench_grading(Path("there"), large=60, repeats=3)
    assert (found["stock_per_min"], found["ours_per_min_2"], found["ratio"]) == (2.0, 12.0, 6.0)
    assert asked == [60, None, None] and not found["scores_agree"], "one round that disagrees is enough"
    assert saved(found, 3)["summary"]["ours_2_per_min"]["max"] == 60.0


def test_retrieval() -> None:
    passages = [SimpleNamespace(id="a"), SimpleNamespace(id="b")]
    questions = [SimpleNamespace(id="q1", text="one"), SimpleNamespace(id="q2", text="two")]
    asked: list[str] = []

    def rank(text: str) -> list[int]:
        asked.append(text)
        return [1, 0]

    runs, ms = retrieval._measure({"dense": rank}, questions, passages, 3)
    assert runs == {"dense": {"q1": ["b", "a"], "q2": ["b", "a"]}}
    assert len(ms["dense"]) == 3 and asked[1:] == ["one", "two"] * 3
    assert "every way once a question" in retrieval.what({"questions": 1, "set": "dev", "passages": 2})
    assert "every way 3 times a question" in retrieval.what({"questions": 1, "set": "dev", "passages": 2}, 3)


def test_lora(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(trial: lora.Trial, seed: int, steps: int, texts: list[str]) -> dict[str, Any]:
        return {
            "seed": seed,
            "exact": seed / 10,
            "perplexity": 40.0,
            "train_s": 5.0,
            "cpu_s": 3.0,
            "bytes": 9,
        }

    monkeypatch.setattr(lora, "_run", one)
    monkeypatch.setattr(lora.training, "load", lambda: (None, None))
    monkeypatch.setattr(lora.training, "held_out", list)
    monkeypatch.setattr(lora.training, "quick_scores", lambda *args: {"perplexity": 37.0})
    found = lora.bench_lora((lora.Trial("rank 2, rate 0.002", "rank", seeds=(4,)),), repeats=3)
    assert [run["seed"] for run in found["recipes"][0]["runs"]] == [4, 5, 6]
    assert saved(found, 3)["samples"]["rank_2_rate_0_002_exact_share"] == [0.4, 0.5, 0.6]
