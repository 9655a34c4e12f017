"""What goes over the wire to and from the scripted engine: reading requests, shaping answers, as vLLM does."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

COMPLETION_DEFAULT_TOKENS = 16  # what /v1/completions generates when max_tokens is not given


class BadRequest(Exception):
    """A request that is refused; `body` is the OpenAI-shaped error object, `status` the HTTP code."""

    def __init__(
        self, message: str, *, param: str | None = None, status: int = 400, kind: str = "BadRequestError"
    ):
        super().__init__(message)
        self.status = status
        self.body = error_body(message, status=status, kind=kind, param=param)


def error_body(message: str, *, status: int, kind: str, param: str | None = None) -> dict[str, Any]:
    """vLLM's error object: `{"error": {"message", "type", "param", "code"}}`."""
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


@dataclass(frozen=True)
class Ask:
    """One valid generation request.

    Attributes:
        chat: Chat completion rather than text completion.
        key: The prompt as text; the answer depends on nothing else.
        prompt_tokens: Words in the prompt (or token ids, where the client sent ids).
        blocks: What the prefix cache compares: the prompt as a tuple of its tokens.
        max_tokens: Tokens that may be generated, already cut to what the context length leaves.
        min_tokens: Tokens that must be generated even where the answer would end sooner.
    """

    chat: bool
    model: str
    key: str
    tokens: tuple[Any, ...]
    max_tokens: int
    min_tokens: int
    stream: bool
    include_usage: bool
    continuous_usage: bool

    @property
    def prompt_tokens(self) -> int:
        return len(self.tokens)


def read_ask(
    raw: bytes, *, chat: bool, model: str, max_model_len: int, adapters: Collection[str] = ()
) -> Ask:
    """Read and check a request body.

    Raises:
        BadRequest: with the status and the error object that vLLM would send.
    """
    body = json_object(raw)
    key, tokens = _chat_prompt(body) if chat else _text_prompt(body)
    asked_model = body.get("model")
    served = model if asked_model in (None, "") else asked_model
    if served != model and not (isinstance(served, str) and served in adapters):
        raise BadRequest(
            f"The model `{asked_model}` does not exist. Valid aliases: {model}.",
            param="model",
            status=404,
            kind="NotFoundError",
        )
    stream = body.get("stream") or False
    if not isinstance(stream, bool):
        raise BadRequest("`stream` must be true or false.", param="stream")
    options = body.get("stream_options") or {}
    if options and not stream:
        raise BadRequest("Stream options can only be defined when `stream=True`.", param="stream_options")
    if not isinstance(options, dict):
        raise BadRequest("`stream_options` must be an object.", param="stream_options")
    max_tokens = _max_tokens(body, chat=chat, prompt_tokens=len(tokens), max_model_len=max_model_len)
    min_tokens = _integer(body, "min_tokens") or 0
    if not 0 <= min_tokens <= max_tokens:
        raise BadRequest(
            f"min_tokens must be less than or equal to max_tokens={max_tokens}, got {min_tokens}."
        )
    _check_sampling(body)
    return Ask(
        chat=chat,
        model=served,
        key=key,
        tokens=tokens,
        max_tokens=max_tokens,
        min_tokens=max_tokens if body.get("ignore_eos") else min_tokens,
        stream=stream,
        include_usage=bool(options.get("include_usage")),
        continuous_usage=bool(options.get("include_usage") and options.get("continuous_usage_stats")),
    )


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """The `usage` object of a response."""
    return {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
    }


def whole_answer(
    ask: Ask, request_id: str, created: int, text: str, count: int, finish: str
) -> dict[str, Any]:
    """The body of a response that is not streamed."""
    choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": finish, "stop_reason": None}
    if ask.chat:
        choice["message"] = {"role": "assistant", "content": text, "refusal": None}
    else:
        choice["text"] = text
    return {
        "id": request_id,
        "object": "chat.completion" if ask.chat else "text_completion",
        "created": created,
        "model": ask.model,
        "choices": [choice],
        "usage": usage(ask.prompt_tokens, count),
    }


def chunk(
    ask: Ask, request_id: str, created: int, choices: list[dict[str, Any]], used: int | None = None
) -> bytes:
    """One event of a stream; `used` adds the usage after that many generated tokens."""
    body: dict[str, Any] = {
        "id": request_id,
        "object": "chat.completion.chunk" if ask.chat else "text_completion",
        "created": created,
        "model": ask.model,
        "choices": choices,
    }
    if used is not None:
        body["usage"] = usage(ask.prompt_tokens, used)
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def role_choice() -> list[dict[str, Any]]:
    """The choice of the first chat event, which carries the role and no token."""
    delta = {"role": "assistant", "content": ""}
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]


