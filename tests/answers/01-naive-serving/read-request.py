# Recorded answers to "read-request": good requests 1 point, no JSON object 1, prompt 1, max_tokens 1.

# %% right "one refusal after the other"
def read_request(raw):
    try:
        body = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError("The body is not JSON.") from None
    if type(body) is not dict:
        raise ValueError("The body must be an object in braces.")
    if "prompt" not in body:
        raise ValueError("'prompt' is missing.")
    if type(body["prompt"]) is not str:
        raise ValueError("'prompt' must be text.")
    if body["prompt"] == "":
        raise ValueError("'prompt' is empty.")
    n = body["max_tokens"] if "max_tokens" in body else 16
    if isinstance(n, bool) or not isinstance(n, int):
        raise ValueError("'max_tokens' must be a whole number.")
    if n < 1:
        raise ValueError("'max_tokens' must be at least 1.")
    if n > MAX_TOKENS:
        raise ValueError("'max_tokens' is too large.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% right "a strict pydantic model"
from pydantic import BaseModel, ConfigDict, Field


class Wanted(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    prompt: str = Field(min_length=1)
    max_tokens: int = Field(default=16, ge=1, le=256)


def read_request(raw):
    return Wanted.model_validate_json(raw).model_dump()

# %% right "structural pattern matching"
def read_request(raw):
    match json.loads(raw):
        case {"prompt": str(prompt), **rest} if len(prompt) > 0:
            pass
        case {}:
            raise ValueError("Send a non-empty string as prompt.")
        case _:
            raise ValueError("Send a JSON object.")
    match rest.get("max_tokens", 16):
        case True | False:
            raise ValueError("max_tokens cannot be a boolean.")
        case int(n) if n in range(1, 257):
            return {"prompt": prompt, "max_tokens": n}
    raise ValueError("max_tokens must be 1 to 256.")

# %% wrong "true is a number" points=3
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise ValueError("prompt must be a string that is not empty.")
    n = body.get("max_tokens", 16)
    if not isinstance(n, int) or not 1 <= n <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% wrong "no upper limit" points=3
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise ValueError("prompt must be a string that is not empty.")
    n = body.get("max_tokens", 16)
    if type(n) is not int or n < 1:
        raise ValueError("max_tokens must be a whole number above 0.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% wrong "takes any JSON for an object" points=3 also="make-app:6"
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise ValueError("prompt must be a string that is not empty.")
    n = body.get("max_tokens", 16)
    if type(n) is not int or not 1 <= n <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% wrong "lets an empty prompt through" points=3
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(body.get("prompt"), str):
        raise ValueError("prompt must be a string.")
    n = body.get("max_tokens", 16)
    if type(n) is not int or not 1 <= n <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% wrong "converts instead of checking" points=2 also="make-app:6"
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict) or "prompt" not in body:
        raise ValueError("prompt is missing.")
    n = int(body.get("max_tokens", 16))
    if not 1 <= n <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return {"prompt": str(body["prompt"]), "max_tokens": n}

# %% wrong "another default" points=3
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise ValueError("prompt must be a string that is not empty.")
    n = body.get("max_tokens", MAX_TOKENS)
    if type(n) is not int or not 1 <= n <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% wrong "a message that helps nobody" points=2
def read_request(raw):
    body = json.loads(raw)
    prompt = body.get("prompt") if isinstance(body, dict) else None
    n = body.get("max_tokens", 16) if isinstance(body, dict) else None
    if not isinstance(prompt, str) or not prompt or type(n) is not int or not 1 <= n <= MAX_TOKENS:
        raise ValueError("Bad request.")
    return {"prompt": prompt, "max_tokens": n}

# %% wrong "returns None instead of raising" points=1 also="make-app:6"
def read_request(raw):
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    prompt, n = body.get("prompt"), body.get("max_tokens", 16)
    if not isinstance(prompt, str) or not prompt or type(n) is not int or not 1 <= n <= MAX_TOKENS:
        return None
    return {"prompt": prompt, "max_tokens": n}

# %% wrong "zero falls back to the default" points=3
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise ValueError("prompt must be a string that is not empty.")
    n = body.get("max_tokens") or 16
    if type(n) is not int or not 1 <= n <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return {"prompt": body["prompt"], "max_tokens": n}

# %% wrong "hands the whole body on" points=3
def read_request(raw):
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise ValueError("prompt must be a string that is not empty.")
    body.setdefault("max_tokens", 16)
    if type(body["max_tokens"]) is not int or not 1 <= body["max_tokens"] <= MAX_TOKENS:
        raise ValueError("max_tokens must be a whole number from 1 to 256.")
    return body
