# %% right "a loop that leaves out the refused"
def drain_time(classes, tokens_per_s):
    owed = coming = 0
    for kind in classes:
        if kind["refused"]:
            continue
        owed += kind["waiting"] * kind["tokens"]
        coming += kind["arrivals_per_s"] * kind["tokens"]
    if not owed:
        return 0
    if coming >= tokens_per_s:
        return None
    return owed / (tokens_per_s - coming)

# %% right "numpy"
def drain_time(classes, tokens_per_s):
    table = np.array([[c["waiting"] * c["tokens"], c["arrivals_per_s"] * c["tokens"]] for c in classes if not c["refused"]], dtype=float).reshape(-1, 2)
    owed, coming = table.sum(axis=0)
    if owed == 0:
        return 0.0
    return float(owed / (tokens_per_s - coming)) if tokens_per_s > coming else None

# %% wrong "nobody new comes" points=0
def drain_time(classes, tokens_per_s):
    owed = sum(c["waiting"] * c["tokens"] for c in classes if not c["refused"])
    return owed / tokens_per_s

# %% wrong "the refused still wait" points=0
def drain_time(classes, tokens_per_s):
    owed = sum(c["waiting"] * c["tokens"] for c in classes)
    coming = sum(c["arrivals_per_s"] * c["tokens"] for c in classes if not c["refused"])
    if owed == 0:
        return 0.0
    return owed / (tokens_per_s - coming) if coming < tokens_per_s else None

# %% wrong "in requests instead of tokens" points=0
def drain_time(classes, tokens_per_s):
    kept = [c for c in classes if not c["refused"]]
    waiting = sum(c["waiting"] for c in kept)
    if waiting == 0:
        return 0.0
    tokens = sum(c["tokens"] for c in kept) / len(kept)
    spare = tokens_per_s / tokens - sum(c["arrivals_per_s"] for c in kept)
    return waiting / spare if spare > 0 else None

# %% wrong "a negative time instead of never" points=0
def drain_time(classes, tokens_per_s):
    kept = [c for c in classes if not c["refused"]]
    owed = sum(c["waiting"] * c["tokens"] for c in kept)
    return owed / (tokens_per_s - sum(c["arrivals_per_s"] * c["tokens"] for c in kept)) if owed else 0.0
