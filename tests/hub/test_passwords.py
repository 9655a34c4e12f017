"""First passwords, and what is kept of them."""

from __future__ import annotations

import pytest
from servelab.hub import passwords


def test_only_the_right_one_matches() -> None:
    word = passwords.new_password()
    kept = passwords.hashed(word)
    assert word not in kept
    assert passwords.matches(word, kept)
    assert not passwords.matches(word + "x", kept)
    assert passwords.hashed(word) != kept, "each has a salt of its own"


def test_no_two_are_the_same() -> None:
    assert len({passwords.new_password() for _ in range(200)}) == 200


@pytest.mark.parametrize("kept", ["", "scrypt", "scrypt:x:y", "plain:YQ==:YQ==", "a:b:c:d"])
def test_nothing_matches_what_is_damaged(kept: str) -> None:
    assert not passwords.matches("", kept) and not passwords.matches("a", kept)
