# ---
# title: Replicas, probes, autoscaling
# minutes: 150
# objectives: Put replicas behind a load balancer that loses no request when one dies, write manifests that fit a model server, and autoscale it by the rules that Kubernetes applies
# builds: a load balancer before two engines, manifests for a model server, the autoscaler's rules and a policy
# needs: {memory_gb: 8, own_gib: 3.5}
# ---

# %% [markdown]
# # Lab 05 · Replicas, probes, autoscaling
#
# One engine is one accident away from an outage. With two, somebody must decide which of them gets a request, notice that one has died, start a new one, and know when two
# are too few or too many. **Kubernetes** does all of this, by rules that were made for small web servers that start in a second. A model server loads for minutes, holds a whole GPU, and answers for a minute at a time.
# So the defaults are wrong for it, one after the other, and this lab goes through them.
#
# You need no cluster. The load balancer and the engines are real and run here; manifests are checked as strictly as a cluster would and then some; the autoscaler's rules you write yourself.
# If you do have a cluster, the last step applies your manifests to it.
#
# **After this lab you can**
#
# - put a load balancer before replicas so that no request is lost when one of them is killed, and say which ones *cannot* be saved;
# - write a Deployment whose probes, drain and rollout fit a model that takes minutes to load;
# - compute what a HorizontalPodAutoscaler will do, and why it just did nothing;
# - choose a scaling policy by replaying traffic through it, and read its price in GPU-hours;
# - say what two replicas on one machine gain, and what not.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write three numbers down | 5 |
# | 2 | One door: a load balancer | 24 |
# | 3 | Two engines, and one of them dies | 12 |
# | 4 | A Deployment that fits a model | 38 |
# | 5 | What stands around it | 12 |
# | 6 | What an autoscaler computes | 38 |
# | 7 | A policy, and a day of traffic | 16 |
# | 8 | On a cluster; explain; what production would add | 5 |
#
# Steps 1 to 3 and 6 to 7 stand on their own: two sittings are a good idea, with a break before step 4 or step 6.
#
# **Budget.** Two CPU cores and 8 GB of memory; no GPU, no cluster, no account, no network. The cells marked `%%live` run two real engines
# for about two minutes in all. On a machine with a GPU the same cells use it.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import asyncio
import copy
import math
import os
import random
import signal
import socket
import struct
import threading
import time

import httpx
import numpy as np
import servelab
from servelab.checks import partial
from servelab.engine.balancer import Balancer, free_port
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.kubernetes import lint, quantity, read
from servelab.kubernetes import replay as replays
from servelab.kubernetes.rules import argument, pre_stop_s, selects
from servelab.load import charts, closed_loop, ledger, measurements, scaling_charts

servelab.setup("05-kubernetes")

# %% [markdown]
# ## Step 1 · Predict
#
# Three numbers, before you know the answers:
#
# 1. **Two.** One engine has both cores of a machine, and 16 users. Then the same two cores carry *two* engines with a load balancer before them, and the same 16 users. Requests per second: how many times as many?
# 2. **Lost.** 12 users, 72 requests, two replicas. In the middle one replica is killed (`SIGKILL`). With a load balancer that you configured well: how many requests fail?
# 3. **Back.** How many seconds until its replacement answers?
#
# The numbers below are a colleague's, who thinks in web servers. **Replace them by your own.** Nobody grades them.

# %% tags=["live"] id="guess"
guess = {"two": 2.0, "lost": 6, "back": 2}  # change all three

# %% [markdown]
# ## Step 2 · One door
#
# Users know one address. Behind it a **load balancer** accepts each request, chooses a replica, passes the request on, and hands back the answer. In a cluster that is a Service, an ingress or a gateway;
# many of these are **nginx** inside, and nginx is what runs here: Debian's, started from this notebook, on loopback only. You write the two blocks that matter:
#
# ```nginx
# upstream engines {              # a group of replicas, under a name of your choice
#     server 127.0.0.1:18001;
#     server 127.0.0.1:18002;
# }
# server {
#     listen 127.0.0.1:8080;      # with the address: `listen 8080;` would open the port to the whole network
#     location / {
#         proxy_pass http://engines;
#     }
# }
# ```
#
# This runs, and it is not good enough. What you can add:
#
# | directive | where | what it does | without it |
# |---|---|---|---|
# | `least_conn;` or `ip_hash;` or `random two least_conn;` | `upstream` | how a replica is chosen: the one with the fewest open requests; always the same for one client; the better of two drawn by lot | round robin: each in turn |
# | `max_fails=1 fail_timeout=10s` | after a `server` of the `upstream` | after so many failures a replica is left alone for that time | these very values; `max_fails=0` never leaves it alone |
# | `proxy_next_upstream ...;` | `location` | in which cases the request is sent to the *next* replica: `error` (it refused, or broke off before it answered), `timeout`, `http_500`, `http_502`, `http_503`, `http_504`, `http_429`; and `non_idempotent`, see below | `error timeout` |
# | `proxy_read_timeout 60s;` | `location` | how long the replica may be silent | 60 s: less than a long answer that is not streamed |
# | `proxy_http_version 1.1;` | `location` | how nginx speaks to the replica | 1.0 |
# | `proxy_buffering off;` | `location` | pass bytes on as they come | collected where possible |
# | `gzip on;` with `gzip_types ...;` | `server` | compress answers | not compressed |
# | `client_max_body_size 8m;` | `server` | longest request | 1 MB, and status 413 above |
#
# **`non_idempotent`** is the word on which this lab turns. nginx repeats a request on another replica only if that is harmless, and it does not believe this of a `POST`: a payment must not be made twice. Asking a model twice harms nobody, and *all* our requests are `POST`s.
# So you must say that they may be repeated.

# %% [markdown]
# ### Your turn: `balancer_config`
#
# `replicas` is a list such as `["127.0.0.1:18001", "127.0.0.1:18002"]`. Return nginx's text with the two blocks, so that
#
# - it listens on `127.0.0.1` and `port`, and every request arrives at a replica as it was sent, also one with a prompt of 5 MB;
# - a request goes to the replica that is **least busy**;
# - **no whole (not streamed) answer is lost** when a replica dies in the middle, or cannot be reached;
# - a replica that answers **503** ("not now": it still loads, or is leaving) is passed over like one that is dead;
# - a **500** is the client's to see, and is *not* tried elsewhere: a request that breaks one engine would otherwise visit them all;
# - a replica that is gone is not asked again at every request (nginx does this by itself, unless it is told otherwise);
# - an answer that is not streamed may be silent for some minutes (no check waits that long);
# - a stream arrives **in pieces**, also from a server that sends it without chunks, as HTTP/1.0 does.
#
# (In an f-string a brace of the text is written twice: `f"upstream engines {{ ... }}"`.) `balancer` at the end of the cell is part of the check. Leave it as it is.

# %% tags=["answer"] id="balancer"
def balancer_config(replicas, port):
    """nginx's `upstream` and `server` blocks for these replicas, as text."""
    ### BEGIN SOLUTION
    servers = "\n".join(f"    server {replica} max_fails=1 fail_timeout=10s;" for replica in replicas)
    return f"""
upstream engines {{
    least_conn;
{servers}
}}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 8m;
    location / {{
        proxy_pass http://engines;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout http_503 non_idempotent;
        proxy_read_timeout 600s;
        proxy_buffering off;
    }}
}}
"""
    ### END SOLUTION


def balancer(replicas, port):
    """nginx with this configuration, to be used in a `with` block."""
    return Balancer(balancer_config(replicas, port), port)

# %% [markdown]
# Try it on three scripted engines, which answer like vLLM and keep a log. Two are quick, one is slow. Each gets its share:

# %% id="try-balancer"
def addresses(engines):
    return [engine.url.removeprefix("http://") for engine in engines]


async def through(front, count, users, stream=False):
    """So many short questions through a balancer, from so many users at once."""
    questions = [f"Question {number}: what is behind the door?" for number in range(count)]
    return await closed_loop(front.base_url, "scripted", questions, concurrency=users, max_tokens=4, stream=stream, desc="")

# %% tags=["live", "output"] id="spread"
quick, slow = {"ttft_s": 0.02, "itl_s": 0.002}, {"ttft_s": 0.3, "itl_s": 0.01}
with ScriptedEngine(**quick) as one, ScriptedEngine(**quick) as two, ScriptedEngine(**slow) as three:
    with balancer(addresses([one, two, three]), free_port()) as front:
        run = await through(front, 90, 9)
    shares = [len(engine.requests) / 90 for engine in (one, two, three)]
print("failed:", run.summary().errors)
print("the slow one got less than a fifth of the requests:", shares[2] < 0.2)

# %% [markdown]
# And now one of them dies. `kill` ends a scripted engine as `SIGKILL` ends a process: its connections break, without another byte.

# %% tags=["live", "output"] id="one-dies"
with ScriptedEngine(ttft_s=0.1) as one, ScriptedEngine(ttft_s=0.1) as two:
    with balancer(addresses([one, two]), free_port()) as front:
        running = asyncio.create_task(through(front, 60, 8))
        while len(two.requests) < 12 and not running.done():
            await asyncio.sleep(0.01)
        await asyncio.to_thread(two.kill)
        run = await running
        noticed = any("upstream" in line for line in front.complaints())
print("nginx wrote of a replica that failed:", noticed)
print(f"requests: {len(run.results)}, failed: {run.summary().errors}")

# %% tags=["check"] id="balancer-check" points=2
def _ask(front, text="Hello?", **more):
    body = {"model": "scripted", "messages": [{"role": "user", "content": text}], "max_tokens": 3, **more}
    return httpx.post(f"{front.base_url}/chat/completions", json=body, timeout=30, headers={"Authorization": "Bearer of-news"})


with ScriptedEngine(ttft_s=0.01) as _one, ScriptedEngine(ttft_s=0.01) as _two:
    with balancer(addresses([_one, _two]), free_port()) as _front:
        _answers = [_ask(_front) for _ in range(24)]  # by chance alone, one replica gets them all once in eight million times
        _plain = httpx.get(f"{_front.url}/v1/models", timeout=10)
    _log = [*_one.requests, *_two.requests]
