"""The inside of a gateway: seats that a queue fills, a stream that tells how it ended, a meter, and errors as OpenAI's."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from servelab.gateway import spans
from servelab.gateway.wire import Refused

#: Where the server writes as well, and as loudly or quietly.
_LOG = logging.getLogger("uvicorn.error")
#: In a request's scope once its streamed answer has begun.
_BEGAN = "servelab.gateway.began"


class Queue(Protocol):
    """What `Seats` wants of a queue."""

    def put(self, item: Any, priority: float, now: float) -> None: ...

    def get(self, now: float) -> Any: ...


class Seats:
    """So many requests at once at the back ends; the others wait in a queue that decides who is next.

    Args:
        queue: where they wait.
        running: seats.
        waiting: places in the queue; who finds none is refused with 429.
        wait_s: who has waited so long is refused with 503.
        meter: is told how many sit and wait.
    """

    def __init__(
        self, queue: Queue, *, running: int, waiting: int, wait_s: float, meter: Meter | None = None
    ) -> None:
        self._queue, self._free, self._places, self._wait_s = queue, running, waiting, wait_s
        self._meter = meter
        self._running = self._waiting = self._queued = 0

    async def take(self, priority: float) -> None:
        """Return with a seat, which has to be given back.

        Raises:
            Refused: 429, the queue is full; 503, it took too long.
        """
        if self._free and not self._waiting:
            self._sit()
            return
        if self._waiting >= self._places:
            raise Refused(429, f"{self._waiting} requests are waiting already.", retry_after_s=1)
        turn = asyncio.get_running_loop().create_future()
        self._queue.put(turn, priority, time.monotonic())
        self._queued += 1
        self._wait(1)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():
                self.give_back()  # the turn came in the same moment: pass it on
            else:
                turn.cancel()
                self._wait(-1)
            if isinstance(error, TimeoutError):
                raise Refused(
                    503, f"No back end was free within {self._wait_s:g} s.", retry_after_s=self._wait_s
                ) from None
            raise

    def give_back(self) -> None:
        """Leave a seat to whoever the queue says is next."""
        self._free += 1
        self._running -= 1
        while self._free and self._queued:
            turn = self._queue.get(time.monotonic())
            self._queued -= 1
            if not turn.done():
                self._wait(-1)
                self._sit()
                turn.set_result(None)
        self._show()

    def _sit(self) -> None:
        self._free -= 1
        self._running += 1
        self._show()

    def _wait(self, more: int) -> None:
        self._waiting += more
        self._show()

    def _show(self) -> None:
        if self._meter is not None:
            self._meter.seats(self._running, self._waiting)


class Streamed(StreamingResponse):
    """A streamed answer that says how it ended, once, whatever happened.

    Args:
        pieces: the bytes, as they come. What they raise breaks the connection, so that nobody takes the answer for whole.
        ended: awaited at the end with "complete", "cut" (the pieces raised) or "left" (whoever asked has gone).
        headers: of the answer.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        *,
        ended: Callable[[str], Awaitable[None]],
        headers: Mapping[str, str] | None = None,
        media_type: str = "text/event-stream",
    ) -> None:
        self._outcome = "left"
        self._ended = ended
        super().__init__(self._watched(pieces), headers=headers, media_type=media_type)

    async def _watched(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                yield piece
        except Exception:
            self._outcome = "cut"
            raise
        self._outcome = "complete"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[_BEGAN] = True
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._ended(self._outcome)


class Meter:
    """The gateway's own metrics, for Prometheus: of one gateway, not of the process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        made = {"registry": self._registry}
        self._requests = Counter("gateway_requests", "Requests by the status they got", ["code"], **made)
        self._cache = Counter("gateway_cache", "Looks into the cache", ["result"], **made)
        self._upstream = Counter(
            "gateway_upstream", "Tries at back ends, by how they ended", ["backend", "outcome"], **made
        )
        self._running = Gauge("gateway_running", "Requests that have a seat", **made)
        self._waiting = Gauge("gateway_waiting", "Requests that wait for a seat", **made)

    def answered(self, code: int) -> None:
        """A request got this status. `observed` does it."""
        self._requests.labels(str(code)).inc()

    def cache(self, result: str) -> None:
        """A look into the cache: "hit" or "miss"."""
        self._cache.labels(result).inc()

    def upstream(self, backend: str, outcome: str) -> None:
        """A try at a back end: "complete", "failed", "cut" or "left"."""
        self._upstream.labels(backend, outcome).inc()

    def seats(self, running: int, waiting: int) -> None:
        """How many sit and wait now. `Seats` does it."""
        self._running.set(running)
        self._waiting.set(waiting)

    def text(self) -> str:
        """The page for Prometheus."""
        return generate_latest(self._registry).decode()


def _of_a_connection(error: Exception) -> bool:
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("httpx", "aiohttp")


def openai_errors(app: Starlette) -> None:
    """Have every error leave the app as OpenAI's error object: `Refused`, unknown paths, and what nobody expected."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return error.response()

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = Refused(error.status_code, {"error": _plain(error)}).response()
        answer.headers.update(error.headers or {})
        return answer

    async def unexpected(request: Request, error: Exception) -> Response:
        # For whoever writes the app; a client learns nothing of it. Not to standard error, which fails a check.
        # A back end that breaks off while its answer is passed on is not the app's mistake.
        if not (request.scope.get(_BEGAN) and _of_a_connection(error)):
            traceback.print_exception(error, file=sys.stdout)
        return Refused(500, "Internal error.").response()

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


def _plain(error: HTTPException) -> dict[str, Any]:
    return {"message": str(error.detail), "type": "invalid_request_error", "param": None, "code": None}


class _Observed:
    """An ASGI app whose answers are counted, and whose requests are spans where spans are kept."""

    def __init__(self, app: Any, meter: Meter) -> None:
        self.app, self.meter = app, meter

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        whole = False
        with spans.request(scope) as note:

            async def counted(message: Any) -> None:
                nonlocal whole
                if message["type"] == "http.response.start":
                    self.meter.answered(message["status"])
                    note("http.response.status_code", message["status"])
                await send(message)
                whole = message["type"] == "http.response.body" and not message.get("more_body")

            try:
                await self.app(scope, receive, counted)
            except Exception:
                if not whole:
                    raise
                # A status 500 has gone out in full; a server that saw this too would break a connection that is in order.
                _LOG.exception("a request failed")


def observed(app: Any, meter: Meter) -> Any:
    """The same app, with every answer counted by its status, and a span for every request where spans are kept."""
    return _Observed(app, meter)
