# %% right "loops, and positions looked up"
def score(ranked, grades, k=10):
    answers = [name for name in grades if grades[name] == 2]
    if len(answers) == 0:
        return dict(recall=None, rr=None, ndcg=None)
    top = list(ranked)[:k]
    hits, rr, dcg = 0, 0, 0.0
    for i, name in enumerate(top):
        grade = grades.get(name, 0)
        dcg += grade * math.log(2) / math.log(i + 2)
        if grade == 2:
            hits += 1
            if rr == 0:
                rr = 1 / (i + 1)
    idcg = 0.0
    for i, grade in enumerate(sorted(grades.values())[::-1]):
        if i < k:
            idcg += grade * math.log(2) / math.log(i + 2)
    return dict(recall=hits / len(answers), rr=rr, ndcg=dcg / idcg)

# %% right "arrays"
def score(ranked, grades, k=10):
    values = np.array([grades.get(name, 0) for name in ranked[:k]], dtype=float)
    ideal = np.sort(np.array(list(grades.values()), dtype=float))[::-1][:k]
    total = int((np.array(list(grades.values())) > 1).sum()) if grades else 0
    if total == 0:
        return {"ndcg": None, "recall": None, "rr": None}
    discount = 1 / np.log2(np.arange(2, max(len(values), len(ideal)) + 2))
    places = np.flatnonzero(values > 1)
    return {
        "ndcg": float((values * discount[: len(values)]).sum() / (ideal * discount[: len(ideal)]).sum()),
        "recall": len(places) / total,
        "rr": 1 / (places[0] + 1) if len(places) else 0,
    }

# %% right "the course's own measures"
def score(ranked, grades, k=10):
    if not any(grade >= 2 for grade in grades.values()):
        return {"recall": None, "rr": None, "ndcg": None}
    return {"recall": course.recall(ranked, grades, k), "rr": course.reciprocal_rank(ranked, grades, k), "ndcg": course.ndcg(ranked, grades, k)}

# %% wrong "helpful passages count as answers" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 1}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)[:k]
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "precision called recall" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)[:k]
    return {
        "recall": len(wanted & set(ranked[:k])) / k,
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "places from 0 in the discount" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 2) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)[:k]
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "exponential gain" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum((2**grade - 1) / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)[:k]
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "the ideal not cut at k" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "the ideal taken from what was found" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted((grades.get(name, 0) for name in ranked[:k]), reverse=True) or [1]
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "the first answer looked for beyond k" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": None, "rr": None, "ndcg": None}
    first = next((place for place, name in enumerate(ranked, start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)[:k]
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION

# %% wrong "zero instead of None" points=0
def score(ranked, grades, k=10):
    """Recall, reciprocal rank and nDCG of one ranking, at k."""
    wanted = {name for name, grade in grades.items() if grade >= 2}
    if not wanted:
        return {"recall": 0.0, "rr": 0.0, "ndcg": 0.0}
    first = next((place for place, name in enumerate(ranked[:k], start=1) if name in wanted), None)

    def gain(values):
        return sum(grade / math.log2(place + 1) for place, grade in enumerate(values, start=1))

    best = sorted(grades.values(), reverse=True)[:k]
    return {
        "recall": len(wanted & set(ranked[:k])) / len(wanted),
        "rr": 1 / first if first else 0.0,
        "ndcg": gain([grades.get(name, 0) for name in ranked[:k]]) / gain(best),
    }
    ### END SOLUTION
