"""Collecting what was handed in: from the exchange, or from archives that a learning platform gives out.

Both hold what students put there. nbgrader 0.9.6 follows links while it copies, stops at the first folder that it cannot read, and
unpacks archives of any size, also archives within archives. Here only files are taken, no link is followed, there is a limit to
everything, and what is refused is named while the others are collected.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import os
import pwd
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.plugins import ExtractorPlugin
from traitlets import Integer

from servelab.errors import CourseError
from servelab.grading.handed_in import CLASS_ACCOUNT, NOT_COLLECTED, asked_for
from servelab.grading.repair import read_notebook

#: What one submission may bring; nothing a person writes for a lab comes near.
MOST_FILES, MOST_BYTES = 200, 50_000_000
_CHUNK = 1 << 20
_NEVER = datetime.datetime(1, 1, 1)
#: So long a submission may take on its way.
_SLOW = datetime.timedelta(minutes=10)


class Refused(CourseError):
    """What was handed in is not taken, and why."""


class Budget:
    """What a submission may still bring."""

    def __init__(self, files: int, size: int) -> None:
        self.files, self.size = files, size

    def copy(self, source: IO[bytes], target: Path) -> None:
        """Write a file as far as the budget goes, whatever its header promised.

        Raises:
            Refused: it is too much.
        """
        self.files -= 1
        if self.files < 0:
            raise Refused("it has too many files")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                self.size -= len(chunk)
                if self.size < 0:
                    target.unlink()
                    raise Refused("it is too large")
                file.write(chunk)


class CarefulCollect(ExchangeCollect):
    """nbgrader's `collect`, for an inbox into which anyone can put anything."""

    most_files = Integer(MOST_FILES, help="Files of one submission.").tag(config=True)
    most_bytes = Integer(MOST_BYTES, help="Bytes of one submission.").tag(config=True)

    def _path_to_record(self, path: str) -> dict[str, Any]:
        """As nbgrader's; a name that is none of its own counts as nobody's, and so does a folder that is another student's."""
        nobody = {"username": "", "filename": Path(path).name, "timestamp": _NEVER}
        try:
            record = super()._path_to_record(path)
        except (Exception, SystemExit):  # nbgrader ends the command with `fail`
            return nobody
        # nbgrader only warns, and then takes it for the named student's latest.
        return record if not self.check_owner or handed_in_by(record["username"], Path(path)) else nobody

    def copy_files(self) -> None:
        """As nbgrader's; owners were compared when the submissions were found, and not by the names of accounts alone."""
        self.check_owner = False
        super().copy_files()

    def init_src(self) -> None:
        """Find the submissions: folders with a name that nbgrader gives."""
        super().init_src()
        records, self.src_records = self.src_records, []
        for record in records:
            place = Path(self.inbound_path) / record["filename"]
            if record["username"] and place.is_dir() and not place.is_symlink():
                self.src_records.append(record)
            else:
                self.log.warning(
                    "Not collected: %s is no submission, or not of the student whom it names",
                    plain(record["filename"]),
                )

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy the files of a submission: first what is graded, then the others, as far as there is room.

        What is refused is logged, and a note on it lies in the folder for the feedback.
        """
        Path(dest).mkdir(parents=True, exist_ok=True)
        self._compare_times(Path(src))
        budget = Budget(self.most_files, self.most_bytes)
        graded = graded_files(self.coursedir)
        refused = [f"{name} was a link: it was not taken." for name in graded if _is_linked(Path(src), name)]
        for first in (True, False):
            try:
                for name, file in _files(src):
                    with file:
                        if (name in graded) == first and name != NOT_COLLECTED:
                            budget.copy(file, Path(dest) / name)
            except (Refused, OSError) as error:
                what = "What you handed in" if first else "Something beside your notebook"
                refused.append(f"{what} was not taken as a whole: {error}.")
        if refused:
            self.log.warning("Not collected: %s: %s", plain(Path(src).name), " ".join(refused))
            note_refusals(Path(dest), refused)

    def _compare_times(self, folder: Path) -> None:
        """The time of a submission is what the student's own program wrote; when its folder was last changed, the system knows."""
        claimed = self._path_to_record(str(folder))["timestamp"].replace(tzinfo=datetime.UTC)
        found = datetime.datetime.fromtimestamp(folder.lstat().st_ctime, datetime.UTC)
        if found - claimed > _SLOW:
            self.log.warning(
                "%s says that it was handed in at %s, but it was put there, or changed, at %s (UTC)",
                plain(folder.name),
                claimed.strftime("%Y-%m-%d %H:%M"),
                found.strftime("%Y-%m-%d %H:%M"),
            )


