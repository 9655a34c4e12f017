"""Grade many variants of one notebook fast: run the shared beginning once, fork per variant.

`servelab proof` grades some seventy answers a lab that differ in one cell each. A kernel per answer would spend
most of its time on imports and on cells that are the same every time. Here a process walks through the notebook
with IPython's shell; where a cell has variants it forks once for each, and the child runs the variant and what
follows. Cells run inside an event loop, one after another, exactly as ipykernel runs them, so `await` and
"a loop is already running" mean the same.

Cells that a change cannot reach (`servelab.grading.reach`) keep what they did in the reference run.

Only answers that come to an end are decided here. A child that hangs or dies, and one that would have to be forked
beside a live thread, is reported as undecided, and the caller grades it in a real kernel.
For the course's own answers only: nothing here protects against what runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import dataclasses
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from servelab.grading.reach import reached
from servelab.grading.run import RUN_MARK, copy_companions, kernel_environment, kill_marked
from servelab.grading.verdict import CellRun, frames_in

#: A cell may take this much longer than in the reference run; the kernel path has the last word on what hangs.
PATIENCE_S = 8.0
PATIENCE_FACTOR = 3.0
#: The same for the shared beginning; a server that is stuck in it ends itself.
BEGINNING_S = 120
#: Children for each job: checks spend nine tenths of their time waiting for the scripted engine.
CHILDREN_PER_JOB = 3

Cells = dict[int, str]
Runs = dict[int, CellRun]


@dataclasses.dataclass
class Variant:
    """Texts that take the place of the notebook's, by position."""

    name: str
    texts: Cells
    #: The cells to run, the first of which is where it begins to differ.
    reached: list[int] = dataclasses.field(default_factory=list)


