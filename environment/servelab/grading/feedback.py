"""Feedback that is safe to open: no hidden test in it, no script, no more text than a person reads.

What the sandbox returned is text already. What is left to clean is what a student writes into Markdown cells, which become HTML.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nh3
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import GetGrades, NbGraderPreprocessor
from traitlets import List

from servelab.course.quiz import Bank, Item, load_banks
from servelab.grading.check import picked_option
from servelab.grading.repair import HIDDEN_REGION, nbgrader_field
from servelab.grading.report import bank_of, cells_of, paper_of, report_on

#: Of one cell's source and of one output.
SHOWN_CHARS = 20_000
_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area", "link", "style", "svg", "math"}
_CUT = "\n... (cut here: the rest was too long to show)"


class _Step(NbGraderPreprocessor):
    """nbgrader's base hides a setting that its HTML exporter gives to all preprocessors, and each would warn of it at every start."""

    display_data_priority = List(config=True)


class HideTests(_Step):
    """Takes hidden tests out of check cells."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """One cell, as nbconvert calls it."""
        if cell.cell_type == "code":
            cell.source = without_hidden_tests(cell.source)
        return cell, resources


def without_hidden_tests(text: str) -> str:
    """A check's text as students know it; whatever follows a mark that is never closed is left out as well."""
    shown = HIDDEN_REGION.sub("", text)
    return shown.split("### BEGIN HIDDEN TESTS")[0].rstrip("\n")


class CleanUp(_Step):
    """Makes what a student wrote harmless and short: Markdown becomes plain HTML, outputs become text."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """One cell, as nbconvert calls it."""
        cell.pop("attachments", None)
        if nbgrader_field(cell, "solution") or nbgrader_field(cell, "task"):
            cell.source = _cut(cell.source)
            if cell.cell_type == "markdown":
                cell.source = clean(markdown2html_mistune(cell.source))
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _cut(_joined(output["text"]))
            if "data" in output:
                output["data"] = {"text/plain": _cut(_joined(output["data"].get("text/plain", "")))}
            if "traceback" in output:
                output["traceback"] = [_cut(_joined(line)) for line in output["traceback"][:60]]
        return cell, resources


class Explain(_Step):
    """Puts an exam's report on top and, once the deadline has passed, says under each quiz answer why it is right or wrong."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """One graded notebook, as nbconvert calls it."""
        told, course = resources["nbgrader"], self.config.CourseDirectory
        folder = Path(course.root) / "quizzes"
        banks = load_banks(folder) if folder.is_dir() else {}
        over = bool(banks) and _is_over(told)
        if over:
            _explain(nb, list(banks.values()))
        exam = bank_of(nb, folder) if banks else None
        if exam is not None:
            with Gradebook(told["db_url"], course.course_id) as gradebook:
                paper = paper_of(gradebook, told["assignment"], told["student"], nb, exam)
            nb.cells[1:1] = cells_of(report_on(exam, paper, explain=over))
        return nb, resources


def _explain(nb: NotebookNode, banks: list[Bank]) -> None:
    """Write the explanation of every question of a bank below its answer."""
    items = {item.grade_id: item for bank in banks for item in bank.items}
    for cell in nb.cells:
        item = items.get(nbgrader_field(cell, "grade_id") or "")
        if item is not None and cell.cell_type == "code":
            text = item.why + "\n" if item.kind == "code" else _explanation(item, cell.source)
            cell.outputs.append(new_output("stream", name="stdout", text=text))


def _is_over(told: dict[str, Any]) -> bool:
    with Gradebook(told["db_url"]) as gradebook:
        duedate = gradebook.find_submission(told["assignment"], told["student"]).duedate
    return duedate is not None and duedate < datetime.now(UTC).replace(
        tzinfo=None
    )  # nbgrader keeps UTC without saying so


def _explanation(item: Item, text: str) -> str:
    options = {option.id: option for option in item.options}
    picked = picked_option(text, item)
    lines = [options[picked].why] if picked else []
    if picked != item.answer:
        lines.append(f"The best answer: {options[item.answer].text}\n{options[item.answer].why}")
    return "\n".join(lines) + "\n"


def clean(html: str) -> str:
    """HTML without anything that runs, loads or leads to where a script is."""
    return nh3.clean(
        html, tags=_TAGS, url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer nofollow"
    )


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + _CUT


def configure(config: Any) -> None:
    """Put this into an nbgrader configuration. Called by `nbgrader_config.py`."""
    # A page that is there says nothing of points given by hand since, nor of explanations that are due now: it is written again.
    config.GenerateFeedback.force = True
    config.GenerateFeedback.preprocessors = [
        GetGrades,
        HideTests,
        CleanUp,
        Explain,
        CSSHTMLHeaderPreprocessor,
    ]
