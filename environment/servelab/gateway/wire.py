"""OpenAI's chat API as a gateway reads and writes it: errors, texts and their tokens, answers as bytes and back."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import time
import uuid
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

WORD_NUMBERS = 256  # length of a vector of words
_DONE = "[DONE]"


def error_body(
    message: str, *, type: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """OpenAI's error object: `{"error": {"message", "type", "param", "code"}}`."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


_TYPES = {401: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_error"}
_CODES = {
    401: "invalid_api_key",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    503: "unavailable",
    504: "timeout",
}


class Refused(Exception):
    """A request that gets no answer but a status; raise it anywhere below a route.

    Args:
        status: HTTP status.
        message: what went wrong, for whoever sent the request; or a whole error object from `error_body`.
        retry_after_s: seconds after which it may be tried again; sent as `Retry-After`, in whole seconds, at least 1.
    """

    def __init__(
        self, status: int, message: str | dict[str, Any], *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message if isinstance(message, str) else message["error"]["message"])
        kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        self.status = status
        self.body = (
            message if isinstance(message, dict) else error_body(message, type=kind, code=_CODES.get(status))
        )
        self.headers = (
            {} if retry_after_s is None else {"retry-after": str(max(1, math.ceil(min(retry_after_s, 3600))))}
        )

    def response(self) -> Response:
        """It as an answer."""
        return JSONResponse(self.body, self.status, self.headers)


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries.

    Raises:
        Refused: with status 400, there is none.
    """
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The body is not JSON: {str(error)[:200]}") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object.")
    return body


def text_of(message: dict[str, Any]) -> str:
    """The text of a chat message, whose `content` is a text or a list of parts `{"type": "text", "text": ...}`.

    Raises:
        ValueError: it has no role, or its content is something else.
    """
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise ValueError("a message needs a role and a content")
    content = message.get("content")
    if content is None and message["role"] == "assistant":
        return ""  # it called tools and said nothing
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise ValueError("content must be a text, or a list of text parts")
    parts = [part.get("text") if isinstance(part, dict) else None for part in content]
    if not all(
        isinstance(text, str) and part.get("type") == "text"
        for text, part in zip(parts, content, strict=True)
    ):
        raise ValueError("only parts of the type text are understood here")
    return "".join(parts)


def count_tokens(messages: Sequence[dict[str, Any]], tokenizer: str = "words") -> int:
    """How many tokens a chat's prompt has.

    Args:
        messages: well-formed messages, see `text_of`.
        tokenizer: "words", a token is what stands between white space, as the scripted engine counts; "smollm2", the
            course's model with its chat template.
    """
    if tokenizer == "words":
        return sum(len(text_of(message).split()) for message in messages)
    plain = [{"role": message["role"], "content": text_of(message)} for message in messages]
    text = _smollm2().apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    return len(_smollm2()(text, add_special_tokens=False, verbose=False)["input_ids"])


@functools.cache
def _smollm2() -> Any:
    from transformers import AutoTokenizer

    from servelab.engine import artefacts

    return AutoTokenizer.from_pretrained(artefacts.model_path("cpu"), local_files_only=True)


def asked_tokens(body: dict[str, Any]) -> Any:
    """`max_completion_tokens`, the field's name today, or `max_tokens`, as it came; None where neither was given."""
    newer = body.get("max_completion_tokens")
    return body.get("max_tokens") if newer is None else newer


def question_of(body: dict[str, Any]) -> str:
    """The text of the last message."""
    return text_of(body["messages"][-1])


def vector_of(text: str, kind: str = "words") -> list[float]:
    """A text as a vector of length 1 (of zeros for no text), for a cache that goes by similarity.

    Args:
        kind: "words", its words counted, whatever their order and case: quick and the same everywhere; "minilm", the
            embedding of labs 06 and 07.
    """
    if kind == "minilm":
        from servelab.retrieval import embed

        return [float(number) for number in embed.encode([text])[0]]
    numbers = [0.0] * WORD_NUMBERS
    for word in text.lower().split():
        digest = hashlib.sha256(word.strip(".,;:!?\"'()").encode("utf-8", "surrogatepass")).digest()
        numbers[int.from_bytes(digest[:4], "big") % WORD_NUMBERS] += 1.0
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers] if length else numbers


def events_of(raw: bytes) -> list[str]:
    """The data of every whole event of a stream that has ended, `[DONE]` included."""
    lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n")
    found = []
    for event in lines[:-1]:
        data = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        if data:
            found.append("\n".join(data))
    return found


