# ---
# title: Fine-tune with LoRA, and serve many adapters
# minutes: 140
# objectives: Build a low-rank adapter by hand, train one for a strict behaviour, measure what it learned and what the model forgot, and serve several beside their base on one engine
# hands_in: [adapter/adapter_model.safetensors, adapter/adapter_config.json]
# builds: a LoRA layer and its gradients, parameter and memory arithmetic, a real fine-tune that is graded itself, a merge, a client for many adapters on one engine
# needs: {memory_gb: 6, own_gib: 2, made: [smollm2-135m-instruct-labels]}
# ---

# %% [markdown]
# # Lab 08 · LoRA: fine-tune, then serve many adapters
#
# Some behaviours no prompt brings out of a small model. Ask SmolLM2 for strict JSON and it apologises, explains, or invents a field. **Fine-tuning** teaches it. But a fine-tuned copy of the whole model for each
# customer means a whole engine for each customer. **Low-rank adaptation** (LoRA) leaves the model as it is and trains a thin update beside it, a few megabytes, which an engine can add or leave out *request by request*.
#
# You will build such an update with two small matrices, count it, plan the memory that training takes, train a real one on this machine in a minute or two, and put it into production beside its base and a second one. The adapter
# itself is graded: on tickets whose products and sentences it has never seen.
#
# **After this lab you can**
#
# - write a LoRA layer, its gradients and its merge, and say why it begins as if it were not there;
# - compute trainable parameters and training memory for full fine-tuning, LoRA and QLoRA, with every assumption named;
# - fine-tune with PEFT, and measure generalisation and forgetting, not the training loss alone;
# - serve many adapters on one engine, load and unload them while it runs, and say what they cost.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write four numbers down | 4 |
# | 2 | A low-rank layer by hand | 30 |
# | 3 | How many numbers are trained? | 15 |
# | 4 | How much memory does training take? | 16 |
# | 5 | Train one: tickets to strict JSON | 28 |
# | 6 | Merge: from two files back to one model | 15 |
# | 7 | Serve many on one engine | 26 |
# | 8 | Explain, and what production would add | 6 |
#
# **Budget.** Two CPU cores and 6 GB of memory; no GPU, no account, no network. The cells marked `%%live` train for about a minute and a half and run the engine for about a minute; a second adapter is made on your machine the first time
# it is needed (about a minute, once; `make artefacts` does it beforehand). On a machine with a GPU the same cells train there.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import math
import random

import httpx
import numpy as np
import servelab
from servelab.checks import close, handed_in, partial
from servelab.engine.scripted import ScriptedEngine
from servelab.load import charts, ledger, lora_charts, measurements
from servelab.lora import adapter, scoring, serving, tickets, training

servelab.setup("08-lora")

# %% [markdown]
# ## Step 1 · Predict
#
# You will train an adapter of rank 8 and serve it. Before you know the answers:
#
# 1. **Share.** Of the numbers in model and adapter together, how many percent are trained?
# 2. **Right.** After that training: of tickets with products and sentences that it has never seen, how many percent become exactly the right JSON?
# 3. **Forgotten.** By how many percent does perplexity on general text get worse? (Lab 03: the number of tokens that the model hesitates between.)
# 4. **Speed.** Eight requests at once to the adapter: how many percent of the base model's tokens per second?
#
# The numbers below are a colleague's: "ten percent must be trained, or nothing is learned; frozen weights forget nothing; adapters are free". **Replace them by your own.** Nobody grades them.

# %% tags=["live"] id="guess"
guess = {"share": 10, "right": 99, "forgotten": 1, "speed": 100}  # change all four

# %% [markdown]
# ## Step 2 · A low-rank layer by hand
#
# A linear layer multiplies with a matrix $W$ of shape `[outputs, inputs]`. Fine-tuning would change it to $W + \Delta W$, and $\Delta W$ has as many numbers as $W$. LoRA's bet is that a *useful* change has a low **rank**: that it can be written as a product of two thin matrices,
#
# $$y = x\,W^\top + \frac{\alpha}{r}\,(x\,A^\top)\,B^\top \qquad A: [r, \text{inputs}],\quad B: [\text{outputs}, r]$$
#
# $W$ is frozen; only $A$ and $B$ are trained. The **rank** $r$ says how many directions the change may have, and **alpha** how loudly it speaks; dividing by $r$ is meant to keep the loudness when one tries another rank.
# (Read the brackets: first down to $r$ numbers, then up again. Nobody multiplies $B A$ out while training.)
#
# Where to begin? The layer must begin as what it was, or training starts by repairing damage. So **B starts at zero** and **A at random**: the product is zero, whatever A is.

# %% [markdown]
# ### Your turn: `lora_init`, `lora_forward`, `lora_merge`
#
# | | takes | returns |
# |---|---|---|
# | `lora_init` | sizes, rank, seed (r is the length of A's first axis) | `A` with random numbers of mean 0 and standard deviation 1 / sqrt(inputs), `B` with zeros; the same seed gives the same A, another seed another |
# | `lora_forward` | `x` of shape `[..., inputs]`: any number of axes before | `y` of shape `[..., outputs]` |
# | `lora_merge` | W, A, B, alpha | one matrix that does the same as layer and adapter together. `W` itself stays as it is |

# %% tags=["answer"] id="layer"
def lora_init(outputs, inputs, rank, seed):
    """A and B of an adapter that changes nothing yet."""
    ### BEGIN SOLUTION
    a = np.random.default_rng(seed).normal(0, 1 / math.sqrt(inputs), (rank, inputs))
    return a, np.zeros((outputs, rank))
    ### END SOLUTION


def lora_forward(x, w, a, b, alpha):
    """The layer's output with the adapter beside it."""
    ### BEGIN SOLUTION
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)
    ### END SOLUTION


def lora_merge(w, a, b, alpha):
    """One matrix that does what both do."""
    ### BEGIN SOLUTION
    return w + alpha / a.shape[0] * (b @ a)
    ### END SOLUTION

# %% tags=["output"] id="layer-example"
draw = np.random.default_rng(8)
w, x = draw.normal(0, 0.05, (192, 576)), draw.normal(0, 1, (5, 576))
a, b = lora_init(192, 576, 8, seed=1)
print("change of the output at the start:", float(np.abs(lora_forward(x, w, a, b, 16) - x @ w.T).max()))
trained = draw.normal(0, 0.02, b.shape)
beside, merged = lora_forward(x, w, a, trained, 16), x @ lora_merge(w, a, trained, 16).T
print("with another B, change of the output:", round(float(np.abs(beside - x @ w.T).mean()), 3))
print("merged and beside agree:", bool(np.allclose(beside, merged)))
print(f"numbers: W {w.size:,}, adapter {a.size + b.size:,}")

# %% tags=["check"] id="layer-check" points=4
def _shaped(got, shape, what):
    assert hasattr(got, "shape") and tuple(got.shape) == shape, f"{what} must be an array of shape {list(shape)}."
    values = np.asarray(got, dtype=float)
    assert np.isfinite(values).all(), f"{what} holds numbers that are not finite."
    return values


def _fresh(outputs, inputs, rank, seed):
    got = lora_init(outputs, inputs, rank, seed)
    assert hasattr(got, "__len__") and len(got) == 2, "lora_init must return two arrays, A and B."
    return _shaped(got[0], (rank, inputs), "A"), _shaped(got[1], (outputs, rank), "B")


