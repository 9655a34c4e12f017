"""What check cells use: web apps are served and always stopped, points are always safe for nbgrader."""

from __future__ import annotations

import math
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

import flask
import httpx
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_output
from servelab.checks import close, partial, served
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


@pytest.mark.parametrize(
    ("earned", "expected"),
    [
        (2.5, 2.5),
        (0, 0.0),
        (4, 4.0),
        (True, 1.0),
        (-1, 0.0),
        (9, 4.0),
        (math.nan, 0.0),
        (math.inf, 4.0),
        (-math.inf, 0.0),
        ("full marks", 0.0),
        ("3", 3.0),
        (None, 0.0),
        ([3], 0.0),
        (np.float64(1.5), 1.5),
        (np.int64(3), 3.0),
        (np.float32("nan"), 0.0),
        (np.array([1.0, 2.0]), 0.0),
        (10**400, 0.0),
    ],
)
def test_partial_is_a_plain_float_that_nbgrader_reads(earned: object, expected: float) -> None:
    from nbgrader.utils import determine_grade

    points = partial(earned, 4)
    assert type(points) is float and points == expected
    cell = new_code_cell("check", metadata={"nbgrader": {"grade": True, "solution": False, "points": 4}})
    cell.outputs = [new_output("execute_result", {"text/plain": repr(points)}, execution_count=1)]
    assert determine_grade(cell) == (expected, 4.0)


@pytest.mark.parametrize(
    ("got", "want", "expected"),
    [
        (1.0, 1.0, True),
        (1 + 1e-9, 1, True),
        (1.1, 1, False),
        (np.float32(0.1), 0.1, True),
        (math.nan, 1, False),
        (math.inf, math.inf, True),
        (None, 1, False),
        ("1", 1, False),
        (True, 1, False),
        ([1], 1, False),
        ({}, 0, False),
        (0, 1e-12, True),
    ],
)
def test_close(got: object, want: float, expected: bool) -> None:
    assert close(got, want) is expected


def test_close_takes_a_tolerance() -> None:
    assert close(105, 100, rel=0.1) and not close(115, 100, rel=0.1)


def flask_app() -> flask.Flask:
    app = flask.Flask("small")
    busy = threading.Semaphore(0)

    @app.get("/")
    def hello() -> str:
        return "hello"

    @app.get("/meet")
    def meet() -> str:
        # Returns only when two requests are inside at the same time.
        busy.release()
        deadline = time.monotonic() + 10
        while busy._value < 2:
            if time.monotonic() > deadline:
                return "alone"
            time.sleep(0.01)
        return "met"

    return app


async def _hello(request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def raw_asgi(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


def starlette_app() -> Starlette:
    return Starlette(routes=[Route("/", _hello)])


def raw_wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


def refuses(url: str) -> bool:
    address = urlparse(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=1).close()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("make", [flask_app, lambda: raw_wsgi, starlette_app, lambda: raw_asgi])
def test_serves_on_loopback_and_stops(make, capfd) -> None:
    before = threading.active_count()
    with served(make()) as url:
        assert url.startswith("http://127.0.0.1:") and not url.endswith("/")
        assert httpx.get(f"{url}/").text == "hello"
    assert refuses(url)
    assert threading.active_count() == before
    assert capfd.readouterr().err == ""


def test_stops_when_the_check_fails() -> None:
    with pytest.raises(AssertionError, match="the student's fault"), served(flask_app()) as url:
        raise AssertionError("the student's fault")
    assert refuses(url)


def test_stops_quickly_with_a_request_that_never_ends() -> None:
    app = flask.Flask("slow")
    app.get("/")(lambda: time.sleep(30) or "late")
    begun = time.monotonic()
    with served(app) as url, pytest.raises(httpx.ReadTimeout):
        httpx.get(url, timeout=0.2)
    assert time.monotonic() - begun < 5 and refuses(url)


def test_requests_are_handled_at_the_same_time() -> None:
    with served(flask_app()) as url, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: httpx.get(f"{url}/meet", timeout=20).text, range(2)))
    assert answers == ["met", "met"]


def test_two_at_once_get_ports_of_their_own() -> None:
    with served(flask_app()) as one, served(starlette_app()) as two:
        assert one != two
        assert httpx.get(one).text == httpx.get(two).text == "hello"


@pytest.mark.parametrize("thing", [None, "app", {}])
def test_what_is_no_app_is_named(thing: object) -> None:
    with pytest.raises(TypeError, match=rf"not a web app but {type(thing).__name__}"), served(thing):
        pass


def test_an_asgi_app_that_cannot_start() -> None:
    async def broken(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"), served(broken):
        pass
