"""The published figures of grading are those that were measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from servelab.grading import bench
from servelab.load import measurements

pytestmark = pytest.mark.alone  # measures times

RECORD = {
    "figures": {
        "submissions": 12,
        "lab": "02-vllm",
        "stock_per_min": 10,
        "stock_per_student_per_min": 6,
        "ours_per_min_1": 30,
        "ours_per_min_2": 60,
        "dask_per_min": 60,
        "writer_seconds": 0.36,
        "commits_per_submission": 40,
    },
    "hardware": {"cores": 2, "cpu": "Some CPU"},
    "versions": {},
    "taken": "2026-01-02",
}


def test_the_projection_is_arithmetic() -> None:
    assert bench.project(RECORD) == {
        "submissions": 55_000,
        "core_hours": 30.6,
        "lab_hours_on_one_machine": 0.17,
        "machines_for_window": 1,
        "writer_hours": 0.5,
        "writes_per_s": 27.8,
    }


def test_the_page_shows_what_was_measured() -> None:
    page = Path(bench.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert bench.page(page, RECORD) != page, "another measurement would show"
    assert bench.page(page, measurements.read("grading-cpu")) == page, (
        "run `servelab bench grading --save grading-cpu`"
    )


def test_the_measurement_keeps_what_is_promised() -> None:
    figures = measurements.read("grading-cpu")["figures"]
    assert figures["scores_agree"] and figures["ratio"] >= 3
    if "large" in figures:
        assert figures["large"]["per_min"] >= 0.8 * figures["ours_per_min_2"], (
            "the cost of one submission stays the same"
        )


@pytest.mark.slow
def test_every_way_gives_the_same_scores(root: Path) -> None:
    found = bench.bench_grading(root, submissions=3)
    assert found["scores_agree"]
    assert {"stock_per_min", "ours_per_min_1", "ours_per_min_2", "dask_per_min", "ratio"} <= found.keys()
