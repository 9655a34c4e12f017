"""Fusion and late interaction do what their formulas say, always in the same order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from servelab.retrieval import ranking
from servelab.retrieval.store import Settings, opened


def test_rrf_by_hand() -> None:
    found = dict(ranking.rrf([["a", "b", "c"], ["b", "d"]], k=60))
    assert found["a"] == pytest.approx(1 / 61)
    assert found["b"] == pytest.approx(1 / 62 + 1 / 61)
    assert [name for name, _ in ranking.rrf([["a", "b", "c"], ["b", "d"]])] == ["b", "a", "d", "c"]


def test_weights_and_k() -> None:
    heavy = ranking.rrf([["a"], ["b"]], weights=[1, 3])
    assert heavy[0] == ("b", pytest.approx(3 / 61))
    assert ranking.rrf([["a"]], k=0)[0][1] == 1
    with pytest.raises(ValueError, match="2 rankings, but 1 weights"):
        ranking.rrf([["a"], ["b"]], weights=[1])


def test_ties_go_by_name_whatever_the_order_of_the_rankings() -> None:
    rankings = [["c", "a"], ["a", "b"], ["b", "c"]]
    expected = ranking.rrf(rankings)
    assert [name for name, _ in expected] == ["a", "b", "c"]
    for order in itertools.permutations(rankings):
        assert [name for name, _ in ranking.rrf(order)] == ["a", "b", "c"]


def test_a_name_counts_once_in_a_ranking() -> None:
    assert ranking.rrf([["a", "a", "b"]]) == [("a", 1 / 61), ("b", 1 / 62)]
    assert ranking.rrf([]) == [] and ranking.rrf([[], ["x"]]) == [("x", 1 / 61)]


def test_maxsim() -> None:
    question = np.eye(3, dtype=np.float32)[:2]
    passage = np.array([[1, 0, 0], [0, 0.6, 0.8]], np.float32)
    assert ranking.maxsim(question, passage) == pytest.approx((1 + 0.6) / 2)
    assert ranking.maxsim(question, question) == 1
    assert ranking.maxsim(question, np.zeros((0, 3))) == -1


def test_bm25_finds_rare_words_first() -> None:
    texts = [
        "the probe restarts the container",
        "the container starts",
        "a probe of the container",
        "nothing here",
    ]
    model = ranking.Bm25(texts)
    with opened(Settings(2, words=True), "edge") as collection:
        collection.upsert(range(4), None, None, [model.passage(text) for text in texts])
        hits = collection.search(model.question("Probes that restarted"), 4)
        assert [hit.id for hit in hits] == [0, 2], (
            "stemmed, stop words ignored, no hit without a word in common"
        )
        assert hits[0].score > hits[1].score
        assert collection.search(model.question("the of"), 4) == []
