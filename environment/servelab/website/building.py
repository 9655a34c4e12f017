"""`servelab website OUT`: lays the course's sources out as pages, lets Sphinx build them, and looks through the result."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from pydantic import BaseModel

from servelab.course import course_map
from servelab.course.building import source_paths
from servelab.course.notebooks import load_lab
from servelab.errors import CourseError
from servelab.progress import bar
from servelab.website import results
from servelab.website.checking import problems

SOURCES = Path("environment") / "website"
_MARK = ".servelab-website"  # in a folder that we wrote, and may write again
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]")
_LINK = re.compile(r"(?P<image>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^( *)(```+|~~~+).*?^\1\2|`[^`\n]+`", re.S | re.M)
_PROGRESS = re.compile(r"\[ *(\d+)%\]")


class Site(BaseModel):
    """What was built."""

    folder: Path
    pages: int
    labs: int
    bytes: int


def build(root: Path, out: Path) -> Site:
    """Build the course's pages into `out`, which is new, empty, or a website that this command made.

    Raises:
        CourseError: another folder, no Sphinx, a fault in a source (with file and line), or a page that leaks an
            answer, leads nowhere or asks another server for something. `out` is as before then.
    """
    root, out = root.resolve(), out.expanduser().resolve()
    _refuse(root, out)
    with tempfile.TemporaryDirectory(prefix="servelab-website-") as scratch_name:
        scratch = Path(scratch_name)
        source, made = scratch / "source", scratch / "made"
        lay_out(root, source)
        _sphinx(source, made, scratch / "doctrees")
        for template in (made / "_static").rglob("*.html"):
            template.unlink()  # parts of the theme that Sphinx copies and no page uses
        found = problems(root, made)
        if found:
            raise CourseError("The website was not written:\n" + "\n".join(found[:20]))
        (made / _MARK).touch()
        (made / ".nojekyll").touch()  # or GitHub Pages leaves out the folders that begin with an underscore
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, out)
    files = [path for path in out.rglob("*") if path.is_file()]
    return Site(
        folder=out,
        pages=sum(path.suffix == ".html" for path in files),
        labs=len(list((out / "labs").glob("*.html"))),
        bytes=sum(path.stat().st_size for path in files),
    )


def _refuse(root: Path, out: Path) -> None:
    if not (root / SOURCES / "conf.py").is_file() or not (root / "solutions").is_dir():
        raise CourseError(
            f"{root}: the website is built from the whole course, not from a copy for students."
        )
    if out.is_file():
        raise CourseError(f"{out} is a file: name a new or empty folder.")
    if root.is_relative_to(out):
        raise CourseError(f"{out} holds the course itself: name a folder of its own.")
    if out.is_dir() and any(out.iterdir()) and not (out / _MARK).exists():
        raise CourseError(f"{out} is not empty and no website of this course: name a new or empty folder.")


# --- laying out


def lay_out(root: Path, source: Path) -> None:
    """Put everything that becomes a page into `source`, with links that hold there."""
    own = root / SOURCES
    shutil.copytree(own / "_static", source / "_static")
    shutil.copy(own / "conf.py", source)
    places = dict(_places(root))
    for path, page in places.items():
        target = source / page
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            notebook = lab_page(nbformat.read(path, as_version=4))
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = adapt_links(cell.source, path, page, places)
            target.write_text(nbformat.writes(notebook), encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
            if page.name == "index.md":
                text = course_map.page(text, _labs(root, places), link="labs/{name}.ipynb")
            target.write_text(adapt_links(text, path, page, places), encoding="utf-8")
    page = results.write_page(root / "environment" / "measurements", source / "charts")
    (source / "results.md").write_text(page, encoding="utf-8")


def _places(root: Path) -> Iterator[tuple[Path, Path]]:
    """Each file that becomes a page, and where the page lies."""
    for path in sorted((root / SOURCES).glob("*.md")):
        yield path, Path(path.name)
    for path in sorted((root / "environment" / "guides").glob("*.md")):
        yield path, Path("guides") / path.name
    for path in sorted((root / "labs").glob("[0-9][0-9]-*/[0-9][0-9]-*.ipynb")):
        # An exam's questions are a whole bank.
        if "exam" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]["servelab"]:
            yield path, Path("labs") / path.name


def _labs(root: Path, places: Mapping[Path, Path]) -> list[Any]:
    labs = [load_lab(path, root) for path in source_paths(root)]
    return [lab for lab in labs if Path("labs") / f"{lab.name}.ipynb" in places.values()]


def lab_page(notebook: NotebookNode) -> NotebookNode:
    """A released lab as it is read: with its minutes, checks folded, and of a quiz the question only."""
    header = notebook.metadata.servelab
    first = notebook.cells[0]
    heading, _, rest = _BADGE.sub("[Open in Colab]", first.source).partition("\n")
    first.source = f"{heading}\n\n*{header.minutes} minutes.*\n{rest}"
    kept = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": ["hide-input"]} if "check" in tags else {}
        if cell.cell_type == "code" and "quiz" in tags:
            continue
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        kept.append(cell)
    notebook.cells = kept
    notebook.metadata.pop("servelab")
    return notebook


def adapt_links(text: str, path: Path, page: Path, places: Mapping[Path, Path]) -> str:
    """Markdown with its links between files turned into links between pages.

    What is a file of the course and no page keeps its words, without the link.
    """

    def adapted(hit: re.Match[str]) -> str:
        target, _, anchor = hit["target"].partition("#")
        if not target or re.match(r"[a-z]+:", hit["target"]):
            return hit[0]
        file = (path.parent / target).resolve()
        other = places.get(file)
        if other is None:
            return hit["words"] if file.exists() else hit[0]  # what is nowhere is for Sphinx to object to
        up = "../" * (len(page.parts) - 1)
        return f"{hit['image']}[{hit['words']}]({up}{other.as_posix()}{'#' * bool(anchor)}{anchor})"

    parts, position = [], 0
    for code in _CODE.finditer(text):
        parts += [_LINK.sub(adapted, text[position : code.start()]), code[0]]
        position = code.end()
    return "".join([*parts, _LINK.sub(adapted, text[position:])])


# --- Sphinx


def _sphinx(source: Path, made: Path, doctrees: Path) -> None:
    """Run Sphinx with a progress bar; a warning is a fault."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "--no-color"]
    command += ["-d", str(doctrees), str(source), str(made)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=source,
    )
    said = []
    with bar(
        total=200, desc="Website", unit="%", bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
    ) as shown:
        for line in process.stdout:
            said.append(line.rstrip().replace(f"{source}/", ""))
            if hit := _PROGRESS.search(line):
                done = int(hit[1]) + (100 if line.startswith("writing") else 0)
                shown.update(max(0, done - shown.n))
        shown.update(shown.total - shown.n)
    if process.wait():
        told = [line for line in said if "WARNING" in line or "ERROR" in line] or said[-5:]
        raise CourseError("The website was not built:\n" + "\n".join(told[:20]))
