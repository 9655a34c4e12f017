"""A deterministic OpenAI-compatible server whose token times, slots and faults are known beforehand.

Tests and grading measure against it, because its schedule and its request log are the ground truth that a
real engine cannot give. It speaks vLLM's dialect: routes, errors, stream events and metric names.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import copy
import json
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from servelab.engine.scripted_metrics import BLOCK_TOKENS, ScriptedMetrics
from servelab.engine.scripted_wire import (
    Ask,
    BadRequest,
    check_known_adapter,
    check_new_adapter,
    chunk,
    error_body,
    json_object,
    read_adapter,
    read_ask,
    role_choice,
    text_choice,
    whole_answer,
)
from servelab.engine.words import answer_words

Schedule = Sequence[Sequence[float]] | Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with chosen requests.

    Attributes:
        kind: "429" (with Retry-After), "500", or "cut": the connection breaks after `after_tokens` tokens.
        at: Index of the one request it hits, counted from 0 in order of arrival.
        every: Hits every nth request instead (the nth, the 2nth, ...), counted from 1.
        after_tokens: For "cut": how many tokens are still sent.
        retry_after_s: For "429": whole seconds in the Retry-After header.
    """

    kind: Literal["429", "500", "cut"]
    at: int | None = None
    every: int | None = None
    after_tokens: int = 0
    retry_after_s: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("429", "500", "cut"):
            raise ValueError(f'Fault kind must be "429", "500" or "cut", not {self.kind!r}.')
        if (self.at is None) == (self.every is None):
            raise ValueError(
                "A Fault needs either `at` (one request's index) or `every` (every nth request)."
            )
        if self.every is not None and self.every < 1:
            raise ValueError(f"`every` counts requests from 1, so {self.every} hits none.")

    def hits(self, index: int) -> bool:
        """Whether it hits the request with this index (from 0)."""
        return index == self.at if self.every is None else (index + 1) % self.every == 0


class _StreamCut(Exception):
    """Raised towards uvicorn, which then closes the connection in the middle of the answer."""


class _Slots:
    """First-come, first-served places for running requests; no limit when `limit` is None."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        self.running = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def enter(self) -> None:
        if self._limit is None or (self.running < self._limit and not self._queue):
            self.running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the turn came in the same moment: pass it on
            else:
                self._queue.remove(turn)
            raise

    def leave(self) -> None:
        self.running -= 1
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                self.running += 1
                turn.set_result(None)
                return


class _Server(uvicorn.Server):
    """uvicorn's server, stopped at once: its own looks ten times a second whether to, and then waits again for callers.

    A check starts and stops an engine several times, so that these waits would be most of its time.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Serve until `stop_soon`."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        if not self.should_exit:
            await self._stopping.wait()

    def stop_soon(self, first: Callable[[], None], *, abort: bool = False) -> None:
        """Call `first` in the server's loop, and stop; with `abort`, break all connections before. From any thread."""

        def stop() -> None:
            if abort:
                for connection in list(self.server_state.connections):
                    connection.transport.abort()
            first()
            self._stopping.set()

        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(stop)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything; what was cut has a moment to end first."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for _ in range(5):
            await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await asyncio.sleep(0)


def _break_connections(port: int) -> None:
    """End what this process has accepted on a port, also what no protocol knows yet.

    A connection that is accepted in the moment of the end is nobody's: it would stay open, and whoever asked would wait for ever.
    """
    with contextlib.suppress(psutil.Error, OSError):
        for found in psutil.Process().net_connections("tcp"):
            if found.laddr and found.laddr.port == port and found.raddr and found.fd >= 0:
                # Whoever holds the descriptor may close it meanwhile, and the next connection of this process gets its number:
                # what we hold is looked at once more, and from then on it is the same.
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(found.fd)) as ours:
                    if ours.getsockname()[1] == port:
                        ours.shutdown(socket.SHUT_RDWR)


