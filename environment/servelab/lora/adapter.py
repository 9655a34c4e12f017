"""A LoRA adapter that somebody else made, read without trusting it.

An adapter is two files as PEFT writes them: `adapter_config.json`, which is text, and `adapter_model.safetensors`, whose header
says where each tensor lies. Both are parsed here, by rules that leave nothing to a library: no code is imported, nothing is
unpickled, no path that a file names is opened, and no tensor is made before names, shapes, types and places have been found right.
What is read is arrays of numbers for one base model, SmolLM2-135M, wherever they were trained.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from servelab.errors import CourseError

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
NAMES = (WEIGHTS, CONFIG)
#: Both files together; a rank of 8 on all seven modules has 9.8 MB in float32.
MOST_BYTES = 10_000_000
CONFIG_BYTES, HEADER_BYTES = 100_000, 200_000
MOST_RANK = 64

#: The base model, SmolLM2-135M: its decoder layers, and the inputs and outputs of each linear module in one.
BASE, LAYERS = "SmolLM2-135M-Instruct", 30
MODULES = {
    "self_attn.q_proj": (576, 576),
    "self_attn.k_proj": (576, 192),
    "self_attn.v_proj": (576, 192),
    "self_attn.o_proj": (576, 576),
    "mlp.gate_proj": (576, 1536),
    "mlp.up_proj": (576, 1536),
    "mlp.down_proj": (1536, 576),
}
_FULL = {name.split(".")[1]: name for name in MODULES}
TARGETS = tuple(_FULL)

#: What a configuration may say about how the adapter was made; it does not change what the adapter computes.
_TOLD = {
    "base_model_name_or_path", "revision", "inference_mode", "init_lora_weights", "lora_dropout", "megatron_core", "peft_version",
    "qalora_group_size", "loftq_config",
}  # fmt: skip
_READ = {"peft_type", "r", "lora_alpha", "target_modules", "task_type", "use_rslora", "bias"}
_DTYPES = {"F32": 4, "F16": 2, "BF16": 2}
_TENSOR = re.compile(
    r"base_model\.model\.model\.layers\.(0|[1-9][0-9]?)\.([a-z_]+\.[a-z_]+)\.lora_([AB])\.weight"
)


class AdapterError(CourseError):
    """These files are no adapter that can be graded: one line that says why."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter of SmolLM2-135M, as numbers.

    Attributes:
        rank: r, the inner dimension of every pair.
        alpha: what scales the update, before it is divided by the rank.
        targets: the adapted modules' short names, such as `q_proj`, in the order of `TARGETS`.
        pairs: A of shape (r, inputs) and B of shape (outputs, r), float32, by the module's place in the base model, such as
            `model.layers.0.self_attn.q_proj`.
        scale: the factor before B·A: alpha / r, or alpha / sqrt(r) where the configuration asks for rank-stabilised LoRA.
        size_bytes: both files together.
    """

    rank: int
    alpha: float
    targets: tuple[str, ...]
    pairs: dict[str, tuple[np.ndarray, np.ndarray]]
    scale: float
    size_bytes: int

    @property
    def parameters(self) -> int:
        """Numbers in A and B of all modules."""
        return sum(a.size + b.size for a, b in self.pairs.values())


def files(folder: Path | str) -> dict[str, bytes]:
    """The two files of an adapter's folder; what else lies there is not looked at, and a missing file is left out.

    Each is opened once and read from what was opened, so that no file can be put in its place meanwhile; a link is not followed.

    Raises:
        AdapterError: the folder or a file is a link or no ordinary file, or is too large.
    """
    found: dict[str, bytes] = {}
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return found
    except OSError:
        raise AdapterError(
            f"{Path(folder).name} is a link or a file: the adapter's folder is wanted."
        ) from None
    try:
        for name in NAMES:
            with contextlib.suppress(FileNotFoundError):
                found[name] = _content(place, name, MOST_BYTES - sum(map(len, found.values())))
    finally:
        os.close(place)
    return found


def _content(place: int, name: str, most: int) -> bytes:
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except FileNotFoundError:
        raise
    except OSError:
        raise AdapterError(f"{name} is a link: the file itself has to be handed in.") from None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise AdapterError(f"{name} is no ordinary file.")
        with open(opened, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(opened)
    if len(content) > most:
        raise AdapterError(
            f"The adapter has more than {MOST_BYTES / 1e6:.0f} MB: save it in bfloat16, or take a lower rank or fewer modules."
        )
    return content


def read(files: Mapping[str, bytes]) -> Adapter:
    """The adapter in these two files.

    Args:
        files: content by name, as `files` reads it.

    Raises:
        AdapterError: a file is missing, too large, or not what it has to be: one line that says which and why.
    """
    for name in NAMES:
        if name not in files:
            raise AdapterError(
                f"There is no {name}: train the adapter and save it in the folder “adapter” first."
            )
    if others := sorted(set(files) - set(NAMES)):
        raise AdapterError(f"{_short(others[0])} is no part of an adapter: only {WEIGHTS} and {CONFIG} are.")
    size = sum(len(content) for content in files.values())
    if size > MOST_BYTES:
        raise AdapterError(f"The adapter has {size / 1e6:.1f} MB: {MOST_BYTES / 1e6:.0f} are allowed.")
    rank, alpha, targets, rank_stabilised = _config(files[CONFIG])
    weights = files[WEIGHTS]
    places = _header(weights)
    _check_tensors(places, rank, targets)
    begin = 8 + int.from_bytes(weights[:8], "little")
    tensors = {
        name: _numbers(weights[begin + first : begin + last], dtype, shape, name)
        for name, (dtype, shape, first, last) in places.items()
    }
    pairs = {}
    for layer in range(LAYERS):
        for target in targets:
            module = f"model.layers.{layer}.{_FULL[target]}"
            a, b = (tensors[f"base_model.model.{module}.lora_{x}.weight"] for x in "AB")
            pairs[module] = (a, b)
    scale = alpha / math.sqrt(rank) if rank_stabilised else alpha / rank
    return Adapter(rank, alpha, targets, pairs, scale, size)


# ---------------------------------------------------------------- the configuration


def _config(content: bytes) -> tuple[int, float, tuple[str, ...], bool]:
    """Rank, alpha, targets and whether the scale is rank-stabilised."""
    if len(content) > CONFIG_BYTES:
        raise AdapterError(f"{CONFIG} has {len(content):,} bytes: PEFT's own is far smaller.")
    values = _json(content, CONFIG)
    kind = values.get("peft_type")
    if kind != "LORA":
        raise AdapterError(f"{CONFIG} describes {_short(kind)}, and not a LoRA adapter (peft_type).")
    if values.get("task_type") not in (None, "CAUSAL_LM"):
        raise AdapterError(f"{CONFIG}: task_type is {_short(values['task_type'])}, and not CAUSAL_LM.")
    rank, alpha, targets = (values.get(name) for name in ("r", "lora_alpha", "target_modules"))
    if type(rank) is not int or not 1 <= rank <= MOST_RANK:
        raise AdapterError(
            f"{CONFIG}: r is {_short(rank)}, and has to be a whole number from 1 to {MOST_RANK}."
        )
    if type(alpha) not in (int, float) or not 0 < alpha <= 10_000:
        raise AdapterError(
            f"{CONFIG}: lora_alpha is {_short(alpha)}, and has to be a number from 0 to 10,000."
        )
    if not isinstance(targets, list) or not targets or not all(isinstance(name, str) for name in targets):
        raise AdapterError(
            f"{CONFIG}: target_modules has to be a list of names, such as {list(TARGETS[:2])}."
        )
    if unknown := sorted(set(targets) - set(TARGETS)):
        raise AdapterError(
            f"{CONFIG}: target_modules names {_short(unknown[0])}; {BASE} has {', '.join(TARGETS)} to adapt."
        )
    stabilised = values.get("use_rslora", False)
    if type(stabilised) is not bool:
        raise AdapterError(f"{CONFIG}: use_rslora is {_short(stabilised)}, and has to be true or false.")
    for name, value in values.items():
        # Variants of LoRA, code to import, modules kept whole: each would make the adapter something else than B·A.
        if name not in _TOLD | _READ and not _is_neutral(value):
            raise AdapterError(
                f"{CONFIG}: {_short(name)} is set, and grading takes plain LoRA only: leave it out."
            )
    if not _is_neutral(values.get("bias")):
        raise AdapterError(f"{CONFIG}: bias has to be none.")
    return rank, float(alpha), tuple(name for name in TARGETS if name in targets), stabilised


def _is_neutral(value: Any) -> bool:
    """Whether a field says nothing: PEFT writes every option that it knows."""
    return (
        value is None or value is False or value == "none" or (isinstance(value, list | dict) and not value)
    )


def _json(content: bytes, where: str) -> dict[str, Any]:
    """Strict JSON: an object in UTF-8, no name twice, no NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name is there twice")
        return found

    def no_number(name: str) -> NoReturn:
        raise ValueError(f"{name} is no number of JSON")

    try:
        values = json.loads(content.decode("utf-8"), object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        reason = str(error) if type(error) is ValueError else type(error).__name__
        raise AdapterError(f"{where} is not JSON ({_short(reason)}).") from None
    if not isinstance(values, dict):
        raise AdapterError(f"{where} is JSON, but no object.")
    return values


# ---------------------------------------------------------------- the tensors

#: Of a tensor: type, shape, first byte, last byte (exclusive), counted from the end of the header.
Place = tuple[str, tuple[int, ...], int, int]


def _header(content: bytes) -> dict[str, Place]:
    """Where the tensors of a safetensors file lie.

    The format (https://github.com/huggingface/safetensors): 8 bytes of length, little-endian, so much JSON, then the tensors, which
    here have to fill the rest without gap or overlap.
    """
    if content[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") and content[2:8] != bytes(
        6
    ):
        raise AdapterError(f"{WEIGHTS} is a pickle or an archive under another name: it is not opened.")
    if len(content) < 8:
        raise AdapterError(f"{WEIGHTS} has {len(content)} bytes: that is no safetensors file.")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(HEADER_BYTES, len(content) - 8):
        raise AdapterError(
            f"{WEIGHTS} says that its header has {length:,} bytes: that is no safetensors file of an adapter."
        )
    values = _json(content[8 : 8 + length], f"The header of {WEIGHTS}")
    values.pop("__metadata__", None)
    most = 2 * LAYERS * len(MODULES)
    if len(values) > most:
        raise AdapterError(f"{WEIGHTS} has {len(values)} tensors: an adapter of {BASE} has at most {most}.")
    places = {name: _place(name, told) for name, told in values.items()}
    reached = 0
    for name, (_, _, first, last) in sorted(places.items(), key=lambda item: item[1][2:]):
        if first != reached:
            raise AdapterError(
                f"The header of {WEIGHTS} is wrong: {_short(name)} does not begin where the one before ends."
            )
        reached = last
    if reached != len(content) - 8 - length:
        raise AdapterError(
            f"The header of {WEIGHTS} is wrong: its tensors take {reached:,} bytes, and the file has {len(content) - 8 - length:,}."
        )
    return places


def _place(name: str, told: Any) -> Place:
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise AdapterError(
            f"The header of {WEIGHTS} is wrong: {_short(name)} has not exactly dtype, shape and data_offsets."
        )
    dtype, shape, offsets = told["dtype"], told["shape"], told["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise AdapterError(
            f"{WEIGHTS}: {_short(name)} is of type {_short(dtype)}: {', '.join(_DTYPES)} can be read."
        )
    if not _counts(shape) or not _counts(offsets) or len(shape) != 2 or len(offsets) != 2:
        raise AdapterError(
            f"The header of {WEIGHTS} is wrong: {_short(name)} needs a shape of two and two offsets."
        )
    first, last = offsets
    if last - first != _DTYPES[dtype] * math.prod(shape):
        raise AdapterError(
            f"The header of {WEIGHTS} is wrong: {_short(name)} has another size than its shape says."
        )
    return dtype, tuple(shape), first, last


def _counts(value: Any) -> bool:
    """Whether this is a list of whole numbers from 0 to what a file can hold."""
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= MOST_BYTES for item in value)


