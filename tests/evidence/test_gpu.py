"""The GPU script: its arithmetic by hand, its budget and its parts, and the real engine on a tiny shape."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from servelab.errors import CourseError
from servelab.evidence.claims import CLAIMS, claim
from servelab.evidence.gpu import bounds, machine, run, shapes, steps
from servelab.evidence.gpu.bounds import Load, Machine
from servelab.evidence.gpu.load import token_prompts
from servelab.evidence.gpu.steps import Step
from servelab.load import measurements, provenance

SURFACE = json.loads((ROOT / "environment" / "locks" / "gpu-surface.json").read_text())
ONE = Machine(bytes_per_s=1e12, flop_per_s={"bf16": 1e14, "fp8": 2e14})

# Another family, to hold the arithmetic against published numbers.
LLAMA = shapes.Shape(
    name="Llama-3-8B's shape",
    family="llama",
    hidden=4096,
    inner=14336,
    layers=32,
    heads=32,
    kv_heads=8,
    head_dim=128,
    vocabulary=128256,
    rope_theta=5e5,
    positions=8192,
    source="config.json of meta-llama/Meta-Llama-3-8B",
)


def test_shapes_have_the_published_numbers_of_parameters() -> None:
    assert shapes.QWEN.parameters == 7_615_616_512
    assert LLAMA.parameters == 8_030_261_248
    assert LLAMA.kv_bytes_per_token == 131_072
    assert shapes.QWEN.kv_bytes_per_token == 57_344
    assert shapes.QWEN.weight_bytes("bf16") == 2 * shapes.QWEN.parameters
    # Published sizes of such checkpoints: 15.2 GB in 16 bits, 5.6 GB in AWQ.
    assert 5.4e9 < shapes.QWEN.weight_bytes("awq") < 5.8e9


@pytest.mark.parametrize("numbers", ["bf16", "awq"])
def test_a_checkpoint_without_weights_is_what_transformers_reads(tmp_path: Path, numbers: str) -> None:
    from transformers import AutoConfig, AutoTokenizer

    folder = shapes.write(tmp_path, shapes.TINY, numbers)
    config = AutoConfig.from_pretrained(folder)
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (256, 2, 1024)
    assert bool(getattr(config, "quantization_config", None)) == (numbers == "awq")
    tokenizer = AutoTokenizer.from_pretrained(shapes.tokenizer_folder(folder))
    assert len(tokenizer) == 1024, "random weights answer with any id, and each must have a word"
    assert tokenizer.decode([1023]).strip() == "w1023"
    if numbers == "awq":
        assert json.loads((folder / "config.json").read_text())["quantization_config"]["bits"] == 4


def test_awq_is_told_as_vllm_reads_it() -> None:
    """By vLLM's own parser: 4 bits in groups, for which it takes Marlin's kernel on a card that has it."""
    from vllm.model_executor.layers.quantization import get_quantization_config

    about = shapes.config(shapes.QWEN, "awq")["quantization_config"]
    found = get_quantization_config("awq").from_config(about)
    assert (found.weight_bits, found.group_size, found.zero_point) == (4, 128, True)
    for size in (shapes.QWEN.hidden, shapes.QWEN.inner, LLAMA.hidden, LLAMA.inner):
        assert size % shapes.AWQ_GROUP == 0 and size % 64 == 0


def test_every_flag_is_one_of_the_locked_engine() -> None:
    source = Path(steps.__file__).read_text()
    used = {f for f in steps.FULL.engine_args if f.startswith("--")} | {
        "--quantization",
        "--enable-prefix-caching",
    }
    assert used <= set(SURFACE["flags"])
    # `--no-…` is the other half of a switch.
    assert "--no-enable-prefix-caching" in source


def test_the_bound_of_decoding_is_memory_and_of_long_prompts_arithmetic() -> None:
    shape = LLAMA
    one = bounds.bound(shape, "bf16", Load(1, 1, 1, 100), ONE)
    read = 100 * shape.step_bytes("bf16") + sum(range(2, 101)) * shape.kv_bytes_per_token
    assert one.memory_s == pytest.approx(read / 1e12) and one.by == "memory"
    long = bounds.first_token_bound(shape, "bf16", 4000, ONE)
    linear = 2 * shape.linear_parameters * 4000 + 2 * shape.head_parameters
    attention = 4 * 32 * 32 * 128 * 4000 * 4001 / 2
    assert long.compute_s == pytest.approx((linear + attention) / 1e14) and long.by == "compute"


def test_bounds_move_the_right_way() -> None:
    shape = shapes.QWEN
    small, large = Load(8, 8, 256, 128), Load(64, 64, 256, 128)
    few, many = (bounds.bound(shape, "bf16", load, ONE).memory_s / load.requests for load in (small, large))
    assert many < few / 5, "a batch reads the weights once"
    memory = {n: bounds.bound(shape, n, small, ONE).memory_s for n in shapes.BITS}
    assert memory["awq"] < memory["fp8"] < memory["bf16"]
    compute = {n: bounds.bound(shape, n, small, ONE).compute_s for n in shapes.BITS}
    assert compute["fp8"] < compute["bf16"] == compute["awq"]


def test_prompts_are_seeded_and_no_two_alike() -> None:
    first = token_prompts(20, 16, 1024, seed=3)
    assert first == token_prompts(20, 16, 1024, seed=3) != token_prompts(20, 16, 1024, seed=4)
    assert len({tuple(p) for p in first}) == 20 and {len(p) for p in first} == {16}
    assert min(min(p) for p in first) >= 16


@pytest.mark.parametrize(
    ("value", "words"), [(8.2, "2 times the claim"), (4.1, "as claimed"), (2.05, "0.5 times the claim")]
)
def test_a_claim_beside_a_measurement(value: float, words: str) -> None:
    assert claim("vllm_over_naive").beside(value) == words
    assert (
        claim("streaming").beside(25) == "as claimed"
        and claim("streaming").beside(40) == "1.3 times the claim"
    )


# --- the run: made-up steps


RATES = {
    "read_gb_per_s": [900.0, 1000.0],
    "copy_gb_per_s": [800.0, 800.0],
    "matmul_bf16_tflop_per_s": [100.0, 100.0],
}


def fake(name: str, samples: dict[str, list[float]], ran: list[str], seconds: int = 10, **more: Any) -> Step:
    def do(plan: Any, scratch: Path) -> dict[str, Any]:
        ran.append(name)
        loads = [vars(load) for load in steps.FULL.loads]
        details = {"prompt": 3088, "load": vars(steps.FULL.naive), "loads": loads}
        return {"samples": samples, "details": details}

    return Step(name, seconds, more.pop("run", do), **more)


def fakes(ran: list[str]) -> tuple[Step, ...]:
    rate = {f"c{load.in_flight}": load.in_flight / 2 for load in steps.FULL.loads}
    bf16 = {f"bf16_{level}_rps": [v, v] for level, v in rate.items()}
    bf16 |= {"bf16_c1_ttft_s": [0.02, 0.02], "bf16_c1_e2e_s": [1.0, 1.0]}
    return (
        fake("machine", RATES, ran),
        fake("naive", {"naive_rps": [0.25, 0.25]}, ran),
        fake("bf16", bf16, ran),
        fake("fp8", {}, ran, why_not=lambda plan: "this card computes no FP8"),
        fake("prefix", {"prefix_on_cold_ttft_s": [0.5, 0.5], "prefix_on_warm_ttft_s": [0.05, 0.05],
                        "prefix_off_cold_ttft_s": [0.5, 0.5], "prefix_off_warm_ttft_s": [0.5, 0.5]}, ran, seconds=1000),
    )  # fmt: skip


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    found = {"name": "A card", "count": 1, "memory_gb": 80.0, "compute_capability": "9.0", "driver": "1.2"}
    monkeypatch.setattr(provenance, "gpu", lambda: found)
    monkeypatch.setattr(provenance, "dirty", lambda: False)
    monkeypatch.setattr(measurements, "folder", lambda: tmp_path / "published")
    return found


def test_a_short_lease_is_used_and_the_next_one_goes_on(card: dict[str, Any], tmp_path: Path) -> None:
    ran: list[str] = []
    first = run.run(tmp_path, budget_s=200, todo=fakes(ran))
    assert ran == ["machine", "naive", "bf16"] and not first.failed
    assert first.open["prefix"].startswith("not started: it takes about 1000 s")
    assert first.open["fp8"] == "not possible here: this card computes no FP8"
    second = run.run(tmp_path, budget_s=2000, todo=fakes(ran))
    assert ran[3:] == ["prefix"] and set(second.open) == {"fp8"}


def test_parts_are_measured_again_on_another_card(card: dict[str, Any], tmp_path: Path) -> None:
    ran: list[str] = []
    run.run(tmp_path, budget_s=200, only=["machine"], todo=fakes(ran))
    card["driver"] = "1.3"
    run.run(tmp_path, budget_s=200, only=["machine"], todo=fakes(ran))
    assert ran == ["machine", "machine"]


def test_a_little_more_memory_is_the_same_machine(
    card: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    run.run(tmp_path, only=["machine"], todo=fakes(ran))
    before = provenance.hardware()
    monkeypatch.setattr(provenance, "hardware", lambda: before | {"memory_gb": before["memory_gb"] + 1})
    done = run.run(tmp_path, only=["machine", "naive"], todo=fakes(ran))
    assert ran == ["machine", "naive"] and run.as_record(done)["hardware"] == before


def test_what_nobody_could_publish_is_not_measured(
    card: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setenv("SERVELAB_ENGINE_URL", "http://127.0.0.1:1")
    with pytest.raises(CourseError, match="unknown settings"):
        run.run(tmp_path, todo=fakes(ran))
    monkeypatch.delenv("SERVELAB_ENGINE_URL")
    monkeypatch.setattr(provenance, "dirty", lambda: True)
    with pytest.raises(CourseError, match="SERVELAB_COMMIT"):
        run.run(tmp_path, todo=fakes(ran))
    assert not ran


def test_a_load_that_fails_loses_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine:
        stop = staticmethod(lambda: None)

    def level(running: Any, plan: steps.Plan, load: Load, numbers: str) -> dict[str, list[float]]:
        if load.in_flight in failing:
            raise CourseError("too many open files\nmore")
        return {f"{numbers}_c{load.in_flight}_rps": [1.0]}

    monkeypatch.setattr(steps.engine, "serve", lambda *args, **more: contextlib.nullcontext(Engine()))
    monkeypatch.setattr(steps, "_about", lambda running: {})
    monkeypatch.setattr(steps, "_level", level)
    failing = {2}
    found = steps.throughput("awq")(steps.TINY, tmp_path)
    assert set(found["samples"]) == {"awq_c1_rps"} and [
        x["in_flight"] for x in found["details"]["loads"]
    ] == [1]
    assert found["details"]["left_out"] == {"c2": "too many open files"}
    failing = {1, 2}
    with pytest.raises(CourseError, match="no load could be measured: too many open files"):
        steps.throughput("awq")(steps.TINY, tmp_path)


def test_a_failed_step_is_told_and_the_others_go_on(card: dict[str, Any], tmp_path: Path) -> None:
    def fail(plan: Any, scratch: Path) -> dict[str, Any]:
        raise CourseError("out of memory\nand a long log")

    def break_down(plan: Any, scratch: Path) -> dict[str, Any]:
        raise ZeroDivisionError("by nothing")

    todo = (fake("naive", {}, [], run=fail), fake("awq", {}, [], run=break_down), fakes([])[0])
    done = run.run(tmp_path, todo=todo)
    assert done.open.pop("awq") == "failed: ZeroDivisionError: by nothing" and done.failed.pop() == "awq"
    assert (
        done.failed == ["naive"] and done.open["naive"] == "failed: out of memory" and "machine" in done.parts
    )
    assert not (tmp_path / "naive.json").exists()


def test_what_is_published_says_its_bounds_and_what_is_missing(card: dict[str, Any], tmp_path: Path) -> None:
    done = run.run(tmp_path, budget_s=200, todo=fakes([]))
    path = run.publish(done)
    record = measurements.read(path.stem)
    assert record["hardware"]["gpu"] == card and record["versions"]["nvidia-driver"] == "1.2"
    one = record["figures"]["throughput"]["bf16_c1"]
    least = bounds.bound(shapes.QWEN, "bf16", steps.FULL.loads[0], Machine(1000e9, {"bf16": 1e14}))
    assert one["bound_rps"] == pytest.approx(2 / least.seconds, rel=1e-3) and one["bound_by"] == "memory"
    assert one["share_of_bound"] == pytest.approx(0.5 / (2 / least.seconds), rel=1e-3)
    claims = record["figures"]["claims"]
    assert set(claims) == {c.key for c in CLAIMS}
    assert (
        claims["vllm_over_naive"]["measured"] == 2048
        and claims["awq_over_16_bits"]["measured"] == run.NOT_YET
    )
    assert claims["streaming"] == {
        "claim": claim("streaming").words,
        "measured": 50.0,
        "beside": "1.7 times the claim",
    }
    assert record["figures"]["first_token"] == run.NOT_YET and "prefix" in record["figures"]["open"]


def test_what_is_not_a_measurement_is_not_published(
    card: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    done = run.run(tmp_path, budget_s=200, todo=fakes([]))
    with pytest.raises(CourseError, match="No step of the GPU run is done"):
        run.publish(run.Done(done.plan))
    done.parts["naive"]["versions"] = {"python": "2.7"}
    with pytest.raises(CourseError, match="different versions"):
        run.publish(done)
    done.parts["naive"] = {**done.parts["machine"], "tiny": True}
    with pytest.raises(CourseError, match="not a measurement"):
        run.publish(done)
    monkeypatch.setattr(provenance, "gpu", lambda: None)
    with pytest.raises(CourseError, match="has no GPU"):
        run.run(tmp_path)
    with pytest.raises(CourseError, match="No step is called 'nonsense'"):
        run.run(tmp_path, tiny=True, only=["nonsense"])


def test_parts_of_another_machine_are_collected(
    card: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured on a copy without git, published where there is no GPU."""
    monkeypatch.setattr(provenance, "git", lambda *words: "")
    monkeypatch.setenv("SERVELAB_COMMIT", "0123456789ab")
    run.run(tmp_path, budget_s=200, todo=fakes([]))
    monkeypatch.undo()
    monkeypatch.setattr(measurements, "folder", lambda: tmp_path / "published")
    run.publish(run.collect(tmp_path))
    record = measurements.read(run.NAME)
    assert record["commit"] == "0123456789ab" and record["hardware"]["gpu"] == card
    assert record["figures"]["open"]["awq"] == run.NOT_YET
    for text in ("half of", "[1]", '{"step": "awq"}'):
        (tmp_path / "awq.json").write_text(text)
        with pytest.raises(CourseError, match=r"awq\.json is no part") as told:
            run.collect(tmp_path)
        assert "\n" not in str(told.value)
    part = json.loads((tmp_path / "naive.json").read_text())
    (tmp_path / "awq.json").write_text(json.dumps({**part, "tiny": True}))
    with pytest.raises(CourseError, match="is of a tiny run"):
        run.collect(tmp_path)


