"""The same points, settings and filters mean the same to every engine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from servelab.errors import CourseError
from servelab.retrieval import store
from servelab.retrieval.store import Settings, Words, opened

ENGINES = ["edge", "memory"]
FILTERS: list[dict[str, Any] | None] = [
    None,
    {"tenant": "t3"},
    {"tenant": ["t1", "t2"]},
    {"number": {"gte": 10, "lt": 200}},
    {"tenant": "t3", "number": {"gt": 250}},
    {"number": 17},
]


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, list[dict[str, Any]], list[Words]]:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((600, 24)).astype(np.float32)
    payloads = [{"tenant": f"t{i % 5}", "number": i} for i in range(600)]
    words = []
    for _ in range(600):
        indices = sorted(set(rng.integers(0, 60, 6).tolist()))
        words.append(Words(tuple(indices), tuple(float(w) for w in 0.5 + rng.random(len(indices)))))
    return vectors, payloads, words


def filled(where: str, points: Any, **settings: Any) -> Any:
    vectors, payloads, words = points
    chosen = Settings(24, indexes={"tenant": "tenant", "number": "integer"}, words=True, **settings)
    context = opened(chosen, where)
    return context, (range(len(vectors)), vectors, payloads, words)


def test_exact_search_is_the_same_on_both_engines(points: Any) -> None:
    found: dict[str, list[list[tuple[int, float]]]] = {}
    vectors, _, words = points
    for engine in ENGINES:
        context, data = filled(engine, points)
        with context as collection:
            collection.upsert(*data)
            collection.optimise()
            found[engine] = [
                [(hit.id, hit.score) for hit in collection.search(query, 10, where=where, exact=True)]
                for where in FILTERS
                for query in [*vectors[:25] * 3, *words[:25]]  # a vector's length must not matter
            ]
    for ours, theirs in zip(found["edge"], found["memory"], strict=True):
        assert [i for i, _ in ours] == [i for i, _ in theirs]
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], abs=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_filters_let_through_what_they_say(engine: str, points: Any) -> None:
    _, payloads, _ = points
    context, data = filled(engine, points)
    with context as collection:
        collection.upsert(*data)
        collection.optimise()
        for where in FILTERS[1:]:
            assert where is not None
            hits = collection.search(points[0][0], 600, where=where, exact=True)
            expected = {i for i, p in enumerate(payloads) if fits(p, where)}
            assert {hit.id for hit in hits} == expected
            assert collection.count(where) == len(expected)
            assert all(fits(hit.payload, where) for hit in hits)
        assert collection.count() == 600


def fits(payload: dict[str, Any], where: dict[str, Any]) -> bool:
    for name, wanted in where.items():
        value = payload[name]
        if isinstance(wanted, dict):
            good = (
                wanted.get("gte", -1) <= value
                and wanted.get("gt", -1) < value
                and value < wanted.get("lt", 10**9)
            )
        else:
            good = value in (wanted if isinstance(wanted, list) else [wanted])
        if not good:
            return False
    return True


@pytest.mark.parametrize("engine", ENGINES)
def test_ties_come_by_id(engine: str) -> None:
    with opened(Settings(4), engine) as collection:
        collection.upsert([9, 3, 7, 1], np.tile([[1.0, 0, 0, 0]], (4, 1)))
        assert [hit.id for hit in collection.search(np.array([1.0, 0, 0, 0]), exact=True)] == [1, 3, 7, 9]


@pytest.mark.parametrize("engine", ENGINES)
def test_upsert_replaces(engine: str) -> None:
    with opened(Settings(2), engine) as collection:
        collection.upsert([1], np.array([[1.0, 0]]), [{"a": "old"}])
        collection.upsert([1], np.array([[0.0, 1]]), [{"a": "new"}])
        (hit,) = collection.search(np.array([0.0, 1]))
        assert (hit.id, hit.payload, collection.count()) == (1, {"a": "new"}, 1)
        assert hit.score == pytest.approx(1)


def test_an_index_that_is_never_done_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Restless:
        def optimize(self) -> bool:
            return True

        def close(self) -> None:
            pass

    monkeypatch.setattr(store, "MOST_S", 0.05)
    with opened(Settings(4, m=8, ef_construct=32), "edge") as collection:
        shard, collection._shard = collection._shard, Restless()
        with pytest.raises(CourseError, match="has not built its index in"):
            collection.optimise()
        collection._shard = shard


def test_only_the_real_engine_says_that_it_has_a_graph(points: Any) -> None:
    told = {}
    for engine in ENGINES:
        context, data = filled(engine, points, m=8, ef_construct=32)
        with context as collection:
            collection.upsert(*data)
            assert not collection.info()["m"], "nothing is built before"
            assert collection.optimise() >= 0
            told[engine] = collection.info()
    assert told["edge"]["indexed"] >= 600 and told["edge"]["indexes"] == ["number", "tenant"]
    assert (told["edge"]["m"], told["edge"]["ef_construct"]) == (8, 32)
    assert told["edge"]["points"] == told["memory"]["points"] == 600
    assert (told["memory"]["m"], told["memory"]["indexed"], told["memory"]["indexes"]) == (None, 0, [])
    assert (
        told["edge"]["kinds"] == {"tenant": "tenant", "number": "integer"} and told["memory"]["kinds"] == {}
    )


def test_the_engine_tells_the_kind_of_each_index() -> None:
    with opened(Settings(2, indexes={kind: kind for kind in store.INDEXES}), "edge") as collection:
        assert collection.info()["kinds"] == {kind: kind for kind in store.INDEXES}


@pytest.mark.parametrize("kind", store.QUANTISATIONS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_quantisation_can_be_asked_for(kind: str, engine: str, points: Any) -> None:
    vectors = points[0]
    with opened(Settings(24, quantisation=kind), engine) as collection:
        collection.upsert(range(len(vectors)), vectors)
        collection.optimise()
        hits = collection.search(vectors[5], 3, oversampling=4.0, rescore=True)
        assert hits[0].id == 5 and hits[0].score == pytest.approx(1, abs=1e-3)
        named = {"int8": "scalar", "pq16": "product", "pq32": "product", "binary": "binary"}.get(
            kind, "turbo"
        )
        told = collection.info()
        assert told["quantisation"] == (named if engine == "edge" else None)
        if engine == "edge":
            assert (
                told["compressed_bytes"] > 0
                and told["graph_bytes"] > 0
                and told["vector_bytes"] >= 600 * 24 * 4
            )
            assert told["bytes"] >= sum(told[k] for k in told if k.endswith("_bytes"))


def test_a_temporary_shard_leaves_nothing() -> None:
    before = set(Path(tempfile.gettempdir()).glob("servelab-qdrant-*"))
    with opened(Settings(2), "edge") as collection:
        collection.upsert([1], np.array([[1.0, 0]]))
        assert set(Path(tempfile.gettempdir()).glob("servelab-qdrant-*")) - before
    assert not set(Path(tempfile.gettempdir()).glob("servelab-qdrant-*")) - before


def test_a_named_folder_stays(tmp_path: Path) -> None:
    collection = store.create(Settings(2), "edge", folder=tmp_path / "shard")
    collection.upsert([1], np.array([[1.0, 0]]))
    collection.close()
    assert (tmp_path / "shard").is_dir()


def test_a_server_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    with pytest.raises(CourseError, match=r"http://127.0.0.1:9 does not answer .* unset QDRANT_URL") as told:
        store.create(Settings(2))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Settings(2, quantisation="int3"), "int3.*can be: int8"),
        (lambda: Settings(2, indexes={"a": "text"}), "'a' is of kind 'text'"),
        (lambda: store.create(Settings(2), "somewhere"), "'edge', 'memory' or a URL"),
    ],
)
def test_unknown_names_are_refused(wrong: Any, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        wrong()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"a": True}, "strings or integers"),
        ({"a": 1.5}, "strings or integers"),
        ({"a": {"from": 1}}, "it can have: gt"),
    ],
)
def test_conditions_that_engines_read_differently_are_refused(engine: str, where: Any, message: str) -> None:
    with opened(Settings(2), engine) as collection, pytest.raises(CourseError, match=message):
        collection.count(where)


def test_without_a_name_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QDRANT_URL", raising=False)
    with opened(Settings(2)) as collection:
        assert collection.where == "edge"
    monkeypatch.setenv("QDRANT_URL", "memory")
    with opened(Settings(2)) as collection:
        assert collection.where == "memory"
