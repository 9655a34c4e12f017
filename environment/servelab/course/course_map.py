"""The README's map of the course and its list of solved notebooks, written from the labs' headers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from servelab.course import published
from servelab.course.percent import Lab
from servelab.errors import CourseError

LINK = "labs/{name}/{name}.ipynb"
HEAD = "| lab | what you build | you need | minutes |\n|---|---|---|---|\n"


def rows(labs: Sequence[Lab], link: str = LINK) -> str:
    """The map as a Markdown table.

    Args:
        link: where a lab's name leads, with `{name}` in it.
    """
    lines = [
        f"| [{lab.name}]({link.format(name=lab.name)}) | {lab.builds or lab.objectives} | {lab.needs.words()} | {lab.minutes} |\n"
        for lab in labs
    ]
    return HEAD + "".join(lines)


def solved(labs: Sequence[Lab]) -> str:
    """Links to the solution notebooks, those of the exams last, in lines that an editor shows whole."""
    links = {lab.name: f"[{lab.name[:2]}](solutions/{lab.name}/{lab.name}.ipynb)" for lab in labs}
    taught = ", ".join(links[lab.name] for lab in labs if not lab.is_exam)
    exams = ", ".join(links[lab.name] for lab in labs if lab.is_exam)
    words = "Solved and executed, to read: " + ", the exams: ".join(filter(None, (taught, exams))) + "."
    return "\n".join(textwrap.wrap(words, 125, break_long_words=False, break_on_hyphens=False)) + "\n"


def page(text: str, labs: Sequence[Lab], link: str = LINK) -> str:
    """A page with its map and its list brought up to date; what has no marks stays as it is.

    Raises:
        CourseError: a mark is opened and not closed.
    """
    for mark, words in (("map", rows(labs, link)), ("solved", solved(labs))):
        opening, closing = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
        if text.count(opening) != text.count(closing) or text.count(opening) > 1:
            raise CourseError(
                f"The map's page: `{opening.strip()}` and `{closing.strip()}` must stand there once each."
            )
        before, found, rest = text.partition(opening)
        if found:
            text = before + opening + words + closing + rest.partition(closing)[2]
    return text


def readme(root: Path, labs: Sequence[Lab], *, check: bool) -> list[str]:
    """Bring the course's README up to date, badges included; one line if that changes it, or with `check` would."""
    path = root / "README.md"
    if not path.is_file():
        return []
    before = path.read_text(encoding="utf-8")
    after = published.with_badges(page(before, labs), published.read(root))
    if after == before:
        return []
    if check:
        return ["README.md's map does not match the labs' headers"]
    path.write_text(after, encoding="utf-8")
    return ["wrote README.md"]
