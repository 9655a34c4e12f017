"""One small interface to Qdrant: the engine in this process (Edge), a server, or the client's own exact memory mode.

| where | what it is | what it ignores |
|---|---|---|
| `"edge"` | the real engine as a library, in a folder | nothing |
| a URL | a Qdrant server (`QDRANT_URL`), over REST | nothing |
| `"memory"` | `QdrantClient(":memory:")`, exact search in numpy | HNSW, quantisation, payload indexes |

Hits come in one order everywhere: by falling score, ties by rising id. What is written here as plain data (settings,
filters, payloads) means the same to all of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from servelab.errors import CourseError

DENSE, WORDS = "dense", "words"  # the two vectors that a point may have
_BATCH = 1000
MOST_S = 600.0  # an index that is not built by then is given up
QUANTISATIONS = ("int8", "turbo4", "turbo2", "binary", "pq16", "pq32")
INDEXES = ("keyword", "tenant", "integer", "float")

#: {field: value}, {field: [any of these]} or {field: {"gte": 1, "lt": 5}}; all must hold. A value is a string or an
#: integer: Edge 0.9 takes True for 1 and then finds no stored true.
Where = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """What a collection is made with.

    Attributes:
        size: numbers in a dense vector.
        m, ef_construct: edges a node of the HNSW graph, candidates looked at for each while it is built.
        full_scan_kb: up to so many kilobytes of vectors that pass a filter are scanned instead of searched in the graph.
        indexing_kb: segments above this size get a graph. Qdrant's default, 10,000, would leave a lab's data without.
        quantisation: one of `QUANTISATIONS`, or None.
        indexes: fields of the payload and their kind, one of `INDEXES`; "tenant" is a keyword that keeps a tenant's
            points together on disk.
        payload_m: edges a node among the points that share an indexed value; None means m, 0 none.
        words: whether points have a sparse vector too, scored with IDF.
        threads: threads that build and search; 0 leaves it to the engine.
    """

    size: int
    m: int = 16
    ef_construct: int = 100
    full_scan_kb: int = 10
    indexing_kb: int = 10
    quantisation: str | None = None
    indexes: Mapping[str, str] = field(default_factory=dict)
    payload_m: int | None = None
    words: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        """Raises CourseError for a name that no engine knows."""
        if self.quantisation is not None and self.quantisation not in QUANTISATIONS:
            raise CourseError(
                f"quantisation is {self.quantisation!r}; it can be: {', '.join(QUANTISATIONS)}."
            )
        for name, kind in self.indexes.items():
            if kind not in INDEXES:
                raise CourseError(
                    f"The index on {name!r} is of kind {kind!r}; it can be: {', '.join(INDEXES)}."
                )


@dataclass(frozen=True)
class Hit:
    """A point that was found.

    Attributes:
        id: the point's number.
        score: cosine for dense vectors, a sum of IDF-weighted matches for words.
        payload: what was stored with it.
    """

    id: int
    score: float
    payload: dict[str, Any]


@dataclass(frozen=True)
class Words:
    """A sparse vector: the number of each word, and its weight."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


class Collection(Protocol):
    """What one can do with points, wherever they are."""

    where: str

    def upsert(
        self,
        ids: Sequence[int],
        vectors: np.ndarray | None = None,
        payloads: Sequence[Mapping[str, Any]] | None = None,
        words: Sequence[Words] | None = None,
    ) -> None:
        """Store points, in place of those with the same ids. `vectors` is (points, size)."""

    def create_index(self, name: str, kind: str = "keyword") -> None:
        """Index a field of the payload. The graph only knows it if it is built afterwards."""

    def optimise(self) -> float:
        """Build what is not built yet (graphs, compressed vectors), wait for it, and return the seconds."""

    def search(
        self,
        query: np.ndarray | Words,
        limit: int = 10,
        *,
        where: Where | None = None,
        ef: int | None = None,
        exact: bool = False,
        oversampling: float | None = None,
        rescore: bool | None = None,
    ) -> list[Hit]:
        """The nearest points: to a vector by cosine, or to words.

        Args:
            where: only points whose payload fulfils this.
            ef: candidates that are kept while the graph is searched.
            exact: compare with every point.
            oversampling: of compressed vectors, take so many times `limit` before rescoring.
            rescore: compare those again with the original vectors; None leaves it to the engine.
        """

    def count(self, where: Where | None = None) -> int:
        """How many points fulfil a condition, exactly."""

    def info(self) -> dict[str, Any]:
        """What the engine itself says: points, indexed, segments, indexes, kinds, m, ef_construct, quantisation.

        `indexes` are the names of the indexed fields, `kinds` each with its kind, one of `INDEXES`; both are empty where
        indexes have no effect. m and ef_construct are 0 before a graph is built, and None where there never is one; quantisation is the
        engine's name for the kind ("scalar", "turbo", "binary", "product").
        """

    def close(self) -> None:
        """Let go of it. What lay in a temporary folder, in memory or on a server is deleted."""


