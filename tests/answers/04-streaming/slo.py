# %% right "the course's own percentile"
from servelab.load import percentile


def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    errors = sum(bool(r["error"]) for r in requests)
    waits = [r["ttft_s"] for r in requests if not r["error"]]
    p95 = percentile(waits, 95) if waits else None
    good = 0
    for r in requests:
        if r["error"] or r["ttft_s"] > ttft_goal_s:
            continue
        if r["tpot_s"] is not None and r["tpot_s"] > tpot_goal_s:
            continue
        good += 1
    return dict(
        requests=len(requests), errors=errors, p95_ttft_s=p95, p95_met=bool(waits) and p95 <= ttft_goal_s,
        attainment=good / len(requests) if requests else None, goodput_rps=good / wall_s,
    )

# %% right "arrays with NaN"
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    ok = np.array([r["error"] is None for r in requests], dtype=bool)
    ttft = np.array([np.nan if r["ttft_s"] is None else r["ttft_s"] for r in requests], dtype=float)
    tpot = np.array([0.0 if r["tpot_s"] is None else r["tpot_s"] for r in requests], dtype=float)
    good = int((ok & (ttft <= ttft_goal_s) & (tpot <= tpot_goal_s)).sum())
    p95 = float(np.quantile(ttft[ok], 0.95)) if ok.any() else None
    return {
        "requests": len(requests), "errors": int((~ok).sum()), "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": good / len(requests) if requests else None, "goodput_rps": good / wall_s,
    }

# %% wrong "failed requests left out of the share" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(answered) if answered else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "throughput called goodput" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(answered) / wall_s,
    }

# %% wrong "only TTFT looked at" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "an answer of one token misses the goal" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is not None and r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "nearest rank instead of interpolation" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(sorted(r["ttft_s"] for r in answered)[int(0.95 * len(answered))]) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "the mean instead of the p95" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.mean([r["ttft_s"] for r in answered])) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "the goal itself misses" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] < ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] < tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 < ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "p95 met although nobody was answered" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is None or p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }

# %% wrong "no requests divide by zero" points=0
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests),
        "goodput_rps": len(good) / wall_s,
    }

# %% right "a stack, emptied from its end"
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    total, errors, good, times = len(requests), 0, 0, []
    while requests:
        r = requests.pop()
        if r["error"] is not None:
            errors += 1
            continue
        r["tpot_s"] = r["tpot_s"] or 0.0
        times.append(r["ttft_s"])
        good += r["ttft_s"] <= ttft_goal_s and r["tpot_s"] <= tpot_goal_s
    p95 = float(np.percentile(times, 95)) if times else None
    return {
        "requests": total,
        "errors": errors,
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": good / total if total else None,
        "goodput_rps": good / wall_s,
    }
