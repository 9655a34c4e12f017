"""What a recipe teaches and what the model forgets: the recorded sweep over rank, learning rate and data mix."""

from __future__ import annotations

import gc
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servelab.lora import tickets, training

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj"]
STEPS, BATCH, RATE, RANK = 40, 2, 2e-3, 8  # the lab's recipe, less than half of its steps
TICKETS, TEXTS = 40, 3  # of the development tickets, and passages of general text


@dataclass(frozen=True)
class Trial:
    """One recipe of the sweep.

    Attributes:
        name: as the chart writes it.
        kind: what it changes of the first one.
        seeds: one run each.
    """

    name: str
    kind: str
    rank: int = RANK
    rate: float = RATE
    general: float = 0.0
    seeds: tuple[int, ...] = (8,)


TRIALS = (
    Trial("rank 8, rate 0.002", "the lab's recipe", seeds=(8,)),
    Trial("rank 2", "rank", rank=2),
    Trial("rank 32", "rank", rank=32),
    Trial("rate 0.0005", "learning rate", rate=5e-4),
    Trial("rate 0.008", "learning rate", rate=8e-3),
    Trial("a quarter general text", "data mix", general=0.25),
)


def bench_lora(trials: tuple[Trial, ...] = TRIALS, *, steps: int = STEPS, repeats: int = 1) -> dict[str, Any]:
    """Train every recipe on the training tickets and look at it with development tickets and general text.

    Args:
        repeats: runs of each recipe; those after its own seeds take the next ones.

    Returns:
        {"perplexity_base", "recipes": [{"name", "kind", "rank", "learning_rate", "general", "exact", "perplexity", "bytes",
        "train_s" (means over the seeds), "runs": [each seed's]}], "steps", "batch", "tickets", "samples"}. `exact` is the
        share of development tickets that greedy decoding gets right; a sample is one seed's.

    Raises:
        CourseError: a training diverged.
    """
    model, tokenizer = training.load()
    texts = training.held_out()[:TEXTS]
    base = training.quick_scores(model, tokenizer, [], texts)["perplexity"]
    del model
    recipes = []
    for trial in trials:
        seeds = (*trial.seeds, *range(trial.seeds[-1] + 1, trial.seeds[-1] + repeats))
        runs = [_run(trial, seed, steps, texts) for seed in seeds]
        means = {
            name: round(statistics.fmean(run[name] for run in runs), 4)
            for name in ("exact", "perplexity", "train_s", "cpu_s")
        }
        recipes.append(
            {
                "name": trial.name,
                "kind": trial.kind,
                "rank": trial.rank,
                "learning_rate": trial.rate,
                "general": trial.general,
                **means,
                "bytes": runs[0]["bytes"],
                "runs": runs,
            }
        )
        print(f"{trial.name:28} right {means['exact']:.0%}, perplexity {means['perplexity']:.1f}", flush=True)
    return {
        "perplexity_base": round(base, 3),
        "recipes": recipes,
        "steps": steps,
        "batch": BATCH,
        "tickets": TICKETS,
        "samples": {
            f"{_key(recipe['name'])}_{name}": [float(run[of]) for run in recipe["runs"]]
            for recipe in recipes
            for name, of in (("exact_share", "exact"), ("perplexity", "perplexity"), ("train_s", "train_s"))
        },
    }


def _key(name: str) -> str:
    """A recipe's name as the first part of a sample's."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _run(trial: Trial, seed: int, steps: int, texts: list[str]) -> dict[str, Any]:
    import torch
    from peft import LoraConfig, get_peft_model

    model, tokenizer = training.load()
    torch.manual_seed(seed)
    config = LoraConfig(
        r=trial.rank, lora_alpha=2 * trial.rank, target_modules=MODULES, task_type="CAUSAL_LM"
    )
    tuned = get_peft_model(model, config)
    recipe = training.Recipe(
        steps=steps, batch=BATCH, learning_rate=trial.rate, seed=seed, general=trial.general
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        record = training.fit(
            tuned, tokenizer, tickets.train(), recipe, Path(folder), desc=f"{trial.name}, seed {seed}"
        )
        cpu_s, size = time.process_time() - began, training.size_bytes(folder)
    scores = training.quick_scores(tuned, tokenizer, tickets.dev()[:TICKETS], texts)
    del tuned, model
    gc.collect()
    return {
        "seed": seed,
        "exact": round(scores["exact"], 4),
        "perplexity": round(scores["perplexity"], 3),
        "loss": round(statistics.fmean(record.losses[-10:]), 4),
        "train_s": round(record.seconds, 1),
        "cpu_s": round(cpu_s, 1),
        "bytes": size,
    }
