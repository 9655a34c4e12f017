"""What a lab's source must not do, found before a student does: one `file:line: message` each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from servelab import retrieval
from servelab.course.check_cells import check_problems
from servelab.course.names import Names, bound_before_raise, line_of, names_of
from servelab.course.percent import Cell, Lab
from servelab.course.regions import HIDDEN, SOLUTION, RegionError, fill, region_lines
from servelab.engine import artefacts
from servelab.syntax import parse_cell

OUTPUTS_AT_LEAST = 5
_NEEDS_ID = ("answer", "check", "written")
_NEEDS_POINTS = ("check", "written")


@dataclass(frozen=True)
class Code:
    """A code cell that parses, with its names."""

    cell: Cell
    tree: ast.Module
    names: Names


def problems(lab: Lab, notebook: NotebookNode) -> list[str]:
    """Every fault of a lab, in the order of its lines."""
    found = [*_made(lab), *_roles(lab), *_ids(lab, notebook), *_regions(lab)]
    code, faults = _parsed(lab)
    found += faults
    if not faults:
        found += [*_names(lab, code), *_starters(lab, code)]
        for cell, tree, student, functions in _checks(code):
            lines = check_problems(cell, tree, student, functions)
            found += [(cell.body_line + line - 1, message) for line, message in lines]
    return [f"{lab.where(line)}: {message}" for line, message in sorted(set(found))]


def _made(lab: Lab) -> Iterator[tuple[int, str]]:
    """What the header has made beforehand exists under that name."""
    retrieval.register_artefacts()
    known = artefacts.ARTEFACTS
    for name in lab.needs.made:
        if name not in known:
            yield 1, f"needs: no artefact is called {name!r}; there are: {', '.join(sorted(known))}"


def _roles(lab: Lab) -> Iterator[tuple[int, str]]:
    """Every cell has what its role asks for, and the lab has the cells that every lab has."""
    code = [cell for cell in lab.cells if cell.kind == "code" and cell.quiz is None]
    for cell in lab.cells:
        if cell.role in _NEEDS_ID and not cell.id:
            yield cell.line, f'a cell with the tag "{cell.role}" needs an id, as in id="ttft"'
        if cell.role in _NEEDS_POINTS and cell.points is None:
            yield cell.line, f'a cell with the tag "{cell.role}" needs points, as in points=4'
        if cell.points is not None and cell.role not in _NEEDS_POINTS:
            yield cell.line, "only check and written cells have points"
        if cell.role and (cell.role == "written") != (cell.kind == "markdown"):
            kind = "a markdown" if cell.role == "written" else "a code"
            yield cell.line, f'the tag "{cell.role}" belongs to {kind} cell'
    setups = [cell for cell in code if cell.role == "setup"]
    if not setups or setups[0] is not code[0]:
        yield (code[0].line if code else 1), 'the first code cell must have tags=["setup"]'
    for cell in setups[1:]:
        yield cell.line, "there is a setup cell already"
    for cell in setups[:1]:
        for wanted in ("%load_ext servelab", f'servelab.setup("{lab.name}")'):
            if wanted not in cell.source:
                yield cell.line, f"the setup cell must contain `{wanted}`"
    outputs = sum(cell.compared for cell in lab.cells)
    if outputs < OUTPUTS_AT_LEAST and not lab.is_exam:
        yield 1, f'{outputs} cells with tags=["output"], at least {OUTPUTS_AT_LEAST} are needed'
    for index, cell in enumerate(lab.cells):
        if cell.role == "check" and not any(c.role == "answer" for c in lab.cells[:index]):
            yield cell.line, "no answer cell stands before this check"
        if cell.role == "answer":
            following = (c.role for c in lab.cells[index + 1 :] if c.role in ("answer", "check"))
            if next(following, None) != "check":
                yield cell.line, "no check follows this answer"
        if cell.role == "written" and (index == 0 or lab.cells[index - 1].kind != "markdown"):
            yield cell.line, "the markdown cell with the question and its rubric must stand right before this"


def _ids(lab: Lab, notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    seen: dict[str, int] = {}
    reported: set[str] = set()
    for cell in lab.cells:
        name = cell.id or (cell.quiz and "quiz-" + cell.quiz.split("/")[-1])
        if name and name in seen:
            reported.add(name)
            yield cell.line, f'id "{name}" is used on line {seen[name]} already'
        elif name:
            seen[name] = cell.line
    every = [cell.id for cell in notebook.cells]
    for name in sorted({name for name in every if every.count(name) > 1} - reported):
        yield 1, f'two cells get the id "{name}": give one of them another id'


def _regions(lab: Lab) -> Iterator[tuple[int, str]]:
    """Marks are well formed and where they belong; an answer has one, or its text would reach labs/."""
    for cell in lab.cells:
        for region, role in ((SOLUTION, "answer"), (HIDDEN, "check")):
            try:
                lines = region_lines(cell.source, region)
            except RegionError as error:
                yield cell.body_line + error.line - 1, str(error)
                continue
            allowed = cell.role == role or (region is SOLUTION and cell.role == "written")
            if lines and not allowed:
                yield (
                    cell.body_line + lines[0][0] - 1,
                    f'{region.begin} belongs into a cell with tags=["{role}"]',
                )
            if not lines and cell.role == role == "answer":
                yield cell.line, f"an answer cell needs `{SOLUTION.begin}` ... `{SOLUTION.end}`"


def _parsed(lab: Lab) -> tuple[list[Code], list[tuple[int, str]]]:
    code, faults = [], []
    for cell in lab.cells:
        if cell.kind != "code" or cell.quiz:
            continue
        try:
            tree = parse_cell(cell.source)
        except SyntaxError as error:
            faults.append((cell.body_line + (error.lineno or 1) - 1, f"not Python: {error.msg}"))
            continue
        code.append(Code(cell, tree, names_of(tree)))
    return code, faults


def _names(lab: Lab, code: list[Code]) -> Iterator[tuple[int, str]]:
    """Nothing that runs while grading needs a live cell, and the start of a lab needs nothing of the student."""
    live = {name: c.cell.line for c in code if c.cell.role == "live" for name in c.names.bound}
    graded = [c for c in code if c.cell.role != "live"]
    available: set[str] = set()
    for c in graded:
        available |= c.names.bound
        for name in sorted(c.names.needed - available):
            if name in live:
                yield (
                    c.cell.body_line + line_of(c.tree, name) - 1,
                    f"`{name}` is bound only by the live cell on line {live[name]}, which grading skips",
                )
    first_answer = next((i for i, c in enumerate(code) if c.cell.role == "answer"), len(code))
    known: set[str] = set()
    for c in code[:first_answer]:
        for name in sorted(c.names.now - known - c.names.bound - live.keys()):
            line = c.cell.body_line + line_of(c.tree, name) - 1
            yield line, f"`{name}` is not bound by any cell before: a starter would stop here"
        known |= c.names.bound


def _starters(lab: Lab, code: list[Code]) -> Iterator[tuple[int, str]]:
    """An untouched answer leaves the names its checks use, so that they fail with the stub's message."""
    for index, answer in enumerate(code):
        if answer.cell.role != "answer":
            continue
        try:
            starter = bound_before_raise(
                parse_cell(fill(answer.cell.source, SOLUTION, "raise NotImplementedError"))
            )
        except SyntaxError as error:
            line = answer.cell.body_line + (error.lineno or 1) - 1
            yield line, f"not Python without its solution: {error.msg}"
            continue
        except RegionError:
            continue  # reported already
        used: set[str] = set()
        for follower in code[index + 1 :]:
            if follower.cell.role == "answer":
                break
            if follower.cell.role == "check":
                used |= follower.names.needed
        for name in sorted((used & answer.names.bound) - starter):
            yield (
                answer.cell.line,
                f"its checks use `{name}`, which only the solution binds: bind it before {SOLUTION.begin}",
            )


def _checks(code: list[Code]) -> Iterator[tuple[Cell, ast.Module, set[str], set[str]]]:
    """Each check with the names that students bind and the functions that instructors define."""
    student: set[str] = set()
    functions: set[str] = set()
    for c in code:
        if c.cell.role == "answer":
            imported = {
                a.asname or a.name for n in ast.walk(c.tree) if isinstance(n, ast.Import) for a in n.names
            }
            student |= c.names.bound - imported
        elif c.cell.role == "check":
            yield c.cell, c.tree, student, functions
        else:
            functions |= {
                n.name for n in c.tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
            }