@contextlib.contextmanager
def opened(settings: Settings, where: str | None = None, *, name: str = "servelab") -> Iterator[Collection]:
    """A new collection for a block of code; it is deleted afterwards. See `create`."""
    collection = create(settings, where, name=name)
    try:
        yield collection
    finally:
        collection.close()


def create(
    settings: Settings, where: str | None = None, *, name: str = "servelab", folder: Path | None = None
) -> Collection:
    """A new, empty collection.

    Args:
        where: "edge", "memory" or a server's URL; otherwise `QDRANT_URL` decides, and Edge where it is not set.
        name: of the collection on a server; one of the same name is replaced.
        folder: for Edge, where to keep it (new or empty); otherwise a temporary one that `close` deletes.

    Raises:
        CourseError: the server does not answer, or `where` is none of these.
    """
    where = where or os.environ.get("QDRANT_URL") or "edge"
    if where == "edge":
        if EdgeCollection.used_in not in (None, os.getpid()):
            from servelab.retrieval.elsewhere import DistantCollection  # rare: see there

            return DistantCollection(settings, folder)
        return EdgeCollection(settings, folder)
    if where == "memory" or where.startswith(("http://", "https://")):
        return ClientCollection(settings, where, name)
    raise CourseError(f"Qdrant at {where!r}: it can be 'edge', 'memory' or a URL like http://127.0.0.1:6333.")


# --- the engine in this process --------------------------------------------------------------------------


