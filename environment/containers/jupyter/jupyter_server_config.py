"""JupyterLab in a container: a person's own files are the home folder, the course lies read-only in /opt."""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter puts it there

home, work = Path.home(), Path.home() / "work"
work.mkdir(exist_ok=True)
# Every address of the container; which of the machine's reach it is for its ports to say (compose.yaml: loopback only).
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port = 8888
c.ServerApp.port_retries = 0
root = Path(os.environ.get("SERVELAB_SERVER_ROOT") or home)
c.ServerApp.root_dir = str(root)
c.FileContentsManager.preferred_dir = str(work.relative_to(root))
# Named, it is not started as a login shell, which would set PATH anew.
c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash"]}
