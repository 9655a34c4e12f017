"""`quizzes/README.md` says where every part of the two source quizzes lives: nothing is missing, and every target is there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from shutil import copytree

import pytest
from course_kit import REPOSITORY
from servelab.course import quiz, quiz_lint
from servelab.course.quiz import (
    Band,
    CodeItem,
    Item,
    Option,
    RecordedAnswer,
    Resource,
    Rubric,
    Scenario,
    Topic,
)

Entry = Item | CodeItem | Scenario

README = REPOSITORY / "quizzes" / "README.md"
HEADING = "## Where everything of the two source quizzes lives"

#: What the two documents hold, counted in them.
COUNTS = {
    "questions of the first source quiz": 20,
    "questions of the second source quiz": 25,
    "scenarios of the second source quiz": 3,
    "exercises that the second source quiz refers to": 8,
    "levers of scenario 1": 16,
    "levers of scenario 2": 36,
    "levers of scenario 3": 40,
    "code snippets of the first source quiz": 5,
    "code blocks of the second source quiz": 17,
    "tables and lists of the first source quiz": 10,
    "tables and lists of the second source quiz": 35,
}
SEEDS = [
    *(f"M5 Q{n}" for n in range(1, 21)),
    *(f"M10 Q{n}" for n in range(1, 26)),
    *(f"M10 Scenario {n}" for n in (1, 2, 3)),
]
EXERCISES = [f"M10 Exercise {n:02}" for n in range(1, 9)]
#: Labs that may still be planned. Those before exist, those after are the exams.
PLANNED = range(3, 12)
SHORTEST_REASON = 20

_COUNT = re.compile(r"\*\*(\d+) ([^*]+)\*\*")
_TARGET = re.compile(r"`([^`]*)`")
_ITEM = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")


def faults(text: str, root: Path = REPOSITORY) -> list[str]:
    """What is wrong with the map in a README, one line each. Targets are looked up in the course at `root`."""
    found: list[str] = []
    entries: dict[str, Entry] = {
        f"{name}/{entry.id}": entry
        for name, bank in quiz.load_banks(root / "quizzes").items()
        for entry in [*bank.items, *bank.scenarios]
    }
    tables = _tables(text, found)
    labels = Counter(label for rows in tables.values() for label, _ in rows)
    for title, count in COUNTS.items():
        if len(tables.get(title, [])) != count:
            found.append(f"{title}: {len(tables.get(title, []))} rows, the sources have {count}")
    found += [f"{title}: the sources have no such kind" for title in tables if title not in COUNTS]
    found += [
        f"{label}: stands in {labels[label]} rows" for label in [*SEEDS, *EXERCISES] if labels[label] != 1
    ]
    found += [
        f"{label}: stands in {n} rows"
        for label, n in labels.items()
        if n > 1 and label not in [*SEEDS, *EXERCISES]
    ]
    for label, cell in (row for rows in tables.values() for row in rows):
        targets = _TARGET.findall(cell)
        if not targets or _TARGET.sub("", cell).replace(",", "").strip():
            found.append(f"{label}: targets are words in backticks with commas between them, not {cell!r}")
        for target in targets:
            found += [f"{label}: {fault}" for fault in _target_faults(target, entries, root)]
        found += [f"{label}: {fault}" for fault in _seed_faults(label, targets, entries)]
    return found


def _tables(text: str, found: list[str]) -> dict[str, list[tuple[str, str]]]:
    """The rows of each kind: what stands where, and the cell with its targets."""
    tables: dict[str, list[tuple[str, str]]] = {}
    stated: dict[str, int] = {}
    title = ""
    for line in text.partition(HEADING)[2].splitlines():
        count = _COUNT.fullmatch(line)
        if count:
            title = count[2]
            if title in tables:
                found.append(f"{title}: has two tables")
            tables[title], stated[title] = [], int(count[1])
        elif line.startswith("#"):
            title = ""
        elif line.startswith("|") and not line.startswith(("| place |", "|---")):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not title or len(cells) != 4:
                found.append(f"{line[:60]}: a row of four cells belongs below a line with the number of rows")
            else:
                tables[title].append((cells[0], cells[2]))
    for name, rows in tables.items():
        if stated[name] != len(rows):
            found.append(f"{name}: {stated[name]} are stated and {len(rows)} have a row")
    return tables


def _target_faults(target: str, entries: dict[str, Entry], root: Path) -> list[str]:
    """What is wrong with one target."""
    if target.startswith("dropped:"):
        reason = target.removeprefix("dropped:").strip()
        return [] if len(reason) >= SHORTEST_REASON else [f"dropped with hardly a reason: {reason!r}"]
    if target.startswith("planned:"):
        lab = re.fullmatch(r"planned: lab (\d\d)", target)
        if lab is None or int(lab[1]) not in PLANNED:
            return [f"{target!r}: only labs 03 to 11 can be planned, as in `planned: lab 03`"]
        made = sorted(path.name for path in (root / "solutions").glob(f"{lab[1]}-*"))
        return [f"{target!r}: solutions/{made[0]} exists, so name what is there"] if made else []
    if _ITEM.fullmatch(target) and target.split("/")[0] in {name.split("/")[0] for name in entries}:
        return [] if target in entries else [f"the bank has no item {target}"]
    path = Path(target)
    if path.is_absolute() or ".." in path.parts or not (root / path).exists():
        return [f"{target!r} is no item and no path of the repository"]
    return []


def _seed_faults(label: str, targets: list[str], entries: dict[str, Entry]) -> list[str]:
    """A question's row names the item that covers it and its lab; a part of a scenario names no other scenario."""
    named = [entries[target] for target in targets if target in entries]
    if label not in SEEDS:
        scenario = re.match(r"M10 Scenario \d", label)
        others = [e for e in named if isinstance(e, Scenario) and scenario and e.seed != scenario[0]]
        return [f"{other.id} is the scenario for {other.seed}" for other in others]
    if len(named) != 1:
        return [f"names {len(named)} items instead of one"]
    entry = named[0]
    found = [] if entry.seed == label else [f"{entry.id} covers {entry.seed}"]
    if not {f"solutions/{entry.lab}", f"planned: lab {entry.lab[:2]}"} & set(targets):
        found.append(f"{entry.id} belongs to {entry.lab}, which the row does not name")
    return found


