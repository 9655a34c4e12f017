"""An optional larger corpus: Python's own documentation as Debian and its relatives install it, with questions for free.

| | |
|---|---|
| package | `python3.11-doc` (other Pythons' packages are laid out alike): `apt install python3.11-doc`, or `apt download` and `dpkg -x` without root |
| what is read | the reStructuredText beside the pages, in `/usr/share/doc/python3.11/html/_sources` |
| licence | PSF-2.0 (see `copyright` in the package); nothing of it is copied into this course |
| questions | the headings of its FAQ that are questions; the text under a heading answers it |

The headings are taken out of what is searched, or every question would find itself. Such labels are free and rough: another page may
answer a question as well, and counts as wrong. Tests and grades do without all of this.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from servelab.errors import CourseError
from servelab.retrieval import corpus, reading
from servelab.retrieval.asking import Question
from servelab.retrieval.corpus import Document, Package, Passage
from servelab.retrieval.reading import Section

PACKAGE, LICENCE = "python3.11-doc", "PSF-2.0"
FOLDER = Path("/usr/share/doc/python3.11/html")
CHAPTERS = ("extending", "faq", "howto", "library", "reference", "tutorial", "using")

_COMMENT = re.compile(r"^\.\. (?![\w:-]+::|_|\||\[).*\n(?:(?:[ \t]+.*)?\n)*", re.M)
_SINCE = re.compile(r"^[ \t]*\.\. (?:versionadded|versionchanged|deprecated|deprecated-removed)::.*\n", re.M)
_FIELD = re.compile(
    r"^[ \t]*:[\w-]+:(?!`).*\n", re.M
)  # what follows `:class:` is a name in the text, and stays
_OBJECT = re.compile(
    r"^([ \t]*)\.\. (?:function|class|method|data|exception|attribute|decorator|classmethod|staticmethod"
    r"|option|cmdoption|envvar|describe|opcode|pdbcommand|c:\w+)::[ \t]*(.*)$",
    re.M,
)


def folder(given: Path | None = None) -> Path:
    """Where the documentation is: `given`, else `SERVELAB_DOCUMENTATION`, else where the package puts it.

    Raises:
        CourseError: it is not there.
    """
    found = given or Path(os.environ.get("SERVELAB_DOCUMENTATION") or FOLDER)
    if not (found / "_sources" / "faq").is_dir():
        raise CourseError(
            f"No Python documentation in {found}: `apt install {PACKAGE}` puts it into {FOLDER}; for another place set "
            "SERVELAB_DOCUMENTATION to the folder that holds _sources."
        )
    return found


def load(given: Path | None = None) -> tuple[tuple[Passage, ...], tuple[Question, ...]]:
    """(passages sorted by id, the FAQ's questions with their labels). See `folder`."""
    root = folder(given)
    package = Package(PACKAGE, _version(root), LICENCE, "")
    passages: list[Passage] = []
    questions: list[Question] = []
    for chapter in CHAPTERS:
        for path in sorted((root / "_sources" / chapter).glob("*.rst.txt")):
            name, sections = path.name.removesuffix(".rst.txt"), _sections(path)
            if chapter == "faq":
                _faq(name, sections, package, passages, questions)
            else:
                document = Document(
                    f"{chapter}/{name}", f"Python {chapter}: {name}", tuple(sections), PACKAGE
                )
                passages += corpus.passages_of(document, package)
    return tuple(sorted(passages, key=lambda passage: passage.id)), tuple(questions)


def _faq(
    name: str,
    sections: list[Section],
    package: Package,
    passages: list[Passage],
    questions: list[Question],
) -> None:
    """One document a question, named by a number: its heading must not be found in what is searched."""
    for number, section in enumerate(sections):
        document = Document(
            f"faq/{name}-{number:03}", f"Python FAQ: {name}", (Section("", section.text),), PACKAGE
        )
        made = corpus.passages_of(document, package)
        passages += made
        asked = section.name.split(" › ")[-1]
        if made and asked.endswith("?"):
            labels = {passage.id: 2 for passage in made}
            questions.append(Question(f"faq-{name}-{number:03}", asked, "paraphrase", labels))


def _sections(path: Path) -> list[Section]:
    text = path.read_text(encoding="utf-8")
    for pattern in (_COMMENT, _SINCE, _FIELD):
        text = pattern.sub("", text)
    return reading.restructured(_OBJECT.sub(r"\1\2\n", text))


def _version(root: Path) -> str:
    """The documentation's own version, "?" if it does not say."""
    options = root / "_static" / "documentation_options.js"
    told = options.read_text(encoding="utf-8") if options.is_file() else ""
    found = re.search(r"VERSION: '([\d.]+)'", told)
    return found[1] if found else "?"