class ScriptedEngine:
    """The server, in a background thread on a free loopback port; a context manager.

    Args:
        tokens: Length of every answer in tokens, unless `max_tokens` is smaller (then `finish_reason` is
            "length") or `ignore_eos`/`min_tokens` ask for more. None: answers always reach `max_tokens`.
        ttft_s: Seconds from getting a slot to the first token.
        itl_s: Seconds between tokens.
        prefill_s_per_token: Added to `ttft_s` for every prompt token that the prefix cache does not hold.
        schedule: Explicit token times, seconds after getting a slot: a list per request in order of arrival,
            or a mapping from prompt text to such a list. Its length is also the answer's length.
            Requests it does not name follow the constants.
        slots: Requests served at once; the others wait in order of arrival. None: no limit.
        tokens_per_event: Tokens in one event of a stream; an event leaves with its last token.
        faults: What goes wrong, and with which requests.
        slow_start_s: For so long after the start, `/health` and all requests answer 503.
        model: The served model's name; another name gets 404.
        adapters: LoRA adapters that are served beside it from the start: paths by name, or names alone.
        adapter_paths: The paths at which `/v1/load_lora_adapter` finds an adapter; any other gets 404. None: all of them.
        max_model_len: Context length in tokens (words). Longer prompts get 400; `max_tokens` is cut to the rest.
        kv_blocks: Size of the pretended KV cache, in blocks of 16 tokens, for `vllm:kv_cache_usage_perc`.
        port: Port on 127.0.0.1; 0 takes a free one.

    The first event of a chat stream carries only the role and leaves as soon as the request has its slot,
    long before the first token, so that a client which takes it for the first token is seen to be wrong.
    A KV cache that is full does not preempt here: only `slots` holds requests back.
    """

    def __init__(
        self,
        *,
        tokens: int | None = None,
        ttft_s: float = 0.05,
        itl_s: float = 0.01,
        prefill_s_per_token: float = 0.0,
        schedule: Schedule = (),
        slots: int | None = None,
        tokens_per_event: int = 1,
        faults: Iterable[Fault] = (),
        slow_start_s: float = 0.0,
        model: str = "scripted",
        adapters: Mapping[str, str] | Iterable[str] = (),
        adapter_paths: Iterable[str] | None = None,
        max_model_len: int = 2048,
        kv_blocks: int = 1024,
        port: int = 0,
    ) -> None:
        if slots is not None and slots < 1:
            raise ValueError(f"slots must be at least 1, not {slots}.")
        if tokens_per_event < 1:
            raise ValueError(f"tokens_per_event must be at least 1, not {tokens_per_event}.")
        if tokens is not None and tokens < 1:
            raise ValueError(f"tokens must be at least 1, not {tokens}.")
        self.model = model
        self.backend = "scripted engine"
        named = (
            adapters if isinstance(adapters, Mapping) else {name: f"/adapters/{name}" for name in adapters}
        )
        if model in named:
            raise ValueError(f"{model!r} is the model's name and cannot be an adapter's.")
        self._adapters: dict[str, str] = dict(named)
        self._adapter_paths = None if adapter_paths is None else set(adapter_paths)
        self._adapter_log: list[dict[str, Any]] = []
        self._tokens = tokens
        self._ttft_s, self._itl_s, self._prefill_s = ttft_s, itl_s, prefill_s_per_token
        self._schedule = schedule
        self._per_event = tokens_per_event
        self._faults = tuple(faults)
        self._slow_start_s = slow_start_s
        self._max_model_len = max_model_len
        self._kv_blocks = kv_blocks
        self._port = port
        self._slots = _Slots(slots)
        self._log: list[dict[str, Any]] = []
        self._arrived = 0
        self._in_flight = 0
        self._max_concurrent = 0
        self._max_running = 0
        self._cached_blocks: set[int] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._metrics = ScriptedMetrics(
            model,
            max_model_len,
            kv_blocks,
            running=lambda: self._slots.running,
            waiting=lambda: self._slots.waiting,
            kv_usage=self._kv_usage,
        )
        self._epoch = time.monotonic()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # -- life -----------------------------------------------------------------------------------------

    def __enter__(self) -> ScriptedEngine:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> ScriptedEngine:
        """Bind the port and serve in the background; returns once requests are accepted.

        Raises:
            RuntimeError: the port is taken, or the server did not come up within 10 s.
        """
        # Named as TCP, because asyncio sets TCP_NODELAY only then; without it each answer on a kept connection is 40 ms late.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
        except OSError as error:
            listener.close()
            raise RuntimeError(
                f"The scripted engine cannot use port {self._port}: {error.strerror}."
            ) from None
        self._port = listener.getsockname()[1]
        # Quiet, because text on standard error would take the points of the check cell it appears in.
        config = uvicorn.Config(
            self.app(),
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
        )
        self._server = _Server(config)
        self._epoch = time.monotonic()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="scripted-engine", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("The scripted engine did not start within 10 s.")
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Stop at once: requests in flight are cut off, with a status 500 where no answer has begun. Safe to call twice."""
        self._end(abort=False)

    def kill(self) -> None:
        """End as a process that is killed: every connection breaks without another byte. Safe to call twice."""
        self._end(abort=True)

    def _end(self, *, abort: bool) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.stop_soon(self._cut_all, abort=abort)
        self._thread.join(timeout=10)
        if abort:
            _break_connections(self._port)
        self._server = self._thread = None

    # -- what tests read --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The server's address, for example "http://127.0.0.1:40123"."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The address for OpenAI clients: `url` + "/v1"."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The request log: a copy, one plain dict per generation request, in order of arrival.

        Keys: index, path, headers (lower-case names), body (parsed JSON, or None), stream, prompt_tokens,
        cached_tokens, completion_tokens, status (None while it runs), fault (None or its kind), cancelled
        (the client left before the end), and times in seconds since the engine started: arrived_s,
        started_s (got its slot; None if it never did), token_s (each token), finished_s.
        """
        return copy.deepcopy(self._log)

    @property
    def max_concurrent(self) -> int:
        """The most requests that were in the engine at once, waiting ones included."""
        return self._max_concurrent

    @property
    def max_running(self) -> int:
        """The most requests that held a slot at once."""
        return self._max_running

    @property
    def adapters(self) -> dict[str, str]:
        """The paths of the adapters that are served now, by name, in the order in which they came: a copy."""
        return dict(self._adapters)

    @property
    def adapter_log(self) -> list[dict[str, Any]]:
        """What was asked of the routes that load and unload: a copy, with path, body (parsed JSON, or None) and status of each."""
        return copy.deepcopy(self._adapter_log)

    def metrics(self) -> str:
        """The text that `GET /metrics` returns."""
        return self._metrics.text()

    def clear(self) -> None:
        """Forget the finished part of the log and the maxima; metrics and prefix cache stay.

        Later requests count on from 0 again for `schedule` and `faults`.
        """
        self._log, self._arrived = [r for r in self._log if r["finished_s"] is None], 0
        self._max_concurrent, self._max_running = self._in_flight, self._slots.running

    # -- the application ----------------------------------------------------------------------------------

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/metrics", self._get_metrics),
                Route("/v1/models", self._models),
                Route("/v1/completions", _Endpoint(self, chat=False), methods=["POST"]),
                Route("/v1/chat/completions", _Endpoint(self, chat=True), methods=["POST"]),
                Route("/v1/load_lora_adapter", self._load_adapter, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self._unload_adapter, methods=["POST"]),
            ]
        )

    async def _health(self, _: Request) -> Response:
        return Response(status_code=503 if self._starting() else 200)

    async def _get_metrics(self, _: Request) -> Response:
        return Response(self.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _models(self, _: Request) -> Response:
        def card(name: str, root: str, parent: str | None, max_model_len: int | None) -> dict[str, Any]:
            return {
                "id": name,
                "object": "model",
                "created": int(time.time()),
                "owned_by": "vllm",
                "root": root,
                "parent": parent,
                "max_model_len": max_model_len,
            }

        cards = [card(self.model, self.model, None, self._max_model_len)]
        cards += [card(name, path, self.model, None) for name, path in self._adapters.items()]
        return JSONResponse({"object": "list", "data": cards})

    async def _load_adapter(self, request: Request) -> Response:
        def load(body: dict[str, Any]) -> str:
            name, path = read_adapter(body, "lora_name", "lora_path")
            check_new_adapter(name, path, self.model, {} if body.get("load_inplace") else self._adapters)
            if self._adapter_paths is not None and path not in self._adapter_paths:
                raise BadRequest(
                    f"Loading lora {name} failed: No adapter found for {path}",
                    status=404,
                    kind="NotFoundError",
                )
            self._adapters[name] = path
            return f"Success: LoRA adapter '{name}' added successfully."

        return await self._adapter_answer(request, load)

    async def _unload_adapter(self, request: Request) -> Response:
        def unload(body: dict[str, Any]) -> str:
            (name,) = read_adapter(body, "lora_name")
            check_known_adapter(name, self._adapters)
            del self._adapters[name]
            return f"Success: LoRA adapter '{name}' removed successfully."

        return await self._adapter_answer(request, unload)

    async def _adapter_answer(self, request: Request, work: Callable[[dict[str, Any]], str]) -> Response:
        record: dict[str, Any] = {"path": request.url.path, "body": None, "status": 200}
        self._adapter_log.append(record)
        try:
            if self._starting():
                raise BadRequest("The engine is starting.", status=503, kind="ServiceUnavailableError")
            record["body"] = json_object(await request.body())
            return Response(work(record["body"]))
        except BadRequest as refusal:
            record["status"] = refusal.status
            return JSONResponse(refusal.body, refusal.status)

    # -- one request ----------------------------------------------------------------------------------------

    async def handle(self, scope: Any, receive: Any, send: Any, *, chat: bool) -> None:
        """Serve one generation request, and give up when its client leaves."""
        raw = await _read_body(receive)
        if raw is None:
            return
        record = self._arrive(scope, raw)
        work = asyncio.ensure_future(self._serve(record, raw, send, chat=chat))
        gone = asyncio.ensure_future(_client_gone(receive))
        self._serving.add(work)
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                record["cancelled"] = True
                work.cancel()
            try:
                await work
            except asyncio.CancelledError:
                if not record["cancelled"]:  # cut by stop(): let uvicorn close the connection
                    raise _StreamCut from None
        finally:
            gone.cancel()
            self._serving.discard(work)
            self._finish(record, record["status"])

    async def _serve(self, record: dict[str, Any], raw: bytes, send: Any, *, chat: bool) -> None:
        fault = next((f for f in self._faults if f.hits(record["index"])), None)
        try:
            if self._starting():
                raise BadRequest("The engine is starting.", status=503, kind="ServiceUnavailableError")
            if fault is not None and fault.kind != "cut":
                record["fault"] = fault.kind
                await self._refuse(record, send, fault)
                return
            ask = read_ask(
                raw,
                chat=chat,
                model=self.model,
                adapters=self._adapters,
                max_model_len=self._max_model_len,
            )
        except BadRequest as refusal:
            self._finish(record, refusal.status)
            await _send_json(send, refusal.status, refusal.body)
            return
        record["stream"], record["prompt_tokens"] = ask.stream, ask.prompt_tokens
        await self._slots.enter()
        holding = True
        reason = "abort"
        try:
            self._start(record, ask)
            answer = _Answer(self, record, ask, send, fault)

            def free() -> None:
                nonlocal holding, reason
                holding, reason = False, answer.finish
                self._slots.leave()
                self._finish(record, 200)
                self._metrics.finished(record, reason)

            await answer.run(free)
        finally:
            if holding:
                self._slots.leave()
                self._finish(record, record["status"])
                self._metrics.finished(record, reason)

    async def _refuse(self, record: dict[str, Any], send: Any, fault: Fault) -> None:
        status = int(fault.kind)
        self._finish(record, status)
        if status == 429:
            body = error_body("Too many requests: try again later.", status=status, kind=fault_kind(status))
            await _send_json(send, status, body, {"retry-after": str(fault.retry_after_s)})
        else:
            await _send_json(
                send,
                status,
                error_body("The engine failed on this request.", status=status, kind=fault_kind(status)),
            )

    def _arrive(self, scope: Any, raw: bytes) -> dict[str, Any]:
        # A request has arrived when all of it is read, so that the log's order is the queue's.
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        record: dict[str, Any] = {
            "index": self._arrived,
            "path": scope["path"],
            "headers": {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
            "body": body,
            "stream": False,
            "prompt_tokens": 0,
            "cached_tokens": 0,
            "completion_tokens": 0,
            "status": None,
            "fault": None,
            "cancelled": False,
            "arrived_s": self.now(),
            "started_s": None,
            "token_s": [],
            "finished_s": None,
        }
        self._log.append(record)
        self._arrived += 1
        self._in_flight += 1
        self._max_concurrent = max(self._max_concurrent, self._in_flight)
        return record

    def _start(self, record: dict[str, Any], ask: Ask) -> None:
        self._max_running = max(self._max_running, self._slots.running)
        record["started_s"] = self.now()
        record["cached_tokens"] = self._look_up(ask)
        self._metrics.started(ask.prompt_tokens, record["cached_tokens"])

    def _finish(self, record: dict[str, Any], status: int | None) -> None:
        if record["finished_s"] is None:
            record["status"] = status
            record["finished_s"] = self.now()
            self._in_flight -= 1

    def now(self) -> float:
        """Seconds since the engine started."""
        return time.monotonic() - self._epoch

    def _starting(self) -> bool:
        return self.now() < self._slow_start_s

    def _cut_all(self) -> None:
        for task in list(self._serving):
            task.cancel()

    def token_times(self, record: dict[str, Any], ask: Ask) -> list[float]:
        """When each token of an answer comes, in seconds after it got its slot."""
        times = self._explicit_times(record["index"], ask)
        natural = len(times) or self._tokens or ask.max_tokens
        count = min(ask.max_tokens, max(natural, ask.min_tokens))
        if not times:
            uncached = ask.prompt_tokens - record["cached_tokens"]
            times = [self._ttft_s + self._prefill_s * uncached]
        while len(times) < count:
            times.append(times[-1] + self._itl_s)
        return times[:count]

    def _explicit_times(self, index: int, ask: Ask) -> list[float]:
        if isinstance(self._schedule, Mapping):
            return list(self._schedule.get(ask.key, ()))
        return list(self._schedule[index]) if index < len(self._schedule) else []

    def _blocks(self, tokens: tuple[Any, ...], model: str) -> list[int]:
        # Keys and values that an adapter has made are no use to another one.
        chain, hashes = hash(model), []
        for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS):
            chain = hash((chain, tokens[end - BLOCK_TOKENS : end]))
            hashes.append(chain)
        return hashes

    def _look_up(self, ask: Ask) -> int:
        # Like vLLM: whole blocks only, and never the whole prompt, since its last token must be computed.
        found = 0
        for block in self._blocks(ask.tokens[:-1], ask.model):
            if block not in self._cached_blocks:
                break
            found += BLOCK_TOKENS
        return found

    def prefilled(self, ask: Ask) -> None:
        """A prompt has been read: its whole blocks can be reused from now on."""
        self._cached_blocks.update(self._blocks(ask.tokens, ask.model))

    def _kv_usage(self) -> float:
        used = sum(
            -(-(r["prompt_tokens"] + r["completion_tokens"]) // BLOCK_TOKENS)
            for r in self._log
            if r["started_s"] is not None and r["finished_s"] is None
        )
        return min(1.0, used / self._kv_blocks)


def fault_kind(status: int) -> str:
    """The `type` of an error object for a status code."""
    return "RateLimitError" if status == 429 else "InternalServerError"


class _Endpoint:
    """A route that is given the raw ASGI channels, to see the client leave and to cut a stream."""

    def __init__(self, engine: ScriptedEngine, *, chat: bool) -> None:
        self._engine, self._chat = engine, chat

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._engine.handle(scope, receive, send, chat=self._chat)


class _Answer:
    """One answer on its way: tokens at their times, streamed or whole."""

    def __init__(
        self, engine: ScriptedEngine, record: dict[str, Any], ask: Ask, send: Any, fault: Fault | None
    ) -> None:
        self._engine, self._record, self._ask, self._send = engine, record, ask, send
        self._times = engine.token_times(record, ask)
        own = "" if ask.model == engine.model else f"{ask.model}: "  # an adapter answers in words of its own
        self._words = answer_words(own + ask.key, len(self._times))
        self._cut = fault.after_tokens if fault is not None else None
        self._id = f"{'chatcmpl' if ask.chat else 'cmpl'}-scripted-{record['index']}"
        self._created = int(time.time())
        self.finish = "length" if len(self._times) == ask.max_tokens else "stop"

    async def run(self, free: Callable[[], None]) -> None:
        """Send the answer; `free` is called with the last token, before the client can know of the end."""
        if self._ask.stream:
            await self._stream(free)
        else:
            await self._whole(free)

    async def _tokens(self, upto: int) -> None:
        """Wait for the tokens up to number `upto`, logging each when it comes."""
        while self._record["completion_tokens"] < upto:
            due = self._record["started_s"] + self._times[self._record["completion_tokens"]]
            await asyncio.sleep(max(0.0, due - self._engine.now()))
            self._record["token_s"].append(self._engine.now())
            self._record["completion_tokens"] += 1
            self._engine._metrics.token(self._record)
            if self._record["completion_tokens"] == 1:
                self._engine.prefilled(self._ask)

    async def _break_off(self) -> None:
        self._record["fault"], self._record["status"] = "cut", 200
        raise _StreamCut

    async def _whole(self, free: Callable[[], None]) -> None:
        if self._cut is not None:
            await self._tokens(min(self._cut, len(self._times)))
            await _send_start(self._send, 200, "application/json")
            await self._break_off()
        await self._tokens(len(self._times))
        text = " ".join(self._words)
        body = whole_answer(self._ask, self._id, self._created, text, len(self._times), self.finish)
        free()
        await _send_json(self._send, 200, body)

    async def _stream(self, free: Callable[[], None]) -> None:
        await _send_start(self._send, 200, "text/event-stream; charset=utf-8")
        if self._ask.chat:
            await self._event(role_choice())
        per_event, total = self._engine._per_event, len(self._times)
        for first in range(0, total, per_event):
            last = min(first + per_event, total)
            if self._cut is not None and self._cut < last:
                await self._tokens(self._cut)
                if self._cut > first:
                    await self._event(self._text(first, self._cut, None))
                await self._break_off()
            await self._tokens(last)
            if last == total and self._cut is None:
                free()
            await self._event(self._text(first, last, self.finish if last == total else None))
        if self._cut is not None:  # after all tokens: only usage and [DONE] are missing
            await self._break_off()
        if self._ask.include_usage:
            await self._body(chunk(self._ask, self._id, self._created, [], total))
        await self._body(b"data: [DONE]\n\n")
        await self._send({"type": "http.response.body", "body": b""})

    def _text(self, first: int, last: int, finish: str | None) -> list[dict[str, Any]]:
        text = (" " if first else "") + " ".join(self._words[first:last])
        return text_choice(self._ask, text, finish)

    async def _event(self, choices: list[dict[str, Any]]) -> None:
        used = self._record["completion_tokens"] if self._ask.continuous_usage else None
        await self._body(chunk(self._ask, self._id, self._created, choices, used))

    async def _body(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


async def _read_body(receive: Callable[[], Awaitable[Any]]) -> bytes | None:
    """The whole request body, or None when the client left while sending it."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _client_gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_start(send: Any, status: int, content_type: str, headers: Mapping[str, str] = {}) -> None:
    pairs = {"content-type": content_type, **headers}
    raw = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _send_json(send: Any, status: int, body: dict[str, Any], headers: Mapping[str, str] = {}) -> None:
    data = json.dumps(body).encode()
    await _send_start(send, status, "application/json", {"content-length": str(len(data)), **headers})
    await send({"type": "http.response.body", "body": data})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m servelab.engine.scripted", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", "--served-model-name", dest="model", default="scripted")
    parser.add_argument("--enable-lora", action="store_true")
    parser.add_argument("--lora-modules", nargs="*", default=[])
    parser.add_argument("--max-lora-rank", type=int)
    parser.add_argument("--max-loras", type=int)
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--ttft-s", type=float, default=0.05)
    parser.add_argument("--itl-s", type=float, default=0.01)
    parser.add_argument("--prefill-s-per-token", type=float, default=0.0)
    parser.add_argument("--slots", "--max-num-seqs", dest="slots", type=int)
    parser.add_argument("--tokens-per-event", type=int, default=1)
    parser.add_argument("--slow-start-s", type=float, default=0.0)
    parser.add_argument("--max-model-len", type=int, default=2048)
    return parser


def _adapter(text: str) -> tuple[str, str]:
    """Name and path of a value of `--lora-modules`: name=path, or JSON."""
    if "," not in text:
        name, _, path = text.partition("=")
        return name, path
    told = json.loads(text)
    return told["name"], told["path"]


def main(argv: Sequence[str] | None = None) -> None:
    """Serve in the foreground until a signal comes. vLLM arguments without a meaning here are named and ignored."""
    options, ignored = _parser().parse_known_args(argv)
    if ignored:
        print(f"The scripted engine ignores: {' '.join(ignored)}", flush=True)
    settings = {k: v for k, v in vars(options).items() if k != "host" and "lora" not in k}
    engine = ScriptedEngine(**settings, adapters=dict(map(_adapter, options.lora_modules)))
    uvicorn.run(
        engine.app(),
        host=options.host,
        port=options.port,
        lifespan="off",
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