def test_everything_of_the_sources_has_its_place() -> None:
    assert faults(README.read_text(encoding="utf-8")) == []


def test_a_lab_asks_what_the_map_says_it_asks() -> None:
    labs = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "solutions").glob("*/*.py"))
    rows = [row for row in README.read_text(encoding="utf-8").splitlines() if "| asked there" in row]
    asked = [target for row in rows for target in _TARGET.findall(row.split("|")[3])[:1]]
    assert asked
    assert [target for target in asked if f'quiz="{target}"' not in labs] == []


ROW = "| M5 Q1 |"
ITEM, LAB = "`llms-in-production/sequential-bottleneck`", "`solutions/01-naive-serving`"


def edited(old: str, new: str, where: str = ROW) -> str:
    """The README with a word replaced in the one line that starts with `where`."""
    lines = README.read_text(encoding="utf-8").splitlines()
    (place,) = [n for n, line in enumerate(lines) if line.startswith(where)]
    assert old in lines[place], lines[place]
    lines[place] = lines[place].replace(old, new)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (ITEM, "`llms-in-production/no-such-item`", "M5 Q1: the bank has no item llms-in-production/no-such-item"),
        (ITEM, "`no-such-bank/sequential-bottleneck`", "M5 Q1: 'no-such-bank/sequential-bottleneck' is no item and no path"),
        (ITEM, "`llms-in-production/first-text`", "M5 Q1: first-text covers M5 Q4"),
        (f"{ITEM}, ", "", "M5 Q1: names 0 items"),
        (f", {LAB}", "", "M5 Q1: sequential-bottleneck belongs to 01-naive-serving"),
        (LAB, "`solutions/01-swift-serving`", "M5 Q1: 'solutions/01-swift-serving' is no item and no path"),
        (LAB, "`../main/solutions`", "M5 Q1: '../main/solutions' is no item and no path"),
        (LAB, "`planned: lab 01`", "M5 Q1: 'planned: lab 01': only labs 03 to 11"),
        (LAB, "`planned: lab 12`", "M5 Q1: 'planned: lab 12': only labs 03 to 11"),
        (LAB, "`planned: soon`", "M5 Q1: 'planned: soon': only labs 03 to 11"),
        (LAB, "`dropped: no time`", "M5 Q1: dropped with hardly a reason: 'no time'"),
        (LAB, "`later`", "M5 Q1: 'later' is no item and no path"),
        (LAB, "see lab 01", "M5 Q1: targets are words in backticks"),
        ("M5 Q1", "M5 Q2", "M5 Q1: stands in 0 rows"),
        ("M5 Q1", "M5 Q2", "M5 Q2: stands in 2 rows"),
        ("| M5 Q1 |", "| M5 Q1 | one cell more |", "a row of four cells"),
    ],
)  # fmt: skip
def test_a_broken_row_is_reported(old: str, new: str, expected: str) -> None:
    told = faults(edited(old, new))
    assert any(expected in line for line in told), told


