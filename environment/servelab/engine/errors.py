"""The one error that engines raise."""

from __future__ import annotations

from collections.abc import Sequence


class EngineError(RuntimeError):
    """An engine did not start, or is gone.

    Attributes:
        what: what failed, one sentence.
        log_tail: the last lines of the engine's log that tell why; may be empty.
        remedy: what to try, one sentence; may be empty.
    """

    def __init__(self, what: str, log_tail: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(what, tuple(log_tail), remedy)
        self.what = what
        self.log_tail = list(log_tail)
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what]
        if self.log_tail:
            parts.append("Last lines of its log:")
            parts += [f"  | {line}" for line in self.log_tail]
        if self.remedy:
            parts.append(f"What to try: {self.remedy}")
        return "\n".join(parts)
