"""One submission's run: its cells in a sandbox, its checks in the judge, and a clock beside both.

The two processes only ever see what they need: the student's gets the text of cells, the judge that of checks and of the
instructor's cells. Whoever does not answer in time is killed with everything around it; the next question gets a fresh
pair, brought up to date by running the earlier cells again.
"""

from __future__ import annotations

import array
import ast
import contextlib
import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from servelab.course.live import FIRST_LINE
from servelab.grading import wire
from servelab.grading.judge import NO_ANSWER, hidden_lines, visible_part
from servelab.grading.reach import names_of
from servelab.grading.repair import Question, nbgrader_field
from servelab.grading.sandbox import Limits, Sandbox
from servelab.grading.verdict import CellRun
from servelab.grading.zygote import Zygote, ZygoteLost
from servelab.syntax import parse, parse_cell

#: How often the clock looks at the memory of a sandbox.
_LOOK_S = 0.25
#: A report on a cell has two texts of limited length; more than this is none.
_ANSWER_BYTES = 4 << 20
#: A process of the student's has sent what no honest one sends.
TAMPERING = "tampering seen"
_STATUSES = ("ok", "error", "died")


@dataclass
class Patience:
    """How long to wait, in seconds: for a cell, for a check, and for the whole submission."""

    cell_s: float = 30.0
    check_s: float = 60.0
    total_s: float = 300.0


