"""The five incidents, done to engines that run: a small stack with traffic, what is seen of it, and how each one is ended.

A `Stack` has one or two engines behind a gateway, users who go on asking, and somebody who looks at the metrics every second. Its
`evidence()` has the form of a replay's, so that what reads the one reads the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from servelab import engine
from servelab.engine import adapters
from servelab.engine.client import Engine
from servelab.engine.replicas import Replicas
from servelab.errors import CourseError
from servelab.lora import serving, tickets
from servelab.operations import indexes
from servelab.operations.door import Door
from servelab.operations.replays import INCIDENTS
from servelab.progress import bar

SEATS = 4
METRICS = (
    *("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"),
    *("vllm:num_preemptions_total", "vllm:prompt_tokens_total", "vllm:generation_tokens_total"),
    "vllm:request_success_total",
    *(
        f"vllm:{name}_seconds_{part}"
        for name in ("time_to_first_token", "e2e_request_latency", "request_queue_time")
        for part in ("sum", "count")
    ),
)
#: Pool of the engine in which a KV cache is to fill up. A block is lost to vLLM's own use; three of the long prompts below (716
#: tokens each) just fit, and do not any more once they have written something.
BLOCKS, BLOCK_TOKENS = 77, 32
POOL_TOKENS = BLOCKS * BLOCK_TOKENS
ADAPTER = "labels"
_FORMAT = f"({'|'.join(tickets.CATEGORIES)})/({'|'.join(tickets.URGENCIES)})"
_GOOD, _STALE = "docs-21", "docs-14"
_WORDS = (
    *("river", "stone", "lamp", "paper", "green", "quiet", "seven", "window", "north", "tower", "salt"),
    *("garden", "copper", "morning", "letter", "bridge"),
)


class Stack:
    """Engines, gateway, users and an observer; a context manager.

    Args:
        incidents: those that it must be able to suffer: they decide what is started.
        seed: of the traffic.
        rate: usual requests/s.
        adapter: a folder with the adapter whose answers look like `delivery/high`; the course's own if None (made the first time).
        profile: "cpu", "gpu" or "scripted"; see `servelab.engine.profiles`.

    Attributes:
        door: the gateway, with its handles `limit`, `take_out`, `put_in`, `index` and `serves`.
        engines: by the replica's name.
        backend: what to write beside a result.

    Raises:
        EngineError: an engine did not start; then nothing is left behind.
    """

    def __init__(
        self,
        incidents: Sequence[str],
        *,
        seed: int = 1,
        rate: float = 1.0,
        adapter: Path | None = None,
        profile: str | None = None,
    ) -> None:
        if strange := set(incidents) - set(INCIDENTS):
            raise ValueError(
                f"no incident is called {sorted(strange)[0]!r}; there are {', '.join(INCIDENTS)}"
            )
        self.incidents, self.rate, self._draw = tuple(incidents), rate, random.Random(seed)
        self._profile, self._given = profile, adapter
        self._close = contextlib.ExitStack()
        self._stop = threading.Event()
        self._clients: dict[str, threading.Event] = {}
        self._samples: dict[str, list[dict[str, float]]] = {}
        self.injected: tuple[str, float] | None = None

    # -- life ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self._close.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for stopped in self._clients.values():
            stopped.set()
        self._close.close()

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="servelab-stack-"))
        self._close.callback(shutil.rmtree, folder, ignore_errors=True)
        lora = self._adapters(folder)
        args = ["--max-num-seqs", str(SEATS), "--max-model-len", "1024"]
        if "kv cache full" in self.incidents:
            args += ["--num-gpu-blocks-override", str(BLOCKS), "--block-size", str(BLOCK_TOKENS)]
        if lora:
            args += adapters.arguments(lora, args)
        if "dead replica" in self.incidents:
            fleet = self._close.enter_context(Replicas(2, args, profile=self._profile))
            self.engines = dict(zip("ab", fleet.engines, strict=True))
        else:
            one: Engine = engine.serve(args, profile=self._profile)
            self._close.callback(one.stop)
            self.engines = {"a": one}
        first = self.engines["a"]
        self.backend = first.backend
        self._held = {_GOOD: indexes.whole(), _STALE: indexes.older(3)}
        self._asked = [q for q in indexes.questions() if self._search(_GOOD, q.id)[1]]
        self.door = Door(
            {name: running.url for name, running in self.engines.items()},
            first.model,
            search=self._search,
            index=_GOOD,
            serves={ADAPTER: (ADAPTER, 1)} if lora else {},
            formats={ADAPTER: _FORMAT},
        )
        self._close.enter_context(self.door)
        self._warm_up()
        self._tickets = self._answered() if lora else []
        for name in self.engines:
            self._samples[name] = []
            self._thread(self._observe, name)
        self._traffic("web", self.rate * 0.6, 1)
        self._traffic("mobile", self.rate * 0.4, 2)

    def _adapters(self, folder: Path) -> dict[str, Path]:
        """The adapter as it should be, and as somebody will deploy it: with ten times its alpha."""
        if "bad adapter" not in self.incidents:
            return {}
        good = self._given or serving.labels()
        bad = folder / "next"
        shutil.copytree(good, bad)
        config = json.loads((bad / adapters.CONFIG).read_text())
        config["lora_alpha"] *= 10
        (bad / adapters.CONFIG).write_text(json.dumps(config))
        return {ADAPTER: good, f"{ADAPTER}-2": bad}

    def _warm_up(self) -> None:
        for name, running in self.engines.items():
            for model in [running.model, *([ADAPTER] if self.door.serves else [])]:
                body = {
                    "model": model,
                    "messages": [{"role": "user", "content": f"Hello, {name}."}],
                    "max_tokens": 4,
                }
                httpx.post(f"{running.base_url}/chat/completions", json=body, timeout=120, trust_env=False)

    def _answered(self) -> list[str]:
        """Tickets that the adapter answers in its form, as it should be: what it cannot do anyway would look like an incident.

        Raises:
            CourseError: there are hardly any.
        """

        def answer(ticket: str) -> str:
            body = {**_labelled(ticket), "model": ADAPTER}
            got = httpx.post(
                f"{self.engines['a'].base_url}/chat/completions", json=body, timeout=120, trust_env=False
            )
            return got.json()["choices"][0]["message"]["content"].strip()

        asked = [example.ticket for example in tickets.dev()[:24]]
        with ThreadPoolExecutor(SEATS) as pool:
            good = [
                t
                for t, text in zip(asked, pool.map(answer, asked), strict=True)
                if re.fullmatch(_FORMAT, text)
            ]
        if len(good) < 6:
            raise CourseError(
                f"The adapter answers {len(good)} of {len(asked)} tickets in its form: is it lab 08's `labels`?"
            )
        return good

    def _thread(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True, name=f"stack-{work.__name__}")
        thread.start()
        self._close.callback(thread.join, 20)
        self._close.callback(self._stop.set)

    # -- users and observer -----------------------------------------------------------------------------------

    def _traffic(self, client: str, rate: float, seed: int, kind: str = "usual") -> None:
        """A client that asks at a rate, until it is stopped."""
        stopped = self._clients[client] = threading.Event()
        draw = random.Random(seed)

        def go() -> None:
            asyncio.run(self._users(client, rate, draw, kind, stopped))

        thread = threading.Thread(target=go, daemon=True, name=f"stack-{client}")
        thread.start()
        self._close.callback(thread.join, 30)
        self._close.callback(stopped.set)

    async def _users(
        self, client: str, rate: float, draw: random.Random, kind: str, stopped: threading.Event
    ) -> None:
        running: set[asyncio.Task[Any]] = set()
        headers = {"x-client": client}
        async with httpx.AsyncClient(
            base_url=self.door.url,
            headers=headers,
            timeout=300,
            trust_env=False,
            limits=httpx.Limits(max_connections=200),
        ) as http:
            due = time.monotonic()
            while not stopped.is_set():
                due += draw.expovariate(rate)
                while (left := due - time.monotonic()) > 0 and not stopped.is_set():
                    await asyncio.sleep(min(left, 0.1))
                if stopped.is_set():
                    break
                task = asyncio.ensure_future(http.post("/v1/chat/completions", json=self._body(kind, draw)))
                running.add(task)
                task.add_done_callback(running.discard)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _body(self, kind: str, draw: random.Random) -> dict[str, Any]:
        def ask(text: str, most: int, **more: Any) -> dict[str, Any]:
            return {
                "messages": [{"role": "user", "content": text}],
                "max_tokens": most,
                "temperature": 0,
                **more,
            }

        number = draw.randrange(10**6)
        if kind == "long generations":
            return ask(f"Report {number}: write everything that you know.", 300, ignore_eos=True)
        if kind == "kv cache full":
            return ask(f"{number} " + " ".join(draw.choices(_WORDS, k=680)), 120, ignore_eos=True)
        share = draw.random()
        if self.door.serves and share < 0.4:
            return {**_labelled(draw.choice(self._tickets)), "model": ADAPTER}
        if "stale index" in self.incidents and share < 0.75:
            question = draw.choice(self._asked)
            return ask(question.text, 10, docs=question.id)
        return ask(f"Question {number}: what is a queue?", draw.randrange(12, 24), ignore_eos=True)

    def _search(self, index: str, question_id: str) -> tuple[str, bool]:
        question = next(q for q in indexes.questions() if q.id == question_id)
        found = indexes.ranked(self._held[index], [question], 3)[question_id]
        grades = [question.relevant.get(name, 0) for name in found]
        return f"Sources: {', '.join(found)}", max(grades) >= 2

    def _observe(self, name: str) -> None:
        with httpx.Client(timeout=5, trust_env=False) as http:
            while not self._stop.wait(1.0):
                now = self.door.now()
                try:
                    text = http.get(f"{self.engines[name].url}/metrics").text
                    sample = {"t_s": round(now, 3), "up": 1, **_values(text)}
                except httpx.HTTPError:
                    sample = {"t_s": round(now, 3), "up": 0}
                self._samples[name].append(sample)

    # -- what is seen -----------------------------------------------------------------------------------------

    def evidence(self, since_s: float = 0.0) -> dict[str, Any]:
        """What has been seen up to now, from `since_s` on, in the form of a replay's evidence; without spans. Times count from there."""
        until = self.door.now()

        def moved(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "t_s": round(row["t_s"] - since_s, 3)}

        return {
            "until_s": round(until - since_s, 3),
            "seats": SEATS,
            "kv_tokens": POOL_TOKENS if "kv cache full" in self.incidents else None,
            "metrics": {
                name: [moved(s) for s in list(rows) if s["t_s"] >= since_s]
                for name, rows in self._samples.items()
            },
            "log": [moved(line) for line in list(self.door.log) if line["t_s"] >= since_s],
            "spans": [],
        }

    def in_use(self) -> dict[str, list[dict[str, float]]]:
        """The samples of the replicas that the gateway sends to: one that was taken out cannot keep anybody waiting."""
        return {name: rows for name, rows in self.evidence()["metrics"].items() if name not in self.door.out}

    def run(self, seconds: float, desc: str) -> None:
        """Let it run for so long, with a progress bar."""
        with bar(total=round(seconds), desc=desc, unit="s") as progress:
            for _ in range(round(seconds)):
                time.sleep(1)
                progress.update()

    def until(self, look: Callable[[], Any], most_s: float, desc: str, *, every_s: float = 2.0) -> Any:
        """Call `look` every few seconds until it returns something, and return that; None when the time is up."""
        with bar(total=round(most_s), desc=desc, unit="s") as progress:
            end = time.monotonic() + most_s
            while time.monotonic() < end:
                time.sleep(every_s)
                progress.update(round(every_s))
                found = look()
                if found is not None:
                    return found
        return None

    # -- incidents ----------------------------------------------------------------------------------------------

    def inject(self, incident: str) -> str:
        """Begin an incident now; returns who or what is at fault.

        Raises:
            CourseError: the stack was not started for this one.
        """
        if incident not in self.incidents:
            raise CourseError(
                f"This stack was started for {', '.join(self.incidents)}: make another for {incident!r}."
            )
        self.injected = (incident, self.door.now())
        if incident == "long generations":
            self._traffic("report-builder", 0.8, 3, incident)
            return "report-builder"
        if incident == "kv cache full":
            self._traffic("archive-bot", 0.8, 4, incident)
            return "archive-bot"
        if incident == "dead replica":
            os.kill(self.engines["b"].pid, signal.SIGKILL)
            return "b"
        if incident == "bad adapter":
            self.door.serves[ADAPTER] = (f"{ADAPTER}-2", 2)
            return ADAPTER
        self.door.index = _STALE
        return _STALE

    def end(self, incident: str, where: str) -> None:
        """Do the right thing about what is at fault. What was named wrongly is not mended."""
        if incident in ("long generations", "kv cache full"):
            self.door.limit(where, 0)
        elif incident == "dead replica":
            self.door.take_out(where)
        elif incident == "bad adapter" and where == ADAPTER:
            self.door.serves[ADAPTER] = (ADAPTER, 1)
        elif incident == "stale index" and where == _STALE:
            self.door.index = _GOOD

    def calm(self) -> None:
        """Take the client of an incident away altogether, so that another can begin."""
        for name in ("report-builder", "archive-bot"):
            if name in self._clients:
                self._clients[name].set()
                self.door.cancel(name)


def _labelled(ticket: str) -> dict[str, Any]:
    """A request that a ticket be labelled."""
    return {"messages": tickets.messages(ticket, tickets.LABEL_SYSTEM), "max_tokens": 12, "temperature": 0}


def _values(text: str) -> dict[str, float]:
    """The metrics that a replay has too, each summed over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in METRICS:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found
