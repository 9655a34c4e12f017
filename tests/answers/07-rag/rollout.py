# %% right "counted in one pass"
def rollout(rows, now_s):
    recent = failed = 0
    n, good = {"A": 0, "B": 0}, {"A": 0, "B": 0}
    for row in rows:
        arm = row["arm"]
        if arm == "B" and now_s - row["t_s"] < 600:
            recent += 1
            failed += bool(row["error"])
        if row["rating"] is not None:
            n[arm] += 1
            good[arm] += row["rating"]
    if recent >= 50 and 50 * failed > recent:
        return "back"
    if n["A"] >= 100 and n["B"] >= 100 and 10 * good["B"] * n["A"] < 9 * good["A"] * n["B"]:
        return "look"
    if n["A"] >= 350 and n["B"] >= 350:
        p = {arm: good[arm] / n[arm] for arm in n}
        variance = sum(p[arm] * (1 - p[arm]) / n[arm] for arm in n)
        if p["B"] - p["A"] > 1.96 * variance**0.5:
            return "all"
    return "wait"

# %% right "a data frame"
import pandas as pd


def rollout(rows, now_s):
    log = pd.DataFrame(rows, columns=["t_s", "arm", "error", "rating"])
    b = log[(log["arm"] == "B") & (log["t_s"] > now_s - 600)]
    if len(b) >= 50 and b["error"].astype(float).mean() > 0.02 + 1e-12:
        return "back"
    rated = log.dropna(subset=["rating"])
    told = {arm: rated[rated["arm"] == arm]["rating"].astype(float) for arm in ("A", "B")}
    if min(map(len, told.values())) < 100:
        return "wait"
    if told["B"].mean() < 0.9 * told["A"].mean() - 1e-12:
        return "look"
    if min(map(len, told.values())) < 350:
        return "wait"
    error = np.sqrt(sum(one.var(ddof=0) / len(one) for one in told.values()))
    return "all" if told["B"].mean() - told["A"].mean() - 1.96 * error > 1e-12 else "wait"

# %% wrong "two percent is too much already" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) >= 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "errors of all times" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B"]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "errors of both arms" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "no least number of requests" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "ratings looked at first" points=0
def rollout(rows, now_s):
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) >= 100:
        pa, pb = sum(a) / len(a), sum(b) / len(b)
        if pb < 0.9 * pa:
            return "look"
        if min(len(a), len(b)) >= 350 and pb - pa > 1.96 * math.sqrt(pa * (1 - pa) / len(a) + pb * (1 - pb) / len(b)):
            return "all"
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    return "back" if len(recent) >= 50 and sum(recent) > 0.02 * len(recent) else "wait"

# %% wrong "missing ratings taken for bad ones" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] or 0 for row in rows if row["arm"] == arm] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "any lead is enough" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b > good_a else "wait"
    ### END SOLUTION

# %% wrong "only B's ratings are counted" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if len(b) < 100 or not a:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if len(b) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "standard deviation without the size of the sample" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) + good_b * (1 - good_b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
    ### END SOLUTION

# %% wrong "an interval of ninety percent" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] > now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.64 * spread > 0 else "wait"

# %% wrong "the border belongs to the last ten minutes" points=0
def rollout(rows, now_s):
    """What to do with the new version now: "back", "look", "all" or "wait"."""
    recent = [row["error"] for row in rows if row["arm"] == "B" and row["t_s"] >= now_s - 600]
    if len(recent) >= 50 and sum(recent) > 0.02 * len(recent):
        return "back"
    a, b = ([row["rating"] for row in rows if row["arm"] == arm and row["rating"] is not None] for arm in "AB")
    if min(len(a), len(b)) < 100:
        return "wait"
    good_a, good_b = sum(a) / len(a), sum(b) / len(b)
    if good_b < 0.9 * good_a:
        return "look"
    spread = math.sqrt(good_a * (1 - good_a) / len(a) + good_b * (1 - good_b) / len(b))
    return "all" if min(len(a), len(b)) >= 350 and good_b - good_a - 1.96 * spread > 0 else "wait"
