"""Prose out of installed packages: docstrings, fields' descriptions, schemas, Markdown and reStructuredText.

Nothing here imports the package that is read. Every reader returns a list of `Section`s in the order of the file.
"""

from __future__ import annotations

import ast
import html
import inspect
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_FENCED = re.compile(r"^```.*?^```[^\n]*$", re.M | re.S)
_LINK = re.compile(r"!?\[([^\]]+)\]\([^)\s]+\)")
_ROLE = re.compile(r":[\w:+-]+:`~?([^`<]+?)(?:\s*<[^`]*>)?`")
_RST_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]*>`_+")
_UNDERLINE = re.compile(r"^([=\-~^\"'`#*+])\1{2,}\s*$")
_CUT = re.compile(r"^(examples?|usage|see also|references|notes? on doctest)\b", re.I)


@dataclass(frozen=True)
class Section:
    """A stretch of text with a name: a field and its description, a heading and what stands under it."""

    name: str
    text: str


def clean(text: str) -> str:
    """Text without markup that only a renderer needs: link targets, roles, code blocks, directives.

    Paragraphs stay apart by an empty line, list items by a line; other line breaks and runs of spaces are one space.
    """
    text = html.unescape(text).replace("\t", "    ").replace("\r", "")
    text = _FENCED.sub("\n\n", inspect.cleandoc(text))
    text = _without_directives(text)
    for pattern in (_LINK, _RST_LINK, _ROLE):
        text = pattern.sub(r"\1", text)
    text = re.sub(r"</?Tip[^>]*>|<!--.*?-->|:::\w*", " ", text, flags=re.S)
    text = text.replace("``", "`").replace("**", "")
    lines: list[str] = []
    for raw in text.split("\n"):
        line = " ".join(raw.split())
        item = re.match(r"([-*+•]|\d+\.)\s", line)
        if not line or item or not lines or not lines[-1]:
            lines.append(line)
        else:
            lines[-1] += f" {line}"
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_directives(text: str) -> str:
    """reStructuredText without its directives' blocks (code, images, labels); notes and the like keep their text."""
    kept: list[str] = []
    skip: int | None = None
    example = False
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if skip is not None:
            if not line.strip() or indent > skip:
                continue
            skip = None
        if found := re.match(r"\s*\.\. (?:([\w-]+)::\s*(.*)|_|\|)", line):
            if found[1] in ("note", "warning", "seealso", "versionadded", "versionchanged", "tip"):
                kept.append(" " * indent + (found[2] or ""))
            elif found[1] != "envvar":
                skip = indent
            continue
        if line.lstrip().startswith(">>>"):
            example = True
        if example:  # up to the next empty line
            example = bool(line.strip())
            continue
        if line.rstrip().endswith("::"):
            kept += [line.rstrip()[:-1], ""]
            skip = indent
            continue
        kept.append(line)
    return "\n".join(kept)


# --- Python files ----------------------------------------------------------------------------------------


def attribute_docs(path: Path) -> list[tuple[str, list[Section]]]:
    """Classes whose fields are followed by a string that explains them: [(class, sections)]; "" is the module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [("", list(_attributes(tree.body)))]
    found += [
        (node.name, [*_own_docstring(node), *_attributes(node.body)])
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]
    return [(name, sections) for name, sections in found if sections]


def _own_docstring(node: ast.ClassDef) -> Iterator[Section]:
    if text := clean(ast.get_docstring(node) or ""):
        yield Section("", text)


def _attributes(body: list[ast.stmt]) -> Iterator[Section]:
    for named, told in itertools.pairwise(body):
        target = named.target if isinstance(named, ast.AnnAssign) else None
        if isinstance(named, ast.Assign) and len(named.targets) == 1:
            target = named.targets[0]
        if isinstance(target, ast.Name) and isinstance(told, ast.Expr):
            text = clean(_string(told.value) or "")
            if text:
                yield Section(target.id, text)


def field_descriptions(path: Path) -> list[tuple[str, list[Section]]]:
    """Classes whose fields carry `Field(description=...)` or `field(metadata={"help": ...})`: [(class, sections)]."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            fields = [
                Section(part.target.id, clean(text))
                for part in node.body
                if isinstance(part, ast.AnnAssign)
                and isinstance(part.target, ast.Name)
                and isinstance(part.value, ast.Call)
                and (text := _described(part.value))
            ]
            intro = _prose(ast.get_docstring(node) or "")
            found.append((node.name, [*([Section("", intro)] if intro else []), *fields]))
    return [(name, sections) for name, sections in found if sections]