def graded_files(coursedir: CourseDirectory) -> list[str]:
    """The files of a submission that grading looks at: the notebook, nbgrader's labels, and what the lab asks for."""
    name = coursedir.assignment_id
    source = coursedir.format_path(coursedir.source_directory, ".", name)
    notebook = Path(source) / f"{name}.ipynb"
    asked = asked_for(read_notebook(notebook)) if notebook.is_file() else ()
    return [f"{name}.ipynb", "timestamp.txt", "submission_secret.txt", *asked]


def note_refusals(folder: Path, refused: list[str]) -> None:
    """Leave a note for the feedback in a collected submission's folder."""
    (folder / NOT_COLLECTED).write_text("\n".join(refused) + "\n", encoding="utf-8")


def handed_in_by(student: str, folder: Path) -> bool:
    """Whether a submission can be this student's: by the owner of its folder, which nobody but root can choose freely.

    On a machine without an account for each student everything belongs to the person who collects, or nobody knows to whom:
    then there is nothing to compare.
    """
    try:
        owner = folder.lstat().st_uid
        account = pwd.getpwuid(owner)
    except (OSError, KeyError):
        return True
    if account.pw_gecos.startswith(CLASS_ACCOUNT):
        return account.pw_gecos.split(",")[0] == CLASS_ACCOUNT + student
    return owner == os.geteuid() or account.pw_name == student


def _is_linked(folder: Path, name: str) -> bool:
    """Whether this file, or a folder on the way to it, is a link."""
    path = PurePosixPath(name)
    return any((folder / part).is_symlink() for part in (path, *path.parents) if part.name)


def _files(folder: str | Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files below a folder, open. Each is opened by its folder's descriptor, so a link put there meanwhile is not followed."""
    for place, _, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        for name in sorted(names):
            with contextlib.suppress(OSError):  # a link, or gone
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
                if stat.S_ISREG(os.fstat(opened).st_mode):
                    yield os.path.relpath(Path(place) / name, folder), os.fdopen(opened, "rb")
                else:
                    os.close(opened)


class CarefulExtractor(ExtractorPlugin):
    """nbgrader's unpacking for `zip_collect`: each archive into a folder of its own, one level deep."""

    most_files = Integer(MOST_FILES, help="Files of one archive.").tag(config=True)
    most_bytes = Integer(MOST_BYTES, help="Bytes of one archive's files.").tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack or copy everything that was downloaded; an archive that is refused leaves nothing."""
        for name, file in _files(archive_path):
            target = Path(extracted_path) / name
            with file:
                try:
                    self._take(file, target)
                except Exception as error:  # an archive can be wrong in any way
                    self.log.warning("Not extracted: %s: %s", plain(name), plain(str(error)))

    def _take(self, file: IO[bytes], target: Path) -> None:
        budget = Budget(self.most_files, self.most_bytes)
        kind = "".join(target.suffixes[-2:]) if target.suffix == ".gz" else target.suffix
        members = {".zip": _zipped, ".tar.gz": _tarred}.get(kind)
        if members is None:
            return budget.copy(file, target)
        folder = target.with_name(target.name.removesuffix(kind))
        if folder.exists():
            raise Refused("there is another archive of this name")
        try:
            for name, member in members(file):
                with member:
                    budget.copy(member, folder / below(name))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _zipped(file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, archive.open(info)


class _Counted:
    """A decompressed stream that ends in a refusal: tarfile reads a header as large as it says into memory."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.left = stream, most

    def read(self, size: int) -> bytes:
        content = self.stream.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise Refused("it is too large")
        return content


def _tarred(file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    stream = _Counted(gzip.GzipFile(fileobj=file), 2 * MOST_BYTES)
    with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
        for info in archive:
            content = archive.extractfile(info) if info.isreg() else None
            if content is not None:
                yield info.name, content


def below(name: str) -> PurePosixPath:
    """A member's name, if it stays where it is put.

    Raises:
        Refused: it does not.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise Refused(f"it holds {plain(name)!r}, which leads out of its folder")
    return path


def plain(name: str) -> str:
    """A name for a log: no line breaks or escapes, and not long."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]


def configure(config: Any) -> None:
    """Put this into an nbgrader configuration. Called by `nbgrader_config.py`."""
    config.ExchangeFactory.collect = CarefulCollect
    config.ZipCollectApp.extractor_plugin = CarefulExtractor
    # What a lab may ask for beside its notebook (`hands_in`).
    config.FileNameCollectorPlugin.valid_ext = [".ipynb", ".json", ".safetensors"]
