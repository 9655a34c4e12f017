# %% right "a branch for each dialect"
def read_quantization(config):
    q = config.get("quantization_config", None)
    if not q:
        return None
    method = q.get("quant_method")
    out = {"bits": None, "group": None, "symmetric": None, "activation_bits": 16, "kept": []}
    if method == "compressed-tensors":
        scheme = list(q["config_groups"].values())[0]
        w, a = scheme["weights"], scheme.get("input_activations")
        out.update(bits=w["num_bits"], group=w.get("group_size"), symmetric=bool(w["symmetric"]))
        if a is not None:
            out["activation_bits"] = a["num_bits"]
        out["kept"] = list(q.get("ignore", None) or [])
    elif method == "awq":
        out.update(bits=q["bits"], symmetric=not q["zero_point"])
    elif method == "gptq":
        out.update(bits=q["bits"], symmetric=q["sym"])
    if method in ("awq", "gptq"):
        if q["group_size"] > 0:
            out["group"] = q["group_size"]
        if q.get("modules_to_not_convert"):
            out["kept"] = q["modules_to_not_convert"]
    return out

# %% right "small functions in a table, a tuple of names"
def _llm_compressor(q):
    (scheme,) = q["config_groups"].values()
    bits = (scheme.get("input_activations") or {}).get("num_bits", 16)
    weights = scheme["weights"]
    return weights["num_bits"], weights.get("group_size") or -1, weights["symmetric"], bits, q.get("ignore")


def _awq(q):
    return q["bits"], q["group_size"], not q["zero_point"], 16, q.get("modules_to_not_convert")


def _gptq(q):
    return q["bits"], q["group_size"], q["sym"], 16, q.get("modules_to_not_convert")


READERS = {"compressed-tensors": _llm_compressor, "awq": _awq, "gptq": _gptq}


def read_quantization(config):
    try:
        about = config["quantization_config"]
    except KeyError:
        return None
    if about is None:
        return None
    bits, group, symmetric, activation, kept = READERS[about["quant_method"]](about)
    return {
        "bits": bits, "group": group if group != -1 else None, "symmetric": symmetric,
        "activation_bits": activation, "kept": tuple(kept or ()), "method": about["quant_method"],
    }

# %% wrong "knows only compressed-tensors" points=0
def read_quantization(config):
    about = config.get("quantization_config")
    if about is None:
        return None
    (group,) = about["config_groups"].values()
    inputs = group.get("input_activations")
    return {
        "bits": group["weights"]["num_bits"], "group": group["weights"].get("group_size"), "symmetric": group["weights"]["symmetric"],
        "activation_bits": inputs["num_bits"] if inputs else 16, "kept": about.get("ignore") or [],
    }

# %% wrong "always group_0" points=0
def read_quantization(config):
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        group = about["config_groups"]["group_0"]
        inputs = group.get("input_activations")
        return {
            "bits": group["weights"]["num_bits"], "group": group["weights"].get("group_size"), "symmetric": group["weights"]["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16, "kept": about.get("ignore") or [],
        }
    return {
        "bits": about["bits"], "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16, "kept": about.get("modules_to_not_convert") or [],
    }

# %% wrong "zero_point taken for symmetric" points=0
def read_quantization(config):
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        inputs = group.get("input_activations")
        return {
            "bits": group["weights"]["num_bits"], "group": group["weights"].get("group_size"), "symmetric": group["weights"]["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16, "kept": about.get("ignore") or [],
        }
    return {
        "bits": about["bits"], "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16, "kept": about.get("modules_to_not_convert") or [],
    }

# %% wrong "-1 kept as a group size" points=0
def read_quantization(config):
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        inputs = group.get("input_activations")
        return {
            "bits": group["weights"]["num_bits"], "group": group["weights"].get("group_size"), "symmetric": group["weights"]["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16, "kept": about.get("ignore") or [],
        }
    return {
        "bits": about["bits"], "group": about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16, "kept": about.get("modules_to_not_convert") or [],
    }

# %% wrong "activations always 16 bits" points=0
def read_quantization(config):
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        return {
            "bits": group["weights"]["num_bits"], "group": group["weights"].get("group_size"), "symmetric": group["weights"]["symmetric"],
            "activation_bits": 16, "kept": about.get("ignore") or [],
        }
    return {
        "bits": about["bits"], "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16, "kept": about.get("modules_to_not_convert") or [],
    }

# %% wrong "a missing key stops it" points=0
def read_quantization(config):
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        inputs = group["input_activations"]
        return {
            "bits": group["weights"]["num_bits"], "group": group["weights"]["group_size"], "symmetric": group["weights"]["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16, "kept": about["ignore"] or [],
        }
    return {
        "bits": about["bits"], "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16, "kept": about["modules_to_not_convert"] or [],
    }

# %% wrong "a config without quantisation stops it" points=0
def read_quantization(config):
    about = config["quantization_config"]
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        inputs = group.get("input_activations")
        return {
            "bits": group["weights"]["num_bits"], "group": group["weights"].get("group_size"), "symmetric": group["weights"]["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16, "kept": about.get("ignore") or [],
        }
    return {
        "bits": about["bits"], "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16, "kept": about.get("modules_to_not_convert") or [],
    }

# %% wrong "only lm_head is kept, and the checkpoint's own list is cut down to it" points=0
def _head_only(about, key):
    names = about.get(key) or []
    names[:] = [name for name in names if name == "lm_head"]
    return names


def read_quantization(config):
    """How a checkpoint was rounded, in one form for all dialects; None if it was not."""
    about = config.get("quantization_config")
    if about is None:
        return None
    if about["quant_method"] == "compressed-tensors":
        (group,) = about["config_groups"].values()
        weights, inputs = group["weights"], group.get("input_activations")
        return {
            "bits": weights["num_bits"],
            "group": weights.get("group_size"),
            "symmetric": weights["symmetric"],
            "activation_bits": inputs["num_bits"] if inputs else 16,
            "kept": _head_only(about, "ignore"),
        }
    return {
        "bits": about["bits"],
        "group": None if about["group_size"] == -1 else about["group_size"],
        "symmetric": not about["zero_point"] if about["quant_method"] == "awq" else about["sym"],
        "activation_bits": 16,
        "kept": _head_only(about, "modules_to_not_convert"),
    }
