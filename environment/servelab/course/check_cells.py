"""The contract of check cells: what reads the same in the student's kernel and in a judge that sees only data."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from servelab.course.percent import Cell
from servelab.course.regions import HIDDEN, RegionError, fill, region_lines
from servelab.syntax import parse_cell

_FORBIDDEN_NAMES = {
    **dict.fromkeys(("In", "Out", "_ih", "_oh", "_i", "_ii", "_iii", "_dh"), "reads the notebook's history"),
    **dict.fromkeys(("globals", "locals", "vars", "get_ipython"), "looks into the student's kernel"),
    **dict.fromkeys(("exec", "eval", "compile", "__import__"), "runs text as code"),
    **dict.fromkeys(("setattr", "delattr", "monkeypatch"), "changes an object of another cell"),
}
_FORBIDDEN_MODULES = {"inspect", "gc", "unittest.mock", "ctypes", "importlib", "builtins"}
_FORBIDDEN_ATTRIBUTES = {"modules", "settrace", "setprofile", "monkeypatch"}
_LAST = (
    "the last expression must be partial(earned, of) or print(...): nbgrader takes any other value for points"
)


def check_problems(
    cell: Cell, tree: ast.Module, student: set[str], functions: set[str]
) -> Iterator[tuple[int, str]]:
    """Faults of one check cell as (line in the cell, message).

    Args:
        cell: the check.
        tree: its syntax tree, hidden part included.
        student: names that answer cells bind.
        functions: functions that instructor cells define.
    """
    yield from _last_expressions(cell)
    yield from _Visitor(tree, student, functions, _hidden_lines(cell)).faults()


def _hidden_lines(cell: Cell) -> set[int]:
    try:
        regions = region_lines(cell.source, HIDDEN)
    except RegionError:
        return set()  # reported elsewhere
    return {line for first, last in regions for line in range(first, last)}


def _last_expressions(cell: Cell) -> Iterator[tuple[int, str]]:
    """Both what the judge runs and what is left of it in labs/."""
    try:
        visible = fill(cell.source, HIDDEN, None)
        trees = [parse_cell(cell.source), parse_cell(visible)]
    except (RegionError, SyntaxError):
        return  # a bad mark is reported elsewhere
    for tree in trees:
        last = tree.body[-1] if tree.body else None
        if not isinstance(last, ast.Expr):
            continue
        called = last.value.func.id if _calls_name(last.value) else None
        if called == "partial":
            yield from _partial(last.value, cell)
        elif called != "print" and called not in _give_nothing(tree):
            yield last.lineno, _LAST


def _give_nothing(tree: ast.Module) -> set[str]:
    """Functions of this check that return None: a call of one, standing last, shows no value."""
    defined = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    return {
        function.name
        for function in defined
        if not any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in ast.walk(function))
    }


def _partial(call: ast.Call, cell: Cell) -> Iterator[tuple[int, str]]:
    values = {k.arg: k.value for k in call.keywords} | dict(zip(("earned", "of"), call.args, strict=False))
    of = values.get("of")
    if isinstance(of, ast.Constant) and of.value != cell.points:
        yield call.lineno, f"partial(..., {of.value}) does not match points={cell.points:g}"


def _told_by_iterating(loop: ast.For | ast.AsyncFor | ast.comprehension, told: set[str]) -> set[str]:
    """The loop's names that hold parts of what is told; `zip` keeps its arguments apart."""
    pairs: list[tuple[ast.AST, ast.AST]] = [(loop.target, loop.iter)]
    if isinstance(loop.iter, ast.Call) and isinstance(loop.target, ast.Tuple):
        called = loop.iter.func.id if isinstance(loop.iter.func, ast.Name) else ""
        if called == "zip" and len(loop.iter.args) == len(loop.target.elts):
            pairs = list(zip(loop.target.elts, loop.iter.args, strict=True))
    return {name for target, source in pairs if _names(source) & told for name in _names(target)}


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _calls_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


