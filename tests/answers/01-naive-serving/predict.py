# Recorded answers to "predict": one slot without thinking 2 points, the general case 2.

# %% right "latency first, throughput by Little's law"
def predict(users, service_s, slots=1, think_s=0.0):
    latency_s = max(service_s, users * service_s / slots - think_s)
    return {"latency_s": latency_s, "requests_per_s": users / (latency_s + think_s)}

# %% right "either side of the saturation point"
def predict(users, service_s, slots=1, think_s=0.0):
    saturation = slots * (service_s + think_s) / service_s
    if users <= saturation:
        return {"requests_per_s": users / (service_s + think_s), "latency_s": service_s}
    return {"requests_per_s": slots / service_s, "latency_s": users * service_s / slots - think_s}

# %% wrong "throughput grows with every user" points=0
def predict(users, service_s, slots=1, think_s=0.0):
    rate = users / (service_s + think_s)
    return {"requests_per_s": rate, "latency_s": users / rate - think_s}

# %% wrong "nobody queues" points=0
def predict(users, service_s, slots=1, think_s=0.0):
    rate = min(users / (service_s + think_s), slots / service_s)
    return {"requests_per_s": rate, "latency_s": service_s}

# %% wrong "thinking counted as latency" points=2
def predict(users, service_s, slots=1, think_s=0.0):
    rate = min(users / (service_s + think_s), slots / service_s)
    return {"requests_per_s": rate, "latency_s": users / rate}

# %% wrong "the server is always busy" points=2
def predict(users, service_s, slots=1, think_s=0.0):
    rate = slots / service_s
    return {"requests_per_s": rate, "latency_s": users / rate - think_s}

# %% wrong "ignores the slots" points=2
def predict(users, service_s, slots=1, think_s=0.0):
    rate = min(users / (service_s + think_s), 1 / service_s)
    return {"requests_per_s": rate, "latency_s": users / rate - think_s}

# %% wrong "served in whole waves" points=2
def predict(users, service_s, slots=1, think_s=0.0):
    waves = -(-users // slots)
    latency_s = waves * service_s
    return {"requests_per_s": users / (latency_s + think_s), "latency_s": latency_s}

# %% wrong "the average place in a queue that empties" points=0
def predict(users, service_s, slots=1, think_s=0.0):
    latency_s = service_s * (users + 1) / 2 / slots
    return {"requests_per_s": slots / service_s, "latency_s": latency_s}
