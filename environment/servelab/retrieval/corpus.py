"""The retrieval labs' corpus: reference text about the tools one serves models with, read from pinned packages.

Nothing of it lies in the repository: the text is taken from the packages that the locks pin, always by the same steps, and
its hash is compared with what the questions were written for.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from servelab.errors import CourseError
from servelab.retrieval import packages, reading
from servelab.retrieval.reading import Section

MOST_WORDS = 150  # a passage of so many words fits into MiniLM's 256 tokens, its title included
FEWEST_WORDS = 25  # a document with fewer says nothing that one could ask for
FEW_WORDS = 60  # shorter neighbours share a passage


@dataclass(frozen=True)
class Package:
    """Where a part of the corpus comes from.

    Attributes:
        name: as the locks spell it.
        version: what the questions were written for.
        licence: SPDX identifier of the text.
        sha256: over the package's passages; see `fingerprint`.
    """

    name: str
    version: str
    licence: str
    sha256: str


# The same file names the artefacts that are made from the text: when it changes, they are made again.
PACKAGES_FILE = Path(__file__).with_name("packages.json")
PACKAGES = {row["name"]: Package(**row) for row in json.loads(PACKAGES_FILE.read_text(encoding="utf-8"))}


@dataclass(frozen=True)
class Document:
    """One source with its parts: what a chunker gets.

    Attributes:
        id: `<topic>/<name>`, stable.
        title: for a reader.
        sections: in the source's order; a name may be empty.
        package: a key of `PACKAGES`.
    """

    id: str
    title: str
    sections: tuple[Section, ...]
    package: str

    @property
    def text(self) -> str:
        """The whole document as Markdown: a `## name` line before each named section."""
        return "\n\n".join(f"## {s.name}\n\n{s.text}" if s.name else s.text for s in self.sections)


@dataclass(frozen=True)
class Passage:
    """What is searched for: some 20 to 150 words of one document.

    Attributes:
        id: `<document>#<section>`, stable; `~2` marks the second piece of a long section.
        document: the document's id.
        title: the document's title.
        section: the section's name; several short ones are joined by commas.
        text: the words themselves; a section that shares its passage starts with its name.
        package, version, licence: where it comes from.
    """

    id: str
    document: str
    title: str
    section: str
    text: str
    package: str
    version: str
    licence: str

    @property
    def indexed(self) -> str:
        """What gets embedded and searched: title, section and text."""
        return f"{self.title}: {self.section}\n{self.text}" if self.section else f"{self.title}\n{self.text}"


# --- what is read ----------------------------------------------------------------------------------------

_KUBERNETES = (
    *("api.core.v1", "api.apps.v1", "api.autoscaling.v2", "api.batch.v1", "api.networking.v1"),
    *("api.policy.v1", "api.scheduling.v1"),
)
_VENDORS = re.compile(
    "AWS|Azure|Ceph|Cinder|FCVolume|Flex|Flocker|GCE|Gluster|ISCSI|Photon|Portworx|Quobyte|RBD|ScaleIO|StorageOS|Vsphere|GitRepo"
)
_OPENAI = {
    "chat/completion_create_params": "chat completions",
    "completion_create_params": "completions",
    "embedding_create_params": "embeddings",
    "responses/response_create_params": "responses",
    "batch_create_params": "batches",
    "moderation_create_params": "moderations",
    "fine_tuning/job_create_params": "fine-tuning",
    "vector_stores/file_batch_create_params": "vector store files",
    "vector_store_create_params": "vector stores",
    "audio/transcription_create_params": "transcriptions",
    "audio/speech_create_params": "speech",
    "shared/reasoning": "reasoning",
    "chat/chat_completion": "chat completion object",
    "completion_usage": "usage",
}
_PEFT = (
    "adalora",
    "bone",
    "fourierft",
    "ia3",
    "lora",
    "oft",
    "prefix_tuning",
    "prompt_tuning",
    "p_tuning",
    "vera",
)
_DISTRIBUTED = (
    *(
        "client",
        "scheduler",
        "worker",
        "nanny",
        "active_memory_manager",
        "diagnostics/plugin",
        "deploy/local",
    ),
    *("deploy/adaptive", "security", "lock", "queues", "semaphore"),
)
_NBGRADER = ("configuration", "exchange", "plugins", "user_guide")

_Found = Iterator[tuple[str, str, list[Section]]]  # name, title, sections


def _kubernetes(root: Path) -> _Found:
    schemas = root / "kubernetes_validate/kubernetes-json-schema/v1.37.0-local/_definitions.json"
    for kind, sections in reading.kubernetes_kinds(schemas, _KUBERNETES, _VENDORS):
        yield kind, f"Kubernetes {kind}", sections


def _openai(root: Path) -> _Found:
    for place, about in _OPENAI.items():
        for name, sections in reading.attribute_docs(root / f"openai/types/{place}.py"):
            yield name, f"OpenAI API, {about}: {name}" if name else f"OpenAI API, {about}", sections


def _qdrant(root: Path) -> _Found:
    for name, sections in reading.field_descriptions(root / "qdrant_client/http/models/models.py"):
        if not name.endswith("Telemetry"):
            yield name, f"Qdrant model {name}", sections
    for name, sections in reading.docstrings(root / "qdrant_client/qdrant_client.py"):
        yield name, f"Qdrant client: {name}", sections


def _peft(root: Path) -> _Found:
    for tuner in _PEFT:
        path = root / f"peft/tuners/{tuner}/config.py"
        for name, sections in reading.field_descriptions(path) if path.is_file() else ():
            yield name, f"PEFT {name}", sections
    for module in ("peft_model", "helpers", "mapping_func", "utils/other"):
        for name, sections in reading.docstrings(root / f"peft/{module}.py"):
            yield name, f"PEFT {name}", sections


def _distributed(root: Path) -> _Found:
    for name, sections in reading.settings(root / "distributed/distributed-schema.yaml"):
        yield name or "settings", f"Dask setting {name}", sections
    for module in _DISTRIBUTED:
        for name, sections in reading.docstrings(root / f"distributed/{module}.py"):
            yield name, f"Dask distributed: {name}", sections


def _dask(root: Path) -> _Found:
    for name, sections in reading.settings(root / "dask/dask-schema.yaml"):
        yield name or "settings", f"Dask setting {name}", sections


def _hub(root: Path) -> _Found:
    for module in ("file_download", "_snapshot_download", "utils/_cache_manager"):
        for name, sections in reading.docstrings(root / f"huggingface_hub/{module}.py"):
            yield name, f"Hugging Face Hub: {name}", sections


def _accelerate(root: Path) -> _Found:
    for name, sections in reading.docstrings(root / "accelerate/big_modeling.py"):
        yield name, f"Accelerate {name}", sections


def _opentelemetry(root: Path) -> _Found:
    path = root / "opentelemetry/sdk/environment_variables/__init__.py"
    for _, sections in reading.attribute_docs(path):
        yield "environment", "OpenTelemetry environment variables", sections


def _nbgrader(root: Path) -> _Found:
    for folder in _NBGRADER:
        for path in sorted((root / "nbgrader/docs/source" / folder).iterdir()):
            text = path.read_text(encoding="utf-8") if path.suffix in (".rst", ".ipynb") else ""
            sections = (
                reading.restructured(text) if path.suffix == ".rst" else text and reading.notebook(text)
            )
            if sections:
                yield path.stem, f"nbgrader: {path.stem.replace('_', ' ')}", list(sections)


def _hosting(root: Path) -> _Found:
    base = root / "model_hosting_container_standards"
    for path in sorted(base.rglob("*.md")):
        place = path.relative_to(base).with_suffix("").as_posix().lower()
        name = place.replace("/", "-").replace("_", "-")
        yield (
            name,
            f"Model hosting container: {name.removesuffix('-readme').replace('-', ' ')}",
            _markdown(path),
        )


def _markdown(path: Path) -> list[Section]:
    return reading.markdown(path.read_text(encoding="utf-8"))


_TOPICS: tuple[tuple[str, str, Callable[[Path], _Found]], ...] = (
    ("accelerate", "accelerate", _accelerate),
    ("dask", "dask", _dask),
    ("dask", "distributed", _distributed),
    ("hosting", "model-hosting-container-standards", _hosting),
    ("hub", "huggingface-hub", _hub),
    ("kubernetes", "kubernetes-validate", _kubernetes),
    ("nbgrader", "nbgrader", _nbgrader),
    ("openai", "openai", _openai),
    ("opentelemetry", "opentelemetry-sdk", _opentelemetry),
    ("peft", "peft", _peft),
    ("qdrant", "qdrant-client", _qdrant),
)


@functools.cache
def documents() -> tuple[Document, ...]:
    """All documents, sorted by id. A section whose text an earlier one has (the same field of a sister type) is left out.

    Raises:
        CourseError: a package is missing, or cannot be read as the pinned one can.
    """
    found: list[Document] = []
    seen: set[str] = set()
    for topic, package, read in _TOPICS:
        root = packages.root(package, PACKAGES[package].version)
        taken = {document.id for document in found}
        try:
            for name, title, sections in read(root):
                fresh = _fresh(sections, seen)
                if sum(len(s.text.split()) for s in fresh) >= FEWEST_WORDS:
                    id_ = _free(f"{topic}/{name}", taken)
                    taken.add(id_)
                    found.append(Document(id_, title, tuple(fresh), package))
        except (OSError, SyntaxError, KeyError, ValueError) as error:
            raise CourseError(f"{_other(package)}: {type(error).__name__}: {error}") from error
    return tuple(sorted(found, key=lambda document: document.id))


@functools.cache
def load(*, check: bool = True) -> tuple[Passage, ...]:
    """All passages, sorted by id.

    Args:
        check: compare the text with what the questions were written for.

    Raises:
        CourseError: a package is missing, or its text is another one; the line names it and its version.
    """
    found = [passage for document in documents() for passage in passages_of(document)]
    found.sort(key=lambda passage: passage.id)
    if check:
        for name, package in PACKAGES.items():
            if fingerprint(found, name) != package.sha256:
                raise CourseError(_other(name))
    return tuple(found)


def fingerprint(passages: list[Passage] | tuple[Passage, ...], package: str | None = None) -> str:
    """SHA-256 over id, title, section and text of the passages, those of one package or all."""
    digest = hashlib.sha256()
    for p in passages:
        if package in (None, p.package):
            digest.update("\x1f".join((p.id, p.title, p.section, p.text, "\x1e")).encode())
    return digest.hexdigest()


def passages_of(
    document: Document, package: Package | None = None, *, most: int = MOST_WORDS, few: int = FEW_WORDS
) -> list[Passage]:
    """Cut a document at its structure: short neighbouring sections share a passage, long ones are split at sentences.

    Args:
        package: where it comes from, if that is none of `PACKAGES`.
        most: words that a passage may hold; a sentence is never cut, so a long one may exceed it.
        few: a section of so many words stands alone.
    """
    package = package or PACKAGES[document.package]
    made: list[Passage] = []
    taken: set[str] = set()

    def add(names: list[str], text: str) -> None:
        if len(text.split()) < 8:
            return
        id_ = _free(f"{document.id}#{_slug(names[0])}", taken)
        taken.add(id_)
        section = ", ".join(name for name in names if name)
        made.append(
            Passage(
                id_,
                document.id,
                document.title,
                section,
                text,
                document.package,
                package.version,
                package.licence,
            )
        )

    held: list[Section] = []

    def flush() -> None:
        if held:
            alone = len(held) == 1
            told = [s.text if alone or not s.name else f"{s.name}: {s.text}" for s in held]
            add([s.name for s in held], "\n".join(told))
            held.clear()

    for section in document.sections:
        words = len(section.text.split())
        if words > most:
            flush()
            for piece in _pieces(section.text, most):
                add([section.name], piece)
        else:
            together = sum(len(s.text.split()) for s in held)
            full = together >= few or together + words > most
            if held and (full or (words >= few and together >= FEWEST_WORDS)):
                flush()
            held.append(section)
    flush()
    return made


def _pieces(text: str, most: int) -> Iterator[str]:
    """A long text in pieces of about equal size, cut between paragraphs, list items or sentences."""
    parts: list[tuple[str, str]] = []  # what stands before a part, and the part
    for line in text.split("\n"):
        glue = "\n"
        if len(line.split()) <= most // 2:
            parts.append((glue, line))
            continue
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`(\"])", line):
            parts.append((glue, sentence))
            glue = " "
    total = sum(len(part.split()) for _, part in parts)
    target = total / -(-total // most)
    held = ""
    for glue, part in parts:
        words = len(held.split())
        if held and (words + len(part.split()) > most or words >= target):
            yield held.strip()
            held = ""
        held += glue + part
    if held.strip():
        yield held.strip()


def _fresh(sections: list[Section], seen: set[str]) -> list[Section]:
    """The sections whose text is new, but for punctuation. A short one ("The name.") may stand in several documents."""
    new: list[Section] = []
    here: set[str] = set()
    for section in sections:
        words = re.sub(r"\W+", " ", section.text.lower())
        if words not in here and (len(words) < 60 or words not in seen):
            new.append(section)
            here.add(words)
    seen |= here
    return new


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")[:60] or "intro"


def _free(wanted: str, taken: set[str]) -> str:
    """The name, or the name with ~2, ~3 … where it is taken."""
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}~{number}"
    return name


def _other(package: str) -> str:
    return (
        f"The text of {package} {PACKAGES[package].version} here is not what the corpus was made from: "
        "files of the package were changed; install it again (`make setup`)"
    )
