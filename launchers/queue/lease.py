"""A lease: one process at a time does what it names, and one that died is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from launchers.farm import Farm

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
    """The lease of that name; None if another holds it. It is given back at the end."""
    lease = Lease(farm, name, uuid4().hex, lasts)
    taken = _take(lease)
    try:
        yield lease if taken else None
    finally:
        if taken:
            farm.leases.update_one({"_id": name, "by": lease.token}, {"$set": {"until": None}})


def _take(lease: Lease) -> bool:
    leases, now = lease.farm.leases, datetime.now(UTC)
    mine = {"by": lease.token, "until": now + lease.lasts}
    free = {"_id": lease.name, "$or": [{"until": None}, {"until": {"$lt": now}}]}
    if leases.update_one(free, {"$set": mine}).matched_count:
        return True
    try:
        leases.insert_one({"_id": lease.name, **mine})
    except DuplicateKeyError:
        return False
    return True
