"""How good a ranking is: recall, MRR and nDCG for each question, and whether a difference between two is more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Qrels = Mapping[str, Mapping[str, int]]  # question: {passage: grade}; what is not named has grade 0
Run = Mapping[str, Sequence[str]]  # question: passages, best first
ANSWERS = 2  # the grade from which a passage answers its question; 1 only helps


def recall(ranked: Sequence[str], grades: Mapping[str, int], k: int = 10, *, least: int = ANSWERS) -> float:
    """Share of the passages of at least that grade that are among the first k; NaN if there is none."""
    wanted = {passage for passage, grade in grades.items() if grade >= least}
    return len(wanted & set(ranked[:k])) / len(wanted) if wanted else math.nan


def reciprocal_rank(
    ranked: Sequence[str], grades: Mapping[str, int], k: int = 10, *, least: int = ANSWERS
) -> float:
    """1 / the place of the first passage of at least that grade; 0 if it is not among the first k."""
    for place, passage in enumerate(ranked[:k], start=1):
        if grades.get(passage, 0) >= least:
            return 1 / place
    return 0.0


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], k: int = 10) -> float:
    """Discounted cumulative gain over that of the best possible ranking; NaN if nothing is relevant.

    A passage of grade g at place i gains g / log2(i + 1), as in trec_eval.
    """
    gains = [grades.get(passage, 0) for passage in ranked[:k]]
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k]
    ideal = _discounted(best)
    return _discounted(gains) / ideal if ideal else math.nan


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def by_question(run: Run, qrels: Qrels, k: int = 10) -> dict[str, dict[str, float]]:
    """{measure: {question: value}} for recall_at_k, mrr_at_k and ndcg_at_k.

    A question of `qrels` that the run lacks counts as an empty ranking. One without a passage that answers it
    (nobody could) is left out.
    """
    asked = [q for q, grades in qrels.items() if any(grade >= ANSWERS for grade in grades.values())]
    return {
        f"recall_at_{k}": {q: recall(run.get(q, ()), qrels[q], k) for q in asked},
        f"mrr_at_{k}": {q: reciprocal_rank(run.get(q, ()), qrels[q], k) for q in asked},
        f"ndcg_at_{k}": {q: ndcg(run.get(q, ()), qrels[q], k) for q in asked},
    }


def evaluate(run: Run, qrels: Qrels, k: int = 10) -> dict[str, float]:
    """The means of `by_question`."""
    return {
        name: float(np.mean(list(values.values()))) for name, values in by_question(run, qrels, k).items()
    }


@dataclass(frozen=True)
class Interval:
    """A mean difference with its confidence interval.

    Attributes:
        difference: mean over the questions.
        low, high: what holds it with the asked confidence.
        questions: how many were compared.
    """

    difference: float
    low: float
    high: float
    questions: int

    @property
    def significant(self) -> bool:
        """Whether 0 is outside."""
        return self.low > 0 or self.high < 0


def paired_interval(
    ours: Mapping[str, float],
    theirs: Mapping[str, float],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """How much better `ours` is, question by question, by the paired bootstrap.

    The same questions are drawn for both, with replacement; the interval is what the middle of the resampled mean
    differences covers. Hard questions are hard for both, so this sees differences that two separate intervals hide.

    Raises:
        ValueError: the two do not hold the same questions, or none.
    """
    if set(ours) != set(theirs) or not ours:
        raise ValueError("both must have values for the same questions, at least one")
    names = sorted(ours)
    differences = np.array([ours[name] - theirs[name] for name in names])
    rng = np.random.default_rng(seed)
    means = differences[rng.integers(0, len(names), (resamples, len(names)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(differences.mean()), float(low), float(high), len(names))
