"""One person's shell for nbgrader: reads a command a line, runs it in this process, answers with its status and output.

A new process for each command would spend most of a test's time on imports.
"""

import json
import os
import sys
import tempfile

from nbgrader.apps import NbGraderApp


def run(arguments: list[str]) -> tuple[int, str]:
    """Run `nbgrader ...` here; what it and its children print, and its exit status."""
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        try:
            NbGraderApp.clear_instance()
            NbGraderApp.launch_instance(arguments)
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
        output.seek(0)
        return status, output.read().decode(errors="replace")


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
