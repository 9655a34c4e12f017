"""`servelab doctor`: is this machine ready, for which labs, and what to do if not. Never imports torch or vLLM."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil
from pydantic import BaseModel

from servelab import children, engine, paths, retrieval
from servelab.engine import artefacts, client, interpreter, profiles
from servelab.engine.profiles import GIB, Profile
from servelab.errors import CourseError
from servelab.needs import Needs

if TYPE_CHECKING:
    from rich.console import Console

# What a lab imports, and who brings it. The engine is looked at on its own.
_PACKAGES = ("jupyterlab", "nbgrader", "flask", "httpx", "openai", "matplotlib", "torch", "transformers")
_NOT_ON_COLAB = {"jupyterlab", "nbgrader"}  # a notebook there is opened and handed in by other means
_CACHE_BYTES = GIB  # the converted model, what vLLM keeps, and room to write before renaming
_WORK_BYTES = GIB // 4


class Finding(BaseModel):
    """One thing that was looked at.

    `level`: "ok"; "note": a lab works without it; "bad": some lab does not.
    """

    name: str
    level: Literal["ok", "note", "bad"]
    found: str
    remedy: str = ""


class LabFitness(BaseModel):
    """Whether one lab can run here. `minutes` is a student's time, `start_s` what the machine needs before its first answer."""

    name: str
    can_run: bool
    minutes: int | None = None
    start_s: int = 0
    engine: str = ""
    remedy: str = ""


class Diagnosis(BaseModel):
    """All findings. `ready`: every released lab can run here."""

    ready: bool
    profile: str
    backend: str
    findings: list[Finding]
    labs: list[LabFitness]


