"""What is looked for in the finished pages: answers, links that lead nowhere, and anything fetched from another server."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from servelab.course.release import leaks

# What a browser fetches by itself, by tag; a link (`a`) is only followed by a person.
_FETCHED = {
    **dict.fromkeys(
        ("script", "img", "iframe", "embed", "source", "video", "audio", "track", "input"), ("src",)
    ),
    "object": ("data",),
    "link": ("href",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
_NOT_FETCHED = {
    "canonical",
    "author",
    "license",
    "next",
    "prev",
    "index",
    "search",
    "help",
    "alternate",
    "top",
    "up",
}
_CSS_URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")


@dataclass
class Page(HTMLParser):
    """One page: what it links to, what it fetches, its anchors, and its text.

    Attributes:
        links: targets of `a`.
        fetched: addresses that a browser asks for by itself.
        anchors: what a `#` can lead to.
        text: what a reader sees, lines of code as they are.
    """

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    text: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)
        self._styling = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        self._styling = tag == "style"
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and set(values.get("rel", "").split()) <= _NOT_FETCHED:
            return
        self.fetched += [values[name] for name in _FETCHED.get(tag, ()) if values.get(name)]
        self.fetched += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        self.fetched += _CSS_URL.findall(values.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        self._styling = False

    def handle_data(self, data: str) -> None:
        if self._styling:
            self.fetched += _CSS_URL.findall(data)
        self.text += data


def read_page(path: Path) -> Page:
    """Parse a page of the site."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def problems(root: Path, site: Path) -> list[str]:
    """Everything that must not be on the site, one line each.

    Args:
        root: the course, whose secrets are looked for.
        site: the folder with the pages.
    """
    pages = {path: read_page(path) for path in sorted(site.rglob("*.html"))}
    return [*leaked(root, site, pages), *elsewhere(site, pages), *broken(site, pages)]


def leaked(root: Path, site: Path, pages: dict[Path, Page]) -> list[str]:
    """Solutions, hidden tests, model answers, keys and explanations, in the text of pages and in the search index."""
    with tempfile.TemporaryDirectory(prefix="servelab-website-") as name:
        # Under labs/, because there the lines of solutions and hidden tests are looked for.
        texts = Path(name) / "labs"
        for path in sorted(site.rglob("*")):
            if path in pages or (path.suffix in (".js", ".json", ".txt", ".md") and path.is_file()):
                copy = texts / path.relative_to(site).with_name(path.name + ".txt")
                copy.parent.mkdir(parents=True, exist_ok=True)
                text = pages[path].text if path in pages else path.read_text(encoding="utf-8")
                copy.write_text(text, encoding="utf-8")
        found = leaks(root, Path(name))
    found = [line.replace("labs/", "", 1).replace(".txt,", ",", 1) for line in found]
    files = (path for path in sorted(site.rglob("*")) if path.is_file())
    sources = [path for path in files if path.suffix in (".ipynb", ".py", ".yaml")]
    return found + [f"{path.relative_to(site)}, a source, which is no page" for path in sources]


def elsewhere(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Addresses on other servers that a browser would ask by itself, in pages and in style sheets."""
    asked: list[tuple[Path, str]] = [
        (path, target) for path, page in pages.items() for target in page.fetched
    ]
    for path in sorted(site.rglob("*.css")):
        asked += [(path, target) for target in _CSS_URL.findall(path.read_text(encoding="utf-8"))]
    return [
        f"{path.relative_to(site)} asks another server for {target}"
        for path, target in asked
        if urlsplit(target).netloc
    ]


def broken(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Links, images, scripts and style sheets of the site itself that are not there, and anchors that no page has."""
    found = []
    for path, page in pages.items():
        for target in dict.fromkeys([*page.links, *page.fetched]):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if file.is_dir():
                file = file / "index.html"
            if not file.is_file() or not file.is_relative_to(site.resolve()):
                found.append(f"{path.relative_to(site)}: {target} is not there")
            elif parts.fragment and file.suffix == ".html" and not _has(pages, file, unquote(parts.fragment)):
                found.append(f"{path.relative_to(site)}: {target} leads to no heading")
    return found


def _has(pages: dict[Path, Page], file: Path, anchor: str) -> bool:
    page = pages.get(file) or next(page for path, page in pages.items() if path.resolve() == file)
    return anchor in page.anchors
