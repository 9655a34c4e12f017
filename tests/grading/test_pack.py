"""One file to hand in: what is packed is what `zip_collect` puts back and the judge sees."""

from __future__ import annotations

import json
import re
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
import servelab
from cells import LAB
from conftest import servelab as command
from servelab.errors import CourseError
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all
from servelab.grading.handed_in import write_files
from servelab.grading.pack import pack

WORD, OTHER = "box/word.json", "box/word.safetensors"
RIGHT = {WORD: b"kestrel", OTHER: bytes(1_000_000)}


def asking(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The small lab, asking for two files, one of which its first check reads."""
    notebook.metadata["servelab"] = {"hands_in": [WORD, OTHER]}
    cells = {cell.id: cell for cell in notebook.cells}
    cells["setup"].source += "\nfrom servelab.checks import handed_in"
    cells["mean-check-2"].source += "\nassert handed_in('box/word.json').read_bytes() == b'kestrel'"
    return notebook


@pytest.fixture
def desk(tmp_path: Path, answering: Any) -> Path:
    folder = tmp_path / "desk"
    write_files(folder, RIGHT | {"box/checkpoint.bin": b"x", "other.ipynb": b"{}"})
    nbformat.write(asking(answering()), folder / f"{LAB}.ipynb")
    return folder


def held(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_what_is_packed(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = pack(LAB, desk)
    assert held(path) == [f"{LAB}.ipynb", WORD, OTHER]
    assert "holds 01-small.ipynb, box/word.json, box/word.safetensors. Hand in" in capsys.readouterr().out
    (desk / WORD).unlink()
    assert held(pack(LAB, desk)) == [f"{LAB}.ipynb", OTHER]
    assert f"{WORD} is not there: the question" in capsys.readouterr().out
    assert sorted(p.name for p in desk.iterdir()) == [f"{LAB}.ipynb", f"{LAB}.zip", "box", "other.ipynb"]


def test_what_is_refused_leaves_the_older_one(desk: Path) -> None:
    before = pack(LAB, desk).read_bytes()
    (desk / WORD).unlink()
    (desk / WORD).symlink_to("/etc/passwd")
    with pytest.raises(CourseError, match=r"Nothing was packed: box/word\.json is a link"):
        pack(LAB, desk)
    assert (desk / f"{LAB}.zip").read_bytes() == before
    with pytest.raises(CourseError, match="no notebook"):
        pack("02-other", desk)


def test_in_a_notebook(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    servelab.pack(LAB)
    assert held(desk / f"{LAB}.zip") == [f"{LAB}.ipynb", WORD, OTHER]


def test_on_colab(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colab's kernel has no file of the notebook; the browser gives it, in the format that Colab saves."""
    told = nbformat.read(desk / f"{LAB}.ipynb", as_version=4)
    (desk / f"{LAB}.ipynb").unlink()
    for cell in told.cells:
        cell.metadata["id"] = cell.pop("id")
    told.nbformat_minor = 0
    downloads: list[str] = []
    message = types.SimpleNamespace(blocking_request=lambda *_, **__: {"ipynb": dict(told)})
    colab = types.ModuleType("google.colab")
    colab._message, colab.files = message, types.SimpleNamespace(download=downloads.append)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.chdir(desk)
    servelab.pack(LAB)
    assert downloads == [str(desk / f"{LAB}.zip")]
    assert held(desk / f"{LAB}.zip") == [f"{LAB}.ipynb", WORD, OTHER]
    message.blocking_request = lambda *_, **__: None
    with pytest.raises(CourseError, match="Colab did not give the notebook"):
        servelab.pack(LAB)


@pytest.fixture
def button(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the last cell of a lab as on Colab; the button that it shows."""
    import IPython.display

    def run() -> Any:
        shown: list[Any] = []
        monkeypatch.setattr(IPython.display, "display", lambda *things: shown.extend(things))
        monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-test")
        servelab.hand_in(LAB)
        return shown[0]

    return run


def test_the_last_cell_offers_the_download_on_colab(
    desk: Path, button: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads((desk / f"{LAB}.ipynb").read_text())
    downloads: list[str] = []
    colab = types.ModuleType("google.colab")
    colab._message = types.SimpleNamespace(blocking_request=lambda *_, **__: {"ipynb": told})  # type: ignore[attr-defined]
    colab.files = types.SimpleNamespace(download=downloads.append)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.chdir(desk)
    pressed = button()
    assert pressed.description == "Download for submission" and downloads == []  # nothing begins by itself
    assert f'servelab.pack("{LAB}")' in capsys.readouterr().out
    pressed.click()
    assert downloads == [str(desk / f"{LAB}.zip")]
    colab._message.blocking_request = lambda *_, **__: None  # type: ignore[attr-defined]
    pressed.click()
    assert len(downloads) == 1  # and the reason is printed below the button, in one line


def test_the_last_cell_says_how_to_hand_in_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    servelab.hand_in("01-small")
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "Nbgrader > Assignment List" in said and "`servelab pack 01`" in said
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    servelab.hand_in("01-small")
    assert capsys.readouterr().out == ""


def test_the_command(desk: Path, small_course: Path) -> None:
    (small_course / "work").mkdir()
    desk.rename(small_course / "work" / LAB)
    done = command("pack", "1", SERVELAB_ROOT=str(small_course))
    assert done.returncode == 0 and "Hand in this one file" in done.stdout
    assert held(small_course / "work" / LAB / f"{LAB}.zip")[1:] == [WORD, OTHER]


@pytest.mark.slow
def test_zip_collect_puts_it_back(desk: Path, small_course: Path, tmp_path: Path) -> None:
    """By the archive's name, as a learning platform gives archives out."""
    path = small_course / "solutions" / LAB / f"{LAB}.ipynb"
    nbformat.write(asking(nbformat.read(path, 4)), path)
    room = Classroom(tmp_path / "class", small_course, [LAB])
    room.nbgrader("generate_assignment", LAB, "--force")
    downloaded = room.folder / "downloaded" / LAB / "archive"
    downloaded.mkdir(parents=True)
    pack(LAB, desk).rename(downloaded / f"ada_{LAB}.zip")
    (desk / WORD).write_bytes(b"wren")
    pack(LAB, desk).rename(downloaded / f"bob_{LAB}.zip")
    with zipfile.ZipFile(downloaded / f"eve_{LAB}.zip", "w") as archive:  # she would like to be Ada
        archive.writestr(f"extracted/ada_{LAB}/{LAB}.ipynb", b"{}")
    readme = (Path(__file__).parents[2] / "environment/servelab/grading/README.md").read_text()
    (pattern,) = re.findall(r"--FileNameCollectorPlugin\.named_regexp='(.*?)'", readme)
    room.nbgrader("zip_collect", LAB, f"--FileNameCollectorPlugin.named_regexp={pattern}")
    submitted = room.submitted(LAB, "ada").parent
    assert {name: (submitted / name).read_bytes() for name in RIGHT} == RIGHT
    from servelab.course.building import load_config

    assert grade_all(load_config(Path(__file__).parents[2], room.folder), LAB).failed == {}
    assert room.points(LAB, "ada")["mean-check-2"][0] == 2
    assert room.points(LAB, "bob")["mean-check-2"][0] == 0
