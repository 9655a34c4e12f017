"""Where the course lies on this machine: its root, the student's work, the cache outside the tree."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from servelab.errors import CourseError

_CHECKOUT = Path(__file__).resolve().parents[2]


def _is_course(folder: Path) -> bool:
    # An author's first checkout may have no labs/ yet, a class has no solutions/.
    parts = (folder / "labs", folder / "solutions")
    return (folder / "nbgrader_config.py").is_file() and any(part.is_dir() for part in parts)


def course_root() -> Path:
    """The folder with `nbgrader_config.py` and `labs/` (or, before the first build, `solutions/`).

    `SERVELAB_ROOT` decides; otherwise the nearest such folder at or above the current one, otherwise
    the checkout this package was installed from.

    Raises:
        CourseError: none of the three is a course.
    """
    named = os.environ.get("SERVELAB_ROOT")
    if named:
        return Path(named).resolve()
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the current folder was deleted under us
        here = _CHECKOUT
    for folder in (here, *here.parents, _CHECKOUT):
        if _is_course(folder):
            return folder
    raise CourseError(
        f"No course found at or above {here}: change into the course folder, or set SERVELAB_ROOT to it."
    )


def work_dir() -> Path:
    """The student's own copies and results. `SERVELAB_WORK` decides, otherwise `work/` in the course."""
    named = os.environ.get("SERVELAB_WORK")
    return Path(named).resolve() if named else course_root() / "work"


def cache_dir() -> Path:
    """Converted models and other artefacts, outside the tree. `SERVELAB_CACHE` decides."""
    named = os.environ.get("SERVELAB_CACHE")
    return Path(named).resolve() if named else platformdirs.user_cache_path("servelab")


def state_dir() -> Path:
    """What running engines write about themselves."""
    return cache_dir() / "state"


def on_colab() -> bool:
    """Whether this is a runtime of Colab's: packages that must stay as they are, no terminal, nothing kept but the notebook."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def lab_names(root: Path | None = None) -> list[str]:
    """The released labs (`NN-name`), in order."""
    labs = (root or course_root()) / "labs"
    return sorted(p.name for p in labs.glob("[0-9][0-9]-*") if p.is_dir())


def find_lab(text: str, root: Path | None = None) -> str:
    """The full name of the lab meant by `1`, `01` or `01-naive-serving`.

    Raises:
        CourseError: no released lab is meant.
    """
    names = lab_names(root)
    wanted = text.strip().strip("/").split("/")[-1]
    hits = [n for n in names if n == wanted or (wanted.isdigit() and n.split("-")[0] == wanted.zfill(2))]
    if len(hits) != 1:
        raise CourseError(f"No lab is called {text!r}. The labs are: {', '.join(names) or 'none yet'}.")
    return hits[0]
