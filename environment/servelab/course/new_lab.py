"""A new lab that builds and is proved at once: its source and its recorded answers, for an author to write over."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2

from servelab.course import quiz, yamls
from servelab.course.notebooks import asks
from servelab.errors import CourseError

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"^\d\d-[a-z0-9]+(-[a-z0-9]+)*$")
#: With the template's recorded answers, so many questions make the 30 answers that a proof asks for.
QUIZZES = 3
#: Shares of the minutes that the template's four steps take; the last one takes what is left.
_STEPS = (0.1, 0.4, 0.3)


def new_lab(
    root: Path,
    name: str,
    *,
    title: str,
    minutes: int,
    objectives: str = "",
    builds: str = "",
    quizzes: Sequence[str] = (),
) -> list[Path]:
    """Write `solutions/NN-name/NN-name.py` and `tests/answers/NN-name/`.

    Args:
        root: the course.
        name: `NN-name`; the number must be free.
        minutes: what a student takes.
        objectives: what a student can do afterwards, in one line without a full stop.
        builds: what is built, for the README's map.
        quizzes: `bank/item` of the questions to embed; by default three that another lab asks already.

    Returns:
        The files that were written.

    Raises:
        CourseError: a copy for students, a name that is taken or malformed, or a question that does not exist.
    """
    if not (root / "solutions").is_dir():
        raise CourseError(
            f"{root} has no solutions/: a new lab is written in the course's own folder, not in a copy for students."
        )
    if not _NAME.match(name):
        raise CourseError(
            f"{name!r} is no name for a lab: two digits and lower-case words, as in 14-speculative-decoding."
        )
    taken = [p.name for p in sorted((root / "solutions").glob(f"{name[:2]}-*"))]
    if taken:
        raise CourseError(f"Number {name[:2]} is taken by {taken[0]}: choose another one.")
    folders = root / "solutions" / name, root / "tests" / "answers" / name
    for folder in folders:
        if folder.exists():
            raise CourseError(f"{folder} exists already: nothing was written.")
    if not title.strip() or minutes < 10:
        raise CourseError("A lab has a title, and takes ten minutes at least.")
    chosen = list(quizzes) or _asked_already(root)
    for item in chosen:
        quiz.find_item(root / "quizzes", item)
    objectives = objectives or "Say how many users were served in time, and why the mean does not tell"
    values = {
        "name": name,
        "number": name[:2],
        "title": title,
        "minutes": minutes,
        "steps": _steps(minutes),
        "objectives": objectives,
        "quizzes": chosen,
        "title_yaml": _scalar(title),
        "objectives_yaml": _scalar(objectives),
        "builds_yaml": _scalar(builds or "the share of requests that were answered in time"),
    }
    written = []
    for folder, template, file in (
        (folders[0], "lab.py.j2", f"{name}.py"),
        (folders[1], "share-within.py.j2", "share-within.py"),
    ):
        folder.mkdir(parents=True)
        written.append(folder / file)
        written[-1].write_text(_render(template, values), encoding="utf-8")
    return written


def _render(template: str, values: dict) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(values)


def _asked_already(root: Path) -> list[str]:
    """The first questions that their own lab asks, so that another one may ask them again; from each lab one."""
    found: dict[str, str] = {}
    for bank_name, bank in quiz.load_banks(root / "quizzes").items():
        for item in bank.choices:
            place = f"{bank_name}/{item.id}"
            if item.lab not in found and asks(root, item.lab, place):
                found[item.lab] = place
    return [found[lab] for lab in sorted(found)][:QUIZZES]


def _steps(minutes: int) -> list[int]:
    """The minutes of the template's steps, which add up."""
    parts = [round(share * minutes) for share in _STEPS]
    return [*parts, minutes - sum(parts)]


def _scalar(text: str) -> str:
    """A line of text as a YAML value, in quotes where it would be read as something else."""
    try:
        plain = yamls.read(text)[1] == text
    except yamls.YamlError:
        plain = False
    return text if plain else json.dumps(text, ensure_ascii=False)
