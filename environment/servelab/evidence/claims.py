"""What the course's sources claim, beside what was measured. They name no machine, no model and no load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One claim: its words, its number (or range), and of what it is the ratio or value."""

    key: str
    words: str
    low: float
    high: float
    unit: str

    def beside(self, measured: float) -> str:
        """By how much a measured value differs: "1.4 times the claim", or that it lies in the claimed range."""
        if self.low <= measured <= self.high:
            return "as claimed"
        nearest = self.low if measured < self.low else self.high
        return f"{measured / nearest:.2g} times the claim"


CLAIMS: tuple[Claim, ...] = (
    Claim("naive_rps", "naive serving answers 0.29 requests/s", 0.29, 0.29, "requests/s"),
    Claim("vllm_rps", "vLLM answers 1.19 requests/s", 1.19, 1.19, "requests/s"),
    Claim("vllm_over_naive", "vLLM alone: 4.1 times the naive server's requests/s", 4.1, 4.1, "times"),
    Claim("all_over_naive", "AWQ and replicas too: 41 times", 41, 41, "times"),
    Claim("awq_over_16_bits", "AWQ: about twice the speed of 16 bits", 2, 2, "times"),
    Claim("awq_size", "AWQ: 3.5 times smaller", 3.5, 3.5, "times"),
    Claim("streaming", "streaming feels 20 to 30 times faster", 20, 30, "times"),
)


def claim(key: str) -> Claim:
    """The claim of this key."""
    return next(found for found in CLAIMS if found.key == key)
