"""Qdrant Edge in a process of its own, for a process that was forked from one that has used it.

The engine builds with threads that live as long as their process. A fork has none of them, and waits for ever for work that
nobody does. Grading forks: each check talks to a child of the process that ran the notebook. So `store` comes here, where
the engine runs in a fresh Python and gets its calls through a pipe, as pickles between two processes of the same user.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from servelab.errors import CourseError

if TYPE_CHECKING:
    from servelab.retrieval.store import Settings

_LENGTH = struct.Struct(">Q")


class DistantCollection:
    """A `store.Collection` whose engine runs in another process; it is made with the collection and ends with it.

    Raises:
        CourseError: that process ended. What the engine itself raises is raised here.
    """

    where = "edge"

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self.settings = settings
        self._process = subprocess.Popen(
            [sys.executable, "-m", "servelab.retrieval.elsewhere"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
        )
        try:
            self._ask("__init__", settings, folder)
        except BaseException:
            self._end()
            raise

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            _send(self._process.stdin, (name, args, kwargs))
            failed, value = _receive(self._process.stdout)
        except (OSError, EOFError, ValueError):
            raise CourseError("The process in which Qdrant Edge runs has ended.") from None
        if failed:
            raise value
        return value

    def upsert(self, ids, vectors=None, payloads=None, words=None) -> None:  # type: ignore[no-untyped-def]
        """See `store.Collection`."""
        self._ask("upsert", list(ids), vectors, payloads, words)

    def create_index(self, name: str, kind: str = "keyword") -> None:
        """See `store.Collection`."""
        self._ask("create_index", name, kind)

    def optimise(self) -> float:
        """See `store.Collection`."""
        return self._ask("optimise")

    def search(self, query: Any, limit: int = 10, **how: Any) -> Any:
        """See `store.Collection`."""
        return self._ask("search", query, limit, **how)

    def count(self, where: Any = None) -> int:
        """See `store.Collection`."""
        return self._ask("count", where)

    def info(self) -> dict[str, Any]:
        """See `store.Collection`."""
        return self._ask("info")

    def close(self) -> None:
        """See `store.Collection`."""
        with contextlib.suppress(CourseError):
            self._ask("close")
        self._end()

    def _end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _send(pipe: BinaryIO, value: Any) -> None:
    data = pickle.dumps(value)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _receive(pipe: BinaryIO) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    return pickle.loads(pipe.read(*_LENGTH.unpack(head)))


def main() -> None:
    """Serve one collection until the pipe closes: its making first, then calls of its methods."""
    from servelab.retrieval.store import EdgeCollection

    reader, writer = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not mix with the answers
    collection: EdgeCollection | None = None
    try:
        while True:
            try:
                name, args, kwargs = _receive(reader)
            except EOFError:
                return
            try:
                if collection is None:
                    collection, value = EdgeCollection(*args, **kwargs), None
                else:
                    value = getattr(collection, name)(*args, **kwargs)
                    collection = collection if name != "close" else None
                answer = (False, value)
            except Exception as error:
                answer = (True, error)
            try:
                _send(writer, answer)
            except (pickle.PicklingError, TypeError, AttributeError):
                _send(writer, (True, CourseError(f"{type(answer[1]).__name__}: {answer[1]}")))
    finally:
        if collection is not None:
            collection.close()


if __name__ == "__main__":
    main()
