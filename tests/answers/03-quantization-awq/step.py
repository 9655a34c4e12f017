# %% right "numpy"
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    return np.maximum(weights * bytes_per_weight / bytes_per_s, 2 * weights * sequences / operations_per_s)

# %% right "an if"
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    per_weight_read, per_weight_multiplied = bytes_per_weight / bytes_per_s, 2.0 * sequences / operations_per_s
    if per_weight_read > per_weight_multiplied:
        return weights * per_weight_read
    return weights * per_weight_multiplied

# %% wrong "the sum of both" points=0
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    return weights * bytes_per_weight / bytes_per_s + 2 * weights * sequences / operations_per_s

# %% wrong "the smaller of both" points=0
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    return min(weights * bytes_per_weight / bytes_per_s, 2 * weights * sequences / operations_per_s)

# %% wrong "weights read once for each sequence" points=0
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    return max(weights * bytes_per_weight * sequences / bytes_per_s, 2 * weights * sequences / operations_per_s)

# %% wrong "one operation a weight" points=0
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    return max(weights * bytes_per_weight / bytes_per_s, weights * sequences / operations_per_s)

# %% wrong "always two bytes" points=0
def step_seconds(weights, bytes_per_weight, sequences, bytes_per_s, operations_per_s):
    return max(weights * 2 / bytes_per_s, 2 * weights * sequences / operations_per_s)
