"""JupyterLab as a person uses it in a browser: its menus, its notebooks, the course's tab, its dialogs."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

import nbformat
from labserver import LabServer
from playwright.sync_api import FrameLocator, Locator, Page, expect

RUN_S = 240  # a notebook that runs from top to bottom on a busy machine


def visit(page: Page, server: LabServer, path: str, query: str = "") -> None:
    """Open an address of the server, with its token."""
    token = urllib.parse.urlencode({"token": server.token})
    page.goto(f"{server.base}{path}?{query}{token}")


def open_lab(page: Page, server: LabServer) -> FrameLocator:
    """Open JupyterLab with nothing in it but the course's tab; its frame."""
    visit(page, server, "/lab", "reset&")
    return course_tab(page)


def course_tab(page: Page) -> FrameLocator:
    """The course's tab, once it shows labs."""
    frame = page.frame_locator("#servelab-home iframe")
    expect(frame.locator("a[data-lab]").first).to_be_visible()
    return frame


def open_notebook(page: Page, server: LabServer, notebook: Path) -> None:
    """Open a notebook by its address, and wait until its kernel can run a cell."""
    path = urllib.parse.quote(notebook.relative_to(server.root).as_posix())
    visit(page, server, f"/lab/tree/{path}", "reset&")
    expect(page.locator(".jp-Notebook .jp-Cell").nth(3)).to_be_attached()
    idle(page)


def tabs(page: Page) -> list[str]:
    """The titles of what is open."""
    return page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel").all_inner_texts()


def idle(page: Page, seconds: float = RUN_S) -> None:
    """Wait until the notebook's kernel is there and has nothing to do.

    The notebook's own sign says "idle" before there is a kernel, and then *Run* does nothing; the status bar knows better.
    """
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=seconds * 1000)
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator")
    expect(shown).to_have_attribute("data-status", "idle", timeout=seconds * 1000)


def menu(page: Page, title: str, command: str) -> None:
    """Choose a command in the menu bar."""
    page.locator(".lm-MenuBar-item", has_text=title).first.click()
    page.locator(f'.lm-Menu-item[data-command="{command}"]').click()


def save(page: Page) -> None:
    """Save the changed notebook that is shown; returns when the server has written it."""
    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
    ) as stored:
        menu(page, "File", "docmanager:save")
    assert stored.value.ok


def cell(page: Page, text: str) -> Locator:
    """The first code cell whose source holds some text."""
    return page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=text)).first


def numbered(page: Page, notebook: nbformat.NotebookNode, name: str) -> Locator:
    """The cell with that id in a notebook which the page shows, scrolled into view so that JupyterLab draws all of it."""
    number = [one.id for one in notebook.cells].index(name)
    found = page.locator(
        f'.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index="{number}"]'
    )
    found.scroll_into_view_if_needed()
    return found


def press_run(page: Page, one: Locator, seconds: float = RUN_S) -> None:
    """Click into a cell and press Shift+Enter, as most people do; returns when the cell has run."""
    one.locator(".cm-content").click()
    run_current(page, one, seconds)


def run_current(page: Page, one: Locator, seconds: float = RUN_S) -> None:
    """Press Shift+Enter in the cell that has the focus; returns when it has run: it then bears a new number."""
    number = one.locator(".jp-InputPrompt")
    before = re.escape(number.inner_text())
    page.keyboard.press("Shift+Enter")
    expect(number).to_have_text(re.compile(rf"^(?!{before}$)\[\d+\]:$"), timeout=seconds * 1000)
    idle(page)


def replace_source(page: Page, one: Locator, text: str) -> None:
    """Select all that stands in a cell and type something else."""
    one.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    expect(one.locator(".cm-content")).to_contain_text(text.splitlines()[0])


def radio(page: Page, name: str, answer: str) -> Locator:
    """A radio button under a quiz's answer cell."""
    return page.locator(f'.servelab-radio input[name^="{name}-"][value="{answer}"]')


PRESSES = 6


def choose(page: Page, name: str, answer: str, *, by_keyboard: bool = False) -> None:
    """Press a radio button until its answer stands in the cell, as a person would whose first click went beside it."""
    button = radio(page, name, answer)
    asked = page.locator(".jp-CodeCell", has=button)
    for _ in range(PRESSES):
        if by_keyboard:
            button.focus()
            page.keyboard.press("Space")
        else:
            button.click()
        try:
            return expect(asked.locator(".cm-content")).to_contain_text(f'= "{answer}"', timeout=10_000)
        except AssertionError:
            continue
    raise AssertionError(f"{name}: pressed {PRESSES} times, and the cell does not say {answer}")


def validate(page: Page) -> str:
    """Press Validate, and return what it tells; its dialog stays."""
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .validate-button").click()
    expect(page.locator("#validation-message")).to_be_visible()
    return page.locator("#validation-message").inner_text()


def close_dialog(page: Page) -> None:
    """Press the button of the dialog that is shown."""
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
