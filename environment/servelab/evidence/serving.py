"""Serving measured a part at a time: prefix cache, streaming, replicas, adapters. Each returns figures, samples and ratios."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from servelab import engine
from servelab.engine import artefacts
from servelab.engine.replicas import Replicas
from servelab.errors import CourseError
from servelab.load.bench import SEED, prompts
from servelab.load.generate import Run, closed_loop, run_closed_loop, run_sync
from servelab.load.records import spread_of
from servelab.load.stats import Result

SEEDED = ("--seed", str(SEED))
PREFIX_SENTENCES = 90  # of a dozen tokens each: over a thousand tokens that requests have in common
PREFIXES = 2  # different ones a round; each is asked cold once and warm once
STREAM_TOKENS, STREAM_LEVELS = 128, ((1, 2), (8, 8), (16, 16))  # (requests in flight, requests sent)
REPLICA_TOKENS, REPLICA_IN_FLIGHT, REPLICA_REQUESTS = 64, 16, 64
LORA_TOKENS, LORA_IN_FLIGHT, LORA_REQUESTS = 32, 8, 16


def checked(run: Run, tokens: int | None = None) -> Run:
    """The run, if every request was answered, and with `tokens` tokens where that is asked.

    Raises:
        CourseError: one was not.
    """
    for result in run.results:
        if not result.ok:
            raise CourseError(f"A request failed: {result.error}: {result.detail}")
        if tokens is not None and result.completion_tokens != tokens:
            raise CourseError(f"An answer has {result.completion_tokens} tokens instead of {tokens}.")
    return run


def medians(samples: dict[str, list[float]]) -> dict[str, float]:
    """The figures: each sample's median, four digits."""
    return {name: float(f"{spread_of(values).median:.4g}") for name, values in samples.items()}


def prefix(number: int) -> str:
    """A text of over a thousand tokens that differs from every other number's from its first words on."""
    return f"Notes of reader {number}. " + " ".join(prompts(PREFIX_SENTENCES))


def prefix_cache(repeats: int, *, args: Sequence[str] = (), model: Any = None) -> dict[str, Any]:
    """TTFT of a long prompt seen for the first time and seen again, with the prefix cache and without it.

    Args:
        repeats: rounds on each of the two engines; each round has `PREFIXES` prefixes of its own.
        args, model: of the engines, beside the course's own.

    Raises:
        EngineError: an engine does not start.
        CourseError: a request failed.
    """
    samples: dict[str, list[float]] = {}
    backend = ""
    for kind, flag in (("on", "--enable-prefix-caching"), ("off", "--no-enable-prefix-caching")):
        with engine.serve([flag, *SEEDED, *args], model=model) as running:
            backend = running.backend
            first_token_s(
                running, prompts(1)[0]
            )  # the first request of all pays for what is set up only once
            for number in range(repeats):
                cold, warm = _cold_and_warm(running, range(number * PREFIXES, (number + 1) * PREFIXES))
                samples.setdefault(f"{kind}_cold_ttft_s", []).append(cold)
                samples.setdefault(f"{kind}_warm_ttft_s", []).append(warm)
            running.stop()
    return {
        **medians(samples),
        "backend": backend,
        "samples": samples,
        "ratios": {f"cold_over_warm_{k}": [f"{k}_cold_ttft_s", f"{k}_warm_ttft_s"] for k in ("on", "off")},
    }


def first_token_s(running: engine.Engine, prompt: str | list[int]) -> float:
    """TTFT of one request on an idle engine. Raises: CourseError."""
    ask = {"concurrency": 1, "max_tokens": 2, "ignore_eos": True, "desc": ""}
    run = checked(run_closed_loop(running.base_url, running.model, [prompt], **ask))
    if (ttft_s := run.results[0].ttft_s) is None:
        raise CourseError("An answer came without a first token.")
    return ttft_s


def _cold_and_warm(running: engine.Engine, numbers: Iterable[int]) -> tuple[float, float]:
    cold, warm = [], []
    for number in numbers:
        cold.append(first_token_s(running, prefix(number) + " Sum up the notes:"))
        warm.append(first_token_s(running, prefix(number) + " Name what they praise:"))
    return spread_of(cold).median, spread_of(warm).median


