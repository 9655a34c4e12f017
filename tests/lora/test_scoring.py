"""Scoring an adapter: the marks, the same answers as transformers' own, and nothing of it left in the base model."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from lora_kit import adapter_files, config, write_adapter
from servelab.lora import adapter, scoring
from servelab.lora.adapter import CONFIG, Adapter

pytestmark = pytest.mark.slow  # loads the model

RIGHT = '{"product": "kettle", "category": "defect", "urgency": "high"}'
TEXTS = (
    "Why is the sky dark at night? The question sounds foolish, since the sun has set.",
    "A lighthouse keeper has two enemies, fog and boredom.",
)


def prompt(text: str) -> str:
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


PROMPTS = [
    prompt(text) for text in ("Hello!", "What is the capital of France?", "Name three rivers.", "1+1=")
]


@pytest.fixture(scope="module")
def tuned() -> Adapter:
    """An adapter that changes a good deal: of all modules, with numbers of a trained one's size."""
    return adapter.read(adapter_files(4, adapter.TARGETS, spread=0.05))


# ---------------------------------------------------------------- marks


@pytest.mark.parametrize(
    ("answer", "marks"),
    [
        (RIGHT, (True, True, 1.0)),
        (json.dumps(dict(reversed(json.loads(RIGHT).items())), indent=1), (True, True, 1.0)),
        (RIGHT.replace("high", "low"), (False, True, 2 / 3)),
        (RIGHT[:-1] + ', "more": 1}', (False, False, 1.0)),
        ('{"product": "kettle"}', (False, False, 1 / 3)),
        ("{}", (False, False, 0.0)),
        (f"Sure: {RIGHT}", (False, False, 0.0)),
        (RIGHT + RIGHT, (False, False, 0.0)),
        (f"```json\n{RIGHT}\n```", (False, False, 0.0)),
        (RIGHT[:-1], (False, False, 0.0)),
        (f"[{RIGHT}]", (False, False, 0.0)),
        ("", (False, False, 0.0)),
        ("[" * 20_000, (False, False, 0.0)),
        (RIGHT[:-1] + ', "product": "kettle"}', (False, False, 0.0)),
        ('{"product": NaN, "category": "defect", "urgency": "high"}', (False, False, 0.0)),
    ],
)
def test_marks(answer: str, marks: tuple[bool, bool, float]) -> None:
    assert scoring.mark(answer, RIGHT) == pytest.approx(marks)


@pytest.mark.parametrize("got", ["1", "1.0", "true", '"1"', "null"])
def test_a_value_of_another_type_is_another_value(got: str) -> None:
    values = ["1", "1.0", "true", '"1"', "null"]
    same = [scoring.mark(f'{{"a": {got}}}', f'{{"a": {value}}}')[0] for value in values]
    assert same == [value == got for value in values]


def test_a_right_answer_that_is_no_object_is_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        scoring.mark(RIGHT, "kettle")


# ---------------------------------------------------------------- answers


def _one_by_one(model: object, count: int) -> list[str]:
    """transformers' own greedy answers."""
    import torch

    _, tokenizer = scoring.base()
    said = []
    for text in PROMPTS:
        ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False)  # type: ignore[attr-defined]
        said.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return said


def test_answers_are_the_base_models_own() -> None:
    model, _ = scoring.base()
    expected = _one_by_one(model, 16)
    scores = scoring.score(None, [(text, "{}") for text in PROMPTS], max_new_tokens=16)
    assert scores.answers == expected and "Paris" in expected[1]


def test_answers_and_logits_are_those_of_peft(tuned: Adapter, tmp_path) -> None:
    import torch
    from peft import PeftModel
    from servelab.engine import artefacts
    from transformers import AutoModelForCausalLM

    folder = write_adapter(tmp_path / "adapter", rank=4, targets=adapter.TARGETS, spread=0.05)
    fresh = AutoModelForCausalLM.from_pretrained(artefacts.model_path("cpu"), dtype=torch.float32)
    theirs = PeftModel.from_pretrained(fresh, folder).eval()
    expected = _one_by_one(theirs, 16)
    scores = scoring.score(tuned, [(text, "{}") for text in PROMPTS], max_new_tokens=16)
    assert scores.answers == expected
    base = scoring.score(None, [(text, "{}") for text in PROMPTS], max_new_tokens=16)
    assert base.answers != scores.answers  # it does change something


