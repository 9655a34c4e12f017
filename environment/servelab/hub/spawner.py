"""The Hub's two hinges: who may log in, and how a server is started."""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Any as AnyTrait
from traitlets import Integer, Unicode

from servelab.errors import CourseError
from servelab.hub import box, passwords
from servelab.hub.limits import Group, Limits
from servelab.hub.people import INSTRUCTOR, Folder, People

#: After a wrong password, so that nobody tries thousands.
_WAIT_S = 1.0
_NO_SUCH_PERSON = passwords.hashed("nobody has this one")
#: Of the instructor's own environment, what students' programs need to know as well.
_PASSED_ON = ("SERVELAB_PROFILE", "SERVELAB_HUB", "QDRANT_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "TZ")
_SERVER = [sys.executable, "-m", "jupyterhub.singleuser"]
#: JupyterLab shows Formgrader in a frame of its own page, which the Hub forbids by default. A student's server has no Formgrader.
_FRAMES = {"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}


class ClassAuthenticator(Authenticator):
    """People of the class, with the passwords that the class keeps. It is read anew each time: a roster may grow meanwhile."""

    course = Unicode(help="The course's folder.").tag(config=True)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The login, if the password is right. An email address of the roster does as a login, too."""
        people = Folder(Path(self.course)).load()
        login = _login_of(data["username"].strip().lower(), people)
        kept = _NO_SUCH_PERSON
        if login == INSTRUCTOR:
            kept = people.instructor_password
        elif login in people.students:
            kept = people.students[login].password
        if await asyncio.to_thread(passwords.matches, data["password"].strip(), kept):
            return login
        await asyncio.sleep(_WAIT_S)
        return None

    def check_allowed(self, username: str, authentication: Any = None) -> bool:
        """Everybody of the class, and nobody else; also when they come back with a cookie."""
        return username == INSTRUCTOR or username in Folder(Path(self.course)).load().students

    def is_admin(self, handler: Any, authentication: dict[str, Any]) -> bool:
        """The instructor may stop servers in the Hub's own panel."""
        return authentication["name"] == INSTRUCTOR


def _login_of(text: str, people: People) -> str:
    if text == INSTRUCTOR or text in people.students:
        return text
    found = [person.login for person in people.students.values() if person.email.lower() == text and text]
    return found[0] if len(found) == 1 else ""


class ClassSpawner(LocalProcessSpawner):
    """A student's server in a view of their own, the instructor's as the owner of the course.

    The instructor's works in the course's own folder: Formgrader and nbgrader's commands find everything there.
    """

    course = Unicode(help="The course's folder.").tag(config=True)
    engine_url = Unicode(
        help="One engine for the whole class; empty where each student starts their own."
    ).tag(config=True)
    cull_s = Integer(0, help="Seconds after which a server that nobody uses ends; 0: never.").tag(config=True)
    limits = AnyTrait(Limits(), help="What a student's server may take.").tag(config=True)
    _group: Group | None = None

    async def start(self) -> tuple[str, int]:
        """Start the server as the person's account.

        Raises:
            CourseError: the person has left the class.
        """
        folder = Folder(Path(self.course))
        if self.user.name == INSTRUCTOR:
            self.cmd, self.notebook_dir = list(_SERVER), str(folder.course)
        else:
            person = folder.load().students.get(self.user.name)
            if person is None:
                raise CourseError(f"{self.user.name} is not in the class any more.")
            self._group = Group(person.account, self.limits)
            self.cmd = box.command(person, folder, _SERVER, self._group.shown)
            self.notebook_dir = box.COURSE
        return await super().start()

    async def stop(self, now: bool = False) -> None:
        """End the server, and everything that it started."""
        await super().stop(now)
        if self._group is not None:
            self._group.remove()
            self._group = None

    def get_args(self) -> list[str]:
        """JupyterLab's settings, as `make lab` has them."""
        shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
        return [
            *super().get_args(),
            "--FileContentsManager.preferred_dir=work",
            f"--ServerApp.terminado_settings={{'shell_command': ['{shell}']}}",
            *([f"--ServerApp.shutdown_no_activity_timeout={self.cull_s}"] if self.cull_s else []),
            *([f"--ServerApp.tornado_settings={_FRAMES}"] if self.user.name == INSTRUCTOR else []),
            *(["--allow-root"] if self.user.name == INSTRUCTOR and _owner(self.course).pw_uid == 0 else []),
        ]

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The variables that say who one is and where the course lies."""
        from servelab.jupyter import lab

        folder = Folder(Path(self.course))
        if self.engine_url:
            env["SERVELAB_ENGINE_URL"] = self.engine_url
        env |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        if self.user.name != INSTRUCTOR:
            return env | box.home_environment(folder.load().students[self.user.name])
        owner = _owner(self.course)
        mine = {"HOME": owner.pw_dir, "USER": owner.pw_name, "LOGNAME": owner.pw_name, "SHELL": "/bin/bash"}
        course = lab.environment(folder.course)
        names = ("PATH", "SERVELAB_ROOT", "JUPYTER_CONFIG_PATH", "JUPYTER_PATH")
        kept = {name: os.environ[name] for name in os.environ if name.startswith("SERVELAB_")}
        return env | kept | mine | {name: course[name] for name in names}

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """A student's box gives up root itself, once its mounts are made; the instructor's server does so now."""
        if self.user.name != INSTRUCTOR:
            return self._group.enter() if self._group is not None else (lambda: None)
        owner = _owner(self.course)
        groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
        root = self.course

        def become() -> None:
            os.setgroups(groups)
            os.setgid(owner.pw_gid)
            os.setuid(owner.pw_uid)
            os.chdir(root)

        return become


def _owner(course: str) -> pwd.struct_passwd:
    """The account to whom the course's folder belongs."""
    return pwd.getpwuid(Path(course).stat().st_uid)
