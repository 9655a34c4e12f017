"""The list of a class: a CSV file as a person writes it, or as Canvas, Moodle and others export it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from pathlib import Path

from pydantic import BaseModel

from servelab.errors import CourseError

#: What may stand in a login: it becomes part of folder names, of an account, and of nbgrader's file names, which are split at "+".
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
#: The Hub's own names, and those that mean something to nbgrader or to this course.
RESERVED = frozenset({"instructor", "root", "admin"})

# Headers by meaning, the better ones first; compared in lower case without spaces, dots, dashes and underscores.
_LOGINS = (
    "login",
    "studentid",
    "sisloginid",
    "loginid",
    "username",
    "idnumber",
    "sisuserid",
    "matriculation",
)
_HEADERS = {
    "login": (*_LOGINS, "id", "emailaddress", "email"),
    # What a learning-management system calls the person in its own files.
    "lms_id": ("lmsuserid", "lmsid", "userid", "id", "idnumber"),
    "first_name": ("firstname", "givenname", "forename"),
    "last_name": ("lastname", "surname", "familyname"),
    "email": ("email", "emailaddress", "mail"),
    "name": ("student", "name", "fullname", "studentname"),
}
# Rows of an exported grade book that are no people.
_NOBODY = ("points possible", "student, test", "test student")
_ENCODINGS = ("utf-8-sig", "cp1252")


class Student(BaseModel):
    """One person of a class.

    Attributes:
        login: how they log in, and what nbgrader calls them.
        lms_id: what the learning-management system calls them; the login where it does not say.
        line: of the file they stand in.
    """

    login: str
    lms_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        """First and last name, or the login."""
        return f"{self.first_name} {self.last_name}".strip() or self.login


def read(path: Path) -> list[Student]:
    """The students of a CSV file, in its order.

    Commas, semicolons or tabs; with or without a byte-order mark; UTF-8 or Windows-1252. Headers may be those of Canvas' and
    Moodle's exports. Columns that mean nothing here are ignored.

    Raises:
        CourseError: the file cannot be read, or a line is wrong; the text names the line.
    """
    text = _text(path)
    filled = [(number, row) for number, row in _numbered(text) if any(cell.strip() for cell in row)]
    if not filled:
        raise CourseError(f"{path} is empty: it needs a line of headers (id,first_name,last_name,email).")
    columns = _columns(filled[0][1], path)
    students: list[Student] = []
    seen: dict[str, int] = {}
    for number, row in filled[1:]:
        student = _student(row, columns, number, path)
        if student is None:
            continue
        if student.login in seen:
            raise CourseError(
                f"{path}, line {number}: {student.login!r} stands in line {seen[student.login]} already."
            )
        seen[student.login] = number
        students.append(student)
    if not students:
        raise CourseError(f"{path} names nobody: below the headers there is a line for each student.")
    return students


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from None
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CourseError(f"{path} is no text: export it as CSV (UTF-8).")


def _dialect(text: str) -> type[csv.Dialect]:
    """The separator is what the line of headers has most of: names hold commas, headers do not."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    class Found(csv.excel):
        delimiter = max(",;\t", key=first.count)
        strict = False
        skipinitialspace = True

    return Found


def _numbered(text: str) -> list[tuple[int, list[str]]]:
    """Each row with the number of the line on which it ends: a quoted cell may hold line breaks."""
    reader = csv.reader(io.StringIO(text), dialect=_dialect(text))
    return [(reader.line_num, row) for row in reader]


def _plain(header: str) -> str:
    return re.sub(r"[\s._-]+", "", header.strip().strip('"').lower())


def _columns(headers: list[str], path: Path) -> dict[str, int]:
    places = {_plain(header): index for index, header in reversed(list(enumerate(headers)))}
    found = {}
    for meaning, names in _HEADERS.items():
        place = next((places[name] for name in names if name in places), None)
        if place is not None:
            found[meaning] = place
    if "login" not in found:
        raise CourseError(
            f"{path}, line 1: no column says who a student is; found are: {', '.join(h.strip() for h in headers if h.strip())}. "
            "Call one `id` (others: first_name, last_name, email)."
        )
    return found


def _student(row: list[str], columns: dict[str, int], number: int, path: Path) -> Student | None:
    def cell(meaning: str) -> str:
        place = columns.get(meaning)
        return (
            unicodedata.normalize("NFC", row[place]).strip() if place is not None and place < len(row) else ""
        )

    first, last = cell("first_name"), cell("last_name")
    name = cell("name")
    if name.lower().strip() in _NOBODY or first.lower() == "points possible":
        return None
    if name and not (first or last):
        last, _, first = (
            name.partition(",") if "," in name else (name.rpartition(" ")[2], "", name.rpartition(" ")[0])
        )
    login = cell("login").lower()
    if not login:
        raise CourseError(f"{path}, line {number}: the id is missing.")
    if not _LOGIN.fullmatch(login):
        raise CourseError(
            f"{path}, line {number}: the id {login[:80]!r} cannot be a login: it may hold letters, digits, dot, dash, underscore and @."
        )
    if login in RESERVED:
        raise CourseError(f"{path}, line {number}: {login!r} is a name of the Hub's own: give another id.")
    email = cell("email")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise CourseError(f"{path}, line {number}: {email[:80]!r} is no email address.")
    return Student(
        login=login,
        lms_id=cell("lms_id") or login,
        first_name=first.strip(),
        last_name=last.strip(),
        email=email,
        line=number,
    )
