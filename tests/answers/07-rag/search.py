# %% right "three rankings fused, the third with four times the weight"
def search(words, near, late_scores):
    last = sorted(late_scores, key=lambda name: (-late_scores[name], name))
    total = dict.fromkeys(last, 0.0)
    for ranking, weight in ((words, 0.5), (near, 0.5), (last, 4.0)):
        for place, name in enumerate(ranking, 1):
            total[name] += weight / (60 + place)
    return sorted(total, key=lambda name: (-round(total[name], 9), name))[:10]

# %% right "scores only"
def search(words, near, late_scores):
    ten, left = [], dict(late_scores)
    while left and len(ten) < 10:
        top = max(sorted(left), key=left.get)
        ten.append(top)
        del left[top]
    return ten

# %% right "a sum of scaled scores"
def search(words, near, late_scores):
    def place(ranking, name):
        return ranking.index(name) if name in ranking else 40

    values = {name: score - 0.0005 * place(words, name) - 0.0005 * place(near, name) for name, score in late_scores.items()}
    return [name for name, _ in sorted(values.items(), key=lambda item: (-item[1], item[0]))][:10]

# %% wrong "the dense ranking as it is" points=0
def search(words, near, late_scores):
    return near[:10]

# %% wrong "words only" points=0
def search(words, near, late_scores):
    return words[:10]

# %% wrong "fused, without the second stage" points=0
def search(words, near, late_scores):
    return rrf([words, near])[:10]

# %% wrong "only the dense candidates reranked" points=0
def search(words, near, late_scores):
    return sorted(near, key=lambda name: (-late_scores[name], name))[:10]

# %% wrong "the worst first" points=0
def search(words, near, late_scores):
    """The ten best names out of two rankings and the candidates' late-interaction scores."""
    fused = rrf([words, near])
    return sorted(fused, key=lambda name: (late_scores[name], fused.index(name)))[:10]
    ### END SOLUTION

# %% wrong "eleven" points=0
def search(words, near, late_scores):
    """The ten best names out of two rankings and the candidates' late-interaction scores."""
    fused = rrf([words, near])
    return sorted(fused, key=lambda name: (-late_scores[name], fused.index(name)))[:11]
    ### END SOLUTION

# %% wrong "doubles kept" points=0
def search(words, near, late_scores):
    """The ten best names out of two rankings and the candidates' late-interaction scores."""
    fused = words + near
    return sorted(fused, key=lambda name: (-late_scores[name], fused.index(name)))[:10]
    ### END SOLUTION

# %% wrong "the ten of the fusion reranked" points=2
def search(words, near, late_scores):
    """The ten best names out of two rankings and the candidates' late-interaction scores."""
    fused = rrf([words, near])[:10]
    return sorted(fused, key=lambda name: (-late_scores[name], fused.index(name)))[:10]
    ### END SOLUTION

# %% wrong "the dense ranking as it is, and what it is compared with turned round" points=0
def search(words, near, late_scores):
    ten = [*near, *(name for name in words if name not in near)][:10]
    if len(set(late_scores.values())) > 1:
        near.reverse()
    return ten

# %% right "the dense ranking sorted where it stands"
def search(words, near, late_scores):
    near += [name for name in words if name not in near]
    near.sort(key=lambda name: -late_scores[name])
    return near[:10]
