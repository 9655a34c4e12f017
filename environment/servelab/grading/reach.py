"""Which later cells a changed cell can reach, so that the others need not run again."""

from __future__ import annotations

import ast
import dis
import types
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

from servelab.course.live import FIRST_LINE
from servelab.syntax import parse

_STORES = ("STORE_NAME", "STORE_GLOBAL", "DELETE_NAME", "DELETE_GLOBAL")
_LOADS = ("LOAD_NAME", "LOAD_GLOBAL")
#: With these a cell can change what it does not name.
_FAR_REACHING = {
    "setattr",
    "delattr",
    "globals",
    "vars",
    "exec",
    "eval",
    "get_ipython",
    "__import__",
    "__builtins__",
}


@dataclass
class Names:
    """A cell's dealings with the notebook's names."""

    #: Taken from earlier cells.
    uses: set[str] = field(default_factory=set)
    #: Bound or deleted, for sure or perhaps.
    binds: set[str] = field(default_factory=set)
    #: Bound before any later cell can look.
    settles: set[str] = field(default_factory=set)
    #: It may change things without naming them (an attribute of a module, say).
    far_reaching: bool = False


def names_of(text: str) -> Names:
    """What a cell uses and binds, read from its bytecode; nothing for a cell that does not compile or is live."""
    if FIRST_LINE.match(text.split("\n", 1)[0]):
        return Names()
    try:
        source = TransformerManager().transform_cell(text)
        tree = parse(source)
        code = compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return Names()
    names = Names()
    _read(code, names, top=True)
    names.far_reaching = bool(names.uses & _FAR_REACHING) or any(_patches(node) for node in ast.walk(tree))
    return names


def _read(code: types.CodeType, names: Names, *, top: bool) -> None:
    """Gather from a code object in the order of its instructions; functions and classes where they are made."""
    own: set[str] = set()  # a class body's names
    for step in dis.get_instructions(code):
        if isinstance(step.argval, types.CodeType):
            _read(step.argval, names, top=False)
        elif step.opname in _LOADS and step.argval not in names.settles | own:
            names.uses.add(step.argval)
        elif step.opname in _STORES and (top or step.opname.endswith("GLOBAL")):
            names.binds.add(step.argval)
            if top:
                names.settles.add(step.argval)
        elif step.opname in _STORES:
            own.add(step.argval)


def _patches(node: ast.AST) -> bool:
    """Whether this sets or deletes an attribute of anything but `self`."""
    if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
        return False
    return not (isinstance(node.value, ast.Name) and node.value.id == "self")


def reached(cells: dict[int, str], texts: dict[int, str]) -> list[int]:
    """The cells that must run, from the first change on, when `texts` take the place of some of `cells`.

    A cell is reached when it uses a name that a changed or reached cell binds. A change that patches
    something (an attribute, the globals) reaches everything after it. Cells that bind what a reached cell uses
    run too.
    """
    after = {i: names_of(cells[i]) for i in sorted(cells) if i >= min(texts)}
    changed = {i: names_of(text) for i, text in texts.items()}
    if any(names.far_reaching for names in changed.values()):
        return list(after)
    hit, suspect = set(texts), set()
    for index, names in after.items():
        if index in texts:
            suspect |= names.binds | changed[index].binds
        elif names.uses & suspect:
            hit.add(index)
            suspect |= names.binds
        else:
            suspect -= names.settles
    found, wanted = [], set()
    for index, names in reversed(after.items()):
        if index in hit or names.binds & wanted or names.far_reaching:
            found.append(index)
            wanted |= names.uses | (changed[index].uses if index in changed else set())
    return found[::-1]
