"""Kernels that grading starts get ports which no connection can be given in the meantime."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import nbformat
import pytest
from servelab import children
from servelab.grading import plain


def notebook() -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7")])


def test_ports_of_their_own() -> None:
    manager = plain._Kernel(notebook(), 5.0).create_kernel_manager()
    ports = [getattr(manager, name) for name in plain._PORTS_OF_A_KERNEL]
    assert len(set(ports)) == 5 and set(ports) <= set(children._PORTS) and not manager.cache_ports


@pytest.mark.slow
def test_a_kernel_answers_on_them(tmp_path: Path) -> None:
    with plain._kernel(notebook(), tmp_path, 20.0) as kernel:
        told = kernel.km.get_connection_info()
        assert {told[name] for name in plain._PORTS_OF_A_KERNEL} <= set(children._PORTS)
        assert kernel.run(0).result == "42"
        pid = kernel.km.provisioner.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