def text_choice(ask: Ask, text: str, finish: str | None) -> list[dict[str, Any]]:
    """The choice of an event that carries text, and on the last one why the answer ended."""
    ends: dict[str, Any] = {"logprobs": None, "finish_reason": finish, "stop_reason": None}
    if ask.chat:
        return [{"index": 0, "delta": {"content": text}, **ends}]
    return [{"index": 0, "text": text, **ends}]


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        BadRequest: there is none.
    """
    kind = HTTPStatus.BAD_REQUEST.phrase
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadRequest(
            f"1 validation error:\n  JSON decode error: {error}", param="body", kind=kind
        ) from None
    if not isinstance(body, dict):
        raise BadRequest("1 validation error:\n  the body must be a JSON object", param="body", kind=kind)
    return body


def _wrong_field(name: str, message: str) -> BadRequest:
    return BadRequest(
        f"1 validation error:\n  {message}", param=f"body.{name}", kind=HTTPStatus.BAD_REQUEST.phrase
    )


def _integer(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or (isinstance(value, float) and whole != value):
        raise _wrong_field(name, f"{name}: Input should be a valid integer")
    return whole


def _max_tokens(body: dict[str, Any], *, chat: bool, prompt_tokens: int, max_model_len: int) -> int:
    name = "max_completion_tokens" if chat and body.get("max_completion_tokens") is not None else "max_tokens"
    asked = _integer(body, name)
    if asked is None and not chat:
        asked = COMPLETION_DEFAULT_TOKENS
    if asked is not None and asked > max_model_len:
        raise BadRequest(
            f"{name}={asked} cannot be greater than max_model_len={max_model_len}. "
            "Please request fewer output tokens.",
            param=name,
        )
    if prompt_tokens > max_model_len:
        raise BadRequest(
            f"This model's maximum context length is {max_model_len} tokens. However, your prompt contains "
            f"{prompt_tokens} input tokens, which exceeds this limit even without any output tokens. "
            "Please reduce the length of the input prompt.",
            param="input_tokens",
        )
    room = max_model_len - prompt_tokens
    granted = room if asked is None else min(asked, room)
    if granted < 1:
        raise BadRequest(f"max_tokens must be at least 1, got {granted}.", param="max_tokens")
    return granted


def _check_sampling(body: dict[str, Any]) -> None:
    temperature = body.get("temperature")
    if temperature is not None:
        if not isinstance(temperature, int | float):
            raise _wrong_field("temperature", "temperature: Input should be a valid number")
        if temperature < 0:
            raise BadRequest(f"temperature must be non-negative, got {temperature}.", param="temperature")
    if (_integer(body, "n") or 1) != 1:
        raise BadRequest("The scripted engine gives one choice a request: leave `n` out.", param="n")


def _text_prompt(body: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    prompt = body.get("prompt")
    if prompt is None or prompt == "" or prompt == []:
        raise BadRequest("Either prompt or prompt_embeds must be provided and non-empty.", param="prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and not isinstance(prompt[0], int):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt, tuple(prompt.split()) or (prompt,)
    if isinstance(prompt, list) and prompt and all(isinstance(t, int) for t in prompt):
        return " ".join(map(str, prompt)), tuple(prompt)
    if isinstance(prompt, list) and len(prompt) > 1 and all(isinstance(p, str | list) for p in prompt):
        raise BadRequest("The scripted engine takes one prompt a request.", param="prompt")
    raise _wrong_field("prompt", "prompt: Input should be a string, or a list of token ids")


def _chat_prompt(body: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    messages = body.get("messages")
    if messages is None:
        raise _wrong_field("messages", "messages: Field required")
    if not isinstance(messages, list) or not messages:
        raise _wrong_field("messages", "messages: Input should be a list of at least one message")
    lines = [_message_text(message) for message in messages]
    words = tuple(word for _, text in lines for word in text.split())
    return "\n".join(f"{role}: {text}" for role, text in lines), words or ("",)


def _message_text(message: Any) -> tuple[str, str]:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise _wrong_field("messages", "messages: each message needs a `role` and a `content`")
    content = message.get("content")
    if isinstance(content, list):
        parts = [p.get("text") for p in content if isinstance(p, dict) and p.get("type") == "text"]
        if len(parts) != len(content) or not all(isinstance(p, str) for p in parts):
            raise _wrong_field("messages", "messages: the scripted engine reads text parts only")
        content = " ".join(parts)
    if not isinstance(content, str | None):
        raise _wrong_field("messages", "messages: `content` should be a string")
    return message["role"], content or ""


def read_adapter(body: dict[str, Any], *names: str) -> list[str]:
    """These fields of a request that loads or unloads an adapter.

    Raises:
        BadRequest: one is missing, or is no text.
    """
    for name in names:
        if name not in body:
            raise _wrong_field(name, f"{name}: Field required")
        if not isinstance(body[name], str):
            raise _wrong_field(name, f"{name}: Input should be a valid string")
    return [body[name] for name in names]


def check_new_adapter(name: str, path: str, model: str, loaded: Collection[str]) -> None:
    """Refuse what vLLM refuses to load, in its words.

    Raises:
        BadRequest: a name or path is empty, or the name is taken.
    """
    said = ""
    if not name or not path:
        said = "Both 'lora_name' and 'lora_path' must be provided."
    elif name == model:
        said = f"The lora adapter '{name}' conflicts with a served base model."
    elif name in loaded:
        said = (
            f"The lora adapter '{name}' has already been loaded. If you want to load the adapter in place,"
            " set 'load_inplace' to True."
        )
    if said:
        raise BadRequest(said, kind="InvalidUserInput")


def check_known_adapter(name: str, loaded: Collection[str]) -> None:
    """Refuse to unload what is not there, in vLLM's words.

    Raises:
        BadRequest: the name is empty or unknown.
    """
    if not name:
        raise BadRequest(
            "'lora_name' needs to be provided to unload a LoRA adapter.", kind="InvalidUserInput"
        )
    if name not in loaded:
        raise BadRequest(f"The lora adapter '{name}' cannot be found.", status=404, kind="NotFoundError")
