"""Which values a filter finds, with and without an index. Every test but the last two holds on a real MongoDB too."""

import datetime
import math
import re
from typing import Any

import pytest
from bson import Binary, Int64, MinKey, ObjectId, Regex
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

MOMENT = datetime.datetime(2020, 1, 1)
VALUES: dict[str, Any] = {
    "null": None,
    "one": 1,
    "long": Int64(1),
    "double": 1.0,
    "true": True,
    "false": False,
    "zero": 0,
    "nan": math.nan,
    "big": Int64(2**53 + 1),
    "text": "x",
    "empty": "",
    "lines": "x\ny",
    "digits": "1",
    "document": {"b": 1, "c": 2},
    "turned": {"c": 2, "b": 1},
    "bool inside": {"b": True},
    "array": [1, 2],
    "nothing": [],
    "nested": [[1, 2], 3],
    "documents": [{"b": 1}, {"c": 2}],
    "nulls": [None, 2],
    "date": MOMENT,
    "id": ObjectId("5" * 24),
    "bytes": b"x",
    "user bytes": Binary(b"x", 128),
    "pattern": Regex("^x"),
}
ONES = {"one", "long", "double"}
NUMBERS = ONES | {"zero", "big"}
ALL = {*VALUES, "missing"}

FOUND: list[tuple[Any, set[str]]] = [
    (1, ONES | {"array"}),
    (True, {"true"}),
    (False, {"false"}),
    ({"$ne": True}, ALL - {"true"}),
    ({"$ne": 1}, ALL - ONES - {"array"}),
    ({"$in": [True, "x"]}, {"true", "text"}),
    ({"$nin": [1, True]}, ALL - ONES - {"array", "true"}),
    ({"$gte": 0}, NUMBERS | {"array", "nested", "nulls"}),
    ({"$gt": False}, {"true"}),
    ({"$lte": True}, {"true", "false"}),
    ({"$lt": 5}, ONES | {"zero", "array", "nested", "nulls"}),
    ({"$gt": float(2**53)}, {"big"}),
    (float(2**53), set()),
    (math.nan, {"nan"}),
    ({"$gte": math.nan}, {"nan"}),
    ({"$gt": math.nan}, set()),
    (None, {"null", "missing", "nulls"}),
    ({"$gte": None}, {"null", "missing", "nulls"}),
    ({"$gt": None}, set()),
    ({"$ne": None}, ALL - {"null", "missing", "nulls"}),
    ({"$in": [None, True]}, {"null", "missing", "nulls", "true"}),
    ({"$exists": False}, {"missing"}),
    ({"$lt": "y"}, {"text", "empty", "lines", "digits"}),
    ({"b": 1, "c": 2}, {"document"}),
    ({"c": 2, "b": 1.0}, {"turned"}),
    ({"b": 1}, {"documents"}),
    ({"b": True}, {"bool inside"}),
    ({"$gt": {"b": 5}}, {"turned", "bool inside", "documents"}),
    ([1, 2.0], {"array", "nested"}),
    ([], {"nothing"}),
    ({"$in": [[], [1, 2]]}, {"nothing", "array", "nested"}),
    ({"$gt": [1]}, {"array", "nested", "nulls", "documents"} - {"nulls"}),
    ({"$size": 2}, {"array", "nested", "documents", "nulls"}),
    ({"$all": [1, 2]}, {"array"}),
    ({"$all": []}, set()),
    ({"$elemMatch": {"$gt": 1, "$lt": 3}}, {"array", "nulls"}),
    ({"$elemMatch": {"b": 1}}, {"documents"}),
    ({"$type": "bool"}, {"true", "false"}),
    ({"$type": "number"}, {*NUMBERS, "nan", "array", "nested", "nulls"}),
    ({"$type": ["long", 9]}, {"long", "big", "date"}),
    ({"$type": "array"}, {"array", "nothing", "nested", "documents", "nulls"}),
    ({"$type": "null"}, {"null", "nulls"}),
    ({"$mod": [2, 1]}, ONES | {"big", "array", "nested"}),
    (re.compile("^x$", re.MULTILINE), {"text", "lines"}),
    ({"$regex": "^[[:digit:]]"}, {"digits"}),
    (Regex("^x"), {"text", "lines", "pattern"}),
    ({"$in": [Regex("^X", "i"), 0]}, {"text", "lines", "zero"}),
    ({"$not": {"$gte": 0}}, ALL - NUMBERS - {"array", "nested", "nulls"}),
    ({"$not": Regex("x")}, ALL - {"text", "lines"}),
    (b"x", {"bytes"}),
    (Binary(b"x", 128), {"user bytes"}),
    ({"$gte": MOMENT}, {"date"}),
    ({"$lt": MinKey()}, set()),
]
NESTED: list[tuple[dict[str, Any], set[str]]] = [
    ({"v.b": 1}, {"document", "turned", "documents"}),
    ({"v.b": True}, {"bool inside"}),
    ({"v.b": None}, ALL - {"document", "turned", "bool inside", "array", "nothing", "nested", "nulls"}),
    ({"v.b": {"$exists": False}}, ALL - {"document", "turned", "bool inside", "documents"}),
    ({"v.1": 2}, {"array", "nulls"}),
    # an array that is named by its position is not looked into: TEST(Path, ArrayIndex2) of MongoDB itself
    ({"v.0": 1}, {"array"}),
    ({"v.0": [1, 2]}, {"nested"}),
    ({"v.0.1": 2}, {"nested"}),
    ({"v.1": {"$exists": True}}, {"array", "nested", "documents", "nulls"}),
    ({"$or": [{"v": True}, {"v": 0}]}, {"true", "zero"}),
    ({"$nor": [{"v": {"$exists": True}}, {"v.b": 1}]}, {"missing"}),
    ({"$expr": {"$eq": ["$v", True]}}, {"true"}),
    ({"$expr": {"$lt": ["$v", None]}}, {"missing"}),
    ({"v": True, "$comment": "of no matter"}, {"true"}),
]


