"""`servelab class …`: a class on one machine, from its roster to final grades."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    name="class",
    help="A class on one machine: a JupyterHub from your roster to final grades.",
    no_args_is_help=True,
)
console = Console()
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


@app.command()
def init(
    roster: Annotated[
        Path, typer.Argument(help="CSV: id,first_name,last_name,email, or Canvas' or Moodle's export.")
    ],
    json: Json = False,
) -> None:
    """Make the class from a roster, or bring it up to a newer one: accounts, gradebook, first passwords. Needs root."""
    from servelab.hub import classroom
    from servelab.hub import roster as module
    from servelab.hub.people import Folder

    folder = Folder()
    done = classroom.enrol(folder, module.read(roster))
    if json:
        print(done.model_dump_json(), flush=True)
        return
    _say(f"In the class: {len(done.known) + len(done.new)} of this roster, {len(done.new)} of them new.")
    if done.missing:
        _say(
            f"Not on this roster, but left in the class: {', '.join(done.missing)}. `servelab class remove` takes them out."
        )
    _say(f"First passwords, to hand out: {folder.passwords}")


@app.command()
def start(
    port: Annotated[int, typer.Option(help="Port of the Hub on 127.0.0.1.")] = 8000,
    engine_url: Annotated[
        str, typer.Option(help="One engine for the whole class; by default each student starts their own.")
    ] = "",
    memory_gb: Annotated[
        float, typer.Option(help="Memory of each student's server and engine.", min=0.5)
    ] = 8.0,
    cpus: Annotated[
        float, typer.Option(help="Processors for each student; 0: as many as there are.", min=0)
    ] = 0.0,
    cull_minutes: Annotated[
        float, typer.Option(help="End a server that nobody has used for so long; 0: never.", min=0)
    ] = 0.0,
    without: Annotated[
        list[str] | None,
        typer.Option(help="A lab that students shall not see yet, such as 12; may be repeated."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on in the background, until `class stop`.")
    ] = False,
) -> None:
    """Open the class in a JupyterHub. Ctrl-C stops it and all that it started. Needs root."""
    from servelab import paths
    from servelab.hub import running
    from servelab.hub.limits import Limits
    from servelab.hub.people import Folder

    held_back = [paths.find_lab(lab) for lab in without or ()]
    if detach:
        arguments = [f"--port={port}", f"--engine-url={engine_url}", f"--memory-gb={memory_gb}"]
        arguments += [f"--cpus={cpus}", f"--cull-minutes={cull_minutes}"]
        running.start_detached(Folder(), [*arguments, *(f"--without={lab}" for lab in held_back)])
        return
    settings = running.Settings(
        port=port,
        engine_url=engine_url,
        limits=Limits(memory_gb=memory_gb, cpus=cpus),
        cull_minutes=cull_minutes,
        without=held_back,
    )
    raise typer.Exit(running.start(Folder(), settings))


@app.command()
def stop() -> None:
    """Stop the Hub, all students' servers and their engines. Needs root."""
    from servelab.hub import running
    from servelab.hub.people import Folder

    _say("The class is closed." if running.stop(Folder()) else "The class was not open.")


@app.command()
def status(json: Json = False) -> None:
    """Where the Hub runs, who is in the class, whose server runs, and how many fit."""
    from servelab.hub import running
    from servelab.hub.people import Folder

    found, room = running.status(Folder()), running.room_here()
    if json:
        print(jsonlib.dumps(found.model_dump() | {"room": room.model_dump()}), flush=True)
        return
    _say(f"Open at {found.url}" if found.url else "Not open: `servelab class start` opens it.")
    _say(f"{len(found.students)} students: {', '.join(found.students)}")
    _say(f"Servers that run: {', '.join(found.servers) or 'none'}")
    _say(
        f"Room for {room.with_engine} at work with an engine each ({room.with_engine_gb:g} GiB a student), "
        f"{room.without_engine} with one engine for all ({room.without_engine_gb:g} GiB)."
    )


@app.command()
def password(student: Annotated[str, typer.Argument(help="A login, or `instructor`.")]) -> None:
    """Give somebody a new password. Needs root."""
    from servelab.hub import classroom
    from servelab.hub.people import Folder

    folder, login = Folder(), student.lower()
    _say(f"{login}: {classroom.new_password(folder, login)}  (also in {folder.passwords})")


@app.command("hand-in")
def hand_in(
    lab: Annotated[str, typer.Argument(help="1, 01 or 01-naive-serving")],
    download: Annotated[
        Path, typer.Argument(help="The ZIP with everybody's submissions, or a folder of files.")
    ],
    grade: Annotated[bool, typer.Option(help="Grade at once what is new.")] = True,
    json: Json = False,
) -> None:
    """Take what students handed in on a learning platform (Canvas, Moodle), and grade it."""
    from servelab import paths
    from servelab.course.building import load_config
    from servelab.grading.driver import grade_all, show
    from servelab.hub import downloads
    from servelab.hub.people import Folder

    name, folder = paths.find_lab(lab), Folder()
    taken = downloads.take(folder, name, download)
    for line in [] if json else taken.lines():
        _say(line)
    graded = grade_all(load_config(folder.course), name) if grade and taken.students else None
    if graded is not None and not json:
        show(graded, console)
    if json:
        print(jsonlib.dumps(taken.model_dump() | {"graded": graded.graded if graded else 0}), flush=True)
    raise typer.Exit(1 if taken.unknown or (graded and graded.failed) else 0)


@app.command()
def grades(
    csv: Annotated[Path | None, typer.Option("--csv", help="Write a file for a learning platform.")] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(help="A lab's weight in the final grade, for example 12=2; 1 by default."),
    ] = None,
    missing_counts: Annotated[
        bool, typer.Option(help="A lab that was released and not handed in counts as 0.")
    ] = True,
    json: Json = False,
) -> None:
    """Everybody's points by lab, and the final grade: the weighted mean of the percentages."""
    from servelab.hub import grades as module
    from servelab.hub.people import Folder

    sheet = module.read(Folder(), module.weights(weight or []), missing_counts=missing_counts)
    if csv:
        module.write(sheet, csv)
    if json:
        print(sheet.model_dump_json(), flush=True)
        return
    module.show(sheet, console)
    if csv:
        _say(f"Written to {csv}")


@app.command()
def remove(
    student: Annotated[list[str] | None, typer.Argument(help="Logins; with --all everybody.")] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="End the class: remove every account that it made.")
    ] = False,
    delete_files: Annotated[
        bool, typer.Option("--delete-files", help="Delete what they worked on, too. Grades stay.")
    ] = False,
) -> None:
    """Remove accounts that this class made, and no others. Grades stay in the gradebook. Needs root."""
    from servelab.errors import CourseError
    from servelab.hub import classroom, running
    from servelab.hub.people import Folder

    if bool(student) == everybody:
        raise CourseError("Name the students to remove, or --all.")
    folder = Folder()
    if running.status(folder).pid:
        raise CourseError("The class is open: `servelab class stop` first.")
    gone = classroom.remove(folder, student or None, files=delete_files)
    _say(
        f"Removed: {', '.join(gone) or 'nobody'}."
        + ("" if delete_files else f" Their work is in {folder.root}.")
    )
