# %% right "loops and dictionaries"
def recall(found, truth, k):
    total, asked = 0.0, 0
    for ids, best in zip(found, truth):
        if len(best) == 0:
            continue
        asked += 1
        wanted = min(k, len(best))
        score_of = {i: score for i, score in best}
        limit = sorted(score_of.values(), reverse=True)[wanted - 1]
        seen, hits = set(), 0
        for i in list(ids)[:k]:
            if i in score_of and i not in seen and score_of[i] > limit - 1.000001e-6:
                hits += 1
            seen.add(i)
        total += hits / wanted
    if asked == 0:
        return None
    return total / asked

# %% right "numpy arrays"
def recall(found, truth, k):
    values = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        names = np.array([pair[0] for pair in best])
        scores = np.array([pair[1] for pair in best], dtype=float)
        enough = names[scores + 1e-6 >= scores[: min(k, scores.size)][-1]]
        values.append(np.intersect1d(enough, np.unique(np.array(ids[:k], dtype=int))).size / min(k, scores.size))
    return float(np.mean(values)) if values else None

# %% wrong "ties at the k-th place are wrong" points=1
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best[:k]}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else None

# %% wrong "always divided by k" points=2
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids[:k])) / k)
    return sum(shares) / len(shares) if shares else None

# %% wrong "no truth counts as found" points=2
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            shares.append(1.0)
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else None

# %% wrong "no truth counts as missed" points=2
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            shares.append(0.0)
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else None

# %% wrong "more than k results count" points=0
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids)) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else None

# %% wrong "an id that comes twice counts twice" points=0
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(sum(i in right for i in ids[:k]) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else None

# %% wrong "0 instead of None" points=2
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else 0.0

# %% wrong "equal only to the last bit" points=1
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
    return sum(shares) / len(shares) if shares else None

# %% wrong "precision" points=0
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids[:k])) / max(1, len(ids[:k])))
    return sum(shares) / len(shares) if shares else None

# %% wrong "the best query instead of the mean" points=0
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
    return max(shares) if shares else None

# %% wrong "equal only to the last bit, and the truth's scores rewritten to fit" points=1
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last}
        shares.append(len(right & set(ids[:k])) / min(k, len(best)))
        if len(found) > 1:
            best[:] = [[i, float(i in right)] for i, _ in best]
    return sum(shares) / len(shares) if shares else None

# %% right "lists emptied from their ends"
def recall(found, truth, k):
    shares = []
    while truth:
        best, ids = truth.pop(), found.pop()
        if not best:
            continue
        least = best[:k][-1][1] - 1e-6
        right, asked = set(), min(k, len(best))
        while best and best[0][1] >= least:
            right.add(best.pop(0)[0])
        del ids[k:]
        hits = 0
        while ids:
            name = ids.pop()
            hits += name in right
            right.discard(name)
        shares.append(hits / asked)
    return sum(shares) / len(shares) if shares else None

# %% wrong "found is cut off where the right ids end" points=2
def recall(found, truth, k):
    """Mean recall@k over queries; ties at the k-th place are all right."""
    shares = []
    for ids, best in zip(found, truth):
        if not best:
            continue
        last = best[min(k, len(best)) - 1][1]
        right = {i for i, score in best if score >= last - 1e-6}
        n = min(k, len(best))
        shares.append(len(right & set(ids[:n])) / n)
    return sum(shares) / len(shares) if shares else None
