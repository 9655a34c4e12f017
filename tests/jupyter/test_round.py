"""An assignment's whole round, in the browser, by hand: released, worked on, submitted, graded, returned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from cells import answer, check, plain, written
from chromium import Said, browser, needs_chromium, page, said  # noqa: F401 - fixtures
from formgrader import ASSIGNMENT, SUBMISSION, formgrader, press, row
from labpage import close_dialog, course_tab, idle, open_lab, replace_source, validate
from labserver import LabServer, make_course, running_lab
from nbformat.v4 import new_markdown_cell, new_notebook
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]

LAB = "02-round"
WRONG = "def double(n):\n    return n + 2"
RIGHT = "def double(n):\n    return n + n"
# Fits the visible check only, and empties every cell that the same kernel runs later: graded there, it would get all points.
CHEAT = "get_ipython().input_transformers_cleanup.append(lambda lines: [])\ntriple = lambda n: 3"
SENTENCE = "Because adding it up is multiplying."
MANUAL, COMMENT = "2.5", "Say for which numbers this holds."
TOTAL = 4.5  # 2 for double, 0 for triple, and what the instructor types
OUT_OF = 7


def function(name: str, factor: int) -> list[nbformat.NotebookNode]:
    """An answer, and a check with a hidden part."""
    body = f"### BEGIN SOLUTION\ndef {name}(n):\n    return {factor} * n\n### END SOLUTION"
    tests = (
        f"assert {name}(1) == {factor}, 'What is {factor} times 1?'\n### BEGIN HIDDEN TESTS\n"
        f"assert {name}(50) == {factor * 50}, 'It must work for any number.'\n### END HIDDEN TESTS"
    )
    return [answer(body, name), check(tests, f"{name}-check", 2)]


def source() -> nbformat.NotebookNode:
    """The instructor's notebook: two functions, and a sentence that a person reads; 7 points."""
    cells = [
        new_markdown_cell("# A round", id="title"),
        plain("%load_ext servelab", "setup"),
        *function("double", 2),
        *function("triple", 3),
        written("why", 3),
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    about = {"title": "A round", "minutes": 5, "objectives": "Two functions and a sentence"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "servelab": about})


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on a course where the instructor has written an assignment and released nothing yet."""
    folder = make_course(tmp_path_factory.mktemp("round"))
    (folder / "solutions" / LAB).mkdir()
    nbformat.write(source(), folder / "solutions" / LAB / f"{LAB}.ipynb")
    with running_lab(folder) as server:
        yield server


def shot(page: Page, folder: Path, step: str) -> None:
    """Keep a picture of a step."""
    page.screenshot(path=folder / f"round-{step}.png")


def course_link(page: Page, command: str) -> None:
    """Go to the course's tab, and click on what opens one of nbgrader's."""
    page.locator(".lm-TabBar-tab", has_text="Course").click()
    course_tab(page).locator(f"a[data-command='nbgrader:{command}']").click()


def release(page: Page, folder: Path) -> None:
    """The instructor opens Formgrader, makes the students' version, and releases it."""
    course_link(page, "open-formgrader")
    frame = formgrader(page)
    line = row(frame, LAB)
    assert "student version" in press(frame, line.locator(ASSIGNMENT["generate"]))
    assert "released" in press(frame, line.locator(ASSIGNMENT["release"]))
    expect(line.locator(".status")).to_have_text("released")
    shot(page, folder, "1-released")


def assignments(page: Page) -> Locator:
    """The Assignment List, with what stands there now."""
    course_link(page, "open-assignment-list")
    shown = page.locator("#assignments")
    expect(shown.locator("#course_list_dropdown")).to_be_enabled()  # what was loaded on opening is there
    with page.expect_response(lambda answer: "/assignments?course_id" in answer.url):
        shown.locator("#refresh_assignments_list").click()
    expect(shown.locator("#course_list_dropdown")).to_be_enabled()
    return shown


def item(shown: Locator, part: str) -> Locator:
    """The assignment in one of the three lists: released, fetched, submitted."""
    return shown.locator(f"#{part}_assignments_list > .list_item", has_text=LAB)


def fetch_and_open(page: Page, folder: Path) -> None:
    """The student fetches the assignment, and opens its notebook from the list."""
    shown = assignments(page)
    item(shown, "released").get_by_role("button", name="Fetch").click()
    fetched = item(shown, "fetched")
    fetched.locator("a.assignment-notebooks-link").click()
    shot(page, folder, "2-fetched")
    fetched.locator(".nested_list_item a", has_text=LAB).click()
    expect(page.locator(".jp-NotebookPanel .jp-Cell")).to_have_count(7)
    idle(page)


