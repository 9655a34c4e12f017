"""System accounts of a class: made from the roster, written down, and only those ever removed."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess

from servelab.errors import CourseError
from servelab.grading.handed_in import CLASS_ACCOUNT

#: Every account begins with it, so none is mistaken for a person's own, and a login may be all digits.
PREFIX = "class-"
_LONGEST = 32


def require_root() -> None:
    """Raises: CourseError, without the right to make accounts and start servers under them."""
    if os.geteuid() != 0:
        raise CourseError(
            "A class needs root, to make an account for each student and to run their servers under it: run it with sudo."
        )
    for program in ("useradd", "userdel", "setpriv", "bwrap"):
        if shutil.which(program) is None:
            package = {"bwrap": "bubblewrap", "setpriv": "util-linux"}.get(program, "passwd")
            raise CourseError(
                f"A class needs {program}, which is not installed: `apt-get install {package}`."
            )


def name_for(login: str, taken: set[str]) -> str:
    """An account's name for a login: lower case letters, digits and dashes, at most 32 of them, and free."""
    stem = PREFIX + (re.sub(r"[^a-z0-9]+", "-", login.lower()).strip("-") or "student")
    for number in range(1, 1000):
        end = "" if number == 1 else f"-{number}"
        name = stem[: _LONGEST - len(end)].rstrip("-") + end
        if name not in taken and find(name) is None:
            return name
    raise CourseError(f"No account name is free for {login!r}.")


def find(name: str) -> pwd.struct_passwd | None:
    """The system's entry of an account; None where there is none."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def make(name: str, login: str, home: str) -> pwd.struct_passwd:
    """Make an account into which nobody can log in: no password, no shell, and a group of its own.

    The password file says whose it is, and that the class made it.

    Raises:
        CourseError: the system refused.
    """
    _run(
        [
            *("useradd", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin"),
            *("--user-group", "--comment", CLASS_ACCOUNT + login, name),
        ]
    )
    found = find(name)
    if found is None:
        raise CourseError(f"useradd made no account {name}.")
    return found


def made_for(login: str, home: str) -> pwd.struct_passwd | None:
    """The account that a class in this folder made for a student; None where there is none."""
    for entry in pwd.getpwall():
        if entry.pw_dir == home and entry.pw_gecos.split(",")[0] == CLASS_ACCOUNT + login:
            return entry
    return None


def is_ours(name: str, uid: int) -> bool:
    """Whether the account of this name is still the one that we made."""
    found = find(name)
    return (
        found is not None
        and name.startswith(PREFIX)
        and found.pw_uid == uid
        and found.pw_gecos.startswith(CLASS_ACCOUNT)
    )


def remove(name: str, uid: int) -> bool:
    """Remove an account that we made; whether it was there. Files are left alone.

    Raises:
        CourseError: an account of this name is there, but it is not ours; or the system refused.
    """
    if find(name) is None:
        return False
    if not is_ours(name, uid):
        raise CourseError(
            f"The account {name} is not the one that this class made: it was left alone. Remove it yourself if you know it."
        )
    _run(["userdel", name])
    return True


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CourseError(f"`{command[0]}` failed: {said}")
