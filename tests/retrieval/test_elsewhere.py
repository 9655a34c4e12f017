"""A fork of a process that has used the engine uses it too, in a process of its own, and means the same."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from servelab.errors import CourseError
from servelab.retrieval import store
from servelab.retrieval.elsewhere import DistantCollection
from servelab.retrieval.store import Settings

#: Builds links for an index, whose threads a fork does not have; then does the same in a fork.
FORKS = """
import os, sys
import numpy as np
from servelab.retrieval.store import Settings, opened

vectors = np.random.default_rng(1).standard_normal((1200, 24)).astype(np.float32)
def work():
    with opened(Settings(24, m=8, ef_construct=32, indexes={"tenant": "tenant"}), "edge") as collection:
        collection.upsert(range(1200), vectors, [{"tenant": f"t{i % 20}"} for i in range(1200)])
        collection.optimise()
        found = [hit.id for hit in collection.search(vectors[3], 5, where={"tenant": "t3"}, ef=64)]
        print(type(collection).__name__, found, flush=True)

work()
child = os.fork()
if not child:
    work()
    os._exit(0)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_fork_does_not_hang() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    ours, forked = done.stdout.splitlines()
    assert ours.startswith("EdgeCollection [3, ") and forked.startswith("DistantCollection [3, ")
    assert ours.split(" ", 1)[1] == forked.split(" ", 1)[1]


def test_who_has_not_forked_uses_the_engine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with store.opened(Settings(2), "edge") as collection:
        assert isinstance(collection, store.EdgeCollection)
    monkeypatch.setattr(store.EdgeCollection, "used_in", os.getpid() + 1)
    with store.opened(Settings(2), "edge") as collection:
        assert isinstance(collection, DistantCollection)


def test_all_methods_mean_the_same() -> None:
    before = set(Path(tempfile.gettempdir()).glob("servelab-qdrant-*"))
    vectors = np.random.default_rng(2).standard_normal((300, 8)).astype(np.float32)
    payloads = [{"n": i} for i in range(300)]
    given = []
    for kind in (store.EdgeCollection, DistantCollection):
        collection = kind(Settings(8, m=8, ef_construct=32))
        collection.create_index("n", "integer")
        collection.create_index("whose", "tenant")
        collection.upsert(range(300), vectors, payloads)
        assert collection.optimise() > 0
        hits = collection.search(vectors[7], 3, where={"n": {"gte": 5}}, exact=True)
        told = {name: value for name, value in collection.info().items() if "bytes" not in name}
        given.append((hits, collection.count({"n": {"lt": 10}}), told))
        with pytest.raises(CourseError, match="strings or integers"):
            collection.count({"n": 1.5})
        collection.close()
    assert given[0] == given[1]
    assert given[0][2]["kinds"] == {"n": "integer", "whose": "tenant"}
    assert set(Path(tempfile.gettempdir()).glob("servelab-qdrant-*")) == before


def test_a_lost_process_is_one_line() -> None:
    collection = DistantCollection(Settings(2))
    collection._process.kill()
    collection._process.wait()
    with pytest.raises(CourseError, match="has ended"):
        collection.count()
    collection.close()
    assert collection._process.returncode is not None
