"""`servelab bench retrieval`: how well and how fast the corpus is searched, each way, in this run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from servelab.engine.errors import EngineError
from servelab.engine.profiles import Profile
from servelab.progress import bar
from servelab.retrieval import (
    asking,
    corpus,
    distribution,
    embed,
    hub,
    measures,
    ranking,
    reranking,
    store,
    vectors,
)
from servelab.retrieval.asking import Question

DEPTH = 50  # candidates that a first stage hands on
RRF_K = 60
CROSSED = 20  # candidates that a cross-encoder reads
#: Weights of (BM25, dense, MaxSim) that are tried on the development set; the best is measured on the test set.
WEIGHTS = tuple((b, d, m) for b in (0.0, 0.5, 1.0) for d in (0.0, 0.5, 1.0) for m in (1.0, 2.0, 4.0))
BASELINE = "dense"

Ranker = Callable[[str], list[int]]


def bench_retrieval(*, repeats: int = 1) -> dict[str, Any]:
    """Measure every way to search on the test questions, or on the development ones where there is no test set.

    Vectors and words lie in Qdrant Edge and are searched exactly; a query's time is one question's from its text to its
    ranking, embedding included, the median over the questions. The command lets every library use one thread.

    Args:
        repeats: how often every question is asked each way. The rankings are those of the last time: they do not change.

    Returns:
        {"variants": {name: {"recall_at_10", "mrr_at_10", "ndcg_at_10", "query_ms", "against_dense": {"difference",
        "low", "high"}}}, "questions", "set", "passages", "build": {...}, "tuned": {...}, "best", "not_run": why the ways
        that need a model hub are missing, or "", "samples", "ratios"}.
    """
    passages = corpus.load()
    hidden = asking.load_test()
    dev, measured = asking.load(), hidden if hidden is not None else asking.load()
    tokens = vectors.token_vectors()
    model = ranking.Bm25([p.indexed for p in passages])
    with _collection(passages, model, vectors.shipped()) as (collection, build):
        search = _Search(collection, model, tokens)
        weights = _tuned(search, dev)
        more, not_run = _hub_ways(search, passages)
        ways = {**_ways(search), "weighted": lambda text: search.weighted(text, weights), **more}
        runs, ms = _measure(ways, measured, passages, repeats)
    return {
        **_compared(runs, ms, measured),
        "set": "dev" if hidden is None else "test",
        "passages": len(passages),
        "build": build,
        "tuned": {"weights": dict(zip(("bm25", "dense", "maxsim"), weights, strict=True)), "on": "dev"},
        "not_run": not_run,
    }


def bench_documentation(*, repeats: int = 1) -> dict[str, Any]:
    """The same on Python's documentation from the distribution, with its FAQ's questions; nothing is tuned on them.

    The first time the token vectors are made, with a progress bar.

    Returns:
        As `bench_retrieval`, without "weighted" and "tuned".

    Raises:
        CourseError: the documentation is not installed.
    """
    passages, questions = distribution.load()
    tokens = vectors.documentation_vectors(passages)
    model = ranking.Bm25([p.indexed for p in passages])
    with _collection(passages, model, tokens.vectors) as (collection, build):
        ways = _ways(_Search(collection, model, tokens))
        runs, ms = _measure(ways, questions, passages, repeats)
    name = f"{distribution.PACKAGE} {passages[0].version} FAQ"
    return {**_compared(runs, ms, questions), "set": name, "passages": len(passages), "build": build}


def _ways(search: _Search) -> dict[str, Ranker]:
    """The ways that need no tuning."""
    return {
        "bm25": search.bm25,
        BASELINE: search.dense,
        "rrf": search.rrf,
        "dense_maxsim": search.dense_maxsim,
        "rrf_maxsim": search.rrf_maxsim,
    }


def _hub_ways(
    search: _Search, passages: Sequence[corpus.Passage], profile: Profile | str | None = None
) -> tuple[dict[str, Ranker], str]:
    """The ways that need a model hub, and why there are none, or "". The larger embedder only ever meets its own vectors."""
    found: dict[str, Ranker] = {}
    if why := hub.without(profile):
        return found, why
    try:
        embedder = embed.stronger(profile)
        stage = reranking.cross_encoder([p.indexed for p in passages], profile)
    except EngineError as error:
        return found, error.what
    if embedder:
        held = hub.encoded(embedder, passages)
        found["dense_larger"] = lambda text: held.near(embedder.questions([text]), DEPTH)[0]
    if stage:
        found["rrf_cross_encoder"] = lambda text: reranking.reranked(stage, text, search.rrf(text)[:CROSSED])
    return found, ""


def _compared(
    runs: Mapping[str, Mapping[str, list[str]]],
    ms: Mapping[str, Sequence[float]],
    questions: Sequence[Question],
) -> dict[str, Any]:
    """What the runs are worth: "variants", "best", "questions", "by_kind", "samples" and "ratios"."""
    qrels = asking.qrels(questions)
    values = {name: measures.by_question(run, qrels) for name, run in runs.items()}
    variants: dict[str, Any] = {}
    samples: dict[str, list[float]] = {}
    for name in runs:
        found = {measure: round(_mean(by), 4) for measure, by in values[name].items()}
        interval = measures.paired_interval(values[name]["ndcg_at_10"], values[BASELINE]["ndcg_at_10"])
        against = {
            "difference": round(interval.difference, 4),
            "low": round(interval.low, 4),
            "high": round(interval.high, 4),
        }
        query_ms = round(float(np.median(ms[name])), 2)
        variants[name] = {**found, "query_ms": query_ms, "against_dense": against}
        samples[f"{name}_query_ms"] = list(ms[name])
        samples[f"{name}_ndcg_at_10"] = [found["ndcg_at_10"]] * len(ms[name])
    ways = [name for name in runs if name != BASELINE]
    return {
        "variants": variants,
        "best": max(variants, key=lambda name: (variants[name]["ndcg_at_10"], name)),
        "questions": len(values[BASELINE]["ndcg_at_10"]),
        "by_kind": _by_kind(values, questions),
        "samples": samples,
        "ratios": {
            f"{name}_over_{BASELINE}_{unit}": [f"{name}_{unit}", f"{BASELINE}_{unit}"]
            for name in ways
            for unit in ("query_ms", "ndcg_at_10")
            # Words are looked up in memory, vectors are computed: how these two compare is the machine's, from one hour to the
            # next, and not the code's. All others embed the question too.
            if (name, unit) != ("bm25", "query_ms")
        },
    }


class _Search:
    """The ways to rank the corpus for a question: rows of its passages, best first."""

    def __init__(
        self, collection: store.Collection, model: ranking.Bm25, tokens: vectors.TokenVectors
    ) -> None:
        self._collection, self._model, self._tokens = collection, model, tokens

    def bm25(self, text: str) -> list[int]:
        return [hit.id for hit in self._collection.search(self._model.question(text), DEPTH)]

    def dense(self, text: str) -> list[int]:
        return self._near(embed.encode([text])[0])

    def rrf(self, text: str) -> list[int]:
        return _names(ranking.rrf([self.bm25(text), self.dense(text)], k=RRF_K))

    def dense_maxsim(self, text: str) -> list[int]:
        (vector,), (tokens,) = embed.encode_tokens([text])
        return self._late(tokens, self._near(vector))

    def rrf_maxsim(self, text: str) -> list[int]:
        (vector,), (tokens,) = embed.encode_tokens([text])
        fused = _names(ranking.rrf([self.bm25(text), self._near(vector)], k=RRF_K))
        return self._late(tokens, fused[:DEPTH])

    def weighted(self, text: str, weights: Sequence[float]) -> list[int]:
        """Fuse three rankings of the same candidates: BM25's, the dense vectors' and MaxSim's."""
        return self.fused(self.three(text), weights)

    def three(self, text: str) -> list[list[int]]:
        (vector,), (tokens,) = embed.encode_tokens([text])
        words, near = self.bm25(text), self._near(vector)
        return [words, near, self._late(tokens, sorted({*words, *near}))]

    @staticmethod
    def fused(three: Sequence[Sequence[int]], weights: Sequence[float]) -> list[int]:
        return _names(ranking.rrf(three, k=RRF_K, weights=weights))

    def _near(self, vector: np.ndarray) -> list[int]:
        return [hit.id for hit in self._collection.search(vector, DEPTH, exact=True)]

    def _late(self, tokens: np.ndarray, rows: Sequence[int]) -> list[int]:
        scores = self._tokens.maxsim(tokens, rows)
        return _names(ranking.in_order(dict(zip(rows, scores.tolist(), strict=True))))


