"""The naive server: models that answer one prompt at a time, for lab 01, and the benchmark's server around them."""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from servelab.engine.words import answer_words, count_words


@dataclass(frozen=True)
class Completion:
    """A generated text and its token counts."""

    text: str
    prompt_tokens: int
    completion_tokens: int


class Backend(Protocol):
    """A model that answers one prompt at a time.

    Attributes:
        name: The name that goes into responses.
        max_prompt_tokens: Longest prompt it takes, in its own tokens.
    """

    name: str
    max_prompt_tokens: int

    def count_tokens(self, text: str) -> int:
        """How many tokens the text has for this model."""

    def generate(self, prompt: str, max_tokens: int) -> Completion:
        """Generate up to `max_tokens` tokens, greedily. Not safe to call from two threads at once."""


class ToyBackend:
    """A stand-in for a model: a token is a word, every token takes the same time, and the text is always the same.

    Like a model on one GPU it must not be entered twice: a second thread gets RuntimeError instead of
    silently mixed-up results. `entered` counts the calls of `generate`.

    Args:
        seconds_per_token: How long each token takes.
        breaks_on: A word in a prompt at which the model breaks, as real ones do when memory runs out.
    """

    name = "toy"
    max_prompt_tokens = 64

    def __init__(self, seconds_per_token: float = 0.005, breaks_on: str | None = None) -> None:
        self.seconds_per_token = seconds_per_token
        self.breaks_on = breaks_on
        self.entered = 0
        self._busy = threading.Lock()

    def count_tokens(self, text: str) -> int:
        return count_words(text)

    def generate(self, prompt: str, max_tokens: int) -> Completion:
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {max_tokens}.")
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("The model was entered by two threads at once: let one request in at a time.")
        try:
            self.entered += 1
            if self.breaks_on is not None and self.breaks_on in prompt.split():
                raise RuntimeError("DefaultAllocator: cannot allocate memory for /srv/models/toy/weights.bin")
            time.sleep(max_tokens * self.seconds_per_token)
            words = answer_words(prompt, max_tokens)
            return Completion(" ".join(words), self.count_tokens(prompt), len(words))
        finally:
            self._busy.release()


class LettersBackend(ToyBackend):
    """A toy of another name and length, for which a token is a letter."""

    name = "toy-letters"
    max_prompt_tokens = 40

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(self, prompt: str, max_tokens: int) -> Completion:
        text = super().generate(prompt, max_tokens).text[:max_tokens]
        return Completion(text, len(prompt), len(text))


class TransformersBackend:
    """The course's model through `transformers`, in bfloat16, greedy, one prompt at a time."""

    max_prompt_tokens = 1024

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        torch = _import_torch()
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        self.name = name
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        if self.device == "cpu":
            torch.set_num_threads(len(os.sched_getaffinity(0)))
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        self._model = model.to(self.device).eval()

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer(text)["input_ids"])

    def generate(self, prompt: str, max_tokens: int, *, ignore_eos: bool = False) -> Completion:
        """Generate up to `max_tokens` tokens, or exactly so many with `ignore_eos`."""
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {max_tokens}.")
        inputs = self._tokenizer(prompt, return_tensors="pt").to(self.device)
        with self._torch.inference_mode():
            output = self._model.generate(
                **inputs,
                max_new_tokens=max_tokens,
                min_new_tokens=max_tokens if ignore_eos else None,
                do_sample=False,
                pad_token_id=self._tokenizer.eos_token_id,
            )
        prompt_tokens = inputs["input_ids"].shape[1]
        new = output[0, prompt_tokens:]
        text = self._tokenizer.decode(new, skip_special_tokens=True)
        return Completion(text, prompt_tokens, len(new))

    def generate_batch(self, prompts: Sequence[str], max_tokens: int) -> list[Completion]:
        """Generate exactly `max_tokens` tokens for every prompt, all prompts together in one static batch."""
        # Padding goes to the left, so that every prompt ends where its first new token begins.
        inputs = self._tokenizer(list(prompts), return_tensors="pt", padding=True, padding_side="left")
        with self._torch.inference_mode():
            output = self._model.generate(
                **inputs.to(self.device),
                max_new_tokens=max_tokens,
                min_new_tokens=max_tokens,
                do_sample=False,
                pad_token_id=self._tokenizer.eos_token_id,
            )
        new = output[:, inputs["input_ids"].shape[1] :]
        texts = self._tokenizer.batch_decode(new, skip_special_tokens=True)
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        return [Completion(text, length, max_tokens) for text, length in zip(texts, lengths, strict=True)]


def _import_torch() -> Any:
    """PyTorch, whose OpenMP threads spin only briefly while they wait for each other.

    By default they spin so long that on shared cores each keeps the one it waits for from running: a batch beside
    other work on two cores then takes many times as long.
    On a quiet machine there is no difference. OpenMP reads this setting once, when it is loaded. Afterwards the environment is
    as before, so that no engine inherits it.
    """
    before = os.environ.get("GOMP_SPINCOUNT")
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        import torch
    finally:
        if before is None:
            del os.environ["GOMP_SPINCOUNT"]
    return torch


def load_backend(name: str) -> Backend:
    """The back end called `name`.

    "smollm2" is the course's model through `transformers` (the first time it is
    converted, with a progress bar). "toy" answers at once, always the same, 5 ms a token; "toy-faulty" is a
    toy that breaks on prompts with the word "crash", and for "toy-letters" a token is a letter.

    Raises:
        ValueError: no back end has this name.
    """
    if name == "toy":
        return ToyBackend()
    if name == "toy-faulty":
        return ToyBackend(breaks_on="crash")
    if name == "toy-letters":
        return LettersBackend()
    if name == "smollm2":
        from servelab.engine import model_path

        return TransformersBackend(model_path("cpu"), "smollm2-135m-instruct")
    raise ValueError(
        f'There is no back end called {name!r}: use "smollm2", "toy", "toy-letters" or "toy-faulty".'
    )


def _response(model: str, done: Completion, max_tokens: int) -> dict[str, Any]:
    finish = "length" if done.completion_tokens >= max_tokens else "stop"
    return {
        "id": f"cmpl-{time.time_ns()}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "text": done.text, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": done.prompt_tokens,
            "completion_tokens": done.completion_tokens,
            "total_tokens": done.prompt_tokens + done.completion_tokens,
        },
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the naive server on 127.0.0.1 until standard input closes, that is until the caller is gone.

    Flask, one lock, one request at a time, and not more: the benchmark's baseline trusts its callers. It is not
    an app to import, since writing one is what lab 01 asks for. Prints the port on a line of its own once
    requests are accepted.
    """
    import logging
    import sys

    from flask import Flask, request
    from werkzeug.serving import make_server

    parser = argparse.ArgumentParser(prog="python -m servelab.load.naive", description=main.__doc__)
    parser.add_argument("--backend", default="smollm2")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args(argv)
    backend = load_backend(options.backend)
    lock = threading.Lock()
    app = Flask("naive")

    @app.post("/v1/completions")
    def completions() -> Any:
        body = request.get_json()
        exact = {"ignore_eos": True} if body.get("ignore_eos") and backend.name != "toy" else {}
        with lock:
            done = backend.generate(body["prompt"], body["max_tokens"], **exact)
        return _response(backend.name, done, body["max_tokens"])

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", options.port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"port {server.port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
