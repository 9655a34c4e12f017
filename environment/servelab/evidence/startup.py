"""Where the seconds of an engine's start go: by its log's stages, and by what Python imports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from servelab import engine, paths
from servelab.engine import client, logs, profiles
from servelab.engine.errors import EngineError
from servelab.evidence.serving import SEEDED, medians
from servelab.load.bench import prompts
from servelab.progress import bar

#: Our names for the stages of `servelab.engine.logs`, for samples; `ready` and `first_token` are what a client sees.
KEYS = ("imports", "config", "core", "weights", "compile", "cache", "warmup", "port")
# vLLM's processes put their names before what they print.
_IMPORT = re.compile(r"^(?:\(\w+ pid=\d+\) )?import time:\s*(\d+) \|\s*(\d+) \|( *)(\S+)")
_LIMIT_S = 600.0
_TOP = 12


@dataclass(frozen=True)
class Start:
    """One start: seconds in each stage, until ready, until the first token; CPU seconds and number of its processes."""

    stages: Mapping[str, float]
    ready_s: float
    first_token_s: float
    cpu_s: float
    processes: int
    lines: Sequence[str]


def stage_seconds(stamped: Sequence[tuple[float, str]], ready_s: float) -> dict[str, float]:
    """Seconds in each stage of a start, from log lines and when each came, counted from the start of the process.

    A stage begins with the first line that tells of it, or of a later one, and ends where the next begins; one that the log
    never tells of is not there. Their sum is `ready_s`.
    """
    begins = {0: 0.0}
    reached = 0
    for at, line in stamped:
        stage = logs.stage_of(line)
        if stage is not None and stage > reached and at <= ready_s:
            begins[stage] = at
            reached = stage
    ends = [*list(begins.values())[1:], ready_s]
    return {KEYS[stage]: end - at for (stage, at), end in zip(begins.items(), ends, strict=True)}


def import_seconds(lines: Sequence[str]) -> dict[str, float]:
    """Seconds that imports took by top-level package, from `-X importtime` lines, without what each imports itself."""
    taken: Counter[str] = Counter()
    for line in lines:
        if found := _IMPORT.match(line):
            taken[found[4].split(".")[0]] += int(found[1])
    return {name: us / 1e6 for name, us in taken.most_common()}


def bench_startup(
    *, repeats: int = 3, args: Sequence[str] = (), env: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Start the profile's engine `repeats` times, and once more with every import timed.

    Args:
        args: of the engine, beside the profile's own.
        env: more variables for it; None takes one away.

    Returns:
        {"ready_s", "first_token_s", "<stage>_s", "cpu_s", "processes", "import_s": {package: seconds}, "backend", "samples",
        "ratios"}. Timing the imports costs time itself: compare their shares.

    Raises:
        EngineError: the engine does not start.
    """
    samples: dict[str, list[float]] = {}
    processes = 0
    with bar(total=repeats + 1, desc="starting the engine", unit="start") as progress:
        for _ in range(repeats):
            start = observed(args, env or {})
            for name, value in start.stages.items():
                samples.setdefault(f"{name}_s", []).append(round(value, 3))
            for name in ("ready_s", "first_token_s", "cpu_s"):
                samples.setdefault(name, []).append(round(getattr(start, name), 3))
            processes = start.processes
            progress.update()
        timed = observed(args, {**(env or {}), "PYTHONPROFILEIMPORTTIME": "1"})
        progress.update()
    imports = import_seconds(timed.lines)
    whole = {name: values for name, values in samples.items() if len(values) == repeats}
    ratios = {f"{k}_of_ready": [f"{k}_s", "ready_s"] for k in KEYS if f"{k}_s" in whole}
    return {
        **medians(whole),
        "processes": processes,
        "import_s": {name: round(s, 2) for name, s in list(imports.items())[:_TOP]},
        "import_all_s": round(sum(imports.values()), 2),
        "ready_with_imports_timed_s": round(timed.ready_s, 2),
        "backend": profiles.backend(profiles.profile()),
        "samples": whole,
        "ratios": ratios,
    }


def observed(args: Sequence[str] = (), env: Mapping[str, str | None] | None = None) -> Start:
    """Start the profile's engine by its own command line, look at its log, ask for one token, and stop it.

    Raises:
        EngineError: it ended before it was ready, or was not ready within ten minutes.
    """
    port = client.free_port()
    of = profiles.profile()
    command = profiles.launch_command([*SEEDED, *args], engine.model_path(of), client.HOST, port, of=of)
    stamped: list[tuple[float, str]] = []
    with _process(command, {**of.env, **(env or {})}) as (process, began):
        reader = threading.Thread(target=_read, args=(process, began, stamped), daemon=True)
        reader.start()
        url = f"http://{client.HOST}:{port}"
        ready_s = _until_healthy(process, url, began, stamped)
        _one_token(url, of.model)
        first_token_s = time.perf_counter() - began
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        cpu_s = sum(sum(p.cpu_times()[:4]) for p in family)
    reader.join(10)
    lines = [line for _, line in stamped]
    return Start(stage_seconds(stamped, ready_s), ready_s, first_token_s, cpu_s, len(family), lines)


@contextmanager
def _process(
    command: Sequence[str], changes: Mapping[str, str | None]
) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """The engine in a process group of its own, gone with the block."""
    env = {**os.environ, "VLLM_CACHE_ROOT": str(paths.cache_dir() / "vllm")}
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    began = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process, began
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    continue
        for child in family:
            if child.is_running():
                child.kill()


def _read(process: subprocess.Popen[str], began: float, stamped: list[tuple[float, str]]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for line in stream:
            stamped.append((time.perf_counter() - began, line.rstrip()))


def _until_healthy(
    process: subprocess.Popen[str], url: str, began: float, stamped: Sequence[tuple[float, str]]
) -> float:
    while (taken := time.perf_counter() - began) < _LIMIT_S:
        if process.poll() is not None:
            lines = logs.telling([line for _, line in list(stamped) if not _IMPORT.match(line)])
            raise EngineError(f"The engine ended after {taken:.0f} s, before it was ready", lines)
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.05)
    raise EngineError(f"The engine was not ready within {_LIMIT_S:.0f} s")


def _one_token(url: str, model: str) -> None:
    import httpx

    body = {"model": model, "prompt": prompts(1)[0], "max_tokens": 1}
    httpx.post(f"{url}/v1/completions", json=body, timeout=120, trust_env=False).raise_for_status()
