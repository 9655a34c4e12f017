"""`servelab lab`: it opens, it says where, and when it stops nothing of it is left."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import websocket
from conftest import gone_within, processes_marked
from labserver import LAB, LabServer, free_port, launch, make_course, run_in, running_lab, wait_for_url

pytestmark = [pytest.mark.slow, pytest.mark.alone]  # measures how long JupyterLab takes

# A process that has left its parent, its group, its session and its terminal.
STRAY = "import subprocess; print(subprocess.Popen(['setsid', 'sh', '-c', 'sleep 1000 & exit']).wait())"
DEAF = "trap '' INT TERM HUP; while :; do sleep 1; done"


def busy_server(lab: LabServer) -> None:
    """A terminal, and a kernel with an engine, a process that left its parent, and one deaf to signals."""
    kernel = lab.start_kernel()
    run_in(kernel, "from servelab import engine; e = engine.serve(profile='scripted')")
    run_in(kernel, STRAY)
    run_in(kernel, f"subprocess.Popen(['sh', '-c', {DEAF!r}], start_new_session=True)")
    kernel.stop_channels()
    lab.json("/api/terminals", {})
    names = " ".join(" ".join(p.cmdline()) for p in processes_marked(lab.run_id))
    for expected in ("jupyterlab", "ipykernel", "servelab.engine.keeper", "scripted", "sleep 1000", "trap"):
        assert expected in names, f"{expected} should be running: {names}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_five_seconds_after_a_stop_nothing_is_left(
    tmp_path: Path, number: signal.Signals, figures: dict[str, Any]
) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        busy_server(lab)
        begun = time.monotonic()
        lab.process.send_signal(number)
        left = gone_within(lab.run_id, 5.0)
        took_s = time.monotonic() - begun
        assert not left
        assert lab.process.wait(1) == 0
        assert "Everything is stopped." in lab.output.read_text()
        assert not list((tmp_path / ".home/cache/state/engines").iterdir()), (
            "the engine said goodbye in order"
        )
        figures[f"seconds from {number.name} until nothing is left"] = round(took_s, 1)


def test_an_engine_outlives_a_restart_of_the_kernel(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        start = "from servelab import engine; e = engine.serve(profile='scripted'); print('pid', e.pid, e.ready_s == 0)"
        kernel = lab.start_kernel()
        (pid,) = re.findall(r"pid (\d+) False", run_in(kernel, start))
        (known,) = lab.json("/api/kernels")
        lab.json(f"/api/kernels/{known['id']}/restart", {})
        kernel.wait_for_ready(timeout=60)
        assert f"pid {pid} True" in run_in(kernel, start), "the same engine, at once"
        kernel.stop_channels()


def test_killed_with_9_the_server_and_its_engine_still_go(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        kernel = lab.start_kernel()
        run_in(kernel, "from servelab import engine; e = engine.serve(profile='scripted')")
        kernel.stop_channels()
        lab.process.kill()
        assert not gone_within(lab.run_id, 10.0)


def test_opening_twice_says_where_it_is_and_port_is_freed(tmp_path: Path, figures: dict[str, Any]) -> None:
    make_course(tmp_path)
    with running_lab(tmp_path) as first:
        process, output = launch(tmp_path, first.run_id)
        assert process.wait(30) == 0
        assert "open already" in output.read_text()
        assert wait_for_url(process, output) == first.url
        assert first.json("/servelab/state.json")["labs"][0]["name"] == LAB, "the first one goes on"
    with running_lab(tmp_path) as again:
        assert again.ready_s < 15
        figures["JupyterLab ready, second time, s"] = round(again.ready_s, 1)


def test_a_taken_port_moves_on_to_the_next(tmp_path: Path) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with running_lab(make_course(tmp_path), port=port) as lab:
            assert lab.base != f"http://127.0.0.1:{port}"
            (line,) = [x for x in lab.output.read_text().splitlines() if "taken" in x]
            assert str(port) in line and lab.base.rsplit(":", 1)[1] in line


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        kernel = lab.start_kernel()
        run_in(kernel, f"import subprocess; subprocess.Popen(['sh', '-c', {DEAF!r}], start_new_session=True)")
        kernel.stop_channels()
        lab.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        lab.process.send_signal(signal.SIGINT)
        assert not gone_within(lab.run_id, 2.0)


def test_a_server_that_dies_says_so_and_takes_everything_along(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        kernel = lab.start_kernel()
        run_in(kernel, STRAY)
        server = int(run_in(kernel, "import os; print(os.environ['SERVELAB_OWNER'])"))
        kernel.stop_channels()
        os.kill(server, signal.SIGKILL)
        assert lab.process.wait(10) == 1
        assert "ended on its own" in lab.output.read_text()
        assert not gone_within(lab.run_id, 1.0)


def test_kernels_and_terminals_know_the_course(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        kernel = lab.start_kernel()
        known = run_in(
            kernel,
            "import os, json; os.chdir('/')\n"
            "from servelab import engine, paths\n"
            "print(json.dumps([os.environ['SERVELAB_OWNER'], engine.owner_pid(), str(paths.course_root()),"
            " os.environ['JUPYTER_CONFIG_PATH'].split(':')[0], os.environ.get('JUPYTER_TOKEN')]))",
        )
        kernel.stop_channels()
        owner, owner_pid, root, first_config, token = json.loads(known)
        servers = [p.pid for p in processes_marked(lab.run_id) if "jupyterlab" in p.cmdline()]
        assert servers == [int(owner)] == [owner_pid]
        assert root == first_config == str(tmp_path)
        assert token is None, "a notebook has no need of the server's token"
        for process in processes_marked(lab.run_id):
            assert lab.token not in " ".join(process.cmdline()), (
                "a command line is there for everybody to read"
            )


def test_a_terminal_finds_the_commands(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path)) as lab:
        name = lab.json("/api/terminals", {})["name"]
        terminal = websocket.create_connection(
            f"{lab.base.replace('http', 'ws')}/terminals/websocket/{name}?token={lab.token}", timeout=30
        )
        terminal.send(
            json.dumps(
                ["stdin", "command -v servelab; command -v nbgrader; echo root=$SERVELAB_ROOT; exit\r"]
            )
        )
        shown = ""
        while f"root={tmp_path}" not in shown:
            kind, *text = json.loads(terminal.recv())
            shown += text[0] if kind == "stdout" else ""
        terminal.close()
        folder = Path(sys.executable).parent
        assert f"{folder}/servelab" in shown and f"{folder}/nbgrader" in shown


def test_the_users_browser_outlives_the_course(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$$ $1" > {seen}.new && mv {seen}.new {seen}\nexec sleep 60\n')
    browser.chmod(0o755)
    with running_lab(make_course(tmp_path), DISPLAY=":77", BROWSER=f"{browser} %s &") as lab:
        deadline = time.monotonic() + 10
        while not seen.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        pid, address = seen.read_text().split()
        assert address == lab.url
        lab.process.send_signal(signal.SIGINT)
        assert lab.process.wait(10) == 0
    (left,) = processes_marked(lab.run_id)
    assert left.pid == int(pid), "only the browser is still there"
    left.kill()


def test_without_a_display_it_only_says_the_address(tmp_path: Path) -> None:
    with running_lab(make_course(tmp_path), SSH_CONNECTION="1.2.3.4 5 6.7.8.9 22") as lab:
        told = lab.output.read_text()
    assert "No display here" in told
    port = lab.base.rsplit(":", 1)[1]
    assert f"ssh -L {port}:127.0.0.1:{port}" in told


def refused(root: Path, port: int | None = None) -> str:
    """What is printed when the course cannot be opened; it must be one line."""
    process, output = launch(root, uuid.uuid4().hex, port=port)
    try:
        assert process.wait(30) == 2
    finally:
        process.kill()
    told = output.read_text()
    assert "Traceback" not in told and len(told.strip().splitlines()) == 1
    return told


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    assert "is no course" in refused(tmp_path)
    make_course(tmp_path)
    assert "Port 70000 does not exist" in refused(tmp_path, 70000)
    assert "Port 0 does not exist" in refused(tmp_path, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen on every port")
def test_a_port_of_the_system_is_refused(tmp_path: Path) -> None:
    assert "administrator rights" in refused(make_course(tmp_path), 80)
