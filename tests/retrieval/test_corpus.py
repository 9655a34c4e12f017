"""The corpus is there on every runtime, always the same, and says where it comes from."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re

import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.retrieval import corpus
from servelab.retrieval.reading import Section


def test_at_least_a_thousand_passages_of_every_package() -> None:
    passages = corpus.load()
    assert len(passages) >= 1000
    assert {p.package for p in passages} == set(corpus.PACKAGES)
    assert [p.id for p in passages] == sorted({p.id for p in passages})
    for p in passages:
        assert p.text.strip() and p.title and p.document and p.version and p.licence
        assert p.id.startswith(f"{p.document}#")
        assert 8 <= len(p.text.split()) <= corpus.MOST_WORDS + 40


@pytest.mark.parametrize("runtime", ["cpu", "gpu"])
def test_every_package_is_pinned_to_the_corpus_version(runtime: str) -> None:
    lock = (ROOT / "environment" / "locks" / f"{runtime}.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.M))
    assert {name: pinned.get(name) for name in corpus.PACKAGES} == {
        package.name: package.version for package in corpus.PACKAGES.values()
    }


def test_licences_allow_it() -> None:
    assert {p.licence for p in corpus.PACKAGES.values()} == {"Apache-2.0", "BSD-3-Clause"}
    for name in corpus.PACKAGES:
        about = importlib.metadata.metadata(name)
        told = f"{about.get('License-Expression')} {about.get('License')} {about.get_all('Classifier')}"
        assert re.search("Apache|BSD", told), name


def test_another_text_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(corpus.PACKAGES["peft"], sha256="0" * 64)
    monkeypatch.setitem(corpus.PACKAGES, "peft", other)
    corpus.load.cache_clear()
    with pytest.raises(
        CourseError, match=rf"^The text of peft {re.escape(other.version)} here is not"
    ) as told:
        corpus.load()
    assert "\n" not in str(told.value)
    corpus.load.cache_clear()


def test_no_prose_of_it_lies_in_the_repository() -> None:
    """Twelve words in a row of a passage, in any file of the package, would be a copy."""
    told = set()
    for passage in corpus.load():
        words = re.findall(r"\w+", passage.text.lower())
        told |= {" ".join(words[i : i + 12]) for i in range(0, len(words) - 12, 3)}
    for path in (ROOT / "environment" / "servelab" / "retrieval").rglob("*.*"):
        if path.suffix in (".py", ".yaml", ".md"):
            words = re.findall(r"\w+", path.read_text(encoding="utf-8").lower())
            copied = {" ".join(words[i : i + 12]) for i in range(len(words) - 12)} & told
            assert not copied, f"{path}: {sorted(copied)[:1]}"


def test_short_neighbours_share_a_passage_and_long_ones_are_split() -> None:
    long = " ".join(f"Sentence {i} says something of its own." for i in range(60))
    document = corpus.Document(
        "t/d",
        "T",
        (
            Section("a", "One two three four five six seven."),
            Section("b", "A b c d e f g h."),
            Section("c", long),
        ),
        "peft",
    )
    first, *rest = corpus.passages_of(document)
    assert first.section == "a, b" and first.text.startswith("a: One") and first.id == "t/d#a"
    assert [p.id for p in rest] == ["t/d#c", "t/d#c~2", "t/d#c~3"]
    assert " ".join(p.text for p in rest) == long, "nothing is lost, nothing cut inside a sentence"
    assert all(len(p.text.split()) <= corpus.MOST_WORDS for p in rest)


def test_indexed_text_starts_with_title_and_section() -> None:
    passage = next(p for p in corpus.load() if p.id == "kubernetes/Container#startupProbe")
    assert passage.indexed.startswith("Kubernetes Container: startupProbe\nStartupProbe")


def test_documents_hold_what_passages_hold() -> None:
    document = next(d for d in corpus.documents() if d.id == "nbgrader/faq")
    for passage in corpus.load():
        if passage.document == document.id:
            last = passage.text.split("\n")[-1]
            assert last.split(": ")[-1] in document.text