_a, _b = _fresh(6, 400, 4, 1)
assert not _b.any(), "B must start at zero: otherwise the layer does not begin as what it was."
assert _a.any(axis=1).all(), "A must start at random: with A = 0 and B = 0 nothing could ever be learned."
assert close(_a.std(), 1 / math.sqrt(400), rel=0.15), f"A should have a standard deviation of 1 / sqrt(400) = 0.05; yours has {_a.std():.3f}."
_w, _x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([[1.0, 1.0]])
_a, _b = np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
_x = np.array([[2.0, 1.0]])
_got = _shaped(lora_forward(_x, _w, _a, _b, 6.0), (1, 3), "lora_forward")
assert np.allclose(_got, [[7.0, 13.0, 22.0]]), f"x = [2, 1]: x·Wᵀ is [4, 10, 16], x·Aᵀ is [1, 1]; with alpha 6 and rank 2 three times [1, 1, 2] is added. Yours gives {_got.tolist()}."
_kept = _w.copy()
_got = _shaped(lora_merge(_w, _a, _b, 6.0), (3, 2), "lora_merge")
assert np.allclose(_got, [[4, -1], [3, 7], [11, 0]]), f"Merged, the first row is [1, 2] + 3·[1, -1] = [4, -1]. Yours gives {_got.tolist()}."
assert np.array_equal(_w, _kept), "Merging changed W itself: the base would be damaged for everyone else."
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(88)
for _outputs, _inputs, _rank in ((16, 24, 4), (7, 7, 1), (40, 10, 16), (3, 64, 8)):
    _first, _zero = _fresh(_outputs, _inputs, _rank, 5)
    _again, _ = _fresh(_outputs, _inputs, _rank, 5)
    _other, _ = _fresh(_outputs, _inputs, _rank, 6)
    assert not _zero.any(), "B does not start at zero."
    assert np.array_equal(_first, _again), "The same seed does not give the same A."
    assert not np.array_equal(_first, _other), "Another seed gives the same A."
    for _front in ((5,), (2, 3), (1, 4, 2), ()):
        _weights, _inputs_given = _draw.normal(0, 1, (_outputs, _inputs)), _draw.normal(0, 1, (*_front, _inputs))
        _down, _up = _draw.normal(0, 1, (_rank, _inputs)), _draw.normal(0, 1, (_outputs, _rank))
        _alpha = float(_draw.choice([1, 8, 16, 32]))
        _plain = _shaped(lora_forward(_inputs_given, _weights, _first, _zero, _alpha), (*_front, _outputs), "lora_forward")
        assert np.allclose(_plain, _inputs_given @ _weights.T), "A fresh adapter changes the output."
        _whole = _weights + _alpha / _rank * _up @ _down
        _beside = _shaped(lora_forward(_inputs_given, _weights, _down, _up, _alpha), (*_front, _outputs), "lora_forward")
        assert np.allclose(_beside, _inputs_given @ _whole.T), f"With rank {_rank} and {len(_front)} axes before the inputs, the output is not right."
        _kept = _weights.copy()
        _one = _shaped(lora_merge(_weights, _down, _up, _alpha), (_outputs, _inputs), "lora_merge")
        assert np.allclose(_one, _whole), f"With rank {_rank}, the merged matrix is not right."
        assert np.array_equal(_weights, _kept), "Merging changed W itself: the base would be damaged for everyone else."
_big, _ = _fresh(4, 2500, 64, 3)
assert close(_big.std(), 0.02, rel=0.05) and abs(_big.mean()) < 0.002, "A does not have mean 0 and standard deviation 1 / sqrt(inputs)."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ### What learns first?
#
# Let $G$ be the gradient of the loss with respect to $y$ (same shape as $y$), for inputs $x$ of shape `[tokens, inputs]`. The chain rule through $y = x W^\top + s\,(x A^\top) B^\top$ with $s = \alpha / r$ gives
#
# $$\frac{\partial L}{\partial B} = s\; G^\top (x A^\top) \qquad\qquad \frac{\partial L}{\partial A} = s\; (G B)^\top x$$
#
# Each has the shape of its matrix. There is no gradient for $W$, and that is where most of the memory is saved: no gradient and no optimiser state for 99 % of the weights. (The gradient with respect to $x$ is still needed, or the layers below
# could not learn. So the backward pass gets cheaper by about half, a whole step by about a third, and not by 99 %.)

# %% [markdown]
# ### Your turn: `lora_gradients`

# %% tags=["answer"] id="gradients"
def lora_gradients(x, g, a, b, alpha):
    """(gradient of A, gradient of B), for inputs x [tokens, inputs] and the output's gradient g [tokens, outputs]."""
    ### BEGIN SOLUTION
    scale = alpha / a.shape[0]
    return scale * (g @ b).T @ x, scale * g.T @ (x @ a.T)
    ### END SOLUTION

# %% tags=["output"] id="gradients-example"
wish = w + 0.1 * draw.normal(0, 1, (192, 1)) @ draw.normal(0, 1, (1, 576)) / 24  # a change of rank 1
a, b = lora_init(192, 576, 8, seed=1)
for step in range(4):
    error = lora_forward(x, w, a, b, 16) - x @ wish.T
    da, db = lora_gradients(x, error / error.size, a, b, 16)
    print(f"step {step}: loss {0.5 * (error**2).mean():.5f}, largest gradient of A {np.abs(da).max():.4f}, of B {np.abs(db).max():.4f}")
    a, b = a - 5 * da, b - 5 * db

# %% tags=["check"] id="gradients-check" points=3
_a, _b = np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
_got = lora_gradients(np.array([[2.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 5.0]]), _a, _b, 6.0)
assert hasattr(_got, "__len__") and len(_got) == 2, "lora_gradients must return two arrays: the gradient of A, then that of B."
_da, _db = _shaped(_got[0], (2, 2), "The gradient of A"), _shaped(_got[1], (3, 2), "The gradient of B")
assert np.allclose(_db, 3), f"Of two tokens the second has inputs of 0 and adds nothing. For the first x·Aᵀ is [1, 1], and alpha / r is 3, so each entry of B gets 3·1·1. Yours gives {_db.tolist()}."
assert np.allclose(_da, [[18.0, 9.0], [6.0, 3.0]]), f"G·B is [3, 1] for the first token, so A gets 3·[3, 1] times [2, 1]: [[18, 9], [6, 3]]. Yours gives {_da.tolist()}."
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(89)
for _tokens, _outputs, _inputs, _rank, _alpha in ((1, 5, 6, 2, 4.0), (7, 6, 5, 3, 16.0), (4, 8, 8, 8, 8.0), (3, 4, 9, 1, 1.0)):
    _x, _w = _draw.normal(0, 1, (_tokens, _inputs)), _draw.normal(0, 1, (_outputs, _inputs))
    _a, _b = _draw.normal(0, 1, (_rank, _inputs)), _draw.normal(0, 1, (_outputs, _rank))
    _g = _draw.normal(0, 1, (_tokens, _outputs))

    def _loss(a, b, x=_x, w=_w, g=_g, scale=_alpha / _rank):
        return float((g * (x @ (w + scale * b @ a).T)).sum())

    _got = lora_gradients(_x, _g, _a, _b, _alpha)
    _da, _db = _shaped(_got[0], _a.shape, "The gradient of A"), _shaped(_got[1], _b.shape, "The gradient of B")
    for _place in np.ndindex(_rank, _inputs):
        _more, _less = _a.copy(), _a.copy()
        _more[_place] += 1e-5
        _less[_place] -= 1e-5
        assert close(_da[_place], (_loss(_more, _b) - _loss(_less, _b)) / 2e-5, rel=1e-4, abs=1e-4), f"With rank {_rank} and {_tokens} tokens, the gradient of A is not the slope of the loss."
    for _place in np.ndindex(_outputs, _rank):
        _more, _less = _b.copy(), _b.copy()
        _more[_place] += 1e-5
        _less[_place] -= 1e-5
        assert close(_db[_place], (_loss(_a, _more) - _loss(_a, _less)) / 2e-5, rel=1e-4, abs=1e-4), f"With rank {_rank} and {_tokens} tokens, the gradient of B is not the slope of the loss."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# In the first step A has no gradient at all, because B is zero; B has one, because A is not. One step later both learn. Had both started at zero, none ever would.

# %% quiz="llm-infrastructure/lora-parameters"

# %% [markdown]
# ## Step 3 · How many numbers are trained?
#
# An adapter need not sit on every layer. The matrices of a decoder of Llama's kind, which most open models are, with the names that PEFT calls **target modules**:
#
# | module | outputs x inputs | in words |
# |---|---|---|
# | `q_proj` | heads · d x hidden | queries; d is `head_dim`, or hidden / heads if the config has none |
# | `k_proj`, `v_proj` | key-value heads · d x hidden | fewer than queries in most models today |
# | `o_proj` | hidden x heads · d | back |
# | `gate_proj`, `up_proj` | intermediate x hidden | the feed-forward part |
# | `down_proj` | hidden x intermediate | back |
#
# Each layer has all seven, and two norms with `hidden` numbers each. The model has one more norm at the end, an embedding of vocabulary x hidden, and an output head of the same size, unless the config says `tie_word_embeddings`: then it is the same matrix, counted once.

