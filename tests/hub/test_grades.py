"""Final grades and the file for a learning platform."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from conftest import ROOT
from nbgrader.api import Gradebook
from servelab.errors import CourseError
from servelab.hub import grades
from servelab.hub.grades import Row, Score, Sheet
from servelab.hub.people import Folder


def test_final_is_the_weighted_mean_of_percentages() -> None:
    scores = {
        "a": Score(points=5, max_points=10),
        "b": Score(points=3, max_points=3),
        "c": Score(max_points=4),
    }
    even = {"a": 1.0, "b": 1.0, "c": 1.0}
    assert grades.final(scores, even, missing_counts=True) == pytest.approx(50)
    assert grades.final(scores, even, missing_counts=False) == pytest.approx(75)
    assert grades.final(scores, {"a": 3.0, "b": 1.0, "c": 0.0}, missing_counts=True) == pytest.approx(62.5)
    assert grades.final(scores, dict.fromkeys("abc", 0.0), missing_counts=True) is None


@pytest.mark.parametrize("text", ["1", "1=", "1=x", "1=-1", "1=inf", "1=nan"])
def test_what_is_no_weight(text: str) -> None:
    with pytest.raises(CourseError, match="is no weight"):
        grades.weights([text])


def test_weights_are_by_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_ROOT", str(ROOT))
    assert grades.weights(["12=2", "1=0.5"]) == {"12-exam-llms-in-production": 2.0, "01-naive-serving": 0.5}


def test_csv_holds_no_formula_and_keeps_what_is_none() -> None:
    row = Row(login="ada", first_name="=1+1", last_name="@SUM", email="+a@x", lms_id="-7")
    row.scores, row.final = {"01": Score(points=1 / 3, max_points=4), "02": Score(max_points=5)}, 4.1666
    sheet = Sheet(labs=["01", "02"], weights={}, rows=[row])
    header, line = list(csv.reader(io.StringIO(grades.as_csv(sheet))))
    told = dict(zip(header, line, strict=True))
    assert [told[name] for name in ("first_name", "last_name", "email", "lms_id")] == [
        "'=1+1",
        "'@SUM",
        "'+a@x",
        "'-7",
    ]
    assert told["01 (points)"] == "0.33" and told["01 (%)"] == "8.33" and told["final (%)"] == "4.17"
    assert told["02 (points)"] == "" and told["02 (of)"] == "5", (
        "nothing was handed in, which is not 0 points"
    )


@pytest.mark.slow
def test_out_of_the_gradebook(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_ROOT", str(course))
    folder = Folder()
    with pytest.raises(CourseError, match="holds nobody"):
        grades.read(folder, {})
    with Gradebook(f"sqlite:///{course / 'gradebook' / 'gradebook.db'}", "serving-llms") as gradebook:
        gradebook.add_assignment("01-tiny")
        gradebook.add_notebook("01-tiny", "01-tiny")
        gradebook.add_grade_cell("add-check", "01-tiny", "01-tiny", max_score=4, cell_type="code")
        gradebook.add_student("zed", last_name="Zed", lms_user_id="7")
        gradebook.add_student("ada", last_name="Ada")
        submission = gradebook.add_submission("01-tiny", "ada")
        submission.notebooks[0].late_submission_penalty = 1.0
        (grade,) = submission.notebooks[0].grades
        grade.auto_score = 3.0
        gradebook.db.commit()
    ada, zed = grades.read(folder, {}).rows
    assert (ada.login, zed.login, zed.lms_id) == ("ada", "zed", "7"), "by last name"
    assert ada.scores["01-tiny"].points == 2 and ada.final == 50, "lateness is taken off"
    assert zed.scores["01-tiny"].points is None and zed.final == 0
    assert [r.final for r in grades.read(folder, {}, missing_counts=False).rows] == [50, None]
    grades.write(grades.read(folder, {}), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    with pytest.raises(CourseError, match="cannot be written"):
        grades.write(grades.read(folder, {}), tmp_path / "no" / "out.csv")
