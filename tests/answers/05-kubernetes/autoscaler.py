# %% right "a dictionary, slow to come and slow to go"
def autoscaler(name, most):
    def of_pods(metric, value):
        return {"type": "Pods", "pods": {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": value}}}

    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"{name}-scaler"},
        "spec": {
            "maxReplicas": most,
            "minReplicas": min(4, most),
            "scaleTargetRef": {"kind": "Deployment", "name": name, "apiVersion": "apps/v1"},
            "metrics": [of_pods("vllm_num_requests_running", "6"), of_pods("vllm_num_requests_waiting", "4")],
            "behavior": {
                "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]},
                "scaleDown": {"stabilizationWindowSeconds": 600},
            },
        },
    }

# %% right "text, one step at a time"
def autoscaler(name, most):
    metrics = "\n".join(
        f"  - type: Pods\n    pods:\n      metric:\n        name: {metric}\n      target:\n        type: AverageValue\n        averageValue: {value}"
        for metric, value in [("vllm_num_requests_waiting", '"8"'), ("vllm_num_requests_running", "6500m")]
    )
    return (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: scaler\nspec:\n"
        f"  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: {name}\n  minReplicas: {2 if most > 1 else 1}\n  maxReplicas: {most}\n  metrics:\n{metrics}\n"
        "  behavior:\n    scaleUp:\n      selectPolicy: Max\n      policies:\n      - {type: Pods, value: 2, periodSeconds: 60}\n"
        "    scaleDown:\n      stabilizationWindowSeconds: 600\n      policies:\n      - {type: Pods, value: 1, periodSeconds: 60}\n"
    )

# %% wrong "always all of them" points=2
def autoscaler(name, most):
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": most, "maxReplicas": most,
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"}, "target": {"type": "AverageValue", "averageValue": "4"}}}],
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0}, "scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }

# %% wrong "the queue only" points=2
def autoscaler(name, most):
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": 1, "maxReplicas": most,
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "vllm_num_requests_waiting"}, "target": {"type": "AverageValue", "averageValue": "4"}}}],
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0}, "scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }

# %% wrong "no window on the way down" points=2
def autoscaler(name, most):
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": value}}}
        for metric, value in (("vllm_num_requests_waiting", "8"), ("vllm_num_requests_running", "7"))
    ]
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": 1, "maxReplicas": most, "metrics": metrics,
            "behavior": {
                "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
                "scaleDown": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
            },
        },
    }

# %% wrong "no head room: every seat should be taken" points=2
def autoscaler(name, most):
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": value}}}
        for metric, value in (("vllm_num_requests_waiting", "8"), ("vllm_num_requests_running", "16"))
    ]
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": min(3, most), "maxReplicas": most, "metrics": metrics,
            "behavior": {
                "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
                "scaleDown": {"stabilizationWindowSeconds": 300, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
            },
        },
    }

# %% wrong "ten at all times, just in case" points=4
def autoscaler(name, most):
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": value}}}
        for metric, value in (("vllm_num_requests_waiting", "4"), ("vllm_num_requests_running", "8"))
    ]
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": min(10, most), "maxReplicas": most, "metrics": metrics,
            "behavior": {"scaleUp": {"selectPolicy": "Max"}, "scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }

# %% wrong "a metric that the engine does not have" points=0
def autoscaler(name, most):
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": 2, "maxReplicas": most,
            "metrics": [
                {"type": "Pods", "pods": {"metric": {"name": "vllm_queue_depth"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
            ],
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 60}, "scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }

# %% wrong "a maximum of its own" points=0
def autoscaler(name, most):
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": value}}}
        for metric, value in (("vllm_num_requests_waiting", "8"), ("vllm_num_requests_running", "7"))
    ]
    return {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": 2, "maxReplicas": 30, "metrics": metrics,
            "behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}, "scaleDown": {"stabilizationWindowSeconds": 600}},
        },
    }

# %% right "written by yaml.safe_dump: one pace in both directions, so an alias"
def autoscaler(name, most):
    import yaml

    pace = {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}
    behavior = {"scaleUp": pace, "scaleDown": {**pace, "stabilizationWindowSeconds": 600}}
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": value}}}
        for metric, value in (("vllm_num_requests_waiting", "8"), ("vllm_num_requests_running", "7"))
    ]
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, "minReplicas": min(3, most), "maxReplicas": most}
    spec |= {"metrics": metrics, "behavior": behavior}
    return yaml.safe_dump({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec})
