"""The `servelab` command: parse, call, print."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from servelab.hub.commands import app as class_app

app = typer.Typer(
    name="servelab",
    help="Serving LLMs in Production: the course's engine, authoring, grading and measuring.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
engine_app = typer.Typer(help="Start, look at and stop engines.", no_args_is_help=True)
retrieval_app = typer.Typer(help="The retrieval labs' corpus, questions and vectors.", no_args_is_help=True)
quiz_app = typer.Typer(help="Question banks: look through them, report on exams.", no_args_is_help=True)
manifests_app = typer.Typer(help="Kubernetes manifests, without a cluster.", no_args_is_help=True)
bench_app = typer.Typer(help="Measure, on this machine, in this run.", no_args_is_help=True)
app.add_typer(engine_app, name="engine")
app.add_typer(quiz_app, name="quiz")
app.add_typer(manifests_app, name="manifests")
app.add_typer(retrieval_app, name="retrieval")
app.add_typer(bench_app, name="bench")
app.add_typer(class_app, name="class")

console = Console()
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line.")]
Labs = Annotated[list[str] | None, typer.Argument(help="Labs, for example 1, 01 or 01-naive-serving.")]


def _lab_names(labs: list[str] | None) -> list[str] | None:
    from servelab import paths
    from servelab.errors import CourseError

    if not labs:
        return None
    sources = sorted(p.name for p in (paths.course_root() / "solutions").glob("[0-9][0-9]-*"))
    known = sorted({*paths.lab_names(), *sources})
    chosen = []
    for text in labs:
        wanted = text.strip("/").split("/")[-1]
        hits = [n for n in known if n == wanted or n.split("-")[0] == wanted.zfill(2)]
        if not hits:
            raise CourseError(f"No lab is called {text!r}. The labs are: {', '.join(known) or 'none yet'}.")
        chosen += hits
    return chosen


def _emit(value: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(jsonlib.dumps(value), flush=True)


@app.command()
def lab(
    port: Annotated[int | None, typer.Option(help="Port to listen on; the next free one if taken.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser when there is one.")] = True,
) -> None:
    """Open the course in JupyterLab. Ctrl-C stops it and all that it started."""
    from servelab.jupyter.lab import start_lab

    raise typer.Exit(start_lab(port=port, browser=browser))


@app.command()
def doctor(json: Json = False) -> None:
    """Is this machine ready, for which labs, and what to do if not."""
    from servelab import doctor as doctor_module

    diagnosis = doctor_module.diagnose()
    if json:
        print(diagnosis.model_dump_json(), flush=True)
    else:
        doctor_module.show(diagnosis, console)
    raise typer.Exit(0 if diagnosis.ready else 1)


@app.command()
def artefacts() -> None:
    """Build what is slow and the same for everyone (the converted model, its quantised checkpoints, embeddings), once."""
    from servelab import retrieval
    from servelab.engine import artefacts as artefacts_module

    retrieval.register_artefacts()

    for name, path in artefacts_module.build_all().items():
        console.print(f"{name}: {path}", soft_wrap=True)


@app.command()
def build(
    labs: Labs = None,
    check: Annotated[bool, typer.Option("--check", help="Report drift, change nothing.")] = False,
    execute: Annotated[
        bool, typer.Option("--execute", help="Run the solution notebooks, keep outputs.")
    ] = False,
    published: Annotated[
        bool | None,
        typer.Option(
            "--published/--unpublished",
            help="First write where the remote `origin` is, for Colab's badges; or take that away.",
        ),
    ] = None,
) -> None:
    """Build solution notebooks and student releases from the sources."""
    from servelab import course, paths
    from servelab.course import published as place

    lines = [] if published is None else place.update(paths.course_root(), published=published, check=check)
    lines += course.build(paths.course_root(), only=_lab_names(labs), check=check, execute=execute)
    if not labs:
        lines += _measured(check)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if check:
        console.print(
            "drift found: run `servelab build`" if lines else "labs/ and solutions/ match their sources"
        )
        raise typer.Exit(1 if lines else 0)


def _measured(check: bool) -> list[str]:
    """The pages and charts made from measurement files: brought up to date, or with `check` those that are not."""
    from servelab import paths
    from servelab.evidence import render

    root = paths.course_root()
    if not (root / render.CHARTS).parent.is_dir():  # a course of someone's own, without our measurements
        return []
    if check:
        return render.drift(root)
    return [f"wrote {path.relative_to(root)}" for path in render.render(root)]


@app.command("new-lab")
def new_lab(
    name: Annotated[str, typer.Argument(help="NN-name, for example 14-speculative-decoding")],
    title: Annotated[str, typer.Option(help="What the lab is called.")],
    minutes: Annotated[int, typer.Option(help="What it takes a student.", min=10)] = 60,
    objectives: Annotated[str, typer.Option(help="What one can do afterwards, in one line.")] = "",
    builds: Annotated[str, typer.Option(help="What one builds, for the README's map.")] = "",
    quiz: Annotated[
        list[str] | None, typer.Option(help="A question to embed, as bank/item; may be repeated.")
    ] = None,
) -> None:
    """Write a lab that builds and is proved at once, for you to write over."""
    from servelab import paths
    from servelab.course.new_lab import new_lab as write

    root = paths.course_root()
    given = {"objectives": objectives, "builds": builds, "quizzes": quiz or ()}
    for path in write(root, name, title=title, minutes=minutes, **given):
        console.print(f"wrote {path.relative_to(root)}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Next: servelab build {name} && servelab proof {name}", highlight=False, soft_wrap=True)


@app.command()
def release(
    students: Annotated[Path, typer.Option("--students", help="Folder to fill; must be new or empty.")],
    without: Annotated[
        list[str] | None, typer.Option(help="A lab to hold back, such as 12; may be repeated.")
    ] = None,
) -> None:
    """Write what a class may see: labs and the package, no solutions, keys, tests or hidden data."""
    from servelab import course, paths

    course.release_students(paths.course_root(), students, [paths.find_lab(lab) for lab in without or ()])
    console.print(f"Released to {students}", soft_wrap=True)


@app.command()
def website(
    out: Annotated[Path, typer.Argument(help="Folder to fill: new, empty, or an older website.")],
    json: Json = False,
) -> None:
    """Build the course as web pages: labs without answers, guides, glossary and measured results."""
    from servelab import paths
    from servelab.website.building import build as build_site

    site = build_site(paths.course_root(), out)
    size = f"{site.bytes / 1e6:.1f} MB"
    console.print(
        f"{site.pages} pages, {size}: {site.folder / 'index.html'}", highlight=False, soft_wrap=True
    )
    _emit(site.model_dump(mode="json"), json)


@app.command()
def check(lab: Annotated[str, typer.Argument(help="1, 01 or 01-naive-serving")], json: Json = False) -> None:
    """Grade your own copy of a lab, with words."""
    from servelab.grading.check import check_own

    raise typer.Exit(check_own(lab, json=json))


@app.command()
def pack(lab: Annotated[str, typer.Argument(help="1, 01 or 01-naive-serving")]) -> None:
    """Put my own copy of a lab, and what it asks for beside it, into one file to hand in."""
    from servelab import paths
    from servelab.grading import pack as packing

    name = paths.find_lab(lab)
    packing.pack(name, paths.work_dir() / name)


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="1, 01 or 01-naive-serving")],
    jobs: Annotated[int, typer.Option(help="Submissions graded at the same time.", min=1)] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, whose workers grade.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Grade again what has not changed since.")] = False,
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Grade all submissions of a lab that are new or changed."""
    from servelab import paths
    from servelab.course.building import load_config
    from servelab.grading.driver import grade_all, show

    config = load_config(paths.course_root())
    result = grade_all(
        config, paths.find_lab(assignment), jobs=jobs, scheduler=scheduler, force=force, students=student
    )
    show(result, console)
    _emit(result.model_dump(), json)
    raise typer.Exit(1 if result.failed else 0)


