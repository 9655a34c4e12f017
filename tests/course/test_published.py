"""Where the course is published: read from the remote, never typed, and the same build in every clone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import course_kit
import pytest
from conftest import ROOT, servelab
from course_kit import LAB, cell, read
from servelab.course import build, published
from servelab.course.building import stale_cells
from servelab.course.published import FILE, Published, address
from servelab.errors import CourseError

course = course_kit.course
PLACE = Published("https://github.com/someone/course", "main")


def git(folder: Path, *args: str) -> None:
    """A git command that has no user's settings."""
    plain = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run([*plain, "-C", str(folder), *args], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/someone/course", PLACE.repository),
        ("https://github.com/someone/course.git", PLACE.repository),
        ("https://github.com/someone/course/", PLACE.repository),
        ("https://someone:secret-token@github.com/someone/course.git", PLACE.repository),
        ("https://www.github.com/someone/course", PLACE.repository),
        ("http://GitHub.com/someone/course", PLACE.repository),
        ("git@github.com:someone/course.git", PLACE.repository),
        ("github.com:someone/course", PLACE.repository),
        ("ssh://git@github.com/someone/course.git", PLACE.repository),
        ("ssh://git@ssh.github.com:443/someone/course.git", PLACE.repository),
        ("git://github.com/someone/course.git", PLACE.repository),
        ("https://gitlab.example.org/a/group/course.git", "https://gitlab.example.org/a/group/course"),
        ("/srv/course", None),
        ("../course.git", None),
        ("file:///srv/git/course.git", None),
        ("C:/Users/someone/course", None),
        ("https://github.com/someone", None),
        ("https://github.com/someone/course/tree/main", None),
        ("https://github.com/someone/cou rse;rm -rf x", None),
        ("https://github.com/../course", None),
        ("https://[broken/someone/course", None),
        ("", None),
    ],
)
def test_addresses_of_remotes(remote: str, expected: str | None) -> None:
    assert address(remote) == expected


def test_only_github_has_badges() -> None:
    badge = PLACE.badge(LAB)
    assert badge is not None
    assert badge.endswith(f"/github/someone/course/blob/main/labs/{LAB}/{LAB}.ipynb)")
    assert Published("https://gitlab.example.org/a/course", "main").badge(LAB) is None


