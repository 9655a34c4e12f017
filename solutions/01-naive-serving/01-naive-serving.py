# ---
# title: One request at a time
# minutes: 95
# objectives: Build a naive LLM server and a load generator, and predict what concurrency does to latency and throughput
# builds: a Flask server around `transformers.generate`, a load generator, the statistics
# needs: {memory_gb: 4, engine: false, own_gib: 1.5}
# ---

# %% [markdown]
# # Lab 01 · One request at a time
#
# A language model in a notebook answers one person. A language model in production answers everybody,
# and everybody comes at once. In this lab you build the simplest server that could work: Flask in front,
# `transformers.generate` behind, **one lock** around the model. Then you load it until it hurts, and you
# learn to say *beforehand*, with pencil and paper, how much it will hurt.
#
# **After this lab you can**
#
# - tell latency from throughput, and report both with percentiles that you computed yourself;
# - predict both with Little's law, before a load test is run;
# - build an HTTP server with OpenAI's request shape that refuses bad input politely and never leaks a traceback;
# - build a closed-loop load generator that you can trust;
# - explain why, on this server, latency grows in a straight line with the number of users.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write two numbers down | 4 |
# | 2 | Build `summarise`: many latencies, five numbers | 12 |
# | 3 | Build `predict`: Little's law | 15 |
# | 4 | Build `read_request`: the front door | 10 |
# | 5 | Build `make_app`: the server | 18 |
# | 6 | Build `closed_loop`: the load generator | 20 |
# | 7 | Measure, and plot prediction against measurement | 6 |
# | 8 | Explain, quiz, and what production would add | 10 |
#
# **Budget.** Two CPU cores and 4 GB of memory; no GPU, no account, no network. The cells marked `%%live`
# run the real model, SmolLM2 with 135 million parameters, for about a minute and a half in all. Everything else answers in seconds.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import asyncio
import json
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import flask
import httpx
import numpy as np

import servelab
from servelab.checks import served
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.load import charts, ledger
from servelab.load.naive import load_backend
from servelab.progress import bar

servelab.setup("01-naive-serving")

# %% [markdown]
# ## Step 1 · Predict
#
# Picture the server: one model, one lock. While it writes an answer for one user, nobody else gets in.
# One user alone is served in, say, one second. Now **eight users** use it at the same time, and each of
# them asks again as soon as the last answer is back.
#
# - **Throughput** is how many requests the *server* finishes per second. With eight users instead of one,
#   how many times as much is it?
# - **Latency** is how many seconds *one user* waits for one answer. With eight users instead of one, how many times as long is it?
#
# The numbers below are an optimist's: eight times the users, eight times the throughput, and nobody waits longer.
# **Replace them by your own guess.** Nobody grades it. In step 7 it is drawn beside what really happened,
# and a guess that was written down teaches more than one that was only thought.

# %% tags=["live"] id="guess"
guess = {"throughput": 8.0, "latency": 1.0}  # times as much with 8 users as with 1: change both numbers

# %% [markdown]
# ## Step 2 · Many latencies, five numbers
#
# A load test gives you a list of latencies. Nobody reads a list, so we summarise it, and the choice of
# summary decides what you see. Here are five requests. Four took about a second, one got stuck:

# %% tags=["output"] id="straggler"
latencies_s = [0.9, 1.1, 1.0, 6.0, 1.2]
print(f"mean   {np.mean(latencies_s):.2f} s")
print(f"median {np.median(latencies_s):.2f} s")

# %% [markdown]
# The mean, 2.04 s, is a latency that *no* request had: it is too long for four of them and far too short for the fifth.
# **Percentiles** say something about real users. The p50 (the median) is the latency that half of the requests stay below;
# the p95 is the one that 95 of 100 stay below. The people above it are your angriest users, so services are usually judged by p95 or p99.
#
# To find a percentile, sort the $n$ values and number them from 0. The $q$-th percentile sits at position $(n-1) \cdot q / 100$.
# If that lies *between* two values, go the same fraction of the way from one to the other. This is linear interpolation,
# what NumPy does unless told otherwise:

# %% tags=["output"] id="percentile-by-hand"
ordered = sorted(latencies_s)
position = (len(ordered) - 1) * 95 / 100
print("sorted   ", ordered)
print(
    f"p95 sits at position {position:.1f}, so {position - 3:.0%} of the way from {ordered[3]} to {ordered[4]}:"
)
print(f"{ordered[3] + (position - 3) * (ordered[4] - ordered[3]):.2f} s")

# %% [markdown]
# ### Your turn: `summarise`
#
# It gets the latencies of all finished requests (seconds, in any order) and `wall_s`, the seconds that the
# whole test took. It returns a dictionary with exactly these keys:
#
# | key | meaning |
# |---|---|
# | `requests_per_s` | throughput: finished requests per second of the test |
# | `mean_s` | mean latency |
# | `p50_s`, `p95_s`, `p99_s` | percentiles, with linear interpolation |
#
# Careful: throughput comes from the wall clock, not from the latencies, because requests overlap. If no request finished, there is nothing
# to summarise: raise `ValueError`. Leave the list as it was, others still need its order. Use NumPy or write the loop yourself, as you like.


# %% tags=["answer"] id="summarise"
def summarise(latencies_s, wall_s):
    """Throughput, mean and percentiles of one load test."""
    ### BEGIN SOLUTION
    if len(latencies_s) == 0:
        raise ValueError("no request finished: there is nothing to summarise")
    p50, p95, p99 = np.percentile(latencies_s, [50, 95, 99])
    return {
        "requests_per_s": len(latencies_s) / wall_s,
        "mean_s": float(np.mean(latencies_s)),
        "p50_s": float(p50),
        "p95_s": float(p95),
        "p99_s": float(p99),
    }
    ### END SOLUTION


# %% tags=["check"] id="summarise-throughput-check" points=2
_got = summarise([2.0, 4.0, 4.0, 4.0], 8.0)
assert sorted(_got) == ["mean_s", "p50_s", "p95_s", "p99_s", "requests_per_s"], (
    f"The dictionary must have the five keys of the table, not {sorted(_got)}."
)
assert abs(_got["requests_per_s"] - 0.5) < 1e-9, (
    f"4 requests in 8 s of wall clock: throughput cannot be {_got['requests_per_s']}."
)
assert abs(_got["mean_s"] - 3.5) < 1e-9, f"The mean of 2, 4, 4, 4 is not {_got['mean_s']}."
### BEGIN HIDDEN TESTS
for _seed, _n in ((11, 1), (12, 7), (13, 240)):
    _values = np.random.default_rng(_seed).lognormal(0.0, 1.0, _n).tolist()
    _wall = 0.3 * _n + 0.17
    _got = summarise(list(_values), _wall)
    assert abs(_got["requests_per_s"] - _n / _wall) < 1e-6, (
        f"Throughput is wrong for {_n} requests that overlapped: which clock tells how long the whole test took?"
    )
    assert abs(_got["mean_s"] - sum(_values) / _n) < 1e-6, f"The mean of {_n} latencies is wrong."
try:
    _got = summarise([], 3.0)
except ValueError:
    _got = "refused"
