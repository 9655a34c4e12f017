# %% right "the reference's adapter, a recipe built with dict"
def recipe():
    rank = 8
    return dict(lora=dict(r=rank, lora_alpha=2 * rank, target_modules=EVERY[:4]), steps=90, batch=2, learning_rate=0.002)

# %% right "attention only, rank 4, another seed" files=other-recipe
def recipe():
    return {
        "lora": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
        "steps": 110,
        "batch": 2,
        "learning_rate": 2e-3,
        "general": 0.0,
    }

# %% wrong "nothing handed in" points=0 files=none
def recipe():
    return {
        "lora": {"r": 8, "lora_alpha": 16, "target_modules": EVERY},
        "steps": 90,
        "batch": 2,
        "learning_rate": 1e-3,
        "general": 0.0,
    }

# %% wrong "not trained" points=0 files=untrained
def recipe():
    return {
        "lora": {"r": 1, "lora_alpha": 2, "target_modules": ["q_proj", "v_proj"]},
        "steps": 0,
        "batch": 2,
        "learning_rate": 1e-3,
        "general": 0.0,
    }

# %% wrong "trained for another answer" points=0 files=labels
def recipe():
    return {
        "lora": {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]},
        "steps": 40,
        "batch": 2,
        "learning_rate": 2e-3,
        "general": 0.0,
    }

# %% wrong "an adapter of another model" points=0 files=another-base
def recipe():
    return {
        "lora": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]},
        "steps": 90,
        "batch": 2,
        "learning_rate": 1e-3,
        "general": 0.0,
    }

# %% wrong "answers instead of weights" points=0 files=recorded
def recipe():
    return {
        "lora": {"r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]},
        "steps": 90,
        "batch": 2,
        "learning_rate": 1e-3,
        "general": 0.0,
    }

# %% wrong "the right form, always the same category and urgency" points=2 files=constant
def recipe():
    return {
        "lora": {"r": 4, "lora_alpha": 8, "target_modules": EVERY[:4]},
        "steps": 50,
        "batch": 2,
        "learning_rate": 2e-3,
        "general": 0.0,
    }

# %% wrong "general text forgotten" points=6 files=forgotten
def recipe():
    return {
        "lora": {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]},
        "steps": 150,
        "batch": 2,
        "learning_rate": 8e-3,
        "general": 0.0,
    }

# %% wrong "no recipe, only the files" points=0
def recipe():
    return None
