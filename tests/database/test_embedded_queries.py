"""Reading through real pymongo. Every test holds on a real MongoDB too."""

import datetime
import random
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import CursorNotFound, OperationFailure


@pytest.fixture
def people(database: Database) -> Any:
    rows = [
        {"_id": i, "n": i, "state": ["READY", "DONE"][i % 2], "spec": {"p": i % 5}, "nodes": [i, i + 1000]}
        for i in range(300)
    ]
    database.people.insert_many(rows)
    return database.people


@pytest.fixture(params=["no index", "indexes"])
def maybe_indexed(request: pytest.FixtureRequest, people: Any) -> Any:
    if request.param == "indexes":
        people.create_index("n")
        people.create_index("state")
        people.create_index("nodes")
        people.create_index([("state", -1), ("spec.p", -1), ("n", 1)])
    return people


FILTERS: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda _: True),
    ({"n": 7}, lambda d: d["n"] == 7),
    ({"n": 7.0}, lambda d: d["n"] == 7),
    ({"n": {"$in": [3, 5, 900]}}, lambda d: d["n"] in (3, 5)),
    ({"n": {"$in": []}}, lambda _: False),
    ({"n": {"$gt": 10, "$lte": 20}}, lambda d: 10 < d["n"] <= 20),
    ({"n": {"$gt": "a"}}, lambda _: False),
    ({"n": {"$ne": 4}}, lambda d: d["n"] != 4),
    ({"n": {"$exists": False}}, lambda _: False),
    ({"absent": None}, lambda _: True),
    ({"state": "READY", "n": {"$lt": 9}}, lambda d: d["state"] == "READY" and d["n"] < 9),
    ({"state": "READY", "spec.p": 3}, lambda d: d["state"] == "READY" and d["spec"]["p"] == 3),
    (
        {"state": {"$in": ["READY", "X"]}, "spec.p": {"$gte": 3}},
        lambda d: d["n"] % 2 == 0 and d["spec"]["p"] >= 3,
    ),
    ({"nodes": 1005}, lambda d: d["n"] == 5),
    ({"nodes": {"$in": [5, 1005, 6]}}, lambda d: d["n"] in (5, 6)),
    # over an array, two elements may meet the two bounds
    ({"nodes": {"$gt": 1, "$lt": 3}}, lambda d: d["n"] <= 2),
    ({"nodes": {"$all": [5, 1005]}}, lambda d: d["n"] == 5),
    ({"nodes": {"$size": 2}, "n": 1}, lambda d: d["n"] == 1),
    ({"$or": [{"n": 1}, {"n": 2}], "state": "DONE"}, lambda d: d["n"] == 1),
    ({"$and": [{"n": {"$gt": 1}}, {"n": {"$lt": 4}}]}, lambda d: d["n"] in (2, 3)),
    ({"$and": [{"n": 3}, {"n": 4}]}, lambda _: False),
    ({"$nor": [{"state": "READY"}], "n": {"$lt": 4}}, lambda d: d["n"] in (1, 3)),
    ({"state": {"$regex": "^REA"}, "n": {"$lt": 3}}, lambda d: d["n"] in (0, 2)),
    ({"n": {"$not": {"$gt": 2}}}, lambda d: d["n"] <= 2),
    ({"n": {"$eq": 3, "$lt": 2}}, lambda _: False),
]


@pytest.mark.parametrize(("criteria", "expected"), FILTERS, ids=[str(f) for f, _ in FILTERS])
def test_filters(maybe_indexed: Any, criteria: dict[str, Any], expected: Any) -> None:
    rows = [{"n": i, "state": ["READY", "DONE"][i % 2], "spec": {"p": i % 5}} for i in range(300)]
    wanted = {row["n"] for row in rows if expected(row)}
    assert {d["n"] for d in maybe_indexed.find(criteria)} == wanted
    assert maybe_indexed.count_documents(criteria) == len(wanted)


@pytest.mark.parametrize(
    "order",
    [
        [("n", 1)],
        [("n", -1)],
        [("spec.p", -1), ("n", 1)],
        [("spec.p", 1), ("n", -1)],
        [("state", 1), ("n", 1)],
        [("state", -1), ("spec.p", -1), ("n", 1)],
        [("state", 1), ("spec.p", 1), ("n", -1)],
    ],
)
@pytest.mark.parametrize("criteria", [{}, {"state": "READY"}, {"n": {"$lt": 40}}])
def test_orders(maybe_indexed: Any, order: list[tuple[str, int]], criteria: dict[str, Any]) -> None:
    found = list(maybe_indexed.find(criteria, sort=order))
    expected = list(maybe_indexed.find(criteria))
    for name, direction in reversed(order):
        expected.sort(key=lambda d: d["spec"]["p"] if name == "spec.p" else d[name], reverse=direction < 0)
    assert [d["n"] for d in found] == [d["n"] for d in expected]
    part = maybe_indexed.find(criteria, sort=order, skip=3, limit=4)
    assert [d["n"] for d in part] == [d["n"] for d in expected[3:7]]


def test_natural_order(people: Any) -> None:
    assert [d["n"] for d in people.find({"n": {"$gt": 295}}).sort("$natural", -1)] == [299, 298, 297, 296]