assert _got == "refused", "summarise([], 3.0) must raise ValueError: there is nothing to summarise."
### END HIDDEN TESTS
print("Throughput and mean: the examples are right.")

# %% tags=["check"] id="summarise-percentiles-check" points=2
_got = summarise([0.9, 1.1, 1.0, 6.0, 1.2], 6.0)
assert abs(_got["p50_s"] - 1.1) < 1e-9, f"The median of the five requests above is not {_got['p50_s']}."
assert abs(_got["p95_s"] - 5.04) < 1e-9, f"The p95 was worked out by hand above, and was not {_got['p95_s']}."
### BEGIN HIDDEN TESTS
_got = summarise([3.0], 1.0)
assert all(abs(_got[_key] - 3.0) < 1e-9 for _key in ("p50_s", "p95_s", "p99_s")), (
    "With a single request, every percentile is that request's latency."
)
_got = summarise([2.0, 1.0, 2.0, 2.0], 1.0)
assert abs(_got["p50_s"] - 2.0) < 1e-9, "Equal latencies count as often as they occur."
_got = summarise([4.0, 1.0], 1.0)
assert abs(_got["p50_s"] - 2.5) < 1e-9, "The median of two values lies between them."
for _seed, _n in ((21, 2), (22, 19), (23, 100), (24, 333)):
    _values = np.random.default_rng(_seed).exponential(1.0, _n).tolist()
    _before = list(_values)
    _got = summarise(_values, 1.0)
    for _q in (50, 95, 99):
        _truth = float(np.percentile(_before, _q))
        assert abs(_got[f"p{_q}_s"] - _truth) < 1e-6, (
            f"p{_q} of {_n} latencies is wrong. Check the order, the position (n-1)*q/100 and the way between two values."
        )
    assert _values == _before, "summarise must not change the list it was given: others still need its order."
### END HIDDEN TESTS
print("Percentiles: the examples are right.")

# %% [markdown]
# ## Step 3 · Little's law
#
# Stand at the door of any system in which things arrive, stay a while, and leave: a shop, a motorway, a server.
# Three averages are tied together, always:
#
# $$L = X \cdot W$$
#
# | | | unit |
# |---|---|---|
# | $L$ | requests inside, on average | requests |
# | $X$ | throughput | requests per second |
# | $W$ | time that a request spends inside | seconds |
#
# The law asks nothing about the system: not in which order it serves, not how the times are distributed.
# Let us watch it hold. Two users, Ada and Ben, send two requests each to a server that needs 2 s for one request and
# serves one at a time. Each pair is (arrives, leaves):

# %% tags=["output"] id="little-by-hand"
stays = {"Ada 1": (0, 2), "Ben 1": (0, 4), "Ada 2": (2, 6), "Ben 2": (4, 8)}

inside = [sum(arrives <= second < leaves for arrives, leaves in stays.values()) for second in range(8)]
L = sum(inside) / 8
X = len(stays) / 8
W = sum(leaves - arrives for arrives, leaves in stays.values()) / len(stays)
print("requests inside, second by second:", inside)
print(f"L = {L} requests    X = {X} requests/s    W = {W} s    X * W = {X * W}")

# %% [markdown]
# (The run is short, so its ends count: Ada's first request met an empty server, and at last Ben was alone. In a loop that goes on and on, every request
# waits like Ada's second, and W is 4 s.)
#
# ### From the law to a prediction
#
# In a **closed loop**, a fixed number of users each send a request, wait for the answer, perhaps think for a while,
# and send the next one. So the number of users never changes, and Little's law holds for the whole loop, in which
# every user is always *either* waiting for an answer *or* thinking:
#
# $$\text{users} = X \cdot (\text{latency} + \text{thinking time})$$
#
# What is $X$? Two things can limit it, and the smaller limit wins:
#
# - **The users.** If nobody ever had to queue, each user would finish one request every *service time + thinking time*.
# - **The server.** With `slots` places, it can finish no more than `slots` requests every *service time*. Our naive server has one slot.
#
# With the throughput known, the law gives the latency. (This is exact if all requests need the same time, and a good
# first estimate if not.)
#
# ### Your turn: `predict`
#
# Return a dictionary with `requests_per_s` and `latency_s`: how long a user waits for one answer, queueing included, thinking *not* included.


# %% tags=["answer"] id="predict"
def predict(users, service_s, slots=1, think_s=0.0):
    """Throughput and latency of a closed loop of users around a server with some slots."""
    ### BEGIN SOLUTION
    limit_of_users = users / (service_s + think_s)
    limit_of_server = slots / service_s
    requests_per_s = min(limit_of_users, limit_of_server)
    return {"requests_per_s": requests_per_s, "latency_s": users / requests_per_s - think_s}
    ### END SOLUTION


# %% tags=["check"] id="predict-naive-check" points=2
_got = predict(1, 2.0)
assert abs(_got["requests_per_s"] - 0.5) < 1e-9, "One user, 2 s a request: a request is finished every 2 s."
assert abs(_got["latency_s"] - 2.0) < 1e-9, (
    "A user who is alone waits for the service time and for nothing else."
)
_got = predict(2, 2.0)
assert abs(_got["requests_per_s"] - 0.5) < 1e-9, (
    "Ada and Ben share one slot: how often does it finish a request?"
)
assert abs(_got["latency_s"] - 4.0) < 1e-9, "Look at Ada's second request above: how long was she waiting?"
### BEGIN HIDDEN TESTS
for _users, _service in ((3, 0.7), (8, 1.3), (25, 0.11), (400, 2.5)):
    _got = predict(_users, _service)
    assert abs(_got["requests_per_s"] * _service - 1) < 1e-6, (
        f"{_users} users, one slot: the throughput of a server that is never idle does not depend on its users."
    )
    assert abs(_got["latency_s"] / (_users * _service) - 1) < 1e-6, (
        f"{_users} users, one slot: does your answer obey Little's law, users = throughput * latency?"
    )
### END HIDDEN TESTS
print("One slot, no thinking: the examples are right.")

# %% tags=["check"] id="predict-general-check" points=2
_got = predict(4, 2.0, think_s=10.0)
assert abs(_got["latency_s"] - 2.0) < 1e-9, (
    f"Four users who think for 10 s never have to queue, and thinking is no part of the latency: not {_got['latency_s']} s."
)
assert abs(_got["requests_per_s"] - 4 / 12) < 1e-9, (
    f"Four users who think for 10 s: how long is one user's round? The throughput is not {_got['requests_per_s']}."
)
_got = predict(8, 2.0, slots=4)
assert abs(_got["requests_per_s"] - 2.0) < 1e-9, (
    f"Four slots of 2 s each, and always somebody waiting: the throughput is not {_got['requests_per_s']}."
)
### BEGIN HIDDEN TESTS
for _users, _service, _slots, _think in (
    (1, 0.5, 8, 0.0),
    (5, 0.5, 8, 0.0),
    (8, 0.5, 8, 0.0),
    (9, 0.5, 8, 0.0),
    (64, 0.5, 8, 0.0),
    (10, 2.0, 1, 30.0),
    (16, 2.0, 1, 30.0),
    (40, 2.0, 1, 30.0),
    (40, 2.0, 3, 5.0),
    (100, 2.0, 3, 30.0),
):
    _got = predict(_users, _service, _slots, _think)
    _case = f"{_users} users, {_service} s service, {_slots} slot(s), {_think} s of thinking"
    _rate = min(_users / (_service + _think), _slots / _service)
    assert abs(_got["requests_per_s"] / _rate - 1) < 1e-6, (
        f"{_case}: the throughput is wrong. Which of the two limits is the smaller?"
    )
    assert abs(_got["latency_s"] / (_users / _rate - _think) - 1) < 1e-6, (
        f"{_case}: the latency does not fit. Users = throughput * (latency + thinking time)."
    )
