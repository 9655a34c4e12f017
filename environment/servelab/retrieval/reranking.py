"""Second stages: how well each of a few passages answers a question. Two of them, behind one call.

| | reads | needs |
|---|---|---|
| `MaxSim` | question and passage apart, compared token by token | MiniLM, and the passages' token vectors, made once |
| `CrossEncoder` | question and passage together | a model from a hub; nothing can be computed before the question is there |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from servelab.engine import artefacts, profiles
from servelab.errors import CourseError
from servelab.retrieval import embed
from servelab.retrieval.vectors import TokenVectors


class Reranker(Protocol):
    """A second stage."""

    def scores(self, question: str, rows: Sequence[int]) -> np.ndarray:
        """float32, (len(rows),): how well each of these passages answers. Only their order means anything."""


def reranked(stage: Reranker, question: str, rows: Sequence[int]) -> list[int]:
    """The rows by falling score; ties, also those that differ only in the last bits, by row."""
    scores = stage.scores(question, rows).round(5)
    return [row for _, row in sorted(zip((-scores).tolist(), rows, strict=True))]


class MaxSim:
    """Late interaction over MiniLM's token vectors."""

    def __init__(self, tokens: TokenVectors) -> None:
        self._tokens = tokens

    def scores(self, question: str, rows: Sequence[int]) -> np.ndarray:
        """See `Reranker`."""
        _, (own,) = embed.encode_tokens([question])
        return self._tokens.maxsim(own, rows)


class CrossEncoder:
    """A sequence classifier with one output that reads "question, passage" as one text.

    Args:
        folder: its checkpoint.
        texts: what rows mean; a pair is cut off after 512 tokens, at the end of its longer part.
        device: where it runs, as torch writes it.
        batch_tokens: tokens that it reads at once, padding included. It does not change the scores.

    Raises:
        CourseError: the checkpoint gives more than one number, so it says classes and not a score.
    """

    MOST_TOKENS = 512

    def __init__(
        self, folder: Path, texts: Sequence[str], *, device: str = "cpu", batch_tokens: int = 8192
    ) -> None:
        from transformers import AutoModelForSequenceClassification

        self._texts, self._device, self._batch_tokens = texts, device, batch_tokens
        self._tokenizer, model = embed.load(folder, AutoModelForSequenceClassification)
        if (outputs := model.config.num_labels) != 1:
            raise CourseError(
                f"The model in {folder} has {outputs} outputs; a cross-encoder that ranks has one."
            )
        self._model = model.to(device)

    def scores(self, question: str, rows: Sequence[int]) -> np.ndarray:
        """See `Reranker`. The numbers are the model's raw output."""
        import torch

        found = np.zeros(len(rows), np.float32)
        if not len(rows):
            return found
        pairs = self._tokenizer(
            [question] * len(rows),
            [self._texts[row] for row in rows],
            truncation=True,
            max_length=self.MOST_TOKENS,
        )
        with embed.one_thread(), torch.inference_mode():
            for places in embed.batches([len(own) for own in pairs["input_ids"]], self._batch_tokens):
                own = {name: [column[place] for place in places] for name, column in pairs.items()}
                padded = self._tokenizer.pad(own, return_tensors="pt").to(self._device)
                found[places] = self._model(**padded).logits[:, 0].float().cpu().numpy()
        return found


def cross_encoder(texts: Sequence[str], profile: profiles.Profile | str | None = None) -> CrossEncoder | None:
    """The cross-encoder that the profile names, fetched the first time; None where no hub may be used.

    Raises:
        EngineError: it cannot be fetched.
    """
    of = profile if isinstance(profile, profiles.Profile) else profiles.profile(profile)
    if not of.cross_encoder or not of.may_fetch:
        return None
    return CrossEncoder(artefacts.fetched(of.cross_encoder), texts, device=embed.device(of))
