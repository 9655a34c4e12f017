"""The results page: a table and a chart for each measurement file, every number out of the file, and where it was taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from servelab.load import charts, lora_charts, measurements, quantized_charts, rag_charts
from servelab.website import repeated

Record = Mapping[str, Any]

OPENING = """# Results

What the course measured itself. Each number on this page is read from a file in `environment/measurements/`, which one run of
the command named there has written; none is typed by hand. They hold for the machine named below them. Yours will give others.
"""
_WAYS = {
    "bm25": "words (BM25)",
    "dense": "vectors (MiniLM)",
    "rrf": "both, fused by rank (RRF)",
    "dense_maxsim": "vectors, reranked (MaxSim)",
    "rrf_maxsim": "both, reranked (MaxSim)",
    "weighted": "all three, weighted",
}


def write_page(folder: Path, images: Path) -> str:
    """The page as Markdown; its charts are drawn into `images`, which lies beside the page.

    Raises:
        CourseError: a measurement does not say where it was taken.
    """
    parts = [OPENING]
    for path in sorted(folder.glob("*.json"), key=_order):
        record = measurements.read(path.stem, folder)
        title, table, chart = section(path.stem, record)
        parts += [f"## {title}\n", record["what"] + "\n", table]
        if chart is not None:
            images.mkdir(parents=True, exist_ok=True)
            chart.savefig(images / f"{path.stem}.svg", metadata={"Date": None}, facecolor="white")
            parts.append(f"![{title}: the table above as a chart]({images.name}/{path.stem}.svg)\n")
        parts.append(provenance(path.name, record))
    return "\n".join(parts)


def section(name: str, record: Record) -> tuple[str, str, Figure | None]:
    """Title, table and chart of one measurement. One that nobody drew a page for is shown as a plain table."""
    kind = _kind(name)
    if kind is None:
        return name, *_anything(record)
    title, draw = _SECTIONS[kind]
    return title, *draw(record)


def provenance(file: str, record: Record) -> str:
    """The line below a result: file, date, machine, versions, commit."""
    hardware, versions = record["hardware"], dict(record["versions"])
    machine = [f"{hardware['cores']} cores of {hardware['cpu']}", f"{hardware['memory_gb']:g} GB"]
    if card := hardware.get("gpu"):
        machine += [f"{card['count']} x {card['name']} (driver {card['driver']})"]
    used = ", ".join(f"{package} {version}" for package, version in versions.items())
    commit = f"commit {record['commit']}" + (" with changes" if record["dirty"] else "")
    return f"*Source: `{file}`, taken {record['taken']} on {', '.join(machine)}, {hardware['system']}; {used}; {commit}.*\n"


def shown(value: Any) -> str:
    """A number as the tables show it: whole above 1,000, otherwise in three significant digits; what is no number as it is."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _kind(name: str) -> str | None:
    """The longest beginning of a measurement's name that a section is for."""
    return max((kind for kind in _SECTIONS if name.startswith(kind)), key=len, default=None)


