"""An empty box for untrusted code: namespaces made by bubblewrap, into which a prepared process is forked.

Inside there is a read-only Python, a small memory file system to write to, a loopback of its own, and nothing else: no other
process, no network, no submission, no gradebook, no notebook. bubblewrap (https://github.com/containers/bubblewrap) makes the
namespaces and mounts; `servelab.grading.zygote` puts processes into them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from servelab.errors import CourseError
from servelab.grading import syscalls

HOME = "/home/student"
DATA = "/data"
#: Where the judge finds the files that were handed in beside the notebook.
HANDED_IN = "/handed-in"
_MB = 1 << 20
#: Anonymous memory, and what is called shared: a mapping of /dev/zero is, though nobody shares it.
_PRIVATE = re.compile(r"^Pss_(?:Anon|Shmem): +(\d+) kB$", re.MULTILINE)
#: How long the making of one may take.
_READY_S = 60
_NS_GET_USERNS = 0xB701  # ioctl_ns(2)


@dataclass(frozen=True)
class Limits:
    """What the processes of one sandbox may use."""

    #: Memory of all of them together; and the address space of each, which numpy and threads reserve generously.
    memory_mb: int = 2048
    address_space_mb: int = 6144
    #: Processes and threads.
    processes: int = 128
    cpu_s: int = 600
    file_mb: int = 64
    #: All that can be written, in the home folder and in /tmp each.
    disk_mb: int = 128
    open_files: int = 1024

    def as_dict(self) -> dict[str, int]:
        """For a message."""
        return asdict(self)


class SandboxError(CourseError):
    """No sandbox can be made here: one line that says why, and what to do."""


_REMEDY = (
    "Student code is never run without it. Remedies: `apt-get install bubblewrap` on Debian and Ubuntu; on Ubuntu 24.04 also "
    "allow it user namespaces (`sysctl kernel.apparmor_restrict_unprivileged_userns=0`); on macOS grade inside a container; "
    "a container needs `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`, "
    "a pod what environment/jupyterhub/cluster/README.md says."
)


def require() -> None:
    """Make one sandbox and throw it away.

    Raises:
        SandboxError: it cannot be done here.
    """
    with Sandbox():
        pass


class Sandbox:
    """The namespaces of one submission. Closing it kills whatever runs inside.

    Args:
        beside: another sandbox, whose user namespace (where there is one) this one shares, so that a process may
            enter parts of both.
        data: a folder that is shown read-only at `/data`.
        handed_in: another, with the files that were handed in beside the notebook, shown at `/handed-in`.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        beside: Sandbox | None = None,
        data: Path | None = None,
        handed_in: Path | None = None,
    ) -> None:
        self.limits = limits or Limits()
        #: Without privileges a user namespace is needed to make the others.
        self.own_user = os.geteuid() != 0
        shown = {DATA: data, HANDED_IN: handed_in}
        self._process, self.pid = self._start(beside, {at: path for at, path in shown.items() if path})
        self.namespace = _namespace(self.pid)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, beside: Sandbox | None, shown: dict[str, Path]) -> tuple[subprocess.Popen[bytes], int]:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise SandboxError(f"Grading needs bubblewrap, which is not installed. {_REMEDY}")
        if not syscalls.known():
            raise SandboxError(
                "Grading needs a machine of kind x86_64 or aarch64: no filter of system calls is known for others."
            )
        reader, writer = os.pipe()
        inherited = [writer]
        command = [bwrap, *_namespaces(self.own_user and beside is None), *_mounts(self.limits, shown)]
        if self.own_user and beside is not None:
            user = user_namespace_of(beside.pid)
            inherited.append(user)
            command += ["--userns", str(user)]
        # `cat` keeps the namespaces open, and echoes one byte when all is in place.
        command += ["--info-fd", str(writer), "cat"]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
                env={"PATH": "/usr/bin:/bin"},
            )
        except OSError as error:
            raise SandboxError(f"bubblewrap does not start ({error.strerror}). {_REMEDY}") from None
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"x")
            process.stdin.flush()
        echo = select.poll()
        echo.register(process.stdout, select.POLLIN)
        ready = process.stdout.read(1) if echo.poll(1000 * _READY_S) else b""
        with os.fdopen(reader) as told:
            if ready != b"x":
                process.kill()
                said = process.stderr.read().decode(errors="replace").strip().splitlines() or [
                    "it said nothing"
                ]
                _leave(process)
                raise SandboxError(f"bubblewrap cannot make a sandbox here ({said[-1]}). {_REMEDY}")
            return process, int(json.load(told)["child-pid"])

    def members(self) -> list[int]:
        """The processes inside, as this system numbers them."""
        found = []
        for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is wanted
            if name.isdigit() and _namespace(int(name)) == self.namespace:
                found.append(int(name))
        return found

    def memory_mb(self) -> float:
        """Memory of the processes inside, less that of mapped files; pages shared with others count in proportion."""
        total = 0
        for pid in self.members():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += sum(int(kb) for kb in _PRIVATE.findall(text))
        return total / 1024

    def close(self) -> None:
        """Kill everything inside, and wait until it is gone."""
        # The first process of a pid namespace takes all others with it, and is gone for its parent only when they are.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        _leave(self._process)


