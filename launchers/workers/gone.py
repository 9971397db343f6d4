"""Which allocations are gone, of slots that are not heard of: as their own scheduler says, where it answers."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from launchers.farm import Farm, server_time
from launchers.machines.answers import State, Unanswered
from launchers.machines.owner import OwnedJob, Owner, Owners
from launchers.machines.scheduler import SCHEDULERS

ASK_S = 30.0  # between two questions to one scheduler for one user, by whoever asks of all nodes
PATIENCE_S = 20.0


@dataclass
class GoneAllocations:
    """Asks the scheduler of this machine, for this user; of others' allocations it says nothing (`AllocationsGone`)."""

    farm: Farm
    owners: Owners = field(default_factory=Owners)

    def __call__(self, asked: Set[OwnedJob]) -> set[OwnedJob]:
        gone: set[OwnedJob] = set()
        for owner in {one.owner for one in asked}:
            if self.owners.mine(owner.scheduler) == owner and self._is_due(owner):
                gone |= _gone({one for one in asked if one.owner == owner}, owner.scheduler)
        return gone

    def _is_due(self, owner: Owner) -> bool:
        """Whether nobody has asked for a while; then this process does."""
        now = server_time(self.farm)
        due = {"_id": f"gone {owner.scheduler} {owner.cluster} {owner.user}", "until": {"$lt": now}}
        try:
            return self.farm.leases.update_one(due, {"$set": {"until": now + timedelta(seconds=ASK_S)}}, upsert=True).acknowledged
        except DuplicateKeyError:
            return False


def _gone(asked: set[OwnedJob], scheduler: str) -> set[OwnedJob]:
    try:
        listed = SCHEDULERS[scheduler].listed(sorted(one.job_id for one in asked), PATIENCE_S)
    except Unanswered as error:
        print(f"nobody says which allocations have ended: {error}", flush=True)
        return set()
    # one that waits was put back into the queue of its scheduler, without the processes that it had
    running = {job.id for job in listed if job.state is State.RUNNING}
    return {one for one in asked if one.job_id not in running}
