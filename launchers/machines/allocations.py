"""The allocations that were asked for: a claim before each is submitted, and what became of it.

The document is written under a name of the allocation's own before the scheduler is asked; the same name is the job's.
So what was submitted by a process that died at once is found by its name, and what was not, is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import uuid4

from launchers.farm import Farm
from launchers.machines.answers import Job, State

CLAIMED, SUBMITTING, VOID = "claimed", "submitting", "void"
LIVE = (CLAIMED, SUBMITTING, str(State.PENDING), str(State.RUNNING))
GRACE_S = 300.0  # sbatch itself tries for two minutes where it is told to wait; from a claim, or from a submission, until a scheduler that does not know the job is believed


@dataclass(frozen=True)
class Allocation:
    """One allocation, as the database keeps it under its `name`.

    `state` is `claimed`, `submitting`, `void` (it never was), or one of `State`; `word` and `reason` are the scheduler's.
    Times are Unix times, `cores` and `nodes` are those of all, `asked_by` says which part of the ready work each campaign
    asked for, `digest` is that of its script.
    """

    name: str
    scheduler: str
    cluster: str
    user: str
    site: str
    kind: str
    nodes: int
    cores: int
    slots: int
    walltime_s: int
    host: str
    folder: str
    digest: str
    asked_by: dict[str, float]
    claimed: float
    state: str = CLAIMED
    job_id: str | None = None
    submitted: float | None = None
    started: float | None = None
    ended: float | None = None
    seen: float | None = None
    word: str = ""
    reason: str = ""

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def ends(self) -> float:
        """When it has to end, as a Unix time; 0 where that is not known."""
        return self.started + self.walltime_s if self.started is not None else 0.0

    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def failed_at_once(self) -> bool:
        """Whether its script failed within a minute, as far as the scheduler says it (Slurm, LSF)."""
        return self.word in ("FAILED", "EXIT") and self.hours * 3600 < 60

    @property
    def hours(self) -> float:
        """How long it lasted; one that waits or runs counts with its whole walltime."""
        if self.is_live:
            return self.walltime_s / 3600
        if self.started is None or self.ended is None:
            return 0.0
        return min(max(self.ended - self.started, 0.0), 2 * self.walltime_s) / 3600

    @property
    def core_hours(self) -> float:
        return self.hours * self.cores

    @property
    def node_hours(self) -> float:
        return self.hours * self.nodes


def new_name() -> str:
    """One of its own; no longer than the oldest PBS takes."""
    return f"lf-{uuid4().hex[:12]}"


def claim(farm: Farm, one: Allocation) -> None:
    """Say that it is about to be submitted."""
    document = asdict(one)
    farm.allocations.insert_one({"_id": document.pop("name"), **document})


def move(farm: Farm, name: str, before: str, after: str, **facts: Any) -> bool:
    """From one state to another; False where it is not in the first any more."""
    done = farm.allocations.update_one({"_id": name, "state": before}, {"$set": {"state": after, **facts}})
    return done.matched_count == 1


def of_site(farm: Farm, scheduler: str, site: str) -> list[Allocation]:
    """All that were asked for, oldest first."""
    return _read(farm.allocations.find({"scheduler": scheduler, "site": site}).sort("claimed", 1))


def live(farm: Farm) -> list[Allocation]:
    """Those of all sites that wait or run, oldest first."""
    return _read(farm.allocations.find({"state": {"$in": list(LIVE)}}).sort("claimed", 1))


def all_of(farm: Farm) -> list[Allocation]:
    """Those of all sites, also those that have ended."""
    return _read(farm.allocations.find({"state": {"$ne": VOID}}))


def _read(documents: Iterable[dict[str, Any]]) -> list[Allocation]:
    known = Allocation.__dataclass_fields__.keys()
    return [
        Allocation(name=one["_id"], **{name: value for name, value in one.items() if name in known}) for one in documents
    ]


def as_seen(found: Iterable[Allocation], jobs: Mapping[str, Job], now: float) -> list[Allocation]:
    """What is found as the scheduler has it now; nothing is written down."""
    return [replace(one, **facts_of(one, jobs, now)) if one.is_live else one for one in found]


def facts_of(one: Allocation, jobs: Mapping[str, Job], now: float) -> dict[str, Any]:
    """What an answer of the scheduler changes of an allocation that was live: the fields and their new values."""
    job = jobs.get(one.name)
    if job is not None:
        known = {"job_id": job.id, "state": str(job.state), "word": job.word, "reason": job.reason, "seen": now}
        if job.state is not State.PENDING:
            known["started"] = job.started or one.started or now
        if job.state is State.ENDED:
            known["ended"] = job.ends or now
            if job.ends is not None and job.started is not None and job.started >= job.ends:
                known["started"] = job.ends  # cancelled before it began
        return known
    if now - (one.submitted or one.claimed) < GRACE_S:
        return {}
    if one.job_id is None:
        return {"state": VOID, "seen": now}
    # it ended since it was seen: at the latest at its walltime
    started = one.started or one.seen or one.submitted or one.claimed
    ended = min(now, started + one.walltime_s)
    return {"state": str(State.ENDED), "started": started, "ended": ended, "seen": now, "word": "gone", "reason": ""}


def keep(farm: Farm, found: Iterable[Allocation], jobs: Mapping[str, Job], now: float) -> list[Allocation]:
    """Write down what the scheduler says of live allocations; return all of `found` as they are now."""
    current = []
    for one in found:
        facts = facts_of(one, jobs, now) if one.is_live else {}
        if facts and move(farm, one.name, one.state, facts.pop("state"), **facts):
            current += _read(farm.allocations.find({"_id": one.name}))
        else:
            current.append(one)
    return current