# %% [markdown]
# ### Your turn: `lora_parameters`
#
# `config` is a dictionary as in a checkpoint's `config.json`; `targets` is a list of module names. Return a dictionary: `trained` (numbers in all A and B), `base` (numbers in the model itself), and `share`, which is trained / (base + trained).
# A name in `targets` that is none of the seven raises a `ValueError`: a typo must not train less than one believes.

# %% tags=["answer"] id="count"
def lora_parameters(config, rank, targets):
    """How many numbers LoRA trains, how many the model has, and the share."""
    ### BEGIN SOLUTION
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}
    ### END SOLUTION

# %% tags=["output"] id="count-example"
SMOLLM2 = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True}
LLAMA_65B = {"hidden_size": 8192, "intermediate_size": 22016, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 64, "vocab_size": 32000}
EVERY = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
for name, config in (("SmolLM2-135M", SMOLLM2), ("Llama 65B", LLAMA_65B)):
    for targets in (["q_proj", "v_proj"], EVERY):
        for rank in (8, 64):
            told = lora_parameters(config, rank, targets)
            print(f"{name:13} {len(targets)} modules, rank {rank:2}: {told['trained']:12,} of {told['base']:15,}, {told['share']:7.3%}")

# %% tags=["check"] id="count-check" points=4
_TINY = {"hidden_size": 8, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "tie_word_embeddings": True}


def _count_fault(config, rank, targets, trained, base):
    got = lora_parameters(config, rank, targets)
    if not hasattr(got, "keys"):
        return "the dictionary"
    for name, value in (("trained", trained), ("base", base), ("share", trained / (base + trained))):
        if name not in got:
            return f"the key {name!r}"
        if not close(got[name], value):
            return name
    return None


def _refused(config, targets):
    try:
        lora_parameters(config, 8, targets)
    except NotImplementedError:
        raise
    except ValueError:
        return True
    except Exception:
        return False
    return False


_fault = _count_fault(_TINY, 2, ["q_proj", "v_proj"], 2 * (2 * 16 + 2 * 12), 2 * (64 + 32 + 32 + 64 + 480 + 16) + 8 + 800)
assert not _fault, f"8 wide, 4 heads, 2 key-value heads, 2 layers, rank 2 on q_proj and v_proj: 112 numbers are trained, of 2,184 in the model. Look at {_fault}."
_fault = _count_fault({**_TINY, "tie_word_embeddings": False}, 2, ["down_proj"], 2 * 2 * 28, 2984)
assert not _fault, f"With an output head of its own the model has 2,984 numbers, and down_proj alone trains 112. Look at {_fault}."
assert _refused(_TINY, ["query"]), "No module is called 'query': that is a ValueError."
### BEGIN HIDDEN TESTS
def _truth(config, rank, targets):
    hidden, wide, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    d = config["head_dim"] if "head_dim" in config else hidden // heads
    groups = config["num_key_value_heads"]
    size = {"q_proj": [heads * d, hidden], "k_proj": [groups * d, hidden], "v_proj": [groups * d, hidden], "o_proj": [hidden, heads * d]}
    size |= {"gate_proj": [wide, hidden], "up_proj": [wide, hidden], "down_proj": [hidden, wide]}
    trained = sum((rows + columns) * rank for name, (rows, columns) in size.items() if name in targets) * config["num_hidden_layers"]
    base = config["num_hidden_layers"] * (sum(rows * columns for rows, columns in size.values()) + 2 * hidden) + hidden
    tied = "tie_word_embeddings" in config and config["tie_word_embeddings"]
    return trained, base + config["vocab_size"] * hidden * (2 - tied)


_every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_configs = {
    "the course's model": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True},
    "a model without shared key-value heads and without tied embeddings": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32000},
    "a model with shared key-value heads": {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False},
    "a model whose config gives head_dim": {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "tie_word_embeddings": True},
}
for _what, _config in _configs.items():
    for _rank, _targets in ((1, ["k_proj"]), (8, ["q_proj", "v_proj"]), (16, ["o_proj", "gate_proj"]), (64, _every)):
        _fault = _count_fault(_config, _rank, _targets, *_truth(_config, _rank, _targets))
        assert not _fault, f"{_what.capitalize()} with {len(_targets)} target modules is not counted right."
    assert _refused(_config, [*_every, "lm_heads"]), "A target module that does not exist is not refused."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 4 · How much memory does training take?
#
# Serving needs the weights and a cache. Training needs more: for each *trained* number its gradient, and what the optimiser remembers. We count with the usual mixed precision and Adam, and say so:
#
# | | bytes for each number |
# |---|---|
# | a trained number | **16**: weight 2 and gradient 2 in 16 bits; in 32 bits an exact copy of the weight 4 and Adam's two averages 4 + 4 |
# | a frozen number in 16 bits | **2** |
# | a frozen number in NF4 (QLoRA) | **4 + 8/64 + 32/(64 · 256) bits**, about 0.516 bytes (calculate with the exact number): 4 bits, for each 64 weights a constant of 8 bits, and for each 256 of those one of 32 bits |
#
# - **full**: all weights are trained. **lora**: the base is frozen in 16 bits, the adapter is trained. **qlora**: as lora, but the weights of the *seven matrices of each layer* are frozen in NF4; everything else (embeddings, head, norms) stays in 16 bits.
# - The **activations** that the backward pass needs come on top. They depend on batch and length above all; we take them as the same for all three, and they are given.

# %% [markdown]
# ### Your turn: `training_memory`
#
# `linear` is the number of weights in the seven matrices of all layers, `other` all the rest of the model, `trained` the adapter's numbers (not used by `"full"`), `activations` bytes. Return a dictionary of **bytes**: `base` (the frozen weights), `trained` (all that the trained numbers take), `total` (with activations), and
# `card`: the smallest of 16, 24, 48 and 80 whose memory of so many GiB (2^30 bytes) holds the total, or `None`. For `"full"` nothing is frozen. Another method raises a `ValueError`.

# %% tags=["answer"] id="memory"
def training_memory(method, linear, other, trained, activations):
    """Bytes that training takes by method ("full", "lora", "qlora"), and the smallest card that holds them."""
    ### BEGIN SOLUTION
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}
    ### END SOLUTION

# %% tags=["output"] id="memory-example"
LLAMA_7B = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32000}
planned = {}
for name, config, activations in (("7B", LLAMA_7B, 2e9), ("65B", LLAMA_65B, 4e9)):
    told = lora_parameters(config, 16, EVERY)
    other = (2 * config["vocab_size"] + 1 + 2 * config["num_hidden_layers"]) * config["hidden_size"]
    for method in ("full", "lora", "qlora"):
        needed = planned[f"{name}, {method}"] = training_memory(method, told["base"] - other, other, told["trained"], activations)
        print(f"{name:4}{method:6} base {needed['base'] / 1e9:6.1f} GB, trained {needed['trained'] / 1e9:7.1f} GB, total {needed['total'] / 1e9:7.1f} GB, card: {needed['card']}")

# %% tags=["check"] id="memory-check" points=4
def _memory_fault(arguments, base, trained, total, card):
    got = training_memory(*arguments)
    if not hasattr(got, "keys"):
        return "the dictionary"
    for name, value in (("base", base), ("trained", trained), ("total", total)):
        if name not in got:
            return f"the key {name!r}"
        if not close(got[name], value, rel=1e-4, abs=1):
            return name
    if "card" not in got:
        return "the key 'card'"
    return None if (got["card"] is None if card is None else close(got["card"], card)) else "card"


