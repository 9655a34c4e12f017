# %% right "OpenAI's client without retries"
import openai


def ask(base_url, base, messages, adapter=None, max_tokens=48):
    client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
    name = adapter if adapter is not None else base
    try:
        answer = client.chat.completions.create(model=name, messages=messages, temperature=0, max_tokens=max_tokens)
    except openai.NotFoundError:
        raise KeyError(f"{name} is not among {[model.id for model in client.models.list()]}") from None
    except openai.APIStatusError as error:
        raise RuntimeError(f"status {error.status_code}") from None
    return answer.choices[0].message.content

# %% right "the standard library"
import json
import urllib.error
import urllib.request


def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = adapter
    if model is None:
        model = base
    data = json.dumps({"messages": messages, "model": model, "max_tokens": max_tokens, "temperature": 0.0}).encode()
    request = urllib.request.Request(base_url + "/chat/completions", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise RuntimeError(f"HTTP {error.code}") from None
    with urllib.request.urlopen(base_url + "/models") as answer:
        names = [one["id"] for one in json.load(answer)["data"]]
    raise LookupError(" ".join([f"{model} is unknown; served:", *names]))

# %% wrong "falls back to the base" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        answer = httpx.post(f"{base_url}/chat/completions", json={**body, "model": base}, timeout=300)
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "names made lower case" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = (adapter or base).lower()
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "always the base" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "the message does not name what is served" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "every failure is a LookupError" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise LookupError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "the most tokens are not passed on" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 48}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "temperature left to the engine" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "the adapter's name as a field of its own" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": base, "lora": adapter, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]["message"]["content"]

# %% wrong "whole answer instead of its text" points=0
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    model = base if adapter is None else adapter
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": max_tokens}
    answer = httpx.post(f"{base_url}/chat/completions", json=body, timeout=300)
    if answer.status_code == 404:
        served = [card["id"] for card in httpx.get(f"{base_url}/models").json()["data"]]
        raise LookupError(f"No model is called {model!r} here. There are: {', '.join(served)}.")
    if answer.status_code != 200:
        raise RuntimeError(f"the engine answered with status {answer.status_code}")
    return answer.json()["choices"][0]

# %% wrong "OpenAI's client and its retries" points=0
import openai


def ask(base_url, base, messages, adapter=None, max_tokens=48):
    client = openai.OpenAI(base_url=base_url, api_key="none")
    name = adapter if adapter is not None else base
    try:
        answer = client.chat.completions.create(model=name, messages=messages, temperature=0, max_tokens=max_tokens)
    except openai.NotFoundError:
        raise KeyError(f"{name} is not among {[model.id for model in client.models.list()]}") from None
    except openai.APIStatusError as error:
        raise RuntimeError(f"status {error.status_code}") from None
    return answer.choices[0].message.content

# %% right "looks first, then asks"
def ask(base_url, base, messages, adapter=None, max_tokens=48):
    wanted = adapter or base
    with httpx.Client(timeout=600) as client:
        names = []
        for card in client.get(base_url + "/models").json()["data"]:
            names.append(card["id"])
        if wanted not in names:
            raise LookupError(f"{wanted} is not served here, but these are: " + ", ".join(names))
        reply = client.post(
            base_url + "/chat/completions",
            json=dict(model=wanted, messages=messages, max_tokens=max_tokens, temperature=0),
        )
    if reply.status_code == 200:
        return reply.json()["choices"][0]["message"]["content"]
    raise RuntimeError(f"{reply.status_code}: {reply.text}")
