# %% right "logaddexp, token by token"
def perplexity(logits, tokens):
    losses = []
    for row, target in zip(logits[:-1], tokens[1:]):
        if target == -100:
            continue
        losses.append(np.logaddexp.reduce(row) - row[target])
    return np.exp(np.mean(losses))

# %% right "plain Python"
import math


def perplexity(logits, tokens):
    total, count = 0.0, 0
    rows = [list(map(float, row)) for row in logits]
    for i in range(1, len(tokens)):
        if tokens[i] < 0:
            continue
        row = rows[i - 1]
        top = max(row)
        total += math.log(sum(math.exp(v - top) for v in row)) + top - row[tokens[i]]
        count += 1
    return math.exp(total / count)

# %% right "scipy"
from scipy.special import log_softmax


def perplexity(logits, tokens):
    targets = np.array(tokens[1:])
    keep = np.flatnonzero(targets != -100)
    logp = log_softmax(np.asarray(logits, float)[keep], axis=-1)
    return float(np.exp(-logp[range(len(keep)), targets[keep]].mean()))

# %% wrong "not shifted" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[kept], targets[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.exp(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets])))

# %% wrong "shifted the wrong way" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)[:-1]
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[1:][kept], targets[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.exp(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets])))

# %% wrong "overflows" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)[1:]
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[:-1][kept], targets[kept]
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return float(np.exp(-np.mean(np.log(p[np.arange(len(targets)), targets]))))

# %% wrong "padding counted as the last token of the vocabulary" points=0
def perplexity(logits, tokens):
    logits, targets = np.asarray(logits, dtype=float)[:-1], np.asarray(tokens)[1:]
    shifted = logits - logits.max(axis=1, keepdims=True)
    targets = np.where(targets < 0, logits.shape[1] - 1, targets)
    return float(np.exp(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets])))

# %% wrong "padding divides the sum as well" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)[1:]
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[:-1][kept], targets[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    loss = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets]
    return float(np.exp(loss.sum() / (len(tokens) - 1)))

# %% wrong "the mean of the perplexities" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)[1:]
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[:-1][kept], targets[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.exp(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets])))

# %% wrong "the loss, not its exponential" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)[1:]
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[:-1][kept], targets[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets]))

# %% wrong "a power of two" points=0
def perplexity(logits, tokens):
    targets = np.asarray(tokens)[1:]
    kept = targets != -100
    logits, targets = np.asarray(logits, dtype=float)[:-1][kept], targets[kept]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(2 ** np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets]))

# %% right "PyTorch, in single precision"
import torch


def perplexity(logits, tokens):
    guesses = torch.as_tensor(np.array(logits, dtype=np.float32))[:-1]
    loss = torch.nn.functional.cross_entropy(guesses, torch.tensor(list(tokens))[1:], ignore_index=-100)
    return torch.exp(loss).item()