_fault = _memory_fault(("full", 9e8, 1e8, 1e6, 1e9), 0, 16e9, 17e9, 16)
assert not _fault, f"A billion weights trained in full take 16 GB, with 1 GB of activations 17 GB, which 16 GiB hold. Look at {_fault}."
_fault = _memory_fault(("lora", 9e9, 1e9, 5e7, 2e9), 20e9, 8e8, 22.8e9, 24)
assert not _fault, f"Ten billion frozen weights in 16 bits and an adapter of 50 million: 20 + 0.8 + 2 GB. Look at {_fault}."
_fault = _memory_fault(("qlora", 8192e6, 1e9, 5e7, 2e9), 4226e6 + 2e9, 8e8, 9.026e9, 16)
assert not _fault, f"8,192 million weights in NF4 take 4,226 MB, the other billion stays at 2 GB. Look at {_fault}."
### BEGIN HIDDEN TESTS
_nf4 = 0.515869140625
_draw = random.Random(65)
for _case in range(40):
    _linear, _other = _draw.randrange(10**8, 7 * 10**10), _draw.randrange(10**7, 2 * 10**9)
    _few, _acts = _draw.randrange(10**5, 10**9), _draw.randrange(0, 10**10)
    for _method, _base, _numbers in (("full", 0, _linear + _other), ("lora", 2 * (_linear + _other), _few), ("qlora", _nf4 * _linear + 2 * _other, _few)):
        _total = _base + 16 * _numbers + _acts
        _card = min((gib for gib in (16, 24, 48, 80) if gib * 2**30 >= _total), default=None)
        _fault = _memory_fault((_method, _linear, _other, _few, _acts), _base, 16 * _numbers, _total, _card)
        assert not _fault, f"The plan for the method {_method!r} is not right."
for _gib in (16, 24, 48, 80):
    _fault = _memory_fault(("lora", 2**20, 0, 0, _gib * 2**30 - 2**21), 2**21, 0, _gib * 2**30, _gib)
    assert not _fault, "A plan that just fills a card is not right."
try:
    training_memory("prefix", 1e9, 1e8, 1e6, 0)
except ValueError:
    pass
else:
    raise AssertionError("An unknown method is not refused.")
partial(4, 4)
### END HIDDEN TESTS

# %% tags=["live"] id="memory-chart"
lora_charts.memory(planned, cards=(24, 48, 80), title="Memory to train, by method (rank 16 on all seven modules)")

# %% [markdown]
# Two things are often told wrong. QLoRA makes only the frozen base smaller; adapter and activations stay. And the well-known result, 65 billion weights on **one card**, is about a card of 48 GB: the 4-bit base alone takes more than 34 GB, which no 24 GB card holds.
#
# Our sum for full fine-tuning, 16 bytes a weight, is one of several in use: who keeps no 32-bit copy of the weights, or Adam's averages in fewer bits, gets 10 to 12, and who does both 6 to 8. And it is a lower bound: 15 GiB of a card of 16 leave no room for what the driver and the allocator take. So a plan is worth what its assumptions are worth, and they belong into the plan.

# %% quiz="llm-infrastructure/qlora-memory"

# %% [markdown]
# ## Step 5 · Train one: tickets to strict JSON
#
# A shop's support tickets are to become JSON with exactly three fields: the **product** in the customer's words, a **category** (account, billing, defect, delivery), and an **urgency** (low, high). 400 examples are there for training. Another 80 are for development, and they are made from *other* products and *other* sentences: what counts is the ticket of tomorrow.

# %% tags=["output"] id="data"
train, dev = tickets.train(), tickets.dev()
print(f"{len(train)} for training, {len(dev)} for development")
for example in (*train[:2], dev[2]):
    print(f"\n{example.ticket}\n  {example.answer}")
print("\nas the model reads it:\n" + train[0].prompt)

# %% [markdown]
# The loss is taken on the **answer only**: the tokens of the prompt are masked. (Otherwise most of the training would go into learning to write customers' letters.) Padding, masks, thread settings, the progress bar and checkpoints are in `servelab.lora.training`; interrupt the training, run the cell again, and it goes on where it was.
#
# First the model as it is. What does it say?

# %% tags=["live"] id="untrained"
before = scoring.score(None, [(e.prompt, e.answer) for e in dev[:16]], training.held_out()[:3])
for example, answer in list(zip(dev, before.answers))[:3]:
    print(f"{example.ticket}\n  {answer[:150]!r}")
print(f"\nright {before.exact:.0%}, valid JSON {before.valid_json:.0%}, perplexity on general text {before.perplexity:.1f}")

# %% [markdown]
# Which recipe? Trying all of them takes longer than this lab, so we ran some: rank 8 and a learning rate of 0.002 unless the name says otherwise, on `q_proj`, `k_proj`, `v_proj` and `o_proj`, 40 steps of 2 rows, one run each, looked at with 40 development tickets and general text. With 40 tickets a difference of 15 points may be luck; look for the large ones.

# %% tags=["live"] id="sweep-table"
swept = measurements.read("lora-cpu")
print(f"{'recipe':38}{'right':>8}{'perplexity':>12}{'MB':>7}")
for row in swept["figures"]["recipes"]:
    print(f"{row['name']:38}{row['exact']:8.0%}{row['perplexity']:12.1f}{row['bytes'] / 1e6:7.1f}")

# %% [markdown]
# ### Your turn: `recipe`
#
# What PEFT gets and how to train. `lora` goes to PEFT's `LoraConfig` as it is: `r`, `lora_alpha`, `target_modules`, and `lora_dropout` if you like. The rest goes to the trainer: `steps`, `batch`, `learning_rate` (it rises over five steps and then falls), and `general`: the share of rows that are general text instead of tickets.
#
# To choose: the table above; `lora_alpha` is usually r to 2r. The time grows with steps x batch: about 200 rows are enough, more are allowed, and the cell below says how long yours took. The rule is: plain LoRA (no other variant, no biases, no whole modules) and at most 10 MB. At two bytes a number, rank 16 on all seven modules has 9.8 MB. **What is graded is the adapter**, which you hand in with this notebook (the folder `adapter` beside it): on hidden tickets, and on general text. "Right" means that the JSON says the same, field by field.
#
# | points | for |
# |---:|---|
# | 2 | at least 90 % of the answers are valid JSON with exactly the three fields |
# | 4 | all three fields right: one point each at 20 %, 30 %, 40 % and 50 % of the hidden tickets |
# | 2 | perplexity on general text at most 1.6 times the base model's, *and* at least 20 % right: a model that learned nothing forgets nothing |

