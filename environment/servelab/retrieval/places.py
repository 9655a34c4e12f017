"""Where the passages stand in their documents: with that, labels that name passages also judge somebody else's chunks.

A labelled question says which passage answers it. A chunk of another chunker answers it too if it holds that passage's text,
so chunkers are compared by places in the document, and at the same number of tokens in the prompt.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from servelab.errors import CourseError
from servelab.retrieval import corpus

ENOUGH = (
    0.8  # of an answering passage's characters in the prompt, and the question counts as answerable from it
)


@dataclass(frozen=True)
class Place:
    """A piece of a document's text.

    Attributes:
        document: its id.
        start, end: characters of `Document.text`.
    """

    document: str
    start: int
    end: int


@functools.cache
def places() -> dict[str, Place]:
    """{passage id: where it stands in its document}.

    Raises:
        CourseError: a passage is not found in its document.
    """
    found: dict[str, Place] = {}
    for document in corpus.documents():
        text, place, starts = document.text, 0, []
        for section in document.sections:
            place = text.index(
                section.text, text.index(f"## {section.name}", place) if section.name else place
            )
            starts.append(place)
            place += len(section.text)
        at = (0, 0)  # the section, and how much of it earlier passages have
        for passage in corpus.passages_of(document):
            start, end, at = _find(document, starts, passage.text, at)
            found[passage.id] = Place(document.id, start, end)
    return found


def _find(
    document: corpus.Document, starts: Sequence[int], wanted: str, at: tuple[int, int]
) -> tuple[int, int, tuple[int, int]]:
    """(start, end, where the next passage may begin): a passage is a part of one section, or several whole ones."""
    for number in range(at[0], len(document.sections)):
        section = document.sections[number]
        used = at[1] if number == at[0] else 0
        inside = section.text.find(wanted, used)
        if inside >= 0:
            start = starts[number] + inside
            return start, start + len(wanted), (number, inside + len(wanted))
        rest, last = wanted, number
        while rest and last < len(document.sections):
            held = document.sections[last]
            told = next((t for t in (f"{held.name}: {held.text}", held.text) if rest.startswith(t)), None)
            if told is None:
                break
            rest, last = rest[len(told) :].removeprefix("\n"), last + 1
        if not rest and last > number:
            end = starts[last - 1] + len(document.sections[last - 1].text)
            return starts[number], end, (last, 0)
    raise CourseError(f"A passage of {document.id} does not stand in it: {wanted[:60]!r}")


def covered(place: Place, chunks: Sequence[Place]) -> float:
    """The share of a place's characters that lie in at least one of the chunks, from 0 to 1."""
    inside = sorted(
        (max(chunk.start, place.start), min(chunk.end, place.end))
        for chunk in chunks
        if chunk.document == place.document and chunk.start < place.end and chunk.end > place.start
    )
    total, reached = 0, place.start
    for start, end in inside:
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total / (place.end - place.start)


def within(ranked: Sequence[int], sizes: Sequence[int], budget: int) -> list[int]:
    """The first chunks of a ranking that fit a budget of tokens together; the first that does not ends it."""
    taken, left = [], budget
    for row in ranked:
        if sizes[row] > left:
            break
        taken.append(row)
        left -= sizes[row]
    return taken


def answered(
    ranked: Sequence[Place], grades: Mapping[str, int], *, least: int = 2, enough: float = ENOUGH
) -> float:
    """The share of a question's answering passages of which enough stands in these chunks."""
    wanted = [passage for passage, grade in grades.items() if grade >= least]
    where = places()
    return sum(covered(where[passage], ranked) >= enough for passage in wanted) / len(wanted)
