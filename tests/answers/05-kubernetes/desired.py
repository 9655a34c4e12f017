# %% right "loops and counters"
def desired_replicas(current, pods, target, tolerance=0.1):
    total, known, silent, pending = 0.0, 0, 0, 0
    for pod in pods:
        if pod["state"] == "pending":
            pending += 1
        elif pod["state"] == "running" and pod["value"] is None:
            silent += 1
        elif pod["state"] == "running":
            total += pod["value"]
            known += 1
    if known == 0:
        return None
    first = total / (known * target)
    if first < 1:
        total += silent * target
        count = known + silent
    elif first > 1:
        count = known + silent + pending
    else:
        return current
    second = total / (count * target)
    if 1 - tolerance <= second <= 1 + tolerance:
        return current
    if (first - 1) * (second - 1) < 0:
        return current
    result = math.ceil(second * count)
    if count != known and ((second > 1 and result < current) or (second < 1 and result > current)):
        return current
    return result


def combined(current, wants):
    best, complete = None, True
    for want in wants:
        if want is None:
            complete = False
        elif best is None or want > best:
            best = want
    if best is None or (not complete and best < current):
        return current
    return best

# %% right "numpy, with the parts named"
def desired_replicas(current, pods, target, tolerance=0.1):
    staying = [p for p in pods if p["state"] != "leaving"]
    values = np.array([p["value"] for p in staying if p["state"] == "running" and p["value"] is not None], dtype=float)
    if values.size == 0:
        return None
    no_value = sum(1 for p in staying if p["state"] == "running" and p["value"] is None)
    waiting = sum(1 for p in staying if p["state"] == "pending")

    def ratio(array):
        return array.mean() / target

    before = ratio(values)
    if no_value == 0 and (waiting == 0 or before <= 1):
        return current if 1 - tolerance <= before <= 1 + tolerance else int(np.ceil(before * values.size))
    filled = np.concatenate([values, np.full(no_value, target)]) if before < 1 else np.concatenate([values, np.zeros(no_value + waiting)])
    after = ratio(filled)
    if abs(after - 1) <= tolerance or np.sign(after - 1) != np.sign(before - 1):
        return current
    number = int(np.ceil(after * filled.size))
    return number if (number - current) * (after - 1) > 0 else current


def combined(current, wants):
    said = [w for w in wants if w is not None]
    return max(said + [current]) if None in wants else max(said, default=current)

# %% wrong "the formula of the documentation only" points=0
def desired_replicas(current, pods, target, tolerance=0.1):
    values = [p["value"] for p in pods if p["state"] == "running" and p["value"] is not None]
    if not values:
        return None
    ratio = sum(values) / len(values) / target
    return current if abs(ratio - 1) <= tolerance else math.ceil(current * ratio)


def combined(current, wants):
    return max([w for w in wants if w is not None], default=current)

# %% wrong "rounded instead of up" points=0
def desired_replicas(current, pods, target, tolerance=0.1):
    running = [p["value"] for p in pods if p["state"] == "running"]
    values = [v for v in running if v is not None]
    if not values:
        return None
    missing, pending = len(running) - len(values), sum(p["state"] == "pending" for p in pods)
    ratio = sum(values) / len(values) / target
    if ratio < 1:
        values += [target] * missing
    elif ratio > 1:
        values += [0] * (missing + pending)
    again = sum(values) / len(values) / target
    if abs(again - 1) <= tolerance or (again < 1) != (ratio < 1):
        return current
    return round(again * len(values))


def combined(current, wants):
    known = [w for w in wants if w is not None]
    if not known:
        return current
    return max(known) if len(known) == len(wants) else max(*known, current)

# %% wrong "no tolerance" points=0
def desired_replicas(current, pods, target, tolerance=0.1):
    running = [p["value"] for p in pods if p["state"] == "running"]
    values = [v for v in running if v is not None]
    if not values:
        return None
    missing, pending = len(running) - len(values), sum(p["state"] == "pending" for p in pods)
    ratio = sum(values) / len(values) / target
    values += [target] * missing if ratio < 1 else [0] * (missing + pending)
    return math.ceil(sum(values) / target)


def combined(current, wants):
    known = [w for w in wants if w is not None]
    if not known:
        return current
    return max(known) if len(known) == len(wants) else max(*known, current)

# %% wrong "pending pods count in both directions" points=0
def desired_replicas(current, pods, target, tolerance=0.1):
    here = [p for p in pods if p["state"] != "leaving"]
    values = [p["value"] for p in here if p["state"] == "running" and p["value"] is not None]
    if not values:
        return None
    gaps = len(here) - len(values)
    ratio = sum(values) / len(values) / target
    if not gaps:
        return current if abs(ratio - 1) <= tolerance else math.ceil(ratio * len(values))
    values += [target if ratio < 1 else 0] * gaps
    again = sum(values) / len(values) / target
    if abs(again - 1) <= tolerance or (again < 1) != (ratio < 1):
        return current
    wanted = math.ceil(again * len(values))
    return max(wanted, current) if again > 1 else min(wanted, current)


def combined(current, wants):
    known = [w for w in wants if w is not None]
    if not known:
        return current
    return max(known) if len(known) == len(wants) else max(*known, current)

# %% wrong "a missing metric does not stop a scale-down" points=0
def desired_replicas(current, pods, target, tolerance=0.1):
    running = [pod["value"] for pod in pods if pod["state"] == "running"]
    values = [value for value in running if value is not None]
    if not values:
        return None
    missing = len(running) - len(values)
    pending = sum(pod["state"] == "pending" for pod in pods)
    ratio = sum(values) / len(values) / target
    if missing == 0 and (pending == 0 or ratio <= 1):
        return current if abs(ratio - 1) <= tolerance else math.ceil(ratio * len(values))
    values += [target] * missing if ratio < 1 else [0] * (missing + pending)
    again = sum(values) / len(values) / target
    if abs(again - 1) <= tolerance or (again < 1) != (ratio < 1):
        return current
    wanted = math.ceil(again * len(values))
    return max(wanted, current) if again > 1 else min(wanted, current)


def combined(current, wants):
    return max([want for want in wants if want is not None], default=current)

# %% wrong "leaving pods are counted" points=0
def desired_replicas(current, pods, target, tolerance=0.1):
    running = [pod["value"] for pod in pods if pod["state"] != "pending"]
    values = [value for value in running if value is not None]
    if not values:
        return None
    missing = len(running) - len(values)
    pending = sum(pod["state"] == "pending" for pod in pods)
    ratio = sum(values) / len(values) / target
    if missing == 0 and (pending == 0 or ratio <= 1):
        return current if abs(ratio - 1) <= tolerance else math.ceil(ratio * len(values))
    values += [target] * missing if ratio < 1 else [0] * (missing + pending)
    again = sum(values) / len(values) / target
    if abs(again - 1) <= tolerance or (again < 1) != (ratio < 1):
        return current
    wanted = math.ceil(again * len(values))
    return max(wanted, current) if again > 1 else min(wanted, current)


def combined(current, wants):
    known = [want for want in wants if want is not None]
    if not known:
        return current
    return max(known) if len(known) == len(wants) else max(*known, current)
