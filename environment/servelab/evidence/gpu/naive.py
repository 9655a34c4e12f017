"""The naive way on the same shape: `transformers.generate`, one request after the other, random weights, in a process of its own."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from servelab.evidence.gpu.load import token_prompts


def measure(
    folder: Path, device: str, *, requests: int, prompt: int, output: int, repeats: int
) -> dict[str, list[float]]:
    """Samples of requests/s, one a repeat; every answer has exactly `output` tokens."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(folder)
    # Made on the card: seven billion random numbers take a processor minutes.
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    same = {"max_new_tokens": output, "min_new_tokens": output, "do_sample": False, "pad_token_id": 1}

    def answer(ids: Sequence[int]) -> None:
        inputs = torch.tensor([list(ids)], device=device)
        with torch.inference_mode():
            found = model.generate(inputs, attention_mask=torch.ones_like(inputs), **same)
        if found.shape[1] != prompt + output:
            raise SystemExit(f"an answer has {found.shape[1] - prompt} tokens instead of {output}")

    vocabulary = config.vocab_size
    answer(token_prompts(1, prompt, vocabulary, seed=999)[0])
    rates = []
    for number in range(repeats):
        asked = token_prompts(requests, prompt, vocabulary, seed=number)
        begun = time.perf_counter()
        for ids in asked:
            answer(ids)
        if device == "cuda":
            torch.cuda.synchronize()
        rates.append(requests / (time.perf_counter() - begun))
    return {"naive_rps": rates}


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m servelab.evidence.gpu.naive FOLDER`: print the samples as JSON on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", choices=("cuda", "cpu"), required=True)
    for name in ("requests", "prompt", "output", "repeats"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = vars(parser.parse_args(argv))
    print(json.dumps(measure(options.pop("folder"), options.pop("device"), **options)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
