"""What a check may do with a student's objects, and that it means the same as in the student's own kernel."""

from __future__ import annotations

import pytest
from cells import answer, check, plain
from nbformat.v4 import new_notebook
from servelab.grading.plain import run_cells
from servelab.grading.repair import Laid, questions_of
from servelab.grading.run import scores_of, shared_grader
from servelab.grading.session import Patience

pytestmark = pytest.mark.slow

STUDENT = """
import asyncio, contextlib, threading
import numpy as np

class Box:
    limit = 3
    def __init__(self, items=()):
        self.items = list(items)
    def add(self, item):
        self.items.append(item)
        return self
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items)
    def __getitem__(self, i): return self.items[i]
    def __contains__(self, x): return x in self.items
    def __enter__(self): return self
    def __exit__(self, *_): self.items.clear()
    async def later(self, x, delay=0.01):
        await asyncio.sleep(delay)
        return x * 2
    async def stream(self, n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

class Odd(ValueError):
    pass

def double(values):
    for i, v in enumerate(values): values[i] = 2 * v
    return None

def fails(kind):
    if kind == "odd": raise Odd("that is odd")
    if kind == "unicode": b"\\xff".decode()
    if kind == "key": {}["missing"]
    if kind == "exit": raise SystemExit(3)
    raise ZeroDivisionError

def count(n):
    yield from range(n)

async def fill(target, n):
    await asyncio.sleep(0.01)
    target["n"] = n

@contextlib.asynccontextmanager
async def room(name):
    yield name + "!"

def matrix(n): return np.eye(n)

def make_app():
    import flask
    app = flask.Flask("a")
    @app.get("/")
    def hello(): return {"hello": helper()}
    return app

def helper(): return "from over there"

class Counted:
    def __init__(self, n): self.n = n
    def tell(self): return self.n
    def learn(self): self.tell = lambda: 100
def teach(): Counted.tell = lambda self: -self.n

box = gone = Counted(0)
def current(): return box
def renew():
    global box
    box = Counted(box.n + 1)
def forget():
    global gone
    del gone

answer_to_all = 42
"""