@app.command()
def proof(
    labs: Labs = None,
    jobs: Annotated[int, typer.Option(help="Answers graded at the same time.", min=1)] = 2,
    json: Json = False,
) -> None:
    """Reference 100 %, starter 0 %, each recorded answer exactly its points."""
    from servelab import paths
    from servelab.grading.proof import proof as run_proof

    result = run_proof(paths.course_root(), only=_lab_names(labs), jobs=jobs)
    _emit(result, json)
    raise typer.Exit(1 if result["problems"] else 0)


@app.command()
def attacks(json: Json = False) -> None:
    """Every recorded attack on the grader: it gains and leaks nothing, and leaves nothing behind."""
    from servelab import paths
    from servelab.grading import attacks as attacks_module

    result = attacks_module.attacks(paths.course_root() / "tests" / "attacks")
    for failure in result["failures"]:
        line = f"{failure['where']}: “{failure['attack']}”: {failure['what']}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{result['defeated']} of {result['attacks']} attacks defeated; "
        f"{result['controls_succeeded']} of {result['controls']} controls succeeded; {result['seconds']:.0f} s"
    )
    _emit(result, json)
    raise typer.Exit(1 if result["failures"] else 0)


@app.command()
def demo(
    lab: Annotated[list[str] | None, typer.Option("--lab", help="A lab to do; both by default.")] = None,
) -> None:
    """Do the labs, submit, grade and return feedback, headless, through nbgrader's own commands."""
    from servelab.grading.demo import demo as run_demo

    raise typer.Exit(run_demo(_lab_names(lab)))