### END HIDDEN TESTS
print("Slots and thinking: the examples are right.")

# %% [markdown]
# Your function is a small capacity planner. Say that an answer takes 2 s and that people read for 30 s before they ask again.
# How many people can share *one* slot before they notice each other?

# %% tags=["output"] id="reading-users"
for users in (1, 8, 16, 24, 32):
    expected = predict(users, service_s=2.0, think_s=30.0)
    print(
        f"{users:2d} reading: {expected['requests_per_s']:.2f} requests/s, {expected['latency_s']:5.1f} s per answer"
    )

# %% [markdown]
# Up to (2 + 30) / 2 = 16 readers the server has time to spare, and they wait 2 s. That is the **saturation point**. Beyond it
# every further reader adds two seconds to *everybody's* wait, and not one request to the throughput. That knee is what you will look for in every
# load test of this course.

# %% [markdown]
# ## Step 4 · The front door
#
# Now build. Everyone who can reach a server will sooner or later send it rubbish, mostly by accident. A request
# that cannot be served must be refused with **status 400 and a sentence that helps**, before it costs any model time.
# We take OpenAI's shape, because then every client in the world can talk to us:
#
# ```text
# POST /v1/completions        {"prompt": "The capital of France is", "max_tokens": 16}
# 200                         {"choices": [{"text": " Paris.", ...}], "usage": {...}, ...}
# 400                         {"error": {"message": "...", "type": "invalid_request_error", ...}}
# ```
#
# ### Your turn: `read_request`
#
# It gets the raw bytes of a request's body and returns `{"prompt": ..., "max_tokens": ...}`. For everything else it raises `ValueError`
# with a message for the *caller*, which must name the field that is wrong.
#
# - The body must be JSON, and the JSON must be an object. Python's `json.loads` already raises a `ValueError` when the bytes are no JSON.
# - `prompt` is required: a string, and not an empty one.
# - `max_tokens` is a whole number from 1 to `MAX_TOKENS`; without it, 16. Whole means `int`: refuse `2.5`, `"16"` and also `true`,
#   which Python believes to be an `int`.
# - Other fields (`model`, `temperature`, ...) are ignored.

# %% id="limits"
MAX_TOKENS = 256  # the longest answer that one request may ask for


# %% tags=["answer"] id="read-request"
def read_request(raw):
    """The prompt and max_tokens of a request's body, or ValueError with a message for the caller."""
    ### BEGIN SOLUTION
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object with a prompt.")
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise ValueError("prompt is required and must be a string that is not empty.")
    max_tokens = body.get("max_tokens", 16)
    if type(max_tokens) is not int or not 1 <= max_tokens <= MAX_TOKENS:
        raise ValueError(f"max_tokens must be a whole number from 1 to {MAX_TOKENS}.")
    return {"prompt": prompt, "max_tokens": max_tokens}
    ### END SOLUTION


# %% tags=["check"] id="read-request-good-check" points=1
assert read_request(b'{"prompt": "Hello", "max_tokens": 5}') == {"prompt": "Hello", "max_tokens": 5}, (
    "A good request is changed or refused."
)
assert read_request(b'{"prompt": "Hello"}') == {"prompt": "Hello", "max_tokens": 16}, (
    "Without max_tokens, 16 are meant."
)
### BEGIN HIDDEN TESTS
for _body in (
    {"prompt": "x", "max_tokens": 1},
    {"prompt": "x", "max_tokens": 256},
    {"prompt": 'Grüße, 東京! "quoted"\n', "max_tokens": 3},
    {"prompt": "{}", "max_tokens": 16},
):
    _sent = {**_body, "model": "any", "temperature": 0.2, "user": None}
    assert read_request(json.dumps(_sent).encode()) == _body, (
        f"{_sent} is a good request: it must come through with prompt and max_tokens only."
    )
    assert read_request(json.dumps(_sent, ensure_ascii=False).encode()) == _body, (
        "JSON may hold letters of every language."
    )
### END HIDDEN TESTS
print("Good requests: the examples are right.")


# %% id="refusal"
def refusal(raw):
    """What the caller of a bad request is told, or None if the request is let through."""
    try:
        read_request(raw)
    except ValueError as error:
        return str(error)
    return None


# %% tags=["check"] id="read-request-json-check" points=1
assert refusal(b"prompt=Hello") is not None, "A body that is not JSON must be refused."
assert refusal(b'["Hello"]') is not None, "This is JSON, but no object: it must be refused."
### BEGIN HIDDEN TESTS
for _raw in (b"", b"{", b"\xff\xfe{}", b'"Hello"', b"null", b"7", b"[]", b'["prompt"]'):
    assert refusal(_raw) is not None, f"The body {_raw!r} is not a JSON object: refuse it with ValueError."
### END HIDDEN TESTS
print("Not a JSON object: the examples are right.")

# %% tags=["check"] id="read-request-prompt-check" points=1
assert refusal(b'{"max_tokens": 5}') is not None, "A request without a prompt was let through."
assert "prompt" in str(refusal(b'{"max_tokens": 5}')).lower(), "Without a prompt: the message must name the field."
assert "prompt" in str(refusal(b'{"prompt": 7}')).lower(), (
    "A prompt that is a number: refuse, and name the field."
)
### BEGIN HIDDEN TESTS
for _prompt in (None, "", 0, True, ["Hello"], {"text": "Hello"}):
    _raw = json.dumps({"prompt": _prompt}).encode()
    assert "prompt" in str(refusal(_raw)).lower(), (
        f"The body {_raw!r} has no usable prompt: refuse it and name the field."
    )
### END HIDDEN TESTS
print("Bad prompts: the examples are right.")

# %% tags=["check"] id="read-request-tokens-check" points=1
assert "max_tokens" in str(refusal(b'{"prompt": "Hello", "max_tokens": 0}')), (
    "max_tokens starts at 1: refuse 0, and name the field."
)
assert "max_tokens" in str(refusal(b'{"prompt": "Hello", "max_tokens": "16"}')), (
    "A string is not a number: refuse it, and name the field."
)
### BEGIN HIDDEN TESTS
for _value in (-1, 257, 10**9, 2.5, 16.0, float("nan"), [16], True, False):
    _raw = json.dumps({"prompt": "Hello", "max_tokens": _value}).encode()
    assert "max_tokens" in str(refusal(_raw)), (
        f"max_tokens = {_value!r} is not a whole number from 1 to 256: refuse it with ValueError and name the field."
    )
### END HIDDEN TESTS
print("Bad max_tokens: the examples are right.")

