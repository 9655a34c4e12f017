"""A Qdrant client that notes what it is asked to do: how many points a request carries, which fields are indexed, and when."""

from __future__ import annotations

import functools
from collections.abc import Sized
from typing import Any

_UPLOADS = ("upload_points", "upload_collection")  # they divide what they get into requests themselves
_BATCH = 64  # of these two, unless the caller says otherwise


class Tap:
    """Passes everything on to a client.

    Attributes:
        calls: in order, one for each method that was called: {"call": its name}, and for requests that carry points
            "points" (how many in one request; the most that one may have for the uploads), for payload indexes "field"
            and "kind" ("keyword", "integer", ...).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        told = getattr(self._client, name)
        if not callable(told):
            return told

        @functools.wraps(told)
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append({"call": name, **_about(name, args, kwargs)})
            return told(*args, **kwargs)

        return call


def _about(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What is worth noting of a call. The first argument of all of these is the collection."""

    def given(place: int, key: str) -> Any:
        return args[place] if len(args) > place else kwargs.get(key)

    if name == "upsert":
        points = given(1, "points")
        return {"points": _length(getattr(points, "ids", points))}
    if name in _UPLOADS:
        return {"points": kwargs.get("batch_size", _BATCH)}
    if name == "create_payload_index":
        return {"field": given(1, "field_name"), "kind": _kind(given(2, "field_schema"))}
    return {}


def _length(points: Any) -> int:
    return len(points) if isinstance(points, Sized) else 0


def _kind(schema: Any) -> str:
    """The kind of a payload index, however it was said: a word, the enumeration, or parameters that have a type."""
    value = getattr(schema, "type", schema)
    return str(getattr(value, "value", value))
