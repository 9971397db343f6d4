"""Writing through real pymongo. Every test holds on a real MongoDB too."""

from typing import Any

import pytest
from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DocumentTooLarge, DuplicateKeyError, OperationFailure, WriteError


def test_documents_come_back_as_they_were(database: Database) -> None:
    document = {
        "_id": ObjectId(),
        "z": 1,
        "a": [1, {"b": None}],
        "f": 0.1,
        "t": "é\0",
        "y": b"\0\1",
        "b": True,
    }
    database.a.insert_one(document)
    assert database.a.find_one() == document
    assert list(database.a.find_one() or {}) == list(document)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"$set": {"a": 5}}, {"a": 5, "l": [1, 2, 3], "s": {"x": 1}}),
        ({"$set": {"s.y.z": 5}}, {"a": 1, "l": [1, 2, 3], "s": {"x": 1, "y": {"z": 5}}}),
        ({"$set": {"l.1": 9}}, {"a": 1, "l": [1, 9, 3], "s": {"x": 1}}),
        ({"$unset": {"s.x": ""}}, {"a": 1, "l": [1, 2, 3], "s": {}}),
        ({"$inc": {"a": 2, "n": 1}}, {"a": 3, "l": [1, 2, 3], "s": {"x": 1}, "n": 1}),
        ({"$push": {"l": 4}}, {"a": 1, "l": [1, 2, 3, 4], "s": {"x": 1}}),
        ({"$push": {"l": {"$each": [4, 5]}}}, {"a": 1, "l": [1, 2, 3, 4, 5], "s": {"x": 1}}),
        ({"$push": {"new": 4}}, {"a": 1, "l": [1, 2, 3], "s": {"x": 1}, "new": [4]}),
        ({"$pull": {"l": 2}}, {"a": 1, "l": [1, 3], "s": {"x": 1}}),
        ({"$addToSet": {"l": 2}}, {"a": 1, "l": [1, 2, 3], "s": {"x": 1}}),
        ({"$addToSet": {"l": {"$each": [2, 7]}}}, {"a": 1, "l": [1, 2, 3, 7], "s": {"x": 1}}),
        ({"$rename": {"a": "b"}}, {"b": 1, "l": [1, 2, 3], "s": {"x": 1}}),
        ({"$max": {"a": 9}}, {"a": 9, "l": [1, 2, 3], "s": {"x": 1}}),
        ({"$min": {"a": 9}}, {"a": 1, "l": [1, 2, 3], "s": {"x": 1}}),
        ({"$set": {"a": 2}, "$push": {"l": 4}}, {"a": 2, "l": [1, 2, 3, 4], "s": {"x": 1}}),
    ],
    ids=str,
)
def test_update_operators(database: Database, change: dict[str, Any], expected: dict[str, Any]) -> None:
    database.a.insert_one({"_id": 0, "a": 1, "l": [1, 2, 3], "s": {"x": 1}})
    database.a.update_one({"_id": 0}, change)
    assert database.a.find_one({}, {"_id": 0}) == expected


def test_positional_update(database: Database) -> None:
    database.a.insert_one({"_id": 0, "l": [{"k": 1, "v": 0}, {"k": 2, "v": 0}]})
    database.a.update_one({"_id": 0, "l.k": 2}, {"$set": {"l.$.v": 5}})
    assert database.a.find_one() == {"_id": 0, "l": [{"k": 1, "v": 0}, {"k": 2, "v": 5}]}
    database.a.update_one({"_id": 0}, {"$set": {"l.$[one].v": 7}}, array_filters=[{"one.k": 1}])
    assert database.a.find_one() == {"_id": 0, "l": [{"k": 1, "v": 7}, {"k": 2, "v": 5}]}


def test_what_an_update_reports(database: Database) -> None:
    database.a.insert_many([{"_id": i, "a": i % 2} for i in range(6)])
    result = database.a.update_many({"a": 1}, {"$set": {"a": 2}})
    assert (result.matched_count, result.modified_count) == (3, 3)
    result = database.a.update_many({}, {"$set": {"a": 2}})
    assert (result.matched_count, result.modified_count) == (6, 3)
    result = database.a.update_one({"a": 77}, {"$set": {"a": 1}})
    assert (result.matched_count, result.upserted_id) == (0, None)


def test_upserts(database: Database) -> None:
    change = {"$set": {"b": 1}, "$setOnInsert": {"c": 2}}
    result = database.a.update_one({"_id": "k", "a": {"$in": [1]}, "s.t": 4}, change, upsert=True)
    assert result.upserted_id == "k"
    # an $in of one value is an equality, and so seeds
    assert database.a.find_one() == {"_id": "k", "a": 1, "b": 1, "c": 2, "s": {"t": 4}}
    result = database.a.update_one({"_id": "k"}, {"$set": {"b": 2}, "$setOnInsert": {"c": 3}}, upsert=True)
    assert result.upserted_id is None
    database.a.replace_one({"uuid": "u", "index": 1}, {"uuid": "u", "index": 1, "v": 1}, upsert=True)
    database.a.replace_one({"uuid": "u", "index": 1}, {"uuid": "u", "index": 1, "v": 2}, upsert=True)
    assert database.a.find_one({"uuid": "u"}, {"_id": 0}) == {"uuid": "u", "index": 1, "v": 2}
    assert database.a.count_documents({}) == 2


