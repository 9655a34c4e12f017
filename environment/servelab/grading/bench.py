"""`servelab bench grading`: how many submissions a minute, beside stock nbgrader, over the same submissions in one run."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from servelab.course.building import CONFIG, load_config
from servelab.grading.answers import read_answers
from servelab.grading.classroom import COMMAND_TIMEOUT_S, Classroom, ClassroomError
from servelab.grading.driver import grade_all
from servelab.grading.proof import with_answers
from servelab.grading.repair import questions_of, read_notebook
from servelab.grading.run import shared_grader
from servelab.load.measurements import source_line
from servelab.load.records import spread_of
from servelab.progress import bar

LAB = "02-vllm"
#: The line of nbgrader_config.py by which autograding takes our route; without it the configuration is stock.
_OURS = re.compile(r"^autograde\.configure\(c\).*$", re.MULTILINE)
_PER_STUDENT = 3


def bench_grading(
    root: Path, *, submissions: int = 12, lab: str = LAB, large: int | None = None, repeats: int = 1
) -> dict[str, Any]:
    """`repeats` rounds of `_round`: the figures are the medians, the scores must agree in every round.

    Args:
        large: also grade this many by ours, once.

    Returns:
        As `_round`, and "samples" and "ratios" of the rounds.

    Raises:
        ClassroomError: a stock command failed.
    """
    rounds = [_round(root, submissions, lab, large if n == 0 else None) for n in range(repeats)]
    ways = ("stock_per_min", "stock_per_student_per_min", "ours_per_min_1", "ours_per_min_2", "dask_per_min")
    found = dict(rounds[0])
    for name in (*ways, "writer_seconds", "commits_per_submission"):
        found[name] = round(spread_of([r[name] for r in rounds]).median, 3)
    samples = {_SAMPLES[name]: [r[name] for r in rounds] for name in ways}
    found["scores_agree"] = all(r["scores_agree"] for r in rounds)
    found["ratio"] = round(spread_of([r["ours_per_min_2"] / r["stock_per_min"] for r in rounds]).median, 2)
    found["seconds_per_submission"] = round(60 / found["ours_per_min_1"], 3)
    ratios = {
        "ours_over_stock": ["ours_2_per_min", "stock_per_min"],
        "jobs_2_over_1": ["ours_2_per_min", "ours_1_per_min"],
    }
    return found | {"samples": samples, "ratios": ratios}


_SAMPLES = {
    "stock_per_min": "stock_per_min",
    "stock_per_student_per_min": "stock_per_student_per_min",
    "ours_per_min_1": "ours_1_per_min",
    "ours_per_min_2": "ours_2_per_min",
    "dask_per_min": "dask_per_min",
}


def _round(root: Path, submissions: int, lab: str, large: int | None) -> dict[str, Any]:
    """Grade the same submissions by stock nbgrader and by ours, one after the other on this machine.

    Every third submission is the reference, the others have one recorded wrong answer each. Live cells are skipped on
    both sides, and each way starts from the same state: a fresh gradebook in which nothing is graded.

    Args:
        submissions: how many students there are.
        large: also grade this many by ours, to see whether the cost of one stays the same.

    Returns:
        Submissions a minute: {"stock_per_min": one `nbgrader autograde` call over all, "stock_per_student_per_min": one call
        for each student (measured on a few), "ours_per_min_1", "ours_per_min_2": at 1 and 2 jobs, "dask_per_min": on two
        worker processes, "ratio": ours at 2 jobs over the one stock call}, {"scores_agree"}: whether all ways gave the
        same points, and {"submissions", "seconds_per_submission", "large"}.

    Raises:
        ClassroomError: a stock command failed.
    """
    with tempfile.TemporaryDirectory(prefix="servelab-bench-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        room = Classroom(scratch / "ours", root, [lab])
        room.nbgrader("generate_assignment", lab, "--force")
        students = _hand_in(root, room, lab, submissions)
        stock_room = _stock_copy(room, scratch / "stock")
        found: dict[str, Any] = {"submissions": submissions, "lab": lab}
        with bar(total=5, desc="Grading", unit="way") as shown:
            seconds = _timed(lambda: stock_room.nbgrader("autograde", lab))
            found["stock_per_min"] = _rate(submissions, seconds)
            scores = {"stock": _scores(stock_room, lab, students)}
            shown.update(1)
            few = students[:_PER_STUDENT]
            seconds = _timed(lambda: [_one_call(stock_room, lab, student) for student in few])
            found["stock_per_student_per_min"] = _rate(len(few), seconds)
            shown.update(1)
            shared_grader().require()
            for jobs in (1, 2):
                with _fresh(room, scratch / f"ours-{jobs}") as copy:
                    config = load_config(root, copy.folder)
                    with _commits() as commits:
                        result = grade_all(config, lab, jobs=jobs)
                    found[f"ours_per_min_{jobs}"] = result.per_minute
                    found["writer_seconds"] = result.writer_seconds
                    found["commits_per_submission"] = round(len(commits) / submissions, 1)
                    scores[f"ours, {jobs}"] = _scores(copy, lab, students)
                shown.update(1)
            with _fresh(room, scratch / "dask") as copy, _cluster() as address:
                config = load_config(root, copy.folder)
                _warm(address)
                found["dask_per_min"] = grade_all(config, lab, scheduler=address).per_minute
                scores["dask"] = _scores(copy, lab, students)
            shown.update(1)
        if large:
            with _fresh(room, scratch / "large") as copy:
                for n in range(submissions, large):
                    text = copy.submitted(lab, students[n % submissions]).read_text(encoding="utf-8")
                    copy.hand_in(lab, f"student{n:04}", text)
                result = grade_all(load_config(root, copy.folder), lab, jobs=2)
                found["large"] = {"submissions": large, "per_min": result.per_minute}
    found["scores_agree"] = len({tuple(sorted(points.items())) for points in scores.values()}) == 1
    found["ratio"] = round(found["ours_per_min_2"] / found["stock_per_min"], 2)
    found["seconds_per_submission"] = round(60 / found["ours_per_min_1"], 3)
    print(
        f"{submissions} submissions of {lab}, a minute: stock {found['stock_per_min']:g} in one call and"
        f" {found['stock_per_student_per_min']:g} one by one, ours {found['ours_per_min_1']:g} and"
        f" {found['ours_per_min_2']:g} at 1 and 2 jobs, {found['dask_per_min']:g} by Dask; ratio {found['ratio']:g}"
    )
    return found


def project(
    record: dict[str, Any], *, students: int = 5000, labs: int = 11, cores: int = 16, window_h: float = 2.0
) -> dict[str, float]:
    """What a large class takes, from a measurement of this benchmark.

    A core is taken to do what one of the two Dask workers did, with the writer beside it; the writer is one process.

    Returns:
        {"submissions", "core_hours", "lab_hours_on_one_machine" (one lab of all students, `cores` cores),
        "machines_for_window" (so many for one lab in `window_h` hours), "writer_hours" (one lab, through the one writer),
        "writes_per_s" (commits, when a lab is graded in the window)}
    """
    figures = record["figures"]
    seconds = 60 / (figures["dask_per_min"] / 2)
    lab_core_h = students * seconds / 3600
    return {
        "submissions": students * labs,
        "core_hours": round(labs * lab_core_h, 1),
        "lab_hours_on_one_machine": round(lab_core_h / cores, 2),
        "machines_for_window": max(1, math.ceil(lab_core_h / cores / window_h)),
        "writer_hours": round(students * figures["writer_seconds"] / 3600, 2),
        "writes_per_s": round(students * figures["commits_per_submission"] / (window_h * 3600), 1),
    }


@contextlib.contextmanager
def _commits() -> Iterator[list[int]]:
    """Counts the commits of every database connection of this process."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    seen: list[int] = []

    def note(_: Any) -> None:
        seen.append(1)

    event.listen(Engine, "commit", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "commit", note)


