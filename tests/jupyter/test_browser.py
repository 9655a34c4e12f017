"""What a student sees and clicks, in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from chromium import browser, needs_chromium, until  # noqa: F401 - a fixture
from labserver import (
    LAB,
    TITLE,
    LabServer,
    lab,  # noqa: F401 - a fixture
    open_url,
    tiny_notebook,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    needs_chromium,
]


def errors(browser: Any) -> list[str]:
    """What the browser complained about since it was last asked, on our own pages."""
    lines = browser.get_log("browser")
    return [x["message"] for x in lines if x["level"] == "SEVERE" and "servelab" in x["message"]]


def in_tab(browser: Any) -> None:
    """Look into the course's tab."""
    browser.switch_to.default_content()
    browser.switch_to.frame(until(browser, "return document.querySelector('#servelab-home iframe')"))
    until(browser, "return !!document.querySelector('a[data-lab]')")


def open_notebooks(browser: Any) -> list[str]:
    """The notebooks that are open in JupyterLab, by the title of their tab."""
    browser.switch_to.default_content()
    script = "return [...document.querySelectorAll('.lm-TabBar-tabLabel')].map(x => x.innerText)"
    return [label for label in browser.execute_script(script) if label.endswith(".ipynb")]


def test_the_home_page_on_its_own(lab: LabServer, browser: Any) -> None:
    browser.get(open_url(lab, "/servelab/home"))
    titles = browser.execute_script("return [...document.querySelectorAll('.lab h3')].map(x => x.innerText)")
    assert titles == [TITLE], "the title is shown as text, markup and all"
    style = "return getComputedStyle(document.querySelector('.card')).borderRadius"
    assert browser.execute_script(style) == "12px", "the page's policy lets its own style in"

    assert browser.execute_script("return document.querySelector('.standing').innerText") == "Not started"
    lab.json(f"/servelab/open/{LAB}", Accept="application/json")
    browser.execute_script("window.dispatchEvent(new Event('focus'))")
    until(browser, "return document.querySelector('.standing').innerText === 'In progress'")
    assert errors(browser) == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_at_any_width(lab: LabServer, browser: Any, width: int) -> None:
    # Headless Chromium refuses windows under 500 pixels: set the page's own measure.
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        browser.get(open_url(lab, "/servelab/home"))
        measure = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(measure) == 0
        browser.execute_script("document.querySelector('h1').style.width = '2000px'")
        assert browser.execute_script(measure) > 0, "this test can fail"
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


POOR_CONTRAST = """
    const light = c => {
      const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = e => {
      for (; e; e = e.parentElement) {
        const c = getComputedStyle(e).backgroundColor;
        if (!/, 0\\)$/.test(c) && c !== "transparent") return c;
      }
      return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll("body *")]
      .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.offsetParent)
      .map(e => {
        const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
        return [e.innerText.slice(0, 40), (a + 0.05) / (b + 0.05)];
      })
      .filter(([, ratio]) => ratio < 4.5);
"""


@pytest.mark.parametrize(("theme", "faint"), [("light", "#999"), ("dark", "#444")])
def test_text_has_contrast(lab: LabServer, browser: Any, theme: str, faint: str) -> None:
    browser.get(open_url(lab, "/servelab/home") + f"&theme={theme}")
    browser.execute_script("document.querySelectorAll('details').forEach(d => (d.open = true))")
    assert browser.execute_script(POOR_CONTRAST) == []
    browser.execute_script("document.querySelector('.lead').style.color = arguments[0]", faint)
    (found,) = browser.execute_script(POOR_CONTRAST)
    assert found[0].startswith("Start a real engine"), "this test can fail"


def test_the_tab_follows_jupyterlabs_theme(lab: LabServer, browser: Any) -> None:
    setting = "/lab/api/settings/@jupyterlab/apputils-extension:themes"
    for theme, expected in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        lab.request(setting, {"raw": f'{{"theme": "{theme}"}}'}, method="PUT")
        browser.get(open_url(lab, "/lab") + "&reset")
        in_tab(browser)
        until(browser, "return document.documentElement.dataset.theme === arguments[0]", expected)


def test_a_student_opens_a_lab_and_comes_back_to_it(lab: LabServer, browser: Any) -> None:
    shutil.rmtree(lab.notebook.parent, ignore_errors=True)
    browser.get(open_url(lab, "/lab"))
    in_tab(browser)
    browser.find_element("css selector", f"a[data-lab='{LAB}']").click()
    browser.switch_to.default_content()
    until(browser, "return document.querySelectorAll('.jp-Notebook .jp-Cell').length > 3")
    assert open_notebooks(browser) == [f"{LAB}.ipynb"]
    assert lab.notebook.is_file(), "the student's own copy was made"

    nbformat.write(tiny_notebook("double = lambda x: 2 * x  # mine"), lab.notebook)
    browser.get(open_url(lab, "/lab") + "&reset")
    in_tab(browser)
    browser.find_element("css selector", f".lab a[data-lab='{LAB}']").click()
    browser.switch_to.default_content()
    until(browser, "return document.querySelector('.jp-Notebook')?.innerText.includes('# mine')")
    assert "# mine" in lab.notebook.read_text(), "the second click overwrote nothing"
    assert errors(browser) == []


def test_validate_button(lab: LabServer, browser: Any) -> None:
    lab.notebook.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(tiny_notebook("double = lambda x: 2 * x"), lab.notebook)
    browser.get(open_url(lab, f"/lab/tree/work/{LAB}/{LAB}.ipynb") + "&reset")
    until(browser, "return document.querySelectorAll('.jp-Notebook .jp-Cell').length > 3")
    until(browser, "return document.querySelector('.validate-button')").click()
    told = until(
        browser,
        "const t = [...document.querySelectorAll('.jp-Dialog')].map(d => d.innerText).join();"
        "return /passe[sd]|failed|error/i.test(t) && t",
    )
    assert "Success" in told and "passes all the tests" in told, told


def test_assignment_list_opens_from_the_course_tab(lab: LabServer, browser: Any) -> None:
    browser.get(open_url(lab, "/lab") + "&reset")
    in_tab(browser)
    browser.find_element("css selector", "a[data-command='nbgrader:open-assignment-list']").click()
    browser.switch_to.default_content()
    until(
        browser,
        "return [...document.querySelectorAll('.lm-TabBar-tabLabel')].some(x => /Assignments/.test(x.innerText))",
    )


def test_closed_course_tab_comes_back_by_command_and_at_the_next_start(
    lab: LabServer,
    browser: Any,
    tmp_path: Path,
) -> None:
    browser.get(open_url(lab, "/lab") + "&reset")
    until(browser, "return document.querySelector('#servelab-home iframe')")
    close = (
        "document.querySelector('.lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon')"
    )
    until(browser, f"return {close}").click()
    until(browser, "return !document.querySelector('#servelab-home')")
    card = "[...document.querySelectorAll('.jp-LauncherCard')].find(x => /Course home/.test(x.innerText))"
    until(browser, f"return {card}").click()
    until(browser, "return document.querySelector('#servelab-home iframe')")
    browser.get(open_url(lab, "/lab"))
    until(browser, "return document.querySelector('#servelab-home iframe')")