def test_guesses_change_nothing() -> None:
    """Right ones, half right ones, wrong ones, none, and some of each."""
    with scoring._one_thread():
        plain = scoring._answers(PROMPTS, 12)
        half = [text[: len(text) // 2] + " zebra" for text in plain]
        mixed = [plain[0], half[1], RIGHT, ""]
        for guesses in (plain, half, mixed, [text + " and more" for text in plain]):
            assert scoring._answers(PROMPTS, 12, guesses) == plain
        assert scoring._answers(PROMPTS[:1], 12, [plain[0]]) == plain[:1]
        assert scoring._answers([PROMPTS[0], PROMPTS[0]], 12) == [plain[0]] * 2


def test_one_prompt_may_begin_another() -> None:
    with scoring._one_thread():
        short, long = "The capital of France", "The capital of France is a city"
        assert scoring._answers([short, long], 6) == [
            *scoring._answers([short], 6),
            *scoring._answers([long], 6),
        ]


def test_answers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with scoring._one_thread():
        _, tokenizer = scoring.base()
        for text in scoring._answers(PROMPTS, 5):
            assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) <= 5
        monkeypatch.setattr(scoring, "BATCH", 3)
        assert scoring._answers(PROMPTS, 5) == scoring._answers(PROMPTS[:3], 5) + scoring._answers(
            PROMPTS[3:], 5
        )


@pytest.mark.parametrize("text", ["", "word " * 600])
def test_a_prompt_has_a_length(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 512"):
        scoring.score(None, [(text, "{}")])


# ---------------------------------------------------------------- scores


def test_scores_of_an_untrained_adapter_are_the_base_models() -> None:
    untrained = adapter.read(adapter_files(2, spread=0.0))
    examples = [(PROMPTS[1], RIGHT), (PROMPTS[3], RIGHT)]
    base, same = (scoring.score(a, examples, TEXTS, max_new_tokens=4) for a in (None, untrained))
    assert same.answers == base.answers
    assert same.perplexity == pytest.approx(base.perplexity, rel=1e-5)
    assert same.perplexity_base == base.perplexity_base == base.perplexity
    assert (base.examples, base.exact, base.valid_json, base.fields) == (2, 0, 0, 0)


def test_perplexity_is_what_the_losses_say(tuned: Adapter) -> None:
    import torch

    model, tokenizer = scoring.base()
    losses, count = 0.0, 0
    for text in TEXTS:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        losses += model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
    scores = scoring.score(tuned, [], TEXTS)
    assert scores.perplexity_base == pytest.approx(math.exp(losses / count), rel=1e-4)
    assert scores.perplexity != pytest.approx(scores.perplexity_base, rel=1e-3)
    assert scores.examples == 0 and scores.exact == 0


def test_no_texts_no_perplexity() -> None:
    scores = scoring.score(None, [(PROMPTS[3], RIGHT)], max_new_tokens=1)
    assert math.isnan(scores.perplexity) and math.isnan(scores.perplexity_base)


@pytest.mark.parametrize("alpha", [4, 10_000])
def test_an_adapter_that_destroys_the_model_has_a_score(alpha: float) -> None:
    """Finite numbers whose products are huge, or beyond float32."""
    files = adapter_files(2, spread=1e37) | {CONFIG: json.dumps(config(2, lora_alpha=alpha)).encode()}
    scores = scoring.score(adapter.read(files), [(PROMPTS[1], RIGHT)], TEXTS, max_new_tokens=4)
    assert scores.exact == 0 and scores.perplexity > 10_000
    assert (scores.perplexity == math.inf) == (alpha == 10_000)
    again = scoring.score(None, [(PROMPTS[1], RIGHT)], TEXTS, max_new_tokens=4)
    assert again.perplexity < 1000


def test_the_base_model_is_as_before(tuned: Adapter) -> None:
    model, _ = scoring.base()
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    scoring.score(tuned, [(PROMPTS[0], RIGHT)], max_new_tokens=1)
    after = dict(model.named_parameters())
    assert list(after) == list(before)
    assert all(np.array_equal(after[name].numpy(), before[name].numpy()) for name in before)
    with pytest.raises(KeyError), scoring._adapted(tuned):
        raise KeyError
    assert all(
        np.array_equal(dict(model.named_parameters())[name].numpy(), before[name].numpy()) for name in before
    )


def test_it_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    scoring.base.cache_clear()
    scoring.score(None, [(PROMPTS[3], RIGHT)], max_new_tokens=1)
    assert capfd.readouterr() == ("", "")


def test_forty_examples_take_well_under_a_minute(tuned: Adapter, figures: dict[str, object]) -> None:
    """By the processor's clock, since a busy machine makes any wall time; the judge has one core."""
    examples = [
        (prompt(f"My kettle number {n} arrived broken. Please help me today."), RIGHT) for n in range(40)
    ]
    scoring.base()
    began = time.process_time()
    scores = scoring.score(tuned, examples, TEXTS)
    spent = time.process_time() - began
    figures["scoring 40 examples with an adapter, CPU-s"] = round(spent, 1)
    assert scores.examples == 40 and spent < 40
