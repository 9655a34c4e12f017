"""The course's ledger, metric by metric: the student's rows, the committed runs where there are none, and what the sources claim.

A row keeps the back end that produced it. Nothing here compares two rows; it only puts them side by side.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from servelab.load import ledger, measurements


@dataclass(frozen=True)
class Point:
    """One number: its step, value, and where it comes from.

    Attributes:
        kind: "yours", "course" (a committed run) or "claim" (of the course's sources, without machine or load).
        origin: the back end, or the measurement's machine and date.
    """

    step: str
    value: float
    kind: str
    origin: str


@dataclass(frozen=True)
class Panel:
    """One metric with its steps in the order of the course.

    Attributes:
        better: "more" or "less"; empty where it is not said.
        absent: steps for which there is neither a row nor a committed run.
    """

    metric: str
    unit: str
    better: str
    steps: tuple[str, ...]
    points: tuple[Point, ...]
    absent: tuple[str, ...] = field(default=())


_Place = tuple[str, tuple[str, ...], str]  # lab, patterns of the step's name, metric
_Record = Mapping[str, Any]


def _serving(kind: str, read: Callable[[Mapping[str, Any]], float]) -> tuple[str, Callable[[_Record], float]]:
    def take(record: _Record) -> float:
        rows = record["figures"][kind].values()
        return read(max(rows, key=lambda row: row["requests_per_s"]))

    return "serving-cpu", take


def _format(name: str, *keys: str) -> tuple[str, Callable[[_Record], float]]:
    def take(record: _Record) -> float:
        found = record["figures"]["formats"][name]
        for key in keys:
            found = found[key]
        return float(found)

    return "quantization-cpu", take


def _search(name: str) -> tuple[str, Callable[[_Record], float]]:
    return "retrieval-cpu", lambda record: float(record["figures"]["variants"][name]["ndcg_at_10"])


#: A panel: metric, unit, better; then its steps: name, where the student's row is, the committed run or None.
_PANELS: tuple[tuple[str, str, str, tuple[tuple[str, _Place, Any], ...]], ...] = (
    (
        "Throughput",
        "requests/s",
        "more",
        (
            (
                "naive (01)",
                ("01-naive-serving", ("naive",), "requests_per_s"),
                _serving("naive", lambda r: r["requests_per_s"]),
            ),
            (
                "vLLM (02)",
                ("02-vllm", ("vllm",), "requests_per_s"),
                _serving("vllm", lambda r: r["requests_per_s"]),
            ),
            (
                "bf16, 8 users (03)",
                ("03-quantization-awq", ("bf16, 8*",), "requests_per_s"),
                _format("bf16", "requests_per_s", "8"),
            ),
            (
                "INT8, 8 users (03)",
                ("03-quantization-awq", ("INT8, 8*",), "requests_per_s"),
                _format("INT8", "requests_per_s", "8"),
            ),
            (
                "AWQ, 8 users (03)",
                ("03-quantization-awq", ("AWQ, 8*",), "requests_per_s"),
                _format("AWQ", "requests_per_s", "8"),
            ),
            ("streaming, 16 users (04)", ("04-streaming", ("streaming, 16*",), "requests_per_s"), None),
            ("1 replica (05)", ("05-kubernetes", ("1 replica*",), "requests_per_s"), None),
            ("2 replicas, same cores (05)", ("05-kubernetes", ("2 replicas*",), "requests_per_s"), None),
        ),
    ),
    (
        "Time to first token, median",
        "s",
        "less",
        (
            (
                "naive, whole answer (01)",
                ("01-naive-serving", ("naive",), "p50_s"),
                _serving("naive", lambda r: r["e2e_s"]["p50"]),
            ),
            (
                "vLLM (02)",
                ("02-vllm", ("vllm",), "ttft_p50_s"),
                _serving("vllm", lambda r: r["ttft_s"]["p50"]),
            ),
            ("streaming, 16 users (04)", ("04-streaming", ("streaming, 16*",), "ttft_p50_s"), None),
        ),
    ),
    (
        "Size of the weights",
        "MB",
        "less",
        (
            ("bf16 (03)", ("03-quantization-awq", ("bf16",), "checkpoint_bytes"), _format("bf16", "bytes")),
            ("INT8 (03)", ("03-quantization-awq", ("INT8",), "checkpoint_bytes"), _format("INT8", "bytes")),
            ("AWQ (03)", ("03-quantization-awq", ("AWQ",), "checkpoint_bytes"), _format("AWQ", "bytes")),
        ),
    ),
    (
        "Perplexity on held-out text",
        "perplexity",
        "less",
        (
            ("bf16 (03)", ("03-quantization-awq", ("bf16",), "perplexity"), _format("bf16", "perplexity")),
            ("INT8 (03)", ("03-quantization-awq", ("INT8",), "perplexity"), _format("INT8", "perplexity")),
            ("AWQ (03)", ("03-quantization-awq", ("AWQ",), "perplexity"), _format("AWQ", "perplexity")),
        ),
    ),
    (
        "Search, nDCG@10",
        "nDCG@10",
        "more",
        (
            ("words alone (07)", ("07-rag", ("BM25",), "ndcg_at_10"), _search("bm25")),
            ("vectors alone (07)", ("07-rag", ("dense",), "ndcg_at_10"), _search("dense")),
            (
                "fused, reranked (07)",
                ("07-rag", ("RRF -> MaxSim",), "ndcg_at_10"),
                _search("rrf_maxsim"),
            ),
            ("index, broken (11)", ("11-operations", ("index, broken",), "ndcg_at_10"), None),
            ("index, repaired (11)", ("11-operations", ("index, repaired",), "ndcg_at_10"), None),
        ),
    ),
    (
        "The bill of step 8",
        "USD a month",
        "less",
        (
            ("before (11)", ("11-operations", ("the bill before",), "usd_per_month"), None),
            ("after (11)", ("11-operations", ("the bill after",), "usd_per_month"), None),
        ),
    ),
)
#: What the course's sources say of requests/s. They name no machine, no model and no load.
CLAIMS = {"naive (01)": 0.29, "vLLM (02)": 1.19, "2 replicas, same cores (05)": 12.0}
_SCALE = {"MB": 1e-6}


def panels(rows: Sequence[Mapping[str, Any]] | None = None) -> list[Panel]:
    """The course's metrics with every point that is known.

    Args:
        rows: the ledger's; the student's own if None. Of several rows for one step the newest counts.
    """
    rows = ledger.latest() if rows is None else rows
    made = []
    for metric, unit, better, steps in _PANELS:
        points, absent = [], []
        for name, place, committed in steps:
            own = _own(rows, place)
            if own is not None:
                points.append(Point(name, own["value"] * _SCALE.get(unit, 1), "yours", own["backend"]))
            elif committed is not None:
                source, read = committed
                record = measurements.read(source)
                value = read(record) * _SCALE.get(unit, 1)
                points.append(Point(name, value, "course", f"{source}: {measurements.source_line(record)}"))
            else:
                absent.append(name)
            if metric == "Throughput" and name in CLAIMS:
                points.append(Point(name, CLAIMS[name], "claim", "the sources of this course"))
        made.append(Panel(metric, unit, better, tuple(s[0] for s in steps), tuple(points), tuple(absent)))
    return made


def _own(rows: Sequence[Mapping[str, Any]], place: _Place) -> Mapping[str, Any] | None:
    """The student's last row for a step."""
    lab, patterns, metric = place
    found = [
        row
        for row in rows
        if row["lab"] == lab
        and row["metric"] == metric
        and any(fnmatch.fnmatchcase(row["step"], pattern) for pattern in patterns)
    ]
    return found[-1] if found else None


def others(rows: Sequence[Mapping[str, Any]] | None = None) -> list[Panel]:
    """A panel for each (lab, metric) of the student's rows that `panels` does not show, in the order in which they were measured."""
    rows = ledger.latest() if rows is None else rows
    shown = [place for *_, steps in _PANELS for _, place, _ in steps]
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if not any(_own([row], place) for place in shown):
            groups.setdefault((row["lab"], row["metric"]), []).append(row)
    return [
        Panel(
            f"{lab[:2]}: {metric}",
            found[0]["unit"],
            "",
            tuple(dict.fromkeys(row["step"] for row in found)),
            tuple(Point(row["step"], row["value"], "yours", row["backend"]) for row in found),
        )
        for (lab, metric), found in groups.items()
    ]
