"""One model in several number formats: size, perplexity and throughput of each, measured the same way in one run."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from servelab import engine
from servelab.engine import artefacts
from servelab.errors import CourseError
from servelab.load.bench import prompts
from servelab.load.generate import run_closed_loop
from servelab.load.stats import Summary

MAX_TOKENS = 64
LEVELS = ((1, 1), (8, 8))  # (requests in flight, requests sent)
TRIES = 2  # the better run counts: what else the machine does can only make one slower
ENGINE_ARGS = ("--max-model-len", "1024", "--max-num-seqs", "8")


def held_out() -> list[str]:
    """The passages on which checkpoints are compared. No calibration has seen them."""
    return artefacts.held_out_file().read_text(encoding="utf-8").strip().split("\n\n")


def calibration() -> list[str]:
    """The texts on which the course's checkpoints were calibrated."""
    return artefacts.calibration_file().read_text(encoding="utf-8").strip().split("\n\n")


def size_bytes(folder: Path | str) -> int:
    """What a checkpoint's weights take on disk."""
    return sum(path.stat().st_size for path in Path(folder).glob("*.safetensors"))


def some_layers(folder: Path | str, most: int = 10) -> list[int]:
    """Numbers of layers spread evenly over a checkpoint, the first and the last among them; fewer of a large model."""
    config = json.loads((Path(folder) / "config.json").read_text())
    count, weights = config["num_hidden_layers"], config["hidden_size"] * config["intermediate_size"]
    most = max(2, min(most, count, 20_000_000 // weights))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def token_logprobs(base_url: str, model: str, texts: Sequence[str]) -> list[list[float]]:
    """For each text, ln of the probability that the served model gives each of its tokens but the first.

    One request for one token a text; with `prompt_logprobs` vLLM also says what it thought of the prompts.

    Raises:
        CourseError: the server did not answer, or says nothing about the prompts.
    """
    body = {"model": model, "prompt": list(texts), "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
    try:
        answer = httpx.post(f"{base_url}/completions", json=body, timeout=600, trust_env=False)
        answer.raise_for_status()
        choices = sorted(answer.json()["choices"], key=lambda choice: choice["index"])
    except httpx.HTTPError as error:
        raise CourseError(f"{base_url} did not score the texts: {error}") from None
    if not all(choice.get("prompt_logprobs") for choice in choices):
        raise CourseError(f"{base_url} answered without prompt_logprobs: it is not vLLM.")
    # With 0 alternatives each row holds the token itself and nothing else; the first row is None.
    return [
        [next(iter(row.values()))["logprob"] for row in choice["prompt_logprobs"] if row]
        for choice in choices
    ]


def perplexity(logprobs: Sequence[float]) -> float:
    """exp of the mean loss."""
    return math.exp(-statistics.fmean(logprobs))


def measure(running: Any, desc: str = "") -> dict[str, Any]:
    """Perplexity on the held-out passages, and throughput at each of `LEVELS`, of an engine that runs.

    Returns:
        {"perplexity", "logprobs" (of every token, in order), "requests_per_s": {level: value},
        "tokens_per_s": {level: value}}; the throughput is that of the better of `TRIES` runs.

    Raises:
        CourseError: a request failed.
    """
    run_closed_loop(running.base_url, running.model, prompts(8), concurrency=8, max_tokens=8, desc="")
    by_text = token_logprobs(running.base_url, running.model, held_out())
    logprobs = [value for values in by_text for value in values]
    best = {
        level: max((_run(running, desc, level, count) for _ in range(TRIES)), key=lambda s: s.requests_per_s)
        for level, count in LEVELS
    }
    return {
        "perplexity": perplexity(logprobs),
        "logprobs": logprobs,
        "requests_per_s": {level: summary.requests_per_s for level, summary in best.items()},
        "tokens_per_s": {level: summary.output_tokens_per_s for level, summary in best.items()},
    }


def _run(running: Any, desc: str, level: int, count: int) -> Summary:
    run = run_closed_loop(
        running.base_url,
        running.model,
        prompts(count),
        concurrency=level,
        max_tokens=MAX_TOKENS,
        ignore_eos=True,
        desc=f"{desc} x {level}".strip(),
    )
    summary = run.summary()
    if summary.errors:
        raise CourseError(f"{summary.errors} requests failed: {next(iter(summary.error_names))}.")
    return summary


def bench_quantization(*, repeats: int = 5, profile: str | None = None) -> dict[str, Any]:
    """Every format that this machine's profile has, one engine after the other, `repeats` rounds of all of them.

    The formats take turns, so that a slow minute of the machine does not hit one of them only; a round's ratios are
    taken within the round.

    Returns:
        {"formats": {name: {"bytes", "perplexity", "perplexity_ratio", "requests_per_s": {level: median},
        "ratio": {level: median of the rounds' ratios to the first format}, "ratios": {level: [each round's]},
        "backend"}}, "repeats", "tokens_scored", "samples", "ratios"}.

    Raises:
        EngineError: a checkpoint cannot be made or fetched, or an engine does not start.
        CourseError: a request failed.
    """
    folders = artefacts.checkpoints(profile)
    first = next(iter(folders))
    rounds: list[dict[str, dict[str, Any]]] = []
    backends = {}
    for number in range(repeats):
        rounds.append({})
        for name, folder in folders.items():
            with engine.serve(list(ENGINE_ARGS), profile=profile, model=folder) as running:
                rounds[-1][name] = measure(running, f"{name}, round {number + 1}")
                backends[name] = running.backend
                running.stop()
    formats = {}
    for name, folder in folders.items():
        levels = [level for level, _ in LEVELS]
        ratios = {
            level: [r[name]["requests_per_s"][level] / r[first]["requests_per_s"][level] for r in rounds]
            for level in levels
        }
        found = rounds[0][name]["perplexity"]
        formats[name] = {
            "bytes": size_bytes(folder),
            "perplexity": round(found, 3),
            "perplexity_ratio": round(found / rounds[0][first]["perplexity"], 4),
            "requests_per_s": {
                str(level): round(statistics.median(r[name]["requests_per_s"][level] for r in rounds), 3)
                for level in levels
            },
            "ratio": {str(level): round(statistics.median(values), 3) for level, values in ratios.items()},
            "ratios": {str(level): [round(v, 3) for v in values] for level, values in ratios.items()},
            "backend": backends[name],
        }
    for name, row in formats.items():
        print(
            f"{name:5} {row['bytes'] / 1e6:8.1f} MB, perplexity {row['perplexity']:.2f}, "
            + ", ".join(f"{rate:.2f} requests/s at {level}" for level, rate in row["requests_per_s"].items())
        )
    return {
        "formats": formats,
        "repeats": repeats,
        "tokens_scored": len(rounds[0][first]["logprobs"]),
        "samples": {
            f"{name.lower()}_c{level}_rps": [r[name]["requests_per_s"][level] for r in rounds]
            for name in folders
            for level, _ in LEVELS
        },
        "ratios": {
            f"{name.lower()}_over_{first.lower()}_c{level}": [
                f"{name.lower()}_c{level}_rps",
                f"{first.lower()}_c{level}_rps",
            ]
            for name in folders
            if name != first
            for level, _ in LEVELS
        },
    }


def paired_difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """Mean difference of two models' losses on the same tokens, a minus b, and its standard error.

    Raises:
        ValueError: the two are not scores of the same tokens, or fewer than two.
    """
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"{len(a)} and {len(b)} scores cannot be compared token by token.")
    differences = [y - x for x, y in zip(a, b, strict=True)]
    return statistics.fmean(differences), statistics.stdev(differences) / math.sqrt(len(differences))


def gpu_run() -> Mapping[str, Any] | None:
    """The course's run on a GPU, or None while there is none.

    It is taken by `servelab bench quantization --save quantization-gpu` on a machine with a GPU and a model hub; where there is
    no hub, by `servelab bench gpu` on a shape with random weights, whose name is then under "model".
    """
    from servelab.load import measurements

    if (whole := measurements.find("quantization-gpu")) is not None:
        return whole
    shape = measurements.find("serving-gpu")
    return None if shape is None else of_shape(shape)


def of_shape(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The rates at `LEVELS` of a record of `servelab bench gpu`, laid out as those of `bench_quantization`.

    None if it has not the 16-bit run.
    """
    samples, formats = record["samples"], {}
    for name, title in (("bf16", "bf16"), ("fp8", "FP8"), ("awq", "AWQ")):
        rates = {str(n): samples.get(f"{name}_c{n}_rps") for n, _ in LEVELS}
        if all(rates.values()):
            formats[title] = {"requests_per_s": {n: statistics.median(v) for n, v in rates.items()}}
    if "bf16" not in formats:
        return None
    return {**record, "figures": {"formats": formats, "model": record["figures"]["shape"]["name"]}}
