"""Every rule of the lint: an edit of a sound lab that breaks it, and the line and words it is told in."""

from __future__ import annotations

import course_kit
import pytest
from servelab.course import build, lint
from servelab.course.names import names_of
from servelab.course.notebooks import to_notebook
from servelab.course.percent import SourceError, read_lab
from servelab.syntax import parse_cell

course = course_kit.course

CHECK = 'assert add(1, 2) == 3, "add(1, 2) should be 3."'
MARK = "### BEGIN HIDDEN TESTS\nfor _pair"
HIDDEN = "for _pair, _hidden_total in"
RETURN = "    return the_secret_sum_of_both"
LAST = "partial(_right / 2, 2)"

# (what is replaced, by what, text of the faulty line, words of the message)
STRUCTURE = {
    "answer without id": (
        'tags=["answer"] id="add"',
        'tags=["answer"]',
        '# %% tags=["answer"]\n',
        "needs an id",
    ),
    "check without id": ('id="add-check" ', "", '# %% tags=["check"] points=4', "needs an id"),
    "check without points": (' id="add-check" points=4', ' id="add-check"', 'id="add-check"', "needs points"),
    "points on an answer": ('id="add"\n', 'id="add" points=3\n', 'id="add" points', "only check and written"),
    "written as code": (
        '[markdown] tags=["written"]',
        'tags=["written"]',
        'id="why"',
        "belongs to a markdown",
    ),
    "answer as markdown": ('# %% tags=["live"]', '# %% [markdown] tags=["live"]', "", "must begin with `# `"),
    "no setup": ('# %% tags=["setup"]', "# %%", "# %%\n", 'must have tags=["setup"]'),
    "two setups": (
        "# %% [markdown]\n# Write `add`.",
        '# %% tags=["setup"]\n# %load_ext servelab\nservelab.setup("01-tiny")',
        "",
        "there is a setup cell already",
    ),
    "setup without extension": ("# %load_ext servelab\n", "", "", "must contain `%load_ext servelab`"),
    "setup of another lab": (
        'setup("01-tiny")',
        'setup("02-tiny")',
        "",
        'contain `servelab.setup("01-tiny")`',
    ),
    "four outputs": (
        '# %% tags=["output"]\nprint(math.isqrt',
        "# %%\nprint(math.isqrt",
        "# ---",
        "at least 5",
    ),
    "duplicate id": ('id="share-check"', 'id="add-check"', 'id="add-check" points=2', "is used on line"),
    "id of a quiz": ('id="share"', 'id="quiz-colour-of-sky"', "# %% quiz", "is used on line"),
    "id the build makes": ('id="share"', 'id="quiz-colour-of-sky-check"', "# ---", "two cells get the id"),
    "no check": (
        f'# %% tags=["check"] id="add-check" points=4\n{CHECK}',
        f"# %%\n{CHECK}",
        "",
        "no check follows",
    ),
    "check before any answer": (
        "# %% [markdown]\n# Write `add`.",
        '# %% tags=["check"] id="early" points=1\nassert True',
        'id="early"',
        "no answer cell stands before",
    ),
    "written without a question": (
        "# %% [markdown]\n# Why does adding commute? One sentence; 3 points for naming a reason.",
        "# %%\nprint()",
        'id="why"',
        "must stand right before",
    ),
    "no solution region": (
        "    ### BEGIN SOLUTION\n    return [total / parts] * parts\n    ### END SOLUTION",
        "    return []",
        'id="share"',
        "an answer cell needs `### BEGIN SOLUTION`",
    ),
    "no END": (
        "    return [total / parts] * parts\n    ### END SOLUTION",
        "    return []",
        "",
        "without ### END SOLUTION",
    ),
    "no END of hidden tests": (
        'Try other numbers."\n### END HIDDEN TESTS',
        'Try other numbers."',
        "",
        "without ### END HIDDEN TESTS",
    ),
    "END alone": (
        "    ### BEGIN SOLUTION\n    return [",
        "    return [",
        "",
        "without ### BEGIN",
    ),
    "nested": (RETURN, "    ### BEGIN SOLUTION\n" + RETURN, "", "again before"),
    "misspelt mark": (
        "### BEGIN HIDDEN TESTS\n_right",
        "## Begin hidden tests\n_right",
        "## Begin hidden",
        "alone on their lines",
    ),
    "solution in a plain cell": (
        "print(math.isqrt(17))",
        "### BEGIN SOLUTION\nprint(math.isqrt(17))\n### END SOLUTION",
        "### BEGIN SOLUTION\nprint",
        'belongs into a cell with tags=["answer"]',
    ),
    "hidden tests in an answer": (
        RETURN,
        RETURN
        + "\n    ### END SOLUTION\n    ### BEGIN HIDDEN TESTS\n    ### END HIDDEN TESTS\n    ### BEGIN SOLUTION",
        "    ### BEGIN HIDDEN TESTS\n    ### END HIDDEN",
        'belongs into a cell with tags=["check"]',
    ),
    "not Python": ("print(math.isqrt(17))", "print(math.isqrt(17)", "print(math.isqrt(17)", "not Python:"),
    "unknown quiz item": ("tiny/colour-of-sky", "tiny/colour-of-sea", "# %% quiz", "no item 'colour-of-sea'"),
    "unknown bank": ("tiny/colour-of-sky", "huge/colour-of-sky", "# %% quiz", "no such question bank"),
    "quiz reference of a wrong form": (
        "tiny/colour-of-sky",
        "colour-of-sky",
        "# %% quiz",
        'must be "bank/item"',
    ),
}
NAMES = {
    "answer needs a live name": (
        RETURN,
        RETURN + " + len(engine)",
        RETURN,
        "`engine` is bound only by the live cell",
    ),
    "check needs a live name": (CHECK, f"{CHECK}\nassert engine", "assert engine", "`engine` is bound only"),
    "live import": (CHECK, f"asyncio.sleep\n{CHECK}", "asyncio.sleep\n", "`asyncio` is bound only"),
    "live name in a function": (
        CHECK,
        f"def _look():\n    return engine\n\n\n{CHECK}",
        "    return engine",
        "`engine` is bound only",
    ),
    "live name in a plain cell": (
        "print(math.isqrt(17))",
        "print(engine)",
        "print(engine)",
        "`engine` is bound only",
    ),
    "starter needs a later name": (
        "print(math.isqrt(17))",
        "print(share)",
        "print(share)",
        "not bound by any cell before",
    ),
    "starter without a name its check uses": (
        'def share(total, parts):\n    """Equal shares."""\n    ### BEGIN SOLUTION\n    return [total / parts] * parts\n',
        "### BEGIN SOLUTION\ndef share(total, parts):\n    return [total / parts] * parts\n",
        'id="share"\n',
        "which only the solution binds",
    ),
    "starter that is not Python": (
        "    ### BEGIN SOLUTION\n    return [total / parts] * parts\n    ### END SOLUTION",
        "    return [\n    ### BEGIN SOLUTION\n    total / parts\n    ### END SOLUTION\n    ] * parts",
        "",
        "not Python without its solution",
    ),
}
CHECKS = {
    "is": ("assert add(1, 1) is 2", "compares identities"),
    "is not": ("assert add(1, 1) is not True", "compares identities"),
    "isinstance of a student's function": (
        "assert isinstance(add, object)",
        "isinstance on a student's object",
    ),
    "isinstance with a student's class": ("assert isinstance(3, add)", "isinstance on a student's object"),
    "type of a student's function": ("assert type(add)", "type on a student's object"),
    "binding a student's name": ("add = max", "must not bind it anew"),
    "defining a student's name": ("def add():\n    pass\n", "must not bind it anew"),
    "patching a module": ("math.floor = None", "must not change objects"),
    "patching an item": ("math.__dict__['floor'] = None", "must not change objects"),
    "changing a returned object": ("_x = add(1, 2)\n_x[0] = 1", "must not change objects"),
    "setattr": ("setattr(math, 'floor', None)", "changes an object of another cell"),
    "mock": ("from unittest import mock", "looks inside objects"),
    "inspect": ("import inspect", "looks inside objects"),
    "In": ("assert In", "reads the notebook's history"),
    "Out": ("assert Out", "reads the notebook's history"),
    "underscore": ("assert _", "reads the notebook's history"),
    "globals": ("globals()['add'](1, 2)\nassert 1", "looks into the student's kernel"),
    "get_ipython": ("assert get_ipython()", "looks into the student's kernel"),
    "exec": ("exec('x = 1')\nassert 1", "runs text as code"),
    "dunder": ("assert add.__code__", "looks inside an object"),
    "sys.modules": ("import sys\nassert sys.modules", "looks inside an object"),
    "private method": ("assert add(1, 2)._x", "is private"),
    "lambda": ("assert add(lambda: 1, 2)", "must be plain data"),
    "generator": ("assert add((x for x in [1]), 2)", "must be plain data"),
    "function": ("def _f():\n    pass\nassert add(1, b=_f)", "must be plain data"),
    "function to a returned object": (
        "def _f():\n    pass\n_o = add(1, 2)\n_o.run(_f)\nassert 1",
        "must be plain data",
    ),
}
LAST_LINES = {
    "a value": ("add(1, 2)", "the last expression must be"),
    "a comparison": ("add(1, 2) == 3", "the last expression must be"),
    "another call": ("min(1, 2)", "the last expression must be"),
    "an awaited value": ("await add(1, 2)", "the last expression must be"),
    "a function with a value": ("def _f():\n    return 3\n_f()", "the last expression must be"),
    "partial of other points": ("partial(_right, 4)", "does not match points=2"),
}


