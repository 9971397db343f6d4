"""Locks of workflows: FireWorks waits five minutes for one that a dead process left; a worker here does not.

FireWorks asks only whether there is a lock. Ours says which process holds it: whether that lives is known on its host.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fireworks.core.launchpad import WFLock

from launchers.queue.processes import holder, is_left

if TYPE_CHECKING:
    from fireworks import LaunchPad

PAUSE_S = 0.5


class PatientLock(WFLock):
    """A lock is held for milliseconds: one that stays `patience_s` on an unchanged workflow is taken over, and one whose
    process is dead at once.

    Who takes it over puts a word of its own in place of the lock, so that of several only one does.
    """

    patience_s = 30.0

    def __enter__(self) -> None:
        self._left_over: list[int] = []
        pause, seen, since = 0.01, None, time.monotonic()
        while not self._take_free():
            held = self.lp.workflows.find_one({"nodes": self.fw_id}, {"locked": 1, "updated_on": 1, "nodes": 1})
            if held is None:
                raise ValueError(f"no workflow has firework {self.fw_id}")
            now = held.get("locked"), held.get("updated_on")
            if now != seen:
                seen, since = now, time.monotonic()
            if (is_left(held.get("locked")) or time.monotonic() - since >= self.patience_s) and self._take_over(held):
                return
            time.sleep(pause)
            pause = min(2 * pause, PAUSE_S)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self._left_over:
            finish(self.lp, self._left_over)

    def _take_free(self) -> bool:
        free = {"nodes": self.fw_id, "locked": {"$exists": False}}
        return self.lp.workflows.find_one_and_update(free, {"$set": {"locked": holder()}}, {"_id": 1}) is not None

    def _take_over(self, held: dict[str, Any]) -> bool:
        if "locked" not in held:
            return False
        unchanged = {name: held.get(name) for name in ("_id", "locked", "updated_on")}
        taken = self.lp.workflows.update_one(unchanged, {"$set": {"locked": holder()}}).modified_count == 1
        self._left_over = held["nodes"] if taken else []
        return taken


def rerun(launchpad: LaunchPad, fw_id: int, launch_id: int | None, patience_s: float) -> bool:
    """Put a firework back into the queue if this launch still runs it, or (None) if none does; False if that has changed.

    FireWorks' own `rerun_fw` looks at nothing: of two that put the same launch back, the second would take the work away
    from who has it by then.
    """
    launchpad.fireworks.update_one({"fw_id": fw_id}, {"$unset": {"spec._recovery": ""}})
    kind = type("PatientLock", (PatientLock,), {"patience_s": patience_s})
    with kind(launchpad, fw_id):
        if not _still(launchpad, fw_id, launch_id):
            return False
        workflow = launchpad.get_wf_by_fw_id_lzyfw(fw_id)
        launchpad._update_wf(workflow, workflow.rerun_fw(fw_id))
    return True


def _still(launchpad: LaunchPad, fw_id: int, launch_id: int | None) -> bool:
    firework = launchpad.fireworks.find_one({"fw_id": fw_id}, {"launches": 1, "state": 1})
    if firework is None or firework["state"] in ("WAITING", "READY", "PAUSED", "DEFUSED", "ARCHIVED", "COMPLETED"):
        return False
    runs = {"launch_id": {"$in": firework["launches"]}, "state": "RUNNING"}
    if launch_id is None:
        return launchpad.launches.find_one(runs, {"_id": 1}) is None
    if launch_id not in firework["launches"]:
        return False
    return launchpad.launches.find_one({"launch_id": launch_id, "state": "COMPLETED"}, {"_id": 1}) is None


def finish(launchpad: LaunchPad, nodes: list[int]) -> None:
    """Finish the update of a workflow that the holder of its lock had begun."""
    ended = {"fw_id": {"$in": nodes}, "state": {"$in": ["COMPLETED", "FIZZLED"]}}
    for firework in list(launchpad.fireworks.find(ended, {"fw_id": 1})):
        launchpad._refresh_wf(firework["fw_id"])


@contextmanager
def patient_locks(patience_s: float) -> Iterator[None]:
    """Within it, FireWorks in this process takes locks so: it has no other way to be told."""
    from fireworks.core import launchpad

    before = launchpad.WFLock
    launchpad.WFLock = type("PatientLock", (PatientLock,), {"patience_s": patience_s})
    try:
        yield
    finally:
        launchpad.WFLock = before
