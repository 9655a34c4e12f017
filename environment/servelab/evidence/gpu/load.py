"""Requests for a model with random weights: prompts of token ids, no two of them alike."""

from __future__ import annotations

import random

RESERVED = 16  # ids that are kept for special tokens


def token_prompts(count: int, length: int, vocabulary: int, *, seed: int) -> list[list[int]]:
    """`count` prompts of `length` token ids; the same seed gives the same ones."""
    chance = random.Random(seed)
    return [[chance.randrange(RESERVED, vocabulary) for _ in range(length)] for _ in range(count)]