def problems(course) -> list[str]:
    lab = read_lab(course.source)
    return lint.problems(lab, to_notebook(lab, course.root))


def expect(course, line_text: str, message: str) -> None:
    """The build stops; one of its lines has the message and, if given, points at the line with the text."""
    with pytest.raises(SourceError) as caught:
        build(course.root)
    hits = [p for p in caught.value.problems if message in p]
    assert hits, caught.value.problems
    where, _, number = hits[0].split(": ")[0].rpartition(":")
    assert where == "solutions/01-tiny/01-tiny.py" and not (course.root / "labs").exists()
    if line_text:
        text = course.source.read_text()
        expected = text[: text.index(line_text)].count("\n") + 1
        assert int(number) == expected, (hits, expected)


def test_the_fixture_itself_is_sound(course) -> None:
    assert problems(course) == []


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(course, name: str) -> None:
    old, new, line, message = STRUCTURE[name]
    course.edit(old, new)
    expect(course, line, message)


@pytest.mark.parametrize("name", NAMES)
def test_names(course, name: str) -> None:
    old, new, line, message = NAMES[name]
    course.edit(old, new)
    expect(course, line, message)


@pytest.mark.parametrize("name", CHECKS)
def test_check_cells(course, name: str) -> None:
    text, message = CHECKS[name]
    course.edit(HIDDEN, f"{text}\n{HIDDEN}")
    expect(course, "", message)


