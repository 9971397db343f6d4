"""Indexes through real pymongo. Every test but the last holds on a real MongoDB too."""

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from launchers.database.embedded.planning import plan
from launchers.database.embedded.storage import Storage


def test_unique(database: Database) -> None:
    database.a.create_index([("uuid", 1), ("index", 1)], unique=True)
    database.a.insert_many([{"uuid": "a", "index": i} for i in range(3)])
    with pytest.raises(DuplicateKeyError, match="E11000"):
        database.a.insert_one({"uuid": "a", "index": 2})
    database.a.delete_one({"uuid": "a", "index": 2})
    database.a.insert_one({"uuid": "a", "index": 2})


def test_unique_counts_missing_as_null(database: Database) -> None:
    database.a.create_index("k", unique=True)
    database.a.insert_one({})
    with pytest.raises(DuplicateKeyError):
        database.a.insert_one({"k": None})


def test_unique_sparse(database: Database) -> None:
    database.a.create_index("k", unique=True, sparse=True)
    database.a.insert_many([{}, {}, {"k": 1}])
    with pytest.raises(DuplicateKeyError):
        database.a.insert_one({"k": 1})
    assert database.a.count_documents({"k": None}) == 2
    assert [d.get("k") for d in database.a.find(sort=[("k", 1)])] == [None, None, 1]


def test_unique_partial(database: Database) -> None:
    partial = {"metadata.key": {"$exists": True}}
    database.w.create_index("metadata.key", unique=True, partialFilterExpression=partial)
    database.w.insert_many([{"n": 1}, {"n": 2, "metadata": {}}, {"n": 3, "metadata": {"key": "x"}}])
    with pytest.raises(DuplicateKeyError):
        database.w.insert_one({"metadata": {"key": "x"}})
    with pytest.raises(DuplicateKeyError):
        database.w.update_one({"n": 1}, {"$set": {"metadata.key": "x"}})
    database.w.update_one({"n": 1}, {"$set": {"metadata.key": "y"}})
    database.w.update_one({"n": 3}, {"$unset": {"metadata.key": ""}})
    database.w.insert_one({"n": 4, "metadata": {"key": "x"}})
    assert database.w.find_one({"metadata.key": "x"})["n"] == 4  # type: ignore[index]
    assert database.w.count_documents({"metadata.key": {"$in": ["x", "y"]}}) == 2
    assert database.w.count_documents({"metadata.key": None}) == 2
    assert len(list(database.w.find(sort=[("metadata.key", 1)]))) == 4


def test_unique_over_arrays(database: Database) -> None:
    database.a.create_index("nodes", unique=True)
    database.a.insert_one({"nodes": [1, 2, 2]})
    with pytest.raises(DuplicateKeyError):
        database.a.insert_one({"nodes": [3, 2]})
    database.a.insert_one({"nodes": [3, 4]})


def test_unique_pairs_of_one_element(database: Database) -> None:
    database.a.create_index([("x.a", 1), ("x.b", 1)], unique=True)
    database.a.insert_one({"x": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]})
    database.a.insert_one({"x": [{"a": 1, "b": 2}]})
    with pytest.raises(DuplicateKeyError):
        database.a.insert_one({"x": {"a": 2, "b": 2}})
    # the filter may be met by two elements: no key of the index has both values
    assert database.a.count_documents({"x.a": 1, "x.b": 2}) == 2


def test_parallel_arrays_are_refused(database: Database) -> None:
    database.a.create_index([("a", 1), ("b", 1)])
    database.a.insert_one({"_id": 1, "a": [1, 2], "b": 3})
    for write in (
        lambda: database.a.insert_one({"a": [1], "b": [2]}),
        lambda: database.a.update_one({"_id": 1}, {"$set": {"b": [1]}}),
    ):
        with pytest.raises(WriteError) as caught:
            write()
        assert caught.value.code == 171
    assert list(database.a.find()) == [{"_id": 1, "a": [1, 2], "b": 3}]


def test_true_and_one_are_two_keys(database: Database) -> None:
    database.a.create_index("k", unique=True)
    database.a.insert_many([{"k": 1}, {"k": True}, {"k": {"x": 1}}, {"k": {"x": True}}])
    for value in (1.0, {"x": 1.0}):
        with pytest.raises(DuplicateKeyError):
            database.a.insert_one({"k": value})


def test_the_order_of_keys_makes_another_index(database: Database) -> None:
    database.a.create_index([("a", 1), ("b", 1)], name="n")
    with pytest.raises(OperationFailure) as caught:
        database.a.create_index([("b", 1), ("a", 1)], name="n")
    assert caught.value.code == 86
    database.a.create_index([("b", 1), ("a", 1)])
    database.a.drop_index([("b", 1), ("a", 1)])
    assert set(database.a.index_information()) == {"_id_", "n"}


@pytest.mark.parametrize("keys", [{"a": True}, {"a": 2}, {"a": 0}, {"": 1}, {"$a": 1}, {"a..b": 1}, {}], ids=str)
def test_keys_that_make_no_index(database: Database, keys: dict[str, Any]) -> None:
    with pytest.raises(OperationFailure):
        database.command("createIndexes", "a", indexes=[{"key": keys, "name": "n"}])


@pytest.mark.parametrize(
    "options",
    [
        {"partialFilterExpression": {"a": {"$exists": False}}},
        {"partialFilterExpression": {"a": {"$ne": 1}}},
        {"partialFilterExpression": {"a": {"$exists": True}}, "sparse": True},
    ],
    ids=str,
)
def test_options_that_make_no_index(database: Database, options: dict[str, Any]) -> None:
    with pytest.raises(OperationFailure):
        database.a.create_index("k", **options)


