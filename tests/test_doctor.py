"""What `servelab doctor` says about machines that lack something."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from servelab import doctor, engine
from servelab.engine import artefacts, profiles
from servelab.engine.profiles import GIB, Gpu

QUANTIZED = ["quantize-environment", "smollm2-135m-instruct-awq", "smollm2-135m-instruct-int8"]


def released(course: Path, name: str, **header: Any) -> None:
    """A released notebook with that much of its lab's header."""
    folder = course / "labs" / name
    folder.mkdir(parents=True, exist_ok=True)
    notebook = {"metadata": {"servelab": header}, "cells": []}
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook))


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with labs 01 and 02, on a machine of which nothing is wrong."""
    (tmp_path / "nbgrader_config.py").touch()
    released(tmp_path, "01-naive-serving", minutes=75, needs={"engine": False, "own_gib": 1.5})
    released(tmp_path, "02-vllm", minutes=90, needs={"own_gib": 1.5})
    monkeypatch.setenv("SERVELAB_ROOT", str(tmp_path))
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SERVELAB_PROFILE", "cpu")
    monkeypatch.delenv("SERVELAB_ENGINE_URL", raising=False)
    monkeypatch.setattr(engine, "available_bytes", lambda: 16 * GIB)
    monkeypatch.setattr(doctor, "_free_disk", lambda folder: (50 * GIB, tmp_path))
    monkeypatch.setattr(doctor, "_cpu_flags", lambda: {"avx2", "avx512f"})
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    return tmp_path


def finding(name: str) -> doctor.Finding:
    return next(f for f in doctor.diagnose().findings if f.name == name)


def test_all_is_well(course: Path) -> None:
    found = doctor.diagnose()
    assert found.ready, [f for f in found.findings if f.level == "bad"]
    assert [(lab.name, lab.can_run, lab.minutes) for lab in found.labs] == [
        ("01-naive-serving", True, 75),
        ("02-vllm", True, 90),
    ]
    assert [lab.engine for lab in found.labs] == ["none", "cpu"]
    first, second = found.labs
    assert 0 < first.start_s < second.start_s  # both wait for the conversion, the second for an engine too
    assert "once" in finding("Model").found


def test_little_memory_stops_only_the_labs_that_need_it(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "available_bytes", lambda: 2 * GIB)
    found = doctor.diagnose()
    assert not found.ready
    assert [lab.can_run for lab in found.labs] == [True, False]
    assert "2.0 are free" in found.labs[1].remedy
    assert finding("Memory").level == "bad"


def test_a_full_disk(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_free_disk", lambda folder: (GIB // 2, course))
    found = doctor.diagnose()
    assert finding("Disk").level == "bad"
    assert "SERVELAB_CACHE" in found.labs[0].remedy
    assert not any(lab.can_run for lab in found.labs)


def test_what_a_lab_has_made_costs_seconds_and_disk(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released(course, "03-quantization-awq", needs={"own_gib": 1.5, "made": QUANTIZED})
    found = {lab.name: lab for lab in doctor.diagnose().labs}
    assert found["03-quantization-awq"].can_run
    assert found["03-quantization-awq"].start_s > found["02-vllm"].start_s + 60
    monkeypatch.setattr(doctor, "_free_disk", lambda folder: (int(1.5 * GIB), course))
    found = {lab.name: lab for lab in doctor.diagnose().labs}
    assert found["02-vllm"].can_run
    assert "its checkpoints take 2." in found["03-quantization-awq"].remedy
    for name in QUANTIZED:
        artefacts.ARTEFACTS[name].path().mkdir(parents=True)
    found = {lab.name: lab for lab in doctor.diagnose().labs}
    assert found["03-quantization-awq"].can_run
    assert found["03-quantization-awq"].start_s == found["02-vllm"].start_s


def test_sentences_that_are_embedded_once_are_waited_for(course: Path) -> None:
    released(course, "06-vector-database", needs={"engine": False, "made": ["pieces"]})
    (before,) = [lab for lab in doctor.diagnose().labs if lab.name == "06-vector-database"]
    assert before.can_run and before.engine == "none"
    artefacts.ARTEFACTS["pieces"].path().mkdir(parents=True)
    (after,) = [lab for lab in doctor.diagnose().labs if lab.name == "06-vector-database"]
    assert before.start_s - after.start_s == artefacts.ARTEFACTS["pieces"].seconds


def test_no_engine_stops_the_labs_that_use_one(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "engine_version", lambda: None)
    found = doctor.diagnose()
    assert [lab.can_run for lab in found.labs] == [True, False]
    assert "make setup" in found.labs[1].remedy
    monkeypatch.setenv("SERVELAB_ENGINE_URL", "http://127.0.0.1:9")
    assert all(lab.can_run for lab in doctor.diagnose().labs)


def test_the_models_package_is_missing(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise engine.EngineError("The course's model is missing", remedy="run `make setup`.")

    lost = artefacts.ARTEFACTS[artefacts.SMOLLM2].__class__(
        **{**vars(artefacts.ARTEFACTS[artefacts.SMOLLM2]), "source": missing}
    )
    monkeypatch.setitem(artefacts.ARTEFACTS, artefacts.SMOLLM2, lost)
    assert finding("Model").level == "bad"
    assert not doctor.diagnose().ready


def test_packages_are_missing(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("httpx", "no_such_package"))
    assert finding("Packages").found == "missing: no_such_package"


def test_an_old_processor(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(doctor, "_cpu_flags", lambda: {"sse2"})
    assert finding("Processor").level == "bad"


def test_another_system(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "system", lambda: "Windows")
    assert "WSL2" in finding("Processor").remedy


@pytest.mark.parametrize(
    ("card", "level", "words"),
    [
        (Gpu("Tesla T4", 15 * GIB, 15 * GIB, (7, 5)), "ok", "compute capability 7.5"),
        (Gpu("Tesla T4", 15 * GIB, 4 * GIB, (7, 5)), "note", "4 free"),
        (Gpu("Tesla K80", 11 * GIB, 11 * GIB, (3, 7)), "note", "3.7"),
    ],
)
def test_gpus(course: Path, monkeypatch: pytest.MonkeyPatch, card: Gpu, level: str, words: str) -> None:
    monkeypatch.setattr(profiles, "gpu", lambda: card)
    monkeypatch.setenv("SERVELAB_PROFILE", "gpu")
    found = finding("GPU")
    assert found.level == level
    assert words in found.found


def test_a_gpu_profile_without_a_gpu(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_PROFILE", "gpu")
    found = finding("Engine")
    assert found.level == "bad"
    assert "no usable NVIDIA GPU" in found.found


def test_programs_are_notes_only(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path=None: None)
    found = doctor.diagnose()
    assert found.ready
    assert {f.name for f in found.findings if f.level == "note"} >= {
        "g++",
        "bwrap",
        "promtool",
        "amtool",
        "chromium",
    }


def test_a_sandbox_that_may_not_be_made_is_a_note(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container with Docker's own limits."""
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    real = shutil.which
    monkeypatch.setattr(
        doctor.shutil,
        "which",
        lambda name, path=None: str(refusing) if name == "bwrap" else real(name, path=path),
    )
    found = finding("bwrap")
    assert found.level == "note" and "No permissions to create new namespace" in found.found
    refusing.write_text("#!/bin/sh\nexit 0\n")
    assert finding("bwrap").level == "ok"


def test_shown(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "available_bytes", lambda: 2 * GIB)
    text = io.StringIO()
    doctor.show(doctor.diagnose(), Console(file=text, width=100))
    for words in (
        "Memory",
        "close programs",
        "02-vllm",
        "cannot",
        "can run",
        "75 minutes",
        "Not ready",
        "vllm",
    ):
        assert words in text.getvalue()


def test_it_is_light() -> None:
    """A student waits for it, and the home page asks it again and again."""
    code = "import sys; from servelab import doctor; doctor.diagnose(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"torch", "vllm", "transformers", "openai", "pandas"}.isdisjoint(loaded)
