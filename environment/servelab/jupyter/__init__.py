"""The course inside JupyterLab: the server extension, the home page, starting and stopping it all.

This module stays light: Jupyter imports it to find the extension, the command line to start the server.
"""

from __future__ import annotations

from typing import Any


def start_lab(port: int | None = None, browser: bool = True) -> int:
    """Open the course in JupyterLab and stay until it is stopped: see `servelab.jupyter.lab.start_lab`."""
    from servelab.jupyter.lab import start_lab as start

    return start(port=port, browser=browser)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "servelab.jupyter.server"}]
