"""Grading a notebook: errors, hangs, deaths, noise, and what is left behind."""

from __future__ import annotations

import time
import uuid

import psutil
import pytest
from cells import answer, check, plain
from nbformat.v4 import new_notebook
from servelab.grading import grade
from servelab.grading.repair import Laid, lay_answers, questions_of, read_notebook
from servelab.grading.run import Grader, scores_of
from servelab.grading.session import modules_of, plan_of

pytestmark = pytest.mark.slow


def _points(report):
    return {q: report.points_of(q) for q in report.by_question()}


def test_the_reference_gets_everything(source_path, answering):
    report = grade(answering(), source_path)
    assert (report.score, report.max_score) == (9, 9)
    assert [c.grade_id for c in report.cells if c.status == "manual"] == ["why"]
    assert not report.notes


def test_errors_cost_only_their_check(source_path, answering):
    report = grade(
        answering(
            mean="def mean(values):\n    return sum(abs(v) for v in values) / len(values)",
            total="def total(values):\n    return sum(values) if values[0] else 0",
            quiz_pick='quiz_pick = "drops"',
        ),
        source_path,
    )
    assert _points(report) == {"mean": 2, "total": 3, "quiz-pick": 0, "why": 0}
    words = {c.grade_id: c.message for c in report.cells}
    assert words["mean-check-2"] == "negative numbers count too"
    assert words["quiz-pick-check"] == "not this one"
    assert "Right in part: 3 of 4" in words["total-check"]


def test_a_hidden_test_never_reaches_the_words(source_path, answering):
    report = grade(answering(mean="def mean(values):\n    return values[9]"), source_path)
    words = " ".join(c.message for c in report.cells)
    assert "IndexError" in words and "return values[9]" in words
    assert "secret_of_the_judge" not in words and "assert" not in words


def test_a_syntax_error_is_named(source_path, answering):
    report = grade(answering(mean="def mean(values:\n    return 0"), source_path)
    assert report.points_of("mean") == 0 and report.score == 5
    assert "SyntaxError" in report.cells[0].message


@pytest.mark.parametrize(
    "body", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_dead_kernel_costs_its_question_only(source_path, answering, body):
    report = grade(answering(mean=f"def mean(values):\n    {body}"), source_path)
    assert _points(report) == {"mean": 0, "total": 4, "quiz-pick": 1, "why": 0}
    assert "Python itself stopped" in report.cells[0].message


def test_a_kernel_killed_by_the_answer_cell_itself(source_path, answering):
    report = grade(answering(total="import os\nos._exit(0)"), source_path)
    assert _points(report) == {"mean": 4, "total": 0, "quiz-pick": 1, "why": 0}
    assert "your answer cell" in report.cells[2].message


def test_a_hang_costs_its_question_only(source_path, answering):
    loop = "def mean(values):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    began = time.monotonic()
    report = grade(answering(mean=loop), source_path, timeout_s=3)
    assert _points(report) == {"mean": 0, "total": 4, "quiz-pick": 1, "why": 0}
    assert "more than 3 s" in report.cells[0].message and "timed out" in report.flags
    assert time.monotonic() - began < 25


def test_noise_on_standard_error_and_endless_output_cost_nothing(source_path, answering):
    noisy = (
        "import sys, warnings\ndef total(values):\n    warnings.warn('careful')\n"
        "    print('x' * 3_000_000)\n    print('!', file=sys.stderr)\n    return sum(values)"
    )
    assert grade(answering(total=noisy), source_path).score == 9


def test_a_missing_check_cell_is_still_graded(source_path, answering):
    copy = answering(mean="def mean(values): return 0")
    copy.cells = [c for c in copy.cells if "check" not in c.id]
    report = grade(copy, source_path)
    assert _points(report) == {"mean": 2, "total": 4, "quiz-pick": 1, "why": 0}


def test_a_duplicated_grade_id_is_graded_once(source_path, answering):
    copy = answering()
    copy.cells.append(copy.cells[3].copy())
    copy.cells[-1].id = "again"
    assert grade(copy, source_path).score == 9


def test_a_missing_answer_is_zero_even_where_its_check_would_pass(source_path, answering):
    copy = answering()
    copy.cells = [c for c in copy.cells if c.id != "quiz-pick"]
    report = grade(copy, source_path)
    assert report.points_of("quiz-pick") == 0 and report.score == 8
    assert "not in your notebook" in report.cells[-2].message


def test_nothing_that_an_answer_started_outlives_it(source_path, answering):
    mark = uuid.uuid4().hex
    sneaky = (
        "import os, subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)', {mark!r}], start_new_session=True)\n"
        "def total(values): return sum(values)"
    )
    assert grade(answering(total=sneaky), source_path).score == 9
    assert not [p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]


def test_the_students_folder_is_not_the_one_executed_in(source_path, answering):
    before = sorted(source_path.parent.iterdir())
    assert grade(answering(total="open('left', 'w')\ndef total(v): return sum(v)"), source_path).score == 9
    assert sorted(source_path.parent.iterdir()) == before


def _ahead(seen: str) -> Laid:
    """A notebook whose own cells import what nothing else of the grader does; the answer says what was there before."""
    setup = (
        "%load_ext servelab\nimport sys\nthere = {name for name in ('colorsys', 'sched') if name in sys.modules}\n"
        "import colorsys\nfrom servelab.retrieval import tokens\n"
        "there |= {'tokens'} if tokens._tokenizer.cache_info().currsize else set()"
    )
    rule = "assert colorsys and tokens and sorted(seen()) == ['colorsys', 'tokens']\n2.0"
    cells = [plain(setup, "setup"), answer(seen, "seen"), check(rule, "seen-check", 2)]
    notebook = new_notebook(cells=cells)
    return Laid(notebook=notebook, questions=questions_of(notebook))


def test_what_the_instructors_cells_import_is_imported_once_for_all_and_what_an_answer_imports_is_not():
    laid = _ahead("import sched\ndef seen():\n    return there")
    with Grader() as grader:
        for _ in range(2):
            assert [score.points for score in scores_of(laid, grader.run(laid).runs)] == [2]


def test_modules_are_read_from_cells_that_checks_use():
    plan = plan_of((laid := _ahead("import sched\ndef seen():\n    return there")).notebook, laid.questions)
    assert modules_of(plan) == ["sys", "colorsys", "servelab.retrieval", "servelab.retrieval.tokens"]


def test_nothing_runs_after_the_last_check_that_is_wanted(answering, source_path):
    laid = lay_answers(answering(), read_notebook(source_path))
    names = {cell.id: place for place, cell in enumerate(laid.notebook.cells)}
    with Grader() as grader:
        ran = grader.run(laid, only={names["mean-check"]}).runs
    assert sorted(ran) == sorted(names[name] for name in ("setup", "mean", "mean-check"))
