"""What a quiz shows in a notebook: its options in an order of the student's own, radio buttons, an exam's clock.

All of it is a convenience. The answer is the text of the answer cell, which JupyterLab, Colab's form, VS Code and a program
that runs notebooks keep alike; where a widget cannot be drawn, the words that stand in its place say the same.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from servelab import paths
from servelab.course.live import is_grading
from servelab.course.quiz import ANSWER_LINE
from servelab.errors import CourseError

_HERE = Path(__file__).parent
_CSS = """
.servelab-radio { border: 1px solid var(--jp-border-color2, #bbb); border-radius: 4px; max-width: 60em; }
.servelab-radio label { display: flex; gap: 0.6em; padding: 0.25em 0.4em; align-items: baseline; }
.servelab-radio label:hover { background: var(--jp-layout-color2, #eee); }
.servelab-radio label:has(:focus-visible) { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: -2px; border-radius: 4px; }
.servelab-radio code { background: var(--jp-layout-color2, #eee); border-radius: 2px; padding: 0 0.3em; }
"""
#: Texts of the options that were shown, by the variable that holds the answer.
_shown: dict[str, dict[str, str]] = {}


def student() -> str:
    """Who works here, as far as an order of options needs to know."""
    named = os.environ.get("JUPYTERHUB_USER") or os.environ.get("NB_USER")
    try:
        return named or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.getuid())


def own_order(name: str, options: dict[str, str]) -> dict[str, str]:
    """The options in this student's order, the same whenever they look."""
    who = student()
    return dict(
        sorted(options.items(), key=lambda o: hashlib.sha256(f"{who}/{name}/{o[0]}".encode()).hexdigest())
    )


def options(name: str, texts: dict[str, str]) -> None:
    """Show a question's options, shuffled for this student, with the names that stand for them."""
    from IPython.display import display

    _shown[name] = own_order(name, texts)
    lines = [(option, text) for option, text in _shown[name].items()]
    display(
        {
            "text/markdown": "\n".join(f"- `{option}`: {text}" for option, text in lines),
            "text/plain": "\n".join(f"- {option}: {text}" for option, text in lines),
        },
        raw=True,
    )


def timer(minutes: int, exam: str) -> None:
    """Show how much of an exam's time has passed since it was first opened. It informs, and locks nothing."""
    if is_grading():
        return
    began = _began(exam)
    if not _in_jupyter():
        print(f"{minutes} minutes are meant for this exam; nothing is locked when they are over.")
        return
    _display(_countdown(minutes, began), f"{minutes} minutes are meant for this exam.")


def _began(exam: str) -> float:
    """When an exam was first opened here; now, if it was not."""
    known: dict[str, float] = {}
    try:
        path = paths.work_dir() / ".servelab" / "exams.json"
        known = {str(name): float(began) for name, began in json.loads(path.read_text("utf-8")).items()}
    except CourseError:
        return time.time()
    except (OSError, ValueError, TypeError, AttributeError):
        pass  # there is no such file yet, or somebody has spoilt it: the clock begins now
    if exam not in known:
        known[exam] = time.time()
        with contextlib.suppress(OSError):  # a folder that may not be written: it begins anew each time
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(known), encoding="utf-8")
    return known[exam]


def register(shell: Any) -> None:
    """From here on, an answer cell of a quiz that is run while it is empty shows radio buttons."""
    unregister(shell)
    shell.events.register("post_run_cell", radio_below)


def unregister(shell: Any) -> None:
    """Take it out again (also an older copy of it, after a reload)."""
    for callback in list(shell.events.callbacks["post_run_cell"]):
        if getattr(callback, "__name__", "") == radio_below.__name__:
            shell.events.unregister("post_run_cell", callback)


def radio_below(result: Any) -> None:
    """After a cell has run: radio buttons, if it is a quiz's answer cell and nothing is chosen yet."""
    text = getattr(result.info, "raw_cell", None) or ""
    line = ANSWER_LINE.match(text.strip())
    if line is None or line["value"] != '""' or is_grading() or not _in_jupyter():
        return
    # A lab lists its options above the cell, by these names and in this order; an exam's were shown by `options`.
    names = {name: f"`{name}`" for name in json.loads(line["options"]) if name}
    shown = _shown.get(line["name"], names)
    if shown.keys() != names.keys():
        shown = names
    widget = _radio(line["name"], shown, f'{line["name"]} = "@"  #@param {line["options"]}')
    _display(widget, "Put the name of the best answer between the quotes.")


def _in_jupyter() -> bool:
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _display(widget: Any, instead: str) -> None:
    """Show a widget, with words for whatever cannot draw it."""
    from IPython.display import display

    data = widget._repr_mimebundle_()
    bundle, metadata = data if isinstance(data, tuple) else (data, {})
    display({**bundle, "text/plain": instead}, metadata=metadata, raw=True)


def _radio(name: str, shown: dict[str, str], line: str) -> Any:
    import anywidget
    import traitlets

    class Radio(anywidget.AnyWidget):
        """Radio buttons whose choice is written into the cell above, and bound in the kernel once it stands there."""

        _esm = _HERE / "radio.js"
        _css = _CSS
        name = traitlets.Unicode().tag(sync=True)
        line = traitlets.Unicode().tag(sync=True)
        options = traitlets.List().tag(sync=True)
        value = traitlets.Unicode().tag(sync=True)

    def bind(change: Any) -> None:
        from IPython import get_ipython

        if change["new"] in shown:
            get_ipython().user_ns[name] = change["new"]

    radio = Radio(name=name, line=line, options=[list(pair) for pair in shown.items()])
    radio.observe(bind, "value")
    return radio


def _countdown(minutes: int, began: float) -> Any:
    import anywidget
    import traitlets

    class Countdown(anywidget.AnyWidget):
        """The minutes since an exam was opened."""

        _esm = _HERE / "countdown.js"
        minutes = traitlets.Int().tag(sync=True)
        began = traitlets.Float().tag(sync=True)

    return Countdown(minutes=minutes, began=began)
