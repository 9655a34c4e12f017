"""Reading Python text, from any thread."""

from __future__ import annotations

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(text: str) -> ast.Module:
    """`ast.parse`, safe in threads.

    CPython 3.11 counts the depth of the tree that it is making in one place for all threads, and raises "AST constructor
    recursion depth mismatch" where two of them meet (https://github.com/python/cpython/issues/106905).
    """
    with _ONE_AT_A_TIME:
        return ast.parse(text)


def parse_cell(source: str) -> ast.Module:
    """The syntax tree of a notebook's cell: magics included, `await` allowed at the top level. Safe in threads.

    Raises:
        SyntaxError: with the cell's own line number.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    python = TransformerManager().transform_cell(source)
    with _ONE_AT_A_TIME:
        return compile(python, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
