"""A student's first half hour with lab 04, in the browser: the real engine, text that grows, a chart, a quiz."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from chromium import Said, browser, needs_chromium, page, said  # noqa: F401 - fixtures
from conftest import ROOT
from labpage import choose, idle, numbered, open_lab, press_run, replace_source, save
from labserver import LabServer, running_lab
from playwright.sync_api import Locator, Page, expect
from servelab import paths

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.slow, needs_chromium]

LAB = "04-streaming"
REAL = "s: vllm"  # how the cell that starts the engine names it; a scripted one is called so
# The lab's own sweep, shortened: what is looked at here is the chart, not the numbers.
FULL_SWEEP, SHORT_SWEEP = "((1, 8), (4, 16), (16, 32), (32, 48))", "((1, 2), (4, 4))"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on a course with the released lab, the real engine and the models that are there already."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "labs" / LAB, folder / "labs" / LAB)
    # An empty name is none: the machine's own engine, and not the scripted one of the other tests.
    with running_lab(folder, SERVELAB_PROFILE="", SERVELAB_CACHE=str(paths.cache_dir())) as server:
        yield server


WATCH = """
output => {
  const seen = (window.seenTexts = []);
  new MutationObserver(() => {
    const text = output.querySelector(".jp-RenderedMarkdown")?.innerText.replace("▌", "").trim() || "";
    if (text && text !== seen.at(-1)) seen.push(text);
  }).observe(output, { childList: true, subtree: true, characterData: true });
}
"""


def watch_text_grow(page: Page, live: Locator) -> list[str]:
    """Run the cell that streams an answer; every text that stood on the page meanwhile, in order."""
    live.locator(".jp-OutputArea").first.evaluate(WATCH)
    press_run(page, live)
    return page.evaluate("window.seenTexts")


def assert_grew(seen: list[str]) -> None:
    """The page showed an answer piece by piece: each text is the one before, and more."""
    assert len(seen) >= 5, f"{len(seen)} texts were shown: {seen}"
    for before, after in itertools.pairwise(seen):
        assert after.startswith(before), f"what was read was taken away: {before!r}, then {after!r}"


def assert_drawn(picture: Locator) -> None:
    """A chart is there, and as large as one can read."""
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box and box["width"] > 500 and box["height"] > 200, box
    assert picture.evaluate("image => image.complete && image.naturalWidth") >= 500


def test_the_proofs_can_fail() -> None:
    assert_grew(["a" * number for number in range(1, 11)])
    with pytest.raises(AssertionError, match="1 texts"):
        assert_grew(["all at once"])
    with pytest.raises(AssertionError, match="taken away"):
        assert_grew([*("a" * number for number in range(1, 11)), "b"])


def test_a_real_engine_answers_on_the_page(
    course: LabServer, page: Page, said: Said, artefact_folder: Path
) -> None:
    released, solved = (
        nbformat.read(ROOT / part / LAB / f"{LAB}.ipynb", 4) for part in ("labs", "solutions")
    )
    right = {cell.id: cell.source for cell in solved.cells}
    open_lab(page, course).locator(f".lab a[data-lab='{LAB}']").click()
    expect(page.locator(".jp-Notebook .jp-Cell").nth(20)).to_be_attached()
    idle(page)

    def run(name: str, typed: str = "") -> Locator:
        """Run a cell as it is, or with something else typed in."""
        one = numbered(page, released, name)
        if typed:
            replace_source(page, one, typed)
        press_run(page, one)
        assert "Traceback" not in one.inner_text()
        return one

    run("setup")
    run("sse", right["sse"])
    assert REAL in run("start").inner_text()
    run("raw")
    assert_grew(watch_text_grow(page, numbered(page, released, "live-text")))
    page.screenshot(path=artefact_folder / "live-1-text.png")

    run("quiz-first-text")
    # The names that the question lists, in its order.
    listed = (
        numbered(page, released, "quiz-first-text-question")
        .locator("li > code:first-child")
        .all_inner_texts()
    )
    assert page.locator(".servelab-radio label").all_inner_texts() == listed != []
    choose(page, "quiz_first_text", "first-token")
    page.screenshot(path=artefact_folder / "live-2-quiz.png")
    assert "Answer noted" in run("quiz-first-text-check").inner_text()

    run("measures", right["measures"])
    run("new-client")
    run("client", right["client"])
    run("crowd")
    assert FULL_SWEEP in right["sweep"]
    run("sweep", right["sweep"].replace(FULL_SWEEP, SHORT_SWEEP))
    assert_drawn(run("load-chart").locator("img"))
    page.screenshot(path=artefact_folder / "live-3-chart.png")
    save(page)
    stored = nbformat.read(course.root / "work" / LAB / f"{LAB}.ipynb", 4)
    assert next(cell.source for cell in stored.cells if cell.id == "quiz-first-text").startswith(
        'quiz_first_text = "first-token"'
    )
    assert said.errors == said.ours == []
