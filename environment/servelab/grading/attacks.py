"""Recorded attacks on the grader, each with a control that shows it succeeding where the defence it targets is missing.

`servelab attacks` runs them. An attack is text in `tests/attacks/`: answers to the small lab below, or files to hand in. Our
grader must give it nothing beyond its honest answers, show no secret, leave nothing behind, and grade the next submission as
well and as fast as before. Its control is the same notebook in stock nbgrader's `Execute`, in an ordinary kernel, or our
grader with one limit lifted. An attack whose control does not succeed is reported as a failure of the suite.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import resource
import secrets
import shlex
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import CheckCellMetadata, Execute, LimitOutput
from nbgrader.utils import determine_grade
from pydantic import BaseModel

from servelab.errors import CourseError
from servelab.grading.autograde import lay_submission, write_outputs
from servelab.grading.plain import RUN_MARK, kill_marked
from servelab.grading.repair import questions_of
from servelab.grading.run import Grader, scores_of
from servelab.grading.sandbox import Limits
from servelab.grading.session import Patience
from servelab.grading.verdict import GradeReport
from servelab.progress import bar

LAB = "01-attacked"
#: Parts of the hidden tests: their text, and what they pass in. Found anywhere, they have leaked.
HIDDEN = ("kestrel", "73618254")
#: Small enough for an attack to reach them in a moment.
LIMITS = Limits(memory_mb=700, processes=64, file_mb=24, disk_mb=48, open_files=256, cpu_s=60)
PATIENCE = Patience(cell_s=5, check_s=4, total_s=60)
#: More than anyone reads; a graded notebook of the small lab has a few thousand bytes.
LARGEST_RESULT = 600_000
#: How long stock nbgrader waits for a cell here, instead of 30 s.
STOCK_TIMEOUT_S = 2
_EFFECTS = {"gains", "reads", "shows", "leaves", "changes", "stops", "floods", "renders"}
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
    #: How to see that it worked: `gains` points, `reads` a secret, `shows` a text, `leaves` something, ...
    effect: str
    wanted: str = ""
    #: "stock", or limits of ours to lift, as in "memory_mb=4000".
    control: str = "stock"
    #: Points that the attacked questions are honestly worth.
    honest: float = 0.0


@dataclass
class Seen:
    """What a run of an attack came to."""

    points: dict[str, float] = field(default_factory=dict)
    #: All that a student or teacher will read: outputs, messages, verdict.
    text: str = ""
    size: int = 0
    rich: bool = False
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
    text = path.read_text(encoding="utf-8")
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
            handed = fields.get("answer") == "files"
            found.append(
                Attack(
                    name=name,
                    what=what,
                    defence=path.stem,
                    where=where,
                    answers={} if handed else {fields.get("answer", "mean"): code},
                    hand_in=code if handed else "",
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


def source_notebook() -> NotebookNode:
    """The instructor's notebook: three code questions and a quiz item, 14 points."""
    return new_notebook(
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
                "quiz-pick", 'quiz_pick = "waits"  #@param ["", "waits", "drops", "splits"]', solution=True
            ),
            _cell(
                "quiz-pick-check",
                "### BEGIN HIDDEN TESTS\nassert str(quiz_pick).strip().lower() == 'waits'\n### END HIDDEN TESTS",
                points=1,
            ),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def _cell(name: str, text: str, *, points: float = 0, **kind: bool) -> NotebookNode:
    fields: dict[str, Any] = {"grade": False, "solution": False, "locked": False, "task": False}
    fields |= {"schema_version": 3, "grade_id": name, **kind}
    if points:
        fields |= {"grade": True, "locked": True, "points": points}
    return new_code_cell(text, id=name, metadata={"nbgrader": fields})


def _worth() -> dict[str, float]:
    return {question.grade_id: question.max_points for question in questions_of(source_notebook())}


# ---------------------------------------------------------------- what there is to steal, and to spoil


