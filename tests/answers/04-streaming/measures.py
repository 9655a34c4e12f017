# %% right "numpy and comprehensions"
def measures(sent_s, arrivals):
    failed = [event["error"]["message"] for _, event in arrivals if "error" in event]
    if failed:
        raise RuntimeError(failed[0])

    def content(event):
        return (event.get("choices") or [{"delta": {}}])[0]["delta"].get("content") or ""

    times = np.array([at for at, event in arrivals if content(event)])
    ends = [(at, event["choices"][0]["finish_reason"]) for at, event in arrivals if event["choices"] and event["choices"][0].get("finish_reason")]
    usages = [event["usage"]["completion_tokens"] for _, event in arrivals if event.get("usage")]
    got = {
        "text": "".join(content(event) for _, event in arrivals),
        "tokens": usages[-1] if usages else None,
        "itl_s": np.diff(times),
        "ttft_s": times[0] - sent_s if len(times) else None,
        "e2e_s": ends[-1][0] - sent_s if ends else None,
        "finish_reason": ends[-1][1] if ends else None,
        "tpot_s": None,
    }
    if usages and usages[-1] >= 2 and ends and len(times):
        got["tpot_s"] = (ends[-1][0] - times[0]) / (usages[-1] - 1)
    return got

# %% right "one pass that fills the dictionary"
def measures(sent_s, arrivals):
    told = dict(ttft_s=None, itl_s=[], e2e_s=None, tpot_s=None, tokens=None, text="", finish_reason=None, extra="allowed")
    last = None
    for at, event in arrivals:
        match event:
            case {"error": {"message": message}}:
                raise RuntimeError(message)
        told["tokens"] = (event.get("usage") or {}).get("completion_tokens", told["tokens"])
        if not event["choices"]:
            continue
        (choice, *_) = event["choices"]
        text = choice["delta"].get("content")
        if text:
            told["text"] += text
            if last is None:
                told["ttft_s"] = at - sent_s
            else:
                told["itl_s"].append(at - last)
            last = at
        if choice.get("finish_reason") is not None:
            told["finish_reason"], told["e2e_s"] = choice["finish_reason"], at - sent_s
    try:
        told["tpot_s"] = (told["e2e_s"] - told["ttft_s"]) / (told["tokens"] - 1)
    except (TypeError, ZeroDivisionError):
        pass
    return told

# %% wrong "the role counted as the first token" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError(event["error"]["message"])
        if event.get("usage"):
            tokens = event["usage"]["completion_tokens"]
        for choice in event.get("choices") or []:
            if choice["delta"].get("content") is not None:
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

# %% wrong "tokens are events with text" points=0
def measures(sent_s, arrivals):
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
    tokens = len(times)
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

# %% wrong "TPOT divided by all tokens" points=0
def measures(sent_s, arrivals):
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
        "tpot_s": (e2e - ttft) / tokens if known else None,
        "tokens": tokens,
        "text": "".join(pieces),
        "finish_reason": finish,
    }

# %% wrong "TPOT is the mean ITL" points=0
def measures(sent_s, arrivals):
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
        "tpot_s": sum(b - a for a, b in zip(times, times[1:])) / max(1, len(times) - 1) if known else None,
        "tokens": tokens,
        "text": "".join(pieces),
        "finish_reason": finish,
    }

# %% wrong "e2e until the last event, usage included" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError(event["error"]["message"])
        ended_s = at
        if event.get("usage"):
            tokens = event["usage"]["completion_tokens"]
        for choice in event.get("choices") or []:
            if choice["delta"].get("content"):
                pieces.append(choice["delta"]["content"])
                times.append(at)
            if choice.get("finish_reason"):
                finish = choice["finish_reason"]
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

# %% wrong "the end is the last text" points=0
def measures(sent_s, arrivals):
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
    e2e = times[-1] - sent_s if times else None
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

# %% wrong "choices[0] of every event" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError(event["error"]["message"])
        if event.get("usage"):
            tokens = event["usage"]["completion_tokens"]
        for choice in [event["choices"][0]]:
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

# %% wrong "the first usage instead of the last" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError(event["error"]["message"])
        if event.get("usage"):
            tokens = tokens or event["usage"]["completion_tokens"] or None
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

# %% wrong "usages of all events added up" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError(event["error"]["message"])
        if event.get("usage"):
            tokens = (tokens or 0) + event["usage"]["completion_tokens"]
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

# %% wrong "TTFT is the time on the clock, not since sending" points=0
def measures(sent_s, arrivals):
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
    ttft = times[0] if times else None
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

# %% wrong "an error in the stream passed over" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            break
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

# %% wrong "RuntimeError without the message of the event" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    for at, event in arrivals:
        if event.get("error"):
            raise RuntimeError("error in the stream")
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

# %% wrong "only the last event is looked at for an error" points=0
def measures(sent_s, arrivals):
    pieces, times, ended_s, finish, tokens = [], [], None, None, None
    if arrivals and arrivals[-1][1].get("error"):
        raise RuntimeError(arrivals[-1][1]["error"]["message"])
    for at, event in arrivals:
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

# %% wrong "without usage, events are counted" points=0
def measures(sent_s, arrivals):
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
    tokens = tokens or len(times)
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

# %% wrong "one token divides by zero" points=0
def measures(sent_s, arrivals):
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
    known = ttft is not None and e2e is not None and tokens is not None
    return {
        "ttft_s": ttft,
        "itl_s": [later - earlier for earlier, later in zip(times, times[1:])],
        "e2e_s": e2e,
        "tpot_s": (e2e - ttft) / (tokens - 1) if known else None,
        "tokens": tokens,
        "text": "".join(pieces),
        "finish_reason": finish,
    }
