"""nbgrader_config.py against nbgrader's traps, through nbgrader's own commands on a tiny course."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from course_kit import LAB, Course, cell
from nbgrader.apps.api import NbGraderAPI
from servelab.course import build
from servelab.course.building import load_config

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Course:
    """A course whose release is in nbgrader's gradebook. Tests copy it."""
    root = tmp_path_factory.mktemp("built") / "course"
    shutil.copytree(ROOT / "tests" / "fixtures" / "course", root)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    course = Course(root)
    build(root)
    done = course.nbgrader("generate_assignment", LAB, "--force")
    assert done.returncode == 0, done.stderr
    return course


@pytest.fixture
def course(built: Course, tmp_path: Path) -> Course:
    shutil.copytree(built.root, tmp_path / "course")
    return Course(tmp_path / "course")


def hand_in(course: Course, student: str, changes: dict[str, str], notebook: Path | None = None) -> None:
    """Put a submission where `nbgrader collect` would: a copy with some cells' texts replaced."""
    nb = nbformat.read(notebook or course.release, as_version=4)
    for name, source in changes.items():
        cell(nb, name).source = source
    folder = course.root / "gradebook" / "submitted" / student / LAB
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / f"{LAB}.ipynb")


def scores(course: Course) -> dict[str, dict[str, float | None]]:
    """Automatic score of each graded cell by student, read from the gradebook."""
    rows = sqlite3.connect(course.root / "gradebook" / "gradebook.db").execute(
        "select s.id, b.name, g.auto_score from grade g join base_cell b on g.cell_id = b.id"
        " join submitted_notebook n on g.notebook_id = n.id join submitted_assignment a on n.assignment_id = a.id"
        " join student s on a.student_id = s.id"
    )
    found: dict[str, dict[str, float | None]] = {}
    for student, name, score in rows:
        found.setdefault(student, {})[name] = score
    return found


ADD = "def add(a, b):\n    return a + b"
WHY = "Counting does not care about the order."
SHARE = "def share(total, parts):\n    return [total / parts] * parts"


def test_grades_are_right_whatever_cells_print(course: Course) -> None:
    noisy = "import sys, warnings\ndef add(a, b):\n    warnings.warn('x')\n    print('y', file=sys.stderr)\n    return a + b"
    half = "def share(total, parts):\n    return [total / parts] * parts if total == 6 else []"
    quiz = cell(nbformat.read(course.release, as_version=4), "quiz-colour-of-sky").source
    hand_in(course, "untouched", {})
    hand_in(course, "right", {}, course.solution)
    hand_in(
        course, "noisy", {"add": noisy, "share": half, "quiz-colour-of-sky": quiz.replace('""', "'blue'", 1)}
    )
    hand_in(course, "wrong", {"add": "def add(a, b):\n    return 3", "share": SHARE})
    (course.root / "gradebook" / "submitted" / "right" / LAB / "add.py").write_text("print('a student file')")
    done = course.nbgrader("autograde", LAB)
    assert done.returncode == 0, done.stderr
    found = scores(course)
    checks = ("add-check", "share-check", "quiz-colour-of-sky-check", "why")
    assert {s: tuple(row[c] for c in checks) for s, row in found.items()} == {
        "untouched": (0, 0, 0, 0),
        "right": (4, 2, 1, None),  # the written answer waits for a person
        "noisy": (4, 1, 1, 0),
        "wrong": (0, 2, 0, 0),
    }
    graded = course.root / "gradebook" / "autograded"
    assert not list(graded.rglob("01-tiny.py")), (
        "the source with all answers lies in the student kernel's folder"
    )
    notebook = nbformat.read(graded / "noisy" / LAB / f"{LAB}.ipynb", as_version=4)
    assert "skipped" in cell(notebook, "setup--1").outputs[0].text
    done = course.nbgrader("generate_feedback", LAB)
    assert done.returncode == 0, done.stderr
    assert (course.root / "gradebook" / "feedback" / "noisy" / LAB / f"{LAB}.html").is_file()


def test_a_failed_generate_keeps_the_release(course: Course) -> None:
    before = course.release.read_bytes()
    nb = nbformat.read(course.solution, as_version=4)
    cell(nb, "add").source = "def add(a, b):\n    ### BEGIN SOLUTION\n    return a + b"
    nbformat.write(nb, course.solution)
    for args in (["--force"], ["--force", "--notebook", LAB]):
        done = course.nbgrader("generate_assignment", LAB, *args)
        assert done.returncode != 0 and "no end solution statement" in done.stderr
        assert course.release.read_bytes() == before
    assert "put the earlier release back" in done.stderr


def test_generate_copies_no_source(course: Course) -> None:
    shutil.rmtree(course.root / "labs")
    assert course.nbgrader("generate_assignment", LAB).returncode == 0
    assert [p.name for p in (course.root / "labs" / LAB).iterdir()] == [f"{LAB}.ipynb"]


