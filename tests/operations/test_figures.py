"""The course's figures: the student's rows first, the committed runs where there are none, claims as claims."""

from __future__ import annotations

import pytest
from servelab.load import measurements
from servelab.operations import figures


def row(lab: str, step: str, metric: str, value: float, backend: str = "mine") -> dict:
    return {"lab": lab, "step": step, "metric": metric, "value": value, "unit": "u", "backend": backend}


def panel(name: str, rows: list[dict]) -> figures.Panel:
    (found,) = [p for p in figures.panels(rows) if p.metric == name]
    return found


def test_without_rows_the_committed_runs_stand_there_named() -> None:
    found = panel("Throughput", [])
    points = {(p.step, p.kind): p for p in found.points}
    record = measurements.read("serving-cpu")
    assert points["naive (01)", "course"].value == pytest.approx(record["figures"]["naive_rps"], rel=0.01)
    assert points["vLLM (02)", "course"].value == pytest.approx(record["figures"]["vllm_rps"], rel=0.01)
    assert "serving-cpu" in points["vLLM (02)", "course"].origin
    assert {p.value for p in found.points if p.kind == "claim"} == {0.29, 1.19, 12.0}
    assert "streaming, 16 users (04)" in found.absent


def test_a_row_of_ones_own_takes_the_place_of_the_committed_run() -> None:
    rows = [
        row("01-naive-serving", "naive", "requests_per_s", 0.5),
        row("03-quantization-awq", "bf16", "checkpoint_bytes", 269e6),
        row("03-quantization-awq", "bf16, 8 at once", "requests_per_s", 3.0),
        row("07-rag", "dense", "ndcg_at_10", 0.6),
        row("07-rag", "dense -> MaxSim", "ndcg_at_10", 0.7),
    ]
    own = [p for p in panel("Throughput", rows).points if p.kind == "yours"]
    assert [(p.step, p.value, p.origin) for p in own] == [
        ("naive (01)", 0.5, "mine"),
        ("bf16, 8 users (03)", 3.0, "mine"),
    ]
    sizes = [p for p in panel("Size of the weights", rows).points if p.kind == "yours"]
    assert [p.value for p in sizes] == [269.0]
    search = {p.step: p.value for p in panel("Search, nDCG@10", rows).points if p.kind == "yours"}
    assert search == {"vectors alone (07)": 0.6}
    rest = figures.others(rows)
    assert [(p.metric, [(q.step, q.value) for q in p.points]) for p in rest] == [
        ("07: ndcg_at_10", [("dense -> MaxSim", 0.7)])
    ]


def test_the_names_are_those_that_the_labs_write() -> None:
    """A lab that renames a step must not fall out of the chart unseen."""
    from servelab.paths import course_root

    for *_, steps in figures._PANELS:
        for _, (lab, patterns, metric), _ in steps:
            source = (course_root() / "solutions" / lab / f"{lab}.py").read_text(encoding="utf-8")
            assert metric in source, (lab, metric)
            for pattern in patterns:
                word = pattern.rstrip("*").split(",")[0]
                assert word in source, (lab, pattern)
