# %% right "a word for the state"
class CircuitBreaker:
    def __init__(self, failures, open_s):
        self.limit = failures
        self.open_s = open_s
        self.mode = "closed"
        self.in_a_row = 0
        self.since = None
        self.probe_at = None

    def state(self, now):
        if self.mode == "open" and now - self.since >= self.open_s:
            self.mode, self.probe_at = "half-open", None
        return self.mode

    def allow(self, now):
        mode = self.state(now)
        if mode == "closed":
            return True
        if mode == "open":
            return False
        if self.probe_at is not None and now - self.probe_at < self.open_s:
            return False
        self.probe_at = now
        return True

    def _trip(self, now):
        self.mode, self.since, self.probe_at, self.in_a_row = "open", now, None, 0

    def failed(self, now):
        mode = self.state(now)
        if mode == "closed":
            self.in_a_row += 1
            if self.in_a_row == self.limit:
                self._trip(now)
        elif mode == "half-open" and self.probe_at is not None:
            self._trip(now)

    def succeeded(self, now):
        mode = self.state(now)
        if mode == "half-open" and self.probe_at is not None:
            self.mode = "closed"
        if self.mode == "closed":
            self.in_a_row = 0

# %% right "times in a dictionary"
class CircuitBreaker:
    def __init__(self, failures, open_s):
        self.of = {"failures": failures, "open_s": open_s}
        self.now_is = {"row": 0, "opened": -math.inf, "probe": -math.inf, "closed": True}

    def state(self, now):
        s = self.now_is
        if s["closed"]:
            return "closed"
        return "open" if now - s["opened"] < self.of["open_s"] else "half-open"

    def _probing(self):
        return not self.now_is["closed"] and self.now_is["probe"] > -math.inf

    def allow(self, now):
        what = self.state(now)
        if what == "half-open":
            if now - self.now_is["probe"] < self.of["open_s"]:
                return False
            self.now_is["probe"] = now
        return what != "open"

    def _set(self, closed, opened=-math.inf):
        self.now_is = {"row": 0, "opened": opened, "probe": -math.inf, "closed": closed}

    def succeeded(self, now):
        if self.now_is["closed"] or self._probing():
            self._set(True)

    def failed(self, now):
        if self._probing():
            self._set(False, now)
        elif self.now_is["closed"]:
            self.now_is["row"] += 1
            if self.now_is["row"] >= self.of["failures"]:
                self._set(False, now)

# %% wrong "everybody passes when it is half-open" points=0
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state != "open"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.state(now) == "closed" or self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.opened, self.probe = now, None

# %% wrong "failures need not be in a row" points=0
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.opened, self.probe = now, None

# %% wrong "a success closes it at any time" points=0
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if True:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.opened, self.probe = now, None

# %% wrong "failures while open make it stay open" points=0
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.state(now) == "closed" or self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        else:
            self.opened, self.probe = now, None

# %% wrong "a lost probe locks it" points=0
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and self.probe is None:
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.state(now) == "closed" or self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.opened, self.probe = now, None

# %% wrong "the probe's failure does not open it anew" points=0
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.state(now) == "closed" or self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.probe = None

# %% wrong "one failure too many is needed" points=0 also="gateway:13"
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        return "half-open" if now - self.opened >= self.open_s else "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.state(now) == "closed" or self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count > self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.opened, self.probe = now, None

# %% wrong "asking for the state uses up the probe" points=0 also="gateway:13"
class CircuitBreaker:
    """Keeps requests from a back end that fails, and finds out when it is back."""

    def __init__(self, failures, open_s):
        self.failures, self.open_s = failures, open_s
        self.count, self.opened, self.probe = 0, None, None

    def state(self, now):
        """ "closed", "open" or "half-open"."""
        if self.opened is None:
            return "closed"
        if now - self.opened >= self.open_s:
            self.probe = now if self.probe is None else self.probe
            return "half-open"
        return "open"

    def allow(self, now):
        """Whether a request may be tried now."""
        state = self.state(now)
        if state == "half-open" and (self.probe is None or now - self.probe >= self.open_s):
            self.probe = now
            return True
        return state == "closed"

    def succeeded(self, now):
        """A request that was tried went well."""
        if self.state(now) == "closed" or self.probe is not None:
            self.count, self.opened, self.probe = 0, None, None

    def failed(self, now):
        """A request that was tried failed."""
        if self.state(now) == "closed":
            self.count += 1
            if self.count >= self.failures:
                self.opened, self.probe = now, None
        elif self.probe is not None:
            self.opened, self.probe = now, None