def streaming(repeats: int, *, args: Sequence[str] = (), model: Any = None) -> dict[str, Any]:
    """Median seconds until the first token and until the whole answer, at several numbers of requests in flight.

    Raises: EngineError, CourseError.
    """
    samples: dict[str, list[float]] = {}
    with engine.serve([*SEEDED, *args], model=model) as running:
        ask = {"max_tokens": STREAM_TOKENS, "ignore_eos": True}
        run_closed_loop(running.base_url, running.model, prompts(2), concurrency=2, desc="warming up", **ask)
        for number in range(repeats):
            for level, count in STREAM_LEVELS:
                desc = f"round {number + 1}, {level} in flight"
                run = run_closed_loop(
                    running.base_url, running.model, prompts(count), concurrency=level, desc=desc, **ask
                )
                summary = checked(run, STREAM_TOKENS).summary()
                samples.setdefault(f"c{level}_ttft_s", []).append(summary.ttft_s["p50"])
                samples.setdefault(f"c{level}_e2e_s", []).append(summary.e2e_s["p50"])
                samples.setdefault(f"c{level}_rps", []).append(summary.requests_per_s)
        backend = running.backend
        running.stop()
    return {
        **medians(samples),
        "backend": backend,
        "samples": samples,
        "ratios": {f"answer_over_first_c{n}": [f"c{n}_e2e_s", f"c{n}_ttft_s"] for n, _ in STREAM_LEVELS},
    }


def replicas(repeats: int, *, args: Sequence[str] = ()) -> dict[str, Any]:
    """Requests/s of one engine, and of two on the same cores, with as many requests in flight in all.

    Raises: EngineError, CourseError.
    """
    samples: dict[str, list[float]] = {}
    backend = ""
    for _ in range(repeats):
        for count in (1, 2):
            with Replicas(count, [*SEEDED, *args]) as several:
                backend = several.engines[0].backend
                targets = [(e.base_url, e.model) for e in several.engines]
                _together(targets, 4 * count, 2 * count, REPLICA_TOKENS)
                rate = _together(targets, REPLICA_REQUESTS, REPLICA_IN_FLIGHT, REPLICA_TOKENS)
                samples.setdefault(f"replicas_{count}_rps", []).append(rate)
    return {
        **medians(samples),
        "backend": backend,
        "samples": samples,
        "ratios": {"two_over_one": ["replicas_2_rps", "replicas_1_rps"]},
    }


def lora(repeats: int, *, args: Sequence[str] = ()) -> dict[str, Any]:
    """Requests/s of one engine for the base model, for an adapter, and for both in the same batches.

    Raises: EngineError, CourseError.
    """
    adapter = artefacts.ensure(artefacts.ARTEFACTS[artefacts.LABELS])
    samples: dict[str, list[float]] = {}
    with engine.serve([*SEEDED, *args], lora={"tickets": adapter}) as running:
        base, tuned = (running.base_url, running.model), (running.base_url, "tickets")
        ways = {"base": [base], "adapter": [tuned], "mixed": [base, tuned]}
        for targets in ways.values():
            _together(targets, 2 * len(targets), 2 * len(targets), LORA_TOKENS)
        for _ in range(repeats):
            for way, targets in ways.items():
                rate = _together(targets, LORA_REQUESTS, LORA_IN_FLIGHT, LORA_TOKENS)
                samples.setdefault(f"{way}_rps", []).append(rate)
        backend = running.backend
        running.stop()
    return {
        **medians(samples),
        "backend": backend,
        "samples": samples,
        "ratios": {
            "adapter_over_base": ["adapter_rps", "base_rps"],
            "mixed_over_base": ["mixed_rps", "base_rps"],
        },
    }


def _together(targets: Sequence[tuple[str, str]], requests: int, in_flight: int, tokens: int) -> float:
    """Requests/s over all targets (address, model), which share the requests and those in flight, at the same time."""

    def loop(number: int) -> Any:
        address, name = targets[number]
        mine = prompts(requests)[number :: len(targets)]
        ask = {"max_tokens": tokens, "ignore_eos": True, "desc": "" if number else None}
        return closed_loop(address, name, mine, concurrency=max(1, in_flight // len(targets)), **ask)

    async def all_of_them() -> list[Run]:
        return await asyncio.gather(*(loop(n) for n in range(len(targets))))

    runs: list[Run] = run_sync(all_of_them)
    results: list[Result] = [r for run in runs for r in checked(run, tokens).results]
    return len(results) / max(run.wall_s for run in runs)
