# %% right "a list, searched at every get"
class FairQueue:
    def __init__(self, ageing_s):
        self.ageing_s = ageing_s
        self.waiting = []

    def put(self, item, priority, now):
        self.waiting.append([item, priority, now])

    def get(self, now):
        if not self.waiting:
            raise IndexError("nobody waits")
        best = 0
        for place in range(1, len(self.waiting)):
            if self._standing(place, now) < self._standing(best, now) - 1e-12:
                best = place
        return self.waiting.pop(best)[0]

    def _standing(self, place, now):
        _, priority, since = self.waiting[place]
        return priority - (now - since) / self.ageing_s

    def __len__(self):
        return len(self.waiting)

# %% right "kept in order with bisect"
import bisect


class FairQueue:
    def __init__(self, ageing_s):
        self.ageing_s = ageing_s
        self.keys, self.items = [], []

    def put(self, item, priority, now):
        key = now + priority * self.ageing_s
        place = bisect.bisect_right(self.keys, key)
        self.keys.insert(place, key)
        self.items.insert(place, item)

    def get(self, now):
        if len(self.items) == 0:
            raise IndexError("empty")
        self.keys.pop(0)
        return self.items.pop(0)

    def __len__(self):
        return len(self.items)

# %% wrong "compares the items on a tie" points=0
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (priority + now / self.ageing_s, item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[1]

    def __len__(self):
        return len(self.heap)

# %% wrong "no ageing" points=0 also="gateway:14"
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (priority, next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2]

    def __len__(self):
        return len(self.heap)

# %% wrong "a larger number is more urgent" points=0 also="gateway:14"
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (-priority + now / self.ageing_s, next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2]

    def __len__(self):
        return len(self.heap)

# %% wrong "first come, first served" points=0 also="gateway:14"
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (now, next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2]

    def __len__(self):
        return len(self.heap)

# %% wrong "ageing the wrong way round" points=0 also="gateway:14"
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (priority - now / self.ageing_s, next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2]

    def __len__(self):
        return len(self.heap)

# %% wrong "of equal ones the last" points=0
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (priority + now / self.ageing_s, -next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2]

    def __len__(self):
        return len(self.heap)

# %% wrong "ageing in whole steps, counted when it came" points=0
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (priority + now // self.ageing_s, next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2]

    def __len__(self):
        return len(self.heap)

# %% wrong "None where nobody waits" points=0
class FairQueue:
    """The most urgent first, and waiting makes urgent."""

    def __init__(self, ageing_s):
        self.ageing_s, self.heap, self.numbers = ageing_s, [], itertools.count()

    def put(self, item, priority, now):
        """Have an item wait from now on."""
        # All age alike, so who is ahead stays ahead, and a number that never changes says who.
        heapq.heappush(self.heap, (priority + now / self.ageing_s, next(self.numbers), item))

    def get(self, now):
        """Take out the item that is next."""
        return heapq.heappop(self.heap)[2] if self.heap else None

    def __len__(self):
        return len(self.heap)
