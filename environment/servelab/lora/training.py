"""Training an adapter: what the lab need not be bothered with (threads, padding, masks, checkpoints, the progress bar).

On a CPU one thread trains in float32: with two, each step waits for the slower one, and most processors multiply float32
faster than they emulate bfloat16. On a GPU the base is in bfloat16. The adapter itself is float32 in both.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import math
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servelab import progress
from servelab.engine import artefacts, profiles
from servelab.errors import CourseError
from servelab.lora import tickets
from servelab.lora.tickets import Example

# Read when torch loads its thread pool: waiting threads sleep, so that an engine beside us gets the processor.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

IGNORED = -100  # the label of tokens that nobody is asked to predict
MOST_TOKENS = 256
_SAVE_EVERY = 10


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        steps: updates of the adapter.
        batch: examples in each.
        learning_rate: after the warm-up; it falls in a straight line to a twentieth at the end.
        warmup: steps over which it rises.
        seed: of the order of the examples.
        general: share of the rows that are general text instead of tickets, against forgetting.
    """

    steps: int = 45
    batch: int = 4
    learning_rate: float = 1e-3
    warmup: int = 5
    seed: int = 8
    general: float = 0.0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.learning_rate * min(1, (step + 1) / self.warmup) * max(0.05, 1 - step / self.steps)


@dataclass
class Record:
    """What came of a training.

    Attributes:
        losses: mean loss of each step's answer tokens, nats a token.
        watched: what `watch` said, with the number of steps done: {"step": 0, ...}.
        seconds: of the training itself, without what `watch` took.
        resumed_at: the step from which an interrupted training went on; 0 for one that began afresh.
    """

    losses: list[float] = field(default_factory=list)
    watched: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    resumed_at: int = 0


