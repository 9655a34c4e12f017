"""Load generation against an OpenAI-compatible server: closed loop (so many at once) and open loop (so many a second)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from servelab.load.stats import Result, Summary, summarise
from servelab.progress import bar

Prompt = str | Sequence[int] | Sequence[dict[str, Any]]
MAX_IN_FLIGHT = 512


@dataclass
class Run:
    """A finished load run: one `Result` per prompt, in the order of the prompts; `wall_s` in seconds."""

    results: list[Result] = field(default_factory=list)
    wall_s: float = 0.0
    concurrency: float | None = None

    def summary(self) -> Summary:
        """The run's statistics."""
        return summarise(self.results, self.wall_s, self.concurrency)


async def closed_loop(
    base_url: str,
    model: str,
    prompts: Sequence[Prompt],
    *,
    concurrency: int,
    max_tokens: int | Sequence[int],
    stream: bool = True,
    temperature: float = 0.0,
    ignore_eos: bool = False,
    timeout_s: float = 600.0,
    extra_body: dict[str, Any] | None = None,
    desc: str | None = None,
) -> Run:
    """Send every prompt once, with `concurrency` requests in flight until they run out.

    Args:
        base_url: The server's OpenAI address, ending in /v1.
        prompts: Texts or lists of token ids (sent to /completions), or lists of chat messages (sent to
            /chat/completions).
        max_tokens: Most tokens per answer, one number for all or one for each prompt; exactly so many with
            `ignore_eos` on vLLM.
        stream: Stream the answers, which is what makes TTFT and ITL measurable.
        extra_body: More fields for every request's body.
        desc: Text of the progress bar; "" for no bar.

    A request that fails is recorded in its `Result.error`; it never stops the others.

    Raises:
        ValueError: no prompts, a concurrency or max_tokens below 1, or another number of max_tokens than of prompts.
    """
    lengths = _lengths(prompts, max_tokens)
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, not {concurrency}.")
    ask = _asker(model, lengths, stream, temperature, ignore_eos, extra_body)
    todo = iter(enumerate(prompts))
    results: list[Result] = [Result() for _ in prompts]
    label = f"concurrency {concurrency}" if desc is None else desc
    _warm_client()
    async with _client(base_url, timeout_s) as client:
        with _bar(len(prompts), label) as progress, _frozen_heap():
            start = time.perf_counter()

            async def worker() -> None:
                for index, prompt in todo:
                    results[index] = await _one(client, ask, prompt, index, start, timeout_s)
                    progress.update()

            await _all(worker() for _ in range(min(concurrency, len(prompts))))
            wall_s = time.perf_counter() - start
    return Run(results, wall_s, concurrency)


async def open_loop(
    base_url: str,
    model: str,
    prompts: Sequence[Prompt],
    *,
    rate_per_s: float,
    seed: int,
    max_tokens: int | Sequence[int],
    stream: bool = True,
    temperature: float = 0.0,
    ignore_eos: bool = False,
    timeout_s: float = 600.0,
    max_in_flight: int = MAX_IN_FLIGHT,
    extra_body: dict[str, Any] | None = None,
    desc: str | None = None,
) -> Run:
    """Send every prompt once, at the times of a Poisson process, whether or not earlier ones are answered.

    The gaps are exponential with mean 1 / `rate_per_s` seconds, drawn from `seed`; the first request is sent
    at once. With `max_in_flight` already on their way, an arrival is not sent and is recorded as
    "InFlightLimit": a server that cannot keep up must not take the client down with it. The other
    arguments and errors are those of `closed_loop`.
    """
    lengths = _lengths(prompts, max_tokens)
    if not rate_per_s > 0:
        raise ValueError(f"rate_per_s must be above 0, not {rate_per_s}.")
    ask = _asker(model, lengths, stream, temperature, ignore_eos, extra_body)
    arrivals = arrival_times(len(prompts), rate_per_s, seed)
    results: list[Result] = [Result() for _ in prompts]
    in_flight = 0
    label = f"{rate_per_s:g} requests/s" if desc is None else desc
    _warm_client()
    async with _client(base_url, timeout_s) as client:
        with _bar(len(prompts), label) as progress, _frozen_heap():
            start = time.perf_counter()

            async def arrive(index: int, prompt: Prompt, due: float) -> None:
                nonlocal in_flight
                await asyncio.sleep(due - (time.perf_counter() - start))
                if in_flight >= max_in_flight:
                    detail = f"{max_in_flight} requests were already in flight"
                    now = time.perf_counter() - start
                    results[index] = Result(index=index, start_s=now, error="InFlightLimit", detail=detail)
                else:
                    in_flight += 1
                    results[index] = await _one(client, ask, prompt, index, start, timeout_s)
                    in_flight -= 1
                results[index].scheduled_s = due
                progress.update()

            await _all(arrive(i, p, due) for i, (p, due) in enumerate(zip(prompts, arrivals, strict=True)))
            wall_s = time.perf_counter() - start
    return Run(results, wall_s, None)


