"""IPython's shell without a kernel around it: runs cells as ipykernel runs them and says what became of each.

Cells run one after another inside an event loop, so `await` and "a loop is already running" mean what they mean
in a notebook. There is no ZMQ, no history thread and nothing else that a fork could not take along.
"""

from __future__ import annotations

import asyncio
import sys
import time
from types import TracebackType
from typing import Any

from servelab.grading.verdict import CellRun

#: What is kept of a cell's printing, and of one error's text: nobody reads more.
TEXT_CHARS = 20_000
ERROR_CHARS = 500


class Printed:
    """A text stream that keeps the beginning and counts the rest."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was written."""
        self._parts: list[str] = []
        self._room, self._dropped = TEXT_CHARS, 0

    def write(self, text: str) -> int:
        """As for any stream; what is beyond the limit is only counted."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        kept = text[: self._room]
        if kept:
            self._parts.append(kept)
            self._room -= len(kept)
        self._dropped += len(text) - len(kept)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """As for any stream."""
        for line in lines:
            self.write(line)

    def text(self) -> str:
        """What was written, with a note where it was cut."""
        note = f"\n... {self._dropped:,} more characters" if self._dropped else ""
        return "".join(self._parts) + note

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """Nobody sits there."""
        return False

    def writable(self) -> bool:
        """It can be written to."""
        return True


class Shell:
    """IPython's interactive shell, driven cell by cell."""

    def __init__(self) -> None:
        from IPython.core.displayhook import DisplayHook
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        recorder = self

        class Hook(DisplayHook):
            def write_format_data(self, format_dict, md_dict=None):
                if recorder.result is None:
                    recorder.result = str(format_dict.get("text/plain", ""))[:TEXT_CHARS]

        class Quiet(InteractiveShell):
            displayhook_class = Hook

            def _showtraceback(self, etype, evalue, stb):
                recorder.traceback = [str(line) for line in stb]

        config = Config()
        config.HistoryManager.enabled = False  # its thread could not be forked
        self.shell = Quiet.instance(config=config)
        self.result: str | None = None
        self.traceback: list[str] = []
        self.position_of: dict[int | None, int] = {}
        self.new_loop()

    def new_loop(self) -> None:
        """A fresh event loop: parent and child must not share one's file descriptors."""
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

    def run(self, index: int, text: str) -> CellRun:
        """Execute the cell at this position."""
        self.result, self.traceback = None, []
        self.position_of[self.shell.execution_count] = index
        began = time.perf_counter()
        outcome = self.loop.run_until_complete(self._execute(text))
        run = CellRun(result=self.result, seconds=time.perf_counter() - began)
        error = outcome.error_before_exec or outcome.error_in_exec
        if not outcome.success:
            run.status, run.ename, run.evalue = "error", type(error).__name__, error_text(error)
            run.frames = self.frames(getattr(error, "__traceback__", None))
        return run

    async def _execute(self, text: str) -> Any:
        shell = self.shell
        try:
            transformed, fault = shell.transform_cell(text), None
        except Exception:
            transformed, fault = text, sys.exc_info()
        if not shell.should_run_async(text, transformed_cell=transformed, preprocessing_exc_tuple=fault):
            return shell.run_cell(text, store_history=True)
        try:
            return await shell.run_cell_async(
                text, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=fault
            )
        finally:
            shell.events.trigger("post_execute")

    def frames(self, traceback: TracebackType | None) -> list[tuple[int, int]]:
        """The cells that an error passed through, outermost first: (position, line)."""
        counts = self.shell.compile._filename_map
        found = []
        while traceback is not None and len(found) < 50:
            position = self.position_of.get(counts.get(traceback.tb_frame.f_code.co_filename))
            if position is not None:
                found.append((position, traceback.tb_lineno))
            traceback = traceback.tb_next
        return found


def error_text(error: BaseException | None) -> str:
    """What an exception says, cut to a length that can be read; its own `__str__` may do anything."""
    try:
        text = str(error)
        return text[:ERROR_CHARS] if type(text) is str else ""
    except BaseException:
        return "(its text could not be read)"
