"""Formgrader as an instructor uses it: a button in an assignment's row, and what it answers."""

from __future__ import annotations

from playwright.sync_api import FrameLocator, Locator, Page, expect

# Formgrader's buttons are pictures without words: their columns' names, by what the row says about them.
ASSIGNMENT = {
    "generate": ".assign a",
    "release": ".release a",
    "collect": ".collect a",
    "submissions": ".num-submissions a",
    "generate feedback": ".generate-feedback a",
    "release feedback": ".release-feedback a",
}
SUBMISSION = {"autograde": ".autograde a"}


def formgrader(page: Page) -> FrameLocator:
    """Formgrader's tab in JupyterLab."""
    return page.frame_locator("iframe[src*='/formgrader']")


def row(frame: FrameLocator, name: str) -> Locator:
    """The row of an assignment, or of a student's submission."""
    return frame.locator("#main-table tr", has_text=name)


def press(frame: FrameLocator, button: Locator) -> str:
    """Press a button and close the message that follows; its text.

    Raises:
        AssertionError: the message is one of failure.
    """
    button.click()
    message = frame.locator(".modal.in")
    expect(message.locator(".modal-title")).to_have_text("Success")
    text = message.locator(".modal-body p").first.inner_text()
    message.locator(".modal-footer button.close").click()
    expect(frame.locator(".modal-backdrop")).to_have_count(0)  # it fades
    return text
