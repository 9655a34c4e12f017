"""The steps of the GPU reference run, each an engine or a process of its own, and what each measures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servelab import engine
from servelab.engine import profiles
from servelab.errors import CourseError
from servelab.evidence.gpu import shapes
from servelab.evidence.gpu.bounds import Load
from servelab.evidence.gpu.load import token_prompts
from servelab.evidence.gpu.shapes import Shape
from servelab.evidence.serving import checked, first_token_s
from servelab.load.generate import Run, run_closed_loop

# AWQ's words, FP8's, older ones.
_KERNEL = re.compile(r"Using \S+ for \S+Linear|Selected \S+ for \S+Linear|Marlin")
_CACHE = re.compile(r"KV cache size: ([\d,]+) tokens")
_LIMIT_S = 900


@dataclass(frozen=True)
class Plan:
    """How large everything is.

    Attributes:
        device: "cuda" or "cpu".
        loads: what is asked of each engine; up to `stream_to` requests in flight answers are streamed, beyond that the client
            itself would be what is measured.
        streamed: larger loads that are streamed all the same, in 16 bits, for the time to the first token; not for the rates.
        prefix: tokens that two prompts have in common.
        engine_args: for every engine.
        machine_args: of `servelab.evidence.gpu.machine`.
    """

    shape: Shape
    device: str
    loads: tuple[Load, ...]
    naive: Load
    repeats: int
    stream_to: int
    streamed: tuple[Load, ...]
    prefix: int
    engine_args: tuple[str, ...]
    machine_args: tuple[str, ...]


# A line in the log for every request would cost time, and push what the engine says of itself out of what is read of the log.
_SERVED = ("--load-format", "dummy", "--seed", "0", "--disable-uvicorn-access-log")
FULL = Plan(
    shape=shapes.QWEN,
    device="cuda",
    loads=(
        Load(2, 1, 256, 128),
        Load(16, 8, 256, 128),
        Load(64, 32, 256, 128),
        Load(256, 128, 256, 128),
        Load(1024, 512, 256, 128),
        Load(2048, 1024, 256, 128),
    ),
    naive=Load(4, 1, 256, 128),
    repeats=3,
    stream_to=32,
    streamed=(Load(256, 128, 256, 128),),
    prefix=3072,
    engine_args=(*_SERVED, "--max-model-len", "4096", "--max-num-seqs", "1024"),
    machine_args=("--mebibytes", "4096", "--side", "8192", "--repeats", "5", "--inner", "10"),
)
TINY = Plan(
    shape=shapes.TINY,
    device="cpu",
    loads=(Load(1, 1, 16, 8), Load(4, 2, 16, 8)),
    naive=Load(2, 1, 16, 8),
    repeats=2,
    stream_to=1,
    streamed=(Load(4, 2, 16, 8),),
    prefix=256,
    engine_args=(*_SERVED, "--max-model-len", "1024", "--max-num-seqs", "4"),
    machine_args=("--mebibytes", "16", "--side", "256", "--repeats", "2", "--inner", "2"),
)

Found = dict[str, Any]  # {"samples": {...}, "details": {...}}


@dataclass(frozen=True)
class Step:
    """One step: how it is named, about how long it takes on a large card, and what it does with a plan and a scratch folder.

    `why_not` says why it cannot run on this machine, or is "".
    """

    name: str
    seconds: int
    run: Callable[[Plan, Path], Found]
    why_not: Callable[[Plan], str] = lambda plan: ""


def machine(plan: Plan, scratch: Path) -> Found:
    """Memory's and arithmetic's measured rates."""
    command = ["servelab.evidence.gpu.machine", "--device", plan.device, *plan.machine_args]
    return {"samples": _child(command), "details": {"args": list(plan.machine_args)}}


def naive(plan: Plan, scratch: Path) -> Found:
    """`transformers.generate` one by one."""
    folder = shapes.write(scratch / "naive", plan.shape, "bf16")
    load = plan.naive
    sizes = {"requests": load.requests, "prompt": load.prompt, "output": load.output, "repeats": plan.repeats}
    options = [word for key, value in sizes.items() for word in (f"--{key}", str(value))]
    samples = _child(["servelab.evidence.gpu.naive", str(folder), "--device", plan.device, *options])
    return {"samples": samples, "details": {"load": vars(load)}}


def throughput(numbers: str, extra: Sequence[str] = ()) -> Callable[[Plan, Path], Found]:
    """The step that serves one number format under every load of the plan."""

    def run(plan: Plan, scratch: Path) -> Found:
        samples: dict[str, list[float]] = {}
        measured, left_out = [], {}
        folder = shapes.write(scratch / numbers, plan.shape, numbers)
        args = [*_engine_args(plan, folder), "--no-enable-prefix-caching", *extra]
        with engine.serve(args, profile=_profile(plan), model=folder) as running:
            about = _about(running)
            for load in plan.loads:
                try:
                    found = _level(running, plan, load, numbers)
                except CourseError as error:  # what smaller loads gave is not lost
                    left_out[f"c{load.in_flight}"] = str(error).splitlines()[0]
                    continue
                samples |= found
                measured.append(vars(load))
            for load in plan.streamed if numbers == "bf16" else ():
                for found in _rounds(running, plan, load, stream=True):
                    summary, name = found.summary(), f"streamed_c{load.in_flight}"
                    samples.setdefault(f"{name}_ttft_s", []).append(summary.ttft_s["p50"])
                    samples.setdefault(f"{name}_e2e_s", []).append(summary.e2e_s["p50"])
            running.stop()
        if not measured:
            raise CourseError(f"no load could be measured: {next(iter(left_out.values()))}")
        return {"samples": samples, "details": {**about, "loads": measured, "left_out": left_out}}

    return run


def _level(running: engine.Engine, plan: Plan, load: Load, numbers: str) -> dict[str, list[float]]:
    """One load's samples."""
    samples: dict[str, list[float]] = {}
    streamed, name = load.in_flight <= plan.stream_to, f"{numbers}_c{load.in_flight}"
    for found in _rounds(running, plan, load, stream=streamed):
        summary = found.summary()
        samples.setdefault(f"{name}_rps", []).append(summary.requests_per_s)
        if streamed:
            samples.setdefault(f"{name}_ttft_s", []).append(summary.ttft_s["p50"])
            samples.setdefault(f"{name}_e2e_s", []).append(summary.e2e_s["p50"])
    return samples