# %% tags=["answer"] id="recipe"
def recipe():
    """How to make the adapter: what LoraConfig gets, and how to train."""
    ### BEGIN SOLUTION
    return {
        "lora": {"r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
        "steps": 90,
        "batch": 2,
        "learning_rate": 2e-3,
        "general": 0.0,
    }
    ### END SOLUTION

# %% [markdown]
# Now train. The real model, the real PEFT, your recipe. Every 30 steps the cell looks at 16 development tickets and at general text.

# %% tags=["live"] id="train"
from peft import LoraConfig, get_peft_model

plan = recipe()
base_model, tokenizer = training.load()
tuned_model = get_peft_model(base_model, LoraConfig(task_type="CAUSAL_LM", **plan["lora"]))
tuned_model.print_trainable_parameters()
how = training.Recipe(**{name: value for name, value in plan.items() if name != "lora"})


def look():
    """The share of 16 unseen tickets that come out right, and perplexity on two general texts."""
    return training.quick_scores(tuned_model, tokenizer, dev[:16], training.held_out()[:2])


record = training.fit(tuned_model, tokenizer, train, how, "adapter", watch=look, watch_every=30)
print(f"{len(record.losses)} steps in {record.seconds:.0f} s; the adapter has {training.size_bytes('adapter') / 1e6:.1f} MB")
_ = ledger.append(lab="08-lora", step="training", metric="train_s", value=record.seconds, unit="s", backend=training.backend())

# %% tags=["live"] id="train-chart"
lora_charts.training(record.losses, record.watched, title="Loss, task and general text, step by step")

# %% [markdown]
# The loss falls within a few steps, and what falls first is the *form*: braces, names of fields, quotes. Most tokens of an answer are form, so a low loss comes long before right answers. That is why the middle panel is there.
#
# Now properly: the files that you hand in, read as the grader reads them, answering greedily.

# %% tags=["live"] id="after"
tuned = adapter.read(adapter.files("adapter"))
after = scoring.score(tuned, [(e.prompt, e.answer) for e in dev[:40]], training.held_out()[:3])
print(f"{'':10}{'right':>8}{'valid':>8}{'fields':>8}{'perplexity':>12}")
for name, scores in (("base", before), ("adapted", after)):
    print(f"{name:10}{scores.exact:8.0%}{scores.valid_json:8.0%}{scores.fields:8.0%}{scores.perplexity:12.1f}")
wrong = [(e, said) for e, said in zip(dev, after.answers) if said != e.answer]
for example, said in wrong[:3]:
    print(f"\n{example.ticket}\n  {said}")
ledger.append(lab="08-lora", step="adapted", metric="exact", value=after.exact, unit="share", backend=training.backend(), tickets=40)
_ = ledger.append(lab="08-lora", step="adapted", metric="perplexity", value=after.perplexity, unit="tokens", backend=training.backend(), base=before.perplexity)

# %% tags=["check"] id="recipe-check" points=8 seconds=120
def _recipe_fault(plan):
    """The first thing about a recipe with which nothing could be trained, or None."""
    if not hasattr(plan, "keys") or not hasattr(plan.get("lora"), "keys"):
        return "a recipe is a dictionary whose `lora` is a dictionary too"
    if not plan["lora"].get("r") or not plan["lora"].get("target_modules"):
        return "`lora` needs at least `r` and `target_modules`"
    return None


_fault = _recipe_fault(recipe())
assert not _fault, f"recipe(): {_fault}."
_tuned = adapter.read(adapter.files(handed_in("adapter")))
_mine = tickets.dev()[:8]
_told = scoring.score(_tuned, [(_e.prompt, _e.answer) for _e in _mine])
assert _told.valid_json > 0, "Of 8 development tickets your adapter turned none into JSON with the three fields. Train it with the cell above (`train`) and look at what it says: that asks for more steps or a higher rate."
### BEGIN HIDDEN TESTS
_held, _general = tickets.unpack("c-pmD+m7S75&adSpN;;2c^M4yu$dqmERY2ji<vx7V%Z{0kqSv!s}1t+IaQReBe!LB2bk$@TOw7LQ>RW*-@bi&`K#TiUmJ>~Y*Hz-lpE`JYKVb<+T5siRGqdytJFn3Qv9TB#uew35BM_cm|xXb)%Gc?MjuFNkAG>PDC@0Pc?hZreN3+}o0tE5f9YZ{eVxC*d{X#ux%c;%4Zf;%rd^0*xxvtu_-4M+#~t~4y3p8N^Zn(&FaO%W4RS81)OTHoS!L3#xCKLYj?^w%Z(vWO;bRV6M@9`H?%7lAjY=(+Csp;)!<Szi>4c?qR<>=)SeWC+Ioq#xUv2w8ZB!wuRvWhZ_t2~QB7_ZjI^d5H-#fb}j`aXPU`T5d9LeNWN3kY^F>JRg!|l`rUR?JvBfJ}N5`i{yaoZzzU9>gL`E<Q>&Z!EyN91O_a$z_nBn-+G4B=@&OxAl+z0cM$qEa0~#$$Ah_CV?LG3X}ny*>;ZxQQ?@#0G8itfgg-`M5i5%b%Wz{8#0P;~5l|Qzi+PuIm7+@wd*5a%~Vmtl?{2|L32M6Otuk_v|dU&6zoE{veWef^sW{1TW9F{t%GClP$2g&d4cJuNf|=W{Dk}Jz()J!Z*f_lxXLGmJx7K*|xJVxY=(#4q*M?m>ME=ZWK5Rlo7C3_1lqn*n>#h9xy!xH};<EGc}}RI>tXzMv;>FJQwGy6{{`&0&qqe*en+U6M-*vga5G&AUs4gRF$J7m!i%Yf4`pa(+HEggJ8+%S>`zJwVF2WM)l`WRW>4$u%;lvkTx5^f>6m<1eek*8(%DZ%CO6f&rtEB>Sj(0y)(jaT!D21ZY>qqCz$MY%j{u<5p6A9Dbc{`Zgq_&BQT1zvk8;{q|foi)&0-a<9*ini`dP<@4XB4o-Ld9`CRH2AEL3STgHVJSTOG2(=<<euJ_{9^nEz-Uem`ou1iK8P!>_c|A%=v-MX3*e*&3h<T4dzyyd<shJ7)2Ya;^890#X*?w0mlVr2m<E~?#Y2i_K63GpzMzNfpEbIx(24-zU5fzK_+Bb14LK>mI3&Dee3XMGQy;iRb*R@hufh$GL<2X4@AC!mQcS&t^`bmA^b`*&gIxao%pmWfqC1rf;;z;lN?wa^PPe<)HO5dX4Xe@BEj8fKd~KC8f=5rgMvd_+<Hd@ef?+lj?BFv?La)v1k<9?EeoT1!e-HqXyj-`(urNU1xsiA)VSggyTNLYb3;r%`P&B?vw1c$QYD?(uYMxetS@VQf;Yra#b0Ib&092onO1G$z$IxzGCaDPoZQ*T?fB-%o|FW|*_7Y$j|>Y-Gi7^-L$Yjk~5tKxTm;%hw0@!s<1BdK-e_*|7$AL%eC$kB840f3A1@V2Zxe-MB!n6vuLf`=<I>eb(?BEAX#q7dyy24BRroXe49y2nEe>Ok9Sr5vF@vMziIu{NbU=VhyPFHrH%?s<or%igkT2yn5(6`r%wEfMM?2na*Mf)4W0{xUf^l(-1yH@wpI;<I0EMNYj;J|5p!}W$3L5xw1agy_=hkpX1T<M(-N)9|}UFQv-Twe;kAs_R!-7t4ZeOz-R8UV(FmyaH{Lu?$IzYW951AM~={7yn%A+c?fu0k=#2Nm@~EP_&!bYhLC1BW?g|;eh|{jPgzf!d@xZ6B&q3JYwXr8m>ZXye7WsM=+R5@uI?UCZEX@H!;;w(s=4NUUa}UfZyY25vyE=sF!gBNq9YnHX;Sl*C>1j==w;zrtF9*O1w!rl)8ES+uff2w2Czos-5j0XXuK!r;qi&;BGxT4pf{j_P~J~m9}Uzj$BO!2C#l~)Ay`ywZy!a2SNq75HV7ilb=!4z-)#JjiED=59=w6M0m*w_#5{({5|%z9rEqT*tpU!%fl3b8x-yGP5dudQggnpRo^>!DzbSB**I%$3g3qzOv*oJ>K}bcH%R+RaSfVj8l8Jio$BtTQzb`tGF_7#Z(zFUVMD}Uu^K?XW4p`Y}bCMF+1qz>kkw!@dmN~EL@03x3)00z!fa*F1OaL+?XxKHpmO(;%$bz8~hMKD!pyU3zk&{9dKnfj&&K0<(!d+5PMZ}D-LEiXboh~*Oh-!!jo%lT3Pn=;z2pM~@h79jtR^jVCBALotq;gYhQ#v;IQYtAQ<1ixqjE`SY1B|sQVk#5wLZA668{Z<BTgMum!&|fx455Gb+F?qHx%4cc@IX_#2B$)YuuQMMj?!8*0ovh~x8SUZNuUCBnlTk^30z}`UV0%%B?1^o-j+><LwZ1(_;C<V81@PB^2WA};(>DHEjLr~unq7cbKyptfCJdC)fO$ej05T)6Al=z*m;WSAO@KUVZ|m?K61&&3`HVKkS2&s?(U-I{atx5YZ4$cIiilyg2XU^8)VuF`|NCqTU$o`;z(?BQ}B#CxQx%PjOAf1Q<d*qil9+Wzb}p#N60a*{3#!t<uB6<v6eXgCQy0f*un#jj2KI8M^GR9dBTXc<t%c#4Y7l}jLnOCi=_jK7HKa~JQkjwc1|b=seSp-`{D^-g$<ud+)yk@NH3|rLjwf~%f=OP(36Cvu(>~)h8_5rZYm)yh#wjbk!EN4)IHna6V$!fWEs0DN5su%#sP=7;n}kaf6!Ff$-&2sn2%Vo&$<c|xRG3z>|Yd@iqsXKIDreatAihpG1rW7AAkrsIgn&wlYTn%oo*IS&R<VPzk*u-2W#Y|>;")
_told = scoring.score(_tuned, [(_e.prompt, _e.answer) for _e in _held], _general)
_points = 2 * (_told.valid_json >= 0.9) + sum(_told.exact >= _share for _share in (0.2, 0.3, 0.4, 0.5))
_points += 2 * (_told.exact >= 0.2 and _told.perplexity <= 1.6 * _told.perplexity_base)
print(f"Hidden tickets: {_told.exact:.0%} right, {_told.valid_json:.0%} valid. Perplexity on general text: {_told.perplexity / _told.perplexity_base:.2f} times the base model's.")
partial(_points, 8)
### END HIDDEN TESTS

# %% [markdown]
# ### What would another recipe have done?
#
# The recorded runs again, and yours among them (yours probably trained longer).

# %% tags=["live"] id="sweep"
lora_charts.sweep(swept, mine={"exact": after.exact, "perplexity": after.perplexity})

# %% [markdown]
# This is **catastrophic forgetting** in small. Nobody touched the base's weights, and still the model *with* its adapter is worse at everything else, because what answers is the sum. In the recorded runs (`lora-cpu.json`), of those without general text, the low learning rate learned least and forgot least; a higher rank got more tickets right, but did not forget more in the same order. (One run each: look at the large differences only.) The data mix stands apart: with every fourth row
# general text the perplexity even falls below the base's, at a price in tickets: fewer of them were seen in the same number of steps. (Below the base's, because the general rows and the held-out texts were written for the same course, by the same hands. On text of another kind expect less.)
#
# Without the adapter the base is as it was, to the last bit: that is the second reason to serve adapters beside a base instead of merged copies.

# %% quiz="llm-infrastructure/forgetting"

# %% [markdown]
# ### QLoRA, where the machine can
#
# The same cell with a base in NF4 is QLoRA. bitsandbytes, which brings the 4-bit kernels, is not among this course's packages for CPUs: on a machine of 135 million weights it saves nothing that matters. On a GPU, install it and this cell trains twenty steps and prints the memory; elsewhere it prints the arithmetic.

# %% tags=["live"] id="qlora"
if reason := training.no_four_bit():
    print(reason)
    small, large = (lora_parameters(config, 8, EVERY) for config in (SMOLLM2, LLAMA_7B))
    for name, told, matrices in (("SmolLM2-135M", small, 0.79), ("Llama 7B", large, 0.96)):
        linear = matrices * told["base"]
        both = [training_memory(m, linear, told["base"] - linear, told["trained"], 0)["base"] for m in ("lora", "qlora")]
        print(f"{name}: the frozen base would take {both[1] / 1e9:.2f} GB instead of {both[0] / 1e9:.2f} GB")
else:
    four, tokenizer_four = training.load(None, four_bit=True)
    four = get_peft_model(four, LoraConfig(task_type="CAUSAL_LM", **recipe()["lora"]))
    short = training.fit(four, tokenizer_four, train, training.Recipe(steps=20, batch=4), "adapter-qlora")
    print(f"loss {short.losses[0]:.2f} -> {short.losses[-1]:.2f}; {four.get_base_model().get_memory_footprint() / 1e9:.2f} GB of weights")

# %% [markdown]
# ## Step 6 · Merge: from two files back to one model
#
# An adapter is two files. `adapter_config.json` says rank, alpha and modules; `adapter_model.safetensors` holds the pairs, under names such as
#
# `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`
#
# for the base's weight `model.layers.0.self_attn.q_proj.weight`. An engine that serves a single adapter may just as well get a merged checkpoint: no cost per token, but also no exact way back (what is added to 16-bit weights is rounded).

# %% [markdown]
# ### Your turn: `merge_adapter`
#
# `weights` is the base as {name: array}, `pairs` the adapter's file as {name: array}, `config` its configuration. Return a new dictionary with the weights that base and adapter have together, with all names of `weights`, and leave what was given as it is. The scale is alpha / r; if the config has `use_rslora` set to true, it is alpha / sqrt(r) (with alpha / r, high ranks turn out too quiet).
# If a pair belongs to no weight, or one half of it is missing, or A or B does not have `r` as its inner size, raise a `ValueError`: a half-merged model would be a bad surprise.

# %% tags=["answer"] id="merge"
def merge_adapter(weights, pairs, config):
    """The base's weights with the adapter added in."""
    ### BEGIN SOLUTION
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged
    ### END SOLUTION

# %% tags=["output"] id="merge-example"
base_weights = {"model.layers.0.mlp.up_proj.weight": np.ones((4, 3)), "model.norm.weight": np.ones(3)}
pair = {"base_model.model.model.layers.0.mlp.up_proj.lora_A.weight": np.array([[0.0, 1.0, 2.0]]), "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight": np.array([[1.0], [0.0], [0.0], [-1.0]])}
for name, value in merge_adapter(base_weights, pair, {"r": 1, "lora_alpha": 2}).items():
    print(name, value.tolist())

# %% tags=["check"] id="merge-check" points=4 seconds=90
def _merge_refused(weights, pairs, config):
    try:
        merge_adapter(weights, pairs, config)
    except NotImplementedError:
        raise
    except ValueError:
        return True
    except Exception:
        return False
    return False


_base = {"model.layers.0.mlp.up_proj.weight": np.ones((2, 3)), "model.norm.weight": np.ones(3)}
_up = "base_model.model.model.layers.0.mlp.up_proj"
_pairs = {f"{_up}.lora_A.weight": np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]]), f"{_up}.lora_B.weight": np.array([[1.0, 0.0], [0.0, 3.0]])}
_got = merge_adapter(_base, _pairs, {"r": 2, "lora_alpha": 4})
assert hasattr(_got, "keys") and sorted(_got) == sorted(_base), "The merged model must have exactly the base's names."
assert np.allclose(np.asarray(_got["model.layers.0.mlp.up_proj.weight"]), [[1, 3, 5], [7, 1, 1]]), "Rank 2 and alpha 4: twice B·A is added, which gives [[1, 3, 5], [7, 1, 1]] here."
assert np.allclose(np.asarray(_got["model.norm.weight"]), 1), "What has no pair stays as it is."
assert _merge_refused(_base, {_name: _value for _name, _value in _pairs.items() if "lora_A" in _name}, {"r": 2, "lora_alpha": 4}), "Half a pair must raise a ValueError."
### BEGIN HIDDEN TESTS
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(808)
_llama = LlamaForCausalLM(LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, vocab_size=64)).eval()
_weights = {_name: _value.detach().numpy().copy() for _name, _value in _llama.state_dict().items()}
_ids = torch.arange(24).reshape(2, 12)
_draw = np.random.default_rng(808)


