"""Notebook kernels that we start ourselves: reached through socket files, not through ports."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any

import nbclient


class SocketFiles:
    """For notebook clients, before their class: their kernel listens on files that carry its own name.

    jupyter_client asks the system for free ports and lets them go before the kernel takes them. In between a connection of any
    program may be given one, and the kernel dies before it answers (https://github.com/jupyter/jupyter_client/issues/276).
    A file's name is nobody else's. The kernel manager removes the files when the kernel ends.
    """

    def create_kernel_manager(self) -> Any:
        manager = super().create_kernel_manager()  # type: ignore[misc]
        manager.transport = "ipc"
        # In the folder for temporary files: a socket's path may have no more than about a hundred characters.
        manager.ip = str(Path(tempfile.gettempdir()) / f"kernel-{uuid.uuid4().hex[:16]}")
        return manager


class NotebookClient(SocketFiles, nbclient.NotebookClient):
    """nbclient's, with a kernel that needs no ports."""
