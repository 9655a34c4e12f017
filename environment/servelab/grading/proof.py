"""`servelab proof`: reference 100 %, untouched starter 0 %, each recorded answer exactly its points."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from servelab.errors import CourseError
from servelab.grading.answers import (
    REFERENCE,
    Answer,
    bank_answers,
    quiz_answers,
    read_answers,
    recorded_files,
    shortages,
)
from servelab.grading.classroom import Classroom, ClassroomError
from servelab.grading.handed_in import asked_for
from servelab.grading.plain import run_cells
from servelab.grading.reach import reached
from servelab.grading.repair import Laid, Question, lay_answers, nbgrader_field, questions_of, read_notebook
from servelab.grading.run import Grader, scores_of, scratch_folder
from servelab.grading.session import Patience
from servelab.grading.verdict import CellRun, GradeReport
from servelab.progress import bar

TIMEOUT_S = 30.0
#: Answers of each lab that are graded both ways, by the judge and in an ordinary kernel as under *Validate*, beside the
#: reference and the starter, and must get the same points.
SAMPLES = 3
#: Submissions in flight for each job: checks spend nine tenths of their time waiting for the scripted engine.
WAITING_PER_JOB = 6


class Mismatch(BaseModel):
    """Something that did not get the points it should have."""

    lab: str
    what: str
    where: str = ""
    expected: str
    got: str
    #: What the student would read.
    message: str = ""


class LabProof(BaseModel):
    """The proof of one lab."""

    lab: str
    reference_full: bool = False
    starter_zero: bool = False
    answers: int = 0
    answers_exact: int = 0
    mismatches: list[Mismatch] = []
    seconds: dict[str, float] = {}


class Paper(BaseModel, arbitrary_types_allowed=True):
    """Answers that are graded together: one to a code question, or one to each quiz question."""

    name: str
    answers: list[Answer]
    #: What is handed in beside the notebook.
    files: dict[str, bytes] = {}
    #: These are not the reference's, so that their own checks have to run whatever the cells say.
    own_files: bool = False

    def texts(self, questions: dict[str, Question]) -> dict[int, str]:
        """The cells that it changes, by position."""
        return {questions[a.question].index: a.text for a in self.answers}

    def expected(self, questions: list[Question]) -> dict[str, float]:
        """The points that each question must get."""
        points = {q.grade_id: q.max_points for q in questions if not q.manual}
        for answer in self.answers:
            points |= {answer.question: answer.points} | answer.also
        return points


def proof(
    root: Path, only: Sequence[str] | None = None, *, jobs: int = 2, console: Console | None = None
) -> dict[str, Any]:
    """Prove the labs' checks, and print what does not hold.

    Args:
        root: the course.
        only: full names of labs; all with a solution notebook by default.
        jobs: answers graded at the same time.

    Returns:
        {labs, references, references_full, starters, starters_zero, answers, answers_exact}: how many there
        are and how many held, {problems}: what did not, in words, and {seconds} by lab.

    Raises:
        CourseError: a notebook or a recorded answer cannot be read.
    """
    console = console or Console()
    names = list(
        only or sorted(p.parent.name for p in (root / "solutions").glob("[0-9][0-9]-*/[0-9][0-9]-*.ipynb"))
    )
    if not names:
        raise CourseError("There is no solution notebook to prove: run `servelab build` first.")
    proofs = [prove_lab(root, name, jobs=jobs) for name in names]
    for one in proofs:
        _show(one, console)
    return {
        "labs": len(proofs),
        "references": len(proofs),
        "references_full": sum(p.reference_full for p in proofs),
        "starters": len(proofs),
        "starters_zero": sum(p.starter_zero for p in proofs),
        "answers": sum(p.answers for p in proofs),
        "answers_exact": sum(p.answers_exact for p in proofs),
        "problems": [
            f"{m.lab}: {m.what}: expected {m.expected}, got {m.got}" for p in proofs for m in p.mismatches
        ],
        "seconds": {p.lab: round(sum(p.seconds.values()), 1) for p in proofs},
    }


def prove_lab(root: Path, lab: str, *, jobs: int = 2, stock: bool = True) -> LabProof:
    """Prove one lab's checks.

    Args:
        stock: also send the reference and the starter through nbgrader's own autograde.

    Raises:
        CourseError: a notebook or a recorded answer cannot be read.
    """
    folder = root / "solutions" / lab
    source = _notebook(folder / f"{lab}.ipynb")
    starter = _notebook(root / "labs" / lab / f"{lab}.ipynb")
    questions = questions_of(source)
    answers = read_answers(root / "tests" / "answers" / lab, questions)
    answers += bank_answers(root / "quizzes", questions)
    for question in questions:
        answers += quiz_answers(question, source.cells[question.index])
    sets = recorded_files(root / "tests" / "answers" / lab, asked_for(source))
    papers = list(_papers(answers, sets))
    result = LabProof(lab=lab, answers=len(answers))
    result.mismatches += [
        Mismatch(lab=lab, what="too few answers", expected="enough of them", got=text)
        for text in shortages(questions, answers)
    ]
    clock = _Clock(result.seconds)
    patience = Patience(cell_s=TIMEOUT_S, check_s=TIMEOUT_S)
    handed_in = sets.get(REFERENCE, {})
    # Checks mostly wait for the scripted engine, so all of this can go on at the same time; where they run a model they do not.
    beside, samples = (jobs, 1) if handed_in else (SAMPLES + 3, SAMPLES)
    with Grader(patience=patience) as grader, ThreadPoolExecutor(beside) as pool:
        stocking = pool.submit(_stock_faults, root, lab, source, handed_in) if stock else None
        starting = pool.submit(_starter_faults, lab, source, starter, folder, grader)
        reference = Paper(name="reference", answers=[], files=handed_in)
        sampling = {
            paper.name: pool.submit(_in_kernel, source, paper, questions, folder)
            for paper in [reference, *_sample(papers, samples)]
        }
        with clock("reference"):
            runs = grader.run(_lay(source, reference, questions), folder).runs
        reports = {reference.name: _report(source, reference, questions, runs)}
        lost = _compare(result, reference, questions, reports[reference.name])
        with clock("answers"):
            reports |= dict(_graded(result, source, papers, questions, runs, folder, grader, jobs))
        with clock("nbgrader, starter, kernels"):
            starter_faults = starting.result()
            stock_faults = stocking.result() if stocking else []
            for name, kernel in sampling.items():
                _same_verdict(result, name, reports[name], kernel.result())
    result.mismatches += starter_faults + stock_faults
    result.reference_full = not lost and not any(m.what != "starter, by nbgrader" for m in stock_faults)
    result.starter_zero = not starter_faults and not any(
        m.what != "reference, by nbgrader" for m in stock_faults
    )
    for paper in papers:
        wrong = _compare(result, paper, questions, reports[paper.name])
        if wrong <= {a.question for a in paper.answers}:
            result.answers_exact += sum(a.question not in wrong for a in paper.answers)
    return result


def _notebook(path: Path) -> NotebookNode:
    if not path.is_file():
        raise CourseError(f"There is no {path}: run `servelab build` first.")
    return read_notebook(path)


def _papers(answers: list[Answer], sets: dict[str, dict[str, bytes]]) -> Iterator[Paper]:
    """Code answers one by one; the n-th answers to all quiz questions together, for they touch nothing else."""
    for answer in (a for a in answers if not a.derived):
        if answer.files not in sets and answer.files != REFERENCE:
            raise CourseError(f"{answer.where}: there are no files called {answer.files!r}: {sorted(sets)}.")
        yield Paper(
            name=f"{answer.question}/{answer.name}",
            answers=[answer],
            files=sets.get(answer.files, {}),
            own_files=answer.files != REFERENCE,
        )
    quiz = [a for a in answers if a.derived]
    by_question = [list(group) for _, group in itertools.groupby(quiz, key=lambda a: a.question)]
    for n, together in enumerate(itertools.zip_longest(*by_question)):
        together_in = [a for a in together if a]
        yield Paper(name=f"quiz, set {n + 1}", answers=together_in, files=sets.get(REFERENCE, {}))


def _lay(source: NotebookNode, paper: Paper, questions: list[Question]) -> Laid:
    laid = lay_answers(source, source)
    for index, text in paper.texts({q.grade_id: q for q in questions}).items():
        laid.notebook.cells[index].source = text
    laid.files = paper.files
    return laid


def _in_kernel(source: NotebookNode, paper: Paper, questions: list[Question], folder: Path) -> GradeReport:
    """The other way: everything in one ordinary kernel, as a student's *Validate* does it."""
    laid = _lay(source, paper, questions)
    with scratch_folder(folder, laid.files) as scratch:
        runs = run_cells(laid.notebook, laid.questions, scratch, timeout_s=TIMEOUT_S)
    return _report(source, paper, questions, runs)


