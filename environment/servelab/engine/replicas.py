"""Several engines of one configuration side by side, each with its share of the machine: what a Deployment would give a node each."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Sequence
from types import TracebackType

from servelab.engine import client, profiles
from servelab.engine.client import Engine
from servelab.engine.errors import EngineError
from servelab.engine.profiles import GIB, Profile


class Replicas:
    """`count` engines, started at the same time; a context manager.

    On a CPU each gets its share of the threads, on a GPU of the memory.

    Args:
        count: how many.
        args: vLLM arguments for all of them.
        profile: "cpu", "gpu" or "scripted"; see `profiles.profile`.

    Attributes:
        engines: the running engines, by number from 0.

    Raises:
        EngineError: there is not enough memory for all, or one does not start; then none is left.
    """

    def __init__(self, count: int, args: Sequence[str] = (), *, profile: str | None = None) -> None:
        self.args = list(args)
        self.profile = profiles.profile(profile)
        need, free = count * client.needed_bytes(self.profile), client.available_bytes()
        if need > free:
            raise EngineError(
                f"{count} engines need about {need / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free",
                remedy="close other notebooks or programs, or do this part on a larger machine.",
            )
        self.ports: list[int] = []
        while len(self.ports) < count:
            port = client.free_port()
            if port not in self.ports:
                self.ports.append(port)
        self._shares = [self._share(number, count) for number in range(count)]
        self.engines: list[Engine] = []
        try:
            self.engines = self._start_all(count)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Replicas:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def addresses(self) -> list[str]:
        """Host and port of each, as a load balancer wants them: "127.0.0.1:18123"."""
        return [f"{client.HOST}:{port}" for port in self.ports]

    def restart(self, number: int, args: Sequence[str] | None = None, *, progress: bool = True) -> Engine:
        """Start a new engine at the place of one that has ended (or end it now), with other arguments if given."""
        self.engines[number].stop()
        self.engines[number] = self._serve(number, self.args if args is None else list(args), progress)
        return self.engines[number]

    def stop(self) -> None:
        """Stop all of them. Safe to call twice."""
        for engine in self.engines:
            engine.stop()

    def _share(self, number: int, count: int) -> tuple[Profile, list[str]]:
        """The profile and the arguments that give one replica its part of the machine."""
        if self.profile.name == "gpu":
            # vLLM's default is 0.92 of the card for one.
            return self.profile, ["--gpu-memory-utilization", f"{0.88 / count:.2f}"]
        if self.profile.name == "cpu" and len(os.sched_getaffinity(0)) > 1:
            # OpenMP's threads wait for each other spinning. With more of them than cores, or with anything else that runs, an
            # engine then gets a fraction of what it could; asleep they cost next to nothing. The binding that vLLM has for
            # this (VLLM_CPU_OMP_THREADS_BIND) does nothing in the single-process executor that the profile uses.
            threads = max(1, len(os.sched_getaffinity(0)) // count)
            waiting = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
            return dataclasses.replace(self.profile, env={**self.profile.env, **waiting}), []
        return self.profile, []

    def _serve(self, number: int, args: list[str], progress: bool) -> Engine:
        profile, share = self._shares[number]
        return client.serve([*args, *share], profile=profile, port=self.ports[number], progress=progress)

    def _start_all(self, count: int) -> list[Engine]:
        found: dict[int, Engine] = {}
        errors: list[BaseException] = []

        def start(number: int) -> None:
            try:
                found[number] = self._serve(number, self.args, progress=number == 0)
            except BaseException as error:  # told below, in the caller's thread
                errors.append(error)

        threads = [threading.Thread(target=start, args=(n,), name=f"replica-{n}") for n in range(1, count)]
        for thread in threads:
            thread.start()
        start(0)
        for thread in threads:
            thread.join()
        if errors:
            for engine in found.values():
                engine.stop()
            raise errors[0]
        return [found[number] for number in range(count)]
