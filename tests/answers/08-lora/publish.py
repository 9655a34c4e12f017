# %% right "loads first and looks afterwards"
def publish(url, name, path):
    cards = {card["id"]: card for card in httpx.get(url + "/v1/models").json()["data"]}
    if name in cards and cards[name]["parent"] is None:
        raise ValueError("that is the base")
    answer = httpx.post(url + "/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path})
    if answer.status_code == 200:
        return True
    if name in cards:
        if cards[name]["root"] == path:
            return False
        raise ValueError(f"{name} comes from {cards[name]['root']}")
    if answer.status_code == 404:
        raise FileNotFoundError(path)
    raise RuntimeError(answer.text)


def withdraw(url, name):
    answer = httpx.post(url + "/v1/unload_lora_adapter", json={"lora_name": name})
    if answer.status_code == 404:
        return False
    if answer.is_success:
        return True
    raise RuntimeError(answer.text)

# %% right "a client, and a list of adapters"
def _adapters(client):
    return [(card["id"], card.get("parent"), card.get("root")) for card in client.get("/v1/models").json()["data"]]


def publish(url, name, path):
    with httpx.Client(base_url=url, timeout=60) as client:
        for known, parent, root in _adapters(client):
            if known == name and parent and root == path:
                return False
            if known == name:
                raise ValueError(f"{name} is taken")
        told = client.post("/v1/load_lora_adapter", json=dict(lora_name=name, lora_path=path))
        match told.status_code:
            case 200:
                return True
            case 404:
                raise FileNotFoundError(path)
            case 400:
                raise ValueError(told.text)
            case _:
                raise RuntimeError(told.text)


def withdraw(url, name):
    with httpx.Client(base_url=url, timeout=60) as client:
        status = client.post("/v1/unload_lora_adapter", json=dict(lora_name=name)).status_code
        if status in (200, 404):
            return status == 200
        raise RuntimeError(f"status {status}")

# %% wrong "a second time is an error" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "another path is taken for the same adapter" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "the old one is thrown out" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        withdraw(url, name)
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "a missing path goes unnoticed" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "a missing path is a RuntimeError" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise RuntimeError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "withdraw takes every answer for success" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    return True

# %% wrong "withdraw of nothing is an error" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "withdraw takes every failure for nothing there" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    return answer.status_code == 200

# %% wrong "loaded by the chat route" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/chat/completions", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    if answer.status_code != 200:
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unchat/completions", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200

# %% wrong "every failure to load but one is success" points=0
def publish(url, name, path):
    served = {card["id"]: card for card in httpx.get(f"{url}/v1/models").json()["data"]}
    if name in served:
        if served[name].get("parent") is not None and served[name]["root"] == path:
            return False
        raise ValueError(f"{name!r} is taken by {served[name]['root']}")
    answer = httpx.post(f"{url}/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path}, timeout=300)
    if answer.status_code == 404:
        raise FileNotFoundError(f"the engine finds no adapter at {path}")
    return True


def withdraw(url, name):
    answer = httpx.post(f"{url}/v1/unload_lora_adapter", json={"lora_name": name}, timeout=300)
    if answer.status_code not in (200, 404):
        raise RuntimeError(f"status {answer.status_code}: {answer.text}")
    return answer.status_code == 200