def test_replacements_keep_the_id(database: Database) -> None:
    database.a.insert_one({"_id": 1, "a": 1})
    database.a.replace_one({"a": 1}, {"b": 1})
    assert database.a.find_one() == {"_id": 1, "b": 1}
    with pytest.raises(WriteError, match="_id"):
        database.a.replace_one({"b": 1}, {"_id": 2, "b": 1})
    with pytest.raises(WriteError, match="_id"):
        database.a.update_one({"b": 1}, {"$set": {"_id": 2}})
    assert database.a.find_one() == {"_id": 1, "b": 1}


def test_find_and_modify(database: Database) -> None:
    database.a.insert_many([{"_id": i, "state": "READY", "p": i % 3} for i in range(9)])
    first = database.a.find_one_and_update(
        {"state": "READY"}, {"$set": {"state": "RUN"}}, sort=[("p", -1), ("_id", 1)]
    )
    assert first == {"_id": 2, "state": "READY", "p": 2}
    after = database.a.find_one_and_update(
        {"state": "READY"},
        {"$set": {"state": "RUN"}},
        sort=[("p", -1), ("_id", -1)],
        projection={"state": 1},
        return_document=ReturnDocument.AFTER,
    )
    assert after == {"_id": 8, "state": "RUN"}
    assert database.a.find_one_and_update({"state": "GONE"}, {"$set": {"a": 1}}) is None
    made = database.a.find_one_and_update({"_id": 100}, {"$inc": {"n": 1}}, upsert=True)
    assert made is None
    assert database.a.find_one_and_replace({"_id": 100}, {"n": 5}, return_document=True) == {
        "_id": 100,
        "n": 5,
    }
    assert database.a.find_one_and_delete({"_id": 100}) == {"_id": 100, "n": 5}
    assert database.a.find_one_and_delete({"_id": 100}) is None


def test_ordered_inserts_stop_at_the_first_error(database: Database) -> None:
    with pytest.raises(BulkWriteError) as caught:
        database.a.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
    assert caught.value.details["nInserted"] == 1
    assert [error["index"] for error in caught.value.details["writeErrors"]] == [1]
    assert [d["_id"] for d in database.a.find()] == [1]


def test_unordered_inserts_go_on(database: Database) -> None:
    with pytest.raises(BulkWriteError) as caught:
        database.a.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}, {"_id": 2}], ordered=False)
    assert caught.value.details["nInserted"] == 2
    assert [error["code"] for error in caught.value.details["writeErrors"]] == [11000, 11000]
    assert sorted(d["_id"] for d in database.a.find()) == [1, 2]


def test_bulk_writes(database: Database) -> None:
    result = database.a.bulk_write(
        [
            InsertOne({"_id": 1, "a": 1}),
            UpdateOne({"_id": 1}, {"$set": {"a": 2}}),
            ReplaceOne({"_id": 2}, {"a": 3}, upsert=True),
            DeleteOne({"_id": 1}),
        ]
    )
    assert (result.inserted_count, result.modified_count, result.upserted_count, result.deleted_count) == (
        1,
        1,
        1,
        1,
    )
    assert list(database.a.find()) == [{"_id": 2, "a": 3}]


def test_deletes(database: Database) -> None:
    database.a.insert_many([{"_id": i} for i in range(10)])
    assert database.a.delete_one({}).deleted_count == 1
    assert database.a.delete_many({"_id": {"$gt": 7}}).deleted_count == 2
    assert database.a.delete_many({}).deleted_count == 7
    assert database.absent.delete_many({}).deleted_count == 0


def test_a_refused_update_changes_nothing(database: Database) -> None:
    database.a.create_index("k", unique=True)
    database.a.insert_many([{"_id": 1, "k": 1, "v": 0}, {"_id": 2, "k": 2, "v": 0}])
    with pytest.raises(DuplicateKeyError):
        database.a.update_one({"_id": 2}, {"$set": {"v": 1, "k": 1}})
    with pytest.raises(DuplicateKeyError):
        database.a.find_one_and_update({"_id": 2}, {"$set": {"v": 1, "k": 1}})
    assert database.a.find_one({"k": 2}) == {"_id": 2, "k": 2, "v": 0}
    assert database.a.count_documents({"k": 1}) == 1
    with pytest.raises(OperationFailure):
        database.a.update_one({"_id": 2}, {"$wrong": {"v": 1}})


def test_sixteen_megabytes_are_the_limit(database: Database) -> None:
    database.a.insert_one({"_id": 1, "b": b"x" * (16 * 1024 * 1024 - 100)})
    with pytest.raises((DocumentTooLarge, WriteError)):
        database.a.insert_one({"_id": 2, "b": b"x" * (16 * 1024 * 1024)})
    # a document that grows too large is known only to the server
    with pytest.raises(WriteError):
        database.a.update_one({"_id": 1}, {"$set": {"c": b"x" * 200}})
    assert set(database.a.find_one() or {}) == {"_id", "b"}
    assert database.a.count_documents({}) == 1
