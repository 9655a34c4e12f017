"""What an exam's result says: to a student, by topic and question, and to the instructor, about the class and the items."""

from __future__ import annotations

import base64
import html
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook, MissingEntry
from pydantic import BaseModel

from servelab.course.quiz import Bank, CodeItem, Item, load_banks
from servelab.errors import CourseError
from servelab.grading.check import picked_option
from servelab.grading.repair import nbgrader_field, read_notebook

#: From so many students on, an item's discrimination is more than noise.
STUDENTS_FOR_DISCRIMINATION = 10
#: Below it, who knows more does hardly better on the item (Ebel and Frisbie, Essentials of Educational Measurement).
LOW_DISCRIMINATION = 0.2
TOO_HARD, TOO_EASY = 0.2, 0.95


class Paper(BaseModel):
    """One student's exam as it was graded."""

    student: str
    #: Points by the id of the answer cell.
    points: dict[str, float]
    #: The option that was chosen, by the item's id; "" for none.
    picked: dict[str, str] = {}
    #: Points for scenarios that a person has read, by the scenario's id.
    scenarios: dict[str, float] = {}


class TopicScore(BaseModel):
    """Right answers of a topic."""

    name: str
    right: int
    asked: int


class Missed(BaseModel):
    """A question that was not answered rightly, and what there is to say about it."""

    number: int
    topic: str
    lab: str
    stem: str
    chosen: str = ""
    why: str = ""
    best: str = ""
    best_why: str = ""


class ExamReport(BaseModel):
    """A student's result."""

    title: str
    student: str
    right: int
    asked: int
    needed: int
    passed: bool
    percent: float
    band: str = ""
    next_steps: list[str] = []
    certification: str = ""
    topics: list[TopicScore]
    #: Labs to go back to, those with most missed questions first.
    revisit: list[str] = []
    study: list[tuple[str, str]] = []
    practise: list[str] = []
    missed: list[Missed] = []
    #: Whether explanations are released.
    explained: bool = True
    #: Bonus points of scenarios that were read, and how many there are; scenarios that nobody has read yet.
    bonus: float = 0.0
    bonus_max: float = 0.0
    unread: int = 0


def report_on(bank: Bank, paper: Paper, *, explain: bool = True) -> ExamReport:
    """A student's report.

    Args:
        explain: say what the best answers are and why; False before the deadline.
    """
    lines = []
    for number, item in enumerate(bank.items, 1):
        if paper.points.get(item.grade_id, 0) < 1:
            lines.append(_missed(number, item, paper, explain=explain))
    missed = {(line.topic, line.number) for line in lines}
    names = list(dict.fromkeys(item.topic for item in bank.items))
    topics = []
    for name in names:
        asked = sum(item.topic == name for item in bank.items)
        topics.append(TopicScore(name=name, right=asked - sum(t == name for t, _ in missed), asked=asked))
    right = len(bank.items) - len(lines)
    percent = round(100 * right / len(bank.items), 1)
    band = next((band for band in bank.bands if percent >= band.from_percent), None)
    weak = {line.topic for line in lines}
    return ExamReport(
        title=bank.title,
        student=paper.student,
        right=right,
        asked=len(bank.items),
        needed=bank.needed,
        passed=right >= bank.needed,
        percent=percent,
        band=band.name if band else "",
        next_steps=band.next_steps if band else [],
        certification=band.certification if band else "",
        topics=topics,
        revisit=[lab for lab, _ in Counter(line.lab for line in lines).most_common()],
        study=list(
            dict.fromkeys(
                (r.title, r.url) for topic in bank.topics if topic.name in weak for r in topic.study
            )
        ),
        practise=[f"{topic.name}: {topic.practise}" for topic in bank.topics if topic.name in weak],
        missed=lines,
        explained=explain,
        bonus=sum(paper.scenarios.values()),
        bonus_max=sum(scenario.points for scenario in bank.scenarios),
        unread=sum(scenario.id not in paper.scenarios for scenario in bank.scenarios),
    )


