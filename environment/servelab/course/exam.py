"""An exam's source names a bank; here each of its questions becomes the cells that ask and check it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from servelab.course import quiz
from servelab.course.percent import Cell, Lab, SourceError
from servelab.course.regions import HIDDEN, SOLUTION

_LEVELS = (
    ("Excellent", "90-100 %", "excellent"),
    ("Good", "80-89 %", "good"),
    ("Satisfactory", "70-79 %", "satisfactory"),
    ("Needs improvement", "below 70 %", "needs_improvement"),
)


def with_questions(lab: Lab, root: Path) -> Lab:
    """The lab with the cells of a bank's questions in place of each `# %% exam="bank"`.

    Raises:
        SourceError: the bank cannot be used.
    """
    cells: list[Cell] = []
    faults: list[str] = []
    for cell in lab.cells:
        if cell.exam is None:
            cells.append(cell)
            continue
        try:
            bank = quiz.load_bank(root / "quizzes" / f"{cell.exam}.yaml")
        except quiz.QuizError as error:
            faults += [f"{lab.where(cell.line)}: {line}" for line in str(error).splitlines()]
            continue
        if bank.minutes != lab.minutes:
            faults.append(
                f"{lab.where(1)}: the header says {lab.minutes} minutes, {cell.exam} {bank.minutes}"
            )
        cells += _questions(bank, cell)
    if faults:
        raise SourceError(faults)
    return replace(lab, cells=cells)


def _questions(bank: quiz.Bank, place: Cell) -> list[Cell]:
    def cell(kind: str, source: str, **more: object) -> Cell:
        return Cell(kind=kind, source=source, line=place.line, body_line=place.line, **more)  # type: ignore[arg-type]

    found: list[Cell] = []
    topic = ""
    for count, item in enumerate(bank.items, 1):
        if item.topic != topic:
            topic = item.topic
            found.append(cell("markdown", f"## {topic}"))
        number = f"{count} of {len(bank.items)}"
        if item.kind == "choice":
            found.append(cell("code", "", quiz=f"{place.exam}/{item.id}", number=number))
            continue
        answer = "\n".join([item.starter.rstrip(), SOLUTION.begin, item.solution.rstrip(), SOLUTION.end])
        check = "\n".join([item.check.rstrip(), HIDDEN.begin, item.hidden.rstrip(), HIDDEN.end])
        found += [
            cell("markdown", f"**Question {number}, answered by code.** {item.stem}"),
            cell("code", answer, role="answer", id=item.id, number=number),
            cell("code", check, role="check", id=f"{item.id}-check", points=1, number=number),
        ]
    if bank.scenarios:
        found.append(cell("markdown", SCENARIOS))
    for scenario in bank.scenarios:
        answer = "\n".join([SOLUTION.begin, scenario.model_answer.rstrip(), SOLUTION.end])
        found += [
            cell("markdown", _asked(scenario)),
            cell("markdown", answer, role="written", id=scenario.id, points=scenario.points),
        ]
    return found


SCENARIOS = (
    "## Scenarios\n\nThree situations as they happen at work, answered in words. A person reads them with the rubric that stands"
    " below each. They are a bonus: their points never decide whether you pass."
)


def _asked(scenario: quiz.Scenario) -> str:
    tasks = "\n".join(f"{n}. {task}" for n, task in enumerate(scenario.tasks, 1))
    levels = [
        f"| **{name}** ({share}) | {' '.join(getattr(scenario.rubric, level).split())} |"
        for name, share, level in _LEVELS
    ]
    rubric = "\n".join([f"| Of {scenario.points} points | What such an answer shows |", "|---|---|", *levels])
    return f"### {scenario.title}\n\n{scenario.situation.rstrip()}\n\n{tasks}\n\n{rubric}"