def test_the_websites_page_of_a_run(card: dict[str, Any], tmp_path: Path) -> None:
    """Whole, and with one step only."""
    from servelab.website import results

    for only in (None, ["naive"]):
        done = run.run(tmp_path / str(only), budget_s=200, only=only, todo=fakes([]))
        record = run.as_record(done)
        title, table, figure = results.section(run.NAME, record)
        assert "GPU" in title and figure is not None
        assert ("| bf16_c1 |" in table) is (only is None)
        assert "vLLM alone: 4.1 times" in table and "- prefix: " in table
        line = results.provenance("serving-gpu.json", record)
        assert "1 x A card (driver 1.2)" in line and "{" not in line


def test_a_copy_of_unknown_code_is_not_published(
    card: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(provenance, "git", lambda *words: "")
    assert provenance.commit() == provenance.UNKNOWN_COMMIT and provenance.dirty()
    monkeypatch.setenv("SERVELAB_COMMIT", "0123456789ab-dirty")
    assert provenance.commit() == "0123456789ab" and provenance.dirty()


def test_the_steps_can_be_started_without_the_course(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from servelab.evidence.gpu.__main__ import main

    assert main(["--out", str(tmp_path), "--tiny", "--only", "fp8"]) == 0
    told = capsys.readouterr().out
    assert (
        "fp8: not possible here: vLLM has no FP8 products on a CPU" in told
        and "awq: not yet measured" in told
    )
    assert main(["--out", str(tmp_path), "--tiny", "--only", "nonsense"]) == 2


@pytest.mark.slow
def test_bandwidth_and_products_are_measured() -> None:
    found = machine.measure("cpu", mebibytes=8, side=128, repeats=2, inner=1)
    assert set(found) == {"read_gb_per_s", "copy_gb_per_s", "matmul_bf16_tflop_per_s"}
    assert all(len(values) == 2 and min(values) > 0 for values in found.values())


@pytest.mark.engine
def test_the_script_on_the_real_engine(tmp_path: Path) -> None:
    """A tiny shape: the naive way, and AWQ with random weights by the CPU's engine, each beside its bound."""
    done = run.run(tmp_path, tiny=True, only=["machine", "naive", "awq"])
    assert not done.failed, done.open
    rows = run.with_bounds(done)
    assert set(rows) == {"naive", "awq_c1", "awq_c2"}
    assert all(row["rps"] > 0 and row["bound_rps"] > 0 for row in rows.values())
    details = done.parts["awq"]["details"]
    assert "dummy" in details["command"] and details["kv_cache_tokens"] > 1000
    again = run.run(tmp_path, tiny=True, only=["machine", "naive", "awq"])
    assert again.parts == done.parts, "finished steps are kept"
    with pytest.raises(CourseError, match="not a measurement"):
        run.publish(done)
