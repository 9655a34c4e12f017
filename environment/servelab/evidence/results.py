"""What the first page shows: each step of the course on a CPU, on a GPU, and as the course's sources claim it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servelab.errors import CourseError
from servelab.evidence.claims import Claim, claim
from servelab.load import measurements
from servelab.load.records import Spread, ratio_values, spread_of

NOT_YET = "not yet measured"
_Record = Mapping[str, Any]


@dataclass(frozen=True)
class Value:
    """A figure of one file: its middle, its spread where it was repeated, the file's name and its source line."""

    middle: float
    spread: Spread | None
    file: str
    origin: str


@dataclass(frozen=True)
class Row:
    """One step of one metric; None where nobody has measured it, and the words say why."""

    group: str
    label: str
    unit: str
    cpu: Value | None
    gpu: Value | None
    claim: Claim | None
    cpu_words: str = NOT_YET
    gpu_words: str = NOT_YET


@dataclass(frozen=True)
class Source:
    """Where a figure stands: in a file, as a sample or a ratio of it, or computed from its figures."""

    file: str
    name: str
    figure: Callable[[_Record], Any] | None = None

    def value(self, folder: Path | None = None) -> Value | None:
        """The figure, or None while there is no such file or the file does not have it."""
        if self.file not in measurements.names(folder):
            return None
        record = measurements.read(self.file, folder)
        origin = measurements.source_line(record)
        if self.name in record["ratios"]:
            spread = spread_of(ratio_values(record, self.name))
        elif self.name in record["samples"]:
            spread = spread_of(record["samples"][self.name])
        elif self.figure is not None:
            found = self.figure(record["figures"])
            return None if found is None else Value(float(found), None, self.file, origin)
        elif self.file.endswith("-cpu"):
            raise KeyError(self.name)
        else:
            return None  # a step of the GPU run that is still open
        return Value(spread.median, spread, self.file, origin)


def _smaller(name: str) -> Callable[[_Record], float]:
    return lambda figures: figures["formats"]["bf16"]["bytes"] / figures["formats"][name]["bytes"]


def _claimed(key: str) -> Callable[[_Record], Any]:
    """What the GPU's record measured of a claim."""

    def take(figures: _Record) -> Any:
        found = figures["claims"][key]["measured"]
        return None if found == NOT_YET else found

    return take


RATES, TIMES, OTHER = "Requests a second", "How many times", "Other figures"
_ONE_CARD = "one card"
_CPU_ONLY = "CPU only"

#: group, label, unit, source on a CPU and on a GPU or why there is none, key of the claim.
_ROWS: tuple[tuple[str, str, str, Source | str, Source | str, str | None], ...] = (
    (RATES, "naive server", "requests/s", Source("serving-cpu", "naive_rps"),
     Source("serving-gpu", "naive_rps"), "naive_rps"),
    (RATES, "vLLM, its best level", "requests/s", Source("serving-cpu", "vllm_rps"),
     Source("serving-gpu", "", _claimed("vllm_rps")), "vllm_rps"),
    (RATES, "vLLM, 16 bits, 8 in flight", "requests/s",
     Source("quantization-cpu", "bf16_c8_rps"),
     Source("serving-gpu", "bf16_c8_rps"), None),
    (RATES, "vLLM, AWQ, 8 in flight", "requests/s",
     Source("quantization-cpu", "awq_c8_rps"),
     Source("serving-gpu", "awq_c8_rps"), None),
    (RATES, "two replicas, 16 in flight", "requests/s", Source("replicas-cpu", "replicas_2_rps"), _ONE_CARD, None),
    (TIMES, "vLLM over naive, requests/s", "times", Source("serving-cpu", "vllm_over_naive"),
     Source("serving-gpu", "", _claimed("vllm_over_naive")), "vllm_over_naive"),
    (TIMES, "the fastest format over naive", "times", "GPU only",
     Source("serving-gpu", "", _claimed("all_over_naive")), "all_over_naive"),
    (TIMES, "AWQ over 16 bits, requests/s", "times",
     Source("quantization-cpu", "awq_over_bf16_c8"),
     Source("serving-gpu", "awq_over_bf16_c8"), "awq_over_16_bits"),
    (TIMES, "AWQ, how much smaller", "times", Source("quantization-cpu", "", _smaller("AWQ")),
     Source("serving-gpu", "", _claimed("awq_size")), "awq_size"),
    (TIMES, "8 bits over 16 bits, requests/s", "times",
     Source("quantization-cpu", "int8_over_bf16_c8"),
     Source("serving-gpu", "fp8_over_bf16_c8"), None),
    (TIMES, "two replicas over one", "times", Source("replicas-cpu", "two_over_one"), _ONE_CARD, None),
    (TIMES, "first token sooner, prefix cached", "times", Source("prefix-cache-cpu", "cold_over_warm_on"),
     Source("serving-gpu", "cold_over_warm_on"), None),
    (TIMES, "first token sooner, streamed", "times", Source("streaming-cpu", "answer_over_first_c1"),
     Source("serving-gpu", "answer_over_first_c1"), "streaming"),
    (TIMES, "LoRA adapter over base, requests/s", "times", Source("lora-serving-cpu", "adapter_over_base"), _CPU_ONLY, None),
    (TIMES, "grading: ours over stock nbgrader", "times", Source("grading-cpu", "ours_over_stock"),
     _CPU_ONLY, None),
    (OTHER, "vectors alone, nDCG@10", "", Source("retrieval-cpu", "dense_ndcg_at_10"), _CPU_ONLY, None),
    (OTHER, "fused and reranked, nDCG@10", "", Source("retrieval-cpu", "rrf_maxsim_ndcg_at_10"),
     _CPU_ONLY, None),
    (OTHER, "set-up with nothing there, downloads included", "s", Source("setup-cpu", "first_s"), _CPU_ONLY, None),
    (OTHER, "set-up with the packages in the cache", "s", Source("setup-cpu", "cached_s"), _CPU_ONLY, None),
    (OTHER, "the engine is ready after", "s", Source("setup-cpu", "engine_ready_s"), _CPU_ONLY, None),
)  # fmt: skip


def rows(folder: Path | None = None) -> list[Row]:
    """Every row with what the files hold now.

    Raises:
        CourseError: a file lacks its provenance, or has not what it should have.
    """
    made = []
    for group, label, unit, cpu, gpu, key in _ROWS:
        try:
            on_cpu = None if isinstance(cpu, str) else cpu.value(folder)
            on_gpu = None if isinstance(gpu, str) else gpu.value(folder)
        except (KeyError, TypeError) as error:
            raise CourseError(f"A measurement file has no figure for {label!r}: {error}.") from None
        words = [source if isinstance(source, str) else NOT_YET for source in (cpu, gpu)]
        made.append(Row(group, label, unit, on_cpu, on_gpu, claim(key) if key else None, *words))
    return made


def number(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def shown(value: Value, unit: str = "") -> str:
    """A value with its spread where it was repeated."""
    times = "×" if unit == "times" else (f" {unit}" if unit == "s" else "")
    text = f"{number(value.middle)}{times}"
    if (
        value.spread is not None
        and value.spread.n > 1
        and number(value.spread.low) != number(value.spread.high)
    ):
        text += f" ({number(value.spread.low)} to {number(value.spread.high)})"
    return text


def claimed(found: Claim) -> str:
    """The claim's number or range."""
    times = "×" if found.unit == "times" else ""
    numbers = number(found.low) if found.low == found.high else f"{number(found.low)} to {number(found.high)}"
    return f"{numbers}{times}"
