"""Watching an engine: PromQL that is run by Prometheus's own tools."""
