"""Watching a running engine: its gauges, sampled from `/metrics` while a load runs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families

from servelab.errors import CourseError

GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc")


@contextlib.contextmanager
def watch(
    url: str, names: Sequence[str] = GAUGES, *, every_s: float = 0.2
) -> Iterator[list[dict[str, float]]]:
    """Sample metrics from `url`/metrics in the background while the block runs.

    Yields a list that grows: one dict a sample, with "t_s" (seconds since the block began) and each name's
    value, summed over its labels. Counters are asked for with their full name, `..._total`. A sample that
    fails (a server that stops under load) is left out.

    Raises:
        CourseError: at the start, when nothing answers at `url`/metrics or a name is not among its metrics.
    """
    samples: list[dict[str, float]] = []
    start = time.perf_counter()
    stop = threading.Event()
    with httpx.Client(timeout=10, trust_env=False) as client:

        def sample() -> None:
            answer = client.get(f"{url}/metrics")
            # The middle of the request is the best guess of when the server looked.
            answered = time.perf_counter() - start - answer.elapsed.total_seconds() / 2
            samples.append({"t_s": answered, **_values(answer.text, names)})

        def poll() -> None:
            while not stop.wait(every_s):
                with contextlib.suppress(httpx.HTTPError):
                    sample()

        try:
            sample()
        except httpx.HTTPError as error:
            raise CourseError(
                f"Nothing answers at {url}/metrics ({type(error).__name__}): is the engine running?"
            ) from None
        missing = [name for name in names if name not in samples[0]]
        if missing:
            raise CourseError(f"{url}/metrics has no {', '.join(missing)}.")
        thread = threading.Thread(target=poll, name="watch", daemon=True)
        thread.start()
        try:
            yield samples
        finally:
            stop.set()
            thread.join()
            with contextlib.suppress(httpx.HTTPError):
                sample()


def _values(text: str, names: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in names:
                values[sample.name] = values.get(sample.name, 0.0) + sample.value
    return values
