"""The one source of a lab: percent-format Python text, read into cells with their roles and line numbers."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from servelab.course import yamls
from servelab.errors import CourseError
from servelab.needs import Needs

ROLES = ("setup", "live", "answer", "check", "written", "output")
_LIVE_COMPARED = ["live", "output"]  # skipped while grading, compared by nbval
_MARKER = re.compile(r"^# %%(?P<rest>.*)$")
_ATTRIBUTE = re.compile(r'\s*(?P<key>[a-z]+)=(?P<value>\[[^\]]*\]|"[^"]*"|\S+)')
_ID = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
_MAGIC = re.compile(r"^(?P<indent>\s*)# ?(?P<magic>(?:%%?[A-Za-z]|!\s*[A-Za-z]).*)$")
_LONGEST_ID = 40  # leaves room in the 64 characters of a notebook's cell id for what the build appends


class SourceError(CourseError):
    """A lab's source cannot be built: one `file:line: message` per line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Cell:
    """One cell of the source. `line` is the line of its marker; `body_line` that of its first text line."""

    kind: str  # "markdown" or "code"
    source: str
    line: int
    body_line: int
    role: str | None = None
    #: Whether nbval compares what it prints: role "output", or a live cell with that tag beside.
    compared: bool = False
    id: str | None = None
    points: float | None = None
    #: What a check may take, where it needs longer than others.
    seconds: float | None = None
    quiz: str | None = None
    #: The bank whose questions stand here.
    exam: str | None = None
    #: What an exam puts before a question, as in "3 of 20".
    number: str = ""


@dataclass(frozen=True)
class Lab:
    """A lab's source: its name (`NN-name`), header and cells in order."""

    path: Path
    name: str
    title: str
    minutes: int
    objectives: str
    #: What a student builds, for the README's map.
    builds: str = ""
    needs: Needs = field(default_factory=Needs)
    #: Files beside the notebook that are handed in with it.
    hands_in: tuple[str, ...] = ()
    cells: list[Cell] = field(default_factory=list)

    @property
    def is_exam(self) -> bool:
        """Whether it asks a whole bank instead of teaching."""
        return any(cell.exam or cell.number for cell in self.cells)

    def where(self, line: int) -> str:
        """`solutions/NN-name/NN-name.py:line`, as an editor can jump to."""
        return f"{self.path.parent.parent.name}/{self.name}/{self.path.name}:{line}"


def read_lab(path: Path) -> Lab:
    """Parse a lab's source file.

    Raises:
        SourceError: every fault of the file, each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(f"{path} does not exist: a lab's source is solutions/NN-name/NN-name.py.") from None
    except UnicodeDecodeError as error:
        raise CourseError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from None
    lines = text.splitlines()
    empty = Lab(path, path.parent.name, "", 0, "")
    problems: list[str] = []
    header, start = _read_header(lines, empty, problems)
    cells = _read_cells(lines, start, empty, problems)
    if problems:
        raise SourceError(problems)
    return replace(empty, cells=cells, **header)


def _read_header(lines: list[str], lab: Lab, problems: list[str]) -> tuple[dict, int]:
    """The YAML between the two `# ---` lines, and the index of the line after it."""
    how = "begin the file with `# ---`, `# title: ...`, `# minutes: 60`, `# objectives: ...`, `# ---`"
    if not lines or lines[0].rstrip() != "# ---":
        problems.append(f"{lab.where(1)}: no header: {how}")
        return {}, 0
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "# ---"), None)
    if end is None:
        problems.append(f"{lab.where(1)}: the header does not end: {how}")
        return {}, len(lines)
    try:
        _, values = yamls.read("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[1:end]))
    except yamls.YamlError as error:
        problems.append(f"{lab.where(1 + error.line)}: the header is not YAML ({error})")
        return {}, end + 1
    values = values if isinstance(values, dict) else {}
    header = {}
    for key, kind, example in (
        ("title", str, "One request at a time"),
        ("minutes", int, "60"),
        ("objectives", str, "what a student can do afterwards, in one line"),
    ):
        value = values.pop(key, None)
        if not isinstance(value, kind) or isinstance(value, bool) or not value:
            problems.append(f"{lab.where(1)}: the header needs `{key}`, for example `# {key}: {example}`")
        header[key] = value
    header["builds"] = values.pop("builds", "")
    if not isinstance(header["builds"], str):
        problems.append(f"{lab.where(1)}: builds is a line of text, as in `# builds: a client that streams`")
    header["needs"] = _needs(values.pop("needs", {}), lab, problems)
    header["hands_in"] = _hands_in(values.pop("hands_in", []), lab, problems)
    if values:
        problems.append(f"{lab.where(1)}: unknown in the header: {', '.join(map(str, values))}")
    return header, end + 1


def _needs(value: object, lab: Lab, problems: list[str]) -> Needs:
    """What the lab takes of a machine: two cores, 6 GB and an engine unless it says otherwise."""
    try:
        return Needs.model_validate(value)
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'needs'}: {e['msg']}" for e in error.errors())
        problems.append(
            f"{lab.where(1)}: cannot read needs ({what}): write it as in `# needs: {{memory_gb: 6, engine: true, own_gib: 1.5}}`"
        )
        return Needs()


def _hands_in(value: object, lab: Lab, problems: list[str]) -> tuple[str, ...]:
    """The files that are handed in beside the notebook: most labs have none."""
    if not isinstance(value, list) or not all(_is_plain(name) for name in value):
        problems.append(
            f"{lab.where(1)}: hands_in is a list of files below the lab's folder, as in `# hands_in: [adapter/adapter_config.json]`"
        )
        return ()
    return tuple(value)


def _is_plain(name: object) -> bool:
    """Whether this is a path that stays below a folder, in parts that are no hidden files."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return (
        not path.is_absolute()
        and path.as_posix() == name
        and all(not part.startswith(".") for part in path.parts)
    )


