"""The GPU reference run: steps within a budget, each with a file of its own, and the one record that is published from them."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servelab import paths
from servelab.engine.errors import EngineError
from servelab.errors import CourseError
from servelab.evidence.claims import claim
from servelab.evidence.gpu import bounds, steps
from servelab.evidence.gpu.bounds import Load, Machine
from servelab.evidence.gpu.steps import FULL, STEPS, TINY, Plan, Step
from servelab.evidence.results import NOT_YET
from servelab.load import measurements, provenance
from servelab.load.records import spread_of

if TYPE_CHECKING:
    from rich.table import Table

NAME = "serving-gpu"
_FORMATS = ("bf16", "awq", "fp8")
_SAME = ("card", "versions", "commit")
_PART = {"step", "tiny", "shape", "samples", "details", "dirty", "taken", "hardware", "versions", "commit"}


@dataclass
class Done:
    """What a run has: parts by step, why others are missing, and which of those failed."""

    plan: Plan
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def folder(tiny: bool) -> Path:
    """Where the parts are kept, outside the tree."""
    return paths.cache_dir() / "bench" / ("gpu-tiny" if tiny else "gpu")


def run(
    out: Path,
    *,
    tiny: bool = False,
    budget_s: float = 3000.0,
    only: Sequence[str] | None = None,
    todo: Sequence[Step] = STEPS,
) -> Done:
    """Do the steps that have no part of this code in `out` yet, as long as the budget lasts.

    Args:
        out: folder of the parts; each is written as soon as its step is done.
        tiny: on a CPU, to see that the script works. Such parts are never published.
        budget_s: a step that is likely to need more than what is left of it is not started.
        only: names of steps.

    Raises:
        CourseError: no step has such a name, this machine has no GPU that the course can use, the code is in no commit, or an
            engine of unknown settings would be measured.
    """
    plan = TINY if tiny else FULL
    lost = set(only or ()) - {step.name for step in todo}
    if lost:
        raise CourseError(f"No step is called {min(lost)!r}. There are: {', '.join(s.name for s in todo)}.")
    if not tiny and provenance.gpu() is None:
        raise CourseError("This machine has no GPU: `servelab bench gpu --tiny` tries the script on its CPU.")
    if not tiny and provenance.dirty():
        raise CourseError(
            "Nobody could publish what is measured with this code: commit it, or say in SERVELAB_COMMIT which commit it is."
        )
    if os.environ.get("SERVELAB_ENGINE_URL"):
        raise CourseError("SERVELAB_ENGINE_URL names an engine of unknown settings: unset it to measure.")
    _more_files()
    # Greedy requests need no sampler; FlashInfer's is compiled at an engine's start, which fails where there is no nvcc
    # (https://github.com/vllm-project/vllm/issues/49497).
    os.environ.setdefault("VLLM_USE_FLASHINFER_SAMPLER", "0")
    out.mkdir(parents=True, exist_ok=True)
    begun, done = time.monotonic(), Done(plan)
    for step in todo:
        part = _kept(out, step.name, tiny)
        left = budget_s - (time.monotonic() - begun)
        needs = 1 if tiny else step.seconds
        if part is not None:
            done.parts[step.name] = part
        elif only and step.name not in only:
            done.open[step.name] = NOT_YET
        elif why := step.why_not(plan):
            done.open[step.name] = f"not possible here: {why}"
        elif needs > left:
            done.open[step.name] = f"not started: it takes about {needs} s, and {max(left, 0):.0f} s are left"
        else:
            _do(step, plan, out, tiny, done)
    return done


def _more_files() -> None:
    """A connection for each request in flight is an open file, and a thousand of them are more than is usual."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _do(step: Step, plan: Plan, out: Path, tiny: bool, done: Done) -> None:
    print(f"\n{step.name}: about {step.seconds} s on a large card", flush=True)
    begun = time.monotonic()
    # A checkpoint keeps its place (and takes hardly any, without weights): what vLLM compiled for it is found again by its path.
    scratch = folder(tiny) / "checkpoints"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        found = step.run(plan, scratch)
    except Exception as error:  # a short lease: whatever one step meets must not keep the others from running
        ours = isinstance(error, CourseError | EngineError)
        said = (str(error).splitlines() or [""])[0]
        done.open[step.name] = f"failed: {said}" if ours else f"failed: {type(error).__name__}: {said}"
        done.failed.append(step.name)
        return
    part = {
        "step": step.name,
        "tiny": tiny,
        "shape": plan.shape.name,
        "took_s": round(time.monotonic() - begun, 1),
        "samples": found["samples"],
        "details": found["details"],
        "hardware": provenance.hardware(),
        "versions": provenance.versions(),
        "commit": provenance.commit(),
        "dirty": provenance.dirty(),
        "taken": datetime.now(UTC).date().isoformat(),
    }
    target = out / f"{step.name}.json"
    half = target.with_suffix(".part")
    half.write_text(json.dumps(part, indent=1) + "\n", encoding="utf-8")
    half.replace(target)
    done.parts[step.name] = part


