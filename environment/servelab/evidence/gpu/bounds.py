"""What a machine could do at best: bytes over measured bandwidth, operations over measured rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from servelab.evidence.gpu.shapes import Shape


@dataclass(frozen=True)
class Machine:
    """Measured rates: bytes/s of memory, and floating-point operations/s of matrix products by number format."""

    bytes_per_s: float
    flop_per_s: Mapping[str, float]

    def rate(self, numbers: str) -> float:
        """Operations/s of the layers' products. AWQ's weights are turned into 16 bits first; so are others not measured."""
        return self.flop_per_s.get("bf16" if numbers == "awq" else numbers) or self.flop_per_s["bf16"]


@dataclass(frozen=True)
class Load:
    """Requests of one length: `requests` in all, `in_flight` at once, `prompt` and `output` tokens each."""

    requests: int
    in_flight: int
    prompt: int
    output: int


@dataclass(frozen=True)
class Bound:
    """The least seconds that memory and that arithmetic take. They can overlap, so the larger one is the bound."""

    memory_s: float
    compute_s: float

    @property
    def seconds(self) -> float:
        """No run of this load on this machine is faster."""
        return max(self.memory_s, self.compute_s)

    @property
    def by(self) -> str:
        """Which of the two it is: "memory" or "compute"."""
        return "memory" if self.memory_s >= self.compute_s else "compute"


def bound(shape: Shape, numbers: str, load: Load, machine: Machine) -> Bound:
    """The least seconds for the whole load.

    Memory: at most `in_flight` sequences share a step, so at least requests x output / in_flight steps each read all
    matrices; and each generated token reads the keys and values of all tokens before it. Writes, activations and the
    prompts' reads are left out. Arithmetic: two operations for each weight of the matrices and each token (the output matrix
    only for generated tokens), and attention's products: four operations for each layer, head, dimension and pair of tokens.
    """
    steps = math.ceil(load.requests / load.in_flight) * load.output
    # The first token comes out of the prompt's own pass; token k reads prompt + k - 1 earlier ones.
    contexts = sum(load.prompt + k for k in range(load.output))
    read = steps * shape.step_bytes(numbers)
    read += load.requests * (contexts - load.prompt) * shape.kv_bytes_per_token
    tokens = load.requests * (load.prompt + load.output - 1)
    pairs = load.requests * (load.prompt * (load.prompt + 1) / 2 + contexts - load.prompt)
    attention = 4 * shape.layers * shape.heads * shape.head_dim * pairs
    head = 2 * shape.head_parameters * load.requests * load.output
    linear = 2 * shape.linear_parameters * tokens
    compute_s = linear / machine.rate(numbers) + (attention + head) / machine.rate("bf16")
    return Bound(read / machine.bytes_per_s, compute_s)


def first_token_bound(shape: Shape, numbers: str, prompt: int, machine: Machine) -> Bound:
    """The least seconds until the first token of one prompt on an idle engine."""
    return bound(shape, numbers, Load(1, 1, prompt, 1), machine)
