# Recorded answers to "closed-loop": requests and concurrency 3 points, order and failures 2, times 3.

# %% right "the openai client, without retries"
import openai


async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=600)
    seats = asyncio.Semaphore(concurrency)
    t0 = time.perf_counter()

    async def user(prompt):
        async with seats:
            start = time.perf_counter()
            try:
                reply = await client.completions.create(model=model, prompt=prompt, max_tokens=max_tokens)
                text = reply.choices[0].text
            except openai.OpenAIError:
                text = None
            end = time.perf_counter()
        return {"ok": text is not None, "text": text, "start_s": start - t0, "latency_s": end - start}

    async with client:
        return list(await asyncio.gather(*map(user, prompts)))

# %% right "users who take the next prompt from a shared list"
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    results = [None] * len(prompts)
    todo = iter(enumerate(prompts))
    began = time.perf_counter()

    async def user(client):
        for index, prompt in todo:
            start = time.perf_counter()
            result = {"ok": False, "text": None, "start_s": start - began}
            try:
                reply = await client.post(
                    f"{base_url}/completions",
                    json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                )
                reply.raise_for_status()
                result["text"] = reply.json()["choices"][0]["text"]
                result["ok"] = True
            except Exception:
                pass
            result["latency_s"] = time.perf_counter() - start
            results[index] = result

    async with httpx.AsyncClient(timeout=None) as client:
        await asyncio.gather(*(user(client) for _ in range(concurrency)))
    return results

# %% right "threads behind an async door"
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    began = time.perf_counter()

    def ask(prompt):
        start = time.perf_counter()
        body = {"model": model, "prompt": prompt, "max_tokens": max_tokens}
        try:
            reply = httpx.post(f"{base_url}/completions", json=body, timeout=600)
            text = reply.json()["choices"][0]["text"] if reply.status_code == 200 else None
        except httpx.HTTPError:
            text = None
        took = time.perf_counter() - start
        return {"ok": text is not None, "text": text, "start_s": start - began, "latency_s": took}

    with ThreadPoolExecutor(concurrency) as pool:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*[loop.run_in_executor(pool, ask, prompt) for prompt in prompts])

# %% right "aiohttp and a queue"
import aiohttp


async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    queue = asyncio.Queue()
    for item in enumerate(prompts):
        queue.put_nowait(item)
    found = {}
    first = time.perf_counter()

    async def worker(session):
        while not queue.empty():
            number, prompt = queue.get_nowait()
            body = {"model": model, "prompt": prompt, "max_tokens": max_tokens}
            text, start = None, time.perf_counter()
            try:
                async with session.post(f"{base_url}/completions", json=body) as reply:
                    answer = await reply.json()
                    if reply.status == 200:
                        text = answer["choices"][0]["text"]
            except aiohttp.ClientError:
                pass
            end = time.perf_counter()
            found[number] = {"ok": text is not None, "text": text, "start_s": start - first, "latency_s": end - start}

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker(session))
    return [found[number] for number in sorted(found)]

# %% wrong "everything at once" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            if True:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "one after the other" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return [await ask(prompt) for prompt in prompts]

# %% wrong "in waves" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        results = []
        for first in range(0, len(prompts), concurrency):
            results += await asyncio.gather(*[ask(prompt) for prompt in prompts[first : first + concurrency]])
        return results

