"""Series of an engine that one describes in a few words, in the notation in which promtool takes them.

A replica is a list of phases. In each of them it finishes so many requests a second, of which such a share took so long, and so
on; from that follow its counters, gauges and histograms, by vLLM's own names, and they agree with each other.
See https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STEP_S = 15

#: Upper bounds of some of vLLM's buckets, as its page writes them.
TTFT_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
E2E_BOUNDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
REASONS = ("stop", "length", "abort", "error", "repetition")


@dataclass(frozen=True)
class Phase:
    """What one replica does for some minutes.

    Attributes:
        minutes: how long.
        rps: requests that come to their end, per second.
        ttft: share of them by the bound (seconds) of the bucket in which their time to first token lies; `math.inf` for none of them.
        e2e: the same for the whole latency.
        reasons: share of them by `finished_reason`; what is missing to 1 is "stop".
        prompt_tokens, tokens: of one request, read and generated.
        cached: share of the prompts' tokens that the prefix cache held.
        running, waiting, kv: the gauges; `kv` from 0 to 1.
        preemptions_per_s: how often a request had to give its blocks up.
        state: "up"; "down", where nobody answers the scrape and everything begins at zero afterwards; "gone", where it is no
            target any more.
    """

    minutes: float
    rps: float = 2.0
    ttft: Mapping[float, float] = field(default_factory=lambda: {0.1: 1.0})
    e2e: Mapping[float, float] = field(default_factory=lambda: {2.5: 1.0})
    reasons: Mapping[str, float] = field(default_factory=dict)
    prompt_tokens: float = 400
    tokens: float = 100
    cached: float = 0.0
    running: float = 4
    waiting: float = 0
    kv: float = 0.3
    preemptions_per_s: float = 0.0
    state: str = "up"


def replica(
    instance: str, phases: Sequence[Phase], *, job: str = "vllm", model: str = "m", step_s: int = STEP_S
) -> dict[str, str]:
    """The series of one engine, a sample every `step_s` seconds from the start of the first phase on.

    Returns:
        Samples by series, as `servelab.monitoring.promql.values_of` takes them; give it `interval=f"{step_s}s"`.
    """
    labels = f'job="{job}",instance="{instance}"'
    of_model = f'{labels},model_name="{model}",engine="0"'
    made = {f"up{{{labels}}}": _gauge(phases, step_s, lambda p: float(p.state == "up"), always=True)}

    def gauge(name: str, value) -> None:
        made[f"vllm:{name}{{{of_model}}}"] = _gauge(phases, step_s, value)

    def counter(name: str, per_s, more: str = "") -> None:
        made[f"vllm:{name}{{{of_model}{more}}}"] = _counter(phases, step_s, per_s)

    def histogram(name: str, bounds: Sequence[float], shares, mean) -> None:
        for bound in (*bounds, math.inf):
            le = "+Inf" if math.isinf(bound) else repr(float(bound))
            counter(
                f"{name}_bucket",
                lambda p, b=bound: p.rps * sum(s for edge, s in shares(p).items() if edge <= b),
                f',le="{le}"',
            )
        counter(f"{name}_count", lambda p: p.rps)
        counter(f"{name}_sum", lambda p: p.rps * mean(p))

    gauge("num_requests_running", lambda p: p.running)
    gauge("num_requests_waiting", lambda p: p.waiting)
    gauge("kv_cache_usage_perc", lambda p: p.kv)
    counter("num_preemptions_total", lambda p: p.preemptions_per_s)
    counter("generation_tokens_total", lambda p: p.rps * p.tokens)
    counter("prompt_tokens_total", lambda p: p.rps * p.prompt_tokens)
    counter("prefix_cache_queries_total", lambda p: p.rps * p.prompt_tokens)
    counter("prefix_cache_hits_total", lambda p: p.rps * p.prompt_tokens * p.cached)
    for reason in REASONS:
        counter(
            "request_success_total",
            lambda p, r=reason: p.rps * _share(p, r),
            f',finished_reason="{reason}"',
        )
    histogram("time_to_first_token_seconds", TTFT_BOUNDS, lambda p: p.ttft, lambda p: _mean(p.ttft))
    histogram("e2e_request_latency_seconds", E2E_BOUNDS, lambda p: p.e2e, lambda p: _mean(p.e2e))
    counter("request_generation_tokens_count", lambda p: p.rps)
    counter("request_generation_tokens_sum", lambda p: p.rps * p.tokens)
    return made


def fleet(replicas: Mapping[str, Sequence[Phase]], **options) -> dict[str, str]:
    """The series of several engines, phases by `instance`; options as of `replica`."""
    return {
        name: samples
        for instance, phases in replicas.items()
        for name, samples in replica(instance, phases, **options).items()
    }


def _share(phase: Phase, reason: str) -> float:
    if reason == "stop":
        return phase.reasons.get("stop", 1 - sum(phase.reasons.values()))
    return phase.reasons.get(reason, 0.0)


def _mean(shares: Mapping[float, float]) -> float:
    """A mean that lies within the buckets: each request at the bound of its own."""
    return sum((60.0 if math.isinf(bound) else bound) * share for bound, share in shares.items())


def _steps(phase: Phase, step_s: int) -> int:
    return round(phase.minutes * 60 / step_s)


def _gauge(phases: Sequence[Phase], step_s: int, value, *, always: bool = False) -> str:
    pieces = []
    for phase in phases:
        count = _steps(phase, step_s)
        if phase.state == "up" or (always and phase.state == "down"):
            pieces.append(f"{_number(value(phase))}x{count - 1}")
        else:
            pieces += _nothing(count)
    return " ".join(pieces)


def _counter(phases: Sequence[Phase], step_s: int, per_s) -> str:
    pieces, reached = [], None
    for phase in phases:
        count = _steps(phase, step_s)
        if phase.state != "up":
            pieces += _nothing(count)
            reached = None
            continue
        grows = per_s(phase) * step_s
        first = 0.0 if reached is None else reached + grows
        pieces.append(f"{_number(first)}+{_number(grows)}x{count - 1}")
        reached = first + grows * (count - 1)
    return " ".join(pieces)


def _nothing(count: int) -> list[str]:
    """What Prometheus keeps of a series that it gets no more: a marker that it ended, and then nothing."""
    return ["stale", *([f"_x{count - 1}"] if count > 1 else [])]


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
