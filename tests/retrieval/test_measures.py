"""Measures equal those of an independent implementation, and the interval covers what it says."""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, nDCG
from servelab.retrieval import measures


def random_case(seed: int) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    rng = np.random.default_rng(seed)
    names = [f"p{i:03}" for i in range(60)]
    run, qrels = {}, {}
    for q in range(30):
        graded = rng.choice(names, size=rng.integers(1, 8), replace=False)
        grades = {
            str(name): int(grade) for name, grade in zip(graded, rng.integers(0, 3, len(graded)), strict=True)
        }
        grades[str(graded[0])] = 2
        qrels[f"q{q}"] = grades
        run[f"q{q}"] = [str(name) for name in rng.permutation(names)[: rng.integers(0, 40)]]
    return run, qrels


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_equal_to_ir_measures(seed: int, k: int) -> None:
    run, qrels = random_case(seed)
    asked = [R(rel=2) @ k, RR(rel=2) @ k, nDCG @ k]
    scored = {q: {name: float(100 - place) for place, name in enumerate(names)} for q, names in run.items()}
    theirs: dict[tuple[str, str], float] = {}
    for found in ir_measures.iter_calc(asked, qrels, scored):
        theirs[str(found.measure), found.query_id] = found.value
    ours = measures.by_question(run, qrels, k)
    for name, measure in zip((f"recall_at_{k}", f"mrr_at_{k}", f"ndcg_at_{k}"), asked, strict=True):
        assert set(ours[name]) == set(qrels)
        for q, value in ours[name].items():
            assert value == pytest.approx(theirs.get((str(measure), q), 0.0), abs=1e-9), (measure, q)


def test_by_hand() -> None:
    grades = {"a": 2, "b": 1, "c": 2}
    assert measures.recall(["a", "x", "y"], grades, 3) == 0.5
    assert measures.recall(["b"], grades, 3) == 0, "what only helps does not answer"
    assert measures.reciprocal_rank(["b", "x", "c"], grades) == pytest.approx(1 / 3)
    assert measures.reciprocal_rank(["x"] * 10 + ["a"], grades, 10) == 0
    best = 2 + 2 / math.log2(3) + 1 / 2
    assert measures.ndcg(["b", "a"], grades) == pytest.approx((1 + 2 / math.log2(3)) / best)
    assert measures.ndcg(["a", "c", "b"], grades) == 1
    assert math.isnan(measures.ndcg(["a"], {})) and math.isnan(measures.recall(["a"], {"a": 1}))


def test_questions_that_nobody_could_answer_are_left_out() -> None:
    run = {"q1": ["a"], "q2": ["a"]}
    found = measures.by_question(run, {"q1": {"a": 2}, "q2": {}, "q3": {"b": 2}, "q4": {"b": 1}})
    assert found["recall_at_10"] == {"q1": 1.0, "q3": 0.0}
    assert measures.evaluate(run, {"q1": {"a": 2}, "q3": {"b": 2}})["mrr_at_10"] == 0.5


def test_a_clear_difference_is_significant_and_none_is_not() -> None:
    rng = np.random.default_rng(3)
    base = {f"q{i}": float(value) for i, value in enumerate(rng.random(80))}
    better = {q: value + 0.1 + 0.02 * float(rng.standard_normal()) for q, value in base.items()}
    found = measures.paired_interval(better, base)
    assert found.significant and found.low < found.difference < found.high and found.questions == 80
    assert found.difference == pytest.approx(0.1, abs=0.01)
    worse = measures.paired_interval(base, better)
    assert worse.significant and worse.high < 0
    noise = {q: value + 0.3 * float(rng.standard_normal()) for q, value in base.items()}
    assert not measures.paired_interval(noise, base).significant
    assert measures.paired_interval(better, base) == found, "seeded"


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(200):
        values = 0.05 + 0.2 * rng.standard_normal(60)
        ours = {str(i): float(value) for i, value in enumerate(values)}
        found = measures.paired_interval(ours, dict.fromkeys(ours, 0.0), resamples=1000)
        covered += found.low <= 0.05 <= found.high
    assert 180 <= covered <= 198


@pytest.mark.parametrize(("ours", "theirs"), [({}, {}), ({"a": 1.0}, {"b": 1.0}), ({"a": 1.0}, {})])
def test_different_questions_are_refused(ours: dict[str, float], theirs: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="same questions"):
        measures.paired_interval(ours, theirs)
