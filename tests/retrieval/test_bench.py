"""The benchmark ranks as its names say, tunes on the development set only, and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from rich.console import Console
from servelab.load import measurements
from servelab.retrieval import asking, bench, corpus, measures, ranking, vectors


def run_of(scores: np.ndarray, questions: list[asking.Question]) -> dict[str, list[str]]:
    names = [passage.id for passage in corpus.load()]
    return {q.id: [names[row] for row in np.argsort(-scores[i])[:50]] for i, q in enumerate(questions)}


def shipped_runs(questions: list[asking.Question], asked: vectors.Asked) -> dict[str, dict[str, list[str]]]:
    """What can be ranked from the files that ship alone, without a model."""
    near = asked.vectors @ vectors.shipped().T
    dense = run_of(near, questions)
    candidates = np.argsort(-near, axis=1)[:, : bench.DEPTH]
    late = np.full_like(near, -2)
    np.put_along_axis(late, candidates, np.take_along_axis(asked.maxsim, candidates, 1), 1)
    return {"dense": dense, "dense_maxsim": run_of(late, questions)}


@pytest.mark.parametrize("which", ["dev", "test"])
def test_late_interaction_beats_dense_alone(which: str) -> None:
    questions = asking.load() if which == "dev" else asking.load_test()
    assert questions
    path = None if which == "dev" else (ROOT / asking.TEST).with_suffix(".npz")
    runs = shipped_runs(questions, vectors.asked(path))
    values = {name: measures.by_question(run, asking.qrels(questions)) for name, run in runs.items()}
    found = measures.paired_interval(values["dense_maxsim"]["ndcg_at_10"], values["dense"]["ndcg_at_10"])
    assert found.significant and found.difference > 0.03
    assert np.mean(list(values["dense_maxsim"]["recall_at_10"].values())) >= 0.85


def test_the_published_figures_hold() -> None:
    record = measurements.read("retrieval-cpu")
    figures = record["figures"]
    assert not record["dirty"] and figures["set"] == "test"
    assert len(figures["variants"]) >= 4 and figures["passages"] == len(corpus.load())
    best = figures["variants"][figures["best"]]
    assert best["recall_at_10"] >= 0.85
    assert best["against_dense"]["low"] > 0
    assert figures["questions"] == sum(bool(q.relevant) for q in asking.load_test() or ())


def test_the_published_figures_are_those_of_the_files_that_ship() -> None:
    """What needs no model can be computed again: the same to the last digits that a rounded vector allows."""
    figures = measurements.read("retrieval-cpu")["figures"]["variants"]
    questions = asking.load_test()
    assert questions
    runs = shipped_runs(questions, vectors.asked((ROOT / asking.TEST).with_suffix(".npz")))
    for name, run in runs.items():
        for measure, value in measures.evaluate(run, asking.qrels(questions)).items():
            assert figures[name][measure] == pytest.approx(value, abs=0.015), (name, measure)


class Toy(bench._Search):
    """Three stages whose rankings are known."""

    def __init__(self) -> None:
        pass

    def bm25(self, text: str) -> list[int]:
        return [1, 2, 3]

    def dense(self, text: str) -> list[int]:
        return [3, 1, 4]


def test_rrf_is_the_fusion_of_the_two() -> None:
    assert Toy().rrf("?") == [name for name, _ in ranking.rrf([[1, 2, 3], [3, 1, 4]], k=bench.RRF_K)]
    assert Toy.fused([[1], [2], [3]], (0, 0, 1))[0] == 3 and Toy.fused([[1], [2], [3]], (1, 0, 0))[0] == 1


def test_without_a_hub_its_ways_are_missing_and_that_is_said() -> None:
    found, why = bench._hub_ways(Toy(), corpus.load(), "cpu")
    assert found == {} and "fetches nothing from a model hub" in why
    told = StringIO()
    bench.show(
        measurements.read("retrieval-cpu")["figures"] | {"not_run": why}, Console(file=told, width=400)
    )
    assert why in told.getvalue()


def test_weights_are_chosen_on_the_questions_given() -> None:
    names = [passage.id for passage in corpus.load()]
    questions = [asking.Question(f"q-{i}", f"q{i}", "keyword", {names[7]: 2}) for i in range(3)]

    class Three(Toy):
        def three(self, text: str) -> list[list[int]]:
            return [[7, 8, 9], [9, 8, 7], [8, 7, 9]]  # only the first stage knows

    best = bench._tuned(Three(), questions)
    assert best == (1.0, 0.0, 1.0)


def test_shown_and_told() -> None:
    result = measurements.read("retrieval-cpu")["figures"]
    told = StringIO()
    bench.show(result, Console(file=told, width=120))
    assert "rrf_maxsim" in told.getvalue() and "Recall@10" in told.getvalue()
    assert bench.what(result).startswith("servelab bench retrieval: ")


def command(*args: str) -> Any:
    code = "from servelab.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done


def test_lint_from_the_command_line() -> None:
    done = command("retrieval", "lint", "--json")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0 and told["problems"] == [] and told["questions"] >= 175, done.stderr


@pytest.mark.slow
def test_the_benchmark_from_the_command_line(figures: dict[str, Any]) -> None:
    done = command("bench", "retrieval", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    for name in ("bm25", "dense", "rrf", "dense_maxsim", "rrf_maxsim"):
        assert set(told["variants"][name]) >= {"recall_at_10", "ndcg_at_10", "query_ms"}
    best = told["variants"][told["best"]]
    figures["retrieval, Recall@10 of the best"] = best["recall_at_10"]
    figures["retrieval, nDCG@10 above dense"] = best["against_dense"]["difference"]
    assert best["recall_at_10"] >= 0.85 and best["against_dense"]["low"] > 0
    assert told["build"]["index_s"] >= 0
