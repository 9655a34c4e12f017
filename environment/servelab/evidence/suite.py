"""The CPU reference suite: its parts, run one after the other, each with a file of its own that is kept and skipped."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servelab import paths
from servelab.engine import profiles
from servelab.errors import CourseError
from servelab.load import measurements, provenance
from servelab.progress import bar

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_LIMIT_S = 1800.0


@dataclass(frozen=True)
class Part:
    """One measurement of the suite.

    Attributes:
        name: of its file.
        what: one sentence for it; "{repeats}" is filled in.
        run: takes the number of repeats, returns figures, "samples" and "ratios".
        repeats: rounds, unless told otherwise.
        seconds: about how long all of them take on two cores.
        env: environment of its process.
        details: settings that one needs to take it again.
    """

    name: str
    what: str
    run: Callable[[int], dict[str, Any]]
    repeats: int
    seconds: int
    env: Mapping[str, str] = field(default_factory=dict)
    details: Callable[[], dict[str, Any]] = dict


def _serving(repeats: int) -> dict[str, Any]:
    from servelab.load.bench import bench_serving

    return bench_serving(repeats=repeats)


def _serving_details() -> dict[str, Any]:
    from servelab.load import bench

    levels = {"naive_levels": bench.NAIVE_LEVELS, "vllm_levels": bench.VLLM_LEVELS}
    return {"output_tokens": bench.MAX_TOKENS, **{k: [list(pair) for pair in v] for k, v in levels.items()}}


def _part(name: str) -> Callable[[int], dict[str, Any]]:
    def run(repeats: int) -> dict[str, Any]:
        from servelab.evidence import serving

        return getattr(serving, name)(repeats)

    return run


def _quantization(repeats: int) -> dict[str, Any]:
    from servelab.load.quantized import bench_quantization

    return bench_quantization(repeats=repeats)


def _quantization_details() -> dict[str, Any]:
    from servelab.load import quantized

    return {"output_tokens": quantized.MAX_TOKENS, "engine_args": list(quantized.ENGINE_ARGS)}


def _retrieval(repeats: int) -> dict[str, Any]:
    from servelab.retrieval.bench import bench_retrieval

    return bench_retrieval(repeats=repeats)


def _grading(repeats: int) -> dict[str, Any]:
    from servelab.grading.bench import bench_grading

    return bench_grading(paths.course_root(), repeats=repeats, large=60)


def _setup(repeats: int) -> dict[str, Any]:
    from servelab.load.bench import bench_setup

    return bench_setup(repeats=repeats, clean=True)


def _startup(repeats: int) -> dict[str, Any]:
    from servelab.evidence.startup import bench_startup

    return bench_startup(repeats=repeats)


PARTS: tuple[Part, ...] = (
    Part(
        "serving-cpu",
        "servelab bench serving: {repeats} rounds, in each the naive server and then vLLM started anew, 64 output tokens a "
        "request, the naive server's best of 3 levels against vLLM's best of 3.",
        _serving, 3, 300, details=_serving_details,
    ),
    Part(
        "prefix-cache-cpu",
        "{repeats} rounds on an engine with the prefix cache and on one without: median TTFT of prompts of over a thousand "
        "tokens, seen for the first time and seen again.",
        _part("prefix_cache"), 5, 80,
    ),
    Part(
        "quantization-cpu",
        "servelab bench quantization: {repeats} rounds, the formats in turn, 64 output tokens a request, the better of 2 runs; "
        "medians of the rounds, ratios within a round. Perplexity on environment/servelab/engine/texts/held-out.txt.",
        _quantization, 3, 360, details=_quantization_details,
    ),
    Part(
        "streaming-cpu",
        "{repeats} rounds on one engine, 128 output tokens a request: medians until the first token and until the whole answer.",
        _part("streaming"), 5, 100,
    ),
    Part(
        "replicas-cpu",
        "{repeats} rounds on one engine and on two that share the same cores, 16 requests in flight in all, 64 output tokens.",
        _part("replicas"), 3, 210,
    ),
    Part(
        "lora-serving-cpu",
        "{repeats} rounds on one engine with an adapter of rank 8: 8 requests in flight, 32 output tokens, to the base model, to "
        "the adapter, and to both at the same time.",
        _part("lora"), 5, 90,
    ),
    Part(
        "retrieval-cpu",
        "servelab bench retrieval: the answerable questions of the test set, exact search in Qdrant Edge, every way {repeats} "
        "times a question, one thread.",
        _retrieval, 5, 60, env=_ONE_THREAD, details=lambda: {"resamples": 10_000},
    ),
    Part(
        "grading-cpu",
        "servelab bench grading: {repeats} rounds over 12 submissions of 02-vllm, live cells skipped; 60 submissions once.",
        _grading, 2, 310,
    ),
    Part(
        "setup-cpu",
        "servelab bench setup --clean: {repeats} rounds of `make setup` in a copy of the course, with nothing there (downloads "
        "included) and with the packages in the cache; the model made; a cold start of an engine, up to the first token.",
        _setup, 2, 380,
    ),
    Part(
        "startup-cpu",
        "servelab bench startup: {repeats} starts by the timestamps of the engine's log, and one that counts its imports.",
        _startup, 3, 100,
    ),
)  # fmt: skip


def find(names: Sequence[str] | None) -> list[Part]:
    """The parts of these names (with or without "-cpu"), in the order of the suite; all for None.

    Raises:
        CourseError: there is none of a name.
    """
    if not names:
        return list(PARTS)
    known = {part.name: part for part in PARTS}
    wanted = [name if name in known else f"{name}-cpu" for name in names]
    lost = [name for name, full in zip(names, wanted, strict=True) if full not in known]
    if lost:
        raise CourseError(f"No part is called {lost[0]!r}. There are: {', '.join(known)}.")
    return [part for part in PARTS if part.name in wanted]


def folder() -> Path:
    """Where a run keeps its parts until they are published: outside the tree."""
    return paths.cache_dir() / "bench" / "cpu"


def state_of_code() -> str:
    """A digest of the commit and of what differs from it, without the measurements: a part of other code is not kept."""
    changes = provenance.git("diff", "HEAD", "--", ":/environment/servelab", ":/environment/locks")
    return hashlib.sha256(f"{provenance.commit()} {changes}".encode()).hexdigest()[:16]


def kept(part: Part, repeats: int, where: Path) -> dict[str, Any] | None:
    """The part's record of an earlier run of the same code, with as many repeats; None if there is none."""
    try:
        record = measurements.read(part.name, where)
    except CourseError:
        return None
    same = record["details"].get("code") == state_of_code() and record["repeats"] >= repeats
    return record if same else None