class EdgeCollection:
    """Qdrant Edge: one shard in a folder."""

    where = "edge"
    #: The process that used the engine first. Its forks must not use it themselves: see `servelab.retrieval.elsewhere`.
    used_in: int | None = None

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        import qdrant_edge as edge

        EdgeCollection.used_in = EdgeCollection.used_in or os.getpid()
        self.settings, self._edge = settings, edge
        self._temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="servelab-qdrant-")) if folder is None else folder
        sparse = {WORDS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)} if settings.words else None
        config = edge.EdgeConfig(
            vectors={DENSE: edge.EdgeVectorParams(size=settings.size, distance=edge.Distance.Cosine)},
            sparse_vectors=sparse,
            hnsw_config=edge.HnswIndexConfig(
                m=settings.m,
                ef_construct=settings.ef_construct,
                full_scan_threshold=settings.full_scan_kb,
                max_indexing_threads=settings.threads,
                payload_m=settings.payload_m,
            ),
            quantization_config=self._quantisation(),
            optimizers=edge.EdgeOptimizersConfig(
                default_segment_number=1, indexing_threshold=settings.indexing_kb
            ),
            max_search_threads=settings.threads or None,
            wal_enabled=False,
        )
        self._shard = edge.EdgeShard.create(str(self.folder), config)
        for name_, kind in settings.indexes.items():
            self.create_index(name_, kind)

    def _quantisation(self) -> Any:
        edge, kind = self._edge, self.settings.quantisation
        match kind:
            case None:
                return None
            case "int8":
                return edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8, quantile=0.99)
            case "binary":
                return edge.BinaryQuantizationConfig()
            case "turbo4" | "turbo2":
                bits = edge.TurboQuantBitSize.Bits4 if kind == "turbo4" else edge.TurboQuantBitSize.Bits2
                return edge.TurboQuantQuantizationConfig(bits=bits)
            case _:
                ratio = edge.CompressionRatio.X16 if kind == "pq16" else edge.CompressionRatio.X32
                return edge.ProductQuantizationConfig(compression=ratio)

    def upsert(self, ids, vectors=None, payloads=None, words=None) -> None:  # type: ignore[no-untyped-def]
        """See `Collection`."""
        edge = self._edge
        for start in range(0, len(ids), _BATCH):
            points = []
            for row in range(start, min(start + _BATCH, len(ids))):
                vector: dict[str, Any] = {}
                if vectors is not None:
                    vector[DENSE] = np.asarray(vectors[row], np.float32).tolist()
                if words is not None:
                    vector[WORDS] = edge.SparseVector(list(words[row].indices), list(words[row].values))
                payload = dict(payloads[row]) if payloads is not None else None
                points.append(edge.Point(int(ids[row]), vector, payload))
            self._shard.update(edge.UpdateOperation.upsert_points(points))

    def create_index(self, name: str, kind: str = "keyword") -> None:
        """See `Collection`."""
        edge = self._edge
        schema = {
            "keyword": edge.PayloadSchemaType.Keyword,
            "tenant": edge.KeywordIndexParams(is_tenant=True),
            "integer": edge.PayloadSchemaType.Integer,
            "float": edge.PayloadSchemaType.Float,
        }[kind]
        self._shard.update(edge.UpdateOperation.create_field_index(name, schema))

    def optimise(self) -> float:
        """See `Collection`."""
        begun = time.perf_counter()
        while self._shard.optimize():
            if time.perf_counter() - begun > MOST_S:
                raise CourseError(
                    f"Qdrant Edge has not built its index in {MOST_S / 60:g} minutes: is there room left in {self.folder}?"
                )
        return time.perf_counter() - begun

    def _filter(self, where: Where | None) -> Any:
        edge = self._edge
        if not where:
            return None
        must = []
        for name, wanted in where.items():
            if isinstance(wanted, Mapping):
                must.append(edge.FieldCondition(key=name, range=edge.RangeFloat(**_bounds(name, wanted))))
            else:
                values = _values(name, wanted)
                match = edge.MatchAny(values)
                must.append(edge.FieldCondition(key=name, match=match))
        return edge.Filter(must=must)

    def search(self, query, limit=10, *, where=None, ef=None, exact=False, oversampling=None, rescore=None):  # type: ignore[no-untyped-def]
        """See `Collection`."""
        edge = self._edge
        if isinstance(query, Words):
            nearest = edge.Query.Nearest(
                edge.SparseVector(list(query.indices), list(query.values)), using=WORDS
            )
        else:
            nearest = edge.Query.Nearest(np.asarray(query, np.float32).tolist(), using=DENSE)
        quantisation = None
        if oversampling is not None or rescore is not None:
            quantisation = edge.QuantizationSearchParams(rescore=rescore, oversampling=oversampling)
        request = edge.QueryRequest(
            limit=limit,
            query=nearest,
            filter=self._filter(where),
            params=edge.SearchParams(hnsw_ef=ef, exact=exact, quantization=quantisation),
            with_payload=True,
        )
        return _in_order(
            Hit(int(p.id), float(p.score), dict(p.payload or {})) for p in self._shard.query(request)
        )

    def count(self, where: Where | None = None) -> int:
        """See `Collection`."""
        return self._shard.count(self._edge.CountRequest(exact=True, filter=self._filter(where)))

    def info(self) -> dict[str, Any]:
        """See `Collection`. Settings and sizes are read from what the engine wrote, not from what it was asked for.

        Also: "bytes" of it all on disk and, of that, "graph_bytes", "vector_bytes", "compressed_bytes", "payload_bytes".
        """
        told = self._shard.info()
        self._shard.flush()
        graph: dict[str, Any] = {"m": 0, "ef_construct": 0, "quantisation": None}
        for path in sorted(self.folder.glob("segments/*/segment.json")):
            dense = json.loads(path.read_text(encoding="utf-8"))["config"]["vector_data"].get(DENSE, {})
            if dense.get("index", {}).get("type") == "hnsw":
                graph = {name: dense["index"]["options"][name] for name in ("m", "ef_construct")}
                graph["quantisation"] = next(iter(dense["quantization_config"] or {}), None)
        return {
            "points": told.points_count,
            "indexed": told.indexed_vectors_count,
            "segments": told.segments_count,
            "indexes": sorted(told.payload_schema),
            "kinds": {name: _index_kind(about) for name, about in told.payload_schema.items()},
            **graph,
            **self._sizes(),
        }

    def _sizes(self) -> dict[str, int]:
        """Bytes that the files occupy (they are sparse: their length says little)."""
        sizes = dict.fromkeys(
            ("bytes", "graph_bytes", "vector_bytes", "compressed_bytes", "payload_bytes"), 0
        )
        for path in self.folder.rglob("*"):
            if path.is_file():
                occupied = path.stat().st_blocks * 512
                sizes["bytes"] += occupied
                place = path.relative_to(self.folder).as_posix()
                if f"/vector_index-{DENSE}/" in place:
                    sizes["graph_bytes"] += occupied
                elif f"/vector_storage-{DENSE}/" in place:
                    kind = "compressed_bytes" if path.name.startswith("quantized") else "vector_bytes"
                    sizes[kind] += occupied
                elif "/payload_" in place:
                    sizes["payload_bytes"] += occupied
        return sizes

    def close(self) -> None:
        """See `Collection`."""
        self._shard.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


