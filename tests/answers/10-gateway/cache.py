# %% right "a dictionary of scopes, and a hash as the scope"
import hashlib
from collections import deque


def cache_scope(tenant, body):
    if body.get("tools") or body["messages"][-1]["role"] != "user":
        return None
    if body.get("temperature") in (None, ""):
        return None
    if float(body["temperature"]) > 0:
        return None
    rest = dict(body)
    for name in ("stream", "stream_options", "user", "messages"):
        rest.pop(name, None)
    what = {"tenant": tenant, "rest": rest, "talk": body["messages"][:-1]}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


class SemanticCache:
    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s = threshold, ttl_s
        self.rows = deque(maxlen=most)

    def put(self, scope, vector, answer, now):
        if scope is None:
            return
        self.rows.append({"scope": scope, "vector": list(vector), "answer": answer, "at": now})

    def get(self, scope, vector, now):
        best = None
        for row in self.rows:
            if scope is None or row["scope"] != scope or now - row["at"] >= self.ttl_s:
                continue
            lengths = math.hypot(*row["vector"]) * math.hypot(*vector)
            if lengths == 0:
                continue
            cosine = sum(a * b for a, b in zip(row["vector"], vector)) / lengths
            if cosine + 1e-9 >= self.threshold and (best is None or cosine > best[0]):
                best = (cosine, row["answer"])
        return best[1] if best else None

# %% right "one matrix, searched at once"
def cache_scope(tenant, body):
    last = body["messages"][-1]
    cold = isinstance(body.get("temperature"), (int, float)) and body["temperature"] == 0
    if not cold or last["role"] != "user" or len(body.get("tools") or ()) > 0:
        return None
    everything = json.loads(json.dumps(body))
    everything["messages"][-1].pop("content", None)
    for name in ("stream", "stream_options", "user"):
        everything.pop(name, None)
    return json.dumps({"by": tenant, "asks": everything}, sort_keys=True)


class SemanticCache:
    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.scopes, self.vectors, self.answers, self.times = [], [], [], []

    def put(self, scope, vector, answer, now):
        if scope is None:
            return
        for column, value in ((self.scopes, scope), (self.vectors, np.array(vector, float)), (self.answers, answer), (self.times, now)):
            column.append(value)
            if len(column) > self.most:
                column.pop(0)

    def get(self, scope, vector, now):
        rows = [n for n, s in enumerate(self.scopes) if s == scope and now - self.times[n] < self.ttl_s]
        wanted = np.array(vector, float)
        if scope is None or not rows or not wanted.any():
            return None
        matrix = np.stack([self.vectors[n] for n in rows])
        lengths = np.linalg.norm(matrix, axis=1)
        cosines = np.where(lengths > 0, matrix @ wanted / np.where(lengths > 0, lengths, 1) / np.linalg.norm(wanted), -np.inf)
        best = int(cosines.argmax())
        if cosines[best] < self.threshold - 1e-9 or cosines[best] == -np.inf:
            return None
        return self.answers[rows[best]]

# %% wrong "tenants share their answers" points=3 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "the key knows model and tenant only" points=3 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, body["model"]])


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "the history is left out" points=3 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "a list of the parameters that one knows" points=3 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name in ("model", "temperature", "top_p", "max_tokens", "seed", "stop")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "parts joined by a bar" points=3
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return "|".join([tenant, kept.pop("model"), json.dumps([kept, earlier, last], sort_keys=True)])


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "a missing temperature is taken for 0" points=3
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if (body.get("temperature") or 0) != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "the question stands in the key" points=3
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, body["messages"]], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "a stream has a key of its own" points=3 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "answers never get old" points=2 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept ]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "the dot product for the cosine" points=2
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float), answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float))
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "the first that is similar enough" points=2
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    return answer
        return found

# %% wrong "vectors are compared across scopes" points=2 also="gateway:14"
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))
            del self.kept[: -self.most]

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if scope is not None and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found

# %% wrong "grows without limit" points=2
def cache_scope(tenant, body):
    """What must match exactly, as a text; None if this request's answer may not be cached."""
    *earlier, last = body["messages"]
    if body.get("temperature") is None or body["temperature"] != 0 or body.get("tools") or last["role"] != "user":
        return None
    kept = {name: value for name, value in body.items() if name not in ("messages", "stream", "stream_options", "user")}
    last = {name: value for name, value in last.items() if name != "content"}
    return json.dumps([tenant, kept, earlier, last], sort_keys=True)


class SemanticCache:
    """Answers by the meaning of their question, for a while, each in its scope."""

    def __init__(self, threshold, ttl_s, most):
        self.threshold, self.ttl_s, self.most = threshold, ttl_s, most
        self.kept = []  # (scope, vector of length 1, answer, time), the oldest first

    def put(self, scope, vector, answer, now):
        """Keep an answer."""
        length = float(np.linalg.norm(vector))
        if scope is not None and length > 0:
            self.kept.append((scope, np.asarray(vector, float) / length, answer, now))

    def get(self, scope, vector, now):
        """The answer to the most similar question, or None."""
        self.kept = [row for row in self.kept if now - row[3] < self.ttl_s]
        length = float(np.linalg.norm(vector))
        best, found = -math.inf, None
        for kept_scope, kept_vector, answer, _ in self.kept:
            if kept_scope == scope and length > 0:
                cosine = float(kept_vector @ np.asarray(vector, float)) / length
                if cosine >= self.threshold - 1e-9 and cosine > best:
                    best, found = cosine, answer
        return found