def _missed(number: int, item: Item | CodeItem, paper: Paper, *, explain: bool) -> Missed:
    line = Missed(number=number, topic=item.topic, lab=item.lab, stem=item.stem)
    if item.kind == "code":
        line.best_why = item.why if explain else ""
        return line
    chosen = next((option for option in item.options if option.id == paper.picked.get(item.id)), None)
    if chosen is not None:
        line.chosen, line.why = chosen.text, chosen.why if explain else ""
    if explain:
        line.best, line.best_why = item.right.text, item.right.why.removeprefix("Right. ")
    return line


# ---------------------------------------------------------------- as a notebook and as a page


def cells_of(report: ExamReport) -> list[NotebookNode]:
    """A report as notebook cells: result, chart by topic, next steps, every missed question."""
    verdict = "You passed." if report.passed else "You did not pass this time."
    head = f"## Your result: {report.right} of {report.asked}\n\n**{verdict}** {report.needed} were needed."
    if report.bonus_max:
        read = f"{report.bonus:g} of {report.bonus_max:g} bonus points for the scenarios, which do not count towards passing"
        head += f" {read}." if not report.unread else f" {report.unread} scenarios have not been read yet."
    cells = [new_markdown_cell(head), _chart_cell(report.topics)]
    if report.band:
        steps = [f"- {step}" for step in report.next_steps]
        cells.append(
            new_markdown_cell(
                "\n".join([f"### Next steps: {report.band}", "", *steps, "", report.certification])
            )
        )
    if report.revisit:
        labs = [f"- {lab}" for lab in report.revisit]
        study = [f"- [{title}]({url})" for title, url in report.study]
        practise = [f"- {words}" for words in report.practise]
        text = ["### Labs to go back to", "", *labs, "", "To practise, by topic:", "", *practise]
        cells.append(new_markdown_cell("\n".join([*text, "", "To read:", "", *study])))
    if report.missed:
        note = "" if report.explained else "\n\nExplanations come after the deadline."
        cells.append(new_markdown_cell(f"### Questions you missed{note}"))
    cells += [new_markdown_cell(_words(line)) for line in report.missed]
    return cells


def _words(line: Missed) -> str:
    text = [f"**Question {line.number}** · {line.topic} · {line.lab}", "", line.stem, ""]
    if line.chosen or line.best:
        text.append(f"- You chose: {line.chosen or 'nothing'}" + (f" *{line.why}*" if line.why else ""))
    if line.best:
        text.append(f"- The best answer: {line.best} *{line.best_why}*")
    elif line.best_why:
        text.append(line.best_why)
    return "\n".join(text)


def _chart_cell(topics: list[TopicScore]) -> NotebookNode:
    image = base64.b64encode(topic_chart(topics)).decode()
    words = ", ".join(f"{topic.name} {topic.right}/{topic.asked}" for topic in topics)
    output = new_output("display_data", data={"image/png": image, "text/plain": f"By topic: {words}"})
    return new_code_cell("# Right answers by topic", outputs=[output], execution_count=None)


