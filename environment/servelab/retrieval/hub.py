"""What a model hub adds to lab 07 and the benchmark: a larger embedder and a cross-encoder, where the profile may fetch them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from servelab.engine import profiles
from servelab.engine.errors import EngineError
from servelab.progress import bar
from servelab.retrieval import embed, reranking
from servelab.retrieval.asking import Question
from servelab.retrieval.corpus import Passage

EMBEDDER, CROSS_ENCODER = (
    "dense, larger embedder",
    "RRF -> cross-encoder",
)  # what the two are called in tables


def without(profile: profiles.Profile | str | None = None) -> str:
    """Why the two are not run here, in one sentence; empty where they may be."""
    of = profile if isinstance(profile, profiles.Profile) else profiles.profile(profile)
    if of.may_fetch and of.cross_encoder:
        return ""
    return (
        f"No cross-encoder and no larger embedder here: the {of.name} profile fetches nothing from a model hub. "
        "With one in reach, SERVELAB_HUB=1 fetches the cross-encoder; a GPU runs both."
    )


def encoded(embedder: embed.Embedder, passages: Sequence[Passage]) -> embed.Vectors:
    """Every passage as a vector of this embedder, with a progress bar."""
    with bar(total=len(passages), desc=f"embedding with {_short(embedder.name)}", unit="passage") as progress:
        return embedder.texts([passage.indexed for passage in passages], told=progress.update)


def runs(
    passages: Sequence[Passage],
    questions: Sequence[Question],
    first: Mapping[str, Sequence[str]],
    profile: profiles.Profile | str | None = None,
) -> dict[str, dict[str, list[str]]]:
    """{variant: {question: the ten best passages}} of those that can be run here. What is not run says why in one line.

    MiniLM's vectors are not touched: the larger embedder reads the whole corpus itself.

    Args:
        passages: the corpus.
        questions: with their texts.
        first: what the first stage found for each question, which the cross-encoder sorts.
    """
    of = profile if isinstance(profile, profiles.Profile) else profiles.profile(profile)
    if why := without(of):
        print(why)
        return {}
    try:
        return _found(passages, questions, first, of)
    except EngineError as error:
        print(f"Not run here: {error.what}".splitlines()[0])
        return {}
    finally:
        _give_back()


def _found(passages, questions, first, of):  # type: ignore[no-untyped-def]
    names = [passage.id for passage in passages]
    row_of = {name: row for row, name in enumerate(names)}
    found: dict[str, dict[str, list[str]]] = {}
    if embedder := embed.stronger(of):
        near = encoded(embedder, passages).near(embedder.questions([q.text for q in questions]), 10)
        found[EMBEDDER] = {
            q.id: [names[row] for row in rows] for q, rows in zip(questions, near, strict=True)
        }
    else:
        print(f"The larger embedder is not run on the {of.name} profile.")
    if stage := reranking.cross_encoder([passage.indexed for passage in passages], of):
        found[CROSS_ENCODER] = {}
        for q in bar(questions, desc=f"reranking with {_short(of.cross_encoder)}", unit="question"):
            best = reranking.reranked(stage, q.text, [row_of[name] for name in first[q.id]])[:10]
            found[CROSS_ENCODER][q.id] = [names[row] for row in best]
    return found


def _short(name: str) -> str:
    return name.split("@")[0].split("/")[-1]


def _give_back() -> None:
    """Let go of the GPU's memory: an engine that starts next counts what is free."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
