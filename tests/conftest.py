"""What every test shares: order, who runs alone, the real engine, the figures printed at the end, and honest skips."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
_FIGURES: dict[str, Any] = {}
_BARE_SKIPS = ("", "unconditional skip", "Skipped")
_bare_skips: list[str] = []
_failures: list[str] = []
_config: pytest.Config | None = None

# Cheap tests first: a slip shows after seconds. The shared engine starts after the notebooks, which
# start engines of their own and must not measure against a busy neighbour.
_LATE = ("test_answers", "browser", "test_notebooks", "test_demo", "engine")


def artefacts() -> Path:
    """Where screenshots are kept, to be looked at after a run."""
    folder = Path(os.environ.get("SERVELAB_TEST_ARTEFACTS") or ROOT / ".artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def artefact_folder() -> Path:
    """See `artefacts`."""
    return artefacts()


def pytest_configure(config: pytest.Config) -> None:
    global _config
    _config = config
    os.environ.setdefault("SERVELAB_ROOT", str(ROOT))
    # Some machines switch bytecode off; engine starts would then take twice as long.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Started in the background, a process and its children ignore it; tests of interrupts mean a person's, in the foreground.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# `make test` runs tests two at a time, and afterwards, with nothing beside them, those marked `alone`: they measure time, or
# keep both cores busy by themselves, or start a real engine.


def _rank(item: pytest.Item) -> int:
    """A file's own place in `_LATE` decides, otherwise its markers."""
    if item.path.stem in _LATE:
        return _LATE.index(item.path.stem) + 1
    markers = {marker.name for marker in item.iter_markers()}
    return max((i + 1 for i, key in enumerate(_LATE) if key in markers), default=0)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker("alone")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """A fixture that takes a test down may look at `request.node.failed`."""
    report = yield
    item.failed = getattr(item, "failed", False) or report.failed  # type: ignore[attr-defined]
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        reason = crash.message if crash else str(report.longrepr)
        line = f"{report.nodeid} ({report.when}): {' '.join(reason.split())[:600]}"
        _failures.append(line)
        terminal = _config.pluginmanager.get_plugin("terminalreporter") if _config else None
        if terminal:  # at once: a run that is stopped from outside prints no summary
            terminal.write_line(f"\nFAILED {line}")
    if report.skipped and not hasattr(report, "wasxfail"):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if text.removeprefix("Skipped: ").strip() in _BARE_SKIPS:
            _bare_skips.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = _FIGURES
    if _bare_skips and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of two processes of tests has ended: keep what it measured."""
    _FIGURES.update(getattr(node, "workeroutput", {}).get("figures", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for nodeid in _bare_skips:
        terminalreporter.write_line(f"FAILED {nodeid}: skipped without a reason", red=True)
    if _failures:  # a log may keep little else
        terminalreporter.section("Failures, in a line each")
        for line in _failures:
            terminalreporter.write_line(line)
    if _FIGURES:
        terminalreporter.section("Figures of this run")
        for name, value in _FIGURES.items():
            terminalreporter.write_line(f"{name:<58} {value}")
        terminalreporter.write_line(json.dumps({"figures": _FIGURES}))


@pytest.fixture(scope="session")
def figures() -> dict[str, Any]:
    """Figures to print at the end of the run: `figures["seconds, lab 01"] = 97.1`."""
    return _FIGURES


@pytest.fixture(scope="session")
def root() -> Path:
    """The course's root."""
    return ROOT


@pytest.fixture(scope="session")
def real_engine() -> Iterator[Any]:
    """The real vLLM engine of this machine's profile, started once for the whole run."""
    from servelab import engine

    started = time.monotonic()
    with engine.serve() as running:
        _FIGURES["engine of the tests ready, s"] = round(time.monotonic() - started, 1)
        yield running
    running.stop()


def processes_marked(run_id: str) -> list[psutil.Process]:
    """Every process that carries `SERVELAB_RUN=<run_id>` in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SERVELAB_RUN") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def gone_within(run_id: str, seconds: float) -> list[str]:
    """Wait until no process of that run is left; the names of those that are."""
    deadline = time.monotonic() + seconds
    while (left := processes_marked(run_id)) and time.monotonic() < deadline:
        time.sleep(0.1)
    names = []
    for process in left:
        try:
            names.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        except psutil.NoSuchProcess:
            continue
    return names


def servelab(*args: str, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    command = [str(Path(sys.executable).with_name("servelab")), *args]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env={**os.environ, **env}, check=False
    )
