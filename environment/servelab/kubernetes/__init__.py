"""Manifests and autoscaling without a cluster: strict reading, a linter, a replay of traffic, and kubectl where there is one."""

from __future__ import annotations

from servelab.kubernetes.documents import ManifestError, read
from servelab.kubernetes.lint import Finding, lint
from servelab.kubernetes.quantities import quantity

__all__ = ["Finding", "ManifestError", "lint", "quantity", "read"]
