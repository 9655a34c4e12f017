"""A class that shares no disk: nbgrader's commands through a real ngshare, which asks a real Hub who they are."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import nbformat
import pytest
from course_kit import LAB, Course, cell
from hub_kit import Hub, running_hub
from servelab.course import build
from servelab.course.building import load_config
from servelab.errors import CourseError
from servelab.grading.collecting import Budget
from servelab.grading.exchange_service import configure, is_ignored, is_name, write_submission
from servelab.grading.handed_in import NOT_COLLECTED

ROOT = Path(__file__).resolve().parents[2]
COURSE_ID = "serving-llms"
ADD = "def add(a, b):\n    return a + b"


class Desk:
    """One person's machine: a course folder, a home of their own, and the Hub's token."""

    def __init__(self, hub: Hub, user: str, home: Path, course: Path) -> None:
        self.home, self.course = home, course
        home.mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SERVELAB_", "JUPYTERHUB_"))}
        self.environment = (
            kept
            | hub.environment(user)
            | {
                "SERVELAB_ROOT": str(course),
                "SERVELAB_WORK": str(home / "work"),
                "SERVELAB_GRADEBOOK": str(home / "office"),
                "JUPYTER_DATA_DIR": str(home / "jupyter"),
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            }
        )

    def __enter__(self) -> Desk:
        command = [sys.executable, str(ROOT / "tests" / "cluster" / "desk.py")]
        self.process = subprocess.Popen(
            command,
            cwd=self.course,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def nbgrader(self, *arguments: str) -> str:
        """`nbgrader ...`, as this person; what it printed."""
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        status, output = json.loads(self.process.stdout.readline())
        assert status == 0 and "| ERROR]" not in output, f"nbgrader {' '.join(arguments)}:\n{output[-3000:]}"
        return output

    def manage(self, *arguments: str) -> str:
        """`ngshare-course-management ...`, as this person; what it printed."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ngshare-course-management"), *arguments],
            cwd=self.course,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0 and "uccessfully" in done.stdout, done.stdout + done.stderr
        return done.stdout

    def notebook(self) -> Path:
        """Their copy of the lab."""
        return self.home / "work" / LAB / f"{LAB}.ipynb"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory):
    with running_hub(tmp_path_factory.mktemp("class") / "hub", ["ada", "bob", "teacher"]) as found:
        yield found


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instructor's course: built, in a folder that no student has."""
    root = tmp_path_factory.mktemp("instructor") / "course"
    shutil.copytree(ROOT / "tests" / "fixtures" / "course", root)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    build(root)
    return root


