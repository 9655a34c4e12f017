"""Make `.venv` with everything the course needs. Runs on a bare Python 3.11, with the standard library only.

`make setup` calls this first for every other verb. The second call compares one hash and returns.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlparse

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "servelab-setup.json"
LOCKS = ROOT / "environment" / "locks"

UV_VERSION = "0.13.8"
UV_OLDEST = (0, 8)
# The lock names the Python it was resolved for; other versions would need other wheels.
PYTHON_FOR = {"cpu": "3.11", "gpu": "3.12"}
# Dependency groups whose pins clash with the engine's: each has a lock and, when a lab first needs it, an environment
# of its own outside the tree.
APART = {"quantize": "3.11"}
# The engine without the rest of a lock, for a machine whose Python's packages must stay as they are (Colab): environment/kernel.py.
ENGINES = {f"engine-{runtime}": runtime for runtime in PYTHON_FOR}
WITH_ENGINE = {"accelerate"}  # transformers reads a GGUF file with it; elsewhere PEFT brings it
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
DISK_NEEDED_GB = {"cpu": 7, "gpu": 20}
APT_FOR_GRADING = {"bwrap": "bubblewrap"}
# Programs that labs run, out of Debian's packages: the packages that may hold them (Ubuntu 22.04 has nginx in another), the
# programs, and what goes without them.
FROM_PACKAGES = (
    (("prometheus",), ("prometheus", "promtool"), "lab 09 and the questions on PromQL"),
    (("prometheus-alertmanager",), ("prometheus-alertmanager", "amtool"), "lab 09"),
    (("nginx", "nginx-core"), ("nginx",), "the load balancer of lab 05"),
)
# Debian's Alertmanager reads the templates of its messages from this folder, which only an installed package has. Our copy of the
# program looks for them in `templates`, in the folder where it runs; servelab.monitoring puts them there.
SHARED = {"prometheus-alertmanager": "/usr/share/prometheus/alertmanager"}
# What the browser tests drive; any of them will do, and Debian has the first.
BROWSERS = ("chromium", "google-chrome", "chromium-browser")


class SetupError(Exception):
    """What stops the set-up, in one line that says what to do."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(command: list[str], *, env: dict[str, str] | None = None, quiet: bool = False) -> None:
    """Run a command; its output is the progress, its failure is a SetupError."""
    done = subprocess.run(
        command, env=env, cwd=ROOT, capture_output=quiet, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        lines = ((done.stderr or "") + (done.stdout or "")).strip().splitlines()
        detail = f": {lines[-1]}" if lines else ""
        raise SetupError(f"`{' '.join(command[:4])} ...` failed with code {done.returncode}{detail}")


# --- what is asked for -----------------------------------------------------------------------------------


def fingerprint(runtime: str) -> str:
    """Changes when anything changes that the environment is made from."""
    import tomllib  # not at the top: an older Python must get as far as the line that says it is too old

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    digest = hashlib.sha256(json.dumps(project, sort_keys=True).encode())
    for path in (LOCKS / f"{runtime}.txt", Path(__file__)):
        digest.update(path.read_bytes())
    digest.update(str(ROOT).encode())  # an editable install points at the folder
    return digest.hexdigest()


def read_stamp() -> dict:
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def up_to_date(runtime: str) -> bool:
    return read_stamp().get("fingerprint") == fingerprint(runtime) and (VENV / "bin" / "servelab").exists()


def pick_runtime() -> str:
    """`SERVELAB_RUNTIME`, otherwise gpu where the NVIDIA driver answers, otherwise cpu."""
    named = os.environ.get("SERVELAB_RUNTIME")
    if named:
        if named not in PYTHON_FOR:
            raise SetupError(f"SERVELAB_RUNTIME is {named!r}; it can be: {', '.join(PYTHON_FOR)}")
        return named
    if shutil.which("nvidia-smi"):
        probe = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
        if probe.returncode == 0 and "GPU" in probe.stdout:
            return "gpu"
    return "cpu"


# --- tools -----------------------------------------------------------------------------------------------


def as_root() -> list[str] | None:
    """The prefix that runs a command as root without a question, or None."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def apt_install(packages: list[str]) -> bool:
    """Install system packages where apt exists and we may; False where not."""
    prefix = as_root()
    if not packages or shutil.which("apt-get") is None or prefix is None:
        return not packages
    say(f"installing system packages: {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*prefix, "apt-get", "update", "-qq"], env=env, quiet=True)
    run(
        [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=env,
        quiet=True,
    )
    return True


def version_of(uv: str) -> tuple[int, ...]:
    done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if found else (0, 0)


def find_uv() -> str:
    """A uv that is new enough: the one on PATH, ours, or one installed now."""
    cache = Path(os.environ.get("SERVELAB_CACHE") or Path.home() / ".cache" / "servelab")
    ours = cache / "uv" / UV_VERSION
    candidates = [shutil.which("uv"), str(Path.home() / ".local/bin/uv"), str(ours / "bin/uv")]
    for candidate in candidates:
        if candidate and Path(candidate).exists() and version_of(candidate) >= UV_OLDEST:
            return candidate
    say(f"installing uv {UV_VERSION} (the package installer) into {ours}")
    try:
        run([sys.executable, "-m", "venv", "--clear", str(ours)], quiet=True)
    except SetupError:
        # Debian's Python comes without ensurepip, often with pip: uv needs no environment, only a place of its own.
        if install_uv_into(ours):
            return str(ours / "bin/uv")
        if not apt_install(["python3-venv"]):
            raise SetupError(
                "Python cannot make virtual environments: run `sudo apt-get install python3-venv`, "
                "or install uv yourself, then try again"
            ) from None
        run([sys.executable, "-m", "venv", "--clear", str(ours)], quiet=True)
    run([str(ours / "bin/pip"), "install", "--quiet", f"uv=={UV_VERSION}"], quiet=True)
    return str(ours / "bin/uv")


def install_uv_into(folder: Path) -> bool:
    """Whether pip has put uv into that folder, outside any Python's packages."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        str(folder),
        f"uv=={UV_VERSION}",
    ]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0 and (folder / "bin" / "uv").exists()


