"""The schedulers that there are, and the allocation that this process is in.

FireWorks' own count of a user's jobs (`get_njobs_in_queue`) counts those of others too: jobs are asked for by name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from launchers.machines.lsf import LSF
from launchers.machines.pbs import PBS
from launchers.machines.protocol import Scheduler
from launchers.machines.sge import SGE
from launchers.machines.slurm import Slurm

SCHEDULERS: dict[str, Scheduler] = {one.kind: one for one in (Slurm(), PBS(), LSF(), SGE())}


AT_THE_END_S = 60.0  # before an allocation ends, its workers put back what they have in hand


@dataclass(frozen=True)
class Place:
    """The allocation that a process is in: its scheduler and its number there."""

    scheduler: str
    job_id: str

    def __str__(self) -> str:
        return f"{self.scheduler}:{self.job_id}"


def here(environ: Mapping[str, str] = os.environ) -> Place | None:
    """The allocation that this process is in; None outside of all."""
    for kind, one in SCHEDULERS.items():
        number = environ.get(one.variable, "").partition(".")[0]
        if number and (kind != "sge" or "SGE_ROOT" in environ):  # others name their jobs so too
            return Place(kind, number)
    return None


def end_time(environ: Mapping[str, str] = os.environ, *, as_it_began: bool = True) -> float | None:
    """The Unix time at which the allocation of this process ends; None outside of one, or where nobody knows.

    It may be extended or made shorter while a job runs: then not `as_it_began`, the scheduler itself says it.

    Raises:
        Unanswered: the scheduler did not answer; ask again.
    """
    place = here(environ)
    if place is None:
        return None
    said = environ.get("SLURM_JOB_END_TIME", "")
    if as_it_began and place.scheduler == "slurm" and said.isdigit():
        return float(said)
    return SCHEDULERS[place.scheduler].end(place.job_id)


def stop_time(*, as_it_began: bool = True) -> float | None:
    """When workers have to stop, a little before the end of the allocation.

    Raises:
        Unanswered: the scheduler did not answer; ask again.
    """
    ends = end_time(as_it_began=as_it_began)
    return None if ends is None else ends - AT_THE_END_S
