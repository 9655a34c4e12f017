"""Guides that are run: a Markdown file's `bash` fences in one shell, in order, and its links followed.

A guide is written for people; what they would type stands in ```bash fences, and those are run. Fences of
other kinds (```text, ```console, ```yaml) are only shown. After `bash`, an info string may say more:

    ```bash limit=120                    at most 120 seconds instead of the guide's usual limit
    ```bash exit=1                       one command, which must end with this code
    ```bash background="Uvicorn running" keeps running: started, waited for until that text is in its output,
                                         stopped by Ctrl-C's signal at the end, and must then be gone

The shell is one session: a `cd`, an `export` or an activated environment holds for the fences after it. A
command that fails ends the guide, and `GuideError` says file, line, command and what it printed last.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import psutil
from conftest import gone_within, processes_marked
from markdown_it import MarkdownIt
from markdown_it.token import Token

LIMIT_S = 60.0
READY_S = 60.0  # until a command that keeps running says that it is ready
STOP_S = 20.0  # from Ctrl-C until it, and all that it started, is gone
LAST_LINES = 25
_POLL_S = 0.02
_OPTIONS = {"limit", "exit", "background"}
_ELSEWHERE = ("http://", "https://", "mailto:", "data:")


class GuideError(AssertionError):
    """A guide does not do what it says: file, line, command, last output."""


@dataclass(frozen=True)
class Fence:
    """One fence that is run. `line` is that of its first command in the guide, counted from 1."""

    guide: Path
    line: int
    commands: str
    limit_s: float | None = None
    exit: int = 0
    background: str | None = None


@dataclass
class Step:
    """What one fence did."""

    fence: Fence
    seconds: float
    output: str


@dataclass
class _Job:
    """A command that keeps running."""

    fence: Fence
    pid: int
    log: Path


# --- reading ---------------------------------------------------------------------------------------------


def _tokens(guide: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(guide.read_text(encoding="utf-8"))


def _options(info: str, where: str) -> dict[str, str]:
    options = {}
    for word in shlex.split(info)[1:]:
        name, equals, value = word.partition("=")
        if name not in _OPTIONS or not equals:
            raise GuideError(f"{where}: {word!r} is unknown after `bash`; there are: {', '.join(_OPTIONS)}")
        options[name] = value
    return options


def fences(guide: Path) -> list[Fence]:
    """The guide's `bash` fences in order, those inside lists and quotes too.

    Raises:
        GuideError: an info string says something unknown.
    """
    found = []
    for token in _tokens(guide):
        if token.type != "fence" or token.info.split()[:1] != ["bash"]:
            continue
        line = token.map[0] + 2
        options = _options(token.info, f"{guide}:{line - 1}")
        found.append(
            Fence(
                guide,
                line,
                token.content,
                limit_s=float(options["limit"]) if "limit" in options else None,
                exit=int(options.get("exit", 0)),
                background=options.get("background"),
            )
        )
    return found


# --- running ---------------------------------------------------------------------------------------------

# `-E`: the trap holds in functions too. A failure names its line, which is the guide's: see `_write`.
_START = r"""
set -Eo pipefail
guide_failed() { printf 'failed %s %s %s\n' "$1" "$2" "${3%%$'\n'*}" >> "$guide_status"; exit "$1"; }
guide_strict() { trap 'guide_failed "$?" "$LINENO" "$BASH_COMMAND"' ERR; }
"""


@dataclass
class Session:
    """One shell for one guide. Use `run_guide`, or this to look around between fences."""

    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    limit_s: float = LIMIT_S

    def __enter__(self) -> Session:
        self._folder = Path(tempfile.mkdtemp(prefix="guide-"))
        self._status = self._folder / "status"
        self._status.touch()
        self._log = self._folder / "output"
        self._jobs: list[_Job] = []
        self._count = 0
        self.run_id = self.env.get("SERVELAB_RUN") or f"guide-{uuid.uuid4().hex}"
        env = {**os.environ, **self.env, "SERVELAB_RUN": self.run_id}
        with self._log.open("ab") as log:
            self._shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=self.cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self._say(f"guide_status={shlex.quote(str(self._status))}\n{_START}")
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop what keeps running and leave nothing, even after a failure, whose report then comes first."""
        try:
            self._stop(quiet=error is not None)
        finally:
            for process in processes_marked(self.run_id):
                if process.pid != os.getpid():
                    _kill(process)
            self._shell.wait()
            shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, fence: Fence) -> Step:
        """Run one fence.

        Raises:
            GuideError: a command failed, took too long, or what keeps running did not become ready.
        """
        started = time.monotonic()
        output = self._background(fence) if fence.background is not None else self._foreground(fence)
        return Step(fence, time.monotonic() - started, output)

    def _say(self, text: str) -> None:
        self._shell.stdin.write(text + "\n")
        self._shell.stdin.flush()

    def _write(self, fence: Fence) -> str:
        """The commands as a file, pushed down to their line in the guide, so that bash counts as the guide does."""
        self._count += 1
        script = self._folder / f"{self._count}.sh"
        script.write_text("\n" * (fence.line - 1) + fence.commands, encoding="utf-8")
        return shlex.quote(str(script))

    def _foreground(self, fence: Fence) -> str:
        offset = self._log.stat().st_size
        script = self._write(fence)
        strict = "trap - ERR" if fence.exit else "guide_strict"
        # A command that reads standard input would read what comes after it otherwise.
        self._say(f"{strict}; source {script} < /dev/null\nprintf 'done %s\\n' $? >> \"$guide_status\"")
        limit = fence.limit_s or self.limit_s
        deadline = time.monotonic() + limit
        while not (status := self._take_status()):
            if time.monotonic() > deadline:
                raise self._error(fence, fence.line, f"not done after {limit:.0f} s", self._output(offset))
            if self._shell.poll() is not None and not (status := self._take_status()):
                raise self._error(fence, fence.line, "ended the shell", self._output(offset))
            if status:
                break
            time.sleep(_POLL_S)
        output = self._output(offset)
        kind, code, *where = status.split(" ", 3)
        if kind == "failed":
            raise self._error(fence, int(where[0]), f"exit code {code}", output, command=where[1])
        if int(code) != fence.exit:
            raise self._error(fence, fence.line, f"exit code {code}, not {fence.exit}", output)
        return output

    def _background(self, fence: Fence) -> str:
        script = self._write(fence)
        log = self._folder / f"{self._count}.log"
        # `set -m` gives the job a process group of its own, in which Ctrl-C's signal is not ignored.
        self._say(
            f"trap - ERR; set -m; ( source {script} ) > {shlex.quote(str(log))} 2>&1 < /dev/null &\n"
            "set +m; printf 'started %s\\n' $! >> \"$guide_status\""
        )
        while not (status := self._take_status()):
            if self._shell.poll() is not None:
                raise self._error(fence, fence.line, "the shell has ended", "")
            time.sleep(_POLL_S)
        job = _Job(fence, int(status.split()[1]), log)
        self._jobs.append(job)
        limit = fence.limit_s or READY_S
        deadline = time.monotonic() + limit
        while fence.background not in (text := _read(log)):
            if not _alive(job.pid):
                raise self._error(fence, fence.line, f"ended before “{fence.background}”", text)
            if time.monotonic() > deadline:
                raise self._error(fence, fence.line, f"no “{fence.background}” after {limit:.0f} s", text)
            time.sleep(_POLL_S)
        return text

    def _stop(self, quiet: bool) -> None:
        for job in self._jobs:
            if _alive(job.pid):
                os.killpg(job.pid, signal.SIGINT)
            elif not quiet:
                raise self._error(job.fence, job.fence.line, "ended before the guide did", _read(job.log))
            deadline = time.monotonic() + STOP_S
            while _alive(job.pid) and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            if _alive(job.pid) and not quiet:
                text = _read(job.log)
                raise self._error(job.fence, job.fence.line, f"not gone {STOP_S:.0f} s after Ctrl-C", text)
        if self._shell.poll() is None:
            self._shell.stdin.close()
        if quiet:
            return
        if left := gone_within(self.run_id, STOP_S):
            raise GuideError(f"after the guide these still run: {'; '.join(left)}")

    def _take_status(self) -> str:
        lines = self._status.read_text(encoding="utf-8")
        if not lines.endswith("\n"):
            return ""
        self._status.write_text("", encoding="utf-8")
        return lines.splitlines()[0]

    def _output(self, offset: int) -> str:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")

    def _error(
        self, fence: Fence, line: int, what: str, output: str, command: str | None = None
    ) -> GuideError:
        shown = command or fence.commands.strip().splitlines()[0]
        last = "\n".join(output.rstrip().splitlines()[-LAST_LINES:]) or "(it printed nothing)"
        return GuideError(f"{fence.guide}:{line}: {shown}\n{what}; its last output:\n{last}")


