"""Making a class from its roster, and taking it apart again."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

from servelab.errors import CourseError
from servelab.hub import accounts, limits, passwords
from servelab.hub.people import INSTRUCTOR, Folder, People, Person, write_private
from servelab.hub.roster import Student
from servelab.progress import bar


class Enrolled(BaseModel):
    """What `servelab class init` did."""

    new: list[str] = []
    known: list[str] = []
    #: In the class, but not on this roster any more.
    missing: list[str] = []


def enrol(folder: Folder, students: Iterable[Student]) -> Enrolled:
    """Make the class, or bring it up to a newer roster: accounts, homes, exchange, gradebook, initial passwords.

    A second call adds who is new, updates names, and removes nobody. One that is cut off can be repeated.

    Raises:
        CourseError: without root, or the system or the gradebook refuses.
    """
    accounts.require_root()
    owner = folder.course.stat()
    _make_folders(folder, owner.st_uid, owner.st_gid)
    people = folder.load() if folder.exists else People()
    people.instructor_uid, people.instructor_gid = owner.st_uid, owner.st_gid
    result = Enrolled()
    if not people.instructor_password:
        password = passwords.new_password()
        people.instructor_password = passwords.hashed(password)
        _hand_out(folder, people, {INSTRUCTOR: password})
        folder.save(people)
    wanted = list(students)
    for student in bar(wanted, desc="Accounts", unit="student"):
        known = people.students.get(student.login)
        if known is None:
            password = passwords.new_password()
            person = _add(folder, people, student)
            person.password = passwords.hashed(password)
            result.new.append(student.login)
        else:
            person = _again(folder, known)
            result.known.append(student.login)
        people.students[student.login] = person.model_copy(
            update=student.model_dump(include={"first_name", "last_name", "email", "lms_id"})
        )
        _make_home(folder, people.students[student.login])
        if known is None:
            _hand_out(folder, people, {student.login: password})
        folder.save(
            people
        )  # one by one, after the password can be read: cut off anywhere, it can be repeated
    result.missing = sorted(set(people.students) - {s.login for s in wanted})
    _tell_gradebook(folder, people)
    return result


def new_password(folder: Folder, login: str) -> str:
    """Give somebody a new password, and put it into `passwords.csv`.

    Raises:
        CourseError: nobody of that name is in the class.
    """
    accounts.require_root()
    people = folder.load()
    password = passwords.new_password()
    if login == INSTRUCTOR:
        people.instructor_password = passwords.hashed(password)
    else:
        person_of(people, login).password = passwords.hashed(password)
    folder.save(people)
    _hand_out(folder, people, {login: password})
    return password


def person_of(people: People, login: str) -> Person:
    """A student by login.

    Raises:
        CourseError: nobody of that name is in the class.
    """
    if login.lower() not in people.students:
        raise CourseError(
            f"Nobody in the class is called {login!r}: `servelab class status` lists everybody."
        )
    return people.students[login.lower()]


def remove(folder: Folder, logins: Iterable[str] | None = None, *, files: bool = False) -> list[str]:
    """Take students out of the class: their accounts, not their grades.

    Args:
        folder: the class.
        logins: who; everybody by default.
        files: delete what they worked on, too. Otherwise it stays, and belongs to the instructor from then on.

    Returns:
        The logins of those who were removed.

    Raises:
        CourseError: without root; an unknown login; or an account is not the one that we made.
    """
    accounts.require_root()
    people = folder.load()
    chosen = (
        [person_of(people, login).login for login in logins] if logins is not None else list(people.students)
    )
    problems, gone = [], []
    for login in chosen:
        person = people.students[login]
        try:
            accounts.remove(person.account, person.uid)
        except CourseError as error:
            problems.append(str(error))
            continue
        place = folder.home(login).parent
        if files:
            shutil.rmtree(place, ignore_errors=True)
        elif place.is_dir():
            _give(place, people.instructor_uid, people.instructor_gid)
        del people.students[login]
        folder.save(people)
        gone.append(login)
    limits.sweep()
    if problems:
        done = f"Removed: {', '.join(gone)}. " if gone else ""
        raise CourseError(done + " ".join(problems))
    if logins is None and files:
        shutil.rmtree(folder.root)
    return gone


# -- folders and accounts


def _make_folders(folder: Folder, uid: int, gid: int) -> None:
    """The class's own folders, and nbgrader's exchange with the permissions that nbgrader would give it, and stickiness."""
    from servelab.course.building import load_config

    shared = folder.exchange / load_config(folder.course).CourseDirectory.course_id
    modes = {
        folder.office: 0o700,
        folder.root: 0o700,
        folder.hub: 0o700,
        folder.root / "students": 0o711,
        # Sticky: in a folder where all may write, nobody may rename or delete what is another's.
        folder.exchange: 0o1777,
        shared: 0o755,
        shared / "outbound": 0o755,
        shared / "inbound": 0o3733,
        shared / "feedback": 0o711,
    }
    for place, mode in modes.items():
        place.mkdir(parents=True, exist_ok=True)
        os.chown(place, uid, gid)
        place.chmod(mode)


def _add(folder: Folder, people: People, student: Student) -> Person:
    home = str(folder.home(student.login))
    # Made by a call that was cut off before it could write it down.
    entry = accounts.made_for(student.login, home)
    if entry is None:
        taken = {person.account for person in people.students.values()}
        entry = accounts.make(accounts.name_for(student.login, taken), student.login, home)
    return Person(login=student.login, account=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _again(folder: Folder, person: Person) -> Person:
    """Somebody who is in the class already; on a new machine, from a backup, the account is made again."""
    if accounts.is_ours(person.account, person.uid):
        return person
    if accounts.find(person.account) is not None:
        raise CourseError(
            f"The account {person.account} is not the one that this class made: rename or remove it."
        )
    entry = accounts.make(person.account, person.login, str(folder.home(person.login)))
    moved = person.model_copy(update={"uid": entry.pw_uid, "gid": entry.pw_gid})
    for place in (folder.home(person.login), folder.work(person.login)):
        if place.is_dir():
            _give(place, moved.uid, moved.gid)
    return moved


def _make_home(folder: Folder, person: Person) -> None:
    above = folder.home(person.login).parent
    above.mkdir(exist_ok=True)
    above.chmod(0o711)
    for place in (folder.home(person.login), folder.work(person.login)):
        if not place.is_dir():
            place.mkdir()
            place.chmod(0o700)
            os.chown(place, person.uid, person.gid)
    names = folder.names(person.login)
    names.mkdir(exist_ok=True)
    home = f"/home/{person.login}"
    nobody = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    lines = f"root:x:0:0:root:/root:/usr/sbin/nologin\n{nobody}{person.login}:x:{person.uid}:{person.gid}::{home}:/bin/bash\n"
    (names / "passwd").write_text(lines)
    (names / "group").write_text(f"root:x:0:\nnogroup:x:65534:\n{person.login}:x:{person.gid}:\n")
    for place in (names, *names.iterdir()):
        place.chmod(0o755 if place.is_dir() else 0o644)


def _give(place: Path, uid: int, gid: int) -> None:
    """Change the owner of a folder and all in it; of a link, not of what it leads to."""
    os.chown(place, uid, gid)
    for _, folders, files, descriptor in os.fwalk(place, follow_symlinks=False):
        for name in [*folders, *files]:
            with contextlib.suppress(OSError):
                os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)


# -- gradebook and passwords


@contextlib.contextmanager
def opened_gradebook(folder: Folder) -> Iterator[object]:
    """The course's gradebook, made if there is none. Its file stays the instructor's, whoever opens it.

    Raises:
        CourseError: it cannot be opened.
    """
    from nbgrader.api import Gradebook
    from nbgrader.coursedir import CourseDirectory
    from sqlalchemy.exc import SQLAlchemyError

    from servelab.course.building import load_config

    directory = CourseDirectory(config=load_config(folder.course))
    try:
        with Gradebook(directory.db_url, directory.course_id) as gradebook:
            yield gradebook
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise CourseError(f"The gradebook cannot be used: {reason}") from None
    finally:
        _to_owner(folder)


def _to_owner(folder: Folder) -> None:
    """What root has just made in the office belongs to the instructor, who goes on without root."""
    if os.geteuid() != 0:
        return
    owner = folder.course.stat()
    for place in (folder.office / "gradebook.db", folder.course / "work"):
        if place.exists() and not place.is_symlink():
            os.chown(place, owner.st_uid, owner.st_gid)


def _tell_gradebook(folder: Folder, people: People) -> None:
    print("Entering them into the gradebook (the first time, this makes it) ...", flush=True)
    with opened_gradebook(folder) as gradebook:
        for person in people.students.values():
            gradebook.update_or_create_student(
                person.login,
                first_name=person.first_name or None,
                last_name=person.last_name or None,
                email=person.email or None,
                lms_user_id=person.lms_id or None,
            )


def _hand_out(folder: Folder, people: People, fresh: dict[str, str]) -> None:
    """Add passwords to the file from which they are handed out; who had one there before keeps the row until then."""
    rows: dict[str, dict[str, str]] = {}
    if folder.passwords.is_file():
        with folder.passwords.open(encoding="utf-8", newline="") as file:
            rows = {row["login"]: row for row in csv.DictReader(file)}
    for login, password in fresh.items():
        person = people.students.get(login)
        name = person and f"{person.first_name} {person.last_name}".strip()
        email = person.email if person else ""
        rows[login] = {"login": login, "password": password, "name": safe(name or ""), "email": safe(email)}
    text = io.StringIO()
    writer = csv.DictWriter(
        text, ["login", "password", "name", "email"], extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows.values())
    write_private(folder.passwords, text.getvalue())
    os.chown(folder.passwords, people.instructor_uid, people.instructor_gid)


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
