"""What a question bank must not do, found before a student does. Each rule is one function; `servelab quiz lint` runs them all."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console

from servelab.course import quiz
from servelab.course.quiz import Bank, Item

#: No place may hold more of the right options than this share, so that guessing a place gains nothing.
MOST_AT_ONE_PLACE = 0.35
#: In at most this share of the items the right option may be the longest.
MOST_LONGEST = 0.30
#: Within an item, the longest option may be this many times the shortest.
LONGEST_TO_SHORTEST = 1.6
#: What the banks cover of the quizzes that the course grew from.
SEEDS = {
    "llms-in-production": [f"M5 Q{n}" for n in range(1, 21)],
    "llm-infrastructure": [f"M10 Q{n}" for n in range(1, 26)] + [f"M10 Scenario {n}" for n in (1, 2, 3)],
}
#: Few items show no pattern.
_ENOUGH = 8
_TELLING = ("right", "correct", "wrong", "true", "false")
_ALL_OR_NONE = re.compile(r"\b(all|none|both|neither) of (the above|these|them)\b", re.IGNORECASE)


class Violation(BaseModel):
    """One rule that is broken."""

    rule: str
    bank: str
    item: str = ""
    message: str

    def __str__(self) -> str:
        place = f"{self.bank}/{self.item}" if self.item else self.bank
        return f"{place}: {self.message} ({self.rule})"


class LintResult(BaseModel):
    """What `servelab quiz lint --json` prints."""

    questions: int
    scenarios: int
    violations: list[Violation]


def lint(root: Path) -> LintResult:
    """Look through the banks of a course, and through `labs/` for what must not be there.

    Raises:
        QuizError: a bank cannot be read; with file, line and item.
    """
    banks = quiz.load_banks(root / "quizzes")
    if not banks:
        raise quiz.QuizError(f"{root / 'quizzes'} holds no question bank.")
    found = [violation for name, bank in banks.items() for violation in lint_bank(name, bank)]
    found += _same_id(banks)
    found += leaked(root, banks)
    return LintResult(
        questions=sum(len(bank.items) for bank in banks.values()),
        scenarios=sum(len(bank.scenarios) for bank in banks.values()),
        violations=found,
    )


def lint_bank(name: str, bank: Bank) -> list[Violation]:
    """All rules about one bank."""
    rules = (_positions, _lengths, _spread, _explained, _named, _catch_all, _covered, _described)
    return [
        Violation(rule=rule.__name__.strip("_"), bank=name, item=item, message=message)
        for rule in rules
        for item, message in rule(name, bank)
    ]


Found = Iterator[tuple[str, str]]


def _positions(_: str, bank: Bank) -> Found:
    """The right options are spread over the places, in the file and as a lab's text shows them."""
    orders = {
        "in the file": [item.options for item in bank.choices],
        "as shown": [item.shown() for item in bank.choices],
    }
    for where, order in orders.items():
        places = Counter(
            [option.id for option in options].index(item.answer)
            for item, options in zip(bank.choices, order, strict=True)
        )
        place, count = places.most_common(1)[0] if places else (0, 0)
        if len(bank.choices) >= _ENOUGH and count > MOST_AT_ONE_PLACE * len(bank.choices):
            yield (
                "",
                f"{where}, {count} of {len(bank.choices)} right options stand at place {place + 1}"
                f" (at most {MOST_AT_ONE_PLACE:.0%})",
            )


def _lengths(_: str, bank: Bank) -> Found:
    """Choosing the longest option gains nothing."""
    longest = [
        item.id
        for item in bank.choices
        if len(item.right.text) > max(len(o.text) for o in item.options if o.id != item.answer)
    ]
    if len(bank.choices) >= _ENOUGH and len(longest) > MOST_LONGEST * len(bank.choices):
        yield (
            "",
            f"in {len(longest)} of {len(bank.choices)} items the right option is the longest (at most"
            f" {MOST_LONGEST:.0%}): {', '.join(longest)}",
        )


def _spread(_: str, bank: Bank) -> Found:
    """The options of an item are of similar length."""
    for item in bank.choices:
        sizes = [len(option.text) for option in item.options]
        if max(sizes) > LONGEST_TO_SHORTEST * min(sizes):
            yield item.id, f"its longest option has {max(sizes)} characters, its shortest {min(sizes)}"


