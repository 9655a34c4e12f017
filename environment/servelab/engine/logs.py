"""Reading an engine's own log: how far its start has come, and why it failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What the student sees, in the order it happens; a line that matches puts the start in this stage.
# Checked against vLLM 0.24 and 0.32; a line that changes its wording only makes the bar less talkative.
STAGES: tuple[tuple[str, str], ...] = (
    ("importing", r"^"),
    ("reading the model's config", r"non-default args|model_tag"),
    (
        "starting the engine core",
        r"Initializing a V1 LLM engine|Enabled custom fusions|Chunked prefill is enabled",
    ),
    ("loading weights", r"Starting to load model"),
    ("compiling", r"Dynamo bytecode transform|Warming up model|Compiling a graph|torch\.compile takes"),
    ("making the KV cache", r"KV cache size|Explicitly set .* for KV cache|Available KV cache memory"),
    ("warming up", r"Capturing CUDA graph|init engine \("),
    ("opening the port", r"Starting vLLM (API )?server|Application startup complete"),
)
_STAGES = [(name, re.compile(pattern)) for name, pattern in STAGES]


def stage_of(line: str) -> int | None:
    """The index in STAGES that this log line tells of, or None."""
    for index in range(len(_STAGES) - 1, 0, -1):
        if _STAGES[index][1].search(line):
            return index
    return None


# (what the log says, what failed, what to try). The first that matches wins. {0} is the first group.
FAULTS: tuple[tuple[str, str, str], ...] = (
    (
        r"unrecognized arguments?: (.+)",
        "vLLM does not know the argument: {0}",
        "check its spelling against `vllm serve --help=listgroup`.",
    ),
    (
        r"error: argument (.+)",
        "vLLM rejected an argument: {0}",
        "correct the value; `vllm serve --help=<the flag without dashes>` explains it.",
    ),
    (
        r"[Aa]ddress already in use",
        "The engine's port was taken by another program while it started",
        "start again without port=, a free one is then chosen.",
    ),
    (
        r"(Available memory on node .*?\(\S+ GiB\)\.)",
        "Not enough memory for the KV cache: {0}",
        "close other programs, or ask for a smaller cache: --kv-cache-memory-bytes 512M.",
    ),
    (
        r"(Free memory on device .*?) is less than",
        "Not enough GPU memory: {0}",
        "stop what else uses the GPU, or pass --gpu-memory-utilization with a smaller share.",
    ),
    (
        r"CUDA out of memory|OutOfMemoryError",
        "The GPU's memory did not suffice",
        "stop what else uses the GPU, or pass a smaller --max-model-len or --max-num-seqs.",
    ),
    (
        r"No available memory for the cache blocks",
        "After the weights no memory is left for the KV cache",
        "raise --gpu-memory-utilization (GPU) or --kv-cache-memory-bytes (CPU).",
    ),
    (
        r"(To serve at least one request .*)",
        "The KV cache is too small for one request of the longest length: {0}",
        "pass a smaller --max-model-len, or a larger --kv-cache-memory-bytes.",
    ),
    (
        r"Cannot allocate memory|DefaultCPUAllocator|std::bad_alloc|MemoryError",
        "The machine's memory did not suffice",
        "close other programs, or pass a smaller --max-model-len.",
    ),
    (
        r"User-specified max_model_len \((\d+)\) is greater than the derived max_model_len",
        "--max-model-len {0} is longer than the model can read",
        "pass a --max-model-len that is at most the model's max_position_embeddings.",
    ),
    (
        r"No module named '?([\w.]+)",
        "The Python package {0} is missing",
        "run `make setup` again; it puts every package in place.",
    ),
    (
        r"(?:ValueError|ValidationError|Value error|RuntimeError|OSError|AssertionError|NotImplementedError)[:,] ?(.{8,})",
        "The engine refused to start: {0}",
        "the line above is the engine's own; correct what it names.",
    ),
)
_FAULTS = [(re.compile(pattern), what, remedy) for pattern, what, remedy in FAULTS]


@dataclass(frozen=True)
class Explanation:
    """What failed, what to try, and the log's own lines about it."""

    what: str
    remedy: str
    lines: list[str]


def explain(lines: Sequence[str]) -> Explanation | None:
    """What a log says about the failure; None when it says nothing we know."""
    for pattern, what, remedy in _FAULTS:
        for index, line in enumerate(lines):
            # vLLM warns about the limit on open files with the text of an error that has not happened.
            if "ulimit -n" in line:
                continue
            if found := pattern.search(line):
                groups = [g.strip()[:300] for g in found.groups(default="")]
                return Explanation(what.format(*groups), remedy, telling(lines[index:][:8])[:3])
    return None


_PREFIX = re.compile(
    r"^(\([\w=: ]+\) )?(INFO|WARNING|ERROR|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d (\[[\w.]+:\d+\] ?)?"
)
_NOISE = re.compile(
    r"^\s*(File \"|Traceback|\^+$|~|raise |return |await |self\.|\.{3})|^\s*(usage:|\[--|\[-\w |\[model_tag)"
    r"|resource_tracker|warnings\.warn|Route: |For further information visit|nanobind: |^ - (leaked|\.\.\. skipped)"
    r"|^INFO: +[\d.]+:\d+ - "
)


def telling(lines: Sequence[str], n: int = 6) -> list[str]:
    """The last n lines that a person can use: without prefixes, stack frames and repetitions."""
    kept: list[str] = []
    for line in lines:
        text = _PREFIX.sub("", line).rstrip()
        if text and not _NOISE.search(text) and text not in kept:
            kept.append(text[:300])
    return kept[-n:]