# --- a server, or the client's own memory ----------------------------------------------------------------


class ClientCollection:
    """A collection behind `qdrant_client`: on a server, or in memory."""

    def __init__(self, settings: Settings, where: str, name: str) -> None:
        import warnings

        from qdrant_client import QdrantClient, models
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        self.settings, self.where, self.name, self._models = settings, where, name, models
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # that memory mode ignores payload indexes is said in this module's first lines
            key = os.environ.get("QDRANT_API_KEY")
            self._client = (
                QdrantClient(":memory:")
                if where == "memory"
                else QdrantClient(url=where, api_key=key, timeout=60, check_compatibility=False)
            )
        sparse = {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)} if settings.words else None
        try:
            if self._client.collection_exists(name):
                self._client.delete_collection(name)
            self._client.create_collection(
                name,
                vectors_config={
                    DENSE: models.VectorParams(size=settings.size, distance=models.Distance.COSINE)
                },
                sparse_vectors_config=sparse,
                hnsw_config=models.HnswConfigDiff(
                    m=settings.m,
                    ef_construct=settings.ef_construct,
                    full_scan_threshold=settings.full_scan_kb,
                    max_indexing_threads=settings.threads,
                    payload_m=settings.payload_m,
                ),
                quantization_config=self._quantisation(),
                optimizers_config=models.OptimizersConfigDiff(
                    default_segment_number=1, indexing_threshold=settings.indexing_kb
                ),
            )
        except UnexpectedResponse as error:
            self._client.close()
            remedy = "set QDRANT_API_KEY to its key" if error.status_code in (401, 403) else "is it a Qdrant?"
            raise CourseError(
                f"Qdrant at {where} refuses a collection ({error.status_code} {error.reason_phrase}): {remedy}, or "
                "unset QDRANT_URL to use the engine in this process."
            ) from None
        except (OSError, ResponseHandlingException) as error:
            self._client.close()
            raise CourseError(
                f"Qdrant at {where} does not answer ({str(error).splitlines()[0]}): start it "
                "(environment/containers/compose.yaml), or unset QDRANT_URL to use the engine in this process."
            ) from None
        for field_, kind in settings.indexes.items():
            self.create_index(field_, kind)

    def _quantisation(self) -> Any:
        models, kind = self._models, self.settings.quantisation
        match kind:
            case None:
                return None
            case "int8":
                scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99)
                return models.ScalarQuantization(scalar=scalar)
            case "binary":
                return models.BinaryQuantization(binary=models.BinaryQuantizationConfig())
            case "turbo4" | "turbo2":
                bits = models.TurboQuantBitSize.BITS4 if kind == "turbo4" else models.TurboQuantBitSize.BITS2
                return models.TurboQuantization(turbo=models.TurboQuantQuantizationConfig(bits=bits))
            case _:
                ratio = models.CompressionRatio.X16 if kind == "pq16" else models.CompressionRatio.X32
                return models.ProductQuantization(product=models.ProductQuantizationConfig(compression=ratio))

    def upsert(self, ids, vectors=None, payloads=None, words=None) -> None:  # type: ignore[no-untyped-def]
        """See `Collection`."""
        models = self._models
        for start in range(0, len(ids), _BATCH):
            points = []
            for row in range(start, min(start + _BATCH, len(ids))):
                vector: dict[str, Any] = {}
                if vectors is not None:
                    vector[DENSE] = np.asarray(vectors[row], np.float32).tolist()
                if words is not None:
                    vector[WORDS] = models.SparseVector(
                        indices=list(words[row].indices), values=list(words[row].values)
                    )
                payload = dict(payloads[row]) if payloads is not None else None
                points.append(models.PointStruct(id=int(ids[row]), vector=vector, payload=payload))
            self._client.upsert(self.name, points, wait=True)

    def create_index(self, name: str, kind: str = "keyword") -> None:
        """See `Collection`."""
        import warnings

        models = self._models
        schema = {
            "keyword": models.PayloadSchemaType.KEYWORD,
            "tenant": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
            "integer": models.PayloadSchemaType.INTEGER,
            "float": models.PayloadSchemaType.FLOAT,
        }[kind]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._client.create_payload_index(self.name, name, field_schema=schema, wait=True)

    def optimise(self) -> float:
        """See `Collection`. A server optimises by itself: this waits until it says that it is done."""
        begun = time.perf_counter()
        status = self._models.CollectionStatus
        while self.where != "memory":
            told = self._client.get_collection(self.name)
            if told.status == status.GREEN:
                break
            if told.status == status.RED:
                raise CourseError(
                    f"Qdrant at {self.where} could not build its index ({told.optimizer_status})."
                )
            if told.status == status.GREY:  # it could, and waits for an update before it does
                nothing = self._models.OptimizersConfigDiff()
                self._client.update_collection(self.name, optimizers_config=nothing)
            if time.perf_counter() - begun > MOST_S:
                raise CourseError(
                    f"Qdrant at {self.where} has not built its index in {MOST_S / 60:g} minutes ({told.status})."
                )
            time.sleep(0.1)
        return time.perf_counter() - begun

    def _filter(self, where: Where | None) -> Any:
        models = self._models
        if not where:
            return None
        must = []
        for name, wanted in where.items():
            if isinstance(wanted, Mapping):
                must.append(models.FieldCondition(key=name, range=models.Range(**_bounds(name, wanted))))
            else:
                values = _values(name, wanted)
                match = models.MatchAny(any=values)
                must.append(models.FieldCondition(key=name, match=match))
        return models.Filter(must=must)

    def search(self, query, limit=10, *, where=None, ef=None, exact=False, oversampling=None, rescore=None):  # type: ignore[no-untyped-def]
        """See `Collection`."""
        models = self._models
        if isinstance(query, Words):
            asked, using = models.SparseVector(indices=list(query.indices), values=list(query.values)), WORDS
        else:
            asked, using = np.asarray(query, np.float32).tolist(), DENSE
        quantisation = None
        if oversampling is not None or rescore is not None:
            quantisation = models.QuantizationSearchParams(rescore=rescore, oversampling=oversampling)
        params = models.SearchParams(hnsw_ef=ef, exact=exact, quantization=quantisation)
        if self.where == "memory":
            params = None  # it warns at each search that it has no use for them
        answer = self._client.query_points(
            self.name,
            query=asked,
            using=using,
            limit=limit,
            query_filter=self._filter(where),
            search_params=params,
            with_payload=True,
        )
        return _in_order(Hit(int(p.id), float(p.score), dict(p.payload or {})) for p in answer.points)

    def count(self, where: Where | None = None) -> int:
        """See `Collection`."""
        return self._client.count(self.name, count_filter=self._filter(where), exact=True).count

    def info(self) -> dict[str, Any]:
        """See `Collection`. In memory mode the settings are none: it has no graph to apply them to."""
        told = self._client.get_collection(self.name)
        real = self.where != "memory"
        return {
            "points": told.points_count,
            "indexed": told.indexed_vectors_count or 0,
            "segments": told.segments_count,
            "indexes": sorted(told.payload_schema),
            "kinds": {name: _index_kind(about) for name, about in told.payload_schema.items()},
            "m": told.config.hnsw_config.m if real else None,
            "ef_construct": told.config.hnsw_config.ef_construct if real else None,
            "quantisation": _kind(told.config.quantization_config) if real else None,
        }

    def close(self) -> None:
        """See `Collection`."""
        with contextlib.suppress(Exception):
            self._client.delete_collection(self.name)
        self._client.close()


