"""Where a class keeps what it knows, in the course's `gradebook/class/`, and who is in it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from pydantic import BaseModel, ValidationError

from servelab import paths
from servelab.errors import CourseError

INSTRUCTOR = "instructor"


class Person(BaseModel):
    """A student of the class: who they are, and the account under which their server runs."""

    login: str
    account: str
    uid: int
    gid: int
    lms_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    #: A salted hash; see `servelab.hub.passwords`.
    password: str = ""


class People(BaseModel):
    """Everybody who can log in."""

    #: The instructor's password, hashed, and the account to whom the course belongs.
    instructor_password: str = ""
    instructor_uid: int = 0
    instructor_gid: int = 0
    students: dict[str, Person] = {}


class Folder:
    """The files of a class. Only root and the instructor can look into it; students are shown single parts."""

    def __init__(self, course: Path | None = None) -> None:
        self.course = course or paths.course_root()
        office = os.environ.get("SERVELAB_GRADEBOOK")
        self.office = Path(office).resolve() if office else self.course / "gradebook"
        self.root = self.office / "class"

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange, as `nbgrader_config.py` sets it."""
        named = os.environ.get("SERVELAB_EXCHANGE")
        return Path(named).resolve() if named else self.office / "exchange"

    @property
    def release(self) -> Path:
        """The course as students see it."""
        return self.root / "release"

    @property
    def hub(self) -> Path:
        """What the Hub keeps: its database, its log, and where it runs now."""
        return self.root / "hub"

    @property
    def passwords(self) -> Path:
        """Initial passwords, to be handed out."""
        return self.root / "passwords.csv"

    @property
    def log(self) -> Path:
        """What the Hub, its proxy and the students' servers say."""
        return self.hub / "hub.log"

    # The folder above these two is root's: a student must not be able to put a link in their place.
    def home(self, login: str) -> Path:
        """A student's home folder."""
        return self.root / "students" / login / "home"

    def work(self, login: str) -> Path:
        """A student's copies of the labs."""
        return self.root / "students" / login / "work"

    def names(self, login: str) -> Path:
        """The folder with the `passwd` and `group` that a student is shown."""
        return self.root / "students" / login / "names"

    @property
    def _people(self) -> Path:
        return self.root / "people.json"

    @property
    def exists(self) -> bool:
        """Whether a class was made here."""
        return self._people.is_file()

    def load(self) -> People:
        """Who is in the class.

        Raises:
            CourseError: there is no class here, or its file cannot be read.
        """
        try:
            return People.model_validate_json(self._people.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CourseError(
                f"There is no class in {self.course} yet: make one with `servelab class init ROSTER.csv`."
            ) from None
        except PermissionError:
            raise CourseError("The class belongs to root: run the command with sudo.") from None
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise CourseError(
                f"{self._people} cannot be read ({reason}): bring it back from a backup."
            ) from None

    def save(self, people: People) -> None:
        """Write who is in the class, whole or not at all."""
        write_private(self._people, people.model_dump_json(indent=1) + "\n")

    def running(self) -> dict[str, object] | None:
        """What the running Hub wrote about itself; None when there is no file. It may be stale."""
        try:
            return json.loads((self.hub / "running.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it appears at once and whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