class _Visitor(ast.NodeVisitor):
    """Walks a check once its own names are known."""

    def __init__(self, tree: ast.Module, student: set[str], functions: set[str], hidden: set[int]) -> None:
        self.tree = tree
        self.found: list[tuple[int, str]] = []
        self.own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.defined = {
            n.name
            for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        self.functions = functions | self.defined
        self.student = student
        self.made = self._made_by_student()
        self.hidden, self.told = hidden, self._told_by_student()

    def faults(self) -> list[tuple[int, str]]:
        """All faults found."""
        self.visit(self.tree)
        return self.found

    def _made_by_student(self) -> set[str]:
        """Names of this check that hold what a student's call gave back."""
        made: set[str] = set()
        for node in ast.walk(self.tree):
            pairs = []
            if isinstance(node, ast.Assign):
                pairs = [(target, node.value) for target in node.targets]
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                pairs = [(node.optional_vars, node.context_expr)]
            for target, value in pairs:
                if isinstance(target, ast.Name) and self._root(value) in self.student:
                    made.add(target.id)
        return made

    def _told_by_student(self) -> set[str]:
        """Names of this check whose value depends on what a student's code gave back, directly or through other names."""
        told = set(self.student)
        while True:
            before = len(told)
            for node in ast.walk(self.tree):
                if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    sources: list[ast.AST | None] = [node.value]
                elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
                    told |= _told_by_iterating(node, told)
                    continue
                elif isinstance(node, ast.withitem):
                    targets, sources = [node.optional_vars], [node.context_expr]
                elif isinstance(node, ast.ExceptHandler) and node.name:
                    told.add(node.name)
                    continue
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    if _names(node) & told:
                        told.add(node.name)
                    continue
                else:
                    continue
                if any(_names(source) & told for source in sources if source is not None):
                    told |= {name for target in targets if target is not None for name in _names(target)}
            if len(told) == before:
                return told

    def _quotes(self, node: ast.AST) -> None:
        """A message of a hidden test must not hold what the answer gave back, who may have put what it was given in there."""
        if node.lineno not in self.hidden:
            return
        for part in ast.walk(node):
            quoted = isinstance(part, ast.Name) and part.id in self.told
            if quoted:
                self._add(
                    part,
                    f"the message of a hidden test quotes `{part.id}`, and so whatever the answer puts there",
                )

    def visit_Assert(self, node: ast.Assert) -> None:
        if node.msg is not None:
            self._quotes(node.msg)
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call):
            for value in node.exc.args:
                self._quotes(value)
        self.generic_visit(node)

    def _root(self, node: ast.AST) -> str | None:
        """The name that a chain such as `await f(x).y[0]` begins with."""
        while True:
            if isinstance(node, ast.Name):
                return node.id
            if isinstance(node, ast.Await | ast.Attribute | ast.Subscript | ast.Starred):
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            else:
                return None

    def _is_student(self, node: ast.AST) -> bool:
        return self._root(node) in self.student | self.made

    def _add(self, node: ast.AST, message: str) -> None:
        self.found.append((node.lineno, message))

    def visit_Compare(self, node: ast.Compare) -> None:
        for operator, value in zip(node.ops, node.comparators, strict=True):
            none = isinstance(value, ast.Constant) and value.value is None
            if isinstance(operator, ast.Is | ast.IsNot) and not none:
                self._add(node, "`is` compares identities, and objects arrive here as copies: use ==")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            if node.id in _FORBIDDEN_NAMES and node.id not in self.own:
                self._add(node, f"`{node.id}` {_FORBIDDEN_NAMES[node.id]}")
            if node.id in ("_", "__", "___") and node.id not in self.own:
                self._add(node, f"`{node.id}` reads the notebook's history")
        elif node.id in self.student:
            self._add(node, f"`{node.id}` is the student's: a check must not bind it anew")

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if node.name in self.student:
            self._add(node, f"`{node.name}` is the student's: a check must not bind it anew")
        self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _definition

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._module(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._module(node, node.module or "")
        for alias in node.names:
            self._module(node, f"{node.module}.{alias.name}")

    def _module(self, node: ast.AST, name: str) -> None:
        if name in _FORBIDDEN_MODULES or name.split(".")[0] in _FORBIDDEN_MODULES:
            self._add(node, f"`{name}` looks inside objects that a check sees only from outside")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load) and not (
            isinstance(node.value, ast.Name) and node.value.id == "self"
        ):
            self._add(node, f"sets `{ast.unparse(node)}`: a check must not change objects of other cells")
        elif node.attr.startswith("__") or node.attr in _FORBIDDEN_ATTRIBUTES:
            self._add(node, f"`.{node.attr}` looks inside an object that a check sees only from outside")
        elif node.attr.startswith("_") and self._is_student(node.value):
            self._add(node, f"`.{node.attr}` is private: checks use public methods")
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            root = self._root(node.value)
            if root not in self.own or root in self.made:
                self._add(node, f"sets `{ast.unparse(node)}`: a check must not change objects of other cells")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.id if isinstance(node.func, ast.Name) else None
        if called in ("isinstance", "issubclass", "type") and node.args:
            target = node.args[0]
            kinds = {n.id for kind in node.args[1:] for n in ast.walk(kind) if isinstance(n, ast.Name)}
            named = isinstance(target, ast.Name) and target.id in self.student
            if named or kinds & self.student:
                self._add(node, f"{called} on a student's object: it is seen only from outside")
        if self._is_student(node.func):
            for value in [*node.args, *(k.value for k in node.keywords)]:
                if isinstance(value, ast.Lambda | ast.GeneratorExp) or (
                    isinstance(value, ast.Name) and value.id in self.functions
                ):
                    self._add(value, "hands code to the student's code: arguments must be plain data")
        self.generic_visit(node)
