"""Pages and charts from measurement files: what stands between markers is written here, and drift from the files is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from servelab.errors import CourseError
from servelab.evidence import results
from servelab.evidence.results import Row
from servelab.load import measurements, records

README = "README.md"
GRADING = "environment/servelab/grading/README.md"
CHARTS = "environment/measurements/charts"
#: Where a number may be cited. (Quiz banks are not among them: their words stand in released notebooks as they are.)
CITING = ("*.md", "environment/*/*.md", "environment/*/*/*.md", "quizzes/*.md", "solutions/[0-9][0-9]-*/*.py")
_NOTE = "<!-- written by `servelab measurements render` from environment/measurements; do not edit -->"
#: A number in prose that a file holds: 19.05<!--=serving-cpu:ratio:.1f-->
_CITED = re.compile(
    r"(?P<told>[-+]?[\d.,]*\d%?)<!--=(?P<file>[\w.-]+):(?P<path>[\w./-]+):(?P<form>[^>]*?)-->"
)


def pages(root: Path) -> dict[Path, str]:
    """Every generated file of the course with the text that the measurement files give it now.

    Raises:
        CourseError: a measurement lacks its provenance, a page its markers, or a cited number its figure.
    """
    from servelab.evidence import chart
    from servelab.grading import bench

    rows = results.rows()
    made: dict[Path, str] = {}
    readme = root / README
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        text = block(text, "results-chart", chart_block, README)
        text = block(text, "results", lambda: table_block(rows), README)
        made[readme] = cite(text, README)
    for theme in chart.THEMES:
        made[root / CHARTS / f"results-{theme}.svg"] = chart.svg(rows, theme)
    grading = root / GRADING
    if grading.is_file() and "grading-cpu" in measurements.names():
        text = grading.read_text(encoding="utf-8")
        made[grading] = cite(bench.page(text, measurements.read("grading-cpu")), GRADING)
    for page in (page for pattern in CITING for page in sorted(root.glob(pattern))):
        text = page.read_text(encoding="utf-8")
        if page not in made and "<!--=" in text:
            made[page] = cite(text, str(page.relative_to(root)))
    return made


def render(root: Path) -> list[Path]:
    """Write what has changed; the paths that were written."""
    written = []
    for path, text in pages(root).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def drift(root: Path) -> list[str]:
    """A line for every generated file that is not what the measurement files say, or for the file that cannot be read."""
    try:
        made = pages(root)
    except CourseError as error:
        return [str(error)]
    return [
        f"{path.relative_to(root)} does not match environment/measurements"
        for path, text in made.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def block(text: str, name: str, make: Callable[[], str], where: str) -> str:
    """The text with what stands between `<!-- name -->` and `<!-- /name -->` made anew.

    Raises:
        CourseError: it does not have the two marks exactly once.
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    if len(pattern.findall(text)) != 1:
        raise CourseError(f"{where} must have <!-- {name} --> and <!-- /{name} --> once.")
    return pattern.sub(lambda marks: f"{marks[1]}{_NOTE}\n{make()}\n{marks[2]}", text)


def cite(text: str, where: str) -> str:
    """The text with every cited number as its file has it.

    A citation is a comment after the number: `19<!--=serving-cpu:ratio:.0f-->`, the file, the path to the figure (samples
    give their median: `samples/vllm_rps`), and how to write it.

    Raises:
        CourseError: a file or figure is not there.
    """

    def written(found: re.Match[str]) -> str:
        value = cited(found["file"], found["path"], where)
        try:
            shown = f"{value:{found['form']}}"
        except ValueError as error:
            raise CourseError(
                f"{where} writes {found['file']}:{found['path']} in no form ({error})."
            ) from None
        return f"{shown}<!--={found['file']}:{found['path']}:{found['form']}-->"

    if len(_CITED.findall(text)) != len(re.findall(r"(?<!`)(?<!NUMBER)<!--=", text)):
        raise CourseError(f"{where} has a citation that does not follow its number: 19.1<!--=...-->.")
    return _CITED.sub(written, text)


def cited(file: str, path: str, where: str = "a page") -> float:
    """The number that a citation means."""
    record = measurements.read(file)
    head, _, rest = path.partition("/")
    if head in ("samples", "ratios"):
        known = record[head]
        if rest not in known:
            raise CourseError(f"{where} cites {file}:{path}, which the file does not hold.")
        values = known[rest] if head == "samples" else records.ratio_values(record, rest)
        return records.spread_of(values).median
    found: Any = record["figures"]
    for key in path.split("/"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise CourseError(f"{where} cites {file}:{path}, which is no number of that file.")
    return float(found)


def chart_block() -> str:
    """The chart, for light pages and dark ones."""
    words = "Requests a second and ratios of each step of the course: CPU, GPU, and what the course's sources claim"
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{CHARTS}/results-dark.svg">\n'
        f'  <img alt="{words}" src="{CHARTS}/results-light.svg" width="860">\n'
        "</picture>"
    )


def table_block(rows: list[Row]) -> str:
    """The same as a table, each row with the file that its numbers come from, and the machines below."""
    lines = ["| | CPU | GPU | the sources claim | measured in |", "|---|---:|---:|---:|---|"]
    for row in rows:
        cells = (
            row.label + (", requests/s" if row.group == results.RATES else ""),
            results.shown(row.cpu, row.unit) if row.cpu else row.cpu_words,
            results.shown(row.gpu, row.unit) if row.gpu else row.gpu_words,
            results.claimed(row.claim) if row.claim else "",
            ", ".join(_link(v.file) for v in (row.cpu, row.gpu) if v) or "-",
        )
        lines.append("| " + " | ".join(cells) + " |")
    origins = sorted({f"{v.file}: {v.origin}" for row in rows for v in (row.cpu, row.gpu) if v})
    lines += [
        "",
        "Medians, and where runs were repeated their spread (quartiles from five rounds on, else the range).",
    ]
    lines += ["Each file says under which load; compare along a row, not down a column."]
    lines += [f"{' · '.join(origins)}."]
    return "\n".join(lines)


def _link(name: str) -> str:
    return f"[{name}](environment/measurements/{name}.json)"