class Scratch:
    """A folder with a teacher's belongings, for one run; each holds a secret of its own."""

    def __init__(self) -> None:
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
        for name in ("submitted/alice", "home", "source", "outside"):
            (self.folder / name).mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(self.folder / "gradebook.db")) as book:
            book.execute("create table grade (student text, points real, note text)")
            book.execute("insert into grade values ('alice', 1, ?)", (self.secret("gradebook"),))
            book.commit()
        theirs = source_notebook()
        theirs.metadata["note"] = self.secret("submission")
        nbformat.write(theirs, self.folder / "submitted" / "alice" / f"{LAB}.ipynb")
        (self.folder / "home" / ".token").write_text(self.secret("home"))
        nbformat.write(source_notebook(), self.folder / "source" / f"{LAB}.ipynb")
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
            if path.is_file() and "kernel" not in path.relative_to(self.folder).parts:
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
def belongings() -> Iterator[Scratch]:
    """A `Scratch` that is taken away afterwards."""
    scratch = Scratch()
    try:
        yield scratch
    finally:
        scratch.close()


def _handed_in(attack: Attack, scratch: Scratch) -> Path:
    """Write what the attacker hands in; returns the folder."""
    folder = scratch.folder / "submitted" / "mallory"
    folder.mkdir(mode=0o777)
    notebook = source_notebook()
    for cell in notebook.cells:
        if cell.id in attack.answers:
            cell.source = scratch.fill(attack.answers[cell.id])
    if attack.hand_in:
        names: dict[str, Any] = {}
        exec(compile(attack.hand_in, attack.where, "exec"), names)  # our own text, from the repository
        names["hand_in"](folder, notebook, scratch.folder)
    else:
        nbformat.write(notebook, folder / f"{LAB}.ipynb")
    scratch.before = scratch._state()
    return folder


# ---------------------------------------------------------------- through our grader


def grade_folder(grader: Grader, folder: Path, source: Path) -> tuple[GradeReport, NotebookNode]:
    """Grade what lies in a submitted folder as the course's route does, outputs included."""
    laid, _ = lay_submission(folder, source)
    outcome = grader.run(laid, source.parent)
    scores = scores_of(laid, outcome.runs, timeout_s=grader.patience.cell_s)
    write_outputs(laid, outcome, scores)
    report = GradeReport(cells=scores, notes=laid.notes, flags=outcome.flags, seconds=outcome.seconds)
    return report, laid.notebook


def run_ours(attack: Attack, scratch: Scratch, grader: Grader) -> Seen:
    """An attack through our grader."""
    seen = Seen()
    folder = _handed_in(attack, scratch)
    grader.zygote.start()
    others = _children()
    began = time.monotonic()
    try:
        report, notebook = grade_folder(grader, folder, scratch.folder / "source" / f"{LAB}.ipynb")
        text = nbformat.writes(notebook)
        text.encode()
        seen.points = {question: report.points_of(question) for question in report.by_question()}
        read = [report.model_dump_json(), *(json.dumps(c.get("outputs", [])) for c in notebook.cells)]
        seen.text = "\n".join(read)
        seen.size = len(seen.text)
        seen.rich = _rich(notebook)
    except Exception as error:  # whatever it is: a submission has stopped its grading
        seen.stopped = f"{type(error).__name__}: {str(error)[:200]}"
    seen.seconds = time.monotonic() - began
    seen.left += [f"process {name}" for name in _still(others)]
    scratch.look(seen)
    return seen


def _rich(notebook: NotebookNode) -> bool:
    """Whether there is an output that a browser would do more with than show text."""
    return any(
        set(output.get("data", {})) - {"text/plain"}
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


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
    others = {q: p for q, p in _worth().items() if q not in attack.answers}
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
    }[attack.effect]


def faults(attack: Attack, seen: Seen, scratch: Scratch) -> list[str]:
    """All that is wrong with how our grader took an attack, whatever the attack was after."""
    if seen.stopped:
        return [f"grading stopped: {seen.stopped}"]
    found = []
    worth = _worth()
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
    if seen.seconds > PATIENCE.total_s:
        found.append(f"it took {seen.seconds:.0f} s")
    return found


# ---------------------------------------------------------------- controls


class _Stock(Execute):
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


