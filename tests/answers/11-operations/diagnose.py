# %% right "a table of readings by name, with own arithmetic"
def diagnose(evidence):
    end, log = evidence["until_s"], evidence["log"]
    nothing = dict(cause="healthy", where=None, since_s=None, proof={})

    dead = [name for name, rows in evidence["metrics"].items() if rows[-1]["up"] == 0]
    if dead:
        rows = evidence["metrics"][dead[0]]
        alive = [row["t_s"] for row in rows if row["up"]]
        failed = [line["t_s"] for line in log if line["replica"] == dead[0] and line["status"] >= 500]
        down = min(row["t_s"] for row in rows if not alive or row["t_s"] > alive[-1])
        since = min([down, *[t for t in failed if not alive or t > alive[-1] - 5]])
        mine = [line["status"] >= 500 for line in log if line["replica"] == dead[0] and since <= line["t_s"] < end]
        proof = {"up": sum(row["up"] for row in rows if row["t_s"] >= since) / len([row for row in rows if row["t_s"] >= since])}
        if mine:
            proof["errors"] = sum(mine) / len(mine)
        return dict(cause="dead replica", where=dead[0], since_s=since, proof=proof)

    def judged(kind, version, mark):
        table = {}
        for line in log:
            if line[kind] is not None and line[mark] is not None:
                table.setdefault((line[kind], line[version]), []).append((line["t_s"], line[mark]))
        for (name, _), told in table.items():
            if len(told) > 5 and [good for _, good in told].count(False) > 0.4 * len(told):
                since = min(told)[0]
                later = [line[mark] for line in log if line[kind] == name and line[mark] is not None and since <= line["t_s"] < end]
                return name, since, sum(later) / len(later)
        return None

    for cause, kind, version, mark in (("bad adapter", "model", "revision", "valid"), ("stale index", "index", "index", "grounded")):
        found = judged(kind, version, mark)
        if found:
            return dict(cause=cause, where=found[0], since_s=found[1], proof={mark: found[2]})

    queues = []
    for rows in evidence["metrics"].values():
        late = [row["vllm:num_requests_waiting"] for row in rows if row["t_s"] > end - 0.12 * end]
        queues.append(sum(late) / len(late))
    if sum(queues) < 3:
        return nothing
    preempted = sum(rows[-1]["vllm:num_preemptions_total"] - rows[0]["vllm:num_preemptions_total"] for rows in evidence["metrics"].values())
    key, times = ("prompt_tokens", 8) if preempted > 0 else ("completion_tokens", 4)
    sizes = sorted(line[key] for line in log)
    usual = sizes[len(sizes) // 2]
    count = {}
    for line in log:
        if line[key] >= times * usual:
            count.setdefault(line["client"], []).append(line["t_s"])
    if not count:
        return nothing
    client = max(count, key=lambda name: len(count[name]))
    since = min(count[client])
    values = [line[key] for line in log if line["client"] == client and line["t_s"] >= since and line["t_s"] < end and line["status"] == 200]
    return dict(cause="kv cache full" if preempted > 0 else "long generations", where=client, since_s=since, proof={key: sum(values) / len(values)})

# %% right "before and after, client by client"
def diagnose(evidence):
    metrics, log, until = evidence["metrics"], evidence["log"], evidence["until_s"]

    def answer(cause, where, since, **proof):
        return {"cause": cause, "where": where, "since_s": since, "proof": proof}

    for replica in metrics:
        samples = metrics[replica]
        downs = [s["t_s"] for s in samples if not s["up"]]
        if downs and samples[-1]["t_s"] == downs[-1]:
            return answer("dead replica", replica, downs[0], up=over(samples, "up", downs[0], until), errors=per(log, "replica", downs[0], until).get(replica, {"errors": 0})["errors"])

    adapters = sorted({(line["model"], line["revision"]) for line in log if line["revision"] is not None})
    for model, revision in adapters:
        lines = [line for line in log if (line["model"], line["revision"]) == (model, revision)]
        good = per(lines, "model", 0, until)[model]["valid"]
        if len(lines) >= 8 and good is not None and good < 0.7:
            start = min(line["t_s"] for line in lines)
            return answer("bad adapter", model, start, valid=per(log, "model", start, until)[model]["valid"])
    for name, row in per(log, "index", 0, until).items():
        if row["grounded"] is not None and row["requests"] >= 8 and row["grounded"] < 0.68:
            start = min(line["t_s"] for line in log if line["index"] == name)
            return answer("stale index", name, start, grounded=per(log, "index", start, until)[name]["grounded"])

    waiting = [over(samples, "vllm:num_requests_waiting", until * 0.88, until) for samples in metrics.values()]
    if sum(value for value in waiting if value is not None) > 3:
        kv = any((over(samples, "vllm:num_preemptions_total", 0, until) or 0) > 0 for samples in metrics.values())
        size = "prompt_tokens" if kv else "completion_tokens"
        usual = float(np.median([line[size] for line in log]))
        heavy = [(line["client"], line["t_s"]) for line in log if line[size] > usual * (8 if kv else 4)]
        if heavy:
            names = [name for name, _ in heavy]
            who = max(set(names), key=names.count)
            start = min(t for name, t in heavy if name == who)
            row = per(log, "client", start, until)[who]
            if kv:
                rate = sum(over(samples, "vllm:num_preemptions_total", start, until) for samples in metrics.values())
                return answer("kv cache full", who, start, preemptions_per_s=rate)
            return answer("long generations", who, start, tokens_per_s=row["tokens_per_s"], completion_tokens=row["completion_tokens"])
    return answer("healthy", None, None)

# %% wrong "everything is fine" points=0
def diagnose(evidence):
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}

