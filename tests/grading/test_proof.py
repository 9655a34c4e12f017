"""`servelab proof`: what holds is seen to hold, and whatever does not is found."""

from __future__ import annotations

import nbformat
import pytest
from rich.console import Console
from servelab.errors import CourseError
from servelab.grading.answers import quiz_answers, read_answers, shortages
from servelab.grading.proof import proof, prove_lab
from servelab.grading.repair import questions_of

LAB = "01-small"


@pytest.mark.slow
def test_a_sound_lab_is_proved(small_course, recorded):
    console = Console(record=True, width=160)
    told = proof(small_course, console=console)
    assert told["problems"] == [], console.export_text()
    counted = {k: told[k] for k in ("labs", "references_full", "starters_zero", "answers", "answers_exact")}
    assert counted == {
        "labs": 1,
        "references_full": 1,
        "starters_zero": 1,
        "answers": 15,
        "answers_exact": 15,
    }
    assert "holds" in console.export_text()


def _edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ('"absolute values" points=2', '"absolute values" points=0', "mean: wrong “absolute values”"),
        ("return total / len(values)", "return 8", "mean: right “a loop”"),
        ("return 3", "import os; os._exit(0)\n    return sum(values) / len(values)", None),
        ("return 3", "return sum(values) / len(values)", "mean: wrong “a constant”"),
    ],
)
def test_an_answer_with_other_points_is_found(small_course, recorded, before, after, found):
    _edit(recorded / "mean.py", before, after)
    result = prove_lab(small_course, LAB, stock=False)
    assert [m.what for m in result.mismatches] == ([found] if found else [])
    assert result.answers_exact == result.answers - len(result.mismatches)


@pytest.mark.slow
def test_harm_to_another_question_must_be_announced(small_course, recorded):
    path = recorded / "mean.py"
    harm = '\n# %% wrong "takes a builtin away" points=0{}\nsum = max\ndef mean(values):\n    return None\n'
    before = path.read_text()
    path.write_text(before + harm.format(""))
    result = prove_lab(small_course, LAB, stock=False)
    assert [(m.expected, m.got) for m in result.mismatches] == [("total 4", "1")]
    assert result.answers_exact == result.answers - 1
    path.write_text(before + harm.format(' also="total:1"'))
    assert prove_lab(small_course, LAB, stock=False).mismatches == []


@pytest.mark.slow
def test_a_weak_check_a_wrong_reference_and_a_talkative_starter_are_found(small_course, recorded):
    path = small_course / "solutions" / LAB / f"{LAB}.ipynb"
    notebook = nbformat.read(path, 4)
    cells = {c.id: c for c in notebook.cells}
    cells["mean"].source = cells["mean"].source.replace("/ len", "* len")
    cells["mean-check-2"].source = "mean"
    nbformat.write(notebook, path)
    released = small_course / "labs" / LAB / f"{LAB}.ipynb"
    starter = nbformat.read(released, 4)
    next(c for c in starter.cells if c.id == "total").source = "def total(values): return sum(values)"
    nbformat.write(starter, released)
    result = prove_lab(small_course, LAB)
    assert not result.reference_full and not result.starter_zero
    whats = {m.what for m in result.mismatches}
    assert {"reference", "starter", "reference, by nbgrader"} <= whats


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('import os\n# %% right "x"\n', "code before the first"),
        ('# %% rihgt "x"\n', "begins with right or wrong"),
        ('# %% wrong "x"\n', "says its points"),
        ('# %% wrong "x" points=4\n', "says its points"),
        ('# %% right "x" points=1\n', "gets all 4 points"),
        ('# %% wrong "x points=1\n', "a header reads"),
        ('# %% wrong "x" points=one\n', "a header reads"),
        ('# %% wrong "x" points=1 alsi=a:0\n', "knows only"),
        ('# %% right "x"\n# %% right "x"\n', "two answers are called"),
    ],
)
def test_a_header_that_cannot_be_read_is_named(tmp_path, source, text, words):
    (tmp_path / "mean.py").write_text(text)
    with pytest.raises(CourseError, match=words):
        read_answers(tmp_path, questions_of(source))


def test_answers_to_no_question_are_named(tmp_path, source):
    (tmp_path / "meen.py").write_text("")
    with pytest.raises(CourseError, match="no answer cell is called 'meen'"):
        read_answers(tmp_path, questions_of(source))


def test_quiz_answers_are_derived_and_shortages_counted(source, recorded):
    questions = questions_of(source)
    quiz = next(q for q in questions if q.grade_id == "quiz-pick")
    derived = quiz_answers(quiz, source.cells[quiz.index])
    assert [(a.kind, a.points) for a in derived] == [("wrong", 0)] * 3 + [("right", 1)] * 2
    assert quiz_answers(questions[0], source.cells[questions[0].index]) == []
    answers = read_answers(recorded, questions) + derived
    assert shortages(questions, answers) == []
    assert "14 answers in all; at least 15 are needed" in shortages(questions, answers[1:])
    assert any("mean: 3 wrong and 1 right" in line for line in shortages(questions, answers[1:]))
