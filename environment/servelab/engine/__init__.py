"""Start, attach to, watch and stop engines: vLLM on GPU or CPU, and a scripted one whose truth is known."""

from servelab.engine.artefacts import build_all, checkpoints, model_path
from servelab.engine.client import Engine, available_bytes, owner_pid, running, serve, stop_all, vllm_cli
from servelab.engine.errors import EngineError
from servelab.engine.profiles import Profile, launch_command, profile

__all__ = [
    "Engine",
    "EngineError",
    "Profile",
    "available_bytes",
    "build_all",
    "checkpoints",
    "launch_command",
    "model_path",
    "owner_pid",
    "profile",
    "running",
    "serve",
    "stop_all",
    "vllm_cli",
]
