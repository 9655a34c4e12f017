# %% right "sorted, the first that fits"
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    for card in sorted(cards, key=lambda c: (c["usd_per_hour"], -c["memory_gb"])):
        tokens = (share * card["memory_gb"] * 1e9 - weight_bytes - scratch_bytes) // kv_bytes_per_token
        if tokens >= cache_tokens:
            return dict(name=card["name"], usd_per_hour=card["usd_per_hour"], cache_tokens=int(tokens))

# %% right "a loop that remembers the best, the card itself returned"
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    best = None
    for card in cards:
        usable = card["memory_gb"] * 10**9 * share
        tokens = int((usable - weight_bytes - scratch_bytes) / kv_bytes_per_token)
        if usable < weight_bytes + scratch_bytes or tokens < cache_tokens:
            continue
        cheaper = best is None or card["usd_per_hour"] < best["usd_per_hour"]
        larger = best is not None and card["usd_per_hour"] == best["usd_per_hour"] and card["memory_gb"] > best["memory_gb"]
        if cheaper or larger:
            best = {**card, "cache_tokens": tokens}
    return best

# %% wrong "weights only" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    good = [c for c in cards if c["memory_gb"] * 1e9 >= weight_bytes]
    if not good:
        return None
    best = min(good, key=lambda c: (c["usd_per_hour"], -c["memory_gb"]))
    room = share * best["memory_gb"] * 1e9 - weight_bytes - scratch_bytes
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": int(room // kv_bytes_per_token)}

# %% wrong "the smallest card, not the cheapest" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    for card in sorted(cards, key=lambda c: c["memory_gb"]):
        room = share * card["memory_gb"] * 1e9 - weight_bytes - scratch_bytes
        if room >= cache_tokens * kv_bytes_per_token:
            return {"name": card["name"], "usd_per_hour": card["usd_per_hour"], "cache_tokens": int(room // kv_bytes_per_token)}

# %% wrong "the first in the list that fits" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    for card in cards:
        room = share * card["memory_gb"] * 1e9 - weight_bytes - scratch_bytes
        if room >= cache_tokens * kv_bytes_per_token:
            return {"name": card["name"], "usd_per_hour": card["usd_per_hour"], "cache_tokens": int(room // kv_bytes_per_token)}

# %% wrong "the tokens that were asked for instead of those that fit" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    good = [c for c in cards if share * c["memory_gb"] * 1e9 - weight_bytes - scratch_bytes >= cache_tokens * kv_bytes_per_token]
    if not good:
        return None
    best = min(good, key=lambda c: (c["usd_per_hour"], -c["memory_gb"]))
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": cache_tokens}

# %% wrong "GiB for GB" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    room = {c["name"]: share * c["memory_gb"] * 2**30 - weight_bytes - scratch_bytes for c in cards}
    good = [c for c in cards if room[c["name"]] >= cache_tokens * kv_bytes_per_token]
    if not good:
        return None
    best = min(good, key=lambda c: (c["usd_per_hour"], -c["memory_gb"]))
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": int(room[best["name"]] // kv_bytes_per_token)}

# %% wrong "ties by the smaller card" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    room = {c["name"]: share * c["memory_gb"] * 1e9 - weight_bytes - scratch_bytes for c in cards}
    good = [c for c in cards if room[c["name"]] >= cache_tokens * kv_bytes_per_token]
    if not good:
        return None
    best = min(good, key=lambda c: (c["usd_per_hour"], c["memory_gb"]))
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": int(room[best["name"]] // kv_bytes_per_token)}

# %% wrong "stops when nothing fits" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    room = {c["name"]: share * c["memory_gb"] * 1e9 - weight_bytes - scratch_bytes for c in cards}
    best = min((c for c in cards if room[c["name"]] >= cache_tokens * kv_bytes_per_token), key=lambda c: (c["usd_per_hour"], -c["memory_gb"]))
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": int(room[best["name"]] // kv_bytes_per_token)}

# %% wrong "scratch space and share fixed in the code" points=0
def cheapest_card(weight_bytes, kv_bytes_per_token, cache_tokens, cards, share=0.92, scratch_bytes=1e9):
    room = {c["name"]: 0.92 * c["memory_gb"] * 1e9 - weight_bytes - 1e9 for c in cards}
    good = [c for c in cards if room[c["name"]] >= cache_tokens * kv_bytes_per_token]
    if not good:
        return None
    best = min(good, key=lambda c: (c["usd_per_hour"], -c["memory_gb"]))
    return {"name": best["name"], "usd_per_hour": best["usd_per_hour"], "cache_tokens": int(room[best["name"]] // kv_bytes_per_token)}
