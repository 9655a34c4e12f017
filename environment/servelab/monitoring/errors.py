"""What goes wrong with a running Prometheus, Alertmanager or webhook."""

from __future__ import annotations

from servelab.errors import CourseError


class MonitoringError(CourseError):
    """A server does not start, does not run, or what was waited for did not come: one line that says what and why."""
