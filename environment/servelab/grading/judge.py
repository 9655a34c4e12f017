"""The judge: runs check cells, with hidden tests, in a process that no student's code ever enters.

A name that a check uses and the instructor's cells do not define is asked of the student's process. What comes back is plain
data, or a `Handle` on an object over there. Names of the instructor's own cells belong to the judge: a student who binds
`np` or `ScriptedEngine` anew changes nothing here.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import dataclasses
import itertools
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from servelab.grading import wire
from servelab.grading.reach import names_of
from servelab.grading.shell import Printed, error_text
from servelab.grading.student import _receive
from servelab.grading.verdict import CellRun

NO_ANSWER = "the student's process sent something that is no answer"
_HIDDEN = re.compile(r"###\s*(BEGIN|END) HIDDEN TESTS")
#: Exceptions whose constructors want more than a message.
_DIFFICULT = {
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeTranslateError",
    "BaseExceptionGroup",
    "ExceptionGroup",
}


class StudentGone(BaseException):
    """The student's process ended in the middle of a question. No `except Exception` of a check takes this for an answer."""


class _Ended(BaseException):
    """SystemExit and its like over there: no `Exception` there, so none here, and it ends nothing."""


class Handle:
    """An object in the student's process. It can be called, awaited, iterated, entered and asked for public attributes.

    Comparisons and arithmetic are not passed on: what an object says about its own equality is no evidence.
    """

    __slots__ = ("_link", "_number")

    def __init__(self, link: Link, number: int) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_number", number)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.ask("call", self._number, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a check may use public attributes only, not {name!r}")
        return self._link.attribute(self._number, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a check cannot set attributes of a student's object")

    def __getitem__(self, key: Any) -> Any:
        return self._link.ask("item", self._number, (key,))

    def __contains__(self, key: Any) -> bool:
        return bool(self._link.ask("has", self._number, (key,)))

    def __len__(self) -> int:
        return int(self._link.ask("len", self._number))

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        iterator = self._link.ask("iter", self._number)
        while True:
            try:
                yield self._link.ask("next", iterator._number)
            except _Stop:
                return

    def __next__(self) -> Any:
        try:
            return self._link.ask("next", self._number)
        except _Stop:
            raise StopIteration from None

    def __aiter__(self) -> Handle:
        return self._link.ask("aiter", self._number)

    async def __anext__(self) -> Any:
        try:
            return await self._link.ask_later("anext", self._number)
        except _Stop:
            raise StopAsyncIteration from None

    def __await__(self) -> Any:
        return self._link.ask_later("await", self._number).__await__()

    def __enter__(self) -> Any:
        return self._link.ask("enter", self._number)

    def __exit__(self, *_: Any) -> None:
        self._link.ask("exit", self._number)

    async def __aenter__(self) -> Any:
        return await self._link.ask_later("aenter", self._number)

    async def __aexit__(self, *_: Any) -> None:
        await self._link.ask_later("aexit", self._number)

    @contextlib.contextmanager
    def served_there(self) -> Iterator[str]:
        """Serve this web app in the student's process; yields its address (see `servelab.checks.served`)."""
        url = self._link.ask("serve", self._number)
        try:
            yield url
        finally:
            self._link.ask("unserve", self._number)

    def __repr__(self) -> str:
        return "<an object of the answer>"


class _Stop(Exception):
    """An iterator over there has come to its end."""


class Link:
    """The judge's end of the connection to a student's process: questions out, answers in, from any thread.

    Whoever waits reads: a thread that wants an answer takes the socket and hands on what is for others. Most checks ask
    one question after the other, and a reading thread of its own would double the time that each takes.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.numbers = itertools.count()
        self.waiting: dict[int, Future[dict[str, Any]]] = {}
        #: Arguments whose changes have to come back when a handle is awaited.
        self.pending: dict[int, Any] = {}
        #: Handles by the name that was asked for; the other side says when one is bound anew.
        self.named: dict[str | tuple[int, str], Handle] = {}
        self.sending, self.reading = threading.Lock(), threading.Lock()
        self.awaiting = 0
        self.fault: StudentGone | None = None

    @property
    def gone(self) -> bool:
        """Whether the student's process has ended."""
        return self.fault is not None

    def _read_one(self) -> None:
        """Take one answer off the socket. Called with `reading` held."""
        try:
            reply = wire.receive(self.connection)
            future = self.waiting.pop(reply.pop("id"), None) if isinstance(reply, dict) else None
            for key in reply.get("moved", ()) if isinstance(reply, dict) else ():
                self.named.pop(tuple(key) if isinstance(key, list) else key, None)
            if future is not None:
                future.set_result(reply)
            return
        except wire.Closed:
            self.fault = StudentGone("the student's process ended")
        except Exception as error:  # a message that is none: nothing after it can be trusted
            kind = type(error).__name__
            self.fault = StudentGone(f"{NO_ANSWER} ({kind})")
        for future in list(self.waiting.values()):
            if not future.done():
                future.set_exception(self.fault)

    def _result(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        """Wait for an answer, reading as long as nobody else does."""
        while not future.done():
            if self.reading.acquire(timeout=0.002):
                try:
                    while not future.done():
                        self._read_one()
                finally:
                    self.reading.release()
        return future.result()

    async def _result_later(self, future: Future[dict[str, Any]]) -> dict[str, Any]:
        """The same while the event loop goes on: it tells when there is something to read."""
        loop = asyncio.get_running_loop()
        self.awaiting += 1
        if self.awaiting == 1:
            loop.add_reader(self.connection, self._readable)
        try:
            return await asyncio.wrap_future(future)
        finally:
            self.awaiting -= 1
            if not self.awaiting:
                loop.remove_reader(self.connection)

    def _readable(self) -> None:
        if self.reading.acquire(blocking=False):
            try:
                if self.waiting:
                    self._read_one()
            finally:
                self.reading.release()

    def name(self, name: str) -> Any:
        """What the student's cells bound to this name.

        Raises:
            NameError: nothing.
        """
        return self._asked_once(name, "name", None, name)

    def attribute(self, number: int, name: str) -> Any:
        """A public attribute of an object over there."""
        return self._asked_once((number, name), "get", number, name)

    def _asked_once(self, key: str | tuple[int, str], op: str, number: int | None, name: str) -> Any:
        """What stays the same, until the other side says that it does not, is asked for once."""
        if key in self.named:
            return self.named[key]
        future, _ = self._send(op, number, (), {}, name)
        reply = self._result(future)
        value = self._value(reply, number, None)
        if reply.get("stays") is True and type(value) is Handle:
            self.named[key] = value
        return value

    def ask(
        self, op: str, number: int | None = None, args: Any = (), kwargs: Any = None, name: str = ""
    ) -> Any:
        """Ask and wait. Raises what the student's code raised, as the nearest builtin exception."""
        future, arguments = self._send(op, number, args, kwargs or {}, name)
        return self._value(self._result(future), number, arguments)

    async def ask_later(self, op: str, number: int) -> Any:
        """The same for what has to be awaited over there; the judge's event loop goes on meanwhile."""
        future, _ = self._send(op, number, (), {}, "")
        return self._value(await self._result_later(future), number, self.pending.get(number))

    def _send(
        self, op: str, number: int | None, args: Any, kwargs: dict[str, Any], name: str
    ) -> tuple[Future[dict[str, Any]], Any]:
        arguments = [list(args), kwargs]
        message: dict[str, Any] = {"id": next(self.numbers), "op": op, "h": number, "name": name}
        if args or kwargs:
            message["with"] = wire.encode(arguments, self._number_of)
            message["back"] = any(wire.is_mutable(a) for a in [*args, *kwargs.values()])
        if threading.current_thread() is not threading.main_thread():
            message["aside"] = True
        future: Future[dict[str, Any]] = Future()
        self.waiting[message["id"]] = future
        if self.fault is not None:
            raise self.fault
        try:
            with self.sending:
                wire.send(self.connection, message)
        except wire.Closed:
            raise StudentGone("the student's process ended") from None
        return future, arguments if message.get("back") else None

    @staticmethod
    def _number_of(thing: Any) -> int:
        if isinstance(thing, Handle):
            return thing._number
        raise TypeError(f"a check cannot pass a {type(thing).__name__} to a student's code: plain data only")

    def _value(self, reply: dict[str, Any], number: int | None, arguments: Any) -> Any:
        if "error" in reply:
            raise _exception(reply["error"])
        value = self._decoded(reply.get("value"))
        if arguments is not None:
            if "back" in reply:
                wire.assign(arguments, self._decoded(reply["back"]))
            if isinstance(value, Handle):
                self.pending[value._number] = arguments
        return value

    def _decoded(self, data: Any) -> Any:
        try:
            return wire.decode(data, lambda found: Handle(self, found))
        except wire.WireError as error:  # not an error of the answer's: a check that wants one has not got it
            raise StudentGone(f"{NO_ANSWER} ({error})") from None


def _exception(told: Any) -> BaseException:
    """An exception like the one over there: a class of its name on top of its nearest builtin class."""
    if not isinstance(told, dict) or not isinstance(told.get("mro"), list):
        return StudentGone(NO_ANSWER)
    if told.get("stop"):
        return _Stop()
    names = [str(name)[:80] for name in told["mro"][:30]]
    base: type[BaseException] = Exception
    for name in names:
        found = getattr(builtins, name, None)
        if isinstance(found, type) and issubclass(found, BaseException) and name not in _DIFFICULT:
            base = found
            break
    if told.get("unsendable"):  # what was returned, and no error of the answer's
        names, base = ["Unreadable"], _Ended
    if not issubclass(base, Exception):
        base = _Ended
    if issubclass(base, StopIteration | StopAsyncIteration):
        base = RuntimeError
    text = str(told.get("text", ""))
    kind = type(
        names[0] if names and names[0].isidentifier() else "Exception", (base,), {"__str__": lambda _: text}
    )
    error = kind(text)
    error.from_student = True  # type: ignore[attr-defined]
    frames = told.get("frames")
    error.frames = [  # type: ignore[attr-defined]
        (frame[0], frame[1])
        for frame in (frames if isinstance(frames, list) else [])[:50]
        if isinstance(frame, list) and len(frame) == 2 and all(type(part) is int for part in frame)
    ]
    return error


class Names(dict[str, Any]):
    """The globals of the judge's cells. What they do not define is asked of the student's process."""

    link: Link | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        #: Names of the instructor's cells that failed here, and why: the student's process is not asked for these.
        self.lost: dict[str, str] = {}

    def __missing__(self, name: str) -> Any:
        if name in self.lost:
            raise RuntimeError(f"{name} could not be made for this check ({self.lost[name]})")
        if name.startswith("__") or hasattr(builtins, name) or self.link is None:
            raise KeyError(name)
        try:
            return self.link.name(name)
        except NameError:
            raise KeyError(name) from None


class Judge:
    """Runs the instructor's cells and the checks, one after another, in one set of globals."""

    def __init__(self) -> None:
        self.names = Names({"__name__": "__main__", "__builtins__": builtins})
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

    def define(self, text: str, where: str) -> None:
        """Run a cell of the instructor's for what it defines. An error is left for the check that misses a name.

        A cell that builds on an answer cannot run here, and what it binds is the student's; any other failure is not the
        student's to mend, who could have brought it about to have other objects taken for the instructor's.
        """
        try:
            self._run(_python(text), where)
        except Exception as error:
            if isinstance(error, NameError) and error.name not in self.names.lost:
                return
            why = f"{type(error).__name__}: {error_text(error)[:200]}"
            self.names.lost |= dict.fromkeys(names_of(text).binds - self.names.keys(), why)

    def check(self, text: str, connection: socket.socket, where: str) -> tuple[CellRun, str]:
        """Run a check cell against the student's process at the other end; returns what happened and what it printed."""
        hidden = hidden_lines(text)
        printed = sys.stdout = sys.stderr = Printed()  # type: ignore[assignment]
        link = Link(connection)
        self.names.link = link
        began = time.perf_counter()
        run = CellRun()
        try:
            value = self._run(_python(text), where)
            run.result = None if value is None else str(value)[:200]
        except BaseException as error:
            run.status, run.ename, run.evalue = "error", type(error).__name__, error_text(error)
            run.from_student = bool(getattr(error, "from_student", False))
            run.hidden = bool(hidden) and (_line_in(error.__traceback__, where) or 0) >= min(hidden)
            run.frames = list(getattr(error, "frames", []))
            if isinstance(error, StudentGone) or (link.gone and not isinstance(error, AssertionError)):
                run.status = "died"
        else:
            if link.gone:  # whatever the check made of it
                run.status = "died"
        finally:
            self.names.link = None
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        run.seconds = time.perf_counter() - began
        return run, printed.text()

    def _run(self, text: str, where: str) -> Any:
        """Execute; returns the value of the last line where that is an expression."""
        tree = ast.parse(text, where)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        self._execute(compile(tree, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        if last is None:
            return None
        expression = ast.Expression(last.value)
        return self._execute(compile(expression, where, "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))

    def _execute(self, code: Any) -> Any:
        if code.co_flags & 0x80:  # inspect.CO_COROUTINE: it awaits at the top level
            return self.loop.run_until_complete(eval(code, self.names))
        return eval(code, self.names)


def _python(text: str) -> str:
    """A cell without its magics, on the same lines."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in text.splitlines())


def visible_part(text: str) -> str:
    """A check without its hidden tests and what comes after them."""
    hidden = hidden_lines(text)
    return "\n".join(text.splitlines()[: min(hidden) - 2]) if hidden else text


def hidden_lines(text: str) -> set[int]:
    """The numbers of the lines between the marks of hidden tests."""
    inside, found = False, set()
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _HIDDEN.search(line)
        if mark:
            inside = mark[1] == "BEGIN"
        elif inside:
            found.add(number)
    return found


def _line_in(traceback: TracebackType | None, where: str) -> int | None:
    """The line of this cell at which an error passed through its top level."""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == where and traceback.tb_frame.f_code.co_name == "<module>":
            return traceback.tb_lineno
        traceback = traceback.tb_next
    return None


def main(control: socket.socket) -> None:
    """Serve the grader until it closes the connection. Messages: `define` (a cell), `check` (with a connection)."""
    judge = Judge()
    while True:
        try:
            message, descriptors = _receive(control)
        except wire.Closed:
            return
        where = f"<cell {message['index']}>"
        if message["do"] == "define":
            judge.define(message["text"], where)
        else:
            connection = socket.socket(fileno=descriptors[0])
            run, text = judge.check(message["text"], connection, where)
            wire.send(control, {"run": dataclasses.asdict(run), "text": text})
