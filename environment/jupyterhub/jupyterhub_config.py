"""JupyterHub for a class on one machine. `servelab class start` runs it; settings of your own go into `gradebook/class/hub_config.py`."""

import json
import os
from pathlib import Path

from servelab.hub import spawner
from servelab.hub.limits import Limits

c = get_config()  # noqa: F821 - JupyterHub puts it there

settings = json.loads(os.environ["SERVELAB_CLASS"])
course = Path(settings["course"])

c.JupyterHub.bind_url = f"http://127.0.0.1:{settings['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings['hub_port']}"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings['proxy_port']}"
c.ConfigurableHTTPProxy.command = settings["proxy"]

c.JupyterHub.authenticator_class = spawner.ClassAuthenticator
c.ClassAuthenticator.course = str(course)
c.ClassAuthenticator.allow_all = False
c.ClassAuthenticator.allow_existing_users = False
c.ClassAuthenticator.any_allow_config = True  # check_allowed asks the class

c.JupyterHub.spawner_class = spawner.ClassSpawner
c.ClassSpawner.course = str(course)
c.ClassSpawner.engine_url = settings["engine_url"]
c.ClassSpawner.limits = Limits(**settings["limits"])
c.ClassSpawner.cull_s = int(settings["cull_minutes"] * 60)
c.ClassSpawner.default_url = "/lab"
c.ClassSpawner.start_timeout = 180
c.ClassSpawner.http_timeout = 180
c.ClassSpawner.interrupt_timeout = 5
c.ClassSpawner.term_timeout = 5
c.JupyterHub.cleanup_servers = True
own = Path(settings["folder"]) / "hub_config.py"
if own.is_file():
    load_subconfig(str(own))  # noqa: F821 - JupyterHub puts it there
