# %% right "api_server module, joined options"
import sys


def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    options = {
        "model": model,
        "port": port,
        "max-num-seqs": max_sequences,
        "max-model-len": context_tokens,
        "gpu-memory-utilization": memory_share,
        "tensor-parallel-size": gpus,
    }
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server"] + [f"--{k}={v}" for k, v in options.items()]

# %% right "options first, model last, underscores and -tp"
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    command = ["vllm", "serve", f"--port={port}", "-tp", f"{gpus}", "--max_num_seqs", f"{max_sequences}"]
    command += ["--gpu_memory_utilization", f"{memory_share}", f"--max_model_len={context_tokens}", model]
    return command

# %% right "one GPU needs no option, and an extra switch does no harm"
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    command = f"vllm serve --port {port} --max-num-seqs {max_sequences} --max-model-len {context_tokens}".split()
    command += ["--gpu-memory-utilization", str(memory_share), "--enable-prefix-caching", "--model", model]
    return command + (["--tensor-parallel-size", str(gpus)] if gpus > 1 else [])

# %% wrong "one string" points=0
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    return (
        f"vllm serve {model} --gpu-memory-utilization {memory_share} --max-model-len {context_tokens} "
        f"--max-num-seqs {max_sequences} --tensor-parallel-size {gpus} --port {port}"
    )

# %% wrong "numbers that are not strings" points=0
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    return [
        "vllm", "serve", model,
        "--gpu-memory-utilization", memory_share,
        "--max-model-len", context_tokens,
        "--max-num-seqs", max_sequences,
        "--tensor-parallel-size", gpus,
        "--port", port,
    ]

# %% wrong "positional model, which the api_server module ignores" points=0
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    return [
        "python", "-m", "vllm.entrypoints.openai.api_server", model,
        "--gpu-memory-utilization", str(memory_share),
        "--max-model-len", str(context_tokens),
        "--max-num-seqs", str(max_sequences),
        "--tensor-parallel-size", str(gpus),
        "--port", str(port),
    ]

# %% wrong "GPUs left out" points=0
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    return [
        "vllm", "serve", model,
        "--gpu-memory-utilization", str(memory_share),
        "--max-model-len", str(context_tokens),
        "--max-num-seqs", str(max_sequences),
        "--port", str(port),
    ]

# %% wrong "an option that vLLM does not have" points=0
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    return [
        "vllm", "serve", model,
        "--gpu-memory-utilization", str(memory_share),
        "--max-context-length", str(context_tokens),
        "--max-num-seqs", str(max_sequences),
        "--tensor-parallel-size", str(gpus),
        "--port", str(port),
    ]

# %% wrong "split by a shell's rules, which breaks a path with spaces" points=0
def launch_command(model, memory_share, context_tokens, max_sequences, port, gpus=1):
    return (
        f"vllm serve {model} --gpu-memory-utilization {memory_share} --max-model-len {context_tokens} "
        f"--max-num-seqs {max_sequences} --tensor-parallel-size {gpus} --port {port}"
    ).split()
