"""One progress bar for terminals, notebooks and CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def bar(
    iterable: Iterable[Any] | None = None,
    *,
    total: float | None = None,
    desc: str = "",
    unit: str = "it",
    bar_format: str | None = None,
) -> tqdm:
    """A one-line progress bar on standard output.

    Standard output, not error, because nbgrader and readers of a saved notebook take red text for a fault;
    plain text, not a widget, because a widget's state is lost when the notebook is saved or executed
    headless. `SERVELAB_PROGRESS=0` hides it.
    """
    interactive = sys.stdout.isatty() or "ipykernel" in sys.modules
    return tqdm(
        iterable,
        total=total,
        desc=desc,
        unit=unit,
        bar_format=bar_format,
        file=sys.stdout,
        disable=os.environ.get("SERVELAB_PROGRESS") == "0",
        dynamic_ncols=False,
        ncols=88,
        # A log file shows every refresh as a line of its own: a few are enough there.
        mininterval=0.3 if interactive else 5.0,
        leave=True,
    )
