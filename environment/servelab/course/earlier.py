"""A student's own answers to earlier labs: used where they pass their checks, the course's own things where they do not."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servelab import paths
from servelab.course.live import FIRST_LINE
from servelab.course.names import names_of
from servelab.errors import CourseError
from servelab.syntax import parse_cell

LIMIT_S = 60.0


@dataclass(frozen=True)
class Cells:
    """What a question takes to run: the cells before it that it needs with its answer, and its visible checks."""

    before: list[str]
    checks: list[str]


def answer(lab: str, question: str, name: str, *, otherwise: Any, limit_s: float = LIMIT_S) -> Any:
    """What the student's own copy of an earlier lab binds to `name`, if that passes its visible checks; else `otherwise`.

    The checks run in a process of their own. One printed line says which of the two it is.

    Args:
        lab: for example "04-streaming".
        question: the id of its answer cell.
        name: a function or class that this cell binds.
        otherwise: the course's own.
        limit_s: for the checks.
    """
    cells, why = _passed(lab, question, limit_s)
    if cells is not None:
        try:
            found = _run(cells.before)[name]
            print(f"{name}: your own, from lab {lab[:2]}")
            return found
        except Exception as error:
            why = f"your answer stops with {type(error).__name__}"
    print(f"{name}: the course's own ({why})")
    return otherwise


@dataclass(frozen=True)
class Adapter:
    """An adapter of lab 08's kind: where it lies, and the chat that asks it for a ticket."""

    folder: Path
    system: str

    def messages(self, ticket: str) -> list[dict[str, str]]:
        """What to send to an engine that serves it."""
        from servelab.lora import tickets

        return tickets.messages(ticket, self.system)


def adapter(limit_s: float = 2 * LIMIT_S) -> Adapter:
    """The adapter that the student trained in lab 08, if it passes its visible check; else the course's second one.

    One printed line says which.
    """
    from servelab.lora import serving, tickets

    own = _folder("08-lora") / "adapter"
    if own.is_dir():
        cells, why = _passed("08-lora", "recipe", limit_s)
        if cells is not None:
            print("adapter: your own, from lab 08: a ticket becomes JSON")
            return Adapter(own, tickets.SYSTEM)
    else:
        why = "there is none of yours"
    print(f"adapter: the course's own ({why}): a ticket becomes a label")
    return Adapter(serving.labels(), tickets.LABEL_SYSTEM)


def _folder(lab: str) -> Path:
    try:
        return paths.work_dir() / lab
    except CourseError:
        return Path("nowhere")


def _passed(lab: str, question: str, limit_s: float) -> tuple[Cells | None, str]:
    """The cells of a question whose checks pass, or None and why not."""
    own = _folder(lab) / f"{lab}.ipynb"
    if not own.is_file():
        return None, f"you have no copy of lab {lab[:2]} here"
    try:
        released = json.loads((paths.course_root() / "labs" / lab / own.name).read_text(encoding="utf-8"))
        cells = cells_of(released, json.loads(own.read_text(encoding="utf-8")), question)
    except (OSError, ValueError, KeyError, SyntaxError, CourseError):
        return None, "your copy cannot be read"
    command = [sys.executable, "-P", "-m", "servelab.course.earlier"]
    env = {**os.environ, "SERVELAB_PROGRESS": "0", "SERVELAB_HANDED_IN": str(own.parent)}
    with subprocess.Popen(
        command,
        cwd=own.parent,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            process.communicate(json.dumps([*cells.before, *cells.checks]), timeout=limit_s)
        except subprocess.TimeoutExpired:
            return None, f"yours took longer than {limit_s:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return (cells, "") if process.returncode == 0 else (None, "yours does not pass its check")


def cells_of(released: dict[str, Any], own: dict[str, Any], question: str) -> Cells:
    """The cells of one question: everything from the release, but the answers, which are the student's own.

    Args:
        released, own: notebooks.
        question: the id of an answer cell.

    Raises:
        KeyError: the release has no such question.
        SyntaxError: a cell that is needed is not Python.
    """
    answers = {
        _grade_id(cell): _source(cell)
        for cell in own["cells"]
        if cell["cell_type"] == "code" and _grade_id(cell)
    }
    code = [cell for cell in released["cells"] if cell["cell_type"] == "code"]
    places = [i for i, cell in enumerate(code) if _grade_id(cell) == question]
    if not places:
        raise KeyError(question)
    after = []
    for cell in code[places[0] + 1 :]:
        field = cell["metadata"].get("nbgrader", {})
        if field.get("solution"):
            break
        if field.get("grade"):
            after.append(_source(cell))
    before = []
    for cell in code[: places[0] + 1]:
        field = cell["metadata"].get("nbgrader", {})
        text = _source(cell)
        if field.get("grade") or FIRST_LINE.match(text.split("\n", 1)[0]):
            continue
        before.append(answers.get(_grade_id(cell), text) if field.get("solution") else text)
    return Cells(_needed(before, after), after)


def _grade_id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def _source(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _plain(text: str) -> str:
    """A cell without its magics, and without what only prints about the machine."""
    return "\n".join(
        "" if line.lstrip().startswith(("%", "!", "servelab.setup(")) else line for line in text.split("\n")
    )


def _needed(before: list[str], after: Iterable[str]) -> list[str]:
    """The last of these cells, and those that it and the checks need names of."""
    wanted = set().union(*(names_of(parse_cell(_plain(text))).needed for text in after), set())
    kept: list[str] = []
    for number, text in enumerate(reversed(before)):
        try:
            names = names_of(parse_cell(_plain(text)))
        except SyntaxError:
            if number == 0:
                raise
            continue  # another answer that is not finished
        if number == 0 or names.bound & wanted:
            kept.append(text)
            wanted |= names.needed
    return kept[::-1]


def _run(cells: Iterable[str]) -> dict[str, Any]:
    """Run cells in a namespace of their own, which is returned; what they print is dropped."""
    space: dict[str, Any] = {"__name__": "earlier"}
    loop: asyncio.AbstractEventLoop | None = None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for text in cells:
                code = compile(
                    _plain(text), "<earlier>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
                )
                made: Callable[[], Any] | Any = eval(code, space)
                if asyncio.iscoroutine(made):
                    loop = loop or asyncio.new_event_loop()
                    loop.run_until_complete(made)
    finally:
        if loop is not None:
            loop.close()
    return space


if __name__ == "__main__":
    _run(json.loads(sys.stdin.read()))
