"""Seats and who gets them, streams that say how they ended, the meter, and errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import httpx
import pytest
from servelab import gateway
from servelab.checks import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Line:
    """First come, first served; items cannot be compared."""

    def __init__(self) -> None:
        self.items: deque[Any] = deque()

    def put(self, item: Any, priority: float, now: float) -> None:
        self.items.append(item)

    def get(self, now: float) -> Any:
        return self.items.popleft()


def room(**more: Any) -> gateway.Seats:
    return gateway.Seats(Line(), **{"running": 1, "waiting": 2, "wait_s": 5.0, **more})


async def test_who_waits_gets_the_seat_in_the_queues_order() -> None:
    seats, order = room(waiting=3), []
    await seats.take(0)

    async def one(number: int) -> None:
        await seats.take(0)
        order.append(number)
        seats.give_back()

    waiting = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert order == []
    seats.give_back()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    await seats.take(0)  # the seat is free again


async def test_a_full_queue_refuses_at_once_and_patience_ends() -> None:
    seats = room(waiting=1, wait_s=0.05)
    await seats.take(0)
    waiting = asyncio.create_task(seats.take(0))
    await asyncio.sleep(0)
    with pytest.raises(gateway.Refused) as refused:
        await seats.take(0)
    assert refused.value.status == 429 and refused.value.headers["retry-after"]
    with pytest.raises(gateway.Refused) as refused:
        await waiting
    assert refused.value.status == 503
    seats.give_back()  # to nobody: who gave up must not get it
    await seats.take(0)


async def test_a_seat_is_not_lost_with_a_client_that_leaves_while_it_waits() -> None:
    seats = room()
    await seats.take(0)
    leaves, stays = asyncio.create_task(seats.take(0)), asyncio.create_task(seats.take(0))
    await asyncio.sleep(0)
    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    seats.give_back()
    await stays
    # In the same moment in which the turn comes:
    last = asyncio.create_task(seats.take(0))
    await asyncio.sleep(0)
    seats.give_back()
    last.cancel()
    with pytest.raises(asyncio.CancelledError):
        await last
    await asyncio.wait_for(seats.take(0), 1)


def shop(ended: list[str]) -> Starlette:
    async def told(outcome: str) -> None:
        ended.append(outcome)

    async def stream(request: Request) -> Response:
        how = request.query_params["how"]

        async def pieces() -> Any:
            yield b"one "
            if how == "cut":
                raise ConnectionError("gone")
            for _ in range(1 if how == "whole" else 200):
                yield b"more "
                await asyncio.sleep(0.01)

        return gateway.Streamed(pieces(), ended=told, headers={"x-served-by": "me"})

    async def boom(request: Request) -> Response:
        raise RuntimeError("a secret")

    async def refuse(request: Request) -> Response:
        raise gateway.Refused(429, "Later.", retry_after_s=2)

    app = Starlette(routes=[Route("/stream", stream), Route("/boom", boom), Route("/refuse", refuse)])
    gateway.openai_errors(app)
    return app


async def test_a_stream_says_how_it_ended() -> None:
    ended: list[str] = []
    with served(shop(ended)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            whole = await client.get("/stream?how=whole")
            assert whole.content == b"one more " and whole.headers["x-served-by"] == "me"
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/stream?how=cut")
            async with client.stream("GET", "/stream?how=long") as answer:
                reading = answer.aiter_raw()
                await anext(reading)
        for _ in range(100):
            if len(ended) == 3:
                break
            await asyncio.sleep(0.02)
    assert ended == ["complete", "cut", "left"]


@pytest.mark.parametrize(
    "broken, shown", [(httpx.ReadError("gone"), False), (NameError("mine"), True)], ids=str
)
async def test_only_the_apps_own_mistakes_leave_a_traceback(
    broken: Exception, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async def pieces() -> Any:
        yield b"one "
        raise broken

    async def nothing(outcome: str) -> None:
        assert outcome == "cut"

    async def stream(request: Request) -> Response:
        return gateway.Streamed(pieces(), ended=nothing)

    app = Starlette(routes=[Route("/stream", stream)])
    gateway.openai_errors(app)
    with served(app) as url:
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(f"{url}/stream")
    assert ("Traceback" in capsys.readouterr().out) == shown


def test_every_error_has_openais_shape_and_tells_no_secrets() -> None:
    meter = gateway.Meter()
    with (
        served(gateway.observed(shop([]), meter)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        for method, path, status in (
            ("GET", "/boom", 500),
            ("GET", "/nothing", 404),
            ("POST", "/boom", 405),
            ("GET", "/refuse", 429),
        ):
            answer = client.request(method, path)
            assert answer.status_code == status and set(answer.json()["error"]) == {
                "message",
                "type",
                "param",
                "code",
            }
            assert "secret" not in answer.text
        assert client.get("/refuse").headers["retry-after"] == "2"
    text = meter.text()
    assert (
        'gateway_requests_total{code="429"} 2.0' in text and 'gateway_requests_total{code="500"} 1.0' in text
    )


def test_meters_are_apart() -> None:
    one, two = gateway.Meter(), gateway.Meter()
    one.cache("hit")
    one.upstream("a", "cut")
    one.seats(3, 2)
    assert 'gateway_cache_total{result="hit"} 1.0' in one.text() and "gateway_waiting 2.0" in one.text()
    assert "hit" not in two.text()
