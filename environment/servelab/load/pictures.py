"""Pictures that explain an idea (pages, batching, bandwidth, FlashAttention); charts of measurements are in `charts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from servelab.load.charts import BLUE, GREEN, GREY, ORANGE, PINK, canvas

Job = Sequence[int]
_COLOURS = ("#56B4E9", "#E69F00", GREEN, PINK, "#0072B2", "#F0E442", ORANGE)


def block_map(blocks: Sequence[int], owners: Sequence[str], block_size: int) -> Figure:
    """A KV pool: a row per physical block, in the colour of the sequences that own it as far as it is filled.

    What an owner keeps and does not use is hatched; a free block is white.

    Args:
        blocks: how many tokens each block holds.
        owners: whose each block is, for example "A", "A+G", or "" for a free one.
        block_size: tokens that fit into a block.
    """
    names = sorted({name for name in owners if name})
    with canvas(7.6, 0.9 + 0.21 * len(blocks)) as (figure, (axes,)):
        for row, (filled, name) in enumerate(zip(blocks, owners, strict=True)):
            outline = {"facecolor": "white", "edgecolor": "#9A9A9A", "linewidth": 0.8, "height": 0.9}
            axes.barh(row, block_size, hatch="////" if name else "", **outline)
            if name:
                axes.barh(row, filled, color=_COLOURS[names.index(name) % len(_COLOURS)], height=0.9)
            axes.text(
                block_size + 0.25, row, name or "free", va="center", color="black" if name else "#777777"
            )
        axes.set(xlabel="token within the block", ylabel="physical block", xlim=(0, block_size + 1.6))
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xticks(range(0, block_size + 1, 4))
        axes.set_yticks(range(len(blocks)))
    return figure


def batching(jobs: Sequence[Job], static: Sequence[int], continuous: Sequence[int]) -> Figure:
    """The same jobs under static and continuous batching, side by side: waiting, making tokens, holding an idle seat.

    Args:
        jobs: [arrival, steps] of each.
        static, continuous: completion times, in the order of the jobs. Jobs that complete together under
            static batching are taken for one batch.
    """
    height = 1.5 + 0.26 * len(jobs)
    with canvas(9.6, height, 1, 2, sharex=True, sharey=True) as (figure, panels):
        for axes, name, done in zip(panels, ("Static", "Continuous"), (static, continuous), strict=True):
            for row, ((arrival, steps), end) in enumerate(zip(jobs, done, strict=True)):
                together = [s for (_, s), e in zip(jobs, done, strict=True) if e == end]
                seated = max(together) if name == "Static" else steps
                start = end - seated
                axes.barh(row, start - arrival, left=arrival, color="#D5DEE6", height=0.8)
                axes.barh(row, steps, left=start, color=BLUE, height=0.8)
                idle = {"facecolor": "white", "edgecolor": ORANGE, "hatch": "////", "linewidth": 0}
                axes.barh(row, end - start - steps, left=start + steps, height=0.8, **idle)
            axes.set(title=f"{name}: all done at step {max(done)}", xlabel="step")
            axes.grid(axis="y", visible=False)
        panels[0].set(ylabel="request", yticks=range(len(jobs)))
        panels[0].invert_yaxis()
        legend = (
            Patch(color="#D5DEE6", label="waiting"),
            Patch(color=BLUE, label="making tokens"),
            Patch(facecolor="white", edgecolor=ORANGE, hatch="////", label="seat kept, idle"),
        )
        figure.legend(handles=legend, loc="outside lower center", ncols=3)
    return figure


def batch_ceiling(
    tokens_per_s: Callable[[str, int], float], gpus: Sequence[str], *, title: str = ""
) -> Figure:
    """An upper bound on tokens/s of a whole batch against its size, for some GPUs; in grey, if a batch cost no time.

    Args:
        tokens_per_s: of (GPU, sequences in the batch); NaN where they do not fit into its memory.
    """
    batches = np.arange(1, 513)
    with canvas(8.0, 4.2) as (figure, (axes,)):
        for gpu, style, colour in zip(gpus, ("-", "--", ":"), (BLUE, ORANGE, GREEN), strict=False):
            bound = [tokens_per_s(gpu, int(batch)) for batch in batches]
            axes.plot(batches, batches * bound[0], color=GREY, linewidth=0.9, alpha=0.7)
            axes.plot(batches, bound, style, color=colour, label=gpu)
            last = int(np.flatnonzero(np.isfinite(bound))[-1])
            axes.plot(batches[last], bound[last], "X", color=colour, markersize=9)
        axes.set(xlabel="sequences in the batch", ylabel="tokens/s of all together (log scale)")
        axes.set_title(title)
        _log(axes.set_xscale, axes.xaxis, (1, 8, 32, 128, 512))
        _log(axes.set_yscale, axes.yaxis, (10, 100, 1000, 10_000, 100_000))
        axes.legend(
            title="grey: if every step took as long as with one\n✕: the card's memory is full",
            loc="upper left",
        )
    return figure


def attention_memory(heads: int = 32, *, title: str = "") -> Figure:
    """Scratch memory of one attention layer against the prompt's length: score matrix written out, or never made."""
    tokens = 2.0 ** np.arange(9, 18)
    with canvas(8.0, 3.9) as (figure, (axes,)):
        written = {"color": ORANGE, "label": "scores written out: grows with n²"}
        axes.plot(tokens, heads * tokens**2 * 2, "s--", **written)
        axes.plot(
            tokens, heads * tokens * 2 * 4, "o-", color=BLUE, label="running maximum and sum: grows with n"
        )
        axes.axhline(80e9, color=GREY, linestyle=":", linewidth=1.4)
        axes.annotate(
            "all of an 80 GB card",
            (tokens[-1], 80e9),
            (0, -5),
            textcoords="offset points",
            ha="right",
            va="top",
        )
        axes.set(xlabel="tokens in the prompt", ylabel="scratch memory (log scale)", ylim=(3e4, 3e13))
        axes.set_title(title)
        _log(axes.set_xscale, axes.xaxis, (512, 2048, 8192, 32_768, 131_072))
        _log(axes.set_yscale, axes.yaxis, (1e5, 1e7, 1e9, 1e11, 1e13), _bytes)
        axes.legend(loc="upper left")
    return figure


def owners_of(tables: Mapping[str, Sequence[int]], blocks: int) -> list[str]:
    """Whose each physical block is, from the block tables: "A", "A+G" where two share it, "" where nobody."""
    return ["+".join(name for name in sorted(tables) if number in tables[name]) for number in range(blocks)]


def _log(
    set_scale: Callable[[str], Any],
    axis: Any,
    ticks: Sequence[float],
    words: Callable[[float], str] | None = None,
) -> None:
    set_scale("log")
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda v, _: words(v) if words else f"{v:,.0f}"))
    axis.set_minor_locator(NullLocator())


def _bytes(value: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value / 1e3:g} kB"
