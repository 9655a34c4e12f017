"""A class of two in a real JupyterHub, in real browsers: from the roster to grades, and what nobody may read."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from class_kit import COURSE_ID, LAB, School, needs_root
from conftest import artefacts

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    needs_root,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]
WAIT_MS = 60_000
RIGHT = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a - b  # wrong"


@contextlib.contextmanager
def person(chromium: Any, school: School, login: str) -> Iterator[Any]:
    """A browser of their own, logged in, with JupyterLab open."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    try:
        page.goto(f"http://127.0.0.1:{school.port}/")
        page.fill("#username_input", login)
        page.fill("#password_input", school.passwords()[login])
        page.click("#login_submit")
        page.wait_for_url(re.compile(rf"/user/{login}/lab"), timeout=2 * WAIT_MS)  # a server has to start
        page.wait_for_selector("#servelab-home iframe")
        yield page
    except Exception:
        page.screenshot(path=artefacts() / f"class-{login[:3]}.png")
        raise
    finally:
        context.close()


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def idle(page: Any) -> None:
    """Wait until the notebook's kernel is there; before it is, *Run* does nothing."""
    page.locator("#jp-main-statusbar", has_text="| Idle").wait_for()


def open_lab(page: Any) -> None:
    """From the course's home page, as a student does."""
    page.frame_locator("#servelab-home iframe").locator(f".lab a[data-lab='{LAB}']").click()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    idle(page)


def answer(page: Any, school: School, login: str, text: str) -> None:
    """Type an answer over the starter's, and save."""
    cell = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text="def add(")).first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+s")
    own = school.student(login) / "work" / LAB / f"{LAB}.ipynb"
    until(lambda: text in sources(own), f"{login}'s answer is saved")


def sources(notebook: Path) -> list[str]:
    """The text of each cell; nothing while the file is being written."""
    try:
        return [cell.source for cell in nbformat.read(notebook, as_version=4).cells]
    except (OSError, ValueError):
        return []


def assignments(page: Any) -> Any:
    """The Assignment List, with what stands there now."""
    page.locator(".lm-TabBar-tab", has_text="Course").click()
    frame = page.frame_locator("#servelab-home iframe")
    frame.locator("a[data-command='nbgrader:open-assignment-list']").first.click()
    shown = page.locator("#assignments")
    ready = "#course_list_dropdown:not([disabled])"
    shown.locator(ready).wait_for()  # what was loaded on opening is there
    with page.expect_response(lambda answer: "/assignments?course_id" in answer.url):
        shown.locator("#refresh_assignments_list").click()
    shown.locator(ready).wait_for()
    return shown


def hand_in(page: Any, school: School, login: str) -> None:
    """The Submit button in the Assignment List."""
    assignments(page).locator("#fetched_assignments_list button", has_text="Submit").first.click()
    until(lambda: list(school.inbound.glob(f"{login}+{LAB}+*/timestamp.txt")), f"{login} has handed in")


PROBE = r"""
import glob, json, os, pathlib, shutil

def read(path): return pathlib.Path(path).read_text(errors="replace")[:80]
def names(path): return sorted(os.listdir(path))
tries = {tries}
told = {{}}
for name, (kind, path) in tries.items():
    try:
        told[name] = ["done", {{"read": read, "names": names, "write": lambda p: pathlib.Path(p).write_text("x"),
                               "rename": lambda p: os.rename(p, p + ".mine")}}[kind](path)]
    except OSError as error:
        told[name] = ["refused", type(error).__name__]
told["processes"] = ["names", sorted(p for p in os.listdir("/proc") if p.isdigit())]
told["who"] = ["names", [os.getuid(), os.environ["HOME"], [k for k in os.environ if "PASSWORD" in k]]]
forged = {forged!r}
shutil.copytree("/course/work/{lab}", forged)
pathlib.Path(forged, "timestamp.txt").write_text("2099-01-01 00:00:00 UTC")
pathlib.Path("/course/work/told.new").write_text(json.dumps(told))
os.rename("/course/work/told.new", "/course/work/told.json")
"""


