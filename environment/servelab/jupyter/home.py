"""What the course home page shows, gathered as plain data, and the page made from it."""

from __future__ import annotations

import html
import json
import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jupyter_core.paths import jupyter_data_dir
from markupsafe import Markup, escape

from servelab import paths

_TEMPLATES = Path(__file__).parent / "templates"
_DIAGNOSIS_AGE_S = 60.0
_LEDGER_ROWS = 12
_ACRONYMS = {"ttft", "itl", "tpot", "kv", "gpu", "cpu"}
# What reading a file raises when it is not there, not JSON, or not shaped as we wrote it.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


def state() -> dict[str, Any]:
    """All that the page shows, as JSON types.

    A part that cannot be read becomes a note on the page, never a broken page: what a student opens first
    must open.

    Raises:
        CourseError: there is no course here at all.
    """
    root = paths.course_root()
    notes: list[str] = []
    scores = own_scores(notes)
    machine = diagnosis()
    fitness = {lab["name"]: lab for lab in machine["labs"]} if machine else {}
    labs = [
        lab_card(root, name, scores.get(name)) | {"fitness": fitness.get(name)}
        for name in paths.lab_names(root)
    ]
    return {
        "root": str(root),
        "labs": labs,
        "next": next((lab["name"] for lab in labs if lab["status"] != "full"), None),
        "machine": machine,
        "engines": engines(),
        "ledger": ledger_groups(notes),
        "notes": notes,
        "instructor": (root / "solutions").is_dir(),
    }


# --- labs and scores


def lab_card(root: Path, name: str, score: dict[str, Any] | None) -> dict[str, Any]:
    """What the page says about one released lab: title, minutes, what is built, and how far the student is."""
    work = paths.work_dir() / name
    started = (work / f"{name}.ipynb").is_file()
    if score and score["score"] >= score["max_score"] > 0:
        status = "full"
    elif score:
        status = "scored"
    else:
        status = "started" if started else "new"
    number, _, slug = name.partition("-")
    return {
        "name": name,
        "number": number,
        "status": status,
        "score": score,
        "handed_in": handed_in(name),
        "feedback": released_feedback(work),
        "title": slug.replace("-", " ").capitalize(),
        **_notebook_facts(root / "labs" / name / f"{name}.ipynb"),
    }


def _notebook_facts(notebook: Path) -> dict[str, Any]:
    try:
        return _read_notebook_facts(notebook, notebook.stat().st_mtime_ns)
    except _UNREADABLE:
        return {"minutes": None, "build": None, "points": None}


@cache
def _read_notebook_facts(notebook: Path, _mtime_ns: int) -> dict[str, Any]:
    document = json.loads(notebook.read_text(encoding="utf-8"))
    header = document["metadata"].get("servelab") or {}
    prose = ["".join(c["source"]) for c in document["cells"] if c["cell_type"] == "markdown"]
    heading = next((m.group(1) for text in prose if (m := re.search(r"^# +(.+)$", text, re.M))), None)
    points = sum(
        cell["metadata"]["nbgrader"].get("points", 0)
        for cell in document["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade")
    )
    facts = {
        "minutes": header.get("minutes"),
        "build": header.get("objectives") or header.get("build"),
        "points": points or None,
    }
    title = header.get("title") or heading
    return facts | ({"title": re.sub(r"[*`]", "", str(title))} if title else {})


def own_scores(notes: list[str]) -> dict[str, dict[str, Any]]:
    """Each lab's latest score by `servelab check`: {lab: {"score", "max_score", "visible_only", "when"}}."""
    file = paths.work_dir() / ".servelab" / "scores.json"
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return {
            str(lab): {
                "score": float(row["score"]),
                "max_score": float(row["max_score"]),
                "visible_only": bool(row.get("visible_only")),
                "when": str(row.get("when", ""))[:16].replace("T", " "),
            }
            for lab, row in stored.items()
        }
    except FileNotFoundError:
        return {}
    except _UNREADABLE:
        notes.append(f"Your scores in {file} cannot be read. `servelab check` writes them anew.")
        return {}


def handed_in(lab: str) -> str | None:
    """When this person last handed in a lab through nbgrader's exchange, as `2026-11-30 21:32 UTC`.

    nbgrader keeps a copy of what was handed in, in a folder `<login>+<lab>+<time>`. Of what went another way nothing is known.
    """
    places = Path(jupyter_data_dir(), "nbgrader_cache").glob(f"*/*+{lab}+*")
    times = [place.name.split(f"+{lab}+", 1)[1] for place in places]
    return f"{max(times)[:16]} UTC" if times else None


_FEEDBACK_SCORE = re.compile(r"\(Score:\s*([0-9.]+)\s*/\s*([0-9.]+)\)")


