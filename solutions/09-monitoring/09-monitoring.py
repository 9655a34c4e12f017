# ---
# title: See it, and be woken by it
# minutes: 180
# objectives: Watch a real engine with a real Prometheus, ask it questions that mean what they say, and write alerts that fire when users suffer and stay silent otherwise
# builds: rates and quantiles by hand, a scrape configuration, PromQL for an engine, recording and alerting rules, an error budget, routes, a dashboard
# needs: {memory_gb: 6, own_gib: 1.5}
# ---

# %% [markdown]
# # Lab 09 · See it, and be woken by it
#
# An engine tells everything about itself: some hundreds of numbers on a page that anybody may read. None of them says "users are unhappy". Between the page and a telephone that rings at night stand three programs and a few lines of text, and this lab is about these lines.
# **Prometheus** reads the page every few seconds and keeps the numbers; **PromQL** asks questions of them; **rules** turn a question into an alarm; **Alertmanager** decides whom it wakes. All of it is real here, and so is the engine.
#
# The usual mistakes are quiet ones. A query with a wrong name gives *nothing*, and nothing never alarms. A percentile that is averaged over replicas is a number, just not one of your users'. An alert on a full KV cache fires every day at noon until nobody looks any more.
#
# **After this lab you can**
#
# - say what a counter, a gauge and a histogram are, and compute `rate` and a quantile by hand;
# - write a scrape configuration, and keep out what nobody will ask for;
# - ask for latencies, rates, ratios and saturation over several replicas, in PromQL that gives what it promises;
# - write recording and alerting rules that fire on the series on which they must, and are silent on those on which they must;
# - spend an error budget, and say how fast it burns;
# - route alerts so that one accident makes one call.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write three numbers down | 3 |
# | 2 | What an engine tells | 14 |
# | 3 | A histogram, and what is left of it | 22 |
# | 4 | Prometheus asks | 20 |
# | 5 | Questions in PromQL | 42 |
# | 6 | When to wake somebody | 48 |
# | 7 | Who is woken, and a real alarm | 20 |
# | 8 | A dashboard; GPUs and traces; what production would add | 11 |
#
# Steps 1 to 4 and 5 to 8 make two sittings.
#
# **Budget.** Two CPU cores and 6 GB of memory; no GPU, no account, no network. The programs are Debian's; `make setup` has fetched them. The cells marked `%%live` start one engine and put load on it for about a minute in all.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import asyncio
import copy
import math
import time

import httpx
import servelab
import yaml
from servelab.checks import close, partial
from servelab.engine.scripted import ScriptedEngine
from servelab.load import charts, closed_loop, ledger, monitoring_charts
from servelab.monitoring.configs import check_config
from servelab.monitoring.dashboards import panels, problems
from servelab.monitoring.promql import values_of
from servelab.monitoring.routing import check_routing
from servelab.monitoring.rules import alerts_at, check_rules, firing
from servelab.monitoring.series import Phase, fleet
from servelab.monitoring.servers import Alertmanager, Prometheus
from servelab.monitoring.webhook import Webhook

servelab.setup("09-monitoring")

# %% [markdown]
# ## Step 1 · Predict
#
# Three numbers, before you know the answers:
#
# 1. **Series.** One engine that has answered a few requests. How many different time series does Prometheus get from it?
# 2. **Quantile.** You measure the 95th percentile of the time to first token at the client, request by request. Prometheus estimates the same from the engine's histogram. By how many percent does its estimate differ?
# 3. **Alarm.** Prometheus looks every second, a rule says "for 8 s", and Alertmanager waits one second for other alarms. From the first request of a burst until the alarm arrives: how many seconds?
#
# The numbers below are a colleague's. **Replace them by your own.** Nobody grades them.

# %% tags=["live"] id="guess"
guess = {"series": 40, "quantile": 1, "alarm": 8}  # change all three

# %% [markdown]
# ## Step 2 · What an engine tells
#
# You know the page from lab 02. Here is a part of it again, of a real engine. It has four seats, so that it is easily overrun:

# %% tags=["live"] id="engine"
from servelab import engine
from servelab.load.bench import prompts

vllm = engine.serve(["--max-num-seqs", "4"])
warm = await closed_loop(vllm.base_url, vllm.model, prompts(8), concurrency=4, max_tokens=16, desc="warming up")
shown = ("vllm:num_requests_running", "vllm:kv_cache_usage_perc", "vllm:generation_tokens_total", "vllm:request_success_total")
for line in vllm.metrics().splitlines():
    if line.startswith(shown):
        print(line)

# %% [markdown]
# | kind | what it is | what one asks |
# |---|---|---|
# | **gauge** | the value of this moment: `vllm:num_requests_running` | the value itself, its maximum |
# | **counter** | grows for ever, by convention with a name in `_total` | never the value, always how fast it *grows*: `rate(...)` |
# | **histogram** | several counters: how many observations were at most so large | a quantile, a share, a mean |
#
# Each name with each combination of labels is a **time series** of its own. `request_success_total` has five, one for each `finished_reason`. A label with many values, a user's name for example, multiplies *all* series of its metric: this is **cardinality**, and it is what fills the memory of a Prometheus.
#
# Note what is missing: the page holds no history and no averages. The engine counts; looking twice and subtracting is the reader's business.
#
# ### Looking twice
#
# A counter has one trap: when the engine restarts, it begins at zero. So a counter that went 100, 140, 10, 30 has grown by 40, then by *at least* 10 (from zero, after the restart), then by 20: 70 in all. A fall can mean nothing else, for a counter never falls.

# %% [markdown]
# ### Your turn: `rate`
#
# `samples` is a list of pairs, (seconds, value of one counter), in order of time. Return by how much the counter has grown per second between the first and the last sample, restarts included. With fewer than two samples there is no rate: return `None`.
#
# (Prometheus's own `rate` does one thing more. Its window rarely begins exactly at a sample, so it stretches the result to the window's edges; that is why it can tell of 20.7 requests.)

# %% tags=["answer"] id="rate"
def rate(samples):
    """Growth per second of a counter, from [(seconds, value), ...]; None for fewer than two samples."""
    ### BEGIN SOLUTION
    if len(samples) < 2:
        return None
    grown = sum(now - before if now >= before else now for (_, before), (_, now) in zip(samples, samples[1:]))
    return grown / (samples[-1][0] - samples[0][0])
    ### END SOLUTION

# %% tags=["check"] id="rate-check" points=2
_got = rate([(0, 100), (15, 130), (30, 160)])
assert close(_got, 2), f"60 more in 30 seconds is 2 a second, not {_got}."
_got = rate([(0, 100), (15, 140), (30, 10), (45, 30)])
assert close(_got, 70 / 45), f"100, 140, restart, 10, 30: it has grown by 70 in 45 seconds. Yours is {_got}."
_got = rate([(0, 100)])
assert _got is None, "One sample has no rate: return None."
### BEGIN HIDDEN TESTS
for _samples, _want in (
    ([(0, 0), (60, 0)], 0),
    ([(10, 5), (12, 8), (50, 8)], 3 / 40),
    ([(0, 1000), (15, 0), (30, 0), (45, 30)], 30 / 45),
    ([(100, 90), (115, 50), (130, 20), (145, 20.5)], 70.5 / 45),
    ([(0, 7), (15, 7), (30, 3), (45, 9), (60, 1)], 10 / 60),
):
    assert close(rate(copy.deepcopy(_samples)), _want), "A counter that stands still, restarts twice, or is looked at irregularly: its rate is not right."
assert rate([]) is None, "No samples at all: return None."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 3 · A histogram, and what is left of it
#
# How long did the first tokens take? An engine cannot keep every time for you to sort. It keeps counters: how many requests had their first token after at most 0.25 s, at most 0.5 s, at most 0.75 s, ... The bound is a label, `le` ("less or equal"), and the counts are **cumulative**: each includes all smaller ones.

# %% tags=["live"] id="buckets"
for line in vllm.metrics().splitlines():
    if line.startswith("vllm:time_to_first_token_seconds_bucket"):
        bound = line.split('le="')[1].split('"')[0]
        print(f"at most {bound:>7} s: {float(line.split()[-1]):4.0f}")

# %% [markdown]
# From this, a quantile can only be *estimated*. Prometheus does it so:
#
# 1. The **rank** is q × total. The bucket is the first whose cumulative count reaches it.
# 2. Within the bucket the requests are taken to be spread evenly: the value lies as far between the bucket's lower and upper bound as the rank lies between the counts at these bounds. (The lowest bucket begins at 0.)
# 3. If the rank falls into the last bucket, `+Inf`, the answer is the highest finite bound. So a histogram cannot tell of anything slower than that.
#
# An example: 100 requests, 40 of them at most 0.5 s, 90 at most 1 s, all at most 2.5 s. For q = 0.95 the rank is 95, in the bucket from 1 to 2.5 s, which holds 10 requests; the rank is the 5th of these. So 1 + 1.5 × 5/10 = 1.75 s.
#
# And with several replicas? **Quantiles cannot be averaged.** Ten replicas with a p95 of 0.2 s and one, busier than all others, with 8 s do not make 0.9 s. What *can* be added are counts: sum them over the replicas, bound by bound, and estimate once. In PromQL that is `sum by (le)`.

# %% [markdown]
# ### Your turn: `quantile`
#
# `replicas` is a list of histograms, one for each replica. A histogram is a dictionary from upper bound in seconds (a float; the last is `math.inf`) to the cumulative count of requests. All have the same bounds, not necessarily in order. Return the `q`-quantile of the requests of **all replicas together**, as Prometheus would estimate it; `None` if there were no requests. 0 < q < 1.

# %% tags=["answer"] id="quantile"
def quantile(q, replicas):
    """The q-quantile in seconds of all replicas' requests, from [{upper bound: cumulative count}, ...]; None without requests."""
    ### BEGIN SOLUTION
    bounds = sorted({bound for histogram in replicas for bound in histogram})
    counts = [sum(histogram.get(bound, 0) for histogram in replicas) for bound in bounds]
    if not counts or counts[-1] == 0:
        return None
    rank = q * counts[-1]
    place = next(i for i, count in enumerate(counts) if count >= rank)
    if math.isinf(bounds[place]):
        return bounds[place - 1]
    low, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0)
    return low + (bounds[place] - low) * (rank - below) / (counts[place] - below)
    ### END SOLUTION