def _add(scale, pair):
    """A hook that adds the adapter's part beside a linear layer."""
    a, b = (torch.from_numpy(half) for half in pair)
    return lambda module, given, out: out + scale * (given[0] @ a.T) @ b.T


def _logits(model, ids):
    with torch.no_grad():
        return model(input_ids=ids).logits.numpy()


for _rank, _alpha, _rs, _targets in ((4, 8, False, ("q_proj", "v_proj")), (2, 16, True, ("gate_proj", "down_proj", "k_proj")), (1, 1, False, ("o_proj", "up_proj"))):
    _pairs, _hooks = {}, []
    for _name, _module in _llama.named_modules():
        if _name.split(".")[-1] in _targets:
            _pair = tuple(_draw.normal(0, 0.3, _shape).astype(np.float32) for _shape in ((_rank, _module.in_features), (_module.out_features, _rank)))
            _pairs |= {f"base_model.model.{_name}.lora_{_half}.weight": _one for _half, _one in zip("AB", _pair)}
            _hooks.append(_module.register_forward_hook(_add(_alpha / (math.sqrt(_rank) if _rs else _rank), _pair)))
    _wanted = _logits(_llama, _ids)
    for _hook in _hooks:
        _hook.remove()
    _config = {"r": _rank, "lora_alpha": _alpha, "target_modules": list(_targets), **({"use_rslora": _rs} if _rank > 1 else {})}
    _given = {_name: _value.copy() for _name, _value in _weights.items()}
    _got = merge_adapter(_given, dict(_pairs), _config)
    assert hasattr(_got, "keys") and sorted(_got) == sorted(_weights), "The merged tiny Llama does not have the base's names."
    assert all(np.array_equal(_given[_name], _weights[_name]) for _name in _weights), "Merging changed the base's own arrays."
    _merged = LlamaForCausalLM(_llama.config).eval()
    _merged.load_state_dict({_name: torch.from_numpy(np.ascontiguousarray(np.asarray(_got[_name], dtype=np.float32))) for _name in _weights})
    assert np.allclose(_logits(_merged, _ids), _wanted, atol=1e-3), f"A tiny random Llama answers otherwise merged than with the adapter beside it ({len(_targets)} modules, rank {_rank})."
    _half = dict(list(_pairs.items())[1:])
    assert _merge_refused(_weights, _half, _config), "Half a pair is not refused."
    assert _merge_refused(_weights, {_name.replace("layers.0.", "layers.9."): _value for _name, _value in _pairs.items()}, _config), "A pair for a layer that the base does not have is not refused."
    assert _merge_refused(_weights, _pairs, {**_config, "r": _rank + 1}), "An adapter of another rank than its config says is not refused."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 7 · Serve many on one engine
