"""Asking again and again until something is there, with a bar for what takes longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from servelab import progress

Found = TypeVar("Found")
_QUIET_S = 3.0  # no bar for what is over by then
_FORMAT = "{desc} {bar} {n:.0f} of at most {total:.0f} s"


def until(find: Callable[[], Found | None], seconds: float, what: str) -> Found | None:
    """What `find` gives, as soon as it gives anything; None if that takes too long.

    Args:
        find: asked again at once after it gave nothing, so it should pause itself.
        seconds: how long at most.
        what: what is waited for, in front of the bar.
    """
    started, bar = time.monotonic(), None
    try:
        while not (found := find()):
            waited = time.monotonic() - started
            if waited > seconds:
                return None
            if waited > _QUIET_S and bar is None:
                bar = progress.bar(total=seconds, desc=what, bar_format=_FORMAT)
            if bar is not None:
                bar.update(min(waited, seconds) - bar.n)
        return found
    finally:
        if bar is not None:
            bar.close()