# %% tags=["check"] id="quantile-check" points=3
_example = {0.5: 40, 1.0: 90, 2.5: 100, math.inf: 100}
_got = quantile(0.95, [_example])
assert close(_got, 1.75), f"The example of the text: the 95th percentile is 1.75 s, not {_got}."
_got = quantile(0.2, [_example])
assert close(_got, 0.25), f"The 20th percentile lies in the lowest bucket, half-way between 0 and 0.5 s: 0.25 s, not {_got}."
_got = quantile(0.5, [{0.5: 1, 1.0: 2, math.inf: 10}])
assert _got == 1.0, f"Most requests took longer than the highest bound: the answer is that bound, 1.0 s, not {_got}."
_quick, _slow = {0.5: 100, 5.0: 100, math.inf: 100}, {0.5: 0, 5.0: 300, math.inf: 300}
_got = quantile(0.5, [_quick, _slow])
assert close(_got, 0.5 + 4.5 * 100 / 300), f"100 quick requests on one replica and 300 slow ones on another: the median of all 400 is 2 s, not {_got}."
### BEGIN HIDDEN TESTS
def _by_prometheus(q, replicas):
    series = {
        f'x_bucket{{instance="{number}",le="{"+Inf" if math.isinf(bound) else bound}"}}': f"{count}x20"
        for number, histogram in enumerate(replicas)
        for bound, count in histogram.items()
    }
    (value,) = values_of({"q": f"histogram_quantile({q}, sum by (le) (x_bucket))"}, series)["q"].values()
    return value


for _q, _replicas in (
    (0.5, [_quick]),
    (0.99, [_example]),
    (0.9, [_example, _example]),
    (0.75, [{0.1: 3, 0.3: 3, 1.0: 17, 7.5: 40, math.inf: 41}, {0.1: 900, 0.3: 950, 1.0: 1000, 7.5: 1000, math.inf: 1000}, {0.1: 0, 0.3: 0, 1.0: 0, 7.5: 0, math.inf: 0}]),
    (0.97, [{0.1: 3, 0.3: 3, 1.0: 17, 7.5: 40, math.inf: 41}, {0.1: 9, 0.3: 9, 1.0: 10, 7.5: 10, math.inf: 10}]),
):
    assert close(quantile(_q, copy.deepcopy(_replicas)), _by_prometheus(_q, _replicas), rel=1e-4), "Other histograms, or other replicas together: the quantile is not the one that Prometheus gives."
_mixed = {math.inf: 100, 2.5: 100, 0.5: 40, 1.0: 90}
assert close(quantile(0.95, [_mixed]), 1.75), "A histogram whose bounds come in another order has the same quantiles."
assert quantile(0.5, [{0.5: 0, math.inf: 0}]) is None, "No requests: return None."
assert quantile(0.5, []) is None, "No replicas, so no requests: return None."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# How far off is the estimate? That depends on where the bounds are. A drawing: 200 times that we know, the counters that are left of them, and the quantiles of both.

# %% tags=["output"] id="left-of-it"
known = [0.26 + 0.001 * i for i in range(180)] + [1.1 + 0.02 * i for i in range(20)]
bounds = [0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, math.inf]
histogram = {bound: sum(value <= bound for value in known) for bound in bounds}
for q in (0.5, 0.9, 0.95, 0.99):
    true = sorted(known)[math.ceil(q * len(known)) - 1]
    estimated = quantile(q, [histogram])
    told = "no estimate yet" if estimated is None else f"estimated {estimated:.2f} s ({estimated / true - 1:+.0%})"
    print(f"p{q * 100:g}: true {true:.2f} s, {told}")

# %% tags=["live"] id="left-of-it-chart"
monitoring_charts.histogram_quantile(known, [b for b in bounds if math.isfinite(b)], q=0.95, estimate=quantile(0.95, [histogram]), title="What a histogram keeps")

# %% [markdown]
# All that lay between 1 and 2.5 s is spread evenly over the bucket, wherever it really was. So a percentile from a histogram is as exact as the buckets around it are narrow; and whoever has a goal of 200 ms needs a bound *at* 0.2, to count exactly how many kept it. vLLM's bounds are 0.1 and 0.25 there.
#
# ## Step 4 · Prometheus asks
#
# Prometheus **pulls**: it has a list of targets and reads each one's page at a fixed interval. That it could read it is a series of its own, `up`, 1 or 0. So an engine that is dead is noticed without its help. The configuration is YAML:
#
# ```yaml
# global:
#   scrape_interval: 15s          # how often each target is read
#   evaluation_interval: 15s      # how often rules are computed
# scrape_configs:
#   - job_name: web               # becomes the label job="web"
#     static_configs:
#       - targets: ["10.0.0.7:80", "10.0.0.8:80"]    # each becomes a label instance="10.0.0.7:80"
#     metric_relabel_configs:     # after reading, before storing
#       - source_labels: [__name__]        # the metric's name is a label too
#         regex: debug_.*                  # must match the whole name, so `debug_` alone matches nothing else
#         action: drop
# rule_files: [some.yml]
# alerting:
#   alertmanagers:
#     - static_configs:
#         - targets: ["10.0.0.9:9093"]
# ```
#
# In a cluster the targets are found, not written down (lab 05's PodMonitor says which); the rest is the same.

# %% [markdown]
# ### Your turn: `scrape_config`
#
# Return Prometheus's configuration, as YAML text or as a dictionary:
#
# - the job `vllm` reads all of `engines` (a list such as `["127.0.0.1:8000"]`), at `/metrics`, which is where Prometheus looks unless it is told otherwise;
# - everything is read, and rules are computed, every `every` (for example `"15s"`), and nowhere is another interval;
# - metrics whose names begin with `python_` or `process_` are not stored: nobody will ask;
# - all others are stored, with the names and labels that the engine gave them;
# - rules come from the file `rules.yml`;
# - alerts go to all of `alertmanagers` (a list like `engines`; it may be empty, and then nothing is alerted).

# %% tags=["answer"] id="scrape-config"
def scrape_config(engines, alertmanagers, every):
    """Prometheus's configuration for these engines and Alertmanagers, as YAML text or a dictionary."""
    ### BEGIN SOLUTION
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [
            {
                "job_name": "vllm",
                "static_configs": [{"targets": engines}],
                "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "(python|process)_.*", "action": "drop"}],
            }
        ],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]} if alertmanagers else {},
    }
    ### END SOLUTION

# %% [markdown]
# A real Prometheus shall read it and tell what it has stored. (A fresh one looks at its targets for the first time after some seconds: remember that for step 7.) The pages that it reads come from two small servers:

# %% id="pages"
import contextlib
import http.server
import threading


def as_yaml(config):
    """The text of a configuration that is text or a dictionary."""
    return config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False)


@contextlib.contextmanager
def page(text):
    """A server on loopback whose `/metrics` shows this text; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = text.encode() if self.path == "/metrics" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PAGE = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 912
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 9e+08
# TYPE http_requests_total counter
http_requests_total{handler="/v1/chat/completions",status="2xx"} 17
"""

# %% tags=["live"] id="scrape"
with page(PAGE) as one, page(PAGE) as two, Prometheus(as_yaml(scrape_config([one, two], [], "1s")), rules={"rules.yml": "groups: []"}) as watcher:
    watcher.wait_for("count(vllm:num_requests_running) == 2")
    stored = watcher.query('count by (__name__) ({__name__=~"vllm:.*|http_.*|python_.*|process_.*", job="vllm"})')
    ups = watcher.query('up{job="vllm"}')

# %% tags=["live", "output"] id="scraped"
print("targets that could be read:", sum(ups.values()))
for labels, count in sorted(stored.items()):
    print(f"{labels}: {count:g}")

# %% tags=["check"] id="scrape-config-check" points=3
_text = as_yaml(scrape_config(["127.0.0.1:8000", "127.0.0.1:8001"], ["127.0.0.1:9093"], "15s"))
_faults = check_config(_text, rules={"rules.yml": "groups: []"})
assert not _faults, f"Prometheus would not start with this: {_faults[0]}"
with page(PAGE) as _one, page(PAGE) as _two:
    with Prometheus(as_yaml(scrape_config([_one, _two], [], "1s")), rules={"rules.yml": "groups: []"}) as _watcher:
        _end = time.monotonic() + 15
        while len(_watcher.query("up == 1")) < 2 and time.monotonic() < _end:
            time.sleep(0.2)
        _ups = _watcher.query('up{job="vllm"}')
        _stored = _watcher.query('count by (__name__) ({__name__=~".+", __name__!~"up|scrape_.*"})')
assert len(_ups) == 2, f"Two engines are to be read by the job vllm; Prometheus shows {len(_ups)} targets of it."
assert sum(_ups.values()) == 2, "Prometheus could not read the engines' pages: is it the path /metrics, on the addresses that are given?"
_names = [_labels.split('"')[1] for _labels in _stored]
assert "vllm:num_requests_running" in _names and "http_requests_total" in _names, f"Stored were only {_names}: the engine's own metrics should be among them."
_extra = [_name for _name in _names if _name.startswith(("python_", "process_"))]
assert not _extra, f"Stored was also {_extra[0]}, which nobody will ask for. (A pattern has to match the whole name.)"
_config = yaml.safe_load(_text)
assert _config.get("global", {}).get("evaluation_interval") == "15s", "How often are rules computed? Where nothing is said, once a minute."
assert _config.get("rule_files") == ["rules.yml"], "Rules are to come from the file rules.yml, and from no other."
assert "127.0.0.1:9093" in str(_config.get("alerting")), "The Alertmanager that is given is not in the configuration."
### BEGIN HIDDEN TESTS
_OTHER = """\
# TYPE gateway:python_like gauge
gateway:python_like{model_name="python_3",process_="1"} 1
# TYPE pythonic gauge
pythonic 1
# TYPE vllm:prompt_tokens counter
vllm:prompt_tokens_total{engine="0",model_name="m"} 5
# TYPE python_info gauge
python_info{version="3.11"} 1
# TYPE process_open_fds gauge
process_open_fds 7
"""
_RULES = "groups: [{name: a, rules: [{alert: Always, expr: vector(1)}, {record: seen, expr: sum(up)}]}]"
with page(_OTHER) as _one, Alertmanager("route: {receiver: nobody}\nreceivers: [{name: nobody}]") as _manager:
    with Prometheus(as_yaml(scrape_config([_one], [_manager.address], "1s")), rules={"rules.yml": _RULES}) as _watcher:
        _end = time.monotonic() + 20
        while (not _watcher.query("seen == 1") or not _manager.alerts()) and time.monotonic() < _end:
            time.sleep(0.2)
        _seen, _stored, _alerts = _watcher.query("seen"), _watcher.query('{__name__=~".+", __name__!~"up|scrape_.*|seen|ALERTS.*"}'), _manager.alerts()
