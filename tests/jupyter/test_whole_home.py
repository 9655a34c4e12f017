"""The home page of the whole course, for a student who has come half the way: on any screen, in both themes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Said, browser, needs_chromium, page, said  # noqa: F401 - fixtures
from conftest import ROOT
from contrast import poor_contrast
from labpage import visit
from labserver import LabServer, running_lab
from playwright.sync_api import Page, expect
from servelab.paths import lab_names

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]

SCORES = {
    "01-naive-serving": {"score": 20, "max_score": 20, "when": "2026-03-01T10:00:00"},
    "02-vllm": {"score": 17.5, "max_score": 22, "when": "2026-03-02T10:00:00"},
    "03-quantization-awq": {"score": 9, "max_score": 21, "visible_only": True, "when": "2026-03-03T10:00:00"},
}
# Steps as the labs name them; the values are made up.
STEPS = {
    ("requests_per_s", "requests/s"): {"naive": 0.4, "vllm, 1 user": 0.7, "streaming, 32 users": 5.6},
    ("ttft_p95_s", "s"): {"streaming, 1 users": 0.08, "streaming, 32 users": 3.1},
    ("kv_cache_bytes", "bytes"): {"a sequence of 2,048 tokens": 47_185_920},
}


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def half_way(folder: Path) -> None:
    """All labs as they are released, and the work of somebody who is in the middle of lab 04."""
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "labs", folder / "labs")
    work = folder / "work"
    write(work / ".servelab" / "scores.json", json.dumps(SCORES))
    rows = [
        {"lab": "02-vllm", "metric": metric, "unit": unit, "step": step, "value": value, "backend": "a toy"}
        for (metric, unit), steps in STEPS.items()
        for step, value in steps.items()
    ]
    write(work / "ledger.json", json.dumps(rows))
    page = "01-naive-serving/feedback/2026-03-04 10:00:00.000000 UTC/01-naive-serving.html"
    write(work / page, "<h4>01-naive-serving (Score: 18.5 / 20.0)</h4>")
    for name in (*SCORES, "04-streaming"):
        shutil.copytree(folder / "labs" / name, work / name, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on that course."""
    folder = tmp_path_factory.mktemp("whole")
    half_way(folder)
    with running_lab(folder) as server:
        yield server


SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Texts that are cut off, or that lie on one another, in the lines of a lab's card.
CROWDED = """
[...document.querySelectorAll('.lab')].filter(card => {
  const boxes = [...card.querySelectorAll('.ordinal, .about, .standing')].map(e => e.getBoundingClientRect());
  const inside = card.getBoundingClientRect();
  const out = boxes.some(b => b.left < inside.left - 1 || b.right > inside.right + 1 || b.bottom > inside.bottom + 1);
  const over = boxes.some((a, i) => boxes.slice(i + 1).some(b =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
  return out || over;
}).map(card => card.innerText.slice(0, 40))
"""


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 768), ("dark", 360)])
def test_the_whole_course_at_a_glance(
    course: LabServer, page: Page, said: Said, theme: str, width: int, artefact_folder: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    visit(page, course, "/servelab/home", f"theme={theme}&")
    expect(page.locator(".lab")).to_have_count(len(lab_names(ROOT)))
    assert page.locator(".standing").all_inner_texts()[:5] == [
        "20 of 20",
        "17.5 of 22",
        "9 of 21 by the visible checks",
        "In progress",
        "Not started",
    ]
    expect(page.get_by_role("link", name="Continue lab 02")).to_be_visible()
    expect(page.get_by_role("link", name="Feedback: 18.5 of 20")).to_be_visible()
    expect(page.locator("#ledger table")).to_have_count(len(STEPS))
    page.locator("summary").click()
    page.screenshot(path=artefact_folder / f"home-{theme}-{width}.png", full_page=True)
    assert poor_contrast(page.locator("body")) == []
    assert page.evaluate(SIDEWAYS) == 0
    assert page.evaluate(CROWDED) == []
    page.evaluate("document.querySelector('.standing').style.marginLeft = '-6em'")
    assert len(page.evaluate(CROWDED)) == 1, "this test can fail"
    assert said.errors == said.ours == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_went_wrong_can_be_read(
    course: LabServer, page: Page, scheme: str, artefact_folder: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    visit(page, course, "/servelab/open/99")
    expect(page.get_by_role("alert")).to_contain_text("No lab is called '99'")
    page.screenshot(path=artefact_folder / f"error-{scheme}.png")
    assert poor_contrast(page.locator("body")) == []
    page.get_by_role("link", name="Back to the course").click()
    expect(page.locator(".lab").first).to_be_visible()
