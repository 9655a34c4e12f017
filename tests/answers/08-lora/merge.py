# %% right "names read by a pattern"
import re


def merge_adapter(weights, pairs, config):
    power = 0.5 if config.get("use_rslora", False) else 1
    found = {}
    for name, value in pairs.items():
        match = re.fullmatch(r"base_model\.model\.(.+)\.lora_([AB])\.weight", name)
        if match is None:
            raise ValueError(name)
        found.setdefault(match[1], {})[match[2]] = value
    result = {name: np.array(value) for name, value in weights.items()}
    for module, pair in found.items():
        if sorted(pair) != ["A", "B"] or module + ".weight" not in result:
            raise ValueError(module)
        if not pair["A"].shape[0] == pair["B"].shape[1] == config["r"]:
            raise ValueError(module)
        result[module + ".weight"] = result[module + ".weight"] + config["lora_alpha"] / config["r"] ** power * pair["B"] @ pair["A"]
    return result

# %% right "from the weights' side, and then counted"
def merge_adapter(weights, pairs, config):
    left, result = dict(pairs), {}
    scale = config["lora_alpha"] / config["r"]
    if config.get("use_rslora"):
        scale = config["lora_alpha"] * config["r"] ** -0.5
    for name, value in weights.items():
        stem = "base_model.model." + name[: -len(".weight")]
        a, b = left.pop(stem + ".lora_A.weight", None), left.pop(stem + ".lora_B.weight", None)
        if (a is None) != (b is None):
            raise ValueError(f"half a pair for {name}")
        if a is None:
            result[name] = value
            continue
        if a.shape[0] != config["r"] or b.shape[-1] != config["r"]:
            raise ValueError(f"another rank for {name}")
        result[name] = value + scale * np.dot(b, a)
    if left:
        raise ValueError(f"no weight for {min(left)}")
    return result

# %% wrong "rank-stabilised scale ignored" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / rank
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged

# %% wrong "scale forgotten" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + b @ a
    return merged

# %% wrong "pairs without a weight skipped" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights:
            continue
        if any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged

# %% wrong "half a pair skipped" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if any(half is None for half in halves):
            continue
        if target not in weights:
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged

# %% wrong "the base itself is changed" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = weights
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] += (scale * (b @ a)).astype(merged[target].dtype)
    return merged

# %% wrong "only what was adapted comes back" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = {}
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged

# %% wrong "the rank is not compared with the config" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != b.shape[1]:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged

# %% wrong "A and B the other way round" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)[::-1]
    return merged

# %% wrong "rank-stabilised wherever the config mentions it" points=0
def merge_adapter(weights, pairs, config):
    rank = config["r"]
    scale = config["lora_alpha"] / (rank**0.5 if "use_rslora" in config else rank)
    merged = dict(weights)
    modules = {name.rsplit(".lora_", 1)[0] for name in pairs}
    for module in modules:
        target = module.removeprefix("base_model.model.") + ".weight"
        halves = [pairs.get(f"{module}.lora_{half}.weight") for half in "AB"]
        if target not in weights or any(half is None for half in halves):
            raise ValueError(f"{module} has no weight in the base, or only half a pair")
        a, b = halves
        if a.shape[0] != rank or b.shape[1] != rank:
            raise ValueError(f"{module} does not have rank {rank}")
        merged[target] = weights[target] + scale * (b @ a)
    return merged
