"""What a projection cuts out of bytes is what it would keep of the document, byte by byte; no client is needed."""

import datetime
import random
from typing import Any

import bson
import pytest
from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from launchers.database.embedded.cutting import NotCut, cut, tree_of_bytes
from launchers.database.embedded.projecting import Projection
from launchers.database.embedded.wire import view

EVERY_TYPE: list[Any] = [
    *(1.5, "", "ä\u0100", {}, {"x": {"y": 1}}, [], [1, {"a": 2}], b"", b"\0\1", bson.Binary(b"ab", 128), ObjectId(), True, None),
    *(datetime.datetime(2026, 1, 1), Regex("a.b", "i"), Code("f()"), Code("f()", {"x": 1}), 7, Int64(2**40), Timestamp(1, 2)),
    *(Decimal128("1.5"), MinKey(), MaxKey(), float("nan")),
]


def tree(fields: dict[str, Any]) -> Any:
    kept = Projection(fields).kept_alone
    assert kept is not None
    return tree_of_bytes(kept)


@pytest.mark.parametrize("value", EVERY_TYPE, ids=lambda value: type(value).__name__)
def test_what_lies_behind_a_value_of_any_type_is_found(value: Any) -> None:
    raw = bson.encode({"_id": 1, "before": value, "a": {"before": value, "b": value, "c": 3}, "z": 2})
    assert cut(raw, tree({"a.b": 1, "z": 1})) == bson.encode({"_id": 1, "a": {"b": value}, "z": 2})
    assert cut(raw, tree({"before": 1, "_id": 0})) == bson.encode({"before": value})


def test_it_is_what_decoding_gives() -> None:
    dice = random.Random(4)

    def document(depth: int) -> dict[str, Any]:
        names = dice.sample("abcdef", dice.randint(0, 6))
        return {one: document(depth - 1) if depth and dice.random() < 0.6 else dice.choice(EVERY_TYPE) for one in names}

    cuts = 0
    for _ in range(500):
        raw = bson.encode({"_id": dice.choice(EVERY_TYPE[:2]), **document(2)})
        paths = {".".join(dice.choices("abcdef", k=dice.randint(1, 3))): 1 for _ in range(dice.randint(1, 5))}
        paths = {one: 1 for one in paths if not any(one != other and one.startswith(f"{other}.") for other in paths)}
        projected = Projection({**paths, "_id": dice.choice([0, 1])})
        try:
            found = cut(raw, tree_of_bytes(projected.kept_alone or {}))
        except NotCut:
            continue
        cuts += 1
        assert found == bson.encode(projected(view(raw)))
    assert cuts > 300


def test_a_path_through_an_array_is_not_cut() -> None:
    with pytest.raises(NotCut):
        cut(bson.encode({"a": [{"b": 1}]}), tree({"a.b": 1}))
    assert cut(bson.encode({"a": [{"b": 1}]}), tree({"a": 1})) == bson.encode({"a": [{"b": 1}]})


@pytest.mark.parametrize("fields", [{"a": 0}, {"a": {"$slice": 1}}, {"a": {"$elemMatch": {"b": 1}}}, {"a": "$b"}, {"a.$": 1}, {"a": 1, "b": {"$add": [1, 2]}}])
def test_other_projections_are_not_cut(fields: dict[str, Any]) -> None:
    assert Projection(fields).kept_alone is None


def test_bytes_that_are_no_document_are_not_cut() -> None:
    raw = bson.encode({"a": "text", "b": {"c": [1, 2]}, "d": 1.5})
    for broken in [raw[:-1], raw[:9], b"", raw[:4] + b"\x4f" + raw[5:], b"\xff\xff\xff\x7f" + raw[4:], raw[:-1] + b"\1"]:
        with pytest.raises(NotCut):
            cut(broken, tree({"nowhere": 1}))