def pip_setting(name: str) -> list[str]:
    """What pip is configured with (environment and files); uv does not read pip's settings."""
    values = os.environ.get("PIP_" + name.replace("-", "_").upper(), "").split()
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", f"global.{name}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return list(dict.fromkeys([*values, *done.stdout.split()])) if done.returncode == 0 else values


def holds(links: str, prefix: str) -> bool:
    """Whether a find-links folder has a wheel of that name. A web page is not opened: it may."""
    parsed = urlparse(links)
    if parsed.scheme in ("http", "https"):
        return False
    folder = Path(unquote(parsed.path) if parsed.scheme == "file" else links)
    return folder.is_dir() and any(folder.glob(f"{prefix}*.whl"))


def wheel_sources(lock: Path) -> list[str]:
    """uv options that let it find torch's CPU wheel: where pip or uv look, else PyTorch's own index."""
    torch = re.search(r"^torch==(\S+)", lock.read_text(), re.M)
    links = [*os.environ.get("UV_FIND_LINKS", "").replace(",", " ").split(), *pip_setting("find-links")]
    options = [f"--find-links={link}" for link in dict.fromkeys(links)]
    if torch and "+cpu" in torch[1] and not any(holds(link, f"torch-{torch[1]}-") for link in links):
        # Hashes in the lock decide what may be installed, so the best match over all indexes is safe.
        options += [f"--index={TORCH_CPU_INDEX}", "--index-strategy=unsafe-best-match"]
        options += [f"--index={url}" for url in pip_setting("extra-index-url")]
    return options


# --- the steps -------------------------------------------------------------------------------------------


