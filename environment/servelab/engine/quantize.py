"""A checkpoint in fewer bits: `python quantize.py awq|int8 MODEL TEXTS FOLDER`, in the environment made from locks/quantize.txt.

That environment has llm-compressor and not this package, because their pins clash with the engine's. So nothing of
ours is imported here, and the file is run by its path.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# One thread: two that wait for each other at every small product were slower than one. Set before torch is imported.
os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}

GROUP = 64  # divides this model's 576 and 1,536 inputs a layer; the usual 128 does not divide 576
LONGEST_TOKENS = 128


def step(share: float, words: str) -> None:
    print(f"step {share:.3f} {words}", flush=True)


def recipe(scheme: str) -> list:
    """What llm-compressor is to do to every linear layer but the output head."""
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier

    if scheme == "int8":
        return [QuantizationModifier(targets="Linear", scheme="W8A8", ignore=["lm_head"])]
    if scheme != "awq":
        raise SystemExit(f"there is no scheme {scheme!r}: awq or int8")
    weights = {
        "num_bits": 4,
        "type": "int",
        "symmetric": False,
        "strategy": "group",
        "group_size": GROUP,
    }
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return [
        AWQModifier(n_grid=6, duo_scaling=False),
        QuantizationModifier(config_groups=groups, ignore=["lm_head"]),
    ]


def report_layers(count: int) -> None:
    """Move the progress bar: llm-compressor works layer by layer and counts aloud."""
    from llmcompressor.modifiers import Modifier
    from llmcompressor.modifiers.transform.awq import AWQModifier

    done = 0
    before = AWQModifier.on_sequential_epoch_end

    def after_layer(self: Modifier, *args: object, **more: object) -> None:
        nonlocal done
        before(self, *args, **more)
        done += 1
        step(0.15 + 0.75 * min(1, done / (count + 1)), f"layer {min(done, count)} of {count}")

    AWQModifier.on_sequential_epoch_end = after_layer


def main(scheme: str, model_folder: Path, texts: Path, into: Path) -> None:
    """Write the model in `model_folder` with quantised linear layers into `into`.

    Args:
        scheme: "awq" (4-bit weights in groups of 64, zero points, activation-aware scales) or "int8" (8-bit weights
            with a scale a row, and activations rounded to 8 bits token by token while serving).
        texts: texts to calibrate on, with an empty line between two.
    """
    step(0.02, "importing")
    import torch
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.pipelines.cache import IntermediatesCache
    from loguru import logger
    from transformers import AutoModelForCausalLM, AutoTokenizer

    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{level}: {message}")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # It would ask for an accelerator, into whose memory it wants to copy faster.
    IntermediatesCache.pin_memory = lambda self, *args, **more: None

    step(0.1, "reading the model")
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    samples = [
        tokenizer(text, truncation=True, max_length=LONGEST_TOKENS)
        for text in texts.read_text(encoding="utf-8").strip().split("\n\n")
    ]
    columns = {key: [sample[key] for sample in samples] for key in ("input_ids", "attention_mask")}
    report_layers(model.config.num_hidden_layers)
    step(0.15, "rounding")
    oneshot(
        model=model,
        dataset=Dataset.from_dict(columns),
        recipe=recipe(scheme),
        max_seq_length=LONGEST_TOKENS,
        num_calibration_samples=len(samples),
        shuffle_calibration_samples=False,
    )
    step(0.92, "writing")
    model.save_pretrained(into, save_compressed=True)
    tokenizer.save_pretrained(into)
    template = model_folder / "chat_template.jinja"
    if template.is_file():
        (into / template.name).write_bytes(template.read_bytes())
    config = json.loads((into / "config.json").read_text())
    if "quantization_config" not in config:
        raise SystemExit("llm-compressor wrote no quantization_config: the checkpoint is not quantised")
    for path in into.iterdir():  # a class on one machine shares them
        path.chmod(0o644)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:5]))
