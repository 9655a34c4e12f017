# %% right "a loop"
def rate(samples):
    if len(samples) <= 1:
        return None
    total, last = 0.0, samples[0][1]
    for i in range(1, len(samples)):
        value = samples[i][1]
        if value < last:
            total += value
        else:
            total += value - last
        last = value
    return total / (samples[-1][0] - samples[0][0])

# %% right "numpy"
import numpy as np


def rate(samples):
    if len(samples) < 2:
        return None
    seconds, values = np.array(samples, dtype=float).T
    steps = np.diff(values)
    steps = np.where(steps < 0, values[1:], steps)
    return float(steps.sum() / (seconds[-1] - seconds[0]))

# %% wrong "last minus first" points=0
def rate(samples):
    if len(samples) < 2:
        return None
    return (samples[-1][1] - samples[0][1]) / (samples[-1][0] - samples[0][0])

# %% wrong "a restart counts nothing" points=0
def rate(samples):
    if len(samples) < 2:
        return None
    grown = sum(max(0, b[1] - a[1]) for a, b in zip(samples, samples[1:]))
    return grown / (samples[-1][0] - samples[0][0])

# %% wrong "per sample and not per second" points=0
def rate(samples):
    if len(samples) < 2:
        return None
    grown = sum(b[1] - a[1] if b[1] >= a[1] else b[1] for a, b in zip(samples, samples[1:]))
    return grown / (len(samples) - 1) / 15

# %% wrong "only the last restart" points=0
def rate(samples):
    if len(samples) < 2:
        return None
    base = 0
    for (_, a), (_, b) in zip(samples, samples[1:]):
        if b < a:
            base = a
    return (samples[-1][1] + base - samples[0][1]) / (samples[-1][0] - samples[0][0])