def diagnose() -> Diagnosis:
    """Look at this machine. Quick; starts nothing, changes nothing."""
    profile, problem = _profile()
    findings = [
        _python(),
        *_processor(),
        _gpu(profile),
        _memory(profile),
        _disk(),
        _ports(),
        *_packages(),
        _vllm(profile, problem),
        _model(profile),
        *_tools(),
    ]
    labs = _labs(profile, {f.name: f for f in findings})
    return Diagnosis(
        ready=all(f.level != "bad" for f in findings) and all(lab.can_run for lab in labs),
        profile=profile.name,
        backend=profiles.backend(profile),
        findings=findings,
        labs=labs,
    )


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print a diagnosis as two tables."""
    from rich.table import Table
    from rich.text import Text

    marks = {"ok": Text("ok", "green"), "note": Text("note", "yellow"), "bad": Text("bad", "bold red")}
    table = Table(
        title="This machine", title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False
    )
    for finding in diagnosis.findings:
        said = Text(finding.found)
        if finding.level != "ok" and finding.remedy:
            said.append(f"\n-> {finding.remedy}", "yellow" if finding.level == "note" else "red")
        table.add_row(marks[finding.level], finding.name, said)
    console.print(table)
    if diagnosis.labs:
        table = Table(title="\nLabs", title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False)
        for lab in diagnosis.labs:
            about = [f"{lab.minutes} minutes"] if lab.minutes else []
            about += [f"about {lab.start_s} s until the first answer"] if lab.start_s else []
            said = Text(", ".join(about) or "-")
            if lab.remedy:
                said.append(f"\n-> {lab.remedy}", "red")
            table.add_row(Text("can run", "green") if lab.can_run else Text("cannot", "red"), lab.name, said)
        console.print(table)
    words = "Ready" if diagnosis.ready else "Not ready: see the lines marked bad"
    console.print(f"\n{words}. Back end: {diagnosis.backend}.", highlight=False)


# -- what is looked at


def _profile() -> tuple[Profile, str]:
    """The profile that labs will use here, and what is wrong with the choice."""
    try:
        return profiles.profile(), ""
    except engine.EngineError as error:
        return profiles.profile("cpu"), f"{error.what}: {error.remedy}"


def _python() -> Finding:
    # An older Python cannot have installed this package, so there is nothing to object to.
    return Finding(name="Python", level="ok", found=f"{platform.python_version()} in {sys.prefix}")


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line.split(":")[1] for line in lines if line.startswith("flags")), "").split())


def _processor() -> list[Finding]:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    flags = _cpu_flags()
    vector = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")
    found = f"{platform.machine()}, {cores} core{'s' if cores > 1 else ''}{', ' + vector if vector else ''}"
    if platform.system() != "Linux":
        remedy = "vLLM runs on Linux: use WSL2 on Windows, a Linux machine, or Colab."
        return [Finding(name="Processor", level="bad", found=f"{platform.system()}, {found}", remedy=remedy)]
    if platform.machine() == "x86_64" and not vector:
        remedy = "vLLM for CPU needs AVX2 at least: use a newer machine, or Colab."
        return [Finding(name="Processor", level="bad", found=found, remedy=remedy)]
    if cores < 2:
        return [
            Finding(
                name="Processor",
                level="note",
                found=found,
                remedy="labs are made for two cores, and are slow on one.",
            )
        ]
    return [Finding(name="Processor", level="ok", found=found)]


def _gpu(profile: Profile) -> Finding:
    card = profiles.gpu()
    if card is None:
        return Finding(name="GPU", level="ok", found="none; not needed, labs then use the CPU")
    major, minor = card.compute_capability
    found = f"{card.name}, {card.memory_bytes / GIB:.0f} GiB ({card.free_bytes / GIB:.0f} free), compute capability "
    found += f"{major}.{minor}"
    if card.compute_capability < (7, 0):
        return Finding(name="GPU", level="note", found=found, remedy="vLLM needs 7.0: labs use the CPU.")
    if profile.name == "gpu" and card.free_bytes < 0.9 * card.memory_bytes:
        remedy = "something else uses it: `nvidia-smi` shows what. vLLM wants nine tenths of it."
        return Finding(name="GPU", level="note", found=found, remedy=remedy)
    if profile.name != "gpu":
        remedy = "not used: install the gpu extra, or set SERVELAB_PROFILE=gpu."
        return Finding(name="GPU", level="note", found=found, remedy=remedy)
    return Finding(name="GPU", level="ok", found=found)


def _memory(profile: Profile) -> Finding:
    free, total = engine.available_bytes(), psutil.virtual_memory().total
    need = _lab_bytes(profile, Needs())
    found = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free; a lab with an engine takes {need / GIB:.1f}"
    if free >= need:
        return Finding(name="Memory", level="ok", found=found)
    running = engine.running()
    if running:  # that memory is theirs, and the lab will use them
        return Finding(
            name="Memory", level="note", found=found, remedy="an engine runs already; see the labs below."
        )
    return Finding(
        name="Memory",
        level="bad",
        found=found,
        remedy="close programs and notebooks, or take a larger machine.",
    )


def _disk() -> Finding:
    cache = paths.cache_dir()
    free, where = _free_disk(cache)
    found = f"{free / GIB:.1f} GiB free in {where}"
    need = 0 if _model_is_there() else _CACHE_BYTES
    if free < need + _WORK_BYTES:
        remedy = "free some space, or set SERVELAB_CACHE to a folder on a larger disk."
        return Finding(name="Disk", level="bad", found=found, remedy=remedy)
    if not os.access(where, os.W_OK):
        remedy = "make it yours, or set SERVELAB_CACHE to a folder you may write to."
        return Finding(name="Disk", level="bad", found=f"{where} is not writable", remedy=remedy)
    return Finding(name="Disk", level="ok", found=found)


def _free_disk(folder: Path) -> tuple[int, Path]:
    """Free bytes where the folder is or will be, and the part of its path that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free, folder


def _ports() -> Finding:
    try:
        port = client.free_port()
    except engine.EngineError as error:
        return Finding(name="Ports", level="bad", found=error.what, remedy="stop what listens there.")
    except OSError as error:
        remedy = "allow this user to listen on 127.0.0.1."
        return Finding(
            name="Ports", level="bad", found=f"cannot open one on 127.0.0.1: {error}", remedy=remedy
        )
    found = f"free ones for engines, {port} for example"
    lab = _listens(8888)
    return Finding(
        name="Ports", level="ok", found=found + ("; 8888 is in use, JupyterLab takes another" if lab else "")
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _packages() -> list[Finding]:
    colab = paths.on_colab()
    wanted = [name for name in _PACKAGES if not (colab and name in _NOT_ON_COLAB)]
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        remedy = (
            "run the lab's first cells again; they add what this runtime lacks."
            if colab
            else "run `make setup`; it puts every package in place."
        )
        return [Finding(name="Packages", level="bad", found=f"missing: {', '.join(missing)}", remedy=remedy)]
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("jupyterlab", "nbgrader", "openai")
        if name in wanted
    )
    return [Finding(name="Packages", level="ok", found=versions)]