@pytest.fixture(params=["no index", "ascending", "descending"])
def values(request: pytest.FixtureRequest, database: Database) -> Any:
    if request.param != "no index":
        database.a.create_index([("v", 1 if request.param == "ascending" else -1)])
        database.a.create_index([("v.b", 1)])
        database.a.create_index([("v.0", 1)])
    database.a.insert_many([{"_id": name, "v": value} for name, value in VALUES.items()] + [{"_id": "missing"}])
    return database.a


@pytest.mark.parametrize(("criteria", "expected"), [({"v": c}, e) for c, e in FOUND] + NESTED, ids=lambda one: str(sorted(one) if isinstance(one, set) else one))
def test_what_is_found(values: Any, criteria: dict[str, Any], expected: set[str]) -> None:
    assert {document["_id"] for document in values.find(criteria)} == expected
    assert values.count_documents(criteria) == len(expected)


def test_order_of_all_kinds(values: Any) -> None:
    order = [
        *(["nothing"], ["missing", "null", "nulls"], ["nan"], ["zero"], ["array", "double", "long", "one"], ["nested"]),
        *(["big"], ["empty"], ["digits"], ["text"], ["lines"]),
        # documents by the kind of their first value, then its name
        *(["documents"], ["document"], ["turned"], ["bool inside"], ["bytes"], ["user bytes"], ["id"]),
        *(["false"], ["true"], ["date"], ["pattern"]),
    ]
    found = [document["_id"] for document in values.find(sort=[("v", 1), ("_id", 1)])]
    assert found == [name for group in order for name in group]


WRONG: list[dict[str, Any]] = [
    {"v": {"$gt": 1, "b": 2}},
    {"v": {"$nonsense": 1}},
    {"$nonsense": 1},
    {"$or": []},
    {"$and": {"v": 1}},
    {"$nor": [1]},
    {"v": {"$in": 1}},
    {"v": {"$in": [{"$gt": 1}]}},
    {"v": {"$not": 1}},
    {"v": {"$not": {}}},
    {"v": {"$all": 1}},
    {"v": {"$size": -1}},
    {"v": {"$size": 1.5}},
    {"v": {"$elemMatch": 1}},
    {"v": {"$mod": [0, 1]}},
    {"v": {"$mod": [2]}},
    {"v": {"$type": "nonsense"}},
    {"v": {"$type": []}},
    {"v": {"$regex": "("}},
    {"v": {"$regex": 1}},
    {"v": {"$options": "i"}},
    {"v": {"$regex": "x", "$options": "q"}},
    {"v": {"$ne": Regex("x")}},
    {"v": {"$gt": Regex("x")}},
    {"$expr": {"$eq": ["$v"]}},
    {"$expr": "$$nobody"},
]


@pytest.mark.parametrize("criteria", WRONG, ids=str)
def test_what_makes_no_sense_is_refused(database: Database, criteria: dict[str, Any]) -> None:
    """Also of a collection that is empty, or is not there."""
    for _ in range(2):
        for ask in (
            lambda: list(database.a.find(criteria)),
            lambda: database.a.count_documents(criteria),
            lambda: database.a.distinct("v", criteria),
            lambda: database.a.update_one(criteria, {"$set": {"v": 1}}),
            lambda: database.a.delete_many(criteria),
        ):
            with pytest.raises(OperationFailure):
                ask()
        database.create_collection("a") if "a" not in database.list_collection_names() else None


PROJECTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"a.b": 1}, {"_id": 1, "a": {"b": 1}}),
    ({"l.x": 1}, {"_id": 1, "l": [{"x": 1}, {"x": 3}]}),
    ({"l.x": 0, "a": 0, "z": 0}, {"_id": 1, "l": [{"y": 2}, {}, 5]}),
    ({"a": {"c": 1}, "_id": 0}, {"a": {"c": 2}}),
    ({"z.x": 1}, {"_id": 1}),
    ({"l": {"$slice": -1}}, {"_id": 1, "a": {"b": 1, "c": 2}, "l": [5], "z": 9}),
    ({"l": {"$slice": [1, 1]}, "z": 1}, {"_id": 1, "l": [{"x": 3}], "z": 9}),
    ({"l": {"$elemMatch": {"x": 3}}}, {"_id": 1, "l": [{"x": 3}]}),
    ({"l": {"$elemMatch": {"x": 7}}}, {"_id": 1}),
    ({"l.$": 1}, {"_id": 1, "l": [{"x": 3}]}),
    ({"z": 1, "l.$": 1}, {"_id": 1, "l": [{"x": 3}], "z": 9}),
    ({"n": {"$add": ["$z", 1]}, "_id": False}, {"n": 10}),
    ({"z": True, "a": 1}, {"_id": 1, "a": {"b": 1, "c": 2}, "z": 9}),
]


@pytest.mark.parametrize(("fields", "expected"), PROJECTED, ids=str)
def test_projections(database: Database, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    database.a.insert_one({"_id": 1, "a": {"b": 1, "c": 2}, "l": [{"x": 1, "y": 2}, {"x": 3}, 5], "z": 9})
    assert repr(database.a.find_one({"l.x": 3}, fields)) == repr(expected)


@pytest.mark.parametrize(
    "fields", [{"a": 1, "z": 0}, {"a": 1, "a.b": 1}, {"a.b": 0, "a": 0}, {"a": {}}, {"a.": 1}, {"l.$": 0}], ids=str
)
def test_refused_projections(database: Database, fields: dict[str, Any]) -> None:
    with pytest.raises(OperationFailure):
        list(database.a.find({}, fields))
    database.a.insert_one({"_id": 1, "a": {"b": 1}, "l": [1]})
    with pytest.raises(OperationFailure):
        list(database.a.find({"l": 1}, fields))


NOT_HERE = [
    lambda c: list(c.find({"a": "x"}).collation({"locale": "en", "strength": 2})),
    lambda c: c.delete_many({"a": "x"}, collation={"locale": "en"}),
    lambda c: c.update_one({"a": "x"}, {"$set": {"a": 1}}, collation={"locale": "en"}),
    lambda c: c.find_one_and_update({"a": "x"}, {"$set": {"a": 1}}, collation={"locale": "en"}),
    lambda c: list(c.find().hint("nothing_1")),
    lambda c: c.update_one({}, {"$set": {"a": 1}}, hint="nothing_1"),
    lambda c: list(c.find().hint("s_1")),
    lambda c: list(c.find().hint([("_id", 1)]).min([("_id", 0)])),
    lambda c: list(c.find({}, return_key=True)),
    lambda c: list(c.find({}, show_record_id=True)),
    lambda c: list(c.find({"$text": {"$search": "x"}})),
    lambda c: list(c.find({"a": {"$bitsAllSet": 1}})),
    lambda c: list(c.find({"a": {"$regex": r"\p{L}"}})),
    lambda c: list(c.find({"a": {"$regex": r"\hx"}})),
    lambda c: c.create_index("a", expireAfterSeconds=5),
    lambda c: c.create_index([("a", "hashed")]),
    lambda c: c.create_index([("a", "text")]),
    lambda c: c.create_index("a", collation={"locale": "en"}),
    lambda c: list(c.aggregate([{"$out": "b"}])),
    lambda c: list(c.aggregate([{"$merge": "b"}])),
    lambda c: list(c.aggregate([{"$graphLookup": {}}])),
    lambda c: list(c.aggregate([{"$project": {"a": {"$function": {}}}}])),
    lambda c: c.database.command("find", c.name, tailable=True),
    lambda c: c.database.command("mapReduce", c.name),
]


@pytest.mark.parametrize("ask", NOT_HERE)
def test_what_this_server_does_not_have(database: Database, ask: Any) -> None:
    database.a.create_index("s", sparse=True)
    database.a.insert_one({"_id": 1, "a": "X"})
    with pytest.raises(PyMongoError):
        ask(database.a)
    assert list(database.a.find()) == [{"_id": 1, "a": "X"}]
    assert database.list_collection_names() == ["a"]
