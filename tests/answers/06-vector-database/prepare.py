# %% right "a look at every value"
def prepare(collection, ids, vectors, payloads, fields):
    kinds = {}
    for payload in payloads:
        for name, value in payload.items():
            if name == "tenant":
                kinds[name] = "tenant"
            elif isinstance(value, int):
                kinds[name] = "integer"
            elif isinstance(value, float):
                kinds[name] = "float"
            else:
                kinds[name] = "keyword"
    for name in kinds:
        if name in fields:
            collection.create_index(name, kinds[name])
    collection.upsert(ids, vectors, payloads)
    while collection.optimise() > 1e9:
        pass


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% right "in parts, the index after the points and before the graph"
def kind_of(name, payloads):
    if name == "tenant":
        return "tenant"
    types = {type(p[name]).__name__ for p in payloads if name in p}
    return {"int": "integer", "float": "float", "str": "keyword"}[types.pop()]


def prepare(collection, ids, vectors, payloads, fields):
    for start in range(0, len(ids), 400):
        part = slice(start, start + 400)
        collection.upsert(ids[part], vectors[part], payloads[part])
    for name in fields:
        collection.create_index(name, kind_of(name, payloads))
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "the index after the graph" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    collection.upsert(ids, vectors, payloads)
    collection.optimise()
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "the index after the graph, and optimised once more" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    collection.upsert(ids, vectors, payloads)
    collection.optimise()
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "no index" points=0
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "no graph" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.upsert(ids, vectors, payloads)


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "the graph before the points" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.optimise()
    collection.upsert(ids, vectors, payloads)


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "every field of the payload is indexed" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in sorted({name for payload in payloads for name in payload}):
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "all are keywords" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "keyword")
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "integers for floats" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "integer", str: "keyword"}
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "the points without their payloads" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.upsert(ids, vectors)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "only the tenant" points=0
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in ["tenant"]:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, "tenant" if name == "tenant" else kinds[type(value)])
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "no index, and the list of wanted fields emptied" points=0
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    fields.clear()
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}

# %% wrong "a plain keyword for the tenant" points=2
def prepare(collection, ids, vectors, payloads, fields):
    """Index the fields, store the points and build the graph, so that filtered searches find what they should."""
    kinds = {int: "integer", float: "float", str: "keyword"}
    for name in fields:
        value = next(payload[name] for payload in payloads if name in payload)
        collection.create_index(name, kinds[type(value)])
    collection.upsert(ids, vectors, payloads)
    collection.optimise()


def prepared(vectors, payloads, fields, questions, ef):
    """The check's part: your function on a collection of its own; what the engine says, and what searches find."""
    with opened(Settings(len(vectors[0]), m=8, ef_construct=32)) as collection:
        prepare(collection, list(range(len(vectors))), vectors, payloads, fields)
        found = [[hit.id for hit in collection.search(query, 10, where=where, ef=ef)] for query, where in questions]
        return {"info": collection.info(), "found": found}