#
# vLLM keeps one base in memory and, with `--enable-lora`, any number of adapters beside it, of which up to `--max-loras` share a batch: the base's multiplication is done once for all, and each request's thin part is added. Which one answers is chosen by the **model name** in the request.
#
# ### Your turn: `ask`
#
# A client that cannot be fooled. `base_url` ends in `/v1`. Send **one** request to `/chat/completions` with the given messages, temperature 0 and `max_tokens`, to the model `adapter`, or to `base` if `adapter` is `None`, and return the text of its answer. If the engine does not know the model (status 404), raise a `LookupError` whose message names the model that was asked for **and** those
# that are served (`GET base_url/models` lists them). Never fall back to the base: a customer who is silently served by another model is worse off than one who gets an error. Any other status than 200 raises a `RuntimeError` whose message holds the status. (The GET does not count as a request. Give a busy engine time: httpx gives up after 5 s unless told otherwise.)

# %% tags=["answer"] id="ask"
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    """The answer of an adapter, by its name, or of the base."""
    ### BEGIN SOLUTION
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]
    ### END SOLUTION

# %% tags=["output"] id="ask-example"
with ScriptedEngine(model="base", adapters={"tickets": "/adapters/tickets"}, ttft_s=0, itl_s=0) as engine:
    for name in (None, "tickets"):
        answered = ask(engine.base_url, "base", tickets.messages("My kettle leaks."), name, 6)
        print(f"{name}: asked {engine.requests[-1]['body']['model']!r}, {len(answered.split())} words")
    try:
        ask(engine.base_url, "base", tickets.messages("My kettle leaks."), "tickest")
    except LookupError as error:
        print(error)

# %% tags=["check"] id="ask-check" points=4 seconds=90
def _asked(engine, base, adapter, question="Where is the lighthouse?", most=5):
    """(the answer or the exception's class and message, the requests that the engine saw)."""
    engine.clear()
    try:
        got = ask(engine.base_url, base, [{"role": "user", "content": question}], adapter, most)
    except NotImplementedError:  # a RuntimeError too
        raise
    except (LookupError, RuntimeError) as error:
        got = ("LookupError" if isinstance(error, LookupError) else "RuntimeError", str(error))
    except Exception as error:
        got = ("another exception", str(error)[:200])
    return got, engine.requests


def _said(engine, model, question, most):
    body = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": most}
    return httpx.post(f"{engine.base_url}/chat/completions", json=body).json()["choices"][0]["message"]["content"]


with ScriptedEngine(model="small", adapters={"tickets": "/adapters/tickets"}, ttft_s=0, itl_s=0) as _engine:
    for _name, _model in ((None, "small"), ("tickets", "tickets")):
        _wanted = _said(_engine, _model, "Where is the lighthouse?", 5)
        _got, _seen = _asked(_engine, "small", _name)
        assert len(_seen) == 1 and _seen[0]["body"].get("model") == _model, f"With adapter={_name!r} exactly one request must go to the model {_model!r} (and to the right path: a wrong one is a 404 too). Yours gave {str(_got)[:120]}."
        assert _got == _wanted, f"ask must return the text of the answer, of at most max_tokens; yours returned {str(_got)[:120]!r}."
    _got, _seen = _asked(_engine, "small", "tickest")
    assert isinstance(_got, tuple) and _got[0] == "LookupError", f"An adapter that the engine does not know must raise a LookupError; yours gave {_got!r}."
    assert all(_word in _got[1] for _word in ("tickest", "tickets", "small")), f"The message must name the model that was asked for and all that are served; yours says {_got[1]!r}."
### BEGIN HIDDEN TESTS
from servelab.engine.scripted import Fault

_draw = random.Random(77)
for _base, _names in (("m", ["a"]), ("llama", ["support", "legal", "poems"]), ("base", ["base-v2", "v1", "adapter"]), ("lonely", [])):
    with ScriptedEngine(model=_base, adapters={_name: f"/adapters/{_name}" for _name in _names}, ttft_s=0, itl_s=0) as _engine:
        for _name in [None, *_names, _base]:
            _question, _most = f"Question {_draw.randrange(10**6)}?", _draw.randrange(2, 9)
            _wanted = _said(_engine, _name or _base, _question, _most)
            _got, _seen = _asked(_engine, _base, _name, _question, _most)
            assert len(_seen) == 1, "A question takes more than one request, or none."
            _body = _seen[0]["body"]
            assert _body.get("model") == (_name or _base), "A request goes to another model than the one that was asked for."
            assert close(_body.get("temperature"), 0) and close(_body.get("max_tokens"), _most), "temperature or max_tokens is not passed on."
            assert _body.get("messages") == [{"role": "user", "content": _question}], "The messages are not passed on as they are."
            assert _got == _wanted, "The text of the answer does not come back as it is."
        for _name in ("unknown", _base.upper(), f"{_base} "):
            _got, _seen = _asked(_engine, _base, _name)
            assert isinstance(_got, tuple) and _got[0] == "LookupError", "An unknown adapter does not raise a LookupError."
            assert all(_word in _got[1] for _word in [_name, _base, *_names]), "The message of a LookupError does not name all models."
            assert len(_seen) <= 1 and all(_one["body"].get("model") == _name for _one in _seen), "Where the model is not known another one is asked, or the request is sent again."
for _kind in ("429", "500"):
    with ScriptedEngine(model="m", adapters={"a": "/a"}, ttft_s=0, itl_s=0, faults=[Fault(_kind, every=1)]) as _engine:
        _got, _seen = _asked(_engine, "m", "a")
        assert isinstance(_got, tuple) and _got[0] == "RuntimeError" and _kind in _got[1], "A request that fails otherwise does not raise a RuntimeError with its status."
        assert len(_seen) == 1, "A request that failed was sent again."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ### Your turn: `publish` and `withdraw`
#
# Adapters come and go while the engine runs. `url` has no `/v1` at its end; the routes are vLLM's:
#
# | request | body | answers |
# |---|---|---|
# | `POST url/v1/load_lora_adapter` | `lora_name`, `lora_path` | 200; 400 if the name is served already; 404 if the engine finds nothing at the path |
# | `POST url/v1/unload_lora_adapter` | `lora_name` | 200; 404 if no adapter has that name |
# | `GET url/v1/models` | | `data`: a list with `id`, `parent` (`None` for the base) and `root` (an adapter's path) |
#
# - `publish(url, name, path)` returns `True` if the adapter was loaded now, and `False` if it was served already under this name *from this path*. If the name belongs to the base or to an adapter from another path, raise a `ValueError` and change nothing. If the engine finds nothing at the path, raise a `FileNotFoundError`.
# - `withdraw(url, name)` returns `True` if it was unloaded now, `False` if there was none.
# - Any other failure of the engine raises a `RuntimeError`. Both may be called twice: nobody should have to ask first.

# %% tags=["answer"] id="publish"
def publish(url, name, path):
    """Load an adapter: True if it was loaded now, False if it was there."""
    ### BEGIN SOLUTION
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True
    ### END SOLUTION


def withdraw(url, name):
    """Unload an adapter: True if it was unloaded now, False if there was none."""
    ### BEGIN SOLUTION
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200
    ### END SOLUTION

# %% tags=["output"] id="publish-example"
with ScriptedEngine(model="base", adapter_paths=["/adapters/v1", "/adapters/v2"]) as engine:
    print(publish(engine.url, "tickets", "/adapters/v1"), publish(engine.url, "tickets", "/adapters/v1"))
    print(sorted(card["id"] for card in httpx.get(f"{engine.url}/v1/models").json()["data"]))
    print(withdraw(engine.url, "tickets"), withdraw(engine.url, "tickets"))

# %% tags=["check"] id="publish-check" points=4 seconds=90
def _outcome(function, *arguments):
    """What a call gives: True, False, or the name of its exception."""
    try:
        got = function(*arguments)
    except NotImplementedError:  # a RuntimeError too
        raise
    except ValueError:
        return "ValueError"
    except FileNotFoundError:
        return "FileNotFoundError"
    except RuntimeError:
        return "RuntimeError"
    return got if str(got) in ("True", "False") else f"{got!r}"


