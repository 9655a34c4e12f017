"""Both exams all the way: released, answered in a real browser, handed in, graded, reported."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from chromium import NotYet, browser, needs_chromium, until  # noqa: F401 - a fixture
from conftest import ROOT
from labserver import running_lab
from nbgrader.api import Gradebook
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


# Cells above get their true height when they come into view: a click waits until nothing moves any more.
FIND = """
    const button = [...document.querySelectorAll('.servelab-radio input')]
      .find(b => b.name.startsWith(arguments[0]) && b.value === arguments[1]);
    if (!button) return null;
    button.scrollIntoView({block: 'center'});
    const place = String(button.getBoundingClientRect().y);
    const still = button.dataset.place === place;
    button.dataset.place = place;
    return still ? button : null;
"""
WRITTEN = """
    const cell = [...document.querySelectorAll('.jp-CodeCell')]
      .find(c => c.querySelector('.servelab-radio input')?.name.startsWith(arguments[0]));
    return cell && cell.querySelector('.cm-content').innerText.includes(`= "${arguments[1]}"`);
"""


FOCUS = "arguments[0].focus({preventScroll: true}); return document.activeElement === arguments[0]"
PRESSES = 6
IDLE = "return document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"


def menu(browser: Any, title: str, command: str) -> None:
    """Choose a command in JupyterLab's menu bar."""
    script = "return [...document.querySelectorAll('.lm-MenuBar-item')].find(x => x.innerText.trim() === arguments[0])"
    until(browser, script, title).click()
    until(browser, f"return document.querySelector('.lm-Menu-item[data-command=\"{command}\"]')").click()


def keys(browser: Any, *pressed: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*pressed).perform()


def choose(browser: Any, name: str, answer: str, *, by_keyboard: bool) -> None:
    """Press a radio button until its answer stands in the cell, as a person would whose first click went beside it."""
    from selenium.webdriver.common.keys import Keys

    for _ in range(PRESSES):
        button = until(browser, FIND, f"{name}-", answer)
        if by_keyboard:
            until(browser, FOCUS, button)
            keys(browser, Keys.SPACE)
        else:
            button.click()
        with contextlib.suppress(NotYet):
            return until(browser, WRITTEN, f"{name}-", answer, seconds=10)
    raise AssertionError(f"{name}: pressed {PRESSES} times, and the cell does not say {answer}")


def answer_in_the_browser(server: Any, room: Classroom, browser: Any, exam: str, screenshot: Path) -> None:
    """Open one's copy, run all cells, click the answers, save."""
    bank = BANKS[EXAMS[exam]]
    copy = room.notebook(exam, "ada")
    browser.get(f"{server.base}/lab/tree/{copy.relative_to(room.folder)}?reset&token={server.token}")
    until(browser, "return document.querySelectorAll('.jp-Notebook .jp-Cell').length > 20")
    until(browser, IDLE)
    menu(browser, "Run", "runmenu:run-all")
    until(browser, FIND, f"{bank.choices[-1].name}-", bank.choices[-1].answer)
    until(browser, IDLE)  # when all cells have run, JupyterLab moves the focus once more
    chosen = {name: answer for name, answer in sheet(bank).items() if answer}
    for count, (name, answer) in enumerate(chosen.items()):
        choose(browser, name, answer, by_keyboard=count == 0)
        if count == 1:
            browser.save_screenshot(str(screenshot))
    menu(browser, "File", "docmanager:save")
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


def look_in_formgrader(server: Any, browser: Any, config: Any, exam: str, screenshot: Path) -> None:
    """The person who grades sees what was chosen in words, and each scenario with its rubric and answer."""
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        number = gradebook.find_submission_notebook(exam, exam, "ada").id
    browser.get(f"{server.base}/formgrader/submissions/{number}/?index=0&token={server.token}")
    text = until(browser, "return document.body.innerText.includes('Chosen:') && document.body.innerText")
    bank = BANKS[EXAMS[exam]]
    for scenario in bank.scenarios:
        assert scenario.title in text and f"My plan for {scenario.title}." in text
        assert scenario.rubric.excellent.split(".")[0].split("`")[0] in re.sub(r"\s+", " ", text)
    browser.save_screenshot(str(screenshot))


@pytest.mark.parametrize("exam", EXAMS)
def test_an_exam_from_release_to_report(
    exam: str, room: Classroom, address: Any, browser: Any, tmp_path: Path, artefact_folder: Path
) -> None:
    bank = BANKS[EXAMS[exam]]
    write_code_and_words(room, exam)
    answer_in_the_browser(address, room, browser, exam, artefact_folder / f"{exam}-answering.png")
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

    look_in_formgrader(address, browser, config, exam, artefact_folder / f"{exam}-formgrader.png")
    _, (paper,) = papers_of(config, exam)
    report = report_on(bank, paper)
    assert (report.right, report.passed) == (len(right), len(right) >= bank.needed)
    assert report.bonus == (7 if bank.scenarios else 0)
    pages = write_reports(config, exam, tmp_path / "reports")
    assert [page.stem for page in pages] == ["ada", "_class"]
    browser.get(pages[0].as_uri())
    text = browser.find_element("css selector", "body").text
    assert f"Your result: {len(right)} of {len(bank.items)}" in text
    assert report.missed[0].best in text and browser.find_elements(
        "css selector", "img[src^='data:image/png']"
    )
    browser.save_screenshot(str(artefact_folder / f"{exam}-report.png"))
    browser.get(pages[1].as_uri())
    browser.save_screenshot(str(artefact_folder / f"{exam}-class.png"))

    room.nbgrader("generate_feedback", exam)
    room.nbgrader("release_feedback", exam)
    room.nbgrader("fetch_feedback", exam, student="ada")
    (page,) = room.desk("ada").glob(f"{exam}/feedback/*/*.html")
    browser.get(page.as_uri())
    text = browser.find_element("css selector", "body").text
    assert f"Your result: {len(right)} of {len(bank.items)}" in text
    assert "Explanations come after the deadline" in text
    assert not any(" ".join(words.split()) in " ".join(text.split()) for _, words in bank.secrets())
    wrong = next(item for item in bank.choices if sheet(bank)[item.name] not in ("", item.answer))
    chosen = next(option.text for option in wrong.options if option.id == sheet(bank)[wrong.name])
    assert f"Chosen: {chosen}" in re.sub(r"\s+", " ", text)
    browser.save_screenshot(str(artefact_folder / f"{exam}-feedback.png"))
