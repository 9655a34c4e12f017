"""Every rule of `servelab quiz lint`: a bank that breaks it, and the words in which that is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from course_kit import REPOSITORY
from servelab.course import quiz, quiz_lint
from servelab.course.quiz import Bank, Item, Option


def item(number: int, *, at: int | None = None, longest: bool = False, **changes: object) -> Item:
    """A sound item whose right option stands at a place of its own."""
    place = number % 4 if at is None else at
    names = [f"option-{letter}-{number}" for letter in "abcd"]
    options = [
        Option(
            id=name,
            text=f"This is what happens in case {letter}"
            + (" and it is longer" if longest and n == place else "."),
            why=("Right. " if n == place else "")
            + f"That is so because of reason {letter} in item {number}.",
        )
        for n, (name, letter) in enumerate(zip(names, "abcd", strict=True))
    ]
    fields = {
        "id": f"item-{number}",
        "seed": f"M5 Q{number + 1}",
        "topic": "Serving",
        "lab": "01-naive-serving",
        "stem": "What happens?",
        "options": options,
        "answer": names[place],
    }
    return Item(**fields | changes)


def bank(items: list[Item], **fields: object) -> Bank:
    return Bank(title="A bank", minutes=5, pass_percent=70, items=items, **fields)


def sound(count: int = 20) -> list[Item]:
    """Items that break no rule, the right option as shown at every place in turn."""
    found: list[Item] = []
    number = 0
    while len(found) < count:
        candidate = item(len(found), id=f"item-{number}")
        if [o.id for o in candidate.shown()].index(candidate.answer) == (len(found) + len(found) // 4) % 4:
            found.append(candidate)
        number += 1
    return found


def said(name: str, broken: Bank) -> list[str]:
    return [str(violation) for violation in quiz_lint.lint_bank(name, broken)]


def option_changed(place: int, **changes: str) -> Item:
    first = sound(1)[0]
    options = [o.model_copy(update=changes) if n == place else o for n, o in enumerate(first.options)]
    return first.model_copy(update={"options": options})


BROKEN: dict[str, tuple[Callable[[], Bank], str]] = {
    "one place": (lambda: bank([item(n, at=2) for n in range(10)]), "in the file, 10 of 10 right options stand at place 3 (at most 35%)"),
    "one place, as shown": (
        lambda: bank([one for one in map(item, range(200)) if one.shown()[0].id == one.answer][:8]),
        "as shown, 8 of 8 right options stand at place 1",
    ),
    "the longest": (lambda: bank([item(n, longest=True) for n in range(8)]), "in 8 of 8 items the right option is the longest"),
    "lengths": (lambda: bank([option_changed(1, text="No.")]), "its shortest 3"),
    "no explanation": (lambda: bank([option_changed(1, why="It is not.")]), "hardly explained"),
    "no word of right": (lambda: bank([option_changed(0, why="That is so because of the reason a.")]), "does not begin with"),
    "the same explanation": (
        lambda: bank([option_changed(2, why=sound(1)[0].options[1].why)]),
        "two options have the same explanation",
    ),
    "a telling name": (lambda: bank([option_changed(1, id="wrong-one")]), "'wrong-one' tells"),
    "all of the above": (lambda: bank([option_changed(1, text="All of the above happens in it all.")]), "speaks about the other"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_that_is_broken(name: str) -> None:
    broken, message = BROKEN[name]
    assert any(message in line for line in said("a-bank", broken())), said("a-bank", broken())


def test_a_sound_bank_breaks_none() -> None:
    assert said("a-bank", bank(sound())) == []


def test_coverage() -> None:
    items = sound()[:-1]
    items[3] = items[3].model_copy(update={"seed": "M5 Q3"})
    items[5] = items[5].model_copy(update={"seed": "M7 Q1"})
    told = said("llms-in-production", bank(items))
    for expected in (
        "M5 Q20 is covered by 0",
        "M5 Q3 is covered by 2",
        "M5 Q4 is covered by 0",
        "M7 Q1 is no question",
    ):
        assert any(expected in line for line in told), (expected, told)
    assert any("no topics are described" in line for line in told)
    assert any("no next steps" in line for line in told)


def test_an_id_in_two_banks() -> None:
    twice = {"one": bank(sound(2)), "two": bank(sound(1))}
    assert [v.message for v in quiz_lint._same_id(twice)] == ["one has an item of this name"]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "labs" / "01-x").mkdir(parents=True)
    return tmp_path


def released(course: Path, *texts: str) -> list[str]:
    cells = [{"cell_type": "code", "source": text.splitlines(keepends=True)} for text in texts]
    (course / "labs" / "01-x" / "01-x.ipynb").write_text(json.dumps({"cells": cells}))
    return [str(v) for v in quiz_lint.leaked(course, {"a-bank": bank(sound(2))})]


def test_what_must_not_be_in_labs(course: Path) -> None:
    first = sound(2)[0]
    line = quiz.expand(first).answer
    assert released(course, quiz.clear_answer(line) or "", quiz.expand(first).question) == []
    (told,) = released(course, line)
    assert told.startswith(f"a-bank/{first.id}: labs/01-x/01-x.ipynb holds its answer")
    (told,) = released(course, f"# {first.options[1].why}")
    assert "the explanation of quiz item" in told


def test_the_courses_own_banks() -> None:
    result = quiz_lint.lint(REPOSITORY)
    assert [str(violation) for violation in result.violations] == []
    assert (result.questions, result.scenarios) == (45, 3)
    banks = quiz.load_banks(REPOSITORY / "quizzes")
    assert (banks["llms-in-production"].needed, banks["llm-infrastructure"].needed) == (14, 20)
    assert len(banks["llms-in-production"].codes) == 4


def test_a_folder_without_banks(tmp_path: Path) -> None:
    with pytest.raises(quiz.QuizError, match="holds no question bank"):
        quiz_lint.lint(tmp_path)
