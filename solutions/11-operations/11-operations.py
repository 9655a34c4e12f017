# ---
# title: Operations (cost, quality, incident)
# minutes: 185
# objectives: Find out from metrics and logs what broke, end it and prove that it is over, plan capacity and cost with numbers that multiply, repair a search index, and draw what the whole course has measured
# builds: readings from metrics and an access log, a diagnosis of five incidents, recovery and its proof, a capacity plan, a cost model whose savings multiply, a repaired index, a postmortem
# needs: {memory_gb: 6, own_gib: 1.5}
# ---

# %% [markdown]
# # Lab 11 · Operations: cost, quality, incident
#
# The engine runs, the balancer balances, the search finds. Now it is two in the morning. Something is slow, or wrong, and every graph has a different shape from yesterday's. Later there will be a meeting about the bill, and
# one about the answers that have been getting worse since Tuesday, though no latency has moved.
#
# This lab is those three situations. Five incidents are broken into a fleet, one after the other, and you find them **from metrics and a log alone**: first in recordings, of which the truth is known, then in a real engine, while it suffers. The bill and the capacity you compute with models that have been wrong
# in a colleague's hands. The search index you repair. And at the end the whole course is drawn: what each step has gained, and what it has lost.
#
# **After this lab you can**
#
# - read counters, gauges and an access log, and say what is wrong, where, and since when, with the number that proves it;
# - end an incident where it began, predict when the queue will be gone, and know when you may say that it is over;
# - compute how many sequences and replicas a load needs, in whole numbers;
# - compute what several savings come to together, and see which of them saves nothing;
# - bring a damaged search index back without making all of it anew;
# - write a postmortem that somebody can learn from.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write three numbers down | 4 |
# | 2 | Read what is there | 20 |
# | 3 | What broke? | 50 |
# | 4 | Until it is over | 18 |
# | 5 | Live | 12 |
# | 6 | Write it down | 25 |
# | 7 | How much is enough? | 18 |
# | 8 | What does it cost? | 20 |
# | 9 | Answers that got worse | 11 |
# | 10 | The ledger; explain; what production would add | 9 |
#
# Steps 2 to 6 are the incident, 7 and 8 the bill, 9 the search. Each of the three stands on its own: a break before step 7 or step 9 costs nothing.
#
# **Budget.** Two CPU cores and 6 GB of memory; no GPU, no account, no network. The cells marked `%%live` run one real engine for about a minute, longer where your program takes longer to find the cause. On a machine with a GPU the same cells use it.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that, on other recordings; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import copy
import math
import random
import statistics

import numpy as np
import servelab
from servelab.checks import close, partial
from servelab.load import charts, ledger, operations_charts
from servelab.operations import figures, indexes, replays

servelab.setup("11-operations")

# %% [markdown]
# ## Step 1 · Predict
#
# Three numbers, before you know the answers:
#
# 1. **Gone.** Three replicas, together 640 tokens/s, usually 60 % busy. A client has overrun them, and you shut it out. 100 requests of the others still wait, of 160 tokens each. How many seconds until nobody waits?
# 2. **Saved.** Three changes to a bill: a schedule saves 72 %, four bits save 50 %, a spot price saves 30 %. All three together: how many percent?
# 3. **Found.** A client floods a real engine with long generations. How many seconds until your own program names cause and client?
#
# The numbers below are a colleague's, who adds, and thinks that one sees such a thing at once. **Replace them by your own.** Nobody grades them.

# %% tags=["live"] id="guess"
guess = {"gone": 25, "saved": 152, "found": 1}  # change all three

# %% [markdown]
# ## Step 2 · Read what is there
#
# A **recording** is what an engineer would have before them: ten minutes of a fleet with three replicas, `a`, `b` and `c`, of an engine with 8 seats and room for 16,384 KV-cache tokens each, behind a gateway that gives each request to the next replica in turn. It was made by a simulation,
# from a seed, and all its parts come from the same requests: what arrived was served or waits, counters are sums of requests, latency follows from the queue. So it cannot contradict itself, as some examples in textbooks do.
# (One known quiz has 45 minutes at 120 requests/s of which 10 % were slow, and calls that 5,400 requests. It would be 32,400. And the latency that it gives does not go with its own queue.)
#
# | part | what it is |
# |---|---|
# | `metrics` | by replica, a sample every 10 s: `t_s`, `up` (1, or 0 if nobody answered the scrape), and vLLM's metrics under their own names. A sample with `up` 0 has nothing else |
# | `log` | the gateway's access log: a line for each request that has **ended**, in the order of their ends; `t_s` is when it *came* |
# | `spans` | for every eighth request, where its time went |
# | `until_s` | how many seconds are covered |
#
# The traffic is an ordinary one: it comes in slow waves and once in a shower of some seconds, adapters and indexes get new versions, new clients turn up. Most changes are nobody's fault.

# %% tags=["output"] id="what-is-there"
night = replays.evidence("long generations", 1)
print({name: night[name] for name in ("until_s", "seats", "kv_tokens")}, {name: len(rows) for name, rows in night["metrics"].items()})
print("\na sample of replica a:")
for name, value in night["metrics"]["a"][30].items():
    print(f"  {name:42}{value}")
print("\na line of the log:")
print(" ", next(line for line in night["log"] if line["index"] and line["status"] == 200))
queued = max((span for span in night["spans"] if span["name"] == "queue"), key=lambda span: span["end_s"] - span["start_s"])
print("\nof the traced requests, the one that waited longest in a queue:")
for span in night["spans"]:
    if span["trace"] == queued["trace"]:
        print(f"  {span['name']:8} {span['end_s'] - span['start_s']:7.2f} s")

# %% [markdown]
# What the fields of the log mean that are not obvious:
#
# | field | means |
# |---|---|
# | `model`, `revision` | the adapter that was asked for and its version; `assistant` is the base and has no revision (`None`) |
# | `index` | where text was searched for the prompt; `None` if it was not |
# | `status` | 200; 400 the client's mistake; 429 refused; 499 cancelled; 502 the replica is gone |
# | `valid` | whether an adapter's answer has the form that it should have; `None` for the base, and where there is no answer |
# | `grounded` | whether the passages that were found hold the answer; `None` where nothing was searched |
#
# A trace says where *one* request spent its time. This one spent most of it waiting for others: it is a victim, and to look at it alone tells that there was a queue, not who made it. Whoever looks at slow requests finds victims and culprits side by side.

# %% [markdown]
# ### Your turn: `over` and `per`
#
# Two readings, from which everything else in this lab is made.
#
# **`over(samples, name, start_s, end_s)`** reads one metric of **one** replica. It looks at the samples with `start_s <= t_s <= end_s` that have the metric (others are passed over):
#
# - a name that ends in `_total`, `_sum` or `_count` is a **counter**: return its increase *per second*, from the first of these samples to the last. Between two neighbours it has grown by their difference; or, if the value has *fallen*, a new process counts from zero, and it has grown by the new value. `None` if there are fewer than two samples;
# - anything else is a **gauge**: return the mean of its values, `None` if there is none.
#
# (That is Prometheus's `rate` but for the extrapolation to the borders, and its `avg_over_time`.)
#
# **`per(log, field, start_s, end_s)`** groups the log. For the lines with `start_s <= t_s < end_s`, return a dictionary by the value of `field` (lines where it is `None` are left out), with a dictionary for each:
#
# | key | value |
# |---|---|
# | `requests` | how many lines |
# | `errors` | the share of them with a status of 500 or more |
# | `tokens_per_s` | all their `completion_tokens`, over `end_s - start_s` |
# | `prompt_tokens`, `completion_tokens` | the mean over the lines with status 200; `None` if there is none |
# | `valid`, `grounded` | the share of `True` among those that are not `None`; `None` if there is none |

# %% tags=["answer"] id="readings"
def over(samples, name, start_s, end_s):
    """One metric of one replica in a window: increase per second of a counter, mean of a gauge."""
    ### BEGIN SOLUTION
    found = [(s["t_s"], s[name]) for s in samples if start_s <= s["t_s"] <= end_s and name in s]
    if not name.endswith(("_total", "_sum", "_count")):
        return sum(value for _, value in found) / len(found) if found else None
    if len(found) < 2:
        return None
    values = [value for _, value in found]
    grown = sum(b - a if b >= a else b for a, b in zip(values, values[1:]))
    return grown / (found[-1][0] - found[0][0])
    ### END SOLUTION


def per(log, field, start_s, end_s):
    """The log's lines of a window, grouped by a field: how many, how long, how good."""
    ### BEGIN SOLUTION
    def mean(values):
        values = [value for value in values if value is not None]
        return sum(values) / len(values) if values else None

    groups = {}
    for line in log:
        if start_s <= line["t_s"] < end_s and line[field] is not None:
            groups.setdefault(line[field], []).append(line)
    return {
        name: {
            "requests": len(lines),
            "errors": sum(line["status"] >= 500 for line in lines) / len(lines),
            "tokens_per_s": sum(line["completion_tokens"] for line in lines) / (end_s - start_s),
            "prompt_tokens": mean(line["prompt_tokens"] for line in lines if line["status"] == 200),
            "completion_tokens": mean(line["completion_tokens"] for line in lines if line["status"] == 200),
            "valid": mean(line["valid"] for line in lines),
            "grounded": mean(line["grounded"] for line in lines),
        }
        for name, lines in groups.items()
    }
    ### END SOLUTION

# %% tags=["output"] id="readings-example"
print("tokens/s of each replica, by minute:")
for name, samples in night["metrics"].items():
    print(f"  {name}", [round(over(samples, "vllm:generation_tokens_total", minute, minute + 60)) for minute in range(0, 600, 60)])
print("\nthe last five minutes by client:")
for name, row in sorted(per(night["log"], "client", 300, 600).items()):
    print(f"  {name:16}{row['requests']:5} requests{row['tokens_per_s']:8.1f} tokens/s, {row['completion_tokens']:6.0f} each")

# %% tags=["check"] id="over-check" points=2
_BUSY, _MADE = "vllm:num_requests_running", "vllm:generation_tokens_total"


def _over(samples, name, start_s, end_s):
    return over(copy.deepcopy(samples), name, start_s, end_s)


