"""The pairs of questions are what they say, and no threshold separates them."""

from __future__ import annotations

import numpy as np
from servelab.gateway import pairs


def test_pairs_are_many_and_each_stands_once() -> None:
    same, different = pairs.load()
    assert len(same) >= 40 and len(different) >= 40
    every = [*same, *different]
    assert len({tuple(sorted(pair)) for pair in every}) == len(every)
    assert all(first != second and first.strip() and second.strip() for first, second in every)


def test_no_threshold_is_safe() -> None:
    same, different = (pairs.similarities(rows) for rows in pairs.load())
    assert same.shape == (45,) and float(same.max()) <= 1.0001
    for threshold in np.linspace(0.5, 0.95, 10):
        assert (different >= threshold).any()
    found, mistaken = float((same >= 0.8).mean()), float((different >= 0.8).mean())
    assert 0.2 < found < 0.7 and mistaken > 0.2
