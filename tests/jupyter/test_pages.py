"""The course's pages over HTTP, and nbgrader's own, on a real server."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from labserver import (
    LAB,
    TITLE,
    LabServer,
    environment,
    lab,  # noqa: F401 - a fixture
    run_in,
    tiny_notebook,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", ["/servelab/home", "/servelab/state.json", f"/servelab/open/{LAB}"])
def test_nothing_is_shown_without_the_token(lab: LabServer, path: str) -> None:
    status, text = lab.request(path, token=False)
    assert status == 302 and text.startswith("/login")
    assert not lab.notebook.exists()


def test_the_home_page(lab: LabServer) -> None:
    status, text = lab.request("/servelab/home")
    assert status == 200
    assert "Tiny &lt;script&gt;" in text and TITLE not in text
    assert "5 minutes" in text and "4 points" in text


def test_the_page_may_run_only_its_own_script(lab: LabServer) -> None:
    import urllib.request

    request = urllib.request.Request(
        f"{lab.base}/servelab/home", headers={"Authorization": f"token {lab.token}"}
    )
    with urllib.request.urlopen(request) as answer:
        policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
    nonce = policy.split("script-src 'nonce-")[1].split("'")[0]
    assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy
    assert f'<script nonce="{nonce}">' in text and "unsafe" not in policy


def test_opening_a_lab_copies_it_once(lab: LabServer) -> None:
    status, target = lab.request("/servelab/open/1")
    assert (status, target) == (302, f"/lab/tree/work/{LAB}/{LAB}.ipynb")
    assert lab.notebook.is_file()
    lab.notebook.write_text("edited by the student")
    assert lab.json(f"/servelab/open/{LAB}", Accept="application/json") == {"path": f"work/{LAB}/{LAB}.ipynb"}
    assert lab.notebook.read_text() == "edited by the student"
    lab.notebook.unlink()


@pytest.mark.parametrize("wrong", ["9", "..%2f..%2fetc", "%3Cscript%3E"])
def test_a_wrong_lab_is_said_kindly(lab: LabServer, wrong: str) -> None:
    status, text = lab.request(f"/servelab/open/{wrong}")
    assert status == 404 and "No lab is called" in text and "<script>" not in text
    status, text = lab.request(f"/servelab/open/{wrong}", Accept="application/json")
    assert status == 404 and text.startswith('{"error": "No lab is called')


def validate(lab: LabServer, notebook: nbformat.NotebookNode, name: str) -> dict:
    file = lab.root / "work" / LAB / f"{name}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, file)
    return lab.json("/assignments/validate", {"path": f"work/{LAB}/{name}.ipynb"})


def test_validate_judges_and_skips_live_cells(lab: LabServer) -> None:
    right = validate(lab, tiny_notebook("double = lambda x: 2 * x"), "right")
    assert right == {"success": True, "value": {}}, (
        "no check failed, and the live cell, which raises, did not run"
    )
    wrong = validate(lab, tiny_notebook("double = lambda x: x"), "wrong")
    assert wrong["success"] and "double(2) is 4" in wrong["value"]["failed"][0]["raw_error"]


def test_validate_does_not_hold_up_the_server(lab: LabServer) -> None:
    answered: list[dict] = []
    slow = tiny_notebook("double = lambda x: 2 * x", extra="import time; time.sleep(4)")
    thread = threading.Thread(target=lambda: answered.append(validate(lab, slow, "slow")))
    thread.start()
    time.sleep(1.5)
    kernel = lab.start_kernel()
    flag = run_in(kernel, "import os; print(os.environ.get('NBGRADER_EXECUTION'))").strip()
    still_validating = not answered
    kernel.stop_channels()
    thread.join()
    assert still_validating, "a kernel started while the validation went on"
    assert flag == "None", "that kernel must run its live cells"
    assert answered[0]["success"]


@pytest.mark.parametrize("path", ["../outside.ipynb", "/etc/passwd", ""])
def test_validate_stays_inside_the_course(lab: LabServer, path: str) -> None:
    status, _ = lab.request("/assignments/validate", {"path": path})
    assert status in (403, 404)


def test_validate_says_in_words_what_is_wrong(lab: LabServer) -> None:
    gone = lab.json("/assignments/validate", {"path": "work/gone.ipynb"})
    assert not gone["success"] and "not there" in gone["value"] and "Traceback" not in gone["value"]
    (lab.root / "work" / "broken.ipynb").write_text("{")
    broken = lab.json("/assignments/validate", {"path": "work/broken.ipynb"})
    assert not broken["success"] and "could not be validated" in broken["value"]
    assert "Traceback" not in broken["value"]


def nbgrader(lab: LabServer, *args: str, cwd: Path) -> str:
    """An nbgrader command as typed in a terminal of that JupyterLab, in any folder."""
    env = environment(lab.root, lab.run_id) | {"JUPYTER_CONFIG_PATH": str(lab.root)}
    command = [str(Path(sys.executable).with_name("nbgrader")), *args]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_formgrader_and_assignment_list(lab: LabServer, tmp_path: Path) -> None:
    assert lab.request("/formgrader") == (302, "/formgrader/manage_assignments")
    status, text = lab.request("/formgrader/manage_assignments")
    assert status == 200 and "formgrader" in text.lower()
    (listed,) = [a for a in lab.json("/formgrader/api/assignments") if a["name"] == LAB]
    assert listed["release_path"] == f"labs/{LAB}"
    nbgrader(lab, "db", "assignment", "add", LAB, cwd=tmp_path)
    nbgrader(lab, "release_assignment", LAB, "--force", cwd=tmp_path)
    assert lab.json("/courses") == {"success": True, "value": ["serving-llms"]}

    lab.json(f"/servelab/open/{LAB}", Accept="application/json")
    (known,) = lab.json("/assignments?course_id=serving-llms")["value"]
    assert (known["assignment_id"], known["status"]) == (LAB, "fetched"), (
        "the own copy is what will be submitted"
    )
    assert known["path"] == f"work/{LAB}"
    done = lab.json("/assignments/submit", {"assignment_id": LAB, "course_id": "serving-llms"})
    assert sorted(a["status"] for a in done["value"]) == ["fetched", "submitted"]
