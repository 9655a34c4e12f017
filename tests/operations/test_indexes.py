"""A broken index is broken in the ways that it says, and what is right in it is right."""

from __future__ import annotations

import numpy as np
import pytest
from servelab.operations import indexes


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_damage_costs_quality_and_repair_brings_it_back(seed: int) -> None:
    index, current = indexes.broken(seed)
    names = list(current)
    whole = {"names": names, "vectors": indexes.embed(names)}
    assert indexes.quality(index)["ndcg_at_10"] < 0.55 < 0.70 < indexes.quality(whole)["ndcg_at_10"]


def test_every_kind_of_damage_is_there() -> None:
    index, current = indexes.broken(5)
    entries = list(zip(index["names"], index["versions"], index["embedders"], strict=True))
    assert len(entries) == len(index["vectors"]) and len(current) == indexes.COUNT
    assert any(name not in current for name, *_ in entries)
    assert any(name in current and version < current[name] for name, version, _ in entries)
    assert any(embedder == indexes.OTHER for *_, embedder in entries)
    assert len(set(entries)) < len(entries)
    assert set(current) - set(index["names"])
    assert np.allclose(np.linalg.norm(index["vectors"], axis=1), 1, atol=1e-5)


def test_what_is_labelled_right_has_todays_vector_and_what_is_not_has_another() -> None:
    index, current = indexes.broken(6)
    for place, name in enumerate(index["names"][:300]):
        if name not in current:
            continue
        near = float(index["vectors"][place] @ indexes.embed([name])[0])
        right = index["versions"][place] == current[name] and index["embedders"][place] == indexes.EMBEDDER
        assert near > 0.999 if right else near < 0.999, (name, near)


def test_the_same_seed_gives_the_same() -> None:
    (one, today), (two, again), (three, _) = indexes.broken(8), indexes.broken(8), indexes.broken(9)
    assert one["names"] == two["names"] != three["names"] and today == again
    assert np.array_equal(one["vectors"], two["vectors"])
    assert indexes.embed([]).shape == (0, 384)
    with pytest.raises(KeyError):
        indexes.embed(["no such passage"])


def test_a_passage_that_stands_twice_counts_once() -> None:
    (question,) = [q for q in indexes.questions() if len(q.relevant) == 1][:1]
    (name,) = question.relevant
    twice = {"names": [name, name], "vectors": indexes.embed([name, name])}
    assert indexes.quality(twice, [question]) == {"recall_at_10": 1.0, "ndcg_at_10": 1.0}


def test_an_older_index_finds_less() -> None:
    now, then = indexes.whole(), indexes.older(3)
    assert now["names"] == then["names"]
    same = [bool(np.array_equal(a, b)) for a, b in zip(now["vectors"], then["vectors"], strict=True)]
    assert np.mean(same) == pytest.approx(0.35, abs=0.02)
    assert indexes.quality(then)["ndcg_at_10"] < 0.5 * indexes.quality(now)["ndcg_at_10"]
