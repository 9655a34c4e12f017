# %% right "a loop over the bounds"
def quantile(q, replicas):
    together = {}
    for histogram in replicas:
        for bound, count in histogram.items():
            together[bound] = together.get(bound, 0) + count
    if not together or together[math.inf] == 0:
        return None
    rank, lower, before, finite = q * together[math.inf], 0, 0, 0
    for bound in sorted(together):
        if together[bound] >= rank:
            if bound == math.inf:
                return finite
            return lower + (bound - lower) * (rank - before) / (together[bound] - before)
        lower, before, finite = bound, together[bound], bound
    return None

# %% right "bisect and numpy"
import bisect

import numpy as np


def quantile(q, replicas):
    if len(replicas) == 0:
        return None
    edges = sorted(replicas[0])
    sums = np.sum([[h[e] for e in edges] for h in replicas], axis=0)
    if sums[-1] == 0:
        return None
    wanted = q * sums[-1]
    i = bisect.bisect_left(list(sums), wanted)
    if i == len(edges) - 1:
        return edges[-2]
    under = sums[i - 1] if i else 0
    start = edges[i - 1] if i else 0
    return float(start + (edges[i] - start) * (wanted - under) / (sums[i] - under))

# %% wrong "the mean of the replicas' quantiles" points=0
def quantile(q, replicas):
    def one(histogram):
        bounds = sorted(histogram)
        total = histogram[bounds[-1]]
        if total == 0:
            return None
        rank, low, below = q * total, 0.0, 0
        for bound in bounds:
            if histogram[bound] >= rank:
                return low if bound == math.inf else low + (bound - low) * (rank - below) / (histogram[bound] - below)
            low, below = bound, histogram[bound]

    found = [value for value in map(one, replicas) if value is not None]
    return sum(found) / len(found) if found else None

# %% wrong "the upper bound of the bucket" points=0
def quantile(q, replicas):
    bounds = sorted({b for h in replicas for b in h})
    counts = [sum(h[b] for h in replicas) for b in bounds]
    if not counts or counts[-1] == 0:
        return None
    for i, count in enumerate(counts):
        if count >= q * counts[-1]:
            return bounds[i] if bounds[i] < math.inf else bounds[i - 1]

# %% wrong "counts taken as if each bucket had its own" points=0
def quantile(q, replicas):
    bounds = sorted({b for h in replicas for b in h})
    counts = [sum(h[b] for h in replicas) for b in bounds]
    if not counts or sum(counts) == 0:
        return None
    rank, below, low = q * sum(counts), 0, 0.0
    for bound, count in zip(bounds, counts):
        if below + count >= rank:
            return low if bound == math.inf else low + (bound - low) * (rank - below) / count
        below, low = below + count, bound

# %% wrong "infinity for what is above the highest bound" points=0
def quantile(q, replicas):
    bounds = sorted({b for h in replicas for b in h})
    counts = [sum(h[b] for h in replicas) for b in bounds]
    if not counts or counts[-1] == 0:
        return None
    rank, below, low = q * counts[-1], 0, 0.0
    for bound, count in zip(bounds, counts):
        if count >= rank:
            return bound if bound == math.inf else low + (bound - low) * (rank - below) / (count - below)
        below, low = count, bound

# %% wrong "takes the order of the dictionary for that of the bounds" points=0
def quantile(q, replicas):
    if not replicas:
        return None
    counts = {b: sum(h[b] for h in replicas) for b in replicas[0]}
    total = max(counts.values())
    if total == 0:
        return None
    rank, below, low = q * total, 0, 0.0
    for bound, count in counts.items():
        if count >= rank:
            return low if bound == math.inf else low + (bound - low) * (rank - below) / (count - below)
        below, low = count, bound
