"""What happened to each request of a load run, and the statistics drawn from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


def percentile(values: Iterable[float], q: float) -> float:
    """The `q`-th percentile (0 to 100) with linear interpolation, as `numpy.percentile` computes it.

    `nan` for no values at all.

    Raises:
        ValueError: `q` is outside 0..100.
    """
    if not 0 <= q <= 100:
        raise ValueError(f"A percentile lies between 0 and 100; got {q}.")
    ranked = sorted(values)
    if not ranked:
        return math.nan
    place = (len(ranked) - 1) * q / 100
    low = math.floor(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def spread(values: Iterable[float]) -> dict[str, float]:
    """`{"mean", "p50", "p95", "p99"}` of the values, in their unit; all `nan` for no values."""
    known = list(values)
    mean = math.fsum(known) / len(known) if known else math.nan
    return {"mean": mean, **{f"p{q}": percentile(known, q) for q in (50, 95, 99)}}


@dataclass
class Result:
    """One request, seen from the client. Times in seconds.

    Attributes:
        index: Its place in the list of prompts.
        start_s: When it was sent, counted from the start of the run.
        scheduled_s: When it should have been sent (open loop; equals `start_s` in a closed loop).
        ttft_s: From sending to the first token. A first event that carries only the role does not count. An
            answer that is not streamed brings its first token with its last, so there it equals `e2e_s`.
        itl_s: The gaps between events that carried tokens. An event can hold several.
        e2e_s: From sending to the end of the answer, or to the error.
        prompt_tokens, completion_tokens: As the server's `usage` counts them; where a stream brings no
            usage, completion_tokens is the number of events with tokens.
        error: None, or the error's name: an OpenAI exception such as "RateLimitError"; "TruncatedStream" (the
            stream ended without a finish reason), "StreamError" (the server sent one in the stream),
            "BadAnswer" (not shaped like OpenAI's), "Timeout", or "InFlightLimit" (never sent).
        detail: The error's message in one line.
    """

    index: int = 0
    start_s: float = 0.0
    scheduled_s: float = 0.0
    ttft_s: float | None = None
    itl_s: list[float] = field(default_factory=list)
    e2e_s: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str | None = None
    error: str | None = None
    detail: str | None = None
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether a complete answer came."""
        return self.error is None

    @property
    def tpot_s(self) -> float | None:
        """Time per output token after the first: (e2e - TTFT) / (tokens - 1). None for fewer than 2 tokens,
        and where nothing was streamed."""
        if not self.itl_s or self.completion_tokens < 2:
            return None
        return (self.e2e_s - self.ttft_s) / (self.completion_tokens - 1)


@dataclass(frozen=True)
class Summary:
    """The figures of one run. Rates and times are those of complete answers; failed requests only count as errors.

    The four times are `{"mean", "p50", "p95", "p99"}` in seconds, `nan` where there was nothing to measure.
    `concurrency` is the limit of a closed loop, and the mean number in flight of an open one.
    """

    requests: int
    errors: int
    error_names: dict[str, int]
    concurrency: float
    wall_s: float
    requests_per_s: float
    output_tokens_per_s: float
    prompt_tokens: int
    completion_tokens: int
    ttft_s: dict[str, float]
    itl_s: dict[str, float]
    tpot_s: dict[str, float]
    e2e_s: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: `nan` becomes None."""
        return _without_nan(asdict(self))

    def __str__(self) -> str:
        lines = [
            f"{self.requests - self.errors} of {self.requests} answered in {self.wall_s:.2f} s "
            f"at concurrency {self.concurrency:g}: {self.requests_per_s:.2f} requests/s, "
            f"{self.output_tokens_per_s:.1f} output tokens/s"
        ]
        for name, values in (("TTFT", self.ttft_s), ("ITL", self.itl_s), ("end to end", self.e2e_s)):
            if not math.isnan(values["mean"]):
                cells = "  ".join(f"{key} {value * 1000:8.1f} ms" for key, value in values.items())
                lines.append(f"  {name:<10} {cells}")
        if self.errors:
            lines.append("  errors     " + ", ".join(f"{n} x {name}" for name, n in self.error_names.items()))
        return "\n".join(lines)


def summarise(results: Sequence[Result], wall_s: float, concurrency: float | None = None) -> Summary:
    """Statistics over a run's results. `wall_s`: from the first request sent to the last answer's end."""
    good = [r for r in results if r.ok]
    busy = math.fsum(r.e2e_s for r in results if r.e2e_s is not None)
    return Summary(
        requests=len(results),
        errors=len(results) - len(good),
        error_names=dict(Counter(r.error for r in results if r.error is not None).most_common()),
        concurrency=(busy / wall_s if wall_s else math.nan) if concurrency is None else concurrency,
        wall_s=wall_s,
        requests_per_s=len(good) / wall_s if wall_s else math.nan,
        output_tokens_per_s=sum(r.completion_tokens for r in good) / wall_s if wall_s else math.nan,
        prompt_tokens=sum(r.prompt_tokens for r in good),
        completion_tokens=sum(r.completion_tokens for r in good),
        ttft_s=spread(r.ttft_s for r in good),
        itl_s=spread(gap for r in good for gap in r.itl_s),
        tpot_s=spread(r.tpot_s for r in good if r.tpot_s is not None),
        e2e_s=spread(r.e2e_s for r in good),
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
