# %% right "without the job in a function, by hand"
def queries(window):
    w = window
    return {
        "ttft_p95": 'histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[' + w + "])) by (le))",
        "latency_p99": 'histogram_quantile(0.99, sum(rate(vllm:e2e_request_latency_seconds_bucket{job="vllm"}[' + w + "])) by (le))",
        "tokens_per_s": 'sum(rate(vllm:generation_tokens_total{job="vllm"}[' + w + "]))",
        "tokens_per_request": 'sum(increase(vllm:request_generation_tokens_sum{job="vllm"}[' + w + ']))/sum(increase(vllm:request_generation_tokens_count{job="vllm"}[' + w + "]))",
        "error_ratio": '1 - sum(rate(vllm:request_success_total{job="vllm",finished_reason!="error"}[' + w + ']))/sum(rate(vllm:request_success_total{job="vllm"}[' + w + "]))",
        "hit_ratio": 'sum(increase(vllm:prefix_cache_hits_total{job="vllm"}[' + w + ']))/sum(increase(vllm:prefix_cache_queries_total{job="vllm"}[' + w + "]))",
        "waiting": 'max by (instance) (vllm:num_requests_waiting{job="vllm"})',
        "kv_usage": 'topk(1, max without (job, instance, model_name, engine) (vllm:kv_cache_usage_perc{job="vllm"}))',
    }

# %% right "one template"
TEMPLATES = {
    "ttft_p95": "histogram_quantile(.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{J}[W])))",
    "latency_p99": "histogram_quantile(.99, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket{J}[W])))",
    "tokens_per_s": "sum(rate(vllm:generation_tokens_total{J}[W]))",
    "tokens_per_request": "sum(rate(vllm:request_generation_tokens_sum{J}[W])) / sum(rate(vllm:request_generation_tokens_count{J}[W]))",
    "error_ratio": "sum(rate(vllm:request_success_total{J,finished_reason=~'error'}[W])) / sum(rate(vllm:request_success_total{J}[W]))",
    "hit_ratio": "sum(rate(vllm:prefix_cache_hits_total{J}[W])) / sum(rate(vllm:prefix_cache_queries_total{J}[W]))",
    "waiting": "sum(vllm:num_requests_waiting{J}) by (instance)",
    "kv_usage": "max(vllm:kv_cache_usage_perc{J})",
}


def queries(window):
    return {name: text.replace("{J", "{job='vllm'").replace("[W]", f"[{window}]") for name, text in TEMPLATES.items()}

# %% wrong "quantiles of each replica, averaged" points=5
def queries(window):
    def rate_of(name, labels=""):
        return f'rate(vllm:{name}{{job="vllm"{labels}}}[{window}])'

    return {
        "ttft_p95": f"avg(histogram_quantile(0.95, {rate_of('time_to_first_token_seconds_bucket')}))",
        "latency_p99": f"avg(histogram_quantile(0.99, {rate_of('e2e_request_latency_seconds_bucket')}))",
        "tokens_per_s": f"sum({rate_of('generation_tokens_total')})",
        "tokens_per_request": f"sum({rate_of('request_generation_tokens_sum')}) / sum({rate_of('request_generation_tokens_count')})",
        "error_ratio": "sum({}) / sum({})".format(rate_of("request_success_total", ',finished_reason="error"'), rate_of("request_success_total")),
        "hit_ratio": f"sum({rate_of('prefix_cache_hits_total')}) / sum({rate_of('prefix_cache_queries_total')})",
        "waiting": 'sum by (instance) (vllm:num_requests_waiting{job="vllm"})',
        "kv_usage": 'max(vllm:kv_cache_usage_perc{job="vllm"})',
    }

# %% wrong "the mean of ratios" points=4
def queries(window):
    def rate_of(name, labels=""):
        return f'rate(vllm:{name}{{job="vllm"{labels}}}[{window}])'

    return {
        "ttft_p95": f"histogram_quantile(0.95, sum by (le) ({rate_of('time_to_first_token_seconds_bucket')}))",
        "latency_p99": f"histogram_quantile(0.99, sum by (le) ({rate_of('e2e_request_latency_seconds_bucket')}))",
        "tokens_per_s": f"sum({rate_of('generation_tokens_total')})",
        "tokens_per_request": f"avg({rate_of('request_generation_tokens_sum')} / {rate_of('request_generation_tokens_count')})",
        "error_ratio": "avg(sum by (instance) ({}) / sum by (instance) ({}))".format(rate_of("request_success_total", ',finished_reason="error"'), rate_of("request_success_total")),
        "hit_ratio": f"avg({rate_of('prefix_cache_hits_total')} / {rate_of('prefix_cache_queries_total')})",
        "waiting": 'sum by (instance) (vllm:num_requests_waiting{job="vllm"})',
        "kv_usage": 'max(vllm:kv_cache_usage_perc{job="vllm"})',
    }