def _explained(_: str, bank: Bank) -> Found:
    """Every option says why it is right or wrong, in words of its own."""
    for item in bank.choices:
        for option in item.options:
            if len(option.why.split()) < 5:
                yield item.id, f"option {option.id} is hardly explained: {option.why!r}"
        if not item.right.why.startswith("Right"):
            yield item.id, "the explanation of the right option does not begin with “Right”"
        reasons = [option.why for option in item.options]
        if len(set(reasons)) < len(reasons):
            yield item.id, "two options have the same explanation"


def _named(_: str, bank: Bank) -> Found:
    """An option's name is what is stored and shown: it must not tell."""
    for item in bank.choices:
        for option in item.options:
            if set(option.id.split("-")) & set(_TELLING):
                yield item.id, f"the name {option.id!r} tells whether the option is right"


def _catch_all(_: str, bank: Bank) -> Found:
    """No option speaks about the others, whose order is not fixed."""
    for item in bank.choices:
        for option in item.options:
            if _ALL_OR_NONE.search(option.text):
                yield item.id, f"option {option.id} speaks about the other options: {option.text!r}"


def _covered(name: str, bank: Bank) -> Found:
    """Every question of the source quiz lives on, once."""
    seeds = Counter([item.seed for item in bank.items] + [scenario.seed for scenario in bank.scenarios])
    for seed in SEEDS.get(name, []):
        if seeds[seed] != 1:
            yield "", f"{seed} is covered by {seeds[seed]} items instead of one"
    for seed in seeds:
        if name in SEEDS and seed not in SEEDS[name]:
            yield "", f"{seed} is no question of its source quiz"


def _described(name: str, bank: Bank) -> Found:
    """Topics have something to read, and every score has next steps."""
    if name in SEEDS and not bank.topics:
        yield "", "no topics are described"
    if name in SEEDS and not bank.bands:
        yield "", "there are no next steps by score"
    used = {item.topic for item in bank.items} | {scenario.topic for scenario in bank.scenarios}
    for topic in bank.topics:
        if topic.name not in used:
            yield "", f"nothing is asked on the topic {topic.name!r}"


def _same_id(banks: dict[str, Bank]) -> list[Violation]:
    """An id is a cell's name in a notebook that may hold items of several banks."""
    known: dict[str, str] = {}
    found = []
    for name, bank in banks.items():
        for entry in [*bank.items, *bank.scenarios]:
            if entry.id in known:
                found.append(
                    Violation(
                        rule="same_id",
                        bank=name,
                        item=entry.id,
                        message=f"{known[entry.id]} has an item of this name",
                    )
                )
            known[entry.id] = name
    return found


def leaked(root: Path, banks: dict[str, Bank]) -> list[Violation]:
    """Answers, explanations and model answers that stand in `labs/`."""
    items: dict[str, tuple[str, Item]] = {
        item.name: (name, item) for name, bank in banks.items() for item in bank.choices
    }
    secrets = [
        (name, what, " ".join(words.split()))
        for name, bank in banks.items()
        for what, words in bank.secrets()
    ]
    found = []
    for path in sorted((root / "labs").rglob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError):
            continue  # no notebook: the build says so
        texts = ["".join(cell.get("source", "")) for cell in cells]
        flat = " ".join(" ".join(texts).split())
        place = path.relative_to(root)
        for text in texts:
            line = quiz.ANSWER_LINE.match(text.strip())
            if line and line["value"] != '""':
                name, item = items.get(line["name"], ("", None))
                found.append(
                    Violation(
                        rule="leaked",
                        bank=name,
                        item=item.id if item else "",
                        message=f"{place} holds its answer",
                    )
                )
        found += [
            Violation(rule="leaked", bank=name, message=f"{place} holds {what}")
            for name, what, words in secrets
            if words in flat
        ]
    return found


def show(result: LintResult, console: Console) -> None:
    """Print what was found."""
    for violation in result.violations:
        console.print(str(violation), markup=False, highlight=False, soft_wrap=True)
    words = f"{result.questions} questions and {result.scenarios} scenarios: "
    words += f"{len(result.violations)} violations" if result.violations else "nothing to object"
    console.print(words + ".", markup=False, highlight=False)
