"""What nbgrader saves of one submission, in one transaction.

nbgrader 0.9.6 opens the gradebook anew in each of its steps and commits after every cell: some fifty commits a submission, each of
which waits for the disk, and a run that is killed leaves half of them. There is no hook, so while a transaction
lasts, the three modules that save are given one open gradebook, whose commits wait for the end.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import nbgrader.api
from nbgrader.api import Gradebook
from nbgrader.converters import autograde
from nbgrader.preprocessors import latesubmissions, saveautogrades

_SAVING = (autograde, saveautogrades, latesubmissions)

# An engine remembers the statements that it compiled, and nbgrader makes a new one for every gradebook that it opens.
# It closes all connections when the gradebook is closed, so a remembered engine holds none.
if not hasattr(nbgrader.api.create_engine, "cache_clear"):
    nbgrader.api.create_engine = functools.lru_cache(maxsize=8)(nbgrader.api.create_engine)


class _Open(Gradebook):
    """A gradebook that others may open, commit and close as they like."""

    def __init__(self, db_url: str, course_id: str) -> None:
        super().__init__(db_url, course_id)
        self._commit = self.db.commit
        self.db.commit = self._see  # type: ignore[method-assign]

    def _see(self) -> None:
        """Send what has changed to the database, where everyone in this transaction sees it."""
        self.db.flush()

    def forget(self) -> None:
        """Read everything anew from here on: scores are sums that the database computes."""
        self.db.expire_all()

    def close(self) -> None:
        """Not yet."""

    def end(self, *, keep: bool) -> None:
        """Save everything, or nothing."""
        if keep:
            self._commit()
        else:
            self.db.rollback()

    def really_close(self) -> None:
        """Give the connection back."""
        super().close()


#: A gradebook that is kept open for many transactions, by its address.
_kept: dict[str, _Open] = {}


@contextlib.contextmanager
def kept_open(db_url: str, course_id: str) -> Iterator[None]:
    """Keep one connection for all transactions of the block. Opening nbgrader's gradebook looks at every table."""
    gradebook = _kept[db_url] = _Open(db_url, course_id)
    try:
        yield
    finally:
        del _kept[db_url]
        gradebook.really_close()


@contextlib.contextmanager
def transaction(db_url: str, course_id: str) -> Iterator[_Open]:
    """Let nbgrader save; all of it counts when the block ends, none of it if an exception leaves the block.

    Not for several threads at once: nbgrader changes its working folder while it grades, so it is used by one at a time.
    """
    kept = _kept.get(db_url)
    gradebook = kept or _Open(db_url, course_id)

    def opened(url: str, *_: Any, **__: Any) -> Gradebook:
        return gradebook if url == db_url else Gradebook(url, *_, **__)

    before = [module.Gradebook for module in _SAVING]
    for module in _SAVING:
        module.Gradebook = opened
    done = False
    try:
        yield gradebook
        done = True
    finally:
        for module, original in zip(_SAVING, before, strict=True):
            module.Gradebook = original
        try:
            gradebook.end(keep=done)
        finally:
            if kept is None:
                gradebook.really_close()
