"""Our pages and widgets in JupyterLab's light and dark themes, and with the keyboard alone."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from chromium import Said, browser, needs_chromium, page, said  # noqa: F401 - fixtures
from contrast import ENOUGH, poor_contrast, ratio
from labpage import (
    cell,
    idle,
    menu,
    open_lab,
    open_notebook,
    radio,
    run_current,
)
from labserver import LAB, LabServer, graded, make_course, running_lab, tiny_notebook
from nbformat.v4 import new_code_cell
from PIL import Image
from playwright.sync_api import FrameLocator, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]

CHART = """from servelab.load import charts
charts.throughput_latency(
    [{"concurrency": n, "requests_per_s": n / (1 + n / 9), "p50_s": 1 + n / 9, "p95_s": 1.2 + n / 7} for n in (1, 4, 16)],
    title="Made up, to be looked at",
)"""
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark", "high": "JupyterLab Dark High Contrast"}


def notebook() -> nbformat.NotebookNode:
    """The tiny lab with everything of ours that a notebook shows: an exam's clock, a quiz, a bar of progress, a chart."""
    made = tiny_notebook("double = lambda x: 2 * x")
    made.cells[1].source = "%load_ext servelab\nimport servelab"
    quiz = 'quiz_pick = ""  #@param ["", "waits", "drops", "splits"]'
    shown = {"waits": "It waits in `line`.", "drops": "It is dropped.", "splits": "It is split."}
    made.cells[2:2] = [
        new_code_cell(f"servelab.timer(30, {LAB!r})", id="timer"),
        new_code_cell(f"servelab.options('quiz_pick', {shown})", id="options"),
        new_code_cell(quiz, id="quiz-pick", metadata=graded("quiz-pick", solution=True)),
        new_code_cell(
            "from servelab.progress import bar\nfor _ in bar(range(3), desc='steps'):\n    pass", id="bar"
        ),
        new_code_cell(CHART, id="chart"),
    ]
    return made


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on a course of that one lab."""
    folder = make_course(tmp_path_factory.mktemp("access"))
    nbformat.write(notebook(), folder / "labs" / LAB / f"{LAB}.ipynb")
    with running_lab(folder) as server:
        yield server


@pytest.fixture
def copy(course: LabServer) -> Path:
    """A student's copy in which nothing is done yet."""
    course.notebook.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook(), course.notebook)
    return course.notebook


def choose_theme(page: Page, name: str) -> None:
    """Settings > Theme > ..., as a person does it."""
    page.locator(".lm-MenuBar-item", has_text="Settings").click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()
    light = str(name == THEMES["light"]).lower()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", light)


def chart_contrast(picture: Locator) -> float:
    """Of the darkest and the lightest spot of a chart as it is seen, background and all."""
    seen = Image.open(io.BytesIO(picture.screenshot())).convert("RGB")
    colours = [colour for count, colour in seen.getcolors(maxcolors=1 << 24) if count >= 20]
    return max(ratio(one, seen.getpixel((3, 3))) for one in colours)


@pytest.mark.parametrize(("theme", "faint"), [("light", "#aaa"), ("dark", "#555"), ("high", "#555")])
def test_all_of_it_can_be_read_in_every_theme(
    course: LabServer, copy: Path, page: Page, theme: str, faint: str, artefact_folder: Path
) -> None:
    home = open_lab(page, course)
    choose_theme(page, THEMES[theme])
    expect(home.locator("html")).to_have_attribute("data-theme", "light" if theme == "light" else "dark")
    home.locator("summary").click()
    assert poor_contrast(home.locator("body")) == []
    page.screenshot(path=artefact_folder / f"theme-{theme}-home.png")

    open_notebook(page, course, copy)
    menu(page, "Run", "runmenu:run-all")
    picture = page.locator(".jp-OutputArea img")
    expect(picture).to_be_visible()
    idle(page)
    group = page.locator(".servelab-radio")
    radio(page, "quiz_pick", "drops").focus()
    for ours in (
        group,
        page.locator("[role=timer]"),
        cell(page, "servelab.options").locator(".jp-OutputArea"),
    ):
        expect(ours).to_be_visible()
        assert poor_contrast(ours) == []
    page.screenshot(path=artefact_folder / f"theme-{theme}-quiz.png")
    picture.scroll_into_view_if_needed()
    assert chart_contrast(picture) >= ENOUGH
    page.screenshot(path=artefact_folder / f"theme-{theme}-chart.png")

    assert group.locator("code").all_inner_texts() == ["line"], (
        "what stands between backticks is code here too"
    )
    group.evaluate("(group, faint) => (group.style.color = faint)", faint)
    assert len(poor_contrast(group)) >= 4, "this test can fail: three options and what they are"
    picture.evaluate("image => (image.style.opacity = 0.1)")
    assert chart_contrast(picture) < ENOUGH, "this test can fail"


