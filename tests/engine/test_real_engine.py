"""Real vLLM through the same keeper: what the scripted engine cannot prove."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import openai
import psutil
import pytest
from servelab import engine
from servelab.engine import EngineError, state

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def owner() -> Any:
    """A process for engines to belong to, so that these tests never touch the shared engine."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    engine.stop_all(owner=process.pid)


def marked(engine_id: str) -> list[int]:
    """The living processes of one engine."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(state.MARK) == engine_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def test_answers_and_measures(real_engine: engine.Engine) -> None:
    client = real_engine.client()
    assert [m.id for m in client.models.list()] == [real_engine.model]
    answer = client.chat.completions.create(
        model=real_engine.model,
        messages=[{"role": "user", "content": "What is the capital of France?"}],
        max_tokens=12,
        temperature=0,
    )
    assert "Paris" in (answer.choices[0].message.content or "")
    metrics = real_engine.metrics()
    for name in ("vllm:kv_cache_usage_perc", "vllm:num_requests_running", "vllm:time_to_first_token_seconds"):
        assert name in metrics
    assert re.match(r"vllm\S* \d+\.\d+\S*, ", real_engine.backend)


def test_an_answer_ends_at_max_model_len_and_a_longer_prompt_is_refused(real_engine: engine.Engine) -> None:
    """What lab 02 and its quiz say of `--max-model-len`."""
    client = real_engine.client()
    (model,) = client.models.list()
    limit = model.max_model_len  # vLLM's addition to OpenAI's answer
    ask = {"model": real_engine.model, "max_tokens": 50, "extra_body": {"ignore_eos": True}}
    answer = client.completions.create(prompt=[11] * (limit - 7), **ask)
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (7, "length")
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        client.completions.create(prompt=[11] * (limit + 1), **ask)


def test_the_vllm_command_runs(real_engine: engine.Engine) -> None:
    command, env = engine.vllm_cli()
    done = subprocess.run([*command, "--version"], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+\.\d+\.\d+", done.stdout)


def test_a_wrong_flag_is_named(owner: subprocess.Popen[bytes]) -> None:
    before = {r.id for r in state.records()}
    with pytest.raises(EngineError) as caught:
        engine.serve(["--max-sequences", "3"], owner=owner.pid)
    assert "--max-sequences" in caught.value.what
    assert {r.id for r in state.records()} <= before


def test_killed_while_serving_and_the_owner_killed(
    owner: subprocess.Popen[bytes], figures: dict[str, Any]
) -> None:
    """Two starts, three faults: its inner process killed, then the whole of it left by an owner that died."""
    first = engine.serve(["--max-num-seqs", "3"], owner=owner.pid)
    assert first._record is not None
    core = [
        p for p in psutil.Process(first.pid).children(recursive=True) if "VLLM::" in " ".join(p.cmdline())
    ]
    assert core, "vLLM names its inner processes otherwise now: see Keeper._watch_vital"
    core[0].kill()
    with pytest.raises(EngineError, match="while it was serving"):
        assert state.wait_until(lambda: not first.alive(), 5)
        first.client()
    assert marked(first._record.id) == []

    second = engine.serve(["--max-num-seqs", "3"], owner=owner.pid)
    assert second._record is not None
    scratch = second._record.spec()["scratch"]
    figures["engine ready, bytecode and model there, s"] = second.ready_s
    owner.kill()
    owner.wait()
    assert state.wait_until(lambda: not marked(second._record.id), 3.5)  # type: ignore[union-attr]
    assert state.wait_until(lambda: not second._record.folder.exists(), 1)  # type: ignore[union-attr]
    assert not os.path.exists(scratch)  # noqa: PTH110
    with pytest.raises(EngineError, match="is gone"):
        second.metrics()