def load(
    profile: str | None = "cpu", *, four_bit: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model to put an adapter on, frozen, and its tokenizer: on the GPU if there is one that torch can use.

    Args:
        profile: whose model. "cpu" is SmolLM2-135M, which the grader knows, and which a GPU trains too; None is the
            model of this machine's own profile.
        four_bit: QLoRA: the base in NF4. Needs a GPU and the package bitsandbytes.

    Raises:
        EngineError: the model is not there and cannot be made or fetched.
        CourseError: four bits were asked for where that is not possible.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    folder = artefacts.model_path(profiles.profile(profile))
    on_gpu = torch.cuda.is_available()
    options: dict[str, Any] = {"dtype": torch.bfloat16 if on_gpu else torch.float32}
    if four_bit:
        if reason := no_four_bit():
            raise CourseError(reason)
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    with _quiet():
        model = AutoModelForCausalLM.from_pretrained(folder, **options)
    if on_gpu and not four_bit:
        model.to("cuda")
    model.requires_grad_(False)
    return model, AutoTokenizer.from_pretrained(folder)


def backend() -> str:
    """The words that name what trains here."""
    import torch

    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "1 core"
    return f"PEFT {importlib.metadata.version('peft')}, torch {torch.__version__}, {where}, SmolLM2-135M-Instruct"


def no_four_bit() -> str:
    """Why QLoRA cannot run here; empty where it can."""
    import torch

    if not torch.cuda.is_available():
        return "QLoRA's 4-bit base needs an NVIDIA GPU, and this machine has none that torch can use."
    if importlib.util.find_spec("bitsandbytes") is None:
        return "QLoRA's 4-bit base needs the package bitsandbytes: `uv pip install bitsandbytes`."
    return ""


def general_texts() -> list[str]:
    """Texts about anything, to mix into the training. None of them is in `held_out`."""
    return artefacts.calibration_file().read_text(encoding="utf-8").strip().split("\n\n")


def held_out() -> list[str]:
    """General texts on which forgetting is measured. No training sees them."""
    return artefacts.held_out_file().read_text(encoding="utf-8").strip().split("\n\n")


# ---------------------------------------------------------------- from text to numbers


def encode(example: Example, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """An example's tokens, and its labels: the answer and its end are to be predicted, the prompt is not."""
    prompt = tokenizer(example.prompt, add_special_tokens=False)["input_ids"]
    answer = tokenizer(example.answer + tickets.END, add_special_tokens=False)["input_ids"]
    return prompt + answer, [IGNORED] * len(prompt) + answer


def encode_text(text: str, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """A general text's first tokens, all to be predicted."""
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"][:64]
    return tokens, list(tokens)


def batched(
    rows: Sequence[tuple[list[int], list[int]]], pad: int, device: str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(tokens, mask, labels), each of shape (rows, longest row); padding is masked and not predicted."""
    import torch

    width = max(len(tokens) for tokens, _ in rows)
    if width > MOST_TOKENS:
        raise CourseError(f"A row has {width} tokens: at most {MOST_TOKENS} are trained on.")
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), IGNORED)
    for row, (tokens, wanted) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        labels[row, : len(wanted)] = torch.tensor(wanted)
    return ids.to(device), mask.to(device), labels.to(device)


def predictions(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, labels) of the tokens that have a label, in order.

    The output head has a fifth of the small model's weights, so it is asked at those places only.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = causal.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    asked = wanted != IGNORED
    return causal.lm_head(hidden[asked]).float(), wanted[asked]


# ---------------------------------------------------------------- training


def fit(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    recipe: Recipe,
    folder: str | os.PathLike[str] = "adapter",
    *,
    watch: Callable[[], Mapping[str, float]] | None = None,
    watch_every: int = 15,
    desc: str = "training",
) -> Record:
    """Train the adapter of `model` and save it in `folder`, in PEFT's format and float16.

    Interrupted (Kernel > Interrupt), it keeps a checkpoint (see `checkpoint`); called again with the same model, examples and
    recipe it goes on from there.

    Args:
        watch: called before the first step, after every `watch_every` and after the last: what it says is in the record.

    Raises:
        KeyboardInterrupt: after the checkpoint is written.
        CourseError: the loss is not a number any more.
    """
    import torch

    folder = Path(folder)
    kept = checkpoint(folder)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.0)
    key = _key(model, examples, recipe)
    record = _resume(kept, key, model, optimizer)
    rows = [encode(example, tokenizer) for example in examples]
    texts = [encode_text(text, tokenizer) for text in general_texts()]
    device, pad = next(model.parameters()).device.type, tokenizer.eos_token_id
    # Dropout draws in here; the student's own generator is left alone.
    with torch.random.fork_rng(), progress.bar(total=recipe.steps, desc=desc, unit="step") as bar:
        torch.manual_seed(recipe.seed)
        bar.update(record.resumed_at)
        try:
            if watch and not record.watched:
                record.watched.append({"step": 0, **_watched(model, watch)})
            for step in range(record.resumed_at, recipe.steps):
                began = time.perf_counter()
                chosen = _rows_of(step, recipe, rows, texts)
                loss = _step(model, optimizer, weights, recipe.rate(step), batched(chosen, pad, device))
                record.losses.append(loss)
                record.seconds += time.perf_counter() - began
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
                bar.update(1)
                done = step + 1
                if watch and (done % watch_every == 0 or done == recipe.steps):
                    record.watched.append({"step": done, **_watched(model, watch)})
                if done % _SAVE_EVERY == 0 and done < recipe.steps:
                    _keep(kept, key, model, optimizer, record)
        except KeyboardInterrupt:
            _keep(kept, key, model, optimizer, record)
            print(
                f"\nInterrupted after step {len(record.losses)}: run the cell again, and it goes on from there."
            )
            raise
    save(model, folder)
    kept.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another training's checkpoint may lie there too
        kept.parent.rmdir()
    return record


def _step(model: Any, optimizer: Any, weights: list[Any], rate: float, batch: tuple[Any, Any, Any]) -> float:
    """One update; its loss."""
    import torch

    model.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    logits, wanted = predictions(model, *batch)
    loss = torch.nn.functional.cross_entropy(logits, wanted)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise CourseError("The loss is not a number any more: the learning rate is too high.")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()
    return value


def _watched(model: Any, watch: Callable[[], Mapping[str, float]]) -> dict[str, float]:
    import torch

    model.eval()
    with torch.no_grad():
        return dict(watch())


def _rows_of(step: int, recipe: Recipe, rows: list[Any], texts: list[Any]) -> list[Any]:
    """The rows of a step: the examples in a shuffled order, pass after pass. It depends on the step alone, so it can be resumed."""
    chosen = []
    for place in range(step * recipe.batch, (step + 1) * recipe.batch):
        # The share of general rows is kept exactly, spread evenly.
        if math.floor((place + 1) * recipe.general) > math.floor(place * recipe.general):
            chosen.append(texts[math.floor(place * recipe.general) % len(texts)])
            continue
        number = place - math.floor(place * recipe.general)
        chosen.append(rows[_order(recipe.seed, number // len(rows), len(rows))[number % len(rows)]])
    return chosen


def _order(seed: int, turn: int, count: int) -> list[int]:
    order = list(range(count))
    random.Random(f"{seed}/{turn}").shuffle(order)
    return order


# ---------------------------------------------------------------- checkpoints and the finished adapter


def save(model: PeftModel, folder: str | os.PathLike[str]) -> None:
    """Write `adapter_model.safetensors` in float16 and `adapter_config.json`, as PEFT and vLLM read them."""
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = get_peft_model_state_dict(model)
    halves = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in state.items()}
    save_file(halves, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_model.safetensors").chmod(0o644)
    config = model.peft_config["default"]
    before = config.inference_mode, config.base_model_name_or_path
    config.inference_mode, config.base_model_name_or_path = True, model.get_base_model().config._name_or_path
    # A path of this machine says nothing to others.
    config.base_model_name_or_path = artefacts.title_of(Path(config.base_model_name_or_path))[0]
    try:
        config.save_pretrained(folder)
    finally:
        config.inference_mode, config.base_model_name_or_path = before


def size_bytes(folder: str | os.PathLike[str]) -> int:
    """What the two files of an adapter take on disk."""
    names = ("adapter_model.safetensors", "adapter_config.json")
    return sum((Path(folder) / name).stat().st_size for name in names)


def checkpoint(folder: str | os.PathLike[str]) -> Path:
    """Where an interrupted training of this folder is kept: hidden, so that it is not handed in."""
    folder = Path(folder)
    return folder.parent / ".training" / f"{folder.name}.pt"


def _key(model: Any, examples: Sequence[Example], recipe: Recipe) -> str:
    """What a checkpoint belongs to."""
    config = model.peft_config["default"]
    about = [config.r, config.lora_alpha, sorted(config.target_modules), config.lora_dropout, asdict(recipe)]
    text = json.dumps([about, [[e.ticket, e.answer] for e in examples]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _keep(path: Path, key: str, model: Any, optimizer: Any, record: Record) -> None:
    """Write a checkpoint, whole or not at all."""
    import torch
    from peft import get_peft_model_state_dict

    about = {"key": key, "losses": record.losses, "watched": record.watched, "seconds": record.seconds}
    state = {"adapter": get_peft_model_state_dict(model), "optimizer": optimizer.state_dict()}
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    torch.save({**about, **state}, scratch)
    scratch.replace(path)


def _resume(path: Path, key: str, model: Any, optimizer: Any) -> Record:
    """Where an interrupted training stood; a fresh record where there is none, or one of another training."""
    import torch
    from peft import set_peft_model_state_dict

    if not path.is_file():
        return Record()
    try:
        held = torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # a damaged file has a dozen ways to fail, and all mean: begin afresh
        return Record()
    if held.get("key") != key:
        return Record()
    set_peft_model_state_dict(model, held["adapter"])
    optimizer.load_state_dict(held["optimizer"])
    done = len(held["losses"])
    print(f"going on after step {done} of an interrupted training")
    return Record(held["losses"], held["watched"], held["seconds"], resumed_at=done)


# ---------------------------------------------------------------- a look during the training


def quick_scores(
    model: Any, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], texts: Sequence[str]
) -> dict[str, float]:
    """{"exact", "perplexity"}: the share of examples that greedy decoding would get right, and perplexity on general texts.

    Nothing is generated. Greedy decoding gives the right answer exactly if, with the right tokens before it, each right token
    is the most likely one: that takes one pass. (Other spellings of the same object count as wrong here.)
    """
    import torch

    device, pad = next(model.parameters()).device.type, tokenizer.eos_token_id
    rows = sorted((encode(e, tokenizer) for e in examples), key=lambda row: len(row[0]))
    right, loss, count = 0, 0.0, 0
    model.eval()
    with torch.no_grad():
        for first in range(0, len(rows), 16):
            part = rows[first : first + 16]
            logits, wanted = predictions(model, *batched(part, pad, device))
            hits = (logits.argmax(-1) == wanted).split([sum(x != IGNORED for x in r[1]) for r in part])
            right += sum(bool(h.all()) for h in hits)
        for text in texts:
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"][:MOST_TOKENS]
            logits, wanted = predictions(model, *batched([(tokens, tokens)], pad, device))
            loss += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
            count += len(wanted)
    return {"exact": right / max(len(rows), 1), "perplexity": math.exp(loss / count) if count else math.nan}


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the loader's own progress bar, which a notebook would keep as red text."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()
