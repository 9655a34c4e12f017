"""A student's own copy is made once and never overwritten."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from labserver import LAB, make_course
from servelab.errors import CourseError
from servelab.jupyter import copies


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVELAB_ROOT", str(make_course(tmp_path)))
    monkeypatch.delenv("SERVELAB_WORK", raising=False)
    return tmp_path


def test_first_opening_copies_the_whole_lab(course: Path) -> None:
    (course / "labs" / LAB / f"{LAB}.ipynb").chmod(0o444)
    notebook = copies.own_notebook("1")
    assert notebook == course / "work" / LAB / f"{LAB}.ipynb"
    assert notebook.read_bytes() == (course / "labs" / LAB / f"{LAB}.ipynb").read_bytes()
    assert notebook.stat().st_mode & 0o200, "a copy of a read-only release must be writable"
    assert (notebook.parent / "data" / "prompts.txt").read_text() == "one\ntwo\n"
    assert sorted(p.name for p in notebook.parent.iterdir()) == [f"{LAB}.ipynb", "data"], (
        "nothing temporary stays"
    )


def test_what_the_student_wrote_stays(course: Path) -> None:
    notebook = copies.own_notebook(LAB)
    notebook.write_text("mine")
    (notebook.parent / "data" / "prompts.txt").write_text("")
    assert copies.own_notebook(LAB).read_text() == "mine"
    assert (notebook.parent / "data" / "prompts.txt").read_text() == ""


def test_a_missing_file_comes_back_beside_the_others(course: Path) -> None:
    notebook = copies.own_notebook(LAB)
    notebook.write_text("mine")
    (notebook.parent / "data" / "prompts.txt").unlink()
    copies.own_notebook(LAB)
    assert notebook.read_text() == "mine"
    assert (notebook.parent / "data" / "prompts.txt").read_text() == "one\ntwo\n"


def test_a_dangling_link_is_somebodys_file_too(course: Path) -> None:
    notebook = copies.own_notebook(LAB)
    notebook.unlink()
    notebook.symlink_to(course / "elsewhere.ipynb")
    copies.own_notebook(LAB)
    assert notebook.is_symlink() and not (course / "elsewhere.ipynb").exists()


def test_many_at_once_make_one_whole_copy(course: Path) -> None:
    faults: list[BaseException] = []

    def ask() -> None:
        try:
            copies.own_notebook(LAB)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    copied, released = course / "work" / LAB, course / "labs" / LAB
    assert not faults
    assert (copied / f"{LAB}.ipynb").read_bytes() == (released / f"{LAB}.ipynb").read_bytes()
    assert len(list(copied.iterdir())) == 2


@pytest.mark.parametrize("wrong", ["9", "../labs", "", "01-tiny/../..", "%2e%2e"])
def test_what_is_no_lab_is_said_in_one_line(course: Path, wrong: str) -> None:
    with pytest.raises(CourseError, match="No lab is called") as told:
        copies.own_notebook(wrong)
    assert "\n" not in str(told.value)
    assert not (course / "work").exists()


def test_a_lab_without_its_notebook_is_not_released(course: Path) -> None:
    (course / "labs" / "02-empty").mkdir()
    with pytest.raises(CourseError, match="not released"):
        copies.own_notebook("2")


def test_a_work_folder_that_is_a_file_is_said(course: Path) -> None:
    (course / "work").write_text("")
    with pytest.raises(CourseError, match="could not be written"):
        copies.own_notebook(LAB)