def test_the_branch_is_the_remotes_default(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(CourseError, match="no remote called origin"):
        published.from_remote(tmp_path)
    git(tmp_path, "remote", "add", "origin", "git@github.com:someone/course.git")
    assert published.from_remote(tmp_path) == PLACE  # nothing fetched yet: the branch that one is on
    git(tmp_path, "checkout", "-q", "-b", "a-change")
    git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert published.from_remote(tmp_path).branch == "trunk"
    git(tmp_path, "remote", "set-url", "origin", "https://me:token@example/one")
    with pytest.raises(CourseError, match="nobody else can clone") as caught:
        published.from_remote(tmp_path)
    assert "token" not in str(caught.value)


def test_without_a_published_place_there_is_no_word_of_it(course) -> None:
    build(course.root)
    text = course.release.read_text()
    assert "badge" not in text and "COLAB" not in text and "git clone" not in text


def test_publishing_adds_badge_and_cell_and_changes_no_other(course) -> None:
    import nbformat

    build(course.root)
    before = read(course.solution)
    for count, c in enumerate((c for c in before.cells if c.cell_type == "code"), 1):
        c.execution_count = count
    nbformat.write(before, course.solution)
    git(course.root, "init", "--quiet")
    git(course.root, "remote", "add", "origin", "https://me:token@github.com/someone/course.git")
    assert published.update(course.root, published=True) == [f"wrote {FILE}"]
    assert published.update(course.root, published=True) == []
    build(course.root)
    after = read(course.solution)
    assert stale_cells(after) == []  # publishing asks for no new run of a notebook
    heading, _, badge, *_ = after.cells[0].source.split("\n")
    assert heading == "# Lab 01 · A tiny lab" and badge == PLACE.badge(LAB)
    first = next(c for c in after.cells if c.cell_type == "code")
    assert first.id == "colab" and first.metadata.nbgrader.locked
    assert f"--branch main {PLACE.repository} " in first.source
    assert [c.id for c in after.cells if c.id != "colab"] == [c.id for c in before.cells]
    assert all(c.source == cell(before, c.id).source for c in after.cells[1:] if c.id != "colab")
    everything = (
        "".join(p.read_text() for p in course.root.rglob("*.ipynb")) + (course.root / FILE).read_text()
    )
    assert "token" not in everything
    assert published.update(course.root, published=False) == [f"removed {FILE}"]
    build(course.root)
    assert "badge" not in course.release.read_text()


def test_the_first_cell_does_nothing_elsewhere() -> None:
    """It runs as Python, without IPython's `!`, where there is no Colab: as in the judge."""
    from IPython.core.inputtransformer2 import TransformerManager

    code = TransformerManager().transform_cell(published.fetching_cell(PLACE))
    names: dict = {"get_ipython": None}
    exec(compile(code, "cell", "exec"), names)
    assert {name for name in names if not name.startswith("__")} == {"get_ipython", "_os", "_sys"}


@pytest.mark.parametrize("origin", ["folder", "fork", "none"])
def test_every_clone_matches_the_committed_release(course, tmp_path: Path, origin: str) -> None:
    git(course.root, "init", "--quiet")
    git(course.root, "remote", "add", "origin", "git@github.com:someone/course.git")
    published.update(course.root, published=True)
    build(course.root)
    git(course.root, "add", ".")
    git(course.root, "commit", "--quiet", "-m", "all")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(course.root), str(clone))
    if origin == "fork":
        git(clone, "remote", "set-url", "origin", "https://github.com/another/fork")
    if origin == "none":
        git(clone, "remote", "remove", "origin")
    assert build(clone, check=True) == []
    if origin == "fork":
        assert published.update(clone, published=True, check=True) == [
            f"{FILE} does not say what the remote says"
        ]
        published.update(clone, published=True)
        assert len(build(clone, check=True)) == 2
        build(clone)
        assert "github/another/fork" in (clone / "labs" / LAB / f"{LAB}.ipynb").read_text()
    else:
        with pytest.raises(CourseError, match="remote"):
            published.update(clone, published=True)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"repository": "https://github.com/a/b"}',
        '{"repository": "https://github.com/a/b; rm -rf ~", "branch": "main"}',
        '{"repository": "https://github.com/a/b", "branch": "main; rm -rf ~"}',
    ],
)
def test_a_damaged_file_is_one_line(course, text: str) -> None:
    (course.root / "environment").mkdir()
    (course.root / FILE).write_text(text)
    with pytest.raises(CourseError, match="damaged: run `servelab build"):
        build(course.root)


def test_readme_rows_have_the_badge_of_their_lab() -> None:
    text = (ROOT / "README.md").read_text()
    plain = published.with_badges(text, None)
    badged = published.with_badges(plain, PLACE)
    labs = sorted(p.name for p in (ROOT / "labs").glob("[0-9][0-9]-*"))
    assert badged.count("[![Open in Colab]") == len(labs) > 0
    for lab in labs:
        assert f"]({Path('labs')}/{lab}/{lab}.ipynb) {PLACE.badge(lab)} |" in badged
    assert published.with_badges(badged, PLACE) == badged
    assert published.with_badges(badged, None) == plain


def test_readme_without_its_badges_is_drift(course) -> None:
    readme = course.root / "README.md"
    readme.write_text(f"| [{LAB}](labs/{LAB}/{LAB}.ipynb) | adding |\n")
    (course.root / "environment").mkdir()
    (course.root / FILE).write_text(json.dumps(vars(PLACE)))
    build(course.root)
    assert "badge.svg" in readme.read_text()
    readme.write_text(f"| [{LAB}](labs/{LAB}/{LAB}.ipynb) | adding |\n")
    assert build(course.root, check=True) == ["README.md's map does not match the labs' headers"]


def test_the_command_says_it_in_one_line(course) -> None:
    done = servelab("build", "--published", SERVELAB_ROOT=str(course.root))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "no remote called origin" in done.stderr
