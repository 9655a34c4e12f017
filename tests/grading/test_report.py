"""An exam's report: who passed, what to go back to, what was missed; and what a class says about the items."""

from __future__ import annotations

import random
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from servelab.course.quiz import Bank, load_banks
from servelab.grading import report
from servelab.grading.report import Paper, class_cells, item_statistics, report_on

BANKS = load_banks(ROOT / "quizzes")
FIRST, SECOND = BANKS["llms-in-production"], BANKS["llm-infrastructure"]


def paper(
    bank: Bank, wrong: set[int] = frozenset(), blank: set[int] = frozenset(), student: str = "ada"
) -> Paper:
    """A paper on which the items at these positions are wrong, or left out."""
    points, picked = {}, {}
    for number, item in enumerate(bank.items):
        right = number not in wrong and number not in blank
        points[item.grade_id] = float(right)
        if item.kind == "choice" and number not in blank:
            other = next(option.id for option in item.options if option.id != item.answer)
            picked[item.id] = item.answer if right else other
    return Paper(student=student, points=points, picked=picked)


@pytest.mark.parametrize(
    ("bank", "wrong", "passed"),
    [(FIRST, 6, True), (FIRST, 7, False), (SECOND, 5, True), (SECOND, 6, False), (FIRST, 0, True), (SECOND, 25, False)],
)  # fmt: skip
def test_passing(bank: Bank, wrong: int, passed: bool) -> None:
    found = report_on(bank, paper(bank, set(range(wrong))))
    assert (found.passed, found.right, found.asked) == (passed, len(bank.items) - wrong, len(bank.items))
    assert len(found.missed) == wrong and sum(t.asked - t.right for t in found.topics) == wrong
    assert sum(t.asked for t in found.topics) == len(bank.items)


@pytest.mark.parametrize("bank", BANKS.values(), ids=BANKS.keys())
def test_every_score_has_next_steps(bank: Bank) -> None:
    names = []
    for wrong in range(len(bank.items) + 1):
        found = report_on(bank, paper(bank, set(range(wrong))))
        assert found.band and found.next_steps and found.certification
        names.append(found.band)
    assert len(set(names)) == len(bank.bands) == 4


def test_scenarios_never_decide() -> None:
    wrong = set(range(6))
    best = {scenario.id: float(scenario.points) for scenario in SECOND.scenarios}
    without = report_on(SECOND, paper(SECOND, wrong))
    with_all = report_on(SECOND, paper(SECOND, wrong).model_copy(update={"scenarios": best}))
    assert (without.passed, with_all.passed, with_all.right) == (False, False, 19)
    assert (without.unread, with_all.unread, with_all.bonus, with_all.bonus_max) == (3, 0, 30, 30)


def test_what_was_missed_is_explained_only_when_it_may_be() -> None:
    copy = paper(FIRST, wrong={0, 11}, blank={2})
    open_, closed = report_on(FIRST, copy), report_on(FIRST, copy, explain=False)
    assert [line.number for line in open_.missed] == [1, 3, 12]
    first, third, code = open_.missed
    assert first.chosen and first.why and first.best == FIRST.items[0].right.text and first.best_why
    assert third.chosen == "" and FIRST.items[2].right.why == f"Right. {third.best_why}"
    assert code.best_why == FIRST.items[11].why and FIRST.items[11].kind == "code"
    secrets = [words for _, words in FIRST.secrets()] + [FIRST.items[0].right.text]
    told = "\n".join(cell.source for cell in report.cells_of(closed))
    assert not any(secret in told for secret in secrets) and "after the deadline" in told
    assert closed.missed[0].chosen in told
    assert all(line.best in "\n".join(c.source for c in report.cells_of(open_)) for line in open_.missed)


def test_labs_to_go_back_to() -> None:
    found = report_on(
        FIRST, paper(FIRST, {n for n, item in enumerate(FIRST.items) if item.topic == FIRST.items[0].topic})
    )
    assert found.revisit and set(found.revisit) == {
        item.lab for item in FIRST.items if item.topic == FIRST.items[0].topic
    }
    assert {title for title, _ in found.study} == {r.title for r in FIRST.topics[0].study}
    assert report_on(FIRST, paper(FIRST)).revisit == []


def test_it_is_written_as_notebook_and_page(tmp_path: Path) -> None:
    cells = report.cells_of(report_on(SECOND, paper(SECOND, {1, 2, 3})))
    notebook, page = report.write(cells, "LLM Infrastructure: ada", tmp_path / "reports" / "ada")
    nbformat.validate(nbformat.read(notebook, 4))
    text = page.read_text()
    assert "22 of 25" in text and "data:image/png;base64" in text and "You passed." in text
    assert SECOND.items[1].right.text.split(",")[0] in text


def a_class(bank: Bank, size: int = 40) -> list[Paper]:
    """Students who know more and more: the n-th item is right for all whose knowledge is above its difficulty."""
    draw = random.Random(4)
    papers = []
    for n in range(size):
        knows = n / size
        wrong = {i for i in range(len(bank.items)) if draw.random() > 0.15 + 0.8 * knows}
        papers.append(paper(bank, wrong, student=f"s{n}"))
    return papers


def test_what_a_class_says_about_the_items() -> None:
    papers = a_class(FIRST)
    hard, turned = FIRST.items[4], FIRST.items[7]
    for n, one in enumerate(papers):
        other = next(option.id for option in hard.options if option.id != hard.answer)
        one.points[hard.grade_id], one.picked[hard.id] = 0.0, other
        one.points[turned.grade_id] = float(n < 20)
    lines = {line.item.id: line for line in item_statistics(FIRST, papers)}
    assert lines[hard.id].difficulty == 0 and lines[hard.id].discrimination is None
    assert lines[hard.id].trapped == 40 and "hardly anyone is right" in lines[hard.id].flags
    assert any(flag.startswith("more chose") for flag in lines[hard.id].flags)
    assert lines[turned.id].discrimination < 0 and "those who know more do worse" in lines[turned.id].flags
    fine = [line for line in lines.values() if line.item.id not in (hard.id, turned.id)]
    assert all(0.3 < line.difficulty < 0.9 for line in fine)
    assert sum(line.discrimination > 0.2 for line in fine) >= 15
    table = class_cells(FIRST, papers)[-1].source
    assert table.count("\n|") >= 21 and "those who know more do worse" in table


def test_a_small_class_is_not_overread() -> None:
    lines = item_statistics(FIRST, a_class(FIRST, 5))
    assert all(line.discrimination is None for line in lines)
    assert "from 10 students" in class_cells(FIRST, a_class(FIRST, 5))[0].source
