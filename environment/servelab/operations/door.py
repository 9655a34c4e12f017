"""A small gateway in front of engines that run: it takes turns, searches, checks answers, and writes an access log.

It is what the incidents of this room happen to, and has the few handles with which they are ended. Lab 10 builds a better one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from servelab.checks import served

Search = Callable[
    [str, str], tuple[str, bool]
]  # (index, question's id) -> (text for the prompt, whether it holds the answer)


class Door:
    """The gateway, on a free loopback port; a context manager.

    Args:
        replicas: the engines' addresses by name.
        model: the model that they serve, which answers where a request names none.
        search: finds text for a question, in the index that is current.
        formats: what an answer of an adapter must look like: a pattern by the adapter's name.

    Attributes:
        url: where clients send their requests, with a header `x-client`.
        log: a line for each request that has ended, as in a replay.
        index: the name of the index that is searched now.
        out: replicas that get nothing.
        serves: the name under which the engines have an adapter, and its revision, by the name that clients use.
    """

    def __init__(
        self,
        replicas: Mapping[str, str],
        model: str,
        *,
        search: Search | None = None,
        index: str = "docs-21",
        serves: Mapping[str, tuple[str, int]] | None = None,
        formats: Mapping[str, str] | None = None,
    ) -> None:
        self.replicas, self.model = dict(replicas), model
        self.search, self.index = search, index
        self.serves = dict(serves or {})
        self.formats = {name: re.compile(pattern) for name, pattern in (formats or {}).items()}
        self.log: list[dict[str, Any]] = []
        self.out: set[str] = set()
        self._most: dict[str, int] = {}
        self._running: dict[str, dict[str, tuple[asyncio.Task[Any], dict[str, Any]]]] = {}
        self._turn = 0
        self._count = 0
        self._begin = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stack = contextlib.ExitStack()
        self._lock = threading.Lock()

    def __enter__(self) -> Door:
        app = Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])])
        self.url = self._stack.enter_context(served(app))
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.cancel(name)
        self._stack.close()

    def now(self) -> float:
        """Seconds since the gateway was made."""
        return time.monotonic() - self._begin

    # -- handles ------------------------------------------------------------------------------------------

    def limit(self, client: str, in_flight: int = 0) -> None:
        """Let a client have so many requests in flight at once: more get 429, and what is above that now is cancelled."""
        self._most[client] = in_flight
        self.cancel(client, keep=in_flight)

    def cancel(self, client: str, keep: int = 0) -> None:
        """Cancel a client's running requests but the oldest few; the engines free their seats and blocks."""
        for task, _ in list(self._running.get(client, {}).values())[keep:]:
            if self._loop is not None:
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(task.cancel)

    def take_out(self, replica: str) -> None:
        """Send nothing to a replica any more."""
        self.out.add(replica)

    def put_in(self, replica: str) -> None:
        """Send to a replica again."""
        self.out.discard(replica)

    # -- a request ----------------------------------------------------------------------------------------

    async def _chat(self, request: Request) -> Response:
        self._loop = asyncio.get_running_loop()
        body = await request.json()
        client = request.headers.get("x-client", "unknown")
        with self._lock:
            self._count += 1
            key = f"r{self._count:05}"
        line = self._line(key, client, body)
        held = self._running.setdefault(client, {})
        if len(held) >= self._most.get(client, 10**9):
            return self._end(line, 429, {"error": "too many requests in flight"}, {"retry-after": "5"})
        task = asyncio.ensure_future(self._ask(line, body))
        held[key] = (task, line)
        try:
            status, answer = await task
        except asyncio.CancelledError:
            status, answer = 499, {"error": "cancelled by the gateway"}
        finally:
            held.pop(key, None)
        return self._end(line, status, answer)

    def _line(self, key: str, client: str, body: dict[str, Any]) -> dict[str, Any]:
        model = body.get("model") or "assistant"
        return {
            "id": key,
            "t_s": round(self.now(), 3),
            "latency_s": None,
            "ttft_s": None,
            "status": None,
            "client": client,
            "replica": None,
            "model": model,
            "revision": self.serves[model][1] if model in self.serves else None,
            "index": None,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "max_tokens": body.get("max_tokens"),
            "finish": None,
            "valid": None,
            "grounded": None,
        }

    def _end(
        self, line: dict[str, Any], status: int, answer: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Response:
        line["status"], line["latency_s"] = status, round(self.now() - line["t_s"], 3)
        if status != 200:
            line["valid"] = line["grounded"] = line["finish"] = None
        self.log.append(line)
        return JSONResponse(answer, 200 if status == 200 else status, headers)

    async def _ask(self, line: dict[str, Any], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        sent = {key: value for key, value in body.items() if key != "docs"}
        sent["model"] = self.serves[line["model"]][0] if line["model"] in self.serves else self.model
        sent |= {"stream": True, "stream_options": {"include_usage": True}}
        if body.get("docs") and self.search is not None:
            line["index"] = self.index
            text, line["grounded"] = self.search(self.index, body["docs"])
            first, *rest = sent["messages"]
            sent["messages"] = [{**first, "content": f"{text}\n\n{first['content']}"}, *rest]
        there = [name for name in self.replicas if name not in self.out]
        if not there:
            return 503, {"error": "no replica is in"}
        line["replica"] = there[self._turn % len(there)]
        self._turn += 1
        try:
            return await self._forward(line, sent)
        except httpx.HTTPError as error:
            return 502, {"error": f"{line['replica']}: {type(error).__name__}"}

    async def _forward(self, line: dict[str, Any], sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        text, done = "", False
        place = f"{self.replicas[line['replica']]}/v1/chat/completions"
        limits = httpx.Timeout(300, connect=3)
        async with (
            httpx.AsyncClient(timeout=limits, trust_env=False) as http,
            http.stream("POST", place, json=sent) as answer,
        ):
            if answer.status_code != 200:
                await answer.aread()
                return answer.status_code, {"error": answer.text[:300]}
            async for row in answer.aiter_lines():
                if row == "data: [DONE]":
                    done = True
                elif row.startswith("data: "):
                    text += self._event(line, json.loads(row[6:]))
        if not done:
            return 502, {"error": f"{line['replica']} broke off"}
        pattern = self.formats.get(line["model"])
        line["valid"] = None if pattern is None else bool(pattern.fullmatch(text.strip()))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": line["finish"],
        }
        return 200, {"object": "chat.completion", "model": line["model"], "choices": [choice]}

    def _event(self, line: dict[str, Any], event: dict[str, Any]) -> str:
        """Note what an event tells, and return its text."""
        if event.get("usage"):
            line["prompt_tokens"] = event["usage"]["prompt_tokens"]
            line["completion_tokens"] = event["usage"]["completion_tokens"]
        if not event.get("choices"):
            return ""
        choice = event["choices"][0]
        line["finish"] = choice.get("finish_reason") or line["finish"]
        text = choice["delta"].get("content") or ""
        if text:
            if line["ttft_s"] is None:
                line["ttft_s"] = round(self.now() - line["t_s"], 3)
            line["completion_tokens"] += 1  # until usage tells better: a cancelled answer has none
        return text

    def statuses(self) -> Counter[int]:
        """How many requests ended with which status."""
        return Counter(line["status"] for line in self.log)
