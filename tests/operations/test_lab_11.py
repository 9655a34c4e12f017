"""Lab 11's own solution on many recordings: what it grades by is so on all of them, and not by luck on the chosen few."""

from __future__ import annotations

import pytest
from servelab.operations import replays
from test_faults import reference

KNOWN = reference()


@pytest.mark.parametrize("cause", [*replays.INCIDENTS, replays.HEALTHY])
def test_every_recording_is_called_by_its_cause(cause: str) -> None:
    for seed in range(1, 26):
        run = replays.replay(cause, seed)
        found = KNOWN["diagnose"](run.evidence)
        assert (found["cause"], found["where"]) == (cause, run.where), seed
        if run.since_s is not None:
            assert abs(found["since_s"] - run.since_s) <= 20, seed
            assert found["proof"]


def test_what_the_text_says_of_the_first_recording_is_so() -> None:
    """The chart's words and the model postmortem."""
    run = replays.kept("long generations", 1)
    rows = list(zip(*run.evidence["metrics"].values(), strict=True))
    waiting = {row[0]["t_s"]: sum(s["vllm:num_requests_waiting"] for s in row) for row in rows}
    assert round(run.since_s) == 241 and run.where == "crm"
    assert all(count == 0 for t, count in waiting.items() if t < 280) and waiting[280] > 0
    assert all(count > 10 for t, count in waiting.items() if t >= 330) and waiting[600] == 128
    after = [line for line in run.evidence["log"] if line["t_s"] >= 241 and line["ttft_s"] is not None]
    assert sum(line["ttft_s"] for line in after) / len(after) == pytest.approx(16, abs=0.5)
    assert max(line["ttft_s"] for line in after) == pytest.approx(57.5, abs=0.5)
    assert all(s["vllm:kv_cache_usage_perc"] < 0.6 for row in rows for s in row)
    late = [r for r in run.requests if r.started_s is not None and r.started_s - r.engine_s > 5]
    assert len(late) == pytest.approx(580, abs=5)


def test_a_lab_may_ask_another_labs_question_again_once_that_one_asks_it() -> None:
    from servelab.course.notebooks import asks
    from servelab.paths import course_root

    assert asks(course_root(), "05-kubernetes", "llm-infrastructure/first-reading")
    assert not asks(course_root(), "05-kubernetes", "llm-infrastructure/mixed-embedders")
    assert not asks(course_root(), "99-nowhere", "llm-infrastructure/first-reading")
