# Attacks by what is handed in, before any of it runs.

# %% attack "a link to another submission" answer=files gains=16
# The notebook is a link to the one of somebody who did the work.
def hand_in(folder, notebook, scratch):
    (folder / "01-attacked.ipynb").symlink_to(scratch / "submitted/alice/01-attacked.ipynb")

# %% attack "a link under another name" answer=files gains=16
# The same, next to nothing else.
def hand_in(folder, notebook, scratch):
    (folder / "01-attacked.ipynb").symlink_to(folder / "other.ipynb")
    (folder / "other.ipynb").symlink_to(scratch / "submitted/alice/01-attacked.ipynb")

# %% attack "a link to a secret" answer=files stops
# The notebook is a link to a private file, which an error message might quote.
def hand_in(folder, notebook, scratch):
    (folder / "01-attacked.ipynb").symlink_to(scratch / "home/.token")

# %% attack "a file nested without end" answer=files stops
# 200,000 opening brackets.
def hand_in(folder, notebook, scratch):
    (folder / "01-attacked.ipynb").write_text("[" * 200_000)

# %% attack "no notebook but bytes" answer=files stops
# Neither JSON nor text.
def hand_in(folder, notebook, scratch):
    (folder / "01-attacked.ipynb").write_bytes(bytes(range(256)) * 100)

# %% attack "a grade id used twice" answer=files honest=16 stops
# Two cells claim to be the same answer.
import copy

def hand_in(folder, notebook, scratch):
    import nbformat

    again = copy.deepcopy(notebook.cells[2])
    again.id = "again"
    notebook.cells.append(again)
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "another kernel" answer=files honest=16 stops
# The notebook asks for a kernel that is not there.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.metadata.kernelspec.name = "nobody-has-this"
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "half a character in an answer" answer=files honest=11 stops
# JSON can hold what UTF-8 cannot.
def hand_in(folder, notebook, scratch):
    import json

    notebook.cells[2].source = "def mean(values):\n    return '\ud800'"
    (folder / "01-attacked.ipynb").write_text(json.dumps(notebook))

# %% attack "a cell too deep to be parsed" answer=files honest=16 control=parsed stops
# An added cell with 60,000 signs before a number.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.cells.insert(1, nbformat.v4.new_code_cell("x = " + "-" * 60_000 + "1"))
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "a link in the inbox to the instructor's notebook" answer=files door=inbox gains=16
# The exchange's inbox can be written to without nbgrader, and what it copies it copies from where a link leads.
def hand_in(inbox, notebook, scratch):
    folder = inbox / "mallory+01-attacked+2026-01-02 03:04:05 UTC+abc"
    folder.mkdir()
    (folder / "01-attacked.ipynb").symlink_to(scratch / "source/01-attacked.ipynb")

# %% attack "a folder in the inbox that is somebody else's" answer=files door=inbox gains=16
# The whole submission is a link to the folder of somebody who did the work.
def hand_in(inbox, notebook, scratch):
    (inbox / "mallory+01-attacked+2026-01-02 03:04:05 UTC+abc").symlink_to(scratch / "submitted/alice")

# %% attack "a date that is none" answer=files door=inbox stops
# A folder in the inbox with a name that cannot be read as student, lab and time.
def hand_in(inbox, notebook, scratch):
    (inbox / "mallory+01-attacked+yesterday+abc").mkdir()

# %% attack "a pipe in the inbox" answer=files door=inbox stops
# Reading it never ends, and copying it is refused.
import os

def hand_in(inbox, notebook, scratch):
    folder = inbox / "mallory+01-attacked+2026-01-02 03:04:05 UTC+abc"
    folder.mkdir()
    os.mkfifo(folder / "01-attacked.ipynb")

# %% attack "a folder too large to collect" answer=files door=inbox stops
# 300 MB beside the notebook, which end nbgrader's command for everyone.
def hand_in(inbox, notebook, scratch):
    folder = inbox / "mallory+01-attacked+2026-01-02 03:04:05 UTC+abc"
    folder.mkdir()
    with (folder / "notes.txt").open("wb") as file:
        file.truncate(300_000_000)

# %% attack "an archive that leads upwards" answer=files door=archive control=joined leaves=file
# A member of a zip file is called as if it were two folders up.
import zipfile

def hand_in(folder, notebook, scratch):
    with zipfile.ZipFile(folder / "mallory.zip", "w") as archive:
        archive.writestr("../outside/slipped-@TOKEN@", "x")

# %% attack "a bomb" answer=files door=archive leaves=bytes
# 120 MB of nothing in a zip file of 120 KB.
import zipfile

def hand_in(folder, notebook, scratch):
    with zipfile.ZipFile(folder / "mallory.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(120_000_000))

# %% attack "bombs in a bomb" answer=files door=archive leaves=bytes
# The same one level down, where nbgrader unpacks as well.
import io, zipfile

def hand_in(folder, notebook, scratch):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(60_000_000))
    with zipfile.ZipFile(folder / "mallory.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(3):
            archive.writestr(f"inner-{n}.zip", inner.getvalue())

# %% attack "a damaged archive" answer=files door=archive stops
# It begins as a zip file and is none; nbgrader's command ends there.
def hand_in(folder, notebook, scratch):
    (folder / "mallory.zip").write_bytes(b"PK\x03\x04" + bytes(100))
