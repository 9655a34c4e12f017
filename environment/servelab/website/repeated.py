"""Measurements that were repeated, shown as they were: each figure's median and spread, what it is in words, and every ratio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from servelab.evidence.results import number
from servelab.load import charts
from servelab.load.records import Spread, ratio_values, spread_of, unit_of

Record = Mapping[str, Any]
Row = tuple[str, str, Spread]  # words, unit, spread

#: What a sample or a ratio is, by file; one that has no words here is shown by its name.
WORDS: dict[str, dict[str, str]] = {
    "prefix-cache": {
        "on_cold_ttft_s": "first token, new text",
        "on_warm_ttft_s": "first token, text seen before",
        "off_cold_ttft_s": "first token, new text, cache off",
        "off_warm_ttft_s": "first token, text seen before, cache off",
        "cold_over_warm_on": "new over seen before",
        "cold_over_warm_off": "new over seen before, cache off",
    },
    "streaming": {
        **{f"c{n}_ttft_s": f"first token, {n} in flight" for n in (1, 8, 16)},
        **{f"c{n}_e2e_s": f"whole answer, {n} in flight" for n in (1, 8, 16)},
        **{f"c{n}_rps": f"answers, {n} in flight" for n in (1, 8, 16)},
        **{f"answer_over_first_c{n}": f"whole answer over first token, {n} in flight" for n in (1, 8, 16)},
    },
    "replicas": {
        "replicas_1_rps": "one engine",
        "replicas_2_rps": "two engines on the same cores",
        "two_over_one": "two over one",
    },
    "lora-serving": {
        "base_rps": "the base model",
        "adapter_rps": "the adapter",
        "mixed_rps": "both in the same batches",
        "adapter_over_base": "adapter over base",
        "mixed_over_base": "both over base",
    },
    "setup": {
        "first_s": "set-up with nothing there, downloads included",
        "cached_s": "set-up with the packages in the cache",
        "again_s": "set-up with nothing to do",
        "model_s": "the model, made once",
        "engine_ready_s": "engine ready",
        "first_token_s": "engine's first token",
        "clean_to_first_token_s": "from nothing to the first token",
        "first_token_over_ready": "first token over ready",
        "model_over_ready": "making the model over engine ready",
    },
    "startup": {
        "imports_s": "importing, in the server's process",
        "config_s": "reading the configuration",
        "core_s": "starting the engine core, its imports included",
        "weights_s": "loading the weights",
        "compile_s": "compiling",
        "cache_s": "making the KV cache",
        "warmup_s": "warming up",
        "port_s": "opening the port",
        "ready_s": "ready, in all",
        "first_token_s": "first token",
        "cpu_s": "processor time of all processes",
        **{f"{k}_of_ready": f"{k}, share of the whole" for k in ("imports", "config", "core", "weights", "cache", "warmup", "port")},
    },
}  # fmt: skip


def rows(kind: str, record: Record) -> list[Row]:
    """Every sample and every ratio."""
    words = WORDS.get(kind, {})
    found: list[Row] = [
        (words.get(name, name), unit_of(name), spread_of(values))
        for name, values in record["samples"].items()
    ]
    return found + [
        (words.get(name, name), "times", spread_of(ratio_values(record, name))) for name in record["ratios"]
    ]


def table(found: Iterable[Row]) -> str:
    """A Markdown table: what, unit, median, spread, how often."""
    lines = ["| what | unit | median | spread | repeats |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| {what} | {unit} | {number(s.median)} | {number(s.low)} to {number(s.high)} | {s.n} |"
        for what, unit, s in found
    ]
    return "\n".join(lines) + "\n"


def chart(found: Sequence[Row]) -> Figure:
    """A panel for each unit: medians as bars, spreads as lines over them."""
    units = list(dict.fromkeys(unit for _, unit, _ in found))
    counts = [sum(unit == of for _, of, _ in found) for unit in units]
    height = 0.34 * len(found) + 0.9 * len(units)
    with charts.canvas(8.0, height, len(units), 1, height_ratios=[n + 1.2 for n in counts]) as (
        figure,
        panels,
    ):
        for axes, unit in zip(panels, units, strict=True):
            mine = [(what, spread) for what, of, spread in found if of == unit]
            at = range(len(mine))
            axes.barh(at, [s.median for _, s in mine], color=charts.BLUE, height=0.55)
            axes.hlines(
                at, [s.low for _, s in mine], [s.high for _, s in mine], color=charts.INK, linewidth=2
            )
            axes.set_yticks(at, [what for what, _ in mine])
            axes.invert_yaxis()
            axes.set(xlabel=unit, xlim=(0, 1.12 * max(s.high for _, s in mine)))
            axes.grid(visible=False, axis="y")
            for place, (_, spread) in zip(at, mine, strict=True):
                axes.annotate(
                    number(spread.median),
                    (spread.high, place),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                )
        return figure
