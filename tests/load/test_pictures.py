"""The explaining pictures draw what they are given."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure
from servelab.load import pictures

mpl.use("Agg")


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def widths(figure: Figure, panel: int = 0) -> list[float]:
    return [bar.get_width() for bar in figure.axes[panel].patches]


def test_owners_of_shared_own_and_free_blocks() -> None:
    assert pictures.owners_of({"B": [0, 2], "A": [0, 3]}, 5) == ["A+B", "", "B", "A", ""]
    assert pictures.owners_of({}, 2) == ["", ""]


def test_block_map_is_as_long_as_each_block_is_filled() -> None:
    figure = pictures.block_map([16, 5, 9], ["A", "B", ""], 16)
    assert texts(figure) == ["A", "B", "free"]
    assert widths(figure) == [16, 16, 16, 5, 16]


def test_batching_shows_the_idle_seat_only_where_there_is_one() -> None:
    figure = pictures.batching([[0, 2], [0, 5], [1, 1]], [5, 5, 6], [2, 5, 3])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Static: all done at step 6",
        "Continuous: all done at step 5",
    ]
    assert widths(figure) == [0, 2, 3, 0, 5, 0, 4, 1, 0]
    assert widths(figure, 1) == [0, 2, 0, 0, 5, 0, 1, 1, 0]


def test_block_map_hatches_what_is_kept_unused_and_leaves_free_blocks_white() -> None:
    kept, _, free = pictures.block_map([5, 0], ["A", ""], 16).axes[0].patches
    assert kept.get_hatch() and not free.get_hatch()


def test_batch_ceiling_ends_where_memory_is_full() -> None:
    def rate(gpu: str, batch: int) -> float:
        return batch * 10.0 if gpu == "X" or batch <= 45 else float("nan")

    axes = pictures.batch_ceiling(rate, ["X", "Y"], title="t").axes[0]
    ends = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "X"]
    assert ends == [512, 45]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["X", "Y"]


def test_attention_memory_grows_with_the_square_and_with_the_length() -> None:
    written, tiled = (line.get_ydata() for line in pictures.attention_memory(32).axes[0].lines[:2])
    assert written[1] == 4 * written[0]
    assert tiled[1] == 2 * tiled[0]
    assert written[-1] == 32 * 131072**2 * 2