@quiz_app.command("lint")
def quiz_lint(json: Json = False) -> None:
    """Look for answers that can be guessed or found, missing explanations, and questions that are not covered."""
    from servelab import paths
    from servelab.course import quiz_lint as module

    result = module.lint(paths.course_root())
    if json:
        print(result.model_dump_json(), flush=True)
    else:
        module.show(result, console)
    raise typer.Exit(1 if result.violations else 0)


@quiz_app.command("report")
def quiz_report(
    exam: Annotated[str, typer.Argument(help="12, 13 or an exam's full name")],
    student: Annotated[
        list[str] | None, typer.Option(help="Only these; all and the class otherwise.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; gradebook/reports/EXAM otherwise.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the report of each graded exam, and one on the class and the questions (HTML and notebook)."""
    from servelab import paths
    from servelab.course.building import load_config
    from servelab.grading.report import write_reports

    root = paths.course_root()
    (name,) = _lab_names([exam]) or [exam]
    folder = out or root / "gradebook" / "reports" / name
    pages = write_reports(load_config(root), name, folder, student)
    if not json:
        console.print(f"{len(pages)} reports in {folder}", markup=False, highlight=False, soft_wrap=True)
    _emit({"exam": name, "reports": len(pages), "folder": str(folder)}, json)


@manifests_app.command("lint")
def manifests_lint(
    files: Annotated[
        list[Path], typer.Argument(help="YAML files; rules that compare documents see all of them.")
    ],
    json: Json = False,
) -> None:
    """Check manifests by strict schemas and by rules that schemas do not have."""
    from servelab.errors import CourseError
    from servelab.kubernetes import ManifestError, lint, read

    documents = []
    for file in files:
        try:
            documents += read(file.read_text(encoding="utf-8"))
        except (ManifestError, OSError, UnicodeDecodeError) as error:
            raise CourseError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    findings = lint(documents)
    for finding in [] if json else findings:
        console.print(str(finding), markup=False, highlight=False, soft_wrap=True)
    if not json and not findings:
        console.print(f"{len(documents)} documents, nothing found")
    _emit({"documents": len(documents), "findings": [f.model_dump() for f in findings]}, json)
    raise typer.Exit(1 if findings else 0)


@retrieval_app.command("lint")
def retrieval_lint(json: Json = False) -> None:
    """Look for labels that point at no passage, copies of a passage's words, and questions that stand twice."""
    from servelab.retrieval import asking, corpus

    questions = [*asking.load(), *(asking.load_test() or ())]
    found = asking.lint(questions, corpus.load())
    for line in found:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(questions)} questions on {len(corpus.load())} passages, {len(found)} problems")
    _emit({"questions": len(questions), "passages": len(corpus.load()), "problems": found}, json)
    raise typer.Exit(1 if found else 0)


@retrieval_app.command("vectors")
def retrieval_vectors() -> None:
    """Embed the corpus and the questions again, for the files that ship. Needed when one of them has changed."""
    from servelab.retrieval import vectors

    for path in vectors.write_all():
        console.print(f"wrote {path}", soft_wrap=True)


@engine_app.command("start", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def engine_start(context: typer.Context) -> None:
    """Start an engine that runs until `servelab engine stop`. Arguments go to vLLM."""
    from servelab import engine

    args = [a for a in context.args if a != "--"]
    running = engine.serve(args, owner=0)
    console.print(f"{running.backend} at {running.base_url}", soft_wrap=True)


@engine_app.command("status")
def engine_status(json: Json = False) -> None:
    """The engines that run now."""
    from servelab import engine

    found = engine.running()
    if json:
        rows = [{"url": e.url, "model": e.model, "backend": e.backend, "pid": e.pid} for e in found]
        _emit({"engines": rows}, True)
        return
    for e in found:
        console.print(f"{e.url}  {e.backend}  pid {e.pid}", soft_wrap=True)
    if not found:
        console.print("No engine is running.")


@engine_app.command("stop")
def engine_stop() -> None:
    """Stop every engine of yours."""
    from servelab import engine

    count = engine.stop_all()
    console.print(f"Stopped {count} engine{'s' if count != 1 else ''}.")


@bench_app.command("serving")
def bench_serving(
    repeats: Annotated[int, typer.Option(help="Rounds.", min=1)] = 1,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Requests/s of the naive server and of vLLM in the same run, and their ratio."""
    from servelab.load import bench, measurements

    result = bench.bench_serving(repeats=repeats)
    if save:
        what = (
            f"servelab bench serving: {repeats} rounds, {bench.MAX_TOKENS} output tokens a request, the naive server's best "
            f"of {len(bench.NAIVE_LEVELS)} levels against vLLM's best of {len(bench.VLLM_LEVELS)}."
        )
        path = measurements.save(
            save, what, result, seed=bench.SEED, repeats=repeats, output_tokens=bench.MAX_TOKENS
        )
        console.print(f"wrote {path}", soft_wrap=True)
    _emit(result, json)


@bench_app.command("quantization")
def bench_quantization(
    repeats: Annotated[int, typer.Option(help="Rounds over all formats.", min=1)] = 5,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Size, perplexity and requests/s of the model in 16, 8 and 4 bits, each on an engine of its own."""
    from servelab.load import measurements, quantized

    result = quantized.bench_quantization(repeats=repeats)
    if save:
        what = (
            f"servelab bench quantization: {repeats} rounds, the formats in turn, {quantized.MAX_TOKENS} output tokens a "
            f"request, the better of {quantized.TRIES} runs; medians of the rounds, ratios within a round. Perplexity on environment/servelab/engine/texts/held-out.txt."
        )
        path = measurements.save(
            save,
            what,
            result,
            seed=0,
            repeats=repeats,
            output_tokens=quantized.MAX_TOKENS,
            engine_args=list(quantized.ENGINE_ARGS),
        )
        console.print(f"wrote {path}", soft_wrap=True)
    _emit(result, json)


@bench_app.command("grading")
def bench_grading(
    submissions: Annotated[int, typer.Option(help="How many submissions each way grades.", min=3)] = 12,
    large: Annotated[
        int | None, typer.Option(help="Also grade this many, to see what one costs then.", min=3)
    ] = None,
    repeats: Annotated[int, typer.Option(help="Rounds.", min=1)] = 1,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Submissions a minute: stock nbgrader, ours at 1 and 2 jobs, and on a Dask cluster of two worker processes."""
    from servelab import paths
    from servelab.grading import bench
    from servelab.load import measurements

    result = bench.bench_grading(paths.course_root(), submissions=submissions, large=large, repeats=repeats)
    if save:
        what = f"servelab bench grading: {repeats} rounds over {submissions} submissions of {result['lab']}, live cells skipped."
        path = measurements.save(save, what, result, seed=0, repeats=repeats)
        console.print(f"wrote {path}", soft_wrap=True)
        shown = Path(bench.__file__).with_name("README.md")
        shown.write_text(
            bench.page(shown.read_text(encoding="utf-8"), measurements.read(save)), encoding="utf-8"
        )
    _emit(result, json)


@bench_app.command("retrieval")
def bench_retrieval(
    documentation: Annotated[
        bool,
        typer.Option(
            "--documentation", help="On Python's documentation from Debian's python3.11-doc instead."
        ),
    ] = False,
    repeats: Annotated[int, typer.Option(help="Rounds.", min=1)] = 1,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Recall, nDCG and milliseconds a query of each way to search the corpus, on questions it was not tuned on."""
    import os

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before numpy is loaded, or it is too late
    from servelab.load import measurements
    from servelab.retrieval import bench

    measure = bench.bench_documentation if documentation else bench.bench_retrieval
    result = measure(repeats=repeats)
    bench.show(result, console)
    if save:
        path = measurements.save(
            save, bench.what(result, repeats), result, seed=0, repeats=repeats, resamples=10_000
        )
        console.print(f"wrote {path}", soft_wrap=True)
    _emit(result, json)


@bench_app.command("lora")
def bench_lora(
    repeats: Annotated[int, typer.Option(help="Rounds.", min=1)] = 1,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Right tickets and perplexity on general text of adapters by rank, learning rate and data mix."""
    from servelab.load import measurements
    from servelab.lora import bench

    result = bench.bench_lora(repeats=repeats)
    if save:
        what = (
            f"servelab bench lora: each recipe trained for {bench.STEPS} steps of {bench.BATCH} rows, {result['tickets']} development "
            f"tickets of unseen products and sentences, perplexity on {bench.TEXTS} passages of environment/servelab/engine/texts/held-out.txt."
        )
        path = measurements.save(
            save,
            what,
            result,
            seed=bench.TRIALS[0].seeds[0],
            repeats=repeats,
            seeds=[[run["seed"] for run in recipe["runs"]] for recipe in result["recipes"]],
            threads=1,
        )
        console.print(f"wrote {path}", soft_wrap=True)
    _emit(result, json)


@bench_app.command("setup")
def bench_setup(
    repeats: Annotated[int, typer.Option(help="Rounds.", min=1)] = 1,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean", help="Set up copies of the course too, from nothing and from the cache (minutes)."
        ),
    ] = False,
    save: Annotated[str | None, typer.Option(help="Also write environment/measurements/NAME.json.")] = None,
    json: Json = False,
) -> None:
    """Seconds to set up, first time and again, and until the engine gives its first token."""
    from servelab.load import bench, measurements

    result = bench.bench_setup(repeats=repeats, clean=clean)
    if save:
        what = f"servelab bench setup{' --clean' if clean else ''}: {repeats} rounds, up to the first token of an engine from cold."
        path = measurements.save(save, what, result, seed=0, repeats=repeats)
        console.print(f"wrote {path}", soft_wrap=True)
    _emit(result, json)


def _register() -> None:
    from servelab.evidence import commands

    commands.register(app, bench_app)


_register()


def main() -> None:
    """Run the command; what the user did wrong is one line, not a traceback."""
    from servelab.engine.errors import EngineError
    from servelab.errors import CourseError

    try:
        app(standalone_mode=True)
    except CourseError as error:
        print(f"servelab: {error}", file=sys.stderr)
        sys.exit(2)
    except EngineError as error:
        print(f"servelab: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("servelab: stopped", file=sys.stderr)
        sys.exit(130)
