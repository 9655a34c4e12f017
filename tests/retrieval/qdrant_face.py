"""Qdrant's REST face in front of the client's memory mode, to see what travels to a server. It is no server.

Requests are read, and answers written, with the client's own models, which are made from the server's OpenAPI description: a body that
a server could not read is refused here too. What only the engine knows (HNSW, compression, its states) is played: settings are
given back as they were asked for, and `statuses` says what a collection answers when it is asked how it is.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import ValidationError
from qdrant_client import QdrantClient, models

MOST_BYTES = 32 * 2**20  # a server's default


class Face:
    """A face that listens.

    Attributes:
        url: where.
        asked: (method, path) of every request, in order.
        key: the API key that it demands; None demands none.
        statuses: what collections answer as their status, one after the other; then "green".
    """

    def __init__(self, key: str | None = None) -> None:
        self.key, self.asked, self.statuses = key, [], []
        self._settings: dict[str, Any] = {}
        self._indexes: dict[str, dict[str, Any]] = {}
        self._client, self._lock = QdrantClient(":memory:"), threading.Lock()
        face = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                path = self.path.split("?")[0]
                with face._lock:
                    face.asked.append((self.command, path))
                    code, told = face._told(self.command, path, self.headers.get("api-key"), body)
                data = json.dumps(told).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _answer

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def _told(self, method: str, path: str, key: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.key is not None and key != self.key:
            return 401, {"status": {"error": "Must provide an API key"}}
        if len(body) > MOST_BYTES:
            return 413, {"status": {"error": "Payload error: payload reached size limit"}}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = self._do(method, path.strip("/").split("/"), json.loads(body) if body else {})
        except (ValidationError, ValueError, KeyError) as error:
            return (404 if "not found" in str(error) else 400), {"status": {"error": str(error)[:300]}}
        if path == "/":
            return 200, result
        return 200, {"result": result, "status": "ok", "time": 0.001}

    def _do(self, method: str, parts: list[str], body: dict[str, Any]) -> Any:
        if parts == [""]:
            return {"title": "qdrant - vector search engine", "version": "1.20.0"}
        _, name, *rest = parts
        match method, rest:
            case "GET", ["exists"]:
                return {"exists": self._client.collection_exists(name)}
            case "GET", []:
                return self._about(name)
            case "PUT", []:
                return self._create(name, models.CreateCollection(**body))
            case "PATCH", []:
                models.UpdateCollection(**body)
                return True
            case "DELETE", []:
                self._settings.pop(name, None)
                return self._client.delete_collection(name)
            case "PUT", ["index"]:
                index = models.CreateFieldIndex(**body)
                kind = index.field_schema
                told: dict[str, Any] = {"points": 0}
                told["data_type"] = str(getattr(getattr(kind, "type", kind), "value", kind))
                if hasattr(kind, "model_dump"):
                    told["params"] = kind.model_dump(mode="json", exclude_none=True)
                self._indexes[name][index.field_name] = told
                return self._done()
            case "PUT", ["points"]:
                self._client.upsert(name, models.PointsList(**body).points)
                return self._done()
            case "POST", ["points", "delete"]:
                self._client.delete(name, self._selector(body))
                return self._done()
            case "POST", ["points"]:
                asked = models.PointRequest(**body)
                kept = self._client.retrieve(name, asked.ids, with_payload=asked.with_payload)
                return [record.model_dump(mode="json") for record in kept]
            case "POST", ["points", "scroll"]:
                scroll = models.ScrollRequest(**body)
                kept, page = self._client.scroll(
                    name,
                    scroll.filter,
                    limit=scroll.limit or 10,
                    offset=scroll.offset,
                    with_payload=scroll.with_payload,
                )
                return {"points": [r.model_dump(mode="json") for r in kept], "next_page_offset": page}
            case "POST", ["points", "count"]:
                count = models.CountRequest(**body)
                return {"count": self._client.count(name, count.filter, exact=bool(count.exact)).count}
            case "POST", ["points", "query"]:
                query = models.QueryRequest(**body)
                found = self._client.query_points(
                    name,
                    query=query.query,
                    using=query.using,
                    query_filter=query.filter,
                    limit=query.limit or 10,
                    with_payload=query.with_payload,
                )
                return found.model_dump(mode="json")
        raise ValueError(f"{method} {'/'.join(parts)} not found")

    @staticmethod
    def _done() -> dict[str, Any]:
        return {"operation_id": 1, "status": "completed"}

    @staticmethod
    def _selector(body: dict[str, Any]) -> Any:
        return models.PointIdsList(**body) if "points" in body else models.FilterSelector(**body)

    def _create(self, name: str, asked: models.CreateCollection) -> bool:
        self._settings[name], self._indexes[name] = asked, {}
        return self._client.create_collection(
            name, vectors_config=asked.vectors, sparse_vectors_config=asked.sparse_vectors
        )

    def _about(self, name: str) -> dict[str, Any]:
        told = self._client.get_collection(name).model_dump(mode="json")
        asked: models.CreateCollection = self._settings[name]
        told["status"] = self.statuses.pop(0) if self.statuses else "green"
        told["payload_schema"] = self._indexes[name]
        hnsw = asked.hnsw_config.model_dump(mode="json", exclude_none=True) if asked.hnsw_config else {}
        told["config"]["hnsw_config"].update(hnsw)
        if asked.quantization_config:
            told["config"]["quantization_config"] = asked.quantization_config.model_dump(
                mode="json", exclude_none=True
            )
        return told


@contextmanager
def face(key: str | None = None) -> Iterator[Face]:
    """A face for a block of code."""
    listening = Face(key)
    try:
        yield listening
    finally:
        listening.close()
