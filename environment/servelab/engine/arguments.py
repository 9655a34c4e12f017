"""What vLLM would understand from a launch command, read without importing vLLM.

Importing the engine's own parser takes too long for a check cell. This one treats the options that the
course talks about as vLLM 0.32 does; of the others it knows the names and how many values they take, from `options.json`
(`python tests/engine/vllm_options.py` writes it). `tests/engine/test_arguments.py` holds both against the real parser.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

API_SERVER = "vllm.entrypoints.openai.api_server"
CLI_MODULES = ("vllm.entrypoints.cli.main",)
OPTIONS = Path(__file__).with_name("options.json")

_MULTIPLIERS = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _tokens(text: str) -> int:
    """`2048`, `4k` (4,000) or `4K` (4,096), as vLLM's own lengths may be written; `auto` is -1."""
    if text.lower() == "auto":
        return -1
    hit = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG])", text)
    if not hit:
        return int(text)
    number, suffix = hit.groups()
    return int(float(number) * _MULTIPLIERS[suffix])


def _option_parser() -> _Parser:
    parser = _Parser(prog="vllm", add_help=False)
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--model")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--gpu-memory-utilization", type=float, default=0.92)
    parser.add_argument("--max-model-len", type=_tokens)
    parser.add_argument("--max-num-seqs", type=int)
    parser.add_argument("--max-num-batched-tokens", type=_tokens)
    parser.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    parser.add_argument("--data-parallel-size", "-dp", type=int, default=1)
    parser.add_argument("--pipeline-parallel-size", "-pp", type=int, default=1)
    parser.add_argument("--quantization", "-q")
    parser.add_argument("--kv-cache-memory-bytes", type=_tokens)
    parser.add_argument("--num-gpu-blocks-override", type=int)
    parser.add_argument("--block-size", type=int)
    for name in ("dtype", "kv-cache-dtype", "tokenizer", "revision", "seed", "api-key", "load-format"):
        parser.add_argument(f"--{name}")
    for name in ("enable-prefix-caching", "enable-chunked-prefill", "trust-remote-code", "enforce-eager"):
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction)
    known = set(parser._option_string_actions)
    for names, takes in _other_options():
        if known.isdisjoint(names):
            how = {"action": argparse.BooleanOptionalAction} if takes == "0" else {"nargs": takes}
            parser.add_argument(*names, **how)
    return parser


@functools.cache
def _other_options() -> list[tuple[list[str], str | None]]:
    """Every option of vLLM's: its names, and argparse's word for the values it takes ("0" for a switch)."""
    return [(row["names"], row["takes"]) for row in json.loads(OPTIONS.read_text(encoding="utf-8"))]


def _split(words: list[str]) -> tuple[bool, list[str]]:
    """Whether this is `vllm serve`, and the words after the program."""
    program = words[0].rsplit("/", 1)[-1] if words else ""
    if program == "vllm":
        rest = words[1:]
    elif re.fullmatch(r"python(\d(\.\d+)?)?(\.exe)?", program) and words[1:2] == ["-m"] and len(words) > 2:
        module, rest = words[2], words[3:]
        if module == API_SERVER:
            return False, rest
        if module not in CLI_MODULES:
            raise ValueError(f"python -m {module} does not start vLLM's API server")
    else:
        raise ValueError(f"{program!r} is neither `vllm` nor a Python that is told `-m {API_SERVER}`")
    if rest[:1] != ["serve"]:
        raise ValueError("the vllm command needs its subcommand `serve` to start an API server")
    return True, rest[1:]


def read_launch(command: Sequence[str]) -> dict[str, Any]:
    """The options in force when vLLM is started with this argument list.

    Accepts `vllm serve MODEL ...` and `python -m vllm.entrypoints.openai.api_server --model MODEL ...`, options in
    any order, as `--option value` or `--option=value`, with dashes or underscores. As in vLLM, `api_server` ignores a
    model given by position and would load its default, so `model` is None then.

    Returns:
        {"model": str | None, "port": int, "gpu_memory_utilization": float, "max_model_len": int | None, ...}

    Raises:
        ValueError: not a launch of the API server, an unknown option, or a value of the wrong type.
    """
    if isinstance(command, str):
        raise ValueError("the command is one string: give a list, one item for each word")
    if not isinstance(command, Sequence):
        raise ValueError(f"the command is {command!r}: give a list of strings")
    for word in command:
        if not isinstance(word, str):
            raise ValueError(f"{word!r} is not a string: a process can only be given strings")
    serve, words = _split(list(command))
    words = [re.sub(r"^--[^=]+", lambda hit: hit[0].replace("_", "-"), word) for word in words]
    # As vLLM does: -O3 is a level, and --compilation-config.mode sets one field of an option that takes JSON.
    words = [re.sub(r"^-O(\d)$", r"--optimization-level=\1", word) for word in words]
    words = [re.sub(r"^(-{1,2}[a-zA-Z][a-zA-Z0-9-]*)\.[^=]+", r"\1", word) for word in words]
    for word in words:
        if word.startswith("-") and any(c.isspace() for c in word.split("=", 1)[0]):
            raise ValueError(f"{word!r} is one item: an option and its value are two (or are joined by `=`)")
    options = vars(_option_parser().parse_args(words))
    positional = options.pop("model_tag")
    if serve and positional is not None:
        options["model"] = positional
    return options