assert _seen, "The rules in rules.yml were not computed."
assert _alerts, "An alert did not arrive at the Alertmanager that was given."
_names = " ".join(_stored)
assert all(_name in _names for _name in ("gateway:python_like", '"pythonic"', "vllm:prompt_tokens_total")), "Metrics were dropped that only look a little like those to drop."
assert 'model_name="python_3"' in _names and 'process_="1"' in _names, "A label of the engine is missing: labels are to be stored as they are."
assert "python_info" not in _names and "process_open_fds" not in _names, "Another metric that begins with python_ or process_ was stored."
for _every in ("15s", "1m"):
    _config = yaml.safe_load(as_yaml(scrape_config(["a:1", "b:2", "c:3"], ["d:4", "e:5"], _every)))
    _jobs = [_job for _job in _config["scrape_configs"] if _job.get("job_name") == "vllm"]
    _global = _config.get("global", {})
    _own = {_job.get("scrape_interval", _global.get("scrape_interval", "1m")) for _job in _jobs}
    assert len(_jobs) == 1 and _own == {_every} == {_global.get("scrape_interval", _every), _global.get("evaluation_interval", "1m")}, "Everything should be read, and rules be computed, at the interval that is given."
    assert sorted(_t for _group in _jobs[0]["static_configs"] for _t in _group["targets"]) == ["a:1", "b:2", "c:3"], "The job should read all the engines that are given, and no others."
    _managers = [_t for _am in _config["alerting"]["alertmanagers"] for _group in _am["static_configs"] for _t in _group["targets"]]
    assert sorted(_managers) == ["d:4", "e:5"], "Alerts should go to all the Alertmanagers that are given."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# Now the engine from step 2, with a Prometheus that looks every second, and a load of eight users on its four seats:

# %% tags=["live"] id="watch-engine"
watcher = Prometheus(as_yaml(scrape_config([vllm.url.removeprefix("http://")], [], "1s")), rules={"rules.yml": "groups: []"}).start()
watcher.wait_for('up{job="vllm"} == 1')
began = time.time()
load = await closed_loop(vllm.base_url, vllm.model, prompts(40), concurrency=8, max_tokens=24, ignore_eos=True, desc="8 users")
took = time.time() - began
await asyncio.sleep(2)  # one more look
(series,) = watcher.query('count({job="vllm"})').values()
print(f"{series:g} series of one engine, the {len(load.results)} requests took {took:.0f} s")

# %% [markdown]
# Most of these series are buckets: a histogram with 22 bounds is 26 series (23 buckets with `+Inf`, a sum, a count, and when it was created), for each model, engine and replica. That is cheap as long as the labels are few.
#
# ## Step 5 · Questions in PromQL
#
# What you need of the language:
#
# | expression | gives |
# |---|---|
# | `vllm:num_requests_running` | the newest value of every series of this name |
# | `x{job="a",finished_reason="error"}` | of those, the ones with these labels |
# | `x[5m]` | of each, all samples of the last five minutes |
# | `rate(x[5m])` | growth per second in this window, of each series |
# | `sum(x)`, `max(x)` | over all series: one value, without labels |
# | `sum by (le) (x)` | one value for each `le`; all other labels go |
# | `sum(a) / sum(b)` | the ratio of two sums. `a / b` divides where both sides have the *same labels*; an `a` without such a partner gives nothing |
# | `histogram_quantile(0.95, b)` | what you wrote in step 3; `b` needs the label `le` |
#
# The order matters: **rate first, then sum**. The sum of counters falls when one replica restarts, and `rate` then sees a restart of all of them.
#
# The window should hold at least four samples: with a scrape every 15 s that is a minute. A short window is nervous, a long one late.
#
# The histograms and counters of vLLM that you need:
#
# | name | what |
# |---|---|
# | `vllm:time_to_first_token_seconds` (`_bucket`, `_sum`, `_count`) | TTFT |
# | `vllm:e2e_request_latency_seconds` | the whole latency |
# | `vllm:generation_tokens_total` | tokens generated so far, also by requests that still run |
# | `vllm:request_generation_tokens` | histogram: how many tokens a finished request has got |
# | `vllm:request_success_total` | finished requests, by `finished_reason`: stop, length, abort, **error**, repetition. (The name is wider than it sounds: a request that failed in the engine counts here too) |
# | `vllm:prefix_cache_queries_total`, `vllm:prefix_cache_hits_total` | tokens of prompts that were looked up, and found |
# | `vllm:num_requests_waiting`, `vllm:kv_cache_usage_perc` | gauges; the second goes from 0 to 1, whatever its name says |
# | `vllm:num_preemptions_total` | how often a request had to give its KV blocks up, and start again later (you need it in step 6) |
#
# (In other texts you will find `vllm_queue_depth`, `vllm_request_latency_bucket` or `request_max_tokens`. These never existed: names have a colon, and each is worth a look at the page.)

# %% [markdown]
# ### Your turn: `queries`
#
# Return a dictionary of eight PromQL expressions. `window` is a text such as `"5m"`, the window of every rate. All replicas of the job `vllm` count; other jobs may be in the same Prometheus, with the same names. One value, without any labels, comes out of each, except `waiting`.
#
# | key | what it gives |
# |---|---|
# | `ttft_p95` | 95th percentile of TTFT, seconds, of all replicas' requests together |
# | `latency_p99` | 99th percentile of the whole latency, likewise |
# | `tokens_per_s` | generated tokens per second, all replicas |
# | `tokens_per_request` | mean number of tokens that a finished request got |
# | `error_ratio` | share of finished requests that ended in an error, 0 to 1 |
# | `hit_ratio` | share of looked-up prompt tokens that the prefix cache held |
# | `waiting` | waiting requests of **each** replica: one value per `instance`, which is its only label |
# | `kv_usage` | KV usage of the **fullest** replica, 0 to 1 |
#
# In an f-string a brace of the text is written twice, `f'x{{job="a"}}[{window}]'`; or put the window in with `+` or `.replace`.

# %% tags=["answer"] id="queries"
def queries(window):
    """Eight PromQL expressions by name, for the job vllm; `window` as in "5m"."""
    ### BEGIN SOLUTION
    def rate_of(name, labels=""):
        return f'rate(vllm:{name}{{job="vllm"{labels}}}[{window}])'

    def quantile_of(q, name):
        return f"histogram_quantile({q}, sum by (le) ({rate_of(name + '_bucket')}))"

    return {
        "ttft_p95": quantile_of(0.95, "time_to_first_token_seconds"),
        "latency_p99": quantile_of(0.99, "e2e_request_latency_seconds"),
        "tokens_per_s": f"sum({rate_of('generation_tokens_total')})",
        "tokens_per_request": f"sum({rate_of('request_generation_tokens_sum')}) / sum({rate_of('request_generation_tokens_count')})",
        "error_ratio": "sum({}) / sum({})".format(rate_of("request_success_total", ',finished_reason="error"'), rate_of("request_success_total")),
        "hit_ratio": f"sum({rate_of('prefix_cache_hits_total')}) / sum({rate_of('prefix_cache_queries_total')})",
        "waiting": 'sum by (instance) (vllm:num_requests_waiting{job="vllm"})',
        "kv_usage": 'max(vllm:kv_cache_usage_perc{job="vllm"})',
    }
    ### END SOLUTION

# %% [markdown]
# To try them: two replicas that somebody made up, and a third of another job. `Phase` says what a replica does for some minutes (all its fields are in its help: `Phase?`); from that follow all its series, as Prometheus would have stored them, one sample every 15 s; and `values_of` has Prometheus's own evaluator compute expressions over them.

# %% id="made-up"
def answers(series, window="5m", at="20m"):
    """What your expressions give on series; text where Prometheus cannot read one."""
    return values_of(queries(window), series, at, interval="15s")


MADE_UP = fleet(
    {
        "a:8000": [
            Phase(10, rps=9, ttft={5.0: 1.0}, e2e={30.0: 1.0}, tokens=10, reasons={"error": 0.5}),  # ten bad minutes, which are over
            Phase(11, rps=4, ttft={0.1: 0.9, 0.25: 0.1}, tokens=100, cached=0.6, kv=0.4),
        ],
        "b:8000": [Phase(21, rps=1, ttft={0.1: 0.5, 2.5: 0.5}, tokens=200, reasons={"error": 0.1}, cached=0.1, waiting=12, kv=0.9)],
    }
) | fleet({"c:8000": [Phase(21, rps=3, ttft={10.0: 1.0}, e2e={60.0: 1.0}, tokens=7, waiting=5, kv=1.0)]}, job="staging")

# %% tags=["live", "output"] id="try-queries"
for name, values in answers(MADE_UP).items():
    print(f"{name:20}{values}")

# %% tags=["check"] id="queries-latency-check" points=2
def _one(series, name, window="5m", at="20m"):
    """The one value that an expression gives; stops with a sentence where it gives something else."""
    values = answers(series, window, at).get(name)
    assert values is not None, f"queries(...) has no {name!r}."
    assert not isinstance(values, str), f"{name}: Prometheus cannot compute this: {values}"
    assert values, f"{name}: nothing comes out. Is each name right to the last letter, did `le` survive the sum, and do both sides of a division have the same labels?"
    assert list(values) == ["{}"], f"{name}: one value without labels is asked for, and there are {len(values)}: {list(values)[:2]}"
    return values["{}"]


_ttft = _one(MADE_UP, "ttft_p95")
assert close(_ttft, 1.0 + 1.5 * (4.75 - 4.5) / 0.5, rel=1e-3), f"ttft_p95: replica a has 4 requests/s, b has 1, and half of those took between 1 and 2.5 s: together the 95th percentile is 1.75 s, not {_ttft:.3f}."
_latency = _one(MADE_UP, "latency_p99")
assert close(_latency, 1.0 + 1.5 * 0.99, rel=1e-3), f"latency_p99: all took between 1 and 2.5 s, so the 99th percentile is 2.485 s, not {_latency:.3f}."
### BEGIN HIDDEN TESTS
def _true_quantile(q, parts):
    """From [(requests/s, {bound: share})], by hand, with the bounds of TTFT that the series have."""
    rank, below, low = q * sum(rps for rps, _ in parts), 0.0, 0.0
    for bound in (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0):
        here = sum(rps * share for rps, shares in parts for edge, share in shares.items() if edge == bound)
        if here and below + here >= rank:
            return low + (bound - low) * (rank - below) / here
        below, low = below + here, bound
    return low