def _vllm(profile: Profile, problem: str) -> Finding:
    if problem:
        names = [name for name in (interpreter.VARIABLE, "SERVELAB_PROFILE") if os.environ.get(name)]
        remedy = f"unset {' and '.join(names)}."
        return Finding(name="Engine", level="bad", found=problem, remedy=remedy)
    if url := os.environ.get("SERVELAB_ENGINE_URL"):
        return Finding(name="Engine", level="ok", found=f"labs use the one at {url} (SERVELAB_ENGINE_URL)")
    if profile.name == "scripted":
        remedy = "unset SERVELAB_PROFILE: the scripted engine is for tests, its results earn nothing."
        return Finding(name="Engine", level="note", found="scripted", remedy=remedy)
    found = profiles.engine_version()
    if found is None and paths.on_colab():
        remedy = "run the lab's first cells again; they make its environment."
        return Finding(name="Engine", level="bad", found="vLLM is not installed", remedy=remedy)
    if found is None:
        remedy = "run `make setup`, or set SERVELAB_ENGINE_URL to an engine that runs elsewhere."
        return Finding(name="Engine", level="bad", found="vLLM is not installed", remedy=remedy)
    where = f", run by {interpreter.python()}" if interpreter.apart() else ""
    return Finding(name="Engine", level="ok", found=f"{found[0]} {found[1]}, profile {profile.name}{where}")


def _model_is_there() -> bool:
    try:
        return artefacts.ARTEFACTS[artefacts.SMOLLM2].path().is_dir()
    except engine.EngineError:
        return False


def _model(profile: Profile) -> Finding:
    if profile.source.startswith("hub:"):
        name = profile.source.removeprefix("hub:").split("@")[0]
        return Finding(
            name="Model", level="ok", found=f"{name}, from the model hub or its cache; no account needed"
        )
    try:
        path = artefacts.ARTEFACTS[artefacts.SMOLLM2].path()
    except engine.EngineError as error:
        if paths.on_colab():
            remedy = "it comes with the engine's environment, when a lab first needs that."
            return Finding(name="Model", level="note", found="not here yet", remedy=remedy)
        return Finding(name="Model", level="bad", found=error.what, remedy=error.remedy)
    if path.is_dir():
        return Finding(name="Model", level="ok", found=f"{path.name}, converted")
    seconds = artefacts.ARTEFACTS[artefacts.SMOLLM2].seconds
    return Finding(name="Model", level="ok", found=f"{path.name}, not converted yet: {seconds:.0f} s, once")


def _tools() -> list[Finding]:
    """Programs that some uses need."""
    uses = {
        ("g++",): ("g++", "compiling an engine's kernels; labs run without (--enforce-eager)"),
        ("bwrap",): ("bubblewrap", "grading"),
        ("promtool",): ("prometheus", "lab 09 and the questions on PromQL"),
        ("amtool",): ("prometheus-alertmanager", "lab 09"),
        ("nginx",): ("nginx", "the load balancer of lab 05"),
        ("chromium", "chromium-browser", "google-chrome"): ("chromium", "the browser tests of contributors"),
    }
    findings = []
    for names, (package, use) in uses.items():
        beside = os.pathsep.join(map(str, children.program_folders()))
        where = next(filter(None, (shutil.which(n) or shutil.which(n, path=beside) for n in names)), None)
        refused = _sandbox_refused(where) if where and names == ("bwrap",) else None
        if refused:
            remedy = "The labs run without; grading and `servelab check` say what this machine or container must allow."
            findings.append(
                Finding(name="bwrap", level="note", found=f"makes no sandbox here ({refused})", remedy=remedy)
            )
        elif where:
            findings.append(Finding(name=names[0], level="ok", found=where))
        else:
            remedy = f"`sudo apt install {package}` when you need that."
            findings.append(
                Finding(name=names[0], level="note", found=f"missing; used for {use}", remedy=remedy)
            )
    return findings


