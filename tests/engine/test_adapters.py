"""Adapters beside a model: what a client may rely on, of the scripted engine and of real vLLM alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from lora_kit import write_adapter
from servelab import engine
from servelab.engine import EngineError, adapters
from servelab.engine.scripted import ScriptedEngine

PROMPT = "Once upon a time there was a small engine that"


@dataclass
class Served:
    """An engine with the adapter `first`; the others lie in folders and are not loaded."""

    base_url: str
    model: str
    folders: dict[str, Path]

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.base_url, api_key="none", max_retries=0, timeout=120)

    def names(self) -> list[str]:
        return [model.id for model in self.client().models.list().data]

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.base_url}/{path}", json=body, timeout=120)

    def load(self, name: str, path: str | Path | None = None, **more: Any) -> httpx.Response:
        where = str(path or self.folders[name])
        return self.post("load_lora_adapter", lora_name=name, lora_path=where, **more)

    def unload(self, name: str) -> httpx.Response:
        return self.post("unload_lora_adapter", lora_name=name)

    def says(self, model: str) -> str:
        settings = {"prompt": PROMPT, "max_tokens": 12, "temperature": 0, "extra_body": {"ignore_eos": True}}
        return self.client().completions.create(model=model, **settings).choices[0].text


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("adapters")
    ranks = {"first": 2, "second": 8, "third": 4}
    return {
        name: write_adapter(place / name, rank=rank, seed=rank, spread=0.5) for name, rank in ranks.items()
    }


@pytest.fixture(
    scope="module", params=["scripted", pytest.param("real", marks=[pytest.mark.engine, pytest.mark.slow])]
)
def served(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Iterator[Served]:
    lora = {"first": folders["first"]}
    if request.param == "real":
        with engine.serve(["--max-num-seqs", "4", "--max-lora-rank", "8"], lora=lora) as running:
            yield Served(running.base_url, running.model, folders)
        running.stop()
    else:
        known = map(str, folders.values())
        with ScriptedEngine(
            ttft_s=0.005, itl_s=0.001, adapters={k: str(v) for k, v in lora.items()}, adapter_paths=known
        ) as scripted:
            yield Served(scripted.base_url, scripted.model, folders)


@pytest.fixture(autouse=True)
def only_the_first(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test has loaded is unloaded after it: all of them have one engine."""
    yield
    if "served" not in request.fixturenames:
        return
    served = request.getfixturevalue("served")
    for name in set(served.names()) - {served.model, "first"}:
        assert served.unload(name).status_code == 200


def test_the_list_of_models(served: Served) -> None:
    base, adapter = httpx.get(f"{served.base_url}/models", timeout=30).json()["data"]
    assert (base["id"], base["parent"]) == (served.model, None)
    assert (adapter["id"], adapter["parent"], adapter["owned_by"]) == ("first", served.model, "vllm")
    assert adapter["root"] == str(served.folders["first"])


def test_the_models_name_says_who_answers(served: Served) -> None:
    assert served.says("first") == served.says("first") != served.says(served.model)
    answer = served.client().chat.completions.create(
        model="first", messages=[{"role": "user", "content": "Hello"}], max_tokens=2
    )
    assert answer.model == "first"


@pytest.mark.parametrize("name", ["second", "First", "first "])
@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_an_unknown_name_is_404(served: Served, name: str, path: str) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    given = {"prompt": PROMPT} if path == "completions" else {"messages": messages}
    response = served.post(path, model=name, max_tokens=1, **given)
    assert response.status_code == 404
    error = response.json()["error"]
    assert error["type"] == "NotFoundError" and error["param"] == "model" and error["code"] == 404
    # vLLM names the base model only, not the adapters.
    assert error["message"] == f"The model `{name}` does not exist. Valid aliases: {served.model}."


def test_loaded_and_unloaded_while_it_serves(served: Served) -> None:
    before = served.says(served.model)
    response = served.load("second")
    assert response.status_code == 200
    assert response.text == "Success: LoRA adapter 'second' added successfully."
    assert served.names() == [served.model, "first", "second"]
    said = [served.says(name) for name in (served.model, "first", "second")]
    assert said[0] == before and len(set(said)) == 3
    response = served.unload("second")
    assert (response.status_code, response.text) == (
        200,
        "Success: LoRA adapter 'second' removed successfully.",
    )
    assert served.names() == [served.model, "first"]
    with pytest.raises(openai.NotFoundError):
        served.says("second")


def _error(response: httpx.Response, status: int, kind: str) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert (error["type"], error["code"]) == (kind, status), error
    return error["message"]


def test_a_name_that_is_taken(served: Served) -> None:
    told = _error(served.load("first"), 400, "InvalidUserInput")
    assert told == (
        "The lora adapter 'first' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True."
    )
    assert served.load("first", load_inplace=True).status_code == 200
    assert served.names() == [served.model, "first"]
    told = _error(served.load(served.model, served.folders["third"]), 400, "InvalidUserInput")
    assert told == f"The lora adapter '{served.model}' conflicts with a served base model."


