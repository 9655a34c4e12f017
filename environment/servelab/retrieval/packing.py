"""Questions, labels, vectors and scores as one line of text: how a hidden test carries its questions.

The judge sees no file of a lab, only the text of its check cells; and it must not embed anything. So a hidden test holds
`unpack("...")`, made once with `pack`.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from servelab.errors import CourseError
from servelab.retrieval import asking, corpus
from servelab.retrieval.asking import Question
from servelab.retrieval.vectors import Asked

DEPTH = 50  # of the nearest passages, how many keep their MaxSim score


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Attributes:
        questions: with their labels.
        vectors: float32, (questions, 384), rows of length 1, each number rounded to one of 255.
        maxsim: for each question {row in `corpus.load()`: score}, for the candidates that were named.
    """

    questions: tuple[Question, ...]
    vectors: np.ndarray
    maxsim: tuple[dict[int, float], ...]


def pack(questions: Sequence[Question], asked: Asked, candidates: Sequence[Sequence[int]]) -> str:
    """A line of text that `unpack` reads.

    Args:
        asked: where the questions' vectors and scores are.
        candidates: for each question the rows of passages whose score is kept.
    """
    rows = [asked.row(question.id) for question in questions]
    kept = [sorted(set(map(int, chosen))) for chosen in candidates]
    vectors = asked.vectors[rows]
    scale = np.abs(vectors).max(axis=1, keepdims=True)
    held = io.BytesIO()
    np.savez(
        held,
        questions=np.frombuffer(
            json.dumps([[q.id, q.text, q.kind, q.relevant] for q in questions]).encode(), np.uint8
        ),
        vectors=np.round(127 * vectors / scale).astype(np.int8),
        counts=np.array([len(chosen) for chosen in kept], np.int16),
        rows=np.array([row for chosen in kept for row in chosen], np.int16),
        scores=np.concatenate(
            [asked.maxsim[row][chosen] for row, chosen in zip(rows, kept, strict=True)]
        ).astype(np.float16),
        fingerprint=np.array(corpus.fingerprint(corpus.load())[:16]),
    )
    return base64.b85encode(zlib.compress(held.getvalue(), 9)).decode("ascii")


def unpack(text: str) -> Packed:
    """The opposite of `pack`.

    Raises:
        CourseError: the text is none of pack's, or was made for another corpus.
    """
    try:
        with np.load(io.BytesIO(zlib.decompress(base64.b85decode(text.strip()))), allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (ValueError, zlib.error, OSError) as error:
        raise CourseError(f"These are no packed questions ({type(error).__name__}).") from None
    if str(held["fingerprint"]) != corpus.fingerprint(corpus.load())[:16]:
        raise CourseError("These questions were packed for another corpus: pack them again.")
    vectors = held["vectors"].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ends = np.cumsum(held["counts"].astype(int))
    maxsim = tuple(
        dict(zip(rows.tolist(), scores.tolist(), strict=True))
        for rows, scores in zip(
            np.split(held["rows"], ends[:-1]), np.split(held["scores"].astype(float), ends[:-1]), strict=True
        )
    )
    questions = tuple(asking.Question(*row) for row in json.loads(held["questions"].tobytes()))
    return Packed(questions, vectors, maxsim)