# %% [markdown]
# ## Step 5 · The server
#
# Behind the door stands the model. `load_backend(name)` gives you a *back end* with four things:
#
# | | |
# |---|---|
# | `backend.name` | the model's name, for the response |
# | `backend.count_tokens(text)` | how many tokens a text has, for this model |
# | `backend.max_prompt_tokens` | the longest prompt it takes, in tokens |
# | `backend.generate(prompt, max_tokens)` | the work: returns an object with `.text`, `.prompt_tokens`, `.completion_tokens` |
#
# Its name is `"smollm2"` for the real model, or `"toy"`, where a word is a token and every token takes 5 ms.
# The toy is for trying things out quickly:

# %% tags=["output"] id="meet-the-toy"
toy = load_backend("toy")
completion = toy.generate("The capital of France is", 4)
print(
    repr(completion.text), completion.prompt_tokens, "tokens in,", completion.completion_tokens, "tokens out"
)
print("The longest prompt it takes:", toy.max_prompt_tokens, "tokens")

# %% [markdown]
# Why count *tokens*, when characters would be easier? Because tokens are what the model reads, what memory is used for and what is
# billed, and one character can be anything from a quarter of a token to several. A limit in characters turns away good requests and lets bad ones through.
# These three texts are equally long for `len`, but not for the model:

# %% tags=["live"] id="characters-are-not-tokens"
smollm2 = load_backend("smollm2")
for text in (
    "the cat and the dog sat on a mat",
    "qJ7#zW!9xK@4mL$2vB^8nR&5tY*1cD(3",
    "東京は今日も雨が降っている。傘を持っていけばよかった。寒いです。",
):
    print(f"{len(text)} characters, {smollm2.count_tokens(text):2d} tokens   {text}")

# %% [markdown]
# And this is the real model, alone and undisturbed. The first answer after loading can be slower, because memory has to be laid out
# once: that is the **warm-up**, and a fair measurement leaves it out. Look whether yours was.

# %% tags=["live"] id="one-real-answer"
for attempt in ("warm-up", "warm"):
    began = time.perf_counter()
    completion = smollm2.generate("The capital of France is", 16)
    took_s = time.perf_counter() - began
    print(f"{attempt:8s} {took_s:.2f} s for {completion.completion_tokens} tokens: {completion.text!r}")

# %% [markdown]
# Two helpers write the JSON envelopes for you, so that you can think about the server:


# %% id="envelopes"
def error_body(message, kind="invalid_request_error"):
    """The JSON of a refusal, in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def completion_body(completion, model, max_tokens):
    """The JSON of an answer, in OpenAI's shape."""
    finish = "length" if completion.completion_tokens >= max_tokens else "stop"
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "text": completion.text, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": completion.prompt_tokens,
            "completion_tokens": completion.completion_tokens,
            "total_tokens": completion.prompt_tokens + completion.completion_tokens,
        },
    }


# %% [markdown]
# ### Your turn: `make_app`
#
# Return a Flask app with one route, `POST /v1/completions`.
#
# 1. Read the body with your `read_request`. If it raises `ValueError`, answer 400 with `error_body(message)`.
# 2. A prompt of more than `max_prompt_tokens` *tokens*: 400 too, with a message that says how many tokens it has and how many are allowed.
# 3. Generate, and answer 200 with `completion_body(...)`. **One request at a time may be inside `generate`**: a model keeps state while it works.
#    Flask gives every request a thread of its own, so hold one `threading.Lock()` for the whole app. (The toy raises an error if two threads ever get in.)
#    Hold it for `generate` only, because a refusal should not have to queue.
# 4. If anything *unexpected* fails, answer 500 with `error_body(..., "server_error")` and a general sentence. What went wrong inside (exception text, file names, a
#    traceback) is for your logs and not for strangers. And one failure must not stop the next request from being served. (A path that you do not have is
#    nothing unexpected: that stays a 404.)
#
# In Flask, `flask.request.get_data()` is the raw body, and a view may return `(dictionary, status)`: the dictionary becomes JSON. If you log failures,
# the last check prints your log in red: that is as it should be.


# %% tags=["answer"] id="make-app"
def make_app(backend_name):
    """A Flask app that serves one model to many callers, one request at a time."""
    ### BEGIN SOLUTION
    app = flask.Flask("naive")
    backend = load_backend(backend_name)
    lock = threading.Lock()

    @app.post("/v1/completions")
    def completions():
        try:
            wanted = read_request(flask.request.get_data())
        except ValueError as error:
            return error_body(str(error)), 400
        tokens, limit = backend.count_tokens(wanted["prompt"]), backend.max_prompt_tokens
        if tokens > limit:
            return error_body(f"The prompt has {tokens} tokens; at most {limit} are allowed."), 400
        try:
            with lock:
                completion = backend.generate(wanted["prompt"], wanted["max_tokens"])
        except Exception:
            # A service would log the exception here, with the request's id.
            return error_body("The server could not answer this request.", "server_error"), 500
        return completion_body(completion, backend.name, wanted["max_tokens"])

    return app
    ### END SOLUTION


# %% [markdown]
# The checks talk to your server as any client would: over HTTP. `served(app)` runs it on a free port of this machine while its block lasts,
# with a thread for every request.

# %% tags=["check"] id="make-app-good-check" points=2
with served(make_app("toy")) as _url:
    _answer = httpx.post(
        f"{_url}/v1/completions", json={"prompt": "one two three", "max_tokens": 4}, timeout=20
    )
assert _answer.status_code == 200, (
    f"A good request was answered with status {_answer.status_code}: {_answer.text[:300]}"
)
assert _answer.json()["choices"][0]["text"] == toy.generate("one two three", 4).text, (
    "The text is not what the model generated."
)
assert _answer.json()["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, (
    f"3 tokens in and 4 out, and the usage says {_answer.json()['usage']}."
)
### BEGIN HIDDEN TESTS
with served(make_app("toy")) as _url, httpx.Client(base_url=_url, timeout=20) as _client:
    for _prompt, _max_tokens in (("Grüße aus 東京", 2), ("a b c", 16), (" ".join(["word"] * 64), 3)):
        _sent = {"model": "any", "prompt": _prompt, "max_tokens": _max_tokens}
        _answer = _client.post("/v1/completions", json=_sent)
        assert _answer.status_code == 200, (
            f"A prompt of {len(_prompt.split())} tokens was refused; 64 are allowed."
        )
        _body = _answer.json()
        assert _body["choices"][0]["text"] == toy.generate(_prompt, _max_tokens).text, (
            "The text is not what the model generated."
        )
        assert _body["choices"][0]["finish_reason"] == "length", (
            "The finish reason is wrong: was max_tokens passed on?"
        )
        assert _body["model"] == "toy" and _body["object"] == "text_completion", (
            "model or object is missing: use completion_body."
        )
    _answer = _client.post("/v1/completions", content=b'{"prompt": "a b c", "max_tokens": 2}')
    assert _answer.status_code == 200, (
        "A JSON body without a Content-Type header was refused: read the raw bytes."
    )
### END HIDDEN TESTS
print("Good requests over HTTP: the examples are right.")

