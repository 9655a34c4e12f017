"""The tap passes everything on, and notes requests with points and payload indexes however they are written."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from qdrant_client import QdrantClient, models
from servelab.retrieval.tap import Tap


@pytest.fixture
def tapped() -> Any:
    tap = Tap(QdrantClient(":memory:"))
    size = models.VectorParams(size=2, distance=models.Distance.COSINE)
    tap.create_collection("c", vectors_config=size)
    return tap


def points(count: int) -> list[models.PointStruct]:
    return [models.PointStruct(id=i, vector=[1.0, float(i)]) for i in range(count)]


def test_what_is_asked_happens_and_is_noted_in_order(tapped: Any) -> None:
    tapped.upsert("c", points(3))
    assert tapped.count("c").count == 3
    assert [call["call"] for call in tapped.calls] == ["create_collection", "upsert", "count"]


@pytest.mark.parametrize(
    ("store", "carried"),
    [
        (lambda tap: tap.upsert("c", points(5)), 5),
        (lambda tap: tap.upsert("c", points=points(4), wait=True), 4),
        (lambda tap: tap.upsert(collection_name="c", points=points(1)), 1),
        (lambda tap: tap.upsert("c", models.Batch(ids=[1, 2], vectors=[[1.0, 0.0], [0.0, 1.0]])), 2),
        (lambda tap: tap.upload_points("c", iter(points(7)), batch_size=3), 3),
        (lambda tap: tap.upload_points("c", points(7)), 64),
    ],
)
def test_points_are_counted(tapped: Any, store: Any, carried: int) -> None:
    store(tapped)
    assert [call["points"] for call in tapped.calls if "points" in call] == [carried]
    assert tapped.count("c").count > 0


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ("integer", "integer"),
        (models.PayloadSchemaType.KEYWORD, "keyword"),
        (models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True), "keyword"),
        (models.IntegerIndexParams(type="integer"), "integer"),
    ],
)
def test_indexes_have_a_kind_however_it_is_said(tapped: Any, schema: Any, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tapped.create_payload_index("c", "field", field_schema=schema)
        tapped.create_payload_index(collection_name="c", field_name="other", field_schema=schema)
    assert [(call.get("field"), call.get("kind")) for call in tapped.calls[1:]] == [
        ("field", kind),
        ("other", kind),
    ]


def test_errors_pass_through(tapped: Any) -> None:
    with pytest.raises(ValueError, match="not found"):
        tapped.count("no such collection")
    with pytest.raises(AttributeError):
        _ = tapped.no_such_method
