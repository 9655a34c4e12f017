"""Adapters of random numbers for SmolLM2-135M, as PEFT writes them, and ways to spoil one."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from servelab.lora.adapter import CONFIG, LAYERS, MODULES, WEIGHTS

SHORT = {name.split(".")[1]: name for name in MODULES}


def tensors(
    rank: int = 2, targets: Sequence[str] = ("q_proj", "v_proj"), *, spread: float = 0.01, seed: int = 7
) -> dict[str, np.ndarray]:
    """Both matrices of every pair, float32, by PEFT's names. With `spread` 0 the adapter changes nothing, as before training."""
    random = np.random.default_rng(seed)
    found = {}
    for layer in range(LAYERS):
        for target in targets:
            inputs, outputs = MODULES[SHORT[target]]
            name = f"base_model.model.model.layers.{layer}.{SHORT[target]}"
            a = random.uniform(-1, 1, (rank, inputs)) / np.sqrt(inputs)
            b = random.normal(0, 1, (outputs, rank)) * spread
            found[f"{name}.lora_A.weight"] = a.astype(np.float32)
            found[f"{name}.lora_B.weight"] = b.astype(np.float32)
    return found


def config(rank: int = 2, targets: Sequence[str] = ("q_proj", "v_proj"), **other: Any) -> dict[str, Any]:
    """The configuration that belongs to them."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "/somewhere/else",
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "target_modules": list(targets),
        "bias": "none",
        "modules_to_save": None,
        "auto_mapping": None,
        "rank_pattern": {},
        **other,
    }


def packed(arrays: Mapping[str, np.ndarray], change: Callable[[dict[str, Any]], Any] | None = None) -> bytes:
    """A safetensors file, written by hand so that `change` can make its header lie."""
    kinds = {"float32": "F32", "float16": "F16", "float64": "F64", "int32": "I32"}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, array in arrays.items():
        content = np.ascontiguousarray(array).tobytes()
        places = [len(body), len(body) + len(content)]
        header[name] = {
            "dtype": kinds[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": places,
        }
        body += content
    if change is not None:
        change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def bfloat16(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The same file with every number cut to bfloat16."""
    halves = {name: (array.view("<u4") >> 16).astype("<u2").view("<f2") for name, array in arrays.items()}

    def rename(header: dict[str, Any]) -> None:
        for told in header.values():
            if "dtype" in told:
                told["dtype"] = "BF16"

    return packed(halves, rename)


def adapter_files(
    rank: int = 2, targets: Sequence[str] = ("q_proj", "v_proj"), **how: Any
) -> dict[str, bytes]:
    """Both files of an adapter that can be graded."""
    return {
        WEIGHTS: packed(tensors(rank, targets, **how)),
        CONFIG: json.dumps(config(rank, targets)).encode(),
    }


def write_adapter(folder: Path, **how: Any) -> Path:
    """The same in a folder, which is made."""
    folder.mkdir(parents=True)
    for name, content in adapter_files(**how).items():
        (folder / name).write_bytes(content)
    return folder
