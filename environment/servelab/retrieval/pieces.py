"""Lab 06's data: 24,000 sentences out of pinned packages' documentation, embedded, with tenants and a skewed payload.

The text is real, so recall behaves as it does on real data; the tenants are drawn by a seed. None of it ships: the sentences
are read from the installed packages, and their vectors are an artefact.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from servelab.engine import artefacts
from servelab.errors import CourseError
from servelab.retrieval import embed, made, packages, reading, vectors

COUNT = 24_000  # pieces in the collection
QUERIES = 600  # sentences of the same kind that are not in it
TENANTS = 100
SEED = 2026
ARTEFACT = made.PIECES
#: Package and the folder its modules lie in; all are pinned in both locks.
PACKAGES = {
    "accelerate": "accelerate",
    "dask": "dask",
    "distributed": "distributed",
    "huggingface-hub": "huggingface_hub",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "openai": "openai",
    "pandas": "pandas",
    "peft": "peft",
    "pydantic": "pydantic",
    "qdrant-client": "qdrant_client",
    "sqlalchemy": "sqlalchemy",
    "tornado": "tornado",
    "trio": "trio",
}
ABOUT = Path(__file__).with_name("pieces.json")


@dataclass(frozen=True)
class Piece:
    """One sentence and what is stored with it.

    Attributes:
        text: 8 to 45 words.
        package: where it comes from: a few packages have most.
        words: how many.
        tenant: whose it is, `t-000` to `t-099`: the first has about a fifth of all, the last next to nothing.
    """

    text: str
    package: str
    words: int
    tenant: str

    @property
    def payload(self) -> dict[str, str | int]:
        """What goes into a collection."""
        return {"package": self.package, "words": self.words, "tenant": self.tenant}


@dataclass(frozen=True)
class Pieces:
    """The whole set.

    Attributes:
        pieces: in the order of the vectors; a piece's id is its place.
        vectors: float32, (pieces, 384), rows of length 1.
        query_texts: sentences that are not among the pieces.
        queries: float32, (queries, 384), rows of length 1.
    """

    pieces: tuple[Piece, ...]
    vectors: np.ndarray
    query_texts: tuple[str, ...]
    queries: np.ndarray

    def exact(self, queries: np.ndarray, k: int = 10, rows: np.ndarray | None = None) -> np.ndarray:
        """The true nearest pieces of each query by comparing all: ids, (queries, k), ties by id.

        Args:
            rows: the ids that may be found, for a filter; all otherwise.
        """
        held = self.vectors if rows is None else self.vectors[rows]
        found = np.argsort(-(queries @ held.T), axis=1, kind="stable")[:, :k]
        return found if rows is None else rows[found]


def load() -> Pieces:
    """The pieces with their vectors, which are made the first time.

    Raises:
        CourseError: a package's pinned version is not installed and cannot be fetched, or its text was changed.
        EngineError: the vectors could not be made.
    """
    folder = artefacts.ensure(artefacts.ARTEFACTS[ARTEFACT])
    # Reading the packages is slow: what was read then lies beside the vectors.
    told = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
    found = np.load(folder / "vectors.npy").astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    chosen = tuple(Piece(**row) for row in told["pieces"])
    return Pieces(chosen, found[: len(chosen)], tuple(told["queries"]), found[len(chosen) :])


def make(into: Path, told: Callable[[float], None]) -> None:
    """Fill an artefact's folder: the sentences and their vectors."""
    chosen, queries = sentences()
    rows = [dataclasses.asdict(piece) for piece in chosen]
    (into / "sentences.json").write_text(json.dumps({"pieces": rows, "queries": queries}), encoding="utf-8")
    texts = [*(piece.text for piece in chosen), *queries]
    # Recall is measured within this set, and nothing compares it with another machine's: quick is good enough.
    found = vectors.encode_all(texts, told=told, dtype=embed.quickest())
    np.save(into / "vectors.npy", found.astype(np.float16))


def sentences(*, check: bool = True) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """(the pieces, the queries), always the same ones.

    Args:
        check: compare the text with what the vectors and the measurements were made for.

    Raises:
        CourseError: see `load`.
    """
    found: dict[str, str] = {}
    versions = _about()["versions"]
    for package, folder in PACKAGES.items():
        for text in _sentences(packages.root(package, versions[package]) / folder):
            found.setdefault(text, package)
    # In the order of their hashes: a sample of all packages, the same whatever order the files come in.
    order = sorted(found, key=lambda text: hashlib.sha256(text.encode()).digest())[: COUNT + QUERIES]
    if check and (len(order) < COUNT + QUERIES or fingerprint(order) != _about()["sha256"]):
        raise CourseError(
            "The text of lab 06's data is not what its vectors were made for: files of a package were changed; "
            "install it again (`make setup`)"
        )
    chosen = order[:COUNT]
    tenants = tenants_for(len(chosen))
    pieces = tuple(
        Piece(text, found[text], len(text.split()), tenant)
        for text, tenant in zip(chosen, tenants, strict=True)
    )
    return pieces, tuple(order[COUNT:])


def tenants_for(count: int, *, tenants: int = TENANTS, seed: int = SEED) -> list[str]:
    """A tenant for each of `count` points: tenant i has a share in proportion to 1 / (i + 1), as customers do."""
    rng = random.Random(seed)
    names = [f"t-{i:03}" for i in range(tenants)]
    return rng.choices(names, weights=[1 / (i + 1) for i in range(tenants)], k=count)


def fingerprint(texts: list[str]) -> str:
    """SHA-256 over the texts in their order."""
    return hashlib.sha256("\x1e".join(texts).encode()).hexdigest()


def _sentences(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        if {"tests", "test", "testing", "_vendor"} & set(path.relative_to(folder).parts):
            continue
        try:
            found = reading.docstrings(path, at_least=80)
        except (SyntaxError, UnicodeDecodeError):
            continue
        for _, sections in found:
            for section in sections:
                for line in section.text.split("\n"):
                    for raw in re.split(r"(?<=[.!?])\s+(?=[A-Z`])", line.lstrip("-* ")):
                        text = " ".join(raw.split())
                        letters = sum(c.isalpha() or c == " " for c in text)
                        if 8 <= len(text.split()) <= 45 and letters >= 0.85 * len(text):
                            yield text


def _about() -> dict[str, Any]:
    return json.loads(ABOUT.read_text(encoding="utf-8"))
