"""What goes through a checkpoint's layers: weights, real inputs, logits, as numpy arrays. Imports torch when called."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from servelab import progress
from servelab.engine.errors import EngineError


def layer_inputs(
    folder: Path | str, names: Sequence[str], texts: Sequence[str], *, most_tokens: int = 512
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Weights of linear layers, and what they are multiplied with when the model reads the texts.

    Args:
        folder: a checkpoint directory with 16-bit weights.
        names: for example "model.layers.3.mlp.up_proj".
        most_tokens: keep the inputs of so many tokens, the first ones.

    Returns:
        By name, (weights [out, in], inputs [tokens, in]), both float32: the layer computes inputs @ weights.T.

    Raises:
        EngineError: the model has no linear layer of that name.
    """
    with _loaded(folder) as (torch, model, tokenizer):
        linear = {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
        for name in names:
            if name not in linear:
                raise EngineError(
                    f"The model has no linear layer {name!r}", remedy=f"one of its names: {min(linear)}."
                )
        seen: dict[str, list[np.ndarray]] = {name: [] for name in names}

        def keeper(name: str) -> Any:
            return lambda _, args: seen[name].append(args[0].float().reshape(-1, args[0].shape[-1]).numpy())

        for name in names:
            linear[name].register_forward_pre_hook(keeper(name))
        for text in texts:
            model(tokenizer(text, return_tensors="pt").input_ids)
            if sum(map(len, seen[names[0]])) >= most_tokens:
                break
        return {
            name: (linear[name].weight.float().numpy(), np.concatenate(seen[name])[:most_tokens])
            for name in names
        }


def logits_of(
    folder: Path | str,
    texts: Sequence[str],
    *,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
) -> list[tuple[np.ndarray, list[int]]]:
    """For each text, the model's logits [tokens, vocabulary] (float32) and its tokens. Row i foretells token i + 1.

    Args:
        change: called with the weights [out, in] (float32) of every linear layer inside the blocks, one after the
            other; what it returns takes their place, in this call only.
    """
    with _loaded(folder) as (torch, model, tokenizer):
        inside = [m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and ".layers." in n]
        for module in progress.bar(inside, desc="changing the weights", unit="layer") if change else ():
            fresh = np.asarray(change(module.weight.float().numpy()))
            if fresh.shape != tuple(module.weight.shape):
                raise EngineError(f"Weights of shape {tuple(module.weight.shape)} came back as {fresh.shape}")
            module.weight.copy_(torch.from_numpy(fresh.astype(np.float32)))
        found = []
        for text in texts:
            tokens = tokenizer(text, return_tensors="pt").input_ids
            found.append((model(tokens).logits[0].float().numpy(), tokens[0].tolist()))
        return found


@contextlib.contextmanager
def _loaded(folder: Path | str) -> Iterator[tuple[Any, Any, Any]]:
    """torch, the model and its tokenizer. One thread: more get into each other's way on small machines."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    threads, bar = torch.get_num_threads(), logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        with torch.inference_mode():
            yield torch, model, tokenizer
    finally:
        torch.set_num_threads(threads)
        if bar:
            logging.enable_progress_bar()
