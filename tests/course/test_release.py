"""What a class gets: enough to run, nothing that answers; a slip stops the release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import course_kit
import nbformat
import pytest
from course_kit import LAB, REPOSITORY, cell, read
from servelab.course import build, release_students
from servelab.course.building import source_paths
from servelab.course.quiz import load_banks
from servelab.course.release import leaks, secret_lines
from servelab.errors import CourseError

course = course_kit.course


@pytest.fixture
def ready(course):
    """The tiny course with a release and with all that must stay behind."""
    build(course.root)
    for name in ("README.md", "Makefile", "pyproject.toml", "LICENSE"):
        (course.root / name).write_text('[project]\nname = "x"\n' if name.endswith("toml") else name)
    for name in (
        "environment/servelab/__init__.py",
        "environment/servelab/__pycache__/x.pyc",
        "environment/locks/cpu.txt",
        "tests/answers/01-tiny/add.py",
        "gradebook/gradebook.db",
        "work/01-tiny/01-tiny.ipynb",
        ".git/config",
        ".venv/bin/python",
        "labs/01-tiny/.ipynb_checkpoints/x.ipynb",
        "notes-for-instructors.md",
    ):
        path = course.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return course


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("exists", [False, True])
def test_only_what_is_listed(ready, tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "for" / "students"
    if exists:
        target.mkdir(parents=True)
    release_students(ready.root, target)
    assert names(target) == [
        "LICENSE",
        "Makefile",
        "README.md",
        "environment/locks/cpu.txt",
        "environment/servelab/__init__.py",
        "labs/01-tiny/01-tiny.ipynb",
        "nbgrader_config.py",
        "pyproject.toml",
    ]
    assert [p.name for p in target.parent.iterdir()] == ["students"]


def refused(ready, target: Path, words: str) -> None:
    before = names(target) if target.is_dir() else None
    with pytest.raises(CourseError) as caught:
        release_students(ready.root, target)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert (names(target) if target.is_dir() else None) == before
    assert not list(target.parent.glob(".*.part"))


def test_refusals(ready, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    refused(ready, full, "is not empty")
    refused(ready, full / "thesis.txt", "is a file")
    refused(ready, ready.root, "is not empty")
    refused(ready, ready.root / "labs" / "students", "lies in the course's labs/")
    ready.release.unlink()
    refused(ready, tmp_path / "new", "holds no labs")


def test_the_command_says_it_in_one_line(ready, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").write_text("")
    done = subprocess.run(
        [Path(sys.executable).with_name("servelab"), "release", "--students", str(full)],
        cwd=ready.root,
        env={**ready.env(), "SERVELAB_ROOT": str(ready.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "is not empty" in done.stderr


SLIPS = {
    "hidden test": ("add-check", "for _pair, _hidden_total in (((5, 6), 11), ((-1, 1), 0)):\n    pass", "a hidden test"),
    "solution": ("add", "def add(a, b):\n    the_secret_sum_of_both = a + b", "a solution (add)"),
    "model answer": (
        "why",
        "Because counting two heaps together does not depend on which heap comes first.",
        "a model answer (why)",
    ),
    "quiz key": ("quiz-colour-of-sky", None, "the key of a quiz"),
    "explanation": ("_top--1", "Short waves of light are\nscattered more than long ones.", "the explanation of quiz item"),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_stops_the_release(ready, tmp_path: Path, slip: str) -> None:
    name, text, words = SLIPS[slip]
    notebook = read(ready.release)
    cell(notebook, name).source = text or cell(read(ready.solution), name).source
    nbformat.write(notebook, ready.release)
    refused(ready, tmp_path / "new", words)


def test_an_explanation_in_any_file_stops_the_release(ready, tmp_path: Path) -> None:
    (ready.root / "environment" / "notes.txt").write_text("Grass is green, and nobody lies on the sky.")
    refused(ready, tmp_path / "new", "environment/notes.txt, which holds the explanation of quiz item")


def test_a_source_in_labs_stops_the_release(ready, tmp_path: Path) -> None:
    (ready.release.parent / "01-tiny.py").write_text("")
    refused(ready, tmp_path / "new", "the source of a lab")


def test_the_real_course_is_released_without_secrets(tmp_path: Path) -> None:
    target = tmp_path / "students"
    release_students(REPOSITORY, target)
    got = names(target)
    assert {f"labs/{p.stem}/{p.stem}.ipynb" for p in source_paths(REPOSITORY)} <= set(got)
    assert {"Makefile", "pyproject.toml", "nbgrader_config.py", "environment/bootstrap.py"} <= set(got)
    assert not any(n.startswith(("solutions", "quizzes", "tests", "work", "gradebook")) for n in got)
    # Again by hand, not through the code under test: raw bytes of every file.
    raw = "\n".join(
        (target / n).read_bytes().decode("utf-8", "ignore").replace('\\"', '"').replace("\\n", "\n")
        for n in got
    )
    blob = " ".join(raw.split())
    for bank in load_banks(REPOSITORY / "quizzes").values():
        for what, words in bank.secrets():
            assert " ".join(words.split())[:60] not in blob, what
    labs = "\n".join(
        "\n".join(c.source for c in read(target / n).cells)
        for n in got
        if n.startswith("labs") and n.endswith(".ipynb")
    )
    secrets = [s for p in source_paths(REPOSITORY) for s in secret_lines(p, REPOSITORY)]
    assert len(secrets) > 50
    lines = {line.strip() for line in labs.split("\n")}
    assert not [s for s in secrets if s[1] in lines]
    assert "BEGIN SOLUTION" not in labs and "BEGIN HIDDEN" not in labs
    assert leaks(REPOSITORY, target) == []


@pytest.mark.slow
def test_a_lab_can_be_held_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("servelab"), "release", "--students", tmp_path / "new"),
            *("--without", "12", "--without", "13"),
        ],
        env={**os.environ, "SERVELAB_ROOT": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    labs = {p.name[:2] for p in (tmp_path / "new" / "labs").iterdir()}
    readme = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert labs == {f"{n:02}" for n in range(1, 12)} and "11-operations" in readme and "12-exam" not in readme
    assert "make lab" in readme and "make test" not in readme


@pytest.mark.slow
def test_the_package_works_from_a_release(tmp_path: Path) -> None:
    """`make lab` needs the package, its configuration and course_root in the new place."""
    target = tmp_path / "students"
    release_students(REPOSITORY, target)
    code = (
        "import servelab, sys; assert servelab.__file__.startswith(sys.argv[1]), servelab.__file__\n"
        "from servelab import paths; assert str(paths.course_root()) == sys.argv[1]\n"
        "print(*paths.lab_names()); servelab.setup(paths.lab_names()[0])\n"
        "from servelab.course.building import load_config; from pathlib import Path\n"
        "print(load_config(Path(sys.argv[1])).CourseDirectory.root)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)],
        cwd=target,
        env={k: v for k, v in os.environ.items() if not k.startswith("SERVELAB_")}
        | {"PYTHONPATH": str(target / "environment")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(target)
    dry = subprocess.run(["make", "-n", "lab"], cwd=target, capture_output=True, text=True, check=False)
    assert dry.returncode == 0 and "servelab lab" in dry.stdout, dry.stderr
    assert f"labs/{LAB}" not in names(target)


def test_readme_of_a_class_links_to_what_it_has(tmp_path: Path) -> None:
    """The README's parts for instructors stay at home, and no link of the rest is dead."""
    from conftest import ROOT
    from test_readme import links

    release_students(ROOT, tmp_path / "class")
    text = (tmp_path / "class" / "README.md").read_text()
    assert [t for t in links(text) if not (tmp_path / "class" / t).exists()] == []
    assert "## For students" in text and "instructors" not in text


def test_a_class_gets_the_guide_for_students_and_not_that_for_authors(tmp_path: Path) -> None:
    from guide_kit import broken_links

    release_students(REPOSITORY, tmp_path / "class")
    guides = tmp_path / "class" / "environment" / "guides"
    assert broken_links(guides / "student.md") == []
    assert not (guides / "lab-author.md").exists()
