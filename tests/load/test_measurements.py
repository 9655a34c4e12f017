"""A published number says where it comes from, or is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.load import measurements


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(measurements, "folder", lambda: tmp_path)
    return tmp_path


def test_saved_and_read_with_provenance(scratch: Path) -> None:
    measurements.save("sample", "One run of nothing.", {"requests_per_s": 5.25}, seed=7)
    record = measurements.read("sample")
    assert record["figures"] == {"requests_per_s": 5.25}
    assert record["details"] == {"seed": 7}
    assert record["hardware"]["cores"] >= 1 and record["versions"]["python"]
    assert str(record["hardware"]["cores"]) in measurements.source_line(record)


def test_missing_provenance_is_refused(scratch: Path) -> None:
    (scratch / "bare.json").write_text(json.dumps({"figures": {"requests_per_s": 99}}))
    with pytest.raises(CourseError, match="does not say: what, hardware"):
        measurements.read("bare")


def test_unknown_name_lists_what_there_is(scratch: Path) -> None:
    (scratch / "one.json").write_text("{}")
    with pytest.raises(CourseError, match="There are: one"):
        measurements.read("two")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "environment" / "measurements").glob("*.json")), ids=lambda p: p.stem
)
def test_every_published_file_is_complete(path: Path) -> None:
    record = measurements.read(path.stem)
    assert record["figures"] and record["taken"] and record["commit"]
