# %% right "loops and a running sum"
def over(samples, name, start_s, end_s):
    counter = name.endswith("_total") or name.endswith("_sum") or name.endswith("_count")
    first = last = None
    grown = total = 0.0
    count = 0
    for sample in samples:
        if sample["t_s"] < start_s or sample["t_s"] > end_s:
            continue
        if name not in sample:
            continue
        value = sample[name]
        total += value
        count += 1
        if first is None:
            first = sample["t_s"]
        else:
            grown += value - before if value >= before else value
        before, last = value, sample["t_s"]
    if counter:
        return None if count < 2 else grown / (last - first)
    return None if count == 0 else total / count


def per(log, field, start_s, end_s):
    result = {}
    for name in set(line[field] for line in log):
        if name is None:
            continue
        lines = [line for line in log if line[field] == name and line["t_s"] >= start_s and line["t_s"] < end_s]
        if not lines:
            continue
        row = {"requests": len(lines), "errors": len([1 for line in lines if line["status"] > 499]) / len(lines)}
        row["tokens_per_s"] = sum(line["completion_tokens"] for line in lines) / (end_s - start_s)
        answered = [line for line in lines if line["status"] == 200]
        for key in ("prompt_tokens", "completion_tokens"):
            row[key] = sum(line[key] for line in answered) / len(answered) if answered else None
        for key in ("valid", "grounded"):
            told = [line[key] for line in lines if line[key] is not None]
            row[key] = told.count(True) / len(told) if told else None
        result[name] = row
    return result

# %% right "numpy"
def over(samples, name, start_s, end_s):
    rows = np.array([[s["t_s"], s[name]] for s in samples if name in s and start_s <= s["t_s"] <= end_s], dtype=float).reshape(-1, 2)
    if not any(name.endswith(end) for end in ("_total", "_sum", "_count")):
        return float(rows[:, 1].mean()) if len(rows) else None
    if len(rows) < 2:
        return None
    steps = np.diff(rows[:, 1])
    steps = np.where(steps < 0, rows[1:, 1], steps)
    return float(steps.sum() / (rows[-1, 0] - rows[0, 0]))


def per(log, field, start_s, end_s):
    found = {}
    inside = [line for line in log if start_s <= line["t_s"] < end_s and line[field] is not None]
    for name in sorted({line[field] for line in inside}):
        mine = [line for line in inside if line[field] == name]
        good = [line for line in mine if line["status"] == 200]
        found[name] = dict(
            requests=len(mine),
            errors=float(np.mean([line["status"] >= 500 for line in mine])),
            tokens_per_s=float(np.sum([line["completion_tokens"] for line in mine]) / (end_s - start_s)),
        )
        for key, lines in (("prompt_tokens", good), ("completion_tokens", good), ("valid", mine), ("grounded", mine)):
            values = [float(line[key]) for line in lines if line[key] is not None]
            found[name][key] = float(np.mean(values)) if values else None
    return found

# %% wrong "a new process makes the counter fall" points=2
def over(samples, name, start_s, end_s):
    found = [(s["t_s"], s[name]) for s in samples if start_s <= s["t_s"] <= end_s and name in s]
    if not name.endswith(("_total", "_sum", "_count")):
        return sum(value for _, value in found) / len(found) if found else None
    if len(found) < 2:
        return None
    return (found[-1][1] - found[0][1]) / (found[-1][0] - found[0][0])


def per(log, field, start_s, end_s):
    def mean(values):
        values = [value for value in values if value is not None]
        return sum(values) / len(values) if values else None

    groups = {}
    for line in log:
        if start_s <= line["t_s"] < end_s and line[field] is not None:
            groups.setdefault(line[field], []).append(line)
    return {
        name: {
            "requests": len(lines),
            "errors": sum(line["status"] >= 500 for line in lines) / len(lines),
            "tokens_per_s": sum(line["completion_tokens"] for line in lines) / (end_s - start_s),
            "prompt_tokens": mean(line["prompt_tokens"] for line in lines if line["status"] == 200),
            "completion_tokens": mean(line["completion_tokens"] for line in lines if line["status"] == 200),
            "valid": mean(line["valid"] for line in lines),
            "grounded": mean(line["grounded"] for line in lines),
        }
        for name, lines in groups.items()
    }

