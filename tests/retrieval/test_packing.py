"""What a hidden test carries is what was packed, small enough for a cell, and bound to this corpus."""

from __future__ import annotations

import numpy as np
import pytest
from servelab.errors import CourseError
from servelab.retrieval import asking, corpus, packing, vectors

QUESTIONS = asking.load()[:40]


@pytest.fixture(scope="module")
def packed() -> str:
    asked = vectors.asked()
    near = np.argsort(-(asked.vectors[:40] @ vectors.shipped().T), axis=1)[:, : packing.DEPTH]
    return packing.pack(QUESTIONS, asked, near.tolist())


def test_unpacked_is_what_was_packed(packed: str) -> None:
    asked, found = vectors.asked(), packing.unpack(packed)
    assert list(found.questions) == QUESTIONS
    assert (found.vectors * asked.vectors[:40]).sum(axis=1) == pytest.approx(np.ones(40), abs=1e-3)
    for row, scores in enumerate(found.maxsim):
        assert len(scores) == packing.DEPTH
        for passage, score in scores.items():
            assert score == pytest.approx(asked.maxsim[row, passage], abs=1e-3)


def test_rounding_changes_next_to_no_ranking(packed: str) -> None:
    asked, found, held = vectors.asked(), packing.unpack(packed), vectors.shipped()
    before = np.argsort(-(asked.vectors[:40] @ held.T), axis=1)[:, :10]
    after = np.argsort(-(found.vectors @ held.T), axis=1)[:, :10]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(before, after, strict=True)]) > 0.98


def test_it_is_one_line_that_fits_a_cell(packed: str) -> None:
    assert len(packed) < 40 * 900
    assert "\n" not in packed and packed.isascii() and '"""' not in packed


def test_other_text_is_refused(packed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("", "abc", packed[:200], packed[::-1]):
        with pytest.raises(CourseError, match="no packed questions"):
            packing.unpack(wrong)
    monkeypatch.setattr(corpus, "fingerprint", lambda *_: "another")
    with pytest.raises(CourseError, match="packed for another corpus"):
        packing.unpack(packed)