def run_guide(
    guide: Path, cwd: Path, env: dict[str, str] | None = None, limit_s: float = LIMIT_S
) -> list[Step]:
    """Run every `bash` fence of a guide in one shell session, as a reader would.

    Args:
        guide: the Markdown file.
        cwd: where the reader stands at the start.
        env: set over this process's environment. SERVELAB_RUN marks what the guide starts, by default with a
            new name; after the guide no process with that mark may be left.
        limit_s: seconds for each fence that sets no limit itself.

    Returns:
        What each fence took and printed.

    Raises:
        GuideError: the guide has nothing to run, or it does not work as written.
    """
    found = fences(guide)
    if not found:
        raise GuideError(f"{guide}: no ```bash fence, so there is nothing to run")
    with Session(cwd, env or {}, limit_s) as session:
        return [session.run(fence) for fence in found]


def _alive(pid: int) -> bool:
    """Whether the process group has a member that is not a zombie waiting for its shell."""
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (psutil.Error, ProcessLookupError):
            continue
    return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
    psutil.wait_procs([process], timeout=5)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


# --- links -----------------------------------------------------------------------------------------------


def anchors(guide: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a Markdown file, and those written as HTML."""
    found: dict[str, int] = {}
    names = set()
    tokens = _tokens(guide)
    for token, inside in itertools.pairwise(tokens):
        if token.type == "heading_open":
            words = "".join(c.content for c in inside.children or [] if c.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
            names.add(f"{slug}-{found[slug]}" if found[slug] else slug)
    for token in _every(tokens):
        if token.type in ("html_inline", "html_block"):
            names.update(re.findall(r"""<\w+[^>]*\s(?:id|name)=["']([^"']+)""", token.content))
    return names


def links(guide: Path) -> list[tuple[int, str]]:
    """Line and target of each link and image that a reader sees; code is not read."""
    found = []
    for token in _every(_tokens(guide)):
        line = token.meta.get("line", 0)
        target = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
        if target is not None:
            found.append((line, str(target)))
        if token.type in ("html_inline", "html_block"):
            found += [(line, t) for t in re.findall(r"""\s(?:href|src)=["']([^"']+)""", token.content)]
    return found


def broken_links(guide: Path) -> list[str]:
    """Links and images of a Markdown file that lead to no file, or to no heading of it. The web is not asked."""
    broken = []
    for line, target in links(guide):
        if target.startswith(_ELSEWHERE):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (guide.parent / path).resolve() if path else guide
        if not file.exists():
            broken.append(f"{guide}:{line}: {target}: there is no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            broken.append(f"{guide}:{line}: {target}: {file.name} has no such heading")
    return broken


def _every(tokens: list[Token]) -> Iterator[Token]:
    """All tokens, those inside a line with the line of their block."""
    for token in tokens:
        line = token.map[0] + 1 if token.map else 0
        token.meta.setdefault("line", line)
        yield token
        for child in token.children or []:
            child.meta["line"] = line
            yield child
