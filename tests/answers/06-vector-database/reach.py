# %% right "sets, and a ladder made beforehand"
def reach(vectors, queries, builds, target, ef_most):
    ladder = [ef for ef in (16 << n for n in range(20)) if ef <= ef_most]
    for links, effort in builds:
        settings = Settings(size=int(np.shape(vectors)[1]), m=links, ef_construct=effort)
        with opened(settings) as collection:
            collection.upsert([int(i) for i in np.arange(len(vectors))], np.asarray(vectors))
            collection.optimise()

            def ids(query, **how):
                return {hit.id for hit in collection.search(query, limit=10, **how)}

            exact = [ids(query, exact=True) for query in queries]
            for ef in ladder:
                shares = [len(ids(query, ef=ef) & true) / len(true) for query, true in zip(queries, exact)]
                if np.mean(shares) >= target:
                    return (links, effort, ef)

# %% right "a class, and the truth by numpy"
class Graph:
    def __init__(self, vectors, m, ef_construct):
        self.context = opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct))
        self.collection = self.context.__enter__()
        self.collection.upsert(list(range(len(vectors))), vectors)
        self.collection.optimise()

    def hits(self, query, ef):
        return [hit.id for hit in self.collection.search(query, 10, ef=ef)]

    def close(self):
        self.context.__exit__(None, None, None)


def reach(vectors, queries, builds, target, ef_most):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    truth = np.argsort(-(queries @ unit.T), axis=1)[:, :10]
    for m, ef_construct in builds:
        graph = Graph(vectors, m, ef_construct)
        try:
            ef = 16
            while ef <= ef_most:
                found = sum(len(set(graph.hits(q, ef)) & set(t.tolist())) for q, t in zip(queries, truth))
                if found / (10 * len(queries)) >= target:
                    return [m, ef_construct, ef]
                ef = 2 * ef
        finally:
            graph.close()
    return None

# %% wrong "the search is not told the ef" points=3
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None

# %% wrong "the graph is never built" points=0
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None

# %% wrong "the limit of ef is forgotten" points=2
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= 4 * len(vectors):
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None

# %% wrong "ef must stay below the limit" points=2
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef < ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None

# %% wrong "the largest ef at once" points=0
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16 * 2 ** int(math.log2(max(ef_most, 16) / 16))
            while ef_most >= 16 and ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None

# %% wrong "an error instead of None" points=2
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    raise ValueError("cannot be reached")

# %% wrong "steps of 16 instead of doubling" points=3
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef += 16
    return None

# %% wrong "a dictionary" points=0
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return {"m": m, "ef_construct": ef_construct, "ef": ef}
                ef *= 2
    return None

# %% wrong "from the dearest build" points=2
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in reversed(builds):
        with opened(Settings(len(vectors[0]), m=m, ef_construct=ef_construct)) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None

# %% wrong "the settings of the build are not used" points=0
def reach(vectors, queries, builds, target, ef_most):
    """The first [m, ef_construct, ef] whose recall@10 reaches the target, or None."""
    for m, ef_construct in builds:
        with opened(Settings(len(vectors[0]))) as collection:
            collection.upsert(range(len(vectors)), vectors)
            collection.optimise()
            exact = [{hit.id for hit in collection.search(query, 10, exact=True)} for query in queries]
            ef = 16
            while ef <= ef_most:
                found = [{hit.id for hit in collection.search(query, 10, ef=ef)} for query in queries]
                if np.mean([len(ids & true) / len(true) for ids, true in zip(found, exact)]) >= target:
                    return [m, ef_construct, ef]
                ef *= 2
    return None