def test_validate_answers_quickly_and_skips_live_cells(course: Course, tmp_path: Path) -> None:
    hand_in(
        course,
        "s",
        {"add": f"import sys\nprint('noise', file=sys.stderr)\n{ADD}", "share": SHARE, "why": WHY},
    )
    notebook = course.root / "gradebook" / "submitted" / "s" / LAB / f"{LAB}.ipynb"
    begun = time.monotonic()
    # The live cell would sleep for five minutes.
    done = course.nbgrader("validate", str(notebook), cwd=course.root, TINY_LIVE_S="300")
    assert time.monotonic() - begun < 20
    assert done.returncode == 0 and "Success! Your notebook passes all the tests." in done.stdout, done.stdout


def test_validate_is_not_fooled_by_standard_error(course: Course) -> None:
    noisy = "import warnings\ndef add(a, b):\n    warnings.warn('careful')\n    return a + b"
    hand_in(course, "s", {"add": noisy, "share": SHARE, "why": WHY})
    notebook = course.root / "gradebook" / "submitted" / "s" / LAB / f"{LAB}.ipynb"
    done = course.nbgrader("validate", str(notebook))
    assert "Success!" in done.stdout, done.stdout


def test_validate_of_an_untouched_lab_says_what_to_do(course: Course) -> None:
    done = course.nbgrader("validate", str(course.release))
    assert "put your code here" in done.stdout


def loaded(course: Course, cwd: Path, **env: str) -> dict:
    """What nbgrader makes of the configuration, in a process of its own."""
    code = (
        "import json, sys\nfrom nbgrader.apps import NbGrader\nfrom nbgrader.coursedir import CourseDirectory\n"
        "app = NbGrader()\napp.initialize(sys.argv[1:])\n"
        "d = CourseDirectory(parent=app)\n"
        "print(json.dumps({'root': d.root, 'db': d.db_url, 'work': app.config.Exchange.assignment_dir,"
        " 'exchange': app.config.Exchange.root, 'submitted': d.format_path(d.submitted_directory, 's', 'a')}))"
    )
    args = [] if "SERVELAB_ROOT" in env or cwd == course.root else ["--course-dir", str(course.root)]
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=cwd,
        env=course.env() | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_paths_are_absolute_and_the_same_from_anywhere(course: Course, tmp_path: Path) -> None:
    root = course.root
    inside = loaded(course, root)
    assert inside == {
        "root": str(root),
        "db": f"sqlite:///{root}/gradebook/gradebook.db?timeout=60",
        "work": str(root / "work"),
        "exchange": str(root / "gradebook" / "exchange"),
        "submitted": str(root / "gradebook" / "submitted" / "s" / "a"),
    }
    assert loaded(course, tmp_path) == inside
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", elsewhere)
    assert loaded(course, elsewhere, SERVELAB_ROOT=str(root)) == inside


def test_places_can_be_moved(course: Course, tmp_path: Path) -> None:
    moved = loaded(
        course,
        course.root,
        SERVELAB_GRADEBOOK=str(tmp_path / "office"),
        SERVELAB_EXCHANGE=str(tmp_path / "exchange"),
        SERVELAB_WORK=str(tmp_path / "w"),
    )
    assert moved["db"] == f"sqlite:///{tmp_path}/office/gradebook.db?timeout=60"
    assert (moved["exchange"], moved["work"]) == (str(tmp_path / "exchange"), str(tmp_path / "w"))
    assert os.path.normpath(moved["submitted"]) == str(tmp_path / "office" / "submitted" / "s" / "a")


def test_fetch_submit_collect_from_any_folder(course: Course, tmp_path: Path) -> None:
    def step(*args: str) -> None:
        done = course.nbgrader(*args, "--course-dir", str(course.root), cwd=tmp_path)
        assert done.returncode == 0, (args, done.stderr)

    step("release_assignment", LAB)
    step("fetch_assignment", LAB)
    fetched = course.root / "work" / LAB / f"{LAB}.ipynb"
    assert fetched.read_bytes() == course.release.read_bytes()
    assert not list((course.root / "gradebook" / "exchange").rglob("*.py"))
    done = course.nbgrader("submit", LAB, "--course-dir", str(course.root), cwd=course.root / "work")
    assert done.returncode == 0, done.stderr
    step("collect", LAB)
    assert len(list((course.root / "gradebook" / "submitted").rglob("*.ipynb"))) == 1
    # Formgrader reads folders through this API; ours lie one level deeper than nbgrader's own.
    step("autograde", LAB)
    api = NbGraderAPI(config=load_config(course.root))
    found = api.get_assignment(LAB)
    assert (found["status"], found["num_submissions"], found["max_score"]) == ("released", 1, 10)
    (submission,) = api.get_submissions(LAB)
    assert submission["autograded"] and submission["score"] == 0 and submission["timestamp"]


def test_the_repository_ignores_what_grading_makes() -> None:
    for name in ("gradebook/gradebook.db", "gradebook/submitted/s/01/x.ipynb", "work/01-tiny/01-tiny.ipynb"):
        done = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False)
        assert done.returncode == 0, f"{name} is not ignored by git"
