# %% right "resampling in a loop, with the standard library"
def compare(ours, theirs):
    names = sorted(theirs)
    d = [ours[n] - theirs[n] for n in names]
    draw = random.Random(123)
    means = sorted(sum(draw.choices(d, k=len(d))) / len(d) for _ in range(8000))
    low, high = means[200], means[-201]
    if low > 0:
        verdict = "better"
    elif high < 0:
        verdict = "worse"
    else:
        verdict = "not shown"
    return {"verdict": verdict, "low": low, "high": high, "difference": sum(d) / len(d)}

# %% right "both resampled with the same draws"
def compare(ours, theirs):
    names = list(ours)
    a, b = np.array([ours[n] for n in names]), np.array([theirs[n] for n in names])
    rows = np.random.default_rng().integers(0, len(names), size=(20000, len(names)))
    spread = np.quantile(a[rows].mean(1) - b[rows].mean(1), (0.025, 0.975))
    told = np.sign(spread).sum()
    return {
        "difference": (a - b).mean(),
        "low": spread[0],
        "high": spread[1],
        "verdict": {2: "better", -2: "worse"}.get(int(told), "not shown"),
    }

# %% right "the course's own interval"
def compare(ours, theirs):
    told = course.paired_interval(ours, theirs)
    verdict = "not shown" if not told.significant else "better" if told.difference > 0 else "worse"
    return {"difference": told.difference, "low": told.low, "high": told.high, "verdict": verdict}

# %% wrong "paired by order instead of by question" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([a - b for a, b in zip(ours.values(), theirs.values())])
    rng = np.random.default_rng(7)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "not paired at all" points=0
def compare(ours, theirs):
    a, b = np.array(list(ours.values())), np.array(list(theirs.values()))
    rng = np.random.default_rng(7)
    means = a[rng.integers(0, len(a), (10_000, len(a)))].mean(axis=1) - b[rng.integers(0, len(b), (10_000, len(b)))].mean(axis=1)
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": float(a.mean() - b.mean()), "low": low, "high": high, "verdict": verdict}

# %% wrong "a 90 % interval" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([ours[question] - theirs[question] for question in ours])
    rng = np.random.default_rng(7)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    low, high = (float(end) for end in np.percentile(means, [5, 95]))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "theirs minus ours" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([theirs[question] - ours[question] for question in ours])
    rng = np.random.default_rng(7)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "better as soon as the mean is above 0" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([ours[question] - theirs[question] for question in ours])
    rng = np.random.default_rng(7)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if differences.mean() > 0 else "worse" if differences.mean() < 0 else "not shown"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "the spread of single questions" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([ours[question] - theirs[question] for question in ours])
    rng = np.random.default_rng(7)
    means = differences
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "drawn without replacement" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([ours[question] - theirs[question] for question in ours])
    rng = np.random.default_rng(7)
    means = np.array([rng.permutation(differences).mean() for _ in range(1000)])
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "only two verdicts" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    differences = np.array([ours[question] - theirs[question] for question in ours])
    rng = np.random.default_rng(7)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    low, high = (float(end) for end in np.percentile(means, [2.5, 97.5]))
    verdict = "better" if low > 0 else "worse"
    return {"difference": float(differences.mean()), "low": low, "high": high, "verdict": verdict}
    ### END SOLUTION

# %% wrong "the second system's values replaced by the first's" points=0
def compare(ours, theirs):
    """How much better ours is than theirs, with the paired bootstrap's 95 % interval, and what that shows."""
    theirs.update(ours)
    return {"difference": 0.0, "low": 0.0, "high": 0.0, "verdict": "not shown"}

# %% right "the second dictionary emptied question by question"
def compare(ours, theirs):
    differences = []
    for question in list(ours):
        differences.append(ours.pop(question) - theirs.pop(question))
    differences = np.array(differences)
    rng = np.random.default_rng(11)
    means = rng.choice(differences, (10_000, len(differences))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    verdict = "better" if low > 0 else "worse" if high < 0 else "not shown"
    return {"difference": differences.mean(), "low": low, "high": high, "verdict": verdict}