_others = fleet({"a:8000": [Phase(40, rps=50, ttft={20.0: 1.0}, e2e={60.0: 1.0})]}, job="staging")
for _parts in (
    [(1.0, {0.1: 1.0}), (9.0, {5.0: 0.7, 10.0: 0.3})],
    [(6.0, {0.25: 0.2, 0.5: 0.8}), (0.5, {2.5: 1.0}), (3.0, {0.1: 1.0})],
):
    _series = _others | fleet({f"r{_i}:80": [Phase(30, rps=_rps, ttft=_shares, e2e={2.5: 1.0})] for _i, (_rps, _shares) in enumerate(_parts)})
    assert close(_one(_series, "ttft_p95"), _true_quantile(0.95, _parts), rel=1e-3), "ttft_p95: with other replicas, and another job beside them, it is not that of all requests of the job vllm."
_series = _others | fleet({"a:1": [Phase(30, rps=1, e2e={1.0: 1.0})], "b:1": [Phase(30, rps=3, e2e={1.0: 0.9, 30.0: 0.1})]})
assert close(_one(_series, "latency_p99"), 10 + 20 * (3.96 - 3.7) / 0.3, rel=1e-3), "latency_p99: with other replicas, and another job beside them, it is not that of all requests of the job vllm."
_series = fleet({"a:1": [Phase(10, ttft={5.0: 1.0}, e2e={30.0: 1.0}), Phase(10.25, ttft={0.1: 1.0}, e2e={0.5: 1.0})]})
assert _one(_series, "ttft_p95", "5m") < 0.11 and _one(_series, "latency_p99", "5m") < 0.51, "Slow minutes that are longer ago than the window still count."
assert _one(_series, "ttft_p95", "15m") > 2 and _one(_series, "latency_p99", "15m") > 9, "With a longer window, slow minutes within it do not count: is the window the one that is given?"
_series = fleet({"a:1": [Phase(15, rps=2, ttft={5.0: 1.0}), Phase(1, state="down"), Phase(6, rps=2, ttft={5.0: 1.0})], "b:1": [Phase(22, rps=8, ttft={0.1: 1.0})]})
assert close(_one(_series, "ttft_p95", "10m"), 2.5 + 2.5 * 0.75, rel=0.08), "ttft_p95: after the restart of one replica the value is not right. rate first, then sum."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="queries-rates-check" points=3
for _name, _want, _why in (
    ("tokens_per_s", 600, "4 requests/s of 100 tokens and 1 of 200"),
    ("tokens_per_request", 120, "600 tokens/s and 5 requests/s"),
    ("error_ratio", 0.02, "5 requests/s finish, and 0.1 of them in an error"),
    ("hit_ratio", 0.5, "of 1600 tokens/s on a, 60 % were found, of 400 on b, 10 %"),
):
    _got = _one(MADE_UP, _name)
    assert close(_got, _want, rel=1e-3), f"{_name}: {_why}: {_want}, not {_got:.4g}."
### BEGIN HIDDEN TESTS
_others = fleet({"z:1": [Phase(40, rps=50, tokens=900, reasons={"error": 0.9}, cached=1.0)]}, job="staging")
for _name, _want in (("tokens_per_s", 3 * 50 + 7 * 300), ("tokens_per_request", (3 * 50 + 7 * 300) / 10), ("error_ratio", 7 * 0.04 / 10), ("hit_ratio", 3 * 0.9 * 400 / (3 * 400 + 7 * 1000))):
    _series = _others | fleet(
        {"a:1": [Phase(30, rps=3, tokens=50, cached=0.9)], "b:1": [Phase(30, rps=7, tokens=300, prompt_tokens=1000, reasons={"error": 0.04, "abort": 0.3, "length": 0.2})]}
    )
    _got = _one(_series, _name)
    assert close(_got, _want, rel=1e-3), f"{_name}: with other replicas, and another job beside them, the value is not right."
_series = fleet({"a:1": [Phase(10, rps=8, tokens=10, reasons={"error": 0.5}, cached=0.2), Phase(10.25, rps=2, tokens=70, reasons={"error": 0.1}, cached=0.8)]})
for _name, _want in (("tokens_per_s", 140), ("tokens_per_request", 70), ("error_ratio", 0.1), ("hit_ratio", 0.8)):
    assert close(_one(_series, _name, "5m"), _want, rel=1e-3), f"{_name}: what is longer ago than the window still counts."
    assert not close(_one(_series, _name, "15m"), _want, rel=0.05), f"{_name}: the window is not the one that is given."
_series = fleet({"a:1": [Phase(10, rps=8, tokens=10), Phase(1, state="down"), Phase(10, rps=8, tokens=10)], "b:1": [Phase(21, rps=8, tokens=30)]})
assert close(_one(_series, "tokens_per_s", "5m", "18m"), 320, rel=0.02), "tokens_per_s: some minutes after the restart of one replica the value is not right."
assert _one(_series, "tokens_per_s", "5m", "13m") < 340, "tokens_per_s: just after the restart of one replica there is a peak that was not there. rate first, then sum."
partial(3, 3)
### END HIDDEN TESTS

# %% tags=["check"] id="queries-saturation-check" points=2
_waiting = answers(MADE_UP).get("waiting")
assert _waiting == {'{instance="a:8000"}': 0, '{instance="b:8000"}': 12}, f"waiting: one value for each replica is asked for, 0 for a and 12 for b, with the label instance alone; there is {_waiting}."
_got = _one(MADE_UP, "kv_usage")
assert close(_got, 0.9), f"kv_usage: the fuller replica stands at 0.9, not at {_got}."
### BEGIN HIDDEN TESTS
_series = fleet({"z:1": [Phase(40, kv=1.0, waiting=99)]}, job="staging") | fleet({f"r{_i}:1": [Phase(15, waiting=_i, kv=0.5), Phase(10, waiting=5 * _i, kv=0.1 * _i)] for _i in range(4)})
assert answers(_series).get("waiting") == {f'{{instance="r{_i}:1"}}': 5 * _i for _i in range(4)}, "waiting: with four replicas, and another job beside them, the values are not those of this moment."
assert close(_one(_series, "kv_usage"), 0.3), "kv_usage: with four replicas, and another job beside them, it is not the fullest one's value of this moment."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# And on the engine. Beside your expressions stand the client's own measurements of the same requests:

# %% tags=["live"] id="compare"
window = f"{round(took) + 3}s"
there = {name: watcher.query(text) for name, text in queries(window).items()}
summary = load.summary()
mine = {"ttft_p95": summary.ttft_s["p95"], "latency_p99": summary.e2e_s["p99"], "tokens_per_request": summary.completion_tokens / len(load.results), "error_ratio": 0.0}
for name, values in there.items():
    shown = ", ".join(f"{value:.3f}" for value in values.values())
    print(f"{name:20}{shown:>10}" + (f"   at the client {mine[name]:.3f}" if name in mine else ""))
off = 100 * abs(next(iter(there["ttft_p95"].values())) / mine["ttft_p95"] - 1)
for metric, unit, value in (("ttft_p95", "s", next(iter(there["ttft_p95"].values()))), ("tokens_per_request", "tokens", mine["tokens_per_request"])):
    ledger.append(lab="09-monitoring", step="prometheus", metric=metric, value=value, unit=unit, backend=vllm.backend, concurrency=8)

# %% [markdown]
# (Three gauges and ratios are zero: the load is over, and its prompts had nothing in common. And the window is a little longer than the load, so `tokens_per_s` is an average with some silence in it.)
#
# The engine's percentile and the client's differ for two reasons: the buckets, and where the clock stands. The engine starts it when the request arrives and knows nothing of the way there and back, nor of a gateway before it, nor of requests that never arrived. Watch both sides.

# %% [markdown]
# Two of these queries are about the KV cache. Before you write alarms on it, recall from lab 02 what its blocks do:

# %% quiz="llm-infrastructure/shared-prompt-blocks"

# %% quiz="llms-in-production/finished-request-blocks"

# %% [markdown]
# ## Step 6 · When to wake somebody
#
# A rule is a query with consequences. A **recording rule** keeps the result of a query as a new series, so that dashboards and other rules need not compute it each time; by custom its name says level, metric and operation, `job:latency_seconds:p99`. An **alerting rule** fires for each series that its expression gives:
#
# ```yaml
# groups:
#   - name: web
#     rules:
#       - record: job:latency_seconds:p99
#         expr: histogram_quantile(0.99, sum by (job, le) (rate(latency_seconds_bucket[5m])))
#       - alert: DiskFull
#         expr: disk_free_ratio < 0.05
#         for: 10m                       # it must stay true for so long, at every evaluation
#         labels: {severity: warning}
#         annotations:
#           summary: "{{ $labels.instance }} has {{ $value | humanizePercentage }} of its disk left"
# ```
#
# What is worth a call at night? **What users feel, and what will soon be so, and what somebody can do something about.** A full KV cache is none of these as long as nobody waits: the pool was allocated at the start in order to be used. GPU memory on a vLLM card is always at its share; an alert on it fires from the first minute to the last. Such alerts teach people to look away.
#
# ### Silence is an answer too
#
# An expression that gives nothing does not fire. That makes three traps:
#
# - a wrong name never fires (so every rule gets a test in which it must);
# - a dead engine has no latency, so the latency alert falls *silent* when it is needed most. For that there is `up`, and where even the target is gone, `absent(up{...})`, which gives 1 where nothing is;
# - no requests: 0 / 0 is `NaN`, and `NaN > 0.05` is false. That is what one wants here, and one should know it.

# %% quiz="llms-in-production/kv-usage"

# %% [markdown]
# ### An error budget, and how fast it burns
#
# The promise (SLO): 99.9 % of requests succeed in any 30 days. The **error budget** is what is left: 0.1 % of them may fail. The **burn rate** is the share that fails now, divided by the budget: at 1 the budget lasts exactly 30 days, at 10 three.
#
# When to alert? A threshold on errors alone is either deaf or nervous. The usual way is to ask how much of the budget is going: "2 % of a month's budget within one hour" is a burn rate of 0.02 × 720 h / 1 h = **14.4**, averaged over that hour. And an average over an hour has two faults: it takes a while to rise, and an hour to fall. So one asks for a short window too: *both* must be above; then the alert ends when the errors do.

