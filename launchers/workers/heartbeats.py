"""Heartbeats: which slots there are, what each has in hand, and whether it is still heard of.

One document for each slot, under the name of its process, which is also the FireWorker's name of each of its launches.
The node beats for all its slots at once; a worker that has no node beats for itself. All times are the database's: the
clock of a host may be wrong.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo

from launchers.farm import Farm, server_time
from launchers.machines.hardware import DEVICE_VARIABLES, oom_kills
from launchers.machines.owner import OwnedJob, Owner
from launchers.machines.scheduler import here as place
from launchers.queue.endings import as_time
from launchers.queue.processes import Processes, ProcessName, host_name
from launchers.queue.resources import UNASKED, Offer

BEAT_S = 15.0
UNHEARD_S = 45.0  # three beats: from now on it is watched, and its scheduler is asked whether its allocation is gone
SILENT_S = 120.0  # from now on its work is lost
WATCH_S = 30.0  # for which whoever says so must have watched: when a database comes back, nobody was heard for minutes
FORGOTTEN_S = 3600.0
CALL_S = 10.0  # for one beat; a connection that hangs must not cost the next

NODE_VARIABLE = "LATTICEFARM_NODE"  # the process that beats for this one
SLOT_VARIABLE = "LATTICEFARM_SLOT"

AllocationsGone = Callable[[set[OwnedJob]], set[OwnedJob]]
"""Those of these allocations of which their scheduler says that they run no more; none where it does not answer."""


@dataclass
class SlotBeat:
    """The heartbeat of the slot that this process is."""

    farm: Farm
    name: ProcessName
    deadline: float | None = None
    offer: Offer = UNASKED
    fw_id: int | None = None
    launch_id: int | None = None
    lost: int | None = None  # a launch that somebody else put back meanwhile

    @property
    def node(self) -> str:
        """The node that beats for this slot; empty where it does so itself."""
        number = os.environ.get(NODE_VARIABLE, "")
        return number if number == str(os.getppid()) else ""

    def appear(self) -> None:
        """Say that this slot is there, with nothing in hand."""
        self._write({"$unset": dict.fromkeys(("fw_id", "launch_id", "key", "began"), "")})

    def begins(self, fw_id: int, launch_id: int) -> None:
        """Say what it has in hand."""
        self.fw_id, self.launch_id, self.lost = fw_id, launch_id, None
        workflow = self.farm.launchpad.workflows.find_one({"nodes": fw_id}, {"metadata.key": 1}) or {}
        key = (workflow.get("metadata") or {}).get("key", "")
        held = {"fw_id": fw_id, "launch_id": launch_id, "key": key, "last_launch": launch_id}
        self._write({"$set": held}, "began")

    def ends(self) -> None:
        """Say that it has nothing in hand any more."""
        if self.launch_id is not None:
            self.fw_id = self.launch_id = self.lost = None
            self.appear()

    def leave(self) -> None:
        """Say that it is no more; what it still has in hand stays, for who puts it back."""
        self.farm.heartbeats.delete_one({"_id": str(self.name), "launch_id": {"$exists": False}})

    def beat(self) -> None:
        """Say that it lives, unless its node does, and see whether what it has in hand is still its own."""
        with pymongo.timeout(CALL_S):
            if not self.node:
                told = {"$currentDate": {"beat": True}, "$set": {"oom_kills": oom_kills()}}
                self.farm.heartbeats.update_one({"_id": str(self.name)}, told)
            fw_id, launch_id = self.fw_id, self.launch_id
            if launch_id is not None and not holds(self.farm, fw_id, launch_id):
                self.lost = launch_id

    def _write(self, change: dict[str, Any], *now: str) -> None:
        told = {**change, "$currentDate": dict.fromkeys(("beat", *now), True)}
        told["$set"] = {**self._facts(), **change.get("$set", {})}
        self.farm.heartbeats.update_one({"_id": str(self.name)}, told, upsert=True)

    def _facts(self) -> dict[str, Any]:
        processes, allocation = Processes.mine(), place()
        return {
            "host": self.name.host,
            "pid": self.name.pid,
            "started": self.name.started,
            "boot": processes.boot,
            "namespace": processes.namespace,
            "node": _node_name(self.name.host, self.node),
            "slot": int(os.environ.get(SLOT_VARIABLE) or 0),
            "gpu": next((one for name in DEVICE_VARIABLES if (one := os.environ.get(name))), ""),
            "scheduler": allocation.scheduler if allocation else "",
            "allocation": allocation.job_id if allocation else "",
            **self._has(),
            "oom_kills": oom_kills(),
            "deadline": None if self.deadline is None else datetime.fromtimestamp(self.deadline, UTC),
        }

    def _has(self) -> dict[str, Any]:
        if self.offer.memory_GB is None:
            return {}
        return {"cores": self.offer.cores, "memory_GB": self.offer.memory_GB, "class": self.offer.allocation, "own": self.offer.own}


def holds(farm: Farm, fw_id: int | None, launch_id: int) -> bool:
    """Whether a firework is still run by this launch: else somebody has put it back, or taken it out of the queue."""
    return farm.launchpad.fireworks.find_one({"fw_id": fw_id, "launches": launch_id}, {"_id": 1}) is not None


def beat_for(farm: Farm, pids: Callable[[], Iterable[int]], owner: Owner | None = None) -> None:
    """One write with which this process, a node, says that its slots of these numbers live, and whose their allocation is."""
    killed = oom_kills()  # before it asks who lives: who was killed since is none of these, and that kill is not among them
    mine = {"node": _node_name(host_name(), str(os.getpid())), "pid": {"$in": list(pids())}}
    whose = {} if owner is None else {"cluster": owner.cluster, "user": owner.user}
    with pymongo.timeout(CALL_S):
        farm.heartbeats.update_many(mine, {"$currentDate": {"beat": True}, "$set": {"oom_kills": killed, **whose}})


def _node_name(host: str, number: str) -> str:
    processes = Processes.mine()
    return f"{host}:{number}:{processes.boot}:{processes.namespace}" if number else ""


@dataclass(frozen=True)
class Beat:
    """The heartbeat of a slot, as another process sees it."""

    document: dict[str, Any]
    silent: bool = False
    gone: bool = False

    @property
    def here(self) -> bool:
        """Whether this machine can say if its process lives."""
        seen = self.document["host"], self.document["boot"], self.document["namespace"]
        return seen == (host_name(), *Processes.mine())

    @property
    def out_of_memory(self) -> bool:
        """Whether its machine, this one, has killed for want of memory since it last lived."""
        return self.here and oom_kills() > self.document.get("oom_kills", sys.maxsize)

    def left(self, launch_id: int) -> bool:
        """Whether its process has gone on to something else, and left this launch behind."""
        last = self.document.get("last_launch", -1)
        return launch_id < last or (launch_id == last and "launch_id" not in self.document)


@dataclass
class Listener:
    """Hears which slots are silent: by the clock of the database, and by having watched them for a while itself.

    Only slots of this host, and those not heard of for a while, are read: of a thousand that live almost none is.
    """

    farm: Farm
    allocations_gone: AllocationsGone | None = None
    silent_s: float = SILENT_S
    watch_s: float = WATCH_S
    _unheard: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    _looked: float = 0.0

    def beats(self) -> dict[str, Beat]:
        """The heartbeats of this host's slots, and of those that are not heard, by the names of their processes."""
        now = server_time(self.farm)
        unheard = {"beat": {"$lt": now - timedelta(seconds=min(UNHEARD_S, self.silent_s))}}
        documents = {one["_id"]: one for one in self.farm.heartbeats.find(unheard)}
        watched = self._watch(documents)
        silent = {
            name: (now - _beaten(one)).total_seconds() >= self.silent_s and watched[name] >= self.watch_s for name, one in documents.items()
        }
        gone = self._gone(one for name, one in documents.items() if "launch_id" in one and not silent[name])
        found = {name: Beat(one, silent[name], _allocation(one) in gone) for name, one in documents.items()}
        for document in self.farm.heartbeats.find({"host": host_name()}):
            found.setdefault(document["_id"], Beat(document))
        return found

    def forget(self, in_use: Iterable[str]) -> None:
        """Remove the heartbeats of slots that have long been silent, but for those whose launches wait for a rescue."""
        old = server_time(self.farm) - timedelta(seconds=FORGOTTEN_S)
        self.farm.heartbeats.delete_many({"beat": {"$lt": old}, "_id": {"$nin": list(in_use)}})

    def _watch(self, unheard: dict[str, dict[str, Any]]) -> dict[str, float]:
        """For how long each of these was watched, and gave no sign. A pause in the watch begins it anew."""
        moment = time.monotonic()
        before = self._unheard if moment - self._looked <= max(WATCH_S, self.watch_s) else {}
        self._looked, self._unheard = moment, {}
        for name, document in unheard.items():
            beaten, since = before.get(name, (None, moment))
            self._unheard[name] = (document["beat"], since if beaten == document["beat"] else moment)
        return {name: moment - since for name, (_, since) in self._unheard.items()}

    def _gone(self, documents: Iterable[dict[str, Any]]) -> set[OwnedJob]:
        asked = {one for document in documents if (one := _allocation(document)) is not None}
        if self.allocations_gone is None or not asked:
            return set()
        try:
            return self.allocations_gone(asked)
        except Exception as error:  # whatever it is: a scheduler that does not answer says nothing
            print(f"the scheduler does not answer: {error}", flush=True)
            return set()


def _beaten(document: dict[str, Any]) -> datetime:
    found = as_time(document["beat"])
    assert found is not None
    return found


def _allocation(document: dict[str, Any]) -> OwnedJob | None:
    """None also where it is not known whose it is: it is judged by its silence alone."""
    if not document["allocation"] or not document.get("cluster"):
        return None
    return OwnedJob(Owner(document["scheduler"], document["cluster"], document["user"]), document["allocation"])
