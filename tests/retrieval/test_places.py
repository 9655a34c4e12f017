"""Every passage is found where its document holds it, and chunks are judged by that."""

from __future__ import annotations

import itertools
import re

import pytest
from servelab.errors import CourseError
from servelab.retrieval import corpus, places
from servelab.retrieval.places import Place


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_every_passage_stands_in_its_place() -> None:
    texts = {document.id: document.text for document in corpus.documents()}
    found = places.places()
    assert set(found) == {passage.id for passage in corpus.load()}
    for passage in corpus.load():
        place = found[passage.id]
        assert place.document == passage.document
        held, wanted = words(texts[place.document][place.start : place.end]), words(passage.text)
        # A passage of several sections starts with the name of the first, which stands above its text.
        assert held[-3:] == wanted[-3:]
        assert wanted[: len(held)] == held or set(held) <= set(wanted), passage.id


def test_passages_of_a_document_do_not_overlap() -> None:
    by_document: dict[str, list[Place]] = {}
    for place in places.places().values():
        by_document.setdefault(place.document, []).append(place)
    for held in by_document.values():
        held.sort(key=lambda place: place.start)
        assert all(a.end <= b.start for a, b in itertools.pairwise(held))


def test_a_passage_that_is_not_there_is_named() -> None:
    document = corpus.documents()[0]
    with pytest.raises(CourseError, match="does not stand in it"):
        places._find(document, [0] * len(document.sections), "No document says this.", (0, 0))


def test_covered() -> None:
    place = Place("d", 10, 20)
    assert places.covered(place, []) == 0
    assert places.covered(place, [Place("other", 0, 99)]) == 0
    assert places.covered(place, [Place("d", 0, 15)]) == 0.5
    assert places.covered(place, [Place("d", 12, 15), Place("d", 14, 18)]) == 0.6
    assert places.covered(place, [Place("d", 0, 99), Place("d", 12, 15)]) == 1


def test_within_a_budget() -> None:
    assert places.within([2, 0, 1], [30, 50, 40], 70) == [2, 0]
    assert places.within([1, 0], [30, 50], 40) == []
    assert places.within([], [], 40) == []


def test_answered() -> None:
    name, place = next(iter(places.places().items()))
    most = place.start + round(0.81 * (place.end - place.start))
    assert places.answered([place], {name: 2, "unfound": 1}) == 1
    assert places.answered([Place(place.document, place.start, most)], {name: 2}) == 1
    assert places.answered([Place(place.document, place.start, most - 30)], {name: 2}) == 0
    assert places.answered([], {name: 2}) == 0
