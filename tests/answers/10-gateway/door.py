# %% right "one rule after another, in a table"
def fault_in(body, limits):
    def whole(value, low, high):
        return type(value) is int and low <= value <= high

    def good_messages(value):
        if type(value) is not list or len(value) == 0:
            raise ValueError("at least one message, in a list")
        for message in value:
            gateway.text_of(message)
            if message["role"] not in {"system", "developer", "user", "assistant", "tool"}:
                raise ValueError(f"no role is called {message['role']}")

    def good_metadata(value):
        if type(value) is not dict or any(type(text) is not str for text in value.values()):
            raise ValueError("texts by name")
        if "max_latency_s" in value:
            seconds = float(value["max_latency_s"])
            if not math.isfinite(seconds) or seconds <= 0:
                raise ValueError("a time above 0")

    most = limits["max_tokens"]
    optional = {
        "max_tokens": lambda v: whole(v, 1, most),
        "max_completion_tokens": lambda v: whole(v, 1, most),
        "temperature": lambda v: type(v) in (int, float) and 0 <= v <= 2,
        "stream": lambda v: type(v) is bool,
        "n": lambda v: whole(v, 1, 1),
    }
    if not (type(body.get("model")) is str and len(body["model"]) > 0):
        return gateway.error_body("which model?", param="model")
    try:
        good_messages(body.get("messages"))
    except ValueError as problem:
        return gateway.error_body(f"messages: {problem}", param="messages")
    for field, test in optional.items():
        if body.get(field) is not None and not test(body[field]):
            return gateway.error_body(f"{field} is out of range or of the wrong type", param=field)
    if body.get("metadata") is not None:
        try:
            good_metadata(body["metadata"])
        except ValueError as problem:
            return gateway.error_body(f"metadata: {problem}", param="metadata")
    tokens = gateway.asked_tokens(body)
    if tokens is None:
        tokens = limits["default_tokens"]
    total = tokens + gateway.count_tokens(body["messages"], limits["tokenizer"])
    if total > limits["context"]:
        return gateway.error_body(f"{total} tokens in all", param="messages", code="context_length_exceeded")

# %% right "pydantic does the types"
from typing import Any, Literal, Optional

import pydantic


def fault_in(body, limits):
    most = limits["max_tokens"]
    tokens = pydantic.conint(strict=True, ge=1, le=most)

    class Body(pydantic.BaseModel):
        model: pydantic.constr(strict=True, min_length=1)
        messages: pydantic.conlist(dict[str, Any], min_length=1)
        max_tokens: Optional[tokens] = None
        max_completion_tokens: Optional[tokens] = None
        temperature: Optional[Any] = None
        stream: Optional[pydantic.StrictBool] = None
        n: Optional[pydantic.conint(strict=True, ge=1, le=1)] = None
        metadata: Optional[dict[str, pydantic.StrictStr]] = None

        @pydantic.field_validator("temperature")
        @classmethod
        def _temperature(cls, value):
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 2):
                raise ValueError("from 0 to 2")
            return value

        @pydantic.field_validator("messages")
        @classmethod
        def _messages(cls, value):
            for message in value:
                gateway.text_of(message)
                if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
                    raise ValueError("unknown role")
            return value

        @pydantic.field_validator("metadata")
        @classmethod
        def _metadata(cls, value):
            limit = float((value or {}).get("max_latency_s", 1))
            if not (0 < limit < float("inf")):
                raise ValueError("max_latency_s")
            return value

    try:
        Body(**{name: value for name, value in body.items() if name in Body.model_fields})
    except pydantic.ValidationError as found:
        first = found.errors()[0]
        return gateway.error_body(first["msg"], param=str(first["loc"][0]))
    asked = gateway.asked_tokens(body) or limits["default_tokens"]
    if gateway.count_tokens(body["messages"], limits["tokenizer"]) + asked > limits["context"]:
        return gateway.error_body("prompt and answer do not fit", param="messages", code="context_length_exceeded")
    return None

# %% wrong "characters for tokens" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = sum(len(gateway.text_of(m)) for m in messages)
    asked = gateway.asked_tokens(body)
    if prompt + (limits["default_tokens"] if asked is None else asked) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "only the last message is counted" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = gateway.count_tokens(messages[-1:], limits["tokenizer"])
    asked = gateway.asked_tokens(body)
    if prompt + (limits["default_tokens"] if asked is None else asked) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "true is a number of tokens" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float))

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = gateway.count_tokens(messages, limits["tokenizer"])
    asked = gateway.asked_tokens(body)
    if prompt + (limits["default_tokens"] if asked is None else asked) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "no default where nothing is asked for" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = gateway.count_tokens(messages, limits["tokenizer"])
    asked = gateway.asked_tokens(body)
    if prompt + (asked or 0) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "the older name wins" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = gateway.count_tokens(messages, limits["tokenizer"])
    asked = body.get("max_tokens") or body.get("max_completion_tokens")
    if prompt + (limits["default_tokens"] if asked is None else asked) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "None is no number" points=0 also="gateway:14"
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if name in body and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = gateway.count_tokens(messages, limits["tokenizer"])
    asked = gateway.asked_tokens(body)
    if prompt + (limits["default_tokens"] if asked is None else asked) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "max_latency_s is not looked at" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    prompt = gateway.count_tokens(messages, limits["tokenizer"])
    asked = gateway.asked_tokens(body)
    if prompt + (limits["default_tokens"] if asked is None else asked) > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None

# %% wrong "prompt alone must fit" points=0
def fault_in(body, limits):
    """OpenAI's error object for a request that may not come in, or None."""

    def wrong(param, message, code=None):
        return gateway.error_body(f"{param}: {message}", param=param, code=code)

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if not isinstance(body.get("model"), str) or not body["model"]:
        return wrong("model", "the name of a model is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return wrong("messages", "a list of at least one message is needed")
    for message in messages:
        try:
            gateway.text_of(message)
        except ValueError as error:
            return wrong("messages", str(error))
        if message["role"] not in ("system", "developer", "user", "assistant", "tool"):
            return wrong("messages", "there is no such role")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (is_number(value) and 1 <= value <= limits["max_tokens"] and value % 1 == 0):
            return wrong(name, f"must be a whole number from 1 to {limits['max_tokens']}")
    temperature = body.get("temperature")
    if temperature is not None and not (is_number(temperature) and 0 <= temperature <= 2):
        return wrong("temperature", "must be a number from 0 to 2")
    if not isinstance(body.get("stream"), (bool, type(None))):
        return wrong("stream", "must be true or false")
    if body.get("n") is not None and not (is_number(body["n"]) and body["n"] == 1):
        return wrong("n", "one answer a request")
    metadata = body.get("metadata") or {}
    if not isinstance(body.get("metadata"), (dict, type(None))) or not all(isinstance(v, str) for v in metadata.values()):
        return wrong("metadata", "must be an object of texts")
    try:
        limit = float(metadata.get("max_latency_s", "1"))
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        return wrong("metadata", "max_latency_s must be a number above 0")
    prompt = gateway.count_tokens(messages, limits["tokenizer"])
    asked = gateway.asked_tokens(body)
    if prompt > limits["context"]:
        return wrong("messages", f"{prompt} tokens and the answer are more than {limits['context']}", "context_length_exceeded")
    return None
