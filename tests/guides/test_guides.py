"""Every guide: its links lead somewhere and its commands exist. Those of students and authors: what they say is done."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, servelab
from guide_kit import Session, broken_links, fences, run_guide
from servelab import doctor, paths
from servelab.course.release import release_students
from test_readme import commands

GUIDES = sorted((ROOT / "environment" / "guides").glob("*.md"))
STUDENT, AUTHOR = (ROOT / "environment" / "guides" / f"{name}.md" for name in ("student", "lab-author"))


def test_there_are_guides() -> None:
    assert {STUDENT, AUTHOR} <= set(GUIDES)


@pytest.mark.parametrize(
    "guide", [*GUIDES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda g: g.name
)
def test_links_and_anchors_lead_somewhere(guide: Path) -> None:
    assert broken_links(guide) == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda g: g.name)
def test_servelab_commands_exist(guide: Path) -> None:
    """Also those that no test runs, in code spans and in fences of any kind."""
    text = guide.read_text()
    fenced = re.findall(r"^ *```\w*.*\n(.*?)^ *```", text, re.S | re.M)
    spans = commands(re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M))
    words = spans | {w for block in fenced for w in commands("```\n" + block.replace("\\\n", " ") + "```")}
    for verb in sorted({w[1] for w in words if w[0] == "servelab" and w[1].isidentifier()}):
        done = servelab(verb, "--help", COLUMNS="200")
        assert done.returncode == 0, f"servelab {verb}: {done.stderr}"


# --- students


@pytest.fixture
def private_cache(tmp_path: Path) -> Path:
    """A cache with what is made already and no engine of anybody else, so that `engine stop` stops only ours."""
    cache = tmp_path / "cache"
    cache.mkdir()
    for place in paths.cache_dir().glob("*"):
        if place.name != "state":
            (cache / place.name).symlink_to(place)
    return cache


@pytest.mark.slow
def test_the_student_guide(tmp_path: Path, private_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "environment"))
    import bootstrap

    if not bootstrap.up_to_date(bootstrap.pick_runtime()):
        pytest.skip("`make lab` would set the course up first: run `make setup`")
    if not (found := doctor.diagnose()).ready:
        bad = [
            *(f"{f.name}: {f.found}" for f in found.findings if f.level == "bad"),
            *(lab.remedy for lab in found.labs),
        ]
        pytest.skip(f"this machine is not ready for the labs: {'; '.join(filter(None, bad))}")
    course = tmp_path / "course"
    release_students(ROOT, course)
    work = course / "work"
    env = {
        "SERVELAB_ROOT": str(course),  # so `make lab` here opens the class's copy there
        "SERVELAB_CACHE": str(private_cache),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "COLUMNS": "120",
    }
    opened, *others = fences(STUDENT)
    with Session(ROOT, env, limit_s=120) as session:
        base, token = re.search(r"(http\S+)lab\?token=(\w+)", session.run(opened).output).groups()
        page = httpx.get(f"{base}servelab/open/01", params={"token": token}, follow_redirects=False)
        assert page.status_code == 302, page.text
        assert (work / "01-naive-serving" / "01-naive-serving.ipynb").is_file()
        said = "".join(session.run(fence).output for fence in others)
    for words in (
        "Ready",
        "Not answered yet",
        "Hand in this one file",
        "No engine is running",
        "Stopped 0 engines",
    ):
        assert words in said, said


# --- authors


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The course's files in a folder of their own, with the environment that is there already."""
    root = tmp_path / "course"
    shutil.copytree(
        ROOT,
        root,
        ignore=lambda folder, names: {
            n for n in names if n.startswith(".") or n in ("__pycache__", "work", "gradebook", "node_modules")
        },
    )
    (root / ".venv").symlink_to(Path(sys.prefix))
    return root


@pytest.mark.slow
def test_the_lab_authors_guide(scratch: Path) -> None:
    before = (scratch / "README.md").read_text()
    steps = run_guide(AUTHOR, scratch, {"SERVELAB_ROOT": str(scratch), "SERVELAB_PROGRESS": "0"}, limit_s=240)
    said = "".join(step.output for step in steps)
    promised = re.search(r"^```text\n(14-promises: holds.*)\n```", AUTHOR.read_text(), re.M)[1]
    assert promised in said
    assert re.search(r"solutions/14-promises/14-promises\.py:\d+: .*isinstance", said), said
    assert said.count("labs/ and solutions/ match their sources") == 2
    assert (scratch / "README.md").read_text() == before