# %% [markdown]
# ### Your turn: `burn_rate` and `alert_after`
#
# `burn_rate(spent, hours, days)`: the burn rate at which the share `spent` of the budget of `days` days is used up in `hours` hours.
#
# `alert_after(errors, slo, rate, hours)`: all was well, and traffic is steady. From now on the share `errors` of all requests fails. After how many hours does the **average over the last `hours` hours** reach the burn rate `rate`? `math.inf` if it never does. (`slo` is 0.999 for 99.9 %.) In the first minute of the errors only one sixtieth of a one-hour window is bad, so its average is a sixtieth of `errors`; after half an hour it is a half.

# %% tags=["answer"] id="budget"
def burn_rate(spent, hours, days):
    """The burn rate that uses up the share `spent` of a budget of `days` days in `hours` hours."""
    ### BEGIN SOLUTION
    return spent * days * 24 / hours
    ### END SOLUTION


def alert_after(errors, slo, rate, hours):
    """Hours until the average over `hours` hours reaches the burn rate `rate`; math.inf if it never does."""
    ### BEGIN SOLUTION
    if errors <= 0:
        return math.inf
    needed = hours * rate * (1 - slo) / errors
    return needed if needed <= hours * (1 + 1e-12) else math.inf
    ### END SOLUTION

# %% tags=["check"] id="budget-check" points=2
_got = burn_rate(0.02, 1, 30)
assert close(_got, 14.4), f"2 % of the budget of 30 days in one hour is a burn rate of 14.4, not {_got}."
_got = alert_after(1.0, 0.999, 14.4, 1)
assert close(_got, 0.0144), f"Everything fails: a window of one hour has an average of 1.44 % after 0.0144 hours, 52 seconds. Yours is {_got}."
_got = alert_after(0.01, 0.999, 14.4, 1)
assert _got == math.inf, f"1 % fails, 1.44 % is asked for: this is never reached, so math.inf and not {_got}."
### BEGIN HIDDEN TESTS
for _args, _want in (((0.05, 6, 30), 6), ((0.1, 72, 30), 1), ((0.02, 1, 28), 13.44), ((1, 24 * 7, 7), 1), ((0.5, 2, 90), 540)):
    assert close(burn_rate(*_args), _want), "burn_rate: for another share, window or month it is not right."
for _args, _want in (
    ((0.2, 0.999, 14.4, 1), 0.072), ((0.1, 0.99, 6, 6), 3.6), ((0.0625, 0.99, 6, 6), 5.76), ((0.059, 0.99, 6, 6), math.inf), ((0.5, 0.9999, 1, 72), 0.0144), ((0, 0.999, 14.4, 1), math.inf), ((0.004, 0.995, 1, 24), math.inf)
):
    assert close(alert_after(*_args), _want), "alert_after: for other errors, goals or windows it is not right."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["live"] id="burn-chart"
monitoring_charts.burn(slo=0.999, rate=burn_rate(0.02, 1, 30), long_h=1.0, short_h=1 / 12, outage_h=0.5, errors=0.2, title="20 % errors for half an hour, SLO 99.9 %")

# %% [markdown]
# ### Your turn: `rules`
#
# Return a rule file, as YAML text or a dictionary. `window` is the window of rates (`"5m"`), `hold` what belongs after `for:` (`"2m"`). Only the job `vllm` counts. Two recording rules, each one series that has the label `job` and no other:
#
# | record | what |
# |---|---|
# | `job:vllm_ttft_seconds:p95` | p95 of TTFT of all replicas together |
# | `job:vllm_errors:ratio` | share of finished requests that ended in an error |
#
# and five alerts:
#
# | alert | severity | fires when, all the time for `hold` |
# |---|---|---|
# | `EngineDown` | critical | a replica cannot be read, for each such replica, with its `instance`; **or** no target of the job is left at all |
# | `SlowFirstToken` | warning | p95 of TTFT, all replicas together, is above 2 s |
# | `QueueGrows` | warning | more than 10 requests wait **at one replica**; the alert has its `instance` |
# | `CachePressure` | warning | at one replica the KV cache is more than 95 % used **and** requests are preempted (in `window`) or wait; the alert has its `instance` |
# | `ErrorBudgetBurn` | critical | the error ratio is above 14.4 × 0.1 %, over the last hour **and** over the last 5 minutes, whatever `window` is |
#
# Each alert has the label `severity` and an annotation `summary` that says what is wrong, and where it is about one replica, which.
#
# Hints: `a and b` keeps what is in `a` and has a partner in `b` with the same labels; `a or b` puts both together, and binds less than `and`; `a and on (instance) b` compares that label only. One rule may say `a or b`, or two rules may have the same name.
# In an f-string `{{ $labels.instance }}` takes four braces on each side. Where an alert has no `instance`, its summary may leave the place empty. `up` has the labels `job` and `instance`, vLLM's metrics have `model_name` and `engine` as well.

# %% tags=["answer"] id="rules"
def rules(window, hold):
    """Recording and alerting rules for the job vllm, as YAML text or a dictionary."""
    ### BEGIN SOLUTION
    def errors(over):
        total = f'rate(vllm:request_success_total{{job="vllm"}}[{over}])'
        failed = f'rate(vllm:request_success_total{{job="vllm",finished_reason="error"}}[{over}])'
        return f"sum by (job) ({failed}) / sum by (job) ({total})"

    def each(metric):
        return f'sum by (job, instance) (vllm:{metric}{{job="vllm"}})'

    buckets = f'rate(vllm:time_to_first_token_seconds_bucket{{job="vllm"}}[{window}])'
    preempted = f'sum by (job, instance) (increase(vllm:num_preemptions_total{{job="vllm"}}[{window}]))'
    alerts = {
        "EngineDown": ("critical", 'up{job="vllm"} == 0 or absent(up{job="vllm"})', "{{ $labels.instance }} cannot be read: is the engine dead? (Without a name: no target is left.)"),
        "SlowFirstToken": ("warning", "job:vllm_ttft_seconds:p95 > 2", "95 % of first tokens come within {{ $value | humanizeDuration }}; 2 s is the limit."),
        "QueueGrows": ("warning", f"{each('num_requests_waiting')} > 10", "{{ $value }} requests wait at {{ $labels.instance }}."),
        "CachePressure": (
            "warning",
            f'max by (job, instance) (vllm:kv_cache_usage_perc{{job="vllm"}}) > 0.95 and ({preempted} > 0 or {each("num_requests_waiting")} > 0)',
            "The KV cache of {{ $labels.instance }} is {{ $value | humanizePercentage }} full, and requests suffer.",
        ),
        "ErrorBudgetBurn": ("critical", f"({errors('1h')} > 14.4 * 0.001) and ({errors('5m')} > 14.4 * 0.001)", "At this rate, 2 % of a month's error budget go in an hour."),
    }
    recorded = {"job:vllm_ttft_seconds:p95": f"histogram_quantile(0.95, sum by (job, le) ({buckets}))", "job:vllm_errors:ratio": errors(window)}
    return {
        "groups": [
            {"name": "recorded", "rules": [{"record": name, "expr": expr} for name, expr in recorded.items()]},
            {
                "name": "alerts",
                "rules": [
                    {"alert": name, "expr": expr, "for": hold, "labels": {"severity": severity}, "annotations": {"summary": summary}}
                    for name, (severity, expr, summary) in alerts.items()
                ],
            },
        ]
    }
    ### END SOLUTION

# %% [markdown]
# `firing(rules, series, times)` has Prometheus evaluate the rules over made-up series, and tells which alerts fire at each time. An hour and a half at two replicas, and another night on which both vanish from the list of targets. (`ANOTHER_JOB` is somebody else's engine, and always in trouble.)

# %% id="night"
def alarms(series, *times, window="5m", hold="2m"):
    """The alerts that fire at these times: a list of labels for each."""
    told = firing(as_yaml(rules(window, hold)), series, times, interval="15s")
    return [told[at] for at in times]


NIGHT = fleet(
    {
        "a:8000": [Phase(40), Phase(10, waiting=30, ttft={10.0: 1.0}, kv=0.99), Phase(40, kv=0.98)],
        "b:8000": [Phase(40), Phase(10, kv=0.97, preemptions_per_s=0.1), Phase(20), Phase(10, state="down"), Phase(10)],
    }
)
LAST_NIGHT = fleet({"a:8000": [Phase(30), Phase(20, state="gone")], "b:8000": [Phase(30), Phase(20, state="gone")]})
ANOTHER_JOB = fleet({"z:1": [Phase(140, waiting=99, kv=1.0, ttft={20.0: 1.0}, reasons={"error": 1.0}, preemptions_per_s=1)]}, job="staging")

# %% tags=["live", "output"] id="night-alarms"
for at, found in zip(("30m", "48m", "60m", "75m"), alarms(NIGHT, "30m", "48m", "60m", "75m")):
    print(at, sorted((alert["alertname"], alert.get("instance", "all")) for alert in found) or "silence")

# %% tags=["check"] id="rules-check" points=2
_text = as_yaml(rules("5m", "2m"))
_faults = [_fault for _fault in check_rules(_text) if "duplicate rule" not in _fault]  # two rules may have one name
assert not _faults, f"Prometheus cannot use these rules: {_faults[0]}"


def _recorded(series, window="5m", at="20m"):
    """What the two recording rules keep."""
    names = ("job:vllm_ttft_seconds:p95", "job:vllm_errors:ratio")
    found = values_of({name: name for name in names}, series, at, rules=as_yaml(rules(window, "2m")), interval="15s")
    for name, values in found.items():
        assert values, f"Nothing is recorded as {name}."
        assert list(values) == [f'{name}{{job="vllm"}}'] or list(values) == ['{__name__="' + name + '", job="vllm"}'], f"{name} should be one series with the label job alone; there is {list(values)}."
    return [next(iter(found[name].values())) for name in names]


