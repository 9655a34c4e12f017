"""The tickets: right answers, nothing shared between the sets, the same for everyone."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import hidden_tickets
import pytest
from servelab.errors import CourseError
from servelab.lora import tickets

SETS = {"train": tickets.train(), "dev": tickets.dev(), "hidden": hidden_tickets.hidden()}
WORDS = {"train": tickets.TRAIN, "dev": tickets.DEV, "hidden": hidden_tickets.HIDDEN}


@pytest.mark.parametrize(("name", "least"), [("train", 300), ("dev", 60), ("hidden", 100)])
def test_a_set_is_large_mixed_and_without_doubles(name: str, least: int) -> None:
    examples = SETS[name]
    assert len(examples) >= least
    assert len({e.ticket for e in examples}) == len(examples)
    count = Counter((e.wanted["category"], e.wanted["urgency"]) for e in examples)
    assert len(count) == 8 and max(count.values()) - min(count.values()) <= 1


@pytest.mark.parametrize("name", SETS)
def test_an_answer_is_strict_json_about_its_ticket(name: str) -> None:
    for example in SETS[name]:
        told = json.loads(example.answer)
        assert tuple(told) == tickets.FIELDS
        assert told["product"] in example.ticket
        assert told["category"] in tickets.CATEGORIES and told["urgency"] in tickets.URGENCIES
        assert json.dumps(told) == example.answer


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(WORDS, 2)))
def test_two_sets_share_no_product_and_no_sentence(one: str, other: str) -> None:
    a, b = WORDS[one], WORDS[other]
    assert not set(a.products) & set(b.products)
    for theirs, ours in ((a.problems, b.problems), (a.hurry, b.hurry)):
        mine, yours = (
            {sentence.lower() for sentences in each.values() for sentence in sentences}
            for each in (theirs, ours)
        )
        assert not mine & yours


def test_no_product_is_part_of_another_sentence() -> None:
    # Otherwise a ticket could name two products.
    for words in WORDS.values():
        sentences = " ".join(s for each in words.problems.values() for s in each).lower()
        assert not [product for product in words.products if f" {product} " in sentences]


def test_the_same_tickets_every_time() -> None:
    assert tickets.train() == list(tickets._train.__wrapped__())
    assert tickets.train()[0] != tickets.make(tickets.TRAIN, 400, seed=9)[0]


def test_packing_and_back() -> None:
    assert tickets.unpack(tickets.pack(SETS["hidden"], ["A text."])) == (SETS["hidden"], ["A text."])
    for text in ("", "no tickets", "0" * 40):
        with pytest.raises(CourseError, match="no packed tickets"):
            tickets.unpack(text)


def test_the_prompt_is_what_the_chat_template_writes() -> None:
    from servelab.engine import artefacts
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(artefacts.model_path("cpu"))
    for example in (*SETS["dev"][:3], *tickets.labels()[:3]):
        written = tokenizer.apply_chat_template(
            tickets.messages(example.ticket, example.system), tokenize=False, add_generation_prompt=True
        )
        assert written == example.prompt
    assert tokenizer.eos_token == tickets.END
