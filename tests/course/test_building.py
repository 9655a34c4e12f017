"""Source to solution notebook to release: the same bytes each time, outputs kept, nothing given away."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import course_kit
import nbformat
import pytest
from course_kit import LAB, cell, read
from servelab.course import build
from servelab.course.building import stale_cells
from servelab.course.notebooks import SHOWN
from servelab.course.percent import SourceError
from servelab.errors import CourseError
from servelab.load import measurements

course = course_kit.course


def everything(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_builds_solution_and_release(course) -> None:
    changed = build(course.root)
    assert changed == [f"wrote solutions/{LAB}/{LAB}.ipynb", f"wrote labs/{LAB}/{LAB}.ipynb"]
    solution, release = read(course.solution), read(course.release)
    assert [c.id for c in solution.cells] == [c.id for c in release.cells]
    assert cell(release, "add").source.splitlines()[2:] == [
        "    # YOUR CODE HERE",
        '    raise NotImplementedError("Not written yet: put your code here, run this cell, then its check.")',
    ]
    assert cell(release, "add-check").source == 'assert add(1, 2) == 3, "add(1, 2) should be 3."'
    assert cell(release, "why").source == "*Write your answer here.*"
    assert cell(release, "setup--1").source.startswith("%%live\nimport asyncio")
    assert release.metadata.servelab == {
        "lab": LAB,
        "title": "A tiny lab",
        "minutes": 5,
        "objectives": "Add numbers and share them out.",
    }


def test_metadata_by_role(course) -> None:
    build(course.root)
    solution = read(course.solution)

    def fields(name: str) -> tuple:
        meta = cell(solution, name).metadata.get("nbgrader")
        return meta and (meta.grade, meta.solution, meta.locked, meta.get("points"))

    assert fields("_top--1") is None  # prose belongs to nobody
    assert fields("setup") == (False, False, True, None)
    assert fields("setup--1") is None  # a live cell is the student's to change
    assert fields("setup--2") == (False, False, True, None)
    assert fields("add") == (False, True, False, None)
    assert fields("add-check") == (True, False, True, 4)
    assert fields("share-check--1") == (False, False, True, None)  # the prompt of the written question
    assert fields("why") == (True, True, False, 3)
    assert fields("quiz-colour-of-sky-question") == (False, False, True, None)
    assert fields("quiz-colour-of-sky") == (False, True, False, None)
    assert fields("quiz-colour-of-sky-check") == (True, False, True, 1)
    tagged = [c for c in solution.cells if "nbval-check-output" in c.metadata.get("tags", [])]
    assert len(tagged) == 5


def test_same_bytes_again_elsewhere_and_by_stock_nbgrader(course, tmp_path) -> None:
    build(course.root)
    first = everything(course.root / "labs"), everything(course.root / "solutions")
    assert build(course.root) == []
    elsewhere = tmp_path / "a folder with spaces" / "course"
    shutil.copytree(course.root, elsewhere)
    shutil.rmtree(elsewhere / "labs")
    (elsewhere / "solutions" / LAB / f"{LAB}.ipynb").unlink()
    build(elsewhere)
    assert (everything(elsewhere / "labs"), everything(elsewhere / "solutions")) == first
    shutil.rmtree(course.root / "labs")
    done = course.nbgrader("generate_assignment", LAB)
    assert done.returncode == 0, done.stderr
    assert everything(course.root / "labs") == first[0]


def test_check_reports_drift_and_changes_nothing(course) -> None:
    build(course.root)
    assert build(course.root, check=True) == []
    course.edit("Two functions and a question.", "Two functions.")
    before = everything(course.root)
    assert build(course.root, check=True) == [
        f"solutions/{LAB}/{LAB}.ipynb does not match its source",
        f"labs/{LAB}/{LAB}.ipynb does not match its source",
    ]
    assert everything(course.root) == before


def test_check_sees_one_byte_in_labs_and_ignores_outputs(course) -> None:
    import nbformat

    build(course.root)
    notebook = read(course.solution)
    cell(notebook, "setup--2").outputs = [nbformat.v4.new_output("stream", text="2\n")]
    nbformat.write(notebook, course.solution)
    assert build(course.root, check=True) == []
    course.release.write_bytes(course.release.read_bytes() + b" ")
    assert build(course.root, check=True) == [f"labs/{LAB}/{LAB}.ipynb does not match its source"]


def test_check_sees_strays(course) -> None:
    build(course.root)
    (course.root / "labs" / LAB / "answers.txt").write_text("left over")
    shutil.copytree(course.root / "labs" / LAB, course.root / "labs" / "09-gone")
    lines = build(course.root, check=True)
    assert f"labs/{LAB}/answers.txt has no source" in lines
    assert "labs/09-gone has no source in solutions/: remove it" in lines
    build(course.root)
    assert not (course.root / "labs" / LAB / "answers.txt").exists()


def test_outputs_stay_with_unchanged_cells_only(course) -> None:
    import nbformat

    build(course.root)
    notebook = read(course.solution)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    for count, c in enumerate(code, 1):
        c.execution_count = count
        c.outputs = [nbformat.v4.new_output("stream", text=f"output of {c.id}\n")]
    nbformat.write(notebook, course.solution)
    assert stale_cells(notebook) == []
    course.edit("print(math.gcd(12, 18))", "print(math.gcd(12, 20))")
    course.edit("Two functions and a question.", "New prose.")
    build(course.root)
    after = read(course.solution)
    changed = next(c for c in after.cells if "gcd" in c.source)
    assert changed.outputs == [] and changed.execution_count is None
    others = [c for c in after.cells if c.cell_type == "code" and c is not changed]
    assert all(c.outputs[0].text == f"output of {c.id}\n" for c in others)
    assert stale_cells(after) == [changed.id]


def test_prose_moves_no_id_of_a_named_cell(course) -> None:
    build(course.root)
    before = [c.id for c in read(course.solution).cells]
    course.edit(
        "# %% [markdown]\n# Write `add`.", "# %% [markdown]\n# More.\n\n# %% [markdown]\n# Write `add`."
    )
    build(course.root)
    after = [c.id for c in read(course.solution).cells]
    assert set(after) - set(before) == {"setup--8"}
    assert [i for i in after if i != "setup--8"] == before


def test_data_files_are_released_and_sources_are_not(course) -> None:
    folder = course.source.parent
    (folder / "config.json").write_text("{}")
    (folder / "helper.py").write_text("answer = 42")
    (folder / ".hidden").write_text("answer = 42")
    build(course.root)
    released = sorted(p.name for p in (course.root / "labs" / LAB).iterdir())
    assert released == [f"{LAB}.ipynb", "config.json"]


def test_nothing_of_answers_in_labs(course) -> None:
    build(course.root)
    text = "".join(p.read_text() for p in (course.root / "labs").rglob("*") if p.is_file())
    solution = course.solution.read_text()
    for secret in ("the_secret_sum_of_both", "_hidden_total", "does not depend on which heap"):
        assert secret in solution and secret not in text
    assert 'quiz_colour_of_sky = \\"\\"' in text and 'quiz_colour_of_sky = \\"blue\\"' in solution
    for why in ("Short waves", "Grass is green", "near sunrise"):
        assert why not in text
    # No digest either: the only ones are nbgrader's, of the released cells themselves.
    assert len(re.findall(r"\b[0-9a-f]{32,}\b", text)) == text.count('"checksum"')


def test_a_refused_build_touches_nothing(course) -> None:
    build(course.root)
    before = everything(course.root)
    course.edit("the_secret_sum_of_both = a + b", "the_secret_sum_of_both = a + engine")
    with pytest.raises(SourceError):
        build(course.root)
    after = everything(course.root)
    after.pop(f"solutions/{LAB}/{LAB}.py"), before.pop(f"solutions/{LAB}/{LAB}.py")
    assert after == before


def test_without_configuration(course) -> None:
    (course.root / "nbgrader_config.py").unlink()
    with pytest.raises(CourseError, match=r"has no nbgrader_config\.py"):
        build(course.root)


def test_a_copy_for_students_has_nothing_to_build(course) -> None:
    shutil.rmtree(course.root / "solutions")
    with pytest.raises(CourseError, match="holds no labs"):
        build(course.root)


def test_unreadable_solution_notebook_is_rebuilt(course) -> None:
    build(course.root)
    good = course.solution.read_bytes()
    course.solution.write_text("{")
    build(course.root)
    assert course.solution.read_bytes() == good


def test_setup_cell_says_what_to_do_without_the_package(course) -> None:
    build(course.root)
    source = cell(read(course.solution), "setup").source
    assert source.startswith(
        "try:\n    import servelab\nexcept ModuleNotFoundError:\n    raise ModuleNotFoundError("
    )
    assert "pip" not in source


def test_every_lab_ends_with_handing_in(course) -> None:
    build(course.root)
    for notebook in (read(course.solution), read(course.release)):
        last = notebook.cells[-1]
        assert (last.id, last.source) == ("hand-in", f'servelab.hand_in("{LAB}")')
        assert last.metadata.nbgrader.locked and not last.metadata.nbgrader.grade


@pytest.mark.slow
def test_execute_stores_clean_outputs_and_leaves_nothing(course) -> None:
    course.edit(
        "print(math.isqrt(17))",
        "import os, sys\nfrom tqdm import tqdm\n"
        "for _ in tqdm(range(3), file=sys.stdout, mininterval=0):\n    pass\n"
        "open('left-behind.txt', 'w').close()\nprint(os.getcwd(), sys.prefix)",
    )
    build(course.root, execute=True)
    notebook = read(course.solution)
    assert stale_cells(notebook) == []
    live = cell(notebook, "setup--1")
    assert live.outputs[0].text == "the engine is started\n"
    text = next(c for c in notebook.cells if "getcwd" in c.source).outputs[0].text
    assert text.count("|") == 2 and "100%" in text and text.endswith("\n. .venv\n"), text
    assert (
        "\r" not in course.solution.read_text() and str(course.root.parent) not in course.solution.read_text()
    )
    assert not any("execution" in c.metadata for c in notebook.cells)
    assert not list(course.root.rglob("left-behind.txt"))
    assert build(course.root, check=True) == []


@pytest.mark.slow
def test_an_older_measurement_in_a_notebook_is_found(course) -> None:
    course.edit(
        "print(math.isqrt(17))",
        "from servelab.load import measurements\n"
        "print(measurements.read('serving-cpu')['taken'], measurements.find('nobody-cpu'))",
    )
    build(course.root, execute=True)
    notebook = read(course.solution)
    shown = notebook.metadata[SHOWN]
    assert shown == {"nobody-cpu": "absent", "serving-cpu": measurements.digest("serving-cpu")}
    assert SHOWN not in read(course.release).metadata and build(course.root, check=True) == []
    shown["serving-cpu"] = "0" * 16
    nbformat.write(notebook, course.solution)
    (line,) = build(course.root, check=True)
    assert "shows an older serving-cpu: `servelab build" in line and "--execute" in line
    build(course.root)
    assert read(course.solution).metadata[SHOWN] == shown, "only a new run makes it new"


@pytest.mark.slow
def test_execute_names_the_cell_that_fails(course) -> None:
    build(course.root)
    before = course.solution.read_bytes()
    course.edit("the_secret_sum_of_both = a + b", "the_secret_sum_of_both = a - b")
    with pytest.raises(CourseError, match=r"01-tiny: cell 'add-check' failed .*AssertionError: add\(1, 2\)"):
        build(course.root, execute=True)
    assert course.solution.read_bytes() == before
