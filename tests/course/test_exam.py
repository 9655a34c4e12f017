"""An exam is its bank: every question once, nothing told, options shuffled for each student."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from course_kit import REPOSITORY
from IPython.core.interactiveshell import InteractiveShell
from servelab.course import quiz, widgets
from servelab.course.exam import with_questions
from servelab.course.percent import SourceError, read_lab

EXAMS = {
    "12-exam-llms-in-production": "llms-in-production",
    "13-exam-llm-infrastructure": "llm-infrastructure",
}
BANKS = quiz.load_banks(REPOSITORY / "quizzes")


@pytest.fixture(params=EXAMS)
def exam(request: pytest.FixtureRequest) -> tuple[str, nbformat.NotebookNode, quiz.Bank]:
    name = request.param
    return name, nbformat.read(REPOSITORY / "labs" / name / f"{name}.ipynb", 4), BANKS[EXAMS[name]]


def test_every_question_is_asked_once_and_nothing_is_told(exam) -> None:
    name, notebook, bank = exam
    ids = [cell.id for cell in notebook.cells]
    for entry in [*bank.items, *bank.scenarios]:
        assert ids.count(getattr(entry, "grade_id", entry.id)) == 1, entry.id
    text = "\n".join(cell.source for cell in notebook.cells)
    for what, words in bank.secrets():
        assert " ".join(words.split()) not in " ".join(text.split()), what
    for item in bank.choices:
        (line,) = (c.source for c in notebook.cells if c.id == item.grade_id)
        assert quiz.ANSWER_LINE.match(line)["value"] == '""'
        (question,) = (c.source for c in notebook.cells if c.id == f"{item.grade_id}-question")
        assert not any(option.text in question for option in item.options)
    for scenario in bank.scenarios:
        assert scenario.rubric.excellent.split(".")[0] in text, "the rubric is public"
    for item in bank.codes:  # an unanswered one must not stop *Run All*
        cells = [c for c in notebook.cells if c.id in (item.id, f"{item.id}-check")]
        assert len(cells) == 2 and all("raises-exception" in cell.metadata.tags for cell in cells)
    assert notebook.metadata.servelab.exam == EXAMS[name]
    assert notebook.metadata.servelab.minutes == bank.minutes


def test_points(exam) -> None:
    _, notebook, bank = exam
    graded = {
        c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get("grade")
    }
    scenarios = {scenario.id for scenario in bank.scenarios}
    assert sum(points for name, points in graded.items() if name not in scenarios) == len(bank.items)
    assert {graded[name] for name in scenarios} <= {10}


def source(tmp_path: Path, header: str = "minutes: 30", cell: str = '# %% exam="llms-in-production"') -> Path:
    path = tmp_path / "solutions" / "12-x" / "12-x.py"
    path.parent.mkdir(parents=True)
    path.write_text(f"# ---\n# title: x\n# {header}\n# objectives: y\n# ---\n\n{cell}\n")
    return path


def test_faults_of_an_exams_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"12-x.py:1: the header says 5 minutes, llms-in-production 30"):
        with_questions(read_lab(source(tmp_path / "a", "minutes: 5")), REPOSITORY)
    with pytest.raises(SourceError, match=r"12-x.py:7: quizzes/nothing.yaml: there is no such question bank"):
        with_questions(read_lab(source(tmp_path / "b", cell='# %% exam="nothing"')), REPOSITORY)
    with pytest.raises(SourceError, match="a quiz cell holds no text"):
        read_lab(source(tmp_path / "c", cell='# %% exam="llms-in-production"\nprint(1)'))


def test_options_come_in_an_order_of_the_students_own(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    texts = {name: f"text of {name}" for name in ("north", "east", "south", "west")}
    orders = set()
    for student in (f"student{n}" for n in range(40)):
        monkeypatch.setenv("JUPYTERHUB_USER", student)
        orders.add(tuple(widgets.own_order("quiz_x", texts)))
        assert widgets.own_order("quiz_x", texts) == widgets.own_order(
            "quiz_x", dict(reversed(texts.items()))
        )
    assert len(orders) > 12
    firsts = [order[0] for order in orders]
    assert set(firsts) == set(texts)
    widgets.options("quiz_x", texts)
    printed = capsys.readouterr().out
    assert all(f"- {name}: text of {name}" in printed for name in texts)


class Ran:
    """What IPython tells after a cell has run."""

    def __init__(self, raw_cell: str) -> None:
        self.info = type("Info", (), {"raw_cell": raw_cell})


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The widgets that are displayed, as in a notebook."""
    found: list[object] = []
    monkeypatch.setattr(widgets, "_in_jupyter", lambda: True)
    monkeypatch.setattr(widgets, "_display", lambda widget, instead: found.append(widget))
    return found


EMPTY = 'quiz_x = ""  #@param ["", "north", "east"]'


def test_radio_buttons_below_an_empty_answer(shown: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(widgets._shown, "quiz_x", {"east": "To the east.", "north": "To the north."})
    for text in ("x = 1", EMPTY.replace('""  ', '"north"  '), "", "quiz_x = 3"):
        widgets.radio_below(Ran(text))
    assert shown == []
    widgets.radio_below(Ran(f"{EMPTY}\n"))
    (radio,) = shown
    assert radio.options == [["east", "To the east."], ["north", "To the north."]]
    assert radio.line == 'quiz_x = "@"  #@param ["", "north", "east"]'
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    widgets.radio_below(Ran(EMPTY))
    assert len(shown) == 1


def test_a_choice_is_bound_where_the_cell_can_be_run_no_more(
    shown: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = InteractiveShell.instance()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    widgets.radio_below(Ran(EMPTY))
    shown[0].value = "north"
    assert shell.user_ns["quiz_x"] == "north"
    shown[0].value = "up"
    assert shell.user_ns["quiz_x"] == "north"


def test_the_clock_goes_on_where_it_was(
    tmp_path: Path, shown: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVELAB_WORK", str(tmp_path))
    widgets.timer(30, "12-x")
    widgets.timer(30, "12-x")
    widgets.timer(60, "13-y")
    assert shown[0].began == shown[1].began <= shown[2].began and shown[0].minutes == 30
    assert set(json.loads((tmp_path / ".servelab" / "exams.json").read_text())) == {"12-x", "13-y"}
    (tmp_path / ".servelab" / "exams.json").write_text("not json")
    widgets.timer(30, "12-x")
    assert shown[3].began >= shown[0].began


def test_without_jupyter_the_clock_is_a_sentence(capsys) -> None:
    widgets.timer(30, "12-x")
    assert "nothing is locked" in capsys.readouterr().out