# %% tags=["check"] id="make-app-bad-check" points=2
_too_long = " ".join(["word"] * 65)
with served(make_app("toy")) as _url, httpx.Client(base_url=_url, timeout=20) as _client:
    for _sent in (b"not JSON", b"{}", json.dumps({"prompt": _too_long}).encode()):
        _answer = _client.post("/v1/completions", content=_sent)
        assert _answer.status_code == 400, (
            f"The body {_sent[:40]!r}... deserves 400, not {_answer.status_code}."
        )
        assert _answer.json()["error"]["message"], "The error has no message."
        assert "Traceback" not in _answer.text, "A traceback reached the caller."
    assert "65" in _answer.json()["error"]["message"], (
        f"A prompt of 65 tokens: the message must say how many *tokens* it has. It says: {_answer.text[:200]}"
    )
### BEGIN HIDDEN TESTS
with served(make_app("toy")) as _url, httpx.Client(base_url=_url, timeout=20) as _client:
    for _sent in (b"", b'["Hello"]', b'{"prompt": 7}'):
        _answer = _client.post("/v1/completions", content=_sent, headers={"Content-Type": "application/json"})
        assert _answer.status_code == 400, f"The body {_sent!r} deserves 400."
        _error = _answer.json()["error"]
        assert _error["message"] and _error["type"] == "invalid_request_error", (
            "Use error_body for every refusal."
        )
        assert "Traceback" not in _answer.text and "site-packages" not in _answer.text, (
            "Something internal reached the caller."
        )
    _answer = _client.post("/v1/completions", json={"prompt": "a" * 5000, "max_tokens": 1})
    assert _answer.status_code == 200, (
        "One very long word is one token for the toy: count tokens, not characters."
    )
    _answer = _client.post("/v1/completions", json={"prompt": "a " * 65, "max_tokens": 1})
    assert _answer.status_code == 400, "65 very short words are 65 tokens: count tokens, not characters."
    assert "64" in _answer.json()["error"]["message"], "The message must say how many tokens are allowed."
# A back end of another kind: a token is a letter, and it takes 40.
with served(make_app("toy-letters")) as _url, httpx.Client(base_url=_url, timeout=20) as _client:
    for _prompt, _status in (("a b " * 9, 200), ("a" * 41, 400), ("a b " * 10 + "c", 400)):
        _answer = _client.post("/v1/completions", json={"prompt": _prompt, "max_tokens": 3})
        assert _answer.status_code == _status, (
            "With a back end that counts otherwise than the toy, and takes other lengths, the wrong prompts are refused. Who knows both?"
        )
        if _status == 400:
            assert "41" in _answer.json()["error"]["message"] and "40" in _answer.json()["error"]["message"], (
                "With another back end the message does not say how many tokens the prompt has, and how many are allowed."
            )
### END HIDDEN TESTS
print("Bad requests over HTTP: the examples are right.")

# %% [markdown]
# Now several callers at once. This cell sends requests from several threads, and keeps the answers in order:


# %% id="at-once"
def post_at_once(url, bodies):
    """Send all bodies at the same moment; the responses, in the order of the bodies."""

    def post(body):
        return httpx.post(f"{url}/v1/completions", json=body, timeout=20)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(post, bodies))


# %% tags=["check"] id="make-app-concurrent-check" points=2
with served(make_app("toy")) as _url:
    _answers = post_at_once(_url, [{"prompt": f"caller {_n}", "max_tokens": 8} for _n in range(4)])
assert [_a.status_code for _a in _answers] == [200] * 4, (
    f"Four callers at once got the statuses {[_a.status_code for _a in _answers]}. (500: who was inside the model together?)"
)
assert [_a.json()["choices"][0]["text"] for _a in _answers] == [
    toy.generate(f"caller {_n}", 8).text for _n in range(4)
], "With four callers at once, somebody got somebody else's answer."
### BEGIN HIDDEN TESTS
with served(make_app("toy")) as _url:
    _bodies = [{"prompt": f"guest {_n}", "max_tokens": 6 + _n} for _n in range(12)]
    _answers = post_at_once(_url, _bodies)
    assert all(_a.status_code == 200 for _a in _answers), "With twelve callers at once some got no answer."
    for _body, _answer in zip(_bodies, _answers):
        assert (
            _answer.json()["choices"][0]["text"] == toy.generate(_body["prompt"], _body["max_tokens"]).text
        ), "With twelve callers at once, somebody got somebody else's answer."
    # While the model is busy for a long time, a refusal must come back first.
    with ThreadPoolExecutor(2) as _pool:
        _long = _pool.submit(
            httpx.post, f"{_url}/v1/completions", json={"prompt": "x", "max_tokens": 256}, timeout=20
        )
        time.sleep(0.2)
        _asked = time.perf_counter()
        httpx.post(f"{_url}/v1/completions", json={"max_tokens": 1}, timeout=20)
        _refused = time.perf_counter()
        assert _long.result().status_code == 200, "A long request got no answer."
        _share = (_refused - _asked) / (time.perf_counter() - _asked)
    assert _share < 0.5, "A bad request had to wait for the model: refuse it before the queue."
### END HIDDEN TESTS
print("Callers at once: the examples are right.")

# %% [markdown]
# One more back end, `"toy-faulty"`, behaves like the toy until a prompt contains the word *crash*. Then its `generate` raises an error,
# as a real model does when memory runs out.

# %% tags=["check"] id="make-app-failure-check" points=2
with served(make_app("toy-faulty")) as _url:
    _answer = httpx.post(f"{_url}/v1/completions", json={"prompt": "please crash now"}, timeout=20)
assert _answer.status_code == 500, f"The model broke, and the status was {_answer.status_code}."
assert "json" in _answer.headers.get("Content-Type", ""), "A failure, too, is answered with error_body, not with Flask's own page."
assert "/srv" not in _answer.text, "The caller was shown what is inside the server."
### BEGIN HIDDEN TESTS
with served(make_app("toy-faulty")) as _url, httpx.Client(base_url=_url, timeout=3) as _client:
    _answer = _client.post("/v1/completions", json={"prompt": "crash"})
    try:
        _error = _answer.json()["error"]
    except ValueError:
        _error = {}
    assert _error.get("message") and _error.get("type") == "server_error", (
        "A failure must be answered in the same JSON shape as a refusal, with type server_error."
    )
    assert not any(
        _word in _answer.text for _word in ("Traceback", "RuntimeError", "Allocator", "site-packages")
    ), "The caller was shown what is inside the server."
    try:
        _status = _client.post("/v1/completions", json={"prompt": "all is well", "max_tokens": 2}).status_code
    except httpx.TimeoutException:
        _status = None
    assert _status == 200, "After one failure the next request was not served: is the lock still held?"
    _status = _client.post("/v1/nowhere", json={}).status_code
    assert _status == 404, "A path that does not exist deserves 404."
### END HIDDEN TESTS
print("A failing model: the examples are right.")

# %% [markdown]
# This is what somebody outside sees of your server. Would you know from these messages what to change?

# %% tags=["output"] id="as-seen-from-outside"
with served(make_app("toy")) as url:
    for body in ({"prompt": "Hello there", "max_tokens": 3}, {"prompt": "word " * 65}):
        response = httpx.post(f"{url}/v1/completions", json=body)
        answer = response.json()
        print(
            response.status_code, answer["choices"][0] if "choices" in answer else answer["error"]["message"]
        )