def _kept(out: Path, name: str, tiny: bool) -> dict[str, Any] | None:
    """The part of an earlier run of the same code, versions and hardware; None otherwise."""
    try:
        part = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(part, dict) or (part.get("dirty") and not tiny):
        return None  # nobody could publish it
    now = {
        "tiny": tiny,
        "hardware": provenance.hardware(),
        "versions": provenance.versions(),
        "commit": provenance.commit(),
    }
    same = (
        part.get("tiny") == tiny and part.get("hardware") and all(_of(part, k) == _of(now, k) for k in _SAME)
    )
    return part if same else None


def _of(part: Mapping[str, Any], key: str) -> Any:
    """What has to be the same in all parts: of the hardware the card. A machine may be lent with a little more memory the next time."""
    return part["hardware"].get("gpu") or part["hardware"]["cpu"] if key == "card" else part.get(key)


def collect(out: Path, *, todo: Sequence[Step] = STEPS) -> Done:
    """The parts that lie in a folder, wherever they were measured. Nothing is measured.

    Raises:
        CourseError: a part cannot be read.
    """
    done = Done(FULL)
    for step in todo:
        path = out / f"{step.name}.json"
        if not path.is_file():
            done.open[step.name] = NOT_YET
            continue
        try:
            part = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CourseError(f"{path} is no part of a GPU run ({error}).") from None
        lost = _PART - part.keys() if isinstance(part, dict) else _PART
        if lost:
            raise CourseError(f"{path} is no part of a GPU run: it does not say {', '.join(sorted(lost))}.")
        if part["tiny"]:
            raise CourseError(
                f"{path} is of a tiny run, which shows that the script works and is not a measurement."
            )
        done.parts[step.name] = part
    return done


def machine_of(samples: Mapping[str, Sequence[float]]) -> Machine:
    """The measured rates at their best: of the two ways to move bytes the faster one, and each product's."""
    # A bound is what the machine can do at its best.
    best = {name: max(values) for name, values in samples.items()}
    flops = {
        n: best[f"matmul_{n}_tflop_per_s"] * 1e12
        for n in ("bf16", "fp8")
        if f"matmul_{n}_tflop_per_s" in best
    }
    return Machine(max(best["read_gb_per_s"], best["copy_gb_per_s"]) * 1e9, flops)


