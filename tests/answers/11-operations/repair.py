# %% right "passage by passage"
def repair(index, current):
    place_of = {}
    for place, (name, version, embedder) in enumerate(zip(index["names"], index["versions"], index["embedders"])):
        if embedder == indexes.EMBEDDER and (name, version) not in place_of:
            place_of[name, version] = place
    names, rows = [], []
    for name, version in sorted(current.items()):
        place = place_of.get((name, version))
        names.append(name)
        rows.append(indexes.embed([name])[0] if place is None else index["vectors"][place])
    return dict(names=names, versions=[current[n] for n in names], embedders=[indexes.EMBEDDER for _ in names], vectors=np.array(rows, dtype=np.float32))

# %% right "a mask, then what is left"
def repair(index, current):
    right = np.array(
        [e == indexes.EMBEDDER and n in current and current[n] == v for n, v, e in zip(index["names"], index["versions"], index["embedders"])],
        dtype=bool,
    )
    kept, seen = [], set()
    for place in np.flatnonzero(right):
        name = index["names"][place]
        if name not in seen:
            seen.add(name)
            kept.append(int(place))
    fresh = sorted(set(current) - seen)
    names = [index["names"][place] for place in kept] + fresh
    vectors = np.vstack([np.asarray(index["vectors"])[kept].reshape(-1, 384), indexes.embed(fresh).reshape(-1, 384)]).astype(np.float32)
    return {"vectors": vectors, "names": names, "embedders": len(names) * [indexes.EMBEDDER], "versions": list(map(current.get, names))}

# %% wrong "embeds everything anew" points=2
def repair(index, current):
    names = list(current)
    return {"names": names, "versions": [current[n] for n in names], "embedders": [indexes.EMBEDDER] * len(names), "vectors": indexes.embed(names)}

# %% wrong "throws away what is bad, and adds nothing" points=0
def repair(index, current):
    keep = [
        place for place, name in enumerate(index["names"])
        if current.get(name) == index["versions"][place] and index["embedders"][place] == indexes.EMBEDDER
    ]
    return {key: [index[key][place] for place in keep] for key in ("names", "versions", "embedders")} | {"vectors": index["vectors"][keep]}

# %% wrong "new labels on old vectors" points=0
def repair(index, current):
    first = {}
    for place, name in enumerate(index["names"]):
        if name in current:
            first.setdefault(name, place)
    missing = [name for name in current if name not in first]
    names = [*first, *missing]
    vectors = np.concatenate([index["vectors"][list(first.values())].reshape(-1, 384), indexes.embed(missing).reshape(-1, 384)])
    return {"names": names, "versions": [current[n] for n in names], "embedders": [indexes.EMBEDDER] * len(names), "vectors": vectors}

# %% wrong "looks at versions, not at embedders" points=0
def repair(index, current):
    good = {}
    for place, name in enumerate(index["names"]):
        if current.get(name) == index["versions"][place]:
            good.setdefault(name, index["vectors"][place])
    missing = [name for name in current if name not in good]
    names = [*good, *missing]
    rows = [*good.values(), *indexes.embed(missing)]
    return {"names": names, "versions": [current[n] for n in names], "embedders": [indexes.EMBEDDER] * len(names), "vectors": np.array(rows, np.float32)}

# %% wrong "repairs the index that was given in place" points=2
def repair(index, current):
    good = {}
    for place, name in enumerate(index["names"]):
        if current.get(name) == index["versions"][place] and index["embedders"][place] == indexes.EMBEDDER:
            good.setdefault(name, index["vectors"][place])
    missing = [name for name in current if name not in good]
    names = [*good, *missing]
    parts = [np.asarray(list(good.values()), np.float32).reshape(len(good), -1)] if good else []
    parts += [indexes.embed(missing)] if missing else []
    index["names"][:] = names
    index["versions"][:] = [current[name] for name in names]
    index["embedders"][:] = [indexes.EMBEDDER] * len(names)
    index["vectors"] = np.concatenate(parts)
    return index
