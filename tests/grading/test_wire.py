"""What crosses between judge and student: by value where it is plain data, never as code."""

from __future__ import annotations

import collections
import json
import math
import socket
import struct
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from servelab.grading import wire


def across(value):
    """A value after a trip; objects come back as ("handle", number)."""
    kept = []

    def keep(thing):
        kept.append(thing)
        return len(kept) - 1

    data = json.loads(json.dumps(wire.encode(value, keep)))
    return wire.decode(data, lambda number: ("handle", number))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(10**30),
        1.5,
        "text \U0001f680 \udc80 \x00",
        b"\x00\xff",
        [1, [2.0, None]],
        (1, "a"),
        {"a": {1: (2,)}, None: []},
        {1, 2},
        frozenset({"a"}),
        1 + 2j,
        range(1, 9, 2),
        math.inf,
    ],
)
def test_plain_data_keeps_its_type(value):
    back = across(value)
    assert back == value and type(back) is type(value)


def test_nan_arrays_and_numpy_numbers():
    assert math.isnan(across(float("nan")))
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    assert np.array_equal(across(array), array) and across(array).dtype == array.dtype
    assert across(np.float64(2.5)) == 2.5 and isinstance(across(np.int8(3)), np.int8)


def test_subclasses_cross_as_what_they_are_made_of():
    class Liar(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    class Text(str):
        def __eq__(self, other):
            return True

        __hash__ = str.__hash__

    assert type(across(Liar(3))) is int and across(Liar(3)) != 4
    assert type(across(Text("a"))) is str and across(Text("a")) != "b"
    assert type(across(collections.Counter("aab"))) is dict
    assert type(across(collections.namedtuple("P", "x y")(1, 2))) is tuple


def test_exact_numbers_cross_as_numbers():
    assert across([Fraction(70, 45), Decimal("0.25")]) == [70 / 45, 0.25]
    assert across(Fraction(10**400)) == ("handle", 0) and across(Decimal("sNaN")) == ("handle", 0)


def test_other_objects_cross_as_handles_only():
    assert across(object()) == ("handle", 0)
    assert across([len, np.array([object()])]) == [("handle", 0), ("handle", 1)]


@pytest.mark.parametrize(
    "data",
    [
        {"?": 1},
        {"t": 1},
        {"h": "0"},
        {"h": True},
        {"b": "*"},
        {"d": [[{"s": []}, 1], [[], 2]]},
        {"n": "AAAA"},
        {"f": "1e9"},
        {"a": 1, "b": 2},
        {"r": [1, 2, 0]},
    ],
)
def test_what_is_no_value_is_refused(data):
    with pytest.raises(wire.WireError):
        wire.decode(data, lambda number: number)


def test_a_pickle_in_an_array_is_refused():
    import base64
    import io

    file = io.BytesIO()
    np.save(file, np.array([print]), allow_pickle=True)
    with pytest.raises(wire.WireError):
        wire.decode({"n": base64.b64encode(file.getvalue()).decode()}, lambda number: number)


def test_deep_nesting_is_refused_both_ways():
    deep: list = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(wire.WireError):
        wire.encode(deep, lambda thing: 0)
    with pytest.raises(wire.WireError):
        wire.decode(deep, lambda number: number)
    with pytest.raises(wire.WireError):
        wire.parse(b"[" * 100_000)


def test_a_message_that_claims_to_be_huge_is_refused():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(struct.pack(">I", wire.MESSAGE_BYTES + 1))
        with pytest.raises(wire.WireError, match="too large"):
            wire.receive(ours)
    with pytest.raises(wire.Closed):
        wire.receive(socket.socketpair()[0])


def test_changes_are_assigned_in_place():
    inner: list = [3, 1, 2]
    old = {"a": inner, "b": {1}}
    wire.assign(old, {"a": [1, 2, 3], "c": 4})
    assert old == {"a": [1, 2, 3], "c": 4} and old["a"] is inner
    array = np.zeros(3)
    wire.assign(([array],), ([np.ones(3)],))
    assert array.sum() == 3
