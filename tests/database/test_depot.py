"""Checkpoints in the database: there whole or not at all, the newest of each owner, never at the job's cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.courier import DRAIN_S, Courier, Parcel, interval_s
from flows.depot import FORGOTTEN, PIECE, Depot, NotCarried, keys_in
from flows.keys import job_uuid
from flows.leftovers import sweep_delivered

KILLED = """
import os, signal, sys
from pathlib import Path
from pymongo.collection import Collection
from flows.depot import Depot
from launchers.database import ladder
from launchers.farm import Farm

depot = Depot("work", Farm.open(ladder.running()).store.additional_stores["checkpoints"])
before = Collection.{call}

def killed(self, *arguments, **named):
    if self.name == "{collection}":
        os.kill(os.getpid(), signal.SIGKILL)
    return before(self, *arguments, **named)

Collection.{call} = killed
depot.put(Path(sys.argv[1]), "new", {{"belongs_to": "me", "rank": 2}})
"""


class Interrupted(BaseException):
    """What a drain raises."""


@pytest.fixture
def depot(farm, monkeypatch, tmp_path) -> Depot:
    monkeypatch.delenv("LATTICEFARM_CHECKPOINTS", raising=False)
    monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path / "home"))
    return Depot("work", farm.store.additional_stores["checkpoints"])


def file_of(directory: Path, name: str, size: int = 3 * PIECE + 17) -> Path:
    path = directory / name
    path.write_bytes(os.urandom(size))
    return path


def parcel(path: Path, rank: int | None = None, owner: str = "me") -> Parcel:
    return Parcel(path, path.name, {"belongs_to": owner}, rank)


def carry(courier: Courier, *parcels: Parcel) -> None:
    """As a job that is interrupted at once."""
    with pytest.raises(Interrupted):
        end_with(Interrupted(), courier, *parcels)


def end_with(error: BaseException, courier: Courier, *parcels: Parcel) -> None:
    with courier:
        for one in parcels:
            courier.offer(one)
        raise error


def counts(farm) -> tuple[int, int]:
    return tuple(farm.launchpad.db[f"checkpoints.{name}"].count_documents({}) for name in ("files", "chunks"))


def test_a_file_comes_back_as_it_was(depot, tmp_path):
    path = file_of(tmp_path, "a")
    stowed = depot.put(path, "start-0/a", {"belongs_to": "me"})
    assert depot.listed() == depot.listed("start-0/") == [stowed]
    assert depot.listed("start-1/") == []
    assert Depot("other work", depot._store).listed() == []
    assert depot.fetch(stowed, tmp_path / "new" / "b")
    assert (tmp_path / "new" / "b").read_bytes() == path.read_bytes()
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "b"]


def test_a_damaged_one_is_not_believed(depot, farm, tmp_path):
    stowed = depot.put(file_of(tmp_path, "a"), "a", {})
    chunk = {"files_id": stowed.id, "n": 1}
    farm.launchpad.db["checkpoints.chunks"].update_one(chunk, {"$set": {"data": b"\0" * PIECE}})
    assert not depot.fetch(stowed, tmp_path / "b")
    farm.launchpad.db["checkpoints.chunks"].delete_one(chunk)
    assert not depot.fetch(stowed, tmp_path / "b")
    depot.remove([stowed])
    assert not depot.fetch(stowed, tmp_path / "b")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(("call", "collection"), [("insert_many", "checkpoints.chunks"), ("insert_one", "checkpoints.files")])
def test_a_kill_while_it_is_written_leaves_the_one_before(depot, farm, tmp_path, home, call, collection):
    before = depot.put(file_of(tmp_path, "old"), "old", {"belongs_to": "me", "rank": 1})
    script = KILLED.format(call=call, collection=collection)
    environment = os.environ | {"LATTICEFARM_HOME": str(home)}
    command = [sys.executable, "-c", script, str(file_of(tmp_path, "new"))]
    assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL

    assert depot.listed() == [before]
    assert depot.fetch(before, tmp_path / "again")
    depot.clear()
    assert counts(farm) == (0, 0)


def test_the_first_upload_that_is_killed_is_swept_too(farm, tmp_path, home):
    script = KILLED.format(call="insert_one", collection="checkpoints.files")
    command = [sys.executable, "-c", script, str(file_of(tmp_path, "new"))]
    subprocess.run(command, env=os.environ | {"LATTICEFARM_HOME": str(home)})
    assert counts(farm) == (1, 4)
    assert keys_in(farm.store) == {"work"}
    farm.outputs.insert_one({"uuid": job_uuid("work"), "index": 1, "output": {}})
    sweep_delivered(farm.store)
    assert counts(farm) == (0, 0)


def test_the_newest_replaces_those_of_its_own(depot, tmp_path):
    courier = Courier(depot)
    carry(courier, parcel(file_of(tmp_path, "a"), 1), parcel(file_of(tmp_path, "b"), 2))
    assert [one.name for one in depot.listed()] == ["b"]  # the first was never carried
    carry(Courier(depot), parcel(file_of(tmp_path, "c"), 3), parcel(file_of(tmp_path, "chunk")))
    carry(Courier(depot), parcel(file_of(tmp_path, "d"), 1, "another build"))
    assert [one.name for one in depot.listed()] == ["c", "chunk", "d"]


def test_two_workers_on_one_work_never_remove_what_is_as_far(depot, tmp_path):
    """One was taken for dead and is not: both carry."""
    carry(Courier(depot), parcel(file_of(tmp_path, "fast"), 5))
    carry(Courier(depot), parcel(file_of(tmp_path, "slow"), 3))
    assert "fast" in [one.name for one in depot.listed()]
    carry(Courier(depot), parcel(file_of(tmp_path, "slow-5"), 5))
    assert [one.name for one in depot.listed()] == ["fast", "slow-5"]
    carry(Courier(depot), parcel(file_of(tmp_path, "fast-6"), 6))
    assert [one.name for one in depot.listed()] == ["fast-6"]


def test_what_is_delivered_is_swept_and_what_is_under_way_stays(depot, farm, tmp_path):
    under_way = Depot("under way", depot._store)
    for one in (depot, under_way):
        one.put(file_of(tmp_path, "a"), "a", {})
    (tmp_path / "home" / "checkpoints" / "work").mkdir(parents=True)
    sweep_delivered(farm.store)
    assert keys_in(farm.store) == {"work", "under way"}

    farm.outputs.insert_one({"uuid": job_uuid("work"), "index": 1, "output": {}})
    sweep_delivered(farm.store)
    assert keys_in(farm.store) == {"under way"}
    assert counts(farm) == (2, 4)
    assert not (tmp_path / "home" / "checkpoints" / "work").exists()


def test_what_nobody_asks_for_any_more_is_swept_with_age(depot, farm, tmp_path):
    depot.put(file_of(tmp_path, "a"), "a", {})
    long_ago = {"$set": {"uploadDate": datetime.now(UTC) - FORGOTTEN - timedelta(days=1)}}
    files = farm.launchpad.db["checkpoints.files"]
    files.update_one({"filename": "a"}, long_ago)
    sweep_delivered(farm.store)
    assert len(depot.listed()) == 1  # the work is old, and alive
    files.update_many({}, long_ago)
    sweep_delivered(farm.store)
    assert counts(farm) == (0, 0)


def test_it_is_carried_at_an_interval(depot, tmp_path):
    with Courier(depot, 0.1) as courier:
        courier.offer(parcel(file_of(tmp_path, "a"), 1))
        wait_for(lambda: depot.listed())
        courier.offer(parcel(file_of(tmp_path, "b"), 2))
        wait_for(lambda: [one.name for one in depot.listed()] == ["b"])
        courier.offer(parcel(tmp_path / "gone", 3))
        wait_for(lambda: not courier._parcels)
    assert [one.name for one in depot.listed()] == ["b"]


def test_a_job_that_ends_has_nothing_carried(depot, tmp_path):
    with Courier(depot) as courier:
        courier.offer(parcel(file_of(tmp_path, "a"), 1))
    with pytest.raises(ValueError, match="its science"):
        end_with(ValueError("its science"), Courier(depot), parcel(file_of(tmp_path, "a"), 1))
    with pytest.raises(NotCarried):
        depot.put(tmp_path / "a", "a", {}, lambda: False)
    assert depot.listed() == []


def test_a_database_that_is_away_costs_an_upload_and_no_more(depot, tmp_path, capsys):
    from maggma.stores import GridFSStore

    away = {"serverSelectionTimeoutMS": 200, "connect": False}
    nowhere = GridFSStore(uri="mongodb://127.0.0.1:1", database="d", collection_name="c", mongoclient_kwargs=away)
    nowhere.connect()
    began = time.monotonic()
    with Courier(Depot("work", nowhere), 0.05) as courier:
        courier.offer(parcel(file_of(tmp_path, "a"), 1))
        told = ""
        while "is not in the database" not in (told := told + capsys.readouterr().out):
            assert time.monotonic() - began < 30
        courier.depot = depot  # it is back
        wait_for(lambda: depot.listed())
    began = time.monotonic()
    carry(Courier(Depot("work", nowhere)), parcel(tmp_path / "a", 1))
    assert time.monotonic() - began < DRAIN_S


def test_a_drain_does_not_wait_for_a_slow_database(depot, tmp_path, monkeypatch):
    put, ended = depot._store._collection.put, []

    def slow(data, **named):
        time.sleep(DRAIN_S + 0.5)
        try:
            return put(data, **named)
        finally:
            ended.append(named["_id"])

    monkeypatch.setattr(depot._store._collection, "put", slow)
    began = time.monotonic()
    carry(Courier(depot), parcel(file_of(tmp_path, "a"), 1))
    assert time.monotonic() - began < DRAIN_S + 0.4
    wait_for(lambda: ended)
    assert depot.listed() == []  # given up, not left half


def test_the_interval(monkeypatch, capsys, depot, tmp_path):
    monkeypatch.delenv("LATTICEFARM_CHECKPOINT_INTERVAL_S", raising=False)
    assert interval_s() == 300
    monkeypatch.setenv("LATTICEFARM_CHECKPOINT_INTERVAL_S", "20.5")
    assert interval_s() == 20.5
    monkeypatch.setenv("LATTICEFARM_CHECKPOINT_INTERVAL_S", "soon")
    assert interval_s() == 300
    assert "'soon'" in capsys.readouterr().out
    monkeypatch.setenv("LATTICEFARM_CHECKPOINT_INTERVAL_S", "0")
    carry(Courier(depot, interval_s()), parcel(file_of(tmp_path, "a"), 1))
    assert depot.listed() == []


def wait_for(what, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
