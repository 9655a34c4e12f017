"""A published number says where it comes from and from which samples, or is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.load import measurements, provenance, records
from servelab.load.records import spread_of


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(measurements, "folder", lambda: tmp_path)
    return tmp_path


RESULT = {
    "requests_rps": 5.0,
    "words": "beside the numbers",
    "samples": {"requests_rps": [4.0, 5.0, 9.0], "other_rps": [1.0, 2.5, 3.0]},
    "ratios": {"one_over_other": ["requests_rps", "other_rps"]},
}


def made() -> dict[str, Any]:
    return measurements.make(
        "One run of nothing.", RESULT, seed=7, repeats=3, command="servelab bench nothing"
    )


def test_saved_and_read_with_provenance(scratch: Path) -> None:
    path = measurements.save("sample", "One run of nothing.", RESULT, seed=7, repeats=3, users=4)
    assert path == scratch / "sample.json" and measurements.names() == ["sample"]
    record = measurements.read("sample")
    assert record["figures"] == {"requests_rps": 5.0, "words": "beside the numbers"}
    assert (record["seed"], record["repeats"], record["details"]) == (7, 3, {"users": 4})
    assert record["summary"]["requests_rps"] == {
        "median": 5.0, "q1": 4.5, "q3": 7.0, "min": 4.0, "max": 9.0, "n": 3
    }  # fmt: skip
    assert records.ratio_values(record, "one_over_other") == [4.0, 2.0, 3.0]
    assert record["hardware"]["cores"] >= 1 and record["versions"]["python"] and record["command"]
    assert str(record["hardware"]["cores"]) in measurements.source_line(record)


def test_the_spread_is_the_range_of_few_and_the_quartiles_of_many() -> None:
    few, many = spread_of([1.0, 2.0, 9.0]), spread_of([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (few.low, few.median, few.high) == (1.0, 2.0, 9.0)
    assert (many.low, many.median, many.high) == (2.0, 3.0, 4.0)
    assert (spread_of([2.0]).low, spread_of([2.0]).high) == (2.0, 2.0)
    with pytest.raises(ValueError, match="no samples"):
        spread_of([])


def test_a_sample_says_its_unit() -> None:
    assert records.unit_of("vllm_c8_tokens_per_s") == "tokens/s"
    assert records.unit_of("ready_s") == "s" and records.unit_of("query_ms") == "ms"
    with pytest.raises(ValueError, match="speed does not end in a unit"):
        records.unit_of("speed")


def broken(change: str) -> dict[str, Any]:
    """A whole record with one fault."""
    record = copy.deepcopy(made())
    match change:
        case "figure":
            record["figures"]["requests_rps"] = 6.0
        case "summary":
            record["summary"]["requests_rps"]["median"] = 6.0
        case "sample":
            record["samples"]["requests_rps"][0] = 8.0
        case "no samples":
            record |= {"samples": {}, "summary": {}, "ratios": {}}
        case "nothing":
            record["command"] = None
        case "unit":
            record["samples"]["speed"] = [1.0]
        case "ratio":
            record["ratios"]["lost"] = ["requests_rps", "nowhere_rps"]
        case "rounds":
            record["ratios"]["uneven"] = ["requests_rps", "short_rps"]
            record["samples"]["short_rps"] = [1.0]
            record["summary"]["short_rps"] = spread_of([1.0]).model_dump()
        case "commit":
            record["commit"] = "unknown"
        case "extra":
            record["mood"] = "good"
        case "driver":
            card = {
                "name": "A card",
                "count": 1,
                "memory_gb": 80.0,
                "compute_capability": "9.0",
                "driver": "1",
            }
            record["hardware"]["gpu"] = card
        case "python":
            record["versions"] = {"torch": "2"}
    return record


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("figure", "figure requests_rps is 6.0, the median of its samples 5.0"),
        ("summary", "the summary of requests_rps is not that of its samples"),
        ("sample", "the summary of requests_rps is not that of its samples"),
        ("no samples", "samples: Dictionary should have at least 1 item"),
        ("nothing", "command: Input should be a valid string"),
        ("unit", "speed does not end in a unit"),
        ("ratio", "ratio lost is of samples that there are not: nowhere_rps"),
        ("rounds", "ratio uneven cannot be taken round by round"),
        ("commit", "commit: String should match"),
        ("extra", "mood: Extra inputs are not permitted"),
        ("driver", "versions must hold the GPU driver's"),
        ("python", "versions must hold python's"),
    ],
)
def test_a_record_with_a_fault_is_refused(scratch: Path, change: str, words: str) -> None:
    record = broken(change)
    with pytest.raises(CourseError, match=words) as error:
        measurements.write("bad", record)
    assert "\n" not in str(error.value) and not (scratch / "bad.json").exists()
    (scratch / "bad.json").write_text(json.dumps(record))
    with pytest.raises(CourseError, match=words):
        measurements.read("bad")


def test_missing_provenance_is_refused(scratch: Path) -> None:
    (scratch / "bare.json").write_text(json.dumps({"figures": {"requests_per_s": 99}}))
    with pytest.raises(CourseError, match="does not say: schema, what, command, samples"):
        measurements.read("bare")
    (scratch / "list.json").write_text("[1]")
    with pytest.raises(CourseError, match="is not a record"):
        measurements.read("list")


def test_unknown_name_lists_what_there_is(scratch: Path) -> None:
    (scratch / "one.json").write_text("{}")
    with pytest.raises(CourseError, match="There are: one"):
        measurements.read("two")


def test_a_card_is_told_with_its_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'NVIDIA Z9, 81920, 9.0, 600.1'\necho 'NVIDIA Z9, 81920, 9.0, 600.1'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert provenance.gpu() == {
        "name": "NVIDIA Z9", "count": 2, "memory_gb": 85.9, "compute_capability": "9.0", "driver": "600.1"
    }  # fmt: skip
    assert provenance.versions()["nvidia-driver"] == "600.1"
    assert measurements.source_line(made()).startswith("NVIDIA Z9, ")
    program.write_text("#!/bin/sh\nexit 9\n")
    assert provenance.gpu() is None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "environment" / "measurements").glob("*.json")), ids=lambda p: p.stem
)
def test_every_published_file_is_complete(path: Path) -> None:
    record = measurements.read(path.stem)
    assert record["figures"] and record["taken"] and record["commit"]
    assert not record["dirty"], "measured with code that is in no commit"
