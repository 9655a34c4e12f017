"""What a student may take, and how many fit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from servelab.hub import limits
from servelab.hub.limits import GIB, Group, Limits


def unified(root: Path) -> Path:
    """A tree as version 2 has it. Files are there when asked for, as the kernel makes them."""
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    (root / "servelab-class").mkdir(parents=True)
    (root / "servelab-class" / "cgroup.controllers").write_text("cpu memory pids\n")
    return root


def test_version_two(tmp_path: Path) -> None:
    group = Group("class-ada", Limits(memory_gb=2, cpus=1.5, processes=100), unified(tmp_path))
    (folder,) = group.folders
    assert folder == tmp_path / "servelab-class" / "class-ada"
    assert (folder / "memory.max").read_text() == str(2 * GIB)
    assert (folder / "pids.max").read_text() == "100"
    assert (folder / "cpu.max").read_text() == "150000 100000"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert group.shown == folder


def test_version_one(tmp_path: Path) -> None:
    for name in ("memory", "pids", "cpu"):
        (tmp_path / name).mkdir()
    group = Group("class-ada", Limits(memory_gb=1), tmp_path)
    assert (tmp_path / "memory/servelab-class/class-ada/memory.limit_in_bytes").read_text() == str(GIB)
    assert group.shown == tmp_path / "memory/servelab-class/class-ada"
    assert not (tmp_path / "cpu/servelab-class").exists(), "as many processors as there are"


def test_where_no_group_can_be_made(tmp_path: Path) -> None:
    group = Group("class-ada", Limits(processes=50), tmp_path / "none")
    assert group.folders == [] and group.shown is None
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NPROC)[0])"
    done = subprocess.run(
        [sys.executable, "-c", code], preexec_fn=group.enter(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "50", "at least the number of processes is limited"


@pytest.mark.skipif(
    os.geteuid() != 0 or not limits.possible(), reason="needs root and control groups that it may make"
)
def test_a_real_group_ends_who_takes_too_much() -> None:
    group = Group(f"class-test-{os.getpid()}", Limits(memory_gb=0.1))
    try:
        code = "x = bytearray({} * 1024 * 1024); print('kept')"
        outcomes = [
            subprocess.run(
                [sys.executable, "-c", code.format(megabytes)],
                preexec_fn=group.enter(),
                capture_output=True,
                text=True,
                check=False,
            )
            for megabytes in (10, 400)
        ]
        assert outcomes[0].stdout == "kept\n"
        assert outcomes[1].stdout == "" and outcomes[1].returncode != 0
    finally:
        group.remove()
    assert not any(limits.CGROUPS.glob(f"**/servelab-class/class-test-{os.getpid()}"))


def test_how_many_fit() -> None:
    room = limits.room(4 * GIB, total_bytes=64 * GIB)
    assert room.without_engine > room.with_engine == int(57.6 / 5.9)
    assert limits.room(4 * GIB, total_bytes=2 * GIB).with_engine == 0
