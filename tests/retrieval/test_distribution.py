"""The optional corpus is read from a folder like the distribution's, its questions find themselves nowhere, and without it one line says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.load import measurements
from servelab.retrieval import bench, corpus, distribution, vectors

FAQ = """:tocdepth: 2

===========
Library FAQ
===========

.. only:: html

   .. contents::

General Questions
=================

How do I delete a file?
-----------------------

Use :func:`os.remove` with the path of what is to go; it raises an error when nothing is there, and it does not
take directories away, for which there is another function.

.. XXX say something about shutil
   one day

Why is that so slow?
--------------------

.. versionchanged:: 3.3

Because every attribute is looked up again in each turn of the loop; bind what you need to a local name before the
loop begins and measure again, for guesses about speed are wrong more often than not.

Further reading
---------------

There are books about all of this, and the library reference, which explains every module of the standard library with
its functions, classes and exceptions, and gives examples for most of them.
"""
LIBRARY = """:mod:`queue` --- A synchronized queue class
===========================================

.. module:: queue
   :synopsis: A synchronized queue class.

The module implements queues for many producers and many consumers. It is useful in threaded programming when
information must be exchanged safely between threads, and it does all of the locking that this needs.

.. function:: drain(queue, *, timeout=None)

   Take out everything that is there now and return it as a list, in the order in which it was put in; wait at most
   *timeout* seconds for the first item, and do not wait for any other one.
"""


@pytest.fixture
def documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    sources = tmp_path / "html" / "_sources"
    for place, text in (("faq/library", FAQ), ("library/queue", LIBRARY), ("whatsnew/3.11", LIBRARY)):
        path = sources / f"{place}.rst.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "html" / "_static").mkdir()
    (tmp_path / "html" / "_static" / "documentation_options.js").write_text("{ VERSION: '3.11.2', x: 1 }")
    monkeypatch.setenv("SERVELAB_DOCUMENTATION", str(tmp_path / "html"))
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "html"


def test_passages_say_where_they_come_from(documentation: Path) -> None:
    passages, _ = distribution.load()
    assert {p.document for p in passages} == {
        "library/queue",
        "faq/library-000",
        "faq/library-001",
        "faq/library-002",
    }
    assert [p.id for p in passages] == sorted(p.id for p in passages)
    assert {(p.package, p.version, p.licence) for p in passages} == {("python3.11-doc", "3.11.2", "PSF-2.0")}
    assert all(isinstance(p, corpus.Passage) for p in passages)
    text = "\n".join(p.text for p in passages)
    assert "drain(queue, *, timeout=None)" in text and "in the order in which it was put in" in text
    for markup in ("::", ":func:", ":tocdepth:", "XXX", "3.3", "synopsis", "contents"):
        assert markup not in text
    (documentation / "_static" / "documentation_options.js").unlink()
    assert distribution.load()[0][0].version == "?"


def test_questions_find_themselves_nowhere(documentation: Path) -> None:
    passages, questions = distribution.load()
    assert [q.text for q in questions] == ["How do I delete a file?", "Why is that so slow?"]
    texts = {p.id: p for p in passages}
    assert [texts[name].text.split()[0] for q in questions for name in q.relevant] == ["Use", "Because"]
    assert all(q.text not in f"{p.id}{p.indexed}" for q in questions for p in passages)


def test_where_it_is_not_installed_one_line_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_DOCUMENTATION", str(tmp_path))
    with pytest.raises(CourseError, match=r"`apt install python3\.11-doc`.*SERVELAB_DOCUMENTATION") as told:
        distribution.load()
    assert "\n" not in str(told.value)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from servelab.cli import main; main()",
            "bench",
            "retrieval",
            "--documentation",
        ],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "apt install python3.11-doc" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_the_benchmark_runs_on_it(documentation: Path) -> None:
    result = bench.bench_documentation()
    assert set(result["variants"]) == {"bm25", "dense", "rrf", "dense_maxsim", "rrf_maxsim"}
    assert result["questions"] == 2 and result["passages"] == len(distribution.load()[0])
    assert result["set"] == "python3.11-doc 3.11.2 FAQ" and json.dumps(result)
    found = {way: measured["recall_at_10"] for way, measured in result["variants"].items()}
    assert all(found[way] == 1 for way in found if way != "bm25"), "vectors rank all four passages"
    assert result["variants"]["dense_maxsim"]["mrr_at_10"] == 1


def test_what_the_lab_says_of_it_was_measured() -> None:
    """Hybrid search is worse there than vectors alone, and the second stage makes no difference that can be shown."""
    record = measurements.read("retrieval-documentation-cpu")
    figures = record["figures"]
    assert not record["dirty"] and figures["set"] == "python3.11-doc 3.11.2 FAQ"
    assert figures["variants"]["rrf"]["against_dense"]["high"] < 0
    for way in ("dense_maxsim", "rrf_maxsim"):
        against = figures["variants"][way]["against_dense"]
        assert against["low"] < 0 < against["high"]


def test_its_vectors_are_made_once_for_a_text(documentation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passages, _ = distribution.load()
    first = vectors.documentation_vectors(passages)
    assert first.vectors.shape == (len(passages), 384) and first.offsets[-1] == len(first.tokens)
    monkeypatch.setattr(vectors, "encode_all_tokens", lambda *_: pytest.fail("made again"))
    again = vectors.documentation_vectors(passages)
    assert np.array_equal(again.tokens, first.tokens)
    with pytest.raises(BaseException, match="made again"):
        vectors.documentation_vectors(passages[1:])
    (folder,) = (documentation.parent / "cache" / "artefacts").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["offsets.npy", "tokens.npy", "vectors.npy"]
