# %% right "one YAML text"
import json as j


def companions(workload):
    labels = j.dumps(workload["spec"]["selector"]["matchLabels"])
    first = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]
    name = workload["metadata"]["name"]
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  type: ClusterIP
  selector: {labels}
  ports:
    - {{port: 80, targetPort: {first["name"]}, protocol: TCP}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {{name: {name}-metrics}}
spec:
  selector:
    matchLabels: {labels}
  podMetricsEndpoints:
    - {{port: {first["name"]}, interval: 10s}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}-budget}}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {labels}
"""

# %% right "expressions instead of labels, three texts"
def companions(workload):
    chosen = workload["spec"]["selector"]["matchLabels"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    expressions = {"matchExpressions": [{"key": k, "operator": "In", "values": [v]} for k, v in chosen.items()]}
    base = {"metadata": {"name": "around-" + workload["metadata"]["name"], "labels": dict(chosen)}}
    budget = dict(base, apiVersion="policy/v1", kind="PodDisruptionBudget", spec={"selector": expressions, "maxUnavailable": 1})
    service = dict(base, apiVersion="v1", kind="Service", spec={"selector": dict(chosen), "ports": [{"name": "openai", "port": 80, "targetPort": port}]})
    monitor = dict(base, apiVersion="monitoring.coreos.com/v1", kind="PodMonitor")
    monitor["spec"] = {"selector": expressions, "podMetricsEndpoints": [{"port": port, "path": "/metrics", "interval": "5s"}]}
    return (budget, service, monitor)

# %% wrong "selects by all labels of the pods" points=0
def companions(workload):
    labels = workload["spec"]["template"]["metadata"]["labels"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    about = {"name": workload["metadata"]["name"]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": port}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}}},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about, "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": port, "interval": "15s"}]}},
    ]

# %% wrong "a budget of a fixed number" points=0
def companions(workload):
    labels = workload["spec"]["selector"]["matchLabels"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    about = {"name": workload["metadata"]["name"]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": port}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about, "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}}},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about, "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": port, "interval": "15s"}]}},
    ]

# %% wrong "the port is always called http" points=0
def companions(workload):
    labels = workload["spec"]["selector"]["matchLabels"]
    about = {"name": workload["metadata"]["name"]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}}},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about, "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": "http", "interval": "15s"}]}},
    ]

# %% wrong "only one of the labels" points=0
def companions(workload):
    labels = dict([next(iter(workload["spec"]["selector"]["matchLabels"].items()))])
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    about = {"name": workload["metadata"]["name"]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": port}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}}},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about, "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": port, "interval": "15s"}]}},
    ]

# %% wrong "scraped every minute" points=0
def companions(workload):
    labels = workload["spec"]["selector"]["matchLabels"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    about = {"name": workload["metadata"]["name"]}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": port}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}}},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about, "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": port, "interval": "60s"}]}},
    ]

# %% right "the workload taken apart on the way"
def companions(workload):
    """Service, PodDisruptionBudget and PodMonitor for a Deployment."""
    labels = workload["spec"]["selector"]["matchLabels"]
    port = workload["spec"]["template"]["spec"]["containers"].pop()["ports"].pop(0).pop("name")
    about = {"name": workload["metadata"].pop("name")}
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

# %% right "dictionaries written by yaml.safe_dump_all, which writes aliases"
def companions(workload):
    import yaml

    labels = workload["spec"]["selector"]
    port = workload["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"]
    about = {"name": workload["metadata"]["name"], "labels": labels["matchLabels"]}
    service = {"selector": labels["matchLabels"], "ports": [{"port": 80, "targetPort": port}]}
    monitor = {"selector": labels, "podMetricsEndpoints": [{"port": port, "interval": "15s"}]}
    documents = [
        {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": service},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": about, "spec": {"maxUnavailable": 1, "selector": labels}},
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": about, "spec": monitor},
    ]
    return yaml.safe_dump_all(documents)
