# %% right "plain loops"
def nearest(query, vectors, k):
    def length(v):
        return math.sqrt(sum(float(x) ** 2 for x in v))

    scored = []
    for row, vector in enumerate(vectors):
        both = length(query) * length(vector)
        cosine = sum(float(a) * float(b) for a, b in zip(query, vector)) / both if both else 0.0
        scored.append((row, cosine))
    scored.sort(key=lambda pair: pair[0])
    scored.sort(key=lambda pair: round(pair[1], 6), reverse=True)
    return scored[:k]

# %% right "unit vectors and lexsort"
def nearest(query, vectors, k):
    def unit(a):
        a = np.atleast_2d(np.array(a, dtype=np.float64))
        lengths = np.sqrt((a * a).sum(axis=1, keepdims=True))
        return np.divide(a, lengths, out=np.zeros_like(a), where=lengths > 0)

    cosines = unit(vectors) @ unit(query)[0]
    order = np.lexsort((np.arange(len(cosines)), -np.round(cosines, 6)))
    return np.column_stack([order, cosines[order]])[:k]

# %% right "a heap, and lists of numpy numbers"
import heapq


def nearest(query, vectors, k):
    query = np.asarray(query, dtype=np.float64)
    told = []
    for row, vector in enumerate(np.asarray(vectors, dtype=np.float64)):
        norm = np.sqrt(query.dot(query)) * np.sqrt(vector.dot(vector))
        told.append(query.dot(vector) / norm if norm > 0 else np.float64(0))
    best = heapq.nsmallest(k, range(len(told)), key=lambda row: (-round(float(told[row]), 6), row))
    return [[row, told[row]] for row in best]

# %% wrong "dot product" points=0
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = vectors @ query
    order = sorted(range(len(vectors)), key=lambda row: (-round(cosines[row], 6), row))
    return [[row, float(cosines[row])] for row in order[:k]]

# %% wrong "zeros give nan" points=3
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / lengths
    order = sorted(range(len(vectors)), key=lambda row: (-round(cosines[row], 6), row))
    return [[row, float(cosines[row])] for row in order[:k]]

# %% wrong "last bits decide between equals" points=1
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / np.where(lengths > 0, lengths, 1.0)
    order = sorted(range(len(vectors)), key=lambda row: (-cosines[row], row))
    return [[row, float(cosines[row])] for row in order[:k]]

# %% wrong "equal ones in reverse" points=0
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / np.where(lengths > 0, lengths, 1.0)
    order = sorted(range(len(vectors)), key=lambda row: (-round(cosines[row], 6), -row))
    return [[row, float(cosines[row])] for row in order[:k]]

# %% wrong "worst first" points=0
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / np.where(lengths > 0, lengths, 1.0)
    order = sorted(range(len(vectors)), key=lambda row: (round(cosines[row], 6), row))
    return [[row, float(cosines[row])] for row in order[:k]]

# %% wrong "needs at least k vectors" points=3
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / np.where(lengths > 0, lengths, 1.0)
    order = sorted(range(len(vectors)), key=lambda row: (-round(cosines[row], 6), row))
    return [[row, float(cosines[row])] for row in (order[place] for place in range(k))]

# %% wrong "by distance" points=0
def nearest(query, vectors, k):
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    distances = np.linalg.norm(vectors - query, axis=1)
    order = sorted(range(len(vectors)), key=lambda row: (round(distances[row], 6), row))
    return [[row, float(distances[row])] for row in order[:k]]

# %% wrong "only rows" points=0
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, float), np.asarray(vectors, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / np.where(lengths > 0, lengths, 1.0)
    order = sorted(range(len(vectors)), key=lambda row: (-round(cosines[row], 6), row))
    return order[:k]

# %% wrong "in 32-bit floats" points=3
def nearest(query, vectors, k):
    """The k nearest vectors by cosine: [row, cosine], best first, equal ones by row."""
    query, vectors = np.asarray(query, np.float32), np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosines = (vectors @ query) / np.where(lengths > 0, lengths, 1.0)
    order = sorted(range(len(vectors)), key=lambda row: (-round(cosines[row], 6), row))
    return [[row, float(cosines[row])] for row in order[:k]]
