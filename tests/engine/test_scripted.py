"""The scripted engine keeps its schedule, its slots, its faults and its log."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.load import run_closed_loop

pytestmark = pytest.mark.alone  # measures times

# One client for all: making one costs a tenth of a second, which would show in the times below.
HTTP = httpx.Client(timeout=30)


def client(engine: ScriptedEngine) -> openai.OpenAI:
    return openai.OpenAI(base_url=engine.base_url, api_key="none", max_retries=0, timeout=30)


def ask(engine: ScriptedEngine, prompt: str = "one two three", **fields: Any) -> httpx.Response:
    return HTTP.post(f"{engine.base_url}/completions", json={"prompt": prompt, **fields})


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def service_times(record: dict[str, Any]) -> list[float]:
    return [t - record["started_s"] for t in record["token_s"]]


# -- schedule ----------------------------------------------------------------------------------------------


def test_constant_schedule_does_not_drift() -> None:
    with ScriptedEngine(ttft_s=0.2, itl_s=0.02) as engine:
        ask(engine, max_tokens=41)
        times = service_times(engine.requests[0])
    assert len(times) == 41
    assert times[0] == pytest.approx(0.2, rel=0.15)
    assert times[-1] == pytest.approx(0.2 + 40 * 0.02, rel=0.05)


def test_explicit_schedule_by_order_of_arrival() -> None:
    with ScriptedEngine(schedule=[[0.1, 0.3, 0.35], [0.05]], ttft_s=0.02, itl_s=0.01) as engine:
        answers = [ask(engine, max_tokens=8).json() for _ in range(3)]
        log = engine.requests
    assert [a["usage"]["completion_tokens"] for a in answers] == [3, 1, 8]
    assert [a["choices"][0]["finish_reason"] for a in answers] == ["stop", "stop", "length"]
    assert service_times(log[0]) == pytest.approx([0.1, 0.3, 0.35], rel=0.2)


def test_explicit_schedule_by_prompt() -> None:
    with ScriptedEngine(schedule={"slow": [0.3], "fast": [0.05, 0.06]}) as engine:
        assert ask(engine, "fast", max_tokens=9).json()["usage"]["completion_tokens"] == 2
        assert ask(engine, "slow", max_tokens=9).json()["usage"]["completion_tokens"] == 1
        assert engine.requests[1]["token_s"][0] - engine.requests[1]["started_s"] >= 0.3


def test_ignore_eos_goes_on_after_an_explicit_schedule() -> None:
    with ScriptedEngine(schedule=[[0.05, 0.1]], itl_s=0.01) as engine:
        answer = ask(engine, max_tokens=6, ignore_eos=True).json()
    assert answer["usage"]["completion_tokens"] == 6
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("fields", "count", "finish"),
    [
        ({"max_tokens": 9}, 4, "stop"),
        ({"max_tokens": 3}, 3, "length"),
        ({"max_tokens": 9, "min_tokens": 6}, 6, "stop"),
        ({"max_tokens": 9, "ignore_eos": True}, 9, "length"),
    ],
)
def test_natural_length(fields: dict[str, Any], count: int, finish: str) -> None:
    with ScriptedEngine(tokens=4, ttft_s=0.01, itl_s=0.001) as engine:
        answer = ask(engine, **fields).json()
    assert answer["usage"]["completion_tokens"] == count
    assert len(answer["choices"][0]["text"].split()) == count
    assert answer["choices"][0]["finish_reason"] == finish


def test_a_kept_connection_adds_nothing_to_the_schedule() -> None:
    """Head and body are two writes: without TCP_NODELAY the second waits 40 ms for an acknowledgement."""
    with ScriptedEngine(tokens=1, ttft_s=0.02) as engine, httpx.Client() as client:
        body = {"model": "scripted", "prompt": "p", "max_tokens": 1}
        took = []
        for _ in range(9):
            began = time.perf_counter()
            client.post(f"{engine.base_url}/completions", json=body)
            took.append(time.perf_counter() - began)
    assert sorted(took)[4] < 0.045, took


def test_text_depends_on_the_prompt_alone() -> None:
    def text(prompt: str, count: int) -> str:
        with ScriptedEngine(ttft_s=0.0, itl_s=0.0) as engine:
            return ask(engine, prompt, max_tokens=count).json()["choices"][0]["text"]

    assert text("a b", 8) == text("a b", 8)
    assert text("a b", 8) != text("a c", 8)
    assert text("a b", 12).startswith(text("a b", 8))


def test_context_length_cuts_max_tokens() -> None:
    with ScriptedEngine(max_model_len=10, ttft_s=0.0, itl_s=0.0) as engine:
        assert ask(engine, "w " * 7, max_tokens=10).json()["usage"]["completion_tokens"] == 3
        assert ask(engine, "w " * 10, max_tokens=1).status_code == 400
        assert (
            "maximum context length is 10 tokens"
            in ask(engine, "w " * 11, max_tokens=1).json()["error"]["message"]
        )


def test_several_tokens_an_event() -> None:
    with ScriptedEngine(tokens_per_event=3, ttft_s=0.01, itl_s=0.01) as engine:
        stream = client(engine).completions.create(model=engine.model, prompt="x", max_tokens=8, stream=True)
        texts = [e.choices[0].text for e in stream]
        whole = ask(engine, "x", max_tokens=8).json()["choices"][0]["text"]
    assert [len(t.split()) for t in texts] == [3, 3, 2]
    assert "".join(texts) == whole


def test_role_event_comes_long_before_the_first_token() -> None:
    with ScriptedEngine(ttft_s=0.3, itl_s=0.01) as engine:
        sent = time.monotonic()
        stream = client(engine).chat.completions.create(
            model=engine.model, messages=[{"role": "user", "content": "hi"}], max_tokens=2, stream=True
        )
        moments = [(e.choices[0].delta.content, time.monotonic() - sent) for e in stream]
    assert moments[0][0] == ""
    assert moments[1][1] - moments[0][1] > 0.2


def test_prefix_cache_shortens_the_prefill() -> None:
    prefix = " ".join(f"w{i}" for i in range(64))
    with ScriptedEngine(ttft_s=0.05, prefill_s_per_token=0.005, itl_s=0.001) as engine:
        ask(engine, f"{prefix} first", max_tokens=1)
        ask(engine, f"{prefix} second", max_tokens=1)
        ask(engine, prefix, max_tokens=1)
        cold, warm, same = engine.requests
        text = engine.metrics()
    assert (cold["cached_tokens"], warm["cached_tokens"]) == (0, 64)
    assert same["cached_tokens"] == 48  # the last token is always computed, and with it its block
    assert service_times(cold)[0] / service_times(warm)[0] > 4
    assert 'vllm:prefix_cache_queries_total{engine="0",model_name="scripted"} 194.0' in text
    assert 'vllm:prefix_cache_hits_total{engine="0",model_name="scripted"} 112.0' in text


# -- slots ---------------------------------------------------------------------------------------------------


def test_slots_serve_in_order_of_arrival() -> None:
    with ScriptedEngine(slots=2, ttft_s=0.05, itl_s=0.01) as engine:
        run_closed_loop(engine.base_url, engine.model, ["p"] * 9, concurrency=6, max_tokens=6, desc="")
        log = engine.requests
    assert engine.max_concurrent == 6
    assert engine.max_running == 2
    starts = [r["started_s"] for r in log]
    assert starts == sorted(starts)
    for a in log:
        overlapping = sum(b["started_s"] <= a["started_s"] < b["finished_s"] for b in log)
        assert overlapping <= 2


def test_one_slot_makes_latency_grow_with_concurrency() -> None:
    with ScriptedEngine(slots=1, ttft_s=0.05, itl_s=0.01) as engine:
        alone = run_closed_loop(
            engine.base_url, engine.model, ["p"] * 4, concurrency=1, max_tokens=6, desc=""
        )
        crowd = run_closed_loop(
            engine.base_url, engine.model, ["p"] * 12, concurrency=4, max_tokens=6, desc=""
        )
    ratio = crowd.summary().e2e_s["p50"] / alone.summary().e2e_s["p50"]
    assert ratio == pytest.approx(4, rel=0.2)


def test_waiting_requests_show_in_the_metrics() -> None:
    with ScriptedEngine(slots=1, ttft_s=0.5, itl_s=0.1) as engine:
        threads = [threading.Thread(target=ask, args=(engine,), kwargs={"max_tokens": 1}) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert eventually(
            lambda: 'num_requests_waiting{engine="0",model_name="scripted"} 2.0' in engine.metrics()
        )
        assert 'num_requests_running{engine="0",model_name="scripted"} 1.0' in engine.metrics()
        for thread in threads:
            thread.join()
        assert 'num_requests_waiting{engine="0",model_name="scripted"} 0.0' in engine.metrics()


def test_a_client_that_leaves_frees_its_slot_and_its_place_in_the_queue() -> None:
    def connect(engine: ScriptedEngine) -> socket.socket:
        body = json.dumps({"prompt": "long", "max_tokens": 1000, "stream": True}).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        raw = socket.create_connection(("127.0.0.1", int(engine.url.rsplit(":", 1)[1])))
        raw.sendall(head.encode() + body)
        return raw

    with ScriptedEngine(slots=1, ttft_s=0.02, itl_s=0.02) as engine:
        served = connect(engine)
        assert eventually(lambda: bool(engine.requests) and len(engine.requests[0]["token_s"]) > 0)
        queued = connect(engine)
        assert eventually(lambda: len(engine.requests) == 2)
        queued.close()
        assert eventually(lambda: engine.requests[1]["cancelled"])
        served.close()
        assert eventually(lambda: engine.requests[0]["cancelled"])
        assert ask(engine, max_tokens=2).status_code == 200
        first, second, third = engine.requests
        metrics = engine.metrics()
    assert first["started_s"] is not None and 0 < first["completion_tokens"] < 1000
    assert second["started_s"] is None and second["status"] is None
    assert third["cancelled"] is False
    assert 'request_success_total{engine="0",finished_reason="abort",model_name="scripted"} 1.0' in metrics


# -- faults --------------------------------------------------------------------------------------------------


def test_429_by_index_says_when_to_retry() -> None:
    with ScriptedEngine(faults=[Fault("429", at=1, retry_after_s=7)], ttft_s=0.0, itl_s=0.0) as engine:
        answers = [ask(engine, max_tokens=1) for _ in range(3)]
        log = engine.requests
    assert [a.status_code for a in answers] == [200, 429, 200]
    assert answers[1].headers["retry-after"] == "7"
    assert answers[1].json()["error"]["code"] == 429
    assert [r["fault"] for r in log] == [None, "429", None]
    assert [r["status"] for r in log] == [200, 429, 200]
    assert log[1]["started_s"] is None


def test_every_nth_request_fails() -> None:
    with ScriptedEngine(faults=[Fault("500", every=3)], ttft_s=0.0, itl_s=0.0) as engine:
        codes = [ask(engine, max_tokens=1).status_code for _ in range(7)]
    assert codes == [200, 200, 500, 200, 200, 500, 200]


@pytest.mark.parametrize("per_event", [1, 2])
@pytest.mark.parametrize("after", [0, 3, 6])
def test_cut_stream(after: int, per_event: int) -> None:
    fault = Fault("cut", at=0, after_tokens=after)
    with ScriptedEngine(faults=[fault], tokens_per_event=per_event, ttft_s=0.01, itl_s=0.001) as engine:
        body = {"prompt": "x", "max_tokens": 6, "stream": True}
        words: list[str] = []
        with (
            pytest.raises(httpx.RemoteProtocolError),
            HTTP.stream("POST", f"{engine.base_url}/completions", json=body) as response,
        ):
            for line in response.iter_lines():
                assert line != "data: [DONE]"
                if line:
                    words += json.loads(line.removeprefix("data: "))["choices"][0]["text"].split()
        assert eventually(lambda: engine.requests[0]["finished_s"] is not None)
        assert ask(engine, max_tokens=1).status_code == 200
        record = engine.requests[0]
    assert len(words) == after == record["completion_tokens"]
    assert (record["fault"], record["cancelled"]) == ("cut", False)


def test_cut_answer_that_is_not_streamed() -> None:
    with ScriptedEngine(faults=[Fault("cut", at=0, after_tokens=2)], slots=1, ttft_s=0.01) as engine:
        with pytest.raises(httpx.RemoteProtocolError):
            ask(engine, max_tokens=4)
        assert ask(engine, max_tokens=4).status_code == 200


def test_slow_start() -> None:
    with ScriptedEngine(slow_start_s=1.0, ttft_s=0.0, itl_s=0.0) as engine:
        assert HTTP.get(f"{engine.url}/health").status_code == 503
        assert ask(engine, max_tokens=1).status_code == 503
        assert eventually(lambda: HTTP.get(f"{engine.url}/health").status_code == 200)
        assert ask(engine, max_tokens=1).status_code == 200
        assert engine.requests[0]["status"] == 503


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault("404", at=0),
        lambda: Fault("429"),
        lambda: Fault("429", at=0, every=2),
        lambda: Fault("500", every=0),
        lambda: ScriptedEngine(slots=0),
        lambda: ScriptedEngine(tokens=0),
        lambda: ScriptedEngine(tokens_per_event=0),
    ],
)
def test_settings_without_meaning_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError):
        make()


# -- log and life ----------------------------------------------------------------------------------------------


def test_log_is_plain_data_and_a_copy() -> None:
    with ScriptedEngine(ttft_s=0.0, itl_s=0.0) as engine:
        headers = {"x-tenant": "blue"}
        body = {"prompt": "a b c", "max_tokens": 2}
        HTTP.post(f"{engine.base_url}/completions", json=body, headers=headers)
        engine.requests[0]["body"].clear()
        (record,) = engine.requests
    assert json.loads(json.dumps(record)) == record
    assert record["body"] == body
    assert record["headers"]["x-tenant"] == "blue"
    assert record["arrived_s"] <= record["started_s"] <= record["token_s"][0] <= record["finished_s"]
    assert (record["prompt_tokens"], record["completion_tokens"], record["status"]) == (3, 2, 200)


def test_clear_starts_counting_again() -> None:
    with ScriptedEngine(faults=[Fault("500", at=0)], ttft_s=0.0, itl_s=0.0) as engine:
        assert ask(engine).status_code == 500
        assert ask(engine).status_code == 200
        engine.clear()
        assert engine.requests == [] and engine.max_concurrent == 0
        assert ask(engine).status_code == 500
        assert engine.requests[0]["index"] == 0


def test_bad_bodies_are_logged_too() -> None:
    with ScriptedEngine() as engine:
        HTTP.post(f"{engine.base_url}/completions", content=b"not json")
        ask(engine, max_tokens=0)
        assert [r["status"] for r in engine.requests] == [400, 400]
        assert engine.requests[0]["body"] is None


def test_stop_cuts_what_is_in_flight_and_frees_the_port() -> None:
    engine = ScriptedEngine(itl_s=1.0).start()
    body = {"prompt": "x", "max_tokens": 50, "stream": True}
    with HTTP.stream("POST", f"{engine.base_url}/completions", json=body) as response:
        lines = response.iter_lines()
        next(lines)
        begun = time.monotonic()
        engine.stop()
        assert time.monotonic() - begun < 3
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    engine.stop()
    port = int(engine.url.rsplit(":", 1)[1])
    with ScriptedEngine(port=port) as again:
        assert again.url == engine.url


@pytest.mark.parametrize(("how", "statuses"), [("kill", []), ("stop", [500])])
def test_who_is_killed_answers_nobody_any_more(how: str, statuses: list[int]) -> None:
    """A whole answer in flight: `stop` still says 500, as a server does; after `kill` there is not a byte."""
    engine = ScriptedEngine(ttft_s=30).start()
    seen: list[int] = []
    broken: list[Exception] = []

    def wait() -> None:
        try:
            seen.append(HTTP.post(f"{engine.base_url}/completions", json={"prompt": "x"}).status_code)
        except httpx.HTTPError as error:
            broken.append(error)

    client = threading.Thread(target=wait)
    client.start()
    while not engine.requests:
        time.sleep(0.01)
    getattr(engine, how)()
    client.join(timeout=10)
    assert seen == statuses and len(broken) == 1 - len(statuses)
    engine.kill()


def test_port_in_use_is_said_clearly() -> None:
    with ScriptedEngine() as engine:
        port = int(engine.url.rsplit(":", 1)[1])
        with pytest.raises(RuntimeError, match=f"port {port}"):
            ScriptedEngine(port=port).start()


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Text on standard error would cost the check cell that uses the engine its points."""
    with ScriptedEngine(faults=[Fault("cut", at=0)], ttft_s=0.0) as engine:
        with pytest.raises(httpx.RemoteProtocolError):
            ask(engine)
        with socket.create_connection(("127.0.0.1", int(engine.url.rsplit(":", 1)[1]))) as raw:
            raw.sendall(b"nonsense\r\n\r\n")
            raw.recv(1000)
        body = {"prompt": "x", "max_tokens": 500, "stream": True}
        with HTTP.stream("POST", f"{engine.base_url}/completions", json=body):
            pass
        assert eventually(lambda: engine.requests[-1]["cancelled"])
    assert capfd.readouterr() == ("", "")


