"""Lab 10's reference gateway, taken for OpenAI's API: by its own client, and by a fuzzer on its OpenAPI document."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import openai
import pytest
import schemathesis
from gateway_kit import app
from schemathesis.generation import GenerationMode
from servelab.checks import served
from servelab.engine.scripted import Fault, ScriptedEngine

HELLO = [{"role": "user", "content": "Where is the lighthouse?"}]
SEED = 10_2026
EXAMPLES = 40


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    with ScriptedEngine(model="small", ttft_s=0, itl_s=0) as running:
        yield running


@pytest.fixture
def url(engine: ScriptedEngine) -> Iterator[str]:
    with served(app({"one": engine})) as address:
        yield address


def client(url: str, key: str = "key-shop", **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, **{"max_retries": 0, **options})


def test_chats_with_the_unmodified_client(url: str, engine: ScriptedEngine) -> None:
    with client(url) as one:
        assert [model.id for model in one.models.list()] == ["auto", "small"]
        told = one.chat.completions.create(model="auto", messages=HELLO, max_completion_tokens=5)
        assert len(told.choices[0].message.content.split()) == 5 and told.model == "small"
        assert told.usage.completion_tokens == 5
        raw = one.chat.completions.with_raw_response.create(model="auto", messages=HELLO, max_tokens=2)
        assert raw.headers["x-served-by"] == "one"
        stream = one.chat.completions.create(
            model="auto", messages=HELLO, max_tokens=5, stream=True, stream_options={"include_usage": True}
        )
        parts = list(stream)
    text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert text == told.choices[0].message.content and parts[-1].usage.completion_tokens == 5


async def test_many_at_once_with_the_async_client(url: str, engine: ScriptedEngine) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="key-bank", max_retries=0) as one:

        async def ask(number: int) -> str:
            messages = [{"role": "user", "content": f"number {number}"}]
            if number % 2:
                told = await one.chat.completions.create(model="auto", messages=messages, max_tokens=4)
                return told.choices[0].message.content
            stream = await one.chat.completions.create(
                model="auto", messages=messages, max_tokens=4, stream=True
            )
            return "".join([part.choices[0].delta.content or "" async for part in stream])

        answers = await asyncio.gather(*(ask(number) for number in range(24)))
    assert all(len(answer.split()) == 4 for answer in answers) and len(set(answers)) == 24
    assert len(engine.requests) == 24


def test_tools_and_unknown_fields_reach_the_back_end(url: str, engine: ScriptedEngine) -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    talk = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "north"},
    ]  # fmt: skip
    with client(url) as one:
        one.chat.completions.create(
            model="auto", messages=talk, tools=tools, seed=3, extra_body={"top_k": 5}, max_tokens=2
        )
    seen = engine.requests[0]["body"]
    assert seen["tools"] == tools and seen["messages"] == talk and (seen["seed"], seen["top_k"]) == (3, 5)


@pytest.mark.parametrize(
    ("key", "request_", "kind"),
    [
        ("nobody", {}, openai.AuthenticationError),
        ("key-shop", {"model": "gpt-none"}, openai.NotFoundError),
        ("key-shop", {"n": 2}, openai.BadRequestError),
        ("key-shop", {"max_tokens": 10**6}, openai.BadRequestError),
        ("key-shop", {"messages": []}, openai.BadRequestError),
    ],
)
def test_errors_are_the_clients_own_exceptions(
    url: str, engine: ScriptedEngine, key: str, request_: dict[str, Any], kind: type[Exception]
) -> None:
    with client(url, key) as one, pytest.raises(kind) as raised:
        one.chat.completions.create(**{"model": "auto", "messages": HELLO, **request_})
    assert raised.value.body["message"] and not engine.requests
    if kind is openai.BadRequestError:
        assert raised.value.param in request_


def test_too_many_and_nobody_there_are_its_exceptions_too() -> None:
    poor = {"key-shop": {"tenant": "shop", "priority": 0, "tokens_per_s": 0.1, "burst": 10}}
    with (
        ScriptedEngine(ttft_s=0) as engine,
        served(app({"one": engine}, clients=poor)) as url,
        client(url) as one,
    ):
        one.chat.completions.create(model="auto", messages=HELLO, max_tokens=6)
        with pytest.raises(openai.RateLimitError) as raised:
            one.chat.completions.create(model="auto", messages=HELLO, max_tokens=6)
    assert int(raised.value.response.headers["retry-after"]) >= 1
    with (
        ScriptedEngine(faults=[Fault("500", every=1)]) as engine,
        served(app({"one": engine})) as url,
        client(url) as one,
        pytest.raises(openai.InternalServerError) as raised,
    ):
        one.chat.completions.create(model="auto", messages=HELLO, max_tokens=6)
    assert raised.value.status_code == 503


def test_the_clients_own_retries_find_a_back_end_that_comes_back() -> None:
    faults = [Fault("500", at=0), Fault("429", at=1)]
    with ScriptedEngine(ttft_s=0, faults=faults) as engine, served(app({"one": engine})) as url:
        with client(url, max_retries=3) as one:
            told = one.chat.completions.create(model="auto", messages=HELLO, max_tokens=3)
        assert told.usage.completion_tokens == 3 and len(engine.requests) == 3


def test_a_cut_stream_is_an_error_for_the_client() -> None:
    with (
        ScriptedEngine(ttft_s=0, faults=[Fault("cut", at=0, after_tokens=3)]) as engine,
        served(app({"one": engine})) as url,
        client(url) as one,
    ):
        got = []
        with pytest.raises(openai.APIConnectionError):
            for part in one.chat.completions.create(model="auto", messages=HELLO, max_tokens=9, stream=True):
                got.append(part.choices[0].delta.content)
        assert len([text for text in got if text]) == 3
        assert engine.requests[0]["fault"] == "cut" and len(engine.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_a_fuzzer_finds_nothing(url: str, mode: GenerationMode, figures: dict[str, Any]) -> None:
    """Requests drawn from the OpenAPI document, and ones that break it: no 5xx, no status or body that it does not name."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} == {
        "/v1/models",
        "/v1/chat/completions",
        "/metrics",
    }
    statuses: Counter[tuple[str, int]] = Counter()
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.path != "/v1/chat/completions":
            continue  # nothing of them can be broken

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            answer = case.call(headers={"authorization": "Bearer key-shop"}, timeout=10)
            case.validate_response(answer)
            statuses[case.path, answer.status_code] += 1

        ask()
    chats = {status for path, status in statuses if path == "/v1/chat/completions"}
    assert chats <= ({200, 404} if mode is GenerationMode.POSITIVE else {200, 400, 404})
    assert sum(statuses.values()) >= EXAMPLES
    figures[f"gateway under schemathesis, {mode.value}"] = dict(
        sorted((f"{path} {status}", count) for (path, status), count in statuses.items())
    )
