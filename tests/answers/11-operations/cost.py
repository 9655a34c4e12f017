# %% right "a factor for each key first"
def monthly_cost(fleet, levers):
    chosen = set()
    for lever in levers:
        if lever["name"] in chosen:
            raise ValueError(f"{lever['name']} twice")
        chosen.add(lever["name"])
    for lever in levers:
        if chosen & set(lever["instead_of"]):
            raise ValueError(f"{lever['name']} stands instead of another")
    value = {}
    for key in fleet:
        value[key] = fleet[key]
        for lever in levers:
            value[key] = value[key] * lever["factors"].get(key, 1)
    needed = math.ceil(value["peak_tokens_per_s"] / value["replica_tokens_per_s"] - 1e-9)
    least = math.ceil(value["replicas_at_least"] - 1e-9)
    cards = math.ceil(value["cards"] - 1e-9)
    if cards < 1:
        cards = 1
    return max(needed, least) * cards * value["usd_per_card_hour"] * value["hours"]


def savings(fleet, levers):
    today = monthly_cost(fleet, [])
    alone, steps, left = {}, [], today
    for number, lever in enumerate(levers, start=1):
        alone[lever["name"]] = today - monthly_cost(fleet, [lever])
        now = monthly_cost(fleet, levers[:number])
        steps.append([lever["name"], left - now])
        left = now
    return dict(alone=alone, added=sum(alone.values()), together=today - left, steps=steps)

# %% right "products of logarithms' kin"
def monthly_cost(fleet, levers):
    from itertools import combinations

    for one, other in combinations(levers, 2):
        if one["name"] == other["name"] or one["name"] in other["instead_of"] or other["name"] in one["instead_of"]:
            raise ValueError("not together")
    now = {key: value * math.prod([lever["factors"].get(key, 1.0) for lever in levers]) for key, value in fleet.items()}

    def up(number):
        nearest = round(number)
        return nearest if abs(number - nearest) < 1e-9 else math.ceil(number)

    count = max(up(now["replicas_at_least"]), up(now["peak_tokens_per_s"] / now["replica_tokens_per_s"]))
    return count * max(up(now["cards"]), 1) * now["usd_per_card_hour"] * now["hours"]


def savings(fleet, levers):
    def saved(some):
        return monthly_cost(fleet, []) - monthly_cost(fleet, some)

    totals = [saved(levers[:n]) for n in range(len(levers) + 1)]
    return {
        "together": totals[-1],
        "alone": {lever["name"]: saved([lever]) for lever in levers},
        "added": sum(saved([lever]) for lever in levers),
        "steps": [(lever["name"], after - before) for lever, before, after in zip(levers, totals, totals[1:])],
    }

# %% wrong "savings are added" points=0
def monthly_cost(fleet, levers):
    today = fleet["replicas_at_least"] * fleet["cards"] * fleet["usd_per_card_hour"] * fleet["hours"]
    share = sum(1 - math.prod(lever["factors"].values()) for lever in levers)
    return today * max(0, 1 - share)


def savings(fleet, levers):
    costs = [monthly_cost(fleet, levers[:count]) for count in range(len(levers) + 1)]
    alone = {lever["name"]: costs[0] - monthly_cost(fleet, [lever]) for lever in levers}
    steps = [(lever["name"], costs[n] - costs[n + 1]) for n, lever in enumerate(levers)]
    return {"alone": alone, "added": sum(alone.values()), "together": costs[0] - costs[-1], "steps": steps}

# %% wrong "rounds up after each lever" points=0
def monthly_cost(fleet, levers):
    names = [lever["name"] for lever in levers]
    if len(set(names)) < len(names) or any(other in names for lever in levers for other in lever["instead_of"]):
        raise ValueError(f"these cannot be combined: {', '.join(names)}")
    now = dict(fleet)
    for lever in levers:
        for key, factor in lever["factors"].items():
            now[key] *= factor
        now["cards"] = math.ceil(now["cards"] - 1e-9)
        now["replicas_at_least"] = math.ceil(now["replicas_at_least"] - 1e-9)
    replicas = max(now["replicas_at_least"], math.ceil(now["peak_tokens_per_s"] / now["replica_tokens_per_s"] - 1e-9))
    return replicas * max(1, now["cards"]) * now["usd_per_card_hour"] * now["hours"]


def savings(fleet, levers):
    costs = [monthly_cost(fleet, levers[:count]) for count in range(len(levers) + 1)]
    alone = {lever["name"]: costs[0] - monthly_cost(fleet, [lever]) for lever in levers}
    steps = [(lever["name"], costs[n] - costs[n + 1]) for n, lever in enumerate(levers)]
    return {"alone": alone, "added": sum(alone.values()), "together": costs[0] - costs[-1], "steps": steps}

# %% wrong "parts of a replica can be rented" points=0
def monthly_cost(fleet, levers):
    names = [lever["name"] for lever in levers]
    if len(set(names)) < len(names) or any(other in names for lever in levers for other in lever["instead_of"]):
        raise ValueError("not together")
    now = dict(fleet)
    for lever in levers:
        for key, factor in lever["factors"].items():
            now[key] *= factor
    replicas = now["peak_tokens_per_s"] / now["replica_tokens_per_s"]
    return replicas * now["cards"] * now["usd_per_card_hour"] * now["hours"]


def savings(fleet, levers):
    costs = [monthly_cost(fleet, levers[:count]) for count in range(len(levers) + 1)]
    alone = {lever["name"]: costs[0] - monthly_cost(fleet, [lever]) for lever in levers}
    steps = [(lever["name"], costs[n] - costs[n + 1]) for n, lever in enumerate(levers)]
    return {"alone": alone, "added": sum(alone.values()), "together": costs[0] - costs[-1], "steps": steps}

# %% wrong "levers exclude each other only in one order" points=0
def monthly_cost(fleet, levers):
    seen = []
    now = dict(fleet)
    for lever in levers:
        if lever["name"] in seen or any(lever["name"] in other["instead_of"] for other in levers[: len(seen)]):
            raise ValueError("not together")
        seen.append(lever["name"])
        for key, factor in lever["factors"].items():
            now[key] *= factor
    replicas = max(math.ceil(now["replicas_at_least"] - 1e-9), math.ceil(now["peak_tokens_per_s"] / now["replica_tokens_per_s"] - 1e-9))
    return replicas * max(1, math.ceil(now["cards"] - 1e-9)) * now["usd_per_card_hour"] * now["hours"]


def savings(fleet, levers):
    costs = [monthly_cost(fleet, levers[:count]) for count in range(len(levers) + 1)]
    alone = {lever["name"]: costs[0] - monthly_cost(fleet, [lever]) for lever in levers}
    steps = [(lever["name"], costs[n] - costs[n + 1]) for n, lever in enumerate(levers)]
    return {"alone": alone, "added": sum(alone.values()), "together": costs[0] - costs[-1], "steps": steps}
