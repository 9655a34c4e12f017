"""A Hub's configuration for tests: the roles and services of environment/jupyterhub/cluster/values.yaml, on loopback.

The chart turns values into these settings in the same way. There is no proxy: ngshare is asked at its own port.
"""

import json
import os
from pathlib import Path

import yaml
from jupyterhub.proxy import Proxy

c = get_config()  # noqa: F821 - JupyterHub puts it there
told = json.loads(os.environ["SERVELAB_TEST_HUB"])
hub = yaml.safe_load(Path(told["values"]).read_text(encoding="utf-8"))["hub"]


class NoProxy(Proxy):
    """Nobody comes through a browser here."""

    should_start = False

    async def add_route(self, routespec, target, data):
        """Nothing to do."""

    async def delete_route(self, routespec):
        """Nothing to do."""

    async def get_all_routes(self):
        """There are none."""
        return {}


c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.bind_url = f"http://127.0.0.1:{told['public_port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{told['hub_port']}"
c.JupyterHub.db_url = f"sqlite:///{told['folder']}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{told['folder']}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = set(told["users"])
c.JupyterHub.load_groups = hub["config"]["JupyterHub"]["load_groups"]

services = {name: {"name": name, **service} for name, service in hub["services"].items()}
services["ngshare"] |= {"url": f"http://127.0.0.1:{told['ngshare_port']}", "api_token": told["ngshare_token"]}
tests = {"name": "tests", "api_token": told["admin_token"]}
c.JupyterHub.services = [*services.values(), tests]
roles = [{"name": name, **role} for name, role in hub["loadRoles"].items()]
c.JupyterHub.load_roles = [
    *roles,
    {"name": "tests", "scopes": ["admin:users", "tokens"], "services": ["tests"]},
]
