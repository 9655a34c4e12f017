"""The sweep: every recipe once a seed, with what it is and what came out."""

from __future__ import annotations

import json

import pytest
from servelab.load import measurements
from servelab.lora import bench
from servelab.lora.bench import Trial


def test_a_short_sweep_says_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "TICKETS", 2)
    monkeypatch.setattr(bench, "TEXTS", 1)
    trials = (Trial("one", "first", rank=1, seeds=(1, 2)), Trial("mixed", "data mix", rank=2, general=0.5))
    found = bench.bench_lora(trials, steps=1)
    json.dumps(found)
    one, mixed = found["recipes"]
    assert [run["seed"] for run in one["runs"]] == [1, 2]
    assert (mixed["rank"], mixed["general"], mixed["kind"]) == (2, 0.5, "data mix")
    assert mixed["bytes"] > 1.5 * one["bytes"]
    # One step at a fifth of the rate moves a model little, but not by nothing.
    assert one["perplexity"] == pytest.approx(found["perplexity_base"], rel=0.05)
    assert {run["perplexity"] for run in (*one["runs"], *mixed["runs"])} != {found["perplexity_base"]}


def test_the_recorded_sweep_has_every_recipe() -> None:
    figures = measurements.read("lora-cpu")["figures"]
    assert [row["name"] for row in figures["recipes"]] == [trial.name for trial in bench.TRIALS]
    for row, trial in zip(figures["recipes"], bench.TRIALS, strict=True):
        assert [run["seed"] for run in row["runs"]] == list(trial.seeds)
        assert 0 <= row["exact"] <= 1 and row["perplexity"] > 1
        assert {name: row[name] for name in ("rank", "learning_rate", "general")} == {
            "rank": trial.rank, "learning_rate": trial.rate, "general": trial.general
        }  # fmt: skip
