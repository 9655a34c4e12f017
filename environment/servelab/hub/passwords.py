"""Passwords of the Hub: made by chance, kept as salted scrypt hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# Without letters and digits that look like one another.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4  # 12 of 32: 60 bits
_N, _R, _P = 2**14, 8, 1
SHORTEST = 10


def new_password() -> str:
    """One to be typed once: three groups of four."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hashed(password: str) -> str:
    """What is kept of a password: salt and scrypt hash."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{_text(salt)}:{_text(_scrypt(password, salt))}"


def matches(password: str, kept: str) -> bool:
    """Whether it is the password of which `kept` was made. Slow on purpose, and as slow for a wrong one."""
    try:
        kind, salt, told = kept.split(":")
        wanted = base64.b64decode(told)
        found = _scrypt(password, base64.b64decode(salt))
    except ValueError:
        return False
    return kind == "scrypt" and hmac.compare_digest(found, wanted)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=_N, r=_R, p=_P, dklen=32)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
