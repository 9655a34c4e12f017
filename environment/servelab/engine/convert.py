"""GGUF to a normal bf16 checkpoint: `python convert.py FILE FOLDER`, by the Python that runs engines.

A process of its own, because torch is heavy, and run by its path, because that Python need not have this package: nothing of
ours is imported here.
"""

from __future__ import annotations

import sys
from pathlib import Path


def step(share: float, words: str) -> None:
    print(f"step {share} {words}", flush=True)


def convert(source: Path, into: Path) -> None:
    """Write config, weights and tokenizer of a Llama-like GGUF file into `into`.

    The 4-bit weights are written out as bf16: what rounding took away stays away, but every tool can read them.
    """
    step(0.02, "importing")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    step(0.2, "reading weights")
    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    model = AutoModelForCausalLM.from_pretrained(
        **where, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    step(0.8, "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(**where)
    step(0.95, "writing")
    # The file does not say these: engines look the model's class up by name, and show the name.
    model.config.architectures = ["LlamaForCausalLM"]
    model.config._name_or_path = source.name.split(".")[0]
    # float32's nearest to 1e-5, as the file stores it.
    model.config.rms_norm_eps = float(f"{model.config.rms_norm_eps:.6g}")
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)
    for path in into.iterdir():  # a class on one machine shares them
        path.chmod(0o644)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
