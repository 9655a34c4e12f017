# %% right "uploads in parts, filters as dictionaries"
def make(client, name, size):
    client.create_collection(collection_name=name, vectors_config=models.VectorParams(size=size, distance="Cosine"))
    for field, kind in {"package": "keyword", "words": "integer"}.items():
        client.create_payload_index(collection_name=name, field_name=field, field_schema=kind)


def put(client, name, ids, vectors, payloads):
    points = (
        models.PointStruct(id=i, vector=list(v), payload=p) for i, v, p in zip(ids, vectors, payloads)
    )
    client.upload_points(name, points, batch_size=128, wait=True)


def find(client, name, vector, k, packages=None, words=None):
    must = []
    if packages is not None:
        must += [{"key": "package", "match": {"any": list(packages)}}]
    if words is not None:
        low, high = words
        must += [{"key": "words", "range": {"gte": low, "lte": high}}]
    where = models.Filter.model_validate({"must": must}) if must else None
    points = client.query_points(name, query=list(vector), query_filter=where, limit=k).points
    return [(p.id, p.score, p.payload) for p in points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% right "a named vector, and batches"
def make(client, name, size):
    client.create_collection(name, vectors_config={"text": models.VectorParams(size=size, distance=models.Distance.COSINE)})
    client.create_payload_index(name, "words", models.IntegerIndexParams(type="integer", lookup=True, range=True))
    client.create_payload_index(name, "package", models.KeywordIndexParams(type="keyword"))


def put(client, name, ids, vectors, payloads):
    ids, vectors, payloads = list(ids), np.asarray(vectors, float).tolist(), list(payloads)
    while ids:
        batch = models.Batch(ids=ids[:250], vectors={"text": vectors[:250]}, payloads=payloads[:250])
        client.upsert(collection_name=name, points=batch)
        del ids[:250], vectors[:250], payloads[:250]


def find(client, name, vector, k, packages=None, words=None):
    if packages is not None and not packages:
        return []
    conditions = []
    if packages:
        any_of = [models.FieldCondition(key="package", match=models.MatchValue(value=p)) for p in packages]
        conditions.append(models.Filter(should=any_of))
    if words:
        conditions.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    found = client.query_points(
        name, query=[float(x) for x in vector], using="text", limit=k, query_filter=models.Filter(must=conditions)
    )
    return [[hit.id, hit.score, dict(hit.payload)] for hit in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "everything in one request" points=3
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    client.upsert(name, points=points, wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "indexes after the points" points=3
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "no indexes" points=3
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "words as a keyword" points=3
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.KEYWORD)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "an empty list of packages means any" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "the range's ends left out" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gt=words[0], lt=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "one filter is enough" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(should=must) if must else None, limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "dot product" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.DOT))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "without payloads" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=False)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "ids alone" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "one request for each point" points=3
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(len(points)):
        client.upsert(name, points=points[start : start + 1], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    must = []
    if packages is not None:
        must.append(models.FieldCondition(key="package", match=models.MatchAny(any=packages)))
    if words is not None:
        must.append(models.FieldCondition(key="words", range=models.Range(gte=words[0], lte=words[1])))
    asked = [float(x) for x in vector]
    found = client.query_points(name, query=asked, query_filter=models.Filter(must=must), limit=k, with_payload=True)
    return [[point.id, point.score, point.payload] for point in found.points]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)

# %% wrong "filtered afterwards" points=2
def make(client, name, size):
    """An empty collection for vectors of `size` numbers, with its payload indexes."""
    client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
    client.create_payload_index(name, "package", field_schema=models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(name, "words", field_schema=models.PayloadSchemaType.INTEGER)


def put(client, name, ids, vectors, payloads):
    """Store points, at most 500 in one request."""
    points = [
        models.PointStruct(id=int(i), vector=[float(x) for x in vector], payload=payload)
        for i, vector, payload in zip(ids, vectors, payloads)
    ]
    for start in range(0, len(points), 500):
        client.upsert(name, points=points[start : start + 500], wait=True)


def find(client, name, vector, k, packages=None, words=None):
    """The k nearest points that pass the filters: [id, score, payload], best first."""
    found = client.query_points(name, query=[float(x) for x in vector], limit=k, with_payload=True)
    return [
        [point.id, point.score, point.payload]
        for point in found.points
        if (packages is None or point.payload["package"] in packages)
        and (words is None or words[0] <= point.payload["words"] <= words[1])
    ]


def play_collection(size, batches, questions):
    """The check's part: your functions on a collection of their own, and what was asked of the client."""
    client, name = Tap(new_client()), f"lab06-{uuid.uuid4().hex}"
    try:
        make(client, name, size)
        for batch in batches:
            put(client, name, *batch)
        about = client.get_collection(name)
        kept = about.config.params.vectors
        kept = next(iter(kept.values())) if isinstance(kept, dict) else kept
        found = [[list(hit) for hit in find(client, name, *question)] for question in questions]
        return {"size": kept.size, "distance": kept.distance.value, "points": about.points_count, "found": found, "calls": client.calls}
    finally:
        client.delete_collection(name)
