"""BM25 in memory ranks as the engine does."""

from __future__ import annotations

import numpy as np
import pytest
from servelab.retrieval import ranking, store
from servelab.retrieval.lexical import WordIndex

TEXTS = [
    "A pod is drained before its node is upgraded.",
    "The drain waits: a pod may need a minute, a drained node none.",
    "Vectors are compared by their cosine.",
    "cosine cosine cosine, and nothing else",
    "The scheduler places pods on nodes with enough memory.",
]


@pytest.mark.parametrize(
    "question", ["drain a node", "cosine of vectors", "memory", "pods nodes memory cosine"]
)
def test_scores_are_the_engines(question: str) -> None:
    index, model = WordIndex(TEXTS), ranking.Bm25(TEXTS)
    with store.opened(store.Settings(2, words=True), "edge") as collection:
        vectors = np.tile([1.0, 0.0], (len(TEXTS), 1)).astype(np.float32)
        collection.upsert(range(len(TEXTS)), vectors, words=[model.passage(text) for text in TEXTS])
        collection.optimise()
        hits = collection.search(model.question(question), len(TEXTS))
    assert [hit.id for hit in hits] == index.search(question, len(TEXTS))
    scores = index.scores(question)
    assert [hit.score for hit in hits] == pytest.approx([scores[hit.id] for hit in hits], rel=1e-4)


def test_ties_by_row_and_nothing_without_a_shared_word() -> None:
    index = WordIndex(["same words", "same words", "other text"])
    assert index.search("words") == [0, 1]
    assert index.search("words", limit=1) == [0]
    assert index.search("zebra") == []
    assert WordIndex([]).search("words") == []