_seen = {_answer.status_code for _answer in _answers}
assert _seen == {200}, f"24 questions through your balancer were answered with {sorted(_seen)}."
assert len(_log) == 24 and all(_r["path"] == "/v1/chat/completions" for _r in _log), "The questions did not arrive at the replicas on the path to which they were sent."
assert _one.requests and _two.requests, "One of the two replicas got nothing."
assert _plain.status_code == 200, f"GET /v1/models was answered with {_plain.status_code}."
### BEGIN HIDDEN TESTS
with ScriptedEngine(ttft_s=0.01) as _one:
    with balancer(addresses([_one]), free_port()) as _front:
        _health = httpx.get(f"{_front.url}/health", timeout=10)
assert _health.status_code == 200, "GET /health did not arrive at the replica: every request should, on any path."
assert all(_r["headers"].get("authorization") == "Bearer of-news" for _r in _log), "The Authorization header did not arrive at the replicas."
with ScriptedEngine(ttft_s=0.01, max_model_len=4_000_000) as _one:
    with balancer(addresses([_one]), free_port()) as _front:
        _long = _ask(_front, "word " * 1_000_000)
assert _long.status_code == 200, "A prompt of 5 MB was refused on its way."
with ScriptedEngine(ttft_s=0.03, itl_s=0.03) as _one:
    with balancer(addresses([_one]), free_port()) as _front:
        _body = {"model": "scripted", "messages": [{"role": "user", "content": "Tell me more."}], "max_tokens": 20, "stream": True}
        _times, _whole, _begin = [], b"", time.perf_counter()
        with httpx.stream("POST", f"{_front.base_url}/chat/completions", json=_body, timeout=30) as _response:
            for _data in _response.iter_bytes():
                _times.append(time.perf_counter() - _begin)
                _whole += _data
assert b"[DONE]" in _whole, "A streamed answer did not arrive whole."
assert len(_times) > 5 and _times[0] < 0.5 * _times[-1], "A stream of 20 tokens did not arrive in pieces: something holds it back, or compresses it."


def _old_server(listener):
    """Answers one request in 12 pieces, without chunks, and closes."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for _ in range(12):
            connection.sendall(b"data: " + b"x" * 200 + b"\n\n")
            time.sleep(0.04)


with socket.create_server(("127.0.0.1", 0)) as _listener:
    threading.Thread(target=_old_server, args=(_listener,), daemon=True).start()
    with balancer([f"127.0.0.1:{_listener.getsockname()[1]}"], free_port()) as _front:
        _times, _begin = [], time.perf_counter()
        with httpx.stream("POST", f"{_front.base_url}/completions", json={"prompt": "Go on.", "stream": True}, timeout=30) as _response:
            for _data in _response.iter_bytes():
                _times.append(time.perf_counter() - _begin)
assert len(_times) > 5 and _times[0] < 0.5 * _times[-1], "A stream that a server sends without chunks did not arrive in pieces: it was collected on the way."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="balancer-failover-check" points=3
async def _lost(engines, count, users, victim=None, after=10):
    """How many of so many requests fail, while one engine is killed when it has seen some."""
    with balancer(addresses(engines), free_port()) as front:
        running = asyncio.create_task(through(front, count, users))
        while victim is not None and len(victim.requests) < after and not running.done():
            await asyncio.sleep(0.005)
        if victim is not None:
            await asyncio.to_thread(victim.kill)
        run = await running
    return run.summary().errors


with ScriptedEngine(ttft_s=0.01) as _one, socket.socket() as _nobody:
    _nobody.bind(("127.0.0.1", 0))  # bound, but it does not listen: connections are refused
    with balancer([f"127.0.0.1:{_nobody.getsockname()[1]}", *addresses([_one])], free_port()) as _front:
        _statuses = [_ask(_front).status_code for _ in range(4)]
assert _statuses == [200] * 4, f"One of two replicas refuses connections, and four questions were answered with {_statuses}."
### BEGIN HIDDEN TESTS
class _Breaks:
    """A replica that accepts every connection and breaks it; counts them."""

    def __enter__(self):
        self.listener, self.count = socket.create_server(("127.0.0.1", 0)), 0
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def __exit__(self, *_):
        self.listener.close()


for _users, _after in ((12, 20), (6, 9)):
    with ScriptedEngine(ttft_s=0.12) as _one, ScriptedEngine(ttft_s=0.12) as _two:
        _failed = await _lost([_one, _two], 70, _users, victim=_two, after=_after)
    assert _failed == 0, "Two replicas, one is killed in the middle: whole answers were lost. Which requests may be repeated, and has nginx been told?"
with ScriptedEngine(ttft_s=0.01) as _one, ScriptedEngine(slow_start_s=60) as _two, ScriptedEngine(ttft_s=0.01) as _three:
    assert await _lost([_two, _one, _three], 30, 3) == 0, "One of three replicas answers 503, because it still loads, and clients got to see it."
with ScriptedEngine(ttft_s=0.01, faults=[Fault("500", every=1)]) as _one, ScriptedEngine(ttft_s=0.01) as _two:
    with balancer(addresses([_one, _two]), free_port()) as _front:
        _statuses = [_ask(_front).status_code for _ in range(24)]
    _seen = len(_one.requests) + len(_two.requests)
assert _seen == 24, "A request that was answered with 500 was sent to another replica as well."
assert 500 in _statuses and _statuses.count(200) + _statuses.count(500) == 24, "A status 500 of a replica did not reach the client as it was."
with ScriptedEngine(ttft_s=0.02) as _one, _Breaks() as _broken:
    with balancer([_broken.address, *addresses([_one])], free_port()) as _front:
        _failed = (await through(_front, 60, 4)).summary().errors
    assert _failed == 0, "A replica breaks every connection, and requests were lost."
    assert _broken.count <= 12, "A replica that breaks every connection was asked again and again."
partial(3, 3)
### END HIDDEN TESTS

# %% tags=["check"] id="balancer-spread-check" points=2
async def _shares(speeds, count, users):
    """The share of requests that each of these engines got (seconds to the first token)."""
    engines = [ScriptedEngine(ttft_s=speed, itl_s=0.002).start() for speed in speeds]
    try:
        with balancer(addresses(engines), free_port()) as front:
            await through(front, count, users)
        return [len(engine.requests) / count for engine in engines]
    finally:
        for engine in engines:
            engine.stop()


_got = await _shares([0.05, 0.05], 40, 4)
assert min(_got) > 0.25, f"Two replicas of the same speed got {_got[0]:.0%} and {_got[1]:.0%} of the requests."
### BEGIN HIDDEN TESTS
for _speeds in ([0.4, 0.02], [0.02, 0.4]):
    _got = await _shares(_speeds, 60, 6)
    assert min(_got) < 0.3 < max(_got), "Of two replicas, one is twenty times as slow, and it got nearly as many requests as the other."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# ### What no load balancer can save
#
# A **stream** that has begun cannot be repeated: the reader has half of the answer on the screen. When its replica dies, the connection ends, and that is all. Look at it from the client's side:

# %% tags=["live", "output"] id="stream-cut"
with ScriptedEngine(ttft_s=0.01, itl_s=0.01, faults=[Fault("cut", at=0, after_tokens=4)]) as one, ScriptedEngine(ttft_s=0.01) as two:
    with balancer(addresses([one, two]), free_port()) as front:
        text, ending = b"", "the connection ended properly"
        try:
            with httpx.stream("POST", f"{front.base_url}/chat/completions", json={"model": "scripted", "messages": [{"role": "user", "content": "Go on."}], "max_tokens": 20, "stream": True}) as response:
                for data in response.iter_bytes():
                    text += data
        except httpx.RemoteProtocolError:
            ending = "the connection broke off"
print(f"status {response.status_code}, {text.count(b'content') - 1} pieces of text, [DONE]: {b'[DONE]' in text}; {ending}")

# %% [markdown]
# Status 200 and half an answer. So clients look for `[DONE]` (lab 04), and say that the answer was cut, or ask again.
#
# Lab 04 also warned of proxies that buffer. The whole truth depends on what the replica sends. nginx collects 4 KB of a stream that comes *without* framing, before it passes anything on. vLLM sends its streams in HTTP **chunks**, and these the nginx that runs here (1.22) passes on at once, whether buffering is on or not.
# Compression holds both back, since a compressor waits for more. So switch buffering off, which does not depend on a detail of the replica, do not compress streams, and find out with a clock, from outside.
#
# One more trap stands in the table. `proxy_read_timeout` is 60 s. An answer that is *not* streamed and takes 61 s is a `timeout`, and with `non_idempotent` nginx then asks the next replica **the same question again**, while the first one still works on it. Long answers would double the load exactly when you have least to spare.

# %% [markdown]
# ### Least busy, in turn, or where the prefix is?
#
# | choice | good for | weak at |
# |---|---|---|
# | round robin | requests that are all alike | one long answer, or one slow replica, and a queue grows there while another is idle |
# | least requests (`least_conn`) | answers of different lengths: our case | with several balancers each knows only its own requests; all of them then rush to the newest replica (hence `random two`) |
# | by prefix or session (`hash`, vLLM's router) | long shared prompts: the replica that has the prefix in its KV cache answers the first token much sooner (lab 02) | one popular prefix overloads one replica, and a dead one takes its cache along |
# | by queue and cache (Gateway API inference extension, llm-d, vLLM production stack) | mixed loads: they read each replica's `/metrics` | one more part to run |
#
# A Kubernetes **Service** alone does none of this: it spreads *connections*, at random. A client that keeps its connection open stays with one replica for as long as it likes.

# %% [markdown]
# ## Step 3 · Two engines, and one of them dies
#
# Now the real thing. First **one** engine with all cores of this machine:

# %% tags=["live"] id="one"
from servelab.engine.replicas import Replicas
from servelab.load import watch
from servelab.load.bench import prompts

whole = {"max_tokens": 48, "stream": False, "ignore_eos": True}
with Replicas(1, ["--max-num-seqs", "16"]) as fleet:
    engine = fleet.engines[0]
    await closed_loop(engine.base_url, engine.model, prompts(8), concurrency=8, desc="warming up", **whole)
    single = await closed_loop(engine.base_url, engine.model, prompts(48), concurrency=16, desc="1 replica, 16 users", **whole)
print(f"1 replica: {single.summary().requests_per_s:.2f} requests/s")

# %% [markdown]
# Then the same cores in two halves, an engine on each, and **your** load balancer before them. Everything else stays: the model, the 16 users, their questions.

# %% tags=["live"] id="two"
options = ["--max-num-seqs", "8"]
fleet = Replicas(2, [*options, "--shutdown-timeout", "30"])
front = balancer(fleet.addresses, free_port()).start()
model, backend = fleet.engines[0].model, fleet.engines[0].backend
await closed_loop(front.base_url, model, prompts(8), concurrency=8, desc="warming up", **whole)
double = await closed_loop(front.base_url, model, prompts(48), concurrency=16, desc="2 replicas, 16 users", **whole)
for name, run in (("1 replica, all cores", single), ("2 replicas, half of them each", double)):
    summary = run.summary()
    print(f"{name:31}{summary.requests_per_s:6.2f} requests/s   p50 {summary.e2e_s['p50']:.2f} s   p95 {summary.e2e_s['p95']:.2f} s   failed {summary.errors}")
    ledger.append(
        lab="05-kubernetes", step=name, metric="requests_per_s", value=summary.requests_per_s, unit="requests/s", backend=backend,
        replicas=1 if run is single else 2, concurrency=16, output_tokens=48,
    )
two_over_one = double.summary().requests_per_s / single.summary().requests_per_s
print(f"two on the same machine: {two_over_one:.2f} times as many")

# %% [markdown]
# Two replicas do not add a core. On a machine of their own each would bring its throughput along; here they share one, and what is left over or lost is a matter of how well one process uses all of it. The row is in your ledger as it is.
#
# What the second one *does* buy is this. Twelve users ask in turn, four more read streamed answers, and in the middle one engine is killed:

# %% tags=["live"] id="kill"
async def reader(number):
    """A streamed answer: whether it came to its end."""
    body = {"model": model, "messages": [{"role": "user", "content": f"A long story, number {number}."}], "max_tokens": 240, "ignore_eos": True, "stream": True}
    text = b""
    try:
        async with httpx.AsyncClient(timeout=120) as client, client.stream("POST", f"{front.base_url}/chat/completions", json=body) as response:
            async for data in response.aiter_bytes():
                text += data
    except httpx.HTTPError:
        pass
    return b"[DONE]" in text


begun = time.perf_counter()
with watch(fleet.engines[0].url) as first, watch(fleet.engines[1].url) as second:
    users = asyncio.create_task(closed_loop(front.base_url, model, prompts(72), concurrency=12, desc="12 users", **whole))
    readers = [asyncio.create_task(reader(number)) for number in range(4)]
    await asyncio.sleep(2.5)
    killed_s = time.perf_counter() - begun
    os.kill(fleet.engines[1].pid, signal.SIGKILL)
    under_fire = await users
    ended_well = await asyncio.gather(*readers)
ledger.append(
    lab="05-kubernetes", step="a replica killed", metric="requests_failed", value=under_fire.summary().errors, unit="requests", backend=backend, requests=72, streams_cut=ended_well.count(False),
)
print(f"whole answers: {len(under_fire.results)}, failed: {under_fire.summary().errors}")
print(f"streams: {len(ended_well)}, cut off: {ended_well.count(False)}")

# %% tags=["live"] id="kill-chart"
scaling_charts.replica_load({"replica 1": first, "replica 2": second}, marks=[(killed_s, "replica 2 is killed")], title="Who answers, before and after")

# %% [markdown]
# The requests that the dead replica was answering were asked again, at the other one, and their users noticed nothing but a longer wait. The streams that it was writing are lost (the line above says how many were cut).
#
# In a cluster a new pod would now be started. Here you are the cluster. How long is "now"?

# %% tags=["live"] id="restart"
replacement = fleet.restart(1, options)  # this time without --shutdown-timeout; you will see why
print(f"back after {replacement.ready_s:.0f} s")
ledger.append(lab="05-kubernetes", step="cold start", metric="ready_s", value=replacement.ready_s, unit="s", backend=backend)
charts.prediction_vs_measured(
    guess, {"two": two_over_one, "lost": under_fire.summary().errors, "back": replacement.ready_s}, unit="times, requests, seconds", title="What you wrote down in step 1"
)

# %% [markdown]
# ### Leaving politely
#
# Most replicas do not die. They are *asked* to go: a new version, a node that needs a patch, fewer users at night. Kubernetes then does two things at the same time, without waiting for each other: it takes the pod out of the Service, and sends its processes **`SIGTERM`**. What does vLLM do with requests that it is answering?
#
# Both engines get three requests that are still being answered when `SIGTERM` comes, and half a second later one request more. Engine 1 was started with `--shutdown-timeout 30`, engine 2 without it:

# %% tags=["live"] id="drain"
async def outcome(engine, number):
    """How one request at this very engine ends."""
    body = {"model": model, "messages": [{"role": "user", "content": f"Letter {number}, please."}], "max_tokens": 200, "ignore_eos": True}
    try:
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(f"{engine.base_url}/chat/completions", json=body)
        if answer.status_code != 200:
            return f"status {answer.status_code}"
        return f"status 200, {answer.json()['usage']['completion_tokens']} of 200 tokens"
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"


for engine, name in zip(fleet.engines, ("with --shutdown-timeout 30", "without")):
    asked = [asyncio.create_task(outcome(engine, number)) for number in range(3)]
    await asyncio.sleep(1)
    os.kill(engine.pid, signal.SIGTERM)
    await asyncio.sleep(0.5)
    late = await outcome(engine, 3)
    print(f"SIGTERM {name}:")
    for ending in await asyncio.gather(*asked):
        print(f"    in flight: {ending}")
    print(f"    too late:  {late}")
front.stop()
fleet.stop()

# %% [markdown]
# When we ran this on vLLM 0.32:
#
# - **without the option** `SIGTERM` *aborts*. What was being answered ends at once, in one run with a broken connection, in the next with a 500. The first your load balancer would repeat elsewhere, the second it would not, and streams are cut either way, though nobody had to hurry;
# - **with it** the engine finishes what it has begun, for so many seconds at most. But it still accepts connections, and answers new requests with **500**, which your load balancer passes on to the client, as it should.
#
# So a polite end needs both, in this order: first *everybody stops sending* (the replica is taken out of the load balancer, which takes some seconds to reach all of them), then `SIGTERM`, then patience. The next step writes that down.

# %% quiz="llm-infrastructure/first-reading"

# %% [markdown]
# ## Step 4 · A Deployment that fits a model
#
# Everything so far you did by hand: start, watch, pass over, replace, ask to leave. Kubernetes does it from a description. You say what should *be* there; controllers compare that with what is, for ever, and close the gap. The description of replicas is a **Deployment**.
#
# A colleague has taken one from a web service. Read it, and guess what will go wrong, before you run the next cell.

# %% id="draft"
DRAFT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: vllm
spec:
  replicas: 2
  selector:
    matchLabels: {app: vllm}
  template:
    metadata:
      labels: {app: vlm}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai
          args: ["--model", "Qwen/Qwen2.5-7B-Instruct", "--shutdown-timeout", "60"]
          ports:
            - {name: http, containerPort: 8000}
          resources:
            requests: {nvidia.com/gpu: 1, memory: 24Gi}
            limits: {nvidia.com/gpu: 2, memory: 24GB}
          livenessProbe:
            httpGet: {path: /health, port: web}
            tcpSocket: {port: 8000}
          lifecycle:
            preStop: {sleep: {seconds: 10}}
"""

