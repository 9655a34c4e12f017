"""Cosines are those of the definition, for any lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from servelab.retrieval.exact import cosines


def test_the_definition() -> None:
    rng = np.random.default_rng(1)
    query, vectors = rng.standard_normal(7), rng.standard_normal((20, 7)) * 30
    expected = [
        math.fsum(a * b for a, b in zip(query, v, strict=True)) / math.hypot(*query) / math.hypot(*v)
        for v in vectors
    ]
    assert cosines(query, vectors) == pytest.approx(expected)
    assert cosines((5 * query).tolist(), (vectors / 9).tolist()) == pytest.approx(expected)


def test_zeros_have_no_direction_and_nothing_is_nothing() -> None:
    assert cosines([1.0, 0.0], [[0.0, 0.0], [-2.0, 0.0], [3.0, 0.0]]) == [0.0, -1.0, 1.0]
    assert cosines([0.0, 0.0], [[1.0, 2.0]]) == [0.0]
    assert cosines([1.0], []) == []
