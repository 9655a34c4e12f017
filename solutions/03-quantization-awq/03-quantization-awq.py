# ---
# title: A smaller model that still answers
# minutes: 115
# objectives: Round a model's weights to 4 bits, protect the channels that matter, predict size and price, and measure what is gained and what is lost
# builds: 4-bit rounding in groups, AWQ's scale search, checkpoint and card arithmetic, perplexity, three checkpoints measured
# needs: {memory_gb: 6, own_gib: 1.5, made: [quantize-environment, smollm2-135m-instruct-awq, smollm2-135m-instruct-int8]}
# ---

# %% [markdown]
# # Lab 03 · A smaller model that still answers
#
# Lab 02 left the model as it was and changed who runs when. Now the model itself becomes smaller: each weight is stored
# in 4 or 8 bits instead of 16. You will round weights yourself, see where that hurts, repair it as AWQ does, and then have
# a whole checkpoint quantised and served by vLLM beside its original.
#
# "3.5 times smaller and twice as fast" is what one hears. The first number follows from arithmetic, and you will derive it. The second is a
# claim about one kind of machine under one kind of load, and yours may be another.
#
# **After this lab you can**
#
# - round weights to 4 bits in groups, with zero points, and say how large the error can be;
# - explain what AWQ adds, because you have written its search;
# - compute the size of a checkpoint from its config, and find the cheapest card that holds it *with a useful cache*;
# - tell when fewer bits are faster and when they are not;
# - compare two checkpoints by perplexity without fooling yourself.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write four numbers down | 6 |
# | 2 | Round: 4 bits, in groups, with zero points | 25 |
# | 3 | Protect what matters: the search of AWQ | 22 |
# | 4 | How large will it be? | 12 |
# | 5 | Which card, at what price? | 12 |
# | 6 | When is it faster? | 9 |
# | 7 | What a checkpoint says about itself | 11 |
# | 8 | Is it still good? Perplexity | 10 |
# | 9 | Measure: three checkpoints, one engine after the other | 5 |
# | 10 | Explain, and what production would add | 3 |
#
# **Budget.** Two CPU cores and 6 GB of memory; no GPU, no account, no model hub. The two quantised checkpoints are made on your machine the first time they are
# needed: some minutes and 3 GB of disk, once, with a progress bar (`make artefacts` does it beforehand). Apart from that the cells marked `%%live`
# take two to three minutes. On a machine with a GPU the same cells use a published AWQ checkpoint and its original.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import json

import numpy as np
import servelab
from servelab.checks import close, partial
from servelab.load import charts, ledger, measurements, quantized, quantized_charts
from servelab.progress import bar

servelab.setup("03-quantization-awq")

# %% [markdown]
# ## Step 1 · Predict
#
# Our model has 135 million weights. You will serve it in 16 bits (bf16), in 8 bits (INT8) and in 4 bits (AWQ), on this machine. Before you know the answers:
#
# 1. **Size.** How many times smaller on disk is the AWQ checkpoint?
# 2. **Speed, alone.** One user. How many times the requests per second of bf16 does AWQ reach?
# 3. **Speed, crowd.** The same with eight users at once.
# 4. **Quality.** Perplexity says how many tokens the model hesitates between (step 8). How many times larger is it with AWQ?
#
# The numbers below are a colleague's, who reasons: a quarter of the bits, so a quarter of the size and four times the speed, and nobody will notice.
# **Replace them by your own.** Nobody grades them.

# %% tags=["live"] id="guess"
guess = {"size: 16-bit / AWQ": 4, "speed alone: AWQ / 16-bit": 4, "speed with 8: AWQ / 16-bit": 4, "perplexity: AWQ / 16-bit": 1.001}  # change all four

# %% [markdown]
# ## Step 2 · Round
#
# A linear layer multiplies with a matrix of weights, one row per output. To store a row in 4 bits, lay a ruler with 16 marks over its values and
# write down, for each weight, the number of the nearest mark. What must be kept besides is the ruler: the distance of its marks (**scale**) and which mark means 0 (**zero point**).
#
# $$\text{code} = \mathrm{clip}\Big(\mathrm{round}\big(\tfrac{w}{\text{scale}}\big) + \text{zero},\ 0,\ 15\Big) \qquad\qquad w \approx (\text{code} - \text{zero}) \cdot \text{scale}$$
#
# One ruler for a whole row would be ruined by a single large weight: its marks would lie far apart for all the others. So each row is cut into **groups** of 64 or 128 neighbours, and each group has its own ruler.
# A small example, with a group of four weights and only 2 bits, which means four marks:

# %% tags=["output"] id="ruler"
four = np.array([-0.3, 0.1, 0.2, 0.6])
scale = (four.max() - four.min()) / 3
zero = round(-four.min() / scale)
codes = np.clip(np.round(four / scale) + zero, 0, 3)
print("scale", round(float(scale), 3), "  zero", zero)
print("codes", codes.astype(int).tolist())
print("stored as", ((codes - zero) * scale).round(2).tolist(), " instead of", four.tolist())

# %% [markdown]
# ### Your turn: `quantize_groups` and `dequantize`
#
# `weights` is an array of shape `[rows, columns]`; `group` divides the number of columns. Return three arrays:
#
# | | shape | holds |
# |---|---|---|
# | `codes` | `[rows, columns]` | whole numbers from 0 to 2^bits - 1 |
# | `scales` | `[rows, columns / group]` | finite numbers above 0 |
# | `zeros` | `[rows, columns / group]` | whole numbers from 0 to 2^bits - 1 |
#
# - The ruler reaches from the smallest weight of the group to its largest, and it **always includes 0**: from `min(smallest, 0)` to `max(largest, 0)`, in 2^bits - 1 steps. Otherwise 0 itself could not be stored.
# - The zero point is the mark that lies nearest to 0, so it is a whole number too. With it, no weight is off by more than **half a step**.
# - A group may be nothing but zeros. It comes back as zeros, and its scale is still a number above 0 (any will do).
#
# Work on whole arrays: `weights.reshape(rows, columns // group, group)` has the groups on an axis of their own. (A loop over single weights is right as well, but in
# steps 3 and 8 it will run over a hundred million of them, which takes a long coffee.)
#
# `dequantize` turns the three arrays back into weights. It finds the group size from the shapes. **Careful:** others will call it with arrays of *unsigned* bytes (`uint8`), in which 3 - 8 is 251.

# %% tags=["answer"] id="quantize"
def quantize_groups(weights, bits=4, group=64):
    """Round each group of each row to 2**bits marks: (codes, scales, zeros)."""
    ### BEGIN SOLUTION
    rows, columns = weights.shape
    cut = np.asarray(weights, dtype=float).reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, most)
    return codes.reshape(rows, columns).astype(np.uint8), scales, zeros.astype(np.uint8)
    ### END SOLUTION


def dequantize(codes, scales, zeros):
    """The weights that the codes stand for."""
    ### BEGIN SOLUTION
    group = codes.shape[1] // scales.shape[1]
    steps = codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)
    return steps * np.repeat(scales, group, axis=1)
    ### END SOLUTION

# %% [markdown]
# What a single large weight does, with one ruler for the row and with four:

# %% tags=["output"] id="outlier"
row = np.random.default_rng(3).normal(0, 0.05, (1, 256))
row[0, 10] = 3.0  # one large weight
for group in (256, 64):
    back = dequantize(*quantize_groups(row, 4, group))
    print(f"groups of {group:3}: mean error of the other weights {np.abs(back - row)[0, np.arange(256) != 10].mean():.4f}")
print(f"mean size of the other weights: {np.abs(np.delete(row, 10)).mean():.4f}")

# %% [markdown]
# With one ruler nearly all other weights are rounded to 0: the error is about as large as they are. Groups confine the damage to the 63 neighbours.

# %% tags=["check"] id="quantize-check" points=4
def _array(got, what, shape):
    assert hasattr(got, "shape") and tuple(got.shape) == shape, f"{what} must be an array of shape {shape}."
    return np.asarray(got, dtype=float)


