"""The quick reader of launch commands agrees with vLLM's own parser."""

from __future__ import annotations

import json

import pytest
from servelab.engine.arguments import OPTIONS, read_launch
from vllm_options import options_of_vllm

MODULE = ["python", "-m", "vllm.entrypoints.openai.api_server"]
NAMES = ("gpu_memory_utilization", "max_model_len", "max_num_seqs", "tensor_parallel_size", "port")

COMMANDS = [
    [
        "vllm",
        "serve",
        "org/m",
        "--gpu-memory-utilization",
        "0.8",
        "--max-model-len",
        "4096",
        "--port",
        "8001",
    ],
    ["vllm", "serve", "--max-num-seqs=64", "--max_model_len=4K", "org/m"],
    ["vllm", "serve", "org/m", "-tp", "2", "--gpu-memory-utilization=.5"],
    ["vllm", "serve", "--model", "org/m", "--max-model-len", "4k"],
    [*MODULE, "--model", "org/m", "--max-num-seqs", "8", "--max-model-len", "2048"],
    [*MODULE, "--model=org/m", "--max-num-seqs", "8", "--max-num-seqs", "9"],
    ["/usr/bin/vllm", "serve", "org/m", "--tensor-parallel", "4", "--enforce-eager"],
    ["vllm", "serve", "org/m", "--generation-config", "vllm", "--uvicorn-log-level", "warning"],
    ["vllm", "serve", "org/m", "--enable-lora", "--no-enable-log-requests", "--max_lora_rank=16"],
    ["vllm", "serve", "org/m", "-O2", "--compilation-config.cudagraph_mode", "NONE"],
    ["vllm", "serve", "org/m", "--lora-modules", "a=/x", "b=/y", "--max-model-len", "1k"],
]


@pytest.mark.parametrize("command", COMMANDS)
def test_reads_the_model(command: list[str]) -> None:
    assert read_launch(command)["model"] == "org/m"


def test_the_api_server_ignores_a_positional_model() -> None:
    assert read_launch([*MODULE, "org/m"])["model"] is None


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("vllm serve org/m", "one string"),
        (["vllm serve org/m"], "neither"),
        (["vllm", "org/m"], "serve"),
        (["vllm", "serve", "org/m", "--port", 8000], "not a string"),
        (["vllm", "serve", "org/m", "--max-model-len 4096"], "one item"),
        (["vllm", "serve", "org/m", "--max-model-length", "4096"], "unrecognized"),
        (["vllm", "serve", "org/m", "--max-num-seqs", "many"], "invalid int"),
        (["python", "-m", "vllm.serve", "--model", "org/m"], "does not start"),
        ([], "neither"),
        (None, "list of strings"),
    ],
)
def test_says_what_is_wrong(command: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_launch(command)


@pytest.mark.slow
@pytest.mark.engine
def test_agrees_with_vllm() -> None:
    pytest.importorskip("vllm")
    assert options_of_vllm() == json.loads(OPTIONS.read_text()), "python tests/engine/vllm_options.py"
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    for command in COMMANDS:
        # `vllm serve` is a subcommand with this same parser; `api_server` is the parser itself.
        serve = "serve" in command
        words = command[command.index("serve") + 1 :] if serve else command[3:]
        main = FlexibleArgumentParser(prog="vllm")
        parser = main.add_subparsers().add_parser("serve") if serve else main
        make_arg_parser(parser)
        theirs = main.parse_args(["serve", *words] if serve else words)
        ours = read_launch(command)
        assert ours["model"] == ((serve and theirs.model_tag) or theirs.model), command
        for name in NAMES:
            assert ours[name] == getattr(theirs, name), (command, name)