# %% wrong "an alarm for every queue" points=0
def diagnose(evidence):
    metrics, log, until_s = evidence["metrics"], evidence["log"], evidence["until_s"]
    for name, samples in metrics.items():
        if not samples[-1]["up"]:
            return {"cause": "dead replica", "where": name, "since_s": None, "proof": {}}
    for cause, field, quality in (("bad adapter", "model", "valid"), ("stale index", "index", "grounded")):
        for name in {line[field] for line in log if line[field] is not None and line[quality] is not None}:
            told = [line[quality] for line in log if line[field] == name and line[quality] is not None][-30:]
            if sum(told) < 0.65 * len(told):
                return {"cause": cause, "where": name, "since_s": None, "proof": {}}
    if any(s.get("vllm:num_preemptions_total") for samples in metrics.values() for s in samples):
        return {"cause": "kv cache full", "where": None, "since_s": None, "proof": {}}
    if any(s.get("vllm:num_requests_waiting") for samples in metrics.values() for s in samples):
        return {"cause": "long generations", "where": None, "since_s": None, "proof": {}}
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}

# %% wrong "right causes, and the client with the most requests" points=4
def diagnose(evidence):
    metrics, log, until_s = evidence["metrics"], evidence["log"], evidence["until_s"]
    for name, samples in metrics.items():
        if not samples[-1]["up"]:
            return {"cause": "dead replica", "where": name, "since_s": min(s["t_s"] for s in samples if not s["up"]), "proof": {}}
    for cause, field, quality in (("bad adapter", "model", "valid"), ("stale index", "index", "grounded")):
        versions = {}
        for line in log:
            if line[field] is not None and line[quality] is not None:
                versions.setdefault((line[field], line["revision"]), []).append(line)
        for (name, _), lines in versions.items():
            if len(lines) >= 6 and sum(line[quality] for line in lines) < 0.65 * len(lines):
                return {"cause": cause, "where": name, "since_s": lines[0]["t_s"], "proof": {}}
    waiting = sum(over(samples, "vllm:num_requests_waiting", 0.9 * until_s, until_s) for samples in metrics.values())
    if waiting >= 2.5:
        preempted = any(samples[-1]["vllm:num_preemptions_total"] for samples in metrics.values())
        clients = [line["client"] for line in log]
        return {"cause": "kv cache full" if preempted else "long generations", "where": max(set(clients), key=clients.count), "since_s": 300, "proof": {}}
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}

