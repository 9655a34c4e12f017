# %% right "three panels, by unit"
def dashboard(asked):
    groups = {"s": ["ttft_p95", "latency_p99"], "percentunit": ["error_ratio", "hit_ratio", "kv_usage"], "short": ["tokens_per_s", "tokens_per_request", "waiting"]}
    made = []
    for unit, names in groups.items():
        targets = [{"refId": chr(65 + i), "expr": asked[name], "legendFormat": name} for i, name in enumerate(names)]
        made.append({"id": len(made) + 1, "type": "timeseries", "title": f"in {unit}", "targets": targets, "fieldConfig": {"defaults": {"unit": unit}, "overrides": []}})
    return {"title": "Engines", "schemaVersion": 39, "panels": made}

# %% right "in rows, and numbers beside curves"
def dashboard(asked):
    def unit(name):
        if name in ("ttft_p95", "latency_p99"):
            return "s"
        return "percentunit" if name.endswith("ratio") or name == "kv_usage" else "short"

    panels_ = []
    for kind in ("stat", "timeseries"):
        panels_.append({"type": "row", "title": f"as {kind}", "collapsed": False, "panels": []})
        for name in sorted(asked):
            panels_.append({"title": f"{name} ({kind})", "type": kind, "targets": [{"expr": asked[name]}], "fieldConfig": {"defaults": {"unit": unit(name)}}})
    return {"title": "All of it", "panels": panels_}

# %% wrong "no units" points=0
def dashboard(asked):
    return {"title": "vLLM", "panels": [{"title": name, "type": "timeseries", "targets": [{"expr": expr}]} for name, expr in asked.items()]}

# %% wrong "one unit for all" points=0
def dashboard(asked):
    return {"title": "vLLM", "panels": [{"title": name, "type": "timeseries", "targets": [{"expr": expr}], "fieldConfig": {"defaults": {"unit": "short"}}} for name, expr in asked.items()]}

# %% wrong "its own expressions" points=0
def dashboard(asked):
    units = {"ttft_p95": "s", "latency_p99": "s", "error_ratio": "percentunit", "hit_ratio": "percentunit", "kv_usage": "percentunit"}
    texts = {
        "ttft_p95": "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[$__rate_interval])))",
        "latency_p99": "histogram_quantile(0.99, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[$__rate_interval])))",
        "tokens_per_s": "sum(rate(vllm:generation_tokens_total[$__rate_interval]))",
        "tokens_per_request": "sum(rate(vllm:request_generation_tokens_sum[$__rate_interval])) / sum(rate(vllm:request_generation_tokens_count[$__rate_interval]))",
        "error_ratio": 'sum(rate(vllm:request_success_total{finished_reason="error"}[$__rate_interval])) / sum(rate(vllm:request_success_total[$__rate_interval]))',
        "hit_ratio": "sum(rate(vllm:prefix_cache_hits_total[$__rate_interval])) / sum(rate(vllm:prefix_cache_queries_total[$__rate_interval]))",
        "waiting": "sum by (instance) (vllm:num_requests_waiting)",
        "kv_usage": "max(vllm:kv_cache_usage_perc)",
    }
    return {"title": "vLLM", "panels": [{"title": name, "type": "timeseries", "targets": [{"expr": texts[name]}], "fieldConfig": {"defaults": {"unit": units.get(name, "short")}}} for name in asked]}

# %% wrong "the same title eight times" points=0
def dashboard(asked):
    units = {"ttft_p95": "s", "latency_p99": "s", "error_ratio": "percentunit", "hit_ratio": "percentunit", "kv_usage": "percentunit"}
    return {"title": "vLLM", "panels": [{"title": "Engine", "type": "timeseries", "targets": [{"expr": expr}], "fieldConfig": {"defaults": {"unit": units.get(name, "short")}}} for name, expr in asked.items()]}

# %% wrong "percentages from 0 to 100" points=0
def dashboard(asked):
    units = {"ttft_p95": "s", "latency_p99": "s", "error_ratio": "percent", "hit_ratio": "percent", "kv_usage": "percent"}
    return {"title": "vLLM", "panels": [{"title": name, "type": "timeseries", "targets": [{"expr": expr}], "fieldConfig": {"defaults": {"unit": units.get(name, "short")}}} for name, expr in asked.items()]}
