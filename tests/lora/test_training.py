"""Training: only answers are learned, an interrupted training goes on to the same end, what is saved is PEFT's format."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from servelab.errors import CourseError
from servelab.lora import tickets, training
from servelab.lora.training import IGNORED, Recipe
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

FEW = tickets.train()[:12]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from servelab.engine import artefacts

    return AutoTokenizer.from_pretrained(artefacts.model_path("cpu"))


def tiny(tokenizer: Any) -> Any:
    """A tiny random Llama with a LoRA adapter."""
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
    )  # fmt: skip
    return get_peft_model(
        LlamaForCausalLM(config),
        LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items() if "lora_" in name}


def test_only_the_answer_has_labels(tokenizer: Any) -> None:
    tokens, labels = training.encode(FEW[0], tokenizer)
    assert len(tokens) == len(labels)
    asked = [token for token, label in zip(tokens, labels, strict=True) if label != IGNORED]
    assert tokenizer.decode(asked) == FEW[0].answer + tickets.END
    assert tokenizer.decode(tokens) == FEW[0].prompt + FEW[0].answer + tickets.END


def test_padding_is_masked_and_changes_no_prediction(tokenizer: Any) -> None:
    model = tiny(tokenizer).eval()
    rows = sorted((training.encode(e, tokenizer) for e in FEW[:3]), key=lambda row: len(row[0]))
    alone, _ = training.predictions(model, *training.batched(rows[:1], 2))
    together, wanted = training.predictions(model, *training.batched(rows, 2))
    assert torch.allclose(alone, together[: len(alone)], atol=1e-5)
    assert len(wanted) == sum(label != IGNORED for _, labels in rows for label in labels)


def test_predictions_are_the_models_own(tokenizer: Any) -> None:
    model = tiny(tokenizer).eval()
    ids, mask, labels = training.batched([training.encode(FEW[0], tokenizer)], 2)
    ours, _ = training.predictions(model, ids, mask, labels)
    theirs = model(input_ids=ids, attention_mask=mask).logits[0, :-1][labels[0, 1:] != IGNORED]
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_loss_falls_and_only_the_adapter_changes(tokenizer: Any, tmp_path: Path) -> None:
    model = tiny(tokenizer)
    frozen = {name: value.clone() for name, value in model.state_dict().items() if "lora_" not in name}
    record = training.fit(model, tokenizer, FEW, Recipe(steps=30, batch=2, learning_rate=0.5), tmp_path / "a")
    assert len(record.losses) == 30 and record.seconds > 0
    assert sum(record.losses[-5:]) < sum(record.losses[:5]) - 0.1
    assert all(
        torch.equal(value, frozen[name]) for name, value in model.state_dict().items() if name in frozen
    )


def test_an_interrupted_training_goes_on_to_the_same_end(tokenizer: Any, tmp_path: Path, capsys: Any) -> None:
    recipe = Recipe(steps=9, batch=2, learning_rate=0.02)
    whole = tiny(tokenizer)
    wanted = training.fit(whole, tokenizer, FEW, recipe, tmp_path / "whole")
    looks = 0

    def interrupted() -> dict[str, float]:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise KeyboardInterrupt
        return {"look": float(looks)}

    with pytest.raises(KeyboardInterrupt):
        training.fit(
            tiny(tokenizer), tokenizer, FEW, recipe, tmp_path / "cut", watch=interrupted, watch_every=3
        )
    assert "Interrupted after step 6" in capsys.readouterr().out
    assert training.checkpoint(tmp_path / "cut").is_file()
    again = tiny(tokenizer)
    record = training.fit(again, tokenizer, FEW, recipe, tmp_path / "cut")
    assert record.resumed_at == 6
    assert record.losses == pytest.approx(wanted.losses, rel=1e-5)
    for name, value in weights(whole).items():
        assert torch.allclose(value, weights(again)[name], atol=1e-6), name
    assert not training.checkpoint(tmp_path / "cut").parent.exists()


@pytest.mark.parametrize("how", ["another recipe", "other tickets", "damaged"])
def test_a_checkpoint_of_another_training_is_left_alone(how: str, tokenizer: Any, tmp_path: Path) -> None:
    def cut() -> dict[str, float]:
        raise KeyboardInterrupt

    recipe = Recipe(steps=3, batch=1)
    with pytest.raises(KeyboardInterrupt):
        training.fit(tiny(tokenizer), tokenizer, FEW, recipe, tmp_path / "a", watch=cut)
    if how == "damaged":
        training.checkpoint(tmp_path / "a").write_bytes(b"PK no checkpoint")
    other = Recipe(steps=3, batch=1, seed=5) if how == "another recipe" else recipe
    examples = FEW[:5] if how == "other tickets" else FEW
    record = training.fit(tiny(tokenizer), tokenizer, examples, other, tmp_path / "a")
    assert record.resumed_at == 0 and len(record.losses) == 3


def test_what_is_saved_is_read_by_peft(tokenizer: Any, tmp_path: Path) -> None:
    model = tiny(tokenizer)
    training.fit(model, tokenizer, FEW, Recipe(steps=3, batch=2, learning_rate=0.05), tmp_path)
    torch.manual_seed(1)
    plain = LlamaForCausalLM(model.get_base_model().config)
    plain.load_state_dict(
        {
            name.replace(".base_layer", "").removeprefix("base_model.model."): value
            for name, value in model.state_dict().items()
            if "lora_" not in name
        }
    )
    loaded = PeftModel.from_pretrained(plain, tmp_path).eval()
    ids = torch.arange(40).reshape(2, 20)
    assert torch.allclose(loaded(input_ids=ids).logits, model.eval()(input_ids=ids).logits, atol=1e-3)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    assert {value.dtype for value in saved.values()} == {torch.float16}
    assert training.size_bytes(tmp_path) < 60_000
    assert str(tmp_path) not in (tmp_path / "adapter_config.json").read_text()


def test_general_rows_keep_their_share_and_every_ticket_its_turn() -> None:
    rows, texts = [f"r{i}" for i in range(10)], [f"t{i}" for i in range(3)]
    recipe = Recipe(steps=20, batch=4, general=0.25)
    seen = [row for step in range(20) for row in training._rows_of(step, recipe, rows, texts)]
    assert sum(row in texts for row in seen) == 20
    ours = [row for row in seen if row in rows]
    for turn in range(6):
        assert sorted(ours[10 * turn : 10 * turn + 10]) == sorted(rows)
    assert training._rows_of(7, recipe, rows, texts) == training._rows_of(7, recipe, rows, texts)


def test_the_rate_rises_and_falls() -> None:
    recipe = Recipe(steps=100, learning_rate=1.0, warmup=5)
    rates = [recipe.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2) and max(rates) == rates[4] == pytest.approx(0.96)
    assert all(later <= sooner for sooner, later in itertools.pairwise(rates[4:]))
    assert rates[-1] == pytest.approx(0.05)


def test_a_loss_that_is_no_number_ends_the_training(tokenizer: Any, tmp_path: Path) -> None:
    model = tiny(tokenizer)
    with torch.no_grad():
        next(p for p in model.parameters() if p.requires_grad).fill_(float("nan"))
    with pytest.raises(CourseError, match="learning rate is too high"):
        training.fit(model, tokenizer, FEW, Recipe(steps=2, batch=1), tmp_path)
    assert not (tmp_path / "adapter_model.safetensors").exists()


def test_quick_scores_agree_with_greedy_decoding(tokenizer: Any) -> None:
    model = tiny(tokenizer).unload().requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for _ in range(60):  # learns one ticket by heart, and not the other
        batch = training.batched([training.encode(FEW[0], tokenizer)], 2)
        training._step(model, optimizer, list(model.parameters()), 0.02, batch)
    model.eval()
    found = []
    for example in (FEW[0], FEW[1]):
        ids = tokenizer(example.prompt, return_tensors="pt", add_special_tokens=False)
        said = model.generate(**ids, max_new_tokens=40, do_sample=False, pad_token_id=2, eos_token_id=2)
        answer = tokenizer.decode(said[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        found.append(training.quick_scores(model, tokenizer, [example], ["A text of some words."]))
        assert found[-1]["exact"] == (answer == example.answer)
    assert [scores["exact"] for scores in found] == [1, 0]
    both = training.quick_scores(model, tokenizer, FEW[:2], [])
    assert both["exact"] == 0.5 and both["perplexity"] != both["perplexity"]
    ids = torch.tensor([tokenizer("A text of some words.")["input_ids"]])
    assert found[0]["perplexity"] == pytest.approx(
        float(model(input_ids=ids, labels=ids).loss.exp()), rel=1e-4
    )


def test_general_texts_and_held_out_ones_are_different() -> None:
    assert not set(training.general_texts()) & set(training.held_out())
    assert len(training.held_out()) >= 4
