"""Who is told: an HTTP server in this process that takes Alertmanager's notifications."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

from tqdm import tqdm

from servelab.children import HOST
from servelab.monitoring.errors import MonitoringError
from servelab.monitoring.waiting import until

_MOST_BYTES = 2_000_000


@dataclass(frozen=True)
class Notification:
    """One message of Alertmanager, about one group of alerts.

    Attributes:
        received_s: when it came, by `time.perf_counter`.
        receiver: the receiver's name in Alertmanager's configuration.
        status: "firing" while any of its alerts is, otherwise "resolved".
        alerts: for each alert its name, status, labels and annotations.
    """

    received_s: float
    receiver: str
    status: str
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        told = []
        for alert in self.alerts:
            text = alert["annotations"].get("summary") or alert["annotations"].get("description") or ""
            told.append(f"{alert['name']} {alert['status']}{': ' if text else ''}{' '.join(text.split())}")
        return f"{self.receiver} <- {'; '.join(told)}"


class Webhook:
    """A server on a free port of loopback, in a thread; a context manager.

    Args:
        show: print each notification as one line in the moment when it comes.
        start: start at once; otherwise when a `with` block begins.

    Attributes:
        url: what `webhook_configs` in alertmanager.yml takes; empty while it does not run.
        notifications: all that came, in their order.
    """

    def __init__(self, *, show: bool = False, start: bool = False) -> None:
        self.show = show
        self.url = ""
        self.notifications: list[Notification] = []
        self._came = threading.Condition()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        if start:
            self.start()

    def __repr__(self) -> str:
        return f"<Webhook {'at ' + self.url if self.url else 'not running'}: {len(self.notifications)} notifications>"

    def __enter__(self) -> Webhook:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Webhook:
        """Begin to take notifications. Without effect while it runs."""
        if self._server is None:
            self._server = _Server((HOST, 0), _handler(self._take))
            self.url = f"http://{HOST}:{self._server.server_address[1]}/"
            serve = self._server.serve_forever
            self._thread = threading.Thread(target=serve, args=(0.05,), name="webhook", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port. What came stays in `notifications`. Safe to call twice."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
        self._server = self._thread = None
        self.url = ""

    def wait_for(self, alertname: str, status: str = "firing", seconds: float = 60) -> Notification:
        """Wait for an alert, if it has not come yet. A bar shows how long, after a few seconds.

        Args:
            alertname: the alert's name.
            status: "firing" or "resolved".
            seconds: how long at most.

        Returns:
            The first notification that tells of this alert with this status.

        Raises:
            MonitoringError: none came in that time; with what came instead.
        """

        def look() -> Notification | None:
            with self._came:
                found = self._find(alertname, status)
                if found is None:
                    self._came.wait(min(0.5, seconds))
                return found

        found = until(look, seconds, f"waiting for {alertname}")
        if found is None:
            raise MonitoringError(self._missing(alertname, status, seconds))
        return found

    def _find(self, alertname: str, status: str) -> Notification | None:
        for note in self.notifications:
            if any(alert["name"] == alertname and alert["status"] == status for alert in note.alerts):
                return note
        return None

    def _missing(self, alertname: str, status: str, seconds: float) -> str:
        came = [f"{alert['name']} {alert['status']}" for note in self.notifications for alert in note.alerts]
        told = f"what came: {', '.join(dict.fromkeys(came))}" if came else "no notification came at all"
        return f"No notification of {alertname} {status} came within {seconds:g} s; {told}."

    def _take(self, told: dict[str, Any]) -> None:
        alerts = [
            {
                "name": one.get("labels", {}).get("alertname", ""),
                "status": one.get("status", ""),
                "labels": one.get("labels", {}),
                "annotations": one.get("annotations", {}),
            }
            for one in told.get("alerts", [])
        ]
        note = Notification(time.perf_counter(), told.get("receiver", ""), told.get("status", ""), alerts)
        with self._came:
            self.notifications.append(note)
            self._came.notify_all()
        if self.show:
            # Not print: a bar that stands in this line is drawn again below.
            tqdm.write(f"{time.strftime('%H:%M:%S')} {note}", file=sys.stdout)
            sys.stdout.flush()


class _Server(TCPServer):
    """Not http.server's own, which asks the network for this machine's name before it starts."""

    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """A client that leaves in the middle is no fault of ours, and text on standard error would look like one."""


def _handler(take: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # one that connects and says nothing must not hold up the others

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("Content-Length", ""))
                if not 0 <= length <= _MOST_BYTES:
                    raise ValueError
                told = json.loads(self.rfile.read(length))
                take(told)
                code = 200
            except (ValueError, AttributeError, TypeError):
                code = 400
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: see `handle_error`."""

    return Handler
