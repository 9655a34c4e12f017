"""What comes back to a student: words, no hidden test, nothing that runs; and what lateness costs."""

from __future__ import annotations

import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from chromium import browser, needs_chromium, page, said  # noqa: F401 - fixtures
from nbgrader.api import Gradebook
from playwright.sync_api import Page
from servelab.course.building import load_config
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all
from servelab.grading.feedback import clean, without_hidden_tests
from servelab.grading.late import LatePolicy

LAB = "01-small"
ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    "<script>document.title = 'taken over'</script>",
    "<img src=x onerror=\"document.title = 'taken over'\">",
    "<svg onload=\"document.title = 'taken over'\"></svg>",
    "[click](javascript:document.title='taken%20over')",
    "<a href=\"java\nscript:alert(1)\" id=bait>x</a>",
    "<iframe srcdoc=\"<script>parent.document.title = 'taken over'</script>\"></iframe>",
    "<style>body { display: none }</style>",
    "<details ontoggle=\"document.title = 'taken over'\" open>x</details>",
    "<math><mtext></table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "![x](\" onerror=\"document.title='taken over')",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_becomes_harmless(text: str) -> None:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    tags: list[tuple[str, list[tuple[str, str | None]]]] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: tags.append((tag, attributes))  # type: ignore[method-assign]
    reader.feed(clean(markdown2html_mistune(text)))
    assert not {tag for tag, _ in tags} & {
        "script",
        "img",
        "svg",
        "iframe",
        "style",
        "math",
        "object",
        "link",
        "form",
    }
    for _, attributes in tags:
        for name, value in attributes:
            assert not name.startswith("on") and "script" not in (value or ""), (name, value)


def test_what_people_write_stays() -> None:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    cleaned = clean(
        markdown2html_mistune("**Because** `x < 3`:\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    )
    for tag in ("<strong>", "<code>", "<li>", "<table>", "<td>"):
        assert tag in cleaned


def test_hidden_tests_are_cut_even_where_a_mark_is_lost() -> None:
    text = "a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc\n    ### BEGIN HIDDEN TESTS\nd"
    assert without_hidden_tests(text).split() == ["a", "c"]


def hand_in_hostile(room: Classroom, answering: Any) -> None:
    copy = answering(
        mean="from IPython.display import HTML, display\n"
        f"for t in {HOSTILE!r}:\n    print(t)\n    display(HTML(t))\n"
        "def mean(values):\n    raise ValueError('<script>document.title = \"taken over\"</script>' + repr(values))",
        quiz_pick='quiz_pick = "drops"',
    )
    copy.cells[-1].source = "\n\n".join(HOSTILE)
    room.hand_in(LAB, "mallory", nbformat.writes(copy))


def due(room: Classroom, config: Any, days_ago: float) -> None:
    when = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(days=days_ago)
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=when)


@pytest.mark.slow
@pytest.mark.browser
@needs_chromium
def test_a_planted_script_does_not_run_and_nothing_hidden_is_shown(
    room: Classroom,
    answering: Any,
    page: Page,
) -> None:
    config = load_config(ROOT, room.folder)
    hand_in_hostile(room, answering)
    result = grade_all(config, LAB)
    assert result.failed == {}
    room.nbgrader("generate_feedback", LAB)
    (written,) = (room.folder / "gradebook" / "feedback" / "mallory" / LAB).glob("*.html")
    html = written.read_text(encoding="utf-8")
    assert "secret_of_the_judge" not in html and "HIDDEN TESTS" not in html
    assert "There is one lock" not in html, "no explanation before a deadline has passed"
    assert "1.5" not in html.split("<body")[1].split("mean-check")[0], "no input of a hidden test"
    page.goto(written.as_uri())
    title = page.title()
    assert "taken over" not in title and LAB in title
    counts = page.evaluate(
        "document.querySelectorAll('details').forEach(d => d.open = !d.open);"
        "document.querySelectorAll('#bait').forEach(a => a.click());"
        "[document.title, getComputedStyle(document.body).display, document.querySelectorAll('iframe').length,"
        " [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length]"
    )
    assert counts[0] == title and counts[1] != "none" and counts[2:] == [0, 0]
    due(room, config, 1)
    room.nbgrader("generate_feedback", LAB, "--force")
    html = written.read_text(encoding="utf-8")
    assert "Chosen: It is dropped." in html and "There is one lock" in html


@pytest.mark.slow
def test_lateness_costs_what_the_policy_says(room: Classroom, answering: Any) -> None:
    config = load_config(ROOT, room.folder)
    config.LatePolicy.percent_per_day = 10
    config.LatePolicy.extensions_hours = {"carl": 48, f"dora/{LAB}": 48}
    due(room, config, 1.5)
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        deadline = gradebook.find_assignment(LAB).duedate
    for student, late in (
        ("ann", -60),
        ("bert", 5 * 60),
        ("carl", 86_400),
        ("dora", 86_400),
        ("emil", 86_400 + 60),
    ):
        room.hand_in(LAB, student, nbformat.writes(answering()))
        stamp = room.submitted(LAB, student).parent / "timestamp.txt"
        stamp.write_text((deadline + datetime.timedelta(seconds=late)).strftime("%Y-%m-%d %H:%M:%S UTC"))
    room.hand_in(LAB, "fritz", nbformat.writes(answering()))
    result = grade_all(config, LAB)
    assert result.failed == {} and result.flagged == {"fritz": ["no timestamp"]}
    with Gradebook(config.CourseDirectory.db_url, "serving-llms") as gradebook:
        taken = {
            s: gradebook.find_submission_notebook(LAB, LAB, s).late_submission_penalty
            for s in ("ann", "bert", "carl", "dora", "emil", "fritz")
        }
    assert taken == {
        "ann": None,
        "bert": None,
        "carl": None,
        "dora": None,
        "emil": pytest.approx(1.8),
        "fritz": None,
    }


@pytest.mark.parametrize(
    ("late_s", "score", "penalty"),
    [
        (0, 10, None),
        (899, 10, None),
        (901, 10, 1),
        (86_400, 10, 1),
        (86_401, 10, 2),
        (10**8, 10, 10),
        (9e99, 0, None),
    ],
)
def test_a_day_that_has_begun_counts(late_s: float, score: float, penalty: float | None) -> None:
    assert LatePolicy(percent_per_day=10).late_submission_penalty("ada", score, late_s) == penalty
    assert LatePolicy().late_submission_penalty("ada", score, late_s) is None