with ScriptedEngine(model="small", adapter_paths=["/adapters/v1", "/adapters/v2"]) as _engine:
    _url = _engine.url
    _got = [_outcome(publish, _url, "tickets", "/adapters/v1"), _outcome(publish, _url, "tickets", "/adapters/v1")]
    assert _got == [True, False], f"Published twice from the same path: True, then False. Yours gave {_got}."
    assert _engine.adapters == {"tickets": "/adapters/v1"}, "After publish the engine must serve the adapter under its name."
    _got = _outcome(publish, _url, "tickets", "/adapters/v2")
    assert _got == "ValueError" and _engine.adapters == {"tickets": "/adapters/v1"}, f"The name is taken by another path: a ValueError, and nothing changes. Yours gave {_got}."
    _got = _outcome(publish, _url, "other", "/adapters/v9")
    assert _got == "FileNotFoundError", f"Nothing lies at /adapters/v9: a FileNotFoundError. Yours gave {_got}."
    _got = [_outcome(withdraw, _url, "tickets"), _outcome(withdraw, _url, "tickets")]
    assert _got == [True, False] and not _engine.adapters, f"Withdrawn twice: True, then False. Yours gave {_got}."
### BEGIN HIDDEN TESTS
_draw = random.Random(78)
_paths = [f"/adapters/{_i}" for _i in range(3)]
with ScriptedEngine(model="base", adapters={"there": "/adapters/0"}, adapter_paths=_paths) as _engine:
    _truth = {"there": "/adapters/0"}
    for _step in range(60):
        _name, _path = _draw.choice(["there", "a", "b", "c", "base"]), _draw.choice([*_paths, "/adapters/none"])
        if _draw.random() < 0.6:
            _got = _outcome(publish, _engine.url, _name, _path)
            if _name == "base" or (_name in _truth and _truth[_name] != _path):
                _wanted = "ValueError"
            elif _name in _truth:
                _wanted = False
            elif _path not in _paths:
                _wanted = "FileNotFoundError"
            else:
                _wanted = True
                _truth[_name] = _path
            assert _got == _wanted, "publish does not say what became of it, in a series of calls."
        else:
            _got = _outcome(withdraw, _engine.url, _name)
            assert _got == (_name in _truth), "withdraw does not say what became of it, in a series of calls."
            _truth.pop(_name, None)
        assert _engine.adapters == _truth, "After a series of calls the engine serves other adapters than it should."
with ScriptedEngine(model="base", slow_start_s=60) as _engine:
    for _call in ((withdraw, _engine.url, "a"), (publish, _engine.url, "a", "/adapters/0")):
        assert _outcome(*_call) == "RuntimeError", "An engine that is not ready does not lead to a RuntimeError, in publish or in withdraw."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ### The real engine
#
# One engine with your adapter from the start, and a second one, `labels`, loaded while it runs. That one was trained on the same tickets for another behaviour: a single line such as `delivery/high`. Its file is small beside the model; a second engine would have been a second model.

# %% tags=["live"] id="serve"
engine = serving.serve({"tickets": "adapter"})
ticket = dev[0].ticket
print(publish(engine.url, "labels", str(serving.labels())), "- loaded while the engine runs\n")
for name, messages in ((None, tickets.messages(ticket)), ("tickets", tickets.messages(ticket)), ("labels", tickets.messages(ticket, tickets.LABEL_SYSTEM))):
    print(f"{name or engine.model}:\n  {ask(engine.base_url, engine.model, messages, name)[:160]!r}")
try:
    ask(engine.base_url, engine.model, tickets.messages(ticket), "nobody")
except LookupError as error:
    print(f"\nnobody: {error}")
print("\nas HTTP:", httpx.post(f"{engine.base_url}/chat/completions", json={"model": "nobody", "messages": tickets.messages(ticket)}).status_code)

# %% [markdown]
# What do adapters cost? The same tickets, eight in flight, always 32 tokens: to the base, to one adapter, and to base and both adapters mixed.

# %% tags=["live"] id="throughput"
rates = serving.throughput(engine, ["tickets", "labels"], [e.ticket for e in dev])
for name, rate in rates.items():
    print(f"{name:24}{rate:8.0f} tokens/s{rate / rates['base']:8.0%} of the base")
    ledger.append(lab="08-lora", step=name, metric="tokens_per_s", value=rate, unit="tokens/s", backend=engine.backend)
model_bytes = serving.model_bytes()
lora_charts.serving(rates, {"base model": model_bytes, "your adapter": training.size_bytes("adapter"), "labels": training.size_bytes(serving.labels())}, title="What an adapter costs, and what it weighs")

# %% [markdown]
# On a GPU the thin part is done by a special kernel for all adapters of a batch at once (what that costs is not yet measured here). On a CPU it is done without one, layer by layer, and costs more. That is no property of LoRA but of an implementation: measure yours.
#
# Away with what nobody needs, while the others go on:

# %% tags=["live"] id="unload"
print(withdraw(engine.url, "labels"), withdraw(engine.url, "labels"))
print("served now:", [card["id"] for card in httpx.get(f"{engine.base_url}/models").json()["data"]])
print("tickets goes on:", ask(engine.base_url, engine.model, tickets.messages(dev[1].ticket), "tickets"))

# %% [markdown]
# ## Step 8 · What we know now
#
# Your predictions, against what came out. (After a restart of the kernel this needs the cells `untrained`, `after` and `serve` to `throughput` again.)

# %% tags=["live"] id="predicted"
told = {"share": "trained, of all", "right": "right after training", "forgotten": "perplexity worse by", "speed": "speed of base"}
adapted = recipe()["lora"]
share = lora_parameters(SMOLLM2, adapted["r"], adapted["target_modules"])["share"]
measured = {"share": 100 * share, "right": 100 * after.exact, "forgotten": max(0.1, 100 * (after.perplexity / before.perplexity - 1)), "speed": 100 * rates["one adapter"] / rates["base"]}
charts.prediction_vs_measured({told[k]: guess[k] for k in told}, {told[k]: measured[k] for k in told}, unit="%", title="Predicted and measured")

# %% [markdown]
# | claim | what is true |
# |---|---|
# | "LoRA trains 1,000 times fewer numbers" | it depends on rank and modules (step 3); with rank 8 on the four attention matrices one in 147 |
# | "QLoRA needs a quarter of the memory" | of the frozen base only; 65B fits one card of 48 GB, not of 24 (step 4) |
# | "the loss is near zero, so it works" | most answer tokens are form; unseen tickets tell (step 5) |
# | "frozen weights cannot forget" | base plus adapter forgets; the base alone does not (step 5) |
# | "merging is free" | at run time yes, but it needs a copy of the model for each adapter, and there is no exact way back (step 6) |
# | "adapters cost nothing to serve" | they weigh little; what they cost in speed is the engine's doing: measured (step 7) |
#
# **What production would add**
#
# - **A registry**: adapter, base revision, training data and recipe belong together. An adapter on another revision of its base answers, and nobody notices that it is worse.
# - **Two gates before a name changes hands**: the task's hidden set and general text, as this lab's grader does it, for each new version. Then the new one under a new name, some traffic, and the old one stays until the last rating is in (lab 07).
# - **Closed doors**: vLLM's load and unload routes have no access rights of their own and read paths of the server; they belong behind the gateway (lab 10), never on the internet. And an adapter from somewhere else is data to be checked, never code to be run: safetensors, sizes, names.
# - **Limits**: `--max-loras` in a batch, `--max-cpu-loras` in memory, `--max-lora-rank` as small as possible, because room is kept for it in advance.
#
# What you measured is in the ledger:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="08-lora"):
    print(f"{row['step']:26} {row['metric']:14} {row['value']:10.3f} {row['unit']:9} {row['backend']}")
engine.release()

# %% [markdown]
# **Next:** you have served models in many ways and looked at each by hand. Lab 09 has Prometheus look, all the time, and wake somebody when it matters.

# %% [markdown]
# **Hand in** this notebook *with* the folder `adapter` beside it: nbgrader and JupyterLab's Assignment List take the whole folder. Where a notebook travels alone, as on Colab, the cell below makes one file of both.
