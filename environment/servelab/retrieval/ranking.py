"""Rankings: BM25's words, fusion of several rankings, late interaction. All deterministic, ties included."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from servelab.retrieval.store import Words

Name = TypeVar("Name", bound=Hashable)


def rrf(
    rankings: Sequence[Sequence[Name]], *, k: float = 60, weights: Sequence[float] | None = None
) -> list[tuple[Name, float]]:
    """Reciprocal rank fusion: each ranking gives the name at place i (from 1) weight / (k + i); the sums are sorted.

    Ties go to the name that sorts first. A name that stands twice in a ranking counts where it stands first.

    Args:
        rankings: names, best first.
        weights: one a ranking; all 1 otherwise.

    Returns:
        (name, score), best first.

    Raises:
        ValueError: not as many weights as rankings.
    """
    weights = [1.0] * len(rankings) if weights is None else list(weights)
    if len(weights) != len(rankings):
        raise ValueError(f"{len(rankings)} rankings, but {len(weights)} weights")
    scores: dict[Name, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for place, name in enumerate(dict.fromkeys(ranking), start=1):
            scores[name] = scores.get(name, 0.0) + weight / (k + place)
    return in_order(scores)


def in_order(scores: Mapping[Name, float]) -> list[tuple[Name, float]]:
    """(name, score), best first; ties by name, also those that differ only in the last bits of a sum."""
    return sorted(scores.items(), key=lambda item: (-round(item[1], 12), item[0]))


def maxsim(question: np.ndarray, passage: np.ndarray) -> float:
    """For each token of the question its best cosine with a token of the passage, averaged.

    Args:
        question, passage: (tokens, dimensions), rows of length 1.

    Returns:
        at most 1; -1 if one of the two has no token.
    """
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())


class Bm25:
    """BM25 with Qdrant's own tokenizer, stemmer and stop words, as sparse vectors for a collection with `words=True`.

    The engine multiplies in the IDF, which it knows from the collection.
    """

    def __init__(self, texts: Sequence[str], *, k: float = 1.2, b: float = 0.75) -> None:
        """`texts` is what will be searched: their mean length is part of the formula."""
        import qdrant_edge as edge

        self.mean_length = float(np.mean([len(re.findall(r"\w+", text)) for text in texts])) if texts else 1.0
        self._model = edge.Bm25(edge.Bm25Config(k=k, b=b, avg_len=max(self.mean_length, 1.0)))

    def passage(self, text: str) -> Words:
        """A text to be found: saturated, length-normalised term frequencies."""
        found = self._model.embed_document(text)
        return Words(tuple(found.indices), tuple(found.values))

    def question(self, text: str) -> Words:
        """A text to search with: every different word counts 1."""
        found = self._model.embed_query(text)
        return Words(tuple(found.indices), tuple(found.values))
