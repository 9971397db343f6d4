"""How finished work reaches the database: patiently, kept on disk meanwhile, and once.

jobflow writes a record through its job store, inside the running job, and FireWorks the end of the launch through its
LaunchPad; a worker hands them a store and a LaunchPad of its own. Both wait for a database that is away: a worker can do
nothing else without it. A record that is made from its key (its uuid is of version 5) is stored once: the first stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from fireworks import FWAction, LaunchPad
from jobflow import JobStore
from maggma.stores import MemoryStore
from pymongo.errors import DuplicateKeyError

from launchers.farm import Farm, server_time
from launchers.queue.endings import is_away
from launchers.queue.patience import DATABASE_AWAY
from launchers.queue.processes import Processes, ProcessName
from launchers.queue.walltime import Stopwatch
from launchers.workers.heartbeats import SILENT_S, SlotBeat, holds
from launchers.workers.spool import Kept, Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
PAUSE_S = 1.0


class PatientStore(JobStore):
    """The job store of a worker: what it reads and writes waits for the database, and what it writes waits on disk."""

    def __init__(self, store: Any, spool: Spool, slot: SlotBeat) -> None:
        super().__init__(store.docs_store, store.additional_stores, save=store.save, load=store.load)
        self._spool, self._slot = spool, slot

    def query(self, *arguments: Any, **more: Any) -> Iterator[dict[str, Any]]:
        yield from waiting(lambda: list(super(PatientStore, self).query(*arguments, **more)))

    def count(self, *arguments: Any, **more: Any) -> int:
        return waiting(lambda: super(PatientStore, self).count(*arguments, **more))

    def update(self, docs: Any, key: Any = None, save: Any = None) -> None:
        documents, blobs = _split(self, docs, key, save)
        parcel = {"records": documents, "blobs": blobs, "launch_id": self._slot.launch_id}
        with self._spool.holding(parcel) as kept:
            waiting(lambda: store_records(self, documents, blobs), kept)


class WorkersLaunchPad(LaunchPad):
    """The LaunchPad of a worker: it says what the slot has in hand, and ends no launch that is its own no more."""

    def __init__(self, farm: Farm, spool: Spool, slot: SlotBeat, stopwatch: Stopwatch) -> None:
        self.__dict__.update(farm.launchpad.__dict__)
        self._farm, self._spool, self._slot, self._stopwatch = farm, spool, slot, stopwatch

    def checkout_fw(self, *arguments: Any, **more: Any) -> Any:
        firework, launch_id = super().checkout_fw(*arguments, **more)
        if firework is not None:
            waiting(lambda: self._slot.begins(firework.fw_id, launch_id))
            self._stopwatch.begin(firework.spec)
        return firework, launch_id

    def ping_launch(self, *arguments: Any, **more: Any) -> None:
        """FireWorks' sign of life. Its thread dies of an error, and a job as well: the slot has a heartbeat besides."""
        with suppress(*DATABASE_AWAY):
            super().ping_launch(*arguments, **more)

    def restore_backup_data(self, launch_id: int, fw_id: int) -> None:
        """What FireWorks does when it could not end a launch: not where somebody else has the work by now."""
        if waiting(lambda: holds(self._farm, fw_id, launch_id)):
            super().restore_backup_data(launch_id, fw_id)

    def complete_launch(self, launch_id: int, action: Any = None, state: str = "COMPLETED") -> Any:
        self._stopwatch.end(state == "COMPLETED")
        told = {"launch_id": launch_id, "action": (action or FWAction()).to_dict(), "state": state}
        with self._spool.holding(told) as kept:
            return waiting(lambda: self._complete(launch_id, action, state), kept)

    def _complete(self, launch_id: int, action: Any, state: str) -> Any:
        if is_own(self._farm, launch_id):
            return super().complete_launch(launch_id, action, state)
        print(f"launch {launch_id} was put back meanwhile: how it ended is dropped", flush=True)
        return None


def waiting(action: Callable[[], T], kept: Kept | None = None) -> T:
    """What `action`, which must bear to be begun again, returns, however long the database is away."""
    while True:
        try:
            return action()
        except (*DATABASE_AWAY, RuntimeError) as error:
            if not is_away(error):
                raise
        if kept is not None:
            kept.now()
        sleep(PAUSE_S)


def is_own(farm: Farm, launch_id: int) -> bool:
    """Whether nobody has put back what this launch runs."""
    launch = farm.launchpad.launches.find_one({"launch_id": launch_id}, {"ended": 1, "fw_id": 1})
    return launch is not None and "ended" not in launch and holds(farm, launch["fw_id"], launch_id)


