"""ngshare as the lock installs it, made to work with it: `python -m servelab.grading.exchange_server` runs the exchange of a cluster.

Three things about ngshare 0.6.0. Under SQLAlchemy 2 it answers a release or a submission with success and keeps nothing: it relies on a
new row joining the session of the row it is assigned to, which SQLAlchemy did until 1.4. Here that is done for it. It takes any token
of the Hub, whatever that is for; here the token must have the scope to access this service. And it listens on every address; here
`--address` can name one. All other options are ngshare's own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ngshare import ngshare
from ngshare.database import Assignment, Submission
from sqlalchemy import event
from sqlalchemy.orm import configure_mappers, object_session
from tornado.httpserver import HTTPServer

#: A pod has one address, which nobody knows before.
EVERY_ADDRESS = "0.0.0.0"
#: One of these is in the scopes of a token that may ask (jupyterhub: "Scopes in JupyterHub").
SCOPES = frozenset({"access:services", "access:services!service=ngshare"})
_ADDRESS = "--address="


def join_sessions() -> None:
    """Let a new assignment join its course's session, and a new submission its assignment's."""
    configure_mappers()  # until then the two attributes are not there
    for attribute in (Assignment.course, Submission.assignment):
        if not event.contains(attribute, "set", _join):
            event.listen(attribute, "set", _join)


def _join(row: Any, parent: Any, *_: Any) -> None:
    session = object_session(parent) if parent is not None else None
    if session is not None:
        session.add(row)


def demand_scopes() -> None:
    """Let only holders of a token for this service in."""
    known = ngshare.MyRequestHandler.user_for_token

    def user_for_token(handler: Any, token: str) -> dict[str, Any] | None:
        user = known(handler, token)
        return user if user and SCOPES.intersection(user.get("scopes", ())) else None

    ngshare.MyRequestHandler.user_for_token = user_for_token


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ngshare until it is stopped.

    Args:
        arguments: ngshare's, and `--address=ADDRESS`; the command line's by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    named = [argument.removeprefix(_ADDRESS) for argument in given if argument.startswith(_ADDRESS)]
    address = named[-1] if named else EVERY_ADDRESS

    class Server(HTTPServer):
        def listen(self, port: int, _: str | None = None, **options: Any) -> Any:
            return super().listen(port, address, **options)

    ngshare.HTTPServer = Server
    join_sessions()
    demand_scopes()
    ngshare.main([argument for argument in given if not argument.startswith(_ADDRESS)])


if __name__ == "__main__":
    main()
