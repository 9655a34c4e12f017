# %% right "filters as dictionaries, ids from a hash"
import hashlib


class TenantStore:
    def __init__(self, client, name, size):
        self.db = client
        self.collection = name
        self.db.create_collection(name, vectors_config=models.VectorParams(size=size, distance="Cosine"))
        self.db.create_payload_index(name, "tenant", field_schema="keyword")

    @staticmethod
    def checked(tenant):
        if type(tenant) is not str or tenant == "":
            raise TypeError(f"not a tenant: {tenant!r}")
        return tenant

    def where(self, tenant, theirs):
        must = [{"key": "tenant", "match": {"value": self.checked(tenant)}}]
        if theirs is not None:
            must.append(theirs)
        return models.Filter.model_validate({"must": must})

    def number(self, tenant, document):
        digest = hashlib.blake2b(repr((self.checked(tenant), int(document))).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def rows(self, points):
        return [(p.payload["document"], p.score, p.payload["given"] | p.payload) for p in points]

    def add(self, tenant, ids, vectors, payloads):
        points = []
        for document, vector, payload in zip(ids, vectors, payloads):
            kept = dict(payload)
            kept.update(tenant=tenant, document=document, given=payload)
            points.append(models.PointStruct(id=self.number(tenant, document), vector=list(vector), payload=kept))
        self.checked(tenant)
        if points:
            self.db.upsert(self.collection, points)

    def search(self, tenant, vector, k=10, where=None):
        asked = dict(query=list(vector), limit=k, query_filter=self.where(tenant, where))
        return self.rows(self.db.query_points(self.collection, **asked).points)

    def ids(self, tenant, where=None):
        most = max(1, self.count(tenant, where))
        points, _ = self.db.scroll(self.collection, scroll_filter=self.where(tenant, where), limit=most)
        return sorted(p.payload["document"] for p in points)

    def count(self, tenant, where=None):
        return self.db.count(self.collection, count_filter=self.where(tenant, where)).count

    def like(self, tenant, id, k=10):
        points = self.db.retrieve(self.collection, [self.number(tenant, id)], with_vectors=True)
        if not points:
            raise KeyError(f"no document {id}")
        found = self.search(tenant, points[0].vector, k + 1)
        return [row for row in found if row[0] != id][:k]

    def remove(self, tenant, ids):
        mine = models.HasIdCondition(has_id=[self.number(tenant, i) for i in ids])
        selector = models.FilterSelector(filter=models.Filter(must=[mine, self.where(tenant, None)]))
        self.db.delete(self.collection, points_selector=selector)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% right "a register of random point ids"
class TenantStore:
    def __init__(self, client, name, size):
        self.client, self.name, self.register = client, name, {}
        vectors = models.VectorParams(size=size, distance=models.Distance.COSINE)
        client.create_collection(name, vectors_config=vectors, hnsw_config=models.HnswConfigDiff(m=0, payload_m=16))
        client.create_payload_index(name, "tenant", models.KeywordIndexParams(type="keyword", is_tenant=True))

    def add(self, tenant, ids, vectors, payloads):
        own = self._documents(tenant)
        for document, vector, payload in zip(ids, vectors, payloads):
            point = own.setdefault(int(document), str(uuid.uuid4()))
            payload = {k: v for k, v in payload.items() if k != "tenant"}
            payload["tenant"] = tenant
            self.client.upsert(self.name, [models.PointStruct(id=point, vector=vector, payload=payload)])

    def _documents(self, tenant):
        if not isinstance(tenant, str):
            raise TypeError("a tenant is a string")
        if len(tenant) == 0:
            raise ValueError("a tenant has a name")
        return self.register.setdefault(tenant, {})

    def _mine(self, tenant, where):
        self._documents(tenant)
        conditions = [models.FieldCondition(key="tenant", match=models.MatchAny(any=[tenant]))]
        if where:
            conditions.insert(0, models.Filter(**where))
        return models.Filter(must=conditions)

    def _named(self, tenant, point):
        return next(i for i, name in self._documents(tenant).items() if name == point)

    def _hits(self, tenant, k, where, **query):
        points = self.client.query_points(self.name, limit=k, query_filter=self._mine(tenant, where), **query).points
        return [[self._named(tenant, p.id), p.score, p.payload] for p in points]

    def search(self, tenant, vector, k=10, where=None):
        return self._hits(tenant, k, where, query=vector)

    def ids(self, tenant, where=None):
        if where is None:
            return sorted(self._documents(tenant))
        found, offset = [], None
        while offset is not None or not found:
            points, offset = self.client.scroll(self.name, self._mine(tenant, where), limit=50, offset=offset)
            found.extend(points)
            if offset is None:
                break
        return sorted(self._named(tenant, p.id) for p in found)

    def count(self, tenant, where=None):
        return len(self.ids(tenant, where))

    def like(self, tenant, id, k=10):
        return self._hits(tenant, k, None, query=self._documents(tenant)[id])

    def remove(self, tenant, ids):
        own = self._documents(tenant)
        gone = [own.pop(i) for i in ids if i in own]
        if gone:
            self.client.delete(self.name, points_selector=models.PointIdsList(points=gone))


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "their filter overwrites ours" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(**{"must": [ours], **(where or {})})

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "our condition among their alternatives" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(**{**(where or {}), "should": [ours, *(where or {}).get("should", [])]})

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "their filter instead of ours" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(**where) if where else models.Filter(must=[ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "their filter is ignored" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "only their `must` is taken" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, *(where or {}).get("must", [])])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "the caller's ids as they are" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return int(own_id)

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "tenant and id run together" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{tenant}{int(own_id)}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "the payload's tenant wins" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={"tenant": tenant, **payload, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "any tenant is accepted" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "a list of tenants is accepted" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not tenant:
            raise ValueError("a tenant is a string that is not empty")
        tenants = [tenant] if isinstance(tenant, str) else list(tenant)
        ours = models.FieldCondition(key="tenant", match=models.MatchAny(any=tenants))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "one page of ids" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        points, _ = self.client.scroll(self.name, scroll_filter=self._own(tenant, where))
        return sorted(point.payload["own_id"] for point in points)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "everybody's points are counted" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "recommendations from everybody" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, limit=k, with_payload=True)
        return [[(point.payload or {}).get("own_id"), point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "names that begin alike are one" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchText(text=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "another error for a missing document" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise LookupError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "remove by the caller's filter alone" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=models.Filter(must=[models.FieldCondition(key="own_id", match=models.MatchAny(any=list(ids)))]), wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "all but the other tenants" points=0
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        others = models.Filter(must_not=[models.FieldCondition(key="tenant", match=models.MatchExcept(**{"except": [tenant]}))])
        return models.Filter(must=[others, models.Filter(**where)] if where else [others])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "filtered after the search" points=4
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={**payload, "tenant": tenant, "own_id": int(i)})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=models.Filter(**where) if where else None, limit=k, with_payload=True)
        self._own(tenant)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points if point.payload.get("tenant") == tenant]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)