def look_around(page: Any, school: School, login: str, other: str) -> dict[str, Any]:
    """Run real reads in the student's own kernel, in a notebook of theirs; what came of each."""
    shared = f"/exchange/{COURSE_ID}"
    paths = {
        "own work": ("read", f"/course/work/{LAB}/{LAB}.ipynb"),
        "the released lab": ("read", f"/course/labs/{LAB}/{LAB}.ipynb"),
        "the solution": ("read", str(school.root / "solutions" / LAB / f"{LAB}.ipynb")),
        "the lab's source": ("read", str(school.root / "solutions" / LAB / f"{LAB}.py")),
        "solutions in the course": ("names", "/course/solutions"),
        "the quiz's key": ("read", str(school.root / "quizzes" / "tiny.yaml")),
        "the gradebook": ("read", str(school.office / "gradebook.db")),
        "passwords": ("read", str(school.office / "class" / "passwords.csv")),
        "the class": ("names", str(school.office / "class")),
        "another's work": ("read", str(school.student(other) / "work" / LAB / f"{LAB}.ipynb")),
        "another's home": ("names", f"/home/{other}"),
        "submissions": ("names", f"{shared}/inbound"),
        "feedback": ("names", f"{shared}/feedback"),
        "the instructor's home": ("names", "/root/.jupyter"),
        "the release is not theirs": ("write", f"/course/labs/{LAB}/{LAB}.ipynb"),
        "the outbox is not theirs": ("write", f"{shared}/outbound/mine"),
        "the exchange stays in its place": ("rename", shared),
    }
    forged = f"{shared}/inbound/{other}+{LAB}+2099-01-01 00:00:00 UTC+forged"
    code = PROBE.format(tries=repr(paths), forged=forged, lab=LAB)
    work = school.student(login) / "work"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, work / "look.ipynb")
    page.goto(f"http://127.0.0.1:{school.port}/user/{login}/lab/tree/work/look.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    idle(page)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    until((work / "told.json").is_file, "the notebook has looked around")
    return json.loads((work / "told.json").read_text())


def test_a_class_of_two(school: School, figures: dict[str, Any]) -> None:
    from playwright.sync_api import sync_playwright

    began = time.monotonic()
    ada, bob = school.ada, school.bob
    school.run("class", "init", str(school.roster()))
    assert len(school.accounts()) == 2
    school.nbgrader("generate_assignment", LAB, "--force")
    school.nbgrader("release_assignment", LAB)
    said = school.run("class", "start", "--detach", "--port", str(school.port), timeout=200)
    assert f"http://127.0.0.1:{school.port}/" in said and "room for" in said

    with sync_playwright() as playwright, contextlib.ExitStack() as desks:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        desks.callback(chromium.close)
        pages = {login: desks.enter_context(person(chromium, school, login)) for login in (ada, bob)}
        for login, text in ((ada, RIGHT), (bob, WRONG)):
            open_lab(pages[login])
            answer(pages[login], school, login, text)
            pages[login].screenshot(path=artefacts() / f"class-{login[:3]}-lab.png")
            hand_in(pages[login], school, login)
            pages[login].screenshot(path=artefacts() / f"class-{login[:3]}-handed-in.png")
        check_what_was_seen(look_around(pages[ada], school, ada, bob))

        log = school.nbgrader("collect", LAB)
        assert "Not collected" in log and "forged" in log
        handed_in = (school.office / "submitted" / bob / LAB / f"{LAB}.ipynb").read_text()
        assert "# wrong" in handed_in, "what Ada put there in Bob's name was not taken"
        assert "2 of 2 submissions graded" in school.run("grade", LAB)
        school.nbgrader("generate_feedback", LAB)
        school.nbgrader("release_feedback", LAB)

        for login, score in ((ada, "4.0 /"), (bob, "0.0 /")):
            fetch_feedback(pages[login], school, login)
            assert own_feedback(school, login).startswith(score), login
        page = desks.enter_context(person(chromium, school, "instructor"))
        page.goto(f"http://127.0.0.1:{school.port}/user/instructor/lab?reset")
        page.get_by_role("menuitem", name="Nbgrader").click()
        page.get_by_role("menuitem", name="Formgrader").click()
        formgrader = page.frame_locator("iframe[src*='formgrader']")
        row = formgrader.locator("#main-table tr", has_text=LAB).first
        row.locator(".num-submissions", has_text="2").wait_for()
        page.screenshot(path=artefacts() / "class-formgrader.png")

    sheet = school.root / "grades.csv"
    school.run("class", "grades", "--csv", str(sheet))
    rows = {row["id"]: row for row in csv.DictReader(sheet.open(encoding="utf-8-sig", newline=""))}
    assert {ada, bob} == set(rows)
    assert rows[ada][f"{LAB} (points)"] == "4" and rows[bob][f"{LAB} (points)"] == "0"
    assert float(rows[ada]["final (%)"]) > float(rows[bob]["final (%)"]) == 0

    assert "closed" in school.run("class", "stop")
    assert "Open at" not in school.run("class", "status")
    figures["a class of two in the browser, s"] = round(time.monotonic() - began, 1)


ALLOWED = {"own work", "the released lab"}


def check_what_was_seen(told: dict[str, Any]) -> None:
    """Two reads succeed, or the others would show nothing; every other one is refused."""
    processes, who = told.pop("processes")[1], told.pop("who")[1]
    assert {name for name, (result, _) in told.items() if result == "done"} == ALLOWED, told
    assert len(processes) < 40, "only one's own processes are seen"
    assert who[0] != 0 and who[1].startswith("/home/ada") and who[2] == []


def fetch_feedback(page: Any, school: School, login: str) -> None:
    """The button in the Assignment List."""
    assignments(page).locator("#submitted_assignments_list button", has_text="Fetch Feedback").first.click()
    until(lambda: own_pages(school, login), f"{login}'s feedback")


def own_pages(school: School, login: str) -> list[Path]:
    return sorted((school.student(login) / "work" / LAB / "feedback").glob("*/*.html"))


def own_feedback(school: School, login: str) -> str:
    """The score as the student's own page says it."""
    (page,) = own_pages(school, login)
    return re.search(r"\(Score:\s*([\d.]+ / [\d.]+)\)", page.read_text())[1]