QUOTES = {
    "directly": "assert add(1, 2) == 3, f'not {add(1, 2)}'",
    "by a name": "_got = add(1, 2)\nassert _got == 3, f'{_got} is not right'",
    "by a name of a name": "_got = add(1, 2)\n_off = _got - 3\nassert not _off, str(_off)",
    "in a loop": "for _got in [add(1, 2)]:\n    assert _got == 3, 'not %s' % _got",
    "by unpacking": "_a, _b = add(1, 2), 3\nassert _a == 3, _a",
    "with a statement": "if (_got := add(1, 2)) != 3:\n    raise AssertionError(f'{_got}')",
    "by a function": "def _say():\n    return str(add(1, 2))\nassert add(1, 2) == 3, _say()",
    "an error's text": "try:\n    add(1, 2)\nexcept ValueError as _error:\n    assert False, f'raised {_error}'",
}


@pytest.mark.parametrize("name", QUOTES)
def test_a_hidden_message_quotes_nothing_of_the_answers(course, name: str) -> None:
    course.edit(HIDDEN, f"{QUOTES[name]}\n{HIDDEN}")
    expect(course, "", "the message of a hidden test quotes")


@pytest.mark.parametrize("name", QUOTES)
def test_a_visible_message_may(course, name: str) -> None:
    course.edit(MARK, f"{QUOTES[name]}\n{MARK}")
    assert problems(course) == []