# %% tags=["output"] id="draft-linted"
for finding in lint(DRAFT):
    print(f"- {finding}")

# %% [markdown]
# A cluster refuses some of this at once (the selector, the GPUs, the quantity, two ways to probe). What it accepts is worse: it would run, restart for ever, and answer nobody.
#
# `lint` looks in two passes: Kubernetes' own schemas, *strictly* (no unknown fields, right types), and then rules for what schemas do not say. It is also a command: `servelab manifests lint FILE...`. A schema alone would have passed every line of this draft:

# %% tags=["output"] id="schema-only"
print("from the schema:", [finding.rule for finding in lint(DRAFT) if finding.rule == "schema"])
typo = DRAFT.replace("livenessProbe:", "livenesProbe:")
print("after a typo:   ", next(finding for finding in lint(typo) if finding.rule == "schema"))

# %% [markdown]
# ### What to know
#
# **GPUs are not shared out like CPU.** `nvidia.com/gpu` is an *extended resource*: whole numbers, request equal to limit (or the limit alone). CPU may be overcommitted because a process that gets less of it is only slower. A GPU's memory cannot be taken back from a process that has filled it, and vLLM fills 92 % at its start. There are ways to share a card, and an administrator sets them up in the device plugin, not you in a pod:
# **MIG** cuts an A100 or H100 into up to seven parts with memory and compute of their own; **time slicing** lets several pods take turns, with no wall between their memories. Neither makes a card larger, and two vLLMs that both take 92 % do not fit.
#
# **Three probes, three consequences.** All of them can ask `GET /health`, which vLLM answers with 200 once the model is loaded, and with 503 when its engine has died.
#
# | probe | when it fails `failureThreshold` times, every `periodSeconds` | for a model |
# |---|---|---|
# | `startupProbe` | the container is killed and started again; until it *succeeds once*, the other two are held back | must last longer than the slowest start, or the pod never gets up |
# | `readinessProbe` | the pod gets no more requests, until it succeeds again | quick: nobody should meet a replica that cannot answer |
# | `livenessProbe` | the container is killed and started again | slow: a restart costs minutes, and a busy server is not a dead one |
#
# **Leaving.** When a pod is to go, `preStop` runs first (a sleep of some seconds, in which everyone learns that it is leaving), then comes `SIGTERM`, and `terminationGracePeriodSeconds` after the *beginning of preStop* comes `SIGKILL`, whatever is going on. As you have seen, vLLM finishes what it has begun only with `--shutdown-timeout`, and whoever comes after `SIGTERM` gets a 500: that is what the sleep is for.
#
# **Rolling out without a spare GPU.** `maxSurge` says how many pods more, `maxUnavailable` how many fewer than asked there may be meanwhile. The defaults, 25 % each, want to start a new pod *first*. If all GPUs are taken that pod stays `Pending`, and the rollout hangs.
#
# **Shared memory.** The processes of an engine exchange tensors through `/dev/shm`, of which a container gets 64 MB. A volume of `emptyDir: {medium: Memory, sizeLimit: ...}` mounted there gives it more; it counts as the pod's memory.
#
# **Who sets the number.** With an autoscaler, leave `replicas` out: every `kubectl apply` would set it back.

# %% [markdown]
# ### Your turn: `deployment`
#
# `situation` is a dictionary like this:

# %% id="situation"
SITUATION = {
    "name": "chat",
    "image": "vllm/vllm-openai:v0.24.0",
    "model": "Qwen/Qwen2.5-7B-Instruct",
    "gpus": 1,  # for each replica
    "spare_gpus": 0,  # free in the cluster, beside those that the replicas have
    "memory": "24Gi",  # that a replica needs
    "load_s": 200,  # seconds of the slowest start that was seen
    "answer_s": 45,  # seconds of the longest answer
}