def _index_kind(about: Any) -> str:
    """The kind of a payload index, as either engine tells it."""
    told = str(getattr(about.data_type, "value", about.data_type)).rpartition(".")[2].lower()
    return "tenant" if getattr(about.params, "is_tenant", False) else told


def _kind(config: Any) -> str | None:
    """The name of the quantisation in a server's answer."""
    told = config.model_dump(exclude_none=True) if config is not None else {}
    return next(iter(told), None)


def _values(name: str, wanted: Any) -> list[str | int]:
    """The values that a field may have, or a CourseError for a value that not every engine can match."""
    values = list(wanted) if isinstance(wanted, list | tuple | set) else [wanted]
    if bad := [v for v in values if isinstance(v, bool) or not isinstance(v, str | int)]:
        raise CourseError(
            f"The condition on {name!r} has {bad[0]!r}: match strings or integers, or give a range."
        )
    return values


def _bounds(name: str, wanted: Mapping[str, Any]) -> dict[str, float]:
    known = {"gt", "gte", "lt", "lte"}
    if not wanted or not set(wanted) <= known:
        raise CourseError(
            f"The range for {name!r} has {sorted(wanted)}; it can have: {', '.join(sorted(known))}."
        )
    return {key: float(value) for key, value in wanted.items()}


def _in_order(hits: Iterator[Hit]) -> list[Hit]:
    """By falling score; engines return ties in whatever order they found them."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))
