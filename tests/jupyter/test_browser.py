"""What a student sees and clicks, in a real browser."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from chromium import Said, browser, needs_chromium, page, said  # noqa: F401 - fixtures
from contrast import poor_contrast
from labpage import cell, course_tab, open_lab, open_notebook, tabs, validate, visit
from labserver import (
    LAB,
    TITLE,
    LabServer,
    lab,  # noqa: F401 - a fixture
    tiny_notebook,
)
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    needs_chromium,
]


def notebooks(page: Page) -> list[str]:
    """The notebooks that are open in JupyterLab, by the title of their tab."""
    return [label for label in tabs(page) if label.endswith(".ipynb")]


def test_the_home_page_on_its_own(lab: LabServer, page: Page, said: Said) -> None:
    visit(page, lab, "/servelab/home")
    assert page.locator(".lab h3").all_inner_texts() == [TITLE], "the title is shown as text, markup and all"
    expect(page.locator(".card").first).to_have_css(
        "border-radius", "12px"
    )  # the page's policy lets its style in

    assert page.locator(".standing").inner_text() == "Not started"
    lab.json(f"/servelab/open/{LAB}", Accept="application/json")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator(".standing")).to_have_text("In progress")
    assert said.errors == said.ours == []


SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_at_any_width(lab: LabServer, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    visit(page, lab, "/servelab/home")
    assert page.evaluate("innerWidth") == width
    assert page.evaluate(SIDEWAYS) == 0
    page.evaluate("document.querySelector('h1').style.width = '2000px'")
    assert page.evaluate(SIDEWAYS) > 0, "this test can fail"


@pytest.mark.parametrize(("theme", "faint"), [("light", "#999"), ("dark", "#444")])
def test_text_has_contrast(lab: LabServer, page: Page, theme: str, faint: str) -> None:
    visit(page, lab, "/servelab/home", f"theme={theme}&")
    page.evaluate("document.querySelectorAll('details').forEach(d => (d.open = true))")
    assert poor_contrast(page.locator("body")) == []
    page.evaluate("faint => (document.querySelector('.lead').style.color = faint)", faint)
    (found,) = poor_contrast(page.locator("body"))
    assert found[0].startswith("Start a real engine"), "this test can fail"


def test_the_tab_follows_jupyterlabs_theme(lab: LabServer, page: Page) -> None:
    setting = "/lab/api/settings/@jupyterlab/apputils-extension:themes"
    for theme, expected in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        lab.request(setting, {"raw": f'{{"theme": "{theme}"}}'}, method="PUT")
        frame = open_lab(page, lab)
        expect(frame.locator("html")).to_have_attribute("data-theme", expected)


def test_a_student_opens_a_lab_and_comes_back_to_it(lab: LabServer, page: Page, said: Said) -> None:
    shutil.rmtree(lab.notebook.parent, ignore_errors=True)
    visit(page, lab, "/lab")
    course_tab(page).locator(f"a[data-lab='{LAB}']").first.click()
    expect(page.locator(".jp-Notebook .jp-Cell").nth(3)).to_be_visible()
    assert notebooks(page) == [f"{LAB}.ipynb"]
    assert lab.notebook.is_file(), "the student's own copy was made"

    nbformat.write(tiny_notebook("double = lambda x: 2 * x  # mine"), lab.notebook)
    open_lab(page, lab).locator(f".lab a[data-lab='{LAB}']").click()
    expect(cell(page, "# mine")).to_be_visible()
    assert "# mine" in lab.notebook.read_text(), "the second click overwrote nothing"
    assert said.errors == said.ours == []


def test_validate_button(lab: LabServer, page: Page) -> None:
    lab.notebook.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(tiny_notebook("double = lambda x: 2 * x"), lab.notebook)
    open_notebook(page, lab, lab.notebook)
    text = validate(page)
    assert "Success" in text and "passes all the tests" in text, text


def test_assignment_list_opens_from_the_course_tab(lab: LabServer, page: Page) -> None:
    open_lab(page, lab).locator("a[data-command='nbgrader:open-assignment-list']").click()
    expect(page.locator(".lm-TabBar-tabLabel", has_text="Assignments")).to_be_visible()


def test_closed_course_tab_comes_back_by_command_and_at_the_next_start(lab: LabServer, page: Page) -> None:
    open_lab(page, lab)
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon").click()
    expect(page.locator("#servelab-home")).to_have_count(0)
    page.locator(".jp-LauncherCard", has_text="Course home").click()
    course_tab(page)
    visit(page, lab, "/lab")
    course_tab(page)
