"""An engine's log in words: stages of a start, and why it failed. The lines are vLLM's own."""

from __future__ import annotations

import pytest
from servelab.engine import logs

START = """\
(APIServer pid=8) INFO 11-21 10:29:51 [api_utils.py:286] non-default args: {'host': '127.0.0.1', 'port': 18101}
(APIServer pid=8) INFO 11-21 10:30:03 [model.py:733] Resolved architecture: LlamaForCausalLM
(APIServer pid=8) WARNING 11-21 10:30:03 [vllm.py:1703] Enforce eager set, disabling torch.compile, CUDAGraphs
(APIServer pid=8) INFO 11-21 10:30:03 [compilation.py:317] Enabled custom fusions: norm_quant, act_quant
(EngineCore pid=9) INFO 11-21 10:30:11 [core.py:133] Initializing a V1 LLM engine (v0.32.0) with config: model='m'
(EngineCore pid=9) INFO 11-21 10:30:13 [cpu_model_runner.py:68] Starting to load model /m...
(EngineCore pid=9) INFO 11-21 10:30:14 [default_loader.py:501] Loading weights took 0.37 seconds
(EngineCore pid=9) INFO 11-21 10:30:15 [cpu_model_runner.py:90] Warming up model for the compilation...
(EngineCore pid=9) INFO 11-21 10:30:15 [kv_cache_utils.py:2327] CPU KV cache size: 46,592 tokens, Maximum concurrency
(EngineCore pid=9) INFO 11-21 10:30:16 [core.py:402] init engine (profile, create kv cache, warmup model) took 1.50 s
(APIServer pid=8) INFO 11-21 10:30:18 [entry.py:140] Starting vLLM server on http://127.0.0.1:18101
INFO:     Application startup complete.
"""


def test_stages_come_in_order() -> None:
    found = [logs.stage_of(line) for line in START.splitlines()]
    named = [logs.STAGES[index][0] for index in found if index is not None]
    assert named == sorted(named, key=[name for name, _ in logs.STAGES].index)
    assert set(named) == {name for name, _ in logs.STAGES} - {"importing"}


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        (
            "api_server.py: error: unrecognized arguments: --max-seqs 3",
            "vLLM does not know the argument: --max-seqs 3",
            "spelling",
        ),
        (
            "api_server.py: error: argument --max-num-seqs: invalid int value: 'many'",
            "vLLM rejected an argument: --max-num-seqs: invalid int value: 'many'",
            "--help",
        ),
        (
            "OSError: [Errno 98] Address already in use",
            "The engine's port was taken by another program",
            "port=",
        ),
        (
            "ValueError: Available memory on node 0 (0.4/7.8 GiB) on kv cache allocation is less than requested memory "
            "for kv (1.0 GiB). Decrease --kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE, or reduce CPU memory",
            "Not enough memory for the KV cache: Available memory on node 0 (0.4/7.8 GiB)",
            "--kv-cache-memory-bytes 512M",
        ),
        (
            "ValueError: Free memory on device cuda:0 (3.1/14.7 GiB) on startup is less than desired GPU memory",
            "Not enough GPU memory: Free memory on device cuda:0 (3.1/14.7 GiB) on startup",
            "--gpu-memory-utilization",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried",
            "The GPU's memory did not suffice",
            "--max-model-len",
        ),
        (
            "ValueError: No available memory for the cache blocks. Try increasing",
            "After the weights no memory is left",
            "--gpu-memory-utilization",
        ),
        (
            "ValueError: To serve at least one request with the models's max seq len (8192), (0.70 GiB KV cache",
            "The KV cache is too small for one request of the longest length",
            "--max-model-len",
        ),
        (
            "  Value error, User-specified max_model_len (100000) is greater than the derived max_model_len (8192)",
            "--max-model-len 100000 is longer than the model can read",
            "max_position_embeddings",
        ),
        (
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried",
            "The machine's memory did not suffice",
            "close other programs",
        ),
        ("ModuleNotFoundError: No module named 'torch'", "The Python package torch is missing", "make setup"),
        (
            "OSError: cannot run /no/python: gone",
            "The engine refused to start: cannot run /no/python",
            "engine's own",
        ),
    ],
)
def test_faults_are_recognised(line: str, what: str, remedy: str) -> None:
    found = logs.explain(
        [*START.splitlines(), "Traceback (most recent call last):", f"(APIServer pid=1) {line}"]
    )
    assert found is not None
    assert found.what.startswith(what)
    assert remedy in found.remedy
    assert line.strip()[:60] in found.lines[0]


def test_a_healthy_log_explains_nothing() -> None:
    assert logs.explain(START.splitlines()) is None


def test_telling_lines_leave_out_the_noise() -> None:
    lines = [
        "(APIServer pid=8) ERROR 11-21 10:29:51 [core.py:1] it broke",
        "Traceback (most recent call last):",
        '  File "/x/y.py", line 3, in f',
        "    raise ValueError(",
        "    ^^^^^^",
        " - leaked instance 0x7fd of type Attribute",
        "nanobind: leaked 4 instances!",
        "usage: api_server.py [-h]",
        "                     [--enable-log-requests | --no-enable-log-requests]",
        'INFO:     127.0.0.1:38434 - "GET /health HTTP/1.1" 503 Service Unavailable',
        "it broke",
    ]
    assert logs.telling(lines) == ["it broke"]


def test_the_warning_about_open_files_is_no_fault() -> None:
    """vLLM quotes an OSError in a warning; the fault that follows is the one to tell."""
    warning = (
        "WARNING 11-21 12:52:08 [system_utils.py:1] Found ulimit of 20000 and failed to automatically increase. "
        "This can cause fd limit errors like `OSError: [Errno 24] Too many open files`. Consider increasing with ulimit -n"
    )
    assert logs.explain([warning]) is None
    told = logs.explain([warning, "ValueError: this model is of no use to anyone"])
    assert told is not None and "of no use" in told.what