FOCUSED = """
() => {
  const drawn = (e, part) => {
    const style = getComputedStyle(e, part);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  };
  const e = document.activeElement;
  return { what: e.tagName, text: (e.innerText || e.title || e.value || "").trim(), visible: drawn(e) || drawn(e, "::after") };
}
"""


def press_until(page: Page, key: str, there: Callable[[], bool], most: int = 40) -> None:
    """Press a key until one is there.

    Raises:
        AssertionError: the place is not reached.
    """
    for _ in range(most):
        page.keyboard.press(key)
        if there():
            return
    raise AssertionError(f"{key} {most} times, and the focus is at {page.evaluate(FOCUSED)}")


def has_focus(one: Locator) -> bool:
    """Whether the focus is on it or inside."""
    return one.count() == 1 and one.evaluate("e => e.matches(':focus, :focus-within')")


def to_the_lab(page: Page, home: FrameLocator) -> None:
    """From where JupyterLab begins to the lab's link; on the way, each stop on our page is seen."""
    frame = next(frame for frame in page.frames if "/servelab/home" in frame.url)
    stops: list[dict] = []

    def there() -> bool:
        if page.evaluate("document.activeElement.tagName") != "IFRAME":
            return False
        stops.append(frame.evaluate(FOCUSED))
        return has_focus(home.locator(f".lab a[data-lab='{LAB}']"))

    press_until(page, "Tab", there)
    assert [stop["text"].split("\n")[0] for stop in stops][:2] == ["To the labs", "Start lab 01"]
    assert [stop for stop in stops if not stop["visible"]] == []


def test_the_keyboard_alone_is_enough(
    course: LabServer, page: Page, said: Said, artefact_folder: Path
) -> None:
    shutil.rmtree(course.notebook.parent, ignore_errors=True)
    to_the_lab(page, open_lab(page, course))
    page.screenshot(path=artefact_folder / "keyboard-1-home.png")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Notebook .jp-Cell").nth(3)).to_be_visible()
    idle(page)

    page.keyboard.press("Shift+Enter")  # the title
    for text in ("import servelab", "servelab.timer", "servelab.options"):
        run_current(page, cell(page, text))
    quiz = cell(page, "quiz_pick =")
    page.keyboard.press("Control+Enter")  # runs it and stays
    group = page.locator(".servelab-radio")
    expect(group).to_be_visible()
    press_until(page, "Tab", lambda: has_focus(group))
    first, second, third = (group.locator("input").nth(number) for number in range(3))
    page.keyboard.press("Space")
    expect(first).to_be_checked()
    for key, chosen in (("ArrowDown", second), ("ArrowDown", third), ("ArrowUp", second)):
        page.keyboard.press(key)
        expect(chosen).to_be_checked()
        expect(chosen).to_be_focused()
        expect(quiz.locator(".cm-content")).to_contain_text(f'= "{chosen.input_value()}"')
    assert page.evaluate(FOCUSED)["visible"]
    page.screenshot(path=artefact_folder / "keyboard-2-quiz.png")

    toolbar = page.locator(".jp-NotebookPanel-toolbar")
    press_until(page, "Shift+Tab", lambda: has_focus(toolbar))
    press_until(page, "ArrowRight", lambda: has_focus(toolbar.locator(".validate-button")))
    page.screenshot(path=artefact_folder / "keyboard-3-toolbar.png")
    page.keyboard.press("Enter")
    expect(page.locator("#validation-message")).to_contain_text("Success")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    assert f'= "{second.input_value()}"' in course.notebook.read_text().replace("\\", "")
    assert said.errors == said.ours == []
