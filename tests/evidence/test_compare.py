"""Two runs are compared by their ratios: a faster machine is no change, a lost factor is one."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from servelab.evidence import compare
from servelab.load import measurements


def record(naive: list[float], vllm: list[float]) -> dict[str, Any]:
    result = {
        "words": "made up",
        "samples": {"naive_rps": naive, "vllm_rps": vllm},
        "ratios": {"vllm_over_naive": ["vllm_rps", "naive_rps"]},
    }
    return measurements.make("Made up.", result, seed=0, repeats=len(naive))


THEN = record([1.0, 1.1, 0.9], [10.0, 11.5, 8.8])  # ratios 10, 10.5, 9.8


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (record([1.0, 1.0, 1.0], [10.1, 9.9, 10.0]), "ok"),
        # Twice as fast a machine, in each of its rounds: the ratio is the same.
        (record([2.0, 2.2, 1.8], [20.0, 23.0, 17.6]), "ok"),
        # A slow minute in one round hits both.
        (record([1.0, 0.2, 1.0], [10.0, 2.05, 10.2]), "ok"),
        # Just beyond the range, within the stated widening of it.
        (record([1.0], [11.3]), "ok"),
        # The engine lost half of its advantage.
        (record([1.0, 1.0, 1.0], [5.0, 5.1, 4.9]), "changed"),
        # It became better: that is a change as well, and the published number is wrong.
        (record([1.0, 1.0, 1.0], [13.0, 13.1, 12.9]), "changed"),
    ],
)
def test_ratios_decide(now: dict[str, Any], verdict: str) -> None:
    (row,) = compare.compare("serving-cpu", now, THEN)
    assert row.verdict == verdict
    assert bool(compare.failed([row])) == (verdict == "changed")


def test_one_round_is_left_out_where_there_are_many() -> None:
    """One wild round of five hides nothing."""
    then = record([1.0] * 5, [10.0, 10.0, 10.1, 9.9, 50.0])
    now = record([1.0] * 5, [20.0, 20.1, 19.9, 20.0, 10.0])
    assert compare.compare("p", now, then)[0].verdict == "changed"


def test_what_never_varies_may_hardly_move() -> None:
    """A quality is no timing: with the tolerance of one, a tenth of it could be lost unseen."""
    then = [0.672] * 5
    assert compare.meets([0.674] * 5, then) and not compare.meets([0.65] * 5, then)
    noisy = [0.62, 0.63, 0.64, 0.65, 0.66]
    assert compare.meets(noisy, then)


def test_what_was_never_measured_is_new_and_what_is_not_any_more_is_missing() -> None:
    assert [r.verdict for r in compare.compare("p", THEN, None)] == ["new"]
    old = {**THEN, "ratios": {}}
    assert [r.verdict for r in compare.compare("p", THEN, old)] == ["new"]
    now = {**THEN, "ratios": {}}
    (row,) = compare.compare("p", now, THEN)
    assert row.verdict == "missing" and compare.failed([row]) == [row]


def test_the_table_shows_both_runs() -> None:
    now = record([1.0, 1.0, 1.0], [5.0, 5.1, 4.9])
    told = StringIO()
    Console(file=told, width=80).print(compare.table(compare.compare("serving-cpu", now, THEN)))
    lines = told.getvalue().splitlines()
    line = next(line for line in lines if "vllm_over_naive" in line)
    assert all(part in line for part in ("5 (4.9 to 5.1)", "10 (9.78 to 10.5)", "changed")), line
    assert any("serving-cpu" in line for line in lines)
