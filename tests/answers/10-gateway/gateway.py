# %% right "Starlette, and a class that holds everything"
import weakref

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


class Silent(Exception):
    pass


class Gateway:
    def __init__(self, config):
        self.config = config
        self.backends = config["backends"]
        self.clients = {key: dict(client, bucket=TokenBucket(client["tokens_per_s"], client["burst"])) for key, client in config["clients"].items()}
        self.breakers = {b["name"]: CircuitBreaker(config["breaker"]["failures"], config["breaker"]["open_s"]) for b in self.backends}
        self.meter = Meter()
        self.cache = None
        if config.get("cache"):
            c = config["cache"]
            self.cache = SemanticCache(c["threshold"], c["ttl_s"], c["most"])
        self.seats = None
        if config.get("queue"):
            q = config["queue"]
            self.seats = Seats(FairQueue(q["ageing_s"]), running=q["running"], waiting=q["waiting"], wait_s=q["wait_s"], meter=self.meter)
        timeout = httpx.Timeout(None, connect=1.0, read=config["silence_s"])
        self.coming, self.early = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()
        self.http = httpx.AsyncClient(timeout=timeout, limits=httpx.Limits(max_connections=None), trust_env=False, verify=False)

    def app(self):
        app = Starlette(routes=[
            Route("/v1/models", self.models),
            Route("/metrics", self.metrics),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
        ])
        gateway.openai_errors(app)
        return gateway.observed(app, self.meter)

    async def models(self, request):
        names = ["auto"]
        for backend in self.backends:
            if backend["model"] not in names:
                names.append(backend["model"])
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model", "owned_by": "us"} for name in names]})

    async def metrics(self, request):
        return Response(self.meter.text(), media_type="text/plain; version=0.0.4")

    def told(self, name, outcome):
        now = time.monotonic()
        if outcome == "complete":
            self.breakers[name].succeeded(now)
        if outcome in ("cut", "failed"):
            self.breakers[name].failed(now)
        self.meter.upstream(name, outcome)

    async def chat(self, request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        client = self.clients.get(key) if scheme.lower() == "bearer" else None
        if client is None:
            raise Refused(401, "Incorrect API key provided.")
        body = await gateway.json_object(request)
        fault = fault_in(body, self.config["limits"])
        if fault is not None:
            return JSONResponse(fault, 400)
        tokens = gateway.asked_tokens(body)
        body = {**body, "max_tokens": self.config["limits"]["default_tokens"] if tokens is None else tokens}
        tokenizer = self.config["limits"]["tokenizer"]
        try:
            names = route(body, self.backends, tokenizer)
        except LookupError:
            raise Refused(404, f"The model {body['model']} does not exist.") from None
        place = None
        if self.cache is not None:
            scope = cache_scope(client["tenant"], body)
            if scope is not None:
                place = scope, gateway.vector_of(gateway.question_of(body), self.config["cache"]["vectors"])
                known = self.cache.get(*place, time.monotonic())
                if known is not None:
                    self.meter.cache("hit")
                    return gateway.replay(known, body)
                self.meter.cache("miss")
        wait = client["bucket"].take(gateway.count_tokens(body["messages"], tokenizer) + body["max_tokens"], time.monotonic())
        if wait > 0:
            raise Refused(429, "Rate limit reached.", retry_after_s=wait)
        if self.seats is None:
            return await self.answer(body, names, place, lambda: None)
        await self.seats.take(client["priority"])
        return await self.answer(body, names, place, self.seats.give_back)

    async def answer(self, body, names, place, leave):
        try:
            name, answer, whole = await self.first(body, names)
        except BaseException:
            leave()
            raise
        headers = {"x-served-by": name, "x-cache": "miss"}
        if whole is not None:
            leave()
            self.told(name, "complete")
            if answer.status_code == 200:
                self.keep(place, whole, False)
            return Response(whole, status_code=answer.status_code, headers={**headers, "content-type": answer.headers["content-type"]})
        kept = []

        async def pass_on():
            kept.append(self.early[answer])
            yield kept[0]
            async for piece in self.coming[answer]:
                kept.append(piece)
                yield piece

        async def ended(outcome):
            leave()
            self.told(name, outcome)
            await answer.aclose()
            if outcome == "complete":
                self.keep(place, b"".join(kept), True)

        return Streamed(pass_on(), ended=ended, headers=headers)

    async def first(self, body, names):
        problem = None
        for name in names:
            if not self.breakers[name].allow(time.monotonic()):
                continue
            try:
                return (name, *await self.ask(name, body))
            except (httpx.ReadTimeout, httpx.WriteTimeout):
                problem = Refused(504, f"{name} was silent for too long.")
            except (httpx.HTTPError, ConnectionError):
                problem = Refused(503, f"{name} failed.", retry_after_s=1)
            self.told(name, "failed")
        raise problem or Refused(503, "No back end is available.", retry_after_s=self.config["breaker"]["open_s"])

    async def ask(self, name, body):
        backend = next(b for b in self.backends if b["name"] == name)
        request = self.http.build_request(
            "POST", backend["url"] + "/v1/chat/completions", json={**body, "model": backend["model"]},
            headers={"accept-encoding": "identity", **spans.headers()},
        )
        answer = await self.http.send(request, stream=True)
        if answer.status_code == 429 or answer.status_code // 100 == 5:
            await answer.aclose()
            raise ConnectionError(answer.status_code)
        if body.get("stream") and answer.status_code == 200:
            self.coming[answer] = answer.aiter_raw()
            self.early[answer] = await anext(self.coming[answer], b"")
            return answer, None
        return answer, await answer.aread()

    def keep(self, place, raw, streamed):
        if place is None:
            return
        told = gateway.read_answer(raw, streamed)
        if told["done"] and told["finish_reason"] is not None and not told["error"]:
            self.cache.put(*place, told, time.monotonic())


def make_app(config):
    return Gateway(config).app()

# %% right "aiohttp towards the back ends"
import asyncio

import aiohttp


def make_app(config):
    meter = Meter()
    limits, breaker = config["limits"], config["breaker"]
    by_name = {b["name"]: {**b, "breaker": CircuitBreaker(breaker["failures"], breaker["open_s"])} for b in config["backends"]}
    buckets = {}
    cached = config.get("cache")
    cache = cached and SemanticCache(cached["threshold"], cached["ttl_s"], cached["most"])
    queue = config.get("queue")
    seats = queue and Seats(FairQueue(queue["ageing_s"]), running=queue["running"], waiting=queue["waiting"], wait_s=queue["wait_s"], meter=meter)
    sessions = []

    def session():
        if not sessions:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=1, sock_read=config["silence_s"])
            sessions.append(aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0), auto_decompress=False))
        return sessions[0]

    async def goodbye(app):
        yield
        for one in sessions:
            await one.close()

    app = FastAPI(lifespan=contextlib.asynccontextmanager(goodbye))
    gateway.openai_errors(app)

    def tell(name, outcome):
        meter.upstream(name, outcome)
        if outcome != "left":
            report = by_name[name]["breaker"].succeeded if outcome == "complete" else by_name[name]["breaker"].failed
            report(time.monotonic())

    @app.get("/v1/models")
    async def models():
        return {"object": "list", "data": [{"id": m, "object": "model"} for m in sorted({"auto"} | {b["model"] for b in config["backends"]})]}

    @app.get("/metrics")
    async def metrics():
        return PlainTextResponse(meter.text())

    @app.post("/v1/chat/completions")
    async def chat(request: Request):
        header = request.headers.get("authorization") or ""
        key = header[7:] if header.startswith("Bearer ") else None
        if key is None or key not in config["clients"]:
            raise Refused(401, "Who are you?")
        client = config["clients"][key]
        body = await gateway.json_object(request)
        error = fault_in(body, limits)
        if error is not None:
            raise Refused(400, error)
        asked = gateway.asked_tokens(body)
        body["max_tokens"] = limits["default_tokens"] if asked is None else asked
        try:
            candidates = route(body, config["backends"], limits["tokenizer"])
        except LookupError as why:
            raise Refused(404, str(why)) from why

        scope, vector = None, None
        if cache:
            scope = cache_scope(client["tenant"], body)
        if scope:
            vector = gateway.vector_of(gateway.question_of(body), cached["vectors"])
            answer = cache.get(scope, vector, time.monotonic())
            meter.cache("hit" if answer else "miss")
            if answer:
                return gateway.replay(answer, body)

        bucket = buckets.setdefault(key, TokenBucket(client["tokens_per_s"], client["burst"]))
        seconds = bucket.take(gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"], time.monotonic())
        if seconds:
            raise Refused(429, "Slow down.", retry_after_s=seconds)

        async with contextlib.AsyncExitStack() as stack:
            if seats:
                await seats.take(client["priority"])
                stack.callback(seats.give_back)
            last = None
            for name in candidates:
                backend = by_name[name]
                if not backend["breaker"].allow(time.monotonic()):
                    continue
                attempt = contextlib.AsyncExitStack()
                try:
                    upstream = await attempt.enter_async_context(session().post(
                        backend["url"] + "/v1/chat/completions", data=json.dumps({**body, "model": backend["model"]}),
                        headers={"content-type": "application/json", "accept-encoding": "identity", **spans.headers()},
                    ))
                    if upstream.status == 429 or upstream.status >= 500:
                        raise aiohttp.ClientError(upstream.status)
                    streaming = bool(body.get("stream")) and upstream.status == 200
                    whole = None if streaming else await upstream.read()
                    opening = await upstream.content.readany() if streaming else b""
                except asyncio.TimeoutError as problem:
                    gone = isinstance(problem, aiohttp.ConnectionTimeoutError)
                    last = 503 if gone else 504
                except (aiohttp.ClientError, OSError):
                    last = 503
                else:
                    headers = {"x-served-by": name}
                    if not streaming:
                        await attempt.aclose()
                        tell(name, "complete")
                        said = gateway.read_answer(whole, False)
                        if scope and upstream.status == 200 and said["done"] and not said["error"] and said["finish_reason"]:
                            cache.put(scope, vector, said, time.monotonic())
                        return Response(whole, upstream.status, {**headers, "content-type": upstream.headers["content-type"]})
                    keep = stack.pop_all()
                    parts = [opening]

                    async def flow(source=upstream.content, parts=parts):
                        yield parts[0]
                        while piece := await source.readany():
                            parts.append(piece)
                            yield piece

                    async def after(outcome, name=name, attempt=attempt, upstream=upstream, keep=keep, parts=parts):
                        if outcome != "complete":
                            upstream.close()
                        await attempt.aclose()
                        await keep.aclose()
                        tell(name, outcome)
                        said = gateway.read_answer(b"".join(parts), True)
                        if scope and outcome == "complete" and said["done"] and not said["error"] and said["finish_reason"]:
                            cache.put(scope, vector, said, time.monotonic())

                    return Streamed(flow(), ended=after, headers=headers)
                await attempt.aclose()
                tell(name, "failed")
        raise Refused(last or 503, "No back end has answered.", retry_after_s=1)

    return gateway.observed(app, meter)

# %% wrong "the first failure is the last" points=9
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
            raise last
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "collects the stream and sends it at its end" points=7
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "a stream that breaks off ends politely" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                try:
                    async for piece in stream:
                        raw.extend(piece)
                        yield piece
                except httpx.HTTPError:
                    pass

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "lines instead of bytes" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_lines())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for line in stream:
                    raw.extend(line.encode() + b"\n")
                    yield line.encode() + b"\n"

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "keeps what has not come to its end" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["text"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "one cache for all tenants" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope("everybody", body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "a hit costs tokens" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, "Too many tokens.", retry_after_s=wait_s)
        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "no Retry-After" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.")
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "one bucket for all keys" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    first = next(iter(config["clients"].values()))
    buckets = dict.fromkeys(config["clients"], TokenBucket(first["tokens_per_s"], first["burst"]))
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "a seat is lost with every failure" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on and "answer" in locals():
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "the seat is given back when the stream begins" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                report(name, outcome)
                await answer.aclose()

            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "all clients have the same priority" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(0)
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "the model's name goes on as it came" points=0
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps(body)
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "a 400 is tried elsewhere and counts" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code != 200:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "the breaker hears nothing" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "silence is a 503 like all else" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(503, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "errors as FastAPI writes them" points=10
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")

    @app.exception_handler(Refused)
    async def refused(request, error):
        from fastapi.responses import JSONResponse

        return JSONResponse({"detail": str(error)}, error.status, error.headers)


    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "the default limit is left to the back end" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        sent = dict(body)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(sent, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "the trace ends at the door" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json"}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "keys are not looked at" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, and its answer, read to the end unless it is a stream."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = key if key in config["clients"] else "key-shop"
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "a stream is handed on before its first byte has come" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, its answer, and a stream's pieces. An answer that is no stream has been read to its end."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, answer.aiter_raw()
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "504 as soon as anybody was silent" points=13
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, its answer, and a stream's pieces. An answer that is no stream has been read to its end."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        waited = False
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                waited = waited or silent
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise Refused(504, "The back end did not answer in time.") if waited else last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% wrong "a key is taken without the word before it" points=14
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room, meter=meter)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, its answer, and a stream's pieces. An answer that is no stream has been read to its end."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)

# %% right "httpx, and seats that tell nobody"
def make_app(config):
    """The gateway as an ASGI app."""
    backends = {backend["name"]: backend for backend in config["backends"]}
    breakers = {name: CircuitBreaker(**config["breaker"]) for name in backends}
    buckets = {key: TokenBucket(client["tokens_per_s"], client["burst"]) for key, client in config["clients"].items()}
    meter, limits, cache, seats = Meter(), config["limits"], None, None
    if "cache" in config:
        vectors = config["cache"]["vectors"]
        cache = SemanticCache(*(config["cache"][name] for name in ("threshold", "ttl_s", "most")))
    if "queue" in config:
        room = {name: config["queue"][name] for name in ("running", "waiting", "wait_s")}
        seats = Seats(FairQueue(config["queue"]["ageing_s"]), **room)
    http = httpx.AsyncClient(
        timeout=httpx.Timeout(config["silence_s"], connect=1, pool=None), limits=httpx.Limits(max_connections=None),
        headers={"accept-encoding": "identity"}, trust_env=False, verify=False,
    )
    app = FastAPI(title="gateway")
    gateway.openai_errors(app)

    @app.get("/v1/models")
    def models():
        names = dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])])
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics():
        return meter.text()

    def report(name, outcome):
        meter.upstream(name, outcome)
        if outcome == "complete":
            breakers[name].succeeded(time.monotonic())
        elif outcome != "left":
            breakers[name].failed(time.monotonic())

    async def begun(pieces):
        """The same pieces, once the first of them has come."""
        first = await anext(pieces, b"")

        async def all_of_them():
            yield first
            async for piece in pieces:
                yield piece

        return all_of_them()

    async def first_answer(body, names):
        """The first back end that answers: its name, its answer, and a stream's pieces. An answer that is no stream has been read to its end."""
        last = Refused(503, "No back end is there for this.", retry_after_s=config["breaker"]["open_s"])
        for name in names:
            if not breakers[name].allow(time.monotonic()):
                continue
            content = json.dumps({**body, "model": backends[name]["model"]})
            headers = {"content-type": "application/json", **spans.headers()}
            request = http.build_request("POST", f"{backends[name]['url']}/v1/chat/completions", content=content, headers=headers)
            try:
                answer = await http.send(request, stream=True)
                if answer.status_code == 429 or answer.status_code >= 500:
                    await answer.aclose()
                    last = Refused(503, "The back end failed.", retry_after_s=1)
                else:
                    if body.get("stream") and answer.status_code == 200:
                        return name, answer, await begun(answer.aiter_raw())
                    await answer.aread()
                    return name, answer, None
            except httpx.TimeoutException as error:
                silent = not isinstance(error, httpx.ConnectTimeout)
                last = Refused(504, "The back end did not answer in time.") if silent else Refused(503, "The back end is gone.", retry_after_s=1)
            except httpx.TransportError:
                last = Refused(503, "The back end is gone.", retry_after_s=1)
            report(name, "failed")
        raise last

    @app.post("/v1/chat/completions", **gateway.chat_route(config))
    async def chat(request: Request):
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in config["clients"]:
            raise Refused(401, "No such API key.")
        client, body = config["clients"][key], await gateway.json_object(request)
        if fault := fault_in(body, limits):
            raise Refused(400, fault)
        body["max_tokens"] = gateway.asked_tokens(body) or limits["default_tokens"]
        try:
            names = route(body, config["backends"], limits["tokenizer"])
        except LookupError as error:
            raise Refused(404, f"No such model: {error}") from None

        scope = cache_scope(client["tenant"], body) if cache is not None else None
        if scope is not None:
            vector = gateway.vector_of(gateway.question_of(body), vectors)
            known = cache.get(scope, vector, time.monotonic())
            meter.cache("miss" if known is None else "hit")
            if known is not None:
                return gateway.replay(known, body)

        def remember(raw, streamed):
            told = gateway.read_answer(raw, streamed)
            if scope is not None and told["done"] and not told["error"] and told["finish_reason"]:
                cache.put(scope, vector, told, time.monotonic())

        amount = gateway.count_tokens(body["messages"], limits["tokenizer"]) + body["max_tokens"]
        if wait_s := buckets[key].take(amount, time.monotonic()):
            raise Refused(429, f"Too many tokens; try again in {wait_s:.1f} s.", retry_after_s=wait_s)
        if seats is not None:
            await seats.take(client["priority"])
        handed_on = False
        try:
            name, answer, stream = await first_answer(body, names)
            headers = {"x-served-by": name}
            if stream is None:
                report(name, "complete")
                if answer.status_code == 200:
                    remember(answer.content, False)
                return Response(answer.content, answer.status_code, headers, answer.headers.get("content-type"))
            raw = bytearray()

            async def pieces():
                async for piece in stream:
                    raw.extend(piece)
                    yield piece

            async def ended(outcome):
                if outcome == "complete":
                    remember(bytes(raw), True)
                if seats is not None:
                    seats.give_back()
                report(name, outcome)
                await answer.aclose()

            handed_on = True
            return Streamed(pieces(), ended=ended, headers=headers, media_type=answer.headers.get("content-type"))
        finally:
            if seats is not None and not handed_on:
                seats.give_back()

    return gateway.observed(app, meter)
