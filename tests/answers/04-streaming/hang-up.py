# %% right "the openai client, its stream closed by hand"
from openai import AsyncOpenAI


async def read_until(base_url, model, messages, max_tokens, pieces):
    client = AsyncOpenAI(base_url=base_url, api_key="none", http_client=new_client())
    stream = await client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens, stream=True)
    text, count = "", 0
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            text += chunk.choices[0].delta.content
            count += 1
            if count == pieces:
                break
    await stream.close()
    await client.close()
    return text

# %% right "a return out of the loop"
async def read_until(base_url, model, messages, max_tokens, pieces):
    text, left = "", pieces
    async with new_client() as client:
        request = dict(model=model, messages=messages, max_tokens=max_tokens, stream=True, temperature=0)
        async with client.stream("POST", base_url + "/chat/completions", json=request) as response:
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                for choice in json.loads(line[6:])["choices"]:
                    if choice["delta"].get("content"):
                        text, left = text + choice["delta"]["content"], left - 1
                if left == 0:
                    return text
    return text

# %% wrong "read to the end, cut afterwards" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    parser, texts = SSEParser(), []
    async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                content = json.loads(event)["choices"][0]["delta"].get("content")
                if content:
                    texts.append(content)
    return "".join(texts[:pieces])

# %% wrong "the rest read in the background" points=0
_readers = []


async def read_until(base_url, model, messages, max_tokens, pieces):
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    texts, enough = [], asyncio.Event()

    async def read():
        parser = SSEParser()
        async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            async for data in response.aiter_bytes():
                for event in parser.feed(data):
                    content = json.loads(event)["choices"][0]["delta"].get("content")
                    if content:
                        texts.append(content)
                    if len(texts) >= pieces:
                        enough.set()
        enough.set()

    _readers.append(asyncio.create_task(read()))
    await enough.wait()
    return "".join(texts[:pieces])

# %% wrong "the connection kept open" points=0
_kept = []


async def read_until(base_url, model, messages, max_tokens, pieces):
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    parser, texts, client = SSEParser(), [], new_client()
    response = await client.send(client.build_request("POST", f"{base_url}/chat/completions", json=body), stream=True)
    reading = response.aiter_bytes()
    _kept.append((client, response, reading))
    while len(texts) < pieces:
        data = await anext(reading, None)
        if data is None:
            break
        for event in parser.feed(data):
            texts.append(json.loads(event)["choices"][0]["delta"].get("content") or "")
        texts = [text for text in texts if text]
    return "".join(texts[:pieces])

# %% wrong "fewer tokens asked for instead" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    body = {"model": model, "messages": messages, "max_tokens": pieces, "temperature": 0, "stream": True}
    parser, texts = SSEParser(), []
    async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                content = json.loads(event)["choices"][0]["delta"].get("content")
                if content:
                    texts.append(content)
            if len(texts) >= pieces:
                break
    return "".join(texts[:pieces])

# %% wrong "the role counted as a piece" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    parser, texts = SSEParser(), []
    async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                content = json.loads(event)["choices"][0]["delta"].get("content")
                if content is not None:
                    texts.append(content)
            if len(texts) >= pieces:
                break
    return "".join(texts[:pieces])

# %% wrong "not streamed" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    async with new_client() as client:
        answer = await client.post(
            f"{base_url}/chat/completions", json={"model": model, "messages": messages, "max_tokens": max_tokens}
        )
    return " ".join(answer.json()["choices"][0]["message"]["content"].split()[:pieces])

# %% wrong "stops after so many events of the network, not of text" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    parser, texts = SSEParser(), []
    async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                content = json.loads(event)["choices"][0]["delta"].get("content")
                if content:
                    texts.append(content)
            pieces -= 1
            if pieces <= 0:
                break
    return "".join(texts)

# %% wrong "another question, written over the one that was asked" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    """The text of the first `pieces` events with text. Then it hangs up."""
    messages[0]["content"] = "Say anything."
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    parser, texts = SSEParser(), []
    async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                content = json.loads(event)["choices"][0]["delta"].get("content")
                if content:
                    texts.append(content)
            if len(texts) >= pieces:
                break  # leaving both `with` blocks closes the connection
    return "".join(texts[:pieces])

# %% wrong "all that the last read brought" points=0
async def read_until(base_url, model, messages, max_tokens, pieces):
    """The text of the first `pieces` events with text. Then it hangs up."""
    body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True}
    parser, texts = SSEParser(), []
    async with new_client() as client, client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                content = json.loads(event)["choices"][0]["delta"].get("content")
                if content:
                    texts.append(content)
            if len(texts) >= pieces:
                break  # leaving both `with` blocks closes the connection
    return "".join(texts)