_ttft, _errors = _recorded(MADE_UP)
assert close(_ttft, 1.75, rel=1e-3), f"job:vllm_ttft_seconds:p95 should be 1.75 s on the two made-up replicas, not {_ttft}."
assert close(_errors, 0.02, rel=1e-3), f"job:vllm_errors:ratio should be 0.02 on the two made-up replicas, not {_errors}."
### BEGIN HIDDEN TESTS
_others = fleet({"z:1": [Phase(40, rps=90, ttft={20.0: 1.0}, reasons={"error": 1.0})]}, job="staging")
_series = _others | fleet({"a:1": [Phase(10, rps=8, ttft={10.0: 1.0}, reasons={"error": 0.9}), Phase(12, rps=4, ttft={0.25: 1.0}, reasons={"error": 0.25, "abort": 0.5})], "b:1": [Phase(22, rps=16, ttft={0.25: 1.0})]})
_ttft, _errors = _recorded(_series)
assert close(_ttft, 0.1 + 0.15 * 0.95, rel=1e-3) and close(_errors, 0.05, rel=1e-3), "On other series, with another job beside them, what is recorded is not right."
_long = _recorded(_series, window="18m")
assert _long[0] > 2 and _long[1] > 0.08, "With a longer window the same is recorded: is the window the one that is given?"
_fired = [_one for _found in alerts_at(_text, NIGHT, ["48m", "75m"], interval="15s").values() for _one in _found]
for _name in ("EngineDown", "SlowFirstToken", "QueueGrows", "CachePressure"):
    for _summary, _place in [(_one.annotations.get("summary", "").strip(), _one.labels.get("instance", "")) for _one in _fired if _one.name == _name]:
        assert _summary, f"{_name} fires without a summary."
        assert _place in _summary, f"The summary of {_name} does not say which replica it is about."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="rules-engine-down-check" points=1
_SEVERITY = {"EngineDown": "critical", "SlowFirstToken": "warning", "QueueGrows": "warning", "CachePressure": "warning", "ErrorBudgetBurn": "critical"}


def _where(name, series, *times, **options):
    """For each time the instances ("" without one) for which an alert of this name fires."""
    told = alarms(series, *times, **options)
    for alert in (alert for found in told for alert in found if alert["alertname"] == name):
        assert alert.get("severity") == _SEVERITY[name], f"{name} fires, but without the severity {_SEVERITY[name]}."
    return [sorted(alert.get("instance", "") for alert in found if alert["alertname"] == name) for found in told]


def _holds(name, *nights):
    """Whether an alert fires where it must, and nowhere else: (series, {time: instances}) each."""
    return all(_where(name, series, *wanted) == list(wanted.values()) for series, wanted in nights)


_calm, _soon, _dead_at = _where("EngineDown", NIGHT, "30m", "71m", "75m")
assert not _calm, f"EngineDown fires for {_calm} at 30 minutes, when both engines answer."
assert _dead_at == ["b:8000"], f"At 75 minutes b is dead: EngineDown should fire for it, and fires for {_dead_at or 'nobody'}."
assert not _soon, "b has been down for one minute and `hold` is two: EngineDown should be silent yet."
assert _where("EngineDown", LAST_NIGHT, "45m") == [[""]], "On the other night no target of the job is left at all: EngineDown should fire once, without an instance."
### BEGIN HIDDEN TESTS
_elsewhere = ANOTHER_JOB | fleet({"z:2": [Phase(140, state="down")]}, job="staging")
_down = _elsewhere | fleet({"a:1": [Phase(30), Phase(1, state="down"), Phase(29), Phase(15, state="down")], "b:1": [Phase(75)]})
_gone = _elsewhere | fleet({"a:1": [Phase(30), Phase(20, state="gone")], "b:1": [Phase(30), Phase(20, state="gone")]})
_all = fleet({"a:1": [Phase(30), Phase(10, state="down")], "b:1": [Phase(30), Phase(10, state="down")]})
assert _holds("EngineDown", (_down, {"25m": [], "30m30s": [], "61m": [], "70m": ["a:1"]})), "One replica of two is down, for a moment and later for good: EngineDown should fire for it, in good time and not sooner, and for no other job."
assert _holds("EngineDown", (_gone, {"20m": [], "45m": [""]})), "No target of the job is left, though another job has some: EngineDown should fire once, without an instance."
assert _holds("EngineDown", (_all, {"38m": ["a:1", "b:1"]})), "Both replicas are down: EngineDown should fire for each."
assert _where("EngineDown", _down, "30m50s", hold="30s") == [["a:1"]], "With a shorter `hold`, EngineDown does not fire sooner."
partial(1, 1)
### END HIDDEN TESTS

# %% tags=["check"] id="rules-slow-check" points=1
_calm, _soon, _busy = _where("SlowFirstToken", NIGHT, "30m", "41m", "48m")
assert not _calm, "SlowFirstToken fires at 30 minutes, when first tokens come at once."
assert _busy == [""], f"At 48 minutes half of all first tokens take 10 s: SlowFirstToken should fire once, for all replicas together, and fires {len(_busy)} times{': for ' + ', '.join(_busy) if any(_busy) else ''}."
assert not _soon, "First tokens have been late for a minute and `hold` is two: SlowFirstToken should be silent yet."
### BEGIN HIDDEN TESTS
assert _holds("SlowFirstToken", (ANOTHER_JOB | fleet({"a:1": [Phase(40, rps=9, ttft={5.0: 1.0})], "b:1": [Phase(40, rps=1)]}), {"35m": [""]})), "Most requests, on one of two replicas, are slow: SlowFirstToken should fire once."
assert _holds("SlowFirstToken", (fleet({"a:1": [Phase(40, rps=0.2, ttft={10.0: 1.0})], "b:1": [Phase(40, rps=9.8)]}), {"35m": []})), "Two of a hundred requests are slow, all on one replica: p95 of all together is well, and SlowFirstToken should be silent."
assert _holds("SlowFirstToken", (ANOTHER_JOB | fleet({"a:1": [Phase(40, rps=0)]}), {"35m": []})), "Nobody asks anything, and another job is slow: SlowFirstToken should be silent."
assert _holds("SlowFirstToken", (fleet({"a:1": [Phase(30), Phase(0.75, rps=0.5, ttft={5.0: 1.0}), Phase(9, rps=9)]}), {"32m30s": []})), "First tokens were slow for a moment: SlowFirstToken should be silent."
partial(1, 1)
### END HIDDEN TESTS

# %% tags=["check"] id="rules-queue-check" points=1
_calm, _soon, _busy = _where("QueueGrows", NIGHT, "30m", "41m", "48m")
assert not _calm, "QueueGrows fires at 30 minutes, when nobody waits."
assert _busy != [""], "At 48 minutes 30 requests wait at a: QueueGrows fires, but without an instance."
assert _busy == ["a:8000"], f"At 48 minutes 30 requests wait at a: QueueGrows should fire for it, and fires for {_busy or 'nobody'}."
assert not _soon, "A queue has stood for a minute and `hold` is two: QueueGrows should be silent yet."
### BEGIN HIDDEN TESTS
_series = ANOTHER_JOB | fleet({"a:1": [Phase(30, waiting=11), Phase(10)], "b:1": [Phase(40, waiting=10)], "c:1": [Phase(40, waiting=40)]})
assert _holds("QueueGrows", (_series, {"25m": ["a:1", "c:1"], "35m": ["c:1"]})), "10, 11 and 40 wait at three replicas: QueueGrows should fire for those with more than 10, as long as it is so, and for no other job."
assert _holds("QueueGrows", (fleet({f"{_i}:1": [Phase(30, waiting=8)] for _i in "abcd"}), {"25m": []})), "8 wait at each of four replicas: QueueGrows should be silent."
_series = fleet({"a:1": [Phase(30), Phase(1.5, waiting=90), Phase(0.5), Phase(1.5, waiting=90), Phase(9)]})
assert _holds("QueueGrows", (_series, {"31m15s": [], "33m15s": []})), "Twice, 90 wait for a minute and a half: with `hold` at two minutes QueueGrows should be silent."
assert _where("QueueGrows", _series, "31m15s", hold="30s") == [["a:1"]], "With a shorter `hold`, QueueGrows does not fire sooner."
partial(1, 1)
### END HIDDEN TESTS

# %% tags=["check"] id="rules-cache-check" points=1
_calm, _busy, _later = _where("CachePressure", NIGHT, "30m", "48m", "60m")
assert not _calm, "CachePressure fires at 30 minutes, when the cache is nearly empty."
assert _busy == ["a:8000", "b:8000"], f"At 48 minutes both caches are full, at a requests wait, at b some are preempted: CachePressure should fire for both, and fires for {_busy or 'nobody'}."
assert not _later, "At 60 minutes the cache is 98 % used, nobody waits and nothing is preempted: CachePressure should be silent."
### BEGIN HIDDEN TESTS
_series = ANOTHER_JOB | fleet(
    {
        "a:1": [Phase(30, kv=0.99), Phase(1, kv=0.99, waiting=4), Phase(9, kv=0.99)],
        "b:1": [Phase(40, kv=0.97, waiting=1)],
        "c:1": [Phase(40, kv=0.96, preemptions_per_s=0.05)],
        "d:1": [Phase(40, kv=0.9, waiting=50, preemptions_per_s=1)],
    }
)
assert _holds("CachePressure", (_series, {"25m": ["b:1", "c:1"], "30m45s": ["b:1", "c:1"]})), "Four replicas: full without anybody who suffers; full, and one waits; full, with preemptions; crowded, but not full. CachePressure should fire for the second and the third, and for no other job."
assert _where("CachePressure", _series, "30m50s", hold="30s") == [["a:1", "b:1", "c:1"]], "With a shorter `hold`, CachePressure does not fire sooner."
partial(1, 1)
### END HIDDEN TESTS

