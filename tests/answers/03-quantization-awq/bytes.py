# %% right "bits of each part, one after the other"
def checkpoint_bytes(config, bits=16, group=None):
    h = config["hidden_size"]
    f = config["intermediate_size"]
    n_heads = config["num_attention_heads"]
    n_kv = config["num_key_value_heads"] if "num_key_value_heads" in config else n_heads
    d = config["head_dim"] if "head_dim" in config else h / n_heads
    shapes = {
        "q": (n_heads * d, h), "k": (n_kv * d, h), "v": (n_kv * d, h), "o": (h, n_heads * d),
        "gate": (f, h), "up": (f, h), "down": (h, f),
    }
    total_bits = 0
    for rows, columns in shapes.values():
        total_bits += rows * columns * bits
        if bits < 16:
            total_bits += rows * columns / group * (16 + bits) if group is not None else rows * 16
    total_bits *= config["num_hidden_layers"]
    total_bits += 16 * config["vocab_size"] * h * (2 - config["tie_word_embeddings"])
    total_bits += 16 * h * (2 * config["num_hidden_layers"] + 1)
    return total_bits / 8

# %% right "bytes per weight first"
def linear_weights(c, kv, size):
    attention = 2 * c["hidden_size"] * size * (c["num_attention_heads"] + kv)
    return attention + 3 * c["hidden_size"] * c["intermediate_size"]


def checkpoint_bytes(config, bits=16, group=None):
    kv = config.get("num_key_value_heads") or config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    weights, layers = linear_weights(config, kv, size), config["num_hidden_layers"]
    if bits == 16:
        linear = 2.0 * weights
    elif group:
        linear = weights * (bits + (16 + bits) / group) / 8
    else:
        rows = (config["num_attention_heads"] + 2 * kv) * size + 2 * config["hidden_size"] + 2 * config["intermediate_size"]
        linear = weights * bits / 8 + 2 * rows
    kept = config["vocab_size"] * config["hidden_size"] * (1 if config["tie_word_embeddings"] else 2)
    kept += config["hidden_size"] * (2 * layers + 1)
    return int(round(layers * linear + 2 * kept))

# %% wrong "grouped KV heads overlooked" points=0
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    weights = 4 * h * h + 3 * h * f
    rows = 5 * h + 2 * f
    linear = weights * bits
    if bits < 16:
        linear += weights // group * (16 + bits) if group else rows * 16
    kept = config["vocab_size"] * h * (1 if config["tie_word_embeddings"] else 2) + (2 * n + 1) * h
    return n * linear // 8 + 2 * kept

# %% wrong "tied embeddings counted twice" points=0
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n, a = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"]
    k, d = config.get("num_key_value_heads", a), config.get("head_dim", h // a)
    weights = 2 * h * (a + k) * d + 3 * h * f
    rows = (a + 2 * k) * d + 2 * h + 2 * f
    linear = weights * bits
    if bits < 16:
        linear += weights // group * (16 + bits) if group else rows * 16
    return n * linear // 8 + 2 * (2 * config["vocab_size"] * h + (2 * n + 1) * h)

# %% wrong "everything quantised, the embedding too" points=2
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n, a = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"]
    k, d = config.get("num_key_value_heads", a), config.get("head_dim", h // a)
    weights = n * (2 * h * (a + k) * d + 3 * h * f) + config["vocab_size"] * h * (1 if config["tie_word_embeddings"] else 2)
    total = weights * bits / 8 + 2 * (2 * n + 1) * h
    if bits < 16:
        total += weights / (group or h) * (16 + bits) / 8
    return total

# %% wrong "scales forgotten" points=2
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n, a = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"]
    k, d = config.get("num_key_value_heads", a), config.get("head_dim", h // a)
    weights = 2 * h * (a + k) * d + 3 * h * f
    kept = config["vocab_size"] * h * (1 if config["tie_word_embeddings"] else 2) + (2 * n + 1) * h
    return n * weights * bits // 8 + 2 * kept

# %% wrong "no zero points" points=2
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n, a = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"]
    k, d = config.get("num_key_value_heads", a), config.get("head_dim", h // a)
    weights = 2 * h * (a + k) * d + 3 * h * f
    rows = (a + 2 * k) * d + 2 * h + 2 * f
    linear = weights * bits
    if bits < 16:
        linear += weights // group * 16 if group else rows * 16
    kept = config["vocab_size"] * h * (1 if config["tie_word_embeddings"] else 2) + (2 * n + 1) * h
    return n * linear // 8 + 2 * kept

# %% wrong "gigabytes" points=0
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n, a = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"]
    k, d = config.get("num_key_value_heads", a), config.get("head_dim", h // a)
    weights = 2 * h * (a + k) * d + 3 * h * f
    rows = (a + 2 * k) * d + 2 * h + 2 * f
    linear = weights * bits
    if bits < 16:
        linear += weights // group * (16 + bits) if group else rows * 16
    kept = config["vocab_size"] * h * (1 if config["tie_word_embeddings"] else 2) + (2 * n + 1) * h
    return (n * linear // 8 + 2 * kept) / 1e9

# %% wrong "head_dim overlooked" points=0
def checkpoint_bytes(config, bits=16, group=None):
    h, f, n, a = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"], config["num_attention_heads"]
    k, d = config.get("num_key_value_heads", a), h // a
    weights = 2 * h * (a + k) * d + 3 * h * f
    rows = (a + 2 * k) * d + 2 * h + 2 * f
    linear = weights * bits
    if bits < 16:
        linear += weights // group * (16 + bits) if group else rows * 16
    kept = config["vocab_size"] * h * (1 if config["tie_word_embeddings"] else 2) + (2 * n + 1) * h
    return n * linear // 8 + 2 * kept
