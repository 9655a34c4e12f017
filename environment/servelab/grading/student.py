"""The student's side of the sandbox: runs the notebook's cells, and answers what the judge asks about the results.

One process walks through the cells. For each check it forks a child that answers the judge on a connection of its own and
then ends, so a check sees the state that the cells before it left, whatever other checks did, and nothing that a check
passed in can show up in what later cells print. Nothing in here is trusted: a student's code may have changed all of it.
What it can gain is to give wrong answers about its own objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import sys
import threading
import types
from typing import Any

from servelab.grading import wire
from servelab.grading.shell import ERROR_CHARS, Printed, Shell, error_text

_MISSING = object()


def main(control: socket.socket, shell: Shell) -> None:
    """Serve the grader until it closes the connection. Messages: `cell` (run one), `fork` (answer a judge)."""
    printed = Printed()
    sys.stdout = sys.stderr = printed  # type: ignore[assignment]
    shell.new_loop()
    shown = True
    while True:
        try:
            message, descriptors = _receive(control)
        except wire.Closed:
            return
        if message["do"] == "cell":
            printed.clear()
            run = shell.run(message["index"], message["text"])
            text = printed.text() if shown else ""
            if run.evalue and not shown:
                run.evalue = ""
            wire.send(control, {"run": dataclasses.asdict(run), "text": text})
        elif message["do"] == "fork":
            connection = socket.socket(fileno=descriptors[0])
            if _forkable():
                _fork(control, connection, shell)
                connection.close()
            else:
                # Its threads would be missing in a child. From here on it has seen what a check passes in: it prints no more.
                shown = False
                Answers(connection, shell).run()
                connection.close()
            wire.send(control, {"forked": shown})
        _reap()


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A message whose first part may carry file descriptors."""
    head, descriptors, _, _ = socket.recv_fds(control, 4, 4)
    while 0 < len(head) < 4:
        head += control.recv(4 - len(head))
    if not head:
        raise wire.Closed("the grader is gone")
    return wire.parse(wire._exactly(control, int.from_bytes(head, "big"))), list(descriptors)


def _forkable() -> bool:
    """Whether only this thread lives; idle workers of an event loop do not count, a child gets a new loop."""
    others = [t for t in threading.enumerate() if t is not threading.main_thread()]
    return all(thread.name.startswith("asyncio_") for thread in others)


def _fork(control: socket.socket, connection: socket.socket, shell: Shell) -> None:
    if os.fork():
        return
    status = 1
    try:
        control.close()
        shell.new_loop()
        Answers(connection, shell).run()
        status = 0
    finally:
        os._exit(status)


