"""The questions of the retrieval labs: reading them, dividing them, and finding what is wrong with them."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from servelab import paths
from servelab.errors import CourseError
from servelab.retrieval.corpus import Passage
from servelab.retrieval.measures import ANSWERS

KINDS = ("keyword", "paraphrase", "two", "unanswerable")
DEV = Path(__file__).parent / "questions" / "dev.yaml"
# Not in the package: a class gets the package.
TEST = Path("tests") / "retrieval" / "questions" / "test.yaml"
DEV_SHARE = 0.6
#: A question may share so many words in a row with a passage that answers it, and so much of its runs of three.
LONGEST_RUN = 5
MOST_SHARED = 0.4


@dataclass(frozen=True)
class Question:
    """One question with its labels.

    Attributes:
        id: topic and number.
        text: what is asked.
        kind: one of `KINDS`.
        relevant: {passage id: grade}, 2 for a passage that answers it and 1 for one that helps; empty for the
            unanswerable.
    """

    id: str
    text: str
    kind: str
    relevant: dict[str, int]


def load(path: Path | None = None) -> list[Question]:
    """The questions of a file; the development set where none is named.

    Raises:
        CourseError: there is no such file, or it holds something else.
    """
    path = path or DEV
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [
            Question(row["id"], row["text"], row["kind"], dict(row.get("relevant") or {})) for row in rows
        ]
    except FileNotFoundError:
        raise CourseError(f"{path} is not there.") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise CourseError(f"{path} holds no questions ({type(error).__name__}: {error}).") from None


def load_test() -> list[Question] | None:
    """The hidden test set, which only a maintainers' checkout has; None elsewhere."""
    path = paths.course_root() / TEST
    return load(path) if path.is_file() else None


def qrels(questions: Iterable[Question]) -> dict[str, dict[str, int]]:
    """{question id: {passage id: grade}}, as `measures` takes it."""
    return {question.id: dict(question.relevant) for question in questions}


def dump(questions: Sequence[Question], path: Path) -> None:
    """Write questions as YAML, one readable block each."""
    rows: list[dict[str, Any]] = [
        {"id": q.id, "text": q.text, "kind": q.kind, **({"relevant": q.relevant} if q.relevant else {})}
        for q in questions
    ]
    text = yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=120)
    path.write_text(re.sub(r"^- id:", "\n- id:", text, flags=re.M).lstrip(), encoding="utf-8")


def topic(question: Question) -> str:
    """What stands before the number in its id."""
    return question.id.rpartition("-")[0]


def split(
    questions: Sequence[Question], *, share: float = DEV_SHARE, seed: int = 2026
) -> tuple[list[Question], list[Question]]:
    """Divide questions into (development, test), `share` to the rest, within each kind and topic.

    Groups too small to be divided so exactly are rounded such that the totals come out right.
    """
    rng = random.Random(seed)
    groups: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in sorted(questions, key=lambda q: q.id):
        groups[question.kind, topic(question)].append(question)
    dev: list[Question] = []
    owed = 0.0
    for key in sorted(groups):
        rng.shuffle(groups[key])
        owed += share * len(groups[key])
        take = min(len(groups[key]), max(0, round(owed)))
        owed -= take
        dev += groups[key][:take]
    names = {question.id for question in dev}
    return (
        sorted(dev, key=lambda q: q.id),
        sorted((q for q in questions if q.id not in names), key=lambda q: q.id),
    )


def words(text: str) -> list[str]:
    """Lower-case words and numbers; a name with dots or underscores is one."""
    return re.findall(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*", text.lower())


def longest_run(question: str, passage: str) -> int:
    """The longest run of words of a question that stands in a passage."""
    ours, theirs = words(question), f" {' '.join(words(passage))} "
    return max(
        (
            end - start
            for start in range(len(ours))
            for end in range(start + 1, len(ours) + 1)
            if f" {' '.join(ours[start:end])} " in theirs
        ),
        default=0,
    )


def shared_runs(question: str, passage: str) -> float:
    """The share of a question's runs of three words that stand in a passage; 0 for a shorter question."""
    ours, theirs = words(question), words(passage)
    runs = [tuple(ours[i : i + 3]) for i in range(len(ours) - 2)]
    known = {tuple(theirs[i : i + 3]) for i in range(len(theirs) - 2)}
    return sum(run in known for run in runs) / len(runs) if runs else 0.0


def lint(questions: Sequence[Question], passages: Sequence[Passage]) -> list[str]:
    """What is wrong with the questions, one line each: labels without a passage, copied words, doubles, wrong kinds."""
    by_id = {passage.id: passage for passage in passages}
    found: list[str] = []
    for name, count in Counter(question.id for question in questions).items():
        if count > 1:
            found.append(f"{name}: the id stands {count} times")
    seen: dict[str, str] = {}
    for question in questions:
        told = " ".join(sorted(set(words(question.text))))
        if told in seen:
            found.append(f"{question.id}: asks what {seen[told]} asks")
        seen.setdefault(told, question.id)
        found += [f"{question.id}: {problem}" for problem in _problems(question, by_id)]
    return found


def _problems(question: Question, passages: dict[str, Passage]) -> list[str]:
    found = []
    if question.kind not in KINDS:
        found.append(f"its kind is {question.kind!r}; it can be: {', '.join(KINDS)}")
    if lost := [name for name in question.relevant if name not in passages]:
        found.append(f"there is no passage {lost[0]!r}")
    if bad := [grade for grade in question.relevant.values() if grade not in (1, 2)]:
        found.append(f"a grade is {bad[0]!r}; it can be 1 or 2")
    answers = [name for name, grade in question.relevant.items() if grade == ANSWERS and name in passages]
    if question.kind == "unanswerable":
        if question.relevant:
            found.append("it is called unanswerable, but has labels")
    elif not answers:
        found.append("no passage answers it")
    if question.kind == "two" and len(answers) < 2:
        found.append("it needs two passages, but only one answers it")
    if question.kind in ("paraphrase", "two"):
        for name in answers:
            text = passages[name].indexed
            if (run := longest_run(question.text, text)) > LONGEST_RUN:
                found.append(f"it has {run} words in a row from {name}")
            if (share := shared_runs(question.text, text)) > MOST_SHARED:
                found.append(f"{share:.0%} of its runs of three words are from {name}")
    if not question.text.strip() or len(question.text) > 200:
        found.append("its text is empty or longer than 200 characters")
    return found
