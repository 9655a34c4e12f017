"""Authoring: a lab's source text becomes its solution notebook and its student release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def build(
    root: Path, only: Sequence[str] | None = None, check: bool = False, execute: bool = False
) -> list[str]:
    """Build the labs under `root/solutions`. See `servelab.course.building.build`."""
    from servelab.course.building import build as run

    return run(root, only=only, check=check, execute=execute)


def release_students(root: Path, destination: Path, without: Sequence[str] = ()) -> None:
    """Write what a class may see. See `servelab.course.release.release_students`."""
    from servelab.course.release import release_students as run

    run(root, destination, without)