# %% tags=["check"] id="rules-burn-check" points=1
_burning = fleet({"a:8000": [Phase(100), Phase(30, reasons={"error": 0.2}), Phase(15)]})
_calm, _bad, _after = _where("ErrorBudgetBurn", _burning, "99m", "125m", "140m")
assert not _calm, "ErrorBudgetBurn fires where nothing fails."
assert _bad == [""], f"A fifth of all requests has failed for 25 minutes: ErrorBudgetBurn should fire once, and fires {len(_bad)} times."
assert not _after, "The errors ended ten minutes ago, and ErrorBudgetBurn still fires: which window knows that already?"
### BEGIN HIDDEN TESTS
assert _holds("ErrorBudgetBurn", (ANOTHER_JOB | fleet({"a:1": [Phase(100), Phase(30, reasons={"error": 0.1})], "b:1": [Phase(130)]}), {"99m": [], "129m": [""]})), "One of two replicas fails in a tenth of its requests: ErrorBudgetBurn should fire once, and before that be silent, whatever another job does."
assert _holds("ErrorBudgetBurn", (fleet({"a:1": [Phase(100), Phase(20, reasons={"error": 0.2}), Phase(15)]}), {"119m": [""], "127m30s": []})), "The errors ended more than five minutes ago: ErrorBudgetBurn should be silent."
assert _holds("ErrorBudgetBurn", (fleet({"a:1": [Phase(100), Phase(7, reasons={"error": 0.05}), Phase(5)]}), {"106m": []})), "5 % have failed for six minutes, 0.5 % of the last hour: ErrorBudgetBurn should be silent."
assert _holds("ErrorBudgetBurn", (ANOTHER_JOB | fleet({"a:1": [Phase(130, reasons={"error": 0.01, "abort": 0.3, "length": 0.4})]}), {"129m": []})), "1 % ends in an error, others are aborted or reach their length: ErrorBudgetBurn should be silent."
assert _where("ErrorBudgetBurn", _burning, "105m") == [[]], "Both windows have been above for half a minute and `hold` is two: ErrorBudgetBurn should be silent yet."
assert _where("ErrorBudgetBurn", _burning, "125m", window="1m") == [[""]] and _where("ErrorBudgetBurn", _burning, "140m", window="30m") == [[]], "With another `window`, ErrorBudgetBurn is another: its two windows are fixed."
partial(1, 1)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 7 · Who is woken
#
# Prometheus sends every firing alert to **Alertmanager**, again and again. Alertmanager makes of them what a person can bear: it **groups** what belongs together into one notification, waits a moment for more to come (`group_wait`), does not repeat itself for hours (`repeat_interval`), leaves out what another alert explains (**inhibition**), and sends the rest to a **receiver**: a telephone, a chat, any URL.
#
# ```yaml
# route:                          # the root takes every alert
#   receiver: mail                # where it goes if no child takes it
#   group_by: [cluster]           # alerts with the same value here become one notification
#   group_wait: 30s
#   group_interval: 5m
#   repeat_interval: 4h
#   routes:
#     - matchers: ['team="disks"']
#       receiver: disks
# receivers:
#   - name: mail
#     webhook_configs: [{url: "http://127.0.0.1:9000/mail"}]
#   - name: disks
#     webhook_configs: [{url: "http://127.0.0.1:9000/disks"}]
# inhibit_rules:
#   - source_matchers: ['alertname="PowerFailure"']   # while this fires,
#     target_matchers: ['severity="warning"']         # these are not told,
#     equal: [building]                               # if they have the same value here
# ```
#
# Matchers are `=`, `!=`, `=~` and `!~`, the last two with a regular expression. A child route has all that its parent has, unless it says otherwise. In `equal`, a label that is missing on both sides counts as equal.

# %% [markdown]
# ### Your turn: `routing`
#
# Return Alertmanager's configuration, as YAML text or a dictionary. `page` and `ticket` are two URLs, `wait` is a duration (`"30s"`).
#
# - `severity="critical"` goes to the webhook at `page`, every other alert to the one at `ticket`, and none to both;
# - alerts of the same name become one notification, however many replicas have it; alerts of different names do not;
# - the first notification of a group waits `wait` for other alerts; when something changes in a group that was told already, that is told after `wait` too (`group_interval`);
# - while `EngineDown` fires for an `instance`, no warning of the **same** `instance` is told (who is dead is also slow). Warnings of others are, and so are warnings without an `instance`;
# - that an alert is over is told too. (Webhooks do this by themselves, unless they are told otherwise.)

# %% tags=["answer"] id="routing"
def routing(page, ticket, wait):
    """Alertmanager's configuration: critical alerts to `page`, others to `ticket`; YAML text or a dictionary."""
    ### BEGIN SOLUTION
    return {
        "route": {
            "receiver": "ticket",
            "group_by": ["alertname"],
            "group_wait": wait,
            "group_interval": wait,
            "repeat_interval": "4h",
            "routes": [{"matchers": ['severity="critical"'], "receiver": "page"}],
        },
        "receivers": [
            {"name": "ticket", "webhook_configs": [{"url": ticket}]},
            {"name": "page", "webhook_configs": [{"url": page}]},
        ],
        "inhibit_rules": [
            {
                "source_matchers": ['alertname="EngineDown"', 'instance!=""'],
                "target_matchers": ['severity="warning"', 'instance!=""'],
                "equal": ["instance"],
            }
        ],
    }
    ### END SOLUTION

# %% tags=["check"] id="routing-check" points=3
_faults = check_routing(as_yaml(routing("http://127.0.0.1:9/page", "http://127.0.0.1:9/ticket", "1s")))
assert not _faults, f"Alertmanager would not start with this: {_faults[0]}"


def _told(alerts, wait="500ms"):
    """Post alerts to an Alertmanager with this routing, and collect what arrives: {"page": [...], "ticket": [...]}, names and places."""
    with Webhook() as page_hook, Webhook() as ticket_hook:
        with Alertmanager(as_yaml(routing(page_hook.url, ticket_hook.url, wait))) as manager:
            httpx.post(f"{manager.url}/api/v2/alerts", json=[{"labels": labels} for labels in alerts], timeout=10, trust_env=False).raise_for_status()
            end, before, quiet_since = time.monotonic() + 15, 0, time.monotonic()
            while time.monotonic() < end and (not before or time.monotonic() < quiet_since + 1.2):
                time.sleep(0.05)
                if len(page_hook.notifications) + len(ticket_hook.notifications) > before:
                    before, quiet_since = len(page_hook.notifications) + len(ticket_hook.notifications), time.monotonic()
        both = {"page": page_hook.notifications, "ticket": ticket_hook.notifications}
    return {name: sorted(sorted((a["labels"]["alertname"], a["labels"].get("instance", "")) for a in told.alerts) for told in list_) for name, list_ in both.items()}


def _alert(name, severity, instance=None):
    return {"alertname": name, "severity": severity, "job": "vllm"} | ({"instance": instance} if instance else {})


_got = _told([_alert("EngineDown", "critical", "b"), _alert("QueueGrows", "warning", "a"), _alert("QueueGrows", "warning", "c"), _alert("SlowFirstToken", "warning", "b")])
assert _got["page"] == [[("EngineDown", "b")]], f"One page is due, EngineDown at b; what arrived within some seconds is {_got['page'] or 'nothing (how long does a group wait, where nothing is said?)'}."
assert [("SlowFirstToken", "b")] not in _got["ticket"], "b is down, and a ticket says that b is slow."
assert _got["ticket"] == [[("QueueGrows", "a"), ("QueueGrows", "c")]], f"One ticket is due, QueueGrows at a and c together; what arrived is {_got['ticket']}."
### BEGIN HIDDEN TESTS
_got = _told(
    [_alert("EngineDown", "critical", "b"), _alert("EngineDown", "critical", "d"), _alert("ErrorBudgetBurn", "critical"), _alert("QueueGrows", "warning", "b"), _alert("CachePressure", "warning", "d")]
    + [_alert("CachePressure", "warning", "a"), _alert("SlowFirstToken", "warning"), _alert("CertificateExpires", "info", "b")]
)
assert _got["page"] == [[("EngineDown", "b"), ("EngineDown", "d")], [("ErrorBudgetBurn", "")]], "Three critical alerts of two names: the pages are not two, one for each name."
_tickets = [pair for group in _got["ticket"] for pair in group]
assert ("QueueGrows", "b") not in _tickets and ("CachePressure", "d") not in _tickets, "A warning about a replica that is down was told."
assert ("CachePressure", "a") in _tickets and ("SlowFirstToken", "") in _tickets, "A warning about another replica, or about none in particular, was not told."
assert ("CertificateExpires", "b") in _tickets, "An alert that is neither critical nor a warning was not told as a ticket."
assert all(len({name for name, _ in group}) == 1 for group in _got["ticket"]), "Alerts of different names came in one notification."
_got = _told([_alert("EngineDown", "critical"), _alert("SlowFirstToken", "warning"), _alert("QueueGrows", "warning", "a")])
assert _got["page"] and len(_got["ticket"]) == 2, "EngineDown without an instance (no target is left) silenced warnings: that is not the same instance."


