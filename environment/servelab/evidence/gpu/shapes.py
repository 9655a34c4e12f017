"""Model shapes by their published numbers, their arithmetic, and checkpoints of them that hold no weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AWQ_GROUP = 128
#: Bits a weight takes in memory. AWQ's: 4, and for each group a 16-bit scale and a 4-bit zero point.
BITS = {"bf16": 16.0, "fp8": 8.0, "awq": 4 + (16 + 4) / AWQ_GROUP}
KV_BYTES = 2  # a number of the KV cache is 16 bits in all formats here


@dataclass(frozen=True)
class Shape:
    """The numbers of a decoder's config.json.

    Attributes:
        name: as people write it.
        family: "llama" or "qwen2", whose only difference here are the biases of q, k and v.
        source: where the numbers are published.
    """

    name: str
    family: str
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    rope_theta: float
    positions: int
    source: str

    @property
    def linear_parameters(self) -> int:
        """Weights of the layers' matrices: what quantisation makes smaller."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.inner)

    @property
    def head_parameters(self) -> int:
        """Weights of the output matrix, which stays in 16 bits; the input embedding has as many and is only looked up."""
        return self.hidden * self.vocabulary

    @property
    def parameters(self) -> int:
        """All weights: the matrices, both embeddings, the norms, the biases."""
        norms = self.hidden * (2 * self.layers + 1)
        biases = self.layers * self.head_dim * (self.heads + 2 * self.kv_heads)
        return (
            self.linear_parameters
            + 2 * self.head_parameters
            + norms
            + (biases if self.family == "qwen2" else 0)
        )

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes that a token takes in the KV cache: a key and a value in every layer."""
        return 2 * self.layers * self.kv_heads * self.head_dim * KV_BYTES

    def weight_bytes(self, numbers: str) -> float:
        """Bytes of the whole model in a number format, both embeddings in 16 bits."""
        return self.step_bytes(numbers) + 2 * (
            self.parameters - self.linear_parameters - self.head_parameters
        )

    def step_bytes(self, numbers: str) -> float:
        """Bytes of weights that every step reads: the matrices and the output matrix, once for the whole batch."""
        return self.linear_parameters * BITS[numbers] / 8 + 2 * self.head_parameters


QWEN = Shape(
    name="Qwen2.5-7B's shape",
    family="qwen2",
    hidden=3584,
    inner=18944,
    layers=28,
    heads=28,
    kv_heads=4,
    head_dim=128,
    vocabulary=152064,
    rope_theta=1e6,
    positions=32768,
    source="config.json of Qwen/Qwen2.5-7B-Instruct",
)
TINY = Shape(
    name="a tiny shape",
    family="qwen2",
    hidden=256,
    inner=512,
    layers=2,
    heads=4,
    kv_heads=2,
    head_dim=64,
    vocabulary=1024,
    rope_theta=1e4,
    positions=2048,
    source="made up",
)


def config(shape: Shape, numbers: str) -> dict[str, Any]:
    """The config.json of a checkpoint of this shape.

    AWQ is told by `quantization_config`, as published AWQ checkpoints do it; vLLM then takes Machete's kernel on Hopper and Marlin's where the card has
    it. FP8 needs nothing here: vLLM makes it from 16-bit weights as they load (`--quantization fp8_per_tensor`).
    """
    qwen = shape.family == "qwen2"
    about: dict[str, Any] = {
        "architectures": ["Qwen2ForCausalLM" if qwen else "LlamaForCausalLM"],
        "model_type": shape.family,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocabulary,
        "rope_theta": shape.rope_theta,
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": 1e-6 if qwen else 1e-5,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "bos_token_id": 0,
        "eos_token_id": 1,
        "use_cache": True,
    }
    if numbers == "awq":
        about["quantization_config"] = {
            "quant_method": "awq",
            "bits": 4,
            "group_size": AWQ_GROUP,
            "zero_point": True,
            "version": "gemm",
        }
    return about


def write(folder: Path, shape: Shape, numbers: str) -> Path:
    """A checkpoint directory without weights, for `--load-format dummy`; see `tokenizer_folder` for its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(shape, numbers), indent=1) + "\n")
    _write_tokenizer(tokenizer_folder(folder), shape)
    return folder


def tokenizer_folder(folder: Path) -> Path:
    """Where a checkpoint's tokenizer lies: apart, or transformers would take the model family's own kind of tokenizer."""
    return folder / "tokenizer"


def _write_tokenizer(folder: Path, shape: Shape) -> None:
    """A tokenizer with a word for every id: random weights answer with any of them."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    words = {f"w{number}": number for number in range(shape.vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "w0",
        "bos_token": "w0",
        "eos_token": "w1",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1) + "\n")