def _read_cells(lines: list[str], start: int, lab: Lab, problems: list[str]) -> list[Cell]:
    """Cut the text at its markers. Text before the first one is a fault."""
    marks = [i for i in range(start, len(lines)) if _MARKER.match(lines[i])]
    for i in range(start, marks[0] if marks else len(lines)):
        if lines[i].strip():
            problems.append(f"{lab.where(i + 1)}: text before the first cell: start it with `# %%`")
            break
    cells = []
    for begin, end in itertools.pairwise([*marks, len(lines)]):
        attributes = _read_marker(lines[begin], lab.where(begin + 1), problems)
        if attributes is None:
            continue
        body, skipped = _strip_blank(lines[begin + 1 : end])
        first = begin + 2 + skipped
        if attributes["kind"] == "markdown":
            body = _uncomment(body, first, lab, problems)
        else:
            body = [_MAGIC.sub(r"\g<indent>\g<magic>", line) for line in body]
        if (attributes["quiz"] or attributes["exam"]) and body:
            problems.append(f"{lab.where(first)}: a quiz cell holds no text: its words are in quizzes/")
        cells.append(Cell(source="\n".join(body), line=begin + 1, body_line=first, **attributes))
    return cells


def _read_marker(line: str, where: str, problems: list[str]) -> dict | None:
    """Kind, role, id, points, quiz and exam of `# %% [markdown] tags=["check"] id="x" points=4`."""
    rest = _MARKER.match(line)["rest"].strip()
    kind = "code"
    if rest.startswith("[markdown]"):
        kind, rest = "markdown", rest.removeprefix("[markdown]")
    values, position = {}, 0
    while position < len(rest.rstrip()):
        hit = _ATTRIBUTE.match(rest, position)
        try:
            values[hit["key"]] = json.loads(hit["value"])
        except (TypeError, json.JSONDecodeError):
            problems.append(
                f'{where}: cannot read `{rest[position:].strip()}`: write key=value, as in id="ttft"'
            )
            return None
        position = hit.end()
    tags = values.pop("tags", [])
    found = {
        "kind": kind,
        "role": tags[0] if isinstance(tags, list) and tags else None,
        "compared": isinstance(tags, list) and "output" in tags,
        "id": values.pop("id", None),
        "points": values.pop("points", None),
        "seconds": values.pop("seconds", None),
        "quiz": values.pop("quiz", None),
        "exam": values.pop("exam", None),
    }
    faults = []
    if not isinstance(tags, list) or not (tags in ([], _LIVE_COMPARED) or [t for t in ROLES if tags == [t]]):
        faults.append(
            f'tags must be one of {", ".join(ROLES)}, as in tags=["check"], or {json.dumps(_LIVE_COMPARED)}'
        )
    if values:
        faults.append(f"unknown: {', '.join(values)} (known: tags, id, points, seconds, quiz, exam)")
    if found["id"] is not None and (not isinstance(found["id"], str) or not _ID.match(found["id"])):
        faults.append("id must be lower-case words joined by hyphens")
    elif found["id"] and len(found["id"]) > _LONGEST_ID:
        faults.append(f"id is longer than {_LONGEST_ID} characters")
    points = found["points"]
    if points is not None and (
        isinstance(points, bool) or not isinstance(points, int | float) or points <= 0
    ):
        faults.append("points must be a number above 0")
    seconds = found["seconds"]
    if seconds is not None and (found["role"] != "check" or type(seconds) is not int or seconds <= 0):
        faults.append("seconds, for a check that needs longer than others, is a whole number above 0")
    asked = found["quiz"] or found["exam"]
    if asked is not None and (found["role"] or found["id"] or points is not None or kind == "markdown"):
        faults.append("a quiz cell has no other attribute: its point is fixed")
    problems += [f"{where}: {fault}" for fault in faults]
    return None if faults else found


def _strip_blank(lines: list[str]) -> tuple[list[str], int]:
    """Without blank lines at both ends, and how many were cut in front."""
    full = [i for i, line in enumerate(lines) if line.strip()]
    if not full:
        return [], 0
    return [line.rstrip() for line in lines[full[0] : full[-1] + 1]], full[0]


def _uncomment(lines: list[str], first: int, lab: Lab, problems: list[str]) -> list[str]:
    text = []
    for number, line in enumerate(lines, first):
        if line and not line.startswith("#"):
            problems.append(f"{lab.where(number)}: a line of a markdown cell must begin with `# `")
        text.append(line.removeprefix("#").removeprefix(" "))
    return text
