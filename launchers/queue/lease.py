"""A lease: one process at a time does what it names, and one that died is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from launchers.farm import Farm
from launchers.queue.processes import holder, is_left

LASTS = timedelta(minutes=3)  # longer than a scheduler may take to answer


@dataclass(frozen=True)
class Lease:
    """One that is held, as long as it is renewed in time."""

    farm: Farm
    name: str
    token: str
    lasts: timedelta

    def renew(self) -> bool:
        """Whether it is still ours; then for as long again."""
        mine = {"_id": self.name, "by": self.token}
        return self.farm.leases.update_one(mine, {"$set": {"until": datetime.now(UTC) + self.lasts}}).matched_count == 1


@contextmanager
def sole(farm: Farm, name: str, lasts: timedelta = LASTS) -> Iterator[Lease | None]:
    """The lease of that name; None if another holds it. It is given back at the end.

    One whose process is known to be dead is free at once, as where the database was away when it ended.
    """
    lease = Lease(farm, name, holder(), lasts)
    taken = _take(lease)
    try:
        yield lease if taken else None
    finally:
        if taken:
            farm.leases.update_one({"_id": name, "by": lease.token}, {"$set": {"until": None}})


def _take(lease: Lease) -> bool:
    leases, now = lease.farm.leases, datetime.now(UTC)
    mine = {"by": lease.token, "until": now + lease.lasts}
    held = leases.find_one({"_id": lease.name}, {"by": 1}) or {}
    left = [{"by": held["by"]}] if is_left(held.get("by")) else []
    free = {"_id": lease.name, "$or": [{"until": None}, {"until": {"$lt": now}}, *left]}
    if leases.update_one(free, {"$set": mine}).matched_count:
        return True
    try:
        leases.insert_one({"_id": lease.name, **mine})
    except DuplicateKeyError:
        return False
    return True
