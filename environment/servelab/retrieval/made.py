"""What this room makes once and keeps. Light to import: the doctor only asks whether it is there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from servelab.engine import artefacts

FOLDER = Path(__file__).parent
TOKENS = "passage-tokens"
PIECES = "pieces"


def _command(what: str) -> Callable[[Path, Path], list[str]]:
    """The process that makes one of them."""
    return lambda _source, into: [sys.executable, "-P", "-m", "servelab.retrieval.vectors", what, str(into)]


artefacts.ARTEFACTS[TOKENS] = artefacts.Artefact(
    name=TOKENS,
    recipe=1,
    source=lambda: FOLDER / "packages.json",
    command=_command(TOKENS),
    seconds=90,
)
artefacts.ARTEFACTS[PIECES] = artefacts.Artefact(
    name=PIECES,
    recipe=1,
    source=lambda: FOLDER / "pieces.json",
    command=_command(PIECES),
    seconds=180,
    disk_gb=0.1,
)
