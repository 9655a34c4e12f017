"""The Jupyter server extension: who owns the engines, the course's pages, a Validate that does not block."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_escape, url_path_join
from tornado import web

from servelab import paths
from servelab.errors import CourseError
from servelab.jupyter import copies, home, validate


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Called by Jupyter once, before it starts any kernel."""
    # Kernels and terminals inherit these: engines live as long as this server, whichever notebook asked
    # first, and every command finds the course from any folder.
    os.environ["SERVELAB_OWNER"] = str(os.getpid())
    try:
        root = str(paths.course_root())
    except CourseError as error:
        serverapp.log.warning("servelab: %s", error)
    else:
        os.environ.setdefault("SERVELAB_ROOT", root)
        os.environ["JUPYTER_CONFIG_PATH"] = with_path(os.environ.get("JUPYTER_CONFIG_PATH"), root)
    # The server has read its token by now; a notebook, which may print its environment, has no need of it.
    if serverapp.identity_provider.token:
        os.environ.pop("JUPYTER_TOKEN", None)
    _add_handlers(serverapp)
    home.warm_up()


def with_path(search_path: str | None, folder: str) -> str:
    """A search path that holds `folder` first, once."""
    others = [p for p in (search_path or "").split(os.pathsep) if p and p != folder]
    return os.pathsep.join([folder, *others])


def _add_handlers(serverapp: Any) -> None:
    webapp = serverapp.web_app
    base = webapp.settings["base_url"]
    webapp.settings["servelab_server_root"] = Path(serverapp.root_dir).resolve()
    webapp.add_handlers(
        ".*$",
        [
            (url_path_join(base, r"/servelab/home/?"), HomeHandler),
            (url_path_join(base, r"/servelab/state\.json"), StateHandler),
            (url_path_join(base, r"/servelab/open/([^/]+)/?"), OpenHandler),
        ],
    )
    # Earlier rules win, and nbgrader has put its own there already.
    router = webapp.default_router
    webapp.add_handlers(".*$", [(url_path_join(base, "/assignments/validate"), ValidateHandler)])
    router.rules.insert(0, router.rules.pop(-2))


class CourseHandler(JupyterHandler):
    """What the course's pages share: errors in one line, and where JupyterLab would find a file."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page, or JSON for a program, that says what is wrong in one line."""
        error = kwargs.get("exc_info", (None, None))[1]
        message = getattr(error, "log_message", None) or self._reason
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if self._wants_json():
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps({"error": message}))
        else:
            self.finish(home.render_error(message, home_url=url_path_join(self.base_url, "servelab/home")))

    def _wants_json(self) -> bool:
        return "application/json" in self.request.headers.get("Accept", "")

    def lab_path(self, file: Path) -> str:
        """The path by which JupyterLab's contents API knows a file.

        Raises:
            CourseError: the file lies outside the folder that this server shows.
        """
        root = self.settings["servelab_server_root"]
        resolved = file.resolve()
        if not resolved.is_relative_to(root):
            raise CourseError(
                f"{file} lies outside {root}, the folder this JupyterLab shows. Start it with `make lab`."
            )
        return resolved.relative_to(root).as_posix()


class HomeHandler(CourseHandler):
    """The course home page."""

    @cached_property
    def nonce(self) -> str:
        """Marks this answer's own style and script."""
        return secrets.token_urlsafe(16)

    @property
    def content_security_policy(self) -> str:
        """Only what the page itself holds may run; JupyterLab may show it in a tab."""
        return (
            f"default-src 'none'; style-src 'nonce-{self.nonce}'; script-src 'nonce-{self.nonce}'; "
            "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        )

    @web.authenticated
    async def get(self) -> None:
        try:
            state = await asyncio.to_thread(home.state)
        except CourseError as error:
            raise web.HTTPError(500, log_message=str(error)) from None
        self.set_header("Cache-Control", "no-store")
        if "sections" in self.request.query_arguments:
            self.finish(home.render_sections(state, base_url=self.base_url))
        else:
            self.finish(home.render(state, base_url=self.base_url, nonce=self.nonce))


class StateHandler(CourseHandler):
    """What the home page shows, for programs."""

    @web.authenticated
    async def get(self) -> None:
        try:
            state = await asyncio.to_thread(home.state)
        except CourseError as error:
            raise web.HTTPError(500, log_message=str(error)) from None
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(state))


class OpenHandler(CourseHandler):
    """Makes the student's own copy of a lab if there is none, then shows it."""

    @web.authenticated
    async def get(self, lab: str) -> None:
        try:
            notebook = await asyncio.to_thread(copies.own_notebook, lab)
            path = self.lab_path(notebook)
        except CourseError as error:
            raise web.HTTPError(404, log_message=str(error)) from None
        self.set_header("Cache-Control", "no-store")
        if self._wants_json():
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps({"path": path}))
        else:
            self.redirect(url_path_join(self.base_url, "lab/tree", url_escape(path)))


class ValidateHandler(CourseHandler):
    """nbgrader's Validate button, answered without holding up the server."""

    @web.authenticated
    async def post(self) -> None:
        path = (self.get_json_body() or {}).get("path") or self.get_argument("path", "")
        root = self.settings["servelab_server_root"]
        notebook = (root / path).resolve()
        if not path or not notebook.is_relative_to(root):
            raise web.HTTPError(403, "Access denied: path outside allowed directory")
        try:
            cwd = paths.course_root()
        except CourseError:
            cwd = notebook.parent
        self.finish(json.dumps(await validate.validate(notebook, cwd)))
