"""Cosines without an engine: what checks and measurements compare an index with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cosines(
    query: Sequence[float] | np.ndarray, vectors: Sequence[Sequence[float]] | np.ndarray
) -> list[float]:
    """The cosine of a query (d,) with each of some vectors (n, d), in 64 bits; 0 where one of the two is all zeros."""
    asked, held = np.asarray(query, np.float64), np.asarray(vectors, np.float64)
    if not len(held):
        return []
    lengths = np.linalg.norm(held, axis=1) * np.linalg.norm(asked)
    return (held @ asked / np.where(lengths > 0, lengths, 1.0)).tolist()
