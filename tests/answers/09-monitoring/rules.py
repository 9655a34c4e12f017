# %% right "text"
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% right "a group for each, other expressions"
def rules(window, hold):
    j = '{job="vllm"}'
    groups = []

    def add(name, expr, severity=None, words=""):
        rule = {"expr": expr, ("alert" if severity else "record"): name}
        if severity:
            rule.update({"for": hold, "labels": {"severity": severity, "team": "serving"}, "annotations": {"summary": words, "runbook": "look at the queue first"}})
        groups.append({"name": name, "rules": [rule]})

    p95 = f"histogram_quantile(0.95, sum by (le, job) (rate(vllm:time_to_first_token_seconds_bucket{j}[{window}])))"
    add("job:vllm_ttft_seconds:p95", p95)

    def good(over):
        return f'sum by (job) (rate(vllm:request_success_total{{job="vllm",finished_reason!="error"}}[{over}])) / sum by (job) (rate(vllm:request_success_total{j}[{over}]))'

    add("job:vllm_errors:ratio", f"1 - {good(window)}")
    add("EngineDown", f"(1 - up{j}) == 1 or absent(up{j})", "critical", "no answer from {{ $labels.instance }}")
    add("SlowFirstToken", f"{p95} > 2", "warning", "p95 of TTFT: {{ $value }}")
    add("QueueGrows", f"max by (instance) (vllm:num_requests_waiting{j}) > 10", "warning", "a queue at {{ $labels.instance }}")
    trouble = f"(max by (instance) (vllm:num_requests_waiting{j}) > 0 or max by (instance) (increase(vllm:num_preemptions_total{j}[{window}])) > 0)"
    add("CachePressure", f"{trouble} and max by (instance) (vllm:kv_cache_usage_perc{j}) > 0.95", "warning", "cache full at {{ $labels.instance }}")
    add("ErrorBudgetBurn", f"({good('5m')}) < 1 - 14.4 / 1000 and ({good('1h')}) < 1 - 14.4 / 1000", "critical", "errors")
    return yaml.safe_dump({"groups": groups})

# %% wrong "a full cache is enough" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "a target that is gone is not noticed" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1)
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "one queue for all replicas" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: sum(vllm:num_requests_waiting{job="vllm"}) > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "the long window alone" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "the short window alone" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "aborted requests are errors" points=4
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason=~"error|abort"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason=~"error|abort"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason=~"error|abort"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "the slowest replica's quantile" points=4
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le, instance))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "fires at once" points=2
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "does not say where" points=5
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "preemptions alone" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "everything is critical" points=4
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "every job" points=0
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up < 1) or absent(up)
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95 > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc > 0.95 and on (instance) (rate(vllm:num_preemptions_total[WINDOW]) > 0 or vllm:num_requests_waiting > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% right "two rules of one name"
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: up{job="vllm"} == 0
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: EngineDown
    expr: absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "nobody is left"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[5m])) / sum(rate(vllm:request_success_total{job="vllm"}[5m])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)

# %% wrong "the short window is the one that is given" points=6
def rules(window, hold):
    text = """
groups:
- name: vllm
  rules:
  - record: job:vllm_ttft_seconds:p95
    expr: histogram_quantile(0.95, sum(rate(vllm:time_to_first_token_seconds_bucket{job="vllm"}[WINDOW])) by (job, le))
  - record: job:vllm_errors:ratio
    expr: sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) by (job) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) by (job)
  - alert: EngineDown
    expr: (up{job="vllm"} < 1) or absent(up{job="vllm"})
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} does not answer"}
  - alert: SlowFirstToken
    expr: job:vllm_ttft_seconds:p95{job="vllm"} > 2
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "first tokens are late: {{ $value }} s"}
  - alert: QueueGrows
    expr: vllm:num_requests_waiting{job="vllm"} > 10
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "{{ $value }} requests wait at {{ $labels.instance }}"}
  - alert: CachePressure
    expr: vllm:kv_cache_usage_perc{job="vllm"} > 0.95 and on (instance) (rate(vllm:num_preemptions_total{job="vllm"}[WINDOW]) > 0 or vllm:num_requests_waiting{job="vllm"} > 0)
    for: HOLD
    labels: {severity: warning}
    annotations: {summary: "no block is free at {{ $labels.instance }}"}
  - alert: ErrorBudgetBurn
    expr: >-
      sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[1h])) / sum(rate(vllm:request_success_total{job="vllm"}[1h])) > 0.0144
      and sum(rate(vllm:request_success_total{job="vllm",finished_reason="error"}[WINDOW])) / sum(rate(vllm:request_success_total{job="vllm"}[WINDOW])) > 0.0144
    for: HOLD
    labels: {severity: critical}
    annotations: {summary: "the error budget burns"}
"""
    return text.replace("WINDOW", window).replace("HOLD", hold)
