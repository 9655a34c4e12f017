"""Words that stand in for tokens: the deterministic text of the scripted engine and of the toy back end."""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache

WORDS = (  # noqa: SIM905
    "amber bridge candle delta ember forest garden harbor island jasmine kettle lantern meadow nectar "
    "orchard pebble quartz river saddle timber umbrella valley window yellow zephyr anchor beacon copper "
    "dune echo falcon granite hazel ivory juniper kelp ladder marble north olive prairie quiet reef silver "
    "tundra upland velvet willow birch cedar drift fern glacier heron"
).split()


def count_words(text: str) -> int:
    """How many tokens `text` has where a token is a word: runs of anything between white space."""
    return len(text.split())


@lru_cache(maxsize=4096)
def answer_words(prompt: str, count: int) -> tuple[str, ...]:
    """The first `count` words answered to `prompt`: always the same, and a longer answer only adds words."""
    seed = int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    draw = random.Random(seed)
    return tuple(draw.choice(WORDS) for _ in range(count))
