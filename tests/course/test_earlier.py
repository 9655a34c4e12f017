"""A student's earlier answers are used where they pass their checks, and never where they do not."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from course_kit import REPOSITORY
from servelab.course import earlier

LAB = "04-streaming"


def cell(source: str, grade_id: str = "", **about: Any) -> dict[str, Any]:
    kind = {"grade_id": grade_id, "solution": False, "grade": False, **about}
    return {"cell_type": "code", "source": source, "metadata": {"nbgrader": kind} if grade_id else {}}


RELEASED = {
    "cells": [
        cell("%load_ext servelab\nimport math\nservelab.setup('x')", "setup"),
        cell("%%live\nengine = 1", "live"),
        cell("RADIUS = 2", "radius"),
        cell("print('never needed')", "noise"),
        cell("def half(x): raise NotImplementedError", "half", solution=True),
        cell("assert half(4) == 2", "half-check", grade=True),
        cell("def area(r): raise NotImplementedError", "area", solution=True),
        cell("assert area(RADIUS) > 12", "area-check", grade=True),
        cell("assert area(1) > 3", "area-check-2", grade=True),
        cell("def later(): raise NotImplementedError", "later", solution=True),
        cell("assert later()", "later-check", grade=True),
    ]
}


def own(**answers: str) -> dict[str, Any]:
    notebook = copy.deepcopy(RELEASED)
    for one in notebook["cells"]:
        grade_id = one["metadata"]["nbgrader"]["grade_id"]
        one["source"] = answers.get(grade_id, one["source"])
    return notebook


def test_only_what_is_needed_runs_and_checks_come_from_the_release() -> None:
    mine = own(area="def area(r): return math.pi * half(r * 2) ** 2", half="def half(x): return x / 2")
    mine["cells"][7]["source"] = "pass  # a check that was edited"
    cells = earlier.cells_of(RELEASED, mine, "area")
    kept = [text.split("\n")[0] for text in cells.before]
    assert kept == ["%load_ext servelab", "RADIUS = 2", "def half(x): return x / 2", "def area(r): return math.pi * half(r * 2) ** 2"]  # fmt: skip
    assert cells.checks == ["assert area(RADIUS) > 12", "assert area(1) > 3"]


def test_another_answer_that_is_not_python_does_not_matter() -> None:
    cells = earlier.cells_of(RELEASED, own(half="def half(x", area="def area(r): return 13"), "area")
    assert cells.before[-1] == "def area(r): return 13"
    with pytest.raises(SyntaxError):
        earlier.cells_of(RELEASED, own(area="def area(r"), "area")
    with pytest.raises(KeyError):
        earlier.cells_of(RELEASED, RELEASED, "nothing")


def copy_of_lab(work: Path, answer: str | None) -> None:
    """A student's copy of lab 04, with this answer to its first question; None leaves the stub."""
    notebook = json.loads((REPOSITORY / "labs" / LAB / f"{LAB}.ipynb").read_text(encoding="utf-8"))
    for one in notebook["cells"]:
        if answer is not None and one["metadata"].get("nbgrader", {}).get("grade_id") == "sse":
            one["source"] = answer
    (work / LAB).mkdir()
    (work / LAB / f"{LAB}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def reference() -> str:
    notebook = json.loads((REPOSITORY / "solutions" / LAB / f"{LAB}.ipynb").read_text(encoding="utf-8"))
    (found,) = [
        one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == "sse"
    ]
    return "".join(found["source"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("right", "your own, from lab 04"),
        (None, "does not pass its check"),
        ("def parse_all(pieces):\n    while True:\n        pass\n\n\nSSEParser = 1", "took longer than"),
        ("import os\nos._exit(3)\n\n\ndef parse_all(pieces): pass", "does not pass its check"),
    ],
)
def test_the_students_own_or_the_courses(
    answer: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("SERVELAB_WORK", str(tmp_path))
    copy_of_lab(tmp_path, reference() if answer == "right" else answer)
    limit_s = 60 if said != "took longer than" else 12
    found = earlier.answer(LAB, "sse", "parse_all", otherwise="the other", limit_s=limit_s)
    assert said in capsys.readouterr().out
    if answer != "right":
        assert found == "the other"
        return
    assert found([b"data: a\n\nda", b"ta: [DONE]\n\n"]) == [[["a"], []], "complete"]


def test_without_a_copy_it_is_the_courses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("SERVELAB_WORK", str(tmp_path))
    assert earlier.answer(LAB, "sse", "parse_all", otherwise=7) == 7
    assert "the course's own (you have no copy of lab 04 here)" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.alone  # the check runs the model
def test_the_adapter_is_the_students_where_it_passes_its_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("SERVELAB_WORK", str(tmp_path))
    assert (
        earlier.adapter().system == "Ticket to label." and "there is none of yours" in capsys.readouterr().out
    )
    name, trained = (
        "08-lora",
        REPOSITORY / "tests" / "answers" / "08-lora" / "files" / "reference" / "adapter",
    )
    shutil.copytree(trained, tmp_path / name / "adapter")
    shutil.copy(REPOSITORY / "solutions" / name / f"{name}.ipynb", tmp_path / name)
    found = earlier.adapter()
    assert found.folder == tmp_path / name / "adapter" and found.system == "Ticket to JSON."
    assert "your own, from lab 08" in capsys.readouterr().out
    assert found.messages("Hello")[0] == {"role": "system", "content": "Ticket to JSON."}
    (tmp_path / name / "adapter" / "adapter_config.json").write_text("{}")
    assert earlier.adapter().folder != found.folder
    assert "does not pass its check" in capsys.readouterr().out
