# %% right "einsum and a generator of its own"
def lora_init(outputs, inputs, rank, seed):
    draw = np.random.RandomState(seed)
    return draw.standard_normal((rank, inputs)) * inputs**-0.5, np.zeros([outputs, rank])


def lora_forward(x, w, a, b, alpha):
    scale = alpha / len(a)
    return np.einsum("...i,oi->...o", x, w) + scale * np.einsum("...i,ri,or->...o", x, a, b)


def lora_merge(w, a, b, alpha):
    return w + np.einsum("or,ri->oi", b, a) * (alpha / len(a))

# %% right "forward by way of the merged matrix"
def lora_merge(w, a, b, alpha):
    merged = np.array(w, dtype=float)
    for row in range(a.shape[0]):
        merged += np.outer(b[:, row], a[row]) * alpha / a.shape[0]
    return merged


def lora_forward(x, w, a, b, alpha):
    return np.matmul(x, lora_merge(w, a, b, alpha).T)


def lora_init(outputs, inputs, rank, seed):
    draw = random.Random(seed)
    a = [[draw.gauss(0, 1) / inputs**0.5 for _ in range(inputs)] for _ in range(rank)]
    return np.array(a), np.zeros((outputs, rank))

# %% wrong "both matrices random" points=0
def lora_init(outputs, inputs, rank, seed):
    draw = np.random.default_rng(seed)
    return draw.normal(0, 1 / math.sqrt(inputs), (rank, inputs)), draw.normal(0, 0.02, (outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    return w + alpha / a.shape[0] * (b @ a)

# %% wrong "both matrices zero" points=0
def lora_init(outputs, inputs, rank, seed):
    return np.zeros((rank, inputs)), np.zeros((outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    return w + alpha / a.shape[0] * (b @ a)

# %% wrong "alpha as the scale, not divided by the rank" points=0
def lora_init(outputs, inputs, rank, seed):
    return np.random.default_rng(seed).normal(0, 1 / math.sqrt(inputs), (rank, inputs)), np.zeros((outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    return w + alpha * (b @ a)

# %% wrong "merged in place" points=0
def lora_init(outputs, inputs, rank, seed):
    return np.random.default_rng(seed).normal(0, 1 / math.sqrt(inputs), (rank, inputs)), np.zeros((outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    w += alpha / a.shape[0] * (b @ a)
    return w

# %% wrong "the seed is ignored" points=0
def lora_init(outputs, inputs, rank, seed):
    return np.random.default_rng(0).normal(0, 1 / math.sqrt(inputs), (rank, inputs)), np.zeros((outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    return w + alpha / a.shape[0] * (b @ a)

# %% wrong "merged without the scale" points=0
def lora_init(outputs, inputs, rank, seed):
    return np.random.default_rng(seed).normal(0, 1 / math.sqrt(inputs), (rank, inputs)), np.zeros((outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    return w + b @ a

# %% wrong "uniform numbers that are too small" points=0
def lora_init(outputs, inputs, rank, seed):
    bound = 1 / math.sqrt(inputs)
    return np.random.default_rng(seed).uniform(-bound, bound, (rank, inputs)), np.zeros((outputs, rank))


def lora_forward(x, w, a, b, alpha):
    return x @ w.T + alpha / a.shape[0] * ((x @ a.T) @ b.T)


def lora_merge(w, a, b, alpha):
    return w + alpha / a.shape[0] * (b @ a)
