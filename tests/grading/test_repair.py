"""What can happen to a student's copy, and that the answers are still found."""

import copy
import json
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from servelab.errors import CourseError
from servelab.grading.repair import lay_answers, questions_of, read_notebook, without_solution


def _text(laid, name):
    return next(c.source for c in laid.notebook.cells if c.get("id") == name)


def test_questions_know_their_checks(source):
    found = questions_of(source)
    assert [q.grade_id for q in found] == ["mean", "total", "quiz-pick", "why"]
    assert [c.grade_id for c in found[0].checks] == ["mean-check", "mean-check-2"]
    assert found[0].max_points == 4 and found[3].manual


def test_answers_replace_the_reference_and_nothing_else_does(source, answering):
    copy_ = answering(mean="def mean(v): return 7", setup="import os", mean_check="pass")
    laid = lay_answers(copy_, source)
    assert _text(laid, "mean") == "def mean(v): return 7"
    assert _text(laid, "setup") == "import math"
    assert "hidden" in _text(laid, "mean-check").lower()
    assert not laid.notes and not laid.missing


def test_neither_notebook_is_changed(source, answering):
    copy_ = answering(mean="def mean(v): return 7")
    before = copy.deepcopy((copy_, source))
    lay_answers(copy_, source)
    assert (copy_, source) == before


def test_a_missing_answer_never_leaves_the_reference_in_place(source, answering):
    copy_ = answering()
    copy_.cells = [c for c in copy_.cells if c.id != "mean"]
    laid = lay_answers(copy_, source)
    assert laid.missing == ["mean"] and _text(laid, "mean") == ""
    assert "“mean”" in laid.notes[0]


def test_of_several_copies_the_last_counts_and_it_is_said(source, answering):
    copy_ = answering(mean="first = 1")
    twin = copy.deepcopy(copy_.cells[2])
    twin.id, twin.source = "other", "second = 2"
    copy_.cells.insert(5, twin)
    laid = lay_answers(copy_, source)
    assert _text(laid, "mean") == "second = 2"
    assert "2 times" in laid.notes[0]


def test_stripped_metadata_are_found_by_cell_id(source, answering):
    copy_ = answering(mean="mine = 1")
    for cell in copy_.cells:
        cell.metadata = {}
    laid = lay_answers(copy_, source)
    assert _text(laid, "mean") == "mine = 1" and not laid.missing
    assert "lost its grading label" in laid.notes[0]


@pytest.mark.parametrize("spoil", [None, 3, "text", {"nbgrader": None}, {"nbgrader": []}])
def test_odd_metadata_do_no_harm(source, answering, spoil):
    copy_ = answering(mean="mine = 1")
    dict.__setitem__(copy_.cells[2], "metadata", spoil)
    assert _text(lay_answers(copy_, source), "mean") == "mine = 1"


def test_own_cells_that_only_define_go_along_and_others_do_not(source, answering):
    copy_ = answering()
    copy_.cells.insert(2, new_code_cell("import statistics\nLIMIT = 3\ndef helper(): return 1"))
    copy_.cells.insert(3, new_code_cell("expensive = helper()"))
    laid = lay_answers(copy_, source)
    assert _text(laid, "mean").startswith("import statistics")
    assert "expensive" not in _text(laid, "mean") and laid.lost_names == ["expensive"]
    assert len(laid.notebook.cells) == len(source.cells)


def test_a_starter_has_no_solution(source):
    starter = without_solution(source.cells[2].source)
    assert "return sum" not in starter and starter.startswith("def mean") and "    raise Not" in starter
    compile(starter, "starter", "exec")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not a notebook"),
        (b"[]", "not a notebook"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a notebook"),
        (b'{"cells": [{}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a notebook"),
        (b"\xff\xfe\x00", "cannot be read"),
        (None, "no notebook at"),
    ],
)
def test_what_is_no_notebook_gets_one_line_and_stays(tmp_path, content, words):
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CourseError, match=words) as caught:
        read_notebook(path)
    assert "\n" not in str(caught.value)
    assert content is None or path.read_bytes() == content


def test_a_notebook_from_before_cell_ids_is_read(tmp_path, source):
    for cell in source.cells:
        del cell["id"]
    source.nbformat_minor = 4
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(source))
    assert len(read_notebook(path).cells) == len(source.cells)


FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "submissions").glob("*.ipynb"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_as_other_programs_save_it_every_answer_is_found(path, source):
    """Colab, VS Code, clients of every minor format, and people who move, retype or delete cells."""
    laid = lay_answers(read_notebook(path), source)
    # This lab's written answer has no prompt before it; without a label and an id nothing tells it from other text.
    assert set(laid.missing) <= {"why"}
    for question in laid.questions:
        if not question.manual:
            assert laid.notebook.cells[question.index].source == source.cells[question.index].source
            assert laid.notebook.cells[question.index].cell_type == source.cells[question.index].cell_type


def test_a_written_answer_without_a_label_is_found_after_its_prompt(source, answering):
    prompt = new_markdown_cell("## Why does the second user wait?", id="prompt")
    source.cells.insert(-1, prompt)
    copy = answering()
    copy.cells.insert(-1, prompt.copy())
    copy.cells[-1] = new_markdown_cell("Because of the lock.")
    laid = lay_answers(copy, source)
    assert laid.missing == [] and laid.notebook.cells[-1].source == "Because of the lock."


def test_an_unlabelled_cell_that_defines_something_else_is_no_answer(source, answering):
    copy = answering()
    for cell in copy.cells:
        cell.metadata, cell.id = {}, f"other-{cell.id}"
        cell.source = cell.source.replace("def mean", "def means")
    laid = lay_answers(copy, source)
    assert laid.missing == ["mean"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_as_windows_may_save_it_every_answer_is_found(encoding, tmp_path, source):
    """A byte order mark, which JSON does not allow: written here, because other tools would call such a fixture broken."""
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(source), encoding=encoding)
    assert lay_answers(read_notebook(path), source).missing == []


@pytest.mark.parametrize(
    "line",
    [
        'quiz_pick = "waits"  # @param ["", "waits", "drops", "splits"]',
        'quiz_pick = "waits" # @param ["", "waits", "drops", "splits"] {"type":"string"}',
        '#@title Your answer\nquiz_pick = "waits" #@param ["", "waits", "drops", "splits"] {allow-input: true}',
    ],
)
def test_a_form_that_colab_wrote_anew_is_the_same_answer(line, source, answering):
    laid = lay_answers(answering(quiz_pick=line), source)
    names: dict = {}
    exec(_text(laid, "quiz-pick"), names)
    assert names["quiz_pick"] == "waits" and not laid.missing and not laid.notes
