"""The scripted engine's `/metrics`: vLLM's names, labels and histogram buckets, filled from the schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Buckets and descriptions are those of vllm/v1/metrics/{buckets,loggers}.py in vLLM 0.32;
# tests/engine/test_scripted_metrics.py compares them with the installed vLLM.
LATENCY_BUCKETS = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
TTFT_BUCKETS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
ITL_BUCKETS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0),
)
FINISH_REASONS = ("stop", "length", "abort", "error", "repetition")
BLOCK_TOKENS = 16


def token_buckets(max_model_len: int) -> list[float]:
    """vLLM's 1-2-5 series of token counts up to `max_model_len`."""
    series = (m * 10**e for e in range(12) for m in (1, 2, 5))
    return [value for value in series if value <= max_model_len]


class ScriptedMetrics:
    """All the metric families of one scripted engine, each with vLLM's `model_name` and `engine` labels.

    Gauges are read at scrape time from the callables given, so they can never lag behind the log.
    """

    def __init__(
        self,
        model: str,
        max_model_len: int,
        kv_blocks: int,
        *,
        running: Callable[[], float],
        waiting: Callable[[], float],
        kv_usage: Callable[[], float],
    ) -> None:
        self.registry = CollectorRegistry()
        self._labels = {"model_name": model, "engine": "0"}
        self._gauge("vllm:num_requests_running", "Number of requests in model execution batches.", running)
        self._gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.", waiting)
        self._gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", kv_usage)
        self._cache_config(kv_blocks)
        counter = self._counter
        self.prefix_queries = counter(
            "vllm:prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens."
        )
        self.prefix_hits = counter(
            "vllm:prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens."
        )
        self.preemptions = counter("vllm:num_preemptions", "Cumulative number of preemption from the engine.")
        self.prompt_tokens = counter("vllm:prompt_tokens", "Number of prefill tokens processed.")
        self.generation_tokens = counter("vllm:generation_tokens", "Number of generation tokens processed.")
        success = Counter(
            "vllm:request_success",
            "Count of successfully processed requests.",
            [*self._labels, "finished_reason"],
            registry=self.registry,
        )
        self.success = {r: success.labels(**self._labels, finished_reason=r) for r in FINISH_REASONS}
        seconds, tokens = self._histogram, token_buckets(max_model_len)
        self.ttft = seconds(
            "vllm:time_to_first_token_seconds",
            "Histogram of time to first token in seconds.",
            TTFT_BUCKETS,
        )
        self.itl = seconds(
            "vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", ITL_BUCKETS
        )
        self.tpot = seconds(
            "vllm:request_time_per_output_token_seconds",
            "Histogram of time_per_output_token_seconds per request.",
            ITL_BUCKETS,
        )
        self.e2e = seconds(
            "vllm:e2e_request_latency_seconds",
            "Histogram of e2e request latency in seconds.",
            LATENCY_BUCKETS,
        )
        self.phases = {
            phase: seconds(
                f"vllm:request_{phase}_time_seconds",
                f"Histogram of time spent in {state} phase for request.",
                LATENCY_BUCKETS,
            )
            for phase, state in (
                ("queue", "WAITING"),
                ("inference", "RUNNING"),
                ("prefill", "PREFILL"),
                ("decode", "DECODE"),
            )
        }
        self.request_prompt = seconds(
            "vllm:request_prompt_tokens", "Number of prefill tokens processed.", tokens
        )
        self.request_generation = seconds(
            "vllm:request_generation_tokens", "Number of generation tokens processed.", tokens
        )

    def text(self) -> str:
        """The Prometheus exposition text, as `GET /metrics` returns it."""
        return generate_latest(self.registry).decode()

    def started(self, prompt_tokens: int, cached_tokens: int) -> None:
        """A request got its slot: its prompt was looked up in the prefix cache and is being read."""
        self.prefix_queries.inc(prompt_tokens)
        self.prefix_hits.inc(cached_tokens)

    def finished(self, record: dict[str, Any], finish_reason: str) -> None:
        """A request came to its end (`finish_reason` "abort" when its client left): take its times."""
        self.success[finish_reason].inc()
        self.request_generation.observe(record["completion_tokens"])
        self.request_prompt.observe(record["prompt_tokens"])
        arrived, finished, started = record["arrived_s"], record["finished_s"], record["started_s"]
        self.e2e.observe(finished - arrived)
        if started is None:  # it left the queue without having been served
            return
        self.phases["queue"].observe(started - arrived)
        self.phases["inference"].observe(finished - started)
        times = record["token_s"]
        if not times:
            return
        self.phases["prefill"].observe(times[0] - started)
        self.phases["decode"].observe(times[-1] - times[0])
        if len(times) > 1:
            self.tpot.observe((times[-1] - times[0]) / (len(times) - 1))

    def token(self, record: dict[str, Any]) -> None:
        """The newest token in `record["token_s"]` has just been produced."""
        times = record["token_s"]
        self.generation_tokens.inc()
        if len(times) == 1:
            self.prompt_tokens.inc(record["prompt_tokens"])
            self.ttft.observe(times[0] - record["arrived_s"])
        else:
            self.itl.observe(times[-1] - times[-2])

    def _gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        gauge = Gauge(name, text, list(self._labels), registry=self.registry)
        gauge.labels(**self._labels).set_function(read)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, list(self._labels), registry=self.registry).labels(**self._labels)

    def _histogram(self, name: str, text: str, buckets: Any) -> Histogram:
        family = Histogram(name, text, list(self._labels), registry=self.registry, buckets=list(buckets))
        return family.labels(**self._labels)

    def _cache_config(self, kv_blocks: int) -> None:
        info = {
            "block_size": str(BLOCK_TOKENS),
            "enable_prefix_caching": "True",
            "num_gpu_blocks": str(kv_blocks),
        }
        gauge = Gauge(
            "vllm:cache_config_info",
            "Information of the LLMEngine CacheConfig",
            ["engine", *info],
            registry=self.registry,
        )
        gauge.labels(engine="0", **info).set(1)
