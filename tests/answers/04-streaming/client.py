# %% right "the openai client"
from openai import AsyncOpenAI


async def stream_chat(base_url, model, messages, max_tokens):
    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, http_client=new_client()) as client:
        sent_s, arrivals = time.perf_counter(), []
        chunks = await client.chat.completions.create(
            model=model, messages=messages, max_completion_tokens=max_tokens, temperature=0.0, stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in chunks:
            arrivals.append([time.perf_counter(), chunk.model_dump()])
    if not any(event["choices"] and event["choices"][0]["finish_reason"] for _, event in arrivals):
        raise ConnectionError("the answer was cut off")
    return [sent_s, arrivals]

# %% right "lines by httpx"
async def stream_chat(base_url, model, messages, max_tokens):
    request = dict(model=model, messages=messages, max_tokens=max_tokens, temperature=0, stream=True)
    request["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
    arrivals, done = [], False
    async with new_client() as client:
        sent = time.perf_counter()
        async with client.stream("POST", base_url + "/chat/completions", json=request) as response:
            if response.status_code != 200:
                raise RuntimeError(f"status {response.status_code}")
            async for line in response.aiter_lines():
                now = time.perf_counter()
                if line == "data: [DONE]":
                    done = True
                elif line.startswith("data: "):
                    arrivals.append((now, json.loads(line[6:])))
    if not done:
        raise EOFError("no [DONE]")
    return sent, arrivals

# %% wrong "not streamed on the client: everything has one time" points=2
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        response = await client.post(f"{base_url}/chat/completions", json=body)
    response.raise_for_status()
    now = time.perf_counter()
    arrivals += [[now, json.loads(event)] for event in parser.feed(response.content)]
    parser.close()
    return sent_s, arrivals

# %% wrong "the clock started when the answer began" points=2
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            sent_s = time.perf_counter()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, arrivals

# %% wrong "milliseconds" points=2
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s * 1000, [[at * 1000, event] for at, event in arrivals]

# %% wrong "events that carry no text left out" points=3
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, [[at, event] for at, event in arrivals if event["choices"] and event["choices"][0]["delta"].get("content")]

# %% wrong "only the pieces of text, not the events" points=0
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, [[at, event["choices"][0]["delta"]["content"]] for at, event in arrivals if event["choices"]]

# %% wrong "all events stamped at the end" points=2
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, [[time.perf_counter(), event] for _, event in arrivals]

# %% wrong "times since sending instead of the clock's" points=2
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, [[at - sent_s, event] for at, event in arrivals]

# %% wrong "no usage asked for" points=3
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True,
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, arrivals

# %% wrong "a cut stream returned as an answer" points=3
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            try:
                async for data in response.aiter_bytes():
                    now = time.perf_counter()
                    arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
            except httpx.HTTPError:
                pass
    return sent_s, arrivals

# %% wrong "the end of the connection taken for the end of the answer: no parser.close()" points=3
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    return sent_s, arrivals

# %% wrong "the status not looked at" points=3
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    if response.status_code == 200:
        parser.close()
    return sent_s, arrivals

# %% wrong "failed requests sent again" points=3
async def _once(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, arrivals


async def stream_chat(base_url, model, messages, max_tokens):
    for _ in range(3):
        try:
            return await _once(base_url, model, messages, max_tokens)
        except Exception:
            continue
    raise RuntimeError("failed three times")

# %% wrong "max_tokens left out" points=3
async def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    async with new_client() as client:
        sent_s = time.perf_counter()
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for data in response.aiter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, arrivals

# %% wrong "not async" points=0
def stream_chat(base_url, model, messages, max_tokens):
    body = {
        "model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0,
        "stream": True, "stream_options": {"include_usage": True},
    }
    parser, arrivals = SSEParser(), []
    with httpx.Client() as client:
        sent_s = time.perf_counter()
        with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            response.raise_for_status()
            for data in response.iter_bytes():
                now = time.perf_counter()
                arrivals += [[now, json.loads(event)] for event in parser.feed(data)]
    parser.close()
    return sent_s, arrivals
