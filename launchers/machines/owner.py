"""Whose allocations a scheduler is asked for: those of this user on this cluster."""

from __future__ import annotations

import getpass
import time
from dataclasses import dataclass, field

from launchers.machines.allocations import Allocation
from launchers.machines.answers import TIMEOUT_S, Unanswered
from launchers.machines.scheduler import SCHEDULERS

AGAIN_S = 300.0  # until who did not answer is asked again
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Owner:
    """A user of a cluster; its scheduler knows nothing of another's jobs, and must not be believed of them."""

    scheduler: str
    cluster: str
    user: str

    def has(self, one: Allocation) -> bool:
        return (one.scheduler, one.cluster, one.user) == (self.scheduler, self.cluster, self.user)


@dataclass(frozen=True)
class OwnedJob:
    """A job of a scheduler, and whose it is."""

    owner: Owner
    job_id: str


def who(scheduler: str, timeout_s: float = TIMEOUT_S) -> Owner:
    """This user, on the cluster of this machine.

    Raises:
        Unanswered: the scheduler did not say which it is.
    """
    return Owner(scheduler, SCHEDULERS[scheduler].cluster(timeout_s), getpass.getuser())


@dataclass
class Owners:
    """This user to each scheduler: asked for once by the process that keeps this, which stays on its cluster."""

    _known: dict[str, tuple[Owner | None, float]] = field(default_factory=dict)

    def mine(self, scheduler: str) -> Owner | None:
        """None where it is not here, did not answer (it is asked again later), or has no name for its cluster."""
        owner, asked = self._known.get(scheduler, (None, -AGAIN_S))
        if owner is None and time.monotonic() - asked >= AGAIN_S:
            try:
                owner = who(scheduler, PATIENCE_S)
            except (Unanswered, OSError, KeyError):  # the last two: this user has no name
                owner = None
            self._known[scheduler] = owner, time.monotonic()
        return owner if owner is not None and owner.cluster else None
