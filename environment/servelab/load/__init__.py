"""Load generation, latency statistics, the ledger of results, and the charts drawn from them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# Each name is imported when first used: the scripted engine needs none of the heavy ones.
_HOME = {
    "Run": "generate",
    "arrival_times": "generate",
    "closed_loop": "generate",
    "open_loop": "generate",
    "run_closed_loop": "generate",
    "run_open_loop": "generate",
    "Result": "stats",
    "Summary": "stats",
    "percentile": "stats",
    "spread": "stats",
    "summarise": "stats",
    "watch": "watching",
}
_MODULES = (
    "bench",
    "charts",
    "gateway_charts",
    "generate",
    "ledger",
    "naive",
    "operations_charts",
    "pictures",
    "quantized",
    "quantized_charts",
    "rag_charts",
    "scaling_charts",
    "stats",
    "stream_charts",
    "vector_charts",
    "watching",
)

if TYPE_CHECKING:
    from servelab.load.generate import (  # noqa: F401
        Run,
        arrival_times,
        closed_loop,
        open_loop,
        run_closed_loop,
        run_open_loop,
    )
    from servelab.load.stats import Result, Summary, percentile, spread, summarise  # noqa: F401
    from servelab.load.watching import watch  # noqa: F401

__all__ = [*_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"servelab.load.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"servelab.load.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
