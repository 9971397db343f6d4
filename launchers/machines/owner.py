"""Whose allocations a scheduler is asked for: those of this user on this cluster."""

from __future__ import annotations

import getpass
from dataclasses import dataclass

from launchers.machines.allocations import Allocation
from launchers.machines.answers import TIMEOUT_S
from launchers.machines.scheduler import SCHEDULERS


@dataclass(frozen=True)
class Owner:
    """A user of a cluster; its scheduler knows nothing of another's jobs, and must not be believed of them."""

    scheduler: str
    cluster: str
    user: str

    def has(self, one: Allocation) -> bool:
        return (one.scheduler, one.cluster, one.user) == (self.scheduler, self.cluster, self.user)


def who(scheduler: str, timeout_s: float = TIMEOUT_S) -> Owner:
    """This user, on the cluster of this machine.

    Raises:
        Unanswered: the scheduler did not say which it is.
    """
    return Owner(scheduler, SCHEDULERS[scheduler].cluster(timeout_s), getpass.getuser())
