"""What students handed in on a learning platform: one ZIP of all submissions, told apart by the names that Canvas and Moodle give."""

from __future__ import annotations

import datetime
import logging
import os
import re
import shutil
import tempfile
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

from nbgrader.utils import parse_utc
from pydantic import BaseModel

from servelab.errors import CourseError
from servelab.grading.collecting import Budget, CarefulExtractor, Refused, below
from servelab.grading.handed_in import asked_for
from servelab.grading.repair import read_notebook
from servelab.hub.classroom import opened_gradebook
from servelab.hub.people import Folder

#: A class, with what its labs ask for beside notebooks.
MOST_FILES, MOST_BYTES = 20_000, 5_000_000_000
# lovelaceada_LATE_1234_56789_01-naive-serving-1.ipynb: who, late or not, the person's number, the file's, its name.
_CANVAS = re.compile(r"(?P<who>[^_/]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<rest>.+)")
# Ada Lovelace_1234_assignsubmission_file_/01-naive-serving.ipynb: who, a number that means nothing elsewhere, the file's name.
_MOODLE = re.compile(r"(?P<who>[^_/]+)_\d+_assignsubmission_file_?/?(?P<rest>.+)")


class Who(BaseModel):
    """A student, by all that a file's name may call them."""

    login: str
    lms_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""


class Taken(BaseModel):
    """What came of a download."""

    lab: str
    students: list[str] = []
    #: Files of which nobody knows whose they are.
    unknown: list[str] = []
    #: What was refused, and why.
    refused: list[str] = []

    def lines(self) -> list[str]:
        """What to say about it."""
        said = [
            f"{self.lab}: submissions of {len(self.students)} students: {', '.join(self.students) or 'none'}."
        ]
        said += [f"  whose is this? {name}" for name in self.unknown]
        return said + [f"  not taken: {what}" for what in self.refused]


def take(folder: Folder, lab: str, download: Path) -> Taken:
    """Put everybody's files where nbgrader's collecting would put them.

    Args:
        folder: the class, or a course without one: the roster is the gradebook's.
        lab: the lab's full name.
        download: the platform's ZIP, or a folder into which it was unpacked. A file's name begins with the student's login, or is
            what Canvas or Moodle made of it. The student's own file is the notebook, or the ZIP of `servelab pack`.

    Raises:
        CourseError: it cannot be read, or holds nothing of the class.
    """
    people = _people(folder)
    source = folder.course / "solutions" / lab / f"{lab}.ipynb"
    if not source.is_file():
        raise CourseError(f"{source} does not exist: only the course's own folder can collect.")
    wanted = [f"{lab}.ipynb", *asked_for(read_notebook(source))]
    result = Taken(lab=lab)
    with tempfile.TemporaryDirectory(prefix="servelab-download-") as name:
        unpacked = Path(name) / "all"
        _unpack(download, unpacked, result)
        found: dict[str, dict[str, Path]] = {}
        times: dict[str, float] = {}
        for file in sorted(p for p in unpacked.rglob("*") if p.is_file() and not p.is_symlink()):
            inside = file.relative_to(unpacked).as_posix()
            if _is_noise(inside):
                continue
            login, rest = whose(inside, people)
            if login is None:
                result.unknown.append(inside)
                continue
            place = _place(rest, lab, wanted)
            if place is None:
                result.refused.append(f"{inside}: {lab} asks for {', '.join(wanted)}")
                continue
            mine = found.setdefault(login, {})
            if place not in mine or file.stat().st_mtime >= mine[place].stat().st_mtime:
                mine[place] = file
            times[login] = max(times.get(login, 0.0), file.stat().st_mtime)
        for login, files in sorted(found.items()):
            if f"{lab}.ipynb" not in files:
                result.refused.append(f"{login}: no notebook among the files")
                continue
            if newer := _newer(folder, lab, login, times[login]):
                result.refused.append(f"{login}: what was handed in on {newer} is newer, and stays")
                continue
            _put(folder, lab, login, files, times[login])
            result.students.append(login)
    if not result.students and not result.unknown and not result.refused:
        raise CourseError(f"{download} holds no submissions.")
    return result


def whose(name: str, people: list[Who]) -> tuple[str | None, str]:
    """Whose file this is by its name, and what the student called it. None: nobody knows, or it could be two people's."""
    for pattern in (_MOODLE, _CANVAS):
        for start in (name, PurePosixPath(name).name):
            if found := pattern.fullmatch(start):
                number = found.groupdict().get("id")
                by_number = [p.login for p in people if number and p.lms_id == number]
                by_name = [p.login for p in people if _flat(found["who"]) in _names(p)]
                hits = by_number or by_name
                if hits:
                    return (hits[0] if len(set(hits)) == 1 else None), found["rest"]
    parts = PurePosixPath(name).parts
    for person in sorted(people, key=lambda p: -len(p.login)):
        for index, part in enumerate(parts):
            if part.lower() == person.login and index < len(parts) - 1:
                return person.login, "/".join(parts[index + 1 :])
            rest = part[len(person.login) :]
            if part.lower().startswith(person.login) and rest[:1] in ("_", "-", " "):
                return person.login, "/".join([rest[1:], *parts[index + 1 :]])
    return None, name


