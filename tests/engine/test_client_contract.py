"""What every client may rely on, of the scripted engine and of real vLLM alike."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families
from servelab.engine.scripted import ScriptedEngine
from servelab.load import run_closed_loop

PROMPT = "Once upon a time there was a small engine that"
MESSAGES = [{"role": "user", "content": "Name three rivers in Europe."}]


@dataclass
class Served:
    url: str
    base_url: str
    model: str

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.base_url, api_key="none", max_retries=0, timeout=120)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.base_url}/{path}", json={"model": self.model, **body}, timeout=120)

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        text = httpx.get(f"{self.url}/metrics", timeout=30).text
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, name: str, **labels: str) -> float:
        found = [
            value
            for (sample, pairs), value in self.samples().items()
            if sample == name and labels.items() <= dict(pairs).items()
        ]
        assert found, f"no {name} in /metrics"
        return sum(found)


@pytest.fixture(scope="module", params=["scripted", pytest.param("real", marks=pytest.mark.engine)])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    if request.param == "real":
        engine = request.getfixturevalue("real_engine")
        yield Served(engine.url, engine.base_url, engine.model)
    else:
        with ScriptedEngine(ttft_s=0.02, itl_s=0.005, slots=8) as engine:
            yield Served(engine.url, engine.base_url, engine.model)


def events(response: httpx.Response) -> list[str]:
    """The data of each server-sent event, in order."""
    blocks = response.text.strip().split("\n\n")
    assert all(block.startswith("data: ") for block in blocks)
    return [block.removeprefix("data: ") for block in blocks]


def test_health_and_models(served: Served) -> None:
    assert httpx.get(f"{served.url}/health", timeout=30).status_code == 200
    models = served.client().models.list().data
    assert [m.id for m in models] == [served.model]
    assert models[0].owned_by == "vllm"
    assert models[0].max_model_len >= 512


def test_completion(served: Served) -> None:
    answer = served.client().completions.create(
        model=served.model, prompt=PROMPT, max_tokens=8, temperature=0, extra_body={"ignore_eos": True}
    )
    assert answer.object == "text_completion" and answer.model == served.model
    assert answer.id.startswith("cmpl-")
    (choice,) = answer.choices
    assert choice.index == 0 and choice.text and choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 8
    assert answer.usage.prompt_tokens >= len(PROMPT.split())
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 8


def test_completion_defaults_to_16_tokens(served: Served) -> None:
    answer = served.client().completions.create(
        model=served.model, prompt=PROMPT, temperature=0, extra_body={"ignore_eos": True}
    )
    assert answer.usage.completion_tokens == 16


def test_chat(served: Served) -> None:
    answer = served.client().chat.completions.create(
        model=served.model, messages=MESSAGES, max_tokens=8, temperature=0
    )
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    (choice,) = answer.choices
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 8


def test_streamed_text_is_the_whole_text(served: Served) -> None:
    client = served.client()
    settings = {"model": served.model, "prompt": PROMPT, "max_tokens": 12, "temperature": 0}
    whole = client.completions.create(**settings).choices[0].text
    assert whole == client.completions.create(**settings).choices[0].text
    assert "".join(e.choices[0].text for e in client.completions.create(**settings, stream=True)) == whole


def test_streamed_chat_is_the_whole_chat(served: Served) -> None:
    client = served.client()
    settings = {"model": served.model, "messages": MESSAGES, "max_tokens": 12, "temperature": 0}
    whole = client.chat.completions.create(**settings).choices[0].message.content
    parts = list(client.chat.completions.create(**settings, stream=True))
    assert "".join(e.choices[0].delta.content or "" for e in parts) == whole
    assert [e.choices[0].finish_reason for e in parts[:-1]] == [None] * (len(parts) - 1)
    assert parts[-1].choices[0].finish_reason == "length"


def test_first_chat_event_carries_only_the_role(served: Served) -> None:
    stream = served.client().chat.completions.create(
        model=served.model, messages=MESSAGES, max_tokens=4, stream=True
    )
    first, *rest = list(stream)
    assert first.choices[0].delta.role == "assistant"
    assert first.choices[0].delta.content == ""
    assert rest and all(e.choices[0].delta.role is None for e in rest)


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_stream_on_the_wire(served: Served, path: str) -> None:
    given = {"prompt": PROMPT} if path == "completions" else {"messages": MESSAGES}
    response = served.post(path, **given, max_tokens=5, stream=True, ignore_eos=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, last = events(response)
    assert last == "[DONE]"
    bodies = [json.loads(c) for c in chunks]
    assert len({b["id"] for b in bodies}) == 1
    assert all(b["choices"] and not b.get("usage") for b in bodies)


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_usage_comes_in_an_event_of_its_own(served: Served, path: str) -> None:
    given = {"prompt": PROMPT} if path == "completions" else {"messages": MESSAGES}
    options = {"include_usage": True}
    response = served.post(path, **given, max_tokens=5, stream=True, stream_options=options, ignore_eos=True)
    *chunks, usage, done = events(response)
    assert done == "[DONE]"
    assert all(not json.loads(c).get("usage") for c in chunks)
    final = json.loads(usage)
    assert final["choices"] == []
    assert final["usage"]["completion_tokens"] == 5
    assert final["usage"]["total_tokens"] == final["usage"]["prompt_tokens"] + 5


def test_usage_on_every_event_when_asked(served: Served) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    response = served.post(
        "completions", prompt=PROMPT, max_tokens=5, stream=True, stream_options=options, ignore_eos=True
    )
    *chunks, _, _ = events(response)
    counts = [json.loads(c)["usage"]["completion_tokens"] for c in chunks]
    assert counts == sorted(counts) and counts[-1] == 5


def test_token_ids_as_prompt(served: Served) -> None:
    response = served.post("completions", prompt=[5, 6, 7, 8], max_tokens=2)
    assert response.status_code == 200
    assert response.json()["usage"]["prompt_tokens"] == 4


def test_max_completion_tokens_in_chat(served: Served) -> None:
    response = served.post("chat/completions", messages=MESSAGES, max_completion_tokens=3, ignore_eos=True)
    assert response.json()["usage"]["completion_tokens"] == 3


def test_unknown_fields_are_ignored(served: Served) -> None:
    assert served.post("completions", prompt=PROMPT, max_tokens=1, no_such_field=1).status_code == 200


REFUSED = {
    "prompt missing": ("completions", {}, 400, "prompt"),
    "prompt empty": ("completions", {"prompt": ""}, 400, "prompt"),
    "prompt no text": ("completions", {"prompt": {"a": 1}}, 400, None),
    "messages missing": ("chat/completions", {}, 400, None),
    "message without role": ("chat/completions", {"messages": [{"content": "hi"}]}, 400, None),
    "messages no list": ("chat/completions", {"messages": "hi"}, 400, None),
    "max_tokens 0": ("completions", {"prompt": PROMPT, "max_tokens": 0}, 400, "max_tokens"),
    "max_tokens -1": ("completions", {"prompt": PROMPT, "max_tokens": -1}, 400, "max_tokens"),
    "chat max_tokens 0": ("chat/completions", {"messages": MESSAGES, "max_tokens": 0}, 400, "max_tokens"),
    "max_tokens no number": ("completions", {"prompt": PROMPT, "max_tokens": "many"}, 400, None),
    "max_tokens beyond context": ("completions", {"prompt": PROMPT, "max_tokens": 10**6}, 400, "max_tokens"),
    "prompt beyond context": ("completions", {"prompt": "river " * 5000}, 400, None),
    "min above max": ("completions", {"prompt": PROMPT, "max_tokens": 2, "min_tokens": 3}, 400, None),
    "temperature": ("completions", {"prompt": PROMPT, "temperature": -1}, 400, "temperature"),
    "usage without stream": (
        "completions",
        {"prompt": PROMPT, "stream_options": {"include_usage": True}},
        400,
        "stream_options",
    ),
    "unknown model": ("completions", {"prompt": PROMPT, "model": "gpt-0"}, 404, "model"),
    "unknown chat model": ("chat/completions", {"messages": MESSAGES, "model": "gpt-0"}, 404, "model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(served: Served, case: str) -> None:
    path, body, status, param = REFUSED[case]
    response = served.post(path, **body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert error["code"] == status
    assert isinstance(error["message"], str) and error["message"]
    if param is not None:
        assert error["param"] == param
    if status == 404:
        assert error["type"] == "NotFoundError"


def test_broken_json(served: Served) -> None:
    response = httpx.post(
        f"{served.base_url}/completions", content=b"{", headers={"content-type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == 400


def test_wrong_method_and_path(served: Served) -> None:
    assert httpx.get(f"{served.base_url}/completions").status_code == 405
    assert httpx.get(f"{served.base_url}/nothing").status_code == 404


def test_openai_names_the_errors(served: Served) -> None:
    client = served.client()
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="gpt-0", prompt=PROMPT)
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model=served.model, prompt=PROMPT, max_tokens=0)


def test_metrics_count_what_was_served(served: Served) -> None:
    names = (
        "vllm:generation_tokens_total",
        "vllm:prompt_tokens_total",
        "vllm:e2e_request_latency_seconds_count",
    )
    before = {name: served.total(name) for name in names}
    done = served.total("vllm:request_success_total", finished_reason="length")
    usage = served.post("completions", prompt=PROMPT, max_tokens=6, ignore_eos=True).json()["usage"]
    time.sleep(0.5)
    after = {name: served.total(name) for name in names}
    assert [after[n] - before[n] for n in names] == [6, usage["prompt_tokens"], 1]
    assert served.total("vllm:request_success_total", finished_reason="length") == done + 1


def test_a_client_that_leaves_frees_its_place(served: Served) -> None:
    body = {"model": served.model, "prompt": PROMPT, "max_tokens": 1500, "stream": True, "ignore_eos": True}
    with httpx.stream("POST", f"{served.base_url}/completions", json=body, timeout=60) as response:
        lines = response.iter_lines()  # kept: when it is collected, the connection closes
        next(lines)
        assert wait_for(lambda: served.total("vllm:num_requests_running") == 1)
    assert wait_for(lambda: served.total("vllm:num_requests_running") == 0)


def test_many_at_once(served: Served) -> None:
    prompts = [f"{PROMPT} number {i}" for i in range(8)]
    seen: list[float] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append(served.total("vllm:num_requests_running"))
            time.sleep(0.02)

    watcher = threading.Thread(target=look)
    watcher.start()
    run = run_closed_loop(
        served.base_url, served.model, prompts, concurrency=8, max_tokens=48, ignore_eos=True, desc=""
    )
    stop.set()
    watcher.join()
    summary = run.summary()
    assert summary.errors == 0 and summary.completion_tokens == 8 * 48
    assert max(seen) == 8
    assert all(r.ttft_s <= r.e2e_s and r.finish_reason == "length" for r in run.results)


def wait_for(condition: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.engine
def test_metric_families_are_those_of_vllm(real_engine: Any) -> None:
    """Every family of the scripted engine exists in vLLM, with the same type, labels and buckets."""

    def families(url: str) -> dict[str, tuple[str, set[str], set[str]]]:
        text = httpx.get(f"{url}/metrics", timeout=30).text
        return {
            family.name: (
                family.type,
                {label for s in family.samples for label in s.labels},
                {s.labels["le"] for s in family.samples if "le" in s.labels},
            )
            for family in text_string_to_metric_families(text)
            if family.name.startswith("vllm:")
        }

    context = real_engine.client().models.list().data[0].max_model_len
    with ScriptedEngine(max_model_len=context) as engine:
        ours = families(engine.url)
    theirs = families(real_engine.url)
    assert ours
    for name, (kind, labels, buckets) in ours.items():
        assert name in theirs, f"vLLM has no {name}"
        assert (kind, buckets) == (theirs[name][0], theirs[name][2]), name
        # vLLM's cache configuration has more fields than there is anything to say about here.
        assert labels <= theirs[name][1] if name == "vllm:cache_config_info" else labels == theirs[name][1], (
            name
        )