# %% [markdown]
# ## Step 6 · The load generator
#
# A server is measured by something that plays its users. Ours is a **closed loop**: `concurrency` users, of whom each sends a request, waits for
# the answer, and at once sends the next, until all prompts are used up. So there are always exactly `concurrency` requests under way (until the last
# prompts run out). Waiting is not work, so one thread with `asyncio` can play hundreds of users.
#
# A load generator is a measuring instrument, and most wrong numbers in this field come from wrong instruments. Four ways to get it wrong:
#
# - starting the stopwatch when the request is *planned*, so that the time in your own queue is blamed on the server;
# - sending in **waves**: eight at once, wait for all eight, eight more. The fast ones wait for the slowest, and the load is less than you claim;
# - **helpful clients.** `httpx` gives up after 5 s, and `openai` tries again after an error. A patient user does neither: set the timeout to 300 s or more, and retries to 0;
# - losing failures. A request that failed is a result too, and must not stop the others.
#
# ### Your turn: `closed_loop`
#
# An `async` function that sends every prompt exactly once, as `POST {base_url}/completions` with `model`, `prompt` and `max_tokens`, using `httpx.AsyncClient` or
# `openai.AsyncOpenAI`, as you like. It returns a list with one dictionary per prompt, **in the order of the prompts**:
#
# | key | |
# |---|---|
# | `ok` | `True` if the answer came with status 200 |
# | `text` | the generated text, or `None` if not `ok` |
# | `start_s` | when *this* request was sent, in seconds since the loop began |
# | `latency_s` | from sending this request until its answer was complete (or it failed) |
#
# The clock is `time.perf_counter()`. A hint, if you want one: `asyncio.Semaphore(concurrency)` is a room with that many chairs.


# %% tags=["answer"] id="closed-loop"
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    """Play `concurrency` users until every prompt was sent once; one result per prompt, in order."""
    ### BEGIN SOLUTION
    room = asyncio.Semaphore(concurrency)
    began = time.perf_counter()

    async with httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=concurrency)) as client:

        async def one(prompt):
            body = {"model": model, "prompt": prompt, "max_tokens": max_tokens}
            async with room:
                sent, text = time.perf_counter(), None
                try:
                    response = await client.post(f"{base_url}/completions", json=body)
                    if response.status_code == 200:
                        text = response.json()["choices"][0]["text"]
                except httpx.HTTPError:
                    pass
                done = time.perf_counter()
            return {"ok": text is not None, "text": text, "start_s": sent - began, "latency_s": done - sent}

        return await asyncio.gather(*(one(prompt) for prompt in prompts))
    ### END SOLUTION


# %% [markdown]
# How do you check a measuring instrument? Against something whose true values are known. The **scripted engine** speaks the same HTTP as your server,
# but its token times are set beforehand, and it writes down when every request came and went. Here it has two slots and takes 0.2 s for each request:

# %% id="try-the-loop"
words = [f"prompt {n}" for n in range(6)]
with ScriptedEngine(tokens=4, ttft_s=0.11, itl_s=0.03, slots=2) as engine:
    tried = await closed_loop(engine.base_url, engine.model, words, concurrency=4, max_tokens=4)
    log = {entry["body"]["prompt"]: entry for entry in engine.requests}
for word, mine in zip(words, tried):
    true_s = log[word]["finished_s"] - log[word]["arrived_s"]
    print(f"{word}:  you measured {mine['latency_s']:.2f} s, the engine wrote down {true_s:.2f} s")

# %% tags=["check"] id="closed-loop-count-check" points=3
with ScriptedEngine(tokens=3, ttft_s=0.05, itl_s=0.01) as _engine:
    _prompts = [f"question {_n}" for _n in range(7)]
    _got = await closed_loop(_engine.base_url, _engine.model, list(_prompts), 3, 3)
    _log, _most = _engine.requests, _engine.max_concurrent
assert len(_log) == 7, f"7 prompts, but the engine got {len(_log)} requests. (Is the address {{base_url}}/completions?)"
assert len(_got) == 7, f"7 prompts, but you returned {len(_got)} results."
assert _most <= 3, f"Concurrency 3 was asked for, and {_most} requests were under way at once."
assert sorted(_r["body"]["prompt"] for _r in _log) == _prompts, "Each prompt must be sent once."
### BEGIN HIDDEN TESTS
for _n, _users in ((1, 4), (3, 1), (9, 4), (24, 8), (4, 4)):
    for _ttft in (0.15, 0.6):  # on a busy machine a client may need longer to have all of its requests under way
        with ScriptedEngine(tokens=5, ttft_s=_ttft, itl_s=0.01) as _engine:
            _prompts = [f"hidden question {_i}" for _i in range(_n)]
            _got = await closed_loop(_engine.base_url, _engine.model, list(_prompts), _users, 5)
            _log, _most = _engine.requests, _engine.max_concurrent
        if _most >= min(_n, _users):
            break
    _case = f"{_n} prompts, concurrency {_users}"
    assert len(_log) == _n == len(_got), (
        f"{_case}: the engine got {len(_log)} requests, and you did not return one result for each prompt."
    )
    assert _most <= _users, f"{_case}: {_most} requests were under way at once."
    assert _most == min(_n, _users), (
        f"{_case}: there were never more than {_most} requests under way at once."
    )
    assert all(_r["body"].get("max_tokens") == 5 for _r in _log), (
        f"{_case}: max_tokens did not reach the engine."
    )
    assert all(_r["status"] == 200 for _r in _log), (
        f"{_case}: the engine refused a request: {_log[0]['path']}"
    )
# Answers of different lengths: a free user must send the next request at once.
_long, _short = [1.5], [0.05]
with ScriptedEngine(schedule=[_long] + [_short] * 9) as _engine:
    await closed_loop(_engine.base_url, _engine.model, [f"p{_i}" for _i in range(10)], 2, 1)
    _log = _engine.requests
_before = sum(_r["arrived_s"] < _log[0]["finished_s"] for _r in _log[1:])
assert _before >= 6, (
    "While one user waited for a long answer, the other one stopped asking. Who was it waiting for?"
)
### END HIDDEN TESTS
print("Number of requests and concurrency: the examples are right.")

# %% tags=["check"] id="closed-loop-results-check" points=2
with ScriptedEngine(schedule={"slow": [0.4], "quick": [0.05], "medium": [0.2]}) as _engine:
    _got = await closed_loop(_engine.base_url, _engine.model, ["slow", "quick", "medium"], 3, 1)
    _alone = await closed_loop(_engine.base_url, _engine.model, ["slow"], 1, 1)
assert all(set(_r) >= {"ok", "text", "start_s", "latency_s"} for _r in _got), (
    "Each result needs the four keys of the table."
)
assert _got[0]["text"] == _alone[0]["text"], "The first result must be that of the first prompt."
with ScriptedEngine(tokens=2, faults=[Fault("500", at=1)]) as _engine:
    _prompts = ["one", "two", "three"]
    _got = await closed_loop(_engine.base_url, _engine.model, list(_prompts), 1, 2)
    _fine = {_r["body"]["prompt"]: _r["status"] == 200 for _r in _engine.requests}