def topic_chart(topics: list[TopicScore]) -> bytes:
    """A PNG: for each topic a bar of the share of right answers, with the numbers beside it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.45 * len(topics) + 0.9), layout="constrained")
    axes = figure.subplots()
    shares = [100 * topic.right / topic.asked for topic in topics]
    axes.barh([topic.name for topic in topics], [100] * len(topics), color="#e6e6e6")
    bars = axes.barh([topic.name for topic in topics], shares, color="#3b6ea5")
    axes.bar_label(bars, [f"{topic.right} of {topic.asked}" for topic in topics], padding=4, color="#222222")
    axes.invert_yaxis()
    axes.set_xlim(0, 118)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("right answers, %")
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def write(cells: list[NotebookNode], title: str, stem: Path) -> list[Path]:
    """Write cells as `stem.ipynb` and `stem.html`; returns both paths."""
    notebook = new_notebook(cells=[new_markdown_cell(f"# {title}"), *cells])
    for count, cell in enumerate(notebook.cells):
        cell.id = f"report-{count}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(stem.name + ".ipynb"), stem.with_name(stem.name + ".html")]
    nbformat.write(notebook, paths[0])
    exporter = HTMLExporter(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True)
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": html.escape(title)}})
    paths[1].write_text(page, encoding="utf-8")
    return paths


# ---------------------------------------------------------------- the class


@dataclass
class ItemStatistics:
    """How a class did on one item."""

    item: Item | CodeItem
    number: int
    #: Share of students who were right (classical item difficulty: high is easy).
    difficulty: float
    #: Correlation of being right here with the score on all other items; None for few students or no variation.
    discrimination: float | None
    #: The wrong option that was chosen most, and by how many.
    trap: str = ""
    trapped: int = 0
    blank: int = 0
    flags: list[str] = field(default_factory=list)


def item_statistics(bank: Bank, papers: list[Paper]) -> list[ItemStatistics]:
    """Difficulty and discrimination of every item over a class (classical test theory, corrected item-total correlation)."""
    right = np.array([[paper.points.get(item.grade_id, 0) >= 1 for item in bank.items] for paper in papers])
    found = []
    for column, item in enumerate(bank.items):
        own, rest = right[:, column].astype(float), right.sum(axis=1) - right[:, column]
        known = len(papers) >= STUDENTS_FOR_DISCRIMINATION and own.std() > 0 and rest.std() > 0
        line = ItemStatistics(
            item=item,
            number=column + 1,
            difficulty=float(own.mean()),
            discrimination=float(np.corrcoef(own, rest)[0, 1]) if known else None,
        )
        if item.kind == "choice":
            chosen = Counter(paper.picked.get(item.id, "") for paper in papers)
            line.blank = chosen.pop("", 0)
            chosen.pop(item.answer, None)
            line.trap, line.trapped = chosen.most_common(1)[0] if chosen else ("", 0)
        line.flags = _flags(line, len(papers))
        found.append(line)
    return found


def _flags(line: ItemStatistics, students: int) -> list[str]:
    flags = []
    if line.difficulty < TOO_HARD and students >= STUDENTS_FOR_DISCRIMINATION:
        flags.append("hardly anyone is right")
    if line.difficulty > TOO_EASY and students >= STUDENTS_FOR_DISCRIMINATION:
        flags.append("nearly everyone is right")
    if line.discrimination is not None and line.discrimination < 0:
        flags.append("those who know more do worse")
    elif line.discrimination is not None and line.discrimination < LOW_DISCRIMINATION:
        flags.append("does not tell who knows more")
    if line.trapped > line.difficulty * students and line.trapped > 1:
        flags.append(f"more chose {line.trap}")
    return flags


def class_cells(bank: Bank, papers: list[Paper]) -> list[NotebookNode]:
    """The class's result and a line for every item, as notebook cells."""
    reports = [report_on(bank, paper) for paper in papers]
    scores = [report.right for report in reports]
    passed = sum(report.passed for report in reports)
    head = (
        f"{len(papers)} student{'s' if len(papers) > 1 else ''}, mean {np.mean(scores):.1f} of {len(bank.items)}, median {np.median(scores):g};"
        f" {passed} passed ({bank.needed} needed)."
    )
    if len(papers) < STUDENTS_FOR_DISCRIMINATION:
        head += f" Discrimination is shown from {STUDENTS_FOR_DISCRIMINATION} students on."
    rows = [
        "| | item | topic | right | discrimination | blank | most chosen wrong option | look at it |",
        "|---:|---|---|---:|---:|---:|---|---|",
    ]
    for line in item_statistics(bank, papers):
        shown = "–" if line.discrimination is None else f"{line.discrimination:.2f}"
        trap = f"{line.trap} ({line.trapped})" if line.trapped else ""
        rows.append(
            f"| {line.number} | {line.item.id} | {line.item.topic} | {100 * line.difficulty:.0f} % | {shown} | {line.blank} |"
            f" {trap} | {'; '.join(line.flags)} |"
        )
    return [new_markdown_cell(head), _class_chart(scores, bank), new_markdown_cell("\n".join(rows))]


def _class_chart(scores: list[int], bank: Bank) -> NotebookNode:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    counts = [scores.count(n) for n in range(len(bank.items) + 1)]
    colours = ["#3b6ea5" if n >= bank.needed else "#b9c7d6" for n in range(len(counts))]
    axes.bar(range(len(counts)), counts, color=colours)
    axes.axvline(bank.needed - 0.5, color="#222222", linewidth=1)
    axes.text(bank.needed - 0.4, max(counts), "passed", va="top")
    axes.set_xlabel("right answers")
    axes.set_ylabel("students")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    image = base64.b64encode(_png(figure)).decode()
    output = new_output(
        "display_data", data={"image/png": image, "text/plain": f"Students by right answers: {counts}"}
    )
    return new_code_cell("# Students by right answers", outputs=[output], execution_count=None)


