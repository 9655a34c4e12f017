"""What a gateway for OpenAI's API is made of, beside what lab 10 has students write: wire format, seats, meter, spans."""

from servelab.gateway.serving import Meter, Seats, Streamed, observed, openai_errors
from servelab.gateway.wire import (
    Refused,
    asked_tokens,
    chat_route,
    count_tokens,
    error_body,
    json_object,
    parse_all,
    question_of,
    read_answer,
    replay,
    text_of,
    vector_of,
)

__all__ = [
    "Meter",
    "Refused",
    "Seats",
    "Streamed",
    "asked_tokens",
    "chat_route",
    "count_tokens",
    "error_body",
    "json_object",
    "observed",
    "openai_errors",
    "parse_all",
    "question_of",
    "read_answer",
    "replay",
    "text_of",
    "vector_of",
]
