# %% right "request by request"
def savings(log, prices, reference):
    total = dict.fromkeys(("baseline", "routing", "cache", "lost", "spent"), 0.0)
    hits = 0
    for request in log:
        tokens = np.array([request["prompt_tokens"], request["completion_tokens"]], float)
        alone, chosen = (float(tokens @ np.array(prices[model])) / 1e6 for model in (reference, request["model"]))
        total["baseline"] += alone
        total["routing"] += alone - chosen
        if request["cached"]:
            hits += 1
            total["cache"] += chosen
        else:
            total["spent"] += chosen
        for model, prompt, completion in request["lost"]:
            cost = (prompt * prices[model][0] + completion * prices[model][1]) / 1e6
            total["lost"] += cost
            total["spent"] += cost
    total["share"] = None if total["baseline"] == 0 else (total["baseline"] - total["spent"]) / total["baseline"]
    total["hit_ratio"] = hits / len(log) if len(log) else None
    return total

# %% right "a table"
import pandas as pd


def savings(log, prices, reference):
    def cost(model, prompt, completion):
        a, b = prices[model]
        return prompt / 1e6 * a + completion / 1e6 * b

    if len(log) == 0:
        return {"baseline": 0, "routing": 0, "cache": 0, "lost": 0, "spent": 0, "share": None, "hit_ratio": None}
    table = pd.DataFrame(log)
    table["alone"] = [cost(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log]
    table["chosen"] = [cost(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    baseline = float(table["alone"].sum())
    routing = baseline - float(table["chosen"].sum())
    cache = float(table.loc[table["cached"].astype(bool), "chosen"].sum())
    lost = sum(cost(*one) for r in log for one in r["lost"])
    spent = baseline - routing - cache + lost
    return {
        "baseline": baseline, "routing": routing, "cache": cache, "lost": lost, "spent": spent,
        "share": 1 - spent / baseline if baseline else None, "hit_ratio": float(table["cached"].mean()),
    }

# %% wrong "the cache saves at the reference's price" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return (prompt * prices[model][0] + completion * prices[model][1]) / 1e6

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache + lost
    return {
        "baseline": baseline,
        "routing": baseline - sum(routed),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": 1 - spent / baseline if baseline else None,
        "hit_ratio": sum(1 for r in log if r["cached"]) / len(log) if log else None,
    }

# %% wrong "what was lost is forgotten" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return (prompt * prices[model][0] + completion * prices[model][1]) / 1e6

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(cost for cost, r in zip(routed, log) if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache
    return {
        "baseline": baseline,
        "routing": baseline - sum(routed),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": 1 - spent / baseline if baseline else None,
        "hit_ratio": sum(1 for r in log if r["cached"]) / len(log) if log else None,
    }

# %% wrong "routing counts what was not cached only" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return (prompt * prices[model][0] + completion * prices[model][1]) / 1e6

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(cost for cost, r in zip(routed, log) if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache + lost
    return {
        "baseline": baseline,
        "routing": sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) - c for c, r in zip(routed, log) if not r["cached"]),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": 1 - spent / baseline if baseline else None,
        "hit_ratio": sum(1 for r in log if r["cached"]) / len(log) if log else None,
    }

# %% wrong "prices by the thousand" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return (prompt * prices[model][0] + completion * prices[model][1]) / 1e3

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(cost for cost, r in zip(routed, log) if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache + lost
    return {
        "baseline": baseline,
        "routing": baseline - sum(routed),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": 1 - spent / baseline if baseline else None,
        "hit_ratio": sum(1 for r in log if r["cached"]) / len(log) if log else None,
    }

# %% wrong "one price for both kinds of tokens" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return ((prompt + completion) * prices[model][1]) / 1e6

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(cost for cost, r in zip(routed, log) if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache + lost
    return {
        "baseline": baseline,
        "routing": baseline - sum(routed),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": 1 - spent / baseline if baseline else None,
        "hit_ratio": sum(1 for r in log if r["cached"]) / len(log) if log else None,
    }

# %% wrong "shares are added up" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return (prompt * prices[model][0] + completion * prices[model][1]) / 1e6

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(cost for cost, r in zip(routed, log) if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache + lost
    return {
        "baseline": baseline,
        "routing": baseline - sum(routed),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": (1 - sum(routed) / baseline) + sum(1 for r in log if r["cached"]) / len(log) if baseline else None,
        "hit_ratio": sum(1 for r in log if r["cached"]) / len(log) if log else None,
    }

# %% wrong "the hit ratio by cost" points=0
def savings(log, prices, reference):
    """What was spent, what it would have been, and which part saved what."""

    def usd(model, prompt, completion):
        return (prompt * prices[model][0] + completion * prices[model][1]) / 1e6

    baseline = sum(usd(reference, r["prompt_tokens"], r["completion_tokens"]) for r in log)
    routed = [usd(r["model"], r["prompt_tokens"], r["completion_tokens"]) for r in log]
    cache = sum(cost for cost, r in zip(routed, log) if r["cached"])
    lost = sum(usd(*row) for r in log for row in r["lost"])
    spent = sum(routed) - cache + lost
    return {
        "baseline": baseline,
        "routing": baseline - sum(routed),
        "cache": cache,
        "lost": lost,
        "spent": spent,
        "share": 1 - spent / baseline if baseline else None,
        "hit_ratio": cache / sum(routed) if log else None,
    }