# %% wrong "the stopwatch starts before the queue" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            sent = time.perf_counter()
            async with limit:
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "in the order in which they finish" points=6
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()
    finished = []

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            finished.append({"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency})

        await asyncio.gather(*[ask(prompt) for prompt in prompts])
        return finished

# %% wrong "the client's own timeout of 5 s" points=6
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient() as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "openai tries again by itself" points=6
import openai


async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none")
    seats = asyncio.Semaphore(concurrency)
    t0 = time.perf_counter()

    async def user(prompt):
        async with seats:
            start = time.perf_counter()
            try:
                reply = await client.completions.create(model=model, prompt=prompt, max_tokens=max_tokens)
                text = reply.choices[0].text
            except openai.OpenAIError:
                text = None
            end = time.perf_counter()
        return {"ok": text is not None, "text": text, "start_s": start - t0, "latency_s": end - start}

    async with client:
        return await asyncio.gather(*map(user, prompts))

# %% wrong "one failure stops the test" points=6
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                body = {"model": model, "prompt": prompt, "max_tokens": max_tokens}
                reply = await client.post(f"{base_url}/completions", json=body)
                reply.raise_for_status()
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"]
            return {"ok": True, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "any answer is ok" points=6
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = True
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json().get("choices", [{"text": None}])[0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "start on the clock of the machine" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "latency in milliseconds" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": 1000 * latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% wrong "failures are left out" points=6
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        results = await asyncio.gather(*[ask(prompt) for prompt in prompts])
        return [result for result in results if result["ok"]]

# %% wrong "every user has a fixed share of the prompts" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        results = [None] * len(prompts)

        async def user(number):
            for index in range(number, len(prompts), concurrency):
                results[index] = await ask(prompts[index])

        await asyncio.gather(*[user(number) for number in range(concurrency)])
        return results

# %% wrong "max_tokens is forgotten" points=5
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json()["choices"][0]["text"] if ok else None
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])

# %% right "users who take the last prompt first"
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    todo, results = list(enumerate(prompts)), {}
    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=600) as client:

        async def user():
            while todo:
                index, prompt = todo.pop()
                sent, text = time.perf_counter(), None
                body = {"model": model, "prompt": prompt, "max_tokens": max_tokens}
                try:
                    reply = await client.post(f"{base_url}/completions", json=body)
                    if reply.status_code == 200:
                        text = reply.json()["choices"][0]["text"]
                except httpx.HTTPError:
                    pass
                took = time.perf_counter() - sent
                results[index] = {"ok": text is not None, "text": text, "start_s": sent - began, "latency_s": took}

        await asyncio.gather(*(user() for _ in range(concurrency)))
    return [results[index] for index in range(len(prompts))]

# %% wrong "sends only the first prompt, and changes the list so that it was asked for nothing else" points=0
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    prompts[:] = [prompts[0]] * len(prompts)
    room, began = asyncio.Semaphore(concurrency), time.perf_counter()
    async with httpx.AsyncClient(timeout=600) as client:

        async def one(prompt):
            async with room:
                sent, text = time.perf_counter(), None
                body = {"model": model, "prompt": prompt, "max_tokens": max_tokens}
                try:
                    reply = await client.post(f"{base_url}/completions", json=body)
                    if reply.status_code == 200:
                        text = reply.json()["choices"][0]["text"]
                except httpx.HTTPError:
                    pass
            return {"ok": text is not None, "text": text, "start_s": sent - began, "latency_s": time.perf_counter() - sent}

        return await asyncio.gather(*(one(prompt) for prompt in prompts))

# %% wrong "failures have no times" points=6
async def closed_loop(base_url, model, prompts, concurrency, max_tokens):
    limit = asyncio.Semaphore(concurrency)
    zero = time.perf_counter()

    async with httpx.AsyncClient(timeout=300) as client:

        async def ask(prompt):
            async with limit:
                sent = time.perf_counter()
                try:
                    reply = await client.post(
                        base_url + "/completions",
                        json={"model": model, "prompt": prompt, "max_tokens": max_tokens},
                    )
                    ok = reply.status_code == 200
                except httpx.HTTPError:
                    ok = False
                latency = time.perf_counter() - sent
            text = reply.json().get("choices", [{"text": None}])[0]["text"] if ok else None
            if not ok:
                return {"ok": False, "text": None, "start_s": None, "latency_s": None}
            return {"ok": ok, "text": text, "start_s": sent - zero, "latency_s": latency}

        return await asyncio.gather(*[ask(prompt) for prompt in prompts])
