# %% right "plain loops"
def two_stage(query, vectors, k, oversampling):
    if oversampling < 1:
        raise ValueError("oversampling")

    def cosine(a, b):
        lengths = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
        return sum(x * y for x, y in zip(a, b)) / lengths if lengths else 0.0

    query, vectors = [float(x) for x in query], [[float(x) for x in v] for v in vectors]
    ranked = []
    for row, vector in enumerate(vectors):
        ranked.append((sum(1 for x, y in zip(query, vector) if (x > 0) != (y > 0)), row))
    ranked.sort()
    chosen = [row for _, row in ranked[: math.ceil(k * oversampling)]]
    chosen.sort(key=lambda row: (-round(cosine(query, vectors[row]), 6), row))
    return chosen[:k]

# %% right "bits in integers, an array back"
def two_stage(query, vectors, k, oversampling):
    if not oversampling >= 1:
        raise ValueError(f"oversampling is {oversampling}, and must be at least 1")
    vectors = np.asarray(vectors, dtype=np.float64)

    def number(vector):
        return int("".join("1" if x > 0 else "0" for x in vector), 2)

    mine = number(query)
    distance = np.array([(number(vector) ^ mine).bit_count() for vector in vectors])
    rows = np.lexsort((np.arange(len(vectors)), distance))[: int(np.ceil(k * oversampling))]
    rows.sort()
    norms = np.linalg.norm(vectors[rows], axis=1) * np.linalg.norm(query)
    cosines = np.divide(vectors[rows] @ np.asarray(query, float), norms, out=np.zeros(len(rows)), where=norms > 0)
    return rows[np.argsort(-np.round(cosines, 6), kind="stable")][:k]

# %% wrong "not rescored" points=0
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [int(row) for row in candidates[:k]]

# %% wrong "zero counts as above zero" points=1
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors >= 0) != (query >= 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "rounded down" points=1
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: int(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "every vector is a candidate" points=1
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "too little oversampling is accepted" points=3
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "equal candidates by the last row" points=1
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.lexsort((-np.arange(len(vectors)), different))[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "the farthest by bits" points=1
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(-different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "places among the candidates instead of rows" points=0
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(enumerate(told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "rescored by the dot product" points=0
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("an oversampling below 1 leaves fewer candidates than results")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = vectors[candidates] @ query
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-round(pair[1], 6), pair[0]))
    return [row for row, _ in best[:k]]

# %% wrong "cosines are not rounded" points=3
def two_stage(query, vectors, k, oversampling):
    """Rows of the k best by cosine among ceil(k * oversampling) candidates by bits."""
    if oversampling < 1:
        raise ValueError("too little")
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    different = ((vectors > 0) != (query > 0)).sum(axis=1)
    candidates = np.argsort(different, kind="stable")[: math.ceil(k * oversampling)]
    lengths = np.linalg.norm(vectors[candidates], axis=1) * np.linalg.norm(query)
    told = (vectors[candidates] @ query) / np.where(lengths > 0, lengths, 1.0)
    best = sorted(zip(candidates.tolist(), told), key=lambda pair: (-pair[1], pair[0]))
    return [row for row, _ in best[:k]]