_samples = [{"t_s": 10.0 * n, "up": 1, _BUSY: n % 3, _MADE: 50 * n} for n in range(7)]
_got = _over(_samples, _BUSY, 10, 50)
assert close(_got, 6 / 5), f"The running requests from 10 to 50 s are 1, 2, 0, 1, 2: a mean of 1.2. Yours gives {_got}."
_got = _over(_samples, _MADE, 10, 50)
assert close(_got, 5), f"From 50 to 250 tokens in 40 s: 5 a second. Yours gives {_got}."
_samples[3] = {"t_s": 30.0, "up": 0}
for _n in (4, 5, 6):
    _samples[_n][_MADE] = 30 * (_n - 3)
_got = _over(_samples, _MADE, 0, 60)
assert close(_got, (100 + 30 + 60) / 60), f"0, 50, 100, no answer, then a new process with 30, 60, 90: it grew by 100 + 30 + 30 + 30 in 60 s. Yours gives {_got}."
### BEGIN HIDDEN TESTS
def _truth(samples, name, start_s, end_s):
    held = [(s["t_s"], s[name]) for s in samples if start_s <= s["t_s"] <= end_s and name in s]
    if name.endswith(("_total", "_sum", "_count")):
        if len(held) < 2:
            return None
        grown, before = 0.0, held[0][1]
        for _, value in held[1:]:
            grown += value - before if value >= before else value
            before = value
        return grown / (held[-1][0] - held[0][0])
    return float(np.mean([value for _, value in held])) if held else None


def _agrees(got, wanted):
    return got is None if wanted is None else close(got, wanted, rel=1e-6, abs=1e-6)