def _told_later(seconds=20):
    """What is told of a group after its first notification, when one alert ends and another one begins: (name, place, status) of each."""
    first, second = ({"labels": _alert("QueueGrows", "warning", place)} for place in ("a", "c"))
    with Webhook() as hook:
        with Alertmanager(as_yaml(routing(hook.url, hook.url, "500ms"))) as manager:
            def post(*alerts):
                httpx.post(f"{manager.url}/api/v2/alerts", json=list(alerts), timeout=10, trust_env=False).raise_for_status()

            def until(count):
                end = time.monotonic() + seconds
                while len(hook.notifications) < count and time.monotonic() < end:
                    time.sleep(0.05)

            post(first)
            until(1)
            before = len(hook.notifications)
            post({**first, "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}, second)
            until(before + 1)
        later = hook.notifications[before:]
    return {(alert["name"], alert["labels"]["instance"], alert["status"]) for told in later for alert in told.alerts}


_got = _told_later()
assert ("QueueGrows", "c", "firing") in _got, "A second replica joins a group that was told already, and that is not told after `wait`."
assert ("QueueGrows", "a", "resolved") in _got, "An alert ends while another one of its group goes on, and its end is not told."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# All parts together, yours from steps 4, 6 and 7, at first with two scripted engines, of which one dies. (If no notification arrives, look at `alerting` in step 4. And note how long a fresh Prometheus believes that no target is left: `for` is what keeps `absent` from calling somebody at each of its starts.)

# %% tags=["live"] id="one-dies"
with ScriptedEngine() as one, ScriptedEngine() as two, Webhook() as pager, Webhook() as tickets:
    with Alertmanager(as_yaml(routing(pager.url, tickets.url, "1s"))) as manager:
        both = [server.url.removeprefix("http://") for server in (one, two)]
        with Prometheus(as_yaml(scrape_config(both, [manager.address], "1s")), rules={"rules.yml": as_yaml(rules("10s", "8s"))}) as eyes:
            eyes.wait_for("count(up == 1) == 2")
            eyes.wait_for("absent(ALERTS)")  # until it had read its first pages, no target was there: EngineDown was pending
            await asyncio.to_thread(two.kill)
            called = await asyncio.to_thread(pager.wait_for, "EngineDown", seconds=60)

# %% tags=["live", "output"] id="who-was-called"
dead = [alert["labels"]["instance"] for alert in called.alerts]
print("paged:", [alert["labels"]["alertname"] for alert in called.alerts], "| for the one that died:", dead == [both[1]])
print("tickets:", len(tickets.notifications))

# %% [markdown]
# ### The real thing
#
# The engine from step 2 again, four seats. 24 users come at once, and stay until the alarm has come and five seconds more; then all of them hang up. Watch the lines: each is a notification, the moment it arrives.
# (That an alert is *resolved* is told with the words of its last alarm.)

# %% tags=["live"] id="alarm"
watcher.stop()
pager, tickets = Webhook(show=True).start(), Webhook(show=True).start()
manager = Alertmanager(as_yaml(routing(pager.url, tickets.url, "1s"))).start()
watcher = Prometheus(as_yaml(scrape_config([vllm.url.removeprefix("http://")], [manager.address], "1s")), rules={"rules.yml": as_yaml(rules("10s", "8s"))}).start()
watcher.wait_for('up{job="vllm"} == 1')
watcher.wait_for("absent(ALERTS)")
began, clock = time.time(), time.perf_counter()
burst = asyncio.create_task(closed_loop(vllm.base_url, vllm.model, prompts(5000), concurrency=24, max_tokens=32, ignore_eos=True, desc=""))
first = await asyncio.to_thread(tickets.wait_for, "QueueGrows", seconds=60)
await asyncio.sleep(5)
burst.cancel()
ended = time.time()
over = await asyncio.to_thread(tickets.wait_for, "QueueGrows", status="resolved", seconds=60)
await asyncio.sleep(3)
seconds_to_alarm = first.received_s - clock
print(f"the alarm came {seconds_to_alarm:.1f} s after the burst began, and was over {over.received_s - clock - (ended - began):.1f} s after its end")
_ = ledger.append(lab="09-monitoring", step="alarm", metric="seconds_to_alarm", value=seconds_to_alarm, unit="s", backend=vllm.backend, scrape_s=1, hold_s=8)

# %% [markdown]
# Where the seconds go: the next scrape (up to 1 s), the next evaluation (up to 1 s), `for` (8 s), the next evaluation again, `group_wait` (1 s). With a scrape every 15 s, `for: 2m` and `group_wait: 30s` it is three minutes. Each of these numbers buys calm with time.
#
# The same seconds as a picture, out of Prometheus. (A rate over ten seconds takes ten seconds to arrive.)

# %% tags=["live"] id="panels"
asked = queries("10s")
shown = {"Waiting requests": "waiting", "TTFT, p95": "ttft_p95", "Generated tokens": "tokens_per_s", "KV cache in use": "kv_usage"}
ranges = {title: watcher.query_range(asked[name], start=began - 3, end=ended + 8, step=1.0) for title, name in shown.items()}
marks = [(began, "burst"), (began + seconds_to_alarm, "alarm"), (ended, "end"), (began + over.received_s - clock, "over")]
monitoring_charts.panels(ranges, marks=marks, units=dict(zip(shown, ("requests", "s", "tokens/s", "share"))), title="A burst of 24 users on 4 seats")

# %% tags=["live"] id="stop"
for program in (watcher, manager, pager, tickets):
    program.stop()

# %% tags=["live"] id="predicted"
measured = {"series": series, "quantile": off, "alarm": seconds_to_alarm}
for name, unit in (("series", "series"), ("quantile", "%"), ("alarm", "s")):
    print(f"{name:10} predicted {guess[name]:8.1f} {unit:8} measured {measured[name]:8.1f}")
charts.prediction_vs_measured({"alarm": guess["alarm"]}, {"alarm": seconds_to_alarm}, unit="s", title="Predicted and measured: seconds to the alarm")

# %% [markdown]
# Note what the KV cache did while 20 requests waited: next to nothing. This queue is made by **seats** (`--max-num-seqs`), not by memory, and an alert on KV usage would have slept through it. And p95 of TTFT knows only requests that have got their first token: those who still wait are not in it. When users give up, as here, it never hears of them. The queue is the surer sign.
#
# ## Step 8 · A dashboard
#
# A dashboard is for the minutes *after* the alarm: saturation and latency at the top, everything by replica, no decoration. Grafana's dashboards are JSON, and what is JSON can be generated, reviewed and tested:
#
# ```json
# {"title": "...", "panels": [
#   {"title": "Free disk", "type": "timeseries",
#    "targets": [{"expr": "disk_free_ratio", "legendFormat": "{{instance}}"}],
#    "fieldConfig": {"defaults": {"unit": "percentunit"}}}]}
# ```
#
# Units are by Grafana's names: `s` for seconds, `percentunit` for shares from 0 to 1, `short` for plain numbers. Instead of a fixed window one writes `$__rate_interval`, and Grafana puts in what fits the zoom and the scrape interval.

# %% [markdown]
# ### Your turn: `dashboard`
#
# `asked` is a dictionary of PromQL expressions with the eight keys of `queries`. Return a Grafana dashboard (a dictionary) in which
#
# - each expression is drawn in some panel, as it is (several may share one, if their units are the same);
# - every panel has a title that no other has, a type, at least one target, and a unit: `s` for the two latencies, `percentunit` for the three shares, `short` for the rest;
# - the dashboard itself has a title.

# %% tags=["answer"] id="dashboard"
def dashboard(asked):
    """A Grafana dashboard as a dictionary, with a panel for each of these expressions."""
    ### BEGIN SOLUTION
    units = {"ttft_p95": "s", "latency_p99": "s", "error_ratio": "percentunit", "hit_ratio": "percentunit", "kv_usage": "percentunit"}
    return {
        "title": "vLLM",
        "panels": [
            {
                "title": name.replace("_", " "),
                "type": "timeseries",
                "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place // 2)},
                "targets": [{"expr": expr, "legendFormat": "{{instance}}"}],
                "fieldConfig": {"defaults": {"unit": units.get(name, "short")}},
            }
            for place, (name, expr) in enumerate(asked.items())
        ],
    }
    ### END SOLUTION

# %% tags=["check"] id="dashboard-check" points=2
_UNITS = {"ttft_p95": "s", "latency_p99": "s", "error_ratio": "percentunit", "hit_ratio": "percentunit", "kv_usage": "percentunit"}


def _drawn(asked):
    """What is wrong with the dashboard for these expressions, in one sentence; None if nothing."""
    made = dashboard(dict(asked))
    if not str(made.get("title", "")).strip():
        return "The dashboard itself has no title."
    shown = panels(made)
    titles = [panel.title for panel in shown]
    if len(set(titles)) < len(titles):
        return "Two panels have the same title."
    for name, expr in asked.items():
        units = {panel.unit for panel in shown if expr in panel.expressions}
        if not units:
            return f"No panel draws {name}."
        if units != {_UNITS.get(name, "short")}:
            return f"The unit of a panel with {name} should be {_UNITS.get(name, 'short')}, and is {' or '.join(sorted(map(repr, units)))}."
    return None


_ASKED = {
    "ttft_p95": "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[$__rate_interval])))",
    "latency_p99": "histogram_quantile(0.99, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[$__rate_interval])))",
    "tokens_per_s": "sum(rate(vllm:generation_tokens_total[$__rate_interval]))",
    "tokens_per_request": "sum(rate(vllm:request_generation_tokens_sum[$__rate_interval])) / sum(rate(vllm:request_generation_tokens_count[$__rate_interval]))",
    "error_ratio": 'sum(rate(vllm:request_success_total{finished_reason="error"}[$__rate_interval])) / sum(rate(vllm:request_success_total[$__rate_interval]))',
    "hit_ratio": "sum(rate(vllm:prefix_cache_hits_total[$__rate_interval])) / sum(rate(vllm:prefix_cache_queries_total[$__rate_interval]))",
    "waiting": "sum by (instance) (vllm:num_requests_waiting)",
    "kv_usage": "max(vllm:kv_cache_usage_perc)",
}
_fault = _drawn(_ASKED)
assert _fault is None, _fault
_faults = problems(dashboard(dict(_ASKED)), MADE_UP)
assert not _faults, f"One thing about the dashboard: {_faults[0]}"
### BEGIN HIDDEN TESTS
_other = {_name: f"{_expr} * 1" for _name, _expr in reversed(_ASKED.items())}
assert _drawn(_other) is None, "With other expressions, or in another order, the dashboard does not draw what it is given."
assert not problems(dashboard(dict(_other)), MADE_UP), "With other expressions the dashboard has a panel without title, unit or query, or one that gives nothing."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# The course's own dashboard, with rules, their tests, and a configuration for Docker, lies in `environment/monitoring/`. If Docker is there, `docker compose -f environment/containers/compose.yaml up prometheus grafana` starts it; yours can be imported there as it is.
#
# ### GPUs
#
# The engine says nothing about its card. On NVIDIA GPUs **DCGM**'s exporter does: `DCGM_FI_DEV_GPU_UTIL`, `DCGM_FI_DEV_FB_USED`, power and temperature, one series for each card. Two of them are read wrongly all the time. *Utilisation* is the share of time in which any kernel ran, so a vLLM card shows nearly 100 % as soon as there is work, with one request or with fifty. *Memory used* is the share that vLLM took at its start. Power draw and the engine's own tokens per second say more. (This course's CPU machine has no card, so there is no recording of it here: not yet measured.)
#
# ### Traces
#
# Metrics say *that* one in twenty is slow; a **trace** says where one request spent its time: gateway, queue, prefill, decode. vLLM sends spans by OTLP (`--otlp-traces-endpoint`); lab 10 puts its gateway's spans before them, with one trace id through both.
#
# ### What we know now
#
# | claim | what is true |
# |---|---|
# | "alert when KV usage leaves 70 to 90 %" | the pool is there to be used; alert when it is full *and* requests wait or are preempted |
# | "alert on GPU memory above 85 %" | fires always: vLLM takes its share at the start |
# | "p95 = average of the replicas' p95" | counts can be added, quantiles cannot: `sum by (le)` |
# | "p95 is exact" | as exact as the bucket around it is narrow (step 3) |
# | "no alert, so all is well" | a wrong name and a dead engine are silent too |
# | "the earlier the alert the better" | each second that `for` and `group_wait` save is paid for in false calls |
#
# **What production would add**
#
# - **Who watches the watcher?** An alert that always fires, and somebody outside who calls when it stops (a dead man's switch).
# - **Storage**: Prometheus keeps two weeks on one disk; Thanos, Mimir or VictoriaMetrics keep years of many.
# - **Blackbox probes**: one request a minute through the front door, with its answer checked. It notices what no engine can know.
# - **A runbook in every alert**: the annotation that says what to do first.
#
# What you measured is in the ledger:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="09-monitoring"):
    print(f"{row['step']:14} {row['metric']:20} {row['value']:8.3f} {row['unit']:8} {row['backend']}")

# %% [markdown]
# **Next:** lab 10 builds the front door, and what it says about itself belongs on this dashboard too.