def _graded(
    result: LabProof,
    source: NotebookNode,
    papers: list[Paper],
    questions: list[Question],
    reference: dict[int, CellRun],
    folder: Path,
    grader: Grader,
    jobs: int,
) -> Iterator[tuple[str, GradeReport]]:
    """Grade every paper by the judge. Checks that a change cannot reach keep what they did for the reference."""
    by_id = {q.grade_id: q for q in questions}
    checks = {check.index for question in questions for check in question.checks}
    cells = {i: c.source for i, c in enumerate(source.cells) if c.cell_type == "code" and c.source.strip()}

    def one(paper: Paper) -> GradeReport:
        only = checks.intersection(reached(cells, paper.texts(by_id)))
        if paper.own_files:
            only |= {check.index for answer in paper.answers for check in by_id[answer.question].checks}
        outcome = grader.run(_lay(source, paper, questions), folder, only=only)
        return _report(source, paper, questions, reference | outcome.runs)

    with (
        bar(total=len(papers), desc=f"Proving {result.lab}", unit="answer") as shown,
        ThreadPoolExecutor(jobs * WAITING_PER_JOB) as pool,
    ):
        for paper, report in zip(papers, pool.map(one, papers), strict=True):
            shown.update(1)
            yield paper.name, report


def _report(
    source: NotebookNode, paper: Paper, questions: list[Question], runs: dict[int, CellRun]
) -> GradeReport:
    return GradeReport(cells=scores_of(_lay(source, paper, questions), runs, timeout_s=TIMEOUT_S))


