"""The marks `### BEGIN ...` and `### END ...` around solutions and hidden tests."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A pair of marks, as nbgrader_config.py gives them to nbgrader."""

    begin: str
    end: str


SOLUTION = Region("### BEGIN SOLUTION", "### END SOLUTION")
HIDDEN = Region("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")


class RegionError(ValueError):
    """Marks that do not pair; `line` counts from 1 in the cell."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def region_lines(source: str, region: Region) -> list[tuple[int, int]]:
    """First and last line (from 1, marks included) of each region.

    Raises:
        RegionError: a mark is misspelt, missing or nested.
    """
    found: list[tuple[int, int]] = []
    begun = None
    loose = re.compile(rf"#\s*(?:{_words(region.begin)}|{_words(region.end)})", re.IGNORECASE)
    for number, line in enumerate(source.split("\n"), 1):
        text = line.strip()
        if text == region.begin:
            if begun:
                raise RegionError(number, f"{region.begin} again before {region.end}")
            begun = number
        elif text == region.end:
            if not begun:
                raise RegionError(number, f"{region.end} without {region.begin}")
            found.append((begun, number))
            begun = None
        elif loose.search(text):
            raise RegionError(number, f"write `{region.begin}` and `{region.end}`, alone on their lines")
    if begun:
        raise RegionError(begun, f"{region.begin} without {region.end}")
    return found


def fill(source: str, region: Region, stub: str | None) -> str:
    """The text with each region replaced by `stub` at its indentation, or cut out when `stub` is None."""
    lines = source.split("\n")
    for first, last in reversed(region_lines(source, region)):
        indent = re.match(r"\s*", lines[first - 1])[0]
        lines[first - 1 : last] = [] if stub is None else [indent + stub]
    return "\n".join(lines)


def _words(mark: str) -> str:
    return mark.removeprefix("### ").replace(" ", r"\s+")