def _reap() -> None:
    """Take leave of children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


class Answers:
    """Answers the judge's questions about what the cells made: names, calls, attributes, iteration, awaiting.

    Objects that are no plain data stay here under a number, which is all that the judge gets of them.
    """

    def __init__(self, connection: socket.socket, shell: Shell) -> None:
        self.connection, self.shell = connection, shell
        self.objects: list[Any] = []
        #: Arguments of a call that goes on when its result is awaited or iterated: [as sent, as they are].
        self.pending: dict[int, tuple[str, Any]] = {}
        self.exits: dict[int, Any] = {}
        #: Objects that the judge got under a name and need not ask for again, until the name is bound anew.
        self.named: dict[str, Any] = {}
        #: The same for methods: by the object's number and the method's name, the object and the function.
        self.methods: dict[tuple[int, str], tuple[Any, Any]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.sending = threading.Lock()

    def run(self) -> None:
        """Answer until the judge closes the connection."""
        loop = self.shell.loop
        done = loop.create_future()

        def ready() -> None:
            try:
                self.take(wire.receive(self.connection))
            except (wire.Closed, wire.WireError):
                if not done.done():
                    done.set_result(None)

        loop.add_reader(self.connection, ready)
        try:
            loop.run_until_complete(done)
        finally:
            loop.remove_reader(self.connection)

    def take(self, message: dict[str, Any]) -> None:
        """Deal with one question: now, in a thread where the judge asks from one, or when what it awaits is there."""
        if message["op"] in ("await", "anext", "aenter", "aexit"):
            task = self.shell.loop.create_task(self.later(message))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif message.get("aside"):
            threading.Thread(target=self.now, args=(message,), daemon=True).start()
        else:
            self.now(message)

    def now(self, message: dict[str, Any]) -> None:
        try:
            arguments = self.arguments(message)
            result = getattr(self, "op_" + message["op"])(message, *arguments)
            reply = self.reply(message, result, arguments)
        except BaseException as error:
            reply = self.failure(error, message)
        self.send(message, reply)

    async def later(self, message: dict[str, Any]) -> None:
        try:
            thing = self.objects[message["h"]]
            sent, arguments = self.pending.get(message["h"], ("", None))
            if message["op"] == "await":
                result = await thing
            elif message["op"] == "anext":
                result = await type(thing).__anext__(thing)
            elif message["op"] == "aenter":
                result = await type(thing).__aenter__(thing)
            else:
                result = await type(thing).__aexit__(thing, None, None, None)
            reply = {"value": self.encode(result)}
            self.add_changes(reply, sent, arguments)
        except BaseException as error:
            reply = self.failure(error, message)
        self.send(message, reply)

    def send(self, message: dict[str, Any], reply: dict[str, Any]) -> None:
        reply["id"] = message["id"]
        if moved := self.moved():
            reply["moved"] = moved
        with self.sending, contextlib.suppress(wire.Closed):
            try:
                wire.send(self.connection, reply)
            except (wire.WireError, ValueError, RecursionError) as error:
                wire.send(self.connection, {"id": message["id"], **self.failure(error, message)})

    def remember(self, message: dict[str, Any], result: Any) -> bool:
        """Note what the judge need not ask for again, an object by its name or a method of an object; whether this is one."""
        if message["op"] == "name":
            self.named[message["name"]] = result
            return True
        if message["op"] == "get" and type(result) is types.MethodType:
            thing, name = self.objects[message["h"]], message["name"]
            if result.__self__ is thing and _is_plain_method(thing, name, result.__func__):
                self.methods[message["h"], name] = (thing, result.__func__)
                return True
        return False

    def moved(self) -> list[Any]:
        """Which of these mean something else by now. They are forgotten."""
        names = self.shell.shell.user_ns
        found: list[Any] = [n for n, thing in self.named.items() if names.get(n, _MISSING) is not thing]
        for name in found:
            del self.named[name]
        for key, (thing, function) in list(self.methods.items()):
            if not _is_plain_method(thing, key[1], function):
                del self.methods[key]
                found.append(list(key))
        return found

    # -- values

    def keep(self, thing: Any) -> int:
        self.objects.append(thing)
        return len(self.objects) - 1

    def encode(self, value: Any) -> Any:
        return wire.encode(value, self.keep)

    def arguments(self, message: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        args, kwargs = wire.decode(message.get("with", [[], {"d": []}]), self.objects.__getitem__)
        return args, kwargs

    def reply(self, message: dict[str, Any], result: Any, arguments: Any) -> dict[str, Any]:
        reply: dict[str, Any] = {"value": self.encode(result)}
        if isinstance(reply["value"], dict) and "h" in reply["value"] and self.remember(message, result):
            reply["stays"] = True
        sent = json.dumps(message["with"]) if message.get("back") else ""
        if sent and isinstance(reply["value"], dict) and "h" in reply["value"]:
            self.pending[reply["value"]["h"]] = (sent, arguments)
        self.add_changes(reply, sent, arguments)
        return reply

    def add_changes(self, reply: dict[str, Any], sent: str, arguments: Any) -> None:
        """Say what became of the arguments, if a call changed them."""
        if sent:
            known = {id(thing): number for number, thing in enumerate(self.objects)}
            found = wire.encode(
                list(arguments), lambda thing: known[id(thing)] if id(thing) in known else self.keep(thing)
            )
            if json.dumps(found) != sent:
                reply["back"] = found

    def failure(self, error: BaseException, message: dict[str, Any]) -> dict[str, Any]:
        names = [kind.__name__ for kind in type(error).__mro__]
        text = error_text(error)[:ERROR_CHARS]
        reply = {"error": {"mro": names, "text": text, "frames": self.shell.frames(error.__traceback__)}}
        if isinstance(error, wire.WireError):
            reply["error"]["unsendable"] = True
        if message["op"] == "next" and isinstance(error, StopIteration):
            reply["error"]["stop"] = True
        if message["op"] == "anext" and isinstance(error, StopAsyncIteration):
            reply["error"]["stop"] = True
        return reply

    # -- what can be asked

    def op_name(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        found = self.shell.shell.user_ns.get(message["name"], _MISSING)
        if found is _MISSING:
            raise NameError(f"name {message['name']!r} is not defined")
        return found

    def op_call(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        return self.objects[message["h"]](*args, **kwargs)

    def op_get(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        return getattr(self.objects[message["h"]], message["name"])

    def op_item(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        return self.objects[message["h"]][args[0]]

    def op_has(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        return args[0] in self.objects[message["h"]]

    def op_len(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        return len(self.objects[message["h"]])

    def op_iter(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        return _Iterator(iter(self.objects[message["h"]]))

    def op_next(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        thing = self.objects[message["h"]]
        return next(thing.iterator if isinstance(thing, _Iterator) else thing)

    def op_aiter(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        thing = self.objects[message["h"]]
        return type(thing).__aiter__(thing)

    def op_enter(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        thing = self.objects[message["h"]]
        return type(thing).__enter__(thing)

    def op_exit(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        thing = self.objects[message["h"]]
        return type(thing).__exit__(thing, None, None, None)

    def op_serve(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        from servelab.checks import served

        context = served(self.objects[message["h"]])
        url = context.__enter__()
        self.exits[message["h"]] = context
        return url

    def op_unserve(self, message: dict[str, Any], args: list, kwargs: dict) -> Any:
        self.exits.pop(message["h"]).__exit__(None, None, None)


def _is_plain_method(thing: Any, name: str, function: Any) -> bool:
    """Whether the attribute is this function of the object's class, whatever the object says."""
    try:
        return name not in vars(thing) and getattr(type(thing), name, None) is function
    except Exception:
        return False


class _Iterator:
    """An iterator is kept as it is; without this, one over plain data might itself cross as data."""

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator
