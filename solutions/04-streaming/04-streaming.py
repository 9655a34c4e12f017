# ---
# title: Time to first token
# minutes: 110
# objectives: Read a token stream from its bytes up, measure what its reader feels, hang up properly, and report whether a promise was kept
# builds: a server-sent-events parser, a streaming client and its measures, hanging up, an SLO report
# needs: {memory_gb: 6}
# ---

# %% [markdown]
# # Lab 04 · Time to first token
#
# In labs 02 and 03 the engine became faster. Here it does not become faster at all: it works exactly as before. What changes
# is *when* its user sees something. A streamed answer is sent in pieces while it is written, so that reading can begin
# after a fraction of a second instead of at the end.
#
# That looks like a switch, `"stream": true`. Behind it wait a text format that arrives in arbitrary cuts, measurements that are easily
# taken wrong, and a connection that must be closed by the right side at the right time. You will build all three.
#
# **After this lab you can**
#
# - read server-sent events from raw bytes, and tell a complete answer from a broken one;
# - measure TTFT, inter-token latency and time per output token, and know which events must not be counted;
# - say what streaming improves and what it leaves as it was;
# - stop an answer so that the *engine* stops too;
# - report on a promise ("p95 of TTFT below 200 ms") and on goodput.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write three numbers down | 5 |
# | 2 | Bytes: a parser for server-sent events | 33 |
# | 3 | Measures: what one stream tells | 16 |
# | 4 | A client that streams, checked against a known truth | 16 |
# | 5 | Measure the real engine: load, and one long prompt | 12 |
# | 6 | Hang up | 11 |
# | 7 | Keep a promise: p95 and goodput | 12 |
# | 8 | Explain, and what production would add | 5 |
#
# **Budget.** Two CPU cores and 6 GB of memory; no GPU, no account, no network. The cells marked `%%live` run the real engine
# for two to three minutes in all. On a machine with a GPU the same cells use it.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import asyncio
import json
import random
import secrets
import socket
import ssl
import threading
import time

import httpx
import numpy as np
import servelab
from IPython.display import Markdown, display
from servelab.checks import close, partial
from servelab.engine.scripted import Fault, ScriptedEngine
from servelab.load import charts, ledger, stream_charts
from servelab.progress import bar

servelab.setup("04-streaming")

# %% [markdown]
# ## Step 1 · Predict
#
# Three ratios, before you know the answers:
#
# 1. **Gain.** One user, an answer of 48 tokens. How many times sooner does the first text come than the last?
# 2. **Crowd.** 16 users at once instead of one. How many times as long is the gap between two tokens of *one* stream?
# 3. **Intruder.** Four people are reading their answers. A fifth sends a prompt of about 1,700 tokens. How many times as long as the usual gap is
#    the longest pause that the four see?
#
# The numbers below are a colleague's, who reasons that sixteen users get a sixteenth each.
# **Replace them by your own.** Nobody grades them.

# %% tags=["live"] id="guess"
guess = {"gain": 4, "crowd": 16, "intruder": 2}  # change all three

# %% [markdown]
# ## Step 2 · Bytes
#
# With `"stream": true` the server answers with `content-type: text/event-stream`: **server-sent events** (SSE), a text format that browsers have read since 2011.
# This is what vLLM sends, shortened to what matters:

# %% id="sample"
SAMPLE = (
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"Caf\xc3\xa9"},"finish_reason":null}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":" \xf0\x9f\x98\x80"},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":9,"total_tokens":14,"completion_tokens":5}}\n\n'
    b"data: [DONE]\n\n"
)

# %% [markdown]
# An **event** is a group of lines, and an empty line ends it. The last event of OpenAI's API is no JSON but the word `[DONE]`.
#
# It is tempting to split at `\n\n`, cut off `data: ` and be done. That works on the developer's machine, where each event arrives alone. But TCP carries *bytes*, not events: a read returns
# whatever has come so far, and may end in the middle of a line, of a CRLF, or of a character. Look at what happens to the second event when it is cut in its `é`:

# %% tags=["output"] id="cut-character"
place = SAMPLE.index(b"\xc3\xa9") + 1
for piece in (SAMPLE[:place], SAMPLE[place:]):
    try:
        print("text:", piece.decode()[-12:])
    except UnicodeDecodeError as error:
        print("no text:", error.reason)

# %% [markdown]
# ### Your turn: `SSEParser`
#
# Write the class that holds what is incomplete until the rest arrives:
#
# - `feed(data)` takes some bytes and returns a list with the **data** of each event that *they complete*, as text: often none, sometimes several. Do not hold a complete event back.
# - `close()` is called when the server has closed the connection. It returns nothing if `[DONE]` was seen; otherwise the stream was cut off, and it raises `EOFError`.
#
# | rule of the format | example |
# |---|---|
# | a line ends with `\n` or `\r\n` | both may occur |
# | an empty line ends the event | |
# | a line that begins with `:` is a comment: ignore it | `: ping` keeps a connection open |
# | a line is `field:value`, and **one** space after the colon is not part of the value | `data: x` and `data:x` are the same |
# | only the field `data` matters to us; `event`, `id`, `retry` and unknown ones are ignored | |
# | several `data` lines in an event are joined with `\n` | |
# | an event without any `data` line is none | a comment and an empty line |
# | what comes after the last empty line is no event | the connection broke |
#
# `[DONE]` is not returned as an event, nor is anything after it. It counts as `[DONE]` only when it is *all* of an event's data: a model may well write that word. (The standard also allows a bare `\r` as
# the end of a line. We have seen no LLM server that sends it; you may leave it out. And beware of `str.splitlines`: it also splits at characters that are not line ends here.)
#
# `parse_all` at the end of the cell is part of the check. Leave it as it is.

# %% tags=["answer"] id="sse"
class SSEParser:
    """Server-sent events from bytes that arrive in any cuts."""

    def __init__(self):
        ### BEGIN SOLUTION
        self.rest = b""  # bytes of a line that has not ended
        self.data = []  # data lines of an event that has not ended
        self.done = False
        ### END SOLUTION

    def feed(self, data):
        """The data of every event that these bytes complete, as a list of texts."""
        ### BEGIN SOLUTION
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events
        ### END SOLUTION

    def close(self):
        """The connection has ended. Raises EOFError if `[DONE]` did not come."""
        ### BEGIN SOLUTION
        if not self.done:
            raise EOFError("the stream ended before [DONE]: the answer is not complete")
        ### END SOLUTION


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% [markdown]
# Try it. First the sample in one piece, then in two, cut at *every* byte. However it is cut, the result must be the same:

# %% tags=["output"] id="sample-parsed"
events, ending = parse_all([SAMPLE])
for event in events[0]:
    print(event)
print(ending)

# %% tags=["output"] id="sample-cut"
whole = [event for after in parse_all([SAMPLE])[0] for event in after]
same = 0
for place in range(1, len(SAMPLE)):
    events, ending = parse_all([SAMPLE[:place], SAMPLE[place:]])
    same += [event for after in events for event in after] == whole and ending == "complete"
print(f"{len(whole)} events; {same} of {len(SAMPLE) - 1} cuts give the same")

# %% tags=["check"] id="sse-check" points=4
def _told(pieces):
    """What came out, and whether anything is not as promised: (events per piece, ending)."""
    got = parse_all(list(pieces))
    assert got and len(got) == 2, "parse_all returned no pair: it must stay as it was."
    return got


def _events(pieces):
    return [event for after in _told(pieces)[0] for event in after]


_got = _events([b"data: one\n\ndata: two\n\ndata: [DONE]\n\n"])
assert _got == ["one", "two"], f"Two events and a [DONE] came out as {_got}."
_got = _events([b"da", b"ta: o", b"ne\n", b"\ndata: [DO", b"NE]\n\n"])
assert _got == ["one"], f"The same event in five pieces came out as {_got}."
_got = _events([b": a comment\n\ndata: first\ndata: second\n\nid: 7\ndata:third\r\n\r\ndata: [DONE]\n\n"])
assert _got == ["first\nsecond", "third"], f"A comment, an event of two lines, and one with CRLF came out as {_got}."
_got = _told([b"data: one\n\n", b"data: two\n", b"\n", b"data: [DONE]\n\n"])[0]
assert [list(_after) for _after in _got] == [["one"], [], ["two"], []], f"An event must be returned by the `feed` that completes it; yours came as {_got}."
### BEGIN HIDDEN TESTS
_draw = random.Random(404)
_TEXTS = ["plain", "Café 日本語 😀", "a: b: c", " two spaces", "says [DONE] inside", "data: data", "", "#", "line\u2028separator\u0085and\x0bmore", "tab\t", "{\"x\": 1}"]


def _stream(end_of_line, done):
    """A random stream: its bytes, its events, and for each event the place before and after which it is complete."""
    data, expected, ready = b"", [], []

    def line(text):
        nonlocal data
        data += text.encode() + (end_of_line or _draw.choice([b"\n", b"\r\n"]))

    for _ in range(_draw.randrange(1, 7)):
        kind = _draw.randrange(8)
        if kind == 0:
            line(_draw.choice([":", ": ping", ":data: not this"]))
            if _draw.random() < 0.5:
                line("")
        if kind == 1:
            line(_draw.choice(["event: message", "id: 3", "retry: 100", "unknown", "datax: no", "other: data: no"]))
        parts = [_draw.choice(_TEXTS) for _ in range(_draw.choice([1, 1, 1, 2, 3]))]
        for part in parts:
            line(("data:" if part[:1] != " " and _draw.random() < 0.3 else "data: ") + part)
            if _draw.random() < 0.1:
                line(": between")
        line("")
        expected.append("\n".join(parts))
        ready.append(len(data))
    if done:
        line(_draw.choice(["data: [DONE]", "data:[DONE]"]))
        line("")
        if _draw.random() < 0.3:
            line("data: after the end")
            line("")
    return data, expected, ready


def _cuts(data, how):
    if how == "bytes":
        return [data[i : i + 1] for i in range(len(data))]
    places = sorted(_draw.randrange(len(data) + 1) for _ in range(_draw.randrange(1, 9)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


_WHAT = {b"\n": "lines that end with LF", b"\r\n": "lines that end with CRLF", None: "line ends of both kinds"}
for _number in range(90):
    _eol = (b"\n", b"\r\n", None)[_number % 3]
    _data, _expected, _ready = _stream(_eol, True)
    _pieces = _cuts(_data, "bytes" if _number % 10 == 9 else "random")
    _after = _told(_pieces)[0]
    _case = f"A stream of {len(_data)} bytes with {_WHAT[_eol]}, in {len(_pieces)} pieces"
    assert len(_after) == len(_pieces) and [_e for _list in _after for _e in _list] == _expected, f"{_case}, gives other events than it holds."
    _sizes = np.cumsum([len(_piece) for _piece in _pieces])
    _seen = np.cumsum([len(_list) for _list in _after])
    for _size, _count in zip(_sizes, _seen):
        assert _count >= sum(_place <= _size for _place in _ready), f"{_case}: an event that was complete was held back."
# Every cut of one awkward stream, all in one long stream per call: thousands of cuts, few calls.
_hard = "data: é😀\u2028x\r\ndata:  y\r\n\r\n: c\n\ndata: z\n\n".encode()
_two = ["é😀\u2028x\n y", "z"]
_pieces = []
for _place in range(len(_hard)):
    for _second in range(_place, len(_hard), 3):
        _pieces += [_hard[:_place], _hard[_place:_second], _hard[_second:]]
_got = _events([*_pieces, b"data: [DONE]\n\n"])
assert _got == _two * (len(_pieces) // 3), "Cut into three at every place, a stream with CRLF, several data lines and long characters is not read right."
_big = "x" * 300_000
_long = f"data: {_big}\n\ndata: [DONE]\n\n".encode()
assert _events([_long[_i : _i + 4096] for _i in range(0, len(_long), 4096)]) == [_big], "An event of 300,000 characters is not read right."
partial(4, 4)
### END HIDDEN TESTS

# %% tags=["check"] id="close-check" points=2
_got = parse_all([b"data: one\n\ndata: [DONE]\n\n"])
assert _got[1] == "complete", "This stream has its [DONE], but close() raised EOFError."
_got = parse_all([b"data: one\n\n"])
assert _got[1] == "cut off", "This stream ends without [DONE]: close() must raise EOFError."
### BEGIN HIDDEN TESTS
for _pieces in (
    [],
    [b""],
    [b"data: one\n\ndata: tw"],
    [b"data: one\n\ndata: [DO"],
    [b"data: one\n\ndata: [DONE]\n"],
    [b'data: {"text": "[DONE]"}\n\n'],
    [b"data: the end is [DONE]\n\n"],
    [b"data: [DONE]\ndata: more\n\n"],
    [b": [DONE]\n\n"],
    [b"event: [DONE]\n\n", b"data: one\n\n"],
):
    assert parse_all(list(_pieces))[1] == "cut off", f"{len(_pieces)} pieces without a [DONE] event, but close() found the stream complete."
for _pieces in ([b"data: [DONE]\n\n"], [b"data:[DONE]\r\n", b"\r", b"\n"], [b"data: one\n\n", b": bye\n", b"data: [DONE]\n\n: more\n\n", b"data: x"]):
    assert parse_all(list(_pieces))[1] == "complete", "A stream with a [DONE] event was taken for one that was cut off."
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# Why does `close` matter? When a replica dies in the middle of an answer, its proxy simply closes the connection to the client. HTTP status: 200, sent long ago. Text: a fine beginning of a sentence. **Only the missing `[DONE]` tells.**
#
# And the other way round, `[DONE]` is no proof of success. If generating fails after the stream has begun, vLLM sends an event with an `error` object, *and then* `[DONE]`. A client that looks only for `choices` shows half an answer as a whole one.

# %% [markdown]
# ### The real thing
#
# Start the engine, and look at what the network really delivers: one line per *read*, with its time.

# %% tags=["live"] id="start"
from servelab.engine import serve

engine = serve(["--max-model-len", "2048", "--max-num-seqs", "16"])
print(f"ready after {engine.ready_s:.0f} s: {engine.backend}")

# %% tags=["live"] id="raw"
def body_of(content, max_tokens, **more):
    messages = [{"role": "user", "content": content}]
    return {"model": engine.model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True, **more}


url = f"{engine.base_url}/chat/completions"
httpx.post(url, json=body_of("Warm up.", 4))
started = time.perf_counter()
with httpx.stream("POST", url, json=body_of("Name three fruits.", 5, stream_options={"include_usage": True}), timeout=60) as response:
    print(response.status_code, response.headers["content-type"], "\n")
    for data in response.iter_bytes():
        shown = data[max(0, data.find(b'"choices"')) :][:84]  # what stands before is the same in all of them
        print(f"{time.perf_counter() - started:6.3f} s {len(data):4} bytes  {shown}")

# %% [markdown]
# - The first event names the role and carries **no text**. In vLLM 0.32 it leaves together with the first token; other servers send it the moment they accept the request.
# - The last one before `[DONE]` has **no choices**: it carries `usage`, because we asked with `stream_options`. Code that takes `choices[0]` of each event breaks on it.
# - A read here often is one event. On a busy machine, or through a proxy, several come at once, or one comes in two reads.
#
# Now as a user sees it. The cell updates *one* output while tokens arrive, with the display's `update`, which JupyterLab and Colab both know:

# %% tags=["live"] id="live-text"
async def watch_it(question, max_tokens):
    screen = display(Markdown("▌"), display_id=True)
    parser, text = SSEParser(), ""
    async with httpx.AsyncClient(timeout=60) as client, client.stream("POST", url, json=body_of(question, max_tokens)) as response:
        async for data in response.aiter_bytes():
            for event in parser.feed(data):
                text += json.loads(event)["choices"][0]["delta"].get("content") or ""
                screen.update(Markdown(f"> {text} ▌"))
    parser.close()
    screen.update(Markdown(f"> {text}"))


await watch_it("Why do people like trains? Answer in three sentences.", 90)

# %% [markdown]
# ### Two switches with one name
#
# `stream` is said twice, to two different parties. `"stream": true` in the **body** tells the *server* to send events. `client.stream(...)` of httpx (or `stream=True` of `requests`, or iterating over the `openai` client's answer)
# tells *your client* to hand over bytes as they come. Forget the second, and the server streams diligently into a buffer of yours:

# %% tags=["output"] id="two-switches"
with ScriptedEngine(tokens=20, ttft_s=0.1, itl_s=0.04) as scripted:
    request = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    address = f"{scripted.base_url}/chat/completions"
    begin = time.perf_counter()
    answer = httpx.post(address, json=request)
    all_at_once = time.perf_counter() - begin
    begin = time.perf_counter()
    with httpx.stream("POST", address, json=request) as response:
        next(data for data in response.iter_bytes() if b'"role"' not in data)
        first_piece = time.perf_counter() - begin
print(f"httpx.post: {answer.text.count('data: ')} events, but all at the same time")
print("httpx.stream had text in less than half that time:", first_piece < all_at_once / 2)

# %% [markdown]
# The same mistake can sit in the middle. A reverse proxy that **buffers** answers (nginx does by default) collects a few kilobytes before it passes anything on. Say that an event has 230 bytes (yours stand in the raw stream above). What does a reader see of 120 tokens, one every 50 ms?

# %% tags=["output"] id="proxy-buffer"
print(f"{'buffer':>14}{'first text after':>18}{'pieces':>8}{'longest pause':>15}")
for buffer_bytes in (0, 4096, 8192, 65536):
    per_piece = max(1, -(-buffer_bytes // 230))  # events until the buffer is full
    leaves = [0.3 + 0.05 * min(last, 119) for last in range(per_piece - 1, 119 + per_piece, per_piece)]
    pauses = [b - a for a, b in zip(leaves, leaves[1:])]
    longest = f"{max(pauses):13.2f} s" if pauses else "all at once".rjust(15)
    print(f"{buffer_bytes:8,} bytes{leaves[0]:16.2f} s{len(leaves):8}{longest}")

# %% [markdown]
# With a large buffer streaming is gone, and no error is reported anywhere. So: `proxy_buffering off` (or the response header `X-Accel-Buffering: no`) in nginx, no compression of event streams by a middle box that waits for a full block, and idle timeouts longer than the longest wait for a first token.
# Then test it *from outside*, with a clock.

# %% quiz="llms-in-production/first-text"

# %% [markdown]
# ## Step 3 · Measures
#
# | measure | from | to |
# |---|---|---|
# | **TTFT**, time to first token | the request is sent | the first event **with text** |
# | **ITL**, inter-token latencies: a list | an event with text | the next event with text |
# | **e2e**, end-to-end latency | the request is sent | the event with a `finish_reason` |
# | **TPOT**, time per output token: one number | | (e2e - TTFT) / (tokens - 1) |
#
# Three traps, and each has spoilt published numbers:
#
# - The first event of a chat carries only the **role**. Counted as a token, it makes TTFT too small, or, where it comes together with the first token, adds an ITL of zero.
# - **Events are not tokens.** One event may hold several (`--stream-interval`, speculative decoding, a slow reader), and some tokens have no text (half of a character; the one that ends the answer). So the number of tokens comes from **`usage`**, never from counting events, and what we call ITL is, to be exact, the gap between *events*.
# - Errors in the stream must raise, not shorten it.

# %% [markdown]
# ### Your turn: `measures`
#
# `arrivals` is a list of `[time_s, event]`, each event the parsed JSON (a dictionary), in order; `sent_s` is read from the same clock. Return a dictionary with `ttft_s`, `itl_s` (a list), `e2e_s`, `tpot_s`, `tokens`, `text` and `finish_reason`.
#
# - An event with text has `choices[0]["delta"]["content"]` that is neither missing, nor `None`, nor `""`.
# - `tokens` is `completion_tokens` of the **last** event that has a `usage` (a server may send one with each event). Without any usage it is `None`, and so is `tpot_s`: do not guess.
# - What cannot be measured is `None`: `ttft_s` without text, `e2e_s` and `finish_reason` without an end, `tpot_s` with fewer than two tokens.
# - An event with an `error` (a dictionary with a `message`) raises `RuntimeError` with that message, wherever it stands: after it there may be one with a usage.

# %% tags=["answer"] id="measures"
def measures(sent_s, arrivals):
    """What one stream tells: times in seconds, tokens from usage, and the text."""
    ### BEGIN SOLUTION
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError(event["error"]["message"])
        if event.get("usage"):
            tokens = event["usage"]["completion_tokens"]
        for choice in event.get("choices") or []:
            if choice["delta"].get("content"):
                pieces.append(choice["delta"]["content"])
                times.append(at)
            if choice.get("finish_reason"):
                ended_s, finish = at, choice["finish_reason"]
    ttft = times[0] - sent_s if times else None
    e2e = ended_s - sent_s if ended_s is not None else None
    known = ttft is not None and e2e is not None and tokens is not None and tokens > 1
    return {
        "ttft_s": ttft,
        "itl_s": [later - earlier for earlier, later in zip(times, times[1:])],
        "e2e_s": e2e,
        "tpot_s": (e2e - ttft) / (tokens - 1) if known else None,
        "tokens": tokens,
        "text": "".join(pieces),
        "finish_reason": finish,
    }
    ### END SOLUTION

# %% [markdown]
# The sample of step 2, with times that we make up. Its five tokens came in two events with text:

# %% tags=["output"] id="sample-measured"
clock = [10.5, 11.0, 11.5, 11.75]
arrivals = [[at, json.loads(event)] for at, event in zip(clock, parse_all([SAMPLE])[0][0])]
for name, value in measures(10.0, arrivals).items():
    print(f"{name:14}{value}")

# %% tags=["check"] id="measures-check" points=5
def _event(content=None, finish=None, usage=None, role=None, choices=True):
    delta = {}
    if role:
        delta["role"] = role
    if content is not None:
        delta["content"] = content
    event = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}] if choices else []}
    if usage is not None:
        event["usage"] = {"prompt_tokens": 9, "completion_tokens": usage, "total_tokens": 9 + usage}
    return event


def _wrong(got, wanted):
    """The name of the first measure that is not as it should be, or None."""
    if not hasattr(got, "keys"):
        return "the dictionary"
    for name, value in wanted.items():
        if name not in got:
            return f"the key {name!r}"
        mine = got[name]
        if name == "itl_s":
            right = hasattr(mine, "__len__") and len(mine) == len(value) and all(close(m, v) for m, v in zip(mine, value))
        elif name.endswith("_s") and value is not None:
            right = close(mine, value)
        else:
            right = mine == value
        if not right:
            return name
    return None


_arrivals = [
    [5.1, _event("", role="assistant")],
    [5.5, _event("Good")],
    [5.7, _event(" morn")],
    [6.5, _event("ing", finish="stop")],
    [6.6, _event(choices=False, usage=6)],
]
_wanted = {"ttft_s": 0.5, "itl_s": [0.2, 0.8], "e2e_s": 1.5, "tpot_s": 0.2, "tokens": 6, "text": "Good morning", "finish_reason": "stop"}
_got = measures(5.0, _arrivals)
_fault = _wrong(_got, _wanted)
assert not _fault, f"The example should give {_wanted}. Look at {_fault}: you returned {_got}."
### BEGIN HIDDEN TESTS
_cases = {
    "a first event with role and the content None": ([[1.0, {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]}], [2.0, _event("a")], [3.0, _event("b", finish="length")], [3.0, _event(choices=False, usage=2)]],
        {"ttft_s": 2.0, "itl_s": [1.0], "e2e_s": 3.0, "tpot_s": 1.0, "tokens": 2, "text": "ab", "finish_reason": "length"}),
    "a last event with a finish_reason and no text": ([[0.25, _event("a")], [0.5, _event("b")], [1.25, _event("", finish="stop")], [9.0, _event(choices=False, usage=3)]],
        {"ttft_s": 0.25, "itl_s": [0.25], "e2e_s": 1.25, "tpot_s": 0.5, "tokens": 3, "text": "ab", "finish_reason": "stop"}),
    "usage in every event": ([[1.0, _event("", role="assistant", usage=0)], [2.0, _event("abc", usage=3)], [4.0, _event("de", finish="stop", usage=5)], [4.5, _event(choices=False, usage=5)]],
        {"ttft_s": 2.0, "itl_s": [2.0], "e2e_s": 4.0, "tpot_s": 0.5, "tokens": 5, "text": "abcde", "finish_reason": "stop"}),
    "an answer without usage": ([[1.0, _event("a")], [2.0, _event("b", finish="stop")]],
        {"ttft_s": 1.0, "itl_s": [1.0], "e2e_s": 2.0, "tpot_s": None, "tokens": None, "text": "ab", "finish_reason": "stop"}),
    "an answer of one token": ([[1.0, _event("", role="assistant")], [2.0, _event("Yes", finish="length")], [2.0, _event(choices=False, usage=1)]],
        {"ttft_s": 2.0, "itl_s": [], "e2e_s": 2.0, "tpot_s": None, "tokens": 1, "text": "Yes", "finish_reason": "length"}),
    "a stream that ended early": ([[1.0, _event("", role="assistant")], [2.0, _event("a")], [3.0, _event("b")]],
        {"ttft_s": 2.0, "itl_s": [1.0], "e2e_s": None, "tpot_s": None, "tokens": None, "text": "ab", "finish_reason": None}),
    "no event at all": ([], {"ttft_s": None, "itl_s": [], "e2e_s": None, "tpot_s": None, "tokens": None, "text": "", "finish_reason": None}),
}
for _name, (_arrivals, _wanted) in _cases.items():
    _fault = _wrong(measures(0.0, _arrivals), _wanted)
    assert not _fault, f"A stream with {_name} is not measured right." if _name[0] == "a" else "An empty stream is not measured right."
_draw = random.Random(31)
for _case in range(20):
    _times = np.cumsum([_draw.uniform(0.01, 1) for _ in range(_draw.randrange(2, 30))]).tolist()
    _sent, _count = _draw.uniform(-50, 0), _draw.randrange(len(_times), 99)
    _words = [f"w{_draw.randrange(99)} " for _ in _times]
    _arrivals = [[_sent / 2, _event("", role="assistant")], *([_t, _event(_w)] for _t, _w in zip(_times, _words))]
    _arrivals += [[_times[-1] + 1, _event("", finish="length")], [_times[-1] + 1, _event(choices=False, usage=_count)]]
    _wanted = {
        "ttft_s": _times[0] - _sent, "itl_s": np.diff(_times).tolist(), "e2e_s": _times[-1] + 1 - _sent,
        "tpot_s": (_times[-1] + 1 - _times[0]) / (_count - 1), "tokens": _count, "text": "".join(_words), "finish_reason": "length",
    }
    _fault = _wrong(measures(_sent, _arrivals), _wanted)
    assert not _fault, "A random stream whose events hold several tokens is not measured right."
_error = {"error": {"message": "the engine failed", "type": "InternalServerError", "param": None, "code": 500}}
for _after in ([], [[3.0, _event(choices=False, usage=3)]], [[2.5, _event("wer")], [3.0, _event("", finish="stop")]]):
    _outcome = "nothing"
    try:
        measures(0.0, [[1.0, _event("half an ans")], [2.0, _error], *_after])
    except RuntimeError as _raised:
        _outcome = "RuntimeError" if "the engine failed" in str(_raised) else "another message"
    except Exception:
        _outcome = "another exception"
    assert _outcome != "another message", "The RuntimeError must carry the message of the event with the error."
    assert _outcome == "RuntimeError", "An event with an error must raise RuntimeError, also where other events follow it."
partial(5, 5)
### END HIDDEN TESTS

# %% [markdown]
# ### What the gain depends on
#
# Perceived speed-up by streaming is e2e / TTFT, so it belongs to the *length of the answer* as much as to the server. For a server with a TTFT of 0.2 s and 40 ms a token:

# %% tags=["output"] id="gain-table"
print("tokens   first text   last text   first text sooner by")
for tokens in (1, 5, 20, 64, 200, 600):
    last = 0.2 + 0.04 * (tokens - 1)
    print(f"{tokens:6}{0.2:11.1f} s{last:10.2f} s{last / 0.2:14.1f}x")

# %% [markdown]
# "Streaming makes it 20 to 30 times faster" was true for one length of answer, and only for the eye. The *last* token comes when it always came; no request per second is gained. What reads whole answers (a program that parses JSON, a pipeline, a classifier) gains nothing.

# %% quiz="llms-in-production/streaming-gain"

# %% [markdown]
# ## Step 4 · A client
#
# Now put parser and measures behind a real connection. One detail of Python first: `httpx.AsyncClient()` loads the machine's TLS certificates, which is work, during which nothing else in your event loop runs.
# With sixteen users that would spoil sixteen TTFTs. So we load them once:

# %% id="new-client"
CERTIFICATES = ssl.create_default_context()


def new_client():
    """An HTTP client that is ready at once, and patient."""
    return httpx.AsyncClient(timeout=600, verify=CERTIFICATES, trust_env=False)

# %% [markdown]
# ### Your turn: `stream_chat`
#
# - Send one `POST {base_url}/chat/completions` (`base_url` ends in `/v1`) with `messages`, `max_tokens` and `temperature` 0, streamed, with usage: `"stream_options": {"include_usage": True}`.
# - Return a pair, just what `measures` wants: `sent_s`, read from `time.perf_counter()` right before the request, and `arrivals`, a list of `[time_s, event]` for every event of the stream except `[DONE]`.
# - A status other than 200 and a stream that was cut off must **raise** (which exception is up to you), also where the connection was closed properly, as a proxy does: then only the missing `[DONE]` tells. Half an answer is not an answer. An event that carries an `error` may be returned like any other, or raise: `measures` is told to look.
#
# With httpx: `async with new_client() as client, client.stream("POST", url, json=body) as response:`, then `async for data in response.aiter_bytes():`. Look at the clock when bytes have come. If your parser of step 2 is not
# finished yet, `response.aiter_lines()` or the `openai` client will do here (the latter does not tell you whether `[DONE]` came; the missing `finish_reason` does).

# %% tags=["answer"] id="client"
async def stream_chat(base_url, model, messages, max_tokens):
    """One streamed chat answer: when it was sent, and [time, event] for all that came."""
    ### BEGIN SOLUTION
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
    ### END SOLUTION

# %% [markdown]
# How do you check a stopwatch? Against something whose times are known. The scripted engine writes down when it made each token. This one pauses before its fourth token, and it sends its role event at once, as many servers do:

# %% id="try-the-client"
hello = [{"role": "user", "content": "Say something about harbours."}]
with ScriptedEngine(schedule=[[0.3, 0.35, 0.4, 0.8, 0.85, 0.9]]) as scripted:
    mine = measures(*await stream_chat(scripted.base_url, "scripted", hello, 50))
    true = scripted.requests[0]
print(f"TTFT  you {mine['ttft_s']:.3f} s, the engine {true['token_s'][0] - true['arrived_s']:.3f} s")
print(f"e2e   you {mine['e2e_s']:.3f} s, the engine {true['token_s'][-1] - true['arrived_s']:.3f} s")
print("ITL   you       ", np.round(mine["itl_s"], 3).tolist())
print("      the engine", np.diff(true["token_s"]).round(3).tolist())

# %% [markdown]
# And the text? It must be the very text that the server gives without streaming, however many tokens it puts into an event:

# %% tags=["output"] id="same-text"
with ScriptedEngine(tokens=40, ttft_s=0.01, itl_s=0.001, tokens_per_event=3) as scripted:
    sent_s, arrivals = await stream_chat(scripted.base_url, "scripted", hello, 50)
    whole = httpx.post(f"{scripted.base_url}/chat/completions", json={"model": "scripted", "messages": hello, "max_tokens": 50}).json()
streamed = measures(sent_s, arrivals)
print("the same text as without streaming:", streamed["text"] == whole["choices"][0]["message"]["content"])
print(f"{streamed['tokens']} tokens in {len(streamed['itl_s']) + 1} events with text; {len(arrivals)} events in all")

# %% tags=["check"] id="client-text-check" points=2
def _pair(got):
    assert got and len(got) == 2, "stream_chat must return a pair: sent_s and arrivals."
    sent, arrivals = got
    assert arrivals and all(len(row) == 2 and hasattr(row[1], "keys") for row in arrivals), "arrivals must be a list of [time_s, event], each event a dictionary."
    return sent, arrivals


def _piece(event):
    return event["choices"][0]["delta"].get("content") or "" if event["choices"] else ""


async def _streamed(engine, model, question, max_tokens):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    _, arrivals = _pair(await stream_chat(engine.base_url, model, [dict(message) for message in messages], max_tokens))
    log = engine.requests
    assert len(log) == 1, f"One question, but the server saw {len(log)} requests."
    body = log[0]["body"]
    assert log[0]["path"] == "/v1/chat/completions", f"The request went to {log[0]['path']}."
    assert body.get("stream"), "The body did not ask the server to stream."
    assert (body.get("stream_options") or {}).get("include_usage"), "Nobody asked the server for usage."
    assert body["messages"] == messages, "The messages did not arrive as they were given."
    assert body.get("temperature") == 0, "The task asks for temperature 0."
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    assert limit == max_tokens, f"At most {limit} tokens were asked for, the task said {max_tokens}."
    plain = {key: value for key, value in body.items() if not key.startswith("stream")}
    truth = httpx.post(f"{engine.base_url}/chat/completions", json=plain).json()
    text = "".join(_piece(event) for _, event in arrivals)
    assert text == truth["choices"][0]["message"]["content"], "The text in your events is not the one that the server gives without streaming."
    counts = [event["usage"]["completion_tokens"] for _, event in arrivals if event.get("usage")]
    assert counts and counts[-1] == truth["usage"]["completion_tokens"], "The event with the usage, the last one, is missing."
    return arrivals


async def _fails(fault):
    with ScriptedEngine(tokens=8, ttft_s=0.01, itl_s=0.002, faults=[fault]) as engine:
        try:
            await stream_chat(engine.base_url, "scripted", [{"role": "user", "content": "Hello?"}], 20)
        except Exception:
            return True
        return False


with ScriptedEngine(tokens=9, ttft_s=0.01, itl_s=0.002) as _engine:
    await _streamed(_engine, "scripted", "Where is the lighthouse?", 20)
assert await _fails(Fault("500", at=0)), "The server answered with status 500, and stream_chat returned as if it were well."
### BEGIN HIDDEN TESTS
with ScriptedEngine(tokens=31, ttft_s=0.01, itl_s=0.001, tokens_per_event=4, model="another") as _engine:
    _got = await _streamed(_engine, "another", "Where are the boats? Où ça? 日本?", 25)
assert sum(bool(_piece(_event)) for _, _event in _got) == 7, "There must be one arrival for each event with text."
assert await _fails(Fault("cut", at=0, after_tokens=5)), "The connection broke in the middle of the answer, and stream_chat returned as if it were complete."


def _closes_politely(listener):
    """Answers with half a stream and closes the connection, which in HTTP/1.0 is how an answer ends: no error, and no [DONE]."""
    connection, _ = listener.accept()
    with connection:
        request = b""
        while not request.endswith(b"}"):  # the body is one JSON object
            request += connection.recv(65536)
        events = [{"index": 0, "delta": {"role": "assistant", "content": ""}}, {"index": 0, "delta": {"content": "half an"}}]
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
        lines = [f"data: {json.dumps({**chunk, 'choices': [{**event, 'finish_reason': None}]})}\n\n" for event in events]
        connection.sendall("".join(["HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", *lines]).encode())


with socket.create_server(("127.0.0.1", 0)) as _listener:
    threading.Thread(target=_closes_politely, args=(_listener,), daemon=True).start()
    _outcome = "returned"
    try:
        await stream_chat(f"http://127.0.0.1:{_listener.getsockname()[1]}/v1", "scripted", [{"role": "user", "content": "Hello?"}], 20)
    except Exception:
        _outcome = "raised"
assert _outcome == "raised", "The connection was closed properly in the middle of the answer, without [DONE], and stream_chat returned as if it were complete."
assert await _fails(Fault("429", at=0)), "The server answered with status 429, and stream_chat returned as if it were well."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="client-times-check" points=3
async def _clocked(times, per_event=1, queued=False):
    """The times of the pieces since sending, as the client saw them and as they were."""
    first = [[0.5]] if queued else []
    question = [{"role": "user", "content": "And the time?"}]
    with ScriptedEngine(schedule=[*first, times], tokens_per_event=per_event, slots=1) as engine:
        if queued:  # somebody else has the only seat for half a second
            body = {"model": "scripted", "messages": question}
            other = threading.Thread(target=httpx.post, args=(f"{engine.base_url}/chat/completions",), kwargs={"json": body})
            other.start()
            while not engine.requests:
                time.sleep(0.005)
        sent, arrivals = _pair(await stream_chat(engine.base_url, "scripted", question, 99))
        true = engine.requests[-1]
    made = [true["token_s"][min(start + per_event, len(times)) - 1] - true["arrived_s"] for start in range(0, len(times), per_event)]
    return [at - sent for at, event in arrivals if _piece(event)], made


def _like(mine, true, least=0.9):
    """Within what a busy machine may add, as a ratio."""
    return close(mine, mine) and least * true < mine < 1.7 * true


async def _times_fault(times, per_event=1, queued=False):
    """What is wrong with the client's times, in words, or None. A machine that is busy with other things gets a second and a third try, with longer times."""
    for slower in (1, 1.5, 2.5):
        mine, true = await _clocked([slower * at for at in times], per_event, queued)
        if len(mine) != len(true):
            return f"there were {len(true)} events with text, and you have {len(mine)}"
        fault = None
        if not _like(mine[0], true[0]):
            fault = f"the first text came after {true[0]:.2f} s, by your clock after {mine[0]:.2f} s. When did you look at it?"
        elif not _like(mine[-1], true[-1]):
            fault = f"the last text came after {true[-1]:.2f} s, by your clock after {mine[-1]:.2f} s"
        else:
            gaps, made = np.diff(mine).tolist(), np.diff(true).tolist()
            longest = made.index(max(made))
            # An event that comes a little late makes one gap longer and the next one shorter.
            if gaps[longest] != max(gaps) or not _like(gaps[longest], made[longest], least=0.75):
                fault = "the longest pause is not where the server made it, or not as long"
        if not fault:
            return None
    return fault


_fault = await _times_fault([0.4, 0.45, 0.5, 1.0, 1.05, 1.3])
assert not _fault, f"An answer of six pieces: {_fault}."
### BEGIN HIDDEN TESTS
for _times, _per_event, _queued in (([0.5, 0.52, 0.54, 1.14, 1.16], 1, False), ([0.3, 0.31, 0.6, 0.61, 1.2, 1.21], 2, False), ([0.2, 0.6, 0.65], 1, True)):
    _fault = await _times_fault(_times, _per_event, _queued)
    assert not (_fault and "events with text" in _fault), "There is not one arrival for each event with text."
    assert not _fault, f"An answer {'that waits in line first' if _queued else 'with a long pause in it'}: the times are not right."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# ## Step 5 · Measure
#
# Your client against the real engine, with 1, 4, 16 and 32 users who ask again as soon as they have read. The engine has **16 seats** (`--max-num-seqs 16`). All answers have up to 48 tokens.

# %% tags=["live"] id="crowd"
THINGS = "boats clocks bread rivers chess honey maps trains violins kites tea snow bridges owls salt gardens".split()


def ask(number):
    return [{"role": "user", "content": f"Write a long story about {THINGS[number % 16]} and the number {number}."}]


async def reader(messages, max_tokens):
    """One answer of the engine: its measures, when it was sent, and when its pieces of text came."""
    sent_s, arrivals = await stream_chat(engine.base_url, engine.model, messages, max_tokens)
    piece_s = [at for at, event in arrivals if event["choices"] and event["choices"][0]["delta"].get("content")]
    prompt_tokens = arrivals[-1][1]["usage"]["prompt_tokens"]
    return {**measures(sent_s, arrivals), "sent_s": sent_s, "piece_s": piece_s, "prompt_tokens": prompt_tokens}


async def crowd(users, requests, max_tokens=48):
    """A closed loop with your client; the streams in order of arrival, and the seconds it took."""
    seats, streams = asyncio.Semaphore(users), []
    with bar(total=requests, desc=f"{users} users", unit="req") as progress:

        async def one(number):
            async with seats:
                streams.append(await reader(ask(number), max_tokens))
            progress.update()

        begin = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(requests)))
        return streams, time.perf_counter() - begin

# %% tags=["live"] id="sweep"
await reader(ask(99), 8)  # warm-up
runs = {users: await crowd(users, requests) for users, requests in ((1, 8), (4, 16), (16, 32), (32, 48))}
levels = {
    users: {"ttft_s": [s["ttft_s"] for s in streams], "itl_s": [gap for s in streams for gap in s["itl_s"]]}
    for users, (streams, _) in runs.items()
}
print("users   requests/s   tokens/s   TTFT p50   TTFT p95   ITL p50   ITL p95")
for users, (streams, wall_s) in runs.items():
    ttft, itl = (np.percentile(levels[users][key], [50, 95]) for key in ("ttft_s", "itl_s"))
    tokens = sum(s["tokens"] for s in streams)
    print(f"{users:5}{len(streams) / wall_s:13.2f}{tokens / wall_s:11.0f}{ttft[0]:9.3f} s{ttft[1]:9.3f} s{itl[0] * 1000:7.0f} ms{itl[1] * 1000:7.0f} ms")

# %% tags=["live"] id="load-chart"
stream_charts.ttft_itl_vs_load(levels, title="What each of them sees")

# %% [markdown]
# Read the two panels separately, for they have different reasons:
#
# - **ITL** is the length of one engine step. More sequences in a step make it longer, though far less than proportionally: the engine trades ITL for throughput. Beyond 16 users it hardly grows any more, because there are never more than 16 in a step.
# - **TTFT** is waiting for a seat plus reading the prompt plus one step. Up to 16 users there is always a seat. With 32, half of them stand in line until somebody's *whole answer* is finished, and TTFT grows to seconds.
#
# (If *one* user has an ITL p95 several times the median, or fewer tokens/s with more users: something else was using your machine. Close it, and run the sweep again.)
#
# Hence the first question about a slow first token is never "how fast is the GPU?" but "was it **waiting** or **computing**?" Here are the requests with 32 users, one row each, a stroke for each piece of text:

# %% tags=["live"] id="timeline"
stream_charts.token_timeline(runs[32][0][:40], title="32 users, 16 seats: the first 40 answers")

# %% tags=["live"] id="ledger-rows"
for users, (streams, wall_s) in runs.items():
    row = {"lab": "04-streaming", "step": f"streaming, {users} users", "backend": engine.backend, "concurrency": users, "output_tokens": 48}
    ledger.append(metric="requests_per_s", value=len(streams) / wall_s, unit="requests/s", **row)
    ledger.append(metric="ttft_p50_s", value=float(np.median(levels[users]["ttft_s"])), unit="s", **row)
    ledger.append(metric="ttft_p95_s", value=float(np.percentile(levels[users]["ttft_s"], 95)), unit="s", **row)
    ledger.append(metric="itl_p50_s", value=float(np.median(levels[users]["itl_s"])), unit="s", **row)
print(len(ledger.latest(lab="04-streaming")), "rows of this lab are in the ledger")

# %% [markdown]
# ### An intruder
#
# Four people read. After a second, somebody sends a long document with a question. Prefill and decode share the engine's steps: whoever is being *written* for must wait while a new prompt is *read*.

# %% tags=["live"] id="intruder"
document = f"Edition {secrets.token_hex(4)}. " + " ".join(f"Rule {i}: who brings {THINGS[i % 16]} may leave with {THINGS[i * 7 % 16]}." for i in range(1, 126))


async def intruder():
    await asyncio.sleep(1.0)
    return await reader([{"role": "user", "content": f"{document}\nWhich rule is the oddest?"}], 16)


*readers, late = await asyncio.gather(*(reader(ask(200 + n), 110) for n in range(4)), intruder())
usual = float(np.median([gap for s in readers for gap in s["itl_s"]]))
pause = max(max(s["itl_s"]) for s in readers)
print(f"usual gap {usual * 1000:.0f} ms, longest pause {pause:.2f} s: {pause / usual:.0f} times as long")
print(f"{late['prompt_tokens']} tokens in the long prompt, and its first token came after {late['ttft_s']:.2f} s")

# %% tags=["live"] id="intruder-chart"
stream_charts.token_timeline([*readers, {**late, "special": True}], marks=[(late["sent_s"], "a long prompt arrives")], title="Four readers and one long prompt")

# %% [markdown]
# The white gap in all four rows is one prefill. vLLM does cut long prompts into chunks (`--max-num-batched-tokens` is what one step may process; **chunked prefill**, lab 02), but this prompt fits into one chunk of the default size, so that it goes through in one long step.
# A smaller budget would spread it: more, shorter pauses for the four, a later first token for the fifth. On a GPU the same pause is much shorter, and prompts and models are larger. In production this is what makes p99 of ITL ugly, and why some systems read prompts on other GPUs than they write answers on (*disaggregated prefill*).
#
# A median hides all of this. The median ITL of the four is as good as ever.

# %% tags=["live"] id="prediction-chart"
alone = runs[1][0]
measured = {
    "gain": float(np.median([s["e2e_s"] / s["ttft_s"] for s in alone])),
    "crowd": float(np.median(levels[16]["itl_s"]) / np.median(levels[1]["itl_s"])),
    "intruder": pause / usual,
}
charts.prediction_vs_measured(guess, measured, unit="times", title="What you wrote down in step 1")

# %% [markdown]
# ## Step 6 · Hang up
#
# Somebody presses *Stop*, closes the tab, or an agent has seen enough. The text on the screen stops. Does the engine?
#
# Only if the **connection is closed**. vLLM listens for the disconnect and then aborts the request: its seat and its KV blocks are free within a step. There is no other signal. A client that just stops looking, or goes on reading in the background and throws the text away, keeps its seat until the last token.

# %% [markdown]
# ### Your turn: `read_until`
#
# Read a streamed chat answer until `pieces` events with text have arrived (or the answer ends), **close the connection**, and return the text of these events (not of more, even if one read brought more). When you return, nothing of yours may still be reading.
# Errors are not looked at here: after a bad status, or where a stream breaks off early, raise or return what there is.
# Do not ask the server for fewer tokens instead: when somebody presses Stop, you did not know it at the beginning. `max_tokens` must arrive as it was given.

# %% tags=["answer"] id="hang-up"
async def read_until(base_url, model, messages, max_tokens, pieces):
    """The text of the first `pieces` events with text. Then it hangs up."""
    ### BEGIN SOLUTION
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
    ### END SOLUTION

# %% tags=["live", "output"] id="hang-up-seen"
with ScriptedEngine(ttft_s=0.02, itl_s=0.02) as scripted:
    text = await read_until(scripted.base_url, "scripted", hello, 200, 4)
    await asyncio.sleep(0.3)
    seen = scripted.requests[0]
print(f"{text!r}\nThe server saw the client leave: {seen['cancelled']}. It made fewer than 30 of 200 tokens: {seen['completion_tokens'] < 30}")

# %% tags=["check"] id="hang-up-check" points=4
async def _hung_up(pieces, per_event=1, model="scripted", question="Tell me of the sea.", max_tokens=200, schedule=()):
    """The text, what it should be, and the server's record some time after the client returned."""
    messages = [{"role": "user", "content": question}]
    with ScriptedEngine(ttft_s=0.02, itl_s=0.02, tokens_per_event=per_event, model=model, schedule=schedule) as engine:
        got = await read_until(engine.base_url, model, [dict(message) for message in messages], max_tokens, pieces)
        for _ in range(40):
            log = engine.requests
            if log and log[0]["finished_s"] is not None:
                break
            await asyncio.sleep(0.03)
        assert len(log) == 1, f"One question, but the server saw {len(log)} requests."
        body = log[0]["body"]
        assert body.get("stream"), "The body did not ask the server to stream."
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        assert limit == max_tokens, f"max_tokens should arrive as {max_tokens}, the server got {limit}."
        short = {"model": model, "messages": messages, "max_tokens": min(max_tokens, pieces * per_event)}
    with ScriptedEngine(ttft_s=0, itl_s=0, model=model) as engine:
        truth = httpx.post(f"{engine.base_url}/chat/completions", json=short).json()
    return got, truth["choices"][0]["message"]["content"], log[0]


_got, _text, _seen = await _hung_up(5)
assert _got == _text, f"The first 5 pieces of text are {_text!r}, you returned {_got!r}."
assert _seen["finished_s"] is not None, "Over a second after you returned, the server was still writing for you: the connection is open."
assert _seen["cancelled"], "The server wrote the whole answer before you returned."
### BEGIN HIDDEN TESTS
for _pieces, _per_event, _model in ((12, 1, "other"), (3, 4, "scripted")):
    _got, _text, _seen = await _hung_up(_pieces, _per_event, _model, "Tell me of the islands.")
    assert _seen["finished_s"] is not None, "Over a second after the function returned, the server was still writing."
    assert _seen["cancelled"] and _seen["completion_tokens"] < 100, "The server made most of its tokens for nobody."
    assert _got == _text, "With other numbers of pieces, or several tokens in a piece, the text is not the first pieces of the answer."


def _all_at_once(listener):
    """Sends eight events in one go, and waits for the client to leave."""
    connection, _ = listener.accept()
    with connection:
        request = b""
        while not request.endswith(b"}"):  # the body is one JSON object
            request += connection.recv(65536)
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
        deltas = [{"role": "assistant", "content": ""}, *({"content": f"{number} "} for number in range(1, 9))]
        lines = [f"data: {json.dumps({**chunk, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n" for delta in deltas]
        connection.sendall("".join(["HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", *lines]).encode())
        connection.settimeout(10)
        try:
            connection.recv(1)
        except OSError:
            pass


with socket.create_server(("127.0.0.1", 0)) as _listener:
    threading.Thread(target=_all_at_once, args=(_listener,), daemon=True).start()
    _got = await read_until(f"http://127.0.0.1:{_listener.getsockname()[1]}/v1", "scripted", [{"role": "user", "content": "Count."}], 20, 3)
assert _got.split() == ["1", "2", "3"], "Eight events came in one read, three were asked for, and the text is not that of the first three."
_got, _text, _seen = await _hung_up(50, schedule=[[0.01, 0.02, 0.03]], max_tokens=3)
assert _got == _text, "An answer that ends before so many pieces have come should be returned whole."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# On the real engine. Eight readers ask for 400 tokens and hang up after 20; `watch` looks at `vllm:num_requests_running` twenty times a second. Then one reader of another kind: it reads some tokens, keeps the connection, and goes to sleep.

# %% tags=["live"] id="hang-up-live"
from servelab.load import watch

with watch(engine.url, every_s=0.05) as hanging_up:
    await asyncio.gather(*(read_until(engine.base_url, engine.model, ask(300 + n), 400, 20) for n in range(8)))
    left_s = hanging_up[-1]["t_s"]
    await asyncio.sleep(1.0)

with watch(engine.url, every_s=0.1) as sleeping:
    async with new_client() as client, client.stream("POST", url, json=body_of("Write a long story about sleep.", 200, ignore_eos=True)) as response:
        reading = response.aiter_bytes()  # with a name: without one Python clears it away, and the connection with it
        for _ in range(15):
            await anext(reading)
        slept_s = sleeping[-1]["t_s"]
        for _ in bar(range(100), desc="asleep, still connected"):
            await asyncio.sleep(0.4)
            if not sleeping[-1]["vllm:num_requests_running"]:
                break
        await asyncio.sleep(0.5)

# %% tags=["live"] id="hang-up-chart"
stream_charts.running_after(
    [("8 readers hang up after 20 tokens", hanging_up, left_s), ("1 reader sleeps, still connected", sleeping, slept_s)],
    title="When does the engine stop?",
)

# %% [markdown]
# On the left the engine is empty at once: of 8 x 400 tokens it made a twentieth. On the right nobody read, and the engine wrote all 200 tokens to the end, into buffers of the operating system and of the server.
#
# That is also all the **backpressure** there is. A slow reader does not slow the engine down: its text piles up in the server's memory. So a gateway in the middle has two duties (lab 10): pass a disconnect of *its* client on to the engine, and give up on readers who do not read.
#
# Does the engine keep count of those who left? There is a counter with the label `abort`:

# %% tags=["live"] id="aborts"
for line in engine.metrics().splitlines():
    if line.startswith("vllm:request_success_total") and any(reason in line for reason in ('"stop"', '"length"', '"abort"')):
        print(line)

# %% [markdown]
# Eight readers hung up, and when we ran this on vLLM 0.32, `abort` stayed at 0: a disconnect frees the seat and leaves no trace in this counter. How many people stop waiting is a product signal that you want to have,
# so count it where the connection ends: in your gateway (lab 10).

# %% [markdown]
# ## Step 7 · Keep a promise
#
# A **service level objective** (SLO) turns "feels fast" into something that can be missed: "p95 of TTFT below 200 ms". And **goodput** counts what was worth something: requests per second that met *all* goals. A server can raise its throughput and lower its goodput at the same time.
#
# ### Your turn: `slo_report`
#
# `requests` is a list of dictionaries with `ttft_s`, `tpot_s` and `error` (`None` if all went well; otherwise the times are `None`). `tpot_s` may be `None` in a good answer of one token, which then meets the goal for TPOT. A value equal to the goal meets it. Return a dictionary:
#
# | key | value |
# |---|---|
# | `requests`, `errors` | how many, and how many of them failed |
# | `p95_ttft_s` | 95th percentile over those that did *not* fail, interpolated as in lab 01 (`np.percentile`); `None` if there are none |
# | `p95_met` | whether it is within the goal; `False` if there is none |
# | `attainment` | share of **all** requests that were good: no error, TTFT and TPOT within their goals; `None` without requests |
# | `goodput_rps` | good requests per second of `wall_s` |
#
# A failed request counts against you. Whoever leaves errors out of the account gets the best numbers when the service is down.

# %% tags=["answer"] id="slo"
def slo_report(requests, wall_s, ttft_goal_s, tpot_goal_s):
    """Whether a promise was kept, and how many requests a second were worth something."""
    ### BEGIN SOLUTION
    answered = [r for r in requests if r["error"] is None]
    good = [r for r in answered if r["ttft_s"] <= ttft_goal_s and (r["tpot_s"] is None or r["tpot_s"] <= tpot_goal_s)]
    p95 = float(np.percentile([r["ttft_s"] for r in answered], 95)) if answered else None
    return {
        "requests": len(requests),
        "errors": len(requests) - len(answered),
        "p95_ttft_s": p95,
        "p95_met": p95 is not None and p95 <= ttft_goal_s,
        "attainment": len(good) / len(requests) if requests else None,
        "goodput_rps": len(good) / wall_s,
    }
    ### END SOLUTION

