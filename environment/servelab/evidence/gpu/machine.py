"""What a machine's memory and arithmetic do: measured with torch in a process of its own, so that nothing of it stays."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

_WARM = 3


def measure(device: str, *, mebibytes: int, side: int, repeats: int, inner: int) -> dict[str, list[float]]:
    """Samples of GB/s and TFLOP/s, each over `inner` runs in a row.

    `read_gb_per_s`: a matrix of so many MiB times a vector, the work of one decoding sequence; `copy_gb_per_s`: bytes read and
    written; `matmul_*_tflop_per_s`: square products of this side of random numbers, in FP8 where the card has it.
    """
    import torch

    torch.manual_seed(0)
    work = {**_memory(device, mebibytes), **_products(device, side)}
    return {
        name: [amount / seconds for seconds in _timed(run, device, repeats, inner)]
        for name, (run, amount) in work.items()
    }


Work = tuple[Callable[[], Any], float]  # what is run, and its GB or TFLOP


def _memory(device: str, mebibytes: int) -> dict[str, Work]:
    import torch

    columns = 8192 if device == "cuda" else 1024
    matrix = torch.randn(mebibytes * 2**20 // 2 // columns, columns, device=device, dtype=torch.bfloat16)
    vector = torch.randn(columns, device=device, dtype=torch.bfloat16)
    target = torch.empty_like(matrix)
    size = matrix.numel() * 2
    return {
        "read_gb_per_s": (lambda: torch.mv(matrix, vector), size / 1e9),
        "copy_gb_per_s": (lambda: target.copy_(matrix), 2 * size / 1e9),
    }


def _products(device: str, side: int) -> dict[str, Work]:
    import torch

    a = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    b = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    amount = 2 * side**3 / 1e12
    found: dict[str, Work] = {"matmul_bf16_tflop_per_s": (lambda: torch.mm(a, b), amount)}
    if device == "cuda" and torch.cuda.get_device_capability() >= (8, 9):
        one = torch.ones((), device=device)
        left = a.to(torch.float8_e4m3fn)
        right = (
            b.to(torch.float8_e4m3fn).t().contiguous().t()
        )  # the kernel wants the second one column by column
        # As engines do it: sums are kept in fewer bits, which is faster.
        product = {"scale_a": one, "scale_b": one, "out_dtype": torch.bfloat16, "use_fast_accum": True}
        found["matmul_fp8_tflop_per_s"] = (lambda: torch._scaled_mm(left, right, **product), amount)
    return found


def _timed(run: Callable[[], Any], device: str, repeats: int, inner: int) -> list[float]:
    """Seconds of one run, `repeats` times the mean over `inner` in a row."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(_WARM):
        run()
    found = []
    for _ in range(repeats):
        wait()
        begun = time.perf_counter()
        for _ in range(inner):
            run()
        wait()
        found.append((time.perf_counter() - begun) / inner)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m servelab.evidence.gpu.machine`: print the samples as JSON on the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), required=True)
    parser.add_argument("--mebibytes", type=int, default=4096)
    parser.add_argument("--side", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--inner", type=int, default=10)
    options = parser.parse_args(argv)
    sizes = {k: v for k, v in vars(options).items() if k != "device"}
    print(json.dumps(measure(options.device, **sizes)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
