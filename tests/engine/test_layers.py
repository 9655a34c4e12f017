"""What goes through a tiny model's layers, against the same numbers computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from servelab.engine import EngineError, layers


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers with random weights, and a tokenizer that knows ten words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        vocab_size=10,
        max_position_embeddings=64,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(10)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="w0").save_pretrained(folder)
    return folder


NAMES = ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj", "model.layers.1.mlp.down_proj"]


def test_shapes_and_the_tokens_of_all_texts(tiny: Path) -> None:
    found = layers.layer_inputs(tiny, NAMES, ["w1 w2 w3", "w4 w5"])
    assert [(w.shape, x.shape) for w, x in found.values()] == [
        ((16, 16), (5, 16)),
        ((16, 16), (5, 16)),
        ((16, 32), (5, 32)),
    ]
    assert all(w.dtype == x.dtype == np.float32 for w, x in found.values())
    query, key, _ = (x for _, x in found.values())
    assert (query == key).all()  # both read what the norm before them wrote


def test_no_more_tokens_than_asked_for(tiny: Path) -> None:
    found = layers.layer_inputs(tiny, NAMES[:1], ["w1 w2 w3", "w4 w5", "w6"], most_tokens=4)
    assert found[NAMES[0]][1].shape == (4, 16)


def test_the_layer_computes_inputs_times_weights(tiny: Path) -> None:
    """The last layer's inputs times its weights, and the head after it, give the logits."""
    import torch
    from transformers import AutoModelForCausalLM

    name = "lm_head"
    weights, inputs = layers.layer_inputs(tiny, [name], ["w1 w2 w3"])[name]
    ((logits, tokens),) = layers.logits_of(tiny, ["w1 w2 w3"])
    assert tokens == [1, 2, 3]
    assert np.allclose(inputs @ weights.T, logits, atol=0.02)
    model = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16)
    with torch.inference_mode():
        assert np.allclose(model(torch.tensor([[1, 2, 3]])).logits[0].float().numpy(), logits)


def test_weights_are_changed_for_one_call_only(tiny: Path) -> None:
    shapes = []

    def silent(weights: np.ndarray) -> np.ndarray:
        shapes.append(weights.shape)
        return 0 * weights

    before = layers.logits_of(tiny, ["w1 w2", "w1 w3"])
    changed = layers.logits_of(tiny, ["w1 w2", "w1 w3"], change=silent)
    assert len(shapes) == 14  # seven matrices a layer, and not the head
    # Without its blocks the model sees nothing but the token itself.
    assert np.allclose(changed[0][0][0], changed[1][0][0])
    assert not np.allclose(changed[0][0], before[0][0])
    assert np.allclose(layers.logits_of(tiny, ["w1 w2"])[0][0], before[0][0])
    with pytest.raises(EngineError, match="came back as"):
        layers.logits_of(tiny, ["w1"], change=lambda weights: weights[:1])


def test_a_layer_that_is_not_there(tiny: Path) -> None:
    with pytest.raises(EngineError, match=r"no linear layer 'model\.layers\.9'"):
        layers.layer_inputs(tiny, ["model.layers.9"], ["w1"])