def test_a_hidden_message_may_say_what_was_asked(course) -> None:
    text = "for _n in (5, 6):\n    assert add(_n, 1) == _n + 1, f'{_n} and 1 are wrong'"
    course.edit(HIDDEN, f"{text}\n{HIDDEN}")
    assert problems(course) == []


@pytest.mark.parametrize("name", LAST_LINES)
def test_last_expression(course, name: str) -> None:
    text, message = LAST_LINES[name]
    course.edit(LAST, text)
    expect(course, "", message)


def test_last_expression_of_what_students_see(course) -> None:
    course.edit("_right = sum(share(6", "share(6, 2)\n### BEGIN HIDDEN TESTS\n_right = sum(share(6")
    course.edit("### BEGIN HIDDEN TESTS\n_right += ", "_right += ")
    expect(course, "share(6, 2)", "the last expression must be")


@pytest.mark.parametrize(
    "text",
    [
        "assert add(1, 1) is not None",
        "assert isinstance(add(1, 2), int)",
        "_table = {}\n_table['x'] = add(1, 2)",
        "for _ in range(3):\n    assert add(_, 1)",
        "def _f():\n    return add(1, 2)\nassert _f()",
        "assert sorted([add(1, 2)], key=lambda x: -x)",
        "with open('x') as _file:\n    assert _file",
        "class _Mine:\n    def __init__(self):\n        self.x = 1\nassert _Mine().x",
        "assert await add(1, 2)",
        "print(add(1, 2))",
    ],
)
def test_what_a_check_may_do(course, text: str) -> None:
    course.edit(HIDDEN, f"{text}\n{HIDDEN}")
    assert problems(course) == []


@pytest.mark.parametrize("text", ["print(3)", "_f()", "assert 1", "partial(earned=1, of=2)", "_x = 3"])
def test_what_may_stand_last(course, text: str) -> None:
    course.edit(LAST, f"def _f():\n    assert 1\n{text}")
    assert problems(course) == []


def test_a_live_name_bound_again_for_grading_is_fine(course) -> None:
    course.edit("print(math.isqrt(17))", "engine = 'none'\nprint(math.isqrt(17))")
    course.edit("the_secret_sum_of_both = a + b", "the_secret_sum_of_both = a + b + 0 * len(engine)")
    assert problems(course) == []


def test_a_name_bound_before_the_region_is_fine(course) -> None:
    course.edit(
        "    ### BEGIN SOLUTION\n    return [total / parts] * parts\n    ### END SOLUTION",
        "    return []\n\n\nlimit = None\n### BEGIN SOLUTION\nlimit = 3\n### END SOLUTION",
    )
    course.edit(LAST, "assert limit == 3")
    assert problems(course) == []


@pytest.mark.parametrize(
    ("source", "bound", "now", "later"),
    [
        ("import a.b as c\nfrom d import e", {"c", "e"}, set(), set()),
        ("x = y\nx += 1", {"x"}, {"y"}, set()),
        ("def f(a=g):\n    return a + h", {"f"}, {"g"}, {"h"}),
        ("class K(Base):\n    z = w\n    def m(self):\n        return v", {"K"}, {"Base", "w"}, {"v"}),
        ("[p for p in q if r]", set(), {"q", "r"}, set()),
        ("await s()\nasync with t() as u:\n    pass", {"u"}, {"s", "t"}, set()),
        ("async for i in j:\n    k = [m async for m in n]", {"i", "k"}, {"j", "n"}, set()),
        ("def f():\n    global g\n    g = 1", {"f", "g"}, set(), set()),
        ("lambda: o", set(), set(), {"o"}),
        ("%load_ext servelab\nprint(len(a))", set(), {"a"}, set()),
        ("f'{b!r:>{c}}'", set(), {"b", "c"}, set()),
    ],
)
def test_names_of_a_cell(source: str, bound: set, now: set, later: set) -> None:
    names = names_of(parse_cell(source))
    assert (names.bound, names.now, names.later) == (bound, now, later)
