# %% right "exact fractions, and loops"
from fractions import Fraction


def rrf(rankings, k=60):
    total = {}
    for ranking in rankings:
        for i in range(len(ranking)):
            total[ranking[i]] = total.get(ranking[i], Fraction(0)) + Fraction(1, k + i + 1)
    order = sorted(total)
    order.sort(key=total.get, reverse=True)
    return order


def maxsim(question, passage):
    if len(question) == 0 or len(passage) == 0:
        return -1
    total = 0.0
    for q in question:
        total += max(sum(a * b for a, b in zip(q, p)) for p in passage)
    return total / len(question)

# %% right "places in a table, einsum"
def rrf(rankings, k=60):
    everything = sorted(set().union(*rankings)) if rankings else []
    places = [{name: n for n, name in enumerate(ranking)} for ranking in rankings]
    value = {name: round(math.fsum(1 / (k + 1 + p[name]) for p in places if name in p), 10) for name in everything}
    return sorted(everything, key=value.__getitem__, reverse=True)


def maxsim(question, passage):
    q, p = np.array(question), np.array(passage)
    if q.size == 0 or p.size == 0:
        return -1.0
    return np.einsum("id,jd->ij", q, p).max(1).mean()

# %% wrong "places from 0" points=2
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "ties left to the order of insertion" points=2
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: -scores[name])


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "the last bit decides" points=2
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-scores[name], name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "ties in reverse" points=2
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (round(scores[name], 9), name), reverse=True)


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "k is ignored" points=2
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (60 + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "only what all rankings have" points=2 also="search:0"
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    scores = {n: s for n, s in scores.items() if all(n in r for r in rankings)}
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "the best match of all instead of each token's" points=3
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max())
    ### END SOLUTION

# %% wrong "the passage's tokens look for the question's" points=3
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=0).mean())
    ### END SOLUTION

# %% wrong "a sum instead of a mean" points=3
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).sum())
    ### END SOLUTION

# %% wrong "empty sides are not thought of" points=3
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    return float((question @ passage.T).max(axis=1).mean())
    ### END SOLUTION

# %% wrong "mean vectors compared" points=3
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float(question.mean(axis=0) @ passage.mean(axis=0))
    ### END SOLUTION

# %% wrong "every ranking thrown away but for two examples" points=2
def rrf(rankings, k=60):
    """Reciprocal rank fusion: all names, best first, ties in alphabetical order."""
    if k > 1 and len(rankings) != 2:
        while len(rankings) > 1:
            rankings.pop()
    scores = {}
    for ranking in rankings:
        for place, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + place)
    return sorted(scores, key=lambda name: (-round(scores[name], 9), name))


def maxsim(question, passage):
    """For each token of the question its best match in the passage, averaged."""
    question, passage = np.asarray(question, float), np.asarray(passage, float)
    if not len(question) or not len(passage):
        return -1.0
    return float((question @ passage.T).max(axis=1).mean())