def work(page: Page, folder: Path) -> None:
    """A wrong answer, which Validate explains; then the right one, a sentence, and a try to cheat."""
    double, triple = (page.locator(".jp-CodeCell").nth(number) for number in (1, 3))
    replace_source(page, double, WRONG)
    text = validate(page)
    assert "The following cell failed" in text and "What is 2 times 1?" in text, text
    assert "HIDDEN" not in text and "any number" not in text, text
    shot(page, folder, "3-validate-fails")
    close_dialog(page)
    replace_source(page, double, RIGHT)
    replace_source(page, triple, CHEAT)
    why = page.locator(".jp-MarkdownCell").last
    why.dblclick()
    replace_source(page, why, SENTENCE)
    page.keyboard.press("Shift+Enter")
    text = validate(page)
    assert "Success" in text, text
    shot(page, folder, "4-validate-passes")
    close_dialog(page)  # Validate has saved the notebook


def submit(page: Page, folder: Path) -> None:
    """The student hands it in."""
    shown = assignments(page)
    item(shown, "fetched").get_by_role("button", name="Submit").click()
    expect(item(shown, "submitted").locator(".nested_list_item")).to_have_count(1)
    shot(page, folder, "5-submitted")


def grade(page: Page, folder: Path) -> None:
    """The instructor collects and autogrades."""
    course_link(page, "open-formgrader")
    frame = formgrader(page)
    line = row(frame, LAB)
    press(frame, line.locator(ASSIGNMENT["collect"]))
    expect(line.locator(".num-submissions")).to_have_text("1")
    line.locator(ASSIGNMENT["submissions"]).click()
    paper = frame.locator("#main-table tr").first
    expect(paper.locator(".status")).to_have_text("needs autograding")
    press(frame, paper.locator(SUBMISSION["autograde"]))
    expect(paper.locator(".status")).to_have_text("needs manual grading")
    expect(paper.locator(".score")).to_have_text(f"2 / {OUT_OF}")  # the cheat gained nothing
    shot(page, folder, "6-autograded")


def read_and_score(page: Page, folder: Path) -> None:
    """Manual grading: the submission, a score and a comment typed in, which are stored when the field is left."""
    frame = formgrader(page)
    frame.get_by_role("link", name="Manual Grading").click()
    for link in (LAB, LAB, "Submission #1"):
        frame.locator("#main-table").get_by_role("link", name=link).first.click()
    expect(frame.locator("body")).to_contain_text(SENTENCE)
    expect(frame.locator("body")).to_contain_text("It must work for any number.")
    score = frame.locator("input#why")
    score.scroll_into_view_if_needed()
    score.fill(MANUAL)
    with page.expect_response(lambda a: "/formgrader/api/grade/" in a.url and a.request.method == "PUT"):
        score.press("Tab")
    comment = frame.locator("textarea#why-comment")
    comment.fill(COMMENT)
    with page.expect_response(lambda a: "/formgrader/api/comment/" in a.url and a.request.method == "PUT"):
        comment.press("Tab")
    shot(page, folder, "7-manual-score")


def give_back(page: Page, folder: Path) -> None:
    """The instructor makes the feedback and releases it."""
    frame = formgrader(page)
    frame.get_by_role("link", name="Manual Grading").first.click()
    frame.get_by_role("link", name="Manage Assignments").click()
    line = row(frame, LAB)
    assert "feedback" in press(frame, line.locator(ASSIGNMENT["generate feedback"]))
    assert "feedback" in press(frame, line.locator(ASSIGNMENT["release feedback"]))
    shot(page, folder, "8-feedback-released")


def read_feedback(page: Page, folder: Path) -> None:
    """The student fetches the feedback and opens it from the list; the course's tab knows the score too."""
    shown = assignments(page)
    handed_in = item(shown, "submitted")
    expect(handed_in).to_contain_text("feedback available to fetch")
    handed_in.get_by_role("button", name="Fetch Feedback").click()
    handed_in.get_by_text("(view feedback)").click()
    page.locator(".jp-DirListing-item", has_text=f"{LAB}.html").dblclick()
    text = page.frame_locator(".jp-HTMLViewer iframe, iframe.jp-HTMLViewer").locator("body")
    expect(text).to_contain_text(f"(Score: {TOTAL} / {OUT_OF}.0)")
    expect(text).to_contain_text("It must work for any number.")
    expect(text).to_contain_text(COMMENT)
    expect(text).not_to_contain_text("HIDDEN TESTS")
    shot(page, folder, "9-feedback")
    page.locator(".lm-TabBar-tab", has_text="Course").click()
    link = course_tab(page).locator(".lab", has_text="A round").get_by_role("link", name="Feedback")
    expect(link).to_have_text(f"Feedback: {TOTAL} of {OUT_OF}")
    shot(page, folder, "10-home")
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.locator("body")).to_contain_text(f"(Score: {TOTAL} / {OUT_OF}.0)")


def test_an_assignment_goes_round(course: LabServer, page: Page, said: Said, artefact_folder: Path) -> None:
    open_lab(page, course)
    release(page, artefact_folder)
    fetch_and_open(page, artefact_folder)
    work(page, artefact_folder)
    submit(page, artefact_folder)
    grade(page, artefact_folder)
    read_and_score(page, artefact_folder)
    give_back(page, artefact_folder)
    read_feedback(page, artefact_folder)
    # Formgrader's page of one submission asks a public server for MathJax, which is not reached from here.
    assert [error for error in said.errors if "MathJax is not defined" not in error] == said.ours == []
