"""Which global names a cell binds and needs, read from its text without running it."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

BUILTINS = frozenset(dir(builtins)) | {"get_ipython", "display", "__name__", "__file__"}
_SCOPES_RUN_AT_ONCE = ("class", "listcomp", "setcomp", "dictcomp", "genexpr")


@dataclass(frozen=True)
class Names:
    """The global names of one cell.

    Attributes:
        bound: names that exist once the cell has run.
        now: names that must exist while it runs.
        later: names that its functions look up when they are called.
    """

    bound: frozenset[str]
    now: frozenset[str]
    later: frozenset[str]

    @property
    def needed(self) -> frozenset[str]:
        """Every name that has to come from another cell."""
        return (self.now | self.later) - self.bound


def names_of(tree: ast.Module) -> Names:
    """The names of a parsed cell."""
    table = symtable.symtable(ast.unparse(_without_await(tree)), "<cell>", "exec")
    bound, now, later = set(), set(), set()
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
            bound.add(symbol.get_name())
        if symbol.is_referenced():
            now.add(symbol.get_name())
    for child in table.get_children():
        _inner(child, at_once=child.get_name() in _SCOPES_RUN_AT_ONCE, bound=bound, now=now, later=later)
    return Names(frozenset(bound), frozenset(now - BUILTINS), frozenset(later - BUILTINS))


def line_of(tree: ast.AST, name: str) -> int:
    """The first line of a cell on which a name is read."""
    lines = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name]
    return min(lines, default=1)


def bound_before_raise(tree: ast.Module) -> frozenset[str]:
    """Names that a cell binds before the first `raise` at its top level: what a starter leaves behind."""
    kept = []
    for statement in tree.body:
        if isinstance(statement, ast.Raise):
            break
        kept.append(statement)
    return names_of(ast.Module(body=kept, type_ignores=[])).bound


def _inner(
    table: symtable.SymbolTable, *, at_once: bool, bound: set[str], now: set[str], later: set[str]
) -> None:
    at_once = at_once or table.get_type() == "class"
    for symbol in table.get_symbols():
        if not symbol.is_global():
            continue
        if symbol.is_referenced():
            (now if at_once else later).add(symbol.get_name())
        if symbol.is_declared_global() and symbol.is_assigned():
            bound.add(symbol.get_name())
    for child in table.get_children():
        deeper = at_once and (child.get_type() == "class" or child.get_name() in _SCOPES_RUN_AT_ONCE)
        _inner(child, at_once=deeper, bound=bound, now=now, later=later)


class _WithoutAwait(ast.NodeTransformer):
    """`symtable` refuses `await` at the top level, so it is shown the same names without it."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self.generic_visit(ast.For(**_fields(node)))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        return self.generic_visit(ast.With(**_fields(node)))

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.is_async = 0
        return self.generic_visit(node)


def _fields(node: ast.AST) -> dict:
    return dict(_pairs(node))


def _pairs(node: ast.AST) -> Iterator[tuple[str, object]]:
    for name in (*node._fields, "lineno", "col_offset"):
        if hasattr(node, name):
            yield name, getattr(node, name)


def _without_await(tree: ast.Module) -> ast.Module:
    copy = ast.parse(ast.unparse(tree))
    return ast.fix_missing_locations(_WithoutAwait().visit(copy))
