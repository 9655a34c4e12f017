"""What is meant for a Qdrant server travels over REST, with its key, and comes back the same; what it refuses is one line.

No server is at hand here: `qdrant_face` stands where one would. So this shows that requests are well formed and answers are read right,
not how a server's index behaves.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from qdrant_face import Face, face
from servelab.errors import CourseError
from servelab.retrieval import store
from servelab.retrieval.store import Settings, Words, opened

FILTERS: list[dict[str, Any] | None] = [
    None,
    {"tenant": "t3"},
    {"tenant": ["t1", "t2"]},
    {"number": {"gte": 10, "lt": 200}},
    {"tenant": "t3", "number": {"gt": 250}},
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Face]:
    """A face that `QDRANT_URL` names."""
    with face() as listening:
        monkeypatch.setenv("QDRANT_URL", listening.url)
        monkeypatch.delenv("QDRANT_API_KEY", raising=False)
        yield listening


def test_the_same_hits_as_in_memory(server: Face) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((400, 24)).astype(np.float32)
    payloads = [{"tenant": f"t{i % 5}", "number": i} for i in range(400)]
    words = [Words((i % 7, 10 + i % 11), (1.0, 0.5)) for i in range(400)]
    settings = Settings(
        24, m=8, indexes={"tenant": "tenant", "number": "integer"}, words=True, quantisation="int8"
    )
    found: list[list[Any]] = []
    for where in (None, "memory"):
        with opened(settings, where) as collection:
            collection.upsert(range(400), vectors, payloads, words)
            assert collection.optimise() >= 0 and collection.count({"tenant": "t1"}) == 80
            found.append(
                [
                    collection.search(query, 10, where=kept, ef=64, oversampling=2.0, rescore=True)
                    for kept in FILTERS
                    for query in [*vectors[:5] * 3, *words[:5]]
                ]
            )
            told = collection.info()
            if where is None:
                assert collection.where == server.url
                assert (told["points"], told["m"], told["quantisation"]) == (400, 8, "scalar")
                assert told["indexes"] == ["number", "tenant"]
    for ours, theirs in zip(*found, strict=True):
        assert [(hit.id, hit.payload) for hit in ours] == [(hit.id, hit.payload) for hit in theirs]
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-4)
    assert ("DELETE", "/collections/servelab") in server.asked[-2:], "what was on the server is deleted"


def test_many_points_fit_into_requests(server: Face) -> None:
    """A server refuses a request above 32 MB."""
    vectors = np.full((2500, 384), -0.123456789, np.float32)
    with opened(Settings(384)) as collection:
        collection.upsert(range(2500), vectors)
        assert collection.count() == 2500
    assert sum(path.endswith("/points") for _, path in server.asked) >= 3


@pytest.mark.parametrize("kind", [None, *store.QUANTISATIONS])
def test_every_setting_can_be_sent(server: Face, kind: str | None) -> None:
    indexes = {name: name for name in store.INDEXES}
    with opened(Settings(4, quantisation=kind, indexes=indexes, payload_m=4, words=True)) as collection:
        named = {"int8": "scalar", "pq16": "product", "pq32": "product", "turbo4": "turbo", "turbo2": "turbo"}
        assert collection.info()["quantisation"] == (named.get(kind, kind) if kind else None)
        assert collection.info()["indexes"] == sorted(store.INDEXES)
        assert collection.info()["kinds"] == indexes


def test_the_key_is_sent_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with face("sesame") as listening:
        monkeypatch.setenv("QDRANT_URL", listening.url)
        monkeypatch.setenv("QDRANT_API_KEY", "sesame")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with opened(Settings(2)) as collection:
                assert collection.count() == 0
        for wrong in ("open", None):
            if wrong is None:
                monkeypatch.delenv("QDRANT_API_KEY")
            else:
                monkeypatch.setenv("QDRANT_API_KEY", wrong)
            with pytest.raises(CourseError, match=r"refuses .*401.*QDRANT_API_KEY") as told:
                store.create(Settings(2))
            assert "\n" not in str(told.value) and "does not answer" not in str(told.value)


def test_waits_until_the_index_is_built(server: Face) -> None:
    with opened(Settings(2)) as collection:
        server.statuses = ["yellow", "yellow"]
        assert collection.optimise() >= 0.2 and server.statuses == []
        assert ("PATCH", "/collections/servelab") not in server.asked
        server.statuses = ["grey", "yellow"]
        assert collection.optimise() >= 0.2
        assert ("PATCH", "/collections/servelab") in server.asked, "grey waits for an update: give it one"
        server.statuses = ["red"]
        with pytest.raises(CourseError, match="could not build its index"):
            collection.optimise()


def test_a_body_that_no_server_could_read_is_refused(server: Face) -> None:
    """The face itself can say no."""
    import httpx

    assert httpx.put(f"{server.url}/collections/x", json={"vectors": {"size": "many"}}).status_code == 400
    assert httpx.post(f"{server.url}/collections/none/points/count", json={}).status_code == 404
    assert httpx.post(f"{server.url}/collections/none/points/guess", json={}).status_code == 404


def cell(source: str, name: str) -> str:
    """A cell of lab 06, by its id."""
    (found,) = [part for part in source.split("\n# %% ") if f'id="{name}"' in part.splitlines()[0]]
    return found.split("\n", 1)[1]


def test_lab_06_answers_hold_over_rest(server: Face) -> None:
    """The reference answers and their checks, hidden ones included, with `QDRANT_URL` set."""
    text = (ROOT / "solutions" / "06-vector-database" / "06-vector-database.py").read_text(encoding="utf-8")
    (setup,) = [part for part in text.split("\n# %% ") if part.startswith('tags=["setup"]')]
    lines = [line for line in setup.splitlines()[1:] if not line.startswith(("servelab.setup", "# %"))]
    bound: dict[str, Any] = {}
    for code in (
        "\n".join(lines),
        *(cell(text, name) for name in ("client", "collection", "collection-check", "requests-check")),
        *(cell(text, name) for name in ("tenants", "tenants-own-check", "tenants-hostile-check")),
    ):
        exec(compile(code, "lab 06", "exec"), bound)
    paths = {path.split("/", 3)[-1] for _, path in server.asked}
    assert {"points/query", "points/scroll", "points/delete", "points/count", "index"} <= paths
    assert len(server.asked) > 500
