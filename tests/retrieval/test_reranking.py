"""Second stages sort by score, ties by row, the same in batches of any size; what a hub has is used only where it may be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from servelab.engine import artefacts, profiles
from servelab.engine.errors import EngineError
from servelab.errors import CourseError
from servelab.retrieval import asking, bench, corpus, embed, hub, reranking, vectors

WORDS = ["pod", "node", "cache", "token", "graph", "drain", "index", "what", "is", "a"]
TEXTS = ["a pod is a node", "cache", "token graph " * 40, "drain a node", "cache", "index"]
QUESTION = "what is a pod"
ALL = range(len(TEXTS))
GPU = profiles.Profile("gpu", "m", "M", "hub:o/n@0", embedder="o/embedder@1", cross_encoder="o/crossed@2")


def tiny(folder: Path, kind: str, **more: object) -> Path:
    """A BERT of a few thousand random numbers, with a tokenizer for ten words."""
    import torch
    import transformers

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    tokenizer = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=15, initializer_range=0.5, **sizes, **more)
    getattr(transformers, kind)(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("hub") / "crossed", "BertForSequenceClassification", num_labels=1)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("hub") / "embedder", "BertModel")


class Known:
    """A stage whose scores are known."""

    def __init__(self, *known: float) -> None:
        self.known = known

    def scores(self, question: str, rows: object) -> np.ndarray:
        return np.array([self.known[row] for row in rows], np.float32)  # type: ignore[attr-defined]


def test_by_score_and_ties_by_row() -> None:
    stage = Known(0.1, 0.9, 0.5, 0.9, -2.0)
    assert reranking.reranked(stage, "?", [4, 3, 2, 1, 0]) == [1, 3, 2, 0, 4]
    assert reranking.reranked(stage, "?", [3, 0]) == [3, 0] and reranking.reranked(stage, "?", []) == []
    last_bits = Known(0.5, 0.5 + 1e-7, 0.0, -0.0)
    assert reranking.reranked(last_bits, "?", [3, 1, 2, 0]) == [0, 1, 2, 3]


def test_batches_of_any_size_give_the_same(crossed: Path) -> None:
    scores = [
        reranking.CrossEncoder(crossed, TEXTS, batch_tokens=tokens).scores(QUESTION, ALL)
        for tokens in (1, 40, 200, 8192)
    ]
    assert scores[0].dtype == np.float32 and scores[0].std() > 0.01
    for other in scores[1:]:
        assert other == pytest.approx(scores[0], abs=1e-5)
    alone = reranking.CrossEncoder(crossed, TEXTS)
    assert [alone.scores(QUESTION, [row])[0] for row in ALL] == pytest.approx(scores[0].tolist(), abs=1e-5)
    assert alone.scores(QUESTION, []).shape == (0,)


def test_the_pair_is_read_and_the_same_text_scores_the_same(crossed: Path) -> None:
    stage = reranking.CrossEncoder(crossed, TEXTS)
    scores = stage.scores(QUESTION, ALL)
    assert scores[1] == pytest.approx(scores[4], abs=1e-5) and scores[1] != pytest.approx(scores[0], abs=1e-3)
    assert stage.scores("drain a node", ALL) != pytest.approx(scores, abs=1e-3), "the question must matter"
    order = reranking.reranked(stage, QUESTION, [5, 4, 3, 2, 1, 0])
    assert sorted(order) == list(ALL) and order.index(4) == order.index(1) + 1
    assert [scores[row] for row in order] == pytest.approx(sorted(scores, reverse=True), abs=1e-4)


def test_a_long_pair_is_cut_off(crossed: Path) -> None:
    stage = reranking.CrossEncoder(crossed, ["pod " * 900, "pod " * 901])
    assert stage.scores(QUESTION, [0])[0] == pytest.approx(stage.scores(QUESTION, [1])[0])


def test_a_classifier_is_no_cross_encoder(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "classes", "BertForSequenceClassification", num_labels=2)
    with pytest.raises(CourseError, match=r"has 2 outputs; a cross-encoder that ranks has one"):
        reranking.CrossEncoder(folder, TEXTS)


def test_maxsim_answers_the_same_call() -> None:
    texts = ["Boiling eggs in water.", "A pod is a group of containers.", "Pods run containers"]
    held = vectors.TokenVectors(*vectors.encode_all_tokens(texts, told=lambda _: None))
    assert reranking.reranked(reranking.MaxSim(held), "How do I boil an egg?", [2, 1, 0])[0] == 0


# --- a stronger embedder ---------------------------------------------------------------------------------


def test_vectors_have_length_one_and_know_their_model(embedder: Path) -> None:
    model = embed.Embedder(embedder, "o/embedder@1", asks="what is ")
    found = model.texts(TEXTS)
    assert found.rows.shape == (len(TEXTS), 16) and found.model == "o/embedder@1"
    assert np.linalg.norm(found.rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    for row, text in enumerate(TEXTS):
        assert model.texts([text]).rows[0] == pytest.approx(found.rows[row], abs=1e-5)
    assert model.questions(["a pod"]).rows == pytest.approx(model.texts(["what is a pod"]).rows)
    assert model.texts([]).rows.shape == (0, 16)
    (near,) = found.near(model.texts(["cache"]), 3)
    assert near[:2] == [1, 4] and len(near) == 3


def test_vectors_of_two_models_are_not_compared(embedder: Path) -> None:
    found = embed.Embedder(embedder, "o/embedder@1").texts(TEXTS)
    for other in ("o/embedder@2", embed.MODEL):
        with pytest.raises(CourseError, match="embed both with one model"):
            found.near(embed.Vectors(other, found.rows), 3)


# --- where they are used ---------------------------------------------------------------------------------


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, crossed: Path, embedder: Path) -> list[str]:
    """A hub that has the two tiny models, and what it was asked for."""
    asked: list[str] = []

    def give(repository: str, revision: str) -> Path:
        asked.append(f"{repository}@{revision}")
        return crossed if "cross" in repository else embedder

    monkeypatch.delenv("SERVELAB_HUB", raising=False)
    monkeypatch.setattr(artefacts, "_from_hub", give)
    return asked


def first_stage(questions: list[asking.Question]) -> dict[str, list[str]]:
    names = [passage.id for passage in corpus.load()]
    return {q.id: names[place : place + 12] for place, q in enumerate(questions)}


def test_without_a_hub_one_line_says_so(fetched: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    questions = asking.load()[:2]
    for name in ("cpu", "scripted"):
        assert hub.runs(corpus.load(), questions, first_stage(questions), name) == {}
        told = capsys.readouterr().out
        assert told.count("\n") == 1 and f"the {name} profile fetches nothing from a model hub" in told
    assert fetched == [] and embed.stronger("cpu") is None and reranking.cross_encoder([], "cpu") is None


def test_on_a_cpu_the_cross_encoder_runs_if_asked_for(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVELAB_HUB", "1")
    questions = asking.load()[:2]
    first = first_stage(questions)
    found = hub.runs(corpus.load(), questions, first, "cpu")
    assert list(found) == [hub.CROSS_ENCODER] and fetched == [profiles.CROSS_ENCODER]
    assert "larger embedder is not run on the cpu profile" in capsys.readouterr().out
    for question in questions:
        best = found[hub.CROSS_ENCODER][question.id]
        assert len(best) == 10 and set(best) < set(first[question.id])


def test_on_a_gpu_both_run(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed.Embedder, "MOST_TOKENS", 8)
    questions, passages = asking.load()[:3], corpus.load()[:40]
    names = [passage.id for passage in passages]
    found = hub.runs(passages, questions, {q.id: names[:12] for q in questions}, GPU)
    assert fetched == ["o/embedder@1", "o/crossed@2"] and list(found) == [hub.EMBEDDER, hub.CROSS_ENCODER]
    for run in found.values():
        assert all(len(set(run[q.id])) == 10 and set(run[q.id]) <= set(names) for q in questions)


def test_the_benchmark_has_a_way_for_each(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Three:
        def rrf(self, text: str) -> list[int]:
            return [5, 3, 1]

    monkeypatch.setattr(embed.Embedder, "MOST_TOKENS", 8)
    ways, why = bench._hub_ways(Three(), corpus.load()[:30], GPU)  # type: ignore[arg-type]
    assert why == "" and len(fetched) == 2
    assert sorted(ways["rrf_cross_encoder"](QUESTION)) == [1, 3, 5]
    assert sorted(ways["dense_larger"](QUESTION)) == list(range(30))


def test_a_hub_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(repository: str, revision: str) -> Path:
        raise EngineError(
            f"Fetching {repository} from the model hub failed: no route\nto host", remedy="check it."
        )

    monkeypatch.setattr(artefacts, "_from_hub", fail)
    assert hub.runs(corpus.load(), [], {}, GPU) == {}
    assert (
        capsys.readouterr().out == "Not run here: Fetching o/embedder from the model hub failed: no route\n"
    )


def test_only_a_gpu_has_a_larger_embedder_and_revisions_are_pinned() -> None:
    card = profiles.Gpu("H100", 80 * profiles.GIB, 80 * profiles.GIB, (9, 0))
    of = profiles.gpu_profile(card)
    for name in (of.embedder, of.cross_encoder, profiles.profile("cpu").cross_encoder):
        repository, revision = name.split("@")
        assert repository.count("/") == 1 and len(revision) == 40 and int(revision, 16)
    assert profiles.profile("cpu").embedder == "" and of.may_fetch
    assert not dataclasses.replace(of, name="cpu").may_fetch


def test_embedding_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it leaves the hub's switch alone: an engine on a GPU may have to fetch its model afterwards."""
    import os
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    embed._loaded.cache_clear()
    assert embed.encode(["a pod"]).shape == (1, embed.DIMENSIONS)
    assert "HF_HUB_OFFLINE" not in os.environ
