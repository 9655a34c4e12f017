# %% right "counted from the time at which it was empty"
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate = rate
        self.burst = burst
        self.empty_at = None  # the time at which the level was, or would have been, zero

    def take(self, amount, now):
        full_since = now - self.burst / self.rate
        if self.empty_at is None or self.empty_at < full_since:
            self.empty_at = full_since
        needed = min(amount, self.burst) / self.rate
        ready_at = self.empty_at + needed
        if ready_at > now + 1e-9:
            return ready_at - now
        self.empty_at += amount / self.rate
        return 0.0

# %% right "a helper that fills first"
class TokenBucket:
    def __init__(self, rate, burst):
        self._rate, self._burst = float(rate), float(burst)
        self._tokens, self._last = float(burst), None

    def _fill(self, now):
        if self._last is None:
            self._last = now
        gained = self._rate * (now - self._last)
        self._tokens = self._burst if self._tokens + gained > self._burst else self._tokens + gained
        self._last = now

    def take(self, amount, now):
        self._fill(now)
        needed = amount if amount < self._burst else self._burst
        if self._tokens + 1e-9 < needed:
            return (needed - self._tokens) / self._rate
        self._tokens = self._tokens - amount
        return 0

# %% wrong "takes also from those who wait" points=0
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = burst, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        missing = min(amount, self.burst) - self.level
        self.level -= amount
        return max(0, missing) / self.rate

# %% wrong "no upper limit" points=0
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = burst, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            self.level = self.level + (now - self.at) * self.rate
        self.at = now
        missing = min(amount, self.burst) - self.level
        if missing > 1e-9:
            return missing / self.rate
        self.level -= amount
        return 0

# %% wrong "too large a request waits for ever" points=0
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = burst, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        missing = amount - self.level
        if missing > 1e-9:
            return missing / self.rate
        self.level -= amount
        return 0

# %% wrong "a large request is not paid for afterwards" points=0
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = burst, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        missing = min(amount, self.burst) - self.level
        if missing > 1e-9:
            return missing / self.rate
        self.level -= min(amount, self.burst)
        return 0

# %% wrong "starts empty" points=0 also="gateway:0"
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = 0, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        missing = min(amount, self.burst) - self.level
        if missing > 1e-9:
            return missing / self.rate
        self.level -= amount
        return 0

# %% wrong "says how much is missing, not how long" points=0
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = burst, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        missing = min(amount, self.burst) - self.level
        if missing > 1e-9:
            return missing
        self.level -= amount
        return 0

# %% wrong "one bucket for all" points=0 also="gateway:14"
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        TokenBucket.level, TokenBucket.at = burst, None

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if self.at is not None:
            TokenBucket.level = min(self.burst, self.level + (now - self.at) * self.rate)
        TokenBucket.at = now
        missing = min(amount, self.burst) - self.level
        if missing > 1e-9:
            return missing / self.rate
        TokenBucket.level -= amount
        return 0

# %% wrong "thinks that time began at 0" points=0
class TokenBucket:
    """So many tokens a second, and at most so many at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.level, self.at = burst, 0

    def take(self, amount, now):
        """0 if the tokens were taken; otherwise the seconds to wait, and none were."""
        if True:
            self.level = min(self.burst, self.level + int(now - self.at) * self.rate)
        self.at = now
        missing = min(amount, self.burst) - self.level
        if missing > 1e-9:
            return missing / self.rate
        self.level -= amount
        return 0
