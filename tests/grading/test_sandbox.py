"""The sandbox: what is in reach from inside, what is not, and what is left afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from cells import answer, check
from nbformat.v4 import new_notebook
from servelab.errors import CourseError
from servelab.grading import sandbox
from servelab.grading.repair import Laid, questions_of
from servelab.grading.run import Grader, scores_of, shared_grader
from servelab.grading.sandbox import Limits, Sandbox
from servelab.grading.session import Outcome, Patience

pytestmark = pytest.mark.slow


def run(
    text: str, *checks: str, grader: Grader | None = None, **patience: float
) -> tuple[Outcome, list[float]]:
    """Run an answer cell and checks; returns the outcome and the points."""
    cells = [answer(text, "answer"), *(check(c, f"c{n}", 1) for n, c in enumerate(checks or ["assert ok()"]))]
    laid = Laid(notebook=new_notebook(cells=cells), questions=questions_of(new_notebook(cells=cells)))
    outcome = (grader or shared_grader()).run(laid, patience=Patience(**patience))
    return outcome, [score.points for score in scores_of(laid, outcome.runs)]


def told(text: str) -> object:
    """What a cell inside the sandbox prints, as JSON."""
    outcome, _ = run("import json, os\nfrom pathlib import Path\n" + text + "\ndef ok(): return True")
    assert outcome.runs[0].status == "ok", outcome.runs[0]
    return json.loads(outcome.texts[0])


def test_it_can_be_made_here() -> None:
    sandbox.require()


def test_a_missing_bubblewrap_is_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="apt-get install bubblewrap") as caught:
        sandbox.require()
    assert "\n" not in str(caught.value)


def test_a_bubblewrap_that_may_not_is_one_line_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses = tmp_path / "bwrap"
    refuses.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CourseError, match="uid map: Permission denied") as caught:
        Grader().require()
    assert "container" in str(caught.value) and "\n" not in str(caught.value)


def test_it_is_nobody_and_alone() -> None:
    found = told(
        "print(json.dumps([os.getuid(), os.getgroups(), [p for p in os.listdir('/proc') if p.isdigit()]]))"
    )
    uid, groups, processes = found
    if os.geteuid() == 0:
        assert uid >= sandbox_uids()[0] and groups == []
    assert len(processes) <= 4, "bubblewrap's own, and this one"


def sandbox_uids() -> tuple[int, int]:
    from servelab.grading import zygote

    return zygote.FIRST_UID, zygote.FIRST_UID + zygote.UIDS


def test_it_sees_no_notebook_no_repository_and_no_home() -> None:
    root = Path(sandbox.__file__).parents[3]
    places = [
        str(root / name)
        for name in ("solutions", "labs", "quizzes", "tests", "gradebook", ".git", "README.md")
    ]
    seen = told(
        f"print(json.dumps([p for p in {[*places, str(Path.home() / '.bashrc')]!r} if os.path.exists(p)]))"
    )
    assert seen == []
    notebooks = told(
        "found = []\nfor top in ('/home', '/tmp', '/data', '/work', '/root', '/srv', '/opt'):\n"
        "    for here, dirs, files in os.walk(top):\n"
        "        dirs[:] = [d for d in dirs if d != 'site-packages']\n"
        "        found += [f for f in files if f.endswith('.ipynb')]\nprint(json.dumps(found))"
    )
    assert notebooks == []


def test_it_writes_only_to_its_own_memory() -> None:
    name = uuid.uuid4().hex
    tried = told(
        f"NAME = {name!r}\nout = {{}}\n"
        "for place in ('/usr/x', '/etc/x', '/x', os.path.dirname(json.__file__) + '/x', '/home/student/x', '/tmp/' + NAME):\n"
        "    try:\n        Path(place).write_text('x'); out[place] = True\n"
        "    except OSError: out[place] = False\nprint(json.dumps(out))"
    )
    assert [place for place, could in tried.items() if could] == ["/home/student/x", f"/tmp/{name}"]
    assert not Path(f"/tmp/{name}").exists()


def test_its_environment_says_nothing_about_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_GRADER", "x")
    with Grader() as grader:
        outcome, _ = run("import os; print(sorted(os.environ))\ndef ok(): return True", grader=grader)
    assert "SECRET" not in outcome.texts[0] and "HOME" in outcome.texts[0]


def test_no_network_but_its_own_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        text = (
            "import socket\n"
            f"def reach(host='127.0.0.1', port={port}):\n"
            "    try:\n        socket.create_connection((host, port), timeout=2).close(); return True\n"
            "    except OSError: return False\n"
            "def own():\n    s = socket.create_server(('127.0.0.1', 0)); p = s.getsockname()[1]\n"
            "    return reach(port=p)"
        )
        _, points = run(text, "assert not reach()", "assert not reach('1.1.1.1', 53)", "assert own()")
        assert points == [1, 1, 1]
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a fork bomb", "def ok():\n    import os\n    while True:\n        try: os.fork()\n        except OSError: pass"),
        ("a loop", "def ok():\n    while True: pass"),
        ("a loop that catches everything", "def ok():\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass"),
        ("memory", "def ok():\n    hold = []\n    while True: hold.append(bytearray(50_000_000))"),
        ("stopping itself", "def ok():\n    import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
        ("recursion", "import sys\nsys.setrecursionlimit(10**9)\ndef ok(): return ok()"),
        ("all processes killed that one may kill", "def ok():\n    import os; os.kill(-1, 9); return False"),
        ("an endless iterator", "def ok():\n    import itertools; return [0] * 10**12"),
    ],
)  # fmt: skip
def test_what_does_not_end_costs_its_question_and_little_time(what: str, text: str) -> None:
    began = time.monotonic()
    before = processes()
    _, points = run(text, "assert ok()", "assert 1 + 1 == 2", cell_s=3, check_s=3)
    assert points[0] == 0
    assert time.monotonic() - began < 15
    assert processes() <= before, "something is left"
    assert run("def ok(): return True")[1] == [1], "the next submission is graded as always"


def processes() -> set[int]:
    """Processes of sandboxes' users below this one: other runs on this machine are none of our business."""
    import psutil

    first, last = sandbox_uids()
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if first <= process.uids().real < last and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def test_memory_of_all_processes_together_is_limited() -> None:
    text = (
        "import os, time\n"
        "def ok():\n"
        "    for _ in range(8):\n"
        "        if os.fork() == 0:\n"
        "            hold = bytearray(60_000_000)\n"
        "            for i in range(0, len(hold), 4096): hold[i] = 1\n"
        "            time.sleep(60)\n"
        "    time.sleep(60)\n"
    )
    with Grader(limits=Limits(memory_mb=200)) as grader:
        began = time.monotonic()
        outcome, points = run(text, grader=grader, check_s=30)
        assert points == [0] and "out of memory" in outcome.flags
        assert time.monotonic() - began < 15