def _names(scored: Sequence[tuple[int, float]]) -> list[int]:
    return [name for name, _ in scored]


@contextmanager
def _collection(
    passages: Sequence[corpus.Passage], model: ranking.Bm25, near: np.ndarray
) -> Iterator[tuple[store.Collection, dict[str, float]]]:
    """The passages and their vectors in Qdrant Edge, and the seconds that this took."""
    with store.opened(store.Settings(near.shape[1], words=True), "edge") as collection:
        begun = time.perf_counter()
        words = [model.passage(p.indexed) for p in passages]
        worded = time.perf_counter()
        collection.upsert(range(len(passages)), near, [{"package": p.package} for p in passages], words)
        stored = time.perf_counter()
        optimised = collection.optimise()
        yield (
            collection,
            {
                "words_s": round(worded - begun, 3),
                "upsert_s": round(stored - worded, 3),
                "index_s": round(optimised, 3),
            },
        )


def _tuned(search: _Search, dev: Sequence[Question]) -> tuple[float, float, float]:
    """The weights with the best nDCG@10 on the development set; ties go to the ones tried first."""
    asked = [question for question in dev if question.relevant]
    qrels, names = asking.qrels(asked), [p.id for p in corpus.load()]
    three = {q.id: search.three(q.text) for q in bar(asked, desc="tuning on dev", unit="question")}

    def score(weights: Sequence[float]) -> float:
        run = {q: [names[row] for row in search.fused(found, weights)[:10]] for q, found in three.items()}
        return measures.evaluate(run, qrels)["ndcg_at_10"]

    return max(WEIGHTS, key=lambda weights: round(score(weights), 9))


