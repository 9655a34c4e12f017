"""A search index that was kept badly, and what its passages are today.

The passages, their vectors and the questions are the course's own (lab 07). The damage is drawn by a seed: entries of an older text,
entries of passages that are gone, doubles, holes, and vectors of another embedder, as a nightly job leaves them that fails half-way,
and an embedder that was changed for new entries only. An older text is stood in for by another passage of the same package: the page
said something else then.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from servelab.retrieval import asking, corpus, measures, vectors
from servelab.retrieval.asking import Question

EMBEDDER, OTHER = "all-MiniLM-L6-v2", "multi-qa-MiniLM-L6-v1"
COUNT = 900  # passages


@functools.cache
def _chosen() -> tuple[str, ...]:
    """The passages that some question needs, and others up to `COUNT`: names, in the corpus's order."""
    names = [passage.id for passage in corpus.load()]
    needed = {name for question in questions() for name in question.relevant}
    rest = [name for name in names if name not in needed]
    random.Random(11).shuffle(rest)
    kept = needed | set(rest[: max(0, COUNT - len(needed))])
    return tuple(name for name in names if name in kept)


@functools.cache
def questions() -> tuple[Question, ...]:
    """The course's development questions that a passage answers."""
    return tuple(q for q in asking.load() if q.kind != "unanswerable")


@functools.cache
def _rows() -> dict[str, int]:
    return {passage.id: row for row, passage in enumerate(corpus.load())}


def embed(names: Sequence[str]) -> np.ndarray:
    """What the index's embedder makes of the passages' text of today: float32, (names, 384), rows of length 1.

    They are looked up (lab 07 made them), since embedding them anew would be the lab's longest wait.

    Raises:
        KeyError: there is no such passage today.
    """
    rows = np.array([_rows()[name] for name in names], dtype=int)
    return vectors.shipped()[rows].astype(np.float32)


def broken(seed: int) -> tuple[dict[str, Any], dict[str, int]]:
    """An index, and what it should hold.

    Returns:
        The index: "names", "versions", "embedders" (lists) and "vectors" (float32, (entries, 384)), an entry at each place, in no
        particular order; and {passage: its version today}.
    """
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    names = list(_chosen())
    current = {name: draw.randrange(2, 9) for name in names}
    package = {name: corpus.load()[_rows()[name]].package for name in names}
    by_package: dict[str, list[str]] = {}
    for name in names:
        by_package.setdefault(package[name], []).append(name)
    entries: list[tuple[str, int, str, str]] = []  # name, version, embedder, whose text

    def add(name: str, version: int, text_of: str, embedder: str = EMBEDDER) -> None:
        entries.append((name, version, embedder, text_of))

    for name in names:
        other = draw.choice(by_package[package[name]])
        older = draw.randrange(1, current[name])
        fate = draw.random()
        if fate < 0.22:
            add(name, older, other)
        elif fate < 0.34:
            add(name, older, other)
            add(name, current[name], name)
        elif fate < 0.46:
            add(name, current[name], name, OTHER)
        elif fate < 0.50:
            continue
        elif fate < 0.54:
            add(name, current[name], name)
            add(name, current[name], name)
        else:
            add(name, current[name], name)
        if draw.random() < 0.15:  # a passage that stood beside it once
            add(f"{name}~gone", draw.randrange(1, 9), name)
    draw.shuffle(entries)
    held = embed([text_of for *_, text_of in entries])
    turned = np.array([embedder != EMBEDDER for _, _, embedder, _ in entries])
    held[turned] = held[turned] @ _turn()
    held = held + rng.normal(0, 2e-4, held.shape)  # another day's batch, another rounding
    index = {
        "names": [name for name, *_ in entries],
        "versions": [version for _, version, _, _ in entries],
        "embedders": [embedder for _, _, embedder, _ in entries],
        "vectors": (held / np.linalg.norm(held, axis=1, keepdims=True)).astype(np.float32),
    }
    return index, current


def whole() -> dict[str, Any]:
    """The index as it should be: "names" and "vectors"."""
    return {"names": list(_chosen()), "vectors": embed(_chosen())}


def older(seed: int, share: float = 0.65) -> dict[str, Any]:
    """The index as it was some time ago, when so large a share of the passages had another text: "names" and "vectors"."""
    names = list(_chosen())
    others = random.Random(seed).sample(names, round(share * len(names)))
    said = dict(zip(others, [*others[1:], *others[:1]], strict=True))
    return {"names": names, "vectors": embed([said.get(name, name) for name in names])}


@functools.cache
def _turn() -> np.ndarray:
    """What another embedder does to a vector, as far as a search can tell: it turns it to somewhere else."""
    return np.linalg.qr(np.random.default_rng(99).normal(size=(384, 384)))[0].astype(np.float32)


def ranked(index: Mapping[str, Any], asked: Sequence[Question], limit: int = 10) -> dict[str, list[str]]:
    """What the index finds for some questions: {question's id: names of the nearest entries, best first}."""
    held = np.asarray(index["vectors"], np.float32)
    ours = vectors.asked()
    scores = np.stack([ours.vectors[ours.row(q.id)] for q in asked]) @ held.T
    order = np.argsort(-scores.round(6), axis=1, kind="stable")[:, :limit]
    return {q.id: [index["names"][place] for place in row] for q, row in zip(asked, order, strict=True)}


def quality(index: Mapping[str, Any], asked: Sequence[Question] | None = None) -> dict[str, float]:
    """Recall@10 and nDCG@10 of an index, means over the questions. A passage that stands twice counts once, at its first place."""
    asked = questions() if asked is None else asked
    found, runs = {"recall_at_10": 0.0, "ndcg_at_10": 0.0}, ranked(index, asked)
    for question in asked:
        run = runs[question.id]
        run = [name if name not in run[:place] else f"{name}~again" for place, name in enumerate(run)]
        found["recall_at_10"] += measures.recall(run, question.relevant) / len(asked)
        found["ndcg_at_10"] += measures.ndcg(run, question.relevant) / len(asked)
    return found
