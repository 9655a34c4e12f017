# %% right "a finer grid, normalised as AWQ's own code does"
def awq_scales(weights, inputs, bits=4, group=64):
    loudness = np.abs(inputs).mean(0)
    loudness[loudness == 0] = np.median(loudness[loudness > 0])
    candidates = []
    for k in range(21):
        s = loudness ** (k / 20)
        s /= np.sqrt(s.max() * s.min())
        candidates.append((output_error(weights, inputs, s, bits, group), k, s))
    return min(candidates, key=lambda c: c[:2])[2]

# %% right "five powers, plain Python, no helper"
def awq_scales(weights, inputs, bits=4, group=64):
    tokens, channels = inputs.shape
    mean = [sum(abs(v) for v in inputs[:, c].tolist()) / tokens for c in range(channels)]
    quietest = min(m for m in mean if m > 0)
    mean = [m or quietest for m in mean]
    wanted = inputs @ weights.T
    best = None
    for power in (0, 0.25, 0.5, 0.75, 1):
        s = np.array([m**power for m in mean])
        rounded = dequantize(*quantize_groups(weights * s, bits, group))
        error = ((inputs / s @ rounded.T - wanted) ** 2).sum()
        if best is None or error < best[0]:
            best = (error, s)
    return best[1].tolist()

# %% right "a search in two rounds, silent channels as loud as most"
def awq_scales(weights, inputs, bits=4, group=64):
    mean = np.mean(np.abs(inputs), axis=0)
    heard = mean > 0

    def at(power):
        s = np.full_like(mean, np.median(mean[heard]))
        s[heard] = mean[heard]
        return s**power

    def cost(power):
        return output_error(weights, inputs, at(power), bits, group)

    coarse = min(np.linspace(0, 1, 6), key=cost)
    fine = min([p for p in np.linspace(coarse - 0.2, coarse + 0.2, 9) if 0 <= p <= 1], key=cost)
    return at(fine)

# %% wrong "no scaling at all" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    return np.ones(weights.shape[1])

# %% wrong "always the square root" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    return np.maximum(np.abs(inputs).mean(axis=0), 1e-4) ** 0.5

# %% wrong "the size of the weights instead of the inputs" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.abs(weights).mean(axis=0)
    tries = [np.maximum(size, 1e-8) ** p for p in np.linspace(0, 1, 11)]
    return min(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "the error of the weights decides" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.maximum(np.abs(inputs).mean(axis=0), 1e-4)
    best, least = None, np.inf
    for power in np.linspace(0, 1, 11):
        s = size**power
        error = np.mean((dequantize(*quantize_groups(weights * s, bits, group)) / s - weights) ** 2)
        if error < least:
            best, least = s, error
    return best

# %% wrong "loud channels made smaller" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.maximum(np.abs(inputs).mean(axis=0), 1e-4)
    tries = [size**-p for p in np.linspace(0, 1, 11)]
    return min(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "the worst instead of the best" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.maximum(np.abs(inputs).mean(axis=0), 1e-4)
    tries = [size**p for p in np.linspace(0, 1, 11)]
    return max(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "a silent channel gets the scale 0" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.abs(inputs).mean(axis=0)
    best, least = np.ones(len(size)), np.inf
    with np.errstate(all="ignore"):
        for power in np.linspace(0, 1, 11):
            s = size**power
            rounded = dequantize(*quantize_groups(weights * s, bits, group))
            error = np.nanmean((np.nan_to_num(inputs / s) @ rounded.T - inputs @ weights.T) ** 2)
            if error < least:
                best, least = s, error
    return best

# %% wrong "a silent channel gets the scale 1e-12 to a power" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.maximum(np.abs(inputs).mean(axis=0), 1e-12)
    tries = [size**p for p in np.linspace(0, 1, 11)]
    return min(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "a silent channel is a ten thousandth as loud as the loudest" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.abs(inputs).mean(axis=0)
    size = np.maximum(size, 1e-4 * size.max())
    tries = [size**p for p in np.linspace(0, 1, 11)]
    return min(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "bits and group not passed on" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.abs(inputs).mean(axis=0)
    size = np.where(size > 0, size, size[size > 0].min())
    tries = [size**p for p in np.linspace(0, 1, 11)]
    return min(tries, key=lambda s: output_error(weights, inputs, s))

# %% wrong "the mean without the absolute value" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.maximum(inputs.mean(axis=0), 1e-4)
    tries = [size**p for p in np.linspace(0, 1, 11)]
    return min(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "one scale for each output" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    return np.abs(weights).max(axis=1)

# %% wrong "0 is not among the powers" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    size = np.maximum(np.abs(inputs).mean(axis=0), 1e-4)
    tries = [size**p for p in (0.4, 0.6, 0.8, 1.0)]
    return min(tries, key=lambda s: output_error(weights, inputs, s, bits, group))

# %% wrong "the scale 1 for silent channels, whatever the others have" points=0
def awq_scales(weights, inputs, bits=4, group=64):
    mean = np.mean(np.abs(inputs), axis=0)
    heard = mean > 0

    def at(power):
        s = np.ones_like(mean)
        s[heard] = mean[heard] ** power
        return s

    def cost(power):
        return output_error(weights, inputs, at(power), bits, group)

    coarse = min(np.linspace(0, 1, 6), key=cost)
    fine = min([p for p in np.linspace(coarse - 0.2, coarse + 0.2, 9) if 0 <= p <= 1], key=cost)
    return at(fine)