assert [_r["ok"] for _r in _got] == [_fine.get(_prompt) for _prompt in _prompts], (
    f"The engine answered one of three requests with status 500, the others well: {_fine}. Your ok is {[_r['ok'] for _r in _got]}."
)
### BEGIN HIDDEN TESTS
from servelab.engine.words import answer_words

_rng = np.random.default_rng(5)
_times = {f"topic {_i}": [float(_t)] for _i, _t in enumerate(_rng.permutation(np.linspace(0.05, 0.4, 12)))}
with ScriptedEngine(schedule=_times) as _engine:
    _got = await closed_loop(_engine.base_url, _engine.model, list(_times), 5, 1)
assert [_r["text"] for _r in _got] == [answer_words(_p, 1)[0] for _p in _times], (
    "The results must be in the order of the prompts, whoever was answered first."
)
assert all(_r["ok"] for _r in _got), "All twelve requests were answered, but some are not ok."
for _kind in ("500", "429", "cut"):
    with ScriptedEngine(tokens=2, ttft_s=0.05, itl_s=0.01, faults=[Fault(_kind, every=3)]) as _engine:
        _got = await closed_loop(_engine.base_url, _engine.model, [f"p{_i}" for _i in range(7)], 2, 2)
        _log = _engine.requests
    assert len(_log) == 7, (
        f"Two of 7 requests failed, and the engine saw {len(_log)} requests: nobody should try again by himself."
    )
    assert sorted(bool(_r["ok"]) for _r in _got) == [False] * 2 + [True] * 5, (
        f"Two of 7 requests failed ({_kind}), and your results show another number of failures."
    )
    assert all((_r["text"] is None) != bool(_r["ok"]) for _r in _got), (
        "text is None exactly where a request failed."
    )
    assert all(_r.get("start_s") is not None and (_r.get("latency_s") or 0) > 0 for _r in _got), (
        "A request that failed was sent at some time and took some time too: start_s or latency_s is missing."
    )
with ScriptedEngine(schedule=[[5.3]]) as _engine:
    _got = await closed_loop(_engine.base_url, _engine.model, ["patience"], 1, 1)
assert _got[0]["ok"], (
    "An answer that took more than 5 s counts as failed. Who gave up: the engine or your client?"
)
### END HIDDEN TESTS
print("Order and failures: the examples are right.")

# %% tags=["check"] id="closed-loop-times-check" points=3
with ScriptedEngine(tokens=3, ttft_s=0.2, itl_s=0.02) as _engine:
    _got = await closed_loop(_engine.base_url, _engine.model, ["a", "b", "c"], 1, 3)
    _log = _engine.requests
assert len(_log) == 3, f"3 prompts, but the engine got {len(_log)} requests: there is nothing to compare with."
_ratio = np.median(
    [_mine["latency_s"] / (_true["finished_s"] - _true["arrived_s"]) for _mine, _true in zip(_got, _log)]
)
assert 0.8 < _ratio < 1.6, (
    f"Your latencies are {_ratio:.2f} times what the engine wrote down. When does your stopwatch start?"
)
### BEGIN HIDDEN TESTS
async def _compared(users, slots, ttft_s):
    """Your latencies as a share of the engine's (median), and how late a start_s is at most, as a share of the whole run."""
    with ScriptedEngine(tokens=3, ttft_s=ttft_s, itl_s=0.02, slots=slots) as engine:
        prompts = [f"p{n}" for n in range(10)]
        got = await closed_loop(engine.base_url, engine.model, list(prompts), users, 3)
        log = {entry["body"]["prompt"]: entry for entry in engine.requests}
    true = [log[prompt] for prompt in prompts]
    ratio = np.median([mine["latency_s"] / (r["finished_s"] - r["arrived_s"]) for mine, r in zip(got, true)])
    first = min(r["arrived_s"] for r in true)
    whole = max(r["finished_s"] for r in true) - first
    off = max(abs(mine["start_s"] - (r["arrived_s"] - first)) / whole for mine, r in zip(got, true))
    return ratio, off


for _users, _slots in ((2, None), (4, 1), (6, 2)):
    # A machine that was busy for a moment is forgiven; a stopwatch that is wrong is wrong each time.
    for _ttft in (0.15, 0.3, 0.6):
        _ratio, _off = await _compared(_users, _slots, _ttft)
        if 0.8 < _ratio < 1.6 and _off < 0.4:
            break
    assert 0.8 < _ratio < 1.6, (
        f"{_users} users: your latencies are not what the engine wrote down. When does your stopwatch start and stop?"
    )
    assert _off < 0.4, (
        f"{_users} users: a start_s is far from the moment at which the engine got that request. Since when do you count?"
    )
### END HIDDEN TESTS
print("Times: the examples are right.")

# %% [markdown]
# ## Step 7 · Measure
#
# Everything is in place: your server with the real model behind it, and your load generator in front. First one user, alone, after a warm-up. The
# mean of these latencies is the **service time**, the only number that your prediction needs. (16 tokens an answer, so that you need not wait long.)
#
# A measurement must not lose its failures: a server that refuses everything is very fast. So each result is looked at first:

# %% id="all-answered"
def all_answered(results):
    """The same results, if every request was answered."""
    failed = sum(not result["ok"] for result in results)
    if failed:
        raise RuntimeError(f"{failed} of {len(results)} requests failed, so these times mean nothing. "
                           "Does your client give up too soon, or does your server refuse? Call it once by hand.")
    return results

# %% tags=["live"] id="service-time"
prompts = [
    "The capital of France is",
    "A good way to learn to cook is",
    "Two plus two makes",
    "Once upon a time there was a king who",
    "My favourite season is",
    "Trains are better than cars because",
    "In the year 2050",
    "The best thing about rain is",
]
app = make_app("smollm2")
with served(app) as url:
    await closed_loop(f"{url}/v1", "smollm2", prompts[:2], 1, 16)  # warm-up
    alone = all_answered(await closed_loop(f"{url}/v1", "smollm2", prompts * 2, 1, 16))

service_s = np.mean([result["latency_s"] for result in alone])
print(f"service time: {service_s:.2f} s")

# %% [markdown]
# From this one number, your `predict` says what 2, 4 and 8 users will get:

# %% tags=["live"] id="the-prediction"
levels = (1, 2, 4, 8)
predicted = [{"concurrency": users, **predict(users, service_s)} for users in levels]
for row in predicted:
    rate, latency_s = row["requests_per_s"], row["latency_s"]
    print(f"users: {row['concurrency']}   {rate:.2f} requests/s, {latency_s:5.2f} s per answer")

# %% [markdown]
# Now the truth. Each user's *first* request meets a server that is just starting to fill up, so it waits less than all that follow. We send
# these requests, too, and leave them out: measuring starts when as many answers have come as there are users.

# %% tags=["live"] id="sweep"
runs, measured = {}, []
with served(app) as url:
    for users in bar(levels, desc="users", unit="level"):
        results = all_answered(await closed_loop(f"{url}/v1", "smollm2", (prompts * 3)[: users + 16], users, 16))
        by_end = sorted((result["start_s"] + result["latency_s"], result["latency_s"]) for result in results)
        window_s = by_end[-1][0] - by_end[users - 1][0]
        steady = [latency_s for _, latency_s in by_end[users:]]
        runs[users] = results
        measured.append({"concurrency": users, **summarise(steady, window_s)})

