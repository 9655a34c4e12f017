"""The scripted engine's metrics are those of the installed vLLM: names, descriptions, labels, buckets."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from servelab.engine import scripted_metrics
from servelab.engine.scripted import ScriptedEngine


@pytest.fixture(scope="module")
def vllm_metrics() -> Path:
    found = importlib.util.find_spec("vllm")
    if found is None:
        pytest.skip("vLLM is not installed, so there is nothing to compare with")
    return Path(found.submodule_search_locations[0]) / "v1" / "metrics"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"of_vllm_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_buckets(vllm_metrics: Path) -> None:
    buckets = load(vllm_metrics / "buckets.py")
    assert scripted_metrics.LATENCY_BUCKETS == buckets.REQUEST_LATENCY_BUCKETS
    assert scripted_metrics.TTFT_BUCKETS == buckets.TIME_TO_FIRST_TOKEN_BUCKETS
    assert scripted_metrics.ITL_BUCKETS == buckets.INTER_TOKEN_LATENCY_BUCKETS
    for length in (1, 9, 10, 2048, 131072):
        assert scripted_metrics.token_buckets(length) == buckets.histogram_buckets("request_tokens", length)


def test_names_and_descriptions(vllm_metrics: Path) -> None:
    source = (vllm_metrics / "loggers.py").read_text()
    # Descriptions may be split over several lines there; compare without quotes and white space.
    flat = re.sub(r"[\s\"']+", "", source)
    with ScriptedEngine() as engine:
        families = list(engine._metrics.registry.collect())
    assert len(families) >= 18
    for family in families:
        if family.name == "vllm:cache_config_info":
            assert f'"{family.name}"' in source
            continue
        assert f'name="{family.name}"' in source, family.name
        assert re.sub(r"[\s\"']+", "", family.documentation) in flat, family.name
