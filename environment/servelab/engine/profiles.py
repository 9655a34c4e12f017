"""Which model on which engine on which machine: every such fact is written here, once."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from servelab.engine import interpreter
from servelab.engine.errors import EngineError

GIB = 1024**3
MODULE = "vllm.entrypoints.openai.api_server"

# What every vLLM of ours gets: no word to anyone outside, and imports from bytecode, which halves the start.
_COMMON_ENV: dict[str, str | None] = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONSAFEPATH": "1",  # a student's file called json.py in the working folder must not break the engine
    "PYTHONDONTWRITEBYTECODE": None,
    "PYTHONUNBUFFERED": "1",
    "NO_COLOR": "1",  # a notebook's kernel asks for colours, and the log is read by us
    "FORCE_COLOR": None,
    "PYTHONWARNINGS": "ignore::DeprecationWarning,ignore::FutureWarning",
}


@dataclass(frozen=True)
class Profile:
    """One way to run the labs.

    Attributes:
        name: "cpu", "gpu" or "scripted".
        model: the name under which the engine serves the model.
        title: the model's name as people write it.
        source: where the weights come from: "artefact:<name>", "hub:<repository>@<revision>" or "none".
        dtype: what the weights are computed in.
        flags: vLLM arguments that hold unless a lab passes its own.
        env: environment of the engine; None takes a variable away.
        process_bytes: memory of the engine's processes beside weights and KV cache.
        start_s: expected seconds until ready, used until this machine has a time of its own.
        awq: on a GPU, the published 4-bit checkpoint of the same model: "<repository>@<revision>".
        embedder: a larger embedding model for the retrieval labs, the same way; empty where MiniLM is the only one.
        cross_encoder: a second stage for the retrieval labs, the same way.
    """

    name: str
    model: str
    title: str
    source: str
    dtype: str = ""
    flags: tuple[str, ...] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    process_bytes: int = 0
    start_s: float = 30.0
    awq: str = ""
    embedder: str = ""
    cross_encoder: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def may_fetch(self) -> bool:
        """Whether labs may fetch extra models from a hub: on a GPU, and elsewhere if `SERVELAB_HUB=1` says so."""
        return self.name == "gpu" or os.environ.get("SERVELAB_HUB") == "1"


# What the retrieval labs add where a hub is reachable. Both are ungated, and plain BERT in safetensors. The revisions are those
# that several public projects pin; no hub is reachable where this was written, so neither has been fetched and tried.
EMBEDDER = (
    "BAAI/bge-base-en-v1.5@a5beb1e3e68b9ab74eb54cfd186867f64f240e1a"  # MIT, 109M parameters, 768 numbers
)
CROSS_ENCODER = (
    "cross-encoder/ms-marco-MiniLM-L6-v2@c5ee24cb16019beea0893ab7796b1df96625c6b8"  # Apache-2.0, 23M
)

# Eager, and without a worker process of its own: on two cores compiling makes every start much longer, and small batches of a
# small model no faster. `servelab bench startup --arg=... --env ...` tries another setting.
_CPU = Profile(
    name="cpu",
    model="smollm2-135m-instruct",
    title="SmolLM2-135M-Instruct",
    source="artefact:smollm2-135m-instruct",
    dtype="bfloat16",
    flags=("--dtype", "bfloat16", "--max-model-len", "2048", "--enforce-eager"),
    env={
        **_COMMON_ENV,
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    },
    process_bytes=int(1.7 * GIB),
    start_s=30.0,
    cross_encoder=CROSS_ENCODER,  # small enough for a CPU; a larger embedder would read the whole corpus first
)

_SCRIPTED = Profile(
    name="scripted",
    model="scripted",
    title="scripted",
    source="none",
    env={"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"},
    process_bytes=GIB // 8,
    start_s=1.0,
)


@dataclass(frozen=True)
class GpuModel:
    """A model and the smallest GPU it suits."""

    memory_gib: float
    model: str
    title: str
    repository: str
    revision: str
    awq: str = ""  # "<repository>@<revision>"; none is pinned yet for the two small ones


# Ungated and Apache-2.0, largest first. Each leaves at least a third of the card to the KV cache.
GPU_MODELS: tuple[GpuModel, ...] = (
    GpuModel(
        22,
        "qwen2.5-7b-instruct",
        "Qwen2.5-7B-Instruct",
        "Qwen/Qwen2.5-7B-Instruct",
        "a09a35458c702b33eeacc393d103063234e8bc28",
        awq="Qwen/Qwen2.5-7B-Instruct-AWQ@b25037543e9394b818fdfca67ab2a00ecc7dd641",
    ),
    GpuModel(
        8,
        "qwen2.5-1.5b-instruct",
        "Qwen2.5-1.5B-Instruct",
        "Qwen/Qwen2.5-1.5B-Instruct",
        "989aa7980e4cf806f80c7fef2b1adb7bc71aa306",
    ),
    GpuModel(
        0,
        "qwen2.5-0.5b-instruct",
        "Qwen2.5-0.5B-Instruct",
        "Qwen/Qwen2.5-0.5B-Instruct",
        "7ae557604adf67be50417f59c2c2f167def9a775",
    ),
)


@dataclass(frozen=True)
class Gpu:
    """The first NVIDIA GPU, as its driver describes it."""

    name: str
    memory_bytes: int
    free_bytes: int
    compute_capability: tuple[int, int]


@functools.lru_cache(maxsize=1)
def gpu() -> Gpu | None:
    """Ask the driver, not torch, whose import alone takes far longer."""
    if not shutil.which("nvidia-smi"):
        return None
    fields = "name,memory.total,memory.free,compute_cap"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        name, total, free, capability = (part.strip() for part in lines.splitlines()[0].rsplit(",", 3))
        major, minor = capability.split(".")
        return Gpu(name, int(total) * 2**20, int(free) * 2**20, (int(major), int(minor)))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def gpu_profile(card: Gpu) -> Profile:
    """The largest listed model that fits the card, in a number format the card computes in."""
    gib = card.memory_bytes / GIB
    chosen = next(m for m in GPU_MODELS if gib >= m.memory_gib)
    # bfloat16 came with compute capability 8.0; Colab's T4 has 7.5.
    dtype = "bfloat16" if card.compute_capability >= (8, 0) else "half"
    return Profile(
        name="gpu",
        model=chosen.model,
        title=chosen.title,
        source=f"hub:{chosen.repository}@{chosen.revision}",
        dtype=dtype,
        flags=("--dtype", dtype, "--max-model-len", "8192"),
        env=dict(_COMMON_ENV),
        process_bytes=3 * GIB,
        start_s=120.0,
        awq=chosen.awq,
        embedder=EMBEDDER,
        cross_encoder=CROSS_ENCODER,
    )


def engine_version() -> tuple[str, str] | None:
    """The vLLM that runs engines here as (distribution, version), or None. Never imports it."""
    return interpreter.version()


def profile(name: str | None = None) -> Profile:
    """The profile of this name; by default `SERVELAB_PROFILE`, else "gpu" where a CUDA vLLM and a GPU are, else "cpu".

    Raises:
        EngineError: no profile has this name, or it is "gpu" and there is no GPU.
    """
    name = name or os.environ.get("SERVELAB_PROFILE") or ("gpu" if _cuda_vllm() and gpu() else "cpu")
    if name == "cpu":
        return _CPU
    if name == "scripted":
        return _SCRIPTED
    if name == "gpu":
        card = gpu()
        if card is None:
            raise EngineError(
                "This machine has no usable NVIDIA GPU", remedy='profile="cpu" runs everywhere.'
            )
        return gpu_profile(card)
    raise EngineError(f"There is no profile {name!r}", remedy='use "cpu", "gpu" or "scripted".')


def _cuda_vllm() -> bool:
    found = engine_version()
    return found is not None and found[0] == "vllm" and "+cpu" not in found[1]


def backend(of: Profile, title: str | None = None, numbers: str | None = None) -> str:
    """The words that name this back end next to every result.

    `title` names a model that is not the profile's, `numbers` its number format where the checkpoint decides it.
    """
    title = title or of.title
    if of.name == "scripted":
        return "scripted engine"
    try:
        name, version = engine_version() or ("vllm", "?")
    except EngineError:  # SERVELAB_ENGINE_PYTHON names what is no Python: who starts an engine hears of it
        name, version = "vllm", "?"
    model = f"{title} {numbers or ('fp16' if of.dtype == 'half' else 'bf16')}"
    if of.name == "gpu":
        card = gpu()
        return f"{name} {version}, {card.name if card else 'GPU'}, {model}"
    return f"{name} {version}, {len(os.sched_getaffinity(0))} cores, {model}"


def option(args: tuple[str, ...] | list[str], flag: str) -> str | None:
    """The value that a list of arguments gives a flag, as `--flag value` or `--flag=value`; "" for a bare flag."""
    value = None
    for index, arg in enumerate(args):
        name, equals, inline = arg.partition("=")
        if name.replace("_", "-") == flag:
            follows = args[index + 1] if index + 1 < len(args) else ""
            value = inline if equals else ("" if follows.startswith("--") else follows)
    return value


def without(args: tuple[str, ...] | list[str], flag: str) -> list[str]:
    """The arguments without this flag and its value."""
    kept, skip = [], False
    for index, arg in enumerate(args):
        if skip:
            skip = False
            continue
        name, equals, _ = arg.partition("=")
        if name.replace("_", "-") == flag:
            follows = args[index + 1] if index + 1 < len(args) else "--"
            skip = not equals and not follows.startswith("--")
            continue
        kept.append(arg)
    return kept


def flags(of: Profile, args: tuple[str, ...] | list[str]) -> list[str]:
    """The profile's own arguments, less those that `args` decides."""
    kept = list(of.flags)
    for flag in [f for f in of.flags if f.startswith("--")]:
        if option(args, flag) is not None or option(args, flag.replace("--", "--no-", 1)) is not None:
            kept = without(kept, flag)
    return kept


def launch_command(
    args: list[str] | tuple[str, ...],
    model: str | os.PathLike[str],
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    served_name: str | None = None,
    of: Profile | None = None,
) -> list[str]:
    """The command line that serves `model` with `args` on `host:port`.

    vLLM's server module is called rather than the `vllm` command, which the CPU wheel does not bring.
    """
    of = of or profile()
    address = ["--host", host, "--port", str(port)]
    name = served_name or of.model
    named = [] if option(args, "--served-model-name") is not None else ["--served-model-name", name]
    if of.name == "scripted":
        return [sys.executable, "-m", "servelab.engine.scripted", *named, *address, *args]
    return [
        interpreter.python(),
        "-m",
        MODULE,
        "--model",
        str(model),
        *named,
        *address,
        *flags(of, args),
        *args,
    ]
