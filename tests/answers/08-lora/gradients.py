# %% right "token by token"
def lora_gradients(x, g, a, b, alpha):
    scale = alpha / a.shape[0]
    da, db = np.zeros_like(a, dtype=float), np.zeros_like(b, dtype=float)
    for one, error in zip(x, g):
        db += scale * np.outer(error, a @ one)
        da += scale * np.outer(b.T @ error, one)
    return da, db

# %% right "by the gradient of the whole matrix"
def lora_gradients(x, g, a, b, alpha):
    whole = np.einsum("to,ti->oi", g, x) * (alpha / len(a))
    return [b.T @ whole, whole @ a.T]

# %% wrong "without the scale" points=0
def lora_gradients(x, g, a, b, alpha):
    return (g @ b).T @ x, g.T @ (x @ a.T)

# %% wrong "the other way round" points=0
def lora_gradients(x, g, a, b, alpha):
    scale = alpha / a.shape[0]
    return scale * g.T @ (x @ a.T), scale * (g @ b).T @ x

# %% wrong "mean over the tokens" points=0
def lora_gradients(x, g, a, b, alpha):
    scale = alpha / a.shape[0] / len(x)
    return scale * (g @ b).T @ x, scale * g.T @ (x @ a.T)

# %% wrong "A is taken to be frozen" points=0
def lora_gradients(x, g, a, b, alpha):
    return np.zeros_like(a), alpha / a.shape[0] * g.T @ (x @ a.T)

# %% wrong "the scale is squared" points=0
def lora_gradients(x, g, a, b, alpha):
    scale = (alpha / a.shape[0]) ** 2
    return scale * (g @ b).T @ x, scale * g.T @ (x @ a.T)
