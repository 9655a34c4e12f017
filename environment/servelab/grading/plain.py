"""A notebook in an ordinary kernel, as a student's own *Validate* runs it. Nothing here protects against what runs.

`servelab proof` uses it to show that checks say the same there as in the judge. No submission ever takes this way.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from servelab.errors import CourseError
from servelab.grading.repair import Question
from servelab.grading.session import seconds_of
from servelab.grading.verdict import CellRun, frames_in
from servelab.kernels import NotebookClient

#: What one cell may print before the rest is dropped: a loop that prints must not fill the memory.
OUTPUT_BYTES = 1_000_000
#: A variable in the kernel's environment by which we find what it started, even where it let go of it.
RUN_MARK = "SERVELAB_GRADING_RUN"

OnCell = Callable[[int], None]


def run_cells(
    notebook: NotebookNode,
    questions: list[Question],
    folder: Path,
    *,
    timeout_s: float = 30.0,
    on_cell: OnCell | None = None,
) -> dict[int, CellRun]:
    """Execute the code cells in order, in a kernel whose current folder is `folder`.

    An error costs only its own cell. A cell that hangs or takes the kernel down costs its question: the
    remaining checks of that question are skipped, and a fresh kernel, brought up to date by running the
    earlier cells again (checks excepted), goes on with the next one.

    Returns:
        What happened, by position in the notebook. Cells without code are left out.

    Raises:
        CourseError: no kernel starts.
    """
    todo = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    checks = {check.index: question for question in questions for check in question.checks}
    answers = {question.index: question for question in questions}
    runs: dict[int, CellRun] = {}
    broken: set[int] = set()
    while pending := [i for i in todo if i not in runs]:
        replay = [i for i in todo if i in runs and i not in broken and i not in checks]
        with _kernel(notebook, folder, timeout_s) as kernel:
            ended = _play(kernel, replay, runs={}, broken=broken)
            for index in pending if ended else []:
                if index in runs:
                    continue  # a check of a question that has just been lost
                ended = _play(kernel, [index], runs, broken)
                if on_cell:
                    on_cell(index)
                if not ended:
                    lost = checks.get(index) or answers.get(index)
                    for check in lost.checks if lost else []:
                        runs.setdefault(check.index, CellRun(status="skipped"))
                    break
    return runs


def _play(kernel: _Kernel, indices: list[int], runs: dict[int, CellRun], broken: set[int]) -> bool:
    """Run cells until one hangs or kills the kernel; false if one did, and then it is in `broken`."""
    for index in indices:
        runs[index] = kernel.run(index)
        if runs[index].status in ("hung", "died"):
            broken.add(index)
            return False
    return True


class _Kernel(NotebookClient):
    """nbclient, told to report rather than raise and to keep no more output than anyone can read."""

    def __init__(self, notebook: NotebookNode, timeout_s: float) -> None:
        # Always this Python's own kernel: a copy may name one that exists only on the student's machine.
        super().__init__(
            notebook,
            timeout=timeout_s,
            kernel_name="python3",
            allow_errors=True,
            interrupt_on_timeout=False,
            shutdown_kernel="immediate",
            resources={},
        )
        self.log.setLevel(logging.CRITICAL)
        self.on_cell_executed = self._keep_reply
        self.timeout_func = lambda cell: seconds_of(cell) or timeout_s
        self._reply: dict[str, Any] = {}
        self._bytes_left = 0
        self._position_of: dict[int | None, int] = {}

    def _keep_reply(self, *, execute_reply: dict[str, Any], **_: Any) -> None:
        self._reply = execute_reply["content"]

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            self._bytes_left -= sum(len(part) for part in _texts(msg["content"]))
            if self._bytes_left < 0 and msg["msg_type"] != "error":
                return None
        return super().process_message(msg, cell, cell_index)

    def run(self, index: int) -> CellRun:
        """Execute one cell and say what happened."""
        cell = self.nb.cells[index]
        self._reply, self._bytes_left = {}, OUTPUT_BYTES
        cell["execution_count"], cell["outputs"] = None, []
        began = time.perf_counter()
        run = CellRun()
        try:
            self.execute_cell(cell, index)
        except CellTimeoutError:
            run.status = "hung"
        except (DeadKernelError, RuntimeError):
            run.status = "died"
        run.seconds = time.perf_counter() - began
        self._position_of[cell.get("execution_count")] = index
        if run.status == "ok" and self._reply.get("status") != "ok":
            run.status = "error"
            run.ename = str(self._reply.get("ename", "Error"))
            run.evalue = str(self._reply.get("evalue", ""))
            run.frames = frames_in(self._reply.get("traceback", []), self._position_of)
        for output in cell.outputs:
            if output.output_type == "execute_result" and run.result is None:
                run.result = str(output.data.get("text/plain", ""))
        return run


def _texts(content: dict[str, Any]) -> Iterator[str]:
    yield str(content.get("text", ""))
    yield from (str(value) for value in content.get("data", {}).values())


@contextlib.contextmanager
def _kernel(notebook: NotebookNode, folder: Path, timeout_s: float) -> Iterator[_Kernel]:
    mark = uuid.uuid4().hex
    kernel = _Kernel(notebook, timeout_s)
    with contextlib.ExitStack() as stack:
        stack.callback(kill_marked, mark)
        try:
            stack.enter_context(
                kernel.setup_kernel(
                    cwd=str(folder),
                    env=kernel_environment(folder) | {RUN_MARK: mark},
                    # What the kernel itself says is not for the person at this terminal.
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        except (OSError, RuntimeError, ImportError, NoSuchKernel) as error:
            raise CourseError(f"No notebook kernel could be started: {error}. Try `make setup`.") from error
        yield kernel


def kernel_environment(folder: Path) -> dict[str, str]:
    """What a graded kernel sees: live cells off, no progress bars, nobody's IPython settings."""
    return os.environ | {
        "NBGRADER_EXECUTION": "autograde",
        "SERVELAB_PROGRESS": "0",
        "SERVELAB_WORK": str(folder),
        "IPYTHONDIR": str(folder / ".ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def kill_marked(mark: str) -> None:
    """End whatever a kernel started and left, found by the mark in its environment."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_MARK) == mark:
                process.kill()