def _three(weights, bits, group):
    """What quantize_groups gave, with shapes, whole numbers and ranges looked at."""
    got = quantize_groups(weights.copy(), bits, group)
    assert got is not None and hasattr(got, "__len__") and len(got) == 3, "quantize_groups must return three arrays: codes, scales, zeros."
    rows, columns = weights.shape
    codes = _array(got[0], "codes", (rows, columns))
    scales = _array(got[1], "scales", (rows, columns // group))
    zeros = _array(got[2], "zeros", (rows, columns // group))
    for name, values in (("codes", codes), ("zeros", zeros)):
        assert np.isfinite(values).all() and (values == np.round(values)).all(), f"{name} must be whole numbers."
        assert values.min() >= 0 and values.max() <= 2**bits - 1, f"With {bits} bits, {name} go from 0 to {2**bits - 1}."
    assert np.isfinite(scales).all() and scales.min() > 0, "scales must be finite and above 0."
    return codes, scales, zeros


_codes, _scales, _zeros = _three(np.arange(16.0).reshape(1, 16), 4, 16)
assert _codes.tolist() == [list(range(16))] and _zeros.tolist() == [[0]], "The weights 0, 1, ..., 15 lie on the 16 marks: their codes are 0 to 15, and mark 0 means zero."
_codes, _scales, _zeros = _three(np.array([[-4.0, 0, 4, 11, 0.5, 0.25, 0, -0.25]]), 4, 4)
assert _scales.shape == (1, 2) and close(_scales[0, 0], 1.0), "The group -4, 0, 4, 11 reaches over 15 steps of size 1."
assert _zeros[0, 0] == 4 and _codes[0, :4].tolist() == [0, 4, 8, 15], "In the group -4, 0, 4, 11 mark 4 means zero, so the codes are 0, 4, 8, 15."
assert close(_scales[0, 1], 0.05), "The second group, 0.5 to -0.25, needs a ruler of its own, with steps of 0.05."
_codes, _scales, _zeros = _three(np.array([[3.0, 6, 9, 15, 0, 0, 0, 0]]), 4, 4)
assert close(_scales[0, 0], 1.0) and _zeros[0, 0] == 0, "The ruler of the group 3, 6, 9, 15 begins at 0: 15 steps of size 1, and mark 0 means zero."
assert (_codes[0, 4:] == _zeros[0, 1]).all(), "A group of zeros: every code should be the mark that means zero."
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(1964)


def _worst(weights, bits, group):
    """The largest error, as a multiple of the step that the group's ruler should have."""
    codes, scales, zeros = _three(weights, bits, group)
    rows, columns = weights.shape
    cut = weights.reshape(rows, -1, group)
    back = (codes.reshape(cut.shape) - zeros[:, :, None]) * scales[:, :, None]
    step = (np.maximum(cut.max(2), 0) - np.minimum(cut.min(2), 0)) / (2**bits - 1)
    wrong = np.abs(back - cut).max(axis=2)
    assert (wrong[step == 0] == 0).all(), "A group of zeros does not come back as zeros."
    return float((wrong[step > 0] / step[step > 0]).max()) if (step > 0).any() else 0.0


_kinds = {
    "random weights": lambda shape: _draw.normal(0, 0.05, shape),
    "weights of which some are very large": lambda shape: _draw.standard_t(1.5, shape),
    "weights that are all positive": lambda shape: _draw.uniform(0.5, 0.6, shape),
    "weights that are all negative": lambda shape: _draw.uniform(-3, -1, shape),
    "neighbouring groups of very different size": lambda shape: _draw.normal(0, 1, shape) * 10.0 ** (np.arange(shape[1]) // 16 % 5 - 3),
    "rows of very different size": lambda shape: _draw.normal(0, 1, shape) * 10.0 ** (np.arange(shape[0])[:, None] % 5 - 3),
    "groups in which all weights are the same": lambda shape: np.repeat(_draw.normal(0, 1, (shape[0], shape[1] // 16)), 16, axis=1),
    "groups of zeros": lambda shape: _draw.normal(0, 1, shape) * (np.arange(shape[1]) // 16 % 2),
    "weights that lie between two marks": lambda shape: _draw.integers(-15, 16, shape) / 2.0,
}
for _what, _make in _kinds.items():
    for _shape, _bits, _group in (((7, 64), 4, 16), ((1, 128), 4, 32), ((16, 96), 3, 96), ((5, 48), 8, 16), ((3, 32), 2, 8)):
        _off = _worst(_make(_shape), _bits, _group)
        assert _off <= 0.5 + 1e-4, f"With {_what}, {_bits} bits and groups of {_group}, some weight is off by more than half a step of its group's ruler."
partial(4, 4)
### END HIDDEN TESTS

# %% tags=["check"] id="dequantize-check" points=2
_got = _array(dequantize(np.array([[0, 3, 9, 15]]), np.array([[0.5, 2.0]]), np.array([[1, 9]])), "the weights", (1, 4))
assert np.allclose(_got, [[-0.5, 1.0, 0.0, 12.0]]), "Codes 0, 3 with zero 1 and scale 0.5 are -0.5 and 1; codes 9, 15 with zero 9 and scale 2 are 0 and 12."
_got = _array(dequantize(np.array([[3, 9]], np.uint8), np.array([[0.5]]), np.array([[8]], np.uint8)), "the weights", (1, 2))
assert np.allclose(_got, [[-2.5, 0.5]]), "The same with unsigned bytes: codes 3, 9 with zero 8 and scale 0.5 are -2.5 and 0.5."
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(1965)
for _rows, _groups, _size, _kind in ((4, 3, 8, np.int64), (6, 2, 32, np.uint8), (1, 1, 16, np.uint8), (5, 4, 1, np.int32)):
    _c = _draw.integers(0, 16, (_rows, _groups * _size)).astype(_kind)
    _z = _draw.integers(0, 16, (_rows, _groups)).astype(_kind)
    _s = _draw.uniform(0.01, 1, (_rows, _groups))
    _wanted = np.array([[(int(_c[_i, _j]) - int(_z[_i, _j // _size])) * _s[_i, _j // _size] for _j in range(_groups * _size)] for _i in range(_rows)])
    _got = _array(dequantize(_c, _s, _z), "the weights", _wanted.shape)
    assert np.allclose(_got, _wanted), f"{_rows} rows of {_groups} groups of {_size} codes, as {np.dtype(_kind).name}, do not come back right."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 3 · Protect what matters
#
# Rounding treats all weights alike. But a layer's output is *inputs times weights*, and the inputs (**activations**) of a few channels are many times larger than the others, for nearly every text. An error in a
# weight that meets a large input is multiplied by it. Those columns of the matrix are the **salient** ones.
#
# **AWQ** (activation-aware weight quantisation) protects them without giving them more bits. It multiplies the column of channel *i* by a scale $s_i > 1$ before rounding, and divides the channel's inputs by the same $s_i$:
#
# $$x \, W^\top = (x / s)\,(W \cdot s)^\top \ \approx\ (x / s)\ \mathrm{rounded}(W \cdot s)^\top$$
#
# Before rounding, nothing has changed. After it, the error of that column is still about half a step of its group, but is divided by $s_i$ on its way out. (The division costs nothing at run time: it is folded into the weights of the layer before, usually a norm.)
# There is a price: a larger column makes its group's ruler longer, and all its neighbours are rounded more coarsely. So the scale must not be too large, and the best one is searched:
#
# $$s_i = (\text{mean of } |x_i|)^{\alpha}, \qquad \alpha \text{ between 0 and 1, the one with the smallest error of the output}$$
#
# For that one needs sample texts (**calibration**), but no gradient and no training. This is the error of the output, with your rounding (so let the checks of step 2 pass first):

# %% id="output-error"
def output_error(weights, inputs, scales, bits=4, group=64):
    """Mean squared error of a layer's output when its columns were scaled, rounded, and the inputs divided."""
    rounded = dequantize(*quantize_groups(weights * scales, bits, group))
    return float(np.mean(((inputs / scales) @ rounded.T - inputs @ weights.T) ** 2))

# %% [markdown]
# ### Your turn: `awq_scales`
#
# `weights` is `[outputs, channels]`, `inputs` is `[tokens, channels]`. Return an array with one scale for each channel.
#
# - Try at least five powers α from 0 to 1, both included, and return the scales of the best. At α = 0 all scales are equal, which is plain rounding; so on the sample you can never do worse (on another text, a little).
# - Scales are finite and above 0, **also for a channel whose inputs are all 0** in the sample. It may be needed by the next text: give it the scale of a channel of usual loudness, or of the quietest that is not silent. With far too small a scale (1e-12) all its weights would be rounded to 0.
# - A factor common to all scales changes nothing. AWQ's own code divides by $\sqrt{\max s \cdot \min s}$, to stay near 1; do it or leave it.

# %% tags=["answer"] id="awq"
def awq_scales(weights, inputs, bits=4, group=64):
    """A scale for each channel, so that rounding does the least harm to the output."""
    ### BEGIN SOLUTION
    size = np.abs(inputs).mean(axis=0)
    heard = size[size > 0]
    size = np.where(size > 0, size, heard.min() if len(heard) else 1)  # a silent channel counts as the quietest
    best, least = None, np.inf
    for power in np.linspace(0, 1, 11):
        scales = size**power
        error = output_error(weights, inputs, scales, bits, group)
        if error < least:
            best, least = scales, error
    return best
    ### END SOLUTION

# %% [markdown]
# A layer that we make up: 256 channels, six of which have inputs about thirty times as large as the others.

# %% tags=["output"] id="awq-example"
draw = np.random.default_rng(11)
weights = draw.normal(0, 0.05, (96, 256))
loud = draw.choice(256, 6, replace=False)
inputs = draw.normal(0, 1, (160, 256))
inputs[:, loud] *= 30
scales = awq_scales(weights, inputs)
plain, scaled = output_error(weights, inputs, np.ones(256)), output_error(weights, inputs, scales)
print(f"the error of AWQ is under a half of that of plain rounding: {scaled < plain / 2}")
print(f"the loudest channels have the largest scales: {set(np.argsort(scales)[-6:].tolist()) == set(loud.tolist())}")

# %% tags=["check"] id="awq-check" points=5
def _scales(weights, inputs, bits, group):
    got = awq_scales(weights.copy(), inputs.copy(), bits, group)
    assert hasattr(got, "__len__"), "awq_scales must return an array with one scale for each channel."
    scales = np.asarray(got, dtype=float)
    assert scales.shape == (weights.shape[1],), f"There are {weights.shape[1]} channels, so {weights.shape[1]} scales are expected, in one row."
    assert np.isfinite(scales).all() and (scales > 0).all(), "All scales must be finite and above 0."
    return scales


_draw = np.random.default_rng(7)
_w, _x = _draw.normal(0, 0.05, (64, 128)), _draw.normal(0, 1, (100, 128))
_x[:, [5, 70]] *= 40
_s = _scales(_w, _x, 4, 64)
assert output_error(_w, _x, _s, 4, 64) < 0.6 * output_error(_w, _x, np.ones(128), 4, 64), (
    "Two of 128 channels have inputs 40 times as large. With your scales the error of the output is still more than 0.6 times that of plain rounding."
)
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(20)


def _off(weights, inputs, scales, bits, group):
    """The output's error by a rounding of our own."""
    scaled = weights * scales
    rows, columns = scaled.shape
    cut = scaled.reshape(rows, -1, group)
    low, high = np.minimum(cut.min(2, keepdims=True), 0), np.maximum(cut.max(2, keepdims=True), 0)
    step = (high - low) / (2**bits - 1)
    step[step == 0] = 1
    zero = np.round(-low / step)
    rounded = (np.clip(np.round(cut / step) + zero, 0, 2**bits - 1) - zero) * step
    return float(np.mean(((inputs / scales) @ rounded.reshape(rows, columns).T - inputs @ weights.T) ** 2))


def _layer(kind, channels, outputs):
    """A made-up layer: its weights, sample inputs, and further inputs of the same kind."""
    weights, size = _draw.normal(0, 0.05, (outputs, channels)), np.exp(_draw.normal(0, 0.3, channels))
    if kind == "a few loud channels":
        loud = _draw.choice(channels, max(2, channels // 40), replace=False)
        size[loud] *= _draw.uniform(15, 60, len(loud))
    elif kind == "channels of many sizes":
        size = np.exp(_draw.normal(0, 1.5, channels))
    elif kind == "loud channels with small weights":
        size = np.exp(_draw.normal(0, 1, channels))
        weights = weights / size**0.7
    elif kind == "large weights in quiet channels":
        size[_draw.choice(channels, 4, replace=False)] *= 30
        weights[:, _draw.choice(channels, 3, replace=False)] *= 6
    elif kind == "loud channels with large weights":
        size = np.exp(_draw.normal(0, 1.2, channels))
        weights = weights * size**0.5
    return weights, _draw.normal(0, 1, (160, channels)) * size, _draw.normal(0, 1, (160, channels)) * size


def _best(weights, inputs, bits, group):
    size = np.abs(inputs).mean(axis=0)
    return min(_off(weights, inputs, size**power, bits, group) for power in np.linspace(0, 1, 11))


for _kind, _helps in (
    ("a few loud channels", True),
    ("channels of many sizes", True),
    ("loud channels with small weights", True),
    ("large weights in quiet channels", True),
    ("loud channels with large weights", False),
    ("channels that are all alike", False),
):
    for _channels, _outputs, _bits, _group in ((128, 64, 4, 32), (256, 48, 4, 64), (192, 64, 3, 64)):
        _w, _x, _more = _layer(_kind, _channels, _outputs)
        _s = _scales(_w, _x, _bits, _group)
        _plain, _mine = _off(_w, _x, np.ones(_channels), _bits, _group), _off(_w, _x, _s, _bits, _group)
        assert _mine <= 1.02 * _plain, f"A layer with {_kind}: your scales do more harm than none. Is the error of the output what decides, and is the power 0 tried?"
        if _helps:
            assert _mine <= 1.25 * _best(_w, _x, _bits, _group), f"A layer with {_kind}: the powers from 0 to 1 hold scales with a clearly smaller error of the output."
            _ratio = _off(_w, _more, _s, _bits, _group) / _off(_w, _more, np.ones(_channels), _bits, _group)
            assert _ratio < 0.9, f"A layer with {_kind}: on other inputs of the same kind your scales help hardly at all."
_w, _x, _ = _layer("a few loud channels", 96, 48)
assert _off(_w, _x, _scales(_w, _x, 4, 32), 4, 32) <= 1.25 * _best(_w, _x, 4, 32), "A layer of 96 channels in groups of 32: the powers from 0 to 1 hold clearly better scales. Are `bits` and `group` passed on?"
for _unit in (1, 1e-3, 1e3):  # what counts is how loud channels are beside each other
    _w, _x, _more = _layer("a few loud channels", 128, 32)
    _x, _more = _unit * _x, _unit * _more
    _loudest = np.abs(_x).mean(0).reshape(-1, 32).max(1)
    _silent = [32 * int(np.argmin(_loudest)) + _column for _column in (0, 15, 31)]  # in a group without a loud channel
    _x[:, _silent] = 0
    _s, _size = _scales(_w, _x, 4, 32), np.abs(_x).mean(0)
    _usual = np.where(_size > 0, _size, _size[_size > 0].min())
    assert _off(_w, _x, _s, 4, 32) <= 1.4 * min(_off(_w, _x, _usual**_power, 4, 32) for _power in (0.3, 0.4, 0.5)), "With channels that are silent in the sample, the scales are not good."
    _alone = np.zeros_like(_more)
    _alone[:, _silent] = _more[:, _silent]
    _share = _off(_w, _alone, _s, 4, 32) / float(np.mean((_alone @ _w.T) ** 2))
    assert _share < 0.25, "The next text needs a channel that was silent in the sample, and with its scale hardly anything of its weights is left after rounding. How loud are the others?"
partial(5, 5)
### END HIDDEN TESTS

# %% [markdown]
# ### Two real layers
#
# Now two layers of the model that you served in lab 02, with what they really receive while the model reads sixteen short texts. (One thing to know about our model: its weights come from a file that was itself rounded to 4 bits, in groups of 32, and
# written out in 16 bits again. So what we call the original is not quite innocent. Our groups of 64 lie differently, so they round it once more.)

# %% tags=["live"] id="two-layers"
from servelab.engine import model_path, profile
from servelab.engine.layers import layer_inputs, logits_of

TWO = ["model.layers.1.self_attn.q_proj", "model.layers.5.mlp.down_proj"]
folder = model_path()
real = layer_inputs(folder, TWO, quantized.calibration())
powers, curves = np.linspace(0, 1, 11), {}
for name, (weights, inputs) in real.items():
    size = np.abs(inputs).mean(axis=0)
    print(f"{name:34} {weights.shape[0]} x {weights.shape[1]} weights; the loudest channel is {size.max() / np.median(size):.0f} times as loud as the median")
    size = np.where(size > 0, size, size[size > 0].min())
    curves[name.removeprefix("model.")] = [output_error(weights, inputs, size**power) for power in bar(powers, desc=name[6:])]

# %% tags=["live"] id="search-chart"
quantized_charts.scale_search(powers, curves, title="How much scaling is best?")

# %% [markdown]
# At power 0 there is no scaling; at 1 every input has the same size, at the expense of the ruler. In between lies the best. The first of these layers has very loud channels, and rounding does a fraction of the harm once they are protected. The second has hardly any, and AWQ finds next to nothing to gain. How is it in the other layers?
# The scales come from the calibration texts; the errors below are measured on a **text that they have never seen**.

# %% tags=["live"] id="all-layers"
LAYERS = quantized.some_layers(folder)
names = [f"model.layers.{n}.{kind}" for kind in ("self_attn.q_proj", "mlp.down_proj") for n in LAYERS]
known, unseen = layer_inputs(folder, names, quantized.calibration()), layer_inputs(folder, names, quantized.held_out())
shares = {}
for name in bar(names, desc="layers", unit="layer"):
    (weights, inputs), (_, others) = known[name], unseen[name]
    power_of_output = float(np.mean((others @ weights.T) ** 2))
    tries = (np.ones(weights.shape[1]), awq_scales(weights, inputs))
    shares[name] = [output_error(weights, others, scales) / power_of_output for scales in tries]

# %% tags=["live"] id="layer-chart"
panels = {kind: tuple(zip(*(shares[f"model.layers.{n}.{kind}"] for n in LAYERS))) for kind in ("self_attn.q_proj", "mlp.down_proj")}
quantized_charts.layer_errors(LAYERS, panels, title="Error of the output, by layer, on unseen text")

# %% tags=["live"] id="layer-ledger"
gain = float(np.median([plain / scaled for plain, scaled in shares.values()]))
ledger.append(
    lab="03-quantization-awq", step="4-bit layers", metric="rtn_over_awq_error", value=gain, unit="times",
    backend=f"numpy, {profile().title}", group=64, layers=len(shares),
)
print(f"median over {len(shares)} layers: plain rounding has {gain:.2f} times the error of AWQ")

# %% quiz="llms-in-production/awq-salience"

# %% [markdown]
# ## Step 4 · How large will it be?
#
# 4 bits instead of 16 should make a model four times smaller. Two things stand in the way.
#
# **The rulers.** Each group of 128 weights has a 16-bit scale and a 4-bit zero point besides: 4 + 20 / 128 = 4.16 bits a weight. That is 3.85 times smaller, not 4.
#
# **What stays.** Only the linear layers inside the blocks are quantised. The embedding, the output head and the norms stay in 16 bits. Many small models use one table for both (**tied** embeddings: `tie_word_embeddings`).
#
# These are all the matrices of a Llama-like model:

# %% [markdown]
# | matrix | rows (outputs) | columns (inputs) | how many |
# |---|---|---|---|
# | `q_proj` | heads x head size | hidden | 1 per layer |
# | `k_proj`, `v_proj` | **KV** heads x head size | hidden | 2 per layer |
# | `o_proj` | hidden | heads x head size | 1 per layer |
# | `gate_proj`, `up_proj` | intermediate | hidden | 2 per layer |
# | `down_proj` | hidden | intermediate | 1 per layer |
# | embedding | vocabulary | hidden | 1, always 16-bit |
# | output head | vocabulary | hidden | 1, always 16-bit; **0 if tied** |
# | norms | | hidden | 2 per layer and 1 at the end, always 16-bit |
#
# As in lab 02, a config without `num_key_value_heads` has as many KV heads as heads, and one without `head_dim` has heads of `hidden_size / num_attention_heads`.

# %% id="configs"
CONFIGS = {
    "Llama-2-7B": {"num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32, "vocab_size": 32000, "tie_word_embeddings": False},
    "Llama-3-8B": {"num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False},
    "Qwen2.5-7B": {"num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False},
    "SmolLM2-135M": {"num_hidden_layers": 30, "hidden_size": 576, "intermediate_size": 1536, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "vocab_size": 49152, "tie_word_embeddings": True},
}

# %% [markdown]
# ### Your turn: `checkpoint_bytes`
#
# The bytes of all the table's numbers, when the weights of the linear layers take `bits` each:
#
# - `bits=16`: nothing is quantised, every number takes 2 bytes.
# - `bits` below 16 with a `group`: every group of `group` neighbours in a row has a 16-bit scale and a zero point of `bits` bits. (Ours have 4 bits and groups of 64.)
# - `bits` below 16 and `group=None`: every *row* has one 16-bit scale and no zero point. (That is our INT8.)
#
# Groups never reach over the end of a row; `group` divides all numbers of columns.

# %% tags=["answer"] id="bytes"
def checkpoint_bytes(config, bits=16, group=None):
    """Bytes of a Llama-like model's weights, from its config."""
    ### BEGIN SOLUTION
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    size = config.get("head_dim", hidden // heads)
    matrices = [
        (heads * size, hidden), (kv_heads * size, hidden), (kv_heads * size, hidden), (hidden, heads * size),
        (inner, hidden), (inner, hidden), (hidden, inner),
    ]
    weights = sum(rows * columns for rows, columns in matrices)
    linear_bits = weights * bits
    if bits < 16 and group:
        linear_bits += weights // group * (16 + bits)
    elif bits < 16:
        linear_bits += sum(rows for rows, _ in matrices) * 16
    tables = 1 if config["tie_word_embeddings"] else 2
    kept = tables * config["vocab_size"] * hidden + (2 * layers + 1) * hidden
    return layers * linear_bits // 8 + 2 * kept
    ### END SOLUTION

# %% tags=["output"] id="sizes"
print(f"{'':14}{'16-bit':>10}{'INT8':>10}{'4-bit, 128':>12}{'4-bit, 64':>11}   smaller")
for name, config in CONFIGS.items():
    sixteen, eight = checkpoint_bytes(config) / 1e9, checkpoint_bytes(config, 8) / 1e9
    four = [checkpoint_bytes(config, 4, group) / 1e9 if config["hidden_size"] % group == 0 else None for group in (128, 64)]
    shown = [f"{gb:.3f} GB" if gb else "-" for gb in (sixteen, eight, *four)]
    print(f"{name:14}{shown[0]:>10}{shown[1]:>10}{shown[2]:>12}{shown[3]:>11}{sixteen / (four[0] or four[1]):8.1f}x")

# %% [markdown]
# "3.5 times smaller" is right for Llama-2-7B with its vocabulary of 32,000. The large vocabularies of Llama-3 and Qwen stay in 16 bits; our small model is a fifth embedding, and shrinks only 2.4 times.
# (Groups of 128 are the usual ones. They do not divide our 576 channels, so ours have 64.)

# %% tags=["check"] id="bytes-16-check" points=2
def _near(got, want):
    """Within rounding to whole bytes."""
    return close(got, want, rel=1e-9, abs=64)


_got = checkpoint_bytes(dict(CONFIGS["Llama-2-7B"]))
assert _near(_got, 13_476_831_232), f"Llama-2-7B has 6,738,415,616 weights, 13,476,831,232 bytes in 16 bits. You have {_got}."
### BEGIN HIDDEN TESTS
def _truth(c, bits=16, group=None):
    h, f, n, a = c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"], c["num_attention_heads"]
    k, d = c.get("num_key_value_heads", a), c.get("head_dim", h // a)
    rows, weights = (a + 2 * k) * d + 2 * h + 2 * f, 2 * h * (a + k) * d + 3 * h * f
    per_layer = weights * bits / 8
    if bits < 16:
        per_layer += weights / group * (16 + bits) / 8 if group else rows * 2
    return n * per_layer + 2 * (h * c["vocab_size"] * (1 if c["tie_word_embeddings"] else 2) + (2 * n + 1) * h)


_MORE = [
    *CONFIGS.values(),
    {"num_hidden_layers": 24, "hidden_size": 896, "intermediate_size": 4864, "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True},
    {"num_hidden_layers": 18, "hidden_size": 640, "intermediate_size": 2048, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 262144, "tie_word_embeddings": True},
    {"num_hidden_layers": 80, "hidden_size": 8192, "intermediate_size": 28672, "num_attention_heads": 64, "num_key_value_heads": 8, "vocab_size": 32000, "tie_word_embeddings": False},
]
for _config in _MORE:
    _what = "tied" if _config["tie_word_embeddings"] else "separate"
    assert _near(checkpoint_bytes(dict(_config)), _truth(_config)), (
        f"A model with {_config['num_attention_heads']} heads, {_config.get('num_key_value_heads', 'no number of')} KV heads and {_what} embeddings is not counted right."
    )
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="bytes-quantised-check" points=2
_got = checkpoint_bytes(dict(CONFIGS["SmolLM2-135M"]), 4, 64)
assert _near(_got, 113_924_736), f"SmolLM2-135M in 4 bits and groups of 64 takes 113,924,736 bytes. You have {_got}."
_got = checkpoint_bytes(dict(CONFIGS["SmolLM2-135M"]), 8)
assert _near(_got, 163_172_736), f"SmolLM2-135M in 8 bits with one scale a row takes 163,172,736 bytes. You have {_got}."
### BEGIN HIDDEN TESTS
for _config in _MORE:
    for _bits, _group in ((4, 64), (4, 32), (8, 64), (8, None), (4, None)):
        _how = f"groups of {_group}" if _group else "one scale a row"
        assert _near(checkpoint_bytes(dict(_config), _bits, _group), _truth(_config, _bits, _group)), f"With {_bits} bits and {_how}, the size of some model is not right."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 5 · Which card, at what price?
#
# Weights are not all that a card must hold. vLLM takes 92 % of it (`--gpu-memory-utilization`), needs some scratch space, and what is left is the KV cache, which decides how many conversations fit (lab 02).
#
# $$\text{room for the cache} = 0.92 \cdot \text{memory} - \text{weights} - \text{scratch}$$
#
# The prices below are an example, in realistic proportion. Put your provider's in.

# %% id="cards"
CARDS = [
    {"name": "T4", "memory_gb": 16, "usd_per_hour": 0.40},
    {"name": "L4", "memory_gb": 24, "usd_per_hour": 0.80},
    {"name": "A100-40", "memory_gb": 40, "usd_per_hour": 1.80},
    {"name": "A100-80", "memory_gb": 80, "usd_per_hour": 2.60},
    {"name": "H100-80", "memory_gb": 80, "usd_per_hour": 4.20},
]

# %% [markdown]
# ### Your turn: `cheapest_card`
#
# Find the cheapest card on which, beside the weights and `scratch_bytes`, at least `cache_tokens` tokens of KV cache fit. A gigabyte is 10^9 bytes. Between two of the same price take the one with more memory.
# Return a dictionary with its `name`, its `usd_per_hour`, and `cache_tokens`: how many tokens *do* fit on it, rounded down. Return `None` if no card will do.

# %% tags=["answer"] id="card"
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    """The cheapest card that holds the weights and a cache of so many tokens."""
    ### BEGIN SOLUTION
    def room(card):
        return share * card["memory_gb"] * 1e9 - weight_bytes - scratch_bytes

    good = [card for card in cards if room(card) >= cache_tokens * kv_bytes_per_token]
    if not good:
        return None
    best = min(good, key=lambda card: (card["usd_per_hour"], -card["memory_gb"]))
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": int(room(best) // kv_bytes_per_token)}
    ### END SOLUTION

# %% [markdown]
# Eight conversations of 4,000 tokens. The last column is the cache that the card has room for:

# %% tags=["output"] id="cards-table"
print(f"{'':14}{'':8}{'cheapest':>10}{'USD/h':>8}{'tokens of cache':>18}")
for name in ("Llama-2-7B", "Llama-3-8B", "Qwen2.5-7B"):
    config = CONFIGS[name]
    kv_heads = config.get("num_key_value_heads", config["num_attention_heads"])
    kv_bytes = 2 * config["num_hidden_layers"] * kv_heads * 128 * 2
    for words, size in (("16-bit", checkpoint_bytes(config)), ("4-bit", checkpoint_bytes(config, 4, 128))):
        card = cheapest_card(size, kv_bytes, 8 * 4000, CARDS)
        print(f"{name:14}{words:8}" + (f"{card['name']:>10}{card['usd_per_hour']:8.2f}{card['cache_tokens']:18,}" if card else f"{'none':>10}"))
        name = ""

# %% [markdown]
# Look at Llama-2-7B. Its weights fit a T4's 16 GB in 16 bits, "it fits" people say, and there is room for the cache of a few hundred tokens: not for one conversation. In 4 bits the weights are no longer the problem. The **cache** is: this model has no grouped KV heads, so every conversation costs half a gigabyte per thousand tokens.
# Quantising weights does nothing for it. (`--kv-cache-dtype fp8` halves it, on cards that can.)

# %% tags=["check"] id="card-check" points=4
import copy


def _card(*arguments, **more):
    got = cheapest_card(*copy.deepcopy(arguments), **more)
    if got is None:
        return None
    assert hasattr(got, "keys") and {"name", "usd_per_hour", "cache_tokens"} <= set(got.keys()), "cheapest_card must return a dictionary with name, usd_per_hour and cache_tokens, or None."
    return got


_got = _card(13.5e9, 524_288, 12_000, CARDS)
assert _got is not None and _got["name"] == "L4", f"13.5 GB of weights and 12,000 tokens of 524,288 bytes: 22.08 GB of an L4 are enough. You found {_got}."
assert _got["cache_tokens"] == 14_457, f"On the L4, 7.58 GB are left for the cache: 14,457 tokens. You have {_got['cache_tokens']}."
assert _card(200e9, 1000, 1, CARDS) is None, "200 GB of weights fit no card of the list: return None."
### BEGIN HIDDEN TESTS
_got = _card(13.5e9, 524_288, 8_000, [{"name": "T4", "memory_gb": 16, "usd_per_hour": 0.4}])
assert _got is None, "7B in 16 bits on a card of 16 GB: the cache has not the room that was asked for."
_shop = [
    {"name": "small and dear", "memory_gb": 24, "usd_per_hour": 3.0},
    {"name": "large", "memory_gb": 80, "usd_per_hour": 2.0},
    {"name": "as cheap, with more", "memory_gb": 96, "usd_per_hour": 2.0},
    {"name": "too small", "memory_gb": 8, "usd_per_hour": 0.2},
]
_got = _card(10e9, 1e5, 1000, _shop)
assert _got is not None and _got["name"] == "as cheap, with more", "Price decides, then memory; the order of the list does not matter, and a smaller card may cost more."
_draw = np.random.default_rng(16)
for _case in range(60):
    _shop = [
        {"name": f"card {_i}", "memory_gb": int(_draw.choice([8, 16, 24, 40, 48, 80, 96, 141])), "usd_per_hour": float(_draw.integers(2, 40) / 10)}
        for _i in range(_draw.integers(1, 7))
    ]
    _weights, _kv, _tokens = float(_draw.uniform(1e9, 60e9)), int(_draw.integers(10_000, 400_000)), int(_draw.integers(1, 200_000))
    _share, _scratch = float(_draw.choice([0.92, 0.9, 0.8])), float(_draw.choice([1e9, 2.5e9, 0]))
    _left = {_c["name"]: _share * _c["memory_gb"] * 1e9 - _weights - _scratch for _c in _shop}
    _fits = [_c for _c in _shop if _left[_c["name"]] / _kv >= _tokens]
    _got = _card(_weights, _kv, _tokens, _shop, share=_share, scratch_bytes=_scratch)
    if not _fits:
        assert _got is None, "A card was chosen where none holds weights, scratch space and the cache asked for."
        continue
    assert _got is not None, "None was chosen, though there is a card that holds weights, scratch space and the cache asked for."
    _price = min(_c["usd_per_hour"] for _c in _fits)
    _most = max(_c["memory_gb"] for _c in _fits if _c["usd_per_hour"] == _price)
    _named = [_c for _c in _fits if _c["name"] == _got["name"]]
    assert _named and _named[0]["usd_per_hour"] == _price and _named[0]["memory_gb"] == _most, "The chosen card is not the cheapest that fits (or, at the same price, not the largest)."
    assert close(_got["usd_per_hour"], _price) and close(_got["cache_tokens"], _left[_got["name"]] // _kv, abs=1), "The price, or the number of tokens that fit, is not the chosen card's."
partial(4, 4)
### END HIDDEN TESTS

# %% quiz="llm-infrastructure/weights-and-cache"

# %% quiz="llms-in-production/cost-per-token"

# %% [markdown]
# ## Step 6 · When is it faster?
#
# To make one token for each sequence of a batch, a GPU does two things at the same time: it **reads** all weights from its memory, once for the whole batch, and it **multiplies**, about two operations per weight and *per sequence*. The slower of the two is the time of the step. (This is the *roofline*; it leaves out the cache, which is read as well.)
#
# $$t = \max\left(\frac{\text{bytes of the weights}}{\text{bytes per second}},\ \ \frac{2 \cdot \text{weights} \cdot \text{sequences}}{\text{operations per second}}\right)$$
#
# - **W4A16** (AWQ): 4-bit weights, 16-bit activations. A quarter of the bytes is read. But then the weights are unpacked to 16 bits and multiplied as 16-bit numbers: *the same* operations per second.
# - **W8A8** (INT8): 8-bit weights *and* activations. Half the bytes, and integer units multiply them about twice as fast.

# %% [markdown]
# ### Your turn: `step_seconds`

# %% tags=["answer"] id="step"
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    """Seconds of one decode step by the roofline."""
    ### BEGIN SOLUTION
    reading = weights * bytes_per_weight / bytes_per_s
    multiplying = 2 * weights * sequences / operations_per_s
    return max(reading, multiplying)
    ### END SOLUTION

# %% [markdown]
# An A100 by its data sheet: 2.0 TB/s, 312 x 10^12 operations a second in 16 bits, 624 x 10^12 in INT8. A model of 7 billion weights:

# %% tags=["output"] id="roofline"
FORMATS = {"16-bit": (2, 312e12), "INT8 W8A8": (1, 624e12), "AWQ W4A16": (0.52, 312e12)}
print(f"{'sequences':>9}" + "".join(f"{name:>14}" for name in FORMATS) + "     16-bit / AWQ   16-bit / INT8")
for sequences in (1, 8, 64, 128, 256, 1024):
    times = {name: step_seconds(7e9, size, sequences, 2.0e12, speed) for name, (size, speed) in FORMATS.items()}
    row = "".join(f"{seconds * 1000:11.2f} ms" for seconds in times.values())
    print(f"{sequences:9}{row}{times['16-bit'] / times['AWQ W4A16']:15.1f}x{times['16-bit'] / times['INT8 W8A8']:15.1f}x")

# %% tags=["live"] id="roofline-chart"
batches = np.geomspace(1, 2048, 89)
quantized_charts.step_time(
    batches, {name: [step_seconds(7e9, size, n, 2.0e12, speed) for n in batches] for name, (size, speed) in FORMATS.items()},
    title="7 billion weights on an A100, by the roofline",
)

# %% tags=["check"] id="step-check" points=2
assert close(step_seconds(1e9, 2, 1, 1e12, 1e14), 0.002), "A billion 2-byte weights at 10^12 bytes/s take 2 ms to read, longer than the multiplying for one sequence."
assert close(step_seconds(1e9, 2, 500, 1e12, 1e14), 0.01), "For 500 sequences, 10^12 operations at 10^14 a second take 10 ms, longer than the reading."
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(8)
for _case in range(40):
    _w, _b, _n = float(_draw.uniform(1e8, 7e10)), float(_draw.choice([0.52, 1, 2, 4])), int(_draw.integers(1, 2000))
    _m, _o = float(_draw.uniform(2e10, 4e12)), float(_draw.uniform(1e11, 1e15))
    _wanted = max(_w * _b / _m, 2 * _w * _n / _o)
    assert close(step_seconds(_w, _b, _n, _m, _o), _wanted), "With other weights, sequences and speeds the time is not right."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# The left of the chart is flat: there the weights' bytes decide, and AWQ is nearly four times as fast. On the right the lines of 16-bit and AWQ are *one*: the multiplying decides, and AWQ multiplies in 16 bits. **Weight-only quantisation speeds up what is bound by memory, and nothing else.**
# A long prompt (*prefill*) is like a large batch, thousands of tokens per weight that is read. INT8 gains on both sides, if the loss of rounding activations can be borne.
#
# And the real thing pays for the unpacking, which the roofline does not know. On a GPU there is arithmetic to spare, and special kernels (Marlin) hide it. On a CPU arithmetic is what is scarce, the right side of the chart begins after a few sequences,
# and unpacking 4-bit codes is more work for the very units that multiply. Do you want to change your prediction of step 1? You may.

# %% [markdown]
# ### What W8A8 does
#
# The weights have one scale a row, fixed for good. The activations get one scale **per token**, computed afresh while serving. Then everything between is whole numbers:

# %% tags=["output"] id="int8"
draw = np.random.default_rng(88)
tokens, matrix = draw.normal(0, 1, (3, 512)), draw.normal(0, 0.05, (4, 512))
token_scale = np.abs(tokens).max(axis=1, keepdims=True) / 127
row_scale = np.abs(matrix).max(axis=1, keepdims=True) / 127
small_tokens, small_matrix = (np.round(a / s).astype(np.int8) for a, s in ((tokens, token_scale), (matrix, row_scale)))
sums = small_tokens.astype(np.int32) @ small_matrix.astype(np.int32).T  # hardware has instructions for just this
print("sums of whole numbers:", sums[0].tolist())
print("scaled back:          ", (sums * token_scale * row_scale.T)[0].round(2).tolist())
print("in floating point:    ", (tokens @ matrix.T)[0].round(2).tolist())

# %% [markdown]
# One loud channel makes a token's ruler long, and the quiet channels of that token are rounded away. That is why 8 bits are common for activations and 4 bits are rare.
#
# (**FP8** is W8A8 too, with small floating-point numbers instead of integers, so that outliers hurt less. GPUs multiply them natively from compute capability 8.9 on: L4, H100. On older ones, and on a CPU, they have to be converted first; on this course's CPU it is not measured.)

# %% quiz="llm-infrastructure/int8-or-int4"

# %% [markdown]
# ## Step 7 · What a checkpoint says about itself
#
# An engine must know how a checkpoint was rounded. It stands in `config.json` under `quantization_config`, and there is more than one dialect:

# %% id="dialects"
COMPRESSED_TENSORS = {  # written by llm-compressor
    "quant_method": "compressed-tensors",
    "format": "pack-quantized",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 64},
            "input_activations": None,
        }
    },
    "ignore": ["lm_head"],
}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm", "modules_to_not_convert": None}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": -1, "sym": True, "desc_act": False}

# %% [markdown]
# ### Your turn: `read_quantization`
#
# `config` is the whole of a `config.json`, as a dictionary. Return `None` if it has no `quantization_config` (or one that is `None`). Otherwise return a dictionary:
#
# | key | value | compressed-tensors | awq | gptq |
# |---|---|---|---|---|
# | `bits` | bits of a weight | `weights.num_bits` | `bits` | `bits` |
# | `group` | group size; `None` if the whole row is one group | `weights.group_size`, may be missing or `None` | `group_size`, -1 for the row | as awq |
# | `symmetric` | `True` if there are no zero points | `weights.symmetric` | `zero_point` is the opposite | `sym` |
# | `activation_bits` | bits of an activation | `input_activations.num_bits`; **16** if that is missing or `None` | 16 | 16 |
# | `kept` | list of what is left alone | `ignore` | `modules_to_not_convert` | `modules_to_not_convert` |
#
# In compressed-tensors there is one entry in `config_groups`, whatever its name. A list that is missing or `None` becomes `[]`.

# %% tags=["answer"] id="config"
def read_quantization(config):
    """How a checkpoint was rounded, in one form for all dialects; None if it was not."""
    ### BEGIN SOLUTION
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        weights, inputs = group["weights"], group.get("input_activations")
        return {
            "bits": weights["num_bits"],
            "group": weights.get("group_size"),
            "symmetric": weights["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16,
            "kept": about.get("ignore") or [],
        }
    return {
        "bits": about["bits"],
        "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16,
        "kept": about.get("modules_to_not_convert") or [],
    }
    ### END SOLUTION

# %% tags=["output"] id="dialects-read"
for name, about in (("compressed-tensors", COMPRESSED_TENSORS), ("awq", AWQ), ("gptq", GPTQ)):
    print(f"{name:19}{read_quantization({'model_type': 'llama', 'quantization_config': about})}")
print(f"{'not quantised':19}{read_quantization({'model_type': 'llama'})}")

# %% tags=["check"] id="config-check" points=3
import copy


def _config_fault(about, wanted):
    """The first key that is wrong, or None."""
    got = read_quantization({"model_type": "llama", "hidden_size": 64, "quantization_config": copy.deepcopy(about)})
    if not hasattr(got, "keys"):
        return "the dictionary"
    for key, value in wanted.items():
        if key not in got:
            return f"the key {key!r}"
        mine = list(got[key]) if key == "kept" and hasattr(got[key], "__len__") else got[key]
        if mine != value:
            return key
    return None


_fault = _config_fault(COMPRESSED_TENSORS, {"bits": 4, "group": 64, "symmetric": False, "activation_bits": 16, "kept": ["lm_head"]})
assert not _fault, f"COMPRESSED_TENSORS is 4-bit in groups of 64, with zero points, activations untouched, lm_head kept. Look at {_fault}."
_fault = _config_fault(AWQ, {"bits": 4, "group": 128, "symmetric": False, "activation_bits": 16, "kept": []})
assert not _fault, f"AWQ is 4-bit in groups of 128, with zero points, activations untouched, nothing named as kept. Look at {_fault}."
assert read_quantization({"model_type": "llama"}) is None, "A config without quantization_config is not quantised: return None."
### BEGIN HIDDEN TESTS
assert read_quantization({"model_type": "llama", "quantization_config": None}) is None, "A quantization_config that is None means: not quantised."
_draw = np.random.default_rng(1234)


def _pick(*options):
    return options[_draw.integers(len(options))]


for _case in range(40):
    _bits, _size, _symmetric, _kept = _pick(3, 4, 8), _pick(32, 64, 128), _pick(True, False), _pick(["lm_head"], ["lm_head", "model.layers.0.mlp.gate"], [])
    _inputs = _pick(None, {"num_bits": 8, "type": "int", "dynamic": True, "strategy": "token"}, {"num_bits": 4, "type": "int", "dynamic": True})
    _weights = {"num_bits": _bits, "type": "int", "symmetric": _symmetric, "strategy": "group", "group_size": _size}
    _rowwise = _pick(True, False)
    if _rowwise:
        _weights["strategy"] = "channel"
        if _pick(True, False):
            _weights["group_size"] = None
        else:
            del _weights["group_size"]
    _scheme = {"targets": ["Linear"], "weights": _weights, "input_activations": _inputs}
    if _inputs is None and _pick(True, False):
        del _scheme["input_activations"]
    _about = {"quant_method": "compressed-tensors", "config_groups": {_pick("group_0", "linear", "all"): _scheme}, "ignore": _kept}
    _wanted = {"bits": _bits, "group": None if _rowwise else _size, "symmetric": _symmetric, "activation_bits": _inputs["num_bits"] if _inputs else 16, "kept": _kept}
    if not _kept and _pick(True, False):
        del _about["ignore"]
    _fault = _config_fault(_about, _wanted)
    assert not _fault, f"A config of compressed-tensors with {_bits} bits, {'one scale a row' if _rowwise else f'groups of {_size}'} and {'quantised' if _inputs else 'untouched'} activations is not read right."
    _method = _pick("awq", "gptq")
    _about = {"quant_method": _method, "bits": _bits, "group_size": -1 if _rowwise else _size, "modules_to_not_convert": _kept or None}
    _about |= {"zero_point": not _symmetric} if _method == "awq" else {"sym": _symmetric, "desc_act": _pick(True, False)}
    if not _kept and _pick(True, False):
        del _about["modules_to_not_convert"]
    _fault = _config_fault(_about, {**_wanted, "activation_bits": 16})
    assert not _fault, f"A config of {_method} with {_bits} bits, {'one scale a row' if _rowwise else f'groups of {_size}'} and {'no zero points' if _symmetric else 'zero points'} is not read right."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# ### Make the checkpoints
#
# Older texts use the package *AutoAWQ* for this. It is no longer maintained; **llm-compressor**, from the vLLM project, took over, and what it writes loads in vLLM without any further option. Its pins clash with the engine's, so it lives in an environment of its own. For a person it is a script of a few lines:
#
# ```python
# oneshot(model=model, dataset=sixteen_short_texts, recipe=[
#     AWQModifier(n_grid=6, duo_scaling=False),          # your step 3, over all layers
#     QuantizationModifier(config_groups=..., ignore=["lm_head"]),   # your step 2: 4 bits, groups of 64, zero points
# ])
# ```
#
# The next cell makes the AWQ and the INT8 checkpoint on your machine, unless they are there already. (On a GPU profile it fetches a published AWQ checkpoint instead.) Then it holds your predictions of step 4 against the files:

# %% tags=["live"] id="checkpoints"
from servelab.engine import checkpoints

folders = checkpoints()
for name, path in folders.items():
    config = json.loads((path / "config.json").read_text())
    about = read_quantization(config)
    size = checkpoint_bytes(config, about["bits"], about["group"]) if about else checkpoint_bytes(config)
    on_disk = quantized.size_bytes(path)
    print(f"{name:5} predicted {size / 1e6:9.2f} MB, on disk {on_disk / 1e6:9.2f} MB ({on_disk / size - 1:+.2%})   {about}")

# %% [markdown]
# ## Step 8 · Is it still good?
#
# A model gives each possible next token a probability. On a text that somebody wrote, it should have given much to the tokens that really came. **Perplexity** puts that into one number:
#
# $$\text{perplexity} = \exp\Big(-\text{mean of } \ln p(\text{token}_{i+1} \mid \text{tokens up to } i)\Big)$$
#
# A perplexity of 20 means: on average as unsure as if it had to choose between 20 equally likely tokens. The probabilities come from the model's **logits** by a softmax, $p_k = e^{l_k} / \sum_j e^{l_j}$.

# %% [markdown]
# ### Your turn: `perplexity`
#
# `logits` is `[n, vocabulary]`, `tokens` a list of `n` token numbers. Two traps, and both have been published:
#
# - **Row *i* foretells token *i + 1*.** The first token is foretold by nobody, and the last row foretells nothing that we know.
# - **$e^{1000}$ is infinite.** Subtract each row's largest logit first. That changes no probability.
#
# A token of **-100** is padding (the habit of PyTorch): it is not counted as something to foretell.

# %% tags=["answer"] id="perplexity"
def perplexity(logits, tokens):
    """How many tokens the model hesitates between, on average."""
    ### BEGIN SOLUTION
    logits = np.asarray(logits, dtype=float)[:-1]
    targets = np.asarray(tokens)[1:]
    counted = targets != -100
    logits, targets = logits[counted], targets[counted]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    chosen = shifted[np.arange(len(targets)), targets]
    return float(np.exp(np.mean(log_sums - chosen)))
    ### END SOLUTION

# %% tags=["output"] id="perplexity-example"
clueless = np.zeros((5, 20))  # the same logit for each of 20 tokens
print("clueless:", round(float(perplexity(clueless, [3, 1, 4, 1, 5])), 3))
sure = clueless.copy()
sure[np.arange(4), [1, 4, 1, 5]] = 900.0  # and right
print("sure and right:", round(float(perplexity(sure, [3, 1, 4, 1, 5])), 3))

# %% tags=["check"] id="perplexity-check" points=3
_got = perplexity(np.zeros((6, 50)), [0, 1, 2, 3, 4, 5])
assert close(_got, 50), f"With equal logits for 50 tokens the perplexity is 50, you have {_got}."
_logits = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.9, 0.05, 0.05]]))
_got = perplexity(_logits, [2, 0, 2])
assert close(_got, 4.0), f"The two tokens that are foretold had probabilities 1/2 and 1/8, so the perplexity is the root of 16, 4. You have {_got}."
### BEGIN HIDDEN TESTS
_draw = np.random.default_rng(77)
for _case in range(30):
    _n, _v = int(_draw.integers(2, 40)), int(_draw.integers(2, 300))
    _logits = _draw.normal(0, float(_draw.choice([0.5, 3.0])), (_n, _v))
    _tokens = _draw.integers(0, _v, _n)
    if _case % 3 == 1:
        _tokens[_draw.random(_n) < 0.3] = -100
        _tokens[1] = int(_draw.integers(0, _v))  # something is left to count
    _loss = [
        float(np.log(np.exp(_logits[_i] - _logits[_i].max()).sum()) + _logits[_i].max() - _logits[_i, _tokens[_i + 1]])
        for _i in range(_n - 1) if _tokens[_i + 1] != -100
    ]
    if _case % 3 == 2:
        _logits = _logits + _draw.choice([-5000.0, 800.0, 20000.0], (_n, 1))  # shifts a row, changes no probability
    _what = ["", " with padding", " with very large or very small logits"][_case % 3]
    # Single precision will do; its numbers lie 0.002 apart at 20,000.
    assert close(perplexity(_logits, _tokens.tolist()), float(np.exp(np.mean(_loss))), rel=1e-3), f"{_n} random tokens{_what} do not give the right perplexity."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# Our text for this purpose: eight passages that we wrote for this course, so no model can know them by heart, and no calibration has seen them.
#
# First a question that is left over from step 3. What if the *whole* model is rounded to 4 bits as in step 2, without any scales? Your `quantize_groups`, over all 210 matrices:

# %% tags=["live"] id="plain-rounding"
passages = quantized.held_out()


def over_all(pairs):
    """Your perplexity of several passages as one number: the mean loss over all their tokens."""
    losses = [np.log(perplexity(logits, tokens)) for logits, tokens in pairs]
    return float(np.exp(np.average(losses, weights=[len(tokens) - 1 for _, tokens in pairs])))


by_hand = {}
if quantized.size_bytes(folder) < 2e9:  # rounding 7 billion weights in numpy would take the evening
    by_hand["16-bit"] = over_all(logits_of(folder, passages))
    by_hand["4-bit, plain"] = over_all(logits_of(folder, passages, change=lambda w: dequantize(*quantize_groups(w, 4, 64))))
for name, value in by_hand.items():
    print(f"{name:14} perplexity {value:.2f}, by your functions, on PyTorch's logits")

# %% [markdown]
# vLLM can tell its own probabilities: with `prompt_logprobs` a completion also says how likely each token *of the prompt* was. That works the same for every checkpoint, so the comparison below uses it. Its value for the 16-bit model, in the first row of the next step's table, must agree with yours.

# %% [markdown]
# ## Step 9 · Measure
#
# One engine after the other: the same flags, the same eight passages for the perplexity, and answers of 64 tokens for one user and for eight at once, twice; the better run counts, because whatever else your machine does can only make one slower. It takes one to two minutes. (Leave the machine alone meanwhile. INT8 and bf16 lie so near to each other that either may come first. If AWQ is ahead of bf16 with eight users, and the marks ◇ of the recorded run say otherwise, something else was probably busy: run it again.)

# %% tags=["live"] id="measure"
from servelab.engine import serve

results, backends, answers = {}, {}, {}
for name, path in folders.items():
    with serve(list(quantized.ENGINE_ARGS), model=path) as engine:
        results[name] = quantized.measure(engine, name)
        question = [{"role": "user", "content": "What is the capital of France?"}]
        asked = engine.client().chat.completions.create(model=engine.model, messages=question, max_tokens=24, temperature=0)
        answers[name], backends[name] = asked.choices[0].message.content, engine.backend
        results[name]["bytes"] = quantized.size_bytes(path)
        engine.stop()

# %% tags=["live"] id="result-table"
original = next(iter(results))
print(f"{'':6}{'MB':>9}{'perplexity':>12}   loss against {original}{'':9}requests/s at 1    at 8   an answer")
for name, found in results.items():
    mean, error = quantized.paired_difference(found["logprobs"], results[original]["logprobs"])
    loss = "" if name == original else f"{mean:+.4f} ± {error:.4f} a token"
    rate = found["requests_per_s"]
    print(f"{name:6}{found['bytes'] / 1e6:9.1f}{found['perplexity']:12.2f}   {loss:28}{rate[1]:10.2f}{rate[8]:10.2f}   {answers[name]!r}")
for name, value in by_hand.items():
    print(f"{'':15}{value:12.2f}   {name}, by your functions in step 8")

# %% [markdown]
# Compare "4-bit, plain" with AWQ: the same bits, the same groups, and a smaller loss. That is what the scales bought.
#
# The column in the middle compares *token by token*: both models read the same text, so most of what makes a token hard is the same for both, and falls out of the difference. That is why little more than a thousand tokens are enough to tell a small loss from noise, though the perplexity of another text would be quite another number. A difference of less than two standard errors (±) is no difference.

# %% tags=["live"] id="formats-chart"
quantized_charts.formats(
    results, reference=measurements.read("quantization-cpu") if "INT8" in results else None, gpu=quantized.gpu_run(),
    title="Three checkpoints of one model",
)

# %% tags=["live"] id="ledger-rows"
for name, found in results.items():
    row = {"lab": "03-quantization-awq", "backend": backends[name]}
    ledger.append(step=name, metric="checkpoint_bytes", value=found["bytes"], unit="bytes", **row)
    ledger.append(step=name, metric="perplexity", value=found["perplexity"], unit="perplexity", text="held-out", **row)
    for users, rate in found["requests_per_s"].items():
        ledger.append(step=f"{name}, {users} at once", metric="requests_per_s", value=rate, unit="requests/s", concurrency=users, output_tokens=64, **row)

# %% tags=["live"] id="prediction-chart"
small, large = results["AWQ"], results[original]
measured = {
    "size: 16-bit / AWQ": large["bytes"] / small["bytes"],
    "speed alone: AWQ / 16-bit": small["requests_per_s"][1] / large["requests_per_s"][1],
    "speed with 8: AWQ / 16-bit": small["requests_per_s"][8] / large["requests_per_s"][8],
    "perplexity: AWQ / 16-bit": small["perplexity"] / large["perplexity"],
}
charts.prediction_vs_measured(guess, measured, unit="times", title="What you wrote down in step 1")

# %% [markdown]
# ## Step 10 · What we know now
#
# | claim | what is true |
# |---|---|
# | "4 bits: four times smaller" | 3.85 times for quantised weights, 3.5 for a Llama-2-7B, 2.4 for our small model; it follows from the config (step 4) |
# | "4 bits: twice as fast" | where reading weights is the limit, and where unpacking is hidden: few sequences, on a GPU. Look at your own chart for a CPU |
# | "AWQ keeps the important 1 % in 16 bits" | all weights end in 4 bits; the important channels are scaled before rounding (step 3) |
# | "7B in FP16 fits a 16 GB card" | the weights do; the cache of one conversation does not (step 5) |
# | "quantising halves the bill" | only if a cheaper card, or fewer of them, do the job |
# | "INT8 is the older, worse 4-bit" | W8A8 multiplies faster too, and its loss is smaller: often the better choice for large batches and long prompts |
#
# **Where 4 bits do not pay.** On this course's CPU, 4-bit weights are *not* a way to more requests per second; the recorded run in the chart (◇, `quantization-cpu.json`) says how it came out for us, and the bars how it did for you. They save memory, which is worth having when memory is what is missing. INT8 comes out near 16 bits here, level with it or a little ahead: the quantising of every input costs most of what the multiplications gain.
# Whether and how much they gain on a GPU is measured there, and not here; as long as the last panel says "not yet measured", we do not know for this model and engine, and the roofline of step 6 is a prediction.
#
# **What production would add**
#
# - **Your own task instead of perplexity.** A few hundred graded examples, the quantised model beside the original, and a limit fixed beforehand at which you stop. A model of 7B and more usually loses less than ours: small models have little to spare.
# - **Calibration on texts like yours.** The scales protect what was loud in the sample; a model for code should not be calibrated on letters.
# - **A published checkpoint where there is one**, pinned by revision and with its licence. Somebody has measured it, and others use it.
# - **The cache in fewer bits**, where conversations rather than weights fill the card.
#
# What you measured is in the ledger:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="03-quantization-awq"):
    print(f"{row['step']:16} {row['metric']:20} {row['value']:16,.3f} {row['unit']:11} {row['backend']}")

# %% [markdown]
# **Next:** lab 04 makes no token faster, and yet everybody will say that it is.
