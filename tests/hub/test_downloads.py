"""What Canvas, Moodle and people make of file names, and whose file each is."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from class_kit import LAB, School
from conftest import servelab
from nbgrader.api import Gradebook
from servelab.errors import CourseError
from servelab.hub import downloads, running
from servelab.hub.downloads import Who
from servelab.hub.people import Folder

ADA = Who(login="ada", lms_id="4711", first_name="Ada", last_name="Lovelace")
BOB = Who(login="bob.b", lms_id="4712", first_name="Bob", last_name="O'Brien Süß")
ZOE = Who(login="ad", lms_id="1", first_name="Zoë", last_name="Ng")
PEOPLE = [ADA, BOB, ZOE]


@pytest.mark.parametrize(
    ("name", "login", "rest"),
    [
        ("lovelaceada_4711_99_01-tiny.ipynb", "ada", "01-tiny.ipynb"),
        ("lovelaceada_LATE_4711_99_01-tiny-2.ipynb", "ada", "01-tiny-2.ipynb"),
        ("somebodyelse_4712_99_x.zip", "bob.b", "x.zip"),
        ("lovelaceada_5_99_01-tiny.ipynb", "ada", "01-tiny.ipynb"),
        ("Ada Lovelace_31_assignsubmission_file_/01-tiny.ipynb", "ada", "01-tiny.ipynb"),
        ("Bob O'Brien Süß_32_assignsubmission_file_01-tiny.ipynb", "bob.b", "01-tiny.ipynb"),
        ("ada_01-tiny.ipynb", "ada", "01-tiny.ipynb"),
        ("bob.b/01-tiny.ipynb", "bob.b", "01-tiny.ipynb"),
        ("all/ad/work/01-tiny.ipynb", "ad", "work/01-tiny.ipynb"),
        ("adam_01-tiny.ipynb", None, "adam_01-tiny.ipynb"),
        ("01-tiny.ipynb", None, "01-tiny.ipynb"),
    ],
)
def test_whose(name: str, login: str | None, rest: str) -> None:
    assert downloads.whose(name, PEOPLE) == (login, rest)


def test_a_name_that_two_people_have_is_nobodys() -> None:
    assert downloads.whose("Ada Lovelace_31_assignsubmission_file_/x.ipynb", [ADA])[0] == "ada"
    twins = [ADA, Who(login="ada2", lms_id="9", first_name="Ada", last_name="Lovelace")]
    assert downloads.whose("Ada Lovelace_31_assignsubmission_file_/x.ipynb", twins) == (None, "x.ipynb")
    assert downloads.whose("lovelaceada_9_1_x.ipynb", twins)[0] == "ada2", "a number says which"


@pytest.fixture
def folder(course: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("SERVELAB_ROOT", str(course))
    monkeypatch.setenv("SERVELAB_PROGRESS", "0")
    found = Folder()
    with downloads.opened_gradebook(found) as gradebook:
        for who in PEOPLE:
            gradebook.add_student(
                who.login, lms_user_id=who.lms_id, first_name=who.first_name, last_name=who.last_name
            )
    return found


def packed(**files: bytes) -> bytes:
    """A ZIP archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 5, 4, 3, 2, 0)), content)
    return target.getvalue()


@pytest.mark.slow
def test_a_platforms_download_is_graded_by_one_command(folder: Folder, tmp_path: Path) -> None:
    """Three ways to hand in, one that nobody knows, an archive that leads out of its folder."""
    lab = (folder.course / "labs" / LAB / f"{LAB}.ipynb").read_bytes()
    stub = "raise NotImplementedError"
    assert stub.encode() in lab
    right = (folder.course / "solutions" / LAB / f"{LAB}.ipynb").read_bytes()
    download = tmp_path / "submissions.zip"
    download.write_bytes(
        packed(
            **{
                f"lovelaceada_4711_99_{LAB}-1.ipynb": right,
                "Bob O'Brien Süß_32_assignsubmission_file_/01-tiny.zip": packed(**{f"{LAB}.ipynb": lab}),
                f"stranger_1234_5_{LAB}.ipynb": lab,
                "Zoë Ng_33_assignsubmission_file_/evil.zip": packed(**{"../../../evil.ipynb": lab}),
                "__MACOSX/._x": b"noise",
            }
        )
    )
    env = {"SERVELAB_ROOT": str(folder.course)}
    no_grade = servelab("class", "hand-in", "01", str(download), **env)
    assert "does not know 01-tiny" in no_grade.stderr, "the lab has to be generated first"
    School(folder.course).nbgrader("generate_assignment", LAB, "--force")
    done = servelab("class", "hand-in", "01", str(download), **env)
    said = done.stdout + done.stderr
    assert done.returncode == 1, "somebody's file is nobody's"
    assert (
        "submissions of 2 students: ada, bob.b" in said
        and f"whose is this? stranger_1234_5_{LAB}.ipynb" in said
    )
    assert "leads out of its folder" in said and not list(tmp_path.rglob("evil.ipynb"))
    assert "2 of 2 submissions graded" in said
    with Gradebook(f"sqlite:///{folder.office / 'gradebook.db'}", "serving-llms") as gradebook:
        scores = {
            s.id: gradebook.find_submission(LAB, s.id).score for s in gradebook.students if s.submissions
        }
    assert scores["ada"] > scores["bob.b"] == 0
    stamp = (folder.office / "submitted" / "ada" / LAB / "timestamp.txt").read_text()
    assert stamp.endswith("UTC") and stamp.startswith("2026-05-0"), (
        "when it was handed in, as the archive says"
    )
    mine = folder.office / "submitted" / "ada" / LAB
    (mine / "timestamp.txt").write_text("2026-06-01 10:00:00.000000 UTC")
    (mine / f"{LAB}.ipynb").write_text("newer")
    told = downloads.take(folder, LAB, download)
    assert told.students == ["bob.b"] and any(
        "ada: what was handed in on 2026-06-01" in r for r in told.refused
    )
    assert (mine / f"{LAB}.ipynb").read_text() == "newer"


def test_a_lab_is_held_back_from_the_class(folder: Folder) -> None:
    folder.root.mkdir(parents=True, exist_ok=True)
    for without, there in (([LAB], False), ([], True)):
        running.refresh_release(folder, without)
        assert (folder.release / "labs" / LAB).is_dir() is there


def test_bad_downloads_are_one_line(folder: Folder, tmp_path: Path) -> None:
    text = tmp_path / "x.txt"
    text.write_text("no archive")
    with pytest.raises(CourseError, match="is no ZIP file"):
        downloads.take(folder, LAB, text)
    empty = tmp_path / "empty.zip"
    empty.write_bytes(packed())
    with pytest.raises(CourseError, match="holds no submissions"):
        downloads.take(folder, LAB, empty)
    outside = tmp_path / "outside.zip"
    outside.write_bytes(packed(**{"../ada_01-tiny.ipynb": b"{}"}))
    with pytest.raises(CourseError, match="leads out of its folder"):
        downloads.take(folder, LAB, outside)

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / f"ada_{LAB}.ipynb").symlink_to("/etc/hostname")
    with pytest.raises(CourseError, match="holds no submissions"):
        downloads.take(folder, LAB, tmp_path / "folder")
