"""A time, a rate or a size that stands in a text was measured, and says where; or it is a setting that a test knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from conftest import ROOT
from servelab.evidence import render

PAGES = [
    *("README.md", "CONTRIBUTING.md", "quizzes/README.md"),
    *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "environment").glob("*/*.md"))),
    *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "environment").glob("*/*/*.md"))),
]
#: Pages whose figures are of other things: what words mean, and what the sources' quizzes ask.
OF_OTHER_THINGS = {"environment/website/glossary.md", "quizzes/README.md"}
#: Settings and plans, and where each comes from.
SETTINGS = {
    "environment/guides/lab-author.md": {"half an hour": "the plan of its title", "20 seconds": "tests/course/test_labs.py"},
    "environment/servelab/grading/README.md": dict.fromkeys(("600 s", "30 s", "60 s", "300 s"), "servelab.grading.sandbox"),
}  # fmt: skip
_UNIT = r"(?:ms|s|seconds?|minutes?|hours?|requests/s|tokens/s|passages|times (?:as|faster|slower))(?!\w)"
_WORDS = r"(?:half an hour|(?:a )?quarter of an hour|half a minute|(?:a|one) (?:second|minute) or two|about a minute)"
FIGURE = re.compile(rf"(?<![\w.,])(?P<told>\d[\d.,]*\s?{_UNIT}|{_WORDS})")
#: How prose says that somebody measured something.
TOLD = re.compile(r"\b(?:we|was|were|our|own|recorded|when we ran) (?:measured|measurement|runs?)\b", re.I)


def prose(text: str) -> str:
    """Without what is generated, code, and numbers that are cited."""
    text = re.sub(r"<!-- (results|results-chart|map|projection) -->.*?<!-- /\1 -->", "", text, flags=re.S)
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    text = re.sub(r"`[^`\n]+`", "", text)
    return re.sub(r"[\d.,]+<!--=[^>]*-->", "", text)


def bare(text: str) -> list[str]:
    return [found["told"] for found in FIGURE.finditer(prose(text))]


def told(text: str) -> list[str]:
    """Sentences that say a figure was measured, and not in which file."""
    text = re.sub(r"[\d.,]+<!--=[^>]*-->", "", text)
    sentences = re.split(r"(?<=[.!?|])\s+|\n- ", re.sub(r"\s*\n(?!- )\s*", " ", text))
    return [
        s
        for s in sentences
        if TOLD.search(s) and re.search(r"\d\s?(?:%|x\b|times|s\b|ms\b)", s) and ".json" not in s
    ]


@pytest.mark.parametrize("page", [p for p in PAGES if p not in OF_OTHER_THINGS])
def test_no_figure_stands_without_its_file(page: str) -> None:
    known = SETTINGS.get(page, {})
    assert [found for found in bare((ROOT / page).read_text()) if found not in known] == []


def test_settings_are_still_there() -> None:
    for page, known in SETTINGS.items():
        assert set(known) <= set(bare((ROOT / page).read_text())), page


def texts() -> Iterator[tuple[str, str]]:
    for lab in sorted((ROOT / "solutions").glob("[0-9][0-9]-*/*.py")):
        cells = re.split(r"^# %%", lab.read_text(), flags=re.M)
        for number, cell in enumerate(c for c in cells if c.startswith(" [markdown]")):
            yield f"{lab.stem}, text {number}", re.sub(r"^# ?", "", cell, flags=re.M)
    for bank in sorted((ROOT / "quizzes").glob("*.yaml")):
        for item in yaml.safe_load(bank.read_text())["items"]:
            for words in strings(item):
                yield f"{bank.stem}, {item['id']}", words


def strings(value: Any) -> Iterator[str]:
    """Every text within lists and tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            yield from strings(held)


def test_labs_and_banks_name_the_file_of_what_was_measured() -> None:
    found = [(where, sentence) for where, text in texts() for sentence in told(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("It takes 12 seconds.", ["12 seconds"]),
        ("It answers 7.4 requests/s, and starts in half a minute.", ["7.4 requests/s", "half a minute"]),
        ("It searches 7,322 passages.", ["7,322 passages"]),
        ("It takes 12<!--=setup-cpu:first_s:.0f--> seconds.", []),
        ("Lab 03 has 7 cells.", []),
        ("```\nsleep 3 s\n```\n", []),
    ],
)
def test_a_bare_figure_is_found(text: str, figures: list[str]) -> None:
    assert bare(text) == figures


def test_a_measurement_without_its_file_is_found() -> None:
    assert told("One way was fast. In our measurement the other took 12 s. That is all.")
    assert told("It was measured to be 1.7 times as fast.")
    assert not told("In our own runs it was 1.7 times as fast (`serving-cpu.json`).")
    assert not told("What was measured is in the ledger.")


def test_disk_is_what_the_set_up_asks_for() -> None:
    import bootstrap

    needed = f"{bootstrap.DISK_NEEDED_GB['cpu']} GB of free disk"
    for page in ("README.md", "environment/guides/student.md"):
        assert needed in (ROOT / page).read_text(), page


def test_every_page_that_may_cite_is_rendered() -> None:
    rendered = {str(path.relative_to(ROOT)) for pattern in render.CITING for path in ROOT.glob(pattern)}
    assert set(PAGES) <= rendered