# %% [markdown]
# Return a Deployment for it, as YAML text or as a dictionary (YAML is one way to write dictionaries down; f-strings work well for text). `lint` must find nothing, and:
#
# | | |
# |---|---|
# | names | `metadata.name` is the situation's; one container, with the image; a port 8000 with a name |
# | arguments | `--model`; `--shutdown-timeout` with at least `answer_s`; with several GPUs also `--tensor-parallel-size` |
# | resources | as many GPUs as said; a memory request of at least `memory` |
# | `/dev/shm` | an `emptyDir` of medium `Memory`, with a `sizeLimit` |
# | rollout | with fewer spare GPUs than a replica needs: `maxSurge: 0`, `maxUnavailable: 1`. Otherwise no replica less at any time: `maxUnavailable: 0`, and no more in surplus than the spare GPUs carry (whole numbers, no percentages) |
# | `replicas` | not set |
# | security | `runAsNonRoot: true` (of the pod or the container), and because the user of vLLM's image is root, a `runAsUser` beside it, such as 2000; in the container `allowPrivilegeEscalation: false` and all capabilities dropped |
# | probes | all three ask `/health` on the port. `failureThreshold` x `periodSeconds` is: startup from 1.5 to 4 times `load_s`; readiness at most 15 s; liveness from 60 to 300 s |
# | leaving | `preStop` sleeps 5 to 30 s; the grace period is from 5 to 120 s longer than that sleep and `--shutdown-timeout` together |
#
# The course's own manifests lie in `environment/kubernetes/`; they were written for another situation.

# %% tags=["answer"] id="deployment"
def deployment(situation):
    """A Deployment of vLLM for this situation, as YAML text or as a dictionary."""
    ### BEGIN SOLUTION
    s = situation
    labels = {"app.kubernetes.io/name": s["name"]}
    drain_s = math.ceil(s["answer_s"]) + 5
    args = [f"--model={s['model']}", "--port=8000", f"--shutdown-timeout={drain_s}"]
    if s["gpus"] > 1:
        args.append(f"--tensor-parallel-size={s['gpus']}")
    surge = s["spare_gpus"] // s["gpus"]
    rolling = {"maxSurge": 1, "maxUnavailable": 0} if surge else {"maxSurge": 0, "maxUnavailable": 1}
    health = {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": 5}
    resources = {"nvidia.com/gpu": s["gpus"], "memory": s["memory"]}
    container = {
        "name": "vllm",
        "image": s["image"],
        "args": args,
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": resources, "limits": resources},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": math.ceil(2 * s["load_s"] / 10)},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {
        "terminationGracePeriodSeconds": 10 + drain_s + 10,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000},
        "containers": [container],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": s["name"], "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    ### END SOLUTION

# %% [markdown]
# What does the linter say to yours?

# %% tags=["output"] id="deployment-linted"
findings = lint(deployment(SITUATION))
for finding in findings:
    print(f"- {finding}")
print(f"{len(findings)} findings")

# %% tags=["check"] id="deployment-check" points=3
def _the_deployment(situation):
    """The Deployment for a situation, its pod's spec and its container; None where there is no such thing."""
    documents = read(deployment(dict(situation)))
    if len(documents) != 1 or documents[0]["kind"] != "Deployment" or lint(*documents):
        return None
    spec = documents[0]["spec"]
    containers = spec["template"]["spec"]["containers"]
    return documents[0], spec, spec["template"]["spec"], containers[0] if len(containers) == 1 else {}


def _meets(situation, what):
    """Whether the Deployment for a situation meets one of the requirements."""
    found = _the_deployment(situation)
    if found is None:
        return what != "lint"  # told once, and not by everything that follows
    document, spec, pod, container = found
    gpus, spare = situation["gpus"], situation["spare_gpus"]
    resources, own = container.get("resources", {}), container.get("securityContext", {})
    if what == "names":
        ports = [port for port in container.get("ports", []) if port.get("containerPort") == 8000 and port.get("name")]
        return document["metadata"]["name"] == situation["name"] and container.get("image") == situation["image"] and bool(ports)
    if what == "model":
        words = [word for part in [*container.get("command", []), *container.get("args", [])] for word in str(part).split()]
        return situation["model"] in words or f"--model={situation['model']}" in words
    if what == "tensor parallel":
        given = argument(container, "--tensor-parallel-size") or argument(container, "-tp") or "1"
        return given == str(gpus)
    if what == "gpus":
        return quantity(resources.get("limits", {}).get("nvidia.com/gpu", 0)) == gpus
    if what == "memory":
        return quantity(resources.get("requests", {}).get("memory", 0)) >= quantity(situation["memory"])
    if what == "shared memory":
        mounted = [mount["name"] for mount in container.get("volumeMounts", []) if mount["mountPath"] == "/dev/shm"]
        return any(volume["name"] in mounted and volume.get("emptyDir", {}).get("sizeLimit") for volume in pod.get("volumes", []))
    if what == "rollout":
        rolling = spec.get("strategy", {}).get("rollingUpdate", {})
        surge, fewer = rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%")
        if spec.get("strategy", {}).get("type", "RollingUpdate") != "RollingUpdate" or "%" in f"{surge}{fewer}":
            return False
        return [surge, fewer] == [0, 1] if spare < gpus else fewer == 0 and 1 <= surge <= spare // gpus
    if what == "replicas":
        return "replicas" not in spec
    if what == "security":
        nobody = own.get("runAsNonRoot", pod.get("securityContext", {}).get("runAsNonRoot"))
        user = own.get("runAsUser", pod.get("securityContext", {}).get("runAsUser"))
        return nobody == True and bool(user) and own.get("allowPrivilegeEscalation") == False and "ALL" in own.get("capabilities", {}).get("drop", [])  # noqa: E712
    return True


_REQUIREMENTS = {
    "lint": "It must be one Deployment in which `lint` finds nothing.",
    "names": "Name, image, or a port 8000 with a name: one of them is not as asked.",
    "model": "The container's arguments do not name the model.",
    "tensor parallel": "With several GPUs the engine needs --tensor-parallel-size, with that number.",
    "gpus": "The number of GPUs is not the situation's.",
    "memory": "The memory request is missing, or too small.",
    "shared memory": "What is mounted at /dev/shm has no size limit.",
    "rollout": "maxSurge and maxUnavailable do not fit the spare GPUs.",
    "replicas": "`replicas` is set, and an autoscaler is to set it.",
    "security": "runAsNonRoot, a runAsUser that is not root, allowPrivilegeEscalation or the dropped capabilities are missing.",
}
_findings = lint(deployment(dict(SITUATION)))
assert not _findings, f"`lint` finds in your Deployment: {'; '.join(map(str, _findings[:3]))}"
for _what, _words in _REQUIREMENTS.items():
    assert _meets(SITUATION, _what), _words
### BEGIN HIDDEN TESTS
_draw = random.Random(505)
for _case in range(8):
    _gpus = (1, 2, 4, 1, 8, 2, 1, 4)[_case]
    _other = {
        "name": f"{_draw.choice(['vllm', 'assistant', 'search'])}-{_draw.randrange(90)}", "image": f"registry.example/server:0.{_draw.randrange(10, 40)}.1",
        "model": f"org/model-{_draw.randrange(70)}b", "gpus": _gpus, "spare_gpus": (0, 1, 5, 3, 7, 2, 1, 9)[_case], "memory": f"{_draw.randrange(8, 200)}Gi",
        "load_s": _draw.randrange(60, 1500), "answer_s": _draw.randrange(10, 300),
    }
    for _what, _words in _REQUIREMENTS.items():
        assert _meets(_other, _what), f"A situation with {_gpus} GPU(s) a replica and {_other['spare_gpus']} to spare: {_words}"
partial(3, 3)
### END HIDDEN TESTS

# %% tags=["check"] id="deployment-life-check" points=4
def _lives(situation, what):
    """Whether probes and leaving are as asked."""
    documents = read(deployment(dict(situation)))
    template = documents[0].get("spec", {}).get("template", {}).get("spec", {})
    containers = template.get("containers", [])
    if len(documents) != 1 or len(containers) != 1 or any(finding.rule == "schema" for finding in lint(*documents)):
        return False
    container = containers[0]
    if what in ("startup", "readiness", "liveness"):
        probe = container.get(f"{what}Probe", {})
        names = [port.get("name") for port in container.get("ports", []) if port.get("containerPort") == 8000]
        if probe.get("httpGet", {}).get("path") != "/health" or probe["httpGet"].get("port") not in [8000, *names]:
            return False
        least, most = {"startup": (1.5 * situation["load_s"], 4 * situation["load_s"]), "readiness": (1, 15), "liveness": (60, 300)}[what]
        return least <= probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10) <= most
    drain, hook = argument(container, "--shutdown-timeout") or "", pre_stop_s(container)
    if what == "drain":
        return drain.isdigit() and int(drain) >= situation["answer_s"]
    if what == "hook":
        return hook is not None and 5 <= hook <= 30
    together = (int(drain) if drain.isdigit() else 0) + (hook or 0)
    return 5 <= template.get("terminationGracePeriodSeconds", 30) - together <= 120


_LIFE = {
    "startup": "The startup probe does not ask /health, or gives up too early or too late for this load_s.",
    "readiness": "The readiness probe does not ask /health, or needs more than 15 s.",
    "liveness": "The liveness probe does not ask /health, or kills too early or too late.",
    "drain": "--shutdown-timeout does not cover the longest answer.",
    "hook": "There is no preStop sleep of 5 to 30 s.",
    "grace": "The grace period does not go with preStop and --shutdown-timeout.",
}
_findings = [_finding for _finding in lint(deployment(dict(SITUATION))) if _finding.rule == "schema"]
assert not _findings, f"Before probes can be read: {'; '.join(map(str, _findings[:3]))}"
for _what, _words in _LIFE.items():
    assert _lives(SITUATION, _what), _words
### BEGIN HIDDEN TESTS
_draw = random.Random(506)
for _case in range(8):
    _other = {
        "name": f"model-{_case}", "image": "registry.example/server:1.0.0", "model": "org/model", "gpus": 1, "spare_gpus": _case % 2, "memory": "16Gi",
        "load_s": (45, 90, 133, 240, 600, 901, 1500, 3000)[_case], "answer_s": _draw.randrange(5, 400),
    }
    for _what, _words in _LIFE.items():
        assert _lives(_other, _what), f"A model that loads {_other['load_s']} s and answers {_other['answer_s']} s: {_words}"