def measure(part: Part, repeats: int, where: Path) -> Path:
    """Run one part in this process and write its file."""
    code = state_of_code()
    result = part.run(repeats)
    if state_of_code() != code:
        raise CourseError("The code has changed while it was measured: measure again.")
    details = {**part.details(), "code": code}
    command = shlex.join(["servelab", "bench", "all", "--only", part.name, "--repeats", str(repeats)])
    record = measurements.make(
        part.what.format(repeats=repeats), result, seed=0, repeats=repeats, command=command, details=details
    )
    return measurements.write(part.name, record, where)


def _apart(part: Part, repeats: int, where: Path) -> str | None:
    """Run one part in a process of its own; None, or what went wrong."""
    command = [sys.executable, "-m", "servelab.evidence.suite", part.name, str(repeats), str(where)]
    env = {**os.environ, **part.env, "SERVELAB_ROOT": str(paths.course_root())}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL) as process:
        try:
            code = process.wait(_LIMIT_S)
        except BaseException as error:
            # Its engines end with it; an interrupt has reached it too, so give it a moment to go by itself.
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                return f"not done after {_LIMIT_S:.0f} s"
            raise
    return None if code == 0 else f"ended with exit code {code}; its last lines are above"


def run(
    parts: Sequence[Part], *, repeats: int | None = None, fresh: bool = False, where: Path | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Measure the parts that have no file of this code yet.

    Args:
        repeats: rounds of each part; its own number by default.
        fresh: measure all of them again.
        where: folder of the files.

    Returns:
        ({name: record}, {name: what went wrong}). A part that fails does not stop the others.
    """
    if (here := profiles.profile().name) not in ("cpu", "scripted"):
        raise CourseError(
            f"This is the CPU's suite, and the profile here is {here!r}: set SERVELAB_PROFILE=cpu."
        )
    if os.environ.get("SERVELAB_ENGINE_URL"):
        raise CourseError("SERVELAB_ENGINE_URL names an engine of unknown settings: unset it to measure.")
    where = where or folder()
    where.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    look = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}"
    total = sum(part.seconds for part in parts)
    with bar(total=total, desc=f"the suite (about {total / 60:.0f} minutes)", bar_format=look) as progress:
        for part in parts:
            wanted = repeats or part.repeats
            record = None if fresh else kept(part, wanted, where)
            if record is not None:
                print(f"\n{part.name}: kept from an earlier run of the same code", flush=True)
            else:
                print(f"\n{part.name}: about {part.seconds} s", flush=True)
                begun = time.monotonic()
                if (wrong := _apart(part, wanted, where)) is not None:
                    errors[part.name] = wrong
                else:
                    record = measurements.read(part.name, where)
                    print(f"{part.name}: done in {time.monotonic() - begun:.0f} s", flush=True)
            if record is not None:
                found[part.name] = record
            progress.update(part.seconds)
    return found, errors


def publish(records: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write the records into `environment/measurements`.

    Raises:
        CourseError: the code that one was measured with is in no commit, or it has fewer repeats than are published.
    """
    wanted = {part.name: part.repeats for part in PARTS}
    for name, record in records.items():
        if record["dirty"]:
            raise CourseError(
                f"{name} was measured with code that is in no commit: commit, and measure it again."
            )
        if record["repeats"] < wanted.get(name, 1):
            raise CourseError(
                f"{name} is published with {wanted[name]} repeats, and has {record['repeats']}."
            )
    return [measurements.write(name, record) for name, record in records.items()]


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m servelab.evidence.suite PART REPEATS FOLDER`: one part, in this process."""
    name, repeats, where = argv or sys.argv[1:]
    try:
        measure(find([name])[0], int(repeats), Path(where))
    except CourseError as error:
        print(f"servelab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from servelab.engine.errors import EngineError

        if not isinstance(error, EngineError):
            raise
        print(f"servelab: {error}", file=sys.stderr)
        return 1
    return 0


def as_json(records: Mapping[str, Mapping[str, Any]], rows: Sequence[Any], errors: Mapping[str, str]) -> str:
    """One line for machines."""
    told = [{"part": r.part, "ratio": r.ratio, "verdict": r.verdict} for r in rows]
    return json.dumps({"parts": sorted(records), "ratios": told, "errors": dict(errors)})


if __name__ == "__main__":
    sys.exit(main())
