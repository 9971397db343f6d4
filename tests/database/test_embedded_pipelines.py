"""What pipelines give, and what they refuse. Every test but the last holds on a real MongoDB too."""

import datetime
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure

ROWS: list[dict[str, Any]] = [
    {"_id": 0, "g": "a", "v": 1, "l": [0, 1], "n": {"x": 1}},
    {"_id": 1, "g": "b", "v": 1.0, "l": [], "n": {"x": 2}},
    {"_id": 2, "g": None, "v": True, "l": None, "n": 3},
    {"_id": 3, "v": "x", "l": 5, "n": [{"x": 4}, {"y": 5}, 6]},
    {"_id": 4, "g": ["a"], "d": datetime.datetime(2020, 3, 4, 5, 6, 7, 8000)},
]


@pytest.fixture(params=["no index", "indexes"])
def rows(request: pytest.FixtureRequest, database: Database) -> Any:
    if request.param == "indexes":
        for name in ("v", "g", "l"):
            database.a.create_index(name)
    database.a.insert_many(ROWS)
    return database.a


def _of(field: Any, match: Any = 0) -> list[dict[str, Any]]:
    return [{"$match": {"_id": match}}, {"$project": {"_id": 0, "r": field}}]


GIVEN: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [
    ([{"$group": {"_id": "$v", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}], [
        {"_id": None, "n": 1}, {"_id": 1, "n": 2}, {"_id": "x", "n": 1}, {"_id": True, "n": 1}]),
    ([{"$group": {"_id": "$g", "n": {"$sum": 1}}}, {"$match": {"_id": None}}], [{"_id": None, "n": 2}]),
    ([{"$group": {"_id": {"g": "$g"}, "n": {"$sum": 1}}}, {"$match": {"_id": {}}}], [{"_id": {}, "n": 1}]),
    ([{"$group": {"_id": 1, "n": {"$sum": True}}}], [{"_id": 1, "n": 0}]),
    ([{"$group": {"_id": 1, "n": {"$sum": 1.0}}}], [{"_id": 1, "n": 5.0}]),
    ([{"$group": {"_id": None, "n": {"$sum": "$v"}, "m": {"$avg": "$v"}}}], [{"_id": None, "n": 2.0, "m": 1.0}]),
    ([{"$group": {"_id": None, "low": {"$min": "$v"}, "high": {"$max": "$v"}}}], [{"_id": None, "low": 1, "high": True}]),
    ([{"$sort": {"_id": -1}}, {"$group": {"_id": 1, "f": {"$first": "$g"}, "l": {"$last": "$d"}, "p": {"$push": "$d"}}},
      {"$project": {"p": 0}}], [{"_id": 1, "f": ["a"], "l": None}]),
    ([{"$group": {"_id": 1, "s": {"$addToSet": "$v"}}}, {"$project": {"n": {"$size": "$s"}}}], [{"_id": 1, "n": 3}]),
    ([{"$unwind": "$l"}, {"$project": {"l": 1}}], [{"_id": 0, "l": 0}, {"_id": 0, "l": 1}, {"_id": 3, "l": 5}]),
    ([{"$unwind": {"path": "$l", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"}},
      {"$project": {"l": 1, "i": 1}}, {"$match": {"_id": {"$lt": 4}}}],
     [{"_id": 0, "l": 0, "i": 0}, {"_id": 0, "l": 1, "i": 1}, {"_id": 1, "i": None}, {"_id": 2, "l": None, "i": None},
      {"_id": 3, "l": 5, "i": None}]),
    ([{"$match": {"_id": 3}}, {"$project": {"n.x": 1}}], [{"_id": 3, "n": [{"x": 4}, {}]}]),
    ([{"$match": {"_id": 0}}, {"$addFields": {"n.y": "$v", "v": "$nope"}}, {"$project": {"n": 1, "v": 1}}],
     [{"_id": 0, "n": {"x": 1, "y": 1}}]),
    ([{"$match": {"_id": 0}}, {"$project": {"_id": 0, "n": {"z": "$v"}}}], [{"n": {"z": 1}}]),
    ([{"$sort": {"v": 1, "_id": 1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"_id": 1}}], [{"_id": 0}, {"_id": 1}]),
    ([{"$match": {"v": {"$type": "number"}}}, {"$count": "n"}], [{"n": 2}]),
    ([{"$match": {"_id": 9}}, {"$group": {"_id": None, "n": {"$sum": 1}}}], []),
    ([{"$sortByCount": {"$type": "$v"}}, {"$limit": 1}, {"$project": {"_id": 0}}], [{"count": 1}]),
    ([{"$match": {"_id": 0}}, {"$replaceWith": {"$mergeObjects": ["$n", {"x": 9}, "$nope"]}}], [{"x": 9}]),
    ([{"$facet": {"n": [{"$count": "c"}], "f": [{"$match": {"v": True}}, {"$project": {"v": 1}}]}}],
     [{"n": [{"c": 5}], "f": [{"_id": 2, "v": True}]}]),
    ([{"$match": {"_id": {"$in": [0, 4]}}}, {"$sort": {"_id": 1}}, {"$project": {"g": 1}},
      {"$lookup": {"from": "a", "localField": "g", "foreignField": "g", "as": "j"}},
      {"$project": {"j": {"$map": {"input": "$j", "in": "$$this._id"}}}}],
     [{"_id": 0, "j": [0, 4]}, {"_id": 4, "j": [0, 4]}]),
    (_of({"$eq": ["$v", True]}), [{"r": False}]),
    (_of({"$cmp": ["$nope", None]}), [{"r": -1}]),
    (_of({"$gt": ["$n", 5]}), [{"r": True}]),
    (_of({"$concat": ["a", "$nope"]}), [{"r": None}]),
    (_of({"$substr": ["$d", 0, 10]}, 4), [{"r": "2020-03-04"}]),
    (_of({"$dateToString": {"date": "$d", "format": "%H:%M:%S.%L"}}, 4), [{"r": "05:06:07.008"}]),
    (_of({"$add": ["$v", None]}), [{"r": None}]),
    (_of({"$divide": ["$v", 2]}), [{"r": 0.5}]),
    (_of({"$mod": [-5, 3]}), [{"r": -2}]),
    (_of({"$sum": "$l"}), [{"r": 1}]),
    (_of({"$max": ["$v", True, "$nope"]}), [{"r": True}]),
    (_of({"$ifNull": ["$nope", None, "$v"]}), [{"r": 1}]),
    (_of({"$cond": ["$nope", 1, "$nope"]}), [{}]),
    (_of({"$in": [True, "$l"]}), [{"r": False}]),
    (_of({"$setUnion": ["$l", [1.0, True]]}), [{"r": [0, 1, True]}]),
    (_of({"$filter": {"input": "$l", "as": "i", "cond": {"$gte": ["$$i", 1]}}}), [{"r": [1]}]),
    (_of({"$arrayElemAt": ["$l", 7]}), [{}]),
    (_of("$n.x", 3), [{"r": [4]}]),
    (_of(["$v", "$nope"]), [{"r": [1, None]}]),
    (_of({"$type": "$nope"}), [{"r": "missing"}]),
    (_of({"$let": {"vars": {"k": 2}, "in": {"$multiply": ["$$k", "$v"]}}}), [{"r": 2}]),
]  # fmt: skip


@pytest.mark.parametrize(("stages", "expected"), GIVEN, ids=str)
def test_what_is_given(rows: Any, stages: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    found = list(rows.aggregate(stages))
    # sets have no order of their own
    plain = [{name: sorted(v, key=repr) if name == "r" and v == [*v] else v for name, v in d.items()} if
             "$setUnion" in str(stages) else d for d in found]  # fmt: skip
    assert repr(plain) == repr(expected)


WRONG: list[list[dict[str, Any]]] = [
    [{"$limit": 0}],
    [{"$limit": -1}],
    [{"$skip": -1}],
    [{"$sort": {}}],
    [{"$sort": {"a": 2}}],
    [{"$sort": {"a": True}}],
    [{"$nope": 1}],
    [{"$match": {}, "$limit": 1}],
    [{"$project": {}}],
    [{"$project": {"a": 1, "b": 0}}],
    [{"$project": {"a": {"$nope": 1}}}],
    [{"$project": {"a": {"$add": [1], "$subtract": [1, 2]}}}],
    [{"$project": {"a": "$"}}],
    [{"$project": {"a": "$$nobody"}}],
    [{"$group": {"n": {"$sum": 1}}}],
    [{"$group": {"_id": 1, "n": 1}}],
    [{"$group": {"_id": 1, "n": {"$nope": 1}}}],
    [{"$group": {"_id": 1, "a.b": {"$sum": 1}}}],
    [{"$unwind": "l"}],
    [{"$count": "$n"}],
    [{"$count": ""}],
    [{"$addFields": {"a": 1, "a.b": 2}}],
    [{"$replaceRoot": {}}],
    [{"$sample": {"size": -1}}],
    [{"$lookup": {"from": "a"}}],
    [{"$facet": {"a": [{"$facet": {"b": []}}]}}],
    [{"$match": {"a": {"$nope": 1}}}],
]


@pytest.mark.parametrize("stages", WRONG, ids=str)
def test_what_makes_no_sense_is_refused(database: Database, stages: list[dict[str, Any]]) -> None:
    """Also of a collection that is empty."""
    for _ in range(2):
        with pytest.raises(OperationFailure):
            list(database.a.aggregate(stages))
        database.a.insert_one({"a": 1})


FAILING = [
    {"$size": "$v"}, {"$add": ["$g", 1]}, {"$divide": ["$v", 0]}, {"$concat": ["$v"]}, {"$in": [1, "$v"]},
    {"$arrayElemAt": ["$v", 0]}, {"$mergeObjects": ["$v"]}, {"$filter": {"input": "$v", "cond": True}},
]  # fmt: skip


@pytest.mark.parametrize("expression", FAILING, ids=str)
def test_expressions_of_the_wrong_kind_fail(rows: Any, expression: dict[str, Any]) -> None:
    with pytest.raises(OperationFailure):
        list(rows.aggregate(_of(expression)))


@pytest.mark.parametrize(
    "expression", [{"$dateFromString": {"dateString": "2020"}}, {"$toUpper": "é"}, {"$toString": 1.5}, {"$round": 1.5}, "$$NOW"], ids=str
)
def test_expressions_that_this_server_does_not_have(rows: Any, expression: Any) -> None:
    with pytest.raises(OperationFailure, match="does not have this"):
        list(rows.aggregate(_of(expression)))
