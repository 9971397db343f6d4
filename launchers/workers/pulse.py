"""The threads that beat: a node's for its slots, a worker's for itself. A database that is away ends neither."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread, main_thread
from typing import Any

import pymongo
from pymongo.errors import DuplicateKeyError

from launchers.farm import Farm, server_time
from launchers.machines.owner import Owners
from launchers.machines.scheduler import here
from launchers.queue.locks import patient_locks
from launchers.queue.processes import ProcessName
from launchers.workers.gone import GoneAllocations
from launchers.workers.heartbeats import BEAT_S, CALL_S, SlotBeat, beat_for
from launchers.workers.rescue import Reaper

LOOK_S = 10.0  # between two looks of a node at what is lost
LOOK_CALL_S = 60.0
FORGET_S = 1200.0
AGAIN_S = 3.0
TOLD = signal.SIGURG  # ignored by whoever does not listen, and sent by no scheduler


@contextmanager
def beating(slot: SlotBeat, has_news: Callable[[], bool] = bool) -> Iterator[None]:
    """Within it, this slot is heard of, and its process is sent `TOLD` when it has lost the launch that it has in hand, or
    `has_news`."""
    over = Event()
    thread = Thread(target=_beat, args=(slot, over, has_news), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
    try:
        with pymongo.timeout(CALL_S):
            slot.leave()
    except pymongo.errors.PyMongoError:
        pass  # it falls silent


def _beat(slot: SlotBeat, over: Event, has_news: Callable[[], bool]) -> None:
    while not over.wait(BEAT_S * random.uniform(0.9, 1.0)):  # not all slots at once
        try:
            slot.beat()
        except Exception as error:  # whatever it is: a slot that does not beat is taken for dead
            print(f"no heartbeat ({type(error).__name__})", flush=True)
        if has_news() or (slot.lost is not None and slot.lost == slot.launch_id):
            signal.pthread_kill(main_thread().ident or 0, TOLD)


def first_of_all(farm: Farm) -> bool:
    """Whether this process is the one that looks at the whole queue: one of the farm, and the next one where it is gone."""
    leases, mine, now = farm.leases, str(ProcessName.mine()), server_time(farm)
    until = now + timedelta(seconds=4 * LOOK_S)
    held = leases.find_one({"_id": "rescue"}) or {}
    holder = ProcessName.parse(held.get("by") or "")
    gone = holder is not None and holder.is_here() and not holder.lives()
    free = {"_id": "rescue", "$or": [{"by": {"$in": [mine, held.get("by") if gone else None]}}, {"until": {"$lt": now}}]}
    try:
        return leases.update_one(free, {"$set": {"by": mine, "until": until}}, upsert=True).acknowledged
    except DuplicateKeyError:
        return False


@dataclass
class NodePulse:
    """Beats for the slots of a node, puts back what is lost, and delivers what the dead of this host left."""

    pids: Callable[[], list[int]]
    patience_s: float
    owners: Owners = field(default_factory=Owners)
    _over: Event = field(default_factory=Event)
    _thread: Thread | None = None
    _work: tuple[Farm, Reaper] | None = None
    _said: float = -60.0
    _forgot: float = 0.0

    def start(self) -> None:
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def _run(self) -> None:
        with patient_locks(self.patience_s):
            pause = 1.0
            while not self._over.wait(pause):
                pause = min(BEAT_S, LOOK_S) * random.uniform(0.9, 1.0)
                try:
                    self.once()
                except Exception as error:  # whatever it is: the next time may be better
                    self._say(error)
                    pause = AGAIN_S

    def once(self) -> None:
        """Beat, and look."""
        from launchers.database.ladder import DatabaseError

        try:
            farm, reaper = self._opened()
        except DatabaseError:
            return  # there is none (yet)
        place = here()
        beat_for(farm, self.pids, None if place is None else self.owners.mine(place.scheduler))
        with pymongo.timeout(LOOK_CALL_S):
            reaper.reap_of_slots()
            if first_of_all(farm):
                reaper.reap()
            self._forget(farm, reaper)

    def _forget(self, farm: Farm, reaper: Reaper) -> None:
        if time.monotonic() - self._forgot > FORGET_S:
            self._forgot = time.monotonic()
            running = farm.launchpad.launches.find({"state": "RUNNING"}, {"fworker.name": 1})
            reaper.listener.forget({(one.get("fworker") or {}).get("name", "") for one in running})

    def _opened(self) -> tuple[Farm, Reaper]:
        if self._work is None:
            from launchers.database import ladder
            from launchers.workers.deliveries import Leftovers
            from launchers.workers.spool import Spool

            found = ladder.running()
            store = found.job_store()
            store.connect()
            farm = Farm(found.launchpad(), store)
            leftovers = Leftovers(farm, Spool.of(farm.identity))
            self._work = farm, Reaper(farm, self.patience_s, None, GoneAllocations(farm, self.owners), leftovers.deliver)
        return self._work

    def _say(self, error: Any) -> None:
        if time.monotonic() - self._said > 60:
            self._said = time.monotonic()
            print(f"no heartbeat of this node's slots ({type(error).__name__}); trying again", flush=True)
