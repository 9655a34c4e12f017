"""The naive server's models, and the benchmark's server around them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from servelab.load import bench, naive, run_closed_loop

pytestmark = pytest.mark.alone  # measures times


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with bench.naive_server("toy") as url:
        yield url


def test_toy_is_deterministic_and_counts_words() -> None:
    toy = naive.load_backend("toy")
    first, again = toy.generate("one two three", 7), toy.generate("one two three", 7)
    assert first == again
    assert (first.prompt_tokens, first.completion_tokens, len(first.text.split())) == (3, 7, 7)
    assert toy.count_tokens(" a  b\n") == 2
    assert toy.generate("something else", 7).text != first.text


def test_toy_takes_its_time_per_token() -> None:
    toy = naive.ToyBackend(seconds_per_token=0.02)
    begun = time.perf_counter()
    toy.generate("x", 5)
    short = time.perf_counter() - begun
    toy.generate("x", 25)
    assert (time.perf_counter() - begun - short) / short == pytest.approx(5, rel=0.2)


def test_toy_refuses_two_threads_at_once() -> None:
    toy = naive.ToyBackend(seconds_per_token=0.05)
    thread = threading.Thread(target=toy.generate, args=("x", 10))
    thread.start()
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match="two threads at once"):
        toy.generate("x", 1)
    thread.join()
    assert toy.generate("x", 1).completion_tokens == 1


def test_unknown_back_end() -> None:
    with pytest.raises(ValueError, match="smollm2"):
        naive.load_backend("gpt")


def test_server_answers_like_openai(base_url: str) -> None:
    answer = httpx.post(f"{base_url}/completions", json={"prompt": "a b", "max_tokens": 3}).json()
    assert answer["object"] == "text_completion"
    (choice,) = answer["choices"]
    assert choice["index"] == 0 and choice["finish_reason"] == "length" and len(choice["text"].split()) == 3
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_server_serves_one_at_a_time(base_url: str) -> None:
    alone = run_closed_loop(
        base_url, "toy", ["p"] * 3, concurrency=1, max_tokens=20, stream=False, desc=""
    ).summary()
    crowd = run_closed_loop(
        base_url, "toy", ["p"] * 12, concurrency=4, max_tokens=20, stream=False, desc=""
    ).summary()
    assert alone.errors == crowd.errors == 0
    assert crowd.requests_per_s / alone.requests_per_s < 1.3
    assert crowd.e2e_s["p50"] / alone.e2e_s["p50"] > 2.8


def test_a_faulty_toy_breaks_and_recovers() -> None:
    toy = naive.load_backend("toy-faulty")
    with pytest.raises(RuntimeError, match="cannot allocate"):
        toy.generate("please crash now", 2)
    assert toy.generate("please go on", 2).completion_tokens == 2


def test_letters_for_tokens() -> None:
    toy = naive.load_backend("toy-letters")
    done = toy.generate("a b c", 7)
    assert (done.prompt_tokens, done.completion_tokens, len(done.text)) == (5, 7, 7)
    assert toy.count_tokens("a" * 41) == 41 > toy.max_prompt_tokens


@pytest.mark.engine
@pytest.mark.slow
def test_smollm2_generates() -> None:
    model = naive.load_backend("smollm2")
    done = model.generate("The capital of France is", 8)
    assert "Paris" in done.text
    assert done.prompt_tokens == model.count_tokens("The capital of France is") == 5
    assert model.generate("Hi", 24, ignore_eos=True).completion_tokens == 24