CHECKS = {
    "values": "assert answer_to_all == 42 and helper() == 'from over there'",
    "construct, call, attributes": "b = Box([1]); b.add(2).add(3)\nassert b.items == [1, 2, 3] and b.limit == 3 and Box.limit == 3",
    "len, in, item, iterate": "b = Box('ab'); assert len(b) == 2 and 'a' in b and b[1] == 'b' and list(b) == ['a', 'b']",
    "the last item": "assert Box([1, 2, 3])[-1] == 3",
    "generators": "assert list(count(4)) == [0, 1, 2, 3] and sum(x for x in count(3)) == 3\ng = count(2)\nassert next(g) == 0 and next(g) == 1",
    "a generator ends": "g = count(0)\ntry:\n    next(g)\nexcept StopIteration:\n    pass\nelse:\n    assert False",
    "await": "assert await Box().later(4) == 8",
    "await many": "import asyncio, time\nt = time.perf_counter()\nassert await asyncio.gather(*(Box().later(i, 0.3) for i in range(5))) == [0, 2, 4, 6, 8]\nassert time.perf_counter() - t < 1.2",
    "async for": "assert [i async for i in Box().stream(3)] == [0, 1, 2]",
    "async with": "async with room('x') as r:\n    assert r == 'x!'",
    "with": "b = Box([1])\nwith b as c:\n    assert len(c) == 1\nassert len(b) == 0",
    "arguments that are changed": "v = [1, 2]; assert double(v) is None\nassert v == [2, 4]\nm = np.array([1., 2.]); double(m)\nassert m.tolist() == [2, 4]",
    "changed while awaited": "d = {}\nawait fill(d, 5)\nassert d == {'n': 5}",
    "exceptions by builtin name": "try:\n    fails('odd')\nexcept ValueError as e:\n    assert str(e) == 'that is odd'\nelse:\n    assert False",
    "key errors": "try:\n    fails('key')\nexcept KeyError as e:\n    assert 'missing' in str(e)",
    "unicode errors": "try:\n    fails('unicode')\nexcept ValueError:\n    pass\nelse:\n    assert False",
    "pytest.raises": "import pytest\nwith pytest.raises(ZeroDivisionError):\n    fails('')",
    "arrays": "assert matrix(2).tolist() == [[1, 0], [0, 1]] and np.allclose(matrix(3).sum(), 3)",
    "an object handed back": "b = Box(); c = Box([b]); assert len(c) == 1\nassert len(c.items[0].add(1)) == 1 and len(b) == 1",
    "a web app": "from servelab.checks import served\nimport httpx\nwith served(make_app()) as url:\n    assert httpx.get(url).json() == {'hello': 'from over there'}",
    "an engine of the judge's": "from servelab.engine.scripted import ScriptedEngine\nwith ScriptedEngine(tokens=3) as e:\n    assert ask(e.base_url, e.model) == 3\n    assert len(e.requests) == 1",
    "threads": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    assert sorted(pool.map(square, range(8))) == [i * i for i in range(8)]",
    "an instructor's function calls the answer": "assert twice_the_answer() == 84",
    "a name bound anew": "assert current().n == 0 and box.n == 0\nrenew()\nassert box.n == 1\nrenew()\nassert box.n == 2 and current().n == 2",
    "a name that goes": "assert gone.n == 0\nforget()\ntry:\n    gone\nexcept NameError:\n    pass\nelse:\n    assert False",
    "methods that change": "c = Counted(1)\nassert c.tell() == 1 and c.tell() == 1\nc.learn()\nassert c.tell() == 100\nd = Counted(2)\nassert d.tell() == 2\nteach()\nassert d.tell() == -2 and c.tell() == 100",
    "partial credit": "0.5",
    "wrong": "assert helper() == 'x', 'not x'",
    "raises": "fails('')",
    "exits": "fails('exit')",
    "missing": "undefined_name()",
}
MORE = """
def square(x):
    import time
    time.sleep(0.05)
    return x * x

def ask(base_url, model):
    from openai import OpenAI
    a = OpenAI(base_url=base_url, api_key="x").completions.create(model=model, prompt="p", max_tokens=3)
    return a.usage.completion_tokens
"""
LOSES = {"partial credit": 0.5, "wrong": 0, "raises": 0, "exits": 0, "missing": 0}


@pytest.fixture(scope="module")
def notebook():
    cells = [
        plain("import numpy as np\n\ndef twice_the_answer():\n    return 2 * answer_to_all", "setup"),
        answer(STUDENT + MORE, "answer"),
    ]
    cells += [check(text, f"c{n}", 1) for n, text in enumerate(CHECKS.values())]
    return new_notebook(cells=cells)


@pytest.fixture(scope="module")
def judged(notebook):
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    outcome = shared_grader().run(laid, patience=Patience(cell_s=20, check_s=20))
    return {c.grade_id: c for c in scores_of(laid, outcome.runs)}


@pytest.fixture(scope="module")
def in_kernel(notebook, tmp_path_factory):
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    runs = run_cells(laid.notebook, laid.questions, tmp_path_factory.mktemp("kernel"), timeout_s=20)
    return {c.grade_id: c for c in scores_of(laid, runs)}


@pytest.mark.parametrize("number", range(len(CHECKS)), ids=list(CHECKS))
def test_it_means_the_same_in_the_judge_and_in_a_kernel(number, judged, in_kernel):
    name = list(CHECKS)[number]
    expected = LOSES.get(name, 1)
    assert judged[f"c{number}"].points == expected, judged[f"c{number}"].message
    assert in_kernel[f"c{number}"].points == expected, in_kernel[f"c{number}"].message
    if name in ("wrong", "raises", "missing"):
        assert judged[f"c{number}"].message == in_kernel[f"c{number}"].message


