"""The documents tell the truth: links lead somewhere, commands exist, both locks are what they say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, servelab

DOCUMENTS = ["README.md", "CONTRIBUTING.md"]


def links(text: str) -> list[str]:
    return [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith(("http", "#"))]


def commands(text: str) -> set[tuple[str, ...]]:
    """`servelab a b` and `make x` as written in code spans and blocks."""
    code = re.findall(r"`([^`\n]+)`", text) + [
        line for block in re.findall(r"```\n(.*?)```", text, re.S) for line in block.splitlines()
    ]
    found = set()
    for span in code:
        words = span.split("#")[0].split()
        if not words:
            continue
        name = words[0].split("/")[-1]
        if name in ("servelab", "make", "nbgrader") and len(words) > 1:
            found.add((name, *words[1:]))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    missing = [t for t in links((ROOT / name).read_text()) if not (ROOT / t).exists()]
    assert missing == []


def test_a_dead_link_is_found() -> None:
    assert links("see [this](nowhere/at-all.md)") == ["nowhere/at-all.md"]
    assert not (ROOT / "nowhere/at-all.md").exists()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    found = commands((ROOT / name).read_text())
    assert found
    for program, *words in sorted(found):
        if program == "make":
            assert words[0] in targets, f"make {words[0]} is not in the Makefile"
        elif program == "servelab":
            verb = words[:2] if words[0] == "bench" else words[:1]  # what is measured is a command of its own
            done = servelab(*verb, "--help", COLUMNS="200")
            assert done.returncode == 0, f"servelab {' '.join(words)}: {done.stderr}"
            for flag in (w for w in words if w.startswith("--")):
                assert flag in done.stdout, f"servelab {' '.join(verb)} has no {flag}"


def test_readme_shows_every_lab() -> None:
    text = (ROOT / "README.md").read_text()
    labs = sorted(p.name for p in (ROOT / "labs").glob("[0-9][0-9]-*"))
    assert labs
    for lab in labs:
        header = (ROOT / "solutions" / lab / f"{lab}.py").read_text()[:600]
        minutes = re.search(r"minutes: (\d+)", header)[1]
        row = next((line for line in text.splitlines() if line.startswith(f"| [{lab}](")), None)
        assert row, f"README's map has no row for {lab}"
        assert row.rstrip(" |").endswith(minutes), (
            f"README says other minutes than {lab}'s header ({minutes})"
        )


def test_every_tracked_file_is_where_the_layout_says() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout, so there is no list of tracked files")
    top = {Path(name).parts[0] for name in done.stdout.splitlines()}
    allowed = {
        "pyproject.toml", "README.md", "labs", "quizzes", "solutions", "environment", "tests", "Makefile",
        "nbgrader_config.py", "LICENSE", "CONTRIBUTING.md", ".gitignore", ".gitattributes", ".github", ".ci",
        ".dockerignore", ".devcontainer",
    }  # fmt: skip
    assert top <= allowed, f"unexpected at the top: {sorted(top - allowed)}"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("check", "99"), "The labs are"),
        (("build", "nonsense"), "The labs are"),
        (("proof", "77"), "The labs are"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], part: str) -> None:
    done = servelab(*arguments)
    assert done.returncode == 2
    assert part in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert "Traceback" not in done.stderr + done.stdout


def test_outside_a_course_still_finds_its_own(tmp_path: Path) -> None:
    done = servelab("build", "nonsense", SERVELAB_ROOT=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
