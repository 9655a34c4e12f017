"""nbgrader's Validate, run in a process of its own.

Stock nbgrader runs the whole notebook inside the server's only thread: every tab freezes meanwhile. It also
sets NBGRADER_EXECUTION in the server's own environment, and leaves it there when a run breaks off: every
kernel started from then on would skip its live cells.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

TIMEOUT_S = 300.0
_MARK = "servelab-validation:"


async def validate(notebook: Path, cwd: Path, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Run a notebook's visible checks without blocking the caller's event loop.

    Args:
        notebook: the student's notebook.
        cwd: where `nbgrader_config.py` lies.
        timeout_s: seconds after which the run is killed.

    Returns:
        What nbgrader's own handler answers: `{"success": bool, "value": results or message}`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "servelab.jupyter.validate",
        str(notebook),
        cwd=cwd,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    except (TimeoutError, asyncio.CancelledError) as stopped:
        _kill_group(process.pid)
        await process.wait()
        if isinstance(stopped, asyncio.CancelledError):
            raise
        return _failure(
            f"Validation of {notebook.name} did not finish in {timeout_s:.0f} s and was stopped. A cell that "
            "waits for ever, or an endless loop, is the usual reason: run the notebook cell by cell to find it."
        )
    for line in out.decode(errors="replace").splitlines():
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    tail = err.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
    return _failure(f"Validation of {notebook.name} could not run: {tail[0]}")


def _failure(message: str) -> dict[str, Any]:
    return {"success": False, "value": message}


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _run(notebook: Path) -> dict[str, Any]:
    from nbgrader.apps import NbGrader
    from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError
    from nbgrader.validator import Validator

    app = NbGrader()
    app.load_config_file()
    try:
        return {"success": True, "value": Validator(config=app.config).validate(str(notebook))}
    except FileNotFoundError:
        return _failure(f"{notebook.name} is not there any more: save it, then validate again.")
    except (SchemaTooOldError, SchemaTooNewError):
        return _failure(f"{notebook.name} was made for another nbgrader version: fetch the lab again.")
    except Exception as error:
        return _failure(f"{notebook.name} could not be validated: {type(error).__name__}: {error}")


if __name__ == "__main__":
    print(_MARK + json.dumps(_run(Path(sys.argv[1]))), flush=True)
