"""Handing out and in over HTTP: nbgrader's exchange where students share no disk.

On a cluster each student has a disk of their own, so releases and submissions go through ngshare
(https://ngshare.readthedocs.io), a service of the Hub that knows by the Hub's tokens who asks. Its client, `ngshare_exchange`, takes
the place of nbgrader's exchange in folders; nbgrader's commands and buttons stay the same. Here it gets what our exchange in
folders has: limits to what is collected, and no file out of a folder that the course ignores.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import getpass
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from traitlets import Integer

from servelab.errors import CourseError
from servelab.grading.collecting import (
    MOST_BYTES,
    MOST_FILES,
    Budget,
    Refused,
    below,
    graded_files,
    note_refusals,
    plain,
)
from servelab.grading.handed_in import NOT_COLLECTED

# ngshare_exchange asks for this variable while it is imported, and a container may have none.
os.environ.setdefault("USER", getpass.getuser())

from ngshare_exchange import configureExchange
from ngshare_exchange.collect import ExchangeCollect
from ngshare_exchange.submit import ExchangeSubmit


class CarefulServiceCollect(ExchangeCollect):
    """Collects from ngshare with the limits of `collecting.CarefulCollect`."""

    most_files = Integer(MOST_FILES, help="Files of one submission.").tag(config=True)
    most_bytes = Integer(MOST_BYTES, help="Bytes of one submission.").tag(config=True)

    def init_src(self) -> None:
        """Find the latest submission of each student."""
        super().init_src()
        records, self.src_records = self.src_records, []
        for record in records:
            if is_name(record["student_id"]):
                self.src_records.append(record)
            else:
                self.log.warning("Not collected: %s is no student's name", plain(record["student_id"]))

    def do_copy(self, src: list[dict[str, str]], dest: str) -> None:
        """Write one submission's files; what is refused is logged, and a note on it lies in the folder for the feedback."""
        budget = Budget(self.most_files, self.most_bytes)
        refused = write_submission(src, Path(dest), graded_files(self.coursedir), budget)
        if refused:
            self.log.warning("Not collected: %s: %s", plain(Path(dest).parent.name), " ".join(refused))
            note_refusals(Path(dest), refused)


class TidySubmit(ExchangeSubmit):
    """Hands in what the course does not ignore, folders included.

    ngshare_exchange 0.5.2 looks at the names of files only: a notebook's checkpoints and earlier feedback would go along.
    """

    def ignore_patterns(self) -> Callable[[str, str, int], bool]:
        """As ngshare_exchange wants it: whether a file is left out, by its folder, its name and its size."""
        by_name = super().ignore_patterns()

        def left_out(folder: str, name: str, size: int) -> bool:
            inside = os.path.relpath(folder, self.src_path)
            return is_ignored(inside, self.coursedir.ignore) or by_name(folder, name, size)

        return left_out


def write_submission(
    files: Sequence[dict[str, str]], folder: Path, graded: Sequence[str], budget: Budget
) -> list[str]:
    """Write what a student handed in: first what is graded, then the rest, as far as there is room.

    Args:
        files: as ngshare returns them, each with a `path` and its `content` in base64.
        folder: where they go; made if it is not there.
        graded: the files that grading looks at.
        budget: what the submission may bring.

    Returns:
        What was refused, in words for the student.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refused = []
    for first in (True, False):
        try:
            for file in files:
                if (file["path"] in graded) == first and file["path"] != NOT_COLLECTED:
                    content = base64.b64decode(file["content"])
                    budget.copy(io.BytesIO(content), folder / below(file["path"]))
        except (Refused, OSError, binascii.Error) as error:
            what = "What you handed in" if first else "Something beside your notebook"
            refused.append(f"{what} was not taken as a whole: {error}.")
    return refused


def is_ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path, relative to a lab's folder, leads through a folder that the course ignores."""
    parts = [part for part in PurePosixPath(path).parts if part != "."]
    return any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in patterns)


def is_name(student: str) -> bool:
    """Whether this can be the name of a student's folder."""
    return student not in ("", ".", "..") and "/" not in student and student.isprintable()


def configure(config: Any, url: str) -> None:
    """Put ngshare in the place of nbgrader's exchange in folders. Called by `nbgrader_config.py`.

    Args:
        config: nbgrader's configuration.
        url: where ngshare answers, for example `http://ngshare:8080/services/ngshare`.

    Raises:
        CourseError: that is no address.
    """
    if not url.startswith(("http://", "https://")):
        raise CourseError(f"SERVELAB_EXCHANGE_URL is {url!r}: it must be ngshare's http or https address.")
    configureExchange(config, url.rstrip("/"))
    config.ExchangeFactory.collect = CarefulServiceCollect
    config.ExchangeFactory.submit = TidySubmit