def user_namespace_of(pid: int) -> int:
    """A descriptor of the user namespace that owns the namespaces of this process.

    It is not always the one in which the process is: bubblewrap may end up in a nested one, without rights over the others.
    """
    net = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        return fcntl.ioctl(net, _NS_GET_USERNS)
    finally:
        os.close(net)


def _leave(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)  # what the kernel itself holds must not hold us
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            stream.close()


def _namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115
    except OSError:
        return None


def _namespaces(user: bool) -> list[str]:
    return [
        *(["--unshare-user"] if user else []),
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--hostname",
        "lab",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ]


def _mounts(limits: Limits, shown: dict[str, Path]) -> list[str]:
    """bubblewrap's options for the file system: read-only programs, and memory to write to."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        place = Path(name)
        if place.is_symlink():
            options += ["--symlink", os.readlink(name), name]  # noqa: PTH115
        elif place.is_dir():
            options += ["--ro-bind", name, name]
    for name in ("ld.so.cache", "ssl", "ca-certificates", "alternatives", "localtime", "mime.types", "fonts"):
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    # Before what is shown read-only: a course may lie in /tmp or /home, and would be hidden.
    size = str(limits.disk_mb * _MB)
    options += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp"]
    options += ["--perms", "0755", "--dir", "/home", "--perms", "1777", "--size", size, "--tmpfs", HOME]
    made: set[Path] = {Path("/"), Path("/usr"), Path("/etc"), Path("/tmp"), Path("/home"), Path(HOME)}
    for folder in python_folders():
        for parent in reversed(folder.parents):
            if parent not in made and not parent.is_relative_to("/usr"):
                options += ["--perms", "0755", "--dir", str(parent)]  # made on the way they would be 0700
                made.add(parent)
        if not folder.is_relative_to("/usr"):
            options += ["--ro-bind", str(folder), str(folder)]
            made.add(folder)
    options += ["--proc", "/proc", "--dev", "/dev"]
    options += ["--perms", "1777", "--size", str(16 * _MB), "--tmpfs", "/dev/shm"]
    for at, path in shown.items():
        options += ["--ro-bind", str(path), at]
    return [*options, "--chdir", "/"]


def python_folders() -> list[Path]:
    """What this Python needs to import what the course uses; never a folder that holds notebooks."""
    package = Path(__file__).resolve().parents[1]
    paths = [Path(sys.prefix), Path(sys.base_prefix), package, package.parent / "measurements"]
    paths += [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    # Not whatever else is on the path: that may be the course's own folder.
    paths += [Path(name) for name in sys.path if Path(name).name in ("site-packages", "dist-packages")]
    found: list[Path] = []
    for path in sorted({p.resolve() for p in paths if p.exists()}, key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(known) for known in found):
            found.append(path)
    return found


def describe(sandbox: Sandbox) -> dict[str, Any]:
    """What a sandbox is made of, for a verdict."""
    return {"user_namespace": sandbox.own_user, **sandbox.limits.as_dict()}