partial(4, 4)
### END HIDDEN TESTS

# %% quiz="llm-infrastructure/gpu-request-limit"

# %% [markdown]
# ## Step 5 · What stands around it
#
# | document | what for | mistake that nobody notices at first |
# |---|---|---|
# | `Service` (v1) | one name and address for all ready replicas | a selector that matches nothing, or a `targetPort` that no container has: the name resolves, and nobody answers |
# | `PodDisruptionBudget` (policy/v1) | how many replicas may be taken away *on purpose* at the same time, for example when nodes are drained | `minAvailable: 2` with two replicas: no node can ever be drained. With an autoscaler, any fixed number is wrong at some hour |
# | `PodMonitor` (monitoring.coreos.com/v1, an addition of the Prometheus operator) | Prometheus asks *each* pod for its `/metrics` | scraped through the Service, each scrape would meet another replica |
#
# A budget binds evictions only. It does not hold for rollouts (the Deployment's `strategy` does), nor for accidents.
#
# Their shapes, with what you have to decide left open (`apiVersion`, `kind` and `metadata.name` as everywhere):
#
# ```yaml
# spec:                                  # Service
#   selector: {LABEL: VALUE}
#   ports: [{name: NAME, port: NUMBER, targetPort: NUMBER-OR-NAME}]
# ---
# spec:                                  # PodDisruptionBudget: one of the two, a number or a percentage
#   minAvailable: HOW-MANY
#   maxUnavailable: HOW-MANY
#   selector: {matchLabels: {LABEL: VALUE}}
# ---
# spec:                                  # PodMonitor
#   selector: {matchLabels: {LABEL: VALUE}}
#   podMetricsEndpoints: [{port: NAME-OF-THE-PORT, path: PATH, interval: SECONDS-AS-IN-30s}]
# ```
#
# ### Your turn: `companions`
#
# `workload` is a Deployment (a dictionary). Return these three documents for it, as one YAML text with `---` between them, or as a list of dictionaries. `lint(workload, companions(workload))` must find nothing, and
#
# - all three select what the Deployment's own `spec.selector.matchLabels` selects: not less, and not more. Other labels of its pods (a version, say) change with every release;
# - the Service offers port 80, and leads to the container's **first** port, by its name;
# - the budget allows **one** replica at a time to be taken away, however many there are;
# - the PodMonitor asks that same port for `/metrics`, at least every 15 s: as often as the autoscaler looks.

# %% tags=["answer"] id="companions"
def companions(workload):
    """Service, PodDisruptionBudget and PodMonitor for a Deployment."""
    ### BEGIN SOLUTION
    labels = workload["spec"]["selector"]["matchLabels"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    about = {"name": workload["metadata"]["name"]}
    return [
        {
            "apiVersion": "v1", "kind": "Service", "metadata": about,
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": port}]},
        },
        {
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about,
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
        },
        {
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about,
            "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": port, "path": "/metrics", "interval": "15s"}]},
        },
    ]
    ### END SOLUTION

