"""Collecting: whatever lies in the inbox or in a downloaded archive, honest submissions arrive and nothing else does."""

from __future__ import annotations

import io
import os
import pwd
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from cells import LAB, total
from servelab.grading import collecting
from servelab.grading.classroom import Classroom
from servelab.grading.collecting import CarefulExtractor
from servelab.grading.driver import Course, grade_all

STAMP = "2026-01-02 03:04:05 UTC"


@pytest.mark.slow
def test_the_inbox(room: Classroom, config: Any, answering: Any) -> None:
    full = nbformat.writes(answering())
    inbox = Path(config.Exchange.root) / "serving-llms" / "inbound"
    room.nbgrader("release_assignment", LAB)

    def submit(student: str, name: str = f"{LAB}.ipynb", text: str = full) -> Path:
        folder = inbox / f"{student}+{LAB}+{STAMP}+abc"
        folder.mkdir()
        (folder / "timestamp.txt").write_text(STAMP)
        (folder / name).write_text(text)
        return folder

    alice = submit("alice")
    (submit("mallory", "x.txt") / f"{LAB}.ipynb").symlink_to(room.folder / "solutions" / LAB / f"{LAB}.ipynb")
    (submit("trudy", "x.txt") / f"{LAB}.ipynb").symlink_to(alice / f"{LAB}.ipynb")
    os.mkfifo(submit("peggy", "x.txt") / f"{LAB}.ipynb")
    large = submit("large") / "rest.bin"
    with large.open("wb") as file:
        file.truncate(300_000_000)
    (inbox / f"linked+{LAB}+{STAMP}+abc").symlink_to(alice)
    (inbox / f"odd+{LAB}+yesterday+abc").mkdir()
    (inbox / f"+{LAB}+").mkdir()
    submit("zoe")
    said = room.nbgrader("collect", LAB)
    assert "Not collected" in said and "Traceback" not in said
    result = grade_all(config, LAB)
    assert result.failed == {}
    honest = {"alice": 9, "zoe": 9, "large": 9, "mallory": 0, "trudy": 0, "peggy": 0}
    assert {student: total(room, student) for student in honest} == honest
    assert result.submissions == len(honest)
    for student, words in {"large": "too large", "mallory": "was a link", "trudy": "was a link"}.items():
        verdict = Course(config, LAB).verdict(student)
        assert verdict is not None and any(words in note for note in verdict.notes), verdict


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def tarred(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for info, text in members:
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return content.getvalue()


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info, b""


ZEROS = bytes(60_000_000)
ARCHIVES = {
    "good.zip": zipped({"02/a.ipynb": b"{}", "b.txt": b"b"}),
    "fine.tar.gz": tarred([(tarfile.TarInfo("a.ipynb"), b"{}")]),
    "plain.ipynb": b"{}",
    "upwards.zip": zipped({"first.txt": b"", "../upwards.txt": b"x"}),
    "rooted.zip": zipped({"/tmp/rooted.txt": b"x"}),
    "backslash.zip": zipped({"..\\..\\backslash.txt": b"x"}),
    "bomb.zip": zipped({"a": ZEROS}),
    "inner-bomb.zip": zipped({"inner.zip": zipped({"a": ZEROS})}),
    "many.zip": zipped({f"f{n}": b"" for n in range(500)}),
    "bomb.tar.gz": tarred([(tarfile.TarInfo("a"), ZEROS)]),
    "upwards.tar.gz": tarred([(tarfile.TarInfo("../upwards.txt"), b"x")]),
    "links.tar.gz": tarred([link("dir", "/etc"), (tarfile.TarInfo("dir/links.txt"), b"x"), link("p", "/etc/passwd")]),
    "broken.zip": b"PK\x03\x04 and no more",
    "empty.zip": b"",
    "cut.tar.gz": tarred([(tarfile.TarInfo("a"), os.urandom(9000))])[:500],
    "a\nb.zip": b"no",
}  # fmt: skip


def test_archives(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    downloaded, extracted = tmp_path / "archive", tmp_path / "extracted"
    downloaded.mkdir()
    extracted.mkdir()
    for name, content in ARCHIVES.items():
        (downloaded / name).write_bytes(content)
    (downloaded / "link.ipynb").symlink_to("/etc/passwd")
    CarefulExtractor().extract(str(downloaded), str(extracted))
    found = sorted(str(p.relative_to(extracted)) for p in extracted.rglob("*") if p.is_file())
    assert found == [
        "fine/a.ipynb", "good/02/a.ipynb", "good/b.txt", "inner-bomb/inner.zip", "links/dir/links.txt", "plain.ipynb",
    ]  # fmt: skip
    assert not any(p.is_symlink() for p in extracted.rglob("*"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["archive", "extracted"]
    assert not Path("/tmp/rooted.txt").exists()


def test_an_archive_name_given_twice_does_not_mix_two_people(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "x.zip").write_bytes(zipped({"a": b"zip"}))
    (tmp_path / "archive" / "x.tar.gz").write_bytes(tarred([(tarfile.TarInfo("b"), b"tar")]))
    CarefulExtractor().extract(str(tmp_path / "archive"), str(tmp_path / "out"))
    assert len(list((tmp_path / "out" / "x").iterdir())) == 1


@pytest.mark.slow
def test_zip_collect_takes_this_route(room: Classroom) -> None:
    archive = room.folder / "downloaded" / LAB / "archive"
    archive.mkdir(parents=True)
    (archive / "ada.zip").write_bytes(zipped({f"ada_{LAB}.ipynb": b"{}", "../ada.ipynb": b"x"}))
    (archive / "bob.zip").write_bytes(zipped({f"bob_{LAB}.ipynb": b"{}"}))
    # By the archive's name, which the platform gave: names within an archive are the student's.
    pattern = r".*/extracted/(?P<student_id>\w+)/\w+?_(?P<file_id>.+)"
    room.nbgrader("zip_collect", LAB, f"--FileNameCollectorPlugin.named_regexp={pattern}")
    assert [p.parts[-3] for p in (room.folder / "gradebook" / "submitted").rglob("*.ipynb")] == ["bob"]


def test_only_the_students_own_account_hands_in_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with an account for each student, by the owner of the folder; elsewhere there is nothing to compare."""
    for name, gecos, uid, own in (
        ("class-ada", "servelab class ada", 4711, True),
        ("class-bob", "servelab class bob", 4711, False),
        ("class-ada-2", "servelab class ada.2", 4711, False),
        ("ada", "Ada", 4711, True),
        ("bob", "Bob", 4711, False),
        ("teacher", "A teacher", os.geteuid(), True),
    ):
        account = pwd.struct_passwd((name, "x", uid, uid, gecos, "/", "/bin/sh"))
        folder = SimpleNamespace(lstat=lambda uid=uid: SimpleNamespace(st_uid=uid))
        with monkeypatch.context() as machine:
            machine.setattr(pwd, "getpwuid", lambda _, account=account: account)
            assert collecting.handed_in_by("ada", folder) is own, gecos
