"""What an adapter is worth: greedy answers compared with the right ones, and what the model has forgotten.

The base model, SmolLM2-135M in float32, is loaded once a process. Its weights are replaced by W + scale·B·A while an adapter is
scored, which is what an adapter computes, at the base model's speed. Float32 on one thread gives the same answers on every
machine but for the last bits, so it does not matter where an adapter was trained.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from servelab.engine import artefacts
from servelab.engine.errors import EngineError
from servelab.errors import CourseError
from servelab.lora.adapter import Adapter

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

#: Prompts in flight: enough to keep one core busy, few enough that short answers do not wait for long ones.
BATCH = 40
#: A text is read up to here, and a prompt may not be longer.
MOST_TOKENS = 512


@dataclass(frozen=True)
class Scores:
    """What came of scoring an adapter (or the base model alone).

    Attributes:
        examples: how many were answered.
        exact: share of answers that are the right JSON object, field by field.
        valid_json: share of answers that are a JSON object with exactly the right one's fields, whatever is in them.
        fields: share of the right objects' fields that were answered rightly.
        perplexity_base: of the base model on the texts; NaN without texts.
        perplexity: of the adapted model on the same texts; infinite where it gives one token no chance at all.
        seconds: wall time of all of it, loading the base model excepted.
        answers: what the model said, in the examples' order.
    """

    examples: int
    exact: float
    valid_json: float
    fields: float
    perplexity_base: float
    perplexity: float
    seconds: float
    answers: list[str] = field(default_factory=list, repr=False)


@functools.cache
def base() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The course's model in float32, ready to be asked, and its tokenizer. Loaded once a process.

    Raises:
        EngineError: the model is not there and cannot be made.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = artefacts.model_path("cpu")
    with _one_thread(), _quiet():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder)
    model.requires_grad_(False)
    return model, tokenizer


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No bar of transformers' own: in a check cell nbgrader takes anything on standard error for a failure."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def warm_up() -> None:
    """Load the base model now: the grader does it once, for all the processes that are forked from its own.

    Raises:
        CourseError: the model is not there and cannot be made.
    """
    try:
        base()
    except EngineError as error:
        raise CourseError(" ".join(str(error).split())) from None
    _answers(["One"], 2)


def score(
    adapter: Adapter | None,
    examples: Sequence[tuple[str, str]],
    texts: Sequence[str] = (),
    *,
    max_new_tokens: int = 48,
) -> Scores:
    """Answer the examples with the adapted model, greedily, and read the texts with and without the adapter.

    Args:
        adapter: as `servelab.lora.adapter.read` returns it; None scores the base model.
        examples: pairs of a prompt, which goes to the tokenizer as it is, and the right answer, a JSON object.
        texts: general texts on which the two perplexities are taken, each read on its own up to `MOST_TOKENS` tokens.
        max_new_tokens: an answer ends here, if the model does not end it.

    Raises:
        ValueError: a prompt is empty or longer than `MOST_TOKENS`.
        EngineError: the base model is not there and cannot be made.
    """
    base()
    began = time.perf_counter()
    with _one_thread(), _adapted(adapter):
        answers = _answers([p for p, _ in examples], max_new_tokens, [right for _, right in examples])
        perplexity = _perplexity(tuple(texts))
    with _one_thread():
        before = _perplexity_of_base(tuple(texts)) if adapter is not None else perplexity
    marks = [mark(answer, right) for answer, (_, right) in zip(answers, examples, strict=True)]
    count = max(len(marks), 1)
    return Scores(
        examples=len(marks),
        exact=sum(exact for exact, _, _ in marks) / count,
        valid_json=sum(valid for _, valid, _ in marks) / count,
        fields=sum(share for _, _, share in marks) / count,
        perplexity_base=before,
        perplexity=perplexity,
        seconds=time.perf_counter() - began,
        answers=answers,
    )


# ---------------------------------------------------------------- marking


def mark(answer: str, right: str) -> tuple[bool, bool, float]:
    """Whether an answer is the right object, whether it is an object with its fields, and the share of right fields.

    Spaces and the order of fields do not matter; the types of values do, and nothing may stand around the object.
    """
    wanted, got = _object(right), _object(answer)
    if wanted is None:
        raise ValueError(f"the right answer is no JSON object: {right[:80]!r}")
    if got is None:
        return False, False, 0.0
    same = sum(name in got and _text(got[name]) == _text(value) for name, value in wanted.items())
    valid = set(got) == set(wanted)
    return valid and same == len(wanted), valid, same / max(len(wanted), 1)


def _object(text: str) -> dict[str, Any] | None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name is there twice")
        return dict(pairs)

    def no_number(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str:
    """A value as text, so that 1 is not true and 1.0 not 1."""
    return json.dumps(value, sort_keys=True)


# ---------------------------------------------------------------- the model


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread of torch's, and no gradients: more threads get in each other's way on a shared machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _adapted(adapter: Adapter | None) -> Iterator[None]:
    """Inside it, the base model has the adapter merged into its weights."""
    import torch

    model, _ = base()
    before: dict[str, torch.nn.Parameter] = {}
    try:
        for name, (a, b) in (adapter.pairs if adapter is not None else {}).items():
            module = model.get_submodule(name)
            before[name] = module.weight
            update = torch.from_numpy(b) @ torch.from_numpy(a)
            module.weight = torch.nn.Parameter(before[name] + adapter.scale * update, requires_grad=False)
        yield
    finally:
        for name, weight in before.items():
            model.get_submodule(name).weight = weight


def _answers(prompts: Sequence[str], max_new_tokens: int, guesses: Sequence[str] = ()) -> list[str]:
    """Greedy answers up to the end of the turn, stripped. Good guesses make it faster, and change no answer."""
    _, tokenizer = base()
    tokens = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
    if not all(1 <= len(ids) <= MOST_TOKENS for ids in tokens):
        raise ValueError(f"a prompt has to have 1 to {MOST_TOKENS} tokens")
    guessed = [tokenizer(text, add_special_tokens=False)["input_ids"][:max_new_tokens] for text in guesses]
    guessed = guessed or [[] for _ in tokens]
    # Together go those of about the same length: less padding to compute.
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    said: dict[int, list[int]] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        told = _decode([tokens[i] for i in batch], [guessed[i] for i in batch], max_new_tokens)
        said |= zip(batch, told, strict=True)
    return [tokenizer.decode(said[i], skip_special_tokens=True).strip() for i in range(len(tokens))]


def _decode(prompts: list[list[int]], guesses: list[list[int]], max_new_tokens: int) -> list[list[int]]:
    """The tokens that follow each prompt, greedily, as one batch.

    A guess is what speculative decoding calls a draft: it is read together with its prompt, in one pass, and as many of its
    tokens count as the model would have said itself. From there on each answer goes on token by token; who has ended is taken
    out of the batch. What all prompts begin with is read once.
    """
    import torch

    model, tokenizer = base()
    end = tokenizer.eos_token_id
    columns = zip(*(prompt[:-1] for prompt in prompts), strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))
    cache = _read(prompts[0][:shared], len(prompts))
    rest = [prompt[shared:] for prompt in prompts]
    width, tail = max(map(len, rest)), max(map(len, guesses))
    # Each row: padding, what is left of the prompt, the guess, padding.
    ids, seen = [], []
    for own, guess in zip(rest, guesses, strict=True):
        before, after = width - len(own), tail - len(guess)
        ids.append([end] * before + own + guess + [end] * after)
        seen.append([1] * shared + [0] * before + [1] * (len(own) + len(guess)) + [0] * after)
    mask = torch.tensor(seen)
    places = (mask.cumsum(1) - 1).clamp(min=0)[:, shared:]
    hidden = _hidden(torch.tensor(ids), mask, places, cache)[:, -tail - 1 :]
    # Row by row: the chances of 49,152 tokens at all these places at once would take a quarter of a gigabyte.
    best = torch.stack([model.lm_head(row).argmax(-1) for row in hidden])
    said = []
    for row, guess in zip(best.tolist(), guesses, strict=True):
        right = next((i for i, token in enumerate(guess) if row[i] != token or token == end), len(guess))
        said.append(guess[:right])
    kept = torch.tensor([len(tokens) for tokens in said])
    mask[:, shared + width :] *= torch.arange(tail) < kept[:, None]
    place = torch.tensor([len(prompt) for prompt in prompts]) + kept
    following = best[torch.arange(len(prompts)), kept]
    alive = list(range(len(prompts)))
    while True:
        going = [
            i
            for i, (row, token) in enumerate(zip(alive, following.tolist(), strict=True))
            if token != end and len(said[row]) < max_new_tokens
        ]
        if not going:
            return said
        if len(going) < len(alive):
            chosen = torch.tensor(going)
            cache.batch_select_indices(chosen)
            alive = [alive[i] for i in going]
            following, mask, place = following[chosen], mask[chosen], place[chosen]
        for row, token in zip(alive, following.tolist(), strict=True):
            said[row].append(token)
        mask = torch.cat([mask, torch.ones(len(alive), 1, dtype=mask.dtype)], 1)
        hidden = _hidden(following[:, None], mask, place[:, None], cache)
        following, place = model.lm_head(hidden[:, -1]).argmax(-1), place + 1


def _read(tokens: list[int], copies: int) -> DynamicCache:
    """The keys and values of these tokens, for so many rows."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache(config=base()[0].config)
    if tokens:
        ids = torch.tensor([tokens])
        _hidden(ids, torch.ones_like(ids), torch.arange(len(tokens))[None], cache)
        cache.batch_repeat_interleave(copies)
    return cache


def _hidden(ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    """What the last layer says, shape (rows, tokens, 576); the cache takes the new keys and values in."""
    model, _ = base()
    told = model.model(
        input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
    )
    return told.last_hidden_state


@functools.lru_cache(maxsize=8)
def _perplexity_of_base(texts: tuple[str, ...]) -> float:
    return _perplexity(texts)


def _perplexity(texts: tuple[str, ...]) -> float:
    """exp of the mean of -ln p over all tokens of all texts but each one's first."""
    import torch

    model, tokenizer = base()
    total, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"][:MOST_TOKENS]])
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        total += torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
        count += ids.shape[1] - 1
    if not count:
        return math.nan
    mean = total / count
    return math.exp(mean) if mean < 700 else math.inf
