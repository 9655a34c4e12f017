"""What a gateway reads and writes: texts, tokens, vectors, answers as bytes and back, refusals."""

from __future__ import annotations

import json
import math

import pytest
from servelab import gateway
from servelab.engine.scripted import ScriptedEngine
from servelab.gateway import wire

STREAM = (
    b'data: {"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    b': a comment\n\ndata: {"model":"m","choices":[{"index":0,"delta":{"content":"Caf\xc3\xa9"},"finish_reason":null}]}\r\n\r\n'
    b'data: {"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
)
DONE = b"data: [DONE]\n\n"


def test_text_of_takes_texts_and_parts_and_refuses_the_rest() -> None:
    assert gateway.text_of({"role": "user", "content": "a b"}) == "a b"
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert gateway.text_of({"role": "user", "content": parts}) == "ab"
    assert gateway.text_of({"role": "assistant", "content": None}) == ""
    bad = [None, "x", {}, {"role": "user"}, {"role": 1, "content": "x"}, {"role": "user", "content": []}]
    bad += [{"role": "user", "content": [value]} for value in ("x", {"type": "image_url"}, {"type": "text"})]
    for message in bad:
        with pytest.raises(ValueError):
            gateway.text_of(message)


def test_tokens_are_words_as_the_scripted_engine_counts_them() -> None:
    messages = [{"role": "system", "content": "Be  brief."}, {"role": "user", "content": "Where is it?"}]
    assert gateway.count_tokens(messages) == 5
    with ScriptedEngine(ttft_s=0) as engine:
        import httpx

        body = {"model": engine.model, "messages": messages, "max_tokens": 1}
        told = httpx.post(f"{engine.base_url}/chat/completions", json=body).json()
    assert told["usage"]["prompt_tokens"] == 5


def test_asked_tokens_prefers_the_newer_name() -> None:
    assert gateway.asked_tokens({"max_tokens": 3, "max_completion_tokens": 2}) == 2
    assert gateway.asked_tokens({"max_tokens": 3, "max_completion_tokens": None}) == 3
    assert gateway.asked_tokens({}) is None


def test_vectors_of_words_know_words_and_not_their_order_or_case() -> None:
    one, two = (gateway.vector_of(text) for text in ("When does it open?", "open does IT when"))
    assert one == pytest.approx(two) and math.hypot(*one) == pytest.approx(1)
    assert not any(gateway.vector_of("")) and len(one) == wire.WORD_NUMBERS
    other = gateway.vector_of("When does it close?")
    assert sum(a * b for a, b in zip(one, other, strict=True)) == pytest.approx(0.75)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_parse_all_finds_the_same_whatever_the_cuts(size: int) -> None:
    raw = STREAM + DONE
    events, ending = gateway.parse_all([raw[i : i + size] for i in range(0, len(raw), size)])
    assert [json.loads(event)["model"] for after in events for event in after] == ["m"] * 4
    assert ending == "complete"
    assert gateway.parse_all([STREAM])[1] == "cut off" and gateway.parse_all([])[1] == "cut off"
    assert gateway.parse_all([b'data: {"text": "[DONE]"}\n\n'])[1] == "cut off"


def test_read_answer_says_how_far_it_came() -> None:
    told = gateway.read_answer(STREAM + DONE, True)
    assert (told["text"], told["finish_reason"], told["done"], told["error"]) == ("Café", "stop", True, False)
    assert told["usage"]["total_tokens"] == 4 and told["model"] == "m"
    cut = gateway.read_answer(STREAM[:-40], True)
    assert (cut["text"], cut["done"]) == ("Café", False)
    failed = gateway.read_answer(STREAM + b'data: {"error": {"message": "x"}}\n\n' + DONE, True)
    assert failed["error"] and failed["done"]
    assert gateway.read_answer(b'{"error": {"message": "x"}}', False)["error"]
    assert not gateway.read_answer(b'{"choices": [', False)["done"]


def test_replay_gives_the_same_answer_in_both_shapes() -> None:
    told = gateway.read_answer(STREAM + DONE, True)
    whole = gateway.replay(told, {})
    again = gateway.read_answer(whole.body, False)
    assert again == told and whole.headers["x-cache"] == "hit"
    streamed = gateway.replay(told, {"stream": True, "stream_options": {"include_usage": True}})
    assert gateway.read_answer(streamed.body, True) == told
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert gateway.read_answer(gateway.replay(told, {"stream": True}).body, True)["usage"] is None


@pytest.mark.parametrize(
    ("after", "header"), [(0.2, "1"), (2.0, "2"), (2.1, "3"), (1e9, "3600"), (None, None)]
)
def test_refused_has_openais_shape_and_whole_seconds(after: float | None, header: str | None) -> None:
    answer = gateway.Refused(429, "Slow down.", retry_after_s=after).response()
    error = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["code"] == "rate_limit_exceeded"
    assert answer.status_code == 429 and answer.headers.get("retry-after") == header
    given = gateway.error_body("x", param="model", code="c")
    assert gateway.Refused(400, given).body == given