@dataclass
class Outcome:
    """What happened to a submission's cells."""

    runs: dict[int, CellRun] = field(default_factory=dict)
    #: What the cells printed, cut to a length that can be read.
    texts: dict[int, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Stopped(Exception):
    """A process did not answer: "hung", "died", "memory", or "forged" (what it sent is no answer)."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how
        #: It was the judge that died, in which no student's code runs.
        self.judge = False


@dataclass
class Plan:
    """A notebook as the two processes will see it."""

    cells: dict[int, str]
    #: Position of each check, and the question that it belongs to.
    checks: dict[int, Question]
    answers: dict[int, Question]
    #: The instructor's cells which the judge runs for itself.
    judges: list[int]
    #: Seconds that a check may take, where its author says that it needs more than others.
    seconds: dict[int, float] = field(default_factory=dict)


def plan_of(notebook: NotebookNode, questions: list[Question]) -> Plan:
    """Which cells run where."""
    cells = {
        i: cell.source
        for i, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    }
    checks = {check.index: question for question in questions for check in question.checks}
    answers = {question.index: question for question in questions if question.index not in checks}
    seconds = {i: most for i in checks if (most := seconds_of(notebook.cells[i])) is not None}
    return Plan(cells, checks, answers, _judges_own(notebook, cells, checks, answers), seconds)


def seconds_of(cell: NotebookNode) -> float | None:
    """The time that a cell's author gives it (`seconds=120` in the source); None for the usual one."""
    told = cell.metadata.get("servelab")
    return float(told["seconds"]) if isinstance(told, dict) and "seconds" in told else None


def modules_of(plan: Plan) -> list[str]:
    """What the instructor's cells import before the first check, by name."""
    found: dict[str, None] = {}
    for index in plan.judges:
        try:
            tree = parse_cell(plan.cells[index])
        except SyntaxError:
            continue
        for node in tree.body:
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                # What is imported from it may be a module, or not: only trying tells.
                names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
                found |= dict.fromkeys(names)
    return list(found)


def _judges_own(
    notebook: NotebookNode, cells: dict[int, str], checks: dict[int, Question], answers: dict[int, Question]
) -> list[int]:
    """The instructor's cells that bind what a check uses, directly or through each other, in order."""
    wanted: set[str] = set()
    for index in checks:
        wanted |= names_of(cells.get(index, "")).uses
    found = []
    for index in reversed([i for i in cells if i not in checks and i not in answers]):
        if FIRST_LINE.match(cells[index].split("\n", 1)[0]) or nbgrader_field(
            notebook.cells[index], "solution"
        ):
            continue
        names = names_of(cells[index])
        if names.binds & wanted:
            found.append(index)
            wanted |= names.uses
    return found[::-1]


class Session:
    """One sandbox with its two processes."""

    def __init__(self, zygote: Zygote, limits: Limits, data: Path | None, handed_in: Path | None) -> None:
        with contextlib.ExitStack() as stack:
            self.sandbox = stack.enter_context(Sandbox(limits, data=data, handed_in=handed_in))
            self.office = stack.enter_context(Sandbox(limits, beside=self.sandbox, handed_in=handed_in))
            self.student = stack.enter_context(_door(zygote, "student", self.sandbox, self.sandbox))
            self.judge = stack.enter_context(_door(zygote, "judge", self.office, self.sandbox))
            self._stack = stack.pop_all()
        #: Positions of the cells that the judge has run.
        self.known: set[int] = set()
        #: Definitions of other checks that it has run: the check's position, and which of them.
        self.defined: set[tuple[int, int]] = set()
        #: A hidden test has run: the student's code knows what it passes in, and can have noted it where later cells look.
        self.exposed = False

    def close(self) -> None:
        """Kill both, with everything that they started."""
        self._stack.close()

    def cell(self, index: int, text: str, within_s: float) -> tuple[CellRun, str]:
        """Run a cell of the notebook in the student's process.

        Raises:
            Stopped: it did not come to an end.
        """
        _send(self.student, {"do": "cell", "index": index, "text": text})
        return _run_of(self._answer(self.student, within_s))

    def check(self, index: int, text: str, within_s: float) -> tuple[CellRun, str]:
        """Let the judge run a check against a child of the student's process.

        Raises:
            Stopped: one of the two did not come to an end.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            _send(self.student, {"do": "fork"}, theirs)
            with _the_judge():
                _send(self.judge, {"do": "check", "index": index, "text": text}, ours)
        with _the_judge():
            answer = self._answer(self.judge, within_s)
        self._answer(self.student, 10.0)  # that it has forked; where it could not, that it is done
        return _run_of(answer)

    def prepare(self, plan: Plan, check: int) -> None:
        """Let the judge run, in their order, the instructor's cells before a check that it has not run yet.

        Of earlier checks that this judge has not run (they were run by another, or left out) only those definitions count
        that this check needs, directly or through each other: it may call their functions, and what it does not need may
        cost more than all its own work.
        """
        wanted = set(names_of(plan.cells[check]).uses)
        found: list[tuple[int, int, str]] = []
        for index in sorted({*plan.judges, *plan.checks}, reverse=True):
            if index >= check or index in self.known:
                continue
            if index not in plan.checks:
                wanted |= names_of(plan.cells[index]).uses
                found.append((index, 0, plan.cells[index]))
                self.known.add(index)
                continue
            for place, text in reversed(list(enumerate(_definitions(plan.cells[index])))):
                names = names_of(text)
                if names.binds & wanted:
                    wanted |= names.uses
                    if (index, place) not in self.defined:
                        found.append((index, place, text))
                        self.defined.add((index, place))
        for index, _, text in reversed(found):
            with _the_judge():
                _send(self.judge, {"do": "define", "index": index, "text": text})
        self.known.add(check)

    def _answer(self, door: socket.socket, within_s: float) -> dict[str, Any]:
        until = time.monotonic() + within_s
        ready = select.poll()  # unlike select(2) it takes descriptors of any size
        ready.register(door, select.POLLIN)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise Stopped("hung")
            if ready.poll(1000 * min(left, _LOOK_S)):
                break
            if any(box.memory_mb() > box.limits.memory_mb for box in (self.sandbox, self.office)):
                raise Stopped("memory")
        try:
            answer = wire.receive(door, most=_ANSWER_BYTES, within_s=5.0)
        except wire.Closed:
            raise Stopped("died") from None
        except wire.WireError:
            raise Stopped("forged") from None
        finally:
            door.settimeout(None)
        if not isinstance(answer, dict):
            raise Stopped("forged")
        return answer


def _new_session(zygote: Zygote, limits: Limits, data: Path | None, handed_in: Path | None) -> Session:
    """A session in new sandboxes; once more in others, if the process that its children are forked from was killed meanwhile."""
    try:
        return Session(zygote, limits, data, handed_in)
    except ZygoteLost:
        return Session(zygote, limits, data, handed_in)


@contextlib.contextmanager
def _the_judge() -> Iterator[None]:
    try:
        yield
    except Stopped as stop:
        stop.judge = True
        raise


@contextlib.contextmanager
def _door(zygote: Zygote, kind: str, home: Sandbox, net: Sandbox) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            zygote.fork(kind, home, net=net, control=theirs)
        yield ours


def _send(door: socket.socket, message: dict[str, Any], passed: socket.socket | None = None) -> None:
    data = json.dumps(message).encode()
    data = len(data).to_bytes(4, "big") + data
    door.settimeout(5.0)  # a process that does not read must not hold us up
    try:
        if passed is None:
            door.sendall(data)
        else:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed.fileno()]))]
            sent = door.sendmsg([data], rights)
            door.sendall(data[sent:])
    except OSError:
        raise Stopped("died") from None
    finally:
        door.settimeout(None)


def _run_of(answer: dict[str, Any]) -> tuple[CellRun, str]:
    """A run as told by a process that may lie: every field is looked at."""
    told = answer.get("run")
    if not isinstance(told, dict) or told.get("status") not in _STATUSES:
        raise Stopped("forged")
    frames = told.get("frames")
    run = CellRun(
        status=told["status"],
        ename=_readable(told.get("ename", ""), 80),
        evalue=_readable(told.get("evalue", ""), 1000),
        frames=[
            (f[0], f[1])
            for f in (frames if isinstance(frames, list) else [])[:50]
            if isinstance(f, list) and len(f) == 2 and all(type(n) is int for n in f)
        ],
        result=None if told.get("result") is None else _readable(told["result"], 20_000),
        from_student=told.get("from_student") is True,
        hidden=told.get("hidden") is True,
    )
    return run, _readable(answer.get("text", ""), 40_000)


def _readable(told: Any, most: int) -> str:
    """A text that any file can hold: JSON may carry halves of characters."""
    return str(told)[:most].encode(errors="replace").decode()


def run_submission(
    zygote: Zygote,
    plan: Plan,
    *,
    patience: Patience | None = None,
    limits: Limits | None = None,
    data: Path | None = None,
    handed_in: Path | None = None,
    only: set[int] | None = None,
    on_cell: Callable[[int], None] | None = None,
) -> Outcome:
    """Run a submission's cells and checks in order.

    Args:
        data: the lab's data files.
        handed_in: the files that were handed in beside the notebook.
        only: the checks to run; the others are left out. All of them if `None`.
        on_cell: called with the position of each cell that has come to its end.
    """
    patience, limits = patience or Patience(), limits or Limits()
    began = time.monotonic()
    outcome = Outcome()
    todo = [i for i in plan.cells if i not in plan.checks or only is None or i in only]
    if only is not None:  # nothing is asked of what comes after the last of them
        todo = [i for i in todo if i <= max(only, default=-1)]
    zygote.import_ahead(modules_of(plan))
    broken: set[int] = set()
    doubtful: set[int] = set()
    unjudged: set[int] = set()
    while pending := [i for i in todo if i not in outcome.runs]:
        if time.monotonic() - began >= patience.total_s:
            for index in pending:
                outcome.runs[index] = CellRun(status="skipped")
            outcome.flags.append("out of time")
            break
        session = _new_session(zygote, limits, data, handed_in)
        try:
            replay = [i for i in todo if i in outcome.runs and i not in broken and i not in plan.checks]
            _play(
                session, plan, replay, pending, outcome, broken, doubtful, unjudged, patience, began, on_cell
            )
        finally:
            session.close()
    if doubtful - broken:
        again = [i for i in todo if i not in broken]
        session = _new_session(zygote, limits, data, handed_in)
        _say_again(session, plan, again, outcome, doubtful - broken, patience)
    outcome.seconds = time.monotonic() - began
    return outcome


def _play(
    session: Session,
    plan: Plan,
    replay: list[int],
    pending: list[int],
    outcome: Outcome,
    broken: set[int],
    doubtful: set[int],
    unjudged: set[int],
    patience: Patience,
    began: float,
    on_cell: Callable[[int], None] | None,
) -> None:
    """Run cells in one session until all are done, or one of them ends it; then it is in `broken`.

    A check whose judge died is asked once more (it is in `unjudged` then): that is the machine's doing, until it happens again.
    What the student's code said after a hidden test is dropped; where somebody would miss it, the cell is in `doubtful`.
    """
    for index in replay:
        left = patience.total_s - (time.monotonic() - began)
        if left <= 0:
            return
        try:
            session.cell(index, plan.cells[index], min(patience.cell_s, left))
        except Stopped:
            broken.add(index)  # it came to its end before, and does not now: it counts as broken from here on
            return
    for index in pending:
        if index in outcome.runs:
            continue  # a check of a question that has just been lost
        left = patience.total_s - (time.monotonic() - began)
        if left <= 0:
            return
        try:
            if index in plan.checks:
                session.prepare(plan, index)
                run, text = session.check(
                    index, plan.cells[index], min(plan.seconds.get(index, patience.check_s), left)
                )
            else:
                run, text = session.cell(index, plan.cells[index], min(patience.cell_s, left))
        except Stopped as stop:
            if stop.judge and stop.how == "died" and index not in unjudged:
                unjudged.add(index)
                return
            run, text = CellRun(status="hung" if stop.how == "hung" else "died"), ""
            if stop.how == "memory":
                run.ename = "MemoryError"
            died = "judge died" if stop.judge else "kernel died"
            flags = {"hung": "timed out", "memory": "out of memory", "forged": TAMPERING}
            outcome.flags.append(flags.get(stop.how, died))
            broken.add(index)
            for check in (plan.checks.get(index) or plan.answers.get(index) or _NOTHING).checks:
                if check.index != index:
                    outcome.runs.setdefault(check.index, CellRun(status="skipped"))
        check = index in plan.checks
        if check and run.status == "died" and NO_ANSWER in run.evalue:
            outcome.flags.append(TAMPERING)
        if session.exposed and index not in broken:
            if not (check and run.hidden and not run.from_student):  # those words are the instructor's
                if run.status == "error" or (index in plan.answers and (text or run.result is not None)):
                    doubtful.add(index)
                run.evalue, run.frames = "", []
            text, run.hidden = "", check
            run.result = run.result if check else None
        elif check and hidden_lines(plan.cells[index]) and (run.status != "error" or run.hidden):
            session.exposed, text = True, ""
        outcome.runs[index], outcome.texts[index] = run, text
        if on_cell:
            on_cell(index)
        if index in broken:
            return


def _say_again(
    session: Session, plan: Plan, todo: list[int], outcome: Outcome, doubtful: set[int], patience: Patience
) -> None:
    """Fetch the words of doubtful cells from a session that never sees a hidden test. The verdicts stay as they are."""
    until = time.monotonic() + patience.cell_s
    try:
        for index in todo:
            left = until - time.monotonic()
            if left <= 0 or index > max(doubtful):
                return
            if index not in plan.checks:
                run, text = session.cell(index, plan.cells[index], left)
                if index in doubtful:
                    outcome.runs[index], outcome.texts[index] = run, text
            elif index in doubtful:
                session.prepare(plan, index)
                run, _ = session.check(index, visible_part(plan.cells[index]), left)
                if run.status == "error":
                    outcome.runs[index] = run
    except Stopped:
        return  # what is missing stays unsaid
    finally:
        session.close()


_NOTHING = Question(grade_id="", index=-1)


def _definitions(text: str) -> list[str]:
    """A check's imports, functions, classes and the values it names, one by one, without what else it does.

    One by one, because a value that comes from the student's code cannot be had here, and must not take the others with it.
    """
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    try:
        body = parse(text).body
    except SyntaxError:
        return []
    return [ast.unparse(node) for node in body if isinstance(node, (*kinds, ast.Assign, ast.AnnAssign))]
