"""Number formats are compared on the same tokens and in turn; a server that cannot say is named."""

from __future__ import annotations

import http.server
import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servelab import engine
from servelab.engine import artefacts
from servelab.errors import CourseError
from servelab.load import measurements, quantized


@contextmanager
def answering(body: dict[str, Any], seen: list[dict[str, Any]], status: int = 200) -> Iterator[str]:
    """A server that gives every request the same answer; yields its OpenAI address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def test_the_prompts_probabilities_are_read() -> None:
    rows = [None, {"17": {"logprob": -0.5, "rank": 1}}, {"4": {"logprob": -2.5, "rank": 9}}]
    second = [None, {"3": {"logprob": -1.0, "rank": 2}}]
    choices = [{"index": 1, "prompt_logprobs": second}, {"index": 0, "prompt_logprobs": rows}]
    seen: list[dict[str, Any]] = []
    with answering({"choices": choices}, seen) as url:
        assert quantized.token_logprobs(url, "m", ["a text", "two"]) == [[-0.5, -2.5], [-1.0]]
    assert (seen[0]["model"], seen[0]["prompt"], seen[0]["prompt_logprobs"]) == ("m", ["a text", "two"], 0)


@pytest.mark.parametrize(("status", "words"), [(200, "without prompt_logprobs"), (400, "did not score")])
def test_a_server_that_cannot_say(status: int, words: str) -> None:
    with (
        answering({"choices": [{"index": 0, "text": "x"}]}, [], status) as url,
        pytest.raises(CourseError, match=words),
    ):
        quantized.token_logprobs(url, "m", ["a text"])


def test_perplexity_and_paired_differences() -> None:
    assert quantized.perplexity([math.log(0.5), math.log(0.125)]) == pytest.approx(4)
    worse, error = quantized.paired_difference([-1.5, -2.5, -3.5], [-1.0, -2.0, -3.0])
    assert (worse, error) == (pytest.approx(0.5), pytest.approx(0))
    _, error = quantized.paired_difference([-1.0, -4.0], [-1.0, -2.0])
    assert error == pytest.approx(1.0)
    with pytest.raises(ValueError, match="cannot be compared"):
        quantized.paired_difference([-1.0], [-1.0, -2.0])


def test_texts_are_passages_of_a_size() -> None:
    assert len(quantized.calibration()) == 16
    assert len(quantized.held_out()) == 8
    assert all(100 < len(text.split()) < 200 for text in quantized.held_out())


def test_size_counts_weights_only(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"x" * 10)
    (tmp_path / "b.safetensors").write_bytes(b"x" * 5)
    (tmp_path / "tokenizer.json").write_bytes(b"x" * 100)
    assert quantized.size_bytes(tmp_path) == 15


@pytest.mark.parametrize(
    ("layers", "hidden", "inner", "expected"),
    [(30, 576, 1536, 10), (28, 3584, 18944, 2), (24, 896, 4864, 4), (4, 64, 64, 4)],
)
def test_layers_are_spread_from_first_to_last(
    tmp_path: Path, layers: int, hidden: int, inner: int, expected: int
) -> None:
    config = {"num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": inner}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = quantized.some_layers(tmp_path)
    assert (len(set(found)), found[0], found[-1]) == (expected, 0, layers - 1)


def test_a_rounds_ratios_are_taken_within_the_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine becomes slower from round to round; the ratio of the two formats does not move."""
    folders = {"bf16": tmp_path / "a", "AWQ": tmp_path / "b"}
    for size, folder in zip((40, 10), folders.values(), strict=True):
        folder.mkdir()
        (folder / "m.safetensors").write_bytes(b"x" * size)
    order: list[str] = []

    class Running:
        def __init__(self, name: str) -> None:
            self.backend = f"vLLM {name}"

        def __enter__(self) -> Running:
            return self

        def __exit__(self, *_: Any) -> None:
            order[-1] += " ended"

        def stop(self) -> None:
            order[-1] += " stopped"

    def serve(args: Any, *, profile: Any, model: Path) -> Running:
        order.append(model.name)
        return Running(model.name)

    def measure(running: Running, desc: str) -> dict[str, Any]:
        pace = 1 / (1 + int(desc[-1])) * (0.5 if "AWQ" in desc else 1)
        return {
            "perplexity": 22.0 if "AWQ" in desc else 20.0,
            "logprobs": [-3.0] * 7,
            "requests_per_s": {1: pace, 8: 4 * pace},
        }

    monkeypatch.setattr(artefacts, "checkpoints", lambda profile: folders)
    monkeypatch.setattr(engine, "serve", serve)
    monkeypatch.setattr(quantized, "measure", measure)
    found = quantized.bench_quantization(repeats=3)
    assert order == ["a stopped ended", "b stopped ended"] * 3
    assert found["formats"]["AWQ"]["ratio"] == {"1": 0.5, "8": 0.5}
    assert found["formats"]["AWQ"]["perplexity_ratio"] == 1.1
    assert found["formats"]["bf16"]["requests_per_s"] == {"1": 0.333, "8": 1.333}
    assert (found["formats"]["bf16"]["bytes"], found["tokens_scored"], found["repeats"]) == (40, 7, 3)


def test_the_better_of_two_runs_counts_and_a_failed_request_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from servelab.load.generate import Run
    from servelab.load.stats import Result

    walls = iter([9.0, 4.0, 2.0, 1.0, 8.0])  # the warm-up, and two runs at each level
    broken: list[str | None] = [None]

    def loop(base_url: str, model: str, texts: list[str], **options: Any) -> Run:
        result = Result(error=broken[0], completion_tokens=64, ttft_s=0.5, e2e_s=1.0)
        return Run([result] * len(texts), next(walls, 1.0), options["concurrency"])

    class Running:
        base_url, model = "http://there/v1", "m"

    monkeypatch.setattr(quantized, "run_closed_loop", loop)
    monkeypatch.setattr(quantized, "token_logprobs", lambda *_: [[-1.0, -3.0], [-2.0]])
    found = quantized.measure(Running())
    assert found["requests_per_s"] == {1: 0.5, 8: 8.0}
    assert (found["logprobs"], found["perplexity"]) == ([-1.0, -3.0, -2.0], pytest.approx(math.exp(2)))
    broken[0] = "timeout"
    with pytest.raises(CourseError, match="requests failed: timeout"):
        quantized.measure(Running())


def test_no_gpu_run_is_none_and_not_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "folder", lambda: tmp_path)
    assert quantized.gpu_run() is None


def test_a_run_on_a_shape_stands_in_for_one_with_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from servelab.load import quantized_charts

    monkeypatch.setattr(measurements, "folder", lambda: tmp_path)
    result = {
        "shape": {"name": "a shape", "source": "made up"},
        "samples": {
            f"{n}_c{c}_rps": [c * 1.0, c * 2.0, c * 6.0] for n in ("bf16", "awq") for c in (1, 8, 512)
        },
    }
    measurements.save("serving-gpu", "Made up.", result, seed=0, repeats=3)
    found = quantized.gpu_run()
    assert found["figures"]["formats"]["AWQ"]["requests_per_s"] == {"1": 2.0, "8": 16.0}
    assert set(found["figures"]["formats"]) == {"bf16", "AWQ"}
    rows = {"bf16": {"bytes": 1e8, "perplexity": 20.0, "requests_per_s": {1: 1.0, 8: 4.0}}}
    title = quantized_charts.formats(rows, gpu=found).axes[3].get_title(loc="left")
    assert title.endswith("(a shape, random weights)")
    assert quantized.of_shape({**found, "samples": {}}) is None
