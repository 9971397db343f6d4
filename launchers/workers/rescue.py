"""Rescue: work that a dead process, host or database, or a drain, left behind goes back into the queue.

A minimal reaper: in each worker between two jobs, and in each node all the time. Processes of its own machine it looks at
itself; those of others are dead when their slot is silent (`launchers.workers.heartbeats`). It looks only at what is in hand (RUNNING, RESERVED, locked) and at FIZZLED fireworks, never
at the whole queue. Running again is safe: a job whose record exists returns it. A job that ended by trouble of its
own (it took its process with it, found no space or no memory) rests before it is tried again, longer each time, and
in the end it has failed. What follows which ending is data: `launchers.queue.retries`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from launchers.farm import Farm
from launchers.queue.endings import (
    AWAY,
    CALCULATION,
    DELIVERED,
    DRAINED,
    GONE,
    HOST_GONE,
    KILLED,
    LEFT,
    NO_WORD,
    OOM_KILLED,
    RESTS_UNTIL,
    SILENT,
    Ending,
    attempts,
    ending_of,
    exception_of,
    failure,
    judged,
    kept,
    last_line,
    shortened,
)
from launchers.queue.locks import finish, rerun
from launchers.queue.processes import ProcessName, host_name, is_left
from launchers.queue.resources import NEEDS
from launchers.queue.retries import RETRY, may_go_on, rule
from launchers.workers.heartbeats import AllocationsGone, Beat, Listener
from launchers.workers.more import more_of

DRAIN_NOTE = "drained"  # in the run directory of a worker that was asked to stop, should it not be able to say so
NOTHING: Mapping[str, float] = MappingProxyType({})
_LAUNCH = dict.fromkeys(
    ("state", "host", "fworker.name", "launch_id", "launch_dir", "state_history", "action.stored_data._exception", "ended", "delivered"), 1
) | {"action.gridfs_id": 1}
_FIREWORK = dict.fromkeys(("fw_id", "state", "launches", "archived_launches", "updated_on", "spec._exception_details", f"spec.{RETRY}"), 1)


class Lost(NamedTuple):
    """A firework to put back; the launch that ended, and how, where there was one."""

    fw_id: int
    launch: dict[str, Any] | None = None
    ending: Ending = NO_WORD


@dataclass
class Reaper:
    """Looks again and again; what is only slow is told from what is dead by looking twice, `patience_s` apart.

    `worker` is the process that calls it between two jobs: what runs in its name then, runs no more. `first` is called
    before it looks: work of the dead that waits on this host's disk is to be delivered, not to be computed again.
    """

    farm: Farm
    patience_s: float = 30.0
    worker: ProcessName | None = None
    allocations_gone: AllocationsGone | None = None
    first: Callable[[], object] = lambda: None
    locked: set[int] = field(default_factory=set)  # when it last looked: what is there may be lost, and is not put back yet
    _seen: dict[tuple[str, Any], float] = field(default_factory=dict)
    _beats: dict[str, Beat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listener = Listener(self.farm, self.allocations_gone)

    def reap(self) -> list[int]:
        """Put lost work back; return the numbers of the fireworks that were rescued (not of those given up)."""
        self.first()
        self._beats = self.listener.beats()
        self.locked = locked = self._unlock()
        running, ended = self._in_state("RUNNING"), self._in_state("FIZZLED")
        lost = [*self._running(running, locked), *self._reserved(), *self._machine_trouble(ended)]
        return [one.fw_id for one in lost if one.fw_id not in locked and self._settle(one)]

    def reap_of_slots(self) -> list[int]:
        """The same for the work of this host's slots and of those that are silent alone: its cost does not grow with the farm."""
        self.first()
        self._beats = self.listener.beats()
        names = [name for name, beat in self._beats.items() if beat.here or beat.silent or beat.gone]
        fireworks = self._of_workers([*names, str(self.worker)])
        locked = self._locked(one["fw_id"] for one in fireworks)
        free = [one for one in fireworks if one["fw_id"] not in locked]
        running, ended = ([one for one in free if one["state"] == state] for state in ("RUNNING", "FIZZLED"))
        return [one.fw_id for one in [*self._running(running, locked), *self._machine_trouble(ended)] if self._settle(one)]

    def _of_workers(self, names: list[str]) -> list[dict[str, Any]]:
        """The fireworks that these workers run, or that ended in their hands by whatever it was."""
        launches = {"fworker.name": {"$in": names}, "state": {"$in": ["RUNNING", "FIZZLED"]}}
        numbers = {one["fw_id"] for one in self.farm.launchpad.launches.find(launches, {"fw_id": 1})}
        found = self.farm.find(self.farm.launchpad.fireworks, "fw_id", numbers, _FIREWORK)
        return [one for one in found if one["state"] in ("RUNNING", "FIZZLED")]

    def _locked(self, fw_ids: Iterable[int]) -> set[int]:
        """Those whose workflow is locked: to touch them now would mean to wait for the lock."""
        found = self.farm.find(self.farm.launchpad.workflows, "nodes", fw_ids, {"locked": 1, "nodes": 1})
        return {node for workflow in found if "locked" in workflow for node in workflow["nodes"]}

    def _settle(self, lost: Lost) -> bool:
        """Put it back or give it up; True if it was put back.

        How the launch ended is kept first, so a kill at any line counts it once; of two reapers the first goes on.
        """
        if lost.launch is None:
            return self._put_back(lost.fw_id, None)
        number = lost.launch["launch_id"]
        earlier = self._launches(self._firework(lost.fw_id), archived=True)
        ending = judged(lost.ending, (one for one in earlier if one["launch_id"] != number))
        more, words = more_of(self.farm, lost.fw_id, lost.launch, ending)
        ending = replace(ending, words=f"{ending.words}{words}")
        first = self.farm.launchpad.launches.update_one(
            {"launch_id": number, "ended": {"$exists": False}}, {"$set": {"ended": kept(ending)}}
        )
        if not first.modified_count and not self._lasts("settled", number):
            return False
        tries = attempts(self._launches(self._firework(lost.fw_id), archived=True))
        own = sum(one.own for one in tries)
        if not ending.own:
            return self._put_back(lost.fw_id, number, more=more)
        if own < rule(ending.kind).attempts:
            return self._put_back(lost.fw_id, number, rest_s=self.rest_s(own), more=more)
        self._give_up(lost, failure(self._stage(lost.fw_id), tries, ending), [vars(one) for one in tries])
        return False

    def rest_s(self, own: int) -> float:
        """How long a job rests after so many attempts of its own."""
        return self.patience_s * 4 ** (own - 1)

    def _put_back(self, fw_id: int, launch_id: int | None, rest_s: float = 0.0, more: Mapping[str, float] = NOTHING) -> bool:
        """`more` is what it needs from now on."""
        change: dict[str, Any] = {"$set": {f"spec.{NEEDS}.{name}": value for name, value in more.items()}}
        if rest_s:
            change["$set"][f"spec.{RESTS_UNTIL}"] = time.time() + rest_s
        else:
            change["$unset"] = {f"spec.{RESTS_UNTIL}": ""}
        self.farm.launchpad.fireworks.update_one({"fw_id": fw_id}, {name: value for name, value in change.items() if value})
        return rerun(self.farm.launchpad, fw_id, launch_id, self.patience_s)

    def _give_up(self, lost: Lost, why: dict[str, Any], tries: list[dict[str, Any]]) -> None:
        from fireworks import FWAction

        assert lost.launch is not None
        told = {"_stacktrace": f"{why['kind']}: {why['message']}", "_details": {"failure": why, "attempts": tries}}
        stored = {"_message": "given up", "_task": None, "_exception": told}
        self.farm.launchpad.complete_launch(lost.launch["launch_id"], FWAction(stored_data=stored, exit=True), "FIZZLED")

    def _stage(self, fw_id: int) -> str:
        workflow = self.farm.launchpad.workflows.find_one({"nodes": fw_id}, {"metadata.stage": 1}) or {}
        return (workflow.get("metadata") or {}).get("stage", "?")

    def _lasts(self, what: str, which: Any) -> bool:
        """Whether `which` has been seen like this for longer than the patience."""
        first = self._seen.setdefault((what, which), time.monotonic())
        return time.monotonic() - first >= self.patience_s

    def unlock(self, tell: Callable[[str], object], gone: str | None = None) -> None:
        """Wait until what is locked is free, no longer than the patience: then what has not changed is unlocked."""
        end = time.monotonic() + self.patience_s + 1
        if self._unlock(gone):
            tell(f"waiting for locks in the queue, {self.patience_s:.0f} s at most: a process may have died there")
        while self._unlock(gone) and time.monotonic() < end:
            time.sleep(0.1)

    def _unlock(self, gone: str | None = None) -> set[int]:
        """A lock is held for milliseconds; one that stays, on an unchanged workflow, is of a dead process.

        So are those that say so, and those of a host that is `gone`.
        Returns the nodes that are still locked: to touch them now would mean to wait for the lock.
        """
        held: set[int] = set()
        workflows = self.farm.launchpad.workflows
        fields = {"nodes": 1, "updated_on": 1, "locked": 1}
        for workflow in list(workflows.find({"locked": {"$exists": True}}, fields)):
            same = {"_id": workflow["_id"], "locked": workflow["locked"], "updated_on": workflow["updated_on"]}
            if not is_left(workflow["locked"], gone) and not self._lasts("locked", (workflow["nodes"][0], str(same))):
                held.update(workflow["nodes"])
            elif workflows.update_one(same, {"$unset": {"locked": True}}).modified_count:
                finish(self.farm.launchpad, workflow["nodes"])
        return held

    def _running(self, fireworks: list[dict[str, Any]], locked: set[int]) -> Iterator[Lost]:
        of_each = self._launches_of(fireworks)
        for firework in fireworks:
            launches = of_each[firework["fw_id"]]
            running = [launch for launch in launches if launch["state"] == "RUNNING"]
            if any(launch["state"] in ("COMPLETED", "FIZZLED") for launch in launches):
                # killed between the launch's end and the workflow's: nothing is to be run again
                if firework["fw_id"] not in locked and self._lasts("ended", firework["fw_id"]):
                    self.farm.launchpad._refresh_wf(firework["fw_id"])
            elif running and all(endings := [self._end_of(launch) for launch in running]):
                yield Lost(firework["fw_id"], running[-1], endings[-1] or NO_WORD)
            elif not running and self._lasts("running", firework["fw_id"]):
                yield Lost(firework["fw_id"])

    def _reserved(self) -> Iterator[Lost]:
        """A checkout sets RESERVED before its launch exists; a reservation by `qlaunch` has one."""
        for firework in self._in_state("RESERVED"):
            launches = self._launches(firework)
            if not any(launch["state"] == "RESERVED" for launch in launches) and self._lasts(
                "reserved", (firework["fw_id"], str(firework["updated_on"]))
            ):
                yield Lost(firework["fw_id"])

    def _machine_trouble(self, fireworks: list[dict[str, Any]]) -> Iterator[Lost]:
        of_each = self._launches_of(fireworks)
        for firework in fireworks:
            launches = of_each[firework["fw_id"]]
            ended = [launch for launch in launches if launch["state"] == "FIZZLED"]
            if not ended and "_exception_details" in firework["spec"]:
                continue  # it could not even be read: a failure, not an accident
            if not ended:
                yield Lost(firework["fw_id"], launches[-1] if launches else None)
            elif (ending := ending_of(self._readable(ended[-1]))) is not None:
                yield Lost(firework["fw_id"], ended[-1], ending)
            elif RETRY in firework["spec"] and self._may_go_on(firework, ended[-1]):
                yield Lost(firework["fw_id"], ended[-1], Ending(CALCULATION, last_line(exception_of(ended[-1])), own=False))

    def _may_go_on(self, firework: dict[str, Any], last: dict[str, Any]) -> bool:
        every = self._launches(firework, archived=True)
        return may_go_on(firework["spec"], [one for one in every if one["launch_id"] != last["launch_id"]])

    def _readable(self, launch: dict[str, Any]) -> dict[str, Any]:
        """`launch`; if FireWorks put its end aside, since a traceback held a whole record, with that end made short."""
        if "gridfs_id" not in (launch.get("action") or {}):
            return launch
        from fireworks import FWAction
        from fireworks.core.launchpad import get_action_from_gridfs

        whole = get_action_from_gridfs(launch["action"], self.farm.launchpad.gridfs_fallback)
        told = {"_message": "runtime error during task", "_task": None, "_exception": shortened(exception_of({"action": whole}))}
        self.farm.launchpad.complete_launch(launch["launch_id"], FWAction(stored_data=told, exit=True), "FIZZLED")
        return {**launch, "action": {"stored_data": told}}

    def of_host(self, host: str) -> list[Lost]:
        """What runs on `host`, by anybody; of this host only what is dead."""
        here = host == host_name()
        self._beats = self.listener.beats()
        found = []
        for firework in self._in_state("RUNNING"):
            launches = [launch for launch in self._launches(firework) if launch["state"] == "RUNNING"]
            if not launches or place(launches[-1])[0] != host:
                continue
            if not here:
                found.append(Lost(firework["fw_id"], launches[-1], HOST_GONE))
            elif (ending := self._end_of(launches[-1])) is not None:
                found.append(Lost(firework["fw_id"], launches[-1], ending))
        return found

    def hosts(self) -> Counter[str]:
        """How many jobs run on each host, by anybody."""
        running = (launch for one in self._in_state("RUNNING") for launch in self._launches(one))
        return Counter(place(launch)[0] for launch in running if launch["state"] == "RUNNING")

    def rescue(self, host: str) -> list[int]:
        """Put back what runs on a host of which somebody says that it is gone; return the numbers of the fireworks."""
        locked = self._unlock(host)
        return [one.fw_id for one in self.of_host(host) if one.fw_id not in locked and self._settle(one)]

    def _firework(self, fw_id: int) -> dict[str, Any]:
        return self.farm.launchpad.fireworks.find_one({"fw_id": fw_id}, {"launches": 1, "archived_launches": 1}) or {}

    def _in_state(self, state: str) -> list[dict[str, Any]]:
        return list(self.farm.launchpad.fireworks.find({"state": state}, _FIREWORK))

    def _launches(self, firework: dict[str, Any], *, archived: bool = False) -> list[dict[str, Any]]:
        numbers = firework.get("launches", []) + (firework.get("archived_launches", []) if archived else [])
        found = self.farm.launchpad.launches.find({"launch_id": {"$in": numbers}}, _LAUNCH)
        return sorted(found, key=lambda one: one["launch_id"])

    def _launches_of(self, fireworks: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
        """The launches of each, by its number, oldest first."""
        numbers = {number: one["fw_id"] for one in fireworks for number in one.get("launches", [])}
        found: dict[int, list[dict[str, Any]]] = {one["fw_id"]: [] for one in fireworks}
        for launch in self.farm.find(self.farm.launchpad.launches, "launch_id", numbers, _LAUNCH):
            found[numbers[launch["launch_id"]]].append(launch)
        return {fw_id: sorted(every, key=lambda one: one["launch_id"]) for fw_id, every in found.items()}

    def _end_of(self, launch: dict[str, Any]) -> Ending | None:
        """How a launch ended that is RUNNING, if it is not run any more: nobody could say so."""
        _, process = place(launch)
        if process is None:
            return None
        if launch.get("delivered"):
            return DELIVERED
        beat = self._beats.get(str(process))
        if process == self.worker or (beat.here if beat else process.is_here()):
            return self._ended_here(launch, process, beat)
        if beat is not None and (beat.silent or beat.gone):
            return SILENT if beat.silent else GONE
        return None

    def _ended_here(self, launch: dict[str, Any], process: ProcessName, beat: Beat | None) -> Ending | None:
        mine = process == self.worker
        if not mine and process.lives():
            return LEFT if beat is not None and beat.left(launch["launch_id"]) else None
        if (Path(launch.get("launch_dir") or "/nowhere") / DRAIN_NOTE).exists():
            return DRAINED
        if mine:
            return AWAY
        return OOM_KILLED if beat is not None and beat.out_of_memory else KILLED


def place(launch: dict[str, Any]) -> tuple[str, ProcessName | None]:
    """The host of a launch, and the process if one of our workers runs it."""
    process = ProcessName.parse((launch.get("fworker") or {}).get("name") or "")
    return (process.host if process else launch.get("host") or "?"), process