def test_an_index_on_what_is_there(database: Database) -> None:
    database.a.insert_many([{"k": 1}, {"k": 1}])
    with pytest.raises(DuplicateKeyError):
        database.a.create_index("k", unique=True)
    assert set(database.a.index_information()) == {"_id_"}
    database.a.create_index("k")
    assert database.a.count_documents({"k": 1}) == 2


def test_listing_and_dropping(database: Database) -> None:
    assert database.a.create_index([("a", 1), ("b", -1)]) == "a_1_b_-1"
    assert database.a.create_index([("a", 1), ("b", -1)]) == "a_1_b_-1"
    database.a.create_index("c", unique=True)
    found = database.a.index_information()
    assert found["a_1_b_-1"]["key"] == [("a", 1), ("b", -1)]
    assert found["c_1"]["unique"] is True
    with pytest.raises(OperationFailure):
        database.a.create_index("c")
    database.a.drop_index("c_1")
    database.a.drop_indexes()
    assert set(database.a.index_information()) == {"_id_"}
    with pytest.raises(OperationFailure):
        database.a.drop_index("c_1")


def test_collections(database: Database) -> None:
    database.create_collection("a")
    with pytest.raises(Exception, match="exists"):
        database.create_collection("a")
    database.b.insert_one({})
    assert sorted(database.list_collection_names()) == ["a", "b"]
    database.b.rename("c")
    assert database.c.count_documents({}) == 1
    with pytest.raises(OperationFailure, match="exists"):
        database.c.rename("a")
    database.c.drop()
    assert database.list_collection_names() == ["a"]
    assert database.b.count_documents({}) == 0
    assert database.name in database.client.list_database_names()


def test_a_nested_field_of_an_array(database: Database) -> None:
    database.launches.create_index("state_history.reservation_id")
    database.launches.insert_many(
        [{"n": i, "state_history": [{"state": "A"}, {"state": "B", "reservation_id": i}]} for i in range(50)]
    )
    assert [d["n"] for d in database.launches.find({"state_history.reservation_id": 7})] == [7]


def test_the_checkout_of_fireworks_reads_its_index_in_order(tmp_path) -> None:  # type: ignore[no-untyped-def]
    storage = Storage(tmp_path / "data.sqlite")
    with storage.transaction():
        collection = storage.created("fw", "fireworks")
        for key in (["state"], ["spec._category"], ["fw_id"], ["state", "spec._priority", "created_on"]):
            directions = [1 if name == "created_on" or len(key) == 1 else -1 for name in key]
            name = "_".join(key)
            storage.add_index(
                collection, {"v": 2, "key": dict(zip(key, directions, strict=True)), "name": name}
            )
        collection = storage.created("fw", "fireworks")
        for i in range(300):
            document = {
                "_id": i,
                "fw_id": i,
                "state": "READY",
                "spec": {"_category": "x"},
                "created_on": f"{i:09d}",
            }
            storage.insert(collection, document, b"")
    order = [("spec._priority", -1), ("created_on", 1)]
    way = plan(storage, collection, {"state": "READY", "spec._category": "x"}, order)
    assert way.ordered
    assert way.index is not None
    assert way.index.name == "state_spec._priority_created_on"
    way = plan(storage, collection, {"state": {"$in": ["READY", "GONE"]}, "fw_id": 5}, order)
    assert way.index is not None
    assert way.index.name == "fw_id"


def test_presence_is_found_in_a_partial_index(database: Database) -> None:
    database.w.create_index("locked", partialFilterExpression={"locked": {"$exists": True}})
    database.w.insert_many([{"_id": i, "n": -i} for i in range(5)])
    locks: list[Any] = [True, None, [2, 1], "by a word"]
    for i, lock in enumerate(locks):
        database.w.update_one({"_id": i}, {"$set": {"locked": lock}})
    locked = {"locked": {"$exists": True}}
    assert [d["_id"] for d in database.w.find(locked, sort=[("n", 1)])] == [3, 2, 1, 0]
    assert [d["_id"] for d in database.w.find(locked | {"n": {"$lt": -1}}, sort=[("_id", 1)])] == [2, 3]
    assert sorted(d["_id"] for d in database.w.find({"locked": None})) == [1, 4]
    assert [d["_id"] for d in database.w.find({"locked": {"$exists": False}})] == [4]
    assert database.w.count_documents(locked) == 4
    database.w.update_one({"_id": 0}, {"$unset": {"locked": True}})
    assert database.w.count_documents(locked) == 3


def test_what_every_worker_asks_again_and_again_has_an_index(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "file")
    with storage.transaction():
        workflows, launches = storage.created("fw", "workflows"), storage.created("fw", "launches")
        storage.add_index(workflows, {"v": 2, "key": {"locked": 1}, "name": "locked_1", "partialFilterExpression": {"locked": {"$exists": True}}})
        for name, key in (("of", {"by": 1}), ("last", {"by": 1, "launch_id": -1}), ("launch_id", {"launch_id": 1})):
            storage.add_index(launches, {"v": 2, "key": key, "name": name})
        workflows, launches = storage.created("fw", "workflows"), storage.created("fw", "launches")
        for i in range(300):
            storage.insert(workflows, {"_id": i, **({"locked": True} if i == 7 else {})}, b"")
            storage.insert(launches, {"_id": i, "by": "me", "launch_id": i}, b"")
    way = plan(storage, workflows, {"locked": {"$exists": True}}, [])
    assert way.index is not None
    assert way.index.name == "locked_1"
    way = plan(storage, launches, {"by": "me"}, [("launch_id", -1)])
    assert way.ordered
    assert way.index is not None
    assert way.index.name == "last"
