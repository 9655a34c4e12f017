"""`servelab bench all|gpu|startup` and `servelab measurements …`: parse, call, print."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]
measurements_app = typer.Typer(help="The measured numbers that the course publishes.", no_args_is_help=True)
console = Console()


def register(app: typer.Typer, bench: typer.Typer) -> None:
    """Add these commands to the program's."""
    app.add_typer(measurements_app, name="measurements")
    bench.command("all")(bench_all)
    bench.command("startup")(bench_startup)
    bench.command("gpu")(bench_gpu)


def bench_all(
    only: Annotated[
        list[str] | None, typer.Option(help="A part, for example serving; may be given again.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Rounds of each part; its own number by default.", min=1)
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure again what an earlier run of the same code has measured.")
    ] = False,
    save: Annotated[
        bool,
        typer.Option("--save", help="Publish: write environment/measurements and what is drawn from it."),
    ] = False,
    json: Json = False,
) -> None:
    """The CPU reference suite, and its ratios beside the committed run's. 1 if one has changed."""
    from servelab import paths
    from servelab.evidence import compare, render, suite
    from servelab.load import measurements

    records, errors = suite.run(suite.find(only), repeats=repeats, fresh=fresh)
    rows = []
    for name, record in records.items():
        rows += compare.compare(name, record, measurements.find(name))
    console.print(compare.table(rows))
    for name, wrong in errors.items():
        console.print(f"{name}: {wrong}. Run it again to go on with what is missing.", style="bold red")
    if save:
        for path in [*suite.publish(records), *render.render(paths.course_root())]:
            console.print(f"wrote {path}", soft_wrap=True)
    if json:
        print(suite.as_json(records, rows, errors), flush=True)
    raise typer.Exit(1 if errors or (compare.failed(rows) and not save) else 0)


def bench_startup(
    repeats: Annotated[int, typer.Option(help="Starts.", min=1)] = 3,
    args: Annotated[
        list[str] | None, typer.Option("--arg", help="An argument for the engine; may be given again.")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for the engine (NAME= takes it away).")
    ] = None,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Where the seconds of an engine's start go: stage by stage of its log, and import by import."""
    from servelab.errors import CourseError
    from servelab.evidence.startup import bench_startup as measure
    from servelab.load import measurements, records

    changes: dict[str, str | None] = {}
    for pair in env or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CourseError(f"--env takes NAME=VALUE, not {pair!r}.")
        changes[name] = value or None
    result = measure(repeats=repeats, args=args or [], env=changes)
    for name, values in result["samples"].items():
        console.print(f"{name:16} {records.spread_of(values)}", highlight=False)
    for name, seconds in result["import_s"].items():
        console.print(f"importing {name:24} {seconds:6.2f} s", highlight=False)
    if save:
        what = f"servelab bench startup: {repeats} starts by the timestamps of the engine's log, and one that counts its imports."
        details = {"engine_args": args or [], "env": changes}
        path = measurements.save(save, what, result, seed=0, repeats=repeats, **details)
        console.print(f"wrote {path}", soft_wrap=True)
    if json:
        print(jsonlib.dumps(result), flush=True)


def bench_gpu(
    tiny: Annotated[
        bool, typer.Option("--tiny", help="A tiny model on the CPU's engine: does the script itself work?")
    ] = False,
    budget_s: Annotated[
        float, typer.Option("--budget-s", help="Start no step that is not likely to end in this time.", min=1)
    ] = 3000.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the parts; finished ones are kept and skipped.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="A step; may be given again.")] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save", help="Publish the finished steps as environment/measurements/serving-gpu.json."
        ),
    ] = False,
    collect: Annotated[
        bool, typer.Option("--collect", help="Measure nothing: take the parts in --out, measured elsewhere.")
    ] = False,
    json: Json = False,
) -> None:
    """The GPU reference run: a model of 7B shape with random weights, each figure beside its physical bound."""
    from servelab import paths
    from servelab.evidence import render
    from servelab.evidence.gpu import run as gpu_run

    where = out or gpu_run.folder(tiny)
    if collect:
        done = gpu_run.collect(where)
    else:
        done = gpu_run.run(where, tiny=tiny, budget_s=budget_s, only=only)
    console.print(gpu_run.table(done))
    for name, why in done.open.items():
        console.print(f"{name}: {why}", highlight=False)
    if save:
        written = [gpu_run.publish(done), *render.render(paths.course_root())]
        for path in written:
            console.print(f"wrote {path}", soft_wrap=True)
    if json:
        print(jsonlib.dumps({"done": sorted(done.parts), "open": done.open}), flush=True)
    raise typer.Exit(1 if done.failed else 0)


@measurements_app.command("list")
def measurements_list() -> None:
    """Every measurement file, and when and on what it was taken."""
    from servelab.load import measurements

    for name in measurements.names():
        line = measurements.source_line(measurements.read(name))
        console.print(f"{name:32} {line}", soft_wrap=True, highlight=False)


@measurements_app.command("render")
def measurements_render(
    check: Annotated[bool, typer.Option("--check", help="Report drift, change nothing.")] = False,
) -> None:
    """Draw the charts and write the tables that are made from the measurement files."""
    from servelab import paths
    from servelab.evidence import render

    root = paths.course_root()
    if check:
        lines = render.drift(root)
        for line in lines:
            console.print(line, soft_wrap=True)
        raise typer.Exit(1 if lines else 0)
    for path in render.render(root):
        console.print(f"wrote {path}", soft_wrap=True)