def with_bounds(done: Done) -> dict[str, dict[str, Any]]:
    """For each sample of requests/s: its median, its physical bound, what bounds it, and the share of it that was reached.

    Empty while the machine's own rates are not measured.
    """
    if "machine" not in done.parts:
        return {}
    machine, shape = machine_of(done.parts["machine"]["samples"]), done.plan.shape
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, values: Sequence[float], numbers: str, load: Load) -> None:
        least = bounds.bound(shape, numbers, load, machine)
        best, rate = load.requests / least.seconds, spread_of(values).median
        found[name] = {
            "rps": round(rate, 3),
            "output_tokens_per_s": round(rate * load.output, 1),
            "bound_rps": round(best, 3),
            "bound_by": least.by,
            "share_of_bound": round(rate / best, 4),
        }

    for name in _FORMATS:
        cache = done.parts[name]["details"].get("kv_cache_tokens") if name in done.parts else None
        loads = done.parts[name]["details"]["loads"] if name in done.parts else ()
        for load in (Load(**numbers) for numbers in loads):
            key = f"{name}_c{load.in_flight}"
            add(key, done.parts[name]["samples"][f"{key}_rps"], name, load)
            if cache:
                held = load.in_flight * (load.prompt + load.output)
                found[key]["kv_cache_share_at_most"] = round(min(1, held / cache), 4)
    if "naive" in done.parts:
        load = Load(**done.parts["naive"]["details"]["load"])
        add("naive", done.parts["naive"]["samples"]["naive_rps"], "bf16", load)
    return found


def first_tokens(done: Done) -> dict[str, dict[str, Any]]:
    """TTFT of a cold long prompt on an idle engine, beside its bound."""
    if not {"machine", "prefix"} <= done.parts.keys():
        return {}
    machine = machine_of(done.parts["machine"]["samples"])
    least = bounds.first_token_bound(
        done.plan.shape, "bf16", done.parts["prefix"]["details"]["prompt"], machine
    )
    found = {}
    for kind in ("on", "off"):
        name = f"prefix_{kind}_cold_ttft_s"
        taken = spread_of(done.parts["prefix"]["samples"][name]).median
        found[name] = {
            "ttft_s": round(taken, 5),
            "bound_s": round(least.seconds, 5),
            "bound_by": least.by,
            "share_of_bound": round(least.seconds / taken, 4),
        }
    return found


def claims(done: Done) -> dict[str, Any]:
    """What the sources claim beside what was measured; "not yet measured" where a step is missing."""
    samples = {name: values for part in done.parts.values() for name, values in part["samples"].items()}
    middle = {name: spread_of(values).median for name, values in samples.items()}

    def best(name: str) -> float | None:
        return max(
            (v for n, v in middle.items() if n.startswith(f"{name}_c") and n.endswith("_rps")), default=None
        )

    def over(above: float | None, below: float | None) -> float | None:
        return above / below if above and below else None

    naive, shape = middle.get("naive_rps"), done.plan.shape
    measured = {
        "naive_rps": naive,
        "vllm_rps": best("bf16"),
        "vllm_over_naive": over(best("bf16"), naive),
        "all_over_naive": over(max(filter(None, map(best, _FORMATS)), default=None), naive),
        "awq_over_16_bits": over(middle.get("awq_c8_rps"), middle.get("bf16_c8_rps")),
        # Arithmetic: bytes of the weights by their format, of a checkpoint that was served.
        "awq_size": shape.weight_bytes("bf16") / shape.weight_bytes("awq") if "awq" in done.parts else None,
        "streaming": over(middle.get("bf16_c1_e2e_s"), middle.get("bf16_c1_ttft_s")),
    }
    return {
        key: {
            "claim": claim(key).words,
            "measured": NOT_YET if value is None else float(f"{value:.4g}"),
            "beside": NOT_YET if value is None else claim(key).beside(value),
        }
        for key, value in measured.items()
    }


def publish(done: Done) -> Path:
    """Write `environment/measurements/serving-gpu.json` from the parts.

    Raises:
        CourseError: the parts are of a tiny run, of several machines, versions or commits, of code in no commit, or there are none.
    """
    record = as_record(done)
    if record["dirty"]:
        raise CourseError("A part was measured with code that is in no commit: commit, and measure it again.")
    return measurements.write(NAME, record)


