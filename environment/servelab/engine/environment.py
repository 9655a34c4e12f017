"""The engine's environment of its own, for a Python whose packages must stay as they are: Colab's.

It is made by `environment/bootstrap.py` from the lock of the runtime, only what vLLM needs of it, and kept in the cache. uv
keeps what it has fetched: an interrupted set-up goes on where it was.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from servelab.engine import artefacts, profiles
from servelab.engine.artefacts import Artefact
from servelab.engine.errors import EngineError

# By the CUDA of the gpu lock: the oldest driver that runs it, and the oldest card that it has code for.
# https://docs.nvidia.com/deploy/cuda-compatibility/ (minor-version compatibility); CUDA 13 dropped Volta.
_DRIVERS = {12: 525, 13: 580}
_CARDS = {12: (7, 0), 13: (7, 5)}


@dataclass(frozen=True)
class Choice:
    """A runtime ("gpu" or "cpu") and why it is this one, in a sentence."""

    runtime: str
    why: str


def artefact(runtime: str) -> Artefact:
    """The environment of a runtime as an artefact.

    Raises:
        EngineError: this is no checkout of the course, so there is no lock.
    """
    return Artefact(
        name=f"engine-{runtime}",
        recipe=1,
        source=lambda: artefacts.lock(runtime),
        command=lambda _, into: [
            sys.executable,
            "-P",
            str(artefacts.bootstrap_file()),
            "--apart",
            f"engine-{runtime}",
            str(into),
        ],
        seconds={"cpu": 90, "gpu": 240}[runtime],
        disk_gb={"cpu": 4.0, "gpu": 12.0}[runtime],
    )


def interpreter_of(folder: Path) -> str:
    """The Python of an environment."""
    return str(folder / "bin" / "python")


def ready() -> str | None:
    """The interpreter of the environment that is there already, the one for the GPU first where one can be used."""
    for runtime in dict.fromkeys((choice().runtime, "cpu")):
        try:
            found = interpreter_of(artefact(runtime).path())
        except EngineError:
            continue
        if Path(found).is_file():
            return found
    return None


def ensure(runtime: str) -> str:
    """The interpreter of that environment, made now if need be.

    Raises:
        EngineError: it could not be made; nothing half made is left.
    """
    return interpreter_of(artefacts.ensure(artefact(runtime)))


def choice() -> Choice:
    """Which runtime this machine can use: `SERVELAB_RUNTIME`, else the GPU's where card and driver are new enough."""
    named = os.environ.get("SERVELAB_RUNTIME")
    if named in ("cpu", "gpu"):
        return Choice(named, f"SERVELAB_RUNTIME is {named}.")
    card = profiles.gpu()
    if card is None:
        return Choice("cpu", "No GPU here: the engine runs on the CPU, with the small model.")
    major, minor = card.compute_capability
    try:
        cuda = _cuda(artefacts.lock("gpu"))
    except EngineError:
        return Choice("cpu", "There is no lock for the GPU here: the engine runs on the CPU.")
    if card.compute_capability < _CARDS.get(cuda, (7, 5)):
        least = ".".join(map(str, _CARDS.get(cuda, (7, 5))))
        return Choice(
            "cpu",
            f"{card.name} has compute capability {major}.{minor}, and vLLM needs {least}: the engine runs on the CPU.",
        )
    needed, driver = _DRIVERS.get(cuda, 580), driver_version()
    if driver is not None and driver < needed:
        return Choice(
            "cpu",
            f"{card.name}'s driver is version {driver}, and CUDA {cuda} needs {needed}: the engine runs on the CPU.",
        )
    number = "bf16" if card.compute_capability >= (8, 0) else "fp16, for it has no bf16"
    return Choice("gpu", f"{card.name}, compute capability {major}.{minor}: vLLM computes in {number}.")


def driver_version() -> int | None:
    """The major version of the NVIDIA driver, or None where it does not tell."""
    if not shutil.which("nvidia-smi"):
        return None
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        return int(told.strip().split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _cuda(lock: Path) -> int:
    """The major version of CUDA that a lock's torch was built for."""
    found = re.search(r"^nvidia-cuda-runtime(?:-cu\d+)?==(\d+)\.", lock.read_text(encoding="utf-8"), re.M)
    return int(found[1]) if found else 13
