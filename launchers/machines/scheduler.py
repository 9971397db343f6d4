"""The schedulers that there are, and the allocation that this process is in.

FireWorks' own count of a user's jobs (`get_njobs_in_queue`) counts those of others too: jobs are asked for by name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from launchers.machines.answers import TIMEOUT_S, Answer, Job
from launchers.machines.lsf import LSF
from launchers.machines.pbs import PBS
from launchers.machines.sge import SGE
from launchers.machines.site import ResourceClass
from launchers.machines.slurm import Slurm


class Scheduler(Protocol):
    """What each of them is asked. `variable` holds the number of the job that a process is in."""

    kind: str
    fireworks_name: str
    submit: str
    variable: str

    def jobs(self, allocations: Mapping[str, str | None], timeout_s: float = TIMEOUT_S) -> dict[str, Job]:
        """Those of `allocations` (names, and job ids where known) that it knows, by name."""
        ...

    def cluster(self, timeout_s: float = TIMEOUT_S) -> str:
        """The name of the cluster."""
        ...

    def end(self, job_id: str) -> float | None:
        """The Unix time at which a job has to end."""
        ...

    def keys(self, one: ResourceClass) -> dict[str, str | int]:
        """Keys of the template for one allocation."""
        ...

    def on_each_node(self, one: ResourceClass) -> str:
        """What starts a command once on each node of an allocation."""
        ...

    def withdraw(self, job_id: str) -> None:
        """Cancel a job; if it cannot be done, it stays."""
        ...

    def lacks(self, partition: str) -> str:
        """What is said of a partition that there is not; empty if there is."""
        ...

    def trial(self, path: str) -> list[str] | None:
        """The command that tells whether a script would be taken; None where there is none."""
        ...

    def refusal(self, answer: Answer) -> str:
        """Why it took no job, in one line."""
        ...


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


def end_time(environ: Mapping[str, str] = os.environ) -> float | None:
    """The Unix time at which the allocation of this process ends; None outside of one, or where nobody knows.

    It may be extended while a job runs: ask again now and then.

    Raises:
        Unanswered: the scheduler did not answer; ask again.
    """
    place = here(environ)
    if place is None:
        return None
    said = environ.get("SLURM_JOB_END_TIME", "")
    if place.scheduler == "slurm" and said.isdigit():
        return float(said)
    return SCHEDULERS[place.scheduler].end(place.job_id)