def make_venv(uv: str, runtime: str) -> None:
    wanted = PYTHON_FOR[runtime]
    python = VENV / "bin" / "python"
    if python.exists():
        done = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.startswith(f"Python {wanted}."):
            return
    try:
        run(
            [uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", wanted, str(VENV)],
            quiet=True,
        )
    except SetupError:
        raise SetupError(
            f"Python {wanted} is needed for the {runtime} runtime and was not found: install it (`apt-get install "
            f"python{wanted}` where your Linux has that, else `{uv} python install {wanted}`), then try again"
        ) from None


def enough_disk(runtime: str) -> None:
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if not (VENV / "bin").exists() and free_gb < DISK_NEEDED_GB[runtime]:
        raise SetupError(
            f"{free_gb:.1f} GB are free where the course lies and {DISK_NEEDED_GB[runtime]} are needed: "
            "free some space, or move the course to another disk"
        )


def install(uv: str, runtime: str) -> None:
    lock = LOCKS / f"{runtime}.txt"
    count = len(re.findall(r"^\S+==", lock.read_text(), re.M))
    say(
        f"installing {count} packages into .venv (the first time it downloads them; they take up to {DISK_NEEDED_GB[runtime]} GB of disk)"
    )
    python = str(VENV / "bin" / "python")
    # Bytecode is compiled now: the engine imports thousands of modules at every start.
    env = {**os.environ, "UV_COMPILE_BYTECODE_TIMEOUT": "300"}
    env.pop("UV_FIND_LINKS", None)
    common = ["--python", python, "--link-mode=hardlink"]
    run(
        [
            uv,
            "pip",
            "sync",
            *common,
            "--compile-bytecode",
            "--require-hashes",
            *wheel_sources(lock),
            str(lock),
        ],
        env=env,
    )
    run(
        [uv, "pip", "install", "--quiet", *common, "--no-deps", "--no-build-isolation", "--editable", "."],
        env=env,
    )


def setup(runtime: str) -> None:
    """Bring `.venv` up to date and stamp it. `first_s` in the stamp is the time it took from nothing."""
    started = time.monotonic()
    first_s = read_stamp().get("first_s")
    enough_disk(runtime)
    uv = find_uv()
    make_venv(uv, runtime)
    install(uv, runtime)
    setup_for_grading()
    fetch_programs()
    seconds = round(time.monotonic() - started, 1)
    stamp = {"fingerprint": fingerprint(runtime), "runtime": runtime, "first_s": first_s or seconds}
    STAMP.write_text(json.dumps(stamp, indent=1) + "\n")
    say(f"ready in {seconds:.0f} s")


def make_apart(name: str, folder: Path) -> None:
    """An environment of its own in a new or empty folder. Prints `step <share> <words>` for a progress bar.

    It can be moved afterwards, as long as its programs are started by `bin/python -m`.
    """
    runtime = ENGINES.get(name)
    lock = LOCKS / f"{runtime or name}.txt"
    wanted = PYTHON_FOR[runtime] if runtime else APART[name]
    print("step 0.02 looking for uv", flush=True)
    uv = find_uv()
    print("step 0.05 making the environment", flush=True)
    venv = [uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", wanted, str(folder)]
    try:
        find_python(wanted)
        run(venv, quiet=True)
    except SetupError:
        raise SetupError(
            f"Python {wanted} is needed for {name} and was not found: install it, then try again"
        ) from None
    common = ["--python", str(folder / "bin" / "python"), "--link-mode=hardlink", "--require-hashes"]
    common += wheel_sources(lock)
    if runtime:
        fetch(uv, ["install", *common, *only_engine(runtime, lock, folder)])
    else:
        fetch(uv, ["sync", *common, str(lock)])


def find_python(version: str) -> None:
    """Install that Python where it is missing, apt has it and we may: Colab has one version, and not the cpu lock's."""
    if "COLAB_RELEASE_TAG" in os.environ and shutil.which(f"python{version}") is None:
        apt_install([f"python{version}"])


def only_engine(runtime: str, lock: Path, folder: Path) -> list[str]:
    """Arguments that have uv install vLLM, the model and what they need, in the versions and with the hashes of the lock.

    The lock holds everything the course uses, JupyterLab and the tests' tools included. Here it is the constraint, and
    the names in pyproject.toml's extra of the runtime are what is asked for.
    """
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extra = settings["project"]["optional-dependencies"][runtime]
    names = {re.split(r"[<>=!~;\[ ]", need)[0].lower() for need in extra} | WITH_ENGINE
    blocks = re.findall(r"^\S+==.*?(?=^\S+==|\Z)", lock.read_text(), re.M | re.S)
    asked, overrides = folder / "engine-asked.txt", folder / "engine-overrides.txt"
    asked.write_text("".join(block for block in blocks if block.split("==")[0] in names))
    overrides.write_text("\n".join(settings["tool"]["uv"]["override-dependencies"]) + "\n")
    return ["--requirements", str(asked), "--constraints", str(lock), "--overrides", str(overrides)]


def fetch(uv: str, arguments: list[str]) -> None:
    """`uv pip ...` with a `step` line whenever it says what it fetches, and every two seconds.

    uv says how large each large package is when it begins to fetch it, and when it has it. The share is that of those bytes.
    """
    env = {**os.environ}
    env.pop("UV_FIND_LINKS", None)
    sizes: dict[str, float] = {}
    done: set[str] = set()
    lines: list[str] = []
    words = "choosing"
    command = [uv, "pip", *arguments]
    with (
        subprocess.Popen(
            command,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
        selectors.DefaultSelector() as selector,
    ):
        selector.register(process.stdout, selectors.EVENT_READ)
        rest = b""
        while True:
            if selector.select(timeout=2.0):
                told = os.read(process.stdout.fileno(), 65536)
                if not told:
                    break
                *whole, rest = (rest + told).split(b"\n")
                for line in (text.decode(errors="replace").strip() for text in whole):
                    lines.append(line)
                    if begun := re.match(r"Downloading (\S+) \(([\d.]+)([KMG])iB\)", line):
                        sizes[begun[1]] = float(begun[2]) * {"K": 1e-3, "M": 1.0, "G": 1e3}[begun[3]]
                    elif ended := re.match(r"Downloaded (\S+)", line):
                        done.add(ended[1])
                    elif counted := re.match(r"(Resolved|Prepared|Installed) (\d+) packages", line):
                        words = {
                            "Resolved": f"fetching {counted[2]} packages",
                            "Prepared": f"installing {counted[2]} packages",
                            "Installed": f"installed {counted[2]} packages",
                        }[counted[1]]
            left = [name for name in sizes if name not in done]
            share = sum(sizes[name] for name in done & sizes.keys()) / (sum(sizes.values()) or 1.0)
            now = f"fetching {', '.join(left[-2:])}, {len(left)} left" if left else words
            print(f"step {0.1 + 0.8 * share:.3f} {now}", flush=True)
    if process.returncode:
        told = next((line for line in reversed(lines) if line), "")
        raise SetupError(f"`{' '.join(command[:4])} ...` failed with code {process.returncode}: {told}")


def setup_for_grading() -> None:
    """The sandbox in which answers are graded. The labs do without it, so its lack stops nothing here."""
    missing = [package for command, package in APT_FOR_GRADING.items() if shutil.which(command) is None]
    try:
        installed = apt_install(missing)
    except SetupError as error:
        say(str(error))
        installed = False
    if not installed:
        say(
            f"not installed: {' '.join(missing)}. The labs run without it, `servelab check` and grading do not"
        )


def fetch_programs() -> None:
    """Programs beside Python, out of Debian's packages.

    Not installed as packages: that would ask for root and start servers that listen on every address.
    """
    for packages, programs, purpose in FROM_PACKAGES:
        if all((VENV / "bin" / program).exists() for program in programs):
            continue
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            say(f"no apt here: install {' and '.join(programs)} yourself for {purpose}")
        elif any(fetch_from(package, programs) for package in packages):
            say(f"fetched {' and '.join(programs)}")
        else:
            say(f"{' and '.join(programs)} could not be fetched: {purpose} will say so")


def fetch_from(package: str, programs: tuple[str, ...]) -> bool:
    """Whether the package was there and held the programs, which are now beside Python."""
    with tempfile.TemporaryDirectory(prefix="servelab-setup-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        done = download_package(package, folder)
        prefix = as_root()
        if not done and prefix is not None:  # a new image has no package lists
            run([*prefix, "apt-get", "update", "-qq"], quiet=True)
            done = download_package(package, folder)
        if not done:
            return False
        run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder / "out")], quiet=True)
        found = [next((folder / "out" / "usr").glob(f"*bin/{program}"), None) for program in programs]
        if None in found:
            return False
        for program in found:
            shutil.copy2(program, VENV / "bin" / program.name)
            if program.name in SHARED:
                bring_along(folder / "out", program.name)
    return True


def bring_along(package: Path, program: str) -> None:
    """Keep the program's templates beside Python, and let it look for them where it runs.

    A path in the program can be replaced by one of the same length only: hence the slashes, which mean nothing.
    """
    where = SHARED[program]
    target = VENV / "share" / program
    target.mkdir(parents=True, exist_ok=True)
    for template in (package / where.lstrip("/")).glob("*.tmpl"):
        shutil.copy2(template, target)
    copy = VENV / "bin" / program
    there = where.encode()
    copy.write_bytes(copy.read_bytes().replace(there, b"templates".ljust(len(there), b"/")))


def download_package(package: str, folder: Path) -> bool:
    """Whether apt has put the package's file into the folder."""
    command = ["apt-get", "download", "-qq", package]
    done = subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0 and any(folder.glob("*.deb"))


def setup_for_tests() -> None:
    """A browser, which only the tests use; without one those tests skip and say so."""
    if any(shutil.which(browser) for browser in BROWSERS):
        return
    try:
        installed = apt_install([BROWSERS[0]])
    except SetupError as error:
        say(str(error))
        installed = False
    if not installed:
        say(f"not installed: {BROWSERS[0]} (browser tests will be skipped)")


def lock_all() -> None:
    """Resolve every lock again from pyproject.toml."""
    uv = find_uv()
    wanted = {
        name: (python, ["pyproject.toml", "--extra", name, "--extra", "dev", "--extra", "hub"])
        for name, python in PYTHON_FOR.items()
    }
    wanted |= {name: (python, ["--group", f"pyproject.toml:{name}"]) for name, python in APART.items()}
    for name, (python, what) in wanted.items():
        target = LOCKS / f"{name}.txt"
        command = [uv, "pip", "compile", *what, "--quiet"]
        command += ["--python-version", python, "--generate-hashes", "--no-header", "--no-annotate"]
        command += [
            "--python-platform",
            "x86_64-manylinux_2_28",
            "--no-emit-find-links",
            "--no-emit-index-url",
        ]
        command += wheel_sources(target if target.exists() else LOCKS / "cpu.txt")
        run([*command, "--output-file", str(target)])
        say(f"wrote {target.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make .venv with everything the course needs.")
    parser.add_argument("--tests", action="store_true", help="also the system packages that only tests use")
    parser.add_argument("--lock", action="store_true", help="resolve environment/locks again instead")
    parser.add_argument(
        "--apart",
        nargs=2,
        metavar=("NAME", "FOLDER"),
        help=f"instead: {', '.join([*APART, *ENGINES])}, into a new folder",
    )
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - the check is for people who start it with an old Python
        for name in ("python3.11", "python3.12", "python3.13"):
            if shutil.which(name):
                os.execvp(name, [name, *sys.argv])
        print("setup: Python 3.11 or newer is needed to start the set-up", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        if options.lock:
            lock_all()
            return 0
        if options.apart:
            make_apart(options.apart[0], Path(options.apart[1]))
            return 0
        runtime = pick_runtime()
        if options.tests:
            setup_for_tests()
        if up_to_date(runtime):
            return 0
        with (ROOT / ".setup.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)  # two `make` at once: the second waits, then finds it done
            if not up_to_date(runtime):
                setup(runtime)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"setup: stopped after {time.monotonic() - started:.0f} s; run it again to go on", file=sys.stderr
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
