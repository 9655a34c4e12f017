"""Writes `servelab/engine/options.json`: the options of the installed vLLM, read from its own parser (ten seconds)."""

from __future__ import annotations

import json
from typing import Any

from servelab.engine.arguments import OPTIONS


def options_of_vllm() -> list[dict[str, Any]]:
    """The rows of `options.json`: the names of each option, and argparse's word for the values it takes."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    rows = []
    for action in make_arg_parser(FlexibleArgumentParser())._actions:
        names = [n for n in action.option_strings if not n.startswith("--no-")] or action.option_strings
        if names and "--help" not in names:
            takes = None if action.nargs is None else str(action.nargs)
            rows.append({"names": sorted(names), "takes": takes})
    return sorted(rows, key=lambda row: row["names"])


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(row) for row in options_of_vllm())
    OPTIONS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
