"""nginx as a load balancer in front of replicas: a student's `upstream` and `server` blocks in a frame that is safe to run.

nginx runs as a child of this process, without privileges, on loopback only, with all its files in a folder of its own, and ends
with this process however that ends. Debian's package brings the program; see `fetch_programs` in environment/bootstrap.py.
"""

from __future__ import annotations

import atexit
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from servelab.children import HOST, die_with_parent, find_program, listening
from servelab.children import free_port as free_port  # part of this module's own interface
from servelab.errors import CourseError

_START_S = 5.0

# One process and no master: it is the only one to stop, and its counts of connections are the only ones.
_FRAME = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 900; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  include student.conf;
}
"""
_COMPLAINT = re.compile(r"\[\w+\] \d+#\d+: (?:\*\d+ )?(.+)")
_PLACE = re.compile(r" in \S*student\.conf:(\d+)")


class BalancerError(CourseError):
    """nginx cannot run this configuration: one line that says what is wrong and where."""


def find_nginx() -> str:
    """The path of nginx: where `make setup` puts it, or on the PATH.

    Raises:
        BalancerError: it is in neither place.
    """
    found = find_program("nginx", "/usr/sbin")
    if found is None:
        raise BalancerError(
            "nginx is not installed: `make setup` fetches it where apt exists; elsewhere install it (`brew install nginx`)."
        )
    return found


class Balancer:
    """A running nginx; a context manager.

    Args:
        config: text with an `upstream` and a `server` block.
        port: where the `server` block listens.
        start: start at once; otherwise when a `with` block begins.

    Attributes:
        url: for example "http://127.0.0.1:32123".
        base_url: the same with "/v1", for OpenAI clients.
        pid: its process; 0 when it does not run.
    """

    def __init__(self, config: str, port: int, *, start: bool = False) -> None:
        self.config, self.port = config, port
        self.url = f"http://{HOST}:{port}"
        self.base_url = f"{self.url}/v1"
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        if start:
            self.start()

    def __repr__(self) -> str:
        return f"<Balancer at {self.url}: {'process ' + str(self.pid) if self.pid else 'not running'}>"

    def __enter__(self) -> Balancer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Balancer:
        """Check the configuration, start nginx, and return once it accepts connections.

        Raises:
            BalancerError: the configuration is wrong, or it listens elsewhere than on 127.0.0.1 and its port.
        """
        if self._process is not None:
            return self
        program = find_nginx()
        self._folder = Path(tempfile.mkdtemp(prefix="servelab-balancer-"))
        atexit.register(self.stop)
        try:
            self._write(self.config)
            self._check(program)
            with (self._folder / "errors.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [*self._command(program)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    cwd=self._folder,
                    preexec_fn=die_with_parent(),
                )
            self._wait()
        except BaseException:
            self.stop()
            raise
        self.pid = self._process.pid
        return self

    def stop(self) -> None:
        """Stop at once, and leave nothing behind. Safe to call twice."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.pid = 0
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def complaints(self, n: int = 5) -> list[str]:
        """The last n lines in which nginx complained, about a replica that does not answer for example."""
        if self._folder is None:
            return []
        lines = (self._folder / "errors.log").read_text(errors="replace").splitlines()
        return [found[1] for line in lines if (found := _COMPLAINT.search(line))][-n:]

    def _command(self, program: str) -> list[str]:
        folder = str(self._folder)
        return [program, "-e", "stderr", "-p", folder, "-c", f"{folder}/nginx.conf"]

    def _write(self, config: str) -> None:
        if not isinstance(config, str):
            raise BalancerError(f"A configuration is text, not {type(config).__name__}.")
        (self._folder / "nginx.conf").write_text(_FRAME)
        (self._folder / "student.conf").write_text(config)

    def _check(self, program: str) -> None:
        done = subprocess.run(
            [*self._command(program), "-t"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            cwd=self._folder,
            check=False,
        )
        if done.returncode:
            raise BalancerError(explain(done.stderr, (self._folder / "student.conf").read_text()))

    def _wait(self) -> None:
        """Until it accepts connections, and on loopback only."""
        end = time.monotonic() + _START_S
        while True:
            if self._process.poll() is not None:
                said = (self._folder / "errors.log").read_text(errors="replace")
                raise BalancerError(explain(said, self.config))
            ours = listening(self._process.pid)
            outside = [f"{ip}:{port}" for ip, port in ours or () if ip != HOST]
            if outside:
                raise BalancerError(
                    f"nginx listens on {outside[0]}, which the network can reach: write `listen {HOST}:{self.port};`"
                )
            with socket.socket() as probe:
                # Where the system does not tell who listens, somebody must do.
                if (ours is None or (HOST, self.port) in ours) and probe.connect_ex((HOST, self.port)) == 0:
                    return
            if time.monotonic() > end:
                raise BalancerError(
                    f"nginx runs, but nothing listens on {HOST}:{self.port}: `listen` takes the port that is given."
                )
            time.sleep(0.01)


def explain(said: str, config: str) -> str:
    """What nginx says of a configuration as one line, with the student's own line that it means."""
    complaint = next((found[1] for line in said.splitlines() if (found := _COMPLAINT.search(line))), None)
    if complaint is None:
        return f"nginx does not start: {said.strip().splitlines()[-1] if said.strip() else 'it said nothing'}"
    place = _PLACE.search(complaint)
    if place is None:
        return f"nginx refuses the configuration: {complaint}"
    number = int(place[1])
    lines = config.splitlines()
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"nginx refuses line {number} of the configuration, `{line}`: {_PLACE.sub('', complaint)}"
