# Attacks that use up memory, processes, disk, files, or the reader's patience.

# %% attack "one long line" honest=5 floods
# 5 MB without a line break, which a limit on lines lets through.
print("x" * 5_000_000)
def mean(values):
    return sum(values) / len(values)

# %% attack "a long line inside a check" honest=5 floods
# The same while the check runs.
def mean(values):
    print("x" * 5_000_000)
    return sum(values) / len(values)

# %% attack "a long error" honest=1 floods
# An exception with 2 MB of text.
def mean(values):
    raise ValueError("x" * 2_000_000)

# %% attack "a long value" honest=4 answer=total floods
# A cell whose last value is 5 MB of text.
def total(values):
    return sum(values)

class Long:
    def __repr__(self):
        return "x" * 5_000_000

Long()

# %% attack "many outputs" honest=5 floods
# 100 small outputs that add up.
for _ in range(100):
    display("x" * 20_000)
def mean(values):
    return sum(values) / len(values)

# %% attack "a hundred processes" control=processes=1000 honest=5 shows="100 processes run"
# Starts processes that sleep; more than the limit, few enough for this machine.
import os, signal, time

started = []
for _ in range(100):
    try:
        child = os.fork()
    except OSError:
        break
    if child == 0:
        time.sleep(5)
        os._exit(0)
    started.append(child)
print(len(started), "processes run")
for child in started:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
def mean(values):
    return sum(values) / len(values)

# %% attack "a hundred threads" control=processes=1000 honest=5 shows="100 threads run"
# The same with threads.
import threading, time

count = 0
for _ in range(100):
    try:
        threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
    except RuntimeError:
        break
    count += 1
print(count, "threads run")
def mean(values):
    return sum(values) / len(values)

# %% attack "a large block of memory" control=memory_mb=4000 honest=5 shows="1000 MB are held"
# Takes memory of its own, and touches each page of it.
import time

held = [bytearray(b"x" * (10 << 20)) for _ in range(100)]
time.sleep(1)
print(len(held) * 10, "MB are held")
del held
def mean(values):
    return sum(values) / len(values)

# %% attack "memory spread over children" control=memory_mb=4000 honest=5 shows="1000 MB are held"
# No process is large, all of them together are.
import os, time

reader, writer = os.pipe()
for _ in range(10):
    if os.fork() == 0:
        held = b"x" * (100 << 20)
        os.write(writer, b"x")
        time.sleep(2)
        os._exit(0)
time.sleep(1.5)
print(len(os.read(reader, 100)) * 100, "MB are held")
def mean(values):
    return sum(values) / len(values)

# %% attack "shared memory" control=memory_mb=4000 honest=5 shows="1000 MB are held"
# Memory that is shared with nobody, but counted as shared.
import mmap, time

held = []
for _ in range(10):
    held.append(mmap.mmap(-1, 100 << 20))
    for start in range(0, 100 << 20, 1 << 20):
        held[-1][start:start + (1 << 20)] = b"x" * (1 << 20)
time.sleep(1)
print(len(held) * 100, "MB are held")
del held
def mean(values):
    return sum(values) / len(values)

# %% attack "files in memory, without a name" honest=5 shows="200 MB are written"
# memfd_create makes files that no file system counts.
import os

held, written = [], 0
try:
    for _ in range(20):
        held.append(os.memfd_create("held"))
        written += os.write(held[-1], b"x" * (10 << 20)) >> 20
except OSError:
    pass
print(written, "MB are written")
for descriptor in held:
    os.close(descriptor)
def mean(values):
    return sum(values) / len(values)

# %% attack "a disk in a namespace of its own" honest=5 shows="100 MB are written"
# Becomes root of a user namespace of its own and mounts a file system without a limit.
import subprocess

script = "mount -t tmpfs none /tmp && cd /tmp && for i in 1 2 3 4 5 6 7 8 9 10; do head -c 10485760 /dev/zero > $i || exit 1; done; echo 100 MB are written"
done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script], capture_output=True, text=True)
print(done.stdout if done.returncode == 0 else "")
def mean(values):
    return sum(values) / len(values)

# %% attack "a full disk" control=disk_mb=400 honest=5 shows="200 MB are written"
# Writes files until there is no room.
import os

written = 0
try:
    for number in range(20):
        with open(f"{os.environ['TMPDIR']}/{number}", "wb") as file:
            file.write(b"x" * (10 << 20))
        written += 10
except OSError:
    pass
for number in range(20):
    if os.path.exists(f"{os.environ['TMPDIR']}/{number}"):
        os.unlink(f"{os.environ['TMPDIR']}/{number}")
print(written, "MB are written")
def mean(values):
    return sum(values) / len(values)

# %% attack "one large file" control=file_mb=100 honest=5 shows="a file of 40 MB"
# A single file beyond what a file may have.
import os, signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with open(f"{os.environ['TMPDIR']}/large", "wb") as file:
        file.write(b"x" * (40 << 20))
    print("a file of", os.path.getsize(f"{os.environ['TMPDIR']}/large") >> 20, "MB")
except OSError:
    pass
if os.path.exists(f"{os.environ['TMPDIR']}/large"):
    os.unlink(f"{os.environ['TMPDIR']}/large")
def mean(values):
    return sum(values) / len(values)

# %% attack "a thousand open files" control=open_files=4000 honest=5 shows="1000 files are open"
# Opens descriptors until there are no more.
import os

held = []
try:
    for _ in range(1000):
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for descriptor in held:
    os.close(descriptor)
print(len(held), "files are open")
def mean(values):
    return sum(values) / len(values)

# %% attack "shared memory of System V" honest=5 shows="20 segments are kept"
# Segments that belong to no process, and to no file system.
import ctypes

libc = ctypes.CDLL(None)
held = [libc.shmget(0, 1 << 20, 0o1600) for _ in range(20)]
held = [segment for segment in held if segment >= 0]
print(len(held), "segments are kept")
for segment in held:
    libc.shmctl(segment, 0, None)
def mean(values):
    return sum(values) / len(values)
