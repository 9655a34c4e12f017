"""Question banks: their schema, and how one question becomes three cells of a notebook."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from servelab.course import yamls
from servelab.errors import CourseError

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
LabName = Annotated[str, StringConstraints(pattern=r"^\d\d-[a-z0-9-]+$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# The one line in a quiz's answer cell. Colab draws a drop-down from it; everywhere else it is plain Python.
ANSWER_LINE = re.compile(r'^(?P<name>quiz_\w+) = (?P<value>"[^"]*")  #@param (?P<options>\[.*\])$')


HOW_TO_ANSWER = (
    "Run the next cell and click on the best answer, or put its name between the quotes; then run both cells."
)


class QuizError(CourseError):
    """A question bank cannot be used: one `file:line: item: message` per line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(_Strict):
    """One choice. `why` says why it is right or wrong; it never reaches a student before grading."""

    id: Slug
    text: Text
    why: Text


class Item(_Strict):
    """A question with options. `seed` names the item of the seed quizzes that it covers, `lab` where it is embedded."""

    kind: Literal["choice"] = "choice"
    id: Slug
    seed: Text
    topic: Text
    lab: LabName
    stem: Text
    options: list[Option] = Field(min_length=3, max_length=6)
    answer: Slug

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> Item:
        ids = [option.id for option in self.options]
        if len(set(ids)) < len(ids):
            raise ValueError("two options have the same id")
        if self.answer not in ids:
            raise ValueError(f"answer {self.answer!r} is not one of the options: {', '.join(ids)}")
        return self

    @property
    def name(self) -> str:
        """The variable that holds a student's answer."""
        return "quiz_" + self.id.replace("-", "_")

    @property
    def grade_id(self) -> str:
        """The id of its answer cell."""
        return f"quiz-{self.id}"

    @property
    def right(self) -> Option:
        """The right option."""
        return next(option for option in self.options if option.id == self.answer)

    def shown(self) -> list[Option]:
        """The options in the order of a lab's text: shuffled, and the same on every machine and Python."""
        return sorted(
            self.options, key=lambda option: hashlib.sha256(f"{self.id}/{option.id}".encode()).hexdigest()
        )


class RecordedAnswer(_Strict):
    """An answer to a code question of which it is known that it is right, or that it is wrong."""

    name: Text
    text: Text


class CodeItem(_Strict):
    """A question that is answered by code, which a check runs. It stands in an exam."""

    kind: Literal["code"]
    id: Slug
    seed: Text
    topic: Text
    lab: LabName
    stem: Text
    #: What the student's cell begins with; it binds the names that the check uses.
    starter: Text
    solution: Text
    check: Text
    hidden: Text
    #: What is said about it once it is graded.
    why: Text
    right: list[RecordedAnswer] = Field(min_length=2)
    wrong: list[RecordedAnswer] = Field(min_length=3)

    @property
    def grade_id(self) -> str:
        """The id of its answer cell."""
        return self.id


class Rubric(_Strict):
    """What an answer to a scenario must show for each level. Students see it."""

    excellent: Text
    good: Text
    satisfactory: Text
    needs_improvement: Text


class Scenario(_Strict):
    """A situation that is answered in words and read by a person."""

    id: Slug
    seed: Text
    title: Text
    topic: Text
    lab: LabName
    situation: Text
    tasks: list[Text] = Field(min_length=1)
    rubric: Rubric
    model_answer: Text
    points: int = Field(gt=0)


class Resource(_Strict):
    """Something to read."""

    title: Text
    url: Annotated[str, StringConstraints(pattern=r"^https://\S+$")]


class Topic(_Strict):
    """What a topic's items belong to, and what helps whoever missed them."""

    name: Text
    labs: list[LabName] = Field(min_length=1)
    study: list[Resource] = Field(min_length=1)
    practise: Text


class Band(_Strict):
    """Advice for everyone who got at least so many percent of the questions."""

    from_percent: int = Field(ge=0, le=100)
    name: Text
    next_steps: list[Text] = Field(min_length=1)
    certification: Text


