"""The suite keeps what is done, goes on where it stopped, and publishes only when told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import servelab.cli
from conftest import ROOT
from servelab.errors import CourseError
from servelab.evidence import commands, render, serving, suite
from servelab.evidence.suite import Part
from servelab.load import measurements, provenance, records
from typer.testing import CliRunner


def result(rate: float = 10.0) -> dict[str, Any]:
    samples = {"a_rps": [rate, rate], "b_rps": [1.0, 1.0]}
    return {"a_rps": rate, "samples": samples, "ratios": {"a_over_b": ["a_rps", "b_rps"]}}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Two parts that only write down that they ran, in this process; and published files apart from the course's."""
    ran: list[str] = []
    made = tuple(Part(f"{n}-cpu", "{repeats} rounds.", lambda r: result(), 2, 10) for n in ("one", "two"))

    def apart(part: Part, repeats: int, where: Path) -> str | None:
        ran.append(part.name)
        if (tmp_path / f"{part.name} fails").exists():
            return "ended with exit code 1"
        suite.measure(part, repeats, where)
        return None

    monkeypatch.setattr(suite, "PARTS", made)
    monkeypatch.setattr(suite, "_apart", apart)
    monkeypatch.setattr(suite, "folder", lambda: tmp_path / "run")
    monkeypatch.setattr(measurements, "folder", lambda: tmp_path / "published")
    monkeypatch.setattr(provenance, "dirty", lambda: False)
    monkeypatch.setattr(render, "render", lambda root: [])
    return ran


def bench_all(*words: str) -> Any:
    return CliRunner().invoke(servelab.cli.app, ["bench", "all", *words], env={"COLUMNS": "200"})


def test_finished_parts_are_kept_and_skipped(parts: list[str], tmp_path: Path) -> None:
    (tmp_path / "two-cpu fails").touch()
    first = bench_all("--json")
    assert first.exit_code == 1 and parts == ["one-cpu", "two-cpu"]
    told = json.loads(first.stdout.strip().splitlines()[-1])
    assert told["parts"] == ["one-cpu"] and "exit code 1" in told["errors"]["two-cpu"]
    (tmp_path / "two-cpu fails").unlink()
    again = bench_all()
    assert again.exit_code == 0, again.output
    assert parts == ["one-cpu", "two-cpu", "two-cpu"] and "one-cpu: kept" in again.output
    assert bench_all("--fresh", "--only", "one").exit_code == 0
    assert parts[3:] == ["one-cpu"]
    assert bench_all("--repeats", "3", "--only", "two").exit_code == 0
    assert parts[4:] == ["two-cpu"], "fewer rounds than asked for are not enough"


def test_parts_of_other_code_are_measured_again(parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bench_all("--only", "one")
    monkeypatch.setattr(suite, "state_of_code", lambda: "another")
    bench_all("--only", "one")
    assert parts == ["one-cpu", "one-cpu"]


def test_published_files_change_only_when_told(parts: list[str], tmp_path: Path) -> None:
    assert bench_all().exit_code == 0
    assert not (tmp_path / "published").exists()
    assert bench_all("--save").exit_code == 0
    assert measurements.names() == ["one-cpu", "two-cpu"]
    before = (tmp_path / "published" / "one-cpu.json").read_bytes()
    for path in (tmp_path / "run").glob("one-cpu.json"):
        slower = measurements.make(
            "Slower.", result(3.0), seed=0, repeats=2, details={"code": suite.state_of_code()}
        )
        measurements.write("one-cpu", slower, path.parent)
    changed = bench_all()
    assert changed.exit_code == 1 and "changed" in changed.output
    assert (tmp_path / "published" / "one-cpu.json").read_bytes() == before
    assert bench_all("--save").exit_code == 0
    assert bench_all().exit_code == 0


def test_uncommitted_code_is_not_published(parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "dirty", lambda: True)
    records, _ = suite.run(suite.find(["one"]))
    with pytest.raises(CourseError, match="one-cpu was measured with code that is in no commit"):
        suite.publish(records)


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(CourseError, match=r"No part is called 'nonsense'\. There are: serving-cpu"):
        suite.find(["serving", "nonsense"])
    assert [part.name for part in suite.find(["streaming", "serving"])] == ["serving-cpu", "streaming-cpu"]


def test_the_suite_is_meant_for_half_an_hour() -> None:
    assert sum(part.seconds for part in suite.PARTS) <= 35 * 60
    assert all("{repeats}" in part.what for part in suite.PARTS)


def test_a_part_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "servelab.evidence.suite", "nonsense", "1", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2 and "No part is called 'nonsense'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.alone
@pytest.mark.parametrize("name", ["prefix_cache", "streaming", "replicas", "lora"])
def test_every_serving_part_gives_a_whole_record(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Against the scripted engine, whose times are known: the parts ask what they say, and samples and ratios fit."""
    monkeypatch.setenv("SERVELAB_PROFILE", "scripted")
    monkeypatch.setattr(serving, "STREAM_TOKENS", 16)
    monkeypatch.setattr(serving, "REPLICA_TOKENS", 8)
    (tmp_path / "adapter_config.json").write_text('{"r": 8}')
    monkeypatch.setattr(serving.artefacts, "ensure", lambda artefact: tmp_path)
    found = getattr(serving, name)(2)
    record = measurements.make("Scripted.", found, seed=0, repeats=2)
    assert record["ratios"] and all(len(v) == 2 for v in record["samples"].values())
    if name == "streaming":
        # 0.05 s to the first token and 15 more of 0.01 s: the answer takes four times as long.
        assert all(2 < v < 6 for v in records.ratio_values(record, "answer_over_first_c1"))
    if name == "prefix_cache":
        assert len(serving.prefix(0).split()) > 800 and serving.prefix(0) != serving.prefix(1)


def test_the_command_is_there() -> None:
    assert commands.bench_all.__doc__ and "bench" in (ROOT / "Makefile").read_text()
