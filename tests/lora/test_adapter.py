"""Reading an adapter that somebody else made: what is right is read exactly, and each way to be wrong is refused in a line."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lora_kit import adapter_files, bfloat16, config, packed, tensors, write_adapter
from servelab.errors import CourseError
from servelab.lora import adapter
from servelab.lora.adapter import CONFIG, MOST_BYTES, WEIGHTS, AdapterError

NAME = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


def refused(files: dict[str, bytes]) -> str:
    """The one line with which these files are refused."""
    with pytest.raises(AdapterError) as caught:
        adapter.read(files)
    line = str(caught.value)
    assert isinstance(caught.value, CourseError)
    assert "\n" not in line and len(line) < 300 and line.isprintable()
    return line


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize(("kind", "bits"), [("F32", 24), ("F16", 11), ("BF16", 8)])
def test_numbers_are_read_exactly(kind: str, bits: int) -> None:
    arrays = tensors(4, ["k_proj", "down_proj"])
    if kind == "BF16":
        weights = bfloat16(arrays)
    else:
        weights = packed({n: a.astype({"F32": "f4", "F16": "f2"}[kind]) for n, a in arrays.items()})
    read = adapter.read({WEIGHTS: weights, CONFIG: json.dumps(config(4, ["down_proj", "k_proj"])).encode()})
    assert (read.rank, read.alpha, read.scale, read.targets) == (4, 8.0, 2.0, ("k_proj", "down_proj"))
    assert len(read.pairs) == 60 and read.parameters == sum(a.size for a in arrays.values())
    a, b = read.pairs["model.layers.29.mlp.down_proj"]
    assert a.dtype == b.dtype == np.float32 and (a.shape, b.shape) == ((4, 1536), (576, 4))
    name = "base_model.model.model.layers.29.mlp.down_proj"
    np.testing.assert_allclose(a, arrays[f"{name}.lora_A.weight"], rtol=2.0 ** (1 - bits), atol=1e-7)
    np.testing.assert_allclose(b, arrays[f"{name}.lora_B.weight"], rtol=2.0 ** (1 - bits), atol=1e-7)


def test_the_scale() -> None:
    weights = adapter_files(4)[WEIGHTS]
    told = config(4, lora_alpha=6, use_rslora=True)
    assert adapter.read({WEIGHTS: weights, CONFIG: json.dumps(told).encode()}).scale == 3.0


def test_what_peft_itself_writes(tmp_path: Path) -> None:
    """A tiny Llama with the base model's inner sizes would not do: PEFT has to name what we expect, so it wraps the real shapes, unfilled."""
    torch = pytest.importorskip("torch")
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        model = LlamaForCausalLM(
            LlamaConfig(
                hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
                head_dim=64, vocab_size=64, tie_word_embeddings=True,
            )
        )  # fmt: skip
        tuned = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    tuned.to_empty(device="cpu")
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.01)
    tuned.save_pretrained(tmp_path / "adapter")
    read = adapter.read(adapter.files(tmp_path / "adapter"))
    assert read.targets == adapter.TARGETS and read.rank == 2
    theirs = dict(tuned.named_parameters())
    a, _ = read.pairs["model.layers.7.mlp.up_proj"]
    known = theirs["base_model.model.model.layers.7.mlp.up_proj.lora_A.default.weight"]
    assert np.array_equal(a, known.detach().numpy())


def test_the_largest_usual_adapter_is_allowed() -> None:
    files = adapter_files(8, adapter.TARGETS)
    assert 9_700_000 < sum(map(len, files.values())) < MOST_BYTES
    assert adapter.read(files).size_bytes == sum(map(len, files.values()))


def test_reading_imports_nothing_heavy() -> None:
    text = "import sys; import servelab.lora.adapter; print(any(m in sys.modules for m in ('torch', 'peft', 'safetensors', 'pickle5')))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------- the two files


def test_a_file_is_missing() -> None:
    files = adapter_files()
    assert f"no {WEIGHTS}" in refused({CONFIG: files[CONFIG]})
    assert f"no {CONFIG}" in refused({WEIGHTS: files[WEIGHTS]})
    assert WEIGHTS in refused({})


@pytest.mark.parametrize("other", ["adapter_model.bin", "modeling_custom.py", "../x", "a\nb"])
def test_a_file_too_many(other: str) -> None:
    assert "is no part of an adapter" in refused(adapter_files() | {other: b""})


def test_too_large() -> None:
    files = adapter_files()
    files[WEIGHTS] += bytes(MOST_BYTES)
    assert "10 are allowed" in refused(files)


# ---------------------------------------------------------------- the configuration

CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "another method": ({"peft_type": "LOHA"}, "“LOHA”"),
    "no method": ({"peft_type": None}, "peft_type"),
    "another task": ({"task_type": "SEQ_CLS"}, "CAUSAL_LM"),
    "rank 0": ({"r": 0}, "from 1 to 64"),
    "rank 65": ({"r": 65}, "from 1 to 64"),
    "rank as text": ({"r": "8"}, "from 1 to 64"),
    "rank true": ({"r": True}, "from 1 to 64"),
    "rank missing": ({"r": None}, "from 1 to 64"),
    "alpha 0": ({"lora_alpha": 0}, "lora_alpha"),
    "alpha negative": ({"lora_alpha": -1}, "lora_alpha"),
    "alpha true": ({"lora_alpha": True}, "lora_alpha"),
    "alpha huge": ({"lora_alpha": 1e300}, "lora_alpha"),
    "targets as a pattern": ({"target_modules": ".*"}, "list of names"),
    "no targets": ({"target_modules": []}, "list of names"),
    "targets as numbers": ({"target_modules": [1]}, "list of names"),
    "unknown target": ({"target_modules": ["q_proj", "lm_head"]}, "“lm_head”"),
    "rslora as text": ({"use_rslora": "yes"}, "use_rslora"),
    "bias": ({"bias": "all"}, "bias"),
    "auto_map": ({"auto_map": {"AutoModel": "evil.Model"}}, "“auto_map”"),
    "auto_mapping": ({"auto_mapping": {"parent_library": "evil"}}, "“auto_mapping”"),
    "modules kept whole": ({"modules_to_save": ["lm_head"]}, "“modules_to_save”"),
    "some layers": ({"layers_to_transform": [0]}, "“layers_to_transform”"),
    "layers doubled": ({"layer_replication": [[0, 30], [0, 30]]}, "“layer_replication”"),
    "DoRA": ({"use_dora": True}, "“use_dora”"),
    "ranks by module": ({"rank_pattern": {"q_proj": 64}}, "“rank_pattern”"),
    "alphas by module": ({"alpha_pattern": {"q_proj": 64}}, "“alpha_pattern”"),
    "new tokens": ({"trainable_token_indices": [1]}, "“trainable_token_indices”"),
    "a field of tomorrow": ({"use_something": 1}, "“use_something”"),
    "a field to print": ({"evil\n\x1b[31m": 1}, "“evil??[31m”"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_configuration_that_is_refused(case: str) -> None:
    change, words = CONFIGS[case]
    assert words in refused(adapter_files() | {CONFIG: json.dumps(config(2, **change)).encode()})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'"LORA"',
        b"{",
        b"\xff\xfe{}",
        b'{"r": NaN}',
        b'{"r": Infinity}',
        b'{"r": 2, "r": 64}',
        b"[" * 50_000,
        b'{"r": ' + b"9" * 5000 + b"}",
        b"{}" + b" " * adapter.CONFIG_BYTES,
        pickle.dumps({"peft_type": "LORA"}),
    ],
)
def test_a_configuration_that_is_no_json_object(content: bytes) -> None:
    assert CONFIG in refused(adapter_files() | {CONFIG: content})


def test_what_does_not_matter_is_not_looked_at() -> None:
    told = config(
        2, base_model_name_or_path="../../etc/passwd", revision="x", peft_version="99", use_dora=False
    )
    adapter.read(adapter_files() | {CONFIG: json.dumps(told).encode()})


# ---------------------------------------------------------------- the tensors


def test_a_pickle_under_another_name() -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os._exit, (3,))

    files = adapter_files()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Evil()))
    for content in (pickle.dumps(Evil()), zipped.getvalue()):
        assert "not opened" in refused(files | {WEIGHTS: content})


Header = dict[str, Any]


def _offsets(first: int, last: int) -> Callable[[Header], None]:
    return lambda header: header[NAME].update(data_offsets=[first, last])


LIES: dict[str, tuple[Callable[[Header], Any], str]] = {
    "offsets beyond the file": (_offsets(0, 10**7), "another size"),
    "offsets beyond all files": (_offsets(2**63, 2**63 + 4608), "two offsets"),
    "offsets backwards": (_offsets(4608, 0), "another size"),
    "offsets negative": (_offsets(-4608, 0), "two offsets"),
    "offsets shared": (
        lambda h: h[NAME.replace("layers.0", "layers.1")].update(data_offsets=h[NAME]["data_offsets"]),
        "does not begin where the one before ends",
    ),
    "offsets as text": (lambda h: h[NAME].update(data_offsets=["0", "4608"]), "two offsets"),
    "offsets as fractions": (lambda h: h[NAME].update(data_offsets=[0.0, 4608.0]), "two offsets"),
    "three offsets": (lambda h: h[NAME].update(data_offsets=[0, 1, 4608]), "two offsets"),
    "a shape larger than its bytes": (lambda h: h[NAME].update(shape=[2, 10**7]), "another size"),
    "a shape beyond counting": (lambda h: h[NAME].update(shape=[2**40, 2**40]), "two offsets"),
    "a shape turned round": (lambda h: h[NAME].update(shape=[576, 2]), "it is (2, 576)"),
    "a flat shape": (lambda h: h[NAME].update(shape=[1152]), "shape of two"),
    "a shape of truth": (lambda h: h[NAME].update(shape=[True, 1152]), "shape of two"),
    "no shape": (lambda h: h[NAME].pop("shape"), "has not exactly"),
    "one more field": (lambda h: h[NAME].update(code="x"), "has not exactly"),
    "no object": (lambda h: h.update({NAME: [1]}), "has not exactly"),
    "another type": (lambda h: h[NAME].update(dtype="F64"), "“F64”"),
    "a type that is none": (lambda h: h[NAME].update(dtype="__import__"), "“__import__”"),
    "a type as a list": (lambda h: h[NAME].update(dtype=["F32"]), "a list"),
    "a tensor left out": (lambda h: h.pop(NAME), "does not begin where"),
    "another name": (lambda h: h.update({"lm_head.weight": h.pop(NAME)}), "no LoRA pair"),
    "a name with a path": (lambda h: h.update({"../" + NAME: h.pop(NAME)}), "no LoRA pair"),
    "a layer too many": (lambda h: h.update({NAME.replace(".0.", ".30."): h.pop(NAME)}), "has 30 layers"),
    "a target that is not named": (
        lambda h: h.update({NAME.replace("q_proj", "o_proj"): h.pop(NAME)}),
        "does not name its module",
    ),
}


