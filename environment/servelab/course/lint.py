"""What a lab's source must not do, found before a student does: one `file:line: message` each."""

from __future__ import annotations

from nbformat import NotebookNode

from servelab.course.percent import Lab


def problems(lab: Lab, notebook: NotebookNode) -> list[str]:
    """Every fault of a lab."""
    return []