def test_projections(people: Any) -> None:
    assert people.find_one({"n": 3}, {"n": 1, "_id": 0}) == {"n": 3}
    assert people.find_one({"n": 3}, ["state"]) == {"_id": 3, "state": "DONE"}
    assert people.find_one({"n": 3}, {"spec.p": 1}) == {"_id": 3, "spec": {"p": 3}}
    assert people.find_one({"n": 3}, {"spec": 0, "nodes": 0}) == {"_id": 3, "n": 3, "state": "DONE"}
    assert people.find_one({"n": 3}, {"_id": 1}) == {"_id": 3}
    assert people.find_one({"n": 3}, {"nodes": {"$slice": 1}, "n": 1})["nodes"] == [3]


def test_cursors_stay_usable_while_others_write(people: Any) -> None:
    cursor = people.find({}, batch_size=10)
    seen = [next(cursor)["n"] for _ in range(15)]
    people.delete_many({"n": {"$gte": 280}})
    people.insert_one({"_id": 9999, "n": 9999})
    seen += [document["n"] for document in cursor]
    assert len(seen) == len(set(seen))
    assert set(range(270)) <= set(seen)
    assert not set(range(281, 300)) & set(seen)


def test_a_killed_cursor_is_gone(people: Any) -> None:
    cursor = people.find({}, batch_size=10)
    next(cursor)
    number = cursor.cursor_id
    people.database.command({"killCursors": people.name, "cursors": [number]})
    with pytest.raises(CursorNotFound):
        list(cursor)


def test_distinct(maybe_indexed: Any) -> None:
    # MongoDB promises no order of them
    assert sorted(maybe_indexed.distinct("state")) == ["DONE", "READY"]
    assert sorted(maybe_indexed.distinct("spec.p", {"n": {"$lt": 3}})) == [0, 1, 2]
    assert sorted(maybe_indexed.distinct("nodes", {"n": 4})) == [4, 1004]
    assert maybe_indexed.distinct("absent") == []


def test_counts_and_groups(maybe_indexed: Any) -> None:
    assert maybe_indexed.estimated_document_count() == 300
    assert maybe_indexed.count_documents({"state": "READY"}, limit=10) == 10
    assert maybe_indexed.count_documents({"state": "READY"}, skip=140) == 10
    groups = maybe_indexed.aggregate(
        [{"$group": {"_id": "$state", "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    )
    assert list(groups) == [{"_id": "DONE", "count": 150}, {"_id": "READY", "count": 150}]
    stages = [
        {"$match": {"state": "READY"}},
        {"$sort": {"n": -1}},
        {"$limit": 2},
        {"$project": {"n": 1, "_id": 0}},
    ]
    assert list(maybe_indexed.aggregate(stages)) == [{"n": 298}, {"n": 296}]
    stages = [{"$match": {"n": {"$lt": 4}}}, {"$group": {"_id": "$state", "all": {"$push": "$$ROOT"}}}]
    assert {g["_id"]: len(g["all"]) for g in maybe_indexed.aggregate(stages)} == {"READY": 2, "DONE": 2}
    assert list(maybe_indexed.aggregate([{"$match": {"n": {"$lt": 4}}}, {"$count": "n"}])) == [{"n": 4}]
    assert list(maybe_indexed.aggregate([{"$match": {"n": -4}}, {"$count": "n"}])) == []


def test_lookup(database: Database) -> None:
    """The join with which FireWorks finds lost runs."""
    database.launches.insert_many([{"fw_id": i, "state": "COMPLETED"} for i in range(20)])
    database.fireworks.insert_many(
        [{"fw_id": i, "state": "RUNNING" if i == 7 else "COMPLETED"} for i in range(20)]
    )
    database.fireworks.create_index("fw_id", unique=True)
    join = {"from": "fireworks", "localField": "_id", "foreignField": "fw_id", "as": "fw"}
    stages: list[dict[str, Any]] = [
        {"$match": {"state": {"$in": ["FIZZLED", "COMPLETED"]}}},
        {"$group": {"_id": "$fw_id"}},
        {"$lookup": join},
        {"$unwind": "$fw"},
        {"$match": {"fw.state": "RUNNING"}},
        {"$project": {"fw_id": "$_id"}},
    ]
    assert list(database.launches.aggregate(stages)) == [{"_id": 7, "fw_id": 7}]


def test_dates_and_missing_collections(database: Database) -> None:
    moments = [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=i) for i in range(10)]
    random.Random(1).shuffle(moments)
    database.events.insert_many([{"at": moment} for moment in moments])
    database.events.create_index("at")
    later = database.events.find({"at": {"$gt": datetime.datetime(2020, 1, 8)}}, sort=[("at", 1)])
    assert [d["at"].day for d in later] == [9, 10]
    assert database.nothing.find_one({"a": 1}) is None
    assert database.nothing.count_documents({}) == 0
    assert list(database.nothing.aggregate([{"$group": {"_id": "$a", "n": {"$sum": 1}}}])) == []


def test_errors_are_errors_of_pymongo(database: Database) -> None:
    database.a.insert_one({"a": 1})
    with pytest.raises(OperationFailure):
        list(database.a.find({"a": {"$wrong": 1}}))
    with pytest.raises(OperationFailure):
        database.command("nonsense")


def test_many_values_in_one_query(database: Database) -> None:
    database.many.insert_many([{"_id": f"{i:06d}"} for i in range(5000)])
    wanted = [f"{i:06d}" for i in range(0, 10000, 2)]
    assert len(list(database.many.find({"_id": {"$in": wanted}}, {"_id": 1}))) == 2500