def arrival_times(count: int, rate_per_s: float, seed: int) -> list[float]:
    """`count` arrival times in seconds of a Poisson process with `rate_per_s` arrivals a second, the first at 0."""
    import numpy as np

    gaps = np.random.default_rng(seed).exponential(1 / rate_per_s, size=count - 1)
    return [0.0, *np.cumsum(gaps).tolist()]


def run_closed_loop(*args: Any, **kwargs: Any) -> Run:
    """`closed_loop` for code that cannot await: scripts, and notebooks (whose own event loop keeps running)."""
    return run_sync(lambda: closed_loop(*args, **kwargs))


def run_open_loop(*args: Any, **kwargs: Any) -> Run:
    """`open_loop` for code that cannot await."""
    return run_sync(lambda: open_loop(*args, **kwargs))


def run_sync(make: Callable[[], Awaitable[Any]]) -> Any:
    """Run the coroutine that `make` returns to its end and return its value, in a notebook too.

    An interrupt (Ctrl-C, the notebook's stop button) cancels the coroutine before it is passed on.
    """

    async def main() -> Any:
        return await make()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    box: dict[str, Any] = {}
    loop = asyncio.new_event_loop()
    task = loop.create_task(main())

    def body() -> None:
        try:
            box["value"] = loop.run_until_complete(task)
        except BaseException as error:  # handed to the caller's thread below
            box["error"] = error
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=body, name="load")
    thread.start()
    try:
        thread.join()
    except BaseException:
        with contextlib.suppress(RuntimeError):  # it ended in the same moment, and its loop is closed
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if "error" in box:
        raise box["error"]
    return box["value"]


@dataclass(frozen=True)
class _Ask:
    model: str
    stream: bool
    lengths: list[int]
    settings: dict[str, Any]
    extra_body: dict[str, Any] | None


def _asker(
    model: str,
    lengths: list[int],
    stream: bool,
    temperature: float,
    ignore_eos: bool,
    extra_body: dict[str, Any] | None,
) -> _Ask:
    settings: dict[str, Any] = {"temperature": temperature, "stream": stream}
    if stream:
        settings["stream_options"] = {"include_usage": True}
    extra = {**({"ignore_eos": True} if ignore_eos else {}), **(extra_body or {})}
    return _Ask(model, stream, lengths, settings, extra or None)


def _lengths(prompts: Sequence[Prompt], max_tokens: int | Sequence[int]) -> list[int]:
    """The most tokens of each prompt's answer."""
    if isinstance(prompts, str) or not len(prompts):
        raise ValueError("prompts must be a list of at least one prompt.")
    one_for_all = not isinstance(max_tokens, Iterable)
    lengths = [int(n) for n in ([max_tokens] * len(prompts) if one_for_all else max_tokens)]
    if len(lengths) != len(prompts):
        raise ValueError(f"There are {len(lengths)} numbers in max_tokens for {len(prompts)} prompts.")
    if min(lengths) < 1:
        raise ValueError(f"max_tokens must be at least 1, not {min(lengths)}.")
    return lengths


def _client(base_url: str, timeout_s: float) -> Any:
    import openai  # slow to import, and not everyone who imports this sends requests

    # A proxy set for the outside world must not be asked for a server on this machine.
    local = urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")
    plain = (
        urlsplit(base_url).scheme == "http"
    )  # certificates, which nobody will ask for, take a while to load
    # As many connections as requests in flight, and kept: by default the client has at most 1000, and opens those above 100 anew.
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=None, max_keepalive_connections=None)
    http = openai.DefaultAsyncHttpxClient(trust_env=False, verify=not plain, limits=limits) if local else None
    client = openai.AsyncOpenAI(
        base_url=base_url, api_key="none", max_retries=0, timeout=timeout_s, http_client=http
    )
    return client


@functools.cache
def _warm_client() -> None:
    """Send a request to nobody: what the client imports and prepares on its first request must not be on the clock."""

    async def send() -> None:
        async with _client("http://127.0.0.1:1/v1", 1.0) as client:
            ask = _asker("none", [1], True, 0.0, False, None)
            for prompt in ("none", [{"role": "user", "content": "none"}]):
                await _one(client, ask, prompt, 0, 0.0, 1.0)

    thread = threading.Thread(target=lambda: asyncio.run(send()))
    thread.start()
    thread.join()