def _sandbox_refused(bwrap: str) -> str | None:
    """What bubblewrap says where it may not make what grading needs; None where it may. In most containers it may not."""
    command = [bwrap, *(["--unshare-user"] if os.geteuid() else []), "--unshare-pid", "--unshare-net"]
    command += [
        "--unshare-uts",
        "--hostname",
        "lab",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    try:
        done = subprocess.run(
            [*command, "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip().splitlines() or ["it said nothing"])[-1] if done.returncode else None


# -- lab by lab


def _own_bytes(need: Needs) -> int:
    return int(need.own_gib * GIB)


def _lab_bytes(profile: Profile, need: Needs) -> int:
    return _own_bytes(need) + (client.needed_bytes(profile) if need.engine else 0)


def _labs(profile: Profile, findings: dict[str, Finding]) -> list[LabFitness]:
    try:
        root = paths.course_root()
    except CourseError:
        return []
    return [_lab(name, root, profile, findings) for name in paths.lab_names(root)]


def _lab(name: str, root: Path, profile: Profile, findings: dict[str, Finding]) -> LabFitness:
    notebook = _header(root / "labs" / name / f"{name}.ipynb")
    need = notebook.needs
    elsewhere = need.engine and bool(os.environ.get("SERVELAB_ENGINE_URL"))
    wanted = ["Python", "Processor", "Disk", "Ports", "Packages", "Model"]
    wanted += ["Engine"] if need.engine and not elsewhere else []
    remedies = [
        f"{f.name}: {f.found}: {f.remedy}" for f in map(findings.__getitem__, wanted) if f.level == "bad"
    ]
    bytes_needed = _own_bytes(need) if elsewhere else _lab_bytes(profile, need)
    if need.engine and engine.running():
        bytes_needed = _own_bytes(need)
    if (free := engine.available_bytes()) < bytes_needed:
        remedies.append(
            f"Memory: it takes {bytes_needed / GIB:.1f} GiB and {free / GIB:.1f} are free: close programs."
        )
    wait_s = (
        0.0 if _model_is_there() or profile.name != "cpu" else artefacts.ARTEFACTS[artefacts.SMOLLM2].seconds
    )
    made_s, made_bytes = _still_to_make(need) if profile.name == "cpu" else (0.0, 0)
    wait_s += made_s
    if made_bytes and (free := _free_disk(paths.cache_dir())[0]) < made_bytes + _WORK_BYTES:
        remedies.append(
            f"Disk: its checkpoints take {made_bytes / GIB:.1f} GiB while they are made and {free / GIB:.1f} are free: "
            "free some space, or set SERVELAB_CACHE to a folder on a larger disk."
        )
    if need.engine and not elsewhere:
        wait_s += client.expected_s(profile)
    return LabFitness(
        name=name,
        can_run=not remedies,
        minutes=notebook.minutes,
        start_s=round(wait_s),
        engine=profile.name if need.engine else "none",
        remedy=" ".join(remedies),
    )


def _still_to_make(need: Needs) -> tuple[float, int]:
    """Seconds and bytes of disk that the lab's own artefacts still take, the first time."""
    seconds, size = 0.0, 0
    if need.made:
        retrieval.register_artefacts()
    for name in need.made:
        artefact = artefacts.ARTEFACTS[name]
        try:
            there = artefact.path().is_dir()
        except engine.EngineError:  # the model's package is missing, which is said elsewhere
            continue
        if not there:
            seconds, size = seconds + artefact.seconds, size + int(artefact.disk_gb * 1e9)
    return seconds, size


class _Header(BaseModel):
    """What a released notebook carries of its lab's header."""

    minutes: int | None = None
    needs: Needs = Needs()


def _header(notebook: Path) -> _Header:
    """What the lab says itself, or what most labs need where it says nothing that can be read."""
    try:
        return _Header.model_validate(
            json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["servelab"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return _Header()
