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


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    answer: blue", "    answer: blue\n    answer: green", "21: item colour-of-sky: not YAML: the key 'answer' stands twice"),
        ("        text: It is green.", "        text: It is green.\n        text: It is not.", "16: item colour-of-sky: not YAML: the key 'text' stands"),
        ("pass_percent: 70", "pass_percent: 70\npass_percent: 7", "4: not YAML: the key 'pass_percent' stands twice"),
        ("    stem: What", "    stem: Why: what", "9: item colour-of-sky: not YAML: mapping values are not allowed here"),
        ("    stem: What", "\tstem: What", "9: item colour-of-sky: not YAML: found character '\\t' that cannot start any token"),
        ("    stem: What", '    stem: "What', "9: item colour-of-sky: not YAML: found unexpected end of stream"),
        ("    answer: blue", "    answer: *blue", "20: item colour-of-sky: not YAML: found undefined alias"),
        ("    answer: blue", "    answer: !!int blue", "20: item colour-of-sky: not YAML: 'blue' is not of the kind int"),
        ("    topic: Basics", "    topic: Ba\0sics", "7: item colour-of-sky: not YAML: the character U+0000 is not allowed"),
        ("  - id: colour-of-sky\n", "  - kind: choice\n", "9: item 1: not YAML: mapping values"),
        ("title: Tiny", "title: T\0iny", "1: not YAML: the character U+0000 is not allowed"),
        ("    answer: blue", "    answer: blue\n---\n", "21: item colour-of-sky: not YAML: expected a single document in the stream but found another document"),
        ("title: Tiny", "title: " + 1500 * "[", "1: not YAML: too many levels within each other"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_has_line_and_item(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = BANK.replace(old, new)
    assert BANK.count(old) == 1
    if expected.startswith("9: item 1"):
        text = text.replace("    stem: What", "    stem: Why: what")
    with pytest.raises(quiz.QuizError) as caught:
        bank(tmp_path, text)
    assert str(caught.value).startswith(f"quizzes/tiny.yaml:{expected}"), str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_item_of_a_broken_line_among_several(tmp_path: Path) -> None:
    text = BANK + CODE + SCENARIO + DESCRIBED
    for old, item in (
        ("    hidden: assert", " item a-code-question:"),
        ("    situation: It", " scenario a-night:"),
        ("    practise: Do", ""),
    ):
        assert text.count(old) == 1
        line = text[: text.index(old)].count("\n") + 1
        with pytest.raises(quiz.QuizError) as caught:
            bank(tmp_path, text.replace(old, old + " this: "))
        assert str(caught.value).startswith(f"quizzes/tiny.yaml:{line}:{item} not YAML: "), str(caught.value)


@pytest.mark.parametrize("date", ["2024-13-45", "2024-12-31", "2024-12-31T10:00:00Z"])
def test_a_date_is_text(tmp_path: Path, date: str) -> None:
    assert bank(tmp_path, BANK.replace("title: Tiny", f"title: {date}")).title == date


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "items: 3\n", "items: [1, 2]\n"])
def test_a_file_that_is_no_bank(tmp_path: Path, text: str) -> None:
    with pytest.raises(quiz.QuizError, match=r"quizzes/tiny\.yaml:\d+:"):
        bank(tmp_path, text)


CODE = """
  - id: a-code-question
    kind: code
    seed: M5 Q2
    topic: Basics
    lab: 01-tiny
    stem: Bind x to 1.
    starter: x = None
    solution: x = 1
    check: assert x is not None
    hidden: assert x == 1
    why: One is one.
    right:
      - {name: one, text: x = 1}
      - {name: a sum, text: x = 0 + 1}
    wrong:
      - {name: two, text: x = 2}
      - {name: nothing, text: x = 0}
      - {name: words, text: x = 'one'}
"""
SCENARIO = """
scenarios:
  - id: a-night
    seed: M10 Scenario 1
    title: A night
    topic: Basics
    lab: 01-tiny
    situation: It is dark.
    tasks: [Make light.]
    rubric: {excellent: Light., good: A lamp., satisfactory: A match., needs_improvement: Dark.}
    model_answer: Press the switch.
    points: 10
"""
DESCRIBED = """
topics:
  - name: Basics
    labs: [01-tiny]
    study: [{title: A page, url: "https://example.org"}]
    practise: Do it again.
bands:
  - {from_percent: 50, name: Half, next_steps: [Go on.], certification: None yet.}
  - {from_percent: 0, name: Begin, next_steps: [Begin.], certification: None.}
"""


def test_code_scenarios_topics_and_bands(tmp_path: Path) -> None:
    whole = bank(tmp_path, BANK + CODE + SCENARIO + DESCRIBED)
    assert [item.kind for item in whole.items] == ["choice", "code"] and whole.needed == 2
    assert whole.scenarios[0].rubric.good == "A lamp." and whole.bands[0].from_percent == 50
    assert {words for _, words in whole.secrets()} >= {"Press the switch.", "One is one.", "assert x == 1"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    hidden: assert x == 1\n", "", "item a-code-question: hidden: Field required"),
        ("    kind: code", "    kind: cod", "item a-code-question: Input tag 'cod' found using 'kind' does not match"),
        ("      - {name: words, text: x = 'one'}\n", "", "item a-code-question: wrong: List should have at least 3"),
        ("good: A lamp., ", "", "scenario a-night: rubric.good: Field required"),
        ("    points: 10", "    points: 0", "scenario a-night: points: Input should be greater than 0"),
        ("  - name: Basics", "  - name: Others", "topics does not describe Basics"),
        ("from_percent: 50", "from_percent: 0", "bands must go down from the highest from_percent to 0"),
        ("https://example.org", "http://example.org", "topics.1.study.1.url: String should match"),
    ],
)  # fmt: skip
def test_faults_of_the_rest(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = BANK + CODE + SCENARIO + DESCRIBED
    assert text.count(old) == 1
    with pytest.raises(quiz.QuizError) as caught:
        bank(tmp_path, text.replace(old, new))
    assert expected in str(caught.value), str(caught.value)
    line = int(str(caught.value).split(":")[1])
    near = text.replace(old, new).splitlines()[line - 1]
    assert line == 1 or near.strip().startswith(
        ("-", "hidden", "kind", "wrong", "rubric", "points", "title", "study")
    ), near


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
    assert any(
        [o.id for o in item.options] != [o.id for o in item.shown()]
        for bk in quiz.load_banks(REAL).values()
        for item in bk.choices
    )


def items() -> list[tuple[str, quiz.Item]]:
    return [(f"{name}/{item.id}", item) for name, b in quiz.load_banks(REAL).items() for item in b.choices]


@pytest.mark.parametrize(("name", "item"), items(), ids=lambda v: v if isinstance(v, str) else "")
def test_every_item_of_the_banks(name: str, item: quiz.Item) -> None:
    cells = quiz.expand(item)
    visible = cells.question + fill(cells.check, HIDDEN, None) + quiz.clear_answer(cells.answer)
    assert not any(o.why in visible for o in item.options)
    assert all(o.text in cells.question for o in item.options)
    number = int(item.lab[:2])
    written = {path.name for path in (REPOSITORY / "solutions").glob(f"{number:02}-*")}
    assert 1 <= number <= 11 and written <= {item.lab}, f"{name} is for lab {item.lab}"