# %% [markdown]
# A made-up minute: 300 quick answers, 8 with a slow start, 6 that stutter, 4 that failed. The p95 is within its goal. Is everybody content?

# %% tags=["output"] id="slo-example"
minute = [{"ttft_s": 0.05 + 0.0004 * n, "tpot_s": 0.03, "error": None} for n in range(300)]
minute += [{"ttft_s": 1.5, "tpot_s": 0.03, "error": None}] * 8 + [{"ttft_s": 0.1, "tpot_s": 0.3, "error": None}] * 6
minute += [{"ttft_s": None, "tpot_s": None, "error": "429"}] * 4
for name, value in slo_report(minute, 60.0, ttft_goal_s=0.2, tpot_goal_s=0.1).items():
    print(f"{name:14}{value:.3f}" if name in ("p95_ttft_s", "attainment", "goodput_rps") else f"{name:14}{value}")

# %% tags=["check"] id="slo-check" points=4
def _row(ttft, tpot=0.02, error=None):
    return {"ttft_s": ttft, "tpot_s": tpot, "error": error}


def _slo_fault(rows, wall, ttft_goal, tpot_goal, wanted):
    """The first key that is wrong, or None."""
    got = slo_report([dict(row) for row in rows], wall, ttft_goal, tpot_goal)
    if not hasattr(got, "keys"):
        return "the dictionary"
    for key, value in wanted.items():
        if key not in got:
            return f"the key {key!r}"
        exact = value is None or key == "p95_met"
        if not (got[key] == value if exact else close(got[key], value)):
            return key
    return None


_rows = [_row(0.1), _row(0.2), _row(0.3), _row(0.1, 0.5), _row(None, None, "429")]
_wanted = {"requests": 5, "errors": 1, "p95_ttft_s": 0.285, "p95_met": False, "attainment": 0.4, "goodput_rps": 0.2}
_fault = _slo_fault(_rows, 10.0, 0.2, 0.1, _wanted)
assert not _fault, f"Five requests in 10 s, goals 0.2 s and 0.1 s, should give {_wanted}. Look at {_fault}."
### BEGIN HIDDEN TESTS
_fault = _slo_fault([], 10.0, 0.2, 0.1, {"requests": 0, "errors": 0, "p95_ttft_s": None, "p95_met": False, "attainment": None, "goodput_rps": 0})
assert not _fault, "A time without any requests is not reported right."
_down = [_row(None, None, "500")] * 7
_fault = _slo_fault(_down, 5.0, 0.2, 0.1, {"requests": 7, "errors": 7, "p95_ttft_s": None, "p95_met": False, "attainment": 0, "goodput_rps": 0})
assert not _fault, "A time in which every request failed is not reported right."
_fault = _slo_fault([_row(0.25, None), _row(0.25, 0.125)], 4.0, 0.25, 0.125, {"p95_ttft_s": 0.25, "p95_met": True, "attainment": 1, "goodput_rps": 0.5})
assert not _fault, "Values that equal their goal, and an answer of one token, are not reported right."
_draw = random.Random(95)
for _case in range(25):
    _rows = []
    for _ in range(_draw.randrange(1, 60)):
        if _draw.random() < 0.1:
            _rows.append(_row(None, None, _draw.choice(["429", "500", "cut"])))
        else:
            _rows.append(_row(_draw.expovariate(8), _draw.choice([None, _draw.uniform(0.01, 0.12)])))
    _wall, _first, _each = _draw.uniform(1, 90), _draw.uniform(0.1, 0.6), _draw.uniform(0.03, 0.12)
    _well = [_r for _r in _rows if _r["error"] is None]
    _good = sum(_r["ttft_s"] <= _first and (_r["tpot_s"] is None or _r["tpot_s"] <= _each) for _r in _well)
    _p95 = float(np.percentile([_r["ttft_s"] for _r in _well], 95)) if _well else None
    _wanted = {
        "requests": len(_rows), "errors": len(_rows) - len(_well), "p95_ttft_s": _p95, "p95_met": _p95 is not None and _p95 <= _first,
        "attainment": _good / len(_rows), "goodput_rps": _good / _wall,
    }
    _fault = _slo_fault(_rows, _wall, _first, _each, _wanted)
    assert not _fault, f"{len(_rows)} random requests in {_wall:.1f} s are not reported right."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# Your four runs of step 5, held against two goals. The goals are for this small machine: a first token within a second, and then at least 12 tokens a second, twice as fast as people read:

# %% tags=["live"] id="slo-live"
goals = {"ttft_goal_s": 1.0, "tpot_goal_s": 1 / 12}
print("users   requests/s   p95 TTFT   met    attainment   goodput")
for users, (streams, wall_s) in runs.items():
    report = slo_report([{**s, "error": None} for s in streams], wall_s, **goals)
    print(f"{users:5}{len(streams) / wall_s:13.2f}{report['p95_ttft_s']:9.2f} s   {report['p95_met']!s:6}{report['attainment']:10.0%}{report['goodput_rps']:10.2f}/s")
    ledger.append(
        lab="04-streaming", step=f"streaming, {users} users", metric="goodput_rps", value=report["goodput_rps"], unit="requests/s",
        backend=engine.backend, concurrency=users, **goals,
    )

# %% [markdown]
# Compare the second column with the last. From some number of users on, the machine answers *as many* requests per second as before, or more, and *fewer* of them in time. The capacity of a service is not the highest throughput that it reaches; it is the load up to which goodput keeps up.
# (Change the goals and run the cell again. The same measurements are a success or a failure.)

# %% quiz="llms-in-production/ttft-percentile"

# %% [markdown]
# ## Step 8 · What we know now
#
# | claim | what is true |
# |---|---|
# | "streaming makes it 20 to 30 times faster" | the *first* text comes sooner by e2e / TTFT; the last text, and requests per second, stay |
# | "the first event is the first token" | in a chat it carries the role only (step 3) |
# | "one event, one token" | not with `--stream-interval` or speculative decoding; count with `usage` (step 3) |
# | "status 200 and text: it worked" | look for `[DONE]`, and for an `error` before it (step 2) |
# | "the user left, so the work stopped" | only if every box in between closed its connection (step 6) |
# | "our median ITL is excellent" | one long prompt stops everybody for a moment, and no median shows it (step 5) |
#
# **TTFT and the rest of the time have different causes.** TTFT is queue and prefill: it falls with shorter prompts, prefix caching, more seats or more replicas. ITL is the decode step: it falls with smaller batches, smaller weights (lab 03), more memory bandwidth.
# Decide which one your users feel before you tune. For a chat it is TTFT as long as ITL is faster than reading; for a program that needs the whole answer it is e2e, and streaming is no help at all.
#
# **What production would add**
#
# - **A proxy that does not buffer**, tested from outside; keep-alive comments (`: ping`) where idle connections are cut.
# - **Retries only before the first token.** After it, a retry would repeat text that the user has read. Say that the answer was cut, and offer to continue.
# - **Two timeouts instead of one**: for the first token, and for the gap between tokens. A limit on the whole answer cuts the long good ones.
# - **Moderation that can live with streams.** What has been shown cannot be taken back: check in small steps, or hold back a sentence.
# - **TTFT and ITL on a dashboard, by percentile and by prompt length** (lab 09), and goodput against an SLO (lab 11).
#
# What you measured is in the ledger:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="04-streaming"):
    print(f"{row['step']:20} {row['metric']:16} {row['value']:8.3f} {row['unit']:11} {row['backend']}")
engine.release()

# %% [markdown]
# **Next:** lab 05 puts two such engines behind one address, and kills one of them while people are reading.