def test_disk_is_limited() -> None:
    text = (
        "def ok():\n    n = 0\n    try:\n        for k in range(50):\n            with open(f'/tmp/f{k}', 'wb') as f:\n"
        "                for _ in range(32): f.write(bytes(1 << 20)); n += 1\n    except OSError: pass\n    return n"
    )
    _, points = run(text, "assert ok() <= 140")
    assert points == [1]


def test_printing_is_limited() -> None:
    outcome, points = run("print('x' * 50_000_000)\ndef ok(): return True")
    assert points == [1] and len(outcome.texts[0]) < 25_000 and "more characters" in outcome.texts[0]


def test_a_check_cannot_tell_a_later_cell_what_it_passed_in() -> None:
    cells = [
        answer(
            "seen = []\ndef f(x):\n    seen.append(x)\n    open('/tmp/seen', 'a').write(x)\n    return x",
            "one",
        ),
        check("assert f('the secret') == 'the secret'", "c1", 1),
        answer("print(seen)\ndef g(): return 1", "two"),
        check("assert g() == 1", "c2", 1),
    ]
    laid = Laid(notebook=new_notebook(cells=cells), questions=questions_of(new_notebook(cells=cells)))
    outcome = shared_grader().run(laid)
    assert "secret" not in outcome.texts[2] and outcome.runs[3].status == "ok"


PLAIN_USER = """
from cells import answer, check
from nbformat.v4 import new_notebook
from servelab.grading.repair import Laid, questions_of
from servelab.grading.run import Grader, scores_of
text = "import os, socket\\nstatus = open('/proc/self/status').read()\\ndef rights(): return status.count('CapEff:\\\\t0000000000000000')\\n"
text += "def net():\\n    try: socket.create_connection(('1.1.1.1', 53), 1)\\n    except OSError: return False\\n    return True"
engine = "import httpx\\nfrom servelab.engine.scripted import ScriptedEngine\\n"
engine += "with ScriptedEngine() as e:\\n    assert httpx.get(e.url + '/health').status_code == 200"
cells = [answer(text, "a"), check("assert rights() == 1", "c0", 1), check("assert not net()", "c1", 1), check(engine, "c2", 1)]
notebook = new_notebook(cells=cells)
laid = Laid(notebook=notebook, questions=questions_of(notebook))
with Grader() as grader:
    print([score.points for score in scores_of(laid, grader.run(laid).runs)])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: all of these tests run as a plain user anyway")
def test_a_plain_user_can_grade_too() -> None:
    """Debian's Python, because this one's folder may be closed to others; the same packages."""
    python = shutil.which("python3", path="/usr/bin")
    version = subprocess.run(
        [python or "false", "--version"], capture_output=True, text=True, check=False
    ).stdout
    if f"{sys.version_info.major}.{sys.version_info.minor}." not in version:
        pytest.skip("no system Python of this version that another user may run")
    packages = next(p for p in sys.path if p.endswith("site-packages"))
    here = Path(__file__).resolve()
    done = subprocess.run(
        ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", python, "-c", PLAIN_USER],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{packages}:{here.parents[2] / 'environment'}:{here.parent}",
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.strip().endswith("[1.0, 1.0, 1.0]"), done.stdout + done.stderr


def test_many_at_once() -> None:
    with Grader() as grader:
        points: list[list[float]] = []
        threads = [
            threading.Thread(target=lambda: points.append(run("def ok(): return True", grader=grader)[1]))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert points == [[1.0]] * 6


def test_closing_a_sandbox_ends_its_processes() -> None:
    box = Sandbox()
    assert box.members()
    box.close()
    assert not box.members()


def test_killing_the_grader_leaves_nothing() -> None:
    code = (
        "from servelab.grading.run import shared_grader\nfrom servelab.grading.sandbox import Sandbox\n"
        "g = shared_grader(); g.zygote.start(); b = Sandbox()\n"
        "print(g.zygote._process.pid, b.pid, g.zygote._home, flush=True)\nimport time; time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    *pids, home = process.stdout.readline().split()
    pids = [int(pid) for pid in pids]
    assert Path(home).is_dir()
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(alive(pid) for pid in pids):
        time.sleep(0.05)
    assert not [pid for pid in pids if alive(pid)]
    assert not Path(home).exists()


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
    except OSError:
        return False
