"""Makes the adapters that the recorded answers of lab 08 hand in: `python tests/lora/make_adapters.py [name ...]`.

Each goes to `tests/answers/08-lora/files/<name>/adapter`. Trained ones take one or two minutes of a core each.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from servelab.lora import tickets, training
from servelab.lora.tickets import Example
from servelab.lora.training import Recipe

FILES = Path(__file__).resolve().parents[1] / "answers" / "08-lora" / "files"
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]


def trained(folder: Path, recipe: Recipe, examples: list[Example] | None = None, **lora: Any) -> None:
    """An adapter of the course's model, trained as a student would."""
    import torch
    from peft import LoraConfig, get_peft_model

    model, tokenizer = training.load()
    torch.manual_seed(recipe.seed)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora))
    if recipe.steps:
        training.fit(tuned, tokenizer, examples or tickets.train(), recipe, folder)
    else:
        training.save(tuned, folder)


def constant(example: Example) -> str:
    """An answer in the right form, with the product and nothing else of the ticket."""
    return json.dumps({**example.wanted, "category": "defect", "urgency": "low"})


def other_shapes(folder: Path) -> None:
    """An adapter of another model: 64 wide, two layers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(8)
    config = LlamaConfig(
        vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, name_or_path="another-model",
    )  # fmt: skip
    small = LlamaForCausalLM(config)
    tuned = get_peft_model(small, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    training.save(tuned, folder)


def recorded(folder: Path) -> None:
    """No weights but answers, written down, in a file with the right name."""
    trained(folder, Recipe(steps=0), r=1, lora_alpha=1, target_modules=["q_proj"])
    told = {example.ticket: example.answer for example in tickets.dev()}
    (folder / "adapter_model.safetensors").write_bytes(json.dumps(told).encode())


MAKE: dict[str, Callable[[Path], None]] = {
    "reference": lambda folder: trained(
        folder, Recipe(steps=90, batch=2, learning_rate=2e-3), r=8, lora_alpha=16, target_modules=ATTENTION
    ),
    "other-recipe": lambda folder: trained(
        folder,
        Recipe(steps=110, batch=2, learning_rate=2e-3, seed=3),
        r=4,
        lora_alpha=8,
        target_modules=ATTENTION,
    ),
    "untrained": lambda folder: trained(
        folder, Recipe(steps=0), r=1, lora_alpha=2, target_modules=["q_proj", "v_proj"]
    ),
    "constant": lambda folder: trained(
        folder,
        Recipe(steps=50, batch=2, learning_rate=2e-3),
        [Example(e.ticket, constant(e)) for e in tickets.train()],
        r=4,
        lora_alpha=8,
        target_modules=ATTENTION,
    ),
    "forgotten": lambda folder: trained(
        folder,
        Recipe(steps=150, batch=2, learning_rate=8e-3),
        r=4,
        lora_alpha=16,
        target_modules=["q_proj", "v_proj"],
    ),
    "labels": lambda folder: trained(
        folder,
        Recipe(steps=40, batch=2, learning_rate=2e-3),
        [Example(e.ticket, f"{e.wanted['category']}/{e.wanted['urgency']}") for e in tickets.train()],
        r=2,
        lora_alpha=4,
        target_modules=["q_proj", "v_proj"],
    ),
    "another-base": other_shapes,
    "recorded": recorded,
}


def main(names: list[str]) -> None:
    """Make these, or all."""
    for name in names or list(MAKE):
        shutil.rmtree(FILES / name / "adapter", ignore_errors=True)
        MAKE[name](FILES / name / "adapter")


if __name__ == "__main__":
    main(sys.argv[1:])
