"""The questions are sound, and each thing that could be wrong with one is found."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from servelab.course.release import FOLDERS
from servelab.errors import CourseError
from servelab.retrieval import asking, corpus
from servelab.retrieval.asking import Question

DEV = asking.load()
TEST = asking.load(ROOT / asking.TEST)
PASSAGE = next(p for p in corpus.load() if p.id == "kubernetes/Container#startupProbe")
GOOD = Question(
    "kubernetes-900", "How long may a slow container take to come up?", "paraphrase", {PASSAGE.id: 2}
)


def test_both_sets_are_sound() -> None:
    assert asking.lint([*DEV, *TEST], corpus.load()) == []


def test_there_are_enough_of_every_kind() -> None:
    both = Counter(question.kind for question in [*DEV, *TEST])
    assert sum(both.values()) - both["unanswerable"] >= 150 and both["unanswerable"] >= 15
    for questions, share in ((DEV, 0.6), (TEST, 0.4)):
        kinds = Counter(question.kind for question in questions)
        for kind in asking.KINDS:
            assert kinds[kind] == pytest.approx(share * both[kind], abs=1)
    assert {g for q in [*DEV, *TEST] for g in q.relevant.values()} == {1, 2}


def test_the_split_is_the_one_of_the_seed() -> None:
    dev, test = asking.split([*DEV, *TEST])
    assert [q.id for q in dev] == [q.id for q in DEV] and [q.id for q in test] == [q.id for q in TEST]
    other, _ = asking.split([*DEV, *TEST], seed=1)
    assert [q.id for q in other] != [q.id for q in dev]


def test_a_class_does_not_get_the_test_set() -> None:
    assert asking.TEST.parts[0] not in FOLDERS
    told = {json.dumps(question.text)[1:-1] for question in TEST} | {question.text for question in TEST}
    telling = [
        text for text in told if len(text) > 30 and " " in text
    ]  # an option's bare name may stand anywhere
    assert len(telling) > 70
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".yaml", ".md", ".ipynb", ".json", ".txt"):
                text = re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
                assert not [question for question in telling if question in text], path


def changed(**fields: object) -> Question:
    return dataclasses.replace(GOOD, **fields)


COPY = " ".join(re.findall(r"\w+", PASSAGE.text)[20:32])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([changed(relevant={"kubernetes/Container#gone": 2})], "no passage 'kubernetes/Container#gone'"),
        ([changed(relevant={PASSAGE.id: 3})], "a grade is 3"),
        ([changed(relevant={PASSAGE.id: 1})], "no passage answers it"),
        ([changed(relevant={})], "no passage answers it"),
        ([changed(kind="unanswerable")], "called unanswerable, but has labels"),
        ([changed(kind="two")], "needs two passages"),
        ([changed(kind="guess")], "its kind is 'guess'"),
        ([changed(text=COPY)], "12 words in a row from kubernetes/Container#startupProbe"),
        ([changed(text=COPY)], "100% of its runs of three words"),
        ([changed(text="  ")], "its text is empty"),
        ([changed(text="why " * 60)], "longer than 200 characters"),
        (
            [GOOD, changed(id="kubernetes-901", text="How long may a slow container take to come up")],
            "asks what kubernetes-900 asks",
        ),
        ([GOOD, GOOD], "the id stands 2 times"),
    ],
)
def test_lint_finds(wrong: list[Question], message: str) -> None:
    assert asking.lint([GOOD], corpus.load()) == []
    found = asking.lint(wrong, corpus.load())
    assert any(message in line for line in found), found


def test_a_keyword_question_may_name_the_option() -> None:
    name = Question(
        "kubernetes-902", "startupProbe indicates that the Pod has successfully", "keyword", {PASSAGE.id: 2}
    )
    assert asking.lint([name], corpus.load()) == []


def test_runs_by_hand() -> None:
    assert asking.longest_run("what is the red house", "see the red house there") == 3
    assert asking.longest_run("a.b.c", "x a.b.c y") == 1 and asking.longest_run("", "x") == 0
    assert asking.shared_runs("one two three four", "zero one two three") == pytest.approx(1 / 2)
    assert asking.shared_runs("one two", "one two") == 0


def test_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    asking.dump(DEV[:5], path)
    assert asking.load(path) == DEV[:5]


@pytest.mark.parametrize("text", ["[", "- {id: a}", "5", None])
def test_a_file_that_holds_no_questions(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CourseError, match="is not there" if text is None else "holds no questions"):
        asking.load(path)


def test_without_a_checkout_there_is_no_test_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking.load_test()
    (tmp_path / "labs").mkdir()
    (tmp_path / "nbgrader_config.py").touch()
    monkeypatch.setenv("SERVELAB_ROOT", str(tmp_path))
    assert asking.load_test() is None