def _compare(result: LabProof, paper: Paper, questions: list[Question], report: GradeReport) -> set[str]:
    """Record every question whose points are not those expected; returns their ids."""
    expected = paper.expected(questions)
    owners = {a.question: a for a in paper.answers}
    wrong = set()
    for question, points in expected.items():
        got = report.points_of(question)
        if abs(got - points) < 1e-6:
            continue
        wrong.add(question)
        owner = owners.get(question) or (paper.answers[0] if len(paper.answers) == 1 else None)
        result.mismatches.append(
            Mismatch(
                lab=result.lab,
                what=str(owner) if owner else paper.name,
                where=owner.where if owner else "",
                expected=f"{question} {points:g}",
                got=f"{got:g}",
                message=" / ".join(
                    f"{c.grade_id}: {c.message}" for c in report.cells if c.question == question and c.message
                ),
            )
        )
    return wrong


def _starter_faults(
    lab: str, source: NotebookNode, starter: NotebookNode, folder: Path, grader: Grader
) -> list[Mismatch]:
    """The untouched release earns nothing either way, runs up to its first answer, and every check says something."""
    laid = lay_answers(starter, source)
    runs = grader.run(laid, folder).runs
    report = GradeReport(cells=scores_of(laid, runs, timeout_s=TIMEOUT_S))
    with scratch_folder(folder) as scratch:
        kernel = run_cells(laid.notebook, laid.questions, scratch, timeout_s=TIMEOUT_S)
    found = [
        Mismatch(lab=lab, what="starter, in a kernel", expected=f"{c.grade_id} 0", got=f"{c.points:g}")
        for c in scores_of(laid, kernel, timeout_s=TIMEOUT_S)
        if c.points
    ]
    found += [
        Mismatch(lab=lab, what="starter", expected=f"{c.grade_id} 0", got=f"{c.points:g}", message=c.message)
        for c in report.cells
        if c.points
    ]
    first = min((q.index for q in laid.questions), default=0)
    found += [
        Mismatch(
            lab=lab,
            what="starter",
            where=starter.cells[index].get("id", "") if index < len(starter.cells) else "",
            expected="to run up to the first answer",
            got=f"{run.status} {run.ename}: {run.evalue}"[:200],
        )
        for index, run in runs.items()
        if index < first and run.status != "ok"
    ]
    found += [
        Mismatch(lab=lab, what="starter", expected=f"{c.grade_id} to say something", got="nothing")
        for c in report.cells
        if not c.message
    ]
    return found


