# %% right "math.ceil and an early return"
import math


def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    left = math.floor(memory_bytes * share - weights_bytes - scratch_bytes)
    return left if left > 0 else 0


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    block_bytes = bytes_per_token * block_size
    if pool < block_bytes:
        return 0
    return int(pool // block_bytes) // math.ceil(tokens_per_sequence / block_size)

# %% right "counting down"
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    budget = int(memory_bytes * share)
    return max(budget - (weights_bytes + scratch_bytes), 0)


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    free, fit = pool // bytes_per_token // block_size, 0
    each = (tokens_per_sequence + block_size - 1) // block_size
    while free >= each:
        free, fit = free - each, fit + 1
    return fit

# %% wrong "no blocks: bytes divided by bytes" points=1
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    return max(0, int(memory_bytes * share) - weights_bytes - scratch_bytes)


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    return pool // (bytes_per_token * tokens_per_sequence)

# %% wrong "the last, partly filled block forgotten" points=1
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    return max(0, int(memory_bytes * share) - weights_bytes - scratch_bytes)


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    return pool // (bytes_per_token * block_size) // max(1, tokens_per_sequence // block_size)

# %% wrong "share of what the weights leave" points=3
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    return max(0, int((memory_bytes - weights_bytes - scratch_bytes) * share))


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    return pool // (bytes_per_token * block_size) // -(-tokens_per_sequence // block_size)

# %% wrong "a negative pool" points=3
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    return int(memory_bytes * share) - weights_bytes - scratch_bytes


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    return pool // (bytes_per_token * block_size) // -(-tokens_per_sequence // block_size)

# %% wrong "one block more than needed when the length divides evenly" points=1
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    return max(0, int(memory_bytes * share) - weights_bytes - scratch_bytes)


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    return pool // (bytes_per_token * block_size) // (tokens_per_sequence // block_size + 1)
