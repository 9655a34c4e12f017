"""The tools under the course Serving LLMs in Production: engine, load, authoring, grading.

In a notebook: `%load_ext servelab` makes `%%live` cells work, `servelab.setup("01-naive-serving")` says what
this machine can do. Nothing heavy is imported until it is used.
"""

from __future__ import annotations

__version__ = "0.1.0"


def setup(lab: str) -> None:
    """Print what a lab runs on: versions, the engine it will use, and whether this machine can run it.

    Args:
        lab: the lab's name, for example `01-naive-serving`.
    """
    from servelab.course.setup_cell import show

    show(lab)


def load_ipython_extension(shell) -> None:
    """`%load_ext servelab`: from here on, cells that begin with `%%live` run."""
    from servelab.course import live

    live.register(shell)
    live.join_streams(shell)
    live.explain_stops(shell)


def unload_ipython_extension(shell) -> None:
    """`%unload_ext servelab`."""
    from servelab.course import live

    live.unregister(shell)
