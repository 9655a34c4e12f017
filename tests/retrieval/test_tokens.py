"""Tokens are counted as the embedder counts them, and stand where they are said to."""

from __future__ import annotations

import itertools

from servelab.retrieval import corpus, embed
from servelab.retrieval.tokens import count_tokens, token_spans


def test_counts_are_the_embedders() -> None:
    texts = [passage.indexed for passage in corpus.load()[::90]]
    texts += ["", "naïve 日本語", "x" * 300, "word " * 700]
    assert [count_tokens(text) for text in texts] == embed.count_tokens(texts)


def test_spans_are_in_order_and_hold_the_words() -> None:
    text = "Drain the node.\n\n## Then\n\nunbelievably"
    spans = token_spans(text)
    assert [text[start:end] for start, end in spans][:4] == ["Drain", "the", "node", "."]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    left = list(text)
    for start, end in spans:
        left[start:end] = " " * (end - start)
    assert not "".join(left).strip()
    assert token_spans("") == []