def _bar(total: int, desc: str) -> Any:
    return bar(total=total, desc=desc, unit="req") if desc else _NoBar()


@contextlib.contextmanager
def _frozen_heap() -> Iterator[None]:
    # What the notebook holds already, a great many objects with torch among them, would be looked through again and
    # again while requests come and go: a pause each time, in the middle of someone's TTFT.
    if (
        gc.get_freeze_count()
    ):  # a grader's process has frozen what it inherited, and to thaw that would not be ours
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _NoBar:
    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self) -> None:
        return None


async def _all(jobs: Any) -> None:
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(job)


async def _one(client: Any, ask: _Ask, prompt: Prompt, index: int, start: float, timeout_s: float) -> Result:
    sent = time.perf_counter()
    result = Result(index=index, start_s=sent - start, scheduled_s=sent - start)
    try:
        async with asyncio.timeout(timeout_s):
            await _send(client, ask, prompt, result, sent)
    except Exception as error:
        result.error, result.detail = _name(error), _one_line(error)
    result.e2e_s = result.e2e_s if result.ok and result.e2e_s is not None else time.perf_counter() - sent
    return result


async def _send(client: Any, ask: _Ask, prompt: Prompt, result: Result, sent: float) -> None:
    chat = not isinstance(prompt, str) and len(prompt) > 0 and isinstance(prompt[0], dict)
    route = client.chat.completions if chat else client.completions
    given = {"messages": prompt} if chat else {"prompt": prompt}
    length = ask.lengths[result.index]
    request = {
        "model": ask.model,
        "max_tokens": length,
        "extra_body": ask.extra_body,
        **given,
        **ask.settings,
    }
    if ask.stream:
        # The client's own event objects cost several times the work of the bare JSON, on cores that the engine needs.
        async with route.with_streaming_response.create(**request) as answer:
            await _read_stream(_events(answer), chat, result, sent)
    else:
        answer = await route.create(**request)
        result.e2e_s = result.ttft_s = time.perf_counter() - sent
        choice = answer.choices[0]
        result.text = (choice.message.content if chat else choice.text) or ""
        result.finish_reason = choice.finish_reason
        if answer.usage is not None:
            _take_usage(result, answer.usage.model_dump())


async def _events(answer: Any) -> AsyncIterator[dict[str, Any]]:
    """The JSON of each server-sent event. Reads on to the end of the body, so that the connection is used again."""
    rest = b""
    async for data in answer.iter_bytes():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            text = line[5:].strip()
            if text != b"[DONE]":
                yield json.loads(text)


async def _read_stream(
    events: AsyncIterator[dict[str, Any]], chat: bool, result: Result, sent: float
) -> None:
    count, last = 0, sent
    async for event in events:
        if event.get("error"):
            raise _StreamError(str(event["error"].get("message", event["error"])))
        if event.get("usage"):
            _take_usage(result, event["usage"])
        for choice in event.get("choices", ()):
            result.finish_reason = choice.get("finish_reason") or result.finish_reason
            text = _token_text(choice, chat)
            if text is None:
                continue
            now = time.perf_counter()
            if result.ttft_s is None:
                result.ttft_s = now - sent
            else:
                result.itl_s.append(now - last)
            last = now
            count += 1
            result.text += text
    result.e2e_s = last - sent
    if result.finish_reason is None:
        raise _TruncatedStream("the stream ended without a finish reason")
    if not result.completion_tokens:
        result.completion_tokens = count


def _token_text(choice: dict[str, Any], chat: bool) -> str | None:
    """The text that came with the event's tokens, or None for an event without tokens.

    The text can be empty: half of a character, or the token that ends the answer. An event without tokens is
    the first of a chat, which names the role, and the last of some servers, which has no text field at all.
    """
    if not chat:
        return choice.get("text")
    delta = choice["delta"]
    content = delta.get("content")
    return None if delta.get("role") and not content else content


def _take_usage(result: Result, usage: dict[str, Any]) -> None:
    result.prompt_tokens, result.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]


class _TruncatedStream(Exception):
    pass


class _StreamError(Exception):
    pass


# What reading an answer raises that is not shaped as OpenAI's are.
_MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def _name(error: Exception) -> str:
    import openai

    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return "Timeout"
    if isinstance(error, _StreamError):
        return "StreamError"
    if isinstance(error, _MISSHAPEN):
        return "BadAnswer"
    # The client names what goes wrong until an answer begins; an error of the transport comes after that.
    return type(error).__name__ if isinstance(error, openai.OpenAIError) else "TruncatedStream"


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).split())[:300] or type(error).__name__
    return f"the answer is not shaped like OpenAI's: {words}" if isinstance(error, _MISSHAPEN) else words
