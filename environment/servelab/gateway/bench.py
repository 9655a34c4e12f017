"""`vllm bench serve` against a gateway: a client that nobody wrote for it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from servelab import engine
from servelab.errors import CourseError
from servelab.progress import bar

_LIMIT_S = 240


def bench_serve(
    url: str, model: str, questions: list[str], *, key: str = "none", tokens: int = 16, concurrency: int = 4
) -> dict[str, Any]:
    """Have vLLM's own benchmark ask a gateway these questions as streamed chats, at temperature 1, which no cache answers.

    Args:
        url: the gateway's address, without "/v1".
        model: what it asks for.
        questions: one a request.
        key: the API key that it sends.
        tokens: length of each answer.
        concurrency: requests in flight.

    Returns:
        What the benchmark saved, for example `completed`, `failed`, `mean_ttft_ms` and `request_throughput`.

    Raises:
        CourseError: it failed; with its last lines.
    """
    with tempfile.TemporaryDirectory(prefix="servelab-bench-") as name:
        folder = Path(name)
        rows = [json.dumps({"prompt": text, "output_tokens": tokens}) + "\n" for text in questions]
        (folder / "questions.jsonl").write_text("".join(rows))
        command, env = engine.vllm_cli()
        command += ["bench", "serve", "--backend", "openai-chat", "--base-url", url]
        command += ["--endpoint", "/v1/chat/completions", "--model", model, "--tokenizer"]
        command += [str(engine.model_path("cpu")), "--dataset-name", "custom", "--skip-chat-template"]
        command += ["--dataset-path", str(folder / "questions.jsonl"), "--custom-output-len", "-1"]
        command += [
            "--disable-shuffle",
            "--ignore-eos",
            "--temperature",
            "0",
            "--seed",
            "1",
            "--disable-tqdm",
        ]
        command += ["--num-prompts", str(len(questions)), "--max-concurrency", str(concurrency)]
        command += ["--ready-check-timeout-sec", "0", "--num-warmups", "0"]
        command += ["--save-result", "--result-dir", name, "--result-filename", "result.json"]
        with bar(total=1, desc="vllm bench serve") as progress:
            try:
                done = subprocess.run(
                    command,
                    env={**env, "OPENAI_API_KEY": key},
                    capture_output=True,
                    text=True,
                    timeout=_LIMIT_S,
                    check=False,
                    stdin=subprocess.DEVNULL,
                )
            except subprocess.TimeoutExpired:
                raise CourseError(f"vllm bench serve did not end within {_LIMIT_S} s.") from None
            progress.update(1)
        if done.returncode:
            lines = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
            raise CourseError(f"vllm bench serve failed:\n{lines}")
        return json.loads((folder / "result.json").read_text())
