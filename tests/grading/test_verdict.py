"""The number a check's run is worth, and the words for it."""

import pytest
from servelab.grading.verdict import CellRun, explain, frames_in, points_for


@pytest.mark.parametrize(
    ("result", "points", "said"),
    [
        (None, 4, False),
        ("4.0", 4, False),
        ("0", 0, False),
        ("2.5", 2.5, False),
        ("1e0", 1, False),
        ("nan", 0, True),
        ("inf", 0, True),
        ("1e999", 0, True),
        ("-1.0", 0, True),
        ("np.float64(1.5)", 0, True),
        ("True", 0, True),
        ("'full marks'", 0, True),
        ("5", 4, True),
    ],
)
def test_points(result, points, said):
    earned, words = points_for(CellRun(result=result), 4)
    assert earned == points and bool(words) == said


@pytest.mark.parametrize("status", ["error", "hung", "died", "skipped"])
def test_what_did_not_end_well_is_worth_nothing(status):
    assert points_for(CellRun(status=status, result="4.0"), 4) == (0.0, "")


def _failed(ename, evalue="", frames=()):
    return CellRun(status="error", ename=ename, evalue=evalue, frames=list(frames))


@pytest.mark.parametrize(
    ("check", "answer", "words"),
    [
        (_failed("AssertionError", "the mean of 2 and 4 is 3"), CellRun(), "the mean of 2 and 4 is 3"),
        (_failed("AssertionError"), CellRun(), "try other inputs"),
        (_failed("NotImplementedError"), CellRun(), "Not answered yet"),
        (
            _failed("NameError", "name 'mean' is not defined"),
            _failed("NotImplementedError"),
            "Not answered yet",
        ),
        (
            _failed("NameError", "name 'mean' is not defined"),
            _failed("SyntaxError", "bad"),
            "stops with SyntaxError",
        ),
        (_failed("NameError", "name 'mean' is not defined"), CellRun(), "does not define `mean`"),
        (
            _failed("NameError", "name 'mine' is not defined", [(9, 1), (2, 2)]),
            CellRun(),
            "put it into your answer",
        ),
        (_failed("KeyError", "'p95'", [(9, 1), (2, 2)]), CellRun(), "KeyError: 'p95' (in your line `two`)"),
        (CellRun(status="hung"), CellRun(), "more than 3 s"),
        (CellRun(status="died"), CellRun(), "Python itself stopped"),
        (CellRun(status="skipped"), CellRun(status="hung"), "Your answer cell ran for more than"),
        (CellRun(status="skipped"), CellRun(), "earlier check"),
        (_failed("TypeError", "x" * 5000), None, "…"),
    ],
)
def test_words(check, answer, words):
    said = explain(check, answer, answer_text="one\ntwo", answer_index=2, timeout_s=3, own_names=["mine"])
    assert words in said and len(said) <= 600


def test_frames_are_translated_to_cells():
    traceback = [
        "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[7]\x1b[39m\x1b[32m, line 2\x1b[39m",
        "Cell In[99], line 1",
    ]
    assert frames_in(traceback, {7: 3}) == [(3, 2)]
