"""Both exams all the way: released, answered in a real browser, handed in, graded, reported."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from chromium import browser, needs_chromium, page, said  # noqa: F401 - fixtures
from conftest import ROOT
from labpage import choose, idle, menu, open_notebook, radio, visit
from labserver import running_lab
from nbgrader.api import Gradebook
from playwright.sync_api import Page, expect
from servelab.course.building import load_config
from servelab.course.quiz import ANSWER_LINE, Bank, load_banks
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all
from servelab.grading.report import papers_of, report_on, write_reports

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]
BANKS = load_banks(ROOT / "quizzes")
EXAMS = {
    "12-exam-llms-in-production": "llms-in-production",
    "13-exam-llm-infrastructure": "llm-infrastructure",
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """A class to which both exams are released, and one student who has fetched them."""
    room = Classroom(tmp_path_factory.mktemp("class"), ROOT, list(EXAMS))
    for exam in EXAMS:
        room.nbgrader("generate_assignment", exam, "--force")
        room.nbgrader("release_assignment", exam)
        room.nbgrader("fetch_assignment", exam, student="ada")
    return room


@pytest.fixture(scope="module")
def address(room: Classroom) -> Iterator[Any]:
    """JupyterLab, as the student starts it."""
    with running_lab(room.folder, SERVELAB_WORK=str(room.desk("ada"))) as server:
        yield server


def sheet(bank: Bank) -> dict[str, str]:
    """What the student answers: mostly right, every fourth wrong, every ninth not at all."""
    chosen = {}
    for number, item in enumerate(bank.choices):
        others = [option.id for option in item.options if option.id != item.answer]
        chosen[item.name] = "" if number % 9 == 8 else others[number % 3] if number % 4 == 3 else item.answer
    return chosen


def answer_in_the_browser(server: Any, room: Classroom, page: Page, exam: str, screenshot: Path) -> None:
    """Open one's copy, run all cells, click the answers, save."""
    bank = BANKS[EXAMS[exam]]
    copy = room.notebook(exam, "ada")
    open_notebook(page, server, copy)
    expect(page.locator(".jp-Notebook .jp-Cell").nth(20)).to_be_attached()
    menu(page, "Run", "runmenu:run-all")
    expect(radio(page, bank.choices[-1].name, bank.choices[-1].answer)).to_be_attached()
    idle(page)  # when all cells have run, JupyterLab moves the focus once more
    chosen = {name: answer for name, answer in sheet(bank).items() if answer}
    for count, (name, answer) in enumerate(chosen.items()):
        choose(page, name, answer, by_keyboard=count == 0)
        if count == 1:
            page.screenshot(path=screenshot)
    menu(page, "File", "docmanager:save")
    deadline = time.monotonic() + 20
    while stored(copy) != sheet(bank) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert stored(copy) == sheet(bank)


def stored(path: Path) -> dict[str, str]:
    """The answers in a notebook; none while JupyterLab is writing it."""
    try:
        notebook = nbformat.read(path, 4)
    except nbformat.reader.NotJSONError:
        return {}
    lines = [ANSWER_LINE.match(cell.source.strip()) for cell in notebook.cells]
    return {line["name"]: line["value"].strip('"') for line in lines if line}


def write_code_and_words(room: Classroom, exam: str) -> None:
    """The rest of the answers: code (one of four wrong) and scenarios."""
    path, bank = room.notebook(exam, "ada"), BANKS[EXAMS[exam]]
    notebook = nbformat.read(path, 4)
    texts = {item.id: item.right[0].text for item in bank.codes[1:]}
    texts |= {item.id: item.wrong[0].text for item in bank.codes[:1]}
    texts |= {scenario.id: f"My plan for {scenario.title}." for scenario in bank.scenarios}
    for cell in notebook.cells:
        cell.source = texts.get(cell.id, cell.source)
    nbformat.write(notebook, path)


def look_in_formgrader(server: Any, page: Page, config: Any, exam: str, screenshot: Path) -> None:
    """The person who grades sees what was chosen in words, and each scenario with its rubric and answer."""
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        number = gradebook.find_submission_notebook(exam, exam, "ada").id
    visit(page, server, f"/formgrader/submissions/{number}/", "index=0&")
    expect(page.locator("body")).to_contain_text("Chosen:")
    text = page.locator("body").inner_text()
    bank = BANKS[EXAMS[exam]]
    for scenario in bank.scenarios:
        assert scenario.title in text and f"My plan for {scenario.title}." in text
        assert scenario.rubric.excellent.split(".")[0].split("`")[0] in re.sub(r"\s+", " ", text)
    page.screenshot(path=screenshot)


@pytest.mark.parametrize("exam", EXAMS)
def test_an_exam_from_release_to_report(
    exam: str, room: Classroom, address: Any, page: Page, tmp_path: Path, artefact_folder: Path
) -> None:
    bank = BANKS[EXAMS[exam]]
    write_code_and_words(room, exam)
    answer_in_the_browser(address, room, page, exam, artefact_folder / f"{exam}-answering.png")
    room.nbgrader("submit", exam, student="ada")
    room.nbgrader("collect", exam)
    config = load_config(ROOT, room.folder)
    assert grade_all(config, exam).failed == {}

    right = [item.id for item in bank.choices if sheet(bank)[item.name] == item.answer]
    right += [item.id for item in bank.codes[1:]]
    _, (paper,) = papers_of(config, exam)
    earned = [item.id for item in bank.items if paper.points[item.grade_id] == 1]
    assert sorted(earned) == sorted(right) and sum(paper.points.values()) == len(right)
    if bank.scenarios:  # a person reads them
        with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
            grade = gradebook.find_grade(bank.scenarios[0].id, exam, exam, "ada")
            assert grade.needs_manual_grade
            grade.manual_score, grade.needs_manual_grade = 7, False
            gradebook.db.commit()

    look_in_formgrader(address, page, config, exam, artefact_folder / f"{exam}-formgrader.png")
    _, (paper,) = papers_of(config, exam)
    report = report_on(bank, paper)
    assert (report.right, report.passed) == (len(right), len(right) >= bank.needed)
    assert report.bonus == (7 if bank.scenarios else 0)
    pages = write_reports(config, exam, tmp_path / "reports")
    assert [file.stem for file in pages] == ["ada", "_class"]
    page.goto(pages[0].as_uri())
    text = page.locator("body").inner_text()
    assert f"Your result: {len(right)} of {len(bank.items)}" in text
    assert report.missed[0].best in text
    assert page.locator("img[src^='data:image/png']").count() > 0
    page.screenshot(path=artefact_folder / f"{exam}-report.png")
    page.goto(pages[1].as_uri())
    page.screenshot(path=artefact_folder / f"{exam}-class.png")

    room.nbgrader("generate_feedback", exam)
    room.nbgrader("release_feedback", exam)
    room.nbgrader("fetch_feedback", exam, student="ada")
    (fetched,) = room.desk("ada").glob(f"{exam}/feedback/*/*.html")
    page.goto(fetched.as_uri())
    text = page.locator("body").inner_text()
    assert f"Your result: {len(right)} of {len(bank.items)}" in text
    assert "Explanations come after the deadline" in text
    assert not any(" ".join(words.split()) in " ".join(text.split()) for _, words in bank.secrets())
    wrong = next(item for item in bank.choices if sheet(bank)[item.name] not in ("", item.answer))
    chosen = next(option.text for option in wrong.options if option.id == sheet(bank)[wrong.name])
    assert f"Chosen: {chosen}" in re.sub(r"\s+", " ", text)
    page.screenshot(path=artefact_folder / f"{exam}-feedback.png")
