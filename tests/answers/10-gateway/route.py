# %% right "one key for all"
def route(body, backends, tokenizer="words"):
    wishes = body.get("metadata") or {}
    size = gateway.count_tokens(body["messages"], tokenizer)
    limit = float(wishes["max_latency_s"]) if "max_latency_s" in wishes else None
    found = []
    for place, backend in enumerate(backends):
        if body["model"] == "auto":
            fits = wishes.get("task", "chat") in backend["tasks"]
        else:
            fits = backend["model"] == body["model"]
        if not fits or size + body["max_tokens"] > backend["context"]:
            continue
        takes = backend["ttft_s"] + body["max_tokens"] * backend["tpot_s"]
        costs = size * backend["input_usd"] + body["max_tokens"] * backend["output_usd"]
        late = limit is not None and takes > limit
        found.append((late, takes if late else costs, place, backend["name"]))
    if not found:
        raise LookupError("nobody can answer this")
    return [row[-1] for row in sorted(found)]

# %% right "sorted twice, by the lesser key first"
def route(body, backends, tokenizer="words"):
    metadata = body.get("metadata")
    if metadata is None:
        metadata = {}
    prompt, tokens = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] != "auto":
        chosen = list(filter(lambda b: b["model"] == body["model"], backends))
    else:
        task = metadata["task"] if "task" in metadata else "chat"
        chosen = list(filter(lambda b: task in b["tasks"], backends))
    chosen = [b for b in chosen if b["context"] >= prompt + tokens]
    if len(chosen) == 0:
        raise KeyError(body["model"])
    time_of = {b["name"]: b["ttft_s"] + tokens * b["tpot_s"] for b in chosen}
    price_of = {b["name"]: prompt * b["input_usd"] / 1e6 + tokens * b["output_usd"] / 1e6 for b in chosen}
    names = [b["name"] for b in chosen]
    limit = float(metadata.get("max_latency_s", math.inf))
    quick = [name for name in names if time_of[name] <= limit]
    slow = [name for name in names if name not in quick]
    return sorted(quick, key=price_of.get) + sorted(slow, key=time_of.get)

# %% wrong "the first that can" points=0 also="gateway:13"
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = [b for b in able if seconds(b) <= most_s]
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late]

# %% wrong "only the prompt's price" points=0
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late]

# %% wrong "those that are late are left out" points=0
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time]

# %% wrong "the best only" points=0 also="gateway:9"
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late][:1]

# %% wrong "a named model must have the task as well" points=0
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"] and metadata.get("task", "chat") in b["tasks"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late]

# %% wrong "the answer needs no room" points=0
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late]

# %% wrong "late ones by price too" points=0
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=price)
    return [b["name"] for b in in_time + late]

# %% wrong "an empty list instead of an error" points=0 also="gateway:10"
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"] + answer * b["tpot_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late]

# %% wrong "only the time to the first token counts" points=0
def route(body, backends, tokenizer="words"):
    """The names of the back ends that may answer, the best first."""
    metadata = body.get("metadata") or {}
    prompt, answer = gateway.count_tokens(body["messages"], tokenizer), body["max_tokens"]
    if body["model"] == "auto":
        able = [b for b in backends if metadata.get("task", "chat") in b["tasks"]]
    else:
        able = [b for b in backends if b["model"] == body["model"]]
    able = [b for b in able if prompt + answer <= b["context"]]
    if not able:
        raise LookupError(f"no back end for model {body['model']!r}, task {metadata.get('task', 'chat')!r} and {prompt + answer} tokens")
    most_s = float(metadata.get("max_latency_s", "inf"))

    def seconds(b):
        return b["ttft_s"]

    def price(b):
        return prompt * b["input_usd"] + answer * b["output_usd"]

    in_time = sorted((b for b in able if seconds(b) <= most_s), key=price)
    late = sorted((b for b in able if seconds(b) > most_s), key=seconds)
    return [b["name"] for b in in_time + late]