# %% wrong "every job" points=0
def queries(window):
    def rate_of(name, labels=""):
        return f"rate(vllm:{name}{{{labels}}}[{window}])"

    return {
        "ttft_p95": f"histogram_quantile(0.95, sum by (le) ({rate_of('time_to_first_token_seconds_bucket')}))",
        "latency_p99": f"histogram_quantile(0.99, sum by (le) ({rate_of('e2e_request_latency_seconds_bucket')}))",
        "tokens_per_s": f"sum({rate_of('generation_tokens_total')})",
        "tokens_per_request": f"sum({rate_of('request_generation_tokens_sum')}) / sum({rate_of('request_generation_tokens_count')})",
        "error_ratio": "sum({}) / sum({})".format(rate_of("request_success_total", 'finished_reason="error"'), rate_of("request_success_total")),
        "hit_ratio": f"sum({rate_of('prefix_cache_hits_total')}) / sum({rate_of('prefix_cache_queries_total')})",
        "waiting": "sum by (instance) (vllm:num_requests_waiting)",
        "kv_usage": "max(vllm:kv_cache_usage_perc)",
    }

# %% wrong "counters since the start, without a rate" points=2
def queries(window):
    j = '{job="vllm"}'
    return {
        "ttft_p95": f"histogram_quantile(0.95, sum by (le) (vllm:time_to_first_token_seconds_bucket{j}))",
        "latency_p99": f"histogram_quantile(0.99, sum by (le) (vllm:e2e_request_latency_seconds_bucket{j}))",
        "tokens_per_s": f"sum(rate(vllm:generation_tokens_total{j}[{window}]))",
        "tokens_per_request": f"sum(vllm:request_generation_tokens_sum{j}) / sum(vllm:request_generation_tokens_count{j})",
        "error_ratio": f'sum(vllm:request_success_total{{job="vllm",finished_reason="error"}}) / sum(vllm:request_success_total{j})',
        "hit_ratio": f"sum(vllm:prefix_cache_hits_total{j}) / sum(vllm:prefix_cache_queries_total{j})",
        "waiting": f"sum by (instance) (vllm:num_requests_waiting{j})",
        "kv_usage": f"max(vllm:kv_cache_usage_perc{j})",
    }

# %% wrong "always five minutes" points=2
def queries(window):
    def rate_of(name, labels=""):
        return f'rate(vllm:{name}{{job="vllm"{labels}}}[5m])'

    return {
        "ttft_p95": f"histogram_quantile(0.95, sum by (le) ({rate_of('time_to_first_token_seconds_bucket')}))",
        "latency_p99": f"histogram_quantile(0.99, sum by (le) ({rate_of('e2e_request_latency_seconds_bucket')}))",
        "tokens_per_s": f"sum({rate_of('generation_tokens_total')})",
        "tokens_per_request": f"sum({rate_of('request_generation_tokens_sum')}) / sum({rate_of('request_generation_tokens_count')})",
        "error_ratio": "sum({}) / sum({})".format(rate_of("request_success_total", ',finished_reason="error"'), rate_of("request_success_total")),
        "hit_ratio": f"sum({rate_of('prefix_cache_hits_total')}) / sum({rate_of('prefix_cache_queries_total')})",
        "waiting": 'sum by (instance) (vllm:num_requests_waiting{job="vllm"})',
        "kv_usage": 'max(vllm:kv_cache_usage_perc{job="vllm"})',
    }

# %% wrong "saturation of all together" points=5
def queries(window):
    def rate_of(name, labels=""):
        return f'rate(vllm:{name}{{job="vllm"{labels}}}[{window}])'

    return {
        "ttft_p95": f"histogram_quantile(0.95, sum by (le) ({rate_of('time_to_first_token_seconds_bucket')}))",
        "latency_p99": f"histogram_quantile(0.99, sum by (le) ({rate_of('e2e_request_latency_seconds_bucket')}))",
        "tokens_per_s": f"sum({rate_of('generation_tokens_total')})",
        "tokens_per_request": f"sum({rate_of('request_generation_tokens_sum')}) / sum({rate_of('request_generation_tokens_count')})",
        "error_ratio": "sum({}) / sum({})".format(rate_of("request_success_total", ',finished_reason="error"'), rate_of("request_success_total")),
        "hit_ratio": f"sum({rate_of('prefix_cache_hits_total')}) / sum({rate_of('prefix_cache_queries_total')})",
        "waiting": 'sum(vllm:num_requests_waiting{job="vllm"})',
        "kv_usage": 'avg(vllm:kv_cache_usage_perc{job="vllm"})',
    }

# %% wrong "names from another text" points=0
def queries(window):
    return {
        "ttft_p95": f"histogram_quantile(0.95, sum by (le) (rate(vllm_ttft_seconds_bucket[{window}])))",
        "latency_p99": f"histogram_quantile(0.99, rate(vllm_request_latency_bucket[{window}]))",
        "tokens_per_s": f"sum(rate(vllm_generated_tokens[{window}]))",
        "tokens_per_request": f"avg(request_tokens[{window}])",
        "error_ratio": f'sum(rate(http_requests_total{{status=~"5.."}}[{window}])) / sum(rate(http_requests_total[{window}]))',
        "hit_ratio": "vllm_cache_hit_rate",
        "waiting": "vllm_queue_depth",
        "kv_usage": "vllm_gpu_cache_usage",
    }
