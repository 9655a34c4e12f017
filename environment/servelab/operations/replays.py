"""Five incidents, and none, as replays: metrics, access log and spans of one simulated run, the same for the same seed.

All three are derived from the same requests, so they agree: what arrived was served, waits, or has ended otherwise; an engine's
counters are the sums of its requests; latency follows from the queue.
"""

from __future__ import annotations

import functools
import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from servelab.operations.fleet import Replica, Request, Speed

INCIDENTS = ("long generations", "dead replica", "kv cache full", "bad adapter", "stale index")
HEALTHY = "healthy"
REPLICAS = ("a", "b", "c")
LENGTH_S, EVERY_S = 600.0, 10.0
SPEED = Speed()
RATE = 2.4  # requests/s, of some 160 generated tokens: 60 % of what the three replicas can do
MODELS = {"assistant": 0.6, "tickets": 0.24, "legal": 0.16}
CLIENTS = {"web": 0.5, "mobile": 0.24, "partner-api": 0.14, "crm": 0.12}
NEW_CLIENTS = ("report-builder", "nightly-export", "archive-bot", "crawler", "digest")
VALID, GROUNDED = 0.97, 0.9
DOCS = 0.45  # of the assistant's requests, how many are answered from documents
_RESTART_S = 40.0


@dataclass
class Replay:
    """One run with what was done to it.

    Attributes:
        cause: one of `INCIDENTS`, or `HEALTHY`.
        where: the client, replica, adapter or index at fault; None if healthy.
        since_s: when it began; None if healthy.
        mitigated_s: when it was ended; None if it was not.
        evidence: what an engineer sees; see `evidence_of`.
        requests: every request with all its times: the truth behind the evidence.
        replicas: as they are at the end.
    """

    cause: str
    where: str | None
    since_s: float | None
    mitigated_s: float | None
    evidence: dict[str, Any]
    requests: list[Request] = field(repr=False)
    replicas: list[Replica] = field(repr=False)


def replay(
    cause: str, seed: int | str, *, mitigated_s: float | None = None, length_s: float = LENGTH_S
) -> Replay:
    """Simulate one run.

    Args:
        cause: one of `INCIDENTS`, or `HEALTHY`.
        seed: the same seed, the same run.
        mitigated_s: from then on the client at fault is refused and what it has running is cancelled, the adapter or index is
            put back, or a new replica is ordered, which is ready 40 s later. None: nobody does anything.

    Raises:
        ValueError: there is no such incident.
    """
    if cause not in (*INCIDENTS, HEALTHY):
        raise ValueError(f"no incident is called {cause!r}; there are {', '.join((*INCIDENTS, HEALTHY))}")
    draw = random.Random(f"{cause}/{seed}")
    run = _Run(cause, draw, length_s, mitigated_s)
    run.play()
    return run.replay()


@functools.lru_cache(maxsize=64)
def kept(cause: str, seed: int | str) -> Replay:
    """`replay(cause, seed)`, made once: copy what is handed on."""
    return replay(cause, seed)


def evidence(cause: str, seed: int | str) -> dict[str, Any]:
    """The evidence of a run to which nobody did anything; made once, so copy it before it is changed."""
    return kept(cause, seed).evidence