def _described(call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg == "description":
            return _string(keyword.value) or ""
        if keyword.arg == "metadata" and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                if key is not None and _string(key) == "help":
                    return _string(value) or ""
    return ""


def _string(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def docstrings(path: Path, *, at_least: int = 200) -> list[tuple[str, list[Section]]]:
    """Public classes, functions and methods with a docstring of some length: [(qualified name, sections)].

    The prose is a section without a name; each documented argument is one with its name. Examples are left out.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for name, node in _public(tree.body, ""):
        text = ast.get_docstring(node) or ""
        if len(text) >= at_least and (sections := list(_docstring_sections(text))):
            found.append((name, sections))
    return found


def _public(body: list[ast.stmt], inside: str) -> Iterator[tuple[str, Any]]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        yield f"{inside}{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, f"{node.name}.")


_GOOGLE = re.compile(r"^([A-Z][\w ]{2,24}):\s*$")


def _prose(text: str) -> str:
    """A docstring's text before its first part (Args, Parameters, Example)."""
    return next((s.text for s in _docstring_sections(text) if not s.name), "")


def _docstring_sections(text: str) -> Iterator[Section]:
    text = _FENCED.sub("", text)
    for heading, lines in _docstring_parts(text.split("\n")):
        if heading is None or heading.lower() in ("note", "notes", "warning", "warnings"):
            if body := clean("\n".join(lines)):
                yield Section("" if heading is None else heading.lower(), body)
        elif heading.lower() in ("args", "arguments", "parameters", "attributes", "raises"):
            yield from _arguments(lines, heading.lower())
        elif heading.lower() in ("returns", "yields"):
            body = clean("\n".join(lines))
            if len(body) > 40:
                yield Section("returns", body)


def _docstring_parts(lines: list[str]) -> Iterator[tuple[str | None, list[str]]]:
    heading: str | None = None
    held: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        follows = lines[index + 1] if index + 1 < len(lines) else ""
        google = _GOOGLE.match(line.strip()) if not line.startswith("  ") else None
        numpy = bool(line.strip()) and _UNDERLINE.match(follows.strip())
        cut = _CUT.match(line.strip()) if line.strip().endswith(":") else None
        if numpy or google or cut:
            yield heading, held
            heading, held = line.strip().rstrip(":"), []
            index += 2 if numpy else 1
            continue
        held.append(line)
        index += 1
    yield heading, held


_ARGUMENT = re.compile(r"^\*{0,2}`?([A-Za-z_][\w.]*)`?(?:\s*\(.*\))?\s*(?::\s*(.*)|,.*)?$")


def _arguments(lines: list[str], kind: str) -> Iterator[Section]:
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    base = min(indents, default=0)
    name, held = "", []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        found = _ARGUMENT.match(line.strip()) if indent == base and line.strip() else None
        if found:
            if name and (body := clean("\n".join(held))):
                yield Section(name, body)
            name = f"raises {found[1]}" if kind == "raises" else found[1]
            held = [found[2] or ""]
        elif name:
            held.append(line.strip())
    if name and (body := clean("\n".join(held))):
        yield Section(name, body)


# --- schemas ---------------------------------------------------------------------------------------------


def kubernetes_kinds(
    path: Path, groups: Iterable[str], leave: re.Pattern[str]
) -> list[tuple[str, list[Section]]]:
    """Kinds of the named API groups in a file of JSON schemas: [(kind, sections)], a section a field."""
    wanted = set(groups)
    found = []
    for full, schema in json.loads(path.read_text(encoding="utf-8"))["$defs"].items():
        group, _, kind = full.rpartition(".")
        if group.removeprefix("io.k8s.") not in wanted or kind.endswith("List") or leave.search(kind):
            continue
        intro = [Section("", clean(schema["description"]))] if schema.get("description") else []
        fields = [
            Section(name, clean(about["description"]))
            for name, about in schema.get("properties", {}).items()
            if about.get("description") and name not in ("apiVersion", "kind", "metadata")
        ]
        if fields:
            found.append((kind, intro + fields))
    return found


def settings(path: Path) -> list[tuple[str, list[Section]]]:
    """Options described in a YAML schema: [(first two parts of the option's name, sections)]."""
    found: dict[str, list[Section]] = {}

    def walk(node: dict[str, Any], name: tuple[str, ...]) -> None:
        if text := clean(str(node.get("description") or "")):
            found.setdefault(".".join(name[:2]), []).append(Section(".".join(name), text))
        for key, value in (node.get("properties") or {}).items():
            if isinstance(value, dict):
                walk(value, (*name, key))

    walk(yaml.safe_load(path.read_text(encoding="utf-8")), ())
    return list(found.items())


# --- documents -------------------------------------------------------------------------------------------


def markdown(text: str) -> list[Section]:
    """A Markdown document: a section for each heading, named by the headings above it too."""
    fence = False
    held: dict[tuple[str, ...], list[str]] = {}
    path: tuple[str, ...] = ()
    for line in text.split("\n"):
        fence ^= line.lstrip().startswith("```")
        if not fence and (found := re.match(r"(#{1,4})\s+(.+)", line)):
            path = (*path[: len(found[1]) - 1], _heading(found[2]))
            continue
        held.setdefault(path, []).append(line)
    return _sections(held)


def restructured(text: str) -> list[Section]:
    """A reStructuredText document: a section for each heading, named by the headings above it too."""
    lines = text.split("\n")
    marks: list[str] = []
    held: dict[tuple[str, ...], list[str]] = {}
    path: tuple[str, ...] = ()
    index = 0
    while index < len(lines):
        follows = lines[index + 1] if index + 1 < len(lines) else ""
        title = lines[index].strip()
        if title and _UNDERLINE.match(follows) and not _UNDERLINE.match(title) and lines[index][0] != " ":
            mark = follows[0]
            if mark not in marks:
                marks.append(mark)
            depth = marks.index(mark)
            path = (*path[:depth], _heading(_ROLE.sub(r"\1", title)))
            index += 2
            continue
        if not _UNDERLINE.match(lines[index]):
            held.setdefault(path, []).append(lines[index])
        index += 1
    return _sections(held)


def notebook(text: str) -> list[Section]:
    """The prose of a notebook: its Markdown and raw cells, read as one document."""
    cells = json.loads(text)["cells"]
    told = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    raw = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "raw"]
    return markdown("\n\n".join(told)) + restructured("\n\n".join(raw))


def _heading(text: str) -> str:
    return " ".join(text.strip().strip("#*` ").replace("``", "").replace("`", "").split())


def _sections(held: dict[tuple[str, ...], list[str]]) -> list[Section]:
    found = [Section(" › ".join(path[1:]), clean("\n".join(lines))) for path, lines in held.items()]
    return [section for section in found if section.text]
