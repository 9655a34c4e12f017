"""What a class may see: labs, the package and what installs it; no solutions, keys, tests or hidden data."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from servelab.course.building import source_paths
from servelab.course.notebooks import load_lab, to_notebook
from servelab.course.quiz import load_banks
from servelab.course.regions import HIDDEN, SOLUTION, fill, region_lines
from servelab.errors import CourseError

# Named one by one: what is not here stays here, also what someone adds tomorrow.
FILES = ("README.md", "LICENSE", "Makefile", "pyproject.toml", "nbgrader_config.py", ".gitignore")
FOLDERS = ("labs", "environment")
# What a README says between these two is about things that a class does not get.
_INSTRUCTORS = re.compile(r"<!-- instructors -->\n.*?<!-- /instructors -->\n", re.S)
# The author's guide is about files that a class does not get.
_NEVER = ("lab-author.md", "__pycache__", ".ipynb_checkpoints", "*.pyc", "*.egg-info", "node_modules", ".*")
_TELLING_CHARACTERS = 30  # shorter lines ("return total") may well stand in a lab's prose or stubs


def release_students(root: Path, destination: Path, without: Sequence[str] = ()) -> None:
    """Fill a new or empty folder with what students get. `make lab` works in it.

    Args:
        without: labs to hold back, an exam before its day for example: full names.

    Raises:
        CourseError: the folder holds something, the course has no labs, or a file would give answers away.
            Nothing is left in the folder then.
    """
    root, destination = root.resolve(), destination.expanduser().resolve()
    if destination.exists() and not destination.is_dir():
        raise CourseError(f"{destination} is a file: name a new or empty folder.")
    if destination.is_dir() and any(destination.iterdir()):
        raise CourseError(f"{destination} is not empty: name a new or empty folder.")
    inside = [name for name in FOLDERS if destination.is_relative_to(root / name)]
    if inside:
        raise CourseError(f"{destination} lies in the course's {inside[0]}/: name a folder elsewhere.")
    if not any((root / "labs").glob("*/*.ipynb")):
        raise CourseError(f"{root / 'labs'} holds no labs: run `servelab build` first.")
    part = destination.with_name(f".{destination.name}.part")
    try:
        part.mkdir(parents=True)
        for name in FILES:
            if (root / name).is_file():
                shutil.copyfile(root / name, part / name)
        readme = part / "README.md"
        if readme.is_file():
            text = _INSTRUCTORS.sub("", readme.read_text(encoding="utf-8"))
            lines = [
                line for line in text.splitlines() if not any(f"](labs/{name}/" in line for name in without)
            ]
            readme.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name in FOLDERS:
            if (root / name).is_dir():
                shutil.copytree(root / name, part / name, ignore=shutil.ignore_patterns(*_NEVER))
        for name in without:
            shutil.rmtree(part / "labs" / name)
        found = leaks(root, part)
        if found:
            raise CourseError(
                f"Nothing was released, because of {found[0]}: run `servelab build` and look at it."
            )
        if destination.exists():
            destination.rmdir()
        part.rename(destination)
    except FileExistsError:
        raise CourseError(
            f"{part} is in the way: another release runs, or one was cut off; remove it."
        ) from None
    except OSError as error:
        raise CourseError(
            f"{destination} cannot be written ({error.strerror or error}): name another folder."
        ) from None
    finally:
        if part.exists():
            shutil.rmtree(part)


def leaks(root: Path, folder: Path) -> list[str]:
    """Files under `folder` with words that only an instructor may have, each with what it gives away.

    Looked for are: why a quiz option is right or wrong, anywhere; hidden tests, solutions and model answers,
    in labs/; and any source of a lab.
    """
    reasons = [
        (what, " ".join(words.split()))
        for bank in load_banks(root / "quizzes").values()
        for what, words in bank.secrets()
    ]
    secrets = [secret for path in source_paths(root) for secret in secret_lines(path, root)]
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder)
        if name.parts[0] == "labs" and path.suffix == ".py":
            found.append(f"{name}, the source of a lab")
        try:
            text = _text(path)
        except UnicodeDecodeError:
            continue  # a picture or a font
        flat = " ".join(text.split())
        found += [f"{name}, which holds {what}" for what, why in reasons if why in flat]
        if name.parts[0] == "labs":
            lines = {line.strip() for line in text.split("\n")}
            found += [f"{name}, which holds {what}" for what, line in secrets if line in lines]
    return found


def secret_lines(source: Path, root: Path) -> Iterator[tuple[str, str]]:
    """The telling lines of a lab that students must not see, each with what it is."""
    notebook = to_notebook(load_lab(source, root), root)
    # Also within a line: prose may quote a call that a solution needs.
    visible = "\n".join(_visible(cell) for cell in notebook.cells)
    for cell in notebook.cells:
        lines = cell.source.split("\n")
        told = [
            (what, lines[first : last - 1])
            for what, region in (("a solution", SOLUTION), ("a hidden test", HIDDEN))
            for first, last in region_lines(cell.source, region)
        ]
        if "written" in cell.metadata.get("tags", []) and not told:
            told = [("a model answer", lines)]
        if "quiz" in cell.metadata.get("tags", []) and cell.metadata.nbgrader.solution:
            told = [("the key of a quiz", lines)]
        for what, secret in told:
            for line in map(str.strip, secret):
                if len(line) >= _TELLING_CHARACTERS and line not in visible:
                    yield f"{what} ({cell.id})", line


def _visible(cell: NotebookNode) -> str:
    """What is left of a cell in labs/."""
    tags = cell.metadata.get("tags", [])
    if "written" in tags or ("quiz" in tags and cell.metadata.nbgrader.solution):
        return ""
    return fill(fill(cell.source, SOLUTION, ""), HIDDEN, None)


def _text(path: Path) -> str:
    """A file as text; a notebook also as the text of its cells, because JSON breaks up and escapes lines."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    return "\n".join([*(cell.source for cell in notebook.cells), text])