for row in measured:
    times = ", ".join(f"{name} {row[f'{name}_s']:.2f} s" for name in ("mean", "p50", "p95"))
    print(f"users: {row['concurrency']}   {row['requests_per_s']:.2f} requests/s, {times}")

# %% [markdown]
# ### Prediction against measurement
#
# Three things are drawn over each other: what Little's law predicted from a single user's latency, what your load generator measured, and the guess that
# you wrote down in step 1. The points need not lie exactly on the line: the prediction rests on sixteen requests, and a machine that was busy with something
# else during these sixteen tilts the whole line. What counts is the *shape*. (With sixteen requests a level, a p95 is nearly the maximum. That is why the mean is drawn.)

# %% tags=["live"] id="prediction-chart"
charts.prediction_curves(
    measured,
    predicted,
    guess={
        "concurrency": 8,
        "requests_per_s": guess["throughput"] / service_s,
        "latency_s": guess["latency"] * service_s,
    },
    title="One lock: more users, same throughput, longer waits",
)

# %% [markdown]
# ## Step 8 · Explain
#
# **Why is it a straight line?** The lock lets one request in, so the server finishes one every *service time*, however many wait: throughput is
# flat. By Little's law, users = throughput × latency. If the throughput cannot grow, the latency has to, in step with the users.
#
# You can see the queue in your own run. Each row is one request of the test with 8 users: grey while it waits at the lock, blue while it is
# served. (The client cannot see the lock. But only one request is served at a time, so each is served from the moment the one before it ended.)

# %% tags=["live"] id="queue-chart"
ends_s = sorted(result["start_s"] + result["latency_s"] for result in runs[8])
rows = []
for result in runs[8]:
    end_s = result["start_s"] + result["latency_s"]
    before_s = max((e for e in ends_s if e < end_s), default=0.0)
    rows.append(
        {"arrived_s": result["start_s"], "started_s": max(before_s, result["start_s"]), "finished_s": end_s}
    )
charts.timeline(rows, title="Eight users, one lock")

# %% [markdown]
# The blue bars are drawn so that they cannot overlap. What your data shows is how evenly the answers end, one service time after the other, and that the grey takes up
# most of the picture: of the time that a user waits, seven eighths are spent in the queue.
#
# Does the machine have nothing left to give, then? Ask it. `generate_batch` pushes several prompts through the model *together*:
# one pass makes the next token of all of them. (The fastest of three tries counts: whatever else your machine is doing can only make a try slower.)


# %% tags=["live"] id="what-the-lock-wastes"
def batch_s(size):
    began = time.perf_counter()
    smollm2.generate_batch(prompts[:size], 16)
    return time.perf_counter() - began


fastest_s = {
    size: min(batch_s(size) for _ in range(3)) for size in bar((1, 2, 4, 8), desc="prompts together")
}
for size, seconds in fastest_s.items():
    print(f"{size} together: {seconds:.2f} s, {seconds / fastest_s[1]:.1f} times as long as one, {size / seconds:5.2f} requests/s")
charts.batch_gain(fastest_s, title="What the lock wastes: prompts through the model together")

# %% [markdown]
# Look at the last line: eight answers take nowhere near eight times as long as one. (Compare these lines with each other only: there is no HTTP in
# them, and the fastest try counts.) A pass has a fixed price, however many sequences take part in it: hundreds of operations are started, and **every weight of
# the model is fetched from memory**, 135 million numbers of 2 bytes, 270 MB for each single token. For one sequence, a number that was fetched is used in one
# multiplication and dropped; for eight sequences it is used eight times. Which part of the price is largest depends on the machine. With a small model on a CPU
# it is mostly the operations themselves; with a large model on a GPU the fetching is nearly everything, and the arithmetic units wait for memory.
# The naive server is slow not because the machine is slow, but because the lock keeps its users from sharing that price.
#
# So why not simply collect eight requests and run them as a batch? Because a language model is not like other web services, nor like other
# models: an answer takes dozens to thousands of passes, nobody knows beforehand how many, each pass needs the one before, and until the end the request keeps its
# state (the *KV cache*) in memory. A batch collected that way runs until its longest answer ends, while short ones wait inside and new ones wait outside. Doing it
# right means to let requests in and out *between tokens*. That is what vLLM does, and lab 02 is about it.

# %% [markdown]
# ### Somebody else's numbers, and yours
#
# An earlier course reported for its lab **0.29 requests/s** with naive Flask, **1.19** with vLLM, and **more than 12** after quantising the model and adding
# replicas. Gains in a row multiply: three steps of 2 make 8, not 6. But these are *somebody else's* numbers. The report names neither the load nor the length of
# the answers, and without these, requests/s cannot be compared: an answer of 64 tokens takes four times as many passes as one of 16. So keep your own.
# The **ledger** is a file of your results, each with what produced it, and the labs to come will add to it:

# %% tags=["live"] id="ledger"
backend = f"flask + transformers, {os.cpu_count()} cores, SmolLM2-135M-Instruct bf16"
origin = {"lab": "01-naive-serving", "step": "naive", "backend": backend, "max_tokens": 16}
for row in measured:
    for metric, unit in (("requests_per_s", "requests/s"), ("p50_s", "s"), ("p95_s", "s")):
        ledger.append(metric=metric, value=row[metric], unit=unit, concurrency=row["concurrency"], **origin)

print("somebody else   naive Flask              0.29 requests/s")
print("somebody else   vLLM                     1.19 requests/s")
print("somebody else   with all optimisations  12+   requests/s")
print(
    f"you             naive Flask           {measured[-1]['requests_per_s']:7.2f} requests/s, {measured[-1]['concurrency']} users, 16 tokens"
)
print(f"                {backend}")

# %% [markdown]
# ### Quiz
#
# Five questions about what you just saw. Look back as much as you like.

# %% quiz="llms-in-production/sequential-bottleneck"

# %% quiz="llms-in-production/batching-speedup"

# %% quiz="llms-in-production/compounding-gains"

# %% quiz="llm-infrastructure/llm-vs-classic"

# %% quiz="llm-infrastructure/decode-bottleneck"

# %% [markdown]
# ## What production would add
#
# - **An engine that batches between tokens**, so that the lock goes away: lab 02.
# - **Streaming.** Your users stare at nothing until the last token is there: lab 04.
# - **A limit for the queue.** Yours is endless: with 500 callers, the last one gets an answer long after closing the page. Better to refuse early with 429: lab 10.
# - **Timeouts and cancelling.** When a caller hangs up, your server goes on generating for nobody: lab 04.
# - **More than one process**, health checks, and restarts without lost requests: lab 05.
# - **Metrics and logs**, so that the operator learns about slow answers before the users complain: lab 09.
# - **Open-loop load tests.** Users on the internet do not wait until your server is free before they come. A closed loop slows down together with the
#   server, and so hides the worst: lab 04 sends requests at a fixed rate instead.
#
# **In one paragraph.** Latency is what a user waits, throughput what a server finishes; Little's law ties them together: users = throughput × latency. A server
# that serves one at a time has a fixed throughput of 1 / service time, so its latency grows in step with its users. The machine could do several times more. In the next lab it will.