# %% wrong "knows cause and place, and guesses the time" points=4
def diagnose(evidence):
    metrics, log, until_s = evidence["metrics"], evidence["log"], evidence["until_s"]
    since_s = until_s / 2
    for name, samples in metrics.items():
        if not samples[-1]["up"]:
            return {"cause": "dead replica", "where": name, "since_s": since_s, "proof": {"up": over(samples, "up", since_s, until_s)}}
    for cause, field, quality in (("bad adapter", "model", "valid"), ("stale index", "index", "grounded")):
        versions = {}
        for line in log:
            if line[field] is not None and line[quality] is not None:
                versions.setdefault((line[field], line["revision"]), []).append(line)
        for (name, _), lines in versions.items():
            if len(lines) >= 6 and sum(line[quality] for line in lines) < 0.65 * len(lines):
                return {"cause": cause, "where": name, "since_s": since_s, "proof": {quality: per(log, field, since_s, until_s)[name][quality]}}
    waiting = sum(over(samples, "vllm:num_requests_waiting", 0.9 * until_s, until_s) for samples in metrics.values())
    if waiting >= 2.5:
        preempted = any(samples[-1]["vllm:num_preemptions_total"] for samples in metrics.values())
        size = "prompt_tokens" if preempted else "completion_tokens"
        usual = statistics.median(line[size] for line in log)
        clients = [line["client"] for line in log if line[size] > (8 if preempted else 4) * usual]
        where = max(set(clients), key=clients.count)
        return {"cause": "kv cache full" if preempted else "long generations", "where": where, "since_s": since_s, "proof": {size: per(log, "client", since_s, until_s)[where][size]}}
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}

# %% wrong "proves it with the whole recording" points=6
def diagnose(evidence):
    metrics, log, until_s = evidence["metrics"], evidence["log"], evidence["until_s"]
    for name, samples in metrics.items():
        if not samples[-1]["up"]:
            since_s = min(s["t_s"] for s in samples if not s["up"])
            return {"cause": "dead replica", "where": name, "since_s": since_s, "proof": {"up": over(samples, "up", 0, until_s)}}
    for cause, field, quality in (("bad adapter", "model", "valid"), ("stale index", "index", "grounded")):
        versions = {}
        for line in log:
            if line[field] is not None and line[quality] is not None:
                versions.setdefault((line[field], line["revision"]), []).append(line)
        for (name, _), lines in versions.items():
            if len(lines) >= 6 and sum(line[quality] for line in lines) < 0.65 * len(lines):
                since_s = min(line["t_s"] for line in lines)
                return {"cause": cause, "where": name, "since_s": since_s, "proof": {quality: per(log, field, 0, until_s)[name][quality]}}
    waiting = sum(over(samples, "vllm:num_requests_waiting", 0.9 * until_s, until_s) for samples in metrics.values())
    if waiting >= 2.5:
        preempted = any(samples[-1]["vllm:num_preemptions_total"] for samples in metrics.values())
        size = "prompt_tokens" if preempted else "completion_tokens"
        usual = statistics.median(line[size] for line in log)
        large = [line for line in log if line[size] > (8 if preempted else 4) * usual]
        clients = [line["client"] for line in large]
        where = max(set(clients), key=clients.count)
        since_s = min(line["t_s"] for line in large if line["client"] == where)
        return {"cause": "kv cache full" if preempted else "long generations", "where": where, "since_s": since_s, "proof": {size: per(log, "client", 0, until_s)[where][size]}}
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}

# %% wrong "whoever is new did it" points=4
def diagnose(evidence):
    metrics, log, until_s = evidence["metrics"], evidence["log"], evidence["until_s"]
    for name, samples in metrics.items():
        if not samples[-1]["up"]:
            since_s = min(s["t_s"] for s in samples if not s["up"])
            return {"cause": "dead replica", "where": name, "since_s": since_s, "proof": {"up": over(samples, "up", since_s, until_s)}}
    for cause, field, quality in (("bad adapter", "model", "valid"), ("stale index", "index", "grounded")):
        versions = {}
        for line in log:
            if line[field] is not None and line[quality] is not None:
                versions.setdefault((line[field], line["revision"]), []).append(line)
        for (name, _), lines in versions.items():
            if len(lines) >= 6 and sum(line[quality] for line in lines) < 0.65 * len(lines):
                since_s = min(line["t_s"] for line in lines)
                return {"cause": cause, "where": name, "since_s": since_s, "proof": {quality: per(log, field, since_s, until_s)[name][quality]}}
    waiting = sum(over(samples, "vllm:num_requests_waiting", 0.9 * until_s, until_s) for samples in metrics.values())
    if waiting >= 2.5:
        preempted = any(samples[-1]["vllm:num_preemptions_total"] for samples in metrics.values())
        first = {}
        for line in log:
            first[line["client"]] = min(line["t_s"], first.get(line["client"], until_s))
        where = max(first, key=first.get)
        since_s = first[where]
        size = "prompt_tokens" if preempted else "completion_tokens"
        return {"cause": "kv cache full" if preempted else "long generations", "where": where, "since_s": since_s, "proof": {size: per(log, "client", since_s, until_s)[where][size]}}
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}
