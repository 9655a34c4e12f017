"""What a student's server sees of the machine: the course without its secrets, their own home, the exchange; nothing else.

bubblewrap (https://github.com/containers/bubblewrap) makes a view of the file system and a process list of their own; then root's
rights are given up for the student's account. So it does not matter where the course, its Python or anybody's home lies, or who may
read there. The network is the machine's: the Hub and the server talk over the loopback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from servelab import paths
from servelab.grading.sandbox import python_folders
from servelab.hub.people import Folder, Person, write_private

#: Where students find the course, and nbgrader's exchange.
COURSE, EXCHANGE = "/course", "/exchange"
#: What is made already (the model, checkpoints, vectors), read-only. The student's own cache links to it, because what is missing
#: is made there. They make the links themselves: nothing is done with root's rights below a folder that a student can change.
ARTEFACTS = "/artefacts"
_BEGIN = f"""
mine="$HOME/.cache/servelab/artefacts"; mkdir -p "$mine"
for made in {ARTEFACTS}/*; do
  [ -d "$made" ] && [ ! -e "$mine/${{made##*/}}" ] && ln -sfn "$made" "$mine/${{made##*/}}"
done
exec "$@"
"""
# bubblewrap reads its options from a file: a command line is there for everybody to read.
_ENTER = ["sh", "-c", 'options=$1; shift; exec bwrap --args 9 -- "$@" 9<"$options"', "sh"]
# Not by bubblewrap, which covers parts of /proc against root: below such a cover no sandbox can be made, and `servelab check` makes one.
_PROC = ["sh", "-c", 'mount -t proc -o nosuid,nodev,noexec proc /proc && exec "$@"', "sh"]
_GB = 1 << 30
_ETC = (
    "alternatives", "bash.bashrc", "ca-certificates", "ca-certificates.conf", "fonts", "host.conf", "hosts", "inputrc", "ld.so.cache",
    "localtime", "mime.types", "nsswitch.conf", "profile", "resolv.conf", "ssl", "terminfo", "timezone",
)  # fmt: skip


def command(person: Person, folder: Folder, program: Sequence[str], group: Path | None = None) -> list[str]:
    """The command line that runs a program as this student, in their own view of the machine.

    Args:
        person: the student.
        folder: the class.
        program: what to run.
        group: the student's control group, which programs look at for how much memory there is.
    """
    home = f"/home/{person.login}"
    view = _View()
    view.system()
    view.bind(folder.home(person.login), home)
    view.show(folder.release, COURSE)
    view.bind(folder.work(person.login), f"{COURSE}/work")
    view.bind(folder.exchange, EXCHANGE)
    view.python(_instead(folder))
    made = paths.cache_dir() / "artefacts"
    if made.is_dir():
        view.show(made, ARTEFACTS)
    view.show(folder.names(person.login) / "passwd", "/etc/passwd")
    view.show(folder.names(person.login) / "group", "/etc/group")
    view.machine(group)
    view.options += ["--chdir", f"{COURSE}/work"]
    options = folder.home(person.login).with_name("view")
    view.write(options)
    begin = ["sh", "-c", _BEGIN, "sh", *program]
    return [*_ENTER, str(options), *_PROC, *_drop(person.uid, person.gid), *begin]


def proxy(program: Sequence[str], folders: Sequence[Path], uid: int, gid: int) -> list[str]:
    """The command line that runs a program that needs nothing but some folders and the network."""
    view = _View()
    view.system()
    for folder in folders:
        view.show(folder, str(folder))
    return ["bwrap", *view.options, "--proc", "/proc", "--chdir", "/", *_drop(uid, gid), *program]


def home_environment(person: Person) -> dict[str, str]:
    """The variables that say who one is, and where the course lies, inside."""
    from servelab.jupyter import lab

    here = lab.environment(Path(COURSE))
    home = f"/home/{person.login}"
    return {
        "HOME": home,
        "USER": person.login,
        "LOGNAME": person.login,
        "SHELL": "/bin/bash",
        "LANG": os.environ.get("LANG") or "C.UTF-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "JUPYTER_CONFIG_PATH": os.pathsep.join([COURSE, *_own(here["JUPYTER_CONFIG_PATH"]), str(_STUDENT)]),
        "JUPYTER_PATH": os.pathsep.join(_own(here["JUPYTER_PATH"])),
        "SERVELAB_ROOT": COURSE,
        "SERVELAB_WORK": f"{COURSE}/work",
        "SERVELAB_EXCHANGE": EXCHANGE,
        # nbgrader_config.py makes this folder; students keep nothing in it.
        "SERVELAB_GRADEBOOK": f"{home}/.local/share/servelab",
        "SERVELAB_CACHE": f"{home}/.cache/servelab",
    }


_PACKAGE = Path(__file__).resolve().parents[1]
#: Jupyter's settings for students: without the instructor's buttons.
_STUDENT = _PACKAGE / "hub" / "student"


def _own(search_path: str) -> list[str]:
    """The folders of a search path that belong to the course's package: others are this machine's, not a student's."""
    return [name for name in search_path.split(os.pathsep) if Path(name).is_relative_to(_PACKAGE)]


def _instead(folder: Folder) -> dict[Path, Path]:
    """What is shown in the place of what: the package as the release has it, where the course brings the package."""
    environment = _PACKAGE.parent
    released = folder.release / environment.name
    if environment.is_relative_to(folder.course) and released.is_dir():
        return {environment: released}
    return {}


def _drop(uid: int, gid: int) -> list[str]:
    """Give up root for good: set-user-id programs give nothing back."""
    return [
        "setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
        "--no-new-privs", "--",
    ]  # fmt: skip


class _View:
    """bubblewrap's options, put together in order: later mounts lie over earlier ones."""

    def __init__(self) -> None:
        self.options = ["--unshare-pid", "--unshare-ipc", "--die-with-parent"]
        self._made = {Path("/"), Path("/usr"), Path("/etc"), Path("/tmp")}

    def system(self) -> None:
        """Programs and libraries, read-only, and a /tmp of one's own."""
        self.options += ["--ro-bind", "/usr", "/usr"]
        for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
            place = Path(name)
            if place.is_symlink():
                self.options += ["--symlink", os.readlink(name), name]  # noqa: PTH115
            elif place.is_dir():
                self.options += ["--ro-bind", name, name]
        self.options += ["--perms", "0755", "--dir", "/etc"]
        for name in _ETC:
            self.options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        self.options += ["--perms", "1777", "--size", str(_GB), "--tmpfs", "/tmp"]
        self.options += ["--perms", "0555", "--dir", "/proc", "--dev", "/dev"]
        self.options += ["--perms", "1777", "--size", str(2 * _GB), "--tmpfs", "/dev/shm"]

    def write(self, path: Path) -> None:
        """Put the options into a file that only root can read, as `bwrap --args` wants them."""
        write_private(path, "".join(f"{option}\0" for option in self.options))

    def folder(self, inside: str) -> None:
        """Make a folder and those above it readable; bubblewrap's own would be 0700."""
        for place in (*reversed(Path(inside).parents), Path(inside)):
            if place not in self._made and not place.is_relative_to("/usr"):
                self.options += ["--perms", "0755", "--dir", str(place)]
                self._made.add(place)

    def show(self, outside: Path, inside: str) -> None:
        """Show a file or folder read-only."""
        self._put("--ro-bind", outside, inside)

    def bind(self, outside: Path, inside: str) -> None:
        """Show a folder as it is; who may write there, its permissions say."""
        self._put("--bind", outside, inside)

    def _put(self, kind: str, outside: Path, inside: str) -> None:
        if not Path(inside).is_relative_to(COURSE):
            self.folder(str(Path(inside).parent))
        self.options += [kind, str(outside), inside]

    def python(self, instead: dict[Path, Path]) -> None:
        """This Python and its packages, at their own places."""
        for at in python_folders():
            replaced = next((to for to in instead if at.is_relative_to(to)), None)
            if at.is_relative_to("/usr") or replaced is not None:
                continue
            self.folder(str(at.parent))
            self.options += ["--ro-bind", str(at), str(at)]
        for at, shown in instead.items():
            self.show(shown, str(at))

    def machine(self, group: Path | None) -> None:
        """What programs ask about processors and memory, and the graphics cards."""
        if Path("/sys/devices/system").is_dir():
            self.show(Path("/sys/devices/system"), "/sys/devices/system")
        if group is not None:
            self.show(group, "/sys/fs/cgroup/memory" if "memory" in group.parts else "/sys/fs/cgroup")
        for device in sorted(Path("/dev").glob("nvidia*")):
            self.options += ["--dev-bind-try", str(device), str(device)]