def run_variants(
    cells: Cells, variants: list[Variant], reference: Runs, companions: Path, *, jobs: int = 2
) -> Iterator[tuple[str, Runs | None]]:
    """Run each variant of a notebook; yields (name, runs by position) as they end, in no fixed order.

    Args:
        cells: the text of every code cell, by position.
        variants: what to run, with unique names.
        reference: what the unchanged cells did in a kernel.
        companions: the lab's folder, whose data files the cells may read.
        jobs: how many processors' worth of them run at the same time.

    Yields:
        `None` instead of the runs where this path cannot decide.
    """
    variants = [dataclasses.replace(v, reached=reached(cells, v.texts)) for v in variants]
    mark = uuid.uuid4().hex
    undecided = {variant.name for variant in variants}
    with tempfile.TemporaryDirectory(prefix="servelab-forks-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "reference"
        copy_companions(companions, folder)
        environment = kernel_environment(folder) | {
            RUN_MARK: mark,
            "MPLBACKEND": "agg",
            # A forked child cannot use its parent's OpenMP or BLAS threads: have none.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        job = {
            "cells": cells,
            "variants": [dataclasses.asdict(v) for v in variants],
            "patience": {i: PATIENCE_S + PATIENCE_FACTOR * run.seconds for i, run in reference.items()},
            "children": jobs * CHILDREN_PER_JOB,
        }
        server = subprocess.Popen(
            [sys.executable, "-m", "servelab.grading.forks"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            server.stdin.write(json.dumps(job))
            server.stdin.close()
            for line in server.stdout:
                told = json.loads(line)
                undecided.discard(told["name"])
                runs = told["runs"]
                if runs is not None:
                    runs = reference | {int(i): CellRun(**_as_run(run)) for i, run in runs.items()}
                yield told["name"], runs
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
            kill_marked(mark)
        yield from ((name, None) for name in sorted(undecided))


def _as_run(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"frames": [tuple(frame) for frame in fields["frames"]]}


# ---------------------------------------------------------------- inside the server process


class _Shell:
    """IPython's shell, driven as ipykernel drives it, reporting a `CellRun` per cell."""

    def __init__(self) -> None:
        from IPython.core.displayhook import DisplayHook
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        recorder = self

        class Hook(DisplayHook):
            def write_format_data(self, format_dict, md_dict=None):
                if recorder.result is None:
                    recorder.result = str(format_dict.get("text/plain", ""))

        class Shell(InteractiveShell):
            displayhook_class = Hook

            def _showtraceback(self, etype, evalue, stb):
                recorder.traceback = [str(line) for line in stb]

        config = Config()
        config.HistoryManager.enabled = False  # its thread could not be forked
        self.shell = Shell.instance(config=config)
        self.result: str | None = None
        self.traceback: list[str] = []
        self.position_of: dict[int | None, int] = {}
        self.new_loop()

    def new_loop(self) -> None:
        """A fresh event loop: parent and child must not share one's file descriptors."""
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

    def run(self, index: int, text: str) -> CellRun:
        """Execute one cell."""
        self.result, self.traceback = None, []
        self.position_of[self.shell.execution_count] = index
        began = time.perf_counter()
        outcome = self.loop.run_until_complete(self._execute(text))
        run = CellRun(result=self.result, seconds=time.perf_counter() - began)
        error = outcome.error_before_exec or outcome.error_in_exec
        if not outcome.success:
            run.status, run.ename, run.evalue = "error", type(error).__name__, str(error)
            run.frames = frames_in(self.traceback, self.position_of)
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


class _Server:
    """Walks through the notebook, forks where variants begin, and gathers what the children report."""

    def __init__(self, job: dict[str, Any], out: int) -> None:
        self.cells: Cells = {int(i): text for i, text in job["cells"].items()}
        self.patience_s = {int(i): s for i, s in job["patience"].items()}
        self.variants = [
            Variant(v["name"], {int(i): text for i, text in v["texts"].items()}, v["reached"])
            for v in job["variants"]
        ]
        self.most, self.out = job["children"], out
        self.children: dict[int, dict[str, Any]] = {}
        self.shell = _Shell()

    def walk(self) -> None:
        last = max((v.reached[0] for v in self.variants), default=-1)
        for index in sorted(i for i in self.cells if i <= last):
            for variant in (v for v in self.variants if v.reached[0] == index):
                if _forkable():
                    self.gather(below=self.most)
                    self.fork(variant)
                else:
                    self.report(variant.name, None)
            if index < last:
                self.gather(below=self.most)
                signal.alarm(BEGINNING_S)  # children do not inherit it
                self.shell.run(index, self.cells[index])
                signal.alarm(0)
        self.gather(below=1)

    def fork(self, variant: Variant) -> None:
        """Start a child that runs the variant and tells, line by line, what became of its cells."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writer)
            self.children[reader] = {
                "pid": pid,
                "variant": variant,
                "told": b"",
                "until": self.until(variant, 0),
            }
            return
        status = 1
        try:
            os.setsid()
            _die_with_parent()
            os.close(reader)
            os.close(self.out)
            for other in self.children:
                os.close(other)
            self._be_child(variant, writer)
            status = 0
        finally:
            os._exit(status)  # never back into the parent's code, whatever the cells did

    def _be_child(self, variant: Variant, writer: int) -> None:
        own = tempfile.mkdtemp(prefix="variant-", dir=Path.cwd().parent)
        shutil.copytree(Path.cwd(), own, dirs_exist_ok=True)
        os.chdir(own)
        self.shell.new_loop()
        for index in variant.reached:
            run = self.shell.run(index, variant.texts.get(index, self.cells[index]))
            os.write(writer, json.dumps([index, dataclasses.asdict(run)]).encode() + b"\n")
        os.write(writer, b"done\n")
        shutil.rmtree(own, ignore_errors=True)

    def gather(self, below: int) -> None:
        """Listen until fewer than `below` children run."""
        while len(self.children) >= below:
            ready, _, _ = select.select(list(self.children), [], [], 0.2)
            for reader in ready:
                child = self.children[reader]
                data = os.read(reader, 65536)
                child["told"] += data
                child["until"] = self.until(child["variant"], child["told"].count(b"\n"))
                # Not only the end of the pipe: what a cell started may hold it open.
                if not data or child["told"].endswith(b"done\n"):
                    self.end(reader)
            now = time.monotonic()
            for reader in [r for r, c in self.children.items() if now > c["until"]]:
                self.end(reader)

    def until(self, variant: Variant, finished: int) -> float:
        """When to give up on a child that has finished so many cells."""
        current = variant.reached[min(finished, len(variant.reached) - 1)]
        return time.monotonic() + self.patience_s.get(current, PATIENCE_S)

    def end(self, reader: int) -> None:
        """Take leave of a child, with everything in its session, and report its runs if it came to its end."""
        child = self.children.pop(reader)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child["pid"], signal.SIGKILL)
        os.waitpid(child["pid"], 0)
        os.close(reader)
        lines = child["told"].split(b"\n")
        done = b"done" in lines
        self.report(
            child["variant"].name, dict(map(json.loads, lines[: lines.index(b"done")])) if done else None
        )

    def report(self, name: str, runs: dict[int, dict[str, Any]] | None) -> None:
        os.write(self.out, json.dumps({"name": name, "runs": runs}).encode() + b"\n")


def _forkable() -> bool:
    """Whether only this thread lives; idle workers of an event loop do not count, a child gets a new loop."""
    others = [t for t in threading.enumerate() if t is not threading.main_thread()]
    return all(thread.name.startswith("asyncio_") for thread in others)


def _die_with_parent() -> None:
    """On Linux, end when whoever started us ends, even by `kill -9`."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    """Read a job from standard input, write one JSON line per variant to standard output."""
    _die_with_parent()
    job = json.load(sys.stdin)
    out = os.dup(1)
    os.set_inheritable(out, False)
    complaints = os.dup(2)
    os.set_inheritable(complaints, False)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    status = 1
    try:
        _Server(job, out).walk()
        status = 0
    except Exception:
        os.write(complaints, traceback.format_exc().encode())
    finally:
        os._exit(status)  # threads that cells left behind must not keep us


if __name__ == "__main__":
    main()
