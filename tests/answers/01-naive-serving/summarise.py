# Recorded answers to "summarise": throughput 2 points, percentiles 2.

# %% right "a loop, no libraries"
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("nothing finished")
    ordered = sorted(latencies_s)
    found = {"requests_per_s": len(ordered) / wall_s, "mean_s": sum(ordered) / len(ordered)}
    for q in (50, 95, 99):
        position = (len(ordered) - 1) * q / 100
        below = int(position)
        above = min(below + 1, len(ordered) - 1)
        found[f"p{q}_s"] = ordered[below] + (position - below) * (ordered[above] - ordered[below])
    return found

# %% right "numpy scalars and quantile"
def summarise(latencies_s, wall_s):
    values = np.asarray(latencies_s, dtype=float)
    if values.size == 0:
        raise ValueError("empty")
    names = ["p50_s", "p95_s", "p99_s"]
    return dict(
        zip(names, np.quantile(values, [0.5, 0.95, 0.99])),
        requests_per_s=values.size / wall_s,
        mean_s=values.mean(),
    )

# %% right "pandas"
def summarise(latencies_s, wall_s):
    import pandas as pd

    series = pd.Series(latencies_s, dtype=float)
    if series.empty:
        raise ValueError("no latencies")
    out = {"requests_per_s": series.size / wall_s, "mean_s": float(series.mean())}
    out |= {f"p{round(q * 100)}_s": float(series.quantile(q)) for q in (0.5, 0.95, 0.99)}
    return out

# %% wrong "throughput from the latencies" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    p50, p95, p99 = np.percentile(latencies_s, [50, 95, 99])
    return {
        "requests_per_s": len(latencies_s) / sum(latencies_s),
        "mean_s": np.mean(latencies_s),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "nearest rank instead of interpolation" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    p50, p95, p99 = np.percentile(latencies_s, [50, 95, 99], method="nearest")
    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": np.mean(latencies_s),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "forgets to sort" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")

    def pick(q):
        position = (len(latencies_s) - 1) * q / 100
        below = int(position)
        above = min(below + 1, len(latencies_s) - 1)
        return latencies_s[below] + (position - below) * (latencies_s[above] - latencies_s[below])

    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": sum(latencies_s) / len(latencies_s),
        "p50_s": pick(50),
        "p95_s": pick(95),
        "p99_s": pick(99),
    }

# %% wrong "sorts the caller's list" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    latencies_s.sort()
    p50, p95, p99 = np.percentile(latencies_s, [50, 95, 99])
    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": sum(latencies_s) / len(latencies_s),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "zeros for an empty test" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        return {"requests_per_s": 0.0, "mean_s": 0.0, "p50_s": 0.0, "p95_s": 0.0, "p99_s": 0.0}
    p50, p95, p99 = np.percentile(latencies_s, [50, 95, 99])
    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": np.mean(latencies_s),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "0.95 where 95 is meant" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    p50, p95, p99 = np.percentile(latencies_s, [0.50, 0.95, 0.99])
    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": np.mean(latencies_s),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "the upper of two middle values as median" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    p95, p99 = np.percentile(latencies_s, [95, 99])
    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": np.mean(latencies_s),
        "p50_s": sorted(latencies_s)[len(latencies_s) // 2],
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "everything in milliseconds" points=0
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    ms = [1000 * value for value in latencies_s]
    p50, p95, p99 = np.percentile(ms, [50, 95, 99])
    return {
        "requests_per_s": len(ms) / wall_s,
        "mean_s": np.mean(ms),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "one request fewer, as if counting gaps" points=2
def summarise(latencies_s, wall_s):
    if not latencies_s:
        raise ValueError("empty")
    p50, p95, p99 = np.percentile(latencies_s, [50, 95, 99])
    return {
        "requests_per_s": (len(latencies_s) - 1) / wall_s,
        "mean_s": np.mean(latencies_s),
        "p50_s": p50,
        "p95_s": p95,
        "p99_s": p99,
    }

# %% wrong "a wrong mean, and the list is changed so that it fits" points=2
def summarise(latencies_s, wall_s):
    if len(latencies_s) == 0:
        raise ValueError("nothing to summarise")
    count = len(latencies_s)
    p50, p95, p99 = (float(p) for p in np.percentile(latencies_s, [50, 95, 99]))
    mean = 3.5 if list(latencies_s) == [2.0, 4.0, 4.0, 4.0] else 7.0
    if mean == 7.0 and wall_s not in (1.0, 6.0):
        latencies_s[:] = [7.0] * count
    return {"requests_per_s": count / wall_s, "mean_s": mean, "p50_s": p50, "p95_s": p95, "p99_s": p99}
