"""The load generator measures what the scripted engine's schedule and log say is true."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import threading
import time
from itertools import pairwise

import nbformat
import numpy as np
import pytest
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.kernels import NotebookClient
from servelab.load import arrival_times, closed_loop, open_loop, run_closed_loop, run_open_loop
from werkzeug.serving import make_server

pytestmark = pytest.mark.alone  # measures times

CHAT = [{"role": "user", "content": "hello there"}]


def closed(engine: ScriptedEngine, count: int, **options: object) -> object:
    prompts = [f"prompt {i}" for i in range(count)]
    given = {"concurrency": 1, "max_tokens": 4, "desc": "", **options}
    return run_closed_loop(engine.base_url, engine.model, prompts, **given)


# -- times -----------------------------------------------------------------------------------------------------


def truth(log: list[dict]) -> dict[str, float]:
    """Medians of when the engine really sent its tokens, which a busy machine can move off the schedule."""
    gaps = [b - a for r in log for a, b in pairwise(r["token_s"])]
    return {
        "ttft": statistics.median(r["token_s"][0] - r["arrived_s"] for r in log),
        "itl": statistics.median(gaps),
        "e2e": statistics.median(r["token_s"][-1] - r["arrived_s"] for r in log),
    }


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize(("concurrency", "count"), [(1, 4), (4, 12)])
def test_known_token_times_are_measured(
    chat: bool, concurrency: int, count: int, figures: dict[str, object]
) -> None:
    """Medians of TTFT, ITL and end to end against the schedule. The role-only event must not count."""
    ttft, itl, tokens = 0.5, 0.06, 8
    with ScriptedEngine(ttft_s=ttft, itl_s=itl) as engine:
        prompts = [CHAT] * count if chat else ["a prompt"] * count
        run = run_closed_loop(
            engine.base_url, engine.model, prompts, concurrency=concurrency, max_tokens=tokens, desc=""
        )
        sent = truth(engine.requests)
    scheduled = {"ttft": ttft, "itl": itl, "e2e": ttft + itl * (tokens - 1)}
    summary = run.summary()
    measured = {"ttft": summary.ttft_s["p50"], "itl": summary.itl_s["p50"], "e2e": summary.e2e_s["p50"]}
    for name, value in measured.items():
        assert value / sent[name] == pytest.approx(1, abs=0.08), name
        assert value / scheduled[name] == pytest.approx(1, abs=0.15), name
    assert summary.tpot_s["p50"] / summary.itl_s["mean"] == pytest.approx(1, abs=0.05)
    assert all(len(r.itl_s) == tokens - 1 for r in run.results)
    name = f"measured / scheduled TTFT, ITL; {'chat' if chat else 'text'}, {concurrency} in flight"
    figures[name] = f"{measured['ttft'] / ttft:.3f}, {measured['itl'] / itl:.3f}"


def test_irregular_schedule_is_measured_gap_by_gap() -> None:
    schedule = [0.1, 0.15, 0.4, 0.45, 0.7]
    with ScriptedEngine(schedule=[schedule] * 3) as engine:
        run = closed(engine, 3, max_tokens=9)
    gaps = [statistics.median(column) for column in zip(*(r.itl_s for r in run.results), strict=True)]
    assert gaps == pytest.approx(list(np.diff(schedule)), rel=0.15)


def test_waiting_for_a_slot_counts_into_ttft() -> None:
    with ScriptedEngine(slots=1, ttft_s=0.1, itl_s=0.02) as engine:
        run = closed(engine, 8, concurrency=4)
        log = engine.requests
    true = [r["token_s"][0] - r["arrived_s"] for r in log]
    measured = [r.ttft_s for r in sorted(run.results, key=lambda r: r.start_s)]
    assert statistics.median(measured) / statistics.median(true) == pytest.approx(1, abs=0.06)


def test_tokens_are_counted_by_usage_not_by_events() -> None:
    with ScriptedEngine(tokens_per_event=4, ttft_s=0.02, itl_s=0.01) as engine:
        run = closed(engine, 2, max_tokens=10)
    for result in run.results:
        assert result.completion_tokens == 10
        assert len(result.itl_s) == 2
        assert len(result.text.split()) == 10


def test_not_streamed() -> None:
    with ScriptedEngine(ttft_s=0.1, itl_s=0.02) as engine:
        run = closed(engine, 3, stream=False)
        assert all("stream_options" not in r["body"] for r in engine.requests)
    for result in run.results:
        assert result.ttft_s == result.e2e_s > 0.15
        assert result.itl_s == [] and result.completion_tokens == 4


# -- closed loop -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 3, 8, 50])
def test_exactly_so_many_requests_never_more_at_once(concurrency: int) -> None:
    with ScriptedEngine(ttft_s=0.03, itl_s=0.005) as engine:
        run = closed(engine, 20, concurrency=concurrency)
        bodies = [r["body"]["prompt"] for r in engine.requests]
    assert sorted(bodies) == sorted(f"prompt {i}" for i in range(20))
    assert engine.max_concurrent == min(concurrency, 20)
    assert [r.index for r in run.results] == list(range(20))
    assert run.summary().requests == 20 and run.summary().errors == 0


def test_results_are_in_the_order_of_the_prompts() -> None:
    """The first is the slowest, so it is answered last."""
    with ScriptedEngine(schedule={"prompt 0": [0.3]}, ttft_s=0.01, itl_s=0.001) as engine:
        run = closed(engine, 4, concurrency=4)
        texts = [closed(engine, 4, stream=False).results[i].text for i in range(4)]
    assert [r.text.split()[0] for r in run.results] == [t.split()[0] for t in texts]


def test_throughput_is_that_of_the_schedule() -> None:
    with ScriptedEngine(slots=4, ttft_s=0.1, itl_s=0.02) as engine:
        summary = closed(engine, 24, concurrency=8, max_tokens=6).summary()
    assert summary.requests_per_s / (4 / 0.2) == pytest.approx(1, abs=0.1)


def test_request_settings_reach_the_server() -> None:
    with ScriptedEngine(ttft_s=0.0, itl_s=0.0) as engine:
        closed(engine, 1, ignore_eos=True, temperature=0.5, extra_body={"priority": 3})
        (record,) = engine.requests
    expected = {"ignore_eos": True, "temperature": 0.5, "priority": 3, "max_tokens": 4, "stream": True}
    assert expected.items() <= record["body"].items()
    assert record["body"]["stream_options"] == {"include_usage": True}


# -- errors ----------------------------------------------------------------------------------------------------


def test_errors_are_recorded_by_name_and_stop_nothing() -> None:
    faults = [Fault("429", at=1), Fault("500", at=2), Fault("cut", at=3, after_tokens=2), Fault("cut", at=4)]
    with ScriptedEngine(faults=faults, ttft_s=0.02, itl_s=0.005) as engine:
        run = closed(engine, 7)
        assert len(engine.requests) == 7, "a failed request must not be sent again"
    names = [r.error for r in run.results]
    assert names[:3] == [None, "RateLimitError", "InternalServerError"]
    assert names[3:] == ["TruncatedStream", "TruncatedStream", None, None]
    summary = run.summary()
    assert (summary.requests, summary.errors) == (7, 4)
    assert run.results[1].detail.startswith("Error code: 429")
    assert len(run.results[3].text.split()) <= 2


def test_no_server() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = run_closed_loop(
        f"http://127.0.0.1:{port}/v1", "m", ["a", "b"], concurrency=2, max_tokens=1, desc=""
    )
    assert [r.error for r in run.results] == ["APIConnectionError"] * 2
    assert "0 of 2 answered" in str(run.summary())


def test_a_request_that_takes_too_long() -> None:
    with ScriptedEngine(schedule={"prompt 1": [5.0]}, ttft_s=0.01, itl_s=0.001) as engine:
        run = closed(engine, 3, timeout_s=0.5)
        assert engine.requests[1]["cancelled"]
    assert [r.error for r in run.results] == [None, "Timeout", None]
    assert run.results[1].e2e_s == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"answer": 42}', "BadAnswer"),
        (b'{"choices": []}', "BadAnswer"),
        (b"<html>Welcome</html>", "BadAnswer"),
        (b'data: {"error": {"message": "out of memory"}}\n\ndata: [DONE]\n\n', "StreamError"),
        (b'data: {"choices": [{"text": "a", "finish_r', "TruncatedStream"),
        (b"data: not json\n\n", "BadAnswer"),
        (b"", "TruncatedStream"),
    ],
)
def test_answers_of_other_shapes(body: bytes, name: str) -> None:
    stream = body.startswith(b"data") or not body

    def app(environ: dict, start_response: object) -> list[bytes]:
        kind = "text/event-stream" if stream else "application/json"
        start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    run = run_closed_loop(
        f"http://127.0.0.1:{server.port}/v1",
        "m",
        ["a"],
        concurrency=1,
        max_tokens=1,
        stream=stream,
        desc="",
    )
    server.shutdown()
    thread.join()
    server.server_close()
    assert run.results[0].error == name
    assert "\n" not in run.results[0].detail


def test_wrong_model_is_named() -> None:
    with ScriptedEngine() as engine:
        run = run_closed_loop(engine.base_url, "other", ["a"], concurrency=1, max_tokens=1, desc="")
    assert run.results[0].error == "NotFoundError"
    assert "other" in run.results[0].detail


@pytest.mark.parametrize(
    ("prompts", "options"),
    [
        ([], {}),
        ("one text", {}),
        (["a"], {"concurrency": 0}),
        (["a"], {"max_tokens": 0}),
        (["a", "b"], {"max_tokens": [3, 0]}),
        (["a", "b"], {"max_tokens": [3]}),
    ],
)
def test_settings_without_meaning_are_refused(prompts: object, options: dict) -> None:
    given = {"concurrency": 1, "max_tokens": 1, **options}
    with pytest.raises(ValueError):
        run_closed_loop("http://127.0.0.1:9/v1", "m", prompts, **given)


def test_each_prompt_may_have_a_length_of_its_own() -> None:
    with ScriptedEngine(ttft_s=0.0, itl_s=0.0, tokens=100) as engine:
        run = closed(engine, 3, concurrency=2, max_tokens=[2, 9, 5])
        sent = {r["body"]["prompt"]: r["body"]["max_tokens"] for r in engine.requests}
    assert [result.completion_tokens for result in run.results] == [2, 9, 5]
    assert sent == {"prompt 0": 2, "prompt 1": 9, "prompt 2": 5}


# -- open loop -------------------------------------------------------------------------------------------------


def test_arrivals_are_a_poisson_process() -> None:
    times = arrival_times(20_001, 50.0, seed=3)
    gaps = np.diff(times)
    assert times[0] == 0 and times == sorted(times)
    assert gaps.mean() * 50 == pytest.approx(1, abs=0.02)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.03)
    # Memoryless: half of the gaps are shorter than mean x ln 2.
    assert (gaps < np.log(2) / 50).mean() == pytest.approx(0.5, abs=0.02)
    counts = np.bincount(np.floor(times).astype(int))[:-1]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.15)


def test_arrivals_depend_on_the_seed_alone() -> None:
    assert arrival_times(50, 2.0, seed=1) == arrival_times(50, 2.0, seed=1)
    assert arrival_times(50, 2.0, seed=1) != arrival_times(50, 2.0, seed=2)
    assert arrival_times(1, 2.0, seed=1) == [0.0]


def test_open_loop_keeps_its_times_whatever_the_server_does() -> None:
    """One slot is far too slow for this rate, and yet the requests arrive on time."""
    with ScriptedEngine(slots=1, ttft_s=0.05, itl_s=0.01) as engine:
        run = run_open_loop(
            engine.base_url, engine.model, ["p"] * 30, rate_per_s=40, seed=7, max_tokens=3, desc=""
        )
        arrived = np.array([r["arrived_s"] for r in engine.requests])
    expected = np.array(arrival_times(30, 40, seed=7))
    assert [r.scheduled_s for r in run.results] == pytest.approx(expected.tolist())
    assert np.median([r.start_s - r.scheduled_s for r in run.results]) < 0.03
    assert (arrived[-1] - arrived[0]) / expected[-1] == pytest.approx(1, abs=0.1)
    assert engine.max_concurrent > 5
    assert run.summary().concurrency > 5


def test_open_loop_is_bounded() -> None:
    with ScriptedEngine(slots=1, ttft_s=0.2, itl_s=0.01) as engine:
        run = run_open_loop(
            engine.base_url,
            engine.model,
            ["p"] * 12,
            rate_per_s=200,
            seed=1,
            max_tokens=1,
            max_in_flight=3,
            desc="",
        )
        assert engine.max_concurrent == 3
    assert run.summary().error_names == {"InFlightLimit": 9}


@pytest.mark.parametrize("rate", [0, -1])
def test_open_loop_needs_a_rate(rate: float) -> None:
    with pytest.raises(ValueError, match="rate_per_s"):
        run_open_loop("http://127.0.0.1:9/v1", "m", ["a"], rate_per_s=rate, seed=0, max_tokens=1)


# -- where it runs ---------------------------------------------------------------------------------------------


async def test_awaited() -> None:
    with ScriptedEngine(ttft_s=0.01, itl_s=0.001) as engine:
        run = await closed_loop(
            engine.base_url, engine.model, ["a"] * 3, concurrency=2, max_tokens=2, desc=""
        )
        more = await open_loop(
            engine.base_url, engine.model, ["a"] * 3, rate_per_s=50, seed=1, max_tokens=2, desc=""
        )
    assert run.summary().errors == more.summary().errors == 0


async def test_sync_inside_a_running_loop() -> None:
    """As in a notebook, whose cells run inside an event loop."""
    with ScriptedEngine(ttft_s=0.01, itl_s=0.001) as engine:
        assert closed(engine, 3).summary().errors == 0
        with pytest.raises(ValueError):
            closed(engine, 0)


def test_an_interrupt_stops_the_load_at_once() -> None:
    """The stop button raises KeyboardInterrupt in the main thread, here while a loop runs there."""

    async def cell(engine: ScriptedEngine) -> None:
        def stop_once_under_way() -> None:
            while engine.max_concurrent < 2:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=stop_once_under_way, daemon=True).start()
        closed(engine, 4, concurrency=2, max_tokens=1)

    with ScriptedEngine(ttft_s=20.0) as engine:
        begun = time.monotonic()
        loop = (
            asyncio.new_event_loop()
        )  # not asyncio.run, which keeps the interrupt to itself; kernels do not
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(cell(engine))
        loop.close()
        assert time.monotonic() - begun < 5
        deadline = time.monotonic() + 5
        while not all(r["cancelled"] for r in engine.requests) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(engine.requests) == 2
        assert all(r["cancelled"] for r in engine.requests)
    assert not [t for t in threading.enumerate() if t.name == "load"]


def test_what_somebody_else_has_frozen_stays_frozen() -> None:
    """A grader's child would, once thawed, collect what it inherited, and close descriptors that are others' by now."""
    import gc

    gc.freeze()
    try:
        before = gc.get_freeze_count()
        with ScriptedEngine(ttft_s=0.0, itl_s=0.0) as engine:
            closed(engine, 3)
        assert gc.get_freeze_count() > before / 2  # some of it has died meanwhile
    finally:
        gc.unfreeze()
    with ScriptedEngine(ttft_s=0.0, itl_s=0.0) as engine:
        closed(engine, 3)
    assert gc.get_freeze_count() == 0


def test_progress_bar_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    with ScriptedEngine(ttft_s=0.0, itl_s=0.0) as engine:
        closed(engine, 3, desc="warming up")
    out, err = capfd.readouterr()
    assert "warming up" in out and "3/3" in out
    assert err == ""


@pytest.mark.slow
def test_in_a_notebook() -> None:
    """Both forms, with the progress bar on standard output and nothing on standard error."""
    cells = [
        "from servelab.engine.scripted import ScriptedEngine\n"
        "from servelab.load import closed_loop, run_closed_loop\n"
        "engine = ScriptedEngine(ttft_s=0.01, itl_s=0.001).start()\n"
        "ask = {'concurrency': 2, 'max_tokens': 2}",
        "print(run_closed_loop(engine.base_url, engine.model, ['a'] * 4, **ask).summary())",
        "print((await closed_loop(engine.base_url, engine.model, ['a'] * 4, **ask)).summary())",
        "engine.stop()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell in notebook.cells[1:3]:
        assert {output["name"] for output in cell["outputs"]} == {"stdout"}
        text = "".join(output["text"] for output in cell["outputs"])
        assert "4/4" in text and "4 of 4 answered" in text
    assert notebook.cells[0]["outputs"] == notebook.cells[3]["outputs"] == []