# %% tags=["check"] id="companions-check" points=3
def _workload(name, labels, port, version=None, number=8000):
    """A sound Deployment with these labels and this name of its port."""
    more = {"version": version} if version else {}
    container = {"name": "main", "image": "registry.example/server:1.0", "ports": [{"name": port, "containerPort": number}, {"name": "debug", "containerPort": 9999}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": {**labels, **more}}, "spec": {"containers": [container]}}},
    }


def _around(workload, what):
    """Whether the three documents for a workload meet one requirement."""
    documents = read(companions(copy.deepcopy(workload)))
    found = {document["kind"]: document["spec"] for document in documents}
    if what == "three":
        return sorted(document["kind"] for document in documents) == ["PodDisruptionBudget", "PodMonitor", "Service"]
    if what == "lint":
        return not lint(workload, documents)
    labels = workload["spec"]["selector"]["matchLabels"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    if what == "selectors":
        chosen = [{"matchLabels": found["Service"]["selector"]}, found["PodDisruptionBudget"]["selector"], found["PodMonitor"]["selector"]]
        strangers = [{key: value for key, value in labels.items() if key != left} for left in labels] + [{**labels, key: "other"} for key in labels]
        mine = all(selects(selector, {**labels, "version": "next"}) for selector in chosen)
        return mine and not any(selects(selector, stranger) for selector in chosen for stranger in strangers)
    if what == "service":
        ports = found["Service"]["ports"]
        return len(ports) == 1 and ports[0]["port"] == 80 and ports[0].get("targetPort") == port
    if what == "budget":
        return found["PodDisruptionBudget"].get("maxUnavailable") == 1
    ends = found["PodMonitor"]["podMetricsEndpoints"]
    seconds = str(ends[0].get("interval", "")).removesuffix("s")
    return len(ends) == 1 and ends[0].get("port") == port and ends[0].get("path", "/metrics") == "/metrics" and seconds.isdigit() and 0 < int(seconds) <= 15


_AROUND = {
    "three": "There must be a Service, a PodDisruptionBudget and a PodMonitor, one of each.",
    "lint": "`lint` finds something in the Deployment and your three documents together.",
    "selectors": "One of the three selects fewer or other pods than the Deployment's selector does.",
    "service": "The Service should offer port 80, and lead to the first port by its name.",
    "budget": "The budget does not allow one replica at a time, however many there are.",
    "monitor": "The PodMonitor should ask the first port, by its name, for /metrics, every 15 s or more often.",
}
_first = _workload("chat", {"app.kubernetes.io/name": "chat"}, "http")
_findings = lint(_first, companions(copy.deepcopy(_first)))
assert not _findings, f"`lint` finds: {'; '.join(map(str, _findings[:3]))}"
for _what, _words in _AROUND.items():
    assert _around(_first, _what), _words
### BEGIN HIDDEN TESTS
for _other in (
    _workload("vllm", {"app": "vllm", "tier": "gpu"}, "api", version="v7"),
    _workload("embedder", {"app.kubernetes.io/name": "embedder", "app.kubernetes.io/part-of": "search"}, "web", number=9000),
    _workload("chat-2", {"run": "chat-2"}, "openai", version="2026-11"),
):
    for _what, _words in _AROUND.items():
        assert _around(_other, _what), f"A Deployment with {len(_other['spec']['selector']['matchLabels'])} label(s) and other names: {_words}"
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 6 · What an autoscaler computes
#
# The **HorizontalPodAutoscaler** (HPA) sets a Deployment's `replicas`. Every 15 seconds it asks for a metric of each pod, and computes. On which metric?
#
# - **Not CPU.** The engine's process polls; its CPU says nothing about a GPU.
# - **Not GPU utilisation.** It is near 100 % as soon as a single request runs.
# - **The queue.** `vllm:num_requests_waiting`, a gauge of each engine. And `vllm:num_requests_running`, how many of its seats are taken.
#
# An HPA cannot read Prometheus. **prometheus-adapter** translates: a rule of its configuration makes a *custom metric* out of a series, under a name without colons. Ours (`environment/kubernetes/adapter-values.yaml`) offers `vllm_num_requests_waiting` and `vllm_num_requests_running`, averaged over 30 s.
# Names that one finds on the web (`vllm_queue_depth`, say) belong to no engine; an HPA that asks for them reports `FailedGetPodsMetric` and does nothing, quietly.

# %% [markdown]
# ### How many?
#
# The idea is one line: if each pod has 1.5 times the target, 1.5 times as many pods are needed. The rest is about pods that cannot say anything. Kubernetes' source does this, for a metric of pods:
#
# 1. Pods that are **leaving** are left out of everything.
# 2. The values of the running pods that have one are averaged: **ratio = average / target**. If no pod has a value, there is no result (`None`).
# 3. If every running pod has a value, and either no pod is pending or the ratio is not above 1: within the **tolerance** (ratio from 0.9 to 1.1; the check does not stand on the border) nothing changes, the result is `current`; otherwise it is **ceil(ratio x number of pods with a value)**.
# 4. Otherwise the gaps are filled, *against* the direction in which it would go. With a ratio **below 1**, every running pod **without a value** counts as exactly the target (pending pods count for nothing). With a ratio **above 1**, every running pod without a value and every **pending** pod counts as 0.
# 5. Then the ratio is computed anew, over all values, the filled ones included. If it is within the tolerance now, or on the other side of 1 than before, the result is `current`. Otherwise it is ceil(new ratio x number of values), except that this must not go the other way: above 1 the result is never less than `current`, below 1 never more.
#
# A vLLM that loads its model is *running* and has no value: it does not listen yet. So while new replicas load, rule 4 keeps the HPA from ordering more and more of them.
#
# With **several metrics** each gives a result, and the largest wins. If some give none: the largest of the others counts only if it is not less than `current`; a scale-down needs them all. If none has a result, nothing changes.

# %% [markdown]
# ### Your turn: `desired_replicas` and `combined`
#
# A pod is `{"state": "running", "value": 7.5}`; the state may be `"running"`, `"pending"` or `"leaving"`, and the value `None`. `wants` is a list of results of `desired_replicas`, some of them perhaps `None`.

# %% tags=["answer"] id="desired"
def desired_replicas(current, pods, target, tolerance=0.1):
    """How many replicas one metric asks for, or None if no pod has a value."""
    ### BEGIN SOLUTION
    running = [pod["value"] for pod in pods if pod["state"] == "running"]
    values = [value for value in running if value is not None]
    if not values:
        return None
    missing = len(running) - len(values)
    pending = sum(pod["state"] == "pending" for pod in pods)
    ratio = sum(values) / len(values) / target
    if missing == 0 and (pending == 0 or ratio <= 1):
        return current if abs(ratio - 1) <= tolerance else math.ceil(ratio * len(values))
    if ratio < 1:
        values += [target] * missing
    else:
        values += [0] * (missing + pending)
    again = sum(values) / len(values) / target
    if abs(again - 1) <= tolerance or (again < 1) != (ratio < 1):
        return current
    wanted = math.ceil(again * len(values))
    return max(wanted, current) if again > 1 else min(wanted, current)
    ### END SOLUTION


def combined(current, wants):
    """How many replicas several metrics ask for together."""
    ### BEGIN SOLUTION
    known = [want for want in wants if want is not None]
    if not known:
        return current
    most = max(known)
    return most if len(known) == len(wants) else max(most, current)
    ### END SOLUTION

# %% [markdown]
# What it should say stands in brackets:

# %% tags=["output"] id="desired-examples"
def pods(*values, pending=0):
    return [{"state": "running", "value": value} for value in values] + [{"state": "pending", "value": None}] * pending


print("two pods with 9 waiting each, target 4 (5):         ", desired_replicas(2, pods(9, 9), 4))
print("the same, and three more are loading (5):           ", desired_replicas(5, pods(9, 9, None, None, None), 4))
print("the queue is empty, one replica does not answer (1):", desired_replicas(4, pods(0, 0, 0, None), 4))
print("4.3 waiting on average (3):                         ", desired_replicas(3, pods(4, 5, 4), 4))
print("one metric says 2, the other is missing (5):        ", combined(5, [2, None]))

# %% tags=["check"] id="desired-check" points=4
def _states(text):
    """Pods from a short notation: `9 9 - p x`: values, a running pod without one, a pending one, one that is leaving."""
    letters = {"-": ("running", None), "p": ("pending", None), "x": ("leaving", 50)}
    return [dict(zip(("state", "value"), letters.get(word) or ("running", float(word)))) for word in text.split()]


def _wants(current, text, target, wanted, **more):
    return desired_replicas(current, _states(text), target, **more) == wanted


for _current, _text, _target, _wanted in ((2, "9 9", 4, 5), (5, "9 9 - - -", 4, 5), (4, "0 0 0 -", 4, 1), (3, "4 5 4", 4, 3), (4, "1 1 1 1", 4, 1)):
    _got = desired_replicas(_current, _states(_text), _target)
    assert _got == _wanted, f"{_current} replicas, values {_text} (- is a running pod without a value), target {_target}: {_wanted}, and yours says {_got}."
assert combined(3, [2, 5, 4]) == 5, "Of several metrics the largest result wins."
### BEGIN HIDDEN TESTS
assert _wants(3, "8 8 8", 4, 6) and _wants(3, "2.5 2 1.5", 4, 2) and _wants(6, "0 0 0 0 0 0", 4, 0), "With a value for every pod, the result is wrong."
assert _wants(4, "4.2 4.2 4.2 4.2", 4, 4) and _wants(4, "3.8 3.8 3.8 3.8", 4, 4) and _wants(4, "5 5 5 5", 4, 5), "Within the tolerance nothing changes; outside it does."
assert _wants(4, "5 5 5 5", 4, 4, tolerance=0.3) and _wants(4, "4.2 4.2 4.2 4.2", 4, 5, tolerance=0.01), "The tolerance that is given is not used."
assert _wants(2, "-", 4, None) and _wants(2, "p p", 4, None) and _wants(1, "x", 4, None) and _wants(0, "", 4, None), "No pod has a value: there is no result."
assert _wants(2, "9 9 x x", 4, 5) and _wants(3, "1 1 1 x", 4, 1), "A pod that is leaving must not count."
assert _wants(5, "2 2 -", 4, 2) and _wants(4, "1 1 - -", 4, 3) and _wants(3, "3 3 -", 4, 3), "Scaling down with pods that have no value: each counts as the target."
assert _wants(4, "20 20 - -", 4, 10) and _wants(4, "10 10 - -", 4, 5) and _wants(4, "6 6 - -", 4, 4), "Scaling up with pods that have no value: each counts as 0."
assert _wants(4, "20 20 p p", 4, 10) and _wants(3, "9 9 p", 4, 5) and _wants(4, "6 6 p p", 4, 4), "Scaling up with pending pods: each counts as 0."
assert _wants(4, "1 1 p p", 4, 1) and _wants(3, "2 2 p", 4, 1) and _wants(4, "1 1 - p", 4, 2), "Scaling down with pending pods: they count for nothing."
assert _wants(9, "20 20 p", 4, 10) and _wants(12, "20 20 p", 4, 12) and _wants(12, "20 20 -", 4, 12), "With gaps filled, a ratio above 1 must never ask for fewer replicas than there are."
assert _wants(1, "1 1 - -", 4, 1) and _wants(2, "1 1 - -", 4, 2), "With gaps filled, a ratio below 1 must never ask for more replicas than there are."
for _wants_, _current, _wanted in (
    ([1, 2], 5, 2), ([None, 7], 5, 7), ([7, None], 5, 7), ([3, None], 5, 5), ([None, None], 5, 5), ([], 5, 5), ([0], 5, 0), ([5, None, 4], 5, 5), ([0, None], 3, 3),
):
    assert combined(_current, list(_wants_)) == _wanted, f"Results of {len(_wants_)} metrics, {_wants_.count(None)} of them without one, are not combined right."
_draw = random.Random(611)
for _case in range(60):
    # The target is a power of two and values are quarters: every step is exact.
    _target, _count = _draw.choice([1, 2, 4, 8]), _draw.randrange(1, 9)
    _values = [_draw.randrange(0, 16 * _target) / 4 for _ in range(_count)]
    _ratio = sum(_values) / _count / _target
    if min(abs(_ratio - 0.9), abs(_ratio - 1.1)) < 0.01:
        continue
    _current = _draw.randrange(1, 12)
    _expected = _current if abs(_ratio - 1) <= 0.1 else -(-sum(_values) // _target)
    assert _wants(_current, " ".join(map(str, _values)), _target, _expected), f"{_count} pods with random values, target {_target}: wrong."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ### Now, or a little later?
#
# What the metrics want goes up and down. Between the wish and the deed stand two brakes, for each direction of their own. They are the `behavior` of an HPA:
#
# ```yaml
# behavior:
#   scaleUp:
#     stabilizationWindowSeconds: 0        # the default
#     selectPolicy: Max                    # Max (the default), Min or Disabled
#     policies:
#       - {type: Pods, value: 4, periodSeconds: 15}
#       - {type: Percent, value: 100, periodSeconds: 15}
#   scaleDown:
#     stabilizationWindowSeconds: 300
#     policies:
#       - {type: Percent, value: 100, periodSeconds: 15}
# ```
#
# **First brake: the window.** Up goes only what was wanted *all through* the window of `scaleUp`; down only what was wanted all through that of `scaleDown`:
#
# - `low_mark` = the **smallest** of the present wish and all wishes younger than `scaleUp`'s window;
# - `high_mark` = the **largest** of the present wish and all wishes younger than `scaleDown`'s window;
# - the number that goes on is `current`, raised to `low_mark` if it is below, then lowered to `high_mark` if it is above.
#
# **Second brake: the pace.** For each policy of the direction in which it goes, look back `periodSeconds`:
#
# - `start` = `current` less what was added and plus what was taken away in that time (all changes younger than the period, in either direction);
# - going **up**, a `Pods` policy allows `start + value`, a `Percent` policy `start x (1 + value / 100)`, rounded **up**;
# - going **down**, `start - value`, or `start x (1 - value / 100)`, rounded **down**;
# - `Max` takes the policy that allows the largest change, `Min` the smallest; `Disabled` allows none in this direction.
#
# What is allowed never points backwards: on the way up it is at least `current`, on the way down at most `current`. Last of all, the result stays within `minReplicas` and `maxReplicas`.
#
# **An example.** Six replicas, 20 are wanted, and four of the six were added 10 s ago. With the policies for the way up as above: for both, `start` = 6 - 4 = 2. `Pods` allows 2 + 4 = 6, `Percent` allows 2 x 2 = 4. `Max` takes the larger, 6: nothing happens yet.

# %% [markdown]
# ### Your turn: `decide`
#
# - `wanted`: what `combined` has just said;
# - `wishes`: earlier wishes, a list of `[age_s, replicas]`;
# - `changes`: what was done earlier, a list of `[age_s, change]`, for example `[40, 3]` for three more, `[90, -1]` for one less;
# - `behavior`: as above, complete, with every default filled in; `low` and `high`: `minReplicas` and `maxReplicas`. `current` lies between them.

# %% tags=["answer"] id="decide"
def decide(current, wanted, wishes, changes, behavior, low, high):
    """The number of replicas from now on."""
    ### BEGIN SOLUTION
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    low_mark = min([wanted, *(wish for age, wish in wishes if age < up["stabilizationWindowSeconds"])])
    high_mark = max([wanted, *(wish for age, wish in wishes if age < down["stabilizationWindowSeconds"])])
    goal = min(max(current, low_mark), high_mark)
    rules = up if goal > current else down
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    allowed = []
    for policy in rules["policies"]:
        start = current - sum(change for age, change in changes if age < policy["periodSeconds"])
        sign = 1 if goal > current else -1
        if policy["type"] == "Pods":
            allowed.append(start + sign * policy["value"])
        else:
            share = start * (1 + sign * policy["value"] / 100)
            allowed.append(math.ceil(share) if sign > 0 else math.floor(share))
    far, near = (max, min) if goal > current else (min, max)
    limit = far(allowed) if rules["selectPolicy"] == "Max" else near(allowed)
    if goal > current:
        return min(goal, max(limit, current), high)
    return max(goal, min(limit, current), low)
    ### END SOLUTION

# %% [markdown]
# Again, what it should say stands in brackets:

# %% tags=["output"] id="decide-examples"
usual = replays.complete(None)  # Kubernetes' defaults
print("2 replicas, 20 are wanted (6):                      ", decide(2, 20, [], [], usual, 1, 50))
print("the same 10 s after that (6):                       ", decide(6, 20, [[10, 20]], [[10, 4]], usual, 1, 50))
print("8 replicas, 2 are wanted, 6 a minute ago (6):       ", decide(8, 2, [[60, 6], [400, 8]], [], usual, 1, 50))
gently = replays.complete({"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}})
print("8 replicas, 2 are wanted for long, one a minute (7):", decide(8, 2, [[n, 2] for n in range(15, 315, 15)], [[70, -1]], gently, 1, 50))

# %% tags=["check"] id="decide-check" points=5
def _way(window=0, select="Max", *policies):
    kinds = {"p": "Pods", "%": "Percent"}
    return {
        "stabilizationWindowSeconds": window, "selectPolicy": select,
        "policies": [{"type": kinds[kind], "value": value, "periodSeconds": period} for kind, value, period in policies or (("p", 100, 15),)],
    }


def _decided(current, wanted, wishes=(), changes=(), up=None, down=None, low=1, high=100):
    behavior = {"scaleUp": up or _way(), "scaleDown": down or _way()}
    return decide(current, wanted, [list(w) for w in wishes], [list(c) for c in changes], copy.deepcopy(behavior), low, high)


_got = [_decided(3, 7), _decided(7, 3), _decided(4, 4)]
assert _got == [7, 3, 4], f"Without any brake 3 -> 7, 7 -> 3 and 4 -> 4 should happen at once; yours says {_got}."
_got = _decided(2, 9, up=_way(0, "Max", ("p", 3, 60)))
assert _got == 5, f"2 replicas, 9 wanted, at most 3 pods a minute: 5, not {_got}."
_got = _decided(8, 2, wishes=[[60, 6]], down=_way(300))
assert _got == 6, f"8 replicas, 2 wanted, 6 were wanted a minute ago, window 300 s: 6, not {_got}."
_got = _decided(7, 20, changes=[[20, 2], [90, 4]], up=_way(0, "Max", ("p", 3, 60)))
assert _got == 8, f"7 replicas, 20 wanted, at most 3 pods a minute; 2 were added 20 s ago, 4 more 90 s ago: 8, not {_got}."
_got = _decided(9, 1, down=_way(0, "Max", ("%", 50, 60)))
assert _got == 4, f"9 replicas, 1 wanted, at most half of them a minute: 4, not {_got}."
_got = _decided(9, 1, down=_way(0, "Min", ("%", 50, 60), ("p", 2, 60)), low=8)
assert _got == 8, f"9 replicas, 1 wanted, at least 8: 8, not {_got}."
### BEGIN HIDDEN TESTS
assert _decided(2, 9, [[10, 4], [20, 7]], up=_way(60)) == 4 and _decided(2, 9, [[10, 4], [70, 1]], up=_way(60)) == 4, "The window on the way up takes the smallest wish younger than it."
assert _decided(5, 9, [[10, 3]], up=_way(60)) == 5 and _decided(5, 9, [[10, 3]], up=_way(60), down=_way(60)) == 5, "A smaller wish in the window of scaleUp stops the way up; it does not lead down."
assert _decided(9, 2, [[10, 5], [100, 7], [400, 9]], down=_way(300)) == 7, "The window on the way down takes the largest wish younger than it."
assert _decided(5, 2, [[10, 8]], down=_way(300)) == 5, "A larger wish in the window of scaleDown stops the way down; it does not lead up."
assert _decided(3, 8, [[5, 1]], down=_way(300)) == 8 and _decided(8, 3, [[5, 12]], up=_way(300)) == 3, "A direction's window must not brake the other direction."
assert _decided(5, 9, [[60, 2]], up=_way(60)) == 9 and _decided(9, 5, [[300, 9]], down=_way(300)) == 5, "A wish that is as old as the window is no longer in it."
_mixed = [("p", 4, 60), ("%", 50, 60)]
assert _decided(4, 50, up=_way(0, "Max", *_mixed)) == 8 and _decided(4, 50, up=_way(0, "Min", *_mixed)) == 6, "Max and Min on the way up: the largest and the smallest allowed change."
assert _decided(20, 1, down=_way(0, "Max", *_mixed)) == 10 and _decided(20, 1, down=_way(0, "Min", *_mixed)) == 16, "Max and Min on the way down: the largest and the smallest allowed change."
assert _decided(3, 50, up=_way(0, "Max", ("%", 50, 60))) == 5 and _decided(3, 1, down=_way(0, "Max", ("%", 50, 60))) == 1, "Percent rounds up on the way up, and down on the way down."
assert _decided(7, 1, down=_way(0, "Max", ("%", 25, 60))) == 5 and _decided(1, 9, up=_way(0, "Max", ("%", 25, 60))) == 2, "Percent rounds up on the way up, and down on the way down."
assert _decided(4, 9, up=_way(0, "Disabled")) == 4 and _decided(9, 4, down=_way(0, "Disabled")) == 9, "Disabled forbids a direction."
assert _decided(9, 4, up=_way(0, "Disabled")) == 4 and _decided(4, 9, down=_way(0, "Disabled")) == 9, "Disabled must not forbid the other direction."
_pace = _way(0, "Max", ("p", 3, 60))
assert _decided(5, 9, changes=[[20, 3]], up=_pace) == 5 and _decided(5, 9, changes=[[20, 2]], up=_pace) == 6, "What was added within the period counts against the policy."
assert _decided(5, 9, changes=[[60, 3]], up=_pace) == 8 and _decided(5, 9, changes=[[59, 3]], up=_pace) == 5, "A change that is as old as the period counts no more."
assert _decided(5, 20, changes=[[20, -2]], up=_pace) == 10 and _decided(5, 1, changes=[[20, 2]], down=_pace) == 1, "What was taken away counts on the way up, and what was added on the way down."
assert _decided(9, 20, changes=[[20, 8]], up=_pace) == 9 and _decided(3, 1, changes=[[20, -8]], down=_pace) == 3, "More was changed than is allowed: nothing happens, and nothing goes backwards."
assert _decided(6, 40, changes=[[20, 4], [100, 1]], up=_way(0, "Max", ("%", 100, 60))) == 6 and _decided(6, 40, changes=[[20, 3]], up=_way(0, "Max", ("%", 200, 60))) == 9, "Percent is counted from the number at the period's beginning."
assert _decided(6, 40, changes=[[20, 4]], up=_way(0, "Max", ("p", 2, 15), ("p", 4, 60))) == 8, "Each policy looks back over its own period."
assert _decided(3, 9, high=7) == 7 and _decided(9, 0, low=2) == 2 and _decided(2, 0, low=2) == 2 and _decided(7, 9, high=7) == 7, "The result stays within minReplicas and maxReplicas."
_usual = replays.complete({})
_ways = {"up": _usual["scaleUp"], "down": _usual["scaleDown"]}
assert _decided(3, 40, **_ways) == 7 and _decided(10, 40, **_ways) == 20 and _decided(10, 1, **_ways) == 1, "With Kubernetes' defaults the pace is wrong."
assert _decided(10, 1, [[299, 4]], **_ways) == 4 and _decided(10, 1, [[300, 9]], **_ways) == 1, "With Kubernetes' defaults the window on the way down is wrong."
partial(5, 5)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 7 · A policy, and a day of traffic
#
# You now have the whole controller. What is still open is what to *tell* it. That depends on three things: the traffic, what a replica can do, and how long a new one takes.
#
# What a replica can do was measured: requests per second with 1, 8 and 32 requests in flight, by `servelab bench serving`; between them the replay draws straight lines. Of the course's own measurement it takes the *shape* of that curve: the day's answers are as long as lets a full replica, with 16 seats taken, answer **5 requests/s**. So the replay gives the same numbers everywhere:

# %% tags=["output"] id="calibration"
record = measurements.read("serving-cpu")
replica = replays.calibrated(record, seats=16).scaled(5)
print("in flight  requests/s")
for in_flight in (1, 4, 8, 16):
    print(f"{in_flight:9}{replica.rate(in_flight):12.2f}")

# %% [markdown]
# Yours from lab 02 is drawn beside it, scaled in the same way, if it is in your ledger.

# %% tags=["live"] id="calibration-chart"
rates = {measurements.source_line(record): replica.points}
mine = replays.from_ledger(ledger.latest(lab="02-vllm", metric="requests_per_s"))
if mine:
    rates["your lab 02"] = mine.scaled(5).points
scaling_charts.calibrations(rates, seats=16, title="One replica")

# %% [markdown]
# The traffic is a working day, squeezed into three hours: it rises and falls once, has waves of some minutes, and a spike. `day(seed)` draws one. A new replica answers **150 s** after it was ordered; that is given here, and on a cluster it is the node, the image and the model together.
#
# | part of the replay | how |
# |---|---|
# | arrival | Poisson, second by second; all requests are alike |
# | seat | the replicas have 16 each; who finds none waits, in order |
# | answer | at the measured rate for so many in flight |
# | autoscaler | your three functions, every 15 s, with values that are 15 s old |
# | **late** | waited more than 5 s for a seat |
# | **GPU-hours** | one GPU for each replica, from the order until a minute after its end |
#
# Three policies that people begin with, on one day:

# %% id="policies"
def autoscaler_of(low, high, targets, behavior=None):
    """An HPA as a dictionary. `targets` by metric."""
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": name}, "target": {"type": "AverageValue", "averageValue": str(value)}}} for name, value in targets.items()
    ]
    return {"spec": {"minReplicas": low, "maxReplicas": high, "metrics": metrics, "behavior": behavior or {}}}


def replayed(hpa, seed):
    return replays.replay(hpa, replays.day(seed), (desired_replicas, combined, decide), replica)


BEGINNINGS = {
    "always 16": autoscaler_of(16, 16, {"vllm_num_requests_waiting": 4}),
    "the queue only, defaults": autoscaler_of(2, 16, {"vllm_num_requests_waiting": 4}),
    "no window on the way down": autoscaler_of(
        2, 16, {"vllm_num_requests_waiting": 4, "vllm_num_requests_running": 8}, {"scaleDown": {"stabilizationWindowSeconds": 0}}
    ),
}

# %% tags=["output"] id="beginnings"
print(f"{'':28}{'late':>7}{'GPU-hours':>11}{'changes':>9}")
for name, hpa in BEGINNINGS.items():
    outcome_ = replayed(hpa, 1)
    print(f"{name:28}{outcome_.late:7.1%}{outcome_.gpu_hours:11.1f}{outcome_.changes:9}")

# %% tags=["live"] id="beginnings-chart"
scaling_charts.replayed({name: replayed(hpa, 1).series for name, hpa in list(BEGINNINGS.items())[1:]}, capacity=replica.capacity, title="The same day under two policies")

# %% [markdown]
# Look at the left column. As long as nobody waits, the queue says "zero replicas would do", and after five minutes the HPA believes it. Then there is a queue, a long one, and the HPA orders far too many, for while they load the queue grows on. **A queue tells that you are too few; that you are just enough it cannot tell.**
# For that there is the second metric: with 8 of 16 seats taken on each replica, all is well, and with the *largest of both* neither the empty queue nor the full seats can be overlooked.
#
# On the right, both metrics, but no window: as soon as the queue is gone the HPA takes away the replicas that it has just ordered, and orders them back 150 s too late.

# %% [markdown]
# ### Your turn: `autoscaler`
#
# Write the whole HPA (YAML text or a dictionary) for a Deployment called `name`, with at most `most` replicas. `lint` must find nothing, and
#
# - it scales that Deployment, `maxReplicas` is `most`, and its metrics are of type `Pods`; one of them is `vllm_num_requests_waiting`;
# - its `behavior` says something about both directions;
# - with `most` = 16, on an average day, **at most 5 %** of the requests are late, and it takes **at most 30 GPU-hours**.
#
# The check replays other days than the ones you see, so it allows a little more: 8 % and 31.5 GPU-hours on their average give all points; up to 12 % and 34 GPU-hours give half.
#
# Levers: `minReplicas`; the two targets; both windows; both paces. Change one at a time, and look at both numbers: a lever that looks like more GPU-hours may save some, because who is not too few at the start does not order too many afterwards.
#
# `most` may be small, 2 or even 1, and `minReplicas` may not be above it.

# %% tags=["answer"] id="autoscaler"
def autoscaler(name, most):
    """A HorizontalPodAutoscaler for the Deployment `name`, with at most `most` replicas."""
    ### BEGIN SOLUTION
    return f"""
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: {min(3, most)}
  maxReplicas: {most}
  metrics:
    - type: Pods  # too few
      pods:
        metric: {{name: vllm_num_requests_waiting}}
        target: {{type: AverageValue, averageValue: "8"}}
    - type: Pods  # just enough
      pods:
        metric: {{name: vllm_num_requests_running}}
        target: {{type: AverageValue, averageValue: "7"}}
  behavior:
    scaleUp:
      policies:
        - {{type: Pods, value: 2, periodSeconds: 60}}
    scaleDown:
      stabilizationWindowSeconds: 600
      policies:
        - {{type: Pods, value: 1, periodSeconds: 60}}
"""
    ### END SOLUTION

# %% tags=["live", "output"] id="autoscaler-replayed"
(hpa,) = read(autoscaler("chat", 16))
days = [replayed(hpa, seed) for seed in (1, 2, 3, 4)]
print("day      late  GPU-hours  changes")
for number, outcome_ in enumerate(days, start=1):
    print(f"{number:3}{outcome_.late:10.1%}{outcome_.gpu_hours:11.1f}{outcome_.changes:9}")
print(f"average{np.mean([d.late for d in days]):6.1%}{np.mean([d.gpu_hours for d in days]):11.1f}")
print("goal     5.0%       30.0")

# %% tags=["live"] id="autoscaler-chart"
scaling_charts.replayed(
    {"the queue only, defaults": replayed(BEGINNINGS["the queue only, defaults"], 1).series, "your policy": days[0].series},
    capacity=replica.capacity, title="The same day under two policies",
)

# %% tags=["live"] id="autoscaler-ledger"
for metric, unit, value in (("late", "share", np.mean([d.late for d in days])), ("gpu_hours", "GPU-hours", np.mean([d.gpu_hours for d in days]))):
    ledger.append(lab="05-kubernetes", step="autoscaling (replay)", metric=metric, value=float(value), unit=unit, backend="queueing model, serving-cpu")

# %% tags=["check"] id="autoscaler-check" points=2
def _scales(name, most, what):
    """Whether the HPA for a Deployment meets one requirement."""
    documents = read(autoscaler(name, most))
    labels, container = {"app": name}, {"name": "main", "image": "registry.example/server:1.0"}
    target = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}},
    }
    if len(documents) != 1 or documents[0]["kind"] != "HorizontalPodAutoscaler":
        return False
    if what == "lint":
        return not lint(target, documents)
    spec = documents[0].get("spec", {})
    if what == "target":
        return spec.get("scaleTargetRef", {}).get("name") == name and spec.get("maxReplicas") == most
    if what == "metrics":
        names = [metric.get("pods", {}).get("metric", {}).get("name") for metric in spec.get("metrics", [])]
        return None not in names and "vllm_num_requests_waiting" in names
    return all(spec.get("behavior", {}).get(way) for way in ("scaleUp", "scaleDown"))


_SCALES = {
    "lint": "It must be one HorizontalPodAutoscaler in which `lint` finds nothing, together with the Deployment that it scales.",
    "target": "It should scale the Deployment of that name, up to `most` replicas.",
    "metrics": "Its metrics should be of type Pods, and vllm_num_requests_waiting one of them.",
    "behaviour": "Its behavior should say something about scaleUp and about scaleDown.",
}
_findings = lint(autoscaler("chat", 16))
assert not _findings, f"`lint` finds: {'; '.join(map(str, _findings[:3]))}"
for _what, _words in _SCALES.items():
    assert _scales("chat", 16, _what), _words
### BEGIN HIDDEN TESTS
for _name, _most in (("vllm", 16), ("assistant-7", 4), ("search", 40), ("one", 1)):
    for _what, _words in _SCALES.items():
        assert _scales(_name, _most, _what), f"With another name, and at most {_most} replicas: {_words}"
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="autoscaler-replay-check" points=4
assert len(read(autoscaler("chat", 16))) == 1, "autoscaler should return one document."
### BEGIN HIDDEN TESTS
def _ask_one(current, pods, target, tolerance=0.1):
    running = [pod["value"] for pod in pods if pod["state"] == "running"]
    values = [value for value in running if value is not None]
    missing = len(running) - len(values)
    if not values:
        return None
    ratio = sum(values) / len(values) / target
    if not missing:
        return current if abs(ratio - 1) <= tolerance else math.ceil(ratio * len(values))
    values = values + [target if ratio < 1 else 0] * missing
    again = sum(values) / len(values) / target
    if abs(again - 1) <= tolerance or (again < 1) != (ratio < 1):
        return current
    count = math.ceil(again * len(values))
    return max(count, current) if again > 1 else min(count, current)


def _ask_all(current, wants):
    known = [want for want in wants if want is not None]
    if not known:
        return current
    return max(known) if len(known) == len(wants) else max(*known, current)


def _settle(current, wanted, wishes, changes, behavior, low, high):
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    floor = min([wanted] + [wish for age, wish in wishes if age < up["stabilizationWindowSeconds"]])
    ceiling = max([wanted] + [wish for age, wish in wishes if age < down["stabilizationWindowSeconds"]])
    goal = min(max(current, floor), ceiling)
    sign, rules = (1, up) if goal > current else (-1, down)
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    steps = []
    for policy in rules["policies"]:
        start = current - sum(change for age, change in changes if age < policy["periodSeconds"])
        step = start + sign * policy["value"] if policy["type"] == "Pods" else start * (1 + sign * policy["value"] / 100)
        steps.append(sign * (math.ceil(step) if sign > 0 else math.floor(step)))
    most = max(steps) if rules["selectPolicy"] == "Max" else min(steps)
    limit = sign * max(most, sign * current)
    return min(goal, limit, high) if sign > 0 else max(goal, limit, low)


(_hpa,) = read(autoscaler("chat", 16))
assert not lint(_hpa), "`lint` finds something in the HorizontalPodAutoscaler."
assert _hpa["spec"]["maxReplicas"] == 16, "maxReplicas is not what was asked for."
_days = [replays.replay(_hpa, replays.day(_seed), (_ask_one, _ask_all, _settle), replica) for _seed in (21, 22, 23, 24, 25, 26)]
_late, _hours = float(np.mean([_d.late for _d in _days])), float(np.mean([_d.gpu_hours for _d in _days]))
assert _late <= 0.12, "On other days, too many requests are late: replicas come too late, or go too soon."
assert _hours <= 34, "On other days, it takes too many GPU-hours: more replicas are ordered, or kept, than the traffic needs."
partial(4 if _late <= 0.08 and _hours <= 31.5 else 2, 4)
### END HIDDEN TESTS

# %% [markdown]
# ### Down to nothing?
#
# A replica that nobody uses still holds its GPU. An HPA goes down to one and no further, unless the cluster has the feature `HPAScaleToZero`, and even then a metric *of the pods* cannot wake anybody: with no pod there is no value (rule 2), and the result is "no change", for ever.
# Somebody outside must see the first request: **KEDA** with a metric of the gateway, Knative, or a gateway that holds requests back while it starts a replica. And that request waits for a whole cold start: the node, the image (some gigabytes), the weights, the start of the engine. You measured the last of these in step 3.

# %% quiz="llm-infrastructure/scale-to-zero"

# %% [markdown]
# ## Step 8 · On a cluster
#
# The same documents, on a real cluster, if `kubectl` has one: in a namespace of their own, which is deleted afterwards. Without a cluster the cell says so, and that is all.

# %% tags=["live"] id="cluster"
from servelab.kubernetes import cluster

chat = deployment(SITUATION)
workload = read(chat)[0]
tried = cluster.try_out([chat, companions(workload), autoscaler("chat", 2)], namespace="servelab-lab-05", wait_s=60)

# %% [markdown]
# On a kind cluster without GPUs the pod stays `Pending` with `Insufficient nvidia.com/gpu`: the scheduler has read your limit. A PodMonitor needs the Prometheus operator, and an HPA's metric needs the adapter; without them they are passed over, or show `<unknown>`.
#
# ### What we know now
#
# | claim | what is true |
# |---|---|
# | "two replicas, twice the throughput" | with twice the hardware; on the same cores you measured your own factor (step 3) |
# | "the load balancer handles failures" | for what may be repeated, if it has been told so; never for a stream that has begun (step 2) |
# | "Kubernetes shuts pods down gracefully" | it sends `SIGTERM`; what happens then is the server's choice, and vLLM's default is to abort (step 3) |
# | "add a health check" | three of them, with three consequences, and the wrong one keeps a model from ever starting (step 4) |
# | "autoscale on queue depth" | a queue says when you are too few, and nothing about when you are enough (step 7) |
# | "GPU requests and limits" | equal, whole, and not overcommitted; sharing is the administrator's business (step 4) |
#
# **What production would add**
#
# - **Weights near the node**: a volume with the model, or an image that is there already. Cold starts shrink from minutes to the engine's own start, and every number of step 7 improves with them.
# - **Scaling ahead of time**: office hours are known the day before (a KEDA cron trigger, or a schedule on `minReplicas`). Reacting is for what is not.
# - **Priorities and a limit at the door** (lab 10). In a spike, 429 for some is better than 5 s for all.
# - **A routing layer that reads the engines' metrics**, where prompts share long prefixes.
# - **Alerts on what the HPA cannot do**: `maxReplicas` reached, pods `Pending`, metrics missing (lab 09).
#
# What you measured is in the ledger:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="05-kubernetes"):
    print(f"{row['step']:30} {row['metric']:16} {row['value']:8.3f} {row['unit']:12} {row['backend']}")

# %% [markdown]
# **Next:** lab 06 leaves the engines and looks for the right passage among 24,000 sentences.
