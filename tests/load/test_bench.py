"""The benchmark commands measure what they say, and leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.errors import CourseError
from servelab.load import bench, run_closed_loop

pytestmark = pytest.mark.alone  # measures times


def naive_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # ended meanwhile, or a zombie of another test
            if "servelab.load.naive" in child.cmdline():
                found.append(child)
    return found


def test_naive_server_lives_as_long_as_its_block() -> None:
    with bench.naive_server("toy") as base_url:
        run = run_closed_loop(
            base_url, "toy", ["a b"] * 4, concurrency=2, max_tokens=3, stream=False, desc=""
        )
        assert run.summary().errors == 0
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{base_url}/completions", json={})


def test_naive_server_that_cannot_start_says_why() -> None:
    with (
        pytest.raises(CourseError, match="no back end called 'nonsense'") as error,
        bench.naive_server("nonsense"),
    ):
        pass
    assert "\n" not in str(error.value)


def test_naive_server_goes_when_its_caller_is_killed() -> None:
    code = (
        "import time\nfrom servelab.load import bench\n"
        "with bench.naive_server('toy') as url:\n    print('URL', url, flush=True)\n    time.sleep(60)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    line = next(line for line in caller.stdout if "URL" in line)
    (child,) = psutil.Process(caller.pid).children()
    assert "servelab.load.naive" in child.cmdline()
    caller.kill()
    caller.wait()
    caller.stdout.close()
    child.wait(timeout=10)
    with pytest.raises(httpx.ConnectError):
        httpx.get(line.split("URL ")[1].strip())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"faults": [Fault("500", every=3)]}, "failed: InternalServerError"),
        ({"max_model_len": 70}, "tokens instead of 64"),
    ],
)
def test_levels_refuse_failed_and_short_answers(settings: dict[str, Any], message: str) -> None:
    with (
        ScriptedEngine(ttft_s=0.0, itl_s=0.0, **settings) as engine,
        pytest.raises(CourseError, match=message),
    ):
        bench._levels(engine.base_url, engine.model, ((2, 6),), "vLLM", stream=True)


def test_prompts_are_always_the_same_and_all_different() -> None:
    assert bench.prompts(128) == bench.prompts(128)
    assert len(set(bench.prompts(128))) == 128


@pytest.mark.parametrize("stamp", [None, "{", "[]", '{"first_s": 123.4, "again_s": 0.5}'])
def test_setup_reads_the_stamp(stamp: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_ROOT", str(tmp_path))
    monkeypatch.delenv("SERVELAB_ENGINE_URL", raising=False)
    if stamp is not None:
        (tmp_path / ".venv").mkdir()
        (tmp_path / ".venv" / "servelab-setup.json").write_text(stamp)
    result = bench.bench_setup(profile="scripted")
    assert 0 < result["engine_ready_s"] < result["first_token_s"] < 60
    measured = stamp is not None and "123" in stamp
    assert result["first_s"] == (123.4 if measured else None)
    # No set-up script in this folder, and the scripted engine has no model: that is said, not guessed.
    assert result["again_s"] is result["model_s"] is result["clean_to_first_token_s"] is None
    assert json.loads(json.dumps(result)) == result


@pytest.mark.engine
@pytest.mark.slow
def test_seconds_from_clean_to_first_token(real_engine: Any, figures: dict[str, Any]) -> None:
    """Also while an engine runs, which must not be taken for one that starts in no time."""
    result = bench.bench_setup()
    figures["model converted (once), s"] = result["model_s"]
    figures["engine ready, s"] = result["engine_ready_s"]
    figures["clean machine to first token, s"] = result["clean_to_first_token_s"]
    assert result["again_s"] < result["first_s"]
    assert result["engine_ready_s"] > 2 and real_engine.alive()
    assert result["clean_to_first_token_s"] > result["first_s"] + result["engine_ready_s"]


@pytest.mark.engine
@pytest.mark.slow
def test_vllm_serves_ten_times_the_naive_server(
    figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bench, "NAIVE_LEVELS", ((1, 2), (4, 4))
    )  # the ratio is far from 10: few requests show it
    monkeypatch.setattr(bench, "VLLM_LEVELS", ((8, 16), (32, 64)))
    result = bench.bench_serving()
    figures["naive, requests/s"] = result["naive_rps"]
    figures["vLLM, requests/s"] = result["vllm_rps"]
    figures["vLLM / naive"] = result["ratio"]
    assert result["ratio"] == pytest.approx(result["vllm_rps"] / result["naive_rps"], rel=0.01)
    assert result["ratio"] >= 10
    deadline = time.monotonic() + 10
    while naive_processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert naive_processes() == []
