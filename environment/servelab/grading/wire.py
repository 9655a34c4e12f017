"""What crosses between the judge and a student's kernel: plain data as JSON, everything else as a numbered handle.

Nothing is ever unpickled. A message is four bytes of length (big-endian) and that much JSON; a value that JSON does not
know is an object with one key: `b` bytes, `t` tuple, `d` dictionary, `s` and `z` set and frozenset, `f` a float that is not
finite, `c` complex, `r` range, `n` a numpy array (the .npy format, without pickle), `x` a numpy number, `h` a handle.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
import socket
import struct
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

MESSAGE_BYTES = 64 << 20
DEPTH = 60
_LENGTH = struct.Struct(">I")


class WireError(ValueError):
    """A value or message that may not cross: too large, too deep, or not what the format allows."""


class Closed(ConnectionError):
    """The other side is gone."""


def encode(value: Any, keep: Callable[[Any], int], depth: int = DEPTH) -> Any:
    """`value` as JSON data; `keep` gives a number to an object that crosses as a handle only.

    Subclasses of plain types cross as the plain type. Copies are made by the base type's own methods, so that what an
    object says about itself does not matter.
    """
    if depth < 0:
        raise WireError("the value is nested too deeply")
    kind = type(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, str):
        return str.__str__(value) if kind is str else str.__str__(str.__add__("", value))
    if isinstance(value, int):
        return int.__add__(value, 0)
    if isinstance(value, float) and not isinstance(value, np.generic):
        number = float.__add__(value, 0.0)
        return number if math.isfinite(number) else {"f": repr(number)}
    below = depth - 1
    if isinstance(value, list):
        return [encode(item, keep, below) for item in list.__iter__(value)]
    if isinstance(value, tuple):
        return {"t": [encode(item, keep, below) for item in tuple.__iter__(value)]}
    if isinstance(value, dict):
        return {"d": [[encode(k, keep, below), encode(v, keep, below)] for k, v in dict.items(value)]}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, set):
        return {"s": [encode(item, keep, below) for item in set.__iter__(value)]}
    if isinstance(value, frozenset):
        return {"z": [encode(item, keep, below) for item in frozenset.__iter__(value)]}
    if isinstance(value, complex):
        return {"c": [encode(value.real, keep, below), encode(value.imag, keep, below)]}
    if kind is range:
        return {"r": [value.start, value.stop, value.step]}
    if isinstance(value, Fraction | Decimal):  # numbers like any other; checks compare within a tolerance
        with contextlib.suppress(OverflowError, ValueError):
            return encode(float(value), keep, below)
    array = _as_array(value)
    if array is not None:
        return {"x" if isinstance(value, np.generic) else "n": base64.b64encode(_npy(array)).decode()}
    return {"h": keep(value)}


def _as_array(value: Any) -> np.ndarray | None:
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return None if array.dtype.hasobject else array
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        tensor = value.detach().cpu()
        return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    return None


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def decode(data: Any, handle: Callable[[int], Any], depth: int = DEPTH) -> Any:
    """The value that JSON data stands for; `handle` makes what a handle's number stands for.

    Raises:
        WireError: it is not what `encode` makes.
    """
    if depth < 0:
        raise WireError("the value is nested too deeply")
    below = depth - 1
    if data is None or isinstance(data, bool | str | int | float):
        return data
    if isinstance(data, list):
        return [decode(item, handle, below) for item in data]
    if not isinstance(data, dict) or len(data) != 1:
        raise WireError("not a value")
    ((kind, body),) = data.items()
    try:
        if kind == "t":
            return tuple(decode(item, handle, below) for item in body)
        if kind == "d":
            return {decode(k, handle, below): decode(v, handle, below) for k, v in body}
        if kind == "b":
            return base64.b64decode(body, validate=True)
        if kind == "s":
            return {decode(item, handle, below) for item in body}
        if kind == "z":
            return frozenset(decode(item, handle, below) for item in body)
        if kind == "f":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[body]
        if kind == "c":
            real, imaginary = body
            return complex(decode(real, handle, below), decode(imaginary, handle, below))
        if kind == "r":
            start, stop, step = body
            return range(start, stop, step)
        if kind in ("n", "x"):
            # Not numpy.load, which would open an archive of arrays as well.
            array = np.lib.format.read_array(
                io.BytesIO(base64.b64decode(body, validate=True)), allow_pickle=False
            )
            return array if kind == "n" else array[()]
        if kind == "h" and type(body) is int:
            return handle(body)
    except WireError:
        raise
    except Exception as error:  # numpy, base64, unhashable keys: all of them mean that this is no value
        raise WireError(f"not a value: {type(error).__name__}") from None
    raise WireError("not a value")


def is_mutable(value: Any) -> bool:
    """Whether a change to this argument has to travel back."""
    if isinstance(value, list | dict | set | bytearray | np.ndarray):
        return True
    return isinstance(value, tuple) and any(is_mutable(item) for item in value)


def assign(old: Any, new: Any) -> None:
    """Change `old` in place to what `new` is, keeping the containers inside it where they can be kept."""
    if old is new:
        return
    if isinstance(old, list) and isinstance(new, list):
        old[:] = [_kept(old[i] if i < len(old) else None, item) for i, item in enumerate(new)]
    elif isinstance(old, dict) and isinstance(new, dict):
        fresh = {key: _kept(old.get(key), item) for key, item in new.items()}
        old.clear()
        old.update(fresh)
    elif isinstance(old, set) and isinstance(new, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray) and isinstance(new, bytes):
        old[:] = new
    elif isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and old.shape == new.shape:
        np.copyto(old, new, casting="unsafe")
    elif isinstance(old, tuple) and isinstance(new, tuple):
        for was, is_now in zip(old, new, strict=False):
            assign(was, is_now)


def _kept(old: Any, new: Any) -> Any:
    if type(old) is type(new) and is_mutable(old):
        assign(old, new)
        return old
    return new


def send(connection: socket.socket, message: Any) -> None:
    """Send one message.

    Raises:
        WireError: it is too large.
        Closed: nobody is there.
    """
    data = json.dumps(message).encode()
    if len(data) > MESSAGE_BYTES:
        raise WireError(f"the value is too large ({len(data) >> 20} MB)")
    try:
        connection.sendall(_LENGTH.pack(len(data)) + data)
    except OSError as error:
        raise Closed(str(error)) from None


def receive(connection: socket.socket, *, most: int = MESSAGE_BYTES, within_s: float | None = None) -> Any:
    """The next message.

    Args:
        most: the bytes that it may have.
        within_s: how long all of it may take; whoever sends a byte now and then must not hold us up.

    Raises:
        WireError: it is too large, or not JSON.
        Closed: nobody is there any more, or it takes too long.
    """
    until = None if within_s is None else time.monotonic() + within_s
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size, until))
    if length > most:
        raise WireError("a message is too large")
    return parse(_exactly(connection, length, until))


def parse(data: bytes) -> Any:
    """A message's JSON.

    Raises:
        WireError: it is not JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is not JSON ({type(error).__name__})") from None


def _exactly(connection: socket.socket, count: int, until: float | None = None) -> bytes:
    parts = []
    while count:
        try:
            if until is not None:
                connection.settimeout(max(until - time.monotonic(), 0.001))
            part = connection.recv(min(count, 1 << 20))
        except OSError as error:
            raise Closed(str(error)) from None
        if not part:
            raise Closed("the other side closed the connection")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
