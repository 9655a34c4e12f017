"""Lab 06's sentences are real, many, the same everywhere, and unevenly spread."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.retrieval import pieces
from servelab.retrieval.pieces import Piece, Pieces


@pytest.fixture(scope="module")
def read() -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    return pieces.sentences()


@pytest.mark.slow
def test_there_are_enough_and_none_twice(read: tuple[tuple[Piece, ...], tuple[str, ...]]) -> None:
    chosen, queries = read
    assert len(chosen) >= 20_000 and len(queries) == pieces.QUERIES
    assert len({piece.text for piece in chosen} | set(queries)) == len(chosen) + len(queries)
    assert all(8 <= piece.words <= 45 and piece.payload["words"] == piece.words for piece in chosen)


@pytest.mark.slow
def test_the_payload_is_skewed(read: tuple[tuple[Piece, ...], tuple[str, ...]]) -> None:
    chosen, _ = read
    packages = Counter(piece.package for piece in chosen)
    tenants = Counter(piece.tenant for piece in chosen)
    assert set(packages) == set(pieces.PACKAGES)
    assert max(packages.values()) > 10 * min(packages.values())
    assert len(tenants) == pieces.TENANTS
    assert 0.17 < tenants["t-000"] / len(chosen) < 0.21 and tenants["t-099"] < 0.005 * len(chosen)


@pytest.mark.parametrize("runtime", ["cpu", "gpu"])
def test_the_packages_are_pinned_to_what_was_read(runtime: str) -> None:
    lock = (ROOT / "environment" / "locks" / f"{runtime}.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.M))
    assert json.loads(pieces.ABOUT.read_text())["versions"] == {n: pinned[n] for n in pieces.PACKAGES}


def test_another_text_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = json.loads(pieces.ABOUT.read_text())
    about["sha256"] = "0" * 64
    (tmp_path / "about.json").write_text(json.dumps(about))
    monkeypatch.setattr(pieces, "ABOUT", tmp_path / "about.json")
    monkeypatch.setattr(pieces, "PACKAGES", {"trio": "trio"})
    with pytest.raises(CourseError, match=r"^The text of lab 06's data is not") as told:
        pieces.sentences()
    assert "\n" not in str(told.value)


def test_exact_neighbours_with_and_without_a_filter() -> None:
    vectors = np.eye(4, dtype=np.float32)
    held = Pieces((), vectors, (), vectors)
    query = np.array([[0.9, 0.8, 0.1, 0.0]], np.float32)
    assert held.exact(query, 3).tolist() == [[0, 1, 2]]
    assert held.exact(query, 2, rows=np.array([1, 3])).tolist() == [[1, 3]]


def test_tenants_are_seeded() -> None:
    assert pieces.tenants_for(50) == pieces.tenants_for(50) != pieces.tenants_for(50, seed=1)
    assert set(pieces.tenants_for(500, tenants=2)) == {"t-000", "t-001"}