class Bank(_Strict):
    """One file of `quizzes/`."""

    title: Text
    minutes: int = Field(gt=0)
    pass_percent: int = Field(gt=0, le=100)
    topics: list[Topic] = []
    bands: list[Band] = []
    items: list[Annotated[Item | CodeItem, Field(discriminator="kind")]] = Field(min_length=1)
    scenarios: list[Scenario] = []

    @model_validator(mode="before")
    @classmethod
    def _choice_unless_said(cls, data: Any) -> Any:
        """An item that does not say what it is has options."""
        items = data.get("items") if isinstance(data, dict) else None
        if not isinstance(items, list):
            return data
        return data | {"items": [{"kind": "choice"} | i if isinstance(i, dict) else i for i in items]}

    @model_validator(mode="after")
    def _complete(self) -> Bank:
        known = [topic.name for topic in self.topics]
        strange = sorted({item.topic for item in self.items} - set(known)) if known else []
        if strange:
            raise ValueError(f"topics does not describe {', '.join(strange)}")
        levels = [band.from_percent for band in self.bands]
        if levels and (levels != sorted(set(levels), reverse=True) or levels[-1] != 0):
            raise ValueError("bands must go down from the highest from_percent to 0")
        return self

    @property
    def choices(self) -> list[Item]:
        """The items with options."""
        return [item for item in self.items if item.kind == "choice"]

    @property
    def codes(self) -> list[CodeItem]:
        """The items that are answered by code."""
        return [item for item in self.items if item.kind == "code"]

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Words that no student may see before grading, each with what they are."""
        for item in self.choices:
            for option in item.options:
                yield f"the explanation of quiz item {item.id}", option.why
        for code in self.codes:
            yield f"the explanation of quiz item {code.id}", code.why
            yield f"the hidden test of quiz item {code.id}", code.hidden
        for scenario in self.scenarios:
            yield f"the model answer to scenario {scenario.id}", scenario.model_answer

    @property
    def needed(self) -> int:
        """How many right items pass."""
        return math.ceil(len(self.items) * self.pass_percent / 100)


@dataclass(frozen=True)
class QuizCells:
    """The cells of one question, as source text. `options` is empty where the question lists them."""

    question: str
    answer: str
    check: str
    options: str = ""


def load_bank(path: Path) -> Bank:
    """Read one bank.

    Raises:
        QuizError: what is wrong, with file, line and item.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        return _read_bank(where, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise QuizError(f"{where}: there is no such question bank") from None
    except UnicodeDecodeError:
        raise QuizError(f"{where}: not UTF-8 text: save it as UTF-8") from None


@functools.lru_cache(maxsize=16)
def _read_bank(where: str, text: str) -> Bank:
    """A bank is read for every submission, and parsing YAML is slow: the same text is read once."""
    try:
        tree, data = yamls.read(text)
    except yamls.YamlError as error:
        item = _item_at(text.splitlines(), error.line)
        raise QuizError(f"{where}:{error.line}:{item} not YAML: {error}") from None
    try:
        bank = Bank.model_validate(data)
    except ValidationError as error:
        faults = [_fault(where, tree, data, fault) for fault in error.errors()]
        raise QuizError("\n".join(faults)) from None
    _unique_ids(where, tree, bank)
    return bank


def load_banks(folder: Path) -> dict[str, Bank]:
    """Every bank of a folder by its name (the file's, without `.yaml`)."""
    return {path.stem: load_bank(path) for path in sorted(folder.glob("*.yaml"))}


def find_item(folder: Path, reference: str) -> Item:
    """The item that `bank/item` names.

    Raises:
        QuizError: no such bank or item, with those that exist.
    """
    bank_name, _, item_id = reference.partition("/")
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", reference):
        raise QuizError(f'quiz must be "bank/item", not {reference!r}')
    items = {item.id: item for item in load_bank(folder / f"{bank_name}.yaml").choices}
    if item_id not in items:
        raise QuizError(
            f"{folder.name}/{bank_name}.yaml has no item {item_id!r} (it has: {', '.join(items)})"
        )
    return items[item_id]


def expand(item: Item, *, number: str = "", listed: bool = True) -> QuizCells:
    """The cells of a question. Only the solution notebook's hidden part and answer line know the answer.

    Args:
        number: what an exam puts before it, as in "3 of 20".
        listed: list the options in the question; otherwise a cell of their own shows them, in an order of the student's own.
    """
    options = item.shown()
    lines = [f"**Question{' ' + number if number else ''}.** {item.stem}"]
    if listed:
        lines += ["", *(f"- `{option.id}`: {option.text}" for option in options), "", HOW_TO_ANSWER]
    names = [option.id for option in options]
    answer = f'{item.name} = "{item.answer}"  #@param {json.dumps(["", *names])}'
    given = f"str({item.name}).strip().lower()"
    said = (
        f'print("Not answered yet." if {given} == "" else "Answer noted. It is marked when you are graded.")'
    )
    check = [
        f"assert {given} in {json.dumps(['', *names])}, (",
        f'    "{item.name} must be one of the names above, in quotes: {", ".join(names)}."',
        ")",
        said,
        "### BEGIN HIDDEN TESTS",
        f'assert {given} != "", "This question is not answered."',
        f'assert {given} == "{item.answer}", "That is not the best answer: read the question again."',
        "### END HIDDEN TESTS",
    ]
    shown = ""
    if not listed:
        texts = [f"    {json.dumps(o.id)}: {json.dumps(o.text, ensure_ascii=False)}," for o in options]
        shown = "\n".join([f'servelab.options("{item.name}", {{', *texts, "})"])
    return QuizCells("\n".join(lines), answer, "\n".join(check), shown)


def clear_answer(source: str) -> str | None:
    """A quiz answer cell with its answer emptied, or None when the text is no quiz answer cell."""
    hit = ANSWER_LINE.match(source.strip())
    return f'{hit["name"]} = ""  #@param {hit["options"]}' if hit else None


def _fault(where: str, tree: yaml.Node, data: object, fault: dict) -> str:
    """One pydantic fault as `file:line: item: field: message`."""
    # A union puts the name of the alternative behind the position.
    path = [part for n, part in enumerate(fault["loc"]) if not (n == 2 and part in ("choice", "code"))]
    item, rest = "", path
    if path[:1] in (["items"], ["scenarios"]) and len(path) > 1 and isinstance(path[1], int):
        entry = data[path[0]][path[1]]  # type: ignore[index]
        named = entry.get("id") if isinstance(entry, dict) else None
        item, rest = f" {path[0][:-1]} {named or path[1] + 1}:", path[2:]
    path_text = ".".join(str(part + 1 if isinstance(part, int) else part) for part in rest)
    message = fault["msg"].removeprefix("Value error, ")
    field = f" {path_text}:" if path_text else ""
    return f"{where}:{_line_of(tree, path)}:{item}{field} {message}"


def _item_at(lines: list[str], line: int) -> str:
    """The item in which a line stands, as ` item colour:`, told by indentation: what is no YAML has no tree."""
    section, dash, inside, named = "", "", 0, ""
    for text in lines[:line]:
        if top := re.match(r"(\w+):", text):
            section, dash, inside, named = top[1], "", 0, ""
        elif entry := re.match(r"( *)- +(?=\S)", text):
            dash = dash or entry[0]
            if entry[0] == dash:
                inside, named = inside + 1, ""
        key = re.match(r"(?:\{ *)?id: *[\"']?([\w-]+)", text[len(dash) :])
        if key and dash and text[: len(dash)].strip(" -") == "" and not named:
            named = key[1]
    return f" {section[:-1]} {named or inside}:" if section in ("items", "scenarios") and inside else ""


def _line_of(node: yaml.Node | None, path: list) -> int:
    """The line of the deepest node on a path that exists in the file."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        child = None
        if isinstance(node, yaml.MappingNode):
            child = next(((k, v) for k, v in node.value if k.value == part), None)
            if child:
                line, node = child[0].start_mark.line + 1, child[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node = node.value[part]
            line = node.start_mark.line + 1
        if child is None:
            break
    return line


def _unique_ids(where: str, tree: yaml.Node, bank: Bank) -> None:
    seen: set[str] = set()
    for index, item in enumerate(bank.items):
        if item.id in seen:
            line = _line_of(tree, ["items", index, "id"])
            raise QuizError(f"{where}:{line}: item {item.id}: another item has this id")
        seen.add(item.id)
