"""Rescue: work that a dead process, a dead database or a drain left behind goes back into the queue.

A minimal reaper. It looks only at what is in hand (RUNNING, RESERVED, locked) and at FIZZLED fireworks, never
at the whole queue. Running again is safe: a job whose record exists returns it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from launchers.farm import Farm
from launchers.launchpad import is_machine_trouble
from launchers.processes import ProcessName


@dataclass
class Reaper:
    """Looks again and again; what is only slow is told from what is dead by looking twice, `patience_s` apart."""

    farm: Farm
    patience_s: float = 30.0
    _seen: dict[tuple[str, Any], float] = field(default_factory=dict)

    def reap(self) -> list[int]:
        """Put lost work back; return the numbers of the fireworks that were rescued."""
        locked = self._unlock()
        lost = [*self._running(locked), *self._reserved(), *self._machine_trouble()]
        rescued = [fw_id for fw_id in lost if fw_id not in locked]
        for fw_id in rescued:
            self.farm.launchpad.rerun_fw(fw_id)
        return rescued

    def _lasts(self, what: str, which: Any) -> bool:
        """Whether `which` has been seen like this for longer than the patience."""
        first = self._seen.setdefault((what, which), time.monotonic())
        return time.monotonic() - first >= self.patience_s

    def _unlock(self) -> set[int]:
        """A lock is held for milliseconds; one that stays, on an unchanged workflow, is of a dead process.

        Returns the nodes that are still locked: to touch them now would mean to wait for the lock.
        """
        held: set[int] = set()
        locked = list(self.farm.launchpad.workflows.find({"locked": True}, {"nodes": 1, "updated_on": 1}))
        for workflow in locked:
            if self._lasts("locked", (workflow["nodes"][0], str(workflow["updated_on"]))):
                self.farm.launchpad.workflows.update_one({"_id": workflow["_id"]}, {"$unset": {"locked": True}})
                self._refresh(workflow["nodes"])
            else:
                held.update(workflow["nodes"])
        return held

    def _refresh(self, nodes: list[int]) -> None:
        """Finish the update that the holder of the lock had begun."""
        done = {"fw_id": {"$in": nodes}, "state": {"$in": ["COMPLETED", "FIZZLED"]}}
        for firework in list(self.farm.launchpad.fireworks.find(done, {"fw_id": 1})):
            self.farm.launchpad._refresh_wf(firework["fw_id"])

    def _running(self, locked: set[int]) -> Iterator[int]:
        for firework in self._in_state("RUNNING"):
            launches = self._launches(firework)
            running = [launch for launch in launches if launch["state"] == "RUNNING"]
            if any(launch["state"] == "COMPLETED" for launch in launches):
                # killed between the launch's end and the workflow's: nothing is to be run again
                if firework["fw_id"] not in locked and self._lasts("ended", firework["fw_id"]):
                    self.farm.launchpad._refresh_wf(firework["fw_id"])
            elif all(self._is_dead(launch) for launch in running) and (
                running or self._lasts("running", firework["fw_id"])
            ):
                yield firework["fw_id"]

    def _reserved(self) -> Iterator[int]:
        """A checkout sets RESERVED before its launch exists; a reservation by `qlaunch` has one."""
        for firework in self._in_state("RESERVED"):
            launches = self._launches(firework)
            if not any(launch["state"] == "RESERVED" for launch in launches) and self._lasts(
                "reserved", (firework["fw_id"], str(firework["updated_on"]))
            ):
                yield firework["fw_id"]

    def _machine_trouble(self) -> Iterator[int]:
        for firework in self._in_state("FIZZLED"):
            ended = [launch for launch in self._launches(firework) if launch["state"] == "FIZZLED"]
            if not ended and "_exception_details" in firework["spec"]:
                continue  # it could not even be read: a failure, not an accident
            if not ended or is_machine_trouble(ended[-1]):
                yield firework["fw_id"]

    def _in_state(self, state: str) -> list[dict[str, Any]]:
        fields = {"fw_id": 1, "launches": 1, "updated_on": 1, "spec._exception_details": 1}
        return list(self.farm.launchpad.fireworks.find({"state": state}, fields))

    def _launches(self, firework: dict[str, Any]) -> list[dict[str, Any]]:
        fields = {"state": 1, "host": 1, "fworker.name": 1, "launch_id": 1, "action.stored_data._exception": 1}
        query = {"launch_id": {"$in": firework["launches"]}}
        return sorted(self.farm.launchpad.launches.find(query, fields), key=lambda one: one["launch_id"])

    @staticmethod
    def _is_dead(launch: dict[str, Any]) -> bool:
        process = ProcessName.parse((launch.get("fworker") or {}).get("name") or "")
        return process is not None and process.is_here() and not process.lives()
