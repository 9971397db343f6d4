"""What an update makes of a document, and what it refuses. Every test holds on a real MongoDB too."""

from typing import Any

import pytest
from bson import Int64
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure, WriteError

DOCUMENT = {"_id": 0, "n": 1, "z": None, "t": "text", "l": [1, 2, 3], "d": [{"k": 1}, {"k": 2}], "s": {"x": 1}}

# PathNotViable: writes that must not vanish in what is no document
BLOCKED = [
    *({operator: {"n.b": 1}} for operator in ("$set", "$inc", "$mul", "$min", "$max", "$push", "$addToSet")),
    *({"$set": {path: 1}} for path in ("z.b", "t.b", "n.b.c", "l.x", "l.0.b", "s.x.y", "d.k")),
    {"$currentDate": {"n.b": True}},
    {"$bit": {"n.b": {"or": 1}}},
    {"$pull": {"n.b": 1}},
    {"$pop": {"n.b": 1}},
    {"$pullAll": {"n.b": [1]}},
    {"$rename": {"n.b": "q"}},
    {"$rename": {"t": "n.b"}},
    {"$set": {"d.$[].k.x": 1}},
]
NO_ARRAY = [
    *({operator: {"n": 1}} for operator in ("$push", "$addToSet", "$pull")),
    *({operator: {"z": 1}} for operator in ("$push", "$addToSet", "$pull")),
    {"$pullAll": {"s": [1]}},
    {"$push": {"t": {"$each": [1]}}},
    {"$set": {"n.$[]": 1}},
    {"$set": {"q.$[]": 1}},
    {"$unset": {"q.$[].k": 1}},
]
CONFLICTS = [
    {"$set": {"s": {}, "s.x": 2}},
    {"$set": {"s.x": 2, "s": {}}},
    {"$set": {"n": 1}, "$inc": {"n": 1}},
    {"$set": {"n": 1}, "$unset": {"n": 1}},
    {"$push": {"l": 1}, "$pull": {"l": 2}},
    {"$push": {"l": 1}, "$set": {"l.0": 2}},
    {"$rename": {"n": "q"}, "$set": {"q": 2}},
    {"$rename": {"n": "q"}, "$inc": {"n": 2}},
    {"$set": {"d.$[].k": 1, "d.$[]": 2}},
]
REFUSED = [
    *((change, 28) for change in BLOCKED),
    *((change, 2) for change in NO_ARRAY),
    *((change, 40) for change in CONFLICTS),
    ({"$pop": {"n": 1}}, 14),
    ({"$pop": {"l": 2}}, 9),
    ({"$inc": {"z": 1}}, 14),
    ({"$inc": {"t": 1}}, 14),
    ({"$inc": {"n": True}}, 14),
    ({"$mul": {"n": "2"}}, 14),
    ({"$set": {"": 1}}, 56),
    ({"$set": {"s.": 1}}, 56),
    ({"$set": {".s": 1}}, 56),
    ({"$set": {"$x": 1}}, 52),
    ({"$set": {"_id": 7}}, 66),
    ({"$unset": {"_id": 1}}, 66),
    ({"$rename": {"_id": "q"}}, 66),
    ({"$set": {"l.$": 1}}, 2),
    ({"$set": {"$[].k": 1}}, 2),
    ({"$set": {"d.$[e].k": 1}}, 2),
    ({"$rename": {"l.0": "q"}}, 2),
    ({"$rename": {"n": "n"}}, 2),
    ({"$rename": {"s": "s.y"}}, 2),
    ({"$rename": {"n": "l.0"}}, 2),
    ({"$push": {"l": {"$each": 1}}}, 2),
    ({"$push": {"l": {"$each": [], "$wrong": 1}}}, 2),
    ({"$nonsense": {"n": 1}}, 9),
    ({"$set": 1}, 9),
]