# %% wrong "the payload's own_id wins" points=3
class TenantStore:
    """One collection for many tenants; each sees only its own points."""

    def __init__(self, client, name, size):
        self.client, self.name = client, name
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.COSINE))
        index = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        client.create_payload_index(name, "tenant", field_schema=index)

    def _own(self, tenant, where=None):
        """The filter for a request: the tenant's points and, among them, what the caller wants. (A suggestion.)"""
        if not isinstance(tenant, str) or not tenant:
            raise ValueError("a tenant is a string that is not empty")
        ours = models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant))
        return models.Filter(must=[ours, models.Filter(**where)] if where else [ours])

    def _point_id(self, tenant, own_id):
        """The id in the collection for a tenant's own id. (A suggestion.)"""
        # The number first: whatever a tenant is called, the first colon ends it.
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{int(own_id)}:{tenant}"))

    def add(self, tenant, ids, vectors, payloads):
        """Store points of this tenant."""
        self._own(tenant)
        points = [
            models.PointStruct(id=self._point_id(tenant, i), vector=[float(x) for x in vector], payload={"own_id": int(i), **payload, "tenant": tenant})
            for i, vector, payload in zip(ids, vectors, payloads)
        ]
        self.client.upsert(self.name, points=points, wait=True)

    def search(self, tenant, vector, k=10, where=None):
        """The k nearest of this tenant's points: [id, score, payload]."""
        query = [float(x) for x in vector]
        found = self.client.query_points(self.name, query=query, query_filter=self._own(tenant, where), limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def ids(self, tenant, where=None):
        """All ids of this tenant, sorted."""
        found, page = [], None
        while True:
            points, page = self.client.scroll(self.name, scroll_filter=self._own(tenant, where), limit=100, offset=page)
            found += [point.payload["own_id"] for point in points]
            if page is None:
                return sorted(found)

    def count(self, tenant, where=None):
        """How many points of this tenant there are."""
        return self.client.count(self.name, count_filter=self._own(tenant, where), exact=True).count

    def like(self, tenant, id, k=10):
        """The k nearest to one of this tenant's points, without that point."""
        own = self._own(tenant)
        point_id = self._point_id(tenant, id)
        if not self.client.retrieve(self.name, ids=[point_id]):
            raise KeyError(id)
        found = self.client.query_points(self.name, query=point_id, query_filter=own, limit=k, with_payload=True)
        return [[point.payload["own_id"], point.score, point.payload] for point in found.points]

    def remove(self, tenant, ids):
        """Delete points of this tenant."""
        self._own(tenant)
        self.client.delete(self.name, points_selector=[self._point_id(tenant, i) for i in ids], wait=True)


def visits(size, steps):
    """The check's part: your class on a collection of its own; what each call gave, or the name of what it raised."""
    client, name = new_client(), f"lab06-{uuid.uuid4().hex}"
    given = []
    try:
        store = TenantStore(client, name, size)
        for method, *arguments in steps:
            try:
                if method == "old point":  # written by somebody else, before there were tenants
                    number, vector, payload = arguments
                    point = models.PointStruct(id=str(uuid.UUID(int=number)), vector=vector, payload=payload)
                    given.append(["value", str(client.upsert(name, points=[point], wait=True).status)])
                else:
                    given.append(["value", getattr(store, method)(*arguments)])
            except Exception as error:
                if not isinstance(error, (KeyError, ValueError)):  # those are asked for
                    print(f"`{method}` raised {type(error).__name__}: {error}")
                given.append(["raised", "KeyError" if isinstance(error, KeyError) else type(error).__name__])
        return given
    finally:
        client.delete_collection(name)
