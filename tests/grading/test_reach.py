"""Which cells run again when one changes."""

import pytest
from servelab.grading.reach import names_of, reached


@pytest.mark.parametrize(
    ("text", "uses", "binds"),
    [
        ("x = y + 1", {"y"}, {"x"}),
        ("got = f(1)\nprint(got)", {"f", "print"}, {"got"}),
        ("def f(a):\n    b = a\n    return g(b, LIMIT)", {"g", "LIMIT"}, {"f"}),
        ("def f():\n    global total\n    total = 1", set(), {"f", "total"}),
        ("class A(Base):\n    x = 1\n    y = x + K", {"Base", "K", "__name__"}, {"A"}),
        ("[r for r in rows if r != z]", {"rows", "z"}, set()),
        ("with make() as e:\n    got = await e.go()\nassert got", {"make"}, {"e", "got"}),
        ("import numpy as np, os.path", set(), {"np", "os"}),
        ("%load_ext servelab\nx = 1", {"get_ipython"}, {"x"}),
        ("%%live\nx = y", set(), set()),
        ("def broken(", set(), set()),
    ],
)
def test_names(text, uses, binds):
    names = names_of(text)
    assert names.uses - {"AssertionError"} == uses and names.binds == binds


CELLS = {
    0: "import json",
    1: "def f(): return 1",
    2: "_got = f()\nassert _got == 1",
    3: "def g(): return 2",
    5: "_got = g()\nassert _got == 2",
    6: "both = f() + g()",
    7: "assert both == 3",
    8: "assert json.dumps(1) == '1'",
    9: "THREE = 3",
    10: "assert THREE == 3",
    11: "assert f() + 2 == THREE",
}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        # 3 and 9 are not reached, but 6 and 11 need what they bind.
        ({1: "def f(): return 0"}, [1, 2, 3, 6, 7, 9, 11]),
        ({3: "def g(): return 0"}, [3, 5, 6, 7]),
        ({3: "def g(): return 0\njson = None"}, [3, 5, 6, 7, 8]),
        ({1: "def f(): return 0\njson.dumps = None"}, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]),
        ({3: "def g():\n    globals()['json'] = None"}, [3, 5, 6, 7, 8, 9, 10, 11]),
        ({3: "class G:\n    def __init__(self): self.x = 1\ng = G"}, [3, 5, 6, 7]),
        ({1: "def f(:"}, [1, 2, 3, 6, 7, 9, 11]),
    ],
)
def test_reach(texts, found):
    assert reached(CELLS, texts) == found