def prefix_cache(plan: Plan, scratch: Path) -> Found:
    """TTFT of a long prompt seen for the first time and again, with and without the prefix cache."""
    samples: dict[str, list[float]] = {}
    folder = shapes.write(scratch / "bf16", plan.shape, "bf16")
    for kind, flag in (("on", "--enable-prefix-caching"), ("off", "--no-enable-prefix-caching")):
        with engine.serve(
            [*_engine_args(plan, folder), flag], profile=_profile(plan), model=folder
        ) as running:
            for number in range(-1, plan.repeats):
                (shared,) = token_prompts(1, plan.prefix, plan.shape.vocabulary, seed=5000 + number)
                tails = token_prompts(2, 16, plan.shape.vocabulary, seed=6000 + number)
                times = [first_token_s(running, [*shared, *tail]) for tail in tails]
                if number < 0:
                    continue
                samples.setdefault(f"prefix_{kind}_cold_ttft_s", []).append(times[0])
                samples.setdefault(f"prefix_{kind}_warm_ttft_s", []).append(times[1])
            about = _about(running)
            running.stop()
    return {"samples": samples, "details": {**about, "prompt": plan.prefix + 16}}


def _no_fp8(plan: Plan) -> str:
    if plan.device == "cpu":
        return "vLLM has no FP8 products on a CPU"
    card = profiles.gpu()
    too_old = card is not None and card.compute_capability < (8, 9)
    return "this card computes no FP8 (compute capability 8.9 is needed)" if too_old else ""


STEPS: tuple[Step, ...] = (
    Step("machine", 40, machine),
    Step("naive", 90, naive),
    Step("bf16", 330, throughput("bf16")),
    Step("awq", 330, throughput("awq")),
    Step("fp8", 330, throughput("fp8", ("--quantization", "fp8_per_tensor")), _no_fp8),
    Step("prefix", 300, prefix_cache),
)


def _engine_args(plan: Plan, folder: Path) -> list[str]:
    return [*plan.engine_args, "--tokenizer", str(shapes.tokenizer_folder(folder))]


def _profile(plan: Plan) -> str:
    return "gpu" if plan.device == "cuda" else "cpu"


def _rounds(running: engine.Engine, plan: Plan, load: Load, *, stream: bool) -> Iterator[Run]:
    """The plan's rounds of a load, after one that warms up: kernels are chosen for each size of a batch."""
    for number in range(-1, plan.repeats):
        run = run_closed_loop(
            running.base_url,
            running.model,
            token_prompts(load.requests, load.prompt, plan.shape.vocabulary, seed=1000 + number),
            concurrency=load.in_flight,
            max_tokens=load.output,
            ignore_eos=True,
            stream=stream,
            desc=f"{load.in_flight} in flight",
        )
        if number >= 0:
            yield checked(run, load.output)


def _about(running: engine.Engine) -> Mapping[str, Any]:
    """The engine's command and what its log says of itself."""
    lines = running.log_tail(2000)
    tokens = [found[1] for line in lines if (found := _CACHE.search(line))]
    kernels = sorted({line.split("] ")[-1] for line in lines if _KERNEL.search(line)})
    return {
        "command": running.command[1:],
        "backend": running.backend,
        "environment": {name: value for name, value in os.environ.items() if name.startswith("VLLM_")},
        "kv_cache_tokens": int(tokens[-1].replace(",", "")) if tokens else None,
        "kernels": kernels[:4],
        "ready_s": running.ready_s,
    }


def _child(command: Sequence[str]) -> dict[str, list[float]]:
    """Run a module of ours and read the JSON of its last line.

    Raises:
        CourseError: it failed; with its last line.
    """
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CourseError(f"{command[0]} did not end within {_LIMIT_S} s.") from None
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise CourseError(f"{command[0]} failed: {lines[-1].strip() if lines else 'it said nothing'}")
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise CourseError(f"{command[0]} did not end with its figures.") from None
