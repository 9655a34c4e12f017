"""A start's log and its imports become seconds; and a real start is accounted for from its first second to its last."""

from __future__ import annotations

import psutil
import pytest
from servelab.engine import logs
from servelab.engine.errors import EngineError
from servelab.evidence import startup

LOG = [
    (1.0, "Triton is installed, but doesn't include CPU backend. Disabling Triton."),
    (8.0, "(APIServer pid=1) INFO 11-30 20:26:27 [api_utils.py:286] non-default args: {'port': 1}"),
    (9.0, "(APIServer pid=1) INFO 11-30 20:26:28 [compilation.py:317] Enabled custom fusions: norm_quant"),
    (15.0, "(EngineCore pid=2) INFO 11-30 20:26:40 [cpu_model_runner.py:68] Starting to load model /m..."),
    (
        15.5,
        "(EngineCore pid=2) INFO 11-30 20:26:40 [api_utils.py:286] non-default args: told again, too late",
    ),
    (
        16.0,
        "(EngineCore pid=2) INFO 11-30 20:26:42 [cpu_worker.py:260] Explicitly set (1.0/17.84) GiB for KV cache",
    ),
    (17.0, "(APIServer pid=1) INFO 11-30 20:26:44 [entry.py:140] Starting vLLM server on http://127.0.0.1:1"),
    (30.0, "(EngineCore pid=2) INFO 11-30 20:26:59 [core.py:402] init engine (profile) took 0.22 s"),
]


def test_stages_add_up_to_the_whole_start() -> None:
    found = startup.stage_seconds(LOG, 17.5)
    assert found == {"imports": 8.0, "config": 1.0, "core": 6.0, "weights": 1.0, "cache": 1.0, "port": 0.5}
    assert sum(found.values()) == 17.5
    assert startup.stage_seconds([], 3.0) == {"imports": 3.0}
    assert len(startup.KEYS) == len(logs.STAGES)


def test_imports_are_counted_by_package_and_once() -> None:
    lines = [
        "import time: self [us] | cumulative | imported package",
        "import time:       400 |        400 |   torch.nn",
        "import time:      1000 |       1400 | torch",
        "(EngineCore pid=12) import time:       100 |       1500 | vllm.engine",
        "INFO something else",
    ]
    assert startup.import_seconds(lines) == {"torch": 0.0014, "vllm": 0.0001}


def test_an_engine_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["python", "-c", "print('ValueError: no such thing'); raise SystemExit(3)"]
    monkeypatch.setattr(startup.profiles, "launch_command", lambda *a, **k: command)
    monkeypatch.setattr(startup.engine, "model_path", lambda of: "there")
    with pytest.raises(EngineError, match="before it was ready") as error:
        startup.observed()
    assert error.value.log_tail == ["ValueError: no such thing"]


@pytest.mark.engine
def test_a_real_start_is_accounted_for() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    start = startup.observed(env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert sum(start.stages.values()) == pytest.approx(start.ready_s)
    assert {"imports", "weights", "cache"} <= start.stages.keys()
    assert start.first_token_s > start.ready_s > 2 and start.processes >= 2
    imports = startup.import_seconds(start.lines)
    assert imports["torch"] > 0.2 and imports["vllm"] > 0.2
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before, (
        "nothing is left behind"
    )
