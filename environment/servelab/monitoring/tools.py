"""Prometheus's own command-line tools, run on texts that may be wrong, hostile or huge.

The tools get the texts as files in an empty folder, in which they also run, a limit of time and one of memory.
"""

from __future__ import annotations

import contextlib
import re
import resource
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from servelab.children import die_with_parent, find_program
from servelab.errors import CourseError

LONGEST = 200_000  # characters of one text: a large company's rules have fewer
_SECONDS = 20.0
_MEMORY_BYTES = 2 * 2**30  # of addresses, of which Go reserves many more than it uses
_DUPLICATES = re.compile(r"^lint error (\d+ duplicate rule\(s\)) found\. Metric: (\S+).*")
_PACKAGES = {"prometheus-alertmanager": "alertmanager", "amtool": "alertmanager"}


class TooMuch(ValueError):
    """A tool needs more time or memory for this than it gets."""


class ToolMissing(CourseError):
    """Prometheus's or Alertmanager's programs are not installed."""


@dataclass(frozen=True)
class Said:
    """What a tool told: its exit status (0: nothing to complain about), and its two streams."""

    status: int
    out: str
    err: str


def find_tool(name: str = "promtool") -> str:
    """The path of a program of Prometheus or Alertmanager: where `make setup` puts it, or on the PATH.

    Raises:
        ToolMissing: it is in neither place.
    """
    found = find_program(name)
    if found is None and name == "prometheus-alertmanager":
        found = find_program("alertmanager")  # its name everywhere but in Debian
    if found is None:
        package = _PACKAGES.get(name, "prometheus")
        raise ToolMissing(
            f"{name} is not installed: `make setup` fetches it where apt exists; elsewhere install {package.title()} (`brew install"
            f" {package}`, or https://prometheus.io/download)."
        )
    return found


def run_tool(
    command: Sequence[str], files: Mapping[str, str] | None = None, *, seconds: float = _SECONDS
) -> Said:
    """Run a tool in a new folder that holds these files and nothing else.

    Args:
        command: the tool's name and its arguments; the files by the names that they have in the folder.
        files: texts by name; a name may have folders in it.
        seconds: after so many it is stopped.

    Raises:
        TooMuch: it did not end in time, or took too much memory.
        ValueError: a file's name leads out of the folder.
        ToolMissing: it is not installed.
    """
    program = find_tool(command[0])
    with tempfile.TemporaryDirectory(prefix="servelab-monitoring-") as folder:
        write_files(Path(folder), files or {})
        return run_in(Path(folder), [program, *command[1:]], seconds)


def run_in(folder: Path, command: Sequence[str], seconds: float = _SECONDS) -> Said:
    """Run a program in a folder, with the limits of `run_tool`. Raises: TooMuch."""
    try:
        done = subprocess.run(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            preexec_fn=_limits(),
        )
    except subprocess.TimeoutExpired:
        raise TooMuch(f"{Path(command[0]).name} did not come to an end within {seconds:.0f} s") from None
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if "out of memory" in err[:2000] or "cannot allocate memory" in err[:2000]:
        raise TooMuch(f"{Path(command[0]).name} ran out of memory")
    return Said(done.returncode, out, err)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts into a folder. Raises: ValueError: a name leads out of it, or is none."""
    for name, text in files.items():
        path = PurePosixPath(str(name))
        if path.is_absolute() or ".." in path.parts or not path.name or "\0" in str(name):
            raise ValueError(f"{name!r} is no name of a file in this folder")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, errors="replace")


def unreadable(text: object, what: str) -> str | None:
    """Why something cannot be given to a tool, in one line; None where it can."""
    if not isinstance(text, str):
        return f"{what} is text, not {type(text).__name__}"
    if len(text) > LONGEST:
        return f"{what} is longer than {LONGEST:,} characters"
    return None


def complaints(err: str, *files: str) -> list[str]:
    """What a tool complains about, one line each, without the names of the files that it was given."""
    names = "|".join(re.escape(name) for name in files)
    lines: list[str] = []
    for raw in err.splitlines():
        line = raw.strip().removeprefix("FAILED:").strip()
        if not line or line.startswith(("Warning:", "amtool: error: failed to validate")):
            continue
        line = re.sub(rf"^(?:parsing YAML file )?(?:{names}): ", "", line) if names else line
        # "unmarshal errors:" and the like go on in the next line.
        if (lines and lines[-1].endswith(":")) or (lines and lines[-1].startswith("lint error")):
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(line)
    # promtool reads a file in two ways, and says the same twice with another capital letter.
    unique = {line.lower(): _DUPLICATES.sub(r"\1: \2", line) for line in reversed(lines)}
    return [line[:400] for line in reversed(unique.values())]


def _limits() -> Callable[[], None]:
    ask = die_with_parent()

    def limit() -> None:
        ask()
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))

    return limit