def _hand_in(root: Path, room: Classroom, lab: str, count: int) -> list[str]:
    source = read_notebook(root / "solutions" / lab / f"{lab}.ipynb")
    questions = questions_of(source)
    wrong = [a for a in read_answers(root / "tests" / "answers" / lab, questions) if a.kind == "wrong"]
    positions = {question.grade_id: question.index for question in questions}
    release = (room.folder / "labs" / lab / f"{lab}.ipynb").read_text(encoding="utf-8")
    students = [f"student{n:04}" for n in range(count)]
    for n, student in enumerate(students):
        copy = with_answers(nbformat.reads(release, 4), source)
        if n % 3:
            answer = wrong[(7 * n) % len(wrong)]
            copy.cells[positions[answer.question]].source = answer.text
        room.hand_in(lab, student, nbformat.writes(copy))
    return students


def _stock_copy(room: Classroom, folder: Path) -> Classroom:
    """The same class with nbgrader's own autograding."""
    copy = _copy(room, folder)
    text = (folder / CONFIG).read_text(encoding="utf-8")
    stock, changed = _OURS.subn("", text)
    if changed != 1:
        raise ClassroomError(f"{CONFIG} does not configure autograding in one line any more")
    (folder / CONFIG).write_text(stock, encoding="utf-8")
    return copy