_draw = random.Random(111)
for _case in range(4):
    _rows, _value = [], 0.0
    for _n in range(40):
        _value = 0.0 if _draw.random() < 0.1 else _value + _draw.randrange(90)
        _rows.append({"t_s": 10.0 * _n, "up": 1, "x_total": _value, "x_sum": _value / 3, "x_count": _value // 7, "y": _draw.random()} if _draw.random() < 0.8 else {"t_s": 10.0 * _n, "up": 0})
    for _name in ("x_total", "x_sum", "x_count", "y", "up", "missing", "missing_total"):
        for _start, _end in ((0, 390), (95, 205), (100, 200), (130, 130), (391, 500), (-50, 20)):
            assert _agrees(_over(_rows, _name, _start, _end), _truth(_rows, _name, _start, _end)), f"A series with gaps and new processes, the name {_name!r}, from {_start} to {_end} s: not right."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="per-check" points=2
def _line_of(t_s, **fields):
    line = {"id": "r", "t_s": t_s, "status": 200, "client": "web", "replica": "a", "model": "assistant", "revision": None, "index": None, "prompt_tokens": 100, "completion_tokens": 40, "valid": None, "grounded": None}
    return line | fields


def _per(log, field, start_s, end_s):
    return per(copy.deepcopy(log), field, start_s, end_s)


def _row_fault(got, wanted):
    """The first key of a group that is not as it should be, or None."""
    for key, value in wanted.items():
        if not hasattr(got, "keys") or key not in got:
            return f"the key {key!r}"
        if not (got[key] is None if value is None else close(got[key], value)):
            return key
    return None


_log = [_line_of(1.0), _line_of(2.0, status=502, completion_tokens=10), _line_of(3.0, client="crm", model="legal", valid=True), _line_of(4.0, client="crm", model="legal", valid=False, prompt_tokens=300), _line_of(10.0)]
_got = _per(_log, "client", 0, 10)
assert hasattr(_got, "keys") and sorted(_got) == ["crm", "web"], f"Between 0 and 10 s (without 10) web and crm have lines. Yours gives {list(_got) if hasattr(_got, 'keys') else _got}."
_fault = _row_fault(_got["web"], {"requests": 2, "errors": 0.5, "tokens_per_s": 5.0, "prompt_tokens": 100, "completion_tokens": 40, "valid": None, "grounded": None})
assert not _fault, f"web has a line with status 200 and 40 tokens, and one with 502 and 10. Look at {_fault}: yours says {_got['web']}."
_fault = _row_fault(_got["crm"], {"requests": 2, "errors": 0, "tokens_per_s": 8.0, "prompt_tokens": 200, "valid": 0.5})
assert not _fault, f"crm has two lines, with prompts of 100 and 300 tokens, of which one is valid. Look at {_fault}: yours says {_got['crm']}."
assert sorted(_per(_log, "index", 0, 20)) == [], "Lines whose field is None belong to no group."
### BEGIN HIDDEN TESTS
def _mean(values):
    held = [value for value in values if value is not None]
    return float(np.mean(held)) if held else None


def _grouped(log, field, start_s, end_s):
    held = [line for line in log if start_s <= line["t_s"] < end_s]
    found = {}
    for name in {line[field] for line in held} - {None}:
        mine = [line for line in held if line[field] == name]
        good = [line for line in mine if line["status"] == 200]
        found[name] = {
            "requests": len(mine), "errors": float(np.mean([line["status"] >= 500 for line in mine])),
            "tokens_per_s": sum(line["completion_tokens"] for line in mine) / (end_s - start_s),
            "prompt_tokens": _mean([line["prompt_tokens"] for line in good]), "completion_tokens": _mean([line["completion_tokens"] for line in good]),
            "valid": _mean([line["valid"] for line in mine]), "grounded": _mean([line["grounded"] for line in mine]),
        }
    return found


for _cause, _field in (("dead replica", "replica"), ("bad adapter", "model"), ("stale index", "index"), ("kv cache full", "client")):
    _log = replays.evidence(_cause, "51aa-orchard")["log"]
    for _start, _end in ((0, 600), (200.5, 371.25)):
        _got, _wanted = _per(_log, _field, _start, _end), _grouped(_log, _field, _start, _end)
        assert hasattr(_got, "keys") and sorted(_got) == sorted(_wanted), f"A recording grouped by {_field!r}: not the right groups."
        for _name, _row in _wanted.items():
            assert not _row_fault(_got[_name], _row), f"A recording grouped by {_field!r}: a group's values are not right."
_log = [_line_of(1.0, status=429, completion_tokens=0, client="x"), _line_of(2.0, status=499, client="x"), _line_of(3.0, status=500, client="x")]
assert not _row_fault(_per(_log, "client", 0, 10)["x"], {"errors": 1 / 3, "prompt_tokens": None, "completion_tokens": None}), "A client without a single answer is not reported right."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 3 · What broke?
#
# Five things can happen in these recordings, at most one of them in each, and what has happened goes on to the end:
#
# | cause | what it is | what one sees | `where` |
# |---|---|---|---|
# | `long generations` | a client begins to ask for answers of a thousand tokens and more, several times as long as anybody's | requests wait, to the very end; all seats are taken; the KV pool is *not* full | the client |
# | `kv cache full` | a client begins to send prompts of thousands of tokens, many times as long as the usual ones | requests wait while seats are free; the pool is full, and running requests are **preempted** | the client |
# | `dead replica` | a process is gone | `up` is 0 to the end; status 502, all the time or until the gateway leaves it alone; perhaps a queue elsewhere | the replica |
# | `bad adapter` | a new revision of an adapter answers in the wrong form, perhaps without an end | `valid` of this model is low; nothing else need move | the model |
# | `stale index` | an old index is searched | `grounded` is low; latency is perfect | the index |
#
# And there is `healthy`. A queue that is gone after a few seconds, an adapter or index whose new version is as good as the last, a new client with ordinary requests, a single long prompt or answer now and then, from anybody: that is weather. An alarm for it wakes somebody for nothing, and none of it is a beginning.
#
# Before the program, the picture. One recording, on one axis of time:

# %% tags=["live"] id="night-chart"
operations_charts.incident(night, title="What is it?")

# %% [markdown]
# The queue begins at about 280 s and does not end. The pool is half full, nobody is preempted. Tokens/s went *up* to a ceiling: the engines work as much as they can. So either more requests came, or longer ones; and the fourth panel says whose.

# %% [markdown]
# ### Your turn: `diagnose`
#
# `evidence` is a recording. Return a dictionary:
#
# | key | value |
# |---|---|
# | `cause` | one of the five names above, or `"healthy"` |
# | `where` | the name of the client, replica, model or index; `None` if healthy |
# | `since_s` | when it began, within 20 s; `None` if healthy |
# | `proof` | at least one of the readings below that belong to the cause, as `{name: value}`, over the window from **your** `since_s` to `until_s`; `{}` if healthy |
#
# | cause | reading | what it is |
# |---|---|---|
# | `long generations` | `completion_tokens` | of that client, by `per` |
# | | `tokens_per_s` | of that client, by `per` |
# | `kv cache full` | `preemptions_per_s` | `over` of `vllm:num_preemptions_total`, summed over the replicas |
# | | `prompt_tokens` | of that client, by `per` |
# | `dead replica` | `up` | of that replica, by `over` |
# | | `errors` | of that replica, by `per` |
# | `bad adapter` | `valid` | of that model, by `per` |
# | `stale index` | `grounded` | of that index, by `per` |
#
# Hints, as a colleague would give them:
#
# - Begin with what cannot be confused (`up`), go on to quality, and end with the queue. A queue *now* is what counts: look at the last minute.
# - The log has only what has *ended*. The long ones end late, and some not at all; enough do.
# - A good threshold is a ratio to what is usual in the *same* recording (the median request, for instance), since it holds for another fleet too. In step 5 your function meets one in which a usual answer has 20 tokens, a sample is taken every second, and an incident is only some seconds old. A dozen requests must be enough to see that half of them are bad, and one bad one is no alarm.
# - The culprit may be new, or a client of long standing that changed its ways.
#
# The first check is about `cause`: all points if every other recording is called right, half of them if one or two incidents are not, and none if a healthy one is called an incident. The second is about `where` and `since_s`, the third about `proof`.

# %% tags=["answer"] id="diagnose"
def diagnose(evidence):
    """Cause, where, since when, and the number that proves it."""
    ### BEGIN SOLUTION
    metrics, log, until_s = evidence["metrics"], evidence["log"], evidence["until_s"]

    for name, samples in metrics.items():
        if samples and not samples[-1]["up"]:
            since_s = samples[-1]["t_s"]
            for sample in reversed(samples):
                if sample["up"]:
                    break
                since_s = sample["t_s"]
            return {"cause": "dead replica", "where": name, "since_s": since_s, "proof": {"up": over(samples, "up", since_s, until_s)}}

    for cause, field, quality in (("bad adapter", "model", "valid"), ("stale index", "index", "grounded")):
        versions = {}
        for line in log:
            if line[field] is not None and line[quality] is not None:
                versions.setdefault((line[field], line["revision"]), []).append(line)
        for (name, _), lines in versions.items():
            if len(lines) >= 6 and sum(line[quality] for line in lines) < 0.65 * len(lines):
                since_s = min(line["t_s"] for line in lines)
                return {"cause": cause, "where": name, "since_s": since_s, "proof": {quality: per(log, field, since_s, until_s)[name][quality]}}

    def summed(name, start_s):
        return sum(over(samples, name, start_s, until_s) or 0 for samples in metrics.values())

    def heaviest(size, times):
        """The client with the most requests that are so many times as large as the usual one, and when it began."""
        usual = statistics.median(line[size] for line in log)
        large = [line for line in log if line[size] > times * usual]
        clients = [line["client"] for line in large]
        where = max(sorted(set(clients)), key=clients.count, default=None)
        if clients.count(where) < 2:
            return None, None
        return where, min(line["t_s"] for line in large if line["client"] == where)

    if summed("vllm:num_requests_waiting", 0.9 * until_s) >= 2.5:
        where, since_s = heaviest("prompt_tokens", 8)
        if where and summed("vllm:num_preemptions_total", 0) > 0:
            proof = {"prompt_tokens": per(log, "client", since_s, until_s)[where]["prompt_tokens"], "preemptions_per_s": summed("vllm:num_preemptions_total", since_s)}
            return {"cause": "kv cache full", "where": where, "since_s": since_s, "proof": proof}
        if not where:
            where, since_s = heaviest("completion_tokens", 4)
            if where:
                proof = {"completion_tokens": per(log, "client", since_s, until_s)[where]["completion_tokens"]}
                return {"cause": "long generations", "where": where, "since_s": since_s, "proof": proof}
    return {"cause": "healthy", "where": None, "since_s": None, "proof": {}}
    ### END SOLUTION

# %% tags=["output"] id="diagnose-example"
for cause in (*replays.INCIDENTS, replays.HEALTHY):
    found = diagnose(copy.deepcopy(replays.evidence(cause, 1)))
    told = {name: round(value, 2) for name, value in found["proof"].items()}
    print(f"{cause:17} -> {found['cause']:17} {found['where']!s:14} since {found['since_s']!s:6} {told}")

# %% tags=["check"] id="cause-check" points=4
def _diagnosis(cause, seed):
    """What diagnose makes of a recording: a dictionary, or {} where it is none."""
    got = diagnose(copy.deepcopy(replays.evidence(cause, seed)))
    return got if hasattr(got, "keys") else {}


_SHOWN = [*((cause, 1) for cause in (*replays.INCIDENTS, replays.HEALTHY)), (replays.HEALTHY, 2)]
for _cause, _seed in _SHOWN:
    _got = _diagnosis(_cause, _seed)
    assert "cause" in _got, f"diagnose must return a dictionary with the key 'cause'; for the recording ({_cause!r}, {_seed}) it does not."
    assert _got["cause"] == _cause, f"The recording replays.evidence({_cause!r}, {_seed}) is called {_got['cause']!r}. Look at it with operations_charts.incident."
### BEGIN HIDDEN TESTS
_SEEDS = ("7d1e-harbour", "c90b-lantern")  # words, so that nobody can try them all
_HIDDEN = [(_cause, _seed) for _cause in replays.INCIDENTS for _seed in _SEEDS]
for _seed in _SEEDS:
    assert _diagnosis(replays.HEALTHY, _seed).get("cause") == replays.HEALTHY, "A healthy recording is called an incident: somebody is woken for nothing."
_wrong = sum(_diagnosis(_cause, _seed).get("cause") != _cause for _cause, _seed in _HIDDEN)
assert _wrong <= 2, f"Of {len(_HIDDEN)} other recordings too many are not called by their cause."
partial(4 if _wrong == 0 else 2, 4)
### END HIDDEN TESTS

# %% tags=["check"] id="where-check" points=2
for _cause, _seed in _SHOWN:
    _got, _truth_of = _diagnosis(_cause, _seed), replays.kept(_cause, _seed)
    _where, _since = _truth_of.where, _truth_of.since_s
    assert "where" in _got and "since_s" in _got, "diagnose must return the keys 'where' and 'since_s'."
    if _where is None:
        assert _got["where"] is None and _got["since_s"] is None, "For a healthy recording where and since_s are None."
        continue
    assert _got["where"] == _where, f"In replays.evidence({_cause!r}, {_seed}) it is not {_got['where']!r}."
    assert close(_got["since_s"], _since, rel=0, abs=20), f"In replays.evidence({_cause!r}, {_seed}) it did not begin at {_got['since_s']}, not even within 20 s."
### BEGIN HIDDEN TESTS
for _cause, _seed in [(_cause, _seed) for _cause in replays.INCIDENTS for _seed in ("7d1e-harbour", "c90b-lantern")]:
    _got, _truth_of = _diagnosis(_cause, _seed), replays.kept(_cause, _seed)
    assert _got.get("where") == _truth_of.where, f"In another recording of {_cause!r} something else is at fault."
    assert close(_got.get("since_s"), _truth_of.since_s, rel=0, abs=20), f"In another recording of {_cause!r} it began at another time."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="proof-check" points=2
_OF = {
    "long generations": ("client", ("completion_tokens", "tokens_per_s")), "kv cache full": ("client", ("preemptions_per_s", "prompt_tokens")),
    "dead replica": ("replica", ("up", "errors")), "bad adapter": ("model", ("valid",)), "stale index": ("index", ("grounded",)),
}


def _value_of(reading, cause, where, since_s, evidence):
    """What a reading should be, over the window that was chosen."""
    start, until = float(since_s), evidence["until_s"]
    if reading == "up":
        return float(np.mean([s["up"] for s in evidence["metrics"][where] if start <= s["t_s"] <= until]))
    if reading == "preemptions_per_s":
        total = 0.0
        for samples in evidence["metrics"].values():
            held = [s for s in samples if start <= s["t_s"] <= until]
            total += (held[-1]["vllm:num_preemptions_total"] - held[0]["vllm:num_preemptions_total"]) / (held[-1]["t_s"] - held[0]["t_s"])
        return total
    mine = [line for line in evidence["log"] if line[_OF[cause][0]] == where and start <= line["t_s"] < until]
    if reading == "errors":
        return float(np.mean([line["status"] >= 500 for line in mine]))
    if reading == "tokens_per_s":
        return sum(line["completion_tokens"] for line in mine) / (until - start)
    return float(np.mean([line[reading] for line in mine if line["status"] == 200 and line[reading] is not None]))


def _proof_fault(cause, seed):
    """What is wrong with the proof for a recording, in words, or None."""
    got, truth, seen = _diagnosis(cause, seed), replays.kept(cause, seed), replays.evidence(cause, seed)
    if got.get("where") != truth.where or not close(got.get("since_s"), truth.since_s, rel=0, abs=20):
        return "where and since_s"
    proof = got.get("proof")
    if not hasattr(proof, "keys") or not set(proof) & set(_OF[cause][1]):
        return "which readings there are"
    for name in set(proof) & set(_OF[cause][1]):
        if not close(proof[name], _value_of(name, cause, truth.where, got["since_s"], seen), rel=0.01, abs=1e-6):
            return f"the value of {name}"
    return None


for _cause in replays.INCIDENTS:
    _fault = _proof_fault(_cause, 1)
    assert not _fault, f"The proof for replays.evidence({_cause!r}, 1) is not right: look at {_fault}."
### BEGIN HIDDEN TESTS
for _cause in replays.INCIDENTS:
    assert not _proof_fault(_cause, "7d1e-harbour"), f"The proof for another recording of {_cause!r} is not right."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# Notice what you did *not* need: GPU utilisation and GPU memory. The first is high in good times, the second is taken once at the start and never given back (lab 02). The quiz that this lab answers to looks at both first, and its queries use names that the engine has never had: `vllm_queue_depth`, `request_max_tokens`.
#
# Whoever has Prometheus asks the same as your two functions, with other words:
#
# | yours | PromQL |
# |---|---|
# | `over(samples, "vllm:num_requests_waiting", ...)` | `avg_over_time(vllm:num_requests_waiting[1m])`, which keeps the replicas apart |
# | `over(samples, "vllm:num_preemptions_total", ...)`, summed | `sum(rate(vllm:num_preemptions_total[5m]))` |
# | the share of failures at a replica | a ratio of two sums `by (replica)`; only the gateway can count them, since a dead engine counts nothing |
#
# Prometheus itself, on the recording's samples of each full minute (`promtool` evaluates the queries; lab 09 has the server):

# %% tags=["live"] id="promql"
from servelab.monitoring.promql import value_of

waiting, made = "vllm:num_requests_waiting", "vllm:generation_tokens_total"
series = {f'{name}{{instance="{replica}"}}': " ".join(str(s[name]) for s in samples[::6]) for replica, samples in night["metrics"].items() for name in (waiting, made)}
print(f"max by (instance) ({waiting}) at the end:", value_of(f"max by (instance) ({waiting})", series, at="10m"))
asked = f"sum by (instance) (rate({made}[5m]))"
print(f"{asked}:", {replica: round(value, 1) for replica, value in value_of(asked, series, at="10m").items()})
print("your over():", {replica: round(over(samples, made, 300, 600), 1) for replica, samples in night["metrics"].items()})

# %% quiz="llm-infrastructure/first-reading"

# %% [markdown]
# ## Step 4 · Until it is over
#
# The remedy belongs **where it began**. More replicas for a client that floods you give it more to flood; a restart throws away everybody's work, and the client comes back. Refuse the client, cancel what it has running, and tell its owner; take a dead replica out; put the last good revision or index back.
#
# Then people ask two things: *when will it be over*, and *is it over*.
#
# **When** is arithmetic. Those who wait need so many tokens, new ones come all the time, and what the engines make beyond that is left for the queue.

# %% [markdown]
# ### Your turn: `drain_time`
#
# `classes` is a list of dictionaries, one for each kind of request: `waiting` (requests that wait now), `arrivals_per_s`, `tokens` (of one request), and `refused`: `True` if these are refused and cancelled from now on, so that none of them counts, neither those that wait nor those that come.
# `tokens_per_s` is what the engines make together, with all seats taken. Return the seconds until nobody waits: `0.0` if nobody does, `None` if the queue does not shrink.

# %% tags=["answer"] id="drain"
def drain_time(classes, tokens_per_s):
    """Seconds until the queue is gone; None if it never will be."""
    ### BEGIN SOLUTION
    kept = [c for c in classes if not c["refused"]]
    owed = sum(c["waiting"] * c["tokens"] for c in kept)
    spare = tokens_per_s - sum(c["arrivals_per_s"] * c["tokens"] for c in kept)
    if owed == 0:
        return 0.0
    return owed / spare if spare > 0 else None
    ### END SOLUTION

# %% [markdown]
# A recording in which somebody acted says how good such an estimate is. In the next cell the client is refused at 400 s; the estimate uses only what is known then:

# %% id="mended"
MENDED = {seed: replays.replay("long generations", seed, mitigated_s=400, length_s=900) for seed in (0, 5, 7)}
MOST = 3 * replays.SPEED.most  # tokens/s of three replicas with all seats taken


def at_that_time(evidence, where, now_s):
    """The classes of `drain_time` as one knows them at that time: usual requests, and those of the client that is refused."""
    waiting = sum(next(s for s in samples if s["t_s"] == now_s)["vllm:num_requests_waiting"] for samples in evidence["metrics"].values())
    before = [line for line in evidence["log"] if line["t_s"] < now_s - 60]  # the last minute's long ones have not ended
    usual = [line for line in before if line["client"] != where or line["completion_tokens"] < 700]
    share = 0.1  # of those who wait, how many are the client's: a guess
    tokens = float(np.mean([line["completion_tokens"] for line in usual if line["status"] == 200]))
    return [
        {"waiting": waiting * (1 - share), "arrivals_per_s": len(usual) / (now_s - 60), "tokens": tokens, "refused": False},
        {"waiting": waiting * share, "arrivals_per_s": 0.2, "tokens": 1400, "refused": True},
    ]

# %% tags=["output"] id="drain-example"
for seed, mended in MENDED.items():
    classes = at_that_time(mended.evidence, mended.where, 400)
    rows = [sum(s["vllm:num_requests_waiting"] for s in group) for group in zip(*mended.evidence["metrics"].values())]
    gone = next(10 * n - 400 for n, waiting in enumerate(rows) if 10 * n > 400 and waiting == 0)
    print(f"recording {seed}: {rows[40]:3.0f} waiting at 400 s; if nothing is done {drain_time([{**c, 'refused': False} for c in classes], MOST)}; refused: {drain_time(classes, MOST):4.0f} s, it took {gone} s")

# %% tags=["check"] id="drain-check" points=2
def _class(waiting, arrivals_per_s, tokens, refused=False):
    return {"waiting": waiting, "arrivals_per_s": arrivals_per_s, "tokens": tokens, "refused": refused}


_got = drain_time([_class(100, 2.0, 160)], 640.0)
assert close(_got, 50), f"100 requests of 160 tokens wait, 2 a second come, and 640 tokens/s are made: 16,000 / (640 - 320) = 50 s. Yours gives {_got}."
_got = drain_time([_class(100, 2.0, 160), _class(20, 1.0, 1500)], 640.0)
assert _got is None, f"With 1,500 tokens/s more that come, the queue never ends: None. Yours gives {_got}."
_got = drain_time([_class(100, 2.0, 160), _class(20, 1.0, 1500, True)], 640.0)
assert close(_got, 50), f"If those are refused, it is the first case again. Yours gives {_got}."
### BEGIN HIDDEN TESTS
_draw = random.Random(114)
for _case in range(60):
    _classes = [_class(_draw.choice([0, 0, _draw.randrange(400)]), _draw.uniform(0, 2), _draw.randrange(20, 900), _draw.random() < 0.3) for _ in range(_draw.randrange(1, 5))]
    _rate = _draw.uniform(100, 2500)
    _kept = [c for c in _classes if not c["refused"]]
    _owed, _spare = sum(c["waiting"] * c["tokens"] for c in _kept), _rate - sum(c["arrivals_per_s"] * c["tokens"] for c in _kept)
    _got = drain_time(copy.deepcopy(_classes), _rate)
    if _owed == 0:
        assert close(_got, 0), "Nobody waits who is not refused, and the queue is not gone at once."
    elif _spare <= 0:
        assert _got is None, "More comes than is made, and the queue ends all the same."
    else:
        assert close(_got, _owed / _spare), "The time until a queue is gone is not right."
assert drain_time([_class(10, 4.0, 100)], 400.0) is None, "What comes takes all that is made, and the queue ends all the same."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# The order of magnitude is right, and mostly it comes out short: those who run already hold their seats until they have ended, the traffic has its waves, and the answers of those who wait may be longer than usual. "A minute, perhaps one and a half" is a good answer to give at 02:05. "Soon" is not.
#
# **Is it over?** The commonest mistake of a tired engineer is to say so too early. A queue that touches zero between two waves is not over, and the latency of those who waited arrives after the queue is gone. So one asks that all readings be good, *all the time*, for a **hold time**. `merged` makes one series of all replicas:

# %% id="merged"
def merged(metrics):
    """A row for each scrape: whether all replicas are up, how many requests wait in all, and the mean TTFT since the last scrape."""
    rows, before = [], None
    name = "vllm:time_to_first_token_seconds"
    for group in zip(*metrics.values()):
        firsts, seconds = (sum(s.get(f"{name}_{part}", 0) for s in group) for part in ("count", "sum"))
        fresh = before is not None and firsts > before[0]
        rows.append({
            "t_s": max(s["t_s"] for s in group), "up": all(s["up"] for s in group), "waiting": sum(s.get("vllm:num_requests_waiting", 0) for s in group),
            "ttft_s": round((seconds - before[1]) / (firsts - before[0]), 3) if fresh else None,
        })
        before = firsts, seconds
    return rows

# %% [markdown]
# ### Your turn: `recovered`
#
# `series` is such a list, in the order of time. A row is **good** if `up` is true, `waiting` is at most `waiting`, and `ttft_s` is at most `ttft_s` (`None` counts as good: nobody got a first token, and nobody complained).
#
# Return the `t_s` of the **first** row at which one may say that it is over: a row at least `hold_s` seconds after `since_s`, such that *every* row from `hold_s` seconds before it up to it (both included) is good. `None` if there is no such row: then it is not over, or nobody can know yet.
# (`since_s` is when the remedy began, and rows before it prove nothing. The rows may have any distance from each other.)

# %% tags=["answer"] id="recovered"
def recovered(series, since_s, waiting, ttft_s, hold_s):
    """When one may say that it is over; None if not yet."""
    ### BEGIN SOLUTION
    def good(row):
        return row["up"] and row["waiting"] <= waiting and (row["ttft_s"] is None or row["ttft_s"] <= ttft_s)

    for row in series:
        held = [other for other in series if row["t_s"] - hold_s <= other["t_s"] <= row["t_s"]]
        if row["t_s"] - hold_s >= since_s and all(map(good, held)):
            return row["t_s"]
    return None
    ### END SOLUTION

# %% tags=["output"] id="recovered-example"
for seed, mended in MENDED.items():
    series = merged(mended.evidence["metrics"])
    first = next(row["t_s"] for row in series if row["t_s"] > 400 and row["waiting"] == 0)
    print(f"recording {seed}: nobody waits at {first:.0f} s; over, with a hold time of 60 s, at {recovered(series, 400, 3, 2.0, 60)} s; nothing done: {recovered(merged(replays.evidence('long generations', seed)['metrics']), 400, 3, 2.0, 60)}")

# %% tags=["check"] id="recovered-check" points=3
def _row(t_s, waiting=0, ttft_s=0.3, up=True):
    return {"t_s": t_s, "waiting": waiting, "ttft_s": ttft_s, "up": up}


def _over_at(series, since_s, hold_s, waiting=2, ttft_s=1.0):
    return recovered(copy.deepcopy(series), since_s, waiting, ttft_s, hold_s)


_series = [_row(10.0 * n, waiting=9 if n in (3, 4, 6) else 0) for n in range(14)]
_got = _over_at(_series, 30.0, 30.0)
assert close(_got, 100), f"The queue is too long at 30, 40 and 60 s; with a hold time of 30 s all is good from 70 to 100 s, so it may be said at 100. Yours gives {_got}."
_got = _over_at(_series[:9], 30.0, 30.0)
assert _got is None, f"If the series ends at 80 s, nobody can know yet: None. Yours gives {_got}."
_got = _over_at([_row(10.0 * n) for n in range(14)], 55.0, 30.0)
assert close(_got, 90), f"All is good from the start, and the remedy began at 55 s: it may be said at the first row that is 30 s later, 90. Yours gives {_got}."
### BEGIN HIDDEN TESTS
def _when(series, since_s, waiting, ttft_s, hold_s):
    bad = [r["t_s"] for r in series if not r["up"] or r["waiting"] > waiting or (r["ttft_s"] is not None and r["ttft_s"] > ttft_s)]
    for r in series:
        if r["t_s"] - hold_s >= since_s and not any(r["t_s"] - hold_s <= b <= r["t_s"] for b in bad):
            return r["t_s"]
    return None


def _says(got, wanted):
    return got is None if wanted is None else close(got, wanted)


for _bad in ({"waiting": 3}, {"ttft_s": 1.01}, {"up": False}):
    _series = [_row(10.0 * _n, **(_bad if _n == 5 else {})) for _n in range(12)]
    assert _says(_over_at(_series, 20.0, 30.0), 90.0), f"A row with {next(iter(_bad))} that is not good is overlooked, or counted twice."
assert _says(_over_at([_row(10.0 * _n, 2, 1.0) for _n in range(9)], 0.0, 30.0), 30.0), "Values that are exactly at the limit are not taken for good."
assert _says(_over_at([_row(10.0 * _n, 0, None) for _n in range(9)], 0.0, 30.0), 30.0), "Rows without a first token are not taken for good."
_draw = random.Random(115)
for _case in range(60):
    _t, _series = 0.0, []
    for _n in range(_draw.randrange(0, 50)):
        _t += _draw.choice([1.0, 5.0, 10.0, 10.0, 35.0])
        _series.append(_row(_t, _draw.choice([0, 0, 1, 2, 2, 3, 9]) if _draw.random() < 0.4 else 0, _draw.choice([None, 0.2, 1.0, 1.5]) if _draw.random() < 0.2 else 0.2, _draw.random() > 0.05))
    _since, _hold = _draw.uniform(0, 150), _draw.choice([5.0, 20.0, 30.0, 60.0])
    assert _says(_over_at(_series, _since, _hold), _when(_series, _since, 2, 1.0, _hold)), "A series at random, with rows at any distance: it is called over at the wrong time, or wrongly not at all."
for _cause, _seed in (("long generations", 81), ("kv cache full", 82), ("dead replica", 83)):
    for _mitigated in (380, None):
        _series = merged(replays.replay(_cause, _seed, mitigated_s=_mitigated, length_s=900).evidence["metrics"])
        assert _says(_over_at(_series, 380.0, 60.0, 3, 2.0), _when(_series, 380.0, 3, 2.0, 60.0)), f"A recording of {_cause!r} is called over at the wrong time."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 5 · Live
#
# Now with a real engine, four seats, and users who ask about once a second. After a while the incident of your choice begins, and **your** `diagnose` is called every two seconds on what has been seen so far. When it names a cause, the stack does the right thing about what you named: if that was wrong, nothing gets better.
# Then **your** `recovered` says when it is over. (A hold time of six seconds is short. It is a notebook.)
#
# Five names can stand in the first line. `"dead replica"` starts two engines, and takes longer for that; for `"bad adapter"` the adapter of lab 08 is made if it is not there yet, which takes a minute or two, once.

# %% tags=["live"] id="live"
from servelab.operations.faults import Stack

incident = "long generations"  # or "dead replica", "kv cache full", "bad adapter", "stale index"


def look():
    """Your diagnosis of what has been seen so far; None while it is healthy."""
    told = diagnose(stack.evidence())
    return told if told["cause"] != "healthy" else None


with Stack([incident], seed=7) as stack:
    backend = stack.backend
    stack.run(14, "as usual")
    began_s = stack.door.now()
    culprit = stack.inject(incident)
    found = stack.until(look, 50, "looking")
    mended_s = stack.door.now()
    if found:
        stack.end(found["cause"], found["where"])
    over_s = stack.until(lambda: recovered(merged(stack.in_use()), mended_s, 1, 2.0, 6), 50, "recovering")
    seen = stack.evidence()
found_s = mended_s - began_s
print(f"after {found_s:.0f} s: {found}")
print("it was:", incident, culprit, "| over:", over_s and f"{over_s - mended_s:.0f} s after the remedy")
print("statuses:", dict(stack.door.statuses()))

# %% tags=["live"] id="live-chart"
marks = [(began_s, "begins"), (mended_s, "found, ended")] + ([(over_s, "over")] if over_s else [])
operations_charts.incident(seen, marks=marks, title=f"{incident.capitalize()}, on {backend}", step_s=2)

# %% tags=["live", "output"] id="live-verdict"
right = bool(found) and found["cause"] == incident and found["where"] == culprit
print("cause and culprit found:", right)
print("over within 50 s of the remedy:", over_s is not None)

# %% tags=["live"] id="live-ledger"
for metric, value in (("found_s", found_s), ("recovered_s", (over_s or math.nan) - mended_s)):
    if math.isfinite(value):
        ledger.append(lab="11-operations", step=incident, metric=metric, value=value, unit="s", backend=backend)

# %% [markdown]
# ## Step 6 · Write it down
#
# An incident that nobody writes down comes back. A **postmortem** says what happened, to whom, why, and what is different now. It blames no one: the client broke no rule that existed, and "be more careful" has never prevented anything.
#
# Take the recording of step 2 (`night`, `long generations`, 1), as if nobody had acted before 600 s and somebody had then refused the client. All that is asked for can be computed with your own functions; use the next cell for it, nobody grades that.

# %% tags=["live"] id="scratch"
diagnosis = diagnose(copy.deepcopy(night))
for name, row in per(night["log"], "client", diagnosis["since_s"], 600).items():
    print(name, row)

# %% [markdown]
# **Your postmortem** (5 points, read by a person). Some 300 words, with numbers:
#
# 1. **Impact**: whom did it hit, how many requests, how much slower, from when to when?
# 2. **Cause**, with a reading that proves it, and one that rules out another cause.
# 3. **Timeline**: began, noticeable, noticed, ended, over; with your estimate of the last.
# 4. **What changes**: at least three measures, among them one that would have *prevented* it and one alert that would have told earlier (metric, threshold, for how long), each with its price.
#
# | Of 5 points | What such an answer shows |
# |---|---|
# | **Excellent** (90-100 %) | Cause right, with a proving and a refuting reading; impact and times computed from the recording and consistent with each other; the end estimated by arithmetic; measures that fit the cause, with trade-offs, an alert checked against the recording; no blame |
# | **Good** (80-89 %) | Cause right with a reading; most numbers right; sensible measures with their main trade-offs; an alert on a real metric |
# | **Satisfactory** (70-79 %) | Cause roughly right; few numbers, or some that contradict each other; measures in general terms |
# | **Needs improvement** (below 70 %) | Another cause, or none; no numbers; blames a person or asks for care; measures that would not have helped |

# %% [markdown] tags=["written"] id="postmortem" points=5
# ### BEGIN SOLUTION
# **Impact.** From 241 s to the end of the recording at 600 s, everybody's requests waited. The mean TTFT of those who came in that time and were answered rose from 0.25 s to 16 s, the longest was 57 s. Some 980 requests came, about 580 of them waited for more than five seconds, and 128 were still
# waiting at the end. No answer was wrong, none failed on our side; only clients' own mistakes got a 400, as before.
#
# **Cause.** At 241 s the client `crm` began to ask for answers of 1,100 to 1,700 tokens (`max_tokens` 2,048), about one every four seconds; until then its answers were like everybody's, some 160 tokens. That is some 330 tokens/s on top of the usual 390, and three replicas with all seats taken make 640. Proof: mean
# `completion_tokens` of `crm` since then is 662, of `web` 157. Ruled out: a full KV cache (usage stays near half, no preemption); a dead replica (`up` is 1 throughout, all three make about 208 tokens/s); more users (without the long ones the rate of requests is what it was).
#
# **Timeline.** 241 s: first long request. 280 s: the first requests wait. 330 s: more than ten wait, and never fewer again. Noticed: not before 600 s, since no alert existed. 600 s: client refused, its requests cancelled. Over: 128 wait, of which perhaps a fifth are the client's; about 100 x 160 tokens = 16,000 are owed, and
# 640 - 390 = 250 tokens/s are left for them: 64 s, a little more for those that are running. Said only after another 60 s of quiet, at about 730 s.
#
# **What changes.**
# 1. *Prevents it:* a highest `max_tokens` of 512 at the gateway unless a client has agreed on more. Price: clients that need long answers must ask, and get a class of their own.
# 2. *Limits the damage:* at most 4 requests in flight for each client, 429 with `Retry-After` beyond. Price: bursts of honest clients are slowed down too.
# 3. *Tells earlier:* `sum(vllm:num_requests_waiting) > 10` for 30 s. In the recording it is true from 330 s on, so it fires at 360 s, four minutes before anybody noticed; before 241 s the queue was never above zero at a scrape. Price: one more page, and a runbook that says "look at tokens by client first".
# 4. *Helps the next one:* tokens/s by client on the dashboard. Price: as many series as clients, so only the largest ten.
#
# The client did nothing that was forbidden. The rule did not exist.
# ### END SOLUTION

# %% [markdown]
# ## Step 7 · How much is enough?
#
# After the incident somebody asks whether there should simply have been more machines. A colleague has a calculator for it. It is about Llama 2 70B on four cards of 80 GB:
#
# ```python
# def capacity_of_a_colleague(peak, cards=4, prompt=512, answer=256):
#     weights = 70e9 * 2                                # A  bytes: 70 billion numbers of 16 bits
#     pool = cards * 80e9 - weights                     # B  bytes for the KV cache
#     per_token = 0.5e6                                 # C  bytes of KV cache for a token
#     per_request = (prompt + answer) * per_token       # D  bytes that a request holds at its end
#     at_once = pool // per_request                     # E  requests that fit at the same time
#     tokens_per_s = cards * 30                         # F  30 tokens/s is what one request gets, on a quiet day
#     requests_per_s = tokens_per_s / (prompt + answer) # G
#     safe = 0.8 * requests_per_s                       # H  not more than 80 % of what is possible
#     replicas = round(peak / safe)                     # I  peak: requests/s in the busiest hour
#     return at_once, safe, replicas
# ```
#
# Some of its lines are wrong. What you need to judge them, of which each lab had a part:
#
# - a token's **KV cache** is 2 (keys and values) x layers x KV heads x numbers per head x bytes per number. The config of Llama 2 70B says 80 layers, 64 heads, **8 KV heads**, hidden size 8,192;
# - vLLM takes a *share* of each card (`--gpu-memory-utilization`, 0.92 unless told otherwise), and needs some of it for activations;
# - the prompt is read in a few large steps, the answer is written token by token, and a **batch** writes one token for each of its requests in a step;
# - what is not enough by a tenth of a replica is not enough.

# %% [markdown]
# ### Your turn: `wrong_lines` and `capacity`
#
# **`wrong_lines()`** returns the letters of the wrong lines, as a list. A line that is right for what it is given counts as right, even if that was computed wrongly above.
#
# **`capacity(config, card, load)`** does it right, in whole numbers:
#
# | given | |
# |---|---|
# | `config` | `num_hidden_layers`, `hidden_size`, `num_attention_heads`; perhaps `num_key_value_heads` (otherwise as many as heads) and `head_dim` (otherwise hidden size // heads); `parameters`; `weight_bits` (of each parameter), `kv_bytes` (of a number in the KV cache) |
# | `card` | `cards` of a replica, `bytes` of each, `percent` of it that the engine may take, `overhead_bytes` of each that go to activations |
# | `load` | `requests_per_s`, `prompt_tokens`, `completion_tokens`, `max_num_seqs`; `ttft_s` and `itl_s`, measured with all seats taken; `headroom_percent`: at most so much of the seats may be filled in the mean |
#
# | returned | |
# |---|---|
# | `kv_bytes_per_token` | |
# | `pool_tokens` | cards x (bytes x percent // 100 - overhead) less the weights (parameters x bits // 8), over the bytes per token, rounded down to whole blocks of 16 tokens; 0 if the weights do not fit |
# | `sequences` | whole requests that fit: each takes prompt + completion tokens, rounded *up* to blocks of 16; and at most `max_num_seqs` |
# | `in_flight` | requests that are there at once in the mean, by Little's law: rate x stay, and a stay is `ttft_s` + (completion - 1) x `itl_s` |
# | `replicas` | the fewest whose seats, times the headroom, are enough for them; at least 1; `None` if no sequence fits |
#
# (`in_flight` is a float. Where it comes to a whole number of replicas but for a rounding error, less than 1e-9, that number is meant.)

# %% tags=["answer"] id="capacity"
def wrong_lines():
    """The letters of the colleague's wrong lines."""
    ### BEGIN SOLUTION
    return ["B", "C", "F", "G", "I"]
    ### END SOLUTION


def capacity(config, card, load):
    """KV cache, sequences and replicas, in whole numbers."""
    ### BEGIN SOLUTION
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    per_token = 2 * config["num_hidden_layers"] * kv_heads * head_dim * config["kv_bytes"]
    room = card["cards"] * (card["bytes"] * card["percent"] // 100 - card["overhead_bytes"]) - config["parameters"] * config["weight_bits"] // 8
    pool_tokens = max(0, room // per_token // 16 * 16)
    each = -(-(load["prompt_tokens"] + load["completion_tokens"]) // 16) * 16
    sequences = min(load["max_num_seqs"], pool_tokens // each)
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = max(1, math.ceil(in_flight / (sequences * load["headroom_percent"] / 100) - 1e-9)) if sequences else None
    return {"kv_bytes_per_token": per_token, "pool_tokens": pool_tokens, "sequences": sequences, "in_flight": in_flight, "replicas": replicas}
    ### END SOLUTION

# %% tags=["output"] id="capacity-example"
LLAMA_2_70B = {"num_hidden_layers": 80, "hidden_size": 8192, "num_attention_heads": 64, "num_key_value_heads": 8, "parameters": 70 * 10**9, "weight_bits": 16, "kv_bytes": 2}
FOUR_CARDS = {"cards": 4, "bytes": 80 * 10**9, "percent": 92, "overhead_bytes": 2 * 10**9}
LOAD = {"requests_per_s": 20, "prompt_tokens": 512, "completion_tokens": 256, "max_num_seqs": 256, "ttft_s": 0.6, "itl_s": 0.05, "headroom_percent": 80}  # ttft_s and itl_s: assumed
for what, config in (("16 bits", LLAMA_2_70B), ("4 bits", {**LLAMA_2_70B, "weight_bits": 4}), ("without GQA", {**LLAMA_2_70B, "num_key_value_heads": 64})):
    found = capacity(config, FOUR_CARDS, LOAD)
    print(f"{what:12}{found['kv_bytes_per_token']:10,} bytes a token {found['pool_tokens']:9,} tokens {found['sequences']:4} sequences {found['in_flight']:6.0f} in flight {found['replicas']} replicas")

# %% tags=["check"] id="faults-check" points=2
_letters = wrong_lines()
assert not hasattr(_letters, "keys") and len(list(_letters)) and all(str(_letter).strip().upper() in list("ABCDEFGHI") for _letter in _letters), "wrong_lines must return a list of letters from A to I."
### BEGIN HIDDEN TESTS
_named = {str(_letter).strip().upper() for _letter in _letters}
_missed = len(_named ^ set("BCFGI"))
assert _missed <= 1, "Lines that are right are called wrong, or wrong ones right."
partial(2 - _missed, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="capacity-check" points=3
_LLAMA = {"num_hidden_layers": 80, "hidden_size": 8192, "num_attention_heads": 64, "num_key_value_heads": 8, "parameters": 70 * 10**9, "weight_bits": 16, "kv_bytes": 2}
_CARDS = {"cards": 4, "bytes": 80 * 10**9, "percent": 92, "overhead_bytes": 2 * 10**9}
_USUAL = {"requests_per_s": 20, "prompt_tokens": 512, "completion_tokens": 256, "max_num_seqs": 256, "ttft_s": 0.6, "itl_s": 0.05, "headroom_percent": 80}


def _capacity_fault(config, card, load, wanted):
    """The first key that is not as it should be, or None."""
    got = capacity(dict(config), dict(card), dict(load))
    if not hasattr(got, "keys"):
        return "the dictionary"
    for key, value in wanted.items():
        if key not in got:
            return f"the key {key!r}"
        if not (got[key] is None if value is None else close(got[key], value, rel=1e-9 if key == "in_flight" else 0, abs=1e-9)):
            return key
    return None


_fault = _capacity_fault(_LLAMA, _CARDS, _USUAL, {"kv_bytes_per_token": 327_680, "pool_tokens": 446_768, "sequences": 256, "in_flight": 267.0, "replicas": 2})
assert not _fault, f"For Llama 2 70B on four cards, 327,680 bytes a token, 446,768 tokens, 256 sequences (seats, not memory, are the limit), 267 in flight and 2 replicas come out. Look at {_fault}."
_fault = _capacity_fault(_LLAMA, {**_CARDS, "cards": 1}, _USUAL, {"pool_tokens": 0, "sequences": 0, "replicas": None})
assert not _fault, f"On one card the weights do not fit: no tokens, no sequences, and replicas is None. Look at {_fault}."
### BEGIN HIDDEN TESTS
def _planned(config, card, load):
    from fractions import Fraction

    heads = config["num_attention_heads"]
    each = 2 * config["num_hidden_layers"] * config.get("num_key_value_heads", heads) * config.get("head_dim", config["hidden_size"] // heads) * config["kv_bytes"]
    room = card["cards"] * ((card["bytes"] * card["percent"]) // 100 - card["overhead_bytes"]) - (config["parameters"] * config["weight_bits"]) // 8
    pool = (room // (16 * each)) * 16 if room > 0 else 0
    blocks = math.ceil(Fraction(load["prompt_tokens"] + load["completion_tokens"], 16))
    sequences = min((pool // 16) // blocks, load["max_num_seqs"])
    in_flight = load["requests_per_s"] * (load["ttft_s"] + (load["completion_tokens"] - 1) * load["itl_s"])
    replicas = max(1, math.ceil(in_flight * 100 / (sequences * load["headroom_percent"]) - 1e-9)) if sequences else None
    return {"kv_bytes_per_token": each, "pool_tokens": pool, "sequences": sequences, "in_flight": in_flight, "replicas": replicas}


_MODELS = [
    _LLAMA, {**_LLAMA, "weight_bits": 4}, {**_LLAMA, "kv_bytes": 1},
    {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "parameters": 6_738_415_616, "weight_bits": 16, "kv_bytes": 2},
    {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "parameters": 8_030_261_248, "weight_bits": 8, "kv_bytes": 2},
    {"num_hidden_layers": 36, "hidden_size": 2560, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "parameters": 4_022_468_096, "weight_bits": 16, "kv_bytes": 2},
]
_draw = random.Random(117)
for _case in range(80):
    _config = _draw.choice(_MODELS)
    _card = {"cards": _draw.choice([1, 2, 4, 8]), "bytes": _draw.choice([24, 40, 48, 80]) * _draw.choice([10**9, 2**30]), "percent": _draw.choice([85, 90, 92, 95]), "overhead_bytes": _draw.randrange(5 * 10**8, 3 * 10**9)}
    _load = {"requests_per_s": _draw.uniform(0.01, 90), "prompt_tokens": _draw.randrange(1, 4000), "completion_tokens": _draw.randrange(1, 1200), "max_num_seqs": _draw.choice([8, 64, 256, 1024]), "ttft_s": _draw.uniform(0.05, 2), "itl_s": _draw.uniform(0.01, 0.1), "headroom_percent": _draw.choice([60, 70, 80, 100])}
    assert not _capacity_fault(_config, _card, _load, _planned(_config, _card, _load)), "Another model, other cards, another load: it is not planned right."
_even = {**_USUAL, "requests_per_s": 10, "ttft_s": 0.05, "itl_s": 0.05, "completion_tokens": 512, "headroom_percent": 100}
assert not _capacity_fault(_LLAMA, _CARDS, _even, {"replicas": 1}), "A load that fills a replica exactly does not get exactly one."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# The last row shows what grouped-query attention is worth: with a KV head for each head, a token would take eight times as much. The source of this exercise says 0.5 MB a token, which belongs to neither. Its calculator has another line that cannot even run, since it multiplies by a name that nobody has defined.
#
# And no calculator of this kind knows what your engine *does*: `ttft_s` and `itl_s` must be measured with all seats taken (lab 04), since both grow with the batch. That is the price of the throughput.

# %% quiz="llms-in-production/cost-per-token"

# %% [markdown]
# ## Step 8 · What does it cost?
#
# A chat assistant for 500 people, most of them in office hours, runs on that fleet of four cards, day and night, for USD 9,986 a month. The busiest hour needs 62.5 generated tokens/s. Everybody has an idea:
#
# | lever | what it does | its price |
# |---|---|---|
# | `schedule` | up 46.25 hours a week instead of 168 | nothing in the evening; cards must be there at 8:15 |
# | `4 bits` | the same model on one card; two replicas instead of one, for when one fails | some quality: to be measured (lab 03) |
# | `smaller model` | an 8B model on cheaper cards, *instead of* 4 bits | more quality: the largest risk |
# | `spot` | the second replica at 40 % of the price: the mean price is 0.70 | it is taken away now and then, with two minutes' notice |
# | `provider` | the same cards for USD 2.00 instead of 3.42 | migration, a second set of tools |
# | `cache` | 12 % of the requests are answered from a cache | stale answers; with a semantic one also wrong ones (lab 10) |
#
# The source of this exercise gives six ranges of savings in percent and adds them phase by phase, until hardly anything is left of the bill. But each acts on what the one before has left: they are **factors**, and they **multiply**. And some act on nothing: a machine that is paid by the hour costs the same when it idles.

# %% [markdown]
# ### Your turn: `monthly_cost` and `savings`
#
# `fleet` has `cards` (of a replica), `replicas_at_least`, `peak_tokens_per_s`, `replica_tokens_per_s`, `usd_per_card_hour` and `hours` (a month). A lever is a dictionary with `name`, `factors` ({key of the fleet: factor}) and `instead_of` (names of levers with which it cannot be combined).
#
# **`monthly_cost(fleet, levers)`**: multiply each key of the fleet by the factors of all levers that have one for it. Then
#
# - replicas: as many as the peak needs, `peak_tokens_per_s / replica_tokens_per_s`, rounded up, but not fewer than `replicas_at_least` (rounded up);
# - cards of a replica: rounded up, at least one;
# - the cost is replicas x cards x `usd_per_card_hour` x `hours`. The order of the levers does not matter.
# - Rounding up comes after *all* factors; less than 1e-9 above a whole number counts as that number.
# - A `ValueError` if two levers are chosen of which one names the other in `instead_of`, or if one is chosen twice (by its name).
#
# **`savings(fleet, levers)`** returns a dictionary in USD: `alone` ({name: what it saves by itself}), `added` (the sum of these), `together` (what all of them save), and `steps`: a list of `(name, saving)` in the given order, each on top of those before it. They add up to `together`.

# %% tags=["answer"] id="cost"
def monthly_cost(fleet, levers):
    """USD a month of a fleet with these levers."""
    ### BEGIN SOLUTION
    names = [lever["name"] for lever in levers]
    if len(set(names)) < len(names) or any(other in names for lever in levers for other in lever["instead_of"]):
        raise ValueError(f"these cannot be combined: {', '.join(names)}")
    now = dict(fleet)
    for lever in levers:
        for key, factor in lever["factors"].items():
            now[key] *= factor

    def whole(value):
        return math.ceil(value - 1e-9)

    replicas = max(whole(now["replicas_at_least"]), whole(now["peak_tokens_per_s"] / now["replica_tokens_per_s"]))
    return replicas * max(1, whole(now["cards"])) * now["usd_per_card_hour"] * now["hours"]
    ### END SOLUTION


def savings(fleet, levers):
    """What levers save alone, added up, together, and step by step."""
    ### BEGIN SOLUTION
    costs = [monthly_cost(fleet, levers[:count]) for count in range(len(levers) + 1)]
    alone = {lever["name"]: costs[0] - monthly_cost(fleet, [lever]) for lever in levers}
    steps = [(lever["name"], costs[n] - costs[n + 1]) for n, lever in enumerate(levers)]
    return {"alone": alone, "added": sum(alone.values()), "together": costs[0] - costs[-1], "steps": steps}
    ### END SOLUTION

# %% id="levers"
# A load test with 4 bits on one card made 900 tokens/s; for four cards with 16 bits the same is assumed.
FLEET = {"cards": 4, "replicas_at_least": 1, "peak_tokens_per_s": 62.5, "replica_tokens_per_s": 900, "usd_per_card_hour": 3.42, "hours": 730}
LEVERS = {
    "schedule": {"factors": {"hours": 46.25 / 168}, "instead_of": []},
    "4 bits": {"factors": {"cards": 1 / 4, "replicas_at_least": 2}, "instead_of": ["smaller model"]},
    "spot": {"factors": {"usd_per_card_hour": 0.70}, "instead_of": []},
    "provider": {"factors": {"usd_per_card_hour": 2.00 / 3.42}, "instead_of": []},
    "smaller model": {"factors": {"cards": 1 / 4, "replicas_at_least": 2, "usd_per_card_hour": 1.00 / 3.42}, "instead_of": ["4 bits"]},
    "cache": {"factors": {"peak_tokens_per_s": 0.88}, "instead_of": []},
}


def chosen(*names):
    return [{"name": name, **copy.deepcopy(LEVERS[name])} for name in names]

# %% tags=["output"] id="cost-example"
plan = savings(FLEET, chosen("schedule", "4 bits", "spot", "cache"))
bill = monthly_cost(FLEET, [])
print(f"today USD {bill:,.0f}")
for name, saved in plan["steps"]:
    print(f"  {name:9} alone {plan['alone'][name] / bill:6.1%}, on top of the others {saved / bill:6.1%}")
print(f"added up {plan['added'] / bill:.1%}; in truth {plan['together'] / bill:.1%}: USD {bill - plan['together']:,.0f}")
busy = {**FLEET, "peak_tokens_per_s": 9000}
print(f"with 144 times the traffic the cache alone saves {savings(busy, chosen('cache'))['together'] / monthly_cost(busy, []):.1%} of USD {monthly_cost(busy, []):,.0f}")

# %% tags=["live"] id="cost-chart"
operations_charts.waterfall(bill, plan["steps"], added=plan["added"], title="The bill, lever by lever")

# %% tags=["live"] id="cost-ledger"
for step, value in (("the bill before", bill), ("the bill after", bill - plan["together"])):
    ledger.append(lab="11-operations", step=step, metric="usd_per_month", value=value, unit="USD a month", backend="cost model, prices of the exercise")

# %% tags=["check"] id="cost-check" points=3
_FLEET = {"cards": 4, "replicas_at_least": 1, "peak_tokens_per_s": 100.0, "replica_tokens_per_s": 400.0, "usd_per_card_hour": 2.0, "hours": 700}


def _lever(name, instead_of=(), **factors):
    return {"name": name, "factors": factors, "instead_of": list(instead_of)}


def _cost(fleet, levers):
    return monthly_cost(copy.deepcopy(fleet), copy.deepcopy(levers))


def _refused(fleet, levers):
    try:
        _cost(fleet, levers)
    except ValueError:
        return True
    return False


_got = _cost(_FLEET, [])
assert close(_got, 5600), f"One replica of 4 cards at 2 USD for 700 hours: 5,600. Yours gives {_got}."
_got = _cost(_FLEET, [_lever("half the hours", hours=0.5), _lever("half the price", usd_per_card_hour=0.5)])
assert close(_got, 1400), f"Half the hours at half the price is a quarter, 1,400, and not nothing. Yours gives {_got}."
_got = _cost(_FLEET, [_lever("cache", peak_tokens_per_s=0.5)])
assert close(_got, 5600), f"A cache halves the peak, and there is one replica before and after: 5,600. Yours gives {_got}."
assert _refused(_FLEET, [_lever("a", ["b"], hours=0.5), _lever("b", hours=0.5)]), "a is there instead of b: both together must raise a ValueError."
_got = savings(copy.deepcopy(_FLEET), [_lever("half the hours", hours=0.5), _lever("half the price", usd_per_card_hour=0.5)])
assert hasattr(_got, "keys") and {"alone", "added", "together", "steps"} <= set(_got), "savings must return a dictionary with alone, added, together and steps."
assert close(_got["added"], 5600) and close(_got["together"], 4200), f"Alone each saves 2,800, which adds up to 5,600; together they save 4,200. Yours says {_got['added']} and {_got['together']}."
### BEGIN HIDDEN TESTS
def _bill(fleet, levers):
    held = {key: value * math.prod(lever["factors"].get(key, 1) for lever in levers) for key, value in fleet.items()}

    def up(value):
        return math.ceil(value - 1e-9)

    replicas = max(up(held["replicas_at_least"]), up(held["peak_tokens_per_s"] / held["replica_tokens_per_s"]))
    return replicas * max(1, up(held["cards"])) * held["usd_per_card_hour"] * held["hours"]


_draw = random.Random(118)
for _case in range(60):
    _some = {"cards": _draw.choice([1, 2, 4, 8]), "replicas_at_least": _draw.choice([1, 2, 3]), "peak_tokens_per_s": _draw.uniform(10, 9000), "replica_tokens_per_s": _draw.uniform(200, 2000), "usd_per_card_hour": _draw.uniform(0.5, 5), "hours": _draw.choice([168, 700, 730])}
    _levers = [_lever(f"lever {_n}", **{_key: _draw.choice([0.25, 0.3, 0.5, 0.7, 0.88, 1.0, 2.0]) for _key in _draw.sample(sorted(_some), _draw.randrange(1, 4))}) for _n in range(_draw.randrange(0, 6))]
    _wanted = _bill(_some, _levers)
    assert close(_cost(_some, _levers), _wanted, rel=1e-9), "Some levers together: the cost is not right."
    _mixed = _levers[:]
    _draw.shuffle(_mixed)
    assert close(_cost(_some, _mixed), _wanted, rel=1e-9), "The same levers in another order cost something else."
    _told = savings(copy.deepcopy(_some), copy.deepcopy(_levers))
    _costs = [_bill(_some, _levers[:_n]) for _n in range(len(_levers) + 1)]
    _alone = {lever["name"]: _costs[0] - _bill(_some, [lever]) for lever in _levers}
    assert sorted(_told["alone"]) == sorted(_alone) and all(close(_told["alone"][_name], _alone[_name], rel=1e-6, abs=1e-6) for _name in _alone), "What levers save alone is not right."
    assert close(_told["added"], sum(_alone.values()), rel=1e-6, abs=1e-6), "What levers save alone, added up, is not right."
    assert close(_told["together"], _costs[0] - _costs[-1], rel=1e-6, abs=1e-6), "What levers save together is not right."
    _steps = list(_told["steps"])
    assert len(_steps) == len(_levers) and all(_step[0] == lever["name"] and close(_step[1], _costs[_n] - _costs[_n + 1], rel=1e-6, abs=1e-6) for _n, (_step, lever) in enumerate(zip(_steps, _levers))), "What levers save step by step is not right."
assert close(_cost({**_FLEET, "cards": 8}, [_lever("a", cards=0.5), _lever("b", cards=0.75)]), 4200), "Cards are rounded up before all factors are multiplied, or not at all."
assert close(_cost({**_FLEET, "cards": 10}, [_lever("a", cards=0.1), _lever("b", cards=3.0)]), 4200), "A rounding error of the computer costs a whole card."
assert close(_cost(_FLEET, [_lever("a", cards=0.1)]), 1400), "A replica has less than one card."
assert _refused(_FLEET, [_lever("b", hours=0.5), _lever("c", hours=1.0), _lever("a", ["b"], hours=0.5)]), "Levers that exclude each other can be combined, in some order."
assert _refused(_FLEET, [_lever("a", hours=0.5), _lever("a", hours=0.5)]), "A lever can be chosen twice."
assert not _refused(_FLEET, [_lever("a", ["z"], hours=0.5), _lever("b", ["y"], cards=0.5)]), "Levers that exclude only what is not chosen cannot be combined."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# Which levers first? Those that cost no quality (the schedule), then those whose cost can be measured beforehand (four bits, on a test set, paired with the old model: lab 03 and lab 07), and last those that make it fragile (spot). Each with a limit at which you stop, and a way back.

# %% [markdown]
# ## Step 9 · Answers that got worse
#
# The third situation has no alarm. Nobody waits, nothing fails, and the search brings the wrong text. It is found by asking **labelled questions** again and again (lab 07), as one asks for TTFT.
#
# An index holds, for each entry, the `names`, `versions` and `embedders` (lists), and the `vectors` (an array, one row each, all of length 1). This one has been kept by a nightly job that failed half-way, more than once. `current` says what there should be: {passage: its version today}.

# %% tags=["output"] id="broken-index"
index, current = indexes.broken(1)
print(f"{len(index['names'])} entries for {len(current)} passages; embedders {sorted(set(index['embedders']))}")
print("an entry:", index["names"][5], index["versions"][5], index["embedders"][5], "| today's version:", current.get(index["names"][5]))
for what, held in (("as it is", index), ("as it should be", indexes.whole())):
    print(f"{what:16}", {name: round(value, 3) for name, value in indexes.quality(held).items()})

# %% [markdown]
# The shape is the same everywhere, 384 numbers, so nothing complains. But vectors of **different embedders** cannot be compared (lab 06), an entry of an **old version** is found by what the passage once said, and an entry of a passage that is **gone** takes a place from one that is there.
# (The damage is made: an old text is another passage's, and the second embedder's vectors are those of the first, turned by a random rotation. To the search it is all the same.)
#
# `indexes.embed(names)` gives the vectors of passages as they are today, by the right embedder, `indexes.EMBEDDER`. (Here they are looked up. In earnest it is the expensive part: every passage goes through the model, and a company has millions.)
#
# ### Your turn: `repair`
#
# Return an index of the same form with **exactly one entry for each passage of `current`**, in any order: its version of today, by `indexes.EMBEDDER`, with the vector that belongs to it. What is in the index already with the right version and the right embedder **keeps its vector, number for number**; only what is missing, outdated or from another embedder is embedded anew. The
# index that was given stays as it is.
#
# The check looks at the entries, asks labelled questions, and wants an nDCG@10 of at least 0.70.

# %% tags=["answer"] id="repair"
def repair(index, current):
    """The index as it should be, with as little embedded anew as possible."""
    ### BEGIN SOLUTION
    good = {}
    for place, name in enumerate(index["names"]):
        if current.get(name) == index["versions"][place] and index["embedders"][place] == indexes.EMBEDDER:
            good.setdefault(name, index["vectors"][place])
    missing = [name for name in current if name not in good]
    names = [*good, *missing]
    parts = [np.asarray(list(good.values()), np.float32).reshape(len(good), -1)] if good else []
    parts += [indexes.embed(missing)] if missing else []
    return {
        "names": names,
        "versions": [current[name] for name in names],
        "embedders": [indexes.EMBEDDER] * len(names),
        "vectors": np.concatenate(parts),
    }
    ### END SOLUTION

# %% tags=["output"] id="repair-example"
mended_index = repair(copy.deepcopy(index), dict(current))
quality = {"index, broken": indexes.quality(index), "index, repaired": indexes.quality(mended_index)}
for what, found in quality.items():
    print(f"{what:16}", {name: round(value, 3) for name, value in found.items()})
kept = {row.tobytes() for row in index["vectors"]}
fresh = sum(row.tobytes() not in kept for row in np.asarray(mended_index["vectors"], np.float32))
print(f"embedded anew: {fresh} of {len(mended_index['names'])}")

# %% tags=["live"] id="repair-ledger"
for step, found in quality.items():
    for metric, value in found.items():
        ledger.append(lab="11-operations", step=step, metric=metric, value=value, unit="share", backend="MiniLM, exact search", questions=len(indexes.questions()))

# %% tags=["check"] id="repair-check" points=3
def _entries_fault(got, index, current):
    """What is wrong with the entries of a repaired index, in words, or None."""
    if not hasattr(got, "keys") or not {"names", "versions", "embedders", "vectors"} <= set(got):
        return "it must be a dictionary with names, versions, embedders and vectors"
    names, versions, embedders = list(got["names"]), list(got["versions"]), list(got["embedders"])
    vectors = np.asarray(got["vectors"], dtype=np.float32)
    if sorted(names) != sorted(current):
        return "it must have exactly one entry for each passage of today"
    if not len(names) == len(versions) == len(embedders) or vectors.shape != (len(names), 384):
        return "names, versions, embedders and vectors must be equally long, with 384 numbers for each vector"
    if any(version != current[name] for name, version in zip(names, versions)) or set(embedders) != {indexes.EMBEDDER}:
        return "versions and embedders must be those of today"
    right = {}
    for place, name in enumerate(index["names"]):
        if current.get(name) == index["versions"][place] and index["embedders"][place] == indexes.EMBEDDER:
            right.setdefault(name, []).append(index["vectors"][place])
    truth = dict(zip(sorted(current), indexes.embed(sorted(current))))
    for name, vector in zip(names, vectors):
        if float(vector @ truth[name]) < 0.999:
            return "a vector does not belong to today's text of its passage"
        if name in right and not any(np.array_equal(vector, kept) for kept in right[name]):
            return "a vector that was right was made anew"
    return None


_index, _current = indexes.broken(2)
_given = copy.deepcopy(_index)
_got = repair(_given, dict(_current))
_fault = _entries_fault(_got, _index, _current)
assert not _fault, f"The index of indexes.broken(2) is not repaired: {_fault}."
assert _given["names"] == _index["names"] and np.array_equal(_given["vectors"], _index["vectors"]), "The index that was given was changed."
### BEGIN HIDDEN TESTS
for _seed in (101, 102):
    _index, _current = indexes.broken(_seed)
    assert not _entries_fault(repair(copy.deepcopy(_index), dict(_current)), _index, _current), "Another index is not repaired entry by entry as it should be."
_keep = sorted(_current)[:40]
_small = {_name: _current[_name] for _name in _keep}
assert not _entries_fault(repair(copy.deepcopy(_index), dict(_small)), _index, _small), "When most passages are gone, what is left is not right."
_none = {"names": [], "versions": [], "embedders": [], "vectors": np.zeros((0, 384), np.float32)}
assert not _entries_fault(repair(copy.deepcopy(_none), dict(_small)), _none, _small), "An empty index is not filled."
partial(3, 3)
### END HIDDEN TESTS

# %% tags=["check"] id="quality-check" points=2
def _quality_of(seed):
    index, current = indexes.broken(seed)
    got = repair(copy.deepcopy(index), dict(current))
    held = {"names": list(got["names"]), "vectors": np.asarray(got["vectors"], dtype=np.float32)}
    return indexes.quality(held)["ndcg_at_10"]


_ndcg = _quality_of(1)
assert _ndcg >= 0.70, f"On the labelled questions, the repaired index of indexes.broken(1) has an nDCG@10 of {_ndcg:.3f}; 0.70 is asked for."
### BEGIN HIDDEN TESTS
_ndcgs = [_quality_of(_seed) for _seed in (103, 104)]
assert min(_ndcgs) >= 0.60, "On other broken indexes the repaired one finds hardly more than before."
partial(2 if min(_ndcgs) >= 0.70 else 1, 2)
### END HIDDEN TESTS

# %% [markdown]
# What would have told it on the first night: the share of `grounded` answers as an alert (step 3), twenty labelled questions asked after each build before the alias moves to the new index (lab 06), and a count of entries whose version is not today's.

# %% quiz="llm-infrastructure/mixed-embedders"

# %% [markdown]
# ## Step 10 · The ledger
#
# Every lab has written down what it measured, each number with what produced it. Here they are, metric by metric and step by step. Yours are filled; where you have none and the course has measured the same, its own run on a small machine stands in its place, hollow and named; the rest is not measured. Nothing is connected by a line, since two points may come from two machines: the letter says from which.
#
# The crosses are **claims of the course's sources**: 0.29 requests/s naive, 1.19 with vLLM, "12+" with replicas and quantisation. They come without machine, model or load, and are no more than that.

# %% tags=["live"] id="course-ledger"
operations_charts.ledger(figures.panels(), title="The course, metric by metric")

# %% [markdown]
# And what else your ledger holds, lab by lab:

# %% tags=["live"] id="rest-of-ledger"
others = figures.others()
operations_charts.ledger(others, title="Your other measurements") if others else print("Your ledger holds nothing else yet.")

# %% [markdown]
# Read it for its losses as much as for its gains:
#
# - **Streaming moves no requests/s.** It moves the time to the first token, which is another panel. (The source's "20 to 30 times faster" is what a reader feels, at most total time over TTFT.)
# - **Four bits make the smallest file, and lose requests/s here** (the course's own run: `quantization-cpu.json`): on a CPU each weight has to be unpacked before it is used (lab 03). On a card that waits for its memory it may be the other way round.
# - **Two replicas on one machine add no core.** Whatever they gain or lose there is the engine's use of the cores that were there before; what they buy is survival.
# - A step's factor holds for its load and its machine. Multiply factors of one ledger, one back end, one load; not those of two.

# %% quiz="llms-in-production/compounding-gains"

# %% [markdown]
# ### What we know now
#
# Your predictions, against what came out. (After a restart of the kernel this needs the live cells of steps 5 and 8 again.)

# %% tags=["live"] id="predicted"
three = savings(FLEET, chosen("schedule", "4 bits", "spot"))
outcome = {"gone": drain_time([{"waiting": 100, "arrivals_per_s": 0.6 * 640 / 160, "tokens": 160, "refused": False}], 640.0), "saved": 100 * three["together"] / bill, "found": found_s}
words = {"gone": "queue gone after, s", "saved": "saved by three levers, %", "found": "named by diagnose() after, s"}
charts.prediction_vs_measured({words[k]: guess[k] for k in words}, {words[k]: outcome[k] for k in words}, unit="seconds, percent", title="What you wrote down in step 1")

# %% [markdown]
# | claim | what is true |
# |---|---|
# | "GPU utilisation is at 98 %, that is why" | it is high in good times too; requests that wait, by replica, and tokens, by client, tell more (step 3) |
# | "scale up, then look" | a client that floods fills what you add; end it where it began (step 4) |
# | "the queue is at zero, it is over" | over is a hold time, not a moment (step 4) |
# | "a 70B model takes 0.5 MB of cache a token" | 327,680 bytes, from its config (step 7) |
# | "50 % here and 40 % there, that makes 90 %" | 70 %: savings are factors (step 8) |
# | "a cache saves a third of the bill" | of a bill by the hour nothing, until it makes a whole replica superfluous (step 8) |
# | "latency is fine, so the service is fine" | a stale index is fast (step 9) |
#
# **What production would add**
#
# - **The rules of step 3 as alerts** (lab 09), and the limits of step 4 in the gateway (lab 10), so that nobody has to be awake.
# - **A runbook** for each alert: the first three queries, the remedy, who decides. Written after the postmortem, tried on a quiet afternoon, with faults that somebody injects on purpose.
# - **Deployments that take themselves back**: a new adapter or index gets a tenth of the traffic, and `valid` or `grounded` decide (lab 07's rollout).
# - **A bill by client**, from the same tokens that found the culprit.
# - **Sizes from measurements of your own**, at the batch that you will run, and again after each upgrade of the engine.
#
# What this lab has added:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="11-operations"):
    print(f"{row['step']:20} {row['metric']:16} {row['value']:10.3f} {row['unit']:12} {row['backend']}")

# %% [markdown]
# That was the course. You began with one request at a time and a lock. What is left are the two exams, 12 and 13 (in the second, the three situations of this lab are asked as scenarios, to be answered in words), and the machine that you are responsible for.