def _measure(
    ways: Mapping[str, Ranker],
    questions: Sequence[Question],
    passages: Sequence[corpus.Passage],
    repeats: int = 1,
) -> tuple[dict[str, dict[str, list[str]]], dict[str, list[float]]]:
    """({way: run}, {way: each repeat's median milliseconds a question}). The ways take turns, so that a slow moment hits all."""
    names = [p.id for p in passages]
    runs: dict[str, dict[str, list[str]]] = {way: {} for way in ways}
    medians: dict[str, list[float]] = {way: [] for way in ways}
    for rank in ways.values():
        rank("a question to warm up")
    for _ in range(repeats):
        ms: dict[str, list[float]] = {way: [] for way in ways}
        for question in bar(questions, desc="measuring", unit="question"):
            for way, rank in ways.items():
                begun = time.perf_counter()
                rows = rank(question.text)
                ms[way].append(1000 * (time.perf_counter() - begun))
                runs[way][question.id] = [names[row] for row in rows]
        for way, taken in ms.items():
            medians[way].append(float(np.median(taken)))
    return runs, medians


def _by_kind(
    values: Mapping[str, Mapping[str, Mapping[str, float]]], questions: Sequence[Question]
) -> dict[str, dict[str, float]]:
    """{kind: {way: mean nDCG@10}}: where each way gains and loses."""
    kinds = {question.id: question.kind for question in questions}
    return {
        kind: {
            way: round(_mean({q: v for q, v in by["ndcg_at_10"].items() if kinds[q] == kind}), 4)
            for way, by in values.items()
        }
        for kind in asking.KINDS
        if any(kinds[q] == kind for q in values[BASELINE]["ndcg_at_10"])
    }


def _mean(values: Mapping[str, float]) -> float:
    return float(np.mean(list(values.values())))


def what(result: Mapping[str, Any], repeats: int = 1) -> str:
    """One sentence on how the figures came about, for the measurement file."""
    return (
        f"servelab bench retrieval: {result['questions']} answerable questions of the {result['set']} set over "
        f"{result['passages']} passages, exact search in Qdrant Edge, every way {_times(repeats)} a question, one thread."
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the figures as a table."""
    table = Table(
        title=f"{result['questions']} questions ({result['set']} set), {result['passages']} passages"
    )
    for name in ("way", "Recall@10", "MRR@10", "nDCG@10", "against dense (95 %)", "ms a query"):
        table.add_column(name, justify="left" if name == "way" else "right", no_wrap=True)
    for name, found in result["variants"].items():
        against = found["against_dense"]
        told = f"{against['difference']:+.3f} [{against['low']:+.3f}, {against['high']:+.3f}]"
        cells = (f"{found[key]:.3f}" for key in ("recall_at_10", "mrr_at_10", "ndcg_at_10"))
        table.add_row(name, *cells, "" if name == BASELINE else told, f"{found['query_ms']:.1f}")
    console.print(table)
    if result.get("not_run"):
        console.print(result["not_run"], highlight=False)