@pytest.mark.parametrize(("change", "code"), REFUSED, ids=str)
def test_what_is_refused_changes_nothing(database: Database, change: dict[str, Any], code: int) -> None:
    database.a.insert_one(DOCUMENT)
    for update in (database.a.update_one, database.a.update_many):
        with pytest.raises(WriteError) as caught:
            update({}, change)
        assert caught.value.code == code
    with pytest.raises(OperationFailure) as failed:
        database.a.find_one_and_update({}, change)
    assert failed.value.code == code
    assert repr(database.a.find_one()) == repr(DOCUMENT)


MADE = [
    ({"$set": {"b": 1, "a": 2}}, {"a": 2, "b": 1}),
    ({"$set": {"q.10": 1, "q.9": 2}}, {"q": {"9": 2, "10": 1}}),
    ({"$set": {"l.5": 9}}, {"l": [1, 2, 3, None, None, 9]}),
    ({"$set": {"d.1.k": 9}}, {"d": [{"k": 1}, {"k": 9}]}),
    ({"$set": {"d.$[].z": 9}}, {"d": [{"k": 1, "z": 9}, {"k": 2, "z": 9}]}),
    ({"$set": {"n": True}}, {"n": True}),
    ({"$unset": {"l.1": 1, "n.b": 1, "q.r": 1}}, {"l": [1, None, 3]}),
    ({"$inc": {"n": 2, "q.r": 3}}, {"n": 3, "q": {"r": 3}}),
    ({"$mul": {"n": 3, "q": 5}}, {"n": 3, "q": 0}),
    ({"$mul": {"q": 1.5}}, {"q": 0.0}),
    ({"$min": {"n": True, "t": 5, "q": 1}}, {"t": 5, "q": 1}),
    ({"$max": {"n": True, "z": -5}}, {"n": True, "z": -5}),
    ({"$push": {"l": True}}, {"l": [1, 2, 3, True]}),
    ({"$push": {"l": {"$each": [0, 9], "$position": 1, "$slice": 4}}}, {"l": [1, 0, 9, 2]}),
    ({"$push": {"l": {"$each": [0, "a", None, True], "$sort": -1}}}, {"l": [True, "a", 3, 2, 1, 0, None]}),
    ({"$push": {"d": {"$each": [{"k": 0}], "$sort": {"k": 1}, "$slice": -2}}}, {"d": [{"k": 1}, {"k": 2}]}),
    ({"$addToSet": {"l": 1.0}}, {}),
    ({"$addToSet": {"l": {"$each": [True, 1, True]}}}, {"l": [1, 2, 3, True]}),
    ({"$addToSet": {"d": {"$each": [{"k": 1.0}, {"k": True}]}}}, {"d": [{"k": 1}, {"k": 2}, {"k": True}]}),
    ({"$pull": {"l": {"$gte": 2}}}, {"l": [1]}),
    ({"$pull": {"l": True}}, {}),
    ({"$pull": {"l": {"$ne": 2}}}, {"l": [2]}),
    ({"$pull": {"d": {"k": 2.0}}}, {"d": [{"k": 1}]}),
    ({"$pull": {"d": {"$or": [{"k": 1}, {"k": 2}]}}}, {"d": []}),
    ({"$pull": {"q": 1}}, {}),
    ({"$pullAll": {"l": [1.0, True, 3]}}, {"l": [2]}),
    ({"$pop": {"l": -1}}, {"l": [2, 3]}),
    ({"$rename": {"n": "s.y", "q": "r"}}, {"n": None, "s": {"x": 1, "y": 1}}),
    ({"$bit": {"n": {"xor": 3}}}, {"n": 2}),
    ([{"$set": {"n": {"$add": ["$n", 1]}}}, {"$unset": "t"}], {"n": 2, "t": None}),
    ([{"$replaceWith": {"only": "$n"}}], {"only": 1} | dict.fromkeys("nztlds")),
]


@pytest.mark.parametrize(("change", "expected"), MADE, ids=str)
def test_what_is_made(database: Database, change: Any, expected: dict[str, Any]) -> None:
    """`expected` are the fields that change; None stands for one that goes."""
    database.a.insert_one(DOCUMENT)
    result = database.a.update_one({}, change)
    wanted = {name: value for name, value in (DOCUMENT | expected).items() if name not in expected or value is not None}
    # as text, in order: to Python true is 1, and 1 is 1.0
    assert repr(database.a.find_one()) == repr(wanted)
    assert result.modified_count == int(repr(wanted) != repr(DOCUMENT))


