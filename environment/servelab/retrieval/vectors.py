"""The corpus as vectors: those that ship with the package, and those that are made once on this machine.

`data/passages.npz` ships: one vector a passage, rounded to 16 bits. With it every machine ranks alike, grading embeds
nothing, and no lab waits. What is larger is an artefact: the token vectors for MaxSim, and lab 06's pieces.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from servelab import paths
from servelab.engine import artefacts
from servelab.errors import CourseError
from servelab.progress import bar
from servelab.retrieval import asking, corpus, embed, made
from servelab.retrieval.asking import Question

DATA = Path(__file__).with_name("data")
TOKENS = made.TOKENS
_PART = 64  # texts that a process gets at a time


def processes() -> int:
    """How many one-thread processes embed at the same time: one for each core that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, 16))


def encode_all(
    texts: Sequence[str],
    *,
    desc: str = "embedding",
    told: Callable[[float], None] | None = None,
    dtype: str = "float32",
) -> np.ndarray:
    """`embed.encode` over several processes, with a progress bar (or `told`, which gets the share that is done).

    A few hundred texts are not worth starting processes for, and are embedded here.
    """
    return _spread(texts, functools.partial(embed.encode, dtype=dtype), desc=desc, told=told)[0]


def encode_all_tokens(
    texts: Sequence[str], *, desc: str = "embedding", told: Callable[[float], None] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`embed.encode_tokens` over several processes: (vectors, tokens as int8, offsets).

    The tokens of text i are rows offsets[i] to offsets[i + 1]; divided by 127 they have a length of about 1.
    """
    vectors, tokens = _spread(texts, _small_tokens, desc=desc, told=told)
    offsets = np.zeros(len(texts) + 1, np.int64)
    offsets[1:] = np.cumsum([len(rows) for rows in tokens])
    return vectors, np.concatenate(tokens) if tokens else np.zeros((0, embed.DIMENSIONS), np.int8), offsets


def _small_tokens(texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
    vectors, tokens = embed.encode_tokens(texts)
    return vectors, [np.round(rows * 127).astype(np.int8) for rows in tokens]


def _spread(texts, work, *, desc, told):  # type: ignore[no-untyped-def]
    """Long texts first, so that no process has a long part left at the end."""
    order = sorted(range(len(texts)), key=lambda row: (-len(texts[row]), row))
    parts = [order[start : start + _PART] for start in range(0, len(order), _PART)]
    vectors = np.zeros((len(texts), embed.DIMENSIONS), np.float32)
    tokens: list[np.ndarray] = [np.zeros((0, embed.DIMENSIONS), np.int8)] * len(texts)
    total = sum(len(text) for text in texts) or 1
    done = 0

    def keep(rows, found) -> None:  # type: ignore[no-untyped-def]
        nonlocal done
        if isinstance(found, tuple):
            vectors[rows] = found[0]
            for row, own in zip(rows, found[1], strict=True):
                tokens[row] = own
        else:
            vectors[rows] = found
        share = sum(len(texts[row]) for row in rows) / total
        done += share
        if told:
            told(done)
        else:
            progress.update(round(100 * done) - progress.n)

    progress = bar(total=100, desc=desc, unit="%") if not told and len(parts) > 1 else bar([], total=0)
    if told or len(parts) <= 1:
        progress.disable = True
    with progress:
        if len(parts) <= 4:
            for rows in parts:
                keep(rows, work([texts[row] for row in rows]))
            return vectors, tokens
        # Spawned, not forked: a fork of a process with threads can hang. One thread each, and no spinning.
        quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}
        before = {name: os.environ.get(name) for name in quiet}
        os.environ.update(quiet)
        try:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(processes(), mp_context=context) as pool:
                asked = {pool.submit(work, [texts[row] for row in rows]): rows for rows in parts}
                for future in as_completed(asked):
                    keep(asked[future], future.result())
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    return vectors, tokens


# --- what ships ------------------------------------------------------------------------------------------


def warm_up() -> None:
    """Read the passages and what ships with them now. (The grader calls this once, before it forks.)"""
    shipped()
    asked()


@functools.cache
def shipped() -> np.ndarray:
    """One vector a passage, in the order of `corpus.load()`: float32, (passages, 384), rows of length 1.

    Raises:
        CourseError: the file was made from another text.
    """
    path = DATA / "passages.npz"
    with np.load(path, allow_pickle=False) as file:
        if str(file["fingerprint"]) != corpus.fingerprint(corpus.load()):
            raise CourseError(f"{path} was made from another text: run `servelab retrieval vectors`.")
        found = file["vectors"].astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def write_shipped(vectors: np.ndarray) -> Path:
    """Write `data/passages.npz`."""
    DATA.mkdir(exist_ok=True)
    path = DATA / "passages.npz"
    np.savez_compressed(
        path, vectors=vectors.astype(np.float16), fingerprint=np.array(corpus.fingerprint(corpus.load()))
    )
    return path


@dataclass(frozen=True)
class Asked:
    """Questions as vectors, with what they score.

    Attributes:
        ids: the questions' ids.
        vectors: float32, (questions, 384), rows of length 1.
        maxsim: float32, (questions, passages): late interaction with every passage, in the order of `corpus.load()`.
    """

    ids: tuple[str, ...]
    vectors: np.ndarray
    maxsim: np.ndarray

    def row(self, question_id: str) -> int:
        """Where a question stands."""
        return self.ids.index(question_id)


@functools.cache
def asked(path: Path | None = None) -> Asked:
    """The vectors of a set of questions; those of the development set, which ship, where no file is named.

    Raises:
        CourseError: the file is missing, or was made from another text.
    """
    path = path or DATA / "dev.npz"
    if not path.is_file():
        raise CourseError(f"{path} is not there: run `servelab retrieval vectors`.")
    with np.load(path, allow_pickle=False) as file:
        if str(file["fingerprint"]) != corpus.fingerprint(corpus.load()):
            raise CourseError(f"{path} was made from another text: run `servelab retrieval vectors`.")
        vectors = file["vectors"].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Asked(tuple(file["ids"].tolist()), vectors, file["maxsim"].astype(np.float32))


def write_asked(questions: Sequence[Question], path: Path, tokens: TokenVectors) -> Path:
    """Embed questions, score them against every passage, and write both beside each other."""
    vectors, own = embed.encode_tokens([question.text for question in questions])
    scores = tokens.maxsim_all(own)
    np.savez_compressed(
        path,
        ids=np.array([question.id for question in questions]),
        vectors=vectors.astype(np.float16),
        maxsim=scores.astype(np.float16),
        fingerprint=np.array(corpus.fingerprint(corpus.load())),
    )
    return path


def write_all() -> list[Path]:
    """Write what ships, and the test set's vectors where its questions are."""
    tokens = token_vectors()
    written = [write_shipped(tokens.vectors), write_asked(asking.load(), DATA / "dev.npz", tokens)]
    if hidden := asking.load_test():
        written.append(write_asked(hidden, (paths.course_root() / asking.TEST).with_suffix(".npz"), tokens))
    return written


# --- what is made once -----------------------------------------------------------------------------------


class TokenVectors:
    """Every token of every text as a vector, for MaxSim."""

    def __init__(self, vectors: np.ndarray, tokens: np.ndarray, offsets: np.ndarray) -> None:
        self.vectors, self.tokens, self.offsets = vectors, tokens, offsets

    def of(self, row: int) -> np.ndarray:
        """The tokens of one text: float32, (its tokens, 384)."""
        return self.tokens[self.offsets[row] : self.offsets[row + 1]].astype(np.float32) / 127

    def maxsim(self, question: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """For each text: the best match of every token of the question, averaged over them.

        Args:
            question: the question's token vectors, (its tokens, 384), rows of length 1.
            rows: which texts.

        Returns:
            float32, (len(rows),), at most 1. A text without tokens gets -1.
        """
        found = np.full(len(rows), -1.0, np.float32)
        held = [self.tokens[self.offsets[row] : self.offsets[row + 1]] for row in rows]
        some = [place for place, own in enumerate(held) if len(own)]
        if not some or not len(question):
            return found
        # One product for all texts: many small ones would cost more than what they compute.
        stacked = np.concatenate([held[place] for place in some]).astype(np.float32)
        starts = np.cumsum([0, *(len(held[place]) for place in some)])[:-1]
        found[some] = np.maximum.reduceat(question @ stacked.T, starts, axis=1).mean(axis=0) / 127
        return found

    def maxsim_all(self, questions: Sequence[np.ndarray]) -> np.ndarray:
        """`maxsim` of every question with every text: float32, (questions, texts). Each text is read once."""
        found = np.full((len(questions), len(self.offsets) - 1), -1.0, np.float32)
        asked = [row for row, question in enumerate(questions) if len(question)]
        if not asked:
            return found
        stacked = np.concatenate([questions[row] for row in asked])
        starts = np.concatenate([[0], np.cumsum([len(questions[row]) for row in asked])])
        for text in range(found.shape[1]):
            if len(own := self.of(text)):
                best = (stacked @ own.T).max(axis=1)
                found[asked, text] = np.add.reduceat(best, starts[:-1]) / np.diff(starts)
        return found


def token_vectors() -> TokenVectors:
    """The passages' token vectors, made the first time. The tokens are mapped from disk, not read.

    Raises:
        EngineError: they could not be made.
    """
    return _read(artefacts.ensure(artefacts.ARTEFACTS[TOKENS]))


def documentation_vectors(passages: Sequence[corpus.Passage]) -> TokenVectors:
    """Token vectors of the optional larger corpus, made the first time and kept for this text."""
    folder = (
        paths.cache_dir() / "artefacts" / f"documentation-tokens-{corpus.fingerprint(tuple(passages))[:12]}"
    )
    if not folder.is_dir():
        vectors, tokens, offsets = encode_all_tokens([p.indexed for p in passages])
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            for name, rows in (("vectors", vectors), ("tokens", tokens), ("offsets", offsets)):
                np.save(made / f"{name}.npy", rows)
            made.rename(folder)
    return _read(folder)


def _read(folder: Path) -> TokenVectors:
    return TokenVectors(
        np.load(folder / "vectors.npy"),
        np.load(folder / "tokens.npy", mmap_mode="r"),
        np.load(folder / "offsets.npy"),
    )


def _make(what: str, into: Path) -> None:
    def told(share: float) -> None:
        print(f"step {share:.3f} {round(100 * share)} %", flush=True)

    if what == TOKENS:
        vectors, tokens, offsets = encode_all_tokens([p.indexed for p in corpus.load()], told=told)
        np.save(into / "vectors.npy", vectors)
        np.save(into / "tokens.npy", tokens)
        np.save(into / "offsets.npy", offsets)
    else:
        from servelab.retrieval import pieces  # not at the top: it imports this module

        pieces.make(into, told)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=[TOKENS, made.PIECES])
    parser.add_argument("into", type=Path)
    given = parser.parse_args()
    _make(given.what, given.into)