# ---------------------------------------------------------------- out of the gradebook


def bank_of(notebook: NotebookNode, folder: Path) -> Bank | None:
    """The bank that a notebook is an exam on; None for a lab."""
    name = notebook.metadata.get("servelab", {}).get("exam")
    return load_banks(folder).get(name) if name else None


def picked_in(notebook: NotebookNode, bank: Bank) -> dict[str, str]:
    """The options that a notebook's answer cells name."""
    items = {item.grade_id: item for item in bank.choices}
    return {
        items[name].id: picked_option(cell.source, items[name])
        for cell in notebook.cells
        if (name := nbgrader_field(cell, "grade_id")) in items
    }


def paper_of(gradebook: Gradebook, exam: str, student: str, autograded: NotebookNode, bank: Bank) -> Paper:
    """A graded exam as it stands in the gradebook, with what a person has changed or added."""
    answers = _answer_of_check(autograded)
    points: dict[str, float] = {}
    scenarios: dict[str, float] = {}
    known = {scenario.id for scenario in bank.scenarios}
    for grade in gradebook.find_submission_notebook(exam, exam, student).grades:
        if grade.name in known:
            if grade.manual_score is not None:
                scenarios[grade.name] = float(grade.manual_score)
        elif grade.name in answers:
            points[answers[grade.name]] = points.get(answers[grade.name], 0.0) + float(grade.score or 0)
    return Paper(student=student, points=points, picked=picked_in(autograded, bank), scenarios=scenarios)


def _answer_of_check(notebook: NotebookNode) -> dict[str, str]:
    """The answer cell that each check belongs to: the last one before it."""
    found, answer = {}, ""
    for cell in notebook.cells:
        name = nbgrader_field(cell, "grade_id")
        if nbgrader_field(cell, "solution"):
            answer = name
        elif nbgrader_field(cell, "grade"):
            found[name] = answer
    return found


def papers_of(config: Any, exam: str) -> tuple[Bank, list[Paper]]:
    """All graded papers of an exam.

    Raises:
        CourseError: it is no exam, or nothing is graded.
    """
    course = config.CourseDirectory
    root = Path(course.root)
    source = root / course.source_directory / exam / f"{exam}.ipynb"
    bank = bank_of(read_notebook(source), root / "quizzes")
    if bank is None:
        raise CourseError(f"{exam} is no exam: only the result of an exam is reported.")
    papers = []
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for path in sorted((root / course.autograded_directory).glob(f"*/{exam}/{exam}.ipynb")):
            student = path.parent.parent.name
            try:
                papers.append(paper_of(gradebook, exam, student, read_notebook(path), bank))
            except MissingEntry:
                continue  # its grading was cut off
    if not papers:
        raise CourseError(f"Nothing of {exam} is graded yet: run `servelab grade {exam}` first.")
    return bank, papers


def write_reports(config: Any, exam: str, out: Path, students: list[str] | None = None) -> list[Path]:
    """Write a report for each student, and one on the class for the instructor; returns the pages.

    Raises:
        CourseError: it is no exam, nothing is graded, or no such student.
    """
    from servelab.progress import bar

    bank, papers = papers_of(config, exam)
    unknown = sorted(set(students or []) - {paper.student for paper in papers})
    if unknown:
        raise CourseError(f"No paper of {unknown[0]} is graded for {exam}.")
    wanted = [paper for paper in papers if students is None or paper.student in students]
    pages = []
    with bar(total=len(wanted) + (students is None), desc="Reports", unit="report") as shown:
        for paper in wanted:
            title = f"{bank.title}: {paper.student}"
            pages.append(write(cells_of(report_on(bank, paper)), title, out / paper.student)[1])
            shown.update(1)
        if students is None:
            pages.append(write(class_cells(bank, papers), f"{bank.title}: the class", out / "_class")[1])
            shown.update(1)
    return pages
