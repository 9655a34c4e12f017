"""Pairs of questions for a semantic cache: the same question in other words, and look-alikes that want another answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

Pair = tuple[str, str]


def load() -> tuple[list[Pair], list[Pair]]:
    """The pairs that want the same answer, and those that want different ones. All were written for this course."""
    told = json.loads(Path(__file__).with_name("pairs.json").read_text(encoding="utf-8"))
    return [tuple(pair) for pair in told["same"]], [tuple(pair) for pair in told["different"]]


def similarities(pairs: Sequence[Pair]) -> np.ndarray:
    """The cosine of each pair by MiniLM, float32, one a pair."""
    from servelab.retrieval import embed

    vectors = embed.encode([question for pair in pairs for question in pair])
    return (vectors[0::2] * vectors[1::2]).sum(1)
