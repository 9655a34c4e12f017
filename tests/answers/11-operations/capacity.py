# %% right "step by step, with whole numbers only"
def wrong_lines():
    return list("GIBCF")


def capacity(config, card, load):
    kv_heads = config["num_key_value_heads"] if "num_key_value_heads" in config else config["num_attention_heads"]
    d = config["head_dim"] if "head_dim" in config else config["hidden_size"] // config["num_attention_heads"]
    token = 2 * config["num_hidden_layers"] * kv_heads * d * config["kv_bytes"]
    usable = (card["bytes"] * card["percent"] // 100 - card["overhead_bytes"]) * card["cards"]
    pool = usable - config["parameters"] * config["weight_bits"] // 8
    blocks = pool // (token * 16) if pool > 0 else 0
    needed = (load["prompt_tokens"] + load["completion_tokens"] + 15) // 16
    seats = min(blocks // needed, load["max_num_seqs"])
    stay = load["ttft_s"] + load["itl_s"] * (load["completion_tokens"] - 1)
    inside = load["requests_per_s"] * stay
    count = None
    if seats:
        count = 1
        while count * seats * load["headroom_percent"] / 100 < inside - 1e-9 * seats:
            count += 1
    return dict(kv_bytes_per_token=token, pool_tokens=blocks * 16, sequences=seats, in_flight=inside, replicas=count)

# %% right "fractions"
def wrong_lines():
    return ["b", "c", "f", "g", "i"]


def capacity(config, card, load):
    from fractions import Fraction

    d = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    each = 2 * config["num_hidden_layers"] * config.get("num_key_value_heads", config["num_attention_heads"]) * d * config["kv_bytes"]
    room = sum(card["bytes"] * card["percent"] // 100 - card["overhead_bytes"] for _ in range(card["cards"]))
    room -= config["parameters"] * config["weight_bits"] // 8
    tokens = max(0, math.floor(Fraction(room, 16 * each))) * 16
    sequences = min(load["max_num_seqs"], tokens // (16 * math.ceil(Fraction(load["prompt_tokens"] + load["completion_tokens"], 16))))
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = None
    if sequences > 0:
        replicas = max(1, math.ceil(100 * in_flight / (sequences * load["headroom_percent"]) - 1e-9))
    return {"in_flight": in_flight, "replicas": replicas, "sequences": sequences, "pool_tokens": tokens, "kv_bytes_per_token": each}

# %% wrong "a KV head for each head" points=2
def wrong_lines():
    return ["B", "C", "F", "G", "I"]


def capacity(config, card, load):
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    per_token = 2 * config["num_hidden_layers"] * heads * head_dim * config["kv_bytes"]
    room = card["cards"] * (card["bytes"] * card["percent"] // 100 - card["overhead_bytes"]) - config["parameters"] * config["weight_bits"] // 8
    pool_tokens = max(0, room // per_token // 16 * 16)
    each = -(-(load["prompt_tokens"] + load["completion_tokens"]) // 16) * 16
    sequences = min(load["max_num_seqs"], pool_tokens // each)
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = max(1, math.ceil(in_flight / (sequences * load["headroom_percent"] / 100) - 1e-9)) if sequences else None
    return {"kv_bytes_per_token": per_token, "pool_tokens": pool_tokens, "sequences": sequences, "in_flight": in_flight, "replicas": replicas}

# %% wrong "blames every line" points=3
def wrong_lines():
    return list("ABCDEFGHI")


def capacity(config, card, load):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    per_token = 2 * config["num_hidden_layers"] * kv_heads * head_dim * config["kv_bytes"]
    room = card["cards"] * (card["bytes"] * card["percent"] // 100 - card["overhead_bytes"]) - config["parameters"] * config["weight_bits"] // 8
    pool_tokens = max(0, room // per_token // 16 * 16)
    each = -(-(load["prompt_tokens"] + load["completion_tokens"]) // 16) * 16
    sequences = min(load["max_num_seqs"], pool_tokens // each)
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = max(1, math.ceil(in_flight / (sequences * load["headroom_percent"] / 100) - 1e-9)) if sequences else None
    return {"kv_bytes_per_token": per_token, "pool_tokens": pool_tokens, "sequences": sequences, "in_flight": in_flight, "replicas": replicas}

# %% wrong "overlooks that the prompt is not written token by token" points=4
def wrong_lines():
    return ["B", "C", "F", "I"]


def capacity(config, card, load):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    per_token = 2 * config["num_hidden_layers"] * kv_heads * head_dim * config["kv_bytes"]
    room = card["cards"] * (card["bytes"] * card["percent"] // 100 - card["overhead_bytes"]) - config["parameters"] * config["weight_bits"] // 8
    pool_tokens = max(0, room // per_token // 16 * 16)
    each = -(-(load["prompt_tokens"] + load["completion_tokens"]) // 16) * 16
    sequences = min(load["max_num_seqs"], pool_tokens // each)
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = max(1, math.ceil(in_flight / (sequences * load["headroom_percent"] / 100) - 1e-9)) if sequences else None
    return {"kv_bytes_per_token": per_token, "pool_tokens": pool_tokens, "sequences": sequences, "in_flight": in_flight, "replicas": replicas}

# %% wrong "the nearest whole number of replicas" points=2
def wrong_lines():
    return ["B", "C", "F", "G", "I"]


def capacity(config, card, load):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    per_token = 2 * config["num_hidden_layers"] * kv_heads * head_dim * config["kv_bytes"]
    room = card["cards"] * (card["bytes"] * card["percent"] // 100 - card["overhead_bytes"]) - config["parameters"] * config["weight_bits"] // 8
    pool_tokens = max(0, room // per_token // 16 * 16)
    each = -(-(load["prompt_tokens"] + load["completion_tokens"]) // 16) * 16
    sequences = min(load["max_num_seqs"], pool_tokens // each)
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = max(1, round(in_flight / (sequences * load["headroom_percent"] / 100))) if sequences else None
    return {"kv_bytes_per_token": per_token, "pool_tokens": pool_tokens, "sequences": sequences, "in_flight": in_flight, "replicas": replicas}
