"""Question banks: their schema, and how one question becomes three cells of a notebook."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from servelab.errors import CourseError

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# The one line in a quiz's answer cell. Colab draws a drop-down from it; everywhere else it is plain Python.
ANSWER_LINE = re.compile(r'^(?P<name>quiz_\w+) = (?P<value>"[^"]*")  #@param (?P<options>\[.*\])$')


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
    """One question. `seed` names the item of the seed quizzes that it covers, `lab` where it is embedded."""

    id: Slug
    seed: Text
    topic: Text
    lab: Annotated[str, StringConstraints(pattern=r"^\d\d-[a-z0-9-]+$")]
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

    def shown(self) -> list[Option]:
        """The options in the order they are shown: shuffled, and the same on every machine and Python."""
        return sorted(
            self.options, key=lambda option: hashlib.sha256(f"{self.id}/{option.id}".encode()).hexdigest()
        )


class Bank(_Strict):
    """One file of `quizzes/`."""

    title: Text
    minutes: int = Field(gt=0)
    pass_percent: int = Field(gt=0, le=100)
    items: list[Item] = Field(min_length=1)


@dataclass(frozen=True)
class QuizCells:
    """The three cells of one question, as source text."""

    question: str
    answer: str
    check: str


def load_bank(path: Path) -> Bank:
    """Read one bank.

    Raises:
        QuizError: what is wrong, with file, line and item.
    """
    where = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError:
        raise QuizError(f"{where}: there is no such question bank") from None
    except UnicodeDecodeError:
        raise QuizError(f"{where}: not UTF-8 text: save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise QuizError(f"{where}{line}: not YAML: {getattr(error, 'problem', error)}") from None
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
    items = {item.id: item for item in load_bank(folder / f"{bank_name}.yaml").items}
    if item_id not in items:
        raise QuizError(
            f"{folder.name}/{bank_name}.yaml has no item {item_id!r} (it has: {', '.join(items)})"
        )
    return items[item_id]


def expand(item: Item) -> QuizCells:
    """The cells of a question. Only the solution notebook's hidden part and answer line know the answer."""
    options = item.shown()
    lines = [f"**Question.** {item.stem}", ""]
    lines += [f"- `{option.id}`: {option.text}" for option in options]
    lines += ["", "Put the name of the best answer between the quotes below, then run both cells."]
    names = [option.id for option in options]
    answer = f'{item.name} = "{item.answer}"  #@param {json.dumps(["", *names])}'
    given = f"str({item.name}).strip().lower()"
    check = [
        f"assert {given} in {json.dumps(['', *names])}, (",
        f'    "{item.name} must be one of the names above, in quotes: {", ".join(names)}."',
        ")",
        f'print("Not answered yet." if {given} == "" else "Answer noted. It is marked when you are graded.")',
        "### BEGIN HIDDEN TESTS",
        f'assert {given} != "", "This question is not answered."',
        f'assert {given} == "{item.answer}", "That is not the best answer: read the question again."',
        "### END HIDDEN TESTS",
    ]
    return QuizCells("\n".join(lines), answer, "\n".join(check))


def clear_answer(source: str) -> str | None:
    """A quiz answer cell with its answer emptied, or None when the text is no quiz answer cell."""
    hit = ANSWER_LINE.match(source.strip())
    return f'{hit["name"]} = ""  #@param {hit["options"]}' if hit else None


def _fault(where: str, tree: yaml.Node, data: object, fault: dict) -> str:
    """One pydantic fault as `file:line: item: field: message`."""
    path = list(fault["loc"])
    item = ""
    if path[:1] == ["items"] and len(path) > 1 and isinstance(path[1], int):
        entry = data["items"][path[1]]
        named = entry.get("id") if isinstance(entry, dict) else None
        item = f" item {named or path[1] + 1}:"
        path_text = ".".join(str(part + 1 if isinstance(part, int) else part) for part in path[2:])
    else:
        path_text = ".".join(map(str, path))
    message = fault["msg"].removeprefix("Value error, ")
    field = f" {path_text}:" if path_text else ""
    return f"{where}:{_line_of(tree, path)}:{item}{field} {message}"


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
