"""The two-sided proof of every lab: reference full, starter zero, each recorded answer exactly its points."""

from __future__ import annotations

from pathlib import Path

import pytest
from servelab.grading.proof import prove_lab

pytestmark = pytest.mark.alone  # keeps both cores busy by itself

ROOT = Path(__file__).resolve().parents[1]
LABS = sorted(path.parent.name for path in (ROOT / "solutions").glob("[0-9][0-9]-*/[0-9][0-9]-*.ipynb"))


def test_there_are_labs_to_prove():
    assert LABS


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_every_answer_gets_exactly_its_points(lab, figures):
    result = prove_lab(ROOT, lab)
    figures[f"proof of {lab}, s"] = round(sum(result.seconds.values()), 1)
    figures[f"proof of {lab}, answers exact"] = f"{result.answers_exact} of {result.answers}"
    told = "\n".join(
        f"{m.what} ({m.where}): expected {m.expected}, got {m.got}. {m.message}" for m in result.mismatches
    )
    assert not result.mismatches, told
    assert (result.reference_full, result.starter_zero) == (True, True)
    assert result.answers_exact == result.answers >= 30
