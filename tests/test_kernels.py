"""Kernels that we start are reached through files of their own, and leave none behind."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import nbformat
import pytest
from servelab.kernels import NotebookClient


def notebook(source: str = "6 * 7") -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_no_two_kernels_share_a_name(temporary: Path) -> None:
    names = {NotebookClient(notebook()).create_kernel_manager().ip for _ in range(3)}
    assert len(names) == 3 and {Path(name).parent for name in names} == {temporary}


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_a_kernel_listens_on_files_that_go_with_it(temporary: Path, killed: bool) -> None:
    client = NotebookClient(notebook(), kernel_name="python3", timeout=30)
    with client.setup_kernel():
        assert len(list(temporary.glob("kernel-*-[1-5]"))) == 5
        client.execute_cell(client.nb.cells[0], 0)
        assert client.nb.cells[0].outputs[0].data["text/plain"] == "42"
        pid = client.km.provisioner.process.pid
        if killed:
            os.kill(pid, signal.SIGKILL)
    assert not list(temporary.glob("kernel-*"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
