# %% right "a table of bytes"
def training_memory(method, linear, other, trained, activations):
    bytes_each = {"full": (0, 0), "lora": (2, 2), "qlora": (0.5 + 1 / 64 + 4 / 16384, 2)}
    if method not in bytes_each:
        raise ValueError(method)
    for_linear, for_other = bytes_each[method]
    frozen = for_linear * linear + for_other * other
    moving = (2 + 2 + 4 + 4 + 4) * (linear + other if method == "full" else trained)
    total = frozen + moving + activations
    fitting = [gib for gib in (80, 48, 24, 16) if gib * 1024**3 >= total]
    return dict(base=frozen, trained=moving, total=total, card=fitting[-1] if fitting else None)

# %% right "counted in bits"
def training_memory(method, linear, other, trained, activations):
    match method:
        case "full":
            bits, learning = 0, linear + other
        case "lora":
            bits, learning = 16 * (linear + other), trained
        case "qlora":
            bits, learning = 4.126953125 * linear + 16 * other, trained
        case _:
            raise ValueError("full, lora or qlora")
    plan = {"base": bits / 8, "trained": learning * 16}
    plan["total"] = sum(plan.values()) + activations
    plan["card"] = min([gib for gib in (16, 24, 48, 80) if plan["total"] / 2**30 <= gib], default=None)
    return plan

# %% wrong "everything in four bits" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * (linear + other)
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "adapter in four bits too" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    if method == "qlora":
        trained = trained / 4
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "four bits without constants" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = 0.5
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "gigabytes of a thousand" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 10**9), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "frozen weights for full training too" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 2 * (linear + other), linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "optimiser without the exact copy" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 12 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 12 * trained, "total": total, "card": card}

# %% wrong "activations forgotten" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "unknown method taken for lora" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    else:
        base = 2 * (linear + other)
    if method == "qlora":
        base = nf4 * linear + 2 * other
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total <= gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}

# %% wrong "the card must have room to spare" points=0
def training_memory(method, linear, other, trained, activations):
    nf4 = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    if method == "full":
        base, trained = 0, linear + other
    elif method == "lora":
        base = 2 * (linear + other)
    elif method == "qlora":
        base = nf4 * linear + 2 * other
    else:
        raise ValueError(f"unknown method {method!r}")
    total = base + 16 * trained + activations
    card = next((gib for gib in (16, 24, 48, 80) if total < gib * 2**30), None)
    return {"base": base, "trained": 16 * trained, "total": total, "card": card}
