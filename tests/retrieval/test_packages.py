"""A package is read where it is installed; another version is fetched once, or the line says what to do."""

from __future__ import annotations

import importlib.metadata
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from servelab.errors import CourseError
from servelab.retrieval import packages


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERVELAB_CACHE", str(tmp_path))
    packages.root.cache_clear()
    yield tmp_path / "packages"
    packages.root.cache_clear()


def test_an_installed_one_is_read_where_it_is(cache: Path) -> None:
    here = importlib.metadata.version("peft")
    assert (packages.root("peft", here) / "peft" / "__init__.py").is_file()
    assert not cache.exists()


def pip(monkeypatch: pytest.MonkeyPatch, *, wheel: bool, code: int = 0) -> list[list[str]]:
    """A pip that leaves a wheel, or not; the calls that it got."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if wheel:
            into = Path(command[command.index("--dest") + 1])
            with zipfile.ZipFile(into / "peft-0.0.1-py3-none-any.whl", "w") as file:
                file.writestr("peft/config.py", '"""Words."""\n')
        return subprocess.CompletedProcess(command, code, "", "no matching distribution")

    monkeypatch.setattr(packages.subprocess, "run", run)
    return calls


def test_another_version_is_fetched_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = pip(monkeypatch, wheel=True)
    assert (packages.root("peft", "0.0.1") / "peft" / "config.py").read_text() == '"""Words."""\n'
    packages.root.cache_clear()
    assert packages.root("peft", "0.0.1") == cache / "peft-0.0.1"
    assert len(calls) == 1 and {"--no-deps", "peft==0.0.1"} <= set(calls[0])
    assert [path.name for path in cache.iterdir()] == ["peft-0.0.1"], "nothing half made is left"


@pytest.mark.parametrize(
    ("name", "words"), [("peft", r"but \d\S* is installed"), ("no-such-package", "but it is not installed")]
)
@pytest.mark.parametrize(("wheel", "code"), [(False, 1), (False, 0)])
def test_what_cannot_be_fetched_is_one_line(
    name: str, words: str, wheel: bool, code: int, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(monkeypatch, wheel=wheel, code=code)
    with pytest.raises(CourseError, match=rf"read {name} 0\.0\.1, {words} .*: run `make setup`") as told:
        packages.root(name, "0.0.1")
    assert "\n" not in str(told.value)
    assert list(cache.iterdir()) == []
