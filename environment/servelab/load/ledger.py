"""The student's ledger: one JSON file that keeps every result they measured, with the back end that produced it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from servelab import paths
from servelab.errors import CourseError


class LedgerError(CourseError):
    """The ledger cannot be read or written: one line that says what happened to it and to the rows."""


def path() -> Path:
    """Where the ledger is: `SERVELAB_LEDGER`, else `ledger.json` in the student's work folder, and outside a
    course in the current one."""
    named = os.environ.get("SERVELAB_LEDGER")
    if named:
        return Path(named).resolve()
    try:
        return paths.work_dir() / "ledger.json"
    except CourseError:  # a single notebook on a machine without the course's folder
        return Path.cwd() / "ledger.json"


def append(
    *, lab: str, step: str, metric: str, value: float, unit: str, backend: str, **details: Any
) -> dict[str, Any]:
    """Add one result, whole or not at all, also while other notebooks do the same; returns the row.

    Args:
        lab: The lab's name, for example "02-vllm".
        step: What was measured, for example "naive" or "vllm".
        metric: For example "requests_per_s"; `unit` is its unit, for example "requests/s".
        value: A finite number.
        backend: What produced it (`Engine.backend`), so that a result never loses its origin.
        details: Anything more, as JSON data.

    Raises:
        ValueError: an empty field, a value that is no finite number, or details that JSON cannot hold.
        LedgerError: the file was damaged. It has been kept aside under the name in the message, and this
            row is saved in a new ledger.
    """
    row = _row(lab, step, metric, value, unit, backend, details)
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file):
            rows, aside = _read(file)
            _write(file, [*rows, row])
    except OSError as error:
        raise LedgerError(
            f"The ledger {file} cannot be written: {error.strerror}. The row was not saved."
        ) from None
    if aside is not None:
        raise LedgerError(
            f"The ledger {file} was damaged and is kept as {aside.name}; your new row is saved in a fresh ledger."
        )
    return row


def rows(*, lab: str | None = None, metric: str | None = None) -> list[dict[str, Any]]:
    """All rows in the order they were added, or those of one lab or one metric; [] before the first.

    Raises:
        LedgerError: the file is damaged. It has been kept aside under the name in the message.
    """
    file = path()
    if not file.exists():
        return []
    with _locked(file):
        found, aside = _read(file)
    if aside is not None:
        raise LedgerError(
            f"The ledger {file} was damaged and is kept as {aside.name}; a new one starts empty."
        )
    return [r for r in found if lab in (None, r["lab"]) and metric in (None, r["metric"])]


def latest(*, lab: str | None = None, metric: str | None = None) -> list[dict[str, Any]]:
    """The newest row of each (lab, step, metric), in the order in which they were first measured.

    Raises:
        LedgerError: as `rows`.
    """
    newest = {(row["lab"], row["step"], row["metric"]): row for row in rows(lab=lab, metric=metric)}
    return list(newest.values())


def _row(
    lab: str, step: str, metric: str, value: float, unit: str, backend: str, details: dict[str, Any]
) -> dict[str, Any]:
    texts = {"lab": lab, "step": step, "metric": metric, "unit": unit, "backend": backend}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"A ledger row needs `{name}` as a text that is not empty; got {text!r}.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"A ledger row needs a finite number as its value; got {value!r}.")
    row = {
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "lab": lab,
        "step": step,
        "metric": metric,
        "value": number,
        "unit": unit,
        "backend": backend,
        "details": details,
    }
    try:
        return json.loads(json.dumps(row, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"The details of a ledger row must be JSON data: {error}.") from None


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    # The lock has a file of its own, since the ledger itself is replaced at every append.
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(file: Path) -> tuple[list[dict[str, Any]], Path | None]:
    """The rows, and where a damaged file was put (None if it was sound). Called with the lock held."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], None
    except ValueError:
        found = None
    if isinstance(found, list) and all(isinstance(r, dict) and {"lab", "metric"} <= r.keys() for r in found):
        return found, None
    aside = file.with_name(
        f"{file.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6:06d}.json"
    )
    file.replace(aside)
    return [], aside


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".ledger-", suffix=".json")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except BaseException:
        fresh.unlink()
        raise