def _copy(room: Classroom, folder: Path) -> Classroom:
    shutil.copytree(room.folder, folder)
    copy = Classroom.__new__(Classroom)
    copy.folder = folder
    return copy


@contextlib.contextmanager
def _fresh(room: Classroom, folder: Path) -> Iterator[Classroom]:
    yield _copy(room, folder)
    shutil.rmtree(folder, ignore_errors=True)


def _one_call(room: Classroom, lab: str, student: str) -> None:
    room.nbgrader("autograde", lab, "--force", "--student", student)


def _scores(room: Classroom, lab: str, students: list[str]) -> dict[str, tuple[float | None, ...]]:
    return {s: tuple(earned for _, (earned, _) in sorted(room.points(lab, s).items())) for s in students}


def _timed(what: Any) -> float:
    began = time.monotonic()
    what()
    return time.monotonic() - began


def _rate(count: int, seconds: float) -> float:
    return round(60 * count / seconds, 1)


@contextlib.contextmanager
def _cluster() -> Iterator[str]:
    """A Dask scheduler and two worker processes on this machine, started as on several: by Dask's own commands."""
    with tempfile.TemporaryDirectory(prefix="servelab-dask-") as name:
        file = Path(name) / "scheduler.json"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ}}
        python = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        scheduler = [
            *python,
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(file),
        ]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)]
        worker += [
            "--nworkers",
            "1",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--no-nanny",
            "--host",
            "127.0.0.1",
        ]
        processes = [subprocess.Popen(scheduler, **quiet)]
        try:
            until = time.monotonic() + 30
            while not file.exists() and time.monotonic() < until:
                time.sleep(0.05)
            processes += [subprocess.Popen(worker, cwd=name, **quiet) for _ in range(2)]
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=COMMAND_TIMEOUT_S / 60)
                process.kill()
                process.wait()


def _warm(address: str) -> None:
    """Wait for both workers, and let each start its warm process: a class is large, and pays for that once."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        client.run(_require)


def _require() -> None:
    shared_grader().require()


_BLOCK = re.compile(r"(<!-- projection -->\n).*?(<!-- /projection -->)", re.DOTALL)


def words_of(record: dict[str, Any]) -> str:
    """The projection in words, for the page that shows it."""
    figures, large = record["figures"], project(record)
    lines = [
        f"Measured ({source_line(record)}) on {figures['submissions']} submissions of {figures['lab']}, live cells skipped:",
        "",
        "| way | submissions a minute |",
        "|---|---:|",
        f"| stock nbgrader, one call over all | {figures['stock_per_min']:g} |",
        f"| stock nbgrader, one call a student | {figures['stock_per_student_per_min']:g} |",
        f"| ours, 1 job | {figures['ours_per_min_1']:g} |",
        f"| ours, 2 jobs | {figures['ours_per_min_2']:g} |",
        f"| ours, Dask with two workers | {figures['dask_per_min']:g} |",
    ]
    if "large" in figures:
        lines.append(
            f"| ours, 2 jobs, {figures['large']['submissions']} submissions | {figures['large']['per_min']:g} |"
        )
    lines += [
        "",
        f"A class of 5,000 students and 11 labs hands in {large['submissions']:,} notebooks. At this cost that is"
        f" {large['core_hours']:g} core-hours in all. One lab of all students takes {large['lab_hours_on_one_machine']:g} hours on"
        f" a machine of 16 cores; {large['machines_for_window']:g} such machine(s) grade it within 2 hours of its deadline. The one"
        f" writer needs {figures['writer_seconds']:g} s a submission, {large['writer_hours']:g} hours a lab, and makes"
        f" {figures['commits_per_submission']:g} commits for each: {large['writes_per_s']:g} a second in these 2 hours. It, and not the"
        " number of workers, is the limit: above it, grade labs or sections by several writers on PostgreSQL.",
        "",
    ]
    return "\n".join(lines)


def page(text: str, record: dict[str, Any]) -> str:
    """The page with the projection that this record gives."""
    return _BLOCK.sub(lambda marks: marks[1] + words_of(record) + marks[2], text)
