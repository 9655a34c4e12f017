"""A student's own copy of a lab: made once, then only ever added to."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from servelab import paths
from servelab.errors import CourseError

_NEVER_COPIED = {".ipynb_checkpoints", "__pycache__"}


def own_notebook(lab: str) -> Path:
    """Make sure that `work/<lab>/` holds the student's copy of a released lab.

    Files that are there already stay as they are, whatever is in them; only missing ones are copied, each
    appearing at once and whole. Two callers at the same time are fine.

    Returns:
        The path of the student's notebook.

    Raises:
        CourseError: no such lab is released, or the copy cannot be written.
    """
    root = paths.course_root()
    name = paths.find_lab(lab, root)
    source, target = root / "labs" / name, paths.work_dir() / name
    notebook = target / f"{name}.ipynb"
    if not (source / notebook.name).is_file():
        raise CourseError(f"labs/{name} holds no {notebook.name}: this lab is not released yet.")
    try:
        for file in _files(source):
            _copy_if_missing(file, target / file.relative_to(source))
    except OSError as error:
        raise CourseError(
            f"Your copy of {name} could not be written to {target}: {error.strerror}."
        ) from None
    return notebook


def _files(folder: Path) -> list[Path]:
    inside = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return [p for p in inside if not _NEVER_COPIED & set(p.relative_to(folder).parts)]


def _copy_if_missing(source: Path, target: Path) -> None:
    if target.exists() or target.is_symlink():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    fresh = Path(name)
    try:
        shutil.copyfile(source, fresh)
        # Not the source's mode: a release is often read-only, and this copy is there to be edited.
        fresh.chmod(0o644)
        _move_if_missing(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _move_if_missing(fresh: Path, target: Path) -> None:
    try:
        os.link(fresh, target)  # unlike rename, refuses when another tab was quicker
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not target.exists():
            fresh.replace(target)
