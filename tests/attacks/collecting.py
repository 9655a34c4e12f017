# Attacks by what is handed in, before any of it runs.

# %% attack "a link to another submission" answer=files gains=14
# The notebook is a link to the one of somebody who did the work.
def hand_in(folder, notebook, scratch):
    (folder / "01-attacked.ipynb").symlink_to(scratch / "submitted/alice/01-attacked.ipynb")

# %% attack "a link under another name" answer=files gains=14
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

# %% attack "a grade id used twice" answer=files honest=14 stops
# Two cells claim to be the same answer.
import copy

def hand_in(folder, notebook, scratch):
    import nbformat

    again = copy.deepcopy(notebook.cells[2])
    again.id = "again"
    notebook.cells.append(again)
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "another kernel" answer=files honest=14 stops
# The notebook asks for a kernel that is not there.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.metadata.kernelspec.name = "nobody-has-this"
    nbformat.write(notebook, folder / "01-attacked.ipynb")

# %% attack "half a character in an answer" answer=files honest=9 stops
# JSON can hold what UTF-8 cannot.
def hand_in(folder, notebook, scratch):
    import json

    notebook.cells[2].source = "def mean(values):\n    return '\ud800'"
    (folder / "01-attacked.ipynb").write_text(json.dumps(notebook))

# %% attack "a cell too deep to be parsed" answer=files honest=14 control=parsed stops
# An added cell with 60,000 signs before a number.
def hand_in(folder, notebook, scratch):
    import nbformat

    notebook.cells.insert(1, nbformat.v4.new_code_cell("x = " + "-" * 60_000 + "1"))
    nbformat.write(notebook, folder / "01-attacked.ipynb")
