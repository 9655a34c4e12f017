# %% right "YAML text with an f-string"
def deployment(situation):
    s = situation
    scarce = s["spare_gpus"] < s["gpus"]
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {s["name"]}
spec:
  selector:
    matchLabels:
      app: {s["name"]}
  strategy:
    rollingUpdate:
      maxSurge: {0 if scarce else s["spare_gpus"] // s["gpus"]}
      maxUnavailable: {1 if scarce else 0}
  template:
    metadata:
      labels:
        app: {s["name"]}
    spec:
      terminationGracePeriodSeconds: {s["answer_s"] + 40}
      containers:
        - name: engine
          image: {s["image"]}
          command: ["vllm", "serve", "{s["model"]}"]
          args:
            - --tensor-parallel-size
            - "{s["gpus"]}"
            - --shutdown-timeout
            - "{s["answer_s"]}"
          ports:
            - containerPort: 8000
              name: api
          resources:
            limits:
              nvidia.com/gpu: {s["gpus"]}
            requests:
              memory: {s["memory"]}
              cpu: 500m
          startupProbe:
            httpGet: {{path: /health, port: 8000}}
            periodSeconds: 1
            failureThreshold: {3 * s["load_s"]}
          readinessProbe:
            httpGet: {{path: /health, port: api}}
            periodSeconds: 3
            failureThreshold: 5
          livenessProbe:
            httpGet: {{path: /health, port: api}}
            failureThreshold: 10
          lifecycle:
            preStop:
              exec:
                command: ["sh", "-c", "sleep 15"]
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            allowPrivilegeEscalation: false
            capabilities: {{drop: ["ALL"]}}
          volumeMounts:
            - {{mountPath: /dev/shm, name: dshm}}
      volumes:
        - name: dshm
          emptyDir: {{medium: Memory, sizeLimit: 8Gi}}
"""

# %% right "a list with one dictionary, built in pieces"
def deployment(situation):
    def probe(period, failures):
        return {"httpGet": {"path": "/health", "port": "web"}, "periodSeconds": period, "failureThreshold": failures, "timeoutSeconds": 3}

    d = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": situation["name"]}, "spec": {}}
    d["spec"]["selector"] = {"matchLabels": {"run": situation["name"]}}
    room = situation["spare_gpus"] >= situation["gpus"]
    d["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": int(room), "maxUnavailable": int(not room)}}
    timeout = situation["answer_s"] + 20
    container = {"name": "c", "image": situation["image"], "ports": [{"name": "web", "containerPort": 8000}]}
    container["args"] = ["--model", situation["model"], "--shutdown-timeout", str(timeout)]
    if situation["gpus"] > 1:
        container["args"] += ["--tensor-parallel-size", str(situation["gpus"])]
    container["resources"] = {"limits": {"nvidia.com/gpu": str(situation["gpus"]), "memory": situation["memory"]}, "requests": {"memory": situation["memory"]}}
    container["startupProbe"] = probe(5, situation["load_s"] * 2 // 5 + 1)
    container["readinessProbe"] = probe(5, 3)
    container["livenessProbe"] = probe(30, 4)
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}
    container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": False}
    container["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}, {"name": "shm", "mountPath": "/dev/shm"}]
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}]
    pod = {"securityContext": {"runAsNonRoot": True, "runAsUser": 1000}, "containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": timeout + 5 + 60}
    d["spec"]["template"] = {"metadata": {"labels": {"run": situation["name"], "version": "v1"}}, "spec": pod}
    return [d]

# %% wrong "the numbers of the example written out" points=0
def deployment(situation):
    health = {"httpGet": {"path": "/health", "port": "http"}}
    labels = {"app": "chat"}
    container = {
        "name": "vllm", "image": "vllm/vllm-openai:v0.24.0", "args": ["--model=Qwen/Qwen2.5-7B-Instruct", "--shutdown-timeout=60"],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"memory": "24Gi"}, "limits": {"nvidia.com/gpu": 1}},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": 40},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {"terminationGracePeriodSeconds": 90, "containers": [container], "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "chat"},
        "spec": {
            "selector": {"matchLabels": labels}, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }

# %% wrong "the draft, without a word changed" points=0
def deployment(situation):
    return DRAFT

# %% wrong "SIGTERM aborts what is being answered" points=3
def deployment(situation):
    s = situation
    labels = {"app.kubernetes.io/name": s["name"]}
    args = [f"--model={s['model']}"] + ([f"--tensor-parallel-size={s['gpus']}"] if s["gpus"] > 1 else [])
    rolling = {"maxSurge": 0, "maxUnavailable": 1} if s["spare_gpus"] < s["gpus"] else {"maxSurge": 1, "maxUnavailable": 0}
    health = {"httpGet": {"path": "/health", "port": "http"}}
    container = {
        "name": "vllm", "image": s["image"], "args": args, "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"memory": s["memory"]}, "limits": {"nvidia.com/gpu": s["gpus"]}},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": math.ceil(2 * s["load_s"] / 10)},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {"terminationGracePeriodSeconds": 10 + s["answer_s"] + 20, "containers": [container], "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": s["name"]},
        "spec": {"selector": {"matchLabels": labels}, "strategy": {"rollingUpdate": rolling}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }

# %% wrong "the grace period of a web server" points=0
def deployment(situation):
    s = situation
    labels = {"app.kubernetes.io/name": s["name"]}
    args = [f"--model={s['model']}", f"--shutdown-timeout={s['answer_s']}"] + ([f"--tensor-parallel-size={s['gpus']}"] if s["gpus"] > 1 else [])
    rolling = {"maxSurge": 0, "maxUnavailable": 1} if s["spare_gpus"] < s["gpus"] else {"maxSurge": 1, "maxUnavailable": 0}
    health = {"httpGet": {"path": "/health", "port": "http"}}
    container = {
        "name": "vllm", "image": s["image"], "args": args, "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"memory": s["memory"]}, "limits": {"nvidia.com/gpu": s["gpus"]}},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": math.ceil(2 * s["load_s"] / 10)},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {"containers": [container], "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": s["name"]},
        "spec": {"selector": {"matchLabels": labels}, "strategy": {"rollingUpdate": rolling}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }

# %% wrong "a startup probe of ten minutes for every model" points=3
def deployment(situation):
    s = situation
    labels = {"app.kubernetes.io/name": s["name"]}
    args = [f"--model={s['model']}", f"--shutdown-timeout={s['answer_s']}"] + ([f"--tensor-parallel-size={s['gpus']}"] if s["gpus"] > 1 else [])
    rolling = {"maxSurge": 0, "maxUnavailable": 1} if s["spare_gpus"] < s["gpus"] else {"maxSurge": 1, "maxUnavailable": 0}
    health = {"httpGet": {"path": "/health", "port": "http"}}
    container = {
        "name": "vllm", "image": s["image"], "args": args, "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"memory": s["memory"]}, "limits": {"nvidia.com/gpu": s["gpus"]}},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": 60},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {"terminationGracePeriodSeconds": 10 + s["answer_s"] + 20, "containers": [container], "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": s["name"]},
        "spec": {"selector": {"matchLabels": labels}, "strategy": {"rollingUpdate": rolling}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }

# %% wrong "always a new pod first" points=4
def deployment(situation):
    s = situation
    labels = {"app.kubernetes.io/name": s["name"]}
    args = [f"--model={s['model']}", f"--shutdown-timeout={s['answer_s']}"] + ([f"--tensor-parallel-size={s['gpus']}"] if s["gpus"] > 1 else [])
    health = {"httpGet": {"path": "/health", "port": "http"}}
    container = {
        "name": "vllm", "image": s["image"], "args": args, "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"memory": s["memory"]}, "limits": {"nvidia.com/gpu": s["gpus"]}},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": math.ceil(2 * s["load_s"] / 10)},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {"terminationGracePeriodSeconds": 10 + s["answer_s"] + 20, "containers": [container], "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": s["name"]},
        "spec": {
            "selector": {"matchLabels": labels}, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }

# %% wrong "one GPU, whatever is asked" points=4
def deployment(situation):
    s = situation
    labels = {"app.kubernetes.io/name": s["name"]}
    args = [f"--model={s['model']}", f"--shutdown-timeout={s['answer_s']}"]
    rolling = {"maxSurge": 0, "maxUnavailable": 1} if s["spare_gpus"] < s["gpus"] else {"maxSurge": 1, "maxUnavailable": 0}
    health = {"httpGet": {"path": "/health", "port": "http"}}
    container = {
        "name": "vllm", "image": s["image"], "args": args, "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"requests": {"memory": s["memory"]}, "limits": {"nvidia.com/gpu": 1}},
        "startupProbe": {**health, "periodSeconds": 10, "failureThreshold": math.ceil(2 * s["load_s"] / 10)},
        "readinessProbe": {**health, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**health, "periodSeconds": 15, "failureThreshold": 6},
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 2000, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }
    pod = {"terminationGracePeriodSeconds": 10 + s["answer_s"] + 20, "containers": [container], "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": s["name"]},
        "spec": {"selector": {"matchLabels": labels}, "strategy": {"rollingUpdate": rolling}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }

# %% wrong "the example's numbers, written into every situation" points=0
def deployment(situation):
    """A Deployment of vLLM for this situation, as YAML text or as a dictionary."""
    situation.update(spare_gpus=0, load_s=200, answer_s=45)  # the example's
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

# %% right "a dictionary written by yaml.safe_dump, which writes aliases"
def deployment(situation):
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
    import yaml

    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": s["name"], "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    return yaml.safe_dump(document)  # with &id001 and *id001 for what stands in it twice

# %% wrong "no runAsUser, and the image's user is root" points=4
def deployment(situation):
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
        "securityContext": {"runAsNonRoot": True},
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
