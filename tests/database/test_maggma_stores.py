"""Every operation of maggma's stores that jobflow and atomate2 use. Holds on a real MongoDB too."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from jobflow import Flow, JobStore, job, run_locally
from maggma.stores import GridFSStore, MongoStore
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError


@pytest.fixture
def store(server_uri: str, database: Database) -> Iterator[MongoStore]:
    made = MongoStore(database.name, "outputs", uri=server_uri, key="task_id", last_updated_field="lu")
    made.connect()
    yield made
    made.close()


@pytest.fixture
def blobs(server_uri: str, database: Database) -> Iterator[GridFSStore]:
    made = GridFSStore(database.name, "blobs", uri=server_uri, key="blob_uuid")
    made.connect()
    yield made
    made.close()


ROWS = [{"task_id": i, "a": i % 3, "b": {"c": i}, "tags": [i, "x"]} for i in range(9)]


def test_update_inserts_and_replaces(store: MongoStore) -> None:
    store.update([dict(row) for row in ROWS])
    store.update([{"task_id": 3, "a": 77}])
    assert store.count() == 9
    assert store.query_one({"task_id": 3}, properties={"_id": 0}) == {"task_id": 3, "a": 77}
    store.update({"uuid": "u", "index": 1, "v": 1, "task_id": 100}, key=["uuid", "index"])
    store.update({"uuid": "u", "index": 1, "v": 2, "task_id": 100}, key=["uuid", "index"])
    assert store.count({"uuid": "u"}) == 1


def test_queries(store: MongoStore) -> None:
    store.update([dict(row) for row in ROWS])
    assert {d["task_id"] for d in store.query({"a": 1})} == {1, 4, 7}
    assert [d["b"]["c"] for d in store.query({}, ["b.c"], sort={"b.c": -1}, skip=1, limit=2)] == [7, 6]
    assert store.query_one({"b.c": 4}, ["a"])["a"] == 1  # type: ignore[index]
    assert store.query_one({"a": 99}) is None
    assert store.count({"a": {"$in": [0, 1]}}) == 6
    assert [d["task_id"] for d in store.query({"tags": 4})] == [4]
    assert next(store.query({"task_id": {"$gt": 1}}, hint={"_id": 1}, sort={"task_id": 1}))["task_id"] == 2


def test_distinct(store: MongoStore) -> None:
    store.update([dict(row) for row in ROWS])
    assert sorted(store.distinct("a")) == [0, 1, 2]
    assert sorted(store.distinct("b.c", {"a": 0})) == [0, 3, 6]
    assert store.distinct("nothing") == []


def test_groupby(store: MongoStore) -> None:
    store.update([dict(row) for row in ROWS])
    groups = {key["a"]: len(documents) for key, documents in store.groupby("a")}
    assert groups == {0: 3, 1: 3, 2: 3}
    groups = {
        (key["a"], key["b"]["c"]): len(d) for key, d in store.groupby(["a", "b.c"], {"a": 1}, ["task_id"])
    }
    assert groups == {(1, 1): 1, (1, 4): 1, (1, 7): 1}


def test_indexes(store: MongoStore) -> None:
    assert store.ensure_index("task_id", unique=True)
    assert store.ensure_index("task_id", unique=True)
    store.update([dict(row) for row in ROWS])
    with pytest.raises(DuplicateKeyError):
        store._collection.insert_one({"task_id": 1})


def test_remove_docs(store: MongoStore) -> None:
    store.update([dict(row) for row in ROWS])
    store.remove_docs({"a": 0})
    assert store.count() == 6


def test_last_updated_and_newer_in(store: MongoStore, server_uri: str, database: Database) -> None:
    early, late = datetime.datetime(2020, 1, 1), datetime.datetime(2024, 1, 1)
    store.update([{"task_id": i, "lu": early} for i in range(4)])
    with MongoStore(database.name, "newer", uri=server_uri, key="task_id", last_updated_field="lu") as newer:
        newer.update(
            [{"task_id": i, "lu": late if i < 2 else early} for i in range(4)] + [{"task_id": 9, "lu": late}]
        )
        assert store.last_updated == early
        assert newer.last_updated == late
        assert set(store.newer_in(newer)) == {0, 1, 9}
        assert set(store.newer_in(newer, exhaustive=True)) == {0, 1, 9}


def test_blobs(blobs: GridFSStore) -> None:
    big = "x" * 3_000_000
    rows = [{"blob_uuid": str(i), "data": big + str(i), "job_uuid": "j"} for i in range(3)]
    blobs.update(rows, additional_metadata=["job_uuid"])
    assert blobs.count() == 3
    assert blobs.query_one({"blob_uuid": "1"})["data"] == big + "1"  # type: ignore[index]
    assert {d["blob_uuid"] for d in blobs.query({"blob_uuid": {"$in": ["0", "2"]}})} == {"0", "2"}
    assert sorted(blobs.distinct("blob_uuid")) == ["0", "1", "2"]
    blobs.update([{"blob_uuid": "1", "data": "new"}])
    assert blobs.query_one({"blob_uuid": "1"})["data"] == "new"  # type: ignore[index]
    assert blobs.ensure_index("blob_uuid")
    assert {key["blob_uuid"] for key, _ in blobs.groupby("blob_uuid")} == {"0", "1", "2"}
    blobs.remove_docs({"blob_uuid": "0"})
    assert blobs.count() == 2
    assert blobs._chunks_collection.count_documents({}) == blobs._chunks_collection.count_documents(
        {"files_id": {"$in": [d["_id"] for d in blobs._files_collection.find()]}}
    )


@job(blobs="large")
def _produce(value: int) -> dict[str, Any]:
    return {"value": value, "large": "y" * value}


@job
def _add(first: int, second: int) -> int:
    return first + second


def test_jobflow_runs_on_both_stores(store: MongoStore, blobs: GridFSStore) -> None:
    jobs = JobStore(store, additional_stores={"blobs": blobs})
    one, two = _produce(400_000), _produce(5)
    total = _add(one.output["value"], two.output["value"])
    responses = run_locally(
        Flow([one, two, total]), store=jobs, log=False, ensure_success=True, root_dir=None
    )
    assert responses[total.uuid][1].output == 400_005
    assert jobs.get_output(total.uuid) == 400_005
    assert jobs.get_output(one.uuid, load=True)["large"] == "y" * 400_000
    assert "blob_uuid" in jobs.get_output(one.uuid)["large"]
    assert {d["uuid"] for d in jobs.query({"uuid": {"$in": [one.uuid, total.uuid]}})} == {
        one.uuid,
        total.uuid,
    }
    assert jobs.query_one({"uuid": two.uuid}, load=True)["output"]["large"] == "yyyyy"  # type: ignore[index]
    jobs.remove_docs({"uuid": one.uuid})
    assert jobs.count() == 2
