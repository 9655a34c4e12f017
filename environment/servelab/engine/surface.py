"""What one vLLM version offers (flags, metrics, modules, environment variables), read without importing it.

The course runs on two versions: the one in the cpu lock is installed here, the one in the gpu lock is not.
A snapshot of the second, taken from its wheel, lies beside the lock, so that a test can say whether every
flag, metric and import the course uses exists in both.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

# The dataclasses whose fields become flags: `get_kwargs` in vllm/engine/arg_utils.py turns `max_model_len`
# into `--max-model-len`, and `--no-` spellings exist for booleans.
_FLAG_FILES = re.compile(r"vllm/(engine/arg_utils|entrypoints/.*cli_args|entrypoints/utils|config/.+)\.py$")
_METRIC = re.compile(r"[\"'](vllm:[a-z0-9_]+)[\"']")
_FLAG = re.compile(r"[\"'](--[a-z][a-z0-9-]+)[\"']")
_VARIABLE = re.compile(r"\b(VLLM_[A-Z0-9_]+)\b")


def _fields(source: str) -> Iterator[str]:
    """Names of annotated class fields."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    yield item.target.id


def _surface(files: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    flags: set[str] = set()
    metrics: set[str] = set()
    modules: set[str] = set()
    variables: set[str] = set()
    for name, source in files:
        modules.add(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        metrics.update(_METRIC.findall(source))
        if _FLAG_FILES.search(name):
            flags.update(_FLAG.findall(source))
            flags.update("--" + field.replace("_", "-") for field in _fields(source))
        if name == "vllm/envs.py":
            variables.update(_VARIABLE.findall(source))
    return {
        "flags": sorted(flags),
        "metrics": sorted(metrics),
        "modules": sorted(m for m in modules if m.startswith(("vllm.entrypoints", "vllm.engine"))),
        "variables": sorted(variables),
    }


def installed() -> dict[str, list[str]]:
    """The surface of the vLLM that is installed here.

    Raises:
        ModuleNotFoundError: none is.
    """
    found = importlib.util.find_spec("vllm")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("vllm is not installed in this environment")
    top = Path(found.submodule_search_locations[0])
    paths = sorted(top.rglob("*.py"))
    return _surface((f"vllm/{p.relative_to(top).as_posix()}", p.read_text(errors="replace")) for p in paths)


def of_wheel(wheel: Path) -> dict[str, object]:
    """The surface of a wheel file, with its version and hash (the hash that the lock pins)."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith("vllm/") and n.endswith(".py"))
        surface = _surface((n, archive.read(n).decode(errors="replace")) for n in names)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {"version": wheel.name.split("-")[1], "wheel": wheel.name, "sha256": digest, **surface}


def main(argv: list[str] | None = None) -> int:
    """`python -m servelab.engine.surface WHEEL OUT`: write the snapshot of a wheel."""
    parser = argparse.ArgumentParser(description="Write what a vLLM wheel offers as JSON.")
    parser.add_argument("wheel", type=Path, help="from `pip download --no-deps vllm==VERSION`")
    parser.add_argument("out", type=Path)
    options = parser.parse_args(argv)
    options.out.write_text(json.dumps(of_wheel(options.wheel), indent=0) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
