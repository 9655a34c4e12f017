"""`servelab check`: one's own copy, graded in words and never touched."""

from __future__ import annotations

import json
import shutil

import pytest
from rich.console import Console
from servelab.course.quiz import Item
from servelab.errors import CourseError
from servelab.grading.check import check_own, grade_own, picked_option, show


@pytest.mark.slow
def test_a_copy_is_graded_in_words_kept_and_left_alone(own_copy, answering, small_course, capsys):
    wrong = answering(mean="def mean(values):\n    return 3", quiz_pick='quiz_pick = "Drops "')
    path = own_copy(wrong)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert check_own("1", json=True) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["score"], told["max_score"], told["visible_only"]) == (4, 9, False)
    assert told["quiz"][0]["why"] == "Nothing is dropped while the queue has room."
    kept = json.loads((small_course / "work/.servelab/scores.json").read_text())["01-small"]
    assert (kept["score"], kept["max_score"]) == (4, 9) and kept["when"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.slow
def test_the_table_says_what_to_do(own_copy, answering, small_course):
    own_copy(answering(mean="def mean(values):\n    return 3"))
    console = Console(record=True, width=100)
    show(grade_own("01-small"), console)
    text = console.export_text()
    assert "numbers that are not whole" in text and "0 of 4" in text
    assert "There is one lock and it is taken." in text
    assert "5 of 9 points" in text and "secret_of_the_judge" not in text


@pytest.mark.slow
def test_without_the_instructors_notebooks_only_visible_checks_count(own_copy, answering, small_course):
    shutil.rmtree(small_course / "solutions")
    shutil.rmtree(small_course / "quizzes")
    own_copy(answering(mean="def mean(values):\n    return 3 if min(values) > 0 else 0"))
    result = grade_own("01-small")
    assert result.visible_only and (result.score, result.max_score) == (8, 8)
    console = Console(record=True, width=100)
    show(result, console)
    text = console.export_text()
    assert "Only the checks that you can see" in text and "Visible checks passed for" in text
    assert "points" not in text and "Right" not in text, "nothing here knows whether the answers are right"
    assert "Marked when your instructor grades you." in text and "Not answered yet." not in text
    own_copy(answering(quiz_pick='quiz_pick = ""  #@param ["", "waits", "drops", "splits"]'))
    (line,) = (q for q in grade_own("01-small").questions if q.question == "quiz-pick")
    assert (line.status, line.messages) == ("unmarked", ["Not answered yet."])


def test_scores_that_cannot_be_read_are_replaced(small_course, own_copy, answering):
    from servelab.grading.check import OwnResult, save_score

    path = small_course / "work/.servelab/scores.json"
    path.parent.mkdir(parents=True)
    for broken in ("{", "[]", ""):
        path.write_text(broken)
        save_score(OwnResult(lab="01-small", score=1, max_score=2, visible_only=False, questions=[]))
        assert json.loads(path.read_text())["01-small"]["score"] == 1


def test_no_copy_yet_is_one_line(small_course):
    with pytest.raises(CourseError, match="no copy of 01-small yet") as caught:
        check_own("01")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"nbformat": 4}'])
def test_a_broken_copy_is_one_line_and_stays(own_copy, content):
    path = own_copy(content)
    with pytest.raises(CourseError) as caught:
        check_own("01")
    assert "\n" not in str(caught.value) and path.read_bytes() == content


def test_an_unknown_lab_is_one_line(small_course):
    with pytest.raises(CourseError, match="No lab is called '7'"):
        check_own("7")


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ('quiz_pick = "waits"  #@param ["", "waits"]', "waits"),
        ("quiz_pick = ' WAITS '", "waits"),
        ('quiz_pick = ""', ""),
        ('quiz_pick = "something else"', ""),
        ("quiz_pick = open('x')", ""),
        ("quiz_pick = ", ""),
        ("quiz_pick = 7", ""),
    ],
)
def test_the_option_is_read_without_running_the_cell(text, picked):
    options = [{"id": i, "text": "t", "why": "w"} for i in ("waits", "drops", "splits")]
    item = Item(id="pick", seed="s", topic="t", lab="01-small", stem="?", answer="waits", options=options)
    assert picked_option(text, item) == picked
