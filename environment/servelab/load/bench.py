"""`servelab bench serving` and `servelab bench setup`: the course's headline figures, measured here and now."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from servelab import engine, paths
from servelab.engine import artefacts
from servelab.errors import CourseError
from servelab.load.generate import run_closed_loop
from servelab.load.records import spread_of
from servelab.load.stats import Summary
from servelab.progress import bar

MAX_TOKENS = 64
SEED = 0  # of the engine; decoding is greedy and the prompts are always the same
NAIVE_LEVELS = ((1, 3), (4, 6), (8, 10))  # (requests in flight, requests sent)
VLLM_LEVELS = ((1, 3), (8, 24), (32, 128))
_TOPICS = (
    *("rivers", "bridges", "bread", "clocks", "glass", "harbours", "honey", "islands", "kites", "lamps"),
    *("maps", "markets", "mountains", "music", "newspapers", "oceans", "orchards", "paper", "rain", "roads"),
    *("salt", "sand", "seeds", "ships", "silk", "snow", "stars", "steel", "tea", "trains", "wind", "wool"),
)


def prompts(count: int) -> list[str]:
    """`count` short prompts of about a dozen tokens, always the same ones in the same order."""
    return [
        f"Letter {i + 1}. Tell a friend what you have learned about {_TOPICS[i % len(_TOPICS)]}:"
        for i in range(count)
    ]


def bench_serving(*, profile: str | None = None, repeats: int = 1) -> dict[str, Any]:
    """Requests per second of the naive server and of vLLM in this run: the same prompts, 64 tokens each.

    In each round the naive server (Flask, `transformers.generate`, one lock) runs first, in a process of its own at 1 to 8
    requests in flight; it is stopped, and vLLM gets up to 32. Each server is warmed up and counts with its best level.

    Args:
        repeats: rounds; each starts both servers anew.

    Returns:
        {"naive_rps", "vllm_rps", "ratio" (medians over the rounds; the ratio is taken within a round), "naive": {level:
        Summary}, "vllm": {level: Summary} (of the round with the middle rate), "backends", "samples", "ratios"}.

    Raises:
        EngineError: an engine does not start.
        CourseError: a request failed, or an answer has not the length asked for.
    """
    model = engine.model_path("cpu")  # converted now, with its own bar, not while the naive server starts
    # A GPU's own model is a larger one, and only the same model on both sides makes a ratio.
    other = {"model": str(model)} if engine.profile(profile).name == "gpu" else {}
    # One round may look at an engine that runs already. Several are for publishing: then no other's, warmed by its requests.
    own = ["--seed", str(SEED)] if repeats > 1 else []
    rounds: list[dict[str, dict[int, Summary]]] = []
    for _ in range(repeats):
        with naive_server("smollm2") as base_url:
            naive = _levels(base_url, "smollm2-135m-instruct", NAIVE_LEVELS, "naive", stream=False)
        with engine.serve(own, profile=profile, **other) as running:
            vllm = _levels(running.base_url, running.model, VLLM_LEVELS, "vLLM", stream=True)
            backend = running.backend
            if running.ready_s:  # it was started for this
                running.stop()
        rounds.append({"naive": naive, "vllm": vllm})
    samples = serving_samples(rounds)
    rates = {name: spread_of(samples[f"{name}_rps"]).median for name in ("naive", "vllm")}
    ratio = spread_of([a / b for a, b in zip(samples["vllm_rps"], samples["naive_rps"], strict=True)]).median
    print(
        f"naive {rates['naive']:.2f} requests/s, vLLM {rates['vllm']:.2f} requests/s: {ratio:.1f} times as many"
    )
    return {
        "naive_rps": round(rates["naive"], 3),
        "vllm_rps": round(rates["vllm"], 3),
        "ratio": round(ratio, 2),
        **{name: _middle(rounds, name) for name in ("naive", "vllm")},
        "backends": {"naive": "Flask + transformers, one request at a time", "vllm": backend},
        "samples": samples,
        "ratios": {
            "vllm_over_naive": ["vllm_rps", "naive_rps"],
            **_top_over_bottom("naive", NAIVE_LEVELS),
            **_top_over_bottom("vllm", VLLM_LEVELS),
        },
    }


def _top_over_bottom(name: str, levels: Sequence[tuple[int, int]]) -> dict[str, list[str]]:
    """The ratio of a server's rates with the most and with the fewest requests in flight."""
    few, many = levels[0][0], levels[-1][0]
    return {f"{name}_c{many}_over_c{few}": [f"{name}_c{many}_rps", f"{name}_c{few}_rps"]}


