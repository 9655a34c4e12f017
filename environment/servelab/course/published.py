"""Where the course is published, and what follows from it: Colab's badges, and the cell that fetches the course there.

The place is that of the repository's own remote and is typed nowhere: `servelab build --published` reads it and writes
`environment/published.json`, which is committed with the notebooks built from it. A build reads the file and never the
remote, because it must give the same bytes in every clone: one whose origin is a folder, a fork under another name, an archive
without git. `servelab build --check` therefore compares with what the committed release says of itself; a fork that wants
badges of its own runs `servelab build --published` once.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from servelab.errors import CourseError

FILE = "environment/published.json"
_COLAB = "https://colab.research.google.com"
_IMAGE = f"{_COLAB}/assets/colab-badge.svg"
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/@]+):(?!//)(?P<path>.+)")
_ROW = re.compile(
    r"^\| \[(?P<lab>\d\d-[\w-]+)\]\(labs/(?P=lab)/(?P=lab)\.ipynb\)(?: \[!\[Open in Colab\]\(\S+\)\]\(\S+\))? \|",
    re.M,
)
_NAME = re.compile(r"[\w.-]+")
_BRANCH = re.compile(r"[\w./-]+")


@dataclass(frozen=True)
class Published:
    """A repository that everyone can read.

    Attributes:
        repository: its address for `git clone`, over https, without a user or password.
        branch: its default branch.
    """

    repository: str
    branch: str

    @property
    def github(self) -> str | None:
        """`owner/name` on GitHub, from which alone Colab opens notebooks; None elsewhere."""
        parts = urlsplit(self.repository)
        return parts.path.strip("/") if parts.hostname == "github.com" else None

    def badge(self, lab: str) -> str | None:
        """The badge that opens a lab in Colab, in Markdown; None where the repository is not on GitHub."""
        if self.github is None:
            return None
        url = f"{_COLAB}/github/{self.github}/blob/{self.branch}/labs/{lab}/{lab}.ipynb"
        return f"[![Open in Colab]({_IMAGE})]({url})"


def read(root: Path) -> Published | None:
    """Where the course says it is published; None where it says nothing.

    Raises:
        CourseError: the file is not one that `servelab build --published` writes.
    """
    try:
        told = json.loads((root / FILE).read_text(encoding="utf-8"))
        found = Published(repository=told["repository"], branch=told["branch"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found is None or address(found.repository) != found.repository or not _BRANCH.fullmatch(found.branch):
        raise CourseError(
            f"{FILE} is damaged: run `servelab build --published`, or `servelab build --unpublished`."
        )
    return found


def from_remote(root: Path) -> Published:
    """Where the remote `origin` says the course is.

    Raises:
        CourseError: there is none, or it is no address that others can clone from.
    """
    remote = _git(root, "remote", "get-url", "origin")
    if not remote:
        raise CourseError("This repository has no remote called origin: add it, push, and publish again.")
    repository = address(remote)
    if repository is None:
        raise CourseError(f"The remote origin is {_without_user(remote)}: nobody else can clone from there.")
    head = _git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")
    branch = head or _git(root, "branch", "--show-current")
    if not _BRANCH.fullmatch(branch):
        raise CourseError(
            "The remote's default branch is not known: run `git remote set-head origin --auto`."
        )
    return Published(repository, branch)


def address(remote: str) -> str | None:
    """A remote's address for everyone, over https; None for a folder, and for what is no address.

    Known are https, ssh (`git@host:owner/name.git`, `ssh://git@host/owner/name`) and git. User, password and port go: they
    are the publisher's own, and a token must not get into a notebook.
    """
    remote = remote.strip()
    if "://" in remote:
        try:
            parts = urlsplit(remote)
            host, path = parts.hostname, parts.path
        except ValueError:
            return None
        if parts.scheme not in ("https", "http", "ssh", "git", "git+ssh") or not host:
            return None
    elif found := _SCP.fullmatch(remote):
        host, path = found["host"].lower(), found["path"]
    else:
        return None
    if host in ("www.github.com", "ssh.github.com"):
        host = "github.com"
    names = path.strip("/").removesuffix(".git").split("/")
    good = "." in host and len(names) >= 2 and all(_NAME.fullmatch(n) and n.strip(".") for n in names)
    if not good or (host == "github.com" and len(names) != 2):
        return None
    return f"https://{host}/{'/'.join(names)}"


def update(root: Path, *, published: bool, check: bool = False) -> list[str]:
    """Bring the file up to date with the remote, or take it away.

    Args:
        published: whether the course is to say where it is.
        check: change nothing.

    Returns:
        A line if the file was changed, or with `check` would be.

    Raises:
        CourseError: see `from_remote`.
    """
    path = root / FILE
    wanted = json.dumps(asdict(from_remote(root)), indent=1) + "\n" if published else None
    if (path.read_text(encoding="utf-8") if path.is_file() else None) == wanted:
        return []
    if check:
        return [f"{FILE} does not say what the remote says" if published else f"{FILE} is there"]
    if wanted is None:
        path.unlink()
        return [f"removed {FILE}"]
    path.parent.mkdir(exist_ok=True)
    path.write_text(wanted, encoding="utf-8")
    return [f"wrote {FILE}"]


def with_badges(readme: str, place: Published | None) -> str:
    """A README whose map of labs has a badge in each row, or none where the course is not on GitHub."""

    def row(found: re.Match[str]) -> str:
        lab = found["lab"]
        badge = place.badge(lab) if place else None
        return f"| [{lab}](labs/{lab}/{lab}.ipynb){f' {badge}' if badge else ''} |"

    return _ROW.sub(row, readme)


def fetching_cell(place: Published) -> str:
    """The cell that comes first: on Colab it fetches the course and prepares the runtime, elsewhere it does nothing."""
    return f"""\
# For Colab: fetches the course and adds what this runtime lacks; nothing that is here is changed. Elsewhere it does nothing.
import os as _os
import sys as _sys

if "COLAB_RELEASE_TAG" in _os.environ:
    _course = _os.path.expanduser("~/serving-llms")
    if not _os.path.isdir(_course):
        !rm -rf {{_course}}.part && git clone --quiet --depth 1 --branch {place.branch} {place.repository} {{_course}}.part && mv {{_course}}.part {{_course}}
    !{{_sys.executable}} {{_course}}/environment/kernel.py
    if f"{{_course}}/environment" not in _sys.path:
        _sys.path.append(f"{{_course}}/environment")"""


def _git(root: Path, *args: str) -> str:
    """What git prints; "" where it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *args],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _without_user(remote: str) -> str:
    """A remote's address as it may be shown: what stands before an @ may be a token."""
    return re.sub(r"(//)?[^/@]*@", r"\1", remote, count=1)
