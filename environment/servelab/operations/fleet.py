"""A fleet of engine replicas, simulated from event to event: what a replay's metrics, log and spans are all derived from.

A replica has seats, a pool of KV-cache tokens and a queue. Everything that runs in it advances at the same speed, which falls as more
run, while their sum rises: continuous batching. A prompt is work as well, though its tokens take a fraction of the time that generated
ones do. A full pool preempts whoever came last; that request goes back to the head of the queue, and its tokens are computed again.
Nothing is drawn here by lot, so the same requests always give the same run.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

BLOCK = 16
_EPSILON = 1e-9


@dataclass(frozen=True)
class Speed:
    """What one replica can do.

    Attributes:
        seats: requests that run at once (`--max-num-seqs`).
        pool: KV-cache tokens.
        alone: generated tokens/s of a request that runs alone.
        half: with so many in the batch, each runs at half of that speed.
        prompt: how many prompt tokens take the time of one generated one.
        watermark: a request is let in if the pool is then filled to at most this share.
    """

    seats: int = 8
    pool: int = 16_384
    alone: float = 40.0
    half: float = 16.0
    prompt: float = 60.0
    watermark: float = 0.995

    def each(self, running: int) -> float:
        """Generated tokens/s of each of so many requests."""
        return self.alone / (1 + running / self.half)

    @property
    def most(self) -> float:
        """Generated tokens/s of a replica with all seats taken."""
        return self.seats * self.each(self.seats)


@dataclass
class Request:
    """One request on its way; times in seconds, None until they come.

    Attributes:
        arrive_s: when the gateway got it; `search_s` later the engine does.
        generate: tokens that the model will write, if nothing stops it.
        told: what the log says of it besides: client, model, index and so on.
        status: 200, or why it ended otherwise: 429 refused, 499 cancelled, 502 its replica is gone.
    """

    id: str
    arrive_s: float
    prompt_tokens: int
    generate: int
    max_tokens: int
    told: dict[str, Any]
    search_s: float = 0.0
    replica: str | None = None
    started_s: float | None = None
    first_s: float | None = None
    end_s: float | None = None
    status: int | None = None
    done: float = 0.0
    work: float = 0.0
    preempted: int = 0

    @property
    def engine_s(self) -> float:
        """When the engine got it."""
        return self.arrive_s + self.search_s

    @property
    def tokens(self) -> int:
        """Tokens written so far."""
        return math.floor(self.done + _EPSILON)

    @property
    def held(self) -> float:
        """KV-cache tokens that it needs now."""
        return self.prompt_tokens + self.done


@dataclass
class Replica:
    """One engine: what runs, what waits, and its counters under vLLM's names."""

    name: str
    speed: Speed
    now: float = 0.0
    up: bool = True
    running: list[Request] = field(default_factory=list)
    waiting: deque[Request] = field(default_factory=deque)
    preemptions: int = 0
    past_tokens: int = 0
    prompt_tokens: int = 0
    ended: int = 0
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("ttft", "e2e", "queue"), 0.0))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("ttft", "e2e", "queue"), 0))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self.up and self.now < until:
            self._admit()
            step = self._next()
            last = self.now + step > until
            self._pass(until - self.now if last else step)
            self.now = until if last else min(self.now, until)  # a sum of steps may overshoot by a rounding
            self._settle()
        self._admit()
        self.now = until

    def take(self, request: Request) -> None:
        """A request arrives now."""
        request.replica = self.name
        request.work = request.prompt_tokens / self.speed.prompt
        self.waiting.append(request)
        self._admit()

    def cancel(self, request: Request, status: int) -> None:
        """A request that is here ends now, without having been finished."""
        if request in self.running:
            self.running.remove(request)
        else:
            self.waiting.remove(request)
        self.past_tokens += request.tokens
        request.end_s, request.status = self.now, status
        self._admit()

    def die(self) -> None:
        """The process is gone: what it held is lost, and so are its counters."""
        for request in [*self.running, *self.waiting]:
            request.end_s, request.status = self.now, 502
        self.running, self.waiting, self.up = [], deque(), False

    def rise(self) -> None:
        """A new process is ready: it counts from zero."""
        self.up = True
        self.preemptions = self.past_tokens = self.prompt_tokens = self.ended = 0
        self.sums, self.counts = dict.fromkeys(self.sums, 0.0), dict.fromkeys(self.counts, 0)

    def sample(self) -> dict[str, float]:
        """What a scrape finds; of a replica that is gone, only that."""
        if not self.up:
            return {"t_s": self.now, "up": 0}
        blocks = sum(math.ceil(request.held / BLOCK) for request in self.running)
        names = {
            "ttft": "vllm:time_to_first_token_seconds",
            "e2e": "vllm:e2e_request_latency_seconds",
            "queue": "vllm:request_queue_time_seconds",
        }
        found: dict[str, float] = {
            "t_s": self.now,
            "up": 1,
            "vllm:num_requests_running": len(self.running),
            "vllm:num_requests_waiting": len(self.waiting),
            "vllm:kv_cache_usage_perc": round(min(1.0, blocks * BLOCK / self.speed.pool), 4),
            "vllm:num_preemptions_total": self.preemptions,
            "vllm:prompt_tokens_total": self.prompt_tokens,
            "vllm:generation_tokens_total": self.past_tokens
            + sum(r.tokens for r in [*self.running, *self.waiting]),
            "vllm:request_success_total": self.ended,
        }
        for key, name in names.items():
            found[f"{name}_sum"], found[f"{name}_count"] = round(self.sums[key], 3), self.counts[key]
        return found

    def _held(self) -> float:
        return sum(request.held for request in self.running)

    def _admit(self) -> None:
        while self.up and self.waiting and len(self.running) < self.speed.seats:
            request = self.waiting[0]
            room = self.speed.watermark * self.speed.pool - self._held()
            if request.held > room and self.running:
                return
            self.waiting.popleft()
            if request.started_s is None:
                request.started_s = self.now
                self._observe("queue", self.now - request.engine_s)
            self.running.append(request)

    def _next(self) -> float:
        """Seconds until a prompt is read, an answer ends or the pool is full; at least nothing changes before."""
        if not self.running:
            return math.inf
        each = self.speed.each(len(self.running))
        ends = [(r.work if r.work > 0 else r.generate - r.done) / each for r in self.running]
        growing = sum(r.work <= 0 for r in self.running)
        free = self.speed.pool - self._held()
        if growing:
            ends.append(max(0.0, free) / (each * growing))
        return max(0.0, min(ends))

    def _pass(self, seconds: float) -> None:
        if not self.running or seconds <= 0:
            return
        each = self.speed.each(len(self.running)) * seconds
        for request in self.running:
            if request.work > 0:
                request.work = max(0.0, request.work - each)
                if request.work < _EPSILON:
                    request.work = 0.0
            else:
                request.done = min(float(request.generate), request.done + each)
        self.now += seconds

    def _settle(self) -> None:
        for request in list(self.running):
            if request.work <= 0 and request.first_s is None:
                request.first_s = self.now
                request.done = max(request.done, 1.0)  # the prompt's last step gives the first token
                self.prompt_tokens += request.prompt_tokens
                self._observe("ttft", self.now - request.engine_s)
            if request.work <= 0 and request.done >= request.generate - _EPSILON:
                request.done = float(request.generate)
                self.running.remove(request)
                self.past_tokens += request.tokens
                self.ended += 1
                request.end_s, request.status = self.now, 200
                self._observe("e2e", self.now - request.engine_s)
        while len(self.running) > 1 and self._held() >= self.speed.pool - 1e-6:
            last = self.running.pop()
            last.preempted += 1
            last.work = last.held / self.speed.prompt
            self.preemptions += 1
            self.waiting.appendleft(last)

    def _observe(self, what: str, seconds: float) -> None:
        self.sums[what] += seconds
        self.counts[what] += 1