def serving_samples(rounds: Sequence[dict[str, dict[int, Summary]]]) -> dict[str, list[float]]:
    """Every round's rates by server and requests in flight, each server's best, and its median times at each level."""
    samples: dict[str, list[float]] = {}
    for number in rounds:
        for name, levels in number.items():
            samples.setdefault(f"{name}_rps", []).append(max(s.requests_per_s for s in levels.values()))
            for level, summary in levels.items():
                samples.setdefault(f"{name}_c{level}_rps", []).append(summary.requests_per_s)
                samples.setdefault(f"{name}_c{level}_ttft_s", []).append(summary.ttft_s["p50"])
                samples.setdefault(f"{name}_c{level}_e2e_s", []).append(summary.e2e_s["p50"])
    return samples


def _middle(rounds: Sequence[dict[str, dict[int, Summary]]], name: str) -> dict[str, dict[str, Any]]:
    """At each level the run with the middle rate (of an even number, the slower of the two)."""
    found = {}
    for level in rounds[0][name]:
        ranked = sorted((r[name][level] for r in rounds), key=lambda summary: summary.requests_per_s)
        found[str(level)] = ranked[(len(ranked) - 1) // 2].as_dict()
    return found


def bench_setup(*, profile: str | None = None, repeats: int = 1, clean: bool = False) -> dict[str, Any]:
    """Seconds from a clean machine to the first token.

    Args:
        repeats: rounds; in each, the engine starts from cold.
        clean: in each round also set up two copies of the course: one with an empty cache, which downloads everything, and
            one with what the first has downloaded; and make the model anew. Minutes, and twice the course's disk for a moment.
            Without it, the first set-up and the model count as they once were on this machine.

    Returns:
        {"first_s", "cached_s", "again_s", "model_s", "engine_ready_s", "first_token_s", "clean_to_first_token_s", "samples",
        "ratios"}; None where nothing was written down. `first_s` is `make setup` with nothing there, `cached_s` with the
        packages in the cache, `again_s` with nothing to do. `first_token_s` counts from the start of the engine; the last of
        the times is the sum of the first set-up, the model and the first token.

    Raises:
        EngineError: the engine does not start.
        CourseError: a set-up fails, or this is no checkout to copy.
    """
    samples: dict[str, list[float]] = {}
    known = {"first_s": _setup_stamp().get("first_s"), "model_s": _model_seconds(profile)}
    for _ in range(repeats):
        found = from_nothing() if clean else {}
        if not clean and (again_s := _setup_again()) is not None:
            found["again_s"] = again_s
        found["engine_ready_s"], found["first_token_s"] = _cold_start(profile)
        if clean:
            found["clean_to_first_token_s"] = found["first_s"] + found["model_s"] + found["first_token_s"]
        for name, seconds in found.items():
            samples.setdefault(name, []).append(round(seconds, 2))
    middle = {name: round(spread_of(values).median, 2) for name, values in samples.items()}
    result: dict[str, Any] = {
        **dict.fromkeys(("cached_s", "again_s", "clean_to_first_token_s")),
        **known,
        **middle,
    }
    if not clean and None not in known.values():
        result["clean_to_first_token_s"] = round(sum(known.values()) + middle["first_token_s"], 1)
    result["samples"] = samples
    result["ratios"] = {"first_token_over_ready": ["first_token_s", "engine_ready_s"]}
    if clean:
        result["ratios"]["model_over_ready"] = ["model_s", "engine_ready_s"]
    setup = "not measured, run `make setup`" if result["first_s"] is None else f"{result['first_s']:.0f} s"
    print(
        f"setup {setup}; engine ready after {result['engine_ready_s']:.1f} s, "
        f"first token after {result['first_token_s']:.1f} s"
    )
    return result


def from_nothing() -> dict[str, float]:
    """Set up copies of the course's commit: with an empty cache, with a full one; and make the model.

    Returns:
        Seconds: {"first_s", "cached_s", "again_s" (nothing to do), "model_s"}.

    Raises:
        CourseError: there is no checkout to copy, or a step fails; with its last line.
    """
    with tempfile.TemporaryDirectory(prefix="servelab-setup-") as name:
        scratch = Path(name)
        caches = {"SERVELAB_CACHE": str(scratch / "cache"), "UV_CACHE_DIR": str(scratch / "uv")}
        found = {}
        with bar(total=3, desc="setting up copies of the course", unit="step") as progress:
            for step in ("first_s", "cached_s"):
                copy = scratch / step
                _step(["git", "clone", "--quiet", str(paths.course_root()), str(copy)], {})
                found[step] = _step([_outer_python(), str(copy / "environment" / "bootstrap.py")], caches)
                progress.update()
            make = "from servelab import engine; engine.model_path('cpu')"
            here = {**caches, "SERVELAB_ROOT": str(copy), "SERVELAB_PROGRESS": "0"}
            found["again_s"] = _step([_outer_python(), str(copy / "environment" / "bootstrap.py")], caches)
            found["model_s"] = _step([str(copy / ".venv" / "bin" / "python"), "-c", make], here)
            progress.update()
        return found


def _step(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds that a command took. Raises: CourseError, with its last line."""
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()
        raise CourseError(f"`{' '.join(command[:3])}` failed: {lines[-1] if lines else 'it said nothing'}")
    return time.perf_counter() - begun


def _outer_python() -> str:
    """A Python that is not the environment's own: what a student types `make` with."""
    return os.path.realpath(sys.executable)


def _cold_start(profile: str | None) -> tuple[float, float]:
    """Seconds until an engine that nobody else uses is ready, and until its first token; it is stopped again."""
    begun = time.perf_counter()
    # A configuration that nobody else has, so that an engine which runs already is not taken for one that started fast.
    running = engine.serve(["--seed", str(os.getpid())], profile=profile)
    try:
        ready_s = time.perf_counter() - begun
        stream = running.client(max_retries=0).completions.create(
            model=running.model, prompt=prompts(1)[0], max_tokens=1, stream=True
        )
        next(iter(stream))
        return ready_s, time.perf_counter() - begun
    finally:
        running.stop()


@contextlib.contextmanager
def naive_server(backend: str) -> Iterator[str]:
    """The naive reference server in a process of its own; yields its OpenAI address. It ends with the block, or with us.

    Raises:
        CourseError: it ended before it accepted requests; the message has its last line.
    """
    command = [sys.executable, "-m", "servelab.load.naive", "--backend", backend]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield f"http://127.0.0.1:{_port(process)}/v1"
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _port(process: subprocess.Popen[str]) -> int:
    lines: list[str] = []
    with bar(total=1, desc="naive server loads the model", unit="model") as progress:
        for line in process.stdout:
            if line.startswith("port "):
                progress.update()
                return int(line.split()[1])
            lines.append(line.strip())
    last = next((line for line in reversed(lines) if line), "it said nothing")
    raise CourseError(f"The naive server did not start: {last}")


def _levels(
    base_url: str, model: str, levels: Sequence[tuple[int, int]], name: str, *, stream: bool
) -> dict[int, Summary]:
    top, _ = levels[-1]
    ask = {"max_tokens": MAX_TOKENS, "ignore_eos": True, "stream": stream}
    warm = min(top, 2) if not stream else top
    run_closed_loop(base_url, model, prompts(warm), concurrency=warm, desc=f"{name}: warming up", **ask)
    found = {}
    for concurrency, count in levels:
        run = run_closed_loop(
            base_url, model, prompts(count), concurrency=concurrency, desc=f"{name} x {concurrency}", **ask
        )
        summary = run.summary()
        if summary.errors:
            bad = next(r for r in run.results if not r.ok)
            raise CourseError(
                f"{summary.errors} requests to the {name} server failed: {bad.error}: {bad.detail}"
            )
        short = [r.completion_tokens for r in run.results if r.completion_tokens != MAX_TOKENS]
        if short:
            raise CourseError(f"The {name} server answered with {short[0]} tokens instead of {MAX_TOKENS}.")
        found[concurrency] = summary
    return found


def _setup_again() -> float | None:
    """Seconds that `make setup` takes when there is nothing to do; None where this is no checkout."""
    script = paths.course_root() / "environment" / "bootstrap.py"
    if not script.is_file() or not _setup_stamp():
        return None
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, script], capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    return round(time.perf_counter() - begun, 2) if done.returncode == 0 else None


def _model_seconds(profile: str | None) -> float | None:
    """Seconds that making the model took on this machine; it is made now if need be."""
    chosen = engine.profile(profile)
    return artefacts.made_in_s(engine.model_path(chosen)) if chosen.source.startswith("artefact:") else None


def _setup_stamp() -> dict[str, Any]:
    stamp = paths.course_root() / ".venv" / "servelab-setup.json"
    try:
        found = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
