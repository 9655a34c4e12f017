"""The system's Chromium for tests, driven by Playwright: a browser a module, a fresh page a test, a picture of each failure.

Playwright's synchronous interface keeps an event loop in the test's own thread while a browser is open: the tests of a module
that uses it are plain functions, and the browser is closed before the next module begins.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import artefacts
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

# Those that environment/bootstrap.py looks for.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="needs Debian's chromium, or Chrome")

WAIT_S = 180
SIZE = {"width": 1280, "height": 900}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page wants from elsewhere (nbgrader's asks a public server for MathJax) is not to be had, here as in CI.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass
class Said:
    """What the pages of one test complained about."""

    #: Every message on the console: (level, text, address of the script or of what did not load).
    console: list[tuple[str, str, str]] = field(default_factory=list)
    #: Exceptions that no script caught, and answers of the server's own with a status of 500 and above.
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """From now on, note what this page says."""

        def said(message: ConsoleMessage) -> None:
            self.console.append((message.type, message.text, message.location.get("url", "")))

        page.on("console", said)
        page.on("pageerror", lambda error: self.errors.append(str(error.stack or error)))
        page.on("response", self._answered)

    def _answered(self, response: Any) -> None:
        if response.status >= 500:
            self.errors.append(f"{response.status} {response.url}")

    @property
    def ours(self) -> list[str]:
        """Errors on the console that name a page or script of ours."""
        return [
            f"{text} {url}"
            for level, text, url in self.console
            if level == "error" and "servelab" in text + url
        ]

    def lines(self) -> str:
        """All of it, to be read after a failure."""
        console = [" ".join(entry) for entry in self.console]
        return "\n".join(["page errors:", *self.errors, "console:", *console]) + "\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a module."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), headless=True)
        try:
            yield chromium
        finally:
            chromium.close()


@pytest.fixture
def said() -> Said:
    """See `Said`."""
    return Said()


@pytest.fixture
def page(browser: Browser, said: Said, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with no cookie and no history. If the test fails, its picture and what it said are kept."""
    expect.set_options(timeout=WAIT_S * 1000)
    context = browser.new_context(viewport=SIZE)
    context.set_default_timeout(WAIT_S * 1000)
    context.on("page", said.watch)  # also those that a link opens
    opened = context.new_page()
    try:
        yield opened
    finally:
        if getattr(request.node, "failed", False):
            keep(context.pages, said, request.node.name)
        context.close()


def keep(pages: list[Page], said: Said, test: str) -> None:
    """Put pictures of a failed test's pages, and what they said, into the folder of artefacts."""
    name = re.sub(r"[^\w.]+", "-", test).strip("-")
    (artefacts() / f"{name}-failed.txt").write_text(said.lines(), encoding="utf-8")
    for number, shown in enumerate(pages):
        shown.screenshot(path=artefacts() / f"{name}-failed-{number}.png", timeout=20_000)
