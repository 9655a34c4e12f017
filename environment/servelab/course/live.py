"""`%%live`: cells that a student, CI and Colab run, and that are skipped while nbgrader executes a notebook."""

from __future__ import annotations

import asyncio
import os
import re
import sys

FIRST_LINE = re.compile(r"^%%live[ \t]*(?:#.*)?$")
SKIPPED = "Live cell: skipped while the notebook is graded."


def is_grading() -> bool:
    """Whether nbgrader executes this notebook now.

    nbgrader 0.9.6 sets `NBGRADER_EXECUTION` to `validate` or `autograde` around its Execute step; the
    kernel inherits it.
    """
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def live_cell(lines: list[str]) -> list[str]:
    """The input transformer: drop the `%%live` line, and when graded the whole body with it.

    A transformer, not a magic function: a magic gets its body as text and runs it apart, so it could not
    `await` at the top level. An empty line takes the place of `%%live`, so that line numbers in a
    traceback are those the student sees.
    """
    if not lines or not FIRST_LINE.match(lines[0].rstrip("\r\n")):
        return lines
    if is_grading():
        return [f"print({SKIPPED!r})\n"]
    return ["\n", *lines[1:]]


def register(shell) -> None:
    """Put the transformer into an IPython shell, once, before its cell magics are looked at."""
    unregister(shell)
    shell.input_transformers_cleanup.append(live_cell)


def join_streams(shell) -> None:
    """While graded, send standard error of a kernel's Python code to standard output.

    nbgrader 0.9.6 takes any standard error in a check cell for a failure. Its autograder can be told to
    ignore it (`IgnorePattern`), its Validate cannot, and a warning would show a right answer as wrong.
    """
    if is_grading() and hasattr(shell, "kernel"):
        sys.stderr = sys.stdout


def explain_stops(shell) -> None:
    """Say in one line what a student can do about the two errors that every notebook meets.

    A name that is not there mostly belongs to a cell that has not run, and an interrupted `await` shows a page of frames.
    Left alone while graded, where nobody reads it.
    """
    if not is_grading():
        shell.set_custom_exc((NameError, asyncio.CancelledError), _explain)


def _explain(shell, kind, error, frames, tb_offset=None) -> None:
    if issubclass(kind, asyncio.CancelledError):
        print("Interrupted. Run the cell again when you like: it starts from its beginning.")
        return
    shell.showtraceback((kind, error, frames), tb_offset=tb_offset)
    if error.name:
        print(
            f"If `{error.name}` is made in a cell further up, run that cell first (Run > Run All Above Selected Cell)."
        )


def unregister(shell) -> None:
    """Take the transformer out again (also an older copy of it, after a reload)."""
    transformers = shell.input_transformers_cleanup
    transformers[:] = [t for t in transformers if getattr(t, "__name__", "") != live_cell.__name__]
