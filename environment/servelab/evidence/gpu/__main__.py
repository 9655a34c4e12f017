"""`python -m servelab.evidence.gpu`: the steps alone, for a machine that has vLLM and torch but not the whole course."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from servelab.errors import CourseError
from servelab.evidence.gpu import run


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print what is done and what is not; 1 if a step failed. `servelab bench gpu --collect` publishes."""
    parser = argparse.ArgumentParser(prog="python -m servelab.evidence.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts; finished ones are kept")
    parser.add_argument("--budget-s", type=float, default=3000.0, help="start no step that would take longer")
    parser.add_argument("--only", action="append", help="a step; may be given again")
    parser.add_argument("--tiny", action="store_true", help="a tiny model on the CPU's engine")
    options = parser.parse_args(argv)
    try:
        done = run.run(options.out, tiny=options.tiny, budget_s=options.budget_s, only=options.only)
    except CourseError as error:
        print(f"servelab: {error}", file=sys.stderr)
        return 2
    for name, part in done.parts.items():
        print(f"{name}: done, {part['took_s']} s")
    for name, why in done.open.items():
        print(f"{name}: {why}")
    return 1 if done.failed else 0


if __name__ == "__main__":
    sys.exit(main())
