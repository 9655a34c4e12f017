"""What the browser tests see of a page that goes wrong, and what they keep of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Said, browser, keep, needs_chromium, page, said  # noqa: F401 - fixtures
from contrast import poor_contrast, ratio
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]

BROKEN = """
<p>Plain words.</p><p style="color: #999">Faint words.</p><p style="background: rgba(0, 0, 0, 0.8)">Covered words.</p>
<p hidden style="color: #fff">Words that nobody sees.</p>
<iframe srcdoc="<script>setTimeout(() => nothing.there())</script>"></iframe>
<script>console.error("servelab: a complaint"); console.log("servelab: a remark")</script>
"""


def test_a_page_that_goes_wrong(
    page: Page, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page.expect_event("pageerror"):
        page.set_content(BROKEN)
    (error,) = said.errors
    assert "nothing is not defined" in error, "an error in a frame is one of the page"
    (complaint,) = said.ours
    assert "a complaint" in complaint
    assert [text for text, _ in poor_contrast(page.locator("body"))] == ["Faint words.", "Covered words."]

    monkeypatch.setenv("SERVELAB_TEST_ARTEFACTS", str(tmp_path))
    keep(page.context.pages, said, "test_it[dark-#555]")
    assert (tmp_path / "test_it-dark-555-failed-0.png").stat().st_size > 1000
    kept = (tmp_path / "test_it-dark-555-failed.txt").read_text()
    assert "nothing is not defined" in kept and "a remark" in kept


def test_contrast_is_that_of_the_standard() -> None:
    assert ratio((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert ratio((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)  # #777, just too faint