def test_metrics_are_true_to_the_log() -> None:
    with ScriptedEngine(slots=1, ttft_s=0.05, itl_s=0.02) as engine:
        run_closed_loop(engine.base_url, engine.model, ["a b c"] * 3, concurrency=3, max_tokens=5, desc="")
        log, text = engine.requests, engine.metrics()

    def value(name: str) -> float:
        return next(
            float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"vllm:{name}{{")
        )

    assert value("generation_tokens_total") == 15
    assert value("prompt_tokens_total") == 9
    assert value("time_to_first_token_seconds_count") == 3
    assert value("inter_token_latency_seconds_count") == 12
    ttft = sum(r["token_s"][0] - r["arrived_s"] for r in log)
    assert value("time_to_first_token_seconds_sum") == pytest.approx(ttft, rel=1e-6)
    e2e = sum(r["finished_s"] - r["arrived_s"] for r in log)
    assert value("e2e_request_latency_seconds_sum") == pytest.approx(e2e, rel=1e-6)
    queue = sum(r["started_s"] - r["arrived_s"] for r in log)
    assert value("request_queue_time_seconds_sum") == pytest.approx(queue, rel=1e-6)


def test_command_line() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "servelab.engine.scripted", "--port", str(port), "--model", "toy"]
    command += ["--ttft-s", "0.01", "--itl-s", "0.001", "--max-num-seqs", "2", "--dtype", "bfloat16"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )
    try:
        url = f"http://127.0.0.1:{port}"

        def healthy() -> bool:
            try:
                return HTTP.get(f"{url}/health").status_code == 200
            except httpx.TransportError:
                return False

        assert eventually(healthy, 20)
        answer = HTTP.post(f"{url}/v1/completions", json={"model": "toy", "prompt": "hi", "max_tokens": 3})
        assert answer.json()["usage"]["completion_tokens"] == 3
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert "ignores: --dtype bfloat16" in output
    assert "Application startup complete" in output or "Uvicorn running" in output


def test_a_connection_that_nobody_has_taken_up_ends_with_the_engine() -> None:
    """One that is accepted while the server ends has no protocol yet; its caller must not wait for ever."""
    from servelab.engine.scripted import _break_connections

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5) as caller, listener.accept()[0]:
            _break_connections(port)
            assert caller.recv(1) == b""


def test_a_connection_of_somebody_else_under_the_same_number_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the look at what is open and the end of it, a descriptor may have been closed and its number given away."""
    from servelab.engine import scripted

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=5) as caller,
        listener.accept()[0] as other,
    ):
        seen = types.SimpleNamespace(
            laddr=types.SimpleNamespace(port=1), raddr=("127.0.0.1", 2), fd=other.fileno()
        )
        monkeypatch.setattr(scripted.psutil.Process, "net_connections", lambda *_: [seen])
        scripted._break_connections(1)
        other.sendall(b"still here")
        assert caller.recv(10) == b"still here"
