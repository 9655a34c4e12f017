"""The images, the compose file and the dev container: linted, pinned, closed, without answers; built and started where an engine is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

CONTAINERS = ROOT / "environment" / "containers"
DOCKERFILES = [CONTAINERS / name for name in ("cpu.Dockerfile", "gpu.Dockerfile")]
HADOLINT = Path(sys.executable).parent / "hadolint"
_BUILD_S, _READY_S = 1500, 180


def stages(path: Path) -> dict[str, list[str]]:
    """The instructions of each stage, continued lines joined."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M).replace("\\\n", " ")
    found: dict[str, list[str]] = {"": []}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("FROM "):
            found[name := line.split(" AS ")[1]] = []
        found[name if len(found) > 1 else ""].append(" ".join(line.split()))
    return found


def faults(path: Path) -> list[str]:
    """What is wrong with a Dockerfile by our rules."""
    found, (base, *_) = [], stages(path)[""]
    if not re.fullmatch(r"ARG BASE=\S+:\S*\d\S*", base):
        found.append("the base has no tag that stays what it is")
    parts = stages(path)
    for name in set(parts) & {"student", "instructor"}:
        users = [line.split()[1] for line in parts[name] if line.startswith("USER ")]
        if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
            found.append(f"{name} runs as root, or as a name that Kubernetes cannot check")
    copies = [
        line for name in ("runtime", "student") for line in parts[name] if line.startswith(("COPY ", "ADD "))
    ]
    for line in copies:
        if re.search(r"(COPY|ADD) (--\S+ )*(\.|/course|solutions|quizzes|tests)(/| )", line):
            found.append(f"students' image gets answers: {line}")
    if not any(line.startswith("HEALTHCHECK ") for line in parts["runtime"]):
        found.append("no health check")
    return found


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: p.name)
def test_dockerfiles_keep_our_rules(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (":bookworm-20250520-slim", ":latest", "no tag"),
        ("USER 1000:1000", "USER student", "a name that Kubernetes cannot check"),
        ("USER 1000:1000", "USER 0", "runs as root"),
        ("COPY --from=release /release/ ./", "COPY . ./", "gets answers"),
        ("COPY --from=release /release/ ./", "COPY --from=release /course/ ./", "gets answers"),
        (
            "COPY environment/bootstrap.py",
            "COPY solutions ./solutions\nCOPY environment/bootstrap.py",
            "answers",
        ),
        ("HEALTHCHECK ", "LABEL ", "no health check"),
    ],
)
def test_each_rule_can_fail(old: str, new: str, said: str, tmp_path: Path) -> None:
    text = DOCKERFILES[0].read_text()
    assert old in text
    changed = tmp_path / "Dockerfile"
    changed.write_text(text.replace(old, new))
    assert any(said in fault for fault in faults(changed)), faults(changed)


def linted(*paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HADOLINT, "--no-color", *paths], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not in this environment")
def test_hadolint_has_nothing_to_say(tmp_path: Path) -> None:
    done = linted(*DOCKERFILES)
    assert done.returncode == 0 and not done.stdout, done.stdout
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN cd /opt && apt-get install python3\n")
    done = linted(bad)
    assert done.returncode != 0 and "DL3006" in done.stdout


def settings(path: Path) -> dict[str, str]:
    (line,) = (line for line in stages(path)["runtime"] if line.startswith("ENV "))
    return dict(part.split("=", 1) for part in line.removeprefix("ENV ").split())


def test_both_images_are_alike_but_for_the_runtime() -> None:
    cpu, gpu = map(settings, DOCKERFILES)
    assert (cpu.pop("SERVELAB_RUNTIME"), gpu.pop("SERVELAB_RUNTIME")) == ("cpu", "gpu")
    assert cpu.pop("PATH").split(":")[0] == gpu.pop("PATH").split(":")[0] == "/opt/servelab/.venv/bin"
    assert cpu == gpu
    assert stages(DOCKERFILES[0])["student"] == stages(DOCKERFILES[1])["student"]
    for folder in cpu["JUPYTER_CONFIG_PATH"].split(":") + cpu["JUPYTER_PATH"].split(":"):
        assert (ROOT / Path(folder).relative_to("/opt/servelab")).is_dir()


def test_the_bases_are_for_the_locks() -> None:
    """Debian 12 has Python 3.11 and Ubuntu 24.04 Python 3.12; the CUDA base is of torch's CUDA."""
    bootstrap = (ROOT / "environment" / "bootstrap.py").read_text()
    assert 'PYTHON_FOR = {"cpu": "3.11", "gpu": "3.12"}' in bootstrap
    assert ":bookworm-" in DOCKERFILES[0].read_text() and "-ubuntu24.04" in DOCKERFILES[1].read_text()
    lock = (ROOT / "environment" / "locks" / "gpu.txt").read_text()
    cuda = re.search(r"^nvidia-cuda-runtime==(\d+\.\d+)", lock, re.M)
    assert cuda and f"nvidia/cuda:{cuda[1]}." in DOCKERFILES[1].read_text()


