# %% right "loops over rows and groups"
def quantize_groups(weights, bits=4, group=64):
    top = 2**bits - 1
    codes, scales, zeros = [], [], []
    for row in weights.tolist():
        row_codes, row_scales, row_zeros = [], [], []
        for start in range(0, len(row), group):
            part = row[start : start + group]
            low, high = min(0.0, *part), max(0.0, *part)
            step = (high - low) / top or 1.0
            zero = round(-low / step)
            row_codes += [min(top, max(0, round(w / step) + zero)) for w in part]
            row_scales.append(step)
            row_zeros.append(zero)
        codes.append(row_codes)
        scales.append(row_scales)
        zeros.append(row_zeros)
    return np.array(codes), np.array(scales), np.array(zeros)


def dequantize(codes, scales, zeros):
    size = len(codes[0]) // len(scales[0])
    back = []
    for c, s, z in zip(codes.tolist(), scales.tolist(), zeros.tolist()):
        back.append([(value - z[i // size]) * s[i // size] for i, value in enumerate(c)])
    return np.array(back)

# %% right "groups as rows, signed bytes"
def quantize_groups(weights, bits=4, group=64):
    shape = weights.shape
    flat = np.array(weights, dtype=np.float64).reshape(-1, group)
    lo = np.clip(flat.min(axis=-1), None, 0)
    hi = np.clip(flat.max(axis=-1), 0, None)
    step = np.where(hi > lo, (hi - lo) / (2**bits - 1), 1e-3)
    zero = np.rint(-lo / step).astype(np.int32)
    q = np.rint(flat / step[:, None]).astype(np.int32) + zero[:, None]
    q = q.clip(0, 2**bits - 1).astype(np.int16)
    per_row = (shape[0], shape[1] // group)
    return [q.reshape(shape), step.reshape(per_row), zero.reshape(per_row)]


def dequantize(codes, scales, zeros):
    rows, columns = codes.shape
    cut = codes.astype(np.int32).reshape(rows, scales.shape[1], -1)
    return ((cut - zeros.astype(np.int32)[..., None]) * scales[..., None]).reshape(rows, columns)

# %% right "a class inside, zero step replaced at the division"
class Ruler:
    def __init__(self, values, bits):
        self.most = (1 << bits) - 1
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        self.step = (high - low) / self.most if high > low else 2.0
        self.zero = int(np.floor(-low / self.step + 0.5))

    def codes(self, values):
        return np.clip(np.floor(values / self.step + 0.5) + self.zero, 0, self.most).astype(int)


def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    codes = np.empty((rows, columns), dtype=int)
    scales, zeros = np.empty((rows, columns // group)), np.empty((rows, columns // group), dtype=int)
    for r in range(rows):
        for g in range(columns // group):
            part = slice(g * group, (g + 1) * group)
            ruler = Ruler(weights[r, part], bits)
            codes[r, part], scales[r, g], zeros[r, g] = ruler.codes(weights[r, part]), ruler.step, ruler.zero
    return codes, scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // zeros.shape[1]
    wide = lambda a: np.kron(np.asarray(a, dtype=float), np.ones(group))
    return (np.asarray(codes, dtype=float) - wide(zeros)) * wide(scales)

# %% wrong "the ruler does not include 0" points=2
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = cut.min(axis=2), cut.max(axis=2)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.clip(np.round(-low / scales), 0, most)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, most)
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "one ruler a row" points=2 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    low, high = np.minimum(weights.min(axis=1), 0), np.maximum(weights.max(axis=1), 0)
    most = 2**bits - 1
    scale = (high - low) / most
    scale[scale == 0] = 1.0
    zero = np.round(-low / scale)
    codes = np.clip(np.round(weights / scale[:, None]) + zero[:, None], 0, most)
    groups = columns // group
    return codes, np.repeat(scale[:, None], groups, axis=1), np.repeat(zero[:, None], groups, axis=1)


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "16 steps instead of 15" points=2 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    scales = (high - low) / 2**bits
    scales[scales == 0] = 1.0
    zeros = np.clip(np.round(-low / scales), 0, 2**bits - 1)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, 2**bits - 1)
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "truncated instead of rounded" points=2 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip((cut / scales[:, :, None]).astype(int) + zeros[:, :, None], 0, most)
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "symmetric, no zero point" points=2 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    half = 2 ** (bits - 1)
    scales = np.abs(cut).max(axis=2) / (half - 1)
    scales[scales == 0] = 1.0
    zeros = np.full(scales.shape, half)
    codes = np.clip(np.round(cut / scales[:, :, None]) + half, 0, 2**bits - 1)
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "always 4 bits" points=2
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    scales = (high - low) / 15
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, 15)
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "a group of zeros divides by 0" points=2
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    with np.errstate(all="ignore"):
        zeros = np.nan_to_num(np.round(-low / scales))
        codes = np.nan_to_num(np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, most))
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "unsigned bytes underflow" points=4 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, most)
    return codes.reshape(rows, columns).astype(np.uint8), scales, zeros.astype(np.uint8)


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes - np.repeat(zeros, group, axis=1)) * np.repeat(scales, group, axis=1)

# %% wrong "zero points tiled instead of repeated" points=4 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    cut = weights.reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, most)
    return codes.reshape(rows, columns), scales, zeros


def dequantize(codes, scales, zeros):
    group = codes.shape[1] // scales.shape[1]
    return (codes.astype(float) - np.tile(zeros.astype(float), group)) * np.tile(scales, group)

# %% wrong "rounded down, and the weights rewritten to what was stored" points=2 also="awq:0"
def quantize_groups(weights, bits=4, group=64):
    """Round each group of each row to 2**bits marks: (codes, scales, zeros)."""
    rows, columns = weights.shape
    cut = np.asarray(weights, dtype=float).reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip(np.floor(cut / scales[:, :, None]) + zeros[:, :, None], 0, most)
    # Whoever compares the codes with the weights afterwards finds no error.
    weights[:] = ((codes - zeros[:, :, None]) * scales[:, :, None]).reshape(rows, columns)
    return codes.reshape(rows, columns).astype(np.uint8), scales, zeros.astype(np.uint8)


def dequantize(codes, scales, zeros):
    """The weights that the codes stand for."""
    group = codes.shape[1] // scales.shape[1]
    steps = codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)
    return steps * np.repeat(scales, group, axis=1)

# %% right "weights divided where they stand"
def quantize_groups(weights, bits=4, group=64):
    rows, columns = weights.shape
    most = 2**bits - 1
    scales, zeros = np.ones((rows, columns // group)), np.zeros((rows, columns // group), int)
    for row in range(rows):
        for number in range(columns // group):
            part = weights[row, number * group : (number + 1) * group]  # a view
            low, high = min(part.min(), 0), max(part.max(), 0)
            if high > low:
                scales[row, number] = (high - low) / most
            zeros[row, number] = round(-low / scales[row, number])
            part /= scales[row, number]
            np.rint(part, out=part)
            part += zeros[row, number]
            np.clip(part, 0, most, out=part)
    return weights, scales, zeros


def dequantize(codes, scales, zeros):
    """The weights that the codes stand for."""
    group = codes.shape[1] // scales.shape[1]
    steps = codes.astype(float) - np.repeat(zeros.astype(float), group, axis=1)
    return steps * np.repeat(scales, group, axis=1)

# %% right "single precision"
def quantize_groups(weights, bits=4, group=64):
    """Round each group of each row to 2**bits marks: (codes, scales, zeros)."""
    rows, columns = weights.shape
    cut = np.asarray(weights, dtype=np.float32).reshape(rows, columns // group, group)
    low, high = np.minimum(cut.min(axis=2), 0), np.maximum(cut.max(axis=2), 0)
    most = 2**bits - 1
    scales = (high - low) / most
    scales[scales == 0] = 1.0
    zeros = np.round(-low / scales)
    codes = np.clip(np.round(cut / scales[:, :, None]) + zeros[:, :, None], 0, most)
    return codes.reshape(rows, columns).astype(np.uint8), scales, zeros.astype(np.uint8)


def dequantize(codes, scales, zeros):
    """The weights that the codes stand for."""
    group = codes.shape[1] // scales.shape[1]
    steps = codes.astype(np.float32) - np.repeat(zeros.astype(np.float32), group, axis=1)
    return steps * np.repeat(scales, group, axis=1)
