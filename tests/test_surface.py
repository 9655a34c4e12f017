"""Every engine flag, metric, variable and import the course uses exists in both locked vLLM versions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from servelab.engine import surface

LOCKS = ROOT / "environment" / "locks"
SNAPSHOT = json.loads((LOCKS / "gpu-surface.json").read_text())

# Flags that belong to other programs which the course also names.
OTHER_PROGRAMS = {
    "--check", "--execute", "--json", "--students", "--quick", "--help", "--lab", "--jobs", "--nbval-lax",
    "--scheduler", "--force", "--no-deps", "--query-gpu", "--format", "--replicas", "--wait", "--documentation",
}  # fmt: skip
# Prometheus adds these to a metric's name: counters get _total, histograms get three series.
SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created")
_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z0-9]+(?:[-_][a-z0-9]+)*)")  # vLLM takes _ for - as well
_ABSENT = re.compile(r"There is no `[^`]+`")
_ONLY_INSTALLED = re.compile(r"vLLM 0\.32 has `[^`]+`")
_QUOTED_FLAG = re.compile(r"[\"'](--[a-z][a-z0-9]+(?:-[a-z0-9]+)*)[\"'= ]")
_METRIC = re.compile(r"vllm:[a-z0-9_]+")
_VARIABLE = re.compile(r"(?:[\"'`]|\$|export |^|\s)(VLLM_[A-Z0-9_]*[A-Z0-9])(?=[\"'`=])", re.M)
_MODULE = re.compile(r"\bvllm(?:\.[a-z_0-9]+)+")


def course_files() -> Iterator[Path]:
    yield from sorted((ROOT / "solutions").glob("*/*.py"))
    yield from sorted((ROOT / "quizzes").glob("*.yaml"))
    for room in ("engine", "load"):
        yield from sorted((ROOT / "environment" / "servelab" / room).glob("*.py"))


def flags_in(path: Path, text: str) -> set[str]:
    """Flags of vLLM: all that labs and quizzes name, and in our own modules those in quotes in `profiles.py`."""
    if path.parent.name in ("engine", "load"):
        return set(_QUOTED_FLAG.findall(text)) - OTHER_PROGRAMS if path.stem == "profiles" else set()
    return {flag.replace("_", "-") for flag in _FLAG.findall(text)} - OTHER_PROGRAMS


def claims(path: Path, *, installed: bool) -> str:
    """A file's text without what it does not claim to exist: recorded wrong answers, "there is no", other versions."""
    text = path.read_text()
    if path.suffix == ".yaml":
        bank = yaml.safe_load(text)
        for item in bank["items"]:
            item.pop("wrong", None)
        text = yaml.safe_dump(bank, width=10**6, allow_unicode=True)
    text = _ABSENT.sub("", text)
    return text if installed else _ONLY_INSTALLED.sub("", text)


def missing(surface_of: dict, text: str, path: Path) -> list[str]:
    """What a file uses and a version does not have."""
    metrics = set(surface_of["metrics"])
    known = metrics | {m + s for m in metrics for s in SUFFIXES} | {m.removesuffix("_total") for m in metrics}
    lost = [f for f in sorted(flags_in(path, text)) if f not in surface_of["flags"]]
    lost += [m for m in sorted(set(_METRIC.findall(text))) if m not in known and not m.endswith("_")]
    lost += [v for v in sorted(set(_VARIABLE.findall(text))) if v not in surface_of["variables"]]
    modules = set(surface_of["modules"])
    for name in sorted(set(_MODULE.findall(text))):
        if name.startswith(("vllm.entrypoints", "vllm.engine")) and name not in modules:
            lost.append(name)
    return lost


def test_snapshot_is_of_the_locked_wheel() -> None:
    lock = (LOCKS / "gpu.txt").read_text()
    assert f"vllm=={SNAPSHOT['version']} " in lock
    assert SNAPSHOT["sha256"] in lock


@pytest.mark.parametrize("path", list(course_files()), ids=lambda p: p.name)
def test_exists_in_gpu_version(path: Path) -> None:
    assert missing(SNAPSHOT, claims(path, installed=False), path) == []


@pytest.fixture(scope="module")
def installed() -> dict:
    return surface.installed()


@pytest.mark.parametrize("path", list(course_files()), ids=lambda p: p.name)
def test_exists_in_installed_version(path: Path, installed: dict) -> None:
    assert missing(installed, claims(path, installed=True), path) == []


def test_what_does_not_exist_is_found() -> None:
    text = (
        "vllm serve --max-modle-len 10 --max-model-len 10, vllm:queue_depth, vllm:num_requests_running, "
        "`VLLM_REQUEST_TIMEOUT`, vllm.entrypoints.openai.api_servant"
    )
    found = missing(SNAPSHOT, text, Path("lab.py"))
    assert found == [
        "--max-modle-len",
        "vllm:queue_depth",
        "VLLM_REQUEST_TIMEOUT",
        "vllm.entrypoints.openai.api_servant",
    ]


def test_what_a_bank_does_not_claim(tmp_path: Path) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text(
        "items:\n  - why: 'vLLM 0.32 has `--max-num-queued-reqs`. There is no `VLLM_REQUEST_TIMEOUT`. Use `--max-tokens`.'\n"
        "    wrong: [{text: vllm serve --max-modle-len 1}]\n"
        "    right: [{text: vllm serve --max_model_len 1}]\n"
    )
    assert missing(SNAPSHOT, claims(path, installed=False), path) == ["--max-tokens"]
    assert "--max-num-queued-reqs" in flags_in(path, claims(path, installed=True))