# %% wrong "a client's mistakes count as errors" points=2
def over(samples, name, start_s, end_s):
    found = [(s["t_s"], s[name]) for s in samples if start_s <= s["t_s"] <= end_s and name in s]
    if not name.endswith(("_total", "_sum", "_count")):
        return sum(value for _, value in found) / len(found) if found else None
    if len(found) < 2:
        return None
    values = [value for _, value in found]
    grown = sum(b - a if b >= a else b for a, b in zip(values, values[1:]))
    return grown / (found[-1][0] - found[0][0])


def per(log, field, start_s, end_s):
    def mean(values):
        values = [value for value in values if value is not None]
        return sum(values) / len(values) if values else None

    groups = {}
    for line in log:
        if start_s <= line["t_s"] < end_s and line[field] is not None:
            groups.setdefault(line[field], []).append(line)
    return {
        name: {
            "requests": len(lines),
            "errors": sum(line["status"] != 200 for line in lines) / len(lines),
            "tokens_per_s": sum(line["completion_tokens"] for line in lines) / (end_s - start_s),
            "prompt_tokens": mean(line["prompt_tokens"] for line in lines if line["status"] == 200),
            "completion_tokens": mean(line["completion_tokens"] for line in lines if line["status"] == 200),
            "valid": mean(line["valid"] for line in lines),
            "grounded": mean(line["grounded"] for line in lines),
        }
        for name, lines in groups.items()
    }

# %% wrong "no answer counts as not valid" points=2 also="diagnose:6"
def over(samples, name, start_s, end_s):
    found = [(s["t_s"], s[name]) for s in samples if start_s <= s["t_s"] <= end_s and name in s]
    if not name.endswith(("_total", "_sum", "_count")):
        return sum(value for _, value in found) / len(found) if found else None
    if len(found) < 2:
        return None
    values = [value for _, value in found]
    grown = sum(b - a if b >= a else b for a, b in zip(values, values[1:]))
    return grown / (found[-1][0] - found[0][0])


def per(log, field, start_s, end_s):
    groups = {}
    for line in log:
        if start_s <= line["t_s"] < end_s and line[field] is not None:
            groups.setdefault(line[field], []).append(line)
    found = {}
    for name, lines in groups.items():
        good = [line for line in lines if line["status"] == 200]
        found[name] = {
            "requests": len(lines),
            "errors": sum(line["status"] >= 500 for line in lines) / len(lines),
            "tokens_per_s": sum(line["completion_tokens"] for line in lines) / (end_s - start_s),
            "prompt_tokens": sum(line["prompt_tokens"] for line in good) / len(good) if good else None,
            "completion_tokens": sum(line["completion_tokens"] for line in good) / len(good) if good else None,
            "valid": sum(bool(line["valid"]) for line in lines) / len(lines),
            "grounded": sum(bool(line["grounded"]) for line in lines) / len(lines),
        }
    return found

# %% wrong "counters like gauges" points=2 also="diagnose:6"
def over(samples, name, start_s, end_s):
    values = [s[name] for s in samples if start_s <= s["t_s"] <= end_s and name in s]
    return sum(values) / len(values) if values else None


def per(log, field, start_s, end_s):
    def mean(values):
        values = [value for value in values if value is not None]
        return sum(values) / len(values) if values else None

    groups = {}
    for line in log:
        if start_s <= line["t_s"] < end_s and line[field] is not None:
            groups.setdefault(line[field], []).append(line)
    return {
        name: {
            "requests": len(lines),
            "errors": sum(line["status"] >= 500 for line in lines) / len(lines),
            "tokens_per_s": sum(line["completion_tokens"] for line in lines) / (end_s - start_s),
            "prompt_tokens": mean(line["prompt_tokens"] for line in lines if line["status"] == 200),
            "completion_tokens": mean(line["completion_tokens"] for line in lines if line["status"] == 200),
            "valid": mean(line["valid"] for line in lines),
            "grounded": mean(line["grounded"] for line in lines),
        }
        for name, lines in groups.items()
    }