class _Taken(MemoryStore):
    """Takes what jobflow would write."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[dict[str, Any]] = []

    def update(self, docs: Any, key: Any = None) -> None:  # noqa: ARG002 - maggma's signature
        self.taken += docs


def _split(store: Any, docs: Any, key: Any, save: Any) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The documents, and the blobs of each additional store, as jobflow makes them of what a job returns."""
    records, others = _Taken(), {name: _Taken() for name in store.additional_stores}
    JobStore(records, dict(others), save=store.save, load=store.load).update(docs, key=key, save=save)
    return records.taken, {name: one.taken for name, one in others.items()}


def store_records(store: Any, documents: Sequence[dict[str, Any]], blobs: dict[str, list[dict[str, Any]]]) -> None:
    """Store these records, the files of each before the record that names them. Begun again, it changes nothing."""
    for document in documents:
        place = {name: document[name] for name in ("uuid", "index")}
        own = {
            name: [one for one in every if (one["job_uuid"], one["job_index"]) == tuple(place.values())]
            for name, every in blobs.items()
        }
        if not _is_made_of_its_key(document["uuid"]):
            _store_blobs(store, own)
            store.docs_store.update([document], key=["uuid", "index"])
        elif not _insert(store, document, place, own):
            _remove_blobs(store, own, place)


def _insert(store: Any, document: dict[str, Any], place: dict[str, Any], blobs: dict[str, list[dict[str, Any]]]) -> bool:
    records = store.docs_store._collection
    if records.find_one(place, {"_id": 1}) is not None:
        return False
    _store_blobs(store, blobs)
    try:
        records.insert_one(dict(document))
    except DuplicateKeyError:
        return False
    return True


def _store_blobs(store: Any, blobs: dict[str, list[dict[str, Any]]]) -> None:
    for name, every in blobs.items():
        if every:
            store.additional_stores[name].update(every, key="blob_uuid")


def _remove_blobs(store: Any, blobs: dict[str, list[dict[str, Any]]], place: dict[str, Any]) -> None:
    """Those of a record that was not needed, if they were stored; not where it was stored by an attempt of before."""
    stored = store.docs_store._collection.find_one(place) or {}
    for name, every in blobs.items():
        unused = [one["blob_uuid"] for one in every if one["blob_uuid"] not in str(stored)]
        if unused:
            store.additional_stores[name].remove_docs({"blob_uuid": {"$in": unused}})


def _is_made_of_its_key(uuid: str) -> bool:
    try:
        return UUID(uuid).version == 5
    except ValueError:
        return False


@dataclass(frozen=True)
class Leftovers:
    """Delivers what dead processes of this host could not."""

    farm: Farm
    spool: Spool

    def deliver(self) -> int:
        """Deliver all of it; return how many files there were. Begun again, it changes nothing."""
        done = 0
        for path, content in self.spool.contents():
            if self._is_of_the_living(content):
                continue
            if "records" in content:
                store_records(self.farm.store, content["records"], content["blobs"])
                self._mark(content)
            else:
                self._end(content)
            path.unlink(missing_ok=True)
            done += 1
        return done

    def _is_of_the_living(self, content: dict[str, Any]) -> bool:
        """Who lives delivers it itself. Of another host, which shares the folder, its heartbeat says so."""
        process = ProcessName.parse(content["writer"])
        if (content["boot"], content["namespace"]) == tuple(Processes.mine()):
            return process is not None and process.lives()
        heard = {"_id": content["writer"], "beat": {"$gte": server_time(self.farm) - timedelta(seconds=SILENT_S)}}
        return self.farm.heartbeats.find_one(heard, {"_id": 1}) is not None

    def _mark(self, content: dict[str, Any]) -> None:
        """Its launch can be put back at once, and run again: a job whose record exists returns it."""
        mine = {"launch_id": content["launch_id"], "fworker.name": content["writer"], "state": "RUNNING"}
        self.farm.launchpad.launches.update_one({**mine, "ended": {"$exists": False}}, {"$set": {"delivered": True}})

    def _end(self, content: dict[str, Any]) -> None:
        mine = {"launch_id": content["launch_id"], "fworker.name": content["writer"], "state": "RUNNING"}
        if self.farm.launchpad.launches.find_one(mine, {"_id": 1}) and is_own(self.farm, content["launch_id"]):
            self.farm.launchpad.complete_launch(content["launch_id"], FWAction.from_dict(content["action"]), content["state"])

