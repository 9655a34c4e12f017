# %% right "K and V added up layer by layer"
def kv_bytes_per_token(config, bytes_per_number=2):
    head_size = config.get("head_dim")
    if head_size is None:
        head_size = config["hidden_size"] // config["num_attention_heads"]
    kv_heads = config["num_key_value_heads"] if "num_key_value_heads" in config else config["num_attention_heads"]
    total = 0
    for _ in range(config["num_hidden_layers"]):
        key = value = kv_heads * head_size * bytes_per_number
        total += key + value
    return total

# %% right "width of all KV heads first"
def kv_bytes_per_token(config, bytes_per_number=2):
    heads = config["num_attention_heads"]
    width = config.get("num_key_value_heads", heads) * config.get("head_dim", config["hidden_size"] / heads)
    return int(config["num_hidden_layers"] * width * bytes_per_number * 2)

# %% wrong "GQA forgotten: all query heads counted" points=0
def kv_bytes_per_token(config, bytes_per_number=2):
    heads = config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    return 2 * config["num_hidden_layers"] * heads * head_size * bytes_per_number

# %% wrong "K only, not K and V" points=0
def kv_bytes_per_token(config, bytes_per_number=2):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    return config["num_hidden_layers"] * kv_heads * head_size * bytes_per_number

# %% wrong "head_dim ignored" points=0
def kv_bytes_per_token(config, bytes_per_number=2):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    return 2 * config["num_hidden_layers"] * kv_heads * (config["hidden_size"] // heads) * bytes_per_number

# %% wrong "head size from the KV heads" points=0
def kv_bytes_per_token(config, bytes_per_number=2):
    kv_heads = config.get("num_key_value_heads", config["num_attention_heads"])
    head_size = config.get("head_dim") or config["hidden_size"] // kv_heads
    return 2 * config["num_hidden_layers"] * kv_heads * head_size * bytes_per_number

# %% wrong "always 16 bit" points=0
def kv_bytes_per_token(config, bytes_per_number=2):
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    return 2 * config["num_hidden_layers"] * kv_heads * head_size * 2

# %% wrong "a missing num_key_value_heads taken for one" points=0
def kv_bytes_per_token(config, bytes_per_number=2):
    kv_heads = config.get("num_key_value_heads", 1)
    head_size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return 2 * config["num_hidden_layers"] * kv_heads * head_size * bytes_per_number