def _names(person: Who) -> set[str]:
    """What a platform may have made of a name: Canvas writes lovelaceada, Moodle Ada Lovelace."""
    first, last = person.first_name, person.last_name
    return {_flat(text) for text in (person.login, f"{last}{first}", f"{first}{last}") if _flat(text)}


def _flat(text: str) -> str:
    """Lower case letters and digits, without accents."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower()) or re.sub(r"\W", "", text.lower())


def _place(rest: str, lab: str, wanted: list[str]) -> str | None:
    """Where in the submission a file goes: by its name, whatever number a platform or a browser added to a second upload."""
    parts = PurePosixPath(rest).parts
    for name in wanted:
        tail = PurePosixPath(name).parts
        if parts[-len(tail) :] == tail:
            return name
    last = PurePosixPath(rest)
    if last.suffix == ".ipynb" and re.fullmatch(rf"{re.escape(lab)}(?:[-_ ]?\(?\d+\)?)?", last.stem):
        return f"{lab}.ipynb"
    flat = [name for name in wanted if PurePosixPath(name).name == last.name]
    return flat[0] if len(flat) == 1 else None


def _is_noise(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts) or parts[-1] in ("Thumbs.db",)
    )


def _people(folder: Folder) -> list[Who]:
    with opened_gradebook(folder) as gradebook:
        found = [
            Who(
                login=s.id.lower(),
                lms_id=s.lms_user_id or "",
                first_name=s.first_name or "",
                last_name=s.last_name or "",
                email=s.email or "",
            )
            for s in gradebook.students
        ]
    if not found:
        raise CourseError(
            "The gradebook holds nobody: `servelab class init ROSTER.csv`, or `nbgrader db student import ROSTER.csv`, first."
        )
    return found


def _unpack(download: Path, target: Path, result: Taken) -> None:
    """The download's files; of the students' own archives one level, each within the limits of a submission."""
    outer = target.with_name("outer")
    if download.is_dir():
        shutil.copytree(download, outer, symlinks=True)
    elif zipfile.is_zipfile(download):
        outer.mkdir()
        _unzip(download, outer)
    else:
        raise CourseError(f"{download} is no ZIP file, and no folder: download all submissions as one ZIP.")
    target.mkdir()
    extractor = CarefulExtractor()
    extractor.log = _Noting(result.refused)
    extractor.most_files, extractor.most_bytes = 200, 50_000_000
    extractor.extract(str(outer), str(target))
    for place in outer.rglob("*"):  # a copy has a new time; when it was handed in is the old one
        copied = target / place.relative_to(outer)
        if place.is_file() and copied.is_file():
            shutil.copystat(place, copied, follow_symlinks=False)
    for archive in outer.rglob("*.zip"):
        for file in (target / archive.relative_to(outer)).with_suffix("").rglob("*"):
            shutil.copystat(archive, file, follow_symlinks=False)


def _unzip(download: Path, target: Path) -> None:
    budget = Budget(MOST_FILES, MOST_BYTES)
    try:
        with zipfile.ZipFile(download) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                place = target / below(info.filename)
                with archive.open(info) as member:
                    budget.copy(member, place)
                stamp = datetime.datetime(*info.date_time).timestamp()
                os.utime(place, (stamp, stamp))
    except Refused as error:
        raise CourseError(f"{download} was not taken: {error}.") from None
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError) as error:
        raise CourseError(f"{download} cannot be unpacked: {error}.") from None


class _Noting(logging.LoggerAdapter):
    """Keeps warnings as lines."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.getLogger("servelab.downloads"), {})
        self._lines = lines

    def warning(self, message: str, *args: object, **_: object) -> None:
        self._lines.append(message % args)


def _newer(folder: Folder, lab: str, login: str, when: float) -> str:
    """When the submission that is there was handed in, if that was later; else ""."""
    try:
        told = (
            (folder.office / "submitted" / login / lab / "timestamp.txt").read_text(encoding="utf-8").strip()
        )
        there = parse_utc(told).replace(tzinfo=datetime.UTC).timestamp()
    except (OSError, ValueError):
        return ""
    return told if there > when else ""


def _put(folder: Folder, lab: str, login: str, files: dict[str, Path], when: float) -> None:
    place = folder.office / "submitted" / login / lab
    shutil.rmtree(place, ignore_errors=True)
    for name, file in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    # In nbgrader's form, and in its time zone.
    stamp = datetime.datetime.fromtimestamp(when, datetime.UTC)
    (place / "timestamp.txt").write_text(f"{stamp:%Y-%m-%d %H:%M:%S.%f} UTC")
