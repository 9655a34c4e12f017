"""Headless Chromium for tests; they skip, and say so, where Debian's packages are missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import artefacts

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver"
)


WAIT_S = 180  # an exam that runs from top to bottom imports the engine: a minute on a busy machine


class NotYet(AssertionError):
    """What was waited for did not come."""


def until(browser: Any, script: str, *args: Any, seconds: float = WAIT_S) -> Any:
    """Wait until a piece of JavaScript gives something true in a page that is loaded, and return it."""
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.ui import WebDriverWait

    whole = f"if (document.readyState !== 'complete') return null; {script}"
    try:
        return WebDriverWait(browser, seconds, poll_frequency=0.1).until(
            lambda b: b.execute_script(whole, *args)
        )
    except TimeoutException:
        browser.save_screenshot(str(artefacts() / "timeout.png"))
        said = [entry["message"] for entry in browser.get_log("browser")][-5:]
        raise NotYet(f"not within {seconds} s: {script.strip()} {args}; the browser says {said}") from None


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("chromium")
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-dev-shm-usage",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1280,900",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()
