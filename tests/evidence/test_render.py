"""What is published is what the files say: a changed number in prose, table or chart is found, and so is a bare file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, servelab
from matplotlib.backends.backend_agg import FigureCanvasAgg
from servelab.errors import CourseError
from servelab.evidence import chart, render, results
from servelab.load import measurements
from servelab.load.records import spread_of


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The generated pages of the course, with its measurement files, in a folder of their own."""
    root = tmp_path / "course"
    shutil.copytree(ROOT / "environment" / "measurements", root / "environment" / "measurements")
    (root / render.GRADING).parent.mkdir(parents=True)
    for name in (render.README, render.GRADING):
        shutil.copy(ROOT / name, root / name)
    monkeypatch.setattr(measurements, "folder", lambda: root / "environment" / "measurements")
    return root


def test_the_course_is_what_its_files_say() -> None:
    assert render.drift(ROOT) == [], "run `servelab measurements render`"


def test_a_number_changed_in_a_table_is_found(course: Path) -> None:
    assert render.drift(course) == []
    page = course / render.README
    row = next(line for line in page.read_text().splitlines() if line.startswith("| vLLM over naive"))
    page.write_text(page.read_text().replace(row, row.replace("×", "1×", 1)))
    assert render.drift(course) == ["README.md does not match environment/measurements"]
    assert render.render(course) == [page] and render.drift(course) == []


def test_a_number_changed_in_a_chart_is_found(course: Path) -> None:
    picture = course / render.CHARTS / "results-dark.svg"
    picture.write_text(picture.read_text().replace("<path", "<path ", 1))
    assert render.drift(course) == [
        f"{render.CHARTS}/results-dark.svg does not match environment/measurements"
    ]
    picture.unlink()
    assert len(render.drift(course)) == 1


def test_a_number_changed_in_prose_is_found(course: Path) -> None:
    page = course / render.README
    now = f"{measurements.read('serving-cpu')['figures']['vllm_rps']:.2f}"
    page.write_text(page.read_text() + f"\nIt answers {now}<!--=serving-cpu:vllm_rps:.2f--> requests/s.\n")
    assert render.drift(course) == []
    page.write_text(page.read_text().replace(f"{now}<!--", f"1{now}<!--"))
    assert render.drift(course) == ["README.md does not match environment/measurements"]
    render.render(course)
    assert f"answers {now}<!--=serving-cpu:vllm_rps:.2f--> requests" in page.read_text()


@pytest.mark.parametrize(
    "cited", ["serving-cpu:nowhere", "serving-cpu:backends", "serving-cpu:samples/vllm", "none:x"]
)
def test_a_citation_of_nothing_is_found(course: Path, cited: str) -> None:
    page = course / render.README
    page.write_text(page.read_text() + f"\n7<!--={cited}:.2f-->\n")
    (line,) = render.drift(course)
    assert "cites" in line or "No measurement" in line


@pytest.mark.parametrize("key", ["hardware", "versions", "commit", "taken", "samples"])
def test_a_file_without_provenance_is_found(course: Path, key: str) -> None:
    path = course / "environment" / "measurements" / "serving-cpu.json"
    record = json.loads(path.read_text())
    del record[key]
    path.write_text(json.dumps(record))
    (line,) = render.drift(course)
    assert f"does not say: {key}" in line


def test_another_measurement_changes_every_page(course: Path) -> None:
    path = course / "environment" / "measurements" / "serving-cpu.json"
    record = json.loads(path.read_text())
    record["samples"]["vllm_rps"] = [2 * value for value in record["samples"]["vllm_rps"]]
    record["summary"]["vllm_rps"] = spread_of(record["samples"]["vllm_rps"]).model_dump()
    record["figures"]["vllm_rps"] = record["summary"]["vllm_rps"]["median"]
    path.write_text(json.dumps(record))
    found = render.drift(course)
    assert {line.split(" ")[0].split("/")[-1] for line in found} == {
        "README.md",
        "results-dark.svg",
        "results-light.svg",
    }


def test_lost_marks_are_told() -> None:
    with pytest.raises(CourseError, match=r"README\.md must have <!-- results --> and"):
        render.block("no marks", "results", str, "README.md")


def test_samples_give_medians_and_spreads(tmp_path: Path) -> None:
    result = {
        "words": "made up",
        "samples": {"naive_rps": [0.4, 0.5, 0.6], "vllm_rps": [8.0, 5.0, 9.0]},
        "ratios": {"vllm_over_naive": ["vllm_rps", "naive_rps"]},
    }
    measurements.write("serving-cpu", measurements.make("Made up.", result, seed=0, repeats=3), tmp_path)
    rows = {row.label: row for row in results.rows(tmp_path)}
    value = rows["vLLM over naive, requests/s"].cpu
    assert results.shown(value, "times") == "15× (10 to 20)"
    assert rows["two replicas over one"].cpu is None and rows["two replicas over one"].gpu_words == "one card"
    assert (
        rows["vLLM, its best level"].gpu is None and rows["vLLM, its best level"].gpu_words == results.NOT_YET
    )


def test_the_chart_is_the_same_every_time_and_has_no_background() -> None:
    rows = results.rows()
    light, dark = chart.svg(rows, "light"), chart.svg(rows, "dark")
    assert light == chart.svg(rows, "light") != dark
    assert "<dc:date>" not in light and "#ffffff" not in dark
    axes = chart.draw(rows, "dark").axes
    told = [text.get_text() for area in axes for text in area.texts]
    ratio = next(row.cpu for row in rows if row.label == "vLLM over naive, requests/s")
    assert ratio is not None and {
        "● CPU",
        "■ GPU",
        "◇ claimed",
        f"{results.number(ratio.middle)}×",
        "4.1×",
    } <= set(told)
    assert results.NOT_YET in told or all(row.gpu or row.gpu_words != results.NOT_YET for row in rows)


def test_build_check_looks_at_them_too(tmp_path: Path) -> None:
    done = servelab("measurements", "render", "--check")
    assert done.returncode == 0, done.stdout
    from servelab.cli import _measured

    assert _measured(check=True) == []


def test_every_label_lies_within_the_chart() -> None:
    figure = chart.draw(results.rows(), "light")
    FigureCanvasAgg(figure).draw()
    labels = [label for area in figure.axes for label in area.get_yticklabels()]
    assert [label.get_text() for label in labels if label.get_window_extent().x0 < 0] == []
    longest = max(labels, key=lambda label: label.get_window_extent().width)
    longest.set_text("a label that is far too long for the place that it has, " + longest.get_text())
    assert longest.get_window_extent().x0 < 0
