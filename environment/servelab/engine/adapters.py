"""LoRA adapters for an engine: the arguments that serve them, and what tells two versions of one apart."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from servelab.engine import profiles
from servelab.engine.errors import EngineError

#: With it vLLM has the routes that load and unload adapters while it serves. Only for those who may name any folder of the server.
RUNTIME_VARIABLE = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
#: The ranks for which vLLM can keep room (`--max-lora-rank`).
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
CONFIG = "adapter_config.json"


def arguments(adapters: Mapping[str, str | os.PathLike[str]], args: Sequence[str] = ()) -> list[str]:
    """What vLLM has to be told to serve these adapters beside its model, each under its own name.

    Args:
        adapters: a folder, as PEFT saves it, by the name that requests will use. Empty: adapters can be loaded later.
        args: the engine's other arguments, which win.

    Raises:
        EngineError: a folder holds no adapter, or its rank is more than vLLM takes.
    """
    found = ["--enable-lora"]
    places = {name: Path(path).expanduser().resolve() for name, path in adapters.items()}
    rank = max([8, *(rank_of(place) for place in places.values())])
    if rank > RANKS[-1]:
        raise EngineError(f"An adapter has rank {rank}", remedy=f"vLLM serves ranks up to {RANKS[-1]}.")
    # Room for a rank that nobody has costs memory, and more than one in a batch has to be asked for.
    wanted = {
        "--max-lora-rank": min(r for r in RANKS if r >= rank),
        "--max-loras": max(2, len(places)),
    }
    for flag, value in wanted.items():
        if profiles.option(args, flag) is None:
            found += [flag, str(value)]
    if places:
        found += ["--lora-modules", *(_module(name, place) for name, place in places.items())]
    return found


def _module(name: str, place: Path) -> str:
    # The short form cannot hold every name and path.
    if "=" in name or "," in f"{name}{place}":
        return json.dumps({"name": name, "path": str(place)})
    return f"{name}={place}"


def rank_of(folder: Path) -> int:
    """The rank of the adapter in a folder.

    Raises:
        EngineError: there is none.
    """
    try:
        rank = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["r"]
    except (OSError, ValueError, KeyError, TypeError):
        rank = None
    if type(rank) is not int or rank < 1:
        raise EngineError(
            f"{folder} holds no LoRA adapter ({CONFIG} is missing or does not say its rank)",
            remedy="train one and save it there first.",
        )
    return rank


def fingerprint(adapters: Mapping[str, str | os.PathLike[str]]) -> str:
    """The SHA-256 of the adapters' files: an adapter that was trained again under the same name is another one."""
    digest = hashlib.sha256()
    for name, path in sorted(adapters.items()):
        for file in sorted(Path(path).expanduser().glob("adapter_*")):
            digest.update(f"{name} {file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
