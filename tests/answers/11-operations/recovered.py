# %% right "counting back to the last bad row"
def recovered(series, since_s, waiting, ttft_s, hold_s):
    last_bad = -math.inf
    for row in series:
        slow = row["ttft_s"] is not None and row["ttft_s"] > ttft_s
        if not row["up"] or slow or row["waiting"] > waiting:
            last_bad = row["t_s"]
        if row["t_s"] - hold_s >= since_s and last_bad < row["t_s"] - hold_s:
            return row["t_s"]
    return None

# %% right "the bad times first"
def recovered(series, since_s, waiting, ttft_s, hold_s):
    bad = [r["t_s"] for r in series if not (r["up"] and r["waiting"] <= waiting and (r["ttft_s"] or 0) <= ttft_s)]
    times = [r["t_s"] for r in series if r["t_s"] >= since_s + hold_s or r["t_s"] - hold_s >= since_s]
    fit = [t for t in times if t - hold_s >= since_s and not [b for b in bad if t - hold_s <= b <= t]]
    return min(fit, default=None)

# %% wrong "the first good row" points=0
def recovered(series, since_s, waiting, ttft_s, hold_s):
    for row in series:
        if row["t_s"] >= since_s and row["up"] and row["waiting"] <= waiting and (row["ttft_s"] or 0) <= ttft_s:
            return row["t_s"]
    return None

# %% wrong "says when the good time began" points=0
def recovered(series, since_s, waiting, ttft_s, hold_s):
    start = None
    for row in series:
        if row["t_s"] < since_s:
            continue
        if row["up"] and row["waiting"] <= waiting and (row["ttft_s"] is None or row["ttft_s"] <= ttft_s):
            start = row["t_s"] if start is None else start
            if row["t_s"] - start >= hold_s:
                return start
        else:
            start = None
    return None

# %% wrong "only the queue counts" points=0
def recovered(series, since_s, waiting, ttft_s, hold_s):
    for row in series:
        held = [other for other in series if row["t_s"] - hold_s <= other["t_s"] <= row["t_s"]]
        if row["t_s"] - hold_s >= since_s and all(other["waiting"] <= waiting for other in held):
            return row["t_s"]
    return None

# %% wrong "good before the remedy counts" points=0
def recovered(series, since_s, waiting, ttft_s, hold_s):
    def good(row):
        return row["up"] and row["waiting"] <= waiting and (row["ttft_s"] is None or row["ttft_s"] <= ttft_s)

    for row in series:
        held = [other for other in series if row["t_s"] - hold_s <= other["t_s"] <= row["t_s"]]
        if row["t_s"] >= since_s and all(map(good, held)):
            return row["t_s"]
    return None