def run_stock(attack: Attack, scratch: Scratch) -> Seen:
    """An attack through what nbgrader does by itself: copy the folder, execute the notebook, read the grades off it."""
    seen = Seen()
    handed = _handed_in(attack, scratch)
    began = time.monotonic()
    try:
        folder = scratch.folder / "kernel" / "autograded"
        shutil.copytree(handed, folder)
        notebook = nbformat.read(folder / f"{LAB}.ipynb", as_version=4)
        _overwrite_checks(notebook)
        nbformat.write(notebook, folder / f"{LAB}.ipynb")
        environment = os.environ | {
            RUN_MARK: scratch.mark,
            "HOME": str(scratch.folder / "home"),
            "IPYTHONDIR": str(scratch.folder / "kernel" / "ipython"),
            "SERVELAB_CANARY": scratch.secret("environment"),
        }
        resources: dict[str, Any] = {"metadata": {"path": str(folder)}}
        CheckCellMetadata().preprocess(notebook, resources)
        _Stock(environment).preprocess(notebook, resources)
        LimitOutput().preprocess(notebook, resources)
        nbformat.writes(notebook).encode()
        _read_grades(notebook, seen)
    except Exception as error:  # stock nbgrader would give this student, or everyone, no grade
        seen.stopped = f"{type(error).__name__}: {str(error)[:200]}"
    seen.seconds = time.monotonic() - began
    seen.left += [f"process {name}" for name in _marked(scratch.mark).values()]
    scratch.look(seen)
    kill_marked(scratch.mark)
    return seen


def _overwrite_checks(notebook: NotebookNode) -> None:
    """nbgrader puts the instructor's checks back, hidden tests included."""
    theirs = {cell.id: cell for cell in source_notebook().cells}
    for cell in notebook.cells:
        known = theirs.get(cell.get("id"))
        if known is not None and known.metadata.get("nbgrader", {}).get("grade"):
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
    with belongings() as scratch:
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


#: Controls that take away one defence in a way of their own.
_UNGUARDED: dict[str, Callable[[Attack, Scratch], str]] = {"parsed": _parsed}


# ---------------------------------------------------------------- the whole suite


@dataclass
class Result:
    """What became of one attack."""

    attack: Attack
    faults: list[str] = field(default_factory=list)
    #: Why its control did not succeed; empty where it did.
    control: str = ""
    seconds: float = 0.0


def run_attacks(folder: Path, names: list[str] | None = None) -> list[Result]:
    """Run attacks through our grader, and their controls beside it.

    Args:
        names: only these.

    Raises:
        SandboxError: no sandbox can be made here.
    """
    attacks = [attack for attack in read_attacks(folder) if names is None or attack.name in names]
    os.environ["SERVELAB_CANARY"] = secret = f"canary-environment-{secrets.token_hex(6)}"
    results = []
    try:
        with (
            Grader(patience=PATIENCE, limits=LIMITS) as grader,
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="controls") as pool,
            bar(total=len(attacks), desc="attacks", unit="attack") as progress,
        ):
            honest = _Honest(grader)
            controls = [
                pool.submit(run_control, a, grader) if a.control == "stock" else None for a in attacks
            ]
            for attack, control in zip(attacks, controls, strict=True):
                results.append(_run_one(attack, grader, honest, secret))
                results[-1].control = control.result() if control else ""
                progress.update()
            for result in results:  # these change the limits of our grader
                if result.attack.control != "stock":
                    result.control = run_control(result.attack, grader)
    finally:
        del os.environ["SERVELAB_CANARY"]
    return results


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


def _run_one(attack: Attack, grader: Grader, honest: _Honest, secret: str) -> Result:
    began = time.monotonic()
    with belongings() as scratch:
        seen = run_ours(attack, scratch, grader)
        result = Result(attack, faults(attack, seen, scratch))
        if secret in seen.text:
            result.faults.append("the environment of the person who grades was seen")
    result.faults += honest.faults()
    result.seconds = time.monotonic() - began
    return result


def attacks(folder: Path) -> dict[str, Any]:
    """Run everything; what `servelab attacks` shows."""
    began = time.monotonic()
    results = run_attacks(folder)
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
