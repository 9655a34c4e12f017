# Attacks that get out: to the network, to this machine's other processes and files, or beyond the end of the grading.

# %% attack "the network" honest=5 reads
# Connects to a server on this machine, as it would to any other.
import socket

try:
    with socket.create_connection(("127.0.0.1", @PORT@), timeout=2) as server:
        print(server.recv(100))
except OSError:
    pass
def mean(values):
    return sum(values) / len(values)

# %% attack "a socket in a folder" honest=5 reads
# Connects to a Unix socket of this machine.
import socket

try:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect("@SCRATCH@/door")
        print(server.recv(100))
except OSError:
    pass
def mean(values):
    return sum(values) / len(values)

# %% attack "a socket without a folder" honest=5 reads
# An abstract Unix socket needs no path.
import socket

try:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect("\0@ABSTRACT@")
        print(server.recv(100))
except OSError:
    pass
def mean(values):
    return sum(values) / len(values)

# %% attack "a detached child" honest=5 leaves=process
# A session of its own outlives the kernel.
import subprocess, sys

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], start_new_session=True)
def mean(values):
    return sum(values) / len(values)

# %% attack "a daemon that forks twice" honest=5 leaves=process
# Nobody's child any more, with its signals ignored.
import os, signal, time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for descriptor in range(256):
            try:
                os.close(descriptor)
            except OSError:
                pass
        time.sleep(30)
    os._exit(0)
os.wait()
def mean(values):
    return sum(values) / len(values)

# %% attack "a child started inside a check" leaves=process honest=5
# Waits with it until the check calls.
import subprocess, sys

def mean(values):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], start_new_session=True)
    return sum(values) / len(values)

# %% attack "a server that stays" honest=5 leaves="a socket"
# Listens for whoever comes after it.
import subprocess, sys

server = "import socket, time; s = socket.socket(socket.AF_UNIX); s.bind(chr(0) + 'left-@TOKEN@'); s.listen(); print('x', flush=True); time.sleep(30)"
child = subprocess.Popen([sys.executable, "-c", server], start_new_session=True, stdout=subprocess.PIPE)
child.stdout.read(1)
def mean(values):
    return sum(values) / len(values)

# %% attack "a file in a shared folder" honest=5 leaves=file
# Leaves a note for the next submission in /tmp, /var/tmp and shared memory.
for folder in ("/tmp", "/var/tmp", "/dev/shm"):
    try:
        with open(f"{folder}/note-@TOKEN@", "w") as file:
            file.write("3, and then 73")
    except OSError:
        pass
def mean(values):
    return sum(values) / len(values)

# %% attack "a module for the next Python" honest=5 leaves=file
# Python imports usercustomize by itself, whoever starts it next.
import pathlib

for home in ("@SCRATCH@/home", str(pathlib.Path.home())):
    try:
        folder = pathlib.Path(home) / ".local/lib/python3.11/site-packages"
        folder.mkdir(parents=True)
        (folder / "usercustomize.py").write_text("print('here I am again')")
    except OSError:
        pass
def mean(values):
    return sum(values) / len(values)

# %% attack "rights changed" honest=5 changes
# Takes away everybody's right to read the gradebook.
import os

try:
    os.chmod("@SCRATCH@/gradebook.db", 0)
except OSError:
    pass
def mean(values):
    return sum(values) / len(values)

# %% attack "a note in the kernel's keyring" honest=5 shows="a key is kept"
# The session's keyring is inherited by every process, and outlives them.
import ctypes, platform

libc = ctypes.CDLL(None)
add_key, keyctl = (248, 250) if platform.machine() == "x86_64" else (217, 219)
key = libc.syscall(add_key, b"user", b"note-@TOKEN@", b"3, and then 73", 14, -3)
if key > 0 and libc.syscall(keyctl, 10, -3, b"user", b"note-@TOKEN@", 0) == key:
    print("a key is kept")
    libc.syscall(keyctl, 9, key, -3)
def mean(values):
    return sum(values) / len(values)

# %% attack "a namespace of its own" honest=5 shows="root in a namespace"
# Becomes root where it has made the rules, with all that root may ask of the kernel.
import subprocess

done = subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "sh", "-c", "test $(id -u) = 0 && echo root in a namespace"], capture_output=True, text=True)
print(done.stdout)
def mean(values):
    return sum(values) / len(values)