def test_a_name_of_the_instructors_is_never_the_students():
    """An instructor's cell that fails in the judge, as the student arranged, does not make the student's object the instructor's."""
    notebook = new_notebook(
        cells=[
            answer("from pathlib import Path\nPath('limit.txt').write_text('1')\nlimit = 1", "mark"),
            check("assert True", "mark-check", 1),
            plain("limit = int(open('limit.txt').read())\nlowest = 2", "measure"),
            answer("def within(n):\n    return True", "within"),
            check("assert within(0)\nassert limit == 1", "within-check", 2),
            check("assert limit == 1 or lowest == 2", "within-check-2", 2),
            plain("doubled = within(3)", "use"),
            answer("x = 1", "last"),
            check("assert doubled", "last-check", 1),
        ]
    )
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    outcome = shared_grader().run(laid)
    scores = {c.grade_id: c for c in scores_of(laid, outcome.runs)}
    points = {name: score.points for name, score in scores.items()}
    assert points == {"mark-check": 1, "within-check": 0, "within-check-2": 0, "last-check": 1}
    assert "could not be made for this check (FileNotFoundError" in scores["within-check"].message


@pytest.mark.parametrize(
    "answer_text",
    [
        "def mean(values):\n    deep = 1\n    for _ in range(200):\n        deep = [deep]\n    return deep",
        "def mean(values):\n    return 'x' * 100_000_000",
        "from servelab.grading import wire\nwire.encode = lambda *_: {'n': 'bm8='}\ndef mean(values):\n    return 1",
        "from servelab.grading import wire\nwire.encode = lambda *_: {'what': 3}\ndef mean(values):\n    return 1",
    ],
    ids=["too deep", "too large", "not an array", "no value"],
)
def test_a_value_that_cannot_be_read_is_no_error_of_the_answers(answer_text):
    text = "try:\n    mean([])\nexcept Exception:\n    pass\nelse:\n    raise AssertionError('no error')"
    notebook = new_notebook(cells=[answer(answer_text, "mean"), check(text, "mean-check", 1)])
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    outcome = shared_grader().run(laid)
    (score,) = scores_of(laid, outcome.runs)
    assert score.points == 0
    assert outcome.flags == (["tampering seen"] if "wire" in answer_text else [])


@pytest.mark.parametrize("first", ["loops", "is wrong"])
def test_what_a_check_names_is_known_to_later_ones_whatever_became_of_it(first):
    """A judge that was given up, or one that says the words again, runs of an earlier check what it defines and names."""
    body = "while n == 1: pass\n    return n" if first == "loops" else "return n"
    notebook = new_notebook(
        cells=[
            answer(f"def same(n):\n    {body}", "same"),
            check("_WANTED = {2: 2}\n_got = same(1)\n_ALSO: int = 2\nassert _got == 7, 'seven'", "first", 1),
            answer("def other(n):\n    return n", "other"),
            check("assert other(2) == _WANTED[_ALSO], 'two'", "second", 1),
            check("assert other(3) == _WANTED[2], 'three is not two'", "third", 1),
        ]
    )
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    outcome = shared_grader().run(laid, patience=Patience(cell_s=20, check_s=2))
    scores = {c.grade_id: c for c in scores_of(laid, outcome.runs)}
    assert {name: score.points for name, score in scores.items()} == {"first": 0, "second": 1, "third": 0}
    assert "three is not two" in scores["third"].message


def test_of_a_check_that_is_left_out_only_what_a_later_one_needs_is_run():
    """What it names may take longer than the later check has: training a model, say."""
    costly = (
        "import time\n_SCALE = 3\n_WANTED = {2: 2 * _SCALE}\n_costly = time.sleep(60)\nassert same(1) == 1"
    )
    notebook = new_notebook(
        cells=[
            answer("def same(n):\n    return n", "same"),
            check(costly, "first", 1),
            answer("def thrice(n):\n    return 3 * n", "thrice"),
            check("assert thrice(2) == _WANTED[2], 'six'", "second", 1),
        ]
    )
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    outcome = shared_grader().run(laid, patience=Patience(cell_s=20, check_s=15), only={3})
    scores = {c.grade_id: c.points for c in scores_of(laid, outcome.runs)}
    assert scores["second"] == 1 and not outcome.flags