def _check_tensors(places: Mapping[str, Place], rank: int, targets: tuple[str, ...]) -> None:
    """Every target of every layer has its pair, in the base model's shapes, and nothing else is there."""
    wanted = {
        f"base_model.model.model.layers.{layer}.{_FULL[target]}.lora_{x}.weight": target
        for layer in range(LAYERS)
        for target in targets
        for x in "AB"
    }
    for name, (_, shape, _, _) in places.items():
        if name not in wanted:
            found = _TENSOR.fullmatch(name)
            if found and found[2] in MODULES and int(found[1]) < LAYERS:
                why = f"but {CONFIG} does not name its module as a target"
            elif found and int(found[1]) >= LAYERS:
                why = f"but {BASE} has {LAYERS} layers: the adapter was trained on another model"
            else:
                why = "which is no LoRA pair of the base model"
            raise AdapterError(f"{WEIGHTS} holds {_short(name)}, {why}.")
        inputs, outputs = MODULES[_FULL[wanted[name]]]
        right = (rank, inputs) if ".lora_A." in name else (outputs, rank)
        if shape != right:
            raise AdapterError(
                f"{WEIGHTS}: {_short(name)} has the shape {shape}; with r = {rank} on {BASE} it is {right}."
            )
    if missing := sorted(set(wanted) - set(places)):
        raise AdapterError(
            f"{WEIGHTS} lacks {len(missing)} tensors that {CONFIG} promises: {missing[0]} is the first."
        )


def _numbers(content: bytes, dtype: str, shape: tuple[int, ...], name: str) -> np.ndarray:
    """A tensor as float32."""
    if dtype == "BF16":  # the upper half of a float32
        numbers = (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    else:
        numbers = np.frombuffer(content, "<f2" if dtype == "F16" else "<f4").astype(np.float32)
    if not np.isfinite(numbers).all():
        raise AdapterError(
            f"{WEIGHTS}: {_short(name)} holds numbers that are not finite: the training diverged."
        )
    return numbers.reshape(shape)


def _short(told: Any) -> str:
    """What a file says, fit for a line: no line breaks or escapes, and not long."""
    kinds = {list: "a list", dict: "an object"}
    text = told if isinstance(told, str) else kinds.get(type(told)) or repr(told)
    return "“" + "".join(c if c.isprintable() else "?" for c in text)[:80] + "”"
