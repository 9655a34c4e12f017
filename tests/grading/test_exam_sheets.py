"""Whatever a student picks, an exam's score is the number of right answers, neither more nor less."""

from __future__ import annotations

import random

import pytest
from conftest import ROOT
from servelab.course.quiz import Bank, load_banks
from servelab.grading.repair import Laid, questions_of, read_notebook
from servelab.grading.report import Paper, picked_in, report_on
from servelab.grading.run import Grader, scores_of

pytestmark = pytest.mark.slow
EXAMS = {
    "12-exam-llms-in-production": "llms-in-production",
    "13-exam-llm-infrastructure": "llm-infrastructure",
}
BANKS = load_banks(ROOT / "quizzes")


def draw_sheet(bank: Bank, draw: random.Random, share: float) -> tuple[dict[str, str], set[str]]:
    """Texts of answer cells, and the ids of those that are right."""
    texts: dict[str, str] = {}
    right: set[str] = set()
    for item in bank.items:
        knows = draw.random() < share
        if knows:
            right.add(item.grade_id)
        if item.kind == "code":
            texts[item.grade_id] = draw.choice(item.right if knows else item.wrong).text
            continue
        others = [option.id for option in item.options if option.id != item.answer]
        value = item.answer if knows else draw.choice([*others, "", "None of these", None, 3])
        texts[item.grade_id] = f"{item.name} = {value!r}"
    return texts, right


@pytest.mark.parametrize("exam", EXAMS)
def test_mixed_sheets(exam: str) -> None:
    bank, draw = BANKS[EXAMS[exam]], random.Random(11)
    with Grader() as grader:
        for share in (0.0, 0.3, 0.5, 0.7, 1.0):
            texts, right = draw_sheet(bank, draw, share)
            notebook = read_notebook(ROOT / "solutions" / exam / f"{exam}.ipynb")
            questions = questions_of(notebook)
            for question in questions:
                cell = notebook.cells[question.index]
                cell.source = texts.get(question.grade_id, cell.source)
            laid = Laid(notebook=notebook, questions=questions)
            points: dict[str, float] = {}
            for score in scores_of(laid, grader.run(laid).runs):
                points[score.question] = points.get(score.question, 0) + score.points
            assert {name for name, earned in points.items() if earned} == right
            assert sum(points.values()) == len(right)
            report = report_on(bank, Paper(student="ada", points=points, picked=picked_in(notebook, bank)))
            assert (report.right, report.passed) == (len(right), len(right) >= bank.needed)
