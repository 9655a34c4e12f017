"""Prose is found where packages keep it, without importing them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from servelab.retrieval import reading
from servelab.retrieval.reading import Section


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("See [the guide](https://x.y/z) now.", "See the guide now."),
        ("Use :class:`~a.b.C` and ``x``.", "Use a.b.C and `x`."),
        ("One\n    two\n    three.\n\n    Four.", "One two three.\n\nFour."),
        ("Before::\n\n    code\n\nAfter.", "Before:\n\nAfter."),
        (".. note:: Take care.\n\nText.", "Take care.\n\nText."),
        (".. code-block:: python\n\n   x = 1\n\nText.", "Text."),
        ("```py\nx\n```\nText &quot;a&quot;.", 'Text "a".'),
        ("- a\n  b\n- c", "- a b\n- c"),
        (">>> f(1)\n2\n\nText.", "Text."),
    ],
)
def test_clean(raw: str, told: str) -> None:
    assert reading.clean(raw) == told


MODULE = '''
raise RuntimeError("nobody may import this")

LIMIT = 1
"""How much at most."""

class Options(BaseModel):
    """
    What one may set.

    Args:
        a: not this one
    """
    a: int = Field(..., description="The first.")
    b: str = field(default="x", metadata={"help": "The " "second."})
    c: int
    """The third."""

def run(things, *, how=None):
    """Run things, one after the other, until all are done.

    Args:
        things (`list`): What to
            run.
        how: The way.

    Returns:
        A report of everything that was run, with times.

    Example:
        >>> run([])
    """

def compute(x):
    """Compute it.

    Parameters
    ----------
    x : int
        The number.

    Examples
    --------
    >>> compute(1)
    """
'''


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(MODULE)
    return path


def test_attribute_docs(module: Path) -> None:
    found = dict(reading.attribute_docs(module))
    assert found[""] == [Section("LIMIT", "How much at most.")]
    assert found["Options"][-1] == Section("c", "The third.")


def test_field_descriptions(module: Path) -> None:
    ((name, sections),) = reading.field_descriptions(module)
    assert name == "Options"
    assert sections == [
        Section("", "What one may set."),
        Section("a", "The first."),
        Section("b", "The second."),
    ]


def test_docstrings(module: Path) -> None:
    found = dict(reading.docstrings(module, at_least=10))
    assert found["run"] == [
        Section("", "Run things, one after the other, until all are done."),
        Section("things", "What to run."),
        Section("how", "The way."),
        Section("returns", "A report of everything that was run, with times."),
    ]
    assert found["compute"] == [Section("", "Compute it."), Section("x", "int The number.")]


def test_kubernetes_kinds(tmp_path: Path) -> None:
    field = {"description": "How many."}
    schema = {"description": "A thing.", "properties": {"count": field, "kind": field}}
    names = (
        "io.k8s.api.core.v1.Thing",
        "io.k8s.api.core.v1.ThingList",
        "io.k8s.api.other.v1.Thing",
        "io.k8s.api.core.v1.AWSThing",
    )
    path = tmp_path / "defs.json"
    path.write_text(json.dumps({"$defs": dict.fromkeys(names, schema)}))
    found = reading.kubernetes_kinds(path, ["api.core.v1"], re.compile("AWS"))
    assert found == [("Thing", [Section("", "A thing."), Section("count", "How many.")])]


def test_settings(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(
        "properties: {a: {properties: {b: {description: One., properties: {c: {description: Two.}}}}}}"
    )
    assert reading.settings(path) == [("a.b", [Section("a.b", "One."), Section("a.b.c", "Two.")])]


def test_markdown_keeps_headings_and_ignores_those_in_code() -> None:
    text = "Intro.\n\n# Top\n\n## Part\n\nText.\n\n```\n# no heading\n```\n\n### Deep\n\nMore."
    assert reading.markdown(text) == [
        Section("", "Intro."),
        Section("Part", "Text."),
        Section("Part › Deep", "More."),
    ]


def test_restructured() -> None:
    text = "Title\n=====\n\nIntro.\n\nPart\n----\n\nText.\n\nOther\n-----\n\nMore."
    assert reading.restructured(text) == [
        Section("", "Intro."),
        Section("Part", "Text."),
        Section("Other", "More."),
    ]


def test_notebook() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# T\n", "\n", "## A\n", "Text."]},
        {"cell_type": "code", "source": ["x = 1"]},
    ]
    assert reading.notebook(json.dumps({"cells": cells})) == [Section("A", "Text.")]
