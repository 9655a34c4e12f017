"""What is made once is known without importing what makes it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from servelab.engine import artefacts
from servelab.retrieval import made, register_artefacts


def test_asking_for_it_is_light() -> None:
    code = "import sys; from servelab.retrieval import register_artefacts; register_artefacts(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"numpy", "torch", "transformers", "qdrant_client", "qdrant_edge"}.isdisjoint(done.stdout.split())


@pytest.mark.parametrize("name", [made.TOKENS, made.PIECES])
def test_each_has_its_source_and_a_command(name: str) -> None:
    register_artefacts()
    artefact = artefacts.ARTEFACTS[name]
    assert artefact.source().is_file() and artefact.seconds > 0
    assert artefact.command(artefact.source(), made.FOLDER)[-2:] == [name, str(made.FOLDER)]
