"""The README's map follows the labs' headers, and a header that cannot be read is named."""

from __future__ import annotations

from pathlib import Path

import course_kit
import pytest
from course_kit import REPOSITORY, Course
from servelab.course import build, course_map
from servelab.course.building import source_paths
from servelab.course.notebooks import load_lab
from servelab.course.percent import SourceError, read_lab
from servelab.errors import CourseError

course = course_kit.course

README = "# A course\n\n<!-- map -->\nold\n<!-- /map -->\n\nprose\n\n<!-- solved -->\n<!-- /solved -->\n"
HEADER = "# ---\n# title: T\n# minutes: 5\n# objectives: O\n# builds: a B\n# needs: {memory_gb: 4, engine: false}\n# ---\n"


def test_build_writes_the_map_and_check_reports_drift(course: Course) -> None:
    (course.root / "README.md").write_text(README)
    course.edit("# minutes: 5", "# minutes: 5\n# builds: two sums\n# needs: {cores: 1, memory_gb: 1.5}")
    assert "wrote README.md" in build(course.root)
    text = (course.root / "README.md").read_text()
    assert "| [01-tiny](labs/01-tiny/01-tiny.ipynb) | two sums | 1 core, 1.5 GB | 5 |" in text
    assert "to read: [01](solutions/01-tiny/01-tiny.ipynb).\n<!-- /solved -->" in text and "\nprose\n" in text
    assert build(course.root, check=True) == []
    (course.root / "README.md").write_text(text.replace("two sums", "three sums"))
    assert build(course.root, check=True) == ["README.md's map does not match the labs' headers"]


def test_the_courses_own_map_has_every_lab() -> None:
    labs = [load_lab(path, REPOSITORY) for path in source_paths(REPOSITORY)]
    assert all(lab.builds for lab in labs)
    text = course_map.rows(labs)
    assert text in (REPOSITORY / "README.md").read_text()
    assert text.count("\n") == len(labs) + 2


def test_a_mark_that_is_not_closed_is_an_error_and_a_readme_without_marks_stays() -> None:
    with pytest.raises(CourseError, match="once each"):
        course_map.page("<!-- map -->\n", [])
    assert course_map.page("# Plain\n", []) == "# Plain\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("needs: {gpu: 1}", "cannot read needs (gpu: Extra inputs are not permitted)"),
        ("needs: {own_gib: much}", "cannot read needs (own_gib: Input should be a valid number"),
        ("needs: 6 GB", "cannot read needs (needs: Input should be a valid dictionary"),
        ("builds: [a, b]", "builds is a line of text"),
    ],
)
def test_a_header_that_cannot_be_read_is_named(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "solutions" / "01-x" / "01-x.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        HEADER.replace("needs: {memory_gb: 4, engine: false}", line)
        if "needs" in line
        else HEADER.replace("builds: a B", line)
    )
    with pytest.raises(SourceError) as caught:
        read_lab(path)
    assert (
        caught.value.problems[0].startswith("solutions/01-x/01-x.py:1: ") and what in caught.value.problems[0]
    )


def test_an_artefact_that_does_not_exist_is_named(course: Course) -> None:
    course.edit("# minutes: 5", "# minutes: 5\n# needs: {made: [nothing]}")
    with pytest.raises(SourceError, match=r"no artefact is called 'nothing'; there are: .*pieces"):
        build(course.root)
