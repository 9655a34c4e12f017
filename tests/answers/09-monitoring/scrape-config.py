# %% right "text"
def scrape_config(engines, alertmanagers, every):
    listed = lambda names: "[" + ", ".join(f'"{name}"' for name in names) + "]"
    text = f"""
global:
  scrape_interval: {every}
  evaluation_interval: {every}
rule_files:
  - rules.yml
scrape_configs:
  - job_name: vllm
    metrics_path: /metrics
    static_configs:
      - targets: {listed(engines)}
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: "python_.+|process_.+"
        action: drop
"""
    if alertmanagers:
        text += f"""
alerting:
  alertmanagers:
    - static_configs:
        - targets: {listed(alertmanagers)}
"""
    return text

# %% right "one entry for each engine, two rules"
def scrape_config(engines, alertmanagers, every):
    drop = [{"source_labels": ["__name__"], "regex": prefix + ".*", "action": "drop"} for prefix in ("python_", "process_")]
    job = {"job_name": "vllm", "scrape_interval": every, "static_configs": [{"targets": [name]} for name in engines], "metric_relabel_configs": drop}
    config = {"global": {"evaluation_interval": every, "scrape_interval": every}, "scrape_configs": [job], "rule_files": ["rules.yml"]}
    config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [name]} for name in alertmanagers]}]}
    return yaml.dump(config)

# %% wrong "drops what it should keep too" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "vllm", "static_configs": [{"targets": engines}], "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": ".*(python|process).*", "action": "drop"}]}],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }

# %% wrong "relabels targets, not metrics" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "vllm", "static_configs": [{"targets": engines}], "relabel_configs": [{"source_labels": ["__name__"], "regex": "(python|process)_.*", "action": "drop"}]}],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }

# %% wrong "forgets the rules" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "vllm", "static_configs": [{"targets": engines}], "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "(python|process)_.*", "action": "drop"}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }

# %% wrong "rules are computed once a minute" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "scrape_configs": [{"job_name": "vllm", "scrape_interval": every, "static_configs": [{"targets": engines}], "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "(python|process)_.*", "action": "drop"}]}],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }

# %% wrong "keeps vLLM's metrics only" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "vllm", "static_configs": [{"targets": engines}], "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "vllm:.*", "action": "keep"}]}],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }

# %% wrong "a job of another name" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "engines", "static_configs": [{"targets": engines}], "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "(python|process)_.*", "action": "drop"}]}],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }

# %% wrong "reads a file of the machine" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "vllm", "static_configs": [{"targets": engines}], "authorization": {"credentials_file": "/etc/hostname"}}],
        "rule_files": ["rules.yml"],
    }

# %% wrong "engines are read every five seconds, whatever is asked for" points=0
def scrape_config(engines, alertmanagers, every):
    return {
        "global": {"scrape_interval": "5s", "evaluation_interval": every},
        "scrape_configs": [{"job_name": "vllm", "static_configs": [{"targets": engines}], "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "(python|process)_.*", "action": "drop"}]}],
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
    }