def released_feedback(work: Path) -> dict[str, Any] | None:
    """The newest feedback that nbgrader fetched into a lab's folder: {"path", "score", "max_score"}.

    nbgrader writes `feedback/<timestamp>/<notebook>.html`, with the total in the heading.
    """
    pages = sorted((work / "feedback").glob("*/*.html"), key=lambda p: p.parent.name)
    if not pages:
        return None
    root = paths.course_root()
    found = {"path": pages[-1].relative_to(root).as_posix() if pages[-1].is_relative_to(root) else None}
    try:
        total = _FEEDBACK_SCORE.search(html.unescape(pages[-1].read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return None
    if total:
        found |= {"score": float(total.group(1)), "max_score": float(total.group(2))}
    return found


# --- the machine

_diagnosed: dict[str, Any] = {"value": None, "at": -_DIAGNOSIS_AGE_S}


def diagnosis() -> dict[str, Any] | None:
    """`servelab doctor`'s findings, at most a minute old; None when it could not look.

    It imports nothing heavy, so it may run in the server's process.
    """
    if time.monotonic() - _diagnosed["at"] >= _DIAGNOSIS_AGE_S:
        from servelab import doctor, engine

        try:
            value = doctor.diagnose().model_dump()
        except (engine.EngineError, *_UNREADABLE):
            value = None
        _diagnosed.update(value=value, at=time.monotonic())
    return _diagnosed["value"]


def warm_up() -> None:
    """Compile the page, so that the first visitor does not wait for it."""
    _page("home.html")


def engines() -> list[dict[str, Any]]:
    """The engines that run now: back end, address, model."""
    from servelab import engine

    try:
        return [{"backend": e.backend, "url": e.url, "model": e.model} for e in engine.running()]
    except (engine.EngineError, *_UNREADABLE):  # one that stops while we look
        return []


# --- the ledger


def ledger_groups(notes: list[str]) -> list[dict[str, Any]]:
    """The latest value of each step, by metric: [{"metric", "unit", "rows": [{"step", "value", "share", ...}]}].

    `share` is the value over the largest of its group, between 0 and 1, for a bar's length.
    """
    from servelab.load import ledger

    try:
        # Not `ledger.rows()`: that puts a damaged file aside and says so once, and a page nobody looks at
        # must not use up that message.
        rows = json.loads(ledger.path().read_text(encoding="utf-8"))
        latest = _latest_by_step(rows)
    except FileNotFoundError:
        return []
    except _UNREADABLE:
        notes.append(f"Your measurements in {ledger.path()} cannot be read. The file is left as it is.")
        return []
    groups = []
    for (metric, unit), by_step in latest.items():
        chosen = list(by_step.values())[-_LEDGER_ROWS:]
        largest = max(abs(row["value"]) for row in chosen) or 1.0
        rows = [row | {"share": abs(row["value"]) / largest} for row in chosen]
        groups.append({"metric": metric, "unit": unit, "rows": rows})
    return groups


def _latest_by_step(
    rows: list[dict[str, Any]],
) -> dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]]:
    latest: dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]] = {}
    for row in rows:
        group = latest.setdefault((str(row["metric"]), str(row["unit"])), {})
        key = (str(row["step"]), str(row["backend"]))
        group.pop(key, None)  # measured again: the newer one counts, and moves to the end
        group[key] = {"step": key[0], "backend": key[1], "value": float(row["value"]), "lab": str(row["lab"])}
    return latest


# --- the page


@cache
def _page(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "metric": metric_title, "code": code_marked}
    return environment.get_template(name)


def number(value: float | None) -> str:
    """A number as one says it: three significant digits, no trailing zeros, no exponent."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if "e" in text else text


def metric_title(metric: str) -> str:
    """A ledger metric as a heading: `ttft_p95_s` is "TTFT p95"; the unit is shown beside it."""
    bare = re.sub(r"(_per_s|_s|_bytes)$", "", metric)
    title = " ".join(w.upper() if w in _ACRONYMS else w for w in bare.split("_"))
    return title[:1].upper() + title[1:]


def code_marked(text: str) -> Markup:
    """Text with its `backticks` shown as code; everything else escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def render(state: dict[str, Any], base_url: str, nonce: str) -> str:
    """The home page. `base_url` ends in a slash; `nonce` marks the page's own style and script."""
    return _page("home.html").render(state=state, base_url=base_url, nonce=nonce)


def render_sections(state: dict[str, Any], base_url: str) -> str:
    """The part of the page that changes while it is open."""
    return _page("sections.html").render(state=state, base_url=base_url)


def render_error(message: str, home_url: str) -> str:
    """A page with one sentence and the way back."""
    return _page("error.html").render(message=message, home_url=home_url)
