"""Spans of a gateway and of the engine behind it, by OpenTelemetry: made here, received on loopback, kept as JSON lines."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.propagate import extract, inject

#: How long both ends may keep a span before they send it on.
_DELAY_MS = "300"
_provider: Any = None


@contextlib.contextmanager
def request(scope: dict[str, Any]) -> Iterator[Callable[[str, Any], None]]:
    """A span around one request, below the one that its `traceparent` names. Where none are kept, only that is passed on.

    Yields:
        What sets an attribute of it.
    """
    carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    tracer = _provider.get_tracer("servelab.gateway") if _provider else trace.NoOpTracer()
    with tracer.start_as_current_span(
        f"{scope['method']} {scope['path']}",
        context=extract(carrier),
        kind=trace.SpanKind.SERVER,
        record_exception=False,
    ) as span:
        yield span.set_attribute


def headers() -> dict[str, str]:
    """What a request to a back end carries so that its spans belong to the current one: `traceparent`, or nothing."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


class Collector:
    """Receives spans (OTLP over HTTP, on 127.0.0.1) and writes each as a line of JSON; a context manager.

    Args:
        file: where they go; emptied at the start. None: a temporary file, which goes when it stops.

    Attributes:
        file: where they are.
        endpoint: the address for `--otlp-traces-endpoint`.
    """

    def __init__(self, file: str | os.PathLike[str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="servelab-spans-") if file is None else None
        self.file = Path(file) if self._folder is None else Path(self._folder.name) / "spans.jsonl"
        self._server: http.server.ThreadingHTTPServer | None = None
        self._provider: Any = None
        self._before: dict[str, str | None] = {}

    @property
    def endpoint(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def start(self) -> Collector:
        """Listen; gateways of this process send their spans here from now on, and so does an engine that is started now."""
        global _provider
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.file))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="spans", daemon=True).start()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "gateway"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=self.endpoint), schedule_delay_millis=int(_DELAY_MS))
        )
        _provider = self._provider
        wanted = {
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": _DELAY_MS,
            "OTEL_SERVICE_NAME": "engine",
        }
        self._before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        return self

    def stop(self) -> None:
        """Send on what is left and close the port. Safe to call twice."""
        global _provider
        if self._server is None:
            return
        if _provider is self._provider:
            _provider = None
        self._provider.shutdown()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        if self._folder is not None:
            self._folder.cleanup()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def __enter__(self) -> Collector:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self, trace_id: str, count: int, timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """The spans of a trace, oldest first, as soon as there are so many; what there is when the time is up."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self._provider is not None:
                self._provider.force_flush(1000)
            found = [span for span in read(self.file) if span["trace_id"] == trace_id]
            if len(found) >= count or time.monotonic() > deadline:
                return sorted(found, key=lambda span: span["start_ns"])
            time.sleep(0.05)


def read(file: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The spans in a file, in the order in which they came.

    Each has `service`, `name`, `trace_id`, `span_id`, `parent_id` ("" for none), `start_ns`, `end_ns` and `attributes`.
    """
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def _handler(file: Path) -> type[http.server.BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("content-encoding") == "gzip":
                import gzip

                raw = gzip.decompress(raw)
            lines = "".join(json.dumps(span) + "\n" for span in _spans(raw))
            with lock, file.open("a", encoding="utf-8") as out:
                out.write(lines)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _spans(raw: bytes) -> Iterator[dict[str, Any]]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
        about = _attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "service": str(about.get("service.name", "")),
                    "name": span.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex(),
                    "start_ns": span.start_time_unix_nano,
                    "end_ns": span.end_time_unix_nano,
                    "attributes": _attributes(span.attributes),
                }


def _attributes(pairs: Any) -> dict[str, Any]:
    found = {}
    for pair in pairs:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind) if kind else None
        found[pair.key] = value if isinstance(value, str | int | float | bool | None) else str(value)
    return found
