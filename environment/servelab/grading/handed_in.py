"""Files that a submission brings beside its notebook, where a lab asks for some: a trained adapter, say.

The lab's source names them (`hands_in: [adapter/adapter_model.safetensors, ...]`), and the instructor's notebook carries the names. Only
these are taken. Each is read once, as bytes, with a limit, and no link is followed on the way to it; from there on everyone has
the bytes that were read, so a file that changes meanwhile changes nothing. The judge finds them in a folder of its own, which
nobody can write to (`servelab.checks.handed_in`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

#: All files of a submission together.
MOST_BYTES = 12_000_000
#: Where collecting says what it has refused, in words for the student. Nobody can hand in a file of this name.
NOT_COLLECTED = "not-collected.txt"
_NOTE_BYTES = 2_000
#: What the password file says of an account that `servelab class` made; after it comes the student's login.
CLASS_ACCOUNT = "servelab class "


def asked_for(source: NotebookNode) -> tuple[str, ...]:
    """The files that an instructor's notebook asks for, as paths beside it; most ask for none."""
    told = source.metadata.get("servelab", {})
    return tuple(told.get("hands_in", ())) if isinstance(told, dict) else ()


def read_files(folder: Path, names: Sequence[str]) -> tuple[dict[str, bytes], list[str]]:
    """Those of the named files that are there, and a line on each that is not taken.

    A file that is simply missing gets no line: the check that wants it says so.
    """
    found: dict[str, bytes] = {}
    notes = []
    left = MOST_BYTES
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            try:
                with _opened(folder, name) as opened:
                    if not stat.S_ISREG(os.fstat(opened).st_mode):
                        notes.append(f"{name} is no ordinary file: it was not taken.")
                        continue
                    content = _content(opened, left)
            except (FileNotFoundError, NotADirectoryError):
                raise
            except OSError:  # what O_NOFOLLOW makes of a link
                notes.append(f"{name} is a link or cannot be read: it was not taken.")
                continue
            if content is None:
                notes.append(
                    f"{name} is larger than the {MOST_BYTES / 1e6:.0f} MB that may be handed in: it was not taken."
                )
                continue
            found[name] = content
            left -= len(content)
    return found, notes


def refused_before(folder: Path) -> list[str]:
    """What collecting has refused of a submission, as it wrote it down."""
    with contextlib.suppress(OSError), _opened(folder, NOT_COLLECTED) as opened:
        if stat.S_ISREG(os.fstat(opened).st_mode):
            content = os.read(opened, _NOTE_BYTES)
            return [line for line in content.decode(errors="replace").splitlines() if line.strip()]
    return []


@contextlib.contextmanager
def _opened(folder: Path, name: str) -> Iterator[int]:
    """A descriptor of a file below a folder. Each part of its path is opened from the one before: a link in it is an error."""
    *above, last = PurePosixPath(name).parts
    with contextlib.ExitStack() as stack:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, place)
        for part in above:
            if stat.S_ISLNK(os.stat(part, dir_fd=place, follow_symlinks=False).st_mode):
                raise OSError("a link")
            place = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            stack.callback(os.close, place)
        opened = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        stack.callback(os.close, opened)
        yield opened


def _content(opened: int, most: int) -> bytes | None:
    """All of a file, or None where it has more than `most` bytes, whatever its size was said to be."""
    with open(opened, "rb", closefd=False) as file:
        content = file.read(most + 1)
    return content if len(content) <= most else None


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files, named by their path below it, into a folder that others may read."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def hash_of_all(notebook: bytes, files: Mapping[str, bytes]) -> str:
    """The SHA-256 of a submission: of its notebook, where nothing is beside it."""
    digest = hashlib.sha256(notebook)
    if files:
        parts = [digest.hexdigest()]
        parts += [f"{name} {hashlib.sha256(files[name]).hexdigest()}" for name in sorted(files)]
        digest = hashlib.sha256("\n".join(parts).encode())
    return digest.hexdigest()
