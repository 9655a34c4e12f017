"""Question banks: faults name file, line and item; one question becomes three cells that keep the secret."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from course_kit import REPOSITORY
from servelab.course import quiz
from servelab.course.regions import HIDDEN, fill

BANK = (REPOSITORY / "tests" / "fixtures" / "course" / "quizzes" / "tiny.yaml").read_text()
REAL = REPOSITORY / "quizzes"


def bank(tmp_path: Path, text: str) -> quiz.Bank:
    folder = tmp_path / "quizzes"
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(text)
    return quiz.load_bank(folder / "tiny.yaml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: Tiny", "title: [", "quizzes/tiny.yaml:3: not YAML"),
        ("title: Tiny\n", "", "quizzes/tiny.yaml:1: title: Field required"),
        ("minutes: 5", "minutes: soon", "quizzes/tiny.yaml:2: minutes: Input should be a valid integer"),
        ("pass_percent: 70", "pass_percent: 170", "quizzes/tiny.yaml:3: pass_percent:"),
        ("    answer: blue", "    answer: pink", "quizzes/tiny.yaml:5: item colour-of-sky: answer 'pink' is not"),
        ("      - id: red", "      - id: blue", "quizzes/tiny.yaml:5: item colour-of-sky: two options have"),
        ("        why: Grass is green, and nobody lies on the sky.\n", "", "tiny.yaml:14: item colour-of-sky: options.2.why:"),
        ("    topic: Basics", "    topik: Basics", "quizzes/tiny.yaml:7: item colour-of-sky: topik: Extra inputs"),
        ("    lab: 01-tiny", "    lab: tiny", "quizzes/tiny.yaml:8: item colour-of-sky: lab: String should match"),
        ("id: colour-of-sky", "id: Colour", "quizzes/tiny.yaml:5: item Colour: id: String should match"),
        ("    stem: What", "    stem: ''\n    x: What", "quizzes/tiny.yaml:9: item colour-of-sky: stem:"),
        (BANK[BANK.index("items:") :], "items: []\n", "quizzes/tiny.yaml:4: items: List should have at least 1"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert BANK.count(old) == 1
    with pytest.raises(quiz.QuizError) as caught:
        bank(tmp_path, BANK.replace(old, new))
    assert expected in str(caught.value), str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "items: 3\n", "items: [1, 2]\n"])
def test_a_file_that_is_no_bank(tmp_path: Path, text: str) -> None:
    with pytest.raises(quiz.QuizError, match=r"quizzes/tiny\.yaml:\d+:"):
        bank(tmp_path, text)


def test_same_id_twice(tmp_path: Path) -> None:
    item = BANK[BANK.index("  - id: colour") :]
    with pytest.raises(quiz.QuizError, match=r"tiny\.yaml:21: item colour-of-sky: another item has this id"):
        bank(tmp_path, BANK + item)


def test_missing_and_undecodable_bank(tmp_path: Path) -> None:
    with pytest.raises(quiz.QuizError, match="no such question bank"):
        quiz.find_item(tmp_path / "quizzes", "none/at-all")
    (tmp_path / "bad.yaml").write_bytes(b"\xff")
    with pytest.raises(quiz.QuizError, match="not UTF-8"):
        quiz.load_bank(tmp_path / "bad.yaml")


def graded(item: quiz.Item, value: object, source: str) -> str:
    """What a check cell says to an answer: "" when it passes."""
    try:
        exec(source, {item.name: value, "print": lambda *_: None})
    except AssertionError as error:
        return str(error)
    return ""


def test_check_cell_visible_and_hidden(tmp_path: Path) -> None:
    item = bank(tmp_path, BANK).items[0]
    check = quiz.expand(item).check
    visible = fill(check, HIDDEN, None)
    for value in ("", "blue", "green", "red", " Blue ", "GREEN"):
        assert graded(item, value, visible) == ""
    for value in ("pink", "A", None, 3, ["blue"], "blue, green"):
        assert "must be one of the names above" in graded(item, value, visible)
        assert graded(item, value, check) != ""
    for value in ("blue", "Blue", " blue\n"):
        assert graded(item, value, check) == ""
    assert "not answered" in graded(item, "", check)
    for value in ("green", "red"):
        said = graded(item, value, check)
        assert "not the best answer" in said and "blue" not in said


def test_no_option_passes_by_being_odd(tmp_path: Path) -> None:
    item = bank(tmp_path, BANK).items[0]

    class Anything(str):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    # str(...).strip() gives back a plain string, so an answer that claims to equal everything gains nothing.
    assert graded(item, Anything("green"), quiz.expand(item).check) != ""


def test_answer_line_survives_and_clears(tmp_path: Path) -> None:
    item = bank(tmp_path, BANK).items[0]
    answer = quiz.expand(item).answer
    shown = [o.id for o in item.shown()]
    assert answer == f'quiz_colour_of_sky = "blue"  #@param {json.dumps(["", *shown])}'
    assert quiz.clear_answer(answer) == answer.replace('"blue"  ', '""  ')
    assert ast.literal_eval(quiz.clear_answer(answer).split(" = ")[1].split("  #")[0]) == ""
    assert quiz.clear_answer("x = 1") is None


def test_shuffle_is_fixed_and_does_not_follow_the_file(tmp_path: Path) -> None:
    item = bank(tmp_path, BANK).items[0]
    turned = item.model_copy(update={"options": list(reversed(item.options))})
    assert [o.id for o in item.shown()] == [o.id for o in turned.shown()]
    orders = {
        n: [o.id for o in b.shown()] for bk in quiz.load_banks(REAL).values() for n, b in enumerate(bk.items)
    }
    assert any(
        [o.id for o in item.options] != [o.id for o in item.shown()]
        for bk in quiz.load_banks(REAL).values()
        for item in bk.items
    ), orders


def items() -> list[tuple[str, quiz.Item]]:
    return [(f"{name}/{item.id}", item) for name, b in quiz.load_banks(REAL).items() for item in b.items]


def test_right_options_do_not_stand_out() -> None:
    every = [item for _, item in items()]
    lengths = [[len(o.text) for o in item.options] for item in every]
    right = [next(len(o.text) for o in item.options if o.id == item.answer) for item in every]
    longest = sum(r == max(row) for r, row in zip(right, lengths, strict=True))
    assert longest <= 0.3 * len(every)
    assert all(max(row) <= 1.25 * min(row) for row in lengths)
    places = [[o.id for o in item.shown()].index(item.answer) for item in every]
    assert max(places.count(p) for p in places) <= 0.35 * len(places)


@pytest.mark.parametrize(("name", "item"), items(), ids=lambda v: v if isinstance(v, str) else "")
def test_every_item_of_the_banks(name: str, item: quiz.Item) -> None:
    cells = quiz.expand(item)
    visible = cells.question + fill(cells.check, HIDDEN, None) + quiz.clear_answer(cells.answer)
    assert not any(o.why in visible for o in item.options)
    assert all(o.text in cells.question for o in item.options)
    assert (REPOSITORY / "solutions" / item.lab).is_dir(), f"{name} is for lab {item.lab}"
    # An option's name is what is stored: it must not say which one is right.
    assert not any(
        word in o.id for o in item.options for word in ("right", "correct", "wrong", "true", "false")
    )