@pytest.fixture(scope="module")
def students_course(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a student's image holds: the configuration, and no solutions."""
    root = tmp_path_factory.mktemp("image") / "course"
    (root / "labs").mkdir(parents=True)
    shutil.copy(course / "nbgrader_config.py", root)
    return root


def work_on(desk: Desk) -> None:
    """Answer one question of three; leave what JupyterLab leaves, and a file that a lab may ask for."""
    written = nbformat.read(desk.notebook(), as_version=4)
    cell(written, "add").source = ADD
    nbformat.write(written, desk.notebook())
    folder = desk.notebook().parent
    (folder / ".ipynb_checkpoints").mkdir()
    shutil.copy(desk.notebook(), folder / ".ipynb_checkpoints" / f"{LAB}-checkpoint.ipynb")
    (folder / "adapter").mkdir()
    (folder / "adapter" / "adapter_config.json").write_text("{}")


@pytest.mark.slow
def test_a_class_without_a_shared_disk(hub: Hub, course: Path, students_course: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "student_id,first_name,last_name,email\nada,Ada,L,ada@example.org\nbob,Bob,M,bob@example.org\n"
    )
    with (
        Desk(hub, "teacher", tmp_path / "teacher", course) as teacher,
        Desk(hub, "ada", tmp_path / "ada", students_course) as ada,
        Desk(hub, "bob", tmp_path / "bob", students_course) as bob,
    ):
        teacher.manage("create_course", COURSE_ID, "teacher")
        teacher.manage("add_students", "--no-gb", COURSE_ID, str(roster))
        teacher.nbgrader("generate_assignment", LAB, "--force")
        teacher.nbgrader("release_assignment", LAB)
        assert f"{COURSE_ID} {LAB}" in ada.nbgrader("list")  # what Assignment List shows
        for student in (ada, bob):
            student.nbgrader("fetch_assignment", LAB)
        assert ada.notebook().read_bytes() == Course(course).release.read_bytes()
        work_on(ada)
        for student in (ada, bob):
            student.nbgrader("submit", LAB)

        teacher.nbgrader("collect", LAB)
        submitted = teacher.home / "office" / "submitted"
        files = {str(path.relative_to(submitted)) for path in submitted.rglob("*") if path.is_file()}
        assert files == {
            f"ada/{LAB}/{LAB}.ipynb",
            f"ada/{LAB}/timestamp.txt",
            f"ada/{LAB}/adapter/adapter_config.json",
            f"bob/{LAB}/{LAB}.ipynb",
            f"bob/{LAB}/timestamp.txt",
        }
        teacher.nbgrader("autograde", LAB)
        teacher.nbgrader("generate_feedback", LAB)
        teacher.nbgrader("release_feedback", LAB)
        ada.nbgrader("fetch_feedback", LAB)
        (page,) = (ada.home / "work" / LAB / "feedback").rglob("*.html")
        assert "(Score: 4.0 / 10.0)" in page.read_text()
        assert not list(bob.home.rglob("feedback"))
        assert f"ada {LAB}" in ada.nbgrader("list", "--cached")

    # What the token says counts: ngshare gives ada nothing of bob's, and lets her release nothing.
    headers = {"Authorization": f"token {ada.environment['JUPYTERHUB_API_TOKEN']}"}
    for path in (
        f"submission/{COURSE_ID}/{LAB}/bob",
        f"submissions/{COURSE_ID}/{LAB}",
        f"students/{COURSE_ID}",
    ):
        assert httpx.get(f"{hub.exchange}/{path}", headers=headers).status_code == 403, path
    posted = httpx.post(f"{hub.exchange}/assignment/{COURSE_ID}/other", headers=headers, data={"files": "[]"})
    assert posted.status_code == 403


def asked(hub: Hub, token: str) -> int:
    """What ngshare says to the holder of a token."""
    return httpx.get(f"{hub.exchange}/courses", headers={"Authorization": f"token {token}"}).status_code


def test_the_roles_of_values_yaml_open_the_exchange_and_nothing_else_does(hub: Hub) -> None:
    told = httpx.post(
        f"{hub.api}/users/ada/tokens",
        headers={"Authorization": f"token {hub.admin_token}"},
        json={"scopes": ["users:activity!user=ada", "access:servers!user=ada"]},
    )
    assert asked(hub, hub.token("ada")) == 200
    assert asked(hub, told.json()["token"]) == 302  # to the Hub's login
    assert asked(hub, "0" * 64) == 302


def file(path: str, content: bytes) -> dict[str, str]:
    return {"path": path, "content": base64.b64encode(content).decode()}


def test_what_is_graded_comes_first_and_the_rest_as_far_as_there_is_room(tmp_path: Path) -> None:
    files = [file("big.bin", b"x" * 900), file("a/b.txt", b"b"), file(f"{LAB}.ipynb", b"notebook")]
    refused = write_submission(files, tmp_path / "s", [f"{LAB}.ipynb"], Budget(3, 500))
    assert (tmp_path / "s" / f"{LAB}.ipynb").read_bytes() == b"notebook"
    assert refused == ["Something beside your notebook was not taken as a whole: it is too large."]
    refused = write_submission(files, tmp_path / "t", [f"{LAB}.ipynb"], Budget(3, 5))
    assert "What you handed in was not taken as a whole: it is too large." in refused
    assert not (tmp_path / "t" / f"{LAB}.ipynb").exists()


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "a/../../out.txt"])
def test_no_file_leaves_its_folder(path: str, tmp_path: Path) -> None:
    refused = write_submission([file(path, b"x")], tmp_path / "s", [], Budget(9, 999))
    assert "leads out of its folder" in refused[0]
    assert [p.name for p in tmp_path.rglob("*")] == ["s"]


def test_nobody_writes_our_own_note(tmp_path: Path) -> None:
    assert write_submission([file(NOT_COLLECTED, b"x")], tmp_path, [], Budget(9, 999)) == []
    assert not list(tmp_path.iterdir())


def test_content_that_is_no_base64_is_refused(tmp_path: Path) -> None:
    (refused,) = write_submission([{"path": "a", "content": "a"}], tmp_path, [], Budget(9, 999))
    assert "not taken" in refused


def test_folders_that_the_course_ignores() -> None:
    patterns = [".ipynb_checkpoints", "feedback", ".*"]
    assert is_ignored("./.ipynb_checkpoints", patterns) and is_ignored("feedback/2026-01-01", patterns)
    assert not is_ignored(".", patterns) and not is_ignored("adapter", patterns)


def test_names_of_students() -> None:
    assert is_name("ada") and is_name("ada.l@example.org")
    assert not any(is_name(name) for name in ("", ".", "..", "a/b", "a\nb"))


def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CourseError, match=r"'ngshare:8080'.*http"):
        configure(None, "ngshare:8080")
    monkeypatch.setenv("SERVELAB_EXCHANGE_URL", "ngshare:8080")
    with pytest.raises(CourseError, match="ngshare:8080"):
        load_config(ROOT)


def test_without_the_variable_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERVELAB_EXCHANGE_URL", raising=False)
    assert "submit" not in load_config(ROOT).ExchangeFactory
