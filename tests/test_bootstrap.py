"""The set-up: quick when nothing changed, one clear line when something is missing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import ROOT


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "environment" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_second_call_is_quick(figures: dict[str, Any]) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, ROOT / "environment" / "bootstrap.py"], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - started
    stamp = json.loads((ROOT / ".venv" / "servelab-setup.json").read_text())
    figures["set-up the first time, s"] = stamp["first_s"]
    figures["set-up again, s"] = round(seconds, 2)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert seconds < stamp["first_s"] / 2


def test_stamp_follows_lock_and_project(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bootstrap.fingerprint("cpu")
    assert before == bootstrap.fingerprint("cpu") != bootstrap.fingerprint("gpu")
    for name in ("cpu.txt", "gpu.txt"):
        (tmp_path / name).write_text("numpy==1.0 \n")
    monkeypatch.setattr(bootstrap, "LOCKS", tmp_path)
    assert bootstrap.fingerprint("cpu") != before


def test_unknown_runtime_is_one_line(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_RUNTIME", "tpu")
    with pytest.raises(bootstrap.SetupError, match="it can be: cpu, gpu"):
        bootstrap.pick_runtime()


def test_full_disk_is_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "none")
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2e9}))
    with pytest.raises(bootstrap.SetupError, match=r"2\.0 GB are free"):
        bootstrap.enough_disk("cpu")


def test_missing_python_names_the_remedy(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    with pytest.raises(bootstrap.SetupError, match=r"Python 3\.11 is needed"):
        bootstrap.make_venv("/bin/false", "cpu")


def test_torch_comes_from_configured_folder_or_pytorch(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "cpu.txt"
    lock.write_text("torch==2.13.0+cpu \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(bootstrap, "pip_setting", lambda name: [])
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    assert f"--index={bootstrap.TORCH_CPU_INDEX}" in bootstrap.wheel_sources(lock)
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    assert bootstrap.wheel_sources(lock) == [f"--find-links={tmp_path}"]


def test_every_line_of_the_locks_is_pinned_and_hashed() -> None:
    for name in ("cpu.txt", "gpu.txt"):
        lines = (ROOT / "environment" / "locks" / name).read_text().splitlines()
        packages = [i for i, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
        assert len(packages) > 150
        for i in packages:
            assert "==" in lines[i], lines[i]
            assert "--hash=sha256:" in lines[i + 1], lines[i]


def test_locks_satisfy_the_project() -> None:
    """A dependency added to pyproject.toml without `make lock` is noticed."""
    import re
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for runtime in ("cpu", "gpu"):
        text = (ROOT / "environment" / "locks" / f"{runtime}.txt").read_text()
        extras = project["optional-dependencies"]
        for need in [*project["dependencies"], *extras[runtime], *extras["dev"]]:
            name = re.split(r"[<>=!~\[; ]", need)[0].lower()
            assert re.search(rf"^{re.escape(name)}==", text, re.M), f"{name} is not in {runtime}.txt"