def test_a_missing_row_is_reported() -> None:
    kept = [line for line in README.read_text(encoding="utf-8").splitlines() if not line.startswith(ROW)]
    told = faults("\n".join(kept))
    assert "M5 Q1: stands in 0 rows" in told
    assert "questions of the first source quiz: 20 are stated and 19 have a row" in told
    assert "questions of the first source quiz: 19 rows, the sources have 20" in told


def test_a_wrong_count_is_reported() -> None:
    where = "**17 code blocks"
    assert faults(edited("17", "16", where)) == [
        "code blocks of the second source quiz: 16 are stated and 17 have a row"
    ]
    told = faults(edited("code blocks", "pieces of code", where))
    assert "code blocks of the second source quiz: 0 rows, the sources have 17" in told
    assert "pieces of code of the second source quiz: the sources have no such kind" in told


def test_another_scenarios_answer_is_reported() -> None:
    text = edited("cost-cut", "rag-quality", "| M10 Scenario 1, strategy 1 |")
    assert faults(text) == ["M10 Scenario 1, strategy 1: rag-quality is the scenario for M10 Scenario 2"]


def test_what_is_built_is_no_longer_planned(tmp_path: Path) -> None:
    copytree(REPOSITORY / "quizzes", tmp_path / "quizzes")
    text = edited(LAB, "`planned: lab 07`")
    expected = "M5 Q1: 'planned: lab 07': solutions/07-anything exists, so name what is there"
    assert expected not in faults(text, tmp_path)
    (tmp_path / "solutions" / "07-anything").mkdir(parents=True)
    assert expected in faults(text, tmp_path)


# ---------------------------------------------------------------- the rest of the page


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> quiz.Bank:
    """The bank that the page shows."""
    (block,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    path = tmp_path_factory.mktemp("quizzes") / "warm-up.yaml"
    path.write_text(block, encoding="utf-8")
    return quiz.load_bank(path)


def test_the_example_is_a_bank_without_fault(example: quiz.Bank) -> None:
    assert [str(violation) for violation in quiz_lint.lint_bank("warm-up", example)] == []
    assert (len(example.choices), len(example.codes), len(example.scenarios)) == (1, 1, 1)


def passes(code: CodeItem, answer: str) -> bool:
    names: dict[str, object] = {}
    exec(answer, names)
    try:
        exec(f"{code.check}\n{code.hidden}", names)
    except (AssertionError, ArithmeticError):
        return False
    return True


def test_the_examples_answers_are_what_they_are_called(example: quiz.Bank) -> None:
    (code,) = example.codes
    assert [passes(code, text) for text in (code.solution, *(a.text for a in code.right))] == [True] * 3
    assert [passes(code, text) for text in (code.starter, *(a.text for a in code.wrong))] == [False] * 4


def test_every_field_is_described() -> None:
    text = README.read_text(encoding="utf-8").partition("## From a bank")[0].rpartition("```")[0]
    described = set(_TARGET.findall(text.split("**The bank.**")[1]))
    models = (quiz.Bank, Item, Option, CodeItem, RecordedAnswer, Scenario, Rubric, Topic, Resource, Band)
    assert {field for model in models for field in model.model_fields} - described == set()


def test_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith("http")]
    assert [t for t in targets if not t.startswith("#") and not (README.parent / t).exists()] == []
    headings = {
        re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)
    }
    assert [t for t in targets if t.startswith("#") and t[1:] not in headings] == []
