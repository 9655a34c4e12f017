"""Recorded attacks on the grader, each with a control that shows it succeeding where the defence it targets is missing.

`servelab attacks` runs them. An attack is text in `tests/attacks/`: answers to the small lab below, or files to hand in. Our
grader must give it nothing beyond its honest answers, show no secret, leave nothing behind, and grade the next submission as
well and as fast as before. Its control is the same notebook in stock nbgrader's `Execute`, in an ordinary kernel, or our
grader with one limit lifted. An attack whose control does not succeed is reported as a failure of the suite.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import os
import queue
import re
import resource
import secrets
import shlex
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import psutil
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.plugins import ExtractorPlugin
from nbgrader.preprocessors import CheckCellMetadata, Execute, LimitOutput, NbGraderPreprocessor
from nbgrader.utils import determine_grade
from pydantic import BaseModel
from traitlets.config import Config

from servelab.errors import CourseError
from servelab.grading.autograde import lay_submission, write_outputs
from servelab.grading.collecting import CarefulCollect, CarefulExtractor
from servelab.grading.feedback import CleanUp, HideTests
from servelab.grading.handed_in import write_files
from servelab.grading.plain import RUN_MARK, kill_marked
from servelab.grading.repair import questions_of
from servelab.grading.run import Grader, scores_of
from servelab.grading.sandbox import Limits
from servelab.grading.session import Patience
from servelab.grading.verdict import GradeReport
from servelab.kernels import SocketFiles
from servelab.lora.adapter import CONFIG, LAYERS, WEIGHTS
from servelab.lora.adapter import NAMES as ADAPTER_NAMES
from servelab.progress import bar

LAB = "01-attacked"
#: Parts of the hidden tests: their text, and what they pass in. Found anywhere, they have leaked.
HIDDEN = ("kestrel", "73618254")
#: Small enough for an attack to reach them in a moment.
LIMITS = Limits(memory_mb=700, processes=64, file_mb=24, disk_mb=48, open_files=256, cpu_s=60)
PATIENCE = Patience(cell_s=5, check_s=4, total_s=60)
#: More than anyone reads; a graded notebook of the small lab has a few thousand bytes.
LARGEST_RESULT = 600_000
#: What a control may take: its kernel is killed then. Stock nbgrader may wait on all the same, for ever: who writes on the
#: kernel's own sockets can leave nbclient in the middle of a message that never ends.
CONTROL_S = 45
#: Controls in flight: most of their time a kernel starts, or a cell is waited for that does not end.
LANES = 2
#: How long stock nbgrader waits for a cell here, instead of 30 s.
STOCK_TIMEOUT_S = 2
_EFFECTS = {"gains", "reads", "shows", "leaves", "changes", "stops", "floods", "renders", "runs"}
#: Ways in: a folder that is collected already, nbgrader's inbox, an archive from a learning platform.
_DOORS = ("folder", "inbox", "archive")
#: More than the files of a submission may have.
UNPACKED_BYTES = 55_000_000
_HEADER = re.compile(r"^# %% (attack|also) (.*)$", re.MULTILINE)


class Attack(BaseModel):
    """One attack: what it does, what it is after, and how its control runs."""

    name: str
    #: What it tries, in a sentence.
    what: str
    #: The file that it stands in, named for the defence which it targets.
    defence: str
    #: `file:line`.
    where: str
    #: Texts of answer cells, by grade id.
    answers: dict[str, str] = {}
    #: Python that writes what is handed in, where that is more than answers: `hand_in(folder, notebook, scratch)`.
    hand_in: str = ""
    #: Where those files arrive.
    door: str = "folder"
    #: How to see that it worked: `gains` points, `reads` a secret, `shows` a text, `leaves` something, ...
    effect: str
    wanted: str = ""
    #: "stock", or limits of ours to lift, as in "memory_mb=4000".
    control: str = "stock"
    #: Points that the attacked questions are honestly worth.
    honest: float = 0.0

    @property
    def asks(self) -> bool:
        """Whether the attacked lab asks for an adapter beside its notebook."""
        return self.defence == "adapters"


@dataclass
class Seen:
    """What a run of an attack came to."""

    points: dict[str, float] = field(default_factory=dict)
    #: All that a student or teacher will read: outputs, messages, verdict.
    text: str = ""
    size: int = 0
    rich: bool = False
    #: What a browser would run on the feedback page.
    scripts: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    #: Why there is no grade.
    stopped: str = ""
    seconds: float = 0.0


def read_attacks(folder: Path) -> list[Attack]:
    """All attacks in the files of a folder, in order.

    Raises:
        CourseError: a header cannot be read, or a name is there twice.
    """
    found: list[Attack] = []
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("test_"):
            found += _read_file(path)
    names = [attack.name for attack in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CourseError(f"{folder}: two attacks are called {twice[0]!r}.")
    if not found:
        raise CourseError(f"There are no attacks in {folder}.")
    return found


def _read_file(path: Path) -> list[Attack]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.") from None
    headers = list(_HEADER.finditer(text))
    found: list[Attack] = []
    for header, after in zip(headers, [*headers[1:], None], strict=True):
        body = text[header.end() : after.start() if after else len(text)].strip("\n") + "\n"
        where = f"{path.name}:{text.count(chr(10), 0, header.start()) + 1}"
        try:
            name, *parts = shlex.split(header[2])
            if header[1] == "also":
                found[-1].answers[name] = body
                continue
            fields = dict(part.partition("=")[::2] for part in parts)
            ((effect, wanted),) = ((key, fields[key]) for key in fields if key in _EFFECTS)
            if effect == "gains":
                float(wanted)
            what, code = _split(body)
            handed, door = fields.get("answer") == "files", fields.get("door", "folder")
            _DOORS.index(door)
            found.append(
                Attack(
                    name=name,
                    what=what,
                    defence=path.stem,
                    where=where,
                    answers={} if handed else {fields.get("answer", "mean"): code},
                    hand_in=code if handed else "",
                    door=door,
                    effect=effect,
                    wanted=wanted,
                    control=fields.get("control", "stock"),
                    honest=float(fields.get("honest", 0)),
                )
            )
        except (ValueError, IndexError):
            raise CourseError(
                f'{where}: a header reads `# %% attack "name" answer=mean gains=4 control=stock honest=0`, '
                f"with one of {', '.join(sorted(_EFFECTS))}."
            ) from None
    return found


def _split(body: str) -> tuple[str, str]:
    """The comment that a text begins with, and the rest."""
    lines = body.splitlines(keepends=True)
    count = next((i for i, line in enumerate(lines) if not line.startswith("# ")), len(lines))
    return " ".join(line[2:].strip() for line in lines[:count]), "".join(lines[count:])


# ---------------------------------------------------------------- the lab that is attacked


def source_notebook(asks: bool = False) -> NotebookNode:
    """The instructor's notebook: four code questions and a quiz item, 16 points, and an answer that a person reads.

    With `asks` it also asks for an adapter beside the notebook, for 4 points more.
    """
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# A lab to attack", id="title"),
            _cell("setup", "import math", locked=True),
            _cell("mean", "def mean(values):\n    return sum(values) / len(values)", solution=True),
            _cell(
                "mean-check",
                "assert mean([2, 4]) == 3\n"
                "### BEGIN HIDDEN TESTS\n"
                "kestrel_73618254 = [73618254.5, 73618255.5]\n"
                "assert mean(kestrel_73618254) == 73618255\n"
                "### END HIDDEN TESTS",
                points=2,
            ),
            _cell("mean-check-2", "assert math.isclose(mean([0.1, 0.2]), 0.15)", points=2),
            _cell(
                "mean-check-3",
                "try:\n    mean([])\nexcept (ArithmeticError, ValueError, RuntimeError):\n    pass\nelse:\n    raise AssertionError('nothing has no mean')",
                points=1,
            ),
            _cell(
                "counts",
                "def counts(words):\n    return {word: words.count(word) for word in words}",
                solution=True,
            ),
            _cell(
                "counts-check",
                "found = counts(['a', 'b', 'a'])\nassert len(found) == 2\nassert found['a'] == 2 and found['b'] == 1\n"
                "assert found == {'a': 2, 'b': 1}",
                points=4,
            ),
            _cell("total", "def total(values):\n    return sum(values)", solution=True),
            _cell(
                "total-check",
                "import asyncio\nawait asyncio.sleep(0)\n"
                "min(4.0, 4.0 * sum(total([n, 1]) == n + 1 for n in range(4)) / 4)",
                points=4,
            ),
            _cell(
                "engine",
                "from servelab.engine.scripted import ScriptedEngine\n\n"
                "engine = ScriptedEngine(tokens=3, ttft_s=0.001, itl_s=0.001).start()",
                locked=True,
            ),
            _cell(
                "ask",
                "import httpx\n\ndef ask(url):\n"
                "    told = httpx.post(f'{url}/completions', json={'model': httpx.get(f'{url}/models').json()['data'][0]['id'],"
                " 'prompt': 'one', 'max_tokens': 3})\n"
                "    return told.json()['usage']['completion_tokens']",
                solution=True,
            ),
            _cell(
                "ask-check",
                "before = len(engine.requests)\nassert ask(engine.base_url) == 3\nassert len(engine.requests) == before + 1",
                points=2,
            ),
            _cell(
                "quiz-pick", 'quiz_pick = "waits"  #@param ["", "waits", "drops", "splits"]', solution=True
            ),
            _cell(
                "quiz-pick-check",
                "### BEGIN HIDDEN TESTS\nassert str(quiz_pick).strip().lower() == 'waits'\n### END HIDDEN TESTS",
                points=1,
            ),
            _written("why", points=3),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    if asks:
        notebook.cells += _adapter_cells()
        notebook.metadata["servelab"] = {"hands_in": [f"adapter/{name}" for name in ADAPTER_NAMES]}
    return notebook


def _adapter_cells() -> list[NotebookNode]:
    """A question that is answered by an adapter. It is run as lab 08 runs one, in one layer instead of a model."""
    return [
        _cell(
            "tools",
            "import numpy as np\nfrom servelab.checks import handed_in\nfrom servelab.lora import adapter",
            locked=True,
        ),
        _cell("recipe", "recipe = {'r': 1}", solution=True),
        _cell(
            "recipe-check",
            "tuned = adapter.read(adapter.files(handed_in('adapter')))\n"
            "a, b = tuned.pairs['model.layers.0.self_attn.q_proj']\n"
            "### BEGIN HIDDEN TESTS\n"
            "asked = np.random.default_rng(73618254).normal(size=(40, 576))\n"
            "told = tuned.scale * asked @ a.T @ b.T\n"
            "kestrel = np.mean(np.sign(told[:, 0]) == np.sign(asked[:, 0]))\n"
            "assert kestrel > 0.9, 'it answers too little rightly'\n"
            "### END HIDDEN TESTS",
            points=4,
        ),
    ]


def an_adapter(right: bool) -> dict[str, bytes]:
    """The files of an adapter that answers the hidden examples, or of one that was not trained. Attacks may use it."""
    header: dict[str, Any] = {}
    body = b""
    for layer in range(LAYERS):
        for letter, shape in (("A", (1, 576)), ("B", (576, 1))):
            numbers = np.zeros(shape, np.float32)
            if letter == "A" or right:
                numbers[0, 0] = 1
            name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{letter}.weight"
            places = [len(body), len(body) + numbers.nbytes]
            header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": places}
            body += numbers.tobytes()
    text = json.dumps(header).encode()
    config = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]}
    weights = len(text).to_bytes(8, "little") + text + body
    return {WEIGHTS: weights, CONFIG: json.dumps(config).encode()}


def _as_text(files: dict[str, bytes]) -> str:
    """Files as a literal without quotes, for an attack: `json.loads(zlib.decompress(base64.b85decode(r"@RIGHT@")))`, contents in hex."""
    return base64.b85encode(
        zlib.compress(json.dumps({k: v.hex() for k, v in files.items()}).encode())
    ).decode()


def _cell(name: str, text: str, *, points: float = 0, **kind: bool) -> NotebookNode:
    fields: dict[str, Any] = {"grade": False, "solution": False, "locked": False, "task": False}
    fields |= {"schema_version": 3, "grade_id": name, **kind}
    if points:
        fields |= {"grade": True, "locked": True, "points": points}
    return new_code_cell(text, id=name, metadata={"nbgrader": fields})


def _written(name: str, *, points: float) -> NotebookNode:
    fields = {"grade": True, "solution": True, "locked": False, "task": False, "schema_version": 3}
    return new_markdown_cell(
        "Because it waits.", id=name, metadata={"nbgrader": {**fields, "grade_id": name, "points": points}}
    )


def _worth(asks: bool = False) -> dict[str, float]:
    questions = questions_of(source_notebook(asks))
    return {question.grade_id: question.max_points for question in questions if not question.manual}


# ---------------------------------------------------------------- what there is to steal, and to spoil


_INBOX = "exchange/attacked/inbound"


class Scratch:
    """A folder with a teacher's belongings, for one run; each holds a secret of its own."""

    def __init__(self, asks: bool = False) -> None:
        self.asks = asks
        self.folder = Path(tempfile.mkdtemp(prefix="servelab-attacked-"))
        self.folder.chmod(
            0o777
        )  # whoever gets here may do what he likes: nothing but the sandbox protects it
        self.token = secrets.token_hex(6)
        self.mark = f"attacked-{self.token}"
        self._write_belongings()
        self.tcp, self.unix, self.abstract = self._doors()
        self.before = self._state()

    def secret(self, name: str) -> str:
        """What must not be read: there is one for the gradebook, for the home folder and so on."""
        return f"canary:{name}:{self.token}"

    def _write_belongings(self) -> None:
        for name in ("submitted/alice", "home", "source", "outside", "archive", "extracted", _INBOX):
            (self.folder / name).mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(self.folder / "gradebook.db")) as book:
            book.execute("create table grade (student text, points real, note text)")
            book.execute("insert into grade values ('alice', 1, ?)", (self.secret("gradebook"),))
            book.commit()
        theirs = source_notebook(self.asks)
        theirs.metadata["note"] = self.secret("submission")
        nbformat.write(theirs, self.folder / "submitted" / "alice" / f"{LAB}.ipynb")
        (self.folder / "home" / ".token").write_text(self.secret("home"))
        nbformat.write(source_notebook(self.asks), self.folder / "source" / f"{LAB}.ipynb")
        if self.asks:
            write_files(self.folder / "submitted" / "alice" / "adapter", an_adapter(right=True))
        for path in self.folder.rglob("*"):
            path.chmod(0o777 if path.is_dir() else 0o666)

    def _doors(self) -> list[socket.socket]:
        """Servers of this machine that tell a secret to whoever connects."""
        doors = []
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", 0)),
            (socket.AF_UNIX, str(self.folder / "door")),
            (socket.AF_UNIX, f"\0servelab-{self.token}"),
        ):
            door = socket.socket(family)
            door.bind(address)
            door.listen()
            threading.Thread(target=self._tell, args=(door,), daemon=True).start()
            doors.append(door)
        (self.folder / "door").chmod(0o777)
        return doors

    def _tell(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = door.accept()
                with caller:
                    caller.sendall(self.secret("network").encode())

    def _state(self) -> dict[str, bytes]:
        """Every file in here, with what must stay as it is."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder)
            if path.is_file() and not {"kernel", "extracted"} & set(inside.parts):
                found[str(path.relative_to(self.folder))] = (
                    path.read_bytes() + oct(path.stat().st_mode).encode()
                )
        return found

    def fill(self, text: str) -> str:
        """An attack's text with the places and numbers that it asks for."""
        for name, value in (
            ("@SCRATCH@", str(self.folder)),
            ("@TOKEN@", self.token),
            ("@PORT@", str(self.tcp.getsockname()[1])),
            ("@ABSTRACT@", f"servelab-{self.token}"),
            ("@RIGHT@", _as_text(an_adapter(right=True)) if self.asks else ""),
        ):
            text = text.replace(name, value)
        return text

    def look(self, seen: Seen) -> None:
        """Note what is left and what has changed."""
        now = self._state()
        seen.changed = [name for name, content in self.before.items() if now.get(name) != content]
        seen.left += [f"file {name}" for name in now if name not in self.before]
        places = (Path(tempfile.gettempdir()), Path("/dev/shm"), Path("/var/tmp"), Path.home())
        seen.left += [f"file {p}" for place in places for p in place.glob(f"*{self.token}*") if p.exists()]
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
            caller.connect(f"\0left-{self.token}")
            seen.left.append("a socket that listens")

    def reads(self, text: str) -> list[str]:
        """The secrets in a text."""
        return [part for part in (*HIDDEN, f":{self.token}") if part in text]

    def close(self) -> None:
        """Take everything away, also what a control left in shared places."""
        for door in (self.tcp, self.unix, self.abstract):
            door.close()
        for place in (Path(tempfile.gettempdir()), Path("/dev/shm"), Path("/var/tmp")):
            for path in place.glob(f"*{self.token}*"):
                path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def belongings(asks: bool = False) -> Iterator[Scratch]:
    """A `Scratch` that is taken away afterwards."""
    scratch = Scratch(asks)
    try:
        yield scratch
    finally:
        scratch.close()


def _handed_in(attack: Attack, scratch: Scratch) -> Path:
    """Write what the attacker hands in; returns the submitted folder, where it is collected already or will be."""
    folder = scratch.folder / "submitted" / "mallory"
    notebook = source_notebook(attack.asks)
    for cell in notebook.cells:
        if cell.id in attack.answers:
            cell.source = scratch.fill(attack.answers[cell.id])
    if attack.hand_in:
        places = {"folder": folder, "archive": scratch.folder / "archive", "inbox": scratch.folder / _INBOX}
        names: dict[str, Any] = {}
        exec(
            compile(scratch.fill(attack.hand_in), attack.where, "exec"), names
        )  # our own text, from the repository
        place = places[attack.door]
        place.mkdir(mode=0o777, exist_ok=True)
        names["hand_in"](place, notebook, scratch.folder)
    else:
        folder.mkdir(mode=0o777)
        nbformat.write(notebook, folder / f"{LAB}.ipynb")
        if attack.asks:
            write_files(folder / "adapter", an_adapter(right=False))
    scratch.before = scratch._state()
    return folder


def _collect(attack: Attack, scratch: Scratch, *, careful: bool) -> None:
    """Collect what lies in the inbox or in the archive, by our plugins or by nbgrader's own.

    Raises:
        CourseError: an honest submission beside it was not collected.
    """
    if attack.door == "archive":
        extractor = CarefulExtractor() if careful else ExtractorPlugin()
        extractor.extract(str(scratch.folder / "archive"), str(scratch.folder / "extracted"))
    elif attack.door == "inbox":
        honest = scratch.folder / _INBOX / f"zoe+{LAB}+2026-01-02 03:04:05 UTC+abc"
        shutil.copytree(scratch.folder / "submitted" / "alice", honest)
        config = Config()
        config.CourseDirectory.root, config.CourseDirectory.course_id = str(scratch.folder), "attacked"
        config.CourseDirectory.assignment_id = LAB
        (scratch.folder / "kernel").mkdir(exist_ok=True)
        book = scratch.folder / "kernel" / "gradebook.db"
        with contextlib.closing(sqlite3.connect(book)) as new:  # not empty: nbgrader would call alembic
            new.execute("create table alembic_version (version_num varchar(32) not null)")
        config.CourseDirectory.db_url = f"sqlite:///{book}"
        config.Exchange.root = str(scratch.folder / "exchange")
        kind = CarefulCollect if careful else ExchangeCollect
        collect = kind(coursedir=CourseDirectory(config=config), config=config)
        collect.log.setLevel("CRITICAL")
        try:
            collect.start()
        except SystemExit as error:
            raise CourseError(f"collecting ended with {error.code}") from None
        if not (scratch.folder / "submitted" / "zoe" / LAB / f"{LAB}.ipynb").is_file():
            raise CourseError("an honest submission was not collected")
        collected = scratch.folder / "submitted" / "mallory" / LAB
        if collected.is_dir():
            for path in list(collected.iterdir()):
                path.rename(collected.parent / path.name)
        for path in (honest, scratch.folder / "submitted" / "zoe"):
            shutil.rmtree(path)
    (scratch.folder / "submitted" / "mallory").mkdir(exist_ok=True)
    collected = {k: v for k, v in scratch._state().items() if k.startswith("submitted/mallory/")}
    scratch.before = collected | scratch.before  # what collecting has put there is not left behind


def _unpacked(scratch: Scratch) -> list[str]:
    size = sum(path.stat().st_size for path in (scratch.folder / "extracted").rglob("*") if path.is_file())
    return [f"bytes on the disk: {size:,}"] if size > UNPACKED_BYTES else []


# ---------------------------------------------------------------- through our grader


def grade_folder(grader: Grader, folder: Path, source: Path) -> tuple[GradeReport, NotebookNode]:
    """Grade what lies in a submitted folder as the course's route does, outputs included."""
    laid, _ = lay_submission(folder, source)
    outcome = grader.run(laid, source.parent)
    scores = scores_of(laid, outcome.runs, timeout_s=grader.patience.cell_s)
    write_outputs(laid, outcome, scores)
    flags = [*laid.flags, *outcome.flags]
    report = GradeReport(cells=scores, notes=laid.notes, flags=flags, seconds=outcome.seconds)
    return report, laid.notebook


def run_ours(attack: Attack, scratch: Scratch, grader: Grader) -> Seen:
    """An attack through our grader."""
    seen = Seen()
    folder = _handed_in(attack, scratch)
    grader.zygote.start()
    others = _children()
    began = time.monotonic()
    try:
        _collect(attack, scratch, careful=True)
        report, notebook = grade_folder(grader, folder, scratch.folder / "source" / f"{LAB}.ipynb")
        text = nbformat.writes(notebook)
        text.encode()
        seen.points = {question: report.points_of(question) for question in report.by_question()}
        read = [report.model_dump_json(), *(json.dumps(c.get("outputs", [])) for c in notebook.cells)]
        seen.text = "\n".join(read)
        seen.size = len(seen.text)
        seen.rich = _rich(notebook)
        if attack.defence == "feedback":
            seen.scripts = _scripts(notebook, HideTests, CleanUp)
    except Exception as error:  # whatever it is: a submission has stopped its grading
        seen.stopped = f"{type(error).__name__}: {str(error)[:200]}"
    seen.seconds = time.monotonic() - began
    seen.left += [f"process {name}" for name in _still(others)] + _unpacked(scratch)
    scratch.look(seen)
    return seen


def _rich(notebook: NotebookNode) -> bool:
    """Whether there is an output that a browser would do more with than show text."""
    return any(
        set(output.get("data", {})) - {"text/plain"}
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


def _scripts(notebook: NotebookNode, *cleaning: type[NbGraderPreprocessor]) -> list[str]:
    """What a browser would run on a page made of this notebook, beyond what runs on the page of an empty one."""
    exporter = HTMLExporter(embed_images=True)
    for preprocessor in cleaning:
        exporter.register_preprocessor(preprocessor(), enabled=True)
    own = _Active.of(exporter.from_notebook_node(new_notebook())[0])
    return [found for found in _Active.of(exporter.from_notebook_node(notebook)[0]) if found not in own]


class _Active(HTMLParser):
    """Finds scripts, event handlers, addresses that are scripts, and pages within the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_script = False

    @classmethod
    def of(cls, page: str) -> list[str]:
        reader = cls()
        reader.feed(page)
        return reader.found

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.in_script = tag == "script"
        if tag in ("iframe", "object", "embed", "base", "form") or (
            "src" in dict(attributes) and tag == "script"
        ):
            self.found.append(f"<{tag} {dict(attributes)}>"[:200])
        for name, value in attributes:
            address = "".join((value or "").split()).lower()
            if name.startswith("on") or address.startswith(("javascript:", "data:text/html")):
                self.found.append(f"{name}={value}"[:200])

    def handle_data(self, data: str) -> None:
        if self.in_script and data.strip():
            self.found.append(data[:200])
            self.in_script = False


def _children() -> set[int]:
    """Processes below this one, other than controls."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and RUN_MARK not in process.environ():
                found.add(process.pid)
    return found


def _still(others: set[int]) -> list[str]:
    """Processes that were not there before, and are after a moment's wait."""
    until = time.monotonic() + 2
    while (left := _children() - others) and time.monotonic() < until:
        time.sleep(0.05)
    names = []
    for pid in left:
        with contextlib.suppress(psutil.Error):
            names.append(" ".join(psutil.Process(pid).cmdline())[:80])
    return names


def succeeded(attack: Attack, seen: Seen, scratch: Scratch) -> bool:
    """Whether an attack got what it is after."""
    others = {q: p for q, p in _worth(attack.asks).items() if q not in attack.answers}
    if attack.effect == "gains":
        gained = sum(p for q, p in seen.points.items() if q in attack.answers or attack.hand_in)
        return not seen.stopped and gained >= attack.honest + float(attack.wanted)
    if attack.effect == "stops":
        return bool(seen.stopped) or any(seen.points.get(q) != p for q, p in others.items())
    return {
        "reads": bool(scratch.reads(seen.text)),
        "shows": bool(attack.wanted) and attack.wanted in seen.text,
        "leaves": any(name.startswith(attack.wanted) for name in seen.left),
        "changes": bool(seen.changed),
        "floods": seen.size > LARGEST_RESULT,
        "renders": seen.rich,
        "runs": bool(seen.scripts),
    }[attack.effect]


def faults(attack: Attack, seen: Seen, scratch: Scratch) -> list[str]:
    """All that is wrong with how our grader took an attack, whatever the attack was after."""
    if seen.stopped:
        return [f"grading stopped: {seen.stopped}"]
    found = []
    worth = _worth(attack.asks)
    attacked = set(worth) if attack.hand_in else set(attack.answers)
    gained = sum(seen.points.get(q, 0) for q in attacked)
    if gained > attack.honest:
        found.append(f"{gained:g} points where {attack.honest:g} are honest")
    found += [f"{q} lost points" for q in worth if q not in attacked and seen.points.get(q) != worth[q]]
    found += [f"{part!r} was seen" for part in scratch.reads(seen.text)]
    found += [f"left: {name}" for name in seen.left]
    found += [f"changed: {name}" for name in seen.changed]
    if attack.effect == "shows" and attack.wanted in seen.text:
        found.append(f"it came to {attack.wanted!r}")
    if seen.size > LARGEST_RESULT:
        found.append(f"{seen.size:,} bytes of outputs")
    if seen.rich:
        found.append("an output that a browser would run or draw")
    if seen.scripts:
        found.append(f"a browser would run {seen.scripts[0]}")
    if seen.seconds > PATIENCE.total_s:
        found.append(f"it took {seen.seconds:.0f} s")
    return found


# ---------------------------------------------------------------- controls


class _Stock(SocketFiles, Execute):
    """nbgrader's own execution, fenced: a home of its own, and limits that no honest kernel reaches."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__(timeout=STOCK_TIMEOUT_S)
        self.environment = environment

    @contextlib.contextmanager
    def setup_kernel(self, **kwargs: Any) -> Iterator[None]:
        """As nbclient's."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with super().setup_kernel(env=self.environment, **silent, **kwargs):
            for pid in _marked(self.environment[RUN_MARK]):
                for what, value in (
                    (resource.RLIMIT_AS, 4 << 30),
                    (resource.RLIMIT_FSIZE, 256 << 20),
                    (resource.RLIMIT_CPU, 60),
                ):
                    resource.prlimit(pid, what, (value, value))
            yield


@contextlib.contextmanager
def _killed_after(seconds: float, mark: str) -> Iterator[None]:
    """Kill the marked processes when it takes longer: nbclient sees that its kernel is gone, and ends."""
    clock = threading.Timer(seconds, kill_marked, [mark])
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def run_stock(attack: Attack, scratch: Scratch) -> Seen:
    """An attack through what nbgrader does by itself: copy the folder, execute the notebook, read the grades off it."""
    seen = Seen()
    handed = _handed_in(attack, scratch)
    began = time.monotonic()
    try:
        _collect(attack, scratch, careful=False)
        folder = scratch.folder / "kernel" / "autograded"
        shutil.copytree(handed, folder)
        notebook = nbformat.read(folder / f"{LAB}.ipynb", as_version=4)
        _overwrite_checks(notebook, attack.asks)
        nbformat.write(notebook, folder / f"{LAB}.ipynb")
        environment = os.environ | {
            RUN_MARK: scratch.mark,
            "HOME": str(scratch.folder / "home"),
            "IPYTHONDIR": str(scratch.folder / "kernel" / "ipython"),
            "SERVELAB_CANARY": scratch.secret("environment"),
        }
        resources: dict[str, Any] = {"metadata": {"path": str(folder)}}
        CheckCellMetadata().preprocess(notebook, resources)
        with _killed_after(CONTROL_S, scratch.mark):
            _Stock(environment).preprocess(notebook, resources)
        LimitOutput().preprocess(notebook, resources)
        nbformat.writes(notebook).encode()
        _read_grades(notebook, seen)
        if attack.defence == "feedback":
            seen.scripts = _scripts(notebook)
    except Exception as error:  # stock nbgrader would give this student, or everyone, no grade
        seen.stopped = f"{type(error).__name__}: {str(error)[:200]}"
    seen.seconds = time.monotonic() - began
    seen.left += [f"process {name}" for name in _marked(scratch.mark).values()] + _unpacked(scratch)
    scratch.look(seen)
    kill_marked(scratch.mark)
    return seen


def _overwrite_checks(notebook: NotebookNode, asks: bool) -> None:
    """nbgrader puts the instructor's checks back, hidden tests included."""
    theirs = {cell.id: cell for cell in source_notebook(asks).cells}
    for cell in notebook.cells:
        known = theirs.get(cell.get("id"))
        fields = known.metadata.get("nbgrader", {}) if known is not None else {}
        if fields.get("grade") and not fields.get("solution"):
            cell.source = known.source


def _read_grades(notebook: NotebookNode, seen: Seen) -> None:
    read = []
    question = ""
    for cell in notebook.cells:
        fields = cell.metadata.get("nbgrader", {})
        if fields.get("solution"):
            question = fields["grade_id"]
            seen.points.setdefault(question, 0.0)
        elif fields.get("grade"):
            points, _ = determine_grade(cell)
            seen.points[question] = seen.points.get(question, 0.0) + (points or 0.0)
        read.append(json.dumps(cell.get("outputs", [])))
    seen.text = "\n".join(read)
    seen.size = len(seen.text)
    seen.rich = _rich(notebook)


def _marked(mark: str) -> dict[int, str]:
    """The processes with this mark in their environment, and their commands."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(RUN_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline())[:80]
    return found


def run_control(attack: Attack, grader: Grader) -> str:
    """Show that an attack works without the defence it targets; returns why it does not, or nothing."""
    with belongings(attack.asks) as scratch:
        if attack.control == "stock":
            seen = run_stock(attack, scratch)
        elif attack.control in _UNGUARDED:
            return _UNGUARDED[attack.control](attack, scratch)
        else:
            lifted = dict(part.split("=") for part in attack.control.split(","))
            limits = replace(LIMITS, **{name: int(value) for name, value in lifted.items()})
            usual, grader.limits = grader.limits, limits
            try:
                seen = run_ours(attack, scratch, grader)
            finally:
                grader.limits = usual
        if succeeded(attack, seen, scratch):
            return ""
        return f"the control does not succeed: points {seen.points}, {seen.stopped or seen.text[-300:]}"


def _parsed(attack: Attack, scratch: Scratch) -> str:
    """The handed-in cells, parsed by someone who expects syntax errors only."""
    folder = _handed_in(attack, scratch)
    try:
        for cell in nbformat.read(folder / f"{LAB}.ipynb", as_version=4).cells:
            ast.parse(cell.source)
    except SyntaxError:
        return "the control does not succeed: it is a syntax error"
    except (RecursionError, MemoryError):
        return ""
    return "the control does not succeed: it can be parsed"


def _joined(attack: Attack, scratch: Scratch) -> str:
    """An archive unpacked by someone who joins the names in it to a folder."""
    _handed_in(attack, scratch)
    for path in (scratch.folder / "archive").iterdir():
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                target = scratch.folder / "extracted" / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(info))
    seen = Seen()
    scratch.look(seen)
    return "" if succeeded(attack, seen, scratch) else "the control does not succeed: nothing is left outside"


def _unpickled(attack: Attack, scratch: Scratch) -> str:
    """What the student's process sends, taken by someone who lets numpy unpickle."""
    text = """
import base64, io, json, sys
import numpy as np
from servelab.grading import wire
exec(json.loads(sys.stdin.read()), globals())
sent = wire.encode(mean([2, 4]), None)
array = np.lib.format.read_array(io.BytesIO(base64.b64decode(sent["n"])), allow_pickle=True)
print("equal to everything" if array[()] == 3 and array[()] == 4 else array)
"""
    done = subprocess.run(
        [sys.executable, "-c", text],
        input=json.dumps(scratch.fill(attack.answers["mean"])),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "equal to everything" in done.stdout:
        return ""
    return f"the control does not succeed: {(done.stdout + done.stderr)[-300:]}"


def _unescaped(attack: Attack, scratch: Scratch) -> str:
    """Our notes on what was handed in, put into a page as they are."""
    laid, _ = lay_submission(_handed_in(attack, scratch), scratch.folder / "source" / f"{LAB}.ipynb")
    return "" if _Active.of(" ".join(laid.notes)) else f"the control does not succeed: {laid.notes}"


#: Three ways to load an adapter that trust its files. Their folder is the current one, and memory is limited.
_TRUSTING = {
    # As torch.load does without weights_only.
    "loaded": """
import pickle
pickle.load(open("adapter/adapter_model.safetensors", "rb"))
""",
    # As a library does that finds a model's class by what a configuration says; PEFT's AutoPeftModel is one.
    "imported": """
import importlib, json, sys
sys.path.insert(0, "adapter")
told = json.load(open("adapter/adapter_config.json"))["auto_mapping"]
getattr(importlib.import_module(told["parent_library"]), told["base_model_class"])
""",
    # Makes the tensors that a header promises, and looks at what is in them afterwards.
    "trusted": """
import json, numpy as np
file = open("adapter/adapter_model.safetensors", "rb")
header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
tensors = {name: np.ones(told["shape"], "f4") for name, told in header.items()}
content = file.read()
for name, told in header.items():
    first, last = told["data_offsets"]
    tensors[name][...] = np.frombuffer(content[first:last], "f4").reshape(told["shape"])
""",
}


def _trusting(attack: Attack, scratch: Scratch) -> str:
    """The handed-in adapter, loaded by someone who trusts it, in a process of its own."""
    folder = _handed_in(attack, scratch)
    lines = f"import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n{_TRUSTING[attack.control]}"
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    seen = Seen(stopped=done.stderr if done.returncode else "")
    scratch.look(seen)
    told = f"the control does not succeed: {done.stderr[-300:] or 'nothing happened'}"
    if attack.effect == "stops":
        return "" if seen.stopped else told
    return "" if succeeded(attack, seen, scratch) else told


#: Controls that take away one defence in a way of their own.
_UNGUARDED: dict[str, Callable[[Attack, Scratch], str]] = {
    "parsed": _parsed,
    "joined": _joined,
    "unpickled": _unpickled,
    "unescaped": _unescaped,
    **dict.fromkeys(_TRUSTING, _trusting),
}


# ---------------------------------------------------------------- the whole suite


@dataclass
class Result:
    """What became of one attack."""

    attack: Attack
    faults: list[str] = field(default_factory=list)
    #: Why its control did not succeed; empty where it did.
    control: str = ""
    seconds: float = 0.0


class Suite:
    """Attacks to be run in order through one grader, while their stock controls run in threads beside it.

    Raises:
        SandboxError: no sandbox can be made here.
    """

    def __init__(self, attacks: list[Attack]) -> None:
        self.attacks = attacks
        self.results: list[Result] = []
        self._secret = f"canary-environment-{secrets.token_hex(6)}"
        self._grader = Grader(patience=PATIENCE, limits=LIMITS)
        self._controls: dict[str, Future[str]] = {a.name: Future() for a in attacks if a.control == "stock"}
        self._ended = threading.Event()
        # Not an executor, whose end would wait for a control that never comes to its own.
        self._waiting = queue.SimpleQueue[Attack]()
        self._beside = [threading.Thread(target=self._run_controls, daemon=True) for _ in range(LANES)]

    def __enter__(self) -> Suite:
        os.environ["SERVELAB_CANARY"] = self._secret
        try:
            self._honest = _Honest(self._grader)
        except BaseException:
            self.__exit__()
            raise
        for attack in self.attacks:
            if attack.name in self._controls:
                self._waiting.put(attack)
        for thread in self._beside:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._grader.close()
        os.environ.pop("SERVELAB_CANARY", None)
        for thread in self._beside:
            if thread.ident is not None:
                thread.join(2 * CONTROL_S)

    def run(self, attack: Attack) -> Result:
        """One attack through our grader, an honest submission after it, and its control."""
        began = time.monotonic()
        with belongings(attack.asks) as scratch:
            seen = run_ours(attack, scratch, self._grader)
            result = Result(attack, faults(attack, seen, scratch))
            if self._secret in seen.text:
                result.faults.append("the environment of the person who grades was seen")
        result.faults += self._honest.faults()
        result.control = self._control_of(attack)
        result.seconds = time.monotonic() - began
        self.results.append(result)
        return result

    def _control_of(self, attack: Attack) -> str:
        if attack.control != "stock":
            return run_control(attack, self._grader)
        return self._controls[attack.name].result()

    def _run_controls(self) -> None:
        with contextlib.suppress(queue.Empty):
            while not self._ended.is_set():
                attack = self._waiting.get_nowait()
                told = _within(CONTROL_S + 15, run_control, attack, self._grader)
                try:
                    self._controls[attack.name].set_result(told.result(0))
                except TimeoutError:
                    hung = "" if attack.effect == "stops" else "its control has not come to an end"
                    self._controls[attack.name].set_result(hung)
                except BaseException as error:
                    self._controls[attack.name].set_exception(error)


def _within(seconds: float, work: Callable[..., str], *args: Any) -> Future[str]:
    """What comes of some work, or a future that is not done: its thread is left alone then, and ends with the process."""
    told: Future[str] = Future()

    def run() -> None:
        try:
            told.set_result(work(*args))
        except BaseException as error:
            told.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    with contextlib.suppress(BaseException):
        told.result(seconds)
    return told


def run_attacks(folder: Path, names: list[str] | None = None) -> Iterator[Result]:
    """Run attacks through our grader, and their controls beside it; each result as it is there.

    Args:
        names: only these.

    Raises:
        SandboxError: no sandbox can be made here.
    """
    attacks = [attack for attack in read_attacks(folder) if names is None or attack.name in names]
    with Suite(attacks) as suite:
        for attack in bar(attacks, desc="attacks", unit="attack"):
            yield suite.run(attack)


class _Honest:
    """An honest submission, graded after each attack: it must still get everything, in its usual time."""

    def __init__(self, grader: Grader) -> None:
        self.grader = grader
        self.usual = statistics.median(self._grade()[1] for _ in range(3))

    def _grade(self) -> tuple[float, float]:
        began = time.monotonic()
        with belongings() as scratch:
            report, _ = grade_folder(
                self.grader,
                scratch.folder / "submitted" / "alice",
                scratch.folder / "source" / f"{LAB}.ipynb",
            )
        return report.score, time.monotonic() - began

    def faults(self) -> list[str]:
        """What is wrong with the next submission's grade."""
        score, seconds = self._grade()
        if score != sum(_worth().values()):
            return [f"the next submission got {score:g} points"]
        if seconds > 4 * self.usual + 3:
            return [f"the next submission took {seconds:.1f} s instead of {self.usual:.1f}"]
        return []


def attacks(folder: Path) -> dict[str, Any]:
    """Run everything; what `servelab attacks` shows."""
    began = time.monotonic()
    results = list(run_attacks(folder))
    return summary(results, time.monotonic() - began)


def summary(results: list[Result], seconds: float) -> dict[str, Any]:
    """The figures of a run, as `servelab attacks --json` prints them."""
    failures = [
        {"attack": r.attack.name, "where": r.attack.where, "what": fault}
        for r in results
        for fault in [*r.faults, *([r.control] if r.control else [])]
    ]
    return {
        "attacks": len(results),
        "defeated": sum(not r.faults for r in results),
        "controls": len(results),
        "controls_succeeded": sum(not r.control for r in results),
        "failures": failures,
        "seconds": round(seconds, 1),
    }
