"""Manifests are read strictly, and what is none is told in one line."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from servelab.kubernetes import ManifestError, quantity, read
from servelab.kubernetes.documents import get, listing, mapping, title

ONE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: one\n"

#: Each line stands for ten times the line before: seven of them for ten million values.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True)
)
#: Some 10,000 values.
MANY = ONE + f"l: &l [{'x,' * 99}]\nspec: [{'*l,' * 100}]\n"


def test_text_mappings_and_lists_of_both() -> None:
    assert [title(d) for d in read(f"{ONE}---\n{ONE.replace('one', 'two')}")] == [
        "Service/one",
        "Service/two",
    ]
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    assert read(document) == [document]
    assert [title(d) for d in read([ONE, document, [document]])] == ["Service/one", "Pod/p", "Pod/p"]
    assert read(f"---\n{ONE}---\n") == read(ONE)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (ONE + "kind: Pod\n", r"line 5: the key 'kind' stands twice"),
        (ONE.replace("  name: one", "  name: one\n  name: two"), r"line 5: the key 'name' stands twice"),
        ("a: [1", r"line \d+: "),
        ("a: 1\n b: 2\n", r"line 2: "),
        ("x: 1\ny: *a\n", r"line 2: found undefined alias"),
        ("x: 1\ny: &a\n  z: [*a]\n", r"line 3: an alias \(\*name\) stands inside of what it repeats"),
        ("&a [*a]", r"line 1: an alias"),
        (BOMB, r"line 5: with its aliases \(\*name\) written out, this holds more than 100,000 values"),
        (BOMB.replace("[", "{<<: [").replace("]", "]}"), r"line 5: with its aliases"),
        ("---\n".join([MANY] * 10), "more than 100,000 values"),
        ("? [1]\n: 2\n", "a key must be a word"),
        ("", "no document"),
        ("just words", "Document 1 is no mapping but str"),
        ("kind: Pod\nmetadata: {name: a}\n", "Document 1 has no apiVersion"),
        ("apiVersion: v1\nkind: Pod\n", r"Document 1 \(Pod\) has no metadata.name"),
        (f"{ONE}---\n- 1\n", "Document 2 is no mapping"),
        (None, "not NoneType"),
        (b"bytes", "not bytes"),
        ({"apiVersion": "v1", "x": {1, 2}}, "what no manifest can"),
        ("a" * 200_001, "more than 200,000"),
        ("a: !!python/object:os.system 1", r"line 1: could not determine a constructor"),
    ],
)
def test_what_is_no_manifest(source: object, told: str) -> None:
    with pytest.raises(ManifestError, match=told) as caught:
        read(source)
    assert "\n" not in str(caught.value)


def test_aliases_are_written_out() -> None:
    """`yaml.safe_dump` writes one for whatever stands in a document twice; YAML and kubectl read it."""
    labels = {"app": "x"}
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": labels},
        "spec": {"again": [labels, labels]},
    }
    text = yaml.safe_dump(document)
    assert "&id001" in text and "*id001" in text
    assert read(text) == [document] and read(yaml.safe_dump_all([document, document])) == [document] * 2
    (got,) = read(text)
    got["metadata"]["labels"]["app"] = "y"
    assert got["spec"]["again"] == [{"app": "x"}] * 2  # a change in one place is none elsewhere
    merged = (
        ONE + "base: &base {a: 1, b: 2}\nmore: {deep: &more {<<: *base, b: 3}}\nlast: {<<: *more, c: 4}\n"
    )
    (got,) = read(merged)
    assert (got["more"]["deep"], got["last"]) == ({"a": 1, "b": 3}, {"a": 1, "b": 3, "c": 4})
    assert [title(d) for d in read("---\n".join([MANY] * 9))] == ["Service/one"] * 9


def test_dates_stay_text() -> None:
    assert read(ONE.replace("one", "2026-11-21"))[0]["metadata"]["name"] == "2026-11-21"


def test_paths() -> None:
    document = {"a": [{"b": 1}], "c": None}
    assert get(document, "a", 0, "b") == 1
    assert get(document, "a", 1, "b", default=7) == get(document, "c", default=7) == 7
    assert (mapping(document, "a"), listing(document, "a")) == ({}, [{"b": 1}])


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), ("2", "2"), (3, "3"), ("16Gi", 16 * 1024**3), ("1e3", "1000"), ("1.5G", "1500000000"), ("2E", 2 * 10**18)],
)  # fmt: skip
def test_quantities(text: object, number: object) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["16GB", "two", "", "1/2", "0x10", True, None, "1 Gi"])
def test_what_is_no_quantity(text: object) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        quantity(text)
