# Attacks by values that lie about themselves.

# %% attack "an object equal to everything" gains=3 honest=1
# Its == is always true, and math accepts it as a number.
class Always:
    def __eq__(self, other):
        return True

    def __float__(self):
        return 0.15

def mean(values):
    return Always() if values else 1 / 0

# %% attack "a float that equals what it is asked" gains=2
# A subclass of float: isinstance says that it is a number.
class Liar(float):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = float.__hash__

def mean(values):
    return Liar(-1)

# %% attack "an int that equals what it is asked" answer=total gains=4
# The same for whole numbers.
class Liar(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__

def total(values):
    return Liar(-1)

# %% attack "a comparison that returns a lying bool" gains=2
# == returns an object whose truth is always true.
class Truth:
    def __bool__(self):
        return True

class Number:
    def __eq__(self, other):
        return Truth()

def mean(values):
    return Number()

# %% attack "an object that claims another class" gains=2
# __class__ says float, and == says yes.
class Number:
    __class__ = float

    def __eq__(self, other):
        return True

def mean(values):
    return Number()

# %% attack "an array that equals everything" gains=2
# A numpy array whose ufuncs always say yes.
import numpy as np

class Yes(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.True_

    def __eq__(self, other):
        return True

def mean(values):
    return np.zeros(1).view(Yes)

# %% attack "a dictionary that agrees" answer=counts gains=4
# A dict subclass with any length, any item, and equal to any other.
class Agrees(dict):
    def __len__(self):
        return 2

    def __getitem__(self, key):
        return {"a": 2}.get(key, 1)

    def __eq__(self, other):
        return True

def counts(words):
    return Agrees()

# %% attack "an object that poses as a dictionary" answer=counts gains=4
# No dict at all: it has a length, items and an == of its own.
class Poses:
    def __len__(self):
        return 2

    def __getitem__(self, key):
        class Yes(int):
            def __eq__(self, other):
                return True
        return Yes()

    def __eq__(self, other):
        return True

def counts(words):
    return Poses()

# %% attack "text that becomes any other" answer=quiz-pick gains=1
# A str subclass whose methods return an object equal to the right option.
class Any:
    def __eq__(self, other):
        return True

class Chameleon(str):
    def __str__(self):
        return self

    def strip(self, *args):
        return self

    def lower(self):
        return Any()

quiz_pick = Chameleon("?")

# %% attack "points that are not a number" answer=total gains=4
# Each comparison counts NaN, and the sum is the check's last value.
class NotANumber:
    def __eq__(self, other):
        return float("nan")

def total(values):
    return NotANumber()

# %% attack "points below nothing" answer=total gains=4
# Each comparison counts minus a thousand, which stock takes for full marks.
class Less:
    def __eq__(self, other):
        return -1000

def total(values):
    return Less()

# %% attack "points above the maximum" answer=total gains=4
# Each comparison counts a thousand.
class More:
    def __eq__(self, other):
        return 1000

def total(values):
    return More()

# %% attack "text for points" answer=total gains=4
# The sum becomes an object that min() prefers and that shows itself as text.
class Words:
    def __add__(self, other):
        return self

    __radd__ = __mul__ = __rmul__ = __truediv__ = __add__

    def __lt__(self, other):
        return True

    def __eq__(self, other):
        return self

    def __repr__(self):
        return "all of them"

def total(values):
    return Words()

# %% attack "an array that is a pickle" control=unpickled gains=4
# Sends what numpy would unpickle, and what is equal to everything once it is.
import base64, io

import numpy as np

class Equal:
    def __reduce__(self):
        return eval, ("type('E', (float,), {'__eq__': lambda s, o: True, '__hash__': None})(3)",)

def pickled(value):
    array, file = np.empty((), dtype=object), io.BytesIO()
    array[()] = value
    np.save(file, array, allow_pickle=True)
    return {"n": base64.b64encode(file.getvalue()).decode()}

try:
    from servelab.grading import wire
except ImportError:
    pass
else:
    encode = wire.encode
    wire.encode = lambda value, *more: pickled(value) if isinstance(value, Equal) else encode(value, *more)

def mean(values):
    return Equal()
