"""One engine that serves the course's model and adapters beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from servelab import engine, progress
from servelab.engine import artefacts, profiles
from servelab.engine.client import Engine
from servelab.errors import CourseError
from servelab.load.generate import Run, closed_loop, run_sync
from servelab.lora import tickets

TOKENS = 32


def labels() -> Path:
    """The course's second adapter, made now if need be: it turns a ticket into a line such as `delivery/high`."""
    return artefacts.ensure(artefacts.ARTEFACTS[artefacts.LABELS])


def model_bytes() -> int:
    """What the base model's weights take on disk."""
    return sum(path.stat().st_size for path in artefacts.model_path("cpu").glob("*.safetensors"))


def serve(adapters: Mapping[str, str | os.PathLike[str]], **options: Any) -> Engine:
    """An engine with SmolLM2-135M and these adapters, {name: folder}, that can load and unload others while it runs.

    Args:
        options: as of `engine.serve`.

    Raises:
        EngineError: a folder holds no adapter, or the engine did not start.
    """
    if profiles.profile().name == "gpu":  # it would hold a larger model, and the adapters belong to this one
        options = {"model": artefacts.model_path("cpu"), **options}
    return engine.serve(lora=adapters, **options)


def throughput(
    running: Engine, adapters: Sequence[str], texts: Sequence[str], *, concurrency: int = 8
) -> dict[str, float]:
    """Output tokens/s with `concurrency` requests in flight: to the base, to the first adapter, and to all of them mixed.

    Each request answers with exactly `TOKENS` tokens. Each way runs after a short warm-up, on the same tickets.

    Returns:
        {"base", "one adapter", "base and adapters mixed"}: tokens/s.

    Raises:
        CourseError: a request failed.
    """
    ways = {
        "base": [running.model],
        "one adapter": [adapters[0]],
        "base and adapters mixed": [running.model, *adapters],
    }
    rates = {}
    for name, models in ways.items():
        _run(running, models, texts[:concurrency], concurrency, 4, "")
        rates[name] = _run(running, models, texts[: 2 * concurrency], concurrency, TOKENS, name)
    return rates


def _run(
    running: Engine, models: Sequence[str], texts: Sequence[str], concurrency: int, most: int, desc: str
) -> float:
    """Output tokens/s of all texts, dealt out to the models, with so many requests in flight in all."""
    parts = [
        (
            model,
            [tickets.messages(text) for text in texts[i :: len(models)]],
            len(range(i, concurrency, len(models))),
        )
        for i, model in enumerate(models)
    ]

    async def together() -> list[Run]:
        return await asyncio.gather(
            *(
                closed_loop(
                    running.base_url,
                    model,
                    prompts,
                    concurrency=share,
                    max_tokens=most,
                    ignore_eos=True,
                    desc="",
                )
                for model, prompts, share in parts
            )
        )

    with progress.bar(total=1, desc=desc) if desc else contextlib.nullcontext() as bar:
        began = time.perf_counter()
        runs = run_sync(together)
        seconds = time.perf_counter() - began
        if bar is not None:
            bar.update(1)
    if failed := [result for run in runs for result in run.results if result.error]:
        raise CourseError(f"{len(failed)} requests failed: {failed[0].error}, {failed[0].detail}")
    return len(texts) * most / seconds
