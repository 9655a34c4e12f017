"""`%%live`: cells that a student, CI and Colab run, and that are skipped while nbgrader executes a notebook."""

from __future__ import annotations

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


def unregister(shell) -> None:
    """Take the transformer out again (also an older copy of it, after a reload)."""
    transformers = shell.input_transformers_cleanup
    transformers[:] = [t for t in transformers if getattr(t, "__name__", "") != live_cell.__name__]
