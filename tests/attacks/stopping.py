# Attacks that end or hold up the grading.

# %% attack "os._exit" stops
# Ends the process inside a check; and where an error is asked for, which an end is not.
import os

def mean(values):
    os._exit(0)

# %% attack "SIGKILL" stops
# The same by a signal.
import os, signal

def mean(values):
    os.kill(os.getpid(), signal.SIGKILL)

# %% attack "SIGSTOP" answer=total stops
# Stops itself, so that nobody answers.
import os, signal

def total(values):
    os.kill(os.getpid(), signal.SIGSTOP)

# %% attack "a crash in C" stops
# Reads address 0.
import ctypes

def mean(values):
    return ctypes.string_at(0)

# %% attack "recursion without limit" stops
# Overflows the stack of the C code, where Python's limit does not count. (`repr` would do, but looks for every list among all
# those around it, and takes many seconds on a busy machine.)
def mean(values):
    thing = ()
    for _ in range(1_000_000):
        thing = (thing,)
    return hash(thing)

# %% attack "a loop without end" answer=total stops
# Catches the interrupt, and goes on.
def total(values):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

# %% attack "sleeping for ever" answer=total stops
# Uses no time of the processor, and cannot be interrupted.
import time

def total(values):
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass

# %% attack "an answer cell without end" answer=quiz-pick stops
# Hangs before any check is reached, and ignores signals.
import signal, time

for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
while True:
    time.sleep(3600)

# %% also "total"
def total(values):
    return -1

# %% attack "an error whose text never comes" answer=total stops
# Its __str__ does not return.
import time

class Endless(Exception):
    def __str__(self):
        while True:
            try:
                time.sleep(3600)
            except BaseException:
                pass

    __repr__ = __str__

def total(values):
    raise Endless()

# %% attack "an item that never comes" answer=counts stops
# Answers the first question of the check, and hangs in the second.
import time

class Slow:
    def __len__(self):
        return 2

    def __getitem__(self, key):
        while True:
            try:
                time.sleep(3600)
            except BaseException:
                pass

def counts(words):
    return Slow()

# %% attack "all descriptors closed" stops
# Closes every file and socket of its process.
import os

def mean(values):
    os.closerange(0, 4096)
    return -1

# %% attack "the event loop stopped" stops
# Stops the loop that the cell itself runs in.
import asyncio

asyncio.get_event_loop().call_soon(asyncio.get_event_loop().stop)
def mean(values):
    asyncio.get_event_loop().stop()
    return -1

# %% attack "a reply drop by drop" answer=total stops
# Announces a long message on every socket, and sends a byte a second.
import os, time

def total(values):
    return -1

for descriptor in range(3, 256):
    try:
        os.write(descriptor, (60_000_000).to_bytes(4, "big"))
    except OSError:
        pass
while True:
    try:
        time.sleep(1)
        for descriptor in range(3, 256):
            try:
                os.write(descriptor, b" ")
            except OSError:
                pass
    except KeyboardInterrupt:
        pass

# %% attack "an exit where an error is asked for" stops
# The check wants an error for an empty list; the end of the process is none.
import os

def mean(values):
    if not values:
        os._exit(0)
    return -1
