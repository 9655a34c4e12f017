"""What the home page gathers, and that it always opens."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from labserver import LAB, TITLE, make_course
from servelab.errors import CourseError
from servelab.jupyter import copies, home


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVELAB_ROOT", str(make_course(tmp_path)))
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path / "cache"))
    for name in ("SERVELAB_WORK", "SERVELAB_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(home._diagnosed, "at", time.monotonic())
    monkeypatch.setitem(home._diagnosed, "value", None)
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def page(**changes: Any) -> str:
    return home.render(home.state() | changes, base_url="/", nonce="abc")


def diagnosis(text: str = "fine", level: str = "ok", can_run: bool = True) -> dict[str, Any]:
    """What `servelab doctor` might say."""
    finding = {"name": text, "level": level, "found": text, "remedy": text}
    lab = {"name": LAB, "can_run": can_run, "minutes": 5, "start_s": 24, "engine": "cpu", "remedy": text}
    return {"ready": can_run, "profile": "cpu", "backend": text, "findings": [finding], "labs": [lab]}


def test_the_machine_is_looked_at_by_the_doctor(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(home._diagnosed, "at", -1e9)
    machine = home.state()["machine"]
    assert [lab["name"] for lab in machine["labs"]] == [LAB]
    assert home.state()["labs"][0]["fitness"] == machine["labs"][0]
    assert "All that was looked at" in page()


def test_what_cannot_run_is_said_with_its_remedy(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(home._diagnosed, "value", diagnosis("buy memory", "bad", can_run=False))
    shown = page()
    assert "Cannot run here yet.</b> buy memory" in shown and "Ready for 0 of 1 labs" in shown
    monkeypatch.setitem(home._diagnosed, "value", diagnosis())
    assert "Ready for every lab" in page() and "about 24 s" in page() and "Cannot" not in page()


def test_a_lab_says_what_it_is(course: Path) -> None:
    (lab,) = home.state()["labs"]
    assert lab["name"] == LAB and lab["number"] == "01"
    assert lab["title"] == TITLE.replace("`", "")
    assert (lab["minutes"], lab["points"]) == (5, 4)
    assert lab["build"] == "A function that doubles a number."
    assert lab["status"] == "new" and lab["score"] is None


def test_progress_is_shown(course: Path) -> None:
    copies.own_notebook(LAB)
    assert home.state()["labs"][0]["status"] == "started"
    scores = course / "work" / ".servelab" / "scores.json"
    write(scores, json.dumps({LAB: {"score": 3, "max_score": 4, "when": "2026-03-01T10:00:00"}}))
    assert home.state()["labs"][0]["status"] == "scored"
    assert home.state()["next"] == LAB
    assert "<strong>3</strong> of 4" in page() and "by the visible checks" not in page()
    write(
        scores,
        json.dumps({LAB: {"score": 3, "max_score": 4, "visible_only": True, "when": "2026-03-01T10:00:00"}}),
    )
    assert "<strong>3</strong> of 4 by the visible checks" in page()
    write(scores, json.dumps({LAB: {"score": 4, "max_score": 4, "when": "2026-03-01T10:00:00"}}))
    assert home.state()["labs"][0]["status"] == "full"
    assert home.state()["next"] is None


def test_released_feedback_is_found(course: Path) -> None:
    folder = course / "work" / LAB / "feedback"
    write(folder / "2026-01-01 10:00:00 UTC" / f"{LAB}.html", "<h4>01-tiny (Score: 1.0 / 4.0)</h4>")
    write(folder / "2026-01-02 10:00:00 UTC" / f"{LAB}.html", "<h4>01-tiny (Score: 2.5 / 4.0)</h4>")
    found = home.state()["labs"][0]["feedback"]
    assert (found["score"], found["max_score"]) == (2.5, 4.0)
    assert found["path"] == f"work/{LAB}/feedback/2026-01-02 10:00:00 UTC/{LAB}.html"
    assert f'href="/files/work/{LAB}/feedback/2026-01-02%2010%3A00%3A00%20UTC/{LAB}.html"' in page()


def test_what_was_handed_in_is_said(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert home.state()["labs"][0]["handed_in"] is None and "handed in" not in page()
    for moment in ("2026-01-02 10:00:00.5 UTC", "2026-01-03 09:30:00.5 UTC+a1b2"):
        (tmp_path / "data" / "nbgrader_cache" / "serving-llms" / f"ada+{LAB}+{moment}").mkdir(parents=True)
    assert home.state()["labs"][0]["handed_in"] == "2026-01-03 09:30 UTC"
    assert "handed in 2026-01-03 09:30 UTC" in page()


def row(step: str, value: float, metric: str = "requests_per_s", backend: str = "toy") -> dict[str, Any]:
    return {
        "lab": LAB,
        "step": step,
        "metric": metric,
        "value": value,
        "unit": "requests/s",
        "backend": backend,
    }


def test_the_ledger_shows_the_latest_of_each_step(course: Path) -> None:
    rows = [row("naive", 9.0), row("vllm", 5.0), row("naive", 0.5), row("naive", 0.07, "ttft_s")]
    write(course / "work" / "ledger.json", json.dumps(rows))
    first, second = home.state()["ledger"]
    assert [(r["step"], r["value"], r["share"]) for r in first["rows"]] == [
        ("vllm", 5.0, 1.0),
        ("naive", 0.5, 0.1),
    ]
    assert second["metric"] == "ttft_s"


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("requests_per_s", "Requests"),
        ("ttft_p95_s", "TTFT p95"),
        ("kv_cache_bytes", "KV cache"),
        ("", ""),
        ("s", "S"),
    ],
)
def test_metrics_read_well(metric: str, title: str) -> None:
    assert home.metric_title(metric) == title


def test_commands_in_remedies_are_code_and_nothing_else_is_markup() -> None:
    assert home.code_marked("run `a<b` <i>") == "run <code>a&lt;b</code> &lt;i&gt;"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '[{"lab": 1}]', '{"01-tiny": 3}', "\x00"])
def test_damaged_files_leave_a_note_and_themselves(course: Path, text: str) -> None:
    files = [course / "work" / "ledger.json", course / "work" / ".servelab" / "scores.json"]
    for file in files:
        write(file, text)
    shown = page()
    assert "Labs" in shown
    assert all(file.read_text() == text for file in files), "looking must not change anything"
    if text == "{":
        assert shown.count('class="card note"') == 2


@pytest.mark.parametrize(
    "text", ["", "{}", '{"cells": [{}], "metadata": {}}', "[]", '{"metadata": null, "cells": null}']
)
def test_a_damaged_notebook_is_still_listed(course: Path, text: str) -> None:
    (course / "labs" / LAB / f"{LAB}.ipynb").write_text(text)
    (lab,) = home.state()["labs"]
    assert lab["title"] == "Tiny" and lab["minutes"] is None
    assert "Tiny" in page()


def test_everything_is_escaped(course: Path) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    write(course / "work" / "ledger.json", json.dumps([row(nasty, 1, nasty, nasty)]))
    write(
        course / "work" / ".servelab" / "scores.json",
        json.dumps({LAB: {"score": 1, "max_score": 4, "when": nasty}}),
    )
    text = page(
        engines=[{"backend": nasty, "url": nasty, "model": nasty}], machine=diagnosis(nasty), notes=[nasty]
    )
    assert nasty not in text and "<script>alert" not in text
    assert text.count("<script") == 1 and text.count("<style") == 1
    assert " style=" not in text, "the page's policy forbids style attributes"
    assert not re.search(r'(?:href|src)="(?!/|#)', text), "nothing from elsewhere"
    assert nasty not in home.render_error(nasty, "/servelab/home")


def test_no_labs_and_no_course(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(labs=[], next=None)
    assert "No lab is released yet" in shown
    monkeypatch.delenv("SERVELAB_ROOT")
    monkeypatch.chdir("/")
    monkeypatch.setattr(home.paths, "_CHECKOUT", Path("/"))
    with pytest.raises(CourseError, match="No course found"):
        home.state()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (24.0, "24"),
        (21.5, "21.5"),
        (0.07123, "0.0712"),
        (1234.5, "1,234"),
        (0.00001, "0.00001"),
        (None, ""),
    ],
)
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert home.number(value) == text