def _order(path: Path) -> tuple[int, str]:
    kind = _kind(path.stem)
    return (list(_SECTIONS).index(kind) if kind else len(_SECTIONS), path.stem)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; the first column is words, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(shown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# --- one function for each kind of measurement


def _serving(record: Record) -> tuple[str, Figure]:
    figures = record["figures"]
    labels = {"naive": "naive, one by one", "vllm": "vLLM"}
    rows = {
        key: [
            {"concurrency": int(level), "requests_per_s": row["requests_per_s"]}
            for level, row in figures[key].items()
        ]
        for key in labels
    }
    table = _table(
        ["server", "requests in flight", "requests/s", "output tokens/s", "latency p50, s", "latency p95, s"],
        [
            (
                labels[key],
                int(level),
                row["requests_per_s"],
                row["output_tokens_per_s"],
                row["e2e_s"]["p50"],
                row["e2e_s"]["p95"],
            )
            for key in labels
            for level, row in figures[key].items()
        ],
    )
    best = f"Best against best: {shown(figures['naive_rps'])} and {shown(figures['vllm_rps'])} requests/s, a ratio of {shown(figures['ratio'])}.\n"
    return f"{table}\n{best}", charts.naive_vs_engine(rows["naive"], rows["vllm"])


def _quantization(record: Record) -> tuple[str, Figure]:
    formats = record["figures"]["formats"]
    levels = list(next(iter(formats.values()))["requests_per_s"])
    table = _table(
        ["format", "bytes on disk", "perplexity", *(f"requests/s, {level} in flight" for level in levels)],
        [
            (name, row["bytes"], row["perplexity"], *(row["requests_per_s"][level] for level in levels))
            for name, row in formats.items()
        ],
    )
    return table, quantized_charts.formats(formats)


def _retrieval(record: Record) -> tuple[str, Figure]:
    variants = record["figures"]["variants"]
    names = sorted(variants, key=lambda name: name != "dense")  # the baseline first
    table = _table(
        ["way", "nDCG@10", "recall@10", "MRR@10", "ms a query", "nDCG@10 against vectors, 95 % interval"],
        [
            (
                _WAYS.get(name, name),
                *(variants[name][key] for key in ("ndcg_at_10", "recall_at_10", "mrr_at_10", "query_ms")),
                "–"
                if name == "dense"
                else "{difference:+.3f} ({low:+.3f} to {high:+.3f})".format(
                    **variants[name]["against_dense"]
                ),
            )
            for name in names
        ],
    )
    rows = [
        {
            "name": _WAYS.get(name, name),
            "value": variants[name]["ndcg_at_10"],
            "recall": variants[name]["recall_at_10"],
            **variants[name]["against_dense"],
        }
        for name in names
    ]
    return table, rag_charts.variants(rows)


def _lora(record: Record) -> tuple[str, Figure]:
    figures = record["figures"]
    table = _table(
        ["recipe", "right tickets, share", "perplexity on general text", "adapter, bytes", "processor, s"],
        [
            (row["name"], row["exact"], row["perplexity"], row["bytes"], row["cpu_s"])
            for row in figures["recipes"]
        ],
    )
    base = f"Without an adapter the perplexity is {shown(figures['perplexity_base'])}.\n"
    return f"{table}\n{base}", lora_charts.sweep(record)


def _grading(record: Record) -> tuple[str, Figure]:
    figures = record["figures"]
    ways = {
        "stock nbgrader, one call over all": figures["stock_per_min"],
        "stock nbgrader, one call a student": figures["stock_per_student_per_min"],
        "this course, 1 job": figures["ours_per_min_1"],
        "this course, 2 jobs": figures["ours_per_min_2"],
        "this course, Dask with two workers": figures["dask_per_min"],
    }
    with charts.canvas(8.0, 3.0) as (figure, (axes,)):
        axes.barh(list(ways), list(ways.values()), color=charts.BLUE, height=0.6)
        axes.invert_yaxis()
        axes.set(xlabel="submissions a minute")
        axes.grid(visible=False, axis="y")
    return _table(["way", "submissions a minute"], ways.items()), figure


def _repeated(kind: str) -> Callable[[Record], tuple[str, Figure]]:
    def draw(record: Record) -> tuple[str, Figure]:
        found = repeated.rows(kind, record)
        return repeated.table(found), repeated.chart(found)

    return draw


def _gpu(record: Record) -> tuple[str, Figure]:
    """Each load beside what the card's own measured rates allow, and the sources' claims beside what was measured."""
    figures = record["figures"]
    reached = figures["throughput"] if isinstance(figures["throughput"], Mapping) else {}
    table = _table(
        [
            "format and requests in flight",
            "requests/s",
            "output tokens/s",
            "bound, requests/s",
            "share reached",
            "bound by",
        ],
        [
            (
                name,
                *(
                    row[key]
                    for key in ("rps", "output_tokens_per_s", "bound_rps", "share_of_bound", "bound_by")
                ),
            )
            for name, row in reached.items()
        ],
    )
    claims = _table(
        ["the sources claim", "measured", "beside the claim"],
        [(row["claim"], row["measured"], row["beside"]) for row in figures["claims"].values()],
    )
    open_steps = "".join(f"- {name}: {why}\n" for name, why in figures["open"].items())
    with charts.canvas(8.0, 0.9 + 0.3 * max(len(reached), 1)) as (figure, (axes,)):
        names = list(reached)
        axes.barh(
            names,
            [row["bound_rps"] for row in reached.values()],
            color=charts.GREY,
            height=0.7,
            label="bound",
        )
        axes.barh(
            names, [row["rps"] for row in reached.values()], color=charts.BLUE, height=0.4, label="measured"
        )
        axes.invert_yaxis()
        axes.set(xlabel="requests/s", xscale="log" if reached else "linear")
        axes.grid(visible=False, axis="y")
        axes.legend()
    return f"{table}\n{claims}\n{open_steps}", figure


def _anything(record: Record) -> tuple[str, None]:
    """Every number of a measurement by its path, for files that no section knows."""
    return _table(["figure", "value"], _leaves(record["figures"])), None


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            name = inner.get("name") if isinstance(inner, Mapping) else None
            yield from _leaves(inner, (*path, str(name or index + 1)))
    else:
        yield ", ".join(path), value


_SECTIONS: dict[str, tuple[str, Callable[[Record], tuple[str, Figure]]]] = {
    "serving": ("Serving: one request at a time against vLLM", _serving),
    "serving-gpu": ("On a GPU: each load beside its physical bound", _gpu),
    "quantization": ("Quantisation: size, quality, speed", _quantization),
    "prefix-cache": ("Prefix cache: a long text seen again", _repeated("prefix-cache")),
    "streaming": ("Streaming: the first token and the whole answer", _repeated("streaming")),
    "replicas": ("Replicas: one engine and two on the same cores", _repeated("replicas")),
    "lora-serving": ("LoRA: an adapter beside its base", _repeated("lora-serving")),
    "retrieval": ("Retrieval: ways to search", _retrieval),
    "retrieval-documentation": ("Retrieval: Python's documentation", _retrieval),
    "lora": ("Fine-tuning: what a recipe gains and loses", _lora),
    "grading": ("Grading: submissions a minute", _grading),
    "setup": ("Set-up: from nothing to the first token", _repeated("setup")),
    "startup": ("Start-up: where an engine's seconds go", _repeated("startup")),
}
