"""What ngshare needs to keep what it is given: with our help it does, without it does not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from ngshare.database import Assignment, Base, Course, Submission, User
from servelab.grading import exchange_server
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session, sessionmaker


@pytest.fixture
def open_session() -> Iterator[sessionmaker[Session]]:
    """Sessions on a new database; our help is withdrawn at the end."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield sessionmaker(bind=engine)
    for attribute in (Assignment.course, Submission.assignment):
        if event.contains(attribute, "set", exchange_server._join):
            event.remove(attribute, "set", exchange_server._join)
    engine.dispose()


def release_and_submit(open_session: sessionmaker[Session]) -> tuple[int, int]:
    """As ngshare's handlers do it; how many of each are kept."""
    with open_session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy says what it leaves out, to nobody who is listening
        course, student = Course("serving-llms"), User("ada")
        session.add_all([course, student])
        session.commit()
        assignment = Assignment("02-vllm", course)
        session.commit()
        Submission(student, assignment)
        session.commit()
    with open_session() as session:
        return session.query(Assignment).count(), session.query(Submission).count()


def test_by_itself_it_keeps_nothing(open_session: sessionmaker[Session]) -> None:
    """Should this fail, ngshare has been mended, and the help can go."""
    assert release_and_submit(open_session) == (0, 0)


def test_with_our_help_it_keeps_what_it_is_given(open_session: sessionmaker[Session]) -> None:
    exchange_server.join_sessions()
    exchange_server.join_sessions()  # twice is once
    assert release_and_submit(open_session) == (1, 1)


def test_options_are_ngshares_but_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(exchange_server.ngshare, "main", told.append)
    monkeypatch.setattr(exchange_server.ngshare, "HTTPServer", exchange_server.HTTPServer)
    known = exchange_server.ngshare.MyRequestHandler.user_for_token
    monkeypatch.setattr(exchange_server.ngshare.MyRequestHandler, "user_for_token", known)
    monkeypatch.setattr(exchange_server, "join_sessions", lambda: None)
    exchange_server.main(["--admins=teacher", "--address=127.0.0.1", "--debug"])
    assert told == [["--admins=teacher", "--debug"]]