def test_an_adapter_that_is_not_there(served: Served) -> None:
    told = _error(served.load("fourth", "/nowhere/at/all"), 404, "NotFoundError")
    assert told == "Loading lora fourth failed: No adapter found for /nowhere/at/all"
    assert served.names() == [served.model, "first"]
    told = _error(served.unload("fourth"), 404, "NotFoundError")
    assert told == "The lora adapter 'fourth' cannot be found."


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("load_lora_adapter", {"lora_name": "x"}, "Bad Request"),
        ("load_lora_adapter", {"lora_path": "x"}, "Bad Request"),
        ("load_lora_adapter", {"lora_name": 3, "lora_path": "x"}, "Bad Request"),
        ("load_lora_adapter", {"lora_name": "", "lora_path": "x"}, "InvalidUserInput"),
        ("load_lora_adapter", {"lora_name": "x", "lora_path": ""}, "InvalidUserInput"),
        ("unload_lora_adapter", {}, "Bad Request"),
        ("unload_lora_adapter", {"lora_name": ""}, "InvalidUserInput"),
    ],
)
def test_what_is_missing(served: Served, path: str, body: dict[str, Any], kind: str) -> None:
    _error(served.post(path, **body), 400, kind)


def test_a_request_that_is_none(served: Served) -> None:
    url = f"{served.base_url}/load_lora_adapter"
    response = httpx.post(url, content=b"{", headers={"content-type": "application/json"}, timeout=30)
    assert response.status_code == 400
    assert httpx.get(url, timeout=30).status_code == 405


# ---------------------------------------------------------------- the scripted engine alone


def test_the_ground_truth() -> None:
    with ScriptedEngine(adapters=["one", "two"], ttft_s=0.001, itl_s=0.001) as scripted:
        assert scripted.adapters == {"one": "/adapters/one", "two": "/adapters/two"}
        url = scripted.base_url
        httpx.post(f"{url}/load_lora_adapter", json={"lora_name": "three", "lora_path": "/any/where"})
        httpx.post(f"{url}/unload_lora_adapter", json={"lora_name": "one"})
        httpx.post(f"{url}/unload_lora_adapter", json={"lora_name": "one"})
        httpx.post(f"{url}/completions", json={"model": "two", "prompt": "a", "max_tokens": 1})
        assert scripted.adapters == {"two": "/adapters/two", "three": "/any/where"}
        assert [(r["path"], r["status"]) for r in scripted.adapter_log] == [
            ("/v1/load_lora_adapter", 200),
            ("/v1/unload_lora_adapter", 200),
            ("/v1/unload_lora_adapter", 404),
        ]
        assert scripted.adapter_log[0]["body"] == {"lora_name": "three", "lora_path": "/any/where"}
        assert [r["body"]["model"] for r in scripted.requests] == ["two"]


def test_adapters_do_not_share_a_prefix_cache() -> None:
    prompt = " ".join(f"w{n}" for n in range(40))
    with ScriptedEngine(adapters=["one"], ttft_s=0.001, itl_s=0.001) as scripted:
        for model in (scripted.model, "one", "one", scripted.model):
            ask = {"model": model, "prompt": prompt, "max_tokens": 1}
            httpx.post(f"{scripted.base_url}/completions", json=ask)
        assert [r["cached_tokens"] for r in scripted.requests] == [0, 0, 32, 32]


def test_an_adapter_cannot_have_the_models_name() -> None:
    with pytest.raises(ValueError, match="'scripted'"):
        ScriptedEngine(adapters=["scripted"])


# ---------------------------------------------------------------- the arguments


def test_arguments(folders: dict[str, Path], tmp_path: Path) -> None:
    first, second = folders["first"], folders["second"]
    assert adapters.arguments({}) == ["--enable-lora", "--max-lora-rank", "8", "--max-loras", "2"]
    assert adapters.arguments({"a": first, "b": second})[-3:] == [
        "--lora-modules",
        f"a={first}",
        f"b={second}",
    ]
    wide = write_adapter(tmp_path / "wide, and odd", rank=40)
    told = adapters.arguments({"w": wide}, ["--max-loras", "1"])
    assert told[:3] == ["--enable-lora", "--max-lora-rank", "64"] and "--max-loras" not in told
    assert told[-1] == f'{{"name": "w", "path": "{wide}"}}'
    with pytest.raises(EngineError, match="holds no LoRA adapter"):
        adapters.arguments({"x": tmp_path})


def test_an_adapter_that_was_trained_again_is_another_one(tmp_path: Path) -> None:
    one = write_adapter(tmp_path / "one", seed=1)
    before = adapters.fingerprint({"a": one})
    assert before == adapters.fingerprint({"a": str(one)}) != adapters.fingerprint({"b": one})
    (one / "adapter_model.safetensors").write_bytes(b"other")
    assert before != adapters.fingerprint({"a": one})


def test_a_scripted_engine_is_served_with_adapters(folders: dict[str, Path]) -> None:
    with engine.serve(profile="scripted", lora=folders) as running:
        names = [model.id for model in running.client().models.list()]
        assert names == [running.model, *folders]
        again = engine.serve(profile="scripted", lora=folders)
        assert again.pid == running.pid
        with engine.serve(profile="scripted") as plain:
            assert plain.pid != running.pid
        plain.stop()
        again.release()
    running.stop()
