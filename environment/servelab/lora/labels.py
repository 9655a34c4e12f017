"""Trains the course's second adapter; run by `make artefacts`: `python -m servelab.lora.labels <folder>`."""

from __future__ import annotations

import sys
from pathlib import Path

from servelab.lora import tickets, training

RECIPE = training.Recipe(steps=50, batch=2, learning_rate=2e-3)
LORA = {"r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]}


def main(argv: list[str]) -> None:
    """Train and save; `step` lines tell how far it is."""
    import torch
    from peft import LoraConfig, get_peft_model

    folder = Path(argv[0])
    model, tokenizer = training.load()
    torch.manual_seed(RECIPE.seed)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **LORA))
    done = 0

    def tell() -> dict[str, float]:
        nonlocal done
        print(f"step {done / RECIPE.steps:.2f} training", flush=True)
        done += 5
        return {}

    training.fit(tuned, tokenizer, tickets.labels(), RECIPE, folder, watch=tell, watch_every=5)


if __name__ == "__main__":
    main(sys.argv[1:])