def left_out(patterns: list[str], name: str) -> bool:
    """Whether a name at the root, or a folder's name anywhere (`**/`), is in the list."""
    return name in patterns or f"**/{name}" in patterns


def test_what_machines_and_classes_make_stays_out_of_images() -> None:
    listed = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in listed if line and not line.startswith("#")]
    ignored = [
        line.strip("/")
        for line in (ROOT / ".gitignore").read_text().splitlines()
        if line[:1] not in ("", "#")
    ]
    assert [name for name in ignored if not left_out(patterns, name)] == []
    assert left_out(patterns, ".git") and left_out(patterns, "tests")
    assert not left_out(patterns, "solutions")  # the stage `release` takes them away


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((CONTAINERS / "compose.yaml").read_text())["services"]


def test_the_course_in_compose_is_for_this_machine_and_bounded(services: dict[str, Any]) -> None:
    for name in ("lab", "lab-gpu"):
        service = services[name]
        assert service["ports"] == ["127.0.0.1:8888:8888"]
        assert service["mem_limit"] and service["pids_limit"] and service["healthcheck"]["test"]
        assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
        assert not service.get("privileged") and service["environment"]["JUPYTER_TOKEN"] is None
        build = service["build"]
        dockerfile = (CONTAINERS / build["context"]).resolve() / build["dockerfile"]
        assert dockerfile in DOCKERFILES and build["target"] in stages(dockerfile)
        assert re.fullmatch(r"servelab/student:\d+\.\d+\.\d+-(cpu|gpu)", service["image"])
    assert services["lab-gpu"]["profiles"] == ["gpu"] and "profiles" not in services["lab"]
    (device,) = services["lab-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_every_service_has_a_health_check(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if not service.get("healthcheck")] == []


def test_the_health_check_is_the_images(services: dict[str, Any]) -> None:
    (line,) = (line for line in stages(DOCKERFILES[0])["runtime"] if line.startswith("HEALTHCHECK"))
    assert json.loads(line.split(" CMD ")[1]) == services["lab"]["healthcheck"]["test"][1:]


def test_the_dev_container_sets_up_as_everyone_does() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    told = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
    assert told["postCreateCommand"] == "make setup" and told["remoteUser"] != "root"
    assert re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:3\.11-\w+", told["image"])
    assert told["hostRequirements"]["cpus"] >= 2 and 8888 in told["forwardPorts"]


def engine() -> str | None:
    """docker or podman, if it answers."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            done = subprocess.run([name, "info"], capture_output=True, timeout=60, check=False)
            if done.returncode == 0:
                return name
    return None


@contextlib.contextmanager
def started(name: str, image: str) -> Iterator[str]:
    """A container of this image, gone at the end."""
    run = [
        name,
        "run",
        "--detach",
        "--env=JUPYTER_TOKEN=for-a-test",
        "--network=none",
        "--shm-size=1g",
        image,
    ]
    container = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    try:
        yield container
    finally:
        subprocess.run([name, "rm", "--force", container], capture_output=True, check=True)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(_BUILD_S + _READY_S + 60)
def test_the_cpu_image_is_built_and_opens_the_course() -> None:
    """Needs an engine, a registry and some GB: continuous integration that has them sets SERVELAB_TEST_IMAGES."""
    name = engine()
    if name is None:
        pytest.skip("neither docker nor podman answers here")
    if not os.environ.get("SERVELAB_TEST_IMAGES"):
        pytest.skip("building takes minutes and 7 GB: set SERVELAB_TEST_IMAGES=1 to do it")
    image = "servelab-test/student:cpu"
    build = [name, "build", "--file", str(DOCKERFILES[0]), "--tag", image, str(ROOT)]
    subprocess.run(build, check=True, timeout=_BUILD_S)
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8888/servelab/home?token=for-a-test').status)"
    try:
        with started(name, image) as container:
            inside = [name, "exec", container]
            deadline = time.monotonic() + _READY_S
            while time.monotonic() < deadline:
                done = subprocess.run(
                    [*inside, "python", "-c", ask], capture_output=True, text=True, check=False
                )
                if done.stdout.strip() == "200":
                    break
                time.sleep(0.5)
            assert done.stdout.strip() == "200", done.stderr
            listed = subprocess.run(
                [*inside, "ls", "/opt/servelab"], capture_output=True, text=True, check=True
            )
            assert {"labs", "environment"} <= set(listed.stdout.split())
            assert not {"solutions", "quizzes", "tests"} & set(listed.stdout.split())
    finally:
        subprocess.run([name, "rmi", "--force", image], capture_output=True, check=False)