def as_record(done: Done) -> dict[str, Any]:
    """The one record of all parts. Raises: CourseError, as `publish` says."""
    parts = list(done.parts.values())
    if not parts:
        raise CourseError("No step of the GPU run is done yet.")
    if any(part["tiny"] for part in parts):
        raise CourseError(
            "A tiny run shows that the script works; it is not a measurement, and is not published."
        )
    for key in _SAME:
        if any(_of(part, key) != _of(parts[0], key) for part in parts):
            raise CourseError(
                f"The steps were measured with different {key if key[-1] == 's' else key + 's'}: measure them again in one place."
            )
    samples = {name: values for part in parts for name, values in part["samples"].items()}
    load = done.plan.loads
    result = {
        "shape": {"name": done.plan.shape.name, "source": done.plan.shape.source},
        "parameters": done.plan.shape.parameters,
        "throughput": with_bounds(done) or NOT_YET,
        "first_token": first_tokens(done) or NOT_YET,
        "claims": claims(done),
        "open": done.open,
        "samples": samples,
        "ratios": _ratios(samples),
    }
    what = (
        f"servelab bench gpu: {done.plan.shape.name} with random weights, {load[0].prompt} prompt and {load[0].output} output tokens a "
        f"request, {done.plan.repeats} rounds after one to warm up; bounds from this machine's measured bandwidth and product rates."
    )
    details = {name: part["details"] for name, part in done.parts.items()}
    details["weights"] = (
        "random, within 0.001 of 0; AWQ's packed numbers are what the memory held, as a rule zeros. A card may clock higher on "
        "either than on trained weights."
    )
    record = measurements.make(
        what, result, seed=0, repeats=done.plan.repeats, command="servelab bench gpu --save", details=details
    )
    record |= {key: parts[0][key] for key in ("hardware", "versions", "commit")}
    record["taken"] = max(part["taken"] for part in parts)
    return record | {"dirty": any(part["dirty"] for part in parts)}


def _ratios(samples: Mapping[str, Sequence[float]]) -> dict[str, list[str]]:
    levels = [n for n in samples if n.startswith("bf16_c") and n.endswith("_rps")]
    # The level that `claims` takes too: the best one.
    top = int(max(levels, key=lambda n: spread_of(samples[n]).median)[6:-4]) if levels else 0
    wanted = {
        "vllm_over_naive": [f"bf16_c{top}_rps", "naive_rps"],
        "awq_over_bf16_c1": ["awq_c1_rps", "bf16_c1_rps"],
        "fp8_over_bf16_c1": ["fp8_c1_rps", "bf16_c1_rps"],
        "awq_over_bf16_c8": ["awq_c8_rps", "bf16_c8_rps"],
        "fp8_over_bf16_c8": ["fp8_c8_rps", "bf16_c8_rps"],
        f"awq_over_bf16_c{top}": [f"awq_c{top}_rps", f"bf16_c{top}_rps"],
        f"fp8_over_bf16_c{top}": [f"fp8_c{top}_rps", f"bf16_c{top}_rps"],
        "cold_over_warm_on": ["prefix_on_cold_ttft_s", "prefix_on_warm_ttft_s"],
        "answer_over_first_c1": ["bf16_c1_e2e_s", "bf16_c1_ttft_s"],
    }
    return {
        name: pair
        for name, pair in wanted.items()
        if all(part in samples for part in pair) and len(samples[pair[0]]) == len(samples[pair[1]])
    }


def table(done: Done) -> Table:
    """Requests/s of each step beside the bound."""
    from rich.table import Table  # not needed where only measuring is done

    shown = Table(title=f"{done.plan.shape.name}, random weights")
    for name in ("what", "requests/s", "bound", "bound by", "share"):
        shown.add_column(name, justify="left" if name in ("what", "bound by") else "right")
    for name, row in with_bounds(done).items():
        cells = (
            f"{row['rps']:.4g}",
            f"{row['bound_rps']:.4g}",
            row["bound_by"],
            f"{row['share_of_bound']:.1%}",
        )
        shown.add_row(name, *cells)
    for name in (s.name for s in steps.STEPS if s.name in done.open):
        shown.add_row(name, done.open[name].splitlines()[0], "", "", "")
    return shown
