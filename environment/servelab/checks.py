"""What check cells use: serve a student's web app, compare numbers, give partial credit, find what was handed in."""

from __future__ import annotations

import inspect
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_HOST = "127.0.0.1"
_START_S = 10.0


def partial(earned: float, of: float) -> float:
    """The points of a check cell, as the only thing nbgrader reads safely: a plain float between 0 and `of`.

    nbgrader 0.9.6 gives full marks for NaN, for negative numbers and for text such as `np.float64(1.5)`, and
    stops with an error above the maximum. So what is no number counts 0, and the rest is clamped.
    """
    try:
        value = float(earned)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    if math.isnan(value):
        return 0.0
    return min(max(value, 0.0), float(of))


def close(got: Any, want: float, rel: float = 1e-6, abs: float = 1e-9) -> bool:
    """Whether `got` is a number within `rel` of `want`, or within `abs`; False for anything else.

    Text, booleans, None and NaN are no numbers here, so a check fails with its own message and not with a
    TypeError.
    """
    if isinstance(got, str | bytes | bool) or got is None:
        return False
    try:
        return math.isclose(float(got), want, rel_tol=rel, abs_tol=abs)
    except (TypeError, ValueError, OverflowError):
        return False


def handed_in(name: str) -> Path:
    """The file or folder of this name that belongs to the submission, beside the notebook; it need not exist.

    The judge has its own copy of what was handed in (of the files that the lab's `hands_in` names), which nothing can change;
    everywhere else it is what lies in the notebook's folder now.
    """
    return Path(os.environ.get("SERVELAB_HANDED_IN", ".")) / name


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[str]:
    """Serve a WSGI app (Flask) or an ASGI app (Starlette, FastAPI) on a free loopback port.

    Requests are handled at the same time, each in its thread or task. The server is stopped when the block
    ends, whatever happened in it.

    Yields:
        The URL, for example `http://127.0.0.1:43210`, without a slash at the end.

    Raises:
        TypeError: `app` is no web app.
        RuntimeError: the app did not start.
    """
    there = getattr(type(app), "served_there", None)
    if there is not None:  # in the judge: the app lives in the student's process, and is served from there
        with there(app) as url:
            yield url
        return
    if not callable(app):
        raise TypeError(f"this is not a web app but {type(app).__name__}: does make_app return its app?")
    with _asgi(app) if _is_asgi(app) else _wsgi(app) as port:
        yield f"http://{_HOST}:{port}"


def _is_asgi(app: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__)


@contextmanager
def _wsgi(app: Callable[..., Any]) -> Iterator[int]:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        # Its log goes to standard error, which nbgrader takes for a failed check.
        def log(self, type: str, message: str, *args: Any) -> None:
            pass

    server = make_server(_HOST, 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True, name="served-wsgi")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_START_S)


@contextmanager
def _asgi(app: Callable[..., Any]) -> Iterator[int]:
    import uvicorn

    # Named as TCP, because asyncio sets TCP_NODELAY only then.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind((_HOST, 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="auto", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, listener), daemon=True, name="served-asgi")
    thread.start()
    try:
        deadline = time.monotonic() + _START_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the app did not start: does its start-up code raise?")
            time.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(_START_S)
        listener.close()


def _run(server: Any, listener: socket.socket) -> None:
    # uvicorn ends its process when an app does not start; here that is only this thread.
    with suppress(SystemExit):
        server.run([listener])