def test_integers_keep_their_kind(database: Database) -> None:
    database.a.insert_one({"_id": 0, "small": 2**31 - 1, "long": Int64(1), "big": Int64(2**63 - 1)})
    database.a.update_one({}, {"$inc": {"small": 1, "long": 1}})
    found = database.a.find_one({}, {"_id": 0}) or {}
    assert found["small"] == 2**31
    assert isinstance(found["small"], Int64)
    assert isinstance(found["long"], Int64)
    with pytest.raises(WriteError) as caught:
        database.a.update_one({}, {"$inc": {"big": 1}})
    assert caught.value.code == 2


def test_an_update_of_many_stops_where_it_fails(database: Database) -> None:
    database.a.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": "x"}, {"_id": 3, "a": 3}])
    with pytest.raises(WriteError):
        database.a.update_many({}, {"$inc": {"a": 1}})
    assert [document["a"] for document in database.a.find(sort=[("_id", 1)])] == [2, "x", 3]


@pytest.mark.parametrize(
    ("criteria", "change", "expected"),
    [
        ({"l": 2}, {"$set": {"l.$": 9}}, [1, 9, 3]),
        ({"l": {"$gt": 1}}, {"$inc": {"l.$": 10}}, [1, 12, 3]),
        ({"l": {"$in": [3, 7]}}, {"$unset": {"l.$": 1}}, [1, 2, None]),
        ({"l": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, {"$set": {"l.$": True}}, [1, True, 3]),
        ({"n": 1, "l": {"$not": {"$gt": 5}, "$gte": 3}}, {"$set": {"l.$": 0}}, [1, 2, 0]),
        ({"$or": [{"l": 7}, {"l": 3}]}, {"$mul": {"l.$": 2}}, [1, 2, 6]),
        ({"$or": [{"l": 2, "n": 7}, {"l": 3}]}, {"$mul": {"l.$": 2}}, [1, 2, 6]),
    ],
    ids=str,
)
def test_the_element_that_was_found(
    database: Database, criteria: dict[str, Any], change: dict[str, Any], expected: list[Any]
) -> None:
    database.a.insert_one(DOCUMENT)
    database.a.update_one(criteria, change)
    assert repr((database.a.find_one() or {})["l"]) == repr(expected)


def test_array_filters(database: Database) -> None:
    database.a.insert_one(DOCUMENT)
    database.a.update_one({}, {"$set": {"d.$[e].k": 9}}, array_filters=[{"e.k": {"$gt": 1}}])
    database.a.update_one({}, {"$inc": {"l.$[e]": 10}}, array_filters=[{"e": {"$lt": 3}}])
    found = database.a.find_one() or {}
    assert (found["d"], found["l"]) == ([{"k": 1}, {"k": 9}], [11, 12, 3])
    for filters in ([{"e": 1}], [{"e": 1}, {"e": 2}], [{"e": 1, "f": 2}], [{}]):
        with pytest.raises(WriteError):
            database.a.update_one({}, {"$set": {"q": 1}}, array_filters=filters)
    assert database.a.find_one() == found


SEEDS = [
    ({"a": 1, "b.c": 2}, {"a": 1, "b": {"c": 2}}),
    ({"b": 1, "a": None}, {"a": None, "b": 1}),
    ({"a": {"$eq": 1, "$gt": 0}}, {"a": 1}),
    ({"a": {"$in": [1]}}, {"a": 1}),
    ({"a": {"$in": [1, 2]}}, {}),
    ({"a": {"$all": [1]}}, {"a": 1}),
    ({"$and": [{"a": 1}, {"$and": [{"b": {"$eq": [2]}}]}]}, {"a": 1, "b": [2]}),
    ({"$or": [{"a": 1}]}, {"a": 1}),
    ({"$or": [{"a": 1}, {"b": 2}]}, {}),
    ({"$nor": [{"a": 1}]}, {}),
    ({"a": {"$gt": 1}, "b": {"$ne": 2}, "c": {"$exists": False}, "d": {"$elemMatch": {"e": 1}}}, {}),
    ({"a": {"$regex": "x"}}, {}),
    ({"a": {"b": 1}}, {"a": {"b": 1}}),
]


@pytest.mark.parametrize(("criteria", "seed"), SEEDS, ids=str)
def test_what_seeds_an_upsert(database: Database, criteria: dict[str, Any], seed: dict[str, Any]) -> None:
    database.a.update_one(criteria, {"$set": {"z": 1}}, upsert=True)
    assert repr(database.a.find_one({}, {"_id": 0})) == repr(seed | {"z": 1})
    database.b.replace_one(criteria, {"z": 1}, upsert=True)
    assert database.b.find_one({}, {"_id": 0}) == {"z": 1}


@pytest.mark.parametrize(
    ("criteria", "change", "code"),
    [
        ({"$and": [{"a": 1}, {"a": 2}]}, {"$set": {"z": 1}}, 54),
        ({"a": {"$all": [1, 2]}}, {"$set": {"z": 1}}, 54),
        ({"a": {"b": 1}, "a.c": 2}, {"$set": {"z": 1}}, 54),
        ({"a": 1}, {"$set": {"a.b": 1}}, 28),
        ({"l": 1}, {"$set": {"l.$": 1}}, 2),
        ({"_id": 1}, {"$set": {"_id": 2}}, 66),
        ({"_id": 1}, {"_id": 2}, 66),
        ({"a": 1}, {"$set": {"_id": [1]}}, 53),
    ],
    ids=str,
)
def test_refused_upserts(database: Database, criteria: dict[str, Any], change: dict[str, Any], code: int) -> None:
    update = database.a.replace_one if "_id" in change else database.a.update_one
    with pytest.raises(WriteError) as caught:
        update(criteria, change, upsert=True)
    assert caught.value.code == code
    assert database.a.count_documents({}) == 0


@pytest.mark.parametrize(("criteria", "identity"), [({"_id": {"$eq": 5}}, 5), ({"_id": {"x": 5}}, {"x": 5}), ({"_id": {"$in": [7]}}, 7)])
def test_a_replacement_takes_its_id_from_the_filter(database: Database, criteria: dict[str, Any], identity: Any) -> None:
    assert database.a.replace_one(criteria, {"a": 1}, upsert=True).upserted_id == identity


def test_what_fireworks_writes_is_not_lost(database: Database) -> None:
    """`update_spec` sets `spec.NAME` of many, whatever these hold."""
    database.fireworks.insert_many([{"_id": 1, "spec": {"a": 1}}, {"_id": 2, "spec": None}])
    with pytest.raises(WriteError):
        database.fireworks.update_many({"_id": {"$in": [1, 2]}}, {"$set": {"spec.b": 2}})
    assert database.fireworks.find_one({"_id": 1}) == {"_id": 1, "spec": {"a": 1, "b": 2}}


def test_a_bulk_names_what_failed(database: Database) -> None:
    from pymongo import UpdateOne

    database.a.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": "x"}, {"_id": 3, "a": 3}])
    changes = [UpdateOne({"_id": i}, {"$inc": {"a": 1}}) for i in (1, 2, 3)]
    with pytest.raises(BulkWriteError) as caught:
        database.a.bulk_write(changes, ordered=False)
    assert [(e["index"], e["code"]) for e in caught.value.details["writeErrors"]] == [(1, 14)]
    assert [document["a"] for document in database.a.find(sort=[("_id", 1)])] == [2, "x", 4]


def test_find_and_modify_is_one_thing_or_the_other(database: Database) -> None:
    database.a.insert_one({"_id": 1})
    for more in ({"update": {"$set": {"a": 1}}, "remove": True}, {}, {"remove": True, "new": True}):
        with pytest.raises(OperationFailure) as caught:
            database.command({"findAndModify": "a", "query": {"_id": 1}, **more})
        assert caught.value.code == 9
    assert database.a.count_documents({}) == 1