@pytest.mark.parametrize("case", LIES)
def test_a_header_that_lies(case: str) -> None:
    change, words = LIES[case]
    assert words in refused(adapter_files() | {WEIGHTS: packed(tensors(), change)})


def _with_header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"1234567", "7 bytes"),
        (_with_header(b"{}", 2**63), "header has 9,223,372,036,854,775,808 bytes"),
        (_with_header(b"{}", 3), "header has 3 bytes"),
        (_with_header(b" " * (adapter.HEADER_BYTES + 1)), "header has 200,001 bytes"),
        (_with_header(b"[" * 100_000), "is not JSON"),
        (_with_header(b"[]"), "no object"),
        (_with_header(b'{"a": 1, "a": 2}'), "there twice"),
        (_with_header(json.dumps({f"t{n}": {} for n in range(421)}).encode()), "421 tensors"),
        (_with_header(b"{}") + bytes(10), "the file has 10"),
        (_with_header(b"{}"), "lacks 120 tensors"),
    ],
)
def test_a_file_that_is_no_safetensors_file(content: bytes, words: str) -> None:
    assert words in refused(adapter_files() | {WEIGHTS: content})


def test_bytes_after_the_last_tensor() -> None:
    files = adapter_files()
    assert "the file has" in refused(files | {WEIGHTS: files[WEIGHTS] + b"more"})
    assert "its tensors take" in refused(files | {WEIGHTS: files[WEIGHTS][:-1]})


def test_tensors_that_are_missing() -> None:
    arrays = tensors()
    for layer in (4, 29):
        del arrays[f"base_model.model.model.layers.{layer}.self_attn.v_proj.lora_B.weight"]
    assert "lacks 2 tensors" in refused(adapter_files() | {WEIGHTS: packed(arrays)})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(bad: float) -> None:
    arrays = tensors()
    arrays[NAME][1, 5] = bad
    files = adapter_files()
    assert "not finite" in refused(files | {WEIGHTS: packed(arrays)})
    assert "not finite" in refused(files | {WEIGHTS: bfloat16(arrays)})


def test_another_base_model() -> None:
    """A rank of 4 where the configuration says 2, and the sizes of a larger Llama."""
    assert "with r = 2" in refused(adapter_files() | {WEIGHTS: adapter_files(4)[WEIGHTS]})
    arrays = tensors()
    arrays[NAME] = np.zeros((2, 960), np.float32)
    assert "(2, 960)" in refused(adapter_files() | {WEIGHTS: packed(arrays)})


# ---------------------------------------------------------------- the folder


def test_only_the_two_files_of_a_folder_are_read(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    (folder / "README.md").write_text("PEFT writes one")
    (folder / "checkpoint-8").mkdir()
    assert adapter.files(folder) == adapter_files() == adapter.files(str(folder))
    (folder / CONFIG).unlink()
    assert list(adapter.files(folder)) == [WEIGHTS]
    assert adapter.files(tmp_path / "nowhere") == {}


def test_no_link_is_followed(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    (tmp_path / "other").symlink_to(folder)
    with pytest.raises(AdapterError, match="is a link"):
        adapter.files(tmp_path / "other")
    (folder / WEIGHTS).rename(tmp_path / "secret")
    (folder / WEIGHTS).symlink_to(tmp_path / "secret")
    with pytest.raises(AdapterError, match="is a link"):
        adapter.files(folder)


def test_a_pipe_or_a_folder_is_no_file(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)
    with pytest.raises(AdapterError, match="no ordinary file"):
        adapter.files(folder)
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).mkdir()
    with pytest.raises(AdapterError, match="no ordinary file"):
        adapter.files(folder)
    with pytest.raises(AdapterError, match="a link or a file"):
        adapter.files(folder / CONFIG)


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter")
    with (folder / WEIGHTS).open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(AdapterError, match="more than 10 MB"):
        adapter.files(folder)