class _Run:
    """The state of one run: who asks what, what is deployed, and what has happened."""

    def __init__(self, cause: str, draw: random.Random, length_s: float, mitigated_s: float | None) -> None:
        self.cause, self.draw, self.length_s, self.mitigated_s = cause, draw, length_s, mitigated_s
        self.since_s = None if cause == HEALTHY else round(draw.uniform(150, 300), 1)
        self.replicas = [Replica(name, SPEED) for name in REPLICAS]
        self.samples: dict[str, list[dict[str, float]]] = {name: [] for name in REPLICAS}
        self.requests: list[Request] = []
        self.turn = 0
        self.out: set[str] = set()  # replicas that the gateway leaves alone
        self.revision = {name: draw.randrange(3, 9) for name in MODELS if name != "assistant"}
        self.index = draw.randrange(11, 40)
        self.wrong_revision: dict[str, int] = {}
        self.stale: int | None = None
        self.refused: str | None = None
        self.culprit = self._culprit()
        self.where: str | None = None
        self.runs_on = draw.random() < 0.5  # the bad adapter also never stops
        self.notices = draw.random() < 0.5  # the gateway takes a dead replica out

    def _culprit(self) -> str:
        """Half of the time somebody new, otherwise a client that has been there all along."""
        return self.draw.choice(NEW_CLIENTS if self.draw.random() < 0.5 else ("partner-api", "crm"))

    # -- what happens ------------------------------------------------------------------------------------

    def play(self) -> None:
        """Let everything happen in its order."""
        self.heap: list[tuple[float, int, Callable[[], None]]] = []
        for request in self._usual():
            self._at(request.arrive_s, functools.partial(self._ask, request))
        for step in range(int(self.length_s // EVERY_S) + 1):
            self._at(step * EVERY_S, self._scrape)
        self._harmless()
        if self.since_s is not None:
            self._at(self.since_s, self._break)
            if self.mitigated_s is not None:
                self._at(self.mitigated_s, self._mend)
        while self.heap:
            self.time, _, act = heapq.heappop(self.heap)
            if self.time > self.length_s:
                break
            act()
        for replica in self.replicas:
            replica.run(self.length_s)

    def _at(self, when: float, act: Callable[[], None]) -> None:
        self.order = getattr(self, "order", 0) + 1
        heapq.heappush(self.heap, (when, self.order, act))

    def _usual(self) -> list[Request]:
        """The day's usual traffic: it comes and goes in a slow wave, and once in a shower of some seconds."""
        found, now = [], 0.0
        phase = self.draw.uniform(0, 2 * math.pi)
        shower = self.draw.uniform(60, self.length_s - 60)
        while True:
            rate = RATE * (1 + 0.12 * math.sin(phase + now / 70))
            if shower <= now < shower + 8:
                rate *= 2.2
            now += self.draw.expovariate(rate)
            if now >= self.length_s:
                return found
            client = self.draw.choices(list(CLIENTS), CLIENTS.values())[0]
            model = self.draw.choices(list(MODELS), MODELS.values())[0]
            found.append(self._request(now, client, model))

    def _request(self, now: float, client: str, model: str, **fixed: Any) -> Request:
        """One request of the usual kind, with what is fixed instead."""
        draw = self.draw
        docs = model == "assistant" and draw.random() < DOCS
        prompt = int(draw.lognormvariate(math.log(700 if docs else 260), 0.35))
        generate = max(8, min(500, int(draw.lognormvariate(math.log(145), 0.45))))
        values = {"prompt_tokens": prompt, "generate": generate, "max_tokens": 512, **fixed}
        told = {"client": client, "model": model, "docs": docs and not fixed}
        self.count = getattr(self, "count", 0) + 1
        search = round(draw.uniform(0.02, 0.06), 3) if told["docs"] else 0.0
        return Request(f"r{self.count:05}", round(now, 3), told=told, search_s=search, **values)

    def _harmless(self) -> None:
        """Changes that are nobody's fault: some deployments, and sometimes a small new client."""
        draw = self.draw
        if draw.random() < 0.6:
            name = draw.choice(list(self.revision))
            self._at(draw.uniform(60, 140), functools.partial(self._deploy, name))
        if draw.random() < 0.6:
            self._at(draw.uniform(60, 140), self._reindex)
        if draw.random() < 0.6:
            name = draw.choice([other for other in NEW_CLIENTS if other != self.culprit])
            start = draw.uniform(80, 350)
            self._stream(name, start, 0.08, self.length_s, {})

    def _deploy(self, name: str) -> None:
        self.revision[name] += 1

    def _reindex(self) -> None:
        self.index += 1

    def _stream(self, client: str, start: float, rate: float, end: float, fixed: dict[str, Any]) -> float:
        """Requests of one client at a rate, beside the usual ones; returns when the first comes."""
        now, first = start, end
        while True:
            now += self.draw.expovariate(rate)
            if now >= end:
                return first
            first = min(first, now)
            chosen = {key: value() if callable(value) else value for key, value in fixed.items()}
            request = self._request(now, client, "assistant", **chosen)
            self._at(request.arrive_s, functools.partial(self._ask, request))

    def _break(self) -> None:
        draw, since = self.draw, self.time
        if self.cause == "long generations":
            self.where = self.culprit
            fixed = {
                "prompt_tokens": lambda: draw.randrange(80, 300),
                "generate": lambda: draw.randrange(1100, 1700),
            }
            self.since_s = self._stream(self.where, since, 0.22, self.length_s, {**fixed, "max_tokens": 2048})
        elif self.cause == "kv cache full":
            self.where = self.culprit
            fixed = {
                "prompt_tokens": lambda: draw.randrange(3000, 4800),
                "generate": lambda: draw.randrange(500, 900),
            }
            self.since_s = self._stream(self.where, since, 0.32, self.length_s, {**fixed, "max_tokens": 1024})
        elif self.cause == "dead replica":
            self.where = draw.choice(REPLICAS)
            replica = self._replica(self.where)
            replica.run(since)
            replica.die()
            if self.notices:
                self._at(since + 20, lambda: self.out.add(str(self.where)))
        elif self.cause == "bad adapter":
            self.where = draw.choice(list(self.revision))
            self._deploy(self.where)
            self.wrong_revision[self.where] = self.revision[self.where]
        else:
            self.before = self.index
            self.index -= draw.randrange(3, 8)
            self.stale, self.where = self.index, f"docs-{self.index}"

    def _mend(self) -> None:
        """Somebody does the right thing."""
        now = self.time
        if self.cause in ("long generations", "kv cache full"):
            self.refused = self.where
            for replica in self.replicas:
                replica.run(now)
                here = [r for r in [*replica.running, *replica.waiting] if r.told["client"] == self.where]
                for request in here:
                    replica.cancel(request, 499)
        elif self.cause == "dead replica":
            self._at(now + _RESTART_S, self._rise)
        elif self.cause == "bad adapter":
            self.revision[str(self.where)] -= 1
        else:
            self.index = self.before

    def _rise(self) -> None:
        replica = self._replica(str(self.where))
        replica.run(self.time)
        replica.rise()
        self.out.discard(replica.name)

    def _replica(self, name: str) -> Replica:
        return next(replica for replica in self.replicas if replica.name == name)

    def _scrape(self) -> None:
        for replica in self.replicas:
            replica.run(self.time)
            self.samples[replica.name].append(replica.sample())

    def _ask(self, request: Request) -> None:
        """The gateway gets a request: it refuses it, or searches if that is asked for, and gives it to the next replica in turn."""
        told, draw = request.told, self.draw
        self.requests.append(request)
        told["revision"] = self.revision.get(told["model"])
        told["index"] = f"docs-{self.index}" if told["docs"] else None
        bad = told["revision"] is not None and self.wrong_revision.get(told["model"]) == told["revision"]
        if bad and self.runs_on and draw.random() < 0.5:
            request.generate = request.max_tokens = 320
        told["valid"] = None if told["revision"] is None else draw.random() < (0.2 if bad else VALID)
        stale = told["docs"] and self.index == self.stale
        told["grounded"] = draw.random() < (0.4 if stale else GROUNDED) if told["docs"] else None
        if told["client"] == self.refused:
            request.end_s, request.status, request.search_s = request.arrive_s, 429, 0.0
        elif draw.random() < 0.008:  # a field that is missing, a prompt that is too long
            request.end_s, request.status, request.search_s = request.arrive_s, 400, 0.0
        else:
            self._at(request.engine_s, functools.partial(self._give, request))

    def _give(self, request: Request) -> None:
        if request.told["client"] == self.refused:
            request.end_s, request.status = self.time, 429
            return
        there = [replica for replica in self.replicas if replica.name not in self.out]
        replica = there[self.turn % len(there)]
        self.turn += 1
        replica.run(self.time)
        if not replica.up:
            request.replica, request.end_s, request.status = replica.name, self.time, 502
            return
        replica.take(request)

    # -- what is seen ------------------------------------------------------------------------------------

    def replay(self) -> Replay:
        """The run as a replay."""
        mitigated = self.mitigated_s if self.since_s is not None else None
        seen = evidence_of(self.samples, self.requests, self.length_s)
        return Replay(self.cause, self.where, self.since_s, mitigated, seen, self.requests, self.replicas)


def evidence_of(
    samples: dict[str, list[dict[str, float]]], requests: list[Request], until_s: float
) -> dict[str, Any]:
    """What an engineer sees of a run, as plain data.

    Returns:
        until_s: seconds that it covers.
        seats, kv_tokens: of each replica.
        metrics: by replica, a sample every 10 s: "t_s", "up" and vLLM's metrics; of a replica that is gone only the first two.
        log: the gateway's access log, a line for each request that has ended, in the order of their ends.
        spans: for every eighth of these, what it spent its time on.
    """
    ended = sorted((r for r in requests if r.end_s is not None), key=lambda r: (r.end_s, r.id))
    return {
        "until_s": until_s,
        "seats": SPEED.seats,
        "kv_tokens": SPEED.pool,
        "metrics": samples,
        "log": [_line(request) for request in ended],
        "spans": [span for request in ended if int(request.id[1:]) % 8 == 0 for span in _spans(request)],
    }


def _line(request: Request) -> dict[str, Any]:
    told, good = request.told, request.status == 200
    first = request.first_s
    return {
        "id": request.id,
        "t_s": request.arrive_s,
        "latency_s": round(request.end_s - request.arrive_s, 3),
        "ttft_s": None if first is None else round(first - request.arrive_s, 3),
        "status": request.status,
        "client": told["client"],
        "replica": request.replica,
        "model": told["model"],
        "revision": told["revision"],
        "index": told["index"],
        "prompt_tokens": request.prompt_tokens,
        "completion_tokens": request.tokens,
        "max_tokens": request.max_tokens,
        "finish": None if not good else "length" if request.generate >= request.max_tokens else "stop",
        "valid": told["valid"] if good else None,
        "grounded": told["grounded"] if good else None,
    }


def _spans(request: Request) -> list[dict[str, Any]]:
    """The gateway's span and its children, which follow each other without a gap."""
    places = [
        ("search", request.arrive_s, request.engine_s),
        ("queue", request.engine_s, request.started_s),
        ("prefill", request.started_s, request.first_s),
        ("decode", request.first_s, request.end_s),
    ]
    marks: dict[str, Any] = {"client": request.told["client"], "status": request.status}
    found = [_span(request, "gateway", request.arrive_s, request.end_s, marks)]
    for name, start, end in places:
        if start is None or (name == "search" and not request.search_s) or request.replica is None:
            continue
        if end is None or end > request.end_s:
            end = request.end_s  # it ended in the middle of this
        more = {"index": request.told["index"]} if name == "search" else {"replica": request.replica}
        found.append(_span(request, name, start, end, more))
    return found


def _span(request: Request, name: str, start: float, end: float, more: dict[str, Any]) -> dict[str, Any]:
    return {"trace": request.id, "name": name, "start_s": round(start, 3), "end_s": round(end, 3), **more}