def _stock_faults(root: Path, lab: str, source: NotebookNode, handed_in: dict[str, bytes]) -> list[Mismatch]:
    """What is wrong when the same two go through `nbgrader generate_assignment` and `nbgrader autograde`."""
    with tempfile.TemporaryDirectory(prefix="servelab-proof-", ignore_cleanup_errors=True) as scratch:
        try:
            room = Classroom(Path(scratch) / "course", root, [lab])
            room.nbgrader("generate_assignment", lab, "--force")
            release = (room.folder / "labs" / lab / f"{lab}.ipynb").read_text(encoding="utf-8")
            room.hand_in(lab, "starter", release)
            reference = nbformat.writes(with_answers(nbformat.reads(release, 4), source))
            room.hand_in(lab, "reference", reference, handed_in)
            room.nbgrader("autograde", lab)
            points = {student: room.points(lab, student) for student in ("reference", "starter")}
        except ClassroomError as error:
            told = str(error)[-800:]
            return [Mismatch(lab=lab, what="nbgrader", expected="to grade", got="a failure", message=told)]
    faults = []
    for question in questions_of(source):
        for check in question.checks:
            for student, expected in (("reference", check.max_points), ("starter", 0.0)):
                got = points[student].get(check.grade_id, (None, None))[0]
                if got != expected:
                    faults.append(
                        Mismatch(
                            lab=lab,
                            what=f"{student}, by nbgrader",
                            expected=f"{check.grade_id} {expected:g}",
                            got="no grade" if got is None else f"{got:g}",
                        )
                    )
    return faults


def with_answers(release: NotebookNode, source: NotebookNode) -> NotebookNode:
    """A release with the reference answers filled in, as a student who knows everything would hand it in."""
    texts = {nbgrader_field(c, "grade_id"): c.source for c in source.cells if nbgrader_field(c, "solution")}
    for cell in release.cells:
        if nbgrader_field(cell, "solution"):
            cell.source = texts[nbgrader_field(cell, "grade_id")]
    return release


def _sample(papers: list[Paper], count: int) -> list[Paper]:
    """A few papers, spread over the lab: the same ones on every run."""
    return [papers[i * (len(papers) - 1) // max(1, count - 1)] for i in range(min(count, len(papers)))]


def _same_verdict(result: LabProof, name: str, judged: GradeReport, kernel: GradeReport) -> None:
    """Record where the judge and an ordinary kernel do not agree."""
    for one, other in zip(judged.cells, kernel.cells, strict=True):
        if one.points != other.points:
            result.mismatches.append(
                Mismatch(
                    lab=result.lab,
                    what=f"{name}: judge and kernel disagree on {one.grade_id}",
                    expected=f"{other.points:g} {other.message}",
                    got=f"{one.points:g} {one.message}",
                )
            )


class _Clock:
    """`with clock("part"):` adds a part's seconds to a dictionary."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds

    def __call__(self, part: str) -> _Clock:
        self.part = part
        return self

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.part] = round(time.perf_counter() - self.began, 1)


def _show(one: LabProof, console: Console) -> None:
    """Print one lab's proof: a line, and a table of what does not hold."""
    held = "holds" if not one.mismatches else "does NOT hold"
    spent = ", ".join(f"{part} {s:g} s" for part, s in one.seconds.items())
    console.print(
        f"{one.lab}: {held}. Reference {'full' if one.reference_full else 'NOT full'}, starter"
        f" {'zero' if one.starter_zero else 'NOT zero'}, {one.answers_exact} of {one.answers} answers exact. {spent}.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    if not one.mismatches:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("What", "Where", "Expected", "Got", "What the student would read"):
        table.add_column(title, overflow="fold")
    for m in one.mismatches:
        read = m.message if len(m.message) < 400 else m.message[:399] + "…"
        table.add_row(*(escape(text) for text in (m.what, m.where, m.expected, m.got, read)))
    console.print(table)
    kinds = Counter(m.what.split(":")[0] for m in one.mismatches)
    console.print(f"{len(one.mismatches)} mismatches: " + ", ".join(f"{k} {n}" for k, n in kinds.items()))