def parse_all(pieces: Sequence[bytes]) -> list[Any]:
    """A stream that has ended: its events after the last piece, and whether it is "complete" or was "cut off"."""
    events = events_of(b"".join(pieces))
    end = events.index(_DONE) if _DONE in events else len(events)
    return [
        [*([] for _ in pieces[1:]), events[:end]],
        "complete" if end < len(events) else "cut off",
    ]


def read_answer(raw: bytes, streamed: bool) -> dict[str, Any]:
    """What the bytes of an answer say, as far as they go.

    Returns:
        `text`; `finish_reason`, None if none came; `usage`, None if none came; `model`; `error`, whether an error stands in
        it; `done`: whether the answer came to its end, that is `[DONE]` in a stream, and whole JSON otherwise.
    """
    told: dict[str, Any] = {
        "text": "",
        "finish_reason": None,
        "usage": None,
        "model": "",
        "error": False,
        "done": False,
    }
    texts = events_of(raw) if streamed else [raw.decode("utf-8", "replace"), _DONE]
    for text in texts:
        if text == _DONE:
            told["done"] = True
            break
        try:
            part = json.loads(text)
        except ValueError:
            return told
        if not isinstance(part, dict) or part.get("error"):
            return {**told, "error": True, "done": not streamed or _DONE in texts}
        told["usage"] = part.get("usage") or told["usage"]
        told["model"] = part.get("model") or told["model"]
        for choice in part.get("choices") or []:
            told["text"] += (choice.get("delta") or choice.get("message") or {}).get("content") or ""
            told["finish_reason"] = choice.get("finish_reason") or told["finish_reason"]
    return told


def replay(answer: dict[str, Any], body: dict[str, Any]) -> Response:
    """An answer that `read_answer` read, sent again as this request wants it: as JSON, or as a stream of events.

    Its headers say `x-cache: hit`.
    """
    name = f"chatcmpl-cached-{uuid.uuid4().hex[:12]}"
    frame = {"id": name, "created": int(time.time()), "model": answer["model"]}
    headers = {"x-cache": "hit"}
    usage = answer["usage"]
    if not body.get("stream"):
        message = {"role": "assistant", "content": answer["text"]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer["finish_reason"]}
        return JSONResponse(
            {**frame, "object": "chat.completion", "choices": [choice], "usage": usage}, headers=headers
        )
    frame["object"] = "chat.completion.chunk"
    deltas = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": answer["text"]}, None),
        ({}, answer["finish_reason"]),
    ]
    events = [
        {**frame, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        for delta, finish in deltas
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**frame, "choices": [], "usage": usage})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events] + [f"data: {_DONE}\n\n"]
    return Response("".join(lines), media_type="text/event-stream", headers=headers)


_MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"type": "string", "enum": ["system", "user", "assistant"]},
        "content": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["type", "text"],
                        "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                    },
                },
            ]
        },
    },
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_REASONS = {
    400: "the request is not well-formed, or too large",
    401: "no such key",
    404: "no such model",
    429: "too many requests",
    503: "no back end",
    504: "no answer in time",
}


def chat_route(config: dict[str, Any]) -> dict[str, Any]:
    """What the route for chats says of itself in an OpenAPI document: `@app.post(path, **chat_route(config))`.

    Args:
        config: a gateway's, of which `backends` and `limits` are looked at.
    """
    models = list(dict.fromkeys(["auto", *(backend["model"] for backend in config["backends"])]))
    tokens = {"type": ["integer", "null"], "minimum": 1, "maximum": config["limits"]["max_tokens"]}
    latency = {"type": "string", "pattern": r"^[1-9][0-9]{0,3}(\.[0-9]{1,3})?$"}
    body = {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": {"type": "string", "enum": models},
            "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
            "max_tokens": tokens,
            "max_completion_tokens": tokens,
            "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
            "stream": {"type": ["boolean", "null"]},
            "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 1},
            "metadata": {
                "type": ["object", "null"],
                "properties": {"max_latency_s": latency},
                "additionalProperties": {"type": "string"},
            },
        },
    }
    answers: dict[int, dict[str, Any]] = {
        200: {"content": {"application/json": {}, "text/event-stream": {}}, "description": "the answer"}
    }
    for status, reason in _REASONS.items():
        answers[status] = {"content": {"application/json": {"schema": _ERROR}}, "description": reason}
    return {
        "response_model": None,
        "responses": answers,
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}}
        },
    }
