"""The hostile documents are marked as such, aim at questions that exist, and carry words that stand nowhere else."""

from __future__ import annotations

from servelab.retrieval import asking, corpus
from servelab.retrieval.hostile import DOCUMENTS


def test_each_is_marked_and_aims_at_a_question_of_the_development_set() -> None:
    asked = {question.text for question in asking.load() if question.relevant}
    for document in DOCUMENTS:
        assert document.id.startswith("hostile/")
        assert document.question in asked
    assert len({document.id for document in DOCUMENTS}) == len({document.question for document in DOCUMENTS})


def test_canaries_stand_nowhere_else() -> None:
    everything = "\n".join(passage.indexed for passage in corpus.load())
    for document in DOCUMENTS:
        assert document.canary in document.text
        assert document.canary not in everything + document.question
        assert sum(document.canary in other.text for other in DOCUMENTS) == 1


def test_they_are_no_part_of_the_corpus() -> None:
    assert not any(passage.id.startswith("hostile/") for passage in corpus.load())
