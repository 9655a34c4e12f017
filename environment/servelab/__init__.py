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


def options(name: str, texts: dict[str, str]) -> None:
    """Print an exam question's options in an order of the student's own. See `servelab.course.widgets.options`."""
    from servelab.course import widgets

    widgets.options(name, texts)


def timer(minutes: int, exam: str) -> None:
    """Show how much of an exam's time has passed. See `servelab.course.widgets.timer`."""
    from servelab.course import widgets

    widgets.timer(minutes, exam)


def pack(lab: str) -> None:
    """Write one file to hand in: the saved notebook, and what its lab asks for beside it. See `servelab.grading.pack`.

    Where the whole folder is handed in (`nbgrader submit`, JupyterLab's Assignment List) it is not needed. On Colab it is, and the
    download begins.

    Args:
        lab: the lab's name, for example `08-lora`.
    """
    from servelab.grading.pack import pack_here

    pack_here(lab)


def hand_in(lab: str) -> None:
    """Offer the download for submission on Colab; elsewhere say in a line how to hand in. See `servelab.grading.pack`.

    Args:
        lab: the lab's name, for example `01-naive-serving`.
    """
    from servelab.grading.pack import offer

    offer(lab)


def load_ipython_extension(shell) -> None:
    """`%load_ext servelab`: from here on, cells that begin with `%%live` run, and a quiz's answer cell shows its options."""
    from servelab.course import live, widgets

    live.register(shell)
    widgets.register(shell)
    live.join_streams(shell)
    live.explain_stops(shell)


def unload_ipython_extension(shell) -> None:
    """`%unload_ext servelab`."""
    from servelab.course import live, widgets

    live.unregister(shell)
    widgets.unregister(shell)
