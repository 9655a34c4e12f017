"""Starting, sharing and losing engines: every fault is one clear error, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from servelab import engine
from servelab.engine import EngineError, client, state

if TYPE_CHECKING:  # pytest itself loads the module, as a plugin
    from playground import Playground

pytest_plugins = ["playground"]


def _keeper(of: engine.Engine) -> int:
    assert of._record is not None
    keeper = of._record.keeper()
    assert keeper is not None
    return keeper.pid


# -- the normal way


def test_sockets_fit_whatever_the_temporary_folder_is_called(
    playground: Playground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """zmq cuts a socket's path at 107 characters, and vLLM adds a slash and a UUID to the folder it is given."""
    for name in ("t", "a-folder-of-a-batch-system-with-a-very-long-name-and-more"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        running = engine.serve(["--slots", str(len(name))])
        assert running._record is not None
        assert len(running._record.spec()["scratch"]) + 1 + 36 <= 107
        running.stop()


def test_serves_until_it_is_stopped(playground: Playground, capsys: pytest.CaptureFixture[str]) -> None:
    running = engine.serve(["--slots", "2"])
    assert running.alive()
    assert running.base_url == running.url + "/v1"
    assert running.model == "scripted"
    assert running.backend == "scripted engine"
    assert running.ready_s > 0
    assert psutil.pid_exists(running.pid)
    assert "# HELP" in running.metrics()
    answer = running.client().completions.create(model=running.model, prompt="one two", max_tokens=3)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    printed = capsys.readouterr().out
    assert "$ python -m servelab.engine.scripted" in printed
    assert "--slots 2" in printed
    assert running.base_url in printed
    running.stop()
    assert not running.alive()
    assert playground.nothing_left()


async def test_async_client(playground: Playground) -> None:
    with engine.serve() as running:
        answer = await running.async_client().completions.create(
            model=running.model, prompt="a", max_tokens=2
        )
        assert answer.choices[0].text
    running.stop()
    assert playground.nothing_left()


def test_the_same_configuration_is_leased(playground: Playground) -> None:
    first = engine.serve(["--slots", "2"])
    again = engine.serve(["--slots", "2"])
    assert (again.pid, again.url, again.ready_s) == (first.pid, first.url, 0)
    first.release()
    assert again._record is not None
    assert [lease.pid for lease in again._record.leases()] == [os.getpid()]  # `again` still holds it
    again.release()
    assert again._record.leases() == []
    assert again.alive()  # released engines stay for the next notebook
    again.stop()
    assert playground.nothing_left()


def test_two_notebooks_at_once_get_one_engine(playground: Playground) -> None:
    owner = playground.owner()
    code = """
        from servelab import engine
        running = engine.serve(["--slow-start-s", "1"])
        print("pid", running.pid, running.ready_s > 0, flush=True)
        input()
    """
    notebooks = [playground.python(code, SERVELAB_OWNER=str(owner.pid)) for _ in range(3)]
    lines = [playground.line_from(n, "pid").split() for n in notebooks]
    assert len({pid for _, pid, _ in lines}) == 1
    assert sorted(started for *_, started in lines) == ["False", "False", "True"]
    for notebook in notebooks:
        notebook.communicate("\n")
    assert [r.pid for r in engine.running()] == [int(lines[0][1])]  # the owner still lives
    owner.kill()
    owner.wait()
    assert playground.nothing_left()


def test_the_owner_decides_who_shares(playground: Playground) -> None:
    owner = playground.owner()
    theirs = engine.serve(owner=owner.pid)
    mine = engine.serve()
    assert theirs.pid != mine.pid
    assert engine.stop_all(owner=owner.pid) == 1
    assert mine.alive()
    assert not theirs.alive()


def test_an_engine_that_stays_is_shared_and_kept(playground: Playground) -> None:
    staying = engine.serve(owner=0)
    staying.release()
    assert engine.serve().pid == staying.pid
    other = engine.serve(["--slots", "3"])  # there is memory for both
    assert staying.alive()
    other.stop()
    assert engine.stop_all() == 1
    assert playground.nothing_left()


def test_attach_by_url(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    running = engine.serve(["--served-model-name", "abc"])
    attached = engine.serve(url=running.base_url)
    assert (attached.url, attached.model, attached.pid) == (running.url, "abc", 0)
    attached.stop()
    assert running.alive()
    monkeypatch.setenv("SERVELAB_ENGINE_URL", running.url)
    assert engine.serve().model == "abc"
    running.stop()
    with pytest.raises(EngineError, match=r"Nothing answers at .* any more"):
        attached.check()
    with pytest.raises(EngineError, match="No OpenAI-compatible engine answers"):
        engine.serve()


def test_files_of_the_working_folder_do_not_reach_the_engine(
    playground: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for module in ("json", "signal", "uvicorn", "psutil", "asyncio"):
        (work / f"{module}.py").write_text("raise SystemExit('a student file was imported')\n")
    monkeypatch.chdir(work)
    before = sorted(work.iterdir())
    with engine.serve() as running:
        assert running.alive()
    running.stop()
    assert sorted(work.iterdir()) == before  # and the engine wrote nothing there


# -- room for another


def test_an_unused_engine_makes_room(playground: Playground) -> None:
    old = engine.serve(["--slots", "1"])
    old.release()
    new = engine.serve(["--slots", "2"])
    assert [r.pid for r in engine.running()] == [new.pid]
    with pytest.raises(EngineError, match="is gone"):
        old.client()


def test_a_used_engine_stays(playground: Playground) -> None:
    first = engine.serve(["--slots", "1"])
    second = engine.serve(["--slots", "2"])
    assert first.alive()
    assert second.alive()
    assert first.url != second.url


def test_no_memory_says_who_has_it(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = playground.python(
        """
        from servelab import engine
        print("ready", engine.serve(["--slots", "1"]).url, flush=True)
        input()
        """,
        SERVELAB_OWNER=str(os.getpid()),
        JPY_SESSION_NAME="/work/02-vllm/02-vllm.ipynb",
    )
    playground.line_from(notebook, "ready http")
    monkeypatch.setattr(client, "available_bytes", lambda: 2**20)
    with pytest.raises(EngineError) as caught:
        engine.serve(["--slots", "2"])
    assert "Not enough memory" in caught.value.what
    assert f"the notebook 02-vllm.ipynb (process {notebook.pid})" in caught.value.what
    assert "stop that one first" in caught.value.remedy
    assert len(engine.running()) == 1
    # Once nobody uses it, it has to go.
    notebook.communicate("\n")
    with pytest.raises(EngineError, match="Not enough memory") as caught:
        engine.serve(["--slots", "2"])
    assert "another engine" not in caught.value.what
    assert playground.nothing_left()


# -- faults before the start


def _refused(playground: Playground, words: str, **options: object) -> EngineError:
    """serve() must refuse at once, and leave nothing."""
    begun = time.monotonic()
    with pytest.raises(EngineError, match=words) as caught:
        engine.serve(**options)  # type: ignore[arg-type]
    assert time.monotonic() - begun < 5
    assert "\n" not in caught.value.what
    assert playground.nothing_left()
    return caught.value


def test_port_taken(playground: Playground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        error = _refused(playground, f"Port {port} is taken", port=port)
        assert f"process {os.getpid()}" in error.what
        assert "leave port out" in error.remedy
        _refused(playground, f"Port {port} is taken", args=["--port", str(port)])


def test_a_port_is_free_again_at_once(playground: Playground) -> None:
    port = client.free_port()
    for _ in range(2):
        running = engine.serve(port=port)
        assert running.url.endswith(f":{port}")
        running.client().models.list()
        running.stop()


def test_a_free_port_is_free(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(client.random, "sample", lambda *_: [taken, taken, 0])
        assert client.free_port() == 0
        monkeypatch.setattr(client.random, "sample", lambda *_: [taken])
        with pytest.raises(EngineError, match="Hardly a port"):
            client.free_port()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "/no/such/model"}, "There is no model at /no/such/model"),
        ({"model": "{tmp}"}, "has no config.json"),
        ({"model": "{tmp}/empty"}, "no weights"),
        ({"port": 70000}, "There is no port 70000"),
        ({"args": ["--port", "many"]}, "--port needs a number"),
        ({"args": ["--host", "0.0.0.0"]}, "open the engine to the network"),
        ({"args": ["--max-num-seqs", 8]}, "are strings, not 8"),
        ({"profile": "quantum"}, "no profile 'quantum'"),
        ({"owner": 2**22 - 3}, "does not run"),
    ],
)
def test_bad_input(playground: Playground, tmp_path: Path, options: dict[str, object], words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    options = {k: v.replace("{tmp}", str(tmp_path)) if isinstance(v, str) else v for k, v in options.items()}
    if "model" in options:
        options["profile"] = "cpu"
    _refused(playground, words, **options)


def test_no_memory(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "available_bytes", lambda: 2**26)
    error = _refused(playground, "needs about 0.4 GiB, and 0.1 GiB are free")
    assert "close other programs" in error.remedy


@pytest.mark.parametrize(
    ("space", "flag", "expected"),
    [("1", None, 2**30), ("2", None, 2**31), ("2", "512M", 2**29), ("1", "1.5g", 1.5e9), ("1", "many", 0)],
)
def test_the_size_of_the_cache(space: str, flag: str | None, expected: float) -> None:
    assert client._cache_bytes({"VLLM_CPU_KVCACHE_SPACE": space}, flag) == expected


@pytest.mark.parametrize("space", ["0", "many", "-1", "0.5"])
def test_no_size_for_the_cache(space: str) -> None:
    with pytest.raises(EngineError, match="whole number of GiB"):
        client._cache_bytes({"VLLM_CPU_KVCACHE_SPACE": space})


def test_a_container_limit_counts_as_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(client, "_CGROUP", tmp_path)
    assert client.available_bytes() == 600000
    (tmp_path / "memory.max").write_text("max\n")
    assert client.available_bytes() > 600000


# -- faults during the start


def test_it_exits_with_vllms_words(stand_in: Playground) -> None:
    with pytest.raises(EngineError) as caught:
        engine.serve(
            ["--say", "api_server.py: error: unrecognized arguments: --max-seqs 3", "--exit-code", "2"]
        )
    assert caught.value.what == "vLLM does not know the argument: --max-seqs 3"
    assert "error: unrecognized arguments: --max-seqs 3" in caught.value.log_tail[-1]
    assert stand_in.nothing_left()


def test_it_exits_without_a_word(stand_in: Playground) -> None:
    with pytest.raises(EngineError, match=r"ended while it started \(exit code 3\)"):
        engine.serve(["--exit-code", "3"])
    assert stand_in.nothing_left()


def test_its_program_is_missing(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.profiles, "launch_command", lambda *_, **__: ["/no/such/python"])
    with pytest.raises(EngineError, match="cannot run /no/such/python"):
        engine.serve()
    assert playground.nothing_left()


def test_killed_during_start(playground: Playground) -> None:
    code = """
        from servelab import engine
        try:
            engine.serve(["--slow-start-s", "60"])
        except engine.EngineError as error:
            print("told:", error.what, "->", error.remedy, flush=True)
    """
    notebook = playground.python(code)
    assert state.wait_until(lambda: any(r.state().get("pid") for r in state.records()), 20)
    os.kill(state.records()[0].state()["pid"], signal.SIGKILL)
    assert "killed (signal 9) while it started" in playground.line_from(notebook, "told:")
    notebook.communicate()
    assert playground.nothing_left()


def test_its_keeper_is_killed_during_start(playground: Playground) -> None:
    code = """
        from servelab import engine
        try:
            engine.serve(["--slow-start-s", "60"])
        except engine.EngineError as error:
            print("told:", error.what, flush=True)
    """
    notebook = playground.python(code)
    assert state.wait_until(lambda: any(r.state().get("pid") for r in state.records()), 20)
    os.kill(state.records()[0].state()["keeper"][0], signal.SIGKILL)
    assert "looks after it was killed" in playground.line_from(notebook, "told:")
    notebook.communicate()
    assert playground.nothing_left()


def test_not_ready_in_time(playground: Playground) -> None:
    with pytest.raises(EngineError, match="not ready after 1 s"):
        engine.serve(["--slow-start-s", "60"], timeout_s=1)
    assert playground.nothing_left()


def test_interrupted_by_the_student(playground: Playground) -> None:
    notebook = playground.python("from servelab import engine; engine.serve(['--slow-start-s', '60'])")
    assert state.wait_until(lambda: any(r.state().get("pid") for r in state.records()), 20)
    time.sleep(0.3)
    notebook.send_signal(signal.SIGINT)
    notebook.communicate(timeout=10)
    assert playground.nothing_left()


def test_the_notebook_dies_while_it_starts(playground: Playground) -> None:
    owner = playground.owner()
    notebook = playground.python(
        "from servelab import engine; engine.serve(['--slow-start-s', '2'])", SERVELAB_OWNER=str(owner.pid)
    )
    assert state.wait_until(lambda: any(r.state().get("pid") for r in state.records()), 20)
    notebook.kill()
    again = engine.serve(["--slow-start-s", "2"], owner=owner.pid)  # it went on starting, for us
    assert len(state.records()) == 1
    assert again.alive()
    owner.kill()
    owner.wait()
    assert playground.nothing_left()


# -- faults while serving


def test_killed_while_serving(playground: Playground) -> None:
    running = engine.serve()
    api = running.client()
    os.kill(running.pid, signal.SIGKILL)
    assert state.wait_until(lambda: not running.alive(), 3)
    for use in (running.client, running.async_client, running.metrics, running.check):
        with pytest.raises(EngineError, match=r"killed \(signal 9\) while it was serving"):
            use()
    with pytest.raises(Exception, match="Connection error"):
        api.with_options(max_retries=0).models.list()
    assert playground.nothing_left()
    assert engine.serve().alive()  # and one can go on


def test_its_inner_process_is_killed(stand_in: Playground) -> None:
    running = engine.serve(["--core"])
    core = next(p for p in psutil.Process(running.pid).children() if p.cmdline()[0] == "VLLM::EngineCore")
    core.kill()
    assert state.wait_until(lambda: not running.alive(), 3)
    with pytest.raises(EngineError, match="One of the engine's processes was killed while it was serving"):
        running.client()
    assert stand_in.nothing_left()


def test_it_runs_but_does_not_answer(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    running = engine.serve()
    monkeypatch.setattr(client, "_ANSWER_S", 0.3)
    os.kill(running.pid, signal.SIGSTOP)
    assert not running.alive()
    with pytest.raises(EngineError, match="/health does not answer"):
        running.client()
    os.kill(running.pid, signal.SIGCONT)
    assert running.client()
    os.kill(running.pid, signal.SIGSTOP)
    running.stop()
    assert playground.nothing_left()


def test_everyone_who_used_it_is_told(playground: Playground) -> None:
    code = """
        from servelab import engine
        running = engine.serve()
        print("using", running.pid, flush=True)
        input()
        try:
            running.client()
        except engine.EngineError as error:
            print("told:", error.what, flush=True)
    """
    owner = playground.owner()
    notebooks = [playground.python(code, SERVELAB_OWNER=str(owner.pid)) for _ in range(2)]
    pids = {playground.line_from(n, "using").split()[1] for n in notebooks}
    assert len(pids) == 1
    os.kill(int(pids.pop()), signal.SIGKILL)
    for notebook in notebooks:
        assert "while it was serving" in notebook.communicate("\n")[0]
    owner.kill()
    owner.wait()
    assert playground.nothing_left()


def test_its_keeper_is_killed(playground: Playground) -> None:
    running = engine.serve()
    os.kill(_keeper(running), signal.SIGKILL)
    assert state.wait_until(lambda: not psutil.pid_exists(running.pid), 3)  # the kernel sees to that
    with pytest.raises(EngineError, match="looks after it was killed"):
        running.client()
    assert playground.nothing_left()


def test_stale_state_from_a_crash(playground: Playground) -> None:
    old = engine.serve()
    assert old._record is not None
    os.kill(_keeper(old), signal.SIGKILL)
    assert state.wait_until(lambda: not psutil.pid_exists(old.pid), 3)
    assert old._record.folder.exists()
    # The worst case: the pid of the dead keeper is used again, by this very process.
    me = state.identify(os.getpid())
    assert me is not None
    written = old._record.state() | {"keeper": [me.pid, me.started - 1]}
    state.write_json(old._record.folder / "state.json", written)
    assert engine.running() == []
    new = engine.serve()
    assert new.pid != old.pid
    assert not old._record.folder.exists()


def test_a_half_written_state_is_no_engine(playground: Playground) -> None:
    folder = state.engines_dir() / "scripted-12345678-x"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text('{"key": "1')
    (folder / "state.json").write_text("[]")
    assert engine.running() == []
    with engine.serve() as running:
        assert not folder.exists()
    running.stop()


# -- the end of the owner


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_owner_goes(playground: Playground, how: signal.Signals) -> None:
    owner = playground.owner()
    running = engine.serve(owner=owner.pid)
    owner.send_signal(how)
    owner.wait()
    assert playground.nothing_left(within_s=3.5)
    with pytest.raises(EngineError, match="is gone"):
        running.client()


def test_an_owner_nobody_waits_for_is_gone_too(playground: Playground) -> None:
    owner = playground.owner()
    engine.serve(owner=owner.pid)
    owner.kill()  # a zombie from now on: nobody calls wait()
    assert playground.nothing_left(within_s=3.5)


def test_nothing_survives_that_ignores_the_end(stand_in: Playground) -> None:
    owner = stand_in.owner()
    engine.serve(["--stubborn"], owner=owner.pid)
    assert len(stand_in.processes()) >= 5  # owner, keeper, engine, its child, its lost grandchild
    owner.kill()
    owner.wait()
    assert stand_in.nothing_left(within_s=3.5)


def test_a_notebook_kernel_that_ends_takes_nothing_with_it(playground: Playground) -> None:
    """Kernels kill their children when they end: the keeper must not be one."""
    owner = playground.owner()
    code = """
        import psutil
        from servelab import engine
        running = engine.serve()
        print("children", len(psutil.Process().children(recursive=True)), running.pid, flush=True)
    """
    notebook = playground.python(code, SERVELAB_OWNER=str(owner.pid))
    _, children, pid = playground.line_from(notebook, "children").split()
    notebook.communicate()
    assert children == "0"
    assert [r.pid for r in engine.running()] == [int(pid)]
    owner.kill()
    owner.wait()
    assert playground.nothing_left()


def test_owner_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVELAB_OWNER", "1")
    assert engine.owner_pid() == 1
    monkeypatch.setenv("SERVELAB_OWNER", "0")
    assert engine.owner_pid() == 0
    monkeypatch.setenv("SERVELAB_OWNER", str(2**22 - 3))  # a server that is gone
    assert engine.owner_pid() == os.getpid()
    monkeypatch.delenv("SERVELAB_OWNER")
    assert engine.owner_pid() == os.getpid()


def test_the_keeper_is_light() -> None:
    """It is started with every engine and stays as long: nothing heavy may come with it."""
    code = "import sys, servelab.engine.keeper; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "torch",
        "vllm",
        "openai",
        "transformers",
        "pydantic",
        "numpy",
        "pandas",
        "IPython",
        "matplotlib",
    }
    assert heavy.isdisjoint(loaded)
