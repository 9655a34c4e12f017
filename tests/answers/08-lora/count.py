# %% right "added up layer by layer"
def lora_parameters(config, rank, targets):
    h, f, n = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    d = config["head_dim"] if "head_dim" in config else h // n
    kv = config["num_key_value_heads"] * d
    matrices = dict(q_proj=[n * d, h], k_proj=[kv, h], v_proj=[kv, h], o_proj=[h, n * d], gate_proj=[f, h], up_proj=[f, h], down_proj=[h, f])
    for name in targets:
        if name not in matrices:
            raise ValueError(name)
    base = trained = 0
    for _ in range(config["num_hidden_layers"]):
        for name, (rows, columns) in matrices.items():
            base += rows * columns
            if name in targets:
                trained += rows * rank + rank * columns
        base += h + h
    base += h + config["vocab_size"] * h
    if not config.get("tie_word_embeddings", False):
        base += config["vocab_size"] * h
    return dict(trained=trained, base=base, share=trained / (trained + base))

# %% right "arrays of zero bytes that count themselves"
def lora_parameters(config, rank, targets):
    h, f = config["hidden_size"], config["intermediate_size"]
    d = config.get("head_dim", h // config["num_attention_heads"])
    q, kv = config["num_attention_heads"] * d, config["num_key_value_heads"] * d
    sizes = np.array([[q, h], [kv, h], [kv, h], [h, q], [f, h], [f, h], [h, f]], dtype=object)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    chosen = [names.index(name) for name in dict.fromkeys(targets)]  # a ValueError if there is none
    layers = config["num_hidden_layers"]
    trained = int(layers * rank * sizes[chosen].sum())
    base = int(layers * (sizes.prod(axis=1).sum() + 2 * h) + h)
    base += config["vocab_size"] * h * [2, 1][bool(config.get("tie_word_embeddings"))]
    return {"share": trained / (base + trained), "base": base, "trained": trained}

# %% wrong "key and value as large as queries" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, heads * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "share of the base alone" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / base}

# %% wrong "tied embeddings counted twice" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * 2
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "output head never counted" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "unknown modules skipped" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    targets = [name for name in targets if name in shapes]
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "head_dim ignored" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "norms forgotten" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values())) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "one layer only" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = sum(rank * sum(shapes[name]) for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}

# %% wrong "the full product instead of two thin matrices" points=0
def lora_parameters(config, rank, targets):
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    d = config.get("head_dim") or hidden // heads
    inner, shared = heads * d, config.get("num_key_value_heads", heads) * d
    shapes = {
        "q_proj": (inner, hidden), "k_proj": (shared, hidden), "v_proj": (shared, hidden), "o_proj": (hidden, inner),
        "gate_proj": (wide, hidden), "up_proj": (wide, hidden), "down_proj": (hidden, wide),
    }
    if unknown := set(targets) - set(shapes):
        raise ValueError(f"no module is called {sorted(unknown)[0]}")
    layers = config["num_hidden_layers"]
    trained = layers * sum(shapes[name][0] * shapes[name][1] for name in set(targets))
    embeddings = config["vocab_size"] * hidden * (1 if config.get("tie_word_embeddings") else 2)
    base = layers * (sum(o * i for o, i in shapes.values()) + 2 * hidden) + hidden + embeddings
    return {"trained": trained, "base": base, "share": trained / (base + trained)}
